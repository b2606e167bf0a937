package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/internal/testkit"
	"github.com/tomotrace/tomo/server"
)

// Summaries is held up where a test wants that.
func (s *store) Summaries(ctx context.Context, w tomo.Window, p filter.Plan, after tomo.Position) iter.Seq2[*tomo.Summary, error] {
	if s.scanning == nil {
		return s.Store.Summaries(ctx, w, p, after)
	}
	return func(yield func(*tomo.Summary, error) bool) {
		if err := s.scanning(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// TestSearchIsLeft: a search ends when whoever asked for it is gone, so a browser
// that stops one, or goes to another page, stops the work, too. It is no failure
// of the server: it was counted as 503 once.
func TestSearchIsLeft(t *testing.T) {
	var log bytes.Buffer
	d := open(t, server.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	d.putSales(4)
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	d.store.scanning = func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", d.url+"/TraceSummaries", strings.NewReader(`{"StartTime":1700000000,"EndTime":1700000010,"FilterExpression":"rootcause.fault.service { name = \"shop\" }"}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if reply, err := http.DefaultClient.Do(r); err == nil {
			reply.Body.Close()
			t.Error("a search was answered that nobody waits for")
		}
	}()
	select {
	case <-begun:
	case <-time.After(20 * time.Second):
		t.Fatal("the search does not begin")
	}
	leave()
	<-gone
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the search goes on though nobody waits")
	}
	counts := func() (lines []string) {
		for line := range strings.Lines(d.do("GET", "/metrics", "").body) {
			if strings.HasPrefix(line, `tomo_http_requests_total{operation="GetTraceSummaries"`) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
	testkit.Until(t, "counted", func() bool { return len(counts()) > 0 })
	if got := strings.Join(counts(), "\n"); got != `tomo_http_requests_total{operation="GetTraceSummaries",status="499"} 1` {
		t.Errorf("it is counted as %q", got)
	}
	var status api.Status
	if err := json.Unmarshal([]byte(d.do("GET", api.StatusPath, "").body), &status); err != nil {
		t.Fatal(err)
	}
	for _, is := range status.Operations {
		if is.Name == "GetTraceSummaries" && (is.GivenUpCount != 1 || is.FailureCount != 0) {
			t.Errorf("the page of the status has %+v", is)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
}
