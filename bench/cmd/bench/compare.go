package main

import (
	"context"
	"slices"

	"github.com/tomotrace/tomo/bench/load"
	"github.com/tomotrace/tomo/bench/server"
)

// compare runs the floor and Tomo in turn.
func compare(ctx context.Context, args []string) error {
	var o options
	f := o.flags("compare", 200_000)
	rounds := f.Int("rounds", 5, "rounds of floor and tomo")
	rate := f.Float64("rate", 0, "segments a second; 0: as fast as they are taken")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	var r report
	var err error
	if r.Compare, err = compareRounds(ctx, &o, *rounds, *rate); err != nil {
		return err
	}
	r.print()
	return r.save(o.json)
}

// comparison holds runs of the floor and of Tomo, taken in turn so that what
// else the machine does falls on both.
type comparison struct {
	Floor []ingestRun `json:"floor"`
	Tomo  []ingestRun `json:"tomo"`
	// RatioOfMedians is Tomo's median CPU time a segment by the floor's.
	RatioOfMedians float64 `json:"ratio_of_medians"`
	// Ratios are those of each round, and MedianRatio the median of them.
	Ratios      []float64 `json:"ratios"`
	MedianRatio float64   `json:"median_ratio"`
}

// compareRounds sends the same segments to fresh servers, round after round.
func compareRounds(ctx context.Context, o *options, rounds int, rate float64) (*comparison, error) {
	below, err := floorProgram()
	if err != nil {
		return nil, err
	}
	tomo, err := o.tomoProgram()
	if err != nil {
		return nil, err
	}
	progress("building %d segments", o.segments)
	l := load.Build(o.generator(o.segments), o.segments, o.batch)
	c := new(comparison)
	for i := range rounds {
		progress("round %d of %d", i+1, rounds)
		for _, side := range []struct {
			program *server.Program
			runs    *[]ingestRun
		}{{&below, &c.Floor}, {&tomo, &c.Tomo}} {
			r, err := driveHTTP(ctx, o, side.program, l, rate)
			if err != nil {
				return nil, err
			}
			*side.runs = append(*side.runs, r)
		}
		c.Ratios = append(c.Ratios, c.Tomo[i].CPUMillion/c.Floor[i].CPUMillion)
	}
	cost := func(r ingestRun) float64 { return r.CPUMillion }
	c.RatioOfMedians = medianOf(c.Tomo, cost) / medianOf(c.Floor, cost)
	c.MedianRatio = median(c.Ratios)
	return c, nil
}

// medianOf is the median of one figure of several runs.
func medianOf[R any](runs []R, figure func(R) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return median(values)
}

// median is the middle of the values, or the mean of the two in the middle. It
// leaves them as they are.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
