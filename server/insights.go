package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/insights"
)

const (
	insightsPage = 100 // the most that may be asked for, and what is given if nothing is
	eventsPage   = 50
	// insightsBack is how long ago a window of insights may begin. X-Ray: 30 days.
	// Who asks for the last 30 days is some time on the way.
	insightsBack  = 30*24*time.Hour + insightsGrace
	insightsGrace = time.Hour
	// maxImpactWindow is the longest window of an impact graph. X-Ray: 6 hours.
	maxImpactWindow = 6 * time.Hour
)

func (s *Services) getInsightSummaries(_ context.Context, request *api.GetInsightSummariesRequest) (*api.GetInsightSummariesResponse, error) {
	if request.GroupName == "" && request.GroupARN == "" {
		return nil, api.Invalid("Provide either GroupName or GroupARN")
	}
	group, err := s.group(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	window, err := s.insightsWindow(*request.StartTime, *request.EndTime)
	if err != nil {
		return nil, err
	}
	question := insights.Question{GroupARN: group.ARN, Range: window, Limit: insightsPage, Token: request.NextToken}
	if request.MaxResults != nil {
		question.Limit = *request.MaxResults
	}
	if len(request.States) > 0 {
		question.Active = new(request.States[0] == api.InsightActive)
	}
	list, token, err := s.insights.List(question)
	if err != nil {
		return nil, err
	}
	answer := &api.GetInsightSummariesResponse{InsightSummaries: make([]api.InsightSummary, len(list)), NextToken: text(token)}
	for i, in := range list {
		answer.InsightSummaries[i] = api.InsightSummary{Insight: insightShape(in), LastUpdateTime: api.Time(in.Updated.Seconds())}
	}
	return answer, nil
}

// insightsWindow is the window that insights are asked for.
func (s *Services) insightsWindow(start, end api.Time) (tomo.TimeRange, error) {
	window := timeRange(start, end)
	switch {
	case window.End < window.Start:
		return window, endBeforeStart()
	case window.Start < s.now().Add(-insightsBack):
		return window, api.Invalid("Start time cannot be more than 30 days ago")
	}
	return window, nil
}

func (s *Services) getInsight(_ context.Context, request *api.GetInsightRequest) (*api.GetInsightResponse, error) {
	in, err := s.insight(*request.InsightID)
	if err != nil {
		return nil, err
	}
	return &api.GetInsightResponse{Insight: insightShape(in)}, nil
}

func (s *Services) insight(id string) (*insights.Insight, error) {
	if in := s.insights.Insight(strings.ToLower(id)); in != nil {
		return in, nil
	}
	return nil, api.Invalid("Insight not found")
}

func (s *Services) getInsightEvents(_ context.Context, request *api.GetInsightEventsRequest) (*api.GetInsightEventsResponse, error) {
	in, err := s.insight(*request.InsightID)
	if err != nil {
		return nil, err
	}
	left := len(in.Events) // newest first: from the end
	if request.NextToken != "" {
		if left, err = parseEventsToken(request.NextToken, left); err != nil {
			return nil, err
		}
	}
	limit := eventsPage
	if request.MaxResults != nil {
		limit = *request.MaxResults
	}
	answer := &api.GetInsightEventsResponse{InsightEvents: []api.InsightEvent{}}
	for ; left > 0 && len(answer.InsightEvents) < limit; left-- {
		e := &in.Events[left-1]
		answer.InsightEvents = append(answer.InsightEvents, api.InsightEvent{
			ClientRequestImpactStatistics:           impactShape(e.Client),
			EventTime:                               api.Time(e.Time.Seconds()),
			RootCauseServiceRequestImpactStatistics: impactShape(e.AtCause),
			Summary:                                 e.Summary,
			TopAnomalousServices:                    anomalousServices(e.Top),
		})
	}
	if left > 0 {
		answer.NextToken = new(eventsToken(left))
	}
	return answer, nil
}

// eventsMark begins the tokens of events.
const eventsMark = "e\x01"

// eventsToken names the place before which so many events are left. Events are
// only ever added after it.
func eventsToken(left int) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32([]byte(eventsMark), uint32(left)))
}

func parseEventsToken(text string, all int) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(eventsMark)+4 || string(b[:len(eventsMark)]) != eventsMark {
		return 0, invalidToken(text)
	}
	left := binary.BigEndian.Uint32(b[len(eventsMark):])
	if left == 0 || int64(left) > int64(all) {
		return 0, invalidToken(text)
	}
	return int(left), nil
}

func (s *Services) getInsightImpactGraph(ctx context.Context, request *api.GetInsightImpactGraphRequest) (*api.GetInsightImpactGraphResponse, error) {
	in, err := s.insight(*request.InsightID)
	if err != nil {
		return nil, err
	}
	if request.NextToken != "" {
		return nil, invalidToken(request.NextToken) // a graph has one page
	}
	window, err := s.insightsWindow(*request.StartTime, *request.EndTime)
	if err != nil {
		return nil, err
	}
	if window.End.Sub(window.Start) > maxImpactWindow {
		return nil, api.Invalid("Time range cannot be longer than 6 hours")
	}
	graph := new(tomo.ServiceGraph)
	if window.Start < window.End {
		group := tomo.Group{Name: in.GroupName, ARN: in.GroupARN}
		if graph, err = s.engine.ServiceGraph(ctx, window, groupID(&group)); err != nil {
			return nil, err
		}
	}
	answer := &api.GetInsightImpactGraphResponse{
		EndTime: *request.EndTime, InsightID: in.ID, Services: impactGraph(graph, in.Affected), StartTime: *request.StartTime,
	}
	if len(answer.Services) > 0 {
		last := min(graph.Last, window.End) // a client's clock may be ahead of ours
		answer.ServiceGraphStartTime, answer.ServiceGraphEndTime = new(api.Time(min(graph.First, last).Seconds())), new(api.Time(last.Seconds()))
	}
	return answer, nil
}

// impactGraph is the part of a graph that holds the affected services and
// everything from which calls lead to them.
func impactGraph(g *tomo.ServiceGraph, affected []tomo.NodeID) []api.InsightImpactGraphService {
	const outside = -1
	place := make([]int, len(g.Services)) // in the answer
	var edge []int
	for i := range g.Services {
		place[i] = outside
		if slices.Contains(affected, g.Services[i].NodeID) {
			place[i] = 0
			edge = append(edge, i)
		}
	}
	for len(edge) > 0 {
		to := edge[len(edge)-1]
		edge = edge[:len(edge)-1]
		for i := range g.Edges {
			if e := &g.Edges[i]; e.To == to && place[e.From] == outside {
				place[e.From] = 0
				edge = append(edge, e.From)
			}
		}
	}
	shapes := []api.InsightImpactGraphService{}
	for i := range g.Services {
		if place[i] == outside {
			continue
		}
		place[i] = len(shapes)
		n := &g.Services[i]
		shapes = append(shapes, api.InsightImpactGraphService{
			AccountID: text(n.Account), Edges: []api.InsightImpactGraphEdge{}, Name: n.Name, Names: []string{n.Name}, ReferenceID: place[i], Type: text(n.Type),
		})
	}
	for i := range g.Edges {
		from, to := place[g.Edges[i].From], place[g.Edges[i].To]
		if from != outside && to != outside {
			shapes[from].Edges = append(shapes[from].Edges, api.InsightImpactGraphEdge{ReferenceID: to})
		}
	}
	return shapes
}

func insightShape(in *insights.Insight) api.Insight {
	shape := api.Insight{
		// X-Ray: the only category there is, so also of what is slow.
		Categories:                              []string{api.InsightFault},
		ClientRequestImpactStatistics:           impactShape(in.Client),
		GroupARN:                                in.GroupARN,
		GroupName:                               in.GroupName,
		InsightID:                               in.ID,
		RootCauseServiceID:                      anomalousServiceID(in.RootCause),
		RootCauseServiceRequestImpactStatistics: impactShape(in.AtCause),
		StartTime:                               api.Time(in.Start.Seconds()),
		State:                                   api.InsightActive,
		Summary:                                 in.Summary,
		TopAnomalousServices:                    anomalousServices(in.Top()),
	}
	if !in.Active() {
		shape.State, shape.EndTime = api.InsightClosed, new(api.Time(in.End.Seconds()))
	}
	return shape
}

func impactShape(i tomo.Impact) api.RequestImpactStatistics {
	return api.RequestImpactStatistics{FaultCount: i.Fault, OkCount: i.OK, TotalCount: i.Total}
}

func anomalousServiceID(id tomo.NodeID) api.AnomalousServiceID {
	return api.AnomalousServiceID{AccountID: text(id.Account), Name: id.Name, Names: []string{id.Name}, Type: id.Type}
}

func anomalousServices(list []tomo.NodeID) []api.AnomalousService {
	shapes := make([]api.AnomalousService, len(list))
	for i, id := range list {
		shapes[i].ServiceID = anomalousServiceID(id)
	}
	return shapes
}
