package daemon

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// The waits between tries to reach an upstream that is away.
const (
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 30 * time.Second

	// longestRetryAfter bounds what an upstream can ask for.
	longestRetryAfter = 5 * time.Minute
)

// gate is what all uploads to an upstream pass. While the upstream is away it
// lets one through at a time, after a pause that doubles, so that neither side
// is busy with failing.
type gate struct {
	mu         sync.Mutex // guards what follows
	failures   int        // in a row; 0: open
	until      time.Time  // when the next one may try
	probing    bool       // it is trying
	generation int        // counts openings and closings
	changed    chan struct{}
}

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// open is whether nothing keeps uploads from being tried.
func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures == 0
}

// enter waits until an upload may be tried. It returns the generation, for
// failed and withdrawn.
func (g *gate) enter(ctx context.Context) (generation int, err error) {
	for {
		g.mu.Lock()
		if err := ctx.Err(); err != nil {
			g.mu.Unlock()
			return 0, err
		}
		wait := time.Until(g.until)
		if g.failures == 0 {
			wait = 0
		}
		if wait <= 0 && (g.failures == 0 || !g.probing) {
			g.probing = g.failures > 0
			generation = g.generation
			g.mu.Unlock()
			return generation, nil
		}
		changed := g.changed
		var timer *time.Timer
		var due <-chan time.Time
		if !g.probing {
			timer = time.NewTimer(wait)
			due = timer.C
		}
		g.mu.Unlock()
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// passed opens the gate.
func (g *gate) passed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures > 0 {
		g.failures, g.probing = 0, false
		g.change()
	}
}

// failed closes the gate, for as long as the upstream asked for or for the
// backoff. Of the uploads that were let through together only the first counts,
// but each may ask for more time.
func (g *gate) failed(generation int, retryAfter time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := time.Now().Add(min(retryAfter, longestRetryAfter))
	if generation != g.generation {
		if retryAfter > 0 && g.failures > 0 && until.After(g.until) {
			g.until = until
			g.wake()
		}
		return
	}
	g.failures++
	g.probing = false
	if retryAfter <= 0 {
		backoff := lastBackoff
		if g.failures < 9 {
			backoff = min(firstBackoff<<(g.failures-1), lastBackoff)
		}
		until = time.Now().Add(backoff/2 + rand.N(backoff/2+1))
	}
	g.until = until
	g.change()
}

// withdrawn says that an upload did not find out anything.
func (g *gate) withdrawn(generation int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if generation == g.generation && g.probing {
		g.probing = false
		g.wake()
	}
}

func (g *gate) change() {
	g.generation++
	g.wake()
}

func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}
