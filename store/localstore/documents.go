package localstore

import (
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// DocumentsOf gives each what is held of the traces, with their places in at.
// What lies in blocks is read in pieces, each of which is given before the next
// is read.
func (s *Store) DocumentsOf(ctx context.Context, at []tomo.Position, each func(i int, t *tomo.TraceDocuments)) error {
	r := rowReads{store: s, rows: make([]rowRead, len(at))}
	s.way.ask()
	defer s.way.answered()
	defer r.release()
	r.hold(at)
	for _, do := range []func(context.Context) error{r.find, r.findElsewhere} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return r.read(ctx, func(row *rowRead, held block.Held) {
		each(row.place, &tomo.TraceDocuments{
			ID: row.at.ID, Documents: tomo.MergeDocuments(held.Documents, row.open),
			LimitExceeded: row.over || held.LimitExceeded,
		})
	})
}

// rowReads reads what is held of some traces.
type rowReads struct {
	store  *Store
	rows   []rowRead
	blocks []*rowBlock // that must not go meanwhile
}

// rowRead is one trace: what is open of it, and the row in which it was settled
// before, if there is one.
type rowRead struct {
	place  int // in the question
	at     tomo.Position
	isOpen bool
	open   []tomo.RawDocument
	over   bool
	row    rowOf
}

// rowBlock is a block that is read.
type rowBlock struct {
	viewBlock
	maybe []int // the traces that may be in it
}

// hold takes what is open, and holds the blocks that may have the rest.
func (r *rowReads) hold(at []tomo.Position) {
	s := r.store
	hashes := make([]uint64, len(at))
	for i := range at {
		hashes[i] = block.Hash(at[i].ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range at {
		row := &r.rows[i]
		row.place, row.at = i, at[i]
		t := s.open.traces[at[i].ID]
		if t == nil {
			continue
		}
		row.isOpen, row.open, row.over = true, t.docs, t.over || t.baseOver
		row.row = rowOf{t.base, t.row}
		if t.base != nil {
			r.add(t.base)
		}
	}
	for _, f := range s.blocks {
		var b *rowBlock
		for i := range at {
			if start := at[i].Start; r.rows[i].isOpen || start < f.Info.MinStart || f.Info.MaxStart < start || !f.filter.MayContain(hashes[i]) {
				continue
			}
			if b == nil {
				b = r.add(f)
			}
			b.maybe = append(b.maybe, i)
		}
	}
}

// add holds a block. The caller holds Store.mu.
func (r *rowReads) add(f *blockFile) *rowBlock {
	f.views++
	b := &rowBlock{viewBlock: viewBlock{f, f.dead}}
	r.blocks = append(r.blocks, b)
	return b
}

func (r *rowReads) release() {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	for _, b := range r.blocks {
		b.views--
		r.store.removeIfUnused(b.blockFile)
	}
}

// find looks for the rows where they stood. Only one row of a trace is not dead.
func (r *rowReads) find(context.Context) error {
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for _, b := range r.blocks {
		if len(b.maybe) == 0 {
			continue
		}
		all.Go(func() error {
			return b.use(func(open *block.Block) error {
				for _, i := range b.maybe {
					row, found, err := open.FindAt(r.rows[i].at)
					if err != nil {
						return err
					}
					if found && !b.hidden.has(row) {
						r.rows[i].row = rowOf{b.blockFile, row}
					}
				}
				return nil
			})
		})
	}
	return all.Wait()
}

// findElsewhere looks for the rows of those that were settled again since.
func (r *rowReads) findElsewhere(context.Context) error {
	missing := map[tomo.TraceID]struct{}{}
	for i := range r.rows {
		if !r.rows[i].isOpen && r.rows[i].row.block == nil {
			missing[r.rows[i].at.ID] = struct{}{}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.findAll(missing)
	for i := range r.rows {
		at, there := found[r.rows[i].at.ID]
		if there && !r.rows[i].isOpen && r.rows[i].row.block == nil {
			r.rows[i].row = at
			r.add(at.block)
		}
	}
	return nil
}

// How many traces one goroutine reads, and how many bytes of documents it holds
// at a time, but for a trace that has more.
const (
	readTogether = 16
	readMost     = 2 << 20
)

// read reads the rows and gives them.
func (r *rowReads) read(ctx context.Context, give func(*rowRead, block.Held)) error {
	blocks := map[*blockFile][]*rowRead{} // nil: what is in none
	for i := range r.rows {
		f := r.rows[i].row.block
		blocks[f] = append(blocks[f], &r.rows[i])
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(runtime.GOMAXPROCS(0))
	for f, list := range blocks {
		slices.SortFunc(list, func(a, b *rowRead) int { return a.row.row - b.row.row })
		for part := range slices.Chunk(list, readTogether) {
			all.Go(func() error { return readRows(ctx, f, part, give) })
		}
	}
	return all.Wait()
}

// readRows reads rows of one block, which are in order, and gives them.
func readRows(ctx context.Context, f *blockFile, list []*rowRead, give func(*rowRead, block.Held)) error {
	rows := make([]int, len(list))
	for i := range list {
		rows[i] = list[i].row.row
	}
	for len(list) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		held := make([]block.Held, 1) // nothing
		if f != nil {
			err := f.use(func(b *block.Block) (err error) {
				held, err = b.Held(rows, readMost)
				return err
			})
			if err != nil {
				return err
			}
		}
		for i := range held {
			give(list[i], held[i])
		}
		rows, list = rows[len(held):], list[len(held):]
	}
	return nil
}
