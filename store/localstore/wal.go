package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"github.com/tomotrace/tomo"
)

// The write-ahead log holds the documents of open traces in numbered files. A
// frame is one group of documents, compressed together:
//
//	payload = s2( entry | entry | … )
//	entry   = trace id (16) | received (8) | first start (8) | last start (8) |
//	          kind (1) | length (4) | text
//
// Numbers are little endian, times in microseconds since the epoch. A file is
// written until it is full, never again after a restart, and removed when every
// document in it has been settled. Reading a document that was settled already
// is harmless: it is told from its equal text, or its trace was dropped, and then
// the manifest tells.
type wal struct {
	fs    FS
	dir   string
	limit int64 // size at which a file is full
	vault vault
	key   *atomic.Pointer[string] // that new files are encrypted with; "" for none

	// One goroutine appends.
	next         uint64
	plain, frame []byte // reused
	frames       uint64 // in the current file

	mu      sync.Mutex // guards what follows
	current *walFile
	files   []*walFile // every file that still exists, oldest first
}

// walFile is one file of the log.
type walFile struct {
	number uint64
	log    *log         // of the current file
	live   atomic.Int64 // entries that keep a trace open
	bytes  atomic.Int64
	key    string // that it is encrypted with
}

const (
	entryDocument = 0
	// entryLimit marks a trace that had documents refused for its size.
	entryLimit  = 1
	entryHeader = 16 + 8 + 8 + 8 + 1 + 4

	walSuffix = ".log"
)

// errCorrupt is wrapped by everything that should not be in a sound directory.
var errCorrupt = errors.New("corrupt")

func (w *wal) path(number uint64) string {
	return filepath.Join(w.dir, fmt.Sprintf("%012d%s", number, walSuffix))
}

// entry is one entry of the log on its way in or out.
type entry struct {
	tomo.Incoming
	kind byte
}

// position is a place in the log: the number of a file and of a frame in it.
// Later frames have larger ones.
type position uint64

func positionOf(file, frame uint64) position { return position(file<<32 | frame) }

func (p position) file() uint64 { return uint64(p >> 32) }

// append writes the entries as one frame and syncs it. It returns the file that
// holds them, which is not trimmed before the next append, and their position.
func (w *wal) append(entries []entry) (*walFile, position, error) {
	if w.current == nil || w.current.log.broken || w.current.log.size >= w.limit || w.current.key != *w.key.Load() {
		if err := w.rotate(); err != nil {
			return nil, 0, err
		}
	}
	w.plain = w.plain[:0]
	for i := range entries {
		e := &entries[i]
		w.plain = append(w.plain, e.TraceID[:]...)
		w.plain = binary.LittleEndian.AppendUint64(w.plain, uint64(e.Received))
		w.plain = binary.LittleEndian.AppendUint64(w.plain, uint64(e.First))
		w.plain = binary.LittleEndian.AppendUint64(w.plain, uint64(e.Last))
		w.plain = append(w.plain, e.kind)
		w.plain = binary.LittleEndian.AppendUint32(w.plain, uint32(len(e.Text)))
		w.plain = append(w.plain, e.Text...)
	}
	if need := frameHeader + s2.MaxEncodedLen(len(w.plain)); cap(w.frame) < need {
		w.frame = make([]byte, need)
	}
	compressed := s2.Encode(w.frame[frameHeader:cap(w.frame)], w.plain)
	frame := w.frame[:frameHeader+len(compressed)]
	if err := w.current.log.write(frame); err != nil {
		return nil, 0, err
	}
	w.frames++
	w.current.bytes.Store(w.current.log.size)
	return w.current, positionOf(w.current.number, w.frames), nil
}

// idle reports whether there is a current file that keeps nothing open.
func (w *wal) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current != nil && w.current.live.Load() == 0
}

// rotate starts a new file.
func (w *wal) rotate() error {
	l, err := createLog(w.fs, w.path(w.next), w.limit, w.vault, *w.key.Load())
	if err != nil {
		return err
	}
	if err := w.fs.SyncDir(w.dir); err != nil {
		l.close()
		return fmt.Errorf("syncing %s: %w", w.dir, err)
	}
	w.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = &walFile{number: w.next, log: l, key: l.key}
	w.files = append(w.files, w.current)
	w.next++
	w.frames = 0
	return nil
}

// close ends the current file; what is in it stays.
func (w *wal) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current != nil {
		w.current.log.close()
		w.current = nil
	}
}

// trim removes the files that keep nothing open. One that cannot be removed now
// is tried again the next time.
func (w *wal) trim() (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = slices.DeleteFunc(w.files, func(f *walFile) bool {
		if f == w.current || f.live.Load() > 0 {
			return false
		}
		if e := ignoreMissing(w.fs.Remove(w.path(f.number))); e != nil {
			err = fmt.Errorf("removing %s: %w", w.path(f.number), e)
			return false
		}
		return true
	})
	return err
}

// oldest is the number of the oldest file that exists, or of the next one.
func (w *wal) oldest() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.files) == 0 {
		return math.MaxUint64 // the next one has a number that none had before
	}
	return w.files[0].number
}

// size is the bytes of all files.
func (w *wal) size() (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		n += f.bytes.Load()
	}
	return n
}

// replay reads every file in order and gives each entry, with the file that
// holds it and its position. Texts are fresh memory. torn tells the files that
// end in the middle of a frame: where a crash was.
func (w *wal) replay(each func(*walFile, position, entry)) (torn []string, err error) {
	names, err := w.fs.List(w.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		digits, isLog := strings.CutSuffix(name, walSuffix)
		n, err := strconv.ParseUint(digits, 10, 64)
		if !isLog || err != nil {
			continue
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		f := &walFile{number: n}
		file, err := w.fs.Open(w.path(n))
		if err != nil {
			return torn, err
		}
		frame := uint64(0)
		key, end, cut, err := readLog(file, w.vault, func(payload []byte) error {
			frame++
			plain, err := s2.Decode(nil, payload)
			if err != nil {
				return fmt.Errorf("%w frame: %w", errCorrupt, err)
			}
			return splitEntries(plain, func(e entry) { each(f, positionOf(n, frame), e) })
		})
		file.Close()
		if err != nil {
			return torn, fmt.Errorf("reading %s: %w", w.path(n), err)
		}
		f.bytes.Store(end)
		f.key = key
		if cut {
			torn = append(torn, w.path(n))
		}
		w.files = append(w.files, f)
		w.next = n + 1
	}
	return torn, nil
}

// splitEntries gives the entries of one frame. Texts point into plain.
func splitEntries(plain []byte, each func(entry)) error {
	for len(plain) > 0 {
		if len(plain) < entryHeader {
			return fmt.Errorf("%w entry: %d bytes left", errCorrupt, len(plain))
		}
		var e entry
		copy(e.TraceID[:], plain)
		e.Received = tomo.Time(binary.LittleEndian.Uint64(plain[16:]))
		e.First = tomo.Time(binary.LittleEndian.Uint64(plain[24:]))
		e.Last = tomo.Time(binary.LittleEndian.Uint64(plain[32:]))
		e.kind = plain[40]
		length := int(binary.LittleEndian.Uint32(plain[41:]))
		plain = plain[entryHeader:]
		if length > len(plain) {
			return fmt.Errorf("%w entry: text of %d bytes, %d left", errCorrupt, length, len(plain))
		}
		e.Text, plain = plain[:length:length], plain[length:]
		each(e)
	}
	return nil
}
