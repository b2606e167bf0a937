package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo/store/localstore"
)

// figure is one metric that is read from the store's figures.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*localstore.Stats) float64
}

// storeMetrics shows the figures of a store as metrics.
type storeMetrics struct {
	store   *localstore.Store
	figures []figure
}

func newStoreMetrics(s *localstore.Store) *storeMetrics {
	m := &storeMetrics{store: s}
	add := func(kind prometheus.ValueType, name, help string, read func(*localstore.Stats) float64) {
		m.figures = append(m.figures, figure{prometheus.NewDesc(name, help, nil, nil), kind, read})
	}
	const now, total = prometheus.GaugeValue, prometheus.CounterValue
	add(now, "tomo_open_traces", "Traces that are not settled.", func(s *localstore.Stats) float64 { return float64(s.OpenTraces) })
	add(now, "tomo_open_documents", "Documents of open traces in memory.", func(s *localstore.Stats) float64 { return float64(s.OpenDocuments) })
	add(now, "tomo_open_bytes", "Bytes of the documents of open traces in memory.", func(s *localstore.Stats) float64 { return float64(s.OpenBytes) })
	add(now, "tomo_settle_lag_seconds", "How long the open trace that waits longest has been quiet.", func(s *localstore.Stats) float64 { return s.SettleLag.Seconds() })
	add(now, "tomo_log_bytes", "Bytes of the write-ahead log.", func(s *localstore.Stats) float64 { return float64(s.LogBytes) })
	add(now, "tomo_blocks", "Block files.", func(s *localstore.Stats) float64 { return float64(s.Blocks) })
	add(now, "tomo_block_bytes", "Bytes of the block files.", func(s *localstore.Stats) float64 { return float64(s.BlockBytes) })
	add(now, "tomo_block_traces", "Settled traces.", func(s *localstore.Stats) float64 { return float64(s.Rows) })
	add(now, "tomo_block_superseded_traces", "Rows of blocks that a later row took the place of and that compaction will drop.", func(s *localstore.Stats) float64 { return float64(s.DeadRows) })
	add(now, "tomo_block_documents", "Documents in blocks.", func(s *localstore.Stats) float64 { return float64(s.Documents) })
	add(total, "tomo_log_commits_total", "Synced writes to the log; concurrent calls share one.", func(s *localstore.Stats) float64 { return float64(s.Groups) })
	add(total, "tomo_log_documents_total", "Documents written to the log.", func(s *localstore.Stats) float64 { return float64(s.GroupDocuments) })
	add(total, "tomo_log_failed_commits_total", "Writes to the log that failed and were not acknowledged.", func(s *localstore.Stats) float64 { return float64(s.FailedWrites) })
	add(total, "tomo_settle_rounds_total", "Rounds of settling.", func(s *localstore.Stats) float64 { return float64(s.Rounds) })
	add(total, "tomo_settle_failed_rounds_total", "Rounds of settling that failed and will be done again.", func(s *localstore.Stats) float64 { return float64(s.FailedRounds) })
	add(total, "tomo_settled_traces_total", "Traces settled, those settled again included.", func(s *localstore.Stats) float64 { return float64(s.SettledTraces) })
	add(total, "tomo_compactions_total", "Compactions of blocks.", func(s *localstore.Stats) float64 { return float64(s.Compactions) })
	add(total, "tomo_expired_blocks_total", "Blocks removed because they were older than the retention.", func(s *localstore.Stats) float64 { return float64(s.ExpiredBlocks) })
	return m
}

// Describe and Collect make it a collector.
func (m *storeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for i := range m.figures {
		ch <- m.figures[i].desc
	}
}

// Collect reads the figures once for all metrics.
func (m *storeMetrics) Collect(ch chan<- prometheus.Metric) {
	stats := m.store.Stats()
	for i := range m.figures {
		f := &m.figures[i]
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.read(&stats))
	}
}
