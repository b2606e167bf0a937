package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/tomotrace/tomo/client"
)

type putCmd struct {
	endpointFlag
	Files []string `arg:"" optional:"" help:"Files to read; - or none: standard input."`
}

func (c *putCmd) Help() string {
	return `Reads segment documents and sends them: one document, several one after the
other or one a line, a JSON array of them, or the body of a PutTraceSegments
call. Names what was refused and why, and then ends with status 1.`
}

// A call carries at most so many documents and bytes: far below what the
// server takes, and enough that more would not be faster.
const (
	putDocuments = 50
	putBytes     = 512 << 10
)

func (c *putCmd) Run(ctx context.Context, std *streams) error {
	p := putter{ctx: ctx, client: c.client(), std: std}
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	for _, name := range c.Files {
		if err := p.file(name); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d stored, %d refused\n", p.stored, p.refused)
	if p.refused > 0 {
		return errReported
	}
	return nil
}

// putter sends documents in batches and counts what became of them.
type putter struct {
	ctx             context.Context
	client          *client.Client
	std             *streams
	batch           []string
	bytes           int
	stored, refused int
}

func (p *putter) file(name string) error {
	r := p.std.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	return p.read(name, r)
}

func (p *putter) read(name string, r io.Reader) error {
	for text, err := range documents(r) {
		if err != nil {
			p.refuse(name, err.Error())
			continue
		}
		if p.bytes+len(text) > putBytes || len(p.batch) == putDocuments {
			if err := p.flush(); err != nil {
				return err
			}
		}
		p.batch, p.bytes = append(p.batch, text), p.bytes+len(text)
	}
	return nil
}

func (p *putter) flush() error {
	if len(p.batch) == 0 {
		return nil
	}
	answer, err := p.client.PutTraceSegments(p.ctx, p.batch)
	if err != nil {
		return fmt.Errorf("after %d stored documents: %w", p.stored, err)
	}
	p.stored += len(p.batch)
	for _, u := range answer.UnprocessedTraceSegments {
		p.stored--
		id := "(no id)"
		if u.ID != nil {
			id = cmp.Or(*u.ID, id)
		}
		p.refuse(printable(id), u.ErrorCode+": "+printable(u.Message))
	}
	p.batch, p.bytes = p.batch[:0], 0
	return nil
}

func (p *putter) refuse(what, why string) {
	p.refused++
	fmt.Fprintf(p.std.err, "refused %s: %s\n", what, why)
}
