package server

import (
	"bytes"
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/sampling"
	"github.com/tomotrace/tomo/settings"
)

// Services are what one tenant has of the API: every operation, on its own
// traces and its own settings.
type Services struct {
	clock      func() time.Time
	pipeline   *ingest.Pipeline
	engine     *query.Engine
	settings   *settings.Settings
	insights   *insights.Insights
	tenant     string
	storage    func() api.StatusStorage // nil: not known
	disk       func() *api.StatusDisk   // nil: not known
	limits     []api.Limit
	fleet      sampling.Fleet
	encryption Encryption
	telemetry  telemetry
	retrievals *query.Retrievals
	quotas     quotas
	historyMu  sync.Mutex // guards history
	history    history
	maxTraces  int
	operations map[string]handler // by path
}

// Tenants gives the services of a tenant. Whoever calls it knows that the
// tenant may be there. The error may be a *tomo.Error.
type Tenants func(ctx context.Context, tenant string) (*Services, error)

// handler reads a request for op from body, which is not valid after it
// returned, and writes the answer to out.
type handler func(ctx context.Context, op api.Operation, body []byte, out *reply) error

// reply is the text of an answer and what it tells in its header.
type reply struct {
	*bytes.Buffer
	beyond api.Beyond
}

// Parts are what stands behind the operations of a tenant.
type Parts struct {
	Pipeline *ingest.Pipeline   // the write path
	Engine   *query.Engine      // the read path
	Settings *settings.Settings // what operators set
	Insights *insights.Insights // what is found in groups
	// Encryption is what data at rest is encrypted with. Without a store it never
	// is.
	Encryption Encryption
	Quotas     Quotas // what may be asked for in a second
	MaxTraces  int    // that one call may name; 0: MaxTraces
	Tenant     string // its name; "": the default one
	// Storage and Disk tell what is stored, and how full the disk is. They may be
	// nil.
	Storage func() api.StatusStorage
	Disk    func() *api.StatusDisk
	Limits  []api.Limit // what bounds the tenant, to be shown
	// Now is the clock of what clients sample, of quotas and of how old what is
	// asked for may be. nil: the real one.
	Now func() time.Time
}

// NewServices puts the operations in front of a tenant's parts.
func NewServices(p Parts) *Services {
	s := &Services{
		clock: p.Now, pipeline: p.Pipeline, engine: p.Engine, settings: p.Settings, insights: p.Insights, encryption: p.Encryption,
		tenant: cmp.Or(p.Tenant, identity.DefaultTenant), storage: p.Storage, disk: p.Disk, limits: p.Limits,
		maxTraces: cmp.Or(p.MaxTraces, MaxTraces), operations: map[string]handler{},
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.encryption.Store == nil {
		s.encryption.Store = plain{}
	}
	s.history.init()
	s.quotas.init(p.Quotas, s.clock)
	s.telemetry.init()
	s.retrievals = query.NewRetrievals(p.Engine, s.clock)
	operations := map[api.Operation]handler{
		api.PutTraceSegments:  s.putTraceSegments,
		api.BatchGetTraces:    operationOf(s.batchGetTraces),
		api.GetTraceSummaries: operationOf(s.getTraceSummaries),
		api.GetTraceGraph:     operationOf(s.getTraceGraph),
		api.GetServiceGraph:   operationOf(s.getServiceGraph),

		api.GetTimeSeriesServiceStatistics: operationOf(s.getTimeSeriesServiceStatistics),

		api.CreateGroup: operationOf(s.createGroup),
		api.GetGroup:    operationOf(s.getGroup),
		api.GetGroups:   operationOf(s.getGroups),
		api.UpdateGroup: operationOf(s.updateGroup),
		api.DeleteGroup: operationOf(s.deleteGroup),

		api.CreateSamplingRule: operationOf(s.createSamplingRule),
		api.GetSamplingRules:   operationOf(s.getSamplingRules),
		api.UpdateSamplingRule: operationOf(s.updateSamplingRule),
		api.DeleteSamplingRule: operationOf(s.deleteSamplingRule),

		api.GetSamplingTargets:            operationOf(s.getSamplingTargets),
		api.GetSamplingStatisticSummaries: operationOf(s.getSamplingStatisticSummaries),

		api.ListTagsForResource: operationOf(s.listTagsForResource),
		api.TagResource:         operationOf(s.tagResource),
		api.UntagResource:       operationOf(s.untagResource),

		api.GetEncryptionConfig: operationOf(s.getEncryptionConfig),
		api.PutEncryptionConfig: operationOf(s.putEncryptionConfig),

		api.PutResourcePolicy:    operationOf(s.putResourcePolicy),
		api.ListResourcePolicies: operationOf(s.listResourcePolicies),
		api.DeleteResourcePolicy: operationOf(s.deleteResourcePolicy),

		api.GetTraceSegmentDestination:    operationOf(s.getTraceSegmentDestination),
		api.UpdateTraceSegmentDestination: operationOf(s.updateTraceSegmentDestination),
		api.GetIndexingRules:              operationOf(s.getIndexingRules),
		api.UpdateIndexingRule:            operationOf(s.updateIndexingRule),

		api.StartTraceRetrieval:     operationOf(s.startTraceRetrieval),
		api.ListRetrievedTraces:     operationOf(s.listRetrievedTraces),
		api.GetRetrievedTracesGraph: operationOf(s.getRetrievedTracesGraph),
		api.CancelTraceRetrieval:    operationOf(s.cancelTraceRetrieval),

		api.GetInsightSummaries:   operationOf(s.getInsightSummaries),
		api.GetInsight:            operationOf(s.getInsight),
		api.GetInsightEvents:      operationOf(s.getInsightEvents),
		api.GetInsightImpactGraph: operationOf(s.getInsightImpactGraph),

		api.PutTelemetryRecords: operationOf(s.putTelemetryRecords),
	}
	for _, op := range api.Operations() {
		run := operations[op]
		if run == nil {
			panic("no code answers " + op.Name)
		}
		s.operations[op.Path] = run
	}
	return s
}

func (s *Services) now() tomo.Time { return tomo.TimeOf(s.clock()) }

// Collectors are the metrics of the services.
func (s *Services) Collectors() []prometheus.Collector {
	return append([]prometheus.Collector{samplingMetrics{s}}, s.telemetry.collectors...)
}

// operationOf makes a handler of a function from request to answer.
func operationOf[Request, Answer any](f func(context.Context, *Request) (*Answer, error)) handler {
	return func(ctx context.Context, op api.Operation, body []byte, out *reply) error {
		var request Request
		if err := op.Decode(body, &request); err != nil {
			return err
		}
		answer, err := f(ctx, &request)
		if err != nil {
			return err
		}
		if more, ok := any(answer).(interface{ Header() api.Beyond }); ok {
			out.beyond = more.Header()
		}
		return api.Encode(out.Buffer, answer)
	}
}
