package daemon

import (
	"bytes"
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
	"github.com/tomotrace/tomo/api"
)

// RelayOptions configure a relay. All but Upstreams may be left out.
type RelayOptions struct {
	// Upstreams are sent to. If there are several each gets everything, by a
	// queue of its own: no trace is torn apart, and none waits for another.
	Upstreams []Upstream
	// Memory bounds the documents that wait in memory, in bytes, of all upstreams
	// together. 0: 16 MiB. When it is full new documents are dropped and counted.
	Memory int64
	// Concurrency is how many uploads an upstream gets at once. 0: 8.
	Concurrency int
	// Batch and Wait say when documents are handed to the queues: when there are
	// so many, or when the first has waited so long. Batch is also how many an
	// upload has at most. 0: 50 and 250 ms.
	Batch int
	Wait  time.Duration
	// Attempt is how long an upload may take. 0: 5 s.
	Attempt time.Duration
	// Flush is how long it is tried to send what waits when the relay ends. What
	// is left goes to the spool, or is lost and counted. 0: 5 s.
	Flush time.Duration
	// Sender is who the telemetry is from.
	Sender api.Sender
	// Agent is the User-Agent of uploads.
	Agent string
	// Logger hears what X-Ray's daemon logs, in its words.
	Logger *slog.Logger
}

func (o *RelayOptions) setDefaults() {
	if o.Memory == 0 {
		o.Memory = 16 << 20
	}
	if o.Concurrency == 0 {
		o.Concurrency = 8
	}
	if o.Batch == 0 {
		o.Batch = 50
	}
	if o.Wait == 0 {
		o.Wait = 250 * time.Millisecond
	}
	if o.Attempt == 0 {
		o.Attempt = 5 * time.Second
	}
	if o.Flush == 0 {
		o.Flush = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Relay is what X-Ray's daemon is: it takes datagrams and sends the documents in
// them to X-Ray, or to what speaks its API.
//
//	sockets → a reader each → batches → for each upstream: queue in memory → 8 uploads at once
//	                                                              ↓ while it is away, or too slow
//	                                                            spool ↗ oldest first
type Relay struct {
	o         RelayOptions
	count     Counters
	upstreams []*upstream
	complaint throttle // about datagrams for which there was no room
}

// NewRelay makes a relay and opens its spools. Run starts it, Close closes it.
func NewRelay(o RelayOptions) (*Relay, error) {
	o.setDefaults()
	r := &Relay{o: o}
	for _, is := range o.Upstreams {
		u, err := newUpstream(&r.o, is, &r.count)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.upstreams = append(r.upstreams, u)
	}
	return r, nil
}

// Close closes the spools. Run has to have returned.
func (r *Relay) Close() error {
	var errs []error
	for _, u := range r.upstreams {
		errs = append(errs, u.close())
	}
	return errors.Join(errs...)
}

// Run takes datagrams from conns and sends what is in them until ctx ends. Then
// it reads what the kernel still holds, sends what waits for as long as Flush
// says, and returns. It does not close conns. If one of them fails
// before ctx ends, that is an error.
func (r *Relay) Run(ctx context.Context, conns ...net.PacketConn) error {
	for _, conn := range conns {
		Enlarge(conn)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	// The time for sending begins when ctx ends, whatever the readers do.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(r.o.Flush, giveUp) })()

	var uploading, reading sync.WaitGroup
	for _, u := range r.upstreams {
		uploading.Go(func() { u.run(ctx, sending) })
	}
	failed := make([]error, len(conns))
	for i, conn := range conns {
		reading.Go(func() {
			reader := reader{
				batch: r.o.Batch, wait: r.o.Wait, count: &r.count,
				deliver: r.deliver, rejected: r.reject, kernelDropped: r.kernelDropped,
			}
			if err := reader.read(ctx, conn); ctx.Err() == nil {
				failed[i] = fmt.Errorf("reading datagrams on %v: %w", conn.LocalAddr(), err)
				stop()
			}
		})
	}
	<-ctx.Done()
	reading.Wait()
	for _, u := range r.upstreams {
		u.queue.close()
	}
	uploading.Wait()
	received := r.count.Received.Load()
	r.o.Logger.Debug(fmt.Sprintf("Trace segment: received: %d, truncated: 0, processed: %d", received, received-r.count.Rejected.Load()))
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Relay) deliver(b batch) {
	for _, u := range r.upstreams {
		if !u.offer(b) {
			r.complaint.do(func(int) { r.o.Logger.Warn("Segment dropped. Consider increasing memory limit") })
		}
	}
}

// reject tells of a datagram, in the words of X-Ray's daemon. Of the header it
// shows as much as a good one could have.
func (r *Relay) reject(code tomo.Code, datagram []byte) {
	const shown = 256
	header, _, complete := bytes.Cut(datagram, []byte{'\n'})
	text := printable(header[:min(len(header), shown)])
	if !complete {
		r.o.Logger.Warn("Missing header: " + text)
	}
	r.o.Logger.Warn(reason(code) + ": " + text)
}

func (r *Relay) kernelDropped(n int) {
	r.o.Logger.Warn(fmt.Sprintf("%d datagrams were dropped by the kernel: its buffer was full. Consider increasing net.core.rmem_max", n))
}

// printable is text without what could begin another line or move a cursor.
func printable(text []byte) string {
	clean := []rune(string(text))
	for i, c := range clean {
		if c < ' ' && c != '\t' || c == 0x7f {
			clean[i] = '\ufffd'
		}
	}
	return string(clean)
}

// Status is how an upstream is.
type Status struct {
	URL string
	// Up is whether the last upload was answered. Error says why not.
	Up    bool
	Error string `json:",omitempty"`
	// Sent, Refused and Dropped count documents since the start: those that the
	// upstream took, those that it will never take, and those that were given up
	// here. Waiting documents are in memory, Spooled ones on disk. Together they
	// are all that were received.
	Sent, Refused, Dropped int64
	Waiting, Spooled       int64
	SpoolBytes             int64
	// Retries counts uploads that failed and were tried again.
	Retries int64
}

// Status tells how each upstream is.
func (r *Relay) Status() []Status {
	var all []Status
	for _, u := range r.upstreams {
		all = append(all, u.status())
	}
	return all
}

// Collectors are the relay's metrics.
func (r *Relay) Collectors() []prometheus.Collector {
	all := r.count.collectors()
	for _, u := range r.upstreams {
		labels := prometheus.Labels{"upstream": u.URL}
		total := func(name, help string, value func(Status) int64) {
			all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return float64(value(u.status())) }))
		}
		gauge := func(name, help string, value func(Status) int64) {
			all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return float64(value(u.status())) }))
		}
		total("tomo_relay_sent_documents_total", "Documents that the upstream took.", func(s Status) int64 { return s.Sent })
		total("tomo_relay_refused_documents_total", "Documents that the upstream refused.", func(s Status) int64 { return s.Refused })
		total("tomo_relay_dropped_documents_total", "Documents that were given up: no room in memory or in the spool, or not sent at the end.", func(s Status) int64 { return s.Dropped })
		total("tomo_relay_retries_total", "Uploads that failed and were tried again.", func(s Status) int64 { return s.Retries })
		gauge("tomo_relay_waiting_documents", "Documents that wait in memory.", func(s Status) int64 { return s.Waiting })
		gauge("tomo_relay_spooled_documents", "Documents that wait on disk.", func(s Status) int64 { return s.Spooled })
		gauge("tomo_relay_spool_bytes", "Bytes of the spool's files.", func(s Status) int64 { return s.SpoolBytes })
		gauge("tomo_relay_upstream_up", "1 if the last upload was answered, 0 if not.", func(s Status) int64 {
			if s.Up {
				return 1
			}
			return 0
		})
	}
	return all
}

// throttle lets something be said once a second.
type throttle struct {
	last atomic.Int64 // when it was, in nanoseconds
	kept atomic.Int64
}

// do says it, unless it was said within the last second. Say is told how often
// it was not.
func (t *throttle) do(say func(kept int)) {
	now := time.Now().UnixNano()
	last := t.last.Load()
	if now-last < int64(time.Second) || !t.last.CompareAndSwap(last, now) {
		t.kept.Add(1)
		return
	}
	say(int(t.kept.Swap(0)))
}
