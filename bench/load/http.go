package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a run over HTTP.
type Options struct {
	Workers int     // connections, each with one request under way
	Rate    float64 // documents a second; 0: as fast as the answers come
}

// allTaken is the answer to a batch of which nothing was refused.
const allTaken = `{"UnprocessedTraceSegments":[]}`

// retryAfter is how long a worker waits before it sends a batch again that the
// server was too busy for.
const retryAfter = 20 * time.Millisecond

// HTTP sends every batch of l once: each worker sends its next batch when it
// has the answer to the last. A batch the server is too busy for is sent again
// until ctx ends. With a rate, latencies count from the moment a batch was due.
func HTTP(ctx context.Context, address string, l *Load, o Options) (*Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next, refused, acked atomic.Int64
	times := make([]time.Duration, len(l.Batches))
	before := make([]int, len(l.Batches)) // documents in earlier batches
	for i := 1; i < len(before); i++ {
		before[i] = before[i-1] + l.Batches[i-1].Documents
	}
	start := time.Now()
	var workers sync.WaitGroup
	for range o.Workers {
		workers.Go(func() {
			c, err := dial(ctx, address)
			if err != nil {
				stop(err)
				return
			}
			defer c.close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(l.Batches) || ctx.Err() != nil {
					return
				}
				sent := time.Now()
				if o.Rate > 0 {
					due := pace(start, before[i], o.Rate)
					if err := wait(ctx, time.Until(due)); err != nil {
						return
					}
					sent = due
				}
				busy, err := c.put(ctx, l.Batches[i].Body)
				refused.Add(int64(busy))
				if err != nil {
					stop(err)
					return
				}
				times[i] = time.Since(sent)
				acked.Add(int64(l.Batches[i].Documents))
			}
		})
	}
	workers.Wait()
	elapsed := time.Since(start)
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("sending segments to %s, %d acknowledged: %w", address, acked.Load(), err)
	}
	return &Result{Documents: int(acked.Load()), Elapsed: elapsed, Refused: int(refused.Load()), Latencies: sorted(times)}, nil
}

// connection is a connection that carries one request at a time.
type connection struct {
	net.Conn
	address string
	answers *bufio.Reader
	head    []byte
	answer  []byte
	release func() bool
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// A context that ends wakes whoever reads or writes.
	release := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	return &connection{Conn: c, address: address, answers: bufio.NewReader(c), answer: make([]byte, 4096), release: release}, nil
}

func (c *connection) close() {
	c.release()
	c.Close()
}

// put sends a body until the server takes it and says how often it did not.
func (c *connection) put(ctx context.Context, body []byte) (busy int, err error) {
	for {
		status, answer, err := c.post(body)
		switch {
		case err != nil:
			return busy, err
		case status == http.StatusOK && answer == allTaken:
			return busy, nil
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
			busy++
			if err := wait(ctx, retryAfter); err != nil {
				return busy, err
			}
		default:
			return busy, fmt.Errorf("answer %d %s", status, answer)
		}
	}
}

func (c *connection) post(body []byte) (status int, answer string, err error) {
	c.head = head(c.head[:0], c.address, len(body))
	buffers := net.Buffers{c.head, body}
	if _, err := buffers.WriteTo(c.Conn); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	n, err := io.ReadFull(resp.Body, c.answer)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, "", err
	}
	if resp.Close {
		return 0, "", fmt.Errorf("the server closes the connection after %d %s", resp.StatusCode, c.answer[:n])
	}
	return resp.StatusCode, string(c.answer[:n]), nil
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
