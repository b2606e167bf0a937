package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/settings"
)

// limit is one that --limit sets.
type limit struct {
	name  string
	xray  int // X-Ray's, and the default; 0: there is none
	about string
	unit  string // "" for a number of things
}

// limits are X-Ray's service quotas of how many of a thing there may be. What
// else its model bounds is the shape of requests and cannot be set: clients check
// it themselves. docs/operations.md tells of each.
var limits = []limit{
	{server.LimitGroups, tomo.MaxGroups, "Groups, Default included", ""},
	{server.LimitSamplingRules, tomo.MaxSamplingRules, "Sampling rules besides Default", ""},
	{"tags", settings.MaxTags, "Tags of one group or sampling rule", ""},
	{server.LimitPolicies, settings.MaxPolicies, "Resource policies", ""},
	{"policy-bytes", settings.MaxPolicyDocument, "The document of a resource policy", "bytes"},
	{"batch-traces", server.MaxTraces, "Traces that one call of BatchGetTraces or GetTraceGraph names", ""},
	{"annotations", tomo.MaxIndexedAnnotations, "Annotations of one trace that searches find", ""},
	{"links", tomo.MaxLinks, "Links of one segment or subsegment", ""},
	{"trace-links", tomo.MaxTraceLinks, "Links of one trace that are shown", ""},
	{"modification-days", 7, "How long after its first document a trace takes more", "days"},
	{"trace-bytes", 0, "The documents of one trace", "bytes"},
}

// limitsText lists the limits that there are as --limit takes them.
func limitsText() string {
	var list []string
	for _, l := range limits {
		if l.xray > 0 {
			list = append(list, l.name+"="+strconv.Itoa(l.xray))
		}
	}
	return strings.Join(list, ",")
}

// limitFlag is the value of --limit. Several add up.
type limitFlag map[string]int

func (f *limitFlag) UnmarshalText(text []byte) error {
	return eachSetting(string(text), func(name, value string) error {
		if !slices.ContainsFunc(limits, func(l limit) bool { return l.name == name }) {
			names := make([]string, len(limits))
			for i, l := range limits {
				names[i] = l.name
			}
			return fmt.Errorf("%q is not a limit: there are %s", name, strings.Join(names, ", "))
		}
		most, err := strconv.Atoi(value)
		if err != nil || most < 1 {
			return fmt.Errorf("the limit %s=%s is not a whole number above 0", name, value)
		}
		if *f == nil {
			*f = limitFlag{}
		}
		(*f)[name] = most
		return nil
	})
}

// of is the limit in force.
func (f limitFlag) of(l limit) int { return cmp.Or(f[l.name], l.xray) }

// ofSettings are those for what operators set.
func (f limitFlag) ofSettings() settings.Limits {
	return settings.Limits{Groups: f["groups"], SamplingRules: f["sampling-rules"], Tags: f["tags"], Policies: f["policies"], PolicySize: f["policy-bytes"]}
}

// ofTraces are those for what is looked at of a trace.
func (f limitFlag) ofTraces() tomo.Limits {
	return tomo.Limits{Annotations: f["annotations"], Links: f["links"], TraceLinks: f["trace-links"]}
}

// modifiable is how long a trace takes documents.
func (f limitFlag) modifiable() time.Duration {
	const century = 36_500 // in days
	return time.Duration(min(f["modification-days"], century)) * 24 * time.Hour
}

// quotaFlag is the value of --quota. Several add up; the last that names a kind
// counts.
type quotaFlag struct{ server.Quotas }

// xrayQuotas is the word for the rates that X-Ray publishes.
const xrayQuotas = "aws"

func (f *quotaFlag) UnmarshalText(text []byte) error {
	kinds := []struct {
		name string
		rate *float64
	}{{"segments", &f.Segments}, {"put", &f.Put}, {"sampling", &f.Sampling}, {"read", &f.Read}, {"change", &f.Change}}
	return eachSetting(string(text), func(name, value string) error {
		if name == xrayQuotas && value == "" {
			f.Segments = server.XRaySegments
			return nil
		}
		for _, k := range kinds {
			if k.name != name {
				continue
			}
			rate, err := strconv.ParseFloat(value, 64)
			if err != nil || !(rate > 0) || math.IsInf(rate, 0) {
				return fmt.Errorf("the quota %s=%s is not a number above 0", name, value)
			}
			*k.rate = rate
			return nil
		}
		return fmt.Errorf("%q is not a quota: there are segments, put, sampling, read and change, and %s for those that X-Ray publishes", name, xrayQuotas)
	})
}

// eachSetting gives set the parts of a=1,b=2; a part without = has no value.
func eachSetting(text string, set func(name, value string) error) error {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" {
			return fmt.Errorf("%q is not a list such as a=1,b=2", text)
		}
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}
