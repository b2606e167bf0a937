package floor_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomotrace/tomo/bench/floor"
	"github.com/tomotrace/tomo/bench/gen"
)

// start runs a floor and returns its address and a function that stops it.
func start(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- floor.Serve(ctx, l, dir) }()
	return "http://" + l.Addr().String(), func() {
		t.Helper()
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	}
}

func put(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	resp, err := http.Post(url+"/TraceSegments", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(text)
}

// TestServe sends documents from several clients at once, and again after a
// restart: each is on disk once it was acknowledged, and nothing else is.
func TestServe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	g := gen.New(1, time.Unix(1767607200, 0), time.Millisecond)
	var want []string
	for range 2 {
		url, stop := start(t, dir)
		var clients sync.WaitGroup
		for range 8 {
			var batches []string
			for range 4 {
				var texts []string
				for range 7 {
					texts = append(texts, string(g.Next().Text))
				}
				want = append(want, texts...)
				body, err := json.Marshal(map[string]any{"TraceSegmentDocuments": texts})
				if err != nil {
					t.Fatal(err)
				}
				batches = append(batches, string(body))
			}
			clients.Go(func() {
				for _, body := range batches {
					if status, answer := put(t, url, body); status != 200 || answer != `{"UnprocessedTraceSegments":[]}` {
						t.Errorf("answer %d %q", status, answer)
					}
				}
			})
		}
		clients.Wait()

		// Before the server is stopped: an acknowledged document needs no farewell.
		f, err := os.Open(filepath.Join(dir, floor.File))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := floor.Read(f, func(text []byte) { got = append(got, string(text)) }); err != nil {
			t.Fatal(err)
		}
		f.Close()
		slices.Sort(got)
		if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("the file holds %d documents, not the %d that were sent", len(got), len(want))
		}
		stop()
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	url, stop := start(t, dir)
	defer stop()
	for _, body := range []string{
		``, `{`, `{}`, `[]`, `{"TraceSegmentDocuments":[1]}`, `{"TraceSegmentDocuments":["{"]}`, `{"TraceSegmentDocuments":["{}"]}x`,
		`{"TraceSegmentDocuments":["{}" "{}"]}`, `{"TraceSegmentDocuments":["{\"a\":\"\n\"}"]}`,
	} {
		if status, answer := put(t, url, body); status != 400 {
			t.Errorf("%s: answer %d %q, want 400", body, status, answer)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, floor.File)); err != nil || info.Size() > 0 {
		t.Errorf("something was kept of it: %v, %v", info, err)
	}
}
