package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/server"
)

// settle settles everything.
func (d *door) settle() {
	d.t.Helper()
	ctx := d.t.Context()
	due, err := d.store.Due(ctx, tomo.SettlePolicy{Round: 1 << 40})
	if err != nil {
		d.t.Fatal(err)
	}
	var rows []tomo.Settled
	for _, trace := range due {
		rows = append(rows, tomo.Settled{Summary: derive.Summary(trace.ID, trace.Documents), Documents: trace.Documents})
	}
	if err := d.store.Settle(ctx, rows); err != nil {
		d.t.Fatal(err)
	}
	if len(rows) == 0 {
		d.t.Fatal("there was nothing to settle")
	}
}

// panelSpan is the twenty minutes that the panels of these tests show.
var panelSpan = span{time.Unix(1699999200, 0), time.Unix(1700000400, 0)}

// must is for calls of the data source that have to succeed.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// putCheckout stores the traces that the panels show.
func (d *door) putCheckout() {
	d.t.Helper()
	d.put(checkout(d.t)...)
	d.put(
		// Nothing but a name; an id that is no time, as OpenTelemetry makes them.
		`{"trace_id":"1-deadbeef-000000000000000000000001","id":"1000000000000001","name":"cron","start_time":1700000000,"end_time":1700000001}`,
		// A fault, and an exception of which nothing is known.
		`{"trace_id":"1-6553f100-000000000000000000000002","id":"2000000000000001","name":"shop.example.com","origin":"AWS::ECS::Container","start_time":1700000000,"end_time":1700000001,"fault":true,
			"http":{"request":{"url":"https://shop.example.com/checkout"},"response":{"status":500}},"cause":{"exceptions":[{"id":"2000000000000002"}]},"user":"u-42"}`,
		// An error of a subsegment that was never received whole.
		`{"trace_id":"1-6553f100-000000000000000000000003","id":"3000000000000001","parent_id":"3000000000000000","type":"subsegment","name":"lost","namespace":"remote","start_time":1700000000,"end_time":1700000001,"error":true}`,
		// One that is still at work.
		`{"trace_id":"1-6553f100-000000000000000000000004","id":"4000000000000001","name":"shop.example.com","start_time":1700000000,"in_progress":true}`,
	)
}

// TestGrafanaCalls runs through the panels and holds each call against the one
// that the data source sends.
func TestGrafanaCalls(t *testing.T) {
	text, err := os.ReadFile("testdata/grafana.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	type step struct {
		Panel string
		Calls []sentCall
	}
	var recorded []step
	for lines := json.NewDecoder(bytes.NewReader(text)); lines.More(); {
		var s step
		if err := lines.Decode(&s); err != nil {
			t.Fatal(err)
		}
		recorded = append(recorded, s)
	}
	d := open(t, server.Options{})
	d.putCheckout()
	d.arnOf("slow", "responsetime > 0.5")
	g, ctx, s := newGrafana(d.url), t.Context(), panelSpan
	groups, chosen, err := g.groups(ctx)
	if err != nil || chosen != "Default" || len(groups) != 2 {
		t.Fatalf("groups %v, of which %q is shown first: %v", groups, chosen, err)
	}
	slow := groups[1]
	panels := map[string]func() error{
		"save and test":      func() error { _, err := g.client.GetGroups(ctx, &xray.GetGroupsInput{}); return err },
		"traces":             func() error { _, err := g.traces(ctx, s, ""); return err },
		"traces of a query":  func() error { _, err := g.traces(ctx, s, inGroup(groups[0], "fault")); return err },
		"traces of a group":  func() error { _, err := g.traces(ctx, s, inGroup(slow, "")); return err },
		"traces of both":     func() error { _, err := g.traces(ctx, s, inGroup(slow, "fault")); return err },
		"trace":              func() error { _, err := g.spans(ctx, trace); return err },
		"W3C trace":          func() error { _, err := g.spans(ctx, "deadbeef000000000000000000000001"); return err },
		"map of a trace":     func() error { _, err := g.traceGraph(ctx, trace); return err },
		"map":                func() error { _, err := g.serviceMap(ctx, s, chosen); return err },
		"accounts":           func() error { _, err := g.accounts(ctx, s); return err },
		"statistics":         func() error { _, err := g.statistics(ctx, s, "", 60); return err },
		"statistics of one":  func() error { _, err := g.statistics(ctx, s, `service(id(name: "cron", type: ""))`, 300); return err },
		"analytics":          func() error { _, err := g.analyse(ctx, s, chosen, ""); return err },
		"analytics of query": func() error { _, err := g.analyse(ctx, s, chosen, "fault"); return err },
		"insights":           func() error { _, err := g.insights(ctx, s, chosen, types.InsightStateActive); return err },
	}
	for _, r := range recorded {
		t.Run(r.Panel, func(t *testing.T) {
			run := panels[r.Panel]
			if run == nil {
				t.Fatal("there is no such panel")
			}
			delete(panels, r.Panel)
			g.sent = nil
			failure := run()
			// Quarters are asked for at once, and come in any order.
			inOrder := func(a, b sentCall) int { return strings.Compare(fmt.Sprint(a.Body), fmt.Sprint(b.Body)) }
			slices.SortStableFunc(g.sent, inOrder)
			slices.SortStableFunc(r.Calls, inOrder)
			if diff := cmp.Diff(r.Calls, g.sent); diff != "" {
				t.Errorf("not what the data source sends (-recorded +sent):\n%s", diff)
			}
			if failure != nil {
				t.Fatal(failure)
			}
			g.ok(t)
		})
	}
	for panel := range panels {
		t.Errorf("nothing is recorded of %s", panel)
	}
}

// TestGrafana looks at what the panels show, open and settled.
func TestGrafana(t *testing.T) {
	d := open(t, server.Options{})
	d.putCheckout()
	arn := d.arnOf("slow", "responsetime > 0.5")
	t.Run("open", func(t *testing.T) { checkGrafana(t, d.url, arn) })
	d.settle()
	t.Run("settled", func(t *testing.T) { checkGrafana(t, d.url, arn) })
}

func checkGrafana(t *testing.T, url, slowARN string) {
	g, ctx, s := newGrafana(url), t.Context(), panelSpan

	t.Run("groups", func(t *testing.T) {
		groups, chosen, err := g.groups(ctx)
		if err != nil || chosen != "Default" {
			t.Errorf("%q is shown first: %v", chosen, err)
		}
		var got []string
		for _, group := range groups {
			got = append(got, aws.ToString(group.GroupName)+" "+aws.ToString(group.GroupARN)+" "+aws.ToString(group.FilterExpression))
		}
		if want := []string{"Default " + defaultARN + " ", "slow " + slowARN + " responsetime > 0.5"}; !slices.Equal(got, want) {
			t.Errorf("groups %q, want %q", got, want)
		}
		g.ok(t)
	})

	t.Run("traces", func(t *testing.T) { // G1, G8
		rows := must[[]traceRow](t)(g.traces(ctx, s, ""))
		slices.SortFunc(rows, func(a, b traceRow) int { return strings.Compare(a.ID, b.ID) })
		want := []traceRow{
			{ID: "1-6553f100-000000000000000000000002", URL: "https://shop.example.com/checkout", Status: 500, Duration: 1},
			{ID: "1-6553f100-000000000000000000000003"}, // its duration is not known
			{ID: "1-6553f100-000000000000000000000004"},
			{ID: trace, Method: "GET", URL: "https://shop.example.com/checkout", Client: "203.0.113.7", Status: 200, Duration: 1.5, Annotations: 3},
			{ID: "1-deadbeef-000000000000000000000001", Duration: 1},
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		g.ok(t)
	})

	t.Run("trace", func(t *testing.T) { // G2, G12
		for _, tt := range []struct {
			id   string
			want map[string]int
		}{
			{trace, map[string]int{
				"shop.example.com/AWS::ECS::Container": 6, "payments/AWS::EC2::Instance": 3, "notify/AWS::Lambda": 1, "notify/AWS::Lambda::Function": 2,
				"fulfilment/": 2, "inventory/": 1, "api.bank.example/": 1, "ledger@db.internal/Database::SQL": 1, "DynamoDB/AWS::DynamoDB::Table": 1, "SNS/AWS::SNS": 1,
			}},
			{"deadbeef000000000000000000000001", map[string]int{"cron/": 1}},
			{"1-6553f100-000000000000000000000002", map[string]int{"shop.example.com/AWS::ECS::Container": 1}},
			{"1-6553f100-000000000000000000000003", map[string]int{}},
			{"1-6553f100-000000000000000000000004", map[string]int{"shop.example.com/": 1}},
		} {
			if diff := cmp.Diff(tt.want, must[map[string]int](t)(g.spans(ctx, tt.id))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tt.id, diff)
			}
		}
		if _, err := g.spans(ctx, "1-6553f100-ffffffffffffffffffffffff"); err == nil || err.Error() != "trace not found" {
			t.Errorf("a trace that is not there: %v", err)
		}
		g.ok(t)
	})

	t.Run("maps", func(t *testing.T) { // G3, G4, G5
		one := must[[]node](t)(g.traceGraph(ctx, trace))
		if len(one) != 11 {
			t.Errorf("%d services of a trace, want 11", len(one))
		}
		all := must[[]node](t)(g.serviceMap(ctx, s, "Default"))
		requests := map[string]int64{}
		for _, n := range all {
			requests[n.Name+"/"+n.Type] = n.Requests
		}
		want := map[string]int64{
			"shop.example.com/client": 2, "shop.example.com/AWS::ECS::Container": 2, "payments/AWS::EC2::Instance": 1, "orders/AWS::DynamoDB::Table": 1,
			"notify/AWS::Lambda": 1, "notify/AWS::Lambda::Function": 1, "arn:aws:sns:us-west-2:111122223333:orders/AWS::SNS": 1, "api.bank.example/remote": 1, "ledger@db.internal/Database::SQL": 1,
			"fulfilment/": 1, "inventory/": 1, "cron/client": 1, "cron/": 1,
		}
		if diff := cmp.Diff(want, requests); diff != "" {
			t.Errorf("requests (-want +got)\n%s", diff)
		}
		// Also where most of the map is cut off, nothing breaks.
		if only := must[[]node](t)(g.serviceMap(ctx, s, "Default", "111122223333")); len(only) != 1 || only[0].Name != "notify" {
			t.Errorf("services of one account: %+v", only)
		}
		if ids := must[[]string](t)(g.accounts(ctx, s)); !slices.Equal(ids, []string{"111122223333"}) {
			t.Errorf("accounts %v", ids)
		}
		g.ok(t)
	})

	t.Run("map of a group", func(t *testing.T) {
		_, err := g.serviceMap(ctx, s, "slow")
		if err != nil {
			t.Fatal(err)
		}
		g.ok(t)
	})

	t.Run("links of the map", func(t *testing.T) { // G6, G11
		for _, n := range must[[]node](t)(g.serviceMap(ctx, s, "Default")) {
			of := fmt.Sprintf(`service(id(name: "%s", type: "%s"))`, n.Name, n.Type)
			found := len(must[[]traceRow](t)(g.traces(ctx, s, of)))
			parts := 0
			for _, state := range []string{"ok", "error", "fault"} {
				parts += len(must[[]traceRow](t)(g.traces(ctx, s, of+" { "+state+" = true }")))
			}
			if found == 0 || parts == 0 {
				t.Errorf("%s finds %d traces, by their outcome %d", of, found, parts)
			}
			for _, period := range []int32{60, 300} {
				sums := must[map[string]float64](t)(g.statistics(ctx, s, of, period))
				want := float64(n.Requests)
				if n.Type == "client" { // has no requests of its own
					want = 0
				}
				if sums["TotalCount"] != want || sums["OkCount"]+sums["ErrorStatistics.TotalCount"]+sums["FaultStatistics.TotalCount"] != want {
					t.Errorf("%s by %d s: %v, want %v in all", of, period, sums, want)
				}
			}
			for called, requests := range n.Calls {
				link := fmt.Sprintf(`edge("%s", "%s")`, n.Name, called)
				if rows := must[[]traceRow](t)(g.traces(ctx, s, link)); len(rows) == 0 {
					t.Errorf("%s finds nothing", link)
				}
				// Names alone may stand for several edges.
				if sums := must[map[string]float64](t)(g.statistics(ctx, s, link, 60)); sums["TotalCount"] < float64(requests) {
					t.Errorf("%s: %v, want %d in all", link, sums, requests)
				}
			}
		}
		if sums := must[map[string]float64](t)(g.statistics(ctx, s, "", 60)); sums["TotalCount"] != 3 || sums["FaultStatistics.TotalCount"] != 1 {
			t.Errorf("requests of clients: %v, want 3 with a fault", sums)
		}
		if sums := must[map[string]float64](t)(g.statistics(ctx, s, `service("nobody")`, 60)); len(sums) > 0 {
			t.Errorf("of nobody: %v", sums)
		}
		g.ok(t)
	})

	t.Run("query in a group", func(t *testing.T) { // G11
		groups, _, err := g.groups(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{"": 3, "fault": 1, `service("payments")`: 1, `http.status = 404`: 0} {
			if rows := must[[]traceRow](t)(g.traces(ctx, s, inGroup(groups[1], query))); len(rows) != want {
				t.Errorf("%s: %d traces, want %d", inGroup(groups[1], query), len(rows), want)
			}
		}
		g.ok(t)
	})

	t.Run("analytics", func(t *testing.T) { // G7, G8
		got := must[*analysis](t)(g.analyse(ctx, s, "Default", ""))
		want := map[string]map[string]int{
			"response time service": {"payments (AWS::EC2::Instance)": 1},
			"response time path":    {"shop.example.com (AWS::ECS::Container) -> payments.example.com => payments (AWS::EC2::Instance)": 1},
			"fault service":         {"api.bank.example (remote)": 1, "shop.example.com (AWS::ECS::Container)": 1},
			"fault path":            {"api.bank.example (remote)": 1, "shop.example.com (AWS::ECS::Container) -> ": 1},
			"error service":         {"inventory ()": 1},
			"error path":            {"fulfilment () => inventory () -> SkuNotFound": 1},
			"url":                   {"-": 3, "https://shop.example.com/checkout": 2},
			"status":                {"-": 3, "200": 1, "500": 1},
			"user":                  {"u-42": 2},
		}
		if got.traces != 5 {
			t.Errorf("%d traces, want 5", got.traces)
		}
		if diff := cmp.Diff(want, got.tables); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		g.ok(t)
	})

	t.Run("insights", func(t *testing.T) { // G10
		for _, states := range [][]types.InsightState{nil, {types.InsightStateActive}, {types.InsightStateClosed}} {
			_, err := g.insights(ctx, s, "Default", states...)
			if err != nil {
				t.Fatal(err)
			}
		}
		g.ok(t)
	})

	t.Run("services mode", func(t *testing.T) { // G13: another AWS service at the same address
		for _, call := range []struct{ method, path, body string }{
			{"GET", "/services?StartTime=1699999200&EndTime=1700000400", ""},
			{"POST", "/service-operations?StartTime=1699999200&EndTime=1700000400", `{"KeyAttributes":{"Name":"shop"}}`},
			{"POST", "/service-dependencies?StartTime=1699999200&EndTime=1700000400", `{"KeyAttributes":{"Name":"shop"}}`},
			{"POST", "/slos", `{"KeyAttributes":{"Name":"shop"}}`},
		} {
			a := (&door{t: t, url: url}).do(call.method, call.path, call.body)
			if a.status != 404 || a.header.Get("x-amzn-ErrorType") != "UnknownOperationException" || a.header.Get("x-amzn-RequestId") == "" || !json.Valid([]byte(a.body)) {
				t.Errorf("%s %s: %d %v %s", call.method, call.path, a.status, a.header, a.body)
			}
		}
	})
}

// TestGrafanaPages has more traces than a page holds: the table of traces stops
// at its limit, and an analysis goes on with half of the rate (G9).
func TestGrafanaPages(t *testing.T) {
	d := open(t, server.Options{})
	const all = 900
	var docs []string
	for i := range all {
		docs = append(docs, fmt.Sprintf(`{"trace_id":"1-6553f100-%024x","id":"%016x","name":"n%d","start_time":%d,"end_time":%d}`,
			i+1, i+1, i%3, 1700000000-i%90, 1700000001))
	}
	d.put(docs...)
	g, ctx := newGrafana(d.url), t.Context()
	g.listRows, g.analysed = 250, 200
	rows := must[[]traceRow](t)(g.traces(ctx, panelSpan, ""))
	if len(rows) < g.listRows || len(rows) >= all {
		t.Errorf("%d rows of %d traces, want about %d", len(rows), all, g.listRows)
	}
	ids := map[string]bool{}
	for _, row := range rows {
		ids[row.ID] = true
	}
	if len(ids) != len(rows) {
		t.Errorf("%d rows of %d traces", len(rows), len(ids))
	}

	g.sent = nil
	if a := must[*analysis](t)(g.analyse(ctx, panelSpan, "Default", `duration > 0`)); a.traces == 0 || a.traces > 2*g.analysed {
		t.Errorf("%d traces after halving, want up to %d", a.traces, 2*g.analysed)
	}
	rates, tokens := map[any]bool{}, 0
	for _, call := range g.sent {
		body := call.Body.(map[string]any)
		rates[body["SamplingStrategy"].(map[string]any)["Value"]] = true
		if body["NextToken"] != nil {
			tokens++
		}
	}
	if len(rates) < 2 || tokens < 2 {
		t.Errorf("asked with the rates %v and %d tokens; the test is to halve the rate with tokens", slices.Collect(maps.Keys(rates)), tokens)
	}

	// Without a query the rate follows from the number of requests.
	if a := must[*analysis](t)(g.analyse(ctx, panelSpan, "Default", "")); a.traces < g.analysed/2 || a.traces > 2*g.analysed {
		t.Errorf("%d traces sampled, want about %d", a.traces, g.analysed)
	}
	g.ok(t)
}

// TestGrafanaAnything stores traces of all kinds and shapes, and looks at them
// in every panel.
func TestGrafanaAnything(t *testing.T) {
	d := open(t, server.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 150 {
		d.put(drawTrace(r, n)...)
	}
	for _, state := range []string{"open", "settled"} {
		t.Run(state, func(t *testing.T) {
			if state == "settled" {
				d.settle()
			}
			g, ctx, s := newGrafana(d.url), t.Context(), panelSpan
			rows := must[[]traceRow](t)(g.traces(ctx, s, ""))
			if len(rows) != 150 {
				t.Errorf("%d traces, want 150", len(rows))
			}
			for _, row := range rows {
				must[map[string]int](t)(g.spans(ctx, row.ID))
				must[[]node](t)(g.traceGraph(ctx, row.ID))
			}
			nodes := must[[]node](t)(g.serviceMap(ctx, s, "Default"))
			for _, n := range nodes {
				of := fmt.Sprintf(`service(id(name: "%s", type: "%s"))`, n.Name, n.Type)
				must[map[string]float64](t)(g.statistics(ctx, s, of, 60))
				if rows := must[[]traceRow](t)(g.traces(ctx, s, of)); len(rows) == 0 {
					t.Errorf("%s finds nothing", of)
				}
			}
			a := must[*analysis](t)(g.analyse(ctx, s, "Default", ""))
			for _, table := range []string{"response time path", "error path", "fault path", "user"} {
				if len(a.tables[table]) < 3 {
					t.Errorf("the table %s is too poor for a test: %v", table, a.tables[table])
				}
			}
			g.ok(t)
		})
	}
}

// drawTrace draws the documents of a trace: a tree of segments and their calls,
// in which any member may be missing.
func drawTrace(r *rand.Rand, n int) (docs []string) {
	one := func(list ...any) any { return list[r.IntN(len(list))] }
	often := func(percent int) bool { return r.IntN(100) < percent }
	parents := []string{""}
	entities := 0
	entity := func() map[string]any {
		entities++
		start := 1699999990 + r.IntN(5)
		e := map[string]any{
			"id": fmt.Sprintf("%08x%08x", n+1, entities), "name": one("shop", "bank", "mail", "DynamoDB"), "start_time": start,
			"end_time": start + r.IntN(6),
		}
		switch r.IntN(6) {
		case 0:
			delete(e, "end_time")
			e["in_progress"] = true
		case 1:
			e["fault"] = true
		case 2:
			e["error"] = true
		case 3:
			e["throttle"], e["error"] = true, often(50)
		}
		if often(40) {
			e["cause"] = one("0000000000000001", map[string]any{}, map[string]any{"exceptions": []any{}},
				map[string]any{"exceptions": []any{map[string]any{"id": fmt.Sprintf("%016x", r.Uint32())}}},
				map[string]any{"exceptions": []any{map[string]any{"id": fmt.Sprintf("%016x", r.Uint32()), "type": "Broken", "message": "no"}}},
				map[string]any{"exceptions": []any{map[string]any{"id": fmt.Sprintf("%016x", r.Uint32()), "stack": []any{map[string]any{"label": "f"}}}}})
		}
		if often(30) {
			e["http"] = one(map[string]any{}, map[string]any{"response": map[string]any{"status": one(200, 404, 429, 503)}},
				map[string]any{"request": map[string]any{"url": "/", "method": "GET"}})
		}
		if often(30) {
			e["annotations"] = map[string]any{"k": one("v", 1.5, true)}
		}
		return e
	}
	for range 1 + r.IntN(4) {
		s := entity()
		s["trace_id"] = fmt.Sprintf("1-6553f100-%024x", n+1)
		if parent := parents[r.IntN(len(parents))]; parent != "" || often(20) {
			s["parent_id"] = one(parent, "00000000000000ff")
			if s["parent_id"] == "" {
				s["parent_id"] = "00000000000000ff" // never received
			}
		}
		if origin := one("", "AWS::EC2::Instance", "AWS::Lambda::Function"); origin != "" {
			s["origin"] = origin
		}
		if often(30) {
			s["user"] = one("ada", "bob", "eve")
		}
		if often(20) {
			s["aws"] = map[string]any{"account_id": one("111122223333", "444455556666")}
		}
		var calls []any
		for range r.IntN(4) {
			c := entity()
			switch r.IntN(3) {
			case 0:
				c["namespace"] = "remote"
			case 1:
				c["namespace"], c["aws"] = "aws", one(map[string]any{}, map[string]any{"table_name": "orders", "operation": "GetItem"}, map[string]any{"operation": "PutItem"})
			}
			parents = append(parents, c["id"].(string))
			calls = append(calls, c)
		}
		if calls != nil {
			s["subsegments"] = calls
		}
		parents = append(parents, s["id"].(string))
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		docs = append(docs, string(text))
	}
	return docs
}

// TestGrafanaBreaks holds the data source of these tests against answers at
// which the real one breaks: those of X-Ray itself among them.
func TestGrafanaBreaks(t *testing.T) {
	const (
		statistics = `{"OkCount":1,"TotalCount":1,"TotalResponseTime":1.0,"ErrorStatistics":{"ThrottleCount":0,"OtherCount":0,"TotalCount":0},"FaultStatistics":{"OtherCount":0,"TotalCount":0}}`
		insight    = `"InsightId":"i","GroupName":"Default","StartTime":1.7E9,"State":"CLOSED","Categories":["FAULT"],"RootCauseServiceId":{"Name":"bank","Type":null},"TopAnomalousServices":[{"ServiceId":{"Name":"bank"}}]`
	)
	summary := func(members string) string {
		return `{"TraceSummaries":[{"Id":"1","StartTime":1.7E9,` + members + `}]}`
	}
	services := func(members string) string {
		return `{"Services":[{"ReferenceId":0,"Name":"n","StartTime":1.0,"EndTime":2.0,` + members + `}]}`
	}
	point := func(members string) string { return `{"TimeSeriesServiceStatistics":[` + members + `]}` }
	cause := func(kind, service string) string {
		return summary(`"Http":{},"` + kind + `RootCauses":[{"Services":[` + service + `]}]`)
	}
	tests := []struct{ path, answer, breaks string }{
		{"/TraceSummaries", summary(`"Http":{"HttpURL":null}`), ""},
		{"/TraceSummaries", summary(`"Http":null`), "the Http of trace 1 is null"},

		{"/TraceSummaries", cause("Fault", `{"Name":"n","Type":"","EntityPath":[{"Name":"n","Exceptions":[{"Name":""}]}]}`), ""},
		{"/TraceSummaries", cause("Fault", ``), "has no services"},
		{"/TraceSummaries", cause("ResponseTime", `{"Name":"n","Type":null,"EntityPath":[{"Name":"n"}]}`), "the Type of a root cause service"},
		{"/TraceSummaries", cause("ResponseTime", `{"Name":null,"Type":"t","EntityPath":[{"Name":"n"}]}`), "a root cause service of trace 1 in response time is null"},
		{"/TraceSummaries", cause("Error", `{"Name":"n","Type":"t","EntityPath":[]}`), "an EntityPath"},
		{"/TraceSummaries", cause("Error", `{"Name":"n","Type":"t","EntityPath":[{"Name":"n","Exceptions":[{"Name":null}]}]}`), "an exception"},

		{"/ServiceGraph", services(`"Edges":[],"SummaryStatistics":` + statistics), ""},
		{"/ServiceGraph", services(`"Edges":null,"SummaryStatistics":` + statistics), "the Edges of n are null"},
		{"/ServiceGraph", services(`"Edges":[],"SummaryStatistics":null`), "neither statistics nor edges"},
		{"/ServiceGraph", services(`"Edges":[{"ReferenceId":0,"StartTime":1.0,"EndTime":2.0}]`), "the statistics of the edge"},
		{"/ServiceGraph", services(`"SummaryStatistics":` + statistics + `,"Edges":[{"ReferenceId":7,"StartTime":1.0,"EndTime":2.0,"SummaryStatistics":` + statistics + `}]`), "leads nowhere"},

		{"/TimeSeriesServiceStatistics", point(`{"Timestamp":2.0,"EdgeSummaryStatistics":` + statistics + `},{"Timestamp":1.0}`), ""},
		{"/TimeSeriesServiceStatistics", point(`{"Timestamp":1.0},{"Timestamp":2.0}`), "not in order"},
		{"/TimeSeriesServiceStatistics", point(`{"Timestamp":1.0,"ServiceSummaryStatistics":{}}`), "the OkCount"},
		{"/TimeSeriesServiceStatistics", point(`{"Timestamp":1.0,"ServiceSummaryStatistics":{}}`), "the FaultStatistics.TotalCount"},

		{"/InsightSummaries", `{"InsightSummaries":[{` + insight + `,"EndTime":1.8E9,"Summary":"It failed. The bank is to blame."}]}`, ""},
		{"/InsightSummaries", `{"InsightSummaries":[{` + insight + `,"Summary":"It fails"}]}`, ""},
		{"/InsightSummaries", `{"InsightSummaries":[{` + insight + `,"EndTime":1.8E9,"Summary":"It failed"}]}`, "one sentence"},
		{"/InsightSummaries", `{"InsightSummaries":[{"InsightId":"i","GroupName":"g","StartTime":1.7E9,"State":"ACTIVE"}]}`, "the RootCauseServiceId"},
		{"/InsightSummaries", `{"InsightSummaries":[{"InsightId":"i","GroupName":"g","StartTime":1.7E9,"State":"ACTIVE"}]}`, "the TopAnomalousServices"},
		{"/InsightSummaries", `{"InsightSummaries":[{"InsightId":"i","GroupName":"g","StartTime":1.7E9,"State":"ACTIVE"}]}`, "the Categories"},
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	for _, tt := range tests {
		canned := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == tt.path {
				io.WriteString(w, tt.answer)
				return
			}
			io.WriteString(w, `{}`)
		}))
		g, ctx := newGrafana(canned.URL), t.Context()
		_, err := g.traces(ctx, panelSpan, "")
		must[*analysis](t)(g.analyse(ctx, panelSpan, "Default", ""))
		must[[]node](t)(g.serviceMap(ctx, panelSpan, "Default"))
		must[map[string]float64](t)(g.statistics(ctx, panelSpan, "", 60))
		must[map[string]string](t)(g.insights(ctx, panelSpan, "Default"))
		canned.Close()
		if err != nil {
			t.Fatal(err)
		}
		if breaks := strings.Join(g.crashes, "; "); (breaks == "") != (tt.breaks == "") || !strings.Contains(breaks, tt.breaks) {
			t.Errorf("%s\nbreaks it: %q, want %q", tt.answer, breaks, tt.breaks)
		}
	}
}
