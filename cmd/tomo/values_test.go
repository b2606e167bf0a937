package main

import (
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
)

func TestPercentile(t *testing.T) {
	unsorted := []api.HistogramEntry{{Value: 3, Count: 1}, {Value: 1, Count: 8}, {Value: 2, Count: 1}}
	tests := []struct {
		bins []api.HistogramEntry
		p    float64
		want string
	}{
		{nil, 0.5, "-"},
		{unsorted, 0.5, "1.00 s"},
		{unsorted, 0.8, "1.00 s"},
		{unsorted, 0.9, "2.00 s"},
		{unsorted, 1, "3.00 s"},
	}
	for _, test := range tests {
		if got := percentile(test.bins, test.p); got != test.want {
			t.Errorf("percentile(%v, %v) = %s, want %s", test.bins, test.p, got, test.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // -1: refused
	}{
		{"30d", 30 * 24 * time.Hour}, {"1.5d", 36 * time.Hour}, {"36h", 36 * time.Hour}, {"90s", 90 * time.Second},
		{"0s", 0}, {"-1h", -1}, {"-1d", -1}, {"d", -1}, {"NaNd", -1}, {"1e9d", -1}, {"7", -1}, {"", -1},
	}
	for _, test := range tests {
		got, err := parseDuration(test.in)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", test.in, got, err, test.want)
		}
	}
}

func TestWindow(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	tests := []struct {
		name     string
		flags    windowFlags
		from, to string // an empty from: refused
	}{
		{"the last hour, and this moment", windowFlags{Since: time.Hour}, "2026-01-02T14:04:06Z", "2026-01-02T15:04:06Z"},
		{"an hour before an end", windowFlags{Since: time.Hour, To: "2026-01-01"}, "2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z"},
		{"from a time on", windowFlags{Since: time.Hour, From: "2026-01-01 12:00:00"}, "2026-01-01T12:00:00Z", "2026-01-02T15:04:06Z"},
		{"epoch seconds, another zone", windowFlags{From: "1767225600.5", To: "2026-01-02T01:00:00+02:00"}, "2026-01-01T00:00:00.5Z", "2026-01-01T23:00:00Z"},
		{"backwards", windowFlags{From: "2026-01-02", To: "2026-01-01"}, "", ""},
		{"no time", windowFlags{From: "yesterday"}, "", ""},
	}
	for _, test := range tests {
		from, to, err := test.flags.window(now)
		if test.from == "" {
			if err == nil {
				t.Errorf("%s: got %v to %v, want it refused", test.name, from, to)
			}
			continue
		}
		if err != nil || from.String() != test.from || to.String() != test.to {
			t.Errorf("%s: got %v to %v, %v, want %s to %s", test.name, from, to, err, test.from, test.to)
		}
	}
}
