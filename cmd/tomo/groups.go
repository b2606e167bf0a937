package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tomotrace/tomo/api"
)

type groupsCmd struct {
	List   groupsListCmd   `cmd:"" default:"withargs" help:"List groups."`
	Show   groupsShowCmd   `cmd:"" help:"Show one group with its tags."`
	Create groupsCreateCmd `cmd:"" help:"Create a group."`
	Update groupsUpdateCmd `cmd:"" help:"Change the filter or the insights of a group."`
	Delete groupsDeleteCmd `cmd:"" help:"Delete a group. Its traces stay."`
	Tag    groupsTagCmd    `cmd:"" help:"Put tags on a group."`
	Untag  groupsUntagCmd  `cmd:"" help:"Take tags from a group."`
}

// groupArg names a group.
type groupArg struct {
	Group string `arg:"" help:"Name or ARN of the group."`
}

// ref names the group as a request does.
func (a *groupArg) ref() *api.GroupRequest { return groupRef(a.Group) }

// insightsFlags say what becomes of the insights of a group.
type insightsFlags struct {
	Insights      *bool `help:"Look for insights in the group." negatable:""`
	Notifications *bool `help:"Tell of insights." negatable:""`
}

func (f *insightsFlags) configuration() *api.InsightsConfiguration {
	if f.Insights == nil && f.Notifications == nil {
		return nil
	}
	return &api.InsightsConfiguration{InsightsEnabled: f.Insights, NotificationsEnabled: f.Notifications}
}

type groupsListCmd struct {
	endpointFlag
	JSON bool `name:"json" help:"Write the answer of GetGroups."`
}

func (c *groupsListCmd) Run(ctx context.Context, std *streams) error {
	answer, err := c.client().GetGroups(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, answer)
	}
	t := table{{"GROUP", "INSIGHTS", "FILTER"}}
	for i := range answer.Groups {
		g := &answer.Groups[i]
		t.add(printable(g.GroupName), insightsOf(g), filterText(value(g.FilterExpression)))
	}
	return t.write(std.out)
}

func insightsOf(g *api.Group) string {
	on := func(b *bool) bool { return b != nil && *b }
	switch {
	case on(g.InsightsConfiguration.NotificationsEnabled):
		return "notified"
	case on(g.InsightsConfiguration.InsightsEnabled):
		return "on"
	default:
		return "off"
	}
}

// filterText writes a filter expression on one line: space between its words is
// one space, space in its texts is as it is.
func filterText(filter string) string {
	var b strings.Builder
	quoted, escaped, space := false, false, false
	for _, r := range filter {
		if !quoted && unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		if r == '"' && !escaped {
			quoted = !quoted
		}
		escaped = quoted && r == '\\' && !escaped
	}
	if b.Len() == 0 {
		return "(every trace)"
	}
	return printable(b.String())
}

type groupsShowCmd struct {
	groupArg
	endpointFlag
	JSON bool `name:"json" help:"Write the answer of GetGroup."`
}

func (c *groupsShowCmd) Run(ctx context.Context, std *streams) error {
	answer, err := c.client().GetGroup(ctx, c.ref())
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, answer)
	}
	g := &answer.Group
	tags, err := c.client().ListTagsForResource(ctx, g.GroupARN)
	if err != nil {
		return err
	}
	return writeGroup(std.out, g, tags.Tags)
}

func writeGroup(w io.Writer, g *api.Group, tags []api.Tag) error {
	t := table{
		{"group", printable(g.GroupName)},
		{"ARN", printable(g.GroupARN)},
		{"filter", filterText(value(g.FilterExpression))},
		{"insights", insightsOf(g)},
	}
	label := "tags"
	for _, tag := range tags {
		if tag.Key != nil && tag.Value != nil {
			t.add(label, printable(*tag.Key+"="+*tag.Value))
			label = ""
		}
	}
	return t.write(w)
}

type groupsCreateCmd struct {
	Name   string   `arg:"" help:"Name of the group."`
	Filter string   `arg:"" help:"Filter expression that its traces match."`
	Tags   []string `name:"tag" placeholder:"KEY=VALUE" sep:"none" help:"Tag of the group; may be repeated."`
	insightsFlags
	endpointFlag
}

func (c *groupsCreateCmd) Run(ctx context.Context, std *streams) error {
	tags, err := parseTags(c.Tags)
	if err != nil {
		return err
	}
	answer, err := c.client().CreateGroup(ctx, &api.CreateGroupRequest{
		GroupName: &c.Name, FilterExpression: c.Filter, InsightsConfiguration: c.configuration(), Tags: tags,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, answer.Group.GroupARN)
	return nil
}

type groupsUpdateCmd struct {
	groupArg
	Filter *string `arg:"" optional:"" help:"Filter expression for the traces from now on; without it the filter stays."`
	insightsFlags
	endpointFlag
}

func (c *groupsUpdateCmd) Run(ctx context.Context, std *streams) error {
	if c.Filter == nil && c.configuration() == nil {
		return errors.New("nothing to change: give a filter, --[no-]insights or --[no-]notifications")
	}
	ref := c.ref()
	request := &api.UpdateGroupRequest{GroupName: ref.GroupName, GroupARN: ref.GroupARN, InsightsConfiguration: c.configuration()}
	if c.Filter != nil {
		request.FilterExpression = *c.Filter
	} else { // the operation wants it each time
		before, err := c.client().GetGroup(ctx, ref)
		if err != nil {
			return err
		}
		if before.Group.FilterExpression != nil {
			request.FilterExpression = *before.Group.FilterExpression
		}
	}
	_, err := c.client().UpdateGroup(ctx, request)
	return err
}

type groupsDeleteCmd struct {
	groupArg
	endpointFlag
}

func (c *groupsDeleteCmd) Run(ctx context.Context) error { return c.client().DeleteGroup(ctx, c.ref()) }

type groupsTagCmd struct {
	groupArg
	Tags []string `arg:"" placeholder:"KEY=VALUE" help:"Tags, as KEY=VALUE; a key that is there gets the new value."`
	endpointFlag
}

func (c *groupsTagCmd) Run(ctx context.Context) error {
	tags, err := parseTags(c.Tags)
	if err != nil {
		return err
	}
	arn, err := c.arn(ctx, &c.endpointFlag)
	if err != nil {
		return err
	}
	return c.client().TagResource(ctx, arn, tags)
}

type groupsUntagCmd struct {
	groupArg
	Keys []string `arg:"" name:"key" help:"Keys of the tags."`
	endpointFlag
}

func (c *groupsUntagCmd) Run(ctx context.Context) error {
	arn, err := c.arn(ctx, &c.endpointFlag)
	if err != nil {
		return err
	}
	return c.client().UntagResource(ctx, arn, c.Keys)
}

// arn is the ARN of the group, which tags are asked by.
func (a *groupArg) arn(ctx context.Context, at *endpointFlag) (string, error) {
	answer, err := at.client().GetGroup(ctx, a.ref())
	if err != nil {
		return "", err
	}
	return answer.Group.GroupARN, nil
}

func parseTags(texts []string) ([]api.Tag, error) {
	var tags []api.Tag
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is not a tag of the form KEY=VALUE", text)
		}
		tags = append(tags, api.Tag{Key: &key, Value: &value})
	}
	return tags, nil
}
