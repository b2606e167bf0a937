package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/settings"
)

// Lengths of the model, in characters.
const (
	maxGroupName   = 32
	maxGroupARN    = 400
	maxResourceARN = 1011
	maxTagKey      = 128
	maxTagValue    = 256
	maxToken       = 100
)

func (s *Server) createGroup(ctx context.Context, request *api.CreateGroupRequest) (*api.GroupResponse, error) {
	var v api.Violations
	v.Required("groupName", request.GroupName != nil)
	if request.GroupName != nil {
		v.Length("groupName", *request.GroupName, 1, maxGroupName)
	}
	tags := requestedTags(&v, request.Tags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	group, err := s.settings.CreateGroup(ctx, settings.Draft{
		Name: *request.GroupName, Filter: request.FilterExpression, Insights: insights(request.InsightsConfiguration), Tags: tags,
	})
	return groupResponse(group, err)
}

func (s *Server) getGroup(_ context.Context, request *api.GroupRequest) (*api.GroupResponse, error) {
	ref, err := groupRef(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	return groupResponse(s.settings.Group(ref))
}

func (s *Server) getGroups(_ context.Context, request *api.GetGroupsRequest) (*api.GetGroupsResponse, error) {
	if request.NextToken != nil {
		var v api.Violations
		v.Length("nextToken", *request.NextToken, 1, maxToken)
		if err := v.Err(); err != nil {
			return nil, err
		}
		return nil, api.Invalid("Next Token not supported")
	}
	groups := s.settings.Groups()
	answer := &api.GetGroupsResponse{Groups: make([]api.Group, len(groups))}
	for i, g := range groups {
		answer.Groups[i] = groupShape(g)
	}
	return answer, nil
}

func (s *Server) updateGroup(ctx context.Context, request *api.UpdateGroupRequest) (*api.GroupResponse, error) {
	ref, err := groupRef(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	return groupResponse(s.settings.UpdateGroup(ctx, ref, settings.GroupUpdate{
		Filter: request.FilterExpression, Insights: insights(request.InsightsConfiguration),
	}))
}

func (s *Server) deleteGroup(ctx context.Context, request *api.GroupRequest) (*api.Empty, error) {
	ref, err := groupRef(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	return &api.Empty{}, s.settings.DeleteGroup(ctx, ref)
}

// groupRef names a group as a request does. An empty text is an absent one.
func groupRef(name, arn string) (settings.GroupRef, error) {
	var v api.Violations
	v.Length("groupName", name, 0, maxGroupName)
	v.Length("groupARN", arn, 0, maxGroupARN)
	return settings.GroupRef{Name: name, ARN: arn}, v.Err()
}

// group finds the group that a graph or statistics are asked of. X-Ray: without
// a name it is Default, and an unknown one has a text of its own here. Grafana
// sends an empty name for Default.
func (s *Server) group(name, arn string) (*tomo.Group, error) {
	if name == "" && arn == "" {
		name = tomo.DefaultGroup
	}
	ref, err := groupRef(name, arn)
	if err != nil {
		return nil, err
	}
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

func insights(c *api.InsightsConfiguration) settings.Insights {
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

func (s *Server) listTagsForResource(_ context.Context, request *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	var v api.Violations
	arn := requestedARN(&v, request.ResourceARN)
	if err := v.Err(); err != nil {
		return nil, err
	}
	tags, err := s.settings.Tags(arn) // X-Ray: whatever the token is
	if err != nil {
		return nil, resourceError(arn, err)
	}
	answer := &api.ListTagsForResourceResponse{Tags: make([]api.Tag, len(tags))}
	for i := range tags {
		answer.Tags[i] = api.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return answer, nil
}

func (s *Server) tagResource(ctx context.Context, request *api.TagResourceRequest) (*api.Empty, error) {
	var v api.Violations
	arn := requestedARN(&v, request.ResourceARN)
	v.Required("tags", request.Tags != nil)
	tags := requestedTags(&v, request.Tags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return &api.Empty{}, resourceError(arn, s.settings.Tag(ctx, arn, tags))
}

func (s *Server) untagResource(ctx context.Context, request *api.UntagResourceRequest) (*api.Empty, error) {
	var v api.Violations
	arn := requestedARN(&v, request.ResourceARN)
	v.Required("tagKeys", request.TagKeys != nil)
	for i, key := range request.TagKeys {
		v.Length(fmt.Sprintf("tagKeys.%d.member", i+1), key, 1, maxTagKey)
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	return &api.Empty{}, resourceError(arn, s.settings.Untag(ctx, arn, request.TagKeys))
}

func requestedARN(v *api.Violations, arn *string) string {
	v.Required("resourceARN", arn != nil)
	if arn == nil {
		return ""
	}
	v.Length("resourceARN", *arn, 1, maxResourceARN)
	return *arn
}

func requestedTags(v *api.Violations, shapes []api.Tag) []tomo.Tag {
	tags := make([]tomo.Tag, len(shapes))
	for i, shape := range shapes {
		place := fmt.Sprintf("tags.%d.member.", i+1)
		v.Required(place+"key", shape.Key != nil)
		v.Required(place+"value", shape.Value != nil)
		if shape.Key != nil {
			v.Length(place+"key", *shape.Key, 1, maxTagKey)
			tags[i].Key = *shape.Key
		}
		if shape.Value != nil {
			v.Length(place+"value", *shape.Value, 0, maxTagValue)
			tags[i].Value = *shape.Value
		}
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
