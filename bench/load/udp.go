package load

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
)

// udpHeader stands in front of each document in its datagram.
const udpHeader = `{"format": "json", "version": 1}` + "\n"

// tick is how often datagrams are sent: all that are due by then.
const tick = time.Millisecond

// Datagrams makes the datagrams of the next documents of g.
func Datagrams(g *gen.Generator, documents int) [][]byte {
	datagrams := make([][]byte, documents)
	for i := range datagrams {
		datagrams[i] = append([]byte(udpHeader), g.Next().Text...)
	}
	return datagrams
}

// UDP sends each datagram once, rate a second.
func UDP(ctx context.Context, address string, datagrams [][]byte, rate float64) (*Result, error) {
	c, err := net.Dial("udp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	start := time.Now()
	for i, d := range datagrams {
		if due := pace(start, i, rate); time.Until(due) > 0 {
			if err := wait(ctx, max(tick, time.Until(due))); err != nil {
				return nil, err
			}
		}
		if _, err := c.Write(d); err != nil {
			return nil, fmt.Errorf("sending datagram %d to %s: %w", i, address, err)
		}
	}
	return &Result{Documents: len(datagrams), Elapsed: time.Since(start)}, nil
}
