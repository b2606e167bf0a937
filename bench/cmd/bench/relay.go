package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo/bench/load"
)

// relay measures tomo daemon at several rates, in turn, round after round.
func relay(ctx context.Context, args []string) error {
	var o options
	f := o.flags("relay", 100_000)
	rounds := f.Int("rounds", 3, "rounds of all rates")
	rates := f.String("rates", "2000,20000,40000", "datagrams a second, separated by commas")
	seconds := f.Float64("seconds", 5, "how long each run sends, if -segments are enough")
	more := f.String("daemon-args", "", "more `arguments` of tomo daemon, separated by spaces")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	progress("building %d datagrams", o.segments)
	datagrams := load.Datagrams(o.generator(o.segments), o.segments)
	var all []relayRun
	byRate := map[float64][]relayRun{}
	var order []float64
	for round := range *rounds {
		for _, text := range strings.Split(*rates, ",") {
			var rate float64
			if _, err := fmt.Sscan(text, &rate); err != nil {
				return fmt.Errorf("reading -rates: %q: %w", text, err)
			}
			if round == 0 {
				order = append(order, rate)
			}
			some := datagrams[:min(len(datagrams), int(rate**seconds))]
			progress("round %d of %d: %.0f a second", round+1, *rounds, rate)
			r, err := relayOnce(ctx, &o, some, rate, strings.Fields(*more))
			if err != nil {
				return err
			}
			all = append(all, r)
			byRate[rate] = append(byRate[rate], r)
		}
	}
	w := table("datagrams/s\tsent at\truns\tCPU s/million\tlost\tof them by the kernel\tpeak memory\tload\t")
	for _, rate := range order {
		runs := byRate[rate]
		of := func(figure func(relayRun) float64) float64 { return medianOf(runs, figure) }
		fmt.Fprintf(w, "%.0f\t%.0f\t%d\t%.1f\t%.3f %%\t%.3f %%\t%s\t%.1f\t\n", rate, of(func(r relayRun) float64 { return r.PerSecond }), len(runs),
			of(func(r relayRun) float64 { return r.CPUMillion }), 100*of(func(r relayRun) float64 { return float64(r.Lost) / float64(r.Datagrams) }),
			100*of(func(r relayRun) float64 { return float64(r.KernelLost) / float64(r.Datagrams) }),
			size(int64(of(func(r relayRun) float64 { return float64(r.PeakBytes) }))), of(func(r relayRun) float64 { return r.Load }))
	}
	w.Flush()
	fmt.Println("(medians)")
	if o.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(text, '\n'), 0o644)
}

// relayRun is what one run of datagrams through the daemon cost.
type relayRun struct {
	Rate       float64 `json:"rate"`
	Datagrams  int     `json:"datagrams"`
	PerSecond  float64 `json:"datagrams_per_second"`    // as sent
	Lost       int     `json:"lost"`                    // sent, and not uploaded
	KernelLost int     `json:"lost_by_kernel"`          // of them
	CPUMillion float64 `json:"cpu_seconds_per_million"` // of datagrams sent
	PeakBytes  int64   `json:"peak_memory_bytes"`
	Load       float64 `json:"load"` // of the machine, the minute before
}

// counting is an upstream that takes everything and counts it.
type counting struct{ documents atomic.Int64 }

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == "/TraceSegments" {
		// In a document each quote has a backslash before it, so this stands
		// between documents alone.
		c.documents.Add(int64(bytes.Count(body, []byte(`","`)) + 1))
	}
	io.WriteString(w, `{"UnprocessedTraceSegments":[]}`)
}

// relayOnce starts the daemon and an upstream and sends datagrams.
func relayOnce(ctx context.Context, o *options, datagrams [][]byte, rate float64, more []string) (r relayRun, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	upstream := new(counting)
	up := &http.Server{Handler: upstream}
	go func() { _ = up.Serve(listener) }() // ends when it is closed
	defer up.Close()

	p, err := o.tomoProgram()
	if err != nil {
		return r, err
	}
	p.Name, p.Probe, p.Args = "tomo daemon", "/healthz", []string{"daemon"}
	p.Env = []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true"} // uploads are signed
	p.Where = func(address, _ string) []string {
		return append([]string{"-b", address, "-t", "127.0.0.1:0", "-n", "us-east-1", "--admin", address, "--endpoint", "http://" + listener.Addr().String()}, more...)
	}
	s, err := p.Start(ctx, o.dir)
	if err != nil {
		return r, err
	}
	defer s.Kill() // does nothing once it is stopped
	idle, err := s.CPU()
	if err != nil {
		return r, err
	}
	result, err := load.UDP(ctx, s.Address, datagrams, rate)
	if err != nil {
		return r, err
	}
	// All is there, or two seconds passed with nothing new.
	for came, since := int64(-1), time.Now(); int(upstream.documents.Load()) < len(datagrams) && time.Since(since) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
		if n := upstream.documents.Load(); n != came {
			came, since = n, time.Now()
		}
	}
	busy, err := s.CPU()
	if err != nil {
		return r, err
	}
	time.Sleep(1100 * time.Millisecond) // the kernel is asked once a second what it dropped
	m, err := s.Metrics(ctx)
	if err != nil {
		return r, err
	}
	kernel, _ := m.Sum("tomo_udp_kernel_dropped_datagrams_total", "")
	r = relayRun{
		Rate: rate, Datagrams: len(datagrams), PerSecond: result.Rate(), Lost: len(datagrams) - int(upstream.documents.Load()), KernelLost: int(kernel),
		CPUMillion: (busy - idle).Seconds() * 1e6 / float64(len(datagrams)),
	}
	if _, r.PeakBytes, err = s.Memory(); err != nil {
		return r, err
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(text), &r.Load)
	}
	return r, s.Stop()
}
