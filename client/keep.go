package client

import (
	"context"
	"net/http"

	"github.com/tomotrace/tomo/api"
)

// KeepRules gets the keep rules of a Tomo server. X-Ray has none.
func (c *Client) KeepRules(ctx context.Context) (*api.KeepRules, error) {
	return ask[api.KeepRules](ctx, c, "the keep rules", http.MethodGet, api.KeepRulesPath, nil)
}

// SetKeepRules replaces all keep rules, if they still have the revision that is
// given.
func (c *Client) SetKeepRules(ctx context.Context, rules *api.KeepRules) (*api.KeepRules, error) {
	return ask[api.KeepRules](ctx, c, "other keep rules", http.MethodPut, api.KeepRulesPath, rules)
}

// TestKeepRules asks what the keep rules would decide about a trace.
func (c *Client) TestKeepRules(ctx context.Context, trace string) (*api.KeepDecision, error) {
	return ask[api.KeepDecision](ctx, c, "a test of the keep rules", http.MethodPost, api.KeepTestPath, &api.KeepTest{TraceID: trace})
}

// PreviewKeepRules asks what keep rules would decide about the traces of a time.
func (c *Client) PreviewKeepRules(ctx context.Context, preview *api.KeepPreview) (*api.KeepForecast, error) {
	return ask[api.KeepForecast](ctx, c, "a preview of keep rules", http.MethodPost, api.KeepPreviewPath, preview)
}
