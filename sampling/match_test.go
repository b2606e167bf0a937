package sampling_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/sampling"
)

// The families, by the names under which tables speak of them.
const (
	xrayGo     = "X-Ray SDK for Go"
	xrayJava   = "X-Ray SDK for Java"
	otelJava   = "OpenTelemetry for Java"
	adotPython = "ADOT for Python"
	otelGo     = "OpenTelemetry for Go"
)

func TestPatterns(t *testing.T) {
	caseMatters := []string{adotPython}
	caseMattersInWildcards := []string{otelJava, adotPython}
	unanchored := []string{otelGo}
	tests := []struct {
		pattern, text string
		want          bool     // of the X-Ray SDKs for Python, Node and Java
		otherwise     []string // families that say the opposite
	}{
		{"", "", true, nil},
		{"", "a", false, nil},
		{"*", "", true, nil},
		{"*", "anything", true, nil},
		{"?", "", false, nil},
		{"?", "a", true, nil},
		{"??", "a", false, nil},
		{"foo", "foo", true, nil},
		{"foo", "FOO", true, caseMatters},
		{"foo", "foobar", false, unanchored},
		{"foo", "a foo", false, unanchored},
		{"foo*", "foo", true, nil},
		{"foo*", "Foobar", true, caseMattersInWildcards},
		{"fo?", "foo", true, nil},
		{"f?o", "boo", false, nil},
		{"*oo", "foo", true, nil},
		{"*o?", "foo", true, nil},
		{"a**b", "ab", true, nil},
		{"***", "x", true, nil},
		{"*?", "a", true, nil},
		{"?*?", "a", false, nil},
		{"?*?", "aa", true, nil},
		{"*?*a", "a", false, nil},
		{"a*na*ha", "anananahahanahana", false, unanchored},
		{"a*b*a*b*a", "abcabca", true, nil},
		{"/api/*", "/api/user/1", true, nil},
		{"/api/*", "/api", false, nil},
		{"/api/*", "/v1/api/user", false, unanchored},
		{"*/api/*", "/v1/api/user", true, nil},
		{"/history/*", "/history/42?x=1", true, nil},
		{"*.example.com", "www.example.com", true, nil},
		{"*.example.com", "example.com", false, nil},
		{"www.example.com", "wwwXexample.com", false, nil},
		{"a.c", "abc", false, nil},
		{"a+b", "aab", false, nil},
		{"[ab]", "a", false, nil},
		{"GET", "get", true, caseMatters},
		{"G*", "get", true, caseMattersInWildcards},
		{"user-?", "user-12", false, unanchored},
		{"caf?", "café", true, []string{xrayGo}}, // which counts bytes
		{"*É*", "café", true, caseMattersInWildcards},
		{"AWS::EC2::*", "AWS::EC2::Instance", true, nil},
		{"*ec2*", "AWS::EC2::Instance", true, caseMattersInWildcards},

		// Beyond what was collected: what a character is.
		{"?", "😀", true, []string{xrayGo, xrayJava, otelJava}},
		{"??", "😀", false, []string{xrayJava, otelJava}},
		{"????", "😀", false, []string{xrayGo}},
	}
	for _, tt := range tests {
		for _, f := range sampling.Families() {
			if want := tt.want != slices.Contains(tt.otherwise, f.Name); f.Match(tt.pattern, tt.text) != want {
				t.Errorf("%s: %q matches %q: %v, want %v", f.Name, tt.pattern, tt.text, !want, want)
			}
		}
	}
}

// TestPatternsAgainstRegexp holds patterns against the regular expressions that
// say the same.
func TestPatternsAgainstRegexp(t *testing.T) {
	reference := sampling.Families()[0]
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[abA*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[abB]{0,10}`).Draw(t, "text")
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile(`(?i)^` + expression + `$`).MatchString(text)
		if got := reference.Match(pattern, text); got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}

// TestLongPattern: a pattern of many stars costs the product of the lengths at
// most.
func TestLongPattern(t *testing.T) {
	pattern, text := strings.Repeat("*a", 5_000)+"b", strings.Repeat("a", 10_000)
	if sampling.Families()[0].Match(pattern, text) {
		t.Error("matches without the b")
	}
}

// rule is a rule of patterns that match everything, but for what change sets.
func rule(name string, priority int, change func(*tomo.SamplingRule)) *tomo.SamplingRule {
	r := &tomo.SamplingRule{
		Name: name, Priority: priority, Version: 1, FixedRate: 0.05, ReservoirSize: 1,
		ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", ResourceARN: "*", Attributes: map[string]string{},
	}
	if change != nil {
		change(r)
	}
	return r
}

func defaultRule() *tomo.SamplingRule {
	return rule(tomo.DefaultRule, tomo.DefaultRulePriority, nil)
}

// shop is rules that show every way in which families differ.
func shop() []*tomo.SamplingRule {
	return []*tomo.SamplingRule{
		rule("debug-history", 1, func(r *tomo.SamplingRule) {
			r.ServiceName, r.URLPath, r.HTTPMethod = "Scorekeep", "/history/*", "PUT"
		}),
		rule("future", 5, func(r *tomo.SamplingRule) { r.Version, r.Host = 2, "future.internal" }),
		rule("health", 10, func(r *tomo.SamplingRule) { r.URLPath, r.HTTPMethod = "/health*", "GET" }),
		rule("tie-a", 100, func(r *tomo.SamplingRule) { r.Host = "api.example.com" }),
		rule("tie-b", 100, func(r *tomo.SamplingRule) { r.Host = "*.example.com" }),
		rule("post-minimum", 200, func(r *tomo.SamplingRule) { r.HTTPMethod = "POST" }),
		rule("ec2-only", 300, func(r *tomo.SamplingRule) { r.ServiceType = "AWS::EC2::*" }),
		rule("gold-tenant", 400, func(r *tomo.SamplingRule) { r.Attributes["tenant"] = "gold*" }),
		rule("one-container", 500, func(r *tomo.SamplingRule) {
			r.Host, r.ResourceARN = "arn.internal", "arn:aws:ecs:*:container/abc"
		}),
		rule("polling", 600, func(r *tomo.SamplingRule) {
			r.ServiceName, r.URLPath, r.HTTPMethod = "Scorekeep", "/api/state/*", "GET"
		}),
		defaultRule(),
	}
}

func TestChoose(t *testing.T) {
	const (
		ec2 = "AWS::EC2::Instance"
		ecs = "AWS::ECS::Container"
		abc = "arn:aws:ecs:us-west-2:111122223333:container/abc"
		xyz = "arn:aws:ecs:us-west-2:111122223333:container/xyz"
	)
	type of map[string]string
	// What the X-Ray SDKs but that for Java let a missing field match, others do
	// not.
	others := func(rule string) of {
		return of{xrayJava: rule, otelJava: rule, adotPython: rule, otelGo: rule}
	}
	type request = sampling.Request
	tests := []struct {
		why       string
		request   request
		want      string
		otherwise of
	}{
		{"all three matchers of the first rule", request{ServiceName: "Scorekeep", ServiceType: ec2, Host: "scorekeep.internal", HTTPMethod: "PUT", URLPath: "/history/42"}, "debug-history", nil},
		{"letter case", request{ServiceName: "scorekeep", ServiceType: ec2, Host: "h", HTTPMethod: "put", URLPath: "/HISTORY/42"}, "debug-history", of{otelJava: "ec2-only", adotPython: "ec2-only"}},
		{"the pattern has a slash more; an empty type is a missing one", request{ServiceName: "Scorekeep", Host: "h", HTTPMethod: "PUT", URLPath: "/history"}, "ec2-only", others("Default")},
		{"patterns are anchored", request{ServiceName: "Scorekeep", Host: "h", HTTPMethod: "PUT", URLPath: "/v2/history/1"}, "ec2-only", of{xrayJava: "Default", otelJava: "Default", adotPython: "Default", otelGo: "debug-history"}},
		{"another service", request{ServiceName: "Other", Host: "h", HTTPMethod: "PUT", URLPath: "/history/1"}, "ec2-only", others("Default")},
		{"no path", request{ServiceName: "Scorekeep", Host: "h", HTTPMethod: "PUT"}, "debug-history", others("Default")},
		{"no host, and the rule has none", request{ServiceName: "Scorekeep", HTTPMethod: "PUT", URLPath: "/history/1"}, "debug-history", nil},
		{"a star for nothing", request{HTTPMethod: "GET", URLPath: "/health", Host: "x", ServiceName: "s"}, "health", nil},
		{"a star for a character", request{HTTPMethod: "GET", URLPath: "/healthz", Host: "x", ServiceName: "s"}, "health", nil},
		{"another method", request{HTTPMethod: "HEAD", URLPath: "/health", Host: "x", ServiceName: "s"}, "ec2-only", others("Default")},
		{"no method", request{URLPath: "/health", Host: "x", ServiceName: "s"}, "health", others("Default")},
		{"letter case beside a star", request{HTTPMethod: "GET", URLPath: "/Health", Host: "x", ServiceName: "s"}, "health", of{otelJava: "Default", adotPython: "Default"}},
		{"the lower priority number first", request{HTTPMethod: "GET", URLPath: "/health", Host: "api.example.com", ServiceName: "s"}, "health", nil},
		{"of equal priorities the first name", request{HTTPMethod: "GET", URLPath: "/v1", Host: "api.example.com", ServiceName: "s"}, "tie-a", nil},
		{"letter case without a star", request{HTTPMethod: "GET", URLPath: "/v1", Host: "API.EXAMPLE.COM", ServiceName: "s"}, "tie-a", of{adotPython: "Default"}},
		{"the second of two", request{HTTPMethod: "GET", URLPath: "/v1", Host: "www.example.com", ServiceName: "s"}, "tie-b", nil},
		{"letter case in a host with a star", request{HTTPMethod: "GET", URLPath: "/v1", Host: "WWW.EXAMPLE.COM", ServiceName: "s"}, "tie-b", of{otelJava: "Default", adotPython: "Default"}},
		{"the dot has to be there", request{HTTPMethod: "GET", URLPath: "/v1", Host: "example.com", ServiceName: "s"}, "ec2-only", others("Default")},
		{"100 before 200", request{HTTPMethod: "POST", URLPath: "/v1", Host: "www.example.com", ServiceName: "s"}, "tie-b", nil},
		{"any POST", request{HTTPMethod: "POST", URLPath: "/v1", Host: "other", ServiceName: "s"}, "post-minimum", nil},
		{"a method in small letters", request{HTTPMethod: "post", URLPath: "/v1", Host: "other", ServiceName: "s"}, "post-minimum", of{adotPython: "Default"}},
		{"200 before 300", request{HTTPMethod: "POST", URLPath: "/v1", Host: "other", ServiceName: "s", ServiceType: ec2}, "post-minimum", nil},
		{"the type", request{HTTPMethod: "GET", URLPath: "/v1", Host: "other", ServiceName: "s", ServiceType: ec2}, "ec2-only", nil},
		{"nothing special", request{HTTPMethod: "GET", URLPath: "/v1", Host: "other", ServiceName: "s", ServiceType: ecs}, "Default", nil},
		{"no type", request{HTTPMethod: "GET", URLPath: "/v1", Host: "other", ServiceName: "s"}, "ec2-only", others("Default")},
		{"attributes", request{HTTPMethod: "GET", URLPath: "/v1", Host: "other", ServiceName: "s", ServiceType: ecs, Attributes: of{"tenant": "gold-7"}}, "Default", of{otelJava: "gold-tenant", adotPython: "gold-tenant", otelGo: "gold-tenant"}},
		{"other attributes", request{HTTPMethod: "GET", URLPath: "/v1", Host: "other", ServiceName: "s", ServiceType: ecs, Attributes: of{"tenant": "silver"}}, "Default", nil},
		{"a resource", request{HTTPMethod: "GET", URLPath: "/v1", Host: "arn.internal", ServiceName: "s", ServiceType: ecs, ResourceARN: abc}, "Default", of{otelJava: "one-container", adotPython: "one-container", otelGo: "one-container"}},
		{"another resource", request{HTTPMethod: "GET", URLPath: "/v1", Host: "arn.internal", ServiceName: "s", ServiceType: ecs, ResourceARN: xyz}, "Default", of{otelGo: "one-container"}},
		{"a rule of a later version", request{HTTPMethod: "GET", URLPath: "/v1", Host: "future.internal", ServiceName: "s", ServiceType: ecs}, "Default", of{otelJava: "future"}},
		{"the last rule", request{HTTPMethod: "GET", URLPath: "/api/state/7", Host: "other", ServiceName: "Scorekeep", ServiceType: ecs}, "polling", nil},
		{"300 before 600", request{HTTPMethod: "GET", URLPath: "/api/state/7", Host: "other", ServiceName: "Scorekeep", ServiceType: ec2}, "ec2-only", nil},
		{"a slash too few", request{HTTPMethod: "GET", URLPath: "/api/state", Host: "other", ServiceName: "Scorekeep", ServiceType: ecs}, "Default", nil},
		{"names are anchored", request{HTTPMethod: "GET", URLPath: "/api/state/7", Host: "other", ServiceName: "Scorekeep2", ServiceType: ecs}, "Default", of{otelGo: "polling"}},
		{"nothing known", request{}, "debug-history", others("Default")},
		{"work that is not HTTP", request{ServiceName: "worker", ServiceType: ecs}, "health", others("Default")},
		{"an empty path", request{HTTPMethod: "GET", Host: "other", ServiceName: "s", ServiceType: ecs}, "health", others("Default")},
	}
	for _, tt := range tests {
		for _, f := range sampling.Families() {
			want := tt.want
			if other, differs := tt.otherwise[f.Name]; differs {
				want = other
			}
			if got := f.Choose(shop(), &tt.request); got == nil || got.Name != want {
				t.Errorf("%s, %s: %v, want %s", tt.why, f.Name, got, want)
			}
		}
		for name := range maps.Keys(tt.otherwise) {
			if !slices.ContainsFunc(sampling.Families(), func(f *sampling.Family) bool { return f.Name == name }) {
				t.Errorf("%s: no family is called %s", tt.why, name)
			}
		}
	}
}

// TestObstacles: each reason is told, with the member that it is about.
func TestObstacles(t *testing.T) {
	const (
		reference = "X-Ray SDKs for Python and Node"
		arn       = "arn:aws:ecs:*:container/abc"
	)
	strict := rule("strict", 1, func(r *tomo.SamplingRule) {
		r.ServiceName, r.ServiceType, r.Host, r.HTTPMethod, r.URLPath, r.ResourceARN = "shop", "AWS::EC2::*", "*.example.com", "POST", "/pay/*", arn
		r.Attributes["tenant"], r.Attributes["plan"] = "gold*", "?"
	})
	tests := []struct {
		family  string
		rule    *tomo.SamplingRule
		request sampling.Request
		want    string
	}{
		{reference, defaultRule(), sampling.Request{}, ""},
		{reference, strict, sampling.Request{}, "ResourceARN Ignored, Attributes[plan] Ignored, Attributes[tenant] Ignored"},
		{xrayJava, strict, sampling.Request{}, "ServiceName Missing, ServiceType Missing, Host Missing, HTTPMethod Missing, URLPath Missing, ResourceARN Ignored, Attributes[plan] Ignored, Attributes[tenant] Ignored"},
		{otelJava, strict, sampling.Request{ServiceName: "shop", ServiceType: "AWS::EC2::Instance", Host: "www.example.com", HTTPMethod: "POST", URLPath: "/pay", Attributes: map[string]string{"tenant": "gold", "plan": "ab"}},
			`URLPath Differs "/pay", ResourceARN Missing, Attributes[plan] Differs "ab"`},
		{otelGo, strict, sampling.Request{ServiceName: "shop", ServiceType: "AWS::EC2::Instance", Host: "www.example.com", HTTPMethod: "POST", URLPath: "/pay/1", Attributes: map[string]string{"tenant": "gold"}}, "Attributes[plan] Missing"},
		{adotPython, rule("root", 1, func(r *tomo.SamplingRule) { r.URLPath = "/x" }), sampling.Request{}, `URLPath Differs "/"`}, // it takes no path for /
		{reference, rule("future", 1, func(r *tomo.SamplingRule) { r.Version = 2 }), sampling.Request{}, "Version Ignored"},
		{otelJava, rule("future", 1, func(r *tomo.SamplingRule) { r.Version = 2 }), sampling.Request{}, ""},
	}
	for _, tt := range tests {
		f := sampling.Families()[slices.IndexFunc(sampling.Families(), func(f *sampling.Family) bool { return f.Name == tt.family })]
		var got []string
		for o := range f.Obstacles(tt.rule, &tt.request) {
			text := o.Member
			if o.Key != "" {
				text += "[" + o.Key + "]"
			}
			if text += " " + string(o.Reason); o.Reason == sampling.Differs {
				text += fmt.Sprintf(" %q", o.Value)
			}
			got = append(got, text)
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s, rule %s, request %+v:\n got %s\nwant %s", tt.family, tt.rule.Name, tt.request, got, tt.want)
		}
		if matches := f.Matches(tt.rule, &tt.request); matches != (tt.want == "") {
			t.Errorf("%s, rule %s: matches is %v", tt.family, tt.rule.Name, matches)
		}
	}
}

// TestOrder: the order of the rules given does not count, and nothing is
// changed.
func TestOrder(t *testing.T) {
	rules := shop()
	reversed := shop()
	slices.Reverse(reversed)
	want := "debug-history future health tie-a tie-b post-minimum ec2-only gold-tenant one-container polling Default"
	for _, list := range [][]*tomo.SamplingRule{rules, reversed} {
		before := names(list)
		if got := names(sampling.Ordered(list)); got != want {
			t.Errorf("in order: %s", got)
		}
		if names(list) != before {
			t.Errorf("the list given became %s", names(list))
		}
	}
	if r := sampling.Families()[0].Choose(nil, &sampling.Request{}); r != nil {
		t.Errorf("chose %v of none", r)
	}
}

func names(rules []*tomo.SamplingRule) string {
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	return strings.Join(names, " ")
}
