package tomo_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

func TestTime(t *testing.T) {
	const at tomo.Time = 1767607265_250001
	if got := at.Std(); got != time.Date(2026, 1, 5, 10, 1, 5, 250001000, time.UTC) || tomo.TimeOf(got) != at {
		t.Errorf("%d is %v", at, got)
	}
	if got := at.Second(); got != 1767607265_000000 {
		t.Errorf("second %d", got)
	}
	if got := at.StartOfMinute(); got != 1767607260_000000 {
		t.Errorf("minute %d", got)
	}
	for before, want := range map[tomo.Time]tomo.Time{-1: -1e6, -1e6: -1e6, -1e6 - 1: -2e6, 0: 0} {
		if got := before.Second(); got != want {
			t.Errorf("second of %d is %d, want %d", before, got, want)
		}
	}
	if got := at.Add(90 * time.Second).Sub(at); got != 90*time.Second {
		t.Errorf("added %v", got)
	}
}

// TestTimeSeconds: a time survives the float that the JSON shapes write.
func TestTimeSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := tomo.Time(rapid.Int64Range(-4e15, 4e15).Draw(t, "microseconds"))
		if got := tomo.Seconds(at.Seconds()); got != at {
			t.Fatalf("%d became %d", at, got)
		}
		if s := at.Second(); s > at || at-s >= 1e6 || s%1e6 != 0 {
			t.Fatalf("second of %d is %d", at, s)
		}
	})
}

func TestTimeRange(t *testing.T) {
	r := tomo.TimeRange{Start: 10, End: 20}
	for at, want := range map[tomo.Time]bool{9: false, 10: true, 19: true, 20: false} {
		if r.Contains(at) != want {
			t.Errorf("contains %d: %t", at, !want)
		}
	}
	tests := []struct {
		first, last tomo.Time
		want        bool
	}{{0, 9, false}, {0, 10, true}, {12, 13, true}, {0, 30, true}, {19, 25, true}, {20, 25, false}}
	for _, tt := range tests {
		if r.Overlaps(tt.first, tt.last) != tt.want {
			t.Errorf("overlaps [%d,%d]: %t", tt.first, tt.last, !tt.want)
		}
	}
	if !tomo.Always.Contains(0) || !tomo.Always.Contains(-1e18) {
		t.Error("Always is not always")
	}
}
