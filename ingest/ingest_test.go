package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/store/localstore"
)

const trace = "1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"

func open(t *testing.T, o localstore.Options) *localstore.Store {
	t.Helper()
	o.Derive = derive.Summary
	store, err := localstore.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func document(id string, members ...string) string {
	all := append([]string{fmt.Sprintf(`"id":%q,"trace_id":%q,"name":"a","start_time":1767607200.1,"end_time":1767607200.2`, id, trace)}, members...)
	return "{" + strings.Join(all, ",") + "}"
}

// answer is how a refusal reads.
func answer(r tomo.Refusal) string {
	id := "null"
	if r.ID != nil {
		id = *r.ID
	}
	return id + " " + string(r.Code)
}

func TestAccept(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		options ingest.Options
		store   localstore.Options
		docs    []string
		refused []string
		stored  int
	}{
		{"one", ingest.Options{}, localstore.Options{}, []string{document("00000000000000a1")}, nil, 1},
		{"bad among good", ingest.Options{}, localstore.Options{},
			[]string{document("00000000000000a1"), `{`, document("xyz"), document("00000000000000a2"), `{}`},
			[]string{"null ParseError", "xyz InvalidId", "null MissingId"}, 2},
		{"array", ingest.Options{}, localstore.Options{},
			[]string{"[" + document("00000000000000a1", `"type":"subsegment","parent_id":"00000000000000b1"`) + "," + document("00000000000000a2", `"type":"subsegment"`) + "]", `[]`},
			[]string{"00000000000000a2 MissingParentId", "null ParseError"}, 1},
		{"too large", ingest.Options{MaxDocument: 200}, localstore.Options{},
			[]string{document("00000000000000a1", `"metadata":{"k":"`+strings.Repeat("x", 200)+`"}`), document("00000000000000a2")},
			[]string{"00000000000000a1 InvalidSegment"}, 1},
		{"full trace", ingest.Options{}, localstore.Options{MaxTraceDocuments: 2},
			[]string{document("00000000000000a1"), `[]`, document("00000000000000a2"), document("00000000000000a3"), `{}`, document("00000000000000a4")},
			[]string{"null ParseError", "00000000000000a3 InvalidSegment", "null MissingId", "00000000000000a4 InvalidSegment"}, 2},
		{"strict, in time", ingest.Options{StrictTraceIDs: true, Now: func() time.Time { return now.Add(29 * 24 * time.Hour) }}, localstore.Options{},
			[]string{document("00000000000000a1")}, nil, 1},
		{"strict, too old", ingest.Options{StrictTraceIDs: true, Now: func() time.Time { return now.Add(31 * 24 * time.Hour) }}, localstore.Options{},
			[]string{document("00000000000000a1")}, []string{"00000000000000a1 InvalidTraceId"}, 0},
		{"strict, ahead", ingest.Options{StrictTraceIDs: true, Now: func() time.Time { return now.Add(-6 * time.Minute) }}, localstore.Options{},
			[]string{document("00000000000000a1")}, []string{"00000000000000a1 InvalidTraceId"}, 0},
		{"any date by default", ingest.Options{Now: func() time.Time { return now.Add(900 * 24 * time.Hour) }}, localstore.Options{},
			[]string{document("00000000000000a1")}, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := open(t, test.store)
			p := ingest.New(store, test.options)
			var docs [][]byte
			for _, d := range test.docs {
				docs = append(docs, []byte(d))
			}
			refusals, err := p.Accept(context.Background(), "test", docs)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range refusals {
				got = append(got, answer(r))
			}
			if diff := cmp.Diff(test.refused, got); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			id, _ := tomo.ParseTraceID(trace)
			held, err := store.Documents(context.Background(), id)
			if err != nil || len(held.Documents) != test.stored {
				t.Errorf("%d documents stored, %v; want %d", len(held.Documents), err, test.stored)
			}
			if n := p.Losses().Counts()[tomo.LossRefused]; n != int64(len(test.refused)) {
				t.Errorf("%d refusals in the ledger, want %d", n, len(test.refused))
			}
			for i, l := range p.Losses().Recent() {
				if want := test.refused[len(test.refused)-1-i]; !strings.HasSuffix(want, string(l.Code)) || l.Source != "test" {
					t.Errorf("loss %d is %+v, want %s", i, l, want)
				}
			}
		})
	}
}

// TestAcceptNothingStored: when the store fails nothing is acknowledged, and
// the refusals of the call are not counted either.
func TestAcceptNothingStored(t *testing.T) {
	store := open(t, localstore.Options{})
	p := ingest.New(store, ingest.Options{})
	store.Close()
	_, err := p.Accept(context.Background(), "test", [][]byte{[]byte(document("00000000000000a1")), []byte(`{`)})
	var known *tomo.Error
	if !errors.As(err, &known) || known.Code != tomo.Unavailable {
		t.Errorf("error %v, want one with the code Unavailable", err)
	}
	if n := p.Losses().Counts()[tomo.LossRefused]; n != 0 {
		t.Errorf("%d refusals counted of a call that failed", n)
	}
}

// TestTruncated: what is cut or left out of a document is told, with its id.
func TestTruncated(t *testing.T) {
	p := ingest.New(open(t, localstore.Options{}), ingest.Options{})
	text := document("00000000000000a1", `"annotations":{"a b":1,"ok":2}`)
	if _, err := p.Accept(context.Background(), "test", [][]byte{[]byte(text)}); err != nil {
		t.Fatal(err)
	}
	recent := p.Losses().Recent()
	if len(recent) != 1 || recent[0].Reason != tomo.LossTruncated || recent[0].ID != "00000000000000a1" || recent[0].Trace != trace {
		t.Errorf("losses are %+v", recent)
	}
}

func TestLossesKeepTheLatest(t *testing.T) {
	l := ingest.NewLosses()
	for i := range 2500 {
		l.Add(tomo.Loss{Reason: tomo.LossDropped, ID: fmt.Sprint(i), Count: 2})
	}
	recent := l.Recent()
	if len(recent) != 1000 || recent[0].ID != "2499" || recent[999].ID != "1500" {
		t.Errorf("%d losses from %s to %s, want 1000 from 2499 to 1500", len(recent), recent[0].ID, recent[len(recent)-1].ID)
	}
	if n := l.Counts()[tomo.LossDropped]; n != 5000 {
		t.Errorf("%d documents counted, want 5000", n)
	}
}

// settleStore notes when traces are settled.
type settleStore struct {
	*localstore.Store
	settled chan int
}

func (s settleStore) Settle(ctx context.Context, rows []tomo.Settled) error {
	err := s.Store.Settle(ctx, rows)
	s.settled <- len(rows)
	return err
}

// TestRun settles a trace once it is quiet and has waited, not before.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := localstore.Open(t.TempDir(), localstore.Options{Derive: derive.Summary})
		if err != nil {
			t.Fatal(err)
		}
		watched := settleStore{store, make(chan int, 10)}
		p := ingest.New(watched, ingest.Options{Settle: tomo.SettlePolicy{Quiet: 2 * time.Second, Wait: 5 * time.Second}})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		began := time.Now()
		for range 4 { // it stays open while something comes
			if _, err := p.Accept(ctx, "test", [][]byte{[]byte(document(tomo.NewSegmentID().String()))}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1500 * time.Millisecond)
		}
		last := began.Add(3 * 1500 * time.Millisecond)
		if n := <-watched.settled; n != 1 {
			t.Errorf("%d traces settled, want 1", n)
		}
		if waited := time.Since(last); waited < 7*time.Second || waited > 8*time.Second {
			t.Errorf("settled %v after the last document, want 7 s", waited)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		store.Close()
	})
}

// stoppedStore is asked for what is due when the server stops.
type stoppedStore struct {
	*localstore.Store
	asked chan struct{}
}

func (s stoppedStore) Due(ctx context.Context, _ tomo.SettlePolicy) ([]tomo.TraceDocuments, error) {
	close(s.asked)
	<-ctx.Done()
	return nil, fmt.Errorf("reading what is due: %w", ctx.Err())
}

// TestStopIsNoError: a round that is cut off because the server stops is begun
// again when it starts. Nobody has to hear of it.
func TestStopIsNoError(t *testing.T) {
	stopped := stoppedStore{open(t, localstore.Options{}), make(chan struct{})}
	var log strings.Builder
	p := ingest.New(stopped, ingest.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	<-stopped.asked
	cancel()
	if err := <-done; err != nil || log.Len() > 0 {
		t.Errorf("it ended with %v and the log\n%s", err, log.String())
	}
}
