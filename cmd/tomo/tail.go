package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type tailCmd struct {
	endpointFlag
	Filter string        `help:"Filter expression that the traces match."`
	Since  time.Duration `help:"How far back to begin, such as 30s or 5m." default:"0s"`
	Count  uint          `help:"End after so many traces; 0 never ends." default:"0"`
	JSON   bool          `name:"json" help:"Write one summary of GetTraceSummaries a line."`
}

func (c *tailCmd) Help() string {
	return `Prints traces as they come, until interrupted. A trace is printed again when
something was received for it in a later second. While the server is away it
waits for it, and goes on where it was.`
}

const (
	// tailEvery is how often the server is asked.
	tailEvery = 500 * time.Millisecond
	// tailOverlap is how much of the time that was asked about before is asked
	// about again: a document is stamped a little before it can be read.
	tailOverlap = 5 * time.Second
)

func (c *tailCmd) Run(ctx context.Context, std *streams) error {
	from := time.Now().Add(-c.Since)
	printed := map[string]int{} // trace id → revision that was printed
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	answered, away := false, false
	for n := uint(0); ; {
		asked := time.Now()
		fresh, err := c.received(ctx, from, printed)
		switch {
		case ctx.Err() != nil:
			return nil // that is how it ends
		case err != nil && !(answered && passes(err)):
			return err
		case err != nil && !away:
			fmt.Fprintf(std.err, "tomo: %v; it will be asked again\n", err)
		}
		away, answered = err != nil, true
		for i := range fresh {
			if err := c.print(std, &fresh[i]); err != nil {
				return err
			}
			if n++; n == c.Count {
				return nil
			}
		}
		if !away {
			from = later(from, asked.Add(-tailOverlap))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// passes reports whether a later answer may be another: nobody answered, or a
// server with too much to do.
func passes(err error) bool {
	var refused *api.Error
	return !errors.As(err, &refused) || refused.Status >= http.StatusInternalServerError || refused.Status == http.StatusTooManyRequests
}

// received asks for what was received since a moment and gives what was not
// printed yet, oldest first. It keeps in printed what may be answered again, and
// no more.
func (c *tailCmd) received(ctx context.Context, from time.Time, printed map[string]int) ([]api.TraceSummary, error) {
	begin, end := api.TimeOf(from), api.TimeOf(time.Now().Add(time.Second))
	request := api.GetTraceSummariesRequest{StartTime: &begin, EndTime: &end, TimeRangeType: api.TimeRangeEvent, FilterExpression: c.Filter}
	var fresh []api.TraceSummary
	answered := map[string]bool{}
	for {
		page, err := c.client().GetTraceSummaries(ctx, &request)
		if err != nil {
			return nil, err
		}
		for _, s := range page.TraceSummaries {
			answered[s.ID] = true
			if printed[s.ID] < s.Revision {
				printed[s.ID] = s.Revision
				fresh = append(fresh, s)
			}
		}
		if request.NextToken = value(page.NextToken); request.NextToken == "" {
			break
		}
	}
	for id := range printed {
		if !answered[id] {
			delete(printed, id)
		}
	}
	slices.Reverse(fresh) // the server tells the newest first
	return fresh, nil
}

func (c *tailCmd) print(std *streams, s *api.TraceSummary) error {
	if c.JSON {
		return writeJSON(std.out, s)
	}
	_, err := fmt.Fprintln(std.out, strings.TrimRight(fmt.Sprintf("%s  %s  %7s  %s  %s  %s",
		clock(s.StartTime), s.ID, tookOf(s), padRight(statusOf(s, paletteFor(std.out)), 12), entryOf(s), requestOf(&s.HTTP)), " "))
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
