package insights_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a store with everything that writes to it and a clock.
type house struct {
	t        *testing.T
	dir      string
	now      time.Time
	store    *localstore.Store
	settings *settings.Settings
	pipeline *ingest.Pipeline
	insights *insights.Insights
	options  insights.Options
	traces   int
}

func newHouse(t *testing.T, o insights.Options) *house {
	h := &house{t: t, dir: t.TempDir(), now: time.Date(2026, 1, 5, 10, 0, 15, 0, time.UTC), options: o}
	h.open()
	t.Cleanup(func() { h.store.Close() })
	return h
}

func (h *house) open() {
	h.t.Helper()
	clock := func() time.Time { return h.now }
	sorter := ingest.NewSorter(nil, tomo.Limits{})
	var err error
	if h.store, err = localstore.Open(h.dir, localstore.Options{Derive: sorter.Summary, Revision: sorter.Revision, Now: clock}); err != nil {
		h.t.Fatal(err)
	}
	if h.settings, err = settings.Open(h.t.Context(), h.store, settings.Options{Now: clock}); err != nil {
		h.t.Fatal(err)
	}
	sorter.Follow(h.settings)
	h.pipeline = ingest.New(h.store, ingest.Options{Now: clock, Sorter: sorter})
	h.options.Now = clock
	if h.insights, err = insights.Open(h.t.Context(), h.store, h.settings.Groups, h.options); err != nil {
		h.t.Fatal(err)
	}
}

// kill ends everything without a word and opens it again.
func (h *house) kill() {
	h.t.Helper()
	h.store.Close()
	h.open()
}

// enable enables insights of a group.
func (h *house) enable(name, filter string, on, notified bool) *tomo.Group {
	h.t.Helper()
	g, err := h.settings.UpdateGroup(h.t.Context(), settings.GroupRef{Name: name},
		settings.GroupUpdate{Filter: filter, Insights: settings.Insights{Enabled: &on, Notifications: &notified}})
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// minute lets a minute pass in which the shop gets requests, some of which the
// bank fails. It ends 15 seconds into the next, when the insights look at it.
func (h *house) minute(requests, faults int) {
	h.t.Helper()
	var docs [][]byte
	for i := range requests {
		h.traces++
		at := h.now.Add(time.Duration(i) * 30 * time.Second / time.Duration(requests))
		fault := ""
		if i < faults {
			fault = `,"fault":true`
		}
		trace := fmt.Sprintf("1-%08x-%024x", at.Unix(), h.traces)
		seconds := float64(at.UnixMilli()) / 1000
		docs = append(docs,
			fmt.Appendf(nil, `{"trace_id":%q,"id":"%016x","name":"shop","start_time":%.3f,"end_time":%.3f%s,"subsegments":[{"id":"%016x","name":"bank","namespace":"remote","start_time":%.3f,"end_time":%.3f%s}]}`,
				trace, 2*h.traces, seconds, seconds+0.2, fault, 2*h.traces+1, seconds+0.05, seconds+0.15, fault))
	}
	if len(docs) > 0 {
		if refused, err := h.pipeline.Accept(h.t.Context(), "test", docs); err != nil || refused != nil {
			h.t.Fatal(refused, err)
		}
	}
	h.now = h.now.Add(time.Minute)
	if _, err := h.pipeline.Settle(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) round() {
	h.t.Helper()
	if err := h.insights.Round(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) minutes(n, requests, faults int) {
	h.t.Helper()
	for range n {
		h.minute(requests, faults)
		h.round()
	}
}

func (h *house) list(g *tomo.Group) []*insights.Insight {
	h.t.Helper()
	list, _, err := h.insights.List(insights.Question{GroupARN: g.ARN, Range: tomo.Always})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// TestInsights takes an insight from documents to its end, over a kill, for
// the Default group and one with a filter, and leaves another group alone.
func TestInsights(t *testing.T) {
	h := newHouse(t, insights.Options{})
	all := h.enable("Default", "", true, false)
	if _, err := h.settings.CreateGroup(t.Context(), settings.Draft{Name: "bank", Filter: `service("bank")`}); err != nil {
		t.Fatal(err)
	}
	bank := h.enable("bank", `service("bank")`, true, false)
	other, err := h.settings.CreateGroup(t.Context(), settings.Draft{Name: "other", Filter: `service("shop")`})
	if err != nil {
		t.Fatal(err)
	}
	h.minutes(45, 20, 0)
	began := tomo.TimeOf(h.now).StartOfMinute()
	h.minutes(3, 20, 10)
	for _, g := range []*tomo.Group{all, bank} {
		list := h.list(g)
		if len(list) != 1 {
			t.Fatalf("group %s: %d insights", g.Name, len(list))
		}
		in := list[0]
		if !in.Active() || in.GroupName != g.Name || in.Start != began || in.RootCause != (tomo.NodeID{Name: "bank", Type: "remote"}) || len(in.Affected) != 2 ||
			in.Client.Fault != 30 || in.Client.Total != 60 || in.AtCause.Fault != 30 {
			t.Errorf("group %s: %+v", g.Name, in)
		}
		if h.insights.Insight(in.ID) != in {
			t.Errorf("insight %s is not found by its id", in.ID)
		}
	}
	if list := h.list(other); len(list) != 0 {
		t.Errorf("insights of a group without: %+v", list)
	}

	// Killed, and looked at again after some minutes: as if nothing had been.
	before := h.list(all)[0]
	h.kill()
	if diff := cmp.Diff(before.Events, h.list(all)[0].Events); diff != "" {
		t.Errorf("events after a kill:\n%s", diff)
	}
	for range 3 {
		h.minute(20, 10)
	}
	h.minutes(13, 20, 0)
	list := h.list(all)
	if len(list) != 1 || list[0].ID != before.ID || list[0].Active() || list[0].End-list[0].Start != 6*tomo.Minute || list[0].Client.Fault != 60 || list[0].Client.Total != 120 {
		t.Errorf("in the end: %+v", list)
	}

	// Another filter: nothing is known of it. Switched off: what is open closes.
	h.minutes(3, 20, 15)
	if list := h.list(all); len(list) != 2 || !list[0].Active() {
		t.Fatalf("a second one: %+v", list)
	}
	h.enable("bank", `service("bank") { fault }`, true, false)
	h.enable("Default", "", false, false)
	h.minutes(1, 20, 15)
	for _, g := range []*tomo.Group{all, bank} {
		if list := h.list(g); len(list) != 2 || list[0].Active() || list[0].Events[len(list[0].Events)-1].Kind != tomo.InsightClosed {
			t.Errorf("group %s is not watched any more: %+v", g.Name, list)
		}
	}
}

// TestEnable: when insights are enabled, what was received before is learned.
func TestEnable(t *testing.T) {
	h := newHouse(t, insights.Options{})
	for range 60 {
		h.minute(20, 0)
	}
	all := h.enable("Default", "", true, false)
	h.minutes(3, 20, 15)
	if list := h.list(all); len(list) != 1 || !list[0].Active() {
		t.Errorf("%+v", list)
	}
}

// fake is a store in memory that can fail and counts what is saved.
type fake struct {
	mu     sync.Mutex
	texts  map[string][]byte
	saves  int
	fails  error
	faults func(minute tomo.Time) int64
	read   []tomo.TimeRange
}

func (f *fake) Series(_ context.Context, r tomo.TimeRange, _ string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = append(f.read, r)
	if f.fails != nil {
		return f.fails
	}
	for m := r.Start; m < r.End; m += tomo.Minute {
		// In two parts, as stores do.
		n := f.faults(m)
		for _, s := range []tomo.Statistics{{OK: 50 - n, Fault: n}, {OK: 50}} {
			s.TotalResponseTime = time.Duration(s.Total()) * 10 * time.Millisecond
			node := tomo.Service{Node: tomo.Node{NodeID: tomo.NodeID{Name: "api"}}, Statistics: s}
			for range s.Total() {
				node.ResponseTimeHistogram.Add(10 * time.Millisecond)
			}
			each(m, &tomo.ServiceGraph{Services: []tomo.Service{node}})
		}
	}
	return nil
}

func (f *fake) LoadSettings(_ context.Context, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.texts[name], nil
}

func (f *fake) SaveSettings(_ context.Context, name string, text []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saves++
	if f.fails != nil {
		return f.fails
	}
	f.texts[name] = slices.Clone(text)
	return nil
}

func groupsOf(list ...*tomo.Group) func() []*tomo.Group { return func() []*tomo.Group { return list } }

var group = &tomo.Group{Name: "g", ARN: "arn:aws:xray:us-east-1:123456789012:group/g/AAAA", InsightsEnabled: true}

// TestRun looks at each minute once, 15 seconds after it, and saves at the end.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{texts: map[string][]byte{}, faults: func(tomo.Time) int64 { return 0 }}
		s, err := insights.Open(t.Context(), f, groupsOf(group), insights.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		f.mu.Lock()
		f.read = nil
		saves := f.saves
		f.mu.Unlock()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		now := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		last := tomo.TimeOf(now.Add(-15 * time.Second)).StartOfMinute()
		var want []tomo.TimeRange
		for back := tomo.Time(2); back >= 0; back-- {
			end := last - back*tomo.Minute
			want = append(want, tomo.TimeRange{Start: end - 5*tomo.Minute, End: end})
		}
		if diff := cmp.Diff(want, f.read); diff != "" {
			t.Errorf("what is read:\n%s", diff)
		}
		if f.saves != saves+2 {
			t.Errorf("saved %d times", f.saves-saves)
		}
	})
}

// TestTrouble: a store that fails loses nothing; bad texts are told or learned
// anew.
func TestTrouble(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 0, 20, 0, time.UTC)
	broken := tomo.Always
	f := &fake{texts: map[string][]byte{}, faults: func(m tomo.Time) int64 {
		if broken.Contains(m) && broken != tomo.Always {
			return 40
		}
		return 0
	}}
	open := func() *insights.Insights {
		s, err := insights.Open(t.Context(), f, groupsOf(group), insights.Options{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.fails = errors.New("out of order")
	broken = tomo.TimeRange{Start: tomo.TimeOf(now).StartOfMinute(), End: tomo.TimeOf(now).StartOfMinute() + 6*tomo.Minute}
	now = now.Add(3 * time.Minute)
	if err := s.Round(t.Context()); err == nil || err.Error() != "watching group g: reading its minutes: out of order" {
		t.Errorf("the error is %v", err)
	}
	f.fails = nil
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, _ := s.List(insights.Question{GroupARN: group.ARN, Range: tomo.Always})
	if len(list) != 1 || !list[0].Active() || list[0].Start != broken.Start {
		t.Fatalf("after a failure: %+v", list)
	}

	// What was learned is damaged: what is open has nobody, and is found again.
	f.texts["insight-watches"] = []byte("{")
	s = open()
	if in := s.Insight(list[0].ID); in == nil || in.Active() || in.Overlaps(tomo.TimeRange{Start: in.End, End: tomo.Always.End}) {
		t.Errorf("without a watch: %+v", in)
	}
	now = now.Add(time.Minute)
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in := s.Insight(list[0].ID); in == nil || !in.Active() {
		t.Errorf("learned anew: %+v", in)
	}

	for _, bad := range []string{"{", `{"version":7}`} {
		f.texts["insights"] = []byte(bad)
		if _, err := insights.Open(t.Context(), f, groupsOf(group), insights.Options{}); err == nil || !strings.Contains(err.Error(), "insights") {
			t.Errorf("insights %s: %v", bad, err)
		}
	}
}

// TestKeeping: pages hold on to their place, and what is old goes.
func TestKeeping(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 0, 20, 0, time.UTC)
	f := &fake{texts: map[string][]byte{}, faults: func(m tomo.Time) int64 {
		if m.Std().Minute() < 6 && m.Std().Hour()%2 == 0 {
			return 40
		}
		return 0
	}}
	s, err := insights.Open(t.Context(), f, groupsOf(group), insights.Options{Now: func() time.Time { return now }, Retention: 20 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	// A day is learned, and found to have been troubled.
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := func(q insights.Question) (ids []string, token string) {
		t.Helper()
		q.GroupARN = group.ARN
		if q.Range == (tomo.TimeRange{}) {
			q.Range = tomo.Always
		}
		list, token, err := s.List(q)
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range list {
			if i > 0 && in.Start >= list[i-1].Start {
				t.Errorf("not newest first")
			}
			ids = append(ids, in.ID)
		}
		return ids, token
	}
	all, token := page(insights.Question{})
	if len(all) < 6 || token != "" {
		t.Fatalf("%d insights, then %q", len(all), token)
	}
	var paged []string
	for next := ""; ; {
		part, token := page(insights.Question{Limit: 2, Token: next})
		paged = append(paged, part...)
		if token == "" {
			break
		}
		next = token
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("page by page:\n%s", diff)
	}
	if active, _ := page(insights.Question{Active: new(true)}); len(active) != 0 {
		t.Errorf("active: %v", active)
	}
	if closed, _ := page(insights.Question{Active: new(false)}); len(closed) != len(all) {
		t.Errorf("closed: %v", closed)
	}
	in := s.Insight(all[1])
	if some, _ := page(insights.Question{Range: tomo.TimeRange{Start: in.Start, End: in.Start + 1}}); len(some) != 1 || some[0] != in.ID {
		t.Errorf("in its first moment: %v", some)
	}
	for _, bad := range []string{"x", "aQE", "!"} {
		if _, _, err := s.List(insights.Question{GroupARN: group.ARN, Token: bad}); !errors.As(err, new(*tomo.Error)) {
			t.Errorf("token %q: %v", bad, err)
		}
	}
	now = now.Add(10 * time.Hour)
	f.faults = func(tomo.Time) int64 { return 0 }
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, _ := page(insights.Question{})
	if len(after) == 0 || len(after) >= len(all) || s.Insight(all[len(all)-1]) != nil {
		t.Errorf("%d of %d are left after the retention", len(after), len(all))
	}
}

func TestMetrics(t *testing.T) {
	h, err := insights.NewWebhook("http://127.0.0.1:1", insights.WebhookOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{texts: map[string][]byte{}, faults: func(tomo.Time) int64 { return 0 }}
	s, err := insights.Open(t.Context(), f, groupsOf(group), insights.Options{Webhook: h})
	if err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(s.Collectors()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) != 0 {
		t.Error(err, problems)
	}
}
