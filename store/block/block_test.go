package block_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/internal/testkit"
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
	genGroups = rapid.Custom(func(t *rapid.T) []string {
		list := few(t, rapid.SampledFrom([]string{"G1", "G2", "SLOW", "KLJ5R2FQ"}), 4)
		slices.Sort(list)
		return slices.Compact(list)
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
		HasFault:     flag(), HasError: flag(), HasThrottle: flag(), IsPartial: flag(), Completeness: tomo.Completeness(rapid.IntRange(0, 2).Draw(t, "completeness")), LimitExceeded: flag(),
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
		Groups:            genGroups.Draw(t, "groups"),
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
	return tomo.Settled{Summary: s, Documents: docs, Dropped: rapid.IntRange(0, 3).Draw(t, "dropped") == 0}
})

// split divides what was settled into rows and what was dropped.
func split(all []tomo.Settled) (rows, dropped []tomo.Settled) {
	rows = []tomo.Settled{}
	for _, s := range all {
		if s.Dropped {
			dropped = append(dropped, s)
		} else {
			rows = append(rows, s)
		}
	}
	return rows, dropped
}

// genOptions draws a row group size that makes one group or many.
var genOptions = rapid.Custom(func(t *rapid.T) block.Options {
	return block.Options{RowGroupSize: rapid.SampledFrom([]int64{0, 1}).Draw(t, "row group size")}
})

// difference is cmp.Diff for values that are large and mostly equal.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// TestRoundTrip: everything that is written comes back, by every way of asking.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(genSettled, 0, 20).Draw(t, "rows")
		var file bytes.Buffer
		info, err := block.Write(&file, all, genOptions.Draw(t, "options")) // sorts them
		if err != nil {
			t.Fatal(err)
		}
		b, err := block.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(info, b.Info()); diff != "" {
			t.Fatalf("Info: -written +read\n%s", diff)
		}
		if diff := difference(infoOf(all, info.Bytes), info); diff != "" {
			t.Fatalf("Info: -want +got\n%s", diff)
		}
		rows, _ := split(all)
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		to := rapid.IntRange(from, len(rows)).Draw(t, "to")
		settled, err := b.Settled(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(rows[from:to], settled); diff != "" {
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
				if diff := difference(row.Summary, summaries[i-from]); diff != "" {
					t.Fatalf("Summaries(%d, %d), row %d: -want +got\n%s", from, to, i, diff)
				}
			}
			docs, err := b.Documents(i)
			if err != nil {
				t.Fatal(err)
			}
			if diff := difference(row.Documents, docs); diff != "" {
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
		wantGraphs(t, b, all)
	})
}

// infoOf is what Info has to say about the rows.
func infoOf(all []tomo.Settled, size int64) block.Info {
	rows, dropped := split(all)
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
	if len(dropped) > 0 {
		info.Dropped = block.DroppedInfo{MinStart: math.MaxInt64, MaxStart: math.MinInt64, MinReceipt: math.MaxInt64, MaxReceipt: math.MinInt64}
	}
	d := &info.Dropped
	for _, row := range dropped {
		d.Traces++
		for _, doc := range row.Documents {
			d.Documents++
			d.Bytes += int64(len(doc.Text))
		}
		d.MinStart, d.MaxStart = min(d.MinStart, row.Summary.Start), max(d.MaxStart, row.Summary.Start)
		receipts := []tomo.Time{row.Summary.Received}
		for _, u := range row.Summary.Units {
			receipts = append(receipts, u.Received)
		}
		for _, c := range row.Summary.Calls {
			receipts = append(receipts, c.Received)
		}
		d.MinReceipt, d.MaxReceipt = min(d.MinReceipt, slices.Min(receipts)), max(d.MaxReceipt, slices.Max(receipts))
	}
	return info
}

// wantGraphs holds what b counted against what was settled, each graph made in
// one go for its minute.
func wantGraphs(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, b *block.Block, all []tomo.Settled) {
	t.Helper()
	rows, dropped := split(all)
	for _, group := range []string{"", "G1", "G2", "SLOW", "KLJ5R2FQ", "nobody's"} {
		for _, part := range []struct {
			name string
			rows []tomo.Settled
			read func(string) (*block.Minutes, error)
		}{{"rows", rows, b.Graphs}, {"dropped", dropped, b.DroppedGraphs}} {
			minutes, err := part.read(group)
			if err != nil {
				t.Fatal(err)
			}
			want, total := graphsOf(part.rows, group)
			if diff := cmp.Diff(want, graphs(t, minutes), sameGraph); diff != "" {
				t.Fatalf("graphs of %s of %q: -want +got\n%s", part.name, group, diff)
			}
			var got tomo.ServiceGraph
			if err := minutes.AddTotal(&got); err != nil {
				t.Fatal(err)
			}
			got.Sort()
			if diff := cmp.Diff(total, &got, sameGraph); diff != "" {
				t.Fatalf("graph of all %s of %q: -want +got\n%s", part.name, group, diff)
			}
		}
		counts := map[tomo.Time]tomo.Dropped{}
		for _, row := range dropped {
			if row.Summary.In(group) {
				n := counts[row.Summary.Start.StartOfMinute()]
				n.Traces, n.Documents = n.Traces+1, n.Documents+int64(len(row.Documents))
				for _, d := range row.Documents {
					n.Bytes += int64(len(d.Text))
				}
				counts[row.Summary.Start.StartOfMinute()] = n
			}
		}
		var sum tomo.Dropped
		for m, want := range counts {
			sum.Add(want)
			for _, r := range []tomo.TimeRange{{Start: m, End: m + 1}, {Start: m - 1, End: m + tomo.Minute/2}} {
				if got, err := b.Dropped(r, group); got != want || err != nil {
					t.Fatalf("dropped of %q in %v: %v, %v; want %v", group, r, got, err, want)
				}
			}
			if got, err := b.Dropped(tomo.TimeRange{Start: m + 1, End: m + tomo.Minute}, group); got != (tomo.Dropped{}) || err != nil {
				t.Fatalf("dropped of %q behind the beginning of the minute: %v, %v", group, got, err)
			}
		}
		if got, err := b.Dropped(tomo.Always, group); got != sum || err != nil {
			t.Fatalf("dropped of %q: %v, %v; want %v", group, got, err, sum)
		}
	}
}

// graphsOf makes the graphs of the minutes of a group's rows, and one of all.
func graphsOf(rows []tomo.Settled, group string) (byMinute map[tomo.Time]*tomo.ServiceGraph, total *tomo.ServiceGraph) {
	byMinute, total = map[tomo.Time]*tomo.ServiceGraph{}, &tomo.ServiceGraph{}
	for _, row := range rows {
		if !row.Summary.In(group) {
			continue
		}
		for _, m := range row.Summary.ReceiptMinutes() {
			if byMinute[m] == nil {
				byMinute[m] = &tomo.ServiceGraph{}
			}
			byMinute[m].Add(row.Summary, tomo.TimeRange{Start: m, End: m + tomo.Minute})
		}
		total.Add(row.Summary, tomo.Always)
	}
	for _, g := range byMinute {
		g.Sort()
	}
	total.Sort()
	return byMinute, total
}

// graphs copies all of m.
func graphs(t interface {
	Helper()
	Fatal(...any)
}, m *block.Minutes) map[tomo.Time]*tomo.ServiceGraph {
	t.Helper()
	all := map[tomo.Time]*tomo.ServiceGraph{}
	err := m.Each(nil, func(minute tomo.Time, g *tomo.ServiceGraph) {
		all[minute] = &tomo.ServiceGraph{}
		all[minute].Merge(g)
		all[minute].Sort()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var sameGraph = cmp.Options{
	cmpopts.IgnoreUnexported(tomo.ServiceGraph{}), cmpopts.EquateEmpty(),
	cmp.Transformer("histogram", func(h tomo.Histogram) string { return fmt.Sprint(h.Coarse(), h.Bins()) }),
}

// TestFilter: the filter knows every id of the block, and is wrong about fewer
// than one in four thousand of the others.
func TestFilter(t *testing.T) {
	for _, n := range []int{1, 100, 4000} {
		rows := newShop(1).traces(n)
		_, file := write(t, rows, block.Options{RowGroupSize: 1 << 20})
		filter := open(t, file).Filter()
		for _, row := range rows {
			if !filter.MayContain(block.Hash(row.Summary.ID)) {
				t.Fatalf("the filter of %d ids does not know %v", n, row.Summary.ID)
			}
		}
		random := rand.New(rand.NewPCG(7, 7))
		const tries = 200_000
		wrong := 0
		for range tries {
			id := rows[random.IntN(n)].Summary.ID // its time is one that occurs
			for k := 4; k < 16; k++ {
				id[k] = byte(random.Uint32())
			}
			if filter.MayContain(block.Hash(id)) {
				wrong++
			}
		}
		if wrong > tries/4000 {
			t.Errorf("the filter of %d ids is wrong about %d of %d others", n, wrong, tries)
		}
	}
}

func TestFind(t *testing.T) {
	rows := newShop(1).traces(1500)
	_, file := write(t, rows, block.Options{RowGroupSize: 100 << 10}) // several row groups
	b := open(t, file)
	for i := 0; i < len(rows); i += 97 {
		row, found, err := b.Find(rows[i].Summary.ID)
		if row != i || !found || err != nil {
			t.Errorf("Find(%v) = %d, %v, %v; want row %d", rows[i].Summary.ID, row, found, err, i)
		}
	}
	for _, absent := range newShop(2).traces(1500) {
		if row, found, err := b.Find(absent.Summary.ID); row != 0 || found || err != nil {
			t.Fatalf("Find(%v) = %d, %v, %v of an id that is not there", absent.Summary.ID, row, found, err)
		}
	}
}

// TestRows: what is not a row is refused.
func TestRows(t *testing.T) {
	_, file := write(t, newShop(1).traces(5), block.Options{})
	b := open(t, file)
	for _, rows := range [][2]int{{-1, 2}, {0, 6}, {3, 2}, {6, 6}} {
		if _, err := b.Summaries(rows[0], rows[1]); err == nil {
			t.Errorf("Summaries(%d, %d) of 5 rows is no error", rows[0], rows[1])
		}
		if _, err := b.Settled(rows[0], rows[1]); err == nil {
			t.Errorf("Settled(%d, %d) of 5 rows is no error", rows[0], rows[1])
		}
	}
	for _, row := range []int{-1, 5} {
		if _, err := b.Documents(row); err == nil {
			t.Errorf("Documents(%d) of 5 rows is no error", row)
		}
	}
}

// TestMerge: a block merged of others is, to the byte, the block that is written
// of their rows.
func TestMerge(t *testing.T) {
	all := newShop(1).grouped(400, 6)
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, seed))
		parts := make([][]tomo.Settled, 1+random.IntN(5))
		left := make(map[tomo.TraceID]bool)
		var want []tomo.Settled
		for _, row := range all[:random.IntN(len(all))] {
			k := random.IntN(len(parts))
			row.Dropped = random.IntN(4) == 0
			parts[k] = append(parts[k], row)
			if left[row.Summary.ID] = random.IntN(4) == 0; !left[row.Summary.ID] || row.Dropped {
				want = append(want, row)
			}
		}
		var blocks []*block.Block
		for _, part := range parts {
			_, file := write(t, part, block.Options{})
			blocks = append(blocks, open(t, file))
		}
		o := block.Options{RowGroupSize: int64(random.IntN(2)) * 30 << 10}
		var merged bytes.Buffer
		for k := range parts {
			parts[k], _ = split(parts[k])
		}
		info, err := block.Merge(&merged, blocks, func(b, row int) bool { return left[parts[b][row].Summary.ID] }, o)
		if err != nil {
			t.Fatal(err)
		}
		wantInfo, written := write(t, want, o)
		if diff := cmp.Diff(wantInfo, info); diff != "" {
			t.Fatalf("seed %d: Info: -written +merged\n%s", seed, diff)
		}
		if !bytes.Equal(written, merged.Bytes()) {
			t.Fatalf("seed %d: %d bytes merged, %d written, and not the same", seed, merged.Len(), len(written))
		}
	}
}

// TestLargeTraces: traces of thousands of nodes and documents among small ones.
func TestLargeTraces(t *testing.T) {
	rows := newShop(1).traces(40)
	for i := 0; i < len(rows); i += 13 {
		s := rows[i].Summary
		for len(s.Units) < 20_000 {
			s.Units = append(s.Units, s.Units[:8]...)
			s.Annotations = append(s.Annotations, s.Annotations[0])
		}
		for len(rows[i].Documents) < 3_000 {
			rows[i].Documents = append(rows[i].Documents, rows[i].Documents[:4]...)
		}
		rows[i].Documents = append(rows[i].Documents, tomo.RawDocument{Text: bytes.Repeat([]byte("x"), 5<<20)})
	}
	_, file := write(t, rows, block.Options{})
	b := open(t, file)
	got, err := b.Settled(0, len(rows))
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(rows, got); diff != "" {
		t.Errorf("Settled: -want +got\n%s", diff)
	}

	// Piece by piece, each as large as asked but for the last trace in it.
	for _, tt := range []struct{ most, pieces int }{{0, 40}, {1, 40}, {6 << 20, 4}, {1 << 30, 1}} {
		var asked []int
		for row := range rows {
			asked = append(asked, row)
		}
		pieces := 0
		for ; len(asked) > 0; pieces++ {
			held, err := b.Held(asked, tt.most)
			if err != nil || len(held) == 0 {
				t.Fatalf("%d rows from %d, up to %d bytes: %v", len(held), asked[0], tt.most, err)
			}
			for i := range held {
				if diff := difference(rows[asked[i]].Documents, held[i].Documents); diff != "" {
					t.Fatalf("the documents of row %d: -want +got\n%s", asked[i], diff)
				}
			}
			asked = asked[len(held):]
		}
		if pieces != tt.pieces {
			t.Errorf("up to %d bytes at a time, rows come in %d pieces, want %d", tt.most, pieces, tt.pieces)
		}
	}
}

// TestWords: a summary with a value that has no word is refused, and says which.
func TestWords(t *testing.T) {
	for want, spoil := range map[string]func(*tomo.Summary){
		"unknown state 3":   func(s *tomo.Summary) { s.Nodes[1].State = 3 },
		"unknown outcome 9": func(s *tomo.Summary) { s.Calls[0].Outcome = 9 },
		"unknown kind 7":    func(s *tomo.Summary) { s.Annotations[0].Value.Kind = 7 },
	} {
		row := newShop(1).trace()
		spoil(row.Summary)
		_, err := block.Write(new(bytes.Buffer), []tomo.Settled{row}, block.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), row.Summary.ID.String()) {
			t.Errorf("writing a summary with an %s: %v", want, err)
		}
	}
}

// TestUTF8: text that is not UTF-8 would keep other readers from the column.
func TestUTF8(t *testing.T) {
	row := newShop(1).trace()
	row.Summary.HTTP.URL, row.Summary.HTTP.Method = "/caf\xe9?", "G\xcbT" // plain, and in a dictionary
	row.Documents[0].Text = []byte("\xff\xfe")
	_, file := write(t, []tomo.Settled{row}, block.Options{})
	got, err := open(t, file).Settled(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := got[0].Summary.HTTP.URL, "/caf\uFFFD?"; got != want {
		t.Errorf("URL %q, want %q", got, want)
	}
	if got, want := got[0].Summary.HTTP.Method, "G\uFFFDT"; got != want {
		t.Errorf("method %q, want %q", got, want)
	}
	if got, want := string(got[0].Documents[0].Text), "\xff\xfe"; got != want {
		t.Errorf("document %q, want %q", got, want)
	}
}

// TestConcurrency reads one block from many goroutines while others are written.
func TestConcurrency(t *testing.T) {
	rows := newShop(1).traces(400)
	_, file := write(t, rows, block.Options{RowGroupSize: 50 << 10})
	b := open(t, file)
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			for i := k; i < len(rows); i += 31 {
				row, found, err := b.Find(rows[i].Summary.ID)
				if err != nil || !found || row != i {
					t.Errorf("Find(%v) = %d, %v, %v", rows[i].Summary.ID, row, found, err)
				}
				docs, err := b.Documents(i)
				if err != nil || !reflect.DeepEqual(docs, rows[i].Documents) {
					t.Errorf("Documents(%d): %v, %v", i, docs, err)
				}
				list, err := b.Summaries(i, min(i+20, len(rows)))
				if err != nil || !reflect.DeepEqual(list[0], rows[i].Summary) {
					t.Errorf("Summaries(%d): %v, %v", i, list, err)
				}
			}
			var again bytes.Buffer
			if _, err := block.Write(&again, slices.Clone(rows), block.Options{RowGroupSize: 50 << 10}); err != nil || !bytes.Equal(again.Bytes(), file) {
				t.Errorf("the same rows make another block: %v", err)
			}
		})
	}
	all.Wait()
}

// TestSchema holds the schema against a golden file: others read these files, so
// a change has to be meant, told in docs/storage-format.md, and counted in
// tomo.schema.
func TestSchema(t *testing.T) {
	var data []byte
	for range 2 { // the writer of the first one makes the second
		_, data = write(t, newShop(1).traces(1), block.Options{})
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, kv := range file.Metadata().KeyValueMetadata {
		switch kv.Key {
		case "tomo.schema":
			fmt.Fprintf(&b, "%s = %s\n", kv.Key, kv.Value)
		default:
			fmt.Fprintf(&b, "%s\n", kv.Key)
		}
	}
	fmt.Fprintln(&b, file.Schema())
	for _, c := range file.Metadata().RowGroups[0].Columns {
		fmt.Fprintln(&b, strings.Join(c.MetaData.PathInSchema, "."), c.MetaData.Codec, c.MetaData.Encoding)
	}
	testkit.Golden(t, "testdata/schema.golden", []byte(b.String()))
}

// other is a row as anybody's reader sees it, who has only the names.
type other struct {
	ID         [16]byte  `parquet:"id"`
	Start      time.Time `parquet:"start"`
	DurationUS *int64    `parquet:"duration_us,optional"`
	FirstEnd   *int64    `parquet:"first_end,optional"`
	EntryPoint *int32    `parquet:"entry_point,optional"`
	HasFault   bool      `parquet:"has_fault"`
	HTTP       struct {
		URL    string `parquet:"url"`
		Status int64  `parquet:"status"`
	} `parquet:"http"`
	Nodes []struct {
		Name  string `parquet:"name"`
		State string `parquet:"state"`
	} `parquet:"nodes,list"`
	Units []struct {
		Node       int32  `parquet:"node"`
		ResponseUS *int64 `parquet:"response_time_us,optional"`
		Outcome    string `parquet:"outcome"`
	} `parquet:"units,list"`
	Annotations []struct {
		Key    string   `parquet:"key"`
		String *string  `parquet:"string,optional"`
		Number *float64 `parquet:"number,optional"`
		Nodes  []int32  `parquet:"nodes,list"`
	} `parquet:"annotations,list"`
	InstanceIDs []string `parquet:"instance_ids,list"`
	Documents   []struct {
		Text     []byte    `parquet:"text"`
		Received time.Time `parquet:"received"`
	} `parquet:"documents,list"`
}

// TestOtherReaders reads a block with the library's own reader of structs.
func TestOtherReaders(t *testing.T) {
	rows := newShop(1).traces(700)
	rows[0].Summary.Duration = tomo.Absent
	rows[1].Summary.EntryPoint = -1
	rows[2].Summary.Annotations = nil
	_, file := write(t, rows, block.Options{RowGroupSize: 100 << 10})
	got, err := parquet.Read[other](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(rows) {
		t.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	for i, row := range rows {
		s, g := row.Summary, got[i]
		var want other
		want.ID, want.Start, want.HasFault = s.ID, s.Start.Std(), s.HasFault
		if us := s.Duration.Microseconds(); s.Duration != tomo.Absent {
			want.DurationUS = &us
		}
		first := int64(infoOf(rows[i:i+1], 0).MinEnd)
		want.FirstEnd = &first
		if at := int32(s.EntryPoint); at >= 0 {
			want.EntryPoint = &at
		}
		want.HTTP.URL, want.HTTP.Status = s.HTTP.URL, int64(s.HTTP.Status)
		want.Nodes = slices.Grow(g.Nodes[:0:0], len(s.Nodes))[:len(s.Nodes)]
		for k, n := range s.Nodes {
			want.Nodes[k].Name, want.Nodes[k].State = n.Name, []string{"active", "unknown", "passive"}[n.State]
		}
		want.Units = slices.Grow(g.Units[:0:0], len(s.Units))[:len(s.Units)]
		for k, u := range s.Units {
			us := u.ResponseTime.Microseconds()
			want.Units[k].Node, want.Units[k].ResponseUS = int32(u.Node), &us
			want.Units[k].Outcome = []string{"ok", "error", "throttle", "fault"}[u.Outcome]
		}
		want.Annotations = slices.Grow(g.Annotations[:0:0], len(s.Annotations))[:len(s.Annotations)]
		for k, a := range s.Annotations {
			want.Annotations[k].Key = a.Key
			if a.Value.Kind == tomo.StringValue {
				want.Annotations[k].String = &a.Value.String
			} else {
				want.Annotations[k].Number = &a.Value.Number
			}
			for _, n := range a.Nodes {
				want.Annotations[k].Nodes = append(want.Annotations[k].Nodes, int32(n))
			}
		}
		want.InstanceIDs = s.InstanceIDs
		want.Documents = slices.Grow(g.Documents[:0:0], len(row.Documents))[:len(row.Documents)]
		for k, d := range row.Documents {
			want.Documents[k].Text, want.Documents[k].Received = d.Text, d.Received.Std()
		}
		if !reflect.DeepEqual(want, g) {
			t.Fatalf("row %d: -want +got\n%s", i, cmp.Diff(want, g))
		}
	}
}

// TestPageIndex: the bounds that other readers leave out pages by are those of the
// pages, in every row group.
func TestPageIndex(t *testing.T) {
	rows := newShop(1).traces(2500)
	_, data := write(t, rows, block.Options{RowGroupSize: 200 << 10})
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.RowGroups()) < 2 {
		t.Fatal("there is one row group only")
	}
	start, _ := file.Schema().Lookup("start")
	row := 0
	for g, group := range file.RowGroups() {
		if sorting := group.SortingColumns(); len(sorting) != 2 || sorting[0].Path()[0] != "start" || sorting[1].Path()[0] != "id" {
			t.Errorf("row group %d is sorted by %v", g, sorting)
		}
		chunk := group.ColumnChunks()[start.ColumnIndex]
		bounds, err := chunk.ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		places, err := chunk.OffsetIndex()
		if err != nil {
			t.Fatal(err)
		}
		first := row
		for p := range places.NumPages() {
			end := first + int(group.NumRows())
			if p+1 < places.NumPages() {
				end = first + int(places.FirstRowIndex(p+1))
			}
			if low, high := rows[row].Summary.Start, rows[end-1].Summary.Start; tomo.Time(bounds.MinValue(p).Int64()) != low || tomo.Time(bounds.MaxValue(p).Int64()) != high {
				t.Errorf("page %d of row group %d starts from %v to %v, want %d to %d", p, g, bounds.MinValue(p), bounds.MaxValue(p), low, high)
			}
			row = end
		}
	}
	if row != len(rows) {
		t.Errorf("the pages have %d rows, want %d", row, len(rows))
	}
}

// TestBounds: in every column, a page's and a row group's bounds hold all of its
// values, and nulls are counted right. Readers that trust them miss nothing.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(genSettled, 1, 8).Draw(t, "rows")
		rows[0].Dropped = false
		if rapid.Bool().Draw(t, "odd values") {
			s := rows[0].Summary
			s.HTTP.URL = strings.Repeat("\U0010FFFF", 20)
			s.HTTP.Method = strings.Repeat("x", 100) + rapid.String().Draw(t, "method")
			for _, n := range []float64{math.NaN(), 0, math.Copysign(0, -1), math.Inf(1)} {
				s.Annotations = append(s.Annotations, tomo.SummaryAnnotation{Annotation: tomo.Annotation{
					Key: "n", Value: tomo.Value{Kind: tomo.NumberValue, Number: n}}})
			}
		}
		var file bytes.Buffer
		if _, err := block.Write(&file, rows, genOptions.Draw(t, "options")); err != nil {
			t.Fatal(err)
		}
		wantBounds(t, file.Bytes())
	})
}

// TestBoundsOfPages is TestBounds with several pages of each column.
func TestBoundsOfPages(t *testing.T) {
	rows := newShop(1).traces(5000)
	for i := range rows {
		s := rows[i].Summary
		s.Revision, s.HTTP.Status = -i, i%3000
		s.HTTP.Method = fmt.Sprint("METHOD", 9-i/1000)
	}
	_, file := write(t, rows, block.Options{})
	wantBounds(t, file)
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]bool{"start": {true, false}, "revision": {false, true}, "http.status": {false, false}, "http.method": {false, true}} {
		column, _ := f.Schema().Lookup(strings.Split(path, ".")...)
		index, err := f.RowGroups()[0].ColumnChunks()[column.ColumnIndex].ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		if index.NumPages() < 4 || index.IsAscending() != want[0] || index.IsDescending() != want[1] {
			t.Errorf("%s: %d pages, ascending %v, descending %v", path, index.NumPages(), index.IsAscending(), index.IsDescending())
		}
	}
}

// fataler is a test, of rapid or not.
type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// wantBounds holds all that is told of pages and row groups against their values.
func wantBounds(t fataler, file []byte) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for g, group := range f.RowGroups() {
		for c, chunk := range group.ColumnChunks() {
			meta := &f.Metadata().RowGroups[g].Columns[c].MetaData
			wantColumnBounds(t, strings.Join(meta.PathInSchema, "."), chunk, meta)
		}
	}
}

func wantColumnBounds(t fataler, name string, chunk parquet.ColumnChunk, meta *format.ColumnMetaData) {
	index, err := chunk.ColumnIndex()
	if name == "documents.list.element.text" {
		if index != nil && index.NumPages() > 0 || meta.Statistics.MinValue != nil {
			t.Fatalf("%s has bounds", name)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	kind, compare := chunk.Type().Kind(), chunk.Type().Compare
	outside := func(v, low, high parquet.Value) bool {
		if kind == parquet.Double && math.IsNaN(v.Double()) {
			return !math.IsInf(low.Double(), -1) || !math.IsInf(high.Double(), 1)
		}
		return compare(v, low) < 0 || compare(v, high) > 0
	}
	pages := chunk.Pages()
	defer pages.Close()
	var nulls, all int64
	for p := 0; ; p++ {
		page, err := pages.ReadPage()
		if err == io.EOF {
			if p != index.NumPages() {
				t.Fatalf("%s has %d pages, the index %d", name, p, index.NumPages())
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		values := make([]parquet.Value, page.NumValues())
		if n, err := page.Values().ReadValues(values); n != len(values) {
			t.Fatalf("%s, page %d: %d of %d values: %v", name, p, n, len(values), err)
		}
		missing := int64(0)
		for _, v := range values {
			if v.IsNull() {
				missing++
				continue
			}
			if outside(v, index.MinValue(p), index.MaxValue(p)) {
				t.Fatalf("%s, page %d: %v is not between %v and %v", name, p, v, index.MinValue(p), index.MaxValue(p))
			}
			if s := &meta.Statistics; s.MinValue != nil && outside(v, kind.Value(s.MinValue), kind.Value(s.MaxValue)) {
				t.Fatalf("%s: %v is not between %x and %x", name, v, s.MinValue, s.MaxValue)
			}
		}
		if index.NullCount(p) != missing || index.NullPage(p) != (missing == int64(len(values))) {
			t.Fatalf("%s, page %d: the index counts %d nulls of %d values, null page %v; there are %d",
				name, p, index.NullCount(p), len(values), index.NullPage(p), missing)
		}
		if p > 0 && index.IsAscending() && !index.NullPage(p-1) && !index.NullPage(p) &&
			(compare(index.MinValue(p-1), index.MinValue(p)) > 0 || compare(index.MaxValue(p-1), index.MaxValue(p)) > 0) {
			t.Fatalf("%s: the index says it ascends; page %d does not", name, p)
		}
		nulls, all = nulls+missing, all+int64(len(values))
		parquet.Release(page)
	}
	if meta.Statistics.NullCount != nulls || meta.NumValues != all {
		t.Fatalf("%s: told are %d values, %d of them null; there are %d and %d", name, meta.NumValues, meta.Statistics.NullCount, all, nulls)
	}
}

// TestTinyDocuments: in a page of many texts that are next to nothing, the levels
// are much of it.
func TestTinyDocuments(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	rows := make([]tomo.Settled, 30_000)
	for i := range rows {
		rows[i].Summary = &tomo.Summary{Start: tomo.Time(i), EntryPoint: -1}
		for range random.IntN(3) {
			rows[i].Documents = append(rows[i].Documents, tomo.RawDocument{Text: []byte{byte(i)}, Received: tomo.Time(i)})
		}
	}
	_, file := write(t, rows, block.Options{})
	got, err := open(t, file).Settled(0, len(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if diff := difference(rows[i], got[i]); diff != "" {
			t.Fatalf("row %d: -want +got\n%s", i, diff)
		}
	}
}
