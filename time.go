package tomo

import (
	"math"
	"time"
)

// Time is a moment in microseconds since the Unix epoch: what segment
// documents write as seconds with a fraction. It is an integer so that times
// compare and sort exactly; documents keep the digits they came with.
type Time int64

// TimeOf converts t.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Seconds converts the epoch seconds of the JSON shapes, rounded to the
// microsecond.
func Seconds(s float64) Time { return Time(math.Round(s * 1e6)) }

// Std converts to the standard library's form, in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Seconds is t as the epoch seconds of the JSON shapes.
func (t Time) Seconds() float64 { return float64(t) / 1e6 }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

// Add is t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d/time.Microsecond) }

// Second is the whole second that t lies in.
func (t Time) Second() Time { return t.floor(1e6) }

// StartOfMinute is the whole minute that t lies in.
func (t Time) StartOfMinute() Time { return t.floor(Minute) }

func (t Time) floor(unit Time) Time {
	r := t % unit
	if r < 0 {
		r += unit
	}
	return t - r
}

// TimeRange is the half-open range of moments [Start, End).
type TimeRange struct{ Start, End Time }

// Minute is the length of a minute.
const Minute = Time(60e6)

// Always is the range that holds every moment.
var Always = TimeRange{Start: math.MinInt64, End: math.MaxInt64}

// Contains reports whether t lies in r.
func (r TimeRange) Contains(t Time) bool { return r.Start <= t && t < r.End }

// Overlaps reports whether r holds a moment of [first, last], both inclusive.
func (r TimeRange) Overlaps(first, last Time) bool { return first < r.End && r.Start <= last }

// RangeType says which moment of a trace a time range is held against.
type RangeType uint8

const (
	// ByTraceID selects traces by their earliest start. The service calls it
	// TraceId and documents the time inside the id; it was seen to use the start.
	ByTraceID RangeType = iota
	// ByEvent selects traces by the receipt of their latest change.
	ByEvent
	// ByService selects traces by the ends of their segments, the range opened
	// a minute early, as the service was seen to answer.
	ByService
)

// Window is a question's time range and what it is held against.
type Window struct {
	TimeRange
	By RangeType
}
