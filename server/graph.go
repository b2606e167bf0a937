package server

import (
	"context"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// getTraceGraph answers for up to five traces at once, merged, as the service
// documents it. The real one takes one.
func (s *Services) getTraceGraph(ctx context.Context, request *api.BatchGetTracesRequest) (*api.GetTraceGraphResponse, error) {
	if err := onePage(request.NextToken); err != nil {
		return nil, err
	}
	if len(request.TraceIDs) == 0 {
		return nil, api.Invalid("Zero trace ids provided")
	}
	if len(request.TraceIDs) > s.maxTraces {
		return nil, tooManyTraces(s.maxTraces)
	}
	ids, err := traceIDs(request.TraceIDs)
	if err != nil {
		return nil, err
	}
	graph, err := s.engine.TraceGraph(ctx, ids)
	if err != nil {
		return nil, err
	}
	return &api.GetTraceGraphResponse{Services: services(graph, ofTraces)}, nil
}

// inversion is how much earlier than its start the end of a window of traces or
// of a graph may be. SAM CLI asks from behind the end of the last answer or the
// last trace, and stops at an error.
const inversion = 2 * time.Second

func (s *Services) getServiceGraph(ctx context.Context, request *api.GetServiceGraphRequest) (*api.GetServiceGraphResponse, error) {
	group, err := s.group(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	if request.NextToken != "" {
		return nil, invalidToken(request.NextToken) // a graph has one page
	}
	window := timeRange(*request.StartTime, *request.EndTime)
	if window.Start > window.End.Add(inversion) {
		return nil, endBeforeStart()
	}
	graph := new(tomo.ServiceGraph)
	if window.Start < window.End {
		if graph, err = s.engine.ServiceGraph(ctx, window, groupID(group)); err != nil {
			return nil, err
		}
	}
	beyond, err := s.beyond(ctx, window, groupID(group))
	if err != nil {
		return nil, err
	}
	answer := &api.GetServiceGraphResponse{Beyond: beyond, ContainsOldGroupVersions: group.ContainsOldVersions(window), Services: services(graph, ofWindow)}
	if len(graph.Services) > 0 {
		last := min(graph.Last, window.End) // a client's clock may be ahead of ours
		answer.StartTime, answer.EndTime = new(api.Time(min(graph.First, last).Seconds())), new(api.Time(last.Seconds()))
	}
	return answer, nil
}

// graphKind says which of the two graphs it is. X-Ray: that of traces has no
// times but regions, that of a window the other way round.
type graphKind uint8

const (
	ofWindow graphKind = iota
	ofTraces
)

func services(g *tomo.ServiceGraph, kind graphKind) []api.Service {
	shapes := make([]api.Service, 0, len(g.Services))
	outgoing := make([][]*tomo.ServiceEdge, len(g.Services))
	for i := range g.Edges {
		outgoing[g.Edges[i].From] = append(outgoing[g.Edges[i].From], &g.Edges[i])
	}
	for i := range g.Services {
		n := &g.Services[i]
		if n.Type == tomo.ClientType && len(outgoing[i]) == 0 {
			continue // Grafana's panel breaks at a node with neither figures nor edges
		}
		shapes = append(shapes, service(n, i, outgoing[i], kind))
	}
	return shapes
}

func service(n *tomo.Service, index int, outgoing []*tomo.ServiceEdge, kind graphKind) api.Service {
	shape := api.Service{
		AccountID:   text(n.Account),
		Edges:       make([]api.Edge, len(outgoing)),
		Name:        n.Name,
		Names:       []string{n.Name},
		ReferenceID: index,
		State:       state(n.State),
		Type:        text(n.Type),
	}
	if n.Root {
		shape.Root = &n.Root
	}
	switch kind {
	case ofTraces:
		shape.Region = text(n.Region)
	case ofWindow:
		shape.HostedIn, shape.KeyAttributes = map[string]string{}, map[string]string{}
		shape.StartTime = new(api.Time(n.First.Seconds()))
		shape.EndTime = new(api.Time(n.Last.Add(time.Second).Seconds()))
	}
	if n.Type != tomo.ClientType {
		shape.SummaryStatistics = new(statistics(&n.Statistics))
		shape.DurationHistogram = histogram(&n.DurationHistogram)
		shape.ResponseTimeHistogram = histogram(&n.ResponseTimeHistogram)
	}
	for i, e := range outgoing {
		shape.Edges[i] = api.Edge{
			Aliases:               aliases(e.Aliases),
			EndTime:               shape.EndTime, // X-Ray: an edge has the times of the node it leaves
			ReferenceID:           e.To,
			ResponseTimeHistogram: histogram(&e.ResponseTimeHistogram),
			StartTime:             shape.StartTime,
			SummaryStatistics:     statistics(&e.Statistics),
		}
	}
	return shape
}

func state(s tomo.State) string {
	switch s {
	case tomo.StateUnknown:
		return "unknown"
	case tomo.StatePassive:
		return "passive"
	default:
		return "active"
	}
}

func statistics(s *tomo.Statistics) api.Statistics {
	return api.Statistics{
		ErrorStatistics:   api.ErrorStatistics{OtherCount: s.Error, ThrottleCount: s.Throttle, TotalCount: s.Error + s.Throttle},
		FaultStatistics:   api.FaultStatistics{OtherCount: s.Fault, TotalCount: s.Fault},
		OkCount:           s.OK,
		TotalCount:        s.Total(),
		TotalResponseTime: rounded(s.TotalResponseTime),
	}
}

func histogram(h *tomo.Histogram) []api.HistogramEntry {
	bins := h.Bins()
	entries := make([]api.HistogramEntry, len(bins))
	for i, b := range bins {
		entries[i] = api.HistogramEntry{Count: b.Count, Value: api.Double(b.Value) / 1000}
	}
	return entries
}

func aliases(list []tomo.Alias) []api.Alias {
	shapes := make([]api.Alias, len(list))
	for i, a := range list {
		shapes[i] = api.Alias{Name: a.Name, Names: []string{a.Name}, Type: a.Type}
	}
	return shapes
}
