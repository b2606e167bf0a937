package sdk

import (
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// Datagram limits. A UDP payload over IPv4 has at most 65,507 bytes, of which
// datagramHeader takes its part.
const (
	datagramHeader = `{"format": "json", "version": 1}` + "\n"
	maxDocument    = 65507 - len(datagramHeader)
)

// trim says how much of a node is left out to make it fit.
type trim uint8

const (
	whole    trim = iota
	noData        // without metadata
	cut           // texts cut to maxText, stacks to maxCutFrames
	bare          // identity, times, outcome and the HTTP block
	trimEnds      // no more can be left out
)

const (
	maxText      = 500 // bytes
	maxCutFrames = 4
)

// encoder writes documents by hand, into a buffer that it keeps. It reads nodes
// that nothing else writes any more.
type encoder struct {
	buf  []byte
	trim trim
}

// document writes the document of n: a segment, or a subsegment alone.
func (e *encoder) document(n *node) {
	r := n.rec
	b := append(e.buf, `{"trace_id":"`...)
	b = append(r.trace.id.append(b), '"')
	if n.parent != 0 {
		b = append(b, `,"parent_id":"`...)
		b = append(n.parent.append(b), '"')
	}
	if n.sub {
		b = append(b, `,"type":"subsegment"`...)
	}
	e.buf = append(b, ',')
	e.members(n)
}

// node writes n within the document of its parent.
func (e *encoder) node(n *node) {
	e.buf = append(e.buf, '{')
	e.members(n)
}

// members writes the members of n, without the opening brace, with the closing one.
func (e *encoder) members(n *node) {
	b := append(e.buf, `"id":"`...)
	b = append(n.id.append(b), `","name":`...)
	b = append(appendString(b, n.name), `,"start_time":`...)
	b = append(appendTime(b, n.start), `,"end_time":`...)
	b = appendTime(b, n.end)
	if n.fault {
		b = append(b, `,"fault":true`...)
	}
	if n.error {
		b = append(b, `,"error":true`...)
	}
	if n.throttle {
		b = append(b, `,"throttle":true`...)
	}
	if n.namespace != "" {
		b = e.text(append(b, `,"namespace":`...), n.namespace)
	}
	e.buf = b
	if !n.sub {
		e.root(n)
	}
	if n.details != nil {
		e.details(n)
	}
	children := false
	for c := n.first; c != nil; c = c.next {
		if c.apart {
			continue
		}
		if children {
			e.buf = append(e.buf, ',')
		} else {
			e.buf = append(e.buf, `,"subsegments":[`...)
			children = true
		}
		e.node(c)
	}
	if children {
		e.buf = append(e.buf, ']')
	}
	e.buf = append(e.buf, '}')
}

// root writes what only a segment has.
func (e *encoder) root(n *node) {
	r := n.rec.trace.recorder
	origin, arn := r.origin, ""
	d := n.details
	if d != nil {
		if d.origin != "" {
			origin = d.origin
		}
		arn = d.resourceARN
		if d.user != "" {
			e.buf = e.text(append(e.buf, `,"user":`...), d.user)
		}
	}
	if origin != "" {
		e.buf = e.text(append(e.buf, `,"origin":`...), origin)
	}
	if arn != "" {
		e.buf = e.text(append(e.buf, `,"resource_arn":`...), arn)
	}
	e.buf = append(e.buf, r.service...)
	e.buf = append(e.buf, `,"aws":{`...)
	e.buf = append(e.buf, r.xray...)
	if d != nil && d.rule != "" {
		e.buf = e.text(append(e.buf, `,"sampling_rule_name":`...), d.rule)
	}
	e.buf = append(e.buf, '}')
	e.buf = append(e.buf, r.platform...)
	if d != nil && e.trim < bare {
		for _, m := range d.aws {
			if m.key != "xray" {
				e.buf = append(appendString(append(e.buf, ','), m.key), ':')
				e.buf = append(e.buf, m.value...)
			}
		}
	}
	e.buf = append(e.buf, '}')
}

// details writes what n has of them.
func (e *encoder) details(n *node) {
	d := n.details
	if d.request != nil || d.response != nil {
		e.http(d)
	}
	if e.trim >= bare {
		return
	}
	if n.sub && len(d.aws) > 0 {
		e.buf = append(e.buf, `,"aws":`...)
		e.object(d.aws)
	}
	if d.sql != nil {
		e.sql(d.sql)
	}
	if len(d.annotations) > 0 {
		e.annotations(d.annotations)
	}
	if len(d.metadata) > 0 && e.trim < noData {
		e.buf = append(e.buf, `,"metadata":{`...)
		for i, space := range d.metadata {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			e.buf = append(appendString(e.buf, space.name), ':')
			e.object(space.members)
		}
		e.buf = append(e.buf, '}')
	}
	if len(d.exceptions) > 0 {
		e.cause(d.exceptions)
	}
	if len(d.links) > 0 {
		e.buf = append(e.buf, `,"links":[`...)
		for i, l := range d.links {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			e.buf = l.TraceID.append(append(e.buf, `{"trace_id":"`...))
			e.buf = l.ID.append(append(e.buf, `","id":"`...))
			e.buf = append(e.buf, '"', '}')
		}
		e.buf = append(e.buf, ']')
	}
}

func (e *encoder) object(members []member) {
	e.buf = append(e.buf, '{')
	for i, m := range members {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(appendString(e.buf, m.key), ':')
		e.buf = append(e.buf, m.value...)
	}
	e.buf = append(e.buf, '}')
}

func (e *encoder) http(d *details) {
	b := append(e.buf, `,"http":{`...)
	if q := d.request; q != nil {
		b = append(b, `"request":`...)
		at := len(b)
		b = e.optional(b, "method", q.Method)
		b = e.optional(b, "url", q.URL)
		b = e.optional(b, "client_ip", q.ClientIP)
		b = e.optional(b, "user_agent", q.UserAgent)
		if q.XForwardedFor {
			b = append(b, `,"x_forwarded_for":true`...)
		}
		if q.Traced {
			b = append(b, `,"traced":true`...)
		}
		b = closeObject(b, at)
	}
	if a := d.response; a != nil {
		if d.request != nil {
			b = append(b, ',')
		}
		b = append(b, `"response":`...)
		at := len(b)
		if a.Status != 0 {
			b = strconv.AppendInt(append(b, `,"status":`...), int64(a.Status), 10)
		}
		if a.ContentLength != 0 {
			b = strconv.AppendInt(append(b, `,"content_length":`...), a.ContentLength, 10)
		}
		b = closeObject(b, at)
	}
	e.buf = append(b, '}')
}

func (e *encoder) sql(q *SQL) {
	b := append(e.buf, `,"sql":`...)
	at := len(b)
	b = e.optional(b, "connection_string", q.ConnectionString)
	b = e.optional(b, "url", q.URL)
	b = e.optional(b, "database_type", q.DatabaseType)
	b = e.optional(b, "database_version", q.DatabaseVersion)
	b = e.optional(b, "driver_version", q.DriverVersion)
	b = e.optional(b, "user", q.User)
	b = e.optional(b, "preparation", q.Preparation)
	b = e.optional(b, "sanitized_query", q.SanitizedQuery)
	e.buf = closeObject(b, at)
}

// optional writes a member with a comma before it unless the value is "".
func (e *encoder) optional(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(b, ',', '"'), key...)
	return e.text(append(b, '"', ':'), value)
}

// closeObject ends the object whose members were written from at on, each with
// a comma before it. The first comma becomes the brace.
func closeObject(b []byte, at int) []byte {
	if len(b) == at {
		return append(b, '{', '}')
	}
	b[at] = '{'
	return append(b, '}')
}

func (e *encoder) annotations(list []annotation) {
	b := append(e.buf, `,"annotations":{`...)
	for i, a := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(append(b, a.key...), '"', ':')
		switch a.kind {
		case reflect.String:
			b = e.text(b, a.text)
		case reflect.Bool:
			b = strconv.AppendBool(b, a.bits == 1)
		case reflect.Int64:
			b = strconv.AppendInt(b, int64(a.bits), 10)
		case reflect.Uint64:
			b = strconv.AppendUint(b, a.bits, 10)
		case reflect.Float64:
			b = strconv.AppendFloat(b, math.Float64frombits(a.bits), 'g', -1, 64)
		}
	}
	e.buf = append(b, '}')
}

func (e *encoder) cause(list []exception) {
	e.buf = append(e.buf, `,"cause":{`...)
	if dir := workingDirectory(); dir != "" {
		e.buf = append(e.text(append(e.buf, `"working_directory":`...), dir), ',')
	}
	e.buf = append(e.buf, `"exceptions":[`...)
	for i := range list {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.exception(&list[i])
	}
	e.buf = append(e.buf, ']', '}')
}

func (e *encoder) exception(x *exception) {
	b := append(e.buf, `{"id":"`...)
	b = append(x.id.append(b), `","type":`...)
	b = append(e.text(b, x.kind), `,"message":`...)
	b = e.text(b, x.message)
	if x.remote {
		b = append(b, `,"remote":true`...)
	}
	if x.cause != 0 {
		b = append(b, `,"cause":"`...)
		b = append(x.cause.append(b), '"')
	}
	frames := x.frames
	if frames == nil {
		frames = Frames(x.stack)
	}
	if e.trim >= cut && len(frames) > maxCutFrames {
		b = strconv.AppendInt(append(b, `,"truncated":`...), int64(len(frames)-maxCutFrames), 10)
		frames = frames[:maxCutFrames]
	}
	if len(frames) > 0 {
		b = append(b, `,"stack":[`...)
		for i, f := range frames {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.text(append(b, `{"path":`...), f.Path)
			b = strconv.AppendInt(append(b, `,"line":`...), int64(f.Line), 10)
			b = append(e.text(append(b, `,"label":`...), f.Label), '}')
		}
		b = append(b, ']')
	}
	e.buf = append(b, '}')
}

// text writes s, cut if it has to be.
func (e *encoder) text(b []byte, s string) []byte {
	if e.trim >= cut && len(s) > maxText {
		s = s[:maxText]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		s = s[:max(0, len(s)-1)] + "…"
	}
	return appendString(b, s)
}

// appendTime writes microseconds as seconds with six decimals: what a float64
// tells apart today, and never in exponent form.
func appendTime(b []byte, micros int64) []byte {
	b = strconv.AppendInt(b, micros/1e6, 10)
	f := micros % 1e6
	if f < 0 {
		f = -f
	}
	return append(b, '.',
		byte('0'+f/100000), byte('0'+f/10000%10), byte('0'+f/1000%10),
		byte('0'+f/100%10), byte('0'+f/10%10), byte('0'+f%10))
}

// plain says which bytes are themselves in a JSON string.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString writes s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
