package localstore

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
)

// While somebody asks for graphs, the open traces are counted before the next
// question: those for which nothing came for a moment are derived, and when
// nothing came for longer they are counted together as a batch. A question merges
// the graphs of the batches, counts the traces that are in none, and derives few.
// Settling takes the summaries over, so a trace of which everything comes at once
// is derived once all the same.
//
//	documents come ──► loose ──► derived ──► batch ──► settled
//	                     ▲          │          │
//	                     └──────────┴── another comes
//
// A batch that lost a member is counted again, from the summaries of those that
// are left, by the first question that needs it.
const (
	// Nothing came for a trace for so long. To derive one takes 20 times as long as
	// to count it, and what comes later is mostly much later.
	deriveQuiet = 50 * time.Millisecond
	batchQuiet  = 250 * time.Millisecond
	batchTraces = 512 // at most, in a batch
	batchTick   = 25 * time.Millisecond
	// Questions about fewer open traces need no batches, and without questions
	// for so long none are made.
	worthBatching = 256
	batchesWanted = time.Minute
)

// batch is open traces that are counted together.
type batch struct {
	revision int64        // of Options.Derive
	members  []*openTrace // those that are still in it say so
	left     int          // members that are in it no more
	// graphs count those that were in it when uncounted members had left, by group
	// and minute. They are never changed.
	graphs    map[string]map[tomo.Time]*tomo.ServiceGraph
	uncounted int
	// first is the minute in which the first of it was received, last the receipt
	// of the last.
	first, last tomo.Time
}

// summaries are those of the members. The caller holds Store.mu.
func (b *batch) summaries() []*tomo.Summary {
	list := make([]*tomo.Summary, 0, len(b.members)-b.left)
	for _, t := range b.members {
		if t.batch == b {
			list = append(list, t.summary)
		}
	}
	return list
}

// changed is told that something came for an open trace, or that it was settled
// or lost its row: what was derived of it does not hold any more.
func (x *openIndex) changed(t *openTrace) {
	x.forget(t)
	x.loose.pushBack(t)
}

// forget lets go of what was derived of an open trace.
func (x *openIndex) forget(t *openTrace) {
	t.version++
	x.leaveBatch(t)
	x.loose.remove(t)
	if t.summary != nil {
		x.kept -= weight(t.summary)
		t.summary = nil
	}
}

func (x *openIndex) leaveBatch(t *openTrace) {
	if t.batch != nil {
		t.batch.left++
		t.batch = nil
	}
}

// keep remembers the summary of an open trace, derived by the revision, unless
// limit bytes of them are kept already.
func (x *openIndex) keep(t *openTrace, s *tomo.Summary, revision, limit int64) bool {
	if t.summary == s {
		return true
	}
	more := weight(s)
	if t.summary != nil {
		more -= weight(t.summary)
	}
	if x.kept+more > limit {
		return false
	}
	if t.batch != nil {
		x.leaveBatch(t)
		x.loose.pushBack(t)
	}
	x.kept += more
	t.summary, t.revision = s, revision
	return true
}

// weight is about what a summary takes in memory, in bytes, without the texts
// that it points into.
func weight(s *tomo.Summary) int64 {
	return 512 + 96*int64(len(s.Nodes)+len(s.Units)+len(s.Calls)+len(s.Annotations)) +
		32*int64(len(s.Users)+len(s.ResourceARNs)+len(s.InstanceIDs)+len(s.AvailabilityZones)+len(s.Groups))
}

// tidyBatches gives up the batches of another revision, and those of which less
// than half is left; what is left of them is loose again.
func (x *openIndex) tidyBatches(revision int64) {
	x.batches = slices.DeleteFunc(x.batches, func(b *batch) bool {
		if b.revision == revision && 2*b.left <= len(b.members) {
			return false
		}
		for _, t := range b.members {
			if t.batch == b {
				t.batch = nil
				x.loose.pushBack(t)
			}
		}
		return true
	})
}

// batchLoop makes batches for as long as somebody asks for graphs.
func (s *Store) batchLoop() {
	defer s.batching.Done()
	for {
		began := time.Now()
		// When much is changed again and again, or there is no room to keep what was
		// derived, it takes about half of a processor.
		for s.deriveSome(s.latest().Add(-deriveQuiet), batchTraces) && time.Since(began) < batchTick {
		}
		for s.batchSome(s.latest().Add(-batchQuiet), batchTraces) && time.Since(began) < 2*batchTick {
		}
		select {
		case <-time.After(max(batchTick, time.Since(began))):
		case <-s.closed:
			return
		}
		s.mu.Lock()
		wanted := time.Since(s.graphAsked) < batchesWanted
		s.counting = wanted
		s.mu.Unlock()
		if !wanted {
			return
		}
	}
}

// latest is when the latest document of an open trace was received. Who is quiet
// is quiet beside it: of the last ones there are few, and a clock is not needed.
func (s *Store) latest() tomo.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.open.activity.last; t != nil {
		return t.last
	}
	return 0
}

// quiet takes a view, in the background, of loose traces for which nothing came
// since before and of which want is true. When the store closes it is empty.
func (s *Store) quiet(before tomo.Time, traces int, want func(t *openTrace, revision int64) bool) *view {
	v := &view{store: s, revision: s.o.Revision(), background: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return v
	}
	s.open.tidyBatches(v.revision)
	for t := s.open.loose.first; t != nil && t.last <= before && len(v.open) < traces && s.open.kept < s.o.Memory/2; t = t.byLoose.next {
		if t.hasNews() && want(t, v.revision) {
			v.open = append(v.open, t.view())
		}
	}
	v.pin(nil)
	return v
}

// deriveSome derives loose traces for which nothing came since before, and says
// whether there may be more.
func (s *Store) deriveSome(before tomo.Time, traces int) (more bool) {
	v := s.quiet(before, traces, func(t *openTrace, revision int64) bool { return t.summary == nil || t.revision != revision })
	defer v.close()
	for i := range v.open {
		if i%8 == 0 {
			runtime.Gosched() // no more: this is for who asks next
		}
		if _, err := v.summary(&v.open[i]); err != nil {
			return false // who asks is told
		}
	}
	return len(v.open) == traces
}

// batchSome makes a batch of loose traces for which nothing came since before,
// and says whether there may be more.
func (s *Store) batchSome(before tomo.Time, traces int) (more bool) {
	v := s.quiet(before, traces, func(*openTrace, int64) bool { return true })
	defer v.close()
	if len(v.open) == 0 {
		return false
	}
	b := &batch{revision: v.revision, first: tomo.Top.Start}
	var tally tomo.GroupTally
	for i := range v.open {
		if i%8 == 0 {
			runtime.Gosched() // no more: this is for who asks next
		}
		t := &v.open[i]
		if _, err := v.summary(t); err != nil {
			continue // who asks is told
		}
		tally.Add(t.summary)
	}
	b.graphs = tally.Graphs()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range v.open {
		t := &v.open[i]
		if t.summary == nil {
			continue
		}
		b.members = append(b.members, t.trace)
		if t.trace.version != t.version || t.trace.batch != nil || !s.open.keep(t.trace, t.summary, v.revision, s.o.Memory/2) {
			b.left++
			b.uncounted = -1
			continue
		}
		t.trace.batch = b
		s.open.loose.remove(t.trace)
		b.last = max(b.last, t.summary.Received)
	}
	for minute := range b.graphs[""] {
		b.first = min(b.first, minute)
	}
	if b.left < len(b.members) {
		s.open.batches = append(s.open.batches, b)
	}
	return len(v.open) == traces && b.left < len(b.members)
}

// viewBatch is a batch in a view.
type viewBatch struct {
	*batch
	left      int
	graphs    map[string]map[tomo.Time]*tomo.ServiceGraph // nil: to be counted
	summaries []*tomo.Summary                             // if graphs is nil, or the view needs them
}

// traffic takes a view of what was received in r to be counted: the open traces
// that are in no batch, and the batches. each says that summaries are needed of
// batches that r cuts.
func (s *Store) traffic(r tomo.TimeRange, each bool) *view {
	v := s.newView()
	s.mu.Lock()
	defer s.mu.Unlock()
	open := 0
	v.look(func(t *openTrace) bool {
		open++
		return (t.batch == nil || t.batch.revision != v.revision) &&
			(!t.fresh() || touches(r, t.since, t.last))
	})
	for _, b := range s.open.batches {
		if b.revision != v.revision || b.left == len(b.members) || !touches(r, b.first, b.last) {
			continue
		}
		of := viewBatch{batch: b, left: b.left}
		if b.left == b.uncounted {
			of.graphs = b.graphs
		}
		if of.graphs == nil || each && !b.liesIn(r) {
			of.summaries = b.summaries()
		}
		v.batches = append(v.batches, of)
	}
	if open >= worthBatching {
		s.graphAsked = time.Now()
		if !s.counting && !s.isClosed() {
			s.counting = true
			s.batching.Add(1)
			go s.batchLoop()
		}
	}
	return v
}

// liesIn reports whether everything in the batch was received in r.
func (b *batch) liesIn(r tomo.TimeRange) bool { return r.Start <= b.first && b.last < r.End }

// count derives what has to be derived and counts the batches that have to be
// counted again, on all processors.
func (v *view) count(ctx context.Context) error {
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(v.open, 64) {
		running.Go(func() error {
			for i := range part {
				if _, err := v.summary(&part[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	for i := range v.batches {
		b := &v.batches[i]
		if b.graphs != nil {
			continue
		}
		running.Go(func() error {
			var tally tomo.GroupTally
			for _, s := range b.summaries {
				tally.Add(s)
			}
			b.graphs = tally.Graphs()
			v.store.mu.Lock()
			defer v.store.mu.Unlock()
			b.batch.graphs, b.batch.uncounted = b.graphs, b.left
			return ctx.Err()
		})
	}
	return running.Wait()
}

// addGraph counts in a graph what was received in r of the open traces of a
// group.
func (v *view) addGraph(ctx context.Context, graph *tomo.ServiceGraph, r tomo.TimeRange, group string) error {
	if err := v.count(ctx); err != nil {
		return err
	}
	// What is counted one by one, in chunks, and then the graphs of the batches.
	var single [][]*tomo.Summary
	for open := range slices.Chunk(v.open, 256) {
		list := make([]*tomo.Summary, len(open))
		for i := range open {
			list[i] = open[i].summary
		}
		single = append(single, list)
	}
	var ready []*tomo.ServiceGraph
	for i := range v.batches {
		if b := &v.batches[i]; !b.liesIn(r) {
			single = append(single, b.summaries)
		} else {
			ready = slices.AppendSeq(ready, maps.Values(b.graphs[group]))
		}
	}
	return share(ctx, graph, len(single)+len(ready), func(part *tomo.ServiceGraph, i int) error {
		if i >= len(single) {
			part.Merge(ready[i-len(single)])
			return nil
		}
		var tally tomo.Tally
		for _, s := range single[i] {
			if s.In(group) {
				tally.Add(s, r, part)
			}
		}
		tally.Flush()
		return nil
	})
}

// series gives each the graphs of the minutes that r touches of the open traces
// of a group.
func (v *view) series(ctx context.Context, r tomo.TimeRange, group string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	if err := v.count(ctx); err != nil {
		return err
	}
	var tally tomo.Tally
	loose := map[tomo.Time]*tomo.ServiceGraph{}
	for i := range v.open {
		s := v.open[i].summary
		if !s.In(group) {
			continue
		}
		for _, m := range s.ReceiptMinutes() {
			if !touches(r, m, m) {
				continue
			}
			if loose[m] == nil {
				loose[m] = &tomo.ServiceGraph{}
			}
			tally.Add(s, tomo.TimeRange{Start: m, End: m + tomo.Minute}, loose[m])
		}
	}
	tally.Flush()
	for minute, g := range loose {
		each(minute, g)
	}
	for i := range v.batches {
		for minute, g := range v.batches[i].graphs[group] {
			if touches(r, minute, minute) {
				each(minute, g)
			}
		}
	}
	return nil
}
