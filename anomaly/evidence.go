package anomaly

import "math"

// What it takes to be out of the usual. Evidence is measured in nats: that of
// the usual giving at least so many faults has at most the probability exp(-e).
// With tens of thousands of looks a day for a dozen services, openFrom leaves
// less than one false alarm in weeks.
const (
	openFrom   = 17.0 // opens an insight
	joinFrom   = 10.0 // joins one that a neighbour belongs to
	stayFrom   = 5.0  // keeps a service in the one it belongs to
	othersFrom = 5.0  // what has to be left of openFrom without the worst minute
	othersHits = 2    // and in how many requests at least
	joinOthers = 2.0  // what has to be left of joinFrom

	moreFaults    = 3    // than usual, at least
	moreFaultRate = 0.01 // of the requests, more than usual
	slowRequests  = 4    // more than usual, at least
	muchSlower    = 1.4  // times the usual mean response time
	stillSlower   = 1.2  // for a service that was slow already
	slowerBy      = 5    // milliseconds of the mean response time, at least
	enough        = 20   // requests tell whether a service is itself again
)

// windows are the numbers of minutes that are looked at together: few tell soon
// of a busy service, many of a quiet one.
var windows = [...]epoch{2, 3, 5, 10}

// strength says how far out of the usual a series is.
type strength uint8

const (
	usual strength = iota
	joins          // out of the usual, if something next to it is
	opens          // out of the usual
)

// sign is what one look at a series says.
type sign struct{ faults, slow strength }

func (a sign) or(b sign) sign     { return sign{max(a.faults, b.faults), max(a.slow, b.slow)} }
func (a sign) strength() strength { return max(a.faults, a.slow) }

// heap counts what happened in some minutes against what was to be expected.
type heap struct {
	requests, hits, expected float64
	worst                    float64 // excess of the worst minute
	worstRequests, worstHits float64
	worstExpected            float64
}

func (h *heap) add(n, hits int64, rate float64) {
	requests, hit, expected := float64(n), float64(hits), float64(n)*rate
	h.requests += requests
	h.hits += hit
	h.expected += expected
	if off := hit - expected; off > h.worst {
		h.worst, h.worstRequests, h.worstHits, h.worstExpected = off, requests, hit, expected
	}
}

func (h *heap) excess() float64 { return h.hits - h.expected }

// others is the heap without its worst minute.
func (h *heap) others() heap {
	return heap{requests: h.requests - h.worstRequests, hits: h.hits - h.worstHits, expected: h.expected - h.worstExpected}
}

// evidence is how surprising it is that there are so many hits. Chernoff's
// bound of the binomial tail, exp(-n·KL(hits/n ‖ rate)), gives it, for as many
// requests as these are worth: those of one time tend to go alike.
func (h *heap) evidence(correlation float64) float64 {
	if h.excess() <= 0 || h.requests <= 0 {
		return 0
	}
	p := h.expected / h.requests
	q := h.hits / h.requests
	divergence := q * math.Log(q/p)
	if q < 1 {
		divergence += (1 - q) * math.Log((1-q)/(1-p))
	}
	return divergence * h.requests / (1 + max(h.requests-1, 0)*correlation)
}

// recent is what a series did in some minutes up to one, against the usual.
type recent struct {
	faults, slow     heap
	time, usualTime  float64 // milliseconds, of all requests together
	back             epoch   // minutes that are in it
	slowKnown        bool
	faultCorrelation float64
	slowCorrelation  float64
}

func (s *series) recent() recent {
	return recent{slowKnown: s.Level.slowKnown(), faultCorrelation: s.Level.faultSpread(), slowCorrelation: s.Level.slowSpread()}
}

// reach goes back to so many minutes up to now.
func (r *recent) reach(s *series, now, minutes epoch) {
	for ; r.back < minutes; r.back++ {
		p := s.at(now - r.back)
		if p == nil {
			continue
		}
		r.faults.add(p.Requests, p.Faults, s.faultRate(p.Minute))
		if r.slowKnown && p.Known > 0 {
			r.slow.add(p.Known, p.Slow, s.Level.slowRate())
			r.time += p.Time
			r.usualTime += float64(p.Known) * s.usualTime(p.Minute)
		}
	}
}

// look judges a series by the minutes up to now: whether it leaves the usual.
func (s *series) look(now epoch) sign {
	var found sign
	if !s.Level.known() {
		return found
	}
	r := s.recent()
	for _, window := range windows {
		r.reach(s, now, window)
		faults, slow := &r.faults, &r.slow
		if more := faults.excess(); more >= moreFaults && more >= moreFaultRate*faults.requests {
			found.faults = max(found.faults, judge(faults, r.faultCorrelation))
		}
		if slow.excess() >= slowRequests && r.time > muchSlower*r.usualTime && r.time-r.usualTime > slowerBy*slow.requests {
			found.slow = max(found.slow, judge(slow, r.slowCorrelation))
		}
	}
	return found
}

// still judges a series that left the usual: whether it has not come back. As
// few minutes are looked at as have requests enough to tell.
func (s *series) still(now epoch) (faults, slow bool) {
	if !s.Level.known() {
		return false, false
	}
	r := s.recent()
	for minutes := epoch(1); minutes <= quiet && r.faults.requests < enough; minutes++ {
		r.reach(s, now, minutes)
	}
	return r.faults.evidence(r.faultCorrelation) >= stayFrom,
		r.slow.evidence(r.slowCorrelation) >= stayFrom && r.time > stillSlower*r.usualTime
}

func judge(h *heap, correlation float64) strength {
	e := h.evidence(correlation)
	if e < joinFrom {
		return usual
	}
	others := h.others()
	rest := others.evidence(correlation)
	switch {
	case e >= openFrom && rest >= othersFrom && others.hits >= othersHits:
		return opens
	case rest >= joinOthers:
		return joins
	}
	return usual
}

// onset is the first minute of the run of odd ones that goes up to now. One
// that is not odd, or is empty, may lie between two.
func (s *series) onset(now epoch) epoch {
	first := now
	gap := 0
	for back := epoch(0); back < windows[len(windows)-1] && gap < 2; back++ {
		if s.odd(now - back) {
			first, gap = now-back, 0
		} else if s.at(now-back) != nil {
			gap++
		}
	}
	return first
}

// odd says whether a minute alone is hardly usual.
func (s *series) odd(m epoch) bool {
	const hardly = 2 // nats
	p := s.at(m)
	if p == nil {
		return false
	}
	var faults, slow heap
	faults.add(p.Requests, p.Faults, s.faultRate(m))
	if p.Known > 0 && s.Level.slowKnown() {
		slow.add(p.Known, p.Slow, s.Level.slowRate())
	}
	return faults.evidence(s.Level.faultSpread()) >= hardly || slow.evidence(s.Level.slowSpread()) >= hardly
}
