package client

import (
	"context"

	"github.com/tomotrace/tomo/api"
)

// GetTimeSeriesServiceStatistics gets one page of a time series, newest first.
// The next page is asked for with the NextToken of the answer; a null or empty
// one ends.
func (c *Client) GetTimeSeriesServiceStatistics(ctx context.Context, request *api.GetTimeSeriesServiceStatisticsRequest) (*api.GetTimeSeriesServiceStatisticsResponse, error) {
	return call[api.GetTimeSeriesServiceStatisticsResponse](ctx, c, api.GetTimeSeriesServiceStatistics, request)
}
