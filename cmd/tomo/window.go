package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tomotrace/tomo/api"
)

// windowFlags choose a time range.
type windowFlags struct {
	Since time.Duration `help:"How far back to look from the end, such as 15m, 6h or 2d." default:"1h"`
	From  string        `help:"Begin of the time range instead: RFC 3339 or epoch seconds." placeholder:"TIME"`
	To    string        `help:"End of the time range; now if it is left out." placeholder:"TIME"`
}

// window is the range that the flags say. The end is a second ahead of now:
// what was sent this moment is meant too.
func (f *windowFlags) window(now time.Time) (from, to api.Time, err error) {
	end := now.Add(time.Second)
	if f.To != "" {
		if end, err = parseTime(f.To); err != nil {
			return 0, 0, err
		}
	}
	begin := end.Add(-f.Since)
	if f.From != "" {
		if begin, err = parseTime(f.From); err != nil {
			return 0, 0, err
		}
	}
	if end.Before(begin) {
		return 0, 0, fmt.Errorf("the time range ends before it begins")
	}
	return api.TimeOf(begin), api.TimeOf(end), nil
}

func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return api.Time(seconds).Std(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2026-01-02T15:04:05Z or 1767366245", text)
}

// clock writes a time of an answer for people.
func clock(t api.Time) string { return t.Std().Format("2006-01-02 15:04:05.000Z") }
