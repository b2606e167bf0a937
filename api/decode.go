package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Decode reads the body of a request for the operation into request, a pointer
// to a struct with its members; nil only checks the body. An empty body and
// null are {}, a null member is an absent one, unknown members are ignored.
// Names count exactly as they are written.
//
// The error is an *Error: a SerializationException if the body is not JSON or a
// value has another type than its member, or else a ValidationException with
// everything in which the request goes beyond its shape. Numbers for integers
// lose their fraction and stay within 32 bits, as the service was seen to treat
// counters.
func (o Operation) Decode(body []byte, request any) error { return decode(body, o.Request(), request) }

func decode(body []byte, shape *Shape, request any) error {
	v, err := read(body, shape)
	if err != nil {
		return err
	}
	var wrong violations
	wrong.check(shape, v, "")
	if err := wrong.err(); err != nil {
		return err
	}
	if request != nil {
		fill(reflect.ValueOf(request).Elem(), v)
	}
	return nil
}

// A value of a request is nil, a string, an int64 for integers, a float64 for
// numbers and timestamps, a bool, a []any, or a map[string]any for maps and for
// structures. Structures have only members of their shape that are not null.

// read reads a body that has to be a structure.
func read(body []byte, shape *Shape) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	if !json.Valid(body) {
		var v any
		return nil, notJSON(json.Unmarshal(body, &v))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := readValue(d, shape)
	if err != nil || v == nil {
		return nil, err
	}
	return v.(map[string]any), nil
}

// readValue reads the next value, which is of the shape. The text is JSON.
func readValue(d *json.Decoder, shape *Shape) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	switch token := token.(type) {
	case nil:
		return nil, nil
	case string:
		switch shape.Kind {
		case Text:
			return token, nil
		case Timestamp:
			if t, ok := parseTime(token); ok {
				return float64(t), nil
			}
		}
		return nil, mistyped("STRING_VALUE", shape.Kind)
	case json.Number:
		// Beyond all numbers it is infinite, which is no error here.
		f, _ := strconv.ParseFloat(string(token), 64)
		switch shape.Kind {
		case Integer:
			return int64(math.Trunc(min(max(f, math.MinInt32), math.MaxInt32))), nil
		case Number, Timestamp:
			return min(max(f, -math.MaxFloat64), math.MaxFloat64), nil
		}
		return nil, mistyped("NUMBER_VALUE", shape.Kind)
	case bool:
		if shape.Kind == Boolean {
			return token, nil
		}
		return nil, mistyped("BOOLEAN_VALUE", shape.Kind)
	}
	if token == json.Delim('[') {
		if shape.Kind == List {
			return readList(d, shape)
		}
		return nil, mistyped("START_ARRAY", shape.Kind)
	}
	switch shape.Kind {
	case Map:
		return readMembers(d, func(string) *Shape { return shape.Of })
	case Structure:
		return readMembers(d, shape.member)
	}
	return nil, mistyped("START_OBJECT", shape.Kind)
}

func readList(d *json.Decoder, shape *Shape) (any, error) {
	values := []any{}
	for d.More() {
		v, err := readValue(d, shape.Of)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	_, err := d.Token() // ]
	return values, err
}

func readMembers(d *json.Decoder, shapeOf func(name string) *Shape) (any, error) {
	members := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		shape := shapeOf(name.(string))
		if shape == nil {
			var ignored json.RawMessage
			if err := d.Decode(&ignored); err != nil {
				return nil, notJSON(err)
			}
			continue
		}
		v, err := readValue(d, shape)
		if err != nil {
			return nil, err
		}
		delete(members, name.(string)) // the last one counts, be it null
		if v != nil {
			members[name.(string)] = v
		}
	}
	_, err := d.Token() // }
	return members, err
}

// member is the shape of a member of a structure; nil if it has none such.
func (s *Shape) member(name string) *Shape {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return s.Members[i].Shape
		}
	}
	return nil
}

// mistyped words the error as the service does, where that was seen:
// "NUMBER_VALUE can not be converted to a String".
func mistyped(token string, want Kind) *Error {
	name := map[Kind]string{
		Text: "a String", Integer: "an Integer", Number: "a Double", Boolean: "a Boolean", Timestamp: "a Timestamp",
		List: "a List", Map: "a Map", Structure: "a Structure",
	}[want]
	return &Error{Name: SerializationException, Status: 400, Message: token + " can not be converted to " + name}
}

func notJSON(err error) *Error {
	e := &Error{Name: SerializationException, Status: 400}
	if err == io.ErrUnexpectedEOF || strings.Contains(err.Error(), "unexpected end") {
		e.Message = "the body ends inside its JSON"
	} else {
		e.Message = "the body is not JSON: " + strings.TrimPrefix(err.Error(), "json: ")
	}
	return e
}

// fill puts a value of a request into a Go value of ours. Fields bear the names
// of members, or have them in their json tags. A member without a field is
// passed over; any other mismatch is a bug and panics.
func fill(into reflect.Value, v any) {
	if v == nil {
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		fill(into.Elem(), v)
		return
	}
	switch v := v.(type) {
	case string:
		into.SetString(v)
	case bool:
		into.SetBool(v)
	case int64:
		into.SetInt(v)
	case float64:
		into.SetFloat(v)
	case []any:
		into.Set(reflect.MakeSlice(into.Type(), len(v), len(v)))
		for i := range v {
			fill(into.Index(i), v[i])
		}
	case map[string]any:
		if into.Kind() == reflect.Map {
			into.Set(reflect.MakeMapWithSize(into.Type(), len(v)))
			for key := range v {
				value := reflect.New(into.Type().Elem()).Elem()
				fill(value, v[key])
				into.SetMapIndex(reflect.ValueOf(key), value)
			}
			return
		}
		for i := range into.NumField() {
			fill(into.Field(i), v[memberName(into.Type().Field(i))])
		}
	default:
		panic(fmt.Sprintf("a request holds a %T", v))
	}
}

// memberName is the name of a field on the wire.
func memberName(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
		return name
	}
	return field.Name
}
