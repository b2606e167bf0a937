package api

// SamplingRule is a sampling rule. Answers have every member but the boost, and
// that only if the rule has one: clients in the field read the answer strictly.
// In requests a member that is nil is absent.
type SamplingRule struct {
	Attributes        map[string]string `json:",omitzero"` // in answers {} if there are none, never null
	FixedRate         *Double           `json:",omitempty"`
	HTTPMethod        *string           `json:",omitempty"`
	Host              *string           `json:",omitempty"`
	Priority          *int32            `json:",omitempty"`
	ReservoirSize     *int32            `json:",omitempty"`
	ResourceARN       *string           `json:",omitempty"`
	RuleARN           *string           `json:",omitempty"`
	RuleName          *string           `json:",omitempty"`
	SamplingRateBoost *RateBoost        `json:",omitempty"`
	ServiceName       *string           `json:",omitempty"`
	ServiceType       *string           `json:",omitempty"`
	URLPath           *string           `json:",omitempty"`
	Version           *int32            `json:",omitempty"` // not of updates
}

// RateBoost is SamplingRateBoost: how far the rate of a rule may rise.
type RateBoost struct {
	CooldownWindowMinutes *int32 // both are required
	MaxRate               *Double
}

// SamplingRuleRecord is a rule and its times, whole seconds.
type SamplingRuleRecord struct {
	CreatedAt    Time
	ModifiedAt   Time
	SamplingRule SamplingRule
}

// CreateSamplingRuleRequest is what CreateSamplingRule is asked.
type CreateSamplingRuleRequest struct {
	SamplingRule *SamplingRule
	Tags         []Tag `json:",omitempty"`
}

// UpdateSamplingRuleRequest is what UpdateSamplingRule is asked: a rule by its
// name or its ARN, and what becomes of it. A boost that is absent is taken away.
type UpdateSamplingRuleRequest struct{ SamplingRuleUpdate *SamplingRule }

// DeleteSamplingRuleRequest is what DeleteSamplingRule is asked.
type DeleteSamplingRuleRequest struct {
	RuleARN  string `json:",omitempty"`
	RuleName string `json:",omitempty"`
}

// SamplingRuleResponse is what CreateSamplingRule, UpdateSamplingRule and
// DeleteSamplingRule answer.
type SamplingRuleResponse struct{ SamplingRuleRecord SamplingRuleRecord }

// GetSamplingRulesRequest is what GetSamplingRules is asked. There is one page.
type GetSamplingRulesRequest struct {
	NextToken string `json:",omitempty"`
}

// GetSamplingRulesResponse lists all rules by name, Default last.
type GetSamplingRulesResponse struct {
	NextToken           *string // null
	SamplingRuleRecords []SamplingRuleRecord
}

// GetSamplingTargetsRequest is what a client reports. Both lists may be absent.
type GetSamplingTargetsRequest struct {
	SamplingBoostStatisticsDocuments []SamplingBoostStatisticsDocument `json:",omitempty"`
	SamplingStatisticsDocuments      []SamplingStatisticsDocument
}

// SamplingStatisticsDocument is what a client decided by a rule since its last
// report.
type SamplingStatisticsDocument struct {
	BorrowCount  int32
	ClientID     string // 24 characters
	RequestCount int32
	RuleName     string
	SampledCount int32
	Timestamp    Time // some clients write milliseconds
}

// SamplingBoostStatisticsDocument is what a service saw of the traces that a
// rule decided.
type SamplingBoostStatisticsDocument struct {
	AnomalyCount        int32
	RuleName            string
	SampledAnomalyCount int32
	ServiceName         string
	Timestamp           Time
	TotalCount          int32
}

// GetSamplingTargetsResponse is what clients sample by until their next report.
type GetSamplingTargetsResponse struct {
	LastRuleModification    Time // 0: never
	SamplingTargetDocuments []SamplingTargetDocument
	// UnprocessedBoostStatistics is absent, nil, if no boost statistics were sent:
	// clients in the field read the answer strictly.
	UnprocessedBoostStatistics []UnprocessedStatistics `json:",omitzero"`
	UnprocessedStatistics      []UnprocessedStatistics
}

// SamplingTargetDocument is the target of one rule.
type SamplingTargetDocument struct {
	FixedRate         Double
	Interval          int // seconds until the next report
	ReservoirQuota    int // traces a second
	ReservoirQuotaTTL Time
	RuleName          string
	SamplingBoost     *SamplingBoost `json:",omitempty"`
}

// SamplingBoost is a rate to use instead of the fixed one until a time.
type SamplingBoost struct {
	BoostRate    Double
	BoostRateTTL Time
}

// UnprocessedStatistics says why a document was not taken. The code is that of
// HTTP, as text.
type UnprocessedStatistics struct{ ErrorCode, Message, RuleName string }

// GetSamplingStatisticSummariesRequest is what GetSamplingStatisticSummaries is
// asked.
type GetSamplingStatisticSummariesRequest struct {
	NextToken string `json:",omitempty"`
}

// GetSamplingStatisticSummariesResponse is a page of sums, the newest first.
type GetSamplingStatisticSummariesResponse struct {
	NextToken                  *string // null: the last page
	SamplingStatisticSummaries []SamplingStatisticSummary
}

// SamplingStatisticSummary is what all clients decided by a rule in the ten
// seconds from Timestamp on.
type SamplingStatisticSummary struct {
	BorrowCount  int64
	RequestCount int64
	RuleName     string
	SampledCount int64
	Timestamp    Time
}
