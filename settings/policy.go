package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tomotrace/tomo"
)

// Limits of resource policies. Documented quotas of the service.
const (
	MaxPolicies       = 5
	MaxPolicyDocument = 5 << 10 // bytes
)

// Policy is a resource policy: a text in AWS's policy language, for those who
// keep their settings with Terraform. Tomo stores it and does not judge requests
// by it.
type Policy struct {
	Name     string    `json:"name"`
	Document string    `json:"document"` // byte for byte as it was sent
	Revision int64     `json:"revision"` // 1 at first, one more with every change
	Changed  tomo.Time `json:"changed"`
}

// PolicyProblem says why a policy was not taken.
type PolicyProblem uint8

const (
	PolicyRevisionWrong PolicyProblem = iota // somebody else changed it meanwhile
	PolicyMalformed                          // the document is no policy
	PolicyTooLarge                           // it is longer than it may be
	PolicyTooMany                            // there are as many as there may be
	PolicyLocksOut                           // nobody could change policies any more
)

// PolicyError is an error that the API has an exception of its own for.
type PolicyError struct {
	Problem PolicyProblem
	Message string
}

func (e *PolicyError) Error() string { return e.Message }

// Policies lists the resource policies, oldest first. The list must not be
// changed; it is another one after each change.
func (s *Settings) Policies() []Policy {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.policies
}

// PutPolicy creates a policy or replaces one. revision is what the caller
// believes the policy's to be: "" is whatever it is, "0" that there is none. With
// bypass a policy may deny everybody to change policies.
func (s *Settings) PutPolicy(ctx context.Context, name, document, revision string, bypass bool) (Policy, error) {
	if err := s.checkPolicy(document, bypass); err != nil {
		return Policy{}, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	policies := slices.Clone(s.Policies())
	at := policyNamed(policies, name)
	var before int64
	if at >= 0 {
		before = policies[at].Revision
	}
	if !sameRevision(revision, before) {
		return Policy{}, &PolicyError{PolicyRevisionWrong, "Another concurrent request has modified the resource policy " + name}
	}
	p := Policy{Name: name, Document: document, Revision: before + 1, Changed: tomo.TimeOf(s.now()).Second()}
	switch {
	case at >= 0:
		policies[at] = p
	case len(policies) >= s.limits.Policies:
		return Policy{}, &PolicyError{PolicyTooMany, fmt.Sprintf("There are %d resource policies already, which is the limit", s.limits.Policies)}
	default:
		policies = append(policies, p)
	}
	return p, s.savePolicies(ctx, policies)
}

// DeletePolicy takes a policy away. revision is as for PutPolicy, but "0" is
// no revision of a policy that is there.
func (s *Settings) DeletePolicy(ctx context.Context, name, revision string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	policies := slices.Clone(s.Policies())
	at := policyNamed(policies, name)
	switch { // X-Ray: which of the two it says hangs on whether a revision was sent
	case at < 0 && revision == "":
		return invalid("The resource policy " + name + " does not exist.")
	case at < 0 || !sameRevision(revision, policies[at].Revision):
		return &PolicyError{PolicyRevisionWrong, "Another concurrent request has modified or deleted the resource policy " + name}
	}
	return s.savePolicies(ctx, slices.Delete(policies, at, at+1))
}

func policyNamed(policies []Policy, name string) int {
	return slices.IndexFunc(policies, func(p Policy) bool { return p.Name == name })
}

func sameRevision(asked string, is int64) bool {
	return asked == "" || asked == strconv.FormatInt(is, 10)
}

// statement is what is looked at of a statement of a policy.
type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    oneOrMore
	NotAction oneOrMore
	Condition json.RawMessage
}

// oneOrMore is a text or a list of texts.
type oneOrMore []string

func (l *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// checkPolicy holds a document against the form of a policy that is attached to
// a resource.
func (s *Settings) checkPolicy(document string, bypass bool) error {
	if len(document) > s.limits.PolicySize {
		return &PolicyError{PolicyTooLarge, fmt.Sprintf("The policy document has %d bytes, the limit is %d", len(document), s.limits.PolicySize)}
	}
	statements, err := statementsOf(document)
	if err != nil {
		return &PolicyError{PolicyMalformed, "The policy document is malformed: " + err.Error()}
	}
	if !bypass && slices.ContainsFunc(statements, s.locksOut) {
		return &PolicyError{PolicyLocksOut, "The policy denies everybody xray:PutResourcePolicy; set BypassPolicyLockoutCheck if that is meant"}
	}
	return nil
}

func statementsOf(document string) (statements []statement, err error) {
	var policy struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return nil, errors.New("it is not JSON of a policy")
	}
	if policy.Version != "" && policy.Version != "2012-10-17" && policy.Version != "2008-10-17" {
		return nil, fmt.Errorf("its Version is %q, not 2012-10-17 or 2008-10-17", policy.Version)
	}
	var one statement
	if json.Unmarshal(policy.Statement, &one) == nil {
		statements = []statement{one}
	} else if err := json.Unmarshal(policy.Statement, &statements); err != nil || len(statements) == 0 {
		return nil, errors.New("its Statement is neither a statement nor a list of them")
	}
	for i := range statements {
		switch st := &statements[i]; {
		case st.Effect != "Allow" && st.Effect != "Deny":
			return nil, fmt.Errorf("statement %d has no Effect of Allow or Deny", i+1)
		case len(st.Principal) == 0 || string(st.Principal) == "null":
			return nil, fmt.Errorf("statement %d has no Principal", i+1)
		case len(st.Action) == 0 && len(st.NotAction) == 0:
			return nil, fmt.Errorf("statement %d has neither Action nor NotAction", i+1)
		}
	}
	return statements, nil
}

// locksOut reports whether a statement denies everybody, or everybody of the
// account, to change policies.
func (s *Settings) locksOut(st statement) bool {
	if st.Effect != "Deny" || len(st.Condition) > 0 {
		return false
	}
	denied := len(st.NotAction) > 0 && !slices.ContainsFunc(st.NotAction, allowsPut) ||
		slices.ContainsFunc(st.Action, allowsPut)
	return denied && s.everybody(st.Principal)
}

// allowsPut reports whether a pattern of actions has the one that changes
// policies. IAM: case does not matter.
func allowsPut(pattern string) bool {
	return tomo.MatchWildcards([]byte(strings.ToLower(pattern)), []byte("xray:putresourcepolicy"))
}

func (s *Settings) everybody(principal json.RawMessage) bool {
	var names oneOrMore
	if json.Unmarshal(principal, &names) != nil {
		var byKind map[string]oneOrMore
		if json.Unmarshal(principal, &byKind) != nil {
			return false
		}
		names = byKind["AWS"]
	}
	account := strings.Split(s.arn, ":")[4]
	return slices.ContainsFunc(names, func(name string) bool {
		return name == "*" || name == account || strings.HasSuffix(name, ":iam::"+account+":root")
	})
}

// The file of the policies is JSON; docs/storage-format.md describes it.
const (
	policiesName    = "resource-policies"
	policiesVersion = 1
)

type policiesFile struct {
	Version  int      `json:"version"`
	Policies []Policy `json:"policies"`
}

func (s *Settings) loadPolicies(ctx context.Context) error {
	var file policiesFile
	if err := s.load(ctx, policiesName, &file, &file.Version, policiesVersion); err != nil {
		return err
	}
	s.policies = file.Policies
	return nil
}

// savePolicies makes the policies durable and then lets them count. The caller
// holds s.changing.
func (s *Settings) savePolicies(ctx context.Context, policies []Policy) error {
	if err := s.write(ctx, policiesName, policiesFile{policiesVersion, policies}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies = policies
	return nil
}
