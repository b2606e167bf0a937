package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
	"github.com/tomotrace/tomo/bench/load"
	"github.com/tomotrace/tomo/bench/server"
)

// span is how much time the traces of a run cover. They end now.
const span = 5 * time.Minute

// generator makes traces that spread over the span before now.
func (o *options) generator(segments int) *gen.Generator {
	traces := max(1, segments/4)
	return gen.New(o.seed, time.Now().Add(-span), span/time.Duration(traces))
}

// drive measures one run against one server.
func drive(ctx context.Context, args []string) error {
	var o options
	f := o.flags("drive", 200_000)
	which := f.String("server", "tomo", "`server` to drive: tomo or floor")
	rate := f.Float64("rate", 0, "segments a second; 0: as fast as they are taken")
	udp := f.Bool("udp", false, "send datagrams instead of requests (10,000 a second unless -rate says otherwise)")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()

	var r ingestRun
	var err error
	switch {
	case *udp && *rate == 0:
		r, err = driveUDP(ctx, &o, o.segments, 10_000)
	case *udp:
		r, err = driveUDP(ctx, &o, o.segments, *rate)
	default:
		var p server.Program
		if *which == "floor" {
			p, err = floorProgram()
		} else {
			p, err = o.tomoProgram()
		}
		if err != nil {
			return err
		}
		progress("building %d segments", o.segments)
		l := load.Build(o.generator(o.segments), o.segments, o.batch)
		r, err = driveHTTP(ctx, &o, &p, l, *rate)
	}
	if err != nil {
		return err
	}
	report := report{Runs: []ingestRun{r}}
	report.print()
	return report.save(o.json)
}

// ingestRun is what one run of sending segments cost.
type ingestRun struct {
	Server   string `json:"server"`
	Door     string `json:"door"`
	Segments int    `json:"segments"` // acknowledged; over UDP: sent
	// Lost counts datagrams that were sent and not stored.
	Lost         int     `json:"lost,omitempty"`
	SentBytes    int64   `json:"sent_bytes"` // of the documents
	Seconds      float64 `json:"seconds"`    // of sending
	PerSecond    float64 `json:"segments_per_second"`
	CPUMillion   float64 `json:"cpu_seconds_per_million"` // from the first segment until all is settled
	CPUSending   float64 `json:"cpu_seconds_sending"`
	CPUSettling  float64 `json:"cpu_seconds_settling"`
	SettleSecond float64 `json:"settle_seconds"`
	PeakBytes    int64   `json:"peak_memory_bytes"`
	DiskBytes    int64   `json:"disk_bytes"`
	DiskSegment  float64 `json:"disk_bytes_per_segment"`
	AckP50       float64 `json:"ack_p50_ms"`
	AckP99       float64 `json:"ack_p99_ms"`
	Busy         int     `json:"busy_answers"` // 503 or 429; the batch was sent again
}

// driveHTTP starts the server on an empty directory, sends it l and waits until
// everything is settled.
func driveHTTP(ctx context.Context, o *options, p *server.Program, l *load.Load, rate float64) (ingestRun, error) {
	return measure(ctx, o, p, "http", func(s *server.Process) (*load.Result, error) {
		return load.HTTP(ctx, s.Address, l, load.Options{Workers: o.workers, Rate: rate})
	}, l.Bytes)
}

// driveUDP sends datagrams to Tomo.
func driveUDP(ctx context.Context, o *options, segments int, rate float64) (ingestRun, error) {
	p, err := o.tomoProgram()
	if err != nil {
		return ingestRun{}, err
	}
	progress("building %d datagrams", segments)
	datagrams := load.Datagrams(o.generator(segments), segments)
	var bytes int64
	for _, d := range datagrams {
		bytes += int64(len(d))
	}
	return measure(ctx, o, &p, "udp", func(s *server.Process) (*load.Result, error) {
		return load.UDP(ctx, s.Address, datagrams, rate)
	}, bytes)
}

// measure runs one server through one load.
func measure(ctx context.Context, o *options, p *server.Program, door string, send func(*server.Process) (*load.Result, error), bytes int64) (r ingestRun, err error) {
	dir, err := os.MkdirTemp(o.dir, "bench-"+p.Name+"-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	progress("%s: sending over %s", p.Name, door)
	s, err := p.Start(ctx, dir)
	if err != nil {
		return r, err
	}
	defer s.Kill() // does nothing once it is stopped

	idle, err := s.CPU()
	if err != nil {
		return r, err
	}
	result, err := send(s)
	if err != nil {
		return r, err
	}
	sent, err := s.CPU()
	if err != nil {
		return r, err
	}
	settle, err := s.Settle(ctx, o.settle)
	if err != nil {
		return r, err
	}
	settled, err := s.CPU()
	if err != nil {
		return r, err
	}
	r = ingestRun{
		Server: p.Name, Door: door, Segments: result.Documents, SentBytes: bytes,
		Seconds: result.Elapsed.Seconds(), PerSecond: result.Rate(),
		CPUMillion:  (settled - idle).Seconds() * 1e6 / float64(result.Documents),
		CPUSending:  (sent - idle).Seconds(),
		CPUSettling: (settled - sent).Seconds(), SettleSecond: settle.Seconds(),
		AckP50: millis(result.Latencies.Quantile(0.5)), AckP99: millis(result.Latencies.Quantile(0.99)),
		Busy: result.Refused,
	}
	if _, r.PeakBytes, err = s.Memory(); err != nil {
		return r, err
	}
	if r.DiskBytes, err = s.Disk(); err != nil {
		return r, err
	}
	r.DiskSegment = float64(r.DiskBytes) / float64(result.Documents)
	if door == "udp" {
		m, err := s.Metrics(ctx)
		if err != nil {
			return r, err
		}
		stored, _ := m.Sum("tomo_ingest_documents_total", `"udp"`)
		r.Lost = result.Documents - int(stored)
		kernel, _ := m.Sum("tomo_udp_kernel_dropped_datagrams_total", "")
		full, _ := m.Sum("tomo_udp_dropped_documents_total", "")
		if r.Lost > 0 {
			progress("lost: %.0f in the kernel's buffer, %.0f for want of room", kernel, full)
		}
	}
	return r, s.Stop()
}

// progress tells what is going on, beside the report.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
