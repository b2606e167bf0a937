// Package accepted holds every document that the SDK can send to be one that
// Tomo takes whole. It is a module of its own because the SDK needs nothing of
// the server.
package accepted

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/sdk"
)

// checker reads documents as the server does.
type checker struct {
	t     *rapid.T
	nodes map[string]string // id → name
	sizes int
}

func (c *checker) Send(document []byte) error {
	c.sizes = max(c.sizes, len(document))
	var d tomo.Document
	if refusal := d.Parse(tomo.RawDocument{Text: document}); refusal != nil {
		c.t.Fatalf("%s: %s in %s", refusal.Code, refusal.Message, document)
	}
	if d.Repairs != (tomo.Repairs{}) {
		c.t.Fatalf("%+v were repaired in %s", d.Repairs, document)
	}
	for i := range d.Segments {
		s := &d.Segments[i]
		if _, twice := c.nodes[s.ID.String()]; twice {
			c.t.Fatalf("%s was sent twice", s.Name)
		}
		c.nodes[s.ID.String()] = s.Name
		if s.InProgress || s.End < s.Start {
			c.t.Fatalf("%s lasts from %v to %v", s.Name, s.Start, s.End)
		}
		if i == 0 && s.Subsegment && !s.HasParent {
			c.t.Fatalf("%s has no parent", s.Name)
		}
	}
	return nil
}

func TestAccepted(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("ab<>\"\\\n\x00é世 \u2028?;")), 0, 300, -1), rapid.Just("plain"), rapid.Just("\xff\xfe"))
	long := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(rapid.SampledFrom([]string{"x", "\"", "\x01", "世"}).Draw(t, "unit"), rapid.IntRange(0, 40_000).Draw(t, "times"))
	})
	rapid.Check(t, func(t *rapid.T) {
		c := &checker{t: t, nodes: map[string]string{}}
		r, err := sdk.New(sdk.Options{
			Sampler: sdk.Always, Sink: c, ServiceVersion: text.Draw(t, "version"), StreamAfter: rapid.IntRange(-1, 20).Draw(t, "stream after"),
			Platforms: []sdk.Platform{{Origin: text.Draw(t, "origin"), Name: "ec2", Data: map[string]any{"instance_id": text.Draw(t, "instance")}}},
			Log:       slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		header := sdk.ParseHeader(rapid.SampledFrom([]string{"", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "Sampled=1"}).Draw(t, "header"))
		ctx, root := r.Continue(context.Background(), text.Draw(t, "name"), header, sdk.Request{})
		type open struct {
			ctx context.Context
			seg *sdk.Segment
		}
		all := []open{{ctx, root}}
		begun := 1
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			at := rapid.IntRange(0, len(all)-1).Draw(t, "at")
			s := all[at].seg
			switch rapid.IntRange(0, 13).Draw(t, "what") {
			case 0, 1, 2, 3:
				ctx, sub := sdk.BeginSub(all[at].ctx, text.Draw(t, "sub"))
				all = append(all, open{ctx, sub})
				begun++
			case 4:
				s.Close(nil)
			case 5:
				s.CloseAndSend(fmt.Errorf("%s: %w", text.Draw(t, "message"), errors.New(text.Draw(t, "cause"))))
			case 6:
				s.Annotate(text.Draw(t, "key"), text.Draw(t, "value"))
				s.Annotate(rapid.StringMatching(`[A-Za-z0-9_.]{1,500}`).Draw(t, "good key"), rapid.Float64().Draw(t, "number"))
			case 7:
				s.AddMetadataTo(text.Draw(t, "namespace"), text.Draw(t, "key"), map[string]any{text.Draw(t, "member"): long.Draw(t, "large")})
			case 8:
				s.SetHTTPRequest(sdk.HTTPRequest{Method: text.Draw(t, "method"), URL: long.Draw(t, "url"), ClientIP: text.Draw(t, "ip"), UserAgent: text.Draw(t, "agent"), Traced: true})
			case 9:
				s.SetHTTPResponse(sdk.HTTPResponse{Status: rapid.IntRange(100, 599).Draw(t, "status"), ContentLength: rapid.Int64Range(0, 1<<50).Draw(t, "length")})
			case 10:
				s.SetSQL(sdk.SQL{SanitizedQuery: long.Draw(t, "query"), URL: text.Draw(t, "database")})
			case 11:
				s.SetAWS(text.Draw(t, "aws key"), text.Draw(t, "aws value"))
				s.SetUser(text.Draw(t, "user"))
				s.SetResourceARN(text.Draw(t, "arn"))
			case 12:
				s.AddError(errors.New(long.Draw(t, "error")))
				s.Panicked(text.Draw(t, "panic"))
			case 13:
				s.SetNamespace(rapid.SampledFrom([]string{"", "aws", "remote"}).Draw(t, "namespace"))
				s.AddLink(sdk.Link{TraceID: sdk.TraceID{1}, ID: 1})
				s.SetName(text.Draw(t, "new name"))
			}
		}
		for _, i := range rapid.Permutation(all).Draw(t, "order") {
			i.seg.Close(nil)
		}
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(c.nodes) != begun {
			t.Fatalf("%d of %d arrived", len(c.nodes), begun)
		}
		if c.sizes > 65474 {
			t.Fatalf("a document of %d bytes", c.sizes)
		}
		if st := r.Stats(); st.Failed != 0 || st.Dropped != 0 {
			t.Fatalf("stats %+v", st)
		}
	})
}
