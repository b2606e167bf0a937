package xray

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync"
)

// HTTPSubsegments makes the phases of one request subsegments of the segment in a
// context, as long as that is open: connect, with dns, dial and tls, then request
// and response. Its methods are the hooks of httptrace and may be called by several
// goroutines. [Client] and [RoundTripper] have phases of their own.
type HTTPSubsegments struct {
	of context.Context

	mu                                            sync.Mutex // guards what follows
	connect, dns, dial, handshake, request, reply phase
}

// phase is a subsegment that was begun, or not.
type phase struct {
	ctx     context.Context
	segment *Segment
}

func (p *phase) begin(ctx context.Context, name string) {
	p.ctx, p.segment = BeginSubsegment(ctx, name)
}

func (p *phase) begun() bool { return p.ctx != nil }

// end closes the phase with a note in the metadata "http", if there is one.
func (p *phase) end(err error, about string, note map[string]any) {
	if note != nil && p.segment != nil {
		// It is a string, a bool or a number: nothing that can be refused.
		_ = p.segment.AddMetadataToNamespace("http", about, note)
	}
	p.segment.Close(err)
}

func (p *phase) finish() {
	if p.segment.open() {
		p.segment.Close(nil)
	}
}

// NewHTTPSubsegments makes phases below the segment in opCtx.
func NewHTTPSubsegments(opCtx context.Context) *HTTPSubsegments { return &HTTPSubsegments{of: opCtx} }

// live runs f while the segment is open.
func (h *HTTPSubsegments) live(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if GetSegment(h.of).open() {
		f()
	}
}

// GetConn begins connect.
func (h *HTTPSubsegments) GetConn(hostPort string) {
	h.live(func() { h.connect.begin(h.of, "connect") })
}

// DNSStart begins dns.
func (h *HTTPSubsegments) DNSStart(info httptrace.DNSStartInfo) {
	h.live(func() {
		if h.connect.begun() {
			h.dns.begin(h.connect.ctx, "dns")
		}
	})
}

// DNSDone ends dns and notes the addresses.
func (h *HTTPSubsegments) DNSDone(info httptrace.DNSDoneInfo) {
	h.live(func() {
		if h.dns.begun() {
			h.dns.end(info.Err, "dns", map[string]any{"addresses": info.Addrs, "coalesced": info.Coalesced})
		}
	})
}

// ConnectStart begins dial.
func (h *HTTPSubsegments) ConnectStart(network, addr string) {
	h.live(func() {
		if h.connect.begun() {
			h.dial.begin(h.connect.ctx, "dial")
		}
	})
}

// ConnectDone ends dial and notes the network.
func (h *HTTPSubsegments) ConnectDone(network, addr string, err error) {
	h.live(func() {
		if h.dial.begun() {
			h.dial.end(err, "connect", map[string]any{"network": network})
		}
	})
}

// TLSHandshakeStart begins tls.
func (h *HTTPSubsegments) TLSHandshakeStart() {
	h.live(func() {
		if h.connect.begun() {
			h.handshake.begin(h.connect.ctx, "tls")
		}
	})
}

// TLSHandshakeDone ends tls and notes what was agreed on.
func (h *HTTPSubsegments) TLSHandshakeDone(connState tls.ConnectionState, err error) {
	h.live(func() {
		if h.handshake.begun() {
			h.handshake.end(err, "tls", map[string]any{
				"did_resume": connState.DidResume, "negotiated_protocol": connState.NegotiatedProtocol,
				"negotiated_protocol_is_mutual": true, // of every handshake since Go 1.16
				"cipher_suite":                  connState.CipherSuite,
			})
		}
	})
}

// GotConn ends connect, or takes it out if the connection was there before, and
// begins request. Without info it ends what a failed request left open.
func (h *HTTPSubsegments) GotConn(info *httptrace.GotConnInfo, err error) {
	h.live(func() {
		switch {
		case !h.connect.begun():
			return
		case info == nil:
			if h.connect.segment.open() {
				h.connect.end(err, "", nil)
			}
		case info.Reused:
			GetSegment(h.of).RemoveSubsegment(h.connect.segment)
			h.connect = phase{}
		default:
			note := map[string]any{"reused": false, "was_idle": info.WasIdle}
			if info.WasIdle {
				note["idle_time"] = info.IdleTime
			}
			h.connect.end(err, "connection", note)
		}
		if err == nil {
			h.request.begin(h.of, "request")
		}
	})
}

// WroteRequest ends request and begins response.
func (h *HTTPSubsegments) WroteRequest(info httptrace.WroteRequestInfo) {
	h.live(func() {
		if h.request.begun() {
			h.request.end(info.Err, "", nil)
			h.reply.begin(h.of, "response")
		}
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connect.finish() // nobody may have told that there is a connection
}

// GotFirstResponseByte ends response.
func (h *HTTPSubsegments) GotFirstResponseByte() {
	h.live(func() {
		if h.reply.begun() {
			h.reply.end(nil, "", nil)
		}
	})
}

// End ends what is still open when the request is over: after an error, or because
// the answer was quicker than the hook that tells of the request. The official SDK
// has no such method; such phases stay in progress there.
func (h *HTTPSubsegments) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range []*phase{&h.dns, &h.dial, &h.handshake, &h.connect, &h.request, &h.reply} {
		p.finish()
	}
}

// ClientTrace has the hooks of httptrace.
type ClientTrace struct {
	// Subsegments is what the hooks call. The official SDK hides it, and the hooks.
	Subsegments *HTTPSubsegments
}

// NewClientTrace makes hooks for requests below the segment in opCtx.
func NewClientTrace(opCtx context.Context) (ct *ClientTrace, err error) {
	if opCtx == nil {
		return nil, errors.New("opCtx must be non-nil")
	}
	return &ClientTrace{NewHTTPSubsegments(opCtx)}, nil
}

// Hooks are for httptrace.WithClientTrace.
func (ct *ClientTrace) Hooks() *httptrace.ClientTrace {
	h := ct.Subsegments
	return &httptrace.ClientTrace{
		GetConn: h.GetConn, DNSStart: h.DNSStart, DNSDone: h.DNSDone, ConnectStart: h.ConnectStart, ConnectDone: h.ConnectDone,
		TLSHandshakeStart: h.TLSHandshakeStart, TLSHandshakeDone: h.TLSHandshakeDone,
		GotConn:      func(info httptrace.GotConnInfo) { h.GotConn(&info, nil) },
		WroteRequest: h.WroteRequest, GotFirstResponseByte: h.GotFirstResponseByte,
	}
}
