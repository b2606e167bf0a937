package sampling

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/tomotrace/tomo"
)

// Request is what a client knows of a request when it decides. What it does
// not know is empty.
type Request struct {
	ServiceName string
	ServiceType string // origin of the service, such as AWS::EC2::Instance
	Host        string
	HTTPMethod  string
	URLPath     string // without the query
	ResourceARN string
	Attributes  map[string]string
}

// Family is a family of clients that read rules in the same way.
type Family struct {
	Name string
	pattern
	matcher
}

// pattern says how texts are held against patterns.
type pattern struct {
	split      func(string) []rune // into what one ? stands for
	caseMatter func(pattern string) bool
	unanchored bool // a pattern may match a part of the text
}

// matcher says how requests are held against rules.
type matcher struct {
	// missing tells whether a pattern matches what the request lacks.
	missing     func(pattern string) bool
	missingPath string // what stands for a path that the request lacks

	anyVersion bool // rules of an unknown version count too
	attributes bool // rules with attributes count, and the attributes have to match
	arn        arnHabit
}

// arnHabit is what a family does about the resource of a rule.
type arnHabit uint8

const (
	arnUnsupported arnHabit = iota // a rule counts only if it is *
	arnMatched
	arnIgnored
)

// Families lists the families of clients that are known, by their habits in
// mid-2025. The first is the reference: what X-Ray's own documentation says.
func Families() []*Family {
	characters := func(s string) []rune { return []rune(s) }
	never := func(string) bool { return false }
	always := func(string) bool { return true }
	star := func(p string) bool { return p == "*" }
	stars := func(p string) bool { return strings.Trim(p, "*") == "" }
	return []*Family{
		{
			Name:    "X-Ray SDKs for Python and Node",
			pattern: pattern{split: characters, caseMatter: never},
			matcher: matcher{missing: always},
		},
		{
			Name:    "X-Ray SDK for Go",
			pattern: pattern{split: octets, caseMatter: never},
			matcher: matcher{missing: always},
		},
		{
			Name:    "X-Ray SDK for Java",
			pattern: pattern{split: utf16Units, caseMatter: never},
			matcher: matcher{missing: stars},
		},
		{
			Name:    "OpenTelemetry for Java",
			pattern: pattern{split: utf16Units, caseMatter: func(p string) bool { return strings.ContainsAny(p, "*?") }},
			matcher: matcher{missing: star, anyVersion: true, attributes: true, arn: arnMatched},
		},
		{
			Name:    "ADOT for Python",
			pattern: pattern{split: characters, caseMatter: always},
			matcher: matcher{missing: star, missingPath: "/", attributes: true, arn: arnMatched},
		},
		{
			Name:    "OpenTelemetry for Go",
			pattern: pattern{split: characters, caseMatter: never, unanchored: true},
			matcher: matcher{missing: stars, attributes: true, arn: arnIgnored},
		},
	}
}

// Choose returns the rule that decides a request; nil if none matches, which
// cannot be if Default is among the rules.
func (f *Family) Choose(rules []*tomo.SamplingRule, r *Request) *tomo.SamplingRule {
	for _, rule := range Ordered(rules) {
		if f.Matches(rule, r) {
			return rule
		}
	}
	return nil
}

// Ordered is the rules in the order in which they are tried.
func Ordered(rules []*tomo.SamplingRule) []*tomo.SamplingRule {
	return slices.SortedStableFunc(slices.Values(rules), func(a, b *tomo.SamplingRule) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
}

// Matches reports whether a rule would decide a request if no other did.
func (f *Family) Matches(rule *tomo.SamplingRule, r *Request) bool {
	for range f.Obstacles(rule, r) {
		return false
	}
	return true
}

// Obstacle is a reason why a rule does not match a request.
type Obstacle struct {
	// Member is the member of the rule, in X-Ray's spelling.
	Member string
	// Key is that of the attribute; "" for other members.
	Key     string
	Pattern string // that the rule has
	Value   string // that the request has; "" if it lacks it
	Reason  Reason
}

// Reason is why a member of a rule keeps it from matching.
type Reason string

const (
	// Differs: the pattern does not match what the request has.
	Differs Reason = "Differs"
	// Missing: the request lacks it, and the pattern wants something.
	Missing Reason = "Missing"
	// Ignored: clients of the family ignore rules that have this.
	Ignored Reason = "Ignored"
)

// Obstacles yields why a rule does not match a request, nothing if it does.
func (f *Family) Obstacles(rule *tomo.SamplingRule, r *Request) iter.Seq[Obstacle] {
	return func(yield func(Obstacle) bool) {
		if rule.Version != 1 && !f.anyVersion &&
			!yield(Obstacle{Member: "Version", Pattern: strconv.Itoa(rule.Version), Reason: Ignored}) {
			return
		}
		for _, m := range [...]struct{ member, pattern, value string }{
			{"ServiceName", rule.ServiceName, r.ServiceName},
			{"ServiceType", rule.ServiceType, r.ServiceType},
			{"Host", rule.Host, r.Host},
			{"HTTPMethod", rule.HTTPMethod, r.HTTPMethod},
			{"URLPath", rule.URLPath, cmp.Or(r.URLPath, f.missingPath)},
		} {
			if !f.matchField(m.pattern, m.value) && !yield(Obstacle{Member: m.member, Pattern: m.pattern, Value: m.value, Reason: reason(m.value)}) {
				return
			}
		}
		const arn = "ResourceARN"
		switch {
		case f.arn == arnUnsupported && rule.ResourceARN != "*":
			if !yield(Obstacle{Member: arn, Pattern: rule.ResourceARN, Value: r.ResourceARN, Reason: Ignored}) {
				return
			}
		case f.arn == arnMatched && !f.matchField(rule.ResourceARN, r.ResourceARN):
			if !yield(Obstacle{Member: arn, Pattern: rule.ResourceARN, Value: r.ResourceARN, Reason: reason(r.ResourceARN)}) {
				return
			}
		}
		for _, key := range slices.Sorted(maps.Keys(rule.Attributes)) {
			pattern := rule.Attributes[key]
			value, known := r.Attributes[key]
			o := Obstacle{Member: "Attributes", Key: key, Pattern: pattern, Value: value, Reason: Differs}
			switch {
			case !f.attributes:
				o.Reason = Ignored
			case !known:
				o.Reason = Missing
			case f.Match(pattern, value):
				continue
			}
			if !yield(o) {
				return
			}
		}
	}
}

func reason(value string) Reason {
	if value == "" {
		return Missing
	}
	return Differs
}

func (f *Family) matchField(pattern, value string) bool {
	if value == "" {
		return f.missing(pattern)
	}
	return f.Match(pattern, value)
}

// Match reports whether a text matches a pattern.
func (f *Family) Match(pattern, text string) bool {
	if !f.caseMatter(pattern) {
		pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	}
	if f.unanchored && pattern != "" {
		pattern = "*" + pattern + "*"
	}
	return tomo.MatchWildcards(f.split(pattern), f.split(text))
}

func octets(s string) []rune {
	units := make([]rune, len(s))
	for i := range len(s) {
		units[i] = rune(s[i])
	}
	return units
}

func utf16Units(s string) []rune {
	var units []rune
	for _, u := range utf16.Encode([]rune(s)) {
		units = append(units, rune(u))
	}
	return units
}
