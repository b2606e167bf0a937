package server

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/tomotrace/tomo/api"
)

// One operation of AWS's Security Token Service is answered, at the root path:
// GetCallerIdentity, with which people and Terraform check credentials. It
// speaks another protocol: a form in, XML out. Whoever is known may ask.

const getCallerIdentity = "GetCallerIdentity"

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// maxForm bounds the body of a request to STS; theirs is 43 bytes.
const maxForm = 4 << 10

type callerIdentity struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type stsError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"` // whose fault it is
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// sts answers a request to the Security Token Service.
func (s *Server) sts(w http.ResponseWriter, r *http.Request, id string, out *bytes.Buffer) (status int) {
	var shape any
	failure := s.guarded(getCallerIdentity, id, func() (err error) {
		shape, err = s.callerIdentity(w, r, id)
		return err
	})
	status = http.StatusOK
	if failure != nil {
		is := stsError{Namespace: stsNamespace, Type: "Sender", Message: failure.Message, RequestID: id}
		is.Code, status = stsCode(failure)
		if status >= 500 {
			is.Type = "Receiver"
		}
		shape = &is
	}
	if err := xml.NewEncoder(out).Encode(shape); err != nil {
		panic(err) // texts
	}
	return status
}

func (s *Server) callerIdentity(w http.ResponseWriter, r *http.Request, id string) (*callerIdentity, error) {
	is := &callerIdentity{Namespace: stsNamespace, ARN: "arn:aws:iam::" + s.o.Account + ":root", UserID: s.o.Account, Account: s.o.Account, RequestID: id}
	who := everybody()
	if !s.o.Guard.Open() {
		var err error
		if who, err = s.claim(r, "sts"); err != nil {
			return nil, err
		}
		is.ARN, is.UserID = who.credential.ARN(s.o.Account), who.credential.AccessKeyID
	}
	body, err := s.bodies.read(w, r, maxForm)
	if err != nil {
		return nil, err
	}
	defer s.bodies.release(body)
	if err := who.verify(); err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body.bytes))
	if err != nil {
		return nil, &api.Error{Name: "MalformedQueryString", Status: http.StatusBadRequest, Message: "the form cannot be read: " + err.Error()}
	}
	if form.Get("Action") != getCallerIdentity {
		return nil, &api.Error{Name: "InvalidAction", Status: http.StatusBadRequest,
			Message: "Could not find operation " + form.Get("Action") + " for version " + form.Get("Version") + "; only GetCallerIdentity is answered here"}
	}
	return is, nil
}

// stsCode is how an exception is called in the older protocol.
func stsCode(e *api.Error) (code string, status int) {
	switch e.Name {
	case api.UnrecognizedClientException:
		return "InvalidClientTokenId", e.Status
	case api.InvalidSignatureException:
		return "SignatureDoesNotMatch", e.Status
	case api.IncompleteSignatureException:
		return "IncompleteSignature", http.StatusBadRequest
	default:
		return strings.TrimSuffix(e.Name, "Exception"), e.Status
	}
}
