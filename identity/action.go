package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// Actions that are no operations of X-Ray. What the console and the command
// line ask beyond them is under one path.
const (
	GetMetrics = "tomo:GetMetrics" // the page for Prometheus
	GetConsole = "tomo:GetConsole" // what is read under /console/api/
	PutConsole = "tomo:PutConsole" // what is changed there

	GetCredentials = "tomo:GetCredentials" // who has credentials of the tenant, without secrets
	PutCredentials = "tomo:PutCredentials" // to make them, and to take them away
)

// Action is the action that an operation of X-Ray needs.
func Action(operation string) string { return "xray:" + operation }

// roles are short for what AWS's own policies for X-Ray allow.
var roles = map[string][]string{
	"read":  {"xray:BatchGet*", "xray:Get*", "xray:List*", "xray:StartTraceRetrieval", "xray:CancelTraceRetrieval", GetConsole, GetMetrics},
	"write": {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"},
	"admin": {"*"},
}

// Actions lists everything that can be allowed.
func Actions() []string {
	all := []string{GetMetrics, GetConsole, PutConsole, GetCredentials, PutCredentials}
	for _, op := range api.Operations() {
		all = append(all, Action(op.Name))
	}
	slices.Sort(all)
	return all
}

// CheckActions says why actions cannot be those of a credential: there are
// none, or one is neither a role (read, write, admin) nor a pattern that any
// action matches. In patterns * stands for any text and ? for one letter; as in
// IAM, case does not matter.
func CheckActions(actions []string) error {
	if len(actions) == 0 {
		return fmt.Errorf("a credential without actions is good for nothing: name roles (read, write, admin) or actions such as xray:Get*")
	}
	all := Actions()
	for _, a := range actions {
		if _, ok := roles[a]; ok {
			continue
		}
		pattern := spellOut([]string{a})
		if !slices.ContainsFunc(all, func(action string) bool { return anyMatches(pattern, action) }) {
			return fmt.Errorf("%q is neither a role (read, write, admin) nor does any action match it, such as xray:PutTraceSegments", a)
		}
	}
	return nil
}

// Grantable says why a credential may not give away actions: it does not have
// them all. Whoever can make credentials could do everything otherwise.
func (c *Credential) Grantable(actions []string) error {
	patterns := spellOut(actions)
	for _, action := range Actions() {
		if anyMatches(patterns, action) && !c.May(action) {
			return fmt.Errorf("you may not do %s, so no credential that you make may", action)
		}
	}
	return nil
}

// Allowed lists what the credential allows.
func (c *Credential) Allowed() []string {
	return slices.DeleteFunc(Actions(), func(action string) bool { return !c.May(action) })
}

// spellOut puts the patterns of roles in their place, as anyMatches takes them.
func spellOut(actions []string) (patterns [][]byte) {
	for _, a := range actions {
		spelled, ok := roles[a]
		if !ok {
			spelled = []string{a}
		}
		for _, pattern := range spelled {
			patterns = append(patterns, []byte(strings.ToLower(pattern)))
		}
	}
	return patterns
}

// anyMatches reports whether an action is of one of the patterns, which are in
// lower case. IAM: case does not matter.
func anyMatches(patterns [][]byte, action string) bool {
	text := []byte(strings.ToLower(action))
	return slices.ContainsFunc(patterns, func(pattern []byte) bool { return tomo.MatchWildcards(pattern, text) })
}
