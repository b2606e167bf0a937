package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tomotrace/tomo/api"
)

// windowFlags choose a time range. A command that does not begin an hour back says
// so with the tag set:"since=…".
type windowFlags struct {
	Since time.Duration `help:"How far back to look from the end, such as 15m, 6h or 2d." default:"${since}"`
	From  *moment       `help:"Begin of the time range instead: RFC 3339, 2026-01-02 15:04 or 2026-01-02 in UTC, or epoch seconds." placeholder:"TIME"`
	To    *moment       `help:"End of the time range; now if it is left out." placeholder:"TIME"`
}

// window is the range that the flags say. The end is a second ahead of now:
// what was sent this moment is meant too.
func (f *windowFlags) window(now time.Time) (from, to api.Time, err error) {
	end := now.Add(time.Second)
	if f.To != nil {
		end = f.To.Time
	}
	begin := end.Add(-f.Since)
	if f.From != nil {
		begin = f.From.Time
	}
	if end.Before(begin) {
		return 0, 0, fmt.Errorf("the time range ends (%s) before it begins (%s)", clock(api.TimeOf(end)), clock(api.TimeOf(begin)))
	}
	return api.TimeOf(begin), api.TimeOf(end), nil
}

// moment is a time on the command line. One that names no zone is in UTC, as
// all times are that are written.
type moment struct{ time.Time }

// lastSecond is the end of the year 9999, of which a time is at most, in seconds
// since the epoch. Times in milliseconds lie beyond.
const lastSecond = 253402300799

// UnmarshalText reads a time as the help of the flags says, and with seconds or
// a T where it can have them.
func (m *moment) UnmarshalText(text []byte) error {
	if seconds, err := strconv.ParseFloat(string(text), 64); err == nil {
		if !(seconds >= 0 && seconds <= lastSecond) {
			return fmt.Errorf("%q is not a time in seconds since 1970, from 0 to %d", text, int64(lastSecond))
		}
		m.Time = api.Time(seconds).Std()
		return nil
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02",
	} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			m.Time = at
			return nil
		}
	}
	return fmt.Errorf("%q is not a time such as 2026-01-02T15:04:05Z, 2026-01-02 15:04 or 1767366245", text)
}

// clock writes a time of an answer for people.
func clock(t api.Time) string { return t.Std().Format("2006-01-02 15:04:05.000Z") }
