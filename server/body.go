package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tomotrace/tomo/api"
)

// A client may take grace, and a second more for each minRate bytes.
const (
	grace   = 10 * time.Second
	minRate = 64 << 10
)

// allowance is how long size bytes may take.
func allowance(size int64) time.Duration {
	return grace + time.Duration(size)*time.Second/minRate
}

// bodies reads the bodies of requests into memory that it bounds and reuses.
type bodies struct {
	limit int64        // of all together
	held  atomic.Int64 // of all together, now
	pool  sync.Pool    // of *body
	unzip sync.Pool    // of *gzip.Reader
}

// body is the body of a request. Its capacity is what it holds of the limit.
type body struct{ bytes []byte }

func (b *bodies) init(limit int64) {
	b.limit = limit
	b.pool.New = func() any { return new(body) }
	b.unzip.New = func() any { return new(gzip.Reader) }
}

// read reads the whole body of r, unpacked, of up to most bytes. It must be
// released.
func (b *bodies) read(w http.ResponseWriter, r *http.Request, most int64) (*body, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	is := b.pool.Get().(*body)
	if !b.take(cap(is.bytes)) {
		return nil, b.full()
	}
	// Not every http.ResponseWriter has deadlines; those of net/http do.
	control := http.NewResponseController(w)
	if failure := b.fill(is, r, most, control); failure != nil {
		b.release(is)
		return nil, failure // the deadline stays, for net/http to read the rest
	}
	_ = control.SetReadDeadline(time.Time{})
	return is, nil
}

// release gives the memory of a body back.
func (b *bodies) release(is *body) {
	b.held.Add(-int64(cap(is.bytes)))
	if cap(is.bytes) <= keptBuffer {
		is.bytes = is.bytes[:0]
		b.pool.Put(is)
	}
}

// take asks for n bytes of the limit.
func (b *bodies) take(n int) bool {
	if b.held.Add(int64(n)) <= b.limit {
		return true
	}
	b.held.Add(-int64(n))
	return false
}

func (b *bodies) fill(is *body, r *http.Request, most int64, control *http.ResponseController) error {
	if r.ContentLength == 0 {
		return nil
	}
	from := io.Reader(&paced{body: r.Body, control: control, began: time.Now()})
	size := r.ContentLength // -1: unknown
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		z := b.unzip.Get().(*gzip.Reader)
		defer b.unzip.Put(z)
		if err := z.Reset(from); err != nil {
			return unreadable(err)
		}
		from, size = z, -1
	default:
		return &api.Error{Name: api.UnsupportedMediaTypeException, Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("the body is encoded as %q; only gzip and plain bodies are understood", encoding)}
	}
	for {
		if len(is.bytes) == cap(is.bytes) && !b.grow(is, size, most) {
			return b.full()
		}
		n, err := from.Read(is.bytes[len(is.bytes):cap(is.bytes)])
		is.bytes = is.bytes[:len(is.bytes)+n]
		switch {
		case int64(len(is.bytes)) > most:
			return tooLarge(most)
		case err == io.EOF:
			return nil
		case err != nil:
			return unreadable(err)
		}
	}
}

// grow makes room for more of a body that is said to be size bytes long and may
// have most. Memory doubles with what has come: to claim it, a client has to
// send something.
func (b *bodies) grow(is *body, size, most int64) bool {
	const first = 64 << 10
	had := cap(is.bytes)
	room := max(first, 2*had)
	if size >= 0 {
		room = min(room, max(int(size), had+512))
	}
	room = min(room, max(int(most), had)+1) // one byte tells that it is too large
	if !b.take(room - had) {
		return false
	}
	larger := make([]byte, len(is.bytes), room)
	copy(larger, is.bytes)
	is.bytes = larger
	return true
}

func tooLarge(most int64) *api.Error {
	return &api.Error{Name: api.RequestEntityTooLargeException, Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the body is larger than %d bytes", most)}
}

func (b *bodies) full() *api.Error { return unavailable("there is no memory left for another body") }

// unreadable says why a body could not be read.
func unreadable(err error) *api.Error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &api.Error{Name: api.RequestTimeoutException, Status: http.StatusRequestTimeout, Message: "the body came too slowly"}
	}
	return &api.Error{Name: api.SerializationException, Status: http.StatusBadRequest, Message: "the body cannot be read: " + err.Error()}
}

// paced is a body that has to come at a minimal rate.
type paced struct {
	body    io.Reader
	control *http.ResponseController
	began   time.Time
	read    int64
}

func (p *paced) Read(into []byte) (int, error) {
	_ = p.control.SetReadDeadline(p.began.Add(allowance(p.read)))
	n, err := p.body.Read(into)
	p.read += int64(n)
	return n, err
}
