// Package server is the HTTP door: the operations of the X-Ray API, and beside
// them what operators need of a server.
//
// In come requests of AWS SDKs, the CLI, daemons and collectors, signed or not;
// out go answers and exceptions in the service's own shapes. Requests are
// checked against the table of the package api; docs/api-coverage.md is made from
// it.
//
// Signatures are verified where Options.Guard has credentials: each belongs to
// a tenant and names the operations that it allows.
//
//	POST /TraceSegments …     the operations
//	POST /                    GetCallerIdentity of STS
//	GET  /healthz             200 as long as the process answers
//	GET  /readyz              200 while it takes requests, else 503
//	GET  /version             {"Version": …}
//	GET  /metrics             Prometheus
//	GET  /telemetry           what daemons tell of themselves
//	GET  /console/api/losses  what was sent and is not to be seen
//	GET, PUT /console/api/keep-rules                what is kept of what was counted
//	POST /console/api/keep-rules/test, …/preview    what the rules would decide
//	GET  /console/api/status, …/limits, …/encryption, …/sampling   the server itself
//	POST /console/api/sampling/test                 which sampling rule decides
//	POST /console/api/analysis, …/completion        what traces are like; docs/console-api.md
//	GET, POST, DELETE /console/api/session          signing in to the console
//	GET, POST, DELETE /console/api/credentials      who may ask for what
//	GET  /, /traces …         the console, for browsers; package web
//
// Everything is bounded: a body by Options.MaxBody, all bodies together by
// Options.Bodies, and a client that sends or takes fewer than 64 KiB a second,
// after ten seconds of grace, is cut off.
package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/settings"
)

// Options configure a server. The zero value is a good default.
type Options struct {
	// Prefix is a path in front of all others, such as /xray, for clients whose
	// endpoint has one. Requests without it are answered all the same.
	Prefix string
	// MaxBody bounds the body of one request, in bytes, unpacked. 0: 16 MiB. The
	// service does not document its own limit; 50 documents of 64 kB are 8 MiB.
	// Only PutTraceSegments may have so much, the others 1 MiB.
	MaxBody int64
	// Bodies bounds the memory of all bodies being read or worked on, in bytes.
	// What would go over it is answered 503. 0: 256 MiB.
	Bodies int64
	// Guard says who may ask for what. nil, or one without credentials:
	// everybody for everything, as the default tenant.
	Guard *identity.Guard
	// SamplingTenant is whose sampling rules those get who ask for them without a
	// signature, as X-Ray SDKs ask the daemon. "": they are refused, if there are
	// credentials.
	SamplingTenant string
	// Account stands in the ARNs of callers. "": settings.DefaultAccount.
	Account string
	// Ready says whether the parts behind the server are ready. nil: always.
	Ready func() bool
	// Metrics is what /metrics shows, and where the server's own metrics go. nil:
	// a registry of its own.
	Metrics *prometheus.Registry
	// Version is what /version tells.
	Version string
	// Logger hears of requests that failed by our fault. nil: silence.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	if o.Bodies == 0 {
		o.Bodies = 256 << 20
	}
	if o.Account == "" {
		o.Account = settings.DefaultAccount
	}
	if o.Ready == nil {
		o.Ready = func() bool { return true }
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// How patient the server is.
const (
	headerTimeout = 10 * time.Second // for the header of a request
	readTimeout   = 20 * time.Second // for a request whose body nobody looks at
	idleTimeout   = 2 * time.Minute  // between requests; balancers wait a minute
	pageTimeout   = time.Minute      // for a page that is not an operation
	drainTimeout  = 9 * time.Second  // for what is in flight when the server stops
	maxHeader     = 64 << 10
	maxRequest    = 1 << 20 // the body of what is not PutTraceSegments
)

// Server answers the API. It is an http.Handler.
type Server struct {
	o          Options
	tenants    Tenants
	operations map[string]api.Operation // by path
	pages      map[string]http.HandlerFunc
	website    func() *website // made when it is first asked for
	metrics    metrics
	bodies     bodies
	analyses   turns
	answers    sync.Pool // of *bytes.Buffer
	packers    sync.Pool // of *gzip.Writer
	draining   atomic.Bool
	started    time.Time
	strangers  http.CrossOriginProtection
}

// New makes a server for the tenants. It registers its metrics, so there may be
// one for each registry.
func New(tenants Tenants, o Options) *Server {
	o.setDefaults()
	s := &Server{o: o, tenants: tenants, operations: map[string]api.Operation{}, started: time.Now()}
	for _, op := range api.Operations() {
		s.operations[op.Path] = op
	}
	s.bodies.init(o.Bodies)
	s.analyses = newTurns()
	s.answers.New = func() any { return new(bytes.Buffer) }
	s.packers.New = newPacker
	s.metrics.init(o.Metrics, &s.bodies)
	s.pages = s.newPages()
	s.website = sync.OnceValue(newWebsite)
	return s
}

// Serve answers the requests that come by l until ctx ends. Then it takes no
// more, finishes those in flight and returns, within ten seconds. The error
// says that l broke, or that requests had to be cut off.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	running, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(errStopping)
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout, // bodies that are read set their own deadlines
		WriteTimeout:      pageTimeout, // and so do answers
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return running },
		ErrorLog:          slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP on %v: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	patience, done := context.WithTimeout(running, drainTimeout)
	defer done()
	err := h.Shutdown(patience)
	if err != nil {
		err = fmt.Errorf("requests on %v cut off after %v: %w", l.Addr(), drainTimeout, err)
		cut(errStopping)
		h.Close()
	}
	<-served
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSafe(w.Header(), r)
	path := r.URL.Path
	if rest, prefixed := strings.CutPrefix(path, s.o.Prefix); prefixed && strings.HasPrefix(rest, "/") {
		path = rest
	}
	// Browsers may not change anything here for pages of other sites. No SDK sends
	// the headers by which that is seen.
	if err := s.strangers.Check(r); err != nil {
		s.refusePage(w, r, &api.Error{Name: api.AccessDeniedException, Status: http.StatusForbidden, Message: "a page of another site asks: " + err.Error()})
		return
	}
	if page, found := s.pages[path]; found {
		page(w, r)
		return
	}
	if isWeb(r, path) {
		s.website().serve(w, r, path)
		return
	}
	began := time.Now()
	op, known := s.operations[path]
	if !known {
		op.Name = "unknown"
	}
	out := s.answers.Get().(*bytes.Buffer)
	defer s.release(out)
	a := answer{status: http.StatusOK, requestID: newRequestID()}
	if path == "/" && r.Method == http.MethodPost {
		a.status, a.kind = s.sts(w, r, a.requestID, out), "text/xml"
		s.finish(w, r, &a, out, getCallerIdentity, began)
		return
	}
	if failure := s.guarded(op.Name, a.requestID, func() error { return s.perform(w, r, op, known, out) }); failure != nil {
		out.Reset()
		a.fail(failure, out)
	}
	s.finish(w, r, &a, out, op.Name, began)
}

// finish sends the answer to a request and counts it. Who seems to be gone may
// only have closed the way here, so the answer is sent all the same.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, a *answer, text *bytes.Buffer, operation string, began time.Time) {
	status := a.status
	if left(r) { // asked before: whoever got the answer may go
		status = statusLeft
	}
	if !a.sent {
		s.send(w, r, a, text)
	}
	s.metrics.observe(operation, status, time.Since(began))
}

// perform runs the operation that r asks for and writes its answer to out.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, op api.Operation, known bool, out *bytes.Buffer) error {
	switch {
	case !known:
		return unknownOperation(r)
	case r.Method != http.MethodPost:
		return notPost(r)
	}
	who, err := s.identify(r, op)
	if err != nil {
		return err
	}
	services, err := s.tenants(r.Context(), who.tenant)
	if err != nil {
		return err
	}
	if err := services.quotas.ready(classOf(op.Name)); err != nil {
		return err
	}
	action := identity.Action(op.Name)
	if who.verified() {
		if err := s.authorize(who, action); err != nil {
			return err
		}
	}
	most := s.o.MaxBody
	if op != api.PutTraceSegments {
		most = min(most, maxRequest)
	}
	body, err := s.bodies.read(w, r, most)
	if err != nil {
		return err
	}
	defer s.bodies.release(body)
	s.metrics.received(op.Name, len(body.bytes))
	if err := who.verify(); err != nil {
		return err
	}
	if err := s.authorize(who, action); err != nil {
		return err
	}
	if err := services.quotas.take(classOf(op.Name)); err != nil {
		return err
	}
	to := reply{Buffer: out}
	if err := services.operations[op.Path](r.Context(), op, body.bytes, &to); err != nil {
		return err
	}
	to.beyond.WriteHeader(w.Header())
	return nil
}

// guarded makes an exception of what went wrong with a request. A panic is an
// error of ours, and ends this request only.
func (s *Server) guarded(operation, id string, run func() error) (failure *api.Error) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Logger.Error("a request panicked", "operation", operation, "request", id, "panic", p, "stack", string(debug.Stack()))
			failure = internalFailure()
		}
	}()
	if err := run(); err != nil {
		return s.failed(err, operation, id)
	}
	return nil
}

// failed makes an exception of an error; the log hears of those that are ours.
func (s *Server) failed(err error, operation, id string) *api.Error {
	failure := exception(err)
	if failure.Name == api.InternalFailure {
		s.o.Logger.Error("a request failed", "operation", operation, "request", id, "error", err)
	}
	return failure
}

// release keeps the memory of an answer, unless it is large.
func (s *Server) release(out *bytes.Buffer) {
	if out.Cap() <= keptBuffer {
		out.Reset()
		s.answers.Put(out)
	}
}

// keptBuffer is the size up to which buffers are kept for the next request.
const keptBuffer = 1 << 20

// newRequestID makes a random UUID. It names a request in logs and guards
// nothing.
func newRequestID() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	raw[6] = raw[6]&0x0f | 0x40 // version 4
	raw[8] = raw[8]&0x3f | 0x80 // the variant of RFC 9562
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	text[8] = '-'
	hex.Encode(text[9:13], raw[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], raw[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], raw[8:10])
	text[23] = '-'
	hex.Encode(text[24:], raw[10:])
	return string(text[:])
}
