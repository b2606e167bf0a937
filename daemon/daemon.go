// Package daemon is the UDP door: it takes the datagrams that X-Ray SDKs send to
// the X-Ray daemon and hands the segment documents in them to the write path.
//
// A datagram is a header, a line feed and one document:
//
//	{"format": "json", "version": 1}
//	{"trace_id": "1-5759e988-…", "id": "…", "name": "…", "start_time": …}
//
// Nothing is ever answered, so nothing can be refused: what is not taken is
// counted and told to Options.Lost. The document itself is looked at by the
// write path alone.
//
//	socket → one reader → batches → bounded queue → workers → Accept
//
// A document is handed over 20 ms after it came, or at once if there are 64.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

// Options configure a door. All but Accept may be left out.
type Options struct {
	// Accept stores documents and returns when they are durable. It keeps them.
	// While it says Unavailable or Throttled it is asked again. Required.
	Accept func(ctx context.Context, source string, docs [][]byte) ([]tomo.Refusal, error)
	// Lost is told of what was not taken.
	Lost func(tomo.Loss)
	// Queue bounds the documents that wait to be stored, in bytes. 0: 32 MiB.
	// When it is full new documents are dropped.
	Queue int64
	// Workers is how many batches are stored at once. 0: 4.
	Workers int
	// Batch and Wait say when documents are handed over: when there are so many,
	// or when the first has waited so long. 0: 64 and 20 ms.
	Batch int
	Wait  time.Duration
	// Logger hears when documents begin and end to wait for the store.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Lost == nil {
		o.Lost = func(tomo.Loss) {}
	}
	if o.Queue == 0 {
		o.Queue = 32 << 20
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Batch == 0 {
		o.Batch = 64
	}
	if o.Wait == 0 {
		o.Wait = 20 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

const (
	// source is how losses and metrics name this door.
	source = "udp"

	// receiveBuffer is what the kernel is asked to hold for us: about 4,000
	// documents, a tenth of a second of heavy traffic.
	receiveBuffer = 8 << 20

	// maxDatagram is more than any datagram is long; X-Ray's daemon has the same.
	maxDatagram = 64 << 10

	// maxBatches bounds the queue where batches are small.
	maxBatches = 4096

	// drainTime is how long what the kernel holds is still read when the door is
	// closed, and flushTime how long it is then tried to store everything.
	drainTime = 50 * time.Millisecond
	flushTime = 5 * time.Second

	// The waits between tries to store.
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// The codes under which losses of this door are told.
const (
	MissingSegment    tomo.Code = "MissingHeaderOrSegment" // no line feed, or nothing behind it
	InvalidHeader     tomo.Code = "InvalidHeader"
	QueueFull         tomo.Code = "QueueFull"
	ReceiveBufferFull tomo.Code = "ReceiveBufferFull" // the kernel's: we were too slow
	NotStored         tomo.Code = "NotStored"
)

// Counters count since the door was made.
type Counters struct {
	Received      atomic.Int64 // datagrams that were not empty
	Bytes         atomic.Int64 // of them
	Rejected      atomic.Int64 // datagrams without a good header or without a document
	Documents     atomic.Int64 // documents that Accept took
	Dropped       atomic.Int64 // documents for which there was no room, or which could not be stored
	KernelDropped atomic.Int64 // datagrams that the kernel had no room for (Linux)
}

// Door is the UDP door.
type Door struct {
	o       Options
	count   Counters
	held    atomic.Int64 // bytes of the documents between reader and Accept
	waiting atomic.Bool  // the store takes nothing
}

// New makes a door. Listen opens it.
func New(o Options) *Door {
	o.setDefaults()
	return &Door{o: o}
}

// Counters are the door's figures.
func (d *Door) Counters() *Counters { return &d.count }

// Collectors are the door's metrics.
func (d *Door) Collectors() []prometheus.Collector {
	counter := func(name, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(n.Load()) })
	}
	return []prometheus.Collector{
		counter("tomo_udp_datagrams_total", "Datagrams received.", &d.count.Received),
		counter("tomo_udp_datagram_bytes_total", "Bytes of the datagrams received.", &d.count.Bytes),
		counter("tomo_udp_rejected_datagrams_total", "Datagrams without a good header or without a document.", &d.count.Rejected),
		counter("tomo_udp_documents_total", "Documents handed to the write path.", &d.count.Documents),
		counter("tomo_udp_dropped_documents_total", "Documents dropped because the queue was full or they could not be stored.", &d.count.Dropped),
		counter("tomo_udp_kernel_dropped_datagrams_total", "Datagrams that the kernel dropped because its buffer was full.", &d.count.KernelDropped),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tomo_udp_queue_bytes", Help: "Bytes of the documents that wait to be stored."},
			func() float64 { return float64(d.held.Load()) }),
	}
}

// batch is what is handed to Accept at once.
type batch struct {
	docs [][]byte
	size int64
}

// Listen takes datagrams from conn until ctx ends. Then it reads what the
// kernel still holds, stores what it has and returns. It does not close conn;
// if somebody else does before ctx ends, that is an error.
func (d *Door) Listen(ctx context.Context, conn net.PacketConn) error {
	Enlarge(conn)
	// What was read is still stored when ctx has ended, but not for ever.
	storing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Now().Add(drainTime))
		time.AfterFunc(flushTime, giveUp)
	})()

	queue := make(chan batch, maxBatches)
	var workers sync.WaitGroup
	for range d.o.Workers {
		workers.Go(func() {
			for b := range queue {
				d.store(storing, b)
			}
		})
	}
	watched, unwatch := context.WithCancel(storing)
	var watcher sync.WaitGroup
	watcher.Go(func() { d.watchKernel(watched, conn) })

	err := d.receive(ctx, conn, queue)
	close(queue)
	workers.Wait()
	unwatch()
	watcher.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reading datagrams on %v: %w", conn.LocalAddr(), err)
}

// Enlarge asks the kernel to hold 8 MiB of datagrams for us. Listen does so; a
// socket that is opened well before it should have it from the start.
func Enlarge(conn net.PacketConn) {
	if c, ok := conn.(*net.UDPConn); ok {
		enlarge(c, receiveBuffer)
	}
}

// receive reads datagrams and queues what is in them. It returns when reading
// fails, as it does soon after ctx has ended.
func (d *Door) receive(ctx context.Context, conn net.PacketConn, queue chan<- batch) error {
	read := func(b []byte) (int, error) {
		n, _, err := conn.ReadFrom(b)
		return n, err
	}
	if c, ok := conn.(*net.UDPConn); ok {
		read = c.Read // makes no address, which nobody looks at
	}
	// arm ends a Read at t, or when the drain is over: its deadline may just
	// have been overwritten.
	var drained time.Time
	arm := func(t time.Time) {
		_ = conn.SetReadDeadline(t)
		if ctx.Err() != nil {
			if drained.IsZero() {
				drained = time.Now().Add(drainTime)
			}
			_ = conn.SetReadDeadline(drained)
		}
	}
	g := gathering{buffer: make([]byte, 4*maxDatagram)}
	defer func() { d.enqueue(&g, queue) }()
	for {
		n, err := read(g.buffer[g.used : g.used+maxDatagram])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			d.enqueue(&g, queue)
			if ctx.Err() != nil {
				return err
			}
			arm(time.Time{})
		case err != nil:
			return err
		case n > 0:
			if d.take(&g, g.buffer[g.used:g.used+n]) && len(g.spans) == 1 {
				arm(time.Now().Add(d.o.Wait))
			}
			if len(g.spans) >= d.o.Batch || g.used+maxDatagram > len(g.buffer) {
				d.enqueue(&g, queue)
			}
		}
	}
}

// gathering is the batch that is being read. The datagrams lie in the buffer
// one behind the other, so that nothing is copied until the batch is whole and
// its size known.
type gathering struct {
	buffer []byte
	used   int
	spans  []span // the documents in it
	size   int
}

type span struct{ from, to int }

// take takes the document out of a datagram that was read behind what is used
// of the buffer. It reports whether there is one.
func (d *Door) take(g *gathering, datagram []byte) bool {
	d.count.Received.Add(1)
	d.count.Bytes.Add(int64(len(datagram)))
	document, wrong := documentOf(datagram)
	if wrong != nil {
		d.count.Rejected.Add(1)
		d.o.Lost(*wrong)
		return false
	}
	end := g.used + len(datagram)
	g.spans = append(g.spans, span{end - len(document), end})
	g.size += len(document)
	g.used = end
	return true
}

// enqueue copies the gathered documents into memory of their own and queues
// them, or drops them if there is no room.
func (d *Door) enqueue(g *gathering, queue chan<- batch) {
	if len(g.spans) == 0 {
		return
	}
	b := batch{docs: make([][]byte, len(g.spans)), size: int64(g.size)}
	if d.held.Add(b.size) > d.o.Queue {
		d.drop(&b, QueueFull, fmt.Sprintf("%d bytes of documents wait to be stored already", d.o.Queue))
	} else {
		slab := make([]byte, 0, g.size)
		for i, s := range g.spans {
			slab = append(slab, g.buffer[s.from:s.to]...)
			b.docs[i] = valid(slab[len(slab)-(s.to-s.from) : len(slab) : len(slab)])
		}
		select {
		case queue <- b:
		default:
			d.drop(&b, QueueFull, fmt.Sprintf("%d batches of documents wait to be stored already", maxBatches))
		}
	}
	g.used, g.spans, g.size = 0, g.spans[:0], 0
}

// valid replaces bytes that are not UTF-8 by U+FFFD, one for each. X-Ray's
// daemon does the same, by putting the document into JSON.
func valid(document []byte) []byte {
	if utf8.Valid(document) {
		return document
	}
	return []byte(string([]rune(string(document))))
}

// store hands a batch over, again and again while there is hope.
func (d *Door) store(ctx context.Context, b batch) {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		_, err := d.o.Accept(ctx, source, b.docs) // what is refused is counted there
		if err == nil {
			d.held.Add(-b.size)
			d.count.Documents.Add(int64(len(b.docs)))
			if d.waiting.CompareAndSwap(true, false) {
				d.o.Logger.Info("documents received by UDP are stored again")
			}
			return
		}
		if !temporary(err) {
			d.drop(&b, NotStored, err.Error())
			return
		}
		if d.waiting.CompareAndSwap(false, true) {
			d.o.Logger.Warn("documents received by UDP wait for the store", "error", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			d.drop(&b, NotStored, "the server stopped before they could be stored: "+err.Error())
			return
		}
	}
}

func temporary(err error) bool {
	var known *tomo.Error
	return errors.As(err, &known) && (known.Code == tomo.Unavailable || known.Code == tomo.Throttled)
}

// drop counts a batch as lost.
func (d *Door) drop(b *batch, code tomo.Code, why string) {
	d.held.Add(-b.size)
	d.count.Dropped.Add(int64(len(b.docs)))
	d.o.Lost(tomo.Loss{Time: tomo.TimeOf(time.Now()), Source: source, Reason: tomo.LossDropped, Code: code, Count: len(b.docs), Detail: why})
}
