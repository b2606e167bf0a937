package daemon_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/daemon"
	"github.com/tomotrace/tomo/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open is a door that is open, and the sending end of a socket to it.
type open struct {
	*daemon.Door
	send *net.UDPConn
	// close ends Listen and waits for it.
	close func() error
}

func listen(t testing.TB, o daemon.Options) *open {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	daemon.Enlarge(conn) // tests send before Listen is there
	door := daemon.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- door.Listen(ctx, conn) }()
	send, err := net.DialUDP("udp4", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	var result error
	stop := func() error {
		once.Do(func() {
			cancel()
			result = <-ended
			conn.Close()
			send.Close()
		})
		return result
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
	return &open{door, send, stop}
}

func (o *open) write(t testing.TB, datagram string) {
	t.Helper()
	if _, err := o.send.Write([]byte(datagram)); err != nil {
		t.Fatalf("sending %d bytes: %v", len(datagram), err)
	}
}

// inbox is a write path that keeps what it is handed.
type inbox struct {
	mu      sync.Mutex // guards batches
	batches [][]string
}

func (i *inbox) Accept(_ context.Context, source string, docs [][]byte) ([]tomo.Refusal, error) {
	if source != "udp" {
		return nil, fmt.Errorf("source %q", source)
	}
	var texts []string
	for _, d := range docs {
		texts = append(texts, string(d))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.batches = append(i.batches, texts)
	return nil, nil
}

func (i *inbox) documents() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Concat(i.batches...)
}

// ledger keeps what was lost.
type ledger struct {
	mu  sync.Mutex // guards all
	all []tomo.Loss
}

func (l *ledger) add(loss tomo.Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, loss)
}

func (l *ledger) losses() []tomo.Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

const (
	header   = `{"format": "json", "version": 1}`
	document = `{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"defdfd9912dc5a56","start_time":1461096053.37518,"end_time":1461096053.4042,"name":"x"}`
)

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

// padded makes the datagram size bytes long.
func padded(size int) string {
	return header + "\n" + document + strings.Repeat(" ", size-len(header)-1-len(document))
}

// vectors are what X-Ray's daemon 3.6.6 was seen to do with datagrams: take the
// document, or drop it. An empty document means dropped.
var vectors = []struct {
	n                  int
	datagram, document string
}{
	{1, header + "\n" + document, document},
	{2, `{"format":"json","version":1}` + "\n" + document, document},
	{3, `{"version":1,"format":"json"}` + "\n" + document, document},
	{4, `{"format":"JSON","version":1}` + "\n" + document, document},
	{5, `{"Format":"json","VERSION":1}` + "\n" + document, document},
	{6, `{"format":"json","version":1,"x":[1,{"a":2}]}` + "\n" + document, document},
	{7, header + "\r\n" + document, document},
	{8, " \t" + header + " \n" + document, document},
	{9, "\n" + header + "\n" + document, ""},
	{10, "\xef\xbb\xbf" + header + "\n" + document, ""},
	{11, header + `\n` + document, ""},
	{12, header + document, ""},
	{13, header, ""},
	{14, header + "\n", ""},
	{15, header + "\n\n", "\n"},
	{16, document, ""},
	{17, document + "\n" + document, ""},
	{18, `{"format":"json","version":2}` + "\n" + document, ""},
	{19, `{"format":"json","version":"1"}` + "\n" + document, ""},
	{20, `{"format":"json","version":1.0}` + "\n" + document, ""},
	{21, `{"format":"json","version":1e0}` + "\n" + document, ""},
	{22, `{"format":"json","version":true}` + "\n" + document, ""},
	{23, `{"format":"xml","version":1}` + "\n" + document, ""},
	{24, `{"format":"json"}` + "\n" + document, ""},
	{25, `{"version":1}` + "\n" + document, ""},
	{26, `format=json;version=1` + "\n" + document, ""},
	{27, `[{"format":"json","version":1}]` + "\n" + document, ""},
	{28, header + "x\n" + document, ""},
	{29, `{"format":"json","version":1,}` + "\n" + document, ""},
	{30, `{"format":"xml","format":"json","version":2,"version":1}` + "\n" + document, document},
	{31, `{"format":"json","version":1,"format":5}` + "\n" + document, document},
	{33, "\n", ""},
	{34, header + "\nnot json at all", "not json at all"},
	{35, header + "\n[" + document + "," + document + "]", "[" + document + "," + document + "]"},
	{36, header + "\n" + document + "\n" + document, document + "\n" + document},
	{37, header + "\n" + document + "\n" + header + "\n" + document, document + "\n" + header + "\n" + document},
	{38, header + "\n" + "{\"id\":\"\xff\xfe\",\"name\":\"a\"}", `{"id":"` + "\ufffd\ufffd" + `","name":"a"}`},
	{39, header + "\n" + `{"id":"1"}` + "\x00", `{"id":"1"}` + "\x00"},
	{40, header + "\n" + document + "\n", document + "\n"},
	{41, header + "\n" + strings.ReplaceAll(document, ",", ",\n  "), strings.ReplaceAll(document, ",", ",\n  ")},
	{42, header + "\n{}", "{}"},
	{43, header + "\nnull", "null"},
	{44, header + "\n" + gzipped(document), string([]rune(gzipped(document)))},
	{45, padded(65507), padded(65507)[len(header)+1:]},
	{46, `{"form\u0061t":"json","version":1}` + "\n" + document, document},
	{47, `{"format":"json","version":01}` + "\n" + document, ""},
	{48, `{"format":"json","version":99999999999999999999}` + "\n" + document, ""},
	{49, header + "\t" + document, ""},
	{50, header + "\r" + document, ""},
	{51, `{"format":"jſon","version":1}` + "\n" + document, document},
	{52, `{"format":"json",` + "\n" + `"version":1}` + "\n" + document, ""},
}

// TestVectors sends all of them through one door, one after the other.
func TestVectors(t *testing.T) {
	var in inbox
	var lost ledger
	door := listen(t, daemon.Options{Accept: in.Accept, Lost: lost.add, Workers: 1})
	for _, v := range vectors {
		taken, rejected := len(in.documents()), len(lost.losses())
		door.write(t, v.datagram)
		testkit.Until(t, fmt.Sprintf("vector %d is dealt with", v.n), func() bool {
			return len(in.documents())+len(lost.losses()) > taken+rejected
		})
		got := in.documents()[taken:]
		switch {
		case v.document == "" && len(got) > 0:
			t.Errorf("vector %d: took %q, want it dropped", v.n, got)
		case v.document != "" && (len(got) != 1 || got[0] != v.document):
			t.Errorf("vector %d: took %q, want %q; lost %+v", v.n, got, v.document, lost.losses()[rejected:])
		}
	}
	for _, l := range lost.losses() {
		if l.Source != "udp" || l.Reason != tomo.LossDropped || l.Count != 1 || l.Code != daemon.InvalidHeader && l.Code != daemon.MissingSegment || l.Detail == "" || l.Time == 0 {
			t.Errorf("lost %+v", l)
		}
	}
	c := door.Counters()
	if got, want := c.Received.Load(), int64(len(vectors)); got != want {
		t.Errorf("%d received, want %d", got, want)
	}
	if got, want := c.Rejected.Load()+c.Documents.Load(), int64(len(vectors)); got != want {
		t.Errorf("%d rejected and taken, want %d", got, want)
	}
	if c.Dropped.Load() != 0 {
		t.Errorf("%d dropped", c.Dropped.Load())
	}
}

// TestEmptyDatagram is vector 32: silence, not even a count.
func TestEmptyDatagram(t *testing.T) {
	var in inbox
	var lost ledger
	door := listen(t, daemon.Options{Accept: in.Accept, Lost: lost.add})
	door.write(t, "")
	door.write(t, header+"\nx")
	testkit.Until(t, "the datagram behind the empty one is taken", func() bool { return len(in.documents()) == 1 })
	if n := door.Counters().Received.Load(); n != 1 || len(lost.losses()) != 0 {
		t.Errorf("%d received, lost %v", n, lost.losses())
	}
}

// TestTooLongDatagram is vector 53: it never leaves the sender.
func TestTooLongDatagram(t *testing.T) {
	door := listen(t, daemon.Options{Accept: new(inbox).Accept})
	if _, err := door.send.Write([]byte(padded(65508))); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("sending 65,508 bytes: %v", err)
	}
}

// TestFull is vector 54: what there is no room for is dropped and counted, and
// what was taken before is not.
func TestFull(t *testing.T) {
	var in inbox
	var lost ledger
	blocked := make(chan struct{})
	door := listen(t, daemon.Options{
		Lost: lost.add, Queue: 3000, Batch: 1, Workers: 1,
		Accept: func(ctx context.Context, source string, docs [][]byte) ([]tomo.Refusal, error) {
			<-blocked
			return in.Accept(ctx, source, docs)
		},
	})
	const sent, size, fit = 10, 900, 3
	for i := range sent {
		door.write(t, fmt.Sprintf("%s\n%d%s", header, i, strings.Repeat(".", size-1)))
	}
	testkit.Until(t, "the rest is dropped", func() bool { return door.Counters().Dropped.Load() == sent-fit })
	close(blocked)
	testkit.Until(t, "the first are stored", func() bool { return len(in.documents()) == fit })
	for i, d := range in.documents() {
		if !strings.HasPrefix(d, fmt.Sprint(i)) {
			t.Errorf("document %d is %.2s", i, d)
		}
	}
	for _, l := range lost.losses() {
		if l.Code != daemon.QueueFull || l.Reason != tomo.LossDropped || l.Count != 1 {
			t.Errorf("lost %+v", l)
		}
	}
	door.write(t, header+"\nagain")
	testkit.Until(t, "there is room again", func() bool { return slices.Contains(in.documents(), "again") })
}

func TestBatches(t *testing.T) {
	var in inbox
	door := listen(t, daemon.Options{Accept: in.Accept, Workers: 1})
	const sent = 1000
	var want []string
	for i := range sent {
		want = append(want, fmt.Sprintf("%d %s", i, strings.Repeat("x", i)))
		door.write(t, header+"\n"+want[i])
	}
	testkit.Until(t, "all are handed over", func() bool { return len(in.documents()) == sent })
	if !slices.Equal(in.documents(), want) {
		t.Error("the documents are not what was sent")
	}
	for _, b := range in.batches {
		if len(b) > 64 {
			t.Errorf("a batch of %d", len(b))
		}
	}
	if n := len(in.batches); n > sent/4 {
		t.Errorf("%d batches of %d documents", n, sent)
	}
}

// TestLoneDocument: nothing has to follow a document for it to be stored.
func TestLoneDocument(t *testing.T) {
	var in inbox
	door := listen(t, daemon.Options{Accept: in.Accept})
	for i := range 3 {
		door.write(t, header+"\nx")
		testkit.Until(t, "it is stored", func() bool { return len(in.documents()) == i+1 })
	}
}

// TestStoreAway: documents wait while the store takes none.
func TestStoreAway(t *testing.T) {
	for _, code := range []tomo.Code{tomo.Unavailable, tomo.Throttled} {
		var in inbox
		var lost ledger
		var tries atomic.Int32
		door := listen(t, daemon.Options{
			Lost: lost.add,
			Accept: func(ctx context.Context, source string, docs [][]byte) ([]tomo.Refusal, error) {
				if tries.Add(1) <= 2 {
					return nil, fmt.Errorf("storing: %w", &tomo.Error{Code: code, Message: "the disk is full"})
				}
				return in.Accept(ctx, source, docs)
			},
		})
		door.write(t, header+"\nx")
		testkit.Until(t, "it is stored at the third try", func() bool { return len(in.documents()) == 1 })
		if len(lost.losses()) != 0 || door.Counters().Documents.Load() != 1 {
			t.Errorf("%s: lost %v", code, lost.losses())
		}
	}
}

// TestNotStored: an error that will not go away loses the documents, and says so.
func TestNotStored(t *testing.T) {
	var lost ledger
	door := listen(t, daemon.Options{
		Lost: lost.add, Batch: 2,
		Accept: func(context.Context, string, [][]byte) ([]tomo.Refusal, error) { return nil, errors.New("broken") },
	})
	door.write(t, header+"\nx")
	door.write(t, header+"\ny")
	testkit.Until(t, "they are lost", func() bool { return door.Counters().Dropped.Load() == 2 })
	if l := lost.losses(); len(l) != 1 || l[0].Code != daemon.NotStored || l[0].Count != 2 || l[0].Detail != "broken" {
		t.Errorf("lost %+v", l)
	}
}

// TestStop: what the kernel holds when the door is told to close is stored.
func TestStop(t *testing.T) {
	var in inbox
	started := make(chan struct{})
	hold := make(chan struct{})
	var once sync.Once
	door := listen(t, daemon.Options{
		Accept: func(ctx context.Context, source string, docs [][]byte) ([]tomo.Refusal, error) {
			once.Do(func() { close(started); <-hold })
			return in.Accept(ctx, source, docs)
		},
	})
	door.write(t, header+"\nfirst")
	<-started
	const sent = 500
	for i := range sent {
		door.write(t, fmt.Sprintf("%s\n%d", header, i))
	}
	time.AfterFunc(10*time.Millisecond, func() { close(hold) }) // in the middle of the drain, as it comes
	if err := door.close(); err != nil {
		t.Fatal(err)
	}
	if got := len(in.documents()); got != sent+1 {
		t.Errorf("%d of %d documents are stored", got, sent+1)
	}
}

// TestClosed: a socket that somebody closes is an error, and what was read is
// stored all the same.
func TestClosed(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	door := daemon.New(daemon.Options{Accept: new(inbox).Accept})
	if err := door.Listen(context.Background(), conn); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Listen on a closed socket: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	door := daemon.New(daemon.Options{Accept: new(inbox).Accept})
	door.Counters().Received.Store(7)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(door.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue()
	}
	if values["tomo_udp_datagrams_total"] != 7 || len(values) != 7 {
		t.Errorf("metrics are %v", values)
	}
}

// FuzzDatagram: no datagram ends the door, and whatever is taken is the text
// behind the first line feed.
func FuzzDatagram(f *testing.F) {
	var in inbox
	var lost ledger
	door := listen(f, daemon.Options{Accept: in.Accept, Lost: lost.add, Workers: 1, Batch: 1})
	for _, v := range vectors {
		if len(v.datagram) < 1000 {
			f.Add(v.datagram)
		}
	}
	f.Fuzz(func(t *testing.T, datagram string) {
		if len(datagram) == 0 || len(datagram) > 60000 {
			return
		}
		taken, rejected := len(in.documents()), len(lost.losses())
		door.write(t, datagram)
		testkit.Until(t, "it is dealt with", func() bool { return len(in.documents())+len(lost.losses()) > taken+rejected })
		if got := in.documents()[taken:]; len(got) == 1 {
			_, want, _ := strings.Cut(datagram, "\n")
			if got[0] != string([]rune(want)) {
				t.Errorf("%q: took %q", datagram, got[0])
			}
		}
	})
}

// BenchmarkReceive is the cost of a document of 1.5 kB up to the write path.
func BenchmarkReceive(b *testing.B) {
	var taken atomic.Int64
	door := listen(b, daemon.Options{Accept: func(_ context.Context, _ string, docs [][]byte) ([]tomo.Refusal, error) {
		taken.Add(int64(len(docs)))
		return nil, nil
	}})
	datagram := []byte(header + "\n" + document + strings.Repeat(" ", 1500-len(document)))
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for taken.Load() < int64(i)-1000 { // stay ahead of the reader, but not by more than the socket holds
			time.Sleep(50 * time.Microsecond)
		}
		if _, err := door.send.Write(datagram); err != nil {
			b.Fatal(err)
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N), "cpu-ns/op")
}
