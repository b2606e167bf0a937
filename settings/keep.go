package settings

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// maxRuleName is how long the name of a keep rule may be, in characters.
const maxRuleName = 64

// KeepRules gives the keep rules. What it points to must not be changed; it is
// another one after each change.
func (s *Settings) KeepRules() *tomo.KeepRules {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keep
}

// SetKeepRules replaces all keep rules and gives the new ones. revision is that
// of the rules which the caller has seen: the error is a Conflict if they are
// others by now, and Invalid, naming the member and the limit, if a rule cannot
// be.
func (s *Settings) SetKeepRules(ctx context.Context, rules []tomo.KeepRule, revision int64) (*tomo.KeepRules, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := CheckKeepRules(rules); err != nil {
		return nil, err
	}
	before := s.KeepRules()
	if before.Revision != revision {
		return nil, &tomo.Error{Code: tomo.Conflict, Message: fmt.Sprintf(
			"The keep rules have changed: they are of revision %d, not %d. Read them again", before.Revision, revision)}
	}
	after := &tomo.KeepRules{Revision: before.Revision + 1, Rules: slices.Clone(rules)}
	return after, s.saveKeepRules(ctx, after)
}

// CheckKeepRules holds rules against what they have to be. The error is Invalid
// and names the member and the limit.
func CheckKeepRules(rules []tomo.KeepRule) error {
	if len(rules) > tomo.MaxKeepRules {
		return invalid(fmt.Sprintf("Rules has %d elements; the limit is %d", len(rules), tomo.MaxKeepRules))
	}
	names := map[string]int{}
	for i := range rules {
		r := &rules[i]
		if err := checkRuleName(r.Name); err != "" {
			return invalid(fmt.Sprintf("Rules[%d].Name %s", i, err))
		}
		if first, twice := names[r.Name]; twice {
			return invalid(fmt.Sprintf("Rules[%d].Name is %q, as that of Rules[%d]; names are unique", i, r.Name, first))
		}
		names[r.Name] = i
		if _, err := filter.Parse(r.Filter); err != nil {
			return invalid(fmt.Sprintf("Rules[%d].Filter (rule %q): %v", i, r.Name, err))
		}
		if math.IsNaN(r.Rate) || r.Rate < 0 || r.Rate > 1 {
			return invalid(fmt.Sprintf("Rules[%d].Rate (rule %q) is %v; it is a share from 0 to 1", i, r.Name, r.Rate))
		}
	}
	return nil
}

// checkRuleName says what is wrong with a name, "" for nothing.
func checkRuleName(name string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "is empty"
	case n > maxRuleName:
		return fmt.Sprintf("has %d characters; the limit is %d", n, maxRuleName)
	case strings.Trim(name, allowed) != "":
		return fmt.Sprintf("is %q; a name has letters, digits, - _ and . only", name)
	}
	return ""
}

// The file of the keep rules is JSON; docs/storage-format.md describes it.
const (
	keepName    = "keep"
	keepVersion = 1
)

type keepFile struct {
	Version  int         `json:"version"`
	Revision int64       `json:"revision"`
	Rules    []keepEntry `json:"rules"`
}

type keepEntry struct {
	Name   string  `json:"name"`
	Filter string  `json:"filter"`
	Rate   float64 `json:"rate"`
}

func (s *Settings) loadKeepRules(ctx context.Context) error {
	var file keepFile
	if err := s.load(ctx, keepName, &file, &file.Version, keepVersion); err != nil {
		return err
	}
	s.keep = &tomo.KeepRules{Revision: file.Revision}
	for _, e := range file.Rules {
		s.keep.Rules = append(s.keep.Rules, tomo.KeepRule(e))
	}
	return nil
}

// saveKeepRules makes the rules durable and then lets them count. The caller
// holds s.changing.
func (s *Settings) saveKeepRules(ctx context.Context, keep *tomo.KeepRules) error {
	file := keepFile{Version: keepVersion, Revision: keep.Revision, Rules: make([]keepEntry, len(keep.Rules))}
	for i, r := range keep.Rules {
		file.Rules[i] = keepEntry(r)
	}
	if err := s.write(ctx, keepName, file); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = keep
	s.revision++
	return nil
}
