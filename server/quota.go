package server

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tomotrace/tomo/api"
)

// Quotas bound what one tenant may ask for in a second. Zero is no bound. What
// is over a quota is answered ThrottledException, before its body is read.
//
// X-Ray: 2,600 segments a second in a region, unless raised; the others are not
// published. None is a default here: on a machine of one's own there is nobody
// to be fair to, and collectors throw away what is refused in this way.
type Quotas struct {
	Segments float64 // documents of PutTraceSegments
	Put      float64 // calls of PutTraceSegments and PutTelemetryRecords
	Sampling float64 // calls of GetSamplingRules and GetSamplingTargets
	Read     float64 // calls that only read
	Change   float64 // calls that change settings
}

// XRaySegments is the rate that X-Ray publishes: segments a second, of an account in
// a region.
const XRaySegments = 2600

// class is a kind of operations that share a quota.
type class int

const (
	put class = iota
	sample
	read
	change
	classes
)

// classOf is the class of an operation.
func classOf(operation string) class {
	switch operation {
	case "PutTraceSegments", "PutTelemetryRecords":
		return put
	case "GetSamplingRules", "GetSamplingTargets":
		return sample
	case "StartTraceRetrieval", "CancelTraceRetrieval":
		return read
	}
	for _, verb := range [...]string{"Get", "BatchGet", "List"} {
		if strings.HasPrefix(operation, verb) {
			return read
		}
	}
	return change
}

// quotas are the quotas of one tenant and what is left of them.
type quotas struct {
	calls    [classes]bucket
	segments bucket
}

func (q *quotas) init(is Quotas, now func() time.Time) {
	for class, rate := range [classes]float64{put: is.Put, sample: is.Sampling, read: is.Read, change: is.Change} {
		q.calls[class].init(rate, now)
	}
	q.segments.init(is.Segments, now)
}

// ready says whether a call has a chance, before anything is done for it.
func (q *quotas) ready(of class) error {
	if !q.calls[of].ready() || of == put && !q.segments.ready() {
		return throttled()
	}
	return nil
}

// take counts a call.
func (q *quotas) take(of class) error {
	if !q.calls[of].take(1) {
		return throttled()
	}
	return nil
}

// bucket holds what is left of a rate: what a second brings, at least one. The
// last who gets anything may take more than there is, for it is not known before
// how many segments a body has; then it is empty for longer.
type bucket struct {
	rate float64 // a second; 0: no bound
	now  func() time.Time

	mu   sync.Mutex // guards what follows
	left float64
	at   time.Time
}

func (b *bucket) init(rate float64, now func() time.Time) {
	b.rate, b.now, b.left, b.at = rate, now, max(rate, 1), now()
}

// fill adds what time brought and reports whether there is one. The caller
// holds b.mu.
func (b *bucket) fill() bool {
	now := b.now()
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(b.left+b.rate*passed.Seconds(), max(b.rate, 1))
		b.at = now
	}
	return b.left >= 1
}

// ready reports whether there is anything to take.
func (b *bucket) ready() bool {
	if b.rate == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fill()
}

// take takes n if there is one.
func (b *bucket) take(n int) bool {
	if b.rate == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fill() {
		return false
	}
	b.left -= float64(n)
	return true
}

func throttled() *api.Error {
	return &api.Error{Name: api.ThrottledException, Status: http.StatusTooManyRequests, Message: "Rate exceeded"}
}
