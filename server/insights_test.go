package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/server"
)

// The insights of these tests, by their ids.
const (
	insightPrefix = "0a1b2c3d-0000-5000-8000-0000000000"
	activeInsight = insightPrefix + "00"
)

// someInsights are seven insights of Default, an hour apart, of which the
// newest is active and the second is slow; and one of a group that is gone.
func someInsights() (list []*insights.Insight) {
	shop, bank := tomo.NodeID{Name: "shop.example", Type: "AWS::ECS::Container"}, tomo.NodeID{Name: "bank", Type: "remote"}
	at := tomo.TimeOf(now)
	for i := range 8 {
		start := at.StartOfMinute() - tomo.Time(60*i+10)*tomo.Minute
		in := &insights.Insight{GroupARN: defaultARN, GroupName: "Default", Insight: tomo.Insight{
			ID: fmt.Sprintf("%s%02d", insightPrefix, i), Start: start, End: start + 5*tomo.Minute, Updated: start + 15*tomo.Minute,
			Faults: i != 1, Slow: i == 1, RootCause: bank, Affected: []tomo.NodeID{bank, shop},
			Client: tomo.Impact{Fault: 10, OK: 80, Total: 100}, AtCause: tomo.Impact{Fault: 12, OK: 88, Total: 100},
			Summary: "Faults were frequent for 5 minutes. Clients made 100 requests in that time, of which 10 failed, and 2 services were affected. The root cause seems to be bank (remote), where 12 of 100 requests failed.",
		}}
		kinds := []tomo.InsightEventKind{tomo.InsightOpened, tomo.InsightUpdated, tomo.InsightClosed}
		switch i {
		case 0:
			in.End, in.RootCause, in.Affected = 0, tomo.NodeID{Name: "plain"}, []tomo.NodeID{{Name: "plain"}}
			kinds = kinds[:2]
		case 7:
			in.GroupARN, in.GroupName = "arn:aws:xray:us-east-1:123456789012:group/gone/AAAA", "gone"
		}
		for k, kind := range kinds {
			in.Events = append(in.Events, tomo.InsightEvent{
				Time: start + tomo.Time(2+k)*tomo.Minute, Kind: kind, Summary: fmt.Sprintf("Event %d. It is one.", k), RootCause: in.RootCause,
				Client: tomo.Impact{Fault: int64(k), OK: 8, Total: 10}, AtCause: tomo.Impact{Fault: int64(k), OK: 9, Total: 10}, Top: in.Affected,
			})
		}
		list = append(list, in)
	}
	return list
}

// putInsights puts some insights into the store, as a server left them.
func (s *store) putInsights(t testing.TB) {
	t.Helper()
	for name, v := range map[string]any{
		"insights":        map[string]any{"version": 1, "insights": someInsights()},
		"insight-watches": map[string]any{"version": 1, "watches": []any{map[string]any{"group": "Default", "arn": defaultARN, "name": "Default", "watch": struct{}{}}}},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SaveSettings(t.Context(), name, text); err != nil {
			t.Fatal(err)
		}
	}
}

// openInsights is a server that has some insights.
func openInsights(t *testing.T) *door {
	t.Helper()
	parts, behind := newParts(t, func(s *store) { s.putInsights(t) })
	listening := httptest.NewServer(server.New(alone(server.NewServices(parts)), server.Options{}))
	t.Cleanup(listening.Close)
	return &door{t, listening.URL, behind}
}

// ignored is what the SDK puts beside the answers.
var ignored = cmp.Options{cmpopts.IgnoreUnexported(types.InsightSummary{}, types.Insight{}, types.InsightEvent{}, types.ServiceId{},
	types.AnomalousService{}, types.RequestImpactStatistics{}, types.InsightImpactGraphService{}, types.InsightImpactGraphEdge{})}

func TestInsightSummaries(t *testing.T) {
	d := openInsights(t)
	client, ctx := newGrafana(d.url).client, t.Context()
	ask := func(change func(*xray.GetInsightSummariesInput)) *xray.GetInsightSummariesOutput {
		t.Helper()
		in := &xray.GetInsightSummariesInput{StartTime: aws.Time(now.Add(-24 * time.Hour)), EndTime: aws.Time(now), GroupName: aws.String("Default")}
		change(in)
		answer, err := client.GetInsightSummaries(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ids := func(list []types.InsightSummary) string {
		var ends []string
		for _, in := range list {
			ends = append(ends, strings.TrimPrefix(aws.ToString(in.InsightId), insightPrefix))
		}
		return strings.Join(ends, " ")
	}
	all := ask(func(*xray.GetInsightSummariesInput) {})
	if got := ids(all.InsightSummaries); got != "00 01 02 03 04 05 06" || all.NextToken != nil {
		t.Errorf("all are %s, then %v", got, all.NextToken)
	}
	start := now.Truncate(time.Minute).Add(-130 * time.Minute).UTC()
	count := func(fault, ok, total int64) *types.RequestImpactStatistics {
		return &types.RequestImpactStatistics{FaultCount: &fault, OkCount: &ok, TotalCount: &total}
	}
	bank := &types.ServiceId{Name: aws.String("bank"), Names: []string{"bank"}, Type: aws.String("remote")}
	shop := &types.ServiceId{Name: aws.String("shop.example"), Names: []string{"shop.example"}, Type: aws.String("AWS::ECS::Container")}
	want := types.InsightSummary{
		InsightId: aws.String(insightPrefix + "02"), GroupARN: aws.String(defaultARN), GroupName: aws.String("Default"), State: types.InsightStateClosed,
		Categories: []types.InsightCategory{types.InsightCategoryFault}, StartTime: &start, EndTime: aws.Time(start.Add(5 * time.Minute)), LastUpdateTime: aws.Time(start.Add(15 * time.Minute)),
		Summary: aws.String(someInsights()[2].Summary), RootCauseServiceId: bank, TopAnomalousServices: []types.AnomalousService{{ServiceId: bank}, {ServiceId: shop}},
		ClientRequestImpactStatistics: count(10, 80, 100), RootCauseServiceRequestImpactStatistics: count(12, 88, 100),
	}
	if diff := cmp.Diff(want, all.InsightSummaries[2], ignored); diff != "" {
		t.Errorf("the third (-want +got)\n%s", diff)
	}
	if first := all.InsightSummaries[0]; first.State != types.InsightStateActive || first.EndTime != nil || first.RootCauseServiceId.Type == nil || *first.RootCauseServiceId.Type != "" {
		t.Errorf("the active one is %+v", first)
	}
	for _, tt := range []struct {
		name   string
		change func(*xray.GetInsightSummariesInput)
		want   string
	}{
		{"by ARN", func(in *xray.GetInsightSummariesInput) { in.GroupName, in.GroupARN = nil, aws.String(defaultARN) }, "00 01 02 03 04 05 06"},
		{"by both", func(in *xray.GetInsightSummariesInput) { in.GroupARN = aws.String(defaultARN) }, "00 01 02 03 04 05 06"},
		{"active", func(in *xray.GetInsightSummariesInput) { in.States = []types.InsightState{types.InsightStateActive} }, "00"},
		{"closed", func(in *xray.GetInsightSummariesInput) { in.States = []types.InsightState{types.InsightStateClosed} }, "01 02 03 04 05 06"},
		{"of the last two hours", func(in *xray.GetInsightSummariesInput) { in.StartTime = aws.Time(now.Add(-2 * time.Hour)) }, "00 01"},
		{"that were open in a minute", func(in *xray.GetInsightSummariesInput) {
			in.StartTime, in.EndTime = aws.Time(start.Add(2*time.Minute)), aws.Time(start.Add(3*time.Minute))
		}, "02"},
		{"of no time", func(in *xray.GetInsightSummariesInput) { in.StartTime = in.EndTime }, ""},
		{"of thirty days", func(in *xray.GetInsightSummariesInput) { in.StartTime = aws.Time(now.Add(-30 * 24 * time.Hour)) }, "00 01 02 03 04 05 06"},
	} {
		if got := ids(ask(tt.change).InsightSummaries); got != tt.want {
			t.Errorf("insights %s: %s, want %s", tt.name, got, tt.want)
		}
	}
	var pages []string
	for token := (*string)(nil); ; {
		page := ask(func(in *xray.GetInsightSummariesInput) { in.MaxResults, in.NextToken = aws.Int32(3), token })
		pages = append(pages, ids(page.InsightSummaries))
		if token = page.NextToken; token == nil {
			break
		}
	}
	if diff := cmp.Diff([]string{"00 01 02", "03 04 05", "06"}, pages); diff != "" {
		t.Errorf("pages (-want +got)\n%s", diff)
	}
}

func TestInsight(t *testing.T) {
	d := openInsights(t)
	client, ctx := newGrafana(d.url).client, t.Context()
	for _, id := range []string{insightPrefix + "02", strings.ToUpper(insightPrefix + "02")} {
		answer, err := client.GetInsight(ctx, &xray.GetInsightInput{InsightId: &id})
		if err != nil || aws.ToString(answer.Insight.InsightId) != insightPrefix+"02" || answer.Insight.State != types.InsightStateClosed || len(answer.Insight.TopAnomalousServices) != 2 {
			t.Errorf("insight %s: %+v, %v", id, answer, err)
		}
	}
	var events []string
	for token := (*string)(nil); ; {
		page, err := client.GetInsightEvents(ctx, &xray.GetInsightEventsInput{InsightId: aws.String(insightPrefix + "02"), MaxResults: aws.Int32(2), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.InsightEvents {
			events = append(events, fmt.Sprint(*e.Summary, " ", e.EventTime.UTC().Format("15:04"), " ", *e.ClientRequestImpactStatistics.FaultCount, *e.RootCauseServiceRequestImpactStatistics.TotalCount, " ", *e.TopAnomalousServices[0].ServiceId.Name))
		}
		if token = page.NextToken; token == nil {
			break
		}
		events = append(events, "next page")
	}
	start := now.Truncate(time.Minute).Add(-130 * time.Minute).UTC()
	at := func(minutes int) string { return start.Add(time.Duration(minutes) * time.Minute).Format("15:04") }
	want := []string{"Event 2. It is one. " + at(4) + " 2 10 bank", "Event 1. It is one. " + at(3) + " 1 10 bank", "next page", "Event 0. It is one. " + at(2) + " 0 10 bank"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}

// TestInsightImpactGraph: the affected services and what leads to them, and
// nothing else.
func TestInsightImpactGraph(t *testing.T) {
	d := openInsights(t)
	d.put(`{"trace_id":"` + trace + `","id":"a000000000000001","name":"shop.example","origin":"AWS::ECS::Container","start_time":1700000000,"end_time":1700000001,"subsegments":[
		{"id":"a000000000000002","name":"bank","namespace":"remote","start_time":1700000000,"end_time":1700000001,"http":{"request":{"url":"https://bank/"}}},
		{"id":"a000000000000003","name":"mail","namespace":"remote","start_time":1700000000,"end_time":1700000001}]}`)
	client, ctx := newGrafana(d.url).client, t.Context()
	ask := func(id string, from, to time.Duration) *xray.GetInsightImpactGraphOutput {
		t.Helper()
		answer, err := client.GetInsightImpactGraph(ctx, &xray.GetInsightImpactGraphInput{InsightId: &id, StartTime: aws.Time(now.Add(from)), EndTime: aws.Time(now.Add(to))})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	graph := func(g *xray.GetInsightImpactGraphOutput) (lines []string) {
		for _, s := range g.Services {
			line := fmt.Sprintf("%d %s (%s) ->", *s.ReferenceId, *s.Name, aws.ToString(s.Type))
			for _, e := range s.Edges {
				line += fmt.Sprint(" ", *e.ReferenceId)
			}
			lines = append(lines, line)
		}
		return lines
	}
	answer := ask(insightPrefix+"02", -5*time.Hour, time.Hour)
	// The shop calls mail too, which the insight is not about.
	want := []string{"0 bank (remote) ->", "1 shop.example (AWS::ECS::Container) -> 0", "2 shop.example (client) -> 1"}
	if diff := cmp.Diff(want, graph(answer)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if answer.ServiceGraphStartTime == nil || answer.ServiceGraphStartTime.Unix() != 1700000000 || answer.ServiceGraphEndTime == nil || answer.StartTime.Unix() != now.Add(-5*time.Hour).Unix() || aws.ToString(answer.InsightId) != insightPrefix+"02" {
		t.Errorf("%+v", answer)
	}
	for _, none := range []*xray.GetInsightImpactGraphOutput{ask(activeInsight, -time.Hour, time.Hour), ask(insightPrefix+"02", -2*time.Hour, -time.Hour), ask(insightPrefix+"07", -time.Hour, time.Hour), ask(activeInsight, 0, 0)} {
		if len(none.Services) != 0 || none.Services == nil || none.ServiceGraphStartTime != nil {
			t.Errorf("nothing of it was there, but %+v", none)
		}
	}
}

func TestInsightRefusals(t *testing.T) {
	d := openInsights(t)
	at := func(ago time.Duration) string { return fmt.Sprint(now.Add(-ago).Unix()) }
	window := func(from, to time.Duration) string { return `"StartTime":` + at(from) + `,"EndTime":` + at(to) }
	hour := window(time.Hour, 0)
	of := func(id, rest string) string { return `{"InsightId":"` + id + `"` + rest + `}` }
	unknown := "ffffffff-ffff-1fff-bfff-ffffffffffff"
	for _, tt := range []struct{ path, body, want string }{
		{"/InsightSummaries", `{` + hour + `}`, "InvalidRequestException: Provide either GroupName or GroupARN"},
		{"/InsightSummaries", `{` + hour + `,"GroupName":"nope"}`, "InvalidRequestException: Group not found."},
		{"/InsightSummaries", `{` + hour + `,"GroupName":"Default","GroupARN":"arn:aws:xray:us-east-1:123456789012:group/other"}`, "InvalidRequestException: Group not found."},
		{"/InsightSummaries", `{"GroupName":"Default",` + window(0, time.Hour) + `}`, "InvalidRequestException: End time cannot be earlier than start time"},
		{"/InsightSummaries", `{"GroupName":"Default",` + window(31*24*time.Hour, 0) + `}`, "InvalidRequestException: Start time cannot be more than 30 days ago"},
		{"/InsightSummaries", `{"GroupName":"Default",` + hour + `,"NextToken":"abc"}`, "InvalidRequestException: Invalid token abc"},
		{"/InsightSummaries", `{"GroupName":"Default",` + hour + `,"MaxResults":101}`, "ValidationException: 1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"/InsightSummaries", `{"GroupName":"Default","EndTime":1700000000}`, "ValidationException: 1 validation error detected: Value null at 'startTime' failed to satisfy constraint: Member must not be null"},
		{"/Insight", `{}`, "ValidationException: 1 validation error detected: Value null at 'insightId' failed to satisfy constraint: Member must not be null"},
		{"/Insight", of(unknown, ""), "InvalidRequestException: Insight not found"},
		{"/InsightEvents", of(unknown, ""), "InvalidRequestException: Insight not found"},
		{"/InsightEvents", of(activeInsight, `,"MaxResults":0`), "ValidationException: 1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"/InsightEvents", of(activeInsight, `,"NextToken":"abc"`), "InvalidRequestException: Invalid token abc"},
		{"/InsightEvents", of(activeInsight, `,"NextToken":"ZQEAAAAJ"`), "InvalidRequestException: Invalid token ZQEAAAAJ"}, // more than there are
		{"/InsightImpactGraph", of(unknown, `,`+hour), "InvalidRequestException: Insight not found"},
		{"/InsightImpactGraph", of(activeInsight, `,`+window(7*time.Hour, 0)), "InvalidRequestException: Time range cannot be longer than 6 hours"},
		{"/InsightImpactGraph", of(activeInsight, `,`+window(31*24*time.Hour, 31*24*time.Hour-60e9)), "InvalidRequestException: Start time cannot be more than 30 days ago"},
		{"/InsightImpactGraph", of(activeInsight, `,`+window(0, time.Hour)), "InvalidRequestException: End time cannot be earlier than start time"},
		{"/InsightImpactGraph", of(activeInsight, `,`+hour+`,"NextToken":"abc"`), "InvalidRequestException: Invalid token abc"},
	} {
		d.post(tt.path, tt.body).want(t, tt.path+" "+tt.body, tt.want)
	}
	// A body as it stands on the wire.
	answer := d.post("/Insight", of(activeInsight, ""))
	start := someInsights()[0].Start
	want := `{"Insight":{"Categories":["FAULT"],"ClientRequestImpactStatistics":{"FaultCount":10,"OkCount":80,"TotalCount":100},"EndTime":null,"GroupARN":"` + defaultARN + `","GroupName":"Default",` +
		`"InsightId":"` + activeInsight + `","RootCauseServiceId":{"AccountId":null,"Name":"plain","Names":["plain"],"Type":""},"RootCauseServiceRequestImpactStatistics":{"FaultCount":12,"OkCount":88,"TotalCount":100},` +
		`"StartTime":` + strings.TrimSuffix(fmt.Sprintf("%.0f", start.Seconds()), "") + `,"State":"ACTIVE","Summary":"` + someInsights()[0].Summary + `","TopAnomalousServices":[{"ServiceId":{"AccountId":null,"Name":"plain","Names":["plain"],"Type":""}}]}}`
	var got, wanted any
	if json.Unmarshal([]byte(answer.body), &got) != nil || json.Unmarshal([]byte(want), &wanted) != nil || !cmp.Equal(got, wanted) {
		t.Errorf("GetInsight is\n%s\nwant\n%s", answer.body, want)
	}
}

// TestGrafanaInsights draws the table of insights.
func TestGrafanaInsights(t *testing.T) {
	d := openInsights(t)
	g := newGrafana(d.url)
	rows, err := g.insights(context.Background(), span{now.Add(-24 * time.Hour), now}, "Default")
	if err != nil {
		t.Fatal(err)
	}
	g.ok(t)
	if len(rows) != 7 || rows[insightPrefix+"02"] != "bank (remote) Clients made 100 requests in that time, of which 10 failed, and 2 services were affected." {
		t.Errorf("rows %q", rows)
	}
}
