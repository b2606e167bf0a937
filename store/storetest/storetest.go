// Package storetest is the contract of a store: one suite for every backend,
// without skips. A backend's test calls [Run].
//
// The heart of it is a comparison: random writes, settle rounds, tidying and
// restarts on the store, and the same documents in a plain map, summarised by
// derive whenever somebody asks. Every answer must be equal. What does not follow
// from the documents, groups and what was dropped, is kept beside the map.
package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/settings"
)

// Store is everything that is asked of a backend.
type Store interface {
	ingest.Store
	query.Store
	settings.Store
	Close() error
}

// Options are what a backend is opened with.
type Options struct {
	// Derive makes the summaries of open traces.
	Derive func(tomo.TraceID, []tomo.RawDocument) *tomo.Summary
	// Revision grows when Derive may answer otherwise.
	Revision          func() int64
	Retention         time.Duration
	MaxTraceDocuments int
	MaxTraceBytes     int64
	Modifiable        time.Duration
	Now               func() time.Time
	Lost              func(tomo.Loss)
}

// Backend opens the store in dir, which may hold what an earlier one left.
type Backend func(t testing.TB, dir string, o Options) Store

// Run holds a backend against the contract.
func Run(t *testing.T, open Backend) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Backend)
	}{
		{"ReadsSeeWrites", readsSeeWrites},
		{"LateDocuments", lateDocuments},
		{"DocumentsSentAgain", sentAgain},
		{"FullTrace", fullTrace},
		{"HeavyTrace", heavyTrace},
		{"ClosedTrace", closedTrace},
		{"LargeTrace", largeTrace},
		{"Windows", windows},
		{"Series", series},
		{"Pages", pages},
		{"Retention", retention},
		{"Limits", limits},
		{"Groups", groups},
		{"Dropped", dropped},
		{"ManyDropped", manyDropped},
		{"Settings", keepsSettings},
		{"LikeAMap", likeAMap},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

// at is where the tests' clock begins.
var at = tomo.TimeOf(time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC))

// world is a store under test and what it should hold.
type world struct {
	failing
	tb    testing.TB
	open  Backend
	dir   string
	o     Options
	store Store
	now   tomo.Time
	model map[tomo.TraceID][]tomo.RawDocument
	lost  map[tomo.LossReason]int

	why      string                         // what was refused last was
	limits   tomo.Limits                    // of the moment
	groups   []group                        // of the moment
	revision int64                          // of the groups
	drop     func(*tomo.Summary) bool       // a trace that settles for the first time; nil: none
	settled  map[tomo.TraceID]*tomo.Summary // as they settled last
	dropped  []tomo.Settled
	scans    int // how many were made
}

// failing is what a testing.TB and a rapid.T have in common.
type failing interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func newWorld(t testing.TB, dir string, open Backend, o Options) *world {
	w := &world{failing: t, tb: t, open: open, dir: dir, o: o, now: at, model: map[tomo.TraceID][]tomo.RawDocument{},
		lost: map[tomo.LossReason]int{}, settled: map[tomo.TraceID]*tomo.Summary{}}
	w.o.Derive = w.derive
	w.o.Revision = func() int64 { return w.revision }
	w.o.Now = func() time.Time { return w.now.Std() }
	w.o.Lost = func(l tomo.Loss) { w.lost[l.Reason] += l.Count }
	w.store = open(t, dir, w.o)
	return w
}

func (w *world) close() {
	if err := w.store.Close(); err != nil {
		w.Errorf("closing: %v", err)
	}
}

func (w *world) restart() {
	w.Helper()
	w.close()
	w.store = w.open(w.tb, w.dir, w.o)
}

// put stores documents that are received now.
func (w *world) put(texts ...string) (over []int) {
	w.Helper()
	var docs []tomo.Incoming
	for _, text := range texts {
		raw := tomo.RawDocument{Text: []byte(text), Received: w.now}
		var d tomo.Document
		if refusal := d.Parse(raw); refusal != nil {
			w.Fatalf("%s: %v", text, refusal)
		}
		in, _ := d.Incoming(nil)
		docs = append(docs, in)
	}
	refused, err := w.store.PutSegments(context.Background(), docs)
	if err != nil {
		w.Fatalf("storing: %v", err)
	}
	for _, o := range refused {
		over, w.why = append(over, o.Index), o.Why
	}
	stored := map[tomo.TraceID][]tomo.RawDocument{}
	for i, d := range docs {
		if !slices.Contains(over, i) {
			stored[d.TraceID] = append(stored[d.TraceID], d.RawDocument)
		}
	}
	for id, docs := range stored {
		w.model[id] = tomo.MergeDocuments(w.model[id], docs)
	}
	return over
}

// settle settles every open trace.
func (w *world) settle() {
	w.Helper()
	w.round(tomo.SettlePolicy{Round: 1 << 40})
}

func (w *world) round(p tomo.SettlePolicy) {
	w.Helper()
	due, err := w.store.Due(context.Background(), p)
	if err != nil {
		w.Fatalf("asking what is due: %v", err)
	}
	var rows []tomo.Settled
	for _, d := range due {
		if before := w.settled[d.ID]; (before == nil) != (d.Before == nil) {
			w.Fatalf("%v settled before as %v, which is told as %v", d.ID, before, d.Before)
		} else if before != nil {
			w.equal(fmt.Sprintf("what %v settled as before", d.ID), before, d.Before)
		}
		s := w.derive(d.ID, d.Documents)
		s.LimitExceeded = d.LimitExceeded
		if d.Before != nil {
			s.Groups = union(s.Groups, d.Before.Groups)
		}
		if d.Summary != nil && d.Revision == w.revision {
			w.equal(fmt.Sprintf("what was derived of %v before it settled", d.ID), s, d.Summary)
		}
		rows = append(rows, tomo.Settled{Summary: s, Documents: d.Documents, Dropped: w.drop != nil && w.drop(s)})
	}
	if err := w.store.Settle(context.Background(), slices.Clone(rows)); err != nil {
		w.Fatalf("settling: %v", err)
	}
	for _, row := range rows {
		id := row.Summary.ID
		if row.Dropped && w.settled[id] == nil { // what was kept once stays
			w.dropped = append(w.dropped, row)
			delete(w.model, id)
			continue
		}
		w.settled[id] = row.Summary
	}
}

func (w *world) summaries(window tomo.Window, after tomo.Position, limit int) (list []*tomo.Summary) {
	w.Helper()
	for s, err := range w.store.Summaries(context.Background(), window, filter.Plan{}, after) {
		if err != nil {
			w.Fatalf("reading summaries: %v", err)
		}
		if list = append(list, s); len(list) == limit {
			break
		}
	}
	return list
}

// series merges what the store gives of each minute.
func (w *world) series(r tomo.TimeRange, group string) map[tomo.Time]*tomo.ServiceGraph {
	w.Helper()
	all := map[tomo.Time]*tomo.ServiceGraph{}
	err := w.store.Series(context.Background(), r, group, func(minute tomo.Time, part *tomo.ServiceGraph) {
		if len(part.Services) == 0 {
			w.Errorf("series of %v: a part of %v without services", r, minute.Std())
		}
		if all[minute] == nil {
			all[minute] = &tomo.ServiceGraph{}
		}
		all[minute].Merge(part)
	})
	if err != nil {
		w.Fatalf("series of %v: %v", r, err)
	}
	for _, g := range all {
		g.Sort()
	}
	return all
}

func (w *world) expected(window tomo.Window) (list []*tomo.Summary) {
	for id := range w.model {
		if s := w.summary(id); s.Matches(window) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *tomo.Summary) int {
		if a.Position().Before(b.Position()) {
			return -1
		}
		return 1
	})
	return list
}

// check asks everything and holds it against the model.
func (w *world) check(windows ...tomo.Window) {
	w.Helper()
	for _, window := range append(windows, tomo.Window{TimeRange: tomo.Always}) {
		want := w.expected(window)
		w.equal(fmt.Sprintf("summaries of %v", window), want, w.summaries(window, tomo.Top, 0))
		if n, err := w.store.Count(context.Background(), window, filter.Plan{}); err != nil || n != int64(len(want)) {
			w.Fatalf("count of %v: %d, %v; want %d", window, n, err, len(want))
		}
		w.checkScan(window, want)
		w.checkTraffic(window.TimeRange)
	}
	w.checkPlans()
	w.checkMany()
	for id, docs := range w.model {
		got, err := w.store.Documents(context.Background(), id)
		if err != nil {
			w.Fatalf("documents of %v: %v", id, err)
		}
		w.equal(fmt.Sprintf("documents of %v", id), texts(docs), texts(got.Documents))
	}
}

// equal compares. Finding the difference of large things takes long, so it is
// looked for only where there is one.
func (w *world) equal(what string, want, got any) {
	w.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	if diff := cmp.Diff(want, got, same...); diff != "" {
		w.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// same compares what is derived: an empty list is no list.
var same = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(tomo.ServiceGraph{}),
	cmp.Comparer(func(a, b tomo.Histogram) bool { return slices.Equal(a.Bins(), b.Bins()) })}

func texts(docs []tomo.RawDocument) (list []string) {
	for _, d := range docs {
		list = append(list, fmt.Sprintf("%d %s", d.Received, d.Text))
	}
	slices.Sort(list)
	return list
}

// traceID is the id of the nth example trace, segmentID that of its kth segment.
func traceID(n int) tomo.TraceID {
	id, err := tomo.ParseTraceID(fmt.Sprintf("1-695b8ba0-%024x", n))
	if err != nil {
		panic(err)
	}
	return id
}

func segmentID(n, k int) string { return fmt.Sprintf("%08x%08x", n, k) }

// segment writes a segment of the nth trace; members are added as they are.
func segment(n, k int, name string, start, end tomo.Time, members ...string) string {
	all := append([]string{
		fmt.Sprintf(`"trace_id":"%v","id":"%s","name":"%s","start_time":%s`, traceID(n), segmentID(n, k), name, seconds(start))}, members...)
	if end == 0 {
		all = append(all, `"in_progress":true`)
	} else {
		all = append(all, `"end_time":`+seconds(end))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func seconds(t tomo.Time) string { return fmt.Sprintf("%d.%06d", t/1e6, t%1e6) }

// call writes a remote subsegment.
func call(n, k int, name string, start, end tomo.Time) string {
	return fmt.Sprintf(`"subsegments":[{"id":"%s","name":"%s","namespace":"remote","start_time":%s,"end_time":%s,"http":{"response":{"status":503}}}]`,
		segmentID(n, k), name, seconds(start), seconds(end))
}

const ms = tomo.Time(1000)

func readsSeeWrites(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	w.check()
	w.put(segment(1, 1, "front", at, at+900*ms, `"annotations":{"tier":"gold"}`, call(1, 2, "bank", at+100*ms, at+300*ms)),
		segment(2, 1, "front", at+ms, at+5*ms, `"user":"u"`))
	w.check()
	w.restart()
	w.check()
	w.settle()
	w.check()
	w.restart()
	w.check()
	unknown, err := w.store.Documents(context.Background(), traceID(99))
	if err != nil || len(unknown.Documents) != 0 {
		t.Errorf("documents of an unknown trace: %v, %v", unknown, err)
	}
}

func lateDocuments(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	w.put(segment(1, 1, "front", at, at+900*ms, call(1, 2, "bank", at+100*ms, at+300*ms)), segment(2, 1, "other", at, at+ms))
	w.settle()
	w.now += 3 * tomo.Minute
	w.put(segment(1, 3, "bank.internal", at+120*ms, at+280*ms, `"parent_id":"`+segmentID(1, 2)+`"`))
	w.check() // reopened
	w.restart()
	w.check()
	w.settle()
	w.check(tomo.Window{TimeRange: tomo.TimeRange{Start: at, End: at + 2*tomo.Minute}})
	w.restart()
	w.check()
	if err := w.store.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.check()
}

func sentAgain(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	first := tomo.Window{TimeRange: tomo.TimeRange{Start: at, End: at + tomo.Minute}, By: tomo.ByEvent}
	again := tomo.Window{TimeRange: tomo.TimeRange{Start: at + tomo.Minute, End: at + 3*tomo.Minute}, By: tomo.ByEvent}
	text := segment(1, 1, "front", at, at+900*ms)
	other := segment(2, 1, "front", at, at+900*ms)
	w.put(text, text, other)
	w.settle()
	w.now += tomo.Minute
	w.put(text, segment(3, 1, "front", at, at+900*ms))
	w.check(first, again) // what was received before changes nothing
	w.now += tomo.Minute
	w.put(segment(3, 1, "front", at, at+900*ms))
	w.check(first, again)
	w.settle()
	w.check(first, again)
	if w.lost[tomo.LossSuperseded] != 3 {
		t.Errorf("%d documents counted as superseded, want 3", w.lost[tomo.LossSuperseded])
	}
}

func fullTrace(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{MaxTraceDocuments: 3})
	defer func() { w.close() }()
	doc := func(k int) string { return segment(1, k, "front", at+tomo.Time(k), at+900*ms) }
	if over := w.put(doc(1), doc(2)); len(over) != 0 {
		t.Fatalf("refused %v of a trace with room", over)
	}
	w.settle()
	exceeded := func(want bool) {
		t.Helper()
		docs, err := w.store.Documents(context.Background(), traceID(1))
		if err != nil || docs.LimitExceeded != want {
			t.Errorf("documents: limit exceeded is %v, %v; want %v", docs.LimitExceeded, err, want)
		}
		if s := w.summaries(tomo.Window{TimeRange: tomo.Always}, tomo.Top, 0)[0]; s.LimitExceeded != want {
			t.Errorf("summary: limit exceeded is %v, want %v", s.LimitExceeded, want)
		}
	}
	if over := w.put(doc(3), doc(4), segment(2, 1, "other", at, at+ms)); !slices.Equal(over, []int{1}) {
		t.Fatalf("refused %v, want the second", over)
	}
	exceeded(true)
	w.restart()
	exceeded(true)
	w.settle()
	exceeded(true)
	w.restart()
	exceeded(true)
	if over := w.put(doc(5)); !slices.Equal(over, []int{0}) {
		t.Fatalf("refused %v of a full settled trace, want the first", over)
	}
	exceeded(true)
	w.settle()
	exceeded(true)
}

// heavyTrace: what a trace holds bounds what it takes, wherever that is and also
// after a restart.
func heavyTrace(t *testing.T, open Backend) {
	doc := func(k int) string { return segment(1, k, "front", at+tomo.Time(k), at+900*ms) }
	w := newWorld(t, t.TempDir(), open, Options{MaxTraceBytes: int64(len(doc(1)) * 4)})
	defer func() { w.close() }()
	for k := range 4 {
		if over := w.put(doc(k + 1)); len(over) != 0 {
			t.Fatalf("document %d was refused: %s", k+1, w.why)
		}
		if k%2 == 0 {
			w.settle()
		} else {
			w.restart()
		}
	}
	for _, then := range []func(){w.settle, w.restart, func() {}} {
		if over := w.put(doc(5), segment(2, 1, "other", at, at+ms)); !slices.Equal(over, []int{0}) || !strings.Contains(w.why, "the limit is") {
			t.Fatalf("refused %v (%s), want the first", over, w.why)
		}
		if docs, err := w.store.Documents(context.Background(), traceID(1)); err != nil || !docs.LimitExceeded || len(docs.Documents) != 4 {
			t.Errorf("limit exceeded is %v of %d documents, %v", docs.LimitExceeded, len(docs.Documents), err)
		}
		then()
	}
	w.o.MaxTraceBytes *= 2
	w.restart()
	if over := w.put(doc(5)); len(over) != 0 {
		t.Errorf("refused although the limit was raised: %s", w.why)
	}
}

// closedTrace: so long after its first document a trace stays as it is. It is not
// told to be too large.
func closedTrace(t *testing.T, open Backend) {
	const day = 24 * 60 * tomo.Minute
	doc := func(k int) string { return segment(1, k, "front", at+tomo.Time(k), at+900*ms) }
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	w.put(doc(1))
	w.settle()
	w.now += 6 * day
	if over := w.put(doc(2)); len(over) != 0 {
		t.Fatalf("refused after six days: %s", w.why)
	}
	w.settle()
	w.restart()
	w.now += day // after the first document, not after the latest
	if over := w.put(doc(3)); len(over) != 0 {
		t.Fatalf("refused after seven days to the moment: %s", w.why)
	}
	w.settle()
	w.now++
	for range 2 {
		if over := w.put(doc(4), segment(2, 1, "other", at, at+ms), doc(5)); !slices.Equal(over, []int{0, 2}) || !strings.Contains(w.why, "it can be changed for 168h0m0s") {
			t.Fatalf("refused %v (%s), want the first and the last", over, w.why)
		}
		w.check()
		if s := w.summaries(tomo.Window{TimeRange: tomo.Always}, tomo.Top, 0); s[0].LimitExceeded || s[1].LimitExceeded {
			t.Error("a closed trace is told to be too large")
		}
		w.settle()
		w.restart()
	}
	w.o.Modifiable = 30 * 24 * time.Hour
	w.restart()
	if over := w.put(doc(4)); len(over) != 0 {
		t.Errorf("refused although there is more time: %s", w.why)
	}
	w.check()
}

// limits: a trace keeps the annotations that were indexed when it settled, in
// whatever block it is, until something new comes for it.
func limits(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	doc := func(n, k int) string {
		var members []string
		for i := range 80 {
			members = append(members, fmt.Sprintf(`"k%d":%d`, i, k))
		}
		return segment(n, k, "front", at+tomo.Time(n), at+900*ms, `"annotations":{`+strings.Join(members, ",")+`}`)
	}
	indexed := func(want ...int) {
		t.Helper()
		w.check()
		var got []int
		for _, s := range w.summaries(tomo.Window{TimeRange: tomo.Always}, tomo.Top, 0) {
			got = append(got, len(s.Annotations))
		}
		if !slices.Equal(got, want) { // newest first
			t.Errorf("%v annotations indexed, want %v", got, want)
		}
	}
	w.put(doc(1, 1))
	indexed(50)
	w.settle()
	for _, limit := range []int{70, 3} {
		w.limits.Annotations = limit
		w.restart()
		n := len(w.model) + 1
		w.put(doc(n, 1))
		w.settle()
		w.put(doc(n+1, 1))
	}
	indexed(3, 3, 3, 70, 50) // the third was open when the limit changed
	w.put(doc(1, 1))
	indexed(3, 3, 3, 70, 50) // there is nothing new in it
	if err := w.store.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	indexed(3, 3, 3, 70, 50)
	w.settle()
	w.restart()
	w.put(doc(1, 2))
	indexed(3, 3, 3, 70, 3)
	w.limits.Annotations = 1000
	w.restart()
	indexed(3, 3, 3, 70, 160)
	w.settle()
	indexed(3, 3, 3, 70, 160)
}

func largeTrace(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	for k := 0; k < 10_000; k += 500 {
		var docs []string
		for i := range 500 {
			parent := `"origin":"AWS::ECS::Container"`
			if k+i > 0 {
				parent = `"parent_id":"` + segmentID(1, (k+i-1)/8+1) + `"`
			}
			docs = append(docs, segment(1, k+i+1, fmt.Sprint("service-", (k+i)%50), at+tomo.Time(k+i)*ms, at+tomo.Time(k+i+9)*ms, parent))
		}
		w.put(docs...)
	}
	w.check()
	w.settle()
	w.check()
}

func windows(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	// Traces that end before some windows and behind them, and one of them inside.
	w.put(segment(50, 1, "front", at, at+10e6), segment(50, 2, "cart", at, at+390e6))
	w.put(segment(51, 1, "front", at, at+10e6), segment(51, 2, "cart", at, at+150e6), segment(51, 3, "cart", at, at+390e6))
	for i := range 40 {
		n := tomo.Time(i)
		w.put(segment(i, 1, "front", at+n*10e6, at+n*10e6+15e6, call(i, 2, "bank", at+n*10e6, at+n*10e6+ms)))
		w.now += 20e6
		if i%10 == 9 {
			w.settle()
		}
	}
	var all []tomo.Window
	for _, by := range []tomo.RangeType{tomo.ByTraceID, tomo.ByEvent, tomo.ByService} {
		for _, r := range []tomo.TimeRange{
			{Start: at, End: at}, {Start: at, End: at + 1}, {Start: at + 100e6, End: at + 200e6}, {Start: at + 105e6, End: at + 390e6},
			{Start: at - 3600e6, End: at}, {Start: at + 90*tomo.Minute, End: at + 91*tomo.Minute}, {Start: at + 30e6, End: at + 95e6},
		} {
			all = append(all, tomo.Window{TimeRange: r, By: by})
		}
	}
	w.check(all...)
	w.settle()
	w.check(all...)
	if err := w.store.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.check(all...)
}

// series: minutes come whole, however little of them was asked for.
func series(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	at := at.StartOfMinute()
	put := func(n, k int, received tomo.Time, members ...string) {
		t.Helper()
		w.now = received
		w.put(segment(n, k, "front", at, at+ms, append(members, call(n, 100+k, "bank", at, at+ms))...))
	}
	put(1, 1, at)
	put(2, 1, at+tomo.Minute-1)
	w.settle()
	put(3, 1, at+tomo.Minute)
	put(4, 1, at+3*tomo.Minute)
	put(2, 2, at+3*tomo.Minute+1, `"parent_id":"`+segmentID(2, 101)+`"`) // hides the row in which it was settled
	minutes := func(r tomo.TimeRange) (list []int64) {
		t.Helper()
		for m := range w.series(r, "") {
			list = append(list, int64(m-at)/int64(tomo.Minute))
		}
		slices.Sort(list)
		return list
	}
	for _, settled := range []bool{false, true} {
		if settled {
			w.settle()
		}
		for _, tt := range []struct {
			start, end tomo.Time
			want       []int64
		}{
			{0, 0, nil}, {1, 1, nil}, {-1, 0, nil}, {2, 1, nil},
			{0, 1, []int64{0}},
			{tomo.Minute - 1, tomo.Minute, []int64{0}},
			{tomo.Minute - 1, tomo.Minute + 1, []int64{0, 1}},
			{tomo.Minute, 3 * tomo.Minute, []int64{1}},
			{2*tomo.Minute + 1, 3*tomo.Minute - 1, nil},
			{2 * tomo.Minute, 99 * tomo.Minute, []int64{3}},
			{4 * tomo.Minute, 99 * tomo.Minute, nil},
		} {
			r := tomo.TimeRange{Start: at + tt.start, End: at + tt.end}
			if got := minutes(r); !slices.Equal(got, tt.want) {
				t.Errorf("settled: %v: from %d to %d come the minutes %v, want %v", settled, tt.start, tt.end, got, tt.want)
			}
			w.check(tomo.Window{TimeRange: r})
		}
	}
}

func pages(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	for i := range 300 {
		w.put(segment(i, 1, "front", at+tomo.Time(i/3)*ms, at+tomo.Time(i)*ms))
		if i%70 == 69 {
			w.settle()
		}
	}
	window := tomo.Window{TimeRange: tomo.Always}
	want := w.expected(window)
	for _, limit := range []int{1, 7, 100} {
		var got []*tomo.Summary
		after := tomo.Top
		for {
			page := w.summaries(window, after, limit)
			got = append(got, page...)
			if len(page) < limit {
				break
			}
			after = page[len(page)-1].Position()
		}
		if diff := cmp.Diff(want, got, same...); diff != "" {
			t.Fatalf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func retention(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{Retention: time.Hour})
	defer func() { w.close() }()
	w.put(segment(1, 1, "front", at-500*3600e6, at+ms)) // began long ago, but was received now
	w.settle()
	w.now += 40 * tomo.Minute
	w.put(segment(2, 1, "front", at, at+ms))
	w.settle()
	maintain := func() {
		t.Helper()
		if err := w.store.Maintain(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	maintain()
	w.check()
	w.now += 30 * tomo.Minute
	maintain()
	delete(w.model, traceID(1))
	w.check()
	w.restart()
	w.check()
	if w.lost[tomo.LossExpired] != 1 {
		t.Errorf("%d documents counted as expired, want 1", w.lost[tomo.LossExpired])
	}
}

// likeAMap does anything in any order.
func likeAMap(t *testing.T, open Backend) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, t.TempDir(), open, Options{})
		w.failing = r // so that what fails is made smaller
		defer func() { w.close() }()
		var sent []string
		steps := rapid.IntRange(1, 25).Draw(r, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"put", "put", "put", "again", "settle", "some", "maintain", "restart", "limit", "wait", "regroup", "check"}).Draw(r, "step") {
			case "put":
				var batch []string
				for range rapid.IntRange(1, 8).Draw(r, "documents") {
					batch = append(batch, document(r))
				}
				sent = append(sent, batch...)
				w.put(batch...)
			case "again":
				if len(sent) > 0 {
					w.put(rapid.SampledFrom(sent).Draw(r, "sent"))
				}
			case "settle":
				w.settle()
			case "regroup":
				w.anyGroups(r)
			case "some":
				w.round(tomo.SettlePolicy{Quiet: 20 * time.Second, MaxAge: time.Minute, Round: rapid.Int64Range(1, 3000).Draw(r, "round")})
			case "maintain":
				if err := w.store.Maintain(context.Background()); err != nil {
					t.Fatal(err)
				}
			case "restart":
				w.restart()
			case "limit":
				w.limits.Annotations = rapid.IntRange(0, 3).Draw(r, "annotations")
				w.restart()
			case "wait":
				w.now += tomo.Time(rapid.Int64Range(0, 100e6).Draw(r, "wait"))
			case "check":
				w.check(anyWindow(r, w.now))
			}
		}
		w.check(anyWindow(r, w.now), anyWindow(r, w.now))
	})
}

func anyWindow(r *rapid.T, now tomo.Time) tomo.Window {
	start := tomo.Time(rapid.Int64Range(int64(at-2*tomo.Minute), int64(now+tomo.Minute)).Draw(r, "start"))
	return tomo.Window{
		TimeRange: tomo.TimeRange{Start: start, End: start + tomo.Time(rapid.Int64Range(0, 300e6).Draw(r, "length"))},
		By:        rapid.SampledFrom([]tomo.RangeType{tomo.ByTraceID, tomo.ByEvent, tomo.ByService}).Draw(r, "by"),
	}
}

// document draws a document of one of a few traces: segments and independent
// subsegments with parents that are there, come later or never.
func document(r *rapid.T) string {
	n := rapid.IntRange(1, 12).Draw(r, "trace")
	k := rapid.IntRange(1, 6).Draw(r, "segment")
	start := at + tomo.Time(rapid.Int64Range(0, 200e6).Draw(r, "start"))
	end := start + tomo.Time(rapid.Int64Range(0, 3e6).Draw(r, "length"))
	if rapid.IntRange(0, 9).Draw(r, "open") == 0 {
		end = 0
	}
	name := rapid.SampledFrom([]string{"front", "cart", "bank"}).Draw(r, "name")
	var members []string
	if k > 1 {
		members = append(members, fmt.Sprintf(`"parent_id":"%s"`, segmentID(n, rapid.SampledFrom([]int{1, 2, 3, 41, 42, 77}).Draw(r, "parent"))))
		if rapid.Bool().Draw(r, "subsegment") {
			members = append(members, `"type":"subsegment","namespace":"remote"`)
		}
	}
	if k < 4 {
		members = append(members, call(n, 40+k, "api.bank", start+ms, start+2*ms))
	}
	if rapid.Bool().Draw(r, "annotated") {
		members = append(members, fmt.Sprintf(`"annotations":{"k":%d},"user":"u%d"`, k, n%3))
	}
	return segment(n, k, name, start, end, members...)
}

// checkMany asks for the documents of all traces at once, and of one that is
// not there.
func (w *world) checkMany() {
	w.Helper()
	at := []tomo.Position{{ID: traceID(999_999)}}
	for _, s := range w.expected(tomo.Window{TimeRange: tomo.Always}) {
		p := s.Position()
		if len(at)%3 == 0 {
			p.Start++ // it does not stand there
		}
		at = append(at, p)
	}
	given := make([]atomic.Int32, len(at))
	all := make([]tomo.TraceDocuments, len(at))
	err := w.store.DocumentsOf(context.Background(), at, func(i int, t *tomo.TraceDocuments) {
		given[i].Add(1)
		all[i] = *t
	})
	if err != nil {
		w.Fatalf("documents of %d traces: %v", len(at), err)
	}
	for i, p := range at {
		if n := given[i].Load(); n != 1 || all[i].ID != p.ID {
			w.Fatalf("the documents of %v, which was asked for, are given %d times, as those of %v", p.ID, n, all[i].ID)
		}
		w.equal(fmt.Sprintf("documents of %v among others", p.ID), texts(w.model[p.ID]), texts(all[i].Documents))
	}
}

// filters are expressions about the documents of the suite.
var filters = []string{
	`service("front")`, `service("bank") { fault }`, `!service("cart")`, `edge("front", "bank")`, `edge("cart", "api.bank") { http.status = 503 }`,
	`annotation.k = 2`, `annotation.k > 1 AND user = "u1"`, `annotation.tier = "gold"`, `duration > 1 OR inferred`, `responsetime < 0.5`,
	`!(user BEGINSWITH "u" AND annotation.k)`, `partial OR ok`, `rootcause.fault.service { name = "front" }`, `type = "remote" AND !fault`,
}

// checkPlans asks for the traces of plans: a store may yield more than a plan
// asks for, never fewer, and no others if the plan is exact.
func (w *world) checkPlans() {
	w.Helper()
	window := tomo.Window{TimeRange: tomo.Always}
	all := w.expected(window)
	for nth, text := range filters {
		e, err := filter.Parse(text)
		if err != nil {
			w.Fatalf("%s: %v", text, err)
		}
		p := filter.PlanFor(e, nil)
		var want, got []*tomo.Summary
		for _, s := range all {
			if p.Holds(s) {
				want = append(want, s)
			}
		}
		for s, err := range w.store.Summaries(context.Background(), window, p, tomo.Top) {
			if err != nil {
				w.Fatalf("summaries of %v: %v", p, err)
			}
			if p.Exact || p.Holds(s) {
				got = append(got, s)
			}
		}
		w.equal("summaries of "+p.String(), want, got)
		w.checkPositions(p, nth)
		if !p.Exact {
			continue
		}
		if n, err := w.store.Count(context.Background(), window, p); err != nil || n != int64(len(want)) {
			w.Fatalf("count of %v: %d, %v; want %d", p, n, err, len(want))
		}
	}
}

// checkPositions holds positions against the summaries that they stand for, in
// the nth of some windows.
func (w *world) checkPositions(p filter.Plan, nth int) {
	w.Helper()
	window := tomo.Window{TimeRange: tomo.Always, By: []tomo.RangeType{tomo.ByTraceID, tomo.ByEvent, tomo.ByService}[nth%3]}
	if nth%2 == 1 {
		window.TimeRange = tomo.TimeRange{Start: at + 50*1000*ms, End: at + 130*1000*ms}
	}
	var want, got []tomo.Position
	for s, err := range w.store.Summaries(context.Background(), window, p, tomo.Top) {
		if err != nil {
			w.Fatalf("summaries of %v: %v", p, err)
		}
		want = append(want, s.Position())
	}
	after := tomo.Top
	if len(want) > 3 {
		after, want = want[1], want[2:]
	}
	for at, err := range w.store.Positions(context.Background(), window, p, after) {
		if err != nil {
			w.Fatalf("positions of %v: %v", p, err)
		}
		got = append(got, at)
	}
	w.equal(fmt.Sprintf("positions of %v in %v", p, window), want, got)
}
