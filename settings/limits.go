package settings

import "github.com/tomotrace/tomo"

// Limits are how many of a thing there may be. Zero stands for the quota that
// the service documents.
type Limits struct {
	Groups        int // Default included; 25
	SamplingRules int // besides Default; 25
	Tags          int // of one resource; 50
	Policies      int // 5
	PolicySize    int // of a document, in bytes; 5,120
}

func (l *Limits) setDefaults() {
	for limit, documented := range map[*int]int{
		&l.Groups: tomo.MaxGroups, &l.SamplingRules: tomo.MaxSamplingRules, &l.Tags: MaxTags, &l.Policies: MaxPolicies, &l.PolicySize: MaxPolicyDocument,
	} {
		if *limit == 0 {
			*limit = documented
		}
	}
}
