package filter

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/tomotrace/tomo"
)

// compareTest is the test of a comparison. A field may have several values, and
// one that fits is enough; without any value none fits, for != too.
func compareTest(e Compare, in Scope) test {
	k := keyword(e.Field.Keyword)
	read := k.read[in]
	switch k.Type {
	case Boolean:
		want := e.Value.Bool == (e.Op == Equal)
		return func(s *subject) Truth {
			answer := read.flag(s)
			if !want {
				answer = answer.not()
			}
			return answer
		}
	case Number:
		return func(s *subject) Truth {
			value, has := read.number(s)
			if has != Yes {
				return has
			}
			return truth(compareNumbers(e.Op, value, e.Value.Number))
		}
	case Annotation:
		key, wanted := e.Field.Key, valueWanted(e.Op, e.Value)
		return func(s *subject) Truth { return read.annotation(s, key, wanted) }
	default:
		wanted := textWanted(e.Op, e.Value.String)
		return func(s *subject) Truth { return read.text(s, wanted) }
	}
}

// setTest is the test of a field that stands alone.
func setTest(f Field, in Scope) test {
	k := keyword(f.Keyword)
	read := k.read[in]
	switch k.Type {
	case Number:
		return func(s *subject) Truth { _, has := read.number(s); return has }
	case Annotation:
		return func(s *subject) Truth { return read.annotation(s, f.Key, truthy) }
	default:
		return func(s *subject) Truth { return read.text(s, anyText) }
	}
}

func anyText(string) bool { return true }

// truthy is what an annotation that stands alone asks for.
func truthy(v *tomo.Value) bool { return v.Kind != tomo.BoolValue || v.Bool }

// compareNumbers compares as IEEE doubles do.
func compareNumbers(op Op, a, b float64) bool {
	switch op {
	case Equal:
		return a == b
	case Unequal:
		return a != b
	case Less:
		return a < b
	case AtMost:
		return a <= b
	case Greater:
		return a > b
	case AtLeast:
		return a >= b
	}
	return false
}

// compareTexts compares by code point, without folding of case.
func compareTexts(op Op, a, b string) bool {
	switch op {
	case Equal:
		return a == b
	case Unequal:
		return a != b
	case Contains:
		return strings.Contains(a, b)
	case BeginsWith:
		return strings.HasPrefix(a, b)
	case EndsWith:
		return strings.HasSuffix(a, b)
	}
	return false
}

func textWanted(op Op, text string) func(string) bool {
	return func(v string) bool { return compareTexts(op, v, text) }
}

// compareValues compares values of one type; those of two types never fit.
func compareValues(op Op, a, b *tomo.Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case tomo.NumberValue:
		return compareNumbers(op, a.Number, b.Number)
	case tomo.BoolValue:
		return (a.Bool == b.Bool) == (op == Equal)
	default:
		return compareTexts(op, a.String, b.String)
	}
}

func valueWanted(op Op, value tomo.Value) func(*tomo.Value) bool {
	return func(v *tomo.Value) bool { return compareValues(op, v, &value) }
}

// causeJSONTest holds if the causes of one category match each of the patterns.
//
// A pattern is JSON: each member of an object has to equal that of the cause as
// GetTraceSummaries answers it, members left out match anything, and lists
// match element by element. Without a pattern any root cause will do.
func causeJSONTest(e CauseJSON) test {
	var patterns []any
	if err := json.Unmarshal([]byte(e.Patterns), &patterns); err != nil {
		panic("filter: Parse let through bad JSON: " + err.Error())
	}
	categories := []Category{FaultCause, ErrorCause, ResponseTimeCause}
	return func(s *subject) Truth {
		for _, category := range categories {
			switch {
			case s.detail == nil:
				if MayHaveCause(s.Summary, category) {
					return Unknown
				}
			case matchesAll(patterns, CausesOf(s.detail, category), category):
				return Yes
			}
		}
		return No
	}
}

func matchesAll(patterns []any, causes []tomo.RootCause, c Category) bool {
	if len(causes) == 0 {
		return false
	}
	shapes := make([]any, len(causes))
	for i := range causes {
		shapes[i] = causeShape(&causes[i], c)
	}
	for _, pattern := range patterns {
		some := false
		for _, shape := range shapes {
			some = some || matchesShape(pattern, shape)
		}
		if !some {
			return false
		}
	}
	return true
}

// matchesShape: a member that the shape lacks equals null. What is empty equals
// null and "": the answers have one or the other.
func matchesShape(pattern, shape any) bool {
	if (shape == empty{}) {
		return pattern == nil || pattern == ""
	}
	switch pattern := pattern.(type) {
	case map[string]any:
		shape, ok := shape.(map[string]any)
		if !ok {
			return false
		}
		for name, want := range pattern {
			if !matchesShape(want, shape[name]) {
				return false
			}
		}
		return true
	case []any:
		shape, ok := shape.([]any)
		if !ok || len(shape) != len(pattern) {
			return false
		}
		for i := range pattern {
			if !matchesShape(pattern[i], shape[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(pattern, shape)
	}
}

// causeShape is a root cause as GetTraceSummaries answers it.
func causeShape(cause *tomo.RootCause, c Category) any {
	services := make([]any, len(cause.Services))
	for i := range cause.Services {
		services[i] = serviceShape(&cause.Services[i], c)
	}
	return map[string]any{"ClientImpacting": cause.ClientImpacting, "Services": services}
}

func serviceShape(s *tomo.RootCauseService, c Category) any {
	path := make([]any, len(s.EntityPath))
	for i := range s.EntityPath {
		e := &s.EntityPath[i]
		entity := map[string]any{"Name": e.Name, "Remote": e.Remote}
		if c == ResponseTimeCause {
			entity["Coverage"] = e.Coverage
		} else {
			exceptions := make([]any, len(e.Exceptions))
			for j, x := range e.Exceptions {
				exceptions[j] = map[string]any{"Name": orEmpty(x.Name), "Message": orEmpty(x.Message)}
			}
			entity["Exceptions"] = exceptions
		}
		path[i] = entity
	}
	return map[string]any{
		"Name": s.Name, "Names": []any{s.Name}, "Type": orEmpty(s.Type), "AccountId": orEmpty(s.Account),
		"Inferred": s.Inferred, "EntityPath": path,
	}
}

// empty stands for a text that is not told.
type empty struct{}

func orEmpty(text string) any {
	if text == "" {
		return empty{}
	}
	return text
}
