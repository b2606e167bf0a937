package localstore_test

import (
	"crypto/sha256"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tomotrace/tomo/store/localstore"
	"github.com/tomotrace/tomo/store/storetest"
)

// TestStore holds the embedded store against the contract. Whenever it is opened
// it is encrypted with another key, or with none.
func TestStore(t *testing.T) {
	var opened atomic.Int64
	storetest.Run(t, func(t testing.TB, dir string, o storetest.Options) storetest.Store {
		s, err := localstore.Open(dir, localstore.Options{
			Derive: o.Derive, Retention: o.Retention, MaxTraceDocuments: o.MaxTraceDocuments, Now: o.Now, Lost: o.Lost, Keys: keys,
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

// keys has two keys.
func keys(id string) []byte {
	if id != "one" && id != "two" {
		return nil
	}
	key := sha256.Sum256([]byte(id))
	return key[:]
}

var start = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
