package localstore

import (
	"context"

	"github.com/tomotrace/tomo"
)

// Series gives each the service graphs of a group's traces, "" for all, of the
// minutes that r touches, by receipt, in parts: of every block that holds
// something of a minute, and of open traces. The rows of a block are read
// only where rows were superseded.
func (s *Store) Series(ctx context.Context, r tomo.TimeRange, group string, each func(minute tomo.Time, part *tomo.ServiceGraph)) error {
	if r.Start >= r.End {
		return nil
	}
	v := s.look()
	defer v.close()
	s.wantCounts()
	for i := range v.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.blocks[i].series(r, group, each); err != nil {
			return err
		}
	}
	return v.series(ctx, r, group, each)
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

// touches reports whether r holds a moment of one of the minutes from that of
// first to that of last.
func touches(r tomo.TimeRange, first, last tomo.Time) bool {
	return r.Overlaps(first.StartOfMinute(), last.StartOfMinute()+tomo.Minute-1)
}
