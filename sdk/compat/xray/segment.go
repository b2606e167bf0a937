package xray

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/header"
	"github.com/tomotrace/tomo/sdk/compat/internal/state"
	"github.com/tomotrace/tomo/sdk/compat/strategy/exception"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
)

// NewTraceID draws a trace id.
func NewTraceID() string { return sdk.NewTraceID(time.Now()).String() }

// NewSegmentID draws an id.
func NewSegmentID() string { return sdk.NewID().String() }

// SdkDisabled reports whether AWS_XRAY_SDK_DISABLED is true.
func SdkDisabled() bool { return strings.EqualFold(os.Getenv("AWS_XRAY_SDK_DISABLED"), "true") }

// ContextKeytype is the type of ContextKey.
type ContextKeytype int

// ContextKey finds the segment in contexts made by this package for what is not
// recorded; use GetSegment.
var ContextKey = new(ContextKeytype)

// disabled puts an empty segment into ctx.
func disabled(ctx context.Context) (context.Context, *Segment) {
	s := &Segment{}
	s.ParentSegment = s
	return context.WithValue(ctx, ContextKey, s), s
}

// BeginSegment begins a segment.
func BeginSegment(ctx context.Context, name string) (context.Context, *Segment) {
	return BeginSegmentWithSampling(ctx, name, nil, nil)
}

// BeginSegmentWithSampling begins a segment for a request; a decision in the
// header is obeyed. The ids in it are left alone, see NewSegmentFromHeader.
func BeginSegmentWithSampling(ctx context.Context, name string, r *http.Request, traceHeader *header.Header) (context.Context, *Segment) {
	var h sdk.Header
	if r != nil && traceHeader != nil {
		h = sdk.Header{Sampled: traceHeader.SDK().Sampled}
	}
	return beginSegment(ctx, name, r, h, nil)
}

// NewSegmentFromHeader begins a segment that goes on with the trace in the header.
func NewSegmentFromHeader(ctx context.Context, name string, r *http.Request, h *header.Header) (context.Context, *Segment) {
	ctx, s := beginSegment(ctx, name, r, h.SDK(), h)
	s.RequestWasTraced = true
	return ctx, s
}

func beginSegment(ctx context.Context, name string, r *http.Request, h sdk.Header, in *header.Header) (context.Context, *Segment) {
	core := recorder(ctx)
	if SdkDisabled() || !core.Enabled() {
		return disabled(ctx)
	}
	var q sdk.Request
	if r != nil {
		q = sdk.Request{Host: r.Host, Method: r.Method, Path: r.URL.Path}
	}
	ctx, begun := core.Continue(ctx, name, h, q)
	s := wrap(begun, GetRecorder(ctx))
	s.own, s.Name, s.IncomingHeader = true, name, in
	if h.Parent != 0 {
		s.ParentID = h.Parent.String()
	}
	return ctx, s
}

// wrap is the Segment of this package for one of sdk: the same for each call,
// except that of what is not recorded nothing needs to be remembered.
func wrap(core *sdk.Segment, cfg *Config) *Segment {
	return core.Attach(func() sdk.Attachment {
		s := &Segment{
			core: core, Sampled: core.Recorded(), TraceID: core.TraceID().String(), ID: core.ID().String(),
			Name: core.Name(), InProgress: true, Dummy: !core.Recorded(), Configuration: complete(cfg),
		}
		if t := core.Start(); !t.IsZero() {
			s.StartTime = float64(t.UnixMicro()) / 1e6
		}
		s.ParentSegment = s
		if root := core.Root(); root != core {
			s.ParentSegment = wrap(root, cfg)
			s.ParentID = s.ParentSegment.ID
		}
		return s
	}).(*Segment)
}

// GetSegment is the segment or subsegment in ctx, nil if there is none.
func GetSegment(ctx context.Context) *Segment {
	core := sdk.FromContext(ctx)
	if s, ok := ctx.Value(ContextKey).(*Segment); ok && (s.core == core || core == nil) {
		return s
	}
	if core == nil {
		return nil
	}
	return wrap(core, GetRecorder(ctx))
}

// BeginSubsegment begins a subsegment of what is in ctx. Without anything it
// returns ctx and nil.
func BeginSubsegment(ctx context.Context, name string) (context.Context, *Segment) {
	if SdkDisabled() {
		return disabled(ctx)
	}
	if text, ok := ctx.Value(LambdaTraceHeaderKey).(string); ok && sdk.FromContext(ctx) == nil {
		ctx, _ = BeginFacadeSegment(ctx, "facade", header.FromString(text))
	}
	up := GetSegment(ctx)
	if up == nil {
		missing(ctx, fmt.Sprintf("failed to begin subsegment named '%v': segment cannot be found.", name))
		return ctx, nil
	}
	if up.core == nil {
		return disabled(ctx)
	}
	ctx, core := sdk.BeginSub(ctx, name)
	if !core.Recorded() {
		// All that is not recorded is one for the SDK, but not for its callers.
		s := &Segment{
			core: core, own: true, up: up, Dummy: true, Name: name, TraceID: up.TraceID, ID: up.ID, InProgress: true,
			ParentSegment: up.ParentSegment, ParentID: up.ParentSegment.ID,
		}
		return context.WithValue(ctx, ContextKey, s), s
	}
	s := wrap(core, up.Configuration)
	s.own, s.up, s.Name = true, up, name
	if s.ParentSegment == s { // below a facade
		s.ParentID = up.ID
	}
	return ctx, s
}

// BeginSubsegmentWithoutSampling begins a subsegment that is not recorded, and
// tells so to those it calls.
func BeginSubsegmentWithoutSampling(ctx context.Context, name string) (context.Context, *Segment) {
	up := GetSegment(ctx)
	if SdkDisabled() || up == nil || up.core == nil {
		return BeginSubsegment(ctx, name)
	}
	ctx, core := sdk.WithoutRecording(ctx)
	s := wrap(core, up.Configuration)
	s.own, s.up, s.Name, s.ParentSegment = true, up, name, up.ParentSegment
	return ctx, s
}

// BeginFacadeSegment stands for a segment that another process records. It is
// not sent; subsegments of it are, each alone.
func BeginFacadeSegment(ctx context.Context, name string, h *header.Header) (context.Context, *Segment) {
	core := recorder(ctx)
	if SdkDisabled() || !core.Enabled() {
		return disabled(ctx)
	}
	if h == nil {
		h = &header.Header{}
	}
	ctx = core.WithRemoteParent(ctx, h.SDK())
	s := wrap(sdk.FromContext(ctx), GetRecorder(ctx))
	s.own, s.Name, s.Facade, s.ID = true, name, true, h.ParentID
	s.Sampled = h.SamplingDecision == header.Sampled
	return ctx, s
}

// Closing takes over the fields, before the segment is closed.
func (s *Segment) Closing() {
	s.Lock()
	defer s.Unlock()
	if s.applied || s.Dummy {
		return
	}
	s.applied = true
	c := s.core
	if s.Name != "" {
		c.SetName(s.Name)
	}
	if s.Namespace != "" || s.own {
		c.SetNamespace(s.Namespace)
	}
	if s.User != "" {
		c.SetUser(s.User)
	}
	if s.Origin != "" {
		c.SetOrigin(s.Origin)
	}
	if s.ResourceARN != "" {
		c.SetResourceARN(s.ResourceARN)
	}
	if s.HTTP != nil && s.HTTP.Request != nil {
		c.SetHTTPRequest(sdk.HTTPRequest(*s.HTTP.Request))
	}
	if s.HTTP != nil && s.HTTP.Response != nil {
		c.SetHTTPResponse(sdk.HTTPResponse{Status: s.HTTP.Response.Status, ContentLength: int64(s.HTTP.Response.ContentLength)})
	}
	if s.SQL != nil {
		c.SetSQL(sdk.SQL{
			ConnectionString: s.SQL.ConnectionString, URL: s.SQL.URL, DatabaseType: s.SQL.DatabaseType, DatabaseVersion: s.SQL.DatabaseVersion,
			DriverVersion: s.SQL.DriverVersion, User: s.SQL.User, Preparation: s.SQL.Preparation, SanitizedQuery: s.SQL.SanitizedQuery,
		})
	}
	if s.Cause != nil {
		for _, x := range s.Cause.Exceptions {
			core := sdk.Exception{Type: x.Type, Message: x.Message, Remote: x.Remote}
			for _, f := range x.Stack {
				core.Stack = append(core.Stack, sdk.Frame(f))
			}
			c.AddException(core)
		}
	}
	s.outcome()
	for _, key := range sorted(s.AWS) {
		s.say(c.SetAWS(key, s.AWS[key]))
	}
	for _, key := range sorted(s.Annotations) {
		s.say(c.Annotate(key, s.Annotations[key]))
	}
	for _, space := range sorted(s.Metadata) {
		for _, key := range sorted(s.Metadata[space]) {
			s.say(c.AddMetadataTo(space, key, s.Metadata[space][key]))
		}
	}
}

// outcome takes over the flags. Of what another integration describes they are
// added to its own.
func (s *Segment) outcome() {
	if s.own || s.Fault {
		s.core.SetFault(s.Fault)
	}
	if s.own || s.Error {
		s.core.SetError(s.Error)
	}
	if s.own || s.Throttle {
		s.core.SetThrottle(s.Throttle)
	}
}

func (s *Segment) say(err error) {
	if err != nil {
		state.Log(xraylog.LogLevelDebug, "leaving out a part of segment %s: %v", s.Name, err)
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Close ends s; an error that is not nil makes it a fault.
func (s *Segment) Close(err error) {
	if s.end(err) {
		s.core.Close(nil)
	}
}

// CloseAndStream ends a subsegment and sends it at once, alone.
func (s *Segment) CloseAndStream(err error) {
	if s.end(err) {
		s.core.CloseAndSend(nil)
	}
}

// end reports whether there is something to close.
func (s *Segment) end(err error) bool {
	if s == nil || s.core == nil {
		return false
	}
	s.Lock()
	defer s.Unlock()
	s.EndTime, s.InProgress = float64(time.Now().UnixMicro())/1e6, false
	if s.Dummy {
		return false
	}
	if err != nil {
		s.addError(err)
	}
	s.Emitted = true
	return true
}

// RemoveSubsegment takes an open subsegment of s out of it and reports whether it
// was there.
func (s *Segment) RemoveSubsegment(remove *Segment) bool {
	if s == nil || remove == nil || remove.up != s {
		return false
	}
	remove.Lock()
	defer remove.Unlock()
	if remove.Dummy || !remove.core.Discard() {
		return false
	}
	remove.InProgress = false
	return true
}

// open reports whether s was begun and not closed.
func (s *Segment) open() bool {
	if s == nil {
		return false
	}
	s.RLock()
	defer s.RUnlock()
	return s.InProgress
}

// AddAnnotation indexes s by key. The value is a string, a number or a bool.
func (s *Segment) AddAnnotation(key string, value any) error {
	if s.ignored() {
		return nil
	}
	switch value.(type) {
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, string:
	default:
		return fmt.Errorf("failed to add annotation key: %q value: %q to subsegment %q. value must be of type string, number or boolean", key, value, s.Name)
	}
	s.Lock()
	defer s.Unlock()
	if s.Annotations == nil {
		s.Annotations = map[string]any{}
	}
	s.Annotations[key] = value
	return nil
}

// AddMetadata keeps a value beside s, not indexed.
func (s *Segment) AddMetadata(key string, value any) error {
	return s.AddMetadataToNamespace("default", key, value)
}

// AddMetadataToNamespace is AddMetadata in a namespace.
func (s *Segment) AddMetadataToNamespace(namespace, key string, value any) error {
	if s.ignored() {
		return nil
	}
	s.Lock()
	defer s.Unlock()
	if s.Metadata == nil {
		s.Metadata = map[string]map[string]any{}
	}
	if s.Metadata[namespace] == nil {
		s.Metadata[namespace] = map[string]any{}
	}
	s.Metadata[namespace][key] = value
	return nil
}

// AddError records an error and makes s a fault.
func (s *Segment) AddError(err error) error {
	if s.ignored() {
		return nil
	}
	s.Lock()
	defer s.Unlock()
	s.addError(err)
	return nil
}

func (s *Segment) ignored() bool { return s == nil || s.core == nil || s.Dummy }

func (s *Segment) addError(err error) {
	s.Fault = true
	c := s.GetCause()
	c.WorkingDirectory, _ = os.Getwd()
	c.Exceptions = append(c.Exceptions, s.formatting().ExceptionFromError(err))
}

func (s *Segment) formatting() exception.FormattingStrategy {
	if s.Configuration != nil && s.Configuration.ExceptionFormattingStrategy != nil {
		return s.Configuration.ExceptionFormattingStrategy
	}
	return complete(nil).ExceptionFormattingStrategy
}
