package block

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// Options are the choices of a writer. The zero value is what stores use.
type Options struct {
	// RowGroupSize is how many bytes of compressed pages are held in memory
	// before they are written as a row group; 0 is 16 MiB.
	RowGroupSize int64
	// GiveWay is called after each page, which is every fraction of a millisecond,
	// and may take its time where somebody waits for a processor. nil: nothing is
	// called.
	GiveWay func()
}

// Info is what is known about a block without looking into it. Over no traces,
// or no segments, a minimum is the latest of all times and a maximum the
// earliest, so that their range overlaps nothing.
type Info struct {
	Rows      int `json:"rows"` // traces
	Documents int `json:"documents"`

	// Of Summary.Start, Summary.Received and the ends of closed segments,
	// inferred ones left out.
	MinStart    tomo.Time `json:"min_start"`
	MaxStart    tomo.Time `json:"max_start"`
	MinReceived tomo.Time `json:"min_received"`
	MaxReceived tomo.Time `json:"max_received"`
	// MinReceipt is the earliest receipt of a trace, unit or call. The graphs lie
	// between it and MaxReceived.
	MinReceipt tomo.Time `json:"min_receipt"`
	MinEnd     tomo.Time `json:"min_end"`
	MaxEnd     tomo.Time `json:"max_end"`

	Dropped DroppedInfo `json:"dropped,omitzero"`

	Bytes int64 `json:"bytes,omitempty"` // size of the file
}

// Newest is the latest start of a trace, the dropped ones included.
func (i *Info) Newest() tomo.Time {
	if i.Dropped.Traces == 0 {
		return i.MaxStart
	}
	return max(i.MaxStart, i.Dropped.MaxStart)
}

// Changed is the latest receipt of anything, the dropped traces included.
func (i *Info) Changed() tomo.Time {
	if i.Dropped.Traces == 0 {
		return i.MaxReceived
	}
	return max(i.MaxReceived, i.Dropped.MaxReceipt)
}

// DroppedInfo is what is known about the traces that left no row. It is zero if
// there were none.
type DroppedInfo struct {
	Traces    int64 `json:"traces"`
	Documents int64 `json:"documents"`
	Bytes     int64 `json:"bytes"`

	// Of Summary.Start, and of what the graphs count.
	MinStart   tomo.Time `json:"min_start"`
	MaxStart   tomo.Time `json:"max_start"`
	MinReceipt tomo.Time `json:"min_receipt"`
	MaxReceipt tomo.Time `json:"max_receipt"`
}

// Write writes a block of the rows, in any order, to w; those that are dropped
// are counted and left out. It sorts the slice by start, then id: the newest rows
// are the tail of the file. Text in summaries that is not UTF-8 is repaired with
// U+FFFD; documents stay as they are.
//
// After an error w holds no block.
func Write(w io.Writer, rows []tomo.Settled, o Options) (Info, error) {
	slices.SortFunc(rows, func(a, b tomo.Settled) int { return compareRows(a.Summary, b.Summary) })
	b := newWriter(w, o)
	defer b.release()
	for i := range rows {
		if rows[i].Dropped {
			b.drops.add(&rows[i])
			b.info.Dropped.add(&rows[i])
			continue
		}
		if err := b.add(&rows[i]); err != nil {
			return Info{}, fmt.Errorf("writing a block: %w", err)
		}
	}
	info, err := b.close()
	if err != nil {
		return Info{}, fmt.Errorf("writing a block: %w", err)
	}
	return info, nil
}

func compareRows(a, b *tomo.Summary) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), bytes.Compare(a.ID[:], b.ID[:]))
}

// How much goes into a page. A page is what is read and decompressed to get at
// one row, and what neighbours are compressed with.
const (
	pageRows   = 1024      // rows of a page of summary columns
	pageValues = 1 << 19   // about how many values all of them have in such a page
	pageText   = 192 << 10 // bytes

	defaultRowGroupSize = 16 << 20
)

// writer makes a block out of rows that come in order.
//
// Values are gathered column by column. Pages of all summary columns end at the
// same row, so that reading a few rows touches one page of each; pages of
// documents end when they are full.
type writer struct {
	press  *press
	leaves [numColumns]leaf
	levels []*levels // of all leaves but colText

	out       io.Writer
	size      int64 // written to out
	groupSize int64 // when a row group is full
	giveWay   func()

	rows   int // of the open row group
	paged  int // those before the open page of summary columns
	values int // in the open page of summary columns

	annotations values // of the open page of summary columns
	filters     []byte // of the annotations of the pages before

	groups []rowGroup
	info   Info
	hashes []uint64
	tally  *tomo.GroupTally // of the rows
	drops  drops
}

// rowGroup is what the tail tells of a row group.
type rowGroup struct {
	format.RowGroup
	bounds  [numColumns]format.ColumnIndex
	offsets [numColumns]format.OffsetIndex
	values  []byte // filters of its pages' annotations
}

var writers = sync.Pool{New: func() any {
	w := &writer{press: newPress()}
	shared := map[string][2]*levels{}
	for c := range w.leaves {
		l := &w.leaves[c]
		l.column = &columns[c]
		if l.maxRep > 0 {
			list := shared[l.list()]
			if list[0] == nil || c == colText {
				list = [2]*levels{w.newLevels(c, l.maxRep), w.newLevels(c, l.maxDef)}
			}
			if c != colText {
				shared[l.list()] = list
			}
			l.rep, l.def = list[0], list[1]
		}
		if l.maxDef > l.maxRep {
			l.def = w.newLevels(c, l.maxDef)
		}
		if l.encoding == format.RLEDictionary {
			l.words = &dictionary{codes: map[string]int32{}}
		}
		l.clear()
	}
	for c, words := range map[int][]string{colNodeState: states[:], colUnitOutcome: outcomes[:], colCallOutcome: outcomes[:], colAnnotationKind: kinds[:]} {
		w.leaves[c].words = &dictionary{words: words}
	}
	return w
}}

// newLevels makes the levels of a column, or of all columns of its list.
func (w *writer) newLevels(c int, highest byte) *levels {
	l := &levels{highest: highest}
	if c != colText {
		w.levels = append(w.levels, l)
	}
	return l
}

func newWriter(out io.Writer, o Options) *writer {
	w := writers.Get().(*writer)
	w.out = out
	w.groupSize = cmp.Or(o.RowGroupSize, defaultRowGroupSize)
	if w.giveWay = o.GiveWay; w.giveWay == nil {
		w.giveWay = func() {}
	}
	w.info = Info{
		MinStart: math.MaxInt64, MaxStart: math.MinInt64,
		MinReceived: math.MaxInt64, MaxReceived: math.MinInt64,
		MinReceipt: math.MaxInt64, MinEnd: math.MaxInt64, MaxEnd: math.MinInt64,
	}
	w.tally, w.drops = new(tomo.GroupTally), newDrops()
	return w
}

// release gives the writer's memory to the next one.
func (w *writer) release() {
	w.out, w.size, w.giveWay = nil, 0, nil
	w.clearGroup()
	clear(w.groups)
	w.groups, w.hashes, w.tally, w.drops = w.groups[:0], w.hashes[:0], nil, drops{}
	w.press.kept = w.press.kept[:0]
	writers.Put(w)
}

// clearGroup begins a row group.
func (w *writer) clearGroup() {
	for c := range w.leaves {
		w.leaves[c].clearGroup()
	}
	for _, l := range w.levels {
		l.of = l.of[:0]
	}
	text := &w.leaves[colText]
	text.rep.of, text.def.of = text.rep.of[:0], text.def.of[:0]
	w.rows, w.paged, w.values = 0, 0, 0
	w.annotations.clear()
	w.filters = nil // the tail has it
}

// add appends a row.
func (w *writer) add(row *tomo.Settled) error {
	s := row.Summary
	w.addDocuments(row.Documents) // first: most of the summary's strings are parts of them
	w.addTrace(s)
	if err := w.addLists(s); err != nil {
		return fmt.Errorf("trace %v: %w", s.ID, err)
	}
	w.tally.Add(s)
	w.hashes = append(w.hashes, Hash(s.ID))
	w.info.add(row)
	w.rows++
	w.values += 32 + len(row.Documents) + 6*len(s.Nodes) + 10*len(s.Units) + 9*len(s.Calls) + 7*len(s.Annotations) + len(s.Groups)
	if w.rows-w.paged >= pageRows || w.values >= pageValues {
		if err := w.endPages(); err != nil {
			return err
		}
		w.giveWay()
	}
	if len(w.leaves[colText].plain)-room < pageText {
		return nil
	}
	if err := w.endText(); err != nil {
		return err
	}
	w.giveWay()
	if w.buffered() < w.groupSize {
		return nil
	}
	return w.endGroup()
}

// addTrace appends what there is once a trace.
func (w *writer) addTrace(s *tomo.Summary) {
	first, last := ends(s)
	l := &w.leaves
	l[colID].plain = append(l[colID].plain, s.ID[:]...)
	l[colStart].time(s.Start)
	l[colBegan].time(s.Began)
	l[colReceived].time(s.Received)
	l[colDuration].duration(s.Duration)
	l[colResponseTime].duration(s.ResponseTime)
	if l[colFirstEnd].there(first <= last) {
		l[colFirstEnd].time(first)
	}
	if l[colLastEnd].there(first <= last) {
		l[colLastEnd].time(last)
	}
	l[colRevision].int(int64(s.Revision))
	l[colDocumentCount].int(int64(s.Documents))
	l[colHasFault].bool(s.HasFault)
	l[colHasError].bool(s.HasError)
	l[colHasThrottle].bool(s.HasThrottle)
	l[colIsPartial].bool(s.IsPartial)
	if l[colIncomplete].there(s.Completeness != tomo.CompletenessUnknown) {
		l[colIncomplete].bool(s.Completeness == tomo.Incomplete)
	}
	l[colLimitExceeded].bool(s.LimitExceeded)
	if l[colEntryPoint].there(s.EntryPoint >= 0) {
		l[colEntryPoint].int(int64(s.EntryPoint))
	}
	l[colMethod].text(s.HTTP.Method)
	l[colURL].text(s.HTTP.URL)
	l[colUserAgent].text(s.HTTP.UserAgent)
	l[colClientIP].text(s.HTTP.ClientIP)
	l[colStatus].int(int64(s.HTTP.Status))
	l[colForwardedFor].bool(s.HTTP.ForwardedFor)
	l[colTraced].bool(s.HTTP.Traced)
}

// addLists appends the nodes, units, calls and all else that there may be any
// number of.
func (w *writer) addLists(s *tomo.Summary) error {
	l := &w.leaves
	w.list(colNodeName, colNodeRegion, len(s.Nodes))
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if int(n.State) >= len(states) {
			return fmt.Errorf("node %q has the unknown state %d", n.Name, n.State)
		}
		l[colNodeName].text(n.Name)
		l[colNodeType].text(n.Type)
		l[colNodeAccount].text(n.Account)
		l[colNodeState].word(int32(n.State))
		l[colNodeRoot].bool(n.Root)
		l[colNodeRegion].text(n.Region)
	}
	w.list(colUnitNode, colUnitOpen, len(s.Units))
	for i := range s.Units {
		u := &s.Units[i]
		if int(u.Outcome) >= len(outcomes) {
			return fmt.Errorf("unit %d has the unknown outcome %d", i, u.Outcome)
		}
		l[colUnitNode].int(int64(u.Node))
		l[colUnitReceived].time(u.Received)
		l[colUnitStart].time(u.Start)
		l[colUnitEnd].time(u.End)
		l[colUnitResponseTime].duration(u.ResponseTime)
		l[colUnitDuration].duration(u.Duration)
		l[colUnitOutcome].word(int32(u.Outcome))
		l[colUnitStatus].int(int64(u.Status))
		l[colUnitInferred].bool(u.Inferred)
		l[colUnitOpen].bool(u.Open)
	}
	w.list(colCallFrom, colCallAliasType, len(s.Calls))
	for i := range s.Calls {
		c := &s.Calls[i]
		if int(c.Outcome) >= len(outcomes) {
			return fmt.Errorf("call %d has the unknown outcome %d", i, c.Outcome)
		}
		l[colCallFrom].int(int64(c.From))
		l[colCallTo].int(int64(c.To))
		l[colCallReceived].time(c.Received)
		l[colCallResponseTime].duration(c.ResponseTime)
		l[colCallOutcome].word(int32(c.Outcome))
		l[colCallStatus].int(int64(c.Status))
		l[colCallOpen].bool(c.Open)
		l[colCallAliasName].text(c.AliasName)
		l[colCallAliasType].text(c.AliasType)
	}
	w.list(colAnnotationKey, colAnnotationNodes, len(s.Annotations))
	for i := range s.Annotations {
		a := &s.Annotations[i]
		v := &a.Value
		if int(v.Kind) >= len(kinds) {
			return fmt.Errorf("annotation %q is of the unknown kind %d", a.Key, v.Kind)
		}
		w.annotations.add(&a.Annotation)
		l[colAnnotationKey].text(a.Key)
		l[colAnnotationKind].word(int32(v.Kind))
		if l[colAnnotationString].there(v.Kind == tomo.StringValue) {
			l[colAnnotationString].text(v.String)
		}
		if l[colAnnotationNumber].there(v.Kind == tomo.NumberValue) {
			l[colAnnotationNumber].float(v.Number)
		}
		if l[colAnnotationBool].there(v.Kind == tomo.BoolValue) {
			l[colAnnotationBool].bool(v.Bool)
		}
		l[colAnnotationNodes].nodes(i, a.Nodes)
	}
	w.list(colUserName, colUserNodes, len(s.Users))
	for i := range s.Users {
		l[colUserName].text(s.Users[i].Name)
		l[colUserNodes].nodes(i, s.Users[i].Nodes)
	}
	w.strings(colResourceARN, s.ResourceARNs)
	w.strings(colInstanceID, s.InstanceIDs)
	w.strings(colAvailabilityZone, s.AvailabilityZones)
	w.strings(colGroup, s.Groups)
	return nil
}

// addDocuments appends the documents of a row.
func (w *writer) addDocuments(docs []tomo.RawDocument) {
	w.list(colText, colText, len(docs))
	w.list(colTextReceived, colTextReceived, len(docs))
	for i := range docs {
		w.leaves[colText].blob(docs[i].Text)
		w.leaves[colTextReceived].time(docs[i].Received)
	}
}

func (w *writer) strings(column int, list []string) {
	w.list(column, column, len(list))
	for _, s := range list {
		w.leaves[column].text(s)
	}
}

// list notes that the list which the columns from first to last make up has n
// elements. What is optional in an element, or a list, notes its own levels, but
// where there is no element.
func (w *writer) list(first, last, n int) {
	rep, def := w.leaves[first].rep, w.leaves[first].def
	if n > 0 {
		rep.of = append(rep.of, 0)
		def.of = append(def.of, 1)
		for range n - 1 {
			rep.of = append(rep.of, 1)
			def.of = append(def.of, 1)
		}
		return
	}
	rep.of, def.of = append(rep.of, 0), append(def.of, 0)
	for c := first + 1; c <= last; c++ {
		l := &w.leaves[c]
		if l.rep != rep {
			l.rep.of = append(l.rep.of, 0)
		}
		if l.def != def {
			l.def.of = append(l.def.of, 0)
		}
	}
}

// The words for what is a number elsewhere, by that number.
var (
	states   = [...]string{tomo.StateActive: "active", tomo.StateUnknown: "unknown", tomo.StatePassive: "passive"}
	outcomes = [...]string{tomo.OutcomeOK: "ok", tomo.OutcomeError: "error", tomo.OutcomeThrottle: "throttle", tomo.OutcomeFault: "fault"}
	kinds    = [...]string{tomo.StringValue: "string", tomo.NumberValue: "number", tomo.BoolValue: "bool"}
)

// ends is the first and the last end of a closed segment of s; the first is
// after the last if there is none.
func ends(s *tomo.Summary) (first, last tomo.Time) {
	first, last = math.MaxInt64, math.MinInt64
	for i := range s.Units {
		if u := &s.Units[i]; !u.Open && !u.Inferred {
			first, last = min(first, u.End), max(last, u.End)
		}
	}
	return first, last
}

func (i *Info) add(row *tomo.Settled) {
	s := row.Summary
	first, last := ends(s)
	i.Rows++
	i.Documents += len(row.Documents)
	i.MinStart, i.MaxStart = min(i.MinStart, s.Start), max(i.MaxStart, s.Start)
	i.MinReceived, i.MaxReceived = min(i.MinReceived, s.Received), max(i.MaxReceived, s.Received)
	i.MinEnd, i.MaxEnd = min(i.MinEnd, first), max(i.MaxEnd, last)
	receipt, _ := receipts(s)
	i.MinReceipt = min(i.MinReceipt, receipt)
}

// receipts is the first and the last receipt of a trace, its units and calls.
func receipts(s *tomo.Summary) (first, last tomo.Time) {
	first, last = s.Received, s.Received
	for i := range s.Units {
		first, last = min(first, s.Units[i].Received), max(last, s.Units[i].Received)
	}
	for i := range s.Calls {
		first, last = min(first, s.Calls[i].Received), max(last, s.Calls[i].Received)
	}
	return first, last
}

func (i *DroppedInfo) add(row *tomo.Settled) {
	n := sizeOf(row)
	first, last := receipts(row.Summary)
	i.merge(&DroppedInfo{n.Traces, n.Documents, n.Bytes, row.Summary.Start, row.Summary.Start, first, last})
}

func (i *DroppedInfo) merge(o *DroppedInfo) {
	switch {
	case o.Traces == 0:
	case i.Traces == 0:
		*i = *o
	default:
		i.Traces += o.Traces
		i.Documents += o.Documents
		i.Bytes += o.Bytes
		i.MinStart, i.MaxStart = min(i.MinStart, o.MinStart), max(i.MaxStart, o.MaxStart)
		i.MinReceipt, i.MaxReceipt = min(i.MinReceipt, o.MinReceipt), max(i.MaxReceipt, o.MaxReceipt)
	}
}

// endPages ends the page of every summary column.
func (w *writer) endPages() error {
	for _, l := range w.levels {
		if err := l.encode(); err != nil {
			return err
		}
	}
	for c := range w.leaves {
		if c == colText {
			continue
		}
		if err := w.press.endPage(&w.leaves[c], w.rows); err != nil {
			return err
		}
	}
	for _, l := range w.levels {
		l.of = l.of[:0]
	}
	if w.rows > w.paged {
		w.filters = w.annotations.take(w.filters)
	}
	w.paged, w.values = w.rows, 0
	return nil
}

// endText ends the page of documents.
func (w *writer) endText() error {
	l := &w.leaves[colText]
	for _, levels := range []*levels{l.rep, l.def} {
		if err := levels.encode(); err != nil {
			return err
		}
	}
	if err := w.press.endPage(l, w.rows); err != nil {
		return err
	}
	l.rep.of, l.def.of = l.rep.of[:0], l.def.of[:0]
	return nil
}

// buffered is the size of the pages of the open row group.
func (w *writer) buffered() (n int64) {
	for c := range w.leaves {
		n += w.leaves[c].meta.TotalCompressedSize
	}
	return n
}

// endGroup writes the row group and begins the next one.
func (w *writer) endGroup() error {
	if w.rows == 0 {
		return nil
	}
	for _, do := range []func() error{w.endPages, w.endText, w.begin} {
		if err := do(); err != nil {
			return err
		}
	}
	g := rowGroup{RowGroup: format.RowGroup{
		NumRows:        int64(w.rows),
		FileOffset:     w.size,
		Ordinal:        int16(len(w.groups)),
		SortingColumns: []format.SortingColumn{{ColumnIdx: colStart}, {ColumnIdx: colID}},
	}, values: w.filters}
	for c := range w.leaves {
		l := &w.leaves[c]
		if err := w.writeChunk(l); err != nil {
			return err
		}
		g.Columns = append(g.Columns, format.ColumnChunk{MetaData: l.meta})
		g.TotalByteSize += l.meta.TotalUncompressedSize
		g.TotalCompressedSize += l.meta.TotalCompressedSize
		g.bounds[c], g.offsets[c] = l.bounds, l.offsets
	}
	w.groups = append(w.groups, g)
	w.clearGroup()
	return nil
}

// writeChunk writes the pages of a column and completes what is told of them.
func (w *writer) writeChunk(l *leaf) error {
	m := &l.meta
	m.Type = format.Type(l.kind)
	m.PathInSchema = strings.Split(l.path, ".")
	m.Encoding = []format.Encoding{l.encoding}
	m.EncodingStats = []format.PageEncodingStats{{PageType: format.DataPage, Encoding: l.encoding, Count: int32(len(l.offsets.PageLocations))}}
	if l.compressed {
		m.Codec = format.Zstd
	}
	if l.maxDef > 0 {
		m.Encoding = append(m.Encoding, format.RLE)
	}
	if l.words != nil {
		if err := w.press.endDictionary(l); err != nil {
			return err
		}
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
		m.DictionaryPageOffset = w.size
		if err := w.write(l.words.page); err != nil {
			return err
		}
	}
	slices.Sort(m.Encoding)
	m.DataPageOffset = w.size
	for i := range l.offsets.PageLocations {
		l.offsets.PageLocations[i].Offset += m.DataPageOffset
		if err := w.write(l.pages[i]); err != nil {
			return err
		}
	}
	l.bounds.BoundaryOrder = l.order()
	return nil
}

// begin writes what is before the first row group.
func (w *writer) begin() error {
	if w.size > 0 {
		return nil
	}
	return w.write([]byte(magic))
}

func (w *writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.size += int64(n)
	return err
}

// close writes what is left and the tail of the file.
func (w *writer) close() (Info, error) {
	for _, do := range []func() error{w.endGroup, w.begin} {
		if err := do(); err != nil {
			return Info{}, err
		}
	}
	info, err := json.Marshal(w.info)
	if err != nil {
		return Info{}, err
	}
	sections, err := w.writeSections()
	if err != nil {
		return Info{}, err
	}
	err = w.writeTail([]format.KeyValue{
		{Key: graphsKey, Value: sections},
		{Key: infoKey, Value: string(info)},
		{Key: schemaKey, Value: schemaVersion},
	})
	if err != nil {
		return Info{}, err
	}
	w.info.Bytes = w.size
	return w.info, nil
}
