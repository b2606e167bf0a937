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
	"sync"
	"sync/atomic"
	"time"

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
	// Queue bounds the documents that wait to be stored, in bytes. 0: 64 MiB,
	// two seconds of heavy traffic, which is how long a busy disk may take to sync.
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
		o.Queue = 64 << 20
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

	// maxBatches bounds the queue where batches are small.
	maxBatches = 4096

	// flushTime is how long it is tried to store everything when the door is
	// closed.
	flushTime = 5 * time.Second

	// The waits between tries to store.
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// The codes under which losses of this door are told.
const (
	MissingSegment    tomo.Code = "MissingHeaderOrSegment" // no line feed, or nothing behind it
	InvalidHeader     tomo.Code = "InvalidHeader"
	Truncated         tomo.Code = "TruncatedDatagram" // longer than 64 KiB
	QueueFull         tomo.Code = "QueueFull"
	ReceiveBufferFull tomo.Code = "ReceiveBufferFull" // the kernel's: we were too slow
	NotStored         tomo.Code = "NotStored"
)

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

// Collectors are the door's metrics.
func (d *Door) Collectors() []prometheus.Collector {
	return append(d.count.collectors(),
		counter("tomo_udp_documents_total", "Documents handed to the write path.", &d.count.Documents),
		counter("tomo_udp_dropped_documents_total", "Documents dropped because the queue was full or they could not be stored.", &d.count.Dropped),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tomo_udp_queue_bytes", Help: "Bytes of the documents that wait to be stored."},
			func() float64 { return float64(d.held.Load()) }),
	)
}

// Listen takes datagrams from conn until ctx ends. Then it reads what the
// kernel still holds, stores what it has and returns. It does not close conn;
// if somebody else does before ctx ends, that is an error.
func (d *Door) Listen(ctx context.Context, conn net.PacketConn) error {
	Enlarge(conn)
	// What was read is still stored when ctx has ended, but not for ever.
	storing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushTime, giveUp) })()

	queue := make(chan batch, maxBatches)
	var workers sync.WaitGroup
	for range d.o.Workers {
		workers.Go(func() {
			for b := range queue {
				d.store(storing, b)
			}
		})
	}
	reader := reader{
		batch: d.o.Batch, wait: d.o.Wait, count: &d.count,
		deliver: func(b batch) { d.enqueue(b, queue) },
		rejected: func(code tomo.Code, datagram []byte) {
			d.o.Lost(loss(code, 1, reason(code)+": "+quoted(datagram)))
		},
		kernelDropped: func(n int) {
			d.o.Lost(loss(ReceiveBufferFull, n, fmt.Sprintf("the kernel's buffer was full and %d datagrams were dropped; net.core.rmem_max may be too small", n)))
		},
	}
	err := reader.read(ctx, conn)
	close(queue)
	workers.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reading datagrams on %v: %w", conn.LocalAddr(), err)
}

// enqueue queues documents to be stored, or drops them if there is no room.
func (d *Door) enqueue(b batch, queue chan<- batch) {
	if d.held.Add(b.size) > d.o.Queue {
		d.drop(&b, QueueFull, fmt.Sprintf("%d bytes of documents wait to be stored already", d.o.Queue))
		return
	}
	select {
	case queue <- b:
	default:
		d.drop(&b, QueueFull, fmt.Sprintf("%d batches of documents wait to be stored already", maxBatches))
	}
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
	d.o.Lost(loss(code, len(b.docs), why))
}

func loss(code tomo.Code, n int, detail string) tomo.Loss {
	return tomo.Loss{Time: tomo.TimeOf(time.Now()), Source: source, Reason: tomo.LossDropped, Code: code, Count: n, Detail: detail}
}
