package filter

import (
	"math"
	"reflect"
	"slices"

	"github.com/tomotrace/tomo"
)

// A box is what a block asks of one unit or call, as far as its columns tell.
// A block becomes several boxes, one of which its unit or call is in:
//
//	{ fault OR http.status = 503 AND responsetime > 2 }
//	  box 1: outcome fault
//	  box 2: status in [503..503], response time in [2.000001..]
//
// That some unit satisfies one of several boxes is the same as that some unit
// satisfies the first, or some the second, and so on.
type box struct {
	id             ID // the node
	inferred, root Wish
	outcomes       Outcomes
	status         Range
	responseTime   Range // 0 where there is none
	duration       Range // 0 where there is none
	// The trace has to satisfy these too: what the unit or call says is among
	// what its trace says.
	texts       []TextIs
	annotations []AnnotationIs
	// exact: what is in the box satisfies the block, if presence of what
	// needsResponseTime and needsDuration say is certain.
	exact                            bool
	needsResponseTime, needsDuration bool
}

// maxBoxes is how many boxes a block may become. When there are more, some of
// what it asks is forgotten.
const maxBoxes = 16

var wholeBox = box{outcomes: AnyOutcome, status: Everything, responseTime: Everything, duration: Everything, exact: true}

// unknownBox is for what no column tells.
func unknownBox() []box {
	b := wholeBox
	b.exact = false
	return []box{b}
}

// boxes is the boxes for a block, or for its negation if want is false.
func boxes(e Expr, in Scope, want bool) []box {
	switch e := e.(type) {
	case And:
		return combine(e, in, want, want)
	case Or:
		return combine(e, in, want, !want)
	case Not:
		return boxes(e.Part, in, !want)
	case Compare:
		return compareBoxes(e, in, want)
	case Set:
		return setBoxes(e.Field, in, want)
	}
	return unknownBox()
}

func combine(parts []Expr, in Scope, want, all bool) []box {
	if !all {
		var list []box
		for _, part := range parts {
			for _, b := range boxes(part, in, want) {
				list = unite(list, b)
			}
			if len(list) > maxBoxes {
				return unknownBox()
			}
		}
		return list
	}
	list := []box{wholeBox}
	for _, part := range parts {
		list = cross(list, boxes(part, in, want))
	}
	return list
}

// unite adds a box. One that differs from it by the outcome alone is widened.
func unite(list []box, b box) []box {
	for i := range list {
		wide := b
		wide.outcomes = list[i].outcomes
		if wide.texts == nil && wide.annotations == nil && reflect.DeepEqual(wide, list[i]) {
			list[i].outcomes |= b.outcomes
			return list
		}
	}
	return append(list, b)
}

// cross is the boxes of what is in one of a and in one of b.
func cross(a, b []box) []box {
	if len(a)*len(b) > maxBoxes {
		for i := range a {
			a[i].exact = false
		}
		return a
	}
	var list []box
	for i := range a {
		for j := range b {
			if both, some := a[i].intersect(&b[j]); some {
				list = append(list, both)
			}
		}
	}
	return list
}

// intersect says whether anything can be in both.
func (b *box) intersect(o *box) (both box, some bool) {
	both = box{
		inferred:          b.inferred | o.inferred,
		root:              b.root | o.root,
		outcomes:          b.outcomes & o.outcomes,
		status:            b.status.intersect(o.status),
		responseTime:      b.responseTime.intersect(o.responseTime),
		duration:          b.duration.intersect(o.duration),
		texts:             slices.Concat(b.texts, o.texts),
		annotations:       slices.Concat(b.annotations, o.annotations),
		exact:             b.exact && o.exact,
		needsResponseTime: b.needsResponseTime || o.needsResponseTime,
		needsDuration:     b.needsDuration || o.needsDuration,
	}
	both.id, some = b.id.merge(&o.id)
	const contrary = Wanted | Unwanted
	return both, some && both.inferred != contrary && both.root != contrary && both.outcomes != 0 &&
		!both.status.empty() && !both.responseTime.empty() && !both.duration.empty()
}

// merge is the ID of what both select, if there can be any.
func (id *ID) merge(o *ID) (both ID, some bool) {
	both = *id
	for _, f := range []struct {
		given IDFields
		mine  *string
		other string
	}{{ByName, &both.Name, o.Name}, {ByType, &both.Type, o.Type}, {ByAccount, &both.Account, o.Account}} {
		switch {
		case o.Given&f.given == 0:
		case id.Given&f.given != 0 && *f.mine != f.other:
			return ID{}, false
		default:
			*f.mine = f.other
		}
	}
	both.Given |= o.Given
	return both, true
}

func compareBoxes(e Compare, in Scope, want bool) []box {
	name := e.Field.Keyword
	b := wholeBox
	switch keyword(name).Type {
	case Boolean:
		want = want == (e.Value.Bool == (e.Op == Equal))
		switch name {
		case "partial":
			return unknownBox()
		case "inferred":
			b.inferred = wish(want)
		case "root":
			b.root = wish(want)
		default:
			b.outcomes = 1 << outcomeOf[name]
			if !want {
				b.outcomes ^= AnyOutcome
			}
		}
		return []box{b}
	case Number:
		return numberBoxes(fitting(e.Op, e.Value.Number, numberColumnOf[name]), name, in, want)
	case Annotation:
		if !want {
			return unknownBox()
		}
		b.annotations = []AnnotationIs{{Key: e.Field.Key, Op: e.Op, Value: e.Value}}
	default:
		if !want {
			return unknownBox()
		}
		if id, ok := idOf(e); ok {
			b.id = id
			return []box{b}
		}
		if httpWord(name) {
			return unknownBox()
		}
		b.texts = []TextIs{{Column: textColumnOf[name], Op: e.Op, Text: e.Value.String}}
	}
	b.exact = false
	return []box{b}
}

func setBoxes(f Field, in Scope, want bool) []box {
	b := wholeBox
	b.exact = false
	switch keyword(f.Keyword).Type {
	case Number:
		least := int64(0)
		if f.Keyword == "http.status" {
			least = 1
		}
		return numberBoxes([]Range{{least, math.MaxInt64}}, f.Keyword, in, want)
	case Annotation:
		if want {
			b.annotations = []AnnotationIs{{Key: f.Key, Truthy: true}}
		}
	default:
		if want && !httpWord(f.Keyword) {
			b.texts = []TextIs{{Column: textColumnOf[f.Keyword], Op: Contains}}
		}
	}
	return []box{b}
}

// httpWord: what a summary tells of http is the root's, not the unit's.
func httpWord(name string) bool {
	column, ok := textColumnOf[name]
	return ok && column <= ClientIP
}

// numberBoxes is for a number in some ranges, or in none of them or absent if
// want is false. Absent numbers stand as 0 in the columns, as may numbers that
// are 0, except for statuses.
func numberBoxes(ranges []Range, name string, in Scope, want bool) []box {
	if name == "duration" && in == InEdge {
		return unknownBox()
	}
	zeroFits := slices.ContainsFunc(ranges, func(r Range) bool { return r.Contains(0) })
	if !want {
		ranges = outside(ranges)
		if zeroFits {
			ranges = append(ranges, Range{0, 0})
		}
	}
	var list []box
	for _, r := range ranges {
		b := wholeBox
		switch name {
		case "http.status":
			b.status = r
		case "responsetime":
			b.responseTime = r
			b.needsResponseTime = zeroFits
		default:
			b.duration = r
			b.needsDuration = zeroFits
		}
		list = append(list, b)
	}
	return list
}

// outside is the numbers from 0 that are in none of the ranges, which are in
// order.
func outside(ranges []Range) []Range {
	var list []Range
	from := int64(0)
	for _, r := range ranges {
		if from < r.Min {
			list = append(list, Range{from, r.Min - 1})
		}
		if r.Max == math.MaxInt64 {
			return list
		}
		from = r.Max + 1
	}
	return append(list, Range{from, math.MaxInt64})
}

// isExact reports whether what is in the box satisfies the block. A 0 that may
// be an absent number leaves it open.
func (b *box) isExact() bool {
	return b.exact &&
		!(b.needsResponseTime && b.responseTime.Contains(0)) &&
		!(b.needsDuration && b.duration.Contains(0))
}

// united is the bounds of an expression that holds if one of the needs does.
type united struct {
	need, enough []Condition
	inexact      bool
}

func (u *united) add(need Condition, exact bool) {
	u.need = append(u.need, need)
	if exact {
		u.enough = append(u.enough, need)
	} else {
		u.inexact = true
	}
}

func (u *united) bounds() bounds { return bounds{anyOf(u.need), anyOf(u.enough), !u.inexact} }

func serviceBounds(e Service) bounds {
	if e.Block == nil {
		return exactly(NodeIs{ID: e.Node})
	}
	var u united
	for _, b := range boxes(e.Block, InService, true) {
		of, some := e.Node.merge(&b.id)
		if !some {
			continue
		}
		all := []Condition{UnitIs{
			Of: of, Inferred: b.inferred, Root: b.root, Outcomes: b.outcomes,
			Status: b.status, ResponseTime: b.responseTime, Duration: b.duration,
		}}
		for _, a := range b.annotations {
			a.Of = of
			all = append(all, a)
		}
		u.add(allOf(append(all, b.said()...)), b.isExact())
		if b.clientCounts(&of) {
			need, exact := b.client(of)
			u.add(need, exact)
		}
	}
	return u.bounds()
}

func (b *box) said() []Condition {
	var list []Condition
	for _, t := range b.texts {
		list = append(list, t)
	}
	return list
}

// clientCounts reports whether the client's unit can be in the box without the
// root's own unit being in it. The two differ in the node's type and in that
// one holds the root, the other has annotations.
func (b *box) clientCounts(of *ID) bool {
	if len(b.annotations) > 0 || b.inferred == Wanted || b.root == Wanted {
		return false
	}
	if of.Given&ByType != 0 {
		return of.Type == tomo.ClientType
	}
	return b.root == Unwanted
}

// client is the condition that the client's unit is in the box.
func (b *box) client(of ID) (need Condition, exact bool) {
	// A segment may have the client's type as its origin, even the root. So a
	// node of that type need not be the client's, nor the client's not the root's.
	exact = b.isExact() && of.Given&^ByType == 0 && b.root == Either
	all := []Condition{FlagIs{HasRoot, true}, rootOutcomeIn(b.outcomes)}
	if of.Given&^ByType != 0 {
		of.Given, of.Type = of.Given|ByType, tomo.ClientType
		all = append(all, NodeIs{ID: of})
	}
	number := func(column NumberColumn, r Range) {
		if r != Everything {
			all = append(all, NumberIn{Column: column, Range: r, OrAbsent: r.Contains(0)})
		}
	}
	number(Status, b.status)
	number(ResponseTime, b.responseTime)
	if b.duration != Everything {
		root := anyUnit
		root.Root, root.Duration = Wanted, b.duration
		all = append(all, root)
		exact = false
	}
	return allOf(append(all, b.said()...)), exact
}

func edgeBounds(e Edge) bounds {
	list := []box{wholeBox}
	if e.Block != nil {
		list = boxes(e.Block, InEdge, true)
	}
	var u united
	for _, b := range list {
		all := []Condition{CallIs{From: e.From, To: e.To, Outcomes: b.outcomes, Status: b.status, ResponseTime: b.responseTime}}
		for _, a := range b.annotations {
			all = append(all, a)
		}
		u.add(allOf(append(all, b.said()...)), b.isExact())
	}
	return u.bounds()
}
