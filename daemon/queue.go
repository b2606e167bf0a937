package daemon

import "sync"

// queue holds what waits in memory for one upstream, oldest first.
type queue struct {
	mu     sync.Mutex // guards what follows
	items  []batch
	closed bool
	more   chan struct{} // holds one when there is something new, or the queue was closed
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

func (q *queue) push(b batch) {
	q.mu.Lock()
	q.items = append(q.items, b)
	q.mu.Unlock()
	q.wake()
}

// pop takes the oldest documents, up to so many of several batches: many small
// batches that waited are sent as few large ones. It returns false when the
// queue is empty and closed.
func (q *queue) pop(most int) (batch, bool) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			b := q.items[0]
			n := 1
			for ; n < len(q.items) && len(b.docs)+len(q.items[n].docs) <= most && b.size+q.items[n].size <= maxBatchBytes; n++ {
				b.docs = append(b.docs[:len(b.docs):len(b.docs)], q.items[n].docs...)
				b.size += q.items[n].size
			}
			clear(q.items[:n])
			q.items = q.items[n:]
			q.mu.Unlock()
			return b, true
		}
		q.items = nil
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return batch{}, false
		}
		<-q.more
	}
}

// close lets pop return what is left, and then false.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}
