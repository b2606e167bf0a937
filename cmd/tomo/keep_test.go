package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/tomotrace/tomo/client"
)

// TestKeepTogether: what many change at the same time is all there.
func TestKeepTogether(t *testing.T) {
	endpoint, stop, err := startServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	const n = 12
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var said bytes.Buffer
			if status := run(t.Context(), []string{"keep", "add", fmt.Sprint("r", i), "--rate", "1", "--endpoint", endpoint}, &streams{nil, io.Discard, &said}); status != 0 {
				t.Errorf("rule %d: %s", i, &said)
			}
		})
	}
	all.Wait()
	rules, err := client.New(endpoint).KeepRules(t.Context())
	if err != nil || len(rules.Rules) != n || rules.Revision != n {
		t.Errorf("there are %+v, %v, want %d rules", rules, err, n)
	}
}
