package tomo

import (
	"slices"
	"time"
)

// ServiceGraph is the services of some traces and the calls between them. The
// zero value is the empty graph. Graphs merge in any order; Sort puts services
// and edges into their one canonical order, after which equal traffic gives
// equal graphs.
type ServiceGraph struct {
	Services []Service
	Edges    []ServiceEdge
	// First and Last are the smallest and largest whole second in which a trace
	// of the graph began. Both are 0 for the empty graph.
	First, Last Time

	nodes map[NodeID]int
	edges map[uint64]int
	place int32 // in the graphs of a Tally, and 1; 0: it is in none
}

// Service is a node with its traffic.
type Service struct {
	Node
	// First and Last bound the whole seconds in which traces that it occurs in
	// began.
	First, Last           Time
	Statistics            Statistics
	DurationHistogram     Histogram
	ResponseTimeHistogram Histogram
}

// ServiceEdge is the calls from one service to another.
type ServiceEdge struct {
	From, To              int // indexes in ServiceGraph.Services
	Statistics            Statistics
	ResponseTimeHistogram Histogram
	Aliases               []Alias // sorted, distinct
}

// Alias is a name under which a callee was called.
type Alias struct{ Name, Type string }

// Statistics counts requests by outcome.
type Statistics struct {
	OK, Error, Throttle, Fault int64
	// TotalResponseTime is the exact sum; it is rounded when it is shown.
	TotalResponseTime time.Duration
}

// Total is the number of requests counted.
func (s *Statistics) Total() int64 { return s.OK + s.Error + s.Throttle + s.Fault }

// Add counts one request.
func (s *Statistics) Add(o Outcome, responseTime time.Duration) {
	switch o {
	case OutcomeFault:
		s.Fault++
	case OutcomeThrottle:
		s.Throttle++
	case OutcomeError:
		s.Error++
	default:
		s.OK++
	}
	s.TotalResponseTime += responseTime
}

// Merge adds what o counts.
func (s *Statistics) Merge(o *Statistics) {
	s.OK += o.OK
	s.Error += o.Error
	s.Throttle += o.Throttle
	s.Fault += o.Fault
	s.TotalResponseTime += o.TotalResponseTime
}

// Add counts what of the trace s was received in r: each unit and call in the
// moment its own documents came, as the service was seen to do. A call whose
// callee came late counts then, and its caller stands there with no counts of
// its own. Open units and calls count nowhere.
func (g *ServiceGraph) Add(s *Summary, r TimeRange) {
	var few [32]int
	p := places{graph: g, summary: s, second: s.Began.Second(), known: few[:]}
	if len(s.Nodes) > len(few) {
		p.known = make([]int, len(s.Nodes))
	}
	for i := range s.Units {
		u := &s.Units[i]
		if u.Open || !r.Contains(u.Received) {
			continue
		}
		n := &g.Services[p.of(u.Node)]
		n.Statistics.Add(u.Outcome, u.ResponseTime)
		n.ResponseTimeHistogram.Add(u.ResponseTime)
		n.DurationHistogram.Add(u.Duration)
	}
	for i := range s.Calls {
		c := &s.Calls[i]
		if c.Open || !r.Contains(c.Received) {
			continue
		}
		e := g.edge(p.of(c.From), p.of(c.To))
		e.Statistics.Add(c.Outcome, c.ResponseTime)
		e.ResponseTimeHistogram.Add(c.ResponseTime)
		if c.AliasName != "" {
			e.alias(Alias{c.AliasName, c.AliasType})
		}
	}
}

// places finds each node of a summary in the graph once, when it is needed.
type places struct {
	graph   *ServiceGraph
	summary *Summary
	second  Time
	known   []int // by node: its index in graph.Services and 1, or 0
}

func (p *places) of(node int) int {
	if p.known[node] == 0 {
		p.known[node] = p.graph.service(&p.summary.Nodes[node], p.second, p.second) + 1
	}
	return p.known[node] - 1
}

// Merge adds everything that o counts. It leaves o as it is.
func (g *ServiceGraph) Merge(o *ServiceGraph) {
	for i := range o.Services {
		from := &o.Services[i]
		n := &g.Services[g.service(&from.Node, from.First, from.Last)]
		n.Statistics.Merge(&from.Statistics)
		n.DurationHistogram.Merge(&from.DurationHistogram)
		n.ResponseTimeHistogram.Merge(&from.ResponseTimeHistogram)
	}
	for i := range o.Edges {
		from := &o.Edges[i]
		e := g.edge(g.nodes[o.Services[from.From].NodeID], g.nodes[o.Services[from.To].NodeID])
		e.Statistics.Merge(&from.Statistics)
		e.ResponseTimeHistogram.Merge(&from.ResponseTimeHistogram)
		for _, a := range from.Aliases {
			e.alias(a)
		}
	}
}

// Sort puts the services in order of name, type and account, and the edges in
// order of their ends.
func (g *ServiceGraph) Sort() {
	order := make([]int, len(g.Services)) // new place → old place
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return g.Services[a].Compare(g.Services[b].NodeID) })
	sorted := make([]Service, len(order))
	place := make([]int, len(order)) // old place → new place
	for now, was := range order {
		sorted[now], place[was] = g.Services[was], now
	}
	g.Services, g.nodes, g.edges = sorted, nil, nil
	for i := range g.Edges {
		e := &g.Edges[i]
		e.From, e.To = place[e.From], place[e.To]
	}
	slices.SortFunc(g.Edges, func(a, b ServiceEdge) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return a.To - b.To
	})
}

// service finds or adds the node, widens its bounds and gives its index.
func (g *ServiceGraph) service(node *Node, first, last Time) int {
	g.index()
	i, found := g.nodes[node.NodeID]
	if !found {
		i = len(g.Services)
		g.nodes[node.NodeID] = i
		g.Services = append(g.Services, Service{Node: *node, First: first, Last: last})
		if i == 0 {
			g.First, g.Last = first, last
		}
	}
	g.First, g.Last = min(g.First, first), max(g.Last, last)
	n := &g.Services[i]
	n.First, n.Last = min(n.First, first), max(n.Last, last)
	n.Root = n.Root || node.Root
	n.State = min(n.State, node.State) // a service that was seen itself is active
	n.Region = max(n.Region, node.Region)
	return i
}

// edge finds or adds the edge between two services.
func (g *ServiceGraph) edge(from, to int) *ServiceEdge { return &g.Edges[g.edgeAt(from, to)] }

func (g *ServiceGraph) edgeAt(from, to int) int {
	key := uint64(from)<<32 | uint64(to)
	i, found := g.edges[key]
	if !found {
		i = len(g.Edges)
		g.edges[key] = i
		g.Edges = append(g.Edges, ServiceEdge{From: from, To: to})
	}
	return i
}

// index builds the maps after the graph was made, sorted or read.
func (g *ServiceGraph) index() {
	if g.nodes != nil {
		return
	}
	g.nodes = make(map[NodeID]int, len(g.Services))
	g.edges = make(map[uint64]int, len(g.Edges))
	for i := range g.Services {
		g.nodes[g.Services[i].NodeID] = i
	}
	for i := range g.Edges {
		g.edges[uint64(g.Edges[i].From)<<32|uint64(g.Edges[i].To)] = i
	}
}

func (e *ServiceEdge) alias(a Alias) {
	i, found := slices.BinarySearchFunc(e.Aliases, a, func(have, want Alias) int {
		return NodeID{Name: have.Name, Type: have.Type}.Compare(NodeID{Name: want.Name, Type: want.Type})
	})
	if !found {
		e.Aliases = slices.Insert(e.Aliases, i, a)
	}
}
