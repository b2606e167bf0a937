package api

import (
	"encoding/json"
	"maps"
	"slices"
)

// Question is something that a Tomo server answers its console and its command
// line, and that is no operation of X-Ray. It is asked like one, with a POST of
// one JSON object; docs/console-api.md describes them.
type Question struct {
	Name    string
	Path    string
	Request *Shape // a structure
}

// The questions.
var (
	AskAnalysis = Question{"Analysis", "/console/api/analysis", structure(
		startTime, endTime,
		optional("Attributes", list(text(1, 250), 16)),
		optional("Buckets", integer(0, 1000)),
		optional("Compare", anyText),
		optional("CompareEndTime", timestamp),
		optional("CompareStartTime", timestamp),
		optional("Differences", integer(0, 1000)),
		optional("Documents", integer(0, 250_000)),
		optional("Dots", integer(0, 10_000)),
		optional("FilterExpression", anyText),
		shownGroupName,
		optional("Measure", oneOf(MeasureResponseTime, MeasureDuration)),
		optional("Order", oneOf(OrderNewest, OrderOldest, OrderSlowest, OrderFastest)),
		optional("TimeRangeType", oneOf(TimeRangeTraceID, TimeRangeService, TimeRangeEvent)),
		optional("Top", integer(0, 1000)),
		optional("Traces", integer(0, 1000)),
	)}
	AskCompletion = Question{"Completion", "/console/api/completion", structure(
		optional("Cursor", count),
		optional("EndTime", timestamp),
		optional("Limit", integer(0, 200)),
		optional("StartTime", timestamp),
		required("Text", text(0, 8192)),
	)}
)

// Decode reads the body of a request into a pointer to a struct with its
// members, like Operation.Decode, but a member that is not known is an error.
func (q Question) Decode(body []byte, request any) error {
	if err := decode(body, q.Request, request); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // it was read before
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if q.Request.member(name) == nil {
			return Invalid("the request has no member \"" + name + "\"")
		}
	}
	return nil
}

// AnalysisTimeoutException says that an analysis took too long.
const AnalysisTimeoutException = "AnalysisTimeoutException"

// ProgressType is the media type of an answer with progress: JSON texts, one a
// line. A client that accepts it gets lines of AnalysisLine, the last of which
// has the Answer or the Error.
const ProgressType = "application/x-ndjson"

// AnalysisLine is a line of an answer with progress. One of the members is there.
type AnalysisLine struct {
	Answer   *Analysis         `json:",omitempty"`
	Error    *AnalysisError    `json:",omitempty"`
	Progress *AnalysisProgress `json:",omitempty"`
}

// AnalysisError is an exception in an answer that has begun.
type AnalysisError struct {
	Message string
	Type    string `json:"__type"`
}

// AnalysisProgress is how far an analysis is, in traces.
type AnalysisProgress struct {
	Looked int64 // summaries looked at
	Read   int64 // traces read whole
	ToRead int64 // as far as is known
	Total  int64 // summaries to look at
}

// The values of AnalysisRequest.Measure.
const (
	MeasureResponseTime = "ResponseTime"
	MeasureDuration     = "Duration"
)

// The values of AnalysisRequest.Order. Slowest and fastest go by the measure.
const (
	OrderNewest  = "Newest"
	OrderOldest  = "Oldest"
	OrderSlowest = "Slowest"
	OrderFastest = "Fastest"
)

// AnalysisRequest asks what one set of traces is like, or how two compare.
type AnalysisRequest struct {
	Attributes       []string `json:",omitempty"` // up to 16
	Buckets          int      `json:",omitempty"` // of the series, at most: 2 to 1,000; 0: no series
	Compare          *string  `json:",omitempty"` // the filter of a second set
	CompareEndTime   *Time    `json:",omitempty"` // its time; both or neither: that of the first
	CompareStartTime *Time    `json:",omitempty"`
	Differences      int      `json:",omitempty"` // to list, at most 1,000
	Documents        int      `json:",omitempty"` // traces to read whole for root causes, at most 250,000; 0: 50,000
	Dots             int      `json:",omitempty"` // of the scatter plot, at most: 250 to 10,000; 0: no plot
	EndTime          *Time
	FilterExpression string `json:",omitempty"`
	GroupName        string `json:",omitempty"`
	Measure          string `json:",omitempty"` // ResponseTime if empty
	Order            string `json:",omitempty"` // of the traces that are listed; Newest if empty
	StartTime        *Time
	TimeRangeType    string `json:",omitempty"` // TraceId if empty
	Top              int    `json:",omitempty"` // values of each attribute, at most 1,000; 0: 20
	Traces           int    `json:",omitempty"` // of each set to list, at most 1,000; 0: none
}

// Analysis is the answer.
type Analysis struct {
	Attributes  []AnalysisAttribute
	BothCount   int64   // traces in both sets
	BucketWidth *Double // seconds; null without a series
	Compared    int     // values that were compared for Differences
	Differences []AnalysisDifference
	// DroppedCount is how many traces that began in the minutes of the window keep
	// rules dropped: of the group, or of all. Nothing else here counts them.
	DroppedCount int64
	Sets         []AnalysisSet // one, or two with Compare
	TotalCount   int64         // traces in the window
}

// AnalysisSet is what one set is like.
type AnalysisSet struct {
	AnalysisCounts
	AllDots      bool // each dot is one trace
	Dots         []AnalysisDot
	DroppedCount int64 // as Analysis.DroppedCount, of the set's own window
	Duration     AnalysisTimes
	ResponseTime AnalysisTimes
	Series       []AnalysisBucket
	WindowCount  int64          // traces in the set's own window, whatever their set
	Traces       []TraceSummary // null if none were asked for
}

// AnalysisCounts counts traces by how their root ended.
type AnalysisCounts struct {
	ErrorCount    int64
	FaultCount    int64
	OkCount       int64
	RootlessCount int64 // the root is not there yet
	ThrottleCount int64
	TotalCount    int64
}

// AnalysisTimes is how a time of the traces is spread. The percentiles are
// null if no trace has one.
type AnalysisTimes struct {
	Count         int64 // traces that have one
	Histogram     []HistogramEntry
	P50, P90, P95 *Double // seconds
	P99           *Double
}

// AnalysisBucket is the traces of a part of the window.
type AnalysisBucket struct {
	AnalysisCounts
	Time Time // where it begins
}

// AnalysisDot is a trace in the scatter plot.
type AnalysisDot struct {
	Count   int64  // traces that it stands for, itself among them
	ID      string `json:"Id"`
	Outcome string // ok, error, throttle, fault or rootless
	Seconds Double
	Time    Time
}

// AnalysisAttribute is how the values of an attribute are spread over the sets.
type AnalysisAttribute struct {
	Complete bool   // every value was counted
	Eligible *int64 // of an attribute that takes documents: traces that can have a value
	Examined *int64 // and those of them that were read
	Name     string
	Sets     []AnalysisSpread // as many as there are sets
	Values   []AnalysisValue
}

// AnalysisSpread is what all values together have in a set.
type AnalysisSpread struct {
	DistinctCount  int64 // values
	LeftCount      int64 // of them, those that are not listed
	LeftValueCount int64 // how often these are there
	ValueCount     int64 // how often all values are there; a trace may have several
	WithCount      int64 // traces that have a value
}

// AnalysisValue is one value.
type AnalysisValue struct {
	FilterExpression string            // matches just the traces with the value
	Sets             []AnalysisFigures // as many as there are sets
	Value            any               // a string, a number or a boolean
}

// AnalysisFigures is the traces of a set that have a value.
type AnalysisFigures struct {
	AnalysisCounts
	P50, P95 *Double // seconds, of the measure
	Share    *Double // of the traces of the set; null if not all eligible ones were examined
}

// AnalysisDifference is a value by which two sets differ.
type AnalysisDifference struct {
	Attribute        string
	Counts           []int64
	FilterExpression string
	Score            Double // by how much the shares differ at the least
	Shares           []Double
	Value            any
}

// CompletionRequest asks how a filter expression may go on.
type CompletionRequest struct {
	Cursor    int   // place in Text, in UTF-16 code units as browsers count them
	EndTime   *Time `json:",omitempty"`
	Limit     int   `json:",omitempty"` // suggestions, at most 200; 0: 50
	StartTime *Time `json:",omitempty"`
	Text      string
}

// Completion is the answer.
type Completion struct {
	From        int                // what a suggestion takes the place of, in UTF-16 code units
	Problem     *CompletionProblem // what is wrong with the text as it is; null if nothing
	Suggestions []Suggestion
	To          int
}

// CompletionProblem is where and why a text is no expression.
type CompletionProblem struct {
	At      int // in UTF-16 code units
	Message string
}

// Suggestion is a way to go on.
type Suggestion struct {
	Count *int64 // traces that have it, of those looked at; null: not known
	Doc   string
	Kind  string // keyword, operator, service, key, value or group
	Label string // to show
	Text  string // to put there
}
