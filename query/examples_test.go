package query_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
)

// TestExamples asks the engine over the embedded store what tables say: those of
// package filter, and one of traces that are odd in one way each. The traces are
// open, settled, and settled before the store was opened.
func TestExamples(t *testing.T) {
	for _, dir := range []string{"../filter/testdata", "testdata"} {
		t.Run(dir, func(t *testing.T) { askExamples(t, dir) })
	}
}

func askExamples(t *testing.T, tables string) {
	ctx := context.Background()
	type trace struct {
		Trace     string
		Documents []json.RawMessage
	}
	names := map[tomo.TraceID]string{}
	var order []string
	var documents [][]byte
	for _, trace := range readLines[trace](t, tables+"/traces.jsonl") {
		order = append(order, trace.Trace)
		for _, text := range trace.Documents {
			var d tomo.Document
			if refusal := d.Parse(tomo.RawDocument{Text: text}); refusal != nil {
				t.Fatalf("%s: %v", trace.Trace, refusal)
			}
			names[d.TraceID] = trace.Trace
			documents = append(documents, text)
		}
	}
	type vector struct {
		Expr  string
		Match []string
	}
	vectors := readLines[vector](t, tables+"/match.jsonl")
	if len(vectors) < 100 || len(order) < 8 {
		t.Fatalf("%d expressions and %d traces", len(vectors), len(order))
	}

	dir := t.TempDir()
	s := openStore(t, dir)
	defer func() { s.Close() }()
	check := func(state string) {
		t.Helper()
		e := query.New(s, query.Options{})
		for _, v := range vectors {
			expression, err := filter.Parse(v.Expr)
			if err != nil {
				t.Fatal(err)
			}
			page, err := e.Summaries(ctx, query.Question{Window: tomo.Window{TimeRange: tomo.Always}, Filter: expression, Groups: exampleGroups})
			if err != nil {
				t.Fatalf("%s, %s: %v", state, v.Expr, err)
			}
			got := []string{}
			for _, trace := range page.Traces {
				got = append(got, names[trace.ID])
			}
			slices.SortFunc(got, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
			if !slices.Equal(got, v.Match) {
				t.Errorf("%s, %.200s\nmatches %v, want %v", state, v.Expr, got, v.Match)
			}
		}
	}
	if refused, err := ingest.New(s, ingest.Options{}).Accept(ctx, "test", documents); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	check("open")
	settleAll(t, s)
	check("settled")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	check("opened again")
}

// exampleGroups knows the groups that the tables mention.
func exampleGroups(g filter.Group) (filter.Expr, bool) {
	text, known := map[string]string{"high_response_time": "responsetime > 3", "slow": "duration > 1"}[g.Text]
	if !known {
		return nil, false
	}
	e, err := filter.Parse(text)
	return e, err == nil
}

// readLines reads a file of JSON objects, one a line.
func readLines[T any](t *testing.T, file string) (list []T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, one)
	}
	return list
}
