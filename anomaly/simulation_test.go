package anomaly_test

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/anomaly"
)

// topologies are the applications of the simulation.
var topologies = []struct {
	name     string
	services func() []*service
}{
	{"chain", func() []*service {
		return []*service{
			{name: "gateway", clients: 300, faults: 0.001, ms: 15, sigma: 0.4, calls: []calls{{"shop", 1}}},
			{name: "shop", kind: "AWS::ECS::Container", faults: 0.002, ms: 30, sigma: 0.5, calls: []calls{{"orders", 0.7}}},
			{name: "orders", faults: 0.001, ms: 25, sigma: 0.4, batch: true, calls: []calls{{"stock", 0.6}}},
			{name: "stock", faults: 0.003, ms: 20, sigma: 0.6, calls: []calls{{"stock-table", 1.5 / 2}}},
			{name: "stock-table", kind: "AWS::DynamoDB::Table", faults: 0.0005, ms: 12, sigma: 0.3},
		}
	}},
	{"fan-out", func() []*service {
		list := []*service{{name: "frontend", clients: 120, faults: 0.001, ms: 40, sigma: 0.4}}
		for i := range 7 {
			list[0].calls = append(list[0].calls, calls{fmt.Sprint("part-", i), 0.15 * float64(i+1)})
			part := &service{name: fmt.Sprint("part-", i), faults: 0.001 * float64(i), ms: 10 + 10*float64(i), sigma: 0.2 + 0.1*float64(i), batch: i == 3}
			list = append(list, part)
		}
		list[7].calls = []calls{{"archive", 0.3}}
		return append(list, &service{name: "archive", kind: "AWS::S3::Bucket", faults: 0.001, ms: 60, sigma: 0.7})
	}},
	{"diamond", func() []*service {
		return []*service{
			{name: "api", clients: 800, faults: 0.0005, ms: 10, sigma: 0.3, calls: []calls{{"price", 0.8}, {"stock", 0.5}}},
			{name: "price", faults: 0.002, ms: 20, sigma: 0.4, calls: []calls{{"catalogue", 0.5}}},
			{name: "stock", faults: 0.001, ms: 30, sigma: 0.5, calls: []calls{{"catalogue", 0.9}}},
			{name: "catalogue", faults: 0.001, ms: 25, sigma: 0.5, batch: true, calls: []calls{{"database", 1}}},
			{name: "database", kind: "Database::SQL", faults: 0.0002, ms: 15, sigma: 0.8},
		}
	}},
	{"shared", func() []*service {
		return []*service{
			{name: "web", clients: 200, faults: 0.002, ms: 50, sigma: 0.4, calls: []calls{{"accounts", 0.4}, {"search", 0.5}, {"login", 0.3}}},
			{name: "mobile", clients: 90, faults: 0.004, ms: 30, sigma: 0.5, calls: []calls{{"accounts", 0.8}, {"login", 0.6}}},
			{name: "admin", clients: 4, faults: 0.01, ms: 80, sigma: 0.7, calls: []calls{{"accounts", 1}, {"reports", 0.8}}},
			{name: "reports", faults: 0.01, ms: 300, sigma: 0.6, batch: true, calls: []calls{{"warehouse", 0.9}}},
			{name: "accounts", faults: 0.001, ms: 25, sigma: 0.4, calls: []calls{{"login", 0.2}, {"cards.example", 0.2}}},
			{name: "search", faults: 0.001, ms: 45, sigma: 0.5},
			{name: "login", faults: 0.0005, ms: 20, sigma: 0.3},
			{name: "cards.example", kind: "remote", faults: 0.005, ms: 150, sigma: 0.5},
			{name: "warehouse", kind: "Database::SQL", faults: 0.002, ms: 500, sigma: 0.8},
		}
	}},
	{"quiet", func() []*service {
		return []*service{
			{name: "intranet", clients: 6, faults: 0.005, ms: 120, sigma: 0.6, calls: []calls{{"holidays", 0.6}, {"payroll", 0.4}}},
			{name: "holidays", faults: 0.005, ms: 40, sigma: 0.5, calls: []calls{{"people", 1}}},
			{name: "payroll", faults: 0.01, ms: 200, sigma: 0.6, batch: true, calls: []calls{{"people", 1}}},
			{name: "people", kind: "Database::SQL", faults: 0.001, ms: 15, sigma: 0.4},
		}
	}},
}

// How long the worlds run, and how soon an incident has to be found. A minute
// is looked at a quarter after it is over, to let its documents come.
const (
	learning = 8 * day
	watched  = weeks * week
	soon     = 5.0
	delay    = 0.25
	// visible is how much evidence, in nats, an incident has to give in four
	// minutes to count: for an observer who knows the true rates, and on average.
	// It is 6 faults out of 6 where one in 200 is usual, 20 of 400, or 40 slow
	// requests of 80 where one in five is usual.
	visible = 30.0
)

// score counts what became of the incidents.
type score struct {
	visible, found, right, rightAtEnd int
	hidden, hiddenFound               int
	weeks                             float64
	falseAlarms, split                int
	minutes                           float64 // from begin to finding, of all found
}

func (s *score) add(o score) {
	s.visible += o.visible
	s.found += o.found
	s.right += o.right
	s.rightAtEnd += o.rightAtEnd
	s.hidden += o.hidden
	s.hiddenFound += o.hiddenFound
	s.weeks += o.weeks
	s.falseAlarms += o.falseAlarms
	s.split += o.split
	s.minutes += o.minutes
}

func (s score) String() string {
	percent := func(a, b int) float64 { return 100 * float64(a) / float64(max(b, 1)) }
	return fmt.Sprintf("%4d incidents, %5.1f %% found in 5 min, %.1f min on average; cause right: %5.1f %% in 5 min, %5.1f %% in the end; %d in pieces; of %d hardly visible %d found; %d false alarms in %.0f weeks",
		s.visible, percent(s.found, s.visible), s.minutes/float64(max(s.found, 1)), percent(s.right, s.found), percent(s.rightAtEnd, s.found),
		s.split, s.hidden, s.hiddenFound, s.falseAlarms, s.weeks)
}

// TestSimulation injects incidents of many kinds into worlds with days, weeks,
// noise and quiet services, and wants them found. docs/insights.md tells the
// figures that it logs.
func TestSimulation(t *testing.T) {
	runs := make([]run, 0, len(topologies)*seeds)
	for _, top := range topologies {
		for seed := range uint64(seeds) {
			runs = append(runs, run{t: t, name: top.name, seed: seed + 1, services: top.services(), kinds: map[string]*score{}})
		}
	}
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i := range runs {
		all.Go(func() error {
			runs[i].simulate()
			return nil
		})
	}
	_ = all.Wait()

	byName, byKind, total := map[string]*score{}, map[string]*score{}, score{}
	for i := range runs {
		r := &runs[i]
		for _, line := range r.lines {
			t.Log(line)
		}
		for kind, k := range r.kinds {
			scoreOf(byKind, kind).add(*k)
			scoreOf(byName, r.name).add(*k)
			total.add(*k)
		}
	}
	for _, by := range []map[string]*score{byName, byKind, {"all": &total}} {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			t.Logf("%-9s %v", name, by[name])
		}
	}
	if total.visible < 20*weeks*len(runs) {
		t.Errorf("only %d incidents", total.visible)
	}
	if 100*total.found < 95*total.visible {
		t.Errorf("%d of %d incidents were found in time", total.found, total.visible)
	}
	if 100*total.right < 90*total.found || 100*total.rightAtEnd < 90*total.found {
		t.Errorf("the cause of %d of %d incidents is right, %d in the end", total.right, total.found, total.rightAtEnd)
	}
	if float64(total.falseAlarms) > total.weeks {
		t.Errorf("%d false alarms in %v weeks", total.falseAlarms, total.weeks)
	}
}

func scoreOf(m map[string]*score, name string) *score {
	if m[name] == nil {
		m[name] = &score{}
	}
	return m[name]
}

// run is one world and what was found in it.
type run struct {
	t        *testing.T
	name     string
	seed     uint64
	services []*service
	kinds    map[string]*score
	lines    []string // worth a look
}

func (r *run) logf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf("%s %d: ", r.name, r.seed)+fmt.Sprintf(format, args...))
}

func (r *run) simulate() {
	w := newWorld(r.seed*100+uint64(len(r.name)), r.services)
	watch := anomaly.New(r.name)
	quiet := scoreOf(r.kinds, "(quiet)")
	quiet.weeks = float64(watched) / week
	var current *incident
	var status incidentStatus
	next := monday + learning
	known := map[string]bool{} // insights seen
	for m := monday; m < monday+learning+watched; m++ {
		if m == next {
			current = w.invent(m)
			status = incidentStatus{ids: map[string]bool{}}
			w.broken = []incident{*current}
			next += 150 + int64(w.random.IntN(150))
		}
		g := w.minute(m)
		minute := tomo.Time(m) * tomo.Minute
		insights := watch.Step(minute, map[tomo.Time]*tomo.ServiceGraph{minute: g})
		if current != nil {
			status.weigh(current, m)
		}
		for i := range insights {
			in := &insights[i]
			check(r.t, in)
			fresh := !known[in.ID]
			known[in.ID] = true
			about := current != nil && concerns(w, current, in)
			switch {
			case fresh && m >= monday+learning && (!about || float64(m) > current.to+12):
				quiet.falseAlarms++
				r.logf("false alarm at %s: %s", minute.Std().Format("Mon 15:04"), in.Summary)
			case about && (fresh || status.ids[in.ID]):
				status.see(in, m)
			}
		}
		if current != nil && m == next-20 {
			r.judge(current, &status)
		}
	}
}

// judge tells what became of an incident.
func (r *run) judge(i *incident, st *incidentStatus) {
	k := scoreOf(r.kinds, i.kind)
	if st.evidence < visible {
		k.hidden++
		if st.found > 0 {
			k.hiddenFound++
		}
		return
	}
	k.visible++
	if len(st.ids) > 1 {
		k.split++
	}
	what := fmt.Sprintf("%s at %s, %.0f %% faults, %.1f times slower", i.kind, i.service.name, 100*i.faults, i.slower)
	switch {
	case st.found == 0:
		r.logf("%s: not found", what)
		return
	case st.found > st.begin+soon:
		r.logf("%s: found after %.1f min", what, st.found-st.begin)
		return
	}
	k.found++
	k.minutes += st.found - st.begin
	if st.cause == i.service.id() {
		k.right++
	}
	if st.atEnd == i.service.id() {
		k.rightAtEnd++
	} else {
		r.logf("%s: the cause is %s first and %s in the end", what, st.cause.Name, st.atEnd.Name)
	}
}

// incidentStatus is what is known of the current incident.
type incidentStatus struct {
	evidence     float64
	begin        float64 // when it was bad enough to be seen
	begun        bool
	weighed      int
	ids          map[string]bool
	first        string  // the insight that found it
	found        float64 // when; 0: not
	cause, atEnd tomo.NodeID
}

// least is how bad an incident that grows has to be to count as begun.
const leastFaults, leastSlower = 0.05, 2

// And how much longer than usual a request has to take where something is slow.
const slowerTimes, slowerMS = 1.5, 6

// weigh adds up what an observer who knew everything could see in the first
// four whole minutes.
func (st *incidentStatus) weigh(i *incident, m int64) {
	if _, grown := i.share(m); !st.begun && grown > 0 && (i.ramp == 0 || i.faults*grown >= leastFaults || 1+(i.slower-1)*grown >= leastSlower) {
		st.begun, st.begin = true, max(i.from, float64(m))
	}
	if !st.begun || st.weighed == 4 || float64(m) < i.from {
		return
	}
	st.weighed++
	s := i.service
	here := 0.0
	if s.nowFaults > s.usualFaults {
		here = divergence(s.nowFaults, s.usualFaults)
	}
	if s.time >= slowerTimes*s.usualTime && s.time-s.usualTime >= slowerMS {
		slow := func(time float64) float64 { // the share that takes longer than 1.5 times the usual
			return 0.5 * math.Erfc(math.Log(1.5*s.usualTime/time)/s.sigma/math.Sqrt2)
		}
		here = max(here, divergence(slow(s.time), slow(s.usualTime)))
	}
	st.evidence += here * float64(s.n)
}

func divergence(q, p float64) float64 {
	q, p = min(q, 1-1e-9), max(p, 0.003)
	if q <= p {
		return 0
	}
	return q*math.Log(q/p) + (1-q)*math.Log((1-q)/(1-p))
}

// see takes an insight about the incident into account.
func (st *incidentStatus) see(in *tomo.Insight, m int64) {
	at := float64(m+1) + delay
	if len(st.ids) == 0 {
		st.found, st.first = at, in.ID
	}
	st.ids[in.ID] = true
	if in.ID != st.first {
		return
	}
	if at <= max(st.begin+soon, st.found) {
		st.cause = in.RootCause
	}
	st.atEnd = in.RootCause
}

// concerns says whether an insight can be about an incident: its services are
// the broken one, or call it.
func concerns(w *world, i *incident, in *tomo.Insight) bool {
	above := map[string]bool{i.service.name: true}
	for at := len(w.services) - 1; at >= 0; at-- {
		for _, c := range w.services[at].calls {
			if above[c.to] {
				above[w.services[at].name] = true
			}
		}
	}
	return slices.ContainsFunc(in.Affected, func(id tomo.NodeID) bool { return above[id.Name] })
}

// invent makes an incident that begins in a minute.
func (w *world) invent(m int64) *incident {
	r := w.random
	i := &incident{service: w.services[r.IntN(len(w.services))], slower: 1}
	i.from = float64(m) + r.Float64()
	i.to = i.from + 10 + 50*r.Float64()
	faults := []float64{0.05, 0.1, 0.2, 0.5, 1}
	switch r.IntN(7) {
	case 0, 1:
		i.kind, i.faults = "faults", faults[r.IntN(len(faults))]
	case 2:
		i.kind, i.slower = "slow", 2+8*r.Float64()*r.Float64()
	case 3:
		i.kind, i.faults, i.slower = "timeouts", 0.2+0.5*r.Float64(), 3+5*r.Float64()
	case 4:
		i.kind, i.faults = "blip", 0.3+0.7*r.Float64()
		i.to = i.from + 2 + 2*r.Float64()
	case 5: // it is slow, and those who call it give up
		i.kind, i.slower, i.cut = "given up", 4+4*r.Float64(), 0.2+0.5*r.Float64()
	default:
		i.kind, i.ramp = "ramp", 10+20*r.Float64()
		if r.IntN(2) == 0 {
			i.faults = 0.5
		} else {
			i.slower = 5
		}
		i.to = i.from + i.ramp + 20
	}
	return i
}

// check holds an insight against what clients read blindly: Grafana shows what
// is between the first two full stops of a closed one.
func check(t *testing.T, in *tomo.Insight) {
	t.Helper()
	sentences := strings.Split(in.Summary, ".")
	if in.RootCause.Name == "" || len(in.Top()) == 0 || len(in.Events) == 0 || len(sentences) < 3 || sentences[1] == "" || !in.Faults && !in.Slow {
		t.Errorf("an insight that breaks Grafana: %+v", in)
	}
	if in.Client.Fault+in.Client.OK > in.Client.Total || in.AtCause.Fault > in.AtCause.Total || !in.Active() && in.End <= in.Start {
		t.Errorf("an insight with odd figures: %+v", in)
	}
	if !slices.Contains(in.Affected, in.RootCause) {
		t.Errorf("the root cause is not affected: %+v", in)
	}
}
