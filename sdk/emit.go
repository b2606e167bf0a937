package sdk

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// queueSize bounds the segments that wait to be sent.
	queueSize = 8192
	// linger is how long the first segment of a batch waits for others, so that
	// a busy program wakes its sender 200 times a second and not for each segment.
	linger = 5 * time.Millisecond
	// resolveEvery is how often the name of the daemon is looked up again.
	resolveEvery = time.Minute
	// complainEvery bounds how often what goes wrong is logged.
	complainEvery = time.Minute
)

// Sink takes documents instead of the daemon. It is called by one goroutine at a
// time and must not keep the slice. A document has at most 65,474 bytes.
type Sink interface {
	Send(document []byte) error
}

// Stats count documents since the recorder was made.
type Stats struct {
	Sent    uint64 // handed to the network or the sink
	Bytes   uint64 // of these, without headers
	Dropped uint64 // segments that the full queue or a closed recorder did not take
	Split   uint64 // subtrees sent alone because a document was too large
	Trimmed uint64 // documents of which parts were left out because one node was too large
	Failed  uint64 // the network or the sink refused them
}

// emitter sends what is closed. put never waits: it appends to a queue that one
// goroutine empties, which encodes, divides and sends.
type emitter struct {
	sink    Sink
	log     *slog.Logger
	capsize int
	direct  bool // send before put returns, for where processes are frozen

	mu      sync.Mutex // guards queue, spare, closed, started
	queue   []*node
	spare   []*node // the other queue, empty
	closed  bool
	started bool

	wake  chan struct{}
	flush chan chan struct{}
	stop  chan struct{}
	done  chan struct{}

	sending sync.Mutex // guards enc, grumble; held by whoever sends
	enc     encoder
	grumble time.Time

	sent, bytes, dropped, split, trimmed, failed atomic.Uint64
}

func newEmitter(sink Sink, size int, direct bool, log *slog.Logger) *emitter {
	if size <= 0 {
		size = queueSize
	}
	return &emitter{
		sink: sink, capsize: size, direct: direct, log: log,
		wake: make(chan struct{}, 1), flush: make(chan chan struct{}),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// put hands over the tree of n, which nothing writes to any more.
func (e *emitter) put(n *node) {
	if e.direct {
		e.sendNow(n)
		return
	}
	e.mu.Lock()
	if e.closed || len(e.queue) >= e.capsize {
		e.mu.Unlock()
		e.dropped.Add(1)
		return
	}
	e.queue = append(e.queue, n)
	length := len(e.queue)
	if !e.started {
		e.started = true
		go e.run()
	}
	e.mu.Unlock()
	if length == 1 || length == e.capsize/4 {
		select {
		case e.wake <- struct{}{}:
		default:
		}
	}
}

// sendNow sends before it returns.
func (e *emitter) sendNow(n *node) {
	e.sending.Lock()
	defer e.sending.Unlock()
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		e.dropped.Add(1)
		return
	}
	e.send(n)
}

// run sends until close.
func (e *emitter) run() {
	defer close(e.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var asked chan struct{}
		stopping := false
		select {
		case <-e.wake:
			timer.Reset(linger)
			select {
			case <-timer.C:
			case <-e.wake: // the queue fills
			case asked = <-e.flush:
			case <-e.stop:
				stopping = true
			}
		case asked = <-e.flush:
		case <-e.stop:
			stopping = true
		}
		e.drain()
		if asked != nil {
			close(asked)
		}
		if stopping {
			return
		}
	}
}

// drain sends what is queued.
func (e *emitter) drain() {
	for {
		e.mu.Lock()
		batch := e.queue
		e.queue, e.spare = e.spare[:0], nil
		e.mu.Unlock()
		if len(batch) == 0 {
			e.mu.Lock()
			e.spare = batch
			e.mu.Unlock()
			return
		}
		e.sending.Lock()
		for i, n := range batch {
			e.send(n)
			batch[i] = nil
		}
		e.sending.Unlock()
		e.mu.Lock()
		e.spare = batch
		e.mu.Unlock()
	}
}

// child is a subtree and the bytes it takes within its parent.
type child struct {
	node *node
	size int
}

// send sends the document of n, divided if it must be: the largest subtrees go
// alone, and if the node itself is too large, less of it goes.
func (e *emitter) send(n *node) {
	e.enc.trim = whole
	if e.encode(n) <= maxDocument {
		e.write()
		return
	}
	for _, c := range e.divide(n) {
		c.apart = true
		c.parent = n.id
		e.split.Add(1)
		e.send(c)
	}
	for e.enc.trim = whole; e.enc.trim < trimEnds; e.enc.trim++ {
		if e.encode(n) <= maxDocument {
			if e.enc.trim > whole {
				e.trimmed.Add(1)
				e.complain("a segment is too large for a datagram; parts of it were left out", "segment", n.name)
			}
			e.write()
			return
		}
	}
	// A bare node has a few texts of bounded length; it always fits.
	e.failed.Add(1)
}

// encode writes the document of n into the buffer and returns its size.
func (e *emitter) encode(n *node) int {
	e.enc.buf = append(e.enc.buf[:0], datagramHeader...)
	e.enc.document(n)
	return len(e.enc.buf) - len(datagramHeader)
}

// divide picks the children of n that do not stay in its document, the largest
// first.
func (e *emitter) divide(n *node) []*node {
	var children []child
	total := 0
	for c := n.first; c != nil; c = c.next {
		at := len(e.enc.buf)
		e.enc.node(c)
		size := len(e.enc.buf) - at
		e.enc.buf = e.enc.buf[:at]
		children = append(children, child{c, size})
		total += size + 1
	}
	document := len(e.enc.buf) - len(datagramHeader)
	slices.SortStableFunc(children, func(a, b child) int { return cmp.Compare(b.size, a.size) })
	var apart []*node
	for _, c := range children {
		if document <= maxDocument {
			break
		}
		document -= c.size + 1
		apart = append(apart, c.node)
	}
	return apart
}

// write sends the buffer.
func (e *emitter) write() {
	size := len(e.enc.buf) - len(datagramHeader)
	var err error
	if d, ok := e.sink.(*daemon); ok {
		err = d.write(e.enc.buf)
	} else {
		err = e.sink.Send(e.enc.buf[len(datagramHeader):])
	}
	if err != nil {
		e.failed.Add(1)
		e.complain("sending a segment", "error", err)
		return
	}
	e.sent.Add(1)
	e.bytes.Add(uint64(size))
}

func (e *emitter) complain(message string, args ...any) {
	if now := time.Now(); now.Sub(e.grumble) >= complainEvery {
		e.grumble = now
		e.log.Warn(message, args...)
	}
}

// waitFor has what is queued now sent.
func (e *emitter) waitFor(ctx context.Context) error {
	e.mu.Lock()
	idle := !e.started || e.closed
	e.mu.Unlock()
	if idle {
		return nil
	}
	asked := make(chan struct{})
	select {
	case e.flush <- asked:
	case <-e.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-asked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close sends what is queued and ends.
func (e *emitter) close(ctx context.Context) error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	started := e.started
	e.mu.Unlock()
	if first {
		close(e.stop)
	}
	if started {
		select {
		case <-e.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c, ok := e.sink.(*daemon); ok && first {
		return c.close()
	}
	return nil
}

func (e *emitter) stats() Stats {
	return Stats{
		Sent: e.sent.Load(), Bytes: e.bytes.Load(), Dropped: e.dropped.Load(),
		Split: e.split.Load(), Trimmed: e.trimmed.Load(), Failed: e.failed.Load(),
	}
}

// daemon is the UDP side of the daemon. Its name is resolved when first needed,
// again every minute if it is not an address, and after each failure.
type daemon struct {
	address string
	fixed   bool // the address has no name in it

	mu       sync.Mutex // guards conn, resolved
	conn     net.Conn
	resolved time.Time
}

func newDaemon(address string) *daemon {
	host, _, _ := net.SplitHostPort(address)
	return &daemon{address: address, fixed: net.ParseIP(host) != nil}
}

// Send implements Sink for a document without its header.
func (d *daemon) Send(document []byte) error {
	return d.write(append([]byte(datagramHeader), document...))
}

func (d *daemon) write(datagram []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil || !d.fixed && time.Since(d.resolved) > resolveEvery {
		if err := d.dial(); err != nil && d.conn == nil {
			return err
		}
	}
	_, err := d.conn.Write(datagram)
	if errors.Is(err, syscall.ECONNREFUSED) {
		// The system tells with this datagram what became of the one before it,
		// and has not sent this one.
		_, err = d.conn.Write(datagram)
	}
	if err != nil && !d.fixed {
		d.resolved = time.Time{}
	}
	return err
}

func (d *daemon) dial() error {
	d.resolved = time.Now()
	conn, err := net.DialTimeout("udp", d.address, 5*time.Second)
	if err != nil {
		return err
	}
	if d.conn != nil {
		d.conn.Close()
	}
	d.conn = conn
	return nil
}

func (d *daemon) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil
	}
	err := d.conn.Close()
	d.conn = nil
	return err
}
