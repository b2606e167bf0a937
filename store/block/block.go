// Package block keeps settled traces in Parquet files: what comes in are
// summaries with their documents, what goes out is one immutable file that
// answers for all of them, and that any Parquet reader understands.
//
// A block holds one row a trace, sorted by start, so that the newest traces are
// its tail. Beside the columns it carries a filter of its trace ids, the
// service graphs of its rows by minute of receipt, of all and of the groups that
// they belong to, and what [Info] tells. Traces that a keep rule drops leave
// graphs and numbers, but no row.
// docs/storage-format.md describes the file.
//
//	info, err := block.Write(file, settled, block.Options{})
//	b, err := block.Open(file, info.Bytes)
//	row, found, err := b.Find(id)
//	docs, err := b.Documents(row)
//
// A damaged or truncated file gives errors that are [ErrCorrupt], never wrong
// answers: the tail of the file and every page have a checksum.
package block

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// ErrCorrupt is in the chain of every error that says the file is not what
// Write made. Errors of the reader below are passed on without it.
var ErrCorrupt = errors.New("the block is corrupt")

// Block is a block open for reading. Any number of goroutines may read it at
// the same time. It holds no file: whoever opened the reader closes it.
type Block struct {
	r      io.ReaderAt
	info   Info
	filter *Filter
	groups []group

	sections sections
	recounts bool // it is of a version whose graphs are not read

	mu    sync.Mutex // guards cache
	cache map[string]*Minutes
}

// group is a row group.
type group struct {
	first  int // number of its first row in the block
	rows   int
	starts []tomo.Time // of the first row in each page of summary columns
	values []Filter    // of the annotations in each; nil: nothing is known of them
	chunks [numColumns]chunk
}

// chunk is where a column of a row group lies.
type chunk struct {
	compressed bool
	dictionary place // size 0: none
	pages      []place
}

// place is where a page lies, and the number of its first row in the group. A
// page of size 0 is of a column that the file does not have: its lists are empty.
type place struct {
	offset      int64
	size, first int32
}

// tailGuess is how much of the end of a file is read at once; mostly it is all
// of the tail.
const tailGuess = 128 << 10

// Open reads the tail of the block that r holds in its first size bytes. A
// block of 10,000 traces takes about 100 kB of memory while it is open.
func Open(r io.ReaderAt, size int64) (b *Block, err error) {
	defer rescue("opening a block", &err)
	if size < 8+sealSize {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, size)
	}
	tail, err := readAt(r, max(0, size-tailGuess), min(size, tailGuess))
	if err != nil {
		return nil, err
	}
	at := func(offset, length int64) ([]byte, error) { // a part of the file, from tail if it is there
		from := offset - (size - int64(len(tail)))
		switch {
		case offset < 0 || length < 0 || offset+length > size:
			return nil, fmt.Errorf("%w: it ends before its tail does", ErrCorrupt)
		case from >= 0:
			return tail[from : from+length], nil
		}
		return readAt(r, offset, length)
	}

	end := tail[len(tail)-8:]
	if string(end[4:]) != "PAR1" {
		return nil, fmt.Errorf("%w: it does not end as Parquet does", ErrCorrupt)
	}
	footerSize := int64(binary.LittleEndian.Uint32(end))
	footerAt := size - 8 - footerSize
	sealed, err := at(footerAt-sealSize, sealSize)
	if err != nil {
		return nil, err
	}
	s, err := parseSeal(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	footer, err := at(footerAt, footerSize)
	if err != nil {
		return nil, err
	}
	indexes, err := at(s.indexes, footerAt-sealSize-s.indexes)
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(footer, castagnoli) != s.footer || crc32.Checksum(indexes, castagnoli) != s.tail ||
		s.filter < s.indexes || s.filter-s.indexes > int64(len(indexes)) {
		return nil, fmt.Errorf("%w: the checksum of its tail is wrong", ErrCorrupt)
	}
	// From here on the tail is as Write made it, or somebody took trouble.
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
		return nil, fmt.Errorf("%w: decoding its footer: %w", ErrCorrupt, err)
	}
	b = &Block{r: r}
	if b.filter, err = parseFilter(indexes[s.filter-s.indexes:]); err == nil {
		err = b.readFooter(&meta, indexes[:s.filter-s.indexes], s.indexes)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	b.info.Bytes = size
	return b, nil
}

// readFooter takes what the block needs out of the footer and the indexes,
// which begin at the given offset of the file.
func (b *Block) readFooter(meta *format.FileMetaData, indexes []byte, offset int64) (err error) {
	part := func(at, length int64) ([]byte, error) {
		if at < offset || length < 0 || at-offset+length > int64(len(indexes)) {
			return nil, errors.New("its footer points outside")
		}
		return indexes[at-offset:][:length], nil
	}
	values := map[string]string{}
	for _, kv := range meta.KeyValueMetadata {
		values[kv.Key] = kv.Value
	}
	missing, known := absent[values[schemaKey]]
	if !known {
		return fmt.Errorf("it has the schema %q; known are %s to %s", values[schemaKey], withoutGroups, schemaVersion)
	}
	present := make([]int, 0, numColumns) // the columns that the file has, in its order
	for c := range numColumns {
		if !slices.Contains(missing, c) {
			present = append(present, c)
		}
	}
	if err := json.Unmarshal([]byte(values[infoKey]), &b.info); err != nil {
		return fmt.Errorf("decoding its info: %w", err)
	}
	if values[schemaKey] == withoutGroups {
		b.recounts = true
	} else if b.sections, err = parseSections(values[graphsKey], offset); err != nil {
		return err
	}
	rows := 0
	for i := range meta.RowGroups {
		from := &meta.RowGroups[i]
		if len(from.Columns) != len(present) {
			return fmt.Errorf("it has %d columns, not %d", len(from.Columns), len(present))
		}
		g := group{first: rows, rows: int(from.NumRows)}
		rows += g.rows
		for i, c := range present {
			column := &from.Columns[i]
			if c == colStart {
				text, err := part(column.ColumnIndexOffset, int64(column.ColumnIndexLength))
				if err != nil {
					return err
				}
				if g.starts, err = startsOf(text); err != nil {
					return err
				}
			}
			text, err := part(column.OffsetIndexOffset, int64(column.OffsetIndexLength))
			if err != nil {
				return err
			}
			var index format.OffsetIndex
			if err := thrift.Unmarshal(new(thrift.CompactProtocol), text, &index); err != nil {
				return fmt.Errorf("decoding the index of column %s: %w", columns[c].path, err)
			}
			if g.chunks[c], err = chunkOf(&column.MetaData, index.PageLocations, offset); err != nil {
				return fmt.Errorf("column %s: %w", columns[c].path, err)
			}
		}
		for _, c := range missing {
			for _, p := range g.chunks[colStart].pages {
				g.chunks[c].pages = append(g.chunks[c].pages, place{first: p.first})
			}
		}
		b.groups = append(b.groups, g)
	}
	if rows != b.info.Rows {
		return fmt.Errorf("it has %d rows, not %d", rows, b.info.Rows)
	}
	if at, known := values[valuesKey]; known {
		from, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return fmt.Errorf("reading where its filters of annotations are: %w", err)
		}
		text, err := part(from, offset+int64(len(indexes))-from)
		if err != nil {
			return err
		}
		return parseValues(text, b.groups)
	}
	return nil
}

// startsOf reads the smallest value of each page of the column start.
func startsOf(text []byte) (list []tomo.Time, err error) {
	var index format.ColumnIndex
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), text, &index); err != nil {
		return nil, fmt.Errorf("decoding the bounds of column %s: %w", columns[colStart].path, err)
	}
	for _, least := range index.MinValues {
		if len(least) != 8 {
			return nil, fmt.Errorf("a bound of column %s has %d bytes", columns[colStart].path, len(least))
		}
		list = append(list, tomo.Time(binary.LittleEndian.Uint64(least)))
	}
	return list, nil
}

// chunkOf says where the pages of a column are, all of which end before limit.
func chunkOf(meta *format.ColumnMetaData, locations []format.PageLocation, limit int64) (chunk, error) {
	c := chunk{compressed: meta.Codec == format.Zstd, pages: make([]place, len(locations))}
	if at := meta.DictionaryPageOffset; at > 0 {
		c.dictionary = place{offset: at, size: int32(meta.DataPageOffset - at)}
		if c.dictionary.size <= 0 || meta.DataPageOffset > limit {
			return chunk{}, errors.New("its dictionary lies outside the file")
		}
	}
	for i, l := range locations {
		if l.Offset < 0 || l.CompressedPageSize <= 0 || l.Offset+int64(l.CompressedPageSize) > limit {
			return chunk{}, errors.New("a page lies outside the file")
		}
		c.pages[i] = place{offset: l.Offset, size: l.CompressedPageSize, first: int32(l.FirstRowIndex)}
	}
	return c, nil
}

// Info is what Write told about the block.
func (b *Block) Info() Info { return b.info }

// Filter is the filter of the block's trace ids.
func (b *Block) Filter() *Filter { return b.filter }

// Find tells the row of a trace, the first one if there are several. It looks
// into the filter first, so asking for an id that is not there mostly reads
// nothing.
func (b *Block) Find(id tomo.TraceID) (row int, found bool, err error) {
	defer rescue("finding a trace", &err)
	if !b.filter.MayContain(Hash(id)) {
		return 0, false, nil
	}
	err = b.scan(colID, func(c *cursor) bool {
		for at := 0; at < len(c.bytes); at += len(id) {
			if *(*tomo.TraceID)(c.bytes[at:]) == id {
				found = true
				return false
			}
			row++
		}
		return true
	})
	if !found {
		row = 0
	}
	return row, found, err
}

// FindAt is Find for a trace of which it is known where it stood when somebody
// looked. It reads little more than two pages. A trace that stands elsewhere now
// is not found.
func (b *Block) FindAt(p tomo.Position) (row int, found bool, err error) {
	defer rescue("finding a trace", &err)
	if !b.filter.MayContain(Hash(p.ID)) {
		return 0, false, nil
	}
	r := readers.Get().(*reader)
	defer r.release()
	starts, ids := r.cursor(b, colStart), r.cursor(b, colID)
	for n := range b.groups {
		g := &b.groups[n]
		// The page before the first that begins at that start, and those that do.
		first := sort.Search(len(g.starts), func(i int) bool { return g.starts[i] >= p.Start })
		for page := max(0, first-1); page < len(g.starts) && g.starts[page] <= p.Start; page++ {
			starts.group, starts.page = n, page
			if err := starts.load(); err != nil {
				return 0, false, err
			}
			at, there := slices.BinarySearch(starts.ints, int64(p.Start))
			if !there {
				continue
			}
			ids.group, ids.page = n, page
			if err := ids.load(); err != nil {
				return 0, false, err
			}
			for ; at < len(starts.ints) && starts.ints[at] == int64(p.Start); at++ {
				if tomo.TraceID(ids.bytes[at*len(p.ID):]) == p.ID {
					return g.first + int(g.chunks[colStart].pages[page].first) + at, true, nil
				}
			}
		}
	}
	return 0, false, nil
}

// IDs lists the trace ids in order of row.
func (b *Block) IDs() (list []tomo.TraceID, err error) {
	defer rescue("reading ids", &err)
	list = make([]tomo.TraceID, 0, b.info.Rows)
	err = b.scan(colID, func(c *cursor) bool {
		for at := 0; at < len(c.bytes); at += 16 {
			list = append(list, tomo.TraceID(c.bytes[at:]))
		}
		return true
	})
	return list, err
}

// Starts lists Summary.Start in order of row: ascending.
func (b *Block) Starts() ([]tomo.Time, error) { return b.times(colStart) }

// Received lists Summary.Received in order of row.
func (b *Block) Received() ([]tomo.Time, error) { return b.times(colReceived) }

func (b *Block) times(column int) (list []tomo.Time, err error) {
	defer rescue("reading times", &err)
	list = make([]tomo.Time, 0, b.info.Rows)
	err = b.scan(column, func(c *cursor) bool {
		for _, t := range c.ints {
			list = append(list, tomo.Time(t))
		}
		return true
	})
	if err == nil && len(list) != b.info.Rows {
		return nil, fmt.Errorf("%w: column %s has %d rows, not %d", ErrCorrupt, columns[column].path, len(list), b.info.Rows)
	}
	return list, err
}

// Ends lists, in order of row, the first and the last end of a trace's closed
// segments, inferred ones left out. The first is after the last where there
// are none.
func (b *Block) Ends() (first, last []tomo.Time, err error) {
	defer rescue("reading ends", &err)
	for _, end := range []struct {
		column int
		list   *[]tomo.Time
		none   tomo.Time
	}{{colFirstEnd, &first, math.MaxInt64}, {colLastEnd, &last, math.MinInt64}} {
		*end.list = make([]tomo.Time, 0, b.info.Rows)
		err := b.scan(end.column, func(c *cursor) bool {
			for c.left() {
				t := end.none
				if c.there() {
					t = tomo.Time(c.int())
				}
				*end.list = append(*end.list, t)
			}
			return true
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return first, last, nil
}

// scan calls page for each page of a column in turn until it says false.
func (b *Block) scan(column int, page func(*cursor) bool) error {
	r := readers.Get().(*reader)
	defer r.release()
	c := r.cursor(b, column)
	for {
		switch err := c.load(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case !page(c):
			return nil
		}
	}
}

// Summaries reads the summaries of the rows from … to-1. Empty lists in them
// are nil.
func (b *Block) Summaries(from, to int) (list []*tomo.Summary, err error) {
	defer rescue("reading summaries", &err)
	r, err := b.rows(from, to, colText)
	if err != nil {
		return nil, err
	}
	defer r.release()
	list = make([]*tomo.Summary, to-from)
	for i := range list {
		if list[i], err = r.summary(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Base is what has to be known of a row to reopen its trace.
type Base struct {
	Documents     int
	LimitExceeded bool
	First         tomo.Time // receipt of the first document
	Received      tomo.Time // and of the latest change
	Groups        []string
}

// Base reads little more than these values of a row.
func (b *Block) Base(row int) (base Base, err error) {
	defer rescue("reading a row", &err)
	if row < 0 || row >= b.info.Rows {
		return base, fmt.Errorf("row %d is not one of %d", row, b.info.Rows)
	}
	r := readers.Get().(*reader)
	defer r.release()
	for _, c := range []int{colDocumentCount, colLimitExceeded, colReceived, colGroup, colTextReceived} {
		if err := r.cursor(b, c).seek(row); err != nil {
			return base, err
		}
	}
	base = Base{
		Documents:     int(r.cursors[colDocumentCount].int()),
		LimitExceeded: r.cursors[colLimitExceeded].bool(),
		Received:      r.cursors[colReceived].time(),
		Groups:        r.strings(nil, colGroup),
	}
	if c := r.cursors[colTextReceived]; c.length() > 0 {
		base.First = c.time()
	}
	return base, nil
}

// Documents reads the documents of one row, in the order they were given.
func (b *Block) Documents(row int) ([]tomo.RawDocument, error) {
	list, err := b.Held([]int{row}, 0)
	if err != nil {
		return nil, err
	}
	return list[0].Documents, nil
}

// Held is what a row holds of its trace, besides what follows from it.
type Held struct {
	Documents     []tomo.RawDocument // in the order they were given
	LimitExceeded bool
}

// Held reads what some rows, which must be in ascending order, hold: of the
// first, and of those after it until their documents have most bytes.
func (b *Block) Held(rows []int, most int) (list []Held, err error) {
	defer rescue("reading documents", &err)
	r := readers.Get().(*reader)
	defer r.release()
	read := 0
	err = b.visit(r, rows, heldColumns, func() error {
		docs, err := r.documents(nil)
		read += own(docs)
		list = append(list, Held{docs, r.cursors[colLimitExceeded].bool()})
		if err == nil && read >= most && len(list) < len(rows) {
			return errEnough
		}
		return err
	})
	if err == errEnough {
		err = nil
	}
	return list, err
}

// errEnough ends a visit early.
var errEnough = errors.New("enough was read")

var heldColumns = []int{colLimitExceeded, colText, colTextReceived}

// Settled reads the rows from … to-1 whole.
func (b *Block) Settled(from, to int) (list []tomo.Settled, err error) {
	defer rescue("reading traces", &err)
	r, err := b.rows(from, to, numColumns)
	if err != nil {
		return nil, err
	}
	defer r.release()
	list = make([]tomo.Settled, to-from)
	for i := range list {
		if list[i], err = r.settled(nil); err != nil {
			return nil, err
		}
		own(list[i].Documents)
	}
	return list, nil
}

// own copies the texts, which lie in a page, so that they outlive it, and tells
// how many bytes they have.
func own(docs []tomo.RawDocument) int {
	total := 0
	for i := range docs {
		total += len(docs[i].Text)
	}
	copied := make([]byte, 0, total)
	for i := range docs {
		at := len(copied)
		copied = append(copied, docs[i].Text...)
		docs[i].Text = copied[at:len(copied):len(copied)]
	}
	return total
}

// rows makes a reader of the columns before end that stands at a row.
func (b *Block) rows(from, to, end int) (*reader, error) {
	if from < 0 || from > to || to > b.info.Rows {
		return nil, fmt.Errorf("rows %d to %d are not within %d", from, to, b.info.Rows)
	}
	r := readers.Get().(*reader)
	if from == to {
		return r, nil
	}
	for c := range end {
		if err := r.cursor(b, c).seek(from); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// locate tells the group that holds a row.
func (b *Block) locate(row int) int {
	return sort.Search(len(b.groups), func(i int) bool { return b.groups[i].first > row }) - 1
}

// rescue turns a panic of the Parquet library into an error. The library
// trusts what it reads in places; checksums leave it little to stumble over.
func rescue(doing string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: %w: %v", doing, ErrCorrupt, p)
	} else if *err != nil && *err != io.EOF {
		*err = fmt.Errorf("%s: %w", doing, *err)
	}
}

// readAt reads exactly length bytes.
func readAt(r io.ReaderAt, offset, length int64) ([]byte, error) {
	b := make([]byte, length)
	return b, readFullAt(r, b, offset)
}

func readFullAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case err == nil || err == io.EOF:
		return fmt.Errorf("%w: it ends at %d", ErrCorrupt, offset+int64(n))
	}
	return err
}
