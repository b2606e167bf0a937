package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/tomotrace/tomo/api"
)

type lossesCmd struct {
	endpointFlag
	Limit int  `help:"How many cases to list at most; the server keeps 1,000." default:"50"`
	JSON  bool `name:"json" help:"Write the answer as JSON."`
}

func (c *lossesCmd) Help() string {
	return `Nothing vanishes silently: counts what was sent and is not, or no longer, to
be seen since the server started, and lists the latest cases.`
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

func writeLosses(w io.Writer, losses *api.Losses, limit int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	reasons := make([]string, 0, len(losses.Counts))
	for reason := range losses.Counts {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	fmt.Fprintln(t, "DOCUMENTS\tSINCE THE START")
	for _, reason := range reasons {
		fmt.Fprintf(t, "%d\t%s\n", losses.Counts[reason], reason)
	}
	if len(losses.Recent) > 0 {
		fmt.Fprintln(t, "\nTIME\tSOURCE\tREASON\tID\tTRACE\tDETAIL")
	}
	for _, l := range losses.Recent[:min(len(losses.Recent), max(0, limit))] {
		reason := l.Reason
		if l.Code != "" {
			reason += " " + l.Code
		}
		if l.Count > 1 {
			reason += fmt.Sprintf(" ×%d", l.Count)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Time.Std().Format("2006-01-02 15:04:05.000Z"),
			printable(l.Source), printable(reason), printable(l.ID), printable(l.Trace), printable(l.Detail))
	}
	return t.Flush()
}
