package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// The tail of a block is what it is opened with. Parquet has checksums for
// pages only, so the tail carries its own, and the filter of ids with it, in a
// place that other readers pass over because nothing points to it:
//
//	row groups │ page indexes │ filter │ seal │ footer │ length, "PAR1"
//	            ╰─────── sealed ──────╯        ╰ sealed ╯
//
// Parquet has a place for filters too. It is not used: released versions of
// DuckDB hash a column of bytes otherwise than Parquet says, and would find no
// trace by its id.
type seal struct {
	indexes, filter int64  // where they begin; the filter ends at the seal
	tail, footer    uint32 // CRC-32C of indexes and filter, and of the footer
}

// sealSize is the size of a seal: magic, the fields of seal in little endian,
// and the CRC-32C of all that.
const sealSize = 36

const sealMagic = "tomoseal"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s seal) append(b []byte) []byte {
	at := len(b)
	b = append(b, sealMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.indexes))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.filter))
	b = binary.LittleEndian.AppendUint32(b, s.tail)
	b = binary.LittleEndian.AppendUint32(b, s.footer)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

func parseSeal(b []byte) (seal, error) {
	if string(b[:8]) != sealMagic || binary.LittleEndian.Uint32(b[32:]) != crc32.Checksum(b[:32], castagnoli) {
		return seal{}, errors.New("it has no valid seal")
	}
	return seal{
		indexes: int64(binary.LittleEndian.Uint64(b[8:])),
		filter:  int64(binary.LittleEndian.Uint64(b[16:])),
		tail:    binary.LittleEndian.Uint32(b[24:]),
		footer:  binary.LittleEndian.Uint32(b[28:]),
	}, nil
}

// sink is where a block goes. It counts, and holds the tail back until the
// filter and the seal are in it.
type sink struct {
	w    io.Writer
	n    int64
	tail *bytes.Buffer // nil before the tail
}

func (s *sink) Write(p []byte) (int, error) {
	if s.tail != nil {
		return s.tail.Write(p)
	}
	n, err := s.w.Write(p)
	s.n += int64(n)
	return n, err
}

// writeTail writes everything after the row groups and returns the size of the
// file.
func (w *writer) writeTail() (int64, error) {
	w.out.tail = new(bytes.Buffer)
	if err := w.parquet.Close(); err != nil {
		return 0, err
	}
	// The library ends the file with the footer and its length. What we put
	// before them moves nothing that the footer points to.
	indexes, footer := w.out.tail.Bytes(), []byte(nil)
	at := len(indexes) - 8 - int(binary.LittleEndian.Uint32(indexes[len(indexes)-8:]))
	indexes, footer = indexes[:at:at], indexes[at:]

	s := seal{indexes: w.out.n, filter: w.out.n + int64(len(indexes))}
	tail := append(indexes, newFilter(w.hashes).blocks.Bytes()...)
	s.tail = crc32.Checksum(tail, castagnoli)
	s.footer = crc32.Checksum(footer[:len(footer)-8], castagnoli)
	tail = append(s.append(tail), footer...)
	n, err := w.out.w.Write(tail)
	return w.out.n + int64(n), err
}
