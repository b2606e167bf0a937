// Package xrayfasthttp serves requests of fasthttp in segments. It has those names of
// the official X-Ray SDK's package xray that need fasthttp, which is why it is a
// module of its own.
package xrayfasthttp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/valyala/fasthttp"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/header"
	"github.com/tomotrace/tomo/sdk/compat/xray"
)

// FastHTTPHandler wraps handlers.
type FastHTTPHandler interface {
	// Handler serves each request in a segment, which the RequestCtx is the context
	// of: xray.GetSegment, xray.Capture and the other integrations take it.
	Handler(xray.SegmentNamer, fasthttp.RequestHandler) fasthttp.RequestHandler
}

// NewFastHTTPInstrumentor makes one that records with a configuration; nil is that of
// the package xray.
func NewFastHTTPInstrumentor(cfg *xray.Config) FastHTTPHandler { return instrumentor(xray.Using(cfg)) }

// instrumentor puts its configuration into a context.
type instrumentor func(context.Context) context.Context

func (i instrumentor) Handler(sn xray.SegmentNamer, handler fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		r, err := request(ctx)
		if err != nil {
			ctx.Logger().Printf("%s", err)
			ctx.Error("Internal Server Error", fasthttp.StatusInternalServerError)
			return
		}
		in := header.FromString(r.Header.Get(xray.TraceIDHeaderKey))
		within, seg := xray.NewSegmentFromHeader(i(context.Background()), sn.Name(r.Host), r, in)
		defer seg.Close(nil)
		xray.Fill(within, ctx.SetUserValue)
		described := xray.RequestData(sdk.DescribeRequest(r))
		seg.Lock()
		seg.GetHTTP().Request = &described
		seg.Unlock()
		answer := xray.AnswerHeader(seg, in)
		ctx.Request.Header.Set(xray.TraceIDHeaderKey, answer) // where the official SDK puts it
		ctx.Response.Header.Set(xray.TraceIDHeaderKey, answer)
		defer func() {
			if p := recover(); p != nil {
				_ = xray.AddError(ctx, fmt.Errorf("panic: %v", p))
				panic(p)
			}
		}()
		handler(ctx)
		seg.Lock()
		seg.GetHTTP().GetResponse().ContentLength = max(0, ctx.Response.Header.ContentLength())
		seg.Unlock()
		xray.HttpCaptureResponse(seg, ctx.Response.StatusCode())
	}
}

// request is what segments and sampling rules ask of a request.
func request(ctx *fasthttp.RequestCtx) (*http.Request, error) {
	uri := string(ctx.RequestURI())
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, fmt.Errorf("reading the request URI %q: %w", uri, err)
	}
	r := &http.Request{
		URL: u, Host: string(ctx.Host()), RequestURI: uri, Method: string(ctx.Method()), RemoteAddr: ctx.RemoteAddr().String(),
		TLS: ctx.TLSConnectionState(), Header: http.Header{},
	}
	for key, value := range ctx.Request.Header.All() {
		r.Header.Set(string(key), string(value))
	}
	return r, nil
}
