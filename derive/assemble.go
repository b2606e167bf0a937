package derive

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
)

// none is the index of nothing.
const none int32 = -1

// An assembly is one trace put together: every id once, with its parent, the
// segment it belongs to and what is below it.
//
//	documents   A ─ B ─ C          D: subsegment of B      E: segment, parent C
//	entities    A { B { C, D } }                           E { }
//	owner       A is the owner of B, C and D; E of itself
//
// What an id is. The first complete version of it counts and later ones are
// ignored; while there is none, the latest open one counts. Versions may come
// at the top of a document or embedded in any. The first one decides for good
// whether the id is a segment or a subsegment. X-Ray: recorded, but for the
// last sentence.
//
// Where it is. The version that counts says which entity is its parent. A
// subsegment whose ancestors do not lead to a segment is an orphan: it waits
// and is in no answer. X-Ray: recorded. Ancestors that lead in a circle lead
// to no segment.
//
// The slices are reused from one trace to the next, so nothing handed out may
// point into them.
type assembly struct {
	limits    tomo.Limits
	order     []int32         // the documents given, by receipt
	documents []tomo.Document // distinct and parsed, by receipt
	versions  []version       // by id, then receipt
	entities  []entity        // by id
	entityAt  []int32         // version.at → entity
	path      []int32

	segments []int32 // entities that are segments, by start
	inferred []int32 // subsegments that stand for their callee, by start
	root     int32

	received tomo.Time // receipt of the last document
	revision int       // distinct seconds of receipt
	bounds   bounds    // of everything shown

	findings  findings
	causality causality
	detailing detailing
}

// version is what one document says about one id.
type version struct {
	id       tomo.SegmentID
	at       int32 // its place among all versions in order of receipt
	top      int32 // the place of its document's top entity
	received tomo.Time
	segment  *tomo.Segment
}

// entity is a segment or subsegment of the trace.
type entity struct {
	id         tomo.SegmentID
	segment    *tomo.Segment // the version that counts
	received   tomo.Time     // its receipt
	placing    *version      // the version that says where it is
	subsegment bool
	parent     int32 // none: it has none, or it is not here
	owner      int32 // the segment that it hangs under; a segment's is itself, an orphan's none
	caller     int32 // the nearest subsegment, itself or above, that is a call; or none

	resolved bool // a segment was received that this call, or one below it, made
	queued   bool // the callee was reached through a queue or topic, which stays a node

	firstChild, lastChild, next int32

	bounds bounds // of a segment: it and everything that it owns; of others by boundSubsegments
	node   int32
}

// bounds are the earliest start and the latest end of some entities. A start
// of 0 or before is no time and left out. X-Ray: recorded for 0.
type bounds struct{ start, end tomo.Time }

func (b *bounds) add(s *tomo.Segment) { b.widen(bounds{s.Start, s.End}) }

func (b *bounds) widen(by bounds) {
	if by.start > 0 && (b.start == 0 || by.start < b.start) {
		b.start = by.start
	}
	b.end = max(b.end, by.end)
}

// duration is Absent while nothing has ended.
func (b *bounds) duration() time.Duration {
	if b.start == 0 || b.end == 0 {
		return tomo.Absent
	}
	return span(b.start, b.end)
}

// longest caps durations, so that sums of those with senseless times stay sums.
const longest = 100 * 365 * 24 * time.Hour

// span is the time from start to end: 0 where the end comes first, or where
// the start is no time or the end not known.
func span(start, end tomo.Time) time.Duration {
	if start <= 0 || end <= start {
		return 0
	}
	if end-start > tomo.Time(longest/time.Microsecond) {
		return longest
	}
	return end.Sub(start)
}

var assemblies = sync.Pool{New: func() any { return new(assembly) }}

// reusable is the number of versions up to which an assembly's memory is kept
// for the next trace. What is kept also keeps the last documents' texts alive.
const reusable = 4096

// release gives the memory back.
func (a *assembly) release() {
	if len(a.versions) <= reusable {
		assemblies.Put(a)
	}
}

// reading is how an assembly reads a document: Document.Parse, or
// Document.Outline where the texts of the segments are not needed.
type reading func(*tomo.Document, tomo.RawDocument) *tomo.Refusal

// assemble puts a trace together. Documents that do not parse are left out.
func assemble(docs []tomo.RawDocument, how reading, within Within) *assembly {
	a := assemblies.Get().(*assembly)
	a.limits = tomo.Limits(within).OrDefault()
	a.read(docs, how)
	a.merge()
	a.place()
	a.own()
	a.nest()
	a.resolve()
	return a
}

// read parses the distinct documents in order of receipt.
func (a *assembly) read(docs []tomo.RawDocument, how reading) {
	a.order = a.order[:0]
	for i := range docs {
		a.order = append(a.order, int32(i))
	}
	slices.SortFunc(a.order, func(i, j int32) int {
		return cmp.Or(cmp.Compare(docs[i].Received, docs[j].Received), cmp.Compare(i, j))
	})
	a.dropRepeated(docs)

	a.documents, a.versions = a.documents[:0], a.versions[:0]
	a.received, a.revision = math.MinInt64, 0
	for _, i := range a.order {
		d := a.document()
		d.Limits = a.limits
		if how(d, docs[i]) != nil {
			a.documents = a.documents[:len(a.documents)-1]
			continue
		}
		if a.revision == 0 || d.Received.Second() != a.received.Second() {
			a.revision++
		}
		a.received = d.Received
		top := int32(len(a.versions))
		for i := range d.Segments {
			s := &d.Segments[i]
			a.versions = append(a.versions, version{s.ID, top + int32(i), top, d.Received, s})
		}
	}
}

// document appends a document, in the memory of an earlier one if there is any.
func (a *assembly) document() *tomo.Document {
	n := len(a.documents)
	if n == cap(a.documents) {
		a.documents = append(a.documents, tomo.Document{})
	}
	a.documents = a.documents[:n+1]
	return &a.documents[n]
}

// fewDocuments is how many documents are compared one by one.
const fewDocuments = 16

// dropRepeated takes all but the first of equal texts out of the order.
// X-Ray: a document sent twice changes nothing.
func (a *assembly) dropRepeated(docs []tomo.RawDocument) {
	text := func(i int32) []byte { return bytes.TrimSpace(docs[i].Text) }
	if len(a.order) <= fewDocuments {
		kept := a.order[:0]
		for _, i := range a.order {
			if !slices.ContainsFunc(kept, func(j int32) bool { return bytes.Equal(text(i), text(j)) }) {
				kept = append(kept, i)
			}
		}
		a.order = kept
		return
	}
	seed := maphash.MakeSeed()
	seen := make(map[uint64]int32, len(a.order))
	a.order = slices.DeleteFunc(a.order, func(i int32) bool {
		hash := maphash.Bytes(seed, text(i))
		j, found := seen[hash]
		if !found {
			seen[hash] = i
		}
		return found && bytes.Equal(text(i), text(j))
	})
}

// merge makes an entity of all versions of an id.
func (a *assembly) merge() {
	slices.SortFunc(a.versions, func(v, w version) int {
		if v.id != w.id {
			return cmp.Compare(v.id, w.id)
		}
		return cmp.Compare(v.at, w.at)
	})
	a.entities = a.entities[:0]
	a.entityAt = slices.Grow(a.entityAt[:0], len(a.versions))[:len(a.versions)]
	for i := range a.versions {
		v := &a.versions[i]
		last := len(a.entities) - 1
		if last < 0 || a.entities[last].id != v.id {
			a.entityAt[v.at] = int32(last + 1)
			a.entities = append(a.entities, entity{
				id: v.id, segment: v.segment, received: v.received, placing: v,
				subsegment: v.segment.Subsegment,
				firstChild: none, lastChild: none, next: none,
			})
			continue
		}
		a.entityAt[v.at] = int32(last)
		e := &a.entities[last]
		if !e.segment.InProgress {
			continue
		}
		e.segment, e.received = v.segment, v.received
		// A version of the other kind does not know where this one is.
		if v.segment.Subsegment == e.subsegment {
			e.placing = v
		}
	}
}

// place finds each entity's parent.
func (a *assembly) place() {
	for i := range a.entities {
		e := &a.entities[i]
		switch s := e.placing.segment; {
		case s.Enclosing >= 0:
			e.parent = a.entityAt[e.placing.top+s.Enclosing]
		case s.HasParent:
			e.parent = a.find(s.Parent)
		default:
			e.parent = none
		}
	}
}

// find is the entity of an id.
func (a *assembly) find(id tomo.SegmentID) int32 {
	i, found := slices.BinarySearchFunc(a.entities, id, func(e entity, id tomo.SegmentID) int { return cmp.Compare(e.id, id) })
	if !found {
		return none
	}
	return int32(i)
}

// own finds the segment that each subsegment hangs under and the call that it
// is part of. Each entity is passed once, however deep it is.
func (a *assembly) own() {
	const unknown, passing = none - 1, none - 2
	for i := range a.entities {
		e := &a.entities[i]
		if e.owner, e.caller = int32(i), none; e.subsegment {
			e.owner = unknown
		}
	}
	for i := range a.entities {
		a.path = a.path[:0]
		at := int32(i)
		for at != none && a.entities[at].owner == unknown {
			a.entities[at].owner = passing
			a.path = append(a.path, at)
			at = a.entities[at].parent
		}
		owner, caller := none, none
		if at != none && a.entities[at].owner != passing { // passing: a circle
			owner, caller = a.entities[at].owner, a.entities[at].caller
		}
		for _, at := range slices.Backward(a.path) {
			e := &a.entities[at]
			if calls(e.segment) {
				caller = at
			}
			e.owner, e.caller = owner, caller
		}
	}
}

// nest lists the segments, and below each entity its subsegments: first the
// embedded ones in the order of their documents, then those that came by
// themselves, by start. So the order does not hang on when they came.
func (a *assembly) nest() {
	a.bounds = bounds{}
	a.segments = a.segments[:0]
	independent := a.path[:0]
	for at, i := range a.entityAt {
		e := &a.entities[i]
		if e.placing.at != int32(at) || e.owner == none {
			continue
		}
		owner := &a.entities[e.owner]
		a.bounds.add(e.segment)
		owner.bounds.add(e.segment)
		switch {
		case !e.subsegment:
			a.segments = append(a.segments, i)
		case e.placing.segment.Enclosing >= 0:
			a.adopt(i)
		default:
			independent = append(independent, i)
		}
	}
	a.sortByStart(a.segments)
	a.sortByStart(independent)
	for _, i := range independent {
		a.adopt(i)
	}
	a.path = independent
}

// adopt makes the entity the last child of its parent.
func (a *assembly) adopt(i int32) {
	parent := &a.entities[a.entities[i].parent]
	if parent.lastChild == none {
		parent.firstChild = i
	} else {
		a.entities[parent.lastChild].next = i
	}
	parent.lastChild = i
}

// sortByStart sorts entities by start, then id.
func (a *assembly) sortByStart(list []int32) {
	slices.SortFunc(list, func(i, j int32) int {
		if c := cmp.Compare(a.entities[i].segment.Start, a.entities[j].segment.Start); c != 0 {
			return c
		}
		return cmp.Compare(i, j)
	})
}

// resolve finds the root, and which calls stand for their callee because no
// segment came from there.
//
// X-Ray: a subsegment with namespace aws or remote makes an inferred segment
// unless a segment names it, or a subsegment below it, as its parent.
func (a *assembly) resolve() {
	a.root = none
	for _, i := range a.segments {
		s := &a.entities[i]
		// X-Ray: the root is the segment without parent that starts first. An
		// inferred segment that a client made itself is never the root.
		if a.root == none && !s.placing.segment.HasParent && !s.segment.Inferred {
			a.root = i
		}
		if s.parent == none {
			continue
		}
		if s.parent == i || a.entities[s.parent].owner == i {
			s.parent = none // a segment that its own subsegment called says nothing
			continue
		}
		for at := s.parent; at != none; at = a.entities[at].parent {
			e := &a.entities[at]
			if !e.subsegment || e.resolved {
				break
			}
			e.resolved = true
		}
		if c := a.entities[s.parent].caller; c != none && sends(a.entities[c].segment) {
			call := &a.entities[c]
			call.queued = call.queued || s.segment.Origin != callee(call.segment).Type
		}
	}
	a.inferred = a.inferred[:0]
	for i := range a.entities {
		e := &a.entities[i]
		if e.subsegment && e.owner != none && e.caller == int32(i) && (!e.resolved || e.queued) {
			a.inferred = append(a.inferred, int32(i))
		}
	}
	a.sortByStart(a.inferred)
}

// below is the entity after at in document order among top and all that is
// below it, none at the end.
func (a *assembly) below(at, top int32) int32 {
	if child := a.entities[at].firstChild; child != none {
		return child
	}
	for ; at != top; at = a.entities[at].parent {
		if next := a.entities[at].next; next != none {
			return next
		}
	}
	return none
}
