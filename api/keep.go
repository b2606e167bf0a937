package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// The paths of keep rules. They are no operations of X-Ray.
const (
	// KeepRulesPath answers KeepRules to GET, and takes them with PUT.
	KeepRulesPath = "/console/api/keep-rules"
	// KeepTestPath takes a KeepTest with POST and answers a KeepDecision.
	KeepTestPath = "/console/api/keep-rules/test"
	// KeepPreviewPath takes a KeepPreview with POST and answers a KeepForecast.
	KeepPreviewPath = "/console/api/keep-rules/preview"
)

// KeepRules are all keep rules, in order: the first that a trace matches when
// it settles decides about it.
type KeepRules struct {
	// Revision is that of the rules which were read. PUT is refused with
	// ConflictException if they have changed since.
	Revision int64
	Rules    []KeepRule
	// Unmatched counts the traces that matched no rule, and so were kept, since
	// the server started. Ignored in requests.
	Unmatched int64
}

// KeepRule keeps a share of the traces that match a filter.
type KeepRule struct {
	Name   string
	Filter string   // "" is every trace
	Rate   *float64 // from 0 to 1; required
	// Kept and Dropped count what the rule decided since it is there, or the
	// server. Ignored in requests.
	Kept, Dropped int64
}

// KeepTest asks what the rules would decide about a trace that is held.
type KeepTest struct {
	TraceID string `json:"TraceId"`
}

// KeepDecision is what they would decide, if the trace settled now for the
// first time.
type KeepDecision struct {
	Kept   bool
	Rate   *float64 // of the rule; null if none matched
	Rule   *string  // null if none matched
	Unread bool     // the filter of the rule cannot be read, so it keeps everything
}

// KeepPreview asks what rules would decide about the traces that are held.
type KeepPreview struct {
	Rules              []KeepRule // null: those in force
	StartTime, EndTime *Time      // required
}

// KeepForecast is what they would decide.
type KeepForecast struct {
	Traces int64 // looked at: the newest of the time, at most 10,000
	Kept   int64
	// Complete: there are no more in the time.
	Complete bool
	Rules    []KeepShare // in order
	// Unmatched are the traces that match no rule; they are kept.
	Unmatched int64
}

// KeepShare is the traces that one rule would decide about.
type KeepShare struct {
	Name          string
	Kept, Dropped int64
}

// DecodePage reads the body of a request that is no operation. What is not a
// member of the shape is refused: a rule without the rate that somebody meant
// to give it would drop everything.
func DecodePage(body []byte, request any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return &Error{Name: SerializationException, Status: http.StatusBadRequest, Message: fmt.Sprintf("the body cannot be read: %v", err)}
	}
	if d.More() {
		return &Error{Name: SerializationException, Status: http.StatusBadRequest, Message: "the body goes on after its object"}
	}
	return nil
}

// DroppedTraces is the header that tells of how many traces an answer counts or
// leaves out what keep rules dropped.
const DroppedTraces = "x-tomo-dropped-traces"

// Beyond is what an answer tells in its header, beyond what X-Ray has in it.
type Beyond struct {
	// Dropped is how many traces that began in the time that was asked about, and
	// are of the group, were counted and then dropped by keep rules. They are in
	// graphs and series, but not among the traces.
	Dropped int64
}

// Header is what the answer that it is a part of tells in its header.
func (b *Beyond) Header() Beyond { return *b }

// WriteHeader tells what is not 0.
func (b *Beyond) WriteHeader(h http.Header) {
	if b.Dropped != 0 {
		h[DroppedTraces] = []string{strconv.FormatInt(b.Dropped, 10)}
	}
}

// ReadHeader reads what WriteHeader writes; what it cannot read is 0.
func (b *Beyond) ReadHeader(h http.Header) {
	b.Dropped, _ = strconv.ParseInt(h.Get(DroppedTraces), 10, 64)
}
