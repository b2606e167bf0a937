package server

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

// console is a path under /console/api/: what is asked there, by method.
type console map[string]question

// question is something that the console, or the command line, asks beside the
// operations of X-Ray.
type question struct {
	name   string // in metrics and the log
	action string // that the caller must be allowed
	most   int64  // bytes of the body; 0: maxRequest
	// One of these answers.
	run    asking
	by     func(ctx context.Context, who *caller, body []byte) (any, error)       // what is no tenant's services'
	public func(w http.ResponseWriter, r *http.Request, body []byte) (any, error) // anybody, who may have signed in
}

// asking answers a question to a tenant's services. The body is not valid after
// it returned. If the answer is nil it was given already.
type asking func(ask *Services, w http.ResponseWriter, r *http.Request, body []byte) (answer any, err error)

// reading makes an answer of what needs nothing but the body, and not long.
func reading(run func(s *Services, ctx context.Context, body []byte) (any, error)) asking {
	return func(ask *Services, _ http.ResponseWriter, r *http.Request, body []byte) (any, error) {
		ctx, cancel := context.WithTimeout(r.Context(), analysisTime)
		defer cancel()
		return run(ask, ctx, body)
	}
}

// console makes a handler of a path. What is asked with a body has to be
// application/json: forms of other sites, which a browser sends without asking
// first, cannot be. Errors look as those of operations do.
func (s *Server) console(page console) http.HandlerFunc {
	allowed := strings.Join(slices.Sorted(maps.Keys(page)), ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		out := s.answers.Get().(*bytes.Buffer)
		defer s.release(out)
		w.Header().Set("Cache-Control", "no-store")
		a := answer{status: http.StatusOK, requestID: newRequestID()}
		q, known := page[r.Method]
		var failure *api.Error
		if known {
			failure = s.guarded(q.name, a.requestID, func() (err error) {
				a.sent, err = s.ask(w, r, &q, out)
				return err
			})
		} else {
			w.Header().Set("Allow", allowed)
			failure = &api.Error{Name: api.InvalidRequestException, Status: http.StatusMethodNotAllowed, Message: "this is asked with " + allowed + ", not " + r.Method}
		}
		if failure != nil {
			out.Reset()
			a.fail(failure, out)
			a.status = challenge(w, r, failure)
		}
		s.finish(w, r, &a, out, cmp.Or(q.name, "unknown"), began)
	}
}

// ask lets a question be answered, to out unless it was sent already.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, q *question, out *bytes.Buffer) (sent bool, err error) {
	if r.Method != http.MethodGet && !isJSON(r) {
		return false, &api.Error{Name: api.UnsupportedMediaTypeException, Status: http.StatusUnsupportedMediaType, Message: "the Content-Type has to be application/json"}
	}
	who := everybody()
	if q.public == nil {
		who, err = s.identifyForPage(r)
	}
	if err == nil && who.verified() {
		err = s.authorize(who, q.action)
	}
	if err != nil {
		return false, err
	}
	body, err := s.bodies.read(w, r, cmp.Or(q.most, maxRequest))
	if err != nil {
		return false, err
	}
	defer s.bodies.release(body)
	if err := who.verify(); err != nil {
		return false, err
	}
	if err := s.authorize(who, q.action); err != nil {
		return false, err
	}
	answer, err := s.answerTo(q, who, w, r, body.bytes)
	if err == nil && answer != nil {
		err = api.Encode(out, answer)
	}
	if err != nil {
		return false, err
	}
	return answer == nil, nil
}

func (s *Server) answerTo(q *question, who *caller, w http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	switch {
	case q.public != nil:
		return q.public(w, r, body)
	case q.by != nil:
		return q.by(r.Context(), who, body)
	}
	services, err := s.tenants(r.Context(), who.tenant)
	if err != nil {
		return nil, err
	}
	return q.run(services, w, r, body)
}

// isJSON reports whether the body of a request is said to be JSON.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
