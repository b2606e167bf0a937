package sdk

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Namer names the segment of a request.
type Namer func(*http.Request) string

// Fixed gives all segments one name.
func Fixed(name string) Namer { return func(*http.Request) string { return name } }

// ByHost names segments after the Host header where it matches the pattern, see
// [Match]; the others get the fallback. Without a pattern that tells hosts apart a
// client could invent services.
func ByHost(fallback, pattern string) Namer {
	return func(r *http.Request) string {
		if Match(pattern, r.Host) {
			return r.Host
		}
		return fallback
	}
}

// Handler serves requests with h, each in a segment, with the default recorder
// or that of the request's context. The tracing header, or else traceparent, is
// taken from the request; the response names the trace. A panic of h is
// recorded and goes on.
func Handler(name Namer, h http.Handler) http.Handler {
	return handler{name: name, next: h}
}

// Handler is the function Handler with this recorder.
func (r *Recorder) Handler(name Namer, h http.Handler) http.Handler {
	return handler{recorder: r, name: name, next: h}
}

type handler struct {
	recorder *Recorder // nil: the context's
	name     Namer
	next     http.Handler
}

// IncomingHeader is the tracing header of r, or what stands in traceparent.
func IncomingHeader(r *http.Request) Header {
	if text := r.Header.Get(HeaderName); text != "" {
		return ParseHeader(text)
	}
	if text := r.Header.Get("Traceparent"); text != "" {
		h, _ := ParseTraceparent(text)
		return h
	}
	return Header{}
}

func (h handler) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r := h.recorder
	if r == nil {
		r = recorderOf(q.Context())
	}
	if !r.enabled {
		h.next.ServeHTTP(w, q)
		return
	}
	in := IncomingHeader(q)
	ctx, s := r.Continue(q.Context(), h.name(q), in, Request{Host: q.Host, Method: q.Method, Path: q.URL.Path})
	w.Header()[HeaderName] = []string{answer(s, in)}
	q = q.WithContext(ctx)
	if s.node == nil {
		defer s.Close(nil)
		h.next.ServeHTTP(w, q)
		return
	}
	s.SetHTTPRequest(DescribeRequest(q))
	seen := &response{ResponseWriter: w}
	done := false
	defer func() {
		if !done {
			if value := recover(); value != nil {
				if value != http.ErrAbortHandler { // a way to hang up, not a bug
					s.addPanic(value) // makes it a fault
				}
				s.SetHTTPResponse(HTTPResponse{Status: seen.status, ContentLength: seen.length()})
				s.Close(nil)
				panic(value)
			}
		}
		if seen.status == 0 {
			seen.status = http.StatusOK
		}
		s.SetHTTPResponse(HTTPResponse{Status: seen.status, ContentLength: seen.length()})
		s.Close(nil)
	}()
	h.next.ServeHTTP(seen.wrapped(), q)
	done = true
}

// answer is the tracing header of the response: the trace, and the decision if
// the request made one or asked for it.
func answer(s *Segment, in Header) string {
	h := Header{Root: s.trace.id, Parent: s.trace.parent, Sampled: in.Sampled}
	if in.Sampled == Asked {
		h.Sampled = NotSampled
		if s.node != nil {
			h.Sampled = Sampled
		}
	}
	return h.String()
}

// DescribeRequest is what a segment says of the request that it serves.
func DescribeRequest(q *http.Request) HTTPRequest {
	scheme := "https://"
	if q.TLS == nil {
		scheme = "http://"
	}
	d := HTTPRequest{Method: q.Method, URL: scheme + q.Host + q.URL.Path, UserAgent: q.UserAgent()}
	if forwarded := q.Header.Get("X-Forwarded-For"); forwarded != "" {
		first, _, _ := strings.Cut(forwarded, ",")
		d.ClientIP, d.XForwardedFor = strings.TrimSpace(first), true
	} else if host, _, err := net.SplitHostPort(q.RemoteAddr); err == nil {
		d.ClientIP = host
	} else {
		d.ClientIP = q.RemoteAddr
	}
	return d
}

// WatchResponse wraps w, for servers that do not use Handler, with the same
// optional interfaces; status is what was written so far, 200 if nothing was.
func WatchResponse(w http.ResponseWriter) (wrapped http.ResponseWriter, status func() int) {
	seen := &response{ResponseWriter: w}
	return seen.wrapped(), func() int {
		if seen.status == 0 {
			return http.StatusOK
		}
		return seen.status
	}
}

// response remembers the status of what is written through it.
type response struct {
	http.ResponseWriter
	status int
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	w.ok()
	return w.ResponseWriter.Write(b)
}

func (w *response) ok() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// length is the Content-Length the handler set, 0 if it set none.
func (w *response) length() int64 {
	text := w.Header().Get("Content-Length")
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

type (
	flusher  struct{ *response }
	hijacker struct{ *response }
	pusher   struct{ *response }
	reader   struct{ *response }
)

func (w flusher) Flush() {
	w.ok()
	w.ResponseWriter.(http.Flusher).Flush()
}

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

func (w pusher) Push(target string, o *http.PushOptions) error {
	return w.ResponseWriter.(http.Pusher).Push(target, o)
}

func (w reader) ReadFrom(from io.Reader) (int64, error) {
	w.ok()
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(from)
}

// wrapped is w with exactly those optional interfaces that the writer below
// has: handlers ask for them.
func (w *response) wrapped() http.ResponseWriter {
	const flushes, hijacks, pushes, reads = 1, 2, 4, 8
	can := 0
	if _, ok := w.ResponseWriter.(http.Flusher); ok {
		can |= flushes
	}
	if _, ok := w.ResponseWriter.(http.Hijacker); ok {
		can |= hijacks
	}
	if _, ok := w.ResponseWriter.(http.Pusher); ok {
		can |= pushes
	}
	if _, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		can |= reads
	}
	type (
		writer interface {
			http.ResponseWriter
			Unwrap() http.ResponseWriter
		}
		F = http.Flusher
		H = http.Hijacker
		P = http.Pusher
		R = io.ReaderFrom
	)
	f, h, p, r := flusher{w}, hijacker{w}, pusher{w}, reader{w}
	switch can {
	case flushes:
		return struct {
			writer
			F
		}{w, f}
	case hijacks:
		return struct {
			writer
			H
		}{w, h}
	case flushes | hijacks:
		return struct {
			writer
			F
			H
		}{w, f, h}
	case pushes:
		return struct {
			writer
			P
		}{w, p}
	case flushes | pushes:
		return struct {
			writer
			F
			P
		}{w, f, p}
	case hijacks | pushes:
		return struct {
			writer
			H
			P
		}{w, h, p}
	case flushes | hijacks | pushes:
		return struct {
			writer
			F
			H
			P
		}{w, f, h, p}
	case reads:
		return struct {
			writer
			R
		}{w, r}
	case flushes | reads:
		return struct {
			writer
			F
			R
		}{w, f, r}
	case hijacks | reads:
		return struct {
			writer
			H
			R
		}{w, h, r}
	case flushes | hijacks | reads:
		return struct {
			writer
			F
			H
			R
		}{w, f, h, r}
	case pushes | reads:
		return struct {
			writer
			P
			R
		}{w, p, r}
	case flushes | pushes | reads:
		return struct {
			writer
			F
			P
			R
		}{w, f, p, r}
	case hijacks | pushes | reads:
		return struct {
			writer
			H
			P
			R
		}{w, h, p, r}
	case flushes | hijacks | pushes | reads:
		return struct {
			writer
			F
			H
			P
			R
		}{w, f, h, p, r}
	}
	return w
}
