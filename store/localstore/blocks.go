package localstore

import (
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"sync"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// blockFile is one block of settled traces. Its file is opened when somebody
// reads it and closed again when too many are open; the filter of trace ids
// stays in memory, because every new trace is held against it.
type blockFile struct {
	store *Store
	blockEntry
	filter *block.Filter

	// Guarded by Store.mu.
	dead  *rowSet // rows superseded by later ones; replaced, never changed
	views int     // views that may still read it
	gone  bool    // no longer in the store: its file goes with the last view

	mu     sync.Mutex // guards what follows
	file   File
	open   *block.Block
	users  int
	graphs liveGraphs
}

// liveGraphs is the graphs of a block's rows without the dead ones, by group, kept
// until other rows are dead or the block is closed.
type liveGraphs struct {
	dead   *rowSet
	groups map[string]*block.Minutes
}

// maxOpenBlocks bounds the files and the footers held in memory: about 20 kB of
// a block of 5,000 traces. Opening one takes ten times as long as a test of all
// its rows.
const maxOpenBlocks = 512

const blockSuffix = ".parquet"

func (s *Store) blockPath(name string) string { return filepath.Join(s.dir, blocksDir, name) }

// use opens the block, or shares the one that is open, and calls do with it.
func (f *blockFile) use(do func(*block.Block) error) error {
	f.mu.Lock()
	if f.open == nil {
		if err := f.load(); err != nil {
			f.mu.Unlock()
			return err
		}
	}
	f.users++
	b := f.open
	f.mu.Unlock()

	err := do(b)

	f.mu.Lock()
	f.users--
	f.mu.Unlock()
	if err != nil {
		return fmt.Errorf("reading block %s: %w", f.Name, err)
	}
	return nil
}

// load opens the file. The caller holds f.mu.
func (f *blockFile) load() error {
	file, _, err := f.store.vault.open(f.store.fs, f.store.blockPath(f.Name))
	if err != nil {
		return fmt.Errorf("opening block %s: %w", f.Name, err)
	}
	size, err := file.Size()
	if err == nil {
		f.open, err = block.Open(file, size)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("opening block %s: %w", f.Name, err)
	}
	f.file = file
	f.store.opened(f)
	return nil
}

// unload closes the file unless somebody reads it, and says whether it did.
func (f *blockFile) unload() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users > 0 {
		return false
	}
	if f.open != nil {
		f.file.Close()
		f.file, f.open = nil, nil
		f.graphs = liveGraphs{}
	}
	return true
}

// opened notes that f is open and closes the one that was opened first, if
// there are too many.
func (s *Store) opened(f *blockFile) {
	s.openMu.Lock()
	defer s.openMu.Unlock()
	s.openBlocks = append(s.openBlocks, f)
	for i := 0; len(s.openBlocks) > maxOpenBlocks && i < len(s.openBlocks); {
		if other := s.openBlocks[i]; other != f && other.unloadIfIdle() {
			s.openBlocks = append(s.openBlocks[:i], s.openBlocks[i+1:]...)
			continue
		}
		i++
	}
}

// unloadIfIdle is unload for a caller that must not wait.
func (f *blockFile) unloadIfIdle() bool {
	if !f.mu.TryLock() {
		return false
	}
	f.mu.Unlock()
	return f.unload()
}

// find looks for a trace among the rows of all blocks, newest block first. Only
// rows that are not dead count. The caller holds Store.mu, so that no block
// goes meanwhile; nearly always the filters answer without touching a file. A
// block that cannot be read is passed over: one bad file must not refuse every
// trace that its filter is wrong about.
func (s *Store) find(id tomo.TraceID) (*blockFile, int) {
	hash := block.Hash(id)
	for i := len(s.blocks) - 1; i >= 0; i-- {
		f := s.blocks[i]
		if !f.filter.MayContain(hash) {
			continue
		}
		row, found, err := f.find(id)
		if err != nil {
			s.o.Logger.Error("looking for a trace", "trace", id, "error", err)
			continue
		}
		if found && !f.dead.has(row) {
			return f, row
		}
	}
	return nil, 0
}

func (f *blockFile) find(id tomo.TraceID) (row int, found bool, err error) {
	err = f.use(func(b *block.Block) (err error) {
		row, found, err = b.Find(id)
		return err
	})
	return row, found, err
}

// base reads what has to be known of a row to reopen its trace.
func (f *blockFile) base(row int) (base block.Base, err error) {
	err = f.use(func(b *block.Block) (err error) {
		base, err = b.Base(row)
		return err
	})
	return base, err
}

func (f *blockFile) summaries(from, to int) (list []*tomo.Summary, err error) {
	err = f.use(func(b *block.Block) (err error) {
		list, err = b.Summaries(from, to)
		if err == nil && len(list) != to-from {
			err = fmt.Errorf("%w: %d rows for %d to %d", errCorrupt, len(list), from, to)
		}
		return err
	})
	return list, err
}

func (f *blockFile) summariesOf(rows []int) (list []*tomo.Summary, err error) {
	err = f.use(func(b *block.Block) (err error) {
		list, err = b.SummariesOf(rows)
		return err
	})
	return list, err
}

func (f *blockFile) documents(row int) (docs []tomo.RawDocument, err error) {
	err = f.use(func(b *block.Block) (err error) {
		docs, err = b.Documents(row)
		return err
	})
	return docs, err
}

// graphsOf is the graphs by minute of those traces of a group whose rows are not
// in dead. It counts the rows again where some are.
func (f *blockFile) graphsOf(dead *rowSet, group string) (m *block.Minutes, err error) {
	if dead.count() == 0 {
		err = f.use(func(b *block.Block) (err error) {
			m, err = b.Graphs(group)
			return err
		})
		return m, err
	}
	f.mu.Lock()
	live := f.graphs
	f.mu.Unlock()
	if live.groups == nil || !live.dead.equal(dead) {
		err := f.use(func(b *block.Block) (err error) {
			live.dead = dead
			live.groups, err = b.Recount(dead.has)
			return err
		})
		if err != nil {
			return nil, err
		}
		f.mu.Lock()
		f.graphs = live
		f.mu.Unlock()
	}
	return live.groups[group], nil
}

// droppedGraphs is the graphs by minute of those traces of a group that were
// dropped.
func (f *blockFile) droppedGraphs(group string) (m *block.Minutes, err error) {
	err = f.use(func(b *block.Block) (err error) {
		m, err = b.DroppedGraphs(group)
		return err
	})
	return m, err
}

// scanChunk is how many rows are read at a time.
const scanChunk = 512

// eachLive gives the summaries of all rows that are not in dead.
func (f *blockFile) eachLive(dead *rowSet, each func(*tomo.Summary)) error {
	for from := 0; from < f.Info.Rows; from += scanChunk {
		list, err := f.summaries(from, min(from+scanChunk, f.Info.Rows))
		if err != nil {
			return err
		}
		for i, s := range list {
			if !dead.has(from + i) {
				each(s)
			}
		}
	}
	return nil
}

// rowSet is a set of row numbers. It is not changed once it is shared; nil is
// the empty set.
type rowSet struct {
	words []uint64
	n     int
}

func (r *rowSet) has(row int) bool {
	return r != nil && row/64 < len(r.words) && r.words[row/64]&(1<<(row%64)) != 0
}

func (r *rowSet) count() int {
	if r == nil {
		return 0
	}
	return r.n
}

// with is the set with more rows in it.
func (r *rowSet) with(rows ...int) *rowSet {
	if len(rows) == 0 {
		return r
	}
	next := &rowSet{}
	if r != nil {
		next.words = append(next.words, r.words...)
	}
	for _, row := range rows {
		for row/64 >= len(next.words) {
			next.words = append(next.words, 0)
		}
		next.words[row/64] |= 1 << (row % 64)
	}
	for _, w := range next.words {
		next.n += bits.OnesCount64(w)
	}
	return next
}

// rows lists the set in ascending order.
func (r *rowSet) rows() (rows []int) {
	if r == nil {
		return nil
	}
	for i, w := range r.words {
		for ; w != 0; w &= w - 1 {
			rows = append(rows, i*64+bits.TrailingZeros64(w))
		}
	}
	return rows
}

func (r *rowSet) equal(o *rowSet) bool {
	if r == o {
		return true
	}
	if r.count() != o.count() {
		return false
	}
	for _, row := range r.rows() {
		if !o.has(row) {
			return false
		}
	}
	return true
}

// writeBlock makes a block file durable under its final name, without making it
// part of the store yet. A file that was not finished is removed.
func (s *Store) writeBlock(through position, write func(File) (block.Info, error)) (*blockFile, error) {
	s.blockNumber++
	name := fmt.Sprintf("%012d%s", s.blockNumber, blockSuffix)
	path := s.blockPath(name)
	key := *s.key.Load()
	info, err := s.writeFile(path, key, write)
	if err != nil {
		return nil, errors.Join(err, ignoreMissing(s.fs.Remove(path+temporarySuffix)))
	}
	f := &blockFile{store: s, blockEntry: blockEntry{Name: name, Info: info, Through: through, Key: key}}
	if err := f.loadFilter(); err != nil {
		return nil, errors.Join(err, ignoreMissing(s.fs.Remove(path)))
	}
	return f, nil
}

func (s *Store) writeFile(path, key string, write func(File) (block.Info, error)) (block.Info, error) {
	file, err := s.vault.create(s.fs, path+temporarySuffix, key)
	if err != nil {
		return block.Info{}, fmt.Errorf("creating a block: %w", err)
	}
	info, err := write(file)
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = s.fs.Rename(path+temporarySuffix, path)
	}
	if err == nil {
		err = s.fs.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return block.Info{}, fmt.Errorf("writing a block: %w", err)
	}
	return info, nil
}

func (f *blockFile) loadFilter() error {
	return f.use(func(b *block.Block) error {
		f.filter = b.Filter()
		if f.filter == nil {
			return fmt.Errorf("%w: no filter of trace ids", errCorrupt)
		}
		return nil
	})
}
