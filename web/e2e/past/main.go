// Command past writes a past into the directory of a server that does not run
// yet: documents as if they had been received then. Service graphs, time series
// and insights count by receipt, so the tests of the console have no other way
// to see an hour of them without waiting for it.
//
// It reads lines of JSON, {"Received": seconds since 1970, "Documents": [text, …]},
// oldest first, puts each through the write path with the clock at that moment,
// and ends when everything is settled. Insights are enabled for the group Default.
// The directory is then what a server leaves behind that ran all the while.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: past DIRECTORY <lines")
		os.Exit(2)
	}
	if err := write(context.Background(), os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// minute is a line.
type minute struct {
	Received  float64
	Documents []string
}

func write(ctx context.Context, dir string, lines io.Reader) (err error) {
	now := time.Now()
	clock := func() time.Time { return now }
	sorter := ingest.NewSorter(slog.Default(), tomo.Limits{})
	store, err := localstore.Open(dir, localstore.Options{Derive: sorter.Summary, Now: clock})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	set, err := settings.Open(ctx, store, settings.Options{Now: clock})
	if err != nil {
		return err
	}
	if _, err := set.UpdateGroup(ctx, settings.GroupRef{Name: "Default"}, settings.GroupUpdate{Insights: settings.Insights{Enabled: new(true)}}); err != nil {
		return err
	}
	sorter.Follow(set)
	pipeline := ingest.New(store, ingest.Options{Sorter: sorter, Now: clock})
	in := json.NewDecoder(bufio.NewReader(lines))
	for {
		var m minute
		if err := in.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("reading a line: %w", err)
		}
		now = time.UnixMicro(int64(m.Received * 1e6))
		docs := make([][]byte, len(m.Documents))
		for i, text := range m.Documents {
			docs[i] = []byte(text)
		}
		refusals, err := pipeline.Accept(ctx, "past", docs)
		if err == nil && len(refusals) > 0 {
			err = fmt.Errorf("%d documents are refused, the first one for %s", len(refusals), refusals[0].Message)
		}
		if err != nil {
			return err
		}
		if err := settle(ctx, pipeline); err != nil {
			return err
		}
	}
	now = now.Add(time.Hour) // everything has been quiet for long
	return settle(ctx, pipeline)
}

// settle settles all that is due.
func settle(ctx context.Context, pipeline *ingest.Pipeline) error {
	for more := true; more; {
		var err error
		if more, err = pipeline.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}
