package query_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/query"
)

// received is a store of which only the time series is asked: traces with what
// was received of them. Each trace is a part of its own.
type received struct {
	query.Store
	traces []*tomo.Summary
}

func (r *received) Series(_ context.Context, asked tomo.TimeRange, group string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	for _, s := range r.traces {
		if !s.In(group) {
			continue
		}
		for _, m := range s.ReceiptMinutes() {
			minute := tomo.TimeRange{Start: m, End: m + tomo.Minute}
			if asked.Overlaps(m, minute.End-1) {
				g := &tomo.ServiceGraph{}
				g.Add(s, minute)
				each(m, g)
			}
		}
	}
	return nil
}

// The nodes of every trace of these tests.
var nodes = []tomo.Node{
	{NodeID: tomo.NodeID{Name: "bank"}},
	{NodeID: tomo.NodeID{Name: "shop", Type: "AWS::ECS::Container"}, Root: true},
	{NodeID: tomo.NodeID{Name: "shop", Type: tomo.ClientType}},
}

const bank, shop, client = 0, 1, 2

// put adds a trace of a client that asks the shop, which asks the bank, if it
// does: calls take a millisecond less than what they are part of.
func (r *received) put(at tomo.Time, outcome tomo.Outcome, took time.Duration, withBank bool) {
	s := &tomo.Summary{Nodes: nodes}
	s.Units = append(s.Units, tomo.Unit{Node: shop, Received: at, Outcome: outcome, ResponseTime: took, Duration: took})
	s.Calls = append(s.Calls, tomo.Call{From: client, To: shop, Received: at, Outcome: outcome, ResponseTime: took})
	if withBank {
		s.Units = append(s.Units, tomo.Unit{Node: bank, Received: at, ResponseTime: took - 2*time.Millisecond, Duration: took})
		s.Calls = append(s.Calls, tomo.Call{From: shop, To: bank, Received: at, Outcome: outcome, ResponseTime: took - time.Millisecond})
	}
	r.traces = append(r.traces, s)
}

func selector(t testing.TB, text string) filter.Expr {
	t.Helper()
	if text == "" {
		return nil
	}
	e, err := filter.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ask(t testing.TB, store query.Store, q query.SeriesQuestion) *query.Series {
	t.Helper()
	answer, err := query.New(store, query.Options{}).Series(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

const minute = tomo.Minute

// noon is a moment that periods of one and five minutes begin at.
var noon = tomo.TimeOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))

// TestSeriesPeriods: X-Ray was asked for traces received 49 s before and a
// second after a full minute, and told of both where the first number is the
// start of the range. So ends of periods are wanted from the start up to but
// not with the end of the range, and at least a period has to be in it.
func TestSeriesPeriods(t *testing.T) {
	store := &received{}
	store.put(noon-49e6, tomo.OutcomeOK, time.Second, false)
	store.put(noon+1e6, tomo.OutcomeFault, time.Second, false)
	tests := []struct {
		name       string
		start, end tomo.Time // from noon
		period     time.Duration
		want       []tomo.Time // ends, in minutes from noon
	}{
		{"all", -11 * minute, 9 * minute, time.Minute, []tomo.Time{1, 0}},
		{"all, by default", -11 * minute, 9 * minute, 0, []tomo.Time{1, 0}},
		{"five minutes", -11 * minute, 9 * minute, 5 * time.Minute, []tomo.Time{5, 0}},
		{"up to the end of the first", -minute, 0, time.Minute, nil},
		{"from the end of the first", 0, minute, time.Minute, []tomo.Time{0}},
		{"between the ends", 1e6, minute + 1e6, time.Minute, []tomo.Time{1}},
		{"from before to behind", -53e6, 77e6, time.Minute, []tomo.Time{1, 0}},
		{"a second around an end", -5e5, 5e5, time.Minute, nil},
		{"nearly a minute", -1, minute - 2, time.Minute, nil},
		{"nearly five", -minute, 4*minute - 1, 5 * time.Minute, nil},
		{"nothing", 0, 0, time.Minute, nil},
		{"backwards", minute, 0, time.Minute, nil},
		{"long before", -99 * minute, -9 * minute, time.Minute, nil},
		{"long after", 9 * minute, 99 * minute, time.Minute, nil},
	}
	for _, tt := range tests {
		answer := ask(t, store, query.SeriesQuestion{Range: tomo.TimeRange{Start: noon + tt.start, End: noon + tt.end}, Period: tt.period})
		var got []tomo.Time
		for _, p := range answer.Points {
			got = append(got, (p.End-noon)/minute)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got periods that end at %v, want %v", tt.name, got, tt.want)
		}
	}
	for _, endless := range []tomo.TimeRange{tomo.Always, {Start: tomo.Always.Start, End: noon + 9*minute}, {End: tomo.Always.End}} {
		if got := ask(t, store, query.SeriesQuestion{Range: endless}); len(got.Points) != 2 {
			t.Errorf("%v: %d points, want 2", endless, len(got.Points))
		}
	}
	for _, nowhere := range []tomo.TimeRange{{Start: tomo.Always.Start, End: 0}, {Start: tomo.Always.End - 1, End: tomo.Always.End}, {Start: tomo.Always.End, End: tomo.Always.Start}} {
		if got := ask(t, store, query.SeriesQuestion{Range: nowhere}); len(got.Points) != 0 {
			t.Errorf("%v: %d points, want none", nowhere, len(got.Points))
		}
	}
}

func TestSeriesSelectors(t *testing.T) {
	store := &received{}
	store.put(noon, tomo.OutcomeOK, 100*time.Millisecond, true)
	store.put(noon+1, tomo.OutcomeFault, 300*time.Millisecond, true)
	store.put(noon+minute, tomo.OutcomeThrottle, 500*time.Millisecond, false)
	store.put(noon+minute, tomo.OutcomeError, 500*time.Millisecond, false)
	const missing = "missing"
	tests := []struct{ selector, want string }{
		{``, "2: 0 1 1 0 1s [500×2]; 1: 1 0 0 1 400ms [100×1 300×1]"},
		{`service("shop")`, "2: 0 1 1 0 1s [500×2]; 1: 1 0 0 1 400ms [100×1 300×1]"},
		{`service(id(name: "shop", type: "AWS::ECS::Container"))`, "2: 0 1 1 0 1s [500×2]; 1: 1 0 0 1 400ms [100×1 300×1]"},
		{`service("bank")`, "2: 0 0 0 0 0s []; 1: 2 0 0 0 396ms [98×1 298×1]"},
		{`edge("shop", "bank")`, "2: 0 0 0 0 0s []; 1: 1 0 0 1 398ms [99×1 299×1]"},
		{`edge(id(type: "client"), "shop")`, "2: 0 1 1 0 1s [500×2]; 1: 1 0 0 1 400ms [100×1 300×1]"},
		{`edge("shop", "shop")`, "2: 0 1 1 0 1s [500×2]; 1: 1 0 0 1 400ms [100×1 300×1]"}, // the client bears its name
		{`service(id(type: ""))`, "2: 0 0 0 0 0s []; 1: 2 0 0 0 396ms [98×1 298×1]"},
		{`edge("bank", "shop")`, missing},
		{`service("cart")`, missing},
		{`service("Shop")`, missing},
		{`service(id(name: "shop", type: "remote"))`, missing},
		{`service(id(type: "client"))`, missing}, // has no figures of its own
	}
	for _, tt := range tests {
		answer := ask(t, store, query.SeriesQuestion{Range: tomo.TimeRange{Start: noon - 9*minute, End: noon + 9*minute}, Selector: selector(t, tt.selector)})
		got := missing
		if answer.Found {
			got = printed(answer)
		}
		if got != tt.want || len(answer.Points) != 2 {
			t.Errorf("%s:\ngot  %d points, %s\nwant %s", tt.selector, len(answer.Points), got, tt.want)
		}
	}
}

// printed tells the minute from noon at which each period ends, its counts of
// ok, error, throttle and fault, and how long they took.
func printed(s *query.Series) (text string) {
	for i, p := range s.Points {
		if i > 0 {
			text += "; "
		}
		var bins []string
		for _, b := range p.ResponseTimes.Bins() {
			bins = append(bins, fmt.Sprintf("%d×%d", b.Value, b.Count))
		}
		n := p.Statistics
		text += fmt.Sprintf("%d: %d %d %d %d %v %v", (p.End-noon)/minute, n.OK, n.Error, n.Throttle, n.Fault, n.TotalResponseTime, bins)
	}
	return text
}

// TestSeriesAddsUp holds the answers to random questions against figures that
// are added up trace by trace.
func TestSeriesAddsUp(t *testing.T) {
	selectors := []string{``, `service("shop")`, `service("bank")`, `edge("shop", "bank")`, `service("none")`}
	rapid.Check(t, func(r *rapid.T) {
		store := &received{}
		moment := rapid.Int64Range(int64(noon-12*minute), int64(noon+12*minute))
		for range rapid.IntRange(0, 30).Draw(r, "traces") {
			store.put(tomo.Time(moment.Draw(r, "received")), rapid.SampledFrom([]tomo.Outcome{tomo.OutcomeOK, tomo.OutcomeFault}).Draw(r, "outcome"),
				time.Duration(rapid.IntRange(2, 50).Draw(r, "took"))*time.Millisecond, rapid.Bool().Draw(r, "bank"))
		}
		q := query.SeriesQuestion{
			Range:  tomo.TimeRange{Start: tomo.Time(moment.Draw(r, "start")), End: tomo.Time(moment.Draw(r, "end"))},
			Period: rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute}).Draw(r, "period"),
		}
		which := rapid.IntRange(0, len(selectors)-1).Draw(r, "selector")
		q.Selector = selector(t, selectors[which])
		got := ask(t, store, q)

		want := &query.Series{Found: which == 0}
		period := tomo.Time(q.Period / time.Microsecond)
		for end := noon + 15*minute; end > noon-15*minute; end -= minute {
			if end%period != 0 || end < q.Range.Start || q.Range.End <= end || q.Range.End-q.Range.Start < period {
				continue
			}
			in := tomo.TimeRange{Start: end - period, End: end}
			point, anything := query.Point{End: end}, false
			for _, s := range store.traces {
				if !in.Contains(s.Units[0].Received) {
					continue
				}
				anything = true
				add := func(o tomo.Outcome, took time.Duration) {
					point.Statistics.Add(o, took)
					point.ResponseTimes.Add(took)
					want.Found = true
				}
				switch {
				case which == 0:
					add(s.Calls[0].Outcome, s.Calls[0].ResponseTime)
				case which == 1:
					add(s.Units[0].Outcome, s.Units[0].ResponseTime)
				case which == 2 && len(s.Units) > 1:
					add(s.Units[1].Outcome, s.Units[1].ResponseTime)
				case which == 3 && len(s.Calls) > 1:
					add(s.Calls[1].Outcome, s.Calls[1].ResponseTime)
				}
			}
			if anything {
				want.Points = append(want.Points, point)
			}
		}
		if len(want.Points) == 0 {
			want.Found = got.Found
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b tomo.Histogram) bool { return slices.Equal(a.Bins(), b.Bins()) })); diff != "" {
			r.Fatalf("%s of %v (-want +got):\n%s", selectors[which], q.Range, diff)
		}
	})
}

// TestSeriesForecast: faults are told of in advance from the day before each
// period, as soon as half an hour had requests.
func TestSeriesForecast(t *testing.T) {
	store := &received{}
	at := func(m int) tomo.Time { return noon + tomo.Time(m)*minute }
	one := func(m int, o tomo.Outcome) { store.put(at(m), o, 10*time.Millisecond, true) }
	for m := range 40 { // a minute of ten requests, of which one fails in every second
		for range 9 {
			one(m, tomo.OutcomeOK)
		}
		one(m, []tomo.Outcome{tomo.OutcomeOK, tomo.OutcomeFault}[m%2])
	}
	for range 30 {
		one(40, tomo.OutcomeFault)
	}
	one(24*60+20, tomo.OutcomeOK) // when half of the history is a day old
	q := query.SeriesQuestion{Range: tomo.TimeRange{Start: at(1), End: at(24*60 + 22)}, Selector: selector(t, `service("shop")`), Forecast: true}
	answer := ask(t, store, q)
	for _, p := range answer.Points {
		m := int((p.End-noon)/minute) - 1
		var want *derive.Band
		if 30 <= m && m < 24*60 { // the thirty minutes before
			history := derive.History{Minutes: m, Requests: int64(10 * m), Faults: int64(m / 2)}
			band, _ := history.Expect(p.Statistics.Total())
			want = &band
		}
		if diff := cmp.Diff(want, p.Faults); diff != "" {
			t.Errorf("minute %d, with %d requests: (-want +got):\n%s", m, p.Statistics.Total(), diff)
		}
	}
	if p := answer.Points[1]; p.Faults == nil || p.Statistics.Fault <= p.Faults.High {
		t.Errorf("30 of 30 requests failed, and %+v was expected", p.Faults)
	}
	// History counts where it lies before the range too.
	q.Range.Start = at(36)
	if p := ask(t, store, q).Points; p[len(p)-1].Faults == nil {
		t.Error("nothing expected of the first period of the range")
	}
	q.Forecast = false
	for _, p := range ask(t, store, q).Points {
		if p.Faults != nil {
			t.Errorf("%+v expected, and nobody asked", p.Faults)
		}
	}
	q.Forecast, q.Selector = true, selector(t, `service("none")`)
	for _, p := range ask(t, store, q).Points {
		if p.Faults != nil {
			t.Errorf("%+v expected of nothing", p.Faults)
		}
	}
}

func TestSeriesPages(t *testing.T) {
	store := &received{}
	const total = 4000
	for i := range total { // in an order that is neither up nor down
		store.put(noon+tomo.Time(i*1501%total)*minute, tomo.OutcomeOK, time.Millisecond, false)
	}
	q := query.SeriesQuestion{Range: tomo.TimeRange{Start: noon, End: noon + 2*total*minute}}
	var got []tomo.Time
	for pages := 1; ; pages++ {
		page := ask(t, store, q)
		for _, p := range page.Points {
			got = append(got, p.End)
			if p.Statistics.OK != 1 {
				t.Errorf("%d requests in the minute up to %v", p.Statistics.OK, p.End.Std())
			}
		}
		if q.Token = page.Token; q.Token == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
	}
	var want []tomo.Time
	for m := total; m > 0; m-- {
		want = append(want, noon+tomo.Time(m)*minute)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d points, want %d, each minute once", len(got), len(want))
	}
	for _, token := range []string{"x", "not-a-token", "AAAAAAAAAAA", "====", q.Token + "AAAAAAAAAAAAAA"} {
		q.Token = token
		_, err := query.New(store, query.Options{}).Series(context.Background(), q)
		var known *tomo.Error
		if !errors.As(err, &known) || known.Code != tomo.Invalid || known.Message != "Invalid token "+token {
			t.Errorf("token %s: %v", token, err)
		}
	}
}
