package tomo

import (
	"slices"
	"time"
)

// Tally counts traces in several graphs each, and adds up to what ServiceGraph.Add
// does for each of them. The zero value is ready. A graph may have one tally only,
// and shows nothing of what was added until Flush.
//
// A trace may belong to many groups, and to count it in the histograms of each
// is most of what settling would cost. So traces wait until there are some, and
// then are counted by service: its response times are sorted once, and each
// goes behind the last bar of the graphs that count it.
//
//	sorted   3 ms of trace 0, 3 ms of trace 2, 7 ms of trace 1
//	graphs   trace 0: all, a     trace 1: all, b     trace 2: all, a
//	bars     all: 3 ms × 2, 7 ms × 1     a: 3 ms × 2     b: 7 ms × 1
type Tally struct {
	nodes   []talliedNode // by number
	numbers map[Node]int32
	recent  [64]int32 // numbers and 1, by slot
	edges   []talliedEdge
	between map[uint64]int32 // edges by the numbers of their nodes

	graphs  []*ServiceGraph
	entries []tallyEntry
	places  []int32 // in graphs, of all entries

	sums    []tallySum // by place in graphs
	touched []int32    // the places whose sums are in use
	keys    []uint64
	spare   []uint64
	bins    [][]Bin // by place in graphs
}

// tallyEntry is a trace that waits: the graphs that count it.
type tallyEntry struct{ from, to int32 } // in Tally.places

// talliedNode is what waits of a node. One that is sometimes told otherwise, say
// with a region and without, is several, which become one in the graphs.
type talliedNode struct {
	Node
	seen  []sighting
	units []tallyEvent
}

type talliedEdge struct {
	from, to int32
	calls    []tallyEvent
	aliases  []tallyAlias
}

// sighting is a node in a trace that began in that second.
type sighting struct {
	entry  int32
	second Time
}

type tallyEvent struct {
	entry        int32
	outcome      Outcome
	responseTime time.Duration
	duration     time.Duration
}

type tallyAlias struct {
	entry int32
	alias Alias
}

// tallySum is what one graph counts of one node or edge.
type tallySum struct {
	used        bool
	first, last Time
	service     int   // or edge: its index in the graph
	alias       Alias // the latest
	Statistics
}

// tallyWait is how many traces wait. Their numbers have to fit behind
// milliseconds in a key.
const (
	tallyWait = 4096
	entryBits = 12
)

// Add counts what of the trace s was received in r in each of the graphs.
func (t *Tally) Add(s *Summary, r TimeRange, graphs ...*ServiceGraph) {
	if len(t.entries) == tallyWait {
		t.Flush()
	}
	if t.numbers == nil {
		t.numbers, t.between = map[Node]int32{}, map[uint64]int32{}
	}
	entry := int32(len(t.entries))
	from := int32(len(t.places))
	for _, g := range graphs {
		if g.place == 0 {
			t.graphs = append(t.graphs, g)
			g.place = int32(len(t.graphs))
		}
		t.places = append(t.places, g.place-1)
	}
	t.entries = append(t.entries, tallyEntry{from, int32(len(t.places))})
	second := s.Began.Second()
	for i := range s.Units {
		u := &s.Units[i]
		if u.Open || !r.Contains(u.Received) {
			continue
		}
		n := &t.nodes[t.see(&s.Nodes[u.Node], entry, second)]
		n.units = append(n.units, tallyEvent{entry, u.Outcome, u.ResponseTime, u.Duration})
	}
	for i := range s.Calls {
		c := &s.Calls[i]
		if c.Open || !r.Contains(c.Received) {
			continue
		}
		e := t.edge(t.see(&s.Nodes[c.From], entry, second), t.see(&s.Nodes[c.To], entry, second))
		e.calls = append(e.calls, tallyEvent{entry: entry, outcome: c.Outcome, responseTime: c.ResponseTime})
		if c.AliasName != "" {
			e.aliases = append(e.aliases, tallyAlias{entry, Alias{c.AliasName, c.AliasType}})
		}
	}
}

// see notes that a node occurs in a trace and gives its number.
func (t *Tally) see(node *Node, entry int32, second Time) int32 {
	// Most traces repeat the nodes of others, and comparing is cheaper than
	// hashing.
	recent := &t.recent[(len(node.Name)+7*len(node.Type)+13*int(lastByte(node.Name)))%len(t.recent)]
	number := *recent - 1
	if number < 0 || t.nodes[number].Node != *node {
		var found bool
		if number, found = t.numbers[*node]; !found {
			number = int32(len(t.nodes))
			t.numbers[*node] = number
			t.nodes = append(t.nodes, talliedNode{Node: *node})
		}
		*recent = number + 1
	}
	n := &t.nodes[number]
	if last := len(n.seen) - 1; last < 0 || n.seen[last].entry != entry {
		n.seen = append(n.seen, sighting{entry, second})
	}
	return number
}

func lastByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

func (t *Tally) edge(from, to int32) *talliedEdge {
	key := uint64(from)<<32 | uint64(to)
	number, found := t.between[key]
	if !found {
		number = int32(len(t.edges))
		t.between[key] = number
		t.edges = append(t.edges, talliedEdge{from: from, to: to})
	}
	return &t.edges[number]
}

// Flush counts what waits.
func (t *Tally) Flush() {
	t.sums = append(t.sums, make([]tallySum, max(0, len(t.graphs)-len(t.sums)))...)
	t.bins = append(t.bins, make([][]Bin, max(0, len(t.graphs)-len(t.bins)))...)
	for i := range t.nodes {
		if n := &t.nodes[i]; len(n.seen) > 0 {
			t.countNode(n)
		}
	}
	for i := range t.edges {
		if e := &t.edges[i]; len(e.calls) > 0 {
			t.countEdge(e)
		}
	}
	for _, g := range t.graphs {
		g.place = 0
	}
	clear(t.graphs)
	t.graphs, t.entries, t.places = t.graphs[:0], t.entries[:0], t.places[:0]
}

func (t *Tally) countNode(n *talliedNode) {
	for _, s := range n.seen {
		for _, place := range t.placesOf(s.entry) {
			if sum := &t.sums[place]; sum.used {
				sum.first, sum.last = min(sum.first, s.second), max(sum.last, s.second)
			} else {
				t.sum(place).first, sum.last = s.second, s.second
			}
		}
	}
	for _, place := range t.touched {
		sum := &t.sums[place]
		sum.service = t.graphs[place].service(&n.Node, sum.first, sum.last)
	}
	t.addUp(n.units)
	t.histogram(n.units, func(e *tallyEvent) time.Duration { return e.responseTime }, func(place int32) *Histogram {
		return &t.graphs[place].Services[t.sums[place].service].ResponseTimeHistogram
	})
	t.histogram(n.units, func(e *tallyEvent) time.Duration { return e.duration }, func(place int32) *Histogram {
		return &t.graphs[place].Services[t.sums[place].service].DurationHistogram
	})
	for _, place := range t.touched {
		t.graphs[place].Services[t.sums[place].service].Statistics.Merge(&t.sums[place].Statistics)
	}
	t.forget()
	n.seen, n.units = n.seen[:0], n.units[:0]
}

func (t *Tally) countEdge(e *talliedEdge) {
	t.addUp(e.calls)
	for _, place := range t.touched {
		g, sum := t.graphs[place], &t.sums[place]
		// Both nodes are in the graph: they were seen with the call.
		sum.service = g.edgeAt(g.nodes[t.nodes[e.from].NodeID], g.nodes[t.nodes[e.to].NodeID])
		g.Edges[sum.service].Statistics.Merge(&sum.Statistics)
	}
	t.histogram(e.calls, func(e *tallyEvent) time.Duration { return e.responseTime }, func(place int32) *Histogram {
		return &t.graphs[place].Edges[t.sums[place].service].ResponseTimeHistogram
	})
	for i := range e.aliases {
		for _, place := range t.placesOf(e.aliases[i].entry) {
			if sum := &t.sums[place]; sum.alias != e.aliases[i].alias { // mostly it is always the same
				sum.alias = e.aliases[i].alias
				t.graphs[place].Edges[sum.service].alias(sum.alias)
			}
		}
	}
	t.forget()
	clear(e.aliases)
	e.calls, e.aliases = e.calls[:0], e.aliases[:0]
}

// placesOf are the graphs that count a trace.
func (t *Tally) placesOf(entry int32) []int32 {
	e := t.entries[entry]
	return t.places[e.from:e.to]
}

// sum is what a graph counts of the node or edge at hand.
func (t *Tally) sum(place int32) *tallySum {
	sum := &t.sums[place]
	if !sum.used {
		sum.used = true
		t.touched = append(t.touched, place)
	}
	return sum
}

// forget empties all sums.
func (t *Tally) forget() {
	for _, place := range t.touched {
		t.sums[place] = tallySum{}
	}
	t.touched = t.touched[:0]
}

func (t *Tally) addUp(events []tallyEvent) {
	for i := range events {
		e := &events[i]
		for _, place := range t.placesOf(e.entry) {
			t.sum(place).Add(e.outcome, e.responseTime)
		}
	}
}

// histogram counts a duration of each event in a histogram of each graph.
func (t *Tally) histogram(events []tallyEvent, duration func(*tallyEvent) time.Duration, of func(place int32) *Histogram) {
	if len(t.touched) == 1 { // there are no groups
		h := of(t.touched[0])
		for i := range events {
			h.Add(duration(&events[i]))
		}
		return
	}
	t.keys = t.keys[:0]
	for i := range events {
		ms := Milliseconds(max(duration(&events[i]), 0))
		t.keys = append(t.keys, uint64(ms)<<entryBits|uint64(events[i].entry))
	}
	t.sortKeys()
	for _, key := range t.keys {
		ms := int64(key >> entryBits)
		for _, place := range t.placesOf(int32(key & (1<<entryBits - 1))) {
			bins := t.bins[place]
			if last := len(bins) - 1; last >= 0 && bins[last].Value == ms {
				bins[last].Count++
			} else {
				t.bins[place] = append(bins, Bin{ms, 1})
			}
		}
	}
	for _, place := range t.touched {
		if bins := t.bins[place]; len(bins) > 0 {
			more := HistogramOf(bins, false)
			of(place).Merge(&more)
			t.bins[place] = bins[:0]
		}
	}
}

// sortKeys sorts the keys by their milliseconds, byte by byte from the last:
// there are few that count, so this takes a third of the time that comparing does.
func (t *Tally) sortKeys() {
	if len(t.keys) < 64 {
		slices.Sort(t.keys)
		return
	}
	bits := uint64(0)
	for _, key := range t.keys {
		bits |= key
	}
	t.spare = slices.Grow(t.spare[:0], len(t.keys))[:len(t.keys)]
	for shift := entryBits; bits>>shift > 0; shift += 8 {
		var starts [257]int32
		for _, key := range t.keys {
			starts[int(byte(key>>shift))+1]++
		}
		for i := 1; i < len(starts); i++ {
			starts[i] += starts[i-1]
		}
		for _, key := range t.keys {
			digit := byte(key >> shift)
			t.spare[starts[digit]] = key
			starts[digit]++
		}
		t.keys, t.spare = t.spare, t.keys
	}
}

// GroupTally counts traces in the graphs of the minutes in which something of
// them was received: in those of all traces, whose group is "", and in those of
// the groups that they belong to. The zero value is ready.
type GroupTally struct {
	tally  Tally
	groups map[string]map[Time]*ServiceGraph
	chosen []*ServiceGraph
}

// Add counts the trace s. Nothing is shown of it until Graphs.
func (t *GroupTally) Add(s *Summary) {
	for _, m := range s.ReceiptMinutes() {
		t.chosen = append(t.chosen[:0], t.Graph("", m))
		for _, group := range s.Groups {
			t.chosen = append(t.chosen, t.Graph(group, m))
		}
		t.tally.Add(s, TimeRange{Start: m, End: m + Minute}, t.chosen...)
	}
}

// Graph is what was counted of a group's minute at the latest Graphs, and
// whatever else is merged into it.
func (t *GroupTally) Graph(group string, minute Time) *ServiceGraph {
	of := t.groups[group]
	if of == nil {
		of = map[Time]*ServiceGraph{}
		if t.groups == nil {
			t.groups = map[string]map[Time]*ServiceGraph{}
		}
		t.groups[group] = of
	}
	g := of[minute]
	if g == nil {
		g = &ServiceGraph{}
		of[minute] = g
	}
	return g
}

// Graphs are the graphs of everything that was added, by group and minute.
func (t *GroupTally) Graphs() map[string]map[Time]*ServiceGraph {
	t.tally.Flush()
	return t.groups
}
