package sdk

import (
	"strings"
)

// HeaderName is the HTTP header that carries a [Header]. The same text travels
// as the gRPC metadata x-amzn-trace-id, the environment variable
// _X_AMZN_TRACE_ID and the SQS message attribute AWSTraceHeader.
const HeaderName = "X-Amzn-Trace-Id"

// Header is the tracing header, what a caller tells its callee:
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
type Header struct {
	Root    TraceID
	Parent  ID // the calling subsegment or segment
	Sampled Decision
	// Extra are the other parts but Self, as "Lineage=1:a87bd80c:0;k=v". They are
	// passed on unchanged.
	Extra string
}

// Decision says whether a request is recorded.
type Decision uint8

const (
	Undecided  Decision = iota // the receiver decides
	Sampled                    // record it
	NotSampled                 // do not
	Asked                      // the receiver decides and says so in its response
)

func (d Decision) digit() byte {
	switch d {
	case Sampled:
		return '1'
	case NotSampled:
		return '0'
	case Asked:
		return '?'
	}
	return 0
}

// ParseHeader reads a tracing header. Parts come in any order, with blanks
// around them; keys are case-sensitive; of equal keys the last counts. What is
// malformed is as if it were not there, and so are the ids of all zeros with
// which some clients mark what they do not record.
func ParseHeader(text string) Header {
	var h Header
	for text != "" {
		var part string
		part, text, _ = strings.Cut(text, ";")
		key, value, found := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !found || key == "" {
			continue
		}
		switch key {
		case "Root":
			h.Root, _ = ParseTraceID(value)
		case "Parent":
			h.Parent, _ = ParseID(value)
		case "Sampled":
			switch value {
			case "1":
				h.Sampled = Sampled
			case "0":
				h.Sampled = NotSampled
			case "?":
				h.Sampled = Asked
			default:
				h.Sampled = Undecided
			}
		case "Self": // written by load balancers, never passed on
		default:
			h.Extra = withPart(h.Extra, key, value)
		}
	}
	return h
}

// withPart sets key in extra. Values that could not be sent in a header are
// left out.
func withPart(extra, key, value string) string {
	for _, c := range []byte(key + value) {
		if c < ' ' || c == 0x7f {
			return extra
		}
	}
	var kept strings.Builder
	for part := range strings.SplitSeq(extra, ";") {
		if had, _, _ := strings.Cut(part, "="); part != "" && had != key {
			kept.WriteString(part)
			kept.WriteByte(';')
		}
	}
	kept.WriteString(key)
	kept.WriteByte('=')
	kept.WriteString(value)
	return kept.String()
}

// ParseTraceparent reads the W3C header traceparent: a trace id, the caller's
// id and whether the caller records. It reports whether it could.
func ParseTraceparent(text string) (Header, bool) {
	// version-traceid-parent-flags: 2, 32, 16 and 2 digits; later versions may add more.
	if text = strings.TrimSpace(text); len(text) < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-' || len(text) > 55 && text[55] != '-' {
		return Header{}, false
	}
	var (
		h              Header
		version, flags [1]byte
		err            error
	)
	if !unhex(version[:], text[:2]) || version[0] == 0xff || !unhex(h.Root[:], text[3:35]) || !unhex(flags[:], text[53:55]) {
		return Header{}, false
	}
	if h.Parent, err = ParseID(text[36:52]); err != nil || h.Parent == 0 || h.Root == (TraceID{}) {
		return Header{}, false
	}
	h.Sampled = NotSampled
	if flags[0]&1 == 1 {
		h.Sampled = Sampled
	}
	return h, true
}

// String writes h without what is not there. ParseHeader reads it back.
func (h Header) String() string {
	b := make([]byte, 0, 80+len(h.Extra))
	if h.Root != (TraceID{}) {
		b = h.Root.append(append(b, "Root="...))
	}
	if h.Parent != 0 {
		b = h.Parent.append(append(part(b), "Parent="...))
	}
	if c := h.Sampled.digit(); c != 0 {
		b = append(append(part(b), "Sampled="...), c)
	}
	if h.Extra != "" {
		b = append(part(b), h.Extra...)
	}
	return string(b)
}

func part(b []byte) []byte {
	if len(b) > 0 {
		b = append(b, ';')
	}
	return b
}
