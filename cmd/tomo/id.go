package main

import (
	"fmt"
	"time"

	"github.com/tomotrace/tomo"
)

type idCmd struct {
	W3C    bool `name:"w3c" help:"Write the 32 digits of the W3C form."`
	Header bool `help:"Write a whole tracing header for a sampled request (with --w3c: a traceparent)."`
}

func (c *idCmd) Help() string {
	return "A new trace id, for a segment document of your own or for a request to be traced."
}

func (c *idCmd) Run(std *streams) error {
	id := tomo.NewTraceID(time.Now())
	switch {
	case c.Header && c.W3C:
		fmt.Fprintf(std.out, "traceparent: 00-%s-%v-01\n", id.W3C(), tomo.NewSegmentID())
	case c.Header:
		fmt.Fprintf(std.out, "X-Amzn-Trace-Id: Root=%v;Parent=%v;Sampled=1\n", id, tomo.NewSegmentID())
	case c.W3C:
		fmt.Fprintln(std.out, id.W3C())
	default:
		fmt.Fprintln(std.out, id)
	}
	return nil
}
