package tomo

import (
	"bytes"
	"cmp"
	"hash/maphash"
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
	if len(all) <= fewDocuments {
		kept := all[:0]
		for _, d := range all {
			if !slices.ContainsFunc(kept, func(k RawDocument) bool { return sameText(k, d) }) {
				kept = append(kept, d)
			}
		}
		return kept
	}
	seed := maphash.MakeSeed()
	seen := make(map[uint64][]RawDocument, len(all))
	return slices.DeleteFunc(all, func(d RawDocument) bool {
		hash := maphash.Bytes(seed, bytes.TrimSpace(d.Text))
		again := slices.ContainsFunc(seen[hash], func(k RawDocument) bool { return sameText(k, d) })
		if !again {
			seen[hash] = append(seen[hash], d)
		}
		return again
	})
}

// fewDocuments is how many documents are compared one by one.
const fewDocuments = 16

func sameText(a, b RawDocument) bool {
	return bytes.Equal(bytes.TrimSpace(a.Text), bytes.TrimSpace(b.Text))
}

// Incoming is a valid document on its way into a store.
type Incoming struct {
	TraceID TraceID
	// First and Last bound the starts of everything in it, and so what it can
	// make the start of its trace.
	First, Last Time
	// Sketch is of this document alone.
	Sketch Sketch
	RawDocument
}

// Over is a document that a store does not take because of what it has of the trace.
type Over struct {
	Index int    // of the document among those given
	Why   string // which limit, and where the trace stands
}

// TraceDocuments is everything held of one trace, in order of receipt.
type TraceDocuments struct {
	ID            TraceID
	Documents     []RawDocument
	LimitExceeded bool // documents were refused because the trace was full
	// Before is what the trace was settled as last, nil if it never was or if
	// nobody asked for it.
	Before *Summary
	// Summary is what was derived of just these documents, with the groups of
	// Before, by the rules of the Revision; nil if it was not derived, or nobody
	// asked for it. It must not be changed.
	Summary  *Summary
	Revision int64
}

// SettlePolicy says when open traces are due to be settled.
type SettlePolicy struct {
	Quiet  time.Duration // a trace is due when nothing came for so long
	MaxAge time.Duration // or when its first open document is so old
	Wait   time.Duration // a round begins when a trace has been due for so long
	Round  int64         // or when so many bytes of documents are due
}
