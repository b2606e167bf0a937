package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// entity is what of a shown segment or subsegment the waterfall draws.
type entity struct {
	ID          string   `json:"id"`
	Parent      string   `json:"parent_id"`
	Name        string   `json:"name"`
	Origin      string   `json:"origin"`
	Namespace   string   `json:"namespace"`
	Start       float64  `json:"start_time"` // epoch seconds
	End         float64  `json:"end_time"`
	InProgress  bool     `json:"in_progress"`
	Inferred    bool     `json:"inferred"`
	Fault       bool     `json:"fault"`
	Error       bool     `json:"error"`
	Throttle    bool     `json:"throttle"`
	HTTP        httpPart `json:"http"`
	Subsegments []entity `json:"subsegments"`
}

type httpPart struct {
	Response struct {
		Status int `json:"status"`
	} `json:"response"`
}

// row is one line of the waterfall.
type row struct {
	*entity
	depth int
}

// rows puts the segments of a trace in order of reading: a callee below the
// subsegment that called it, what began earlier first. A segment whose caller
// is not in the trace stands at the left edge.
func rows(segments []entity) []row {
	known := map[string]bool{}
	var note func(list []entity)
	note = func(list []entity) {
		for i := range list {
			known[list[i].ID] = true
			note(list[i].Subsegments)
		}
	}
	note(segments)

	callees := map[string][]*entity{} // by the id of the entity that called
	var roots []*entity
	for i := range segments {
		s := &segments[i]
		if s.Parent != "" && s.Parent != s.ID && known[s.Parent] {
			callees[s.Parent] = append(callees[s.Parent], s)
		} else {
			roots = append(roots, s)
		}
	}

	var all []row
	drawn := map[*entity]bool{}
	var walk func(list []*entity, depth int)
	walk = func(list []*entity, depth int) {
		slices.SortStableFunc(list, func(a, b *entity) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
		})
		for _, e := range list {
			if drawn[e] {
				continue
			}
			drawn[e] = true
			all = append(all, row{e, depth})
			below := slices.Clone(callees[e.ID])
			for i := range e.Subsegments {
				below = append(below, &e.Subsegments[i])
			}
			walk(below, depth+1)
		}
	}
	walk(roots, 0)
	// Segments that call each other in a circle have no root to start from.
	for i := range segments {
		walk([]*entity{&segments[i]}, 0)
	}
	return all
}

// parseSegments reads the documents of a trace as they are shown.
func parseSegments(documents []string) ([]entity, error) {
	segments := make([]entity, len(documents))
	for i, d := range documents {
		if err := json.Unmarshal([]byte(d), &segments[i]); err != nil {
			return nil, fmt.Errorf("reading a segment of the answer: %w", err)
		}
	}
	return segments, nil
}

// drawWaterfall writes one line for each entity: name, outcome, duration and a
// bar on a common scale, in lines of width columns.
func drawWaterfall(w io.Writer, all []row, width int, paint palette) {
	first, last := bounds(all)
	names, states := len("SEGMENT"), len("STATUS")
	for _, r := range all {
		names = max(names, utf8.RuneCountInString(r.label()))
		states = max(states, len(r.state()))
	}
	names = min(names, max(20, width*2/5))
	const durations = 9
	bars := max(12, width-names-states-durations-6)

	span := shortDuration(last - first)
	fmt.Fprintf(w, "%-*s  %-*s  %*s  0%s\n", names, "SEGMENT", states, "STATUS", durations, "DURATION",
		padLeft(span, bars-1))
	for _, r := range all {
		took := "…"
		if !r.InProgress {
			took = shortDuration(r.End - r.Start)
		}
		fmt.Fprintf(w, "%s  %s  %s  %s\n",
			padRight(cut(r.label(), names), names),
			paint.outcome(r.entity, fmt.Sprintf("%-*s", states, r.state())),
			padLeft(took, durations),
			strings.TrimRight(paint.outcome(r.entity, r.bar(first, last, bars)), " "))
	}
}

// bounds is the earliest start and the latest end drawn. Starts at 0 stand for
// "unknown" and would squeeze everything else.
func bounds(all []row) (first, last float64) {
	for _, r := range all {
		if r.Start > 0 && (first == 0 || r.Start < first) {
			first = r.Start
		}
		last = max(last, r.Start, r.End)
	}
	return first, max(first, last)
}

func (r row) label() string {
	label := strings.Repeat("  ", r.depth) + printable(r.Name)
	switch {
	case r.Origin != "":
		label += " (" + printable(r.Origin) + ")"
	case r.Namespace == "remote":
		label += " →"
	}
	return label
}

// state says how it ended, in the words of X-Ray.
func (e *entity) state() string {
	var words []string
	if e.HTTP.Response.Status != 0 {
		words = append(words, fmt.Sprint(e.HTTP.Response.Status))
	}
	switch {
	case e.Fault:
		words = append(words, "fault")
	case e.Throttle:
		words = append(words, "throttle")
	case e.Error:
		words = append(words, "error")
	}
	if e.InProgress {
		words = append(words, "in progress")
	}
	if e.Inferred {
		words = append(words, "inferred")
	}
	return strings.Join(words, " ")
}

// bar draws where [Start, End] lies in [first, last]: full blocks, light ones
// for what was inferred, an open end for what is still in progress. Everything
// is at least one column wide.
func (r row) bar(first, last float64, width int) string {
	if last <= first {
		last = first + 1e-6
	}
	column := func(t float64) int {
		return min(width, max(0, int((t-first)/(last-first)*float64(width)+0.5)))
	}
	end := r.End
	if r.InProgress {
		end = last
	}
	from := min(column(r.Start), width-1)
	to := max(from+1, column(end))
	block := "█"
	switch {
	case r.InProgress:
		block = "░"
	case r.Inferred:
		block = "▒"
	}
	return strings.Repeat(" ", from) + strings.Repeat(block, to-from)
}

// shortDuration writes seconds with three digits that matter, however many they
// are: clients can send any. The bounds are where rounding comes to the next unit.
func shortDuration(seconds float64) string {
	const day = 24 * 60 * 60
	switch {
	case seconds < 0:
		return "-" + shortDuration(-seconds)
	case seconds < 0.0009995:
		return fmt.Sprintf("%.0f µs", seconds*1e6)
	case seconds < 0.00995:
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	case seconds < 0.9995:
		return fmt.Sprintf("%.0f ms", seconds*1e3)
	case seconds < 59.995:
		return fmt.Sprintf("%.2f s", seconds)
	case seconds < 2*day:
		return time.Duration(seconds * 1e9).Round(time.Second).String()
	}
	return fmt.Sprintf("%.0f days", seconds/day)
}

// printable keeps a client's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, s)
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func padRight(s string, n int) string { return s + strings.Repeat(" ", max(0, n-shownLength(s))) }

func padLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-shownLength(s))) + s }

// shownLength is how many columns a text takes, without the colours that a
// palette gave it.
func shownLength(s string) (n int) {
	for {
		before, rest, coloured := strings.Cut(s, "\x1b[")
		n += utf8.RuneCountInString(before)
		if !coloured {
			return n
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}
