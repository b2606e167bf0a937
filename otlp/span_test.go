package otlp_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/internal/testkit"
	"github.com/tomotrace/tomo/otlp"
)

// TestSpans holds the spans of documents against golden files: one span a line,
// made readable.
func TestSpans(t *testing.T) {
	documents, err := filepath.Glob("testdata/*.json")
	if err != nil || len(documents) == 0 {
		t.Fatal("no documents", err)
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		spans, err := otlp.Spans(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var got bytes.Buffer
		for _, s := range spans {
			if !bytes.Contains(s.JSON, []byte(`"spanId":"`+s.ID+`"`)) {
				t.Errorf("%s: span %s is %s", path, s.ID, s.JSON)
			}
			if err := json.Indent(&got, s.JSON, "", "  "); err != nil {
				t.Errorf("%s: %v: %s", path, err, s.JSON)
			}
			got.WriteByte('\n')
		}
		testkit.Golden(t, strings.TrimSuffix(path, ".json")+".golden", got.Bytes())
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"", "[]", "7", `{"id":"00000000000000aa"}`, `{"id":"00000000000000aa","start_time":"soon"}`, `{"start_time":1e999999999}`} {
		if spans, err := otlp.Spans([]byte(text)); err == nil {
			t.Errorf("%s gives %d spans", text, len(spans))
		}
	}
}

func FuzzSpans(f *testing.F) {
	documents, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		spans, err := otlp.Spans(text)
		if err != nil {
			return
		}
		for _, s := range spans {
			if !json.Valid(s.JSON) {
				t.Errorf("span %q is not JSON: %q", s.ID, s.JSON)
			}
		}
	})
}
