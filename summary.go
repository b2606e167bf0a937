package tomo

import (
	"cmp"
	"slices"
	"time"
)

// Absent stands for a duration that is not known yet: nothing has ended, or
// there is no root.
const Absent time.Duration = -1

// NodeID is the identity of a node of the service graph.
type NodeID struct {
	Name    string
	Type    string // the origin; "" (null on the wire) for a segment without one
	Account string // "" (null on the wire) for the server's own
}

// Compare orders nodes by name, type and account.
func (a NodeID) Compare(b NodeID) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Account, b.Account))
}

// ClientType is the type of the node that stands for a root's callers, and
// RemoteType that of a callee outside AWS which sent no segment.
const (
	ClientType = "client"
	RemoteType = "remote"
)

// State is how a node is known.
type State uint8

const (
	StateActive  State = iota // it sent segments itself
	StateUnknown              // the client, or an inferred AWS resource
	StatePassive              // an inferred remote service or database
)

// Node is a service as the graph and the summaries know it.
type Node struct {
	NodeID
	State  State
	Root   bool   // it holds the root of a trace
	Region string // aws.region of its segment, shown in trace graphs
}

// Unit is one piece of work of a node: a segment, or an inferred callee.
type Unit struct {
	Node         int // index in Summary.Nodes
	Received     Time
	Start, End   Time
	ResponseTime time.Duration // end - start, never negative
	Duration     time.Duration // from the earliest start to the latest end of the segment and its subsegments
	Outcome      Outcome
	Status       int // HTTP status, 0 if none
	Inferred     bool
	Open         bool // in progress: counted in no statistics, its node is in no graph
}

// Call is one call between two nodes, with the caller's numbers.
type Call struct {
	From, To     int  // indexes in Summary.Nodes
	Received     Time // when both ends were there
	ResponseTime time.Duration
	Outcome      Outcome
	Status       int
	Open         bool
	// AliasName and AliasType are what the caller called the callee where that
	// differs from the callee's own identity; both "" otherwise.
	AliasName, AliasType string
}

// Summary is what can be asked about a trace. It is derived from the trace's
// documents alone: any order of arrival gives the same.
//
// Nodes are sorted and distinct; units and calls are in order of start, then
// identity. The lists are not nil-safe to modify: a summary is shared.
type Summary struct {
	ID           TraceID
	Start        Time          // earliest start of a segment
	Began        Time          // start of the root; the earliest start where there is none
	Duration     time.Duration // latest end - earliest start, or Absent
	ResponseTime time.Duration // of the root, or Absent
	Received     Time          // receipt of the latest change
	Revision     int           // grows with each second in which documents were received
	Documents    int           // documents held

	HasFault, HasError, HasThrottle bool // of the root alone
	IsPartial                       bool
	Completeness                    Completeness
	LimitExceeded                   bool // documents were refused because the trace is too large

	HTTP       HTTP // the root's
	EntryPoint int  // index in Nodes of the root's node, -1 without root

	Nodes             []Node // every node: real, inferred and client
	Units             []Unit
	Calls             []Call
	Annotations       []SummaryAnnotation
	Users             []User
	ResourceARNs      []string
	InstanceIDs       []string
	AvailabilityZones []string

	// Groups are the ids (Group.ID) of the groups that the trace belongs to, in
	// order, Default left out. Unlike all else they do not follow from the
	// documents alone: they are those whose filters the trace matched when it
	// settled, each time that it did.
	Groups []string
}

// In reports whether the trace belongs to the group with that id; "" stands for
// the group of all traces.
func (s *Summary) In(group string) bool { return group == "" || slices.Contains(s.Groups, group) }

// Completeness says of a trace whether something of it is still to come, as
// Detail.Incomplete does.
type Completeness uint8

const (
	// CompletenessUnknown: the version that settled the trace did not note it.
	CompletenessUnknown Completeness = iota
	Complete
	Incomplete
)

// SummaryAnnotation is one distinct key and value of a trace and the nodes
// whose segments carry it. At most Limits.Annotations are indexed; all of
// them stay in the documents.
type SummaryAnnotation struct {
	Annotation
	Nodes []int
}

// User is one distinct user of a trace and the nodes that named it.
type User struct {
	Name  string
	Nodes []int
}

// Matches reports whether the trace lies in w.
func (s *Summary) Matches(w Window) bool {
	switch w.By {
	case ByEvent:
		return w.Contains(s.Received)
	case ByService:
		for i := range s.Units {
			if u := &s.Units[i]; !u.Open && !u.Inferred && w.Start.Add(-ServiceLead) <= u.End && u.End < w.End {
				return true
			}
		}
		return false
	default:
		return w.Contains(s.Start)
	}
}

// ServiceLead is how much earlier than asked a window of type Service begins.
// The service was seen to answer so.
const ServiceLead = time.Minute

// Position is a place in the order in which summaries are listed: newest start
// first, then by id downwards. The zero Position is not a place; Top is before
// everything.
type Position struct {
	Start Time
	ID    TraceID
}

// Top is the place before the newest summary.
var Top = Position{Start: Always.End, ID: TraceID{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}

// Position is where s stands.
func (s *Summary) Position() Position { return Position{s.Start, s.ID} }

// Before reports whether p is listed before q.
func (p Position) Before(q Position) bool {
	if p.Start != q.Start {
		return p.Start > q.Start
	}
	return string(p.ID[:]) > string(q.ID[:])
}

// Settled is a trace as a store keeps it once it is quiet: the summary and
// every document it was derived from, in order of receipt.
type Settled struct {
	Summary   *Summary
	Documents []RawDocument
	// Dropped: a keep rule wants the trace to be counted, in graphs and wherever
	// else it counts, and then forgotten.
	Dropped bool
}

// ReceiptMinutes lists, in order, the minutes in which something was received
// that ServiceGraph.Add counts.
func (s *Summary) ReceiptMinutes() []Time {
	var minutes []Time
	add := func(received Time) {
		m := received.StartOfMinute()
		if i, found := slices.BinarySearch(minutes, m); !found {
			minutes = slices.Insert(minutes, i, m)
		}
	}
	for i := range s.Units {
		if u := &s.Units[i]; !u.Open {
			add(u.Received)
		}
	}
	for i := range s.Calls {
		if c := &s.Calls[i]; !c.Open {
			add(c.Received)
		}
	}
	return minutes
}
