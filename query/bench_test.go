package query_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/store/localstore"
)

// BenchmarkSeries asks for a day by the minute, of 100,000 traces over 12
// services in about 50 blocks.
func BenchmarkSeries(b *testing.B) {
	now := noon
	clock := func() time.Time { return now.Std() }
	store, err := localstore.Open(b.TempDir(), localstore.Options{Derive: derive.Summary, Now: clock})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()
	pipeline := ingest.New(store, ingest.Options{Now: clock})
	n := 0
	for m := range 24 * 60 {
		now = noon + tomo.Time(m)*minute
		var docs [][]byte
		for range 70 {
			n++
			trace := tomo.TraceID{4: byte(n >> 24), 5: byte(n >> 16), 6: byte(n >> 8), 7: byte(n)}
			took := float64(n*7919%997) / 1000
			docs = append(docs, fmt.Appendf(nil, `{"id":"%016x","trace_id":"%v","name":"shop-%d","start_time":%d,"end_time":%f,"fault":%v,"subsegments":[{"id":"%016x","name":"bank-%d","namespace":"remote","start_time":%d,"end_time":%f}]}`,
				2*n, trace, n%6, first+m, float64(first+m)+took, n%97 == 0, 2*n+1, n%5, first+m, float64(first+m)+took/2))
		}
		if _, err := pipeline.Accept(ctx, "test", docs); err != nil {
			b.Fatal(err)
		}
		if m%30 == 29 {
			settleAll(b, store)
		}
	}
	e := query.New(store, query.Options{})
	for _, q := range []struct {
		name string
		query.SeriesQuestion
	}{
		{"everything", query.SeriesQuestion{}},
		{"service", query.SeriesQuestion{Selector: selector(b, `service("shop-3")`)}},
		{"forecast", query.SeriesQuestion{Selector: selector(b, `service("shop-3")`), Forecast: true}},
	} {
		q.Range = tomo.TimeRange{Start: noon, End: now + minute}
		began := time.Now()
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if s, err := e.Series(ctx, q.SeriesQuestion); err != nil || len(s.Points) != 24*60-1 {
					b.Fatalf("%d points, %v", len(s.Points), err)
				}
			}
		})
		b.Logf("%s in all %v", q.name, time.Since(began))
	}
}
