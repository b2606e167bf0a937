package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The tail of a block is what it is opened with. Parquet has checksums for
// pages only, so the tail carries its own, in a place that other readers skip
// because nothing points to it:
//
//	row groups │ page indexes │ filter │ seal │ footer │ length, "PAR1"
//	            ╰──── sealed ─────────╯        ╰ sealed ╯
//
// The filter is one for the whole file; every row group's id column points to
// it.
const sealSize = 32

// seal is the checksum in the tail: magic, offset of the page indexes, then
// the CRC-32C of indexes and filter, of the footer, and of the seal so far.
type seal struct {
	start        int64  // where the page indexes begin
	tail, footer uint32 // checksums
}

const sealMagic = "tomoseal"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s seal) append(b []byte) []byte {
	at := len(b)
	b = append(b, sealMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.start))
	b = binary.LittleEndian.AppendUint32(b, s.tail)
	b = binary.LittleEndian.AppendUint32(b, s.footer)
	b = append(b, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

func parseSeal(b []byte) (seal, error) {
	if len(b) != sealSize || string(b[:8]) != sealMagic || binary.LittleEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli) {
		return seal{}, errors.New("it has no valid seal")
	}
	return seal{
		start:  int64(binary.LittleEndian.Uint64(b[8:])),
		tail:   binary.LittleEndian.Uint32(b[16:]),
		footer: binary.LittleEndian.Uint32(b[20:]),
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
	// The library has ended the file with its footer and the footer's length.
	// What comes before, all offsets are true of, stays.
	tail := w.out.tail.Bytes()
	indexes := len(tail) - 8 - int(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	start := w.out.n
	if start == 0 {
		start = 4 // there are no row groups, so the magic number is in the tail
	}
	tail = tail[:indexes:indexes]

	filter, err := encodeFilter(w.hashes)
	if err != nil {
		return 0, err
	}
	meta := w.parquet.File().Metadata()
	for i := range meta.RowGroups {
		id := &meta.RowGroups[i].Columns[colID].MetaData
		id.BloomFilterOffset = w.out.n + int64(indexes)
		id.BloomFilterLength = int32(len(filter))
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return 0, fmt.Errorf("encoding the footer: %w", err)
	}

	tail = append(tail, filter...)
	tail = seal{
		start:  start,
		tail:   crc32.Checksum(tail[start-w.out.n:], castagnoli),
		footer: crc32.Checksum(footer, castagnoli),
	}.append(tail)
	tail = append(tail, footer...)
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(footer)))
	tail = append(tail, "PAR1"...)
	n, err := w.out.w.Write(tail)
	return w.out.n + int64(n), err
}
