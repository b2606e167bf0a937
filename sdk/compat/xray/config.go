package xray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/daemoncfg"
	"github.com/tomotrace/tomo/sdk/compat/internal/state"
	"github.com/tomotrace/tomo/sdk/compat/strategy/ctxmissing"
	"github.com/tomotrace/tomo/sdk/compat/strategy/exception"
	"github.com/tomotrace/tomo/sdk/compat/strategy/sampling"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
)

const (
	// SDKVersion is the version of the official SDK that this package follows.
	SDKVersion = "1.8.5"
	// SDKType is what the official SDK calls itself. Segments name Tomo's.
	SDKType = "X-Ray for Go"

	// Header is the first line of what is sent to a daemon.
	Header = `{"format": "json", "version": 1}` + "\n"

	// SDKInitializedFileFolder has the file that tells Lambda of an SDK.
	SDKInitializedFileFolder = "/tmp/.aws-xray"
	// SDKInitializedFileName is the file in it.
	SDKInitializedFileName = "initialized"

	// TraceIDHeaderKey is the HTTP header.
	TraceIDHeaderKey = "x-amzn-trace-id"
	// LambdaTraceHeaderKey finds the header in the context of a Lambda invocation.
	LambdaTraceHeaderKey = "x-amzn-trace-id"
	// LambdaTaskRootKey is the environment variable that tells Lambda.
	LambdaTaskRootKey = "LAMBDA_TASK_ROOT"

	// RequestIDKey, ExtendedRequestIDKey: members of the aws block.
	RequestIDKey = "request_id"
	// ExtendedRequestIDKey is a second id of requests to S3.
	ExtendedRequestIDKey = "id_2"
	// S3ExtendedRequestIDHeaderKey is the header that it stands in.
	S3ExtendedRequestIDHeaderKey = "x-amz-id-2"
)

// SDK is how segments name an SDK and the sampling rule. The SDK writes its own.
type SDK struct {
	Version  string `json:"sdk_version,omitempty"`
	Type     string `json:"sdk,omitempty"`
	RuleName string `json:"sampling_rule_name,omitempty"`
}

// SetLogger replaces the logger.
func SetLogger(l xraylog.Logger) { state.SetLogger(l) }

// Config says what Configure changes. Zero members change nothing.
type Config struct {
	DaemonAddr                  string
	ServiceVersion              string
	Emitter                     Emitter
	SamplingStrategy            sampling.Strategy
	StreamingStrategy           StreamingStrategy
	ExceptionFormattingStrategy exception.FormattingStrategy
	ContextMissingStrategy      ctxmissing.Strategy
	LogLevel                    string // means nothing; see SetLogger
	LogFormat                   string // means nothing
}

// Emitter takes closed segments instead of the daemon. The Segment it gets is
// read from the document: it holds what is sent, subsegments as JSON. The queue of
// the SDK stands before it: Emit is called by one goroutine, some time later.
type Emitter interface {
	Emit(seg *Segment)
	RefreshEmitterWithAddress(raddr *net.UDPAddr)
}

// DefaultEmitter stands for the SDK's own way to a daemon.
type DefaultEmitter struct {
	sync.Mutex // guards address
	address    *net.UDPAddr
}

// NewDefaultEmitter sends to a daemon at raddr.
func NewDefaultEmitter(raddr *net.UDPAddr) (*DefaultEmitter, error) {
	return &DefaultEmitter{address: raddr}, nil
}

// RefreshEmitterWithAddress says where the daemon is.
func (e *DefaultEmitter) RefreshEmitterWithAddress(raddr *net.UDPAddr) {
	e.Lock()
	defer e.Unlock()
	e.address = raddr
}

// Emit does nothing: segments are sent as they are closed.
func (e *DefaultEmitter) Emit(*Segment) {}

func (e *DefaultEmitter) String() string {
	e.Lock()
	defer e.Unlock()
	return e.address.String()
}

// emitterSink gives documents to an Emitter.
type emitterSink struct{ emitter Emitter }

func (s emitterSink) Send(document []byte) error {
	var seg Segment
	if err := json.Unmarshal(document, &seg); err != nil {
		return err
	}
	seg.ParentSegment, seg.Sampled = &seg, true
	s.emitter.Emit(&seg)
	return nil
}

// StreamingStrategy says from how many subsegments on some are sent alone. Only
// DefaultStreamingStrategy is honoured: the SDK divides segments by itself.
type StreamingStrategy interface {
	RequiresStreaming(seg *Segment) bool
	StreamCompletedSubsegments(seg *Segment) [][]byte
}

// DefaultStreamingStrategy has a number.
type DefaultStreamingStrategy struct {
	MaxSubsegmentCount uint32
}

// NewDefaultStreamingStrategy has the number 20.
func NewDefaultStreamingStrategy() (*DefaultStreamingStrategy, error) {
	return &DefaultStreamingStrategy{MaxSubsegmentCount: 20}, nil
}

// NewDefaultStreamingStrategyWithMaxSubsegmentCount has another number, above 0.
func NewDefaultStreamingStrategyWithMaxSubsegmentCount(maxSubsegmentCount int) (*DefaultStreamingStrategy, error) {
	if maxSubsegmentCount <= 0 {
		return nil, errors.New("maxSubsegmentCount must be a non-negative integer")
	}
	return &DefaultStreamingStrategy{MaxSubsegmentCount: uint32(maxSubsegmentCount)}, nil
}

// RequiresStreaming is not asked: the SDK divides segments by itself.
func (*DefaultStreamingStrategy) RequiresStreaming(*Segment) bool { return false }

// StreamCompletedSubsegments is not asked either.
func (*DefaultStreamingStrategy) StreamCompletedSubsegments(*Segment) [][]byte { return nil }

// global is the configuration of the package, as its names want it.
var global = struct {
	sync.RWMutex               // guards all below
	cfg          *Config       // never changed, only replaced
	base         *sdk.Recorder // sends; nil until needed
	recorder     *sdk.Recorder // base with what cfg says
	platforms    int           // of the state when recorder was made
}{cfg: defaults()}

func defaults() *Config {
	formatting, _ := exception.NewDefaultFormattingStrategy()
	streaming, _ := NewDefaultStreamingStrategy()
	return &Config{
		ExceptionFormattingStrategy: formatting, StreamingStrategy: streaming,
		ContextMissingStrategy: ctxmissing.NewDefaultLogErrorStrategy(),
	}
}

// Configure changes the configuration of all segments that begin later.
func Configure(c Config) error {
	global.Lock()
	defer global.Unlock()
	endpoints, err := daemoncfg.GetDaemonEndpointsFromString(c.DaemonAddr)
	if err != nil {
		return err
	}
	merged := merge(c, *global.cfg)
	refresh(merged, endpoints)
	if c.DaemonAddr != "" || c.Emitter != nil {
		if global.base != nil {
			old := global.base
			go old.Close(context.Background()) // sends what is queued
		}
		global.base = nil
	}
	global.cfg, global.recorder = &merged, nil
	return nil
}

func refresh(c Config, endpoints *daemoncfg.DaemonEndpoints) {
	if endpoints == nil {
		return
	}
	if c.Emitter != nil {
		c.Emitter.RefreshEmitterWithAddress(endpoints.UDPAddr)
	}
	if s, ok := c.SamplingStrategy.(*sampling.CentralizedStrategy); ok {
		s.LoadDaemonEndpoints(endpoints)
	}
}

// merge is c with what it lacks from under.
func merge(c, under Config) Config {
	if c.DaemonAddr == "" {
		c.DaemonAddr = under.DaemonAddr
	}
	if c.ServiceVersion == "" {
		c.ServiceVersion = under.ServiceVersion
	}
	if c.Emitter == nil {
		c.Emitter = under.Emitter
	}
	if c.SamplingStrategy == nil {
		c.SamplingStrategy = under.SamplingStrategy
	}
	if c.StreamingStrategy == nil {
		c.StreamingStrategy = under.StreamingStrategy
	}
	if c.ExceptionFormattingStrategy == nil {
		c.ExceptionFormattingStrategy = under.ExceptionFormattingStrategy
	}
	if c.ContextMissingStrategy == nil {
		c.ContextMissingStrategy = under.ContextMissingStrategy
	}
	return c
}

// complete is cfg, or the global one, with nothing missing.
func complete(cfg *Config) *Config {
	global.RLock()
	defer global.RUnlock()
	if cfg == nil {
		return global.cfg
	}
	c := merge(*cfg, *global.cfg)
	return &c
}

// base makes the recorder that sends for c.
func base(c Config) (*sdk.Recorder, error) {
	if os.Getenv(LambdaTaskRootKey) != "" {
		announce(SDKInitializedFileFolder)
	}
	o := sdk.Options{Daemon: c.DaemonAddr, Log: slog.New(state.Handler{})}
	switch e := c.Emitter.(type) {
	case nil:
	case *DefaultEmitter:
		_, tcp, err := sdk.ParseDaemonAddress(c.DaemonAddr)
		if err != nil {
			return nil, err
		}
		o.Daemon = "udp:" + e.String() + " tcp:" + tcp
	default:
		o.Sink = emitterSink{e}
	}
	return sdk.New(o)
}

// announce touches the file that tells Lambda that there is an SDK.
func announce(dir string) {
	file := filepath.Join(dir, SDKInitializedFileName)
	err := os.MkdirAll(dir, 0o777)
	if err == nil {
		err = os.WriteFile(file, nil, 0o666)
	}
	if err != nil {
		state.Log(xraylog.LogLevelDebug, "telling Lambda of the SDK: %v", err)
	}
}

// variant is r with what c says.
func variant(r *sdk.Recorder, c Config) (*sdk.Recorder, error) {
	platforms, _ := state.Platforms()
	o := sdk.Options{ServiceVersion: c.ServiceVersion, Platforms: platforms}
	if c.SamplingStrategy != nil {
		o.Sampler = sampling.Sampler(c.SamplingStrategy)
	}
	if s, ok := c.StreamingStrategy.(*DefaultStreamingStrategy); ok {
		o.StreamAfter = int(s.MaxSubsegmentCount)
	}
	if c.ContextMissingStrategy != nil {
		strategy := c.ContextMissingStrategy
		o.Missing = func(_ *sdk.Recorder, message string) { strategy.ContextMissing(message) }
	}
	return r.Variant(o)
}

// recorder is that of ctx, else the global one.
func recorder(ctx context.Context) *sdk.Recorder {
	if c, ok := ctx.Value(configuredKey{}).(*sdk.Recorder); ok {
		return c
	}
	_, version := state.Platforms()
	global.RLock()
	r, current := global.recorder, global.platforms == version
	global.RUnlock()
	if r != nil && current {
		return r
	}
	global.Lock()
	defer global.Unlock()
	r, err := renew(version)
	if err != nil {
		// The official SDK panics while the program is loaded; so late, recording
		// nothing is kinder.
		state.Log(xraylog.LogLevelError, "nothing is recorded: %v", err)
		r, _ = sdk.New(sdk.Options{Disabled: true})
		global.recorder, global.platforms = r, version
	}
	return r
}

// renew is called with the lock on global.
func renew(version int) (*sdk.Recorder, error) {
	if global.base == nil {
		b, err := base(*global.cfg)
		if err != nil {
			return nil, err
		}
		global.base = b
	}
	r, err := variant(global.base, *global.cfg)
	if err != nil {
		return nil, err
	}
	global.recorder, global.platforms = r, version
	sdk.SetDefault(r)
	return r, nil
}

type configuredKey struct{}

// ContextWithConfig makes c the configuration of segments that begin below the
// context it returns. With an address or an Emitter it makes a sender of its own,
// so it belongs at the start of a program, not into its requests.
func ContextWithConfig(ctx context.Context, c Config) (context.Context, error) {
	endpoints, err := daemoncfg.GetDaemonEndpointsFromString(c.DaemonAddr)
	if err != nil {
		return context.WithValue(ctx, RecorderContextKey{}, &c), err
	}
	refresh(c, endpoints)
	merged := *complete(&c)
	var r *sdk.Recorder
	if c.DaemonAddr != "" || c.Emitter != nil {
		r, err = base(merged)
	} else {
		recorder(context.Background())
		global.RLock()
		r = global.base
		global.RUnlock()
		if r == nil {
			err = errors.New("the configuration of the package records nothing")
		}
	}
	if err == nil {
		r, err = variant(r, merged)
	}
	ctx = context.WithValue(ctx, RecorderContextKey{}, &c)
	if err != nil {
		return ctx, fmt.Errorf("configuring a context: %w", err)
	}
	return sdk.WithRecorder(context.WithValue(ctx, configuredKey{}, r), r), nil
}

// Using makes a function that puts the configuration c into contexts, for
// integrations that begin many segments with one. nil leaves contexts as they are;
// so does one that cannot be, which is logged.
func Using(c *Config) func(context.Context) context.Context {
	if c == nil {
		return func(ctx context.Context) context.Context { return ctx }
	}
	from, err := ContextWithConfig(context.Background(), *c)
	if err != nil {
		state.Log(xraylog.LogLevelError, "%v", err)
	}
	return func(ctx context.Context) context.Context { return withConfigOf(ctx, from) }
}

// withConfigOf is ctx with the configuration of another context, if it has one.
func withConfigOf(ctx, from context.Context) context.Context {
	cfg := GetRecorder(from)
	r, configured := from.Value(configuredKey{}).(*sdk.Recorder)
	if cfg == nil || !configured {
		return ctx
	}
	return sdk.WithRecorder(context.WithValue(context.WithValue(ctx, RecorderContextKey{}, cfg), configuredKey{}, r), r)
}

// Flush waits until what is closed was sent. The official SDK has no such
// function: it sends while it closes.
func Flush(ctx context.Context) error { return recorder(ctx).Flush(ctx) }

// missing is what happens without a segment.
func missing(ctx context.Context, message string) {
	if !recorder(ctx).Enabled() {
		return
	}
	complete(GetRecorder(ctx)).ContextMissingStrategy.ContextMissing(message)
}
