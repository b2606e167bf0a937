package server

import (
	"context"

	"github.com/tomotrace/tomo/api"
)

// source is how the losses and metrics of the pipeline name this door.
const source = "http"

// putTraceSegments is the one operation that is asked all the time. It answers
// when the good documents are durable; the bad ones are no error of the call.
func (s *Services) putTraceSegments(ctx context.Context, _ api.Operation, body []byte, out *reply) error {
	docs, err := api.Documents(body)
	if err != nil {
		return err
	}
	if !s.quotas.segments.take(len(docs)) {
		return throttled()
	}
	refusals, err := s.pipeline.Accept(ctx, source, docs)
	if err != nil {
		return err
	}
	if len(refusals) == 0 {
		out.WriteString(`{"UnprocessedTraceSegments":[]}`)
		return nil
	}
	answer := api.PutTraceSegmentsResponse{UnprocessedTraceSegments: make([]api.UnprocessedTraceSegment, len(refusals))}
	for i := range refusals {
		r := &refusals[i]
		answer.UnprocessedTraceSegments[i] = api.UnprocessedTraceSegment{ErrorCode: string(r.Code), ID: r.ID, Message: r.Message}
	}
	return api.Encode(out.Buffer, &answer)
}
