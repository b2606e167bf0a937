package settings

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
)

// SamplingRuleRef names a sampling rule by its name or by its ARN.
type SamplingRuleRef struct{ Name, ARN string }

// SamplingRuleUpdate is what of a sampling rule becomes another. What is nil
// stays, but for the boost: X-Ray takes it away when it is not given.
type SamplingRuleUpdate struct {
	Priority      *int
	FixedRate     *float64
	ReservoirSize *int

	ServiceName, ServiceType, Host, HTTPMethod, URLPath, ResourceARN *string

	Attributes map[string]string // empty, not nil: none any more
	Boost      *tomo.RateBoost
}

// errNoSamplingRule is the answer when nothing has that name. X-Ray: this text.
var errNoSamplingRule = &tomo.Error{Code: tomo.NotFound, Message: "Sampling rule does not exist"}

// SamplingRules gives all sampling rules. What it points to must not be
// changed; it is another one after each change.
func (s *Settings) SamplingRules() *tomo.SamplingRules {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sampling
}

// CreateSamplingRule adds a sampling rule. It has a name or an ARN, of which the
// name is the last part, and not both. Times are set here.
func (s *Settings) CreateSamplingRule(ctx context.Context, draft tomo.SamplingRule) (*tomo.SamplingRule, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	r := &draft
	switch {
	case r.Name != "" && r.ARN != "":
		return nil, errTwoRuleNames
	case r.ARN != "":
		name, ok := ruleNameOf(r.ARN)
		if !ok {
			return nil, invalid(fmt.Sprintf("RuleARN %q is not the ARN of a sampling rule", r.ARN))
		}
		r.Name = name
	case r.Name == "":
		return nil, errNoRuleName
	}
	before := s.SamplingRules()
	if before.Named(r.Name) != nil {
		return nil, invalid("Sampling rule already exists")
	}
	if r.Version != 1 {
		return nil, invalid("Sampling rule version must be 1")
	}
	if wrong := wrongRule(r); wrong != "" {
		return nil, invalid(wrong)
	}
	if len(before.List) > s.limits.SamplingRules {
		return nil, &tomo.Error{Code: tomo.RuleLimitExceeded, Message: fmt.Sprintf(
			"There are %d sampling rules already besides Default, which is the limit", s.limits.SamplingRules)}
	}
	tags, err := s.tagged(nil, r.Tags)
	if err != nil {
		return nil, err
	}
	r.ARN, r.Tags, r.Attributes = s.ruleARN(r.Name), tags, attributes(r.Attributes)
	r.Boost = boostOf(r.Boost)
	r.Created = tomo.TimeOf(s.now()).Second()
	r.Modified = r.Created
	return r, s.saveSamplingRules(ctx, append(slices.Clone(before.List), r), r.Modified)
}

// UpdateSamplingRule changes a sampling rule. Of Default only the rate and the
// reservoir can change.
func (s *Settings) UpdateSamplingRule(ctx context.Context, ref SamplingRuleRef, u SamplingRuleUpdate) (*tomo.SamplingRule, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	before, err := s.samplingRule(ref)
	if err != nil {
		return nil, err
	}
	after := *before
	set(&after.Priority, u.Priority)
	set(&after.FixedRate, u.FixedRate)
	set(&after.ReservoirSize, u.ReservoirSize)
	set(&after.ServiceName, u.ServiceName)
	set(&after.ServiceType, u.ServiceType)
	set(&after.Host, u.Host)
	set(&after.HTTPMethod, u.HTTPMethod)
	set(&after.URLPath, u.URLPath)
	set(&after.ResourceARN, u.ResourceARN)
	if u.Attributes != nil {
		after.Attributes = attributes(u.Attributes)
	}
	after.Boost = boostOf(u.Boost)
	if before.IsDefault() {
		same := *before
		same.FixedRate, same.ReservoirSize = after.FixedRate, after.ReservoirSize
		if !equalRules(&same, &after) {
			return nil, invalid("Invalid update request for default sampling rule")
		}
	}
	if wrong := wrongRule(&after); wrong != "" { // X-Ray: the words up to the colon
		return nil, invalid("Invalid update request for sampling rule: " + wrong)
	}
	after.Modified = tomo.TimeOf(s.now()).Second()
	return &after, s.replaceSamplingRule(ctx, before, &after, after.Modified)
}

// DeleteSamplingRule takes a sampling rule away and gives it.
func (s *Settings) DeleteSamplingRule(ctx context.Context, ref SamplingRuleRef) (*tomo.SamplingRule, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	r, err := s.samplingRule(ref)
	if err != nil {
		return nil, err
	}
	if r.IsDefault() {
		return nil, invalid("The Default sampling rule cannot be deleted")
	}
	list := slices.DeleteFunc(slices.Clone(s.SamplingRules().List), func(other *tomo.SamplingRule) bool { return other == r })
	return r, s.saveSamplingRules(ctx, list, tomo.TimeOf(s.now()).Second())
}

// X-Ray: a rule is named in exactly one way, also if both agree.
var (
	errTwoRuleNames = invalid("Request cannot contain both sampling rule name and sampling rule ARN")
	errNoRuleName   = invalid("Request must contain either sampling rule name or sampling rule ARN")
)

func (s *Settings) samplingRule(ref SamplingRuleRef) (*tomo.SamplingRule, error) {
	switch {
	case ref.Name != "" && ref.ARN != "":
		return nil, errTwoRuleNames
	case ref.Name == "" && ref.ARN == "":
		return nil, errNoRuleName
	}
	for _, r := range s.SamplingRules().List {
		if ref.Name != "" && r.Name == ref.Name || ref.ARN != "" && r.ARN == ref.ARN {
			return r, nil
		}
	}
	return nil, errNoSamplingRule
}

func (s *Settings) ruleARN(name string) string { return s.arn + "sampling-rule/" + name }

// ruleNameOf is the last part of the ARN of a sampling rule.
func ruleNameOf(arn string) (name string, ok bool) {
	if !taggable(arn) {
		return "", false
	}
	return strings.CutPrefix(strings.SplitN(arn, ":", 6)[5], "sampling-rule/")
}

// Lengths of the service's model, in characters.
const (
	maxSamplingName = 32
	maxAttributes   = 5
	maxAttribute    = 32 // of keys and values
)

// wrongRule says what is wrong with a rule, "" for nothing.
func wrongRule(r *tomo.SamplingRule) string {
	length := func(member, value string, least, most int) string {
		if n := utf8.RuneCountInString(value); n < least || n > most {
			return fmt.Sprintf("%s has %d characters; it has %d to %d", member, n, least, most)
		}
		return ""
	}
	wrong := cmp.Or(
		length("RuleName", r.Name, 1, maxSamplingName),
		length("ServiceName", r.ServiceName, 0, 64),
		length("ServiceType", r.ServiceType, 0, 64),
		length("Host", r.Host, 0, 64),
		length("HTTPMethod", r.HTTPMethod, 0, 10),
		length("URLPath", r.URLPath, 0, 128),
		length("ResourceARN", r.ResourceARN, 0, 500),
	)
	for _, key := range slices.Sorted(maps.Keys(r.Attributes)) {
		wrong = cmp.Or(wrong,
			length("a key of Attributes", key, 1, maxAttribute),
			length(fmt.Sprintf("Attributes[%q]", key), r.Attributes[key], 1, maxAttribute))
	}
	switch {
	case wrong != "":
		return wrong
	case len(r.Attributes) > maxAttributes:
		return fmt.Sprintf("Attributes has %d pairs; the limit is %d", len(r.Attributes), maxAttributes)
	case (r.Priority < 1 || r.Priority > 9999) && !r.IsDefault():
		return fmt.Sprintf("Priority is %d; it is 1 to 9999", r.Priority)
	case !share(r.FixedRate):
		return fmt.Sprintf("FixedRate is %v; it is 0 to 1", r.FixedRate)
	case r.ReservoirSize < 0 || r.ReservoirSize > math.MaxInt32:
		return fmt.Sprintf("ReservoirSize is %d; it is 0 to %d", r.ReservoirSize, math.MaxInt32)
	case r.Boost != nil && !share(r.Boost.MaxRate):
		return fmt.Sprintf("SamplingRateBoost.MaxRate is %v; it is 0 to 1", r.Boost.MaxRate)
	case r.Boost != nil && r.Boost.CooldownMinutes < 1: // X-Ray: 500. It is the caller's fault.
		return fmt.Sprintf("SamplingRateBoost.CooldownWindowMinutes is %d; it is at least 1", r.Boost.CooldownMinutes)
	}
	return ""
}

func share(f float64) bool { return f >= 0 && f <= 1 } // and no NaN

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// attributes is a copy that is never nil.
func attributes(m map[string]string) map[string]string {
	if len(m) == 0 {
		return map[string]string{}
	}
	return maps.Clone(m)
}

func boostOf(b *tomo.RateBoost) *tomo.RateBoost {
	if b == nil {
		return nil
	}
	return new(*b)
}

// equalRules reports whether nothing that a request can change differs.
func equalRules(a, b *tomo.SamplingRule) bool {
	return a.Priority == b.Priority && a.FixedRate == b.FixedRate && a.ReservoirSize == b.ReservoirSize &&
		a.ServiceName == b.ServiceName && a.ServiceType == b.ServiceType && a.Host == b.Host &&
		a.HTTPMethod == b.HTTPMethod && a.URLPath == b.URLPath && a.ResourceARN == b.ResourceARN &&
		maps.Equal(a.Attributes, b.Attributes) && (a.Boost == nil) == (b.Boost == nil) && (a.Boost == nil || *a.Boost == *b.Boost)
}

// The file of the sampling rules is JSON; docs/storage-format.md describes it.
const (
	samplingName    = "sampling-rules"
	samplingVersion = 1
)

type samplingFile struct {
	Version  int             `json:"version"`
	Modified tomo.Time       `json:"modified,omitempty"`
	Rules    []samplingEntry `json:"rules"`
}

type samplingEntry struct {
	Name          string            `json:"name"`
	ARN           string            `json:"arn,omitempty"` // not of Default: that follows from the options
	Priority      int               `json:"priority"`
	FixedRate     float64           `json:"fixedRate"`
	ReservoirSize int               `json:"reservoirSize"`
	ServiceName   string            `json:"serviceName"`
	ServiceType   string            `json:"serviceType"`
	Host          string            `json:"host"`
	HTTPMethod    string            `json:"httpMethod"`
	URLPath       string            `json:"urlPath"`
	ResourceARN   string            `json:"resourceARN"`
	Attributes    map[string]string `json:"attributes,omitempty"`
	Boost         *boostEntry       `json:"boost,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	Created       tomo.Time         `json:"created,omitempty"`
	Modified      tomo.Time         `json:"modified,omitempty"`
}

type boostEntry struct {
	MaxRate         float64 `json:"maxRate"`
	CooldownMinutes int     `json:"cooldownMinutes"`
}

// newDefaultRule is Default as it is until somebody changes it. X-Ray: one trace
// a second, and 5 % of the rest.
func (s *Settings) newDefaultRule() *tomo.SamplingRule {
	return &tomo.SamplingRule{
		Name: tomo.DefaultRule, ARN: s.ruleARN(tomo.DefaultRule), Priority: tomo.DefaultRulePriority, FixedRate: 0.05, ReservoirSize: 1,
		ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", ResourceARN: "*",
		Attributes: map[string]string{}, Version: 1,
	}
}

func (s *Settings) loadSamplingRules(ctx context.Context) error {
	var file samplingFile
	if err := s.load(ctx, samplingName, &file, &file.Version, samplingVersion); err != nil {
		return err
	}
	rules := &tomo.SamplingRules{Modified: file.Modified}
	byDefault := s.newDefaultRule()
	for _, e := range file.Rules {
		r := &tomo.SamplingRule{
			Name: e.Name, ARN: e.ARN, Priority: e.Priority, FixedRate: e.FixedRate, ReservoirSize: e.ReservoirSize,
			ServiceName: e.ServiceName, ServiceType: e.ServiceType, Host: e.Host, HTTPMethod: e.HTTPMethod, URLPath: e.URLPath,
			ResourceARN: e.ResourceARN, Attributes: attributes(e.Attributes), Version: 1, Created: e.Created, Modified: e.Modified,
			Boost: (*tomo.RateBoost)(e.Boost), Tags: tagsOf(e.Tags),
		}
		if r.IsDefault() {
			r.ARN = byDefault.ARN
			byDefault = r
			continue
		}
		rules.List = append(rules.List, r)
	}
	rules.List = sortedRules(append(rules.List, byDefault))
	s.sampling = rules
	return nil
}

// sortedRules puts Default last and the others in order of their names.
func sortedRules(rules []*tomo.SamplingRule) []*tomo.SamplingRule {
	slices.SortFunc(rules, func(a, b *tomo.SamplingRule) int {
		if a.IsDefault() != b.IsDefault() {
			if a.IsDefault() {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return rules
}

// replaceSamplingRule saves the list with one rule in the place of another.
func (s *Settings) replaceSamplingRule(ctx context.Context, before, after *tomo.SamplingRule, modified tomo.Time) error {
	list := slices.Clone(s.SamplingRules().List)
	list[slices.Index(list, before)] = after
	return s.saveSamplingRules(ctx, list, modified)
}

// saveSamplingRules makes the rules durable and then lets them count. The caller
// holds s.changing.
func (s *Settings) saveSamplingRules(ctx context.Context, list []*tomo.SamplingRule, modified tomo.Time) error {
	file := samplingFile{Version: samplingVersion, Modified: modified}
	for _, r := range list {
		e := samplingEntry{
			Name: r.Name, ARN: r.ARN, Priority: r.Priority, FixedRate: r.FixedRate, ReservoirSize: r.ReservoirSize,
			ServiceName: r.ServiceName, ServiceType: r.ServiceType, Host: r.Host, HTTPMethod: r.HTTPMethod, URLPath: r.URLPath,
			ResourceARN: r.ResourceARN, Attributes: r.Attributes, Boost: (*boostEntry)(r.Boost), Tags: mapOf(r.Tags),
			Created: r.Created, Modified: r.Modified,
		}
		if r.IsDefault() {
			e.ARN = ""
		}
		file.Rules = append(file.Rules, e)
	}
	if err := s.write(ctx, samplingName, file); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sampling = &tomo.SamplingRules{List: sortedRules(list), Modified: modified}
	return nil
}
