package server

import (
	"strings"
	"testing"
)

func TestMetrics(t *testing.T) {
	m, err := parseMetrics(strings.NewReader(`# HELP tomo_open_traces Traces that are not settled yet.
# TYPE tomo_open_traces gauge
tomo_open_traces 12
tomo_documents_total{source="udp"} 3
tomo_documents_total{source="http",place="a } b"} 4e+06 1767607200000
tomo_documents_total_more 100
go_gc_seconds{quantile="0.5"} NaN
`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, label string
		want        float64
		found       bool
	}{
		{"tomo_open_traces", "", 12, true},
		{"tomo_documents_total", "", 4_000_003, true},
		{"tomo_documents_total", `"udp"`, 3, true},
		{"tomo_documents_total", `"otlp"`, 0, false},
		{"tomo_documents", "", 0, false},
	}
	for _, test := range tests {
		if got, found := m.Sum(test.name, test.label); got != test.want || found != test.found {
			t.Errorf("Sum(%q, %q) = %g, %t, want %g, %t", test.name, test.label, got, found, test.want, test.found)
		}
	}
	if _, err := parseMetrics(strings.NewReader("tomo_open_traces many\n")); err == nil {
		t.Error("a sample without a number was taken")
	}
}
