package server

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/sampling"
	"github.com/tomotrace/tomo/settings"
)

// summaryPage is how many sums a page has.
const summaryPage = 1_000

func (s *Services) createSamplingRule(ctx context.Context, request *api.CreateSamplingRuleRequest) (*api.SamplingRuleResponse, error) {
	r := request.SamplingRule
	return samplingRuleResponse(s.settings.CreateSamplingRule(ctx, tomo.SamplingRule{
		Name: value(r.RuleName), ARN: value(r.RuleARN), Tags: requestedTags(request.Tags),
		Priority: int(value(r.Priority)), FixedRate: float64(value(r.FixedRate)), ReservoirSize: int(value(r.ReservoirSize)),
		ServiceName: value(r.ServiceName), ServiceType: value(r.ServiceType), Host: value(r.Host), HTTPMethod: value(r.HTTPMethod),
		URLPath: value(r.URLPath), ResourceARN: value(r.ResourceARN), Attributes: r.Attributes,
		Version: int(value(r.Version)), Boost: requestedBoost(r.SamplingRateBoost),
	}))
}

func (s *Services) getSamplingRules(_ context.Context, request *api.GetSamplingRulesRequest) (*api.GetSamplingRulesResponse, error) {
	if request.NextToken != "" { // nobody was ever given one
		return nil, invalidToken(request.NextToken)
	}
	rules := s.settings.SamplingRules()
	answer := &api.GetSamplingRulesResponse{SamplingRuleRecords: make([]api.SamplingRuleRecord, len(rules.List))}
	for i, r := range rules.List {
		answer.SamplingRuleRecords[i] = samplingRuleRecord(r)
	}
	return answer, nil
}

func (s *Services) updateSamplingRule(ctx context.Context, request *api.UpdateSamplingRuleRequest) (*api.SamplingRuleResponse, error) {
	r := request.SamplingRuleUpdate
	ref := settings.SamplingRuleRef{Name: value(r.RuleName), ARN: value(r.RuleARN)}
	return samplingRuleResponse(s.settings.UpdateSamplingRule(ctx, ref, settings.SamplingRuleUpdate{
		FixedRate: (*float64)(r.FixedRate), Priority: toInt(r.Priority), ReservoirSize: toInt(r.ReservoirSize),
		ServiceName: r.ServiceName, ServiceType: r.ServiceType, Host: r.Host, HTTPMethod: r.HTTPMethod,
		URLPath: r.URLPath, ResourceARN: r.ResourceARN, Attributes: r.Attributes, Boost: requestedBoost(r.SamplingRateBoost),
	}))
}

func (s *Services) deleteSamplingRule(ctx context.Context, request *api.DeleteSamplingRuleRequest) (*api.SamplingRuleResponse, error) {
	ref := settings.SamplingRuleRef{Name: request.RuleName, ARN: request.RuleARN}
	return samplingRuleResponse(s.settings.DeleteSamplingRule(ctx, ref))
}

func requestedBoost(b *api.RateBoost) *tomo.RateBoost {
	if b == nil {
		return nil
	}
	return &tomo.RateBoost{MaxRate: float64(value(b.MaxRate)), CooldownMinutes: int(value(b.CooldownWindowMinutes))}
}

// value is what p points to, zero if that is nothing.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func toInt(n *int32) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

func samplingRuleResponse(r *tomo.SamplingRule, err error) (*api.SamplingRuleResponse, error) {
	if err != nil {
		return nil, err
	}
	return &api.SamplingRuleResponse{SamplingRuleRecord: samplingRuleRecord(r)}, nil
}

// samplingRuleRecord has every member, because SDKs ignore rules that lack one.
func samplingRuleRecord(r *tomo.SamplingRule) api.SamplingRuleRecord {
	shape := api.SamplingRuleRecord{
		CreatedAt: api.Time(r.Created.Seconds()), ModifiedAt: api.Time(r.Modified.Seconds()),
		SamplingRule: api.SamplingRule{
			Attributes: r.Attributes, FixedRate: new(api.Double(r.FixedRate)), HTTPMethod: &r.HTTPMethod, Host: &r.Host,
			Priority: new(int32(r.Priority)), ReservoirSize: new(int32(r.ReservoirSize)), ResourceARN: &r.ResourceARN,
			RuleARN: &r.ARN, RuleName: &r.Name, ServiceName: &r.ServiceName, ServiceType: &r.ServiceType, URLPath: &r.URLPath,
			Version: new(int32(r.Version)),
		},
	}
	if r.Boost != nil {
		shape.SamplingRule.SamplingRateBoost = &api.RateBoost{
			CooldownWindowMinutes: new(int32(r.Boost.CooldownMinutes)), MaxRate: new(api.Double(r.Boost.MaxRate)),
		}
	}
	return shape
}

func (s *Services) getSamplingTargets(_ context.Context, request *api.GetSamplingTargetsRequest) (*api.GetSamplingTargetsResponse, error) {
	rules := s.settings.SamplingRules()
	told := s.fleet.Report(rules, s.now(), samplingReport(request))
	answer := &api.GetSamplingTargetsResponse{
		LastRuleModification:    api.Time(rules.Modified.Seconds()),
		SamplingTargetDocuments: make([]api.SamplingTargetDocument, len(told.Targets)),
		UnprocessedStatistics:   unprocessed(told.Unprocessed),
	}
	if request.SamplingBoostStatisticsDocuments != nil {
		answer.UnprocessedBoostStatistics = unprocessed(told.UnprocessedBoost)
	}
	for i, t := range told.Targets {
		shape := &answer.SamplingTargetDocuments[i]
		*shape = api.SamplingTargetDocument{
			FixedRate: api.Double(t.FixedRate), Interval: int(t.Interval.Seconds()), ReservoirQuota: t.Quota,
			ReservoirQuotaTTL: api.Time(t.QuotaTTL.Seconds()), RuleName: t.Rule,
		}
		if t.Boost != nil {
			shape.SamplingBoost = &api.SamplingBoost{BoostRate: api.Double(t.Boost.Rate), BoostRateTTL: api.Time(t.Boost.TTL.Seconds())}
		}
	}
	return answer, nil
}

func unprocessed(list []sampling.Unprocessed) []api.UnprocessedStatistics {
	shapes := make([]api.UnprocessedStatistics, len(list))
	for i, u := range list {
		shapes[i] = api.UnprocessedStatistics{ErrorCode: u.Code, Message: u.Message, RuleName: u.Rule}
	}
	return shapes
}

func samplingReport(request *api.GetSamplingTargetsRequest) *sampling.Report {
	report := &sampling.Report{}
	for _, d := range request.SamplingStatisticsDocuments {
		report.Statistics = append(report.Statistics, sampling.Statistics{
			Rule: d.RuleName, Client: d.ClientID, Time: reported(d.Timestamp),
			Requests: int64(d.RequestCount), Sampled: int64(d.SampledCount), Borrowed: int64(d.BorrowCount),
		})
	}
	for _, d := range request.SamplingBoostStatisticsDocuments {
		report.Boost = append(report.Boost, sampling.BoostStatistics{
			Rule: d.RuleName, Service: d.ServiceName, Time: reported(d.Timestamp),
			Total: int64(d.TotalCount), Anomalies: int64(d.AnomalyCount), Sampled: int64(d.SampledAnomalyCount),
		})
	}
	return report
}

// reported is the time of a document. OpenTelemetry for Java writes
// milliseconds, which as seconds would be thousands of years ahead.
func reported(t api.Time) tomo.Time {
	const furthest = 1e11
	seconds := float64(t)
	if seconds > furthest {
		seconds /= 1000
	}
	return tomo.Seconds(min(max(seconds, 0), furthest))
}

func (s *Services) getSamplingStatisticSummaries(_ context.Context, request *api.GetSamplingStatisticSummariesRequest) (*api.GetSamplingStatisticSummariesResponse, error) {
	list := s.fleet.Summaries(s.settings.SamplingRules(), s.now())
	if request.NextToken != "" {
		last, ok := parseSummaryToken(request.NextToken)
		if !ok {
			return nil, invalidToken(request.NextToken)
		}
		at, found := slices.BinarySearchFunc(list, last, sampling.Summary.Compare)
		if found {
			at++
		}
		list = list[at:]
	}
	answer := &api.GetSamplingStatisticSummariesResponse{}
	if len(list) > summaryPage {
		list = list[:summaryPage]
		answer.NextToken = new(summaryToken(list[summaryPage-1]))
	}
	answer.SamplingStatisticSummaries = make([]api.SamplingStatisticSummary, len(list))
	for i, sum := range list {
		answer.SamplingStatisticSummaries[i] = api.SamplingStatisticSummary{
			BorrowCount: sum.Borrowed, RequestCount: sum.Requests, RuleName: sum.Rule, SampledCount: sum.Sampled,
			Timestamp: api.Time(sum.Start.Seconds()),
		}
	}
	return answer, nil
}

// summaryToken is the place of the last sum of a page: its window and its rule.
func summaryToken(s sampling.Summary) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(int64(s.Start), 36) + " " + s.Rule))
}

func parseSummaryToken(token string) (s sampling.Summary, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return s, false
	}
	start, rule, found := strings.Cut(string(text), " ")
	n, err := strconv.ParseInt(start, 36, 64)
	return sampling.Summary{Start: tomo.Time(n), Rule: rule}, found && err == nil
}

func invalidToken(token string) error { return api.Invalid("Invalid token " + token) }

// samplingMetrics tells how the sampling rules are applied. X-Ray has the rate as
// the metric SamplingRate, by RuleName.
type samplingMetrics struct{ s *Services }

var (
	samplingRate    = prometheus.NewDesc("tomo_sampling_rate", "Rate of a sampling rule behind its reservoir, with a boost if there is one.", []string{"rule"}, nil)
	samplingClients = prometheus.NewDesc("tomo_sampling_clients", "Clients that reported on a sampling rule in the last 30 seconds.", []string{"rule"}, nil)
	samplingLeased  = prometheus.NewDesc("tomo_sampling_quota", "Traces a second that these clients may take from the reservoir of the rule.", []string{"rule"}, nil)
)

func (m samplingMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- samplingRate
	to <- samplingClients
	to <- samplingLeased
}

func (m samplingMetrics) Collect(to chan<- prometheus.Metric) {
	for _, state := range m.s.fleet.States(m.s.settings.SamplingRules(), m.s.now()) {
		to <- prometheus.MustNewConstMetric(samplingRate, prometheus.GaugeValue, state.Rate, state.Rule)
		to <- prometheus.MustNewConstMetric(samplingClients, prometheus.GaugeValue, float64(state.Clients), state.Rule)
		to <- prometheus.MustNewConstMetric(samplingLeased, prometheus.GaugeValue, float64(state.Leased), state.Rule)
	}
}
