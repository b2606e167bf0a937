package derive

import (
	"bytes"
	"hash/fnv"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
)

// appendSegment appends the entity s as it is shown: its members in the
// service's order, repaired, then those that nothing here knows, then its
// subsegments. A top-level segment has a traceID and shows it and its parent;
// what is folded into one has none and shows neither. Of its links the first are
// shown, as many as links says.
//
// children appends the elements of the subsegments array and reports whether
// there are any; nil stands for none. What of them is embedded in s.Text is
// not looked at.
//
// X-Ray: shows flags only if true and leaves out empty stacks. Members outside
// the schema, which X-Ray drops, stay here.
func appendSegment(dst []byte, s *tomo.Segment, traceID *tomo.TraceID, links int, children func(dst []byte) ([]byte, bool)) []byte {
	sent := membersOf(s.Text)
	dst = appendIdentity(dst, s.ID, s, sent, traceID)
	if traceID != nil && s.HasParent {
		dst = appendID(append(dst, `,"parent_id":`...), s.Parent)
	}
	if s.Inferred {
		dst = append(dst, `,"inferred":true`...)
	}
	dst = appendFlags(dst, s)
	for _, known := range shownMembers {
		dst = known.append(dst, s, sent, links)
	}
	for _, m := range sent {
		if !knownMembers[m.key] {
			dst = appendCompact(appendKey(dst, m.key), m.value)
		}
	}
	if children != nil {
		before := len(dst)
		written, any := children(append(dst, `,"subsegments":[`...))
		if dst = append(written, ']'); !any {
			dst = dst[:before]
		}
	}
	return append(dst, '}')
}

// appendInferred appends the segment that is inferred from the subsegment s,
// the other end of a call that sent no segment itself. queueTime gives it the
// one subsegment that the service shows in inferred queues.
func appendInferred(dst []byte, id tomo.SegmentID, s *tomo.Segment, traceID tomo.TraceID, origin string, queueTime bool) []byte {
	sent := membersOf(s.Text)
	dst = appendIdentity(dst, id, s, sent, &traceID)
	dst = appendID(append(dst, `,"parent_id":`...), s.ID)
	dst = append(dst, `,"inferred":true`...)
	dst = appendFlags(dst, s)
	for _, known := range shownMembers[:inferredMembers] {
		dst = known.append(dst, s, sent, 0)
	}
	if origin != "" {
		dst = appendText(append(dst, `,"origin":`...), origin)
	}
	if queueTime {
		dst = append(dst, `,"subsegments":[{"id":`...)
		dst = appendID(dst, queueTimeID(traceID, id))
		dst = append(dst, `,"name":"QueueTime"`...)
		dst = appendTime(append(dst, `,"start_time":`...), s.Start, sent.value("start_time"))
		dst = append(appendEnd(dst, s, sent), '}', ']')
	}
	return append(dst, '}')
}

// queueTimeID is the id of the subsegment of the inferred queue id: the same
// on every reading.
func queueTimeID(traceID tomo.TraceID, id tomo.SegmentID) tomo.SegmentID {
	h := fnv.New64a()
	h.Write(traceID[:])
	h.Write(id.AppendTo(nil))
	h.Write([]byte("QueueTime"))
	return tomo.SegmentID(h.Sum64())
}

// appendIdentity opens the object and appends what every entity has.
func appendIdentity(dst []byte, id tomo.SegmentID, s *tomo.Segment, sent members, traceID *tomo.TraceID) []byte {
	dst = appendID(append(dst, `{"id":`...), id)
	dst = appendText(append(dst, `,"name":`...), s.Name)
	dst = appendTime(append(dst, `,"start_time":`...), s.Start, sent.value("start_time"))
	if traceID != nil {
		dst = append(dst, `,"trace_id":"`...)
		dst = append(traceID.AppendTo(dst), '"')
	}
	return appendEnd(dst, s, sent)
}

func appendEnd(dst []byte, s *tomo.Segment, sent members) []byte {
	if s.InProgress {
		return append(dst, `,"in_progress":true`...)
	}
	return appendTime(append(dst, `,"end_time":`...), s.End, sent.value("end_time"))
}

func appendFlags(dst []byte, s *tomo.Segment) []byte {
	if s.Fault {
		dst = append(dst, `,"fault":true`...)
	}
	if s.Error {
		dst = append(dst, `,"error":true`...)
	}
	if s.Throttle {
		dst = append(dst, `,"throttle":true`...)
	}
	return dst
}

// shownMember is a member that is shown much as it was sent.
type shownMember struct {
	key   string
	shape shape
}

// shownMembers lists the members after the flags in the order they are shown.
// The first inferredMembers are those that an inferred segment takes over.
//
// X-Ray: id, name, start_time, trace_id, end_time or in_progress, parent_id,
// inferred, fault, error, throttle, http, aws, … annotations, metadata, user,
// cause, … subsegments was recorded; the places of the others are ours.
var shownMembers = []shownMember{
	{"http", httpShape},
	{"aws", awsShape},
	{"sql", shape{kind: isObject}},
	{"service", shape{kind: isObject}},
	{"origin", shape{kind: isFilledText}},
	{"resource_arn", shape{kind: isFilledText}},
	{"annotations", shape{kind: isAnnotations}},
	{"metadata", shape{kind: isNotNull}},
	{"user", shape{kind: isFilledText}},
	{"cause", causeShape},
	{"links", shape{kind: isLinks, element: &linkShape}},
	{"namespace", shape{kind: isFilledText}},
	{"traced", shape{kind: isTrue}},
	{"precursor_ids", shape{kind: isList, element: &shape{kind: isText}}},
}

const inferredMembers = 3

// knownMembers are those that are shown by name, or not at all.
var knownMembers = func() map[string]bool {
	known := map[string]bool{}
	for _, key := range []string{
		"id", "name", "start_time", "trace_id", "end_time", "in_progress", "parent_id", "inferred",
		"fault", "error", "throttle", "type", "subsegments",
	} {
		known[key] = true
	}
	for _, m := range shownMembers {
		known[m.key] = true
	}
	return known
}()

func (m shownMember) append(dst []byte, s *tomo.Segment, sent members, links int) []byte {
	value := sent.value(m.key)
	if value == nil {
		return dst
	}
	before := len(dst)
	dst = appendKey(dst, m.key)
	fits := false
	switch m.shape.kind {
	case isAnnotations:
		dst, fits = appendAnnotations(dst, value, s.Annotations)
	case isLinks:
		dst, fits = m.shape.appendLinks(dst, value, links)
	default:
		dst, fits = m.shape.append(dst, value)
	}
	if !fits {
		return dst[:before]
	}
	return dst
}

// shape says what a value has to be to be shown. It agrees with what
// tomo.Document.Parse reads and what it counts as a repair.
type shape struct {
	kind    shapeKind
	members map[string]*shape // of an object; members not listed stay as sent
	needs   string            // of an object: the member without which it is not shown
	element *shape            // of a list
}

type shapeKind uint8

const (
	isNotNull     shapeKind = iota // anything but null
	isText                         // a string
	isFilledText                   // a string that is not empty
	isFlag                         // a boolean
	isTrue                         // true
	isWhole                        // a whole number, or a string of its digits, shown as a number
	isID                           // the 16 digits of a segment or an exception, shown in lower case
	isTraceID                      // a trace id, shown in lower case
	isObject                       // an object of members
	isList                         // an array of elements; those that do not fit are left out, an empty one is not shown
	isIDOrObject                   // what a cause is
	isAnnotations                  // an object of strings, numbers and booleans
	isLinks                        // a list of which some are shown
)

var (
	textShape  = &shape{kind: isText}
	flagShape  = &shape{kind: isFlag}
	wholeShape = &shape{kind: isWhole}
	idShape    = &shape{kind: isID}

	httpShape = shape{kind: isObject, members: map[string]*shape{
		"request": {kind: isObject, members: map[string]*shape{
			"method": textShape, "url": textShape, "user_agent": textShape, "client_ip": textShape,
			"x_forwarded_for": flagShape, "traced": flagShape,
		}},
		"response": {kind: isObject, members: map[string]*shape{
			"status": wholeShape, "content_length": wholeShape,
		}},
	}}

	awsShape = shape{kind: isObject, members: map[string]*shape{
		"account_id": textShape, "operation": textShape, "region": textShape,
		"table_name": textShape, "bucket_name": textShape, "queue_url": textShape,
		"function_name": textShape, "topic_arn": textShape,
		"table_names": {kind: isList, element: textShape},
		"ec2":         hostShape,
		"ecs":         hostShape,
	}}
	hostShape = &shape{kind: isObject, members: map[string]*shape{
		"instance_id": textShape, "availability_zone": textShape,
	}}

	causeShape = shape{kind: isIDOrObject, members: map[string]*shape{
		"id": idShape, "working_directory": textShape,
		"paths": {kind: isList, element: textShape},
		"exceptions": {kind: isList, element: &shape{kind: isObject, members: map[string]*shape{
			"id": idShape, "type": textShape, "message": textShape, "remote": flagShape,
			"truncated": wholeShape, "skipped": wholeShape, "cause": idShape,
			"stack": {kind: isList, element: &shape{kind: isObject, members: map[string]*shape{
				"path": textShape, "line": wholeShape, "label": textShape,
			}}},
		}}},
	}}

	linkShape = shape{kind: isObject, needs: "trace_id", members: map[string]*shape{
		"trace_id": {kind: isTraceID}, "id": idShape, "attributes": {kind: isObject},
	}}
)

// append appends value if it fits and reports whether it does. If it does not,
// what was appended is to be cut off.
func (sh *shape) append(dst, value []byte) ([]byte, bool) {
	fits := false
	switch first := value[0]; sh.kind {
	case isNotNull:
		fits = first != 'n'
	case isText:
		fits = first == '"'
	case isFilledText:
		fits = first == '"' && len(value) > len(`""`)
	case isFlag:
		fits = first == 't' || first == 'f'
	case isTrue:
		fits = first == 't'
	case isWhole:
		if first == '"' {
			return appendDigits(dst, value)
		}
		fits = whole(value)
	case isID:
		return appendSentID(dst, value)
	case isTraceID:
		return appendSentTraceID(dst, value)
	case isObject:
		if first != '{' {
			return dst, false
		}
		if sh.members != nil {
			return sh.appendObject(dst, value)
		}
		fits = true
	case isList:
		return sh.appendList(dst, value, math.MaxInt)
	case isIDOrObject:
		if first == '{' {
			return sh.appendObject(dst, value)
		}
		return appendSentID(dst, value)
	}
	if !fits {
		return dst, false
	}
	return appendCompact(dst, value), true
}

func (sh *shape) appendObject(dst, value []byte) ([]byte, bool) {
	dst = append(dst, '{')
	start, complete := len(dst), sh.needs == ""
	for _, m := range membersOf(value) {
		before := len(dst)
		if before > start {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, m.key), ':')
		if known := sh.members[m.key]; known == nil {
			dst = appendCompact(dst, m.value)
		} else if written, fits := known.append(dst, m.value); fits {
			dst = written
			complete = complete || m.key == sh.needs
		} else {
			dst = dst[:before]
		}
	}
	return append(dst, '}'), complete
}

func (sh *shape) appendLinks(dst, value []byte, most int) ([]byte, bool) {
	if value[0] != '[' {
		return dst, false
	}
	return sh.appendList(dst, value, most)
}

// appendList appends at most so many of the elements that fit.
func (sh *shape) appendList(dst, value []byte, most int) ([]byte, bool) {
	dst = append(dst, '[')
	count := 0
	for element := range tomo.Elements(value) {
		if count == most {
			break
		}
		before := len(dst)
		if count > 0 {
			dst = append(dst, ',')
		}
		written, fits := sh.element.append(dst, element)
		if !fits {
			dst = dst[:before]
			continue
		}
		dst = written
		count++
	}
	return append(dst, ']'), count > 0
}

// appendAnnotations appends the entries that Parse kept, with their values as
// sent. Both lists are in the order in which the keys were first written.
func appendAnnotations(dst, value []byte, kept []tomo.Annotation) ([]byte, bool) {
	if value[0] != '{' {
		return dst, false
	}
	dst = append(dst, '{')
	start := len(dst)
	for _, m := range membersOf(value) {
		if len(kept) == 0 {
			break
		}
		if kept[0].Key != m.key {
			continue
		}
		kept = kept[1:]
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, m.key), ':')
		dst = appendCompact(dst, m.value)
	}
	return append(dst, '}'), true
}

// member is a member of an object as it was sent.
type member struct {
	key   string
	value []byte
}

// members are those of one object; no key is in it twice.
type members []member

// membersOf lists the members of an object, the last value of each key in the
// place of its first.
func membersOf(object []byte) members {
	const few = 32 // members are looked through one by one
	var (
		sent  members
		place map[string]int
	)
	for key, value := range tomo.Members(object) {
		i := -1
		if place == nil {
			i = sent.index(key)
		} else if at, again := place[key]; again {
			i = at
		}
		if i >= 0 {
			sent[i].value = value
			continue
		}
		sent = append(sent, member{key, value})
		if place != nil {
			place[key] = len(sent) - 1
		} else if len(sent) > few {
			place = make(map[string]int)
			for i, m := range sent {
				place[m.key] = i
			}
		}
	}
	return sent
}

// index is the place of key, -1 if it was not sent.
func (sent members) index(key string) int {
	for i := range sent {
		if sent[i].key == key {
			return i
		}
	}
	return -1
}

// value is the value of key, nil if it was not sent.
func (sent members) value(key string) []byte {
	if i := sent.index(key); i >= 0 {
		return sent[i].value
	}
	return nil
}

func appendID(dst []byte, id tomo.SegmentID) []byte {
	dst = append(dst, '"')
	return append(id.AppendTo(dst), '"')
}

func appendSentID(dst, value []byte) ([]byte, bool) {
	sent, isText := tomo.Unquote(value)
	if !isText {
		return dst, false
	}
	id, err := tomo.ParseSegmentID(sent)
	return appendID(dst, id), err == nil
}

func appendSentTraceID(dst, value []byte) ([]byte, bool) {
	sent, isText := tomo.Unquote(value)
	if !isText {
		return dst, false
	}
	id, err := tomo.ParseTraceID(sent)
	dst = append(dst, '"')
	return append(id.AppendTo(dst), '"'), err == nil
}

// whole reports whether value is a number without a fraction.
func whole(value []byte) bool {
	if _, err := strconv.Atoi(string(value)); err == nil {
		return true
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return err == nil && f == float64(int32(f))
}

// appendDigits appends the number that a string of digits stands for.
func appendDigits(dst, value []byte) ([]byte, bool) {
	sent, _ := tomo.Unquote(value)
	n, err := strconv.Atoi(sent)
	return strconv.AppendInt(dst, int64(n), 10), err == nil
}

// appendTime appends seconds since the epoch as the service writes them. The
// number as sent may have more digits than a tomo.Time.
func appendTime(dst []byte, t tomo.Time, sent []byte) []byte {
	f, err := strconv.ParseFloat(string(sent), 64)
	if err != nil {
		f = t.Seconds()
	}
	return appendDouble(dst, f)
}

// appendDouble writes f as Java does, and so the service: 1.790157326E9, but
// 0.25 and 4.0 from a thousandth up to ten million.
func appendDouble(dst []byte, f float64) []byte {
	if size := math.Abs(f); f == 0 || size >= 1e-3 && size < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if bytes.IndexByte(dst[start:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	var room [32]byte
	mantissa, exponent, _ := bytes.Cut(strconv.AppendFloat(room[:0], f, 'e', -1, 64), []byte{'e'})
	dst = append(dst, mantissa...)
	if bytes.IndexByte(mantissa, '.') < 0 {
		dst = append(dst, ".0"...)
	}
	dst = append(dst, 'E')
	if exponent[0] == '-' {
		dst = append(dst, '-')
	}
	return append(dst, bytes.TrimLeft(exponent, "+-0")...)
}

func appendKey(dst []byte, key string) []byte {
	return append(appendText(append(dst, ','), key), ':')
}

// appendText appends s as a JSON string.
func appendText(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendCompact appends a JSON value as it was sent, without the white space
// around its parts and with U+FFFD for each byte that is not UTF-8.
func appendCompact(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		switch c := value[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end := i + 1
			for value[end] != '"' {
				if value[end] == '\\' {
					end++
				}
				end++
			}
			end++
			if quoted := value[i:end]; utf8.Valid(quoted) {
				dst = append(dst, quoted...)
			} else {
				for _, r := range string(quoted) {
					dst = utf8.AppendRune(dst, r)
				}
			}
			i = end
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
