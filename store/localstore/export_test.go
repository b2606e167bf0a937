package localstore

import "github.com/tomotrace/tomo"

// Batch makes a batch of at most so many loose traces, quiet or not.
func (s *Store) Batch(traces int) { s.batchSome(tomo.Top.Start, traces) }

// Batches is how many batches there are.
func (s *Store) Batches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open.batches)
}
