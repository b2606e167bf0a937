package floor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"
)

// journal is a file of records, synced before anyone is told that his is kept.
//
// A record is the length of what follows in 4 bytes, little-endian, and a block
// of s2; in the block stand the documents of a request, each with its length
// in 4 bytes in front.
type journal struct {
	file     *os.File
	requests chan commit
	stopped  chan struct{}
}

// commit is a record that waits to be written, and who to tell.
type commit struct {
	record []byte
	done   chan<- error
}

func openJournal(file string) (*journal, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, requests: make(chan commit, 1024), stopped: make(chan struct{})}
	go j.writeAll()
	return j, nil
}

// append returns once the record is on disk. It does not keep record.
func (j *journal) append(record []byte, done chan error) error {
	j.requests <- commit{record, done}
	return <-done
}

// writeAll writes all records that wait with one write and one sync.
func (j *journal) writeAll() {
	defer close(j.stopped)
	var group []byte
	var waiting []chan<- error
	for c := range j.requests {
		group, waiting = append(group[:0], c.record...), append(waiting[:0], c.done)
		for more := true; more && len(group) < 4<<20; {
			select {
			case c, more = <-j.requests:
				if more {
					group, waiting = append(group, c.record...), append(waiting, c.done)
				}
			default:
				more = false
			}
		}
		_, err := j.file.Write(group)
		if err == nil {
			err = j.file.Sync()
		}
		for _, done := range waiting {
			done <- err
		}
	}
}

// close waits for what was appended. Nothing may be appended after it.
func (j *journal) close() error {
	close(j.requests)
	<-j.stopped
	return j.file.Close()
}

// encode appends the record of the documents to dst.
func encode(dst, documents []byte) []byte {
	head := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if most := s2.MaxEncodedLen(len(documents)); cap(dst)-len(dst) < most {
		dst = append(make([]byte, 0, len(dst)+most), dst...)
	}
	block := s2.Encode(dst[len(dst):cap(dst)], documents)
	dst = dst[:len(dst)+len(block)]
	putLength(dst[head:], len(block))
	return dst
}

// Read gives every document of a journal to yield, in the order in which they
// were written. The text is good only during the call.
func Read(r io.Reader, yield func(text []byte)) error {
	var head [4]byte
	var block, documents []byte
	for {
		switch _, err := io.ReadFull(r, head[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the length of a record: %w", err)
		}
		block = append(block[:0], make([]byte, binary.LittleEndian.Uint32(head[:]))...)
		if _, err := io.ReadFull(r, block); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		var err error
		if documents, err = s2.Decode(documents[:cap(documents)], block); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		for rest := documents; len(rest) > 0; {
			n := 4 + int(binary.LittleEndian.Uint32(rest))
			yield(rest[4:n])
			rest = rest[n:]
		}
	}
}

func putLength(b []byte, n int) { binary.LittleEndian.PutUint32(b, uint32(n)) }
