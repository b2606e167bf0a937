package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Sampler decides which requests are recorded. It is called by many goroutines.
type Sampler interface {
	Sample(now time.Time, q Request) Verdict
}

// Request is what a sampler knows. An empty member matches every pattern.
type Request struct {
	Service     string
	ServiceType string // the origin, as AWS::EC2::Instance
	Host        string
	Method      string
	Path        string // of the URL, without the query
}

// Verdict is a sampler's decision and the name of the central rule that led to
// it, "" if none did.
type Verdict struct {
	Sampled bool
	Rule    string
}

// Always records everything.
var Always Sampler = constant{true}

// Never records nothing but what callers ask for in the tracing header.
var Never Sampler = constant{false}

type constant struct{ sampled bool }

func (c constant) Sample(time.Time, Request) Verdict { return Verdict{Sampled: c.sampled} }

// Rules are the rules of a file: the first that matches decides, else the default.
type Rules struct {
	rules    []*localRule
	fallback *localRule
}

type localRule struct {
	host, method, path string
	target             uint32
	rate               float64
	reservoir          reservoir
}

// DefaultRules record one request a second and 5 % of the others.
func DefaultRules() *Rules {
	return &Rules{fallback: &localRule{target: 1, rate: 0.05}}
}

// ReadRules is ParseRules of a file.
func ReadRules(path string) (*Rules, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := ParseRules(text)
	if err != nil {
		return nil, fmt.Errorf("reading the sampling rules in %s: %w", path, err)
	}
	return r, nil
}

// ParseRules reads a rules file, version 1 or 2:
//
//	{"version": 2,
//	 "default": {"fixed_target": 1, "rate": 0.05},
//	 "rules": [{"description": "moves", "host": "*", "http_method": "*", "url_path": "/api/move/*", "fixed_target": 0, "rate": 0.05}]}
//
// fixed_target is the number of requests a second that are recorded in any
// case, by this process; rate is the share of the others. Version 1 has
// service_name in place of host; it is compared with the host as well.
func ParseRules(text []byte) (*Rules, error) {
	type rule struct {
		Description string   `json:"description"`
		Host        *string  `json:"host"`
		ServiceName *string  `json:"service_name"`
		Method      *string  `json:"http_method"`
		Path        *string  `json:"url_path"`
		Target      *int64   `json:"fixed_target"`
		Rate        *float64 `json:"rate"`
	}
	var file struct {
		Version int    `json:"version"`
		Default *rule  `json:"default"`
		Rules   []rule `json:"rules"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is something after the rules")
	}
	if file.Version != 1 && file.Version != 2 {
		return nil, fmt.Errorf("version is %d; it must be 1 or 2", file.Version)
	}
	if file.Default == nil {
		return nil, errors.New("default is missing")
	}
	read := func(r *rule, matchers bool) (*localRule, error) {
		host, other := r.Host, r.ServiceName
		if file.Version == 1 {
			host, other = other, host
		}
		switch {
		case r.Target == nil || r.Rate == nil:
			return nil, errors.New("fixed_target or rate is missing")
		case *r.Target < 0 || *r.Target >= 1<<reservoirBits:
			return nil, fmt.Errorf("fixed_target is %d; it must be 0 to %d", *r.Target, 1<<reservoirBits-1)
		case *r.Rate < 0 || *r.Rate > 1:
			return nil, fmt.Errorf("rate is %v; it must be 0 to 1", *r.Rate)
		case other != nil && file.Version == 1:
			return nil, errors.New("host is of version 2; version 1 has service_name")
		case other != nil:
			return nil, errors.New("service_name is of version 1; version 2 has host")
		case !matchers && (host != nil || r.Method != nil || r.Path != nil):
			return nil, errors.New("it matches everything and must not have host, service_name, http_method or url_path")
		case matchers && (host == nil || r.Method == nil || r.Path == nil):
			return nil, errors.New("host (service_name in version 1), http_method or url_path is missing")
		}
		local := &localRule{target: uint32(*r.Target), rate: *r.Rate}
		if matchers {
			local.host, local.method, local.path = *host, *r.Method, *r.Path
		}
		return local, nil
	}
	var (
		rules Rules
		err   error
	)
	if rules.fallback, err = read(file.Default, false); err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	for i := range file.Rules {
		r, err := read(&file.Rules[i], true)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		rules.rules = append(rules.rules, r)
	}
	return &rules, nil
}

// Sample implements Sampler.
func (r *Rules) Sample(now time.Time, q Request) Verdict {
	rule := r.fallback
	for _, c := range r.rules {
		if matches(c.host, q.Host) && matches(c.method, q.Method) && matches(c.path, q.Path) {
			rule = c
			break
		}
	}
	return Verdict{Sampled: rule.reservoir.take(now.Unix(), rule.target) || chance(rule.rate)}
}

// chance is true with the probability p.
func chance(p float64) bool {
	return p > 0 && rand.Float64() < p
}

// reservoir gives away some units a second. The second and how many were taken
// in it are one word, so that taking needs no lock.
type reservoir struct{ state atomic.Uint64 }

const reservoirBits = 24

// take reports whether there is one of size units left in this second.
func (r *reservoir) take(second int64, size uint32) bool {
	if size == 0 {
		return false
	}
	for {
		old := r.state.Load()
		used := uint32(old & (1<<reservoirBits - 1))
		if old>>reservoirBits != uint64(second) {
			used = 0
		}
		if used >= size {
			return false
		}
		if r.state.CompareAndSwap(old, uint64(second)<<reservoirBits|uint64(used+1)) {
			return true
		}
	}
}

// matches compares a request's value with a pattern: "*" stands for any text,
// "?" for one character, letter case does not matter, and the whole value
// counts. X-Ray's SDKs: a value the request lacks matches every pattern.
func matches(pattern, value string) bool {
	return value == "" || pattern == "*" || Match(pattern, value)
}

// Match reports whether pattern matches the whole of text: "*" stands for any
// text, "?" for one character; the case of English letters does not matter.
func Match(pattern, text string) bool { return match(pattern, text, lower) }

// MatchCase is Match for which the case of letters matters.
func MatchCase(pattern, text string) bool {
	return match(pattern, text, func(c byte) byte { return c })
}

func match(pattern, text string, fold func(byte) byte) bool {
	p, t := 0, 0
	star, mark := -1, 0 // where to go on if what follows the last star does not match
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += characterLen(text[t:])
		case p < len(pattern) && fold(pattern[p]) == fold(text[t]):
			p++
			t++
		case star >= 0:
			mark += characterLen(text[mark:])
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func characterLen(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
