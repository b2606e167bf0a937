package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWaterfall(t *testing.T) {
	tests := []struct {
		name     string
		segments []string
		want     string
	}{
		{"callees below their calls, earlier first", []string{
			`{"id":"a1","name":"checkout","start_time":100,"end_time":101,"http":{"response":{"status":200}},"origin":"AWS::EC2::Instance","subsegments":[
				{"id":"a3","name":"DynamoDB","namespace":"aws","start_time":100.7,"end_time":100.75},
				{"id":"a2","name":"payments","namespace":"remote","start_time":100.1,"end_time":100.6,"subsegments":[{"id":"a4","name":"connect","start_time":100.1,"end_time":100.1002}]}]}`,
			`{"id":"b1","parent_id":"a2","name":"payments","start_time":100.2,"end_time":100.5,"fault":true,"http":{"response":{"status":502}}}`,
			`{"id":"c1","parent_id":"a3","name":"orders-of-the-last-hundred-years","start_time":100.7,"end_time":100.75,"inferred":true,"origin":"AWS::DynamoDB::Table"}`,
		}, `
SEGMENT                            STATUS      DURATION  0                    1.00 s
checkout (AWS::EC2::Instance)      200           1.00 s  ███████████████████████████
  payments →                                     500 ms     █████████████
    connect                                      200 µs     █
    payments                       502 fault     300 ms       █████████
  DynamoDB                                        50 ms                     █
    orders-of-the-last-hundred-y…  inferred       50 ms                     ▒
`},
		{"in progress, throttled, of another trace's parent", []string{
			`{"id":"a1","parent_id":"ff","name":"queue","start_time":100,"end_time":100.5,"error":true,"throttle":true}`,
			`{"id":"a2","name":"worker","start_time":100.25,"in_progress":true}`,
		}, `
SEGMENT  STATUS        DURATION  0                                            500 ms
queue    throttle        500 ms  ███████████████████████████████████████████████████
worker   in progress          …                            ░░░░░░░░░░░░░░░░░░░░░░░░░
`},
		{"segments that call each other", []string{
			`{"id":"a1","parent_id":"b1","name":"a","start_time":1,"end_time":2}`,
			`{"id":"b1","parent_id":"a1","name":"b","start_time":1,"end_time":2}`,
		}, `
SEGMENT  STATUS   DURATION  0                                                 1.00 s
a                   1.00 s  ████████████████████████████████████████████████████████
  b                 1.00 s  ████████████████████████████████████████████████████████
`},
		{"no time passes, and a name that would steer the terminal", []string{
			`{"id":"a1","name":"\u001b[2Jgone","start_time":5,"end_time":5}`,
		}, `
SEGMENT   STATUS   DURATION  0                                                  0 µs
�[2Jgone               0 µs  █
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			segments, err := parseSegments(test.segments)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			drawWaterfall(&b, rows(segments), 84, palette{})
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, b.String())
			}
		})
	}
}

func TestShortDuration(t *testing.T) {
	tests := []struct {
		seconds float64
		want    string
	}{
		{0, "0 µs"}, {0.0000004, "0 µs"}, {0.000999, "999 µs"}, {0.0015, "1.5 ms"}, {0.0124, "12 ms"},
		{0.9, "900 ms"}, {1.2345, "1.23 s"}, {61.2, "1m1s"}, {-0.5, "-500 ms"},
		{0.0009996, "1.0 ms"}, {0.00996, "10 ms"}, {0.9996, "1.00 s"}, {59.996, "1m0s"}, {47 * 3600, "47h0m0s"}, {3 * 86400, "3 days"},
		{1e12, "11574074 days"}, {-1e12, "-11574074 days"},
	}
	for _, test := range tests {
		if got := shortDuration(test.seconds); got != test.want {
			t.Errorf("shortDuration(%v) = %q, want %q", test.seconds, got, test.want)
		}
	}
}
