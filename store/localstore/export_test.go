package localstore

// SmallBatches makes batches of at most so many open traces from now on.
func (s *Store) SmallBatches(traces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.room = traces
}

// CountAll counts all batches, quiet or not.
func (s *Store) CountAll() {
	v := s.look()
	defer v.close()
	v.all = true
	for _, b := range v.batches {
		_, _ = v.count(b)
	}
}

// Counted is how many batches are counted.
func (s *Store) Counted() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.open.batches {
		if b.counted.Load() != nil {
			n++
		}
	}
	return n
}
