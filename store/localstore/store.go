// Package localstore keeps traces in one directory of one machine: open ones in
// memory and in a write-ahead log, settled ones in blocks.
//
//	LOCK              held by the process that has the store open
//	MANIFEST          which blocks there are, which of their rows are superseded
//	wal/N.log         the documents of open traces, as received
//	blocks/N.parquet  settled traces
//	settings/K.json   what operators set, one file a kind
//
// PutSegments returns when the documents are synced to the log; concurrent
// calls share a sync. From then on every read sees them. Settle writes a block,
// syncs it, and makes it count with one edit of the manifest; only then are the
// log's files given up. After a crash the log is read again: what was settled
// already is told from its equal text. docs/storage-format.md has every byte.
//
// Locks, outermost first: Store.settleMu (one round, compaction or expiry at a
// time), Store.mu (what there is), blockFile.mu, Store.openMu. Nothing is locked
// under Store.settingsMu.
package localstore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// Options configure a store. The zero value of each but Derive is a good default.
type Options struct {
	// Derive makes the summary of an open trace when somebody asks for it.
	// Required.
	Derive func(tomo.TraceID, []tomo.RawDocument) *tomo.Summary
	// Revision is another number, and a larger one, from when Derive may answer
	// otherwise for the same documents. nil: that is never so.
	Revision func() int64
	// Retention is how long a trace is kept after its latest change. 0: 30 days,
	// as X-Ray keeps them. Blocks go as a whole, so some stay longer.
	Retention time.Duration
	// Memory bounds the texts of open documents in memory, in bytes. 0: 128 MiB.
	// When it is short traces are settled early; when it is full PutSegments
	// waits a little and then answers Unavailable.
	Memory int64
	// MaxTraceDocuments is how many documents a trace may have. 0: 50,000.
	MaxTraceDocuments int
	// MaxTraceBytes is how many bytes the documents of a trace may have. 0: any.
	MaxTraceBytes int64
	// Modifiable is how long after its first document was received a trace takes
	// more. 0: 7 days, X-Ray's trace modification period.
	Modifiable time.Duration
	// LogFile is the size at which a file of the log is full, in bytes. 0: 4 MiB.
	LogFile int64
	// Lost is told of documents that were superseded or expired.
	Lost func(tomo.Loss)
	// Now is the clock of retention and settling. nil: the real one.
	Now func() time.Time
	// Keys gives the key with the id, KeySize bytes, or nil. It has to give every
	// key that something in the directory is encrypted with. nil: there are none.
	Keys func(id string) []byte
	// FS is the file system. nil: the real one.
	FS FS
	// Logger gets what an operator should know. nil: nothing is logged.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Revision == nil {
		o.Revision = func() int64 { return 0 }
	}
	if o.Retention == 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.Memory == 0 {
		o.Memory = 128 << 20
	}
	if o.MaxTraceDocuments == 0 {
		o.MaxTraceDocuments = 50_000
	}
	if o.Modifiable == 0 {
		o.Modifiable = 7 * 24 * time.Hour
	}
	if o.LogFile == 0 {
		o.LogFile = 4 << 20
	}
	if o.Lost == nil {
		o.Lost = func(tomo.Loss) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = OS
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Store is an open store. Its methods may be called concurrently.
type Store struct {
	dir    string
	fs     FS
	vault  vault
	o      Options
	lock   io.Closer
	puts   chan *put
	closed chan struct{} // closed when the store closes
	done   chan struct{} // closed when the commit loop ended

	settleMu     sync.Mutex // one round, compaction or expiry at a time; guards what follows
	manifest     manifest
	blockNumber  uint64
	roundThrough position // how far the log was read when the round under way began

	mu      sync.Mutex // guards what follows
	open    openIndex
	blocks  []*blockFile  // in order of their newest start
	dropped []droppedIDs  // of traces that the log may still have
	through position      // of the latest frame whose documents are in open
	freed   chan struct{} // closed and made anew when open documents are settled

	way way

	counting   bool           // countLoop runs
	graphAsked time.Time      // when somebody asked for a graph that is worth it
	countings  sync.WaitGroup // of countLoop

	wal wal // appended to by the commit loop alone

	openMu     sync.Mutex // guards openBlocks
	openBlocks []*blockFile

	settingsMu sync.Mutex // guards the files in settings/

	// key is the id of the key that everything new is encrypted with, "" for none.
	// It is the manifest's, and changes under settleMu.
	key          atomic.Pointer[string]
	settingsDone atomic.Bool // all settings are encrypted with it

	counters counters
}

const (
	walDir    = "wal"
	blocksDir = "blocks"
	lockName  = "LOCK"
)

// Open opens the store in dir, which is made if it is not there. One process at
// a time may have it open.
func Open(dir string, o Options) (*Store, error) {
	o.setDefaults()
	s := &Store{
		dir: dir, fs: o.FS, vault: vault{o.Keys}, o: o,
		puts: make(chan *put, 64), closed: make(chan struct{}), done: make(chan struct{}), freed: make(chan struct{}), way: way{opened: time.Now()},
	}
	s.open.init(o.Memory)
	for _, d := range []string{dir, filepath.Join(dir, walDir), filepath.Join(dir, blocksDir), filepath.Join(dir, settingsDir)} {
		if err := s.fs.MkdirAll(d); err != nil {
			return nil, fmt.Errorf("making the data directory: %w", err)
		}
	}
	lock, err := lockDir(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("the data directory %s is in use by another process: %w", dir, err)
	}
	s.lock = lock
	if err := s.recover(); err != nil {
		s.lock.Close()
		return nil, fmt.Errorf("opening the store in %s: %w", dir, err)
	}
	go s.commitLoop()
	return s, nil
}

// recover brings the state of the directory into memory: the manifest's blocks,
// then the log's documents. Files that no edit names are left from a crash.
func (s *Store) recover() error {
	entries, dead, err := s.readState()
	if err != nil {
		return err
	}
	if err := s.removeStrangers(entries); err != nil {
		return err
	}
	if err := s.removeUnfinishedSettings(); err != nil {
		return err
	}
	if err := s.openAll(entries, dead); err != nil {
		return err
	}
	s.manifest = manifest{fs: s.fs, dir: s.dir, vault: s.vault}
	if err := s.manifest.rewrite(s.state(), *s.key.Load()); err != nil {
		return err
	}
	if err := s.replay(); err != nil {
		return err
	}
	if err := s.encryptSettings(); err != nil {
		return err
	}
	return s.trimLog()
}

// replay opens again what is in the log and not in a block. The traces are
// looked for in the blocks all at once.
func (s *Store) replay() error {
	type logged struct {
		file *walFile
		at   position
		entry
	}
	var all []logged
	ids := map[tomo.TraceID]struct{}{}
	expired := s.now().Add(-s.o.Retention)
	s.wal.fs, s.wal.dir, s.wal.next, s.wal.limit, s.wal.vault = s.fs, filepath.Join(s.dir, walDir), 1, s.o.LogFile, s.vault
	s.wal.key = &s.key
	torn, err := s.wal.replay(func(f *walFile, at position, e entry) {
		s.through = at
		if e.Received < expired {
			return // its block is gone already, or would go at once
		}
		all = append(all, logged{f, at, e})
		ids[e.TraceID] = struct{}{}
	})
	if err != nil {
		return err
	}
	// Positions only grow, also when every file that had the last one is gone.
	for _, f := range s.blocks {
		s.wal.next = max(s.wal.next, f.Through.file()+1)
	}
	gone := map[tomo.TraceID]position{}
	for _, d := range s.dropped {
		s.wal.next = max(s.wal.next, d.Through.file()+1)
		for id := range d.each() {
			gone[id] = max(gone[id], d.Through)
		}
	}
	if len(torn) > 0 {
		s.o.Logger.Info("the log ended in the middle of a write that was never acknowledged", "files", torn)
	}
	settled := s.findAll(ids)
	for i := range all {
		e := &all[i]
		if e.at <= gone[e.TraceID] {
			continue
		}
		at, found := settled[e.TraceID]
		if found && e.at <= at.block.Through {
			continue
		}
		t := s.open.traces[e.TraceID]
		if t == nil {
			t = s.openTrace(e.TraceID, at.block, at.row)
		}
		s.open.add(t, &e.entry, e.file)
	}
	return nil
}

// rowOf is where a settled trace is.
type rowOf struct {
	block *blockFile
	row   int
}

// findAll looks for many traces at once: it reads the ids of each block that
// may hold one of them.
func (s *Store) findAll(ids map[tomo.TraceID]struct{}) map[tomo.TraceID]rowOf {
	hashes := make([]uint64, 0, len(ids))
	for id := range ids {
		hashes = append(hashes, block.Hash(id))
	}
	found := map[tomo.TraceID]rowOf{}
	for _, f := range s.blocks {
		if !slices.ContainsFunc(hashes, f.filter.MayContain) {
			continue
		}
		err := f.use(func(b *block.Block) error {
			rows, err := b.IDs()
			for row, id := range rows {
				if _, wanted := ids[id]; wanted && !f.dead.has(row) {
					found[id] = rowOf{f, row}
				}
			}
			return err
		})
		if err != nil {
			s.o.Logger.Error("looking for traces", "error", err) // as in find
		}
	}
	return found
}

func (s *Store) readState() (map[string]blockEntry, map[string]*rowSet, error) {
	entries, dead := map[string]blockEntry{}, map[string]*rowSet{}
	key, err := readManifest(s.fs, s.dir, s.vault, func(e edit) {
		for _, b := range e.Add {
			entries[b.Name] = b
		}
		for name, rows := range e.Dead {
			dead[name] = dead[name].with(rows...)
		}
		for _, name := range e.Remove {
			delete(entries, name)
			delete(dead, name)
		}
		s.dropped = append(s.dropped, e.Dropped...)
	})
	s.key.Store(&key)
	return entries, dead, err
}

func (s *Store) removeStrangers(entries map[string]blockEntry) error {
	names, err := s.fs.List(filepath.Join(s.dir, blocksDir))
	if err != nil {
		return err
	}
	for _, name := range names {
		var n uint64
		if fmt.Sscanf(name, "%d", &n); n > s.blockNumber {
			s.blockNumber = n
		}
		if _, known := entries[name]; known || !strings.HasSuffix(strings.TrimSuffix(name, temporarySuffix), blockSuffix) {
			continue
		}
		if err := s.fs.Remove(s.blockPath(name)); err != nil {
			return fmt.Errorf("removing what a crash left: %w", err)
		}
	}
	return nil
}

// openAll loads the filters of the blocks, several at a time.
func (s *Store) openAll(entries map[string]blockEntry, dead map[string]*rowSet) error {
	for _, e := range entries {
		s.blocks = append(s.blocks, &blockFile{store: s, blockEntry: e, dead: dead[e.Name]})
	}
	s.sortBlocks()
	work := make(chan *blockFile)
	failed := make(chan error, runtime.GOMAXPROCS(0))
	for range cap(failed) {
		go func() {
			var err error
			for f := range work {
				err = errors.Join(err, f.loadFilter())
			}
			failed <- err
		}()
	}
	for _, f := range s.blocks {
		work <- f
	}
	close(work)
	var err error
	for range cap(failed) {
		err = errors.Join(err, <-failed)
	}
	return err
}

func (s *Store) sortBlocks() {
	slices.SortFunc(s.blocks, func(a, b *blockFile) int {
		return cmp.Or(cmp.Compare(a.Info.Newest(), b.Info.Newest()), strings.Compare(a.Name, b.Name))
	})
}

// state is the whole manifest as one edit. The caller holds s.mu or is alone.
func (s *Store) state() edit {
	all := edit{Dead: map[string][]int{}, Dropped: slices.Clone(s.dropped)}
	for _, f := range s.blocks {
		all.Add = append(all.Add, f.blockEntry)
		if rows := f.dead.rows(); len(rows) > 0 {
			all.Dead[f.Name] = rows
		}
	}
	return all
}

// Close waits for the writes under way and closes every file. Nothing is lost:
// what is open is in the log.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return nil
	}
	close(s.closed)
	s.mu.Unlock()
	<-s.done
	s.countings.Wait()

	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wal.close()
	err := errors.Join(s.wal.trim(), s.manifest.log.close())
	for _, f := range s.blocks {
		f.unload()
	}
	return errors.Join(err, s.lock.Close())
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// errClosed is what writes get once the store closes.
var errClosed = &tomo.Error{Code: tomo.Unavailable, Message: "the server is shutting down"}

func ignoreMissing(err error) error {
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return err
}

// now is the store's clock.
func (s *Store) now() tomo.Time { return tomo.TimeOf(s.o.Now()) }

// settleTarget is how many bytes of open documents there may be before traces are
// settled that are not quiet.
func (s *Store) settleTarget() int64 { return s.o.Memory * 3 / 5 }

// traceFor finds the open trace, or opens it: then it is held against the
// settled ones. The caller holds s.mu or is alone.
func (s *Store) traceFor(id tomo.TraceID) *openTrace {
	if t, found := s.open.traces[id]; found {
		return t
	}
	base, row := s.find(id)
	return s.openTrace(id, base, row)
}

// openTrace opens a trace that is settled in a row of base, if base is not nil.
func (s *Store) openTrace(id tomo.TraceID, base *blockFile, row int) *openTrace {
	facts := openFacts{id: id, base: base, row: row}
	var last tomo.Time
	if base != nil {
		before, err := base.base(row)
		if err != nil {
			// Its row cannot be read now. The trace takes documents and stays
			// open until it can.
			s.o.Logger.Error("reopening a trace", "trace", id, "error", err)
		} else {
			facts.rowFacts = rowFacts{baseDocs: before.Documents, baseOver: before.LimitExceeded, baseGroups: before.Groups, baseFirst: before.First}
			facts.baseBytes = s.bytesOf(base, row)
			last = before.Received
		}
	}
	t := s.open.open(facts)
	t.last = last
	return t
}

// bytesOf is how many bytes the documents of a row have, if there is a limit. What
// cannot be read counts nothing.
func (s *Store) bytesOf(base *blockFile, row int) int64 {
	if s.o.MaxTraceBytes == 0 {
		return 0
	}
	docs, err := base.documents(row)
	if err != nil {
		s.o.Logger.Error("weighing a trace", "error", err)
	}
	return textBytes(docs)
}

func textBytes(docs []tomo.RawDocument) (n int64) {
	for i := range docs {
		n += int64(len(docs[i].Text))
	}
	return n
}

// stored is everything held of an open trace. The caller must not hold s.mu.
func stored(docs []tomo.RawDocument, base *blockFile, row int) ([]tomo.RawDocument, error) {
	if base == nil {
		return tomo.MergeDocuments(docs), nil
	}
	before, err := base.documents(row)
	if err != nil {
		return nil, err
	}
	return tomo.MergeDocuments(before, docs), nil
}
