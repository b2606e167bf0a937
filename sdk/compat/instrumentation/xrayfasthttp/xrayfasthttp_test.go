package xrayfasthttp_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/instrumentation/xrayfasthttp"
	"github.com/tomotrace/tomo/sdk/compat/xray"
)

// emitter keeps what it gets.
type emitter struct {
	mu   sync.Mutex // guards sent
	sent []*xray.Segment
}

func (e *emitter) Emit(s *xray.Segment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent = append(e.sent, s)
}

func (*emitter) RefreshEmitterWithAddress(*net.UDPAddr) {}

// TestHandler: a request is recorded with the configuration that was given, by
// integrations of the SDK too; a panic is recorded and goes on.
func TestHandler(t *testing.T) {
	var sent emitter
	instrumentor := xrayfasthttp.NewFastHTTPInstrumentor(&xray.Config{Emitter: &sent, ServiceVersion: "7"})
	request := func(path string) (ctx *fasthttp.RequestCtx, panicked any) {
		ctx = &fasthttp.RequestCtx{}
		ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, nil)
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.SetHost("shop.example")
		ctx.Request.Header.Set("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
		defer func() { panicked = recover() }()
		instrumentor.Handler(xray.NewDynamicSegmentNamer("other", "*.example"), func(ctx *fasthttp.RequestCtx) {
			sdk.Capture(ctx, "by the SDK", func(ctx context.Context) error {
				return xray.Capture(ctx, "by compat", func(context.Context) error { return nil })
			})
			if string(ctx.Path()) == "/panic" {
				panic("spilt")
			}
		})(ctx)
		return ctx, nil
	}
	ctx, panicked := request("/orders")
	if got := string(ctx.Response.Header.Peek("X-Amzn-Trace-Id")); panicked != nil || got != "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1" {
		t.Errorf("the answer has %q; panic %v", got, panicked)
	}
	if _, panicked := request("/panic"); panicked != "spilt" {
		t.Errorf("the panic became %v", panicked)
	}
	if err := xray.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	sent.mu.Lock()
	defer sent.mu.Unlock()
	if len(sent.sent) != 2 {
		t.Fatalf("%d segments were sent, want 2", len(sent.sent))
	}
	fine, broken := sent.sent[0], sent.sent[1]
	if fine.Name != "shop.example" || fine.Service.Version != "7" || fine.Fault || len(fine.Subsegments) != 1 || fine.HTTP.Request.ClientIP != "192.0.2.7" || fine.HTTP.Response.Status != 200 {
		t.Errorf("sent %+v", fine)
	}
	if !broken.Fault || broken.Cause == nil || broken.Cause.Exceptions[0].Message != "panic: spilt" {
		t.Errorf("the panic was sent as %+v", broken)
	}
}
