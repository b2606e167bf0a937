package tomo_test

import (
	"testing"

	"github.com/tomotrace/tomo"
)

func TestInsightOverlaps(t *testing.T) {
	closed, active := tomo.Insight{Start: 10, End: 20}, tomo.Insight{Start: 10}
	for _, tt := range []struct {
		r              tomo.TimeRange
		closed, active bool
	}{
		{tomo.TimeRange{Start: 0, End: 10}, false, false}, {tomo.TimeRange{Start: 0, End: 11}, true, true},
		{tomo.TimeRange{Start: 19, End: 30}, true, true}, {tomo.TimeRange{Start: 20, End: 30}, false, true},
		{tomo.TimeRange{Start: 15, End: 15}, false, false}, {tomo.Always, true, true},
	} {
		if got := closed.Overlaps(tt.r); got != tt.closed {
			t.Errorf("closed, %v: %v", tt.r, got)
		}
		if got := active.Overlaps(tt.r); got != tt.active {
			t.Errorf("active, %v: %v", tt.r, got)
		}
	}
}
