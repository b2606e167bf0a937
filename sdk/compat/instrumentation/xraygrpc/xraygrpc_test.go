package xraygrpc_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tomotrace/tomo/sdk/compat/instrumentation/xraygrpc"
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

func (e *emitter) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sent)
}

func (*emitter) RefreshEmitterWithAddress(*net.UDPAddr) {}

// TestOptions: a server records with the configuration that was given and names its
// segments as asked. What the interceptors send is held against the official SDK's in
// compat/parity.
func TestOptions(t *testing.T) {
	var sent emitter
	serve := xraygrpc.UnaryServerInterceptor(xraygrpc.WithRecorder(&xray.Config{Emitter: &sent, ServiceVersion: "7"}), xraygrpc.WithSegmentNamer(xray.NewDynamicSegmentNamer("other", "*.example")))
	for _, host := range []string{"orders.example", "elsewhere"} {
		ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(":authority", host, "x-amzn-trace-id", "Sampled=1"))
		_, err := serve(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/shop.Orders/Place"}, func(ctx context.Context, _ any) (any, error) {
			xray.AddAnnotation(ctx, "host", host)
			return nil, status.Error(codes.ResourceExhausted, "too many")
		})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("the error became %v", err)
		}
	}
	// Segments are sent some time after they end.
	for end := time.Now().Add(20 * time.Second); sent.count() < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := sent.count(); n != 2 {
		t.Fatalf("%d segments were sent, want 2", n)
	}
	for i, want := range []string{"orders.example", "other"} {
		s := sent.sent[i]
		if s.Name != want || s.Service.Version != "7" || !s.Throttle || s.Fault || s.HTTP.Request.Method != "POST" {
			t.Errorf("sent %+v, want the name %s", s, want)
		}
	}
}
