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
