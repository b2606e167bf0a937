package anomaly

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tomotrace/tomo"
)

// epoch is a number of whole minutes since 1970.
type epoch int64

func epochOf(t tomo.Time) epoch  { return epoch(t.StartOfMinute() / tomo.Minute) }
func (e epoch) start() tomo.Time { return tomo.Time(e) * tomo.Minute }
func (e epoch) end() tomo.Time   { return (e + 1).start() }
func (e epoch) slot() int64      { return int64(e) / slotMinutes }
func (e epoch) place() int       { return int(e % held) }

// How much is kept, and how fast it is forgotten.
const (
	held     = 16   // minutes that are not learned yet
	halfLife = 1440 // minutes after which what was learned counts half

	slotMinutes = 30 // of a place in the calendar
	slotsADay   = 24 * 60 / slotMinutes
	slots       = 28 * slotsADay     // four weeks
	someDays    = 3                  // of the same time it takes to call it usual
	missing     = int8(math.MinInt8) // nothing known of a slot
	faultSteps  = 16                 // of a factor e, as slots keep it
	timeSteps   = 32                 // the same of times

	slowerThan  = 1.5  // times the usual: a slow request
	knownFrom   = 30   // minutes with requests it takes to know a series
	slowFrom    = 100  // requests held against the usual it takes to know how many are slow
	priorFault  = 1    // taken for granted of a service that had little traffic:
	priorCount  = 100  // one fault among so many requests,
	priorSlow   = 2    // and so many slow ones
	priorSlowOf = 10   // among these
	leastFault  = 1e-5 // the rates that are believed possible
	mostFault   = 0.98
	clipFault   = 3   // standard deviations that a minute can teach
	clipLog     = 0.5 // how far the latency of a minute can move what is usual, as a logarithm

	shortLife   = 120                 // half-life of what is learned while an insight is open
	forgetAfter = epoch(14 * 24 * 60) // a service without requests
)

// sample is what a series did in one minute. Times are in milliseconds.
type sample struct {
	Minute   epoch `json:"m"` // of another minute, there was nothing
	Requests int64 `json:"n"`
	OK       int64 `json:"o,omitempty"`
	Faults   int64 `json:"f,omitempty"`
	// Known is Requests if it was known how long they usually take, else 0; Slow
	// of them took clearly longer.
	Known int64   `json:"k,omitempty"`
	Slow  int64   `json:"s,omitempty"`
	Time  float64 `json:"t,omitempty"`
	Logs  float64 `json:"l,omitempty"`
}

// level is what is usual, in sums of which half is forgotten in halfLife.
type level struct {
	At       epoch   `json:"at"` // up to where it is forgotten
	Minutes  float64 `json:"m"`  // with requests
	Requests float64 `json:"n"`
	Faults   float64 `json:"f"`
	Time     float64 `json:"t"`
	Logs     float64 `json:"l"`
	Known    float64 `json:"k"`
	Slow     float64 `json:"s"`
	// FaultSpread and SlowSpread are by how much more than chance the minutes
	// differ: sums of which the quotient is the correlation of two requests of
	// the same minute.
	FaultSpread spread `json:"fs"`
	SlowSpread  spread `json:"ss"`
}

type spread struct {
	Over  float64 `json:"o"` // square of the surprise, less what chance gives
	Pairs float64 `json:"p"` // the same if requests of a minute always went alike
}

func (l *level) forget(to epoch, life float64) {
	if to <= l.At {
		return
	}
	q := math.Exp2(-float64(to-l.At) / life)
	l.At = to
	for _, sum := range []*float64{&l.Minutes, &l.Requests, &l.Faults, &l.Time, &l.Logs, &l.Known, &l.Slow,
		&l.FaultSpread.Over, &l.FaultSpread.Pairs, &l.SlowSpread.Over, &l.SlowSpread.Pairs} {
		*sum *= q
	}
}

func (l *level) known() bool        { return l.Minutes >= knownFrom-0.5 } // a little is forgotten meanwhile
func (l *level) slowKnown() bool    { return l.known() && l.Known >= slowFrom }
func (l *level) logTime() float64   { return l.Logs / l.Requests }
func (l *level) faultRate() float64 { return (l.Faults + priorFault) / (l.Requests + priorCount) }
func (l *level) slowRate() float64  { return (l.Slow + priorSlow) / (l.Known + priorSlowOf) }

// The correlation of requests of one minute: what is taken for granted at
// first, as if seen for priorSpread minutes, and the least that is believed.
const (
	priorSpread      = 30
	priorFaultSpread = 0.002
	priorSlowSpread  = 0.03
	leastFaultSpread = 0.0002
	leastSlowSpread  = 0.005
)

func (l *level) faultSpread() float64 {
	return l.FaultSpread.estimate(l.Minutes, priorFaultSpread, leastFaultSpread)
}

func (l *level) slowSpread() float64 {
	return l.SlowSpread.estimate(l.Minutes, priorSlowSpread, leastSlowSpread)
}

func (s *spread) estimate(minutes, prior, least float64) float64 {
	seen := prior
	if s.Pairs > 0 {
		seen = min(max(s.Over/s.Pairs, 0), 1)
	}
	return max(least, (prior*priorSpread+seen*minutes)/(priorSpread+minutes))
}

// add takes n requests into account of which hit did what happens with the
// probability p, and returns how many of them are believed. One odd minute must
// not blur what is usual.
func (s *spread) add(n, hit int64, p, correlation float64) float64 {
	size, mean := float64(n), float64(n)*p
	chance := size * p * (1 - p)
	most := clipFault * math.Sqrt(chance*(1+(size-1)*correlation))
	off := min(max(float64(hit)-mean, -most), most)
	s.Over += off*off - chance
	s.Pairs += chance * (size - 1)
	return min(float64(hit), mean+most+moreFaults)
}

// series is the requests to a service, or those of clients alone.
type series struct {
	Ring   [held]sample `json:"ring"`
	Level  level        `json:"level"`
	Frozen level        `json:"frozen"` // learned instead of Level while an insight is open, and forgotten faster
	Season season       `json:"season"`
}

// at is the sample of a minute; nil if there were no requests.
func (s *series) at(m epoch) *sample {
	if p := &s.Ring[m.place()]; p.Minute == m && p.Requests > 0 {
		return p
	}
	return nil
}

// usualLog is the mean logarithm of response times that is usual in a minute.
func (s *series) usualLog(m epoch) float64 {
	_, times := s.Season.at(m.slot())
	return s.Level.logTime() + times
}

// usualTime is the mean response time that is usual in a minute, in milliseconds.
func (s *series) usualTime(m epoch) float64 {
	_, times := s.Season.at(m.slot())
	return s.Level.Time / s.Level.Requests * math.Exp(times)
}

// faultRate is the share of faults that is usual in a minute.
func (s *series) faultRate(m epoch) float64 {
	faults, _ := s.Season.at(m.slot())
	return min(max(s.Level.faultRate()*math.Exp(faults), leastFault), mostFault)
}

// logOf is the logarithm of a response time in milliseconds. Half a one is
// added, so that there is one for 0.
func logOf(ms float64) float64 { return math.Log(ms + 0.5) }

// measure makes the sample of a minute.
func (s *series) measure(m epoch, counts *tomo.Statistics, times *tomo.Histogram) {
	p := &s.Ring[m.place()]
	*p = sample{Minute: m, Requests: counts.Total(), OK: counts.OK, Faults: counts.Fault,
		Time: float64(counts.TotalResponseTime.Microseconds()) / 1e3}
	limit := math.Inf(1)
	if s.Level.known() {
		limit = math.Exp(s.usualLog(m))*slowerThan - 0.5
		p.Known = p.Requests
	}
	for _, b := range times.Bins() {
		p.Logs += float64(b.Count) * logOf(float64(b.Value))
		if float64(b.Value) > limit {
			p.Slow += b.Count
		}
	}
}

// learn takes a minute that will not change any more into what is usual. While
// an insight holds the service, that waits, but the calendar is kept: what
// happens on most days at this time is no incident.
func (s *series) learn(m epoch, frozen bool) {
	p := s.at(m)
	if p == nil {
		return
	}
	s.Season.add(m, p, &s.Level)
	if frozen {
		s.Frozen.forget(m, shortLife)
		s.Frozen.add(p, float64(p.Faults), float64(p.Slow), p.Logs, p.Time)
		return
	}
	l := &s.Level
	faults, slow, logs, time := float64(p.Faults), float64(p.Slow), p.Logs, p.Time
	if l.known() {
		n := float64(p.Requests)
		faults = l.FaultSpread.add(p.Requests, p.Faults, s.faultRate(m), l.faultSpread())
		usual := s.usualLog(m)
		logs = n * (usual + min(max(logs/n-usual, -clipLog), clipLog))
		time = min(time, n*s.usualTime(m)*math.Exp(clipLog))
		if p.Known > 0 {
			slow = l.SlowSpread.add(p.Known, p.Slow, l.slowRate(), l.slowSpread())
		}
	}
	l.forget(m, halfLife)
	l.add(p, faults, slow, logs, time)
}

func (l *level) add(p *sample, faults, slow, logs, time float64) {
	l.At = max(l.At, p.Minute)
	l.Minutes++
	l.Requests += float64(p.Requests)
	l.Faults += faults
	l.Known += float64(p.Known)
	l.Slow += slow
	l.Logs += logs
	l.Time += time
}

// accept makes usual what was seen while frozen.
func (s *series) accept() {
	f := &s.Frozen
	if f.Requests == 0 {
		return
	}
	l := &s.Level
	// As if it had always been so: the weight stays, the rates change.
	scale := l.Requests / f.Requests
	l.Faults, l.Time, l.Logs = f.Faults*scale, f.Time*scale, f.Logs*scale
	s.Season = season{} // it was told in relation to what is usual no more
	for i := range s.Ring {
		s.Ring[i].Known, s.Ring[i].Slow = 0, 0
	}
}

// season is how the half hours of the last four weeks differed from what was
// usual then: the logarithms of quotients, in steps.
type season struct {
	slot     int64 // being added up
	faults   float64
	foretold float64
	requests float64
	logs     float64
	usual    float64

	kept         int64  // the latest slot that is kept; 0: none are
	keptFaults   []int8 // by slot modulo slots
	keptTimes    []int8
	cached       int64 // the slot that the two factors are of; 0: none
	cachedFaults float64
	cachedTimes  float64
}

// leastSlot is how many requests a half hour needs to say anything.
const leastSlot = 5

// add takes a minute into account, of which p is the sample and l what was
// usual without regard to the calendar.
func (s *season) add(m epoch, p *sample, l *level) {
	if slot := m.slot(); slot != s.slot {
		s.finish()
		s.slot = slot
	}
	if !l.known() {
		return
	}
	n := float64(p.Requests)
	s.requests += n
	s.faults += float64(p.Faults)
	s.foretold += n * l.faultRate()
	s.logs += p.Logs
	s.usual += n * l.logTime()
}

// finish keeps the slot that was added up.
func (s *season) finish() {
	if s.requests >= leastSlot {
		if s.keptFaults == nil {
			s.keptFaults, s.keptTimes = make([]int8, slots), make([]int8, slots)
			s.kept = s.slot - slots
		}
		for skipped := max(s.kept+1, s.slot-slots+1, 0); skipped <= s.slot; skipped++ {
			s.keptFaults[skipped%slots], s.keptTimes[skipped%slots] = missing, missing
		}
		s.kept = s.slot
		// The numbers added keep slots of few requests near 0.
		s.keptFaults[s.slot%slots] = steps(math.Log((s.faults+2)/(s.foretold+2)), faultSteps)
		s.keptTimes[s.slot%slots] = steps((s.logs-s.usual)/(s.requests+10), timeSteps)
		s.cached = 0
	}
	s.faults, s.foretold, s.requests, s.logs, s.usual = 0, 0, 0, 0, 0
}

func steps(f float64, to float64) int8 {
	return int8(min(max(math.Round(f*to), -math.MaxInt8), math.MaxInt8))
}

// at is by how much, as logarithms, the rate of faults and the response times
// of a half hour differ from the level: the median of the same half hour of
// the week in the last four, or of the day in the last seven, or 0.
func (s *season) at(slot int64) (faults, times float64) {
	if s.keptFaults == nil {
		return 0, 0
	}
	if s.cached != slot {
		s.cached = slot
		s.cachedFaults = s.median(s.keptFaults, slot) / faultSteps
		s.cachedTimes = s.median(s.keptTimes, slot) / timeSteps
	}
	return s.cachedFaults, s.cachedTimes
}

func (s *season) median(kept []int8, slot int64) float64 {
	for _, every := range []struct{ slots, times int64 }{{7 * slotsADay, 4}, {slotsADay, 7}} {
		var few [7]int8
		list := few[:0]
		for i := int64(1); i <= every.times; i++ {
			if at := slot - i*every.slots; at >= 0 && at <= s.kept && at > s.kept-slots && kept[at%slots] != missing {
				list = append(list, kept[at%slots])
			}
		}
		if n := len(list); n >= someDays {
			slices.Sort(list)
			return (float64(list[n/2]) + float64(list[(n-1)/2])) / 2
		}
	}
	return 0
}

// seasonText is how a season is written.
type seasonText struct {
	Slot     int64   `json:"slot,omitempty"`
	Faults   float64 `json:"f,omitempty"`
	Foretold float64 `json:"e,omitempty"`
	Requests float64 `json:"n,omitempty"`
	Logs     float64 `json:"l,omitempty"`
	Usual    float64 `json:"u,omitempty"`
	Kept     int64   `json:"kept,omitempty"`
	Slots    []byte  `json:"slots,omitempty"` // the faults, then the times
}

func (s season) MarshalJSON() ([]byte, error) {
	t := seasonText{s.slot, s.faults, s.foretold, s.requests, s.logs, s.usual, s.kept, nil}
	for _, list := range [][]int8{s.keptFaults, s.keptTimes} {
		for _, v := range list {
			t.Slots = append(t.Slots, byte(v))
		}
	}
	return json.Marshal(t)
}

func (s *season) UnmarshalJSON(text []byte) error {
	var t seasonText
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	*s = season{slot: t.Slot, faults: t.Faults, foretold: t.Foretold, requests: t.Requests, logs: t.Logs, usual: t.Usual, kept: t.Kept}
	if t.Slots == nil {
		return nil
	}
	if len(t.Slots) != 2*slots || t.Kept < 0 {
		return fmt.Errorf("a calendar of %d bytes up to %d, want %d bytes", len(t.Slots), t.Kept, 2*slots)
	}
	s.keptFaults, s.keptTimes = make([]int8, slots), make([]int8, slots)
	for i := range slots {
		s.keptFaults[i], s.keptTimes[i] = int8(t.Slots[i]), int8(t.Slots[slots+i])
	}
	return nil
}
