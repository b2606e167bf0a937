// Package anomaly is pure: it finds what is out of the usual in the service
// graphs of the minutes of a group, and makes insights of it. In come graphs and
// the minutes that they are of, out go insights. It knows no clock, no store and
// no group; what it has learned can be written and read back.
package anomaly

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
)

// Watch finds insights among the services of one group, from the service graphs
// of its minutes. It knows nothing but these: no clock, no store. The same
// minutes give the same insights, with the same ids.
//
// Of each service, and of what clients ask of it, it learns what is usual: the
// rate of faults, how long requests take, how many take more than one and a
// half times as long, and how much minutes differ in all this. Half of it is
// forgotten in a day. On top it keeps how each half hour of the last four weeks
// differed from that; what was so on most days at this time, or on this day of
// the week, is usual.
//
// A service leaves the usual when two to ten minutes together have more faults,
// or slow requests, than chance explains. Their number is held against the
// binomial distribution, for as many requests as they are worth: the more
// minutes used to differ, the fewer. One bad minute is not enough. Services
// connected by calls are one insight, and with them the neighbours for which
// there is less evidence. The root cause is the one that calls no other of them.
// A service is itself again after ten quiet minutes, and when all are, the
// insight closes.
//
// Minutes are learned when they are 16 minutes old, so an incident that is found
// by then teaches nothing; while an insight is open its services do not learn.
// What has lasted for a day is usual from then on.
//
// What is kept is bounded: 500 services, and 10 kB for each.
type Watch struct {
	state watchState
	index map[tomo.NodeID]int
}

// watchState is all that a watch knows.
type watchState struct {
	Seed     string         `json:"seed"`
	Last     epoch          `json:"last"` // minute judged; 0: none
	Services []*watched     `json:"services"`
	Calls    map[call]epoch `json:"calls"` // when they were seen last
	Open     []*incident    `json:"open"`  // older ones first
}

// watched is a service.
type watched struct {
	ID    tomo.NodeID `json:"id"`
	Seen  epoch       `json:"seen"`
	Own   series      `json:"own"`
	Entry *series     `json:"entry,omitempty"` // what clients ask of it; nil: nothing

	FrozenFrom  epoch `json:"frozenFrom,omitempty"` // what is not learned
	FrozenUntil epoch `json:"frozenUntil,omitempty"`
}

// call is two services by their indexes.
type call struct{ from, to int }

func (c call) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d>%d", c.from, c.to), nil }

func (c *call) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d>%d", &c.from, &c.to)
	return err
}

// Bounds of a watch.
const (
	// LateMinutes is how many minutes may still change after they were judged,
	// the latest included.
	LateMinutes = 5

	maxWatched  = 500
	calledFor   = epoch(120) // minutes that a call counts as a connection
	quiet       = epoch(10)  // minutes in which nothing is odd: it is over
	acceptAfter = epoch(24 * 60)
	longGap     = epoch(60) // minutes without knowledge after which all is over
)

// New makes a watch that knows nothing yet. Seed tells it from others; it
// goes into the ids of the insights.
func New(seed string) *Watch {
	w := &Watch{state: watchState{Seed: seed, Calls: map[call]epoch{}}}
	w.reindex()
	return w
}

// MarshalJSON writes everything that the watch knows.
func (w *Watch) MarshalJSON() ([]byte, error) { return json.Marshal(&w.state) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (w *Watch) UnmarshalJSON(text []byte) error {
	state := watchState{Calls: map[call]epoch{}}
	if err := json.Unmarshal(text, &state); err != nil {
		return err
	}
	for _, s := range state.Services {
		if s == nil {
			return fmt.Errorf("a service is null")
		}
	}
	for c := range state.Calls {
		if !state.has(c.from) || !state.has(c.to) {
			return fmt.Errorf("a call from service %d to %d of %d", c.from, c.to, len(state.Services))
		}
	}
	for _, i := range state.Open {
		if i == nil || !state.has(i.Cause) {
			return fmt.Errorf("an insight without its service")
		}
		for _, m := range i.Members {
			if !state.has(m.Service) {
				return fmt.Errorf("insight %s of service %d of %d", i.Insight.ID, m.Service, len(state.Services))
			}
		}
		i.Done = append(i.Done, make([]tally, max(0, len(state.Services)-len(i.Done)))...)
	}
	w.state = state
	w.reindex()
	return nil
}

func (s *watchState) has(service int) bool { return service >= 0 && service < len(s.Services) }

func (w *Watch) reindex() {
	w.index = make(map[tomo.NodeID]int, len(w.state.Services))
	for i, s := range w.state.Services {
		w.index[s.ID] = i
	}
}

// Last is the beginning of the minute that was judged last; 0 if none was.
func (w *Watch) Last() tomo.Time { return w.state.Last.start() }

// Step judges the minute that begins at minute. Graphs has the graph of that
// minute, if anything was received in it, and may have new versions of any of
// the LateMinutes-1 before it; those of others are ignored. Graphs are by
// receipt, so they hardly change once their minute is over. Minutes between the
// last and this one count as empty. A minute that was judged already is not
// judged again.
//
// The answer is every insight that is open, or was closed by this call, as it
// is now, older ones first. The values are the caller's.
func (w *Watch) Step(minute tomo.Time, graphs map[tomo.Time]*tomo.ServiceGraph) []tomo.Insight {
	now := epochOf(minute)
	st := &w.state
	if now <= 0 || now <= st.Last {
		return nil
	}
	if st.Last == 0 {
		st.Last = now - 1
	}
	var closed []tomo.Insight
	for next := st.Last + 1; next < now; next++ {
		if next > st.Last+longGap {
			st.Last = now - 1 // all that was open is closed, and all that was held is learned
			break
		}
		w.retire(next)
		closed = append(closed, w.judge(next)...)
	}
	w.retire(now)
	for m := max(now-LateMinutes+1, 1); m <= now; m++ {
		if g, found := graphs[m.start()]; found {
			w.measure(m, g)
		}
	}
	closed = append(closed, w.judge(now)...)
	st.Last = now
	list := closed
	for _, i := range st.Open {
		list = append(list, i.copy())
	}
	slices.SortStableFunc(list, func(a, b tomo.Insight) int { return int(a.Start - b.Start) })
	return list
}

// End closes what is open, and returns it. The watch must not go on: the minutes
// that were odd would open it again.
func (w *Watch) End() []tomo.Insight {
	var closed []tomo.Insight
	for _, i := range w.state.Open {
		i.close(w, w.state.Last, tomo.InsightClosed)
		closed = append(closed, i.copy())
	}
	w.state.Open = nil
	return closed
}

// retire makes room for a minute: the one that it takes the place of is learned.
func (w *Watch) retire(now epoch) {
	old := now - held
	for _, i := range w.state.Open {
		if old >= i.Began {
			for s := range i.Done {
				i.Done[s].add(w.state.Services[s], old)
			}
		}
	}
	for _, s := range w.state.Services {
		frozen := old >= s.FrozenFrom && old <= s.FrozenUntil
		s.Own.learn(old, frozen)
		if s.Entry != nil {
			s.Entry.learn(old, frozen)
		}
	}
	if now%(calledFor/2) == 0 {
		w.forget(now)
	}
}

// forget drops services and calls that were not seen for long.
func (w *Watch) forget(now epoch) {
	st := &w.state
	for c, seen := range st.Calls {
		if now-seen > calledFor {
			delete(st.Calls, c)
		}
	}
	if len(st.Open) > 0 {
		return // indexes are in use
	}
	kept := st.Services[:0]
	moved := make([]int, len(st.Services))
	for i, s := range st.Services {
		moved[i] = -1
		if now-s.Seen <= forgetAfter {
			moved[i] = len(kept)
			kept = append(kept, s)
		}
	}
	if len(kept) == len(st.Services) {
		return
	}
	clear(st.Services[len(kept):])
	st.Services = kept
	calls := make(map[call]epoch, len(st.Calls))
	for c, seen := range st.Calls {
		if moved[c.from] >= 0 && moved[c.to] >= 0 {
			calls[call{moved[c.from], moved[c.to]}] = seen
		}
	}
	st.Calls = calls
	w.reindex()
}

// measure takes the graph of a minute, in place of an earlier version.
func (w *Watch) measure(m epoch, g *tomo.ServiceGraph) {
	for _, s := range w.state.Services {
		s.Own.Ring[m.place()] = sample{}
		if s.Entry != nil {
			s.Entry.Ring[m.place()] = sample{}
		}
	}
	places := make([]int, len(g.Services))
	for i := range g.Services {
		n := &g.Services[i]
		places[i] = -1
		if n.Type == tomo.ClientType {
			continue
		}
		places[i] = w.service(n.NodeID, m)
		if at := places[i]; at >= 0 && n.Statistics.Total() > 0 {
			s := w.state.Services[at]
			s.Seen = max(s.Seen, m)
			s.Own.measure(m, &n.Statistics, &n.ResponseTimeHistogram)
		}
	}
	entries := map[int]*tomo.ServiceEdge{}
	for i := range g.Edges {
		e := &g.Edges[i]
		to := places[e.To]
		if to < 0 || e.Statistics.Total() == 0 {
			continue
		}
		if from := places[e.From]; from >= 0 {
			if from != to {
				w.state.Calls[call{from, to}] = max(w.state.Calls[call{from, to}], m)
			}
			continue
		}
		if g.Services[e.From].Type != tomo.ClientType {
			continue
		}
		if before := entries[to]; before != nil { // clients of several accounts
			both := tomo.ServiceEdge{Statistics: before.Statistics}
			both.ResponseTimeHistogram.Merge(&before.ResponseTimeHistogram)
			both.Statistics.Merge(&e.Statistics)
			both.ResponseTimeHistogram.Merge(&e.ResponseTimeHistogram)
			e = &both
		}
		entries[to] = e
	}
	for to, e := range entries {
		s := w.state.Services[to]
		if s.Entry == nil {
			s.Entry = &series{}
		}
		s.Entry.measure(m, &e.Statistics, &e.ResponseTimeHistogram)
	}
}

// service finds or adds a service; -1 if there is no room.
func (w *Watch) service(id tomo.NodeID, now epoch) int {
	at, found := w.index[id]
	if found {
		return at
	}
	st := &w.state
	if len(st.Services) >= maxWatched {
		return -1
	}
	at = len(st.Services)
	st.Services = append(st.Services, &watched{ID: id, Seen: now})
	w.index[id] = at
	for _, i := range st.Open {
		i.Done = append(i.Done, tally{})
	}
	return at
}

// judge decides what the minutes up to now mean, and returns the insights that
// are closed by it.
func (w *Watch) judge(now epoch) []tomo.Insight {
	w.stay(now)
	hot := w.hot(now)
	closed := w.join(now, hot)
	for _, i := range w.state.Open {
		i.settle(w, now)
	}
	still := w.state.Open[:0]
	for _, i := range w.state.Open {
		if now-i.lastOut() < quiet {
			i.tell(w, now)
			still = append(still, i)
			continue
		}
		i.close(w, now, tomo.InsightClosed)
		closed = append(closed, i.copy())
	}
	clear(w.state.Open[len(still):])
	w.state.Open = still
	return closed
}

// insightID makes the UUID of an insight, of version 5 by its form: it follows
// from a name.
func insightID(seed string, cause tomo.NodeID, began epoch) string {
	name := strings.Join([]string{seed, cause.Name, cause.Type, cause.Account, fmt.Sprint(int64(began))}, "\x00")
	sum := sha256.Sum256([]byte(name))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
