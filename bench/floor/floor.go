// Package floor is the least that can be called a server of PutTraceSegments:
// it takes the documents out of the request, checks that they are JSON,
// compresses them, appends them to one file and syncs it before it answers.
// Nothing can be asked of it. What a real server needs beyond it is the price
// of being one.
//
// It is meant to be as good at this as is straightforward: one pass over each
// text, no allocation a document, one write and one sync for all requests that
// wait.
package floor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// File is the name of the file in the data directory.
const File = "segments.s2"

// maxBody is the largest request taken, in bytes.
const maxBody = 16 << 20

// Serve answers on l until ctx is done, and keeps what it is sent in
// dir/segments.s2.
func Serve(ctx context.Context, l net.Listener, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	j, err := openJournal(filepath.Join(dir, File))
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /TraceSegments", &door{journal: j})
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	stopped := make(chan error, 1)
	release := context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(limited)
	})
	err = server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	} else {
		release()
	}
	if err != nil {
		return err // requests may still be under way: the journal stays open for them
	}
	return j.close()
}

// door answers PutTraceSegments.
type door struct {
	journal *journal
	spare   sync.Pool // of *work
}

// work is the memory one request needs.
type work struct {
	body, documents, record []byte
	done                    chan error
}

var answer = []byte(`{"UnprocessedTraceSegments":[]}`)

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mem, _ := d.spare.Get().(*work)
	if mem == nil {
		mem = &work{done: make(chan error, 1)}
	}
	defer d.spare.Put(mem)

	var err error
	if mem.body, err = read(mem.body[:0], r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if mem.documents, err = documents(mem.documents[:0], mem.body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	mem.record = encode(mem.record[:0], mem.documents)
	if err := d.journal.append(mem.record, mem.done); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

// read appends the body of a request to b.
func read(b []byte, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return b, errors.New("the body is too large")
	}
	if n := int(r.ContentLength); n > 0 {
		if cap(b) < n {
			b = make([]byte, 0, n+n/4)
		}
		b = b[:n]
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	all, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	return append(b, all...), err
}
