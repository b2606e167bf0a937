package demo

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// paper performs on paper: time passes by being counted, and what happens is
// written into documents.
type paper struct {
	world     world
	random    *rand.Rand
	documents []string
}

// flush gives away what was written.
func (p *paper) flush(stats *Stats, send func([]string) error) error {
	if len(p.documents) == 0 {
		return nil
	}
	documents := p.documents
	p.documents = nil
	if err := send(documents); err != nil {
		return err
	}
	stats.Documents += len(documents)
	return nil
}

// ask performs one request of a client.
func (p *paper) ask(now time.Time, q request) {
	clock := now
	to := instance(q.host, q.dice)
	p.serve(to, q, p.segment(&clock, p.traceID(now), "", to.name, to.origin), q.clientIP)
}

// serve lets a service answer in its segment.
func (p *paper) serve(to *service, q request, on *script, clientIP string) reply {
	on.version = to.version
	on.put("service", map[string]any{"version": to.version, "runtime": "gc"})
	on.aws(to.platform, to.machine)
	on.web = map[string]any{"request": map[string]any{
		"method": q.method, "url": "http://" + q.host + q.path, "client_ip": clientIP, "user_agent": q.agent, "x_forwarded_for": true,
	}}
	r := to.handle(newScene(on, p.world, q, to.version))
	r.record(on)
	on.end()
	return r
}

// segment begins one.
func (p *paper) segment(clock *time.Time, trace, parent, name, origin string) *script {
	s := &script{paper: p, clock: clock, trace: trace, id: p.id(), node: map[string]any{}}
	s.root = s
	s.put("trace_id", trace)
	s.put("id", s.id)
	s.put("name", name)
	s.put("start_time", seconds(*clock))
	if parent != "" {
		s.put("parent_id", parent)
	}
	if origin != "" {
		s.put("origin", origin)
	}
	s.amazon = map[string]any{"xray": map[string]any{"sdk": "Tomo demo"}}
	return s
}

func (p *paper) id() string { return fmt.Sprintf("%016x", p.random.Uint64()|1) }

func (p *paper) traceID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], uint32(now.Unix()))
	binary.BigEndian.PutUint32(b[4:], p.random.Uint32())
	binary.BigEndian.PutUint64(b[8:], p.random.Uint64())
	text := hex.EncodeToString(b[:])
	return "1-" + text[:8] + "-" + text[8:]
}

// seconds are seconds since the epoch, to the microsecond.
func seconds(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000))
}

// prologue begins the programs that are no servers.
func (p *paper) prologue(now time.Time) {
	prologue(
		func(before time.Duration, name string) stage {
			clock := now.Add(-before)
			return p.segment(&clock, p.traceID(clock), "", name, "")
		},
		func(before time.Duration, name, url string) {
			clock := now.Add(-before)
			s := p.segment(&clock, p.traceID(clock), "", name, "")
			s.put("in_progress", true)
			s.web = map[string]any{"request": map[string]any{"url": url}}
			s.finish()
			p.write(s.node)
		}, p.random)
}

// write keeps a document.
func (p *paper) write(node map[string]any) {
	text, err := json.Marshal(node)
	if err != nil {
		panic(err) // maps of texts, numbers and bools
	}
	p.documents = append(p.documents, string(text))
}

// script is a stage on paper.
type script struct {
	paper   *paper
	clock   *time.Time
	trace   string
	id      string
	version string
	root    *script // the segment
	up      *script // nil: a segment
	node    map[string]any

	web         map[string]any // "http"
	amazon      map[string]any // "aws"
	annotations map[string]any
	notes       map[string]map[string]any // "metadata"
	exceptions  []map[string]any
	below       []map[string]any
}

var _ stage = (*script)(nil)

func (s *script) put(key string, value any) { s.node[key] = value }

func (s *script) now() time.Time { return *s.clock }

func (s *script) wait(d time.Duration) { *s.clock = s.clock.Add(d) }

func (s *script) begin(name string) stage { return s.sub(s.clock, name) }

func (s *script) sub(clock *time.Time, name string) *script {
	t := &script{paper: s.paper, clock: clock, trace: s.trace, id: s.paper.id(), root: s.root, up: s, node: map[string]any{}}
	t.put("id", t.id)
	t.put("name", name)
	t.put("start_time", seconds(*clock))
	return t
}

func (s *script) end() {
	s.put("end_time", seconds(*s.clock))
	s.finish()
	if s.up == nil {
		s.paper.write(s.node)
		return
	}
	s.up.below = append(s.up.below, s.node)
}

// finish puts the parts of the document together.
func (s *script) finish() {
	if s.web != nil {
		s.put("http", s.web)
	}
	if s.amazon != nil {
		s.put("aws", s.amazon)
	}
	if s.annotations != nil {
		s.put("annotations", s.annotations)
	}
	if s.notes != nil {
		s.put("metadata", s.notes)
	}
	if s.exceptions != nil {
		s.put("cause", map[string]any{"working_directory": "/app", "exceptions": s.exceptions})
	}
	if s.below != nil {
		s.put("subsegments", s.below)
	}
}

func (s *script) beside(name string, f func(stage)) {
	clock := *s.clock
	sub := s.sub(&clock, name)
	f(sub)
	sub.end()
}

func (s *script) segment(name, origin string, f func(stage)) {
	t := s.paper.segment(s.clock, s.trace, s.id, name, origin)
	f(t)
	t.end()
}

func (s *script) later(after time.Duration, name, origin string, f func(stage)) {
	clock := s.clock.Add(after)
	t := s.paper.segment(&clock, s.paper.traceID(clock), "", name, origin)
	t.put("links", []map[string]any{{"trace_id": s.trace, "id": s.root.id}})
	f(t)
	t.end()
}

func (s *script) call(q request, limit time.Duration) (status int, err error) {
	sub := s.sub(s.clock, q.host)
	defer sub.end()
	sub.namespace("remote")
	sub.web = map[string]any{"request": map[string]any{"method": q.method, "url": "http://" + q.host + q.path}}
	if to := instance(q.host, q.dice); to != nil {
		s.wait(300 * time.Microsecond) // on the way
		r := s.paper.serve(to, q, s.paper.segment(s.clock, s.trace, sub.id, to.name, to.origin), "10.0.1.20")
		s.wait(200 * time.Microsecond)
		sub.answered(r.status, r.length)
		return r.status, nil
	}
	took, status := stranger(s.paper.world, *s.clock, q.dice)
	if took > limit {
		s.wait(limit)
		sub.failed(errTimeout, fault)
		return 0, errTimeout
	}
	s.wait(took)
	sub.answered(status, 24)
	return status, nil
}

func (s *script) query(q query) error {
	sub := s.sub(s.clock, "history@"+hostDB)
	defer sub.end()
	sub.namespace("remote")
	sub.put("sql", map[string]any{
		"url": databaseURL, "database_type": databaseType, "user": databaseUser, "driver_version": driverVersion,
		"sanitized_query": q.text,
	})
	s.wait(q.took)
	if q.err != nil {
		sub.failed(q.err, fault)
	}
	return q.err
}

func (s *script) user(name string) { s.root.put("user", name) }

func (s *script) annotate(key string, value any) {
	if s.annotations == nil {
		s.annotations = map[string]any{}
	}
	s.annotations[key] = value
}

func (s *script) metadata(namespace, key string, value any) {
	if s.notes == nil {
		s.notes = map[string]map[string]any{}
	}
	if s.notes[namespace] == nil {
		s.notes[namespace] = map[string]any{}
	}
	s.notes[namespace][key] = value
}

func (s *script) namespace(name string) { s.put("namespace", name) }

func (s *script) arn(name string) { s.put("resource_arn", name) }

func (s *script) aws(key string, value any) {
	if s.amazon == nil {
		s.amazon = map[string]any{}
	}
	s.amazon[key] = value
}

func (s *script) answered(status int, length int64) {
	if s.web == nil {
		s.web = map[string]any{}
	}
	answer := map[string]any{"status": status}
	if length > 0 {
		answer["content_length"] = length
	}
	s.web["response"] = answer
	switch {
	case status >= 500:
		s.put("fault", true)
	case status == 429:
		s.put("throttle", true)
		s.put("error", true)
	case status >= 400:
		s.put("error", true)
	}
}

func (s *script) failed(err error, what outcome) {
	switch what {
	case fault:
		s.put("fault", true)
	case throttled:
		s.put("throttle", true)
		s.put("error", true)
	case wrong:
		s.put("error", true)
	}
	var above map[string]any
	for ; err != nil; err = errors.Unwrap(err) {
		x := map[string]any{"id": s.paper.id(), "message": err.Error(), "type": strings.TrimPrefix(reflect.TypeOf(err).String(), "*")}
		if named, is := err.(interface{ ExceptionType() string }); is {
			x["type"] = named.ExceptionType()
		}
		if f, is := err.(*failure); is {
			if f.remote {
				x["remote"] = true
			}
			if f.stack != nil {
				x["stack"] = frames(f.stack)
			}
		}
		if above != nil {
			above["cause"] = x["id"]
		}
		above = x
		s.exceptions = append(s.exceptions, x)
	}
}

// frames names the places of a stack that are of a service: whoever made it
// perform is left out.
func frames(stack []uintptr) (named []map[string]any) {
	for list := runtime.CallersFrames(stack); ; {
		f, more := list.Next()
		_, label, _ := strings.Cut(path.Base(f.Function), ".")
		if path.Base(f.File) == "paper.go" {
			return named
		}
		named = append(named, map[string]any{"path": path.Join(path.Base(path.Dir(f.File)), path.Base(f.File)), "line": f.Line, "label": label})
		if !more {
			return named
		}
	}
}
