package api

// EncryptionConfig is how what is stored is encrypted.
type EncryptionConfig struct {
	KeyID  *string `json:"KeyId"` // null for NONE
	Status string  // UPDATING or ACTIVE
	Type   string  // NONE or KMS
}

// PutEncryptionConfigRequest is what PutEncryptionConfig is asked.
type PutEncryptionConfigRequest struct {
	KeyID string `json:"KeyId,omitempty"` // id, alias or ARN of a key; for KMS
	Type  *string
}

// EncryptionConfigResponse is how it is now.
type EncryptionConfigResponse struct{ EncryptionConfig EncryptionConfig }

// ResourcePolicy is a policy as it is stored.
type ResourcePolicy struct {
	LastUpdatedTime  Time
	PolicyDocument   string
	PolicyName       string
	PolicyRevisionID string `json:"PolicyRevisionId"`
}

// PutResourcePolicyRequest is what PutResourcePolicy is asked.
type PutResourcePolicyRequest struct {
	BypassPolicyLockoutCheck bool `json:",omitempty"`
	PolicyDocument           *string
	PolicyName               *string
	PolicyRevisionID         string `json:"PolicyRevisionId,omitempty"`
}

// PutResourcePolicyResponse is the policy as it is now.
type PutResourcePolicyResponse struct{ ResourcePolicy ResourcePolicy }

// DeleteResourcePolicyRequest names a policy.
type DeleteResourcePolicyRequest struct {
	PolicyName       *string
	PolicyRevisionID string `json:"PolicyRevisionId,omitempty"`
}

// PageRequest is what operations are asked that list all there is.
type PageRequest struct {
	NextToken *string `json:",omitempty"`
}

// ListResourcePoliciesResponse is all policies, oldest first.
type ListResourcePoliciesResponse struct {
	NextToken        *string // always null
	ResourcePolicies []ResourcePolicy
}

// Destination is where segments go.
type Destination struct {
	CompositeConfiguration *struct{} // outside the public model; the service sends null
	Destination            string    // XRay or CloudWatchLogs
	Status                 string    // PENDING or ACTIVE
}

// UpdateDestinationRequest is what UpdateTraceSegmentDestination is asked.
type UpdateDestinationRequest struct{ Destination *string }

// Probabilistic is an indexing rule's share of the traces, in percent.
type Probabilistic struct {
	ActualSamplingPercentage  *Double `json:",omitempty"`
	DesiredSamplingPercentage *Double
}

// IndexingRuleValue is a union of one member so far.
type IndexingRuleValue struct{ Probabilistic *Probabilistic }

// IndexingRule says which traces searches find.
type IndexingRule struct {
	ModifiedAt Time
	Name       string
	Rule       IndexingRuleValue
}

// GetIndexingRulesResponse is all rules.
type GetIndexingRulesResponse struct {
	IndexingRules []IndexingRule
	NextToken     *string // always null
}

// UpdateIndexingRuleRequest is what UpdateIndexingRule is asked.
type UpdateIndexingRuleRequest struct {
	Name *string
	Rule *IndexingRuleValue
}

// UpdateIndexingRuleResponse is the rule as it is now.
type UpdateIndexingRuleResponse struct{ IndexingRule IndexingRule }

// TelemetryRecord is what a daemon tells of one minute of its own.
type TelemetryRecord struct {
	BackendConnectionErrors *BackendConnectionErrors `json:",omitempty"`
	SegmentsReceivedCount   *Count                   `json:",omitempty"`
	SegmentsRejectedCount   *Count                   `json:",omitempty"`
	SegmentsSentCount       *Count                   `json:",omitempty"`
	SegmentsSpilloverCount  *Count                   `json:",omitempty"`
	Timestamp               *Time
}

// BackendConnectionErrors count uploads of a daemon that failed, by why.
type BackendConnectionErrors struct {
	ConnectionRefusedCount *Count `json:",omitempty"`
	HTTPCode4XXCount       *Count `json:",omitempty"`
	HTTPCode5XXCount       *Count `json:",omitempty"`
	OtherCount             *Count `json:",omitempty"`
	TimeoutCount           *Count `json:",omitempty"`
	UnknownHostCount       *Count `json:",omitempty"`
}

// PutTelemetryRecordsRequest is what PutTelemetryRecords is asked.
type PutTelemetryRecordsRequest struct {
	EC2InstanceID    string `json:"EC2InstanceId,omitempty"`
	Hostname         string `json:",omitempty"`
	ResourceARN      string `json:",omitempty"`
	TelemetryRecords []*TelemetryRecord
}

// StartTraceRetrievalRequest is what StartTraceRetrieval is asked. Both ends of
// the range belong to it.
type StartTraceRetrievalRequest struct {
	EndTime   *Time
	StartTime *Time
	TraceIDs  []string `json:"TraceIds"`
}

// StartTraceRetrievalResponse names the retrieval.
type StartTraceRetrievalResponse struct{ RetrievalToken string }

// RetrievalRequest asks something of a retrieval.
type RetrievalRequest struct {
	NextToken      string `json:",omitempty"`
	RetrievalToken *string
	TraceFormat    string `json:",omitempty"` // XRAY or OTEL, of ListRetrievedTraces
}

// ListRetrievedTracesResponse is a page of traces. A trace of many spans is told
// in several elements.
type ListRetrievedTracesResponse struct {
	NextToken       *string
	RetrievalStatus string
	TraceFormat     string
	Traces          []RetrievedTrace
}

// RetrievedTrace is a trace, or a part of it, in the format asked for.
type RetrievedTrace struct {
	Duration *Double
	ID       string `json:"Id"`
	Spans    []Segment
}

// GetRetrievedTracesGraphResponse is the graph of a retrieval's traces.
type GetRetrievedTracesGraphResponse struct {
	NextToken       *string
	RetrievalStatus string
	Services        []RetrievedService
}

// RetrievedService is a node and the other traces that its segments name.
type RetrievedService struct {
	Links   []GraphLink
	Service Service
}

// GraphLink is the traces that one trace names.
type GraphLink struct {
	DestinationTraceIDs []string `json:"DestinationTraceIds"`
	ReferenceType       *string
	SourceTraceID       string `json:"SourceTraceId"`
}

// Sender is the daemon that sends telemetry.
type Sender struct {
	EC2InstanceID string `json:"EC2InstanceId"`
	Hostname      string
	ResourceARN   string
}

// Telemetry is what is kept of a daemon's records, in order of time. It is what
// the page /telemetry shows; the service has no operation to read them.
type Telemetry struct {
	Sender
	Records []*TelemetryRecord
}
