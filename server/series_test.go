package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/server"
)

// at makes what follows in a test be received at another moment.
func at(t *testing.T, moment time.Time) {
	before := now
	t.Cleanup(func() { now = before })
	now = moment
}

// figures is a point as it is sent.
func figures(member, statistics, bins string, end time.Time) string {
	members := map[string]string{"Edge": "null", "Service": "null"}
	if member != "" {
		members[member] = statistics
	}
	return fmt.Sprintf(`{"EdgeSummaryStatistics":%s,"ResponseTimeHistogram":%s,"ServiceForecastStatistics":{"FaultCountHigh":null,"FaultCountLow":null},`+
		`"ServiceSummaryStatistics":%s,"Timestamp":%s}`, members["Edge"], bins, members["Service"], epoch(end))
}

// epoch writes a moment as the service does.
func epoch(t time.Time) string {
	text, err := api.TimeOf(t).MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestGetTimeSeriesServiceStatistics has traffic in two minutes on both sides
// of noon. Shapes and which periods a window has are as X-Ray was recorded.
func TestGetTimeSeriesServiceStatistics(t *testing.T) {
	d := open(t, server.Options{})
	noon := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	put := func(n int, took float64, rest string) {
		d.put(fmt.Sprintf(`{"trace_id":"1-6553f100-%024x","id":"%016x","name":"shop","start_time":1700000000,"end_time":%f%s}`, n, n, 1700000000+took, rest))
	}
	at(t, noon.Add(-49*time.Second))
	put(1, 1.25, `,"subsegments":[{"id":"b000000000000001","name":"bank","namespace":"remote","start_time":1700000000,"end_time":1700000001}]`)
	put(2, 2.5, `,"error":true`)
	at(t, noon.Add(time.Second))
	put(3, 0.4, `,"throttle":true,"error":true,"http":{"response":{"status":429}}`)
	put(4, 1, `,"fault":true`)

	const (
		early = `{"ErrorStatistics":{"OtherCount":1,"ThrottleCount":0,"TotalCount":1},"FaultStatistics":{"OtherCount":0,"TotalCount":0},"OkCount":1,"TotalCount":2,"TotalResponseTime":3.75}`
		late  = `{"ErrorStatistics":{"OtherCount":0,"ThrottleCount":1,"TotalCount":1},"FaultStatistics":{"OtherCount":1,"TotalCount":1},"OkCount":0,"TotalCount":2,"TotalResponseTime":1.4}`
		call  = `{"ErrorStatistics":{"OtherCount":0,"ThrottleCount":0,"TotalCount":0},"FaultStatistics":{"OtherCount":0,"TotalCount":0},"OkCount":1,"TotalCount":1,"TotalResponseTime":1.0}`
		none  = `{"ErrorStatistics":{"OtherCount":0,"ThrottleCount":0,"TotalCount":0},"FaultStatistics":{"OtherCount":0,"TotalCount":0},"OkCount":0,"TotalCount":0,"TotalResponseTime":0.0}`

		earlyBins, lateBins = `[{"Count":1,"Value":1.25},{"Count":1,"Value":2.5}]`, `[{"Count":1,"Value":0.4},{"Count":1,"Value":1.0}]`
		callBins, noBins    = `[{"Count":1,"Value":1.0}]`, `[]`
	)
	both := func(member string, end time.Duration) string {
		return figures(member, late, lateBins, noon.Add(end)) + "," + figures(member, early, earlyBins, noon)
	}
	bank := func(member string) string {
		return figures(member, none, noBins, noon.Add(time.Minute)) + "," + figures(member, call, callBins, noon)
	}
	nothing := figures("", "", "null", noon.Add(time.Minute)) + "," + figures("", "", "null", noon)
	tests := []struct {
		start, end time.Duration
		rest, want string
	}{
		{-11 * time.Minute, 9 * time.Minute, ``, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"Period":60`, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"Period":300`, both("Edge", 5*time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"Period":null,"EntitySelectorExpression":null,"ForecastStatistics":null,"NextToken":null`, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"GroupName":"Default","GroupARN":"arn:aws:xray:us-east-1:123456789012:group/Default"`, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"GroupName":""`, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"service(\"shop\")"`, both("Service", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"service(id(name: \"shop\", type: \"\"))","ForecastStatistics":true`, both("Service", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"edge(id(type: \"client\"), \"shop\")"`, both("Edge", time.Minute)},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"edge(\"shop\", \"bank\")"`, bank("Edge")},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"service(\"bank\")"`, bank("Service")},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"service(\"missing\")"`, nothing},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"service(id(name: \"shop\", type: \"remote\"))"`, nothing},
		{-11 * time.Minute, 9 * time.Minute, `,"EntitySelectorExpression":"edge(\"bank\", \"shop\")"`, nothing},

		{-time.Minute, 0, ``, ``},
		{0, time.Minute, ``, figures("Edge", early, earlyBins, noon)},
		{time.Second, time.Minute + time.Second, ``, figures("Edge", late, lateBins, noon.Add(time.Minute))},
		{-500 * time.Millisecond, 500 * time.Millisecond, ``, ``},
		{0, 0, ``, ``},
		{-99 * time.Minute, -9 * time.Minute, ``, ``},

		{0, -time.Second, ``, "InvalidRequestException: End time cannot be earlier than start time"},
		{0, time.Minute, `,"Period":0`, "InvalidRequestException: Time period must be one of [60, 300]"},
		{0, time.Minute, `,"Period":-1`, "InvalidRequestException: Time period must be one of [60, 300]"},
		{0, time.Minute, `,"Period":3600`, "InvalidRequestException: Time period must be one of [60, 300]"},
		{0, time.Minute, `,"NextToken":"not-a-token"`, "InvalidRequestException: Invalid token not-a-token"},
		{0, time.Minute, `,"GroupName":"mine"`, "InvalidRequestException: Group not found."},
		{0, time.Minute, `,"GroupARN":"arn:aws:xray:us-east-1:123456789012:group/mine/X"`, "InvalidRequestException: Group not found."},
		{0, time.Minute, `,"EntitySelectorExpression":""`, "ValidationException: 1 validation error detected: Value '' at 'entitySelectorExpression' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{0, time.Minute, `,"ForecastStatistics":true`, "InvalidRequestException: ForecastStatistics needs an EntitySelectorExpression"},
	}
	for _, tt := range tests {
		body := fmt.Sprintf(`{"StartTime":%s,"EndTime":%s%s}`, epoch(noon.Add(tt.start)), epoch(noon.Add(tt.end)), tt.rest)
		want := tt.want
		if !strings.Contains(want, "Exception: ") {
			want = `{"ContainsOldGroupVersions":false,"NextToken":null,"TimeSeriesServiceStatistics":[` + tt.want + `]}`
		}
		d.post("/TimeSeriesServiceStatistics", body).want(t, body, want)
	}
	d.post("/TimeSeriesServiceStatistics", `{"EndTime":2}`).want(t, "no start",
		"ValidationException: 1 validation error detected: Value null at 'startTime' failed to satisfy constraint: Member must not be null")
}

// TestSelectors: what cannot be read is refused, with the place counted from 1.
func TestSelectors(t *testing.T) {
	d := open(t, server.Options{})
	long := strings.Repeat("x", 500-len(`service("")`))
	tests := []struct{ selector, refused string }{
		{`service("shop")`, ""},
		{`service("` + long + `")`, ""},
		{`service("` + long + `x")`, "ValidationException"},
		{`service("shop") { fault }`, "Error Location: line 1, position 17 : Invalid input symbol: '{'"},
		{`annotation[k]`, "Error Location: line 1, position 1 : Invalid input symbol: 'annotation'"},
		{`id("shop")`, "Error Location: line 1, position 1 : Invalid input symbol: 'id'"},
		{`service()`, "Error Location: line 1, position 9 : Invalid input symbol: ')'"},
		{`edge()`, "Error Location: line 1, position 6 : Invalid input symbol: ')'"},
		{`service(shop)`, "Error Location: line 1, position 9 : Invalid input symbol: 'shop'"},
	}
	for _, tt := range tests {
		_, err := client.New(d.url).GetTimeSeriesServiceStatistics(t.Context(), &api.GetTimeSeriesServiceStatisticsRequest{
			StartTime: new(api.Time(0)), EndTime: new(api.Time(60)), EntitySelectorExpression: &tt.selector,
		})
		if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %v, want %s", tt.selector, err, tt.refused)
		}
	}
}

// TestForecast: after an hour of traffic the faults of a service are foretold.
func TestForecast(t *testing.T) {
	d := open(t, server.Options{})
	begin := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for m := range 40 {
		at(t, begin.Add(time.Duration(m)*time.Minute))
		var docs []string
		for k := range 20 {
			docs = append(docs, fmt.Sprintf(`{"trace_id":"1-6553f100-%024x","id":"%016x","name":"shop","start_time":1700000000,"end_time":1700000001,"fault":%v}`,
				100*m+k, 100*m+k+1, k == 0))
		}
		d.put(docs...)
	}
	request := &api.GetTimeSeriesServiceStatisticsRequest{
		StartTime: new(api.TimeOf(begin)), EndTime: new(api.TimeOf(begin.Add(time.Hour))),
		EntitySelectorExpression: new(`service(id(name: "shop"))`), ForecastStatistics: true,
	}
	series, err := client.New(d.url).GetTimeSeriesServiceStatistics(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	points := series.TimeSeriesServiceStatistics
	if len(points) != 40 {
		t.Fatalf("%d points, want 40", len(points))
	}
	newest, oldest := points[0].ServiceForecastStatistics, points[39].ServiceForecastStatistics
	if newest.FaultCountLow == nil || *newest.FaultCountLow != 0 || newest.FaultCountHigh == nil || *newest.FaultCountHigh != 5 {
		t.Errorf("expected now: %+v, want 0 to 5", newest)
	}
	if oldest.FaultCountLow != nil || oldest.FaultCountHigh != nil {
		t.Errorf("expected without any history: %+v", oldest)
	}
}
