package client

import (
	"context"
	"crypto/tls"
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
	return c.fetch(ctx, path, http.MethodGet, path, nil, maxPage)
}
