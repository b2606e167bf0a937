package tomo_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

func TestMergeDocuments(t *testing.T) {
	doc := func(text string, received tomo.Time) tomo.RawDocument {
		return tomo.RawDocument{Text: []byte(text), Received: received}
	}
	a := []tomo.RawDocument{doc("x", 3), doc("y", 5), doc("z", 5)}
	b := []tomo.RawDocument{doc(" y\n", 1), doc("x", 4), doc("w", 5)}
	want := []tomo.RawDocument{doc(" y\n", 1), doc("x", 3), doc("z", 5), doc("w", 5)}
	if diff := cmp.Diff(want, tomo.MergeDocuments(a, b), alike...); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if string(a[1].Text) != "y" || string(b[2].Text) != "w" {
		t.Error("merging changed its arguments")
	}
	if got := tomo.MergeDocuments(); len(got) != 0 {
		t.Errorf("nothing is merged to %v", got)
	}
}

// TestMergeDocumentsAnyOrder: copies of a trace's documents in several places
// are one trace, in whatever order and grouping they are united.
func TestMergeDocumentsAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Each moment of receipt has one document: which of two documents of one
		// moment is first is for the place that holds them to say.
		var lists [3][]tomo.RawDocument
		for at := range rapid.IntRange(0, 12).Draw(t, "documents") {
			d := tomo.RawDocument{Text: fmt.Append(nil, rapid.IntRange(0, 5).Draw(t, "text")), Received: tomo.Time(at)}
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, 2), 1, 3).Draw(t, "held in") {
				lists[i] = append(lists[i], d)
			}
		}
		a, b, c := lists[0], lists[1], lists[2]
		want := tomo.MergeDocuments(a, b, c)
		for name, got := range map[string][]tomo.RawDocument{
			"c b a":   tomo.MergeDocuments(c, b, a),
			"a (b c)": tomo.MergeDocuments(a, tomo.MergeDocuments(b, c)),
			"(c a) b": tomo.MergeDocuments(tomo.MergeDocuments(c, a), b),
			"again":   tomo.MergeDocuments(want, b),
		} {
			if diff := cmp.Diff(want, got, alike...); diff != "" {
				t.Fatalf("%s: (-want +got)\n%s", name, diff)
			}
		}
	})
}

// TestIncoming: what a document can make the start of its trace is bounded by
// the starts of everything in it.
func TestIncoming(t *testing.T) {
	d, refusal := parse(expand(`{$trace,$id,$name,"start_time":5,"end_time":6,"subsegments":[
		{$child,$name,"start_time":4,"end_time":9,"subsegments":[{$child,$name,"start_time":7,"end_time":8}]}]}`))
	if refusal != nil {
		t.Fatal(refusal)
	}
	if in, _ := d.Incoming(nil); in.TraceID != d.TraceID || in.First != 4e6 || in.Last != 7e6 || in.Received != 7 || len(in.Text) != len(d.Text) {
		t.Errorf("%v from %d to %d", in.TraceID, in.First, in.Last)
	}
}
