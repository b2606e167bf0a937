package load_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
	"github.com/tomotrace/tomo/bench/load"
)

func generator() *gen.Generator {
	return gen.New(1, time.Unix(1767607200, 0), time.Millisecond)
}

// collector is a server that keeps what it is sent and is busy at first.
type collector struct {
	mu    sync.Mutex
	texts map[string]int // times each document came
	busy  int            // how many requests are still answered with 503
	bad   []string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy > 0 {
		c.busy--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	var envelope struct{ TraceSegmentDocuments []string }
	if err == nil {
		err = json.Unmarshal(body, &envelope)
	}
	if err != nil || r.URL.Path != "/TraceSegments" || r.Method != "POST" {
		c.bad = append(c.bad, r.Method+" "+r.URL.Path)
	}
	for _, text := range envelope.TraceSegmentDocuments {
		c.texts[text]++
	}
	io.WriteString(w, `{"UnprocessedTraceSegments":[]}`)
}

// TestHTTP: every document arrives once, and busy answers are tried again.
func TestHTTP(t *testing.T) {
	c := &collector{texts: map[string]int{}, busy: 5}
	s := httptest.NewServer(c)
	defer s.Close()
	const documents = 1010
	l := load.Build(generator(), documents, 25)
	if l.Documents != documents || len(l.Batches) != 41 || l.Batches[40].Documents != 10 {
		t.Fatalf("%d documents in %d batches, the last of %d", l.Documents, len(l.Batches), l.Batches[len(l.Batches)-1].Documents)
	}
	r, err := load.HTTP(t.Context(), s.Listener.Addr().String(), l, load.Options{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if r.Documents != documents || r.Refused != 5 || len(r.Latencies) != 41 || r.Rate() <= 0 {
		t.Errorf("%d documents, %d busy answers, %d latencies, %f a second", r.Documents, r.Refused, len(r.Latencies), r.Rate())
	}
	if p50, p99 := r.Latencies.Quantile(0.5), r.Latencies.Quantile(0.99); p50 <= 0 || p99 < p50 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	g := generator()
	for range documents {
		if text := string(g.Next().Text); c.texts[text] != 1 {
			t.Errorf("document came %d times: %s", c.texts[text], text)
		}
	}
	if len(c.texts) != documents || len(c.bad) > 0 {
		t.Errorf("%d different documents, %d bad requests", len(c.texts), len(c.bad))
	}
}

// TestRate: with a rate the load takes as long as it says.
func TestRate(t *testing.T) {
	s := httptest.NewServer(&collector{texts: map[string]int{}})
	defer s.Close()
	r, err := load.HTTP(t.Context(), s.Listener.Addr().String(), load.Build(generator(), 100, 10), load.Options{Workers: 2, Rate: 200})
	if err != nil {
		t.Fatal(err)
	}
	if r.Elapsed < 450*time.Millisecond { // the last batch is due after 90 documents
		t.Errorf("100 documents at 200 a second took %v", r.Elapsed)
	}
}

// TestRefusal: a server that refuses documents is not measured.
func TestRefusal(t *testing.T) {
	for _, answer := range []string{`{"UnprocessedTraceSegments":[{"Id":null}]}`, ``, `no`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answer) }))
		_, err := load.HTTP(t.Context(), s.Listener.Addr().String(), load.Build(generator(), 50, 25), load.Options{Workers: 2})
		if err == nil {
			t.Errorf("answer %q was taken for an acknowledgement", answer)
		}
		s.Close()
	}
}

// TestTraces: the counts are those of the documents sent.
func TestTraces(t *testing.T) {
	l := load.Build(generator(), 4000, 25)
	found := map[string]int{}
	for _, b := range l.Batches {
		var envelope struct{ TraceSegmentDocuments []string }
		if err := json.Unmarshal(b.Body, &envelope); err != nil {
			t.Fatal(err)
		}
		for _, text := range envelope.TraceSegmentDocuments {
			id, _, _ := strings.Cut(strings.TrimPrefix(text, `{"trace_id":"`), `"`)
			found[id]++
		}
	}
	if len(l.Traces) < 800 {
		t.Errorf("only %d traces are whole", len(l.Traces))
	}
	for id, n := range l.Traces {
		if found[id] != n {
			t.Errorf("trace %s has %d documents, %d were sent", id, n, found[id])
		}
	}
}

func TestUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const documents = 40
	datagrams := load.Datagrams(generator(), documents)
	r, err := load.UDP(t.Context(), c.LocalAddr().String(), datagrams, 400)
	if err != nil {
		t.Fatal(err)
	}
	if r.Documents != documents || r.Elapsed < 95*time.Millisecond {
		t.Errorf("%d datagrams in %v, want %d in 0.1 s", r.Documents, r.Elapsed, documents)
	}
	g, buffer := generator(), make([]byte, 1<<16)
	for range documents {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := c.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"format": "json", "version": 1}` + "\n" + string(g.Next().Text); string(buffer[:n]) != want {
			t.Errorf("datagram %q, want %q", buffer[:n], want)
		}
	}
}

func TestQuantile(t *testing.T) {
	l := make(load.Latencies, 100)
	for i := range l {
		l[i] = time.Duration(i + 1)
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := l.Quantile(q); got != want {
			t.Errorf("Quantile(%g) = %d, want %d", q, got, want)
		}
	}
	if got := (load.Latencies)(nil).Quantile(0.5); got != 0 {
		t.Errorf("Quantile of nothing = %d, want 0", got)
	}
}

func BenchmarkBuild(b *testing.B) {
	g := generator()
	for b.Loop() {
		load.Build(g, 25, 25)
	}
}
