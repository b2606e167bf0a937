package sdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Version is the version of this SDK, as segments name it.
const Version = "0.1.0"

// Options say what a Recorder does. The zero value is a good start.
//
// Of the environment count AWS_XRAY_DAEMON_ADDRESS, AWS_XRAY_TRACING_NAME and
// AWS_XRAY_CONTEXT_MISSING before what is set here, AWS_XRAY_SDK_ENABLED=false or
// AWS_XRAY_SDK_DISABLED=true, and in Lambda LAMBDA_TASK_ROOT and _X_AMZN_TRACE_ID.
type Options struct {
	// Daemon is where to send, host:port or "udp:host:port tcp:host:port" if the
	// two sides of the daemon differ. The default is 127.0.0.1:2000.
	Daemon string
	// Service replaces the names of all segments that are begun, if it is set.
	Service string
	// ServiceVersion is sent with each segment.
	ServiceVersion string
	// Platforms say what the program runs on; package plugins finds out. The last
	// one with an Origin names the origin.
	Platforms []Platform
	// Sampler decides what is recorded. The default is Central, with the daemon.
	Sampler Sampler
	// Missing says what happens if a subsegment is begun without a segment. The
	// default is LogMissing.
	Missing Missing
	// StreamAfter is the number of subsegments in a segment from which on those
	// that are closed are sent alone. 0 means 100, a negative one sends each alone.
	StreamAfter int
	// Queue is the number of closed segments that may wait to be sent. 0 means 8,192.
	Queue int
	// Sink takes the documents instead of the daemon.
	Sink Sink
	// Disabled makes everything do nothing.
	Disabled bool
	// Log takes what goes wrong. The default is slog.Default().
	Log *slog.Logger
}

// Platform is what a program runs on.
type Platform struct {
	Origin string         // as AWS::EC2::Instance
	Name   string         // of the member of the aws block, as ec2
	Data   map[string]any // its value
}

// Missing is called if a subsegment is begun without a segment.
type Missing func(r *Recorder, message string)

// LogMissing logs an error: AWS_XRAY_CONTEXT_MISSING=LOG_ERROR.
func LogMissing(r *Recorder, message string) {
	r.log.Error("suppressing the panic of a missing context: " + message)
}

// PanicMissing panics: AWS_XRAY_CONTEXT_MISSING=RUNTIME_ERROR.
func PanicMissing(_ *Recorder, message string) { panic(message) }

// IgnoreMissing does nothing: AWS_XRAY_CONTEXT_MISSING=IGNORE_ERROR.
func IgnoreMissing(*Recorder, string) {}

// Recorder makes segments and sends them. It is safe for use by many goroutines.
type Recorder struct {
	enabled     bool
	lambda      bool
	name        string
	version     string
	platforms   []Platform
	origin      string
	service     []byte // `,"service":{…}`
	xray        []byte // `"xray":{…` without the brace at the end
	platform    []byte // `,"ec2":{…}`
	streamAfter int
	sampler     Sampler
	ownSampler  *Central // to be closed
	onMissing   Missing
	emitter     *emitter
	log         *slog.Logger
}

// New makes a recorder. Nothing is sent and no goroutine started before the
// first segment. Close it to send what is queued at the end of the program.
func New(o Options) (*Recorder, error) {
	r := &Recorder{
		enabled:     !o.Disabled && !disabledByEnvironment(),
		lambda:      os.Getenv("LAMBDA_TASK_ROOT") != "",
		name:        cmp.Or(os.Getenv("AWS_XRAY_TRACING_NAME"), o.Service),
		streamAfter: o.StreamAfter,
		sampler:     o.Sampler,
		log:         o.Log,
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	switch {
	case r.streamAfter == 0:
		r.streamAfter = 100
	case r.streamAfter < 0:
		r.streamAfter = 0
	}
	var err error
	if r.onMissing, err = missing(os.Getenv("AWS_XRAY_CONTEXT_MISSING"), o.Missing); err != nil {
		return nil, err
	}
	address := cmp.Or(os.Getenv("AWS_XRAY_DAEMON_ADDRESS"), o.Daemon)
	udp, tcp, err := ParseDaemonAddress(address)
	if err != nil {
		return nil, fmt.Errorf("reading the daemon's address %q: %w", address, err)
	}
	sink := o.Sink
	if sink == nil {
		sink = newDaemon(udp)
	}
	if r.sampler == nil {
		r.ownSampler = NewCentral(CentralOptions{Daemon: tcp, Log: r.log})
		r.sampler = r.ownSampler
	}
	if err := r.describe(o); err != nil {
		return nil, err
	}
	r.emitter = newEmitter(sink, o.Queue, r.lambda, r.log)
	return r, nil
}

// Variant is a recorder that sends through r and differs from it in the options
// that are set, of ServiceVersion, Platforms, Sampler, Missing and StreamAfter. It
// needs no Close: to close it is to close r.
func (r *Recorder) Variant(o Options) (*Recorder, error) {
	v := *r
	if o.Sampler != nil {
		v.sampler = o.Sampler
	}
	if o.Missing != nil && os.Getenv("AWS_XRAY_CONTEXT_MISSING") == "" {
		v.onMissing = o.Missing
	}
	switch {
	case o.StreamAfter > 0:
		v.streamAfter = o.StreamAfter
	case o.StreamAfter < 0:
		v.streamAfter = 0
	}
	if o.ServiceVersion != "" || o.Platforms != nil {
		if o.ServiceVersion == "" {
			o.ServiceVersion = r.version
		}
		if o.Platforms == nil {
			o.Platforms = r.platforms
		}
		if err := v.describe(o); err != nil {
			return nil, err
		}
	}
	return &v, nil
}

func disabledByEnvironment() bool {
	return strings.EqualFold(os.Getenv("AWS_XRAY_SDK_ENABLED"), "false") || strings.EqualFold(os.Getenv("AWS_XRAY_SDK_DISABLED"), "true")
}

func missing(text string, otherwise Missing) (Missing, error) {
	switch text {
	case "LOG_ERROR":
		return LogMissing, nil
	case "RUNTIME_ERROR":
		return PanicMissing, nil
	case "IGNORE_ERROR":
		return IgnoreMissing, nil
	case "":
		if otherwise == nil {
			return LogMissing, nil
		}
		return otherwise, nil
	}
	return nil, fmt.Errorf("AWS_XRAY_CONTEXT_MISSING is %q; it must be LOG_ERROR, RUNTIME_ERROR or IGNORE_ERROR", text)
}

// describe encodes once what all segments say.
func (r *Recorder) describe(o Options) error {
	r.version, r.platforms = o.ServiceVersion, o.Platforms
	r.origin, r.platform = "", nil
	b := []byte(`,"service":{`)
	if o.ServiceVersion != "" {
		b = append(appendString(append(b, `"version":`...), o.ServiceVersion), ',')
	}
	b = append(appendString(append(b, `"runtime_version":`...), runtime.Version()), ',')
	b = append(appendString(append(b, `"runtime":`...), runtime.Compiler), '}')
	r.service = b
	r.xray = []byte(`"xray":{"sdk":"Tomo for Go","sdk_version":"` + Version + `"`)
	for _, p := range o.Platforms {
		if p.Origin != "" {
			r.origin = p.Origin
		}
		if p.Name == "" || p.Data == nil {
			continue
		}
		text, err := encodeValue(p.Data)
		if err != nil {
			return fmt.Errorf("encoding the platform %s: %w", p.Name, err)
		}
		r.platform = append(append(appendString(append(r.platform, ','), p.Name), ':'), text...)
	}
	return nil
}

var errAddress = errors.New(`want host:port or "udp:host:port tcp:host:port"`)

// ParseDaemonAddress reads AWS_XRAY_DAEMON_ADDRESS: host:port for both, or
// "udp:host:port tcp:host:port" in either order. "" is 127.0.0.1:2000. An IPv6
// address stands in brackets.
func ParseDaemonAddress(text string) (udp, tcp string, err error) {
	fields := strings.Fields(text)
	switch len(fields) {
	case 0:
		return "127.0.0.1:2000", "127.0.0.1:2000", nil
	case 1:
		udp, tcp = fields[0], fields[0]
	case 2:
		for _, f := range fields {
			if rest, ok := strings.CutPrefix(f, "udp:"); ok {
				udp = rest
			} else if rest, ok := strings.CutPrefix(f, "tcp:"); ok {
				tcp = rest
			}
		}
	}
	for _, address := range []string{udp, tcp} {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return "", "", errAddress
		}
	}
	return udp, tcp, nil
}

func (r *Recorder) missing(message string) { r.onMissing(r, message) }

// Enabled reports whether r does anything.
func (r *Recorder) Enabled() bool { return r.enabled }

// Stats count what became of documents.
func (r *Recorder) Stats() Stats { return r.emitter.stats() }

// Flush waits until what is queued now was sent.
func (r *Recorder) Flush(ctx context.Context) error { return r.emitter.waitFor(ctx) }

// Close sends what is queued and ends the recorder's goroutines. What is closed
// later is dropped.
func (r *Recorder) Close(ctx context.Context) error {
	if r.ownSampler != nil {
		r.ownSampler.Close()
	}
	return r.emitter.close(ctx)
}

type recorderKey struct{}

// WithRecorder makes Begin and BeginSub use r below the context it returns.
func WithRecorder(ctx context.Context, r *Recorder) context.Context {
	return context.WithValue(ctx, recorderKey{}, r)
}

func recorderOf(ctx context.Context) *Recorder {
	if r, ok := ctx.Value(recorderKey{}).(*Recorder); ok {
		return r
	}
	return Default()
}

// fallback is the recorder of programs that set none. It is the only state of
// the package: libraries begin segments without being handed a recorder.
var (
	fallback   atomic.Pointer[Recorder]
	fallbackMu sync.Mutex
)

// Default is the recorder that was set with SetDefault, else one with no options.
// If the environment does not allow for that one, the reason is logged and the
// recorder is disabled.
func Default() *Recorder {
	if r := fallback.Load(); r != nil {
		return r
	}
	fallbackMu.Lock()
	defer fallbackMu.Unlock()
	if r := fallback.Load(); r != nil {
		return r
	}
	r, err := New(Options{})
	if err != nil {
		slog.Error("nothing is recorded: " + err.Error())
		r = &Recorder{log: slog.Default(), onMissing: IgnoreMissing, emitter: newEmitter(newDaemon("127.0.0.1:2000"), 0, false, slog.Default())}
	}
	fallback.Store(r)
	return r
}

// SetDefault makes r the recorder of all contexts that name none.
func SetDefault(r *Recorder) {
	fallbackMu.Lock()
	defer fallbackMu.Unlock()
	fallback.Store(r)
}
