package localstore

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"math"
	"runtime"
	"slices"
	"sort"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/block"
)

// view is what the store held at one moment, each trace in one place: an open
// trace hides the row in which it was settled before.
type view struct {
	store    *Store
	revision int64 // of Options.Derive
	blocks   []viewBlock
	batches  []*batchState // of the open traces
	latest   tomo.Time     // when the latest came for one of them
	all      bool          // every batch is counted as a whole, quiet or not
	// background: nobody waits for an answer.
	background bool
}

type viewBlock struct {
	*blockFile
	hidden *rowSet // rows that do not count in this view
}

// look takes a view for a question. It must be closed.
func (s *Store) look() *view {
	s.way.ask()
	return s.take(false)
}

// take takes a view. It must be closed.
func (s *Store) take(background bool) *view {
	v := &view{store: s, revision: s.o.Revision(), background: background}
	s.mu.Lock()
	defer s.mu.Unlock()
	batches := s.open.inUse()
	v.batches = make([]*batchState, len(batches))
	for i, b := range batches {
		v.batches[i] = b.batchState
		v.latest = max(v.latest, b.last)
	}
	hidden := map[*blockFile][]int{}
	for t := range s.open.based {
		hidden[t.base] = append(hidden[t.base], t.row)
	}
	s.open.epoch++
	v.blocks = make([]viewBlock, len(s.blocks))
	for i, f := range s.blocks {
		f.views++
		v.blocks[i] = viewBlock{f, f.dead.with(hidden[f]...)}
	}
	return v
}

// isQuiet reports whether a batch is to be counted as a whole. Who is quiet is
// quiet beside the latest that came: a clock is not needed.
func (v *view) isQuiet(b *batchState) bool { return v.all || b.isQuiet(v.latest) }

// close ends the view.
func (v *view) close() {
	if !v.background {
		defer v.store.way.answered()
	}
	v.store.mu.Lock()
	defer v.store.mu.Unlock()
	for _, b := range v.blocks {
		b.views--
		v.store.removeIfUnused(b.blockFile)
	}
}

// summary derives an open trace, unless that was done before. If there is nothing
// new in it, it is what it was settled as: with the groups of then, and the
// limits. Otherwise it is in those groups and in those that it would settle with
// now.
func (v *view) summary(t *openState) (*tomo.Summary, error) {
	if s, known := t.derived.Load().by(v.revision); known {
		return s, nil
	}
	docs, err := stored(t.docs, t.base, t.row)
	if err != nil {
		return nil, err
	}
	over := t.over || t.baseOver
	var s *tomo.Summary
	if t.base != nil && t.covers(len(docs), over) {
		rows, err := t.base.summariesOf([]int{t.row})
		if err != nil {
			return nil, err
		}
		s = rows[0]
	} else {
		s = v.store.o.Derive(t.id, docs)
		s.LimitExceeded = s.LimitExceeded || over
		if len(t.baseGroups) > 0 {
			s.Groups = slices.Concat(s.Groups, t.baseGroups)
			slices.Sort(s.Groups)
			s.Groups = slices.Compact(s.Groups)
		}
	}
	v.store.open.keep(t, s, v.revision)
	return s, nil
}

// Documents gives everything held of a trace, open or settled; nothing for an
// unknown one.
func (s *Store) Documents(ctx context.Context, id tomo.TraceID) (tomo.TraceDocuments, error) {
	s.mu.Lock()
	all := tomo.TraceDocuments{ID: id}
	var docs []tomo.RawDocument
	t := s.open.traces[id]
	var base *blockFile
	var row int
	if t != nil {
		docs, base, row = t.docs, t.base, t.row
		all.LimitExceeded = t.over || t.baseOver
	} else {
		base, row = s.find(id)
	}
	if base != nil {
		base.views++
	}
	s.mu.Unlock()
	if base != nil {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			base.views--
			s.removeIfUnused(base)
		}()
		if t == nil {
			before, err := base.base(row)
			if err != nil {
				return all, err
			}
			all.LimitExceeded = before.LimitExceeded
		}
	}
	var err error
	all.Documents, err = stored(docs, base, row)
	return all, err
}

// Summaries yields the summaries of the traces in w for which the plan holds,
// each once, newest start first, beginning behind after. The first error ends
// the sequence.
func (s *Store) Summaries(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position) iter.Seq2[*tomo.Summary, error] {
	return func(yield func(*tomo.Summary, error) bool) {
		for m, err := range s.matches(ctx, search{w, p, after, true}) {
			if !yield(m.summary, err) {
				return
			}
		}
	}
}

// Positions yields where the traces stand that Summaries yields. It reads much
// less: of a trace that the plan selects, its place.
func (s *Store) Positions(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position) iter.Seq2[tomo.Position, error] {
	return func(yield func(tomo.Position, error) bool) {
		// Whether a trace lies in a window of type Service only its summary tells.
		for m, err := range s.matches(ctx, search{w, p, after, w.By == tomo.ByService}) {
			if !yield(m.Position, err) {
				return
			}
		}
	}
}

// search is what traces are looked for by.
type search struct {
	tomo.Window
	plan  filter.Plan
	after tomo.Position
	whole bool // the summaries are wanted
}

// match is a trace that was found.
type match struct {
	tomo.Position
	received tomo.Time
	summary  *tomo.Summary // nil if it is not wanted
}

func matched(s *tomo.Summary) match { return match{s.Position(), s.Received, s} }

// has reports whether what was found lies behind the place and in the window.
func (s *search) has(m *match) bool {
	switch {
	case !s.after.Before(m.Position):
		return false
	case m.summary != nil:
		return m.summary.Matches(s.Window)
	case s.By == tomo.ByEvent:
		return s.Contains(m.received)
	default:
		return s.Contains(m.Start)
	}
}

// matches yields what a search finds.
func (s *Store) matches(ctx context.Context, by search) iter.Seq2[match, error] {
	return func(yield func(match, error) bool) {
		v := s.look()
		defer v.close()
		for m, err := range v.ordered(ctx, by) {
			if err != nil {
				yield(match{}, err)
				return
			}
			if by.has(&m) && !yield(m, nil) {
				return
			}
		}
	}
}

// ordered merges open and settled traces that may be found, newest first. Only
// what is reached is read: blocks, batches and open traces wait under the newest
// start that they can have.
func (v *view) ordered(ctx context.Context, by search) iter.Seq2[match, error] {
	return func(yield func(match, error) bool) {
		q := v.sources(by)
		var ahead lookahead
		if len(by.plan.Conditions) > 0 {
			ahead.order(q)
		}
		defer ahead.wait()
		heap.Init(&q)
		for len(q) > 0 {
			if err := ctx.Err(); err != nil {
				yield(match{}, err)
				return
			}
			next := q[0]
			ahead.reached(next)
			if next.ready && !yield(next.match, nil) {
				return
			}
			found, err := next.advance()
			if err != nil {
				yield(match{}, err)
				return
			}
			if next.ready || next.waits {
				heap.Fix(&q, 0)
			} else {
				heap.Pop(&q)
			}
			if found != nil {
				heap.Push(&q, found)
			}
		}
	}
}

// sources are the cursors over everything that may be found.
func (v *view) sources(by search) cursors {
	var q cursors
	for i := range v.blocks {
		b := &v.blocks[i]
		if b.Info.Rows == b.hidden.count() || b.Info.MinStart > by.after.Start || !mayLie(b.Info, by.Window) {
			continue
		}
		c := &cursor{bound: tomo.Position{Start: b.Info.MaxStart, ID: tomo.Top.ID}, settled: true, reach: selectRows}
		c.more = b.cursor(by, &c.reach)
		q = append(q, c)
	}
	may := mayMatch(by.Window, by.plan)
	mayFind := func(g *gist) bool { return (!g.fresh || g.lo <= by.after.Start) && may(g) }
	for _, b := range v.batches {
		if mayFind(&b.gist) {
			q = append(q, &cursor{bound: b.bound(), waits: true, open: &openCursor{view: v, batch: b, may: mayFind, plan: &by.plan}})
		}
	}
	return q
}

// openCursor looks through a batch of open traces. They are put in order when the
// first may be the next, and each is derived when it may be.
type openCursor struct {
	view  *view
	batch *batchState
	may   func(*gist) bool
	plan  *filter.Plan

	began  bool
	traces []*slot // still to be looked at, the one that may be the newest last
}

// next looks at one trace, which is found or not, and says what the others cannot
// come before, if there are more.
func (o *openCursor) next() (found *cursor, bound tomo.Position, more bool, err error) {
	if !o.began {
		o.began = true
		for i := range o.batch.slots {
			if t := &o.batch.slots[i]; t.state != nil && o.may(&t.gist) {
				o.traces = append(o.traces, t)
			}
		}
		slices.SortFunc(o.traces, func(a, b *slot) int { return cmp.Compare(a.bound().Start, b.bound().Start) })
	} else {
		last := len(o.traces) - 1
		s, err := o.view.summary(o.traces[last].state)
		if err != nil {
			return nil, bound, false, err
		}
		o.traces = o.traces[:last]
		if o.plan.Holds(s) {
			m := matched(s)
			found = &cursor{bound: m.Position, match: m, ready: true}
		}
	}
	if len(o.traces) == 0 {
		return found, bound, false, nil
	}
	return found, o.traces[len(o.traces)-1].bound(), true, nil
}

// bound is what an open trace cannot come before, in a search.
func (g *gist) bound() tomo.Position {
	if !g.fresh {
		return tomo.Top // it may start outside the bounds of the new documents
	}
	return tomo.Position{Start: g.hi, ID: tomo.Top.ID}
}

// mayLie says whether a block can hold a trace of w.
func mayLie(i block.Info, w tomo.Window) bool {
	switch w.By {
	case tomo.ByEvent:
		return w.Overlaps(i.MinReceived, i.MaxReceived)
	case tomo.ByService:
		lead := tomo.TimeRange{Start: w.Start.Add(-tomo.ServiceLead), End: w.End}
		return lead.Overlaps(i.MinEnd, i.MaxEnd)
	default:
		return w.Overlaps(i.MinStart, i.MaxStart)
	}
}

// cursor is one source of matches in descending order.
type cursor struct {
	settled bool // over a block
	reach   int  // how many of its rows are looked through next
	// bound is where match stands, and until the first is read what it cannot
	// come before.
	bound tomo.Position
	match
	ready bool                        // there is a match
	open  *openCursor                 // if this is over open traces; the matches are cursors of their own
	waits bool                        // there is more in open
	more  func() (match, bool, error) // false at the end; nil is the end
	first chan firstMatch             // gives the first match if it is under way
}

type firstMatch struct {
	match
	ready bool
	err   error
}

// advance reads the next match, or finds one that is a cursor of its own.
func (c *cursor) advance() (found *cursor, err error) {
	if c.open != nil {
		found, c.bound, c.waits, err = c.open.next()
		return found, err
	}
	if c.first != nil {
		first := <-c.first
		c.match, c.ready, err = first.match, first.ready, first.err
		c.first = nil
	} else if c.ready = false; c.more != nil {
		c.match, c.ready, err = c.more()
	}
	if c.ready {
		c.bound = c.match.Position
	}
	return nil, err
}

// start looks for the first match in the background.
func (c *cursor) start() {
	first := make(chan firstMatch, 1)
	c.first, c.reach = first, selectChunk
	go func() {
		m, ready, err := c.more()
		first <- firstMatch{m, ready, err}
	}()
}

// lookahead searches the blocks that come next while one is searched, once the
// newest block was not enough: what is rare is looked for on all processors.
type lookahead struct {
	blocks []*cursor // those not reached, newest first
	some   bool      // a block was reached
}

func (l *lookahead) order(q cursors) {
	for _, c := range q {
		if c.settled {
			l.blocks = append(l.blocks, c)
		}
	}
	slices.SortFunc(l.blocks, func(a, b *cursor) int {
		if a.bound.Before(b.bound) {
			return -1
		}
		return 1
	})
}

// reached is told which cursor is advanced next.
func (l *lookahead) reached(c *cursor) {
	at := slices.Index(l.blocks, c)
	if at < 0 {
		return
	}
	l.blocks = slices.Delete(l.blocks, at, at+1)
	if l.some {
		for _, next := range l.blocks[:min(len(l.blocks), runtime.GOMAXPROCS(0))] {
			if next.first == nil {
				next.start()
			}
		}
	}
	l.some = true
}

// wait waits for what is under way, since the blocks are let go afterwards.
func (l *lookahead) wait() {
	for _, c := range l.blocks {
		if c.first != nil {
			<-c.first
		}
	}
}

type cursors []*cursor

func (q cursors) Len() int           { return len(q) }
func (q cursors) Less(i, j int) bool { return q[i].bound.Before(q[j].bound) }
func (q cursors) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *cursors) Push(c any)        { *q = append(*q, c.(*cursor)) }
func (q *cursors) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// How many rows of a block a cursor reads at a time, at first, and how many it
// looks through for rows to read; the more it needs, the more it takes.
const (
	pageRows    = 64
	selectRows  = 2 << 10
	selectChunk = 64 << 10
)

// cursor reads what a search finds in a block, from its newest row towards the
// oldest. It looks through reach rows next.
func (b *viewBlock) cursor(by search, reach *int) func() (match, bool, error) {
	least, end := 0, -1 // rows least … end-1 are still to be looked through
	size := pageRows
	var rows []int    // still to be read
	var chunk []match // still to come
	return func() (match, bool, error) {
		var err error
		if end < 0 {
			if least, end, err = b.started(by.Window, by.after); err != nil {
				return match{}, false, err
			}
		}
		for {
			for n := len(chunk); n > 0; n = len(chunk) {
				m := chunk[n-1]
				chunk = chunk[:n-1]
				if by.after.Before(m.Position) {
					return m, true, nil
				}
			}
			switch {
			case len(rows) > 0:
				from := max(0, len(rows)-size)
				if chunk, err = b.read(chunk, rows[from:], by.whole); err != nil {
					return match{}, false, err
				}
				rows, size = rows[:from], min(2*size, scanChunk)
			case least < end:
				from := max(least, end-*reach)
				if rows, err = b.selected(by.plan, from, end); err != nil {
					return match{}, false, err
				}
				end, *reach = from, min(4**reach, selectChunk)
			default:
				return match{}, false, nil
			}
		}
	}
}

// read appends what is to be known of some rows.
func (f *blockFile) read(list []match, rows []int, whole bool) ([]match, error) {
	if whole {
		summaries, err := f.summariesOf(rows)
		for _, s := range summaries {
			list = append(list, matched(s))
		}
		return list, err
	}
	err := f.use(func(b *block.Block) error {
		places, err := b.Places(rows)
		for _, p := range places {
			list = append(list, match{Position: p.Position, received: p.Received})
		}
		return err
	})
	return list, err
}

// started is the rows from … to-1 among which are all that may lie in w behind
// after.
func (b *viewBlock) started(w tomo.Window, after tomo.Position) (from, to int, err error) {
	first, last := after.Start, tomo.Time(math.MinInt64)
	if w.By == tomo.ByTraceID {
		first, last = min(first, w.End-1), w.Start
	}
	if to, err = b.rowsUpTo(first); err != nil || last <= b.Info.MinStart {
		return 0, to, err
	}
	from, err = b.rowsUpTo(last - 1)
	return from, to, err
}

// selected lists, in ascending order, the rows from … to-1 that are not hidden
// and satisfy the plan.
func (b *viewBlock) selected(p filter.Plan, from, to int) (rows []int, err error) {
	err = b.use(func(open *block.Block) error {
		rows, err = open.Select(p, from, to)
		return err
	})
	if b.hidden.count() > 0 {
		rows = slices.DeleteFunc(rows, b.hidden.has)
	}
	return rows, err
}

// rowsUpTo is the number of rows that start at t or before.
func (f *blockFile) rowsUpTo(t tomo.Time) (n int, err error) {
	switch {
	case t >= f.Info.MaxStart:
		return f.Info.Rows, nil
	case t < f.Info.MinStart:
		return 0, nil
	}
	err = f.use(func(b *block.Block) error {
		starts, err := b.Starts()
		n = sort.Search(len(starts), func(i int) bool { return starts[i] > t })
		return err
	})
	return n, err
}

// Count is the number of traces in w for which the plan holds.
func (s *Store) Count(ctx context.Context, w tomo.Window, p filter.Plan) (n int64, err error) {
	v := s.look()
	defer v.close()
	may := mayMatch(w, p)
	counts := make([]int64, len(v.blocks)+len(v.batches))
	err = parallel(ctx, len(counts), func(_, i int) (err error) {
		if i < len(v.blocks) {
			counts[i], err = v.blocks[i].count(w, p)
		} else {
			counts[i], err = v.countIn(v.batches[i-len(v.blocks)], w, p, may)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, count := range counts {
		n += count
	}
	return n, nil
}

// countIn is the number of traces of a batch in w for which the plan holds. may
// tells which of them have to be derived.
func (v *view) countIn(b *batchState, w tomo.Window, p filter.Plan, may func(*gist) bool) (n int64, err error) {
	everything := len(p.Conditions) == 0
	switch {
	case everything && b.liesIn(w):
		return int64(b.left), nil
	case !may(&b.gist):
		return 0, nil
	}
	for i := range b.slots {
		t := &b.slots[i]
		switch {
		case t.state == nil:
		case everything && t.liesIn(w):
			n++
		case may(&t.gist):
			s, err := v.summary(t.state)
			if err != nil {
				return 0, err
			}
			if s.Matches(w) && p.Holds(s) {
				n++
			}
		}
	}
	return n, nil
}

// count is the number of rows in w that satisfy the plan. Columns are read only
// for the plan, and of a block that lies across an end of w.
func (b *viewBlock) count(w tomo.Window, p filter.Plan) (n int64, err error) {
	if !mayLie(b.Info, w) {
		return 0, nil
	}
	from, to := 0, b.Info.Rows
	whole := false // every row is in w
	switch w.By {
	case tomo.ByEvent:
		whole = w.Contains(b.Info.MinReceived) && w.Contains(b.Info.MaxReceived)
	case tomo.ByTraceID:
		if from, to, err = b.started(w, tomo.Top); err != nil {
			return 0, err
		}
		whole = true
	}
	if whole && len(p.Conditions) == 0 && to-from == b.Info.Rows {
		return int64(b.Info.Rows - b.hidden.count()), nil
	}
	rows, err := b.selected(p, from, to)
	if err != nil || whole {
		return int64(len(rows)), err
	}
	if w.By == tomo.ByEvent {
		err = b.use(func(open *block.Block) error {
			received, err := open.Received()
			for _, row := range rows {
				if err == nil && w.Contains(received[row]) {
					n++
				}
			}
			return err
		})
		return n, err
	}
	if n, rows, err = b.ended(w, rows); err != nil {
		return 0, err
	}
	for part := range slices.Chunk(rows, scanChunk) {
		list, err := b.summariesOf(part)
		if err != nil {
			return 0, err
		}
		for _, s := range list {
			if s.Matches(w) {
				n++
			}
		}
	}
	return n, nil
}

// ended counts those of the rows of which the first and the last end say that
// they lie in w, a window by service, and lists those of which they leave it open.
func (b *viewBlock) ended(w tomo.Window, rows []int) (n int64, unclear []int, err error) {
	r := tomo.TimeRange{Start: w.Start.Add(-tomo.ServiceLead), End: w.End}
	err = b.use(func(open *block.Block) error {
		first, last, err := open.Ends()
		if err != nil {
			return err
		}
		for _, row := range rows {
			switch from, to := first[row], last[row]; {
			case from > to: // nothing has ended
			case r.Contains(from) || r.Contains(to):
				n++
			case from < r.Start && to >= r.End:
				unclear = append(unclear, row)
			}
		}
		return nil
	})
	return n, unclear, err
}

// Graph is the service graph of what was received in r of the traces of a group;
// "" stands for all. Whole minutes come from the figures that each block
// carries; the rows of a block are read only for minutes that r cuts, and where
// rows were superseded. Of dropped traces there are only minutes: each counts
// where it begins.
func (s *Store) Graph(ctx context.Context, r tomo.TimeRange, group string) (*tomo.ServiceGraph, error) {
	v := s.look()
	defer v.close()
	s.wantCounts()
	parts := make([]tomo.ServiceGraph, runtime.GOMAXPROCS(0))
	err := parallel(ctx, len(v.blocks)+len(v.batches), func(processor, i int) error {
		// The latest first: of what is open some has to be derived.
		if i < len(v.batches) {
			return v.addBatch(&parts[processor], v.batches[len(v.batches)-1-i], r, group)
		}
		return v.blocks[i-len(v.batches)].addGraph(&parts[processor], r, group)
	})
	if err != nil {
		return nil, err
	}
	graph := &parts[0]
	for i := range parts[1:] {
		graph.Merge(&parts[1+i])
	}
	graph.Sort()
	return graph, nil
}

func (b *viewBlock) addGraph(graph *tomo.ServiceGraph, r tomo.TimeRange, group string) error {
	if err := b.addDropped(graph, r, group); err != nil {
		return err
	}
	if b.Info.Rows == b.hidden.count() || r.End <= b.Info.MinReceipt || b.Info.MaxReceived < r.Start {
		return nil
	}
	live, err := b.graphsOf(b.hidden, group)
	if err != nil {
		return err
	}
	if r.Contains(b.Info.MinReceipt) && r.Contains(b.Info.MaxReceived) {
		return live.AddTotal(graph)
	}
	var cut []tomo.TimeRange
	whole := func(m tomo.Time) bool {
		minute := tomo.TimeRange{Start: m, End: m + tomo.Minute}
		// What of the minute can hold anything at all.
		held := tomo.TimeRange{Start: max(m, b.Info.MinReceipt), End: min(minute.End, b.Info.MaxReceived+1)}
		switch {
		case !r.Overlaps(held.Start, held.End-1):
			return false
		case r.Contains(held.Start) && r.Contains(held.End-1):
			return true
		}
		cut = append(cut, tomo.TimeRange{Start: max(r.Start, m), End: min(r.End, minute.End)})
		return false
	}
	err = live.Each(whole, func(_ tomo.Time, g *tomo.ServiceGraph) { graph.Merge(g) })
	if err != nil || len(cut) == 0 {
		return err
	}
	return b.eachLive(b.hidden, func(s *tomo.Summary) {
		if !s.In(group) {
			return
		}
		for _, c := range cut {
			graph.Add(s, c)
		}
	})
}

// addDropped adds the minutes of dropped traces that begin in r.
func (b *viewBlock) addDropped(graph *tomo.ServiceGraph, r tomo.TimeRange, group string) error {
	d := &b.Info.Dropped
	first, last := d.MinReceipt.StartOfMinute(), d.MaxReceipt.StartOfMinute()
	if d.Traces == 0 || !r.Overlaps(first, last) {
		return nil
	}
	dropped, err := b.droppedGraphs(group)
	if err != nil {
		return err
	}
	if r.Contains(first) && r.Contains(last) {
		return dropped.AddTotal(graph)
	}
	return dropped.Each(r.Contains, func(_ tomo.Time, g *tomo.ServiceGraph) { graph.Merge(g) })
}

// Dropped is how much keep rules dropped of a group's traces, or of all for "",
// that started in the minutes that begin in r.
func (s *Store) Dropped(ctx context.Context, r tomo.TimeRange, group string) (sum tomo.Dropped, err error) {
	v := s.look()
	defer v.close()
	for i := range v.blocks {
		if err := ctx.Err(); err != nil {
			return tomo.Dropped{}, err
		}
		b := &v.blocks[i]
		d := &b.Info.Dropped
		first, last := d.MinStart.StartOfMinute(), d.MaxStart.StartOfMinute()
		switch {
		case d.Traces == 0 || !r.Overlaps(first, last):
		case group == "" && r.Contains(first) && r.Contains(last):
			sum.Add(tomo.Dropped{Traces: d.Traces, Documents: d.Documents, Bytes: d.Bytes})
		default:
			err := b.use(func(open *block.Block) error {
				n, err := open.Dropped(r, group)
				sum.Add(n)
				return err
			})
			if err != nil {
				return tomo.Dropped{}, err
			}
		}
	}
	return sum, nil
}

// Stats is what the store holds and has done.
type Stats struct {
	OpenTraces    int
	OpenDocuments int
	OpenBytes     int64         // of their texts in memory
	SettleLag     time.Duration // how long the trace that waits longest has been quiet
	LogBytes      int64
	Blocks        int
	Rows          int64        // settled traces
	DeadRows      int64        // superseded, not yet compacted away
	Documents     int64        // settled
	Dropped       tomo.Dropped // counted in blocks, and nothing else is left
	BlockBytes    int64
	Oldest        tomo.Time // the earliest start of a settled trace; 0: there is none

	Groups, GroupDocuments, FailedWrites        int64
	Rounds, FailedRounds, SettledTraces         int64
	Compactions, ExpiredBlocks, SupersededTotal int64
}

// Stats reads the figures.
func (s *Store) Stats() Stats {
	c := &s.counters
	stats := Stats{
		LogBytes: s.wal.size(),
		Groups:   c.groups.Load(), GroupDocuments: c.groupDocuments.Load(), FailedWrites: c.failedWrites.Load(),
		Rounds: c.rounds.Load(), FailedRounds: c.failedRounds.Load(), SettledTraces: c.settledTraces.Load(),
		Compactions: c.compactions.Load(), ExpiredBlocks: c.expiredBlocks.Load(), SupersededTotal: c.superseded.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.OpenTraces, stats.OpenDocuments, stats.OpenBytes = len(s.open.traces), s.open.docs, s.open.bytes
	stats.SettleLag = s.open.lag(s.now())
	for _, f := range s.blocks {
		stats.Blocks++
		stats.Rows += int64(f.Info.Rows - f.dead.count())
		stats.DeadRows += int64(f.dead.count())
		stats.Documents += int64(f.Info.Documents)
		stats.Dropped.Add(tomo.Dropped{Traces: f.Info.Dropped.Traces, Documents: f.Info.Dropped.Documents, Bytes: f.Info.Dropped.Bytes})
		stats.BlockBytes += f.Info.Bytes
		if f.Info.Rows > 0 && (stats.Oldest == 0 || f.Info.MinStart < stats.Oldest) {
			stats.Oldest = f.Info.MinStart
		}
	}
	return stats
}
