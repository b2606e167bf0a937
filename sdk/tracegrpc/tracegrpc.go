// Package tracegrpc makes gRPC calls segments at the server and subsegments at
// the client, streams as well as single calls:
//
//	server := grpc.NewServer(grpc.StatsHandler(tracegrpc.Server(tracegrpc.Options{Name: "orders"})))
//	conn, err := grpc.NewClient(target, grpc.WithStatsHandler(tracegrpc.Client()))
package tracegrpc

import (
	"context"
	"net"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/tomotrace/tomo/sdk"
)

// header is the metadata key of the tracing header.
const header = "x-amzn-trace-id"

// Options are those of a server.
type Options struct {
	Name     string        // of segments; "" is the service of the method, as pkg.Orders
	Recorder *sdk.Recorder // nil is the default one
}

// Server makes each call that a server takes a segment.
func Server(o Options) stats.Handler { return &server{options: o} }

// Client makes each call that a client makes a subsegment, if there is a segment
// in its context. The tracing header goes along, recorded or not.
func Client() stats.Handler { return client{} }

type server struct{ options Options }

// callKey finds what a handler remembers between the events of a call.
type callKey struct{}

func (h *server) TagRPC(ctx context.Context, i *stats.RPCTagInfo) context.Context {
	r := h.options.Recorder
	if r == nil {
		r = sdk.Default()
	}
	if !r.Enabled() {
		return ctx
	}
	in, _ := metadata.FromIncomingContext(ctx)
	name := h.options.Name
	if name == "" {
		name = service(i.FullMethodName)
	}
	q := sdk.HTTPRequest{Method: "POST", URL: "grpc://" + first(in, ":authority") + i.FullMethodName, UserAgent: first(in, "user-agent")}
	if forwarded := first(in, "x-forwarded-for"); forwarded != "" {
		ip, _, _ := strings.Cut(forwarded, ",")
		q.ClientIP, q.XForwardedFor = strings.TrimSpace(ip), true
	}
	asked := sdk.ParseHeader(first(in, header))
	ctx, s := r.Continue(ctx, name, asked, sdk.Request{Host: first(in, ":authority"), Method: "POST", Path: i.FullMethodName})
	s.SetHTTPRequest(q)
	return context.WithValue(ctx, callKey{}, &serverCall{segment: s, request: q})
}

type serverCall struct {
	segment *sdk.Segment
	request sdk.HTTPRequest
}

func (h *server) HandleRPC(ctx context.Context, event stats.RPCStats) {
	c, ok := ctx.Value(callKey{}).(*serverCall)
	if !ok {
		return
	}
	switch e := event.(type) {
	case *stats.InHeader:
		if c.request.ClientIP == "" && e.RemoteAddr != nil {
			c.request.ClientIP = e.RemoteAddr.String()
			if host, _, err := net.SplitHostPort(c.request.ClientIP); err == nil {
				c.request.ClientIP = host
			}
			c.segment.SetHTTPRequest(c.request)
		}
	case *stats.End:
		end(c.segment, e.Error)
	}
}

func (h *server) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (h *server) HandleConn(context.Context, stats.ConnStats)                       {}

type client struct{}

func (client) TagRPC(ctx context.Context, i *stats.RPCTagInfo) context.Context {
	if !sdk.HasSegment(ctx) {
		return ctx
	}
	ctx, s := sdk.BeginSub(ctx, service(i.FullMethodName))
	if s == nil {
		return ctx
	}
	s.SetNamespace(sdk.NamespaceRemote)
	ctx = metadata.AppendToOutgoingContext(ctx, header, s.Header().String())
	return context.WithValue(ctx, callKey{}, &clientCall{segment: s, method: i.FullMethodName})
}

type clientCall struct {
	segment *sdk.Segment
	method  string
}

func (client) HandleRPC(ctx context.Context, event stats.RPCStats) {
	c, ok := ctx.Value(callKey{}).(*clientCall)
	if !ok {
		return
	}
	switch e := event.(type) {
	case *stats.OutHeader:
		target := ""
		if e.RemoteAddr != nil {
			target = e.RemoteAddr.String()
		}
		c.segment.SetHTTPRequest(sdk.HTTPRequest{Method: "POST", URL: "grpc://" + target + c.method})
	case *stats.InPayload:
		c.segment.SetHTTPResponse(sdk.HTTPResponse{ContentLength: int64(e.Length)})
	case *stats.End:
		end(c.segment, e.Error)
	}
}

func (client) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (client) HandleConn(context.Context, stats.ConnStats)                       {}

// end closes s with the outcome of the call. X-Ray's SDKs: the code says whether
// the caller is to blame.
func end(s *sdk.Segment, err error) {
	if !s.Recorded() {
		s.Close(nil)
		return
	}
	if err != nil {
		s.AddError(sdk.ErrorType(err, "grpc."+status.Code(err).String()))
	}
	s.SetFault(false)
	switch status.Code(err) {
	case codes.OK:
	case codes.ResourceExhausted:
		s.SetError(true)
		s.SetThrottle(true)
	case codes.Canceled, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.Unauthenticated, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange:
		s.SetError(true)
	default:
		s.SetFault(true)
	}
	s.Close(nil)
}

// service is pkg.Service of /pkg.Service/Method.
func service(method string) string {
	name := strings.TrimPrefix(method, "/")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return name
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}
