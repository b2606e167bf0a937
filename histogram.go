package tomo

import (
	"math/bits"
	"slices"
	"time"
)

// Histogram counts durations. Up to exactBins distinct milliseconds it is
// exact; beyond that every value is counted in a log-linear bin at most 1/32
// of it wide. Which of the two it is follows from the values alone, so merging
// is commutative and associative: the histogram of a window is the merge of
// those of its minutes, in any order.
//
//	bins below 64 ms    every millisecond
//	bins 64 … 127 ms    every 2 ms
//	bins 128 … 255 ms   every 4 ms   and so on, 32 to an octave
type Histogram struct {
	bins   []Bin // sorted by Value, distinct
	coarse bool
}

// Bin is one bar: how many durations were Value milliseconds long, or fell in
// the bin whose middle that is.
type Bin struct {
	Value int64 // milliseconds
	Count int64
}

// exactBins is the number of distinct values up to which a histogram is exact.
const exactBins = 100

// Milliseconds rounds d to the millisecond, halves up, the unit in which the
// service tells durations.
func Milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond/2) / time.Millisecond)
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) { h.add(Bin{Milliseconds(max(d, 0)), 1}) }

// Merge adds everything that o counts. It leaves o as it is.
func (h *Histogram) Merge(o *Histogram) {
	if o.coarse {
		h.coarsen()
	}
	if h.coarse != o.coarse {
		for _, b := range o.bins {
			h.add(b)
		}
		return
	}
	h.mergeBins(o.bins)
	if !h.coarse && len(h.bins) > exactBins {
		h.coarsen()
	}
}

// mergeBins adds bins of the same width, from the last to the first, so that
// there is room for each where it goes.
func (h *Histogram) mergeBins(more []Bin) {
	missing := 0
	at := 0
	for _, b := range more {
		for at < len(h.bins) && h.bins[at].Value < b.Value {
			at++
		}
		if at == len(h.bins) || h.bins[at].Value != b.Value {
			missing++
		}
	}
	mine := len(h.bins) - 1
	h.bins = slices.Grow(h.bins, missing)[:len(h.bins)+missing]
	to := len(h.bins) - 1
	for i := len(more) - 1; i >= 0; to-- {
		switch {
		case mine < 0 || h.bins[mine].Value < more[i].Value:
			h.bins[to] = more[i]
			i--
		case h.bins[mine].Value == more[i].Value:
			h.bins[to] = Bin{more[i].Value, h.bins[mine].Count + more[i].Count}
			mine, i = mine-1, i-1
		default:
			h.bins[to] = h.bins[mine]
			mine--
		}
	}
}

// HistogramOf is the histogram of which Bins and Coarse told so. It takes the
// list over. More bins than an exact histogram has make a coarse one.
func HistogramOf(bins []Bin, coarse bool) Histogram {
	h := Histogram{bins, coarse}
	if len(bins) > exactBins {
		h.coarsen()
	}
	return h
}

// Bins lists the bars in ascending order. The list must not be changed.
func (h *Histogram) Bins() []Bin { return h.bins }

// Coarse reports whether the bars stand for bins rather than milliseconds.
func (h *Histogram) Coarse() bool { return h.coarse }

// Count is the number of durations counted.
func (h *Histogram) Count() (n int64) {
	for _, b := range h.bins {
		n += b.Count
	}
	return n
}

func (h *Histogram) add(b Bin) {
	if h.coarse {
		b.Value = middle(b.Value)
	}
	i := h.search(b.Value)
	if i < len(h.bins) && h.bins[i].Value == b.Value {
		h.bins[i].Count += b.Count
		return
	}
	h.bins = slices.Insert(h.bins, i, b)
	if !h.coarse && len(h.bins) > exactBins {
		h.coarsen()
	}
}

// search is the first bin that is not below v. It is most of what counting
// costs, so it has no calls, and no branch that depends on v.
func (h *Histogram) search(v int64) int {
	at, n := 0, len(h.bins)
	for n > 0 {
		half := n / 2
		next := at
		if h.bins[at+half].Value < v {
			next = at + n - half
		}
		at = next
		n = half
	}
	return at
}

func (h *Histogram) coarsen() {
	if h.coarse {
		return
	}
	h.coarse = true
	exact := h.bins
	h.bins = make([]Bin, 0, len(exact))
	for _, b := range exact {
		b.Value = middle(b.Value)
		if n := len(h.bins); n > 0 && h.bins[n-1].Value == b.Value {
			h.bins[n-1].Count += b.Count
		} else {
			h.bins = append(h.bins, b)
		}
	}
}

// middle is the middle of the bin that v milliseconds fall in. The middle of
// a middle is itself.
func middle(v int64) int64 {
	shift := bits.Len64(uint64(v)) - 6
	if shift <= 0 {
		return v
	}
	return v>>shift<<shift + 1<<(shift-1)
}
