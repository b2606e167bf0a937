package tomo_test

import (
	"testing"

	"github.com/tomotrace/tomo"
)

func TestGroupID(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:xray:us-east-1:123456789012:group/Default":   "Default",
		"arn:aws:xray:us-east-1:123456789012:group/slow/ABC2": "ABC2",
	} {
		if got := (&tomo.Group{ARN: arn}).ID(); got != want {
			t.Errorf("%s has the id %q, want %q", arn, got, want)
		}
	}
}

func TestGroupChangedIn(t *testing.T) {
	g := tomo.Group{Created: 5, FilterChanges: []tomo.Time{10, 20}}
	for _, tt := range []struct {
		start, end tomo.Time
		want       bool
	}{
		{0, 10, false}, {10, 11, true}, {11, 20, false}, {11, 21, true}, {21, 99, false}, {0, 99, true},
	} {
		if got := g.ChangedIn(tomo.TimeRange{Start: tt.start, End: tt.end}); got != tt.want {
			t.Errorf("changed from %d to %d: %v, want %v", tt.start, tt.end, got, tt.want)
		}
	}
}
