package gen

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// write makes the document of a segment.
func (g *Generator) write(t *journey, s *segment) []byte {
	if cap(g.spare) < 16<<10 {
		g.spare = make([]byte, 0, 1<<20)
	}
	service := s.work.service
	root := s.parent == 0
	b := append(g.spare, `{"trace_id":"`...)
	b = append(b, t.id...)
	b = g.begin(append(b, `",`...), s.id, service.name, s.start, s.end, service.digits)
	if !root {
		b = appendID(append(b, `,"parent_id":"`...), s.parent)
		b = append(b, '"')
	}
	b = flags(b, s.outcome)
	b = append(append(append(b, `,"origin":"`...), service.origin...), '"')
	if root {
		b = strconv.AppendUint(append(b, `,"user":"customer-`...), g.users.Uint64(), 10)
		b = append(b, '"')
	}

	b = append(append(b, `,"http":{"request":{"method":"`...), s.work.method...)
	b = append(append(b, `","url":"https://`...), service.host...)
	b = append(append(b, s.path...), `","client_ip":"`...)
	if root {
		for i, octet := range [4]int{81 + g.random.IntN(12), g.random.IntN(256), g.random.IntN(256), g.random.IntN(256)} {
			if i > 0 {
				b = append(b, '.')
			}
			b = strconv.AppendInt(b, int64(octet), 10)
		}
		b = append(append(b, `","user_agent":"`...), agents[g.random.IntN(len(agents))]...)
		b = append(b, `","x_forwarded_for":true`...)
	} else {
		b = append(append(b, g.hosts[frontend][g.random.IntN(frontend.hosts)].address...), '"')
	}
	b = g.response(append(b, '}'), s.status, 6000)
	b = append(b, '}')

	b = append(b, s.host.blocks...)
	if s.exception != 0 {
		b = g.cause(b, s)
	}
	b = g.annotations(b, s, root)
	b = g.metadata(b, s, root)
	b = append(b, `,"subsegments":[`...)
	for i := range s.spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.subsegment(b, s, &s.spans[i])
	}
	b = append(b, "]}"...)
	g.spare = b[len(b):]
	return b[:len(b):len(b)]
}

// subsegment writes one call.
func (g *Generator) subsegment(b []byte, s *segment, c *span) []byte {
	name := c.call.name
	switch c.call.kind {
	case traced:
		name = c.call.to.service.host
	case dynamoDB:
		name = "DynamoDB"
	case sqs:
		name = "SQS"
	}
	b = g.begin(append(b, '{'), c.id, name, c.start, c.end, s.work.service.digits)
	b = flags(b, c.outcome)
	switch c.call.kind {
	case local:
		if g.random.IntN(2) == 0 {
			b = strconv.AppendInt(append(b, `,"metadata":{"default":{"bytes":`...), int64(g.random.ExpFloat64()*20_000), 10)
			b = append(b, "}}"...)
		}
	case traced, foreign:
		b = append(append(b, `,"namespace":"remote","http":{"request":{"method":"`...), c.method()...)
		b = append(append(append(b, `","url":"https://`...), name...), c.path...)
		b = append(b, '"')
		b = append(g.response(append(b, '}'), c.status, 3000), '}')
	case dynamoDB, sqs:
		b = append(g.response(append(b, `,"namespace":"aws","http":{`...), c.status, 900), '}')
		b = append(append(b, `,"aws":{"operation":"`...), c.call.action...)
		b = append(b, `","region":"eu-central-1","request_id":"`...)
		if c.call.kind == dynamoDB {
			b = g.base32(b, 52)
			b = append(append(b, `","table_name":"`...), c.call.name...)
		} else {
			b = g.uuid(b)
			b = append(append(b, `","queue_url":"https://sqs.eu-central-1.amazonaws.com/123456789012/`...), c.call.name...)
		}
		b = strconv.AppendInt(append(b, `","retries":`...), int64(g.random.IntN(12)/11), 10)
		b = append(b, '}')
	case sql:
		database, _, _ := strings.Cut(c.call.name, "@")
		b = append(append(b, `,"namespace":"remote","sql":{"url":"jdbc:postgresql://pg.internal:5432/`...), database...)
		b = append(append(b, `","database_type":"PostgreSQL","user":"`...), database...)
		b = appendText(append(b, `_app","sanitized_query":"`...), c.call.action)
		b = append(b, `"}`...)
	}
	if c.outcome != fine && c.callee == nil && c.call.kind != local {
		b = g.remoteCause(b, c)
	}
	return append(b, '}')
}

// begin writes the members every entity has.
func (g *Generator) begin(b []byte, id uint64, name string, start, end int64, digits int) []byte {
	b = appendID(append(b, `"id":"`...), id)
	b = append(append(b, `","name":"`...), name...)
	b = g.seconds(append(b, `","start_time":`...), start, digits)
	return g.seconds(append(b, `,"end_time":`...), end, digits)
}

// response writes the response member of an http block, after the request's
// if there is one.
func (g *Generator) response(b []byte, status int, size float64) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = strconv.AppendInt(append(b, `"response":{"status":`...), int64(status), 10)
	b = strconv.AppendInt(append(b, `,"content_length":`...), int64(g.random.ExpFloat64()*size), 10)
	return append(b, '}')
}

// flags writes what an outcome sets.
func flags(b []byte, o outcome) []byte {
	switch o {
	case failed:
		return append(b, `,"fault":true`...)
	case refused:
		return append(b, `,"error":true`...)
	case throttled:
		return append(b, `,"error":true,"throttle":true`...)
	}
	return b
}

// RareCampaign is the value that the annotation campaign has in one trace of
// 5,000, RarestCampaign that of one trace of 20,000.
const (
	RareCampaign   = "last-chance-2019"
	RarestCampaign = "first-come-2018"
)

func (g *Generator) annotations(b []byte, s *segment, root bool) []byte {
	if root {
		b = append(append(b, `,"annotations":{"tenant":"`...), tenants[g.random.IntN(len(tenants))]...)
		campaign := campaigns[g.random.IntN(len(campaigns))]
		switch {
		case s.id%5000 == 0:
			campaign = RareCampaign
		case s.id%20_000 == 1:
			campaign = RarestCampaign
		}
		b = append(append(b, `","campaign":"`...), campaign...)
		b = strconv.AppendBool(append(b, `","premium":`...), g.random.IntN(5) == 0)
		b = strconv.AppendInt(append(b, `,"basket_size":`...), int64(g.random.ExpFloat64()*3), 10)
		return append(b, '}')
	}
	b = strconv.AppendInt(append(b, `,"annotations":{"shard":`...), int64(g.random.IntN(32)), 10)
	b = strconv.AppendBool(append(b, `,"cache_hit":`...), g.random.IntN(3) > 0)
	if s.work.method != "GET" {
		b = strconv.AppendInt(append(b, `,"order_id":"o-`...), 70_000_000+int64(g.random.IntN(9_000_000)), 10)
		b = append(b, '"')
	}
	return append(b, '}')
}

func (g *Generator) metadata(b []byte, s *segment, root bool) []byte {
	b = g.uuid(append(b, `,"metadata":{"default":{"request":"`...))
	b = strconv.AppendInt(append(b, `","queue":`...), int64(g.random.ExpFloat64()*400), 10)
	b = strconv.AppendInt(append(b, `,"heap":`...), 90_000_000+int64(g.random.ExpFloat64()*4e7), 10)
	b = append(g.base32(append(b, `,"etag":"`...), 20), '"')
	return append(b, "}}"...)
}

// cause writes the exception that ended a segment, with its stack.
func (g *Generator) cause(b []byte, s *segment) []byte {
	b = append(append(b, `,"cause":{"working_directory":"`...), s.work.service.packages...)
	b = appendID(append(b, `","exceptions":[{"id":"`...), s.exception)
	failure := failures[g.random.IntN(len(failures))]
	b = append(append(b, `","type":"`...), failure[0]...)
	b = append(append(b, `","message":"`...), failure[1]...)
	b = append(b, `","stack":[`...)
	for i := range 6 + g.random.IntN(10) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"path":"`...), s.work.service.packages...)
		b = append(b, files[g.random.IntN(len(files))]...)
		b = append(b, s.work.service.language...)
		b = strconv.AppendInt(append(b, `","line":`...), int64(g.random.IntN(600)+1), 10)
		b = append(append(b, `,"label":"`...), functions[g.random.IntN(len(functions))]...)
		b = append(b, `"}`...)
	}
	return append(b, `]}]}`...)
}

// remoteCause writes the exception of a call that failed.
func (g *Generator) remoteCause(b []byte, c *span) []byte {
	b = appendID(append(b, `,"cause":{"exceptions":[{"id":"`...), g.random.Uint64())
	if c.outcome == throttled {
		b = append(append(b, `","type":"ProvisionedThroughputExceededException","message":"throughput of table `...), c.call.name...)
		b = append(b, ` exceeded`...)
	} else {
		b = append(append(b, `","type":"ServiceUnavailable","message":"`...), c.call.name...)
		b = append(b, ` answered 503`...)
	}
	return append(b, `","remote":true}]}`...)
}

// method is the HTTP method of a call.
func (c *span) method() string {
	if c.call.kind == traced {
		return c.call.to.method
	}
	return c.call.action
}

// base32 appends n random characters of the alphabet of DynamoDB's request ids.
func (g *Generator) base32(b []byte, n int) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	for n > 0 {
		bits := g.random.Uint64()
		for range min(n, 12) {
			b = append(b, alphabet[bits&31])
			bits >>= 5
			n--
		}
	}
	return b
}

// uuid appends a random UUID.
func (g *Generator) uuid(b []byte) []byte {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], g.random.Uint64())
	binary.BigEndian.PutUint64(raw[8:], g.random.Uint64())
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	from := 0
	for _, to := range [5]int{4, 6, 8, 10, 16} {
		if from > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, raw[from:to])
		from = to
	}
	return b
}

// appendID appends 16 hex digits.
func appendID(b []byte, id uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], id)
	return hex.AppendEncode(b, raw[:])
}

// seconds appends µs since the epoch as seconds with the given decimals,
// without zeros at the end. The seventh decimal is any.
func (g *Generator) seconds(b []byte, micros int64, digits int) []byte {
	t, unit := micros, int64(1_000_000)
	switch digits {
	case 3:
		t, unit = t/1000, 1000
	case 7:
		t, unit = t*10+int64(g.random.IntN(10)), 10_000_000
	}
	b = strconv.AppendInt(b, t/unit, 10)
	fraction := t % unit
	if fraction == 0 {
		return b
	}
	b = strconv.AppendInt(b, unit+fraction, 10)
	b[len(b)-digits-1] = '.' // where the unit's 1 stands
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendText appends s as it stands inside a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}
