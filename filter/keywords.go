package filter

import (
	"strings"

	"github.com/tomotrace/tomo"
)

// Keyword is one word of the language.
type Keyword struct {
	Name string // in lower case; it may be written in any
	Type Type
	Doc  string // what it means, a sentence or two
	// Narrows reports whether a store can leave out traces by it without
	// looking at their documents.
	Narrows bool

	read [numScopes]reading // how to read it; the zero reading where it is not allowed
}

// Type says how a keyword is used.
type Type uint8

const (
	Boolean     Type = iota // alone, or compared with true or false
	Number                  // alone, or compared with a number
	String                  // alone, or compared with a string
	Annotation              // with a key; alone, or compared with a value of any type
	ServiceTest             // with a node and a block
	EdgeTest                // with two nodes and a block
	CauseTest               // with a block
	CauseMatch              // compared with JSON
	GroupTest               // compared with a group's name or ARN
)

var typeTexts = [...]string{"boolean", "number", "string", "annotation", "service", "edge", "root cause", "JSON", "group"}

// String is the type's name.
func (t Type) String() string { return typeTexts[t] }

// Scope is where an expression stands, and so what its keywords are about.
type Scope uint8

const (
	InTrace      Scope = iota // the top level: the trace
	InService                 // service() { }: a unit of a node
	InEdge                    // edge() { }: a call
	InCause                   // rootcause.….service { }: a service of a cause
	InEntity                  // rootcause.fault.entity { }, rootcause.error.entity { }
	InSlowEntity              // rootcause.responsetime.entity { }
	InException               // rootcause.fault.exception { }, rootcause.error.exception { }
	numScopes
)

var scopeTexts = [numScopes]string{
	"outside of braces", "in service() { }", "in edge() { }", "in rootcause.….service { }",
	"in rootcause.fault.entity { } and rootcause.error.entity { }", "in rootcause.responsetime.entity { }",
	"in rootcause.fault.exception { } and rootcause.error.exception { }",
}

// String says in words where the scope is.
func (s Scope) String() string { return scopeTexts[s] }

// Allowed reports whether the keyword may stand in the scope.
func (k *Keyword) Allowed(in Scope) bool { return k.read[in].allowed }

// Keywords is the whole language: every keyword, in the order in which the
// documentation lists them.
func Keywords() []Keyword { return keywords }

// keyword is the keyword of a name in lower case, nil if there is none.
func keyword(name string) *Keyword { return keywordOf[name] }

var keywordOf = func() map[string]*Keyword {
	index := make(map[string]*Keyword, len(keywords))
	for i := range keywords {
		index[keywords[i].Name] = &keywords[i]
	}
	return index
}()

// readings is how a keyword is read in each scope.
type readings = [numScopes]reading

// keywords is the table.
var keywords = []Keyword{
	{Name: "ok", Type: Boolean, Narrows: true, read: outcomeIs(tomo.OutcomeOK),
		Doc: "No error, throttle or fault. A trace without its root is not ok; an open request without failure so far is."},
	{Name: "error", Type: Boolean, Narrows: true, read: outcomeIs(tomo.OutcomeError),
		Doc: "The request failed by the client's fault: the error flag, or a status 4xx, where it is neither throttled nor a fault."},
	{Name: "throttle", Type: Boolean, Narrows: true, read: outcomeIs(tomo.OutcomeThrottle),
		Doc: "The request was throttled: the throttle flag, or status 429, where it is no fault. It is then no error."},
	{Name: "fault", Type: Boolean, Narrows: true, read: outcomeIs(tomo.OutcomeFault),
		Doc: "The request failed by the server's fault: the fault flag, or a status 5xx."},
	{Name: "partial", Type: Boolean, Narrows: true, Doc: "Something is still in progress; of a trace also: the root or a parent is missing.",
		read: readings{InTrace: flag(tracePartial), InService: flag(unitPartial), InEdge: flag(callPartial)}},
	{Name: "inferred", Type: Boolean, Narrows: true,
		Doc:  "The node is known only by what its callers say. Of a trace: it has such a node.",
		read: readings{InTrace: flag(traceInferred), InService: flag(unitInferred), InCause: flag(causeInferred)}},
	{Name: "root", Type: Boolean, Narrows: true, Doc: "The node holds the root of the trace.",
		read: readings{InService: flag(unitRoot)}},
	{Name: "first", Type: Boolean, Doc: "The first of its list: of the services of a cause, of the entities of a service, of the exceptions of an entity.",
		read: readings{InCause: flag(elementFirst), InEntity: flag(elementFirst), InSlowEntity: flag(elementFirst), InException: flag(elementFirst)}},
	{Name: "last", Type: Boolean, Doc: "The last of its list.",
		read: readings{InCause: flag(elementLast), InEntity: flag(elementLast), InSlowEntity: flag(elementLast), InException: flag(elementLast)}},
	{Name: "remote", Type: Boolean, Doc: "The entity is a call to another service.",
		read: readings{InEntity: flag(entityRemote), InSlowEntity: flag(entityRemote)}},

	{Name: "responsetime", Type: Number, Narrows: true,
		Doc:  "Seconds from the start to the end of the segment; of a trace: of its root; of a call: by the caller's clock.",
		read: readings{InTrace: number(traceResponseTime), InService: number(unitResponseTime), InEdge: number(callResponseTime)}},
	{Name: "duration", Type: Number, Narrows: true,
		Doc:  "Seconds from the earliest start to the latest end of the segment and its subsegments; of a trace: of everything in it.",
		read: readings{InTrace: number(traceDuration), InService: number(unitDuration), InEdge: number(callDuration)}},
	{Name: "http.status", Type: Number, Narrows: true, Doc: "The HTTP status. Of a trace: of its root alone.",
		read: readings{InTrace: number(traceStatus), InService: number(unitStatus), InEdge: number(callStatus)}},
	{Name: "index", Type: Number, Doc: "The place in its list, from 0.",
		read: readings{InCause: number(elementIndex), InEntity: number(elementIndex), InSlowEntity: number(elementIndex), InException: number(elementIndex)}},
	{Name: "coverage", Type: Number, Doc: "The share of the root's response time that the entity took, from 0 to 1.",
		read: readings{InSlowEntity: number(entityCoverage)}},

	{Name: "http.url", Type: String, Narrows: true, Doc: "The URL of the request. Of a trace: of its root alone.",
		read: httpText(func(h *tomo.HTTP) string { return h.URL })},
	{Name: "http.method", Type: String, Narrows: true, Doc: "The method of the request. Of a trace: of its root alone.",
		read: httpText(func(h *tomo.HTTP) string { return h.Method })},
	{Name: "http.useragent", Type: String, Narrows: true, Doc: "The user agent of the request. Of a trace: of its root alone.",
		read: httpText(func(h *tomo.HTTP) string { return h.UserAgent })},
	{Name: "http.clientip", Type: String, Narrows: true, Doc: "The address that the request came from. Of a trace: of its root alone.",
		read: httpText(func(h *tomo.HTTP) string { return h.ClientIP })},
	{Name: "user", Type: String, Narrows: true, Doc: "A user that a segment names.",
		read: readings{InTrace: text(traceUser), InService: text(unitUser), InEdge: text(callerUser)}},
	{Name: "availabilityzone", Type: String, Narrows: true, Doc: "An EC2 availability zone that a segment names.",
		read: listed(func(s *tomo.Summary) []string { return s.AvailabilityZones }, func(u *tomo.UnitDetail) []string { return u.AvailabilityZones })},
	{Name: "instance.id", Type: String, Narrows: true, Doc: "An EC2 instance that a segment names.",
		read: listed(func(s *tomo.Summary) []string { return s.InstanceIDs }, func(u *tomo.UnitDetail) []string { return u.InstanceIDs })},
	{Name: "resource.arn", Type: String, Narrows: true, Doc: "The ARN of a resource that a segment names.",
		read: listed(func(s *tomo.Summary) []string { return s.ResourceARNs }, func(u *tomo.UnitDetail) []string { return u.ResourceARNs })},
	{Name: "name", Type: String, Narrows: true, Doc: "The name of the node. Of a trace: of any of its nodes. In root causes: of the service, entity or exception; an exception's name is its type.",
		read: nodeText(func(n *tomo.NodeID) string { return n.Name },
			readings{InEntity: text(entityName), InSlowEntity: text(entityName), InException: text(exceptionName)})},
	{Name: "type", Type: String, Narrows: true, Doc: "The type of the node, such as AWS::EC2::Instance. Of a trace: of any of its nodes.",
		read: nodeText(func(n *tomo.NodeID) string { return n.Type }, readings{})},
	{Name: "account.id", Type: String, Narrows: true, Doc: "The AWS account of the node. Of a trace: of any of its nodes.",
		read: nodeText(func(n *tomo.NodeID) string { return n.Account }, readings{})},
	{Name: "message", Type: String, Doc: "The message of the exception.",
		read: readings{InException: text(exceptionMessage)}},

	{Name: "annotation", Type: Annotation, Narrows: true, Doc: "An annotation of any segment or subsegment; in service() of that service's, in edge() of the caller's or the callee's.",
		read: readings{InTrace: annotation(traceAnnotation), InService: annotation(unitAnnotation), InEdge: annotation(callAnnotation)}},
	{Name: "source.annotation", Type: Annotation, Narrows: true, Doc: "An annotation of the caller.",
		read: readings{InEdge: annotation(sourceAnnotation)}},
	{Name: "destination.annotation", Type: Annotation, Narrows: true, Doc: "An annotation of the callee.",
		read: readings{InEdge: annotation(destinationAnnotation)}},

	{Name: "service", Type: ServiceTest, Narrows: true, read: onlyInTrace,
		Doc: "The trace has such a node and, with a block, one request there for which the whole block holds."},
	{Name: "edge", Type: EdgeTest, Narrows: true, read: onlyInTrace,
		Doc: "The trace has a call between such nodes and, with a block, one for which the whole block holds. A call is seen from the caller's side."},
	{Name: "rootcause.fault.service", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A service on the path of a fault to its cause."},
	{Name: "rootcause.fault.entity", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A segment or subsegment on the path of a fault to its cause."},
	{Name: "rootcause.fault.exception", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "An exception on the path of a fault to its cause."},
	{Name: "rootcause.error.service", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A service on the path of an error to its cause."},
	{Name: "rootcause.error.entity", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A segment or subsegment on the path of an error to its cause."},
	{Name: "rootcause.error.exception", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "An exception on the path of an error to its cause."},
	{Name: "rootcause.responsetime.service", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A service on the path to where the time went."},
	{Name: "rootcause.responsetime.entity", Type: CauseTest, Narrows: true, read: onlyInTrace, Doc: "A segment or subsegment on the path to where the time went."},
	{Name: "rootcause.json", Type: CauseMatch, Narrows: true, read: onlyInTrace, Doc: "The root causes of one category match each pattern of a JSON array."},
	{Name: "group.name", Type: GroupTest, Narrows: true, read: onlyInTrace, Doc: "The current expression of the group of this name holds. An unknown group holds for no trace."},
	{Name: "group.arn", Type: GroupTest, Narrows: true, read: onlyInTrace, Doc: "The same by the group's ARN."},
}

// onlyInTrace is for what is no value and stands at the top level.
var onlyInTrace = readings{InTrace: reading{allowed: true}}

// nearest is the keyword allowed in the scope that the writer of word may have
// meant, "" if none is near.
func nearest(word string, in Scope) string {
	best, nearness := "", max(1, len(word)/3)+1
	for i := range keywords {
		if k := &keywords[i]; k.Allowed(in) {
			if d := remoteness(word, k.Name); d < nearness {
				best, nearness = k.Name, d
			}
		}
	}
	return best
}

// remoteness is the distance of a word from a keyword. It is small if one is
// how the other begins, as http.statuscode and http.status, or if the word
// is the last part of the keyword, or begins or ends with it: url, client_ip and
// statuscode.
func remoteness(word, name string) int {
	d := distance(word, name)
	plain := strings.NewReplacer(".", "", "_", "").Replace(word)
	part := name[1+strings.LastIndexByte(name, '.'):]
	switch {
	case plain == part,
		len(word) > 3 && (strings.HasPrefix(word, name) || strings.HasPrefix(name, word)):
		return min(d, 1)
	case strings.Count(name, ".") == 1 && len(part) > 2 && (strings.HasPrefix(plain, part) || strings.HasSuffix(plain, part)):
		return min(d, 2)
	}
	return d
}

// distance is the number of letters to insert, drop, replace or swap with their
// neighbour that makes b of a. It stops counting at words too different to matter.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 12 || d < -12 {
		return 99
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			d := row[j]
			if a[i] != b[j] {
				d = 1 + min(d, row[j+1], next[j])
				if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
					d = min(d, before[j-1]+1)
				}
			}
			next[j+1] = d
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
