package server_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/tomotrace/tomo/api"
)

// missing are the members of X-Ray's answers that ours do not have.
var missing = []string{
	// Tomo draws no edges between linked traces; docs/decisions/0011-answers.md.
	"Edge.EdgeType", "Edge.ReceivedEventAgeHistogram",
}

// TestAnswerMembers holds the shapes of all answers against those of the AWS
// SDK: what clients can read is there, under its name.
func TestAnswerMembers(t *testing.T) {
	answers := []struct{ theirs, ours any }{
		{xray.BatchGetTracesOutput{}, api.BatchGetTracesResponse{}},
		{xray.CancelTraceRetrievalOutput{}, api.Empty{}},
		{xray.CreateGroupOutput{}, api.GroupResponse{}},
		{xray.CreateSamplingRuleOutput{}, api.SamplingRuleResponse{}},
		{xray.DeleteGroupOutput{}, api.Empty{}},
		{xray.DeleteResourcePolicyOutput{}, api.Empty{}},
		{xray.DeleteSamplingRuleOutput{}, api.SamplingRuleResponse{}},
		{xray.GetEncryptionConfigOutput{}, api.EncryptionConfigResponse{}},
		{xray.GetGroupOutput{}, api.GroupResponse{}},
		{xray.GetGroupsOutput{}, api.GetGroupsResponse{}},
		{xray.GetIndexingRulesOutput{}, api.GetIndexingRulesResponse{}},
		{xray.GetInsightOutput{}, api.GetInsightResponse{}},
		{xray.GetInsightEventsOutput{}, api.GetInsightEventsResponse{}},
		{xray.GetInsightImpactGraphOutput{}, api.GetInsightImpactGraphResponse{}},
		{xray.GetInsightSummariesOutput{}, api.GetInsightSummariesResponse{}},
		{xray.GetRetrievedTracesGraphOutput{}, api.GetRetrievedTracesGraphResponse{}},
		{xray.GetSamplingRulesOutput{}, api.GetSamplingRulesResponse{}},
		{xray.GetSamplingStatisticSummariesOutput{}, api.GetSamplingStatisticSummariesResponse{}},
		{xray.GetSamplingTargetsOutput{}, api.GetSamplingTargetsResponse{}},
		{xray.GetServiceGraphOutput{}, api.GetServiceGraphResponse{}},
		{xray.GetTimeSeriesServiceStatisticsOutput{}, api.GetTimeSeriesServiceStatisticsResponse{}},
		{xray.GetTraceGraphOutput{}, api.GetTraceGraphResponse{}},
		{xray.GetTraceSegmentDestinationOutput{}, api.Destination{}},
		{xray.GetTraceSummariesOutput{}, api.GetTraceSummariesResponse{}},
		{xray.ListResourcePoliciesOutput{}, api.ListResourcePoliciesResponse{}},
		{xray.ListRetrievedTracesOutput{}, api.ListRetrievedTracesResponse{}},
		{xray.ListTagsForResourceOutput{}, api.ListTagsForResourceResponse{}},
		{xray.PutEncryptionConfigOutput{}, api.EncryptionConfigResponse{}},
		{xray.PutResourcePolicyOutput{}, api.PutResourcePolicyResponse{}},
		{xray.PutTelemetryRecordsOutput{}, api.Empty{}},
		{xray.PutTraceSegmentsOutput{}, api.PutTraceSegmentsResponse{}},
		{xray.StartTraceRetrievalOutput{}, api.StartTraceRetrievalResponse{}},
		{xray.TagResourceOutput{}, api.Empty{}},
		{xray.UntagResourceOutput{}, api.Empty{}},
		{xray.UpdateGroupOutput{}, api.GroupResponse{}},
		{xray.UpdateIndexingRuleOutput{}, api.UpdateIndexingRuleResponse{}},
		{xray.UpdateSamplingRuleOutput{}, api.SamplingRuleResponse{}},
		{xray.UpdateTraceSegmentDestinationOutput{}, api.Destination{}},
	}
	var operations, lacking []string
	for _, a := range answers {
		theirs := reflect.TypeOf(a.theirs)
		operations = append(operations, strings.TrimSuffix(theirs.Name(), "Output"))
		compared := map[reflect.Type]bool{}
		var compare func(theirs, ours reflect.Type)
		compare = func(theirs, ours reflect.Type) {
			theirs, ours = element(theirs), element(ours)
			if theirs.Kind() != reflect.Struct || ours.Kind() != reflect.Struct || compared[theirs] {
				return
			}
			compared[theirs] = true
			have := membersOf(ours)
			for name, member := range membersOf(theirs) {
				if have[name] == nil {
					lacking = append(lacking, theirs.Name()+"."+name)
				} else {
					compare(member, have[name])
				}
			}
		}
		compare(theirs, reflect.TypeOf(a.ours))
	}
	slices.Sort(lacking)
	if lacking = slices.Compact(lacking); !slices.Equal(lacking, missing) {
		t.Errorf("our answers lack %v, and are known to lack %v", lacking, missing)
	}
	slices.Sort(operations)
	var all []string
	for _, op := range api.Operations() {
		all = append(all, op.Name)
	}
	slices.Sort(all)
	if !slices.Equal(operations, all) {
		t.Errorf("compared the answers of %v, not of %v", operations, all)
	}
}

// element is what a pointer points to, or a list or map is made of.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

// membersOf are the members that a structure has in JSON. What the SDK keeps for
// itself is none.
func membersOf(t reflect.Type) map[string]reflect.Type {
	members := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || f.Name == "ResultMetadata" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		members[name] = f.Type
	}
	return members
}
