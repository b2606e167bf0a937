// Package query is the read path: whole traces, pages of summaries, and graphs,
// over open and settled traces alike.
package query

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// Store is what the read path asks of a backend. Every answer shows what was
// acknowledged before the question, each trace once.
type Store interface {
	// Documents gives everything held of a trace; nothing for an unknown one.
	Documents(ctx context.Context, id tomo.TraceID) (tomo.TraceDocuments, error)
	// Summaries yields the traces in w, newest start first, behind after. The
	// first error ends the sequence.
	Summaries(ctx context.Context, w tomo.Window, after tomo.Position) iter.Seq2[*tomo.Summary, error]
	// Count is the number of traces in w.
	Count(ctx context.Context, w tomo.Window) (int64, error)
	// Graph is the service graph of what was received in r, sorted.
	Graph(ctx context.Context, r tomo.TimeRange) (*tomo.ServiceGraph, error)
	// Series gives each the service graphs of the whole minutes that r touches,
	// by receipt, named by their first moment. A minute in which nothing was
	// received is left out; others may come in several parts, in any order, that
	// merged are the graph. Parts are shared: they must not be changed.
	Series(ctx context.Context, r tomo.TimeRange, each func(minute tomo.Time, part *tomo.ServiceGraph)) error
}

// Engine answers questions from a store.
type Engine struct{ store Store }

// New makes an engine over store.
func New(store Store) *Engine { return &Engine{store} }

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
		trace := derive.Trace(id, all.Documents)
		trace.LimitExceeded = all.LimitExceeded
		traces = append(traces, trace)
	}
	return traces, nil
}

// Question asks for a page of summaries.
type Question struct {
	Window tomo.Window
	Token  string  // of the page before; "" for the first
	Rate   float64 // share of the traces wanted, by a hash of the id; 0 and 1 mean all
	Limit  int     // summaries in a page; 0: 100
}

// Page is an answer to a Question, newest first.
type Page struct {
	Summaries   []*tomo.Summary
	Token       string    // of the next page; "" after the last
	Processed   int64     // traces in the window, whether they are in a page or not
	Approximate tomo.Time // where the page's slice of time begins
}

// defaultPage is the number of summaries in a page. The service does not
// document its own.
const defaultPage = 100

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
	if page.Processed, err = e.store.Count(ctx, q.Window); err != nil {
		return nil, fmt.Errorf("counting traces: %w", err)
	}
	for s, err := range e.store.Summaries(ctx, q.Window, after) {
		if err != nil {
			return nil, fmt.Errorf("reading summaries: %w", err)
		}
		if !sampled(s.ID, q.Rate) {
			continue
		}
		if len(page.Summaries) == q.Limit {
			last := page.Summaries[q.Limit-1]
			page.Token = token(last.Position())
			if q.Window.By == tomo.ByTraceID {
				page.Approximate = last.Start.Second()
			}
			break
		}
		page.Summaries = append(page.Summaries, s)
	}
	return page, nil
}

// sampled says whether a trace belongs to the share of rate. It is always the
// same traces, and a smaller share is part of a larger one.
func sampled(id tomo.TraceID, rate float64) bool {
	if rate <= 0 || rate >= 1 {
		return true
	}
	// FNV-1a, mixed at the end: the ids' own bits need not be random.
	h := uint64(14695981039346656037)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return float64(h>>11)/(1<<53) < rate
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
			summaries = append(summaries, derive.Summary(id, all.Documents))
		}
	}
	if len(summaries) == 0 {
		return nil, &tomo.Error{Code: tomo.NotFound, Message: "Trace id not found"}
	}
	return derive.Graph(summaries...), nil
}

// ServiceGraph is the graph of what was received in r.
func (e *Engine) ServiceGraph(ctx context.Context, r tomo.TimeRange) (*tomo.ServiceGraph, error) {
	graph, err := e.store.Graph(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("reading the service graph: %w", err)
	}
	return graph, nil
}
