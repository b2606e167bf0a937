package filter_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
)

// matchVector is a line of testdata/match.jsonl: an expression and the traces
// of testdata/traces.jsonl that it holds for.
type matchVector struct {
	Expr  string   `json:"expr"`
	Match []string `json:"match"`
}

func TestMatch(t *testing.T) {
	traces := exampleTraces(t)
	for _, v := range readLines[matchVector](t, "testdata/match.jsonl") {
		m := filter.Compile(parse(t, v.Expr), exampleGroups(t))
		got := []string{}
		for _, trace := range traces {
			matches := m.Match(trace.detail)
			if matches {
				got = append(got, trace.name)
			}
			if answer := m.MatchSummary(trace.detail.Summary); answer != filter.Unknown && (answer == filter.Yes) != matches {
				t.Errorf("MatchSummary(%q) of %s is %v, Match is %v", v.Expr, trace.name, answer, matches)
			}
		}
		if diff := cmp.Diff(v.Match, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", v.Expr, diff)
		}
	}
}

// exampleTrace is one of the traces of testdata/traces.jsonl:
//
//	t1  a good request with a call to DynamoDB, whose table is inferred
//	t2  the root answered 200 although its callee failed
//	t3  the root fails because of a service that sends no segments
//	t4  a 404 without a reason
//	t5  a throttled root
//	t6  an open root
//	t7  a Lambda function that fails below the service's segment
//	t8  the root has not come
type exampleTrace struct {
	name   string
	detail *tomo.Detail
}

func exampleTraces(t testing.TB) []exampleTrace {
	t.Helper()
	type line struct {
		Trace     string
		Documents []json.RawMessage
	}
	var traces []exampleTrace
	for _, l := range readLines[line](t, "testdata/traces.jsonl") {
		var docs []tomo.RawDocument
		for _, text := range l.Documents {
			docs = append(docs, tomo.RawDocument{Text: text, Received: 1700001000e6})
		}
		traces = append(traces, exampleTrace{l.Trace, detailOf(t, docs)})
	}
	return traces
}

func detailOf(t testing.TB, docs []tomo.RawDocument) *tomo.Detail {
	t.Helper()
	var d tomo.Document
	if refusal := d.Parse(docs[0]); refusal != nil {
		t.Fatalf("%s: %v", docs[0].Text, refusal)
	}
	return derive.Detail(d.TraceID, docs)
}

// exampleGroups knows the group high_response_time and some whose expressions
// mention others: a chain of nine, g0 to g8, of which the last matches all, and
// two that mention each other.
func exampleGroups(t testing.TB) filter.Groups {
	expressions := map[string]string{
		"high_response_time": "responsetime > 3",
		"chicken":            `fault OR group.name = "egg"`,
		"egg":                `error OR group.name = "chicken"`,
		"g8":                 "",
	}
	for i := range 8 {
		expressions["g"+string(rune('0'+i))] = `group.name = "g` + string(rune('1'+i)) + `"`
	}
	return func(g filter.Group) (filter.Expr, bool) {
		name := g.Text
		if g.By == filter.GroupARN {
			name = strings.TrimPrefix(name, "arn:")
		}
		text, known := expressions[name]
		if !known {
			return nil, false
		}
		return parse(t, text), true
	}
}

func parse(t testing.TB, text string) filter.Expr {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return e
}

// TestGroups: groups that mention groups, and how deep.
func TestGroups(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{`group.arn = "arn:high_response_time"`, []string{"t2"}},
		{`group.arn = "high_response_time_"`, nil},
		{`group.name = "chicken"`, []string{"t3", "t4", "t7"}},
		{`group.name = "egg" AND group.name = "chicken"`, []string{"t3", "t4", "t7"}},
		{`!group.name = "egg" responsetime`, []string{"t1", "t2", "t5"}},
		{`group.name = "g1"`, []string{"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"}},
		{`group.name = "g0"`, nil}, // nine in a row
	}
	traces := exampleTraces(t)
	for _, test := range tests {
		m := filter.Compile(parse(t, test.in), exampleGroups(t))
		var got []string
		for _, trace := range traces {
			if m.Match(trace.detail) {
				got = append(got, trace.name)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.in, got, test.want)
		}
	}
	if filter.Match(parse(t, `group.name = "high_response_time"`), traces[1].detail, nil) {
		t.Error("a group matches although none is known")
	}
}

// TestManyGroups: groups that mention many groups are each asked once.
func TestManyGroups(t *testing.T) {
	groups := func(g filter.Group) (filter.Expr, bool) {
		var all filter.Or
		for i := range 24 {
			all = append(all, filter.Group{Text: string(rune('a' + i))})
		}
		return all, true
	}
	m := filter.Compile(parse(t, `group.name = "a"`), groups)
	for _, trace := range exampleTraces(t) {
		if m.Match(trace.detail) {
			t.Errorf("%s matches", trace.name)
		}
	}
}
