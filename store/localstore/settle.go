package localstore

import (
	"bufio"
	"context"
	"fmt"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// Due begins a settle round: it gives the traces that p says are due, each with
// everything held of it, what was settled before included. One round is under
// way at a time: the next call of Due forgets what an earlier one gave and
// Settle did not take.
func (s *Store) Due(ctx context.Context, p tomo.SettlePolicy) ([]tomo.TraceDocuments, error) {
	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	s.mu.Lock()
	chosen := s.open.due(s.now(), p, s.settleTarget())
	s.roundThrough = s.through
	states := make([]*openState, len(chosen))
	for i, t := range chosen {
		t.settling, t.settlingFiles, t.settlingOver = len(t.docs), len(t.files), t.over
		states[i] = t.openState
	}
	s.open.epoch++
	s.mu.Unlock()

	due := make([]tomo.TraceDocuments, 0, len(chosen))
	for i, t := range chosen {
		if i%64 == 0 {
			s.GiveWay()
		}
		// A base's block cannot go meanwhile: that takes settleMu.
		st := states[i]
		docs, err := stored(st.docs, st.base, st.row)
		if err != nil {
			s.o.Logger.Error("a trace stays open because its row cannot be read", "trace", st.id, "error", err)
			continue
		}
		t.duplicates = st.baseDocs + len(st.docs) - len(docs)
		if st.covers(len(docs), t.settlingOver) {
			s.settledBefore(t)
			continue
		}
		trace := tomo.TraceDocuments{ID: st.id, Documents: docs, LimitExceeded: t.settlingOver || st.baseOver}
		if d := st.derived.Load(); d != nil {
			trace.Summary, trace.Revision = d.summary, d.revision
		}
		if st.base != nil {
			before, err := st.base.summariesOf([]int{st.row})
			if err != nil {
				s.o.Logger.Error("a trace stays open because its row cannot be read", "trace", st.id, "error", err)
				continue
			}
			trace.Before = before[0]
		}
		due = append(due, trace)
	}
	return due, ctx.Err()
}

// settledBefore ends a trace for which nothing came but what its row has.
func (s *Store) settledBefore(t *openTrace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.superseded(t)
	s.open.settled(t)
	s.release()
}

// superseded tells of documents that were there already. The caller holds s.mu.
func (s *Store) superseded(t *openTrace) {
	if t.duplicates > 0 {
		s.counters.superseded.Add(int64(t.duplicates))
		s.o.Lost(tomo.Loss{Time: s.now(), Source: "store", Reason: tomo.LossSuperseded, Trace: t.id.String(), Count: t.duplicates,
			Detail: "documents that were received before, word for word"})
	}
}

// release wakes the calls that wait for memory. The caller holds s.mu.
func (s *Store) release() {
	close(s.freed)
	s.freed = make(chan struct{})
}

// Settle ends a round: the traces that Due gave, now with their summaries,
// become rows of a new block, durably, and take the place of what was there.
// Documents that came since Due keep their trace open. After an error all of
// them are open as before.
//
// A trace that is Dropped becomes no row: the block counts it, and the manifest
// tells that the log has it no more. One that has a row already is not dropped:
// it was counted with that row, and somebody may have seen it.
func (s *Store) Settle(ctx context.Context, rows []tomo.Settled) error {
	if len(rows) == 0 {
		return nil
	}
	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	s.keepSettled(rows)
	f, err := s.writeBlock(s.roundThrough, func(file File) (block.Info, error) {
		w := bufio.NewWriterSize(file, 1<<20)
		info, err := block.Write(w, rows, block.Options{GiveWay: s.GiveWay})
		if err != nil {
			return info, err
		}
		return info, w.Flush()
	})
	if err == nil {
		err = s.install(f, rows)
	}
	if err != nil {
		s.counters.failedRounds.Add(1)
		return &tomo.Error{Code: tomo.Unavailable, Message: fmt.Sprintf("settling %d traces: %v", len(rows), err)}
	}
	s.counters.rounds.Add(1)
	s.counters.settledTraces.Add(int64(len(rows)))
	if err := s.clearLog(); err != nil {
		s.o.Logger.Warn("giving up log files", "error", err) // tried again in the next round
	}
	return nil
}

// keepSettled lets no trace be dropped that has a row.
func (s *Store) keepSettled(rows []tomo.Settled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range rows {
		if t := s.open.traces[rows[i].Summary.ID]; t != nil && t.base != nil {
			rows[i].Dropped = false
		}
	}
}

// install makes a written block count.
func (s *Store) install(f *blockFile, rows []tomo.Settled) error {
	s.mu.Lock()
	dead := map[string][]int{}
	gone := droppedIDs{Through: s.roundThrough}
	for i := range rows {
		if rows[i].Dropped {
			gone.add(rows[i].Summary.ID)
		}
		if t := s.open.traces[rows[i].Summary.ID]; t != nil && t.base != nil {
			dead[t.base.Name] = append(dead[t.base.Name], t.row)
		}
	}
	s.mu.Unlock()
	change := edit{Add: []blockEntry{f.blockEntry}, Dead: dead}
	if len(gone.IDs) > 0 {
		change.Dropped = []droppedIDs{gone}
	}
	if err := s.record(change, f); err != nil {
		return err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.blocks {
		b.dead = b.dead.with(dead[b.Name]...)
	}
	s.blocks = append(s.blocks, f)
	s.sortBlocks()
	s.dropped = append(s.dropped, change.Dropped...)
	for i := range rows {
		t := s.open.traces[rows[i].Summary.ID]
		if t == nil {
			continue
		}
		s.superseded(t)
		s.open.settled(t)
		if s.open.traces[t.id] != t || rows[i].Dropped {
			continue
		}
		row, found, err := f.find(t.id)
		if err != nil || !found {
			// The block was read back whole when its filter was loaded, so this
			// is a disk that fails now. The row counts; a restart finds it.
			s.o.Logger.Error("finding a row just written", "trace", t.id, "error", err)
			continue
		}
		docs := rows[i].Documents
		facts := rowFacts{baseDocs: len(docs), baseOver: rows[i].Summary.LimitExceeded, baseGroups: rows[i].Summary.Groups, baseBytes: textBytes(docs)}
		if len(docs) > 0 {
			facts.baseFirst = docs[0].Received
		}
		s.open.rebase(t, f, row, facts)
	}
	s.release()
	return nil
}

// record appends an edit to the manifest. If that fails the new block's file is
// removed, unless the edit may be on disk all the same: then the next manifest
// is written anew, and the file is left for the next start to judge.
func (s *Store) record(e edit, f *blockFile) error {
	if s.manifest.log.broken {
		s.mu.Lock()
		all := s.state()
		s.mu.Unlock()
		if err := s.manifest.rewrite(all, *s.key.Load()); err != nil {
			return err
		}
	}
	err := s.manifest.append(e)
	if err != nil && f != nil && !s.manifest.log.broken {
		f.unload()
		s.fs.Remove(s.blockPath(f.Name))
	}
	return err
}
