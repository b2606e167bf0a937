package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Metrics are the samples of a scrape by name and labels as written.
type Metrics map[string]float64

// Sum adds up the samples of a name whose labels contain a text.
func (m Metrics) Sum(name, label string) (sum float64, found bool) {
	for sample, value := range m {
		base, labels, _ := strings.Cut(sample, "{")
		if base == name && strings.Contains(labels, label) {
			sum, found = sum+value, true
		}
	}
	return sum, found
}

// Metrics scrapes the process.
func (s *Process) Metrics(ctx context.Context) (Metrics, error) {
	body, err := s.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return parseMetrics(body)
}

// parseMetrics reads the text format of Prometheus.
func parseMetrics(r io.Reader) (Metrics, error) {
	m := make(Metrics)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		// A label may hold spaces, the value and an optional time may not.
		end := strings.LastIndexByte(line, '}') + 1
		name, rest, _ := strings.Cut(line[end:], " ")
		value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("reading metrics: %q: %w", line, err)
		}
		m[line[:end]+name] = v
	}
	return m, lines.Err()
}

// openTraces is the gauge that says how many traces are not settled yet.
const openTraces = "tomo_open_traces"

// ErrUnsettled says that traces were still open, or the server still busy, when
// time was up.
var ErrUnsettled = errors.New("the server did not settle in time")

// Settle waits until the server has no open traces and rests: it used less than
// a twentieth of a processor for a second. A server without metrics has no
// traces to settle.
func (s *Process) Settle(ctx context.Context, limit time.Duration) (took time.Duration, err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	before, err := s.CPU()
	if err != nil {
		return 0, err
	}
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%w (%v)", ErrUnsettled, limit)
		case <-s.exited:
			return 0, fmt.Errorf("the server ended while it settled\n%s", s.tail())
		case <-time.After(time.Second):
		}
		now, err := s.CPU()
		if err != nil {
			return 0, err
		}
		resting := now-before < time.Since(began)/20
		before = now
		open, err := s.openTraces(ctx)
		if err != nil {
			return 0, err
		}
		if open == 0 && resting {
			return time.Since(start), nil
		}
	}
}

// openTraces is how many traces the server says are open.
func (s *Process) openTraces(ctx context.Context) (float64, error) {
	m, err := s.Metrics(ctx)
	if errors.Is(err, errNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	open, found := m.Sum(openTraces, "")
	if !found {
		return 0, fmt.Errorf("the server has metrics, but not %s", openTraces)
	}
	return open, nil
}
