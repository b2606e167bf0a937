package query_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/store/localstore"
)

// openStore opens the store in dir.
func openStore(t testing.TB, dir string) *localstore.Store {
	t.Helper()
	s, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// filled is an engine over n traces, one second apart.
func filled(t *testing.T, n int) *query.Engine {
	t.Helper()
	store := openStore(t, t.TempDir())
	t.Cleanup(func() { store.Close() })
	var docs [][]byte
	for i := range n {
		docs = append(docs, fmt.Appendf(nil, `{"id":"%016x","trace_id":"%v","name":"a","start_time":%d,"end_time":%d.5}`, i+1, id(i), first+i, first+i))
	}
	if _, err := ingest.New(store, ingest.Options{}).Accept(context.Background(), "test", docs); err != nil {
		t.Fatal(err)
	}
	return query.New(store, query.Options{})
}

const first = 1767607200

func id(i int) tomo.TraceID { return tomo.TraceID{0: byte(i * 37), 14: byte(i >> 8), 15: byte(i)} }

var whole = tomo.Window{TimeRange: tomo.TimeRange{Start: first * 1e6, End: (first + 1000) * 1e6}}

func TestPages(t *testing.T) {
	e := filled(t, 250)
	seen := map[tomo.TraceID]bool{}
	q := query.Question{Window: whole}
	for pages := 1; ; pages++ {
		page, err := e.Summaries(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if page.Processed != 250 {
			t.Errorf("page %d: %d traces processed, want 250", pages, page.Processed)
		}
		for _, s := range page.Traces {
			if seen[s.ID] {
				t.Errorf("page %d: %v again", pages, s.ID)
			}
			seen[s.ID] = true
		}
		if page.Token == "" {
			if pages != 3 || page.Approximate != whole.Start {
				t.Errorf("the last page is the %d., from %v; want the 3rd, from %v", pages, page.Approximate, whole.Start)
			}
			break
		}
		q.Token = page.Token
		// A changed question goes on where the old one stood.
		q.Omit = 1e-9
		q.Filter, err = filter.Parse(`duration < 1 AND service("a")`)
		if err != nil {
			t.Fatal(err)
		}
		q.Window.End += tomo.Minute
	}
	if len(seen) != 250 {
		t.Errorf("%d traces in the pages, want 250", len(seen))
	}
}

func TestBadTokens(t *testing.T) {
	e := filled(t, 1)
	for _, token := range []string{"x", "not-a-token", "AAAA", "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, err := e.Summaries(context.Background(), query.Question{Window: whole, Token: token})
		var known *tomo.Error
		if !errors.As(err, &known) || known.Code != tomo.Invalid || known.Message != "Invalid token "+token {
			t.Errorf("token %s: %v", token, err)
		}
	}
}

// TestOmit: what is left out is the same each time, and part of a larger share.
func TestOmit(t *testing.T) {
	e := filled(t, 400)
	ids := func(omit float64) map[tomo.TraceID]bool {
		page, err := e.Summaries(context.Background(), query.Question{Window: whole, Omit: omit, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		set := map[tomo.TraceID]bool{}
		for _, s := range page.Traces {
			set[s.ID] = true
		}
		return set
	}
	quarter, half := ids(0.75), ids(0.5)
	if n := len(quarter); n < 60 || n > 140 {
		t.Errorf("%d of 400 traces without three quarters", n)
	}
	for id := range quarter {
		if !half[id] {
			t.Errorf("%v is in a quarter but not in the half", id)
		}
	}
	for omit, want := range map[float64]int{0: 400, 1: 0} {
		if n := len(ids(omit)); n != want {
			t.Errorf("%d of 400 traces without a share of %v, want %d", n, omit, want)
		}
	}
}

func TestTraces(t *testing.T) {
	e := filled(t, 3)
	traces, err := e.Traces(context.Background(), []tomo.TraceID{id(2), id(77), id(0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) != 2 || traces[0].ID != id(2) || traces[1].ID != id(0) {
		t.Errorf("traces are %v", traces)
	}
}

func TestTraceGraph(t *testing.T) {
	e := filled(t, 3)
	graph, err := e.TraceGraph(context.Background(), []tomo.TraceID{id(0), id(1)})
	if err != nil {
		t.Fatal(err)
	}
	if n := graph.Services[0].Statistics.Total(); len(graph.Services) != 2 || n != 2 {
		t.Errorf("%d services, the first with %d requests; want a and its client, with 2", len(graph.Services), n)
	}
	var known *tomo.Error
	if _, err := e.TraceGraph(context.Background(), []tomo.TraceID{id(99)}); !errors.As(err, &known) || known.Code != tomo.NotFound {
		t.Errorf("the graph of an unknown trace: %v", err)
	}
}
