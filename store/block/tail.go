package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strconv"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// magic is what a Parquet file begins and ends with.
const magic = "PAR1"

// The tail of a block is what it is opened with. Parquet has checksums for
// pages only, so the tail carries its own, and the filter of ids with it, in a
// place that other readers pass over because nothing points to it:
//
//	row groups │ sections │ page indexes │ filters of values │ filter │ seal │ footer │ length, "PAR1"
//	                       ╰──────────────── sealed ─────────────────╯        ╰ sealed ╯
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

// writeTail writes everything after the row groups.
func (w *writer) writeTail(metadata []format.KeyValue) error {
	var tail bytes.Buffer
	encoder := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&tail))
	encode := func(index any) (offset int64, length int32, err error) {
		at := tail.Len()
		err = encoder.Encode(index)
		return w.size + int64(at), int32(tail.Len() - at), err
	}
	footer := empty()
	footer.RowGroups = nil
	for i := range w.groups {
		g := &w.groups[i]
		footer.NumRows += g.NumRows
		footer.RowGroups = append(footer.RowGroups, g.RowGroup)
		for c := range g.Columns {
			chunk := &g.Columns[c]
			var err error
			if columns[c].bounded {
				if chunk.ColumnIndexOffset, chunk.ColumnIndexLength, err = encode(&g.bounds[c]); err != nil {
					return err
				}
			}
		}
	}
	for i := range w.groups {
		g := &w.groups[i]
		for c := range g.Columns {
			chunk := &g.Columns[c]
			var err error
			if chunk.OffsetIndexOffset, chunk.OffsetIndexLength, err = encode(&g.offsets[c]); err != nil {
				return err
			}
		}
	}
	valuesAt := w.size + int64(tail.Len())
	for i := range w.groups {
		tail.Write(w.groups[i].values)
	}
	footer.KeyValueMetadata = append(metadata, format.KeyValue{Key: valuesKey, Value: strconv.FormatInt(valuesAt, 10)})
	s := seal{indexes: w.size, filter: w.size + int64(tail.Len())}
	tail.Write(newFilter(w.hashes).blocks.Bytes())
	s.tail = crc32.Checksum(tail.Bytes(), castagnoli)
	end, err := thrift.Marshal(new(thrift.CompactProtocol), &footer)
	if err != nil {
		return err
	}
	s.footer = crc32.Checksum(end, castagnoli)
	b := append(s.append(tail.Bytes()), end...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(end)))
	return w.write(append(b, magic...))
}
