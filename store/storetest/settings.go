package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// keepsSettings: a text is replaced as a whole, others stay, and a restart
// changes nothing.
func keepsSettings(t *testing.T, open Backend) {
	w := newWorld(t, t.TempDir(), open, Options{})
	defer func() { w.close() }()
	ctx := context.Background()
	wants := func(name string, want []byte) {
		t.Helper()
		got, err := w.store.LoadSettings(ctx, name)
		if err != nil || string(got) != string(want) || (got == nil) != (want == nil) {
			t.Errorf("settings %s are %.20q (%d bytes), %v; want %.20q", name, got, len(got), err, want)
		}
	}
	wants("groups", nil)
	last := map[string][]byte{}
	for _, save := range []struct {
		name string
		text string
	}{
		{"groups", strings.Repeat("long ", 100_000)}, {"sampling-rules-2", "[]"}, {"groups", "short"}, {"groups", "\x00\xff\n"}, {"empty", ""},
	} {
		text := []byte(save.text)
		if err := w.store.SaveSettings(ctx, save.name, text); err != nil {
			t.Fatalf("saving %s: %v", save.name, err)
		}
		last[save.name] = slices.Clone(text)
		clear(text) // it is the caller's
		for name, want := range last {
			wants(name, want)
		}
	}
	w.put(`{"trace_id":"1-695b8ba0-000000000000000000000001","id":"0000000000000001","name":"a","start_time":1767607200,"end_time":1767607201}`)
	w.settle()
	w.restart()
	for name, want := range last {
		wants(name, want)
	}
	wants("never", nil)
}
