package server

import (
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"slices"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
)

// Who asks is settled in the order of cost: what the head of a request tells,
// then whether the tenant is over its quotas, then the body and with it the
// signature, then what the credential allows. With the hash of the body in a
// header, as the SDK for JavaScript sends it, all is settled before the body.

// caller is who sent a request.
type caller struct {
	tenant     string
	credential *identity.Credential // nil: nobody asks for one
	claim      *identity.Claim      // what the body has to be held against; nil: nothing
	hash       hash.Hash            // of the body as it came
}

// everybody is who asks while there are no credentials.
func everybody() *caller { return &caller{tenant: identity.DefaultTenant} }

// unsignedOperations are what X-Ray SDKs ask the daemon for, without a
// signature; the daemon signs.
var unsignedOperations = []string{"GetSamplingRules", "GetSamplingTargets"}

// identify says who sent a request for an operation, as far as its head tells.
func (s *Server) identify(r *http.Request, op api.Operation) (*caller, error) {
	if s.o.Guard.Open() {
		return everybody(), nil
	}
	if c, err := s.bySession(r); c != nil || err != nil {
		return c, err
	}
	if s.o.SamplingTenant != "" && slices.Contains(unsignedOperations, op.Name) && s.strange(r) {
		return &caller{tenant: s.o.SamplingTenant}, nil
	}
	return s.claim(r, "xray")
}

// strange reports whether a request is not signed, or by nobody we know: the
// SDK for Ruby signs what it sends to the daemon with a key of its own making.
func (s *Server) strange(r *http.Request) bool {
	if api.Unsigned(r) {
		return true
	}
	signature, err := api.ParseSignature(r)
	return err == nil && !s.o.Guard.Knows(signature.AccessKeyID)
}

// claim is identify for requests that have to be signed. The body, when it is
// read, is hashed.
func (s *Server) claim(r *http.Request, service string) (*caller, error) {
	claim, err := s.o.Guard.Claim(r, service)
	if err != nil {
		return nil, err
	}
	c := &caller{tenant: claim.Credential.Tenant, credential: claim.Credential, claim: claim, hash: sha256.New()}
	r.Body = &hashed{r.Body, c.hash}
	return c, nil
}

// hashed is a body that is hashed while it is read.
type hashed struct {
	io.ReadCloser
	hash hash.Hash
}

func (h *hashed) Read(into []byte) (int, error) {
	n, err := h.ReadCloser.Read(into)
	h.hash.Write(into[:n])
	return n, err
}

// verified reports whether it is certain who asks, but for the body.
func (c *caller) verified() bool { return c.claim == nil || c.claim.Verified() }

// verify settles who asks, when the body was read to its end.
func (c *caller) verify() error {
	if c.claim == nil {
		return nil
	}
	var sum [sha256.Size]byte
	c.hash.Sum(sum[:0])
	return c.claim.Verify(sum)
}

// authorize says whether the caller may do an action.
func (s *Server) authorize(c *caller, action string) error {
	if c.credential == nil || c.credential.May(action) {
		return nil
	}
	return api.AccessDenied(c.credential.ARN(s.o.Account), action)
}

// identifyForPage says who asks for a page, as far as the head of the request
// tells. Besides a signature it may be a password, as Prometheus and browsers
// send it: the access key and its secret.
func (s *Server) identifyForPage(r *http.Request) (*caller, error) {
	if s.o.Guard.Open() {
		return everybody(), nil
	}
	if c, err := s.bySession(r); c != nil || err != nil {
		return c, err
	}
	if id, secret, ok := r.BasicAuth(); ok {
		credential, err := s.o.Guard.Password(identity.Proof{AccessKeyID: id, Secret: secret, From: sender(r)})
		if err != nil {
			return nil, err
		}
		return &caller{tenant: credential.Tenant, credential: credential}, nil
	}
	return s.claim(r, "xray")
}

// admitToPage says who asks for a page without a body, and whether they may.
func (s *Server) admitToPage(r *http.Request, action string) (*caller, error) {
	c, err := s.identifyForPage(r)
	if err == nil {
		err = c.verify()
	}
	if err != nil {
		return nil, err
	}
	return c, s.authorize(c, action)
}

// refusePage sends the reason why somebody may not see a page.
func (s *Server) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	failure := s.failed(err, r.URL.Path, "")
	w.Header()[api.ErrorType] = []string{failure.Name}
	s.sendPage(w, r, challenge(w, r, failure), failure)
}

// challenge is the status of a page that is refused. Who did not say who they
// are is asked for a password, but not by the browser if a page of the console
// asks: it has a form for that.
func challenge(w http.ResponseWriter, r *http.Request, failure *api.Error) (status int) {
	if failure.Name != api.MissingAuthenticationTokenException {
		return failure.Status
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); r.Header.Get(api.ConsoleHeader) != "" || mode != "" && mode != "navigate" {
		w.Header().Set("WWW-Authenticate", `Session realm="Tomo"`)
	} else {
		w.Header().Set("WWW-Authenticate", `Basic realm="Tomo", charset="UTF-8"`)
	}
	return http.StatusUnauthorized
}
