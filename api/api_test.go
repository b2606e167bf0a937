package api_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/api"
)

func TestOperations(t *testing.T) {
	names, paths := map[string]bool{}, map[string]bool{}
	for _, op := range api.Operations() {
		if names[op.Name] || paths[op.Path] || !strings.HasPrefix(op.Path, "/") {
			t.Errorf("%+v is there twice, or has no path", op)
		}
		names[op.Name], paths[op.Path] = true, true
	}
	if len(names) != 38 {
		t.Errorf("%d operations, the model has 38", len(names))
	}
}

// TestMembersAreInOrder: the service sends members in alphabetical order, and
// so do we, because structs are written in order of declaration.
func TestMembersAreInOrder(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(shape reflect.Type) {
		for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice || shape.Kind() == reflect.Map {
			shape = shape.Elem()
		}
		if shape.Kind() != reflect.Struct || seen[shape] {
			return
		}
		seen[shape] = true
		var members []string
		for i := range shape.NumField() {
			field := shape.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			members = append(members, name)
			check(field.Type)
		}
		if !slices.IsSorted(members) {
			t.Errorf("%v: %v", shape, members)
		}
	}
	for _, shape := range []any{
		api.PutTraceSegmentsRequest{}, api.PutTraceSegmentsResponse{},
		api.BatchGetTracesRequest{}, api.BatchGetTracesResponse{},
		api.GetTraceSummariesRequest{}, api.GetTraceSummariesResponse{},
		api.GetTraceGraphResponse{}, api.GetServiceGraphRequest{}, api.GetServiceGraphResponse{},
		api.CreateGroupRequest{}, api.GroupResponse{}, api.GroupRequest{}, api.UpdateGroupRequest{}, api.GetGroupsRequest{}, api.GetGroupsResponse{},
		api.ListTagsForResourceRequest{}, api.ListTagsForResourceResponse{}, api.TagResourceRequest{}, api.UntagResourceRequest{},
		api.GetTimeSeriesServiceStatisticsRequest{}, api.GetTimeSeriesServiceStatisticsResponse{},
		api.Losses{}, api.AnalysisRequest{}, api.CompletionRequest{}, api.Completion{},
	} {
		check(reflect.TypeOf(shape))
	}
	if len(seen) < 25 {
		t.Errorf("only %d shapes looked at", len(seen))
	}
}

func TestDouble(t *testing.T) {
	tests := []struct { // as Java prints them
		in   float64
		want string
	}{
		{0, "0.0"}, {4, "4.0"}, {0.05, "0.05"}, {-1.5, "-1.5"}, {0.001, "0.001"}, {0.0001, "1.0E-4"}, {0.00012, "1.2E-4"},
		{1e6, "1000000.0"}, {9999999, "9999999.0"}, {1e7, "1.0E7"}, {12345678.9, "1.23456789E7"},
		{1790161902, "1.790161902E9"}, {1790157330, "1.79015733E9"}, {1700000000, "1.7E9"}, {1767607200.204113, "1.767607200204113E9"},
		{1e300, "1.0E300"}, {-2.5e-10, "-2.5E-10"}, {math.NaN(), "null"}, {math.Inf(1), "null"},
	}
	for _, tt := range tests {
		got, err := json.Marshal(api.Double(tt.in))
		if err != nil || string(got) != tt.want {
			t.Errorf("%v prints as %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.Float64().Draw(t, "in")
		text, err := json.Marshal(api.Double(in))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := strconv.ParseFloat(string(text), 64); err != nil || out != in {
			t.Fatalf("%v prints as %s, which is %v, %v", in, text, out, err)
		}
	})
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 1, 5, 10, 0, 0, 204113000, time.UTC)
	if got := api.TimeOf(at).Std(); !got.Equal(at) {
		t.Errorf("%v became %v", at, got)
	}
	if got := api.TimeOf(at).String(); got != "2026-01-05T10:00:00.204113Z" {
		t.Errorf("%v prints as %s", at, got)
	}
}

func TestEncode(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("before ")
	if err := api.Encode(&b, api.Segment{Document: "<a&b>", ID: "x"}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), `before {"Document":"<a&b>","Id":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestError(t *testing.T) {
	body, err := json.Marshal(api.Invalid(`Invalid token "x"`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Message":"Invalid token \"x\"","__type":"InvalidRequestException","message":"Invalid token \"x\""}`; string(body) != want {
		t.Errorf("got %s, want %s", body, want)
	}

	body, err = json.Marshal(api.ResourceNotFound("arn:x"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Message":"Resource arn:x not found","ResourceName":"arn:x","__type":"ResourceNotFoundException","message":"Resource arn:x not found"}`; string(body) != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestParseError(t *testing.T) {
	tests := []struct {
		status       int
		header, body string
		want         api.Error
	}{
		{400, "InvalidRequestException", `{"Message":"m"}`, api.Error{Name: "InvalidRequestException", Status: 400, Message: "m"}},
		{400, "ValidationException:http://internal.amazon.com/x", `{"message":"m"}`, api.Error{Name: "ValidationException", Status: 400, Message: "m"}},
		{400, "", `{"__type":"com.amazon.coral#ThrottledException","message":"m"}`, api.Error{Name: "ThrottledException", Status: 400, Message: "m"}},
		{404, "ResourceNotFoundException", `{"Message":"m","ResourceName":"arn:x"}`, api.Error{Name: "ResourceNotFoundException", Status: 404, Message: "m", ResourceName: "arn:x"}},
		{502, "", `<html>`, api.Error{Name: "HTTP 502", Status: 502, Message: "Bad Gateway"}},
	}
	for _, tt := range tests {
		header := http.Header{}
		header.Set(api.ErrorType, tt.header)
		if diff := cmp.Diff(&tt.want, api.ParseError(tt.status, header, []byte(tt.body))); diff != "" {
			t.Errorf("%d %s %s: %s", tt.status, tt.header, tt.body, diff)
		}
	}
}
