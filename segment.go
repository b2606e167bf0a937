package tomo

// A RawDocument is the text of one accepted segment document and when it was
// received. The text is exactly what the client sent and is never changed, so
// strings cut out of it stay good for as long as they are held.
type RawDocument struct {
	Text     []byte
	Received Time

	digest []byte // of Text, while the document is in memory since it came
}

// A Document is one parsed segment document: a segment or an independent
// subsegment with everything embedded in it.
//
// Parse fills it and may be called again to reuse its memory. The strings in it
// point into Text wherever the text has no escapes.
type Document struct {
	TraceID TraceID
	RawDocument
	// Segments holds the top-level entity first and every embedded subsegment
	// after its parent, in document order.
	Segments []Segment
	// Repairs names what was wrong with the document but did not refuse it.
	Repairs Repairs
	// Limits is set by who parses and bounds what is taken; the zero value is
	// X-Ray's.
	Limits Limits
}

// Repairs counts what parsing left out or shortened.
type Repairs struct {
	Name        int // names cut at 200 characters
	Annotations int // entries with a bad key or value
	Members     int // other members of the wrong type
}

// Segment is one entity of a document: a segment or a subsegment. Fields that
// were absent, empty or not of the documented type have their zero value.
type Segment struct {
	ID     SegmentID
	Parent SegmentID // as HasParent says; an embedded subsegment's is its enclosing entity
	// Enclosing is the index of the entity this one is embedded in, -1 at the top.
	Enclosing  int32
	HasParent  bool
	Subsegment bool // embedded, or type "subsegment"
	InProgress bool
	Inferred   bool
	Fault      bool
	Error      bool
	Throttle   bool
	Namespace  Namespace
	HasSQL     bool // a sql object is there

	Start, End Time // End is 0 while InProgress

	Name        string // at most 200 characters
	User        string
	Origin      string
	ResourceARN string
	HTTP        HTTP
	AWS         AWS
	Annotations []Annotation
	Cause       Cause
	Links       []Link

	// Text is this entity's JSON object inside the document's text.
	Text []byte
}

// Namespace is a subsegment's namespace; only the two that make inferred
// segments are told apart.
type Namespace uint8

const (
	LocalNamespace  Namespace = iota // absent, "local" or anything unknown
	AWSNamespace                     // a call of the AWS SDK
	RemoteNamespace                  // any other downstream call
)

// HTTP is the http block of an entity.
type HTTP struct {
	Method, URL, UserAgent, ClientIP string
	Status                           int // 0: none
	ForwardedFor, Traced             bool
}

// AWS is what of an entity's aws block is looked at. The rest stays in the text.
type AWS struct {
	AccountID, Operation, Region                            string
	TableName, BucketName, QueueURL, FunctionName, TopicARN string
	InstanceID, AvailabilityZone                            string
}

// Annotation is one indexed key and value.
type Annotation struct {
	Key   string
	Value Value
}

// Value is an annotation's value: a string, a number or a boolean.
type Value struct {
	Kind   ValueKind
	String string
	Number float64
	Bool   bool
}

// ValueKind says which member of a Value counts.
type ValueKind uint8

const (
	StringValue ValueKind = iota
	NumberValue
	BoolValue
)

// Cause is an entity's cause: exceptions, or a reference to one recorded
// elsewhere in the trace.
type Cause struct {
	Ref        SegmentID // as HasRef says
	HasRef     bool
	Exceptions []Exception
}

// Exception is one exception of a cause.
type Exception struct {
	ID            SegmentID // as HasID says
	HasID, Remote bool
	Type, Message string
	Cause         SegmentID // the exception that caused this one, as HasCause says
	HasCause      bool
}

// Link ties an entity to another trace.
type Link struct {
	TraceID TraceID
	ID      SegmentID // as HasID says
	HasID   bool
	// Parent and Child say what the other trace is to this one, by the
	// attribute aws.xray.reserved.reference_type; both false if it is unsaid.
	Parent, Child bool
}

// Limits on documents, with their sources.
const (
	// MaxDocument is the default for the largest document taken, in bytes. The
	// service documents 64 kB and was seen to take 66 kB.
	MaxDocument = 128 << 10
	// MaxName is the number of characters a name is cut at. The service takes
	// longer ones and gives them back shortened.
	MaxName = 200
	// MaxAnnotationKey and MaxAnnotationValue bound what is indexed of an
	// annotation, in characters.
	MaxAnnotationKey   = 500
	MaxAnnotationValue = 1000
	// MaxDepth is how deep JSON may nest before it is a ParseError.
	MaxDepth = 1000
)

// Outcome is how a request ended, one of four.
type Outcome uint8

const (
	OutcomeOK       Outcome = iota
	OutcomeError            // error: the client's fault, 4xx
	OutcomeThrottle         // throttle: 429
	OutcomeFault            // fault: 5xx
)

// Outcome classifies the entity. Where several apply the worst counts, so that
// each request is counted once: fault, then throttle, then error. A status
// counts even without its flag.
func (s *Segment) Outcome() Outcome {
	status := s.HTTP.Status
	switch {
	case s.Fault || status >= 500 && status <= 599:
		return OutcomeFault
	case s.Throttle || status == 429:
		return OutcomeThrottle
	case s.Error || status >= 400 && status <= 499:
		return OutcomeError
	}
	return OutcomeOK
}
