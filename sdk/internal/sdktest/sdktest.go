// Package sdktest is what the tests of the SDK's packages and modules share.
package sdktest

import (
	"slices"
	"sync"
)

// Sink is an sdk.Sink that keeps what it is sent. The zero value is ready.
type Sink struct {
	mu        sync.Mutex // guards documents
	documents [][]byte
}

// Send keeps a copy of a document. It never fails.
func (s *Sink) Send(document []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents = append(s.documents, slices.Clone(document))
	return nil
}

// Documents are those that were sent so far, in order.
func (s *Sink) Documents() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.documents)
}
