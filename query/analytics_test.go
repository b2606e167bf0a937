package query_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	compare "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/store/localstore"
)

// TestAnalysisLikeMatch holds analyses over the embedded store, open and
// settled, against counting by filter.Match over whole traces.
func TestAnalysisLikeMatch(t *testing.T) {
	told := 0
	for seed := range uint64(6) {
		d := &draw{rand.New(rand.NewPCG(seed, 2))}
		told += d.analyse(t, seed)
	}
	if told < 3000 {
		t.Errorf("only %d values were told: the traces have too few", told)
	}
}

func (d *draw) analyse(t *testing.T, seed uint64) (told int) {
	ctx := context.Background()
	store := openStore(t, t.TempDir())
	defer store.Close()
	ids := map[tomo.TraceID]bool{}
	for round := range 3 {
		var docs [][]byte
		for range 30 {
			id, doc := d.document()
			ids[id] = true
			docs = append(docs, doc)
		}
		if refusals, err := ingest.New(store, ingest.Options{}).Accept(ctx, "test", docs); err != nil || len(refusals) > 0 {
			t.Fatalf("storing: %v, %v", refusals, err)
		}
		if round == 1 { // so some traces are settled, some open, some both
			settleAll(t, store)
		}
		var details []*tomo.Detail
		for id := range ids {
			all, err := store.Documents(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			details = append(details, derive.Detail(id, all.Documents))
		}
		for range 12 {
			told += d.ask(t, query.New(scribbler{store}, query.Options{}), details, fmt.Sprintf("seed %d, round %d", seed, round))
		}
	}
	return told
}

// settleAll settles all that is open.
func settleAll(t testing.TB, store *localstore.Store) {
	t.Helper()
	due, err := store.Due(t.Context(), tomo.SettlePolicy{Round: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	var rows []tomo.Settled
	for _, trace := range due {
		rows = append(rows, tomo.Settled{Summary: derive.Summary(trace.ID, trace.Documents), Documents: trace.Documents})
	}
	if err := store.Settle(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// everyAttribute in two halves: there are more than a question may have.
func everyAttribute(t testing.TB, half int) (list []query.Attribute) {
	t.Helper()
	names := append(slices.DeleteFunc(query.Attributes(), func(name string) bool { return name == "annotation[key]" }),
		"annotation.tier", "annotation[size]", `annotation["both"]`)
	for i, name := range names {
		if i%2 != half {
			continue
		}
		a, err := query.ParseAttribute(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

// ask asks one question about two random sets.
func (d *draw) ask(t *testing.T, e *query.Engine, details []*tomo.Detail, state string) (told int) {
	t.Helper()
	q := query.AnalysisQuestion{
		Window: tomo.Window{By: tomo.RangeType(d.IntN(3)), TimeRange: tomo.TimeRange{
			Start: tomo.Seconds(first - 1 + float64(d.IntN(3))), End: tomo.Seconds(first + 4 + float64(d.IntN(4)))}},
		Groups: someGroups, Attributes: everyAttribute(t, d.IntN(2)), Top: 1 + d.IntN(30), Measure: query.Measure(d.IntN(2)),
		Buckets: 2 + d.IntN(20), Dots: query.MinDots, Differences: d.IntN(2) * 50, Traces: d.IntN(8), Order: query.Order(d.IntN(4)),
	}
	if q.Window.By == tomo.ByEvent {
		q.Window.TimeRange = tomo.Always // the test's clock is not theirs
		q.Buckets = 0
	}
	if d.often(40) { // a time of its own for the second set: before, within, or over the end of the other
		start := tomo.Seconds(first - 3 + float64(d.IntN(6)))
		q.Other = &tomo.TimeRange{Start: start, End: start + tomo.Time(d.IntN(5e6))}
	}
	for len(q.Sets) < 2 {
		text := d.expression(filter.InTrace, 1)
		if d.often(40) {
			text = ""
		}
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		q.Sets = append(q.Sets, f)
	}
	state = fmt.Sprintf("%s: %v | %v in %v, %v", state, q.Sets[0], q.Sets[1], q.Window, q.Other)
	a, err := e.Analyse(context.Background(), q)
	if err != nil {
		t.Fatalf("%s: %v", state, err)
	}
	n := naive{question: &q}
	for _, detail := range details {
		for i := range n.sets {
			if !detail.Matches(n.window(i)) {
				continue
			}
			n.total[i]++
			if filter.Match(q.Sets[i], detail, someGroups) {
				n.sets[i] = append(n.sets[i], detail)
			}
		}
	}
	n.hold(t, state, a)
	for i := range a.Distributions {
		told += len(a.Distributions[i].Values)
	}
	return told
}

// naive is the traces that an analysis should be about.
type naive struct {
	question *query.AnalysisQuestion
	total    [2]int64
	sets     [2][]*tomo.Detail
}

// window is that of a set.
func (n *naive) window(set int) tomo.Window {
	w := n.question.Window
	if set == 1 && n.question.Other != nil {
		w.TimeRange = *n.question.Other
	}
	return w
}

func (n *naive) hold(t *testing.T, state string, a *query.Analysis) {
	t.Helper()
	both := int64(0)
	for _, x := range n.sets[0] {
		if slices.Contains(n.sets[1], x) {
			both++
		}
	}
	if a.Total != n.total[0] || a.Both != both {
		t.Errorf("%s: %d traces, %d in both; want %d, %d", state, a.Total, a.Both, n.total[0], both)
	}
	for i := range n.sets {
		n.holdFigures(t, fmt.Sprintf("%s: set %d", state, i), i, &a.Sets[i], a.Width)
	}
	for i := range a.Distributions {
		n.holdDistribution(t, state, &a.Distributions[i])
	}
}

func classesOf(list []*tomo.Detail) (c query.Classes) {
	for _, d := range list {
		switch {
		case d.EntryPoint < 0:
			c[query.Rootless]++
		case d.HasFault:
			c[query.Fault]++
		case d.HasThrottle:
			c[query.Throttle]++
		case d.HasError:
			c[query.Error]++
		default:
			c[query.OK]++
		}
	}
	return c
}

func histogramOf(list []*tomo.Detail, of func(*tomo.Detail) time.Duration) (h tomo.Histogram) {
	for _, d := range list {
		if took := of(d); took != tomo.Absent {
			h.Add(took)
		}
	}
	return h
}

func responseTime(d *tomo.Detail) time.Duration { return d.ResponseTime }
func duration(d *tomo.Detail) time.Duration     { return d.Duration }

func (n *naive) measure() func(*tomo.Detail) time.Duration {
	if n.question.Measure == query.ByDuration {
		return duration
	}
	return responseTime
}

func (n *naive) holdFigures(t *testing.T, state string, set int, got *query.SetFigures, width tomo.Time) {
	t.Helper()
	list := n.sets[set]
	if got.InWindow != n.total[set] {
		t.Errorf("%s: %d traces in its window, want %d", state, got.InWindow, n.total[set])
	}
	if want := classesOf(list); got.Classes != want {
		t.Errorf("%s: classes are %v, want %v", state, got.Classes, want)
	}
	for name, h := range map[string][2]tomo.Histogram{
		"response times": {got.ResponseTimes, histogramOf(list, responseTime)}, "durations": {got.Durations, histogramOf(list, duration)},
	} {
		if !slices.Equal(h[0].Bins(), h[1].Bins()) {
			t.Errorf("%s: %s are %v, want %v", state, name, h[0].Bins(), h[1].Bins())
		}
	}
	if n.question.Buckets > 0 {
		n.holdSeries(t, state, n.window(set), list, got.Series, width)
	}
	measure := n.measure()
	var want, dots []string
	for _, d := range list {
		if took := measure(d); took != tomo.Absent {
			want = append(want, fmt.Sprint(d.ID, took, classesOf([]*tomo.Detail{d})))
		}
	}
	for _, dot := range got.Dots {
		var c query.Classes
		c[dot.Class]++
		dots = append(dots, fmt.Sprint(dot.ID, dot.Took, c))
		if dot.Count != 1 || !got.EveryDot {
			t.Errorf("%s: of few traces, a dot stands for %d", state, dot.Count)
		}
	}
	slices.Sort(want)
	slices.Sort(dots)
	if !slices.Equal(want, dots) {
		t.Errorf("%s: dots are\n%v, want\n%v", state, dots, want)
	}
	n.holdTraces(t, state, list, got.Traces)
}

// holdTraces holds the traces that are listed against all that could be.
func (n *naive) holdTraces(t *testing.T, state string, list []*tomo.Detail, got []*query.Listed) {
	t.Helper()
	q, measure := n.question, n.measure()
	var want []*tomo.Detail
	for _, d := range list {
		if q.Order == query.Newest || q.Order == query.Oldest || measure(d) != tomo.Absent {
			want = append(want, d)
		}
	}
	slices.SortFunc(want, func(a, b *tomo.Detail) int {
		newer := cmp.Or(cmp.Compare(b.Start, a.Start), slices.Compare(b.ID[:], a.ID[:]))
		switch q.Order {
		case query.Oldest:
			return -newer
		case query.Slowest:
			return cmp.Or(cmp.Compare(measure(b), measure(a)), newer)
		case query.Fastest:
			return cmp.Or(cmp.Compare(measure(a), measure(b)), newer)
		}
		return newer
	})
	want = want[:min(len(want), q.Traces)]
	if diff := compare.Diff(listed(want), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: in order %d are listed (-want +got)\n%s", state, q.Order, diff)
	}
}

func (n *naive) holdSeries(t *testing.T, state string, w tomo.Window, list []*tomo.Detail, got []query.Bucket, width tomo.Time) {
	t.Helper()
	q := n.question
	if w.Start == w.End {
		if len(got) > 0 {
			t.Errorf("%s: an empty window has %d buckets", state, len(got))
		}
		return
	}
	if len(got) == 0 || len(got) > q.Buckets {
		t.Fatalf("%s: %d buckets, want 1 to %d", state, len(got), q.Buckets)
	}
	if end := got[len(got)-1].Time + width; got[0].Time > w.Start || end < w.End || end-got[0].Time > w.End-w.Start+2*width {
		t.Errorf("%s: buckets from %v to %v", state, got[0].Time.Std(), end.Std())
	}
	all := int64(0)
	for i, b := range got {
		if i > 0 && b.Time != got[i-1].Time+width {
			t.Errorf("%s: bucket %d is at %v", state, i, b.Time.Std())
		}
		all += b.Total()
		if w.By != tomo.ByTraceID {
			continue
		}
		var in []*tomo.Detail
		for _, d := range list {
			if b.Time <= d.Start && d.Start < b.Time+width {
				in = append(in, d)
			}
		}
		if want := classesOf(in); b.Classes != want {
			t.Errorf("%s: bucket %d has %v, want %v", state, i, b.Classes, want)
		}
	}
	if all != int64(len(list)) {
		t.Errorf("%s: the buckets have %d traces, want %d", state, all, len(list))
	}
}

// with lists the traces of a set that match.
func (n *naive) with(set int, f filter.Expr) (list []*tomo.Detail) {
	m := filter.Compile(f, someGroups)
	for _, d := range n.sets[set] {
		if m.Match(d) {
			list = append(list, d)
		}
	}
	return list
}

func (n *naive) holdDistribution(t *testing.T, state string, d *query.Distribution) {
	t.Helper()
	of := d.Attribute
	state += ": " + of.String()
	var want [2]map[string]int // value → traces
	for set := range n.sets {
		want[set] = map[string]int{}
		with := int64(0)
		for _, detail := range n.sets[set] {
			values := valuesOf(of, detail)
			if len(values) > 0 {
				with++
			}
			for v := range values {
				want[set][v]++
			}
		}
		f := d.Sets[set]
		sum := int64(0)
		for _, k := range want[set] {
			sum += int64(k)
		}
		if f.With != with || f.Sum != sum || f.Distinct != int64(len(want[set])) {
			t.Errorf("%s: set %d has %+v; want %d traces with %d values, %d in all", state, set, f, with, len(want[set]), sum)
		}
		for _, v := range d.Values {
			list := n.with(set, v.Filter)
			counts := v.Sets[set]
			if wanted := classesOf(list); counts.Classes != wanted {
				t.Errorf("%s: %v has %v in set %d, want %v, the traces with %v", state, v.Value, counts.Classes, set, wanted, v.Filter)
			}
			if again, err := filter.Parse(v.Filter.String()); err != nil || again.String() != v.Filter.String() {
				t.Errorf("%s: the filter %v does not parse: %v", state, v.Filter, err)
			}
			h := histogramOf(list, n.measure())
			if p50, p95 := query.Quantile(&h, 0.5), query.Quantile(&h, 0.95); counts.P50 != p50 || counts.P95 != p95 {
				t.Errorf("%s: %v takes %v, %v in set %d, want %v, %v", state, v.Value, counts.P50, counts.P95, set, p50, p95)
			}
			if len(list) > 0 {
				f.Left++
				f.LeftSum += int64(len(list))
			}
		}
		if f.Left != f.Distinct || f.LeftSum != f.Sum {
			t.Errorf("%s: of set %d something is neither told nor left", state, set)
		}
	}
	if all := len(mergeKeys(want)); len(d.Values) != min(all, n.question.Top) || !d.Complete {
		t.Errorf("%s: %d of %d values are told, complete is %v", state, len(d.Values), all, d.Complete)
	}
	if !slices.IsSortedFunc(d.Values, func(a, b query.ValueFigures) int { return cmp.Compare(n.greatest(&b), n.greatest(&a)) }) {
		t.Errorf("%s: values are out of order", state)
	}
}

func (n *naive) greatest(v *query.ValueFigures) (share float64) {
	for i := range n.sets {
		if len(n.sets[i]) > 0 {
			share = max(share, float64(v.Sets[i].Total())/float64(len(n.sets[i])))
		}
	}
	return share
}

func mergeKeys(sets [2]map[string]int) map[string]int {
	all := maps.Clone(sets[0])
	maps.Copy(all, sets[1])
	return all
}

// valuesOf is the values of an attribute by the words of its documentation,
// from what the segments said.
func valuesOf(of query.Attribute, d *tomo.Detail) map[string]bool {
	values := map[string]bool{}
	add := func(list ...string) {
		for _, v := range list {
			if v != "" {
				values[v] = true
			}
		}
	}
	causes := map[string][]tomo.RootCause{"fault": d.RootCauses.Fault, "error": d.RootCauses.Error, "responsetime": d.RootCauses.ResponseTime}
	switch of.Name {
	case "outcome":
		c := classesOf([]*tomo.Detail{d})
		add(query.Class(slices.Index(c[:], 1)).String())
	case "entrypoint":
		if d.EntryPoint >= 0 {
			add(d.Nodes[d.EntryPoint].Name)
		}
	case "service", "type", "account.id":
		for _, node := range d.Nodes {
			add(map[string]string{"service": node.Name, "type": node.Type, "account.id": node.Account}[of.Name])
		}
	case "edge":
		for _, c := range d.Calls {
			from, to := d.Nodes[c.From].NodeID, d.Nodes[c.To].NodeID
			add(fmt.Sprintf("%q %q %q %q", from.Name, from.Type, to.Name, to.Type))
		}
	case "service.fault", "service.error", "service.throttle":
		for _, node := range d.Nodes {
			f, err := filter.Parse(fmt.Sprintf("service(%q) { %s }", node.Name, strings.TrimPrefix(of.Name, "service.")))
			if err != nil {
				panic(err)
			}
			if filter.Match(f, d, nil) {
				add(node.Name)
			}
		}
	case "http.status":
		if d.HTTP.Status != 0 {
			add(fmt.Sprint(d.HTTP.Status))
		}
	case "http.method":
		add(d.HTTP.Method)
	case "http.url":
		add(d.HTTP.URL)
	case "http.useragent":
		add(d.HTTP.UserAgent)
	case "http.clientip":
		add(d.HTTP.ClientIP)
	case "user", "availabilityzone", "instance.id", "resource.arn", "annotations", "annotation":
		for i := range d.UnitDetails {
			u := &d.UnitDetails[i]
			add(map[string][]string{"user": u.Users, "availabilityzone": u.AvailabilityZones, "instance.id": u.InstanceIDs, "resource.arn": u.ResourceARNs}[of.Name]...)
			for _, a := range u.Annotations {
				switch {
				case of.Name == "annotations":
					add(a.Key)
				case of.Name == "annotation" && of.Key == a.Key:
					add(fmt.Sprintf("%#v", a.Value))
				}
			}
		}
	default: // rootcause.category.what
		words := strings.Split(of.Name, ".")
		for _, cause := range causes[words[1]] {
			if words[2] == "service" {
				add(cause.Services[len(cause.Services)-1].Name)
			}
			for _, s := range cause.Services {
				for _, e := range s.EntityPath {
					if words[2] == "entity" {
						add(e.Name)
					}
					for _, x := range e.Exceptions {
						add(map[string]string{"exception": x.Name, "message": x.Message}[words[2]])
					}
				}
			}
		}
	}
	return values
}

// TestDifferences: what was planted is found, ranked and counted.
func TestDifferences(t *testing.T) {
	var n naive
	store := &manyTraces{n: 3000, plans: func(i int) uint8 {
		if i%10 == 0 {
			return 3
		}
		return 1
	}}
	store.summary = func(i int) *tomo.Summary {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		s := &tomo.Summary{ID: id(i), EntryPoint: -1, Nodes: []tomo.Node{{NodeID: tomo.NodeID{Name: "shop"}}}}
		s.HTTP.Method = someMethods[r.IntN(2)]
		version, zone := 1+r.IntN(20)/19, someZones[r.IntN(2)]
		if i%10 == 0 {
			version = 1 + r.IntN(20)/2
			if r.IntN(4) == 0 {
				zone = someZones[0]
			}
		}
		s.AvailabilityZones = []string{zone}
		s.Annotations = []tomo.SummaryAnnotation{{Annotation: tomo.Annotation{Key: "version", Value: tomo.Value{Kind: tomo.NumberValue, Number: float64(version)}}}}
		return s
	}
	for i := range store.n {
		d := &tomo.Detail{Summary: store.summary(i)}
		n.sets[0] = append(n.sets[0], d)
		if i%10 == 0 {
			n.sets[1] = append(n.sets[1], d)
		}
	}
	a, err := query.New(store, query.Options{}).Analyse(t.Context(), query.AnalysisQuestion{Sets: []filter.Expr{nil, nil}, Differences: 100})
	if err != nil {
		t.Fatal(err)
	}
	if top := a.Differences[0]; len(a.Differences) < 5 || top.Filter.String() != "annotation.version = 1" || top.Shares[0] < 0.8 || top.Shares[1] > 0.15 {
		t.Errorf("the greatest of %d differences is %+v", len(a.Differences), top)
	}
	if slices.ContainsFunc(a.Differences, func(d query.Difference) bool {
		return d.Attribute.Name == "http.method" || d.Attribute.Name == "service"
	}) {
		t.Errorf("something differs that does not: %+v", a.Differences)
	}
	before := 1.0
	for _, d := range a.Differences {
		for i := range n.sets {
			want := len(n.with(i, d.Filter))
			if d.Counts[i] != int64(want) || d.Shares[i] != float64(want)/float64(len(n.sets[i])) {
				t.Errorf("%v: set %d has %d, a share of %g; want %d of %d", d.Filter, i, d.Counts[i], d.Shares[i], want, len(n.sets[i]))
			}
		}
		if by := math.Abs(d.Shares[0] - d.Shares[1]); d.Score <= 0 || d.Score > before || d.Score > by {
			t.Errorf("%v has the score %g after %g, and differs by %g", d.Filter, d.Score, before, by)
		}
		before = d.Score
	}
}

// manyTraces is a store of n summaries that are made when they are scanned.
type manyTraces struct {
	query.Store
	n       int
	summary func(i int) *tomo.Summary
	plans   func(i int) uint8
}

func (s *manyTraces) Count(context.Context, tomo.Window, filter.Plan) (int64, error) {
	return int64(s.n), nil
}

func (s *manyTraces) Dropped(_ context.Context, r tomo.TimeRange, group string) (tomo.Dropped, error) {
	if r.Start%tomo.Minute != 0 {
		return tomo.Dropped{}, fmt.Errorf("the minutes from %v", r.Start.Std())
	}
	return tomo.Dropped{Traces: int64(len(group))}, nil
}

// Scan calls each from two goroutines, as a store may.
func (s *manyTraces) Scan(ctx context.Context, _ tomo.Window, plans []filter.Plan, _ tomo.Parts, each func(int, []tomo.Found) error) error {
	done := make(chan error, 2)
	for half := range 2 {
		go func() {
			for from := half * 512; from < s.n; from += 1024 {
				var found []tomo.Found
				for i := from; i < min(from+512, s.n); i++ {
					if mask := s.plans(i); mask != 0 {
						found = append(found, tomo.Found{Summary: s.summary(i), Plans: mask})
					}
				}
				if err := cmp.Or(ctx.Err(), each(512, found)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	return errors.Join(<-done, <-done)
}

func all(int) uint8 { return 1 }

// TestManyValues: the values that are told are counted exactly, however many
// others there are.
func TestManyValues(t *testing.T) {
	const n = 120_000
	store := &manyTraces{n: n, plans: func(i int) uint8 {
		if i%50 == 0 {
			return 3 // the second set is a small part of the first
		}
		return 1
	}}
	store.summary = func(i int) *tomo.Summary {
		s := &tomo.Summary{ID: id(i), EntryPoint: -1, Duration: time.Millisecond, ResponseTime: time.Duration(i%7) * time.Millisecond, Users: []tomo.User{{Name: fmt.Sprint("only-", i)}}}
		switch {
		case i%300 == 0:
			s.Users = append(s.Users, tomo.User{Name: "rare"}) // in a sixth of the second set
		case i%10 == 0:
			s.Users = append(s.Users, tomo.User{Name: "frequent"})
		}
		return s
	}
	a, err := query.New(store, query.Options{}).Analyse(t.Context(), query.AnalysisQuestion{
		Sets: []filter.Expr{nil, nil}, Attributes: []query.Attribute{{Name: "user"}}, Top: 2, Differences: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := a.Distributions[0]
	if len(d.Values) != 2 || d.Values[0].Value.String != "frequent" || d.Values[1].Value.String != "rare" || d.Complete {
		t.Fatalf("values are %+v, complete is %v; want frequent and rare of too many", d.Values, d.Complete)
	}
	for i, want := range [][2]int64{{n/10 - n/300, n/50 - n/300}, {n / 300, n / 300}} {
		if got := [2]int64{d.Values[i].Sets[0].Total(), d.Values[i].Sets[1].Total()}; got != want {
			t.Errorf("%s is in %v traces, want %v", d.Values[i].Value.String, got, want)
		}
	}
	if p := d.Values[0].Sets[0].P50; p != 3*time.Millisecond {
		t.Errorf("half of the frequent take no more than %v, want 3ms", p)
	}
	f := d.Sets[0]
	if f.With != n || f.Sum != n+n/10 || f.LeftSum != n {
		t.Errorf("%d traces with values, %d counts, %d left; want %d, %d, %d", f.With, f.Sum, f.LeftSum, n, n+n/10, n)
	}
	if off := math.Abs(float64(f.Distinct)/n - 1); off > 0.15 {
		t.Errorf("%d distinct values, want about %d", f.Distinct, n)
	}
	if len(a.Differences) != 2 || a.Differences[0].Value.String != "rare" && a.Differences[1].Value.String != "rare" {
		t.Errorf("differences are %+v", a.Differences)
	}
}

// TestDotsOfMany: the slowest and the failed of each cell are shown, and every
// trace is counted once.
func TestDotsOfMany(t *testing.T) {
	const n = 50_000
	store := &manyTraces{n: n, plans: all}
	store.summary = func(i int) *tomo.Summary {
		s := &tomo.Summary{ID: id(i), Start: tomo.Time(i) * 1000, ResponseTime: time.Duration(1+i%997) * time.Millisecond}
		s.HasFault = i%10_000 == 77
		if i == 31_000 {
			s.ResponseTime = time.Hour
		}
		return s
	}
	q := query.AnalysisQuestion{Window: tomo.Window{TimeRange: tomo.TimeRange{Start: 5, End: n * 1000}}, Sets: []filter.Expr{nil}, Dots: 500, Group: "four"}
	a, err := query.New(store, query.Options{}).Analyse(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if a.Dropped != 4 {
		t.Errorf("%d traces of the group were dropped, want 4", a.Dropped)
	}
	dots := a.Sets[0].Dots
	if len(dots) > 500 || len(dots) < 150 || a.Sets[0].EveryDot {
		t.Errorf("%d dots, want up to 500", len(dots))
	}
	count, faults, slowest := int64(0), int64(0), time.Duration(0)
	for _, d := range dots {
		count += d.Count
		if d.Class == query.Fault {
			faults += d.Count
		}
		slowest = max(slowest, d.Took)
	}
	if count != n || faults != 5 || slowest != time.Hour {
		t.Errorf("the dots stand for %d traces, %d failed, the slowest took %v; want %d, 5, 1h", count, faults, slowest, n)
	}
	again, err := query.New(store, query.Options{}).Analyse(t.Context(), q)
	if err != nil || !slices.Equal(again.Sets[0].Dots, dots) {
		t.Errorf("the dots are others when asked again, %v", err)
	}
}

// TestChance: two samples of the same traces hardly ever differ.
func TestChance(t *testing.T) {
	store := &manyTraces{n: 20_000, plans: func(i int) uint8 { return 1 << (i * 7919 >> 3 & 1) }}
	store.summary = func(i int) *tomo.Summary {
		r := rand.New(rand.NewPCG(uint64(i), 9))
		s := &tomo.Summary{EntryPoint: -1}
		for k := range 20 {
			s.Annotations = append(s.Annotations, tomo.SummaryAnnotation{Annotation: tomo.Annotation{Key: fmt.Sprint("k", k), Value: tomo.Value{Kind: tomo.NumberValue, Number: float64(r.IntN(1 << k))}}})
		}
		return s
	}
	a, err := query.New(store, query.Options{}).Analyse(t.Context(), query.AnalysisQuestion{Sets: []filter.Expr{nil, nil}, Differences: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Differences) > 0 || a.Compared < 1000 {
		t.Errorf("%d values compared, of which differ %+v", a.Compared, a.Differences)
	}
}

// TestAnalysisEnds: a question is given up soon after its context ends.
func TestAnalysisEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var looked atomic.Int64
	store := &manyTraces{n: 1 << 30, summary: func(int) *tomo.Summary { return &tomo.Summary{EntryPoint: -1} }}
	store.plans = func(int) uint8 {
		if looked.Add(1) == 10_000 {
			cancel()
		}
		return 1
	}
	var progress query.Progress
	_, err := query.New(store, query.Options{}).Analyse(ctx, query.AnalysisQuestion{Sets: []filter.Expr{nil}, Progress: &progress})
	if n := progress.Looked.Load(); !errors.Is(err, context.Canceled) || n < 9_000 || n > 12_000 {
		t.Errorf("a question whose context ended after 10,000 traces looked at %d: %v", n, err)
	}
}

func TestAnalysisLimits(t *testing.T) {
	many := make([]query.Attribute, query.MaxAttributes+1)
	for i := range many {
		many[i].Name = "user"
	}
	one := []filter.Expr{nil}
	for _, tt := range []struct {
		q    query.AnalysisQuestion
		want string
	}{
		{query.AnalysisQuestion{}, "an analysis has 1 to 2 sets, not 0"},
		{query.AnalysisQuestion{Sets: make([]filter.Expr, 3)}, "an analysis has 1 to 2 sets, not 3"},
		{query.AnalysisQuestion{Sets: one, Attributes: many}, "an analysis has 0 to 16 attributes, not 17"},
		{query.AnalysisQuestion{Sets: one, Top: 1001}, "an analysis has 1 to 1000 values of an attribute (Top), not 1001"},
		{query.AnalysisQuestion{Sets: one, Dots: 249}, "Dots is 249; a scatter plot has 250 at least"},
		{query.AnalysisQuestion{Sets: one, Other: &tomo.TimeRange{End: 1}}, "there is no second set that could have a time of its own"},
		{query.AnalysisQuestion{Sets: one, Traces: 1001}, "an analysis has 0 to 1000 traces, not 1001"},
		{query.AnalysisQuestion{Sets: one, Buckets: 1}, "Buckets is 1; a time series has 2 at least"},
		{query.AnalysisQuestion{Sets: one, Buckets: 5, Window: tomo.Window{TimeRange: tomo.Always}}, "a window with a time series lies within 70,000 years of 1970"},
	} {
		_, err := query.New(&manyTraces{}, query.Options{}).Analyse(t.Context(), tt.q)
		var known *tomo.Error
		if !errors.As(err, &known) || known.Code != tomo.Invalid || known.Message != tt.want {
			t.Errorf("%+v: %v; want %s", tt.q, err, tt.want)
		}
	}
}

func TestParseAttribute(t *testing.T) {
	for text, want := range map[string]string{
		"service": "service", " HTTP.Status ": "http.status", "annotation.Tier": "annotation[Tier]", "annotation[a b]": "annotation[a b]",
		`Annotation["a.b"]`: "annotation[a.b]", `annotation[ "a.b" ]`: "annotation[a.b]", "annotation[ ]": "", `annotation[""]`: "", "annotations": "annotations", "rootcause.fault.exception": "rootcause.fault.exception",
		"annotation": "", "annotation[]": "", "annotation.": "", "color": "", "": "", "annotations.x": "", "annotationx": "",
	} {
		a, err := query.ParseAttribute(text)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "is not an attribute; there are outcome, entrypoint, ") {
				t.Errorf("%q is %v, %v", text, a, err)
			}
			continue
		}
		if err != nil || a.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, a, err, want)
		}
	}
}

// TestDocs: the documentation names every attribute.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/console-api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range query.Attributes() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/console-api.md does not name %s", name)
		}
	}
}
