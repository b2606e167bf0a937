package localstore

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

const (
	// smallRows is below what weight a block is merged with its neighbours. A row
	// weighs 1.
	smallRows = 4096
	// fanIn is how many small neighbours make a merge worth while.
	fanIn = 8
	// mergedRows bounds the weight of a merged block.
	mergedRows = 65536
	// droppedPerRow is how many dropped traces weigh as much as a row.
	droppedPerRow = 16
	// mostlyDead is the share of superseded rows, in percent, from which a
	// block is written anew.
	mostlyDead = 30
	// manifestBytes is the size from which the manifest is written anew.
	manifestBytes = 4 << 20
)

// Maintain drops what is older than the retention, merges small blocks, and
// writes anew what is encrypted with another key than it should be, until there
// is nothing to do or ctx ends. It is called now and then.
func (s *Store) Maintain(ctx context.Context) error {
	if err := s.expire(); err != nil {
		return err
	}
	if err := s.encryptSettings(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		merged, err := s.compact()
		if err != nil || !merged {
			return err
		}
	}
	return nil
}

// expire drops the blocks in which nothing changed within the retention.
func (s *Store) expire() error {
	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	if s.manifest.log.size > manifestBytes {
		s.mu.Lock()
		all := s.state()
		s.mu.Unlock()
		if err := s.manifest.rewrite(all, *s.key.Load()); err != nil {
			return err
		}
	}
	limit := s.now().Add(-s.o.Retention)
	var old []*blockFile
	s.mu.Lock()
	for _, f := range s.blocks {
		if f.Info.Changed() < limit {
			old = append(old, f)
		}
	}
	s.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	if err := s.record(edit{Remove: names(old)}, nil); err != nil {
		return fmt.Errorf("dropping expired blocks: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeBlocks(old, nil)
	for _, t := range s.open.traces {
		for _, f := range old {
			if t.base == f {
				s.open.rebase(t, nil, 0, rowFacts{})
			}
		}
	}
	for _, f := range old {
		s.counters.expiredBlocks.Add(1)
		if f.Info.Rows == 0 {
			continue
		}
		s.o.Lost(tomo.Loss{Time: s.now(), Source: "store", Reason: tomo.LossExpired, ID: f.Name, Count: f.Info.Documents,
			Detail: fmt.Sprintf("%d traces, the last changed at %s, are older than the retention of %s",
				f.Info.Rows-f.dead.count(), f.Info.MaxReceived.Std().Format(time.RFC3339), s.o.Retention)})
	}
	return nil
}

func names(files []*blockFile) (list []string) {
	for _, f := range files {
		list = append(list, f.Name)
	}
	return list
}

// compact merges one run of neighbouring blocks into one, and says whether
// there was one to merge.
func (s *Store) compact() (bool, error) {
	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	s.mu.Lock()
	run := s.run()
	dead := make([]*rowSet, len(run))
	empty := true
	for i, f := range run {
		dead[i] = f.dead
		empty = empty && f.Info.Rows == f.dead.count() && f.Info.Dropped.Traces == 0
	}
	s.mu.Unlock()
	if len(run) == 0 {
		return false, nil
	}
	var merged *blockFile
	var added []blockEntry
	if !empty {
		f, err := s.mergeBlocks(run, dead)
		if err != nil {
			return false, fmt.Errorf("merging %d blocks: %w", len(run), err)
		}
		merged = f
		added = []blockEntry{f.blockEntry}
	}
	// No row died meanwhile: that takes settleMu.
	if err := s.record(edit{Add: added, Remove: names(run)}, merged); err != nil {
		return false, fmt.Errorf("merging %d blocks: %w", len(run), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeBlocks(run, merged)
	s.counters.compactions.Add(1)
	return true, s.rebase(run, merged)
}

// run chooses neighbours worth merging: small ones next to each other, or one
// block most of which is dead or that has another key. The caller holds s.mu.
func (s *Store) run() []*blockFile {
	var run []*blockFile
	total := 0
	for _, f := range s.blocks {
		if f.dead.count()*100 > f.Info.Rows*mostlyDead || f.Key != *s.key.Load() {
			return []*blockFile{f}
		}
		weight := f.Info.Rows + int(f.Info.Dropped.Traces/droppedPerRow)
		if weight >= smallRows || total+weight > mergedRows {
			if len(run) >= fanIn {
				return run
			}
			run, total = nil, 0
		}
		if weight < smallRows {
			run, total = append(run, f), total+weight
		}
	}
	if len(run) >= fanIn {
		return run
	}
	return nil
}

func (s *Store) mergeBlocks(run []*blockFile, dead []*rowSet) (*blockFile, error) {
	open := make([]*block.Block, 0, len(run))
	var f *blockFile
	var with func() error
	with = func() error { // holds every block of the run open
		if len(open) < len(run) {
			return run[len(open)].use(func(b *block.Block) error {
				open = append(open, b)
				return with()
			})
		}
		var err error
		through := run[0].Through
		for _, f := range run {
			through = min(through, f.Through)
		}
		f, err = s.writeBlock(through, func(file File) (block.Info, error) {
			w := bufio.NewWriterSize(file, 1<<20)
			info, err := block.Merge(w, open, func(b, row int) bool { return dead[b].has(row) }, block.Options{GiveWay: s.GiveWay})
			if err != nil {
				return info, err
			}
			return info, w.Flush()
		})
		return err
	}
	return f, with()
}

// removeBlocks takes blocks out of the store, and puts one in their place if it
// is not nil. Their files go when nobody reads them any more. The caller holds
// s.mu.
func (s *Store) removeBlocks(old []*blockFile, merged *blockFile) {
	kept := make([]*blockFile, 0, len(s.blocks)+1)
	for _, f := range s.blocks {
		f.gone = f.gone || slices.Contains(old, f)
		if !f.gone {
			kept = append(kept, f)
		}
	}
	if merged != nil {
		kept = append(kept, merged)
	}
	s.blocks = kept
	s.sortBlocks()
	for _, f := range old {
		s.removeIfUnused(f)
	}
}

// removeIfUnused removes the file of a block that is gone once no view has it.
// The caller holds s.mu.
func (s *Store) removeIfUnused(f *blockFile) {
	if !f.gone || f.views > 0 {
		return
	}
	f.unload()
	if err := ignoreMissing(s.fs.Remove(s.blockPath(f.Name))); err != nil {
		s.o.Logger.Warn("removing a block", "error", err) // the next start does it
	}
}

// rebase lets the open traces whose rows were moved by a merge find them again.
// The caller holds s.mu.
func (s *Store) rebase(run []*blockFile, merged *blockFile) error {
	for _, t := range s.open.traces {
		if t.base == nil || !slices.Contains(run, t.base) {
			continue
		}
		row, found, err := merged.find(t.id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("%w: trace %v is not in the merged block %s", errCorrupt, t.id, merged.Name)
		}
		s.open.rebase(t, merged, row, t.rowFacts)
	}
	return nil
}
