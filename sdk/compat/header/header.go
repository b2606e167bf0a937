// Package header has the names of the official SDK's package of the same name.
package header

import (
	"slices"
	"strings"

	"github.com/tomotrace/tomo/sdk"
)

// Prefixes of the parts of a header.
const (
	RootPrefix    = "Root="
	ParentPrefix  = "Parent="
	SampledPrefix = "Sampled="
	SelfPrefix    = "Self="
)

// SamplingDecision is the part that says whether a request is recorded.
type SamplingDecision string

// The decisions.
const (
	Sampled    SamplingDecision = "Sampled=1"
	NotSampled SamplingDecision = "Sampled=0"
	Requested  SamplingDecision = "Sampled=?"
	Unknown    SamplingDecision = ""
)

// Header is the tracing header.
type Header struct {
	TraceID          string
	ParentID         string
	SamplingDecision SamplingDecision
	AdditionalData   map[string]string
}

// FromString reads a header. Malformed ids are left out, which is where it
// differs from the official SDK.
func FromString(s string) *Header { return From(sdk.ParseHeader(s)) }

// From translates the SDK's own type.
func From(h sdk.Header) *Header {
	t := &Header{AdditionalData: map[string]string{}}
	if h.Root != (sdk.TraceID{}) {
		t.TraceID = h.Root.String()
	}
	if h.Parent != 0 {
		t.ParentID = h.Parent.String()
	}
	switch h.Sampled {
	case sdk.Sampled:
		t.SamplingDecision = Sampled
	case sdk.NotSampled:
		t.SamplingDecision = NotSampled
	case sdk.Asked:
		t.SamplingDecision = Requested
	}
	for part := range strings.SplitSeq(h.Extra, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			t.AdditionalData[key] = value
		}
	}
	return t
}

// SDK translates to the SDK's own type.
func (h Header) SDK() sdk.Header { return sdk.ParseHeader(h.String()) }

// String writes h. It leaves out what is not there, where the official SDK
// writes an empty part.
func (h Header) String() string {
	var parts []string
	if h.TraceID != "" {
		parts = append(parts, RootPrefix+h.TraceID)
	}
	if h.ParentID != "" {
		parts = append(parts, ParentPrefix+h.ParentID)
	}
	if h.SamplingDecision != Unknown {
		parts = append(parts, string(h.SamplingDecision))
	}
	keys := make([]string, 0, len(h.AdditionalData))
	for key := range h.AdditionalData {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		parts = append(parts, key+"="+h.AdditionalData[key])
	}
	return strings.Join(parts, ";")
}
