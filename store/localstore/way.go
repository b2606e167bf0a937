package localstore

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// way lets those who ask go first. What runs in the background, settling,
// merging and counting ahead, would take the processors for long, and a question
// that takes 10 ms would wait several times for its turn.
type way struct {
	asking atomic.Int32 // questions under way

	mu    sync.Mutex    // guards what follows
	free  chan struct{} // closed when nobody asks any more; nil: nobody waits for it
	until time.Time     // till when the background works, because it has rested
}

// rest is how long the background stops at most, at a time. Then it works for as
// long as it rested, so that it goes on at half its speed whatever is asked.
const rest = 10 * time.Millisecond

func (w *way) ask() { w.asking.Add(1) }

func (w *way) answered() {
	if w.asking.Add(-1) > 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.free != nil {
		close(w.free)
		w.free = nil
	}
}

// GiveWay is called by what runs in the background, every fraction of a
// millisecond and without locks that questions need. It returns at once unless
// somebody asks, and unless memory is short.
func (s *Store) GiveWay() {
	runtime.Gosched()
	if s.way.asking.Load() == 0 {
		return
	}
	s.mu.Lock()
	short := s.open.bytes > s.settleTarget()
	s.mu.Unlock()
	began := time.Now()
	w := &s.way
	w.mu.Lock()
	if short || began.Before(w.until) || w.asking.Load() == 0 {
		w.mu.Unlock()
		return
	}
	if w.free == nil {
		w.free = make(chan struct{})
	}
	free := w.free
	w.mu.Unlock()
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-free:
	case <-timer.C:
	case <-s.closed:
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = now.Add(now.Sub(began))
}
