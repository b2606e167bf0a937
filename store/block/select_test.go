package block_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/block"
)

// asker draws conditions about what some summaries have, so that they hold for
// a part of them.
type asker struct {
	*rapid.T
	rows []tomo.Settled
}

func (a asker) summary() *tomo.Summary {
	return a.rows[rapid.IntRange(0, len(a.rows)-1).Draw(a.T, "row")].Summary
}

func (a asker) yes() bool { return rapid.Bool().Draw(a.T, "yes") }

// pick draws an element, or a fallback where there is none.
func pick[E any](a asker, list []E, fallback E) E {
	if len(list) == 0 {
		return fallback
	}
	return rapid.SampledFrom(list).Draw(a.T, "element")
}

func (a asker) span(n int64) filter.Range {
	switch rapid.IntRange(0, 4).Draw(a.T, "span") {
	case 0:
		return filter.Range{Min: n, Max: n}
	case 1:
		return filter.Range{Min: n, Max: math.MaxInt64}
	case 2:
		return filter.Range{Min: math.MinInt64, Max: n}
	default:
		return filter.Everything
	}
}

func (a asker) id() filter.ID {
	n := pick(a, a.summary().Nodes, tomo.Node{})
	return filter.ID{NodeID: n.NodeID, Given: filter.IDFields(rapid.IntRange(0, 7).Draw(a.T, "given"))}
}

func (a asker) op() filter.Op {
	return rapid.SampledFrom([]filter.Op{filter.Equal, filter.Unequal, filter.Contains, filter.BeginsWith, filter.EndsWith}).Draw(a.T, "op")
}

func (a asker) wish() filter.Wish {
	return rapid.SampledFrom([]filter.Wish{filter.Either, filter.Either, filter.Wanted, filter.Unwanted}).Draw(a.T, "wish")
}

func (a asker) outcomes() filter.Outcomes {
	return rapid.SampledFrom([]filter.Outcomes{filter.AnyOutcome, 1 << tomo.OutcomeFault, 1 << tomo.OutcomeOK, 0, 6}).Draw(a.T, "outcomes")
}

func (a asker) text(c filter.TextColumn) string {
	s := a.summary()
	n := pick(a, s.Nodes, tomo.Node{})
	text := map[filter.TextColumn]string{
		filter.URL: s.HTTP.URL, filter.Method: s.HTTP.Method, filter.UserAgent: s.HTTP.UserAgent, filter.ClientIP: s.HTTP.ClientIP,
		filter.UserName: pick(a, s.Users, tomo.User{}).Name, filter.ResourceARN: pick(a, s.ResourceARNs, ""),
		filter.InstanceID: pick(a, s.InstanceIDs, ""), filter.AvailabilityZone: pick(a, s.AvailabilityZones, ""),
		filter.NodeName: n.Name, filter.NodeType: n.Type, filter.NodeAccount: n.Account,
	}[c]
	letters := []rune(text)
	from := rapid.IntRange(0, len(letters)).Draw(a.T, "from")
	return rapid.SampledFrom([]string{text, text, string(letters[from:]), string(letters[:from])}).Draw(a.T, "text")
}

func (a asker) condition(depth int) filter.Condition {
	highest := 8
	if depth == 0 {
		highest = 6
	}
	s := a.summary()
	switch rapid.IntRange(0, highest).Draw(a.T, "condition") {
	case 0:
		return filter.FlagIs{Flag: filter.Flag(rapid.IntRange(0, int(filter.IsIncomplete)).Draw(a.T, "flag")), Want: a.yes()}
	case 1:
		c := filter.NumberColumn(rapid.IntRange(0, 2).Draw(a.T, "column"))
		n := map[filter.NumberColumn]int64{filter.Duration: s.Duration.Microseconds(), filter.ResponseTime: s.ResponseTime.Microseconds(), filter.Status: int64(s.HTTP.Status)}[c]
		return filter.NumberIn{Column: c, Range: a.span(n), OrAbsent: a.yes()}
	case 2:
		c := filter.TextColumn(rapid.IntRange(0, int(filter.NodeAccount)).Draw(a.T, "column"))
		return filter.TextIs{Column: c, Op: a.op(), Text: a.text(c), Not: a.yes()}
	case 3:
		return filter.NodeIs{ID: a.id(), Inferred: a.wish(), Not: a.yes()}
	case 4:
		u := pick(a, s.Units, tomo.Unit{})
		return filter.UnitIs{Of: a.id(), Inferred: a.wish(), Root: a.wish(), Outcomes: a.outcomes(), Status: a.span(int64(u.Status)),
			ResponseTime: a.span(u.ResponseTime.Microseconds()), Duration: a.span(u.Duration.Microseconds()), Not: a.yes()}
	case 5:
		c := pick(a, s.Calls, tomo.Call{})
		return filter.CallIs{From: a.id(), To: a.id(), Outcomes: a.outcomes(), Status: a.span(int64(c.Status)),
			ResponseTime: a.span(c.ResponseTime.Microseconds()), Not: a.yes()}
	case 6:
		known := pick(a, s.Annotations, tomo.SummaryAnnotation{})
		c := filter.AnnotationIs{Key: known.Key, Truthy: a.yes(), Value: known.Value, Not: a.yes()}
		switch known.Value.Kind {
		case tomo.StringValue:
			c.Op = a.op()
		case tomo.NumberValue:
			c.Op = filter.Op(rapid.IntRange(0, int(filter.AtLeast)).Draw(a.T, "op"))
		default:
			c.Op = filter.Op(rapid.IntRange(0, 1).Draw(a.T, "op"))
		}
		if a.yes() {
			c.Of = a.id()
		}
		return c
	default:
		var parts []filter.Condition
		for range rapid.IntRange(0, 3).Draw(a.T, "parts") {
			parts = append(parts, a.condition(depth-1))
		}
		if a.yes() {
			return filter.AnyOf(parts)
		}
		return filter.AllOf(parts)
	}
}

// TestSelect holds what columns tell against what summaries tell.
func TestSelect(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.SliceOfN(genSettled, 1, 30).Draw(r, "rows")
		for i := range rows {
			rows[i].Dropped = false
		}
		for _, row := range rows {
			s := row.Summary
			for i := range s.Annotations {
				s.Annotations[i].Nodes = slices.DeleteFunc(s.Annotations[i].Nodes, func(n int) bool { return n >= len(s.Nodes) })
			}
		}
		_, file := write(t, rows, block.Options{RowGroupSize: rapid.SampledFrom([]int64{0, 1}).Draw(r, "group")})
		b, err := block.Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			r.Fatal(err)
		}
		whole, err := b.Summaries(0, len(rows))
		if err != nil {
			r.Fatal(err)
		}
		for range 8 {
			var conditions []filter.Condition
			for range rapid.IntRange(0, 2).Draw(r, "conditions") {
				conditions = append(conditions, asker{r, rows}.condition(2))
			}
			checkSelect(r, b, whole, filter.Plan{Conditions: conditions})
		}
	})
}

func checkSelect(r *rapid.T, b *block.Block, whole []*tomo.Summary, p filter.Plan) {
	r.Helper()
	from := rapid.IntRange(0, len(whole)).Draw(r, "from")
	to := rapid.IntRange(from, len(whole)).Draw(r, "to")
	var want []int
	var summaries []*tomo.Summary
	for row := from; row < to; row++ {
		if p.Holds(whole[row]) {
			want, summaries = append(want, row), append(summaries, whole[row])
		}
	}
	got, err := b.Select(p, from, to)
	if err != nil || !slices.Equal(got, want) {
		r.Fatalf("%v selects %v of %d to %d, %v; want %v", p, got, from, to, err, want)
	}
	read, err := b.SummariesOf(got)
	if err != nil || len(read) != len(summaries) {
		r.Fatalf("reading rows %v: %d, %v", got, len(read), err)
	}
	for i := range read {
		if !reflect.DeepEqual(read[i], summaries[i]) {
			r.Fatalf("row %d of %v reads as %+v; want %+v", got[i], got, read[i], summaries[i])
		}
	}
}

// TestSelectPages asks a block of many pages and row groups.
func TestSelectPages(t *testing.T) {
	_, file := write(t, newShop(3).traces(5000), block.Options{RowGroupSize: 1 << 20})
	b := open(t, file)
	whole, err := b.Summaries(0, 5000)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`fault`, `service("payments") { fault }`, `service("payments") { fault } AND duration > 0.2`, `!service("payments") { fault OR error }`,
		`edge("web-frontend", "orders-api") { responsetime > 0.1 }`, `annotation.tenant = "tenant-7"`, `annotation.cart_value < 3`,
		`annotation.unknown`, `service("nobody")`, `inferred`, `user = "user-77"`, `http.url CONTAINS "checkout" AND http.status != 200`,
		`instance.id ENDSWITH "3" AND type = "Database::SQL" AND responsetime >= 0.05`, `service(id(type: "AWS::EC2::Instance")) { root }`,
	} {
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p := filter.PlanFor(e, nil)
		var want []int
		for row, s := range whole {
			if p.Holds(s) {
				want = append(want, row)
			}
		}
		got, err := b.Select(p, 0, 5000)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, %v; want %d", text, len(got), err, len(want))
		}
		few := want[:min(len(want), 300)]
		read, err := b.SummariesOf(few)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for i, row := range few {
			if !reflect.DeepEqual(read[i], whole[row]) {
				t.Errorf("%s: row %d does not read as it should", text, row)
			}
		}
	}
	for _, rows := range [][]int{{-1}, {5000}, {7, 6}, {7, 7}} {
		if _, err := b.SummariesOf(rows); err == nil {
			t.Errorf("rows %v were read", rows)
		}
	}
}

// TestSelectValue asks a block of many pages for annotations that few traces
// have, and for ones that look like them.
func TestSelectValue(t *testing.T) {
	text := func(s string) tomo.Value { return tomo.Value{Kind: tomo.StringValue, String: s} }
	number := func(n float64) tomo.Value { return tomo.Value{Kind: tomo.NumberValue, Number: n} }
	rows := newShop(3).traces(5000)
	for at, value := range map[int]tomo.Value{
		7: text("order-7"), 1500: text("order-7"), 2500: text("\xffbroken"), 3000: number(12.5), 4000: number(0), 4001: number(math.Copysign(0, -1)), 4999: text(""),
	} {
		s := rows[at].Summary
		s.Annotations = append(s.Annotations, tomo.SummaryAnnotation{Annotation: tomo.Annotation{Key: "order", Value: value}, Nodes: []int{0}})
	}
	_, file := write(t, rows, block.Options{RowGroupSize: 1 << 20})
	b := open(t, file)
	whole, err := b.Summaries(0, len(rows))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key   string
		value tomo.Value
		want  int
	}{
		{"order", text("order-7"), 2}, {"order", text("order-"), 0}, {"orde", text("rorder-7"), 0}, {"order", text("\uFFFDbroken"), 1},
		{"order", text("12.5"), 0}, {"order", number(12.5), 1}, {"order", number(0), 2}, {"order", number(math.Copysign(0, -1)), 2},
		{"order", text(""), 1}, {"tenant", text("order-7"), 0}, {"order", tomo.Value{Kind: tomo.BoolValue}, 0},
	} {
		for _, not := range []bool{false, true} {
			p := filter.Plan{Conditions: []filter.Condition{filter.AnnotationIs{Key: tt.key, Op: filter.Equal, Value: tt.value, Not: not}}}
			var want []int
			for row, s := range whole {
				if p.Holds(s) {
					want = append(want, row)
				}
			}
			if n := len(want); n != tt.want && !not {
				t.Errorf("%v holds for %d summaries, not %d", p, n, tt.want)
			}
			if got, err := b.Select(p, 0, len(rows)); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v selects %v, %v; want %v", p, got, err, want)
			}
		}
	}
}

// BenchmarkSelect asks a block of 20,000 traces.
func BenchmarkSelect(b *testing.B) {
	const rows = 20_000
	_, file := write(b, newShop(1).traces(rows), block.Options{})
	blk := open(b, file)
	for _, text := range []string{
		`service("payments")`, `service("payments") { fault }`, `annotation.tenant = "tenant-7"`, `annotation.cart_value < 1`, `duration > 0.4`, `user = "user-77"`,
		`service("payments") { fault } AND duration > 0.1 AND annotation.tenant = "tenant-7" AND http.status = 502 AND edge("orders-api", "payments")`,
	} {
		e, err := filter.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		p := filter.PlanFor(e, nil)
		b.Run(fmt.Sprint(text), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := blk.Select(p, 0, rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/trace")
		})
	}
}
