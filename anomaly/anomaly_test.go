package anomaly_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/anomaly"
)

// node is what a service does in a minute: each of n requests takes ms, and
// faults of them fail.
type node struct {
	name      string
	n, faults int64
	ms        int64
	calls     string // the services that it calls, each as often
	clients   bool   // all of its requests are of clients
}

// graphOf makes the graph of a minute.
func graphOf(nodes ...node) *tomo.ServiceGraph {
	g := &tomo.ServiceGraph{}
	at := map[string]int{}
	figures := func(n *node) (tomo.Statistics, tomo.Histogram) {
		counts := tomo.Statistics{OK: n.n - n.faults, Fault: n.faults, TotalResponseTime: time.Duration(n.n*n.ms) * time.Millisecond}
		var times tomo.Histogram
		addMany(&times, time.Duration(n.ms)*time.Millisecond, n.n)
		return counts, times
	}
	for i := range nodes {
		s := tomo.Service{Node: tomo.Node{NodeID: tomo.NodeID{Name: nodes[i].name}}}
		s.Statistics, s.ResponseTimeHistogram = figures(&nodes[i])
		at[nodes[i].name] = i
		g.Services = append(g.Services, s)
	}
	for i := range nodes {
		n := &nodes[i]
		if n.clients {
			g.Services = append(g.Services, tomo.Service{Node: tomo.Node{NodeID: tomo.NodeID{Name: n.name, Type: tomo.ClientType}}})
			e := tomo.ServiceEdge{From: len(g.Services) - 1, To: i}
			e.Statistics, e.ResponseTimeHistogram = figures(n)
			g.Edges = append(g.Edges, e)
		}
		for name := range strings.FieldsSeq(n.calls) {
			e := tomo.ServiceEdge{From: i, To: at[name]}
			e.Statistics, e.ResponseTimeHistogram = figures(&nodes[at[name]])
			g.Edges = append(g.Edges, e)
		}
	}
	return g
}

// watcher steps a watch minute by minute.
type watcher struct {
	watch *anomaly.Watch
	now   int64
	open  []tomo.Insight                   // after the last step
	all   map[string]tomo.Insight          // as seen last
	order []string                         // of all, by discovery
	fed   map[tomo.Time]*tomo.ServiceGraph // graphs given besides
}

func newWatcher() *watcher {
	return &watcher{watch: anomaly.New("group"), now: monday, all: map[string]tomo.Insight{}}
}

func (w *watcher) step(nodes ...node) {
	minute := tomo.Time(w.now) * tomo.Minute
	graphs := map[tomo.Time]*tomo.ServiceGraph{minute: graphOf(nodes...)}
	for m, g := range w.fed {
		graphs[m] = g
	}
	w.fed = nil
	w.take(w.watch.Step(minute, graphs))
	w.now++
}

func (w *watcher) take(list []tomo.Insight) {
	w.open = list
	for _, in := range list {
		if _, known := w.all[in.ID]; !known {
			w.order = append(w.order, in.ID)
		}
		w.all[in.ID] = in
	}
}

// steps does the same for many minutes.
func (w *watcher) steps(minutes int, nodes ...node) {
	for range minutes {
		w.step(nodes...)
	}
}

func (w *watcher) list() (list []tomo.Insight) {
	for _, id := range w.order {
		list = append(list, w.all[id])
	}
	return list
}

// Three services in a row, and the last of them failing.
func shop(faults, ms int64) []node {
	return []node{
		{name: "web", n: 100, faults: faults, ms: 40 + ms, calls: "orders", clients: true},
		{name: "orders", n: 100, faults: faults, ms: 20 + ms, calls: "stock.table"},
		{name: "stock.table", n: 100, faults: faults, ms: ms},
	}
}

func TestLife(t *testing.T) {
	w := newWatcher()
	w.steps(120, shop(0, 10)...)
	began := tomo.Time(w.now) * tomo.Minute
	w.step(shop(30, 10)...)
	if len(w.open) != 0 {
		t.Fatalf("after one minute: %+v", w.open)
	}
	w.step(shop(30, 10)...)
	if len(w.open) != 1 || !w.open[0].Active() || w.open[0].Start != began || w.open[0].RootCause.Name != "stock.table" {
		t.Fatalf("after two minutes: %+v", w.open)
	}
	w.steps(6, shop(30, 10)...)
	w.steps(9, shop(0, 10)...)
	if !w.open[0].Active() {
		t.Error("closed before ten quiet minutes")
	}
	w.step(shop(0, 10)...)
	w.step(shop(0, 10)...)
	if len(w.open) != 0 || len(w.order) != 1 {
		t.Fatalf("after ten quiet minutes: %+v", w.open)
	}
	got := w.list()[0]
	stock, orders, web := tomo.NodeID{Name: "stock.table"}, tomo.NodeID{Name: "orders"}, tomo.NodeID{Name: "web"}
	impact := func(fault, total int64) tomo.Impact {
		return tomo.Impact{Fault: fault, OK: total - fault, Total: total}
	}
	minutes := func(n tomo.Time) tomo.Time { return began + n*tomo.Minute }
	top := []tomo.NodeID{orders, stock, web} // equally bad, so by name
	end := " Clients made 800 requests in that time, of which 240 failed, and 3 services were affected. The root cause seems to be stock.table, where 240 of 800 requests failed."
	want := tomo.Insight{
		ID: got.ID, Start: began, End: minutes(8), Updated: minutes(18), Faults: true,
		RootCause: stock, Affected: top, Client: impact(240, 800), AtCause: impact(240, 800),
		Summary: "Faults were frequent for 8 minutes." + end,
	}
	for _, e := range []struct {
		after        tomo.Time
		kind         tomo.InsightEventKind
		fault, total int64
		summary      string
	}{
		{2, tomo.InsightOpened, 60, 200, "Faults have been frequent for 2 minutes. Clients made 200 requests in this time, of which 60 failed, and 3 services are affected. The root cause seems to be stock.table, where 60 of 200 requests failed."},
		{3, tomo.InsightUpdated, 90, 300, "Faults have been frequent for 3 minutes. Clients made 300 requests in this time, of which 90 failed, and 3 services are affected. The root cause seems to be stock.table, where 90 of 300 requests failed."},
		{5, tomo.InsightUpdated, 150, 500, "Faults have been frequent for 5 minutes. Clients made 500 requests in this time, of which 150 failed, and 3 services are affected. The root cause seems to be stock.table, where 150 of 500 requests failed."},
		{7, tomo.InsightUpdated, 210, 700, "Faults have been frequent for 7 minutes. Clients made 700 requests in this time, of which 210 failed, and 3 services are affected. The root cause seems to be stock.table, where 210 of 700 requests failed."},
		{18, tomo.InsightClosed, 240, 800, want.Summary},
	} {
		want.Events = append(want.Events, tomo.InsightEvent{
			Time: minutes(e.after), Kind: e.kind, Summary: e.summary, RootCause: stock,
			Client: impact(e.fault, e.total), AtCause: impact(e.fault, e.total), Top: top,
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the insight (- want, + got):\n%s", diff)
	}
	if len(got.ID) != 36 || got.ID[14] != '5' || !strings.Contains("89ab", got.ID[19:20]) {
		t.Errorf("%s is no UUID of version 5", got.ID)
	}
}

func TestSlow(t *testing.T) {
	w := newWatcher()
	w.steps(240, shop(0, 10)...)
	w.steps(5, shop(0, 60)...)
	if len(w.open) != 1 || !w.open[0].Slow || w.open[0].Faults || w.open[0].RootCause.Name != "stock.table" {
		t.Fatalf("%+v", w.open)
	}
	want := "Responses have been slow for 5 minutes. Clients made 500 requests in this time, of which 0 failed, and 3 services are affected. " +
		"The root cause seems to be stock.table, where 0 of 500 requests failed and one took 60 ms instead of 10 ms on average."
	if got := w.open[0].Summary; got != want {
		t.Errorf("summary\n%s\nwant\n%s", got, want)
	}
}

// TestSilence has what is no insight.
func TestSilence(t *testing.T) {
	quietly := func(minutes int) *watcher {
		w := newWatcher()
		w.steps(minutes, shop(0, 10)...)
		return w
	}
	tests := []struct {
		name string
		run  func() *watcher
	}{
		{"a service that is hardly known", func() *watcher {
			w := quietly(25)
			w.steps(4, shop(80, 10)...)
			return w
		}},
		{"one bad minute", func() *watcher {
			w := quietly(120)
			w.step(shop(90, 10)...)
			w.steps(20, shop(0, 10)...)
			return w
		}},
		{"a few faults in a busy service", func() *watcher {
			w := newWatcher()
			busy := node{name: "web", n: 20000, ms: 10, clients: true}
			w.steps(120, busy)
			busy.faults = 40 // one in 500: more than ever, and not much
			w.steps(10, busy)
			return w
		}},
		{"a fast service twice as slow", func() *watcher {
			w := newWatcher()
			w.steps(240, node{name: "cache", n: 500, ms: 2})
			w.steps(10, node{name: "cache", n: 500, ms: 4})
			return w
		}},
		{"no traffic", func() *watcher {
			w := quietly(120)
			w.steps(120)
			w.steps(20, shop(0, 10)...)
			return w
		}},
		{"faults that were always there", func() *watcher {
			w := newWatcher()
			w.steps(300, shop(30, 10)...)
			return w
		}},
		{"errors of clients", func() *watcher {
			w := quietly(120)
			for range 10 {
				g := graphOf(shop(0, 10)...)
				g.Services[0].Statistics.OK, g.Services[0].Statistics.Error = 0, 100
				m := tomo.Time(w.now) * tomo.Minute
				w.take(w.watch.Step(m, map[tomo.Time]*tomo.ServiceGraph{m: g}))
				w.now++
			}
			return w
		}},
	}
	for _, tt := range tests {
		if got := tt.run().list(); len(got) != 0 {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// TestQuietService: four failures in a row are enough where one in 200 is usual,
// and two requests an hour later do not end it.
func TestQuietService(t *testing.T) {
	w := newWatcher()
	for i := range 600 {
		n := node{name: "admin", n: 1, ms: 50, clients: true}
		if i%200 == 10 {
			n.faults = 1
		}
		w.step(n)
	}
	w.steps(5, node{name: "admin", n: 1, faults: 1, ms: 50, clients: true})
	if len(w.open) != 1 || w.open[0].AtCause.Fault < 4 {
		t.Fatalf("%+v", w.open)
	}
	for range 5 {
		w.steps(3)
		w.step(node{name: "admin", n: 1, faults: 1, ms: 50, clients: true})
	}
	if len(w.open) != 1 || len(w.order) != 1 {
		t.Fatalf("it is still failing: %+v", w.list())
	}
	w.steps(25)
	if in := w.list(); len(in) != 1 || in[0].Active() {
		t.Fatalf("nothing comes any more: %+v", in)
	}
}

// TestJoin: services that calls connect are one insight, others are not.
func TestJoin(t *testing.T) {
	two := func(faults int64, calls string) []node {
		return []node{
			{name: "a", n: 100, faults: faults, ms: 10, clients: true, calls: calls},
			{name: "b", n: 100, faults: faults, ms: 10},
		}
	}
	t.Run("apart", func(t *testing.T) {
		w := newWatcher()
		w.steps(120, two(0, "")...)
		w.steps(5, two(40, "")...)
		if len(w.open) != 2 {
			t.Fatalf("%+v", w.open)
		}
		older := w.open[0].ID
		// Now calls connect them.
		w.step(two(40, "b")...)
		if len(w.open) != 2 || w.open[0].Active() == w.open[1].Active() {
			t.Fatalf("not merged: %+v", w.open)
		}
		for _, in := range w.open {
			last := in.Events[len(in.Events)-1]
			if in.Active() {
				if in.ID != older || len(in.Affected) != 2 || in.RootCause.Name != "b" {
					t.Errorf("what stays is %+v", in)
				}
			} else if last.Kind != tomo.InsightMerged || !strings.HasSuffix(in.Summary, " It is a part of the older insight "+older+".") {
				t.Errorf("what goes is %+v", in)
			}
		}
		w.steps(12, two(0, "b")...)
		if len(w.open) != 0 || len(w.order) != 2 {
			t.Errorf("%+v", w.list())
		}
	})
	t.Run("in a circle", func(t *testing.T) {
		nodes := func(faults int64) []node {
			list := two(faults, "b")
			list[1].calls = "a"
			return list
		}
		w := newWatcher()
		w.steps(120, nodes(0)...)
		w.steps(5, nodes(40)...)
		if len(w.open) != 1 || len(w.open[0].Affected) != 2 || w.open[0].RootCause.Name == "" {
			t.Fatalf("%+v", w.open)
		}
	})
}

// TestNewUsual: what lasts for a day is usual from then on, and so is the end of
// it when that lasts.
func TestNewUsual(t *testing.T) {
	w := newWatcher()
	w.steps(300, shop(0, 10)...)
	w.steps(2*day, shop(25, 10)...)
	list := w.list()
	if len(list) != 1 || list[0].Active() || !strings.HasSuffix(list[0].Summary, " It lasted for a day, so it counts as usual from now on.") {
		t.Fatalf("%+v", list)
	}
	if length := list[0].End - list[0].Start; length < day*tomo.Minute || length > (day+15)*tomo.Minute {
		t.Errorf("it lasted %v", list[0].End.Sub(list[0].Start))
	}
	if !strings.HasPrefix(list[0].Summary, "Faults were frequent for 24 hours. ") {
		t.Errorf("summary %s", list[0].Summary)
	}
	w.steps(5, shop(70, 10)...)
	if len(w.open) != 1 {
		t.Errorf("even more faults: %+v", w.open)
	}
}

// TestCalendar: what happens every night, or every Saturday, is noticed at
// first and not any more when it is known.
func TestCalendar(t *testing.T) {
	tests := []struct {
		name    string
		days    int
		happens func(day, minute int64) bool
		learned int // days after which it is known
	}{
		{"nightly", 14, func(_, minute int64) bool { return minute >= 150 && minute < 180 }, 5},
		{"weekly", 42, func(d, minute int64) bool { return d%7 == 5 && minute >= 600 && minute < 630 }, 27},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWatcher()
			random := rand.New(rand.NewPCG(7, 7))
			before, after := 0, 0
			for d := range tt.days {
				for m := range int64(day) {
					faults, ms := 0.002, int64(10)
					if tt.happens(int64(d), m) {
						faults, ms = 0.08, 40
					}
					n := int64(200 + random.IntN(50))
					known := len(w.order)
					w.step(node{name: "jobs", n: n, faults: binomial(random, n, faults), ms: ms, clients: true})
					if len(w.order) > known && d < tt.learned {
						before++
					} else if len(w.order) > known {
						after++
					}
				}
			}
			if before == 0 || after != 0 {
				t.Errorf("%d insights before it was known, %d after", before, after)
			}
		})
	}
}

// TestRestart: writing and reading a watch at any time changes nothing.
func TestRestart(t *testing.T) {
	script := func(w *watcher, each func()) []tomo.Insight {
		random := rand.New(rand.NewPCG(3, 3))
		for m := range 2200 {
			faults, ms := int64(random.IntN(2)), int64(10)
			if m%700 > 650 {
				faults = 20
			}
			if m%500 > 480 {
				ms = 50
			}
			w.step(shop(faults, ms)...)
			each()
		}
		return w.list()
	}
	want := script(newWatcher(), func() {})
	if len(want) < 4 {
		t.Fatalf("only %d insights", len(want))
	}
	w := newWatcher()
	minute := 0
	got := script(w, func() {
		if minute++; minute%7 != 0 {
			return
		}
		text, err := json.Marshal(w.watch)
		if err != nil {
			t.Fatal(err)
		}
		if limit := 3 * 10_000; len(text) > limit {
			t.Fatalf("%d bytes for three services", len(text))
		}
		w.watch = &anomaly.Watch{}
		if err := json.Unmarshal(text, w.watch); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with restarts (- without, + with):\n%s", diff)
	}
}

// TestLate: a graph that grows for some minutes after its own is as good as one
// that was whole at once, but for what was told meanwhile.
func TestLate(t *testing.T) {
	last := func(late bool) tomo.Insight {
		w := newWatcher()
		w.steps(120, shop(0, 10)...)
		for range 20 {
			minute := tomo.Time(w.now) * tomo.Minute
			if late {
				w.fed = map[tomo.Time]*tomo.ServiceGraph{
					minute - (anomaly.LateMinutes-1)*tomo.Minute: graphOf(shop(25, 10)...),
					minute - anomaly.LateMinutes*tomo.Minute:     graphOf(shop(100, 10)...), // too late
				}
				w.step(shop(20, 10)...)
				continue
			}
			w.step(shop(25, 10)...)
		}
		w.steps(anomaly.LateMinutes-1, shop(0, 10)...)
		w.steps(20, shop(0, 10)...)
		in := w.list()
		if len(in) != 1 {
			t.Fatalf("%+v", in)
		}
		return in[0]
	}
	once := last(false)
	grown := last(true)
	// The last four of the twenty minutes never got whole.
	if grown.Client.Total != grown.AtCause.Total || grown.Client.Fault < 25*16 || grown.Client.Fault > once.Client.Fault+100 {
		t.Errorf("with late graphs %+v, at once %+v", grown.Client, once.Client)
	}
}

// TestGap: minutes that nobody looked at are empty, and hours of them end
// everything.
func TestGap(t *testing.T) {
	w := newWatcher()
	w.steps(120, shop(0, 10)...)
	w.steps(5, shop(50, 10)...)
	w.now += 3
	w.step(shop(50, 10)...)
	if len(w.open) != 1 || len(w.order) != 1 {
		t.Fatalf("after a short gap: %+v", w.open)
	}
	w.now += 30 * day
	w.step(shop(0, 10)...)
	if in := w.list(); len(in) != 1 || in[0].Active() || in[0].End-in[0].Start != 9*tomo.Minute {
		t.Fatalf("after a long one: %+v", in)
	}
	if got := w.watch.Step(tomo.Time(w.now-5)*tomo.Minute, nil); got != nil {
		t.Errorf("a minute that was judged: %+v", got)
	}
}

// TestEnd closes what is open with its last odd minute.
func TestEnd(t *testing.T) {
	w := newWatcher()
	w.steps(120, shop(0, 10)...)
	w.steps(5, shop(50, 10)...)
	w.steps(2, shop(0, 10)...)
	got := w.watch.End()
	if len(got) != 1 || got[0].Active() || got[0].ID != w.order[0] || got[0].End-got[0].Start != 5*tomo.Minute || got[0].Events[len(got[0].Events)-1].Kind != tomo.InsightClosed {
		t.Fatalf("%+v", got)
	}
	if again := w.watch.End(); len(again) != 0 {
		t.Errorf("closed again: %+v", again)
	}
}

// TestBounds: services without end are not watched, and those that are gone make
// room.
func TestBounds(t *testing.T) {
	w := newWatcher()
	for m := range 300 {
		var nodes []node
		for i := range 10 {
			nodes = append(nodes, node{name: fmt.Sprint("lambda-", 10*m+i), n: 5, ms: 10})
		}
		w.step(nodes...)
	}
	text, err := json.Marshal(w.watch)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "lambda-"); n != 500 {
		t.Errorf("%d services are watched", n)
	}
	w.now += 15 * day
	w.steps(300, shop(0, 10)...)
	w.steps(5, shop(50, 10)...)
	if len(w.open) != 1 {
		t.Errorf("there is no room for others: %+v", w.open)
	}
}

// TestBadState: what was not written by a watch is refused and harms nothing.
func TestBadState(t *testing.T) {
	for _, text := range []string{
		`[]`, `{"services":[null]}`, `{"calls":{"0>1":5}}`, `{"calls":{"x":5}}`, `{"open":[null]}`, `{"open":[{"cause":3}]}`,
		`{"services":[{"id":{"Name":"a"}}],"open":[{"members":[{"service":-1}]}]}`,
		`{"services":[{"id":{"Name":"a"},"own":{"season":{"kept":5,"slots":"AAAA"}}}]}`,
	} {
		w := anomaly.New("x")
		if err := json.Unmarshal([]byte(text), w); err == nil {
			t.Errorf("%s is taken", text)
		}
		if w.Last() != 0 || len(w.Step(tomo.Time(monday)*tomo.Minute, nil)) != 0 {
			t.Errorf("%s left something", text)
		}
	}
}
