package server

import (
	"context"
	"errors"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/settings"
)

func (s *Services) createGroup(ctx context.Context, request *api.CreateGroupRequest) (*api.GroupResponse, error) {
	group, err := s.settings.CreateGroup(ctx, settings.Draft{
		Name: *request.GroupName, Filter: request.FilterExpression, Insights: requestedInsights(request.InsightsConfiguration), Tags: requestedTags(request.Tags),
	})
	return groupResponse(group, err)
}

func (s *Services) getGroup(_ context.Context, request *api.GroupRequest) (*api.GroupResponse, error) {
	return groupResponse(s.settings.Group(groupRef(request.GroupName, request.GroupARN)))
}

func (s *Services) getGroups(_ context.Context, request *api.GetGroupsRequest) (*api.GetGroupsResponse, error) {
	if request.NextToken != nil {
		return nil, api.Invalid("Next Token not supported")
	}
	groups := s.settings.Groups()
	answer := &api.GetGroupsResponse{Groups: make([]api.Group, len(groups))}
	for i, g := range groups {
		answer.Groups[i] = groupShape(g)
	}
	return answer, nil
}

func (s *Services) updateGroup(ctx context.Context, request *api.UpdateGroupRequest) (*api.GroupResponse, error) {
	return groupResponse(s.settings.UpdateGroup(ctx, groupRef(request.GroupName, request.GroupARN), settings.GroupUpdate{
		Filter: request.FilterExpression, Insights: requestedInsights(request.InsightsConfiguration),
	}))
}

func (s *Services) deleteGroup(ctx context.Context, request *api.GroupRequest) (*api.Empty, error) {
	return &api.Empty{}, s.settings.DeleteGroup(ctx, groupRef(request.GroupName, request.GroupARN))
}

// groupRef names a group as a request does.
func groupRef(name, arn string) settings.GroupRef { return settings.GroupRef{Name: name, ARN: arn} }

// group finds the group that a graph or statistics are asked of. X-Ray: without
// a name it is Default, and an unknown one has a text of its own here. Grafana
// sends an empty name for Default.
func (s *Services) group(name, arn string) (*tomo.Group, error) {
	if name == "" && arn == "" {
		name = tomo.DefaultGroup
	}
	ref := groupRef(name, arn)
	if name != "" {
		ref.ARN = ""
	}
	group, err := s.settings.Group(ref)
	if err != nil || arn != "" && !s.settings.HasARN(group, arn) {
		return nil, api.Invalid("Group not found.")
	}
	return group, nil
}

// groupID is what the read path calls the group.
func groupID(g *tomo.Group) string {
	if g.IsDefault() {
		return ""
	}
	return g.ID()
}

func requestedInsights(c *api.InsightsConfiguration) settings.Insights {
	if c == nil {
		return settings.Insights{}
	}
	return settings.Insights{Enabled: c.InsightsEnabled, Notifications: c.NotificationsEnabled}
}

func groupResponse(g *tomo.Group, err error) (*api.GroupResponse, error) {
	if err != nil {
		return nil, err
	}
	return &api.GroupResponse{Group: groupShape(g)}, nil
}

func groupShape(g *tomo.Group) api.Group {
	return api.Group{
		FilterExpression: text(g.Filter),
		GroupARN:         g.ARN,
		GroupName:        g.Name,
		InsightsConfiguration: api.InsightsConfiguration{ // Terraform wants both
			InsightsEnabled: &g.InsightsEnabled, NotificationsEnabled: &g.NotificationsEnabled,
		},
	}
}

func (s *Services) listTagsForResource(_ context.Context, request *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	tags, err := s.settings.Tags(*request.ResourceARN) // X-Ray: whatever the token is
	if err != nil {
		return nil, resourceError(*request.ResourceARN, err)
	}
	answer := &api.ListTagsForResourceResponse{Tags: make([]api.Tag, len(tags))}
	for i := range tags {
		answer.Tags[i] = api.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return answer, nil
}

func (s *Services) tagResource(ctx context.Context, request *api.TagResourceRequest) (*api.Empty, error) {
	return &api.Empty{}, resourceError(*request.ResourceARN, s.settings.Tag(ctx, *request.ResourceARN, requestedTags(request.Tags)))
}

func (s *Services) untagResource(ctx context.Context, request *api.UntagResourceRequest) (*api.Empty, error) {
	return &api.Empty{}, resourceError(*request.ResourceARN, s.settings.Untag(ctx, *request.ResourceARN, request.TagKeys))
}

func requestedTags(shapes []api.Tag) []tomo.Tag {
	tags := make([]tomo.Tag, len(shapes))
	for i, shape := range shapes {
		tags[i] = tomo.Tag{Key: *shape.Key, Value: *shape.Value}
	}
	return tags
}

// resourceError words an error about tags. X-Ray: a resource that is not there
// is 404 here, unlike everything else.
func resourceError(arn string, err error) error {
	var known *tomo.Error
	if errors.As(err, &known) && known.Code == tomo.NotFound {
		return api.ResourceNotFound(arn)
	}
	return err
}
