package block

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// cursor walks down one column, page by page and in it value by value.
//
// A column is a sequence of levels, one for each value or absent value, and of
// the values that are there. A level with repetition 0 begins a row. A row does
// not cross pages.
type cursor struct {
	*column
	block *Block
	group int // of the page that comes next
	page  int

	// The page that is read. There are no repetition levels where the column
	// is in no list, and no definition levels where nothing can be absent.
	rep, def []byte
	ints     []int64  // DELTA_BINARY_PACKED
	indexes  []int32  // into words
	offsets  []uint32 // of values in bytes, each after its length
	bytes    []byte   // PLAIN values
	coded    bool     // the values are indexes into words
	level    int      // position among the levels
	value    int      // position among the values
	levels   int      // how many levels the page has
	values   int      // how many of them have a value

	// shape is set for the columns of a list that are read a page at a time. Then
	// there are no repetition levels, and definition levels only where values in
	// elements can be absent.
	shape *shape

	words   []string // the dictionary of the group words are of
	wordsOf int      // -1: none

	raw, data []byte  // memory of pages
	small     []int32 // DELTA_BINARY_PACKED of 32 bits; in ints too unless there is a shape
}

// reset puts the cursor before the first page of a column.
func (c *cursor) reset(b *Block, number int) {
	c.column, c.block = &columns[number], b
	c.group, c.page = 0, 0
	c.level, c.levels, c.value = 0, 0, 0
	c.words, c.wordsOf = nil, -1
	c.shape = nil
}

// seek puts the cursor at the beginning of a row.
func (c *cursor) seek(row int) error {
	c.group = c.block.locate(row)
	g := &c.block.groups[c.group]
	row -= g.first
	pages := g.chunks[c.number].pages
	c.page = sort.Search(len(pages), func(i int) bool { return int(pages[i].first) > row }) - 1
	if c.page < 0 {
		return fmt.Errorf("%w: column %s has no page of row %d", ErrCorrupt, c.path, row)
	}
	row -= int(pages[c.page].first)
	if err := c.load(); err != nil {
		return err
	}
	c.skipRows(row)
	if row > 0 && !c.left() {
		return fmt.Errorf("%w: a page of column %s has too few rows", ErrCorrupt, c.path)
	}
	return nil
}

// load reads the next page. It returns io.EOF after the last one.
func (c *cursor) load() error {
	groups := c.block.groups
	for c.group < len(groups) && c.page == len(groups[c.group].chunks[c.number].pages) {
		c.group, c.page = c.group+1, 0
	}
	if c.group == len(groups) {
		return io.EOF
	}
	in := &groups[c.group].chunks[c.number]
	if in.pages[c.page].size == 0 {
		c.absent(&groups[c.group])
		return nil
	}
	if in.dictionary.size > 0 && c.wordsOf != c.group {
		if err := c.loadWords(in); err != nil {
			return fmt.Errorf("reading the dictionary of column %s: %w", c.path, err)
		}
	}
	if err := c.loadPage(in, in.pages[c.page]); err != nil {
		return fmt.Errorf("reading page %d of column %s: %w", c.page, c.path, err)
	}
	c.page++
	return nil
}

// absent makes the next page of a column that the file does not have.
func (c *cursor) absent(in *group) {
	pages := in.chunks[c.number].pages
	end := in.rows
	if c.page+1 < len(pages) {
		end = int(pages[c.page+1].first)
	}
	rows := end - int(pages[c.page].first)
	c.level, c.value, c.levels, c.values = 0, 0, rows, 0
	c.rep = slices.Grow(c.rep[:0], rows)[:rows]
	c.def = slices.Grow(c.def[:0], rows)[:rows]
	clear(c.rep)
	clear(c.def)
	if s := c.shape; s != nil {
		s.starts, s.known = append(s.starts[:0], make([]int32, rows+1)...), true
	}
	c.page++
}

// fetch reads a page and gives its header and its content, which is good until
// the next call.
func (c *cursor) fetch(in *chunk, at place) (header format.PageHeader, data []byte, err error) {
	c.raw = slices.Grow(c.raw[:0], int(at.size))[:at.size]
	if err := readFullAt(c.block.r, c.raw, at.offset); err != nil {
		return header, nil, err
	}
	from := new(thrift.CompactProtocol).NewReaderFromBytes(c.raw)
	if err := thrift.NewDecoder(from).Decode(&header); err != nil {
		return header, nil, fmt.Errorf("%w: decoding its header: %w", ErrCorrupt, err)
	}
	data = c.raw[from.BytesRead():]
	if len(data) != int(header.CompressedPageSize) || crc32.ChecksumIEEE(data) != uint32(header.CRC) {
		return header, nil, fmt.Errorf("%w: its checksum is wrong", ErrCorrupt)
	}
	if in.compressed {
		if c.data, err = decoder().DecodeAll(data, c.data[:0]); err != nil {
			return header, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		data = c.data
	}
	if len(data) != int(header.UncompressedPageSize) {
		return header, nil, fmt.Errorf("%w: it has %d bytes, not %d", ErrCorrupt, len(data), header.UncompressedPageSize)
	}
	return header, data, nil
}

func (c *cursor) loadWords(in *chunk) error {
	header, data, err := c.fetch(in, in.dictionary)
	if err != nil {
		return err
	}
	if err := c.findStrings(data, int(header.DictionaryPageHeader.V.NumValues)); err != nil {
		return err
	}
	all := string(data)
	c.words = make([]string, len(c.offsets))
	for i, at := range c.offsets {
		c.words[i] = all[at:][:binary.LittleEndian.Uint32(data[at-4:])]
	}
	c.wordsOf = c.group
	return nil
}

func (c *cursor) loadPage(in *chunk, at place) error {
	header, data, err := c.fetch(in, at)
	if err != nil {
		return err
	}
	if header.Type != format.DataPage || !header.DataPageHeader.Valid {
		return fmt.Errorf("%w: it is a %v", ErrCorrupt, header.Type)
	}
	c.level, c.value, c.levels = 0, 0, int(header.DataPageHeader.V.NumValues)
	c.values = c.levels
	if c.shape != nil {
		if data, err = c.loadShape(data); err != nil {
			return err
		}
		return c.loadValues(header.DataPageHeader.V.Encoding, data, c.values)
	}
	if c.maxRep > 0 {
		if c.rep, data, err = decodeLevels(c.rep, data, c.maxRep, c.levels); err != nil {
			return err
		}
	}
	if c.maxDef > 0 {
		if c.def, data, err = decodeLevels(c.def, data, c.maxDef, c.levels); err != nil {
			return err
		}
		c.values = countEqual(c.def, c.maxDef)
	}
	return c.loadValues(header.DataPageHeader.V.Encoding, data, c.values)
}

// cutLevels takes encoded levels from the front of data, and gives the rest.
func cutLevels(data []byte) (levels, rest []byte, err error) {
	if len(data) < 4 || uint64(len(data)-4) < uint64(binary.LittleEndian.Uint32(data)) {
		return nil, nil, fmt.Errorf("%w: it has no levels", ErrCorrupt)
	}
	end := 4 + int(binary.LittleEndian.Uint32(data))
	return data[4:end], data[end:], nil
}

// decodeLevels decodes n levels from the front of data, and gives the rest.
func decodeLevels(dst, data []byte, highest byte, n int) (levels, rest []byte, err error) {
	encoded, rest, err := cutLevels(data)
	if err != nil {
		return nil, nil, err
	}
	levels, err = expandLevels(dst, encoded, highest, n)
	return levels, rest, err
}

// expandLevels decodes n levels.
func expandLevels(dst, encoded []byte, highest byte, n int) ([]byte, error) {
	encoding := rle.Encoding{BitWidth: bits.Len8(highest)}
	levels, err := encoding.DecodeLevels(dst[:0], encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if len(levels) < n {
		return nil, fmt.Errorf("%w: it has %d levels, not %d", ErrCorrupt, len(levels), n)
	}
	return levels[:n], nil
}

// loadValues decodes n values.
func (c *cursor) loadValues(encoding format.Encoding, data []byte, n int) (err error) {
	c.ints, c.indexes, c.offsets, c.bytes = c.ints[:0], c.indexes[:0], c.offsets[:0], nil
	c.coded = false
	got := 0
	switch {
	case encoding == format.DeltaBinaryPacked && c.kind == parquet.Int64:
		c.ints, err = new(delta.BinaryPackedEncoding).DecodeInt64(c.ints, data)
		got = len(c.ints)
	case encoding == format.DeltaBinaryPacked && c.kind == parquet.Int32:
		c.small, err = new(delta.BinaryPackedEncoding).DecodeInt32(c.small[:0], data)
		if c.shape == nil {
			for _, v := range c.small {
				c.ints = append(c.ints, int64(v))
			}
		}
		got = len(c.small)
	case encoding == format.RLEDictionary && c.kind == parquet.ByteArray:
		c.indexes, err = new(rle.DictionaryEncoding).DecodeInt32(c.indexes, data)
		c.coded = true
		got = min(len(c.indexes), n) // the last run is filled up to eight
	case encoding == format.Plain:
		c.bytes = data
		switch c.kind {
		case parquet.ByteArray:
			return c.findStrings(data, n)
		case parquet.Boolean:
			got = min(8*len(data), n)
		case parquet.Double:
			got = len(data) / 8
		case parquet.FixedLenByteArray:
			got = len(data) / len(tomo.TraceID{})
		}
	default:
		return fmt.Errorf("%w: a column of %v is encoded as %v", ErrCorrupt, c.kind, encoding)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if got != n {
		return fmt.Errorf("%w: it has %d values, not %d", ErrCorrupt, got, n)
	}
	return nil
}

// findStrings finds the n byte strings of data, each behind its length.
func (c *cursor) findStrings(data []byte, n int) error {
	c.offsets = c.offsets[:0]
	for at := 0; at < len(data); {
		if len(data)-at < 4 {
			return fmt.Errorf("%w: a value is cut off", ErrCorrupt)
		}
		length := binary.LittleEndian.Uint32(data[at:])
		at += 4
		if uint64(len(data)-at) < uint64(length) {
			return fmt.Errorf("%w: a value is cut off", ErrCorrupt)
		}
		c.offsets = append(c.offsets, uint32(at))
		at += int(length)
	}
	if len(c.offsets) != n {
		return fmt.Errorf("%w: it has %d values, not %d", ErrCorrupt, len(c.offsets), n)
	}
	return nil
}

func countEqual(levels []byte, level byte) int { return bytes.Count(levels, []byte{level}) }

// left reports whether the page has another row.
func (c *cursor) left() bool { return c.level < c.levels }

// skip passes over a row.
func (c *cursor) skip() {
	for {
		if c.maxDef == 0 || c.def[c.level] == c.maxDef {
			c.value++
		}
		c.level++
		if c.maxRep == 0 || !c.left() || c.rep[c.level] == 0 {
			return
		}
	}
}

// skipRows passes over n rows of the page, or as many as it has.
func (c *cursor) skipRows(n int) {
	from, to := c.level, min(c.level+n, c.levels)
	if c.maxRep > 0 {
		for to = from; n > 0 && to < c.levels; n-- {
			if end := bytes.IndexByte(c.rep[to+1:c.levels], 0); end >= 0 {
				to += 1 + end
			} else {
				to = c.levels
			}
		}
	}
	c.level = to
	if c.maxDef > 0 {
		c.value += countEqual(c.def[from:to], c.maxDef)
	} else {
		c.value += to - from
	}
}

// length is how many elements this row's list has. It passes over the row if
// there are none.
func (c *cursor) length() int {
	if c.def[c.level] == 0 {
		c.level++
		return 0
	}
	n := 1
	for at := c.level + 1; at < c.levels && c.rep[at] > 0; at++ {
		if c.rep[at] == 1 {
			n++
		}
	}
	return n
}

// there reports whether an optional value is there. It passes over it if not.
func (c *cursor) there() bool {
	if c.def[c.level] == c.maxDef {
		return true
	}
	c.level++
	return false
}

// next is the position of the next value.
func (c *cursor) next() int {
	c.level++
	c.value++
	return c.value - 1
}

func (c *cursor) int() int64      { return c.ints[c.next()] }
func (c *cursor) time() tomo.Time { return tomo.Time(c.int()) }
func (c *cursor) float() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(c.bytes[8*c.next():]))
}
func (c *cursor) id() tomo.TraceID { return tomo.TraceID(c.bytes[len(tomo.TraceID{})*c.next():]) }

func (c *cursor) bool() bool {
	at := c.next()
	return c.bytes[at/8]>>(at%8)&1 != 0
}

func (c *cursor) completeness() tomo.Completeness {
	switch {
	case !c.there():
		return tomo.CompletenessUnknown
	case c.bool():
		return tomo.Incomplete
	}
	return tomo.Complete
}

func (c *cursor) string() string {
	if c.coded {
		return c.words[c.indexes[c.next()]]
	}
	return string(c.blob())
}

// blob is the next string, inside the page.
func (c *cursor) blob() []byte { return c.text(c.next()) }

// text is a string that is not coded, inside the page.
func (c *cursor) text(value int) []byte {
	at := c.offsets[value]
	end := at + binary.LittleEndian.Uint32(c.bytes[at-4:])
	return c.bytes[at:end:end]
}

func (c *cursor) duration() time.Duration {
	if !c.there() {
		return tomo.Absent
	}
	return time.Duration(c.int()) * time.Microsecond
}

// nodes is the list inside an element.
func (c *cursor) nodes() (list []int) {
	if !c.there() {
		return nil
	}
	list = append(list, int(c.int()))
	for c.left() && c.rep[c.level] == 2 {
		list = append(list, int(c.int()))
	}
	return list
}

// reader walks down several columns together, row by row.
type reader struct {
	cursors [numColumns]cursor
	odd     bool // the columns disagree
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// cursor readies the cursor of a column.
func (r *reader) cursor(b *Block, column int) *cursor {
	c := &r.cursors[column]
	c.reset(b, column)
	return c
}

// release gives the reader's memory to the next one.
func (r *reader) release() {
	for i := range r.cursors {
		r.cursors[i].block, r.cursors[i].words = nil, nil
	}
	r.odd = false
	readers.Put(r)
}

// fill sees to it that the columns from … to-1 have a row in their pages.
func (r *reader) fill(from, to int) error {
	for i := from; i < to; i++ {
		c := &r.cursors[i]
		for !c.left() {
			if err := c.load(); err == io.EOF {
				return fmt.Errorf("%w: column %s ends too early", ErrCorrupt, c.path)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// list is how many elements the list has that the columns from first to last
// make up.
func (r *reader) list(first, last int) int {
	n := r.cursors[first].length()
	for i := first + 1; i <= last; i++ {
		r.odd = r.odd || r.cursors[i].length() != n
	}
	return n
}

// word is the number that stands for a word of the list.
func word[T ~uint8](r *reader, list []string, c *cursor) T {
	s := c.string()
	for i := range list {
		if list[i] == s {
			return T(i)
		}
	}
	r.odd = true
	return 0
}

// settled reads the next row. The documents' texts lie in docs' page: they are
// good until the next call.
func (r *reader) settled(docs []tomo.RawDocument) (tomo.Settled, error) {
	s, err := r.summary()
	if err != nil {
		return tomo.Settled{}, err
	}
	docs, err = r.documents(docs)
	return tomo.Settled{Summary: s, Documents: docs}, err
}

// documents appends the next row's documents to docs. Their texts are good until
// the next call.
func (r *reader) documents(docs []tomo.RawDocument) ([]tomo.RawDocument, error) {
	if err := r.fill(colText, numColumns); err != nil {
		return nil, err
	}
	n := r.list(colText, colTextReceived)
	docs = slices.Grow(docs, n)
	for range n {
		docs = append(docs, tomo.RawDocument{
			Text:     r.cursors[colText].blob(),
			Received: r.cursors[colTextReceived].time(),
		})
	}
	return docs, r.check()
}

// check reports what went wrong in the row.
func (r *reader) check() error {
	if r.odd {
		return fmt.Errorf("%w: its columns do not fit together", ErrCorrupt)
	}
	return nil
}

// summary reads the summary of the next row.
func (r *reader) summary() (*tomo.Summary, error) {
	if err := r.fill(0, colText); err != nil {
		return nil, err
	}
	c := &r.cursors
	s := &tomo.Summary{
		ID:            c[colID].id(),
		Start:         c[colStart].time(),
		Began:         c[colBegan].time(),
		Received:      c[colReceived].time(),
		Duration:      c[colDuration].duration(),
		ResponseTime:  c[colResponseTime].duration(),
		Revision:      int(c[colRevision].int()),
		Documents:     int(c[colDocumentCount].int()),
		HasFault:      c[colHasFault].bool(),
		HasError:      c[colHasError].bool(),
		HasThrottle:   c[colHasThrottle].bool(),
		IsPartial:     c[colIsPartial].bool(),
		LimitExceeded: c[colLimitExceeded].bool(),
		EntryPoint:    -1,
		HTTP: tomo.HTTP{
			Method:       c[colMethod].string(),
			URL:          c[colURL].string(),
			UserAgent:    c[colUserAgent].string(),
			ClientIP:     c[colClientIP].string(),
			Status:       int(c[colStatus].int()),
			ForwardedFor: c[colForwardedFor].bool(),
			Traced:       c[colTraced].bool(),
		},
	}
	c[colFirstEnd].skip()
	c[colLastEnd].skip()
	s.Completeness = c[colIncomplete].completeness()
	if c[colEntryPoint].there() {
		s.EntryPoint = int(c[colEntryPoint].int())
	}
	r.lists(s, tomo.EveryPart)
	return s, r.check()
}

// lists reads what there is any number of in a summary, of the parts that are
// wanted. The lists' memory is used again.
func (r *reader) lists(s *tomo.Summary, parts tomo.Parts) {
	if parts.Has(tomo.PartNodes) {
		s.Nodes = resized(s.Nodes, r.list(colNodeName, colNodeRegion))
		for i := range s.Nodes {
			r.node(&s.Nodes[i])
		}
	}
	if parts.Has(tomo.PartUnits) {
		s.Units = resized(s.Units, r.list(colUnitNode, colUnitOpen))
		for i := range s.Units {
			r.unit(&s.Units[i])
		}
	}
	if parts.Has(tomo.PartCalls) {
		s.Calls = resized(s.Calls, r.list(colCallFrom, colCallAliasType))
		for i := range s.Calls {
			r.call(&s.Calls[i])
		}
	}
	if parts.Has(tomo.PartAnnotations) {
		s.Annotations = resized(s.Annotations, r.list(colAnnotationKey, colAnnotationNodes))
		for i := range s.Annotations {
			r.annotation(&s.Annotations[i])
		}
	}
	if parts.Has(tomo.PartUsers) {
		s.Users = resized(s.Users, r.list(colUserName, colUserNodes))
		for i := range s.Users {
			s.Users[i] = tomo.User{Name: r.cursors[colUserName].string(), Nodes: r.cursors[colUserNodes].nodes()}
		}
	}
	if parts.Has(tomo.PartPlaces) {
		s.ResourceARNs = r.strings(s.ResourceARNs, colResourceARN)
		s.InstanceIDs = r.strings(s.InstanceIDs, colInstanceID)
		s.AvailabilityZones = r.strings(s.AvailabilityZones, colAvailabilityZone)
		s.Groups = r.strings(s.Groups, colGroup)
	}
}

// resized is a list of n elements, in the memory of list if there is room.
func resized[T any](list []T, n int) []T { return slices.Grow(list[:0], n)[:n] }

func (r *reader) node(n *tomo.Node) {
	c := &r.cursors
	*n = tomo.Node{
		NodeID: tomo.NodeID{
			Name:    c[colNodeName].string(),
			Type:    c[colNodeType].string(),
			Account: c[colNodeAccount].string(),
		},
		State:  word[tomo.State](r, states[:], &c[colNodeState]),
		Root:   c[colNodeRoot].bool(),
		Region: c[colNodeRegion].string(),
	}
}

func (r *reader) unit(u *tomo.Unit) {
	c := &r.cursors
	*u = tomo.Unit{
		Node:         int(c[colUnitNode].int()),
		Received:     c[colUnitReceived].time(),
		Start:        c[colUnitStart].time(),
		End:          c[colUnitEnd].time(),
		ResponseTime: c[colUnitResponseTime].duration(),
		Duration:     c[colUnitDuration].duration(),
		Outcome:      word[tomo.Outcome](r, outcomes[:], &c[colUnitOutcome]),
		Status:       int(c[colUnitStatus].int()),
		Inferred:     c[colUnitInferred].bool(),
		Open:         c[colUnitOpen].bool(),
	}
}

func (r *reader) call(call *tomo.Call) {
	c := &r.cursors
	*call = tomo.Call{
		From:         int(c[colCallFrom].int()),
		To:           int(c[colCallTo].int()),
		Received:     c[colCallReceived].time(),
		ResponseTime: c[colCallResponseTime].duration(),
		Outcome:      word[tomo.Outcome](r, outcomes[:], &c[colCallOutcome]),
		Status:       int(c[colCallStatus].int()),
		Open:         c[colCallOpen].bool(),
		AliasName:    c[colCallAliasName].string(),
		AliasType:    c[colCallAliasType].string(),
	}
}

func (r *reader) annotation(a *tomo.SummaryAnnotation) {
	c := &r.cursors
	*a = tomo.SummaryAnnotation{}
	a.Key = c[colAnnotationKey].string()
	a.Value.Kind = word[tomo.ValueKind](r, kinds[:], &c[colAnnotationKind])
	if c[colAnnotationString].there() {
		a.Value.String = c[colAnnotationString].string()
	}
	if c[colAnnotationNumber].there() {
		a.Value.Number = c[colAnnotationNumber].float()
	}
	if c[colAnnotationBool].there() {
		a.Value.Bool = c[colAnnotationBool].bool()
	}
	a.Nodes = c[colAnnotationNodes].nodes()
}

func (r *reader) strings(list []string, column int) []string {
	list = resized(list, r.list(column, column))
	for i := range list {
		list[i] = r.cursors[column].string()
	}
	return list
}

// SummariesOf reads the summaries of some rows, which must be in ascending
// order. Rows of one page are read together. Empty lists in them are nil.
func (b *Block) SummariesOf(rows []int) (list []*tomo.Summary, err error) {
	defer rescue("reading summaries", &err)
	r := readers.Get().(*reader)
	defer r.release()
	list = make([]*tomo.Summary, 0, len(rows))
	err = b.visit(r, rows, summaryColumns, func() error {
		s, err := r.summary()
		list = append(list, s)
		return err
	})
	return list, err
}

// Place is where a row stands among all traces, and when it last changed.
type Place struct {
	tomo.Position
	Received tomo.Time
}

// Places reads the places of some rows, which must be in ascending order.
func (b *Block) Places(rows []int) (list []Place, err error) {
	defer rescue("reading places", &err)
	r := readers.Get().(*reader)
	defer r.release()
	list = make([]Place, 0, len(rows))
	err = b.visit(r, rows, placeColumns, func() error {
		c := &r.cursors
		list = append(list, Place{tomo.Position{Start: c[colStart].time(), ID: c[colID].id()}, c[colReceived].time()})
		return nil
	})
	return list, err
}

var (
	placeColumns   = []int{colID, colStart, colReceived}
	summaryColumns = func() (list []int) {
		for c := range colText {
			list = append(list, c)
		}
		return list
	}()
)
