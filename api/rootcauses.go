package api

// RootCause is a path through the services of a trace that failed or was slow.
// Its entities differ by kind.
type RootCause[Entity any] struct {
	ClientImpacting bool
	Services        []RootCauseService[Entity]
}

// RootCauseService is a service of a path. Type is "" where others are null:
// clients were written that look into it unasked.
type RootCauseService[Entity any] struct {
	AccountID  *string `json:"AccountId"`
	EntityPath []Entity
	Inferred   bool
	Name       string
	Names      []string
	Type       string
}

// The root causes of a summary: faults and errors have one shape.
type (
	ErrorRootCause        = RootCause[ErrorRootCauseEntity]
	ResponseTimeRootCause = RootCause[ResponseTimeRootCauseEntity]
)

// ErrorRootCauseEntity is a segment or subsegment of a path that failed.
type ErrorRootCauseEntity struct {
	Exceptions []RootCauseException
	Name       string
	Remote     bool
}

// RootCauseException is an exception of such an entity.
type RootCauseException struct {
	Message string
	Name    string
}

// ResponseTimeRootCauseEntity is a segment or subsegment of a slow path.
type ResponseTimeRootCauseEntity struct {
	Coverage Double
	Name     string
	Remote   bool
}
