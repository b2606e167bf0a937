package anomaly

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
)

// incident is an insight that is open, with what it takes to go on.
type incident struct {
	Insight tomo.Insight `json:"insight"`
	Began   epoch        `json:"began"`
	Cause   int          `json:"cause"`
	Members []member     `json:"members"` // in order of joining
	// Done is what was counted of each service of the watch since Began, in the
	// minutes that are not held any more.
	Done     []tally `json:"done"`
	Accepted epoch   `json:"accepted,omitempty"` // when it became usual
}

// member is a service that is, or was, out of the usual.
type member struct {
	Service int   `json:"service"`
	Out     epoch `json:"out"`  // the last minute in which it was
	Outs    int   `json:"outs"` // how many minutes
	Faults  bool  `json:"faults,omitempty"`
	Slow    bool  `json:"slow,omitempty"`
}

// tally counts what a service did during an incident.
type tally struct {
	Own    tomo.Impact `json:"own"`
	Entry  tomo.Impact `json:"entry"`  // what clients asked of it
	Excess float64     `json:"excess"` // faults more than usual
	Timed  int64       `json:"timed"`  // requests of which it was known how long they usually take
	Time   float64     `json:"time"`   // that they took, in milliseconds
	Usual  float64     `json:"usual"`  // that they would have taken
}

// add counts a minute that is held.
func (t *tally) add(s *watched, m epoch) {
	if p := s.Own.at(m); p != nil {
		count(&t.Own, p)
		t.Excess += float64(p.Faults) - float64(p.Requests)*s.Own.faultRate(m)
		if s.Own.Level.known() {
			t.Timed += p.Requests
			t.Time += p.Time
			t.Usual += float64(p.Requests) * s.Own.usualTime(m)
		}
	}
	if s.Entry != nil {
		if p := s.Entry.at(m); p != nil {
			count(&t.Entry, p)
		}
	}
}

// lost is the time that requests took more than usual, in milliseconds.
func (t *tally) lost() float64 { return t.Time - t.Usual }

func count(i *tomo.Impact, p *sample) {
	i.Fault += p.Faults
	i.OK += p.OK
	i.Total += p.Requests
}

func (i *incident) lastOut() epoch {
	last := i.Began
	for _, m := range i.Members {
		last = max(last, m.Out)
	}
	return last
}

// look judges what is asked of a service, by anyone and by clients alone.
func (s *watched) look(now epoch) sign {
	found := s.Own.look(now)
	if s.Entry != nil {
		found = found.or(s.Entry.look(now))
	}
	return found
}

// stay says of the services of open insights whether they are out of the usual
// still, and makes usual what has lasted for a day.
func (w *Watch) stay(now epoch) {
	for _, i := range w.state.Open {
		accept := now-max(i.Began, i.Accepted) >= acceptAfter
		for k := range i.Members {
			m := &i.Members[k]
			s := w.state.Services[m.Service]
			if accept && now-m.Out < quiet {
				s.Own.accept()
				if s.Entry != nil {
					s.Entry.accept()
				}
				i.Accepted = now
				continue
			}
			found := s.look(now)
			m.Faults = m.Faults || found.faults >= joins
			m.Slow = m.Slow || found.slow >= joins
			faults, slow := s.Own.still(now)
			if s.Entry != nil {
				entryFaults, entrySlow := s.Entry.still(now)
				faults, slow = faults || entryFaults, slow || entrySlow
			}
			// Minutes without requests say nothing; they are quiet.
			if s.Own.at(now) != nil && (faults && m.Faults || slow && m.Slow) {
				m.Out = now
				m.Outs++
			}
		}
	}
}

// hot finds the services that leave the usual: those for which it is certain,
// and from there, call by call, those for which it is likely.
func (w *Watch) hot(now epoch) map[int]sign {
	hot := map[int]sign{}
	likely := map[int]sign{}
	var edge []int // of what is hot
	member := map[int]bool{}
	for _, i := range w.state.Open {
		for _, m := range i.Members {
			member[m.Service] = true
			if m.Out == now {
				edge = append(edge, m.Service)
			}
		}
	}
	for at, s := range w.state.Services {
		if member[at] || s.Seen <= now-windows[len(windows)-1] {
			continue
		}
		switch found := s.look(now); found.strength() {
		case opens:
			hot[at] = found
			edge = append(edge, at)
		case joins:
			likely[at] = found
		}
	}
	for len(edge) > 0 && len(likely) > 0 {
		from := edge[len(edge)-1]
		edge = edge[:len(edge)-1]
		for c, seen := range w.state.Calls {
			if now-seen > calledFor || c.from != from && c.to != from {
				continue
			}
			next := c.from + c.to - from
			if found, is := likely[next]; is {
				hot[next] = found
				delete(likely, next)
				edge = append(edge, next)
			}
		}
	}
	return hot
}

// join puts hot services into insights: one for all that calls connect. It
// returns those that were merged into older ones.
func (w *Watch) join(now epoch, hot map[int]sign) (merged []tomo.Insight) {
	st := &w.state
	parts := newPartition(len(st.Services))
	live := make([]bool, len(st.Services))
	for at := range hot {
		live[at] = true
	}
	for _, i := range st.Open {
		for _, m := range i.Members {
			parts.unite(i.Members[0].Service, m.Service)
			live[m.Service] = live[m.Service] || now-m.Out < quiet/2
		}
	}
	for c, seen := range st.Calls {
		if now-seen <= calledFor && live[c.from] && live[c.to] {
			parts.unite(c.from, c.to)
		}
	}
	of := map[int]*incident{} // by part
	kept := st.Open[:0]
	for _, i := range st.Open { // older ones first
		part := parts.of(i.Members[0].Service)
		older := of[part]
		if older == nil {
			of[part] = i
			kept = append(kept, i)
			continue
		}
		for _, m := range i.Members {
			if !older.has(m.Service) {
				older.Members = append(older.Members, m)
			}
		}
		i.Insight.Summary = older.Insight.ID // for the text
		i.close(w, now, tomo.InsightMerged)
		merged = append(merged, i.copy())
	}
	clear(st.Open[len(kept):])
	st.Open = kept
	for at := range st.Services { // in order, for the same answer each time
		found, is := hot[at]
		if !is {
			continue
		}
		part := parts.of(at)
		i := of[part]
		if i == nil {
			i = &incident{Began: now, Cause: at, Done: make([]tally, len(st.Services))}
			of[part] = i
			st.Open = append(st.Open, i)
		}
		i.Members = append(i.Members, member{Service: at, Out: now, Outs: 1, Faults: found.faults >= joins, Slow: found.slow >= joins})
		s := st.Services[at]
		onset := s.Own.onset(now)
		if s.Entry != nil {
			onset = min(onset, s.Entry.onset(now))
		}
		if i.Insight.ID == "" { // new: it begins with what was odd first
			i.Began = min(i.Began, onset)
		}
		if s.FrozenUntil < now-held {
			s.FrozenFrom = min(i.Began, onset) - 1
		}
		s.FrozenUntil = math.MaxInt64
	}
	return merged
}

func (i *incident) has(service int) bool {
	return slices.ContainsFunc(i.Members, func(m member) bool { return m.Service == service })
}

// settle brings everything that the insight tells up to now.
func (i *incident) settle(w *Watch, now epoch) {
	tallies := i.tallies(w, now)
	i.Cause = i.cause(w, now, tallies)
	if i.Insight.ID == "" {
		i.Insight.ID = insightID(w.state.Seed, w.state.Services[i.Cause].ID, i.Began)
		i.Insight.Start = i.Began.start()
	}
	i.describe(w, now, tallies)
}

// describe tells what was counted.
func (i *incident) describe(w *Watch, now epoch, tallies []tally) {
	in := &i.Insight
	in.Updated = now.end()
	in.RootCause = w.state.Services[i.Cause].ID
	in.AtCause = tallies[i.Cause].Own
	in.Faults, in.Slow = false, false
	order := make([]int, 0, len(i.Members))
	for _, m := range i.Members {
		in.Faults = in.Faults || m.Faults
		in.Slow = in.Slow || m.Slow
		order = append(order, m.Service)
	}
	slices.SortFunc(order, func(a, b int) int { return w.worse(tallies, a, b) })
	in.Affected = make([]tomo.NodeID, len(order))
	for k, at := range order {
		in.Affected[k] = w.state.Services[at].ID
	}
	in.Client = tomo.Impact{}
	for at := range w.upstream(i, now) {
		entry := &tallies[at].Entry
		in.Client.Fault += entry.Fault
		in.Client.OK += entry.OK
		in.Client.Total += entry.Total
	}
	in.Summary = i.text(&tallies[i.Cause])
}

// worse puts those with more faults than usual first, then those that lost
// more time.
func (w *Watch) worse(tallies []tally, a, b int) int {
	ta, tb := &tallies[a], &tallies[b]
	fa, fb := math.Round(max(ta.Excess, 0)), math.Round(max(tb.Excess, 0))
	return cmp.Or(cmp.Compare(fb, fa), cmp.Compare(math.Round(tb.lost()), math.Round(ta.lost())),
		w.state.Services[a].ID.Compare(w.state.Services[b].ID))
}

// tallies counts from the beginning up to now.
func (i *incident) tallies(w *Watch, now epoch) []tally {
	all := slices.Clone(i.Done)
	for m := max(i.Began, now-held+1); m <= now; m++ {
		for at, s := range w.state.Services {
			all[at].add(s, m)
		}
	}
	return all
}

// upstream is the services from which calls lead to those of the insight, these
// included.
func (w *Watch) upstream(i *incident, now epoch) map[int]bool {
	reached := map[int]bool{}
	var edge []int
	for _, m := range i.Members {
		reached[m.Service] = true
		edge = append(edge, m.Service)
	}
	for len(edge) > 0 {
		to := edge[len(edge)-1]
		edge = edge[:len(edge)-1]
		for c, seen := range w.state.Calls {
			if c.to == to && now-seen <= calledFor && !reached[c.from] {
				reached[c.from] = true
				edge = append(edge, c.from)
			}
		}
	}
	return reached
}

// cause is the service that calls none of the others that are out of the
// usual; of several, the worst. Services that call each other in a circle count
// as one. Once there is a cause, another one has to lie behind it, or be twice
// as bad; a caller of it, which suffers from it, has to be out of the usual when
// it is not any more, and twice as long: callers lag behind as an incident fades.
func (i *incident) cause(w *Watch, now epoch, tallies []tally) int {
	var out, all []int
	outs := map[int]int{}
	held := false // the cause before is out of the usual, or was lately
	for _, m := range i.Members {
		all = append(all, m.Service)
		outs[m.Service] = m.Outs
		if now-m.Out < quiet/2 {
			out = append(out, m.Service)
		}
		if m.Service == i.Cause && now-m.Out < quiet {
			held = true
		}
	}
	reach := w.reach(now, out)
	best := -1
	for _, at := range out {
		last := true
		for to := range reach[at] {
			last = last && reach[to][at]
		}
		if last && (best < 0 || w.worse(tallies, at, best) < 0) {
			best = at
		}
	}
	was := &tallies[i.Cause]
	switch {
	case best < 0:
		return i.Cause
	case i.Insight.ID == "", reach[i.Cause][best]:
		return best
	case w.reach(now, all)[best][i.Cause]:
		if !held && outs[best] > 2*outs[i.Cause] {
			return best
		}
	case !held, tallies[best].Excess > 2*max(was.Excess, 1), was.Excess < 1 && tallies[best].lost() > 2*was.lost():
		return best
	}
	return i.Cause
}

// reach tells for each of some services which of them calls lead to from it,
// by way of these only. It is among them itself.
func (w *Watch) reach(now epoch, among []int) map[int]map[int]bool {
	calls := map[int][]int{}
	for c, seen := range w.state.Calls {
		if now-seen <= calledFor && slices.Contains(among, c.from) && slices.Contains(among, c.to) {
			calls[c.from] = append(calls[c.from], c.to)
		}
	}
	reach := map[int]map[int]bool{}
	for _, at := range among {
		seen := map[int]bool{at: true}
		for edge := []int{at}; len(edge) > 0; {
			from := edge[len(edge)-1]
			edge = edge[:len(edge)-1]
			for _, to := range calls[from] {
				if !seen[to] {
					seen[to] = true
					edge = append(edge, to)
				}
			}
		}
		reach[at] = seen
	}
	return reach
}

// An update is told when something else is affected, or when the faults that
// clients saw have grown by a quarter, and by a few.
const (
	growth    = 1.25
	growthMin = 10
	maxEvents = 100 // of an insight, the closing included
)

// tell adds an event if there is something to tell.
func (i *incident) tell(w *Watch, now epoch) {
	events := i.Insight.Events
	if len(events) == 0 {
		i.event(now, tomo.InsightOpened)
		return
	}
	if len(events) >= maxEvents-1 {
		return
	}
	last := &events[len(events)-1]
	grown := float64(i.Insight.Client.Fault) >= growth*float64(last.Client.Fault)+growthMin
	if grown || i.news(last) {
		i.event(now, tomo.InsightUpdated)
	}
}

// news says whether other services are affected than at an event. Their order
// is none.
func (i *incident) news(last *tomo.InsightEvent) bool {
	top := i.Insight.Top()
	return len(top) != len(last.Top) || i.Insight.RootCause != last.RootCause ||
		slices.ContainsFunc(top, func(id tomo.NodeID) bool { return !slices.Contains(last.Top, id) })
}

func (i *incident) event(now epoch, kind tomo.InsightEventKind) {
	in := &i.Insight
	in.Events = append(in.Events, tomo.InsightEvent{
		Time: now.end(), Kind: kind, Summary: in.Summary, RootCause: in.RootCause,
		Client: in.Client, AtCause: in.AtCause, Top: slices.Clone(in.Top()),
	})
}

// close ends the insight with the last minute that was out of the usual. What
// is counted reaches up to that.
func (i *incident) close(w *Watch, now epoch, kind tomo.InsightEventKind) {
	last := i.lastOut()
	older := i.Insight.Summary // if merged
	i.Insight.End = last.end()
	i.describe(w, last, i.tallies(w, last))
	i.Insight.Updated = now.end()
	switch {
	case kind == tomo.InsightMerged:
		i.Insight.Summary += " It is a part of the older insight " + older + "."
	case i.Accepted > 0:
		i.Insight.Summary += " It lasted for a day, so it counts as usual from now on."
	}
	i.event(now, kind)
	if kind == tomo.InsightMerged {
		return
	}
	for _, m := range i.Members {
		w.state.Services[m.Service].FrozenUntil = last + 1
	}
}

// copy is the insight for the world.
func (i *incident) copy() tomo.Insight {
	in := i.Insight
	in.Affected = slices.Clone(in.Affected)
	in.Events = slices.Clone(in.Events)
	return in
}

// text writes the summary. Grafana shows what lies between the first two full
// stops of a closed insight and breaks where there is none, so names, which may
// hold full stops, come after them.
func (i *incident) text(cause *tally) string {
	in := &i.Insight
	is, have, this := "are", "have been", "this"
	length := in.Updated.Sub(in.Start)
	if !in.Active() {
		is, have, this = "were", "were", "that"
		length = in.End.Sub(in.Start)
	}
	var b strings.Builder
	switch {
	case in.Faults && in.Slow:
		fmt.Fprintf(&b, "Faults %s frequent and responses slow for ", have)
	case in.Faults:
		fmt.Fprintf(&b, "Faults %s frequent for ", have)
	default:
		fmt.Fprintf(&b, "Responses %s slow for ", have)
	}
	switch minutes := int64(length.Minutes()); {
	case minutes < 120:
		b.WriteString(plural(minutes, "minute"))
	default:
		b.WriteString(plural(minutes/60, "hour"))
	}
	services := int64(len(in.Affected))
	if services == 1 {
		is = map[string]string{"are": "is", "were": "was"}[is]
	}
	fmt.Fprintf(&b, ". Clients made %s in %s time, of which %d failed, and %s %s affected", plural(in.Client.Total, "request"), this, in.Client.Fault,
		plural(services, "service"), is)
	fmt.Fprintf(&b, ". The root cause seems to be %s", in.RootCause.Name)
	if in.RootCause.Type != "" {
		fmt.Fprintf(&b, " (%s)", in.RootCause.Type)
	}
	fmt.Fprintf(&b, ", where %d of %s failed", in.AtCause.Fault, plural(in.AtCause.Total, "request"))
	if in.Slow && cause.Timed > 0 {
		n := float64(cause.Timed)
		fmt.Fprintf(&b, " and one took %.0f ms instead of %.0f ms on average", cause.Time/n, cause.Usual/n)
	}
	b.WriteString(".")
	return b.String()
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// partition puts services into parts.
type partition []int

func newPartition(n int) partition {
	p := make(partition, n)
	for i := range p {
		p[i] = i
	}
	return p
}

func (p partition) of(i int) int {
	for p[i] != i {
		p[i] = p[p[i]]
		i = p[i]
	}
	return i
}

func (p partition) unite(a, b int) { p[p.of(a)] = p.of(b) }
