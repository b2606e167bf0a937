package filter

import (
	"math"
	"slices"

	"github.com/tomotrace/tomo"
)

// PlanFor is what every trace that matches e satisfies, with groups as Compile
// takes them.
func PlanFor(e Expr, groups Groups) Plan {
	p := planner{lookUp: groups, known: map[groupPlace]bounds{}}
	b := p.bounds(e)
	plan := Plan{Exact: b.exact}
	if all, ok := b.need.(AllOf); ok {
		plan.Conditions = all
	} else {
		plan.Conditions = AllOf{b.need}
	}
	return plan
}

// bounds encloses an expression between two conditions: what every match
// satisfies, and what no trace satisfies that is not a match. Where they meet
// they are exact. The second is there for negations, which swap the two:
//
//	service("a") { fault AND user = "b" }     need: a unit of a with a fault, and the user b
//	                                          enough: nothing that columns tell
//	!service("a") { fault AND user = "b" }    need: always
//	                                          enough: no unit of a with a fault, or no user b
type bounds struct {
	need, enough Condition
	exact        bool
}

var anything = bounds{need: AllOf{}, enough: AnyOf{}}

func exactly(c Condition) bounds { return bounds{c, c, true} }

func (b bounds) not() bounds { return bounds{b.enough.complement(), b.need.complement(), b.exact} }

// maxConditions is how many simple conditions a plan may have. A plan that gets
// larger forgets some.
const maxConditions = 256

// planner finds the bounds of one expression with its groups.
type planner struct {
	lookUp Groups
	known  map[groupPlace]bounds
	depth  int
}

func (p *planner) bounds(e Expr) bounds {
	switch e := e.(type) {
	case All:
		return exactly(AllOf{})
	case And:
		return p.all(e)
	case Or:
		negated := make([]Expr, len(e))
		for i, part := range e {
			negated[i] = Not{part}
		}
		return p.all(negated).not()
	case Not:
		return p.bounds(e.Part).not()
	case Compare:
		return compareBounds(e)
	case Set:
		return setBounds(e.Field)
	case Service:
		return serviceBounds(e)
	case Edge:
		return edgeBounds(e)
	case Cause:
		return bounds{need: causeNeeds(e.Category), enough: AnyOf{}}
	case CauseJSON:
		return bounds{need: anyOf([]Condition{causeNeeds(ErrorCause), causeNeeds(ResponseTimeCause)}), enough: AnyOf{}}
	case Group:
		return p.group(e)
	}
	return anything
}

func (p *planner) all(parts []Expr) bounds {
	b := bounds{exact: true}
	var need, enough []Condition
	room, roomBelow := maxConditions, maxConditions
	for _, part := range parts {
		one := p.bounds(part)
		b.exact = b.exact && one.exact
		if room -= conditions(one.need); room >= 0 {
			need = append(need, one.need)
		}
		if roomBelow -= conditions(one.enough); roomBelow >= 0 {
			enough = append(enough, one.enough)
		}
	}
	b.need, b.enough = allOf(need), allOf(enough)
	if room < 0 {
		b.exact = false
	}
	if roomBelow < 0 { // a part that is forgotten here would be one too few
		b.enough, b.exact = AnyOf{}, false
	}
	return b
}

func (p *planner) group(e Group) bounds {
	if p.lookUp == nil || p.depth == MaxGroupDepth {
		return exactly(AnyOf{})
	}
	place := groupPlace{e, p.depth}
	b, found := p.known[place]
	if !found {
		expression, known := p.lookUp(e)
		if !known {
			return exactly(AnyOf{})
		}
		p.depth++
		b = p.bounds(expression)
		p.depth--
		p.known[place] = b
	}
	return b
}

// causeNeeds is MayHaveCause as a condition.
func causeNeeds(c Category) Condition {
	unit := anyUnit
	switch c {
	case ResponseTimeCause:
		return NumberIn{Column: ResponseTime, Range: Range{1, math.MaxInt64}}
	case FaultCause:
		unit.Outcomes = 1 << tomo.OutcomeFault
	default:
		unit.Outcomes = AnyOutcome &^ (1 << tomo.OutcomeOK)
	}
	return unit
}

// anyUnit holds if there is a unit at all.
var anyUnit = UnitIs{Outcomes: AnyOutcome, Status: Everything, ResponseTime: Everything, Duration: Everything}

// The columns of keywords at the top level.

var (
	outcomeOf = map[string]tomo.Outcome{
		"ok": tomo.OutcomeOK, "error": tomo.OutcomeError, "throttle": tomo.OutcomeThrottle, "fault": tomo.OutcomeFault,
	}
	numberColumnOf = map[string]NumberColumn{"duration": Duration, "responsetime": ResponseTime, "http.status": Status}
	textColumnOf   = map[string]TextColumn{
		"http.url": URL, "http.method": Method, "http.useragent": UserAgent, "http.clientip": ClientIP,
		"user": UserName, "resource.arn": ResourceARN, "instance.id": InstanceID, "availabilityzone": AvailabilityZone,
		"name": NodeName, "type": NodeType, "account.id": NodeAccount,
	}
)

func compareBounds(e Compare) bounds {
	name := e.Field.Keyword
	switch keyword(name).Type {
	case Boolean:
		b := flagBounds(name)
		if e.Value.Bool != (e.Op == Equal) {
			return b.not()
		}
		return b
	case Number:
		column := numberColumnOf[name]
		var parts []Condition
		for _, r := range fitting(e.Op, e.Value.Number, column) {
			parts = append(parts, NumberIn{Column: column, Range: r})
		}
		return exactly(anyOf(parts))
	case Annotation:
		return exactly(AnnotationIs{Key: e.Field.Key, Op: e.Op, Value: e.Value})
	default:
		if id, ok := idOf(e); ok {
			return exactly(NodeIs{ID: id})
		}
		return exactly(TextIs{Column: textColumnOf[name], Op: e.Op, Text: e.Value.String})
	}
}

func setBounds(f Field) bounds {
	switch keyword(f.Keyword).Type {
	case Number:
		return exactly(NumberIn{Column: numberColumnOf[f.Keyword], Range: Everything})
	case Annotation:
		return exactly(AnnotationIs{Key: f.Key, Truthy: true})
	default:
		return exactly(TextIs{Column: textColumnOf[f.Keyword], Op: Contains})
	}
}

func flagBounds(name string) bounds {
	switch name {
	case "partial":
		return bounds{need: FlagIs{IsComplete, false}, enough: anyOf([]Condition{FlagIs{HasRoot, false}, FlagIs{IsIncomplete, true}})}
	case "inferred":
		return exactly(NodeIs{Inferred: Wanted})
	default:
		return exactly(rootOutcomeIn(1 << outcomeOf[name]))
	}
}

// rootOutcomeIn is the condition that there is a root with one of the outcomes.
// At most one of the three flags is set, and none without a root.
func rootOutcomeIn(set Outcomes) Condition {
	flags := []struct {
		outcome tomo.Outcome
		flag    Flag
	}{{tomo.OutcomeFault, HasFault}, {tomo.OutcomeThrottle, HasThrottle}, {tomo.OutcomeError, HasError}}
	if set.Has(tomo.OutcomeOK) {
		all := []Condition{FlagIs{HasRoot, true}}
		for _, f := range flags {
			if !set.Has(f.outcome) {
				all = append(all, FlagIs{f.flag, false})
			}
		}
		return allOf(all)
	}
	var any []Condition
	for _, f := range flags {
		if set.Has(f.outcome) {
			any = append(any, FlagIs{f.flag, true})
		}
	}
	return anyOf(any)
}

// idOf is the ID of nodes whose name, type or account equals what e asks for.
func idOf(e Compare) (ID, bool) {
	if e.Op != Equal || e.Value.String == "" { // "" selects what is absent, and equals nothing
		return ID{}, false
	}
	switch e.Field.Keyword {
	case "name":
		return ID{tomo.NodeID{Name: e.Value.String}, ByName}, true
	case "type":
		return ID{tomo.NodeID{Type: e.Value.String}, ByType}, true
	case "account.id":
		return ID{tomo.NodeID{Account: e.Value.String}, ByAccount}, true
	}
	return ID{}, false
}

// fitting lists, in order, the ranges of a column's numbers that compare so
// with v. It asks the very comparison that Match makes, so rounding cannot make
// the two differ.
func fitting(op Op, v float64, column NumberColumn) []Range {
	least := int64(0)
	shown := func(n int64) float64 { return float64(n) / 1e6 }
	if column == Status {
		least = 1
		shown = func(n int64) float64 { return float64(n) }
	}
	below := upTo(least, func(n int64) bool { return shown(n) < v })
	to := upTo(least, func(n int64) bool { return shown(n) <= v })
	var list []Range
	switch op {
	case Less:
		list = []Range{below}
	case AtMost:
		list = []Range{to}
	case Greater:
		list = []Range{to.above()}
	case AtLeast:
		list = []Range{below.above()}
	case Equal:
		list = []Range{to.intersect(below.above())}
	case Unequal:
		list = []Range{below, to.above()}
	}
	return slices.DeleteFunc(list, Range.empty)
}

// upTo is the numbers from least on for which ok holds. Where it does not hold
// it does for nothing that is larger.
func upTo(least int64, ok func(int64) bool) Range {
	from, to := least, int64(math.MaxInt64) // what is below from is ok, what is above to is not
	for from <= to {
		middle := from + (to-from)/2
		switch {
		case !ok(middle):
			to = middle - 1
		case middle == math.MaxInt64:
			return Range{least, middle}
		default:
			from = middle + 1
		}
	}
	return Range{least, to}
}

// above is the numbers larger than those of r, which is not empty or begins
// where numbers do.
func (r Range) above() Range {
	if r.Max == math.MaxInt64 {
		return Range{1, 0}
	}
	return Range{r.Max + 1, math.MaxInt64}
}
