package tomo

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Trace is a whole trace as it is shown: every segment with its subsegments
// folded in, then the inferred ones.
type Trace struct {
	ID            TraceID
	Duration      time.Duration // or Absent
	LimitExceeded bool
	Segments      []ShownSegment
}

// ShownSegment is one segment as it is shown: the normalised document.
type ShownSegment struct {
	ID       SegmentID
	Document []byte // a JSON object
}

// MergeDocuments unites the documents of one trace from several places, in
// order of receipt. Of documents with equal texts the earliest is kept: sending
// a document twice changes nothing. The arguments are left as they are.
func MergeDocuments(lists ...[]RawDocument) []RawDocument {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b RawDocument) int { return cmp.Compare(a.Received, b.Received) })
	seen := make(map[string]struct{}, len(all))
	return slices.DeleteFunc(all, func(d RawDocument) bool {
		text := string(bytes.TrimSpace(d.Text))
		_, again := seen[text]
		seen[text] = struct{}{}
		return again
	})
}
