package localstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/store/localstore"
)

// TestCountLoop asks for graphs while documents come and traces settle. Every
// graph counts each trace that was acknowledged, wholly and once, and while
// somebody asks there are batches that are counted before.
func TestCountLoop(t *testing.T) {
	sorter := ingest.NewSorter(nil, tomo.Limits{})
	s, err := localstore.Open(t.TempDir(), localstore.Options{Derive: sorter.Summary, Revision: sorter.Revision})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pipeline := ingest.New(s, ingest.Options{Sorter: sorter, Settle: tomo.SettlePolicy{Quiet: 400 * time.Millisecond}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { pipeline.Run(ctx) })
	defer running.Wait()
	defer cancel()
	put := func(from, to int, document string) {
		t.Helper()
		var docs [][]byte
		for n := from; n < to; n++ {
			docs = append(docs, fmt.Appendf(nil, `{"trace_id":"1-695b8ba0-%024x","id":"%016x","name":"shop","start_time":1767607200,"end_time":1767607200.%03d%s}`, n, n, n%1000, document))
		}
		if refusals, err := pipeline.Accept(ctx, "test", docs); err != nil || len(refusals) > 0 {
			t.Fatal(refusals, err)
		}
	}
	ask := func() (requests int64) {
		t.Helper()
		g, err := s.Graph(ctx, tomo.Always, "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range g.Services {
			if n := &g.Services[i]; n.Name == "shop" && n.Type == "" {
				requests += n.Statistics.Total()
			}
		}
		var inSeries int64
		err = s.Series(ctx, tomo.Always, "", func(_ tomo.Time, g *tomo.ServiceGraph) {
			for i := range g.Services {
				if n := &g.Services[i]; n.Name == "shop" && n.Type == "" {
					inSeries += n.Statistics.Total()
				}
			}
		})
		if err != nil || inSeries != requests {
			t.Fatalf("the series counts %d requests, the graph %d; %v", inSeries, requests, err)
		}
		return requests
	}
	const step, steps = 200, 30
	counted := 0
	deadline := time.Now().Add(time.Minute)
	sent := 0
	for ; sent < step*steps || counted == 0 || s.Stats().SettledTraces == 0; sent += step {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute %d batches were counted, and %d traces had settled", counted, s.Stats().SettledTraces)
		}
		put(sent, sent+step, "")
		// The segments of some are sent again, longer than they were: those before
		// them leave their batches, if they are in one.
		put(sent/2, sent/2+step/10, fmt.Sprintf(`,"user":"u%d"`, sent))
		if got, want := ask(), int64(sent+step); got != want {
			t.Fatalf("%d requests in the graph, %d were sent", got, want)
		}
		counted = max(counted, s.Counted())
	}
}
