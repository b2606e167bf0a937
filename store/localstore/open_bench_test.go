package localstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/localstore"
)

// BenchmarkOpen asks a store in which 40,000 traces are open, as they are while
// segments come at full speed.
func BenchmarkOpen(b *testing.B) {
	s, err := localstore.Open(b.TempDir(), localstore.Options{Derive: derive.Summary, Memory: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const start = 1767607200
	for i := range 40_000 {
		var in []tomo.Incoming
		for k := range 4 {
			fault := ""
			if i%500 == 0 && k == 3 {
				fault = `,"fault":true`
			}
			text := fmt.Sprintf(`{"trace_id":"1-695b8ba0-%024x","id":"%016x","name":"service-%d","start_time":%d.%03d,"end_time":%d.%03d%s,
				"annotations":{"tenant":"t-%d","order":"o-%d"},"subsegments":[{"id":"%016x","name":"DynamoDB","namespace":"aws","start_time":%d.%03d,"end_time":%d.%03d,
				"aws":{"operation":"GetItem","table_name":"carts"}}]}`,
				i, i<<8|k, (i+k)%9, start, i%800, start, i%800+100, fault, i%8, i, i<<8|k|128, start, i%800+1, start, i%800+50)
			var d tomo.Document
			if refusal := d.Parse(tomo.RawDocument{Text: []byte(text), Received: start*1e6 + tomo.Time(i)}); refusal != nil {
				b.Fatal(refusal)
			}
			document, _ := d.Incoming(nil)
			in = append(in, document)
		}
		if _, err := s.PutSegments(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	w := tomo.Window{TimeRange: tomo.Always}
	for _, text := range []string{``, `service("service-3") { fault }`, `annotation.order = "o-77"`, `duration > 1`} {
		e, err := filter.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		p := filter.PlanFor(e, nil)
		b.Run("count "+text, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Count(context.Background(), w, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range s.Summaries(context.Background(), w, filter.Plan{}, tomo.Top) {
				if err != nil {
					b.Fatal(err)
				}
				if n++; n == 100 {
					break
				}
			}
		}
	})
	b.Run("graph", func(b *testing.B) { // the first asks for batches, which the next ones find
		for b.Loop() {
			if _, err := s.Graph(context.Background(), w.TimeRange, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
