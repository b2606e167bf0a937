package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tomotrace/tomo"
)

// The headers that SDKs send: as documented (Go, Java) and compact (Python,
// Node). They are compared before anything is parsed.
var (
	documentedHeader = []byte(`{"format": "json", "version": 1}`)
	compactHeader    = []byte(`{"format":"json","version":1}`)
)

// split takes a datagram apart: the document is all that follows the first line
// feed, at least one byte. If there is none, the code tells why.
func split(datagram []byte) (document []byte, code tomo.Code) {
	header, document, _ := bytes.Cut(datagram, []byte{'\n'})
	switch {
	case len(document) == 0:
		return nil, MissingSegment
	case !validHeader(header):
		return nil, InvalidHeader
	}
	return document, ""
}

// validHeader follows X-Ray's daemon, which decodes the header with
// encoding/json and ignores the error: a syntax error leaves nothing decoded, a
// member of the wrong type leaves what an earlier one set.
func validHeader(text []byte) bool {
	if bytes.Equal(text, documentedHeader) || bytes.Equal(text, compactHeader) {
		return true
	}
	var header struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	_ = json.Unmarshal(text, &header)
	return strings.EqualFold(header.Format, "json") && header.Version == 1
}

// reason is what X-Ray's daemon says of a datagram that it drops.
func reason(code tomo.Code) string {
	switch code {
	case MissingSegment:
		return "Missing header or segment"
	case Truncated:
		return "Truncated datagram"
	default:
		return "Invalid header"
	}
}

// quoted is a little of a datagram's header: what looks like one may be a
// document with everything that is in it.
func quoted(datagram []byte) string {
	const shown = 64
	header, _, _ := bytes.Cut(datagram, []byte{'\n'})
	text := fmt.Sprintf("%q", header[:min(len(header), shown)])
	if len(header) > shown {
		text += fmt.Sprintf("… (%d bytes)", len(header))
	}
	return text
}
