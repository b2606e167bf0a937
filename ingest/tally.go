package ingest

import (
	"cmp"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// tally counts traces by group as they settle, those that are dropped included,
// each once: of a trace that settles again counts only what is new, a group, a
// fault, an end. A counter cannot take back: an error that a late document
// turns into a fault has been counted as an error too.
//
// It is a prometheus.Collector. Groups and rules that are gone have no series.
type tally struct {
	now func() *sorting // the rules of the moment

	traces, faults, errors, throttles *prometheus.CounterVec
	responses                         *prometheus.HistogramVec
	kept                              *prometheus.CounterVec
	unmatched, unread                 *prometheus.CounterVec

	mu      sync.Mutex // guards what follows
	follows *sorting   // what the series are for
	groups  map[string]*groupTally
	rules   map[string]*KeepCount // by name
}

// groupTally is the figures of one group.
type groupTally struct {
	name                              string
	traces, faults, errors, throttles prometheus.Counter
	responses                         prometheus.Observer
	fresh                             tomo.GroupFigures // since they were last taken
}

// KeepCount counts the traces that a keep rule decided about.
type KeepCount struct{ Kept, Dropped int64 }

// noRule is the label for traces that no keep rule matched. No rule can be
// called so.
const noRule = "(none)"

// responseBuckets are in seconds: from what a cache answers to where browsers
// and load balancers give up.
var responseBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newTally(now func() *sorting) *tally {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &tally{
		now:       now,
		traces:    counter("tomo_group_traces_total", "Traces settled, by the groups that they belong to; those that keep rules dropped included.", "group"),
		faults:    counter("tomo_group_faults_total", "Traces settled whose root was a fault (5xx), by group.", "group"),
		errors:    counter("tomo_group_errors_total", "Traces settled whose root was an error (4xx but 429), by group.", "group"),
		throttles: counter("tomo_group_throttles_total", "Traces settled whose root was throttled (429), by group.", "group"),
		responses: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tomo_group_response_time_seconds", Help: "Response times of the traces settled, by group.", Buckets: responseBuckets}, []string{"group"}),
		kept:      counter("tomo_keep_traces_total", "Traces settled for the first time, by the keep rule that decided and what it decided.", "rule", "decision"),
		unmatched: counter("tomo_group_unmatched_traces_total", "Traces settled that were not matched against a group because its filter cannot be read.", "group"),
		unread:    counter("tomo_keep_unread_rule_traces_total", "Traces kept because the filter of the keep rule that they came to cannot be read.", "rule"),
		groups:    map[string]*groupTally{},
		rules:     map[string]*KeepCount{},
	}
}

func (t *tally) collectors() []prometheus.Collector {
	return []prometheus.Collector{t.traces, t.faults, t.errors, t.throttles, t.responses, t.kept, t.unmatched, t.unread}
}

// Describe and Collect make it a prometheus.Collector.
func (t *tally) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range t.collectors() {
		c.Describe(ch)
	}
}

// Collect gives the series of the groups and rules of the moment.
func (t *tally) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow()
	for _, c := range t.collectors() {
		c.Collect(ch)
	}
}

// count counts a round of traces that have settled as round tells.
func (t *tally) count(s *sorting, due []tomo.TraceDocuments, round []sorted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow()
	for i := range round {
		now, before := round[i].summary, due[i].Before
		t.groups[tomo.DefaultGroup].count(now, before)
		for _, id := range now.Groups {
			g := t.groups[id]
			switch {
			case g == nil: // it is gone
			case before != nil && !slices.Contains(before.Groups, id):
				g.count(now, nil)
			default:
				g.count(now, before)
			}
		}
		t.decided(&round[i].decision)
	}
	for i := range s.groups {
		if g := &s.groups[i]; g.matcher == nil && t.groups[g.id] != nil {
			t.unmatched.WithLabelValues(g.name).Add(float64(len(round)))
		}
	}
}

func (t *tally) decided(d *Decision) {
	name := cmp.Or(d.Rule, noRule)
	rule := t.rules[name]
	if d.Settled || rule == nil {
		return // it was decided before, or the rule is gone
	}
	if d.Kept {
		rule.Kept++
	} else {
		rule.Dropped++
	}
	t.kept.WithLabelValues(name, outcome(d.Kept)).Inc()
	if d.Broken {
		t.unread.WithLabelValues(name).Inc()
	}
}

// decisions are the counts by the name of the rule, "" for no rule.
func (t *tally) decisions() map[string]KeepCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow()
	counts := make(map[string]KeepCount, len(t.rules))
	for name, c := range t.rules {
		if name == noRule {
			name = ""
		}
		counts[name] = *c
	}
	return counts
}

// outcome is the label for what was decided.
func outcome(kept bool) string {
	if kept {
		return "kept"
	}
	return "dropped"
}

// take gives what was counted since it was last called: of all groups, Default
// first, also of those in which nothing settled.
func (t *tally) take() []tomo.GroupFigures {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow()
	list := make([]tomo.GroupFigures, 0, len(t.groups))
	for _, g := range t.groups {
		g.fresh.Group = g.name
		list = append(list, g.fresh)
		g.fresh = tomo.GroupFigures{}
	}
	rank := func(f tomo.GroupFigures) int {
		if f.Group == tomo.DefaultGroup {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(a, b tomo.GroupFigures) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Group, b.Group))
	})
	return list
}

// follow makes series for the groups and rules of the moment, and drops those
// of others. The caller holds t.mu.
func (t *tally) follow() {
	now := t.now()
	if now == t.follows {
		return
	}
	t.follows = now
	names := map[string]string{tomo.DefaultGroup: tomo.DefaultGroup} // by id
	for i := range now.groups {
		names[now.groups[i].id] = now.groups[i].name
	}
	for id, g := range t.groups {
		if _, there := names[id]; !there {
			delete(t.groups, id)
			t.forget(prometheus.Labels{"group": g.name}, t.traces, t.faults, t.errors, t.throttles, t.unmatched)
			t.responses.DeleteLabelValues(g.name)
		}
	}
	for id, name := range names { // after that: a new group may have the name of one that went
		if t.groups[id] == nil {
			t.groups[id] = &groupTally{
				name: name, traces: t.traces.WithLabelValues(name), faults: t.faults.WithLabelValues(name), errors: t.errors.WithLabelValues(name),
				throttles: t.throttles.WithLabelValues(name), responses: t.responses.WithLabelValues(name),
			}
		}
	}
	rules := map[string]*KeepCount{noRule: {}}
	for i := range now.keep {
		rules[now.keep[i].Name] = &KeepCount{}
	}
	for name, count := range t.rules {
		if rules[name] == nil {
			t.forget(prometheus.Labels{"rule": name}, t.kept, t.unread)
		} else {
			rules[name] = count
		}
	}
	for name := range rules {
		for _, kept := range []bool{true, false} {
			t.kept.WithLabelValues(name, outcome(kept))
		}
	}
	t.rules = rules
}

func (t *tally) forget(labels prometheus.Labels, counters ...*prometheus.CounterVec) {
	for _, c := range counters {
		c.DeletePartialMatch(labels)
	}
}

// count counts what is new of a trace that settled as before, nil if it did not.
func (g *groupTally) count(now, before *tomo.Summary) {
	if before == nil {
		before = &unsettled
		g.traces.Inc()
		g.fresh.Traces++
	}
	if now.HasFault && !before.HasFault {
		g.faults.Inc()
		g.fresh.Faults++
	}
	if now.HasError && !before.HasError {
		g.errors.Inc()
		g.fresh.Errors++
	}
	if now.HasThrottle && !before.HasThrottle {
		g.throttles.Inc()
		g.fresh.Throttles++
	}
	if now.ResponseTime != tomo.Absent && before.ResponseTime == tomo.Absent {
		g.responses.Observe(now.ResponseTime.Seconds())
		g.fresh.ResponseTimes.Add(now.ResponseTime)
	}
}

// unsettled is what is known of a trace that never settled.
var unsettled = tomo.Summary{ResponseTime: tomo.Absent}
