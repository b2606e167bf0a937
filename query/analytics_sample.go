package query

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/tomotrace/tomo"
)

// mix spreads the bits of a number evenly.
func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

func hashID(id tomo.TraceID) uint64 {
	return mix(binary.LittleEndian.Uint64(id[:8]) ^ mix(binary.LittleEndian.Uint64(id[8:])))
}

func hashValue(v tomo.Value) uint64 {
	h := uint64(14695981039346656037) + uint64(v.Kind) // FNV-1a
	for i := range len(v.String) {
		h = (h ^ uint64(v.String[i])) * 1099511628211
	}
	return mix(h ^ mix(math.Float64bits(v.Number)))
}

// sample keeps limit traces of any number, evenly chosen, and the same of the
// same traces in any order: those whose ids have the smallest hashes.
type sample struct {
	limit int
	of    int64 // traces that were added
	list  []sampledTrace
	below uint64 // hashes that may still get in; 0: all
}

type sampledTrace struct {
	id    tomo.TraceID
	start tomo.Time
	visit visit
}

func (s *sample) add(t sampledTrace) {
	s.of++
	if s.below > 0 && hashID(t.id) >= s.below {
		return
	}
	if s.list = append(s.list, t); len(s.list) >= 2*s.limit {
		s.shrink()
	}
}

// shrink keeps the limit.
func (s *sample) shrink() {
	if len(s.list) <= s.limit {
		return
	}
	slices.SortFunc(s.list, func(a, b sampledTrace) int {
		return cmp.Or(cmp.Compare(hashID(a.id), hashID(b.id)), slices.Compare(a.id[:], b.id[:]))
	})
	s.list = s.list[:s.limit]
	s.below = hashID(s.list[s.limit-1].id) + 1
}

func (s *sample) merge(o *sample) {
	s.of += o.of
	s.list = append(s.list, o.list...)
	s.shrink()
}

func (s *sample) taken() []sampledTrace { s.shrink(); return s.list }
func (s *sample) left() bool            { return s.of > int64(s.limit) }

func (s *sample) counts() (examined, eligible int64) { return int64(len(s.list)), s.of }

// sketch estimates the number of distinct values from the smallest of their
// hashes: if the kth smallest of evenly spread hashes is at a share x of all
// numbers, there are about (k-1)/x. The error is about 1/√k, 3 %.
type sketch struct{ smallest []uint64 } // sorted, distinct

const sketchSize = 1024

func (s *sketch) add(v tomo.Value) { s.insert(hashValue(v)) }

func (s *sketch) insert(h uint64) {
	n := len(s.smallest)
	if n == sketchSize && h >= s.smallest[n-1] {
		return
	}
	i, found := slices.BinarySearch(s.smallest, h)
	if found {
		return
	}
	if n == sketchSize {
		s.smallest = s.smallest[:n-1]
	}
	s.smallest = slices.Insert(s.smallest, i, h)
}

func (s *sketch) merge(o *sketch) {
	for _, h := range o.smallest {
		s.insert(h)
	}
}

func (s *sketch) estimate() int64 {
	n := len(s.smallest)
	if n < sketchSize {
		return int64(n)
	}
	return int64(float64(n-1) / (float64(s.smallest[n-1]) / math.MaxUint64))
}

// timeline is the buckets of a series. They are as wide as people count time,
// and begin at multiples of their width since the epoch.
type timeline struct {
	first tomo.Time
	width tomo.Time
	n     int // 0: there is no series
}

const second = tomo.Time(1e6)

// widths are those that people count in; beyond, days are doubled.
var widths = []tomo.Time{second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second,
	tomo.Minute, 2 * tomo.Minute, 5 * tomo.Minute, 10 * tomo.Minute, 15 * tomo.Minute, 30 * tomo.Minute,
	60 * tomo.Minute, 120 * tomo.Minute, 180 * tomo.Minute, 360 * tomo.Minute, 720 * tomo.Minute, 1440 * tomo.Minute}

// newTimelines divides the window of each set into at most so many buckets, all
// equally wide, two at the least: the epoch lies between any two that are wide
// enough. An empty window has none.
func newTimelines(windows []tomo.Window, most int) ([]timeline, error) {
	lines := make([]timeline, len(windows))
	if most == 0 {
		return lines, nil
	}
	const far = 1 << 61 // 70,000 years
	for _, w := range windows {
		if w.Start < -far || w.End > far {
			return nil, invalid("a window with a time series lies within 70,000 years of 1970")
		}
	}
	for i := 0; ; i++ {
		width := widths[min(i, len(widths)-1)]
		if beyond := i - len(widths) + 1; beyond > 0 {
			width <<= beyond
		}
		fits := true
		for k, w := range windows {
			if w.End <= w.Start {
				continue
			}
			t := timeline{first: floor(w.Start, width), width: width}
			n := (w.End-1-t.first)/width + 1
			t.n = int(min(n, MaxBuckets))
			lines[k], fits = t, fits && n <= tomo.Time(most)
		}
		if fits {
			return lines, nil
		}
	}
}

func floor(t, unit tomo.Time) tomo.Time {
	rest := t % unit
	if rest < 0 {
		rest += unit
	}
	return t - rest
}

// bucket is the one of a moment. What lies outside, as may what a window of the
// type Service finds a minute early, counts for the nearest.
func (t *timeline) bucket(at tomo.Time) int {
	return int(min(max((at-t.first)/t.width, 0), tomo.Time(t.n-1)))
}

func (t *timeline) start(bucket int) tomo.Time { return t.first + tomo.Time(bucket)*t.width }

// grid divides a scatter plot into cells: columns of equal time, rows of half
// octaves, and whether traces failed.
type grid struct {
	window tomo.TimeRange
	most   int // dots, and so cells; 0: there is no plot
}

// columns is how many columns there are while dots are gathered. To show them
// pairs of columns become one until there are few enough cells.
const columns = 256

// cell is the place of a dot.
type cell struct {
	column, row int16
	failed      uint8 // 0: no, 1: error or throttle, 2: fault
}

func (g *grid) cell(d *Dot) cell {
	start, end := float64(g.window.Start), float64(g.window.End)
	column := int(columns * ((float64(d.Time) - start) / max(end-start, 1)))
	c := cell{column: int16(min(max(column, 0), columns-1)), row: row(d.Took)}
	switch d.Class {
	case Fault:
		c.failed = 2
	case Error, Throttle:
		c.failed = 1
	}
	return c
}

// row is the half octave of a time, counted in microseconds. There are so few
// that one column of them has less than MinDots cells.
func row(d time.Duration) int16 {
	us := uint64(max(d/time.Microsecond, 0))
	octave := bits.Len64(us)
	if octave < 2 {
		return int16(2 * octave)
	}
	const last = 80 // nearly two weeks
	return min(int16(2*octave)+int16(us>>(octave-2)&1), last)
}

// dots gathers the dots of a scatter plot. As long as there are few, each trace
// is one. Of more there is one for each cell, the slowest trace in it.
type dots struct {
	grid
	few   []Dot
	cells map[cell]Dot // nil while there are few
}

func (d *dots) add(dot Dot) {
	if d.cells != nil {
		d.put(dot)
		return
	}
	if d.few = append(d.few, dot); len(d.few) > d.most {
		d.spread()
	}
}

// spread puts the few into cells.
func (d *dots) spread() {
	if d.cells != nil {
		return
	}
	d.cells = map[cell]Dot{}
	for _, dot := range d.few {
		d.put(dot)
	}
	d.few = nil
}

func (d *dots) put(dot Dot) {
	at := d.cell(&dot)
	if before, taken := d.cells[at]; taken {
		dot = together(before, dot)
	}
	d.cells[at] = dot
}

// together is the dot for the traces of both: the slower one.
func together(a, b Dot) Dot {
	n := a.Count + b.Count
	if b.Took > a.Took || b.Took == a.Took && compareDots(b, a) < 0 {
		a = b
	}
	a.Count = n
	return a
}

// compareDots orders dots by time; no two traces are equal.
func compareDots(a, b Dot) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.ID[:], b.ID[:]))
}

func (d *dots) merge(o *dots) {
	if o.cells != nil {
		d.spread()
		for at, dot := range o.cells {
			if before, taken := d.cells[at]; taken {
				dot = together(before, dot)
			}
			d.cells[at] = dot
		}
		return
	}
	for _, dot := range o.few {
		d.add(dot)
	}
}

// list gives the dots in order of time, and whether each is one trace.
func (d *dots) list() (list []Dot, every bool) {
	if every = d.cells == nil; every {
		list = d.few
	} else {
		for len(d.cells) > d.most {
			d.coarsen()
		}
		for _, dot := range d.cells {
			list = append(list, dot)
		}
	}
	slices.SortFunc(list, compareDots)
	return list, every
}

// coarsen makes one column of two.
func (d *dots) coarsen() {
	coarse := make(map[cell]Dot, len(d.cells))
	for at, dot := range d.cells {
		at.column /= 2
		if before, taken := coarse[at]; taken {
			dot = together(before, dot)
		}
		coarse[at] = dot
	}
	d.cells = coarse
}
