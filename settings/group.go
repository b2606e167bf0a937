package settings

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// GroupRef names a group by its name or by its ARN. An ARN may lack the part
// that is the group's alone: …:group/NAME, as guides write it.
type GroupRef struct{ Name, ARN string }

// Insights is what a request says of a group's insights; nil: nothing.
type Insights struct{ Enabled, Notifications *bool }

// Draft is a group to be created.
type Draft struct {
	Name     string
	Filter   string
	Insights Insights
	Tags     []tomo.Tag
}

// GroupUpdate is what of a group becomes another.
type GroupUpdate struct {
	Filter   string // required, but for Default, which has none
	Insights Insights
}

// errNoGroup is the answer when nothing has that name. X-Ray: this text;
// Terraform looks for it.
var errNoGroup = &tomo.Error{Code: tomo.NotFound, Message: "Group not found"}

// Groups lists all groups: Default, then the others by name. The list and what
// is in it must not be changed; it is another one after each change.
func (s *Settings) Groups() []*tomo.Group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.groups
}

// Group finds a group. The error is Invalid, if ref does not name exactly one
// way, or NotFound.
func (s *Settings) Group(ref GroupRef) (*tomo.Group, error) {
	if (ref.Name == "") == (ref.ARN == "") { // X-Ray: also if they agree
		return nil, invalid("Provide either GroupName or GroupARN")
	}
	return s.findGroup(s.Groups(), ref)
}

func (s *Settings) findGroup(groups []*tomo.Group, ref GroupRef) (*tomo.Group, error) {
	for _, g := range groups {
		if ref.Name != "" && g.Name == ref.Name || ref.ARN != "" && s.HasARN(g, ref.ARN) {
			return g, nil
		}
	}
	return nil, errNoGroup
}

// HasARN reports whether arn names the group, in full or as …:group/NAME.
func (s *Settings) HasARN(g *tomo.Group, arn string) bool {
	return arn == g.ARN || arn == s.arn+"group/"+g.Name
}

// Expression is what group.name and group.arn of a filter stand for: the current
// filter of the group. It is a filter.Groups.
func (s *Settings) Expression(mention filter.Group) (filter.Expr, bool) {
	g, err := s.findGroup(s.Groups(), refOf(mention))
	if err != nil {
		return nil, false
	}
	if g.IsDefault() {
		return filter.All{}, true
	}
	expr, err := filter.Parse(g.Filter)
	return expr, err == nil
}

func refOf(mention filter.Group) GroupRef {
	if mention.By == filter.GroupARN {
		return GroupRef{ARN: mention.Text}
	}
	return GroupRef{Name: mention.Text}
}

// CreateGroup adds a group.
func (s *Settings) CreateGroup(ctx context.Context, draft Draft) (*tomo.Group, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := checkGroupName(draft.Name); err != nil {
		return nil, err
	}
	groups := s.Groups()
	if slices.ContainsFunc(groups, func(g *tomo.Group) bool { return g.Name == draft.Name }) {
		return nil, invalid("Group already exists.")
	}
	if len(groups) >= s.limits.Groups {
		return nil, invalid(fmt.Sprintf("There are %d groups already, Default included, which is the limit", s.limits.Groups))
	}
	g := &tomo.Group{Name: draft.Name, Filter: draft.Filter, ARN: s.arn + "group/" + draft.Name + "/" + newGroupID(), Created: tomo.TimeOf(s.now())}
	if err := setInsights(g, draft.Insights); err != nil {
		return nil, err
	}
	var err error
	if g.Tags, err = s.tagged(nil, draft.Tags); err != nil {
		return nil, err
	}
	groups = sortedGroups(append(slices.Clone(groups), g))
	if err := s.checkFilter(groups, g); err != nil {
		return nil, err
	}
	return g, s.saveGroups(ctx, groups)
}

// UpdateGroup changes the filter and the insights of a group. What matched the
// filter before stays in the group. X-Ray: the filter has to be given each
// time, also if it stays.
func (s *Settings) UpdateGroup(ctx context.Context, ref GroupRef, u GroupUpdate) (*tomo.Group, error) {
	return s.changeGroup(ctx, ref, func(g *tomo.Group, groups []*tomo.Group) error {
		if err := setInsights(g, u.Insights); err != nil {
			return err
		}
		g.Changed = tomo.TimeOf(s.now())
		if g.IsDefault() {
			if !blank(u.Filter) {
				return invalid("The Default group takes every trace; it has no filter expression")
			}
			return nil
		}
		if u.Filter != g.Filter {
			g.Filter = u.Filter
			g.FilterChanges = append(slices.Clone(g.FilterChanges), g.Changed)
			g.FilterChanges = g.FilterChanges[max(0, len(g.FilterChanges)-maxFilterChanges):]
		}
		return s.checkFilter(groups, g)
	})
}

// maxFilterChanges is how many changes of a group's filter are remembered.
const maxFilterChanges = 100

// DeleteGroup takes a group away. Its traces stay. One that is created later
// with the same name has another ARN, and no tags.
func (s *Settings) DeleteGroup(ctx context.Context, ref GroupRef) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	g, err := s.Group(ref)
	if err != nil {
		return err
	}
	if g.IsDefault() {
		return invalid("The Default group cannot be deleted")
	}
	groups := slices.Clone(s.Groups())
	return s.saveGroups(ctx, slices.DeleteFunc(groups, func(other *tomo.Group) bool { return other == g }))
}

// changeGroup lets f change a copy of a group in the list of all, and saves the list.
func (s *Settings) changeGroup(ctx context.Context, ref GroupRef, f func(g *tomo.Group, groups []*tomo.Group) error) (*tomo.Group, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	before, err := s.Group(ref)
	if err != nil {
		return nil, err
	}
	changed, groups := *before, slices.Clone(s.Groups())
	groups[slices.Index(groups, before)] = &changed
	if err := f(&changed, groups); err != nil {
		return nil, err
	}
	return &changed, s.saveGroups(ctx, groups)
}

// checkGroupName holds the name of a new group against the rules. X-Ray: up to 32
// letters, digits and hyphens; its guide has names with underscores too.
func checkGroupName(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	switch {
	case name == "" || len(name) > 32:
		return invalid("A group name has 1 to 32 characters")
	case strings.Trim(name, allowed) != "":
		return invalid(fmt.Sprintf("Group name %q has other characters than letters, digits, - and _", name))
	}
	return nil
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// setInsights changes what is said and leaves the rest. Notifications go with
// the insights that they are about.
func setInsights(g *tomo.Group, i Insights) error {
	if i.Enabled != nil {
		g.InsightsEnabled = *i.Enabled
		g.NotificationsEnabled = g.NotificationsEnabled && g.InsightsEnabled
	}
	if i.Notifications != nil {
		g.NotificationsEnabled = *i.Notifications
	}
	if g.NotificationsEnabled && !g.InsightsEnabled {
		return invalid("Notifications can be enabled only if insights are enabled")
	}
	return nil
}

// newGroupID makes the part of an ARN that is one group's alone. X-Ray: 52 base32
// characters.
func newGroupID() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:])
}

// checkFilter refuses the filter of g if it cannot be read, or if groups would
// mention each other in a circle.
func (s *Settings) checkFilter(groups []*tomo.Group, g *tomo.Group) error {
	if blank(g.Filter) {
		return invalid("Filter Expression is empty")
	}
	if _, err := filter.Parse(g.Filter); err != nil {
		return err
	}
	if circle := s.circle(groups, g); circle != nil {
		return invalid("Groups would mention each other in a circle: " + strings.Join(circle, ", "))
	}
	return nil
}

// circle names the groups on a way from g by mentions back to g, g first and
// last; nil if there is none. A circle that g is not on cannot be: it would
// have been refused before.
func (s *Settings) circle(groups []*tomo.Group, g *tomo.Group) []string {
	seen := map[*tomo.Group]bool{}
	var walk func(*tomo.Group) []string
	walk = func(from *tomo.Group) []string {
		for _, to := range s.mentioned(groups, from) {
			if to == g {
				return []string{from.Name, g.Name}
			}
			if seen[to] {
				continue
			}
			seen[to] = true
			if rest := walk(to); rest != nil {
				return append([]string{from.Name}, rest...)
			}
		}
		return nil
	}
	return walk(g)
}

// mentioned lists the groups that the filter of g speaks of. What is not there
// matches nothing, and can be created later.
func (s *Settings) mentioned(groups []*tomo.Group, g *tomo.Group) (list []*tomo.Group) {
	expr, err := filter.Parse(g.Filter)
	if err != nil {
		return nil // of Default, which has none; of an earlier version that read more
	}
	for term := range filter.Terms(expr) {
		if named, is := term.(filter.Group); is { // never within a block
			if to, err := s.findGroup(groups, refOf(named)); err == nil {
				list = append(list, to)
			}
		}
	}
	return list
}

// sortedGroups puts Default first and the others in order of their names.
func sortedGroups(groups []*tomo.Group) []*tomo.Group {
	slices.SortFunc(groups, func(a, b *tomo.Group) int {
		if a.IsDefault() != b.IsDefault() {
			if a.IsDefault() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return groups
}

// The file of the groups is JSON; docs/storage-format.md describes it.
const (
	groupsName    = "groups"
	groupsVersion = 1
)

type groupsFile struct {
	Version int          `json:"version"`
	Groups  []groupEntry `json:"groups"`
}

type groupEntry struct {
	Name          string            `json:"name"`
	ARN           string            `json:"arn,omitempty"` // not of Default: that follows from the options
	Filter        string            `json:"filter,omitempty"`
	Insights      bool              `json:"insights,omitempty"`
	Notifications bool              `json:"notifications,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	Created       tomo.Time         `json:"created,omitempty"`
	Changed       tomo.Time         `json:"changed,omitempty"`
	FilterChanges []tomo.Time       `json:"filterChanges,omitempty"`
}

func (s *Settings) loadGroups(ctx context.Context) error {
	var file groupsFile
	if err := s.load(ctx, groupsName, &file, &file.Version, groupsVersion); err != nil {
		return err
	}
	groups := []*tomo.Group{{Name: tomo.DefaultGroup}}
	for _, e := range file.Groups {
		g := groups[0]
		if e.Name != tomo.DefaultGroup {
			g = &tomo.Group{Name: e.Name}
			groups = append(groups, g)
		}
		g.ARN, g.Filter, g.InsightsEnabled, g.NotificationsEnabled = e.ARN, e.Filter, e.Insights, e.Notifications
		g.Created, g.Changed, g.FilterChanges, g.Tags = e.Created, e.Changed, e.FilterChanges, tagsOf(e.Tags)
	}
	groups[0].ARN = s.arn + "group/" + tomo.DefaultGroup
	s.groups = sortedGroups(groups)
	return nil
}

// saveGroups makes the groups durable and then lets them count. The caller holds
// s.changing.
func (s *Settings) saveGroups(ctx context.Context, groups []*tomo.Group) error {
	file := groupsFile{Version: groupsVersion}
	for _, g := range groups {
		e := groupEntry{
			Name: g.Name, ARN: g.ARN, Filter: g.Filter, Insights: g.InsightsEnabled, Notifications: g.NotificationsEnabled,
			Created: g.Created, Changed: g.Changed, FilterChanges: g.FilterChanges, Tags: mapOf(g.Tags),
		}
		if g.IsDefault() {
			e.ARN = ""
		}
		file.Groups = append(file.Groups, e)
	}
	if err := s.write(ctx, groupsName, file); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = groups
	s.revision++
	return nil
}
