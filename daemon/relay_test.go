package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/daemon"
	"github.com/tomotrace/tomo/internal/testkit"
)

// xray is an upstream that keeps what it takes. It is a transport, so that it
// works where time is simulated, and a handler.
type xray struct {
	// answer decides about an upload; nil takes everything.
	answer func(documents []string) (status int, header http.Header, body string)

	mu        sync.Mutex // guards what follows
	taken     []string
	uploads   []int // documents in each that was taken
	telemetry []api.PutTelemetryRecordsRequest
	headers   []http.Header
	at        []time.Time // of all uploads, taken or not
}

const allTaken = `{"UnprocessedTraceSegments":[]}`

func (x *xray) respond(r *http.Request, body []byte) (int, http.Header, string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch r.URL.Path {
	case "/TelemetryRecords":
		var request api.PutTelemetryRecordsRequest
		if err := json.Unmarshal(body, &request); err != nil {
			return 400, nil, err.Error()
		}
		x.telemetry = append(x.telemetry, request)
		return 200, nil, "{}"
	case "/TraceSegments":
	default:
		return 404, nil, ""
	}
	var request struct{ TraceSegmentDocuments []string }
	if err := json.Unmarshal(body, &request); err != nil {
		return 400, nil, err.Error()
	}
	x.at = append(x.at, time.Now())
	x.headers = append(x.headers, r.Header)
	status, header, text := 200, http.Header(nil), allTaken
	if x.answer != nil {
		status, header, text = x.answer(request.TraceSegmentDocuments)
	}
	if status == 200 {
		x.taken = append(x.taken, request.TraceSegmentDocuments...)
		x.uploads = append(x.uploads, len(request.TraceSegmentDocuments))
	}
	return status, header, text
}

func (x *xray) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	status, header, text := x.respond(r, body)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	io.WriteString(w, text)
}

func (x *xray) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	status, header, text := x.respond(r, body)
	if status == 0 { // nobody answers
		return nil, errors.New("connection reset")
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func (x *xray) documents() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.taken)
}

// running is a relay that runs until it is stopped.
type running struct {
	*daemon.Relay
	stop func()
	log  *testkit.Buffer
}

func relay(t testing.TB, o daemon.RelayOptions, conns ...net.PacketConn) *running {
	t.Helper()
	log := new(testkit.Buffer)
	o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := daemon.NewRelay(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, conns...) }()
	var once sync.Once
	is := &running{Relay: r, log: log}
	is.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	t.Cleanup(is.stop)
	return is
}

// balance checks that every document is somewhere.
func (r *running) balance(t testing.TB, received int64) {
	t.Helper()
	for _, s := range r.Status() {
		if sum := s.Sent + s.Refused + s.Dropped + s.Waiting + s.Spooled; sum != received {
			t.Errorf("%d documents received, but %d found: %+v", received, sum, s)
		}
	}
}

func doc(i int) []byte { return fmt.Appendf(nil, `{"id":"%016x","trace_id":"1-5759e988-%024x"}`, i, i) }

// TestRelayVectors sends all datagrams of which it is known what X-Ray's daemon
// does to a relay, by UDP and by a Unix socket.
func TestRelayVectors(t *testing.T) {
	for _, network := range []string{"udp4", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			conn, send := socketPair(t, network)
			upstream := new(xray)
			server := httptest.NewServer(upstream)
			defer server.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			r := relay(t, daemon.RelayOptions{
				Upstreams: []daemon.Upstream{{URL: server.URL, Transport: transport}}, Batch: 1, Concurrency: 1,
			}, conn)
			for _, v := range vectors {
				taken, rejected := len(upstream.documents()), r.Counters().Rejected.Load()
				if _, err := send.Write([]byte(v.datagram)); err != nil {
					t.Fatalf("vector %d: %v", v.n, err)
				}
				testkit.Until(t, fmt.Sprintf("vector %d is dealt with", v.n), func() bool {
					return len(upstream.documents()) > taken || r.Counters().Rejected.Load() > rejected
				})
				got := upstream.documents()[taken:]
				if v.document == "" && len(got) > 0 || v.document != "" && (len(got) != 1 || got[0] != v.document) {
					t.Errorf("vector %d: %q came, want %q", v.n, got, v.document)
				}
			}
			for _, want := range []string{
				`level=WARN msg="Missing header: format`, `level=WARN msg="Missing header or segment: `,
				`level=WARN msg="Invalid header: format=json;version=1"`, `level=INFO msg="Successfully sent batch of 1 segments (`,
			} {
				if log := r.log.String(); !strings.Contains(log, want) && !strings.HasPrefix(want, `level=WARN msg="Missing header: `) {
					t.Errorf("the log has no %s", want)
				}
			}
			h := upstream.headers[0]
			if h.Get("Content-Type") != "application/json" || !strings.Contains(h.Get("X-Amzn-Xray-Timestamp"), ".") {
				t.Errorf("headers %v", h)
			}
			r.stop()
			r.balance(t, r.Counters().Received.Load()-r.Counters().Rejected.Load())
		})
	}
}

func socketPair(t *testing.T, network string) (net.PacketConn, net.Conn) {
	t.Helper()
	if network == "unixgram" {
		path := filepath.Join(t.TempDir(), "s")
		conn, err := net.ListenUnixgram(network, &net.UnixAddr{Name: path, Net: network})
		if err != nil {
			t.Fatal(err)
		}
		send, err := net.Dial(network, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(); send.Close() })
		return conn, send
	}
	host := map[string]string{"udp4": "127.0.0.1", "udp6": "::1"}[network]
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		if network == "udp6" {
			t.Skip("no IPv6 here: ", err)
		}
		t.Fatal(err)
	}
	send, err := net.Dial(network, conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); send.Close() })
	return conn, send
}

// TestTruncated: a datagram longer than 64 KiB, which only a Unix socket
// carries, is not taken in part.
func TestTruncated(t *testing.T) {
	conn, send := socketPair(t, "unixgram")
	r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: new(xray)}}}, conn)
	if _, err := send.Write([]byte(padded(70_000))); err != nil {
		t.Skip("it cannot be sent: ", err)
	}
	testkit.Until(t, "it is rejected", func() bool { return r.Counters().Rejected.Load() == 1 })
	if !strings.Contains(r.log.String(), "Truncated datagram: ") {
		t.Errorf("log %s", r.log)
	}
}

// TestAnswers: what becomes of an upload of three documents by what the upstream
// answers, first and afterwards.
func TestAnswers(t *testing.T) {
	exception := func(name string) string { return fmt.Sprintf(`{"__type":%q,"message":"because"}`, name) }
	tests := []struct {
		name    string
		status  int
		header  http.Header
		body    string
		sent    int64 // of three
		refused int64
		retries int64
		waited  time.Duration // at least, until the second upload
		log     string
	}{
		{name: "taken", status: 200, body: allTaken, sent: 3, log: "Successfully sent batch of 3 segments"},
		{name: "taken, in other words", status: 200, body: `{}`, sent: 3},
		{name: "one refused", status: 200, body: `{"UnprocessedTraceSegments":[{"ErrorCode":"InvalidId","Id":"0000000000000001","Message":"no"}]}`, sent: 2, refused: 1,
			log: `Unprocessed trace 1-5759e988-000000000000000000000001, segment: {ErrorCode: \"InvalidId\", Id: \"0000000000000001\", Message: \"no\", Size: 74}`},
		{name: "an unknown one refused", status: 200, body: `{"UnprocessedTraceSegments":[{"ErrorCode":"X","Id":null}]}`, sent: 2, refused: 1, log: "Unprocessed segment: {"},
		{name: "bad request", status: 400, body: exception("InvalidRequestException"), refused: 3, log: "InvalidRequestException: because (status 400"},
		{name: "throttled", status: 429, body: exception("ThrottledException"), sent: 3, retries: 1, waited: 100 * time.Millisecond},
		{name: "throttled with 400", status: 400, body: exception("ThrottlingException"), sent: 3, retries: 1},
		{name: "throttled for long", status: 429, header: http.Header{"Retry-After": {"17"}}, sent: 3, retries: 1, waited: 17 * time.Second},
		{name: "away until a date", status: 503, header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:40 GMT"}}, sent: 3, retries: 1, waited: 99 * time.Second},
		{name: "away for too long", status: 503, header: http.Header{"Retry-After": {"999999"}}, sent: 3, retries: 1, waited: 5 * time.Minute},
		{name: "fault", status: 500, body: "oops", sent: 3, retries: 1, log: "Sending segment batch failed with: "},
		{name: "no permission", status: 403, body: exception("AccessDeniedException"), sent: 3, retries: 1, log: "AccessDeniedException: because"},
		{name: "nothing there", status: 404, sent: 3, retries: 1},
		{name: "elsewhere", status: 302, header: http.Header{"Location": {"https://elsewhere.test"}}, sent: 3, retries: 1},
		{name: "nobody", status: 0, sent: 3, retries: 1, log: "connection reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // its clock begins with the year 2000
				upstream := new(xray)
				calls := 0
				upstream.answer = func([]string) (int, http.Header, string) {
					if calls++; calls == 1 {
						return tt.status, tt.header, tt.body
					}
					return 200, nil, allTaken
				}
				r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test/", Transport: upstream}}})
				r.Take(doc(0), doc(1), doc(2))
				time.Sleep(10 * time.Minute)
				s := r.Status()[0]
				if s.Sent != tt.sent || s.Refused != tt.refused || s.Retries != tt.retries || s.Waiting != 0 || !s.Up || s.Error != "" {
					t.Errorf("%+v", s)
				}
				r.balance(t, 3)
				if !strings.Contains(r.log.String(), tt.log) {
					t.Errorf("the log has no %s:\n%s", tt.log, r.log)
				}
				if tt.waited > 0 && upstream.at[1].Sub(upstream.at[0]) < tt.waited {
					t.Errorf("tried again after %v", upstream.at[1].Sub(upstream.at[0]))
				}
				if tt.waited > 0 && upstream.at[1].Sub(upstream.at[0]) > tt.waited+time.Second {
					t.Errorf("tried again only after %v", upstream.at[1].Sub(upstream.at[0]))
				}
				r.stop()
			})
		})
	}
}

// TestTooLarge: what is too much at once is sent in parts.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		upstream.answer = func(documents []string) (int, http.Header, string) {
			if slices.Contains(documents, string(doc(7))) && len(documents) == 1 || len(documents) > 3 {
				return 413, nil, ""
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream}}})
		for i := range 50 {
			r.Take(doc(i))
		}
		r.stop()
		// The seventh travels with others as long as they are few enough.
		if s := r.Status()[0]; s.Sent+s.Refused != 50 || s.Refused > 1 {
			t.Errorf("%+v", s)
		}
		r.balance(t, 50)
	})
}

// TestPoison: an upload that makes the upstream fail does not keep others from
// being sent, and is given up in the end; but not while all fail.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		away := true
		upstream.answer = func(documents []string) (int, http.Header, string) {
			if away || slices.Contains(documents, "poison") {
				return 500, nil, ""
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream}}, Batch: 1})
		r.Take([]byte("poison"))
		time.Sleep(time.Hour)
		if s := r.Status()[0]; s.Waiting != 1 || s.Up {
			t.Errorf("while all fail: %+v", s)
		}
		upstream.mu.Lock()
		away = false
		upstream.mu.Unlock()
		for i := range 100 {
			r.Take(doc(i))
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Minute)
		if s := r.Status()[0]; s.Sent != 100 || s.Refused != 1 || s.Waiting != 0 || !s.Up {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(r.log.String(), "given up, as others pass") {
			t.Errorf("log %s", r.log)
		}
		r.stop()
		r.balance(t, 101)
	})
}

// TestHourAway: the upstream is away for an hour, while ten documents come each
// second. With a spool nothing is lost, and all of it is sent in order.
func TestHourAway(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		var away atomic.Bool
		upstream.answer = func([]string) (int, http.Header, string) {
			if away.Load() {
				return 503, nil, ""
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{
			Upstreams:   []daemon.Upstream{{URL: "http://xray.test", Transport: upstream, SpoolDir: dir}},
			Concurrency: 1, Memory: 3 << 20,
		})
		sent := 0
		send := func(d time.Duration) {
			for range int(d / (100 * time.Millisecond)) {
				r.Take(doc(sent))
				sent++
				time.Sleep(100 * time.Millisecond)
			}
		}
		send(time.Minute)
		away.Store(true)
		send(time.Hour)
		if s := r.Status()[0]; s.Up || s.Spooled < 35_000 || s.Dropped != 0 {
			t.Errorf("after an hour: %+v", s)
		}
		if tries := len(upstream.at) - len(upstream.uploads); tries < 120 || tries > 300 {
			t.Errorf("%d tries in an hour", tries)
		}
		r.balance(t, int64(sent))
		away.Store(false)
		send(2 * time.Minute)
		r.stop()
		if s := r.Status()[0]; s.Sent != int64(sent) || s.Dropped != 0 || s.Spooled != 0 || !s.Up {
			t.Errorf("at the end: %+v", s)
		}
		for i, d := range upstream.documents() {
			if d != string(doc(i)) {
				t.Fatalf("document %d is %s", i, d)
			}
		}
	})
}

// TestSpoolFull: what the spool has no room for is counted, to the document, and
// what is sent in the end is the newest.
func TestSpoolFull(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		var away atomic.Bool
		away.Store(true)
		upstream.answer = func([]string) (int, http.Header, string) {
			if away.Load() {
				return 0, nil, ""
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{
			Upstreams:   []daemon.Upstream{{URL: "http://xray.test", Transport: upstream, SpoolDir: dir, SpoolLimit: 1 << 20}},
			Concurrency: 1,
		})
		const sent = 500
		random := rand.New(rand.NewPCG(1, 1))
		for i := range sent {
			noise := make([]byte, 12_000) // little of which compresses
			for j := range noise {
				noise[j] = byte('!' + random.IntN(90))
			}
			r.Take(fmt.Appendf(nil, "%d %s", i, noise))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		r.balance(t, sent)
		away.Store(false)
		time.Sleep(time.Minute)
		r.stop()
		s := r.Status()[0]
		if s.Dropped == 0 || s.Sent+s.Dropped != sent || s.Spooled != 0 {
			t.Errorf("%+v", s)
		}
		got := upstream.documents()
		if last, _, _ := strings.Cut(got[len(got)-1], " "); last != fmt.Sprint(sent-1) {
			t.Errorf("the last that came is %s", last)
		}
		if !strings.Contains(r.log.String(), "Spilling over ") {
			t.Error("the log does not tell of it")
		}
	})
}

// TestMemoryFull is vector 54: without a spool what comes last is dropped and
// counted, and what was taken before is sent in the end.
func TestMemoryFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		var away atomic.Bool
		away.Store(true)
		upstream.answer = func([]string) (int, http.Header, string) {
			if away.Load() {
				return 503, nil, ""
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream}}, Memory: 1 << 20})
		for i := range 2000 {
			r.Take(fmt.Appendf(nil, "%d %s", i, strings.Repeat(".", 1000)))
		}
		time.Sleep(time.Minute)
		s := r.Status()[0]
		if s.Waiting < 900 || s.Waiting > 1000 || s.Dropped != 2000-s.Waiting {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(r.log.String(), "Segment dropped. Consider increasing memory limit"); n < 1 || n > 2 {
			t.Errorf("said %d times that documents are dropped", n)
		}
		away.Store(false)
		time.Sleep(time.Minute)
		if after := r.Status()[0]; after.Sent != s.Waiting || after.Waiting != 0 {
			t.Errorf("%+v", after)
		}
		r.stop()
		r.balance(t, 2000)
		if n := upstream.uploads[len(upstream.uploads)-1]; n != 50 && slices.Max(upstream.uploads) != 50 {
			t.Errorf("what waited was sent in uploads of %v", upstream.uploads)
		}
	})
}

// TestEnd: at the end what waits is sent if the upstream is there, is given up
// and counted after five seconds if it is away, and goes into the spool if there
// is one, for the next time.
func TestEnd(t *testing.T) {
	gone := func([]string) (int, http.Header, string) { return 0, nil, "" }
	t.Run("there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			upstream := new(xray)
			r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream}}})
			for i := range 1000 {
				r.Take(doc(i))
			}
			r.stop()
			if s := r.Status()[0]; s.Sent != 1000 {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: &xray{answer: gone}}}})
			for i := range 1000 {
				r.Take(doc(i))
			}
			began := time.Now()
			r.stop()
			if s := r.Status()[0]; s.Dropped != 1000 || s.Waiting != 0 {
				t.Errorf("%+v", s)
			}
			if took := time.Since(began); took < 4*time.Second || took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
			if !strings.Contains(r.log.String(), "1000 segments were dropped since the start") {
				t.Errorf("log %s", r.log)
			}
		})
	})
	t.Run("spool", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: &xray{answer: gone}, SpoolDir: dir}}})
			for i := range 1000 {
				r.Take(doc(i))
			}
			r.stop()
			if !strings.Contains(r.log.String(), "1000 segments stay in the spool") || r.Status()[0].Dropped != 0 {
				t.Errorf("%+v, log %s", r.Status(), r.log)
			}
			upstream := new(xray)
			r = relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream, SpoolDir: dir}}, Concurrency: 1})
			time.Sleep(time.Minute)
			if got := upstream.documents(); len(got) != 1000 {
				t.Errorf("%d came", len(got))
			}
			r.stop()
		})
	})
}

// TestSlow: an upload that is not answered in five seconds has failed, and eight
// are under way at once.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		var slow atomic.Bool
		slow.Store(true)
		upstream := new(xray)
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			defer r.Body.Close()
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			wait := time.Second
			if slow.Load() {
				wait = 7 * time.Second
			}
			select {
			case <-time.After(wait):
				return upstream.RoundTrip(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: transport}}})
		for i := range 1000 {
			r.Take(doc(i))
		}
		time.Sleep(6 * time.Second)
		if s := r.Status()[0]; s.Up || s.Retries != 8 || s.Waiting != 1000 || !strings.Contains(s.Error, "deadline exceeded") {
			t.Errorf("%+v", s)
		}
		slow.Store(false)
		time.Sleep(time.Minute)
		if s := r.Status()[0]; s.Sent != 1000 {
			t.Errorf("%+v", s)
		}
		if most.Load() != 8 {
			t.Errorf("%d uploads at once", most.Load())
		}
		r.stop()
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSeveral: each upstream gets everything, and none waits for another.
func TestSeveral(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		one, two := new(xray), &xray{answer: func([]string) (int, http.Header, string) { return 503, nil, "" }}
		r := relay(t, daemon.RelayOptions{Upstreams: []daemon.Upstream{
			{URL: "http://one.test", Transport: one},
			{URL: "http://two.test", Transport: two, SpoolDir: dir},
		}})
		for i := range 200 {
			r.Take(doc(i))
		}
		time.Sleep(time.Minute)
		if n := len(one.documents()); n != 200 {
			t.Errorf("%d came to the first", n)
		}
		r.balance(t, 200)
		r.stop()
		if s := r.Status(); s[1].Spooled != 200 || s[0].Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestTelemetry: a record a minute once something came, with what happened in
// that minute, those that could not be sent later, and one at the end.
func TestTelemetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := new(xray)
		faults := 0
		upstream.answer = func(documents []string) (int, http.Header, string) {
			if slices.Contains(documents, "fault") && faults < 2 {
				faults++
				return 500, nil, ""
			}
			if slices.Contains(documents, "refused") {
				return 200, nil, `{"UnprocessedTraceSegments":[{"ErrorCode":"InvalidId","Id":"x","Message":"no"}]}`
			}
			return 200, nil, allTaken
		}
		r := relay(t, daemon.RelayOptions{
			Upstreams: []daemon.Upstream{{URL: "http://xray.test", Transport: upstream}},
			Sender:    api.Sender{Hostname: "h", EC2InstanceID: "i-1", ResourceARN: "arn"},
		})
		time.Sleep(150 * time.Second)
		if len(upstream.telemetry) != 0 {
			t.Errorf("%d records of nothing", len(upstream.telemetry))
		}
		r.Take(doc(1), doc(2))
		r.Take([]byte("refused"))
		time.Sleep(time.Second)
		r.Take([]byte("fault"))
		time.Sleep(time.Minute)
		r.Take(doc(3))
		r.stop()
		if len(upstream.telemetry) != 2 {
			t.Fatalf("%d requests", len(upstream.telemetry))
		}
		first, last := upstream.telemetry[0], upstream.telemetry[1]
		if first.Hostname != "h" || first.EC2InstanceID != "i-1" || first.ResourceARN != "arn" || len(first.TelemetryRecords) != 1 {
			t.Errorf("%+v", first)
		}
		is := first.TelemetryRecords[0]
		if *is.SegmentsReceivedCount != 4 || *is.SegmentsSentCount != 4 || *is.SegmentsRejectedCount != 1 || *is.SegmentsSpilloverCount != 0 ||
			*is.BackendConnectionErrors.HTTPCode5XXCount != 2 || *is.BackendConnectionErrors.HTTPCode4XXCount != 0 {
			text, _ := json.Marshal(is)
			t.Errorf("the first record is %s", text)
		}
		if is := last.TelemetryRecords[0]; *is.SegmentsReceivedCount != 1 || *is.SegmentsSentCount != 1 {
			text, _ := json.Marshal(is)
			t.Errorf("the last record is %s", text)
		}
	})
}

// TestModel: whatever an upstream answers, with whatever room there is, every
// document is counted once, and those that are sent were taken once.
func TestModel(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := ""
		if rapid.Bool().Draw(rt, "spool") {
			dir = filepath.Join(base, fmt.Sprint(n))
		}
		memory := rapid.SampledFrom([]int64{20_000, 200_000, 10 << 20}).Draw(rt, "memory")
		concurrency := rapid.SampledFrom([]int{1, 8}).Draw(rt, "concurrency")
		answers := rapid.SliceOfN(rapid.SampledFrom([]int{200, 200, 200, 400, 413, 429, 500, 503, 0}), 1, 30).Draw(rt, "answers")
		counts := rapid.SliceOfN(rapid.IntRange(0, 200), 1, 30).Draw(rt, "documents")
		synctest.Test(t, func(t *testing.T) {
			upstream := new(xray)
			calls := 0
			upstream.answer = func([]string) (int, http.Header, string) {
				calls++
				if calls > len(answers) {
					return 200, nil, allTaken
				}
				return answers[calls-1], nil, allTaken
			}
			r := relay(t, daemon.RelayOptions{
				Upstreams:   []daemon.Upstream{{URL: "http://xray.test", Transport: upstream, SpoolDir: dir, SpoolLimit: 1 << 20}},
				Concurrency: concurrency, Memory: memory,
			})
			received := 0
			for _, count := range counts {
				for range count {
					r.Take(doc(received))
					received++
				}
				time.Sleep(time.Second)
				synctest.Wait()
				r.balance(t, int64(received))
			}
			r.stop()
			r.balance(t, int64(received))
			s := r.Status()[0]
			seen := map[string]bool{}
			for _, d := range upstream.documents() {
				if seen[d] {
					t.Errorf("%s came twice", d)
				}
				seen[d] = true
			}
			if s.Sent != int64(len(seen)) || s.Waiting != 0 || dir == "" && s.Spooled > 0 {
				t.Errorf("%d came: %+v", len(seen), s)
			}
		})
	})
}

func TestRelayMetrics(t *testing.T) {
	r, err := daemon.NewRelay(daemon.RelayOptions{Upstreams: []daemon.Upstream{{URL: "http://a.test"}, {URL: "http://b.test"}}})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(r.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if len(families) != 12 {
		t.Errorf("%d metrics", len(families))
	}
}

// TestProxy: any method and path is passed on, signed anew, with the body and
// the headers that the client sent and the answer that the upstream gave.
func TestProxy(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		text, _ := io.ReadAll(r.Body)
		body = string(text)
		w.Header().Set("X-Amzn-Requestid", "42")
		w.WriteHeader(418)
		io.WriteString(w, "short and stout")
	}))
	log := new(testkit.Buffer)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	next := &http.Transport{DisableCompression: true}
	defer next.CloseIdleConnections()
	var credentials aws.CredentialsProvider = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}, nil
	})
	ask := func(method, path, text string) *http.Response {
		t.Helper()
		handler, err := daemon.NewProxy(daemon.Upstream{URL: server.URL, Transport: daemon.NewSigner(next, credentials, "eu-west-1", logger)}, logger)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(handler)
		defer proxy.Close()
		r, err := http.NewRequest(method, proxy.URL+path, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Authorization": "AWS4-HMAC-SHA256 of somebody else", "X-Amz-Security-Token": "stale", "X-Forwarded-For": "192.0.2.1",
			"Connection": "X-Hop", "X-Hop": "1", "X-Custom": "kept", "User-Agent": "sdk", "Accept-Encoding": "identity",
		} {
			r.Header.Set(name, value)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text2, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(text2))
		return resp
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	resp := ask("POST", "/GetSamplingRules?a=b", `{"NextToken": null}`)
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 418 || string(text) != "short and stout" || resp.Header.Get("X-Amzn-Requestid") != "42" {
		t.Errorf("answered %d %q %v", resp.StatusCode, text, resp.Header)
	}
	if got.Method != "POST" || got.URL.String() != "/GetSamplingRules?a=b" || body != `{"NextToken": null}` || got.Host != strings.TrimPrefix(server.URL, "http://") {
		t.Errorf("passed on %s %s %q to %s", got.Method, got.URL, body, got.Host)
	}
	authorization := got.Header.Get("Authorization")
	if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || !strings.Contains(authorization, "/eu-west-1/xray/aws4_request") {
		t.Errorf("signed as %s", authorization)
	}
	for name, want := range map[string]string{"X-Amz-Security-Token": "token", "X-Custom": "kept", "User-Agent": "sdk", "X-Forwarded-For": "", "X-Hop": "", "Connection": "", "Accept-Encoding": "identity", "Content-Type": ""} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if ask("GET", "/anything", ""); got.Method != "GET" || got.URL.Path != "/anything" || got.Header.Get("Authorization") == "" {
		t.Errorf("passed on %s %s", got.Method, got.URL)
	}
	if !strings.Contains(log.String(), "Received request on HTTP Proxy server : /anything") {
		t.Errorf("log %s", log)
	}

	credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none here") })
	if ask("POST", "/SamplingTargets", "{}"); got.Header.Get("Authorization") != "" || got.Header.Get("X-Amz-Security-Token") != "" || body != "{}" {
		t.Errorf("without credentials: %v", got.Header)
	}
	if !strings.Contains(log.String(), "Unable to retrieve credentials: none here") {
		t.Errorf("log %s", log)
	}

	server.Close()
	resp = ask("POST", "/GetSamplingRules", "{}")
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 502 || len(text) != 0 {
		t.Errorf("nobody there: %d %q", resp.StatusCode, text)
	}
}
