// Package ingest is the write path: it takes segment documents from any door,
// refuses the bad ones one by one, makes the good ones durable, and settles
// traces that have gone quiet.
//
//	door → Accept → parse, validate → Store.PutSegments (synced) → acknowledged
//	            Run → Store.Due → Sorter: summary, groups, kept or dropped → Store.Settle → counted
//
// What is refused, shortened or superseded is told to [Losses]; nothing
// vanishes silently.
package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// Store is what the write path asks of a backend.
type Store interface {
	// PutSegments makes the documents durable and visible to every read, all or
	// none. over lists those refused because of what is held of their trace. The
	// texts are kept. An error is a *tomo.Error with the code Unavailable.
	PutSegments(ctx context.Context, docs []tomo.Incoming) (over []tomo.Over, err error)
	// Due gives the traces that are due to be settled, each with everything held
	// of it.
	Due(ctx context.Context, p tomo.SettlePolicy) ([]tomo.TraceDocuments, error)
	// Settle makes the rows take the place of the documents that Due gave,
	// durably, or changes nothing.
	Settle(ctx context.Context, rows []tomo.Settled) error
	// Maintain drops what has expired and tidies what is stored.
	Maintain(ctx context.Context) error
}

// Options configure a pipeline. The zero value is a good default.
type Options struct {
	// MaxDocument is the largest document taken, in bytes. 0: tomo.MaxDocument.
	MaxDocument int
	// StrictTraceIDs refuses trace ids whose date is more than 30 days past or
	// 5 minutes ahead with InvalidTraceId, X-Ray's rule before it took W3C ids.
	StrictTraceIDs bool
	// Limits are how much of documents is indexed and shown.
	Limits tomo.Limits
	// Settle says when a trace is settled. Zero fields: quiet for 3 s, or open
	// for a minute; a round begins when a trace has been due for 30 s or 32 MiB
	// are due.
	Settle tomo.SettlePolicy
	// Sorter puts traces into groups and decides which are kept. nil: there are
	// no groups but Default, and all are kept. It has limits of its own.
	Sorter *Sorter
	// Losses is told what was not stored as sent. nil: a ledger of its own.
	Losses *Losses
	// Now is the clock that receipts are stamped with. nil: the real one.
	Now    func() time.Time
	Logger *slog.Logger
	// GiveWay is called again and again while traces are derived to settle, and may
	// take its time where somebody waits for a processor. nil: nothing is called.
	GiveWay func()
}

// The bounds of strict trace ids: X-Ray kept traces for 30 days, and its
// clients allow five minutes of clock skew.
const (
	strictPast   = 30 * 24 * time.Hour
	strictFuture = 5 * time.Minute
)

func (o *Options) setDefaults() {
	if o.GiveWay == nil {
		o.GiveWay = func() {}
	}
	if o.MaxDocument == 0 {
		o.MaxDocument = tomo.MaxDocument
	}
	if o.Settle.Quiet == 0 {
		o.Settle.Quiet = 3 * time.Second
	}
	if o.Settle.MaxAge == 0 {
		o.Settle.MaxAge = max(time.Minute, o.Settle.Quiet)
	}
	if o.Settle.Wait == 0 {
		o.Settle.Wait = min(30*time.Second, 10*o.Settle.Quiet)
	}
	if o.Settle.Round == 0 {
		o.Settle.Round = 32 << 20
	}
	if o.Sorter == nil {
		o.Sorter = NewSorter(o.Logger, o.Limits)
	}
	if o.Losses == nil {
		o.Losses = NewLosses()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Pipeline takes documents into a store. Its methods may be called
// concurrently.
type Pipeline struct {
	store    Store
	o        Options
	accepted *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	tally    *tally

	mu    sync.Mutex // guards doors
	doors map[string]*Door
}

// Door is what came by a door since the pipeline was made.
type Door struct {
	Documents int64 // stored
	Bytes     int64 // of these
	Refused   int64 // documents
}

// Doors counts what came, by the name of the door.
func (p *Pipeline) Doors() map[string]Door {
	p.mu.Lock()
	defer p.mu.Unlock()
	doors := make(map[string]Door, len(p.doors))
	for source, door := range p.doors {
		doors[source] = *door
	}
	return doors
}

func (p *Pipeline) pass(source string, more Door) {
	p.mu.Lock()
	defer p.mu.Unlock()
	door := p.doors[source]
	if door == nil {
		door = new(Door)
		p.doors[source] = door
	}
	door.Documents += more.Documents
	door.Bytes += more.Bytes
	door.Refused += more.Refused
}

// New makes a pipeline into store.
func New(store Store, o Options) *Pipeline {
	o.setDefaults()
	return &Pipeline{
		store: store, o: o, doors: map[string]*Door{},
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tomo_ingest_documents_total", Help: "Segment documents stored, by the door they came by."}, []string{"source"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tomo_ingest_document_bytes_total", Help: "Bytes of the segment documents stored."}, []string{"source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tomo_ingest_refused_documents_total", Help: "Segment documents refused, by the code of the refusal."}, []string{"source", "code"}),
		tally: newTally(o.Sorter.current),
	}
}

// Collectors are the pipeline's metrics.
func (p *Pipeline) Collectors() []prometheus.Collector {
	return []prometheus.Collector{p.accepted, p.bytes, p.refused, p.o.Losses, p.tally}
}

// GroupFigures counts the traces that settled since it was last called, each
// once, by group: Default, then the others by name, also those without any.
// Traces that keep rules dropped count like all others.
func (p *Pipeline) GroupFigures() []tomo.GroupFigures { return p.tally.take() }

// KeepCounts counts the traces that each keep rule has decided about since the
// rule or the server is there, by its name; "" is for those that matched none.
func (p *Pipeline) KeepCounts() map[string]KeepCount { return p.tally.decisions() }

// Sorter is what puts traces into groups and decides which are kept.
func (p *Pipeline) Sorter() *Sorter { return p.o.Sorter }

// Losses is the ledger of what was not stored as sent.
func (p *Pipeline) Losses() *Losses { return p.o.Losses }

// scratch is the memory of one Accept, reused.
type scratch struct {
	doc      tomo.Document
	incoming []tomo.Incoming
	digests  []byte // of one call: the store keeps it
	place    []int  // of each incoming: the index of its document in the call
	usual    int    // bytes that the digest of a document needed in the call before
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Accept takes the documents of one call from the door named by source. It
// returns when those that are good are stored durably and can be read. refusals
// are in the order of docs; a document that is an array of subsegments may have
// several. err is a *tomo.Error, and then nothing was stored. The texts are
// kept and must not be changed afterwards.
func (p *Pipeline) Accept(ctx context.Context, source string, docs [][]byte) (refusals []tomo.Refusal, err error) {
	s := scratches.Get().(*scratch)
	defer func() {
		clear(s.incoming)
		scratches.Put(s)
	}()
	s.incoming, s.place, s.digests = s.incoming[:0], s.place[:0], make([]byte, 0, s.usual*len(docs))
	now := tomo.TimeOf(p.o.Now())
	var refused []placed
	for i, text := range docs {
		raw := tomo.RawDocument{Text: text, Received: now}
		if len(text) > p.o.MaxDocument {
			refused = append(refused, placed{i, p.tooLarge(text)})
			continue
		}
		for document := range raw.Split() {
			refused = p.admit(s, i, document, refused)
		}
	}
	s.usual = len(s.digests)/max(1, len(docs)) + 32
	if len(s.incoming) > 0 {
		over, err := p.store.PutSegments(ctx, s.incoming)
		if err != nil {
			return nil, asUnavailable(err)
		}
		for _, o := range over {
			refused = insert(refused, placed{s.place[o.Index], ofTrace(s.incoming[o.Index].Text, o.Why)})
		}
		p.count(source, s.incoming, over)
	}
	for _, r := range refused {
		refusals = append(refusals, r.Refusal)
		p.refuse(source, now, docs[r.place], &r.Refusal)
	}
	return refusals, nil
}

// placed is a refusal and the index of the document it is about.
type placed struct {
	place int
	tomo.Refusal
}

// insert keeps the order of the documents.
func insert(list []placed, r placed) []placed {
	at := len(list)
	for at > 0 && list[at-1].place > r.place {
		at--
	}
	list = append(list, placed{})
	copy(list[at+1:], list[at:])
	list[at] = r
	return list
}

// admit parses one document and puts it among the incoming or the refused.
func (p *Pipeline) admit(s *scratch, place int, raw tomo.RawDocument, refused []placed) []placed {
	s.doc.Limits = p.o.Limits
	if refusal := s.doc.Parse(raw); refusal != nil {
		return append(refused, placed{place, *refusal})
	}
	now := raw.Received
	top := &s.doc.Segments[0]
	if date := s.doc.TraceID.Date(); p.o.StrictTraceIDs && (date.Before(now.Std().Add(-strictPast)) || date.After(now.Std().Add(strictFuture))) {
		id := top.ID.String()
		kind := "segment"
		if top.Subsegment {
			kind = "subsegment"
		}
		return append(refused, placed{place, tomo.Refusal{ID: &id, Code: tomo.InvalidTraceID,
			Message: fmt.Sprintf("Invalid %s. ErrorCode: InvalidTraceId, Cause: the date in trace_id is %s; strict trace ids are on", kind, date.Format(time.RFC3339))}})
	}
	if r := s.doc.Repairs; r != (tomo.Repairs{}) {
		p.o.Losses.Add(tomo.Loss{Time: now, Source: "document", Reason: tomo.LossTruncated, ID: top.ID.String(), Trace: s.doc.TraceID.String(), Count: 1,
			Detail: fmt.Sprintf("names cut: %d, annotations left out: %d, other members left out: %d; the text is stored whole", r.Name, r.Annotations, r.Members)})
	}
	var in tomo.Incoming
	in, s.digests = s.doc.Incoming(s.digests)
	s.incoming = append(s.incoming, in)
	s.place = append(s.place, place)
	return refused
}

// tooLarge refuses a document without parsing it.
func (p *Pipeline) tooLarge(text []byte) tomo.Refusal {
	return tomo.Refusal{ID: find(text, `"id"`), Code: tomo.InvalidSegment,
		Message: fmt.Sprintf("Invalid segment. ErrorCode: InvalidSegment, Cause: the document is %d bytes; the limit is %d", len(text), p.o.MaxDocument)}
}

// ofTrace refuses a document because of the trace that it belongs to. X-Ray: a
// trace that is too large, or closed, was seen to refuse with InvalidSegment.
func ofTrace(text []byte, why string) tomo.Refusal {
	return tomo.Refusal{ID: find(text, `"id"`), Code: tomo.InvalidSegment, Message: "Invalid segment. ErrorCode: InvalidSegment, Cause: " + why}
}

func (p *Pipeline) count(source string, incoming []tomo.Incoming, over []tomo.Over) {
	bytes := 0
	for i := range incoming {
		bytes += len(incoming[i].Text)
	}
	for _, o := range over {
		bytes -= len(incoming[o.Index].Text)
	}
	p.accepted.WithLabelValues(source).Add(float64(len(incoming) - len(over)))
	p.bytes.WithLabelValues(source).Add(float64(bytes))
	p.pass(source, Door{Documents: int64(len(incoming) - len(over)), Bytes: int64(bytes)})
}

func (p *Pipeline) refuse(source string, now tomo.Time, text []byte, r *tomo.Refusal) {
	p.refused.WithLabelValues(source, string(r.Code)).Inc()
	p.pass(source, Door{Refused: 1})
	loss := tomo.Loss{Time: now, Source: source, Reason: tomo.LossRefused, Code: r.Code, Count: 1, Detail: r.Message}
	if trace := find(text, `"trace_id"`); trace != nil {
		loss.Trace = *trace
	}
	if r.ID != nil {
		loss.ID = *r.ID
	}
	p.o.Losses.Add(loss)
}

// asUnavailable makes sure that a door knows what to answer.
func asUnavailable(err error) error {
	var known *tomo.Error
	if errors.As(err, &known) {
		return known
	}
	return &tomo.Error{Code: tomo.Unavailable, Message: err.Error()}
}

// Run settles traces and tidies the store until ctx ends. What is open then
// stays open; it is durable.
func (p *Pipeline) Run(ctx context.Context) error {
	tick := time.NewTicker(min(200*time.Millisecond, max(10*time.Millisecond, p.o.Settle.Quiet/4)))
	defer tick.Stop()
	maintain := time.NewTicker(maintenance)
	defer maintain.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-maintain.C:
			if err := p.store.Maintain(ctx); err != nil && ctx.Err() == nil {
				p.o.Logger.Error("tidying the store", "error", err)
			}
			continue
		case <-tick.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = p.Settle(ctx); err != nil && ctx.Err() == nil {
				p.o.Logger.Error("settling traces", "error", err)
				wait(ctx, time.Second)
			}
		}
	}
}

// maintenance is how often the store is tidied.
const maintenance = 10 * time.Second

// Settle does one round: it settles the traces that are due and says whether
// there were any.
func (p *Pipeline) Settle(ctx context.Context) (bool, error) {
	due, err := p.store.Due(ctx, p.o.Settle)
	if err != nil || len(due) == 0 {
		return false, err
	}
	rules := p.o.Sorter.current()
	round, rows := make([]sorted, len(due)), make([]tomo.Settled, len(due))
	for i := range due {
		if i%8 == 0 {
			p.o.GiveWay()
		}
		round[i] = rules.sort(&due[i], true)
		rows[i] = tomo.Settled{Summary: round[i].summary, Documents: due[i].Documents, Dropped: !round[i].decision.Kept}
	}
	if err := p.store.Settle(ctx, rows); err != nil {
		return true, err
	}
	p.tally.count(rules, due, round)
	return true, nil
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// find looks for the first text member of that name, anywhere: good enough to
// tell people which document was refused. nil if there is none.
func find(text []byte, name string) *string {
	const room = 64 // an id is shorter
	_, rest, found := bytes.Cut(text, []byte(name))
	if !found {
		return nil
	}
	rest, isMember := bytes.CutPrefix(bytes.TrimLeft(rest[:min(len(rest), 2*room)], " \t\r\n"), []byte(":"))
	value, isText := bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"`))
	end := bytes.IndexByte(value, '"')
	if !isMember || !isText || end < 0 || end > room || !utf8.Valid(value[:end]) {
		return nil
	}
	id := string(value[:end])
	return &id
}
