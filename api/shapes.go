package api

// UnprocessedTraceSegment is a segment document that was refused.
type UnprocessedTraceSegment struct {
	ErrorCode string
	ID        *string `json:"Id"` // as sent; null if none could be read
	Message   string
}

// PutTraceSegmentsRequest is what PutTraceSegments is asked. A server reads it
// with [Documents].
type PutTraceSegmentsRequest struct {
	TraceSegmentDocuments []string
}

// PutTraceSegmentsResponse names the documents that were refused, in the order
// in which they were sent. All others are stored.
type PutTraceSegmentsResponse struct {
	UnprocessedTraceSegments []UnprocessedTraceSegment
}

// BatchGetTracesRequest is what BatchGetTraces and GetTraceGraph are asked.
type BatchGetTracesRequest struct {
	NextToken string   `json:",omitempty"`
	TraceIDs  []string `json:"TraceIds"` // nil: absent
}

// BatchGetTracesResponse holds the traces that are known.
type BatchGetTracesResponse struct {
	NextToken           *string
	Traces              []Trace
	UnprocessedTraceIDs []string `json:"UnprocessedTraceIds"`
}

// Trace is a whole trace.
type Trace struct {
	Duration      *Double // seconds; null while nothing has ended
	ID            string  `json:"Id"`
	LimitExceeded bool
	Segments      []Segment
}

// Segment is a segment of a trace, received or inferred.
type Segment struct {
	Document string // a JSON object
	ID       string `json:"Id"`
}

// The values of GetTraceSummariesRequest.TimeRangeType.
const (
	TimeRangeTraceID = "TraceId"
	TimeRangeService = "Service"
	TimeRangeEvent   = "Event"
)

// The values of SamplingStrategy.Name.
const (
	PartialScan = "PartialScan"
	FixedRate   = "FixedRate"
)

// SamplingStrategy says which part of the traces is wanted.
type SamplingStrategy struct {
	Name  string  `json:",omitempty"`
	Value *Double `json:",omitempty"` // for FixedRate, 0 to 1
}

// GetTraceSummariesRequest is what GetTraceSummaries is asked.
type GetTraceSummariesRequest struct {
	EndTime          *Time
	FilterExpression string            `json:",omitempty"`
	NextToken        string            `json:",omitempty"`
	Sampling         bool              `json:",omitempty"`
	SamplingStrategy *SamplingStrategy `json:",omitempty"`
	StartTime        *Time
	TimeRangeType    string `json:",omitempty"` // TraceId if empty
}

// GetTraceSummariesResponse is one page of summaries, newest first.
type GetTraceSummariesResponse struct {
	Beyond               `json:"-"`
	ApproximateTime      Time
	NextToken            *string // null: the last page
	TraceSummaries       []TraceSummary
	TracesProcessedCount int64
}

// TraceSummary is what can be asked about a trace. MatchedEdge and
// MatchedService are outside the public model; the service sends them.
type TraceSummary struct {
	Annotations            map[string][]ValueWithServiceIDs
	AvailabilityZones      []AvailabilityZone
	Duration               *Double // seconds; null while nothing has ended
	EntryPoint             *ServiceID
	ErrorRootCauses        []ErrorRootCause
	FaultRootCauses        []ErrorRootCause
	HasError               bool
	HasFault               bool
	HasThrottle            bool
	HTTP                   HTTP         `json:"Http"` // never null: a client in the field would crash
	ID                     string       `json:"Id"`
	InstanceIDs            []InstanceID `json:"InstanceIds"`
	IsPartial              bool
	MatchedEdge            *struct{}
	MatchedEventTime       *Time
	MatchedService         *struct{}
	ResourceARNs           []ResourceARN
	ResponseTime           *Double // seconds; null while the root is open or missing
	ResponseTimeRootCauses []ResponseTimeRootCause
	Revision               int
	ServiceIDs             []ServiceID `json:"ServiceIds"`
	StartTime              Time
	Users                  []TraceUser
}

// ServiceID names a node.
type ServiceID struct {
	AccountID *string `json:"AccountId"`
	Name      string
	Names     []string
	Type      *string
}

// HTTP is the HTTP data of a trace's root.
type HTTP struct {
	ClientIP   *string `json:"ClientIp"`
	HTTPMethod *string `json:"HttpMethod"`
	HTTPStatus *int    `json:"HttpStatus"`
	HTTPURL    *string `json:"HttpURL"`
	UserAgent  *string
}

// AnnotationValue has exactly one member that is not null.
type AnnotationValue struct {
	BooleanValue *bool
	NumberValue  *Double
	StringValue  *string
}

// ValueWithServiceIDs is a value of an annotation and the nodes that set it.
type ValueWithServiceIDs struct {
	AnnotationValue AnnotationValue
	ServiceIDs      []ServiceID `json:"ServiceIds"`
}

// TraceUser is a user and the nodes that named it.
type TraceUser struct {
	ServiceIDs []ServiceID `json:"ServiceIds"`
	UserName   string
}

// AvailabilityZone is a zone in which a segment ran.
type AvailabilityZone struct{ Name string }

// InstanceID is an instance on which a segment ran.
type InstanceID struct {
	ID string `json:"Id"`
}

// ResourceARN is a resource on which a segment ran.
type ResourceARN struct{ ARN string }

// GetTraceGraphResponse is the graph of some traces.
type GetTraceGraphResponse struct {
	NextToken *string
	Services  []Service
}

// GetServiceGraphRequest is what GetServiceGraph is asked.
type GetServiceGraphRequest struct {
	EndTime   *Time
	GroupARN  string `json:",omitempty"`
	GroupName string `json:",omitempty"`
	NextToken string `json:",omitempty"`
	StartTime *Time
}

// GetServiceGraphResponse is the graph of a time.
type GetServiceGraphResponse struct {
	Beyond                   `json:"-"`
	ContainsOldGroupVersions bool
	EndTime                  *Time // never later than asked; null without services, like StartTime
	NextToken                *string
	Services                 []Service
	StartTime                *Time
}

// Service is a node of a graph. HostedIn, KeyAttributes and Region are outside
// the public model; the service sends them.
type Service struct {
	AccountID             *string          `json:"AccountId"`
	DurationHistogram     []HistogramEntry // null for a client node, like the other two
	Edges                 []Edge
	EndTime               *Time // null in the graph of a trace, like StartTime
	HostedIn              map[string]string
	KeyAttributes         map[string]string
	Name                  string
	Names                 []string
	ReferenceID           int `json:"ReferenceId"`
	Region                *string
	ResponseTimeHistogram []HistogramEntry
	Root                  *bool // true or null
	StartTime             *Time
	State                 string // active, unknown or passive
	SummaryStatistics     *Statistics
	Type                  *string
}

// Edge is the calls from the node that lists it to another.
type Edge struct {
	Aliases               []Alias
	EndTime               *Time
	ReferenceID           int `json:"ReferenceId"` // of the node called
	ResponseTimeHistogram []HistogramEntry
	StartTime             *Time
	SummaryStatistics     Statistics
}

// Alias is a name under which a node was called.
type Alias struct {
	Name  string
	Names []string
	Type  string
}

// Statistics counts requests by outcome. OkCount and the two totals add up to
// TotalCount.
type Statistics struct {
	ErrorStatistics   ErrorStatistics
	FaultStatistics   FaultStatistics
	OkCount           int64
	TotalCount        int64
	TotalResponseTime Double // seconds, to the millisecond
}

// ErrorStatistics counts the requests that ended with 4xx, 429 apart.
type ErrorStatistics struct {
	OtherCount    int64
	ThrottleCount int64
	TotalCount    int64
}

// FaultStatistics counts the requests that ended with 5xx.
type FaultStatistics struct {
	OtherCount int64
	TotalCount int64
}

// HistogramEntry is how many requests took Value seconds.
type HistogramEntry struct {
	Count int64
	Value Double
}

// InsightsConfiguration says what is done about anomalies in a group. In
// requests null leaves a member as it is; answers have both.
type InsightsConfiguration struct {
	InsightsEnabled      *bool
	NotificationsEnabled *bool
}

// Group is a group as all operations show it.
type Group struct {
	FilterExpression      *string // as it was sent; null for Default
	GroupARN              string
	GroupName             string
	InsightsConfiguration InsightsConfiguration
}

// Tag is a label on a group or a sampling rule.
type Tag struct {
	Key   *string // required, like Value
	Value *string
}

// CreateGroupRequest is what CreateGroup is asked.
type CreateGroupRequest struct {
	FilterExpression      string
	GroupName             *string
	InsightsConfiguration *InsightsConfiguration `json:",omitempty"`
	Tags                  []Tag                  `json:",omitempty"`
}

// GroupResponse is what CreateGroup, GetGroup and UpdateGroup answer.
type GroupResponse struct{ Group Group }

// GroupRequest is what GetGroup and DeleteGroup are asked: a group by its name
// or its ARN.
type GroupRequest struct {
	GroupARN  string `json:",omitempty"`
	GroupName string `json:",omitempty"`
}

// UpdateGroupRequest is what UpdateGroup is asked: a group by its name or its
// ARN, and what becomes of it. The filter has to be given each time.
type UpdateGroupRequest struct {
	FilterExpression      string                 `json:",omitempty"`
	GroupARN              string                 `json:",omitempty"`
	GroupName             string                 `json:",omitempty"`
	InsightsConfiguration *InsightsConfiguration `json:",omitempty"`
}

// GetGroupsRequest is what GetGroups is asked. There is one page.
type GetGroupsRequest struct {
	NextToken *string `json:",omitempty"`
}

// GetGroupsResponse lists all groups.
type GetGroupsResponse struct {
	Groups    []Group
	NextToken *string // null
}

// ListTagsForResourceRequest is what ListTagsForResource is asked.
type ListTagsForResourceRequest struct {
	NextToken   string `json:",omitempty"`
	ResourceARN *string
}

// ListTagsForResourceResponse lists all tags of a resource.
type ListTagsForResourceResponse struct {
	NextToken *string // null
	Tags      []Tag
}

// TagResourceRequest is what TagResource is asked.
type TagResourceRequest struct {
	ResourceARN *string
	Tags        []Tag // nil: absent
}

// UntagResourceRequest is what UntagResource is asked.
type UntagResourceRequest struct {
	ResourceARN *string
	TagKeys     []string // nil: absent
}

// Empty is the answer of operations that have nothing to say: {}.
type Empty struct{}

// LossesPath is where a Tomo server tells what it lost. It is no operation of
// X-Ray; it is asked with GET.
const LossesPath = "/console/api/losses"

// Losses is what was sent to the server and is not, or no longer, to be seen.
type Losses struct {
	Counts map[string]int64 // documents by reason, since the server started
	Recent []Loss           // newest first, at most 1,000
}

// Loss is one of them.
type Loss struct {
	Code   string
	Count  int // documents
	Detail string
	ID     string `json:"Id"`
	Reason string
	Source string // the door, or the store
	Time   Time
	Trace  string
}
