package localstore

import (
	"crypto/cipher"
	"crypto/rand"
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
//
// The payloads of an encrypted log are encrypted; crypt.go says how it begins
// then.
type log struct {
	name   string
	file   File
	size   int64  // end of the last frame that is synced
	broken bool   // could not be cut back: it takes no more frames
	key    string // that it is encrypted with; "" for a plain one
	cipher cipher.AEAD
	sealed []byte // memory
}

const (
	logMagic    = "tomolog1"
	frameHeader = 8
	maxFrame    = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBroken is why a log takes no more frames.
var errBroken = errors.New("an earlier write failed")

// createLog makes an empty log with room for reserve bytes, encrypted unless key
// is "". The directory is synced by the caller.
func createLog(fs FS, name string, reserve int64, v vault, key string) (*log, error) {
	begin := []byte(logMagic)
	var c cipher.AEAD
	var err error
	if key != "" {
		if begin, c, err = v.seal(sealedLog, key); err != nil {
			return nil, fmt.Errorf("creating %s: %w", name, err)
		}
	}
	f, err := fs.Create(name)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	head := make([]byte, max(reserve, int64(len(begin))))
	copy(head, begin)
	if _, err := f.WriteAt(head, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("making room in %s: %w", name, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return nil, fmt.Errorf("syncing %s: %w", name, err)
	}
	return &log{name: name, file: f, size: int64(len(begin)), key: key, cipher: c}, nil
}

// appendFrameHeader reserves room for a frame's header; write fills it in.
func appendFrameHeader(b []byte) []byte { return append(b, make([]byte, frameHeader)...) }

// write appends a frame, of which the header is yet to be filled in, and syncs
// it. After an error it does not count; it may still be found by a reader if the
// log could not be cut back before a crash, which is why only complete batches
// are ever framed.
func (l *log) write(frame []byte) error {
	if l.broken {
		return fmt.Errorf("writing %s: %w", l.name, errBroken)
	}
	if l.cipher != nil {
		var nonce [nonceSize]byte
		rand.Read(nonce[:]) // it never fails
		l.sealed = append(append(l.sealed[:0], make([]byte, frameHeader)...), nonce[:]...)
		l.sealed = l.cipher.Seal(l.sealed, nonce[:], frame[frameHeader:], offsetText(l.size))
		frame = l.sealed
	}
	payload := frame[frameHeader:]
	binary.LittleEndian.PutUint32(frame, uint32(len(payload)))
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(payload, castagnoli))
	_, err := l.file.WriteAt(frame, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		if l.file.Truncate(l.size) != nil || l.file.Sync() != nil {
			l.broken = true
		}
		return fmt.Errorf("writing %s: %w", l.name, err)
	}
	l.size += int64(len(frame))
	return nil
}

// offsetText is where a frame lies, as its encryption vouches for it.
func offsetText(at int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)) }

func (l *log) close() error { return l.file.Close() }

// readLog gives every whole frame to each, which must not keep the payload. It
// says which key the log needs, where its last frame ends, and whether something
// is behind that which is no whole frame.
func readLog(f File, v vault, each func(payload []byte) error) (key string, end int64, torn bool, err error) {
	size, err := f.Size()
	if err != nil {
		return "", 0, false, err
	}
	if size < int64(len(logMagic)) {
		return "", 0, size > 0, nil
	}
	head := make([]byte, min(size, int64(sealedHeader)))
	if _, err := f.ReadAt(head, 0); err != nil {
		return "", 0, false, err
	}
	r := logReader{file: f, size: size, end: int64(len(logMagic))}
	switch magic := string(head[:len(logMagic)]); {
	case magic == string(make([]byte, len(logMagic))):
		return "", 0, true, nil // it was not finished when the power went
	case magic == sealedLog && len(head) < sealedHeader:
		return "", 0, true, nil
	case magic == sealedLog:
		key, r.end = keyID(head), int64(sealedHeader)
		if r.cipher, err = v.cipher(head); err != nil {
			return key, 0, false, err
		}
	case magic != logMagic:
		return "", 0, false, fmt.Errorf("not a log of this version: it begins with %q", magic)
	}
	torn, err = r.read(each)
	return key, r.end, torn, err
}

// logReader reads the frames of a log.
type logReader struct {
	file   File
	cipher cipher.AEAD
	size   int64
	end    int64 // of the last good frame
}

func (r *logReader) read(each func(payload []byte) error) (torn bool, err error) {
	var header [frameHeader]byte
	var payload []byte
	for r.end+frameHeader <= r.size {
		if _, err := r.file.ReadAt(header[:], r.end); err != nil {
			return false, err
		}
		length := int64(binary.LittleEndian.Uint32(header[:]))
		if length == 0 {
			return false, nil
		}
		if length > maxFrame || r.end+frameHeader+length > r.size {
			return true, nil
		}
		if int64(cap(payload)) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := r.file.ReadAt(payload, r.end+frameHeader); err != nil {
			return false, err
		}
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return true, nil
		}
		plain := payload
		if r.cipher != nil {
			if length < nonceSize+tagSize {
				return false, fmt.Errorf("%w: a frame of an encrypted log has %d bytes", errCorrupt, length)
			}
			plain, err = r.cipher.Open(payload[nonceSize:nonceSize], payload[:nonceSize], payload[nonceSize:], offsetText(r.end))
			if err != nil { // its sum is right, so this is no torn write
				return false, fmt.Errorf("%w: a frame of an encrypted log is not what was written", errCorrupt)
			}
		}
		if err := each(plain); err != nil {
			return false, err
		}
		r.end += frameHeader + length
	}
	return r.end < r.size, nil
}
