package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
)

const (
	// receiveBuffer is what the kernel is asked to hold for us: 10,000 documents
	// of 1.5 kB, a quarter of a second at 40,000 a second. Only what waits takes
	// memory.
	receiveBuffer = 16 << 20

	// maxDatagram is more than any datagram is long; X-Ray's daemon has the same.
	maxDatagram = 64 << 10

	// maxBatchBytes bounds what is handed over at once where documents are large.
	maxBatchBytes = 1 << 20

	// At the end what the kernel holds is still read: until nothing came for
	// drainTime, and for longestDrain if it does not stop.
	drainTime    = 50 * time.Millisecond
	longestDrain = time.Second

	// A reader rests while datagrams come fast: what comes meanwhile is read with
	// one call, and being woken costs more than reading. It rests as long as at
	// heaviestTraffic an eighth of the kernel's buffer takes to fill.
	longestPause    = 5 * time.Millisecond
	shortestPause   = 250 * time.Microsecond
	heaviestTraffic = 100 << 20 // bytes a second, as the kernel counts them
)

// Counters count datagrams and what became of them, since the start.
type Counters struct {
	Received      atomic.Int64 // datagrams that were not empty
	Bytes         atomic.Int64 // of them
	Rejected      atomic.Int64 // datagrams without a good header or without a document
	Documents     atomic.Int64 // documents that Accept took; of a Door
	Dropped       atomic.Int64 // documents for which there was no room, or which could not be stored; of a Door
	KernelDropped atomic.Int64 // datagrams that the kernel had no room for (Linux)
}

// collectors are the metrics of what a reader counts.
func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		counter("tomo_udp_datagrams_total", "Datagrams received.", &c.Received),
		counter("tomo_udp_datagram_bytes_total", "Bytes of the datagrams received.", &c.Bytes),
		counter("tomo_udp_rejected_datagrams_total", "Datagrams without a good header or without a document.", &c.Rejected),
		counter("tomo_udp_kernel_dropped_datagrams_total", "Datagrams that the kernel dropped because its buffer was full.", &c.KernelDropped),
	}
}

func counter(name, help string, n *atomic.Int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(n.Load()) })
}

// reader makes batches of documents of the datagrams that come. It does nothing
// but copy: whoever it delivers to must not make it wait.
type reader struct {
	batch         int           // documents at most
	wait          time.Duration // of the first document of a batch for the last
	count         *Counters
	rejected      func(code tomo.Code, datagram []byte)
	deliver       func(batch)
	kernelDropped func(n int)
}

// batch is documents that are handed over at once. They lie in memory of their
// own, which nobody changes.
type batch struct {
	docs [][]byte
	size int64 // of the documents, in bytes
}

// packets reads datagrams from a socket, as many at once as there are.
type packets interface {
	// read waits for datagrams and returns how many it read.
	read() (int, error)
	// datagram is one of those read, until the next read. It is whole unless the
	// sender managed to send more than maxDatagram.
	datagram(i int) (data []byte, whole bool)
	// most is how many read returns at most.
	most() int
}

// read takes datagrams from conn until reading fails, as it does when ctx has
// ended and what the kernel held was read.
func (r *reader) read(ctx context.Context, conn net.PacketConn) error {
	watched, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	watcher := make(chan struct{})
	go func() { defer close(watcher); r.watchKernel(watched, conn) }()
	defer func() { unwatch(); <-watcher }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now().Add(drainTime)) })()

	// arm ends a read at t, or soon if ctx has ended: its deadline may just have
	// been overwritten.
	arm := func(t time.Time) {
		_ = conn.SetReadDeadline(t)
		if ctx.Err() != nil {
			_ = conn.SetReadDeadline(time.Now().Add(drainTime))
		}
	}
	var drained time.Time // when reading ends in any case
	waited := false       // a read that began after ctx had ended found nothing
	in := packetsOf(conn)
	pause := time.Duration(bufferOf(conn)) * time.Second / (8 * heaviestTraffic)
	pause = min(max(pause, shortestPause), longestPause)
	var g gathering
	defer r.flush(&g)
	var last time.Time
	for {
		n, err := in.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.flush(&g)
			// A read whose deadline has passed does not look at the socket, and a
			// deadline may have been that of a batch, so one more is tried.
			if ctx.Err() != nil && (waited || r.over(&drained)) {
				return err
			}
			waited = ctx.Err() != nil
			arm(time.Time{})
			continue
		case err != nil:
			return err
		}
		for i := range n {
			data, whole := in.datagram(i)
			if len(data) == 0 || !r.take(&g, data, whole) {
				continue
			}
			if len(g.ends) == 1 {
				arm(time.Now().Add(r.wait))
			}
			if len(g.ends) >= r.batch || len(g.text) >= maxBatchBytes {
				r.flush(&g)
			}
		}
		if ctx.Err() != nil {
			if r.over(&drained) {
				return os.ErrDeadlineExceeded
			}
			waited = false
			arm(time.Time{})
			continue
		}
		now := time.Now()
		if n < in.most() && (n > 1 || now.Sub(last) < pause) {
			time.Sleep(pause)
		}
		last = now
	}
}

// over reports whether what comes is no longer worth waiting for. end is zero at
// first.
func (r *reader) over(end *time.Time) bool {
	now := time.Now()
	if end.IsZero() {
		*end = now.Add(longestDrain)
	}
	return now.After(*end)
}

// gathering is the batch that is being read: the documents one behind the
// other, and where each ends.
type gathering struct {
	text []byte
	ends []int
}

// take takes the document out of a datagram and reports whether there is one.
func (r *reader) take(g *gathering, datagram []byte, whole bool) bool {
	r.count.Received.Add(1)
	r.count.Bytes.Add(int64(len(datagram)))
	document, code := split(datagram)
	if code == "" && !whole {
		code = Truncated
	}
	if code != "" {
		r.count.Rejected.Add(1)
		r.rejected(code, datagram)
		return false
	}
	g.text = append(g.text, document...)
	g.ends = append(g.ends, len(g.text))
	return true
}

// flush delivers what was gathered, in memory of its own.
func (r *reader) flush(g *gathering) {
	if len(g.ends) == 0 {
		return
	}
	text := make([]byte, len(g.text))
	copy(text, g.text)
	b := batch{docs: make([][]byte, len(g.ends)), size: int64(len(text))}
	from := 0
	for i, to := range g.ends {
		b.docs[i] = valid(text[from:to:to])
		from = to
	}
	g.text, g.ends = g.text[:0], g.ends[:0]
	r.deliver(b)
}

// valid replaces bytes that are not UTF-8 by U+FFFD, one for each. X-Ray's
// daemon does the same, by putting the document into JSON.
func valid(document []byte) []byte {
	if utf8.Valid(document) {
		return document
	}
	return []byte(string([]rune(string(document))))
}

// Enlarge asks the kernel to hold 16 MiB of datagrams for us. Listen does so; a
// socket that is opened well before it should have it from the start. What the
// kernel grants is bounded by net.core.rmem_max, unless we may go beyond it.
func Enlarge(conn net.PacketConn) {
	switch c := conn.(type) {
	case *net.UDPConn:
		enlarge(c, receiveBuffer)
	case *net.UnixConn:
		enlarge(c, receiveBuffer)
	}
}

// onePacket reads one datagram at a time.
type onePacket struct {
	from   net.PacketConn
	buffer []byte
	n      int
}

func (p *onePacket) read() (int, error) {
	n, _, err := p.from.ReadFrom(p.buffer)
	p.n = n
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (p *onePacket) datagram(int) ([]byte, bool) { return p.buffer[:p.n], p.n < len(p.buffer) }
func (p *onePacket) most() int                   { return 1 }
