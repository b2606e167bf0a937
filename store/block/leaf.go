package block

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// leaf gathers what goes into a column of the open row group: the values and
// levels of the open page, as they come, and the pages before it, encoded. It is
// what cursor reads.
type leaf struct {
	*column

	// The open page. The values that are there are in the list of their type.
	rep, def *levels // nil where cursor has none; columns of one list share them
	ints     []int64 // for int32 too
	codes    []int32 // of words
	bools    []bool
	plain    []byte // PLAIN values, behind room for the levels
	words    *dictionary
	first    int // row of the group that the page begins with

	// The pages before. Offsets count from the first of them.
	pages   [][]byte // as many as there are offsets; what follows is memory
	offsets format.OffsetIndex
	bounds  format.ColumnIndex
	meta    format.ColumnMetaData
	long    bool // a bound is too long for meta
}

// room is how much of leaf.plain is left free for levels, so that texts need not
// be copied behind them. Where they are larger they are.
const room = 1 << 10

// clear begins a page.
func (l *leaf) clear() {
	l.ints, l.codes, l.bools = l.ints[:0], l.codes[:0], l.bools[:0]
	if l.encoding == format.Plain && l.kind != parquet.Boolean {
		l.plain = slices.Grow(l.plain[:0], room)[:room]
	}
}

// clearGroup begins a row group.
func (l *leaf) clearGroup() {
	l.clear()
	l.first, l.long = 0, false
	l.offsets, l.bounds, l.meta = format.OffsetIndex{}, format.ColumnIndex{}, format.ColumnMetaData{}
	if l.words != nil {
		l.words.clear()
	}
}

// text appends a string. Readers of a text column stop at bytes that are not
// UTF-8, so it is repaired.
func (l *leaf) text(s string) {
	if l.words != nil {
		l.codes = append(l.codes, l.words.code(s))
		return
	}
	s = valid(s)
	l.plain = binary.LittleEndian.AppendUint32(l.plain, uint32(len(s)))
	l.plain = append(l.plain, s...)
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// blob appends bytes as they are.
func (l *leaf) blob(b []byte) {
	l.plain = binary.LittleEndian.AppendUint32(l.plain, uint32(len(b)))
	l.plain = append(l.plain, b...)
}

func (l *leaf) int(v int64)      { l.ints = append(l.ints, v) }
func (l *leaf) time(t tomo.Time) { l.ints = append(l.ints, int64(t)) }
func (l *leaf) bool(v bool)      { l.bools = append(l.bools, v) }
func (l *leaf) float(v float64) {
	l.plain = binary.LittleEndian.AppendUint64(l.plain, math.Float64bits(v))
}

// word appends a word that is given, by its number.
func (l *leaf) word(code int32) { l.codes = append(l.codes, code) }

// there notes whether an optional value is there. It gives that back; if it is
// true, the value has to follow.
func (l *leaf) there(is bool) bool {
	level := l.maxDef
	if !is {
		level--
	}
	l.def.of = append(l.def.of, level)
	return is
}

func (l *leaf) duration(d time.Duration) {
	if l.there(d != tomo.Absent) {
		l.int(d.Microseconds())
	}
}

// nodes appends the list inside the i-th element of another.
func (l *leaf) nodes(i int, list []int) {
	r := byte(min(i, 1))
	if len(list) == 0 {
		l.rep.of, l.def.of = append(l.rep.of, r), append(l.def.of, 1)
	}
	for _, n := range list {
		l.rep.of, l.def.of = append(l.rep.of, r), append(l.def.of, 2)
		l.int(int64(n))
		r = 2
	}
}

// levels are the repetition or the definition levels of an open page.
type levels struct {
	highest byte
	of      []byte

	// What encode makes of them.
	encoded []byte // behind their length
	there   int    // how many are the highest: of definition levels, the values
}

// encode readies them for the columns whose levels they are.
func (l *levels) encode() error {
	encoding := rle.Encoding{BitWidth: bits.Len8(l.highest)}
	l.encoded = slices.Grow(l.encoded[:0], 4)[:4]
	levels, err := encoding.EncodeLevels(l.encoded[4:], l.of)
	l.encoded = append(l.encoded, levels...)
	binary.LittleEndian.PutUint32(l.encoded, uint32(len(levels)))
	l.there = countEqual(l.of, l.highest)
	return err
}

// dictionary numbers the words of a column of a row group.
type dictionary struct {
	page  []byte // with its header, once the group ends
	words []string
	codes map[string]int32 // nil if the words are given

	// recent are words that were asked for lately, where slot puts them. Most
	// traces repeat the strings of others, and comparing is cheaper than hashing.
	recent [64]struct {
		word string
		next int32 // the code and 1, or 0
	}
}

func (d *dictionary) clear() {
	if d.codes == nil {
		return
	}
	clear(d.codes)
	clear(d.words) // they are parts of the rows
	d.words = d.words[:0]
	clear(d.recent[:])
}

func slot(s string) int {
	if s == "" {
		return 0
	}
	return (len(s) + 7*int(s[len(s)-1]) + 13*int(s[len(s)/2])) % 64
}

func (d *dictionary) code(s string) int32 {
	r := &d.recent[slot(s)]
	if r.word == s && r.next > 0 {
		return r.next - 1
	}
	code, found := d.codes[s]
	if !found {
		word := valid(s)
		if code, found = d.codes[word]; !found {
			code = int32(len(d.words))
			d.words = append(d.words, word)
			d.codes[word] = code
		}
		d.codes[s] = code
	}
	r.word, r.next = s, code+1
	return code
}

// widen makes the bounds of the row group hold those of a page.
func (l *leaf) widen(low, high []byte) {
	s := &l.meta.Statistics
	l.long = l.long || len(low) > maxGroupBound || len(high) > maxGroupBound
	switch {
	case l.long:
		s.MinValue, s.MaxValue = nil, nil
	case s.MinValue == nil:
		s.MinValue, s.MaxValue = low, high
	default:
		if l.compare(low, s.MinValue) < 0 {
			s.MinValue = low
		}
		if l.compare(high, s.MaxValue) > 0 {
			s.MaxValue = high
		}
	}
}

// order tells how the bounds of the pages are ordered.
func (l *leaf) order() format.BoundaryOrder {
	up, down, last := true, true, -1
	for i, null := range l.bounds.NullPages {
		if null {
			continue
		}
		if last >= 0 {
			low := l.compare(l.bounds.MinValues[last], l.bounds.MinValues[i])
			high := l.compare(l.bounds.MaxValues[last], l.bounds.MaxValues[i])
			up, down = up && low <= 0 && high <= 0, down && low >= 0 && high >= 0
		}
		last = i
	}
	switch {
	case up:
		return format.Ascending
	case down:
		return format.Descending
	}
	return format.Unordered
}
