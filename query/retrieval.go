package query

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// Limits of retrievals. A retrieval is forgotten an hour after it was started:
// the documented lifetime of the service's jobs.
const (
	retrievalLifetime = time.Hour
	maxRetrievals     = 1000 // then the oldest goes
)

// RetrievalStatus is how a retrieval stands.
type RetrievalStatus uint8

const (
	RetrievalComplete RetrievalStatus = iota
	RetrievalCancelled
)

// Retrievals are the requests for traces by their ids that clients may ask the
// answers of page by page. They read the same store as everything else, and so
// are complete as soon as they are started: traces are told as they are when a
// page is read. They are kept in memory and go with a restart.
type Retrievals struct {
	engine *Engine
	now    func() time.Time

	mu   sync.Mutex
	jobs map[string]*retrieval
}

type retrieval struct {
	ids     []tomo.TraceID
	r       tomo.TimeRange
	started time.Time
	status  RetrievalStatus
}

// NewRetrievals makes retrievals that read by engine. now is the clock; nil: the
// real one.
func NewRetrievals(engine *Engine, now func() time.Time) *Retrievals {
	if now == nil {
		now = time.Now
	}
	return &Retrievals{engine: engine, now: now, jobs: map[string]*retrieval{}}
}

// Start begins to retrieve the traces of which something lies within r, and
// gives the token to ask for them.
func (rs *Retrievals) Start(ids []tomo.TraceID, r tomo.TimeRange) (token string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.forget()
	if len(rs.jobs) >= maxRetrievals {
		oldest := ""
		for t, job := range rs.jobs {
			if oldest == "" || job.started.Before(rs.jobs[oldest].started) {
				oldest = t
			}
		}
		delete(rs.jobs, oldest)
	}
	token = rand.Text()
	rs.jobs[token] = &retrieval{ids: slices.Clone(ids), r: r, started: rs.now()}
	return token
}

// forget drops what is too old. The caller holds rs.mu.
func (rs *Retrievals) forget() {
	limit := rs.now().Add(-retrievalLifetime)
	for token, job := range rs.jobs {
		if job.started.Before(limit) {
			delete(rs.jobs, token)
		}
	}
}

// Cancel ends a retrieval; it gives nothing from then on.
func (rs *Retrievals) Cancel(token string) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.forget()
	job := rs.jobs[token]
	if job == nil {
		return errNoRetrieval
	}
	job.status = RetrievalCancelled
	return nil
}

var errNoRetrieval = &tomo.Error{Code: tomo.NotFound, Message: fmt.Sprintf("There is no retrieval with this token; they are kept for %s", retrievalLifetime)}

// find gives a copy of the retrieval as it stands. The error is NotFound.
func (rs *Retrievals) find(token string) (retrieval, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.forget()
	job := rs.jobs[token]
	if job == nil {
		return retrieval{}, errNoRetrieval
	}
	return *job, nil
}

// Retrieved is a part of the answer to a retrieval.
type Retrieved struct {
	Status RetrievalStatus
	Traces []*tomo.Trace
	Next   int // where to go on, -1 at the end
}

// Traces gives some of the traces of a retrieval, beginning with the one that
// was named at position from. Those that are not there are left out. The error
// is NotFound if there is no such retrieval.
func (rs *Retrievals) Traces(ctx context.Context, token string, from, limit int) (*Retrieved, error) {
	job, err := rs.find(token)
	if err != nil {
		return nil, err
	}
	answer := &Retrieved{Status: job.status, Next: -1}
	if job.status == RetrievalCancelled {
		return answer, nil
	}
	for i := max(0, from); i < len(job.ids); i++ {
		if len(answer.Traces) == limit {
			answer.Next = i
			break
		}
		docs, _, err := rs.read(ctx, &job, job.ids[i])
		if err != nil {
			return nil, err
		}
		if docs != nil {
			trace := rs.engine.within.Trace(job.ids[i], docs.Documents)
			trace.LimitExceeded = docs.LimitExceeded
			answer.Traces = append(answer.Traces, trace)
		}
	}
	return answer, nil
}

// read reads a trace; nil if there is none within the range of the retrieval.
func (rs *Retrievals) read(ctx context.Context, job *retrieval, id tomo.TraceID) (*tomo.TraceDocuments, *tomo.Summary, error) {
	docs, err := rs.engine.store.Documents(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("reading trace %v: %w", id, err)
	}
	if len(docs.Documents) == 0 {
		return nil, nil, nil
	}
	s := rs.engine.within.Summary(id, docs.Documents)
	if !job.r.Overlaps(s.Start, s.Start.Add(max(s.Duration, 0))) {
		return nil, nil, nil
	}
	return &docs, s, nil
}

// GraphLink says that segments of a node name other traces.
type GraphLink struct {
	Parent, Child bool // what the other traces are to this one; both false if it is unsaid
	Source        tomo.TraceID
	Destinations  []tomo.TraceID
}

// maxLinks is how many links are told of a node. Limit of the model.
const maxLinks = 100

// Graph gives the graph of all traces of a retrieval, and the links of each of
// its services, in the same order. The error is NotFound if there is no such
// retrieval.
func (rs *Retrievals) Graph(ctx context.Context, token string) (RetrievalStatus, *tomo.ServiceGraph, [][]GraphLink, error) {
	job, err := rs.find(token)
	if err != nil || job.status == RetrievalCancelled {
		return job.status, &tomo.ServiceGraph{}, nil, err
	}
	var summaries []*tomo.Summary
	links := map[tomo.NodeID][]GraphLink{} // in the order in which the traces were named
	for _, id := range job.ids {
		docs, s, err := rs.read(ctx, &job, id)
		if err != nil {
			return 0, nil, nil, err
		}
		if docs == nil {
			continue
		}
		summaries = append(summaries, s)
		addLinks(links, docs, tomo.Limits(rs.engine.within).OrDefault())
	}
	graph := derive.Graph(summaries...)
	ofServices := make([][]GraphLink, len(graph.Services))
	for i := range graph.Services {
		of := links[graph.Services[i].NodeID]
		ofServices[i] = of[:min(len(of), maxLinks)]
	}
	return job.status, graph, ofServices, nil
}

// addLinks gathers the links that the segments of a trace have, by node, up to the
// limit. Equal kinds of links of one node and trace are one, with all it names.
func addLinks(links map[tomo.NodeID][]GraphLink, docs *tomo.TraceDocuments, limits tomo.Limits) {
	doc := tomo.Document{Limits: limits}
	left := limits.TraceLinks
	for _, raw := range docs.Documents {
		if doc.Parse(raw) != nil || len(doc.Segments) == 0 || doc.Segments[0].Subsegment {
			continue
		}
		top := &doc.Segments[0]
		node := tomo.NodeID{Name: top.Name, Type: top.Origin, Account: top.AWS.AccountID}
		for i := range doc.Segments {
			for _, l := range doc.Segments[i].Links {
				if left == 0 {
					return
				}
				if addLink(links, node, docs.ID, l) {
					left--
				}
			}
		}
	}
}

// addLink reports whether the link is a new one.
func addLink(links map[tomo.NodeID][]GraphLink, node tomo.NodeID, source tomo.TraceID, l tomo.Link) bool {
	list := links[node]
	for i := range list {
		if g := &list[i]; g.Source == source && g.Parent == l.Parent && g.Child == l.Child {
			if slices.Contains(g.Destinations, l.TraceID) {
				return false
			}
			g.Destinations = append(g.Destinations, l.TraceID)
			return true
		}
	}
	links[node] = append(list, GraphLink{l.Parent, l.Child, source, []tomo.TraceID{l.TraceID}})
	return true
}
