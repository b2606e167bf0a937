package tomo

import (
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse fills d from one segment document and says why the document is refused,
// nil if it is not. After a refusal d holds nothing of use.
//
// Only identity, name and times can refuse a document, and JSON that is none.
// Everything else that does not fit is left out and counted in Repairs.
//
// X-Ray: the first fault found is the one reported, in this order: JSON, id,
// trace_id, name, start_time, type, end_time with in_progress, parent_id; then
// the same for every embedded subsegment, a parent before its children. One
// fault refuses the whole document.
func (d *Document) Parse(raw RawDocument) *Refusal {
	d.RawDocument = raw
	d.TraceID = TraceID{}
	d.Segments = d.Segments[:0]
	d.Repairs = Repairs{}

	p := parser{scanner: scanner{text: raw.Text}, d: d}
	var f fault
	switch p.peek() {
	case '{':
		f = p.entity(-1)
	case '[':
		// X-Ray: refuses [] as an entity of unknown kind. The elements of
		// other arrays are documents of their own, see Split.
		p.skip()
		f = fault{unknownKind, ParseError}
	default:
		p.skip()
		f = fault{segmentKind, ParseError}
	}
	if !p.end() {
		f = fault{segmentKind, ParseError}
	}
	if f.code != "" {
		return p.refusal(f)
	}
	for i := range d.Segments[1:] {
		s := &d.Segments[1+i]
		s.Parent, s.HasParent = d.Segments[s.Enclosing].ID, true
	}
	return nil
}

// Split yields the documents that one document string holds: the elements, if
// it is a JSON array that has any, else the string itself, whatever it is.
//
// X-Ray: PutTraceSegments documents that a string may be an array of
// subsegments; each is taken or refused by itself.
func (raw RawDocument) Split() iter.Seq[RawDocument] {
	return func(yield func(RawDocument) bool) {
		s := scanner{text: raw.Text}
		if s.peek() == '[' {
			if s.skip(); s.end() {
				some := false
				for element := range Elements(raw.Text) {
					some = true
					if !yield(RawDocument{Text: element, Received: raw.Received}) {
						return
					}
				}
				if some {
					return
				}
			}
		}
		yield(raw)
	}
}

// kind is what a refusal calls the entity at fault.
type kind uint8

const (
	segmentKind    kind = iota
	subsegmentKind      // embedded or independent
	unknownKind         // not an object, or of an unknown type
)

// fault is the first thing found that refuses a document; the zero value is none.
type fault struct {
	kind kind
	code Code
}

// message words f as the service does.
func (f fault) message() string {
	switch f.kind {
	case segmentKind:
		return "Invalid segment. ErrorCode: " + string(f.code)
	case subsegmentKind:
		return "Invalid subsegment. ErrorCode: " + string(f.code) + ", Cause: null"
	default:
		return "Invalid entity. ErrorCode: " + string(f.code)
	}
}

// refusal is the answer to a document with the fault f.
func (p *parser) refusal(f fault) *Refusal {
	r := &Refusal{Code: f.code, Message: f.message()}
	if p.hasID {
		id := strings.Clone(p.id)
		r.ID = &id
	}
	return r
}

// parser reads a document into d. A member that is written twice is read twice
// and the last one counts, so every reader begins by forgetting.
type parser struct {
	scanner
	d *Document
	// id is the top-level id as sent, for refusals, as hasID says.
	id    string
	hasID bool
	keys  map[string]int // of an object with many annotations: key → place
}

// given says what became of a member that may refuse the document.
type given uint8

const (
	missing given = iota // not there, or null
	empty                // ""
	malformed
	good
)

// required is what of an entity is checked once all of it was read.
type required struct {
	id, traceID, name, start, end, parent given
	kind                                  kind
}

// entity reads the segment or subsegment that begins here into a new element
// of d.Segments, its subsegments after it.
func (p *parser) entity(enclosing int32) fault {
	var (
		index    = int32(len(p.d.Segments))
		s        = p.d.add()
		from     = p.at
		embedded = enclosing >= 0
		have     = required{kind: segmentKind}
		below    fault // the first one of the subsegments
		traced   bool
	)
	s.Enclosing = enclosing
	if embedded {
		have.kind = subsegmentKind
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "id":
			var text string
			s.ID, text, have.id = p.segmentID()
			if !embedded {
				// X-Ray: the answer has "" if that was sent, null if nothing was.
				p.id, p.hasID = text, text != "" || have.id == empty
			}
		case "trace_id":
			if embedded {
				p.skip() // X-Ray: nesting decides
				break
			}
			p.d.TraceID, have.traceID = p.traceID()
		case "parent_id":
			if embedded {
				p.skip() // X-Ray: nesting decides
				break
			}
			s.Parent, _, have.parent = p.segmentID()
		case "name":
			s.Name, have.name = p.name()
		case "start_time":
			s.Start, have.start = p.time()
		case "end_time":
			if s.End, have.end = p.time(); s.End < 0 {
				have.end = malformed
			}
		case "in_progress":
			s.InProgress = p.progress()
		case "type":
			if embedded {
				p.skip() // X-Ray: any type of an embedded subsegment is ignored
				break
			}
			have.kind = p.kind()
		case "subsegments":
			p.d.Segments = p.d.Segments[:index+1]
			below = p.subsegments(index)
			s = &p.d.Segments[index]
		case "namespace":
			switch p.optional() {
			case "aws":
				s.Namespace = AWSNamespace
			case "remote":
				s.Namespace = RemoteNamespace
			default:
				s.Namespace = LocalNamespace
			}
		case "http":
			p.http(&s.HTTP)
		case "aws":
			p.aws(&s.AWS)
		case "sql":
			s.HasSQL = p.object()
		case "service":
			p.object()
		case "annotations":
			s.Annotations = p.annotations(s.Annotations[:0])
		case "cause":
			p.cause(&s.Cause)
		case "links":
			s.Links = p.links(s.Links[:0])
		case "user":
			s.User = p.optional()
		case "origin":
			s.Origin = p.optional()
		case "resource_arn":
			s.ResourceARN = p.optional()
		case "fault":
			s.Fault = p.flag()
		case "error":
			s.Error = p.flag()
		case "throttle":
			s.Throttle = p.flag()
		case "inferred":
			s.Inferred = p.flag()
		case "traced":
			traced = p.flag()
		case "precursor_ids":
			p.texts()
		default: // metadata among them: whatever it is, it stays
			p.skip()
		}
	}
	s.Text = p.text[from:p.at]
	s.Subsegment = have.kind == subsegmentKind
	s.HasParent = have.parent == good
	// The schema has the flag here, the guide below http.request; clients send both.
	s.HTTP.Traced = s.HTTP.Traced || traced
	p.dropAnnotations(s)

	if code := have.fault(s.InProgress, embedded); code != "" {
		return fault{have.kind, code}
	}
	return below
}

// fault is the first fault of an entity's own members, "" if there is none.
func (r *required) fault(inProgress, embedded bool) Code {
	switch {
	case r.id <= empty:
		return MissingID
	case r.id == malformed:
		return InvalidID
	case !embedded && r.traceID <= empty:
		return MissingTraceID
	case !embedded && r.traceID == malformed:
		return InvalidTraceID
	case r.name <= empty:
		return MissingName
	case r.name == malformed:
		return InvalidName
	case r.start <= empty:
		return MissingStartTime
	case r.start == malformed:
		return InvalidStartTime
	case r.kind == unknownKind:
		return UnknownType
	case r.end == missing && !inProgress:
		return MissingEndTime
	case r.end != missing && inProgress && r.kind == subsegmentKind:
		return InProgressSubsegmentHasEndTime
	case r.end != missing && inProgress:
		return InProgressSegmentHasEndTime
	case r.end == malformed:
		return InvalidEndTime
	case r.kind == subsegmentKind && !embedded && r.parent <= empty:
		return MissingParentID
	case r.parent == malformed:
		return InvalidParentID
	}
	return ""
}

// add appends an empty segment, in the memory of an earlier one if there is any.
func (d *Document) add() *Segment {
	n := len(d.Segments)
	if n == cap(d.Segments) {
		d.Segments = append(d.Segments, Segment{})
		return &d.Segments[n]
	}
	d.Segments = d.Segments[:n+1]
	s := &d.Segments[n]
	*s = Segment{
		Annotations: s.Annotations[:0],
		Links:       s.Links[:0],
		Cause:       Cause{Exceptions: s.Cause.Exceptions[:0]},
	}
	return s
}

// subsegments reads the value of a subsegments member.
//
// X-Ray: anything but an array is ignored; an element of the array that is no
// object refuses the document.
func (p *parser) subsegments(enclosing int32) (first fault) {
	if p.peek() != '[' {
		p.misfit()
		return fault{}
	}
	for ok := p.open(']'); ok; ok = p.more(']') {
		f := fault{unknownKind, ParseError}
		if p.peek() == '{' {
			f = p.entity(enclosing)
		} else {
			p.skip()
		}
		if first.code == "" {
			first = f
		}
	}
	return first
}

// required reads the text of a member that may refuse the document. What is
// not a string is malformed; of a number the digits are returned.
func (p *parser) required() (string, given) {
	switch p.peek() {
	case '"':
		text := p.string()
		if text == "" {
			return "", empty
		}
		return text, good
	case 'n':
		p.literal("null")
		return "", missing
	case '{', '[', 't', 'f':
		p.skip()
		return "", malformed
	default:
		return view(p.number()), malformed
	}
}

// segmentID reads an id that may refuse the document, and its text as sent.
func (p *parser) segmentID() (id SegmentID, text string, have given) {
	if text, have = p.required(); have == good {
		var err error
		if id, err = ParseSegmentID(text); err != nil {
			have = malformed
		}
	}
	return id, text, have
}

func (p *parser) traceID() (id TraceID, have given) {
	var text string
	if text, have = p.required(); have == good {
		var err error
		if id, err = ParseTraceID(text); err != nil {
			have = malformed
		}
	}
	return id, have
}

// name reads a name and cuts it at MaxName characters.
//
// X-Ray: what is not a string, or is empty, counts as missing; other symbols
// than nameSymbols are refused; long names are taken and shortened.
func (p *parser) name() (string, given) {
	if p.peek() != '"' {
		p.skip()
		return "", missing
	}
	name := p.string()
	if name == "" {
		return "", empty
	}
	characters := 0
	cut := len(name)
	for i, r := range name {
		if !nameCharacter(r) {
			return "", malformed
		}
		if characters++; characters == MaxName+1 {
			cut = i
			p.d.Repairs.Name++
		}
	}
	return name[:cut], good
}

// nameSymbols are the symbols a name may hold beside letters, digits and
// separators. The guide lists the backslash, the schema does not; the guide is
// followed, so that nothing documented is refused.
const nameSymbols = `_.:/%&#=+\-@`

// nameASCII is nameCharacter for ASCII.
var nameASCII = func() (table [utf8.RuneSelf]bool) {
	for c := range rune(utf8.RuneSelf) {
		table[c] = c == ' ' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.ContainsRune(nameSymbols, c)
	}
	return table
}()

// nameCharacter reports whether r may be in a name. U+FFFD stands for bytes
// that were not UTF-8; a wrong encoding refuses nothing.
func nameCharacter(r rune) bool {
	if r < utf8.RuneSelf {
		return nameASCII[r]
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.Z) || r == utf8.RuneError
}

// kind reads the top-level type.
func (p *parser) kind() kind {
	switch text, have := p.required(); {
	case have <= empty:
		return segmentKind
	case have == good && text == "subsegment":
		return subsegmentKind
	default:
		return unknownKind
	}
}

// time reads seconds since the epoch.
func (p *parser) time() (Time, given) {
	switch c := p.peek(); {
	case c == 'n':
		p.literal("null")
		return 0, missing
	case c == '-' || c-'0' <= 9:
		return seconds(p.number())
	default:
		p.skip()
		return 0, malformed
	}
}

// maxSeconds bounds times: from 10^maxSeconds seconds on they are taken for
// milliseconds, and refused.
const maxSeconds = 11

// seconds converts the text of a JSON number to microseconds, halves away from
// zero, without going through a float: 0.d₁d₂d₃… × 10^point.
func seconds(number []byte) (Time, given) {
	const kept = 18 // digits; 17 are seconds and microseconds
	var (
		n          uint64
		count      int // digits in n
		point      int
		fraction   bool
		negative   bool
		i, exp     int
		expNegated bool
	)
	if len(number) > 0 && number[0] == '-' {
		negative, i = true, 1
	}
	for ; i < len(number); i++ {
		c := number[i]
		if c == '.' {
			fraction = true
			continue
		}
		if c > '9' { // e or E
			break
		}
		switch {
		case c == '0' && count == 0: // leading zeros are no digits
			if fraction {
				point--
			}
			continue
		case count < kept:
			n = n*10 + uint64(c-'0')
			count++
		}
		if !fraction {
			point++
		}
	}
	for i++; i < len(number); i++ {
		switch c := number[i]; c {
		case '+':
		case '-':
			expNegated = true
		default:
			exp = min(exp*10+int(c-'0'), 1<<30)
		}
	}
	if n == 0 {
		return 0, good
	}
	if expNegated {
		exp = -exp
	}
	point += exp
	if point > maxSeconds {
		return 0, malformed
	}
	shift := point - count + 6 // micros = n × 10^shift
	switch {
	case shift >= 0:
		n *= powersOfTen[shift]
	case shift >= -kept:
		unit := powersOfTen[-shift]
		n = (n + unit/2) / unit
	default:
		n = 0
	}
	if negative {
		return -Time(n), good
	}
	return Time(n), good
}

var powersOfTen = func() (table [19]uint64) {
	table[0] = 1
	for i := range table[1:] {
		table[1+i] = table[i] * 10
	}
	return table
}()

// progress reads in_progress. The texts "true" and 1 are taken for true.
func (p *parser) progress() bool {
	switch c := p.peek(); {
	case c == '"':
		if p.string() == "true" {
			return true
		}
	case c == '-' || c-'0' <= 9:
		if f, err := strconv.ParseFloat(view(p.number()), 64); err == nil && f == 1 {
			return true
		}
	default:
		return p.flag()
	}
	p.d.Repairs.Members++
	return false
}

// misfit skips a value of the wrong type. null is as good as absent.
func (p *parser) misfit() {
	if p.peek() != 'n' {
		p.d.Repairs.Members++
	}
	p.skip()
}

// optional reads a text, "" if it is anything else.
func (p *parser) optional() string {
	if p.peek() == '"' {
		return p.string()
	}
	p.misfit()
	return ""
}

// flag reads a boolean, false if it is anything else.
func (p *parser) flag() bool {
	switch p.peek() {
	case 't':
		p.literal("true")
		return true
	case 'f':
		p.literal("false")
	default:
		p.misfit()
	}
	return false
}

// integer reads a whole number or a text of one, 0 if it is anything else.
func (p *parser) integer() int {
	var text string
	switch c := p.peek(); {
	case c == '"':
		text = p.string()
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case c == '-' || c-'0' <= 9:
		text = view(p.number())
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && f == float64(int32(f)) {
			return int(f)
		}
	default:
		p.misfit()
		return 0
	}
	p.d.Repairs.Members++
	return 0
}

// object skips a value that ought to be an object and reports whether it is.
func (p *parser) object() bool {
	if p.peek() == '{' {
		p.skip()
		return true
	}
	p.misfit()
	return false
}

// reference reads the id of an exception, a segment or a subsegment.
func (p *parser) reference() (SegmentID, bool) {
	text := p.optional()
	if text == "" {
		return 0, false
	}
	id, err := ParseSegmentID(text)
	if err != nil {
		p.d.Repairs.Members++
	}
	return id, err == nil
}

// texts reads an array of texts and leaves out what in it is none. It returns
// the text if there is exactly one.
func (p *parser) texts() string {
	if p.peek() != '[' {
		p.misfit()
		return ""
	}
	count, only := 0, ""
	for ok := p.open(']'); ok; ok = p.more(']') {
		if p.peek() != '"' {
			p.misfit()
			continue
		}
		only = p.string()
		count++
	}
	if count != 1 {
		return ""
	}
	return only
}

func (p *parser) http(h *HTTP) {
	*h = HTTP{}
	if p.peek() != '{' {
		p.misfit()
		return
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "request":
			p.request(h)
		case "response":
			p.response(h)
		default:
			p.skip()
		}
	}
}

func (p *parser) request(h *HTTP) {
	*h = HTTP{Status: h.Status}
	if p.peek() != '{' {
		p.misfit()
		return
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "method":
			h.Method = p.optional()
		case "url":
			h.URL = p.optional()
		case "user_agent":
			h.UserAgent = p.optional()
		case "client_ip":
			h.ClientIP = p.optional()
		case "x_forwarded_for":
			h.ForwardedFor = p.flag()
		case "traced":
			h.Traced = p.flag()
		default:
			p.skip()
		}
	}
}

func (p *parser) response(h *HTTP) {
	h.Status = 0
	if p.peek() != '{' {
		p.misfit()
		return
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "status":
			h.Status = max(p.integer(), 0)
		case "content_length":
			p.integer()
		default:
			p.skip()
		}
	}
}

func (p *parser) aws(a *AWS) {
	*a = AWS{}
	if p.peek() != '{' {
		p.misfit()
		return
	}
	var onlyTable, containerZone string
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "account_id":
			a.AccountID = p.optional()
		case "operation":
			a.Operation = p.optional()
		case "region":
			a.Region = p.optional()
		case "table_name":
			a.TableName = p.optional()
		case "table_names":
			onlyTable = p.texts()
		case "bucket_name":
			a.BucketName = p.optional()
		case "queue_url":
			a.QueueURL = p.optional()
		case "function_name":
			a.FunctionName = p.optional()
		case "topic_arn":
			a.TopicARN = p.optional()
		case "ec2":
			a.InstanceID, a.AvailabilityZone = p.host()
		case "ecs":
			_, containerZone = p.host()
		default:
			p.skip()
		}
	}
	if a.TableName == "" {
		a.TableName = onlyTable
	}
	if a.AvailabilityZone == "" {
		a.AvailabilityZone = containerZone
	}
}

// host reads what the ec2 and ecs objects have in common.
func (p *parser) host() (instance, zone string) {
	if p.peek() != '{' {
		p.misfit()
		return "", ""
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "instance_id":
			instance = p.optional()
		case "availability_zone":
			zone = p.optional()
		default:
			p.skip()
		}
	}
	return instance, zone
}

// droppedValue marks an annotation that dropAnnotations takes out: the last
// value of its key is not a string, number or boolean.
const droppedValue ValueKind = 0xff

// annotations reads annotations into list, the last value of each key in the
// place of its first.
func (p *parser) annotations(list []Annotation) []Annotation {
	if p.peek() != '{' {
		p.misfit()
		return list
	}
	clear(p.keys)
	for ok := p.open('}'); ok; ok = p.more('}') {
		key := p.key()
		value := p.annotationValue()
		switch i := p.annotation(list, key); {
		case !annotationKey(key):
			p.d.Repairs.Annotations++
		case i >= 0:
			list[i].Value = value
		default:
			list = append(list, Annotation{key, value})
		}
	}
	return list
}

// fewKeys is how many keys are looked through one by one.
const fewKeys = 16

// annotation is the index of key in list, -1 if it is not there. It is asked
// about each key in turn.
func (p *parser) annotation(list []Annotation, key string) int {
	if len(list) <= fewKeys {
		for i := range list {
			if list[i].Key == key {
				return i
			}
		}
		return -1
	}
	if p.keys == nil {
		p.keys = make(map[string]int)
	}
	for i := len(p.keys); i < len(list); i++ {
		p.keys[list[i].Key] = i
	}
	if i, found := p.keys[key]; found {
		return i
	}
	return -1
}

func (p *parser) annotationValue() Value {
	switch c := p.peek(); {
	case c == '"':
		return Value{Kind: StringValue, String: firstCharacters(p.string(), MaxAnnotationValue)}
	case c == 't':
		p.literal("true")
		return Value{Kind: BoolValue, Bool: true}
	case c == 'f':
		p.literal("false")
		return Value{Kind: BoolValue}
	case c == '-' || c-'0' <= 9:
		if f, err := strconv.ParseFloat(view(p.number()), 64); err == nil {
			return Value{Kind: NumberValue, Number: f}
		}
	default:
		p.skip()
	}
	return Value{Kind: droppedValue}
}

// firstCharacters is s cut after n characters.
func firstCharacters(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// gatewayPrefix begins the keys that API Gateway alone may write with a colon.
const gatewayPrefix, gatewayOrigin = "aws:", "AWS::ApiGateway::Stage"

// annotationKey reports whether key may be an annotation's.
//
// X-Ray: letters, digits, the underscore and the dot; an entry with another
// key disappears without an error.
func annotationKey(key string) bool {
	key = strings.TrimPrefix(key, gatewayPrefix)
	if len(key) == 0 || len(key) > MaxAnnotationKey {
		return false
	}
	for i := range len(key) {
		if c := key[i]; c-'0' > 9 && c|0x20-'a' > 'z'-'a' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// dropAnnotations takes out what could be judged only at the end of the entity.
func (p *parser) dropAnnotations(s *Segment) {
	kept := s.Annotations[:0]
	for _, a := range s.Annotations {
		if a.Value.Kind == droppedValue || strings.HasPrefix(a.Key, gatewayPrefix) && s.Origin != gatewayOrigin {
			p.d.Repairs.Annotations++
			continue
		}
		kept = append(kept, a)
	}
	s.Annotations = kept
}

// cause reads a cause: the id of an exception as a text or as an object, or an
// object with exceptions.
func (p *parser) cause(c *Cause) {
	*c = Cause{Exceptions: c.Exceptions[:0]}
	if p.peek() != '{' {
		c.Ref, c.HasRef = p.reference()
		return
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		switch p.key() {
		case "id":
			c.Ref, c.HasRef = p.reference()
		case "exceptions":
			c.Exceptions = p.exceptions(c.Exceptions[:0])
		default:
			p.skip()
		}
	}
}

func (p *parser) exceptions(list []Exception) []Exception {
	if p.peek() != '[' {
		p.misfit()
		return list
	}
	for ok := p.open(']'); ok; ok = p.more(']') {
		if p.peek() != '{' {
			p.misfit()
			continue
		}
		list = append(list, Exception{})
		e := &list[len(list)-1]
		for ok := p.open('}'); ok; ok = p.more('}') {
			switch p.key() {
			case "id":
				e.ID, e.HasID = p.reference()
			case "type":
				e.Type = p.optional()
			case "message":
				e.Message = p.optional()
			case "remote":
				e.Remote = p.flag()
			case "cause":
				e.Cause, e.HasCause = p.reference()
			default:
				p.skip()
			}
		}
	}
	return list
}

// links reads links, the first Limits.Links that name a trace.
func (p *parser) links(list []Link) []Link {
	if p.peek() != '[' {
		p.misfit()
		return list
	}
	most := p.d.Limits.OrDefault().Links
	for ok := p.open(']'); ok; ok = p.more(']') {
		if p.peek() != '{' {
			p.misfit()
			continue
		}
		if link, ok := p.link(); ok && len(list) < most {
			list = append(list, link)
		} else {
			p.d.Repairs.Members++
		}
	}
	return list
}

func (p *parser) link() (link Link, ok bool) {
	for more := p.open('}'); more; more = p.more('}') {
		switch p.key() {
		case "trace_id":
			id, err := ParseTraceID(p.optional())
			link.TraceID, ok = id, err == nil
		case "id":
			link.ID, link.HasID = p.reference()
		case "attributes":
			link.Parent, link.Child = p.direction()
		default:
			p.skip()
		}
	}
	return link, ok
}

// direction reads the attributes of a link.
func (p *parser) direction() (parent, child bool) {
	if p.peek() != '{' {
		p.misfit()
		return false, false
	}
	for ok := p.open('}'); ok; ok = p.more('}') {
		if p.key() != "aws.xray.reserved.reference_type" {
			p.skip()
			continue
		}
		kind := p.optional()
		parent, child = kind == "parent", kind == "child"
	}
	return parent, child
}
