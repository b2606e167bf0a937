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
// back to its last good frame or never written again.
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

// createLog makes an empty log. The directory is synced by the caller.
func createLog(fs FS, name string) (*log, error) {
	f, err := fs.Create(name)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	if _, err := f.Write([]byte(logMagic)); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the head of %s: %w", name, err)
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
	_, err := l.file.Write(frames)
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

// readLog gives every whole frame to each, which must not keep the payload, and
// returns the offset where the last one ends.
func readLog(f File, each func(payload []byte) error) (end int64, err error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	if size < int64(len(logMagic)) {
		return 0, nil
	}
	head := make([]byte, len(logMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, err
	}
	if string(head) != logMagic {
		return 0, fmt.Errorf("not a log of this version: it begins with %q", head)
	}
	end = int64(len(logMagic))
	var header [frameHeader]byte
	var payload []byte
	for end+frameHeader <= size {
		if _, err := f.ReadAt(header[:], end); err != nil {
			return end, err
		}
		length := int64(binary.LittleEndian.Uint32(header[:]))
		if length > maxFrame || end+frameHeader+length > size {
			break
		}
		if int64(cap(payload)) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := f.ReadAt(payload, end+frameHeader); err != nil {
			return end, err
		}
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			break
		}
		if err := each(payload); err != nil {
			return end, err
		}
		end += frameHeader + length
	}
	return end, nil
}
