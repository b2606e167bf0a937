package localstore

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo"
)

// put is one call of PutSegments on its way through the commit loop; without
// documents it only asks to leave a log file behind that keeps nothing open.
type put struct {
	docs []tomo.Incoming
	over []tomo.Over
	err  error
	done chan struct{}
}

const (
	// groupBytes is how much of several calls is written and synced together.
	groupBytes = 4 << 20
	// patience is how long a call waits for memory. The daemon of the service
	// gives up after 2 s, so the answer comes well before.
	patience = 400 * time.Millisecond
)

// counters are what Stats reports besides what there is.
type counters struct {
	groups, groupDocuments, failedWrites   atomic.Int64
	settledTraces, rounds, failedRounds    atomic.Int64
	compactions, expiredBlocks, superseded atomic.Int64
}

// PutSegments makes the documents durable and visible to every read, all or
// none. over lists those that were refused because their trace is full, or takes no
// more; the others are stored. The texts are kept and must not be changed.
//
// Errors are *tomo.Error with the code Unavailable: the disk cannot be written,
// the memory is full, the store is closed. Then nothing was stored.
func (s *Store) PutSegments(ctx context.Context, docs []tomo.Incoming) (over []tomo.Over, err error) {
	if err := s.waitForRoom(ctx); err != nil {
		return nil, err
	}
	s.letAsk()
	p := &put{docs: docs, done: make(chan struct{})}
	select {
	case s.puts <- p:
	case <-s.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, &tomo.Error{Code: tomo.Unavailable, Message: "the request ended before it was written"}
	}
	// From here on it may be written, so the outcome is waited for.
	select {
	case <-p.done:
	case <-s.done:
		select {
		case <-p.done:
		default:
			return nil, errClosed
		}
	}
	return p.over, p.err
}

// waitForRoom waits until there is memory for more open documents.
func (s *Store) waitForRoom(ctx context.Context) error {
	var timeout <-chan time.Time
	for {
		s.mu.Lock()
		full, freed := s.open.bytes >= s.o.Memory, s.freed
		s.mu.Unlock()
		if !full {
			return nil
		}
		if timeout == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-freed:
		case <-timeout:
			return &tomo.Error{Code: tomo.Unavailable, Message: fmt.Sprintf("%d MiB of documents wait to be settled; the limit is reached", s.o.Memory>>20)}
		case <-s.closed:
			return errClosed
		case <-ctx.Done():
			return &tomo.Error{Code: tomo.Unavailable, Message: "the request ended before there was room"}
		}
	}
}

// commitLoop writes what waits, in groups: while one group syncs the next one
// gathers, so that the number of syncs follows from the disk.
func (s *Store) commitLoop() {
	defer close(s.done)
	for {
		var group []*put
		select {
		case p := <-s.puts:
			group = append(group, p)
		case <-s.closed:
			return
		}
		bytes := size(group[0])
	gather:
		for bytes < groupBytes {
			select {
			case p := <-s.puts:
				group = append(group, p)
				bytes += size(p)
			default:
				break gather
			}
		}
		s.commit(group)
		if s.wal.idle() {
			s.leaveFile(group)
		}
		for _, p := range group {
			close(p.done)
		}
	}
}

func size(p *put) (n int) {
	for i := range p.docs {
		n += len(p.docs[i].Text)
	}
	return n
}

// commit writes a group and lets it be seen, or fails each of its calls.
func (s *Store) commit(group []*put) {
	entries, traces := s.admit(group)
	var file *walFile
	var at position
	var err error
	if len(entries) > 0 {
		file, at, err = s.wal.append(entries)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range entries {
		t := traces[i]
		t.pins--
		t.text -= int64(len(entries[i].Text))
		if entries[i].kind == entryLimit {
			t.marking = false
		}
		if err == nil {
			s.open.add(t, &entries[i], file)
		} else {
			s.open.drop(t)
		}
	}
	if err != nil {
		s.counters.failedWrites.Add(1)
		s.o.Logger.Error("writing documents", "error", err)
		for _, p := range group {
			p.over, p.err = nil, &tomo.Error{Code: tomo.Unavailable, Message: "the documents could not be written to disk"}
		}
		return
	}
	s.through = max(s.through, at)
	s.counters.groups.Add(1)
	s.counters.groupDocuments.Add(int64(len(entries)))
}

// leaveFile ends the log file that keeps nothing open, if somebody asked for it.
func (s *Store) leaveFile(group []*put) {
	for _, p := range group {
		if len(p.docs) == 0 {
			s.wal.close()
		}
	}
}

// clearLog removes the log files that keep nothing open. While nothing comes
// that is all of them: a restart has nothing to read then, and the disk holds
// each document once.
func (s *Store) clearLog() error {
	if s.wal.idle() {
		p := &put{done: make(chan struct{})}
		select {
		case s.puts <- p:
			select {
			case <-p.done:
			case <-s.done:
			}
		case <-s.closed:
		}
	}
	return s.trimLog()
}

// trimLog removes the log files that keep nothing open, and forgets the dropped
// traces of which no file is left.
func (s *Store) trimLog() error {
	if err := s.wal.trim(); err != nil {
		return err
	}
	oldest := s.wal.oldest()
	gone := func(d droppedIDs) bool { return d.Through.file() < oldest }
	s.mu.Lock()
	some := slices.ContainsFunc(s.dropped, gone)
	s.mu.Unlock()
	if !some {
		return nil
	}
	// A file that comes back after a power cut would bring its documents along.
	if err := s.fs.SyncDir(s.wal.dir); err != nil {
		return fmt.Errorf("syncing %s: %w", s.wal.dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = slices.DeleteFunc(s.dropped, gone)
	return nil
}

// admit decides which documents of a group fit into their traces and pins the
// traces, so that no settle round forgets them while the group is written.
func (s *Store) admit(group []*put) (entries []entry, traces []*openTrace) {
	n := 0
	for _, p := range group {
		n += len(p.docs)
	}
	entries, traces = make([]entry, 0, n), make([]*openTrace, 0, n)
	s.mu.Lock()
	defer s.mu.Unlock()
	pin := func(t *openTrace, e entry) {
		t.pins++
		t.text += int64(len(e.Text))
		entries, traces = append(entries, e), append(traces, t)
	}
	for _, p := range group {
		for i := range p.docs {
			d := &p.docs[i]
			t := s.traceFor(d.TraceID)
			why, full := s.refuses(t, d)
			if why == "" {
				pin(t, entry{Incoming: *d, kind: entryDocument})
				continue
			}
			p.over = append(p.over, tomo.Over{Index: i, Why: why})
			if !full {
				s.open.drop(t) // it was only looked up
				continue
			}
			if !t.over && !t.baseOver && !t.marking {
				t.marking = true
				mark := *d
				mark.Text = nil
				pin(t, entry{Incoming: mark, kind: entryLimit})
			}
		}
	}
	return entries, traces
}

// refuses says why a trace does not take a document, "" if it does, and whether
// because it is full.
func (s *Store) refuses(t *openTrace, d *tomo.Incoming) (why string, full bool) {
	first := t.baseFirst
	if first == 0 {
		first = t.since
	}
	docs, bytes := t.baseDocs+len(t.docs)+t.pins, t.baseBytes+t.text
	switch {
	case first != 0 && d.Received.Sub(first) > s.o.Modifiable:
		return fmt.Sprintf("the first document of the trace was received at %s; it can be changed for %v", first.Std().Format(time.RFC3339), s.o.Modifiable), false
	case docs >= s.o.MaxTraceDocuments:
		return fmt.Sprintf("the trace has %d documents; the limit is %d", docs, s.o.MaxTraceDocuments), true
	case s.o.MaxTraceBytes > 0 && bytes+int64(len(d.Text)) > s.o.MaxTraceBytes:
		return fmt.Sprintf("the trace has %d bytes and the document %d; the limit is %d", bytes, len(d.Text), s.o.MaxTraceBytes), true
	}
	return "", false
}
