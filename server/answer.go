package server

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tomotrace/tomo/api"
)

// answer is what is said of a request besides its body.
type answer struct {
	status    int
	requestID string
	exception string // its name; "" for a success
	kind      string // its Content-Type; "" for JSON
	sent      bool   // already, by what answered
}

// fail makes a an exception and writes its body.
func (a *answer) fail(e *api.Error, out *bytes.Buffer) {
	a.status, a.exception = e.Status, e.Name
	if e.Status == http.StatusNotFound && e.Name == api.UnknownOperationException {
		// X-Ray: exactly this body, but with 200. People understand 404 better,
		// and no SDK gets here.
		out.WriteString(`{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`)
		return
	}
	if err := api.Encode(out, e); err != nil {
		panic(err) // three strings
	}
}

// send sends the answer to an operation. X-Ray: every answer has an id, and an
// exception its name in a header, which all SDKs read first.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a *answer, text *bytes.Buffer) {
	h := w.Header()
	// In the spelling of the service, not in that of net/http.
	h[api.RequestID] = []string{a.requestID}
	if a.exception != "" {
		h[api.ErrorType] = []string{a.exception}
	}
	switch a.status {
	case http.StatusMethodNotAllowed:
		if h.Get("Allow") == "" {
			h.Set("Allow", http.MethodPost)
		}
	case http.StatusRequestTimeout:
		h.Set("Connection", "close") // the rest of the body may still come
	}
	if a.kind == "" {
		a.kind = "application/json"
	}
	s.sendText(w, r, a.status, a.kind, text)
}

// packFrom is the size from which an answer is packed: it fills a packet.
const packFrom = 1400

// sendText sends a text, packed if the client asks for that.
func (s *Server) sendText(w http.ResponseWriter, r *http.Request, status int, kind string, text *bytes.Buffer) {
	h := w.Header()
	h.Set("Content-Type", kind)
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	if text.Len() >= packFrom {
		h.Set("Vary", "Accept-Encoding")
		if wantsGzip(r.Header) {
			h.Set("Content-Encoding", "gzip")
			packed := s.answers.Get().(*bytes.Buffer)
			defer s.release(packed)
			s.pack(packed, text)
			text = packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(allowance(int64(text.Len()))))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // an error: the client is gone
}

// newPacker makes a *gzip.Writer of the fastest level.
func newPacker() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}

// pack writes text to packed with gzip.
func (s *Server) pack(packed, text *bytes.Buffer) {
	z := s.packers.Get().(*gzip.Writer)
	defer s.packers.Put(z)
	z.Reset(packed)
	// Writing to memory does not fail.
	_, _ = z.Write(text.Bytes())
	_ = z.Close()
}

// wantsGzip reports whether Accept-Encoding names gzip and does not refuse it.
func wantsGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for item := range strings.SplitSeq(line, ",") {
			coding, parameter, _ := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			q, weighted := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !weighted || err == nil && weight > 0
		}
	}
	return false
}
