package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomotrace/tomo/sdk"
)

// TestLate closes what is below a segment after it.
func TestLate(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	ctx, seg := r.Begin(t.Context(), "root")
	actx, a := sdk.BeginSub(ctx, "a")
	_, open := sdk.BeginSub(actx, "open in a")
	_, b := sdk.BeginSub(actx, "b")
	b.Close(nil)
	a.Close(nil)
	octx, late := sdk.BeginSub(ctx, "late")
	seg.Close(nil)
	_, below := sdk.BeginSub(octx, "below late")
	below.Close(nil)
	_, after := sdk.BeginSub(ctx, "after")
	after.Close(nil)
	open.Close(nil)
	late.Close(nil)
	var got []string
	for _, text := range s.sent(t, r) {
		d := parse(t, text)
		got = append(got, d.String())
		want := map[string]sdk.ID{"after": seg.ID(), "open in a": a.ID(), "late": seg.ID()}[d.Name]
		if want != 0 && (d.ParentID != want.String() || d.Type != "subsegment" || d.TraceID != seg.TraceID().String()) {
			t.Errorf("%s is sent as a %s of %s in %s", d, d.Type, d.ParentID, d.TraceID)
		}
	}
	if want := []string{"root(a(b))", "after", "open in a", "late(below late)"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCloseAndSend(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	ctx, seg := r.Begin(t.Context(), "root")
	actx, a := sdk.BeginSub(ctx, "a")
	_, b := sdk.BeginSub(actx, "b")
	b.Close(nil)
	a.CloseAndSend(errors.New("x"))
	seg.Close(nil)
	got := s.sent(t, r)
	if len(got) != 2 || parse(t, got[0]).String() != "a(b)" || !parse(t, got[0]).Fault || parse(t, got[1]).String() != "root" {
		t.Errorf("got %s", got)
	}
}

// TestStream has more subsegments than a document is to hold.
func TestStream(t *testing.T) {
	for _, after := range []int{10, -1} {
		r, s := recorder(t, sdk.Options{StreamAfter: after})
		ctx, seg := r.Begin(t.Context(), "root")
		for i := range 50 {
			ctx, outer := sdk.BeginSub(ctx, fmt.Sprint("outer ", i))
			_, inner := sdk.BeginSub(ctx, "inner")
			inner.Close(nil)
			outer.Close(nil)
		}
		seg.Close(nil)
		total := 0
		for _, text := range s.sent(t, r) {
			n := strings.Count(text, `"name"`)
			total += n
			if n > max(after, 1) {
				t.Errorf("a document of %d", n)
			}
		}
		if total != 101 {
			t.Errorf("streaming after %d: %d were sent, want 101", after, total)
		}
	}
}

// TestDivide has subsegments that no datagram holds together, and one that none
// holds alone.
func TestDivide(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	ctx, seg := r.Begin(t.Context(), "root")
	seg.AddMetadata("small", "stays")
	for i, size := range []int{30_000, 30_000, 30_000, 100, 70_000} {
		_, sub := sdk.BeginSub(ctx, fmt.Sprint("sub ", i))
		sub.AddMetadata("large", strings.Repeat("x", size))
		sub.SetSQL(sdk.SQL{SanitizedQuery: "select"})
		sub.Close(nil)
	}
	_, sub := sdk.BeginSub(ctx, "query")
	sub.SetSQL(sdk.SQL{SanitizedQuery: strings.Repeat("é", 40_000)})
	for i := range 3000 {
		sub.Annotate(fmt.Sprint("k", i), strings.Repeat("x", 100))
	}
	sub.AddError(errors.New(strings.Repeat("x", 70_000)))
	sub.Close(nil)
	seg.Close(nil)
	got := map[string]*doc{}
	for _, text := range s.sent(t, r) {
		if len(text) > 65474 {
			t.Errorf("a document of %d bytes", len(text))
		}
		d := parse(t, text)
		got[d.Name] = d
		if d.Name != "root" && d.ParentID != seg.ID().String() {
			t.Errorf("%s is below %s", d, d.ParentID)
		}
		for _, c := range d.Subsegments {
			got[c.Name] = c
		}
	}
	if len(got) != 7 {
		t.Fatalf("%d nodes arrived, want 7", len(got))
	}
	if got["root"].Metadata["default"]["small"] != "stays" || got["sub 3"].Metadata["default"]["large"] == nil || got["sub 0"].Metadata["default"]["large"] == nil {
		t.Error("more was left out than had to be")
	}
	if got["sub 4"].Metadata != nil || got["sub 4"].SQL["sanitized_query"] != "select" {
		t.Errorf("sub 4 came as %+v", got["sub 4"])
	}
	if got["query"].Name != "query" || !got["query"].Fault {
		t.Errorf("query came as %+v", got["query"])
	}
	if st := r.Stats(); st.Trimmed != 2 || st.Split == 0 || st.Failed != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestAnnotate(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	_, seg := r.Begin(t.Context(), "root")
	good := map[string]any{
		"i8": int8(-1), "i16": int16(-2), "i32": int32(-3), "i64": int64(math.MinInt64), "u": uint(1), "u8": uint8(2), "u16": uint16(3),
		"u32": uint32(4), "u64": uint64(math.MaxUint64), "f32": float32(0.5), "big": 1e300, "s": "", "b": false, "a.b_C9": "x",
	}
	for key, value := range good {
		if err := seg.Annotate(key, value); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	type named string
	for key, value := range map[string]any{"": 1, "a-b": 1, "é": 1, "a b": 1, strings.Repeat("x", 501): 1, "nan": math.NaN(), "inf": math.Inf(1), "slice": []int{}, "nil": nil, "named": named("x")} {
		if err := seg.Annotate(key, value); err == nil {
			t.Errorf("%q: %v is taken", key, value)
		}
	}
	if err := seg.AddMetadata("f", func() {}); err == nil {
		t.Error("metadata takes a function")
	}
	seg.Close(nil)
	if got := parse(t, s.sent(t, r)[0]).Annotations; len(got) != len(good) || got["f32"] != 0.5 || got["b"] != false || got["big"] != 1e300 {
		t.Errorf("got %v", got)
	}
}

type stackError struct{ pcs []uintptr }

func (e stackError) Error() string         { return "stack" }
func (e stackError) StackTrace() []uintptr { return e.pcs }

// pkgFrame imitates errors whose frames are of a type of their own.
type pkgFrame uintptr
type pkgError struct{ pcs []pkgFrame }

func (e *pkgError) Error() string          { return "pkg" }
func (e *pkgError) StackTrace() []pkgFrame { return e.pcs }

func TestErrors(t *testing.T) {
	r, s := recorder(t, sdk.Options{})
	ctx, seg := r.Begin(t.Context(), "root")
	var pcs [3]uintptr
	n := runtime.Callers(0, pcs[:])
	seg.AddError(fmt.Errorf("outer: %w", errors.Join(stackError{pcs[:n]}, io.EOF)))
	seg.AddError(&pkgError{[]pkgFrame{pkgFrame(pcs[1])}})
	seg.AddError(sdk.ErrorType(io.EOF, "Custom"))
	seg.AddError(nil)
	func() {
		defer func() {
			if recover() != "spilt" {
				t.Error("the panic did not go on")
			}
		}()
		sdk.Capture(ctx, "panics", func(context.Context) error { panic("spilt") })
	}()
	seg.Close(errors.New("end"))
	d := parse(t, s.sent(t, r)[0])
	var types []string
	for _, x := range d.Cause.Exceptions {
		types = append(types, x.Type)
	}
	if want := []string{"fmt.wrapError", "errors.joinError", "sdk_test.stackError", "errors.errorString", "sdk_test.pkgError", "Custom", "errors.errorString"}; !slices.Equal(types, want) {
		t.Fatalf("types %v, want %v", types, want)
	}
	x := d.Cause.Exceptions
	if x[0].Cause != x[1].ID || x[1].Cause != x[2].ID || x[3].Cause != "" || !d.Fault {
		t.Errorf("causes %+v", x)
	}
	if x[0].Stack[0].Label != "TestErrors" || !strings.HasSuffix(x[0].Stack[0].Path, "sdk/segment_test.go") || len(x[2].Stack) != n || len(x[4].Stack) != 1 ||
		x[6].Stack[0].Label != "TestErrors" {
		t.Errorf("stacks %+v", x)
	}
	p := d.sub("panics").Cause.Exceptions[0]
	if p.Type != "panic" || p.Message != "spilt" || !strings.HasPrefix(p.Stack[0].Label, "TestErrors.func") {
		t.Errorf("panic %+v", p)
	}
}

func TestMissing(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, tt := range []struct {
		missing sdk.Missing
		env     string
		logs    bool
		panics  bool
	}{
		{logs: true}, {missing: sdk.IgnoreMissing}, {missing: sdk.PanicMissing, panics: true},
		{missing: sdk.PanicMissing, env: "IGNORE_ERROR"}, {env: "RUNTIME_ERROR", panics: true}, {missing: sdk.IgnoreMissing, env: "LOG_ERROR", logs: true},
	} {
		t.Setenv("AWS_XRAY_CONTEXT_MISSING", tt.env)
		log.Reset()
		r, _ := recorder(t, sdk.Options{Missing: tt.missing, Log: logger})
		ctx := sdk.WithRecorder(t.Context(), r)
		func() {
			defer func() {
				if got := recover() != nil; got != tt.panics {
					t.Errorf("%+v: panics: %v", tt, got)
				}
			}()
			got, seg := sdk.BeginSub(ctx, "none")
			if seg != nil || got != ctx {
				t.Errorf("%+v: %v", tt, seg)
			}
			// All of a nil segment does nothing.
			seg.Annotate("a", 1)
			seg.SetUser("x")
			seg.AddError(io.EOF)
			seg.SetHTTPResponse(sdk.HTTPResponse{Status: 500})
			seg.Close(io.EOF)
			seg.CloseAndSend(nil)
			if seg.Header() != (sdk.Header{}) || seg.Recorded() || seg.ID() != 0 || seg.TraceID() != (sdk.TraceID{}) {
				t.Error("a nil segment is something")
			}
		}()
		if got := strings.Contains(log.String(), "segment cannot be found"); got != tt.logs {
			t.Errorf("%+v: log %q", tt, &log)
		}
		if err := sdk.Annotate(ctx, "a", 1); err != sdk.ErrNoSegment {
			t.Error(err)
		}
	}
	t.Setenv("AWS_XRAY_CONTEXT_MISSING", "LOG")
	if _, err := sdk.New(sdk.Options{}); err == nil {
		t.Error("LOG is taken for a strategy")
	}
}

func TestDisabled(t *testing.T) {
	for key, value := range map[string]string{"AWS_XRAY_SDK_ENABLED": "FALSE", "AWS_XRAY_SDK_DISABLED": "True"} {
		t.Setenv(key, value)
		r, s := recorder(t, sdk.Options{Missing: sdk.PanicMissing})
		ctx, seg := r.Begin(sdk.WithRecorder(t.Context(), r), "root")
		if seg != nil {
			t.Errorf("%s=%s: %v", key, value, seg)
		}
		ran := false
		sdk.Capture(ctx, "sub", func(context.Context) error { ran = true; return nil })
		if !ran || s.sent(t, r) != nil {
			t.Errorf("%s=%s: ran %v", key, value, ran)
		}
		t.Setenv(key, "")
	}
}

func TestTracingName(t *testing.T) {
	t.Setenv("AWS_XRAY_TRACING_NAME", "from outside")
	r, s := recorder(t, sdk.Options{Service: "other"})
	ctx, seg := r.Begin(t.Context(), "root")
	_, sub := sdk.BeginSub(ctx, "sub")
	sub.Close(nil)
	seg.Close(nil)
	if got := parse(t, s.sent(t, r)[0]).String(); got != "from outside(sub)" {
		t.Error(got)
	}
}

func TestLambda(t *testing.T) {
	t.Setenv("LAMBDA_TASK_ROOT", "/var/task")
	r, s := recorder(t, sdk.Options{})
	invocation := sdk.WithRecorder(context.WithValue(t.Context(), "x-amzn-trace-id", "Root="+root+";Parent="+parent+";Sampled=1;Lineage=x"), r) //lint:ignore SA1029 the runtime's key
	if !sdk.HasSegment(invocation) {
		t.Error("there is no segment")
	}
	ctx, sub := sdk.BeginSub(invocation, "outer")
	sdk.Capture(ctx, "inner", func(ctx context.Context) error {
		if h := sdk.FromContext(ctx).Header().String(); !strings.HasPrefix(h, "Root="+root+";Parent=") || !strings.HasSuffix(h, ";Sampled=1;Lineage=x") {
			t.Error(h)
		}
		return nil
	})
	sub.Close(nil)
	// It was sent before Close returned: the process may be frozen next.
	s.mu.Lock()
	docs := s.docs
	s.mu.Unlock()
	if len(docs) != 1 {
		t.Fatalf("%d documents", len(docs))
	}
	if d := parse(t, docs[0]); d.String() != "outer(inner)" || d.Type != "subsegment" || d.ParentID != parent || d.TraceID != root || d.Service != nil {
		t.Errorf("sent %s", docs[0])
	}
	t.Setenv("_X_AMZN_TRACE_ID", "Root="+root+";Parent="+parent+";Sampled=0")
	_, sub = sdk.BeginSub(sdk.WithRecorder(t.Context(), r), "unsampled")
	if sub.Recorded() || sub.Header().Sampled != sdk.NotSampled {
		t.Errorf("%+v", sub.Header())
	}
}

func TestUnsampled(t *testing.T) {
	r, s := recorder(t, sdk.Options{Sampler: sdk.Never})
	ctx, seg := r.Continue(t.Context(), "root", sdk.ParseHeader("Root="+root+";Parent="+parent+";x=y"), sdk.Request{})
	sdk.Capture(ctx, "sub", func(ctx context.Context) error {
		if got := sdk.FromContext(ctx).Header().String(); got != "Root="+root+";Parent="+parent+";Sampled=0;x=y" {
			t.Error(got)
		}
		return nil
	})
	seg.Annotate("a", 1)
	seg.Close(nil)
	_, asked := r.Continue(t.Context(), "root", sdk.Header{Sampled: sdk.Sampled}, sdk.Request{})
	asked.Close(nil)
	if got := s.sent(t, r); len(got) != 1 || asked.TraceID() == (sdk.TraceID{}) {
		t.Errorf("sent %s", got)
	}
}

// TestCost holds what a segment costs to what is promised.
func TestCost(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	r, _ := recorder(t, sdk.Options{Sampler: sdk.Never})
	ctx := t.Context()
	var seg *sdk.Segment
	if got := testing.AllocsPerRun(100, func() { ctx, seg = r.Begin(context.Background(), "root"); seg.Close(nil) }); got > 1 {
		t.Errorf("a segment that is not recorded costs %v allocations", got)
	}
	if got := testing.AllocsPerRun(100, func() {
		_, sub := sdk.BeginSub(ctx, "sub")
		sub.Annotate("key", 1)
		sub.SetNamespace("remote")
		sub.Close(nil)
	}); got != 0 {
		t.Errorf("a subsegment that is not recorded costs %v allocations", got)
	}
}

// stuck is a sink that takes nothing until it is let.
type stuck struct{ let chan struct{} }

func (s stuck) Send([]byte) error { <-s.let; return errors.New("refused") }

// TestNeverBlocks closes segments while nothing can be sent.
func TestNeverBlocks(t *testing.T) {
	s := stuck{make(chan struct{})}
	r, _ := recorder(t, sdk.Options{Sink: s, Queue: 10})
	for range 1000 {
		_, seg := r.Begin(t.Context(), "root")
		seg.Close(nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("flushing: %v", err)
	}
	close(s.let)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := r.Stats()
	if st.Dropped < 1000-30 || st.Dropped+st.Failed != 1000 || st.Sent != 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestConcurrency has many goroutines in one segment, some of which outlive it.
func TestConcurrency(t *testing.T) {
	r, s := recorder(t, sdk.Options{StreamAfter: 50})
	ctx, seg := r.Begin(t.Context(), "root")
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 20 {
				ctx, sub := sdk.BeginSub(ctx, fmt.Sprintf("sub %d %d", i, j))
				sub.Annotate("i", i)
				sdk.SetUser(ctx, "ada")
				seg.Annotate("last", i)
				sdk.Capture(ctx, "inner", func(context.Context) error { return nil })
				sdk.Go(ctx, "async", func(context.Context) error { return nil })
				sub.Close(nil)
				if i == 7 && j == 10 {
					seg.Close(nil)
				}
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	deadline := time.Now().Add(10 * time.Second)
	for {
		clear(seen)
		for _, text := range s.sent(t, r) {
			var walk func(d *doc)
			walk = func(d *doc) {
				if seen[d.ID] {
					t.Fatalf("%s was sent twice", d.Name)
				}
				seen[d.ID] = true
				for _, c := range d.Subsegments {
					walk(c)
				}
			}
			walk(parse(t, text))
		}
		if len(seen) == 1+16*20*3 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d arrived", len(seen), 1+16*20*3)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ in, udp, tcp string }{
		{"", "127.0.0.1:2000", "127.0.0.1:2000"},
		{"xray:2000", "xray:2000", "xray:2000"},
		{"udp:a:1 tcp:b:2", "a:1", "b:2"},
		{"tcp:b:2 udp:[::1]:1", "[::1]:1", "b:2"},
		{"xray", "", ""}, {"udp:a:1", "", ""}, {"udp:a:1 udp:b:2", "", ""}, {":2000", "", ""}, {"a:1 b:2 c:3", "", ""},
	} {
		udp, tcp, err := sdk.ParseDaemonAddress(tt.in)
		if udp != tt.udp || tcp != tt.tcp || (err == nil) != (tt.udp != "") {
			t.Errorf("%q: %q, %q, %v", tt.in, udp, tcp, err)
		}
	}
}
