package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/settings"
)

func (s *Services) putResourcePolicy(ctx context.Context, request *api.PutResourcePolicyRequest) (*api.PutResourcePolicyResponse, error) {
	p, err := s.settings.PutPolicy(ctx, *request.PolicyName, *request.PolicyDocument, request.PolicyRevisionID, request.BypassPolicyLockoutCheck)
	if err != nil {
		return nil, policyException(err)
	}
	return &api.PutResourcePolicyResponse{ResourcePolicy: policyShape(p)}, nil
}

func (s *Services) listResourcePolicies(_ context.Context, request *api.PageRequest) (*api.ListResourcePoliciesResponse, error) {
	if request.NextToken != nil {
		return nil, api.Invalid("NextToken is currently not supported")
	}
	policies := s.settings.Policies()
	answer := &api.ListResourcePoliciesResponse{ResourcePolicies: make([]api.ResourcePolicy, len(policies))}
	for i, p := range policies {
		answer.ResourcePolicies[i] = policyShape(p)
	}
	return answer, nil
}

func (s *Services) deleteResourcePolicy(ctx context.Context, request *api.DeleteResourcePolicyRequest) (*api.Empty, error) {
	return &api.Empty{}, policyException(s.settings.DeletePolicy(ctx, *request.PolicyName, request.PolicyRevisionID))
}

func policyShape(p settings.Policy) api.ResourcePolicy {
	return api.ResourcePolicy{
		LastUpdatedTime: api.Time(p.Changed.Seconds()), PolicyDocument: p.Document,
		PolicyName: p.Name, PolicyRevisionID: strconv.FormatInt(p.Revision, 10),
	}
}

// policyException gives the problems with policies the names that the API has
// for them.
func policyException(err error) error {
	var known *settings.PolicyError
	if !errors.As(err, &known) {
		return err
	}
	name := map[settings.PolicyProblem]string{
		settings.PolicyRevisionWrong: api.InvalidPolicyRevisionIDException,
		settings.PolicyMalformed:     api.MalformedPolicyDocumentException,
		settings.PolicyTooLarge:      api.PolicySizeLimitExceededException,
		settings.PolicyTooMany:       api.PolicyCountLimitExceededException,
		settings.PolicyLocksOut:      api.LockoutPreventionException,
	}[known.Problem]
	return &api.Error{Name: name, Status: http.StatusBadRequest, Message: known.Message}
}
