package sampling

import (
	"cmp"
	"slices"
	"time"

	"github.com/tomotrace/tomo"
)

// X-Ray: results are summed over windows of ten seconds.
const (
	Window = 10 * time.Second
	// Retention is how long sums are kept.
	Retention = 10 * time.Minute
)

// Summary is what all clients of a rule decided in one window. A document counts
// in the window in which it was received.
type Summary struct {
	Rule                        string
	Start                       tomo.Time
	Requests, Sampled, Borrowed int64 // as clients count them
}

// window is the sums of one window.
type window struct {
	start                       tomo.Time
	requests, sampled, borrowed int64
}

// windowOf is the start of the window that t lies in.
func windowOf(t tomo.Time) tomo.Time {
	const size = tomo.Time(Window / time.Microsecond)
	return t - (t%size+size)%size
}

// count adds a document to its window.
func (d *division) count(now tomo.Time, s *Statistics) {
	start := windowOf(now)
	if n := len(d.windows); n == 0 || d.windows[n-1].start < start { // never before: clocks that go back count in the latest
		d.windows = append(slices.DeleteFunc(d.windows, func(w window) bool { return expired(w.start, now) }), window{start: start})
	}
	w := &d.windows[len(d.windows)-1]
	w.requests += s.Requests
	w.sampled += s.Sampled
	w.borrowed += s.Borrowed
}

func expired(start, now tomo.Time) bool { return start < windowOf(now).Add(-Retention) }

// Summaries lists the sums of the windows that are over, the newest first, and
// of one window by the names of the rules. Windows in which nothing was
// reported are left out. What is listed does not change any more.
func (f *Fleet) Summaries(rules *tomo.SamplingRules, now tomo.Time) []Summary {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(rules)
	var list []Summary
	for name, d := range f.rules {
		for _, w := range d.windows {
			if w.start < windowOf(now) && !expired(w.start, now) {
				list = append(list, Summary{name, w.start, w.requests, w.sampled, w.borrowed})
			}
		}
	}
	slices.SortFunc(list, Summary.Compare)
	return list
}

// Compare orders summaries as they are listed.
func (s Summary) Compare(other Summary) int {
	return cmp.Or(cmp.Compare(other.Start, s.Start), cmp.Compare(s.Rule, other.Rule))
}
