package filter_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"pgregory.net/rapid"
)

// TestAgreement: whatever the trace and the expression, what the summary and
// the plan say is never contradicted by Match.
func TestAgreement(t *testing.T) {
	var answers [3]int
	var exact, held, matched int
	rapid.Check(t, func(t *rapid.T) {
		d := drawTrace(t)
		for i := range 200 {
			if i%40 == 0 {
				d = drawTrace(t)
			}
			e := drawExpr(t, filter.InTrace, 3)
			m := filter.Compile(e, knownGroups)
			matches := m.Match(d)
			if filter.Match(filter.Not{Part: e}, d, knownGroups) == matches {
				t.Fatalf("%s and its negation are both %v", e, matches)
			}
			answer := m.MatchSummary(d.Summary)
			if answer != filter.Unknown && (answer == filter.Yes) != matches {
				t.Fatalf("MatchSummary(%s) is %v, Match is %v", e, answer, matches)
			}
			if answer == filter.Unknown && m.Needs() == 0 {
				t.Fatalf("MatchSummary(%s) is %v, but Match looks at nothing else", e, answer)
			}
			if m.Match(only(m.Needs(), d)) != matches {
				t.Fatalf("Match(%s) is %v, and the opposite without the parts that it does not need", e, matches)
			}
			holds := m.Plan().Holds(d.Summary)
			if matches && !holds {
				t.Fatalf("%s matches, but its plan does not hold: %s", e, m.Plan())
			}
			if m.Plan().Exact && holds && !matches {
				t.Fatalf("%s does not match, but its plan holds: %s", e, m.Plan())
			}
			answers[answer]++
			count(&exact, m.Plan().Exact)
			count(&held, holds)
			count(&matched, matches)
		}
	})
	t.Logf("no, unknown, yes: %v; %d plans were exact, %d held, %d matched", answers, exact, held, matched)
	if answers[filter.No] == 0 || answers[filter.Unknown] == 0 || answers[filter.Yes] == 0 || exact == 0 || held <= matched {
		t.Error("the test does not reach everything")
	}
}

// only is a detail with some of its parts.
func only(parts tomo.DetailParts, d *tomo.Detail) *tomo.Detail {
	some := &tomo.Detail{Summary: d.Summary, RootUnit: -1}
	if parts&(tomo.WhatIsMissing|tomo.WhatUnitsSaid) != 0 {
		some.Incomplete, some.RootUnit = d.Incomplete, d.RootUnit
	}
	if parts&tomo.WhatUnitsSaid != 0 {
		some.UnitDetails, some.CallDetails = d.UnitDetails, d.CallDetails
	}
	if parts&tomo.ResponseTimeRootCauses != 0 {
		some.RootCauses.ResponseTime = d.RootCauses.ResponseTime
	}
	if parts&tomo.FaultRootCauses != 0 {
		some.RootCauses.Fault = d.RootCauses.Fault
	}
	if parts&tomo.ErrorRootCauses != 0 {
		some.RootCauses.Error = d.RootCauses.Error
	}
	return some
}

func count(n *int, b bool) {
	if b {
		*n++
	}
}

func knownGroups(g filter.Group) (filter.Expr, bool) {
	text, known := map[string]string{"slow": "responsetime > 0.5", "bad": `fault OR service("a") { error }`, "both": `group.name = "slow" group.name = "bad"`}[g.Text]
	if !known {
		return nil, false
	}
	e, err := filter.Parse(text)
	return e, err == nil
}

// The words of drawn traces and expressions. They are few, so that they meet.
var (
	names    = []string{"a", "b", "c"}
	origins  = []string{"", "", "AWS::EC2::Instance", "client", "remote", "AWS::SQS::Queue"}
	texts    = []string{"", "x", "xy", "yx"}
	statuses = []int{200, 404, 429, 500, 503}
	keys     = []string{"k", "l", "m n"}
	accounts = []string{"", "1", "2"}
)

// drawTrace draws documents of a trace, well formed and not, and derives it.
func drawTrace(t *rapid.T) *tomo.Detail {
	id, _ := tomo.ParseTraceID("1-6553f100-0123456789abcdef01234567")
	n := rapid.IntRange(1, 4).Draw(t, "documents")
	next := 0
	var docs []tomo.RawDocument
	for i := range n {
		s := drawEntity(t, &next, 2)
		s["trace_id"] = id.String()
		if next > 1 && rapid.IntRange(0, 3).Draw(t, "has parent") > 0 {
			s["parent_id"] = fmt.Sprintf("%016x", rapid.IntRange(1, next+1).Draw(t, "parent"))
			if rapid.IntRange(0, 4).Draw(t, "independent") == 0 {
				s["type"] = "subsegment"
			}
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, tomo.RawDocument{Text: text, Received: 1700000100e6 + tomo.Time(i)})
	}
	return derive.Detail(id, docs)
}

func drawEntity(t *rapid.T, next *int, depth int) map[string]any {
	*next++
	start := float64(rapid.IntRange(0, 8).Draw(t, "start")) / 8
	e := map[string]any{
		"id":         fmt.Sprintf("%016x", *next),
		"name":       pick(t, names),
		"start_time": 1700000000 + start,
	}
	if rarely(t) {
		e["in_progress"] = true
	} else {
		e["end_time"] = 1700000000 + start + float64(rapid.IntRange(0, 8).Draw(t, "length"))/8
	}
	set := func(name string, value any) {
		if value != "" && rapid.IntRange(0, 2).Draw(t, name) == 0 {
			e[name] = value
		}
	}
	set("origin", pick(t, origins))
	set("namespace", pick(t, []string{"aws", "remote", "local"}))
	set("user", pick(t, texts))
	set("resource_arn", pick(t, texts))
	if rarely(t) {
		e["inferred"] = true
	}
	for _, flag := range []string{"fault", "error", "throttle"} {
		if rarely(t) {
			e[flag] = true
		}
	}
	if rapid.Bool().Draw(t, "http") {
		e["http"] = map[string]any{
			"request":  map[string]any{"url": pick(t, texts), "method": pick(t, texts), "user_agent": pick(t, texts), "client_ip": pick(t, texts)},
			"response": map[string]any{"status": pick(t, statuses)},
		}
	}
	if rapid.Bool().Draw(t, "aws") {
		e["aws"] = map[string]any{
			"account_id": pick(t, accounts), "operation": pick(t, []string{"SendMessage", "GetItem"}), "queue_url": pick(t, names), "table_name": pick(t, names),
			"ec2": map[string]any{"instance_id": pick(t, texts), "availability_zone": pick(t, texts)},
		}
		if rapid.Bool().Draw(t, "a queue") {
			e["name"], e["namespace"] = "SQS", "aws"
		}
	}
	if rapid.Bool().Draw(t, "annotations") {
		e["annotations"] = map[string]any{"k": drawValue(t), "l": drawValue(t), "m.n": drawValue(t)}
	}
	if rarely(t) {
		e["cause"] = map[string]any{"exceptions": []any{map[string]any{"id": fmt.Sprintf("%016x", 1000+*next), "type": pick(t, texts), "message": pick(t, texts)}}}
	}
	if depth > 0 {
		var below []any
		for range rapid.IntRange(0, 2).Draw(t, "subsegments") {
			below = append(below, drawEntity(t, next, depth-1))
		}
		if below != nil {
			e["subsegments"] = below
		}
	}
	return e
}

func drawValue(t *rapid.T) any {
	return pick(t, []any{"", "x", "xy", 0.0, 1.0, 2.5, true, false})
}

func pick[T any](t *rapid.T, list []T) T { return rapid.SampledFrom(list).Draw(t, "one") }

func rarely(t *rapid.T) bool { return rapid.IntRange(0, 5).Draw(t, "rarely") == 0 }

// drawExpr draws an expression of any kind that the scope allows.
func drawExpr(t *rapid.T, in filter.Scope, depth int) filter.Expr {
	if depth > 0 {
		switch rapid.IntRange(0, 6).Draw(t, "shape") {
		case 0:
			return filter.And{drawExpr(t, in, depth-1), drawExpr(t, in, depth-1)}
		case 1:
			return filter.Or{drawExpr(t, in, depth-1), drawExpr(t, in, depth-1)}
		case 2:
			return filter.Not{Part: drawExpr(t, in, depth-1)}
		}
	}
	if in == filter.InTrace && rapid.Bool().Draw(t, "block") {
		return drawTest(t, depth)
	}
	var allowed []filter.Keyword
	for _, k := range filter.Keywords() {
		if k.Allowed(in) && k.Type <= filter.Annotation {
			allowed = append(allowed, k)
		}
	}
	k := pick(t, allowed)
	f := filter.Field{Keyword: k.Name}
	op := func(last filter.Op) filter.Op { return filter.Op(rapid.IntRange(0, int(last)).Draw(t, "operator")) }
	switch k.Type {
	case filter.Boolean:
		return filter.Compare{Field: f, Op: op(filter.Unequal), Value: tomo.Value{Kind: tomo.BoolValue, Bool: rapid.Bool().Draw(t, "truth")}}
	case filter.Annotation:
		f.Key = pick(t, keys)
	}
	if rapid.IntRange(0, 4).Draw(t, "alone") == 0 {
		return filter.Set{Field: f}
	}
	switch k.Type {
	case filter.Number:
		number := pick(t, []float64{-1, 0, 0.125, 0.5, 0.7, 1, 2})
		if k.Name == "http.status" {
			number = float64(pick(t, append([]int{0, 600}, statuses...)))
		}
		return filter.Compare{Field: f, Op: op(filter.AtLeast), Value: tomo.Value{Kind: tomo.NumberValue, Number: number}}
	case filter.Annotation:
		switch value := drawValue(t).(type) {
		case float64:
			return filter.Compare{Field: f, Op: op(filter.AtLeast), Value: tomo.Value{Kind: tomo.NumberValue, Number: value}}
		case bool:
			return filter.Compare{Field: f, Op: op(filter.Unequal), Value: tomo.Value{Kind: tomo.BoolValue, Bool: value}}
		}
	}
	word := pick(t, texts)
	switch k.Name {
	case "name":
		word = pick(t, names)
	case "type":
		word = pick(t, append(origins, "AWS::DynamoDB::Table"))
	case "account.id":
		word = pick(t, accounts)
	}
	return filter.Compare{Field: f, Op: pick(t, []filter.Op{filter.Equal, filter.Unequal, filter.Contains, filter.BeginsWith, filter.EndsWith}), Value: tomo.Value{String: word}}
}

// drawTest draws what stands at the top level only.
func drawTest(t *rapid.T, depth int) filter.Expr {
	block := func(in filter.Scope) filter.Expr {
		if rapid.IntRange(0, 3).Draw(t, "no block") == 0 {
			return nil
		}
		return drawExpr(t, in, depth)
	}
	switch rapid.IntRange(0, 7).Draw(t, "test") {
	case 0, 1, 2:
		return filter.Service{Node: drawID(t), Block: block(filter.InService)}
	case 3, 4:
		e := filter.Edge{Block: block(filter.InEdge)}
		if rapid.Bool().Draw(t, "ends") {
			for e.From.Given == 0 || e.To.Given == 0 {
				e.From, e.To = drawID(t), drawID(t)
			}
		}
		return e
	case 5:
		return filter.Group{Text: pick(t, []string{"slow", "bad", "both", "none"})}
	case 6:
		return filter.CauseJSON{Patterns: pick(t, []string{"[]", `[{"ClientImpacting":true}]`, `[{"Services":[{"Name":"a","Type":null}]}]`})}
	default:
		e := filter.Cause{
			Category: filter.Category(rapid.IntRange(0, 2).Draw(t, "category")),
			Part:     filter.Part(rapid.IntRange(0, 2).Draw(t, "part")),
		}
		in := filter.InCause
		switch {
		case e.Category == filter.ResponseTimeCause && e.Part != filter.ServicePart:
			e.Part, in = filter.EntityPart, filter.InSlowEntity
		case e.Part == filter.EntityPart:
			in = filter.InEntity
		case e.Part == filter.ExceptionPart:
			in = filter.InException
		}
		e.Block = block(in)
		return e
	}
}

func drawID(t *rapid.T) (id filter.ID) {
	id.Given = filter.IDFields(rapid.IntRange(0, 7).Draw(t, "given"))
	if id.Given&filter.ByName != 0 {
		id.Name = pick(t, names)
	}
	if id.Given&filter.ByType != 0 {
		id.Type = pick(t, append(origins, "AWS::DynamoDB::Table"))
	}
	if id.Given&filter.ByAccount != 0 {
		id.Account = pick(t, accounts)
	}
	return id
}

// TestPrintDrawn: drawn expressions print as text that is parsed to the same.
func TestPrintDrawn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := drawExpr(rt, filter.InTrace, 4)
		parsed, err := filter.Parse(e.String())
		if err != nil {
			rt.Fatalf("%s: %v", e, err)
		}
		if parsed.String() != e.String() {
			rt.Fatalf("%s becomes %s", e, parsed)
		}
	})
}
