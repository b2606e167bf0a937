package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signature is what a request says of its signature, AWS Signature Version 4 in
// a header:
//
//	Authorization: AWS4-HMAC-SHA256 Credential=ID/20260105/eu-central-1/xray/aws4_request,
//	  SignedHeaders=content-type;host;x-amz-date, Signature=aeaba2…
//	X-Amz-Date: 20260105T100000Z
//
// Nothing of it is true before Verify says so. Which headers are signed differs
// from client to client: botocore signs the three above, the SDK for Go also
// content-length and its own amz-sdk-…, that for JavaScript the hash of the body.
type Signature struct {
	AccessKeyID string
	Scope       Scope
	// Time is when the request was signed, as X-Amz-Date tells.
	Time time.Time
	// Token is the session token, "" without one.
	Token string
	// Body is what X-Amz-Content-Sha256 says, in lower-case hex; "" where the
	// header is absent, and then the body has to be read to verify anything.
	Body string

	date    string // X-Amz-Date as it came
	headers string // SignedHeaders as it came
	claimed [sha256.Size]byte
}

// Scope is what a signing key is good for.
type Scope struct {
	Date    string // of the signature: yyyymmdd
	Region  string // any: clients sign for the region that they are set to
	Service string
}

// SigningKey is derived from a secret for one scope.
type SigningKey [sha256.Size]byte

// MaxSkew is how far the clocks of client and server may be apart. AWS allows
// five minutes.
const MaxSkew = 5 * time.Minute

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	amzDate    = "20060102T150405Z"
)

// Unsigned reports whether r has no signature at all, in no form.
func Unsigned(r *http.Request) bool {
	return len(r.Header["Authorization"]) == 0 && !presigned(r)
}

// presigned reports whether the signature is in the query, as in presigned URLs.
func presigned(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=")
}

// ParseSignature reads the signature of a request as a server receives it. The
// error is an *Error: MissingAuthenticationTokenException where there is none,
// InvalidSignatureException for forms that X-Ray has no use for (the body not
// signed, or signed in chunks), else IncompleteSignatureException.
func ParseSignature(r *http.Request) (*Signature, error) {
	authorization := r.Header["Authorization"]
	switch {
	case presigned(r):
		return nil, incomplete("signatures in the query, as in presigned URLs, are not accepted: sign the Authorization header")
	case len(authorization) == 0:
		return nil, denied(MissingAuthenticationTokenException, "Missing Authentication Token")
	case len(authorization) > 1:
		return nil, incomplete("there is more than one Authorization header")
	}
	var s Signature
	if err := s.parseAuthorization(authorization[0]); err != nil {
		return nil, err
	}
	if err := s.parseHeaders(r.Header); err != nil {
		return nil, err
	}
	return &s, nil
}

func (s *Signature) parseAuthorization(text string) error {
	rest, ok := strings.CutPrefix(text, algorithm)
	if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
		return incomplete("the Authorization header has to begin with '" + algorithm + "'")
	}
	var credential, signature string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var into *string
		switch name {
		case "Credential":
			into = &credential
		case "SignedHeaders":
			into = &s.headers
		case "Signature":
			into = &signature
		default:
			return incomplete(fmt.Sprintf("'%s' is no parameter of the Authorization header", name))
		}
		if *into != "" {
			return incomplete("the Authorization header has '" + name + "' twice")
		}
		*into = value
	}
	for _, parameter := range [...]struct{ name, value string }{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", s.headers}} {
		if parameter.value == "" {
			return incomplete("Authorization header requires '" + parameter.name + "' parameter.")
		}
	}
	if err := s.parseCredential(credential); err != nil {
		return err
	}
	if !lowerHex(signature) {
		return incomplete("'Signature' has to be 64 hexadecimal digits in lower case")
	}
	_, _ = hex.Decode(s.claimed[:], []byte(signature))
	return nil
}

func (s *Signature) parseCredential(credential string) error {
	var fields [5]string
	rest, more := credential, true
	for i := range fields {
		if !more {
			return incomplete("Credential must have exactly 5 slash-delimited elements: " + credential)
		}
		fields[i], rest, more = strings.Cut(rest, "/")
	}
	switch {
	case more:
		return incomplete("Credential must have exactly 5 slash-delimited elements: " + credential)
	case fields[0] == "" || fields[2] == "":
		return incomplete("Credential has an empty element: " + credential)
	case fields[4] != terminator:
		return denied(InvalidSignatureException, "Credential should be scoped with a valid terminator: '"+terminator+"', not '"+fields[4]+"'.")
	}
	s.AccessKeyID = fields[0]
	s.Scope = Scope{Date: fields[1], Region: fields[2], Service: fields[3]}
	return nil
}

func (s *Signature) parseHeaders(h http.Header) error {
	var date string
	for _, header := range [...]struct {
		name string
		into *string
	}{{"X-Amz-Date", &date}, {"X-Amz-Security-Token", &s.Token}, {"X-Amz-Content-Sha256", &s.Body}} {
		values := h[header.name]
		if len(values) > 1 {
			return incomplete("there is more than one " + header.name + " header")
		}
		if len(values) == 1 {
			*header.into = values[0]
		}
	}
	if date == "" {
		return incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
	}
	t, err := time.Parse(amzDate, date)
	if err != nil || len(date) != len(amzDate) {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '" + date + "'.")
	}
	s.date, s.Time = date, t
	if s.Scope.Date != date[:8] {
		return denied(InvalidSignatureException, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			s.Scope.Date+"' != '"+date[:8]+"'.")
	}
	if s.Body != "" && !lowerHex(s.Body) {
		return denied(InvalidSignatureException, "X-Amz-Content-Sha256 has to be the SHA-256 of the body in lower-case hexadecimal, not '"+s.Body+
			"': unsigned bodies and bodies signed in chunks are not accepted.")
	}
	return s.parseSignedHeaders()
}

// parseSignedHeaders holds the list against its rules: small letters, sorted,
// none twice, and in it what must not be changed on the way.
func (s *Signature) parseSignedHeaders() error {
	var host, date, token, body bool
	last := ""
	for name := range strings.SplitSeq(s.headers, ";") {
		if name <= last {
			return incomplete("'SignedHeaders' has to be a sorted list of different names: " + s.headers)
		}
		for i := range len(name) {
			if c := name[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' {
				return incomplete("'SignedHeaders' has to be a list of names in lower case: " + s.headers)
			}
		}
		switch name {
		case "host":
			host = true
		case "x-amz-date":
			date = true
		case "x-amz-security-token":
			token = true
		case "x-amz-content-sha256":
			body = true
		}
		last = name
	}
	missing := ""
	switch {
	case !host:
		missing = "Host"
	case !date:
		missing = "X-Amz-Date"
	case s.Token != "" && !token:
		missing = "X-Amz-Security-Token"
	case s.Body != "" && !body:
		missing = "X-Amz-Content-Sha256"
	default:
		return nil
	}
	return denied(InvalidSignatureException, "'"+missing+"' must be a 'SignedHeader' in the AWS Authorization.")
}

// Check says whether a signature made for this service is good now. The error
// is an *Error, InvalidSignatureException.
func (s *Signature) Check(service string, now time.Time) error {
	if s.Scope.Service != service {
		return denied(InvalidSignatureException, "Credential should be scoped to correct service: '"+service+"'.")
	}
	bound := ""
	switch skew := now.Sub(s.Time); {
	case skew > MaxSkew:
		bound = "Signature expired: " + s.date + " is now earlier than " + now.Add(-MaxSkew).UTC().Format(amzDate) + " (%s - 5 min.)"
	case skew < -MaxSkew:
		bound = "Signature not yet current: " + s.date + " is still later than " + now.Add(MaxSkew).UTC().Format(amzDate) + " (%s + 5 min.)"
	default:
		return nil
	}
	return denied(InvalidSignatureException, fmt.Sprintf(bound, now.UTC().Format(amzDate)))
}

// Key derives the key of the scope from a secret. It is the costly part of
// verifying, and the same all day: keep it.
func (s Scope) Key(secret string) (key SigningKey) {
	sum := []byte("AWS4" + secret)
	for _, part := range [...]string{s.Date, s.Region, s.Service, terminator} {
		h := hmac.New(sha256.New, sum)
		h.Write([]byte(part))
		sum = h.Sum(nil)
	}
	copy(key[:], sum)
	return key
}

// Verify says whether r, whose body has the SHA-256 body in lower-case hex, was
// signed with the key. The error is an *Error, InvalidSignatureException, and
// tells what should have been signed. Neither time nor scope are looked at.
func (s *Signature) Verify(r *http.Request, key *SigningKey, body string) error {
	if s.Body != "" && s.Body != body {
		return BodyChanged()
	}
	var room [2048]byte
	canonical, err := s.canonical(room[:0], r, body)
	if err != nil {
		return err
	}
	hashed := sha256.Sum256(canonical)

	var small [256]byte
	text := append(small[:0], algorithm+"\n"...)
	text = append(text, s.date...)
	text = append(text, '\n')
	text = append(text, s.Scope.Date...)
	text = append(text, '/')
	text = append(text, s.Scope.Region...)
	text = append(text, '/')
	text = append(text, s.Scope.Service...)
	text = append(text, "/"+terminator+"\n"...)
	text = hex.AppendEncode(text, hashed[:])

	h := hmac.New(sha256.New, key[:])
	h.Write(text)
	var sum [sha256.Size]byte
	if hmac.Equal(h.Sum(sum[:0]), s.claimed[:]) {
		return nil
	}
	return denied(InvalidSignatureException, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"+
		"The Canonical String for this request should have been\n'"+string(canonical)+"'\n\nThe String-to-Sign should have been\n'"+string(text)+"'\n")
}

// BodyChanged is the exception for a body that is not the one signed.
func BodyChanged() *Error {
	return denied(InvalidSignatureException, "The SHA-256 of the body is not what X-Amz-Content-Sha256 says.")
}

// canonical appends what of r is signed, in the one form that both ends agree
// on. Paths are not normalised: what has "//" or ".." in it is no operation's.
func (s *Signature) canonical(b []byte, r *http.Request, body string) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	if path := r.URL.EscapedPath(); path == "" {
		b = append(b, '/')
	} else {
		b = appendEscaped(b, path, true)
	}
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for name := range strings.SplitSeq(s.headers, ";") {
		b = append(b, name...)
		b = append(b, ':')
		var found bool
		if b, found = appendHeader(b, r, name); !found {
			return nil, denied(InvalidSignatureException, "the signed header '"+name+"' did not arrive")
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, s.headers...)
	b = append(b, '\n')
	return append(b, body...), nil
}

// appendHeader appends the values of a header: each without the spaces around
// it and with one for several in a row, all joined by commas.
func appendHeader(b []byte, r *http.Request, name string) ([]byte, bool) {
	switch name {
	case "host": // net/http takes it out of the headers
		return appendTrimmed(b, r.Host), r.Host != ""
	case "content-length": // and this one, at times
		if len(r.Header["Content-Length"]) == 0 && r.ContentLength >= 0 {
			return fmt.Appendf(b, "%d", r.ContentLength), true
		}
	}
	var room [64]byte
	values := r.Header[string(appendCanonicalName(room[:0], name))]
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, value)
	}
	return b, len(values) > 0
}

// appendCanonicalName writes a name in lower case as net/http does: X-Amz-Date.
func appendCanonicalName(b []byte, name string) []byte {
	first := true
	for i := range len(name) {
		c := name[i]
		if first && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		first = c == '-'
		b = append(b, c)
	}
	return b
}

func appendTrimmed(b []byte, value string) []byte {
	value = strings.TrimSpace(value)
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // the first is no space
			b = append(b, value[i])
		}
	}
	return b
}

// appendQuery appends the parameters of a query sorted, with both names and
// values escaped in one way. A plus is a plus: no client signs it as a space.
func appendQuery(b []byte, query string) []byte {
	if query == "" {
		return b
	}
	type parameter struct{ name, value []byte }
	var parameters []parameter
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		parameters = append(parameters, parameter{appendEscaped(nil, unescaped(name), false), appendEscaped(nil, unescaped(value), false)})
	}
	slices.SortFunc(parameters, func(x, y parameter) int {
		if c := bytes.Compare(x.name, y.name); c != 0 {
			return c
		}
		return bytes.Compare(x.value, y.value)
	})
	for i, p := range parameters {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// unescaped takes percent signs for themselves where they begin no escape.
func unescaped(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}

// appendEscaped appends s with everything escaped but letters, digits and -._~,
// and but slashes if they separate.
func appendEscaped(b []byte, s string, slashes bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/' && slashes:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// lowerHex reports whether s is a SHA-256 in lower-case hex. Upper case is
// refused so that there is one way to write a signature.
func lowerHex(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func incomplete(message string) *Error { return denied(IncompleteSignatureException, message) }

// denied is an exception for a caller who is not known, or may not. X-Ray: they
// all are 403.
func denied(name, message string) *Error {
	return &Error{Name: name, Status: http.StatusForbidden, Message: message}
}

// UnrecognizedClient is the exception for an access key or session token that
// nobody has.
func UnrecognizedClient() *Error {
	return denied(UnrecognizedClientException, "The security token included in the request is invalid.")
}

// ExpiredToken is the exception for a credential whose time is over.
func ExpiredToken() *Error {
	return denied(ExpiredTokenException, "The security token included in the request is expired")
}

// AccessDenied is the exception for a caller, by ARN, who may not do an action.
func AccessDenied(caller, action string) *Error {
	return denied(AccessDeniedException, "User: "+caller+" is not authorized to perform: "+action+" on resource: *")
}
