package tomo

// RootCauses is why a trace failed or was slow, as far as its documents tell:
// one list for each kind. Each is in order of the start of its paths.
//
// X-Ray: FaultRootCauses, ErrorRootCauses and ResponseTimeRootCauses of a
// trace summary.
type RootCauses struct {
	Fault, Error, ResponseTime []RootCause
}

// RootCause is one path through the services of a trace, from the first that
// failed or was slow to the one where the reason lies.
type RootCause struct {
	ClientImpacting bool // the path begins at the root, so the client felt it
	Services        []RootCauseService
}

// RootCauseService is one segment of a path, or one inferred callee, which is
// then the last.
type RootCauseService struct {
	NodeID
	Inferred bool
	// EntityPath begins with the segment itself and goes down its subsegments
	// to the one where the path leaves it or ends.
	EntityPath []RootCauseEntity
}

// RootCauseEntity is one segment or subsegment of a path.
type RootCauseEntity struct {
	Name   string
	Remote bool // a subsegment with namespace remote or aws
	// Coverage is the share of the root's response time that the entity took,
	// from 0 to 1 in steps of a thousandth. Of response time causes only.
	Coverage float64
	// Exceptions are those that the entity holds. Of faults and errors only.
	Exceptions []RootCauseException
}

// RootCauseException is one exception of an entity of a path.
type RootCauseException struct {
	Name    string // the exception's type
	Message string
}
