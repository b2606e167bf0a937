package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/server"
)

// arnOf creates a group and returns its ARN.
func (d *door) arnOf(name, filter string) string {
	d.t.Helper()
	body, _ := json.Marshal(api.CreateGroupRequest{GroupName: &name, FilterExpression: filter})
	a := d.post("/CreateGroup", string(body))
	var created api.GroupResponse
	if err := json.Unmarshal([]byte(a.body), &created); err != nil || a.status != 200 {
		d.t.Fatalf("creating %s: %d %s", name, a.status, a.body)
	}
	return created.Group.GroupARN
}

const (
	defaultARN = "arn:aws:xray:us-east-1:123456789012:group/Default"
	noInsights = `"InsightsConfiguration":{"InsightsEnabled":false,"NotificationsEnabled":false}`
)

func TestGroups(t *testing.T) {
	d := open(t, server.Options{})
	defaultGroup := `{"FilterExpression":null,"GroupARN":"` + defaultARN + `","GroupName":"Default",` + noInsights + `}`
	d.post("/Groups", "").want(t, "no groups yet", `{"Groups":[`+defaultGroup+`],"NextToken":null}`)

	arn := d.arnOf("slow", " duration  > 1\t")
	slow := `{"FilterExpression":" duration  > 1\t","GroupARN":"` + arn + `","GroupName":"slow",` + noInsights + `}`
	byARN := func(rest string) string { return `{"GroupARN":"` + arn + `"` + rest + `}` }
	notices := strings.ReplaceAll(slow, "false", "true")
	long := strings.Repeat("n", 33)
	for _, tt := range []struct{ path, body, want string }{
		{"/Groups", `{}`, `{"Groups":[` + defaultGroup + `,` + slow + `],"NextToken":null}`},
		{"/Groups", `{"NextToken":"t"}`, "InvalidRequestException: Next Token not supported"},
		{"/Groups", `{"NextToken":""}`, "ValidationException: 1 validation error detected: Value '' at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"/GetGroup", `{"GroupName":"slow"}`, `{"Group":` + slow + `}`},
		{"/GetGroup", byARN(""), `{"Group":` + slow + `}`},
		{"/GetGroup", `{"GroupName":"Default"}`, `{"Group":` + defaultGroup + `}`},
		{"/GetGroup", byARN(`,"GroupName":"slow"`), "InvalidRequestException: Provide either GroupName or GroupARN"},
		{"/GetGroup", `{}`, "InvalidRequestException: Provide either GroupName or GroupARN"},
		{"/GetGroup", `{"GroupName":"nope"}`, "InvalidRequestException: Group not found"},
		{"/GetGroup", `{"GroupName":"` + long + `"}`, "ValidationException: 1 validation error detected: Value '" + long + "' at 'groupName' failed to satisfy constraint: Member must have length less than or equal to 32"},

		{"/CreateGroup", `{"GroupName":"slow","FilterExpression":"fault"}`, "InvalidRequestException: Group already exists."},
		{"/CreateGroup", `{"GroupName":"Default","FilterExpression":"fault"}`, "InvalidRequestException: Group already exists."},
		{"/CreateGroup", `{"GroupName":"new"}`, "InvalidRequestException: Filter Expression is empty"},
		{"/CreateGroup", `{"GroupName":"new","FilterExpression":" "}`, "InvalidRequestException: Filter Expression is empty"},
		{"/CreateGroup", `{"FilterExpression":"fault"}`, "ValidationException: 1 validation error detected: Value null at 'groupName' failed to satisfy constraint: Member must not be null"},
		{"/CreateGroup", `{"GroupName":"","FilterExpression":"fault"}`, "ValidationException: 1 validation error detected: Value '' at 'groupName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"/CreateGroup", `{"GroupName":"new","FilterExpression":"fault","Tags":[{"Key":"k"}]}`, "ValidationException: 1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},

		{"/UpdateGroup", byARN(""), "InvalidRequestException: Filter Expression is empty"},
		{"/UpdateGroup", byARN(`,"InsightsConfiguration":{"InsightsEnabled":true}`), "InvalidRequestException: Filter Expression is empty"},
		{"/UpdateGroup", `{"GroupName":"nope","FilterExpression":"fault"}`, "InvalidRequestException: Group not found"},
		{"/UpdateGroup", byARN(`,"FilterExpression":" duration  > 1\t","InsightsConfiguration":{"InsightsEnabled":true,"NotificationsEnabled":true}`), `{"Group":` + notices + `}`},
		{"/UpdateGroup", byARN(`,"FilterExpression":"fault"`), `{"Group":` + strings.Replace(notices, ` duration  > 1\t`, "fault", 1) + `}`},
		{"/UpdateGroup", `{"GroupName":"Default","InsightsConfiguration":{"InsightsEnabled":true}}`, `{"Group":` + strings.Replace(defaultGroup, "false", "true", 1) + `}`},

		{"/DeleteGroup", `{}`, "InvalidRequestException: Provide either GroupName or GroupARN"},
		{"/DeleteGroup", byARN(""), `{}`},
		{"/DeleteGroup", byARN(""), "InvalidRequestException: Group not found"},
		{"/DeleteGroup", `{"GroupName":"Default"}`, "InvalidRequestException: The Default group cannot be deleted"},
	} {
		d.post(tt.path, tt.body).want(t, tt.path+" "+tt.body, tt.want)
	}

	// A bad filter is told with its place.
	a := d.post("/CreateGroup", `{"GroupName":"new","FilterExpression":"fault AND {"}`)
	if a.status != 400 || !strings.Contains(a.body, "Error Location: line 1, position 11 : ") {
		t.Errorf("a bad filter: %d %s", a.status, a.body)
	}
	if again := d.arnOf("slow", "fault"); again == arn {
		t.Errorf("created again with the ARN of the one before, %s", arn)
	}
	for i := range 23 {
		d.arnOf(fmt.Sprint("g", i), "fault")
	}
	d.post("/CreateGroup", `{"GroupName":"more","FilterExpression":"fault"}`).want(t, "the 26th group",
		"InvalidRequestException: There are 25 groups already, Default included, which is the limit")
}

func TestTags(t *testing.T) {
	d := open(t, server.Options{})
	arn := d.arnOf("slow", "fault")
	of := func(arn, rest string) string { return `{"ResourceARN":"` + arn + `"` + rest + `}` }
	key := strings.Repeat("k", 129)
	for _, tt := range []struct{ path, body, want string }{
		{"/ListTagsForResource", of(arn, ""), `{"NextToken":null,"Tags":[]}`},
		{"/TagResource", of(arn, `,"Tags":[{"Key":"Stage","Value":"Prod"},{"Key":"@","Value":""}]`), `{}`},
		{"/TagResource", of(arn, `,"Tags":[{"Key":"Stage","Value":"Test"}]`), `{}`},
		{"/ListTagsForResource", of(arn, `,"NextToken":"whatever"`), `{"NextToken":null,"Tags":[{"Key":"@","Value":""},{"Key":"Stage","Value":"Test"}]}`},
		{"/UntagResource", of(arn, `,"TagKeys":["@","never"]`), `{}`},
		{"/ListTagsForResource", of("arn:aws:xray:us-east-1:123456789012:group/slow", ""), `{"NextToken":null,"Tags":[{"Key":"Stage","Value":"Test"}]}`},
		{"/TagResource", of(arn, `,"Tags":[{"Key":"k","Value":"1"},{"Key":"k","Value":"2"}]`), `InvalidRequestException: Tag key "k" is given twice`},
		{"/TagResource", of(arn, `,"Tags":[{"Key":"`+key+`","Value":""}]`), "ValidationException: 1 validation error detected: Value '" + key + "' at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"/TagResource", of(arn, ""), "ValidationException: 1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"},
		{"/UntagResource", of(arn, ""), "ValidationException: 1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"},
		{"/UntagResource", of(arn, `,"TagKeys":[""]`), "ValidationException: 1 validation error detected: Value '' at 'tagKeys.1.member' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"/ListTagsForResource", `{}`, "ValidationException: 1 validation error detected: Value null at 'resourceARN' failed to satisfy constraint: Member must not be null"},
		{"/ListTagsForResource", of("slow", ""), `InvalidRequestException: "slow" is not the ARN of a group or a sampling rule`},
		{"/TagResource", of(defaultARN, `,"Tags":[{"Key":"k","Value":"v"}]`), `{}`},
		{"/ListTagsForResource", of(defaultARN, ""), `{"NextToken":null,"Tags":[{"Key":"k","Value":"v"}]}`},
	} {
		d.post(tt.path, tt.body).want(t, tt.path+" "+tt.body, tt.want)
	}

	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf(`{"Key":"%d","Value":""}`, i))
	}
	d.post("/TagResource", of(arn, `,"Tags":[`+strings.Join(many, ",")+`]`)).want(t, "51 tags",
		"InvalidRequestException: The resultant tag set must not have more than 50 user tags.")

	// X-Ray: 404 here, and the ARN in a member of its own.
	unknown := "arn:aws:xray:us-east-1:123456789012:sampling-rule/nope"
	for _, path := range []string{"/ListTagsForResource", "/TagResource", "/UntagResource"} {
		a := d.post(path, of(unknown, `,"Tags":[],"TagKeys":[]`))
		want := `{"Message":"Resource ` + unknown + ` not found","ResourceName":"` + unknown + `","__type":"ResourceNotFoundException","message":"Resource ` + unknown + ` not found"}`
		if a.status != 404 || a.header.Get("x-amzn-errortype") != "ResourceNotFoundException" || a.body != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// TestGroupOfGraph: a graph and a series are asked of a group by its name, its
// ARN, or both, if they agree.
func TestGroupOfGraph(t *testing.T) {
	d := open(t, server.Options{})
	arn := d.arnOf("slow", "fault")
	for _, path := range []string{"/ServiceGraph", "/TimeSeriesServiceStatistics"} {
		for _, tt := range []struct {
			group string
			want  string // "" is an answer, anything else a part of the exception
		}{
			{``, ""},
			{`,"GroupName":"","GroupARN":""`, ""},
			{`,"GroupName":"Default"`, ""},
			{`,"GroupARN":"` + defaultARN + `"`, ""},
			{`,"GroupName":"Default","GroupARN":"` + defaultARN + `"`, ""},
			{`,"GroupName":"slow"`, ""},
			{`,"GroupARN":"` + arn + `"`, ""},
			{`,"GroupName":"nope"`, "Group not found."},
			{`,"GroupName":"Default","GroupARN":"` + arn + `"`, "Group not found."},
			{`,"GroupName":"slow","GroupARN":"` + defaultARN + `"`, "Group not found."},
			{`,"GroupARN":"arn:aws:xray:us-west-2:123456789012:group/Default"`, "Group not found."},
			{`,"GroupARN":"` + arn + `A"`, "Group not found."},
		} {
			a := d.post(path, `{"StartTime":1700000000,"EndTime":1700000060`+tt.group+`}`)
			if tt.want == "" && a.status != 200 || tt.want != "" && (a.status == 200 || !strings.Contains(a.body, tt.want)) {
				t.Errorf("%s%s: %d %s, want %q", path, tt.group, a.status, a.body, tt.want)
			}
		}
	}
}

// TestTrafficOfGroup: a graph and a series of a group count the traces that
// settled with it, and tell when its filter was another.
func TestTrafficOfGroup(t *testing.T) {
	d := open(t, server.Options{})
	arn := d.arnOf("slow", "duration > 1")
	for i, name := range []string{"fast", "slow"} {
		document := fmt.Sprintf(`{"trace_id":"1-6553f100-%024d","id":"%016d","name":"%s","start_time":1700000000,"end_time":1700000001}`, i+1, i+1, name)
		body, _ := json.Marshal(map[string][]string{"TraceSegmentDocuments": {document}})
		d.post("/TraceSegments", string(body)).want(t, document, `{"UnprocessedTraceSegments":[]}`)
	}
	due, err := d.store.Due(t.Context(), tomo.SettlePolicy{Round: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	var rows []tomo.Settled
	for _, trace := range due {
		s := derive.Summary(trace.ID, trace.Documents)
		if s.Nodes[0].Name == "slow" {
			s.Groups = []string{arn[strings.LastIndex(arn, "/")+1:]}
		}
		rows = append(rows, tomo.Settled{Summary: s, Documents: trace.Documents})
	}
	if err := d.store.Settle(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	check := func(group string, services []string, requests int, old bool) {
		t.Helper()
		var graph struct {
			ContainsOldGroupVersions bool
			Services                 []struct{ Name, Type string }
		}
		if err := json.Unmarshal([]byte(d.post("/ServiceGraph", `{"StartTime":1700000000,"EndTime":1700000060`+group+`}`).body), &graph); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range graph.Services {
			if s.Type != tomo.ClientType {
				names = append(names, s.Name)
			}
		}
		if !slices.Equal(names, services) || graph.ContainsOldGroupVersions != old {
			t.Errorf("the graph%s has the services %v, old versions %v; want %v, %v", group, names, graph.ContainsOldGroupVersions, services, old)
		}
		var series struct {
			ContainsOldGroupVersions    bool
			TimeSeriesServiceStatistics []struct{ EdgeSummaryStatistics struct{ TotalCount int } }
		}
		if err := json.Unmarshal([]byte(d.post("/TimeSeriesServiceStatistics", `{"StartTime":1699999900,"EndTime":1700000100`+group+`}`).body), &series); err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, point := range series.TimeSeriesServiceStatistics {
			got += point.EdgeSummaryStatistics.TotalCount
		}
		if got != requests || series.ContainsOldGroupVersions != old {
			t.Errorf("the series%s counts %d requests, old versions %v; want %d, %v", group, got, series.ContainsOldGroupVersions, requests, old)
		}
	}
	check("", []string{"fast", "slow"}, 2, false)
	check(`,"GroupName":"slow"`, []string{"slow"}, 1, false)
	d.post("/UpdateGroup", `{"GroupName":"slow","FilterExpression":"duration > 2"}`)
	check(`,"GroupName":"slow"`, []string{"slow"}, 1, true) // what has settled stays
	check("", []string{"fast", "slow"}, 2, false)
	d.arnOf("empty", "throttle")
	check(`,"GroupName":"empty"`, nil, 0, false)
}

// TestGroupKeyword: group.name and group.arn stand for the group's filter as it
// is now; a group that is not there matches nothing.
func TestGroupKeyword(t *testing.T) {
	d := open(t, server.Options{})
	arn := d.arnOf("slow", "duration > 1")
	for i, end := range []string{"1700000000.5", "1700000002.5"} {
		id := fmt.Sprintf("1-6553f100-%024d", i+1)
		document := fmt.Sprintf(`{"trace_id":"%s","id":"%016d","name":"a","start_time":1700000000,"end_time":%s}`, id, i+1, end)
		body, _ := json.Marshal(map[string][]string{"TraceSegmentDocuments": {document}})
		d.post("/TraceSegments", string(body)).want(t, document, `{"UnprocessedTraceSegments":[]}`)
	}
	found := func(expression string) (ids []string) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"StartTime": 1700000000, "EndTime": 1700000010, "FilterExpression": expression})
		var page struct{ TraceSummaries []struct{ Id string } }
		if err := json.Unmarshal([]byte(d.post("/TraceSummaries", string(body)).body), &page); err != nil {
			t.Fatal(err)
		}
		for _, s := range page.TraceSummaries {
			ids = append(ids, s.Id[len(s.Id)-1:])
		}
		return ids
	}
	for _, tt := range []struct {
		expression string
		want       []string
	}{
		{`group.name = "slow"`, []string{"2"}},
		{`group.arn = "` + arn + `"`, []string{"2"}},
		{`group.name != "slow"`, []string{"1"}},
		{`group.name = "nope"`, nil},
	} {
		if got := found(tt.expression); !slices.Equal(got, tt.want) {
			t.Errorf("%s finds %v, want %v", tt.expression, got, tt.want)
		}
	}
	d.post("/UpdateGroup", `{"GroupName":"slow","FilterExpression":"duration < 1"}`)
	if got := found(`group.name = "slow"`); !slices.Equal(got, []string{"1"}) {
		t.Errorf("after a change the group finds %v, want the first", got)
	}
}
