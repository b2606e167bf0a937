package query

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
)

// Order is how the traces that an analysis lists are ranked.
type Order uint8

const (
	Newest  Order = iota // by start
	Oldest               // by start
	Slowest              // by the measure; a trace without one has no rank
	Fastest              // by the measure; a trace without one has no rank
)

// listed is a trace with what it is ranked by.
type listed struct {
	at   tomo.Position
	took time.Duration
}

// ranks keeps the traces that come first in an order.
type ranks struct {
	order Order
	most  int // traces; 0: none
	// list holds up to twice as many as are wanted. Its first ones are in order as
	// far as sorted says.
	list   []listed
	sorted int
}

// add takes a trace into account.
func (r *ranks) add(t listed) {
	if r.most == 0 || r.order >= Slowest && t.took == tomo.Absent {
		return
	}
	if r.sorted == r.most && r.compare(t, r.list[r.most-1]) > 0 {
		return
	}
	if r.list = append(r.list, t); len(r.list) >= 2*r.most {
		r.settle()
	}
}

// settle drops what does not come first.
func (r *ranks) settle() {
	slices.SortFunc(r.list, r.compare)
	r.list = r.list[:min(len(r.list), r.most)]
	r.sorted = len(r.list)
}

// compare orders traces; no two are equal.
func (r *ranks) compare(a, b listed) int {
	place := cmp.Or(cmp.Compare(a.at.Start, b.at.Start), slices.Compare(a.at.ID[:], b.at.ID[:]))
	switch r.order {
	case Oldest:
		return place
	case Slowest:
		return cmp.Or(cmp.Compare(b.took, a.took), -place)
	case Fastest:
		return cmp.Or(cmp.Compare(a.took, b.took), -place)
	default:
		return -place
	}
}

func (r *ranks) merge(o *ranks) {
	for _, t := range o.list {
		r.add(t)
	}
}

// readRanked reads what the answer tells of the traces that it lists.
func (a *analysis) readRanked(ctx context.Context, g *gathering, answer *Analysis) error {
	for i := range a.Sets {
		r := &g.sets[i].ranks
		r.settle()
		list := make([]*candidate, len(r.list))
		for k, t := range r.list {
			list[k] = &candidate{at: t.at}
		}
		err := a.read(ctx, list, func(k int, d *tomo.Detail, _ *sync.Mutex) { list[k].listed = listing(d) })
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.listed != nil { // not dropped meanwhile
				answer.Sets[i].Traces = append(answer.Sets[i].Traces, c.listed)
			}
		}
	}
	return nil
}
