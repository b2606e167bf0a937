package derive

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tomotrace/tomo"
)

// A causality is how the entities of a trace caused each other: the children
// of an entity are the subsegments below it and the segments that name it as
// their parent. Segments whose parents lead in a circle are in no tree.
//
//	shop ─┬─ validate
//	      └─ call ─── payments ─── query       (payments and shop are segments)
//
// A root cause is a path down such a tree. Its services are the segments on it
// and, at its end, perhaps the inferred callee of a call:
//
//	shop: shop → call      payments: payments → query      db (inferred): query
type causality struct {
	// firstCallee is the first of the segments that an entity caused itself,
	// nextCallee the next of them, by start.
	firstCallee, nextCallee []int32

	order []int32 // the entities of all trees, each before its children
	place []int32 // entity → place in order; none outside the trees
	last  []int32 // entity → place of the last entity below it

	whole    tomo.Document
	failures []failure
	starts   []int32
	threw    []thrown
	path     []int32
}

// rootCauses tells why the trace failed or was slow, as far as parts ask for it.
// Nodes must have been found.
func (a *assembly) rootCauses(parts tomo.DetailParts) (found tomo.RootCauses) {
	if parts&(tomo.ResponseTimeRootCauses|tomo.FaultRootCauses|tomo.ErrorRootCauses) == 0 {
		return found
	}
	a.findCallees()
	if parts&tomo.ResponseTimeRootCauses != 0 {
		found.ResponseTime = a.slow()
	}
	fault, other := false, false
	for i := range a.entities {
		if e := &a.entities[i]; e.owner != none {
			fault = fault || isFault(e.segment)
			other = other || isError(e.segment)
		}
	}
	fault, other = fault && parts&tomo.FaultRootCauses != 0, other && parts&tomo.ErrorRootCauses != 0
	if !fault && !other {
		return found
	}
	a.readCauses()
	a.sortCausality()
	if fault {
		found.Fault = a.failed(isFault)
	}
	if other {
		found.Error = a.failed(isError)
	}
	return found
}

func isFault(s *tomo.Segment) bool {
	return s.Fault || s.HTTP.Status >= 500 && s.HTTP.Status <= 599
}

// isError is true of throttled entities too. X-Ray: a throttled call was seen
// among the ErrorRootCauses.
func isError(s *tomo.Segment) bool {
	return s.Error || s.Throttle || s.HTTP.Status >= 400 && s.HTTP.Status <= 499
}

// readCauses reads the causes of the documents in which something failed, if
// only an outline of them was read.
func (a *assembly) readCauses() {
	whole := &a.causality.whole
	for i := range a.documents {
		d := &a.documents[i]
		if d.Segments[0].Text != nil || !anyFailed(d.Segments) || whole.Parse(d.RawDocument) != nil {
			continue
		}
		for k := range d.Segments { // each keeps its own memory
			d.Segments[k].Cause, whole.Segments[k].Cause = whole.Segments[k].Cause, d.Segments[k].Cause
		}
	}
}

func anyFailed(list []tomo.Segment) bool {
	for i := range list {
		if isFault(&list[i]) || isError(&list[i]) {
			return true
		}
	}
	return false
}

// findCallees lists, for each entity, the segments that it caused.
func (a *assembly) findCallees() {
	c := &a.causality
	c.firstCallee = filled(c.firstCallee, len(a.entities), none)
	c.nextCallee = filled(c.nextCallee, len(a.entities), none)
	for _, i := range slices.Backward(a.segments) {
		if p := a.entities[i].parent; p != none && a.entities[p].owner != none {
			c.nextCallee[i], c.firstCallee[p] = c.firstCallee[p], i
		}
	}
}

// filled is a list of n times v, in the memory of list if there is enough.
func filled[T any](list []T, n int, v T) []T {
	list = slices.Grow(list[:0], n)[:n]
	for i := range list {
		list[i] = v
	}
	return list
}

// infers reports whether an entity stands for a callee that sent no segment. A
// path ends there.
func (a *assembly) infers(i int32) bool {
	e := &a.entities[i]
	if !e.subsegment {
		return e.segment.Inferred
	}
	return e.caller == i && (!e.resolved || e.queued)
}

// slow is the one cause of the response time: the path from the root that
// always takes the longest child, as long as that took more than half of the
// root's response time and not longer than the root.
//
// X-Ray: recorded; a quarter and a half are too little, 0.6 is enough, and a
// callee that outlives the root is left out. The time of a segment is that of
// everything it owns, of a subsegment only its own: recorded. A child may take
// longer than its parent.
func (a *assembly) slow() []tomo.RootCause {
	if a.root == none || a.entities[a.root].segment.InProgress {
		return nil
	}
	root := a.entities[a.root].segment
	whole := span(root.Start, root.End)
	if whole == 0 {
		return nil
	}
	c := &a.causality
	c.path = append(c.path[:0], a.root)
	for at := a.root; !a.infers(at); {
		next, longest := none, time.Duration(0)
		try := func(i int32) {
			e := &a.entities[i]
			took := e.took()
			if e.segment.InProgress || 2*took <= whole || took > whole {
				return
			}
			if took > longest || took == longest && a.compareStart(i, next) < 0 {
				next, longest = i, took
			}
		}
		for i := a.entities[at].firstChild; i != none; i = a.entities[i].next {
			try(i)
		}
		for i := c.firstCallee[at]; i != none; i = c.nextCallee[i] {
			try(i)
		}
		if next == none {
			break
		}
		c.path = append(c.path, next)
		at = next
	}
	if len(c.path) == 1 {
		return nil
	}
	return []tomo.RootCause{{ClientImpacting: true, Services: a.services(c.path, func(i int32) tomo.RootCauseEntity {
		coverage := 1.0
		if i != a.root {
			coverage = math.Round(float64(a.entities[i].took())/float64(whole)*1000) / 1000
		}
		return tomo.RootCauseEntity{Coverage: coverage}
	})}}
}

// took is how long an entity took: a segment with everything that it owns, a
// subsegment by itself.
func (e *entity) took() time.Duration {
	if e.subsegment {
		return span(e.segment.Start, e.segment.End)
	}
	return e.bounds.duration()
}

// compareStart orders entities by start, then id.
func (a *assembly) compareStart(i, j int32) int {
	return cmp.Or(cmp.Compare(a.entities[i].segment.Start, a.entities[j].segment.Start), cmp.Compare(i, j))
}

// services makes the services of a path. tell says of an entity what names
// do not: its coverage or its exceptions.
//
// X-Ray: recorded. A segment opens a service. So does the inferred callee of
// the call that ends a path; it has one entity, named like the call and without
// exceptions.
func (a *assembly) services(path []int32, tell func(int32) tomo.RootCauseEntity) []tomo.RootCauseService {
	services := 0
	for _, i := range path {
		if !a.entities[i].subsegment || a.infers(i) {
			services++
		}
	}
	var (
		list     = make([]tomo.RootCauseService, 0, services)
		entities = make([]tomo.RootCauseEntity, 0, len(path)+1)
		from     int
	)
	add := func(i int32, inferred, opens bool) {
		e := &a.entities[i]
		told := tell(i)
		told.Name = e.segment.Name
		if told.Remote = e.subsegment && !opens && calls(e.segment); inferred {
			told.Exceptions = nil
		}
		if opens {
			from = len(entities)
			list = append(list, tomo.RootCauseService{NodeID: a.findings.nodes[e.node].NodeID, Inferred: inferred})
		}
		entities = append(entities, told)
		list[len(list)-1].EntityPath = entities[from:len(entities):len(entities)]
	}
	for k, i := range path {
		inferred := a.infers(i)
		if !a.entities[i].subsegment {
			add(i, inferred, true)
			continue
		}
		if k > 0 {
			add(i, false, false)
		}
		if inferred {
			add(i, true, true)
		}
	}
	return list
}

// sortCausality puts the entities in order, each before its children.
func (a *assembly) sortCausality() {
	c := &a.causality
	c.order = c.order[:0]
	c.place = filled(c.place, len(a.entities), none)
	c.last = filled(c.last, len(a.entities), none)
	for _, top := range a.segments {
		if p := a.entities[top].parent; p != none && a.entities[p].owner != none {
			continue
		}
		for i := top; i != none; i = a.after(i, top) {
			c.place[i] = int32(len(c.order))
			c.order = append(c.order, i)
		}
	}
	for _, i := range slices.Backward(c.order) {
		c.last[i] = max(c.last[i], c.place[i])
		if p := a.causedBy(i); p != none {
			c.last[p] = max(c.last[p], c.last[i])
		}
	}
}

// causedBy is the parent of an entity in its tree.
func (a *assembly) causedBy(i int32) int32 {
	if p := a.entities[i].parent; p != none && a.entities[p].owner != none {
		return p
	}
	return none
}

// after is the entity after i in the order of the tree below top.
func (a *assembly) after(i, top int32) int32 {
	c := &a.causality
	if child := a.entities[i].firstChild; child != none {
		return child
	}
	if callee := c.firstCallee[i]; callee != none {
		return callee
	}
	for i != top {
		e := &a.entities[i]
		next := c.nextCallee[i]
		if e.subsegment {
			if next = e.next; next == none {
				next = c.firstCallee[e.parent]
			}
		}
		if next != none {
			return next
		}
		i = e.parent
	}
	return none
}

// below reports whether i is below top in its tree.
func (c *causality) below(i, top int32) bool {
	return c.place[i] > c.place[top] && c.place[i] <= c.last[top]
}

// A failure is what of an entity that failed the search for causes knows. All
// failures that hang together below one start make one cause at most.
type failure struct {
	start int32 // where the path to it begins: itself, or the start of its parent; none: no path comes here
	// heading is the entity with the exception that a reference above names,
	// while it is not reached; next is where a path goes on.
	heading, next int32
	aside         bool // a reference above leads elsewhere
	within        bool // it is below a failed call whose callee is inferred
	ends          bool // a path that comes here finds a cause
}

// thrown is an exception and the entity that holds it.
type thrown struct {
	id     tomo.SegmentID
	place  int32
	entity int32
}

// failed finds the causes of one kind of failure.
//
// A path starts at each failed segment that nobody above has to answer for:
// the entities between it and the next segment above, and that segment, did
// not all fail. It starts too at a failed call to an inferred callee whose
// parent did not fail. From there it goes down from one failed entity to the
// next, first to calls of inferred callees, then by start, until such a call,
// or to the deepest entity with exceptions. Flags alone are no cause.
//
// X-Ray: recorded, with the rules for references at follow. Which one of
// several equal branches the service takes was seen to hang on their ids in an
// unknown way; here it is the first to start, then the smaller id.
func (a *assembly) failed(is func(*tomo.Segment) bool) []tomo.RootCause {
	c := &a.causality
	c.failures = filled(c.failures, len(a.entities), failure{start: none, heading: none, next: none})
	c.starts = c.starts[:0]
	refers := false
	for _, i := range c.order {
		if e := &a.entities[i]; is(e.segment) {
			a.begin(i)
			refers = refers || c.failures[i].start != none && referring(e.segment)
		}
	}
	if len(c.starts) == 0 {
		return nil
	}
	if refers {
		a.follow()
	}
	a.choose()
	slices.SortFunc(c.starts, a.compareStart)
	var causes []tomo.RootCause
	for _, i := range c.starts {
		if !c.failures[i].ends {
			continue
		}
		a.walk(i)
		causes = append(causes, tomo.RootCause{ClientImpacting: i == a.root, Services: a.services(c.path, a.exceptions)})
	}
	return causes
}

// begin says where the path to a failed entity starts.
func (a *assembly) begin(i int32) {
	c := &a.causality
	f, e := &c.failures[i], &a.entities[i]
	if p := a.causedBy(i); p != none && c.failures[p].start != none {
		// The consumer of a message fails for itself, not for the sender.
		if inferred := a.infers(p); e.subsegment || !inferred {
			f.start, f.within = c.failures[p].start, inferred || c.failures[p].within
			return
		}
	}
	if !e.subsegment || a.infers(i) {
		f.start = i
		c.starts = append(c.starts, i)
	}
}

// referring reports whether an entity's cause is the id of an exception that
// was recorded elsewhere.
func referring(s *tomo.Segment) bool { return s.Cause.HasRef && len(s.Cause.Exceptions) == 0 }

// follow finds the entities that references lead to. A path through an entity
// with a reference leads to the one that holds the exception, or, if that is not
// among the failures below, nowhere. Calls to inferred callees that it therefore
// leaves aside are causes of their own. X-Ray: recorded.
func (a *assembly) follow() {
	c := &a.causality
	c.threw = c.threw[:0]
	for _, i := range c.order {
		if c.failures[i].start == none {
			continue
		}
		for _, x := range a.entities[i].segment.Cause.Exceptions {
			if x.HasID {
				c.threw = append(c.threw, thrown{x.ID, c.place[i], i})
			}
		}
	}
	slices.SortFunc(c.threw, func(x, y thrown) int {
		return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.place, y.place))
	})
	for _, i := range c.order {
		f := &c.failures[i]
		if f.start == none {
			continue
		}
		if f.start != i {
			p := a.causedBy(i)
			above := &c.failures[p]
			leads := above.heading
			switch {
			case above.aside || leads == none && referring(a.entities[p].segment):
				f.aside = true
			case leads != none && leads != i && !c.below(leads, i):
				f.aside = true
			case leads != none && leads != i:
				f.heading = leads
			}
		}
		if s := a.entities[i].segment; f.heading == none && referring(s) && !a.infers(i) {
			f.heading = a.holder(s.Cause.Ref, i)
		}
		if f.aside && !f.within && a.infers(i) {
			c.starts = append(c.starts, i)
		}
	}
}

// holder is the first failure below top, of the same start, that holds the
// exception id.
func (a *assembly) holder(id tomo.SegmentID, top int32) int32 {
	c := &a.causality
	k, _ := slices.BinarySearchFunc(c.threw, thrown{id: id, place: c.place[top] + 1}, func(x, y thrown) int {
		return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.place, y.place))
	})
	if k == len(c.threw) || c.threw[k].id != id {
		return none
	}
	if i := c.threw[k].entity; c.below(i, top) && c.failures[i].start == c.failures[top].start {
		return i
	}
	return none
}

// choose finds, from the leaves up, where a path goes on from each failure and
// whether it finds a cause.
func (a *assembly) choose() {
	c := &a.causality
	for _, i := range slices.Backward(c.order) {
		f := &c.failures[i]
		if f.start == none {
			continue
		}
		s := a.entities[i].segment
		switch {
		case a.infers(i):
			f.ends, f.next = true, none
		case f.heading != none:
			f.ends = true
		case referring(s):
			f.ends, f.next = false, none
		default:
			f.ends = f.next != none || len(s.Cause.Exceptions) > 0
		}
		if !f.ends || f.start == i {
			continue
		}
		p := a.causedBy(i)
		above := &c.failures[p]
		switch {
		case above.heading != none:
			if i == above.heading || c.below(above.heading, i) {
				above.next = i
			}
		case above.next == none || a.comparePreference(i, above.next) < 0:
			above.next = i
		}
	}
}

// comparePreference orders branches: calls of inferred callees first.
func (a *assembly) comparePreference(i, j int32) int {
	if x, y := a.infers(i), a.infers(j); x != y {
		if x {
			return -1
		}
		return 1
	}
	return a.compareStart(i, j)
}

// walk makes the path from a start.
func (a *assembly) walk(start int32) {
	c := &a.causality
	c.path = c.path[:0]
	for i := start; i != none; i = c.failures[i].next {
		c.path = append(c.path, i)
	}
}

// exceptions tells the exceptions of an entity.
func (a *assembly) exceptions(i int32) tomo.RootCauseEntity {
	var list []tomo.RootCauseException
	for _, x := range a.entities[i].segment.Cause.Exceptions {
		list = append(list, tomo.RootCauseException{Name: x.Type, Message: x.Message})
	}
	return tomo.RootCauseEntity{Exceptions: list}
}
