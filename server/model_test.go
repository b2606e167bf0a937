package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/internal/testkit"
	"github.com/tomotrace/tomo/server"
)

// examples are texts that match the patterns of the model.
var examples = map[string]string{
	`[\w+=,.@-]+`: "a",
	`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}`: "01234567-89ab-4CDE-8f01-23456789abcd",
}

// example is a small value of the shape, with what is required and no more.
func example(s *api.Shape) any {
	switch s.Kind {
	case api.Text:
		switch {
		case s.Enum != nil:
			return s.Enum[0]
		case s.Pattern != "":
			return examples[s.Pattern]
		case s.Min != nil:
			return strings.Repeat("x", int(*s.Min))
		default:
			return "x"
		}
	case api.Integer, api.Number:
		if s.Min != nil {
			return *s.Min
		}
		return 1
	case api.Boolean:
		return true
	case api.Timestamp:
		return 1700000000
	case api.List:
		return []any{example(s.Of)}
	case api.Map:
		return map[string]any{example(s.Keys).(string): example(s.Of)}
	default:
		members := map[string]any{}
		for _, m := range s.Members {
			if m.Required {
				members[m.Name] = example(m.Shape)
			}
		}
		return members
	}
}

// walk asks an operation with values on both sides of each constraint.
type walk struct {
	*door
	op                  api.Operation
	good, bad, mistyped int // values asked with
}

// TestModel walks every constraint of every member of every operation: a value
// just outside is refused by the name of the member, one just inside is not.
func TestModel(t *testing.T) {
	d := open(t, server.Options{})
	var total walk
	for _, op := range api.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			w := &walk{door: &door{t: t, url: d.url, store: d.store}, op: op}
			w.takes("a minimal request", example(op.Request()))
			w.structure(op.Request(), "", func(v any) any { return v })
			for _, body := range []any{"x", 1, true, []any{}} {
				w.refusesType("the whole", body)
			}
			total.good, total.bad, total.mistyped = total.good+w.good, total.bad+w.bad, total.mistyped+w.mistyped
		})
	}
	if total.good < 400 || total.bad < 250 || total.mistyped < 800 {
		t.Errorf("only %d good, %d bad and %d mistyped values: the walk has lost its way", total.good, total.bad, total.mistyped)
	}
}

// structure walks the members of a structure; in puts one into a request.
func (w *walk) structure(s *api.Shape, place string, in func(any) any) {
	for _, m := range s.Members {
		at := strings.ToLower(m.Name[:1]) + m.Name[1:]
		if place != "" {
			at = place + "." + at
		}
		with := func(v any) any {
			members := example(s).(map[string]any)
			members[m.Name] = v
			return in(members)
		}
		without := example(s).(map[string]any)
		delete(without, m.Name)
		if m.Required {
			w.refuses(at, in(without), "null")
			w.refuses(at, with(nil), "null")
		} else {
			w.takes(at+" absent", in(without))
			w.takes(at+" null", with(nil))
		}
		if m.EmptyIsAbsent {
			w.takes(at+" empty", with(""))
		}
		w.value(m.Shape, at, with, m.EmptyIsAbsent)
	}
}

// value walks the constraints of one value; in puts it into a request.
func (w *walk) value(s *api.Shape, place string, in func(any) any, orEmpty bool) {
	w.types(s, place, in)
	switch s.Kind {
	case api.Text:
		w.text(s, place, in, orEmpty)
	case api.Integer, api.Number:
		step := map[api.Kind]float64{api.Integer: 1, api.Number: 0.001}[s.Kind]
		if s.Min != nil {
			w.takes(place+" least", in(*s.Min))
			w.refuses(place, in(*s.Min-step), fmt.Sprintf("greater than or equal to %v", *s.Min))
		} else {
			w.takes(place+" negative", in(-1))
		}
		if s.Max != nil {
			w.takes(place+" most", in(*s.Max))
			w.refuses(place, in(*s.Max+step), fmt.Sprintf("less than or equal to %v", *s.Max))
		} else {
			w.takes(place+" large", in(1<<31-1))
		}
	case api.List:
		of := func(n int) []any { return slices.Repeat([]any{example(s.Of)}, n) }
		w.takes(place+" empty", in([]any{}))
		w.refuses(place+".1.member", in([]any{nil}), "null")
		if s.Max != nil {
			w.takes(place+" most", in(of(int(*s.Max))))
			w.refuses(place, in(of(int(*s.Max)+1)), fmt.Sprintf("less than or equal to %v", *s.Max))
		} else {
			w.takes(place+" many", in(of(300)))
			w.refuses(place+".300.member", in(append(of(299), nil)), "null")
		}
		w.value(s.Of, place+".1.member", func(v any) any { return in([]any{v}) }, false)
	case api.Map:
		of := func(n int) any {
			values := map[string]any{}
			for i := range n {
				values[fmt.Sprint(i)] = example(s.Of)
			}
			return in(values)
		}
		w.takes(place+" most", of(int(*s.Max)))
		w.refuses(place, of(int(*s.Max)+1), fmt.Sprintf("less than or equal to %v", *s.Max))
		key := example(s.Keys).(string)
		w.value(s.Of, place+"."+key+".value", func(v any) any { return in(map[string]any{key: v}) }, false)
		long := strings.Repeat("k", int(*s.Keys.Max)+1)
		w.refuses(place+"."+long+".key", in(map[string]any{long: example(s.Of)}), fmt.Sprintf("less than or equal to %v", *s.Keys.Max))
		w.refuses(place+"..key", in(map[string]any{"": example(s.Of)}), fmt.Sprintf("greater than or equal to %v", *s.Keys.Min))
	case api.Structure:
		w.structure(s, place, in)
	}
}

func (w *walk) text(s *api.Shape, place string, in func(any) any, orEmpty bool) {
	letter := "ö" // two bytes, one character
	if s.Pattern != "" {
		letter = "a"
		w.takes(place+" matching", in(examples[s.Pattern]))
		w.refuses(place, in(examples[s.Pattern]+"/"), "regular expression pattern: "+s.Pattern)
		w.refuses(place, in("/"+examples[s.Pattern]), "regular expression pattern: "+s.Pattern)
	}
	for _, value := range s.Enum {
		w.takes(place+" "+value, in(value))
		w.refuses(place, in(value+"x"), "enum value set: ["+strings.Join(s.Enum, ", ")+"]")
		w.refuses(place, in(" "+value), "enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	if s.Enum != nil {
		return
	}
	if s.Min != nil {
		w.takes(place+" shortest", in(strings.Repeat(letter, int(*s.Min))))
		if !orEmpty || *s.Min > 1 {
			w.refuses(place, in(strings.Repeat(letter, int(*s.Min)-1)), fmt.Sprintf("greater than or equal to %v", *s.Min))
		}
	} else if s.Pattern == "" {
		w.takes(place+" empty", in(""))
	}
	if s.Max != nil {
		w.takes(place+" longest", in(strings.Repeat(letter, int(*s.Max))))
		w.refuses(place, in(strings.Repeat(letter, int(*s.Max)+1)), fmt.Sprintf("less than or equal to %v", *s.Max))
	}
}

// types asks with values of every other type.
func (w *walk) types(s *api.Shape, place string, in func(any) any) {
	values := map[string]any{"text": "x", "number": 1.5, "boolean": true, "list": []any{}, "object": map[string]any{}}
	delete(values, map[api.Kind]string{
		api.Text: "text", api.Integer: "number", api.Number: "number", api.Timestamp: "number", api.Boolean: "boolean",
		api.List: "list", api.Map: "object", api.Structure: "object",
	}[s.Kind])
	for _, kind := range slices.Sorted(maps.Keys(values)) {
		w.refusesType(place+" of another type", in(values[kind]))
	}
}

func (w *walk) ask(body any) (exception, message string, a answer) {
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	a = w.post(w.op.Path, string(text))
	if a.status == 200 {
		return "", "", a
	}
	e := api.ParseError(a.status, a.header, []byte(a.body))
	return e.Name, e.Message, a
}

// takes wants the request to get past validation, wherever it ends.
func (w *walk) takes(what string, body any) {
	w.t.Helper()
	w.good++
	if name, message, a := w.ask(body); name == api.ValidationException || name == api.SerializationException || a.status >= 500 {
		w.t.Errorf("%s: %d %s: %s", what, a.status, name, message)
	}
}

// refuses wants the request to be refused for the value at the place alone.
func (w *walk) refuses(place string, body any, why string) {
	w.t.Helper()
	w.bad++
	name, message, a := w.ask(body)
	for violation := range strings.SplitSeq(message, "; ") {
		if !strings.Contains(violation, " at '"+place+"' failed to satisfy constraint: ") {
			w.t.Errorf("%s: %d %s %s", place, a.status, name, message)
			return
		}
	}
	if a.status != 400 || name != api.ValidationException || !strings.Contains(message, why) {
		w.t.Errorf("%s: %d %s %s, want %q", place, a.status, name, message, why)
	}
}

func (w *walk) refusesType(what string, body any) {
	w.t.Helper()
	w.mistyped++
	if name, message, a := w.ask(body); a.status != 400 || name != api.SerializationException || !strings.Contains(message, " can not be converted to a") {
		w.t.Errorf("%s: %d %s %s", what, a.status, name, message)
	}
}

// TestCoverage keeps docs/api-coverage.md.
func TestCoverage(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# The API, operation by operation

Tomo answers all %d operations of X-Ray's API (2016-04-12). Each is a POST of one JSON object to its path.

This page is made from the table that the server checks requests against:
`+"`go test ./server -run TestCoverage -rewrite`"+`. The same table is walked by a test that asks every operation with values on both sides of every
bound.

A value of the wrong JSON type is a `+"`SerializationException`"+`, a value out of its bounds or a required one that is missing a `+"`ValidationException`"+`
that names the member. Lengths are in characters. Timestamps are seconds since 1970, as a number or in a text, or a text in the form of RFC 3339. `+"`null`"+` is the
same as leaving a member out. Members that are not listed are ignored.

| operation | path |
|---|---|
`, len(api.Operations()))
	for _, op := range api.Operations() {
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` |\n", op.Name, strings.ToLower(op.Name), op.Path)
	}
	for _, op := range api.Operations() {
		fmt.Fprintf(&b, "\n## %s\n\n", op.Name)
		if len(op.Request().Members) == 0 {
			b.WriteString("Takes nothing.\n")
			continue
		}
		b.WriteString("| member | | | bounds |\n|---|---|---|---|\n")
		document(&b, "", op.Request())
	}
	testkit.Golden(t, "../docs/api-coverage.md", b.Bytes())
}

// document writes the rows of the members of a structure.
func document(b *bytes.Buffer, place string, s *api.Shape) {
	row := func(name, kind, need, limits string) {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, kind, need, limits)
	}
	for _, m := range s.Members {
		name, kind, of := place+m.Name, string(m.Shape.Kind), m.Shape
		each := name
		switch m.Shape.Kind {
		case api.List:
			of, each = m.Shape.Of, name+"[]"
			kind += " of " + string(of.Kind)
		case api.Map:
			of, each = m.Shape.Of, name+"{}"
			kind += " of " + string(of.Kind)
		}
		limits := bounds(m.Shape)
		if m.Wider != "" {
			limits = strings.TrimPrefix(limits+"; "+m.Wider, "; ")
		}
		row("`"+name+"`", kind, map[bool]string{true: "required"}[m.Required], limits)
		if m.Shape.Keys != nil {
			row("keys of `"+name+"`", string(m.Shape.Keys.Kind), "", bounds(m.Shape.Keys))
		}
		switch {
		case of.Kind == api.Structure:
			document(b, each+".", of)
		case of != m.Shape && bounds(of) != "":
			row("`"+each+"`", string(of.Kind), "", bounds(of))
		}
	}
}

// bounds says in words what a value may be.
func bounds(s *api.Shape) string {
	var parts []string
	unit := map[api.Kind]string{api.Text: " characters", api.List: " elements", api.Map: " entries"}[s.Kind]
	switch {
	case s.Min != nil && s.Max != nil && *s.Min == *s.Max:
		parts = append(parts, fmt.Sprintf("%v%s", *s.Min, unit))
	case s.Min != nil && s.Max != nil:
		parts = append(parts, fmt.Sprintf("%v to %v%s", *s.Min, *s.Max, unit))
	case s.Min != nil:
		parts = append(parts, fmt.Sprintf("at least %v%s", *s.Min, unit))
	case s.Max != nil:
		parts = append(parts, fmt.Sprintf("at most %v%s", *s.Max, unit))
	}
	if s.Enum != nil {
		parts = append(parts, "`"+strings.Join(s.Enum, "`, `")+"`")
	}
	if s.Pattern != "" {
		parts = append(parts, "`"+s.Pattern+"`")
	}
	return strings.Join(parts, ", ")
}
