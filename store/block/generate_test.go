package block_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tomotrace/tomo"
)

// shop makes the traces of a small web shop: each goes through four services,
// which call a table, a database and a payment provider.
type shop struct {
	random *rand.Rand
	now    tomo.Time // start of the next trace
	every  time.Duration
}

func newShop(seed uint64) *shop {
	return &shop{
		random: rand.New(rand.NewPCG(seed, seed)),
		now:    tomo.TimeOf(time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)),
		every:  4 * time.Millisecond,
	}
}

var (
	shopServices = []string{"web-frontend", "orders-api", "payments", "inventory"}
	shopAgents   = []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
		"shop-mobile/7.12.1 (Android 14; Pixel 8)",
	}
	shopRoutes  = []string{"/cart", "/checkout", "/orders/%d", "/products/%d", "/products/%d/reviews", "/account/orders"}
	shopRegions = []string{"eu-west-1", "eu-west-1", "eu-central-1"}
)

// traces makes n settled traces in order of start.
func (g *shop) traces(n int) []tomo.Settled {
	rows := make([]tomo.Settled, n)
	for i := range rows {
		rows[i] = g.trace()
	}
	return rows
}

// grouped makes n traces of which each belongs to about three of so many groups.
func (g *shop) grouped(n, groups int) []tomo.Settled {
	rows := g.traces(n)
	for i := range rows {
		for k := range groups {
			if g.random.IntN(groups) < 3 {
				rows[i].Summary.Groups = append(rows[i].Summary.Groups, fmt.Sprintf("GROUP%02d", k))
			}
		}
	}
	return rows
}

func (g *shop) trace() tomo.Settled {
	r := g.random
	g.now += tomo.Time(r.Int64N(2 * g.every.Microseconds()))
	s := &tomo.Summary{Start: g.now, Began: g.now, Revision: 1, Documents: len(shopServices)}
	binary.BigEndian.PutUint32(s.ID[:], uint32(g.now/1e6))
	binary.BigEndian.PutUint32(s.ID[4:], r.Uint32())
	binary.BigEndian.PutUint64(s.ID[8:], r.Uint64())

	route := shopRoutes[r.IntN(len(shopRoutes))]
	if n := len(route); route[n-1] == 'd' || n > 12 && route[10] == '%' {
		route = fmt.Sprintf(route, r.IntN(50_000))
	}
	s.HTTP = tomo.HTTP{
		Method: "GET", URL: "https://shop.example.com" + route, UserAgent: shopAgents[r.IntN(len(shopAgents))],
		ClientIP: fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256)), Status: 200,
	}
	outcome := tomo.OutcomeOK
	switch r.IntN(50) {
	case 0:
		outcome, s.HTTP.Status, s.HasFault = tomo.OutcomeFault, 502, true
	case 1:
		outcome, s.HTTP.Status, s.HasError = tomo.OutcomeError, 404, true
	}

	// Nodes in order of name: inventory, orders (table), orders-api, payments,
	// provider, stock (database), web-frontend, web-frontend (client).
	s.Nodes = []tomo.Node{
		{NodeID: tomo.NodeID{Name: "inventory", Type: "AWS::EC2::Instance"}, Region: shopRegions[r.IntN(3)]},
		{NodeID: tomo.NodeID{Name: "orders", Type: "AWS::DynamoDB::Table"}, State: tomo.StateUnknown},
		{NodeID: tomo.NodeID{Name: "orders-api", Type: "AWS::EC2::Instance"}, Region: shopRegions[r.IntN(3)]},
		{NodeID: tomo.NodeID{Name: "payments", Type: "AWS::Lambda::Function"}, Region: "eu-west-1"},
		{NodeID: tomo.NodeID{Name: "provider.example.net", Type: "remote"}, State: tomo.StatePassive},
		{NodeID: tomo.NodeID{Name: "stock@db.internal.example.com", Type: "Database::SQL"}, State: tomo.StatePassive},
		{NodeID: tomo.NodeID{Name: "web-frontend", Type: "AWS::ECS::Container"}, Root: true, Region: "eu-west-1"},
		{NodeID: tomo.NodeID{Name: "web-frontend", Type: tomo.ClientType}, State: tomo.StateUnknown},
	}
	s.EntryPoint = 6
	received := g.now + tomo.Time(300_000+r.Int64N(1_000_000))

	var docs []tomo.RawDocument
	start, length := g.now, tomo.Time(20_000+r.ExpFloat64()*60_000)
	parent := ""
	unit := func(node int, start, length tomo.Time, status int, o tomo.Outcome, inferred bool) {
		d := time.Duration(length) * time.Microsecond
		s.Units = append(s.Units, tomo.Unit{
			Node: node, Received: received, Start: start, End: start + length,
			ResponseTime: d, Duration: d, Outcome: o, Status: status, Inferred: inferred,
		})
	}
	call := func(from, to int, length tomo.Time, status int, o tomo.Outcome) {
		s.Calls = append(s.Calls, tomo.Call{
			From: from, To: to, Received: received, ResponseTime: time.Duration(length) * time.Microsecond, Outcome: o, Status: status,
		})
	}
	call(7, 6, length, s.HTTP.Status, outcome)
	nodes, callee := []int{6, 2, 3, 0}, []int{2, 1, 4, 5}
	for i, name := range shopServices {
		unit(nodes[i], start, length, s.HTTP.Status, outcome, false)
		inside := start + 500 + tomo.Time(r.Int64N(2_000))
		within := length * tomo.Time(50+r.Int64N(45)) / 100
		if i == 0 {
			call(6, 2, within, s.HTTP.Status, outcome)
		} else {
			unit(callee[i], inside, within, 200, tomo.OutcomeOK, true)
			call(nodes[i], callee[i], within, 200, tomo.OutcomeOK)
		}
		if i == 1 || i == 2 {
			call(nodes[i], nodes[i+1], within, 200, tomo.OutcomeOK)
		}
		text, id := g.document(s, i, name, parent, start, length, inside, within, route)
		docs = append(docs, tomo.RawDocument{Text: text, Received: received - tomo.Time(r.Int64N(400_000))})
		parent, start, length = id, inside+tomo.Time(r.Int64N(300)), within-tomo.Time(r.Int64N(int64(within/4)))
	}
	s.Received = received
	s.Duration = s.Units[0].Duration
	s.ResponseTime = s.Units[0].ResponseTime
	s.Annotations = []tomo.SummaryAnnotation{
		{Annotation: tomo.Annotation{Key: "cart_value", Value: tomo.Value{Kind: tomo.NumberValue, Number: float64(r.IntN(20_000)) / 100}}, Nodes: []int{6}},
		{Annotation: tomo.Annotation{Key: "tenant", Value: tomo.Value{String: fmt.Sprintf("tenant-%d", r.IntN(40))}}, Nodes: []int{2, 3, 6}},
	}
	s.Users = []tomo.User{{Name: fmt.Sprintf("user-%d", r.IntN(20_000)), Nodes: []int{6}}}
	s.InstanceIDs = []string{fmt.Sprintf("i-0fb1%013d", r.IntN(12))}
	s.AvailabilityZones = []string{"eu-west-1a"}
	s.ResourceARNs = []string{"arn:aws:lambda:eu-west-1:123456789012:function:payments"}
	return tomo.Settled{Summary: s, Documents: docs}
}

// document is the segment document of the i-th service, about 1.5 kB.
func (g *shop) document(s *tomo.Summary, i int, name, parent string, start, length, inside, within tomo.Time, route string) ([]byte, string) {
	r := g.random
	id := func() string { return tomo.SegmentID(r.Uint64()).String() }
	seconds := func(t tomo.Time) string { return fmt.Sprintf("%d.%06d", t/1e6, t%1e6) }
	self := id()
	b := fmt.Appendf(nil, `{"id":"%s","trace_id":"%s","name":"%s","start_time":%s,"end_time":%s`, self, s.ID, name, seconds(start), seconds(start+length))
	if parent != "" {
		b = fmt.Appendf(b, `,"parent_id":"%s"`, parent)
	}
	b = fmt.Appendf(b, `,"http":{"request":{"method":"GET","url":"https://%s.example.com%s","user_agent":"%s","client_ip":"%s"},"response":{"status":%d,"content_length":%d}}`,
		name, route, s.HTTP.UserAgent, s.HTTP.ClientIP, s.HTTP.Status, r.IntN(9000))
	b = fmt.Appendf(b, `,"aws":{"ec2":{"instance_id":"i-0fb1%013d","availability_zone":"eu-west-1a","instance_size":"m6i.large"},"xray":{"sdk":"X-Ray for Go","sdk_version":"1.8.4"}}`, r.IntN(12))
	b = fmt.Appendf(b, `,"service":{"version":"4.18.%d","compiler_version":"go1.22.1","compiler":"gc"},"origin":"AWS::EC2::Instance"`, r.IntN(3))
	b = fmt.Appendf(b, `,"annotations":{"tenant":"tenant-%d","cart_value":%d.%02d},"user":"user-%d"`, r.IntN(40), r.IntN(200), r.IntN(100), r.IntN(20_000))
	b = fmt.Appendf(b, `,"metadata":{"default":{"request_id":"%s","feature_flags":["new-checkout","fast-cart"],"queue_depth":%d}}`, id()+id(), r.IntN(100))
	b = fmt.Appendf(b, `,"subsegments":[{"id":"%s","name":"authorize","start_time":%s,"end_time":%s}`, id(), seconds(start+100), seconds(inside))
	switch i {
	case 1:
		b = fmt.Appendf(b, `,{"id":"%s","name":"DynamoDB","namespace":"aws","start_time":%s,"end_time":%s,"http":{"response":{"status":200,"content_length":%d}},"aws":{"operation":"GetItem","table_name":"orders","region":"eu-west-1","request_id":"%s","resource_names":["orders"],"retries":0}}`,
			id(), seconds(inside), seconds(inside+within), r.IntN(4000), id()+id()+id())
	case 3:
		b = fmt.Appendf(b, `,{"id":"%s","name":"stock@db.internal.example.com","namespace":"remote","start_time":%s,"end_time":%s,"sql":{"url":"jdbc:postgresql://db.internal.example.com:5432/stock","database_type":"PostgreSQL","database_version":"15.4","user":"inventory","sanitized_query":"SELECT sku, warehouse, available, reserved FROM stock_levels WHERE sku = ? AND warehouse IN (?, ?, ?) ORDER BY available DESC LIMIT ?"}}`,
			id(), seconds(inside), seconds(inside+within))
	default:
		b = fmt.Appendf(b, `,{"id":"%s","name":"%s","namespace":"remote","start_time":%s,"end_time":%s,"http":{"request":{"method":"POST","url":"https://provider.example.net/v1/charges/%d"},"response":{"status":200,"content_length":%d}}}`,
			id(), "provider.example.net", seconds(inside), seconds(inside+within), r.IntN(1e6), r.IntN(2000))
	}
	b = fmt.Appendf(b, `,{"id":"%s","name":"render","start_time":%s,"end_time":%s}]}`, id(), seconds(inside+within), seconds(start+length))
	return b, self
}
