package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
)

// stub answers every request with one text and keeps what it was asked.
type stub struct {
	status  int
	header  map[string]string
	answer  string
	request string // method, path, body
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.request = strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body))
	for name, value := range s.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(s.status)
	io.WriteString(w, s.answer)
}

func start(t *testing.T, s *stub) *client.Client {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return client.New(server.URL + "/prefix/")
}

func TestRequests(t *testing.T) {
	ctx := context.Background()
	from, to := api.Time(1767607200), api.Time(1767607260.5)
	no := "a"
	tests := []struct {
		name    string
		ask     func(*client.Client) (any, error)
		request string
		answer  string
		want    any
	}{
		{
			name:    "PutTraceSegments",
			ask:     func(c *client.Client) (any, error) { return c.PutTraceSegments(ctx, []string{`{"id":"<a>"}`}) },
			request: `POST /prefix/TraceSegments {"TraceSegmentDocuments":["{\"id\":\"<a>\"}"]}`,
			answer:  `{"UnprocessedTraceSegments":[{"ErrorCode":"InvalidId","Id":"a","Message":"m"},{"ErrorCode":"ParseError","Id":null,"Message":"m"}]}`,
			want: &api.PutTraceSegmentsResponse{UnprocessedTraceSegments: []api.UnprocessedTraceSegment{
				{ErrorCode: "InvalidId", ID: &no, Message: "m"}, {ErrorCode: "ParseError", Message: "m"}}},
		},
		{
			name:    "BatchGetTraces",
			ask:     func(c *client.Client) (any, error) { return c.BatchGetTraces(ctx, []string{"x", "y"}) },
			request: `POST /prefix/Traces {"TraceIds":["x","y"]}`,
			answer:  `{"NextToken":null,"Traces":[{"Duration":1.5E-3,"Id":"x","LimitExceeded":true,"Segments":[{"Document":"{}","Id":"s"}]}],"UnprocessedTraceIds":[]}`,
			want: &api.BatchGetTracesResponse{UnprocessedTraceIDs: []string{}, Traces: []api.Trace{
				{Duration: new(api.Double(0.0015)), ID: "x", LimitExceeded: true, Segments: []api.Segment{{Document: "{}", ID: "s"}}}}},
		},
		{
			name: "GetTraceSummaries",
			ask: func(c *client.Client) (any, error) {
				return c.GetTraceSummaries(ctx, &api.GetTraceSummariesRequest{StartTime: &from, EndTime: &to, NextToken: "t"})
			},
			request: `POST /prefix/TraceSummaries {"EndTime":1.7676072605E9,"NextToken":"t","StartTime":1.7676072E9}`,
			answer:  `{"ApproximateTime":1.7676072E9,"NextToken":"u","TraceSummaries":[],"TracesProcessedCount":7}`,
			want:    &api.GetTraceSummariesResponse{ApproximateTime: from, NextToken: new("u"), TraceSummaries: []api.TraceSummary{}, TracesProcessedCount: 7},
		},
		{
			name: "GetServiceGraph",
			ask: func(c *client.Client) (any, error) {
				return c.GetServiceGraph(ctx, &api.GetServiceGraphRequest{StartTime: &from, EndTime: &to})
			},
			request: `POST /prefix/ServiceGraph {"EndTime":1.7676072605E9,"StartTime":1.7676072E9}`,
			answer:  `{"ContainsOldGroupVersions":false,"EndTime":1.7676072E9,"NextToken":null,"Services":[],"StartTime":1.7676072E9}`,
			want:    &api.GetServiceGraphResponse{StartTime: &from, EndTime: &from, Services: []api.Service{}},
		},
		{
			name: "CreateGroup",
			ask: func(c *client.Client) (any, error) {
				return c.CreateGroup(ctx, &api.CreateGroupRequest{GroupName: new("slow"), FilterExpression: "duration > 1",
					InsightsConfiguration: &api.InsightsConfiguration{InsightsEnabled: new(true)}, Tags: []api.Tag{{Key: new("k"), Value: new("")}}})
			},
			request: `POST /prefix/CreateGroup {"FilterExpression":"duration > 1","GroupName":"slow","InsightsConfiguration":{"InsightsEnabled":true,"NotificationsEnabled":null},"Tags":[{"Key":"k","Value":""}]}`,
			answer:  `{"Group":{"FilterExpression":"duration > 1","GroupARN":"arn:x","GroupName":"slow","InsightsConfiguration":{"InsightsEnabled":true,"NotificationsEnabled":false}}}`,
			want: &api.GroupResponse{Group: api.Group{FilterExpression: new("duration > 1"), GroupARN: "arn:x", GroupName: "slow",
				InsightsConfiguration: api.InsightsConfiguration{InsightsEnabled: new(true), NotificationsEnabled: new(false)}}},
		},
		{
			name:    "GetGroup",
			ask:     func(c *client.Client) (any, error) { return c.GetGroup(ctx, &api.GroupRequest{GroupARN: "arn:x"}) },
			request: `POST /prefix/GetGroup {"GroupARN":"arn:x"}`,
			answer:  `{"Group":{"FilterExpression":null,"GroupARN":"arn:x","GroupName":"Default","InsightsConfiguration":{"InsightsEnabled":false,"NotificationsEnabled":false}}}`,
			want: &api.GroupResponse{Group: api.Group{GroupARN: "arn:x", GroupName: "Default",
				InsightsConfiguration: api.InsightsConfiguration{InsightsEnabled: new(false), NotificationsEnabled: new(false)}}},
		},
		{
			name:    "GetGroups",
			ask:     func(c *client.Client) (any, error) { return c.GetGroups(ctx) },
			request: `POST /prefix/Groups {}`,
			answer:  `{"Groups":[],"NextToken":null}`,
			want:    &api.GetGroupsResponse{Groups: []api.Group{}},
		},
		{
			name: "UpdateGroup",
			ask: func(c *client.Client) (any, error) {
				return c.UpdateGroup(ctx, &api.UpdateGroupRequest{GroupName: "slow", FilterExpression: "fault"})
			},
			request: `POST /prefix/UpdateGroup {"FilterExpression":"fault","GroupName":"slow"}`,
			answer:  `{"Group":{}}`,
			want:    &api.GroupResponse{},
		},
		{
			name: "DeleteGroup",
			ask: func(c *client.Client) (any, error) {
				return nil, c.DeleteGroup(ctx, &api.GroupRequest{GroupName: "slow"})
			},
			request: `POST /prefix/DeleteGroup {"GroupName":"slow"}`,
			answer:  `{}`,
		},
		{
			name:    "ListTagsForResource",
			ask:     func(c *client.Client) (any, error) { return c.ListTagsForResource(ctx, "arn:x") },
			request: `POST /prefix/ListTagsForResource {"ResourceARN":"arn:x"}`,
			answer:  `{"NextToken":null,"Tags":[{"Key":"k","Value":"v"}]}`,
			want:    &api.ListTagsForResourceResponse{Tags: []api.Tag{{Key: new("k"), Value: new("v")}}},
		},
		{
			name: "TagResource",
			ask: func(c *client.Client) (any, error) {
				return nil, c.TagResource(ctx, "arn:x", []api.Tag{{Key: new("k"), Value: new("v")}})
			},
			request: `POST /prefix/TagResource {"ResourceARN":"arn:x","Tags":[{"Key":"k","Value":"v"}]}`,
			answer:  `{}`,
		},
		{
			name:    "UntagResource",
			ask:     func(c *client.Client) (any, error) { return nil, c.UntagResource(ctx, "arn:x", []string{"k"}) },
			request: `POST /prefix/UntagResource {"ResourceARN":"arn:x","TagKeys":["k"]}`,
			answer:  `{}`,
		},
		{
			name: "GetTimeSeriesServiceStatistics",
			ask: func(c *client.Client) (any, error) {
				return c.GetTimeSeriesServiceStatistics(ctx, &api.GetTimeSeriesServiceStatisticsRequest{
					StartTime: &from, EndTime: &to, Period: new(300), EntitySelectorExpression: new(`service("a")`), ForecastStatistics: true})
			},
			request: `POST /prefix/TimeSeriesServiceStatistics {"EndTime":1.7676072605E9,"EntitySelectorExpression":"service(\"a\")","ForecastStatistics":true,"Period":300,"StartTime":1.7676072E9}`,
			answer: `{"ContainsOldGroupVersions":false,"NextToken":"u","TimeSeriesServiceStatistics":[{"EdgeSummaryStatistics":null,"ResponseTimeHistogram":[],` +
				`"ServiceForecastStatistics":{"FaultCountHigh":3,"FaultCountLow":0},"ServiceSummaryStatistics":{"OkCount":1,"TotalCount":1},"Timestamp":1.7676072E9}]}`,
			want: &api.GetTimeSeriesServiceStatisticsResponse{NextToken: new("u"), TimeSeriesServiceStatistics: []api.TimeSeriesServiceStatistics{{
				ResponseTimeHistogram:     []api.HistogramEntry{},
				ServiceForecastStatistics: api.ForecastStatistics{FaultCountHigh: new(int64(3)), FaultCountLow: new(int64(0))},
				ServiceSummaryStatistics:  &api.Statistics{OkCount: 1, TotalCount: 1},
				Timestamp:                 from,
			}}},
		},
		{
			name: "CreateSamplingRule",
			ask: func(c *client.Client) (any, error) {
				return c.CreateSamplingRule(ctx, &api.CreateSamplingRuleRequest{SamplingRule: &api.SamplingRule{RuleName: new("shop"), FixedRate: new(api.Double(1)), Priority: new(int32(3))}})
			},
			request: `POST /prefix/CreateSamplingRule {"SamplingRule":{"FixedRate":1.0,"Priority":3,"RuleName":"shop"}}`,
			answer:  `{"SamplingRuleRecord":{"CreatedAt":1.7676072E9,"ModifiedAt":0.0,"SamplingRule":{"Attributes":{},"RuleName":"shop"}}}`,
			want: &api.SamplingRuleResponse{SamplingRuleRecord: api.SamplingRuleRecord{CreatedAt: from,
				SamplingRule: api.SamplingRule{Attributes: map[string]string{}, RuleName: new("shop")}}},
		},
		{
			name:    "GetSamplingRules",
			ask:     func(c *client.Client) (any, error) { return c.GetSamplingRules(ctx) },
			request: `POST /prefix/GetSamplingRules {}`,
			answer:  `{"NextToken":null,"SamplingRuleRecords":[]}`,
			want:    &api.GetSamplingRulesResponse{SamplingRuleRecords: []api.SamplingRuleRecord{}},
		},
		{
			name: "UpdateSamplingRule",
			ask: func(c *client.Client) (any, error) {
				return c.UpdateSamplingRule(ctx, &api.SamplingRule{RuleARN: new("arn:x"), Attributes: map[string]string{}})
			},
			request: `POST /prefix/UpdateSamplingRule {"SamplingRuleUpdate":{"Attributes":{},"RuleARN":"arn:x"}}`,
			answer:  `{"SamplingRuleRecord":{}}`,
			want:    &api.SamplingRuleResponse{},
		},
		{
			name: "DeleteSamplingRule",
			ask: func(c *client.Client) (any, error) {
				return c.DeleteSamplingRule(ctx, &api.DeleteSamplingRuleRequest{RuleName: "shop"})
			},
			request: `POST /prefix/DeleteSamplingRule {"RuleName":"shop"}`,
			answer:  `{"SamplingRuleRecord":{}}`,
			want:    &api.SamplingRuleResponse{},
		},
		{
			name: "GetSamplingStatisticSummaries",
			ask: func(c *client.Client) (any, error) {
				return c.GetSamplingStatisticSummaries(ctx, &api.GetSamplingStatisticSummariesRequest{NextToken: "t"})
			},
			request: `POST /prefix/SamplingStatisticSummaries {"NextToken":"t"}`,
			answer:  `{"NextToken":"u","SamplingStatisticSummaries":[{"BorrowCount":1,"RequestCount":3,"RuleName":"shop","SampledCount":2,"Timestamp":1.7676072E9}]}`,
			want: &api.GetSamplingStatisticSummariesResponse{NextToken: new("u"), SamplingStatisticSummaries: []api.SamplingStatisticSummary{
				{BorrowCount: 1, RequestCount: 3, RuleName: "shop", SampledCount: 2, Timestamp: from}}},
		},
		{
			name:    "Losses",
			ask:     func(c *client.Client) (any, error) { return c.Losses(ctx) },
			request: `GET /prefix/console/api/losses`,
			answer:  `{"Counts":{"refused":2},"Recent":[{"Code":"InvalidId","Count":1,"Detail":"d","Id":"i","Reason":"refused","Source":"http","Time":1.7676072E9,"Trace":"t"}]}`,
			want: &api.Losses{Counts: map[string]int64{"refused": 2}, Recent: []api.Loss{
				{Code: "InvalidId", Count: 1, Detail: "d", ID: "i", Reason: "refused", Source: "http", Time: from, Trace: "t"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &stub{status: 200, answer: tt.answer}
			got, err := tt.ask(start(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if s.request != tt.request {
				t.Errorf("asked %s\nwant  %s", s.request, tt.request)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	c := start(t, &stub{status: 400, header: map[string]string{"x-amzn-ErrorType": "InvalidRequestException"}, answer: `{"message":"Trace id not found"}`})
	_, err := c.BatchGetTraces(ctx, []string{"x"})
	var exception *api.Error
	if !errors.As(err, &exception) || *exception != (api.Error{Name: "InvalidRequestException", Status: 400, Message: "Trace id not found"}) {
		t.Errorf("an exception is %v", err)
	}

	_, err = start(t, &stub{status: 200, answer: `<html>`}).Losses(ctx)
	if err == nil || !strings.Contains(err.Error(), "none of X-Ray") {
		t.Errorf("a page of another server is %v", err)
	}

	gone := httptest.NewServer(nil)
	gone.Close()
	_, err = client.New(strings.TrimPrefix(gone.URL, "http://")).Losses(ctx)
	if err == nil || !strings.Contains(err.Error(), "asking "+gone.URL+" for the losses: dial tcp") || !strings.Contains(err.Error(), "is a server running there?") {
		t.Errorf("a server that is not there is %v", err)
	}

	_, err = client.New("http://a b").Losses(ctx)
	if err == nil || !strings.Contains(err.Error(), "the endpoint http://a b: ") {
		t.Errorf("a bad endpoint is %v", err)
	}
}
