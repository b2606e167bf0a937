package ingest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/store/localstore"
)

// usualGroups are 24 filters as teams write them, which with Default is as many
// groups as there may be. Some take a part of the traces of usualTrace, most
// none; four ask for what only the documents tell.
var usualGroups = []string{
	`service("shop")`,
	`service("payments") { fault }`,
	`service("ledger") { responsetime > 0.5 }`,
	`service(id(name: "notify", type: "AWS::ECS::Container"))`,
	`edge("shop", "payments")`,
	`edge("payments", "ledger") { fault OR error }`,
	`edge("shop", "cart")`,
	`annotation.tier = "gold"`,
	`annotation[plan] = "enterprise" AND responsetime > 1`,
	`annotation.n >= 30`,
	`responsetime > 2`,
	`responsetime > 0.2 AND responsetime <= 0.5`,
	`duration >= 5`,
	`fault`,
	`error OR throttle`,
	`http.url BEGINSWITH "https://shop.example.com/v1/orders/"`,
	`http.url CONTAINS "/admin/"`,
	`http.status >= 500`,
	`http.method = "POST" AND http.status = 201`,
	`http.useragent CONTAINS "Googlebot"`,
	`rootcause.fault.service { name = "payments" }`,
	`rootcause.responsetime.entity { name = "ledger" }`,
	`partial`,
	`service("payments") { http.url CONTAINS "/orders/7" }`,
}

// usualTrace is the documents of a trace: 4 segments in a chain of calls, each
// with a local subsegment, a database, a table and the call to the next. One in
// ten fails. The first and the last service are those of one of five teams, the
// others are shared. A trace belongs to three or four of the groups.
func usualTrace(n int) []tomo.Incoming {
	dice := rand.New(rand.NewPCG(1, uint64(n)))
	id := tomo.TraceID{0x69, 0x5b, 0x8b, 0xa0}
	binary.BigEndian.PutUint64(id[8:], dice.Uint64())
	status, exception := 200, ""
	if n%10 == 0 {
		status, exception = 502, `"fault":true,"cause":{"exceptions":[{"id":"5fe1f46c2a1c9b23","type":"IOError","message":"connection reset by peer","stack":[{"path":"net.py","line":17,"label":"send"}]}]},`
	}
	now, took := 1767607200+dice.Float64(), 0.1+0.6*dice.Float64()
	var docs []tomo.Incoming
	call := ""
	team := n / 2 % 5
	for i, name := range []string{[]string{"shop", "cart-web", "search", "admin", "partner-api"}[team], "payments", "ledger", []string{"notify", "mail", "index", "audit", "webhooks"}[team]} {
		parent := call
		call = fmt.Sprintf("%016x", dice.Uint64())
		if parent != "" {
			parent = `"parent_id":"` + parent + `",`
		}
		at := func(share float64) string {
			margin := float64(i) / 100 * took
			return fmt.Sprintf("%.6f", now+margin+share*(took-2*margin))
		}
		span := func(from, to float64) string {
			return `"start_time":` + at(from) + `,"end_time":` + at(to)
		}
		sub := func(name string, from, to float64, more string) string {
			return fmt.Sprintf(`{"id":"%016x","name":"%s",%s%s}`, dice.Uint64(), name, span(from, to), more)
		}
		text := fmt.Sprintf(`{"trace_id":"%v","id":"%016x",%s"name":"%s",%s,%s"origin":"AWS::ECS::Container","user":"u-%d",`, id, dice.Uint64(), parent, name, span(0, 1), exception, dice.IntN(5000)) +
			fmt.Sprintf(`"http":{"request":{"method":"GET","url":"https://%s.example.com/v1/orders/%d","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101","client_ip":"203.0.113.%d"},"response":{"status":%d,"content_length":%d}},`,
				name, dice.IntN(100_000), dice.IntN(256), status, dice.IntN(9000)) +
			fmt.Sprintf(`"annotations":{"tier":"%s","n":%d},"metadata":{"default":{"basket":["A-%d","B-%d"],"total":%.2f}},`, []string{"gold", "silver"}[n%2], i, dice.IntN(999), dice.IntN(999), 100*dice.Float64()) +
			fmt.Sprintf(`"aws":{"ec2":{"instance_id":"i-%d","availability_zone":"us-west-2b"},"xray":{"sdk":"X-Ray for Go","sdk_version":"1.8.5"}},"subsegments":[`, i) +
			sub("## validate", 0.01, 0.02, "") + "," +
			sub("orders@pg-main.internal", 0.02, 0.1, `,"namespace":"remote","sql":{"url":"jdbc:postgresql://pg-main.internal","sanitized_query":"SELECT * FROM orders WHERE id = ?"}`) + "," +
			sub("DynamoDB", 0.1, 0.2, fmt.Sprintf(`,"namespace":"aws","http":{"response":{"status":200}},"aws":{"operation":"PutItem","table_name":"orders","request_id":"%016X%016X"}`, dice.Uint64(), dice.Uint64())) + "," +
			fmt.Sprintf(`{"id":"%s","name":"next",%s,%s"namespace":"remote","http":{"request":{"method":"POST","url":"https://next.example.com/v1/next"},"response":{"status":%d}}}]}`, call, span(0.2, 0.99), exception, status)
		var d tomo.Document
		if refusal := d.Parse(tomo.RawDocument{Text: []byte(text), Received: 1767607202e6}); refusal != nil {
			panic(refusal)
		}
		in, _ := d.Incoming(nil)
		docs = append(docs, in)
	}
	return docs
}

func groupsOf(filters []string) *rules {
	r := &rules{groups: []*tomo.Group{{Name: tomo.DefaultGroup, ARN: "arn:aws:xray:us-east-1:123456789012:group/Default"}}}
	for i, text := range filters {
		if _, err := filter.Parse(text); err != nil {
			panic(err)
		}
		r.groups = append(r.groups, group(fmt.Sprintf("g%02d", i), text))
	}
	return r
}

// BenchmarkSort derives traces and puts them into groups, without a store.
func BenchmarkSort(b *testing.B) {
	const n = 1000
	ids, docs := make([]tomo.TraceID, n), make([][]tomo.RawDocument, n)
	for i := range docs {
		trace := usualTrace(i)
		ids[i], docs[i] = trace[0].TraceID, texts(trace)
	}
	run := func(name string, filters []string) {
		sorter := ingest.NewSorter(nil, tomo.Limits{})
		sorter.Follow(groupsOf(filters))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				sorter.Summary(ids[i%n], docs[i%n])
			}
		})
	}
	run("none", nil)
	run("25 groups", usualGroups)
	for i := range usualGroups {
		run(fmt.Sprintf("only %s", usualGroups[i]), usualGroups[i:i+1])
	}
}

// BenchmarkSettle settles traces into the embedded store, without and with as
// many groups as there may be. It tells the time of processors that one trace
// takes, garbage collection included, whatever else the machine does.
func BenchmarkSettle(b *testing.B) {
	for _, test := range []struct {
		name    string
		filters []string
	}{{"none", nil}, {"25 groups", usualGroups}} {
		b.Run(test.name, func(b *testing.B) {
			const round = 2000
			sorter := ingest.NewSorter(nil, tomo.Limits{})
			sorter.Follow(groupsOf(test.filters))
			store, err := localstore.Open(b.TempDir(), localstore.Options{Derive: derive.Summary})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			p := ingest.New(store, ingest.Options{Sorter: sorter, Settle: tomo.SettlePolicy{Quiet: 1, MaxAge: 1, Wait: 1}})
			n, spent := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				var docs []tomo.Incoming
				for range round {
					docs = append(docs, usualTrace(n)...)
					n++
				}
				if _, err := store.PutSegments(context.Background(), docs); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				began := cpu(b)
				for more := true; more; {
					if more, err = p.Settle(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
				spent += cpu(b) - began
			}
			members := 0
			for i := range 100 {
				trace := usualTrace(i)
				members += len(sorter.Summary(trace[0].TraceID, texts(trace)).Groups)
			}
			b.ReportMetric(float64(members)/100, "groups/trace")
			b.ReportMetric(float64(spent)/float64(n), "cpu-ns/trace")
		})
	}
}

func texts(docs []tomo.Incoming) (list []tomo.RawDocument) {
	for _, in := range docs {
		list = append(list, in.RawDocument)
	}
	return list
}

// cpu is the time of processors that this process has had.
func cpu(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// group is a group of the name and the filter.
func group(name, text string) *tomo.Group {
	return &tomo.Group{Name: name, Filter: text, ARN: "arn:aws:xray:us-east-1:123456789012:group/" + name + "/ID" + name}
}

// rules are rules that a test sets.
type rules struct {
	revision int64
	groups   []*tomo.Group
	keep     tomo.KeepRules
}

func (r *rules) Revision() int64            { return r.revision }
func (r *rules) Groups() []*tomo.Group      { return r.groups }
func (r *rules) KeepRules() *tomo.KeepRules { return &r.keep }
func (r *rules) Expression(mention filter.Group) (filter.Expr, bool) {
	for _, g := range r.groups {
		if g.Name == mention.Text {
			e, err := filter.Parse(g.Filter)
			return e, err == nil
		}
	}
	return nil, false
}
