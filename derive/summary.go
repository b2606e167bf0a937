package derive

import (
	"cmp"
	"slices"

	"github.com/tomotrace/tomo"
)

// findings is what a summary is gathered in before it is known how much of
// everything there is. Nodes are numbered here as they are found; the summary
// has them sorted.
type findings struct {
	nodeIDs distinct[tomo.NodeID]
	nodes   []tomo.Node
	sorted  []int32 // nodes in order
	place   []int32 // node → place in that order

	units []foundUnit
	calls []foundCall

	annotations distinct[tomo.Annotation]
	annotated   []mention
	users       distinct[string]
	used        []mention
	arns        distinct[string]
	instances   distinct[string]
	zones       distinct[string]
}

// foundUnit is a unit and the entity that it was derived from.
type foundUnit struct {
	tomo.Unit
	entity int32
}

// foundCall is a call with the start of the calling entity, and the entity
// that was called.
type foundCall struct {
	tomo.Call
	start  tomo.Time
	entity int32
}

// mention is a node that said one of a list of things.
type mention struct{ thing, node int32 }

func (f *findings) reset() {
	f.nodeIDs.reset()
	f.nodes = f.nodes[:0]
	f.units, f.calls = f.units[:0], f.calls[:0]
	f.annotations.reset()
	f.users.reset()
	f.arns.reset()
	f.instances.reset()
	f.zones.reset()
	f.annotated, f.used = f.annotated[:0], f.used[:0]
}

// node finds or adds a node. A node that is real in one place is real.
func (f *findings) node(n tomo.Node) int32 {
	i := f.nodeIDs.add(n.NodeID)
	if int(i) == len(f.nodes) {
		f.nodes = append(f.nodes, n)
		return i
	}
	have := &f.nodes[i]
	have.State = min(have.State, n.State)
	have.Root = have.Root || n.Root
	have.Region = max(have.Region, n.Region)
	return i
}

// sortNodes lists the nodes in order. Like all empty lists of a summary, one of
// no nodes is nil.
func (f *findings) sortNodes() []tomo.Node {
	f.sorted = f.sorted[:0]
	for i := range f.nodes {
		f.sorted = append(f.sorted, int32(i))
	}
	slices.SortFunc(f.sorted, func(i, j int32) int { return f.nodes[i].Compare(f.nodes[j].NodeID) })
	f.place = slices.Grow(f.place[:0], len(f.nodes))[:len(f.nodes)]
	nodes := slices.Grow([]tomo.Node(nil), len(f.nodes))
	for now, was := range f.sorted {
		nodes = append(nodes, f.nodes[was])
		f.place[was] = int32(now)
	}
	return nodes
}

func (a *assembly) summary(id tomo.TraceID) *tomo.Summary {
	s := &tomo.Summary{
		ID:           id,
		Start:        a.start(),
		Duration:     a.bounds.duration(),
		ResponseTime: tomo.Absent,
		Received:     a.received,
		Revision:     a.revision,
		Documents:    len(a.documents),
		EntryPoint:   -1,
		// X-Ray documents IsPartial for segments in progress. It was seen false
		// for a lone open root, and true while the root has not arrived.
		IsPartial:    a.root == none,
		Completeness: tomo.Complete,
	}
	if a.incomplete() {
		s.Completeness = tomo.Incomplete
	}
	s.Began = s.Start
	f := &a.findings
	f.reset()
	a.findNodes()
	a.findCalls()
	s.Nodes = f.sortNodes()
	s.Units, s.Calls = f.sortUnits(), f.sortCalls()
	if a.root != none {
		a.describeRoot(s)
	}
	a.findValues()
	f.values(s)
	return s
}

// start is the earliest start of a segment; one of 0 or before only if there
// is no other. A trace of orphans has only theirs.
func (a *assembly) start() tomo.Time {
	var first tomo.Time
	for _, i := range a.segments { // by start
		if first = a.entities[i].segment.Start; first > 0 {
			return first
		}
	}
	if len(a.segments) > 0 {
		return a.entities[a.segments[0]].segment.Start
	}
	for i := range a.entities {
		if start := a.entities[i].segment.Start; i == 0 || start < first {
			first = start
		}
	}
	return first
}

// describeRoot fills in what is said of the root alone. X-Ray: recorded; a
// throttled root has HasThrottle and not HasError, so it is one of the three.
func (a *assembly) describeRoot(s *tomo.Summary) {
	root := &a.entities[a.root]
	if root.segment.Start > 0 {
		s.Began = root.segment.Start
	}
	if !root.segment.InProgress {
		s.ResponseTime = span(root.segment.Start, root.segment.End)
	}
	switch root.segment.Outcome() {
	case tomo.OutcomeFault:
		s.HasFault = true
	case tomo.OutcomeThrottle:
		s.HasThrottle = true
	case tomo.OutcomeError:
		s.HasError = true
	}
	s.HTTP = root.segment.HTTP
	s.EntryPoint = int(a.findings.place[root.node])
}

// findNodes makes a node and a unit for each segment and each inferred callee.
func (a *assembly) findNodes() {
	f := &a.findings
	for _, i := range a.segments {
		e := &a.entities[i]
		n := segmentNode(e.segment)
		n.Root = i == a.root
		e.node = f.node(n)
		u := e.unit()
		u.Duration = max(0, e.bounds.duration())
		u.Inferred = e.segment.Inferred
		f.units = append(f.units, foundUnit{u, i})
	}
	for _, i := range a.inferred {
		e := &a.entities[i]
		e.node = f.node(calleeNode(e.segment))
		u := e.unit()
		u.Duration = u.ResponseTime
		u.Inferred = true
		u.Received, u.Open = a.standing(e)
		f.units = append(f.units, foundUnit{u, i})
	}
}

// unit is what segments and inferred callees have in common.
func (e *entity) unit() tomo.Unit {
	s := e.segment
	return tomo.Unit{
		Node:         int(e.node),
		Received:     e.received,
		Open:         s.InProgress,
		Start:        s.Start,
		End:          s.End,
		ResponseTime: span(s.Start, s.End),
		Outcome:      s.Outcome(),
		Status:       s.HTTP.Status,
	}
}

// standing says since when the graph can show an entity as part of its owner,
// and whether either is still open. While the caller is not in the graph,
// neither are its calls and whom they infer. X-Ray: an open root is in no node
// and counts when it is completed; what is late counts late.
func (a *assembly) standing(e *entity) (received tomo.Time, open bool) {
	owner := &a.entities[e.owner]
	return max(e.received, owner.received), e.segment.InProgress || owner.segment.InProgress
}

// findCalls makes the calls: from the client to the root, from each caller to
// the callees inferred from its subsegments, and from each segment's caller to
// the segment.
func (a *assembly) findCalls() {
	f := &a.findings
	if a.root != none {
		root := &a.entities[a.root]
		client := f.nodes[root.node].NodeID
		client.Type = tomo.ClientType
		from := f.node(tomo.Node{NodeID: client, State: tomo.StateUnknown})
		a.call(from, a.root, root, root)
	}
	for _, i := range a.inferred {
		e := &a.entities[i]
		a.call(a.entities[e.owner].node, i, e, e)
	}
	for _, i := range a.segments {
		e := &a.entities[i]
		if e.parent == none {
			continue
		}
		parent := &a.entities[e.parent]
		if parent.owner == none {
			continue // nobody is known to have made the call
		}
		from := a.entities[parent.owner].node
		if parent.caller == none {
			// A segment that called another without a subsegment for it, as the
			// Lambda service does, or a local subsegment that handed work over.
			a.call(from, i, parent, e)
			continue
		}
		caller := &a.entities[parent.caller]
		if caller.queued && e.segment.Origin != callee(caller.segment).Type {
			a.call(caller.node, i, caller, e)
			continue
		}
		c := a.call(from, i, caller, e)
		// X-Ray: the callee has its own name; what the caller called it is an
		// alias of the edge.
		to, as := f.nodes[e.node].NodeID, callee(caller.segment)
		if as.Name != to.Name || as.Type != to.Type {
			c.AliasName, c.AliasType = as.Name, as.Type
		}
	}
}

// call adds the call to a callee with the caller's numbers. It counts when both
// ends are there, so an open end leaves it open.
func (a *assembly) call(from, to int32, caller, callee *entity) *tomo.Call {
	f := &a.findings
	s := caller.segment
	received, open := a.standing(caller)
	f.calls = append(f.calls, foundCall{
		Call: tomo.Call{
			From:         int(from),
			To:           int(callee.node),
			Received:     max(received, callee.received),
			ResponseTime: span(s.Start, s.End),
			Outcome:      s.Outcome(),
			Status:       s.HTTP.Status,
			Open:         open || callee.segment.InProgress,
		},
		start:  s.Start,
		entity: to,
	})
	return &f.calls[len(f.calls)-1].Call
}

// sortUnits lists the units by start, node and entity.
func (f *findings) sortUnits() []tomo.Unit {
	for i := range f.units {
		u := &f.units[i]
		u.Node = int(f.place[u.Node])
	}
	slices.SortFunc(f.units, func(u, v foundUnit) int {
		return cmp.Or(cmp.Compare(u.Start, v.Start), cmp.Compare(u.Node, v.Node), cmp.Compare(u.entity, v.entity))
	})
	units := slices.Grow([]tomo.Unit(nil), len(f.units))
	for i := range f.units {
		units = append(units, f.units[i].Unit)
	}
	return units
}

// sortCalls lists the calls by start, ends and entity.
func (f *findings) sortCalls() []tomo.Call {
	for i := range f.calls {
		c := &f.calls[i]
		c.From, c.To = int(f.place[c.From]), int(f.place[c.To])
	}
	slices.SortFunc(f.calls, func(c, d foundCall) int {
		return cmp.Or(cmp.Compare(c.start, d.start), cmp.Compare(c.From, d.From), cmp.Compare(c.To, d.To), cmp.Compare(c.entity, d.entity))
	})
	calls := slices.Grow([]tomo.Call(nil), len(f.calls))
	for i := range f.calls {
		calls = append(calls, f.calls[i].Call)
	}
	return calls
}

// findValues gathers annotations, users and the like from the segments by
// start and from what hangs under each in document order.
func (a *assembly) findValues() {
	f := &a.findings
	for _, top := range a.segments {
		node := f.place[a.entities[top].node]
		for at := top; at != none; at = a.below(at, top) {
			s := a.entities[at].segment
			for _, annotation := range s.Annotations {
				thing, found := f.annotations.find(annotation)
				if !found {
					if len(f.annotations.list) == a.limits.Annotations {
						continue
					}
					thing = f.annotations.add(annotation)
				}
				f.annotated = append(f.annotated, mention{thing, node})
			}
			if s.User != "" {
				f.used = append(f.used, mention{f.users.add(s.User), node})
			}
			addText(&f.arns, s.ResourceARN)
			addText(&f.instances, s.AWS.InstanceID)
			addText(&f.zones, s.AWS.AvailabilityZone)
		}
	}
}

// values copies what findValues found.
func (f *findings) values(s *tomo.Summary) {
	if n := len(f.annotations.list); n > 0 {
		s.Annotations = make([]tomo.SummaryAnnotation, n)
		for i, annotation := range f.annotations.list {
			s.Annotations[i].Annotation = annotation
		}
		eachMentioned(f.annotated, func(i int32, nodes []int) { s.Annotations[i].Nodes = nodes })
	}
	if n := len(f.users.list); n > 0 {
		s.Users = make([]tomo.User, n)
		for i, user := range f.users.list {
			s.Users[i].Name = user
		}
		eachMentioned(f.used, func(i int32, nodes []int) { s.Users[i].Nodes = nodes })
	}
	s.ResourceARNs = sortedTexts(&f.arns)
	s.InstanceIDs = sortedTexts(&f.instances)
	s.AvailabilityZones = sortedTexts(&f.zones)
}

// eachMentioned tells of each thing the nodes that said it, in order. The
// lists share one new piece of memory.
func eachMentioned(mentions []mention, tell func(thing int32, nodes []int)) {
	slices.SortFunc(mentions, func(m, n mention) int {
		return cmp.Or(cmp.Compare(m.thing, n.thing), cmp.Compare(m.node, n.node))
	})
	mentions = slices.Compact(mentions)
	nodes := make([]int, len(mentions))
	for i, m := range mentions {
		nodes[i] = int(m.node)
	}
	for from := 0; from < len(mentions); {
		to := from + 1
		for to < len(mentions) && mentions[to].thing == mentions[from].thing {
			to++
		}
		tell(mentions[from].thing, nodes[from:to:to])
		from = to
	}
}

// distinct numbers values in the order in which they first come.
type distinct[T comparable] struct {
	list  []T
	index map[T]int32 // of the first values of the list; made when there are many
}

// fewValues is how many values are looked through one by one.
const fewValues = 16

func (d *distinct[T]) reset() {
	clear(d.list)
	d.list = d.list[:0]
	clear(d.index)
}

func (d *distinct[T]) find(v T) (int32, bool) {
	if len(d.list) <= fewValues {
		i := slices.Index(d.list, v)
		return int32(i), i >= 0
	}
	if d.index == nil {
		d.index = make(map[T]int32)
	}
	for i := len(d.index); i < len(d.list); i++ {
		d.index[d.list[i]] = int32(i)
	}
	i, found := d.index[v]
	return i, found
}

func (d *distinct[T]) add(v T) int32 {
	if i, found := d.find(v); found {
		return i
	}
	d.list = append(d.list, v)
	return int32(len(d.list) - 1)
}

func addText(d *distinct[string], text string) {
	if text != "" {
		d.add(text)
	}
}

// sortedTexts copies the texts, nil if there are none.
func sortedTexts(d *distinct[string]) []string {
	if len(d.list) == 0 {
		return nil
	}
	list := slices.Clone(d.list)
	slices.Sort(list)
	return list
}
