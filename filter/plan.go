package filter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
)

// Plan is what a store can know of an expression: conditions on the columns of
// summaries that every match satisfies, so that it can narrow its scan. They
// may let through traces that do not match; they never hide one that does. A
// store may leave out any of them.
//
// If the plan is Exact, the traces for which all conditions hold are the
// matches, and there is nothing left to ask.
type Plan struct {
	Conditions []Condition
	Exact      bool
}

// Holds reports whether every condition holds for the summary.
func (p Plan) Holds(s *tomo.Summary) bool { return AllOf(p.Conditions).Holds(s) }

// Possible tells whether every condition may hold for a trace of which only a
// sketch is known. It is nil if no sketch tells that one does not.
func (p Plan) Possible() func(*tomo.Sketch) bool { return AllOf(p.Conditions).possible() }

// String prints the conditions, with "exactly" in front if they are all there
// is to the expression.
func (p Plan) String() string {
	text := AllOf(p.Conditions).String()
	if p.Exact {
		return "exactly " + text
	}
	return text
}

// Condition is a condition on a summary: one of AllOf, AnyOf, FlagIs, NumberIn,
// TextIs, NodeIs, UnitIs, CallIs and AnnotationIs. Holds says what it means.
type Condition interface {
	Holds(*tomo.Summary) bool
	String() string
	// complement is the condition that holds where this one does not.
	complement() Condition
	// possible is Plan.Possible. What is asked not to be is never ruled out.
	possible() func(*tomo.Sketch) bool
}

// AllOf holds if all of its parts do: always, if there is none.
type AllOf []Condition

// AnyOf holds if one of its parts does: never, if there is none.
type AnyOf []Condition

// FlagIs asks for a flag of the trace.
type FlagIs struct {
	Flag Flag
	Want bool
}

// Flag is a yes or no of a summary.
type Flag uint8

const (
	HasRoot Flag = iota // EntryPoint is not -1
	HasFault
	HasError
	HasThrottle
	// Of a trace settled by a version that did not note whether something is
	// still to come neither holds.
	IsComplete
	IsIncomplete
)

// NumberIn asks for a number of the trace to be there and in a range.
type NumberIn struct {
	Column   NumberColumn
	Range    Range
	OrAbsent bool // it may also not be there
}

// NumberColumn is a number of a summary.
type NumberColumn uint8

const (
	Duration     NumberColumn = iota // in microseconds; Absent is no value
	ResponseTime                     // in microseconds; Absent is no value
	Status                           // HTTP.Status; 0 is no value
)

// Range is the whole numbers from Min to Max, both included.
type Range struct{ Min, Max int64 }

// Everything is the range of all numbers.
var Everything = Range{math.MinInt64, math.MaxInt64}

// Contains reports whether n is in the range.
func (r Range) Contains(n int64) bool { return r.Min <= n && n <= r.Max }

func (r Range) intersect(o Range) Range { return Range{max(r.Min, o.Min), min(r.Max, o.Max)} }

func (r Range) empty() bool { return r.Min > r.Max }

// TextIs asks for a text of the trace that compares so with Text. A list has
// to have one that does. Op is none of the numeric ones but Equal and Unequal;
// Contains with "" asks for any text at all.
type TextIs struct {
	Column TextColumn
	Op     Op
	Text   string
	Not    bool // there is none
}

// TextColumn is a text of a summary, or a list of texts. "" is no value.
type TextColumn uint8

const (
	URL TextColumn = iota
	Method
	UserAgent
	ClientIP
	UserName
	ResourceARN
	InstanceID
	AvailabilityZone
	NodeName
	NodeType
	NodeAccount
)

// NodeIs asks for a node.
type NodeIs struct {
	ID       ID
	Inferred Wish
	Not      bool // there is none
}

// Wish is what is asked of a yes or no.
type Wish uint8

const (
	Either Wish = iota
	Wanted
	Unwanted
)

func wish(b bool) Wish {
	if b {
		return Wanted
	}
	return Unwanted
}

func (w Wish) allows(b bool) bool { return w == Either || w == wish(b) }

// Outcomes is a set of outcomes, a bit for each.
type Outcomes uint8

// AnyOutcome is the set of all outcomes.
const AnyOutcome Outcomes = 1<<tomo.OutcomeOK | 1<<tomo.OutcomeError | 1<<tomo.OutcomeThrottle | 1<<tomo.OutcomeFault

// Has reports whether o is in the set.
func (set Outcomes) Has(o tomo.Outcome) bool { return set&(1<<o) != 0 }

// UnitIs asks for one of Summary.Units for which all of this holds. The ranges
// are of the numbers as they stand there, 0 where there is no value.
type UnitIs struct {
	Of                     ID // its node
	Inferred, Root         Wish
	Outcomes               Outcomes
	Status                 Range
	ResponseTime, Duration Range // in microseconds
	Not                    bool  // there is none
}

// CallIs asks for one of Summary.Calls for which all of this holds, like UnitIs.
type CallIs struct {
	From, To     ID
	Outcomes     Outcomes
	Status       Range
	ResponseTime Range // in microseconds
	Not          bool  // there is none
}

// AnnotationIs asks for one of Summary.Annotations with this key whose value
// compares so with Value, on a node that Of selects. If it is Truthy, any value
// but the boolean false will do.
type AnnotationIs struct {
	Key    string
	Truthy bool
	Op     Op
	Value  tomo.Value
	Of     ID
	Not    bool // there is none
}

// Holding.

func (c AllOf) Holds(s *tomo.Summary) bool {
	for _, part := range c {
		if !part.Holds(s) {
			return false
		}
	}
	return true
}

func (c AnyOf) Holds(s *tomo.Summary) bool {
	return slices.ContainsFunc(c, func(part Condition) bool { return part.Holds(s) })
}

func (c FlagIs) Holds(s *tomo.Summary) bool { return c.Flag.of(s) == c.Want }

func (f Flag) of(s *tomo.Summary) bool {
	switch f {
	case HasRoot:
		return s.EntryPoint >= 0
	case HasFault:
		return s.HasFault
	case HasError:
		return s.HasError
	case HasThrottle:
		return s.HasThrottle
	case IsComplete:
		return s.Completeness == tomo.Complete
	default:
		return s.Completeness == tomo.Incomplete
	}
}

func (c NumberIn) Holds(s *tomo.Summary) bool {
	n, has := c.Column.of(s)
	if !has {
		return c.OrAbsent
	}
	return c.Range.Contains(n)
}

func (c NumberColumn) of(s *tomo.Summary) (n int64, has bool) {
	switch c {
	case Duration:
		return micros(s.Duration), s.Duration != tomo.Absent
	case ResponseTime:
		return micros(s.ResponseTime), s.ResponseTime != tomo.Absent
	default:
		return int64(s.HTTP.Status), s.HTTP.Status != 0
	}
}

func micros(d time.Duration) int64 { return int64(d / time.Microsecond) }

func (c TextIs) Holds(s *tomo.Summary) bool {
	return c.Column.some(s, c.Fits) != c.Not
}

// Fits reports whether a text is one that is asked for.
func (c *TextIs) Fits(text string) bool { return text != "" && compareTexts(c.Op, text, c.Text) }

func (c TextColumn) some(s *tomo.Summary, wanted func(string) bool) bool {
	switch c {
	case URL:
		return wanted(s.HTTP.URL)
	case Method:
		return wanted(s.HTTP.Method)
	case UserAgent:
		return wanted(s.HTTP.UserAgent)
	case ClientIP:
		return wanted(s.HTTP.ClientIP)
	case UserName:
		return slices.ContainsFunc(s.Users, func(u tomo.User) bool { return wanted(u.Name) })
	case ResourceARN:
		return slices.ContainsFunc(s.ResourceARNs, wanted)
	case InstanceID:
		return slices.ContainsFunc(s.InstanceIDs, wanted)
	case AvailabilityZone:
		return slices.ContainsFunc(s.AvailabilityZones, wanted)
	}
	return slices.ContainsFunc(s.Nodes, func(n tomo.Node) bool {
		switch c {
		case NodeName:
			return wanted(n.Name)
		case NodeType:
			return wanted(n.Type)
		default:
			return wanted(n.Account)
		}
	})
}

func (c NodeIs) Holds(s *tomo.Summary) bool {
	some := false
	for i := range s.Nodes {
		n := &s.Nodes[i]
		some = some || c.ID.Selects(&n.NodeID) && c.Inferred.allows(InferredNode(n))
	}
	return some != c.Not
}

func (c UnitIs) Holds(s *tomo.Summary) bool {
	some := false
	for i := range s.Units {
		u := &s.Units[i]
		n := &s.Nodes[u.Node]
		some = some || c.Of.Selects(&n.NodeID) && c.Inferred.allows(InferredNode(n)) && c.Root.allows(n.Root) &&
			c.Outcomes.Has(u.Outcome) && c.Status.Contains(int64(u.Status)) &&
			c.ResponseTime.Contains(micros(u.ResponseTime)) && c.Duration.Contains(micros(u.Duration))
	}
	return some != c.Not
}

func (c CallIs) Holds(s *tomo.Summary) bool {
	some := false
	for i := range s.Calls {
		call := &s.Calls[i]
		some = some || c.From.Selects(&s.Nodes[call.From].NodeID) && c.To.Selects(&s.Nodes[call.To].NodeID) &&
			c.Outcomes.Has(call.Outcome) && c.Status.Contains(int64(call.Status)) &&
			c.ResponseTime.Contains(micros(call.ResponseTime))
	}
	return some != c.Not
}

func (c AnnotationIs) Holds(s *tomo.Summary) bool {
	some := false
	for i := range s.Annotations {
		a := &s.Annotations[i]
		some = some || a.Key == c.Key && c.Fits(&a.Value) &&
			(c.Of.Given == 0 || slices.ContainsFunc(a.Nodes, func(n int) bool { return c.Of.Selects(&s.Nodes[n].NodeID) }))
	}
	return some != c.Not
}

// Fits reports whether an annotation's value is one that is asked for.
func (c *AnnotationIs) Fits(v *tomo.Value) bool {
	if c.Truthy {
		return truthy(v)
	}
	return compareValues(c.Op, v, &c.Value)
}

// Complements.

func (c AllOf) complement() Condition {
	parts := make([]Condition, len(c))
	for i, part := range c {
		parts[i] = part.complement()
	}
	return anyOf(parts)
}

func (c AnyOf) complement() Condition {
	parts := make([]Condition, len(c))
	for i, part := range c {
		parts[i] = part.complement()
	}
	return allOf(parts)
}

func (c FlagIs) complement() Condition { c.Want = !c.Want; return c }

func (c NumberIn) complement() Condition {
	nothing := Range{1, 0}
	below, above := nothing, nothing
	if c.Range.empty() {
		above = Everything
	} else {
		if c.Range.Min > math.MinInt64 {
			below = Range{math.MinInt64, c.Range.Min - 1}
		}
		if c.Range.Max < math.MaxInt64 {
			above = Range{c.Range.Max + 1, math.MaxInt64}
		}
	}
	if above.empty() {
		below, above = above, below
	}
	// What is not there belongs to the range above, or else to nothing.
	return anyOf([]Condition{
		NumberIn{Column: c.Column, Range: above, OrAbsent: !c.OrAbsent},
		NumberIn{Column: c.Column, Range: below},
	})
}

func (c TextIs) complement() Condition       { c.Not = !c.Not; return c }
func (c NodeIs) complement() Condition       { c.Not = !c.Not; return c }
func (c UnitIs) complement() Condition       { c.Not = !c.Not; return c }
func (c CallIs) complement() Condition       { c.Not = !c.Not; return c }
func (c AnnotationIs) complement() Condition { c.Not = !c.Not; return c }

// Possibilities.

func (c AllOf) possible() func(*tomo.Sketch) bool {
	var tests []func(*tomo.Sketch) bool
	for _, part := range c {
		tests = append(tests, part.possible())
	}
	return allPossible(tests...)
}

// allPossible joins tests, of which those that are nil rule out nothing.
func allPossible(tests ...func(*tomo.Sketch) bool) func(*tomo.Sketch) bool {
	tests = slices.DeleteFunc(tests, func(t func(*tomo.Sketch) bool) bool { return t == nil })
	switch len(tests) {
	case 0:
		return nil
	case 1:
		return tests[0]
	}
	return func(s *tomo.Sketch) bool {
		for _, test := range tests {
			if !test(s) {
				return false
			}
		}
		return true
	}
}

func (c AnyOf) possible() func(*tomo.Sketch) bool {
	var tests []func(*tomo.Sketch) bool
	for _, part := range c {
		test := part.possible()
		if test == nil {
			return nil
		}
		tests = append(tests, test)
	}
	return func(s *tomo.Sketch) bool {
		return slices.ContainsFunc(tests, func(t func(*tomo.Sketch) bool) bool { return t(s) })
	}
}

func (c FlagIs) possible() func(*tomo.Sketch) bool {
	outcome, of := map[Flag]tomo.Outcome{HasFault: tomo.OutcomeFault, HasError: tomo.OutcomeError, HasThrottle: tomo.OutcomeThrottle}[c.Flag]
	if !c.Want || !of {
		return nil
	}
	return func(s *tomo.Sketch) bool { return s.MayHaveOutcome(outcome) }
}

func (c NumberIn) possible() func(*tomo.Sketch) bool {
	switch {
	case c.OrAbsent:
		return nil
	case c.Column == Status:
		return statusPossible(c.Range)
	}
	return timePossible(c.Range)
}

func wordPossible(w tomo.Word) func(*tomo.Sketch) bool {
	return func(s *tomo.Sketch) bool { return s.MayHave(w) }
}

func statusPossible(r Range) func(*tomo.Sketch) bool {
	if r.Min != r.Max || r.Min == 0 {
		return nil
	}
	return wordPossible(tomo.StatusWord(int(r.Min)))
}

func timePossible(r Range) func(*tomo.Sketch) bool {
	if r.Min <= 0 {
		return nil
	}
	return func(s *tomo.Sketch) bool { return r.Min <= micros(s.Longest()) }
}

func (c TextIs) possible() func(*tomo.Sketch) bool {
	switch {
	case c.Not || c.Op != Equal:
		return nil
	case c.Column == UserName:
		return wordPossible(tomo.UserWord(c.Text))
	case c.Column == NodeName:
		return wordPossible(tomo.NodeWord(c.Text))
	}
	return nil
}

func (c NodeIs) possible() func(*tomo.Sketch) bool {
	if c.Not {
		return nil
	}
	return c.ID.possible()
}

func (id *ID) possible() func(*tomo.Sketch) bool {
	if id.Given&ByName == 0 || id.Name == "" {
		return nil
	}
	return wordPossible(tomo.NodeWord(id.Name))
}

func (set Outcomes) possible() func(*tomo.Sketch) bool {
	if set&AnyOutcome == AnyOutcome {
		return nil
	}
	return func(s *tomo.Sketch) bool {
		for o := tomo.OutcomeOK; o <= tomo.OutcomeFault; o++ {
			if set.Has(o) && s.MayHaveOutcome(o) {
				return true
			}
		}
		return false
	}
}

func (c UnitIs) possible() func(*tomo.Sketch) bool {
	if c.Not {
		return nil
	}
	return allPossible(c.Outcomes.possible(), c.Of.possible(), statusPossible(c.Status), timePossible(c.ResponseTime), timePossible(c.Duration))
}

func (c CallIs) possible() func(*tomo.Sketch) bool {
	if c.Not {
		return nil
	}
	return allPossible(c.Outcomes.possible(), c.From.possible(), c.To.possible(), statusPossible(c.Status), timePossible(c.ResponseTime))
}

func (c AnnotationIs) possible() func(*tomo.Sketch) bool {
	switch {
	case c.Not:
		return nil
	case c.Truthy || c.Op != Equal:
		return allPossible(wordPossible(tomo.KeyWord(c.Key)), c.Of.possible())
	}
	return allPossible(wordPossible(tomo.AnnotationWord(c.Key, &c.Value)), c.Of.possible())
}

// allOf joins conditions and simplifies: ranges of one column become one.
func allOf(parts []Condition) Condition {
	var all AllOf
	var add func(Condition) bool
	add = func(part Condition) bool {
		switch part := part.(type) {
		case AllOf:
			return !slices.ContainsFunc(part, func(p Condition) bool { return !add(p) })
		case AnyOf:
			if len(part) == 0 {
				return false
			}
		case NumberIn:
			if part.Range.empty() && !part.OrAbsent {
				return false
			}
			for i := range all {
				other, ok := all[i].(NumberIn)
				if !ok || other.Column != part.Column || other.OrAbsent != part.OrAbsent {
					continue
				}
				other.Range = other.Range.intersect(part.Range)
				all[i] = other
				return !other.Range.empty() || other.OrAbsent
			}
		}
		if !containsCondition(all, part) {
			all = append(all, part)
		}
		return true
	}
	for _, part := range parts {
		if !add(part) {
			return AnyOf{}
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// anyOf joins conditions and simplifies.
func anyOf(parts []Condition) Condition {
	var any AnyOf
	var add func(Condition) bool
	add = func(part Condition) bool {
		switch part := part.(type) {
		case AnyOf:
			return !slices.ContainsFunc(part, func(p Condition) bool { return !add(p) })
		case AllOf:
			if len(part) == 0 {
				return false
			}
		case NumberIn:
			if part.Range.empty() && !part.OrAbsent {
				return true
			}
		}
		if !containsCondition(any, part) {
			any = append(any, part)
		}
		return true
	}
	for _, part := range parts {
		if !add(part) {
			return AllOf{}
		}
	}
	if len(any) == 1 {
		return any[0]
	}
	return any
}

// containsCondition compares simple conditions only.
func containsCondition(list []Condition, c Condition) bool {
	for _, other := range list {
		switch other.(type) {
		case AllOf, AnyOf:
			continue
		}
		switch c.(type) {
		case AllOf, AnyOf:
			return false
		}
		if other == c {
			return true
		}
	}
	return false
}

// conditions counts the simple conditions in c.
func conditions(c Condition) int {
	n := 0
	switch c := c.(type) {
	case AllOf:
		for _, part := range c {
			n += conditions(part)
		}
	case AnyOf:
		for _, part := range c {
			n += conditions(part)
		}
	default:
		n = 1
	}
	return n
}

// Printing.

func (c AllOf) String() string {
	if len(c) == 0 {
		return "always"
	}
	return joined(c, " AND ")
}

func (c AnyOf) String() string {
	if len(c) == 0 {
		return "never"
	}
	return joined(c, " OR ")
}

func joined(parts []Condition, between string) string {
	if len(parts) == 1 {
		return parts[0].String()
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.String()
		switch part.(type) {
		case AllOf, AnyOf:
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, between)
}

func (c FlagIs) String() string {
	return negated(!c.Want, [...]string{"has root", "has fault", "has error", "has throttle", "complete", "incomplete"}[c.Flag])
}

func (c NumberIn) String() string {
	var text string
	switch c.Column {
	case Duration:
		text = "duration in " + c.Range.text(1e6)
	case ResponseTime:
		text = "response time in " + c.Range.text(1e6)
	default:
		text = "status in " + c.Range.text(1)
	}
	if c.OrAbsent {
		text += " or absent"
	}
	return text
}

// text prints the range in units of which one is scale.
func (r Range) text(scale float64) string {
	if r.empty() {
		return "[]"
	}
	var b []byte
	b = append(b, '[')
	if r.Min == r.Max {
		return string(append(strconv.AppendFloat(b, float64(r.Min)/scale, 'f', -1, 64), ']'))
	}
	if r.Min != math.MinInt64 {
		b = strconv.AppendFloat(b, float64(r.Min)/scale, 'f', -1, 64)
	}
	b = append(b, ".."...)
	if r.Max != math.MaxInt64 {
		b = strconv.AppendFloat(b, float64(r.Max)/scale, 'f', -1, 64)
	}
	return string(append(b, ']'))
}

var textColumns = [...]string{"http.url", "http.method", "http.useragent", "http.clientip", "user", "resource.arn",
	"instance.id", "availabilityzone", "name", "type", "account.id"}

// String is the name of the keyword for the column.
func (c TextColumn) String() string { return textColumns[c] }

func (c TextIs) String() string {
	return negated(c.Not, fmt.Sprintf("%s %s %s", c.Column, c.Op, appendQuoted(nil, c.Text)))
}

func (c NodeIs) String() string {
	return negated(c.Not, "node("+parts(c.ID.words(), c.Inferred.words("inferred"))+")")
}

func (c UnitIs) String() string {
	return negated(c.Not, "unit("+parts(c.Of.words(), c.Inferred.words("inferred"), c.Root.words("root"), c.Outcomes.words(),
		c.Status.words("status", 1), c.ResponseTime.words("response time", 1e6), c.Duration.words("duration", 1e6))+")")
}

func (c CallIs) String() string {
	from, to := "any", "any"
	if c.From.Given != 0 {
		from = c.From.String()
	}
	if c.To.Given != 0 {
		to = c.To.String()
	}
	return negated(c.Not, "call("+parts(from+" to "+to, c.Outcomes.words(),
		c.Status.words("status", 1), c.ResponseTime.words("response time", 1e6))+")")
}

func (c AnnotationIs) String() string {
	var e Expr = Compare{Field{"annotation", c.Key}, c.Op, c.Value}
	if c.Truthy {
		e = Set{Field{"annotation", c.Key}}
	}
	text := e.String()
	if c.Of.Given != 0 {
		text += " on " + c.Of.String()
	}
	return negated(c.Not, text)
}

func negated(not bool, text string) string {
	if not {
		return "not " + text
	}
	return text
}

func parts(words ...string) string {
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	return strings.Join(words, ", ")
}

func (id *ID) words() string { return id.String() }

func (w Wish) words(name string) string {
	switch w {
	case Wanted:
		return name
	case Unwanted:
		return "not " + name
	default:
		return ""
	}
}

func (set Outcomes) words() string {
	if set == AnyOutcome {
		return ""
	}
	var words []string
	for o, word := range [...]string{"ok", "error", "throttle", "fault"} {
		if set.Has(tomo.Outcome(o)) {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ")
}

func (r Range) words(name string, scale float64) string {
	if r == Everything {
		return ""
	}
	return name + " in " + r.text(scale)
}
