package xray

import (
	"context"
	"errors"
	"fmt"

	"github.com/tomotrace/tomo/sdk"
)

// ErrRetrieveSegment says that there is no segment in the context.
var ErrRetrieveSegment = errors.New("unable to retrieve segment")

// RecorderContextKey finds the Config in a context.
type RecorderContextKey struct{}

// GetRecorder is the Config that ContextWithConfig put into ctx, nil if there is none.
func GetRecorder(ctx context.Context) *Config {
	c, _ := ctx.Value(RecorderContextKey{}).(*Config)
	return c
}

// TraceID is the id of the trace in ctx, "" if there is none.
func TraceID(ctx context.Context) string {
	if s := GetSegment(ctx); s != nil {
		return s.TraceID
	}
	return ""
}

// RequestWasTraced reports whether the segment in ctx came with a request.
func RequestWasTraced(ctx context.Context) bool {
	s := GetSegment(ctx)
	return s != nil && (s.RequestWasTraced || s.ParentSegment != nil && s.ParentSegment.RequestWasTraced)
}

// DetachContext keeps the segment of ctx and nothing else, its cancellation least of all.
func DetachContext(ctx context.Context) context.Context {
	detached := context.Background()
	if core := sdk.FromContext(ctx); core != nil {
		detached = sdk.WithSegment(detached, core)
	}
	if s, ok := ctx.Value(ContextKey).(*Segment); ok {
		detached = context.WithValue(detached, ContextKey, s)
	}
	return detached
}

// Fill gives set the segment and the configuration of a context, for contexts that
// are filled in place, as those of fasthttp.
func Fill(from context.Context, set func(key, value any)) {
	if s := GetSegment(from); s != nil {
		set(ContextKey, s)
	}
	if core := sdk.FromContext(from); core != nil {
		set(sdk.ContextKey(), core)
	}
	if c := GetRecorder(from); c != nil {
		set(RecorderContextKey{}, c)
	}
	if r, ok := from.Value(configuredKey{}).(*sdk.Recorder); ok {
		set(configuredKey{}, r)
	}
}

// AddAnnotation is Segment.AddAnnotation of the segment in ctx.
func AddAnnotation(ctx context.Context, key string, value any) error {
	if s := GetSegment(ctx); s != nil {
		return s.AddAnnotation(key, value)
	}
	return ErrRetrieveSegment
}

// AddMetadata is Segment.AddMetadata of the segment in ctx.
func AddMetadata(ctx context.Context, key string, value any) error {
	if s := GetSegment(ctx); s != nil {
		return s.AddMetadata(key, value)
	}
	return ErrRetrieveSegment
}

// AddMetadataToNamespace is Segment.AddMetadataToNamespace of the segment in ctx.
func AddMetadataToNamespace(ctx context.Context, namespace, key string, value any) error {
	if s := GetSegment(ctx); s != nil {
		return s.AddMetadataToNamespace(namespace, key, value)
	}
	return ErrRetrieveSegment
}

// AddError is Segment.AddError of the segment in ctx.
func AddError(ctx context.Context, err error) error {
	if s := GetSegment(ctx); s != nil {
		return s.AddError(err)
	}
	return ErrRetrieveSegment
}

// Capture runs fn in a subsegment, which is closed with its error. A panic is
// recorded and goes on.
func Capture(ctx context.Context, name string, fn func(context.Context) error) (err error) {
	ctx, s := BeginSubsegment(ctx, name)
	if s == nil {
		defer func() {
			missing(ctx, fmt.Sprintf("failed to end subsegment: subsegment '%v' cannot be found.", name))
		}()
		return fn(ctx)
	}
	defer func() { s.Close(err) }()
	defer func() {
		if p := recover(); p != nil {
			err = s.formatting().Panicf("%v", p)
			panic(p)
		}
	}()
	return fn(ctx)
}

// CaptureAsync is Capture in a goroutine. The subsegment is begun before it returns.
func CaptureAsync(ctx context.Context, name string, fn func(context.Context) error) {
	started := make(chan struct{})
	go Capture(ctx, name, func(ctx context.Context) error {
		close(started)
		return fn(ctx)
	})
	<-started
}
