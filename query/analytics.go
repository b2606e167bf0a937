package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// AnalysisQuestion asks what one set of traces is like, or how two compare.
type AnalysisQuestion struct {
	Window tomo.Window
	// Sets are the filters of one or two sets; nil matches every trace. A trace
	// may be in both.
	Sets []filter.Expr
	// Other is the time of the second set where it is another than the window's,
	// held against the same; nil: both are of the window.
	Other  *tomo.TimeRange
	Groups filter.Groups // what group.name and group.arn stand for; nil: there are none
	Group  string        // the Group.ID whose dropped traces are told; "": of all
	// Attributes are what the sets are taken apart by.
	Attributes []Attribute
	Top        int     // values told of each attribute; 0: 20
	Measure    Measure // what the dots and the latencies of values are about
	Buckets    int     // of the time series, at most; 0: no series
	Dots       int     // of the scatter plot, at most; 0: no plot
	Traces     int     // listed of each set, at most; 0: none
	Order      Order   // of those that are listed
	// Differences is how many values are told, at most, by which two sets differ
	// most; 0: none.
	Differences int
	// Documents is how many traces are read whole, at most, for attributes that
	// the summary does not tell. Filters read as many as they need. 0: 50,000.
	Documents int
	Progress  *Progress // nil: nobody watches
}

// Measure is a time of a trace.
type Measure uint8

const (
	ByResponseTime Measure = iota // Summary.ResponseTime: the root's
	ByDuration                    // Summary.Duration: of everything
)

func (m Measure) of(s *tomo.Summary) time.Duration {
	if m == ByDuration {
		return s.Duration
	}
	return s.ResponseTime
}

// Progress tells how far an analysis is. It may be read at any time.
type Progress struct {
	Looked, Total atomic.Int64 // traces: looked at, and in the window
	Read, ToRead  atomic.Int64 // traces read whole, and how many that will be as far as is known
}

// Analysis is the answer to an AnalysisQuestion. What it counts is exact but
// for what says otherwise. Traces that come while it runs may be in one part of
// it and not in another.
type Analysis struct {
	// Dropped is how many traces that began in the minutes of the window were
	// dropped by keep rules. Nothing else here counts them.
	Dropped       int64
	Total         int64          // traces in the window, whatever their set
	Both          int64          // traces in both sets
	Sets          []SetFigures   // one or two, as asked
	Width         tomo.Time      // of the buckets of the series, which may be longer than a time.Duration can be; 0: there is none
	Distributions []Distribution // as asked
	// Differences are the values by which the two sets differ most, and Compared
	// is how many values were looked at for that.
	Differences []Difference
	Compared    int
}

// Class is how a trace as a whole ended: by the outcome of its root, or
// Rootless.
type Class uint8

const (
	OK       = Class(tomo.OutcomeOK)
	Error    = Class(tomo.OutcomeError)
	Throttle = Class(tomo.OutcomeThrottle)
	Fault    = Class(tomo.OutcomeFault)
	Rootless = Class(4) // there is no root yet, and no outcome
	classes  = 5
)

var classTexts = [classes]string{"ok", "error", "throttle", "fault", "rootless"}

// String is the keyword of the class; rootless has none.
func (c Class) String() string { return classTexts[c] }

func classOf(s *tomo.Summary) Class {
	switch {
	case s.EntryPoint < 0:
		return Rootless
	case s.HasFault:
		return Fault
	case s.HasThrottle:
		return Throttle
	case s.HasError:
		return Error
	}
	return OK
}

// Classes counts traces by class.
type Classes [classes]uint32

// Total is the number of traces counted.
func (c *Classes) Total() (n int64) {
	for _, k := range c {
		n += int64(k)
	}
	return n
}

func (c *Classes) merge(o *Classes) {
	for i := range c {
		c[i] += o[i]
	}
}

// SetFigures is what one set is like.
type SetFigures struct {
	Classes
	// InWindow and Dropped are Analysis.Total and Dropped of the set's own window.
	InWindow, Dropped int64
	// ResponseTimes and Durations count the traces that have one.
	ResponseTimes, Durations tomo.Histogram
	Series                   []Bucket  // every bucket of the window, also empty ones
	Dots                     []Dot     // in order of time
	EveryDot                 bool      // each dot is one trace
	Traces                   []*Listed // those that come first, as they are now
}

// Bucket counts the traces of a part of the window: by the moment that the
// window is held against, and of a window of type Service by the first end of a
// segment in it.
type Bucket struct {
	Time tomo.Time // where it begins
	Classes
}

// Dot is a trace in a scatter plot. It stands for Count traces near it of its
// kind, failed or not, of which it took longest.
type Dot struct {
	Time  tomo.Time
	Took  time.Duration
	ID    tomo.TraceID
	Class Class
	Count int64
}

// Limits of an analysis. Together they bound its memory to about 100 MB.
const (
	MaxAttributes  = 16      // of one question
	MaxTop         = 1000    // values told of each
	MaxBuckets     = 1000    // of the time series
	MaxDots        = 10_000  // of the scatter plot, and
	MinDots        = 250     // if there is one
	MaxTraces      = 1000    // listed of a set
	MaxDifferences = 1000    // told
	MaxDocuments   = 250_000 // read for what summaries do not tell

	defaultTop       = 20
	defaultDocuments = 50_000
)

// Analyse answers q in one pass over the summaries of the window. Attributes
// that summaries do not tell take the documents of the traces, and attributes
// with very many values a second pass. It stops soon after ctx has ended. A
// question over a limit is a *tomo.Error with the code Invalid.
func (e *Engine) Analyse(ctx context.Context, q AnalysisQuestion) (*Analysis, error) {
	a, err := e.newAnalysis(&q)
	if err != nil {
		return nil, err
	}
	counts, err := a.countWindows(ctx)
	if err != nil {
		return nil, err
	}
	var total int64 // that the passes look at
	for i := range a.passes() {
		total += counts[i].total
	}
	q.Progress.Total.Store(total)
	all, err := a.scan(ctx, a.parts, func() *gathering { return a.newGathering(nil) })
	if err != nil {
		return nil, err
	}
	if err := a.readDocuments(ctx, all); err != nil {
		return nil, err
	}
	if picked := all.pick(); len(picked) > 0 {
		if err := a.countAgain(ctx, all, picked, total); err != nil {
			return nil, err
		}
	}
	answer := a.answer(all)
	answer.Total, answer.Dropped = counts[0].total, counts[0].dropped
	for i := range answer.Sets {
		answer.Sets[i].InWindow, answer.Sets[i].Dropped = counts[i].total, counts[i].dropped
	}
	if err := a.readRanked(ctx, all, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// windowCount is how many traces a window has and has not.
type windowCount struct{ total, dropped int64 }

// countWindows counts the traces in the window of each set.
func (a *analysis) countWindows(ctx context.Context) ([]windowCount, error) {
	counts := make([]windowCount, len(a.windows))
	for i, w := range a.windows {
		if i > 0 && w == a.windows[0] {
			counts[i] = counts[0]
			continue
		}
		var err error
		if counts[i].total, err = a.engine.store.Count(ctx, w, filter.Plan{}); err != nil {
			return nil, fmt.Errorf("counting traces: %w", err)
		}
		dropped, err := a.engine.store.Dropped(ctx, minutesOf(w.TimeRange), a.Group)
		if err != nil {
			return nil, fmt.Errorf("reading what was dropped: %w", err)
		}
		counts[i].dropped = dropped.Traces
	}
	return counts, nil
}

// passes is how many windows have to be looked through: one for each set, or
// one if they share it.
func (a *analysis) passes() int {
	if len(a.windows) == 2 && a.windows[0] != a.windows[1] {
		return 2
	}
	return 1
}

// minutesOf is r from the beginning of its first minute.
func minutesOf(r tomo.TimeRange) tomo.TimeRange {
	if r.Start > tomo.Always.Start+tomo.Minute {
		r.Start = r.Start.StartOfMinute()
	}
	return r
}

// countAgain counts the picked values anew, in a second pass over what has them.
func (a *analysis) countAgain(ctx context.Context, all *gathering, picked map[Attribute]*counter, total int64) error {
	again := a.newGathering(picked)
	parts, summaries := tomo.Parts(0), false
	for of := range picked {
		if row := attributeOf(of); row.cause == nil {
			parts, summaries = parts|row.parts, true
		}
	}
	if slices.ContainsFunc(a.matchers, func(m *filter.Matcher) bool { return m != nil }) {
		parts = tomo.EveryPart
	}
	if summaries {
		a.Progress.Total.Add(total)
		var err error
		if again, err = a.scan(ctx, parts, func() *gathering { return a.newGathering(picked) }); err != nil {
			return err
		}
	}
	again.causes = all.causes
	if err := a.readDocuments(ctx, again); err != nil {
		return err
	}
	all.replace(again)
	return nil
}

// analysis is a question made ready.
type analysis struct {
	*AnalysisQuestion
	engine  *Engine
	windows []tomo.Window // of the sets
	plans   []filter.Plan
	// matchers decide what plans leave open; nil for a plan that is exact.
	matchers  []*filter.Matcher
	parts     tomo.Parts
	timelines []timeline         // of the sets; their buckets are equally wide
	readers   []*attribute       // what values are counted of, but for annotations
	told      map[Attribute]bool // those asked for, whose values have latencies
	causes    bool               // some reader needs documents
}

func (e *Engine) newAnalysis(q *AnalysisQuestion) (*analysis, error) {
	if q.Top == 0 {
		q.Top = defaultTop
	}
	if q.Documents == 0 {
		q.Documents = defaultDocuments
	}
	if q.Progress == nil {
		q.Progress = new(Progress)
	}
	for _, limit := range []struct {
		name           string
		n, least, most int
	}{
		{"sets", len(q.Sets), 1, 2}, {"attributes", len(q.Attributes), 0, MaxAttributes}, {"values of an attribute (Top)", q.Top, 1, MaxTop},
		{"buckets", q.Buckets, 0, MaxBuckets}, {"dots", q.Dots, 0, MaxDots}, {"traces", q.Traces, 0, MaxTraces}, {"differences", q.Differences, 0, MaxDifferences},
		{"documents", q.Documents, 1, MaxDocuments},
	} {
		if limit.n < limit.least || limit.n > limit.most {
			return nil, invalid("an analysis has %d to %d %s, not %d", limit.least, limit.most, limit.name, limit.n)
		}
	}
	if q.Buckets == 1 {
		return nil, invalid("Buckets is 1; a time series has 2 at least")
	}
	if q.Dots > 0 && q.Dots < MinDots {
		return nil, invalid("Dots is %d; a scatter plot has %d at least", q.Dots, MinDots)
	}
	a := &analysis{AnalysisQuestion: q, engine: e, told: map[Attribute]bool{}}
	if q.Other != nil && len(q.Sets) < 2 {
		return nil, invalid("there is no second set that could have a time of its own")
	}
	for i, f := range q.Sets {
		w := q.Window
		if i == 1 && q.Other != nil {
			w.TimeRange = *q.Other
		}
		a.windows = append(a.windows, w)
		plan, matcher := prepare(f, q.Groups)
		a.plans, a.matchers = append(a.plans, plan), append(a.matchers, matcher)
		if matcher != nil {
			a.parts = tomo.EveryPart
		}
	}
	var err error
	if a.timelines, err = newTimelines(a.windows, q.Buckets); err != nil {
		return nil, err
	}
	if q.Window.By == tomo.ByService && (q.Buckets > 0 || q.Dots > 0 || a.passes() > 1) {
		a.parts |= tomo.PartUnits
	}
	a.chooseReaders()
	return a, nil
}

func invalid(format string, args ...any) error {
	return &tomo.Error{Code: tomo.Invalid, Message: fmt.Sprintf(format, args...)}
}

// chooseReaders lists the attributes to count: those asked for and, to find
// differences, all that summaries tell.
func (a *analysis) chooseReaders() {
	for _, wanted := range a.Attributes {
		a.told[wanted] = true
	}
	for i := range attributes {
		reader := &attributes[i]
		named := a.told[Attribute{Name: reader.name}]
		if reader.name == keyed { // by their keys, so for all of them at once
			named = slices.ContainsFunc(a.Attributes, func(w Attribute) bool { return w.Name == keyed })
		}
		switch {
		case !named && (a.Differences == 0 || len(a.Sets) < 2 || reader.cause != nil):
			continue
		case reader.cause != nil:
			a.causes = true
			a.parts |= tomo.PartUnits // tells who can have one
		default:
			a.parts |= reader.parts
		}
		a.readers = append(a.readers, reader)
	}
}

// apart says that no trace can be in both of two windows, so that each pass is
// about one set.
func (a *analysis) apart() bool {
	if a.passes() == 1 || a.windows[0].By == tomo.ByService {
		return false
	}
	x, y := a.windows[0], a.windows[1]
	return x.End <= y.Start || y.End <= x.Start
}

// scan gathers everything that the store finds. Each goroutine of the store
// fills a gathering of its own while it is in each; at the end they are merged.
//
// Sets of two windows take two passes. Windows may overlap: a trace in both is
// counted in the first pass, for either set, and not again in the second.
func (a *analysis) scan(ctx context.Context, parts tomo.Parts, newGathering func() *gathering) (*gathering, error) {
	var mu sync.Mutex // guards free
	var free []*gathering
	take := func() (g *gathering) {
		mu.Lock()
		defer mu.Unlock()
		if n := len(free); n > 0 {
			g, free = free[n-1], free[:n-1]
			return g
		}
		return newGathering()
	}
	give := func(g *gathering) {
		mu.Lock()
		defer mu.Unlock()
		free = append(free, g)
	}
	for pass := range a.passes() {
		plans := a.plans
		if a.apart() {
			plans = plans[pass : pass+1]
		}
		err := a.engine.store.Scan(ctx, a.windows[pass], plans, parts, func(looked int, found []tomo.Found) error {
			g := take()
			defer give(g)
			a.Progress.Looked.Add(int64(looked))
			return a.decide(ctx, a.inPass(pass, found), g.add)
		})
		if err != nil {
			return nil, fmt.Errorf("scanning summaries: %w", err)
		}
	}
	all := newGathering()
	for _, g := range free {
		all.merge(g)
	}
	all.forgetRefused()
	return all, nil
}

// inPass leaves of what was found what a pass counts, with the sets in whose
// windows it is.
func (a *analysis) inPass(pass int, found []tomo.Found) []tomo.Found {
	switch {
	case a.passes() == 1:
		return found
	case a.apart():
		for i := range found {
			found[i].Plans <<= pass
		}
		return found
	}
	other := 1 - pass
	kept := make([]tomo.Found, 0, len(found))
	for _, f := range found {
		switch both := f.Summary.Matches(a.windows[other]); {
		case both && pass == 1:
			continue
		case !both:
			f.Plans &= 1 << pass
		}
		if f.Plans != 0 {
			kept = append(kept, f)
		}
	}
	return kept
}

// decide finds out which sets each trace is in, by its documents where the
// summary does not tell, and adds those that are in one.
func (a *analysis) decide(ctx context.Context, found []tomo.Found, add func(*tomo.Summary, uint8)) error {
	var open []*candidate
	var plans []uint8 // of those in open: bits still to be confirmed in the upper half
	for _, f := range found {
		var sure, unsure uint8
		for i, m := range a.matchers {
			verdict := filter.Yes
			switch bit := uint8(1) << i; {
			case f.Plans&bit == 0:
				verdict = filter.No
			case m != nil:
				verdict = m.MatchSummary(f.Summary)
			}
			switch verdict {
			case filter.Yes:
				sure |= 1 << i
			case filter.Unknown:
				unsure |= 1 << i
			}
		}
		switch {
		case unsure != 0:
			c := candidateOf(f.Summary, filter.Unknown)
			open = append(open, &c)
			plans = append(plans, sure|unsure<<4)
		case sure != 0:
			add(f.Summary, sure)
		}
	}
	return a.read(ctx, open, func(i int, d *tomo.Detail, alone *sync.Mutex) {
		sets := plans[i] & 0xf
		for k, m := range a.matchers {
			if plans[i]>>4&(1<<k) != 0 && m.Match(d) {
				sets |= 1 << k
			}
		}
		if sets != 0 {
			alone.Lock()
			defer alone.Unlock()
			add(d.Summary, sets)
		}
	})
}

// read shows look the details of traces, as Engine.detail does, with a lock for
// what one may do at a time, and counts them in the progress.
func (a *analysis) read(ctx context.Context, list []*candidate, look func(i int, d *tomo.Detail, alone *sync.Mutex)) error {
	var alone sync.Mutex
	a.Progress.ToRead.Add(int64(len(list)))
	for from := 0; from < len(list); from += readTogether {
		part := list[from:min(from+readTogether, len(list))]
		var seen atomic.Int64
		err := a.engine.detail(ctx, part, func(i int, d *tomo.Detail) {
			look(from+i, d, &alone)
			a.Progress.Read.Add(1)
			seen.Add(1)
		})
		if err != nil {
			return err
		}
		a.Progress.Read.Add(int64(len(part)) - seen.Load()) // dropped meanwhile
	}
	return nil
}

// readTogether is how many traces are read whole at a time.
const readTogether = 1024

// gathering is what was found so far. Merged in any order, gatherings of parts
// are that of the whole.
type gathering struct {
	*analysis
	sets     [2]setGathering
	both     int64
	counters map[Attribute]*counter
	byReader []*counter             // in the order of analysis.readers; nil for annotations
	load     int                    // of all counters, in bins of histograms
	same     int                    // values that do not differ, of attributes that were not counted again
	causes   sample                 // traces whose documents tell something that is asked for
	picked   map[Attribute]*counter // in a second pass: what is counted again
	visit    visit
	refused  map[string]bool // annotation keys that there was no room to count
}

// setGathering is what was found of one set.
type setGathering struct {
	Classes
	responseTimes, durations tomo.Histogram
	series                   []Classes
	dots                     dots
	ranks                    ranks
}

// visit is the trace that is counted.
type visit struct {
	stamp uint64 // of this trace alone
	sets  uint8
	class Class
	took  time.Duration
}

// newGathering makes an empty one. Of a second pass it counts the picked values
// and nothing else.
func (a *analysis) newGathering(picked map[Attribute]*counter) *gathering {
	g := &gathering{analysis: a, counters: map[Attribute]*counter{}, refused: map[string]bool{}, picked: picked}
	g.causes.limit = a.Documents
	for _, reader := range a.readers {
		var c *counter
		if reader.name != keyed {
			c = g.counter(Attribute{Name: reader.name})
		}
		g.byReader = append(g.byReader, c)
	}
	for _, wanted := range a.Attributes {
		if wanted.Name == keyed {
			g.counter(wanted)
		}
	}
	for i := range g.sets {
		if i < len(a.windows) {
			g.sets[i].series = make([]Classes, a.timelines[i].n)
			g.sets[i].dots.grid = grid{window: a.windows[i].TimeRange, most: a.Dots}
		}
		g.sets[i].ranks = ranks{order: a.Order, most: a.Traces}
	}
	return g
}

// counter is the counter of an attribute, nil if it is not to be counted.
func (g *gathering) counter(of Attribute) *counter {
	c := g.counters[of]
	if c != nil {
		return c
	}
	if g.picked != nil {
		if g.picked[of] == nil {
			return nil
		}
		c = g.picked[of].emptied()
	} else {
		c = &counter{timed: g.told[of]}
	}
	c.gathering, c.ofCauses = g, attributeOf(of).cause != nil
	g.counters[of] = c
	return c
}

// annotation is the counter of an annotation. Where differences are looked for
// every key has one.
func (g *gathering) annotation(key string) *counter {
	of := Attribute{keyed, key}
	c := g.counters[of]
	if c != nil || g.picked != nil || g.Differences == 0 || len(g.Sets) < 2 {
		return c
	}
	of.Key = strings.Clone(key)
	if len(g.counters) >= maxCounters {
		if len(g.refused) < maxRefused {
			g.refused[of.Key] = true
		}
		return nil
	}
	return g.counter(of)
}

// add counts a trace that is in the sets.
func (g *gathering) add(s *tomo.Summary, sets uint8) {
	g.visit = visit{g.visit.stamp + 1, sets, classOf(s), g.Measure.of(s)}
	if g.picked == nil {
		g.addFigures(s)
	}
	for i, reader := range g.readers {
		switch {
		case reader.read != nil && g.byReader[i] != nil:
			reader.read(s, g.byReader[i])
		case reader.name == keyed:
			for k := range s.Annotations {
				if c := g.annotation(s.Annotations[k].Key); c != nil {
					c.value(s.Annotations[k].Value)
				}
			}
		}
	}
	if g.analysis.causes && g.picked == nil && g.mayHaveCause(s) {
		g.causes.add(sampledTrace{s.ID, s.Start, g.visit})
	}
}

func (g *gathering) addFigures(s *tomo.Summary) {
	if g.visit.sets == 3 {
		g.both++
	}
	for i := range g.Sets {
		if g.visit.sets&(1<<i) == 0 {
			continue
		}
		set := &g.sets[i]
		set.Classes[g.visit.class]++
		if s.ResponseTime != tomo.Absent {
			set.responseTimes.Add(s.ResponseTime)
		}
		if s.Duration != tomo.Absent {
			set.durations.Add(s.Duration)
		}
		set.ranks.add(listed{s.Position(), g.visit.took})
		if g.Buckets == 0 && g.Dots == 0 {
			continue
		}
		at := moment(s, g.windows[i])
		if line := &g.timelines[i]; line.n > 0 {
			set.series[line.bucket(at)][g.visit.class]++
		}
		if g.Dots > 0 && g.visit.took != tomo.Absent {
			set.dots.add(Dot{at, g.visit.took, s.ID, g.visit.class, 1})
		}
	}
}

// moment is the one of the trace's that the window is held against.
func moment(s *tomo.Summary, w tomo.Window) tomo.Time {
	switch w.By {
	case tomo.ByEvent:
		return s.Received
	case tomo.ByService:
		first := w.End
		for i := range s.Units {
			if u := &s.Units[i]; !u.Open && !u.Inferred && w.Start.Add(-tomo.ServiceLead) <= u.End {
				first = min(first, u.End)
			}
		}
		return first
	default:
		return s.Start
	}
}

func (g *gathering) mayHaveCause(s *tomo.Summary) bool {
	return slices.ContainsFunc(g.readers, func(r *attribute) bool { return r.cause != nil && filter.MayHaveCause(s, r.category) })
}

// merge adds what o found, which is not to be used afterwards.
func (g *gathering) merge(o *gathering) {
	g.both += o.both
	g.visit.stamp = max(g.visit.stamp, o.visit.stamp)
	maps.Copy(g.refused, o.refused)
	for i := range g.sets {
		s, t := &g.sets[i], &o.sets[i]
		s.Classes.merge(&t.Classes)
		s.responseTimes.Merge(&t.responseTimes)
		s.durations.Merge(&t.durations)
		for k := range s.series {
			s.series[k].merge(&t.series[k])
		}
		s.dots.merge(&t.dots)
		s.ranks.merge(&t.ranks)
	}
	for of, c := range o.counters {
		if mine := g.counters[of]; mine != nil {
			mine.merge(c)
		} else {
			c.gathering = g
			g.counters[of] = c
		}
	}
	g.causes.merge(&o.causes)
}

// forgetRefused drops what only some of the gatherings counted.
func (g *gathering) forgetRefused() {
	for of := range g.counters {
		if of.Name == keyed && !g.told[of] && (g.refused[of.Key] || len(g.refused) >= maxRefused) {
			delete(g.counters, of)
		}
	}
}

// readDocuments counts what only documents tell.
func (a *analysis) readDocuments(ctx context.Context, g *gathering) error {
	if !slices.ContainsFunc(g.byReader, func(c *counter) bool { return c != nil && c.ofCauses }) {
		return nil
	}
	list := g.causes.taken()
	slices.SortFunc(list, func(x, y sampledTrace) int { return int(min(max(x.start-y.start, -1), 1)) }) // neighbours are read together
	open := make([]*candidate, len(list))
	for i := range list {
		open[i] = &candidate{at: tomo.Position{Start: list[i].start, ID: list[i].id}}
	}
	return a.read(ctx, open, func(i int, d *tomo.Detail, alone *sync.Mutex) {
		alone.Lock()
		defer alone.Unlock()
		stamp := g.visit.stamp + 1
		g.visit = list[i].visit
		g.visit.stamp = stamp
		for k, reader := range a.readers {
			if reader.cause != nil && g.byReader[k] != nil {
				reader.cause(filter.CausesOf(d, reader.category), g.byReader[k])
			}
		}
	})
}

// answer puts the answer together.
func (a *analysis) answer(g *gathering) *Analysis {
	answer := &Analysis{Both: g.both, Width: slices.MaxFunc(a.timelines, func(x, y timeline) int { return cmp.Compare(x.width, y.width) }).width}
	for i := range a.Sets {
		s := &g.sets[i]
		figures := SetFigures{Classes: s.Classes, ResponseTimes: s.responseTimes, Durations: s.durations}
		for k := range s.series {
			figures.Series = append(figures.Series, Bucket{a.timelines[i].start(k), s.series[k]})
		}
		figures.Dots, figures.EveryDot = s.dots.list()
		answer.Sets = append(answer.Sets, figures)
	}
	for _, of := range a.Attributes {
		answer.Distributions = append(answer.Distributions, g.distribution(of))
	}
	if a.Differences > 0 && len(a.Sets) == 2 {
		answer.Differences, answer.Compared = g.differences()
	}
	return answer
}
