package sdk

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// Client is c with its transport wrapped by Transport; nil is http.DefaultClient.
func Client(c *http.Client) *http.Client {
	if c == nil {
		c = http.DefaultClient
	}
	wrapped := *c
	wrapped.Transport = Transport(c.Transport)
	return &wrapped
}

// Transport makes each request that base makes a subsegment named for the host,
// with subsegments for the phases: connect (with dns, dial and tls), request and
// response. The request carries the tracing header, recorded or not. The
// subsegment ends with the header of the response, not with its body. A request
// without a segment in its context goes through as it is. nil is
// http.DefaultTransport.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{base}
}

type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(q *http.Request) (*http.Response, error) {
	if !HasSegment(q.Context()) {
		return t.base.RoundTrip(q)
	}
	host := q.Host
	if host == "" {
		host = q.URL.Host
	}
	ctx, s := BeginSub(q.Context(), host)
	if s == nil {
		return t.base.RoundTrip(q)
	}
	var p *phases
	if s.node != nil {
		if host != "" {
			s.SetNamespace(NamespaceRemote)
		}
		s.SetHTTPRequest(HTTPRequest{Method: q.Method, URL: withoutSecrets(q.URL)})
		p = &phases{call: s}
		ctx = httptrace.WithClientTrace(ctx, p.trace(ctx))
	}
	q = q.Clone(ctx) // a RoundTripper must not change its request
	q.Header.Set(HeaderName, s.Header().String())
	answer, err := t.base.RoundTrip(q)
	if s.node == nil {
		return answer, err
	}
	p.end(err)
	if answer != nil {
		s.SetHTTPResponse(HTTPResponse{Status: answer.StatusCode, ContentLength: max(0, answer.ContentLength)})
	}
	s.Close(err)
	return answer, err
}

// withoutSecrets is u without query and password.
func withoutSecrets(u *url.URL) string {
	v := *u
	v.RawQuery, v.ForceQuery, v.Fragment, v.RawFragment = "", false, "", ""
	if _, has := u.User.Password(); has {
		v.User = nil
		text := v.String()
		before, after, found := strings.Cut(text, "//")
		if !found {
			return text
		}
		return before + "//" + url.User(u.User.Username()).String() + ":***@" + after
	}
	return v.String()
}

// phases makes the phases of one request subsegments of its own. The hooks are
// called by several goroutines, some of them after the request has ended: a
// connection that was dialled for it may come too late and serve another.
type phases struct {
	call *Segment

	mu      sync.Mutex // guards all below
	ended   bool
	dials   int
	connect phase
	dns     phase
	dial    phase
	tls     phase
	request phase
	answer  phase
}

// phase is a subsegment that may be open.
type phase struct {
	ctx     context.Context
	segment *Segment
}

func (p *phase) begin(ctx context.Context, name string) {
	if p.segment == nil {
		p.ctx, p.segment = BeginSub(ctx, name)
	}
}

func (p *phase) end(err error) {
	if p.segment != nil {
		p.segment.Close(err)
	}
}

// note adds what is known of a phase to the metadata "http".
func (p *phase) note(key string, value any) {
	if p.segment != nil {
		// Maps of strings, numbers and bools: they can be encoded.
		_ = p.segment.AddMetadataTo("http", key, value)
	}
}

// live runs f unless the request has ended.
func (p *phases) live(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		f()
	}
}

func (p *phases) trace(ctx context.Context) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.live(func() { p.connect.begin(ctx, "connect") }) },
		DNSStart: func(httptrace.DNSStartInfo) {
			p.live(func() {
				if p.connect.ctx != nil {
					p.dns.begin(p.connect.ctx, "dns")
				}
			})
		},
		DNSDone: func(i httptrace.DNSDoneInfo) {
			p.live(func() {
				addresses := make([]string, 0, len(i.Addrs))
				for _, a := range i.Addrs {
					addresses = append(addresses, a.String())
				}
				p.dns.note("dns", map[string]any{"addresses": addresses, "coalesced": i.Coalesced})
				p.dns.end(i.Err)
			})
		},
		ConnectStart: func(string, string) {
			p.live(func() {
				if p.connect.ctx != nil {
					p.dials++
					p.dial.begin(p.connect.ctx, "dial")
				}
			})
		},
		ConnectDone: func(network, _ string, err error) {
			p.live(func() {
				// Addresses are tried side by side. The first that answers ends
				// the dialling, or the last that does not.
				if p.dials--; err == nil || p.dials == 0 {
					p.dial.note("connect", map[string]any{"network": network})
					p.dial.end(err)
				}
			})
		},
		TLSHandshakeStart: func() {
			p.live(func() {
				if p.connect.ctx != nil {
					p.tls.begin(p.connect.ctx, "tls")
				}
			})
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			p.live(func() {
				p.tls.note("tls", map[string]any{
					"did_resume": state.DidResume, "negotiated_protocol": state.NegotiatedProtocol,
					"negotiated_protocol_is_mutual": state.NegotiatedProtocol != "", "cipher_suite": state.CipherSuite,
				})
				p.tls.end(err)
			})
		},
		GotConn: func(i httptrace.GotConnInfo) {
			p.live(func() {
				if i.Reused {
					p.connect.segment.Discard()
					p.connect.ctx, p.dns.segment, p.dial.segment, p.tls.segment = nil, nil, nil, nil
				} else {
					p.connect.note("connection", map[string]any{"reused": false, "was_idle": i.WasIdle})
					p.connect.end(nil)
				}
				p.request.begin(ctx, "request")
			})
		},
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			p.live(func() {
				p.request.end(i.Err)
				if i.Err == nil {
					p.answer.begin(ctx, "response")
				}
			})
		},
		GotFirstResponseByte: func() {
			p.live(func() {
				p.request.end(nil)
				p.answer.begin(ctx, "response")
				p.answer.end(nil)
			})
		},
	}
}

// end closes what is still open.
func (p *phases) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, open := range []*phase{&p.dns, &p.dial, &p.tls} {
		open.end(nil)
	}
	for _, open := range []*phase{&p.connect, &p.request, &p.answer} {
		open.end(err)
	}
}
