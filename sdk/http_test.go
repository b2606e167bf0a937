package sdk_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/sdk"
)

func TestHandler(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		sdk.Annotate(r.Context(), "a", 1)
		w.Header().Set("Content-Length", "2")
		io.WriteString(w, "ok")
	})
	mux.HandleFunc("/nothing", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(503) })
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429); w.WriteHeader(200) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("spilt") })
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	const in = "Root=" + root + ";Parent=" + parent
	tests := []struct {
		path, header, value string
		status              float64
		fault, error        bool
		answer              string // with TRACE for a new trace
	}{
		{"/ok", "", "", 200, false, false, "Root=TRACE"},
		{"/ok", sdk.HeaderName, in + ";Sampled=1;Lineage=x", 200, false, false, in + ";Sampled=1"},
		{"/ok", "traceparent", "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", 200, false, false, in + ";Sampled=1"},
		{"/nothing", sdk.HeaderName, in + ";Sampled=?", 200, false, false, in + ";Sampled=1"},
		{"/early", "", "", 503, true, false, "Root=TRACE"},
		{"/busy", "", "", 429, false, true, "Root=TRACE"},
		{"/panic", "", "", 0, true, false, "Root=TRACE"},
		{"/abort", "", "", 0, false, false, "Root=TRACE"},
		{"/missing", "", "", 404, false, true, "Root=TRACE"},
	}
	for _, tt := range tests {
		r, s := recorder(t, sdk.Options{})
		q := httptest.NewRequest("GET", "http://shop.example"+tt.path+"?secret", nil)
		q.Header.Set(tt.header, tt.value)
		w := httptest.NewRecorder()
		func() {
			defer func() { recover() }()
			r.Handler(sdk.ByHost("other", "*.example"), mux).ServeHTTP(w, q)
		}()
		docs := s.sent(t, r)
		if len(docs) != 1 {
			t.Errorf("%s: %d documents", tt.path, len(docs))
			continue
		}
		d := parse(t, docs[0])
		status, _ := d.HTTP.Response["status"].(float64)
		if status != tt.status || d.Fault != tt.fault || d.Error != tt.error || d.Name != "shop.example" || d.HTTP.Request["url"] != "http://shop.example"+tt.path ||
			d.HTTP.Request["client_ip"] != "192.0.2.1" || d.Throttle != (tt.status == 429) {
			t.Errorf("%s: sent %s", tt.path, docs[0])
		}
		if got := strings.Replace(w.Header().Get("X-Amzn-Trace-Id"), d.TraceID, map[bool]string{true: "TRACE", false: d.TraceID}[tt.header == ""], 1); got != tt.answer {
			t.Errorf("%s: answered %q, want %q", tt.path, got, tt.answer)
		}
		if tt.header != "" && d.ParentID != parent {
			t.Errorf("%s: below %s", tt.path, d.ParentID)
		}
		if tt.path == "/panic" && d.Cause.Exceptions[0].Type != "panic" {
			t.Errorf("the panic: %s", docs[0])
		}
	}
}

// The optional interfaces of a writer, each alone.
type (
	flushes struct{}
	hijacks struct{}
	pushes  struct{}
	reads   struct{}
)

func (flushes) Flush()                                       {}
func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }
func (pushes) Push(string, *http.PushOptions) error          { return nil }
func (reads) ReadFrom(io.Reader) (int64, error)              { return 7, nil }

// TestInterfaces holds the wrapped writer to have what the one below has, no
// more and no less.
func TestInterfaces(t *testing.T) {
	type W = http.ResponseWriter
	w := httptest.NewRecorder()
	plain := struct{ W }{w}
	all := []http.ResponseWriter{
		plain, struct {
			W
			flushes
		}{w, flushes{}}, struct {
			W
			hijacks
		}{w, hijacks{}}, struct {
			W
			flushes
			hijacks
		}{w, flushes{}, hijacks{}}, struct {
			W
			pushes
		}{w, pushes{}}, struct {
			W
			flushes
			pushes
		}{w, flushes{}, pushes{}}, struct {
			W
			hijacks
			pushes
		}{w, hijacks{}, pushes{}}, struct {
			W
			flushes
			hijacks
			pushes
		}{w, flushes{}, hijacks{}, pushes{}}, struct {
			W
			reads
		}{w, reads{}}, struct {
			W
			flushes
			reads
		}{w, flushes{}, reads{}}, struct {
			W
			hijacks
			reads
		}{w, hijacks{}, reads{}}, struct {
			W
			flushes
			hijacks
			reads
		}{w, flushes{}, hijacks{}, reads{}}, struct {
			W
			pushes
			reads
		}{w, pushes{}, reads{}}, struct {
			W
			flushes
			pushes
			reads
		}{w, flushes{}, pushes{}, reads{}}, struct {
			W
			hijacks
			pushes
			reads
		}{w, hijacks{}, pushes{}, reads{}}, struct {
			W
			flushes
			hijacks
			pushes
			reads
		}{w, flushes{}, hijacks{}, pushes{}, reads{}},
	}
	can := func(w http.ResponseWriter) (has [4]bool) {
		_, has[0] = w.(http.Flusher)
		_, has[1] = w.(http.Hijacker)
		_, has[2] = w.(http.Pusher)
		_, has[3] = w.(io.ReaderFrom)
		return has
	}
	for _, below := range all {
		wrapped, status := sdk.WatchResponse(below)
		if can(wrapped) != can(below) {
			t.Errorf("%v became %v", can(below), can(wrapped))
		}
		if u, ok := wrapped.(interface{ Unwrap() http.ResponseWriter }); !ok || u.Unwrap() != below {
			t.Error("it does not unwrap")
		}
		if r, ok := wrapped.(io.ReaderFrom); ok {
			if n, _ := r.ReadFrom(nil); n != 7 {
				t.Error("it does not read")
			}
		}
		if status() != 200 {
			t.Error(status())
		}
	}
}

func TestTransport(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	var headers []sdk.Header
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		headers = append(headers, sdk.ParseHeader(q.Header.Get(sdk.HeaderName)))
		w.WriteHeader(map[string]int{"/busy": 429, "/broken": 500}[q.URL.Path] + map[string]int{"/ok": 200}[q.URL.Path])
	}))
	defer server.Close()
	client := sdk.Client(server.Client())
	get := func(ctx context.Context, url string) error {
		q, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := client.Do(q)
		if len(q.Header) != 0 {
			t.Error("the request was changed")
		}
		if err != nil {
			return err
		}
		io.Copy(io.Discard, a.Body)
		return a.Body.Close()
	}
	ctx, seg := r.Begin(t.Context(), "root")
	for _, path := range []string{"/ok?secret", "/busy", "/broken"} {
		if err := get(ctx, strings.Replace(server.URL, "://", "://user:secret@", 1)+path); err != nil {
			t.Error(err)
		}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if get(ctx, "http://"+closed.Addr().String()) == nil {
		t.Error("nobody answers, without an error")
	}
	if err := get(t.Context(), server.URL+"/ok"); err != nil {
		t.Error(err)
	}
	seg.Close(nil)
	d := parse(t, s.sent(t, r)[0])
	if len(d.Subsegments) != 4 {
		t.Fatalf("%s", d)
	}
	var shapes []string
	for _, c := range d.Subsegments {
		shapes = append(shapes, strings.ReplaceAll(c.String(), c.Name, "host"))
	}
	if want := []string{"host(connect(dial tls) request response)", "host(request response)", "host(request response)", "host(connect(dial))"}; !slices.Equal(shapes, want) {
		t.Errorf("got %q, want %q", shapes, want)
	}
	ok, busy, broken, refused := d.Subsegments[0], d.Subsegments[1], d.Subsegments[2], d.Subsegments[3]
	if strings.Contains(ok.HTTP.Request["url"].(string), "secret") || !strings.Contains(ok.HTTP.Request["url"].(string), "user:***@") || ok.Namespace != "remote" || ok.Fault || ok.Error {
		t.Errorf("%+v", ok.HTTP)
	}
	if !busy.Error || !busy.Throttle || !broken.Fault || !refused.Fault || len(refused.Cause.Exceptions) == 0 {
		t.Error("the outcomes are wrong")
	}
	if ok.sub("tls").Metadata["http"]["tls"] == nil || ok.sub("dial").Metadata["http"]["connect"] == nil {
		t.Error("phases say nothing")
	}
	if headers[0].Parent.String() != ok.ID || headers[0].Root != seg.TraceID() || headers[0].Sampled != sdk.Sampled || headers[3] != (sdk.Header{}) {
		t.Errorf("headers %+v", headers)
	}
}

// TestTransportLost has a request whose context ends while it is dialled for.
func TestTransportLost(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	ctx, seg := r.Begin(t.Context(), "root")
	dialling := make(chan struct{})
	client := sdk.Client(&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, errors.New("given up")
	}}})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-dialling
		cancel()
	}()
	q, _ := http.NewRequestWithContext(ctx, "GET", "http://far.example/", nil)
	if _, err := client.Do(q); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	seg.Close(nil)
	if d := parse(t, s.sent(t, r)[0]); d.String() != "root(far.example(connect))" || !d.Subsegments[0].Fault {
		t.Errorf("sent %s", d)
	}
}
