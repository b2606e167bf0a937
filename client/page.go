package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
)

// Page is what a server answered to a GET, whatever its status.
type Page struct {
	Status int
	Header http.Header
	Body   []byte
	TLS    *tls.ConnectionState // nil: without TLS
}

// maxPage bounds a page. Metrics of many tenants are a few megabytes.
const maxPage = 16 << 20

// Page gets what is at a path of the server, such as /metrics.
func (c *Client) Page(ctx context.Context, path string) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+path, nil)
	if err != nil {
		return nil, fmt.Errorf("the endpoint %s: %w", c.endpoint, err)
	}
	if c.sign != nil {
		if err := c.sign(ctx, request, nil); err != nil {
			return nil, err
		}
	}
	reply, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("getting %s%s: %w", c.endpoint, path, reason(err))
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("reading %s%s: %w", c.endpoint, path, reason(err))
	}
	return &Page{Status: reply.StatusCode, Header: reply.Header, Body: text, TLS: reply.TLS}, nil
}
