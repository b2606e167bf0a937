// Package localstore keeps traces in one directory of one machine: open ones in
// memory and in a write-ahead log, settled ones in blocks.
//
//	LOCK              held by the process that has the store open
//	MANIFEST          which blocks there are, which of their rows are superseded
//	wal/N.log         the documents of open traces, as received
//	blocks/N.parquet  settled traces
//
// PutSegments returns when the documents are synced to the log; concurrent
// calls share a sync. From then on every read sees them. Settle writes a block,
// syncs it, and makes it count with one edit of the manifest; only then are the
// log's files given up. After a crash the log is read again: what was settled
// already is told from its equal text. docs/storage-format.md has every byte.
//
// Locks, outermost first: Store.settleMu (one round, compaction or expiry at a
// time), Store.mu (what there is), blockFile.mu, Store.openMu.
package localstore

import (
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
	"time"

	"github.com/tomotrace/tomo"
)

// Options configure a store. The zero value of each but Derive is a good default.
type Options struct {
	// Derive makes the summary of an open trace when somebody asks for it.
	// Required.
	Derive func(tomo.TraceID, []tomo.RawDocument) *tomo.Summary
	// Retention is how long a trace is kept after its latest change. 0: 30 days,
	// as X-Ray keeps them. Blocks go as a whole, so some stay longer.
	Retention time.Duration
	// Memory bounds the texts of open documents in memory, in bytes. 0: 128 MiB.
	// When it is short traces are settled early; when it is full PutSegments
	// waits a little and then answers Unavailable.
	Memory int64
	// MaxTraceDocuments is how many documents a trace may have. 0: 50,000.
	MaxTraceDocuments int
	// Lost is told of documents that were superseded or expired.
	Lost func(tomo.Loss)
	// Now is the clock of retention and settling. nil: the real one.
	Now func() time.Time
	// FS is the file system. nil: the real one.
	FS FS
	// Logger gets what an operator should know. nil: nothing is logged.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Retention == 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.Memory == 0 {
		o.Memory = 128 << 20
	}
	if o.MaxTraceDocuments == 0 {
		o.MaxTraceDocuments = 50_000
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
	o      Options
	lock   io.Closer
	puts   chan *put
	closed chan struct{} // closed when the store closes
	done   chan struct{} // closed when the commit loop ended

	settleMu    sync.Mutex // one round, compaction or expiry at a time; guards manifest and blockNumber
	manifest    manifest
	blockNumber uint64

	mu     sync.Mutex // guards what follows
	open   openIndex
	blocks []*blockFile  // in order of their newest start
	freed  chan struct{} // closed and made anew when open documents are settled

	wal wal // appended to by the commit loop alone

	openMu     sync.Mutex // guards openBlocks
	openBlocks []*blockFile

	counters counters
}

const (
	walDir    = "wal"
	blocksDir = "blocks"
	lockName  = "LOCK"

	// walFileSize is where the log begins a new file.
	walFileSize = 8 << 20
)

// Open opens the store in dir, which is made if it is not there. One process at
// a time may have it open.
func Open(dir string, o Options) (*Store, error) {
	o.setDefaults()
	s := &Store{
		dir: dir, fs: o.FS, o: o,
		puts: make(chan *put, 64), closed: make(chan struct{}), done: make(chan struct{}), freed: make(chan struct{}),
		open: newOpenIndex(),
	}
	for _, d := range []string{dir, filepath.Join(dir, walDir), filepath.Join(dir, blocksDir)} {
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
	if err := s.openAll(entries, dead); err != nil {
		return err
	}
	s.manifest = manifest{fs: s.fs, dir: s.dir}
	if err := s.manifest.rewrite(s.state()); err != nil {
		return err
	}
	s.wal = wal{fs: s.fs, dir: filepath.Join(s.dir, walDir), next: 1, limit: walFileSize}
	expired := s.now().Add(-s.o.Retention)
	torn, err := s.wal.replay(func(f *walFile, e entry) {
		if e.Received < expired {
			return // its block is gone already, or would go at once
		}
		s.open.add(s.traceFor(e.TraceID), &e, f)
	})
	if err != nil {
		return err
	}
	if torn > 0 {
		s.o.Logger.Info("the log ended in the middle of a write that was never acknowledged", "bytes", torn)
	}
	return s.wal.trim()
}

func (s *Store) readState() (map[string]blockEntry, map[string]*rowSet, error) {
	entries, dead := map[string]blockEntry{}, map[string]*rowSet{}
	err := readManifest(s.fs, s.dir, func(e edit) {
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
	})
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
		s.blocks = append(s.blocks, &blockFile{store: s, name: e.Name, info: e.Info, dead: dead[e.Name]})
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
		if a.info.MaxStart != b.info.MaxStart {
			return int(max(min(a.info.MaxStart-b.info.MaxStart, 1), -1))
		}
		return strings.Compare(a.name, b.name)
	})
}

// state is the whole manifest as one edit. The caller holds s.mu or is alone.
func (s *Store) state() edit {
	all := edit{Dead: map[string][]int{}}
	for _, f := range s.blocks {
		all.Add = append(all.Add, blockEntry{f.name, f.info})
		if rows := f.dead.rows(); len(rows) > 0 {
			all.Dead[f.name] = rows
		}
	}
	return all
}

// Close waits for the writes under way and closes every file. Nothing is lost:
// what is open is in the log.
func (s *Store) Close() error {
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return nil
	default:
	}
	close(s.closed)
	s.mu.Unlock()
	<-s.done

	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wal.close()
	err := s.manifest.log.close()
	for _, f := range s.blocks {
		f.unload()
	}
	return errors.Join(err, s.lock.Close())
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

// traceFor finds the open trace, or opens it: then it is held against the
// settled ones. The caller holds s.mu or is alone.
func (s *Store) traceFor(id tomo.TraceID) *openTrace {
	if t, found := s.open.traces[id]; found {
		return t
	}
	t := &openTrace{id: id}
	if t.base, t.row = s.find(id); t.base != nil {
		before, err := t.base.summary(t.row)
		if err != nil {
			// Its row cannot be read now. The trace takes documents and stays
			// open until it can.
			s.o.Logger.Error("reopening a trace", "trace", id, "error", err)
		} else {
			t.baseDocs, t.baseOver, t.last = before.Documents, before.LimitExceeded, before.Received
		}
	}
	s.open.traces[id] = t
	return t
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
