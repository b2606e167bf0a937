package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/otlp"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/settings"
)

// The operations of transaction search: where segments go, which traces are
// indexed, and the retrieval of those that need not be.

func (s *Services) getTraceSegmentDestination(context.Context, *api.Empty) (*api.Destination, error) {
	return s.destination(), nil
}

func (s *Services) destination() *api.Destination {
	// A change counts at once, so there is nothing to wait for.
	return &api.Destination{Destination: string(s.settings.Indexing().Destination), Status: "ACTIVE"}
}

func (s *Services) updateTraceSegmentDestination(ctx context.Context, request *api.UpdateDestinationRequest) (*api.Destination, error) {
	if request.Destination == nil {
		return s.destination(), nil // the model does not require it
	}
	if err := s.settings.SetDestination(ctx, settings.Destination(*request.Destination)); err != nil {
		return nil, err
	}
	return s.destination(), nil
}

func (s *Services) getIndexingRules(_ context.Context, request *api.PageRequest) (*api.GetIndexingRulesResponse, error) {
	if request.NextToken != nil {
		return nil, api.Invalid("NextToken is currently not supported")
	}
	return &api.GetIndexingRulesResponse{IndexingRules: []api.IndexingRule{s.indexingRule()}}, nil
}

func (s *Services) indexingRule() api.IndexingRule {
	x := s.settings.Indexing()
	share := api.Double(x.Percentage)
	return api.IndexingRule{
		ModifiedAt: api.Time(x.RuleChanged.Seconds()), Name: settings.DefaultIndexingRule,
		// What is asked for is what is done, to the trace.
		Rule: api.IndexingRuleValue{Probabilistic: &api.Probabilistic{ActualSamplingPercentage: &share, DesiredSamplingPercentage: &share}},
	}
}

func (s *Services) updateIndexingRule(ctx context.Context, request *api.UpdateIndexingRuleRequest) (*api.UpdateIndexingRuleResponse, error) {
	if request.Rule.Probabilistic == nil {
		return nil, api.Invalid("Rule has no member that is known: Probabilistic is")
	}
	if err := s.settings.SetIndexedPercentage(ctx, *request.Name, float64(*request.Rule.Probabilistic.DesiredSamplingPercentage)); err != nil {
		return nil, asResource(err)
	}
	return &api.UpdateIndexingRuleResponse{IndexingRule: s.indexingRule()}, nil
}

// asResource is for operations whose model has ResourceNotFoundException.
func asResource(err error) error {
	var known *tomo.Error
	if errors.As(err, &known) && known.Code == tomo.NotFound {
		return &api.Error{Name: api.ResourceNotFoundException, Status: http.StatusNotFound, Message: known.Message}
	}
	return err
}

// Sizes of retrievals, by the model.
const (
	retrievedTraces   = 5    // elements of a page
	retrievedSpans    = 100  // of an element
	retrievedServices = 1000 // of a page
)

func (s *Services) startTraceRetrieval(_ context.Context, request *api.StartTraceRetrievalRequest) (*api.StartTraceRetrievalResponse, error) {
	switch {
	case len(request.TraceIDs) == 0:
		return nil, api.Invalid("Zero trace ids provided")
	case *request.EndTime < *request.StartTime:
		return nil, endBeforeStart()
	}
	ids, err := traceIDs(request.TraceIDs)
	if err != nil {
		return nil, err
	}
	r := timeRange(*request.StartTime, *request.EndTime)
	r.End++ // the end is asked for, too
	return &api.StartTraceRetrievalResponse{RetrievalToken: s.retrievals.Start(ids, r)}, nil
}

// retrieval reads what all questions about a retrieval have. A page token is two
// numbers.
func retrieval(request *api.RetrievalRequest) (token string, from, skip int, err error) {
	if request.NextToken == "" {
		return *request.RetrievalToken, 0, 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(request.NextToken)
	if err != nil || len(b) != 8 {
		return "", 0, 0, invalidToken(request.NextToken)
	}
	return *request.RetrievalToken, int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:])), nil
}

func pageToken(from, skip int) *string {
	b := binary.BigEndian.AppendUint32(nil, uint32(from))
	text := base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, uint32(skip)))
	return &text
}

var retrievalStatuses = map[query.RetrievalStatus]string{
	query.RetrievalComplete:  "COMPLETE",
	query.RetrievalCancelled: "CANCELLED",
}

// listRetrievedTraces answers with up to five elements. A trace of more spans
// than an element may hold goes on in the next one.
func (s *Services) listRetrievedTraces(ctx context.Context, request *api.RetrievalRequest) (*api.ListRetrievedTracesResponse, error) {
	token, from, skip, err := retrieval(request)
	if err != nil {
		return nil, err
	}
	answer := &api.ListRetrievedTracesResponse{TraceFormat: "XRAY", Traces: []api.RetrievedTrace{}}
	if request.TraceFormat != "" {
		answer.TraceFormat = request.TraceFormat
	}
	for {
		part, err := s.retrievals.Traces(ctx, token, from, 1)
		if err != nil {
			return nil, asResource(err)
		}
		answer.RetrievalStatus = retrievalStatuses[part.Status]
		for _, t := range part.Traces {
			spans, err := spansOf(t, answer.TraceFormat)
			if err != nil {
				return nil, err
			}
			for skip = min(skip, len(spans)); skip < len(spans); {
				if len(answer.Traces) == retrievedTraces {
					answer.NextToken = pageToken(from, skip)
					return answer, nil
				}
				n := min(retrievedSpans, len(spans)-skip)
				answer.Traces = append(answer.Traces, api.RetrievedTrace{Duration: seconds(t.Duration), ID: t.ID.String(), Spans: spans[skip : skip+n]})
				skip += n
			}
		}
		if part.Next < 0 {
			return answer, nil
		}
		if from, skip = part.Next, 0; len(answer.Traces) == retrievedTraces {
			answer.NextToken = pageToken(from, skip)
			return answer, nil
		}
	}
}

// spansOf tells a trace in one of the two formats. X-Ray's own is that of
// BatchGetTraces.
func spansOf(t *tomo.Trace, format string) (spans []api.Segment, err error) {
	for i := range t.Segments {
		if format == "XRAY" {
			spans = append(spans, api.Segment{Document: string(t.Segments[i].Document), ID: t.Segments[i].ID.String()})
			continue
		}
		list, err := otlp.Spans(t.Segments[i].Document)
		if err != nil {
			return nil, err
		}
		for _, span := range list {
			spans = append(spans, api.Segment{Document: string(span.JSON), ID: span.ID})
		}
	}
	return spans, nil
}

func (s *Services) getRetrievedTracesGraph(ctx context.Context, request *api.RetrievalRequest) (*api.GetRetrievedTracesGraphResponse, error) {
	token, from, _, err := retrieval(request)
	if err != nil {
		return nil, err
	}
	status, graph, links, err := s.retrievals.Graph(ctx, token)
	if err != nil {
		return nil, asResource(err)
	}
	answer := &api.GetRetrievedTracesGraphResponse{RetrievalStatus: retrievalStatuses[status], Services: []api.RetrievedService{}}
	shapes := services(graph, ofTraces)
	end := min(len(shapes), from+retrievedServices)
	if end < len(shapes) {
		answer.NextToken = pageToken(end, 0)
	}
	for i := min(from, end); i < end; i++ {
		of := api.RetrievedService{Service: shapes[i], Links: []api.GraphLink{}}
		for _, l := range links[shapes[i].ReferenceID] { // it is the service's place in the graph
			link := api.GraphLink{SourceTraceID: l.Source.String(), ReferenceType: referenceType(l)}
			for _, id := range l.Destinations {
				link.DestinationTraceIDs = append(link.DestinationTraceIDs, id.String())
			}
			of.Links = append(of.Links, link)
		}
		answer.Services = append(answer.Services, of)
	}
	return answer, nil
}

func referenceType(l query.GraphLink) *string {
	switch {
	case l.Parent:
		return new("parent")
	case l.Child:
		return new("child")
	default:
		return nil
	}
}

func (s *Services) cancelTraceRetrieval(_ context.Context, request *api.RetrievalRequest) (*api.Empty, error) {
	token, _, _, err := retrieval(request)
	if err != nil {
		return nil, err
	}
	return &api.Empty{}, asResource(s.retrievals.Cancel(token))
}
