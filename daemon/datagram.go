package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
)

// The headers that SDKs send: as documented (Go, Java) and compact (Python,
// Node). They are compared before anything is parsed.
var (
	documentedHeader = []byte(`{"format": "json", "version": 1}`)
	compactHeader    = []byte(`{"format":"json","version":1}`)
)

// documentOf takes the document out of a datagram: all that follows the first
// line feed, at least one byte. Else it tells why there is none.
func documentOf(datagram []byte) ([]byte, *tomo.Loss) {
	header, document, _ := bytes.Cut(datagram, []byte{'\n'})
	switch {
	case len(document) == 0:
		return nil, rejected(MissingSegment, "Missing header or segment", header)
	case !validHeader(header):
		return nil, rejected(InvalidHeader, "Invalid header", header)
	}
	return document, nil
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

// rejected is the loss of a datagram. Only a little of it is told: what looks
// like a header may be a document with everything that is in it.
func rejected(code tomo.Code, what string, header []byte) *tomo.Loss {
	const shown = 64
	quoted := fmt.Sprintf("%q", header[:min(len(header), shown)])
	if len(header) > shown {
		quoted += fmt.Sprintf("… (%d bytes)", len(header))
	}
	return &tomo.Loss{
		Time: tomo.TimeOf(time.Now()), Source: source, Reason: tomo.LossDropped, Code: code, Count: 1,
		Detail: what + ": " + quoted,
	}
}
