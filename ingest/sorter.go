package ingest

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
)

// Rules are what operators set, as far as settling asks for it. What is handed
// out is never changed.
type Rules interface {
	// Revision is another number after each change of what follows.
	Revision() int64
	// Groups lists all groups, Default first.
	Groups() []*tomo.Group
	KeepRules() *tomo.KeepRules
	// Expression is the current filter of a group that another one mentions. It
	// is a filter.Groups.
	Expression(filter.Group) (filter.Expr, bool)
}

// Sorter says which groups a trace belongs to, and whether it is kept, by the
// rules of the moment. It asks the summary first; the documents only if that
// does not tell, and then once for all filters.
//
// It is made before the store, which derives open traces with it, and follows
// the rules, which are in the store, from when they are read.
//
// A group whose filter cannot be read, because another version wrote it, has
// no new members; that is logged and counted. A keep rule that cannot be read
// keeps whatever comes to it: when in doubt nothing is thrown away.
type Sorter struct {
	log       *slog.Logger
	rules     atomic.Pointer[Rules]
	compiled  atomic.Pointer[sorting]
	compiling sync.Mutex // one at a time compiles
}

// NewSorter makes a sorter that knows no group but Default and keeps every
// trace. It derives within limits. log may be nil.
func NewSorter(log *slog.Logger, limits tomo.Limits) *Sorter {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sorter{log: log}
	s.compiled.Store(&sorting{revision: -1, within: derive.Within(limits)})
	return s
}

// Follow makes the sorter sort by rules, whatever they become.
func (s *Sorter) Follow(rules Rules) { s.rules.Store(&rules) }

// Summary derives the summary of a trace, with the groups that it belongs to if
// it settles as it is. Groups that it belonged to before are not known here.
func (s *Sorter) Summary(id tomo.TraceID, docs []tomo.RawDocument) *tomo.Summary {
	return s.current().sort(&tomo.TraceDocuments{ID: id, Documents: docs}, false).summary
}

// Decision is what keep rules say of a trace.
type Decision struct {
	Kept bool
	Rule string // the name of the rule that decided; "" if none matched
	// Settled: the trace was kept before, and stays.
	Settled bool
	// Broken: the rule cannot be read, and so it keeps everything.
	Broken bool
}

// Decide says what the keep rules of the moment would make of a trace that
// settles for the first time.
func (s *Sorter) Decide(d *tomo.Detail) Decision {
	decision, _ := s.current().decide(d.Summary, d)
	return decision
}

// Preview says what other rules would make of it. They have to be valid. The
// groups that they mention are those of the moment.
func (s *Sorter) Preview(rules []tomo.KeepRule) func(*tomo.Detail) Decision {
	var lookUp filter.Groups
	if now := s.rules.Load(); now != nil {
		lookUp = (*now).Expression
	}
	preview := &sorting{}
	preview.compileRules(rules, lookUp)
	return func(d *tomo.Detail) Decision {
		decision, _ := preview.decide(d.Summary, d)
		return decision
	}
}

// Revision grows when the rules change; Summary may answer otherwise then.
func (s *Sorter) Revision() int64 {
	if rules := s.rules.Load(); rules != nil {
		return (*rules).Revision()
	}
	return -1
}

// current is the rules of the moment, compiled.
func (s *Sorter) current() *sorting {
	have, rules := s.compiled.Load(), s.rules.Load()
	if rules == nil || have.rules == rules && have.revision == (*rules).Revision() {
		return have
	}
	s.compiling.Lock()
	defer s.compiling.Unlock()
	// The revision comes first: what changes while we read is read again.
	fresh := &sorting{within: have.within, rules: rules, revision: (*rules).Revision()}
	if have = s.compiled.Load(); have.rules == fresh.rules && have.revision == fresh.revision {
		return have
	}
	fresh.compileGroups((*rules).Groups(), (*rules).Expression)
	fresh.compileRules((*rules).KeepRules().Rules, (*rules).Expression)
	s.complain(fresh)
	if !slices.EqualFunc(have.keep, fresh.keep, func(a, b keepRule) bool { return a.KeepRule == b.KeepRule }) {
		s.log.Info("keep rules in force", "rates", fresh.ruleTexts())
	}
	s.compiled.Store(fresh)
	return fresh
}

// complain tells the log what cannot be read.
func (s *Sorter) complain(now *sorting) {
	for i := range now.groups {
		if g := &now.groups[i]; g.matcher == nil {
			s.log.Error("a group has no new members because its filter cannot be read", "group", g.name, "error", g.err)
		}
	}
	for i := range now.keep {
		if r := &now.keep[i]; r.matcher == nil {
			s.log.Error("all traces that come to a keep rule are kept because its filter cannot be read", "rule", r.Name, "error", r.err)
		}
	}
}

// sorting is the rules of one moment, compiled. It is never changed.
type sorting struct {
	within   derive.Within
	rules    *Rules
	revision int64
	groups   []sortedGroup // by id, without Default
	keep     []keepRule
}

type sortedGroup struct {
	id, name string
	matcher  *filter.Matcher // nil: the filter cannot be read
	err      error
}

type keepRule struct {
	tomo.KeepRule
	matcher *filter.Matcher // nil: the filter cannot be read
	err     error
}

func (s *sorting) compileGroups(groups []*tomo.Group, lookUp filter.Groups) {
	for _, g := range groups {
		if g.IsDefault() {
			continue
		}
		sorted := sortedGroup{id: g.ID(), name: g.Name}
		sorted.matcher, sorted.err = compile(g.Filter, lookUp)
		s.groups = append(s.groups, sorted)
	}
	slices.SortFunc(s.groups, func(a, b sortedGroup) int { return cmp.Compare(a.id, b.id) })
}

func (s *sorting) compileRules(rules []tomo.KeepRule, lookUp filter.Groups) {
	for _, r := range rules {
		rule := keepRule{KeepRule: r}
		rule.matcher, rule.err = compile(r.Filter, lookUp)
		s.keep = append(s.keep, rule)
	}
}

// ruleTexts are the keep rules in order, for the log: without their filters, which
// may be long.
func (s *sorting) ruleTexts() []string {
	texts := []string{}
	for i := range s.keep {
		r := &s.keep[i]
		texts = append(texts, fmt.Sprintf("%s: %v", r.Name, r.Rate))
	}
	return texts
}

func compile(text string, lookUp filter.Groups) (*filter.Matcher, error) {
	expression, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	return filter.Compile(expression, lookUp), nil
}

// sorted is a trace and what was made of it.
type sorted struct {
	summary  *tomo.Summary
	decision Decision
}

// sort derives the summary of a trace and puts it into its groups. If it is to
// settle, it is decided whether it is kept.
func (s *sorting) sort(t *tomo.TraceDocuments, settling bool) sorted {
	if settling && t.Summary != nil && t.Revision == s.revision {
		if t.Before != nil {
			return sorted{t.Summary, Decision{Kept: true, Settled: true}}
		}
		if decision, wanted := s.decide(t.Summary, nil); wanted == 0 {
			return sorted{t.Summary, decision}
		}
	}
	var answers [tomo.MaxGroups]filter.Truth
	groups := answers[:]
	if len(s.groups) > len(groups) { // of a version that had more of them
		groups = make([]filter.Truth, len(s.groups))
	}
	groups = groups[:len(s.groups)]
	deciding := settling && t.Before == nil
	var decision Decision
	summary := s.within.Look(t.ID, t.Documents, func(summary *tomo.Summary) (wanted tomo.DetailParts) {
		for i := range s.groups {
			if m := s.groups[i].matcher; m != nil {
				if groups[i] = m.MatchSummary(summary); groups[i] == filter.Unknown {
					wanted |= m.Needs()
				}
			}
		}
		if deciding {
			var more tomo.DetailParts
			decision, more = s.decide(summary, nil)
			wanted |= more
		}
		return wanted
	}, func(detail *tomo.Detail) {
		for i := range groups {
			if groups[i] == filter.Unknown {
				groups[i] = filter.No
				if s.groups[i].matcher.Match(detail) {
					groups[i] = filter.Yes
				}
			}
		}
		if deciding {
			decision, _ = s.decide(detail.Summary, detail)
		}
	})
	summary.LimitExceeded = t.LimitExceeded
	members := 0
	for _, answer := range groups {
		if answer == filter.Yes {
			members++
		}
	}
	if members > 0 {
		summary.Groups = make([]string, 0, members)
		for i := range groups {
			if groups[i] == filter.Yes {
				summary.Groups = append(summary.Groups, s.groups[i].id)
			}
		}
	}
	if t.Before != nil {
		summary.Groups = union(summary.Groups, t.Before.Groups)
	}
	if settling && !deciding {
		decision = Decision{Kept: true, Settled: true}
	}
	return sorted{summary, decision}
}

// decide finds the first rule that the trace matches. detail has the parts that
// were wanted; without it, wanted are those that are needed to tell: none, if
// the decision stands.
func (s *sorting) decide(summary *tomo.Summary, detail *tomo.Detail) (decision Decision, wanted tomo.DetailParts) {
	for i := range s.keep {
		r := &s.keep[i]
		if r.matcher == nil {
			return Decision{Kept: true, Rule: r.Name, Broken: true}, wanted
		}
		answer := r.matcher.MatchSummary(summary)
		if answer == filter.Unknown && detail != nil && r.matcher.Match(detail) {
			answer = filter.Yes
		}
		switch answer {
		case filter.Yes:
			return Decision{Kept: r.Keeps(summary.ID), Rule: r.Name}, wanted
		case filter.Unknown:
			wanted |= r.matcher.Needs()
		}
	}
	return Decision{Kept: true}, wanted
}

// union merges two sorted lists of distinct ids.
func union(a, b []string) []string {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	all := make([]string, 0, len(a)+len(b))
	all = append(append(all, a...), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
