package localstore

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// openTrace is a trace that documents came for since it was last settled. Its
// documents are in memory as they were received and in the log. Everything in
// it is guarded by Store.mu; views have its states.
type openTrace struct {
	*openState // as it is now
	gist

	batch *batch // where it stands; nil as long as nothing of it is in the log
	slot  int    // in batch

	// files has the log file of every entry that keeps the trace open: one for
	// each document, and one for a limit mark.
	files []*walFile
	bytes int64
	// text is how many bytes the texts of docs have, and those on their way.
	text    int64
	pins    int  // documents on their way into docs
	marking bool // a limit mark is on its way

	// What a settle round that is under way took; 0 outside a round.
	settling, settlingFiles int
	settlingOver            bool
	duplicates              int // documents the round found to be there already

	older, younger *openTrace // neighbours in openIndex.age
}

// openState is what makes the summary of an open trace. It is not changed any
// more once a view may have it.
type openState struct {
	openFacts
	epoch   uint64 // of openIndex, when it was made
	derived atomic.Pointer[derived]
}

type openFacts struct {
	id   tomo.TraceID
	docs []tomo.RawDocument // in order of arrival
	over bool               // documents were refused since: the trace is full

	// base is the row in which the trace was settled before, nil if it was not.
	base *blockFile
	row  int
	rowFacts
}

// derived is the summary of a state by the revision of Options.Derive.
type derived struct {
	summary  *tomo.Summary
	revision int64
	weight   int64 // of the summary
}

// superseded stands in a state that is not its trace's any more: what is derived
// of it is not kept.
var superseded = &derived{}

// by is the summary if it is known by the revision.
func (d *derived) by(revision int64) (s *tomo.Summary, known bool) {
	if d == nil || d.summary == nil || d.revision != revision {
		return nil, false
	}
	return d.summary, true
}

// weight is about what a summary takes in memory, in bytes, without the texts
// that it points into.
func weight(s *tomo.Summary) int64 {
	return 512 + 96*int64(len(s.Nodes)+len(s.Units)+len(s.Calls)+len(s.Annotations)) +
		32*int64(len(s.Users)+len(s.ResourceARNs)+len(s.InstanceIDs)+len(s.AvailabilityZones)+len(s.Groups))
}

// gist is what a question asks of an open trace before it has it derived.
type gist struct {
	lo, hi      tomo.Time   // bound the start that the summary of the documents will have
	since, last tomo.Time   // the earliest receipt of an open document, the latest of any
	sketch      tomo.Sketch // of the open documents
	fresh       bool        // nothing is settled: the bounds and the sketch are those of the whole trace
}

// merge makes g the gist of what either may be.
func (g *gist) merge(o *gist) {
	g.lo, g.hi = min(g.lo, o.lo), max(g.hi, o.hi)
	g.since, g.last = min(g.since, o.since), max(g.last, o.last)
	g.sketch.Merge(&o.sketch)
	g.fresh = g.fresh && o.fresh
}

// rowFacts is what has to be known of the row of an open trace, zero if it has
// none.
type rowFacts struct {
	baseDocs   int
	baseOver   bool
	baseGroups []string
	baseFirst  tomo.Time // receipt of its first document
	baseBytes  int64     // of its documents, if the store has a limit
}

// covers reports whether the row says all there is to say of a trace of so many
// documents. over: some were refused.
func (f *rowFacts) covers(docs int, over bool) bool {
	return docs == f.baseDocs && (f.baseOver || !over)
}

// ageList is open traces from the oldest to the youngest.
type ageList struct{ first, last *openTrace }

func (l *ageList) pushBack(t *openTrace) {
	if t.older = l.last; t.older != nil {
		t.older.younger = t
	} else {
		l.first = t
	}
	l.last = t
}

// remove takes t, which is in the list, out of it.
func (l *ageList) remove(t *openTrace) {
	if t.older != nil {
		t.older.younger = t.younger
	} else {
		l.first = t.younger
	}
	if t.younger != nil {
		t.younger.older = t.older
	} else {
		l.last = t.older
	}
	t.older, t.younger = nil, nil
}

// openIndex is the open traces: by id, by how long nothing came for them, and by
// how long they have been open.
type openIndex struct {
	traces  map[tomo.TraceID]*openTrace
	age     ageList
	batches []*batch                // in the order in which they began, and nearly in that of the latest that came for their traces; see inUse
	emptied bool                    // a batch of them is empty
	based   map[*openTrace]struct{} // those in batches that hide a row
	bytes   int64                   // of the documents' texts
	docs    int

	newest, newestRooted *batch // of batches: where what comes now stands; nil before anything came

	// epoch is another one after each view: what is of it nobody else has seen.
	epoch uint64
	room  int          // traces in a batch
	kept  atomic.Int64 // weight of the summaries
	limit int64        // of kept
}

func (x *openIndex) init(memory int64) {
	x.traces, x.based = map[tomo.TraceID]*openTrace{}, map[*openTrace]struct{}{}
	x.room, x.limit = batchTraces, memory/2
}

// open opens a trace for which nothing came yet.
func (x *openIndex) open(facts openFacts) *openTrace {
	t := &openTrace{openState: &openState{openFacts: facts, epoch: x.epoch}}
	x.traces[t.id] = t
	return t
}

// documentOverhead is what a document in memory costs besides its text and digest.
const documentOverhead = 96

// add puts an entry of the log into its trace.
func (x *openIndex) add(t *openTrace, e *entry, f *walFile) {
	if len(t.files) == 0 {
		t.since = e.Received
		x.age.pushBack(t)
	}
	t.files = append(t.files, f)
	f.live.Add(1)
	t.last = max(t.last, e.Received)
	facts := x.change(t)
	if e.kind == entryLimit {
		facts.over = true
		x.stand(t)
		return
	}
	if len(facts.docs) == 0 {
		t.lo, t.hi, t.sketch = e.First, e.Last, e.Sketch
	}
	t.since = min(t.since, e.Received)
	t.lo, t.hi = min(t.lo, e.First), max(t.hi, e.Last)
	t.sketch.Merge(&e.Sketch)
	facts.docs = append(facts.docs, e.RawDocument) // behind what views have
	t.text += int64(len(e.Text))
	t.bytes += int64(e.Size())
	x.bytes += int64(e.Size()) + documentOverhead
	x.docs++
	x.stand(t)
}

// change gives what is to be changed of a trace, after which it has to stand
// anew. What was derived of it does not hold any more.
func (x *openIndex) change(t *openTrace) *openFacts {
	if t.epoch == x.epoch {
		x.forget(t.openState, nil)
	} else {
		x.forget(t.openState, superseded)
		t.openState = &openState{openFacts: t.openFacts, epoch: x.epoch}
	}
	return &t.openFacts
}

// keep remembers the summary of a state, derived by the revision, if there is
// room for it and the state is still its trace's.
func (x *openIndex) keep(st *openState, s *tomo.Summary, revision int64) {
	old := st.derived.Load()
	if old == superseded {
		return
	}
	d := &derived{s, revision, weight(s)}
	more := d.weight
	if old != nil {
		more -= old.weight
	}
	if x.kept.Add(more) > x.limit || !st.derived.CompareAndSwap(old, d) {
		x.kept.Add(-more)
	}
}

// forget lets go of what was derived of a state, and leaves instead in its place.
func (x *openIndex) forget(st *openState, instead *derived) {
	if d := st.derived.Swap(instead); d != nil {
		x.kept.Add(-d.weight)
	}
}

// settled takes out of the index what the round under way took of t, and
// releases the log's files. What came meanwhile keeps the trace open.
func (x *openIndex) settled(t *openTrace) {
	for _, f := range t.files[:t.settlingFiles] {
		f.live.Add(-1)
	}
	for _, d := range t.docs[:t.settling] {
		t.bytes -= int64(d.Size())
		t.text -= int64(len(d.Text))
		x.bytes -= int64(d.Size()) + documentOverhead
	}
	x.docs -= t.settling
	over := t.over && !t.settlingOver // else it is in the row now
	// Copies, so that nothing of what is settled stays.
	docs := append([]tomo.RawDocument(nil), t.docs[t.settling:]...)
	t.files = append([]*walFile(nil), t.files[t.settlingFiles:]...)
	t.settling, t.settlingFiles, t.settlingOver, t.duplicates = 0, 0, false, 0
	x.age.remove(t)
	if len(t.files) == 0 {
		x.leave(t)
		if t.pins == 0 {
			x.close(t)
			return
		}
	}
	facts := x.change(t)
	facts.docs, facts.over = docs, over
	for i, d := range docs {
		if i == 0 {
			t.since = d.Received
		}
		t.since = min(t.since, d.Received)
	}
	if len(t.files) > 0 {
		x.age.pushBack(t)
		x.describe(t)
	}
}

// rebase says in which row a trace is settled, nil: in none.
func (x *openIndex) rebase(t *openTrace, base *blockFile, row int, f rowFacts) {
	facts := x.change(t)
	facts.base, facts.row, facts.rowFacts = base, row, f
	if t.batch != nil {
		x.describe(t)
	}
}

// close forgets a trace of which nothing is open.
func (x *openIndex) close(t *openTrace) {
	x.forget(t.openState, superseded)
	delete(x.traces, t.id)
}

// drop closes a trace that never got a document.
func (x *openIndex) drop(t *openTrace) {
	if t.pins == 0 && len(t.files) == 0 {
		x.close(t)
	}
}

// received bounds when the latest change that the summary of the trace will show
// was received: what was received before, word for word, changes nothing.
func (g *gist) received() (since, last tomo.Time) {
	if g.fresh {
		return g.since, g.last
	}
	return math.MinInt64, g.last
}

// liesIn reports whether the trace certainly lies in w. If not it may.
func (g *gist) liesIn(w tomo.Window) bool {
	switch w.By {
	case tomo.ByEvent:
		since, last := g.received()
		return w.Contains(since) && w.Contains(last)
	case tomo.ByTraceID:
		return g.fresh && w.Contains(g.lo) && w.Contains(g.hi)
	}
	return false
}

// mayMatch makes the test whether an open trace may lie in w and a plan of the
// list may hold for it, as far as that can be told without deriving it.
func mayMatch(w tomo.Window, plans ...filter.Plan) func(*gist) bool {
	tests := make([]func(*tomo.Sketch) bool, len(plans))
	for i, p := range plans {
		if tests[i] = p.Possible(); tests[i] == nil {
			tests = nil
			break
		}
	}
	return func(g *gist) bool {
		switch {
		case w.By == tomo.ByEvent && !w.Overlaps(g.received()):
			return false
		case !g.fresh:
			return true
		case w.By == tomo.ByTraceID && !w.Overlaps(g.lo, g.hi):
			return false
		case tests == nil:
			return true
		}
		for _, possible := range tests {
			if possible(&g.sketch) {
				return true
			}
		}
		return false
	}
}

// due chooses what a round should settle now: nothing while little is due and
// not for long. short says that memory is needed, so that traces are settled
// before they are quiet.
func (x *openIndex) due(now tomo.Time, p tomo.SettlePolicy, target int64) []*openTrace {
	var chosen []*openTrace
	var bytes int64
	quietSince, waitedSince := now.Add(-p.Quiet), now.Add(-p.Quiet-p.Wait)
	agedSince := now.Add(-p.MaxAge)
	urgent := x.bytes > target
	// While memory is short the quietest half goes, quiet or not.
	spare := x.bytes - target/2
	batches := x.inUse()
	for b, all := 0, true; all && b < len(batches); b++ {
		for _, t := range batches[b].traces {
			switch {
			case t == nil:
			case bytes >= p.Round, t.last > quietSince && !(urgent && bytes < spare):
				all = false
			default:
				urgent = urgent || t.last <= waitedSince
				chosen = append(chosen, t)
				bytes += t.bytes
			}
		}
	}
	if bytes >= p.Round {
		urgent = true
	}
	taken := len(chosen)
	for t := x.age.first; t != nil && t.since <= agedSince && bytes < p.Round; t = t.younger {
		if t.last > quietSince { // the quiet ones are chosen already
			chosen = append(chosen, t)
			bytes += t.bytes
			urgent = true
		}
	}
	if !urgent {
		return nil
	}
	if taken > 0 && taken < len(chosen) {
		chosen = distinct(chosen)
	}
	return chosen
}

// distinct leaves out repetitions.
func distinct(list []*openTrace) []*openTrace {
	seen := make(map[*openTrace]bool, len(list))
	kept := list[:0]
	for _, t := range list {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	return kept
}

// lag is how long nothing came for the trace that has been quiet the longest.
func (x *openIndex) lag(now tomo.Time) (longest time.Duration) {
	if batches := x.inUse(); len(batches) > 0 {
		for _, t := range batches[0].traces {
			if t != nil {
				longest = max(longest, now.Sub(t.last))
			}
		}
	}
	return longest
}
