package derive_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// TestAnnotationsWithin: a limit keeps the first annotations of those that are
// there, everything else of a summary is the same, and no unit says what its trace
// does not.
func TestAnnotationsWithin(t *testing.T) {
	id, err := tomo.ParseTraceID(scriptTrace)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		m := traces().Draw(r, "trace")
		limit := rapid.IntRange(1, 5).Draw(r, "limit")
		all := derive.Within{Annotations: 1000}.Detail(id, m.documents)
		some := derive.Within{Annotations: limit}.Detail(id, m.documents)
		if want := all.Annotations[:min(limit, len(all.Annotations))]; !annotationsEqual(want, some.Annotations) {
			r.Fatalf("a limit of %d indexes %v of %v", limit, some.Annotations, all.Annotations)
		}
		for i, u := range some.UnitDetails {
			for _, a := range u.Annotations {
				if !slices.ContainsFunc(some.Annotations, func(s tomo.SummaryAnnotation) bool { return s.Annotation == a }) {
					r.Fatalf("unit %d says %v, which its trace does not", i, a)
				}
			}
		}
		if s := (derive.Within{Annotations: limit}).Summary(id, m.documents); !reflect.DeepEqual(s, some.Summary) {
			r.Fatalf("the summary is %v, that of the detail %v", s, some.Summary)
		}
		all.Annotations, some.Annotations = nil, nil
		if !reflect.DeepEqual(all.Summary, some.Summary) {
			r.Fatalf("a limit of %d changes %v into %v", limit, all.Summary, some.Summary)
		}
	})
}

func annotationsEqual(a, b []tomo.SummaryAnnotation) bool {
	return slices.EqualFunc(a, b, func(x, y tomo.SummaryAnnotation) bool {
		return x.Annotation == y.Annotation && slices.Equal(x.Nodes, y.Nodes)
	})
}

// TestLinksWithin: of the links of a trace the first are shown, in the order of
// the segments and what is below them.
func TestLinksWithin(t *testing.T) {
	links := func(from, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"trace_id":"1-6553f100-%024x"}`, from+i))
		}
		return `"links":[` + strings.Join(list, ",") + `]`
	}
	var docs []tomo.RawDocument
	for k := range 10 { // of 15 links each, the last 5 in a subsegment
		text := fmt.Sprintf(`{"trace_id":"%s","id":"%016x","name":"s","start_time":%d,"end_time":1700000900,%s,
			"subsegments":[{"id":"%016x","name":"t","start_time":1700000000,"end_time":1700000900,%s}]}`,
			scriptTrace, 1+k, 1700000000+k, links(100*k, 10), 100+k, links(100*k+10, 5))
		docs = append(docs, tomo.RawDocument{Text: []byte(text), Received: second(k)})
	}
	id, err := tomo.ParseTraceID(scriptTrace)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		within derive.Within
		want   []int // of each segment
	}{
		{derive.Within{}, []int{15, 15, 15, 15, 15, 15, 10, 0, 0, 0}},
		{derive.Within{TraceLinks: 1000}, []int{15, 15, 15, 15, 15, 15, 15, 15, 15, 15}},
		{derive.Within{Links: 7}, []int{12, 12, 12, 12, 12, 12, 12, 12, 4, 0}},
		{derive.Within{Links: 2, TraceLinks: 9}, []int{4, 4, 1, 0, 0, 0, 0, 0, 0, 0}},
		{derive.Within{Links: 100, TraceLinks: 1}, []int{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	}
	for _, test := range tests {
		var got []int
		for _, s := range test.within.Trace(id, docs).Segments {
			got = append(got, bytes.Count(s.Document, []byte(`{"trace_id":"1-6553f100`)))
			if bytes.Contains(s.Document, []byte(`"links":[]`)) {
				t.Errorf("%+v: an empty list of links is shown: %s", test.within, s.Document)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v links shown, want %v", test.within, got, test.want)
		}
	}
}
