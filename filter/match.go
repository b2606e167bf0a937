package filter

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/tomotrace/tomo"
)

// Groups finds the current expression of a group, or says that there is none.
type Groups func(Group) (Expr, bool)

// Matcher is an expression made ready to run. It may be used by many
// goroutines at once.
type Matcher struct {
	test     test
	plan     Plan
	groups   int // places needed for the answers of groups
	needs    tomo.DetailParts
	subjects sync.Pool
}

// test answers an expression about a subject.
type test func(*subject) Truth

// Compile makes e ready to run. The groups that it mentions are looked up once,
// here; nil knows none. A group that is not known matches nothing.
func Compile(e Expr, groups Groups) *Matcher {
	c := compiler{lookUp: groups, places: map[groupPlace]*groupTest{}}
	m := &Matcher{test: c.compile(e, InTrace).run, plan: PlanFor(e, groups)}
	m.groups, m.needs = len(c.places), c.needs
	m.subjects.New = func() any { return &subject{groups: make([]Truth, m.groups)} }
	return m
}

// Match reports whether the expression holds for the trace. Of the detail it
// looks at what Needs says.
func (m *Matcher) Match(d *tomo.Detail) bool { return m.ask(d.Summary, d) == Yes }

// Needs are the parts of a detail that Match looks at: the others may be left
// out of it. It is none if the summary tells all.
func (m *Matcher) Needs() tomo.DetailParts { return m.needs }

// MatchSummary reports whether the expression holds for the trace, as far as
// its summary tells. Yes and No are what Match would say of the detail; Unknown
// asks for it.
func (m *Matcher) MatchSummary(s *tomo.Summary) Truth { return m.ask(s, nil) }

// Plan is what every trace that matches satisfies. It is not to be changed.
func (m *Matcher) Plan() Plan { return m.plan }

// Match reports whether e holds for the trace. For more than a few traces
// Compile is cheaper.
func Match(e Expr, d *tomo.Detail, groups Groups) bool { return Compile(e, groups).Match(d) }

func (m *Matcher) ask(s *tomo.Summary, d *tomo.Detail) Truth {
	subject := m.subjects.Get().(*subject)
	subject.Summary, subject.detail = s, d
	for i := range subject.groups {
		subject.groups[i] = unasked
	}
	answer := m.test(subject)
	subject.Summary, subject.detail, subject.element = nil, nil, element{}
	m.subjects.Put(subject)
	return answer
}

// compiled is a test and about how much work it is.
type compiled struct {
	run  test
	cost int
}

// What tests cost, as multiples of reading one column of a trace.
const (
	fieldCost = 1
	listCost  = 4  // a list of the trace is gone through
	blockCost = 16 // a block is asked of each unit or call
	causeCost = 64 // documents are needed
	jsonCost  = 256
)

// compiler compiles one expression with its groups.
type compiler struct {
	lookUp Groups
	places map[groupPlace]*groupTest
	depth  int // how many groups we are in
	needs  tomo.DetailParts
}

// groupPlace is a group at a depth. A trace is asked it once, however often it
// is mentioned there.
type groupPlace struct {
	Group
	depth int
}

// groupTest is the test of a group, whose answer is kept in subject.groups.
type groupTest struct {
	compiled
	at int
}

func (c *compiler) compile(e Expr, in Scope) compiled {
	switch e := e.(type) {
	case All:
		return compiled{func(*subject) Truth { return Yes }, 0}
	case And:
		return c.all(e, in)
	case Or:
		return c.any(e, in)
	case Not:
		part := c.compile(e.Part, in)
		return compiled{func(s *subject) Truth { return part.run(s).not() }, part.cost}
	case Compare:
		c.need(e.Field, in)
		return compiled{compareTest(e, in), fieldOrList(e.Field, in)}
	case Set:
		c.need(e.Field, in)
		return compiled{setTest(e.Field, in), fieldOrList(e.Field, in)}
	case Service:
		return c.service(e)
	case Edge:
		return c.edge(e)
	case Cause:
		return c.cause(e)
	case CauseJSON:
		c.needs |= tomo.FaultRootCauses | tomo.ErrorRootCauses | tomo.ResponseTimeRootCauses
		return compiled{causeJSONTest(e), jsonCost}
	case Group:
		return c.group(e)
	}
	panic("filter: an expression of an unknown type")
}

func fieldOrList(f Field, in Scope) int {
	switch k := keyword(f.Keyword); {
	case k.Type == Boolean || k.Type == Number || strings.HasPrefix(f.Keyword, "http."):
		return fieldCost
	case in == InTrace:
		return listCost
	default:
		return listCost + fieldCost
	}
}

// need notes what a detail has to have for a keyword to be read in a scope.
func (c *compiler) need(f Field, in Scope) {
	switch {
	case in == InService || in == InEdge:
		c.needs |= tomo.WhatIsMissing | tomo.WhatUnitsSaid
	case in == InTrace && f.Keyword == "partial":
		c.needs |= tomo.WhatIsMissing
	}
}

func partsOf(c Category) tomo.DetailParts {
	switch c {
	case FaultCause:
		return tomo.FaultRootCauses
	case ErrorCause:
		return tomo.ErrorRootCauses
	default:
		return tomo.ResponseTimeRootCauses
	}
}

// sorted compiles the parts, cheap ones first.
func (c *compiler) sorted(parts []Expr, in Scope) (tests []test, cost int) {
	list := make([]compiled, len(parts))
	for i, part := range parts {
		list[i] = c.compile(part, in)
		cost += list[i].cost
	}
	slices.SortStableFunc(list, func(a, b compiled) int { return cmp.Compare(a.cost, b.cost) })
	tests = make([]test, len(list))
	for i := range list {
		tests[i] = list[i].run
	}
	return tests, cost
}

func (c *compiler) all(parts []Expr, in Scope) compiled {
	tests, cost := c.sorted(parts, in)
	return compiled{func(s *subject) Truth {
		answer := Yes
		for _, run := range tests {
			if answer = min(answer, run(s)); answer == No {
				break
			}
		}
		return answer
	}, cost}
}

func (c *compiler) any(parts []Expr, in Scope) compiled {
	tests, cost := c.sorted(parts, in)
	return compiled{func(s *subject) Truth {
		answer := No
		for _, run := range tests {
			if answer = max(answer, run(s)); answer == Yes {
				break
			}
		}
		return answer
	}, cost}
}

// block compiles the block of a test; without one there is nothing to ask.
func (c *compiler) block(e Expr, in Scope, own int) compiled {
	if e == nil {
		return compiled{func(*subject) Truth { return Yes }, own}
	}
	block := c.compile(e, in)
	block.cost += own
	return block
}

func (c *compiler) service(e Service) compiled {
	if e.Block == nil {
		return compiled{func(s *subject) Truth {
			for i := range s.Nodes {
				if e.Node.Selects(&s.Nodes[i].NodeID) {
					return Yes
				}
			}
			return No
		}, listCost}
	}
	block := c.block(e.Block, InService, blockCost)
	return compiled{func(s *subject) Truth {
		answer := No
		for i := range s.Units {
			node := s.Units[i].Node
			if !e.Node.Selects(&s.Nodes[node].NodeID) {
				continue
			}
			s.unit, s.node = i, node
			if answer = max(answer, block.run(s)); answer == Yes {
				return Yes
			}
		}
		if node := client(s.Summary); node >= 0 && e.Node.Selects(&s.Nodes[node].NodeID) {
			s.unit, s.node = clientUnit, node
			answer = max(answer, block.run(s))
		}
		return answer
	}, block.cost}
}

func (c *compiler) edge(e Edge) compiled {
	block := c.block(e.Block, InEdge, blockCost)
	return compiled{func(s *subject) Truth {
		answer := No
		for i := range s.Calls {
			call := &s.Calls[i]
			if !e.From.Selects(&s.Nodes[call.From].NodeID) || !e.To.Selects(&s.Nodes[call.To].NodeID) {
				continue
			}
			s.call = i
			if answer = max(answer, block.run(s)); answer == Yes {
				break
			}
		}
		return answer
	}, block.cost}
}

func (c *compiler) cause(e Cause) compiled {
	c.needs |= partsOf(e.Category)
	block := c.block(e.Block, e.scope(), causeCost)
	return compiled{func(s *subject) Truth {
		if s.detail == nil {
			return among(MayHaveCause(s.Summary, e.Category), false)
		}
		causes := CausesOf(s.detail, e.Category)
		for i := range causes {
			for el := range elements(&causes[i], e.Part) {
				if s.element = el; block.run(s) == Yes {
					return Yes
				}
			}
		}
		return No
	}, block.cost}
}

// MayHaveCause reports whether a trace of this summary can have root causes of
// the category. What has failed is a segment or a call that stands for its
// callee, and so a unit; a slow path is a share of the root's time.
func MayHaveCause(s *tomo.Summary, c Category) bool {
	if c == ResponseTimeCause {
		return s.ResponseTime > 0
	}
	for i := range s.Units {
		// A fault hides an error of the same unit, an error never a fault.
		if o := s.Units[i].Outcome; o == tomo.OutcomeFault || c == ErrorCause && o != tomo.OutcomeOK {
			return true
		}
	}
	return false
}

// CausesOf are the root causes of the category.
func CausesOf(d *tomo.Detail, c Category) []tomo.RootCause {
	switch c {
	case FaultCause:
		return d.RootCauses.Fault
	case ErrorCause:
		return d.RootCauses.Error
	default:
		return d.RootCauses.ResponseTime
	}
}

// elements yields the parts of a cause, each with its place in its own list:
// a service's entities and an entity's exceptions are counted from 0 again.
func elements(cause *tomo.RootCause, part Part) func(yield func(element) bool) {
	return func(yield func(element) bool) {
		for i := range cause.Services {
			service := &cause.Services[i]
			if part == ServicePart {
				if !yield(element{index: i, count: len(cause.Services), service: service}) {
					return
				}
				continue
			}
			for j := range service.EntityPath {
				entity := &service.EntityPath[j]
				if part == EntityPart {
					if !yield(element{index: j, count: len(service.EntityPath), service: service, entity: entity}) {
						return
					}
					continue
				}
				for k := range entity.Exceptions {
					if !yield(element{index: k, count: len(entity.Exceptions), service: service, entity: entity, exception: &entity.Exceptions[k]}) {
						return
					}
				}
			}
		}
	}
}

// group compiles the group's expression once for each depth. Groups that
// mention each other in a circle end at the greatest depth.
func (c *compiler) group(e Group) compiled {
	never := compiled{func(*subject) Truth { return No }, 0}
	if c.lookUp == nil || c.depth == MaxGroupDepth {
		return never
	}
	place := groupPlace{e, c.depth}
	g, found := c.places[place]
	if !found {
		expression, known := c.lookUp(e)
		if !known {
			return never
		}
		g = &groupTest{at: len(c.places)}
		c.places[place] = g
		c.depth++
		g.compiled = c.compile(expression, InTrace)
		c.depth--
	}
	return compiled{func(s *subject) Truth {
		answer := &s.groups[g.at]
		if *answer == unasked {
			*answer = g.run(s)
		}
		return *answer
	}, g.cost}
}
