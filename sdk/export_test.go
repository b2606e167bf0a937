package sdk

import "net/http"

// NewCentralOver is NewCentral with another way to the daemon.
func NewCentralOver(t http.RoundTripper, fallback Sampler) *Central {
	c := NewCentral(CentralOptions{Fallback: fallback})
	c.client.Transport = t
	return c
}
