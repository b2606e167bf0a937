package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo"
)

// sent is one document that was sent, and whether the server said it has it.
type sent struct {
	trace, id, service string
	text               string
	acknowledged       bool
}

// ledger remembers everything that was sent.
type ledger struct {
	mu     sync.Mutex // guards what follows
	all    map[string]map[string]*sent
	traces []tomo.TraceID // in order of their first document
}

func (l *ledger) note(docs []*sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range docs {
		if l.all[d.trace] == nil {
			l.all[d.trace] = map[string]*sent{}
			id, _ := tomo.ParseTraceID(d.trace)
			l.traces = append(l.traces, id)
		}
		l.all[d.trace][d.id] = d
	}
}

func (l *ledger) acknowledge(docs []*sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range docs {
		d.acknowledged = true
	}
}

// some picks a trace for one more document: mostly a new one, at times one of
// the last hundred, at times any, which may have been settled long ago.
func (l *ledger) some(r *rand.Rand) tomo.TraceID {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.traces)
	switch dice := r.IntN(100); {
	case n == 0 || dice < 25:
		return tomo.NewTraceID(time.Now())
	case dice < 90:
		return l.traces[max(0, n-1-r.IntN(100))]
	default:
		return l.traces[r.IntN(n)]
	}
}

// services is how many nodes the traffic has; a trace has documents of several.
const services = 7

func (l *ledger) make(r *rand.Rand) *sent {
	d := &sent{trace: l.some(r).String(), id: tomo.NewSegmentID().String(), service: fmt.Sprintf("service-%d", r.IntN(services))}
	now := float64(time.Now().UnixMicro()) / 1e6
	noise := make([]byte, 20+r.IntN(300))
	for i := range noise {
		noise[i] = byte(' ' + 1 + r.IntN(90))
	}
	text, _ := json.Marshal(map[string]any{
		"trace_id": d.trace, "id": d.id, "name": d.service, "start_time": now - r.Float64(), "end_time": now,
		"annotations": map[string]any{"n": r.IntN(1000)},
		"metadata":    map[string]any{"default": map[string]any{"noise": string(noise)}},
		"subsegments": []any{map[string]any{"id": tomo.NewSegmentID().String(), "name": "step", "start_time": now - 0.25, "end_time": now - 0.125}},
	})
	d.text = string(text)
	return d
}

// TestKill kills the server at random moments under load, often in the middle
// of settling, and starts it again on the same data. Nothing that was
// acknowledged may be lost, changed or there twice, and nothing else may be
// there than what was sent: asked by id, by search, and by the service graph,
// whose counts would show a document that is stored twice.
func TestKill(t *testing.T) {
	cycles := 50
	if testing.Short() {
		cycles = 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	began := time.Now().Add(-time.Minute)
	l := &ledger{all: map[string]map[string]*sent{}}
	s := start(t, "--quiet", "20ms")
	var slowest time.Duration
	for cycle := range cycles {
		r := rand.New(rand.NewPCG(seed, uint64(cycle)))
		s.load(l, r, cycle, time.Duration(50+r.IntN(650))*time.Millisecond)
		slowest = max(slowest, s.start())
		sample := slices.Clone(l.traces[max(0, len(l.traces)-20):])
		for range 30 {
			sample = append(sample, l.traces[r.IntN(len(l.traces))])
		}
		s.verifyTraces(l, sample)
		if t.Failed() {
			t.Fatalf("in cycle %d", cycle)
		}
	}
	if settled := s.metric("tomo_block_traces"); settled < float64(len(l.traces))/2 {
		t.Errorf("only %v of %d traces were settled: the kills met nothing", settled, len(l.traces))
	}
	s.verifySearch(l, began, s.verifyTraces(l, l.traces))

	documents, acknowledged := 0, 0
	for _, trace := range l.all {
		for _, d := range trace {
			documents++
			if d.acknowledged {
				acknowledged++
			}
		}
	}
	t.Logf("%d cycles, %d traces, %d documents sent, %d acknowledged; slowest restart %v", cycles, len(l.traces), documents, acknowledged, slowest)
	if acknowledged < 100*cycles {
		t.Errorf("only %d documents were acknowledged: this was no load", acknowledged)
	}
	if limit := 2 * time.Second; slowest > limit {
		t.Errorf("a restart took %v, want at most %v", slowest, limit)
	}
}

// load sends documents by HTTP from four writers and by UDP from one, kills the
// server after d, and returns when all writers have seen it.
func (s *server) load(l *ledger, r *rand.Rand, cycle int, d time.Duration) {
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		own := rand.New(rand.NewPCG(r.Uint64(), uint64(cycle)))
		client := s.sdk(once)
		writers.Go(func() {
			pace := time.NewTicker(6 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				batch := make([]*sent, 1+own.IntN(8))
				texts := make([]string, len(batch))
				for i := range batch {
					batch[i] = l.make(own)
					texts[i] = batch[i].text
				}
				l.note(batch)
				out, err := client.PutTraceSegments(s.t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: texts})
				if err != nil {
					continue // whether it was stored is unknown
				}
				if len(out.UnprocessedTraceSegments) > 0 {
					s.t.Errorf("refused: %+v", out.UnprocessedTraceSegments[0])
				}
				l.acknowledge(batch)
			}
		})
	}
	own := rand.New(rand.NewPCG(r.Uint64(), uint64(cycle)))
	writers.Go(func() {
		conn, err := net.Dial("udp4", s.address)
		if err != nil {
			s.t.Error(err)
			return
		}
		defer conn.Close()
		pace := time.NewTicker(2 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			document := l.make(own)
			l.note([]*sent{document})
			conn.Write([]byte(`{"format":"json","version":1}` + "\n" + document.text))
		}
	})
	time.Sleep(d)
	s.kill()
	close(stop)
	writers.Wait()
}

// verifyTraces reads traces by id and compares every document with what was
// sent. It returns how many there are of each service.
func (s *server) verifyTraces(l *ledger, ids []tomo.TraceID) map[string]int64 {
	s.t.Helper()
	client := s.sdk()
	there := map[string]int64{}
	unique := slices.Clone(ids)
	slices.SortFunc(unique, func(a, b tomo.TraceID) int { return slices.Compare(a[:], b[:]) })
	for chunk := range slices.Chunk(slices.Compact(unique), 5) {
		asked := make([]string, len(chunk))
		for i := range chunk {
			asked[i] = chunk[i].String()
		}
		out, err := client.BatchGetTraces(s.t.Context(), &xray.BatchGetTracesInput{TraceIds: asked})
		if err != nil {
			s.t.Fatalf("BatchGetTraces: %v", err)
		}
		found := map[string]types.Trace{}
		for _, trace := range out.Traces {
			if _, twice := found[aws.ToString(trace.Id)]; twice {
				s.t.Errorf("trace %s is in the answer twice", aws.ToString(trace.Id))
			}
			found[aws.ToString(trace.Id)] = trace
		}
		for _, id := range asked {
			s.verifyTrace(l.all[id], found[id], there)
			delete(found, id)
		}
		for id := range found {
			s.t.Errorf("trace %s was not asked for", id)
		}
	}
	return there
}

func (s *server) verifyTrace(want map[string]*sent, got types.Trace, count map[string]int64) {
	there := map[string]bool{}
	for _, segment := range got.Segments {
		id := aws.ToString(segment.Id)
		d, known := want[id]
		if !known {
			s.t.Errorf("segment %s of trace %s was never sent", id, aws.ToString(got.Id))
			continue
		}
		if there[id] {
			s.t.Errorf("segment %s of trace %s is there twice", id, d.trace)
		}
		there[id] = true
		count[d.service]++
		if !sameJSON(s.t, aws.ToString(segment.Document), d.text) {
			s.t.Errorf("segment %s of trace %s was changed:\n got %s\nwant %s", id, d.trace, aws.ToString(segment.Document), d.text)
		}
	}
	for id, d := range want {
		if d.acknowledged && !there[id] {
			s.t.Errorf("segment %s of trace %s was acknowledged and is lost", id, d.trace)
		}
	}
}

// verifySearch reads all summaries and the service graph. A trace with an
// acknowledged document is listed exactly once, and each service counts
// exactly the documents that are there.
func (s *server) verifySearch(l *ledger, began time.Time, there map[string]int64) {
	s.t.Helper()
	client := s.sdk()
	until := time.Now().Add(time.Minute)
	listed := map[string]bool{}
	pages := xray.NewGetTraceSummariesPaginator(client, &xray.GetTraceSummariesInput{StartTime: &began, EndTime: &until})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("GetTraceSummaries: %v", err)
		}
		for _, summary := range page.TraceSummaries {
			id := aws.ToString(summary.Id)
			if listed[id] {
				s.t.Errorf("trace %s is listed twice", id)
			}
			listed[id] = true
			if l.all[id] == nil {
				s.t.Errorf("trace %s is listed and was never sent", id)
			}
		}
	}
	for id, trace := range l.all {
		for _, d := range trace {
			if d.acknowledged && !listed[id] {
				s.t.Errorf("trace %s has an acknowledged document and is not listed", id)
				break
			}
		}
	}
	out, err := client.GetServiceGraph(s.t.Context(), &xray.GetServiceGraphInput{StartTime: &began, EndTime: &until})
	if err != nil {
		s.t.Fatalf("GetServiceGraph: %v", err)
	}
	got := map[string]int64{}
	for _, n := range out.Services {
		if n.SummaryStatistics != nil && aws.ToString(n.Type) != "client" {
			got[aws.ToString(n.Name)] += aws.ToInt64(n.SummaryStatistics.TotalCount)
		}
	}
	if !maps.Equal(got, there) {
		s.t.Errorf("the service graph counts %v, the traces hold %v", got, there)
	}
}

// sameJSON compares two documents member by member; the order is free.
func sameJSON(t testing.TB, a, b string) bool {
	var left, right map[string]any
	if err := json.Unmarshal([]byte(a), &left); err != nil {
		t.Errorf("an answer is not JSON: %v", err)
		return false
	}
	if err := json.Unmarshal([]byte(b), &right); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(left, right)
}

// TestTerminate sends SIGTERM under load: the server takes no more, ends with
// status 0 within ten seconds, and has everything that it acknowledged or that
// had reached its socket.
func TestTerminate(t *testing.T) {
	s := start(t)
	l := &ledger{all: map[string]map[string]*sent{}}
	r := rand.New(rand.NewPCG(1, 2))
	datagrams := make([]string, 20)
	for i := range datagrams {
		trace := tomo.NewTraceID(time.Now())
		datagrams[i] = trace.String()
		s.send(document(trace, tomo.NewSegmentID(), "udp", ""))
	}
	var writers sync.WaitGroup
	ended := make(chan struct{})
	loaded := make(chan struct{}, 100)
	for range 4 {
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		client := s.sdk(once)
		writers.Go(func() {
			for {
				d := l.make(own)
				l.note([]*sent{d})
				_, err := client.PutTraceSegments(t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: []string{d.text}})
				if err == nil {
					l.acknowledge([]*sent{d})
				}
				select {
				case <-ended:
					return
				case loaded <- struct{}{}:
				default:
				}
			}
		})
	}
	within(t, 10*time.Second, "under load", func() error {
		if n := len(loaded); n < cap(loaded) {
			return fmt.Errorf("only %d requests", n)
		}
		return nil
	})
	began := time.Now()
	err := s.terminate()
	took := time.Since(began)
	close(ended)
	writers.Wait()
	if err != nil {
		t.Fatalf("after SIGTERM: %v", err)
	}
	if took > 10*time.Second {
		t.Errorf("it took %v to end, want at most 10 s", took)
	}
	s.start()
	s.verifyTraces(l, l.traces)
	if err := s.missing(datagrams); err != nil {
		t.Errorf("datagrams sent before SIGTERM: %v", err)
	}
}
