package localstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/block"
)

// Scan gives each the traces in w for which one of the plans holds, in no
// order, each once, from several goroutines at the same time. Of settled traces
// only the columns of the parts are read.
func (s *Store) Scan(ctx context.Context, w tomo.Window, plans []filter.Plan, parts tomo.Parts, each func(looked int, found []tomo.Found) error) error {
	if len(plans) > tomo.MaxPlans {
		return fmt.Errorf("a scan has %d plans; the limit is %d", len(plans), tomo.MaxPlans)
	}
	if w.By == tomo.ByService {
		parts |= tomo.PartUnits // Summary.Matches asks for them
	}
	v := s.look()
	defer v.close()
	running, scanning := errgroup.WithContext(ctx)
	running.SetLimit(runtime.GOMAXPROCS(0))
	for i := range v.blocks {
		b := &v.blocks[i]
		if scanning.Err() != nil || b.Info.Rows == b.hidden.count() || !mayLie(b.Info, w) {
			continue
		}
		from, to, err := b.started(w, tomo.Top)
		if err != nil {
			running.Go(func() error { return err })
			break
		}
		for ; from < to; from += selectChunk {
			first, end := from, min(from+selectChunk, to)
			running.Go(func() error { return b.scan(scanning, w, plans, parts, first, end, each) })
		}
	}
	may := mayMatch(w, plans...)
	for _, b := range v.batches {
		running.Go(func() error { return v.scanBatch(scanning, w, plans, b, may, each) })
	}
	if err := running.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// scanner is the memory of a scan through one block.
type scanner struct {
	plans []uint8 // of each row, which plans hold
	rows  []int
	list  []tomo.Summary
	found []tomo.Found
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// scan looks through the rows from … to-1.
func (b *viewBlock) scan(ctx context.Context, w tomo.Window, plans []filter.Plan, parts tomo.Parts, from, to int, each func(int, []tomo.Found) error) error {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.plans = slices.Grow(s.plans[:0], to-from)[:to-from]
	clear(s.plans)
	for i := range plans {
		rows, err := b.selected(plans[i], from, to)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s.plans[row-from] |= 1 << i
		}
	}
	s.list = slices.Grow(s.list[:0], scanChunk)[:scanChunk]
	for at := from; at < to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		// As many rows as make a chunk, however far that goes.
		began := at
		for s.rows = s.rows[:0]; at < to && len(s.rows) < scanChunk; at++ {
			if s.plans[at-from] != 0 {
				s.rows = append(s.rows, at)
			}
		}
		list := s.list[:len(s.rows)]
		if err := b.use(func(open *block.Block) error { return open.Parts(s.rows, parts, list) }); err != nil {
			return err
		}
		s.found = s.found[:0]
		for i := range list {
			if list[i].Matches(w) {
				s.found = append(s.found, tomo.Found{Summary: &list[i], Plans: s.plans[s.rows[i]-from]})
			}
		}
		if err := each(at-began, s.found); err != nil {
			return err
		}
	}
	return nil
}

// scanBatch looks through the traces of a batch. may tells which of them have to
// be derived.
func (v *view) scanBatch(ctx context.Context, w tomo.Window, plans []filter.Plan, b *batchState, may func(*gist) bool, each func(int, []tomo.Found) error) error {
	if !may(&b.gist) {
		return each(b.left, nil)
	}
	var found []tomo.Found
	for i := range b.slots {
		t := &b.slots[i]
		if t.state == nil || !may(&t.gist) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		summary, err := v.summary(t.state)
		if err != nil {
			return err
		}
		if !summary.Matches(w) {
			continue
		}
		f := tomo.Found{Summary: summary}
		for p := range plans {
			if plans[p].Holds(summary) {
				f.Plans |= 1 << p
			}
		}
		if f.Plans != 0 {
			found = append(found, f)
		}
	}
	return each(b.left, found)
}
