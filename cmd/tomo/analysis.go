package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/filter"
)

// maxListed is how many values or differences a server lists.
const maxListed = 1000

// analyse counts traces by attributes and compares two sets of them.
func (c *tracesCmd) analyse(ctx context.Context, std *streams, from, to api.Time) error {
	limit := int(c.Limit)
	if limit > maxListed {
		return fmt.Errorf("--limit is at most %d with --by and --compare, not %d", maxListed, limit)
	}
	request := api.AnalysisRequest{StartTime: &from, EndTime: &to, FilterExpression: c.Filter, Compare: c.Compare, Attributes: c.By, Top: limit}
	if c.Compare != nil {
		request.Differences = maxListed // of which those that the filters ask about are not told
		if c.JSON {
			request.Differences = limit
		}
	}
	a, err := c.client().Analyse(ctx, &request)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, a)
	}
	filters := []string{c.Filter}
	if c.Compare != nil {
		filters = append(filters, *c.Compare)
	}
	return writeAnalysis(std.out, a, filters, limit)
}

// writeAnalysis writes what was counted of the sets of so many filters, and up to
// so many of their differences.
func writeAnalysis(w io.Writer, a *api.Analysis, filters []string, limit int) error {
	if a.TotalCount == 0 {
		fmt.Fprintln(w, "No traces in this time.")
		writeDropped(w, a.DroppedCount)
		return nil
	}
	if err := writeSets(w, a, filters); err != nil {
		return err
	}
	for i := range a.Attributes {
		fmt.Fprintln(w)
		if err := writeAttribute(w, &a.Attributes[i]); err != nil {
			return err
		}
	}
	if len(a.Sets) < 2 {
		return nil
	}
	fmt.Fprintln(w)
	return writeDifferences(w, a, filters, limit)
}

// setNames are what sets are called where there are two.
var setNames = []string{"A", "B"}

// writeSets writes a line for each set, and where there are two what they are.
func writeSets(w io.Writer, a *api.Analysis, filters []string) error {
	head := slices.Concat(counted("TRACES"), counted("OK"), counted("FAULTS"), counted("ERRORS"), counted("THROTTLES"), counted("ROOTLESS"),
		[]string{right("P50"), right("P95"), right("P99")})
	if len(a.Sets) > 1 {
		head = slices.Concat([]string{"SET"}, head, []string{"FILTER"})
	}
	t := table{head}
	for i := range a.Sets {
		s := &a.Sets[i]
		line := slices.Concat(
			[]string{fmt.Sprint(s.TotalCount), fmt.Sprintf("of %d", a.TotalCount)}, count(s.OkCount, s.TotalCount), count(s.FaultCount, s.TotalCount), count(s.ErrorCount, s.TotalCount),
			count(s.ThrottleCount, s.TotalCount), count(s.RootlessCount, s.TotalCount), []string{tookAt(s.ResponseTime.P50), tookAt(s.ResponseTime.P95), tookAt(s.ResponseTime.P99)})
		if len(a.Sets) > 1 {
			line = slices.Concat([]string{setNames[i]}, line, []string{filterText(filters[i])})
		}
		t.add(line...)
	}
	if err := t.write(w); err != nil {
		return err
	}
	if len(a.Sets) > 1 {
		fmt.Fprintf(w, "%s in both.\n", plural(int(a.BothCount), "trace"))
	}
	writeDropped(w, a.DroppedCount)
	return nil
}

func tookAt(seconds *api.Double) string {
	if seconds == nil {
		return "-"
	}
	return shortDuration(float64(*seconds))
}

func writeAttribute(w io.Writer, a *api.AnalysisAttribute) error {
	head := []string{strings.ToUpper(printable(a.Name))}
	for i := range a.Sets {
		set := ""
		if len(a.Sets) > 1 {
			set = setNames[i] + ": "
		}
		head = slices.Concat(head, counted(set+"TRACES"), counted(set+"FAULTS"), []string{right(set + "P50"), right(set + "P95")})
	}
	t := table{head}
	for i := range a.Values {
		v := &a.Values[i]
		line := []string{valueText(v.Value)}
		for k := range v.Sets {
			s := &v.Sets[k]
			line = slices.Concat(line, ofSet(s.TotalCount, s.Share), count(s.FaultCount, s.TotalCount), []string{tookAt(s.P50), tookAt(s.P95)})
		}
		t.add(line...)
	}
	if err := t.write(w); err != nil {
		return err
	}
	for i, s := range a.Sets {
		set := ""
		if len(a.Sets) > 1 {
			set = setNames[i] + ": "
		}
		about := ""
		if !a.Complete {
			about = "about "
		}
		if s.LeftCount > 0 {
			fmt.Fprintf(w, "%s%s%s more, %s in all.\n", set, about, plural(int(s.LeftCount), "value"), plural(int(s.LeftValueCount), "time"))
		}
	}
	if a.Eligible != nil && *a.Examined < *a.Eligible {
		fmt.Fprintf(w, "Counted in %d of %s that can have a value.\n", *a.Examined, plural(int(*a.Eligible), "trace"))
	}
	return nil
}

// ofSet is a number with its share of a set, if that is known.
func ofSet(n int64, share *api.Double) []string {
	if n == 0 || share == nil {
		return []string{strconv.FormatInt(n, 10), ""}
	}
	return []string{strconv.FormatInt(n, 10), percent(float64(*share))}
}

func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return printable(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// writeDifferences writes by what the sets differ most, but for what their filters
// ask about: by that they differ because they were chosen so.
func writeDifferences(w io.Writer, a *api.Analysis, filters []string, limit int) error {
	asked := askedAbout(filters)
	var told []string // of what is asked about
	t := table{slices.Concat([]string{"WHAT DIFFERS MOST"}, counted("A"), counted("B"))}
	for i := range a.Differences {
		d := &a.Differences[i]
		switch {
		case asked[d.Attribute] && !slices.Contains(told, d.Attribute):
			told = append(told, d.Attribute)
		case !asked[d.Attribute] && len(t) <= limit:
			t.add(slices.Concat([]string{printable(d.FilterExpression)}, ofSet(d.Counts[0], &d.Shares[0]), ofSet(d.Counts[1], &d.Shares[1]))...)
		}
	}
	switch {
	case len(t) > 1:
		if err := t.write(w); err != nil {
			return err
		}
	case len(told) == 0:
		fmt.Fprintf(w, "Nothing differs by more than chance, of %s compared.\n", plural(a.Compared, "value"))
	default:
		fmt.Fprintf(w, "Nothing else differs by more than chance, of %s compared.\n", plural(a.Compared, "value"))
	}
	if len(told) > 0 {
		fmt.Fprintf(w, "Left out, because the filters ask about it: %s.\n", printable(strings.Join(told, ", ")))
	}
	return nil
}

// askedAbout are the attributes that filters ask about of the trace as a whole, by
// the names that an analysis has for them.
func askedAbout(filters []string) map[string]bool {
	asked := map[string]bool{}
	field := func(f filter.Field) {
		switch {
		case slices.Contains([]string{"ok", "error", "throttle", "fault"}, f.Keyword):
			asked["outcome"] = true
		case f.Key != "":
			asked[f.Keyword+"["+f.Key+"]"] = true
		default:
			asked[f.Keyword] = true
		}
	}
	for _, text := range filters {
		e, err := filter.Parse(text)
		if err != nil {
			continue // the server may know more of the language
		}
		for term := range filter.Terms(e) {
			switch term := term.(type) {
			case filter.Compare:
				field(term.Field)
			case filter.Set:
				field(term.Field)
			}
		}
	}
	return asked
}
