package sampling

import (
	"sync"
	"time"

	"github.com/tomotrace/tomo"
)

// How clients and the server keep time. X-Ray: clients report every ten
// seconds, and a quota is good for five minutes.
const (
	Interval = 10 * time.Second
	QuotaTTL = 5 * time.Minute

	// active is how long a client that is silent keeps its claim. X-Ray SDKs are
	// silent while they decide nothing; one that wakes up later may for one
	// interval use a quota that others have by then.
	active = 3 * Interval
	// forget is how long a silent client is remembered: its quota has expired.
	forget = QuotaTTL
	// tooOld is the age from which a report tells nothing any more.
	tooOld = 5 * time.Minute
)

const (
	// MaxClients is how many clients of one rule have a quota at a time. Others
	// are told 0 and counted all the same.
	MaxClients = 10_000
	// Up to fewClients the reservoir is divided anew at each report. With more it
	// is done every divideEvery for each client: a second for 10,000.
	fewClients  = 256
	divideEvery = 100 * time.Microsecond
)

// Statistics is what one client decided by one rule since its last report.
type Statistics struct {
	Rule, Client string
	Time         tomo.Time // by the clock of the client
	// Requests were decided, Sampled of them traced, and Borrowed were traced
	// without a quota. X-Ray SDKs do not count borrowed ones as sampled,
	// OpenTelemetry does.
	Requests, Sampled, Borrowed int64
}

// BoostStatistics is what one service saw of the traces that one rule decided.
type BoostStatistics struct {
	Rule, Service string
	Time          tomo.Time
	// Total traces; Anomalies of them had one, and Sampled of those were traced.
	Total, Anomalies, Sampled int64
}

// Report is what a client sends.
type Report struct {
	Statistics []Statistics
	Boost      []BoostStatistics
}

// Answer is what it gets: targets and refusals in the order of the report.
type Answer struct {
	Targets          []Target
	Unprocessed      []Unprocessed
	UnprocessedBoost []Unprocessed
}

// Target is what a client samples by until its next report.
type Target struct {
	Rule      string
	FixedRate float64
	Quota     int       // traces a second
	QuotaTTL  tomo.Time // whole seconds
	Interval  time.Duration
	Boost     *Boost // nil: none
}

// Boost is a rate to use instead of the fixed one.
type Boost struct {
	Rate float64
	TTL  tomo.Time // whole seconds
}

// Unprocessed says why statistics were not taken.
type Unprocessed struct{ Rule, Code, Message string }

// Fleet is the clients that sample by one set of rules. The zero value is a
// fleet of none. Its methods may be called concurrently.
//
// Nothing of it is kept on disk, and nothing needs to: after a restart clients
// go on with the quotas they have and report within ten seconds. What is lost
// is the statistics of the last ten minutes.
type Fleet struct {
	mu    sync.Mutex           // guards rules and what it holds
	rules map[string]*division // by name
}

// division is one rule and how it is divided.
type division struct {
	created tomo.Time // of the rule: another of the same name begins anew
	clients map[string]*client
	divided tomo.Time // when the shares were last computed
	granted int       // the leases of all active clients
	windows []window  // newest last
	boost   booster
}

// client is a client of one rule.
type client struct {
	claim
	active bool      // its lease is in granted
	seen   tomo.Time // its last report
	until  tomo.Time // of its quota; 0: it never had one
}

// Report takes what a client reports and tells what to sample by.
//
// The lease of a client is its share, but never more than what the leases of
// the other active clients leave of the reservoir: taking away happens as they
// report, and until then nothing is handed out twice.
func (f *Fleet) Report(rules *tomo.SamplingRules, now tomo.Time, r *Report) *Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(rules)
	answer := &Answer{}
	for i := range r.Boost { // first, so that the targets know them
		b := &r.Boost[i]
		rule, refusal := processable(rules, b.Rule, now, b.Time)
		if refusal != nil {
			answer.UnprocessedBoost = append(answer.UnprocessedBoost, *refusal)
			continue
		}
		f.division(rule).boost.count(now, b)
	}
	for i := range r.Statistics {
		s := &r.Statistics[i]
		rule, refusal := processable(rules, s.Rule, now, s.Time)
		if refusal != nil {
			answer.Unprocessed = append(answer.Unprocessed, *refusal)
			continue
		}
		d := f.division(rule)
		d.count(now, s)
		ttl := now.Add(QuotaTTL).Second()
		answer.Targets = append(answer.Targets, Target{
			Rule: rule.Name, FixedRate: rule.FixedRate, Interval: Interval,
			Quota: d.lease(rule, now, ttl, s), QuotaTTL: ttl,
			Boost: d.boost.rate(rule, now),
		})
	}
	return answer
}

// processable finds the rule of a document. X-Ray: the code is that of HTTP,
// and clients read the rules again when it begins with 4. A time in the future
// is that of a clock that is wrong, and tolerated.
func processable(rules *tomo.SamplingRules, name string, now, sent tomo.Time) (*tomo.SamplingRule, *Unprocessed) {
	rule := rules.Named(name)
	switch {
	case rule == nil:
		return nil, &Unprocessed{name, "400", "Unknown rule"}
	case sent < now.Add(-tooOld):
		return nil, &Unprocessed{name, "400", "Statistics are more than 5 minutes old"}
	}
	return rule, nil
}

// division is that of a rule, new if there is none.
func (f *Fleet) division(rule *tomo.SamplingRule) *division {
	d := f.rules[rule.Name]
	if d == nil {
		d = &division{created: rule.Created, clients: map[string]*client{}}
		if f.rules == nil {
			f.rules = map[string]*division{}
		}
		f.rules[rule.Name] = d
	}
	return d
}

// prune forgets rules that were deleted.
func (f *Fleet) prune(rules *tomo.SamplingRules) {
	for name, d := range f.rules {
		if rule := rules.Named(name); rule == nil || rule.Created != d.created {
			delete(f.rules, name)
		}
	}
}

// lease is the quota of a client from now on.
func (d *division) lease(rule *tomo.SamplingRule, now, ttl tomo.Time, s *Statistics) int {
	c := d.clients[s.Client]
	if c == nil {
		if len(d.clients) >= MaxClients && d.due(now) {
			d.divide(rule.ReservoirSize, now) // some may have gone
		}
		if len(d.clients) >= MaxClients {
			return 0
		}
		c = &client{claim: claim{client: s.Client}}
		d.clients[s.Client] = c
	}
	c.report(now, s)
	if d.due(now) {
		d.divide(rule.ReservoirSize, now)
	}
	others := d.granted
	if c.active {
		others -= c.claim.lease
	}
	c.claim.lease = max(0, min(c.share, rule.ReservoirSize-others))
	c.active, c.until = true, ttl
	d.granted = others + c.claim.lease
	return c.claim.lease
}

// due reports whether the reservoir is to be divided anew.
func (d *division) due(now tomo.Time) bool {
	return len(d.clients) <= fewClients || now.Sub(d.divided).Abs() >= time.Duration(len(d.clients))*divideEvery
}

// report learns what a client needs.
func (c *client) report(now tomo.Time, s *Statistics) {
	elapsed := Interval
	if c.seen != 0 {
		elapsed = min(max(now.Sub(c.seen), time.Second), time.Minute)
	}
	seconds := int64(elapsed / time.Second)
	c.demand = int(min((s.Requests+seconds-1)/seconds, 1<<31))
	// The X-Ray SDK for Node takes every quota for expired, and borrows for ever.
	// A client that borrowed most of the time although it had a quota is like it.
	c.borrows = c.until > now && elapsed >= Interval/2 && 2*s.Borrowed >= seconds
	c.seen = now
}

// divide computes the shares of the active clients and forgets the long silent.
func (d *division) divide(reservoir int, now tomo.Time) {
	d.divided, d.granted = now, 0
	claims := make([]*claim, 0, len(d.clients))
	for id, c := range d.clients {
		silent := now.Sub(c.seen)
		if silent >= forget {
			delete(d.clients, id)
			continue
		}
		if silent > active {
			c.active, c.share, c.claim.lease = false, 0, 0
			continue
		}
		claims = append(claims, &c.claim)
		if c.active {
			d.granted += c.claim.lease
		}
	}
	allocate(reservoir, claims)
}

// State is how a rule is applied now.
type State struct {
	Rule    string
	Rate    float64 // the fixed one or the boosted one
	Clients int     // that are active
	Leased  int     // of the reservoir, traces a second
}

// States lists how all rules are applied, in their order.
func (f *Fleet) States(rules *tomo.SamplingRules, now tomo.Time) []State {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(rules)
	var states []State
	for _, rule := range rules.List {
		s := State{Rule: rule.Name, Rate: rule.FixedRate}
		if d := f.rules[rule.Name]; d != nil {
			if now < d.boost.until {
				s.Rate = max(s.Rate, d.boost.given)
			}
			for _, c := range d.clients {
				if now.Sub(c.seen) <= active {
					s.Clients++
					s.Leased += c.claim.lease
				}
			}
		}
		states = append(states, s)
	}
	return states
}
