package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo"
)

// putFaulty puts a trace of a shop that calls a bank, which fails.
func (s *server) putFaulty() {
	s.t.Helper()
	trace, call := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
	now := float64(time.Now().UnixMilli()) / 1e3
	s.put(
		fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":"shop","start_time":%.3f,"end_time":%.3f,"subsegments":[
			{"id":"%v","name":"bank","namespace":"remote","start_time":%.3f,"end_time":%.3f,"http":{"response":{"status":503}}}]}`,
			trace, tomo.NewSegmentID(), now-0.5, now, call, now-0.4, now-0.1),
		fmt.Sprintf(`{"trace_id":"%v","id":"%v","parent_id":"%v","name":"bank","start_time":%.3f,"end_time":%.3f,"fault":true}`,
			trace, tomo.NewSegmentID(), call, now-0.35, now-0.15))
}

// TestGoSDKSeries reads what was received this minute as a time series, all
// pages of it, as dashboards do.
func TestGoSDKSeries(t *testing.T) {
	s := start(t)
	for range 3 {
		s.putFaulty()
	}
	ask := func(t *testing.T, in *xray.GetTimeSeriesServiceStatisticsInput) (points []types.TimeSeriesServiceStatistics) {
		t.Helper()
		in.StartTime, in.EndTime = aws.Time(time.Now().Add(-time.Hour)), aws.Time(time.Now().Add(time.Hour))
		for pages := xray.NewGetTimeSeriesServiceStatisticsPaginator(s.sdk(), in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			points = append(points, page.TimeSeriesServiceStatistics...)
		}
		return points
	}
	tests := []struct {
		name     string
		in       xray.GetTimeSeriesServiceStatisticsInput
		service  bool
		ok, bad  int64
		response float64
	}{
		{"everything", xray.GetTimeSeriesServiceStatisticsInput{}, false, 3, 0, 1.5},
		{"everything, as a dashboard asks", xray.GetTimeSeriesServiceStatisticsInput{GroupName: aws.String("Default"), Period: aws.Int32(60)}, false, 3, 0, 1.5},
		{"a service", xray.GetTimeSeriesServiceStatisticsInput{EntitySelectorExpression: aws.String(`service("bank")`), Period: aws.Int32(300)}, true, 0, 3, 0.6},
		{"a service by its id", xray.GetTimeSeriesServiceStatisticsInput{
			EntitySelectorExpression: aws.String(`service(id(name: "shop", type: ""))`), ForecastStatistics: aws.Bool(true)}, true, 3, 0, 1.5},
		{"an edge", xray.GetTimeSeriesServiceStatisticsInput{EntitySelectorExpression: aws.String(`edge("shop", "bank")`)}, false, 0, 3, 0.9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ok, bad, durations int64
			var response float64
			points := ask(t, &tt.in)
			if len(points) == 0 {
				t.Fatal("no points")
			}
			for i, p := range points {
				if i > 0 && !p.Timestamp.Before(*points[i-1].Timestamp) {
					t.Errorf("%v follows %v; newest first", p.Timestamp, points[i-1].Timestamp)
				}
				if p.Timestamp.Unix()%int64(max(aws.ToInt32(tt.in.Period), 60)) != 0 {
					t.Errorf("%v is no end of a period", p.Timestamp)
				}
				if p.ServiceForecastStatistics == nil || (p.ServiceSummaryStatistics != nil) != tt.service || (p.EdgeSummaryStatistics != nil) == tt.service {
					t.Fatalf("a point is %+v", p)
				}
				// Dashboards read every member without looking whether it is there.
				if n := p.ServiceSummaryStatistics; n != nil {
					ok, bad, response = ok+*n.OkCount, bad+*n.FaultStatistics.TotalCount, response+*n.TotalResponseTime
					_ = *n.TotalCount + *n.ErrorStatistics.OtherCount + *n.ErrorStatistics.ThrottleCount + *n.ErrorStatistics.TotalCount + *n.FaultStatistics.OtherCount
				}
				if n := p.EdgeSummaryStatistics; n != nil {
					ok, bad, response = ok+*n.OkCount, bad+*n.FaultStatistics.TotalCount, response+*n.TotalResponseTime
					_ = *n.TotalCount + *n.ErrorStatistics.OtherCount + *n.ErrorStatistics.ThrottleCount + *n.ErrorStatistics.TotalCount + *n.FaultStatistics.OtherCount
				}
				for _, b := range p.ResponseTimeHistogram {
					durations += int64(b.Count)
				}
			}
			if ok != tt.ok || bad != tt.bad || durations != tt.ok+tt.bad || response < tt.response-0.01 || response > tt.response+0.01 {
				t.Errorf("%d ok, %d faults, %d durations, %v s; want %d, %d, all of them, %v s", ok, bad, durations, response, tt.ok, tt.bad, tt.response)
			}
		})
	}
	t.Run("nothing of that name", func(t *testing.T) {
		for _, p := range ask(t, &xray.GetTimeSeriesServiceStatisticsInput{EntitySelectorExpression: aws.String(`service("cart")`)}) {
			if p.ServiceSummaryStatistics != nil || p.EdgeSummaryStatistics != nil || p.Timestamp == nil {
				t.Errorf("a point is %+v", p)
			}
		}
	})
	t.Run("errors", func(t *testing.T) {
		for want, in := range map[string]xray.GetTimeSeriesServiceStatisticsInput{
			"one of [60, 300]":   {Period: aws.Int32(61)},
			"position 17":        {EntitySelectorExpression: aws.String(`service("shop") { fault }`)},
			"Invalid token x":    {NextToken: aws.String("x")},
			"Group not found.":   {GroupName: aws.String("nobody's")},
			"earlier than start": {EndTime: aws.Time(time.Unix(1, 0))},
		} {
			in.StartTime = aws.Time(time.Now())
			if in.EndTime == nil {
				in.EndTime = in.StartTime
			}
			_, err := s.sdk().GetTimeSeriesServiceStatistics(t.Context(), &in)
			var invalid *types.InvalidRequestException
			if !errors.As(err, &invalid) || !strings.Contains(invalid.ErrorMessage(), want) {
				t.Errorf("%v; want an InvalidRequestException about %q", err, want)
			}
		}
	})
}

// TestAWSCLISeries asks for a time series as people do.
func TestAWSCLISeries(t *testing.T) {
	found := programs("aws")
	if len(found) == 0 {
		absent(t, "the AWS CLI")
	}
	for _, program := range found {
		t.Run(program, func(t *testing.T) {
			s := start(t)
			s.putFaulty()
			var got struct {
				TimeSeriesServiceStatistics []struct {
					ServiceSummaryStatistics struct {
						TotalCount      int
						FaultStatistics struct{ TotalCount int }
					}
					ResponseTimeHistogram []struct{ Count int }
				}
				ContainsOldGroupVersions *bool
			}
			decode(t, run(t, s.clientEnvironment(t), program, "xray", "--endpoint-url", s.url(""), "get-time-series-service-statistics", "--output", "json",
				"--start-time", fmt.Sprint(time.Now().Add(-5*time.Minute).Unix()), "--end-time", time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339),
				"--period", "60", "--entity-selector-expression", `service("bank")`), &got)
			points := got.TimeSeriesServiceStatistics
			if len(points) != 1 || points[0].ServiceSummaryStatistics.TotalCount != 1 || points[0].ServiceSummaryStatistics.FaultStatistics.TotalCount != 1 ||
				len(points[0].ResponseTimeHistogram) != 1 || got.ContainsOldGroupVersions == nil {
				t.Errorf("the series is %+v", got)
			}
		})
	}
}
