package tomo

import "time"

// Detail is all that a filter expression can ask about a trace: the summary and
// what it leaves out, because listing traces does not need it. Like the summary
// it is derived from the trace's documents alone.
type Detail struct {
	*Summary
	// Incomplete: a segment or subsegment is in progress, or names a parent that
	// is not here, or there is no root. It is what the keyword partial asks;
	// IsPartial is what the service was seen to answer in summaries.
	Incomplete bool
	// RootUnit is the index in Units of the root segment, -1 without root.
	RootUnit int
	// UnitDetails and CallDetails are what Units and Calls leave out, in the
	// same order.
	UnitDetails []UnitDetail
	CallDetails []CallDetail
	RootCauses  RootCauses
}

// UnitDetail is what a segment or the subsegment that stands for an inferred
// callee said.
type UnitDetail struct {
	HTTP HTTP // the entity's own
	// The lists are of a segment and the subsegments that it owns, distinct, in
	// no certain order. Those of an inferred callee are empty: what its calling
	// subsegment said belongs to the caller. Annotations that the summary does
	// not index are left out here too.
	Annotations       []Annotation
	Users             []string
	ResourceARNs      []string
	InstanceIDs       []string
	AvailabilityZones []string
}

// CallDetail is what the caller said about one call. The calling entity is the
// subsegment that made it; where there is none, the callee's parent; for the
// call of the client, the root segment.
type CallDetail struct {
	// Caller is the index in Units of the segment that the calling entity
	// belongs to, the root for the call of the client. Callee is that of the
	// segment that was called or of the inferred callee.
	Caller, Callee int
	InProgress     bool          // the calling entity is; Call.Open asks after both ends
	Duration       time.Duration // of the calling entity with all below it that it owns, or Absent
	HTTP           HTTP          // the calling entity's own
}

// DetailParts are parts of a Detail that cost something to derive.
type DetailParts uint8

const (
	// WhatIsMissing is Incomplete and RootUnit.
	WhatIsMissing DetailParts = 1 << iota
	// WhatUnitsSaid is UnitDetails and CallDetails.
	WhatUnitsSaid
	// The root causes, each kind by itself.
	ResponseTimeRootCauses
	FaultRootCauses
	ErrorRootCauses

	AllParts = WhatIsMissing | WhatUnitsSaid | ResponseTimeRootCauses | FaultRootCauses | ErrorRootCauses
)
