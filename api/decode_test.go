package api_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/api"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		body string
		want api.BatchGetTracesRequest
	}{
		{`{"TraceIds":[],"Unknown":{"a":[{}]}}`, api.BatchGetTracesRequest{TraceIDs: []string{}}},
		{`{"TraceIds":["a"],"NextToken":"t"}`, api.BatchGetTracesRequest{TraceIDs: []string{"a"}, NextToken: "t"}},
		{` { "TraceIds" : [ "a" ] } `, api.BatchGetTracesRequest{TraceIDs: []string{"a"}}},
		{`{"TraceIds":["a"],"traceids":["b"],"NEXTTOKEN":7}`, api.BatchGetTracesRequest{TraceIDs: []string{"a"}}},
		{`{"TraceIds":["a"],"NextToken":"t","NextToken":null}`, api.BatchGetTracesRequest{TraceIDs: []string{"a"}}},
		{`{"TraceIds":["\u00e9\ud83d\ude00"],"NextToken":"<&>"}`, api.BatchGetTracesRequest{TraceIDs: []string{"é😀"}, NextToken: "<&>"}},
	}
	for _, tt := range tests {
		var got api.BatchGetTracesRequest
		err := api.BatchGetTraces.Decode([]byte(tt.body), &got)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.body, err, diff)
		}
	}
	for _, body := range []string{``, " \n", `{}`, `null`, `{"NextToken":null}`} {
		got := api.GetGroupsRequest{}
		if err := api.GetGroups.Decode([]byte(body), &got); err != nil || got.NextToken != nil {
			t.Errorf("%q: %+v %v", body, got, err)
		}
	}
}

// TestDecodeKinds reads every kind of value.
func TestDecodeKinds(t *testing.T) {
	type rule struct {
		Priority, Version int
		FixedRate         api.Double
		Host              *string
		Attributes        map[string]string
		SamplingRateBoost *struct{ MaxRate *api.Double }
	}
	type request struct {
		SamplingRule *rule
		Tags         []api.Tag
	}
	body := `{"SamplingRule":{"ResourceARN":"*","Priority":1e2,"FixedRate":1,"ReservoirSize":3.9,"ServiceName":"","ServiceType":"*","Host":"h","HTTPMethod":"GET",
		"URLPath":"/","Version":1.0,"Attributes":{"a":"b","c":"d"},"SamplingRateBoost":{"MaxRate":0.5,"CooldownWindowMinutes":7}},"Tags":[{"Key":"k","Value":""}]}`
	var got request
	if err := api.CreateSamplingRule.Decode([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := request{
		SamplingRule: &rule{Priority: 100, Version: 1, FixedRate: 1, Host: new("h"), Attributes: map[string]string{"a": "b", "c": "d"},
			SamplingRateBoost: &struct{ MaxRate *api.Double }{new(api.Double(0.5))}},
		Tags: []api.Tag{{Key: new("k"), Value: new("")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var series api.GetTimeSeriesServiceStatisticsRequest
	if err := api.GetTimeSeriesServiceStatistics.Decode([]byte(`{"StartTime":1,"EndTime":2,"Period":1e400,"ForecastStatistics":true,"GroupName":""}`), &series); err != nil ||
		series.Period == nil || *series.Period != 1<<31-1 || !series.ForecastStatistics {
		t.Errorf("%+v %v", series, err)
	}
}

// TestDecodeTime: clients send moments in three forms.
func TestDecodeTime(t *testing.T) {
	for in, want := range map[string]float64{
		`1767607200`: 1767607200, `1767607200.5`: 1767607200.5, `1.7676072E9`: 1767607200, `-1`: -1, `0`: 0,
		`"1767607200.25"`: 1767607200.25, `" 1.7676072E9 "`: 1767607200, `"2026-01-05T10:00:00Z"`: 1767607200, `"2026-01-05T11:00:00.5+01:00"`: 1767607200.5,
	} {
		var request api.GetServiceGraphRequest
		if err := api.GetServiceGraph.Decode([]byte(`{"StartTime":`+in+`,"EndTime":0}`), &request); err != nil || float64(*request.StartTime) != want {
			t.Errorf("%s is %v, %v, want %v", in, request.StartTime, err, want)
		}
	}
	for in, token := range map[string]string{
		`""`: "STRING_VALUE", `"now"`: "STRING_VALUE", `"NaN"`: "STRING_VALUE", `"Infinity"`: "STRING_VALUE",
		`true`: "BOOLEAN_VALUE", `{}`: "START_OBJECT", `[1]`: "START_ARRAY",
	} {
		err := api.GetServiceGraph.Decode([]byte(`{"StartTime":`+in+`}`), nil)
		want := &api.Error{Name: "SerializationException", Status: 400, Message: token + " can not be converted to a Timestamp"}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

// TestViolations has the texts that the service was recorded to send, and a few
// in their manner.
func TestViolations(t *testing.T) {
	rule := func(members string) string {
		return `{"SamplingRule":{"ResourceARN":"*","ReservoirSize":1,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"*",` + members + `}}`
	}
	const window = `{"StartTime":1,"EndTime":2`
	tests := []struct {
		op   api.Operation
		body string
		want []string
	}{
		{api.BatchGetTraces, `{}`, []string{"Value null at 'traceIds' failed to satisfy constraint: Member must not be null"}},
		{api.BatchGetTraces, `{"TraceIds":null}`, []string{"Value null at 'traceIds' failed to satisfy constraint: Member must not be null"}},
		{api.BatchGetTraces, `{"TraceIds":["a",null]}`, []string{"Value null at 'traceIds.2.member' failed to satisfy constraint: Member must not be null"}},
		{api.GetServiceGraph, `{"GroupName":"` + strings.Repeat("ö", 33) + `"}`, []string{
			"Value null at 'startTime' failed to satisfy constraint: Member must not be null",
			"Value null at 'endTime' failed to satisfy constraint: Member must not be null",
			"Value '" + strings.Repeat("ö", 33) + "' at 'groupName' failed to satisfy constraint: Member must have length less than or equal to 32",
		}},
		{api.GetServiceGraph, window + `,"GroupName":"","GroupARN":""}`, nil},
		{api.GetGroup, `{"GroupName":""}`, []string{"Value '' at 'groupName' failed to satisfy constraint: Member must have length greater than or equal to 1"}},
		{api.CreateSamplingRule, rule(`"Priority":0,"FixedRate":1.1,"Version":1`), []string{
			"Value '0' at 'samplingRule.priority' failed to satisfy constraint: Member must have value greater than or equal to 1",
			"Value '1.1' at 'samplingRule.fixedRate' failed to satisfy constraint: Member must have value less than or equal to 1",
		}},
		{api.CreateSamplingRule, rule(`"Priority":1,"FixedRate":1,"Version":1,"Attributes":{"5":"v","4":"v","3":"v","2":"v","1":"v","0":"v"}`), []string{
			"Value '{0=v, 1=v, 2=v, 3=v, 4=v, 5=v}' at 'samplingRule.attributes' failed to satisfy constraint: Member must have length less than or equal to 5",
		}},
		{api.CreateSamplingRule, rule(`"Priority":1,"FixedRate":1,"Version":1,"Attributes":{"k":""}`), []string{
			"Value '' at 'samplingRule.attributes.k.value' failed to satisfy constraint: Member must have length greater than or equal to 1",
		}},
		{api.GetTraceSummaries, window + `,"TimeRangeType":"Invalid"}`, []string{
			"Value 'Invalid' at 'timeRangeType' failed to satisfy constraint: Member must satisfy enum value set: [TraceId, Service, Event]",
		}},
		{api.GetTraceSummaries, window + `,"TimeRangeType":""}`, []string{
			"Value '' at 'timeRangeType' failed to satisfy constraint: Member must satisfy enum value set: [TraceId, Service, Event]",
		}},
		{api.PutResourcePolicy, `{"PolicyName":"a/b","PolicyDocument":"{}"}`, []string{
			`Value 'a/b' at 'policyName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+`,
		}},
		{api.PutTelemetryRecords, `{"TelemetryRecords":[{}]}`, []string{
			"Value null at 'telemetryRecords.1.member.timestamp' failed to satisfy constraint: Member must not be null",
		}},
		{api.GetInsightSummaries, window + `,"States":["ACTIVE","CLOSED"]}`, []string{
			"Value '[ACTIVE, CLOSED]' at 'states' failed to satisfy constraint: Member must have length less than or equal to 1",
		}},
		{api.ListResourcePolicies, `{"NextToken":"` + strings.Repeat("x", 5000) + `"}`, []string{
			"Value '" + strings.Repeat("x", 1000) + "…' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 100",
		}},
	}
	for _, tt := range tests {
		err := tt.op.Decode([]byte(tt.body), nil)
		if tt.want == nil {
			if err != nil {
				t.Errorf("%s %s: %v", tt.op.Name, tt.body, err)
			}
			continue
		}
		begin := map[bool]string{true: "1 validation error detected: ", false: ""}[len(tt.want) == 1]
		if begin == "" {
			begin = string(rune('0'+len(tt.want))) + " validation errors detected: "
		}
		want := &api.Error{Name: "ValidationException", Status: 400, Message: begin + strings.Join(tt.want, "; ")}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("%s %s: %s", tt.op.Name, tt.body, diff)
		}
	}
}

// TestManyViolations: the message does not grow with the request.
func TestManyViolations(t *testing.T) {
	err := api.UntagResource.Decode([]byte(`{"ResourceARN":"a","TagKeys":["k"`+strings.Repeat(`,""`, 1000)+`]}`), nil)
	if err == nil || !strings.Contains(err.Error(), "ValidationException: 1001 validation errors detected: ") || len(err.Error()) > 20_000 ||
		!strings.Contains(err.Error(), "'tagKeys.2.member'") {
		t.Errorf("%.300v", err)
	}
}

// TestRequestShapes: the Go structs of requests have the members of the table,
// of the same kinds, and no others.
func TestRequestShapes(t *testing.T) {
	for _, tt := range []struct {
		request    any
		operations []api.Operation // that are asked with it
	}{
		{api.PutTraceSegmentsRequest{}, []api.Operation{api.PutTraceSegments}},
		{api.BatchGetTracesRequest{}, []api.Operation{api.BatchGetTraces, api.GetTraceGraph}},
		{api.GetTraceSummariesRequest{}, []api.Operation{api.GetTraceSummaries}},
		{api.GetServiceGraphRequest{}, []api.Operation{api.GetServiceGraph}},
		{api.GetTimeSeriesServiceStatisticsRequest{}, []api.Operation{api.GetTimeSeriesServiceStatistics}},
		{api.CreateGroupRequest{}, []api.Operation{api.CreateGroup}},
		{api.GroupRequest{}, []api.Operation{api.GetGroup, api.DeleteGroup}},
		{api.UpdateGroupRequest{}, []api.Operation{api.UpdateGroup}},
		{api.GetGroupsRequest{}, []api.Operation{api.GetGroups}},
		{api.ListTagsForResourceRequest{}, []api.Operation{api.ListTagsForResource}},
		{api.TagResourceRequest{}, []api.Operation{api.TagResource}},
		{api.UntagResourceRequest{}, []api.Operation{api.UntagResource}},
		{api.PageRequest{}, []api.Operation{api.ListResourcePolicies, api.GetIndexingRules}},
		{api.PutResourcePolicyRequest{}, []api.Operation{api.PutResourcePolicy}},
		{api.DeleteResourcePolicyRequest{}, []api.Operation{api.DeleteResourcePolicy}},
		{api.UpdateDestinationRequest{}, []api.Operation{api.UpdateTraceSegmentDestination}},
		{api.PutTelemetryRecordsRequest{}, []api.Operation{api.PutTelemetryRecords}},
		{api.StartTraceRetrievalRequest{}, []api.Operation{api.StartTraceRetrieval}},
		{api.RetrievalRequest{}, []api.Operation{api.ListRetrievedTraces, api.GetRetrievedTracesGraph, api.CancelTraceRetrieval}},
		{api.AnalysisRequest{}, nil},
		{api.CompletionRequest{}, nil},
	} {
		goes := reflect.TypeOf(tt.request)
		known := map[string]bool{}
		for _, op := range tt.operations {
			sameShape(t, op.Name, op.Request(), goes, known)
		}
		for _, q := range []api.Question{api.AskAnalysis, api.AskCompletion} {
			if goes.Name() == q.Name+"Request" {
				sameShape(t, q.Name, q.Request, goes, known)
			}
		}
		for name := range fields(goes) {
			if !known[name] {
				t.Errorf("%v has %s, which the model has not", goes, name)
			}
		}
	}
}

// fields are those of a struct by their names on the wire.
func fields(goes reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for i := range goes.NumField() {
		name, _, _ := strings.Cut(goes.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = goes.Field(i).Name
		}
		all[name] = goes.Field(i).Type
	}
	return all
}

// sameShape holds a Go type against a shape, and notes the members of it.
func sameShape(t *testing.T, place string, shape *api.Shape, goes reflect.Type, known map[string]bool) {
	if goes.Kind() == reflect.Pointer {
		goes = goes.Elem()
	}
	kinds := map[api.Kind][]reflect.Kind{
		api.Text: {reflect.String}, api.Integer: {reflect.Int, reflect.Int32, reflect.Int64}, api.Number: {reflect.Float64}, api.Boolean: {reflect.Bool},
		api.Timestamp: {reflect.Float64}, api.List: {reflect.Slice}, api.Map: {reflect.Map}, api.Structure: {reflect.Struct},
	}
	if !slices.Contains(kinds[shape.Kind], goes.Kind()) {
		t.Errorf("%s is a %s, here a %v", place, shape.Kind, goes)
		return
	}
	switch shape.Kind {
	case api.List, api.Map:
		sameShape(t, place+"[]", shape.Of, goes.Elem(), map[string]bool{})
	case api.Structure:
		all := fields(goes)
		for _, m := range shape.Members {
			known[m.Name] = true
			if all[m.Name] == nil {
				t.Errorf("%s has no %s", place, m.Name)
				continue
			}
			sameShape(t, place+"."+m.Name, m.Shape, all[m.Name], map[string]bool{})
		}
	}
}

// FuzzDecode: no body makes Decode panic, and one that it takes it takes again
// when the standard library has written it anew.
func FuzzDecode(f *testing.F) {
	f.Add(3, []byte(`{"SamplingRule":{"Attributes":{"a":"b"},"Priority":1e9}}`))
	f.Add(23, []byte(`{"StartTime":"2026-01-05T10:00:00Z","EndTime":1,"SamplingStrategy":{"Value":0.5},"x":[1,{"y":null}]}`))
	f.Fuzz(func(t *testing.T, n int, body []byte) {
		all := api.Operations()
		op := all[uint(n)%uint(len(all))]
		if op.Decode(body, nil) != nil || len(body) == 0 {
			return
		}
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return // nothing but white space
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := op.Decode(again, nil); err != nil {
			t.Errorf("%s takes %s but not %s: %v", op.Name, body, again, err)
		}
	})
}

// TestConsoleDocs: the documentation names every member of the questions.
func TestConsoleDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/console-api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []api.Question{api.AskAnalysis, api.AskCompletion} {
		if !strings.Contains(string(text), "`POST "+q.Path+"`") {
			t.Errorf("docs/console-api.md does not name %s", q.Path)
		}
		for _, m := range q.Request.Members {
			if !strings.Contains(string(text), "`"+m.Name+"`") {
				t.Errorf("docs/console-api.md does not name %s of %s", m.Name, q.Name)
			}
		}
	}
}
