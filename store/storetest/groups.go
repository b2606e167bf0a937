package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// group is a group of traces and what decides who belongs to it.
type group struct {
	id    string
	holds func(*tomo.Summary) bool
}

// calls decides by a service.
func calls(name string) func(*tomo.Summary) bool {
	return func(s *tomo.Summary) bool {
		return slices.ContainsFunc(s.Nodes, func(n tomo.Node) bool { return n.Name == name })
	}
}

// derive is the summary of a trace that settles now for the first time.
func (w *world) derive(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Summary {
	s := derive.Within(w.limits).Summary(id, docs)
	for _, g := range w.groups {
		if g.holds(s) {
			s.Groups = append(s.Groups, g.id)
		}
	}
	return s
}

// summary is what a store should say of a trace. It stays in the groups it
// settled with, and belongs to others only once something new came. The same goes
// for the annotations that were indexed then.
func (w *world) summary(id tomo.TraceID) *tomo.Summary {
	s := w.derive(id, w.model[id])
	if before := w.settled[id]; before != nil && before.Documents == s.Documents {
		s.Groups, s.Annotations = before.Groups, before.Annotations
	} else if before != nil {
		s.Groups = union(s.Groups, before.Groups)
	}
	return s
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// checkTraffic asks for graphs, series and what was dropped, of all traces and of
// the groups.
func (w *world) checkTraffic(r tomo.TimeRange) {
	w.Helper()
	ctx := context.Background()
	asked := []string{"", "NOBODYS"}
	for _, g := range w.groups {
		asked = append(asked, g.id)
	}
	for _, group := range asked {
		var want tomo.ServiceGraph
		minutes := map[tomo.Time]*tomo.ServiceGraph{}
		count := func(s *tomo.Summary) {
			for _, m := range s.ReceiptMinutes() {
				if r.Start >= r.End || r.End <= m || m+tomo.Minute <= r.Start {
					continue
				}
				if minutes[m] == nil {
					minutes[m] = &tomo.ServiceGraph{}
				}
				minutes[m].Add(s, tomo.TimeRange{Start: m, End: m + tomo.Minute})
			}
		}
		for id := range w.model {
			if s := w.summary(id); s.In(group) {
				want.Add(s, r)
				count(s)
			}
		}
		var sum tomo.Dropped
		for _, row := range w.dropped {
			s := row.Summary
			if !s.In(group) {
				continue
			}
			count(s)
			for _, m := range s.ReceiptMinutes() {
				if r.Contains(m) {
					want.Add(s, tomo.TimeRange{Start: m, End: m + tomo.Minute})
				}
			}
			if r.Contains(s.Start.StartOfMinute()) {
				sum.Add(tomo.Dropped{Traces: 1, Documents: int64(len(row.Documents))})
				for _, d := range row.Documents {
					sum.Bytes += int64(len(d.Text))
				}
			}
		}
		want.Sort()
		graph, err := w.store.Graph(ctx, r, group)
		if err != nil {
			w.Fatalf("graph of %q in %v: %v", group, r, err)
		}
		w.equal(fmt.Sprintf("graph of %q in %v", group, r), &want, graph)
		for _, g := range minutes {
			g.Sort()
		}
		w.equal(fmt.Sprintf("series of %q in %v", group, r), minutes, w.series(r, group))
		if got, err := w.store.Dropped(ctx, r, group); got != sum || err != nil {
			w.Fatalf("dropped of %q in %v: %v, %v; want %v", group, r, got, err, sum)
		}
	}
}

// groups: what settled stays where it was; a late document adds the groups of
// the moment.
func groups(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	front, bank := group{"A", calls("front")}, group{"B", calls("bank")}
	groupsOf := func(n int, want ...string) {
		t.Helper()
		for _, s := range w.summaries(tomo.Window{TimeRange: tomo.Always}, tomo.Top, 0) {
			if s.ID == traceID(n) && !slices.Equal(s.Groups, want) {
				t.Errorf("trace %d is in the groups %v, want %v", n, s.Groups, want)
			}
		}
	}
	again := segment(2, 1, "front", at, at+ms)
	w.put(segment(1, 1, "front", at, at+9*ms, call(1, 2, "bank", at, at+ms)), again, segment(3, 1, "bank", at, at+ms))
	w.check()
	w.regroup([]group{front}...)
	groupsOf(1, "A") // open: what it would settle with
	groupsOf(3)
	w.check()
	w.settle()
	w.regroup([]group{bank}...)
	groupsOf(1, "A")
	groupsOf(3)
	w.regroup([]group{front, bank}...)
	w.check()
	w.now += 2 * tomo.Minute
	w.regroup([]group{{"B", func(*tomo.Summary) bool { return true }}}...)
	w.put(segment(1, 3, "cart", at, at+2*ms), again)
	groupsOf(1, "A", "B")
	groupsOf(2, "A") // nothing new in it
	w.check()
	for range 2 {
		w.restart()
		w.check()
		w.settle()
		groupsOf(1, "A", "B")
		groupsOf(2, "A")
		w.regroup([]group{front, bank}...)
		w.check(tomo.Window{TimeRange: tomo.TimeRange{Start: at, End: at + 90e6}})
	}
	if err := w.store.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.check()
}

// dropped: a trace that is dropped leaves its traffic behind and nothing else.
func dropped(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{Retention: time.Hour})
	defer func() { w.close() }()
	maintain := func() {
		t.Helper()
		if err := w.store.Maintain(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	w.regroup([]group{{"A", calls("front")}, {"B", calls("bank")}}...)
	cut := tomo.Window{TimeRange: tomo.TimeRange{Start: at + 30e6, End: at + 100e6}}

	w.put(segment(1, 1, "front", at, at+9*ms, call(1, 2, "bank", at, at+ms)), segment(2, 1, "cart", at, at+9*ms))
	w.drop = func(*tomo.Summary) bool { return true }
	w.now += 30e6
	w.put(segment(5, 1, "front", at, at+ms)) // keeps the others' documents in the log
	w.round(tomo.SettlePolicy{Quiet: 20 * time.Second, MaxAge: time.Hour, Round: 1 << 40})
	if len(w.model) != 1 || len(w.dropped) != 2 {
		t.Fatalf("%d traces are there and %d were dropped, want 1 and 2", len(w.model), len(w.dropped))
	}
	w.check(cut) // there is nothing settled but what was dropped
	w.restart()
	w.check(cut)
	w.settle()
	w.check(cut)
	w.restart()
	w.check(cut)
	maintain()
	w.check(cut)

	w.now += 40e6
	w.put(segment(1, 2, "bank", at, at+ms)) // a trace of its own now
	w.check(cut)
	w.restart() // the log may still have what was dropped
	w.check(cut)
	w.drop = func(s *tomo.Summary) bool { return s.ID != traceID(1) }
	w.put(segment(6, 1, "front", at, at+ms))
	w.settle()
	w.check(cut)

	w.now += 40e6
	w.put(segment(1, 3, "cart", at, at+ms), segment(3, 1, "front", at, at+2*ms))
	w.drop = func(*tomo.Summary) bool { return true }
	w.settle() // the first has a row: it stays
	w.check(cut)
	if len(w.model) != 1 || len(w.dropped) != 5 {
		t.Fatalf("%d traces are there and %d were dropped, want 1 and 5", len(w.model), len(w.dropped))
	}
	maintain() // of the block before nothing is left but what it dropped
	w.check(cut)
	w.restart()
	w.check(cut)
	unknown, err := w.store.Documents(context.Background(), traceID(3))
	if err != nil || len(unknown.Documents) > 0 {
		t.Errorf("documents of a dropped trace: %v, %v", unknown, err)
	}

	w.now += 50 * tomo.Minute
	w.put(segment(4, 1, "front", w.now, w.now+ms))
	w.settle()
	maintain()
	w.check(cut)
	w.now += 30 * tomo.Minute // what is left of the first rounds goes with their blocks
	maintain()
	w.dropped = slices.DeleteFunc(w.dropped, func(row tomo.Settled) bool { return row.Summary.ID != traceID(4) })
	w.model, w.settled = map[tomo.TraceID][]tomo.RawDocument{}, map[tomo.TraceID]*tomo.Summary{}
	w.check(cut)
	w.restart()
	w.check(cut)
}

// manyDropped: rounds of which little or nothing is kept are merged.
func manyDropped(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	w.regroup([]group{{"A", calls("front")}, {"B", calls("bank")}}...)
	w.drop = func(s *tomo.Summary) bool { return s.ID[15]%5 > 0 }
	cut := tomo.Window{TimeRange: tomo.TimeRange{Start: at + 130e6, End: at + 300e6}}
	for n := range 40 {
		start := at + tomo.Time(n)*7e6
		w.now += 9e6
		w.put(segment(n, 1, []string{"front", "cart"}[n%2], start, start+tomo.Time(n)*ms, call(n, 2, "bank", start, start+ms)))
		if n > 20 && n%5 == 0 {
			w.put(segment(n-20, 3, "bank", start, start+ms)) // supersedes a row
		}
		if n%2 == 1 {
			w.settle()
		}
		if n%10 == 9 {
			if err := w.store.Maintain(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.check(cut)
			w.restart()
			w.check()
		}
	}
}

// regroup sets the groups.
func (w *world) regroup(groups ...group) {
	w.groups = groups
	w.revision++
}

// anyGroups draws other groups and another rule of what is dropped.
func (w *world) anyGroups(r *rapid.T) {
	all := []group{
		{"A", calls("front")}, {"B", calls("api.bank")}, {"C", func(s *tomo.Summary) bool { return len(s.Units)%2 == 0 }},
	}
	var chosen []group
	for _, g := range all {
		if rapid.Bool().Draw(r, "group "+g.id) {
			chosen = append(chosen, g)
		}
	}
	w.regroup(chosen...)
	dropped := rapid.IntRange(0, 3).Draw(r, "dropped")
	w.drop = func(s *tomo.Summary) bool { return int(s.ID[15])%4 < dropped }
}
