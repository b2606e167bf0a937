package api_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/api"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "SecretKeyForTestsOnly0000000000000000001"
)

var signedAt = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// read gives a request as a server reads it off the wire.
func read(t rapid.TB, wire string) (*http.Request, string) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatalf("%v\n%s", err, wire)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, hash(body)
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// verify is all that a server does with a signature.
func verify(r *http.Request, body, service string, now time.Time) error {
	s, err := api.ParseSignature(r)
	if err != nil {
		return err
	}
	if s.AccessKeyID != keyID {
		return api.UnrecognizedClient()
	}
	if err := s.Check(service, now); err != nil {
		return err
	}
	key := s.Scope.Key(secret)
	return s.Verify(r, &key, body)
}

// name is the name of the exception that err is.
func name(err error) string {
	var known *api.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Name
	default:
		return err.Error()
	}
}

// TestSignaturesOfClients verifies requests as clients send them, signed with
// the key and at the time of this file.
func TestSignaturesOfClients(t *testing.T) {
	tests := []struct{ client, service, wire string }{
		{"botocore", "xray", `POST /TraceSegments HTTP/1.1
Host: xray.eu-central-1.amazonaws.com
Content-Type: application/json
X-Amz-Date: 20260105T100000Z
amz-sdk-invocation-id: 7e0c3c0d-3c55-4c1c-9f6e-9a4e2f0f8a11
amz-sdk-request: attempt=1
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/eu-central-1/xray/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=aeaba2cb9ccc5a4a9b0936bc78876f826bb6bc9f6fed817adea68766966be214
Content-Length: 28

{"TraceSegmentDocuments":[]}`},
		{"botocore with a session token, a prefix and spaces", "xray", `POST /xray/TraceSummaries HTTP/1.1
Host: 127.0.0.1:2000
Content-Type: application/json
X-Amz-Meta:   a   b  
X-Amz-Date: 20260105T100000Z
X-Amz-Security-Token: FwoGZXIvYXdzEXAMPLE+/=
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/us-east-1/xray/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-meta;x-amz-security-token, Signature=9d985f496eb5155d47ede14c6cf26a6af9345a4049fd24d4e98ea72c219dc030
Content-Length: 48

{"StartTime": 1767607200, "EndTime": 1767607500}`},
		{"botocore asking STS", "sts", `POST / HTTP/1.1
Host: localhost:2000
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20260105T100000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/us-west-2/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=72d152437894e27183985cd220ee8dd44087f7c3b7cda20e83980f7243f5a11a
Content-Length: 43

Action=GetCallerIdentity&Version=2011-06-15`},
		{"botocore without body and type, with a query that is sorted already", "xray", `POST /Groups?a=0&a=1&b=%20x HTTP/1.1
Host: 127.0.0.1:2000
X-Amz-Date: 20260105T100000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/eu-central-1/xray/aws4_request,SignedHeaders=host;x-amz-date,Signature=e6f984c8aa9495fa96f558b38777740ce4de116ae2ea040f7a2abd87ea6842da
Content-Length: 0

`},
	}
	for _, test := range tests {
		t.Run(test.client, func(t *testing.T) {
			head, body, _ := strings.Cut(test.wire, "\n\n")
			r, sum := read(t, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body)
			if err := verify(r, sum, test.service, signedAt); err != nil {
				t.Error(err)
			}
		})
	}
	// The key of the first, as published with the reference values.
	key := api.Scope{Date: "20260105", Region: "eu-central-1", Service: "xray"}.Key(secret)
	if got := hex.EncodeToString(key[:]); got != "1b466244445fd9eaf947066dcd226079b86351ba9396a5831d62baffa604414e" {
		t.Errorf("the signing key is %s", got)
	}
}

// request describes a request to sign with the SDK for Go.
type request struct {
	method, host, path, query string
	headers                   [][2]string
	body, token               string
	sayHash                   bool // in X-Amz-Content-Sha256, as the SDK for JavaScript does
	service, region           string
}

// sign signs with the AWS SDK and writes the request to the wire.
func (q request) sign(t rapid.TB, at time.Time) string {
	t.Helper()
	u := &url.URL{Scheme: "http", Host: q.host, Path: q.path, RawQuery: q.query}
	r, err := http.NewRequest(q.method, u.String(), strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range q.headers {
		r.Header.Add(h[0], h[1])
	}
	if q.sayHash {
		r.Header.Set("X-Amz-Content-Sha256", hash([]byte(q.body)))
	}
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: q.token},
		r, hash([]byte(q.body)), q.service, q.region, at)
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return wire.String()
}

// TestSignaturesOfTheSDK holds Verify against the signer of the AWS SDK for Go.
func TestSignaturesOfTheSDK(t *testing.T) {
	value := rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?( {1,3}[a-z"]{1,3}){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		q := request{
			method:  rapid.SampledFrom([]string{"POST", "GET", "PUT"}).Draw(t, "method"),
			host:    rapid.SampledFrom([]string{"127.0.0.1:2000", "[::1]:2000", "xray.example", "xray.example:8443"}).Draw(t, "host"),
			path:    rapid.StringMatching(`(/[a-zA-Z0-9 _.~%&=+:@é日-]{1,8}){0,4}/?`).Draw(t, "path"),
			body:    rapid.String().Draw(t, "body"),
			token:   rapid.StringMatching(`([A-Za-z0-9+/=]{10,40})?`).Draw(t, "token"),
			sayHash: rapid.Bool().Draw(t, "says the hash"),
			service: rapid.SampledFrom([]string{"xray", "sts"}).Draw(t, "service"),
			region:  rapid.StringMatching(`[a-z]{2}-[a-z]{4,9}-[0-9]`).Draw(t, "region"),
		}
		if q.path == "" {
			q.path = "/"
		}
		// The SDK sorts before it escapes, the rule says after: names that begin
		// with different letters are in the same order both ways.
		values := url.Values{}
		for _, initial := range "abXY" {
			if rapid.Bool().Draw(t, "has") {
				values.Add(string(initial)+rapid.StringMatching(`[a-z ~%+/é-]{0,5}`).Draw(t, "name"), rapid.StringMatching(`[A-Za-z0-9 ~%+/é;&=-]{0,8}`).Draw(t, "value"))
			}
		}
		q.query = values.Encode()
		for _, header := range []string{"Content-Type", "X-Amz-User-Agent", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id", "X-Amzn-Xray-Timestamp", "X-Repeated", "X-Repeated"} {
			if rapid.Bool().Draw(t, "has") {
				q.headers = append(q.headers, [2]string{header, value.Draw(t, header)})
			}
		}
		wire := q.sign(t, signedAt)
		r, body := read(t, wire)
		if err := verify(r, body, q.service, signedAt.Add(time.Duration(rapid.Int64Range(-300, 300).Draw(t, "skew"))*time.Second)); err != nil {
			t.Fatalf("%v\n%s", err, wire)
		}
		key := api.Scope{Date: "20260105", Region: q.region, Service: q.service}.Key(secret + "x")
		s, err := api.ParseSignature(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(r, &key, body); name(err) != api.InvalidSignatureException {
			t.Fatalf("another secret: %v", err)
		}
	})
}

// TestMutatedRequests changes one thing that is signed in each of 10,000
// requests: all are refused.
func TestMutatedRequests(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 6))
	pick := func(from string) string {
		n := 1 + random.IntN(12)
		var b strings.Builder
		for range n {
			b.WriteByte(from[random.IntN(len(from))])
		}
		return b.String()
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	tried := map[string]int{}
	for tried["all"] < 10_000 {
		q := request{
			method: "POST", host: "127.0.0.1:2000", path: "/" + pick(letters), body: pick(letters + `{}":, `), service: "xray", region: "eu-central-1",
			headers: [][2]string{{"Content-Type", "application/json"}, {"X-Amz-User-Agent", pick(letters)}, {"X-Amzn-Xray-Timestamp", pick("0123456789")}},
			sayHash: random.IntN(2) == 0,
		}
		if random.IntN(2) == 0 {
			q.query = "b=" + pick(letters) + "&a=" + pick(letters)
		}
		if random.IntN(2) == 0 {
			q.token = pick(letters)
		}
		r, body := read(t, q.sign(t, signedAt))
		if err := verify(r, body, "xray", signedAt); err != nil {
			t.Fatal(err)
		}
		what, changed, changedBody := mutate(random, r, q, body)
		if !changed {
			continue
		}
		tried[what]++
		tried["all"]++
		if err := verify(r, changedBody, "xray", signedAt); err == nil {
			t.Fatalf("%s was changed and the request is taken: %v %v", what, r.URL, r.Header)
		}
	}
	if len(tried) != 11 {
		t.Errorf("not every kind of change was tried: %v", tried)
	}
}

// mutate changes one signed thing of r.
func mutate(random *rand.Rand, r *http.Request, q request, body string) (what string, changed bool, newBody string) {
	// other replaces, drops or adds one byte.
	other := func(s string) string {
		const from = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		c := string(from[random.IntN(len(from))])
		i := random.IntN(len(s))
		switch random.IntN(3) {
		case 0:
			return s[:i] + c + s[i+1:]
		case 1:
			return s[:i] + s[i+1:]
		default:
			return s[:i] + c + s[i:]
		}
	}
	header := func(name string) bool {
		was := r.Header.Get(name)
		r.Header.Set(name, other(was))
		return r.Header.Get(name) != was
	}
	newBody = body
	switch random.IntN(10) {
	case 0:
		what, was := "method", r.Method
		r.Method = []string{"GET", "PUT", "post", "PATCH"}[random.IntN(4)]
		return what, r.Method != was, body
	case 1:
		was := r.URL.Path
		r.URL.Path, r.URL.RawPath = "/"+other(was[1:]), ""
		return "path", r.URL.Path != was, body
	case 2:
		if q.query == "" {
			r.URL.RawQuery = "c=1"
			return "query", true, body
		}
		was := r.URL.Query().Encode()
		r.URL.RawQuery = other(r.URL.RawQuery)
		return "query", r.URL.Query().Encode() != was, body
	case 3:
		was := r.Host
		r.Host = other(was)
		return "host", r.Host != was, body
	case 4:
		name := []string{"Content-Type", "X-Amz-User-Agent", "X-Amzn-Xray-Timestamp", "Content-Length"}[random.IntN(4)]
		return "header", header(name), body
	case 5:
		name := []string{"Content-Type", "X-Amz-User-Agent", "X-Amz-Date", "X-Amzn-Xray-Timestamp"}[random.IntN(4)]
		if random.IntN(2) == 0 {
			r.Header.Del(name)
		} else {
			r.Header.Add(name, "another")
		}
		return "header", true, body
	case 6:
		if q.token == "" {
			r.Header.Set("X-Amz-Security-Token", "stolen")
			return "token", true, body
		}
		return "token", header("X-Amz-Security-Token"), body
	case 7:
		return "date", header("X-Amz-Date"), body
	case 8:
		was := q.body
		text := other(was)
		if random.IntN(4) == 0 && q.sayHash {
			return "stated hash", header("X-Amz-Content-Sha256"), body
		}
		return "body", text != was, hash([]byte(text))
	default:
		// Anywhere behind the name of the algorithm, but not only in the spaces.
		const prefix = "AWS4-HMAC-SHA256 "
		was := strings.TrimPrefix(r.Header.Get("Authorization"), prefix)
		text := other(was)
		r.Header.Set("Authorization", prefix+text)
		return "authorization", strings.ReplaceAll(text, " ", "") != strings.ReplaceAll(was, " ", ""), body
	}
}

// TestRefusedSignatures lists what is refused, and as what.
func TestRefusedSignatures(t *testing.T) {
	const good = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/eu-central-1/xray/aws4_request, SignedHeaders=content-type;host;x-amz-date, " +
		"Signature=aeaba2cb9ccc5a4a9b0936bc78876f826bb6bc9f6fed817adea68766966be214"
	swap := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			is := r.Header.Get("Authorization")
			if !strings.Contains(is, from) {
				panic(from)
			}
			r.Header.Set("Authorization", strings.Replace(is, from, to, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	query := func(q string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = q }
	}
	both := func(all ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, f := range all {
				f(r)
			}
		}
	}
	tests := []struct {
		what    string
		change  func(*http.Request)
		late    time.Duration
		want    string
		message string // part of it
	}{
		{"good", func(*http.Request) {}, 0, "", ""},
		{"five minutes late", func(*http.Request) {}, 5 * time.Minute, "", ""},
		{"five minutes early", func(*http.Request) {}, -5 * time.Minute, "", ""},
		{"later", func(*http.Request) {}, 301 * time.Second, api.InvalidSignatureException,
			"Signature expired: 20260105T100000Z is now earlier than 20260105T100001Z (20260105T100501Z - 5 min.)"},
		{"earlier", func(*http.Request) {}, -301 * time.Second, api.InvalidSignatureException,
			"Signature not yet current: 20260105T100000Z is still later than 20260105T095959Z (20260105T095459Z + 5 min.)"},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, 0, api.MissingAuthenticationTokenException, "Missing Authentication Token"},
		{"two of them", func(r *http.Request) { r.Header.Add("Authorization", good) }, 0, api.IncompleteSignatureException, "more than one"},
		{"presigned", both(query("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Signature=y"), func(r *http.Request) { r.Header.Del("Authorization") }), 0,
			api.IncompleteSignatureException, "presigned"},
		{"presigned as well", query("X-Amz-Signature=y"), 0, api.IncompleteSignatureException, "presigned"},
		{"unsigned payload", set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), 0, api.InvalidSignatureException, "unsigned bodies"},
		{"chunked", set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), 0, api.InvalidSignatureException, "in chunks"},
		{"chunked without a signature", set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), 0, api.InvalidSignatureException, "in chunks"},
		{"hash that is not signed", set("X-Amz-Content-Sha256", "10120bee7dd4682e743b2dd5c5f6dd016eb96c56de5f1f3a1b39e03a2259d574"), 0,
			api.InvalidSignatureException, "'X-Amz-Content-Sha256' must be a 'SignedHeader'"},
		{"token that is not signed", set("X-Amz-Security-Token", "token"), 0, api.InvalidSignatureException, "'X-Amz-Security-Token' must be a 'SignedHeader'"},
		{"bearer", set("Authorization", "Bearer abc"), 0, api.IncompleteSignatureException, "has to begin with 'AWS4-HMAC-SHA256'"},
		{"asymmetric", swap("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "), 0, api.IncompleteSignatureException, "has to begin with"},
		{"no credential", swap("Credential=AKIDEXAMPLE/20260105/eu-central-1/xray/aws4_request, ", ""), 0, api.IncompleteSignatureException, "requires 'Credential' parameter"},
		{"no headers", swap("SignedHeaders=content-type;host;x-amz-date, ", ""), 0, api.IncompleteSignatureException, "requires 'SignedHeaders' parameter"},
		{"no digits", swap(", Signature=aeaba2cb9ccc5a4a9b0936bc78876f826bb6bc9f6fed817adea68766966be214", ""), 0, api.IncompleteSignatureException, "requires 'Signature' parameter"},
		{"short", swap("966be214", "966be2"), 0, api.IncompleteSignatureException, "64 hexadecimal digits"},
		{"upper case", swap("aeaba2", "AEABA2"), 0, api.IncompleteSignatureException, "in lower case"},
		{"something else", swap("Credential=", "Creds=a, Credential="), 0, api.IncompleteSignatureException, "'Creds' is no parameter"},
		{"twice", swap("Signature=", "Signature=a, Signature="), 0, api.IncompleteSignatureException, "'Signature' twice"},
		{"four elements", swap("/xray/", "/"), 0, api.IncompleteSignatureException, "exactly 5"},
		{"six elements", swap("/xray/", "/xray/x/"), 0, api.IncompleteSignatureException, "exactly 5"},
		{"no region", swap("/eu-central-1/", "//"), 0, api.IncompleteSignatureException, "empty element"},
		{"another terminator", swap("aws4_request", "aws5_request"), 0, api.InvalidSignatureException, "valid terminator"},
		{"another service", swap("/xray/", "/s3/"), 0, api.InvalidSignatureException, "correct service: 'xray'"},
		{"another region", swap("eu-central-1", "eu-central-2"), 0, api.InvalidSignatureException, "does not match the signature you provided"},
		{"another day", swap("20260105", "20260104"), 0, api.InvalidSignatureException, "does not match YYYYMMDD"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, api.IncompleteSignatureException, "'X-Amz-Date'"},
		{"date in words", set("X-Amz-Date", "Mon, 05 Jan 2026 10:00:00 GMT"), 0, api.IncompleteSignatureException, "basic format"},
		{"date with a fraction", set("X-Amz-Date", "20260105T100000.5Z"), 0, api.IncompleteSignatureException, "basic format"},
		{"host not signed", swap("content-type;host;", "content-type;"), 0, api.InvalidSignatureException, "'Host' must be a 'SignedHeader'"},
		{"date not signed", swap(";x-amz-date", ""), 0, api.InvalidSignatureException, "'X-Amz-Date' must be a 'SignedHeader'"},
		{"not sorted", swap("content-type;host", "host;content-type"), 0, api.IncompleteSignatureException, "sorted"},
		{"same header twice", swap("host;", "host;host;"), 0, api.IncompleteSignatureException, "sorted"},
		{"header in capitals", swap("content-type", "Content-Type"), 0, api.IncompleteSignatureException, "lower case"},
		{"header that is not there", swap(";x-amz-date", ";x-absent;x-amz-date"), 0, api.InvalidSignatureException, "'x-absent' did not arrive"},
		{"another type", set("Content-Type", "text/plain"), 0, api.InvalidSignatureException, "The Canonical String for this request should have been\n'POST\n/TraceSegments\n\ncontent-type:text/plain\n"},
	}
	for _, test := range tests {
		r, body := read(t, "POST /TraceSegments HTTP/1.1\r\nHost: xray.eu-central-1.amazonaws.com\r\nContent-Type: application/json\r\n"+
			"X-Amz-Date: 20260105T100000Z\r\nAuthorization: "+good+"\r\nContent-Length: 28\r\n\r\n"+`{"TraceSegmentDocuments":[]}`)
		test.change(r)
		err := verify(r, body, "xray", signedAt.Add(test.late))
		if name(err) != test.want {
			t.Errorf("%s: %v, want %s", test.what, err, test.want)
		}
		if err != nil {
			if !strings.Contains(err.Error(), test.message) {
				t.Errorf("%s: %v, want %q in it", test.what, err, test.message)
			}
			if status := err.(*api.Error).Status; status != http.StatusForbidden {
				t.Errorf("%s: status %d", test.what, status)
			}
		}
		if got := api.Unsigned(r); got != (test.what == "no signature") {
			t.Errorf("%s: unsigned %v", test.what, got)
		}
	}
}

// FuzzSignature lets anything stand in the headers: it is refused, in bounds.
func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260105/eu-central-1/xray/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0a", 32),
		"20260105T100000Z", "", "", "/TraceSegments", "a=1")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature=", "2026", "token", "UNSIGNED-PAYLOAD", "/%zz", "%zz=%&=&+;")
	f.Fuzz(func(t *testing.T, authorization, date, token, body, path, query string) {
		r := &http.Request{Method: "POST", Host: "h", URL: &url.URL{Path: path, RawPath: path, RawQuery: query}, Header: http.Header{
			"Authorization": {authorization}, "X-Amz-Date": {date}, "X-Amz-Security-Token": {token}, "X-Amz-Content-Sha256": {body}}}
		s, err := api.ParseSignature(r)
		if err == nil {
			key := s.Scope.Key("another")
			err = s.Verify(r, &key, hash([]byte("{}")))
		}
		known, ok := err.(*api.Error)
		if !ok || known.Status != http.StatusForbidden {
			t.Fatalf("%v", err)
		}
		if size := len(authorization) + len(path) + len(query); len(known.Message) > 1000+10*(size+len(date)+len(token)+len(body)) {
			t.Fatalf("%d bytes became a message of %d", size, len(known.Message))
		}
	})
}

// BenchmarkSignature verifies a request of botocore; the body is hashed already
// and the key at hand.
func BenchmarkSignature(b *testing.B) {
	wire := request{method: "POST", host: "127.0.0.1:2000", path: "/TraceSegments", body: "{}", service: "xray", region: "eu-central-1",
		headers: [][2]string{{"Content-Type", "application/json"}}}.sign(b, signedAt)
	r, body := read(b, wire)
	key := api.Scope{Date: "20260105", Region: "eu-central-1", Service: "xray"}.Key(secret)
	b.ReportAllocs()
	for b.Loop() {
		s, err := api.ParseSignature(r)
		if err == nil {
			err = s.Check("xray", signedAt)
		}
		if err == nil {
			err = s.Verify(r, &key, body)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
