package sdk_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/sdk"
)

// TestLeaks counts the goroutines of this package once recorders are closed, and
// finds that segments, even those that are never closed, have none.
func TestLeaks(t *testing.T) {
	ours := func() int {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		n := 0
		for _, g := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(g, "sdk.(*emitter).run") || strings.Contains(g, "sdk.(*Central).poll") {
				n++
			}
		}
		return n
	}
	before := ours()
	for range 10 {
		r, err := sdk.New(sdk.Options{Daemon: "127.0.0.1:9"})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			ctx, seg := r.Continue(context.Background(), "root", sdk.Header{Sampled: sdk.Sampled}, sdk.Request{})
			sdk.BeginSub(ctx, "never closed")
			seg.Close(nil)
		}
		r.Begin(context.Background(), "root") // starts the poller
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		_, seg := r.Continue(context.Background(), "late", sdk.Header{Sampled: sdk.Sampled}, sdk.Request{})
		seg.Close(nil)
		if r.Stats().Dropped != 1 {
			t.Errorf("stats %+v", r.Stats())
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ours() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left", ours()-before)
		}
	}
}
