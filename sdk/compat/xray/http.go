package xray

import (
	"context"
	"net/http"
	"strconv"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/header"
	"github.com/tomotrace/tomo/sdk/compat/pattern"
)

// SegmentNamer names segments after the Host header.
type SegmentNamer interface {
	Name(host string) string
}

// FixedSegmentNamer gives one name.
type FixedSegmentNamer struct{ FixedName string }

// NewFixedSegmentNamer gives one name.
func NewFixedSegmentNamer(name string) *FixedSegmentNamer { return &FixedSegmentNamer{name} }

// Name implements SegmentNamer.
func (n *FixedSegmentNamer) Name(string) string { return n.FixedName }

// DynamicSegmentNamer gives the host's name if it matches the pattern.
type DynamicSegmentNamer struct {
	FallbackName    string
	RecognizedHosts string
}

// NewDynamicSegmentNamer gives the host's name if it matches the pattern.
func NewDynamicSegmentNamer(fallback, recognized string) *DynamicSegmentNamer {
	return &DynamicSegmentNamer{fallback, recognized}
}

// Name implements SegmentNamer.
func (n *DynamicSegmentNamer) Name(host string) string {
	if pattern.WildcardMatchCaseInsensitive(n.RecognizedHosts, host) {
		return host
	}
	return n.FallbackName
}

// Handler serves each request in a segment.
func Handler(sn SegmentNamer, h http.Handler) http.Handler {
	return HandlerWithContext(context.Background(), sn, h)
}

// HandlerWithContext is Handler with the configuration in ctx.
func HandlerWithContext(ctx context.Context, sn SegmentNamer, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := header.From(sdk.IncomingHeader(r))
		ctx, s := NewSegmentFromHeader(withConfigOf(r.Context(), ctx), sn.Name(r.Host), r, in)
		defer s.Close(nil)
		HttpTrace(s, h, w, r.WithContext(ctx), in)
	})
}

// HttpTrace serves a request with h in the segment seg, which describes it.
func HttpTrace(seg *Segment, h http.Handler, w http.ResponseWriter, r *http.Request, traceHeader *header.Header) {
	if seg.core == nil {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set(TraceIDHeaderKey, AnswerHeader(seg, traceHeader))
	request := RequestData(sdk.DescribeRequest(r))
	seg.Lock()
	seg.GetHTTP().Request = &request
	seg.Unlock()
	wrapped, status := sdk.WatchResponse(w)
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				// The official SDK does not record these.
				_ = seg.AddError(seg.formatting().Panicf("%v", p))
			}
			panic(p)
		}
	}()
	h.ServeHTTP(wrapped, r)
	seg.Lock()
	seg.GetHTTP().GetResponse().ContentLength, _ = strconv.Atoi(w.Header().Get("Content-Length"))
	seg.Unlock()
	HttpCaptureResponse(seg, status())
}

// AnswerHeader is the tracing header of the answer to a request that came with the
// header in: the trace, and the decision if the request made one or asked for it.
func AnswerHeader(seg *Segment, in *header.Header) string {
	h := header.Header{TraceID: seg.TraceID, ParentID: in.ParentID, SamplingDecision: in.SamplingDecision}
	if h.SamplingDecision == header.Requested {
		h.SamplingDecision = header.NotSampled
		if seg.Sampled {
			h.SamplingDecision = header.Sampled
		}
	}
	return h.String()
}

// HttpCaptureResponse describes an answer by its status.
func HttpCaptureResponse(seg *Segment, statusCode int) {
	if seg == nil {
		return
	}
	seg.Lock()
	defer seg.Unlock()
	seg.GetHTTP().GetResponse().Status = statusCode
	if statusCode >= 400 && statusCode < 500 {
		seg.Error = true
	}
	if statusCode == http.StatusTooManyRequests {
		seg.Throttle = true
	}
	if statusCode >= 500 && statusCode < 600 {
		seg.Fault = true
	}
}

// Client is c with its transport wrapped by RoundTripper.
func Client(c *http.Client) *http.Client {
	if c == nil {
		c = http.DefaultClient
	}
	wrapped := *c
	wrapped.Transport = RoundTripper(c.Transport)
	return &wrapped
}

// RoundTripper makes each request a subsegment. nil is http.DefaultTransport.
func RoundTripper(rt http.RoundTripper) http.RoundTripper {
	return roundTripper{sdk.Transport(rt)}
}

type roundTripper struct{ traced http.RoundTripper }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if sdk.FromContext(r.Context()) == nil && !SdkDisabled() {
		if _, lambda := r.Context().Value(LambdaTraceHeaderKey).(string); !lambda {
			missing(r.Context(), "failed to begin subsegment named '"+r.URL.Host+"': segment cannot be found.")
		}
	}
	return t.traced.RoundTrip(r)
}
