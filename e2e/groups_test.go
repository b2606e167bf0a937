package e2e

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
)

var groupARN = regexp.MustCompile(`^arn:aws:xray:eu-central-1:111122223333:group/slow/[A-Z2-7]{52}$`)

// TestGoSDKGroups takes a group through its life with the calls, in the order
// and with the members, of Terraform's provider: create with tags, read by ARN,
// list tags, update by ARN, tag, untag, delete, and see that it is gone.
func TestGoSDKGroups(t *testing.T) {
	s := start(t, "--region", "eu-central-1", "--account-id", "111122223333")
	client, ctx := s.sdk(), t.Context()
	const filter = "  responsetime > 2 \n AND service(\"größe\") { fault }"
	created, err := client.CreateGroup(ctx, &xray.CreateGroupInput{
		GroupName: aws.String("slow"), FilterExpression: aws.String(filter),
		InsightsConfiguration: &types.InsightsConfiguration{InsightsEnabled: aws.Bool(true), NotificationsEnabled: aws.Bool(true)},
		Tags:                  []types.Tag{{Key: aws.String("Stage"), Value: aws.String("Prod")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(created.Group.GroupARN)
	if !groupARN.MatchString(arn) {
		t.Errorf("the ARN is %s", arn)
	}
	wants := func(g *types.Group, filter string, insights, notifications bool) {
		t.Helper()
		if aws.ToString(g.GroupName) != "slow" || aws.ToString(g.GroupARN) != arn || aws.ToString(g.FilterExpression) != filter ||
			g.InsightsConfiguration == nil || g.InsightsConfiguration.InsightsEnabled == nil || g.InsightsConfiguration.NotificationsEnabled == nil ||
			*g.InsightsConfiguration.InsightsEnabled != insights || *g.InsightsConfiguration.NotificationsEnabled != notifications {
			t.Errorf("the group is %s %s %q %+v, want %q %v %v", aws.ToString(g.GroupName), aws.ToString(g.GroupARN), aws.ToString(g.FilterExpression),
				g.InsightsConfiguration, filter, insights, notifications)
		}
	}
	read := func() *types.Group {
		t.Helper()
		got, err := client.GetGroup(ctx, &xray.GetGroupInput{GroupARN: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return got.Group
	}
	tags := func() map[string]string {
		t.Helper()
		list := map[string]string{}
		for pages := xray.NewListTagsForResourcePaginator(client, &xray.ListTagsForResourceInput{ResourceARN: &arn}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, tag := range page.Tags {
				list[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
		}
		return list
	}
	wants(created.Group, filter, true, true)
	wants(read(), filter, true, true)
	if got := tags(); len(got) != 1 || got["Stage"] != "Prod" {
		t.Errorf("tags %v", got)
	}

	updated, err := client.UpdateGroup(ctx, &xray.UpdateGroupInput{
		GroupARN: &arn, FilterExpression: aws.String("fault"),
		InsightsConfiguration: &types.InsightsConfiguration{InsightsEnabled: aws.Bool(true), NotificationsEnabled: aws.Bool(false)},
	})
	if err != nil {
		t.Fatal(err)
	}
	wants(updated.Group, "fault", true, false)
	if _, err := client.TagResource(ctx, &xray.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{
		{Key: aws.String("Stage"), Value: aws.String("Test")}, {Key: aws.String("Owner"), Value: aws.String("")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(ctx, &xray.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"Owner"}}); err != nil {
		t.Fatal(err)
	}

	// What was answered is on disk.
	s.kill()
	s.start()
	client = s.sdk()
	wants(read(), "fault", true, false)
	if got := tags(); len(got) != 1 || got["Stage"] != "Test" {
		t.Errorf("tags after a kill: %v", got)
	}

	var names []string
	for pages := xray.NewGetGroupsPaginator(client, &xray.GetGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Groups {
			names = append(names, aws.ToString(g.GroupName))
			if aws.ToString(g.GroupName) == "Default" && (g.FilterExpression != nil || aws.ToString(g.GroupARN) != "arn:aws:xray:eu-central-1:111122223333:group/Default") {
				t.Errorf("Default is %s with the filter %q", aws.ToString(g.GroupARN), aws.ToString(g.FilterExpression))
			}
		}
	}
	if strings.Join(names, " ") != "Default slow" {
		t.Errorf("groups %v", names)
	}

	if _, err := client.DeleteGroup(ctx, &xray.DeleteGroupInput{GroupARN: &arn}); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetGroup(ctx, &xray.GetGroupInput{GroupARN: &arn})
	var invalid *types.InvalidRequestException
	if !errors.As(err, &invalid) || !strings.Contains(invalid.ErrorMessage(), "Group not found") {
		t.Errorf("a deleted group: %v", err)
	}
	_, err = client.ListTagsForResource(ctx, &xray.ListTagsForResourceInput{ResourceARN: &arn})
	var gone *types.ResourceNotFoundException
	if !errors.As(err, &gone) || aws.ToString(gone.ResourceName) != arn {
		t.Errorf("tags of a deleted group: %v", err)
	}
	now := time.Now()
	_, err = client.GetServiceGraph(ctx, &xray.GetServiceGraphInput{StartTime: aws.Time(now.Add(-time.Minute)), EndTime: &now, GroupARN: &arn})
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Group not found." {
		t.Errorf("the graph of a deleted group: %v", err)
	}
}

// TestAWSCLIGroups runs every command of the AWS CLI on groups and their tags.
func TestAWSCLIGroups(t *testing.T) {
	found := programs("aws")
	if len(found) == 0 {
		absent(t, "the AWS CLI")
	}
	for _, program := range found {
		t.Run(program, func(t *testing.T) {
			s := start(t)
			env := s.clientEnvironment(t)
			cli := func(args ...string) string {
				t.Helper()
				return run(t, env, program, append([]string{"xray", "--endpoint-url", s.url(""), "--output", "json"}, args...)...)
			}
			refused := func(want string, args ...string) {
				t.Helper()
				_, complaint, err := tryRun(t, env, program, append([]string{"xray", "--endpoint-url", s.url("")}, args...)...)
				if err == nil || !strings.Contains(complaint, want) {
					t.Errorf("%v: %v, %q; want %q", args, err, complaint, want)
				}
			}
			type group struct {
				GroupName, GroupARN, FilterExpression string
				InsightsConfiguration                 struct{ InsightsEnabled, NotificationsEnabled *bool }
			}
			var one struct{ Group group }
			decode(t, cli("create-group", "--group-name", "slow", "--filter-expression", `responsetime > 2`,
				"--insights-configuration", "InsightsEnabled=true,NotificationsEnabled=false", "--tags", "Key=Stage,Value=Prod"), &one)
			if g := one.Group; g.GroupName != "slow" || g.FilterExpression != "responsetime > 2" || g.InsightsConfiguration.InsightsEnabled == nil ||
				!*g.InsightsConfiguration.InsightsEnabled || g.InsightsConfiguration.NotificationsEnabled == nil {
				t.Errorf("create-group: %+v", g)
			}
			arn := one.Group.GroupARN
			decode(t, cli("get-group", "--group-arn", arn), &one)
			if one.Group.GroupName != "slow" {
				t.Errorf("get-group: %+v", one)
			}
			decode(t, cli("update-group", "--group-name", "slow", "--filter-expression", "fault"), &one)
			if one.Group.FilterExpression != "fault" || !*one.Group.InsightsConfiguration.InsightsEnabled {
				t.Errorf("update-group: %+v", one)
			}
			var all struct{ Groups []group }
			decode(t, cli("get-groups"), &all)
			if len(all.Groups) != 2 || all.Groups[0].GroupName != "Default" || all.Groups[1].GroupARN != arn {
				t.Errorf("get-groups: %+v", all)
			}

			for _, args := range [][]string{
				{"tag-resource", "--resource-arn", arn, "--tags", "Key=Owner,Value=ada", "Key=Stage,Value=Test"},
				{"untag-resource", "--resource-arn", arn, "--tag-keys", "Owner"},
			} {
				if out := cli(args...); strings.TrimSpace(out) != "" {
					t.Errorf("%s printed %q", args[0], out)
				}
			}
			var tags struct{ Tags []struct{ Key, Value string } }
			decode(t, cli("list-tags-for-resource", "--resource-arn", arn), &tags)
			if len(tags.Tags) != 1 || tags.Tags[0].Key != "Stage" || tags.Tags[0].Value != "Test" {
				t.Errorf("list-tags-for-resource: %+v", tags)
			}

			refused("An error occurred (InvalidRequestException) when calling the CreateGroup operation: Group already exists",
				"create-group", "--group-name", "slow", "--filter-expression", "fault")
			refused("An error occurred (InvalidRequestException) when calling the CreateGroup operation: Error Location: line 1, position",
				"create-group", "--group-name", "new", "--filter-expression", "fault AND")
			refused("An error occurred (ResourceNotFoundException) when calling the TagResource operation",
				"tag-resource", "--resource-arn", "arn:aws:xray:us-east-1:123456789012:group/nope/X", "--tags", "Key=a,Value=b")
			if out := cli("delete-group", "--group-arn", arn); strings.TrimSpace(out) != "" {
				t.Errorf("delete-group printed %q", out)
			}
			refused("An error occurred (InvalidRequestException) when calling the DeleteGroup operation: Group not found",
				"delete-group", "--group-arn", arn)
		})
	}
}

// TestBoto3Groups runs every operation on groups and tags through boto3.
func TestBoto3Groups(t *testing.T) {
	found := pythons(t, "boto3")
	if len(found) == 0 {
		absent(t, "boto3")
	}
	for _, python := range found {
		t.Run(python, func(t *testing.T) {
			s := start(t)
			run(t, s.clientEnvironment(t), python, filepath.Join("testdata", "groups.py"), s.url(""))
		})
	}
}
