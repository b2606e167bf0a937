package client

import (
	"context"

	"github.com/tomotrace/tomo/api"
)

// CreateSamplingRule adds a sampling rule.
func (c *Client) CreateSamplingRule(ctx context.Context, request *api.CreateSamplingRuleRequest) (*api.SamplingRuleResponse, error) {
	return call[api.SamplingRuleResponse](ctx, c, api.CreateSamplingRule, request)
}

// GetSamplingRules gets all sampling rules.
func (c *Client) GetSamplingRules(ctx context.Context) (*api.GetSamplingRulesResponse, error) {
	return call[api.GetSamplingRulesResponse](ctx, c, api.GetSamplingRules, &api.GetSamplingRulesRequest{})
}

// UpdateSamplingRule changes what is given of a sampling rule, and takes its
// boost away if none is given.
func (c *Client) UpdateSamplingRule(ctx context.Context, update *api.SamplingRule) (*api.SamplingRuleResponse, error) {
	return call[api.SamplingRuleResponse](ctx, c, api.UpdateSamplingRule, &api.UpdateSamplingRuleRequest{SamplingRuleUpdate: update})
}

// DeleteSamplingRule takes a sampling rule away.
func (c *Client) DeleteSamplingRule(ctx context.Context, rule *api.DeleteSamplingRuleRequest) (*api.SamplingRuleResponse, error) {
	return call[api.SamplingRuleResponse](ctx, c, api.DeleteSamplingRule, rule)
}

// GetSamplingStatisticSummaries gets one page of what clients sampled, newest
// first. The next page is asked for with the NextToken of the answer; a null or
// empty one ends.
func (c *Client) GetSamplingStatisticSummaries(ctx context.Context, request *api.GetSamplingStatisticSummariesRequest) (*api.GetSamplingStatisticSummariesResponse, error) {
	return call[api.GetSamplingStatisticSummariesResponse](ctx, c, api.GetSamplingStatisticSummaries, request)
}
