package localstore

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
)

// Open traces stand in batches, each where the latest came for it: those that have
// their root apart from the others, because mostly nothing comes for them any more.
// A question takes what the batches are at one moment, which are a few pointers,
// and looks through them while documents come.
//
// While somebody asks for graphs, the open traces are counted before the next
// question: those for which nothing came for a moment are derived, and when
// nothing came for longer a batch is counted as a whole. A question merges the
// graphs of those batches, counts the traces of the others, and derives few.
// Settling takes the summaries over, so a trace of which everything comes at once
// is derived once all the same.
//
//	documents come ──► newest batch ──► traces derived ──► batch counted ──► settled
//	                        ▲                 │                  │
//	                        └─────────────────┴── another comes ─┘
//
// A batch that a trace leaves is counted again, from the summaries of those that
// are left, by whoever needs it first.
const (
	batchTraces = 512                    // at most, in a batch
	batchSpan   = 250 * time.Millisecond // from its first to its last

	// Nothing came for so long for a trace without its root. To derive one takes 20
	// times as long as to count it.
	deriveQuiet = 50 * time.Millisecond
	// Nothing came for so long for a batch, with roots and without.
	rootedQuiet = 25 * time.Millisecond
	batchQuiet  = 500 * time.Millisecond

	countTick = 5 * time.Millisecond // counting ahead works for so long, and rests
	// Questions about fewer open traces need nothing counted before, and without
	// questions for so long nothing is.
	worthCounting  = 256
	countingWanted = time.Minute
)

// batch is open traces for which the latest came at about the same time.
type batch struct {
	*batchState
	traces []*openTrace // by slot, nil where one has left
}

// batchState is what views know of a batch. It is not changed any more once a
// view may have it.
type batchState struct {
	slots  []slot
	left   int       // slots that somebody stands in
	gist             // of those, and at most of those that have left as well
	rooted bool      // all have their root
	begun  tomo.Time // when the first came
	epoch  uint64    // of openIndex, when it was made

	counted atomic.Pointer[counted]
}

// isQuiet reports whether nothing came for the batch for so long that it is worth
// to count it as a whole, beside the latest that came for any.
func (b *batchState) isQuiet(latest tomo.Time) bool {
	if b.rooted {
		return b.last <= latest.Add(-rootedQuiet)
	}
	return b.last <= latest.Add(-batchQuiet)
}

// slot is an open trace in a batch; without a state somebody stood there.
type slot struct {
	gist
	state *openState
}

// counted is the graphs of a batch.
type counted struct {
	revision int64 // of Options.Derive
	// graphs by group and minute. They are never changed.
	graphs map[string]map[tomo.Time]*tomo.ServiceGraph
	// first is the minute in which the first of it was received, last the receipt
	// of the last.
	first, last tomo.Time
}

// stand puts a trace where those are for which something came last.
func (x *openIndex) stand(t *openTrace) {
	rooted := t.sketch.Rooted()
	newest := &x.newest
	if rooted {
		newest = &x.newestRooted
	}
	if b := *newest; b == nil || b.left == 0 || len(b.slots) >= x.room || t.last.Sub(b.begun) > batchSpan {
		next := &batchState{rooted: rooted, begun: t.last, epoch: x.epoch}
		if b != nil {
			next.slots = make([]slot, 0, len(b.slots)) // it will be as full, mostly
		}
		*newest = &batch{batchState: next}
		x.batches = append(x.batches, *newest)
	}
	if t.batch != *newest {
		x.leave(t)
		t.batch, t.slot = *newest, len((*newest).slots)
		b := x.changeBatch(t.batch)
		b.slots, t.batch.traces = append(b.slots, slot{}), append(t.batch.traces, t)
		b.left++
	}
	x.describe(t)
}

// describe writes down how a trace is now, where it stands.
func (x *openIndex) describe(t *openTrace) {
	t.fresh = t.base == nil && len(t.docs) > 0
	b := x.changeBatch(t.batch)
	b.slots[t.slot] = slot{t.gist, t.openState}
	if len(b.slots) == 1 {
		b.gist = t.gist
	}
	b.merge(&t.gist)
	if t.base != nil {
		x.based[t] = struct{}{}
	} else {
		delete(x.based, t)
	}
}

// leave takes a trace out of its batch.
func (x *openIndex) leave(t *openTrace) {
	if t.batch == nil {
		return
	}
	b := x.changeBatch(t.batch)
	b.slots[t.slot] = slot{}
	t.batch.traces[t.slot] = nil
	b.left--
	x.emptied = x.emptied || b.left == 0
	delete(x.based, t)
	t.batch = nil
}

// inUse is the batches in which somebody stands. The others go, all at once: when
// much settles there are many.
func (x *openIndex) inUse() []*batch {
	if x.emptied {
		x.batches = slices.DeleteFunc(x.batches, func(b *batch) bool { return b.left == 0 })
		x.emptied = false
	}
	return x.batches
}

// changeBatch gives what is to be changed of a batch. What was counted of it does
// not hold any more.
func (x *openIndex) changeBatch(b *batch) *batchState {
	if b.epoch == x.epoch {
		b.counted.Store(nil)
	} else {
		old := b.batchState
		slots := append(make([]slot, 0, min(x.room, 2*len(old.slots)+1)), old.slots...)
		b.batchState = &batchState{slots: slots, left: old.left, gist: old.gist, rooted: old.rooted, begun: old.begun, epoch: x.epoch}
	}
	return b.batchState
}

// wantCounts has the open traces counted before somebody asks for graphs, if
// there are many.
func (s *Store) wantCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open.traces) < worthCounting {
		return
	}
	s.graphAsked = time.Now()
	if !s.counting && !s.isClosed() {
		s.counting = true
		s.countings.Add(1)
		go s.countLoop()
	}
}

// countLoop counts batches for as long as somebody asks for graphs.
func (s *Store) countLoop() {
	defer s.countings.Done()
	for {
		began := time.Now()
		s.countAhead(began.Add(countTick))
		select {
		// When much is changed again and again it takes half of a processor.
		case <-time.After(max(countTick, time.Since(began))):
		case <-s.closed:
			return
		}
		s.mu.Lock()
		wanted := time.Since(s.graphAsked) < countingWanted
		s.counting = wanted
		s.mu.Unlock()
		if !wanted {
			return
		}
	}
}

// countAhead derives and counts what is quiet and was not, until the deadline.
func (s *Store) countAhead(deadline time.Time) {
	v := s.take(true)
	defer v.close()
	for _, b := range v.batches {
		if time.Now().After(deadline) || s.isClosed() {
			return
		}
		if v.isQuiet(b) {
			_, _ = v.count(b) // who asks is told what failed
			continue
		}
		for i := range b.slots {
			if t := &b.slots[i]; t.state != nil && (b.rooted || t.last <= v.latest.Add(-deriveQuiet)) && s.open.kept.Load() < s.open.limit {
				v.yield(i)
				_, _ = v.summary(t.state)
			}
		}
	}
}

// yield is called for each thing that is derived. What is done in the background
// lets those go first who ask now, but waits for no more than its turn, because
// it is for who asks next.
func (v *view) yield(nth int) {
	if v.background && nth%8 == 0 && v.store.way.asking.Load() > 0 {
		runtime.Gosched()
	}
}

// count gives the graphs of a batch, and keeps those of one that is quiet. The
// others are changed at once again.
func (v *view) count(b *batchState) (*counted, error) {
	if c := b.counted.Load(); c != nil && c.revision == v.revision {
		return c, nil
	}
	c := &counted{revision: v.revision, first: tomo.Top.Start}
	var tally tomo.GroupTally
	for i := range b.slots {
		if b.slots[i].state == nil {
			continue
		}
		v.yield(i)
		s, err := v.summary(b.slots[i].state)
		if err != nil {
			return nil, err
		}
		tally.Add(s)
		c.last = max(c.last, s.Received)
	}
	c.graphs = tally.Graphs()
	for minute := range c.graphs[""] {
		c.first = min(c.first, minute)
	}
	if v.isQuiet(b) {
		b.counted.Store(c)
	}
	return c, nil
}

// addBatch counts in a graph what was received in r of a batch's traces of a
// group.
func (v *view) addBatch(graph *tomo.ServiceGraph, b *batchState, r tomo.TimeRange, group string) error {
	if b.fresh && !touches(r, b.since, b.last) {
		return nil
	}
	if v.isQuiet(b) {
		switch c, err := v.count(b); {
		case err != nil:
			return err
		case r.Start <= c.first && c.last < r.End:
			for _, g := range c.graphs[group] {
				graph.Merge(g)
			}
			return nil
		case !touches(r, c.first, c.last):
			return nil
		}
	}
	var tally tomo.Tally
	for i := range b.slots {
		t := &b.slots[i]
		if t.state == nil || t.fresh && !touches(r, t.since, t.last) {
			continue
		}
		s, err := v.summary(t.state)
		if err != nil {
			return err
		}
		if s.In(group) {
			tally.Add(s, r, graph)
		}
	}
	tally.Flush()
	return nil
}

// series gives each the graphs of the minutes that r touches of the open traces
// of a group.
func (v *view) series(ctx context.Context, r tomo.TimeRange, group string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	all := make([]*counted, len(v.batches))
	err := parallel(ctx, len(all), func(_, i int) (err error) {
		if b := v.batches[i]; !b.fresh || touches(r, b.since, b.last) {
			all[i], err = v.count(b)
		}
		return err
	})
	for _, c := range all {
		if c == nil || err != nil {
			continue
		}
		for minute, g := range c.graphs[group] {
			if touches(r, minute, minute) {
				each(minute, g)
			}
		}
	}
	return err
}

// parallel calls do for each of n things, on as many processors as there are. It
// tells do on which of them.
func parallel(ctx context.Context, n int, do func(processor, i int) error) error {
	running, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for p := range min(runtime.GOMAXPROCS(0), n) {
		running.Go(func() error {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(p, int(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return running.Wait()
}
