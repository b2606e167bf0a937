package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// violations collects in what a request goes beyond its shape, in the words of
// the service. Members are named as there: the first letter small, elements of
// lists counted from 1, tags.1.member.key.
type violations struct {
	count int
	texts []string // of the first maxViolations
}

// maxViolations is how many a message tells. A long list can have any number.
const maxViolations = 100

// check notes what is wrong with the value at the place.
func (v *violations) check(shape *Shape, value any, place string) {
	switch value := value.(type) {
	case string:
		v.size(shape, value, place, float64(utf8.RuneCountInString(value)), "length")
		if shape.pattern != nil && !shape.pattern.MatchString(value) {
			v.note(value, place, "satisfy regular expression pattern: "+shape.Pattern)
		}
		if shape.Enum != nil && !slices.Contains(shape.Enum, value) {
			v.note(value, place, "satisfy enum value set: ["+strings.Join(shape.Enum, ", ")+"]")
		}
	case int64:
		v.size(shape, value, place, float64(value), "value")
	case float64:
		v.size(shape, value, place, value, "value")
	case []any:
		v.size(shape, value, place, float64(len(value)), "length")
		for i, element := range value {
			at := fmt.Sprintf("%s.%d.member", place, i+1)
			if element == nil {
				v.null(at)
			} else {
				v.check(shape.Of, element, at)
			}
		}
	case map[string]any:
		if shape.Kind == Map {
			v.size(shape, value, place, float64(len(value)), "length")
			for _, key := range keys(value) {
				v.check(shape.Keys, key, place+"."+key+".key")
				v.check(shape.Of, value[key], place+"."+key+".value")
			}
			return
		}
		for i := range shape.Members {
			v.checkMember(&shape.Members[i], value, place)
		}
	}
}

func (v *violations) checkMember(m *Member, of map[string]any, place string) {
	at := strings.ToLower(m.Name[:1]) + m.Name[1:]
	if place != "" {
		at = place + "." + at
	}
	value, given := of[m.Name]
	switch {
	case !given && m.Required:
		v.null(at)
	case given && !(m.EmptyIsAbsent && value == ""):
		v.check(m.Shape, value, at)
	}
}

// size notes a size that is out of the bounds of the shape.
func (v *violations) size(shape *Shape, value any, place string, size float64, of string) {
	if shape.Min != nil && size < *shape.Min {
		v.note(value, place, fmt.Sprintf("have %s greater than or equal to %v", of, *shape.Min))
	}
	if shape.Max != nil && size > *shape.Max {
		v.note(value, place, fmt.Sprintf("have %s less than or equal to %v", of, *shape.Max))
	}
}

// maxShown is how many characters of a value a message shows.
const maxShown = 1000

func (v *violations) note(value any, place, must string) {
	text := string(show(nil, value))
	if utf8.RuneCountInString(text) > maxShown {
		text = string([]rune(text)[:maxShown]) + "…"
	}
	v.add("Value '" + text + "' at '" + place + "' failed to satisfy constraint: Member must " + must)
}

func (v *violations) null(place string) {
	v.add("Value null at '" + place + "' failed to satisfy constraint: Member must not be null")
}

func (v *violations) add(text string) {
	if v.count++; v.count <= maxViolations {
		v.texts = append(v.texts, text)
	}
}

// show writes a value as Java does: [a, b] and {key=value}.
func show(b []byte, value any) []byte {
	switch value := value.(type) {
	case string:
		return append(b, value...)
	case int64:
		return strconv.AppendInt(b, value, 10)
	case float64:
		return appendDouble(b, value)
	case bool:
		return strconv.AppendBool(b, value)
	case []any:
		b = append(b, '[')
		for i, element := range value {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = show(b, element)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, key := range keys(value) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = show(append(append(b, key...), '='), value[key])
		}
		return append(b, '}')
	default:
		return append(b, "null"...)
	}
}

// keys lists the keys of a map in order.
func keys(of map[string]any) []string {
	list := make([]string, 0, len(of))
	for key := range of {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// err is a ValidationException with all of them, or nil.
func (v *violations) err() error {
	if v.count == 0 {
		return nil
	}
	noun := "errors"
	if v.count == 1 {
		noun = "error"
	}
	return &Error{
		Name: ValidationException, Status: http.StatusBadRequest,
		Message: fmt.Sprintf("%d validation %s detected: %s", v.count, noun, strings.Join(v.texts, "; ")),
	}
}
