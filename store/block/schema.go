package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// schemaVersion is written into every block under the key tomo.schema. It
// grows when a column is added, goes or changes its meaning.
//
// Blocks of earlier versions are read too: what they do not have is not known of
// their rows. Graphs of version 1 are made again from the rows.
const (
	schemaVersion       = "3"
	withoutCompleteness = "2" // the column incomplete
	withoutGroups       = "1" // and the column groups
)

// absent are the columns that the blocks of earlier versions do not have.
var absent = map[string][]int{
	schemaVersion:       nil,
	withoutCompleteness: {colIncomplete},
	withoutGroups:       {colIncomplete, colGroup},
}

// The keys of a block's metadata.
const (
	schemaKey = "tomo.schema"
	infoKey   = "tomo.info"
	graphsKey = "tomo.graphs"
	valuesKey = "tomo.values"
)

// trace is the schema of a block as a Go type: one row. Nothing is read or
// written through it, because reflection costs too much; any Parquet library
// may use the like of it. docs/storage-format.md says what the columns mean.
//
// Repeated strings are dictionary encoded. Strings that mostly differ are not:
// a dictionary as large as its column would have to be read for every row.
type trace struct {
	ID           [16]byte `parquet:"id,uncompressed"`
	Start        int64    `parquet:"start,timestamp(microsecond),delta"`
	Began        int64    `parquet:"began,timestamp(microsecond),delta"`
	Received     int64    `parquet:"received,timestamp(microsecond),delta"`
	DurationUS   int64    `parquet:"duration_us,optional,delta"`
	ResponseUS   int64    `parquet:"response_time_us,optional,delta"`
	FirstEnd     int64    `parquet:"first_end,optional,timestamp(microsecond),delta"`
	LastEnd      int64    `parquet:"last_end,optional,timestamp(microsecond),delta"`
	Revision     int64    `parquet:"revision,delta"`
	Count        int64    `parquet:"document_count,delta"`
	HasFault     bool     `parquet:"has_fault"`
	HasError     bool     `parquet:"has_error"`
	HasThrottle  bool     `parquet:"has_throttle"`
	IsPartial    bool     `parquet:"is_partial"`
	Incomplete   bool     `parquet:"incomplete,optional"`
	LimitReached bool     `parquet:"limit_exceeded"`
	EntryPoint   int32    `parquet:"entry_point,optional,delta"`
	HTTP         struct {
		Method       string `parquet:"method,dict"`
		URL          string `parquet:"url,plain"`
		UserAgent    string `parquet:"user_agent,dict"`
		ClientIP     string `parquet:"client_ip,plain"`
		Status       int64  `parquet:"status,delta"`
		ForwardedFor bool   `parquet:"forwarded_for"`
		Traced       bool   `parquet:"traced"`
	} `parquet:"http"`
	Nodes []struct {
		Name    string `parquet:"name,dict"`
		Type    string `parquet:"type,dict"`
		Account string `parquet:"account,dict"`
		State   string `parquet:"state,dict"`
		Root    bool   `parquet:"root"`
		Region  string `parquet:"region,dict"`
	} `parquet:"nodes,list"`
	Units []struct {
		Node       int32  `parquet:"node,delta"`
		Received   int64  `parquet:"received,timestamp(microsecond),delta"`
		Start      int64  `parquet:"start,timestamp(microsecond),delta"`
		End        int64  `parquet:"end,timestamp(microsecond),delta"`
		ResponseUS int64  `parquet:"response_time_us,optional,delta"`
		DurationUS int64  `parquet:"duration_us,optional,delta"`
		Outcome    string `parquet:"outcome,dict"`
		Status     int64  `parquet:"status,delta"`
		Inferred   bool   `parquet:"inferred"`
		Open       bool   `parquet:"open"`
	} `parquet:"units,list"`
	Calls []struct {
		From       int32  `parquet:"from,delta"`
		To         int32  `parquet:"to,delta"`
		Received   int64  `parquet:"received,timestamp(microsecond),delta"`
		ResponseUS int64  `parquet:"response_time_us,optional,delta"`
		Outcome    string `parquet:"outcome,dict"`
		Status     int64  `parquet:"status,delta"`
		Open       bool   `parquet:"open"`
		AliasName  string `parquet:"alias_name,dict"`
		AliasType  string `parquet:"alias_type,dict"`
	} `parquet:"calls,list"`
	Annotations []struct {
		Key    string  `parquet:"key,dict"`
		Kind   string  `parquet:"kind,dict"`
		String string  `parquet:"string,optional,plain"`
		Number float64 `parquet:"number,optional"`
		Bool   bool    `parquet:"bool,optional"`
		Nodes  []int32 `parquet:"nodes,list" parquet-element:",delta"`
	} `parquet:"annotations,list"`
	Users []struct {
		Name  string  `parquet:"name,plain"`
		Nodes []int32 `parquet:"nodes,list" parquet-element:",delta"`
	} `parquet:"users,list"`
	ResourceARNs      []string `parquet:"resource_arns,list" parquet-element:",dict"`
	InstanceIDs       []string `parquet:"instance_ids,list" parquet-element:",dict"`
	AvailabilityZones []string `parquet:"availability_zones,list" parquet-element:",dict"`
	Groups            []string `parquet:"groups,list" parquet-element:",dict"`
	Documents         []struct {
		Text     []byte `parquet:"text,plain"`
		Received int64  `parquet:"received,timestamp(microsecond),delta"`
	} `parquet:"documents,list"`
}

// The leaf columns, in the order of the schema.
const (
	colID = iota
	colStart
	colBegan
	colReceived
	colDuration
	colResponseTime
	colFirstEnd
	colLastEnd
	colRevision
	colDocumentCount
	colHasFault
	colHasError
	colHasThrottle
	colIsPartial
	colIncomplete
	colLimitExceeded
	colEntryPoint
	colMethod
	colURL
	colUserAgent
	colClientIP
	colStatus
	colForwardedFor
	colTraced
	colNodeName
	colNodeType
	colNodeAccount
	colNodeState
	colNodeRoot
	colNodeRegion
	colUnitNode
	colUnitReceived
	colUnitStart
	colUnitEnd
	colUnitResponseTime
	colUnitDuration
	colUnitOutcome
	colUnitStatus
	colUnitInferred
	colUnitOpen
	colCallFrom
	colCallTo
	colCallReceived
	colCallResponseTime
	colCallOutcome
	colCallStatus
	colCallOpen
	colCallAliasName
	colCallAliasType
	colAnnotationKey
	colAnnotationKind
	colAnnotationString
	colAnnotationNumber
	colAnnotationBool
	colAnnotationNodes
	colUserName
	colUserNodes
	colResourceARN
	colInstanceID
	colAvailabilityZone
	colGroup
	colText
	colTextReceived
	numColumns
)

var schema = parquet.SchemaOf(trace{})

// column is what has to be known of a leaf column to read and write it.
type column struct {
	number         int
	path           string // with dots
	kind           parquet.Kind
	encoding       format.Encoding
	compressed     bool // with zstd
	bounded        bool // it has bounds, as all columns but raw bytes have
	maxRep, maxDef byte
}

// columns holds the leaf columns by their numbers.
var columns = func() (list [numColumns]column) {
	for i, path := range schema.Columns() {
		leaf, _ := schema.Lookup(path...)
		kind := leaf.Node.Type()
		list[i] = column{
			number:     i,
			path:       strings.Join(path, "."),
			kind:       kind.Kind(),
			encoding:   format.Plain,
			compressed: leaf.Node.Compression() == nil,
			bounded:    kind.Kind() != parquet.ByteArray || kind.LogicalType() != nil,
			maxRep:     byte(leaf.MaxRepetitionLevel),
			maxDef:     byte(leaf.MaxDefinitionLevel),
		}
		if e := leaf.Node.Encoding(); e != nil {
			list[i].encoding = e.Encoding()
		}
	}
	return list
}()

// list is the path of the list that the column is an element of, or in.
func (c *column) list() string { return c.path[:strings.LastIndexByte(c.path, '.')] }

// compare orders two values of the column that are as PLAIN has them, without a
// length.
func (c *column) compare(a, b []byte) int {
	switch c.kind {
	case parquet.Int32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case parquet.Int64:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case parquet.Double:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	default:
		return bytes.Compare(a, b)
	}
}

// empty is the footer of a file of this schema with nothing in it, as the
// library writes it.
var empty = sync.OnceValue(func() format.FileMetaData {
	var file bytes.Buffer
	w := parquet.NewGenericWriter[trace](&file, schema, parquet.CreatedBy("tomo", schemaVersion, ""))
	if err := w.Close(); err != nil {
		panic(err) // there is nothing to go wrong
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		panic(err)
	}
	return *f.Metadata()
})
