package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomotrace/tomo/sdk"
)

// sink keeps documents.
type sink struct {
	mu   sync.Mutex
	docs []string
}

func (s *sink) Send(document []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs = append(s.docs, string(document))
	return nil
}

// recorder makes a recorder whose documents go to the sink returned.
func recorder(t testing.TB, o sdk.Options) (*sdk.Recorder, *sink) {
	t.Helper()
	s := &sink{}
	if o.Sink == nil {
		o.Sink = s
	}
	if o.Sampler == nil {
		o.Sampler = sdk.Always
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	r, err := sdk.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r, s
}

// sent are the documents sent so far.
func (s *sink) sent(t testing.TB, r *sdk.Recorder) []string {
	t.Helper()
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.docs...)
}

// doc is what tests look at of a document.
type doc struct {
	TraceID   string `json:"trace_id"`
	ID        string `json:"id"`
	ParentID  string `json:"parent_id"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Start     float64
	End       float64 `json:"end_time"`
	Fault     bool
	Error     bool
	Throttle  bool
	Namespace string
	User      string
	Origin    string
	HTTP      *struct {
		Request  map[string]any
		Response map[string]any
	}
	AWS         map[string]any
	SQL         map[string]any
	Service     map[string]any
	Annotations map[string]any
	Metadata    map[string]map[string]any
	Cause       struct {
		Exceptions []struct {
			ID, Type, Message, Cause string
			Remote                   bool
			Truncated                int
			Stack                    []struct {
				Path  string
				Line  int
				Label string
			}
		}
	}
	Links       []map[string]any
	Subsegments []*doc
}

func parse(t testing.TB, text string) *doc {
	t.Helper()
	var d doc
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return &d
}

// sub is the subsegment of that name at any depth.
func (d *doc) sub(name string) *doc {
	for _, s := range d.Subsegments {
		if s.Name == name {
			return s
		}
		if found := s.sub(name); found != nil {
			return found
		}
	}
	return nil
}

func (d *doc) String() string {
	var below []string
	for _, s := range d.Subsegments {
		below = append(below, s.String())
	}
	if below == nil {
		return d.Name
	}
	return d.Name + "(" + strings.Join(below, " ") + ")"
}

var (
	ids   = regexp.MustCompile(`"(id|parent_id|cause)":"[0-9a-f]{16}"`)
	runs  = regexp.MustCompile(`"runtime_version":"[^"]*"`)
	dirs  = regexp.MustCompile(`"working_directory":"[^"]*"`)
	stack = regexp.MustCompile(`"stack":\[.*?\]`)
)

// normal is a document without what differs from run to run.
func normal(text, trace string) string {
	text = strings.ReplaceAll(text, trace, "TRACE")
	text = ids.ReplaceAllString(text, `"$1":"ID"`)
	text = runs.ReplaceAllString(text, `"runtime_version":"GO"`)
	text = dirs.ReplaceAllString(text, `"working_directory":"DIR"`)
	return stack.ReplaceAllString(text, `"stack":[]`)
}

func TestDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := recorder(t, sdk.Options{
			ServiceVersion: "1.2.3",
			Platforms:      []sdk.Platform{{Origin: "AWS::EC2::Instance", Name: "ec2", Data: map[string]any{"instance_id": "i-1"}}},
		})
		in := sdk.ParseHeader("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a")
		ctx, seg := r.Continue(t.Context(), "check<out>", in, sdk.Request{})
		sdk.SetUser(ctx, "ada")
		seg.SetHTTPRequest(sdk.HTTPRequest{Method: "POST", URL: "http://shop.example/orders", ClientIP: "192.0.2.7", XForwardedFor: true})
		seg.SetHTTPResponse(sdk.HTTPResponse{Status: 429, ContentLength: 12})
		for key, value := range map[string]any{"n": -3} {
			if err := sdk.Annotate(ctx, key, value); err != nil {
				t.Fatal(err)
			}
		}
		seg.Annotate("gold.x_1", true)
		seg.Annotate("f", 0.25)
		seg.Annotate("s", "quote \" back \\ line \n tab \t bell \a é 世界 \xff.")
		seg.Annotate("n", 7)
		sdk.AddMetadata(ctx, "cart", []int{1, 2})
		seg.AddMetadataTo("debug", "note", "x")
		time.Sleep(1500 * time.Microsecond)
		sctx, sub := sdk.BeginSub(ctx, "DynamoDB")
		sub.SetNamespace(sdk.NamespaceAWS)
		sub.SetAWS("operation", "GetItem")
		sub.SetAWS("table_name", "orders")
		time.Sleep(time.Second)
		sdk.Capture(sctx, "retry", func(ctx context.Context) error { return fmt.Errorf("getting: %w", io.ErrUnexpectedEOF) })
		_, query := sdk.BeginSub(sctx, "db@host")
		query.SetSQL(sdk.SQL{URL: "host/db", SanitizedQuery: "select 1"})
		query.AddLink(sdk.Link{TraceID: in.Root, ID: 5})
		query.Close(nil)
		sub.Close(nil)
		seg.Close(nil)
		seg.Close(errors.New("a second time"))
		seg.Annotate("late", 1)
		got := s.sent(t, r)
		if len(got) != 1 {
			t.Fatalf("%d documents, want 1: %s", len(got), got)
		}
		// The clock of the bubble begins in 2000.
		const want = `{"trace_id":"TRACE","parent_id":"ID","id":"ID","name":"checkout","start_time":946684800.000000,"end_time":946684801.001500,` +
			`"error":true,"throttle":true,"user":"ada","origin":"AWS::EC2::Instance",` +
			`"service":{"version":"1.2.3","runtime_version":"GO","runtime":"gc"},` +
			`"aws":{"xray":{"sdk":"Tomo for Go","sdk_version":"` + sdk.Version + `"},"ec2":{"instance_id":"i-1"}},` +
			`"http":{"request":{"method":"POST","url":"http://shop.example/orders","client_ip":"192.0.2.7","x_forwarded_for":true},"response":{"status":429,"content_length":12}},` +
			`"annotations":{"n":7,"gold.x_1":true,"f":0.25,"s":"quote \" back \\ line \n tab \t bell \u0007 é 世界 ` + "\ufffd" + `."},` +
			`"metadata":{"default":{"cart":[1,2]},"debug":{"note":"x"}},` +
			`"subsegments":[{"id":"ID","name":"DynamoDB","start_time":946684800.001500,"end_time":946684801.001500,"namespace":"aws",` +
			`"aws":{"operation":"GetItem","table_name":"orders"},` +
			`"subsegments":[{"id":"ID","name":"retry","start_time":946684801.001500,"end_time":946684801.001500,"fault":true,` +
			`"cause":{"working_directory":"DIR","exceptions":[{"id":"ID","type":"fmt.wrapError","message":"getting: unexpected EOF","cause":"ID","stack":[]},` +
			`{"id":"ID","type":"errors.errorString","message":"unexpected EOF"}]}},` +
			`{"id":"ID","name":"db@host","start_time":946684801.001500,"end_time":946684801.001500,"sql":{"url":"host/db","sanitized_query":"select 1"},` +
			`"links":[{"trace_id":"TRACE","id":"0000000000000005"}]}]}]}`
		if got := strings.ReplaceAll(normal(got[0], in.Root.String()), `"id":"ID"}]}]}`, `"id":"ID"}]}]}`); got != strings.ReplaceAll(want, `"id":"0000000000000005"`, `"id":"ID"`) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		d := parse(t, got[0])
		if d.ParentID != "53995c3f42cd8ad8" || d.ID != seg.ID().String() {
			t.Errorf("ids %s below %s", d.ID, d.ParentID)
		}
		x := d.sub("retry").Cause.Exceptions
		if x[0].Cause != x[1].ID || !strings.Contains(x[0].Stack[0].Path, "sdk/segment.go") {
			t.Errorf("exceptions %+v", x)
		}
	})
}

func BenchmarkSegment(b *testing.B) {
	for name, sampler := range map[string]sdk.Sampler{"sampled": sdk.Always, "unsampled": sdk.Never} {
		b.Run(name, func(b *testing.B) {
			r, err := sdk.New(sdk.Options{Sampler: sampler, Sink: drop{}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				ctx, seg := r.Begin(ctx, "checkout")
				_, one := sdk.BeginSub(ctx, "one")
				one.Close(nil)
				_, two := sdk.BeginSub(ctx, "two")
				two.Close(nil)
				seg.Close(nil)
			}
			r.Close(ctx)
			b.ReportMetric(float64(r.Stats().Dropped)/float64(b.N), "drops/op")
		})
	}
}

type drop struct{}

func (drop) Send([]byte) error { return nil }
