package tomo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/internal/testkit"
)

// write fills in what most rows of the tables below have in common.
var write = strings.NewReplacer(
	"$entity", `$id,$name,$start,$end`,
	"$id", `"id":"3c1d09ab57e6f820"`,
	"$trace", `"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"`,
	"$name", `"name":"a"`,
	"$start", `"start_time":1767607200.1`,
	"$end", `"end_time":1767607200.2`,
	"$child", `"id":"51c0de77ab93f412"`,
).Replace

// expand applies write until nothing is left to fill in.
func expand(text string) string {
	for strings.Contains(text, "$entity") {
		text = write(text)
	}
	return write(text)
}

const sentID = "3c1d09ab57e6f820"

func parse(text string) (*tomo.Document, *tomo.Refusal) {
	var d tomo.Document
	refusal := d.Parse(tomo.RawDocument{Text: []byte(text), Received: 7})
	return &d, refusal
}

// TestParseRefuses holds the parser against what the service was seen to
// refuse, with the code, the message and the id of its answer, and against
// what the schema makes of the rest.
func TestParseRefuses(t *testing.T) {
	const (
		segment    = "Invalid segment. ErrorCode: %s"
		subsegment = "Invalid subsegment. ErrorCode: %s, Cause: null"
		entity     = "Invalid entity. ErrorCode: %s"
		absent     = "(null)"
	)
	tests := []struct {
		doc     string
		code    tomo.Code
		message string
		id      string
	}{
		// Not JSON, or not an object.
		{``, "ParseError", segment, absent},
		{` `, "ParseError", segment, absent},
		{`not json`, "ParseError", segment, absent},
		{`{`, "ParseError", segment, absent},
		{`{$id,$name`, "ParseError", segment, sentID},
		{`{$trace,$entity}}`, "ParseError", segment, sentID},
		{`{$trace,$entity,}`, "ParseError", segment, sentID},
		{`{$trace,$entity} {}`, "ParseError", segment, sentID},
		{`{$trace,$entity,"x":01}`, "ParseError", segment, sentID},
		{`{$trace,$entity,"x":"\x"}`, "ParseError", segment, sentID},
		{"{$trace,$entity,\"x\":\"a\tb\"}", "ParseError", segment, sentID},
		{"\xef\xbb\xbf{$trace,$entity}", "ParseError", segment, absent},
		{`"just a string"`, "ParseError", segment, absent},
		{`42`, "ParseError", segment, absent},
		{`true`, "ParseError", segment, absent},
		{`null`, "ParseError", segment, absent},
		{`[]`, "ParseError", entity, absent},
		{`{$trace,$entity,"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`, "ParseError", segment, sentID},
		{`T1SCg==`, "ParseError", segment, absent},

		{`{}`, "MissingId", segment, absent},
		{`{$trace,$name,$start,$end}`, "MissingId", segment, absent},
		{`{"id":null,$trace,$name,$start,$end}`, "MissingId", segment, absent},
		{`{"id":"",$trace,$name,$start,$end}`, "MissingId", segment, ""},
		{`{"id":"3c1d09ab57e6f82",$trace,$name,$start,$end}`, "InvalidId", segment, "3c1d09ab57e6f82"},
		{`{"id":"3c1d09ab57e6f8200",$trace,$name,$start,$end}`, "InvalidId", segment, "3c1d09ab57e6f8200"},
		{`{"id":"3c1d09ab57e6f8zz",$trace,$name,$start,$end}`, "InvalidId", segment, "3c1d09ab57e6f8zz"},
		{`{"id":"invalid",$trace,$name,$start,$end}`, "InvalidId", segment, "invalid"},
		{`{"id":4330000000000000,$trace,$name,$start,$end}`, "InvalidId", segment, "4330000000000000"},
		{`{"id":{},$trace,$name,$start,$end}`, "InvalidId", segment, absent},
		{`{$id,"id":"last wins",$trace,$name,$start,$end}`, "InvalidId", segment, "last wins"},

		{`{$entity}`, "MissingTraceId", segment, sentID},
		{`{"trace_id":"",$entity}`, "MissingTraceId", segment, sentID},
		{`{"trace_id":null,$entity}`, "MissingTraceId", segment, sentID},
		{`{"trace_id":"not-a-trace",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"695b8ba00a61c2d94b7e8f3051a9c7d2",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2ff",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"2-695b8ba0-0a61c2d94b7e8f3051a9c7d2",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"1-5880168b-fd515828bs07678a3bb5a78c",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":"Root=1-695b8ba0-0a61c2d94b7e8f3051a9c7d2",$entity}`, "InvalidTraceId", segment, sentID},
		{`{"trace_id":1,$entity}`, "InvalidTraceId", segment, sentID},

		{`{$trace,$id,$start,$end}`, "MissingName", segment, sentID},
		{`{$trace,$id,"name":"",$start,$end}`, "MissingName", segment, sentID},
		{`{$trace,$id,"name":7,$start,$end}`, "MissingName", segment, sentID},
		{`{$trace,$id,"name":"what?",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a\tb",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a\u0000b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"cost $5 <b>",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"[x]",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"{x}",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a;b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a*b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a!b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a|b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a,b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a(b)",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a'b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"a\"b",$start,$end}`, "InvalidName", segment, sentID},
		{`{$trace,$id,"name":"` + strings.Repeat("a", 300) + `?",$start,$end}`, "InvalidName", segment, sentID},

		{`{$trace,$id,$name,$end}`, "MissingStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":null,$end}`, "MissingStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":"yesterday",$end}`, "InvalidStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":"1767607200.1",$end}`, "InvalidStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":1767607200125,$end}`, "InvalidStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":1e999,$end}`, "InvalidStartTime", segment, sentID},
		{`{$trace,$id,$name,"start_time":true,$end}`, "InvalidStartTime", segment, sentID},

		{`{"type":"other",$trace,$entity}`, "UnknownType", entity, sentID},
		{`{"type":5,$trace,$entity}`, "UnknownType", entity, sentID},
		{`{"type":"other",$trace,$id,$name,$start}`, "UnknownType", entity, sentID},

		{`{$trace,$id,$name,$start}`, "MissingEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"in_progress":false}`, "MissingEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"in_progress":"no"}`, "MissingEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"end_time":null}`, "MissingEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"end_time":"soon"}`, "InvalidEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"end_time":-0.5}`, "InvalidEndTime", segment, sentID},
		{`{$trace,$id,$name,$start,"end_time":1767607200125}`, "InvalidEndTime", segment, sentID},
		{`{$trace,$entity,"in_progress":true}`, "InProgressSegmentHasEndTime", segment, sentID},
		{`{"type":"subsegment","parent_id":"18f2c6d0ab75e934",$trace,$entity,"in_progress":true}`, "InProgressSubsegmentHasEndTime", subsegment, sentID},

		{`{$trace,$entity,"parent_id":"xyz"}`, "InvalidParentId", segment, sentID},
		{`{$trace,$entity,"parent_id":5}`, "InvalidParentId", segment, sentID},
		{`{"type":"subsegment",$trace,$entity}`, "MissingParentId", subsegment, sentID},
		{`{"type":"subsegment",$trace,$entity,"parent_id":""}`, "MissingParentId", subsegment, sentID},
		{`{"type":"subsegment",$trace,$entity,"parent_id":null}`, "MissingParentId", subsegment, sentID},
		{`{"type":"subsegment",$trace,$entity,"parent_id":"12345678"}`, "InvalidParentId", subsegment, sentID},
		{`{"type":"subsegment",$entity,"parent_id":"18f2c6d0ab75e934"}`, "MissingTraceId", subsegment, sentID},

		// Embedded subsegments: the id is that of the document.
		{`{$trace,$entity,"subsegments":[{$child,$name,$start}]}`, "MissingEndTime", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,$name,$start,$end,"subsegments":[{$name,$start,$end}]}]}`, "MissingId", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{"id":"short",$name,$start,$end}]}`, "InvalidId", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,$start,$end}]}`, "MissingName", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,"name":42,$start,$end}]}`, "MissingName", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,"name":"GET /a?b=c",$start,$end}]}`, "InvalidName", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,$name,$end}]}`, "MissingStartTime", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,$name,$start,$end,"in_progress":true}]}`, "InProgressSubsegmentHasEndTime", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[5]}`, "ParseError", entity, sentID},
		{`{$trace,$entity,"subsegments":[null]}`, "ParseError", entity, sentID},
		{`{$trace,$entity,"subsegments":[[]]}`, "ParseError", entity, sentID},

		// The first fault is reported: the segment's own, then in order, a
		// parent before its children; members come in any order.
		{`{"subsegments":[{}],$trace,$id,$start,$end}`, "MissingName", segment, sentID},
		{`{"name":"?","id":"x"}`, "InvalidId", segment, "x"},
		{`{$trace,$entity,"subsegments":[{"subsegments":[5],$child,$start,$end},{}]}`, "MissingName", subsegment, sentID},
		{`{$trace,$entity,"subsegments":[{$child,$name,$start,$end,"subsegments":[5]},{}]}`, "ParseError", entity, sentID},
		{`{$trace,$entity,"subsegments":[{}]`, "ParseError", segment, sentID},
	}
	for _, tt := range tests {
		text := expand(tt.doc)
		_, refusal := parse(text)
		if refusal == nil {
			t.Errorf("%.200s: was taken, want %s", text, tt.code)
			continue
		}
		want := tomo.Refusal{Code: tt.code, Message: fmt.Sprintf(tt.message, tt.code)}
		if tt.id != absent {
			want.ID = &tt.id
		}
		if diff := cmp.Diff(&want, refusal); diff != "" {
			t.Errorf("%.200s: (-want +got)\n%s", text, diff)
		}
	}
}

// TestParseRepairs lists what looks wrong and is taken all the same, and what
// is left of it.
func TestParseRepairs(t *testing.T) {
	type segment = tomo.Segment
	text := func(s string) tomo.Value { return tomo.Value{Kind: tomo.StringValue, String: s} }
	number := func(f float64) tomo.Value { return tomo.Value{Kind: tomo.NumberValue, Number: f} }
	yes := tomo.Value{Kind: tomo.BoolValue, Bool: true}

	tests := []struct {
		doc     string // members beside those every entity has
		want    segment
		repairs tomo.Repairs
	}{
		{doc: `"annotations":{"a b":1,"ok":2}`, repairs: tomo.Repairs{Annotations: 1},
			want: segment{Annotations: []tomo.Annotation{{Key: "ok", Value: number(2)}}}},
		{doc: `"annotations":{"list":[1,2],"o":{},"n":null,"big":1e999}`, repairs: tomo.Repairs{Annotations: 4}},
		{doc: `"annotations":[]`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"annotations":{"":1,"é":1,"a-b":1,"a.b":"x","A_9":true}`, repairs: tomo.Repairs{Annotations: 3},
			want: segment{Annotations: []tomo.Annotation{{Key: "a.b", Value: text("x")}, {Key: "A_9", Value: yes}}}},
		{doc: `"annotations":{"k":"` + strings.Repeat("é", 1001) + `"}`,
			want: segment{Annotations: []tomo.Annotation{{Key: "k", Value: text(strings.Repeat("é", 1000))}}}},
		{doc: `"annotations":{"` + strings.Repeat("k", 501) + `":1}`, repairs: tomo.Repairs{Annotations: 1}},
		{doc: `"annotations":{"aws:api_id":"x"}`, repairs: tomo.Repairs{Annotations: 1}},
		{doc: `"annotations":{"aws:api_id":"x"},"origin":"AWS::ApiGateway::Stage"`,
			want: segment{Origin: "AWS::ApiGateway::Stage", Annotations: []tomo.Annotation{{Key: "aws:api_id", Value: text("x")}}}},
		{doc: `"annotations":{"a":1,"b":2,"a":3}`,
			want: segment{Annotations: []tomo.Annotation{{Key: "a", Value: number(3)}, {Key: "b", Value: number(2)}}}},
		{doc: `"annotations":{"a":1,"b":2,"a":null}`, repairs: tomo.Repairs{Annotations: 1},
			want: segment{Annotations: []tomo.Annotation{{Key: "b", Value: number(2)}}}},
		{doc: `"annotations":{"a":null,"a":true}`,
			want: segment{Annotations: []tomo.Annotation{{Key: "a", Value: yes}}}},
		{doc: `"annotations":{"a":1},"annotations":7`, repairs: tomo.Repairs{Members: 1}},

		{doc: `"metadata":{"k":"text"}`},
		{doc: `"metadata":"text"`},
		{doc: `"metadata":null`},
		{doc: `"service":{}`},
		{doc: `"service":5`, repairs: tomo.Repairs{Members: 1}},

		{doc: `"cause":{}`},
		{doc: `"cause":"too short"`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"cause":["x"]`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"cause":"F4B81C27D09EA635"`, want: segment{Cause: tomo.Cause{Ref: 0xf4b81c27d09ea635, HasRef: true}}},
		{doc: `"cause":{"id":"f4b81c27d09ea635"}`, want: segment{Cause: tomo.Cause{Ref: 0xf4b81c27d09ea635, HasRef: true}}},
		{doc: `"cause":{"exceptions":[{"type":"T","message":"m","stack":[{"path":"a.js","line":null,"label":"anonymous"}]}]}`,
			want: segment{Cause: tomo.Cause{Exceptions: []tomo.Exception{{Type: "T", Message: "m"}}}}},
		{doc: `"cause":{"exceptions":[5,{"id":"00000000000000aa","remote":true,"cause":"00000000000000bb"},{"id":"b"}]}`, repairs: tomo.Repairs{Members: 2},
			want: segment{Cause: tomo.Cause{Exceptions: []tomo.Exception{{ID: 0xaa, HasID: true, Remote: true, Cause: 0xbb, HasCause: true}, {}}}}},

		{doc: `"http":{"response":{"status":"200"}}`, want: segment{HTTP: tomo.HTTP{Status: 200}}},
		{doc: `"http":{"response":{"status":2e2}}`, want: segment{HTTP: tomo.HTTP{Status: 200}}},
		{doc: `"http":{"response":{"status":"many"}}`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"http":{"response":{"status":200.5}}`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"http":{"response":{"content_length":"86"}}`},
		{doc: `"http":{"response":{"status":200,"content_length":{}}}`, repairs: tomo.Repairs{Members: 1}, want: segment{HTTP: tomo.HTTP{Status: 200}}},
		{doc: `"http":{"request":{"method":5,"url":"` + strings.Repeat("u", 2000) + `"}}`, repairs: tomo.Repairs{Members: 1},
			want: segment{HTTP: tomo.HTTP{URL: strings.Repeat("u", 2000)}}},
		{doc: `"http":"GET"`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"http":{"request":{"url":"a","traced":true},"request":{"method":"GET"}}`, want: segment{HTTP: tomo.HTTP{Method: "GET"}}},
		{doc: `"traced":true`, want: segment{HTTP: tomo.HTTP{Traced: true}}},

		{doc: `"fault":"true"`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"fault":true,"error":false,"throttle":null`, want: segment{Fault: true}},
		{doc: `"user":"","namespace":"","origin":"","parent_id":"","resource_arn":""`},
		{doc: `"user":5,"origin":[]`, repairs: tomo.Repairs{Members: 2}},
		{doc: `"Dummy":false,"unknown":{"deep":[1,{}]}`},
		{doc: `"namespace":"local"`},
		{doc: `"namespace":"foo"`},
		{doc: `"namespace":"remote"`, want: segment{Namespace: tomo.RemoteNamespace}},
		{doc: `"namespace":"aws","namespace":7`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"end_time":1767607199`, want: segment{End: 1767607199000000}},
		{doc: `"start_time":0`, want: segment{}},
		{doc: `"start_time":-5`, want: segment{Start: -5000000}},
		{doc: `"start_time":1764928800.5`, want: segment{Start: 1764928800500000}},
		{doc: `"in_progress":false`},
		{doc: `"in_progress":"true","end_time":null`, want: segment{InProgress: true}},
		{doc: `"in_progress":1,"end_time":null`, want: segment{InProgress: true}},
		{doc: `"in_progress":1.0,"end_time":null`, want: segment{InProgress: true}},
		{doc: `"in_progress":2`, repairs: tomo.Repairs{Members: 1}},

		{doc: `"subsegments":{}`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"subsegments":"text"`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"subsegments":42`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"subsegments":null`},
		{doc: `"subsegments":[]`},
		{doc: `"subsegments":[{$child,$name,$start,$end}],"subsegments":[]`},
		{doc: `"subsegments":[5],"subsegments":null`},

		{doc: `"id":"3C1D09AB57E6F820","parent_id":"ABCDEF0123456789","trace_id":"1-695B8BA0-0A61C2D94B7E8F3051A9C7D2"`,
			want: segment{Parent: 0xabcdef0123456789, HasParent: true}},
		{doc: `"\u0070arent_id":"abcdef0123456789"`, want: segment{Parent: 0xabcdef0123456789, HasParent: true}},
		{doc: `"Parent_ID":"xyz"`},

		{doc: `"aws":{"anything":{"x":[1]}}`},
		{doc: `"aws":7`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"aws":{"ecs":{"availability_zone":"c"},"ec2":{"instance_id":"i","availability_zone":"a"}}`,
			want: segment{AWS: tomo.AWS{InstanceID: "i", AvailabilityZone: "a"}}},
		{doc: `"aws":{"ecs":{"availability_zone":"c"},"ec2":{}}`, want: segment{AWS: tomo.AWS{AvailabilityZone: "c"}}},
		{doc: `"aws":{"table_names":["t"]}`, want: segment{AWS: tomo.AWS{TableName: "t"}}},
		{doc: `"aws":{"table_names":["t","u"]}`},
		{doc: `"sql":{}`, want: segment{HasSQL: true}},
		{doc: `"sql":"select"`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"precursor_ids":["short",5]`, repairs: tomo.Repairs{Members: 1}},

		{doc: `"links":5`, repairs: tomo.Repairs{Members: 1}},
		{doc: `"links":[{"id":"00000000000000aa"},7,{"trace_id":"x"},
			{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc","attributes":{"aws.xray.reserved.reference_type":"parent"}},
			{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc","id":"00000000000000aa","attributes":{"aws.xray.reserved.reference_type":"child"}}]`,
			repairs: tomo.Repairs{Members: 3},
			want: segment{Links: []tomo.Link{
				{TraceID: linked, Parent: true},
				{TraceID: linked, ID: 0xaa, HasID: true, Child: true},
			}}},
		{doc: `"links":[` + strings.Repeat(`{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"},`, 24) + `{"trace_id":"1-695b8ba0-aaaaaaaabbbbbbbbcccccccc"}]`,
			repairs: tomo.Repairs{Members: 5}, want: segment{Links: slicesOf(tomo.Link{TraceID: linked}, 20)}},

		{doc: `"name":"` + strings.Repeat("é", 300) + `"`, repairs: tomo.Repairs{Name: 1}, want: segment{Name: strings.Repeat("é", 200)}},
		{doc: `"name":"日本 Ⅷ _.:/%&#=+\\-@\u00a0"`, want: segment{Name: "日本 Ⅷ _.:/%&#=+\\-@\u00a0"}},
		{doc: "\"name\":\"caf\xe9\"", want: segment{Name: "caf\ufffd"}},
		{doc: `"user":"a\u00e9\ud83d\ude00\ud83d\n\"\\\/"`, want: segment{User: "aé😀\ufffd\n\"\\/"}},
		{doc: "\"user\":\"\xff\xfe\\t\"", want: segment{User: "\ufffd\ufffd\t"}},
		{doc: `"user":"nul\u0000"`, want: segment{User: "nul\x00"}},
	}
	for _, tt := range tests {
		doc := expand(`{$trace,$entity,` + tt.doc + `}`)
		d, refusal := parse(doc)
		if refusal != nil {
			t.Errorf("%.200s: %v", doc, refusal)
			continue
		}
		want := tt.want
		want.ID, want.Enclosing, want.Text = 0x3c1d09ab57e6f820, -1, []byte(doc)
		if want.Name == "" {
			want.Name = "a"
		}
		if !strings.Contains(tt.doc, "start_time") {
			want.Start = 1767607200100000
		}
		if want.End == 0 && !want.InProgress {
			want.End = 1767607200200000
		}
		if diff := cmp.Diff([]segment{want}, d.Segments, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%.200s: (-want +got)\n%s", doc, diff)
		}
		if d.Repairs != tt.repairs {
			t.Errorf("%.200s: repairs %+v, want %+v", doc, d.Repairs, tt.repairs)
		}
		if got := d.TraceID.String(); got != "1-695b8ba0-0a61c2d94b7e8f3051a9c7d2" {
			t.Errorf("%.200s: trace id %s", doc, got)
		}
	}
}

var linked = func() tomo.TraceID {
	id, err := tomo.ParseTraceID("1-695b8ba0-aaaaaaaabbbbbbbbcccccccc")
	if err != nil {
		panic(err)
	}
	return id
}()

func slicesOf[T any](v T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// TestParseDates: nothing depends on the date inside the trace id.
func TestParseDates(t *testing.T) {
	for _, id := range []string{
		"1-00000000-0a61c2d94b7e8f3051a9c7d2",
		"1-57ff426a-80c11c39b0c928905eb0828d",
		"1-ffffffff-0a61c2d94b7e8f3051a9c7d2",
		"1-4efaaf4d-1e8720b39541901950019ee5",
	} {
		d, refusal := parse(expand(`{"trace_id":"` + id + `",$entity}`))
		if refusal != nil || d.TraceID.String() != id {
			t.Errorf("%s: read as %v, %v", id, d.TraceID, refusal)
		}
	}
}

// documents are the examples in testdata/documents by name: one of each kind
// that the known clients send. All of them are to be taken.
func documents(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/documents/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	texts := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(file), ".json")] = text
	}
	return texts
}

// TestParseDocuments parses the examples into one document after another and
// compares what was understood with the golden files beside them.
func TestParseDocuments(t *testing.T) {
	var d tomo.Document // used again and again, as in real use
	for name, text := range documents(t) {
		var got bytes.Buffer
		for raw := range (tomo.RawDocument{Text: text, Received: 7}).Split() {
			if refusal := d.Parse(raw); refusal != nil {
				t.Errorf("%s: %v", name, refusal)
				continue
			}
			var fresh tomo.Document
			if fresh.Parse(raw); !cmp.Equal(fresh, d, alike...) {
				t.Errorf("%s: another document in the same memory: (-fresh +reused)\n%s", name, cmp.Diff(fresh, d, alike...))
			}
			describe(&got, &d)
		}
		testkit.Golden(t, filepath.Join("testdata/documents", name+".golden"), got.Bytes())
	}
}

// describe writes what is known of a document, an entity a line, what is
// embedded in it below it.
func describe(w *bytes.Buffer, d *tomo.Document) {
	fmt.Fprintf(w, "trace %v", d.TraceID)
	if d.Repairs != (tomo.Repairs{}) {
		fmt.Fprintf(w, " repairs%+v", d.Repairs)
	}
	w.WriteByte('\n')
	for i := range d.Segments {
		s := &d.Segments[i]
		depth := 0
		for at := s; at.Enclosing >= 0; at = &d.Segments[at.Enclosing] {
			depth++
		}
		fmt.Fprintf(w, "%s%v %q %d", strings.Repeat("  ", depth), s.ID, s.Name, s.Start)
		if s.InProgress {
			w.WriteString("…")
		} else {
			fmt.Fprintf(w, "+%v", s.End.Sub(s.Start))
		}
		say := func(name string, there bool, value any) {
			if there {
				fmt.Fprintf(w, " %s=%v", name, value)
			}
		}
		say("subsegment", s.Subsegment, s.Subsegment)
		say("parent", s.HasParent, s.Parent)
		say("inferred", s.Inferred, s.Inferred)
		say("fault", s.Fault, s.Fault)
		say("error", s.Error, s.Error)
		say("throttle", s.Throttle, s.Throttle)
		say("namespace", s.Namespace != 0, s.Namespace)
		say("sql", s.HasSQL, s.HasSQL)
		say("user", s.User != "", s.User)
		say("origin", s.Origin != "", s.Origin)
		say("resource", s.ResourceARN != "", s.ResourceARN)
		say("http", s.HTTP != (tomo.HTTP{}), nonZero(s.HTTP))
		say("aws", s.AWS != (tomo.AWS{}), nonZero(s.AWS))
		for _, a := range s.Annotations {
			say("annotation "+a.Key, true, []any{strconv.Quote(a.Value.String), a.Value.Number, a.Value.Bool}[a.Value.Kind])
		}
		say("cause", s.Cause.HasRef, s.Cause.Ref)
		for _, e := range s.Cause.Exceptions {
			say("exception", true, nonZero(e))
		}
		for _, l := range s.Links {
			say("link", true, nonZero(l))
		}
		w.WriteByte('\n')
	}
}

// nonZero prints a struct without the fields that hold nothing.
func nonZero(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	for name, value := range all {
		switch value {
		case "", 0.0, false, nil, "0000000000000000":
			delete(all, name)
		}
	}
	return strings.TrimPrefix(fmt.Sprint(all), "map")
}

// TestSplit: a document string is a document, or an array of several that are
// taken or refused one by one.
func TestSplit(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{`{}`, []string{`{}`}},
		{`[]`, []string{`[]`}},
		{` [ ] `, []string{` [ ] `}},
		{`[{},{"a":[1]} , 5,[]]`, []string{`{}`, `{"a":[1]}`, `5`, `[]`}},
		{`[{},{"a":}]`, []string{`[{},{"a":}]`}},
		{`[{}] x`, []string{`[{}] x`}},
		{`[{}`, []string{`[{}`}},
		{``, []string{``}},
	}
	for _, tt := range tests {
		var got []string
		for raw := range (tomo.RawDocument{Text: []byte(tt.in), Received: 3}).Split() {
			got = append(got, string(raw.Text))
			if raw.Received != 3 {
				t.Errorf("%s: an element was received at %d", tt.in, raw.Received)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.in, diff)
		}
	}

	// The second of the two is refused by itself.
	text := expand(`[{"type":"subsegment","parent_id":"18f2c6d0ab75e934",$trace,$entity},{"type":"subsegment",$child,$trace,$name,$start,$end}]`)
	var refusals []*tomo.Refusal
	for raw := range (tomo.RawDocument{Text: []byte(text)}).Split() {
		var d tomo.Document
		refusals = append(refusals, d.Parse(raw))
	}
	if len(refusals) != 2 || refusals[0] != nil || refusals[1] == nil || refusals[1].Code != tomo.MissingParentID || *refusals[1].ID != "51c0de77ab93f412" {
		t.Errorf("refusals of an array: %v", refusals)
	}
}

func TestMembers(t *testing.T) {
	type member struct{ Key, Value string }
	tests := []struct {
		in   string
		want []member
	}{
		{`{}`, nil},
		{`[1]`, nil},
		{` { "a" : 1 , "b\u0063" : [ 1 , {} ] , "a":"x" } `, []member{{"a", "1"}, {"bc", "[ 1 , {} ]"}, {"a", `"x"`}}},
		{`{"a":1,"b":}`, []member{{"a", "1"}}},
	}
	for _, tt := range tests {
		var got []member
		for key, value := range tomo.Members([]byte(tt.in)) {
			got = append(got, member{key, string(value)})
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.in, diff)
		}
	}
	for key := range tomo.Members([]byte(`{"first":1,"second":2}`)) {
		if key != "first" {
			t.Errorf("went on to %s", key)
		}
		break
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{`"a"`: "a", ` "\u00e9" `: "é", `""`: ""} {
		if got, ok := tomo.Unquote([]byte(in)); got != want || !ok {
			t.Errorf("%s: %q, %t", in, got, ok)
		}
	}
	for _, in := range []string{``, `5`, `"`, `"a`, `"a"b`, `"\x"`, `null`} {
		if got, ok := tomo.Unquote([]byte(in)); ok {
			t.Errorf("%s: taken for %q", in, got)
		}
	}
}

// TestParseTimes: times are read to the microsecond from their decimal digits,
// whatever a float would make of them.
func TestParseTimes(t *testing.T) {
	for number, want := range map[string]tomo.Time{
		"0": 0, "-0": 0, "0e99999999999": 0, "1": 1e6, "-1": -1e6,
		"1767607200.000001":               1767607200000001,
		"1.767607200000001E9":             1767607200000001,
		"1767607200000001e-6":             1767607200000001,
		"1767607200.0000005":              1767607200000001,
		"1767607200.00000049":             1767607200000000,
		"-1767607200.0000005":             -1767607200000001,
		"1767607250.7001178":              1767607250700118,
		"0.0000004":                       0,
		"0.0000005":                       1,
		"5e-7":                            1,
		"1e-99999999999999999":            0,
		"99999999999.999999":              99999999999999999,
		"123.456789012345678901234567890": 123456789,
	} {
		d, refusal := parse(expand(`{$trace,$entity,"start_time":` + number + `}`))
		if refusal != nil || d.Segments[0].Start != want {
			t.Errorf("%s: read as %d, %v; want %d", number, d.Segments[0].Start, refusal, want)
		}
	}
	for _, number := range []string{"1e11", "100000000000", "-1e11", "1e400", "0.0001e16"} {
		if _, refusal := parse(expand(`{$trace,$entity,"start_time":` + number + `}`)); refusal == nil || refusal.Code != tomo.InvalidStartTime {
			t.Errorf("%s: %v, want it refused", number, refusal)
		}
	}
}

// TestParseTimesExactly compares with exact arithmetic.
func TestParseTimesExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		want, fits := exactly(t, number)
		d, refusal := parse(expand(`{$trace,$entity,"start_time":` + number + `}`))
		if fits != (refusal == nil) {
			t.Fatalf("%s: %v, want it taken: %t", number, refusal, fits)
		}
		if fits && d.Segments[0].Start != want {
			t.Fatalf("%s: read as %d, want %d", number, d.Segments[0].Start, want)
		}
	})
}

// exactly converts the text of a number to microseconds by exact arithmetic
// and says whether it is less than 10^11 seconds.
func exactly(t interface{ Fatalf(string, ...any) }, number string) (tomo.Time, bool) {
	if f, err := strconv.ParseFloat(number, 64); err != nil || math.Abs(f) > 1e12 {
		return 0, false
	} else if math.Abs(f) < 1e-9 {
		return 0, true
	}
	seconds, ok := new(big.Rat).SetString(number)
	if !ok {
		t.Fatalf("%q is no number", number)
	}
	size := new(big.Rat).Abs(seconds)
	if size.Cmp(new(big.Rat).SetInt64(1e11)) >= 0 {
		return 0, false
	}
	micros := size.Mul(size, new(big.Rat).SetInt64(1e6))
	micros.Add(micros, big.NewRat(1, 2))
	n := new(big.Int).Quo(micros.Num(), micros.Denom()).Int64()
	if seconds.Sign() < 0 {
		n = -n
	}
	return tomo.Time(n), true
}

// TestParseManyMembers: the time to parse grows with the text, not with the
// square of what is in it.
func TestParseManyMembers(t *testing.T) {
	const many = 200_000
	var text strings.Builder
	text.WriteString(`{$trace,$entity,"annotations":{"a":0`)
	for i := range many {
		fmt.Fprintf(&text, `,"k%d":%d`, i, i)
	}
	text.WriteString(`,"k7":"seven"}}`)
	start := time.Now()
	d, refusal := parse(expand(text.String()))
	if refusal != nil || len(d.Segments[0].Annotations) != many+1 {
		t.Fatalf("%d annotations, %v", len(d.Segments[0].Annotations), refusal)
	}
	if got := d.Segments[0].Annotations[8]; got.Key != "k7" || got.Value.String != "seven" {
		t.Errorf("the last value of k7 is %+v", got)
	}
	if took := time.Since(start); took > 20*time.Second { // a square takes minutes
		t.Errorf("parsing took %v", took)
	}
}

func TestParseDepth(t *testing.T) {
	nested := func(depth int) string {
		// The document is one level, each subsegment adds two.
		return strings.Repeat(`{$child,$trace,$name,$start,$end,"subsegments":[`, (depth-1)/2) + `{$child,$trace,$name,$start,$end,"x":` +
			strings.Repeat("[", (depth-1)%2) + "1" + strings.Repeat("]", (depth-1)%2) + `}` + strings.Repeat(`]}`, (depth-1)/2)
	}
	if d, refusal := parse(expand(nested(tomo.MaxDepth))); refusal != nil || len(d.Segments) != 500 {
		t.Errorf("%d levels: %d entities, %v", tomo.MaxDepth, len(d.Segments), refusal)
	}
	if _, refusal := parse(expand(nested(tomo.MaxDepth + 1))); refusal == nil || refusal.Code != tomo.ParseError {
		t.Errorf("%d levels: %v", tomo.MaxDepth+1, refusal)
	}
}

func TestParseAllocates(t *testing.T) {
	raw := tomo.RawDocument{Text: benchmarkDocument(t)}
	var d tomo.Document
	if n := testing.AllocsPerRun(100, func() {
		if refusal := d.Parse(raw); refusal != nil {
			t.Fatal(refusal)
		}
	}); n > 0 {
		t.Errorf("parsing into used memory allocates %v times", n)
	}
}

// benchmarkDocument is an ordinary document: a request with four calls.
func benchmarkDocument(t testing.TB) []byte {
	var compact bytes.Buffer
	if err := json.Compact(&compact, documents(t)["frontend"]); err != nil {
		t.Fatal(err)
	}
	return compact.Bytes()
}

func BenchmarkParse(b *testing.B) {
	raw := tomo.RawDocument{Text: benchmarkDocument(b)}
	var d tomo.Document
	b.SetBytes(int64(len(raw.Text)))
	b.ReportAllocs()
	for b.Loop() {
		if refusal := d.Parse(raw); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

// BenchmarkEncodingJSON reads less of the same document with the standard
// library, and checks nothing of it.
func BenchmarkEncodingJSON(b *testing.B) {
	type subsegment struct {
		ID        string  `json:"id"`
		Name      string  `json:"name"`
		Start     float64 `json:"start_time"`
		End       float64 `json:"end_time"`
		Namespace string  `json:"namespace"`
		HTTP      struct {
			Request struct {
				Method, URL string
			}
			Response struct{ Status int }
		}
		AWS struct {
			Operation string `json:"operation"`
			Table     string `json:"table_name"`
		}
		Annotations map[string]any
		Subsegments []subsegment
	}
	type segment struct {
		subsegment
		TraceID string `json:"trace_id"`
		Origin  string
		User    string
	}
	text := benchmarkDocument(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var s segment
		if err := json.Unmarshal(text, &s); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse holds Parse against a plain reading of the same text by
// encoding/json: both take the same text for JSON, agree on what refuses a
// document, and understand the same of what is taken.
func FuzzParse(f *testing.F) {
	for _, text := range documents(f) {
		f.Add(text)
	}
	for _, text := range []string{
		`{}`, `[]`, `{`, `nul`, `"\ud800"`, `{$trace,$entity}`,
		`{$trace,$entity,"subsegments":[{$child,$name,$start}]}`,
		`{"type":"subsegment",$trace,$entity,"parent_id":""}`,
		`{$trace,$entity,"annotations":{"a b":1,"ok":"\ud83d\ude00","ok":null,"n":-1e-7}}`,
		"{$trace,$entity,\"user\":\"\xff\",\"fault\":true,\"links\":[{}],\"cause\":\"f4b81c27d09ea635\"}",
		`{$trace,$entity,"subsegments":[5],"subsegments":{},"http":{"response":{"status":"200"}}}`,
	} {
		f.Add([]byte(expand(text)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if depth(text) > tomo.MaxDepth {
			t.Skip("encoding/json nests deeper")
		}
		checkParse(t, text)
	})
}

// TestParseDrawn does what FuzzParse does with texts that look much more like
// documents: each member right or wrong, there, absent or written twice.
func TestParseDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkParse(t, []byte(drawEntity(t, 0))) })
}

// checkParse fails if Parse and the plain reading of text differ.
func checkParse(t interface{ Fatalf(string, ...any) }, text []byte) {
	var d tomo.Document
	refusal := d.Parse(tomo.RawDocument{Text: text})

	if !json.Valid(text) {
		if refusal == nil || refusal.Message != "Invalid segment. ErrorCode: ParseError" {
			t.Fatalf("%q is not JSON: %v", text, refusal)
		}
		return
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		if refusal == nil || refusal.Code != tomo.ParseError || refusal.ID != nil {
			t.Fatalf("%q is not an object: %v", text, refusal)
		}
		return
	}
	if diff := cmp.Diff(plainRefusal(object), refusal); diff != "" {
		t.Fatalf("%q: (-want +got)\n%s", text, diff)
	}
	if refusal != nil {
		return
	}
	want := plainSegments(nil, object, -1)
	got := make([]tomo.Segment, len(d.Segments))
	for i, s := range d.Segments {
		if !json.Valid(s.Text) || !bytes.Contains(text, s.Text) {
			t.Fatalf("entity %d has the text %q", i, s.Text)
		}
		s.Text = nil
		got[i] = s
	}
	sorted := cmpopts.SortSlices(func(a, b tomo.Annotation) bool { return a.Key < b.Key })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), sorted); diff != "" {
		t.Fatalf("%q: (-want +got)\n%s", text, diff)
	}
}

// Values of every kind, and for each member those that suit it.
var (
	anyValue = []string{`null`, `true`, `false`, `0`, `-1.5`, `1e999`, `200`, `""`, `"x"`, `"200"`, `"\u00e9\ud83d"`, "\"\xff\"", `[]`, `{}`, `[1,"a"]`, `{"id":5}`}

	idValues    = []string{`"51c0de77ab93f412"`, `"51C0DE77AB93F412"`, `"51c0de77ab93f41"`}
	timeValues  = []string{`1767607200.1`, `1.7676072001E9`, `0`, `1e11`, `"1"`, `-3`}
	someMembers = map[string][]string{
		"id":            idValues,
		"parent_id":     idValues,
		"trace_id":      {`"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"`, `"1-695b8ba0"`},
		"name":          {`"a"`, `"\u0061 b"`, `"a?"`, `"` + strings.Repeat("é", 201) + `"`},
		"start_time":    timeValues,
		"end_time":      timeValues,
		"in_progress":   {`"true"`, `1`},
		"type":          {`"subsegment"`},
		"namespace":     {`"aws"`, `"remote"`},
		"http":          {`{"request":{"method":"GET","url":7,"traced":true},"response":{"status":"404"}}`, `{"request":5,"response":{"status":2e2,"status":1.5}}`},
		"aws":           {`{"operation":"Get","table_names":["t",5],"ecs":{"availability_zone":"b"}}`, `{"ec2":{"instance_id":"i"},"ec2":[],"account_id":1}`},
		"annotations":   {`{"a":1,"b c":2,"a":"x"}`, `{"aws:k":1,"b":null}`, `{"c":true,"c":[]}`},
		"origin":        {`"AWS::ApiGateway::Stage"`},
		"cause":         {`"51c0de77ab93f412"`, `{"id":"51c0de77ab93f412","exceptions":[{"id":"51c0de77ab93f412","remote":true},5]}`},
		"links":         {`[{"trace_id":"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2","id":7,"attributes":{"aws.xray.reserved.reference_type":"child"}},{}]`},
		"sql":           nil,
		"user":          nil,
		"resource_arn":  nil,
		"fault":         nil,
		"error":         nil,
		"throttle":      nil,
		"inferred":      nil,
		"traced":        nil,
		"service":       nil,
		"metadata":      nil,
		"precursor_ids": nil,
		"unknown":       nil,
	}
	optionalKeys = slices.Sorted(maps.Keys(someMembers))
	requiredKeys = []string{"id", "trace_id", "name", "start_time", "end_time", "parent_id"}
)

// drawEntity draws the text of a segment or subsegment, mostly a good one.
func drawEntity(t *rapid.T, depth int) string {
	blank := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	var text strings.Builder
	text.WriteString("{")
	count := 0
	write := func(key, value string) {
		if count++; count > 1 {
			text.WriteString(",")
		}
		text.WriteString(blank.Draw(t, "blank") + strconv.Quote(key) + blank.Draw(t, "blank") + ":" + value + blank.Draw(t, "blank"))
	}
	some := rapid.SliceOfN(rapid.SampledFrom(optionalKeys), 0, 5).Draw(t, "keys")
	for _, key := range rapid.Permutation(append(some, append(requiredKeys, "subsegments")...)).Draw(t, "order") {
		odd := rapid.IntRange(0, 60).Draw(t, "odd")
		values := someMembers[key]
		switch required := slices.Contains(requiredKeys, key); {
		case odd == 0:
			continue
		case odd == 1 || len(values) == 0 && key != "subsegments":
			write(key, rapid.SampledFrom(anyValue).Draw(t, "value"))
		case key == "subsegments":
			if depth > 2 || odd > 30 {
				continue
			}
			var below []string
			for range rapid.IntRange(0, 2).Draw(t, "subsegments") {
				below = append(below, drawEntity(t, depth+1))
			}
			write(key, "["+strings.Join(below, ",")+"]")
		case required && odd > 3:
			write(key, values[0])
		default:
			write(key, rapid.SampledFrom(values).Draw(t, "value"))
		}
	}
	text.WriteString("}")
	return text.String()
}

// depth counts brackets, those in strings too.
func depth(text []byte) (deepest int) {
	open := 0
	for _, c := range text {
		switch c {
		case '{', '[':
			open++
			deepest = max(deepest, open)
		case '}', ']':
			open--
		}
	}
	return deepest
}

// plainRefusal says what refuses a document, without regard to speed.
func plainRefusal(object map[string]any) *tomo.Refusal {
	code, kind := plainFault(object, false)
	if code == "" {
		return nil
	}
	r := &tomo.Refusal{Code: tomo.Code(code), Message: "Invalid " + kind + ". ErrorCode: " + code}
	if kind == "subsegment" {
		r.Message += ", Cause: null"
	}
	switch id := object["id"].(type) {
	case string:
		r.ID = &id
	case json.Number:
		text := id.String()
		r.ID = &text
	}
	return r
}

func plainFault(object map[string]any, embedded bool) (code, kind string) {
	kind = "segment"
	switch object["type"] {
	case nil, "":
	case "subsegment":
		kind = "subsegment"
	default:
		kind = "entity"
	}
	if embedded {
		kind = "subsegment"
	}
	isEmpty := func(key string) bool { return object[key] == nil || object[key] == "" }
	isText := func(key string, form func(string) bool) bool {
		text, ok := object[key].(string)
		return ok && form(text)
	}
	isTime := func(key string) bool {
		_, fits := plainTime(object[key])
		return fits
	}
	isID := func(s string) bool { _, err := tomo.ParseSegmentID(s); return err == nil }
	isTraceID := func(s string) bool { _, err := tomo.ParseTraceID(s); return err == nil }
	name, _ := object["name"].(string)
	open := plainOpen(object["in_progress"])
	ended := object["end_time"] != nil
	end, _ := plainTime(object["end_time"])
	switch {
	case isEmpty("id"):
		return "MissingId", kind
	case !isText("id", isID):
		return "InvalidId", kind
	case !embedded && isEmpty("trace_id"):
		return "MissingTraceId", kind
	case !embedded && !isText("trace_id", isTraceID):
		return "InvalidTraceId", kind
	case name == "":
		return "MissingName", kind
	case !plainName.MatchString(name):
		return "InvalidName", kind
	case object["start_time"] == nil:
		return "MissingStartTime", kind
	case !isTime("start_time"):
		return "InvalidStartTime", kind
	case kind == "entity":
		return "UnknownType", kind
	case !ended && !open:
		return "MissingEndTime", kind
	case ended && open && kind == "subsegment":
		return "InProgressSubsegmentHasEndTime", kind
	case ended && open:
		return "InProgressSegmentHasEndTime", kind
	case ended && (!isTime("end_time") || end < 0):
		return "InvalidEndTime", kind
	case !embedded && kind == "subsegment" && isEmpty("parent_id"):
		return "MissingParentId", kind
	case !embedded && !isEmpty("parent_id") && !isText("parent_id", isID):
		return "InvalidParentId", kind
	}
	children, _ := object["subsegments"].([]any)
	for _, child := range children {
		below, isObject := child.(map[string]any)
		if !isObject {
			return "ParseError", "entity"
		}
		if code, kind := plainFault(below, true); code != "" {
			return code, kind
		}
	}
	return "", ""
}

// plainName is the alphabet of names, and U+FFFD for what was not UTF-8.
var plainName = regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_.:/%&#=+\\\-@\x{FFFD}]+$`)

func plainTime(value any) (tomo.Time, bool) {
	number, isNumber := value.(json.Number)
	if !isNumber {
		return 0, false
	}
	return exactly(panics{}, number.String())
}

type panics struct{}

func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func plainOpen(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 1
	}
	return false
}

func plainWhole(value any) int {
	switch v := value.(type) {
	case string:
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0
		}
		return n
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<31 {
			return int(f)
		}
	}
	return 0
}

// plainSegments lists what is in an accepted document, a parent before its
// children.
func plainSegments(list []tomo.Segment, object map[string]any, enclosing int32) []tomo.Segment {
	text := func(in map[string]any, key string) string { s, _ := in[key].(string); return s }
	flag := func(in map[string]any, key string) bool { b, _ := in[key].(bool); return b }
	below := func(in map[string]any, key string) map[string]any { o, _ := in[key].(map[string]any); return o }
	id := func(value any) (tomo.SegmentID, bool) {
		s, _ := value.(string)
		id, err := tomo.ParseSegmentID(s)
		return id, err == nil
	}

	s := tomo.Segment{
		Enclosing:   enclosing,
		Subsegment:  enclosing >= 0 || object["type"] == "subsegment",
		InProgress:  plainOpen(object["in_progress"]),
		Inferred:    flag(object, "inferred"),
		Fault:       flag(object, "fault"),
		Error:       flag(object, "error"),
		Throttle:    flag(object, "throttle"),
		Name:        text(object, "name"),
		User:        text(object, "user"),
		Origin:      text(object, "origin"),
		ResourceARN: text(object, "resource_arn"),
	}
	s.ID, _ = id(object["id"])
	if enclosing >= 0 {
		s.Parent, s.HasParent = list[enclosing].ID, true
	} else {
		s.Parent, s.HasParent = id(object["parent_id"])
	}
	s.Start, _ = plainTime(object["start_time"])
	s.End, _ = plainTime(object["end_time"])
	if characters := []rune(s.Name); len(characters) > tomo.MaxName {
		s.Name = string(characters[:tomo.MaxName])
	}
	switch object["namespace"] {
	case "aws":
		s.Namespace = tomo.AWSNamespace
	case "remote":
		s.Namespace = tomo.RemoteNamespace
	}
	_, s.HasSQL = object["sql"].(map[string]any)

	request, response := below(below(object, "http"), "request"), below(below(object, "http"), "response")
	s.HTTP = tomo.HTTP{
		Method: text(request, "method"), URL: text(request, "url"), UserAgent: text(request, "user_agent"),
		ClientIP: text(request, "client_ip"), ForwardedFor: flag(request, "x_forwarded_for"),
		Traced: flag(request, "traced") || flag(object, "traced"),
		Status: max(plainWhole(response["status"]), 0),
	}
	aws := below(object, "aws")
	s.AWS = tomo.AWS{
		AccountID: text(aws, "account_id"), Operation: text(aws, "operation"), Region: text(aws, "region"),
		TableName: text(aws, "table_name"), BucketName: text(aws, "bucket_name"), QueueURL: text(aws, "queue_url"),
		FunctionName: text(aws, "function_name"), TopicARN: text(aws, "topic_arn"),
		InstanceID: text(below(aws, "ec2"), "instance_id"), AvailabilityZone: text(below(aws, "ec2"), "availability_zone"),
	}
	tables, _ := aws["table_names"].([]any)
	tables = slices.DeleteFunc(tables, func(table any) bool { _, isText := table.(string); return !isText })
	if s.AWS.TableName == "" && len(tables) == 1 {
		s.AWS.TableName = tables[0].(string)
	}
	if s.AWS.AvailabilityZone == "" {
		s.AWS.AvailabilityZone = text(below(aws, "ecs"), "availability_zone")
	}
	for key, value := range below(object, "annotations") {
		a := tomo.Annotation{Key: key}
		switch v := value.(type) {
		case string:
			characters := []rune(v)
			a.Value = tomo.Value{Kind: tomo.StringValue, String: string(characters[:min(len(characters), tomo.MaxAnnotationValue)])}
		case bool:
			a.Value = tomo.Value{Kind: tomo.BoolValue, Bool: v}
		case json.Number:
			f, err := v.Float64()
			if err != nil {
				continue
			}
			a.Value = tomo.Value{Kind: tomo.NumberValue, Number: f}
		default:
			continue
		}
		gateway := strings.HasPrefix(key, "aws:")
		if plainKey.MatchString(strings.TrimPrefix(key, "aws:")) && (!gateway || s.Origin == "AWS::ApiGateway::Stage") {
			s.Annotations = append(s.Annotations, a)
		}
	}
	s.Cause.Ref, s.Cause.HasRef = id(object["cause"])
	if cause := below(object, "cause"); cause != nil {
		s.Cause.Ref, s.Cause.HasRef = id(cause["id"])
		exceptions, _ := cause["exceptions"].([]any)
		for _, value := range exceptions {
			if from, isObject := value.(map[string]any); isObject {
				e := tomo.Exception{Type: text(from, "type"), Message: text(from, "message"), Remote: flag(from, "remote")}
				e.ID, e.HasID = id(from["id"])
				e.Cause, e.HasCause = id(from["cause"])
				s.Cause.Exceptions = append(s.Cause.Exceptions, e)
			}
		}
	}
	links, _ := object["links"].([]any)
	for _, value := range links {
		from, _ := value.(map[string]any)
		traceID, err := tomo.ParseTraceID(text(from, "trace_id"))
		if err != nil || len(s.Links) == tomo.MaxLinks {
			continue
		}
		kind := text(below(from, "attributes"), "aws.xray.reserved.reference_type")
		link := tomo.Link{TraceID: traceID, Parent: kind == "parent", Child: kind == "child"}
		link.ID, link.HasID = id(from["id"])
		s.Links = append(s.Links, link)
	}

	at := int32(len(list))
	list = append(list, s)
	children, _ := object["subsegments"].([]any)
	for _, child := range children {
		list = plainSegments(list, child.(map[string]any), at)
	}
	return list
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.]{1,500}$`)

// TestLinksWithin: who parses may take another number of links; the rest is told as
// repairs.
func TestLinksWithin(t *testing.T) {
	const sent = 30
	text := []byte(`{"trace_id":"1-6553f100-0123456789abcdef01234567","id":"0123456789abcdef","name":"a","start_time":1,"end_time":2,"links":[` +
		strings.TrimSuffix(strings.Repeat(`{"trace_id":"1-6553f100-0123456789abcdef01234567"},`, sent), ",") + `]}`)
	for _, test := range []struct{ limit, want int }{{0, tomo.MaxLinks}, {1, 1}, {29, 29}, {30, 30}, {1000, 30}} {
		d := tomo.Document{Limits: tomo.Limits{Links: test.limit}}
		if refusal := d.Parse(tomo.RawDocument{Text: text}); refusal != nil {
			t.Fatal(refusal)
		}
		if got := len(d.Segments[0].Links); got != test.want || d.Repairs.Members != sent-test.want {
			t.Errorf("limit %d: %d links taken, %d left out; want %d and %d", test.limit, got, d.Repairs.Members, test.want, sent-test.want)
		}
	}
}
