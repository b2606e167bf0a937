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
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/tomotrace/tomo"
)

// Options are the choices of a writer. The zero value is what stores use.
type Options struct {
	// RowGroupSize is how many bytes of compressed pages are held in memory
	// before they are written as a row group; 0 is 16 MiB.
	RowGroupSize int64
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

	Bytes int64 `json:"bytes,omitempty"` // size of the file
}

// Write writes a block of the rows, in any order, to w. It sorts the slice by
// start, then id: the newest rows are the tail of the file. Text in summaries
// that is not UTF-8 is repaired with U+FFFD; documents stay as they are.
//
// After an error w holds no block.
func Write(w io.Writer, rows []tomo.Settled, o Options) (Info, error) {
	slices.SortFunc(rows, func(a, b tomo.Settled) int { return compareRows(a.Summary, b.Summary) })
	b := newWriter(w, o)
	for i := range rows {
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
	pageRows   = 1024    // rows of a page of summary columns
	pageValues = 1 << 16 // values of all summary columns in such a page
	pageText   = 120 << 10
	// drainValues is how many values wait before they go to the columns: as
	// many as stay in the processor's cache.
	drainValues = 1 << 12

	defaultRowGroupSize = 16 << 20
)

// writer makes a block out of rows that come in order.
//
// Values are gathered column by column and given to the library in batches.
// Pages of all summary columns end at the same row, so that reading a few rows
// touches one page of each; pages of documents end when they are full.
type writer struct {
	parquet *parquet.GenericWriter[trace]
	columns []*parquet.ColumnWriter
	codec   codec
	out     sink

	pending [numColumns][]parquet.Value
	waiting int // values in pending
	rows    int // rows in the open page
	values  int // values in the open page
	text    int // bytes in the open page of documents

	groupSize int64 // when a row group is full
	flushed   int64 // size of the finished row groups

	info   Info
	hashes []uint64
	graphs graphs
}

var writers = sync.Pool{New: func() any {
	w := &writer{codec: newCodec()}
	w.parquet = parquet.NewGenericWriter[trace](io.Discard, schema,
		parquet.Compression(w.codec),
		parquet.DataPageVersion(1),
		parquet.DataPageStatistics(false),
		parquet.PageBufferSize(128<<10),
		parquet.WriteBufferSize(0),
		parquet.CreatedBy("tomo", schemaVersion, ""),
		parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("start"), parquet.Ascending("id"))),
	)
	w.columns = w.parquet.ColumnWriters()
	return w
}}

func newWriter(out io.Writer, o Options) *writer {
	w := writers.Get().(*writer)
	w.out = sink{w: out}
	w.parquet.Reset(&w.out)
	w.groupSize = cmp.Or(o.RowGroupSize, defaultRowGroupSize)
	w.flushed = 0
	w.info = Info{
		MinStart: math.MaxInt64, MaxStart: math.MinInt64,
		MinReceived: math.MaxInt64, MaxReceived: math.MinInt64,
		MinReceipt: math.MaxInt64, MinEnd: math.MaxInt64, MaxEnd: math.MinInt64,
	}
	w.hashes = w.hashes[:0]
	w.graphs = graphs{}
	return w
}

// release gives the writer's memory to the next one. A writer that failed is
// left to the garbage collector: nobody knows what the library holds.
func (w *writer) release() {
	// Reset clears the metadata of the file that was written, parts of which are
	// the writer's own and would be missing in the next file.
	groups := w.parquet.File().Metadata().RowGroups
	for i := range groups {
		groups[i].SortingColumns = slices.Clone(groups[i].SortingColumns)
		for c := range groups[i].Columns {
			path := &groups[i].Columns[c].MetaData.PathInSchema
			*path = slices.Clone(*path)
		}
	}
	w.out = sink{}
	w.parquet.Reset(io.Discard)
	w.graphs = graphs{}
	for i := range w.pending {
		clear(w.pending[i][:cap(w.pending[i])]) // they point to the rows' strings
	}
	writers.Put(w)
}

// add appends a row.
func (w *writer) add(row *tomo.Settled) error {
	s := row.Summary
	w.addTrace(s)
	if err := w.addLists(s); err != nil {
		return fmt.Errorf("trace %v: %w", s.ID, err)
	}
	if err := w.addDocuments(row.Documents); err != nil {
		return err
	}
	w.graphs.add(s)
	w.hashes = append(w.hashes, Hash(s.ID))
	w.info.add(row)
	w.rows++
	if w.waiting >= drainValues {
		if err := w.drain(); err != nil {
			return err
		}
	}
	if w.rows >= pageRows || w.values >= pageValues {
		return w.flushPages()
	}
	return nil
}

// addTrace appends what there is once a trace.
func (w *writer) addTrace(s *tomo.Summary) {
	first, last := ends(s)
	w.put(colID, parquet.FixedLenByteArrayValue(s.ID[:]), 0, 0)
	w.put(colStart, moment(s.Start), 0, 0)
	w.put(colBegan, moment(s.Began), 0, 0)
	w.put(colReceived, moment(s.Received), 0, 0)
	w.duration(colDuration, s.Duration, 0, 0)
	w.duration(colResponseTime, s.ResponseTime, 0, 0)
	w.optional(colFirstEnd, moment(first), first <= last, 0, 0)
	w.optional(colLastEnd, moment(last), first <= last, 0, 0)
	w.put(colRevision, number(s.Revision), 0, 0)
	w.put(colDocumentCount, number(s.Documents), 0, 0)
	w.put(colHasFault, parquet.BooleanValue(s.HasFault), 0, 0)
	w.put(colHasError, parquet.BooleanValue(s.HasError), 0, 0)
	w.put(colHasThrottle, parquet.BooleanValue(s.HasThrottle), 0, 0)
	w.put(colIsPartial, parquet.BooleanValue(s.IsPartial), 0, 0)
	w.put(colLimitExceeded, parquet.BooleanValue(s.LimitExceeded), 0, 0)
	w.optional(colEntryPoint, index(s.EntryPoint), s.EntryPoint >= 0, 0, 0)
	w.put(colMethod, text(s.HTTP.Method), 0, 0)
	w.put(colURL, text(s.HTTP.URL), 0, 0)
	w.put(colUserAgent, text(s.HTTP.UserAgent), 0, 0)
	w.put(colClientIP, text(s.HTTP.ClientIP), 0, 0)
	w.put(colStatus, number(s.HTTP.Status), 0, 0)
	w.put(colForwardedFor, parquet.BooleanValue(s.HTTP.ForwardedFor), 0, 0)
	w.put(colTraced, parquet.BooleanValue(s.HTTP.Traced), 0, 0)
	w.count(colTraced + 1)
}

// addLists appends the nodes, units, calls and all else that there may be any
// number of.
func (w *writer) addLists(s *tomo.Summary) error {
	w.empty(len(s.Nodes), colNodeName, colNodeRegion)
	for i := range s.Nodes {
		n, r := &s.Nodes[i], min(i, 1)
		if int(n.State) >= len(states) {
			return fmt.Errorf("node %q has the unknown state %d", n.Name, n.State)
		}
		w.put(colNodeName, text(n.Name), r, 1)
		w.put(colNodeType, text(n.Type), r, 1)
		w.put(colNodeAccount, text(n.Account), r, 1)
		w.put(colNodeState, text(states[n.State]), r, 1)
		w.put(colNodeRoot, parquet.BooleanValue(n.Root), r, 1)
		w.put(colNodeRegion, text(n.Region), r, 1)
	}
	w.empty(len(s.Units), colUnitNode, colUnitOpen)
	for i := range s.Units {
		u, r := &s.Units[i], min(i, 1)
		if int(u.Outcome) >= len(outcomes) {
			return fmt.Errorf("unit %d has the unknown outcome %d", i, u.Outcome)
		}
		w.put(colUnitNode, index(u.Node), r, 1)
		w.put(colUnitReceived, moment(u.Received), r, 1)
		w.put(colUnitStart, moment(u.Start), r, 1)
		w.put(colUnitEnd, moment(u.End), r, 1)
		w.duration(colUnitResponseTime, u.ResponseTime, r, 1)
		w.duration(colUnitDuration, u.Duration, r, 1)
		w.put(colUnitOutcome, text(outcomes[u.Outcome]), r, 1)
		w.put(colUnitStatus, number(u.Status), r, 1)
		w.put(colUnitInferred, parquet.BooleanValue(u.Inferred), r, 1)
		w.put(colUnitOpen, parquet.BooleanValue(u.Open), r, 1)
	}
	w.empty(len(s.Calls), colCallFrom, colCallAliasType)
	for i := range s.Calls {
		c, r := &s.Calls[i], min(i, 1)
		if int(c.Outcome) >= len(outcomes) {
			return fmt.Errorf("call %d has the unknown outcome %d", i, c.Outcome)
		}
		w.put(colCallFrom, index(c.From), r, 1)
		w.put(colCallTo, index(c.To), r, 1)
		w.put(colCallReceived, moment(c.Received), r, 1)
		w.duration(colCallResponseTime, c.ResponseTime, r, 1)
		w.put(colCallOutcome, text(outcomes[c.Outcome]), r, 1)
		w.put(colCallStatus, number(c.Status), r, 1)
		w.put(colCallOpen, parquet.BooleanValue(c.Open), r, 1)
		w.put(colCallAliasName, text(c.AliasName), r, 1)
		w.put(colCallAliasType, text(c.AliasType), r, 1)
	}
	w.empty(len(s.Annotations), colAnnotationKey, colAnnotationNodes)
	for i := range s.Annotations {
		a, r := &s.Annotations[i], min(i, 1)
		v := &a.Value
		if int(v.Kind) >= len(kinds) {
			return fmt.Errorf("annotation %q is of the unknown kind %d", a.Key, v.Kind)
		}
		w.put(colAnnotationKey, text(a.Key), r, 1)
		w.put(colAnnotationKind, text(kinds[v.Kind]), r, 1)
		w.optional(colAnnotationString, text(v.String), v.Kind == tomo.StringValue, r, 1)
		w.optional(colAnnotationNumber, parquet.DoubleValue(v.Number), v.Kind == tomo.NumberValue, r, 1)
		w.optional(colAnnotationBool, parquet.BooleanValue(v.Bool), v.Kind == tomo.BoolValue, r, 1)
		w.nodes(colAnnotationNodes, a.Nodes, r)
	}
	w.empty(len(s.Users), colUserName, colUserNodes)
	for i := range s.Users {
		u, r := &s.Users[i], min(i, 1)
		w.put(colUserName, text(u.Name), r, 1)
		w.nodes(colUserNodes, u.Nodes, r)
	}
	w.strings(colResourceARN, s.ResourceARNs)
	w.strings(colInstanceID, s.InstanceIDs)
	w.strings(colAvailabilityZone, s.AvailabilityZones)
	w.count(8 + 6*len(s.Nodes) + 10*len(s.Units) + 9*len(s.Calls) + 7*len(s.Annotations))
	return nil
}

// addDocuments appends the documents of a row. Their text goes to the column
// at once, without waiting in between: it is most of what there is to copy.
func (w *writer) addDocuments(docs []tomo.RawDocument) error {
	w.empty(len(docs), colText, colTextReceived)
	for i := range docs {
		r := min(i, 1)
		w.put(colText, parquet.ByteArrayValue(docs[i].Text), r, 1)
		w.put(colTextReceived, moment(docs[i].Received), r, 1)
		w.text += len(docs[i].Text)
	}
	w.count(len(docs))
	if err := w.drainColumn(colText); err != nil {
		return err
	}
	if w.text < pageText {
		return nil
	}
	w.text = 0
	if err := w.columns[colText].Flush(); err != nil {
		return err
	}
	if w.parquet.Size()-w.flushed < w.groupSize {
		return nil
	}
	return w.flushGroup()
}

// put appends one value with its repetition and definition levels.
func (w *writer) put(column int, v parquet.Value, r, d int) {
	v.SetRepetitionLevel(r)
	v.SetDefinitionLevel(d)
	w.pending[column] = append(w.pending[column], v)
}

// optional appends v if it is there; d is the level at which it is null.
func (w *writer) optional(column int, v parquet.Value, there bool, r, d int) {
	if there {
		w.put(column, v, r, d+1)
	} else {
		w.put(column, parquet.Value{}, r, d)
	}
}

func (w *writer) duration(column int, t time.Duration, r, d int) {
	w.optional(column, parquet.Int64Value(t.Microseconds()), t != tomo.Absent, r, d)
}

// empty notes in every column from first to last that a list of n is empty, if
// it is.
func (w *writer) empty(n, first, last int) {
	if n > 0 {
		return
	}
	for c := first; c <= last; c++ {
		w.put(c, parquet.Value{}, 0, 0)
	}
}

// nodes appends the list inside an element that begins at repetition level r.
func (w *writer) nodes(column int, list []int, r int) {
	if len(list) == 0 {
		w.put(column, parquet.Value{}, r, 1)
	}
	for i, n := range list {
		if i > 0 {
			r = 2
		}
		w.put(column, index(n), r, 2)
	}
}

func (w *writer) strings(column int, list []string) {
	w.empty(len(list), column, column)
	for i, s := range list {
		w.put(column, text(s), min(i, 1), 1)
	}
}

// count notes that about n values were appended.
func (w *writer) count(n int) { w.waiting, w.values = w.waiting+n, w.values+n }

func moment(t tomo.Time) parquet.Value { return parquet.Int64Value(int64(t)) }
func number(n int) parquet.Value       { return parquet.Int64Value(int64(n)) }
func index(n int) parquet.Value        { return parquet.Int32Value(int32(n)) }

// text is the value of s, which it shares. Readers of a text column stop at
// bytes that are not UTF-8.
func text(s string) parquet.Value {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(s), len(s)))
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
	i.MinReceipt = min(i.MinReceipt, s.Received)
	for k := range s.Units {
		i.MinReceipt = min(i.MinReceipt, s.Units[k].Received)
	}
	for k := range s.Calls {
		i.MinReceipt = min(i.MinReceipt, s.Calls[k].Received)
	}
}

// drain gives the values that wait to their columns.
func (w *writer) drain() error {
	for c := range w.pending {
		if err := w.drainColumn(c); err != nil {
			return err
		}
	}
	w.waiting = 0
	return nil
}

func (w *writer) drainColumn(c int) error {
	if len(w.pending[c]) == 0 {
		return nil
	}
	_, err := w.columns[c].WriteRowValues(w.pending[c])
	w.pending[c] = w.pending[c][:0]
	return err
}

// flushPages ends the page of every summary column.
func (w *writer) flushPages() error {
	if err := w.drain(); err != nil {
		return err
	}
	w.rows, w.values = 0, 0
	for c, column := range w.columns {
		if c == colText {
			continue
		}
		if err := column.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// flushGroup ends the row group.
func (w *writer) flushGroup() error {
	if err := w.flushPages(); err != nil {
		return err
	}
	w.text = 0
	if err := w.parquet.Flush(); err != nil {
		return err
	}
	w.flushed = w.parquet.Size()
	return nil
}

// close writes what is left and the tail of the file.
func (w *writer) close() (Info, error) {
	if err := w.flushGroup(); err != nil {
		return Info{}, err
	}
	info, err := json.Marshal(w.info)
	if err != nil {
		return Info{}, err
	}
	graphs, err := w.graphs.encode(w.codec.encoder)
	if err != nil {
		return Info{}, err
	}
	w.parquet.SetKeyValueMetadata(schemaKey, schemaVersion)
	w.parquet.SetKeyValueMetadata(infoKey, string(info))
	w.parquet.SetKeyValueMetadata(graphsKey, graphs)
	if w.info.Bytes, err = w.writeTail(); err != nil {
		return Info{}, err
	}
	done := w.info
	w.release()
	return done, nil
}
