// Package query is the read path: whole traces, pages of summaries, and graphs,
// over open and settled traces alike.
package query

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"sync"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
)

// Store is what the read path asks of a backend. Every answer shows what was
// acknowledged before the question, each trace once.
type Store interface {
	// Documents gives everything held of a trace; nothing for an unknown one.
	Documents(ctx context.Context, id tomo.TraceID) (tomo.TraceDocuments, error)
	// DocumentsOf is Documents for many traces at once: each gets them with their
	// place in at, in any order and from several goroutines. They are not all in
	// memory together, however large they are, as long as each keeps nothing. Where
	// they stood when somebody looked helps to find them; a wrong place only takes
	// longer.
	DocumentsOf(ctx context.Context, at []tomo.Position, each func(i int, t *tomo.TraceDocuments)) error
	// Summaries yields the traces in w for which the plan holds, newest start
	// first, behind after. It may yield more than the plan asks for, never
	// fewer; if the plan is exact it yields nothing else. The first error ends
	// the sequence.
	Summaries(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position) iter.Seq2[*tomo.Summary, error]
	// Positions yields where the traces stand that Summaries yields.
	Positions(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position) iter.Seq2[tomo.Position, error]
	// Count is the number of traces in w for which the plan holds. The plan has
	// to be exact or without conditions.
	Count(ctx context.Context, w tomo.Window, p filter.Plan) (int64, error)
	// Scan gives each the traces in w for which one of the plans holds, each once,
	// in no order, and tells how many traces were looked at since. Several
	// goroutines call each at the same time. Found.Plans is as true as Summaries:
	// an exact plan's bit is set for just the traces for which it holds, another's
	// at least for those. A summary has the wanted parts at least; it is good until
	// each returns, its strings stay good. The first error ends the scan.
	Scan(ctx context.Context, w tomo.Window, plans []filter.Plan, parts tomo.Parts, each func(looked int, found []tomo.Found) error) error
	// Graph is the service graph of what was received in r of the traces of a
	// group, sorted. The group is told by its Group.ID; "" stands for all traces.
	// A settled trace belongs to the groups that its summary was settled with, an
	// open one to those that it would be settled with now.
	Graph(ctx context.Context, r tomo.TimeRange, group string) (*tomo.ServiceGraph, error)
	// Series gives each the service graphs of a group, as in Graph, of the whole
	// minutes that r touches, by receipt, named by their first moment. A minute in
	// which nothing was received is left out; others may come in several parts, in
	// any order, that merged are the graph. A part is good until each returns and
	// must not be changed.
	//
	// Both count what was dropped. Of dropped traces a store knows minutes of
	// receipt only: in a graph, one counts as a whole where r holds its beginning.
	Series(ctx context.Context, r tomo.TimeRange, group string, each func(minute tomo.Time, part *tomo.ServiceGraph)) error
	// Dropped is how much keep rules dropped of a group's traces, as in Graph, that
	// started in the minutes that begin in r.
	Dropped(ctx context.Context, r tomo.TimeRange, group string) (tomo.Dropped, error)
}

// Engine answers questions from a store.
type Engine struct {
	store  Store
	within derive.Within
	words  vocabularies // for completions
}

// Options configure an engine. The zero value is a good default.
type Options struct {
	// Limits are how much of a trace is shown, and indexed of one that is open. A
	// settled trace is found by what was indexed when it settled.
	Limits tomo.Limits
}

// New makes an engine over store.
func New(store Store, o Options) *Engine {
	return &Engine{store: store, within: derive.Within(o.Limits)}
}

// Traces gives the traces with the given ids, in that order. Unknown ids are
// left out, as the service was seen to do.
func (e *Engine) Traces(ctx context.Context, ids []tomo.TraceID) ([]*tomo.Trace, error) {
	traces := make([]*tomo.Trace, 0, len(ids))
	for _, id := range ids {
		all, err := e.store.Documents(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading trace %v: %w", id, err)
		}
		if len(all.Documents) == 0 {
			continue
		}
		trace := e.within.Trace(id, all.Documents)
		trace.LimitExceeded = all.LimitExceeded
		traces = append(traces, trace)
	}
	return traces, nil
}

// Detail gives all that can be asked about one trace, nil if it is not known.
func (e *Engine) Detail(ctx context.Context, id tomo.TraceID) (*tomo.Detail, error) {
	all, err := e.store.Documents(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading trace %v: %w", id, err)
	}
	if len(all.Documents) == 0 {
		return nil, nil
	}
	d := e.within.Detail(id, all.Documents)
	d.LimitExceeded = all.LimitExceeded
	return d, nil
}

// Question asks for a page of summaries.
type Question struct {
	Window tomo.Window
	Filter filter.Expr   // nil: every trace
	Groups filter.Groups // what group.name and group.arn stand for; nil: there are none
	Token  string        // of the page before; "" for the first
	Omit   float64       // share of the traces that is left out, by a hash of the id
	Limit  int           // summaries in a page; 0: 100
	// Indexed says whether searches find a trace; nil: they find all.
	Indexed func(tomo.Position) bool
}

// Page is an answer to a Question, newest first.
type Page struct {
	Traces      []*Listed
	Token       string    // of the next page; "" after the last
	Processed   int64     // traces in the window, whether they match or not
	Approximate tomo.Time // where the page's slice of time begins
}

const (
	// defaultPage is the number of summaries in a page. The service does not
	// document its own.
	defaultPage = 100
	// maxScan is how many summaries are looked at for one page. A page that
	// was not filled by then ends there, with a token: X-Ray's clients go on
	// after short and even empty pages, and no call runs for ever.
	maxScan = 200_000
	// chunk is how many summaries are looked at together.
	chunk = 128
)

// Summaries answers q. A token names a place in the order of all summaries and
// nothing else, so it stays good when the rest of the question changes. A bad
// one is a *tomo.Error with the code Invalid.
func (e *Engine) Summaries(ctx context.Context, q Question) (*Page, error) {
	after, err := parseToken(q.Token)
	if err != nil {
		return nil, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultPage
	}
	page := &Page{Approximate: q.Window.Start.Second()}
	if q.Window.By == tomo.ByService {
		page.Approximate = q.Window.Start.Add(-tomo.ServiceLead).Second()
	}
	if page.Processed, err = e.store.Count(ctx, q.Window, filter.Plan{}); err != nil {
		return nil, fmt.Errorf("counting traces: %w", err)
	}
	plan, matcher := prepare(q.Filter, q.Groups)
	search := search{engine: e, matcher: matcher, limit: q.Limit}
	scanned := 0
	for c, err := range e.candidates(ctx, q.Window, plan, after, matcher) {
		if err != nil {
			return nil, fmt.Errorf("reading summaries: %w", err)
		}
		if scanned == maxScan && !search.full {
			search.end = search.last // where the next page goes on
			break
		}
		scanned++
		search.last = c.at
		if omitted(c.at.ID, q.Omit) || q.Indexed != nil && !q.Indexed(c.at) {
			continue
		}
		if err := search.add(ctx, c); err != nil {
			return nil, err
		}
		if search.full {
			break
		}
	}
	if err := search.flush(ctx); err != nil {
		return nil, err
	}
	if page.Traces, err = search.list(ctx); err != nil {
		return nil, err
	}
	if end := search.end; end != (tomo.Position{}) {
		page.Token = token(end)
		if q.Window.By == tomo.ByTraceID {
			page.Approximate = end.Start.Second()
		}
	}
	return page, nil
}

// Count is the number of traces in w that match f; nil matches all.
func (e *Engine) Count(ctx context.Context, w tomo.Window, f filter.Expr, groups filter.Groups) (n int64, err error) {
	plan, matcher := prepare(f, groups)
	if matcher == nil {
		if n, err = e.store.Count(ctx, w, plan); err != nil {
			return 0, fmt.Errorf("counting traces: %w", err)
		}
		return n, nil
	}
	search := search{engine: e, matcher: matcher, limit: endless}
	for c, err := range e.candidates(ctx, w, plan, tomo.Top, matcher) {
		if err != nil {
			return 0, fmt.Errorf("reading summaries: %w", err)
		}
		if err := search.add(ctx, c); err != nil {
			return 0, err
		}
		n += search.forget()
	}
	if err := search.flush(ctx); err != nil {
		return 0, err
	}
	return n + search.forget(), nil
}

// prepare makes a filter ready for the store and, unless the store tells all
// there is to know, for its answers.
func prepare(f filter.Expr, groups filter.Groups) (filter.Plan, *filter.Matcher) {
	if _, all := f.(filter.All); f == nil || all {
		return filter.Plan{}, nil
	}
	plan := filter.PlanFor(f, groups)
	if plan.Exact {
		return plan, nil
	}
	return plan, filter.Compile(f, groups)
}

// candidates yields the traces that the plan leaves, with what the matcher makes
// of their summaries. Those are read only if there is something left to ask.
func (e *Engine) candidates(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position, matcher *filter.Matcher) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		if matcher == nil {
			for at, err := range e.store.Positions(ctx, w, p, after) {
				if !yield(candidate{at: at, verdict: filter.Yes}, err) {
					return
				}
			}
			return
		}
		for s, err := range e.store.Summaries(ctx, w, p, after) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			if !yield(candidateOf(s, matcher.MatchSummary(s)), nil) {
				return
			}
		}
	}
}

// search gathers the traces of a page that match. Summaries wait until there
// are some of them; then those that a look at the summary cannot decide are
// decided together, from their documents.
type search struct {
	engine  *Engine
	matcher *filter.Matcher // nil: everything that the store yields matches
	limit   int             // endless, if what is found is only counted

	waiting []*candidate
	found   []*candidate
	last    tomo.Position // of the summary looked at last
	full    bool          // there is a match more than the page takes
	end     tomo.Position // after which the next page begins; zero: there is none
}

// endless is the limit of a search that shows nothing.
const endless = math.MaxInt

// candidate is a trace, with what had to be read of it.
type candidate struct {
	at      tomo.Position
	verdict filter.Truth
	listed  *Listed // nil until its documents were read
	// What its summary said of how much there is; 0 if that was not read. The
	// summary itself is not kept: that of a large trace is large.
	documents, annotations int
}

func candidateOf(s *tomo.Summary, verdict filter.Truth) candidate {
	return candidate{at: s.Position(), verdict: verdict, documents: s.Documents, annotations: len(s.Annotations)}
}

// add takes the next candidate into account.
func (s *search) add(ctx context.Context, c candidate) error {
	if c.verdict == filter.No {
		return nil
	}
	waiting := c // most are not worth room of their own
	s.waiting = append(s.waiting, &waiting)
	if len(s.waiting) == chunk || len(s.found)+len(s.waiting) > s.limit && s.matcher == nil {
		return s.flush(ctx)
	}
	return nil
}

// flush decides what waits.
func (s *search) flush(ctx context.Context) error {
	var open []*candidate
	for _, c := range s.waiting {
		if c.verdict == filter.Unknown {
			open = append(open, c)
		}
	}
	err := s.engine.detail(ctx, open, func(i int, d *tomo.Detail) {
		if s.matcher.Match(d) {
			open[i].verdict = filter.Yes
			if s.limit < endless {
				open[i].listed = listing(d)
			}
		}
	})
	if err != nil {
		return err
	}
	for _, c := range s.waiting {
		if c.verdict != filter.Yes {
			continue
		}
		if len(s.found) == s.limit {
			s.full, s.end = true, s.found[s.limit-1].at
			break
		}
		s.found = append(s.found, c)
	}
	s.waiting = s.waiting[:0]
	return nil
}

// forget drops what was found and tells how much that was.
func (s *search) forget() int64 {
	n := len(s.found)
	s.found = s.found[:0]
	return int64(n)
}

// list reads what the page shows of its traces besides their summaries.
func (s *search) list(ctx context.Context) ([]*Listed, error) {
	var missing []*candidate
	for _, c := range s.found {
		if c.listed == nil {
			missing = append(missing, c)
		}
	}
	if err := s.engine.detail(ctx, missing, func(i int, d *tomo.Detail) { missing[i].listed = listing(d) }); err != nil {
		return nil, err
	}
	list := make([]*Listed, 0, len(s.found))
	for _, c := range s.found {
		if c.listed != nil {
			list = append(list, c.listed)
		}
	}
	return list, nil
}

// Look shows look the next traces of w behind the place of the token, up to limit
// of them, in full: one at a time, in no order. A detail is good until look
// returns. The token for what comes then is "" after the last.
func (e *Engine) Look(ctx context.Context, w tomo.Window, from string, limit int, look func(*tomo.Detail)) (next string, err error) {
	after, err := parseToken(from)
	if err != nil {
		return "", err
	}
	var list []*candidate
	for at, err := range e.store.Positions(ctx, w, filter.Plan{}, after) {
		if err != nil {
			return "", fmt.Errorf("reading positions: %w", err)
		}
		if len(list) == limit {
			next = token(list[limit-1].at)
			break
		}
		list = append(list, &candidate{at: at})
	}
	var one sync.Mutex
	return next, e.detail(ctx, list, func(_ int, d *tomo.Detail) {
		one.Lock()
		defer one.Unlock()
		look(d)
	})
}

// detail derives the details of traces from their documents and shows them to
// look with their places in the list, from several goroutines and in any order. A
// detail is good until look returns: what keeps a part of it keeps the texts of
// all documents of the trace. One that got documents since its summary was read
// is told as it is now; one that was dropped since is not shown.
func (e *Engine) detail(ctx context.Context, list []*candidate, look func(i int, d *tomo.Detail)) error {
	at := make([]tomo.Position, len(list))
	for i, c := range list {
		at[i] = c.at
	}
	err := e.store.DocumentsOf(ctx, at, func(i int, all *tomo.TraceDocuments) {
		if len(all.Documents) == 0 {
			return
		}
		d := e.withinOf(list[i], len(all.Documents)).Detail(all.ID, all.Documents)
		d.LimitExceeded = all.LimitExceeded
		look(i, d)
	})
	if err != nil {
		return fmt.Errorf("reading traces: %w", err)
	}
	return nil
}

// withinOf are the limits to hold a candidate of so many documents against a
// filter by. One that was settled when others were in force has the annotations
// that it had then: what its documents tell has to agree with its summary.
func (e *Engine) withinOf(c *candidate, documents int) derive.Within {
	within := e.within
	if c.documents == documents && c.annotations > 0 {
		within.Annotations = c.annotations
	}
	return within
}

// omitted says whether a trace belongs to the share that is left out. It is
// always the same traces, and a smaller share is part of a larger one.
func omitted(id tomo.TraceID, share float64) bool {
	// FNV-1a, mixed at the end: the ids' own bits need not be random.
	h := uint64(14695981039346656037)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return float64(h>>11)/(1<<53) < share
}

const tokenLength = 8 + 16

func token(p tomo.Position) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Start))
	return base64.RawURLEncoding.EncodeToString(append(b, p.ID[:]...))
}

func parseToken(text string) (tomo.Position, error) {
	if text == "" {
		return tomo.Top, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != tokenLength {
		return tomo.Position{}, &tomo.Error{Code: tomo.Invalid, Message: "Invalid token " + text}
	}
	p := tomo.Position{Start: tomo.Time(binary.BigEndian.Uint64(b))}
	copy(p.ID[:], b[8:])
	return p, nil
}

// TraceGraph is the graph of the given traces. Unknown ids are left out; if all
// of them are, the error is a *tomo.Error with the code NotFound.
func (e *Engine) TraceGraph(ctx context.Context, ids []tomo.TraceID) (*tomo.ServiceGraph, error) {
	var summaries []*tomo.Summary
	for _, id := range ids {
		all, err := e.store.Documents(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading trace %v: %w", id, err)
		}
		if len(all.Documents) > 0 {
			summaries = append(summaries, e.within.Summary(id, all.Documents))
		}
	}
	if len(summaries) == 0 {
		return nil, &tomo.Error{Code: tomo.NotFound, Message: "Trace id not found"}
	}
	return derive.Graph(summaries...), nil
}

// ServiceGraph is the graph of what was received in r of the traces of a group,
// which is told by its Group.ID; "" stands for all traces.
func (e *Engine) ServiceGraph(ctx context.Context, r tomo.TimeRange, group string) (*tomo.ServiceGraph, error) {
	graph, err := e.store.Graph(ctx, r, group)
	if err != nil {
		return nil, fmt.Errorf("reading the service graph: %w", err)
	}
	return graph, nil
}

// Dropped is how much keep rules dropped of a group's traces, as in
// ServiceGraph, that started in the minutes that begin in r.
func (e *Engine) Dropped(ctx context.Context, r tomo.TimeRange, group string) (tomo.Dropped, error) {
	sum, err := e.store.Dropped(ctx, r, group)
	if err != nil {
		return tomo.Dropped{}, fmt.Errorf("reading what was dropped: %w", err)
	}
	return sum, nil
}
