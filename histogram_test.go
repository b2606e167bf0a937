package tomo_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

var sameHistogram = cmp.Transformer("histogram", func(h tomo.Histogram) string {
	return fmt.Sprint(h.Coarse(), h.Bins())
})

func histogramOf(durations []time.Duration) (h tomo.Histogram) {
	for _, d := range durations {
		h.Add(d)
	}
	return h
}

// durations come in few or many different lengths, so that histograms on both
// sides of the coarse rule are drawn.
func durations(t *rapid.T, name string) []time.Duration {
	top := rapid.SampledFrom([]int{3, 120, 100_000_000}).Draw(t, name+" up to (ms)")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, top).Draw(t, "ms")) * time.Millisecond
	}), 0, 150).Draw(t, name)
}

// TestHistogramMerge: merging counts the same as adding, in any order and
// grouping, and leaves the other as it was.
func TestHistogramMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := durations(t, "a"), durations(t, "b"), durations(t, "c")
		merge := func(lists ...tomo.Histogram) (sum tomo.Histogram) {
			for i := range lists {
				sum.Merge(&lists[i])
			}
			return sum
		}
		ha, hb, hc := histogramOf(a), histogramOf(b), histogramOf(c)
		want := histogramOf(slices.Concat(a, b, c))
		for name, got := range map[string]tomo.Histogram{
			"a+b+c":   merge(ha, hb, hc),
			"c+b+a":   merge(hc, hb, ha),
			"a+(b+c)": merge(ha, merge(hb, hc)),
			"(c+a)+b": merge(merge(hc, ha), hb),
		} {
			if diff := cmp.Diff(want, got, sameHistogram); diff != "" {
				t.Fatalf("%s: (-added +merged)\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(histogramOf(b), hb, sameHistogram); diff != "" {
			t.Fatalf("merging changed the other: %s", diff)
		}
	})
}

// TestHistogramCoarse: up to a hundred different milliseconds every one has
// its bar; beyond, no value is further from its bar than a 64th of itself.
func TestHistogramCoarse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := durations(t, "durations")
		h := histogramOf(list)
		if h.Count() != int64(len(list)) {
			t.Fatalf("%d of %d are counted", h.Count(), len(list))
		}
		different := map[int64]int64{}
		for _, d := range list {
			different[tomo.Milliseconds(d)]++
		}
		bins := h.Bins()
		for i, b := range bins {
			if i > 0 && bins[i-1].Value >= b.Value || b.Count <= 0 {
				t.Fatalf("bin %d of %v", i, bins)
			}
			if len(different) <= 100 && different[b.Value] != b.Count {
				t.Fatalf("%d different values, and %d ms are counted %d times instead of %d", len(different), b.Value, b.Count, different[b.Value])
			}
		}
		for value := range different {
			near := slices.ContainsFunc(bins, func(b tomo.Bin) bool { return max(value-b.Value, b.Value-value)*64 <= max(value, b.Value) })
			if !near {
				t.Fatalf("no bin for %d ms in %v", value, bins)
			}
		}
	})
}

// TestHistogramOf: not only the bars come back but also whether they are coarse.
func TestHistogramOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := durations(t, "durations")
		h := histogramOf(list)
		told := tomo.HistogramOf(slices.Clone(h.Bins()), h.Coarse())
		for _, d := range durations(t, "more") {
			told.Add(d)
			h.Add(d)
		}
		if diff := cmp.Diff(h, told, sameHistogram); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		0: 0, 499 * time.Microsecond: 0, 500 * time.Microsecond: 1, 1499999: 1, 1500000: 2, time.Second: 1000,
	} {
		if got := tomo.Milliseconds(d); got != want {
			t.Errorf("%v: %d ms, want %d", d, got, want)
		}
	}
	var h tomo.Histogram
	h.Add(-time.Second)
	if want := []tomo.Bin{{Value: 0, Count: 1}}; !slices.Equal(h.Bins(), want) {
		t.Errorf("a negative duration is counted as %v", h.Bins())
	}
}
