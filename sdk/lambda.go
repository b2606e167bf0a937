package sdk

import (
	"context"
	"os"
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
	ctx = r.WithRemoteParent(ctx, ParseHeader(text))
	return FromContext(ctx).begin(ctx, name)
}
