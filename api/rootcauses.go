package api

// ErrorRootCause is a path through the services of a trace that failed. Faults
// and errors have the same shape.
type ErrorRootCause struct {
	ClientImpacting bool
	Services        []ErrorRootCauseService
}

// ErrorRootCauseService is a service of such a path. Type is "" where others
// are null: clients were written that look into it unasked.
type ErrorRootCauseService struct {
	AccountID  *string `json:"AccountId"`
	EntityPath []ErrorRootCauseEntity
	Inferred   bool
	Name       string
	Names      []string
	Type       string
}

// ErrorRootCauseEntity is a segment or subsegment of such a path.
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

// ResponseTimeRootCause is a path through the services that took most of a
// trace's response time.
type ResponseTimeRootCause struct {
	ClientImpacting bool
	Services        []ResponseTimeRootCauseService
}

// ResponseTimeRootCauseService is a service of such a path.
type ResponseTimeRootCauseService struct {
	AccountID  *string `json:"AccountId"`
	EntityPath []ResponseTimeRootCauseEntity
	Inferred   bool
	Name       string
	Names      []string
	Type       string
}

// ResponseTimeRootCauseEntity is a segment or subsegment of such a path.
type ResponseTimeRootCauseEntity struct {
	Coverage Double
	Name     string
	Remote   bool
}
