package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/sampling"
)

// samplingPages tell how sampling rules are applied.
func (s *Server) samplingPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		api.SamplingPath: s.console(console{
			http.MethodGet: {name: "SamplingStates", action: identity.GetConsole, run: reading((*Services).samplingStates)}}),
		api.AskSamplingTest.Path: s.console(console{
			http.MethodPost: {name: api.AskSamplingTest.Name, action: identity.GetConsole, most: maxQuestion, run: reading((*Services).testSampling)}}),
	}
}

func (s *Services) samplingStates(context.Context, []byte) (any, error) {
	return &api.SamplingStates{States: s.samplingStateList()}, nil
}

func (s *Services) samplingStateList() []api.SamplingState {
	rules := s.settings.SamplingRules()
	states := s.fleet.States(rules, s.now())
	list := make([]api.SamplingState, 0, len(states))
	for _, rule := range sampling.Ordered(rules.List) {
		at := slices.IndexFunc(states, func(state sampling.State) bool { return state.Rule == rule.Name })
		state := &states[at] // of every rule there is one
		list = append(list, api.SamplingState{ClientCount: state.Clients, LeasedCount: state.Leased, Rate: api.Double(state.Rate), RuleName: state.Rule})
	}
	return list
}

// testSampling says which rule decides a request, and what keeps the others
// from it.
func (s *Services) testSampling(_ context.Context, body []byte) (any, error) {
	var request api.SamplingTestRequest
	if err := api.AskSamplingTest.Decode(body, &request); err != nil {
		return nil, err
	}
	families := sampling.Families()
	family := families[0]
	if request.Client != "" {
		at := slices.IndexFunc(families, func(f *sampling.Family) bool { return f.Name == request.Client })
		if at < 0 {
			return nil, api.Invalid(fmt.Sprintf("There is no family of clients %q", request.Client))
		}
		family = families[at]
	}
	asked := &sampling.Request{
		ServiceName: request.ServiceName, ServiceType: request.ServiceType, Host: request.Host, HTTPMethod: request.HTTPMethod,
		URLPath: request.URLPath, ResourceARN: request.ResourceARN, Attributes: request.Attributes,
	}
	rules := sampling.Ordered(s.settings.SamplingRules().List)
	answer := &api.SamplingTest{RuleName: family.Choose(rules, asked).Name, Rules: make([]api.SamplingTestRule, len(rules))} // Default is among them
	for i, rule := range rules {
		shape := &answer.Rules[i]
		shape.RuleName, shape.Obstacles = rule.Name, []api.SamplingObstacle{}
		for o := range family.Obstacles(rule, asked) {
			shape.Obstacles = append(shape.Obstacles, api.SamplingObstacle{Key: o.Key, Member: o.Member, Pattern: o.Pattern, Reason: string(o.Reason), Value: o.Value})
		}
		shape.Matches = len(shape.Obstacles) == 0
	}
	for _, f := range families {
		answer.Clients = append(answer.Clients, api.SamplingTestClient{Name: f.Name, RuleName: f.Choose(rules, asked).Name})
	}
	return answer, nil
}
