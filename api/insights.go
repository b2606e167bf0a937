package api

// The values of InsightSummary.State.
const (
	InsightActive = "ACTIVE"
	InsightClosed = "CLOSED"
)

// InsightFault is the one category of insights that the service knows.
const InsightFault = "FAULT"

// AnomalousServiceID names a service of an insight. Name and Type are never
// null: Grafana reads both unseen.
type AnomalousServiceID struct {
	AccountID *string `json:"AccountId"`
	Name      string
	Names     []string
	Type      string
}

// RequestImpactStatistics counts requests. Those that neither failed nor were
// fine were errors of the client, or throttled.
type RequestImpactStatistics struct {
	FaultCount int64
	OkCount    int64
	TotalCount int64
}

// AnomalousService is a service that is out of the usual.
type AnomalousService struct {
	ServiceID AnomalousServiceID `json:"ServiceId"`
}

// Insight is a time in which services of a group failed, or were slow, more
// often than usual.
type Insight struct {
	Categories                              []string
	ClientRequestImpactStatistics           RequestImpactStatistics
	EndTime                                 *Time // null while it is active
	GroupARN                                string
	GroupName                               string
	InsightID                               string             `json:"InsightId"`
	RootCauseServiceID                      AnomalousServiceID `json:"RootCauseServiceId"`
	RootCauseServiceRequestImpactStatistics RequestImpactStatistics
	StartTime                               Time
	State                                   string
	Summary                                 string
	TopAnomalousServices                    []AnomalousService
}

// InsightSummary is an insight in a list of them.
type InsightSummary struct {
	Insight
	LastUpdateTime Time // on the wire behind the others
}

// InsightEvent is a notable change of an insight.
type InsightEvent struct {
	ClientRequestImpactStatistics           RequestImpactStatistics
	EventTime                               Time
	RootCauseServiceRequestImpactStatistics RequestImpactStatistics
	Summary                                 string
	TopAnomalousServices                    []AnomalousService
}

// GetInsightRequest is what GetInsight is asked.
type GetInsightRequest struct {
	InsightID *string `json:"InsightId"`
}

// GetInsightResponse holds an insight.
type GetInsightResponse struct {
	Insight Insight
}

// GetInsightSummariesRequest is what GetInsightSummaries is asked.
type GetInsightSummariesRequest struct {
	EndTime    *Time
	GroupARN   string `json:",omitempty"` // this or GroupName
	GroupName  string `json:",omitempty"`
	MaxResults *int   `json:",omitempty"` // 1 to 100; nil: 100
	NextToken  string `json:",omitempty"`
	StartTime  *Time
	States     []string `json:",omitempty"` // none or one
}

// GetInsightSummariesResponse is a page of insights, newest start first.
type GetInsightSummariesResponse struct {
	InsightSummaries []InsightSummary
	NextToken        *string // null: the last page
}

// GetInsightEventsRequest is what GetInsightEvents is asked.
type GetInsightEventsRequest struct {
	InsightID  *string `json:"InsightId"`
	MaxResults *int    `json:",omitempty"` // 1 to 50; nil: 50
	NextToken  string  `json:",omitempty"`
}

// GetInsightEventsResponse is a page of events, newest first.
type GetInsightEventsResponse struct {
	InsightEvents []InsightEvent
	NextToken     *string // null: the last page
}

// GetInsightImpactGraphRequest is what GetInsightImpactGraph is asked.
type GetInsightImpactGraphRequest struct {
	EndTime   *Time
	InsightID *string `json:"InsightId"`
	NextToken string  `json:",omitempty"`
	StartTime *Time
}

// GetInsightImpactGraphResponse is the services that an insight is about and
// those that call them, without figures.
type GetInsightImpactGraphResponse struct {
	EndTime               Time
	InsightID             string  `json:"InsightId"`
	NextToken             *string // always null
	ServiceGraphEndTime   *Time   // null: the graph is empty
	ServiceGraphStartTime *Time
	Services              []InsightImpactGraphService
	StartTime             Time
}

// InsightImpactGraphService is a node of an impact graph.
type InsightImpactGraphService struct {
	AccountID   *string `json:"AccountId"`
	Edges       []InsightImpactGraphEdge
	Name        string
	Names       []string
	ReferenceID int `json:"ReferenceId"`
	Type        *string
}

// InsightImpactGraphEdge leads to the node with the reference id.
type InsightImpactGraphEdge struct {
	ReferenceID int `json:"ReferenceId"`
}
