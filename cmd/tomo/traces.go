package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type tracesCmd struct {
	windowFlags
	endpointFlag
	Filter  string   `help:"Filter expression that the traces match, such as 'service(\"shop\") { fault } AND duration > 1'."`
	By      []string `help:"Count the traces by the values of an attribute instead, such as service, http.status, user or annotation.tier. It may be given several times." placeholder:"ATTRIBUTE" sep:"none"`
	Compare *string  `help:"Tell by what the traces that match this expression differ from those of --filter." placeholder:"FILTER"`
	Limit   howMany  `help:"How many traces to list at most, or values of each attribute and differences, of which 1,000 can be told." default:"50"`
	JSON    bool     `name:"json" help:"Write one summary of GetTraceSummaries a line, or what was counted."`
}

// howMany is a number from 1 on.
type howMany int

// UnmarshalText reads a number.
func (n *howMany) UnmarshalText(text []byte) error {
	i, err := strconv.Atoi(string(text))
	if err != nil || i < 1 {
		return fmt.Errorf("%q is not a number from 1 on", text)
	}
	*n = howMany(i)
	return nil
}

func (c *tracesCmd) Help() string {
	return `Lists traces, newest first. With --by it counts all that match by the values
of attributes, and with --compare it tells what the traces of two expressions
have more often than each other, chance left out: first what differs most. What
the expressions ask about themselves is left out, too.`
}

func (c *tracesCmd) Run(ctx context.Context, std *streams) error {
	from, to, err := c.window(time.Now())
	if err != nil {
		return err
	}
	if len(c.By) > 0 || c.Compare != nil {
		return c.analyse(ctx, std, from, to)
	}
	var list []api.TraceSummary
	total, dropped, more := int64(0), int64(0), false
	request := api.GetTraceSummariesRequest{StartTime: &from, EndTime: &to, FilterExpression: c.Filter}
	for {
		page, err := c.client().GetTraceSummaries(ctx, &request)
		if err != nil {
			return err
		}
		list, total, dropped = append(list, page.TraceSummaries...), page.TracesProcessedCount, page.Dropped
		request.NextToken = value(page.NextToken)
		if more = request.NextToken != ""; !more || len(list) >= int(c.Limit) {
			break
		}
	}
	if len(list) > int(c.Limit) {
		list, more = list[:c.Limit], true
	}
	if c.JSON {
		for i := range list {
			if err := writeJSON(std.out, &list[i]); err != nil {
				return err
			}
		}
		writeDropped(std.err, dropped)
		return nil
	}
	if err := c.write(std.out, list, more, total); err != nil {
		return err
	}
	writeDropped(std.out, dropped)
	return nil
}

// write lists the traces and says how many of the time's total they are, and
// whether there are more to list.
func (c *tracesCmd) write(w io.Writer, list []api.TraceSummary, more bool, total int64) error {
	switch {
	case total == 0:
		fmt.Fprintln(w, "No traces in this time.")
		return nil
	case len(list) == 0:
		fmt.Fprintf(w, "No match among %s in this time.\n", plural(int(total), "trace"))
		return nil
	}
	paint := paletteFor(w)
	t := table{{"STARTED", "TRACE", right("TOOK"), "STATUS", "ENTRY", "REQUEST"}}
	for i := range list {
		s := &list[i]
		t.add(clock(s.StartTime), s.ID, tookOf(s), statusOf(s, paint), entryOf(s), requestOf(&s.HTTP))
	}
	if err := t.write(w); err != nil {
		return err
	}
	switch n := int64(len(list)); {
	case more && c.Filter == "":
		fmt.Fprintf(w, "The newest %d of %s in this time. --limit shows more.\n", n, plural(int(total), "trace"))
	case more:
		fmt.Fprintf(w, "The newest %d that match, among %s in this time. --limit shows more.\n", n, plural(int(total), "trace"))
	case n < total:
		fmt.Fprintf(w, "%d of %s match.\n", n, plural(int(total), "trace"))
	}
	return nil
}

func tookOf(s *api.TraceSummary) string {
	switch {
	case s.ResponseTime != nil:
		return shortDuration(float64(*s.ResponseTime))
	case s.Duration != nil:
		return shortDuration(float64(*s.Duration))
	}
	return "…"
}

func statusOf(s *api.TraceSummary, paint palette) string {
	var words []string
	if s.HTTP.HTTPStatus != nil {
		words = append(words, fmt.Sprint(*s.HTTP.HTTPStatus))
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{{s.HasFault, "fault"}, {s.HasThrottle, "throttle"}, {s.HasError, "error"}, {s.IsPartial, "partial"}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	return paint.outcome(&entity{Fault: s.HasFault, Throttle: s.HasThrottle, Error: s.HasError}, strings.Join(words, " "))
}

func entryOf(s *api.TraceSummary) string {
	if s.EntryPoint == nil {
		return "-"
	}
	return printable(s.EntryPoint.Name)
}

func requestOf(h *api.HTTP) string {
	var parts []string
	for _, part := range []*string{h.HTTPMethod, h.HTTPURL} {
		if part != nil {
			parts = append(parts, printable(*part))
		}
	}
	return strings.Join(parts, " ")
}
