package tomo

// Insight is a time in which services of a group failed, or were slow, clearly
// more often than they usually do, and what is known of the reason. It begins
// with the first minute that was out of the usual and ends with the last.
//
// X-Ray: the Insight and InsightSummary of the API, which know of faults alone.
type Insight struct {
	// ID is a UUID. It follows from the group, the root cause and the start, so
	// that going over the same minutes again finds the same insight.
	ID    string
	Start Time
	// End is 0 as long as the insight is active.
	End Time
	// Updated is the end of the minute that was looked at last.
	Updated Time
	// Faults and Slow say what is out of the usual. At least one is true.
	Faults, Slow bool
	// RootCause is the service farthest downstream that is affected.
	RootCause NodeID
	// Affected lists the services that were out of the usual at any time of the
	// insight, those with most faults first. The root cause is among them.
	Affected []NodeID
	// Client is what clients of the group asked of the services from which calls
	// lead to affected ones, from Start on.
	Client Impact
	// AtCause is what was asked of the root cause, from Start on.
	AtCause Impact
	// Summary is two sentences or more; the first two have no full stop within.
	Summary string
	// Events are what was notable, in order of time. The first is the opening.
	Events []InsightEvent
}

// InsightEvent is a notable change of an insight, with what was known then.
type InsightEvent struct {
	Time            Time
	Kind            InsightEventKind
	Summary         string
	RootCause       NodeID
	Client, AtCause Impact
	Top             []NodeID // the services affected most, at most MaxTopServices
}

// InsightEventKind says what an event tells.
type InsightEventKind string

const (
	InsightOpened  InsightEventKind = "opened"
	InsightUpdated InsightEventKind = "updated"
	InsightMerged  InsightEventKind = "merged" // closed, as a part of an older one
	InsightClosed  InsightEventKind = "closed"
)

// Impact counts requests: how many there were, and how many of them were fine
// or failed. The others were errors of the client or throttled.
type Impact struct{ Fault, OK, Total int64 }

// MaxTopServices is how many services are named as those affected most.
const MaxTopServices = 10

// Active reports whether the insight goes on.
func (i *Insight) Active() bool { return i.End == 0 }

// Top lists the services affected most.
func (i *Insight) Top() []NodeID { return i.Affected[:min(len(i.Affected), MaxTopServices)] }

// Overlaps reports whether a moment of the insight lies in r.
func (i *Insight) Overlaps(r TimeRange) bool {
	return r.Start < r.End && i.Start < r.End && (i.Active() || r.Start < i.End)
}
