package client

import (
	"bytes"
	"context"
	"net/http"

	"github.com/tomotrace/tomo/api"
)

// Analyse asks a Tomo server what one or two sets of traces are like. X-Ray has
// no such operation.
func (c *Client) Analyse(ctx context.Context, request *api.AnalysisRequest) (*api.Analysis, error) {
	var body bytes.Buffer
	if err := api.Encode(&body, request); err != nil {
		return nil, err
	}
	var answer api.Analysis
	if err := c.ask(ctx, "an analysis", http.MethodPost, api.AskAnalysis.Path, body.Bytes(), &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}
