package tomo

import (
	"slices"
	"strings"
)

// DefaultGroup is the name of the group that holds every trace. It is always
// there and has no filter.
const DefaultGroup = "Default"

// MaxGroups is how many groups there may be, Default included. Documented
// quota of the service.
const MaxGroups = 25

// Group is a filter expression with a name: the traces that matched it when
// they settled have a graph, time series and metrics of their own. Groups are
// values that are replaced, never changed.
type Group struct {
	Name string
	// ARN names this group and no other, also none of the same name that is
	// created after this one was deleted.
	ARN string
	// Filter is the expression byte for byte as it was sent; "" for Default.
	Filter string

	InsightsEnabled      bool
	NotificationsEnabled bool  // of insights, so only with InsightsEnabled
	Tags                 []Tag // in order of their keys

	Created Time // 0 for Default
	Changed Time // of the filter or what is enabled, but not of the tags; 0: never
	// FilterChanges are the times at which the filter became another, in order.
	// The first is never there: it is Created. The oldest of very many are
	// dropped.
	FilterChanges []Time
}

// GroupFigures counts the traces of one group in some time.
type GroupFigures struct {
	Group string // its name
	// Faults, Errors and Throttles are the traces whose root was one.
	Traces, Faults, Errors, Throttles int64
	ResponseTimes                     Histogram // of the traces whose root has ended
}

// Tag is a label that operators put on a group or a sampling rule.
type Tag struct{ Key, Value string }

// ID is the part of the ARN that is the group's alone; "Default" for Default.
func (g *Group) ID() string { return g.ARN[strings.LastIndexByte(g.ARN, '/')+1:] }

// IsDefault reports whether g is the group that holds every trace.
func (g *Group) IsDefault() bool { return g.Name == DefaultGroup }

// ContainsOldVersions reports whether traces of r may have been matched against
// an earlier filter: it became another within r or since.
func (g *Group) ContainsOldVersions(r TimeRange) bool {
	return slices.ContainsFunc(g.FilterChanges, func(t Time) bool { return t > r.Start })
}
