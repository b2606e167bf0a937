package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/filter"
)

// TestPlan: what a store can make of expressions. That no plan hides a match is
// for TestAgreement to find out.
func TestPlan(t *testing.T) {
	tests := []struct{ in, want string }{
		{``, `exactly always`},
		{`ok`, `exactly has root AND not has fault AND not has throttle AND not has error`},
		{`!ok`, `exactly not has root OR has fault OR has throttle OR has error`},
		{`error OR fault`, `exactly has error OR has fault`},
		{`partial`, `not complete`},
		{`!partial`, `has root AND not incomplete`},
		{`ok !partial duration < 3`, `has root AND not has fault AND not has throttle AND not has error AND not incomplete AND duration in [0..2.999999]`},
		{`inferred = false`, `exactly not node(inferred)`},
		{`duration >= 5 AND duration <= 8`, `exactly duration in [5..8]`},
		{`responsetime = 0.05`, `exactly response time in [0.05]`},
		{`responsetime != 1`, `exactly response time in [0..0.999999] OR response time in [1.000001..]`},
		{`!responsetime`, `exactly response time in [] or absent`},
		{`!(duration > 5)`, `exactly duration in [..5] or absent`},
		{`duration < -1`, `exactly never`},
		{`duration > -1`, `exactly duration in [0..]`},
		{`http.status != 200`, `exactly status in [1..199] OR status in [201..]`},
		{`http.status > 199.5`, `exactly status in [200..]`},
		{`!(http.status = 404)`, `exactly status in [405..] or absent OR status in [..403]`},
		{`http.url CONTAINS "/v2/"`, `exactly http.url CONTAINS "/v2/"`},
		{`!user`, `exactly not user CONTAINS ""`},
		{`user = "bob"`, `exactly user = "bob"`},
		{`name = "a"`, `exactly node("a")`},
		{`name = ""`, `exactly name = ""`},
		{`type BEGINSWITH "AWS::"`, `exactly type BEGINSWITH "AWS::"`},
		{`annotation.k = 1`, `exactly annotation.k = 1`},
		{`!annotation[a b]`, `exactly not annotation["a b"]`},
		{`service("a")`, `exactly node("a")`},
		{`!service("a")`, `exactly not node("a")`},
		{`service("a") { fault }`, `exactly unit("a", fault)`},
		{`service("a") { fault OR error }`, `exactly unit("a", error or fault)`},
		{`service("a") { fault OR responsetime > 2 }`, `exactly unit("a", fault) OR unit("a", response time in [2.000001..])`},
		{`service("a") { responsetime >= 1 AND responsetime <= 2 }`, `exactly unit("a", response time in [1..2])`},
		{`service() { responsetime < 1 }`, `unit(response time in [0..0.999999])`},
		{`service("a") { !ok http.status != 503 }`, `exactly unit("a", error or throttle or fault, status in [1..502]) OR unit("a", error or throttle or fault, status in [504..])`},
		{`service("a") { annotation.k = 1 user = "bob" http.url = "x" }`, `unit("a") AND annotation.k = 1 on "a" AND user = "bob"`},
		{`!service("a") { fault user = "bob" }`, `always`},
		{`service(id(type: "client")) { fault }`, `exactly unit(id(type: "client"), fault) OR (has root AND has fault)`},
		{`service(id(name: "a", type: "client")) { responsetime > 1 }`, `unit(id(name: "a", type: "client"), response time in [1.000001..]) OR (has root AND node(id(name: "a", type: "client")) AND response time in [1.000001..])`},
		{`service() { root = true and fault = true }`, `exactly unit(root, fault)`},
		{`service() { !root fault }`, `unit(not root, fault) OR (has root AND has fault)`},
		{`service("a") { name = "b" fault }`, `exactly never`},
		{`service() { name = "b" inferred }`, `exactly unit("b", inferred)`},
		{`service("a") { (ok OR fault) (http.status = 1 OR responsetime > 1) }`, `exactly unit("a", ok or fault, status in [1]) OR unit("a", ok or fault, response time in [1.000001..])`},
		{`edge("a", "b")`, `exactly call("a" to "b")`},
		{`edge("a", "b") { error responsetime > 1 }`, `exactly call("a" to "b", error, response time in [1.000001..])`},
		{`!edge() { fault }`, `exactly not call(any to any, fault)`},
		{`edge("a", "b") { source.annotation.k duration > 1 }`, `call("a" to "b") AND annotation.k`},
		{`rootcause.fault.service { name = "a" }`, `unit(fault)`},
		{`!rootcause.fault.service`, `always`},
		{`rootcause.responsetime.entity`, `response time in [0.000001..]`},
		{`rootcause.json = #[]`, `unit(error or throttle or fault) OR response time in [0.000001..]`},
		{`group.name = "slow"`, `exactly response time in [0.500001..]`},
		{`group.name = "none"`, `exactly never`},
		{`group.name = "bad" OR user = "bob"`, `exactly has fault OR unit("a", error) OR user = "bob"`},
		{`(fault AND user = "a") OR (error AND user = "b")`, `exactly (has fault AND user = "a") OR (has error AND user = "b")`},
		{`(ok) duration > 1 OR annotation.k`, `exactly (has root AND not has fault AND not has throttle AND not has error AND duration in [1.000001..]) OR annotation.k`},
	}
	for _, test := range tests {
		if got := filter.PlanFor(parse(t, test.in), knownGroups).String(); got != test.want {
			t.Errorf("the plan for %s is\n\t%s, want\n\t%s", test.in, got, test.want)
		}
	}
}

// TestLargePlan: a plan stays small, whatever the expression.
func TestLargePlan(t *testing.T) {
	tests := []struct {
		text       string
		conditions int
	}{
		{`user = "a"` + strings.Repeat(` OR user = "a"`, 200), 1},
		{`service("a") { fault ` + strings.Repeat("(responsetime = 1 OR http.status = 1)", 20) + `}`, 1},
		{`service("a") { fault ` + strings.Repeat("(responsetime > 1 OR http.url)", 20) + `}`, 1},
		{strings.Repeat(`(ok OR duration > 1 AND !(user fault OR `, 20) + "ok" + strings.Repeat("))", 20), 1},
		{`fault` + alternatives(" OR ", 500), 0}, // too many to keep, and one left out would hide its matches
		{`fault` + alternatives(" AND ", 500), 256},
	}
	for _, test := range tests {
		if got := filter.PlanFor(parse(t, test.text), nil); len(got.Conditions) != test.conditions || len(got.String()) > 10000 {
			t.Errorf("the plan for %s has %d conditions, want %d: %s", test.text, len(got.Conditions), test.conditions, got)
		}
	}
}

// alternatives is n conditions, each behind between and none like another.
func alternatives(between string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%suser=u%d", between, i)
	}
	return b.String()
}
