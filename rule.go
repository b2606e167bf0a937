package tomo

// DefaultRule is the name of the sampling rule that decides what no other rule
// matches. It is always there; only its rate and its reservoir can change.
const DefaultRule = "Default"

// DefaultRulePriority is behind all that other rules may have.
const DefaultRulePriority = 10_000

// MaxSamplingRules is how many sampling rules there may be besides Default.
// Documented quota of the service.
const MaxSamplingRules = 25

// SamplingRule says how much of the requests that it matches is traced: each
// second as many as its reservoir has, of all clients together, and of the rest
// a share. Clients decide by it; the server leases them parts of the reservoir.
// Rules are values that are replaced, never changed.
type SamplingRule struct {
	Name string
	ARN  string

	Priority      int     // 1 to 9,999; the lowest that matches decides, of equal ones the first by name
	FixedRate     float64 // 0 to 1
	ReservoirSize int     // traces a second, 0 or more

	// Patterns of the request, in which * is any text and ? any character.
	ServiceName, ServiceType, Host, HTTPMethod, URLPath, ResourceARN string
	// Attributes are patterns by key. All have to match; X-Ray SDKs ignore rules
	// that have some. Never nil.
	Attributes map[string]string

	Version int        // of the format of rules: 1
	Boost   *RateBoost // nil: the rate is always the same
	Tags    []Tag      // in order of their keys

	Created, Modified Time // whole seconds; 0 for Default until it is changed
}

// RateBoost lets the rate of a rule rise for a minute when anomalies show that
// too few of them are traced.
type RateBoost struct {
	MaxRate         float64 // 0 to 1; no boost if below the rate of the rule
	CooldownMinutes int     // from the start of a boost to that of the next, at least 1
}

// IsDefault reports whether r is the rule that matches every request.
func (r *SamplingRule) IsDefault() bool { return r.Name == DefaultRule }

// SamplingRules are all rules at one moment.
type SamplingRules struct {
	List     []*SamplingRule // by name, Default last
	Modified Time            // when a rule was last created, changed or deleted; 0: never
}

// Named is the rule with that name, nil if there is none.
func (r *SamplingRules) Named(name string) *SamplingRule {
	for _, rule := range r.List {
		if rule.Name == name {
			return rule
		}
	}
	return nil
}
