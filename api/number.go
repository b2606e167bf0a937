package api

import (
	"fmt"
	"math"
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

// parseTime reads a string that holds a number of seconds, or a moment in the
// form of RFC 3339.
func parseTime(text string) (t Time, ok bool) {
	text = strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return Time(f), true
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return TimeOf(at), true
	}
	return 0, false
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

// Count is a number of things, as daemons count them.
type Count int32
