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

func TestContainsOldVersions(t *testing.T) {
	g := tomo.Group{Created: 5, FilterChanges: []tomo.Time{10, 20}}
	for _, tt := range []struct {
		start, end tomo.Time
		want       bool
	}{
		{0, 8, true}, {0, 10, true}, {10, 11, true}, {19, 21, true}, {20, 99, false}, {21, 99, false},
	} {
		if got := g.ContainsOldVersions(tomo.TimeRange{Start: tt.start, End: tt.end}); got != tt.want {
			t.Errorf("old versions from %d to %d: %v, want %v", tt.start, tt.end, got, tt.want)
		}
	}
	if (&tomo.Group{Created: 5}).ContainsOldVersions(tomo.Always) {
		t.Error("a group whose filter never changed has no old version")
	}
}
