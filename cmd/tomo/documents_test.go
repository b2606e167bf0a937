package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDocuments(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string // an error is written as !
	}{
		{"nothing", "  \n", nil},
		{"one", `{"id":"1"}`, []string{`{"id":"1"}`}},
		{"as written, spaces and all", "{\n  \"id\" : 1.50\n}\n", []string{"{\n  \"id\" : 1.50\n}"}},
		{"one a line", "{\"a\":1}\n\n{\"b\":2}\n", []string{`{"a":1}`, `{"b":2}`}},
		{"one after the other", `{"a":1}{"b":2}`, []string{`{"a":1}`, `{"b":2}`}},
		{"an array", `[{"a":1}, {"b":2}]`, []string{`{"a":1}`, `{"b":2}`}},
		{"an array over lines", "[\n{\"a\":1},\n{\"b\":2}\n]", []string{`{"a":1}`, `{"b":2}`}},
		{"an envelope", `{"TraceSegmentDocuments":["{\"a\":1}","{"]}`, []string{`{"a":1}`, `{`}},
		{"an envelope with objects", `{"TraceSegmentDocuments":[{"a":1}]}`, []string{`{"a":1}`}},
		{"strings", `"{\"a\":1}"`, []string{`{"a":1}`}},
		{"what no server takes is sent for it to say so", `null 42`, []string{`null`, `42`}},
		{"a broken line", "{\"a\":1}\n{\"b\":\n{\"c\":3}\n", []string{`{"a":1}`, "!", `{"c":3}`}},
		{"garbage between", "{\"a\":1}\nhello\n{\"c\":3}", []string{`{"a":1}`, "!", `{"c":3}`}},
		{"the inside of a broken document", "{\n  \"a\": x,\n  \"http\": {\n    \"b\": 1 }\n}\n{\"c\":3}", []string{"!", `{"c":3}`}},
		{"an end in the middle", `{"a":1}{"b"`, []string{`{"a":1}`, "!"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// However the bytes come, the documents are the same.
			for _, r := range []io.Reader{strings.NewReader(test.in), oneByte{strings.NewReader(test.in)}} {
				var got []string
				for text, err := range documents(r) {
					if err != nil {
						text = "!"
					}
					got = append(got, text)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("documents of %q (-want +got):\n%s", test.in, diff)
				}
			}
		})
	}
}

// oneByte gives one byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// TestDocumentsReadError checks that a failing file ends the reading.
func TestDocumentsReadError(t *testing.T) {
	broken := errors.New("the disk is on fire")
	var last error
	n := 0
	for _, err := range documents(io.MultiReader(strings.NewReader(`{"a":1} {"b"`), failing{broken})) {
		n, last = n+1, err
	}
	if n != 2 || !errors.Is(last, broken) {
		t.Errorf("got %d results, the last with %v, want 2 and %v", n, last, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
