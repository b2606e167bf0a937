package tracegrpc_test

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/internal/sdktest"
	"github.com/tomotrace/tomo/sdk/tracegrpc"
)

type doc struct {
	TraceID                string `json:"trace_id"`
	ParentID               string `json:"parent_id"`
	ID, Name, Namespace    string
	Fault, Error, Throttle bool
	HTTP                   struct {
		Request  map[string]any
		Response map[string]any
	}
	Cause struct {
		Exceptions []struct{ Type, Message string }
	}
	Subsegments []doc
}

// health answers what it is asked for.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (health) Check(ctx context.Context, q *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	switch q.Service {
	case "busy":
		return nil, status.Error(codes.ResourceExhausted, "busy")
	case "absent":
		return nil, status.Error(codes.NotFound, "absent")
	case "broken":
		return nil, status.Error(codes.Internal, "broken")
	}
	if sdk.FromContext(ctx) == nil {
		return nil, status.Error(codes.Internal, "no segment")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (health) Watch(_ *grpc_health_v1.HealthCheckRequest, s grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	for range 3 {
		if err := s.Send(&grpc_health_v1.HealthCheckResponse{}); err != nil {
			return err
		}
	}
	return nil
}

func TestCalls(t *testing.T) {
	s := new(sdktest.Sink)
	r, err := sdk.New(sdk.Options{Sampler: sdk.Always, Sink: s})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(tracegrpc.Server(tracegrpc.Options{Recorder: r, Name: "orders"})))
	grpc_health_v1.RegisterHealthServer(server, health{})
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(l) })
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(tracegrpc.Client()))
	if err != nil {
		t.Fatal(err)
	}
	client := grpc_health_v1.NewHealthClient(conn)

	ctx, seg := r.Begin(t.Context(), "shop")
	ctx = metadata.AppendToOutgoingContext(ctx, "x-forwarded-for", "192.0.2.7, 10.0.0.1")
	if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	for _, service := range []string{"busy", "absent", "broken"} {
		if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service}); err == nil {
			t.Errorf("%s: no error", service)
		}
	}
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	// A call without a segment at the client is a trace of its own at the server.
	if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	seg.Close(nil)
	conn.Close()
	server.GracefulStop()
	serving.Wait()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	byParent := map[string]doc{}
	var shop doc
	for _, text := range s.Documents() {
		var d doc
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if d.Name == "shop" {
			shop = d
		} else {
			byParent[d.ParentID] = d
		}
	}
	want := []struct{ fault, error, throttle bool }{{}, {error: true, throttle: true}, {error: true}, {fault: true}, {}}
	if len(shop.Subsegments) != len(want) || len(byParent) != len(want)+1 {
		t.Fatalf("%d subsegments, %d segments of the server", len(shop.Subsegments), len(byParent))
	}
	for i, sub := range shop.Subsegments {
		for _, d := range []doc{sub, byParent[sub.ID]} {
			if d.Fault != want[i].fault || d.Error != want[i].error || d.Throttle != want[i].throttle {
				t.Errorf("call %d: %+v, want %+v", i, d, want[i])
			}
		}
		if sub.Name != "grpc.health.v1.Health" || sub.Namespace != "remote" || byParent[sub.ID].Name != "orders" || byParent[sub.ID].TraceID != shop.TraceID {
			t.Errorf("call %d: %+v and %+v", i, sub, byParent[sub.ID])
		}
	}
	if got := byParent[shop.Subsegments[0].ID].HTTP.Request; got["client_ip"] != "192.0.2.7" || got["x_forwarded_for"] != true || got["method"] != "POST" {
		t.Errorf("request %v", got)
	}
	if got := shop.Subsegments[1].Cause.Exceptions; len(got) == 0 || got[0].Type != "grpc.ResourceExhausted" {
		t.Errorf("exceptions %+v", got)
	}
	if alone := byParent[""]; alone.HTTP.Request["client_ip"] != "127.0.0.1" || alone.TraceID == shop.TraceID {
		t.Errorf("%+v", alone)
	}
}
