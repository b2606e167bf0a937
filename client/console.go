package client

import (
	"context"
	"net/http"

	"github.com/tomotrace/tomo/api"
)

// Analyse asks a Tomo server what one or two sets of traces are like. X-Ray has
// no such operation.
func (c *Client) Analyse(ctx context.Context, request *api.AnalysisRequest) (*api.Analysis, error) {
	return ask[api.Analysis](ctx, c, "an analysis", http.MethodPost, api.AskAnalysis.Path, request)
}
