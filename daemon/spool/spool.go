// Package spool is a queue of batches of documents on disk, for while they
// cannot be sent. What goes in are batches, what comes out are the same batches,
// oldest first, also after the process ended in between.
//
// # On disk
//
// A spool is a directory of files, 00000000000000000001.spool and so on, each of
// which begins with the eight bytes TOMOSPL1. Frames follow, one a batch:
//
//	offset  size
//	0       1     0: to be sent; 1: done
//	1       3     zero
//	4       4     length of the payload in bytes
//	8       4     documents in it
//	12      4     CRC-32C of the payload
//	16      4     CRC-32C of the bytes 1 to 15
//	20            payload: for each document its length as a varint and its bytes; all of them compressed as one S2 block
//
// Numbers are little endian. Files are only appended to, but for the first byte
// of a frame, and are removed when all their frames are done. A process that
// starts begins a new file.
//
// # What it promises
//
// A batch is in the file when Append returns, so it outlives the process. It is
// synced within Options.Sync, a second by default: a power cut may lose as much.
// A batch that was done may come again after a power cut, never after a crash of
// the process. What is lost is told to Options.Lost, to the document as long as
// the head of its frame can be read.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/s2"
)

// Options configure a spool. All may be left out.
type Options struct {
	// Limit is how many bytes the files may have in all. 0: 1 GiB. When there is
	// no room for a batch the oldest file goes, with all that was not sent of it.
	Limit int64
	// Sync is how long a batch may be in the file before it is synced. 0: 1 s.
	Sync time.Duration
	// Lost is told of documents that will never come out, and why. Documents may
	// be 0 where it cannot be known how many there were. It must not call the
	// spool.
	Lost func(documents int, why string)
}

const (
	magic      = "TOMOSPL1"
	suffix     = ".spool"
	headSize   = 20
	leastLimit = 1 << 20

	// Files are a sixteenth of the limit, so that few documents go when one has
	// to, but no larger than largestFile, so that disk space comes back early.
	largestFile = 8 << 20

	// largestPayload bounds what is believed of the head of a frame.
	largestPayload = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Spool is an open spool. It is safe for concurrent use.
type Spool struct {
	dir      string
	o        Options
	fileSize int64
	unlock   func() error

	mu       sync.Mutex // guards everything below and the files
	files    []*file    // oldest first; the last may be appended to if it is active
	active   bool
	sequence uint64
	size     int64          // of all files
	waiting  int            // frames that are neither lent nor done
	held     int            // documents that are not done
	removed  map[*file]bool // files that are gone, of which batches are lent
	buffer   []byte
	syncing  *time.Timer // runs while something is not synced
	closed   bool
}

// file is one file of the spool.
type file struct {
	*os.File
	path   string
	size   int64
	frames []frame
	next   int // the first frame that may be waiting
	open   int // frames that are not done
}

type frame struct {
	offset    int64 // of its head
	length    uint32
	documents uint32
	state     state
}

type state uint8

const (
	waiting state = iota
	lent
	done
)

// Batch is a batch that is lent by Next.
type Batch struct {
	Documents [][]byte

	spool *Spool
	file  *file
	index int
}

// Open opens the spool in dir, which is made if need be. Only one process can
// have it open.
func Open(dir string, o Options) (*Spool, error) {
	if o.Limit == 0 {
		o.Limit = 1 << 30
	}
	if o.Limit < leastLimit {
		return nil, fmt.Errorf("a spool of %d bytes is too small; %d is the least", o.Limit, leastLimit)
	}
	if o.Sync == 0 {
		o.Sync = time.Second
	}
	if o.Lost == nil {
		o.Lost = func(int, string) {}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the spool: %w", err)
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{dir: dir, o: o, fileSize: min(o.Limit/16, largestFile), unlock: unlock, removed: map[*file]bool{}}
	if err := s.load(); err != nil {
		for _, f := range s.files {
			f.Close()
		}
		return nil, errors.Join(err, unlock())
	}
	return s, nil
}

// load finds the frames that are not done in the files of the directory.
func (s *Spool) load() error {
	entries, err := os.ReadDir(s.dir) // sorted by name, and so by age
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	for _, entry := range entries {
		number, ours := strings.CutSuffix(entry.Name(), suffix)
		sequence, err := strconv.ParseUint(number, 10, 64)
		if !ours || err != nil {
			continue
		}
		s.sequence = max(s.sequence, sequence)
		path := filepath.Join(s.dir, entry.Name())
		f, err := s.scan(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		s.files = append(s.files, f)
		s.size += f.size
	}
	for _, f := range slices.Clone(s.files) {
		if f.open == 0 {
			s.remove(f)
		}
	}
	return nil
}

// scan reads the heads of a file's frames.
func (s *Spool) scan(path string) (*file, error) {
	opened, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	f := &file{File: opened, path: path}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	f.size = info.Size()
	begin := make([]byte, len(magic))
	switch _, err := f.ReadAt(begin, 0); {
	case errors.Is(err, io.EOF): // the process ended while it began the file
		return f, nil
	case err != nil:
		f.Close()
		return nil, err
	case string(begin) != magic:
		s.o.Lost(0, fmt.Sprintf("%s is no file of a spool; its %d bytes are removed", path, f.size))
		return f, nil
	}
	var head [headSize]byte
	for at := int64(len(magic)); at < f.size; {
		if _, err := f.ReadAt(head[:], at); err != nil && !errors.Is(err, io.EOF) {
			f.Close()
			return nil, err
		} else if err != nil || !sound(&head) {
			s.o.Lost(0, fmt.Sprintf("the last %d bytes of %s are torn or damaged", f.size-at, path))
			break
		}
		next := frame{
			offset: at, length: binary.LittleEndian.Uint32(head[4:]), documents: binary.LittleEndian.Uint32(head[8:]),
		}
		at += headSize + int64(next.length)
		switch {
		case head[0] != 0:
			next.state = done
		case at > f.size:
			next.state = done
			s.o.Lost(int(next.documents), fmt.Sprintf("the last batch in %s is torn", path))
		default:
			f.open++
			s.waiting++
			s.held += int(next.documents)
		}
		f.frames = append(f.frames, next)
	}
	return f, nil
}

func sound(head *[headSize]byte) bool {
	return crc32.Checksum(head[1:16], castagnoli) == binary.LittleEndian.Uint32(head[16:]) &&
		binary.LittleEndian.Uint32(head[4:]) <= largestPayload
}

// Append puts a batch behind all others. It does not keep the documents.
func (s *Spool) Append(documents [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fs.ErrClosed
	}
	raw := s.buffer[:0]
	for _, d := range documents {
		raw = binary.AppendUvarint(raw, uint64(len(d)))
		raw = append(raw, d...)
	}
	s.buffer = raw
	whole := make([]byte, headSize+s2.MaxEncodedLen(len(raw)))
	payload := s2.Encode(whole[headSize:], raw)
	whole = whole[:headSize+len(payload)]
	binary.LittleEndian.PutUint32(whole[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(whole[8:], uint32(len(documents)))
	binary.LittleEndian.PutUint32(whole[12:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(whole[16:], crc32.Checksum(whole[1:16], castagnoli))

	if int64(len(whole)+len(magic)) > s.o.Limit {
		return fmt.Errorf("a batch of %d bytes does not fit into a spool of %d", len(whole), s.o.Limit)
	}
	for s.size+int64(len(whole)+len(magic)) > s.o.Limit {
		s.dropOldest()
	}
	f, err := s.file(int64(len(whole)))
	if err != nil {
		return fmt.Errorf("spooling: %w", err)
	}
	if _, err := f.WriteAt(whole, f.size); err != nil {
		_ = f.Truncate(f.size) // what cannot be cut off is overwritten
		return fmt.Errorf("spooling: %w", err)
	}
	f.frames = append(f.frames, frame{offset: f.size, length: uint32(len(payload)), documents: uint32(len(documents))})
	f.size += int64(len(whole))
	f.open++
	s.size += int64(len(whole))
	s.waiting++
	s.held += len(documents)
	if s.syncing == nil {
		s.syncing = time.AfterFunc(s.o.Sync, s.sync)
	}
	return nil
}

// file is the one to append so many bytes to.
func (s *Spool) file(more int64) (*file, error) {
	if s.active {
		f := s.files[len(s.files)-1]
		if f.size+more <= s.fileSize {
			return f, nil
		}
		s.active = false
		if err := f.Sync(); err != nil {
			return nil, err
		}
	}
	s.sequence++
	path := filepath.Join(s.dir, fmt.Sprintf("%020d%s", s.sequence, suffix))
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := opened.WriteString(magic); err != nil {
		return nil, errors.Join(err, opened.Close(), os.Remove(path))
	}
	syncDir(s.dir)
	f := &file{File: opened, path: path, size: int64(len(magic))}
	s.files = append(s.files, f)
	s.size += f.size
	s.active = true
	return f, nil
}

// sync makes what was appended so far outlive a power cut.
func (s *Spool) sync() {
	s.mu.Lock()
	s.syncing = nil
	var f *os.File
	if s.active {
		f = s.files[len(s.files)-1].File // others were synced when they were full
	}
	s.mu.Unlock()
	if f != nil {
		_ = f.Sync() // if it was closed meanwhile all of it was done
	}
}

// dropOldest makes room. Batches that are lent stay with who has them.
func (s *Spool) dropOldest() {
	f := s.files[0]
	lost, kept := 0, false
	for i := range f.frames {
		switch f.frames[i].state {
		case waiting:
			lost += int(f.frames[i].documents)
			s.waiting--
			f.frames[i].state = done
			f.open--
		case lent:
			kept = true
		}
	}
	s.held -= lost
	s.remove(f)
	if kept {
		s.removed[f] = true
	}
	if lost > 0 {
		s.o.Lost(lost, fmt.Sprintf("the spool is full: its limit is %d bytes", s.o.Limit))
	}
}

// remove takes a file away.
func (s *Spool) remove(f *file) {
	i := slices.Index(s.files, f)
	if s.active && i == len(s.files)-1 {
		s.active = false
	}
	s.files = slices.Delete(s.files, i, i+1)
	s.size -= f.size
	f.Close()
	_ = os.Remove(f.path) // if it stays, its frames say that they are done
}

// Next lends the oldest batch that is neither lent nor done; nil if there is
// none. Who gets it calls Done when it need not come again. If that does not
// happen before the spool is closed, it comes again when it is opened.
func (s *Spool) Next() (*Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fs.ErrClosed
	}
	for {
		f := s.oldest()
		if f == nil {
			return nil, nil
		}
		b := &Batch{spool: s, file: f, index: f.next}
		at := &f.frames[f.next]
		documents, err := s.read(f, at)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.path, err)
		}
		at.state = lent
		s.waiting--
		if documents == nil {
			s.o.Lost(int(at.documents), fmt.Sprintf("a batch in %s is damaged", f.path))
			s.done(b)
			continue
		}
		b.Documents = documents
		return b, nil
	}
}

// oldest is the file whose next frame is the oldest that waits.
func (s *Spool) oldest() *file {
	for _, f := range s.files {
		for ; f.next < len(f.frames); f.next++ {
			if f.frames[f.next].state == waiting {
				return f
			}
		}
	}
	return nil
}

// read reads the documents of a frame; nil if they are damaged.
func (s *Spool) read(f *file, at *frame) ([][]byte, error) {
	var head [headSize]byte
	if _, err := f.ReadAt(head[:], at.offset); err != nil {
		return nil, err
	}
	payload := make([]byte, at.length)
	if _, err := f.ReadAt(payload, at.offset+headSize); err != nil {
		return nil, err
	}
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(head[12:]) {
		return nil, nil
	}
	raw, err := s2.Decode(nil, payload)
	if err != nil {
		return nil, nil
	}
	documents := make([][]byte, 0, at.documents)
	for len(raw) > 0 {
		length, n := binary.Uvarint(raw)
		if n <= 0 || length > uint64(len(raw)-n) {
			return nil, nil
		}
		end := n + int(length)
		documents = append(documents, raw[n:end:end])
		raw = raw[end:]
	}
	if len(documents) != int(at.documents) {
		return nil, nil
	}
	return documents, nil
}

// Done says that the batch need not come again.
func (b *Batch) Done() {
	s := b.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.done(b)
	}
}

func (s *Spool) done(b *Batch) {
	f, at := b.file, &b.file.frames[b.index]
	if at.state != lent {
		return
	}
	at.state = done
	f.open--
	s.held -= int(at.documents)
	switch {
	case s.removed[f]:
		if f.open == 0 {
			delete(s.removed, f)
		}
	case f.open == 0:
		s.remove(f)
	default:
		_, _ = f.WriteAt([]byte{1}, at.offset) // if it cannot be noted, it is sent once more after a restart
	}
}

// Waiting is how many batches are neither lent nor done.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// Usage is how many documents are not done, and how many bytes the files have.
func (s *Spool) Usage() (documents int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held, s.size
}

// Close syncs the spool and closes it. What was lent and is not done comes again
// when it is opened, but for what had to make room meanwhile: that is lost.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.syncing != nil {
		s.syncing.Stop()
	}
	for f := range s.removed {
		for _, at := range f.frames {
			if at.state == lent {
				s.o.Lost(int(at.documents), "it was being sent when the spool was full, and then the spool was closed")
			}
		}
	}
	var errs []error
	if s.active {
		errs = append(errs, s.files[len(s.files)-1].Sync())
	}
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(append(errs, s.unlock())...)
}

// lock keeps other processes out of dir. The lock goes with the process.
func lock(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the spool: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("the spool %s is in use by another process: %w", dir, err)
	}
	return f.Close, nil
}

// syncDir makes the name of a new file outlive a power cut, where that can be.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
