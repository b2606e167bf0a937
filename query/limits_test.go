package query_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/store/localstore"
)

// TestLimitsOfAnotherRun: a trace is found by what was indexed when it settled,
// also when the limit is another one by now and the documents have to be asked; and
// what is found and what is not are all there is.
func TestLimitsOfAnotherRun(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	const keys = 12
	put := func(store *localstore.Store, limits tomo.Limits, n int) {
		t.Helper()
		var annotations []string
		for k := range keys {
			annotations = append(annotations, fmt.Sprintf(`"k%d":"v"`, k))
		}
		root := fmt.Sprintf(`{"id":"%016x","trace_id":"%v","name":"front","start_time":%d,"end_time":%d.5}`, n+1, id(n), first+n, first+n)
		child := fmt.Sprintf(`{"id":"%016x","parent_id":"%016x","trace_id":"%v","name":"shop","start_time":%d,"end_time":%d.5,"http":{"request":{"method":"GET"}},"annotations":{%s}}`,
			1000+n, n+1, id(n), first+n, first+n, strings.Join(annotations, ","))
		if refused, err := ingest.New(store, ingest.Options{Limits: limits}).Accept(ctx, "test", [][]byte{[]byte(root), []byte(child)}); err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
	}
	var indexed []int // of each trace
	for run, most := range []int{5, 9, 2, 50, 1} {
		limits := tomo.Limits{Annotations: most}
		sorter := ingest.NewSorter(nil, limits)
		store, err := localstore.Open(dir, localstore.Options{Derive: sorter.Summary})
		if err != nil {
			t.Fatal(err)
		}
		e := query.New(store, query.Options{Limits: limits})
		find := func(text string) (found []int) {
			t.Helper()
			expression, err := filter.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			page, err := e.Summaries(ctx, query.Question{Window: whole, Filter: expression})
			if err != nil {
				t.Fatal(err)
			}
			for _, trace := range page.Traces {
				found = append(found, int(trace.Start-whole.Start)/1e6)
			}
			slices.Sort(found)
			if n, err := e.Count(ctx, whole, expression, nil); err != nil || n != int64(len(found)) {
				t.Errorf("run %d: %s is counted %d times, %v, and found %d times", run, text, n, err, len(found))
			}
			return found
		}
		check := func(state string) {
			t.Helper()
			for k := range keys {
				var with, without []int
				for n, most := range indexed {
					if k < most {
						with = append(with, n)
					} else {
						without = append(without, n)
					}
				}
				for _, of := range []struct {
					text string
					want []int
				}{
					{`annotation.k%d = "v"`, with},
					{`service("shop") { annotation.k%d = "v" }`, with},
					{`service("shop") { annotation.k%d = "v" AND http.method = "GET" }`, with},
					{`!annotation.k%d = "v"`, without},
					{`!service("shop") { annotation.k%d = "v" }`, without},
					{`!service("shop") { annotation.k%d = "v" AND http.method = "GET" }`, without},
				} {
					text := fmt.Sprintf(of.text, k)
					if got := find(text); !slices.Equal(got, of.want) {
						t.Errorf("run %d, %s: %s finds %v, want %v", run, state, text, got, of.want)
					}
				}
			}
		}
		check("started")
		put(store, limits, run)
		indexed = append(indexed, min(most, keys))
		check("open")
		pipeline := ingest.New(store, ingest.Options{Sorter: sorter, Settle: tomo.SettlePolicy{Quiet: 1, MaxAge: 1, Wait: 1}})
		for more := true; more; {
			if more, err = pipeline.Settle(ctx); err != nil {
				t.Fatal(err)
			}
		}
		check("settled")
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
