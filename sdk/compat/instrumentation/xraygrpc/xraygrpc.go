// Package xraygrpc makes unary calls of gRPC segments at the server and subsegments at
// the client. It has those names of the official X-Ray SDK's package xray that need
// gRPC, which is why it is a module of its own. Package tracegrpc of the SDK knows
// streams as well.
package xraygrpc

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tomotrace/tomo/sdk/compat/header"
	"github.com/tomotrace/tomo/sdk/compat/xray"
)

// GrpcOption changes an interceptor.
type GrpcOption interface{ apply(*options) }

type options struct {
	configure func(context.Context) context.Context
	namer     xray.SegmentNamer
}

type option func(*options)

func (o option) apply(to *options) { o(to) }

// WithRecorder makes an interceptor record with a configuration.
func WithRecorder(cfg *xray.Config) GrpcOption {
	configure := xray.Using(cfg)
	return option(func(o *options) { o.configure = configure })
}

// WithSegmentNamer names segments after the host that is called, where otherwise the
// service names them.
func WithSegmentNamer(sn xray.SegmentNamer) GrpcOption {
	return option(func(o *options) { o.namer = sn })
}

func apply(list []GrpcOption) options {
	o := options{configure: xray.Using(nil)}
	for _, change := range list {
		change.apply(&o)
	}
	return o
}

// name is that of a segment for a call of a method at a host.
func (o *options) name(host, method string) string {
	if o.namer != nil {
		return o.namer.Name(host)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return name
}

// UnaryClientInterceptor makes each call a subsegment and passes the trace on.
func UnaryClientInterceptor(clientInterceptorOptions ...GrpcOption) grpc.UnaryClientInterceptor {
	o := apply(clientInterceptorOptions)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return xray.Capture(o.configure(ctx), o.name(cc.Target(), method), func(ctx context.Context) error {
			seg := xray.GetSegment(ctx)
			if seg == nil { // the official SDK does not call then
				return invoker(ctx, method, req, reply, cc, opts...)
			}
			seg.Lock()
			seg.Namespace = "remote"
			seg.GetHTTP().GetRequest().URL = "grpc://" + cc.Target() + method
			seg.GetHTTP().GetRequest().Method = http.MethodPost
			seg.Unlock()
			ctx = metadata.AppendToOutgoingContext(ctx, xray.TraceIDHeaderKey, seg.DownstreamHeader().String())
			err := invoker(ctx, method, req, reply, cc, opts...)
			describe(seg, reply, err)
			return err
		})
	}
}

// UnaryServerInterceptor serves each call in a segment. The answer names the trace.
func UnaryServerInterceptor(serverInterceptorOptions ...GrpcOption) grpc.UnaryServerInterceptor {
	o := apply(serverInterceptorOptions)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		md, _ := metadata.FromIncomingContext(ctx)
		in := header.FromString(one(md, xray.TraceIDHeaderKey))
		host := one(md, ":authority")
		called := url.URL{Scheme: "grpc", Host: host, Path: info.FullMethod}
		ctx, seg := xray.NewSegmentFromHeader(o.configure(ctx), o.name(host, info.FullMethod), &http.Request{Host: host, URL: &called, Method: http.MethodPost}, in)
		defer seg.Close(nil)
		seg.Lock()
		request := seg.GetHTTP().GetRequest()
		request.Method, request.URL, request.UserAgent = http.MethodPost, called.String(), one(md, "user-agent")
		if forwarded := one(md, "x-forwarded-for"); forwarded != "" {
			first, _, _ := strings.Cut(forwarded, ",")
			request.ClientIP, request.XForwardedFor = strings.TrimSpace(first), true
		}
		seg.Unlock()
		resp, err = handler(ctx, req)
		describe(seg, resp, err)
		answer := header.Header{TraceID: seg.TraceID}
		if in.SamplingDecision == header.Requested {
			answer.SamplingDecision = header.NotSampled
			if seg.Sampled {
				answer.SamplingDecision = header.Sampled
			}
		}
		// Without it the caller has its answer all the same.
		_ = grpc.SetHeader(ctx, metadata.Pairs(xray.TraceIDHeaderKey, answer.String()))
		return resp, err
	}
}

// one is the value of a key that has just one.
func one(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) == 1 {
		return values[0]
	}
	return ""
}

// describe says how a call ended. The code tells who is to blame.
func describe(seg *xray.Segment, reply any, err error) {
	seg.Lock()
	defer seg.Unlock()
	if message, is := reply.(proto.Message); is {
		seg.GetHTTP().GetResponse().ContentLength = proto.Size(message)
	}
	if err == nil {
		return
	}
	switch status.Code(err) {
	case codes.Canceled, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.Unauthenticated, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange:
		seg.Error = true
	case codes.ResourceExhausted:
		seg.Throttle = true
	default:
		seg.Fault = true
	}
}
