package api_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/api"
)

func TestDocuments(t *testing.T) {
	tests := []struct {
		body string
		want []string
	}{
		{`{"TraceSegmentDocuments":["{\"id\":\"a\"}"]}`, []string{`{"id":"a"}`}},
		{" {\n\t\"TraceSegmentDocuments\" : [ \"a\" , \"\" ,\r\"b\" ] } \n", []string{"a", "", "b"}},
		{`{"TraceSegmentDocuments":["\"\\\/\b\f\n\r\tA\u00e9\u20ac\ud83d\ude00"]}`, []string{"\"\\/\b\f\n\r\tAé€😀"}},
		{`{"TraceSegmentDocuments":["é€😀 straight, and long enough for more than one word"]}`, []string{"é€😀 straight, and long enough for more than one word"}},
		{`{"TraceSegmentDocuments":["\ud83d","\ude00","\ud83dx","\ud83d\u0041","\ud83d\ud83d\ude00"]}`, []string{"\ufffd", "\ufffd", "\ufffdx", "\ufffdA", "\ufffd😀"}},
		{`{"TraceSegmentDocuments":["\u0000"]}`, []string{"\x00"}},
		{"{\"TraceSegmentDocuments\":[\"a\xff\xfeb\"]}", []string{"a\ufffd\ufffdb"}},
		{`{"TraceSegmentDocuments":["a"],"Other":{"x":[1]}}`, []string{"a"}},
		{`{"Other":null,"TraceSegmentDocuments":["a"]}`, []string{"a"}},
		{`{"TraceSegmentD\u006fcuments":["a"]}`, []string{"a"}},
		{`{"TraceSegmentDocuments":["a"],"TraceSegmentDocuments":["b","c"]}`, []string{"b", "c"}},
	}
	for _, tt := range tests {
		body := []byte(tt.body)
		docs, err := api.Documents(body)
		if err != nil {
			t.Errorf("Documents(%s): %v", tt.body, err)
			continue
		}
		clear(body) // the documents are a copy
		var got []string
		for _, d := range docs {
			got = append(got, string(d))
			if cap(d) != len(d) {
				t.Errorf("Documents(%s): a document has room for %d bytes of the next", tt.body, cap(d)-len(d))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("Documents(%s) = %q, want %q", tt.body, got, tt.want)
		}
	}
}

func TestDocumentsRefused(t *testing.T) {
	null := "1 validation error detected: Value null at 'traceSegmentDocuments' failed to satisfy constraint: Member must not be null"
	tests := []struct{ body, name, message string }{
		{``, "ValidationException", null},
		{`{}`, "ValidationException", null},
		{`null`, "ValidationException", null},
		{`{"TraceSegmentDocuments":null}`, "ValidationException", null},
		{`{"TraceSegmentDocuments":["a",null]}`, "ValidationException", "1 validation error detected: Value null at 'traceSegmentDocuments.2.member' failed to satisfy constraint: Member must not be null"},
		{`{"TraceSegmentDocuments":[]}`, "InvalidRequestException", "Segments can not be empty"},
		{`{"TraceSegmentDocuments":[42]}`, "SerializationException", "NUMBER_VALUE can not be converted to a String"},
		{`{"TraceSegmentDocuments":["a",{"id":"b"}]}`, "SerializationException", "START_OBJECT can not be converted to a String"},
		{`{"TraceSegmentDocuments":["a",true]}`, "SerializationException", "BOOLEAN_VALUE can not be converted to a String"},
		{`{"TraceSegmentDocuments":"a"}`, "SerializationException", "STRING_VALUE can not be converted to a List"},
		{`[]`, "SerializationException", "START_ARRAY can not be converted to a Structure"},
		{`{"TraceSegmentDocuments":["a"`, "SerializationException", "the body ends inside its JSON"},
		{`{"TraceSegmentDocuments":["a"]}}`, "SerializationException", "the body is not JSON: invalid character '}' after top-level value"},
		{`{"TraceSegmentDocuments":["a",]}`, "SerializationException", "the body is not JSON: invalid character ']' looking for beginning of value"},
		{"{\"TraceSegmentDocuments\":[\"a\nb\"]}", "SerializationException", `the body is not JSON: invalid character '\n' in string literal`},
		{`{"TraceSegmentDocuments":["\x"]}`, "SerializationException", `the body is not JSON: invalid character 'x' in string escape code`},
		{`{"TraceSegmentDocuments":["\u12g4"]}`, "SerializationException", `the body is not JSON: invalid character 'g' in \u hexadecimal character escape`},
		{`<xml/>`, "SerializationException", "the body is not JSON: invalid character '<' looking for beginning of value"},
	}
	for _, tt := range tests {
		docs, err := api.Documents([]byte(tt.body))
		var e *api.Error
		if !errors.As(err, &e) || e.Name != tt.name || e.Message != tt.message || e.Status != 400 {
			t.Errorf("Documents(%s) = %q, %v\nwant %s: %s", tt.body, docs, err, tt.name, tt.message)
		}
	}
}

// FuzzDocuments holds the scanner against encoding/json: whatever the one
// accepts, the other gives, byte by byte, and what the one refuses is refused.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		`{"TraceSegmentDocuments":["{\"id\":\"a\",\"n\":\"\u00e9\ud83d\ude00\"}","b"]}`,
		`{"TraceSegmentDocuments":["a\\\"b\n",  "é"] , "x":1}`,
		"{\"TraceSegmentDocuments\":[\"\xff\"]}",
		`{"TraceSegmentDocuments":[]}`, `{"TraceSegmentDocuments":["\ud800\udc0"]}`, `{}`, ``,
		`{"TraceSegmentDocuments":["12345678\"1234567\"123456\"\"\"12345\u001f"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		got, err := api.Documents(body)
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		var want struct{ TraceSegmentDocuments []*string }
		oracle := json.Unmarshal(body, &want)
		nulls := slices.Contains(want.TraceSegmentDocuments, nil)
		if refused := oracle != nil || nulls || len(want.TraceSegmentDocuments) == 0; refused != (err != nil) {
			t.Fatalf("Documents(%q) = %q, %v; encoding/json: %v", body, got, err, oracle)
		}
		if err != nil {
			return
		}
		if len(got) != len(want.TraceSegmentDocuments) {
			t.Fatalf("Documents(%q) = %q, want %d", body, got, len(want.TraceSegmentDocuments))
		}
		for i := range got {
			if string(got[i]) != *want.TraceSegmentDocuments[i] {
				t.Errorf("Documents(%q)[%d] = %q, want %q", body, i, got[i], *want.TraceSegmentDocuments[i])
			}
		}
	})
}

// document is a segment document of 1.5 kB.
func document() string {
	sub := `{"id":"53995c3f42cd8ad8","name":"api.example.com","start_time":1700000000.769022,"end_time":1700000001.06829,"namespace":"remote","http":{"request":{"url":"https://api.example.com/health?page=1","method":"POST","traced":true},"response":{"status":200,"content_length":861}},"annotations":{"attempt":1,"tier":"gold"}}`
	return `{"trace_id":"1-6553f100-0123456789abcdef01234567","id":"6b55dcc497934f1a","start_time":1700000000.7,"end_time":1700000001.1,"name":"www.example.com","origin":"AWS::EC2::Instance","http":{"request":{"method":"GET","url":"https://www.example.com/health","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","client_ip":"203.0.113.7"},"response":{"status":200}},"subsegments":[` +
		strings.Join([]string{sub, sub, sub}, ",") + `],"metadata":{"note":"` + strings.Repeat("words ", 25) + `"}}`
}

func BenchmarkDocuments(b *testing.B) {
	doc := document()
	var request api.PutTraceSegmentsRequest
	for range 50 {
		request.TraceSegmentDocuments = append(request.TraceSegmentDocuments, doc)
	}
	body, err := json.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes a document, %d in JSON", len(doc), len(body)/50)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := api.Documents(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/document")
}
