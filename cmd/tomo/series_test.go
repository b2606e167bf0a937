package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/api"
)

func TestWriteSeries(t *testing.T) {
	at := func(minute int) api.Time {
		return api.TimeOf(time.Date(2026, 1, 5, 12, minute, 0, 0, time.UTC))
	}
	some := &api.Statistics{OkCount: 6, TotalCount: 10, ErrorStatistics: api.ErrorStatistics{OtherCount: 1, ThrottleCount: 2, TotalCount: 3}, FaultStatistics: api.FaultStatistics{TotalCount: 1}}
	bins := []api.HistogramEntry{{Count: 10, Value: 0.25}}
	points := []api.TimeSeriesServiceStatistics{
		{Timestamp: at(5), ServiceSummaryStatistics: some, ResponseTimeHistogram: bins,
			ServiceForecastStatistics: api.ForecastStatistics{FaultCountLow: new(int64(0)), FaultCountHigh: new(int64(3))}},
		{Timestamp: at(0), ServiceSummaryStatistics: some, ResponseTimeHistogram: bins,
			ServiceForecastStatistics: api.ForecastStatistics{FaultCountLow: new(int64(0)), FaultCountHigh: new(int64(0))}},
		{Timestamp: at(-5), ServiceSummaryStatistics: &api.Statistics{}, ResponseTimeHistogram: []api.HistogramEntry{}},
	}
	want := `FROM               REQUESTS  A MINUTE  FAULTS       ERRORS       THROTTLES          P50     P90  EXPECTED FAULTS
2026-01-05 12:00Z        10         2       1 10 %       1 10 %          2 20 %  250 ms  250 ms  0 to 3
2026-01-05 11:55Z        10         2       1 10 %       1 10 %          2 20 %  250 ms  250 ms  0 to 0: too many
2026-01-05 11:50Z         0         0       0            0               0            -       -
`
	var out bytes.Buffer
	if err := writeSeries(&out, points, 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWholePeriods(t *testing.T) {
	tests := []struct {
		from, to    string
		period      time.Duration
		first, last string // ends of the periods that come; "" for none
	}{
		{"11:04:05", "12:04:05", time.Minute, "11:05:00", "12:05:00"},
		{"11:04:05", "12:04:05", 5 * time.Minute, "11:05:00", "12:05:00"},
		{"12:04:05", "12:04:06", time.Minute, "12:05:00", "12:05:00"},
		{"12:04:59.5", "12:05:00.5", 5 * time.Minute, "12:05:00", "12:10:00"},
		{"12:00:00", "12:01:00", time.Minute, "12:01:00", "12:01:00"},
		{"12:00:00", "12:00:00", time.Minute, "", ""},
	}
	parse := func(clock string) api.Time {
		at, err := time.Parse("2006-01-02 15:04:05", "2026-01-05 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return api.TimeOf(at)
	}
	for _, tt := range tests {
		start, end := wholePeriods(parse(tt.from), parse(tt.to), tt.period)
		var ends []string
		if end.Std().Sub(start.Std()) >= tt.period {
			at := start.Std().Truncate(tt.period)
			if at.Before(start.Std()) {
				at = at.Add(tt.period)
			}
			for ; at.Before(end.Std()); at = at.Add(tt.period) {
				ends = append(ends, at.Format(time.TimeOnly))
			}
		}
		first, last := "", ""
		if len(ends) > 0 {
			first, last = ends[0], ends[len(ends)-1]
		}
		if first != tt.first || last != tt.last {
			t.Errorf("%s to %s by %v: periods that end from %s to %s, want %s to %s", tt.from, tt.to, tt.period, first, last, tt.first, tt.last)
		}
	}
}
