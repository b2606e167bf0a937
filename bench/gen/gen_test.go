package gen_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tomotrace/tomo/bench/gen"
)

var start = time.Unix(1767607200, 0)

// entity is what the tests look at of a segment or subsegment.
type entity struct {
	TraceID     string  `json:"trace_id"`
	ID          string  `json:"id"`
	ParentID    string  `json:"parent_id"`
	Name        string  `json:"name"`
	Start       float64 `json:"start_time"`
	End         float64 `json:"end_time"`
	Fault       bool    `json:"fault"`
	Error       bool    `json:"error"`
	Throttle    bool    `json:"throttle"`
	Subsegments []entity
	Cause       struct {
		Exceptions []struct {
			ID    string
			Stack []struct{ Path string }
		}
	}
}

// TestDocuments reads a few thousand traces and checks that they are what the
// package promises: valid, whole, of the right size and mix.
func TestDocuments(t *testing.T) {
	const traces = 3000
	g := gen.New(1, start, 2*time.Millisecond)
	ids := map[string]bool{} // of traces, segments and subsegments
	unique := func(id string, length int) {
		if len(id) != length || ids[id] {
			t.Fatalf("id %q is not new or not %d characters long", id, length)
		}
		ids[id] = true
	}
	var documents, bytes, subsegments, faults, errors, throttles, stacks int
	users, names := map[string]bool{}, map[string]bool{}
	for range traces {
		trace := g.Trace()
		unique(trace.ID, 35)
		spans := map[string]bool{}
		var roots []entity
		var parents []string
		previous, faulty := time.Time{}, false
		for _, d := range trace.Documents {
			documents++
			bytes += len(d.Text)
			var s entity
			decoder := json.NewDecoder(strings.NewReader(string(d.Text)))
			if err := decoder.Decode(&s); err != nil {
				t.Fatalf("%v in %s", err, d.Text)
			}
			if s.TraceID != trace.ID || d.Trace != trace.ID {
				t.Fatalf("trace id %q, want %q", s.TraceID, trace.ID)
			}
			if d.End.Before(previous) {
				t.Fatalf("the documents of %s are not in order of their ends", trace.ID)
			}
			previous, faulty = d.End, faulty || s.Fault
			unique(s.ID, 16)
			names[s.Name] = true
			if s.ParentID == "" {
				roots = append(roots, s)
			} else {
				parents = append(parents, s.ParentID)
			}
			if s.End <= s.Start {
				t.Fatalf("segment ends at %f, before its start %f", s.End, s.Start)
			}
			for _, c := range s.Subsegments {
				subsegments++
				unique(c.ID, 16)
				spans[c.ID] = true
				if c.Name == "" || c.End < c.Start || c.Start < s.Start || c.End > s.End {
					t.Fatalf("subsegment %+v is not inside %f–%f", c, s.Start, s.End)
				}
			}
			for _, e := range s.Cause.Exceptions {
				if len(e.Stack) > 0 {
					stacks++
				}
			}
			var more struct{ User string }
			json.Unmarshal(d.Text, &more)
			users[more.User] = true
		}
		if len(roots) != 1 {
			t.Fatalf("%d roots, want 1", len(roots))
		}
		for _, p := range parents {
			if !spans[p] {
				t.Fatalf("parent %s is no subsegment of the trace %s", p, trace.ID)
			}
		}
		faults += count(faulty)
		errors += count(roots[0].Error && !roots[0].Throttle)
		throttles += count(roots[0].Throttle)
	}
	within(t, "bytes a document", float64(bytes)/float64(documents), 1450, 1550)
	within(t, "documents a trace", float64(documents)/traces, 3.8, 4.2)
	within(t, "subsegments a segment", float64(subsegments)/float64(documents), 2.9, 3.2)
	within(t, "% of traces with a fault", 100*float64(faults)/traces, 1.4, 2.8)
	within(t, "% of traces with an error", 100*float64(errors)/traces, 1.5, 3.5)
	within(t, "% of traces with a throttle", 100*float64(throttles)/traces, 0.4, 1.5)
	within(t, "exceptions with stacks", float64(stacks), 50, 600)
	within(t, "users", float64(len(users)), 1000, 3000)
	within(t, "services", float64(len(names)), 8, 8)
}

// TestEntropy holds the documents to the size real ones have once they are
// compressed in bulk, trace by trace as blocks keep them.
func TestEntropy(t *testing.T) {
	g := gen.New(1, start, 2*time.Millisecond)
	var all bytes.Buffer
	documents := 0
	for documents < 20_000 {
		for _, d := range g.Trace().Documents {
			all.Write(d.Text)
			documents++
		}
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := 0
	for text := range slices.Chunk(all.Bytes(), 1<<20) {
		packed += len(encoder.EncodeAll(text, nil))
	}
	within(t, "compressed bytes a document", float64(packed)/float64(documents), 240, 300)
}

// TestDeterminism: a seed, a start and an interval say every byte.
func TestDeterminism(t *testing.T) {
	stream := func(seed uint64) []byte {
		g := gen.New(seed, start, time.Millisecond)
		var b []byte
		for range 500 {
			b = append(b, g.Next().Text...)
		}
		return b
	}
	if !bytes.Equal(stream(3), stream(3)) {
		t.Error("equal seeds gave different documents")
	}
	if bytes.Equal(stream(3), stream(4)) {
		t.Error("different seeds gave equal documents")
	}
}

// TestNext: the stream is in order of sending, mixes traces and keeps the pace.
func TestNext(t *testing.T) {
	const interval = 2 * time.Millisecond
	g := gen.New(5, start, interval)
	previous, switches, documents := gen.Document{}, 0, 20_000
	traces := map[string]bool{}
	for range documents {
		d := g.Next()
		if d.End.Before(previous.End) {
			t.Fatalf("a document that ended at %v came after one that ended at %v", d.End, previous.End)
		}
		switches += count(d.Trace != previous.Trace)
		traces[d.Trace] = true
		previous = d
	}
	within(t, "% of neighbours of different traces", 100*float64(switches)/float64(documents), 80, 100)
	pace := previous.End.Sub(start) / time.Duration(len(traces))
	within(t, "microseconds a trace", float64(pace.Microseconds()), 1800, 2200)
}

func BenchmarkNext(b *testing.B) {
	g := gen.New(1, start, 2*time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(g.Next().Text)))
	}
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	t.Logf("%s: %.4g", what, got)
	if got < low || got > high {
		t.Errorf("%s: %.4g, want %g to %g", what, got, low, high)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
