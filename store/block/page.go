package block

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// press makes pages of what leaves gather. It has the memory for one at a time.
type press struct {
	encoder *zstd.Encoder
	header  bytes.Buffer
	thrift  *thrift.Encoder // to header

	small  []int32
	values []byte
	page   []byte
	packed []byte
	used   []bool  // words
	low    [8]byte // smallest and largest number
	high   [8]byte
	kept   []byte // bounds of the file so far
}

func newPress() *press {
	p := &press{encoder: newEncoder()}
	p.thrift = thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&p.header))
	return p
}

// endPage makes a page of what l gathered, up to before the given row of the
// group, and begins the next. The levels have to be encoded.
func (p *press) endPage(l *leaf, row int) error {
	levels := row - l.first
	there := levels
	if l.def != nil {
		levels, there = len(l.def.of), l.def.there
	}
	if levels == 0 {
		return nil
	}
	page, err := p.encode(l)
	if err != nil {
		return fmt.Errorf("encoding column %s: %w", l.path, err)
	}
	p.index(l, levels, there)
	n := len(l.offsets.PageLocations)
	if n == len(l.pages) {
		l.pages = append(l.pages, nil)
	}
	at := format.PageLocation{Offset: l.meta.TotalCompressedSize, FirstRowIndex: int64(l.first)}
	l.pages[n], err = p.append(l.pages[n][:0], l, page, &format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues:               int32(levels),
			Encoding:                l.encoding,
			DefinitionLevelEncoding: format.RLE,
			RepetitionLevelEncoding: format.RLE,
		}),
	})
	at.CompressedPageSize = int32(len(l.pages[n]))
	l.offsets.PageLocations = append(l.offsets.PageLocations, at)
	l.first = row
	l.clear()
	return err
}

// endDictionary makes the page of the words, which goes before the others.
func (p *press) endDictionary(l *leaf) (err error) {
	page := p.page[:0]
	for _, word := range l.words.words {
		page = binary.LittleEndian.AppendUint32(page, uint32(len(word)))
		page = append(page, word...)
	}
	p.page = page
	l.words.page, err = p.append(l.words.page[:0], l, page, &format.PageHeader{
		Type: format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(len(l.words.words)),
			Encoding:  format.Plain,
		}),
	})
	return err
}

// encode gives the levels and values of the open page as they are before they
// are compressed. It is good until the next call.
func (p *press) encode(l *leaf) (page []byte, err error) {
	page = p.page[:0]
	if l.rep != nil {
		page = append(page, l.rep.encoded...)
	}
	if l.def != nil {
		page = append(page, l.def.encoded...)
	}
	switch {
	case l.encoding == format.DeltaBinaryPacked && l.kind == parquet.Int64:
		p.values, err = new(delta.BinaryPackedEncoding).EncodeInt64(p.values, l.ints)
		page = append(page, p.values...)
	case l.encoding == format.DeltaBinaryPacked && l.kind == parquet.Int32:
		p.small = p.small[:0]
		for _, v := range l.ints {
			p.small = append(p.small, int32(v))
		}
		p.values, err = new(delta.BinaryPackedEncoding).EncodeInt32(p.values, p.small)
		page = append(page, p.values...)
	case l.encoding == format.RLEDictionary:
		p.values, err = new(rle.DictionaryEncoding).EncodeInt32(p.values, l.codes)
		page = append(page, p.values...)
	case l.kind == parquet.Boolean:
		page = appendBits(page, l.bools)
	case len(page) <= room:
		p.page = page
		copy(l.plain[room-len(page):], page)
		return l.plain[room-len(page):], nil
	default:
		page = append(page, l.plain[room:]...)
	}
	p.page = page
	return page, err
}

func appendBits(b []byte, list []bool) []byte {
	for i, v := range list {
		if i%8 == 0 {
			b = append(b, 0)
		}
		if v {
			b[len(b)-1] |= 1 << (i % 8)
		}
	}
	return b
}

// append compresses a page and puts it at the end of dst, behind its header.
func (p *press) append(dst []byte, l *leaf, page []byte, h *format.PageHeader) ([]byte, error) {
	if len(page) > maxPage {
		return dst, fmt.Errorf("a page of column %s would have %d bytes; the limit is %d", l.path, len(page), maxPage)
	}
	h.UncompressedPageSize = int32(len(page))
	if l.compressed {
		p.packed = p.encoder.EncodeAll(page, p.packed[:0])
		page = p.packed
	}
	h.CompressedPageSize = int32(len(page))
	h.CRC = int32(crc32.ChecksumIEEE(page))
	p.header.Reset()
	if err := p.thrift.Encode(h); err != nil {
		return dst, fmt.Errorf("encoding a page header: %w", err)
	}
	l.meta.TotalUncompressedSize += int64(p.header.Len()) + int64(h.UncompressedPageSize)
	l.meta.TotalCompressedSize += int64(p.header.Len() + len(page))
	return append(append(dst, p.header.Bytes()...), page...), nil
}

// index notes how many levels and values the open page has, and its bounds.
func (p *press) index(l *leaf, levels, there int) {
	nulls := int64(levels - there)
	l.meta.NumValues += int64(levels)
	l.meta.Statistics.NullCount += nulls
	if !l.bounded {
		return
	}
	var low, high []byte
	if there > 0 {
		low, high = p.extremes(l)
		l.widen(p.keep(low), p.keep(high))
	}
	l.bounds.NullPages = append(l.bounds.NullPages, there == 0)
	l.bounds.NullCounts = append(l.bounds.NullCounts, nulls)
	l.bounds.MinValues = append(l.bounds.MinValues, p.keep(low[:min(len(low), maxBound)]))
	l.bounds.MaxValues = append(l.bounds.MaxValues, p.keep(cutHigh(high)))
}

// How long a bound may be: of a page, where it is cut, and of a row group, where
// it is left out, since others may take it for a value that occurs.
const (
	maxBound      = 16
	maxGroupBound = 64
)

// cutHigh is a value of at most maxBound bytes that is not below b.
func cutHigh(b []byte) []byte {
	if len(b) <= maxBound {
		return b
	}
	for n := maxBound; n > 0; n-- {
		if b[n-1] < 0xff {
			cut := bytes.Clone(b[:n])
			cut[n-1]++
			return cut
		}
	}
	return b
}

// keep copies a bound to where it stays until the file is written.
func (p *press) keep(b []byte) []byte {
	at := len(p.kept)
	p.kept = append(p.kept, b...)
	return p.kept[at:len(p.kept):len(p.kept)]
}

// extremes are the smallest and the largest value of the open page, of which
// there has to be one. They are good until the page is cleared.
func (p *press) extremes(l *leaf) (low, high []byte) {
	switch {
	case l.encoding == format.RLEDictionary:
		return p.extremeWords(l)
	case l.kind == parquet.Int32:
		low, high := slices.Min(l.ints), slices.Max(l.ints)
		binary.LittleEndian.PutUint32(p.low[:], uint32(low))
		binary.LittleEndian.PutUint32(p.high[:], uint32(high))
		return p.low[:4], p.high[:4]
	case l.kind == parquet.Int64:
		low, high := slices.Min(l.ints), slices.Max(l.ints)
		binary.LittleEndian.PutUint64(p.low[:], uint64(low))
		binary.LittleEndian.PutUint64(p.high[:], uint64(high))
		return p.low[:], p.high[:]
	case l.kind == parquet.Double:
		return p.extremeNumbers(l)
	case l.kind == parquet.Boolean:
		p.low[0], p.high[0] = 1, 0
		if slices.Contains(l.bools, false) {
			p.low[0] = 0
		}
		if slices.Contains(l.bools, true) {
			p.high[0] = 1
		}
		return p.low[:1], p.high[:1]
	}
	for rest := l.plain[room:]; len(rest) > 0; {
		length := len(tomo.TraceID{})
		if l.kind == parquet.ByteArray {
			length, rest = int(binary.LittleEndian.Uint32(rest)), rest[4:]
		}
		value := rest[:length:length]
		rest = rest[length:]
		if low == nil || bytes.Compare(value, low) < 0 {
			low = value
		}
		if high == nil || bytes.Compare(value, high) > 0 {
			high = value
		}
	}
	return low, high
}

func (p *press) extremeWords(l *leaf) (low, high []byte) {
	words := l.words.words
	p.used = slices.Grow(p.used[:0], len(words))[:len(words)]
	clear(p.used)
	first, last := words[l.codes[0]], words[l.codes[0]]
	for _, c := range l.codes {
		if !p.used[c] {
			p.used[c] = true
			first, last = min(first, words[c]), max(last, words[c])
		}
	}
	return []byte(first), []byte(last)
}

// extremeNumbers follows Parquet: where there is a NaN nothing is left out by
// the bounds, and a bound of zero stands for both zeros.
func (p *press) extremeNumbers(l *leaf) ([]byte, []byte) {
	low, high := math.Inf(1), math.Inf(-1)
	for rest := l.plain[room:]; len(rest) > 0; rest = rest[8:] {
		v := math.Float64frombits(binary.LittleEndian.Uint64(rest))
		if math.IsNaN(v) {
			low, high = math.Inf(-1), math.Inf(1)
			break
		}
		low, high = min(low, v), max(high, v)
	}
	if low == 0 {
		low = math.Copysign(0, -1)
	}
	if high == 0 {
		high = 0
	}
	binary.LittleEndian.PutUint64(p.low[:], math.Float64bits(low))
	binary.LittleEndian.PutUint64(p.high[:], math.Float64bits(high))
	return p.low[:], p.high[:]
}
