package block

import (
	"strings"

	"github.com/parquet-go/parquet-go"
)

// schemaVersion is written into every block under the key tomo.schema. It
// grows when a column is added, goes or changes its meaning.
const schemaVersion = "1"

// The keys of a block's metadata.
const (
	schemaKey = "tomo.schema"
	infoKey   = "tomo.info"
	graphsKey = "tomo.graphs"
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
	colText
	colTextReceived
	numColumns
)

var schema = parquet.SchemaOf(trace{})

// column is what a reader has to know of a leaf column.
type column struct {
	number         int
	path           string // with dots
	kind           parquet.Kind
	maxRep, maxDef byte
}

// columns holds the leaf columns by their numbers.
var columns = func() (list [numColumns]column) {
	for i, path := range schema.Columns() {
		leaf, _ := schema.Lookup(path...)
		list[i] = column{
			number: i,
			path:   strings.Join(path, "."),
			kind:   leaf.Node.Type().Kind(),
			maxRep: byte(leaf.MaxRepetitionLevel),
			maxDef: byte(leaf.MaxDefinitionLevel),
		}
	}
	return list
}()
