package derive

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/internal/testkit"
)

// show renders a document as if it were a whole trace's only one: its top
// entity as a segment with everything embedded in it, then a line for each
// subsegment's inferred segment, with an id made up for the test.
func show(d *tomo.Document) []byte {
	lines := [][]byte{showEntity(nil, d, 0, &d.TraceID)}
	for i := range d.Segments {
		s := &d.Segments[i]
		if s.Subsegment && s.Namespace != tomo.LocalNamespace {
			queue := s.AWS.QueueURL != ""
			lines = append(lines, appendInferred(nil, s.ID+1, s, d.TraceID, map[bool]string{true: "AWS::SQS::Queue"}[queue], queue))
		}
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func showEntity(dst []byte, d *tomo.Document, at int32, traceID *tomo.TraceID) []byte {
	return appendSegment(dst, &d.Segments[at], traceID, len(d.Segments[at].Links), func(dst []byte) ([]byte, bool) {
		any := false
		for i := range d.Segments {
			if d.Segments[i].Enclosing != at {
				continue
			}
			if any {
				dst = append(dst, ',')
			}
			dst, any = showEntity(dst, d, int32(i), nil), true
		}
		return dst, any
	})
}

// TestShownDocuments compares the example documents of the root package with
// the golden files that say how they are shown.
func TestShownDocuments(t *testing.T) {
	files, err := filepath.Glob("../testdata/documents/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for raw := range (tomo.RawDocument{Text: text}).Split() {
			var d tomo.Document
			if refusal := d.Parse(raw); refusal != nil {
				t.Fatalf("%s: %v", file, refusal)
			}
			got.Write(show(&d))
		}
		testkit.Golden(t, filepath.Join("testdata/shown", filepath.Base(file)+"l"), got.Bytes())
	}
}

// TestShownMembers: what is repaired, kept, dropped and put in order.
func TestShownMembers(t *testing.T) {
	const begin, end = `{"id":"3c1d09ab57e6f820","name":"a","start_time":1.7676072001E9,"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"`, `,"end_time":1.7676072002E9`
	tests := []struct{ sent, want string }{ // want: the members after end_time, or from start_time on if it begins so
		{`"parent_id":"ABCDEF0123456789"`, `"parent_id":"abcdef0123456789"`},
		{`"parent_id":""`, ``},
		{`"throttle":true,"error":true,"fault":true,"inferred":true`, `"inferred":true,"fault":true,"error":true,"throttle":true`},
		{`"fault":false,"error":"true","inferred":false,"in_progress":false`, ``},
		{`"type":"subsegment","parent_id":"00000000000000aa"`, `"parent_id":"00000000000000aa"`},

		// Annotations.
		{`"annotations":{"a b":1,"ok":2,"list":[1,2],"n":null}`, `"annotations":{"ok":2}`},
		{`"annotations":{"a b":1}`, `"annotations":{}`},
		{`"annotations":[]`, ``},
		{`"annotations":{"a":1,"b":"x","a":2.50,"b":{}}`, `"annotations":{"a":2.50}`},
		{`"annotations":{"big":123456789012345678901234567890,"long":"` + strings.Repeat("é", 1500) + `"}`,
			`"annotations":{"big":123456789012345678901234567890,"long":"` + strings.Repeat("é", 1500) + `"}`},
		{`"annotations":{"aws:x":1}`, `"annotations":{}`},
		{`"annotations":{"aws:x":1},"origin":"AWS::ApiGateway::Stage"`, `"origin":"AWS::ApiGateway::Stage","annotations":{"aws:x":1}`},

		// What is kept as it was sent, but for the blanks between its parts.
		{`"metadata": { "k" : "te xt" , "n" : [ 1.50 , -0e1 , null ] }`, `"metadata":{"k":"te xt","n":[1.50,-0e1,null]}`},
		{`"metadata":"text"`, `"metadata":"text"`},
		{`"metadata":null`, ``},
		{`"aws":{"anything":{"x":[1]},"resource_names":[],"retries":0}`, `"aws":{"anything":{"x":[1]},"resource_names":[],"retries":0}`},
		{`"service":{}`, `"service":{}`},
		{`"sql":{"url":""}`, `"sql":{"url":""}`},
		{`"user":"a\u00e9\ud83d\ude00\\"`, `"user":"a\u00e9\ud83d\ude00\\"`},
		{"\"user\":\"\xffx\"", "\"user\":\"\ufffdx\""},

		// Unknown members survive at every level; the last of equal ones counts.
		{`"Dummy":false,"x":null,"y":{"z":[{}]},"Dummy":{"a" : 1}`, `"Dummy":{"a":1},"x":null,"y":{"z":[{}]}`},
		{`"k\"\n\u0001":1`, `"k\"\u000a\u0001":1`},
		{"\"k\xff\":1", "\"k\ufffd\":1"},
		{`"http":{"x":{"y":null},"request":{"z":1,"url":"u"},"response":{"w":[]}}`, `"http":{"x":{"y":null},"request":{"z":1,"url":"u"},"response":{"w":[]}}`},
		{`"cause":{"message":"m","exceptions":[{"code":7}]}`, `"cause":{"message":"m","exceptions":[{"code":7}]}`},

		// The wrong type.
		{`"http":{"request":{"method":5,"url":"u","x_forwarded_for":"yes","traced":true},"response":7}`, `"http":{"request":{"url":"u","traced":true}}`},
		{`"http":{"request":{"url":"u"},"request":[]}`, `"http":{}`},
		{`"http":{"response":{"status":"200","content_length":"86"}}`, `"http":{"response":{"status":200,"content_length":86}}`},
		{`"http":{"response":{"status":"many","content_length":-1}}`, `"http":{"response":{"content_length":-1}}`},
		{`"http":5,"aws":[],"sql":"","service":1,"links":{},"subsegments":7,"precursor_ids":"x"`, ``},
		{`"user":"","namespace":"","origin":"","resource_arn":5`, ``},
		{`"aws":{"account_id":5,"ec2":"i","ecs":{"availability_zone":1,"container":"c"},"table_names":["a",1,"b"]}`,
			`"aws":{"ecs":{"container":"c"},"table_names":["a","b"]}`},
		{`"traced":true,"namespace":"foo"`, `"namespace":"foo","traced":true`},
		{`"traced":false`, ``},

		// Causes and links.
		{`"cause":{}`, `"cause":{}`},
		{`"cause":"F4B81C27D09EA635"`, `"cause":"f4b81c27d09ea635"`},
		{`"cause":"too short"`, ``},
		{`"cause":{"id":"F4B81C27D09EA635"}`, `"cause":{"id":"f4b81c27d09ea635"}`},
		{`"cause":{"exceptions":[{"message":"m","stack":[]},7,{"id":"AAAABBBBCCCCDDDD","id":"x","remote":false,"stack":[{"path":"a.js","line":null,"label":"anonymous"}]}],"paths":[]}`,
			`"cause":{"exceptions":[{"message":"m"},{"remote":false,"stack":[{"path":"a.js","label":"anonymous"}]}]}`},
		{`"links":[{"id":"00000000000000AA"},{"trace_id":"1-695B8BA0-aaaaaaaabbbbbbbbcccccccc","id":"00000000000000AA","attributes":{"k":"v"}},5]`,
			`"links":[{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc","id":"00000000000000aa","attributes":{"k":"v"}}]`},
		{`"links":[]`, ``},
		{`"links":[` + strings.Repeat(`{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"},`, 24) + `{}]`,
			`"links":[` + strings.Repeat(`{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"},`, 19) + `{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"}]`},
		{`"precursor_ids":["short",5]`, `"precursor_ids":["short"]`},

		// The whole order.
		{`"subsegments":[{"id":"51c0de77ab93f412","name":"b","start_time":1,"in_progress":true,"parent_id":"x","trace_id":5,"type":"other","subsegments":[]}],
			"own":1,"links":[{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"}],"cause":{},"user":"u","metadata":{},"annotations":{},"resource_arn":"r",
			"origin":"o","service":{},"sql":{},"aws":{},"http":{},"fault":true,"inferred":true,"parent_id":"00000000000000aa","namespace":"remote","precursor_ids":["p"]`,
			`"parent_id":"00000000000000aa","inferred":true,"fault":true,"http":{},"aws":{},"sql":{},"service":{},"origin":"o","resource_arn":"r",` +
				`"annotations":{},"metadata":{},"user":"u","cause":{},"links":[{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"}],"namespace":"remote",` +
				`"precursor_ids":["p"],"own":1,"subsegments":[{"id":"51c0de77ab93f412","name":"b","start_time":1.0,"in_progress":true}]`},
	}
	for _, tt := range tests {
		var d tomo.Document
		text := `{"trace_id":"1-695B8BA0-0a61c2d94b7e8f3051a9c7d2","id":"3C1D09AB57E6F820","name":"a","start_time":1767607200.1,"end_time":1767607200.2,` + tt.sent + `}`
		if refusal := d.Parse(tomo.RawDocument{Text: []byte(text)}); refusal != nil {
			t.Errorf("%s: %v", text, refusal)
			continue
		}
		want := begin + end + "}"
		if tt.want != "" {
			want = begin + end + "," + tt.want + "}"
		}
		if got := string(showEntity(nil, &d, 0, &d.TraceID)); got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.sent, got, want)
		}
	}
}

// TestShownManyMembers: the time grows with the text, and the last of equal
// keys counts among many too.
func TestShownManyMembers(t *testing.T) {
	var text, want bytes.Buffer
	text.WriteString(`{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2","id":"3c1d09ab57e6f820","name":"a","start_time":1,"end_time":2`)
	want.WriteString(`{"id":"3c1d09ab57e6f820","name":"a","start_time":1.0,"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2","end_time":2.0`)
	for i := range 100_000 {
		key, _ := json.Marshal(map[string]int{"k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + jsonNumber(i): i})
		text.WriteByte(',')
		text.Write(key[1 : len(key)-1])
		want.WriteByte(',')
		want.Write(key[1 : len(key)-1])
	}
	text.WriteString(`,"end_time":3}`)
	want.WriteString(`}`)
	var d tomo.Document
	if refusal := d.Parse(tomo.RawDocument{Text: text.Bytes()}); refusal != nil {
		t.Fatal(refusal)
	}
	if got := showEntity(nil, &d, 0, &d.TraceID); string(got) != strings.Replace(want.String(), `"end_time":2.0`, `"end_time":3.0`, 1) {
		t.Errorf("%.300s… is shown as %.300s…", text.String(), got)
	}
}

func jsonNumber(i int) string { text, _ := json.Marshal(i); return string(text) }

func TestAppendDouble(t *testing.T) {
	for want, f := range map[string]float64{
		"0.0": 0, "4.0": 4, "-1.0": -1, "0.25": 0.25, "0.001": 0.001, "9.99E-4": 0.000999, "9999999.0": 9999999,
		"1.0E7": 1e7, "1.790157326E9": 1790157326, "1.7901647695E9": 1790164769.5, "1.767607200204113E9": 1767607200.204113,
		"-1.5E10": -1.5e10, "1.0E-7": 1e-7, "1.0E100": 1e100,
	} {
		if got := string(appendDouble(nil, f)); got != want {
			t.Errorf("%v is written %s, want %s", f, got, want)
		}
	}
}

func TestQueueTimeID(t *testing.T) {
	a := queueTimeID(tomo.TraceID{1}, 1)
	if a != queueTimeID(tomo.TraceID{1}, 1) {
		t.Error("the id differs from one reading to the next")
	}
	if a == queueTimeID(tomo.TraceID{2}, 1) || a == queueTimeID(tomo.TraceID{1}, 2) || a == 1 {
		t.Error("the id is not its own")
	}
}

// FuzzShow: what is shown of any accepted document is a valid document that
// means the same, is shown the same again, keeps what nothing here knows and
// is not much larger.
func FuzzShow(f *testing.F) {
	files, err := filepath.Glob("../testdata/documents/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	const entity = `"id":"51c0de77ab93f412","name":"a","start_time":1e9,"end_time":-0,"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"`
	for _, members := range []string{
		"\"\xff\":\"\xff\",\"u\":{\"\x7f\\u2028\":[1 , \"\\ud800\"]},\"namespace\":\"aws\",\"aws\":{\"queue_url\":\"q\"}",
		`"annotations":{"a":null,"a":1,"b":1e999},"http":{"response":{"status":"007","content_length":1.0}}`,
		`"links":[{"trace_id":"1-695b8ba0-0A61c2d94b7e8f3051a9c7d2"},{}],"cause":{"exceptions":[{"stack":[{}]},[]]},"precursor_ids":[{}]`,
		`"subsegments":[{` + entity + `,"subsegments":[{` + entity + `,"cause":"51c0de77ab93f412"}],"x":[]}],"name":"\ud83d\ude00","name":"\u00e9 \\"`,
	} {
		f.Add([]byte(`{` + entity + `,` + members + `}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkShown(t, text) })
}

// TestShownValues does what FuzzShow does with every member that is looked at
// and values of every kind, alone and after or before a good one.
func TestShownValues(t *testing.T) {
	const entity = `{"id":"51c0de77ab93f412","name":"a","start_time":1767607200.1,"end_time":1767607200.2,"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2",`
	good := map[string]string{ // %s stands for the value
		`"user":%s`: `"u"`, `"origin":%s`: `"AWS::ApiGateway::Stage"`, `"resource_arn":%s`: `"r"`, `"namespace":%s`: `"aws"`, `"traced":%s`: `true`,
		`"fault":%s`: `true`, `"error":%s`: `true`, `"throttle":%s`: `true`, `"inferred":%s`: `true`, `"in_progress":%s`: `false`, `"unknown":%s`: `1`,
		`"service":%s`: `{"version":"1"}`, `"sql":%s`: `{"url":"u"}`, `"metadata":%s`: `{"default":{}}`,
		`"precursor_ids":%s`: `["p"]`, `"precursor_ids":["p",%s]`: `"q"`,
		`"annotations":%s`: `{"a":1}`, `"annotations":{"a":%s,"b":1}`: `"x"`, `"annotations":{"aws:a":%s}`: `1`,
		`"http":%s`: `{"request":{"url":"u"}}`, `"http":{"request":%s}`: `{"method":"GET"}`, `"http":{"response":%s}`: `{"status":200}`,
		`"http":{"request":{"method":%s}}`: `"GET"`, `"http":{"request":{"url":%s}}`: `"u"`, `"http":{"request":{"user_agent":%s}}`: `"u"`,
		`"http":{"request":{"client_ip":%s}}`: `"::1"`, `"http":{"request":{"x_forwarded_for":%s}}`: `true`, `"http":{"request":{"traced":%s}}`: `true`,
		`"http":{"response":{"status":%s}}`: `500`, `"http":{"response":{"content_length":%s}}`: `-1`, `"http":{"unknown":%s}`: `1`,
		`"aws":%s`: `{"operation":"Get"}`, `"aws":{"account_id":%s}`: `"1"`, `"aws":{"operation":%s}`: `"Get"`, `"aws":{"region":%s}`: `"r"`,
		`"aws":{"table_name":%s}`: `"t"`, `"aws":{"table_names":%s}`: `["t"]`, `"aws":{"table_names":[%s]}`: `"t"`, `"aws":{"bucket_name":%s}`: `"b"`,
		`"aws":{"queue_url":%s}`: `"q"`, `"aws":{"function_name":%s}`: `"f"`, `"aws":{"topic_arn":%s}`: `"t"`, `"aws":{"unknown":%s}`: `{}`,
		`"aws":{"ec2":%s}`: `{"instance_id":"i"}`, `"aws":{"ec2":{"instance_id":%s}}`: `"i"`, `"aws":{"ec2":{"availability_zone":%s}}`: `"z"`,
		`"aws":{"ecs":%s}`: `{"container":"c"}`, `"aws":{"ecs":{"availability_zone":%s}}`: `"z"`,
		`"cause":%s`: `"51c0de77ab93f412"`, `"cause":{"id":%s}`: `"51c0de77ab93f412"`, `"cause":{"exceptions":%s}`: `[{"type":"T"}]`,
		`"cause":{"exceptions":[%s]}`: `{"message":"m"}`, `"cause":{"exceptions":[{"id":%s}]}`: `"51c0de77ab93f412"`,
		`"cause":{"exceptions":[{"type":%s}]}`: `"T"`, `"cause":{"exceptions":[{"message":%s}]}`: `"m"`, `"cause":{"exceptions":[{"remote":%s}]}`: `true`,
		`"cause":{"exceptions":[{"cause":%s}]}`: `"51c0de77ab93f412"`, `"cause":{"exceptions":[{"stack":%s}]}`: `[{"line":1}]`,
		`"cause":{"exceptions":[{"stack":[{"line":%s}]}]}`: `1`, `"cause":{"working_directory":%s}`: `"/"`, `"cause":{"paths":[%s]}`: `"/"`,
		`"links":%s`: `[{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"}]`, `"links":[%s]`: `{"trace_id":"1-695b8ba0-0A61C2D94B7E8F3051A9C7D2"}`,
		`"links":[{"trace_id":%s}]`: `"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"`,
		`"links":[{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2","id":%s}]`:         `"51c0de77ab93f412"`,
		`"links":[{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2","attributes":%s}]`: `{"aws.xray.reserved.reference_type":"parent"}`,
	}
	values := []string{
		`null`, `true`, `false`, `0`, `-1.5`, `2.0e2`, `1e999`, `1e15`, `123456789012345678901`, `""`, `"x"`, `"200"`, `"0200"`, `"1.5"`, `"51C0DE77AB93F412"`,
		`[]`, `{}`, `[null]`, `[1,"a",{}]`, `{"k":null}`, "\"\xff\\ud83d\"",
	}
	for member, value := range good {
		for _, odd := range values {
			first, second := strings.Replace(member, "%s", odd, 1), strings.Replace(member, "%s", value, 1)
			checkShown(t, []byte(entity+first+`}`))
			checkShown(t, []byte(entity+first+`,`+second+`}`))
			checkShown(t, []byte(entity+second+` , `+first+`}`))
			within := strings.NewReplacer("{", "[", "}", "]").Replace(member) == member // a member of the entity itself
			if !within {
				inner := member[strings.LastIndex(member, "{")+1:]
				inner = inner[:strings.Index(inner, "%s")]
				twice := strings.Replace(member, "%s", odd+","+inner+value, 1)
				if json.Valid([]byte("{" + twice + "}")) {
					checkShown(t, []byte(entity+twice+`}`))
				}
			}
		}
	}
}

// checkShown fails if what is shown of an accepted document is not what
// FuzzShow says.
func checkShown(t *testing.T, text []byte) {
	t.Helper()
	var d, again tomo.Document
	if d.Parse(tomo.RawDocument{Text: text}) != nil {
		return
	}
	shown := showEntity(nil, &d, 0, &d.TraceID)
	if len(shown) > 3*len(text)+64 {
		t.Errorf("%d bytes are shown as %d", len(text), len(shown))
	}
	for line := range bytes.Lines(show(&d)) {
		if !json.Valid(line) || !utf8.Valid(line) {
			t.Errorf("%q is shown as %q", text, line)
		}
	}
	if refusal := again.Parse(tomo.RawDocument{Text: shown}); refusal != nil || again.Repairs != (tomo.Repairs{}) {
		t.Fatalf("%q is shown as %q: %v, %+v", text, shown, refusal, again.Repairs)
	}
	if twice := showEntity(nil, &again, 0, &again.TraceID); !bytes.Equal(shown, twice) {
		t.Fatalf("%q is shown as %q, and that as %q", text, shown, twice)
	}
	// A shown subsegment has lost its type: it is always folded into a
	// segment. Times are doubles now, a few microseconds off in far centuries.
	again.Segments[0].Subsegment = d.Segments[0].Subsegment
	near := cmp.Comparer(func(a, b tomo.Time) bool { return max(a-b, b-a) <= 1+max(a, -a)/1e15 })
	ignore := cmpopts.IgnoreFields(tomo.Segment{}, "Text")
	if diff := cmp.Diff(d.Segments, again.Segments, near, ignore, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%q is shown as %q: (-sent +shown)\n%s", text, shown, diff)
	}

	sent, kept := decode(t, text), decode(t, shown)
	for key, value := range sent {
		if key != "metadata" && knownMembers[key] || key == "metadata" && value == nil {
			continue
		}
		if diff := cmp.Diff(value, kept[key]); diff != "" {
			t.Fatalf("%q is shown as %q: %q (-sent +shown)\n%s", text, shown, key, diff)
		}
	}
}

func decode(t *testing.T, text []byte) (object map[string]any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}
