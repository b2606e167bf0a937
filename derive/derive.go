// Package derive computes everything that the documents of one trace say: the
// whole trace as it is shown, its summary, and its share of the service graph.
//
// Documents come in, in any order and any number of times; values come out.
// Nothing here has a clock, a store or a memory of what was derived before:
// the answer is a function of the set of documents and of when each was first
// received, so it may be thrown away and computed again.
//
// # From documents to an answer
//
// assemble.go puts the trace together. Each id becomes one entity, whatever
// number of documents told of it; the entities form trees, one below each
// segment. node.go says under which name and type a segment, or the callee of
// a subsegment, stands in the graph. summary.go and trace.go read the answers
// off, and document.go writes the documents that are shown. detail.go adds to a
// summary what filter expressions ask, rootcause.go why a trace failed or was slow.
//
// forecast.go is about many traces: how many faults to expect of a node, from
// the counts of its past.
package derive

import "github.com/tomotrace/tomo"

// Within derives within limits, which say how much of the documents is indexed
// and shown. The functions of the package have X-Ray's.
type Within tomo.Limits

// Summary derives what can be asked about the trace id from its documents,
// which may be in any order; of documents with equal texts the earliest counts.
// Where documents of one id contradict each other and were received in the same
// instant, the order given decides. LimitExceeded is left for the caller to say.
//
// The strings of the summary point into the documents' texts.
func Summary(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Summary {
	return Within{}.Summary(id, docs)
}

// Summary is [Summary] within the limits.
func (l Within) Summary(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Summary {
	a := assemble(docs, (*tomo.Document).Outline, l)
	defer a.release()
	return a.summary(id)
}

// Detail derives all that a filter expression can ask about the trace id, and
// its root causes, from its documents. The summary in it is that of Summary.
//
// The strings of the detail point into the documents' texts.
func Detail(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Detail {
	return Within{}.Detail(id, docs)
}

// Detail is [Detail] within the limits.
func (l Within) Detail(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Detail {
	a := assemble(docs, (*tomo.Document).Outline, l)
	defer a.release()
	return a.detail(a.summary(id), tomo.AllParts, nil, nil)
}

// Look derives the summary as Summary does and shows it to wanted. If that wants
// parts of the detail they are derived too and shown to look, which costs a
// fraction of what Detail does. What is not wanted is left empty. The detail,
// but for its summary, is good until look returns.
func (l Within) Look(id tomo.TraceID, docs []tomo.RawDocument, wanted func(*tomo.Summary) tomo.DetailParts, look func(*tomo.Detail)) *tomo.Summary {
	a := assemble(docs, (*tomo.Document).Outline, l)
	defer a.release()
	s := a.summary(id)
	if parts := wanted(s); parts != 0 {
		g := &a.detailing
		d := a.detail(s, parts, g.units, g.calls)
		if parts&tomo.WhatUnitsSaid != 0 {
			g.units, g.calls = d.UnitDetails, d.CallDetails
		}
		look(d)
	}
	return s
}

// Trace derives the trace id as BatchGetTraces shows it from its documents: the
// segments by start, each with everything below it folded in, then an inferred
// segment for each call whose callee sent none. LimitExceeded is left for the
// caller to say.
func Trace(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Trace {
	return Within{}.Trace(id, docs)
}

// Trace is [Trace] within the limits.
func (l Within) Trace(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Trace {
	a := assemble(docs, (*tomo.Document).Parse, l)
	defer a.release()
	return a.trace(id)
}

// Graph is the service graph of the traces summed up, sorted. Everything in
// them counts, whenever it was received.
func Graph(summaries ...*tomo.Summary) *tomo.ServiceGraph {
	g := &tomo.ServiceGraph{}
	for _, s := range summaries {
		g.Add(s, tomo.Always)
	}
	g.Sort()
	return g
}
