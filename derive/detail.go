package derive

import (
	"cmp"
	"slices"

	"github.com/tomotrace/tomo"
)

// detailing is what a detail is gathered in.
type detailing struct {
	unitAt []int32 // entity → unit

	annotations, users, arns, instances, zones []saying

	// The memory of what is only looked at.
	units []tomo.UnitDetail
	calls []tomo.CallDetail
}

// saying is one of a list of things that a unit said.
type saying struct{ unit, thing int32 }

// detail adds to a summary, the last that was made of a, parts of what it
// leaves out. The lists of units and calls are made in the memory of those given.
func (a *assembly) detail(s *tomo.Summary, parts tomo.DetailParts, units []tomo.UnitDetail, calls []tomo.CallDetail) *tomo.Detail {
	d := &tomo.Detail{Summary: s, RootUnit: -1, RootCauses: a.rootCauses(parts)}
	if parts&(tomo.WhatIsMissing|tomo.WhatUnitsSaid) == 0 {
		return d
	}
	d.Incomplete = s.Completeness == tomo.Incomplete
	a.detailing.unitAt = filled(a.detailing.unitAt, len(a.entities), none)
	for u := range a.findings.units {
		a.detailing.unitAt[a.findings.units[u].entity] = int32(u)
	}
	if a.root != none {
		d.RootUnit = int(a.detailing.unitAt[a.root])
	}
	if parts&tomo.WhatUnitsSaid != 0 {
		d.UnitDetails, d.CallDetails = a.unitDetails(units), a.callDetails(calls)
	}
	return d
}

// incomplete reports whether something is still to come: the end of an entity,
// the parent that one names, or the root.
func (a *assembly) incomplete() bool {
	if a.root == none {
		return true
	}
	for i := range a.entities {
		e := &a.entities[i]
		if e.segment.InProgress || e.owner == none {
			return true
		}
		if s := e.placing.segment; s.HasParent && e.parent == none && a.find(s.Parent) == none {
			return true
		}
	}
	return false
}

// unitDetails tells of each unit what its summary leaves out. Only annotations
// that the summary indexes are told, so that a unit never says what its trace
// does not.
func (a *assembly) unitDetails(details []tomo.UnitDetail) []tomo.UnitDetail {
	f, g := &a.findings, &a.detailing
	g.annotations, g.users, g.arns, g.instances, g.zones = g.annotations[:0], g.users[:0], g.arns[:0], g.instances[:0], g.zones[:0]
	details = slices.Grow(details[:0], len(f.units))[:len(f.units)]
	clear(details)
	for u := range f.units {
		top := f.units[u].entity
		details[u].HTTP = a.entities[top].segment.HTTP
		if a.entities[top].subsegment {
			continue // inferred: what its call said belongs to the caller
		}
		for at := top; at != none; at = a.below(at, top) {
			s := a.entities[at].segment
			for _, annotation := range s.Annotations {
				if thing, indexed := f.annotations.find(annotation); indexed {
					g.annotations = append(g.annotations, saying{int32(u), thing})
				}
			}
			g.users = say(g.users, u, &f.users, s.User)
			g.arns = say(g.arns, u, &f.arns, s.ResourceARN)
			g.instances = say(g.instances, u, &f.instances, s.AWS.InstanceID)
			g.zones = say(g.zones, u, &f.zones, s.AWS.AvailabilityZone)
		}
	}
	eachSaid(g.annotations, f.annotations.list, func(u int32, list []tomo.Annotation) { details[u].Annotations = list })
	eachSaid(g.users, f.users.list, func(u int32, list []string) { details[u].Users = list })
	eachSaid(g.arns, f.arns.list, func(u int32, list []string) { details[u].ResourceARNs = list })
	eachSaid(g.instances, f.instances.list, func(u int32, list []string) { details[u].InstanceIDs = list })
	eachSaid(g.zones, f.zones.list, func(u int32, list []string) { details[u].AvailabilityZones = list })
	return details
}

func say(list []saying, unit int, things *distinct[string], text string) []saying {
	if text == "" {
		return list
	}
	thing, _ := things.find(text)
	return append(list, saying{int32(unit), thing})
}

// eachSaid tells of each unit the distinct things that it said. The lists share
// one new piece of memory.
func eachSaid[T any](said []saying, things []T, tell func(unit int32, list []T)) {
	if len(said) == 0 {
		return
	}
	slices.SortFunc(said, func(x, y saying) int {
		return cmp.Or(cmp.Compare(x.unit, y.unit), cmp.Compare(x.thing, y.thing))
	})
	said = slices.Compact(said)
	all := make([]T, len(said))
	for from := 0; from < len(said); {
		to := from
		for ; to < len(said) && said[to].unit == said[from].unit; to++ {
			all[to] = things[said[to].thing]
		}
		tell(said[from].unit, all[from:to:to])
		from = to
	}
}

// callDetails tells of each call what its summary leaves out.
func (a *assembly) callDetails(details []tomo.CallDetail) []tomo.CallDetail {
	f, g := &a.findings, &a.detailing
	a.boundSubsegments()
	details = slices.Grow(details[:0], len(f.calls))[:len(f.calls)]
	for k := range f.calls {
		to := f.calls[k].entity
		e := &a.entities[a.calling(to)]
		d := &details[k]
		d.Caller, d.Callee = int(g.unitAt[e.owner]), int(g.unitAt[to])
		d.InProgress = e.segment.InProgress
		if d.Duration = e.bounds.duration(); !d.InProgress {
			d.Duration = max(0, d.Duration)
		}
		d.HTTP = e.segment.HTTP
	}
	return details
}

// calling is the entity that made the call of callee: the call itself if the
// callee is inferred from it, the root for the client.
func (a *assembly) calling(callee int32) int32 {
	e := &a.entities[callee]
	if e.subsegment || e.parent == none {
		return callee
	}
	if caller := a.entities[e.parent].caller; caller != none {
		return caller
	}
	return e.parent
}

// boundSubsegments widens the bounds of each subsegment to all that is below it.
func (a *assembly) boundSubsegments() {
	for _, top := range a.segments {
		a.path = a.path[:0]
		for at := a.entities[top].firstChild; at != none; at = a.below(at, top) {
			a.entities[at].bounds.add(a.entities[at].segment)
			a.path = append(a.path, at)
		}
		for _, at := range slices.Backward(a.path) {
			if e := &a.entities[at]; e.parent != top {
				a.entities[e.parent].bounds.widen(e.bounds)
			}
		}
	}
}
