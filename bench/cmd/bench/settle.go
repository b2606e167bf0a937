package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
)

// settling measures what groups add to the settling of traces.
func settling(ctx context.Context, args []string) error {
	var o options
	f := o.flags("settle", 400_000)
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	s, err := measureSettling(ctx, &o)
	if err != nil {
		return err
	}
	r := report{Settling: s}
	r.print()
	return r.save(o.json)
}

// settlingRun is the processor time that settling took, a round of the same
// traces without and with groups in turn.
type settlingRun struct {
	Segments int   `json:"segments"` // a round
	Groups   int   `json:"groups"`   // beside Default
	Without  times `json:"without_groups_ms"`
	With     times `json:"with_groups_ms"`
	Ratios   times `json:"ratios"` // of the rounds
}

// maxSettling is what groups may cost, by what settling costs without.
const maxSettling = 1.25

// roundSegments is how much is settled at once: what becomes due in a second at
// full speed.
const roundSegments = 40_000

func measureSettling(ctx context.Context, o *options) (*settlingRun, error) {
	var stores [2]*embedded
	for i := range stores {
		dir, err := os.MkdirTemp(o.dir, "bench-settle-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		if stores[i], err = openEmbedded(ctx, dir); err != nil {
			return nil, err
		}
		defer stores[i].close()
	}
	groups := manyGroups()
	for i, text := range groups {
		if _, err := stores[1].group(ctx, fmt.Sprintf("group-%d", i), text); err != nil {
			return nil, err
		}
	}
	s := &settlingRun{Segments: roundSegments, Groups: len(groups)}
	g := gen.New(o.seed, time.Now().Add(-span), span/time.Duration(max(1, o.segments/4)))
	for round := range max(1, o.segments/roundSegments) {
		progress("settling round %d", round)
		took := [2]float64{}
		docs := make([][]byte, 0, roundSegments)
		for range roundSegments {
			docs = append(docs, g.Next().Text)
		}
		for k := range stores {
			which := (k + round) % 2 // neither is always the first
			e := stores[which]
			e.now = time.Now()
			for part := range slices.Chunk(docs, 500) {
				if err := e.accept(ctx, part); err != nil {
					return nil, err
				}
			}
			e.now = e.now.Add(time.Hour)
			before := cpuTime()
			if err := e.settle(ctx); err != nil {
				return nil, err
			}
			took[which] = millis(cpuTime() - before)
			if err := e.store.Maintain(ctx); err != nil {
				return nil, err
			}
		}
		s.Without, s.With, s.Ratios = append(s.Without, took[0]), append(s.With, took[1]), append(s.Ratios, took[1]/took[0])
	}
	for _, t := range []times{s.Without, s.With, s.Ratios} {
		slices.Sort(t)
	}
	return s, nil
}

// print writes the figures.
func (s *settlingRun) print() {
	w := table("settling, CPU µs a segment\tleast\tmedian\tmost\t")
	for _, row := range []struct {
		name string
		t    times
	}{{"without groups", s.Without}, {fmt.Sprintf("with %d groups and Default", s.Groups), s.With}} {
		µs := func(ms float64) float64 { return ms * 1e3 / float64(s.Segments) }
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t\n", row.name, µs(row.t.quantile(0)), µs(row.t.quantile(0.5)), µs(row.t.quantile(1)))
	}
	fmt.Fprintf(w, "ratio of the rounds\t%.2f\t%.2f\t%.2f\t\n", s.Ratios.quantile(0), s.Ratios.quantile(0.5), s.Ratios.quantile(1))
	w.Flush()
	fmt.Printf("\ntarget ≤ %.2f: %s\n", maxSettling, verdict(s.Ratios.quantile(0.5) <= maxSettling))
}
