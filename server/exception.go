package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// exception is the one place where errors become exceptions of the API.
//
// X-Ray: a quota that one caller is over is 429 ThrottledException. Trouble of
// the whole server is 503: collectors throw a batch away at any 4xx and send it
// again after a 5xx.
func exception(err error) *api.Error {
	var sent *api.Error
	if errors.As(err, &sent) {
		return sent
	}
	var known *tomo.Error
	if errors.As(err, &known) {
		switch known.Code {
		case tomo.Invalid, tomo.NotFound: // X-Ray: a trace or a group that is not there is no 404
			return api.Invalid(known.Message)
		case tomo.Throttled:
			return &api.Error{Name: api.ThrottledException, Status: http.StatusTooManyRequests, Message: known.Message}
		case tomo.Conflict:
			return &api.Error{Name: api.ConflictException, Status: http.StatusConflict, Message: known.Message}
		case tomo.RuleLimitExceeded:
			return &api.Error{Name: api.RuleLimitExceededException, Status: http.StatusBadRequest, Message: known.Message}
		case tomo.Unavailable:
			return unavailable(known.Message)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return unavailable("the request was given up") // the client is gone, or the server is stopping
	}
	return internalFailure()
}

func unavailable(message string) *api.Error {
	return &api.Error{Name: api.ServiceUnavailable, Status: http.StatusServiceUnavailable, Message: message}
}

func internalFailure() *api.Error {
	return &api.Error{Name: api.InternalFailure, Status: http.StatusInternalServerError,
		Message: "the server failed; its log tells more under the id of this request"}
}

func unknownOperation(r *http.Request) *api.Error {
	return &api.Error{Name: api.UnknownOperationException, Status: http.StatusNotFound, Message: "no operation has the path " + r.URL.Path}
}

func notPost(r *http.Request) *api.Error {
	return &api.Error{Name: api.UnknownOperationException, Status: http.StatusMethodNotAllowed, Message: "operations are asked with POST, not " + r.Method}
}
