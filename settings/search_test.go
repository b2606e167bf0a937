package settings_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/settings"
)

// TestIndexing changes what is indexed and asks about traces of each time.
func TestIndexing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	wantError(t, "a foreign rule", w.SetIndexedPercentage(ctx, "mine", 5), tomo.NotFound, `no indexing rule "mine"`)
	for _, wrong := range []float64{-0.1, 100.1, math.NaN(), math.Inf(1)} {
		wantError(t, "a wrong share", w.SetIndexedPercentage(ctx, "Default", wrong), tomo.Invalid, "not from 0 to 100")
	}
	wantError(t, "the same destination", w.SetDestination(ctx, settings.DestinationXRay), tomo.Invalid, "is XRay already")
	steps := []struct {
		change func() error
		share  float64 // from then on
	}{
		{func() error { return nil }, 100},
		{func() error { return w.SetIndexedPercentage(ctx, "Default", 40) }, 100}, // counts for the other destination
		{func() error { return w.SetDestination(ctx, settings.DestinationLogs) }, 40},
		{func() error { return w.SetIndexedPercentage(ctx, "Default", 5) }, 5},
		{func() error { return w.SetIndexedPercentage(ctx, "Default", 0) }, 0},
		{func() error { return w.SetDestination(ctx, settings.DestinationXRay) }, 100},
	}
	var times []tomo.Time
	for i, step := range steps {
		w.now = w.now.Add(time.Hour)
		if err := step.change(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		times = append(times, tomo.TimeOf(w.now))
	}
	w.restart()

	random := rand.New(rand.NewPCG(1, 2))
	const traces = 20_000
	found := make([]int, len(steps))
	for range traces {
		var s tomo.Position
		for i := range s.ID {
			s.ID[i] = byte(random.Uint32())
		}
		in40 := false
		for i := range steps {
			s.Start = times[i]
			has := w.Indexing().Has(s)
			if has {
				found[i]++
			}
			switch i {
			case 2:
				in40 = has
			case 3:
				if has && !in40 {
					t.Fatal("a trace of the 5 percent is none of the 40 percent")
				}
			}
		}
	}
	for i, step := range steps {
		want := step.share / 100 * traces
		if off := math.Abs(float64(found[i]) - want); off > 5*math.Sqrt(want*(1-step.share/100))+1e-9 {
			t.Errorf("step %d: %d of %d traces indexed, want %g %%", i, found[i], traces, step.share)
		}
	}
	if x := w.Indexing(); x.Percentage != 0 || x.Destination != settings.DestinationXRay || x.RuleChanged != times[4] || x.All() {
		t.Errorf("after a restart: %+v", x)
	}
}
