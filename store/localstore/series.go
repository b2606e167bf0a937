package localstore

import (
	"context"

	"github.com/tomotrace/tomo"
)

// Series gives each the service graphs of a group's traces, "" for all, of the
// minutes that r touches, by receipt, in parts: of every block that holds
// something of a minute, and one of all open traces. The rows of a block are read
// only where rows were superseded.
func (s *Store) Series(ctx context.Context, r tomo.TimeRange, group string, each func(minute tomo.Time, part *tomo.ServiceGraph)) error {
	if r.Start >= r.End {
		return nil
	}
	v := s.view(nil)
	defer v.close()
	for i := range v.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.blocks[i].series(r, group, each); err != nil {
			return err
		}
	}
	open, err := v.openSeries(ctx, r, group)
	for minute, g := range open {
		each(minute, g)
	}
	return err
}

// series gives each the graphs of the rows and those of what was dropped.
func (b *viewBlock) series(r tomo.TimeRange, group string, each func(tomo.Time, *tomo.ServiceGraph)) error {
	touched := func(minute tomo.Time) bool { return touches(r, minute, minute) }
	if d := &b.Info.Dropped; d.Traces > 0 && touches(r, d.MinReceipt, d.MaxReceipt) {
		dropped, err := b.droppedGraphs(group)
		if err != nil {
			return err
		}
		if err := dropped.Each(touched, each); err != nil {
			return err
		}
	}
	if b.Info.Rows == b.hidden.count() || !touches(r, b.Info.MinReceipt, b.Info.MaxReceived) {
		return nil
	}
	live, err := b.graphsOf(b.hidden, group)
	if err != nil {
		return err
	}
	return live.Each(touched, each)
}

// openSeries is the graphs of the open traces.
func (v *view) openSeries(ctx context.Context, r tomo.TimeRange, group string) (map[tomo.Time]*tomo.ServiceGraph, error) {
	byMinute := map[tomo.Time]*tomo.ServiceGraph{}
	for i := range v.open {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := &v.open[i]
		if t.base == nil && len(t.docs) > 0 && !touches(r, t.docs[0].Received, t.last) {
			continue
		}
		sum, err := v.summary(t)
		if err != nil {
			return nil, err
		}
		if sum.In(group) {
			addByMinute(byMinute, sum, r)
		}
	}
	return byMinute, nil
}

// touches reports whether r holds a moment of one of the minutes from that of
// first to that of last.
func touches(r tomo.TimeRange, first, last tomo.Time) bool {
	return r.Overlaps(first.StartOfMinute(), last.StartOfMinute()+tomo.Minute-1)
}

// addByMinute counts the trace s in the graph of each minute that r touches.
func addByMinute(byMinute map[tomo.Time]*tomo.ServiceGraph, s *tomo.Summary, r tomo.TimeRange) {
	for _, m := range s.ReceiptMinutes() {
		if !touches(r, m, m) {
			continue
		}
		g := byMinute[m]
		if g == nil {
			g = &tomo.ServiceGraph{}
			byMinute[m] = g
		}
		g.Add(s, tomo.TimeRange{Start: m, End: m + tomo.Minute})
	}
}
