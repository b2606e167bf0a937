package tomo

import (
	"errors"
	"fmt"
	"strings"
)

// TraceHeaderName is the HTTP header that carries a [TraceHeader]. The same
// text travels as the environment variable _X_AMZN_TRACE_ID and as the message
// attribute AWSTraceHeader.
const TraceHeaderName = "X-Amzn-Trace-Id"

// TraceHeader is the tracing header: what a caller tells its callee.
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
type TraceHeader struct {
	Root    TraceID   // zero: none
	Parent  SegmentID // the calling subsegment or segment; zero: none
	Sampled Sampling
	Self    string // written by load balancers, not to be passed on
	Lineage string // passed on unchanged
	Extra   []HeaderPart
}

// HeaderPart is a part of the header that nothing here understands. It is
// passed on unchanged.
type HeaderPart struct{ Key, Value string }

// Sampling says whether a request is recorded.
type Sampling uint8

const (
	SamplingUnsaid Sampling = iota // the receiver decides by its rules
	Sampled                        // Sampled=1: record it
	NotSampled                     // Sampled=0: do not
	SamplingAsked                  // Sampled=?: decide and say so in the response
)

// ParseTraceHeader reads a header: parts in any order, blanks around them,
// keys in exactly this case, the last of equal keys. Parts without "=" mean
// nothing. The ids of all zeros with which clients mark what they do not trace
// are none.
//
// A malformed id does not spoil the rest: the header returned beside the error
// holds what could be understood and may be used.
func ParseTraceHeader(text string) (TraceHeader, error) {
	var (
		h    TraceHeader
		errs []error
		err  error
	)
	for part := range strings.SplitSeq(text, ";") {
		key, value, found := strings.Cut(part, "=")
		if key, value = strings.TrimSpace(key), strings.TrimSpace(value); !found || key == "" {
			continue
		}
		switch key {
		case "Root":
			if h.Root, err = ParseTraceID(value); err != nil {
				errs = append(errs, fmt.Errorf("reading Root: %w", err))
			}
		case "Parent":
			if h.Parent, err = ParseSegmentID(value); err != nil {
				errs = append(errs, fmt.Errorf("reading Parent: %w", err))
			}
		case "Sampled":
			h.Sampled = sampling(value)
		case "Self":
			h.Self = value
		case "Lineage":
			h.Lineage = value
		default:
			h.extra(HeaderPart{key, value})
		}
	}
	return h, errors.Join(errs...)
}

func sampling(value string) Sampling {
	switch value {
	case "1":
		return Sampled
	case "0":
		return NotSampled
	case "?":
		return SamplingAsked
	}
	return SamplingUnsaid
}

func (h *TraceHeader) extra(part HeaderPart) {
	for i := range h.Extra {
		if h.Extra[i].Key == part.Key {
			h.Extra[i] = part
			return
		}
	}
	h.Extra = append(h.Extra, part)
}

// String writes the header in the order Root, Parent, Sampled, Self, Lineage,
// the rest, without what is not there. ParseTraceHeader reads it back.
func (h TraceHeader) String() string {
	var b strings.Builder
	write := func(key, value string) {
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(value)
	}
	if h.Root != (TraceID{}) {
		write("Root", h.Root.String())
	}
	if h.Parent != 0 {
		write("Parent", h.Parent.String())
	}
	switch h.Sampled {
	case Sampled:
		write("Sampled", "1")
	case NotSampled:
		write("Sampled", "0")
	case SamplingAsked:
		write("Sampled", "?")
	}
	if h.Self != "" {
		write("Self", h.Self)
	}
	if h.Lineage != "" {
		write("Lineage", h.Lineage)
	}
	for _, part := range h.Extra {
		write(part.Key, part.Value)
	}
	return b.String()
}
