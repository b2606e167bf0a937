package tomo

// Code says what kind of error it is: callers act on it, doors translate it.
type Code string

const (
	// Invalid: the request cannot be right, whoever repeats it.
	Invalid Code = "Invalid"
	// NotFound: what was asked for by name is not here.
	NotFound Code = "NotFound"
	// Conflict: what was to be changed became another since the caller saw it.
	Conflict Code = "Conflict"
	// Throttled: the caller is over its quota and may try again later.
	Throttled Code = "Throttled"
	// Unavailable: the server cannot do it now (full, draining, disk trouble).
	Unavailable Code = "Unavailable"
	// RuleLimitExceeded: there are as many sampling rules as there may be.
	RuleLimitExceeded Code = "RuleLimitExceeded"
)

// The codes with which a segment document is refused, spelled as the service
// spells them in UnprocessedTraceSegments.
const (
	ParseError                     Code = "ParseError"
	MissingID                      Code = "MissingId"
	InvalidID                      Code = "InvalidId"
	MissingTraceID                 Code = "MissingTraceId"
	InvalidTraceID                 Code = "InvalidTraceId"
	MissingName                    Code = "MissingName"
	InvalidName                    Code = "InvalidName"
	MissingStartTime               Code = "MissingStartTime"
	InvalidStartTime               Code = "InvalidStartTime"
	MissingEndTime                 Code = "MissingEndTime"
	InvalidEndTime                 Code = "InvalidEndTime"
	InProgressSegmentHasEndTime    Code = "InProgressSegmentHasEndTime"
	InProgressSubsegmentHasEndTime Code = "InProgressSubsegmentHasEndTime"
	MissingParentID                Code = "MissingParentId"
	InvalidParentID                Code = "InvalidParentId"
	UnknownType                    Code = "UnknownType"
	// InvalidSegment: the document or its trace is over a limit.
	InvalidSegment Code = "InvalidSegment"
)

// Error is an error that somebody outside can act on.
type Error struct {
	Code    Code
	Message string // a sentence for the user, without the code
}

func (e *Error) Error() string { return e.Message }

// Refusal says why one segment document was not taken. It becomes an element
// of UnprocessedTraceSegments.
type Refusal struct {
	ID      *string // the top-level id as sent; nil when none could be read
	Code    Code
	Message string // "Invalid segment. ErrorCode: …", as the service words it
}

func (r *Refusal) Error() string { return r.Message }
