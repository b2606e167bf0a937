package tomo_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

// TestKeepRuleShare keeps the share that was asked for, whatever ids look like.
func TestKeepRuleShare(t *testing.T) {
	const n = 100_000
	kinds := map[string]func(i int) tomo.TraceID{
		"random": func(int) tomo.TraceID { return tomo.NewTraceID(time.Unix(1767607200, 0)) },
		"counted": func(i int) (id tomo.TraceID) {
			binary.BigEndian.PutUint64(id[8:], uint64(i))
			return id
		},
		"counted in the second": func(i int) (id tomo.TraceID) {
			binary.BigEndian.PutUint32(id[:], uint32(i))
			return id
		},
	}
	for name, next := range kinds {
		for _, rate := range []float64{0, 0.001, 0.05, 0.5, 0.99, 1} {
			rule, kept := tomo.KeepRule{Rate: rate}, 0.0
			for i := range n {
				if rule.Keeps(next(i)) {
					kept++
				}
			}
			// Six standard deviations: one failure in 10⁹ runs.
			if off := math.Abs(kept - rate*n); off > 6*math.Sqrt(rate*(1-rate)*n) {
				t.Errorf("ids %s, rate %v: %v of %d kept", name, rate, kept, n)
			}
		}
	}
}

// TestKeepRuleOrder holds low rates against high ones: what the low one keeps
// the high one keeps.
func TestKeepRuleOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var id tomo.TraceID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		low := tomo.KeepRule{Rate: rapid.Float64Range(0, 1).Draw(t, "low")}
		high := tomo.KeepRule{Rate: rapid.Float64Range(low.Rate, 1).Draw(t, "high")}
		if low.Keeps(id) && !high.Keeps(id) {
			t.Errorf("%v is kept at %v and not at %v", id, low.Rate, high.Rate)
		}
		if all := (&tomo.KeepRule{Rate: 1}); !all.Keeps(id) {
			t.Errorf("%v is not kept at 1", id)
		}
		if none := (&tomo.KeepRule{}); none.Keeps(id) {
			t.Errorf("%v is kept at 0", id)
		}
	})
}
