package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/sampling"
)

type rulesCmd struct {
	List   rulesListCmd   `cmd:"" default:"withargs" help:"List sampling rules in the order in which they are tried."`
	Show   rulesShowCmd   `cmd:"" help:"Show one rule with its tags."`
	Create rulesCreateCmd `cmd:"" help:"Create a rule."`
	Update rulesUpdateCmd `cmd:"" help:"Change a rule."`
	Delete rulesDeleteCmd `cmd:"" help:"Delete a rule."`
	Match  rulesMatchCmd  `cmd:"" help:"Tell which rule decides a request."`
	Tag    rulesTagCmd    `cmd:"" help:"Put tags on a rule."`
	Untag  rulesUntagCmd  `cmd:"" help:"Take tags from a rule."`
}

// ruleArg names a rule.
type ruleArg struct {
	Rule string `arg:"" help:"Name or ARN of the rule."`
}

func (a *ruleArg) isARN() bool { return strings.HasPrefix(a.Rule, "arn:") }

// record finds the rule among all.
func (a *ruleArg) record(ctx context.Context, c *client.Client) (*api.SamplingRuleRecord, error) {
	answer, err := c.GetSamplingRules(ctx)
	if err != nil {
		return nil, err
	}
	for i := range answer.SamplingRuleRecords {
		r := &answer.SamplingRuleRecords[i]
		if value(r.SamplingRule.RuleName) == a.Rule || value(r.SamplingRule.RuleARN) == a.Rule {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no sampling rule %q", a.Rule)
}

// value is what p points to, zero if that is nothing.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

type rulesListCmd struct {
	endpointFlag
	JSON bool `name:"json" help:"Write the answer of GetSamplingRules."`
}

func (c *rulesListCmd) Run(ctx context.Context, std *streams) error {
	answer, err := c.client().GetSamplingRules(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, answer)
	}
	did, err := recently(ctx, c.client())
	if err != nil {
		return err
	}
	t := table{{right("PRIORITY"), "RULE", right("RESERVOIR"), "RATE", "MATCHES", right("REQUESTS/10MIN"), right("SAMPLED"), right("BORROWED")}}
	for _, r := range sampling.Ordered(rulesOf(answer)) {
		figures := did[r.Name]
		t.add(strconv.Itoa(r.Priority), printable(r.Name), reservoirOf(r), rateOf(r), matchersOf(r),
			strconv.FormatInt(figures.RequestCount, 10), strconv.FormatInt(figures.SampledCount, 10), strconv.FormatInt(figures.BorrowCount, 10))
	}
	return t.write(std.out)
}

// recently adds up what clients told of the last ten minutes, by rule.
func recently(ctx context.Context, c *client.Client) (map[string]api.SamplingStatisticSummary, error) {
	did := map[string]api.SamplingStatisticSummary{}
	var request api.GetSamplingStatisticSummariesRequest
	for {
		page, err := c.GetSamplingStatisticSummaries(ctx, &request)
		if err != nil {
			return nil, err
		}
		for _, s := range page.SamplingStatisticSummaries {
			sum := did[s.RuleName]
			sum.RequestCount += s.RequestCount
			sum.SampledCount += s.SampledCount
			sum.BorrowCount += s.BorrowCount
			did[s.RuleName] = sum
		}
		if request.NextToken = value(page.NextToken); request.NextToken == "" {
			return did, nil
		}
	}
}

// rulesOf is the rules of an answer as the domain has them.
func rulesOf(answer *api.GetSamplingRulesResponse) []*tomo.SamplingRule {
	var rules []*tomo.SamplingRule
	for _, record := range answer.SamplingRuleRecords {
		rules = append(rules, ruleOf(&record.SamplingRule))
	}
	return rules
}

func ruleOf(r *api.SamplingRule) *tomo.SamplingRule {
	rule := &tomo.SamplingRule{
		Name: value(r.RuleName), ARN: value(r.RuleARN), Priority: int(value(r.Priority)), FixedRate: float64(value(r.FixedRate)),
		ReservoirSize: int(value(r.ReservoirSize)), ServiceName: value(r.ServiceName), ServiceType: value(r.ServiceType),
		Host: value(r.Host), HTTPMethod: value(r.HTTPMethod), URLPath: value(r.URLPath), ResourceARN: value(r.ResourceARN),
		Attributes: r.Attributes, Version: int(value(r.Version)),
	}
	if b := r.SamplingRateBoost; b != nil {
		rule.Boost = &tomo.RateBoost{MaxRate: float64(value(b.MaxRate)), CooldownMinutes: int(value(b.CooldownWindowMinutes))}
	}
	return rule
}

func reservoirOf(r *tomo.SamplingRule) string { return strconv.Itoa(r.ReservoirSize) + "/s" }

func rateOf(r *tomo.SamplingRule) string {
	percent := func(share float64) string { return strconv.FormatFloat(100*share, 'g', 6, 64) + " %" }
	if r.Boost != nil {
		return percent(r.FixedRate) + ", boosted up to " + percent(r.Boost.MaxRate)
	}
	return percent(r.FixedRate)
}

// matchersOf lists the patterns that are not *.
func matchersOf(r *tomo.SamplingRule) string {
	var list []string
	add := func(name, pattern string) {
		if pattern != "*" {
			list = append(list, name+"="+printable(pattern))
		}
	}
	add("service", r.ServiceName)
	add("type", r.ServiceType)
	add("host", r.Host)
	add("method", r.HTTPMethod)
	add("path", r.URLPath)
	add("arn", r.ResourceARN)
	for _, key := range slices.Sorted(maps.Keys(r.Attributes)) {
		add("attribute "+printable(key), r.Attributes[key])
	}
	return cmp.Or(strings.Join(list, " "), "(every request)")
}

type rulesShowCmd struct {
	ruleArg
	endpointFlag
	JSON bool `name:"json" help:"Write the record as GetSamplingRules has it."`
}

func (c *rulesShowCmd) Run(ctx context.Context, std *streams) error {
	record, err := c.record(ctx, c.client())
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, record)
	}
	r := ruleOf(&record.SamplingRule)
	tags, err := c.client().ListTagsForResource(ctx, r.ARN)
	if err != nil {
		return err
	}
	return writeRule(std.out, r, record, tags.Tags)
}

func writeRule(w io.Writer, r *tomo.SamplingRule, record *api.SamplingRuleRecord, tags []api.Tag) error {
	t := table{
		{"rule", printable(r.Name)},
		{"ARN", printable(r.ARN)},
		{"priority", strconv.Itoa(r.Priority)},
		{"reservoir", reservoirOf(r)},
		{"rate", rateOf(r)},
		{"matches", matchersOf(r)},
	}
	if r.Boost != nil {
		t.add("cooldown", plural(r.Boost.CooldownMinutes, "minute"))
	}
	if record.ModifiedAt != 0 {
		t.add("changed", record.ModifiedAt.String())
	}
	label := "tags"
	for _, tag := range tags {
		t.add(label, printable(value(tag.Key))+"="+printable(value(tag.Value)))
		label = ""
	}
	return t.write(w)
}

// ruleFlags are the members of a rule.
type ruleFlags struct {
	Priority  *int32            `help:"1 to 9999; the lowest that matches decides."`
	Rate      *float64          `help:"Share of the requests beyond the reservoir that is traced, 0 to 1."`
	Reservoir *int32            `help:"Requests a second that are traced in any case, of all clients together."`
	Service   *string           `help:"Pattern of the name of the service."`
	Type      *string           `help:"Pattern of the type of the service, such as AWS::EC2::*."`
	Host      *string           `help:"Pattern of the host."`
	Method    *string           `help:"Pattern of the HTTP method."`
	Path      *string           `help:"Pattern of the path."`
	ARN       *string           `name:"arn" help:"Pattern of the ARN of the resource; X-Ray SDKs ignore rules with another than *."`
	Attribute map[string]string `placeholder:"KEY=PATTERN" mapsep:"none" help:"Pattern of an attribute; may be repeated. X-Ray SDKs ignore rules with some."`
	MaxRate   *float64          `name:"boost-max-rate" help:"How far the rate rises when anomalies show that too few are traced."`
	Cooldown  *int32            `name:"boost-cooldown" placeholder:"MINUTES" help:"Minutes from one rise to the next."`
}

// into puts what is given into a rule.
func (f *ruleFlags) into(r *api.SamplingRule) error {
	r.Priority, r.ReservoirSize = f.Priority, f.Reservoir
	r.FixedRate = (*api.Double)(f.Rate)
	r.ServiceName, r.ServiceType, r.Host, r.HTTPMethod, r.URLPath, r.ResourceARN = f.Service, f.Type, f.Host, f.Method, f.Path, f.ARN
	r.Attributes = f.Attribute
	if (f.MaxRate == nil) != (f.Cooldown == nil) {
		return errors.New("--boost-max-rate and --boost-cooldown go together")
	}
	if f.MaxRate != nil {
		r.SamplingRateBoost = &api.RateBoost{MaxRate: (*api.Double)(f.MaxRate), CooldownWindowMinutes: f.Cooldown}
	}
	return nil
}

type rulesCreateCmd struct {
	Name string   `arg:"" help:"Name of the rule."`
	Tags []string `name:"tag" placeholder:"KEY=VALUE" sep:"none" help:"Tag of the rule; may be repeated."`
	ruleFlags
	endpointFlag
}

func (c *rulesCreateCmd) Help() string {
	return "Patterns that are not given are *, which matches everything. --priority, --rate and\n--reservoir have to be given."
}

func (c *rulesCreateCmd) Run(ctx context.Context, std *streams) error {
	if c.Priority == nil || c.Rate == nil || c.Reservoir == nil {
		return errors.New("give --priority, --rate and --reservoir")
	}
	tags, err := parseTags(c.Tags)
	if err != nil {
		return err
	}
	r := &api.SamplingRule{RuleName: &c.Name, Version: new(int32(1))}
	if err := c.into(r); err != nil {
		return err
	}
	for _, pattern := range []**string{&r.ServiceName, &r.ServiceType, &r.Host, &r.HTTPMethod, &r.URLPath, &r.ResourceARN} {
		if *pattern == nil {
			*pattern = new("*")
		}
	}
	answer, err := c.client().CreateSamplingRule(ctx, &api.CreateSamplingRuleRequest{SamplingRule: r, Tags: tags})
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, value(answer.SamplingRuleRecord.SamplingRule.RuleARN))
	return nil
}

type rulesUpdateCmd struct {
	ruleArg
	ruleFlags
	NoAttributes bool `help:"Take all attributes away."`
	NoBoost      bool `help:"Take the boost away."`
	endpointFlag
}

func (c *rulesUpdateCmd) Run(ctx context.Context) error {
	r := &api.SamplingRule{}
	if err := c.into(r); err != nil {
		return err
	}
	if c.NoAttributes {
		r.Attributes = map[string]string{}
	}
	if !c.NoBoost && r.SamplingRateBoost == nil { // the operation takes away a boost that is not given
		before, err := c.record(ctx, c.client())
		if err != nil {
			return err
		}
		r.SamplingRateBoost = before.SamplingRule.SamplingRateBoost
	}
	if c.isARN() {
		r.RuleARN = &c.Rule
	} else {
		r.RuleName = &c.Rule
	}
	_, err := c.client().UpdateSamplingRule(ctx, r)
	return err
}

type rulesDeleteCmd struct {
	ruleArg
	endpointFlag
}

func (c *rulesDeleteCmd) Run(ctx context.Context) error {
	request := &api.DeleteSamplingRuleRequest{RuleName: c.Rule}
	if c.isARN() {
		request = &api.DeleteSamplingRuleRequest{RuleARN: c.Rule}
	}
	_, err := c.client().DeleteSamplingRule(ctx, request)
	return err
}

type rulesMatchCmd struct {
	Service   string            `help:"Name of the service."`
	Type      string            `help:"Type of the service, such as AWS::EC2::Instance."`
	Host      string            `help:"Host; by default that of --url."`
	Method    string            `help:"HTTP method."`
	URL       string            `name:"url" help:"URL, or its path."`
	ARN       string            `name:"arn" help:"ARN of the resource."`
	Attribute map[string]string `placeholder:"KEY=VALUE" mapsep:"none" help:"Attribute; may be repeated."`
	endpointFlag
}

func (c *rulesMatchCmd) Help() string {
	return `Clients decide, and what is not given is unknown to them. Families of clients
differ about that, about letter case, and about attributes; if they would choose
different rules, all are listed.`
}

func (c *rulesMatchCmd) Run(ctx context.Context, std *streams) error {
	at, err := url.Parse(c.URL)
	if err != nil {
		return fmt.Errorf("reading --url: %w", err)
	}
	if at.Host != "" && at.Path == "" {
		at.Path = "/" // which is what is asked for
	}
	answer, err := c.client().GetSamplingRules(ctx)
	if err != nil {
		return err
	}
	request := &sampling.Request{
		ServiceName: c.Service, ServiceType: c.Type, Host: cmp.Or(c.Host, at.Host), HTTPMethod: c.Method,
		URLPath: at.Path, ResourceARN: c.ARN, Attributes: c.Attribute,
	}
	rules := rulesOf(answer)
	t := table{{"CLIENT", "RULE", right("PRIORITY"), right("RESERVOIR"), right("RATE")}}
	chosen := map[*tomo.SamplingRule]bool{}
	for _, f := range sampling.Families() {
		r := f.Choose(rules, request)
		if r == nil {
			return errors.New("no rule matches: the server has no Default rule")
		}
		chosen[r] = true
		t.add(f.Name, printable(r.Name), strconv.Itoa(r.Priority), reservoirOf(r), rateOf(r))
	}
	if len(chosen) == 1 {
		t = t[:2]
		t[1][0] = "all"
	}
	return t.write(std.out)
}

type rulesTagCmd struct {
	ruleArg
	Tags []string `arg:"" placeholder:"KEY=VALUE" help:"Tags, as KEY=VALUE; a key that is there gets the new value."`
	endpointFlag
}

func (c *rulesTagCmd) Run(ctx context.Context) error {
	tags, err := parseTags(c.Tags)
	if err != nil {
		return err
	}
	r, err := c.record(ctx, c.client())
	if err != nil {
		return err
	}
	return c.client().TagResource(ctx, value(r.SamplingRule.RuleARN), tags)
}

type rulesUntagCmd struct {
	ruleArg
	Keys []string `arg:"" name:"key" help:"Keys of the tags."`
	endpointFlag
}

func (c *rulesUntagCmd) Run(ctx context.Context) error {
	r, err := c.record(ctx, c.client())
	if err != nil {
		return err
	}
	return c.client().UntagResource(ctx, value(r.SamplingRule.RuleARN), c.Keys)
}
