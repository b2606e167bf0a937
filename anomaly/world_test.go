package anomaly_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/tomotrace/tomo"
)

// world makes the service graphs of the minutes of a made-up application: its
// traffic has days and weeks, its services fail and wait for each other, and
// one can break them.
type world struct {
	services []*service // callers before callees
	random   *rand.Rand
	load     drift // of everything
	broken   []incident
}

// service is one of them, with how it is when nothing is wrong.
type service struct {
	name, kind string
	clients    float64 // requests a minute by clients, at an average hour
	faults     float64 // share of the requests that fail by its own fault
	ms         float64 // that a request takes by itself
	sigma      float64 // of the logarithm of what it takes
	calls      []calls
	batch      bool // is slower and fails more often from 2:00 to 2:30

	at          int
	ownFaults   drift
	ownTime     drift
	n           int64
	failed      int64
	time        float64 // that a request takes, in the middle
	nowMS       float64 // by itself
	nowFaults   float64 // share that fails by its own fault, now
	nowCut      float64 // share of the calls to it that its callers give up
	usualFaults float64 // and would, were nothing broken
	usualTime   float64
}

// calls is what a service asks of another: with what probability in a request.
type calls struct {
	to    string
	share float64
}

// drift wanders about 0: an autoregressive process of one step a minute.
type drift struct{ at float64 }

func (d *drift) step(r *rand.Rand, sd float64) float64 {
	const keeps = 0.98
	d.at = keeps*d.at + math.Sqrt(1-keeps*keeps)*sd*r.NormFloat64()
	return d.at
}

// incident is something that breaks.
type incident struct {
	kind     string
	service  *service
	from, to float64 // minutes
	faults   float64 // share of the requests that fail
	slower   float64 // times
	cut      float64 // share of the calls to it that fail in its callers alone
	ramp     float64 // minutes until it is as bad as that
}

// share is how much of a minute the incident lies in, and how far it has got.
func (i *incident) share(minute int64) (share, grown float64) {
	begin, end := max(i.from, float64(minute)), min(i.to, float64(minute+1))
	if begin >= end {
		return 0, 0
	}
	grown = 1
	if i.ramp > 0 {
		grown = min(1, ((begin+end)/2-i.from)/i.ramp)
	}
	return end - begin, grown
}

func newWorld(seed uint64, services []*service) *world {
	w := &world{services: services, random: rand.New(rand.NewPCG(seed, 1))}
	for i, s := range services {
		s.at = i
	}
	return w
}

func (w *world) named(name string) *service {
	for _, s := range w.services {
		if s.name == name {
			return s
		}
	}
	panic(name)
}

const (
	day  = 24 * 60
	week = 7 * day
	// monday is the first minute of the worlds: a Monday, 0:00.
	monday = int64(1767571200/60) / day * day
)

// traffic is how much of the average there is at a minute.
func traffic(minute int64) float64 {
	hour := float64(minute%day) / 60
	share := 1 + 0.6*math.Sin((hour-9)/24*2*math.Pi) + 0.15*math.Sin((hour-4)/12*2*math.Pi)
	if (minute-monday)%week >= 5*day {
		share *= 0.6
	}
	return share
}

// minute makes the graph of the next minute.
func (w *world) minute(minute int64) *tomo.ServiceGraph {
	r := w.random
	share := traffic(minute) * math.Exp(w.load.step(r, 0.1))
	for _, s := range w.services {
		s.n = 0
	}
	type edge struct {
		from, to  *service
		n, failed int64
	}
	var edges []edge
	for _, s := range w.services { // callers first
		entry := poisson(r, s.clients*share)
		if s.clients > 0 {
			edges = append(edges, edge{nil, s, entry, 0})
		}
		s.n += entry
		for _, c := range s.calls {
			to := w.named(c.to)
			n := binomial(r, s.n, c.share)
			edges = append(edges, edge{s, to, n, 0})
			to.n += n
		}
		s.nowFaults = s.faults * math.Exp(s.ownFaults.step(r, 0.3)) * (0.7 + 0.3*share)
		s.nowMS = s.ms * math.Exp(s.ownTime.step(r, 0.06)) * (0.85 + 0.15*share)
		if at := minute % day; s.batch && at >= 120 && at < 150 {
			s.nowFaults = min(1, s.nowFaults*6)
			s.nowMS *= 2
		}
		if r.IntN(4*day) == 0 { // a hiccup: a few seconds of faults
			s.nowFaults += 0.1
		}
		s.usualFaults = s.nowFaults
		s.usualTime = s.nowMS
		s.nowCut = 0
		for i := range w.broken {
			if b := &w.broken[i]; b.service == s {
				part, grown := b.share(minute)
				s.nowFaults += (1 - s.nowFaults) * b.faults * part * grown
				s.nowCut = b.cut * part
				if b.slower > 1 {
					s.nowMS *= 1 + (b.slower-1)*part*grown
				}
			}
		}
	}
	for i := len(w.services) - 1; i >= 0; i-- { // callees first
		s := w.services[i]
		s.failed = binomial(r, s.n, s.nowFaults)
		s.time = s.nowMS
		for e := range edges {
			if edges[e].from != s {
				continue
			}
			to := edges[e].to
			edges[e].failed = binomial(r, edges[e].n, rate(to.failed, to.n))
			edges[e].failed += binomial(r, edges[e].n-edges[e].failed, to.nowCut)
			s.failed = min(s.n, s.failed+binomial(r, edges[e].failed, 0.9))
			s.time += to.time * rate(edges[e].n, s.n)
			s.usualTime += to.usualTime * rate(edges[e].n, s.n)
			s.usualFaults = 1 - (1-s.usualFaults)*(1-0.9*to.usualFaults*rate(edges[e].n, s.n))
		}
	}
	g := &tomo.ServiceGraph{}
	for _, s := range w.services {
		n := tomo.Service{Node: tomo.Node{NodeID: s.id()}}
		n.Statistics, n.ResponseTimeHistogram = w.figures(s, s.n, s.failed)
		g.Services = append(g.Services, n)
	}
	for _, e := range edges {
		to := e.to.at
		if e.from == nil {
			e.failed = binomial(r, e.n, rate(e.to.failed, e.to.n))
			g.Services = append(g.Services, tomo.Service{Node: tomo.Node{NodeID: tomo.NodeID{Name: e.to.name, Type: tomo.ClientType}}})
		}
		shape := tomo.ServiceEdge{From: len(g.Services) - 1, To: to}
		switch {
		case e.from != nil: // nobody looks at the times of these
			shape.From = e.from.at
			shape.Statistics = tomo.Statistics{Fault: e.failed, OK: e.n - e.failed}
		case e.n == e.to.n:
			n := &g.Services[to]
			shape.Statistics, shape.ResponseTimeHistogram = n.Statistics, n.ResponseTimeHistogram
		default:
			shape.Statistics, shape.ResponseTimeHistogram = w.figures(e.to, e.n, e.failed)
		}
		g.Edges = append(g.Edges, shape)
	}
	return g
}

func (s *service) id() tomo.NodeID { return tomo.NodeID{Name: s.name, Type: s.kind} }

func rate(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// bars are the middles of equally probable slices of the normal distribution.
var bars = func() (list [12]float64) {
	for i := range list {
		list[i] = math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(len(list))-1)
	}
	return list
}()

func (w *world) figures(s *service, n, failed int64) (counts tomo.Statistics, times tomo.Histogram) {
	counts.Fault, counts.OK = failed, n-failed
	rest := n
	for i, z := range bars {
		k := rest
		if i < len(bars)-1 {
			k = binomial(w.random, rest, 1/float64(len(bars)-i))
		}
		rest -= k
		took := time.Duration(s.time * math.Exp(s.sigma*z) * float64(time.Millisecond))
		counts.TotalResponseTime += time.Duration(k) * took
		addMany(&times, took, k)
	}
	return counts, times
}

// addMany adds d n times.
func addMany(h *tomo.Histogram, d time.Duration, n int64) {
	var power tomo.Histogram
	power.Add(d)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Merge(&power)
		}
		power.Merge(&power)
	}
}

func poisson(r *rand.Rand, mean float64) int64 {
	if mean > 50 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n, p, limit := int64(-1), 1.0, math.Exp(-mean)
	for p > limit || n < 0 {
		p *= r.Float64()
		n++
	}
	return n
}

func binomial(r *rand.Rand, n int64, p float64) int64 {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(r, n, 1-p)
	case float64(n)*p > 30:
		mean := float64(n) * p
		return min(n, max(0, int64(math.Round(mean+math.Sqrt(mean*(1-p))*r.NormFloat64()))))
	}
	// From one hit to the next.
	hits, scale := int64(0), math.Log1p(-p)
	for at := int64(math.Log(1-r.Float64()) / scale); at < n; at += 1 + int64(math.Log(1-r.Float64())/scale) {
		hits++
	}
	return hits
}
