// Package load sends segment documents to a server as fast as it takes them,
// or as fast as it is told, and measures what the sender sees.
//
// The server under test shares the machine with it, so it is cheap: requests
// are built before the clock runs and written to plain connections.
package load

import (
	"slices"
	"strconv"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
)

// Load is what is to be sent, ready made.
type Load struct {
	Batches   []Batch
	Documents int
	Bytes     int64 // of the documents
	// Traces holds the traces whose root is in the load, and how many of their
	// documents are: all, but for what an earlier load of the generator took.
	Traces map[string]int
}

// Batch is the body of one PutTraceSegments call.
type Batch struct {
	Body      []byte
	Documents int
}

// Build takes documents from g and makes bodies of size documents each.
func Build(g *gen.Generator, documents, size int) *Load {
	l := &Load{Documents: documents, Traces: make(map[string]int, documents/4)}
	roots := make(map[string]bool, documents/4)
	for start := 0; start < documents; start += size {
		n := min(size, documents-start)
		body := append(make([]byte, 0, n*2000), `{"TraceSegmentDocuments":[`...)
		for i := range n {
			if i > 0 {
				body = append(body, ',')
			}
			d := g.Next()
			body = appendQuoted(body, d.Text)
			l.Bytes += int64(len(d.Text))
			l.Traces[d.Trace]++
			if d.Root {
				roots[d.Trace] = true
			}
		}
		l.Batches = append(l.Batches, Batch{Body: slices.Clip(append(body, "]}"...)), Documents: n})
	}
	// The root is sent last: where it is missing, others may be.
	for id := range l.Traces {
		if !roots[id] {
			delete(l.Traces, id)
		}
	}
	return l
}

// appendQuoted appends a document as a JSON string. It has no characters but
// quotes and backslashes that need escaping.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// Result is what the sender saw.
type Result struct {
	Documents int // acknowledged; over UDP: sent
	Elapsed   time.Duration
	Refused   int       // answers 503 and 429; the batch was sent again
	Latencies Latencies // from the first byte sent to the acknowledgement, of each batch
}

// Rate is how many documents went out a second.
func (r *Result) Rate() float64 { return float64(r.Documents) / r.Elapsed.Seconds() }

// Latencies are measured times, in order of length.
type Latencies []time.Duration

// Quantile is the time that a share q of all did not exceed, 0 if there are
// none.
func (l Latencies) Quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	i := int(q * float64(len(l)))
	return l[min(i, len(l)-1)]
}

// sorted puts times in order.
func sorted(times []time.Duration) Latencies {
	slices.Sort(times)
	return times
}

// pace says when the n-th document is due if rate are sent a second; at once
// if rate is 0.
func pace(start time.Time, n int, rate float64) time.Time {
	if rate == 0 {
		return start
	}
	return start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
}

// head is the HTTP request head of a body.
func head(b []byte, address string, body int) []byte {
	b = append(append(b, "POST /TraceSegments HTTP/1.1\r\nHost: "...), address...)
	b = strconv.AppendInt(append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...), int64(body), 10)
	return append(b, "\r\n\r\n"...)
}
