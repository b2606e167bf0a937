package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A log is a file of frames, appended and synced:
//
//	magic (8) | frame | frame | …
//	frame = length of payload (4, little endian) | CRC-32C of payload (4) | payload
//
// A frame is there as a whole or not at all: reading ends at the first one that
// is cut short or does not match its sum. That is where a crash hit, and
// nothing behind it was acknowledged, because a log that failed to write is cut
// back to its last good frame or never written again. It ends too where the
// length is 0: a log may have room reserved, full of zeros, because a sync
// costs half when the file need not grow.
type log struct {
	name   string
	file   File
	size   int64 // end of the last frame that is synced
	broken bool  // could not be cut back: it takes no more frames
}

const (
	logMagic    = "tomolog1"
	frameHeader = 8
	maxFrame    = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBroken is why a log takes no more frames.
var errBroken = errors.New("an earlier write failed")

// createLog makes an empty log with room for reserve bytes. The directory is
// synced by the caller.
func createLog(fs FS, name string, reserve int64) (*log, error) {
	f, err := fs.Create(name)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	head := make([]byte, max(reserve, int64(len(logMagic))))
	copy(head, logMagic)
	if _, err := f.WriteAt(head, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("making room in %s: %w", name, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return nil, fmt.Errorf("syncing %s: %w", name, err)
	}
	return &log{name: name, file: f, size: int64(len(logMagic))}, nil
}

// appendFrameHeader reserves room for a frame's header; seal fills it in.
func appendFrameHeader(b []byte) []byte { return append(b, make([]byte, frameHeader)...) }

// seal writes the header of the frame that begins at start and ends b.
func seal(b []byte, start int) {
	payload := b[start+frameHeader:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.Checksum(payload, castagnoli))
}

// write appends sealed frames and syncs them. After an error none of them
// counts; they may still be found by a reader if the log could not be cut back
// before a crash, which is why only complete batches are ever framed.
func (l *log) write(frames []byte) error {
	if l.broken {
		return fmt.Errorf("writing %s: %w", l.name, errBroken)
	}
	_, err := l.file.WriteAt(frames, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		if l.file.Truncate(l.size) != nil || l.file.Sync() != nil {
			l.broken = true
		}
		return fmt.Errorf("writing %s: %w", l.name, err)
	}
	l.size += int64(len(frames))
	return nil
}

func (l *log) close() error { return l.file.Close() }

// readLog gives every whole frame to each, which must not keep the payload. It
// says where the last one ends, and whether something is behind it that is no
// whole frame.
func readLog(f File, each func(payload []byte) error) (end int64, torn bool, err error) {
	size, err := f.Size()
	if err != nil {
		return 0, false, err
	}
	if size < int64(len(logMagic)) {
		return 0, size > 0, nil
	}
	head := make([]byte, len(logMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, false, err
	}
	if string(head) == string(make([]byte, len(logMagic))) {
		return 0, true, nil // it was not finished when the power went
	}
	if string(head) != logMagic {
		return 0, false, fmt.Errorf("not a log of this version: it begins with %q", head)
	}
	end = int64(len(logMagic))
	var header [frameHeader]byte
	var payload []byte
	for end+frameHeader <= size {
		if _, err := f.ReadAt(header[:], end); err != nil {
			return end, false, err
		}
		length := int64(binary.LittleEndian.Uint32(header[:]))
		if length == 0 {
			return end, false, nil
		}
		if length > maxFrame || end+frameHeader+length > size {
			return end, true, nil
		}
		if int64(cap(payload)) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := f.ReadAt(payload, end+frameHeader); err != nil {
			return end, false, err
		}
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return end, true, nil
		}
		if err := each(payload); err != nil {
			return end, false, err
		}
		end += frameHeader + length
	}
	return end, end < size, nil
}
