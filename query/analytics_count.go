package query

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// Bounds of what one gathering counts. There are as many gatherings as there
// are processors.
const (
	// maxValues is how many values of an attribute have a tally.
	maxValues = 20_000
	// maxCounters is how many attributes have a counter, of which most are
	// annotation keys, and maxRefused how many keys are remembered that got none.
	// If there are more, no key counts but those that were asked for.
	maxCounters = 500
	maxRefused  = 10_000
	// maxLoad bounds all tallies of all gatherings with their latencies, in bins
	// of a histogram: about 60 MB.
	maxLoad   = 4_000_000
	tallyLoad = 12 // of a tally without latencies, about
)

// counter counts the traces with each value of an attribute.
//
// As long as there is room, each value has a tally and every count is exact.
// When there is none, values that few traces have make way: as much is taken
// from the weight of every value as leaves a quarter of them, of each set. What
// is left then has every value that more than one trace of 5,000 in the set has
// (Misra and Gries), or of fewer where there are hundreds of thousands of values
// of all attributes together. A second pass counts the values that are told anew, so
// what is told is exact in any case; only how many others there are is an
// estimate.
type counter struct {
	gathering *gathering
	timed     bool // values have latencies
	fixed     bool // only values with a tally are counted
	capped    bool // there was no room for every value
	ofCauses  bool // it counts what only documents tell
	texts     map[string]*tally
	numbers   map[float64]*tally
	bools     [2]*tally
	load      int
	stamp     uint64 // of the last trace that has a value
	sets      [2]counted
	sketches  [2]sketch // of all values there were, once capped
	missed    [2]uint32 // how many traces of a value may not be counted, at most
	scratch   []byte
}

// counted is what is known of all values together.
type counted struct {
	with int64 // traces that have a value
	sum  int64 // of the counts of all values
}

// tally counts the traces with one value.
type tally struct {
	stamp  uint64 // of the last trace counted
	weight [2]uint32
	sets   [2]tallied
}

// tallied counts the traces of one set.
type tallied struct {
	Classes
	times *tomo.Histogram // nil: none yet
}

func (c *counter) tallies() int {
	n := len(c.texts) + len(c.numbers)
	for _, t := range c.bools {
		if t != nil {
			n++
		}
	}
	return n
}

// each lists the tallies.
func (c *counter) each(f func(tomo.Value, *tally)) {
	for v, t := range c.texts {
		f(tomo.Value{String: v}, t)
	}
	for v, t := range c.numbers {
		f(tomo.Value{Kind: tomo.NumberValue, Number: v}, t)
	}
	for i, t := range c.bools {
		if t != nil {
			f(tomo.Value{Kind: tomo.BoolValue, Bool: i == 1}, t)
		}
	}
}

// value counts the trace for a value.
func (c *counter) value(v tomo.Value) {
	switch v.Kind {
	case tomo.NumberValue:
		c.number(v.Number)
	case tomo.BoolValue:
		i := 0
		if v.Bool {
			i = 1
		}
		if c.bools[i] == nil && !c.fixed {
			c.bools[i] = c.newTally()
		}
		c.count(c.bools[i], v)
	default:
		c.text(v.String)
	}
}

// some counts the trace for a text, if it is one.
func (c *counter) some(v string) {
	if v != "" {
		c.text(v)
	}
}

func (c *counter) text(v string) {
	t := c.texts[v]
	if t == nil && !c.fixed {
		t = c.newTally()
		if c.texts == nil {
			c.texts = map[string]*tally{}
		}
		v = strings.Clone(v) // it may lie in a document or in the words of a block
		c.texts[v] = t
	}
	c.count(t, tomo.Value{String: v})
}

func (c *counter) number(v float64) {
	t := c.numbers[v]
	if t == nil && !c.fixed {
		t = c.newTally()
		if c.numbers == nil {
			c.numbers = map[float64]*tally{}
		}
		c.numbers[v] = t
	}
	c.count(t, tomo.Value{Kind: tomo.NumberValue, Number: v})
}

func (c *counter) edge(from, to *tomo.NodeID) {
	c.scratch = appendEdge(c.scratch[:0], from, to)
	t := c.texts[string(c.scratch)]
	if t == nil {
		c.text(string(c.scratch))
		return
	}
	c.count(t, tomo.Value{})
}

func (c *counter) newTally() *tally {
	if c.tallies() >= maxValues {
		c.prune(maxValues / 4)
	}
	c.bear(tallyLoad)
	return new(tally)
}

// bear takes more load, and has another counter shed some where there is too much.
func (c *counter) bear(load int) {
	c.load += load
	g := c.gathering
	if g.load += load; g.load <= maxLoad/runtime.GOMAXPROCS(0) || c.fixed {
		return
	}
	heaviest := c
	for _, o := range g.counters {
		if o.load > heaviest.load {
			heaviest = o
		}
	}
	if heaviest.timed {
		heaviest.prune(heaviest.tallies()) // the latencies may be enough
	} else {
		heaviest.prune(heaviest.tallies() / 4)
	}
}

// count counts the trace for a value; t is nil for one without a tally.
func (c *counter) count(t *tally, v tomo.Value) {
	visit := &c.gathering.visit
	if t != nil {
		if t.stamp == visit.stamp {
			return // the trace has it twice
		}
		t.stamp = visit.stamp
	}
	first := c.stamp != visit.stamp
	c.stamp = visit.stamp
	for i := range c.sets {
		if visit.sets&(1<<i) == 0 {
			continue
		}
		c.sets[i].sum++
		if first {
			c.sets[i].with++
		}
		if t == nil {
			continue
		}
		s := &t.sets[i]
		if c.capped && s.Total() == 0 {
			c.sketches[i].add(v)
		}
		s.Classes[visit.class]++
		t.weight[i]++
		if c.timed && visit.took != tomo.Absent {
			if s.times == nil {
				s.times = new(tomo.Histogram)
			}
			before := len(s.times.Bins())
			s.times.Add(visit.took)
			if grown := len(s.times.Bins()) - before; grown > 0 {
				c.bear(grown)
			}
		}
	}
}

// prune makes room: so many values of each set are kept. The latencies go, for
// the second pass has them.
func (c *counter) prune(keep int) {
	if !c.capped {
		c.capped = true
		c.sketch()
	}
	c.timed = false
	var weights [2][]uint32
	c.each(func(_ tomo.Value, t *tally) {
		for i, w := range t.weight {
			if w > 0 {
				weights[i] = append(weights[i], w)
			}
		}
	})
	var less [2]uint32
	for i, list := range weights {
		if len(list) > keep {
			slices.Sort(list)
			less[i] = list[len(list)-1-keep]
		}
	}
	for i := range less {
		c.missed[i] += less[i]
	}
	var gone []tomo.Value
	c.each(func(v tomo.Value, t *tally) {
		for i := range t.weight {
			t.weight[i] -= min(t.weight[i], less[i])
			t.sets[i].times = nil
		}
		if t.weight == [2]uint32{} {
			gone = append(gone, v)
		}
	})
	for _, v := range gone {
		c.drop(v)
	}
	c.gathering.load -= c.load
	c.load = c.tallies() * tallyLoad
	c.gathering.load += c.load
}

func (c *counter) drop(v tomo.Value) {
	switch v.Kind {
	case tomo.NumberValue:
		delete(c.numbers, v.Number)
	case tomo.StringValue:
		delete(c.texts, v.String)
	} // of booleans there are not enough to matter
}

// sketch begins the sketches with what there is.
func (c *counter) sketch() {
	c.each(func(v tomo.Value, t *tally) {
		for i := range t.sets {
			if t.sets[i].Total() > 0 {
				c.sketches[i].add(v)
			}
		}
	})
}

// merge adds what o counted.
func (c *counter) merge(o *counter) {
	for _, one := range []*counter{c, o} {
		if !one.capped && (c.capped || o.capped) {
			one.capped = true
			one.sketch()
		}
	}
	for i := range c.sets {
		c.sets[i].with += o.sets[i].with
		c.sets[i].sum += o.sets[i].sum
		c.sketches[i].merge(&o.sketches[i])
		c.missed[i] += o.missed[i]
	}
	o.each(func(v tomo.Value, t *tally) {
		mine := c.find(v)
		if mine == nil {
			c.put(v, t)
			return
		}
		for i := range t.sets {
			mine.weight[i] += t.weight[i]
			mine.sets[i].Classes.merge(&t.sets[i].Classes)
			switch {
			case mine.sets[i].times == nil:
				mine.sets[i].times = t.sets[i].times
			case t.sets[i].times != nil:
				mine.sets[i].times.Merge(t.sets[i].times)
			}
		}
	})
}

func (c *counter) find(v tomo.Value) *tally {
	switch v.Kind {
	case tomo.NumberValue:
		return c.numbers[v.Number]
	case tomo.BoolValue:
		if v.Bool {
			return c.bools[1]
		}
		return c.bools[0]
	default:
		return c.texts[v.String]
	}
}

func (c *counter) put(v tomo.Value, t *tally) {
	switch v.Kind {
	case tomo.NumberValue:
		if c.numbers == nil {
			c.numbers = map[float64]*tally{}
		}
		c.numbers[v.Number] = t
	case tomo.BoolValue:
		i := 0
		if v.Bool {
			i = 1
		}
		c.bools[i] = t
	default:
		if c.texts == nil {
			c.texts = map[string]*tally{}
		}
		c.texts[v.String] = t
	}
}

// emptied is a counter of the same values with nothing counted yet, and of no
// others.
func (c *counter) emptied() *counter {
	e := &counter{timed: c.timed, fixed: true}
	c.each(func(v tomo.Value, _ *tally) { e.put(v, new(tally)) })
	return e
}

// pick is what has to be counted again because there was no room for every
// value: those that may be told.
func (g *gathering) pick() map[Attribute]*counter {
	picked := map[Attribute]*counter{}
	for of, c := range g.counters {
		if !c.capped {
			continue
		}
		few := &counter{timed: g.told[of], fixed: true}
		if g.told[of] {
			few.take(c, g.Top, func(t *tally) float64 { return float64(t.weight[0]) })
			few.take(c, g.Top, func(t *tally) float64 { return float64(t.weight[1]) })
		}
		if g.Differences > 0 {
			few.take(c, g.Differences, func(t *tally) float64 { return g.atMost(c, t) })
		}
		if g.told[of] || few.tallies() > 0 {
			picked[of] = few
		} else {
			g.same += c.tallies() // none of its values can differ
			delete(g.counters, of)
		}
	}
	return picked
}

// take takes those values of another counter that an order puts first, four
// times as many as are told, to be counted anew. Values without any order are
// left out.
func (c *counter) take(from *counter, told int, order func(*tally) float64) {
	type ranked struct {
		value tomo.Value
		by    float64
	}
	var list []ranked
	from.each(func(v tomo.Value, t *tally) {
		if by := order(t); by > 0 {
			list = append(list, ranked{v, by})
		}
	})
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.by, a.by), compareValues(a.value, b.value))
	})
	for _, r := range list[:min(len(list), 4*told)] {
		c.put(r.value, new(tally))
	}
}

// atMost is the greatest score that a value can have, as many traces as may have
// been missed taken into account on either side.
func (g *gathering) atMost(c *counter, t *tally) float64 {
	if len(g.Sets) < 2 {
		return 0
	}
	a, b := g.sets[0].Total(), g.sets[1].Total()
	n, m := t.sets[0].Total(), t.sets[1].Total()
	z := sureness(1)
	return max(
		surely(min(n+int64(c.missed[0]), a), a, m, b, z),
		surely(n, a, min(m+int64(c.missed[1]), b), b, z),
	)
}

// replace takes the counts of a second pass for those of the first.
func (g *gathering) replace(again *gathering) {
	for of, c := range again.counters {
		before := g.counters[of]
		c.capped, c.sketches = true, before.sketches
		g.counters[of] = c
	}
}

// Distribution is how the values of an attribute are spread over the sets.
type Distribution struct {
	Attribute Attribute
	// Values are those with the greatest share of either set, in that order.
	Values []ValueFigures
	Sets   []DistributionFigures // as many as there are sets
	// Complete says that every value was counted. If not there were too many:
	// the counts told are exact, Distinct and Left are estimates, and a value of
	// less than one trace in 5,000 may be missing among those told.
	Complete bool
	// Whole: traces had to be read whole. Of the Eligible, which can have a value,
	// so many were Examined, chosen evenly; all counts are of those.
	Whole              bool
	Examined, Eligible int64
}

// ValueFigures is one value of an attribute.
type ValueFigures struct {
	Value tomo.Value // as people read it
	// Filter is what just the traces with the value match, and no others.
	Filter filter.Expr
	Sets   []ValueCounts // as many as there are sets
}

// ValueCounts counts the traces of a set that have a value.
type ValueCounts struct {
	Classes
	P50, P95 time.Duration // of the measure; Absent if no trace has one
}

// DistributionFigures is what all values of an attribute have together in a set.
type DistributionFigures struct {
	With     int64 // traces with some value
	Sum      int64 // of the counts of all values: a trace may have several
	Distinct int64 // values
	Left     int64 // values that are not told
	LeftSum  int64 // of the counts of those
}

// distribution tells of an attribute.
func (g *gathering) distribution(of Attribute) Distribution {
	c := g.counters[of]
	d := Distribution{Attribute: of, Complete: !c.capped}
	if attributeOf(of).cause != nil {
		d.Whole = true
		d.Examined, d.Eligible = g.causes.counts()
	}
	type ranked struct {
		value tomo.Value
		tally *tally
		share float64
	}
	var list []ranked
	distinct := make([]int64, len(g.Sets))
	c.each(func(v tomo.Value, t *tally) {
		r := ranked{v, t, 0}
		for i := range g.Sets {
			n := t.sets[i].Total()
			r.share = max(r.share, share(n, g.sets[i].Total()))
			if n > 0 {
				distinct[i]++
			}
		}
		if r.share > 0 {
			list = append(list, r)
		}
	})
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.share, a.share), compareValues(a.value, b.value))
	})
	list = list[:min(len(list), g.Top)]
	for i := range g.Sets {
		if c.capped {
			distinct[i] = max(distinct[i], c.sketches[i].estimate())
		}
		f := DistributionFigures{With: c.sets[i].with, Sum: c.sets[i].sum, Distinct: distinct[i], Left: distinct[i], LeftSum: c.sets[i].sum}
		for _, r := range list {
			if n := r.tally.sets[i].Total(); n > 0 {
				f.Left--
				f.LeftSum -= n
			}
		}
		d.Sets = append(d.Sets, f)
	}
	for _, r := range list {
		d.Values = append(d.Values, g.figures(of, r.value, r.tally))
	}
	return d
}

func (g *gathering) figures(of Attribute, v tomo.Value, t *tally) ValueFigures {
	f := ValueFigures{Value: shown(of, v), Filter: attributeOf(of).filter(v, of.Key)}
	for i := range g.Sets {
		s := &t.sets[i]
		f.Sets = append(f.Sets, ValueCounts{s.Classes, Quantile(s.times, 0.5), Quantile(s.times, 0.95)})
	}
	return f
}

// Quantile is the least time that the share p of the times in h do not exceed,
// as exactly as the histogram tells; Absent if there are none.
func Quantile(h *tomo.Histogram, p float64) time.Duration {
	if h == nil || len(h.Bins()) == 0 {
		return tomo.Absent
	}
	want, seen := p*float64(h.Count()), int64(0)
	for _, b := range h.Bins() {
		if seen += b.Count; float64(seen) >= want {
			return time.Duration(b.Value) * time.Millisecond
		}
	}
	return time.Duration(h.Bins()[len(h.Bins())-1].Value) * time.Millisecond
}

// share is n of total, 0 of nothing.
func share(n, total int64) float64 {
	if total == 0 {
		return 0
	}
	return float64(n) / float64(total)
}

// compareValues orders values, for answers that do not change.
func compareValues(a, b tomo.Value) int {
	truth := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.String, b.String), cmp.Compare(a.Number, b.Number),
		cmp.Compare(truth(a.Bool), truth(b.Bool)))
}

// Difference is a value that one set has more often than the other.
type Difference struct {
	Attribute Attribute
	Value     tomo.Value // as people read it
	Filter    filter.Expr
	Counts    [2]int64
	Shares    [2]float64
	// Score is by how much the shares differ at the least, by all that chance
	// explains: see differences.
	Score float64
}

// differences ranks the values of all attributes by how much their shares of
// the two sets differ, chance allowed for: the score of a value is the lower
// end of an interval of confidence around the difference. A value whose
// interval holds 0 is left out.
//
// The interval is that of Agresti and Caffo, who add one trace with the value
// and one without it to each set, which makes it hold for small sets too. Many
// values are compared, so each has to be surer: the error of 1 % is divided by
// the number of values (Bonferroni). Where the sets overlap, their shares differ
// less by chance than the interval allows for; it is then too careful.
func (g *gathering) differences() (list []Difference, compared int) {
	a, b := g.sets[0].Total(), g.sets[1].Total()
	type pair struct {
		of    Attribute
		value tomo.Value
		score float64
		n, m  int64
	}
	var pairs []pair
	for of, c := range g.counters {
		if attributeOf(of).cause != nil && g.causes.left() {
			continue // the counts are of some traces only
		}
		c.each(func(v tomo.Value, t *tally) {
			if n, m := t.sets[0].Total(), t.sets[1].Total(); n+m > 0 {
				pairs = append(pairs, pair{of, v, 0, n, m})
			}
		})
	}
	if a == 0 || b == 0 || len(pairs) == 0 {
		return nil, len(pairs) + g.same
	}
	compared = len(pairs) + g.same
	z := sureness(compared)
	for i := range pairs {
		pairs[i].score = surely(pairs[i].n, a, pairs[i].m, b, z)
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return p.score <= 0 })
	slices.SortFunc(pairs, func(p, q pair) int {
		return cmp.Or(cmp.Compare(q.score, p.score), cmp.Compare(p.of.Name, q.of.Name), cmp.Compare(p.of.Key, q.of.Key), compareValues(p.value, q.value))
	})
	for _, p := range pairs[:min(len(pairs), g.Differences)] {
		list = append(list, Difference{
			Attribute: p.of, Value: shown(p.of, p.value), Filter: attributeOf(p.of).filter(p.value, p.of.Key),
			Counts: [2]int64{p.n, p.m}, Shares: [2]float64{share(p.n, a), share(p.m, b)}, Score: p.score,
		})
	}
	return list, compared
}

// sureness is how many deviations are allowed for where so many values are
// compared.
func sureness(values int) float64 {
	const mistake = 0.01
	return math.Sqrt2 * math.Erfinv(1-mistake/float64(values))
}

// surely is by how much the shares n of a and m of b differ at the least, with
// z deviations allowed for.
func surely(n, a, m, b int64, z float64) float64 {
	p, q := float64(n+1)/float64(a+2), float64(m+1)/float64(b+2)
	deviation := math.Sqrt(p*(1-p)/float64(a+2) + q*(1-q)/float64(b+2))
	return math.Abs(p-q) - z*deviation
}
