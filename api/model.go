package api

import (
	"regexp"
	"slices"
	"strings"
)

// Operation is one operation of the service. All are a POST of one JSON object
// that holds every member of the request; nothing is said by the query or by
// headers.
type Operation struct {
	Name string
	Path string // often, but not always, the name
}

// The operations of the service's model of 2016-04-12.
var (
	BatchGetTraces                 = Operation{"BatchGetTraces", "/Traces"}
	CancelTraceRetrieval           = Operation{"CancelTraceRetrieval", "/CancelTraceRetrieval"}
	CreateGroup                    = Operation{"CreateGroup", "/CreateGroup"}
	CreateSamplingRule             = Operation{"CreateSamplingRule", "/CreateSamplingRule"}
	DeleteGroup                    = Operation{"DeleteGroup", "/DeleteGroup"}
	DeleteResourcePolicy           = Operation{"DeleteResourcePolicy", "/DeleteResourcePolicy"}
	DeleteSamplingRule             = Operation{"DeleteSamplingRule", "/DeleteSamplingRule"}
	GetEncryptionConfig            = Operation{"GetEncryptionConfig", "/EncryptionConfig"}
	GetGroup                       = Operation{"GetGroup", "/GetGroup"}
	GetGroups                      = Operation{"GetGroups", "/Groups"}
	GetIndexingRules               = Operation{"GetIndexingRules", "/GetIndexingRules"}
	GetInsight                     = Operation{"GetInsight", "/Insight"}
	GetInsightEvents               = Operation{"GetInsightEvents", "/InsightEvents"}
	GetInsightImpactGraph          = Operation{"GetInsightImpactGraph", "/InsightImpactGraph"}
	GetInsightSummaries            = Operation{"GetInsightSummaries", "/InsightSummaries"}
	GetRetrievedTracesGraph        = Operation{"GetRetrievedTracesGraph", "/GetRetrievedTracesGraph"}
	GetSamplingRules               = Operation{"GetSamplingRules", "/GetSamplingRules"}
	GetSamplingStatisticSummaries  = Operation{"GetSamplingStatisticSummaries", "/SamplingStatisticSummaries"}
	GetSamplingTargets             = Operation{"GetSamplingTargets", "/SamplingTargets"}
	GetServiceGraph                = Operation{"GetServiceGraph", "/ServiceGraph"}
	GetTimeSeriesServiceStatistics = Operation{"GetTimeSeriesServiceStatistics", "/TimeSeriesServiceStatistics"}
	GetTraceGraph                  = Operation{"GetTraceGraph", "/TraceGraph"}
	GetTraceSegmentDestination     = Operation{"GetTraceSegmentDestination", "/GetTraceSegmentDestination"}
	GetTraceSummaries              = Operation{"GetTraceSummaries", "/TraceSummaries"}
	ListResourcePolicies           = Operation{"ListResourcePolicies", "/ListResourcePolicies"}
	ListRetrievedTraces            = Operation{"ListRetrievedTraces", "/ListRetrievedTraces"}
	ListTagsForResource            = Operation{"ListTagsForResource", "/ListTagsForResource"}
	PutEncryptionConfig            = Operation{"PutEncryptionConfig", "/PutEncryptionConfig"}
	PutResourcePolicy              = Operation{"PutResourcePolicy", "/PutResourcePolicy"}
	PutTelemetryRecords            = Operation{"PutTelemetryRecords", "/TelemetryRecords"}
	PutTraceSegments               = Operation{"PutTraceSegments", "/TraceSegments"}
	StartTraceRetrieval            = Operation{"StartTraceRetrieval", "/StartTraceRetrieval"}
	TagResource                    = Operation{"TagResource", "/TagResource"}
	UntagResource                  = Operation{"UntagResource", "/UntagResource"}
	UpdateGroup                    = Operation{"UpdateGroup", "/UpdateGroup"}
	UpdateIndexingRule             = Operation{"UpdateIndexingRule", "/UpdateIndexingRule"}
	UpdateSamplingRule             = Operation{"UpdateSamplingRule", "/UpdateSamplingRule"}
	UpdateTraceSegmentDestination  = Operation{"UpdateTraceSegmentDestination", "/UpdateTraceSegmentDestination"}
)

// Operations lists all of them in order of their names.
func Operations() []Operation {
	list := make([]Operation, 0, len(requests))
	for op := range requests {
		list = append(list, op)
	}
	slices.SortFunc(list, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Request is the shape of the operation's requests: a structure.
func (o Operation) Request() *Shape { return requests[o] }

// Kind is what a value is.
type Kind string

const (
	Text      Kind = "text"
	Integer   Kind = "integer" // of 32 bits
	Number    Kind = "number"
	Boolean   Kind = "boolean"
	Timestamp Kind = "timestamp" // seconds since the Unix epoch
	List      Kind = "list"
	Map       Kind = "map" // from text
	Structure Kind = "structure"
)

// Shape says what a value in a request may be. It is never changed.
type Shape struct {
	Kind Kind
	// Min and Max bound a number, the length of a text in characters, or the
	// number of elements of a list or a map. nil: there is no bound.
	Min, Max *float64
	Enum     []string // what a text may be; nil: anything
	Pattern  string   // a regular expression for the whole of a text; "": none
	Of       *Shape   // of the elements of a list, or the values of a map
	Keys     *Shape   // of a map
	Members  []Member // of a structure, the required ones first

	pattern *regexp.Regexp // Pattern, from end to end
}

// Member is a member of a structure.
type Member struct {
	Name     string
	Required bool
	Shape    *Shape
	// EmptyIsAbsent says that an empty text is taken for none, whatever the
	// shape says: clients send it so.
	EmptyIsAbsent bool
	// Wider says where and why Tomo takes more than the model allows. "": it
	// does not.
	Wider string
}

// none is no bound.
const none = -1

func bounded(s Shape, least, most float64) *Shape {
	if least != none {
		s.Min = &least
	}
	if most != none {
		s.Max = &most
	}
	return &s
}

func text(least, most float64) *Shape {
	if least == 0 { // every text has that
		least = none
	}
	return bounded(Shape{Kind: Text}, least, most)
}

func matching(pattern string, least, most float64) *Shape {
	s := text(least, most)
	s.Pattern, s.pattern = pattern, regexp.MustCompile(`^(?:`+pattern+`)$`)
	return s
}

// oneOf has the values in the order in which the service was seen to tell them.
func oneOf(values ...string) *Shape { return &Shape{Kind: Text, Enum: values} }

func integer(least, most float64) *Shape { return bounded(Shape{Kind: Integer}, least, most) }

func number(least, most float64) *Shape { return bounded(Shape{Kind: Number}, least, most) }

func list(of *Shape, most float64) *Shape { return bounded(Shape{Kind: List, Of: of}, none, most) }

func structure(members ...Member) *Shape { return &Shape{Kind: Structure, Members: members} }

func required(name string, s *Shape) Member { return Member{Name: name, Required: true, Shape: s} }

func optional(name string, s *Shape) Member { return Member{Name: name, Shape: s} }

// orEmpty takes an empty text for none.
func (m Member) orEmpty(why string) Member {
	m.EmptyIsAbsent, m.Wider = true, why
	return m
}

// wider says why the shape of m allows more than the model.
func (m Member) wider(why string) Member {
	m.Wider = why
	return m
}

// The shapes that several requests share, as the model has them.
var (
	anyText    = text(0, none)
	anyInteger = integer(none, none)
	anyNumber  = number(none, none)
	count      = integer(0, none)
	boolean    = &Shape{Kind: Boolean}
	timestamp  = &Shape{Kind: Timestamp}

	traceID        = text(1, 35)
	groupName      = optional("GroupName", text(1, 32))
	groupARN       = optional("GroupARN", text(1, 400))
	nextToken      = optional("NextToken", anyText)
	insightToken   = optional("NextToken", text(1, 2000))
	resource       = required("ResourceARN", text(1, 1011))
	retrievalToken = required("RetrievalToken", text(0, 1020))
	startTime      = required("StartTime", timestamp)
	endTime        = required("EndTime", timestamp)
	insightID      = required("InsightId", matching(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}`, 0, none))
	policyName     = required("PolicyName", matching(`[\w+=,.@-]+`, 1, 128))

	// Grafana asks with an empty name for the graph of all traces.
	shownGroupName = groupName.orEmpty("empty is taken for absent: Grafana's data source sends it")
	shownGroupARN  = groupARN.orEmpty("empty is taken for absent, like the name")

	tags = list(structure(
		required("Key", text(1, 128)),
		required("Value", text(0, 256)),
	), 200)

	insightsConfiguration = optional("InsightsConfiguration", structure(
		optional("InsightsEnabled", boolean),
		optional("NotificationsEnabled", boolean),
	))

	samplingRateBoost = optional("SamplingRateBoost", structure(
		required("MaxRate", number(0, 1)),
		required("CooldownWindowMinutes", count),
	))
	attributes = optional("Attributes", bounded(Shape{Kind: Map, Keys: text(1, 32), Of: text(1, 32)}, none, 5))

	backendConnectionErrors = structure(
		optional("ConnectionRefusedCount", anyInteger),
		optional("HTTPCode4XXCount", anyInteger),
		optional("HTTPCode5XXCount", anyInteger),
		optional("OtherCount", anyInteger),
		optional("TimeoutCount", anyInteger),
		optional("UnknownHostCount", anyInteger),
	)
)

// requests has the shape of the requests of each operation. It is what requests
// are checked against, what docs/api-coverage.md is made of, and what the tests
// of validation walk.
var requests = map[Operation]*Shape{
	BatchGetTraces:       structure(required("TraceIds", list(traceID, none)), nextToken),
	CancelTraceRetrieval: structure(retrievalToken),
	CreateGroup: structure(
		required("GroupName", text(1, 32)),
		optional("FilterExpression", anyText),
		insightsConfiguration,
		optional("Tags", tags),
	),
	CreateSamplingRule: structure(
		required("SamplingRule", structure(
			required("ResourceARN", text(0, 500)),
			required("Priority", integer(1, 9999)),
			required("FixedRate", number(0, 1)),
			required("ReservoirSize", count),
			required("ServiceName", text(0, 64)),
			required("ServiceType", text(0, 64)),
			required("Host", text(0, 64)),
			required("HTTPMethod", text(0, 10)),
			required("URLPath", text(0, 128)),
			required("Version", integer(1, none)),
			attributes,
			optional("RuleARN", anyText),
			optional("RuleName", text(1, 32)),
			samplingRateBoost,
		)),
		optional("Tags", tags),
	),
	DeleteGroup:           structure(groupName, groupARN),
	DeleteResourcePolicy:  structure(policyName, optional("PolicyRevisionId", anyText)),
	DeleteSamplingRule:    structure(optional("RuleName", anyText), optional("RuleARN", anyText)),
	GetEncryptionConfig:   structure(),
	GetGroup:              structure(groupName, groupARN),
	GetGroups:             structure(optional("NextToken", text(1, 100))),
	GetIndexingRules:      structure(nextToken),
	GetInsight:            structure(insightID),
	GetInsightEvents:      structure(insightID, optional("MaxResults", integer(1, 50)), insightToken),
	GetInsightImpactGraph: structure(insightID, startTime, endTime, insightToken),
	GetInsightSummaries: structure(startTime, endTime, shownGroupName, shownGroupARN,
		optional("States", list(oneOf("ACTIVE", "CLOSED"), 1)),
		optional("MaxResults", integer(1, 100)),
		insightToken,
	),
	GetRetrievedTracesGraph:       structure(retrievalToken, nextToken),
	GetSamplingRules:              structure(nextToken),
	GetSamplingStatisticSummaries: structure(nextToken),
	GetSamplingTargets: structure(
		optional("SamplingStatisticsDocuments", list(structure(
			required("RuleName", text(1, 32)),
			required("ClientID", text(24, 24)),
			required("Timestamp", timestamp),
			required("RequestCount", count),
			required("SampledCount", count),
			optional("BorrowCount", count),
		), 100)).wider("may be absent, as OpenTelemetry for Java leaves an empty list out; up to 100, the model has 25: SDKs send one for each rule"),
		optional("SamplingBoostStatisticsDocuments", list(structure(
			required("RuleName", text(1, 32)),
			required("ServiceName", text(0, 64)),
			required("Timestamp", timestamp),
			required("AnomalyCount", count),
			required("TotalCount", count),
			required("SampledAnomalyCount", count),
		), 100)).wider("up to 100, like the other documents"),
	),
	GetServiceGraph: structure(startTime, endTime, shownGroupName, shownGroupARN, nextToken),
	GetTimeSeriesServiceStatistics: structure(startTime, endTime, shownGroupName, shownGroupARN,
		optional("EntitySelectorExpression", text(1, 500)),
		optional("Period", anyInteger),
		optional("ForecastStatistics", boolean),
		nextToken,
	),
	GetTraceGraph:              structure(required("TraceIds", list(traceID, none)), nextToken),
	GetTraceSegmentDestination: structure(),
	GetTraceSummaries: structure(startTime, endTime,
		optional("TimeRangeType", oneOf(TimeRangeTraceID, TimeRangeService, TimeRangeEvent)),
		optional("Sampling", boolean),
		optional("SamplingStrategy", structure(
			optional("Name", oneOf(FixedRate, PartialScan)),
			optional("Value", anyNumber),
		)),
		optional("FilterExpression", anyText),
		nextToken,
	),
	ListResourcePolicies: structure(optional("NextToken", text(1, 100))),
	ListRetrievedTraces:  structure(retrievalToken, optional("TraceFormat", oneOf("XRAY", "OTEL")), nextToken),
	ListTagsForResource:  structure(resource, nextToken),
	PutEncryptionConfig:  structure(required("Type", oneOf("NONE", "KMS")), optional("KeyId", text(1, 3000))),
	PutResourcePolicy: structure(policyName,
		required("PolicyDocument", anyText),
		optional("PolicyRevisionId", anyText),
		optional("BypassPolicyLockoutCheck", boolean),
	),
	PutTelemetryRecords: structure(
		required("TelemetryRecords", list(structure(
			required("Timestamp", timestamp),
			optional("SegmentsReceivedCount", anyInteger),
			optional("SegmentsSentCount", anyInteger),
			optional("SegmentsSpilloverCount", anyInteger),
			optional("SegmentsRejectedCount", anyInteger),
			optional("BackendConnectionErrors", backendConnectionErrors),
		), none)),
		optional("EC2InstanceId", text(0, 20)),
		optional("Hostname", text(0, 255)),
		optional("ResourceARN", text(0, 500)),
	),
	PutTraceSegments:    structure(required("TraceSegmentDocuments", list(anyText, none))),
	StartTraceRetrieval: structure(required("TraceIds", list(traceID, 100)), startTime, endTime),
	TagResource:         structure(resource, required("Tags", tags)),
	UntagResource:       structure(resource, required("TagKeys", list(text(1, 128), 200))),
	UpdateGroup:         structure(groupName, groupARN, optional("FilterExpression", anyText), insightsConfiguration),
	UpdateIndexingRule: structure(
		required("Name", anyText),
		required("Rule", structure(
			optional("Probabilistic", structure(required("DesiredSamplingPercentage", anyNumber))),
		)),
	),
	UpdateSamplingRule: structure(required("SamplingRuleUpdate", structure(
		optional("RuleName", text(1, 32)),
		optional("RuleARN", anyText),
		optional("ResourceARN", text(0, 500)),
		optional("Priority", anyInteger),
		optional("FixedRate", anyNumber),
		optional("ReservoirSize", anyInteger),
		optional("ServiceName", text(0, 64)),
		optional("ServiceType", text(0, 64)),
		optional("Host", text(0, 64)),
		optional("HTTPMethod", text(0, 10)),
		optional("URLPath", text(0, 128)),
		attributes,
		samplingRateBoost,
	))),
	UpdateTraceSegmentDestination: structure(optional("Destination", oneOf("XRay", "CloudWatchLogs"))),
}
