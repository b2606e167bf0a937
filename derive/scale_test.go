package derive_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// Large and deep traces are whole, and take time in proportion to their size.
func TestLargeTraces(t *testing.T) {
	const n = 10_000
	document := func(format string, args ...any) tomo.RawDocument {
		text := fmt.Sprintf(`{"trace_id":"%s","start_time":1700000000,`, scriptTrace) + fmt.Sprintf(format, args...) + "}"
		return tomo.RawDocument{Text: []byte(text), Received: second(2)}
	}
	segment := func(id int, parent int, more string) tomo.RawDocument {
		return document(`"id":"%016x","parent_id":"%016x","name":"s%d","end_time":1700000001%s`, id, parent, id, more)
	}
	subsegment := func(id int, parent int, more string) tomo.RawDocument {
		return segment(id, parent, `,"type":"subsegment"`+more)
	}
	root := document(`"id":"%016x","name":"root","end_time":1700000001`, 1)

	tests := []struct {
		name            string
		document        func(i, n int) tomo.RawDocument // i from 2 to n
		shown           int
		nodes, annotate int
		services        int // of all fault root causes together
	}{
		{name: "siblings of one parent", shown: n, nodes: n + 1,
			document: func(i, n int) tomo.RawDocument {
				return segment(i, 1, fmt.Sprintf(`,"user":"u%d","annotations":{"k":%d},"resource_arn":"arn:%d"`, i, i, i))
			}, annotate: tomo.MaxIndexedAnnotations},
		{name: "a chain of segments", shown: n, nodes: n + 1,
			document: func(i, n int) tomo.RawDocument { return segment(i, i-1, "") }},
		{name: "a chain of independent subsegments", shown: 1, nodes: 2,
			document: func(i, n int) tomo.RawDocument { return subsegment(i, i-1, "") }},
		{name: "a chain of calls", shown: n, nodes: n + 1,
			document: func(i, n int) tomo.RawDocument { return subsegment(i, i-1, `,"namespace":"remote"`) }},
		{name: "a deep chain, its end named by many segments", shown: 1 + n/2, nodes: 2 + n/2,
			document: func(i, n int) tomo.RawDocument {
				if i <= n/2 {
					return subsegment(i, i-1, "")
				}
				return segment(i, n/2, "")
			}},
		{name: "a chain that leads nowhere", shown: 1, nodes: 2,
			document: func(i, n int) tomo.RawDocument { return subsegment(i, i+1, "") }},
		{name: "a circle", shown: 1, nodes: 2,
			document: func(i, n int) tomo.RawDocument { return subsegment(i, 2+(i-1)%(n-1), "") }},
		{name: "versions of one id", shown: 2, nodes: 3,
			document: func(i, n int) tomo.RawDocument {
				return document(`"id":"%016x","parent_id":"%016x","name":"s%d","in_progress":true`, 2, 1, i)
			}},
		{name: "repetitions", shown: 2, nodes: 3,
			document: func(int, int) tomo.RawDocument { return segment(2, 1, "") }},
		{name: "a chain of failed segments", shown: n, nodes: n + 1, services: n - 1,
			document: func(i, n int) tomo.RawDocument {
				return segment(i, i-1, fmt.Sprintf(`,"fault":true,"cause":{"exceptions":[{"id":"%016x","type":"Failed"}]}`, i))
			}},
		{name: "a chain of failed subsegments that each refer to the end", shown: 1 + 1, nodes: 2 + 1, services: 1,
			document: func(i, n int) tomo.RawDocument {
				switch {
				case i == 2:
					return segment(i, i-1, fmt.Sprintf(`,"fault":true,"cause":"%016x"`, n))
				case i < n:
					return subsegment(i, i-1, fmt.Sprintf(`,"fault":true,"cause":"%016x"`, n))
				}
				return subsegment(i, i-1, fmt.Sprintf(`,"fault":true,"cause":{"exceptions":[{"id":"%016x","type":"Failed"}]}`, n))
			}},
		{name: "failed siblings that each refer to the next, beside failed calls", shown: 2 + n/2, nodes: 3 + n/2, services: 1 + n/2,
			document: func(i, n int) tomo.RawDocument {
				switch {
				case i == 2:
					return segment(i, i-1, fmt.Sprintf(`,"fault":true,"cause":"%016x"`, 3))
				case i <= n/2 && i%2 == 0:
					return subsegment(i, 2, fmt.Sprintf(`,"fault":true,"cause":"%016x"`, i+1))
				case i <= n/2:
					return subsegment(i, 2, fmt.Sprintf(`,"fault":true,"cause":{"exceptions":[{"id":"%016x","type":"Failed"}]}`, i))
				}
				return subsegment(i, 2, `,"fault":true,"namespace":"remote"`)
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			documents := func(n int) []tomo.RawDocument {
				docs := []tomo.RawDocument{root}
				for i := 2; i <= n; i++ {
					docs = append(docs, test.document(i, n))
				}
				return docs
			}
			id := (&script{}).id()
			measure := func(docs []tomo.RawDocument) (s *tomo.Detail, trace *tomo.Trace, took time.Duration) {
				start := time.Now()
				s, trace = derive.Detail(id, docs), derive.Trace(id, docs)
				return s, trace, time.Since(start)
			}
			// A tenth of the size takes a tenth of the time, or a hundredth if
			// the time grows with the square. The machine may be busy, so only
			// the best of some attempts counts.
			few, many := documents(n/10), documents(n)
			s, trace, took := measure(many)
			_, _, part := measure(few)
			for range 20 {
				if took < 40*part {
					break
				}
				_, _, again := measure(many)
				took = min(took, again)
				_, _, again = measure(few)
				part = min(part, again)
			}
			t.Logf("%d documents took %v, %d took %v", n/10, part, n, took)
			if took >= 40*part {
				t.Errorf("%d documents took %v, but %d took %v", n/10, part, n, took)
			}
			graph := derive.Graph(s.Summary)
			services := 0
			for _, cause := range s.RootCauses.Fault {
				services += len(cause.Services)
			}
			if services != test.services {
				t.Errorf("%d services in %d causes, want %d", services, len(s.RootCauses.Fault), test.services)
			}
			if len(trace.Segments) != test.shown || len(s.Nodes) != test.nodes || len(s.Annotations) != test.annotate {
				t.Errorf("%d segments shown, %d nodes, %d annotations; want %d, %d, %d",
					len(trace.Segments), len(s.Nodes), len(s.Annotations), test.shown, test.nodes, test.annotate)
			}
			if len(graph.Services) > len(s.Nodes) {
				t.Errorf("%d services of %d nodes", len(graph.Services), len(s.Nodes))
			}
			for _, segment := range trace.Segments {
				if bytes.Count(segment.Document, []byte("{")) != bytes.Count(segment.Document, []byte("}")) {
					t.Fatalf("segment %v is not whole", segment.ID)
				}
			}
		})
	}
}

// A document as deep as documents may be is shown whole.
func TestDeepDocument(t *testing.T) {
	const depth = 400 // an object and a list each
	var text bytes.Buffer
	fmt.Fprintf(&text, `{"trace_id":"%s","id":"%016x","name":"root","start_time":1700000000,"end_time":1700000001`, scriptTrace, 1)
	for i := range depth {
		fmt.Fprintf(&text, `,"subsegments":[{"id":"%016x","name":"s","start_time":1700000000,"end_time":1700000001,"namespace":"remote"`, i+2)
	}
	for range depth {
		text.WriteString("}]")
	}
	text.WriteString("}")
	trace := derive.Trace((&script{}).id(), []tomo.RawDocument{{Text: text.Bytes(), Received: second(2)}})
	if len(trace.Segments) != 1+depth {
		t.Fatalf("%d segments shown, want %d", len(trace.Segments), 1+depth)
	}
	if got := bytes.Count(trace.Segments[0].Document, []byte(`"namespace"`)); got != depth {
		t.Errorf("%d subsegments shown, want %d", got, depth)
	}
}
