package derive_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/derive"
)

func TestExpect(t *testing.T) {
	tests := []struct {
		name     string
		history  derive.History
		requests int64
		want     derive.Band
		known    bool
	}{
		{"nothing known", derive.History{}, 10, derive.Band{}, false},
		{"too few minutes, however busy", derive.History{Minutes: 29, Requests: 1e6, Faults: 5}, 10, derive.Band{}, false},
		{"just enough minutes", derive.History{Minutes: 30, Requests: 30}, 10, derive.Band{Low: 0, High: 4}, true},
		{"no request now", derive.History{Minutes: 1440, Requests: 144_000, Faults: 1440}, 0, derive.Band{}, true},
		{"fewer requests than the band is wide", derive.History{Minutes: 1440, Requests: 144_000}, 2, derive.Band{Low: 0, High: 2}, true},
		// Around 1 fault; P(X ≤ 4) = 0.99657, P(X ≤ 5) = 0.99946.
		{"one in a hundred", derive.History{Minutes: 1440, Requests: 144_000, Faults: 1440}, 100, derive.Band{Low: 0, High: 5}, true},
		// P(X ≤ 70) = 0.00093, P(X ≤ 71) = 0.0013; P(X ≤ 131) = 0.9988, P(X ≤ 132) = 0.9991.
		{"the same of many", derive.History{Minutes: 1440, Requests: 14_399_900, Faults: 143_999}, 10_000, derive.Band{Low: 71, High: 132}, true},
		// P(X ≤ 2) = 0.0002, P(X ≤ 3) = 0.0013, and so from the other end.
		{"half of them", derive.History{Minutes: 60, Requests: 900, Faults: 499}, 20, derive.Band{Low: 3, High: 17}, true},
		{"all of them", derive.History{Minutes: 60, Requests: 1e6, Faults: 1e6}, 500, derive.Band{Low: 496, High: 500}, true},
	}
	for _, tt := range tests {
		got, known := tt.history.Expect(tt.requests)
		if got != tt.want || known != tt.known {
			t.Errorf("%s: %+v.Expect(%d) = %+v, %v, want %+v, %v", tt.name, tt.history, tt.requests, got, known, tt.want, tt.known)
		}
	}
}

// TestExpectQuantiles holds the band against probabilities that are summed the
// long way, by logarithms of factorials.
func TestExpectQuantiles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := derive.History{Minutes: 30, Requests: rapid.Int64Range(0, 1e9).Draw(r, "requests before")}
		h.Faults = rapid.Int64Range(0, h.Requests).Draw(r, "faults before")
		n := rapid.Int64Range(0, 3000).Draw(r, "requests")
		got, known := h.Expect(n)
		if !known {
			r.Fatalf("%+v.Expect(%d) is not known", h, n)
		}
		p := float64(h.Faults+1) / float64(h.Requests+100)
		mean := p * float64(n)
		wantLow, wantHigh := int64(-1), int64(-1)
		for k, sum := int64(0), 0.0; k <= n; k++ {
			sum += probability(n, k, p)
			if wantLow < 0 && sum >= 0.001 {
				wantLow = k
			}
			if wantHigh < 0 && (sum >= 0.999 || k == n) {
				wantHigh = k
			}
		}
		wantLow = max(0, min(wantLow, int64(math.Floor(mean))-3))
		wantHigh = min(n, max(wantHigh, int64(math.Ceil(mean))+3))
		if got.Low != wantLow || got.High != wantHigh {
			r.Fatalf("%+v.Expect(%d) = %+v, want %d to %d", h, n, got, wantLow, wantHigh)
		}
	})
}

// probability is that of k successes of n with probability p each.
func probability(n, k int64, p float64) float64 {
	lgamma := func(x int64) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return math.Exp(lgamma(n) - lgamma(k) - lgamma(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

func BenchmarkExpect(b *testing.B) {
	h := derive.History{Minutes: 1440, Requests: 1e9, Faults: 5e8}
	for b.Loop() {
		h.Expect(10_000_000)
	}
}
