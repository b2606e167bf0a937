package sdk

import (
	"context"
	"os"
	"time"
)

// lambdaContextKey is where the Lambda runtime for Go puts the tracing header of
// an invocation. It is a plain string there.
const lambdaContextKey = "x-amzn-trace-id"

// beginInLambda begins a subsegment of the segment that the platform records for
// this invocation. It is sent alone when it closes. Without a header, as while
// the function is initialised, nothing is recorded.
func (r *Recorder) beginInLambda(ctx context.Context, name string) (context.Context, *Segment) {
	text, _ := ctx.Value(lambdaContextKey).(string)
	if text == "" {
		text = os.Getenv("_X_AMZN_TRACE_ID")
	}
	h := ParseHeader(text)
	t := trace{recorder: r, id: h.Root, parent: h.Parent, extra: h.Extra, recorded: h.Sampled == Sampled && h.Root != (TraceID{}) && h.Parent != 0}
	if !t.recorded {
		return beginUnrecorded(ctx, t)
	}
	rec := begin(t, time.Now())
	rec.root.sub = true
	return rec.root.enter(ctx, rec, cleanName(name), rec.epoch)
}
