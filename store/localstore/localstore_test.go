package localstore_test

import (
	"testing"
	"time"

	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/store/localstore"
	"github.com/tomotrace/tomo/store/storetest"
)

// TestStore holds the embedded store against the contract.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string, o storetest.Options) storetest.Store {
		s, err := localstore.Open(dir, localstore.Options{
			Derive: derive.Summary, Retention: o.Retention, MaxTraceDocuments: o.MaxTraceDocuments, Now: o.Now, Lost: o.Lost,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

var start = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
