package localstore

import (
	"math"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// openTrace is a trace that documents came for since it was last settled. Its
// documents are in memory as they were received and in the log. Everything in
// it is guarded by Store.mu; a view copies what it needs, and slices only grow,
// so what was copied stays good.
type openTrace struct {
	id   tomo.TraceID
	docs []tomo.RawDocument // in order of arrival
	// files has the log file of every entry that keeps the trace open: one for
	// each document, and one for a limit mark.
	files []*walFile
	bytes int64
	// lo and hi bound the start that the summary of docs will have.
	lo, hi tomo.Time
	sketch tomo.Sketch // of docs
	first  tomo.Time   // receipt of the first of docs
	last   tomo.Time   // receipt of the latest document
	since  tomo.Time   // the earliest receipt of docs

	// base is the row in which the trace was settled before, nil if it was not.
	base *blockFile
	row  int
	rowFacts

	over bool // documents were refused since: the trace is full
	pins int  // documents on their way into docs
	// text is how many bytes the texts of docs have, and those on their way.
	text int64

	// version is another one after each change of what follows from the rest.
	version uint32
	// summary is what was derived of the trace as it is, by the revision; nil if
	// it was not. With it the trace may be in a batch, else it is loose.
	summary  *tomo.Summary
	revision int64
	batch    *batch

	// What a settle round that is under way took; 0 outside a round.
	settling, settlingFiles int
	settlingOver            bool
	duplicates              int // documents the round found to be there already

	byActivity, byAge, byLoose links
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

// links ties an openTrace into a list.
type links struct{ prev, next *openTrace }

// traceList is a doubly linked list of open traces through one of their links.
type traceList struct {
	first, last *openTrace
	links       func(*openTrace) *links
}

func (l *traceList) pushBack(t *openTrace) {
	at := l.links(t)
	at.prev, at.next = l.last, nil
	if l.last != nil {
		l.links(l.last).next = t
	} else {
		l.first = t
	}
	l.last = t
}

func (l *traceList) remove(t *openTrace) {
	at := l.links(t)
	if at.prev != nil {
		l.links(at.prev).next = at.next
	} else if l.first == t {
		l.first = at.next
	} else {
		return // not in the list
	}
	if at.next != nil {
		l.links(at.next).prev = at.prev
	} else {
		l.last = at.prev
	}
	*at = links{}
}

// openIndex is the open traces: by id, by how long nothing came for them, and by
// how long they have been open.
type openIndex struct {
	traces   map[tomo.TraceID]*openTrace
	activity traceList // the longest quiet first
	age      traceList // the oldest first
	loose    traceList // those in no batch, mostly in order of activity
	batches  []*batch
	bytes    int64 // of the documents' texts
	kept     int64 // bytes of the summaries, about
	docs     int
}

func newOpenIndex() openIndex {
	return openIndex{
		traces:   map[tomo.TraceID]*openTrace{},
		activity: traceList{links: func(t *openTrace) *links { return &t.byActivity }},
		age:      traceList{links: func(t *openTrace) *links { return &t.byAge }},
		loose:    traceList{links: func(t *openTrace) *links { return &t.byLoose }},
	}
}

// documentOverhead is what a document in memory costs besides its text and digest.
const documentOverhead = 96

// add puts an entry of the log into its trace.
func (x *openIndex) add(t *openTrace, e *entry, f *walFile) {
	if len(t.files) == 0 {
		t.first = e.Received
		x.age.pushBack(t)
	} else {
		x.activity.remove(t)
	}
	t.files = append(t.files, f)
	f.live.Add(1)
	t.last = max(t.last, e.Received)
	x.activity.pushBack(t)
	x.changed(t)
	if e.kind == entryLimit {
		t.over = true
		return
	}
	if len(t.docs) == 0 {
		t.since, t.lo, t.hi, t.sketch = e.Received, e.First, e.Last, e.Sketch
	}
	t.since = min(t.since, e.Received)
	t.lo, t.hi = min(t.lo, e.First), max(t.hi, e.Last)
	t.sketch.Merge(&e.Sketch)
	t.docs = append(t.docs, e.RawDocument)
	t.text += int64(len(e.Text))
	t.bytes += int64(e.Size())
	x.bytes += int64(e.Size()) + documentOverhead
	x.docs++
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
	t.docs = append([]tomo.RawDocument(nil), t.docs[t.settling:]...)
	t.files = append([]*walFile(nil), t.files[t.settlingFiles:]...)
	if t.settlingOver {
		t.over = false // it is in the row now
	}
	t.settling, t.settlingFiles, t.settlingOver, t.duplicates = 0, 0, false, 0
	x.age.remove(t)
	if len(t.files) == 0 {
		x.activity.remove(t)
		x.forget(t)
		if t.pins == 0 {
			delete(x.traces, t.id)
		}
		return
	}
	if len(t.docs) > 0 {
		t.first, t.since = t.docs[0].Received, t.docs[0].Received
		for _, d := range t.docs {
			t.since = min(t.since, d.Received)
		}
	}
	x.age.pushBack(t)
	x.changed(t)
}

// hasNews reports whether there is anything in the trace that its row, if it has
// one, does not say.
func (t *openTrace) hasNews() bool { return len(t.docs) > 0 || t.over }

// fresh reports whether the bounds and the sketch are those of the whole trace:
// nothing of it is settled.
func (t *openTrace) fresh() bool { return t.base == nil && len(t.docs) > 0 }

// received bounds when the latest change that the summary of the trace will show
// was received: what was received before, word for word, changes nothing.
func (t *openTrace) received() (since, last tomo.Time) {
	if t.fresh() {
		return t.since, t.last
	}
	return math.MinInt64, t.last
}

// liesIn reports whether the trace certainly lies in w. If not it may.
func (t *openTrace) liesIn(w tomo.Window) bool {
	switch w.By {
	case tomo.ByEvent:
		since, last := t.received()
		return w.Contains(since) && w.Contains(last)
	case tomo.ByTraceID:
		return t.fresh() && w.Contains(t.lo) && w.Contains(t.hi)
	}
	return false
}

// mayMatch makes the test whether an open trace may lie in w and a plan of the
// list may hold for it, as far as that can be told without deriving it.
func mayMatch(w tomo.Window, plans ...filter.Plan) func(*openTrace) bool {
	tests := make([]func(*tomo.Sketch) bool, len(plans))
	for i, p := range plans {
		if tests[i] = p.Possible(); tests[i] == nil {
			tests = nil
			break
		}
	}
	return func(t *openTrace) bool {
		switch {
		case w.By == tomo.ByEvent && !w.Overlaps(t.received()):
			return false
		case !t.fresh():
			return true
		case w.By == tomo.ByTraceID && !w.Overlaps(t.lo, t.hi):
			return false
		case tests == nil:
			return true
		}
		for _, possible := range tests {
			if possible(&t.sketch) {
				return true
			}
		}
		return false
	}
}

// drop forgets a trace that never got a document.
func (x *openIndex) drop(t *openTrace) {
	if t.pins == 0 && len(t.files) == 0 {
		x.forget(t)
		delete(x.traces, t.id)
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
	for t := x.activity.first; t != nil && bytes < p.Round; t = t.byActivity.next {
		if t.last > quietSince && !(urgent && bytes < spare) {
			break
		}
		if t.last <= waitedSince {
			urgent = true
		}
		chosen = append(chosen, t)
		bytes += t.bytes
	}
	if bytes >= p.Round {
		urgent = true
	}
	taken := len(chosen)
	for t := x.age.first; t != nil && t.first <= agedSince && bytes < p.Round; t = t.byAge.next {
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
func (x *openIndex) lag(now tomo.Time) time.Duration {
	if x.activity.first == nil {
		return 0
	}
	return max(0, now.Sub(x.activity.first.last))
}
