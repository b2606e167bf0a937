package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
)

// backend is a store in which a test says what is due.
type backend struct {
	due     []tomo.TraceDocuments
	settled []tomo.Settled
	fails   error
}

func (b *backend) PutSegments(context.Context, []tomo.Incoming) ([]tomo.Over, error) { return nil, nil }
func (b *backend) Maintain(context.Context) error                                    { return nil }
func (b *backend) Due(context.Context, tomo.SettlePolicy) ([]tomo.TraceDocuments, error) {
	return b.due, nil
}

func (b *backend) Settle(_ context.Context, rows []tomo.Settled) error {
	b.settled = rows
	return b.fails
}

// plant is a pipeline whose rules and due traces a test sets.
type plant struct {
	t     testing.TB
	store backend
	rules
	*ingest.Pipeline
	metrics *prometheus.Registry
}

func newPlant(t testing.TB) *plant {
	p := &plant{t: t, metrics: prometheus.NewRegistry()}
	p.rules = *groupsOf(nil)
	sorter := ingest.NewSorter(nil, tomo.Limits{})
	sorter.Follow(&p.rules)
	p.Pipeline = ingest.New(&p.store, ingest.Options{Sorter: sorter})
	p.metrics.MustRegister(p.Collectors()...)
	return p
}

func (p *plant) set(change func(r *rules)) {
	r := p.rules // what was handed out must not change
	r.groups = slices.Clone(r.groups)
	r.revision++
	change(&r)
	p.rules = r
}

// settle settles traces, each given by its documents, and what it was before.
func (p *plant) settle(traces ...tomo.TraceDocuments) []tomo.Settled {
	p.t.Helper()
	p.store.due = traces
	if more, err := p.Settle(p.t.Context()); err != nil || !more {
		p.t.Fatalf("settling: %v %v", more, err)
	}
	return p.store.settled
}

// idOf is the id of the nth trace.
func idOf(n int) tomo.TraceID {
	return tomo.TraceID{0x69, 0x5b, 0x8b, 0xa0, 15: byte(n), 14: byte(n >> 8)}
}

// made is a trace of one segment with the given members.
func made(n int, members string) tomo.TraceDocuments {
	text := fmt.Sprintf(`{"trace_id":"%v","id":"00000000000000a1","name":"shop","start_time":1767607200%s}`, idOf(n), members)
	return tomo.TraceDocuments{ID: idOf(n), Documents: []tomo.RawDocument{{Text: []byte(text), Received: 1767607201e6}}}
}

const (
	fine     = `,"end_time":1767607200.1`
	slow     = `,"end_time":1767607203`
	failed   = `,"end_time":1767607200.1,"fault":true,"cause":{"exceptions":[{"id":"00000000000000e1","type":"Full"}]}`
	erred    = `,"end_time":1767607200.1,"error":true`
	limited  = `,"end_time":1767607200.1,"throttle":true`
	underway = `,"in_progress":true`
)

// samples are the values of the counters and the counts of the histograms whose
// names begin so, but those that are 0.
func (p *plant) samples(prefix string) map[string]float64 {
	p.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			value := m.GetCounter().GetValue()
			if f.GetType() == dto.MetricType_HISTOGRAM {
				value = float64(m.GetHistogram().GetSampleCount())
			}
			if strings.HasPrefix(f.GetName(), prefix) && value != 0 {
				all[strings.TrimSpace(strings.TrimPrefix(f.GetName(), prefix)+labels(m))] = value
			}
		}
	}
	return all
}

func labels(m *dto.Metric) (text string) {
	for _, l := range m.Label {
		text += " " + l.GetValue()
	}
	return text
}

// series are the label values of a metric.
func (p *plant) series(name string) (list []string) {
	p.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				list = append(list, strings.TrimSpace(labels(m)))
			}
		}
	}
	return list
}

// TestMembership: a trace joins the groups that it matches whenever it settles,
// and leaves none.
func TestMembership(t *testing.T) {
	p := newPlant(t)
	p.set(func(r *rules) {
		r.groups = append(r.groups, group("slow", "responsetime > 2"), group("failed", "fault"), group("open", "partial"),
			group("why", `rootcause.fault.service { name = "shop" }`), group("nested", `group.name = "slow" OR group.name = "failed"`), group("lost", `group.name = "nobody"`))
	})
	check := func(before []string, members string, want ...string) *tomo.Summary {
		t.Helper()
		trace := made(1, members)
		if before != nil {
			trace.Before = &tomo.Summary{ID: trace.ID, Groups: before}
		}
		got := p.settle(trace)[0]
		for i := range want {
			want[i] = "ID" + want[i]
		}
		if !slices.Equal(got.Summary.Groups, want) || got.Dropped {
			t.Errorf("%s, before in %v: in %v, want %v", members, before, got.Summary.Groups, want)
		}
		return got.Summary
	}
	check(nil, fine)
	check(nil, slow, "nested", "slow")
	check(nil, failed, "failed", "nested", "why")
	check(nil, underway, "open")
	s := check([]string{"IDgone", "IDopen"}, slow, "gone", "nested", "open", "slow")
	check(s.Groups, fine, "gone", "nested", "open", "slow")
	check([]string{}, fine)

	// Another filter counts from the next trace on, and for open traces at once.
	p.set(func(r *rules) { r.groups[1] = group("slow", "duration <= 1") })
	check(nil, fine, "nested", "slow")
	open := made(2, slow)
	if got := p.Sorter().Summary(open.ID, open.Documents); len(got.Groups) != 0 {
		t.Errorf("an open trace is in %v", got.Groups)
	}
	open = made(2, failed)
	if got := p.Sorter().Summary(open.ID, open.Documents); !slices.Equal(got.Groups, []string{"IDfailed", "IDnested", "IDslow", "IDwhy"}) {
		t.Errorf("an open trace is in %v", got.Groups)
	}
	p.set(func(r *rules) { r.groups = r.groups[:1] })
	check(nil, failed)
}

// TestMembershipIsMatch: whatever the traces and the filters, membership is what
// Match says of the whole detail.
func TestMembershipIsMatch(t *testing.T) {
	words := []string{"fault", "error", "ok", "partial", "responsetime > 1", "duration < 1", `service("shop")`, `service("bank") { http.url CONTAINS "b" }`,
		`edge("shop", "bank") { duration > 0.5 }`, `rootcause.fault.service { name = "bank" }`, `rootcause.responsetime.entity { name = "bank" }`, `rootcause.error.entity { name = "shop" }`,
		`annotation.k = 1`, `service("shop") { annotation.k }`, `group.name = "g0"`, `http.status >= 500`}
	rapid.Check(t, func(rt *rapid.T) {
		expression := rapid.Custom(func(rt *rapid.T) string {
			text := rapid.SampledFrom(words).Draw(rt, "word")
			for range rapid.IntRange(0, 2).Draw(rt, "more") {
				text = "(" + rapid.SampledFrom([]string{"", "!"}).Draw(rt, "not") + text + ") " + rapid.SampledFrom([]string{"AND", "OR"}).Draw(rt, "op") + " " + rapid.SampledFrom(words).Draw(rt, "word")
			}
			return text
		})
		p := newPlant(t)
		filters := rapid.SliceOfN(expression, 0, tomo.MaxGroups-1).Draw(rt, "groups")
		p.set(func(r *rules) { r.groups = groupsOf(filters).groups })
		keep := rapid.SliceOfN(expression, 0, 3).Draw(rt, "rules")
		p.set(func(r *rules) {
			for i, text := range keep {
				r.keep.Rules = append(r.keep.Rules, tomo.KeepRule{Name: fmt.Sprint("k", i), Filter: text, Rate: float64(i % 2)})
			}
		})
		trace := drawnTrace(rt)
		switch rapid.SampledFrom([]string{"derived now", "derived before", "by older rules"}).Draw(rt, "summary") {
		case "derived before":
			trace.Revision = p.Sorter().Revision()
			trace.Summary = p.Sorter().Summary(trace.ID, trace.Documents)
		case "by older rules":
			trace.Revision = p.Sorter().Revision() - 1
			trace.Summary = derive.Summary(trace.ID, trace.Documents)
			trace.Summary.Groups = []string{"IDold"}
		}
		got := p.settle(trace)[0]
		detail := derive.Detail(trace.ID, trace.Documents)
		matches := func(text string) bool {
			e, err := filter.Parse(text)
			if err != nil {
				rt.Fatal(err)
			}
			return filter.Match(e, detail, p.Expression)
		}
		var want []string
		for i, text := range filters {
			if matches(text) {
				want = append(want, fmt.Sprintf("IDg%02d", i))
			}
		}
		if !slices.Equal(got.Summary.Groups, want) {
			rt.Errorf("groups %v, want %v", got.Summary.Groups, want)
		}
		dropped, rule := false, ""
		for i, text := range keep {
			if matches(text) {
				dropped, rule = i%2 == 0, fmt.Sprint("k", i)
				break
			}
		}
		if got.Dropped != dropped {
			rt.Errorf("dropped %v, want %v by %q", got.Dropped, dropped, rule)
		}
		if d := p.Sorter().Decide(detail); d.Kept == dropped || d.Rule != rule {
			rt.Errorf("Decide says %+v, want rule %q, dropped %v", d, rule, dropped)
		}
	})
}

// drawnTrace is a shop that calls a bank, or not, with this or that outcome.
func drawnTrace(t *rapid.T) tomo.TraceDocuments {
	outcome := func() string {
		return rapid.SampledFrom([]string{fine, slow, failed, erred, limited, underway, `,"end_time":1767607200.7,"fault":true,"http":{"request":{"url":"abc"},"response":{"status":502}}`,
			`,"end_time":1767607200.7,"annotations":{"k":1}`}).Draw(t, "outcome")
	}
	trace := made(1, outcome()+`,"subsegments":[{"id":"00000000000000a2","name":"bank","namespace":"remote","start_time":1767607200`+outcome()+`}]`)
	if rapid.Bool().Draw(t, "bank answers") {
		text := fmt.Sprintf(`{"trace_id":"%v","id":"00000000000000b1","parent_id":"00000000000000a2","name":"bank","start_time":1767607200%s}`, trace.ID, outcome())
		trace.Documents = append(trace.Documents, tomo.RawDocument{Text: []byte(text), Received: 1767607202e6})
	}
	return trace
}

func TestKeep(t *testing.T) {
	p := newPlant(t)
	p.set(func(r *rules) {
		r.groups = append(r.groups, group("bad", "fault"))
		r.keep.Rules = []tomo.KeepRule{{Name: "keep-bad", Filter: `group.name = "bad" OR error`, Rate: 1}, {Name: "no-throttles", Filter: "throttle"}, {Name: "slow", Filter: "responsetime > 1", Rate: 0.25}}
	})
	const n = 400
	var traces []tomo.TraceDocuments
	for i := range n {
		traces = append(traces, made(i, []string{failed, erred, limited, slow, fine}[i%5]))
	}
	kept := map[int]int{}
	for i, row := range p.settle(traces...) {
		if !row.Dropped {
			kept[i%5]++
		}
	}
	if kept[0] != n/5 || kept[1] != n/5 || kept[2] != 0 || kept[4] != n/5 || kept[3] < 8 || kept[3] > 35 {
		t.Errorf("kept %v of %d each", kept, n/5)
	}
	want := map[string]float64{"kept keep-bad": 2 * n / 5, "dropped no-throttles": n / 5,
		"kept slow": float64(kept[3]), "dropped slow": float64(n/5 - kept[3]), "kept (none)": n / 5}
	if diff := cmp.Diff(want, p.samples("tomo_keep_traces_total")); diff != "" {
		t.Errorf("decisions (-want +got)\n%s", diff)
	}
	// It is the same traces each time.
	for i, row := range p.settle(traces...) {
		if i%5 == 3 && row.Dropped != !(&tomo.KeepRule{Rate: 0.25}).Keeps(idOf(i)) {
			t.Errorf("trace %d: dropped %v", i, row.Dropped)
		}
	}

	// What has a row stays, whatever it becomes, and is decided once.
	before := p.samples("tomo_keep_traces_total")
	again := made(1, limited)
	again.Before = &tomo.Summary{ID: again.ID}
	if p.settle(again)[0].Dropped {
		t.Error("a trace with a row is dropped")
	}
	if diff := cmp.Diff(before, p.samples("tomo_keep_traces_total")); diff != "" {
		t.Errorf("decisions (-want +got)\n%s", diff)
	}

	// Rules that are gone have no series.
	p.set(func(r *rules) { r.keep.Rules = r.keep.Rules[1:2] })
	if got := p.series("tomo_keep_traces_total"); !slices.Equal(got, []string{"dropped (none)", "dropped no-throttles", "kept (none)", "kept no-throttles"}) {
		t.Errorf("series %q", got)
	}
}

// TestUnreadable: what another version wrote and this one cannot read neither
// stops anything nor throws anything away.
func TestUnreadable(t *testing.T) {
	p := newPlant(t)
	p.set(func(r *rules) {
		r.groups = append(r.groups, group("future", "fault ~ 3"), group("bad", "fault"), group("mentions", `group.name = "future"`))
		r.keep.Rules = []tomo.KeepRule{{Name: "errors", Filter: "error"}, {Name: "future", Filter: "fault ~ 3"}, {Name: "all"}}
	})
	rows := p.settle(made(1, failed), made(2, erred), made(3, fine))
	if !slices.Equal(rows[0].Summary.Groups, []string{"IDbad"}) || rows[0].Dropped || !rows[1].Dropped || rows[2].Dropped {
		t.Errorf("settled as %+v", rows)
	}
	want := map[string]float64{"group_unmatched_traces_total future": 3, "keep_unread_rule_traces_total future": 2}
	got := p.samples("tomo_")
	maps.DeleteFunc(got, func(name string, _ float64) bool { return !strings.Contains(name, "_un") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got)\n%s", diff)
	}
	p.set(func(r *rules) { r.groups, r.keep.Rules = r.groups[:1], nil })
	p.settle(made(4, failed))
	for _, name := range []string{"tomo_group_unmatched_traces_total", "tomo_keep_unread_rule_traces_total"} {
		if got := p.series(name); len(got) != 0 {
			t.Errorf("series of what is gone: %s %q", name, got)
		}
	}
}

// TestGroupMetrics counts each trace once, and of one that settles again what
// is new.
func TestGroupMetrics(t *testing.T) {
	p := newPlant(t)
	p.set(func(r *rules) {
		r.groups = append(r.groups, group("bad", "fault"), group("all", ""))
		r.keep.Rules = []tomo.KeepRule{{Name: "nothing"}} // what is dropped counts too
	})
	rows := p.settle(made(1, fine), made(2, failed), made(3, erred), made(4, limited), made(5, underway))
	want := map[string]float64{
		"traces_total Default": 5, "faults_total Default": 1, "errors_total Default": 1, "throttles_total Default": 1, "response_time_seconds Default": 4,
		"traces_total all": 5, "faults_total all": 1, "errors_total all": 1, "throttles_total all": 1, "response_time_seconds all": 4,
		"traces_total bad": 1, "faults_total bad": 1, "response_time_seconds bad": 1,
	}
	check := func() {
		t.Helper()
		if diff := cmp.Diff(want, p.samples("tomo_group_")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	check()

	// The open one ends, with a fault; one that failed comes again as it was; an
	// error has become a fault.
	again := func(before tomo.Settled, members string) tomo.TraceDocuments {
		trace := made(int(before.Summary.ID[15]), members)
		trace.Before = before.Summary
		return trace
	}
	rows = p.settle(again(rows[4], failed), again(rows[1], failed), again(rows[2], failed))
	want["faults_total Default"], want["faults_total all"] = 3, 3
	want["traces_total bad"], want["faults_total bad"], want["response_time_seconds bad"] = 3, 3, 3
	want["response_time_seconds Default"], want["response_time_seconds all"] = 5, 5
	check()
	p.settle(again(rows[0], failed), again(rows[1], fine))
	check()

	// A round that fails counts when it is done again.
	p.store.fails = &tomo.Error{Code: tomo.Unavailable, Message: "full"}
	p.store.due = []tomo.TraceDocuments{made(6, failed)}
	if _, err := p.Settle(t.Context()); err == nil {
		t.Error("no error")
	}
	check()
	p.store.fails = nil
	p.settle(made(6, failed))
	for _, group := range []string{"Default", "all", "bad"} {
		for _, name := range []string{"traces_total", "faults_total", "response_time_seconds"} {
			want[name+" "+group]++
		}
	}
	check()

	// A group that goes takes its series along; one that is made anew with its
	// name begins at 0; another filter changes nothing of what was counted.
	p.set(func(r *rules) {
		anew := *r.groups[1]
		anew.ARN += "2"
		r.groups[1] = &anew
		r.groups[2] = group("all", "ok")
	})
	for name := range want {
		if strings.HasSuffix(name, " bad") {
			delete(want, name)
		}
	}
	check()
	p.set(func(r *rules) { r.groups = r.groups[:1] })
	if got := p.series("tomo_group_traces_total"); !slices.Equal(got, []string{"Default"}) {
		t.Errorf("series %q", got)
	}
}

// TestGroupFigures gives everything once.
func TestGroupFigures(t *testing.T) {
	p := newPlant(t)
	p.set(func(r *rules) {
		r.groups = append(r.groups, group("slow", "responsetime > 1"), group("Alpha", "fault"))
	})
	take := func() (list []string) {
		for _, f := range p.GroupFigures() {
			list = append(list, fmt.Sprintf("%s %d %d %d %d %v", f.Group, f.Traces, f.Faults, f.Errors, f.Throttles, f.ResponseTimes.Bins()))
		}
		return list
	}
	none := []string{"Default 0 0 0 0 []", "Alpha 0 0 0 0 []", "slow 0 0 0 0 []"}
	if diff := cmp.Diff(none, take()); diff != "" {
		t.Errorf("at first (-want +got)\n%s", diff)
	}
	p.settle(made(1, slow), made(2, fine))
	p.settle(made(3, fine), made(4, erred), made(5, limited))
	if diff := cmp.Diff([]string{"Default 5 0 1 1 [{100 4} {3000 1}]", "Alpha 0 0 0 0 []", "slow 1 0 0 0 [{3000 1}]"}, take()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(none, take()); diff != "" {
		t.Errorf("afterwards (-want +got)\n%s", diff)
	}
}

// TestKeepRulesAreLogged: whoever reads the log knows from when on what was dropped.
func TestKeepRulesAreLogged(t *testing.T) {
	var out bytes.Buffer
	p := &plant{t: t}
	p.rules = *groupsOf(nil)
	sorter := ingest.NewSorter(slog.New(slog.NewTextHandler(&out, nil)), tomo.Limits{})
	sorter.Follow(&p.rules)
	p.Pipeline = ingest.New(&p.store, ingest.Options{Sorter: sorter})
	said := func(want string) {
		t.Helper()
		out.Reset()
		p.settle(made(1, fine))
		if got := out.String(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("the log says %q, want %q", got, want)
		}
	}
	said("")
	p.set(func(r *rules) {
		r.keep = tomo.KeepRules{Revision: 1, Rules: []tomo.KeepRule{{Name: "bad", Filter: "fault", Rate: 1}, {Name: "rest", Rate: 0.05}}}
	})
	said(`msg="keep rules in force" rates="[bad: 1 rest: 0.05]"`)
	said("")
	p.set(func(r *rules) { r.groups = groupsOf([]string{"fault"}).groups })
	said("") // that was about groups
	p.set(func(r *rules) { r.keep = tomo.KeepRules{Revision: 2} })
	said(`msg="keep rules in force" rates=[]`)
}
