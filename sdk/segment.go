package sdk

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Segment is a segment or a subsegment: a piece of work with a name, a start
// and an end. Its methods may be called from any goroutine. After Close they
// change nothing more.
//
// A segment that is not recorded takes everything and keeps nothing; a nil one
// as well.
type Segment struct {
	ctx      segmentContext
	trace    *trace
	node     *node // nil: not recorded
	attached atomic.Pointer[Attachment]
}

// segmentContext is the context that Begin returns. It lies in its segment, so
// that a segment and its context are one allocation.
type segmentContext struct {
	context.Context
	segment *Segment
}

type contextKey struct{}

// Value implements context.Context.
func (c *segmentContext) Value(key any) any {
	if key == (contextKey{}) {
		return c.segment
	}
	return c.Context.Value(key)
}

// ContextKey is the key under which a context has its *Segment. Use FromContext and
// WithSegment; it is for contexts that are filled in place, as those of fasthttp.
func ContextKey() any { return contextKey{} }

// FromContext is the segment or subsegment that ctx is in, nil if there is none.
func FromContext(ctx context.Context) *Segment {
	if c, ok := ctx.(*segmentContext); ok {
		return c.segment
	}
	s, _ := ctx.Value(contextKey{}).(*Segment)
	return s
}

// WithSegment puts ctx into the segment s, as for work that goes on in another
// context than the one s was begun with.
func WithSegment(ctx context.Context, s *Segment) context.Context {
	return &segmentContext{ctx, s}
}

// trace is what all segments of one process in one trace share and what is
// known from the start.
type trace struct {
	recorder *Recorder
	id       TraceID
	parent   ID     // that the incoming header named
	extra    string // of the incoming header
	recorded bool
}

// unrecorded is a segment that is not recorded: its subsegments are itself.
type unrecorded struct {
	Segment
	trace
}

// recording is a recorded segment and the tree of its subsegments.
//
// A node belongs to the tree until its top is closed and handed to the emitter.
// From then on nothing writes to it, because all that is closed refuses to be
// written to and all that was open was taken out. That is why the emitter reads
// it without the lock.
type recording struct {
	trace trace
	start time.Time // with the monotonic clock, from which all times are reckoned
	epoch int64     // start in microseconds

	mu    sync.Mutex
	nodes int // in trees that were not sent
	open  int // of these, not closed
	root  node
	// spare are the first subsegments, which come with the recording: most
	// segments have few.
	spare [2]node
	used  int
}

// node is a recorded segment or subsegment. recording.mu guards all below the line.
type node struct {
	Segment
	rec    *recording
	id     ID
	parent ID // zero: none
	name   string
	start  int64 // microseconds since the epoch
	sub    bool  // a subsegment
	// ----
	end       int64
	closed    bool
	top       bool // sent as a document of its own: nobody encloses it
	sent      bool
	fault     bool
	error     bool
	throttle  bool
	apart     bool // the emitter's: does not fit into the document of its parent
	namespace string
	up        *node
	first     *node // child
	last      *node // child
	next      *node // sibling
	prev      *node // sibling
	details   *details
}

// details are what not every node has.
type details struct {
	user        string
	origin      string
	resourceARN string
	request     *HTTPRequest
	response    *HTTPResponse
	sql         *SQL
	aws         []member
	annotations []annotation
	metadata    []namespace
	exceptions  []exception
	links       []Link
	rule        string
	few         [2]annotation // the first annotations, which come with the details
}

// member is a member of a JSON object; value is JSON.
type member struct {
	key   string
	value []byte
}

type namespace struct {
	name    string
	members []member
}

func (n *node) detail() *details {
	if n.details == nil {
		n.details = new(details)
		n.details.annotations = n.details.few[:0]
	}
	return n.details
}

func (r *recording) now() int64 {
	return r.epoch + time.Since(r.start).Microseconds()
}

// Begin begins a segment, the root of what this service does for one request,
// with the recorder of ctx. The name is that of the service; what X-Ray does not
// take in a name is left out. Whether it is recorded is the sampler's decision.
//
// A disabled recorder returns ctx and nil.
func Begin(ctx context.Context, name string) (context.Context, *Segment) {
	return recorderOf(ctx).Begin(ctx, name)
}

// Begin is the function Begin with this recorder.
func (r *Recorder) Begin(ctx context.Context, name string) (context.Context, *Segment) {
	return r.Continue(ctx, name, Header{}, Request{})
}

// Continue begins a segment for a request that came with the header h; a zero
// one is none. A decision in h is obeyed; else the sampler decides about q, whose
// Service and ServiceType need not be set.
func (r *Recorder) Continue(ctx context.Context, name string, h Header, q Request) (context.Context, *Segment) {
	if !r.enabled {
		return ctx, nil
	}
	if r.name != "" {
		name = r.name
	}
	now := time.Now()
	recorded, rule := h.Sampled == Sampled, ""
	if h.Sampled != Sampled && h.Sampled != NotSampled {
		q.Service, q.ServiceType = name, r.origin
		verdict := r.sampler.Sample(now, q)
		recorded, rule = verdict.Sampled, verdict.Rule
	}
	t := trace{recorder: r, id: h.Root, parent: h.Parent, extra: h.Extra, recorded: recorded}
	if t.id == (TraceID{}) {
		// A parent without its trace means nothing.
		t.id, t.parent = newTraceID(now.Unix()), 0
	}
	if !recorded {
		return beginUnrecorded(ctx, t)
	}
	rec := begin(t, now)
	if rule != "" {
		rec.root.detail().rule = rule
	}
	return rec.root.enter(ctx, rec, cleanName(name), rec.epoch)
}

func beginUnrecorded(ctx context.Context, t trace) (context.Context, *Segment) {
	u := &unrecorded{trace: t}
	u.Segment.trace = &u.trace
	u.ctx = segmentContext{ctx, &u.Segment}
	return &u.ctx, &u.Segment
}

// WithRemoteParent is for work on behalf of a segment that another process
// records, as a Lambda function has and the consumer of a message may have:
// subsegments in the context it returns belong to the one that h names and are
// sent alone. Unless h names trace and parent and says that they are recorded,
// nothing is.
func (r *Recorder) WithRemoteParent(ctx context.Context, h Header) context.Context {
	if !r.enabled {
		return ctx
	}
	ctx, _ = beginUnrecorded(ctx, trace{
		recorder: r, id: h.Root, parent: h.Parent, extra: h.Extra,
		recorded: h.Sampled == Sampled && h.Root != (TraceID{}) && h.Parent != 0,
	})
	return ctx
}

// WithoutRecording is for work in the trace of ctx that is not to be recorded,
// nor by those it calls.
func WithoutRecording(ctx context.Context) (context.Context, *Segment) {
	s := FromContext(ctx)
	if s == nil {
		return ctx, nil
	}
	t := *s.trace
	t.recorded = false
	if id := s.ID(); id != 0 {
		t.parent = id
	}
	return beginUnrecorded(ctx, t)
}

// begin makes a recording; its root has an id and a parent, but no name yet.
func begin(t trace, now time.Time) *recording {
	rec := &recording{trace: t, start: now, epoch: now.UnixMicro(), nodes: 1, open: 1}
	rec.root.parent = t.parent
	rec.root.top = true
	return rec
}

// enter completes a new node and puts it into ctx.
func (n *node) enter(ctx context.Context, rec *recording, name string, start int64) (context.Context, *Segment) {
	n.rec, n.id, n.name, n.start = rec, NewID(), name, start
	n.node, n.trace = n, &rec.trace
	n.ctx = segmentContext{ctx, &n.Segment}
	return &n.ctx, &n.Segment
}

// BeginSub begins a subsegment of the segment or subsegment in ctx. Without
// one, the context is missing: ctx and nil are returned, and the recorder's
// [Missing] says what else happens. In Lambda the platform's header takes the
// place of the segment.
func BeginSub(ctx context.Context, name string) (context.Context, *Segment) {
	if parent := FromContext(ctx); parent != nil {
		return parent.begin(ctx, name)
	}
	r := recorderOf(ctx)
	if !r.enabled {
		return ctx, nil
	}
	if r.lambda {
		return r.beginInLambda(ctx, name)
	}
	r.missing("failed to begin subsegment named '" + name + "': segment cannot be found.")
	return ctx, nil
}

// HasSegment reports whether BeginSub has something to begin a subsegment of,
// for integrations that go about their work in silence if it has not.
func HasSegment(ctx context.Context) bool {
	if FromContext(ctx) != nil {
		return true
	}
	r := recorderOf(ctx)
	return r.enabled && r.lambda
}

// begin begins a subsegment of s, in ctx.
func (s *Segment) begin(ctx context.Context, name string) (context.Context, *Segment) {
	if s.node == nil {
		if !s.trace.recorded {
			return ctx, s
		}
		// The segment is another process's, see WithRemoteParent.
		rec := begin(*s.trace, time.Now())
		rec.root.sub = true
		return rec.root.enter(ctx, rec, cleanName(name), rec.epoch)
	}
	r := s.node.rec
	return r.child(s.node).enter(ctx, r, cleanName(name), r.now())
}

// child makes a node below up. The lock is not held while it is completed: until
// it is returned nobody else closes it, and what is not closed is not sent.
func (r *recording) child(up *node) *node {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n *node
	if r.used < len(r.spare) {
		n = &r.spare[r.used]
		r.used++
	} else {
		n = new(node)
	}
	n.sub, n.parent = true, up.id
	r.nodes++
	r.open++
	if up.gone() {
		n.top = true
	} else {
		n.up, n.prev = up, up.last
		if up.last == nil {
			up.first = n
		} else {
			up.last.next = n
		}
		up.last = n
	}
	return n
}

// gone reports whether the document that n belongs to was sent.
func (n *node) gone() bool {
	for !n.top && n.up != nil {
		n = n.up
	}
	return n.sent
}

// unlink takes n from the node that encloses it.
func (n *node) unlink() {
	up := n.up
	if up == nil {
		return
	}
	if n.prev == nil {
		up.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		up.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.up, n.prev, n.next, n.top = nil, nil, nil, true
}

// Close ends s. An error that is not nil is recorded as an exception and makes
// s a fault. A segment is sent now, with what is closed of it. A second Close
// does nothing.
func (s *Segment) Close(err error) {
	if s.closing(err) {
		s.node.close(s.trace.recorder.streamAfter)
	}
}

// CloseAndSend ends the subsegment s as Close does and sends it at once, alone.
func (s *Segment) CloseAndSend(err error) {
	if s.closing(err) {
		s.node.close(0)
	}
}

// closing does what comes before s closes and reports whether s is recorded.
func (s *Segment) closing(err error) bool {
	if s == nil {
		return false
	}
	if a := s.attached.Load(); a != nil {
		(*a).Closing()
	}
	if s.node == nil {
		return false
	}
	if err != nil {
		s.addError(err, 2)
	}
	return true
}

// close ends n and sends it if it stands alone or the tree has more nodes than
// streamAfter.
func (n *node) close(streamAfter int) {
	r := n.rec
	end := r.now()
	r.mu.Lock()
	if n.closed {
		r.mu.Unlock()
		return
	}
	n.closed, n.end = true, max(end, n.start)
	r.open--
	if !n.top && (r.nodes <= streamAfter || r.open > 0 && streamAfter > 0 && !n.settled()) {
		r.mu.Unlock()
		return
	}
	n.unlink()
	n.top, n.sent = true, true
	if r.open > 0 {
		n.shed()
	}
	r.nodes -= n.count()
	r.mu.Unlock()
	r.trace.recorder.emitter.put(n)
}

// settled reports whether everything below n is closed.
func (n *node) settled() bool {
	for c := n.first; c != nil; c = c.next {
		if !c.closed || !c.settled() {
			return false
		}
	}
	return true
}

// shed makes what is open below n stand alone.
func (n *node) shed() {
	for c := n.first; c != nil; {
		next := c.next
		if !c.closed {
			c.unlink()
		} else {
			c.shed()
		}
		c = next
	}
}

// count is the number of nodes of the document of n.
func (n *node) count() int {
	total := 1
	for c := n.first; c != nil; c = c.next {
		total += c.count()
	}
	return total
}

// Discard takes an open subsegment, with everything below it, out of its segment, as
// if it had never begun: nothing of it is sent that was not. It reports whether
// there was such a subsegment; a segment, and what is closed or not recorded, stays
// as it is.
func (s *Segment) Discard() bool {
	if s == nil || s.node == nil {
		return false
	}
	n := s.node
	r := n.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.closed || n.up == nil {
		return false
	}
	n.forget()
	n.unlink()
	r.nodes -= n.count()
	return true
}

func (n *node) forget() {
	if !n.closed {
		n.closed = true
		n.rec.open--
	}
	n.sent = true
	for c := n.first; c != nil; c = c.next {
		c.forget()
	}
}

// Capture runs f in a subsegment. The error of f is recorded and returned; a
// panic is recorded as an exception of type panic and goes on. Without a
// segment in ctx f runs all the same.
func Capture(ctx context.Context, name string, f func(context.Context) error) error {
	ctx, s := BeginSub(ctx, name)
	if s == nil || s.node == nil {
		return f(ctx)
	}
	done := false
	defer func() {
		if !done {
			s.closePanicking(recover())
		}
	}()
	err := f(ctx)
	done = true
	s.Close(err)
	return err
}

// closePanicking records what the goroutine panics with and panics with it again.
// It is nil after runtime.Goexit, which goes on by itself.
func (s *Segment) closePanicking(value any) {
	if value == nil {
		s.Close(nil)
		return
	}
	s.addPanic(value)
	s.Close(nil)
	panic(value)
}

// Go runs f in a goroutine and in a subsegment, which is begun before Go
// returns. The context of f is not cancelled with ctx. If the segment is closed
// before f returns, the subsegment is sent alone.
func Go(ctx context.Context, name string, f func(context.Context) error) {
	ctx, s := BeginSub(context.WithoutCancel(ctx), name)
	go func() {
		done := false
		defer func() {
			if !done && s != nil && s.node != nil {
				s.closePanicking(recover())
			}
		}()
		err := f(ctx)
		done = true
		if s != nil && s.node != nil {
			s.Close(err)
		}
	}()
}

// Attachment goes with a segment, for another face on this SDK.
type Attachment interface {
	// Closing is called each time the segment is to be closed, before it is.
	Closing()
}

// Attach returns the attachment of s, and makes it if there is none yet. All
// calls for one segment return the same. It is meant for packages that offer
// this SDK under other names, as compat does.
func (s *Segment) Attach(create func() Attachment) Attachment {
	if a := s.attached.Load(); a != nil {
		return *a
	}
	a := create()
	if s.attached.CompareAndSwap(nil, &a) {
		return a
	}
	return *s.attached.Load()
}

// Recorded reports whether what is done with s goes anywhere.
func (s *Segment) Recorded() bool { return s != nil && s.node != nil }

// Root is the segment that s is or belongs to; of what is not recorded, s.
func (s *Segment) Root() *Segment {
	if s == nil || s.node == nil {
		return s
	}
	return &s.node.rec.root.Segment
}

// ID is the id of s, zero if it is not recorded.
func (s *Segment) ID() ID {
	if s == nil || s.node == nil {
		return 0
	}
	return s.node.id
}

// TraceID is the id of the trace, recorded or not.
func (s *Segment) TraceID() TraceID {
	if s == nil {
		return TraceID{}
	}
	return s.trace.id
}

// Name is the name of s as it will be sent, "" if it is not recorded.
func (s *Segment) Name() string {
	if s == nil || s.node == nil {
		return ""
	}
	s.node.rec.mu.Lock()
	defer s.node.rec.mu.Unlock()
	return s.node.name
}

// Start is when s began, in microseconds, zero if it is not recorded.
func (s *Segment) Start() time.Time {
	if s == nil || s.node == nil {
		return time.Time{}
	}
	return time.UnixMicro(s.node.start)
}

// Header is what a request made on behalf of s has to carry. It says so too if
// the trace is not recorded, lest the callee decide anew.
func (s *Segment) Header() Header {
	if s == nil {
		return Header{}
	}
	h := Header{Root: s.trace.id, Parent: s.trace.parent, Sampled: NotSampled, Extra: s.trace.extra}
	if s.node != nil {
		h.Parent = s.node.id
	}
	if s.trace.recorded {
		h.Sampled = Sampled
	}
	return h
}
