package ingest

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// Losses is the ledger of what was sent and is not, or no longer, to be seen:
// counts of documents by reason, and the latest thousand cases. Vanished traces
// are the first complaint of X-Ray's users. The ledger is in memory: it begins
// anew with the process.
type Losses struct {
	mu     sync.Mutex // guards what follows
	recent []tomo.Loss
	next   int // where the oldest is, once recent is full
	counts map[tomo.LossReason]int64
}

// keptLosses is how many cases are listed.
const keptLosses = 1000

// NewLosses makes an empty ledger.
func NewLosses() *Losses { return &Losses{counts: map[tomo.LossReason]int64{}} }

// Add notes a loss.
func (l *Losses) Add(loss tomo.Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[loss.Reason] += int64(max(1, loss.Count))
	if len(l.recent) < keptLosses {
		l.recent = append(l.recent, loss)
		return
	}
	l.recent[l.next] = loss
	l.next = (l.next + 1) % keptLosses
}

// Recent lists the latest losses, newest first, at most a thousand.
func (l *Losses) Recent() []tomo.Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.recent)
	list := make([]tomo.Loss, n)
	for i := range list {
		list[i] = l.recent[(l.next+n-1-i)%n]
	}
	return list
}

// Counts is the number of documents lost, by reason.
func (l *Losses) Counts() map[tomo.LossReason]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[tomo.LossReason]int64{}
	for _, r := range []tomo.LossReason{tomo.LossRefused, tomo.LossDropped, tomo.LossTruncated, tomo.LossSuperseded, tomo.LossExpired} {
		counts[r] = l.counts[r]
	}
	return counts
}

var lossesDesc = prometheus.NewDesc("tomo_lost_documents_total",
	"Segment documents that are not, or no longer, to be seen as they were sent, by reason.", []string{"reason"}, nil)

// Describe and Collect make the counts a metric.
func (l *Losses) Describe(ch chan<- *prometheus.Desc) { ch <- lossesDesc }

// Collect gives the counts.
func (l *Losses) Collect(ch chan<- prometheus.Metric) {
	for reason, n := range l.Counts() {
		ch <- prometheus.MustNewConstMetric(lossesDesc, prometheus.CounterValue, float64(n), string(reason))
	}
}
