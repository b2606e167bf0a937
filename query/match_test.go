package query_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	compare "github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
)

var pairs = flag.Int("pairs", 500, "how many pairs of an expression and a set of traces TestLikeMatch asks")

// setPairs is how many expressions are asked of one set of traces.
const setPairs = 50

// TestLikeMatch holds the engine over the embedded store against filter.Match
// over whole traces: the same traces in the same order, while they are open,
// settled, both, after a restart and after compaction.
func TestLikeMatch(t *testing.T) {
	matched := 0
	for seed := range uint64(*pairs/setPairs + 1) {
		d := &draw{rand.New(rand.NewPCG(seed, 1))}
		matched += d.compare(t, seed)
		if t.Failed() {
			return
		}
	}
	if share := float64(matched) / float64(*pairs); share < 1 {
		t.Errorf("an expression matches %.1f traces in the mean: they ask for what is not there", share)
	}
}

// draw draws traces and expressions that have to do with each other.
type draw struct{ *rand.Rand }

func (d *draw) one(list ...string) string { return list[d.IntN(len(list))] }

func (d *draw) often(percent int) bool { return d.IntN(100) < percent }

// compare asks about one set of traces, and counts the matches.
func (d *draw) compare(t *testing.T, seed uint64) (matched int) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openStore(t, dir)
	defer func() { s.Close() }()
	ids := map[tomo.TraceID]bool{}
	put := func() {
		var docs [][]byte
		for range 1 + d.IntN(25) {
			id, doc := d.document()
			ids[id] = true
			docs = append(docs, doc)
		}
		if refusals, err := ingest.New(s, ingest.Options{}).Accept(ctx, "test", docs); err != nil || len(refusals) > 0 {
			t.Fatalf("storing: %v, %v", refusals, err)
		}
	}
	var expressions []filter.Expr
	for range setPairs {
		text := d.expression(filter.InTrace, 2)
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		expressions = append(expressions, e)
	}
	check := func(state string) {
		t.Helper()
		var details []*tomo.Detail
		for id := range ids {
			all, err := s.Documents(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			details = append(details, derive.Detail(id, all.Documents))
		}
		slices.SortFunc(details, func(a, b *tomo.Detail) int {
			if a.Position().Before(b.Position()) {
				return -1
			}
			return 1
		})
		for _, e := range expressions {
			matched += holds(t, query.New(scribbler{s}, query.Options{}), details, e, fmt.Sprintf("seed %d, %s", seed, state))
		}
	}
	put()
	check("open")
	matched = 0 // counted once an expression, at the end
	settleAll(t, s)
	check("settled")
	put()
	check("settled, some open again")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	check("started again")
	settleAll(t, s)
	put()
	settleAll(t, s)
	if err := s.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	matched = 0
	check("compacted")
	return matched
}

// holds asks the engine, page by page, and says how many traces match.
func holds(t *testing.T, e *query.Engine, details []*tomo.Detail, f filter.Expr, state string) int {
	t.Helper()
	var matching []*tomo.Detail
	for _, d := range details {
		if filter.Match(f, d, someGroups) {
			matching = append(matching, d)
		}
	}
	want := listed(matching)
	var got []*query.Listed
	q := query.Question{Window: tomo.Window{TimeRange: tomo.Always}, Filter: f, Groups: someGroups, Limit: 5}
	for {
		page, err := e.Summaries(context.Background(), q)
		if err != nil {
			t.Fatalf("%s: %v: %v", state, f, err)
		}
		got = append(got, page.Traces...)
		if q.Token = page.Token; q.Token == "" {
			break
		}
	}
	n, err := e.Count(context.Background(), q.Window, f, someGroups)
	if !reflect.DeepEqual(want, got) || n != int64(len(want)) || err != nil {
		t.Errorf("%s: %v\ncounts %d, %v, and lists (-want +got)\n%s\nplan: %v", state, f, n, err, compare.Diff(want, got), filter.PlanFor(f, someGroups))
	}
	return len(want)
}

// listed is what lists show of traces.
func listed(details []*tomo.Detail) (list []*query.Listed) {
	for _, d := range details {
		s := *d.Summary
		s.Units, s.Calls = nil, nil
		list = append(list, &query.Listed{Summary: &s, RootCauses: d.RootCauses})
	}
	return list
}

// scribbler is a store that takes the documents back which it gave, and writes
// over them: whoever keeps a part of them tells nonsense.
type scribbler struct{ query.Store }

func (s scribbler) DocumentsOf(ctx context.Context, at []tomo.Position, each func(int, *tomo.TraceDocuments)) error {
	return s.Store.DocumentsOf(ctx, at, func(i int, t *tomo.TraceDocuments) {
		lent := *t
		lent.Documents = slices.Clone(t.Documents)
		for k := range lent.Documents {
			lent.Documents[k].Text = bytes.Clone(lent.Documents[k].Text)
		}
		each(i, &lent)
		for _, d := range lent.Documents {
			copy(d.Text, bytes.Repeat([]byte("?"), len(d.Text)))
		}
	})
}

// someGroups knows two groups, of which one mentions the other.
func someGroups(g filter.Group) (filter.Expr, bool) {
	text, known := map[string]string{"slow": `duration > 0.5`, "bad": `!group.name = "slow" AND service("cart") { fault OR error }`}[g.Text]
	if !known {
		return nil, false
	}
	e, err := filter.Parse(text)
	return e, err == nil
}

// What traces are made of, and expressions ask for.
var (
	someNames   = []string{"front", "cart", "bank", "Käse & Co"}
	someOrigins = []string{"AWS::EC2::Instance", "AWS::ECS::Container", "AWS::Lambda", "client"}
	someURLs    = []string{"https://shop.example.com/cart", "https://shop.example.com/pay?x=1", "http://bank.example.net/"}
	someMethods = []string{"GET", "POST"}
	someAgents  = []string{"curl/8.5", "Mozilla/5.0"}
	someIPs     = []string{"10.0.0.1", "192.168.7.9"}
	someUsers   = []string{"ann", "bob"}
	someARNs    = []string{"arn:aws:ec2:eu-west-1:123456789012:instance/i-1", "arn:aws:ecs:eu-west-1:123456789012:task/t"}
	someIDs     = []string{"i-1", "i-22"}
	someZones   = []string{"eu-west-1a", "eu-west-1b"}
	someKeys    = []string{"tier", "size", "new"}
	someErrors  = []string{"TimeoutError", "java.lang.NullPointerException"}
	someStatus  = []string{"200", "201", "404", "429", "500", "503"}
	// What is called by way of AWS is known by these.
	someResources = []string{"orders", "https://sqs/q", "arn:t"}
	someTimes     = []string{"0", "0.001", "0.25", "0.5", "1", "2"}
)

// document draws a segment of one of a few traces.
func (d *draw) document() (tomo.TraceID, []byte) {
	trace, k := d.IntN(12), d.IntN(5)
	id := id(trace + 1)
	start := float64(first) + float64(trace/2)*0.7 + float64(d.IntN(5))/8
	members := []string{fmt.Sprintf(`"trace_id":"%v","id":"%016x"`, id, 0x100*trace+k+1)}
	if k > 0 {
		members = append(members, fmt.Sprintf(`"parent_id":"%016x"`, 0x100*trace+[]int{1, 2, 0x11, 0x21, 0x22, 0x77}[d.IntN(6)]))
	}
	if d.often(60) {
		members = append(members, `"origin":"`+d.one(someOrigins...)+`"`)
	}
	if d.often(30) {
		members = append(members, `"resource_arn":"`+d.one(someARNs...)+`"`)
	}
	if d.often(40) {
		members = append(members, fmt.Sprintf(`"aws":{"account_id":"%s","ec2":{"instance_id":"%s","availability_zone":"%s"}}`,
			d.one("123456789012", "210987654321"), d.one(someIDs...), d.one(someZones...)))
	}
	members = append(members, d.work(start, 1))
	var calls []string
	for i := range d.IntN(3) {
		kind := d.one(`"namespace":"remote"`, `"name":"DynamoDB","namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}`, `"namespace":"remote","sql":{"url":"jdbc:x"}`,
			`"name":"SQS","namespace":"aws","aws":{"operation":"SendMessage","queue_url":"https://sqs/q"}`, `"name":"sns","namespace":"aws","aws":{"operation":"Publish","topic_arn":"arn:t"}`,
			`"name":"S3","namespace":"aws","aws":{"operation":"GetObject","bucket_name":"orders","account_id":"210987654321"}`, `"name":"Lambda","namespace":"aws","aws":{"operation":"Invoke","function_name":"cart"}`, `"annotations":{"local":true}`)
		calls = append(calls, fmt.Sprintf(`{"id":"%016x",%s,%s}`, 0x100*trace+0x10*(i+1)+k+1, d.work(start, 0), kind)) // the later name counts
	}
	if len(calls) > 0 {
		members = append(members, `"subsegments":[`+strings.Join(calls, ",")+`]`)
	}
	return id, []byte("{" + strings.Join(members, ",") + "}")
}

// work draws what segments and subsegments have in common.
func (d *draw) work(start float64, user int) string {
	members := []string{`"name":"` + d.one(someNames...) + `"`, fmt.Sprintf(`"start_time":%.6f`, start)}
	if d.often(12) {
		members = append(members, `"in_progress":true`)
	} else {
		members = append(members, fmt.Sprintf(`"end_time":%.6f`, start+[]float64{0, 0.001, 0.25, 0.5, 1, 1.5, 2.000001}[d.IntN(7)]))
	}
	if d.often(50) {
		members = append(members, fmt.Sprintf(`"http":{"request":{"url":"%s","method":"%s","user_agent":"%s","client_ip":"%s"},"response":{"status":%s}}`,
			d.one(someURLs...), d.one(someMethods...), d.one(someAgents...), d.one(someIPs...), d.one(someStatus...)))
	}
	if d.often(25) {
		members = append(members, d.one(`"fault":true`, `"error":true`, `"error":true,"throttle":true`))
	}
	if d.often(20) {
		members = append(members, fmt.Sprintf(`"cause":{"exceptions":[{"id":"%016x","type":"%s","message":"%s"}]}`, d.Uint64(), d.one(someErrors...), d.one(someUsers...)))
	}
	if d.often(40) && user > 0 {
		members = append(members, `"user":"`+d.one(someUsers...)+`"`)
	}
	if d.often(40) {
		members = append(members, fmt.Sprintf(`"annotations":{"%s":%s,"both":%s}`, d.one(someKeys...), d.value(), d.value()))
	}
	return strings.Join(members, ",")
}

func (d *draw) value() string {
	return d.one(`"gold"`, `"silver"`, `1`, `2.5`, `-3`, `true`, `false`)
}

// expression draws one that may stand in a scope.
func (d *draw) expression(in filter.Scope, depth int) string {
	if depth > 0 && d.often(45) {
		part := func() string { return d.expression(in, depth-1) }
		switch d.IntN(5) {
		case 0:
			return "!(" + part() + ")"
		case 1, 2:
			return "(" + part() + " OR " + part() + ")"
		default:
			return "(" + part() + " AND " + part() + ")"
		}
	}
	words := filter.Keywords()
	for {
		if k := &words[d.IntN(len(words))]; k.Allowed(in) && (depth > 0 || k.Type < filter.ServiceTest) {
			return d.test(k, depth)
		}
	}
}

// test draws a use of a keyword.
func (d *draw) test(k *filter.Keyword, depth int) string {
	block := func(in filter.Scope) string {
		if d.often(15) {
			return ""
		}
		return " { " + d.expression(in, depth-1) + " }"
	}
	switch k.Type {
	case filter.Boolean:
		return k.Name + d.one("", "", " = true", " = false", " != true", " != false")
	case filter.Number:
		values := someTimes
		if k.Name == "http.status" {
			values = someStatus
		}
		if d.often(10) {
			return k.Name
		}
		return k.Name + d.one(" = ", " != ", " < ", " <= ", " > ", " >= ") + d.one(values...)
	case filter.String:
		if d.often(10) {
			return k.Name
		}
		return k.Name + d.one(" = ", " = ", " != ", " CONTAINS ", " BEGINSWITH ", " ENDSWITH ") + d.text(k.Name)
	case filter.Annotation:
		field := k.Name + `["` + d.one(append(someKeys, "both", "local", "nothing")...) + `"]`
		switch value := d.value(); {
		case d.often(20):
			return field
		case value[0] == '"':
			return field + d.one(" = ", " = ", " != ", " CONTAINS ", " BEGINSWITH ") + value
		case value == "true" || value == "false":
			return field + d.one(" = ", " != ") + value
		default:
			return field + d.one(" = ", " != ", " < ", " >= ") + value
		}
	case filter.ServiceTest:
		return k.Name + "(" + d.one("", d.node(), d.node(), d.node()) + ")" + block(filter.InService)
	case filter.EdgeTest:
		return k.Name + "(" + d.node() + ", " + d.node() + ")" + block(filter.InEdge)
	case filter.CauseTest:
		in := filter.InCause
		switch {
		case strings.HasSuffix(k.Name, "exception"):
			in = filter.InException
		case k.Name == "rootcause.responsetime.entity":
			in = filter.InSlowEntity
		case strings.HasSuffix(k.Name, "entity"):
			in = filter.InEntity
		}
		return k.Name + block(in)
	case filter.CauseMatch:
		return k.Name + ` = #` + d.one(`[{"ClientImpacting":true}]`, `[{"Services":[{"Name":"front"}]}]`, `[{}]`)
	default:
		return k.Name + ` = "` + d.one("slow", "bad", "unknown") + `"`
	}
}

// text draws what the keyword may be compared with, in quotes.
func (d *draw) text(keyword string) string {
	lists := map[string][]string{
		"http.url": someURLs, "http.method": someMethods, "http.useragent": someAgents, "http.clientip": someIPs, "user": someUsers,
		"resource.arn": someARNs, "instance.id": someIDs, "availabilityzone": someZones, "message": someUsers,
		"type": append([]string{"remote", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SNS"}, someOrigins...), "account.id": {"123456789012", "210987654321"},
	}
	list, known := lists[keyword]
	if !known {
		list = slices.Concat(someNames, someErrors, someResources)
	}
	text := []rune(d.one(list...))
	if d.often(30) {
		text = text[:d.IntN(len(text)+1)]
	} else if d.often(30) {
		text = text[d.IntN(len(text)+1):]
	}
	return `"` + string(text) + `"`
}

func (d *draw) node() string {
	if d.often(60) {
		return `"` + d.one(slices.Concat(someNames, someResources, []string{"nobody"})...) + `"`
	}
	return d.one(`id(name: "`+d.one(someNames...)+`", type: "`+d.one(someOrigins...)+`")`, `id(type: "`+d.one(someOrigins...)+`")`,
		`id(type: "remote")`, `id(name: "`+d.one(someNames...)+`", account.id: "123456789012")`, `id(type: "")`)
}
