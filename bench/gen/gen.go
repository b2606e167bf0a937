// Package gen makes the traces of a web shop: what goes in is a seed and a
// start, what comes out are segment documents as SDKs write them.
//
// A trace has about 4 segments, a document about 1.5 kB and three subsegments:
// calls to other services, to DynamoDB, SQS and SQL, and local ones. Ids, times
// and numbers are random, so the documents compress as real ones do. In 2 % of
// the traces a segment is a fault, in 3 % an error, in 1 % a throttle; each
// spreads to its callers. Equal seeds, starts and intervals give equal bytes.
package gen

import (
	"container/heap"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Trace is one generated trace.
type Trace struct {
	ID        string
	Start     time.Time  // of the root
	Documents []Document // in the order in which they are sent: callees end first
}

// Document is one generated segment document.
type Document struct {
	Trace string // id of its trace
	Root  bool   // the last of its trace to be sent
	End   time.Time
	Text  []byte
}

// Generator makes one trace after the other. It is not safe for concurrent use.
type Generator struct {
	random   *rand.Rand
	users    *rand.Zipf
	hosts    map[*service][]host
	interval time.Duration
	clock    int64 // µs since the epoch: when the next trace begins
	pending  sending
	spare    []byte // memory for documents to come
}

// host is one machine of a service.
type host struct {
	address string
	blocks  string // its aws and service blocks
}

// New makes a generator. Traces begin at start and then at random moments,
// interval apart in the mean.
func New(seed uint64, start time.Time, interval time.Duration) *Generator {
	g := &Generator{
		random:   rand.New(rand.NewPCG(seed, 0x746f6d6f)),
		hosts:    make(map[*service][]host),
		interval: interval,
		clock:    start.UnixMicro(),
	}
	g.users = rand.NewZipf(g.random, 1.05, 50, 40_000)
	for _, s := range services {
		for range s.hosts {
			g.hosts[s] = append(g.hosts[s], g.host(s))
		}
	}
	return g
}

// Trace makes the next trace.
func (g *Generator) Trace() Trace {
	start := g.clock
	g.clock += int64(g.random.ExpFloat64() * float64(g.interval/time.Microsecond))

	t := journey{work: pick(g.random.IntN(100))}
	var random [12]byte
	binary.BigEndian.PutUint64(random[:8], g.random.Uint64())
	binary.BigEndian.PutUint32(random[8:], g.random.Uint32())
	t.id = "1-" + hex8(uint32(start/1e6)) + "-" + hex.EncodeToString(random[:])
	t.trouble, t.at = g.trouble(), g.random.IntN(t.work.segments())
	g.run(&t, t.work, 0, start)

	trace := Trace{ID: t.id, Start: time.UnixMicro(start)}
	slices.SortStableFunc(t.segments, func(a, b *segment) int { return int(a.end - b.end) })
	for _, s := range t.segments {
		trace.Documents = append(trace.Documents, Document{Trace: t.id, Root: s.parent == 0, End: time.UnixMicro(s.end), Text: g.write(&t, s)})
	}
	return trace
}

// Next gives the documents of all traces in the order in which they are sent,
// those of traces that overlap mixed as they would arrive.
func (g *Generator) Next() Document {
	for len(g.pending) == 0 || g.pending[0].End.UnixMicro() > g.clock {
		for _, d := range g.Trace().Documents {
			heap.Push(&g.pending, d)
		}
	}
	return heap.Pop(&g.pending).(Document)
}

// sending holds documents by the moment they are sent.
type sending []Document

func (s sending) Len() int           { return len(s) }
func (s sending) Less(i, j int) bool { return s[i].End.Before(s[j].End) }
func (s sending) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sending) Push(d any)        { *s = append(*s, d.(Document)) }
func (s *sending) Pop() any {
	last := len(*s) - 1
	d := (*s)[last]
	*s = (*s)[:last]
	return d
}

// outcome is how a piece of work ends.
type outcome uint8

const (
	fine outcome = iota
	failed
	refused
	throttled
)

// trouble rolls what goes wrong in a trace.
func (g *Generator) trouble() outcome {
	switch roll := g.random.IntN(100); {
	case roll < 2:
		return failed
	case roll < 5:
		return refused
	case roll < 6:
		return throttled
	}
	return fine
}

// journey is a trace in the making.
type journey struct {
	id       string
	work     *work
	trouble  outcome
	at       int // which segment the trouble begins in
	segments []*segment
}

// segment is one piece of work as it went.
type segment struct {
	work       *work
	host       *host
	id, parent uint64
	start, end int64
	outcome    outcome
	status     int
	path       string
	spans      []span
	exception  uint64 // id of the exception that ended it, 0 if none did
}

// span is one call as it went.
type span struct {
	call       *call
	id         uint64
	start, end int64
	outcome    outcome
	status     int
	path       string
	callee     *segment // of a traced call
}

// run plays a piece of work and what it calls, and returns it.
func (g *Generator) run(t *journey, w *work, parent uint64, start int64) *segment {
	hosts := g.hosts[w.service]
	s := &segment{
		work: w, host: &hosts[g.random.IntN(len(hosts))], status: 200,
		id: g.random.Uint64(), parent: parent, start: start, path: g.path(w.path),
		spans: make([]span, len(w.calls)),
	}
	mine := t.trouble != fine && len(t.segments) == t.at
	t.segments = append(t.segments, s)

	now := start + g.spread(w.millis/4)
	for i := range s.spans {
		c := &s.spans[i]
		*c = span{call: &w.calls[i], id: g.random.Uint64(), start: now, status: 200, path: w.calls[i].path}
		if c.call.kind == traced {
			c.callee = g.run(t, c.call.to, c.id, now+g.spread(0.4))
			c.path = c.callee.path
			c.end = c.callee.end + g.spread(0.4)
			c.status, c.outcome = c.callee.status, c.callee.outcome
			g.inherit(s, c.outcome)
		} else {
			c.path = g.path(c.path)
			c.end = now + g.spread(c.call.millis)
		}
		now = c.end + g.spread(w.millis/8)
	}
	s.end = now + g.spread(w.millis/4)
	if mine {
		g.fail(s, t.trouble)
	}
	return s
}

// fail makes s the segment in which the trouble begins.
func (g *Generator) fail(s *segment, o outcome) {
	s.outcome = o
	c := &s.spans[g.random.IntN(len(s.spans))]
	switch o {
	case failed:
		s.status = 500
		s.exception = g.random.Uint64()
		if c.callee == nil {
			c.outcome, c.status = failed, 503
		}
	case refused:
		s.status = 404
	case throttled:
		s.status = 429
		if c.call.kind == dynamoDB {
			c.outcome, c.status = throttled, 400
		}
	}
}

// inherit passes the outcome of a call on to its caller: mostly, as some cope.
func (g *Generator) inherit(s *segment, o outcome) {
	if o == fine || g.random.IntN(16) == 0 {
		return
	}
	s.outcome = o
	switch o {
	case failed:
		s.status = 502
		s.exception = g.random.Uint64()
	case refused:
		s.status = 404
	case throttled:
		s.status = 429
	}
}

func (g *Generator) spread(millis float64) int64 { return spread(millis, g.random.NormFloat64()) }

// path fills the places of a path.
func (g *Generator) path(pattern string) string {
	b := make([]byte, 0, 64)
	for i := range len(pattern) {
		switch pattern[i] {
		case '#':
			b = strconv.AppendInt(b, int64(g.random.ExpFloat64()*30_000), 10)
		case '@':
			b = append(b, words[g.random.IntN(len(words))]...)
		default:
			b = append(b, pattern[i])
		}
	}
	return string(b)
}

// host makes a machine with its aws and service blocks.
func (g *Generator) host(s *service) host {
	zone := string("abc"[g.random.IntN(3)])
	address := "10.0." + strconv.Itoa(g.random.IntN(64)) + "." + strconv.Itoa(g.random.IntN(254)+1)
	where := `"ecs":{"container":"ip-` + dashed(address) + `"}`
	if s.origin == ec2 {
		where = `"ec2":{"instance_id":"i-0` + hex8(g.random.Uint32()) + hex8(g.random.Uint32())[:7] +
			`","instance_size":"` + sizes[g.random.IntN(len(sizes))] +
			`","availability_zone":"eu-central-1` + zone + `"}`
	}
	return host{
		address: address,
		blocks:  `,"aws":{` + where + `,` + s.sdk + `},` + s.runtime,
	}
}

// dashed writes an address as host names do.
func dashed(address string) string {
	b := []byte(address)
	for i := range b {
		if b[i] == '.' {
			b[i] = '-'
		}
	}
	return string(b)
}

func hex8(v uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return hex.EncodeToString(b[:])
}
