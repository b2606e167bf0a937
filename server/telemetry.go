package server

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo/api"
)

// Bounds of what is kept of daemons' telemetry.
const (
	maxSenders = 1000 // then the one that was silent longest goes
	maxRecords = 60   // of one sender, the latest
)

// telemetry is what daemons tell of themselves.
type telemetry struct {
	segments *prometheus.CounterVec
	failures *prometheus.CounterVec
	records  prometheus.Counter

	collectors []prometheus.Collector

	mu      sync.Mutex
	senders map[api.Sender]*api.Telemetry
}

func (t *telemetry) init() {
	t.segments = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tomo_telemetry_segments_total", Help: "Segments that daemons reported, by what became of them."}, []string{"outcome"})
	t.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tomo_telemetry_connection_errors_total", Help: "Failed calls that daemons reported, by kind."}, []string{"kind"})
	t.records = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tomo_telemetry_records_total", Help: "Telemetry records received."})
	senders := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tomo_telemetry_senders", Help: "Daemons of which telemetry is kept."},
		func() float64 {
			t.mu.Lock()
			defer t.mu.Unlock()
			return float64(len(t.senders))
		})
	t.senders = map[api.Sender]*api.Telemetry{}
	t.collectors = []prometheus.Collector{t.segments, t.failures, t.records, senders}
}

func (s *Services) putTelemetryRecords(_ context.Context, request *api.PutTelemetryRecordsRequest) (*api.Empty, error) {
	if len(request.TelemetryRecords) == 0 {
		return nil, api.Invalid("Telemetry records cannot be empty")
	}
	s.telemetry.add(api.Sender{EC2InstanceID: request.EC2InstanceID, Hostname: request.Hostname, ResourceARN: request.ResourceARN}, request.TelemetryRecords)
	return &api.Empty{}, nil
}

func (t *telemetry) add(sender api.Sender, records []*api.TelemetryRecord) {
	for _, r := range records {
		t.records.Inc()
		count(t.segments, "received", r.SegmentsReceivedCount)
		count(t.segments, "sent", r.SegmentsSentCount)
		count(t.segments, "spillover", r.SegmentsSpilloverCount)
		count(t.segments, "rejected", r.SegmentsRejectedCount)
		if e := r.BackendConnectionErrors; e != nil {
			count(t.failures, "connection_refused", e.ConnectionRefusedCount)
			count(t.failures, "http_4xx", e.HTTPCode4XXCount)
			count(t.failures, "http_5xx", e.HTTPCode5XXCount)
			count(t.failures, "timeout", e.TimeoutCount)
			count(t.failures, "unknown_host", e.UnknownHostCount)
			count(t.failures, "other", e.OtherCount)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.senders[sender]
	if kept == nil {
		if len(t.senders) >= maxSenders {
			t.forgetOne()
		}
		kept = &api.Telemetry{Sender: sender}
		t.senders[sender] = kept
	}
	kept.Records = append(kept.Records, records...)
	slices.SortStableFunc(kept.Records, func(a, b *api.TelemetryRecord) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) })
	kept.Records = slices.Clone(kept.Records[max(0, len(kept.Records)-maxRecords):])
}

// forgetOne drops the sender whose latest record is the oldest. The caller holds
// t.mu.
func (t *telemetry) forgetOne() {
	var silent *api.Telemetry
	for _, k := range t.senders {
		if silent == nil || latest(k) < latest(silent) {
			silent = k
		}
	}
	delete(t.senders, silent.Sender)
}

func latest(t *api.Telemetry) api.Time { return *t.Records[len(t.Records)-1].Timestamp }

// count adds what a daemon counted. It may send negative numbers, which no
// counter takes.
func count(c *prometheus.CounterVec, label string, n *api.Count) {
	if n != nil && *n > 0 {
		c.WithLabelValues(label).Add(float64(*n))
	}
}

// list is all that is kept, by sender.
func (t *telemetry) list() []api.Telemetry {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]api.Telemetry, 0, len(t.senders))
	for _, k := range t.senders {
		list = append(list, *k)
	}
	slices.SortFunc(list, func(a, b api.Telemetry) int {
		return cmp.Or(cmp.Compare(a.Hostname, b.Hostname), cmp.Compare(a.EC2InstanceID, b.EC2InstanceID), cmp.Compare(a.ResourceARN, b.ResourceARN))
	})
	return list
}
