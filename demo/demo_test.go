package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/anomaly"
	"github.com/tomotrace/tomo/demo"
	"github.com/tomotrace/tomo/derive"
)

// evening is when most is going on.
var evening = time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)

// nodes are what the map of the demo has to show, in any case.
var nodes = []string{
	"Scorekeep (AWS::ECS::Container)", "Scorekeep (client)", "Scorekeep-init ()",
	"arn:aws:sns:eu-west-1:123456789012:new-users (AWS::SNS)", "arn:aws:sns:eu-west-1:123456789012:scorekeep-notifications (AWS::SNS)",
	"cache.scorekeep.example (remote)", "history@db.scorekeep.example (Database::SQL)",
	"https://sqs.eu-west-1.amazonaws.com/123456789012/scorekeep-games (AWS::SQS::Queue)", "names.example.com (remote)",
	"random-name (AWS::Lambda)", "random-name (AWS::Lambda::Function)", "scorekeep-build ()",
	"scorekeep-game (AWS::DynamoDB::Table)", "scorekeep-move (AWS::DynamoDB::Table)", "scorekeep-results (AWS::S3::Bucket)",
	"scorekeep-session (AWS::DynamoDB::Table)", "scorekeep-state (AWS::DynamoDB::Table)", "scorekeep-user (AWS::DynamoDB::Table)",
	"scorekeep-worker (AWS::Lambda)", "scorekeep-worker (AWS::Lambda::Function)",
	"scores-api (AWS::EKS::Container)", "web.scorekeep.example (AWS::EC2::Instance)", "web.scorekeep.example (client)",
}

// house takes documents as the server does and keeps them by trace.
type house struct {
	mu        sync.Mutex // guards all below
	traces    map[tomo.TraceID][]tomo.RawDocument
	documents []string
}

// take refuses what the server would refuse.
func (h *house) take(documents []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.traces == nil {
		h.traces = map[tomo.TraceID][]tomo.RawDocument{}
	}
	for _, text := range documents {
		raw := tomo.RawDocument{Text: []byte(text), Received: tomo.Time(len(h.documents))}
		var d tomo.Document
		if refusal := d.Parse(raw); refusal != nil {
			return fmt.Errorf("refused: %w: %s", refusal, text)
		}
		var of struct {
			TraceID tomo.TraceID `json:"trace_id"`
		}
		if err := json.Unmarshal(raw.Text, &of); err != nil {
			return err
		}
		h.traces[of.TraceID] = append(h.traces[of.TraceID], raw)
		h.documents = append(h.documents, text)
	}
	return nil
}

func (h *house) summaries() (list []*tomo.Summary) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, documents := range h.traces {
		list = append(list, derive.Summary(id, documents))
	}
	return list
}

// names are the nodes of the service graph, but for the clients of programs
// that are no servers.
func names(summaries []*tomo.Summary) []string {
	found := map[string]bool{}
	for _, s := range derive.Graph(summaries...).Services {
		if s.Type == tomo.ClientType && !strings.HasPrefix(s.Name, "web.") && s.Name != "Scorekeep" {
			continue
		}
		found[fmt.Sprintf("%s (%s)", s.Name, s.Type)] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func backfill(t *testing.T, from time.Time, d time.Duration, rate float64, seed uint64) (*house, demo.Stats) {
	t.Helper()
	var h house
	stats, err := demo.Backfill(t.Context(), from, from.Add(d), rate, seed, h.take)
	if err != nil {
		t.Fatal(err)
	}
	return &h, stats
}

func TestBackfill(t *testing.T) {
	h, stats := backfill(t, evening, 20*time.Minute, 2, 1)
	if stats.Documents != len(h.documents) || stats.Requests < 2400 {
		t.Errorf("%+v, but %d documents came", stats, len(h.documents))
	}
	summaries := h.summaries()
	if diff := cmp.Diff(nodes, names(summaries)); diff != "" {
		t.Errorf("the map has other nodes (-want +got):\n%s", diff)
	}
	var faults, errs, throttles, users, annotated, slow int
	for _, s := range summaries {
		if s.Start.Std().Before(evening.Add(-2*time.Minute)) || s.Start.Std().After(evening.Add(21*time.Minute)) {
			t.Errorf("a trace begins at %v", s.Start.Std())
		}
		count := func(n *int, is bool) {
			if is {
				*n++
			}
		}
		count(&faults, s.HasFault)
		count(&errs, s.HasError)
		count(&throttles, s.HasThrottle)
		count(&users, len(s.Users) > 0)
		count(&annotated, len(s.Annotations) > 0)
		count(&slow, s.ResponseTime > time.Second)
	}
	checkTraits(t, h)
	n := len(summaries)
	for _, c := range []struct {
		what             string
		got, least, most int
	}{
		{"faults", faults, n / 200, n / 10}, {"errors", errs, n / 50, n / 8}, {"throttles", throttles, n / 500, n / 10},
		{"with users", users, n * 8 / 10, n}, {"annotated", annotated, n * 8 / 10, n}, {"slow", slow, n / 200, n / 10},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %d of %d traces; want %d to %d", c.what, c.got, n, c.least, c.most)
		}
	}
}

// TestBackfillIsTheSame checks that the arguments decide everything.
func TestBackfillIsTheSame(t *testing.T) {
	a, _ := backfill(t, evening, 5*time.Minute, 1, 7)
	b, _ := backfill(t, evening, 5*time.Minute, 1, 7)
	if diff := cmp.Diff(a.documents, b.documents); diff != "" {
		t.Errorf("the same arguments, other documents:\n%s", diff)
	}
	other, _ := backfill(t, evening, 5*time.Minute, 1, 8)
	if slices.Equal(a.documents, other.documents) {
		t.Error("another seed, the same documents")
	}
}

// TestBackfillEnds checks that it ends with its context, and with an error of send.
func TestBackfillEnds(t *testing.T) {
	broken := errors.New("broken")
	if _, err := demo.Backfill(t.Context(), evening, evening.Add(time.Hour), 1, 1, func([]string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v; want that of send", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := demo.Backfill(ctx, evening, evening.Add(1000*time.Hour), 1, 1, func([]string) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls > 2 {
		t.Errorf("err = %v after %d calls", err, calls)
	}
}

// TestDay checks that the rate is that of the day, and that a day has its hours.
func TestDay(t *testing.T) {
	midnight := evening.Truncate(24 * time.Hour)
	_, day := backfill(t, midnight, 24*time.Hour, 0.05, 1)
	if want := 0.05 * 86400; float64(day.Requests) < want*0.96 || float64(day.Requests) > want*1.04 {
		t.Errorf("%d requests in a day; want %v", day.Requests, want)
	}
	_, night := backfill(t, midnight.Add(4*time.Hour), time.Hour, 0.2, 1)
	_, noisy := backfill(t, evening, time.Hour, 0.2, 1)
	if night.Requests*3 > noisy.Requests {
		t.Errorf("%d requests an hour at four in the morning, %d in the evening", night.Requests, noisy.Requests)
	}
}

// segment is what the tests look at.
type segment struct {
	TraceID     string `json:"trace_id"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Origin      string `json:"origin"`
	InProgress  bool   `json:"in_progress"`
	Links       []struct{ TraceID, ID string }
	SQL         map[string]any
	Metadata    map[string]any
	AWS         map[string]any
	Service     struct{ Version string }
	Subsegments []segment
	Cause       struct {
		Exceptions []struct {
			ID, Type, Message, Cause string
			Remote                   bool
			Stack                    []struct {
				Path, Label string
				Line        int
			}
		}
	}
}

// traits are what documents show, besides what is on the map.
func traits(t *testing.T, documents []string) []string {
	t.Helper()
	found := map[string]bool{}
	var walk func(s *segment)
	walk = func(s *segment) {
		for _, l := range s.Links {
			found["link"] = found["link"] || l.ID != ""
		}
		for i, x := range s.Cause.Exceptions {
			if x.Cause != "" && i+1 < len(s.Cause.Exceptions) && s.Cause.Exceptions[i+1].ID == x.Cause {
				found["linked cause"] = true
			}
			if len(x.Stack) > 0 && strings.HasSuffix(x.Stack[0].Path, "demo/scorekeep.go") && x.Stack[0].Line > 0 {
				found["stack"] = true
			}
			found["remote exception"] = found["remote exception"] || x.Remote
		}
		for key := range s.Metadata {
			found["metadata "+key] = true
		}
		if s.SQL["sanitized_query"] != nil {
			found["query"] = true
		}
		found["in progress"] = found["in progress"] || s.InProgress
		if s.Name == "Scorekeep" {
			found["version "+s.Service.Version] = true
		}
		if s.Name == "Initialization" {
			found["cold start"] = true
		}
		for i := range s.Subsegments {
			walk(&s.Subsegments[i])
		}
	}
	for _, text := range documents {
		var s segment
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		walk(&s)
	}
	return slices.Sorted(maps.Keys(found))
}

// checkTraits looks for all that documents of the demo are to show.
func checkTraits(t *testing.T, h *house) {
	t.Helper()
	want := []string{"cold start", "in progress", "link", "linked cause", "metadata debug", "metadata resources", "query", "remote exception", "stack", "version 1.4.2", "version 1.5.0"}
	if diff := cmp.Diff(want, traits(t, h.documents)); diff != "" {
		t.Errorf("the documents show something else (-want +got):\n%s", diff)
	}
}

// TestIncidents checks that who watches the graphs of the demo finds what broke,
// and nothing that did not.
func TestIncidents(t *testing.T) {
	if raceEnabled {
		t.Skip("a matter of figures, which takes minutes with the race detector")
	}
	const hours = 5
	h, _ := backfill(t, evening, hours*time.Hour, demo.DefaultRate, 1)
	minutes := map[tomo.Time][]*tomo.Summary{}
	for _, s := range h.summaries() {
		minute := s.Start.StartOfMinute()
		minutes[minute] = append(minutes[minute], s)
	}
	watch := anomaly.New("demo")
	found := map[string]tomo.Insight{}
	for minute := tomo.TimeOf(evening); minute < tomo.TimeOf(evening.Add(hours*time.Hour)); minute = minute.Add(time.Minute) {
		for _, in := range watch.Step(minute, map[tomo.Time]*tomo.ServiceGraph{minute: derive.Graph(minutes[minute]...)}) {
			found[in.ID] = in
		}
	}
	during := func(in tomo.Insight) *demo.Incident {
		for hour := range hours {
			i := demo.NextIncident(1, evening.Add(time.Duration(hour)*time.Hour))
			if !in.Start.Std().Before(i.From.Add(-time.Minute)) && in.Start.Std().Before(i.To) {
				return &i
			}
		}
		return nil
	}
	causes := map[string]string{
		"names.example.com does not answer: creating users fails":  "names.example.com",
		"the history database is slow":                             "history@db.scorekeep.example",
		"scores-api fails two of three times: moves that win fail": "scores-api",
		"the table scorekeep-game throttles":                       "",
	}
	right := map[string]bool{}
	for _, in := range found {
		i := during(in)
		if i == nil {
			t.Errorf("an insight without an incident: %v: %s", in.Start.Std(), in.Summary)
			continue
		}
		if cause, known := causes[i.What]; !known {
			t.Errorf("an incident that nobody knows: %s", i.What)
		} else if cause == in.RootCause.Name {
			right[cause] = true
		}
		t.Logf("%v %s → %s", i.From.Format("15:04"), i.What, in.RootCause.Name)
	}
	for _, cause := range causes {
		if cause != "" && !right[cause] {
			t.Errorf("no insight names %s", cause)
		}
	}
}

func TestNextIncident(t *testing.T) {
	for seed := range uint64(5) {
		kinds := map[string]bool{}
		at := evening
		for range 24 {
			i := demo.NextIncident(seed, at)
			if i.To.Before(at) || i.From.After(at.Add(2*time.Hour)) || i.To.Sub(i.From) > 10*time.Minute || i.What == "" {
				t.Fatalf("at %v the next incident is %+v", at, i)
			}
			if again := demo.NextIncident(seed, i.From.Add(time.Second)); again.From != i.From {
				t.Errorf("in the middle of the incident of %v the next one is that of %v", i.From, again.From)
			}
			kinds[i.What] = true
			at = i.To
		}
		if len(kinds) != 4 {
			t.Errorf("seed %d: %d kinds of incidents in a day; want 4", seed, len(kinds))
		}
	}
}

// TestRun performs live until everything that is on paper was seen, and checks
// that it ends when it is told to and leaves nothing behind.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, way := range []string{"PutTraceSegments", "datagrams"} {
		t.Run(way, func(t *testing.T) {
			var h house
			o := demo.Options{Rate: 20, Seed: 1, Log: slog.New(slog.DiscardHandler)}
			var closed func() error
			if way == "datagrams" {
				o.Daemon, closed = listen(t, &h)
			} else {
				o.Send = func(_ context.Context, documents []string) error { return h.take(documents) }
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			var stats demo.Stats
			go func() {
				var err error
				stats, err = demo.Run(ctx, o)
				ended <- err
			}()
			var got []string
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(300 * time.Millisecond) {
				if got = names(h.summaries()); slices.Equal(got, nodes) || time.Now().After(deadline) {
					break
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if closed != nil {
				if err := closed(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(nodes, got); diff != "" {
				t.Errorf("the map has other nodes than on paper (-want +got):\n%s", diff)
			}
			if stats.Requests == 0 || stats.Documents != len(h.documents) || stats.Dropped > 0 {
				t.Errorf("%+v, but %d documents came", stats, len(h.documents))
			}
			for _, want := range []string{"metadata resources", "query", "stack", "version 1.4.2", "version 1.5.0", "linked cause"} {
				if !slices.Contains(traits(t, h.documents), want) {
					t.Errorf("no document shows: %s", want)
				}
			}
		})
	}
}

// listen takes datagrams until it is closed, which it is not before all that
// were sent to it have been read.
func listen(t *testing.T, h *house) (address string, close func() error) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				done <- nil
				return
			}
			if string(buf[:n]) == "end" {
				done <- conn.Close()
				return
			}
			_, document, _ := strings.Cut(string(buf[:n]), "\n")
			if err := h.take([]string{document}); err != nil {
				done <- err
				return
			}
		}
	}()
	return conn.LocalAddr().String(), func() error {
		end, err := net.Dial("udp", conn.LocalAddr().String())
		if err != nil {
			return err
		}
		defer end.Close()
		if _, err := end.Write([]byte("end")); err != nil {
			return err
		}
		return <-done
	}
}

// TestRunTells checks that documents that cannot be sent are told of.
func TestRunTells(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken := errors.New("broken")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	stats, err := demo.Run(ctx, demo.Options{
		Rate: 20, Log: slog.New(slog.DiscardHandler), Send: func(context.Context, []string) error { return broken },
	})
	if !errors.Is(err, broken) || stats.Documents != 0 || stats.Dropped == 0 {
		t.Errorf("err = %v, %+v; want the error of Send and documents dropped", err, stats)
	}
}
