package api

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Double is a number with a fraction. It is written as Java writes it, because
// the service does: 4.0, 0.05, 1.790161902E9.
type Double float64

// MarshalJSON writes the number; what JSON has no number for is null.
func (d Double) MarshalJSON() ([]byte, error) { return appendDouble(nil, float64(d)), nil }

// Time is a moment in seconds since the Unix epoch. It is always written as a
// number, never as a string: SDKs in the field drop whole answers otherwise.
type Time float64

// MarshalJSON writes the number of seconds.
func (t Time) MarshalJSON() ([]byte, error) { return appendDouble(nil, float64(t)), nil }

// UnmarshalJSON reads a number of seconds, a string that holds one, or a
// string of RFC 3339.
func (t *Time) UnmarshalJSON(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		return nil
	case float64:
		*t = Time(v)
		return nil
	case string:
		v = strings.TrimSpace(v)
		if f, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			*t = Time(f)
			return nil
		}
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			*t = Time(float64(at.UnixMicro()) / 1e6)
			return nil
		}
		return &Error{Name: SerializationException, Status: 400, Message: "STRING_VALUE can not be converted to a Timestamp"}
	}
	kind := map[byte]string{'{': "object", '[': "array"}[text[0]]
	if kind == "" {
		kind = "bool"
	}
	return &Error{Name: SerializationException, Status: 400, Message: tokenOf(kind) + " can not be converted to a Timestamp"}
}

// Std is t in the standard library's form, in UTC, to the microsecond.
func (t Time) Std() time.Time { return time.UnixMicro(int64(math.Round(float64(t) * 1e6))).UTC() }

// String is t in RFC 3339.
func (t Time) String() string { return t.Std().Format(time.RFC3339Nano) }

// TimeOf converts t, to the microsecond.
func TimeOf(t time.Time) Time { return Time(float64(t.UnixMicro()) / 1e6) }

var _ fmt.Stringer = Time(0)

// appendDouble appends f as Java's Double.toString writes it: from 0.001 up to
// ten million with a point, everything else as 1.5E-9; always one digit after
// the point; the fewest digits that tell f from its neighbours.
func appendDouble(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if size := math.Abs(f); f == 0 || 1e-3 <= size && size < 1e7 {
		start := len(b)
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
		for _, c := range b[start:] {
			if c == '.' {
				return b
			}
		}
		return append(b, '.', '0')
	}
	var digits [32]byte // d[.ddd]e±dd
	mantissa, exponent, _ := strings.Cut(string(strconv.AppendFloat(digits[:0], f, 'e', -1, 64)), "e")
	b = append(b, mantissa...)
	if !strings.Contains(mantissa, ".") {
		b = append(b, '.', '0')
	}
	b = append(b, 'E')
	power, _ := strconv.Atoi(exponent)
	return strconv.AppendInt(b, int64(power), 10)
}

// Count is a number of things, as daemons count them. X-Ray: fractions are cut
// off, and what is larger than an Integer is the largest one.
type Count int32

// UnmarshalJSON reads a number.
func (c *Count) UnmarshalJSON(text []byte) error {
	var f float64
	if err := json.Unmarshal(text, &f); err != nil {
		return serialization(&json.UnmarshalTypeError{Value: kindOf(text), Type: reflect.TypeFor[int32]()})
	}
	*c = Count(max(math.MinInt32, min(math.MaxInt32, f)))
	return nil
}

// kindOf names the kind of a JSON value as encoding/json does.
func kindOf(text []byte) string {
	switch text[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	default:
		return "bool"
	}
}
