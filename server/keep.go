package server

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/settings"
)

// keepPages are the pages about keep rules.
func (s *Server) keepPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		api.KeepRulesPath: s.console(console{
			http.MethodGet: {name: "GetKeepRules", action: identity.GetConsole, run: reading((*Services).getKeepRules)},
			http.MethodPut: {name: "PutKeepRules", action: identity.PutConsole, run: reading((*Services).putKeepRules)},
		}),
		api.KeepTestPath: s.console(console{
			http.MethodPost: {name: "TestKeepRules", action: identity.GetConsole, run: reading((*Services).testKeepRules)}}),
		api.KeepPreviewPath: s.console(console{
			http.MethodPost: {name: "PreviewKeepRules", action: identity.GetConsole, run: reading((*Services).previewKeepRules)}}),
	}
}

// beyond tells how many traces of a group, "" for all, began in r and were
// dropped: in the minutes that begin in r, so that ranges side by side add up.
func (s *Services) beyond(ctx context.Context, r tomo.TimeRange, group string) (api.Beyond, error) {
	if r.End <= r.Start {
		return api.Beyond{}, nil
	}
	dropped, err := s.engine.Dropped(ctx, r, group)
	return api.Beyond{Dropped: dropped.Traces}, err
}

func (s *Services) getKeepRules(context.Context, []byte) (any, error) {
	return s.keepRules(s.settings.KeepRules()), nil
}

func (s *Services) putKeepRules(ctx context.Context, body []byte) (any, error) {
	var request api.KeepRules
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	if request.Rules == nil { // not none: that would keep everything
		return nil, api.Invalid("Rules is required: a list, which may be empty")
	}
	rules, err := requestedRules(request.Rules)
	if err != nil {
		return nil, err
	}
	after, err := s.settings.SetKeepRules(ctx, rules, request.Revision)
	if err != nil {
		return nil, err
	}
	return s.keepRules(after), nil
}

func requestedRules(shapes []api.KeepRule) ([]tomo.KeepRule, error) {
	rules := make([]tomo.KeepRule, len(shapes))
	for i, r := range shapes {
		if r.Rate == nil { // not 0: that would drop them all
			return nil, api.Invalid(fmt.Sprintf("Rules[%d].Rate is required: a share from 0 to 1", i))
		}
		rules[i] = tomo.KeepRule{Name: r.Name, Filter: r.Filter, Rate: *r.Rate}
	}
	return rules, nil
}

func (s *Services) keepRules(rules *tomo.KeepRules) *api.KeepRules {
	counts := s.pipeline.KeepCounts()
	page := &api.KeepRules{Revision: rules.Revision, Rules: make([]api.KeepRule, len(rules.Rules)), Unmatched: counts[""].Kept}
	for i := range rules.Rules {
		r := &rules.Rules[i]
		count := counts[r.Name]
		page.Rules[i] = api.KeepRule{Name: r.Name, Filter: r.Filter, Rate: &r.Rate, Kept: count.Kept, Dropped: count.Dropped}
	}
	return page
}

func (s *Services) testKeepRules(ctx context.Context, body []byte) (any, error) {
	var request api.KeepTest
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	id, err := tomo.ParseAnyTraceID(request.TraceID)
	if err != nil {
		return nil, api.Invalid(err.Error())
	}
	trace, err := s.engine.Detail(ctx, id)
	if err != nil {
		return nil, err
	}
	if trace == nil {
		return nil, api.Invalid(fmt.Sprintf("Trace %v is not held", id))
	}
	decision := s.pipeline.Sorter().Decide(trace)
	answer := &api.KeepDecision{Kept: decision.Kept, Unread: decision.Broken}
	for _, r := range s.settings.KeepRules().Rules {
		if decision.Rule == r.Name {
			answer.Rule, answer.Rate = &r.Name, &r.Rate
		}
	}
	return answer, nil
}

// What a preview looks at, and how many at once.
const (
	maxPreview  = 10_000
	previewPage = 500
)

func (s *Services) previewKeepRules(ctx context.Context, body []byte) (any, error) {
	var request api.KeepPreview
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	if request.StartTime == nil || request.EndTime == nil {
		return nil, api.Invalid("StartTime and EndTime are required")
	}
	rules := s.settings.KeepRules().Rules
	if request.Rules != nil {
		var err error
		if rules, err = requestedRules(request.Rules); err != nil {
			return nil, err
		}
		if err := settings.CheckKeepRules(rules); err != nil {
			return nil, err
		}
	}
	window := tomo.Window{TimeRange: timeRange(*request.StartTime, *request.EndTime)}
	if window.End < window.Start {
		return nil, endBeforeStart()
	}
	forecast := &api.KeepForecast{Rules: make([]api.KeepShare, len(rules))}
	places := make(map[string]*api.KeepShare, len(rules))
	for i := range rules {
		forecast.Rules[i].Name = rules[i].Name
		places[rules[i].Name] = &forecast.Rules[i]
	}
	decide := s.pipeline.Sorter().Preview(rules)
	for next := ""; ; {
		var err error
		next, err = s.engine.Look(ctx, window, next, previewPage, func(trace *tomo.Detail) { addDecision(forecast, places, decide(trace)) })
		if err != nil {
			return nil, err
		}
		if next == "" {
			forecast.Complete = true
			return forecast, nil
		}
		if forecast.Traces >= maxPreview {
			return forecast, nil
		}
	}
}

func addDecision(forecast *api.KeepForecast, places map[string]*api.KeepShare, d ingest.Decision) {
	forecast.Traces++
	if d.Kept {
		forecast.Kept++
	}
	switch rule := places[d.Rule]; {
	case rule == nil:
		forecast.Unmatched++
	case d.Kept:
		rule.Kept++
	default:
		rule.Dropped++
	}
}
