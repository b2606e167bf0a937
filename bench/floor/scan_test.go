package floor

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
)

var texts = []string{
	`{}`, `[]`, `""`, `0`, `-0.5e+10`, `1E2`, `true`, `false`, `null`, ` { "a" : [ 1 , 2 ] } `, `{"a":{"b":[{},[],"x"]},"c":"\u00e4\n\\\""}`,
	``, ` `, `{`, `}`, `[1,]`, `[,1]`, `{"a":1,}`, `{,}`, `{"a"}`, `{a:1}`, `{"a" 1}`, `[1 2]`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `tru`, `nulL`,
	`"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\x7f\xff\"", `{} {}`, `{}x`, `[[[[[]]]]]`, `"a" "b"`, "\ufeff{}",
}

func TestValid(t *testing.T) {
	for _, text := range texts {
		if got, want := valid([]byte(text)), json.Valid([]byte(text)); got != want {
			t.Errorf("valid(%q) = %t, want %t", text, got, want)
		}
	}
	if deep := strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2); valid([]byte(deep)) {
		t.Error("a value nested too deep is valid")
	}
}

// FuzzDocuments holds the scan of bodies against encoding/json.
func FuzzDocuments(f *testing.F) {
	for _, text := range texts {
		quoted, _ := json.Marshal(text)
		f.Add([]byte(text))
		f.Add([]byte(`{"TraceSegmentDocuments":[` + string(quoted) + `]}`))
		f.Add([]byte(`{"More":` + text + `,"TraceSegmentDocuments":["{}",` + string(quoted) + ` ] }`))
	}
	f.Add([]byte(`{"TraceSegmentDocuments":["\"\ud83d\ude00\ud83d\u00e4\ude00\"","{\"a\":\"\\u0020\"}"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 10_000 {
			return
		}
		if got, want := valid(body), json.Valid(body); got != want && bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) < maxDepth {
			t.Errorf("valid(%q) = %t, want %t", body, got, want)
		}
		list, err := documents(nil, body)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q is not JSON but was taken", body)
		}
		// Only whole texts are compared: encoding/json takes names in any case,
		// and replaces bytes that are not UTF-8.
		if !bytes.Equal(bytes.ToValidUTF8(body, nil), body) || bytes.Count(body, []byte("egment")) != 1 {
			return
		}
		var envelope struct{ TraceSegmentDocuments []string }
		if err := json.Unmarshal(body, &envelope); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for _, want := range envelope.TraceSegmentDocuments {
			n := 4 + int(binary.LittleEndian.Uint32(list))
			if got := string(list[4:n]); got != want {
				t.Errorf("document %q, want %q", got, want)
			}
			list = list[n:]
		}
		if len(list) > 0 {
			t.Errorf("%d bytes more than the documents of %q", len(list), body)
		}
	})
}

// BenchmarkRequest is what the floor does for a request of 25 documents, but
// for HTTP and the disk.
func BenchmarkRequest(b *testing.B) {
	g := gen.New(1, time.Unix(1767607200, 0), 2*time.Millisecond)
	var texts []string
	for range 25 {
		texts = append(texts, string(g.Next().Text))
	}
	body, err := json.Marshal(map[string]any{"TraceSegmentDocuments": texts})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var list, record []byte
	for b.Loop() {
		if list, err = documents(list[:0], body); err != nil {
			b.Fatal(err)
		}
		record = encode(record[:0], list)
	}
}
