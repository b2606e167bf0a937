package localstore_test

import (
	"context"
	"crypto/sha256"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/localstore"
	"github.com/tomotrace/tomo/store/storetest"
)

// TestStore holds the embedded store against the contract. Whenever it is opened
// it is encrypted with another key, or with none.
func TestStore(t *testing.T) {
	var opened atomic.Int64
	storetest.Run(t, func(t testing.TB, dir string, o storetest.Options) storetest.Store {
		s, err := localstore.Open(dir, localstore.Options{
			Derive: o.Derive, Revision: o.Revision, Retention: o.Retention, MaxTraceDocuments: o.MaxTraceDocuments, MaxTraceBytes: o.MaxTraceBytes, Modifiable: o.Modifiable, Now: o.Now, Lost: o.Lost, Keys: keys,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Encrypt(t.Context(), []string{"", "one", "two"}[opened.Add(1)%3]); err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// TestBatches is TestStore while open traces are counted all the time, a few in
// each batch.
func TestBatches(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string, o storetest.Options) storetest.Store {
		s, err := localstore.Open(dir, localstore.Options{
			Derive: o.Derive, Revision: o.Revision, Retention: o.Retention, MaxTraceDocuments: o.MaxTraceDocuments, MaxTraceBytes: o.MaxTraceBytes, Modifiable: o.Modifiable, Now: o.Now, Lost: o.Lost,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.SmallBatches(3)
		return &batching{Store: s}
	})
}

// batching counts the batches before each but every fourth question, so that they
// are asked in all states.
type batching struct {
	*localstore.Store
	asked int
}

func (b *batching) batch() {
	if b.asked++; b.asked%4 > 0 {
		b.CountAll()
	}
}

func (b *batching) Graph(ctx context.Context, r tomo.TimeRange, group string) (*tomo.ServiceGraph, error) {
	b.batch()
	return b.Store.Graph(ctx, r, group)
}

func (b *batching) Series(ctx context.Context, r tomo.TimeRange, group string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	b.batch()
	return b.Store.Series(ctx, r, group, each)
}

func (b *batching) PutSegments(ctx context.Context, docs []tomo.Incoming) ([]tomo.Over, error) {
	b.batch()
	return b.Store.PutSegments(ctx, docs)
}

func (b *batching) Due(ctx context.Context, p tomo.SettlePolicy) ([]tomo.TraceDocuments, error) {
	b.batch()
	return b.Store.Due(ctx, p)
}

// keys has two keys.
func keys(id string) []byte {
	if id != "one" && id != "two" {
		return nil
	}
	key := sha256.Sum256([]byte(id))
	return key[:]
}

var start = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
