package filter

import (
	"slices"
	"time"

	"github.com/tomotrace/tomo"
)

// Truth is an answer that may not be known.
type Truth uint8

// In this order And is the least of several answers and Or the greatest.
const (
	No Truth = iota
	Unknown
	Yes
)

// String is the answer in a word.
func (t Truth) String() string { return [...]string{"no", "unknown", "yes"}[t] }

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

func (t Truth) not() Truth { return Yes - t }

// subject is what an expression is asked of: a trace, and inside a block one
// unit, call or element of a root cause.
//
// Without detail only the summary is known. Every reading below then says what
// the summary tells and no more: it may answer Unknown, but a Yes or No that
// the detail would contradict is a mistake.
type subject struct {
	*tomo.Summary
	detail *tomo.Detail // nil: only the summary is known

	unit    int // in service(): index in Units, or clientUnit
	node    int // in service(): index in Nodes
	call    int // in edge(): index in Calls
	element element
	groups  []Truth // by place in Matcher.groups; unasked before it is known
}

// clientUnit stands for the one unit of the client's node, the root segment as
// the client saw it. It is in no list of units.
const clientUnit = -1

const unasked Truth = 0xff

// element is one element of a root cause.
type element struct {
	index, count int // its place in its own list, and how long that is
	service      *tomo.RootCauseService
	entity       *tomo.RootCauseEntity
	exception    *tomo.RootCauseException
}

// reading is how a keyword is read in one scope: by the one function for its
// type. A number counts only if has is Yes. The functions for strings and
// annotations are given what to look for, so that nothing is collected.
type reading struct {
	allowed    bool
	flag       func(*subject) Truth
	number     func(*subject) (value float64, has Truth)
	text       func(s *subject, wanted func(string) bool) Truth
	annotation func(s *subject, key string, wanted func(*tomo.Value) bool) Truth
}

func flag(read func(*subject) Truth) reading { return reading{allowed: true, flag: read} }

func number(read func(*subject) (float64, Truth)) reading {
	return reading{allowed: true, number: read}
}

func text(read func(*subject, func(string) bool) Truth) reading {
	return reading{allowed: true, text: read}
}

func annotation(read func(*subject, string, func(*tomo.Value) bool) Truth) reading {
	return reading{allowed: true, annotation: read}
}

// Outcomes.

func outcomeIs(want tomo.Outcome) readings {
	return readings{
		InTrace:   flag(func(s *subject) Truth { return truth(s.EntryPoint >= 0 && rootOutcome(s.Summary) == want) }),
		InService: flag(func(s *subject) Truth { return truth(s.unitOutcome() == want) }),
		InEdge:    flag(func(s *subject) Truth { return truth(s.Calls[s.call].Outcome == want) }),
	}
}

func rootOutcome(s *tomo.Summary) tomo.Outcome {
	switch {
	case s.HasFault:
		return tomo.OutcomeFault
	case s.HasThrottle:
		return tomo.OutcomeThrottle
	case s.HasError:
		return tomo.OutcomeError
	}
	return tomo.OutcomeOK
}

func (s *subject) unitOutcome() tomo.Outcome {
	if s.unit == clientUnit {
		return rootOutcome(s.Summary)
	}
	return s.Units[s.unit].Outcome
}

// Being partial.

func tracePartial(s *subject) Truth {
	if s.detail != nil {
		return truth(s.detail.Incomplete)
	}
	if s.EntryPoint < 0 {
		return Yes
	}
	switch s.Completeness {
	case tomo.Complete:
		return No
	case tomo.Incomplete:
		return Yes
	}
	for i := range s.Units {
		if s.Units[i].Open {
			return Yes
		}
	}
	return Unknown // a local subsegment may be open, a parent missing
}

func unitPartial(s *subject) Truth {
	if s.unit == clientUnit {
		return truth(s.ResponseTime == tomo.Absent)
	}
	return truth(!ended(&s.Units[s.unit]))
}

// ended reports whether the unit itself has ended. Unit.Open asks after its
// caller too.
func ended(u *tomo.Unit) bool { return !u.Open || u.End != 0 }

func callPartial(s *subject) Truth { return s.callEnded().not() }

// callEnded reports whether the calling entity has ended. Call.Open asks after
// both ends.
func (s *subject) callEnded() Truth {
	if s.detail != nil {
		return truth(!s.detail.CallDetails[s.call].InProgress)
	}
	if c := &s.Calls[s.call]; !c.Open || c.ResponseTime > 0 {
		return Yes
	}
	return Unknown
}

// Nodes.

// InferredNode reports whether the node is known by its callers alone.
func InferredNode(n *tomo.Node) bool { return n.State != tomo.StateActive && n.Type != tomo.ClientType }

func traceInferred(s *subject) Truth {
	for i := range s.Nodes {
		if InferredNode(&s.Nodes[i]) {
			return Yes
		}
	}
	return No
}

func unitInferred(s *subject) Truth { return truth(InferredNode(&s.Nodes[s.node])) }
func unitRoot(s *subject) Truth     { return truth(s.Nodes[s.node].Root) }

// nodeText is for the fields of a node's identity, and what else a keyword of
// that name reads.
func nodeText(field func(*tomo.NodeID) string, more readings) readings {
	present := func(n *tomo.NodeID, wanted func(string) bool) Truth {
		v := field(n)
		return truth(v != "" && wanted(v))
	}
	more[InTrace] = text(func(s *subject, wanted func(string) bool) Truth {
		for i := range s.Nodes {
			if present(&s.Nodes[i].NodeID, wanted) == Yes {
				return Yes
			}
		}
		return No
	})
	more[InService] = text(func(s *subject, wanted func(string) bool) Truth { return present(&s.Nodes[s.node].NodeID, wanted) })
	more[InCause] = text(func(s *subject, wanted func(string) bool) Truth { return present(&s.element.service.NodeID, wanted) })
	return more
}

// client is the index of the client's node, -1 if the trace has no root.
func client(s *tomo.Summary) int {
	if s.EntryPoint < 0 {
		return -1
	}
	id := s.Nodes[s.EntryPoint].NodeID
	id.Type = tomo.ClientType
	i, found := slices.BinarySearchFunc(s.Nodes, id, func(n tomo.Node, id tomo.NodeID) int { return n.Compare(id) })
	if !found {
		return -1
	}
	return i
}

// Times.

// seconds is a duration as expressions compare it: as the number that is
// written with at most six decimals.
func seconds(d time.Duration) float64 { return float64(d/time.Microsecond) / 1e6 }

func present(d time.Duration) (float64, Truth) { return seconds(d), truth(d != tomo.Absent) }

func traceResponseTime(s *subject) (float64, Truth) { return present(s.ResponseTime) }
func traceDuration(s *subject) (float64, Truth)     { return present(s.Duration) }

func unitResponseTime(s *subject) (float64, Truth) {
	if s.unit == clientUnit {
		return present(s.ResponseTime)
	}
	u := &s.Units[s.unit]
	return seconds(u.ResponseTime), truth(ended(u))
}

// unitDuration has a value as soon as something of the unit has ended.
func unitDuration(s *subject) (float64, Truth) {
	i := s.unit
	if i == clientUnit {
		if i = s.rootUnit(); i < 0 {
			return 0, Unknown
		}
	}
	u := &s.Units[i]
	return seconds(u.Duration), truth(ended(u) || u.Duration > 0)
}

func callResponseTime(s *subject) (float64, Truth) {
	return seconds(s.Calls[s.call].ResponseTime), s.callEnded()
}

func callDuration(s *subject) (float64, Truth) {
	if s.detail == nil {
		return 0, Unknown
	}
	return present(s.detail.CallDetails[s.call].Duration)
}

// HTTP.

func status(n int) (float64, Truth) { return float64(n), truth(n != 0) }

func traceStatus(s *subject) (float64, Truth) { return status(s.HTTP.Status) }
func callStatus(s *subject) (float64, Truth)  { return status(s.Calls[s.call].Status) }

func unitStatus(s *subject) (float64, Truth) {
	if s.unit == clientUnit {
		return traceStatus(s)
	}
	return status(s.Units[s.unit].Status)
}

func httpText(field func(*tomo.HTTP) string) readings {
	of := func(block func(*subject) *tomo.HTTP) reading {
		return text(func(s *subject, wanted func(string) bool) Truth {
			h := block(s)
			if h == nil {
				return Unknown
			}
			v := field(h)
			return truth(v != "" && wanted(v))
		})
	}
	return readings{
		InTrace:   of(func(s *subject) *tomo.HTTP { return &s.HTTP }),
		InService: of((*subject).unitHTTP),
		InEdge:    of((*subject).callHTTP),
	}
}

// unitHTTP is the http block of the unit, nil if it is not known.
func (s *subject) unitHTTP() *tomo.HTTP {
	switch {
	case s.unit == clientUnit:
		return &s.HTTP
	case s.detail != nil:
		return &s.detail.UnitDetails[s.unit].HTTP
	case s.EntryPoint >= 0 && s.Units[s.unit].Node == s.EntryPoint && s.unit == s.rootUnit():
		return &s.HTTP
	}
	return nil
}

// callHTTP is the http block of the calling entity, nil if it is not known.
func (s *subject) callHTTP() *tomo.HTTP {
	switch {
	case s.detail != nil:
		return &s.detail.CallDetails[s.call].HTTP
	case s.calledByClient():
		return &s.HTTP
	}
	return nil
}

// Who said what.
//
// A summary lists what all segments of a node said, and often a node has one
// segment. So what one unit said is bounded by what its node said, and known
// if it is the only unit there.

// source is where to look for what one unit said.
type source struct {
	detail  *tomo.UnitDetail // all that it said, or nil
	silent  bool             // it said nothing
	node    int              // it said nothing that this node did not say; -1: not known
	certain bool             // it said all that the node said
}

func (s *subject) unitSource() source {
	i, node := s.unit, s.node
	if i == clientUnit {
		if s.detail == nil {
			return source{node: s.EntryPoint, certain: s.alone(s.EntryPoint)}
		}
		i = s.detail.RootUnit
	}
	switch {
	case s.Units[i].Inferred:
		return source{silent: true}
	case s.detail != nil:
		return source{detail: &s.detail.UnitDetails[i]}
	}
	return source{node: node, certain: s.alone(node)}
}

func (s *subject) callerSource() source {
	if s.detail != nil {
		return s.callEnd(s.detail.CallDetails[s.call].Caller)
	}
	if s.calledByClient() {
		return source{node: s.EntryPoint, certain: s.alone(s.EntryPoint)}
	}
	from := s.Calls[s.call].From
	if real, inferred := s.unitsOf(from); real == 0 || inferred > 0 || from == client(s.Summary) {
		return source{node: -1} // a queue is called by one node and calls another
	}
	return source{node: from, certain: s.alone(from)}
}

func (s *subject) calleeSource() source {
	if s.detail != nil {
		return s.callEnd(s.detail.CallDetails[s.call].Callee)
	}
	to := s.Calls[s.call].To
	if real, _ := s.unitsOf(to); real == 0 {
		return source{silent: true}
	}
	return source{node: to, certain: s.alone(to)}
}

func (s *subject) callEnd(unit int) source {
	if s.Units[unit].Inferred {
		return source{silent: true}
	}
	return source{detail: &s.detail.UnitDetails[unit]}
}

// unitsOf counts the units of a node.
func (s *subject) unitsOf(node int) (real, inferred int) {
	for i := range s.Units {
		switch u := &s.Units[i]; {
		case u.Node != node:
		case u.Inferred:
			inferred++
		default:
			real++
		}
	}
	return real, inferred
}

// alone reports whether the node has one unit.
func (s *subject) alone(node int) bool {
	real, inferred := s.unitsOf(node)
	return real+inferred == 1
}

// rootUnit is the unit of the root segment, -1 if it is not known.
func (s *subject) rootUnit() int {
	if s.detail != nil {
		return s.detail.RootUnit
	}
	found := -1
	for i := range s.Units {
		if u := &s.Units[i]; u.Node == s.EntryPoint && !u.Inferred {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// calledByClient reports whether the call is known to be the client's. A
// segment may have the client's type as its origin; then nothing is known.
func (s *subject) calledByClient() bool {
	c := &s.Calls[s.call]
	if from := client(s.Summary); from < 0 || c.From != from || c.To != s.EntryPoint {
		return false
	}
	real, inferred := s.unitsOf(c.From)
	return real+inferred == 0
}

// among answers whether one of some values is wanted that contain all that was
// said and, if that is certain, nothing else.
func among(some, certain bool) Truth {
	switch {
	case !some:
		return No
	case certain:
		return Yes
	}
	return Unknown
}

func traceUser(s *subject, wanted func(string) bool) Truth {
	for i := range s.Users {
		if wanted(s.Users[i].Name) {
			return Yes
		}
	}
	return No
}

func unitUser(s *subject, wanted func(string) bool) Truth { return s.userOf(s.unitSource(), wanted) }
func callerUser(s *subject, wanted func(string) bool) Truth {
	return s.userOf(s.callerSource(), wanted)
}

func (s *subject) userOf(from source, wanted func(string) bool) Truth {
	switch {
	case from.silent:
		return No
	case from.detail != nil:
		return truth(slices.ContainsFunc(from.detail.Users, wanted))
	}
	for i := range s.Users {
		if u := &s.Users[i]; wanted(u.Name) && (from.node < 0 || slices.Contains(u.Nodes, from.node)) {
			return among(true, from.certain)
		}
	}
	return No
}

// listed is for what a summary lists without telling whose it is.
func listed(all func(*tomo.Summary) []string, of func(*tomo.UnitDetail) []string) readings {
	in := func(find func(*subject) source) reading {
		return text(func(s *subject, wanted func(string) bool) Truth {
			switch from := find(s); {
			case from.silent:
				return No
			case from.detail != nil:
				return truth(slices.ContainsFunc(of(from.detail), wanted))
			default:
				return among(slices.ContainsFunc(all(s.Summary), wanted), from.certain && len(s.Units) == 1)
			}
		})
	}
	return readings{
		InTrace: text(func(s *subject, wanted func(string) bool) Truth {
			return truth(slices.ContainsFunc(all(s.Summary), wanted))
		}),
		InService: in((*subject).unitSource),
		InEdge:    in((*subject).callerSource),
	}
}

// Annotations.

func traceAnnotation(s *subject, key string, wanted func(*tomo.Value) bool) Truth {
	for i := range s.Annotations {
		if a := &s.Annotations[i]; a.Key == key && wanted(&a.Value) {
			return Yes
		}
	}
	return No
}

// unitAnnotation: the client said nothing.
func unitAnnotation(s *subject, key string, wanted func(*tomo.Value) bool) Truth {
	if s.unit == clientUnit {
		return No
	}
	return s.annotationOf(s.unitSource(), key, wanted)
}

func sourceAnnotation(s *subject, key string, wanted func(*tomo.Value) bool) Truth {
	return s.annotationOf(s.callerSource(), key, wanted)
}

func destinationAnnotation(s *subject, key string, wanted func(*tomo.Value) bool) Truth {
	return s.annotationOf(s.calleeSource(), key, wanted)
}

func callAnnotation(s *subject, key string, wanted func(*tomo.Value) bool) Truth {
	return max(sourceAnnotation(s, key, wanted), destinationAnnotation(s, key, wanted))
}

func (s *subject) annotationOf(from source, key string, wanted func(*tomo.Value) bool) Truth {
	switch {
	case from.silent:
		return No
	case from.detail != nil:
		for i := range from.detail.Annotations {
			if a := &from.detail.Annotations[i]; a.Key == key && wanted(&a.Value) {
				return Yes
			}
		}
		return No
	}
	for i := range s.Annotations {
		if a := &s.Annotations[i]; a.Key == key && wanted(&a.Value) && (from.node < 0 || slices.Contains(a.Nodes, from.node)) {
			return among(true, from.certain)
		}
	}
	return No
}

// Root causes. They are in details only, so these are asked only of details.

func causeInferred(s *subject) Truth { return truth(s.element.service.Inferred) }
func entityRemote(s *subject) Truth  { return truth(s.element.entity.Remote) }
func elementFirst(s *subject) Truth  { return truth(s.element.index == 0) }
func elementLast(s *subject) Truth   { return truth(s.element.index == s.element.count-1) }

func elementIndex(s *subject) (float64, Truth)   { return float64(s.element.index), Yes }
func entityCoverage(s *subject) (float64, Truth) { return s.element.entity.Coverage, Yes }

func entityName(s *subject, wanted func(string) bool) Truth {
	return truth(s.element.entity.Name != "" && wanted(s.element.entity.Name))
}

func exceptionName(s *subject, wanted func(string) bool) Truth {
	return truth(s.element.exception.Name != "" && wanted(s.element.exception.Name))
}

func exceptionMessage(s *subject, wanted func(string) bool) Truth {
	return truth(s.element.exception.Message != "" && wanted(s.element.exception.Message))
}
