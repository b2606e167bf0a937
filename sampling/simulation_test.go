package sampling_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/sampling"
)

// scenario is a fleet of clients, each with requests at random times, which poll
// every ten seconds as SDKs do.
type scenario struct {
	name      string
	reservoir int
	rate      float64
	seconds   int // that are counted, after a minute that is not

	clients  int
	requests float64 // a second and client, on average
	lifetime float64 // seconds, on average; a client that goes is replaced after ten on average. 0: for ever
	// wave makes the number of clients go from 1 to clients and back every ten
	// minutes.
	wave bool
	// every nth client is an SDK that takes all quotas for expired. 0: none
	node int
}

// outcome is what the fleet did.
type outcome struct {
	requests, sampled, expected float64
	borrowed                    float64
	most                        int // quota that was out at once, of clients that had requests
}

// run plays a scenario, always the same way.
func (s *scenario) run() outcome {
	random := rand.New(rand.NewPCG(7, uint64(len(s.name))))
	rules := &tomo.SamplingRules{List: []*tomo.SamplingRule{
		rule("shop", 1, func(r *tomo.SamplingRule) { r.ReservoirSize, r.FixedRate = s.reservoir, s.rate }),
		defaultRule(),
	}}
	type process struct {
		*sdk
		next, poll, dies float64
	}
	var (
		fleet   sampling.Fleet
		running []*process
		births  []float64
		born    int
		o       outcome
	)
	const start, warmUp = 1_700_000_000, 60
	arrival := func(after float64) float64 { return after + random.ExpFloat64()/s.requests }
	birth := func(at float64) {
		born++
		p := &process{sdk: &sdk{id: fmt.Sprintf("%024x", random.Uint64()), reservoir: s.reservoir, rate: s.rate, random: random}}
		p.neverValid = s.node > 0 && born%s.node == 0
		p.next, p.poll, p.dies = arrival(at), at+10.1+0.1*random.Float64(), math.Inf(1)
		if s.lifetime > 0 {
			p.dies = at + s.lifetime*random.ExpFloat64()
		}
		running = append(running, p)
	}
	for second := 0; second < s.seconds+warmUp; second++ {
		now := float64(start + second)
		want := s.clients
		if s.wave {
			want = 1 + int(float64(s.clients-1)*(1-math.Cos(2*math.Pi*float64(second)/600))/2)
		}
		for len(running)+len(births) < want {
			delay := 0.0
			if second > 0 && !s.wave {
				delay = 10 * random.ExpFloat64()
			}
			births = append(births, now+delay)
		}
		births = slices.DeleteFunc(births, func(at float64) bool {
			if at < now+1 {
				birth(at)
				return true
			}
			return false
		})
		for len(running) > want { // the wave goes down
			running = slices.Delete(running, 0, 1)
		}

		requests, sampled, out := 0, 0, 0
		decideUntil := func(p *process, until float64) {
			for p.next < min(until, p.dies) {
				requests++
				if p.decide(p.next) {
					sampled++
				}
				p.next = arrival(p.next)
			}
		}
		slices.SortFunc(running, func(a, b *process) int { return cmp.Compare(a.poll, b.poll) })
		for _, p := range running {
			for p.poll < now+1 && p.poll < p.dies {
				decideUntil(p, p.poll)
				if second >= warmUp {
					o.borrowed += float64(p.borrows)
				}
				p.sdk.poll(&fleet, rules, p.poll)
				p.poll += 10.1 + 0.1*random.Float64()
			}
			decideUntil(p, now+1)
		}
		running = slices.DeleteFunc(running, func(p *process) bool { return p.dies < now+1 })
		for _, p := range running {
			if p.hasQuota && p.ttl >= int64(now) {
				out += p.quota
			}
		}
		o.most = max(o.most, out)
		if second < warmUp {
			continue
		}
		o.requests += float64(requests)
		o.sampled += float64(sampled)
		reserved := min(float64(requests), float64(s.reservoir))
		o.expected += reserved + s.rate*(float64(requests)-reserved)
	}
	return o
}

// TestSimulation: whatever comes and goes, the fleet traces what the rule says,
// to a tenth, and the clients never have more quota than the reservoir.
func TestSimulation(t *testing.T) {
	var scenarios []*scenario
	for _, clients := range []int{1, 10, 100} {
		for _, reservoir := range []int{0, 1, 10, 100} {
			for _, rate := range []float64{0.05, 0.5} {
				for _, lifetime := range []float64{0, 300} {
					kind := "steady"
					if lifetime > 0 {
						kind = "coming and going"
					}
					scenarios = append(scenarios, &scenario{
						name:      fmt.Sprintf("%d %s, reservoir %d, rate %v", clients, kind, reservoir, rate),
						reservoir: reservoir, rate: rate, clients: clients, lifetime: lifetime,
						seconds: max(180, 4500/clients), requests: max(10, 3*float64(reservoir)/float64(clients)),
					})
				}
			}
		}
	}
	scenarios = append(scenarios,
		&scenario{name: "nothing but the reservoir", reservoir: 50, clients: 10, requests: 20, lifetime: 600, seconds: 600},
		&scenario{name: "a wave of 1 to 100", reservoir: 50, rate: 0.05, clients: 100, requests: 20, wave: true, seconds: 1200},
		&scenario{name: "a wave of 1 to 10, reservoir 1", reservoir: 1, rate: 0.05, clients: 10, requests: 20, wave: true, seconds: 1200},
		// Each second client borrows one a second for ever and leaves its quota.
		&scenario{name: "half of them Node", reservoir: 50, rate: 0.05, clients: 10, requests: 40, node: 2, seconds: 900},
		&scenario{name: "half of them Node, nothing but the reservoir", reservoir: 50, clients: 10, requests: 40, node: 2, seconds: 900},
	)
	for _, s := range scenarios {
		s.check(t)
	}
}

func (s *scenario) check(t *testing.T) {
	t.Helper()
	o := s.run()
	off := 0.0
	if o.expected > 0 {
		off = o.sampled/o.expected - 1
	}
	t.Logf("%-55s %6.2f %% off, %.1f a second, %.2f borrowed, at most %d of %d out", s.name, 100*off, o.sampled/float64(s.seconds), o.borrowed/float64(s.seconds), o.most, s.reservoir)
	if math.Abs(off) > 0.1 {
		t.Errorf("%s: %.0f of %.0f requests sampled, want %.0f within a tenth", s.name, o.sampled, o.requests, o.expected)
	}
	if o.most > s.reservoir {
		t.Errorf("%s: a quota of %d was out at once", s.name, o.most)
	}
}
