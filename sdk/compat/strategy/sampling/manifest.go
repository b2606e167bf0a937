package sampling

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/pattern"
)

// RuleManifest is a file of local rules. [LocalizedStrategy] decides by one.
type RuleManifest struct {
	Version int     `json:"version"`
	Default *Rule   `json:"default"`
	Rules   []*Rule `json:"rules"`
}

// Rule is a local rule.
type Rule struct {
	*Properties
	reservoir Reservoir
}

// Properties say which requests a rule is for, how many of them a second are
// recorded, and what share of the others.
type Properties struct {
	ServiceName string  `json:"service_name"`
	Host        string  `json:"host"`
	HTTPMethod  string  `json:"http_method"`
	URLPath     string  `json:"url_path"`
	FixedTarget int64   `json:"fixed_target"`
	Rate        float64 `json:"rate"`
}

// Reservoir is how many requests are recorded in a second, whatever the rate.
type Reservoir struct {
	mu       sync.Mutex // guards what follows
	capacity int64
	used     int64
	second   int64
}

// ManifestFromFilePath reads a file.
func ManifestFromFilePath(fp string) (*RuleManifest, error) {
	text, err := os.ReadFile(fp)
	if err != nil {
		return nil, err
	}
	return ManifestFromJSONBytes(text)
}

// ManifestFromJSONBytes reads the text of a file.
func ManifestFromJSONBytes(b []byte) (*RuleManifest, error) {
	if _, err := sdk.ParseRules(b); err != nil {
		return nil, err
	}
	m := &RuleManifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, err
	}
	for _, r := range append(m.Rules, m.Default) {
		if r != m.Default && m.Version == 1 { // which calls a host so
			r.Host, r.ServiceName = r.ServiceName, ""
		}
		r.reservoir.capacity = r.FixedTarget
	}
	return m, nil
}

// AppliesTo reports whether a request is one of those that the rule is for. What is
// not known of it does not matter.
func (p *Properties) AppliesTo(host, path, method string) bool {
	return (host == "" || pattern.WildcardMatchCaseInsensitive(p.Host, host)) &&
		(path == "" || pattern.WildcardMatchCaseInsensitive(p.URLPath, path)) &&
		(method == "" || pattern.WildcardMatchCaseInsensitive(p.HTTPMethod, method))
}

// Sample decides about a request that the rule is for.
func (r *Rule) Sample() *Decision {
	return &Decision{Sample: r.reservoir.Take() || rand.Float64() < r.Rate}
}

// Take takes one of those that the second has, if there is one left.
func (r *Reservoir) Take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now().Unix(); now != r.second {
		r.second, r.used = now, 0
	}
	if r.used >= r.capacity {
		return false
	}
	r.used++
	return true
}
