package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

type traceCmd struct {
	endpointFlag
	ID   string `arg:"" help:"Trace id, in the form of X-Ray or of W3C."`
	JSON bool   `name:"json" help:"Write the answer of BatchGetTraces."`
}

func (c *traceCmd) Run(ctx context.Context, std *streams) error {
	id, err := tomo.ParseAnyTraceID(c.ID)
	if err != nil {
		return err
	}
	answer, err := c.client().BatchGetTraces(ctx, []string{id.String()})
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, answer)
	}
	if len(answer.Traces) == 0 {
		return fmt.Errorf("there is no trace %v", id)
	}
	return writeTrace(std.out, &answer.Traces[0])
}

func writeTrace(w io.Writer, trace *api.Trace) error {
	documents := make([]string, len(trace.Segments))
	for i, s := range trace.Segments {
		documents[i] = s.Document
	}
	segments, err := parseSegments(documents)
	if err != nil {
		return err
	}
	all := rows(segments)
	took := "in progress"
	if trace.Duration != nil {
		took = shortDuration(float64(*trace.Duration))
	}
	began := ""
	if first, _ := bounds(all); first > 0 {
		began = "  " + clock(api.Time(first))
	}
	fmt.Fprintf(w, "%s%s  %s  %s\n", trace.ID, began, took, plural(len(segments), "segment"))
	if trace.LimitExceeded {
		fmt.Fprintln(w, "The trace is too large: documents of it were refused.")
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "Nothing of it can be shown yet: the segment that its subsegments belong to has not come.")
		return nil
	}
	fmt.Fprintln(w)
	drawWaterfall(w, all, columns(w), paletteFor(w))
	return nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// writeJSON writes an answer as it came over the wire.
func writeJSON(w io.Writer, answer any) error {
	var b bytes.Buffer
	err := api.Encode(&b, answer)
	b.WriteByte('\n')
	_, err2 := b.WriteTo(w)
	return errors.Join(err, err2)
}
