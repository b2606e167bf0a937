package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tomotrace/tomo/api"
)

type lossesCmd struct {
	endpointFlag
	Limit uint `help:"How many cases to list at most; the server keeps 1,000." default:"50"`
	JSON  bool `name:"json" help:"Write the answer as JSON."`
}

func (c *lossesCmd) Help() string {
	return `Nothing vanishes silently: counts what was sent and is not, or no longer, to
be seen since the server started, and lists the latest cases. What keep rules
dropped after it was counted is told by tomo keep, and below lists of traces,
graphs and series.`
}

func (c *lossesCmd) Run(ctx context.Context, std *streams) error {
	losses, err := c.client().Losses(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, losses)
	}
	return writeLosses(std.out, losses, c.Limit)
}

func writeLosses(w io.Writer, losses *api.Losses, limit uint) error {
	counts := table{{right("DOCUMENTS"), "SINCE THE START"}}
	for _, reason := range slices.Sorted(maps.Keys(losses.Counts)) {
		counts.add(fmt.Sprint(losses.Counts[reason]), reason)
	}
	if err := counts.write(w); err != nil || len(losses.Recent) == 0 || limit == 0 {
		return err
	}
	fmt.Fprintln(w)
	cases := table{{"TIME", "SOURCE", "REASON", "ID", "TRACE", "DETAIL"}}
	for _, l := range losses.Recent[:min(uint(len(losses.Recent)), limit)] {
		reason := l.Reason
		if l.Code != "" {
			reason += " " + l.Code
		}
		if l.Count > 1 {
			reason += fmt.Sprintf(" ×%d", l.Count)
		}
		cases.add(clock(l.Time), printable(l.Source), printable(reason), printable(l.ID), printable(l.Trace), printable(l.Detail))
	}
	return cases.write(w)
}
