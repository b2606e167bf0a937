package block_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// write makes a block in memory.
func write(t testing.TB, rows []tomo.Settled, o block.Options) (block.Info, []byte) {
	t.Helper()
	var file bytes.Buffer
	info, err := block.Write(&file, rows, o)
	if err != nil {
		t.Fatal(err)
	}
	if info.Bytes != int64(file.Len()) {
		t.Fatalf("Info says %d bytes, the file has %d", info.Bytes, file.Len())
	}
	return info, file.Bytes()
}

func open(t testing.TB, file []byte) *block.Block {
	t.Helper()
	b, err := block.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	genText     = rapid.OneOf(rapid.SampledFrom([]string{"", "api", "web", "GET", "Datenbank für Bücher"}), rapid.String())
	genTime     = rapid.Custom(func(t *rapid.T) tomo.Time { return tomo.Time(rapid.Int64Range(-1e12, 1e16).Draw(t, "time")) })
	genDuration = rapid.Custom(func(t *rapid.T) time.Duration {
		us := rapid.Int64Range(-1, 1e12).Draw(t, "duration")
		if us < 0 {
			return tomo.Absent
		}
		return time.Duration(us) * time.Microsecond
	})
	genNodes   = rapid.Custom(func(t *rapid.T) []int { return few(t, rapid.IntRange(0, 100), 4) })
	genOutcome = rapid.SampledFrom([]tomo.Outcome{tomo.OutcomeOK, tomo.OutcomeError, tomo.OutcomeThrottle, tomo.OutcomeFault})
	genStatus  = rapid.SampledFrom([]int{0, 200, 404, 429, 503, 1 << 40, -3})
	genID      = rapid.Custom(func(t *rapid.T) (id tomo.TraceID) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		return id
	})
	genValue = rapid.Custom(func(t *rapid.T) tomo.Value {
		switch kind := rapid.SampledFrom([]tomo.ValueKind{tomo.StringValue, tomo.NumberValue, tomo.BoolValue}).Draw(t, "kind"); kind {
		case tomo.StringValue:
			return tomo.Value{Kind: kind, String: genText.Draw(t, "string")}
		case tomo.NumberValue:
			return tomo.Value{Kind: kind, Number: rapid.Float64().Draw(t, "number")}
		default:
			return tomo.Value{Kind: kind, Bool: rapid.Bool().Draw(t, "bool")}
		}
	})
)

// few draws a list of at most n; an empty one is nil, as it is read back.
func few[T any](t *rapid.T, g *rapid.Generator[T], n int) []T {
	list := rapid.SliceOfN(g, 0, n).Draw(t, "list")
	if len(list) == 0 {
		return nil
	}
	return list
}

var genSettled = rapid.Custom(func(t *rapid.T) tomo.Settled {
	flag := func() bool { return rapid.Bool().Draw(t, "flag") }
	s := &tomo.Summary{
		ID:           genID.Draw(t, "id"),
		Start:        genTime.Draw(t, "start"),
		Began:        genTime.Draw(t, "began"),
		Received:     genTime.Draw(t, "received"),
		Duration:     genDuration.Draw(t, "duration"),
		ResponseTime: genDuration.Draw(t, "response time"),
		Revision:     rapid.Int().Draw(t, "revision"),
		Documents:    rapid.IntRange(0, 9).Draw(t, "documents"),
		HasFault:     flag(), HasError: flag(), HasThrottle: flag(), IsPartial: flag(), LimitExceeded: flag(),
		HTTP: tomo.HTTP{
			Method: genText.Draw(t, "method"), URL: genText.Draw(t, "url"), UserAgent: genText.Draw(t, "agent"),
			ClientIP: genText.Draw(t, "ip"), Status: genStatus.Draw(t, "status"), ForwardedFor: flag(), Traced: flag(),
		},
		EntryPoint: rapid.IntRange(-1, 5).Draw(t, "entry point"),
		Nodes: few(t, rapid.Custom(func(t *rapid.T) tomo.Node {
			return tomo.Node{
				NodeID: tomo.NodeID{Name: genText.Draw(t, "name"), Type: genText.Draw(t, "type"), Account: genText.Draw(t, "account")},
				State:  rapid.SampledFrom([]tomo.State{tomo.StateActive, tomo.StateUnknown, tomo.StatePassive}).Draw(t, "state"),
				Root:   rapid.Bool().Draw(t, "root"), Region: genText.Draw(t, "region"),
			}
		}), 5),
		Annotations: few(t, rapid.Custom(func(t *rapid.T) tomo.SummaryAnnotation {
			return tomo.SummaryAnnotation{
				Annotation: tomo.Annotation{Key: genText.Draw(t, "key"), Value: genValue.Draw(t, "value")},
				Nodes:      genNodes.Draw(t, "nodes"),
			}
		}), 5),
		Users: few(t, rapid.Custom(func(t *rapid.T) tomo.User {
			return tomo.User{Name: genText.Draw(t, "name"), Nodes: genNodes.Draw(t, "nodes")}
		}), 3),
		ResourceARNs:      few(t, genText, 3),
		InstanceIDs:       few(t, genText, 3),
		AvailabilityZones: few(t, genText, 3),
	}
	node := rapid.IntRange(0, max(0, len(s.Nodes)-1))
	if len(s.Nodes) > 0 {
		s.Units = few(t, rapid.Custom(func(t *rapid.T) tomo.Unit {
			u := tomo.Unit{
				Node: node.Draw(t, "node"), Received: genTime.Draw(t, "received"), Start: genTime.Draw(t, "start"), End: genTime.Draw(t, "end"),
				ResponseTime: genDuration.Draw(t, "response time"), Duration: genDuration.Draw(t, "duration"),
				Outcome: genOutcome.Draw(t, "outcome"), Status: genStatus.Draw(t, "status"),
				Inferred: rapid.Bool().Draw(t, "inferred"),
			}
			u.Open = u.ResponseTime == tomo.Absent || u.Duration == tomo.Absent
			return u
		}), 8)
		s.Calls = few(t, rapid.Custom(func(t *rapid.T) tomo.Call {
			c := tomo.Call{
				From: node.Draw(t, "from"), To: node.Draw(t, "to"), Received: genTime.Draw(t, "received"),
				ResponseTime: genDuration.Draw(t, "response time"), Outcome: genOutcome.Draw(t, "outcome"),
				Status: genStatus.Draw(t, "status"), AliasName: genText.Draw(t, "alias"), AliasType: genText.Draw(t, "alias type"),
			}
			c.Open = c.ResponseTime == tomo.Absent
			return c
		}), 8)
	}
	docs := few(t, rapid.Custom(func(t *rapid.T) tomo.RawDocument {
		return tomo.RawDocument{
			Text:     rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "text"), // any bytes, UTF-8 or not
			Received: genTime.Draw(t, "received"),
		}
	}), 4)
	return tomo.Settled{Summary: s, Documents: docs}
})

// genOptions draws a row group size that makes one group or many.
var genOptions = rapid.Custom(func(t *rapid.T) block.Options {
	return block.Options{RowGroupSize: rapid.SampledFrom([]int64{0, 1}).Draw(t, "row group size")}
})

// TestRoundTrip: everything that is written comes back, by every way of asking.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(genSettled, 0, 20).Draw(t, "rows")
		var file bytes.Buffer
		info, err := block.Write(&file, rows, genOptions.Draw(t, "options")) // sorts rows
		if err != nil {
			t.Fatal(err)
		}
		b, err := block.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(info, b.Info()); diff != "" {
			t.Fatalf("Info: -written +read\n%s", diff)
		}
		if diff := cmp.Diff(infoOf(rows, info.Bytes), info); diff != "" {
			t.Fatalf("Info: -want +got\n%s", diff)
		}
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		to := rapid.IntRange(from, len(rows)).Draw(t, "to")
		settled, err := b.Settled(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows[from:to], settled); diff != "" {
			t.Fatalf("Settled(%d, %d): -want +got\n%s", from, to, diff)
		}
		summaries, err := b.Summaries(from, to)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := b.IDs()
		if err != nil {
			t.Fatal(err)
		}
		starts, err := b.Starts()
		if err != nil {
			t.Fatal(err)
		}
		received, err := b.Received()
		if err != nil {
			t.Fatal(err)
		}
		first, last, err := b.Ends()
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) != len(rows) || len(starts) != len(rows) || len(received) != len(rows) || len(first) != len(rows) || len(last) != len(rows) {
			t.Fatalf("%d ids, %d starts, %d received, %d and %d ends of %d rows", len(ids), len(starts), len(received), len(first), len(last), len(rows))
		}
		for i, row := range rows {
			if from <= i && i < to {
				if diff := cmp.Diff(row.Summary, summaries[i-from]); diff != "" {
					t.Fatalf("Summaries(%d, %d), row %d: -want +got\n%s", from, to, i, diff)
				}
			}
			docs, err := b.Documents(i)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.Documents, docs); diff != "" {
				t.Fatalf("Documents(%d): -want +got\n%s", i, diff)
			}
			if ids[i] != row.Summary.ID || starts[i] != row.Summary.Start || received[i] != row.Summary.Received {
				t.Fatalf("row %d has id %v, start %d, received %d", i, ids[i], starts[i], received[i])
			}
			ends := infoOf(rows[i:i+1], 0)
			if first[i] != ends.MinEnd || last[i] != ends.MaxEnd {
				t.Fatalf("row %d ends from %d to %d, want %d to %d", i, first[i], last[i], ends.MinEnd, ends.MaxEnd)
			}
			at, found, err := b.Find(ids[i])
			if err != nil || !found || ids[at] != ids[i] {
				t.Fatalf("Find(%v) = %d, %v, %v", ids[i], at, found, err)
			}
		}
		wantGraphs(t, b, rows)
	})
}

// infoOf is what Info has to say about the rows.
func infoOf(rows []tomo.Settled, size int64) block.Info {
	info := block.Info{
		Rows: len(rows), Bytes: size,
		MinStart: math.MaxInt64, MaxStart: math.MinInt64,
		MinReceived: math.MaxInt64, MaxReceived: math.MinInt64,
		MinReceipt: math.MaxInt64, MinEnd: math.MaxInt64, MaxEnd: math.MinInt64,
	}
	for _, row := range rows {
		s := row.Summary
		info.Documents += len(row.Documents)
		info.MinStart, info.MaxStart = min(info.MinStart, s.Start), max(info.MaxStart, s.Start)
		info.MinReceived, info.MaxReceived = min(info.MinReceived, s.Received), max(info.MaxReceived, s.Received)
		info.MinReceipt = min(info.MinReceipt, s.Received)
		for _, c := range s.Calls {
			info.MinReceipt = min(info.MinReceipt, c.Received)
		}
		for _, u := range s.Units {
			info.MinReceipt = min(info.MinReceipt, u.Received)
			if !u.Open && !u.Inferred {
				info.MinEnd, info.MaxEnd = min(info.MinEnd, u.End), max(info.MaxEnd, u.End)
			}
		}
	}
	return info
}

// wantGraphs holds the graphs of b against those of the rows, each made in one go
// for its minute.
func wantGraphs(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, b *block.Block, rows []tomo.Settled) {
	t.Helper()
	got, err := b.Graphs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[tomo.Time]*tomo.ServiceGraph{}
	for _, row := range rows {
		for _, m := range row.Summary.ReceiptMinutes() {
			want[m] = &tomo.ServiceGraph{}
		}
	}
	for m, g := range want {
		for _, row := range rows {
			g.Add(row.Summary, tomo.TimeRange{Start: m, End: m + tomo.Minute})
		}
		g.Sort()
	}
	compare := cmp.Options{
		cmp.Comparer(func(a, b tomo.Histogram) bool {
			x, _ := a.MarshalJSON()
			y, _ := b.MarshalJSON()
			return bytes.Equal(x, y)
		}),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".nodes" || p.Last().String() == ".edges" }, cmp.Ignore()),
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Fatalf("Graphs: -want +got\n%s", diff)
	}
}
