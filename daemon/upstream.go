package daemon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/daemon/spool"
)

// Upstream is X-Ray, or what speaks its API.
type Upstream struct {
	URL string // such as https://xray.eu-west-1.amazonaws.com
	// Transport sends requests, signed where that is needed.
	Transport http.RoundTripper
	// SpoolDir is a directory that keeps what cannot be sent for now, which no
	// other upstream and no other process may use; "": memory alone. SpoolLimit
	// bounds its size in bytes; 0: 1 GiB.
	SpoolDir   string
	SpoolLimit int64
}

// tolerance is how often an upload may fail in a way that may be its own fault,
// while others pass, before it is given up.
const tolerance = 8

// perDocument and perBatch are what waiting costs in memory beside the texts.
const (
	perDocument = 32
	perBatch    = 64
)

// upstream is one upstream and what waits for it.
type upstream struct {
	Upstream
	spool    *spool.Spool // nil: none
	o        *RelayOptions
	received *Counters
	queue    *queue
	gate     *gate
	work     chan batch
	spooled  chan struct{} // holds one when there may be something to take from the spool
	pressed  chan struct{} // holds one when memory runs low or the upstream is away

	held    atomic.Int64 // bytes in memory
	waiting atomic.Int64 // documents in memory
	sent    atomic.Int64
	refused atomic.Int64
	dropped atomic.Int64
	retries atomic.Int64
	passes  atomic.Int64 // uploads that were answered
	errors  connectionErrors
	trouble atomic.Pointer[string] // why the last upload failed; nil: it did not

	spoolFails throttle
}

// connectionErrors count uploads that failed, by what telemetry calls them.
type connectionErrors struct {
	refused, status4xx, status5xx, other, timeout, unknownHost atomic.Int64
}

func newUpstream(o *RelayOptions, is Upstream, received *Counters) (*upstream, error) {
	u := &upstream{
		Upstream: is, o: o, received: received, queue: newQueue(), gate: newGate(),
		work: make(chan batch), spooled: make(chan struct{}, 1), pressed: make(chan struct{}, 1),
	}
	if u.SpoolDir == "" {
		return u, nil
	}
	var err error
	u.spool, err = spool.Open(u.SpoolDir, spool.Options{Limit: u.SpoolLimit, Lost: u.spilled})
	return u, err
}

// spilled counts what the spool lost.
func (u *upstream) spilled(documents int, why string) {
	u.dropped.Add(int64(documents))
	u.o.Logger.Warn(fmt.Sprintf("Spilling over %d segments: %s", documents, why))
}

// close closes the spool, when nothing is sent any more.
func (u *upstream) close() error {
	if u.spool == nil {
		return nil
	}
	return u.spool.Close()
}

// memory is the share of this upstream.
func (u *upstream) memory() int64 { return u.o.Memory / int64(len(u.o.Upstreams)) }

func weight(b batch) int64 { return b.size + perBatch + perDocument*int64(len(b.docs)) }

// offer queues a batch, or drops it if there is no room.
func (u *upstream) offer(b batch) bool {
	held := u.held.Add(weight(b))
	if held > u.memory() {
		u.held.Add(-weight(b))
		u.dropped.Add(int64(len(b.docs)))
		return false
	}
	u.waiting.Add(int64(len(b.docs)))
	u.queue.push(b)
	if u.spool != nil && held > u.memory()/2 {
		signal(u.pressed)
	}
	return true
}

// release says that a batch is not in memory any more.
func (u *upstream) release(b batch) {
	u.held.Add(-weight(b))
	u.waiting.Add(-int64(len(b.docs)))
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run sends until the queue is closed and empty, or sending ends. Stopping ends
// when no more will come.
func (u *upstream) run(stopping, sending context.Context) {
	telemetry := newTelemetry(u)
	var reporting, uploading sync.WaitGroup
	reporting.Go(func() { telemetry.run(stopping) })
	for range u.o.Concurrency {
		uploading.Go(func() { u.upload(stopping, sending) })
	}
	if u.spool != nil && u.spool.Waiting() > 0 {
		documents, _ := u.spool.Usage()
		u.o.Logger.Info(fmt.Sprintf("%d spooled segments wait for %s", documents, u.URL))
		signal(u.spooled)
	}
	u.feed(sending)
	close(u.work)
	uploading.Wait()
	reporting.Wait()
	if n := u.dropped.Load(); n > 0 {
		u.o.Logger.Warn(fmt.Sprintf("%d segments were dropped since the start", n))
	}
	if u.spool != nil {
		if documents, _ := u.spool.Usage(); documents > 0 {
			u.o.Logger.Info(fmt.Sprintf("%d segments stay in the spool", documents))
		}
	}
	telemetry.last()
}

// feed takes what is queued to the uploads, or to the spool: if the upstream is
// away, if something is there already, which is older and goes first, or if
// memory runs low.
func (u *upstream) feed(sending context.Context) {
	for {
		b, ok := u.queue.pop(u.o.Batch)
		if !ok {
			return
		}
		u.place(sending, b)
	}
}

func (u *upstream) place(sending context.Context, b batch) {
	for {
		if u.spool != nil && (u.spool.Waiting() > 0 || !u.gate.open() || u.held.Load() > u.memory()/2 || sending.Err() != nil) && u.keep(b.docs) {
			u.release(b)
			return
		}
		if sending.Err() != nil {
			u.dropped.Add(int64(len(b.docs)))
			u.release(b)
			return
		}
		var retry <-chan time.Time
		if u.spool != nil {
			retry = time.After(time.Second) // if the spool failed, it may work again
		}
		select {
		case u.work <- b:
			return
		case <-u.pressed:
		case <-retry:
		case <-sending.Done():
		}
	}
}

// keep puts documents into the spool and reports whether that was possible.
func (u *upstream) keep(documents [][]byte) bool {
	if err := u.spool.Append(documents); err != nil {
		u.spoolFails.do(func(int) { u.o.Logger.Error(err.Error()) })
		return false
	}
	signal(u.spooled)
	return true
}

// upload sends one batch after the other. What is in the spool is older and goes
// first.
func (u *upstream) upload(stopping, sending context.Context) {
	request := newRequest(u)
	for {
		if u.spool != nil && stopping.Err() == nil {
			if lent, err := u.spool.Next(); err != nil {
				u.spoolFails.do(func(int) { u.o.Logger.Error(err.Error()) })
			} else if lent != nil {
				signal(u.spooled) // for another
				u.uploadLent(stopping, request, lent)
				continue
			}
		}
		// The spool may have been found empty just before somebody put something
		// in; then the signal is there.
		select {
		case b, ok := <-u.work:
			if !ok {
				return
			}
			u.uploadNew(sending, request, b)
		case <-u.spooled:
		}
	}
}

// uploadNew sends what comes from memory, and puts it into the spool if that
// fails.
func (u *upstream) uploadNew(sending context.Context, request *request, b batch) {
	r := u.send(sending, request, b.docs, u.spool != nil)
	if r.left != nil && u.spool != nil && !u.keep(r.left) { // the disk is full
		again := u.send(sending, request, r.left, false)
		r = result{r.sent + again.sent, r.refused + again.refused, again.left}
	} else if u.spool != nil {
		r.left = nil
	}
	u.dropped.Add(int64(len(r.left)))
	u.count(r)
	u.release(b)
}

// uploadLent sends what comes from the spool. When the relay ends, it can stay
// there.
func (u *upstream) uploadLent(stopping context.Context, request *request, lent *spool.Batch) {
	r := u.send(stopping, request, lent.Documents, false)
	if len(r.left) == len(lent.Documents) {
		return
	}
	if r.left != nil && !u.keep(r.left) {
		u.dropped.Add(int64(len(r.left)))
	}
	u.count(r)
	lent.Done()
}

// result is what became of documents.
type result struct {
	sent, refused int
	left          [][]byte // neither
}

func (u *upstream) count(r result) {
	u.sent.Add(int64(r.sent))
	u.refused.Add(int64(r.refused))
}

// send sends documents until they are sent or refused, or ctx ends. With once it
// gives up after the first try that failed, and does not wait for an upstream
// that is away.
func (u *upstream) send(ctx context.Context, request *request, documents [][]byte, once bool) result {
	faults, passes := 0, u.passes.Load()
	for {
		if once && !u.gate.open() {
			return result{left: documents}
		}
		generation, err := u.gate.enter(ctx)
		if err != nil {
			return result{left: documents}
		}
		began := time.Now()
		answer := request.post(ctx, "/TraceSegments", documents, u.o.Attempt)
		if answer.err != nil && ctx.Err() != nil {
			u.gate.withdrawn(generation)
			return result{left: documents}
		}
		switch {
		case answer.err == nil:
			u.passed()
			refused := u.tell(documents, answer.body, time.Since(began))
			return result{sent: len(documents) - refused, refused: refused}
		case answer.status == http.StatusRequestEntityTooLarge && len(documents) > 1:
			u.passed()
			half := len(documents) / 2
			a := u.send(ctx, request, documents[:half:half], once)
			b := u.send(ctx, request, documents[half:], once)
			return result{a.sent + b.sent, a.refused + b.refused, append(a.left, b.left...)}
		case answer.final:
			u.passed()
			u.errors.count(answer)
			u.giveUp(documents, answer.err)
			return result{refused: len(documents)}
		}
		u.errors.count(answer)
		u.retries.Add(1)
		u.failed(generation, answer)
		if answer.suspicious {
			faults++
		}
		if faults >= tolerance && u.passes.Load() > passes {
			u.giveUp(documents, fmt.Errorf("given up, as others pass: %w", answer.err))
			return result{refused: len(documents)}
		}
	}
}

func (u *upstream) passed() {
	u.passes.Add(1)
	if u.trouble.Swap(nil) != nil {
		u.o.Logger.Info("Upstream answers again: " + u.URL)
	}
	u.gate.passed()
}

func (u *upstream) failed(generation int, a answer) {
	text := a.err.Error()
	u.trouble.Store(&text)
	u.o.Logger.Error("Sending segment batch failed with: " + text)
	u.gate.failed(generation, a.retryAfter)
	signal(u.pressed)
}

func (u *upstream) giveUp(documents [][]byte, err error) {
	u.o.Logger.Error(fmt.Sprintf("Sending segment batch failed with: %v. %d segments are lost", err, len(documents)))
}

// tell tells what the upstream took and what it refused, and counts the latter.
func (u *upstream) tell(documents [][]byte, body []byte, elapsed time.Duration) (refused int) {
	log := u.o.Logger
	unprocessed := unprocessed(body)
	refused = min(len(unprocessed), len(documents))
	if refused == 0 {
		log.Info(fmt.Sprintf("Successfully sent batch of %d segments (%1.3f seconds)", len(documents), elapsed.Seconds()))
		return 0
	}
	log.Info(fmt.Sprintf("Sent batch of %d segments but had %d Unprocessed segments (%1.3f seconds)", len(documents), refused, elapsed.Seconds()))
	for _, r := range unprocessed[:refused] {
		id := ""
		if r.ID != nil {
			id = *r.ID
		}
		trace, document := find(documents, id)
		what := "Unprocessed segment: "
		if trace != "" {
			what = "Unprocessed trace " + trace + ", segment: "
		}
		log.Error(fmt.Sprintf("%s{ErrorCode: %q, Id: %q, Message: %q, Size: %d}", what, r.ErrorCode, id, r.Message, len(document)))
		if document != nil {
			log.Debug(printable(document))
		}
	}
	return refused
}

func unprocessed(body []byte) []api.UnprocessedTraceSegment {
	if bytes.Contains(body, []byte(`"UnprocessedTraceSegments":[]`)) {
		return nil
	}
	var answer api.PutTraceSegmentsResponse
	_ = json.Unmarshal(body, &answer) // what is no JSON names none
	return answer.UnprocessedTraceSegments
}

// find is the document with an id, and its trace.
func find(documents [][]byte, id string) (trace string, document []byte) {
	for _, d := range documents {
		var of struct {
			ID    string `json:"id"`
			Trace string `json:"trace_id"`
		}
		if id != "" && bytes.Contains(d, []byte(id)) && json.Unmarshal(d, &of) == nil && of.ID == id {
			return of.Trace, d
		}
	}
	return "", nil
}

func (u *upstream) status() Status {
	s := Status{
		URL: u.URL, Up: true, Sent: u.sent.Load(), Refused: u.refused.Load(), Dropped: u.dropped.Load(),
		Waiting: u.waiting.Load(), Retries: u.retries.Load(),
	}
	if why := u.trouble.Load(); why != nil {
		s.Up, s.Error = false, *why
	}
	if u.spool != nil {
		documents, size := u.spool.Usage()
		s.Spooled, s.SpoolBytes = int64(documents), size
	}
	return s
}

// request makes the requests of one upload after the other, in one buffer.
type request struct {
	u      *upstream
	target *url.URL
	body   []byte
}

func newRequest(u *upstream) *request {
	target, err := url.Parse(strings.TrimRight(u.URL, "/") + "/")
	if err != nil {
		target = &url.URL{Host: u.URL} // requests fail, and tell why
	}
	return &request{u: u, target: target}
}

// answer is what became of a request. With an error, final says that it will
// never be taken, and suspicious that it may be its own fault.
type answer struct {
	status     int
	body       []byte
	err        error
	final      bool
	suspicious bool
	retryAfter time.Duration
}

// post sends documents.
func (q *request) post(ctx context.Context, path string, documents [][]byte, timeout time.Duration) answer {
	q.body = append(q.body[:0], `{"TraceSegmentDocuments":[`...)
	for i, d := range documents {
		if i > 0 {
			q.body = append(q.body, ',')
		}
		q.body = appendString(q.body, d)
	}
	q.body = append(q.body, `]}`...)
	return q.do(ctx, path, timeout)
}

// longestAnswer is how much of an answer is read.
const longestAnswer = 8 << 20

// do sends the body and waits for the answer.
func (q *request) do(ctx context.Context, path string, timeout time.Duration) answer {
	var using sync.WaitGroup // by the transport, which may go on after it has answered
	defer using.Wait()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	target := q.target.JoinPath(path)
	open := func() (io.ReadCloser, error) {
		using.Add(1)
		return &body{Reader: bytes.NewReader(q.body), close: sync.OnceFunc(using.Done)}, nil
	}
	first, _ := open()
	now := time.Now()
	r := (&http.Request{
		Method: "POST", URL: target, Host: target.Host, Body: first, GetBody: open, ContentLength: int64(len(q.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":          {"application/json"},
			"User-Agent":            {q.u.o.Agent},
			"X-Amzn-Xray-Timestamp": {fmt.Sprintf("%d.%09d", now.Unix(), now.Nanosecond())},
		},
	}).WithContext(ctx)
	resp, err := q.u.Transport.RoundTrip(r)
	if err != nil {
		return answer{err: err, suspicious: errors.Is(err, context.DeadlineExceeded)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return answer{err: fmt.Errorf("reading the answer: %w", err), suspicious: errors.Is(err, context.DeadlineExceeded)}
	}
	if resp.StatusCode/100 == 2 {
		return answer{status: resp.StatusCode, body: text}
	}
	return refusal(resp.StatusCode, resp.Header, text)
}

// body is the body of a request, of which it is known when it is not used any
// more.
type body struct {
	*bytes.Reader
	close func()
}

func (b *body) Close() error { b.close(); return nil }

// refusal decides about an answer that is no success. What another try may
// change is not final: 429, 5xx, and what an operator can mend at the upstream
// or in the credentials, 401, 403 and 404.
func refusal(status int, header http.Header, body []byte) answer {
	exception := api.ParseError(status, header, body)
	a := answer{status: status, suspicious: status == http.StatusInternalServerError, retryAfter: retryAfter(header.Get("Retry-After"))}
	a.err = fmt.Errorf("%s: %s (status %d, request %s)", exception.Name, exception.Message, status, cmp.Or(header.Get(api.RequestID), "unknown"))
	if status < 400 || status >= 500 {
		return a
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooEarly,
		http.StatusTooManyRequests, http.StatusProxyAuthRequired, http.StatusMethodNotAllowed, http.StatusMisdirectedRequest:
		return a
	}
	for _, passing := range []string{"Throttl", "TooManyRequests", "LimitExceeded", "Expired", "Signature", "UnrecognizedClient", "AuthenticationToken", "RequestTimeout"} {
		if strings.Contains(exception.Name, passing) {
			return a
		}
	}
	a.final = true
	return a
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// count counts a failure as telemetry does.
func (c *connectionErrors) count(a answer) {
	var name *net.DNSError
	var late net.Error
	switch {
	case a.status >= 500:
		c.status5xx.Add(1)
	case a.status >= 400:
		c.status4xx.Add(1)
	case errors.Is(a.err, syscall.ECONNREFUSED):
		c.refused.Add(1)
	case errors.As(a.err, &name):
		c.unknownHost.Add(1)
	case errors.Is(a.err, context.DeadlineExceeded), errors.As(a.err, &late) && late.Timeout():
		c.timeout.Add(1)
	default:
		c.other.Add(1)
	}
}
