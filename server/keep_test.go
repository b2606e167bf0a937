package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/server"
)

func TestKeepRules(t *testing.T) {
	d := open(t, server.Options{})
	steps := []struct {
		method, path, body string
		status             int
		want               string // a part of the answer
	}{
		{"GET", api.KeepRulesPath, "", 200, `{"Revision":0,"Rules":[],"Unmatched":0}`},
		{"PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[{"Name":"bad","Filter":"fault","Rate":1},{"Name":"rest","Rate":0.05}]}`, 200,
			`{"Revision":1,"Rules":[{"Name":"bad","Filter":"fault","Rate":1,"Kept":0,"Dropped":0},{"Name":"rest","Filter":"","Rate":0.05,"Kept":0,"Dropped":0}],"Unmatched":0}`},
		{"PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[]}`, 409, `"__type":"ConflictException"`},
		{"PUT", api.KeepRulesPath, `{"Revision":1,"Rules":[{"Name":"rest","Rate":5}]}`, 400, `Rules[0].Rate (rule \"rest\") is 5; it is a share from 0 to 1`},
		{"PUT", api.KeepRulesPath, `{"Revision":1,"Rules":[{"Name":"rest"}]}`, 400, `Rules[0].Rate is required`},
		{"PUT", api.KeepRulesPath, `{"Revision":1,"Rules":[{"Name":"rest","Rate":1}],"x":1}`, 400, `unknown field \"x\"`},
		{"PUT", api.KeepRulesPath, `{"Revision":1}`, 400, `Rules is required: a list, which may be empty`},
		{"PUT", api.KeepRulesPath, `{"Revision":1} {}`, 400, `the body goes on`},
		{"PUT", api.KeepRulesPath, `[`, 400, `"__type":"SerializationException"`},
		{"PUT", api.KeepRulesPath, ``, 400, `SerializationException`},
		{"PUT", api.KeepRulesPath, `{"Rules":[],"Revision":1,"Unmatched":` + strings.Repeat(" ", 1<<20) + `1}`, 413, `RequestEntityTooLargeException`},
		{"DELETE", api.KeepRulesPath, ``, 405, `DELETE`},
		{"GET", api.KeepTestPath, ``, 405, `GET`},
		{"GET", api.KeepRulesPath, "", 200, `"Revision":1`},

		{"POST", "/TraceSegments", `{"TraceSegmentDocuments":["{\"trace_id\":\"1-6553f100-000000000000000000000001\",\"id\":\"0000000000000001\",\"name\":\"a\",\"start_time\":1700000000,\"end_time\":1700000001,\"fault\":true}","{\"trace_id\":\"1-6553f100-000000000000000000000002\",\"id\":\"0000000000000001\",\"name\":\"a\",\"start_time\":1700000000,\"end_time\":1700000001}"]}`, 200, `[]`},
		{"POST", api.KeepTestPath, `{"TraceId":"1-6553f100-000000000000000000000001"}`, 200, `{"Kept":true,"Rate":1,"Rule":"bad","Unread":false}`},
		{"POST", api.KeepTestPath, `{"TraceId":"6553f100000000000000000000000002"}`, 200, `"Rate":0.05,"Rule":"rest"`},
		{"POST", api.KeepTestPath, `{"TraceId":"1-6553f100-000000000000000000000003"}`, 400, `Trace 1-6553f100-000000000000000000000003 is not held`},
		{"POST", api.KeepTestPath, `{"TraceId":"x"}`, 400, `trace id \"x\"`},
		{"POST", api.KeepPreviewPath, `{"StartTime":1700000000,"EndTime":1700000001,"Rules":[{"Name":"only","Filter":"fault","Rate":0}]}`, 200,
			`{"Traces":2,"Kept":1,"Complete":true,"Rules":[{"Name":"only","Kept":0,"Dropped":1}],"Unmatched":1}`},
		{"POST", api.KeepPreviewPath, `{"StartTime":1700000000,"EndTime":1700000001}`, 200, `"Rules":[{"Name":"bad","Kept":1,"Dropped":0},{"Name":"rest"`},
		{"POST", api.KeepPreviewPath, `{"StartTime":1700000000}`, 400, `StartTime and EndTime are required`},
		{"POST", api.KeepPreviewPath, `{"StartTime":1700000001,"EndTime":1700000000}`, 400, `End time cannot be earlier than start time`},
		{"POST", api.KeepPreviewPath, `{"StartTime":1700000000,"EndTime":1700000001,"Rules":[{"Name":"only","Filter":"fault","Rate":2}]}`, 400, `Rules[0].Rate`},
	}
	for _, step := range steps {
		got := d.do(step.method, step.path, step.body, "Content-Type", "application/json")
		what := step.method + " " + step.path + " " + step.body[:min(len(step.body), 120)]
		if got.status != step.status || !strings.Contains(got.body, step.want) {
			t.Errorf("%s: %d %s, want %d … %s", what, got.status, got.body, step.status, step.want)
		}
		if !json.Valid([]byte(got.body)) {
			t.Errorf("%s: the answer is no JSON: %s", what, got.body)
		}
		if failed := got.status != 200; failed != (got.header.Get(api.ErrorType) != "") {
			t.Errorf("%s: the exception is %q", what, got.header.Get(api.ErrorType))
		}
	}
}

// TestConsoleWantsJSON: what changes something, or takes a body, is refused to
// what a form of another site can send.
func TestConsoleWantsJSON(t *testing.T) {
	d := open(t, server.Options{})
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/jsonp", "application/json; ="} {
		for _, ask := range [][3]string{
			{"PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[{"Name":"none","Rate":0}]}`},
			{"POST", api.KeepTestPath, `{"TraceId":"x"}`},
			{"POST", api.KeepPreviewPath, `{"StartTime":1,"EndTime":2}`},
			{"POST", api.AskAnalysis.Path, `{"StartTime":1,"EndTime":2}`},
			{"POST", api.AskCompletion.Path, `{"Text":""}`},
		} {
			if got := d.do(ask[0], ask[1], ask[2], "Content-Type", kind); got.status != 415 || got.header.Get(api.ErrorType) != api.UnsupportedMediaTypeException {
				t.Errorf("%s %s as %q: %d %s", ask[0], ask[1], kind, got.status, got.body)
			}
		}
	}
	if got := d.do("GET", api.KeepRulesPath, ""); got.status != 200 || !strings.Contains(got.body, `"Revision":0`) {
		t.Errorf("after all that the rules are %d %s", got.status, got.body)
	}
	if got := d.do("DELETE", api.KeepRulesPath, ""); got.status != 405 || got.header.Get("Allow") != "GET, PUT" {
		t.Errorf("DELETE: %d, allowed is %q", got.status, got.header.Get("Allow"))
	}
	if got := d.do("PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[]}`, "Content-Type", "application/json; charset=utf-8"); got.status != 200 {
		t.Errorf("with a charset: %d %s", got.status, got.body)
	}
}
