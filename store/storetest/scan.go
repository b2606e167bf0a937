package storetest

import (
	"context"
	"slices"
	"sync"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// checkScan scans for some plans at once, whole summaries and parts of them.
func (w *world) checkScan(window tomo.Window, all []*tomo.Summary) {
	w.Helper()
	var plans []filter.Plan
	for _, text := range append(slices.Clone(filters[:tomo.MaxPlans-1]), "") {
		e, err := filter.Parse(text)
		if err != nil {
			w.Fatalf("%s: %v", text, err)
		}
		plans = append(plans, filter.PlanFor(e, nil))
	}
	const some = tomo.MaxPlans - 1 // without the plan that holds for all
	scans := []struct {
		plans []filter.Plan
		parts tomo.Parts
	}{
		{plans, tomo.EveryPart}, {plans[:some], 0}, {plans[:some], tomo.PartHTTP | tomo.PartAnnotations},
		{plans[some:], tomo.PartNodes | tomo.PartUnits}, {plans[:1], tomo.PartNodes | tomo.PartCalls | tomo.PartUsers | tomo.PartPlaces},
	}
	for range 2 { // in turn: there are very many checks
		w.scans++
		scan := scans[w.scans%len(scans)]
		want := map[tomo.TraceID]tomo.Found{}
		for _, s := range all {
			f := tomo.Found{Summary: trim(s, scan.parts)}
			for i := range scan.plans {
				if scan.plans[i].Holds(s) {
					f.Plans |= 1 << i
				}
			}
			if f.Plans != 0 {
				want[s.ID] = f
			}
		}
		got, times := w.scan(window, scan.plans, scan.parts)
		for id, f := range got {
			if times[id] != 1 {
				w.Fatalf("a scan of %v found %v %d times", window, id, times[id])
			}
			for i := range scan.plans { // a plan that is not exact may be said to hold where it does not
				if !scan.plans[i].Exact {
					f.Plans &^= 1 << i
					f.Plans |= want[id].Plans & (1 << i)
				}
			}
			if got[id] = f; f.Plans == 0 {
				delete(got, id)
			}
		}
		w.equal("a scan", want, got)
	}
}

// scan gathers what a scan finds. Of the summaries it keeps what was asked for.
func (w *world) scan(window tomo.Window, plans []filter.Plan, parts tomo.Parts) (all map[tomo.TraceID]tomo.Found, times map[tomo.TraceID]int) {
	w.Helper()
	all, times = map[tomo.TraceID]tomo.Found{}, map[tomo.TraceID]int{}
	var mu sync.Mutex // guards both
	err := w.store.Scan(context.Background(), window, plans, parts, func(looked int, found []tomo.Found) error {
		mu.Lock()
		defer mu.Unlock()
		if looked < len(found) {
			w.Errorf("a scan found %d traces and looked at %d", len(found), looked)
		}
		for _, f := range found {
			f.Summary = trim(f.Summary, parts)
			all[f.ID] = f
			times[f.ID]++
		}
		return nil
	})
	if err != nil {
		w.Fatalf("scanning %v: %v", window, err)
	}
	return all, times
}

// trim copies what the parts have of a summary.
func trim(s *tomo.Summary, parts tomo.Parts) *tomo.Summary {
	t := tomo.Summary{
		ID: s.ID, Start: s.Start, Received: s.Received, Duration: s.Duration, ResponseTime: s.ResponseTime,
		HasFault: s.HasFault, HasError: s.HasError, HasThrottle: s.HasThrottle, IsPartial: s.IsPartial, Completeness: s.Completeness, EntryPoint: s.EntryPoint,
	}
	if parts == tomo.EveryPart {
		t = *s
	}
	if parts.Has(tomo.PartHTTP) {
		t.HTTP = s.HTTP
	}
	if parts.Has(tomo.PartNodes) {
		t.Nodes = slices.Clone(s.Nodes)
	}
	if parts.Has(tomo.PartUnits) {
		t.Units = slices.Clone(s.Units)
	}
	if parts.Has(tomo.PartCalls) {
		t.Calls = slices.Clone(s.Calls)
	}
	if parts.Has(tomo.PartAnnotations) {
		t.Annotations = slices.Clone(s.Annotations)
	}
	if parts.Has(tomo.PartUsers) {
		t.Users = slices.Clone(s.Users)
	}
	if parts.Has(tomo.PartPlaces) {
		t.ResourceARNs, t.InstanceIDs = slices.Clone(s.ResourceARNs), slices.Clone(s.InstanceIDs)
		t.AvailabilityZones, t.Groups = slices.Clone(s.AvailabilityZones), slices.Clone(s.Groups)
	}
	return &t
}
