package client

import (
	"context"

	"github.com/tomotrace/tomo/api"
)

// GetInsightSummaries gets one page of the insights of a group, newest first.
// The next page is asked for with the NextToken of the answer; a null or empty
// one ends.
func (c *Client) GetInsightSummaries(ctx context.Context, request *api.GetInsightSummariesRequest) (*api.GetInsightSummariesResponse, error) {
	return call[api.GetInsightSummariesResponse](ctx, c, api.GetInsightSummaries, request)
}

// GetInsight gets one insight.
func (c *Client) GetInsight(ctx context.Context, id string) (*api.GetInsightResponse, error) {
	return call[api.GetInsightResponse](ctx, c, api.GetInsight, &api.GetInsightRequest{InsightID: &id})
}

// GetInsightEvents gets one page of the events of an insight, newest first. The
// next page is asked for with the NextToken of the answer; a null or empty one
// ends.
func (c *Client) GetInsightEvents(ctx context.Context, request *api.GetInsightEventsRequest) (*api.GetInsightEventsResponse, error) {
	return call[api.GetInsightEventsResponse](ctx, c, api.GetInsightEvents, request)
}
