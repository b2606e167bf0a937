package localstore

import (
	"container/heap"
	"context"
	"iter"
	"math"
	"runtime"
	"slices"
	"sort"
	"time"

	"golang.org/x/sync/errgroup"

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
	open     []viewTrace
	batches  []viewBatch // of which the traces are not in open
	// background: nobody waits for an answer.
	background bool
}

type viewBlock struct {
	*blockFile
	hidden *rowSet // rows that do not count in this view
}

type viewTrace struct {
	id     tomo.TraceID
	docs   []tomo.RawDocument
	base   *blockFile
	row    int
	over   bool
	before rowFacts
	hi     tomo.Time // the summary starts then at the latest, if there is no base

	trace   *openTrace
	version uint32 // of the trace
	// summary is what was derived of it by the revision, nil if it was not.
	summary  *tomo.Summary
	revision int64
}

func (t *openTrace) view() viewTrace {
	return viewTrace{id: t.id, docs: t.docs, base: t.base, row: t.row, over: t.over || t.baseOver, before: t.rowFacts, hi: t.hi,
		trace: t, version: t.version, summary: t.summary, revision: t.revision}
}

// view takes a view, of the open traces with those that want says. It must be
// closed.
func (s *Store) view(want func(*openTrace) bool) *view {
	v := s.newView()
	s.mu.Lock()
	defer s.mu.Unlock()
	v.look(want)
	return v
}

// newView begins a view for a question.
func (s *Store) newView() *view {
	s.way.ask()
	return &view{store: s, revision: s.o.Revision()}
}

// look looks at the store. The caller holds Store.mu.
func (v *view) look(want func(*openTrace) bool) {
	hidden := map[*blockFile][]int{}
	var wanted []*openTrace // gathered first, because viewTraces are large
	for _, t := range v.store.open.traces {
		if !t.hasNews() {
			continue
		}
		if t.base != nil {
			hidden[t.base] = append(hidden[t.base], t.row)
		}
		if want(t) {
			wanted = append(wanted, t)
		}
	}
	v.open = make([]viewTrace, len(wanted))
	for i, t := range wanted {
		v.open[i] = t.view()
	}
	v.pin(hidden)
}

// pin puts all blocks into the view, with rows that are hidden, and sees to it
// that they stay. The caller holds Store.mu.
func (v *view) pin(hidden map[*blockFile][]int) {
	v.blocks = make([]viewBlock, len(v.store.blocks))
	for i, f := range v.store.blocks {
		f.views++
		v.blocks[i] = viewBlock{f, f.dead.with(hidden[f]...)}
	}
}

// close ends the view. What was derived for it is kept where it still holds.
func (v *view) close() {
	if !v.background {
		defer v.store.way.answered()
	}
	v.store.mu.Lock()
	defer v.store.mu.Unlock()
	for i := range v.open {
		if t := &v.open[i]; t.summary != nil && t.version == t.trace.version {
			v.store.open.keep(t.trace, t.summary, t.revision, v.store.o.Memory/2)
		}
	}
	for _, b := range v.blocks {
		b.views--
		v.store.removeIfUnused(b.blockFile)
	}
}

// summary derives an open trace. If there is nothing new in it, it is what it was
// settled as: with the groups of then, and the limits. Otherwise it is in those
// groups and in those that it would settle with now.
func (v *view) summary(t *viewTrace) (*tomo.Summary, error) {
	if t.summary != nil && t.revision == v.revision {
		return t.summary, nil
	}
	t.summary = nil
	docs, err := stored(t.docs, t.base, t.row)
	if err != nil {
		return nil, err
	}
	if t.base != nil && t.before.covers(len(docs), t.over) {
		rows, err := t.base.summariesOf([]int{t.row})
		if err != nil {
			return nil, err
		}
		t.summary, t.revision = rows[0], v.revision
		return t.summary, nil
	}
	s := v.store.o.Derive(t.id, docs)
	s.LimitExceeded = s.LimitExceeded || t.over
	if len(t.before.baseGroups) > 0 {
		s.Groups = slices.Concat(s.Groups, t.before.baseGroups)
		slices.Sort(s.Groups)
		s.Groups = slices.Compact(s.Groups)
	}
	t.summary, t.revision = s, v.revision
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

// mayFind makes the test whether the search may find an open trace.
func (s *search) mayFind() func(*openTrace) bool {
	may := mayMatch(s.Window, s.plan)
	return func(t *openTrace) bool { return (!t.fresh() || t.lo <= s.after.Start) && may(t) }
}

// matches yields what a search finds.
func (s *Store) matches(ctx context.Context, by search) iter.Seq2[match, error] {
	return func(yield func(match, error) bool) {
		v := s.view(by.mayFind())
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
// what is reached is read: blocks and open traces wait under the newest start
// that they can have.
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
			if next.ready {
				if !yield(next.match, nil) {
					return
				}
			}
			var err error
			if next.open != nil {
				t := next.open
				next.open = nil
				next.match, next.ready, err = v.find(t, &by.plan)
				next.bound = next.Position
			} else {
				err = next.advance()
			}
			if err != nil {
				yield(match{}, err)
				return
			}
			if !next.ready {
				heap.Pop(&q)
			} else {
				heap.Fix(&q, 0)
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
	open := make([]cursor, len(v.open))
	for i := range v.open {
		c, t := &open[i], &v.open[i]
		c.open, c.bound = t, tomo.Position{Start: t.hi, ID: tomo.Top.ID}
		if t.base != nil || len(t.docs) == 0 {
			c.bound = tomo.Top // its start may lie outside the bounds of the new documents
		}
		q = append(q, c)
	}
	return q
}

// find derives an open trace and says whether the plan holds for it.
func (v *view) find(t *viewTrace, p *filter.Plan) (match, bool, error) {
	sum, err := v.summary(t)
	if err != nil || !p.Holds(sum) {
		return match{}, false, err
	}
	return matched(sum), true, nil
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
	open  *viewTrace                  // if this is the one trace of the cursor, and it was not looked at
	more  func() (match, bool, error) // false at the end; nil is the end
	first chan firstMatch             // gives the first match if it is under way
}

type firstMatch struct {
	match
	ready bool
	err   error
}

// advance reads the next match.
func (c *cursor) advance() (err error) {
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
	return err
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
func (q *cursors) Push(any)          { panic("a cursor is never pushed") }
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
	may := mayMatch(w, p)
	v := s.view(func(t *openTrace) bool {
		if len(p.Conditions) == 0 && t.liesIn(w) {
			n++
			return false
		}
		return may(t)
	})
	defer v.close()
	counts := make([]int64, len(v.blocks))
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i := range v.blocks {
		all.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			counts[i], err = v.blocks[i].count(w, p)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return 0, err
	}
	for _, count := range counts {
		n += count
	}
	for i := range v.open {
		sum, err := v.summary(&v.open[i])
		if err != nil {
			return 0, err
		}
		if sum.Matches(w) && p.Holds(sum) {
			n++
		}
	}
	return n, ctx.Err()
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
	v := s.traffic(r, true)
	defer v.close()
	graph := &tomo.ServiceGraph{}
	err := share(ctx, graph, len(v.blocks), func(part *tomo.ServiceGraph, i int) error { return v.blocks[i].addGraph(part, r, group) })
	if err != nil {
		return nil, err
	}
	if err := v.addGraph(ctx, graph, r, group); err != nil {
		return nil, err
	}
	graph.Sort()
	return graph, nil
}

// share counts n things in a graph, on all processors, each in parts of its own.
func share(ctx context.Context, graph *tomo.ServiceGraph, n int, count func(part *tomo.ServiceGraph, i int) error) error {
	parts := make([]tomo.ServiceGraph, min(runtime.GOMAXPROCS(0), n))
	running, ctx := errgroup.WithContext(ctx)
	for p := range parts {
		running.Go(func() error {
			for i := n * p / len(parts); i < n*(p+1)/len(parts); i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := count(&parts[p], i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := running.Wait(); err != nil {
		return err
	}
	for p := range parts {
		graph.Merge(&parts[p])
	}
	return nil
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
	v := s.view(func(*openTrace) bool { return false })
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
