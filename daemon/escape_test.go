package daemon

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestAppendString: what is appended reads as what it was, behind what was
// there, whatever the room.
func TestAppendString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\x00-\x20"\\a-c]*`)).Draw(t, "text")
		before := make([]byte, 3, 3+rapid.IntRange(0, 50).Draw(t, "room"))
		got := appendString(before, []byte(text))
		var back string
		if err := json.Unmarshal(got[3:], &back); err != nil || back != text || string(got[:3]) != "\x00\x00\x00" {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
	})
}

func BenchmarkAppendString(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":"1234567890abcdef","name":"shop","n":1.5},`, 32))
	b.SetBytes(int64(len(text)))
	var to []byte
	for b.Loop() {
		to = appendString(to[:0], text)
	}
}
