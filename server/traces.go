package server

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/query"
)

// MaxTraces is how many traces one call may name. Documented quota of the
// service.
const MaxTraces = 5

func tooManyTraces(most int) error {
	return api.Invalid(fmt.Sprintf("Exceeding maximum query size: %d", most))
}

func (s *Services) batchGetTraces(ctx context.Context, request *api.BatchGetTracesRequest) (*api.BatchGetTracesResponse, error) {
	if err := onePage(request.NextToken); err != nil {
		return nil, err
	}
	ids, err := batchIDs(request.TraceIDs, s.maxTraces)
	if err != nil {
		return nil, err
	}
	traces, err := s.engine.Traces(ctx, ids)
	if err != nil {
		return nil, err
	}
	answer := &api.BatchGetTracesResponse{
		Traces:              make([]api.Trace, len(traces)),
		UnprocessedTraceIDs: []string{}, // X-Ray: a trace that is not known is in neither list
	}
	for i, t := range traces {
		answer.Traces[i] = api.Trace{
			Duration: seconds(t.Duration), ID: t.ID.String(), LimitExceeded: t.LimitExceeded,
			Segments: make([]api.Segment, len(t.Segments)),
		}
		for k := range t.Segments {
			answer.Traces[i].Segments[k] = api.Segment{Document: string(t.Segments[k].Document), ID: t.Segments[k].ID.String()}
		}
	}
	return answer, nil
}

// onePage refuses tokens of operations that have one page.
func onePage(token string) error {
	if token != "" {
		return api.Invalid("NextToken is currently not supported")
	}
	return nil
}

// batchIDs reads the ids of BatchGetTraces. X-Ray: a single bad one refuses
// the call.
func batchIDs(texts []string, most int) ([]tomo.TraceID, error) {
	seen := make(map[string]bool, len(texts))
	for _, text := range texts {
		folded := strings.ToLower(text)
		if seen[folded] {
			return nil, api.Invalid("Containing duplicate trace ids")
		}
		seen[folded] = true
	}
	if len(texts) > most {
		return nil, tooManyTraces(most)
	}
	ids := make([]tomo.TraceID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = tomo.ParseTraceID(text); err != nil {
			return nil, api.Invalid("Invalid trace id " + text + ": incorrect id format")
		}
	}
	return ids, nil
}

// traceIDs reads the ids of what is asked about traces together; the same one
// twice is one.
func traceIDs(texts []string) (ids []tomo.TraceID, err error) {
	seen := map[tomo.TraceID]bool{}
	for _, text := range texts {
		id, err := tomo.ParseTraceID(text)
		if err != nil {
			return nil, api.Invalid("Invalid traceId. ErrorCode: InvalidId")
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *Services) getTraceSummaries(ctx context.Context, request *api.GetTraceSummariesRequest) (*api.GetTraceSummariesResponse, error) {
	question, err := summariesQuestion(request)
	if err != nil {
		return nil, err
	}
	question.Groups = s.settings.Expression
	if indexing := s.settings.Indexing(); !indexing.All() {
		question.Indexed = indexing.Has
	}
	page, err := s.engine.Summaries(ctx, question)
	if err != nil {
		return nil, err
	}
	beyond, err := s.beyond(ctx, question.Window.TimeRange, "")
	if err != nil {
		return nil, err
	}
	answer := &api.GetTraceSummariesResponse{
		Beyond:               beyond,
		ApproximateTime:      api.Time(page.Approximate.Seconds()),
		NextToken:            text(page.Token),
		TraceSummaries:       make([]api.TraceSummary, len(page.Traces)),
		TracesProcessedCount: page.Processed,
	}
	for i, trace := range page.Traces {
		answer.TraceSummaries[i] = traceSummary(trace, question.Window.By)
	}
	return answer, nil
}

func summariesQuestion(request *api.GetTraceSummariesRequest) (query.Question, error) {
	expression, err := filter.Parse(request.FilterExpression)
	if err != nil {
		return query.Question{}, err
	}
	omit, err := omittedShare(request)
	if err != nil {
		return query.Question{}, err
	}
	window := windowOf(*request.StartTime, *request.EndTime, request.TimeRangeType)
	if window.Start > window.End.Add(inversion) {
		return query.Question{}, endBeforeStart()
	}
	window.End = max(window.End, window.Start)
	return query.Question{Window: window, Filter: expression, Token: request.NextToken, Omit: omit}, nil
}

// omittedShare is the share of the traces that is not wanted. X-Ray: a strategy
// counts only with Sampling, and a fixed rate only for the type Event, which is
// looked at after the rate. Without a name a strategy says nothing.
func omittedShare(request *api.GetTraceSummariesRequest) (float64, error) {
	strategy := request.SamplingStrategy
	if !request.Sampling || strategy == nil || strategy.Name != api.FixedRate {
		return 0, nil // a partial scan may stop early; it need not
	}
	if strategy.Value == nil || *strategy.Value < 0 || *strategy.Value > 1 {
		return 0, api.Invalid("sampling rate must be specified and its value must be between [0, 1]")
	}
	if kind := cmp.Or(request.TimeRangeType, api.TimeRangeTraceID); kind != api.TimeRangeEvent {
		return 0, api.Invalid("Cannot use FixedRate with input time range type: " + kind + ". Please try using time range type: " + api.TimeRangeEvent)
	}
	return 1 - float64(*strategy.Value), nil
}

func traceSummary(s *query.Listed, by tomo.RangeType) api.TraceSummary {
	nodes := make([]api.ServiceID, len(s.Nodes))
	for i := range s.Nodes {
		nodes[i] = serviceID(s.Nodes[i].NodeID)
	}
	pick := func(indexes []int) []api.ServiceID {
		picked := make([]api.ServiceID, len(indexes))
		for i, k := range indexes {
			picked[i] = nodes[k]
		}
		return picked
	}
	t := api.TraceSummary{
		Annotations:            make(map[string][]api.ValueWithServiceIDs),
		AvailabilityZones:      make([]api.AvailabilityZone, len(s.AvailabilityZones)),
		Duration:               seconds(s.Duration),
		ErrorRootCauses:        errorRootCauses(s.RootCauses.Error),
		FaultRootCauses:        errorRootCauses(s.RootCauses.Fault),
		HasError:               s.HasError,
		HasFault:               s.HasFault,
		HasThrottle:            s.HasThrottle,
		HTTP:                   rootHTTP(&s.HTTP),
		ID:                     s.ID.String(),
		InstanceIDs:            make([]api.InstanceID, len(s.InstanceIDs)),
		IsPartial:              s.IsPartial,
		ResourceARNs:           make([]api.ResourceARN, len(s.ResourceARNs)),
		ResponseTime:           seconds(s.ResponseTime),
		ResponseTimeRootCauses: responseTimeRootCauses(s.RootCauses.ResponseTime),
		Revision:               s.Revision,
		ServiceIDs:             nodes,
		StartTime:              api.Time(s.Start.Seconds()),
		Users:                  make([]api.TraceUser, len(s.Users)),
	}
	for i := range s.Annotations {
		a := &s.Annotations[i]
		t.Annotations[a.Key] = append(t.Annotations[a.Key], api.ValueWithServiceIDs{AnnotationValue: annotationValue(&a.Value), ServiceIDs: pick(a.Nodes)})
	}
	for i, zone := range s.AvailabilityZones {
		t.AvailabilityZones[i].Name = zone
	}
	if s.EntryPoint >= 0 {
		t.EntryPoint = &nodes[s.EntryPoint]
	}
	for i, id := range s.InstanceIDs {
		t.InstanceIDs[i].ID = id
	}
	if by != tomo.ByTraceID { // X-Ray: null for TraceId, else the second of the latest receipt
		t.MatchedEventTime = new(api.Time(s.Received.Second().Seconds()))
	}
	for i, arn := range s.ResourceARNs {
		t.ResourceARNs[i].ARN = arn
	}
	for i := range s.Users {
		t.Users[i] = api.TraceUser{ServiceIDs: pick(s.Users[i].Nodes), UserName: s.Users[i].Name}
	}
	return t
}

func serviceID(n tomo.NodeID) api.ServiceID {
	return api.ServiceID{AccountID: text(n.Account), Name: n.Name, Names: []string{n.Name}, Type: text(n.Type)}
}

func rootHTTP(h *tomo.HTTP) api.HTTP {
	shape := api.HTTP{ClientIP: text(h.ClientIP), HTTPMethod: text(h.Method), HTTPURL: text(h.URL), UserAgent: text(h.UserAgent)}
	if h.Status != 0 {
		shape.HTTPStatus = &h.Status
	}
	return shape
}

func annotationValue(v *tomo.Value) api.AnnotationValue {
	switch v.Kind {
	case tomo.BoolValue:
		return api.AnnotationValue{BooleanValue: &v.Bool}
	case tomo.NumberValue:
		return api.AnnotationValue{NumberValue: new(api.Double(v.Number))}
	default:
		return api.AnnotationValue{StringValue: &v.String}
	}
}

// text is s, or null if there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// seconds is d to the millisecond, as the service rounds it; null if absent.
func seconds(d time.Duration) *api.Double {
	if d == tomo.Absent {
		return nil
	}
	return new(rounded(d))
}

func rounded(d time.Duration) api.Double { return api.Double(tomo.Milliseconds(d)) / 1000 }

// timeRange converts the bounds of a question. What no clock will ever show is
// moved to where it still is a time.
func timeRange(start, end api.Time) tomo.TimeRange {
	const far = 9e12 // seconds
	moment := func(t api.Time) tomo.Time { return tomo.Seconds(float64(min(max(t, -far), far))) }
	return tomo.TimeRange{Start: moment(start), End: moment(end)}
}

// windowOf is the window of a time range and its type; "" is TraceId.
func windowOf(start, end api.Time, by string) tomo.Window {
	w := tomo.Window{TimeRange: timeRange(start, end)}
	switch by {
	case api.TimeRangeEvent:
		w.By = tomo.ByEvent
	case api.TimeRangeService:
		w.By = tomo.ByService
	}
	return w
}

func endBeforeStart() error { return api.Invalid("End time cannot be earlier than start time") }
