package localstore

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// way lets those who ask go first. What runs in the background, settling,
// merging and counting ahead, would take the processors for long, and a question
// that takes 10 ms would wait several times for its turn. What comes in waits only
// for the first moments of a question: most are answered by then, documents can
// wait for a moment where they are, and a long search must not slow them down.
type way struct {
	asking atomic.Int32 // questions under way
	opened time.Time    // when the store was
	latest atomic.Int64 // when the latest question began, in ns since then

	mu   sync.Mutex    // guards what follows
	free chan struct{} // closed when nobody asks any more; nil: nobody waits for it
	// Till when they work, because they have rested.
	background, writes time.Time
}

const (
	// rest is how long the background and the writes stop at most, at a time. Then
	// they work for as long as they rested, so that they go on at half their speed
	// whatever is asked.
	rest = 15 * time.Millisecond
	// firstMoments of a question are those that writes wait for.
	firstMoments = 100 * time.Millisecond
)

func (w *way) ask() {
	w.latest.Store(int64(time.Since(w.opened)))
	w.asking.Add(1)
}

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

// give rests while somebody asks, but not for longer than most, and not before
// until.
func (w *way) give(until *time.Time, most time.Duration, closed <-chan struct{}) {
	began := time.Now()
	w.mu.Lock()
	if began.Before(*until) || w.asking.Load() == 0 {
		w.mu.Unlock()
		return
	}
	if w.free == nil {
		w.free = make(chan struct{})
	}
	free := w.free
	w.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-free:
	case <-timer.C:
	case <-closed:
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	*until = now.Add(now.Sub(began))
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
	if !short {
		s.way.give(&s.way.background, rest, s.closed)
	}
}

// letAsk is called by what comes in. It returns at once unless somebody has just
// begun to ask.
func (s *Store) letAsk() {
	w := &s.way
	if w.asking.Load() == 0 {
		return
	}
	asked := w.opened.Add(time.Duration(w.latest.Load()))
	if left := firstMoments - time.Since(asked); left > 0 {
		w.give(&w.writes, min(rest, left), s.closed)
	}
}
