package settings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
)

// MaxTags is how many tags a resource may have, unless Limits say another. Documented
// quota of the service, like the lengths below.
const (
	MaxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

// Tags lists the tags of a resource in order of their keys. The error is
// NotFound if there is no such resource, Invalid if there can be none.
func (s *Settings) Tags(arn string) ([]tomo.Tag, error) {
	switch r, err := s.resource(arn); r := r.(type) {
	case *tomo.Group:
		return r.Tags, nil
	case *tomo.SamplingRule:
		return r.Tags, nil
	default:
		return nil, err
	}
}

// Tag puts tags on a resource; a key that is there gets the new value.
func (s *Settings) Tag(ctx context.Context, arn string, tags []tomo.Tag) error {
	return s.retag(ctx, arn, func(before []tomo.Tag) ([]tomo.Tag, error) { return s.tagged(before, tags) })
}

// Untag takes tags from a resource. Keys that are not there are ignored.
func (s *Settings) Untag(ctx context.Context, arn string, keys []string) error {
	for _, key := range keys {
		if reserved(key) {
			return errReserved(key)
		}
	}
	return s.retag(ctx, arn, func(before []tomo.Tag) ([]tomo.Tag, error) {
		return slices.DeleteFunc(slices.Clone(before), func(t tomo.Tag) bool { return slices.Contains(keys, t.Key) }), nil
	})
}

func (s *Settings) retag(ctx context.Context, arn string, f func(before []tomo.Tag) ([]tomo.Tag, error)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	switch before, err := s.resource(arn); before := before.(type) {
	case *tomo.Group:
		after := *before
		if after.Tags, err = f(before.Tags); err != nil {
			return err
		}
		groups := slices.Clone(s.Groups())
		groups[slices.Index(groups, before)] = &after
		return s.saveGroups(ctx, groups)
	case *tomo.SamplingRule: // tags are not a change of the rule: clients need not read it again
		after := *before
		if after.Tags, err = f(before.Tags); err != nil {
			return err
		}
		return s.replaceSamplingRule(ctx, before, &after, s.SamplingRules().Modified)
	default:
		return err
	}
}

// resource finds what has tags: a *tomo.Group or a *tomo.SamplingRule, or nil
// and an error.
func (s *Settings) resource(arn string) (any, error) {
	if !taggable(arn) {
		return nil, invalid(fmt.Sprintf("%q is not the ARN of a group or a sampling rule", arn))
	}
	if g, err := s.Group(GroupRef{ARN: arn}); err == nil {
		return g, nil
	}
	if r, err := s.samplingRule(SamplingRuleRef{ARN: arn}); err == nil {
		return r, nil
	}
	return nil, errNoResource(arn)
}

// taggable reports whether arn has the form of what could have tags.
func taggable(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "xray" {
		return false
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	return name != "" && (kind == "group" || kind == "sampling-rule")
}

// errNoResource is what tags of nothing answer.
func errNoResource(arn string) error {
	return &tomo.Error{Code: tomo.NotFound, Message: "Resource " + arn + " not found"}
}

func byKey(a, b tomo.Tag) int { return cmp.Compare(a.Key, b.Key) }

// tagged is before with more tags, in order of their keys.
func (s *Settings) tagged(before, more []tomo.Tag) ([]tomo.Tag, error) {
	after := slices.Clone(before)
	for i, tag := range more {
		if err := checkTag(tag); err != nil {
			return nil, err
		}
		// X-Ray: 500. It is the caller's fault.
		if slices.ContainsFunc(more[:i], func(t tomo.Tag) bool { return t.Key == tag.Key }) {
			return nil, invalid(fmt.Sprintf("Tag key %q is given twice", tag.Key))
		}
		if at, found := slices.BinarySearchFunc(after, tag, byKey); found {
			after[at].Value = tag.Value
		} else {
			after = slices.Insert(after, at, tag)
		}
	}
	if len(after) > s.limits.Tags {
		return nil, invalid(fmt.Sprintf("The resultant tag set must not have more than %d user tags.", s.limits.Tags))
	}
	return after, nil
}

func checkTag(t tomo.Tag) error {
	switch {
	case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey:
		return invalid(fmt.Sprintf("A tag key has 1 to %d characters", maxTagKey))
	case utf8.RuneCountInString(t.Value) > maxTagValue:
		return invalid(fmt.Sprintf("A tag value has at most %d characters", maxTagValue))
	case reserved(t.Key):
		return errReserved(t.Key)
	case strings.ContainsFunc(t.Key, foreign) || strings.ContainsFunc(t.Value, foreign):
		return invalid(fmt.Sprintf("Tag %q has other characters than letters, digits, blanks and _ . : / = + - @", t.Key))
	}
	return nil
}

// reserved reports whether only AWS itself may set a key.
func reserved(key string) bool {
	const prefix = "aws:"
	return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}

func errReserved(key string) error {
	return invalid(fmt.Sprintf("Tag key %q begins with aws:, which is reserved", key))
}

// foreign reports whether a tag may not have r.
func foreign(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r)
}

// tagsOf and mapOf convert between tags and their form on disk.
func tagsOf(m map[string]string) (tags []tomo.Tag) {
	for key, value := range m {
		tags = append(tags, tomo.Tag{Key: key, Value: value})
	}
	slices.SortFunc(tags, byKey)
	return tags
}

func mapOf(tags []tomo.Tag) map[string]string {
	m := map[string]string{}
	for _, tag := range tags {
		m[tag.Key] = tag.Value
	}
	return m
}
