package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/server"
)

// house is a server that asks for credentials, with several tenants.
type house struct {
	t      testing.TB
	server *server.Server
	file   *identity.File
	guard  *identity.Guard
	clock  time.Time // of what clients sample
}

// openHouse makes one with the tenants. Quotas are those of each. The tenant a
// has insights.
func openHouse(t testing.TB, o server.Options, q server.Quotas, tenants ...string) *house {
	t.Helper()
	h := &house{t: t, file: identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil), clock: now}
	h.add("default", "admin")
	var err error
	if h.guard, err = identity.NewGuard(h.file, identity.Options{Every: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	services := map[string]*server.Services{}
	for _, name := range tenants {
		parts, _ := newParts(t, func(s *store) {
			if name == "a" {
				s.putInsights(t)
			}
		})
		parts.Quotas, parts.Now = q, func() time.Time { return h.clock }
		services[name] = server.NewServices(parts)
	}
	o.Guard = h.guard
	h.server = server.New(func(_ context.Context, tenant string) (*server.Services, error) {
		if services[tenant] == nil {
			return nil, &tomo.Error{Code: tomo.Unavailable, Message: "no tenant " + tenant}
		}
		return services[tenant], nil
	}, o)
	return h
}

// add makes a credential; the server knows it from its next request on.
func (h *house) add(tenant string, actions ...string) *identity.Issued {
	h.t.Helper()
	issued, err := h.file.Add(identity.Wish{Name: "somebody", Tenant: tenant, Actions: actions}, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return issued
}

// sign signs a request as the AWS SDK for Go does.
func sign(t testing.TB, r *http.Request, as *identity.Issued, service, body string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: as.AccessKeyID, SecretAccessKey: as.SecretAccessKey, SessionToken: as.SessionToken},
		r, hex.EncodeToString(sum[:]), service, "eu-west-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

// ask asks as somebody; nil is nobody.
func (h *house) ask(as *identity.Issued, method, path, body string, change ...func(*http.Request)) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if as != nil {
		service := "xray"
		if path == "/" {
			service = "sts"
		}
		sign(h.t, r, as, service, body)
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.server.ServeHTTP(w, r)
	return recorded(w)
}

// recorded is an answer as it comes over a wire, where the case of names does
// not matter.
func recorded(w *httptest.ResponseRecorder) answer {
	header := http.Header{}
	for name, values := range w.Result().Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return answer{w.Code, header, w.Body.String()}
}

// exception is its name, "" for a success.
func (a answer) exception() string { return a.header.Get("x-amzn-errortype") }

// TestTenantsRolesOperations walks all tenants, roles and operations, signed and
// by who signed in: what is allowed is what the actions say, and is done for the
// credential's own tenant.
func TestTenantsRolesOperations(t *testing.T) {
	tenants := []string{"default", "a", "team-b"}
	h := openHouse(t, server.Options{}, server.Quotas{}, tenants...)
	roles := map[string][]string{
		"read": {"read"}, "write": {"write"}, "both": {"read", "write"}, "admin": {"admin"},
		"one": {"xray:GetGroups"}, "pattern": {"xray:*Sampling*"}, "pages": {"tomo:GetConsole"},
	}
	allowed, denied := 0, 0
	for _, tenant := range tenants {
		for role, actions := range roles {
			as := h.add(tenant, actions...)
			cookie := h.signIn(as)
			told := signedInAs(t, h.ask(nil, "GET", api.SessionPath, "", cookie)).Session.Allowed
			for _, op := range api.Operations() {
				body, err := json.Marshal(example(op.Request()))
				if err != nil {
					t.Fatal(err)
				}
				// Pages offer what the session tells.
				if may := as.May("xray:" + op.Name); slices.Contains(told, "xray:"+op.Name) != may {
					t.Errorf("%s of %s may ask for %s: %v, and is told otherwise", role, tenant, op.Name, may)
				}
				signed := h.ask(as, "POST", op.Path, string(body))
				seated := h.ask(nil, "POST", op.Path, string(body), cookie)
				for how, got := range map[string]answer{"a signature": signed, "a session": seated} {
					if as.May("xray:" + op.Name) {
						allowed++
						if got.status == 403 || got.status == 429 || got.status >= 500 {
							t.Errorf("%s of %s asks for %s with %s: %d %s", role, tenant, op.Name, how, got.status, got.body)
						}
						continue
					}
					denied++
					user := "user/somebody"
					if tenant != "default" {
						user = "user/" + tenant + "/somebody"
					}
					message := fmt.Sprintf("User: arn:aws:iam::123456789012:%s is not authorized to perform: xray:%s on resource: *", user, op.Name)
					if got.status != 403 || got.exception() != "AccessDeniedException" || !strings.Contains(got.body, message) {
						t.Errorf("%s of %s asks for %s with %s: %d %s %s", role, tenant, op.Name, how, got.status, got.exception(), got.body)
					}
				}
			}
		}
	}
	for _, op := range api.Operations() {
		if got := h.ask(nil, "POST", op.Path, "{}"); got.status != 403 || got.exception() != "MissingAuthenticationTokenException" {
			t.Errorf("nobody asks for %s: %d %s", op.Name, got.status, got.body)
		}
	}
	// read 23, write 5, of which both have 3; 6 are about sampling.
	if want := 2 * len(tenants) * (23 + 5 + 25 + 38 + 1 + 6); allowed != want || allowed+denied != 2*len(tenants)*len(roles)*38 {
		t.Errorf("%d allowed and %d denied, want %d allowed", allowed, denied, want)
	}
}

// TestSessionsTellWhatPagesAllow walks tenants, roles and what the console asks
// beyond operations: a session tells beforehand what is refused.
func TestSessionsTellWhatPagesAllow(t *testing.T) {
	tenants := []string{"default", "a"}
	h := openHouse(t, server.Options{}, server.Quotas{}, tenants...)
	asks := []struct{ action, method, path, body string }{
		{identity.GetConsole, "GET", api.KeepRulesPath, ""},
		{identity.GetConsole, "GET", api.LossesPath, ""},
		{identity.PutConsole, "PUT", api.KeepRulesPath, `{"Revision":-1,"Rules":[]}`},
		{identity.GetCredentials, "GET", api.CredentialsPath, ""},
		{identity.PutCredentials, "POST", api.CredentialsPath, `{"Actions":["nothing"]}`},
		{identity.PutCredentials, "DELETE", api.CredentialsPath, `{"AccessKeyIds":["AKIA0000000000000000"]}`},
	}
	refused := 0
	for _, tenant := range tenants {
		for _, actions := range [][]string{{"read"}, {"write"}, {"read", "write"}, {"admin"}, {"tomo:Get*"}, {"tomo:PutConsole"}, {"tomo:*Credentials"}, {"xray:*"}} {
			cookie := h.signIn(h.add(tenant, actions...))
			told := signedInAs(t, h.ask(nil, "GET", api.SessionPath, "", cookie)).Session.Allowed
			for _, ask := range asks {
				got := h.ask(nil, ask.method, ask.path, ask.body, cookie)
				denied := got.exception() == api.AccessDeniedException
				if denied {
					refused++
				}
				if denied == slices.Contains(told, ask.action) {
					t.Errorf("%v of %s, told %v, asks %s %s: %d %s", actions, tenant, told, ask.method, ask.path, got.status, got.body)
				}
			}
		}
	}
	// read 4, write 6, both 4, admin none, Get* 3, PutConsole 5, Credentials 3, xray 6.
	if want := len(tenants) * (4 + 6 + 4 + 0 + 3 + 5 + 3 + 6); refused != want {
		t.Errorf("%d were refused, want %d", refused, want)
	}
}

// TestTenantsAreStrangers: whatever one tenant has, another gets the answers of
// a server on which the first never was.
func TestTenantsAreStrangers(t *testing.T) {
	const id = "1-6553f100-0123456789abcdef01234567"
	crowded := openHouse(t, server.Options{}, server.Quotas{}, "default", "a", "b")
	alone := openHouse(t, server.Options{}, server.Quotas{}, "default", "b")
	owner := crowded.add("a", "admin")

	// What the first has.
	do := func(path, body string) string {
		t.Helper()
		got := crowded.ask(owner, "POST", path, body)
		if got.status != 200 {
			t.Fatalf("%s %s: %d %s", path, body, got.status, got.body)
		}
		return got.body
	}
	do("/TraceSegments", segments(`{"trace_id":"`+id+`","id":"a000000000000001","name":"shop","start_time":1700000000,"end_time":1700000001,"annotations":{"k":"v"},"user":"ada"}`, `{"id":"refused"}`))
	var group struct{ Group struct{ GroupARN string } }
	if err := json.Unmarshal([]byte(do("/CreateGroup", `{"GroupName":"g","FilterExpression":"fault","Tags":[{"Key":"k","Value":"v"}]}`)), &group); err != nil {
		t.Fatal(err)
	}
	do("/CreateSamplingRule", `{"SamplingRule":{"RuleName":"r","ResourceARN":"*","Priority":1,"FixedRate":0.5,"ReservoirSize":5,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"*","Version":1}}`)
	do("/SamplingTargets", `{"SamplingStatisticsDocuments":[{"RuleName":"r","ClientID":"0123456789abcdef01234567","Timestamp":1700000001,"RequestCount":9,"SampledCount":5,"BorrowCount":0}]}`)
	do("/PutResourcePolicy", `{"PolicyName":"p","PolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"logs.amazonaws.com\"},\"Action\":\"xray:*\",\"Resource\":\"*\"}]}"}`)
	do("/UpdateTraceSegmentDestination", `{"Destination":"CloudWatchLogs"}`)
	do("/UpdateIndexingRule", `{"Name":"Default","Rule":{"Probabilistic":{"DesiredSamplingPercentage":7}}}`)
	do("/TelemetryRecords", `{"Hostname":"h","TelemetryRecords":[{"Timestamp":1700000001,"SegmentsSentCount":7}]}`)
	if got := crowded.ask(owner, "PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[{"Name":"k","Filter":"fault","Rate":0.5}]}`); got.status != 200 {
		t.Fatal(got)
	}
	var retrieval struct{ RetrievalToken string }
	if err := json.Unmarshal([]byte(do("/StartTraceRetrieval", `{"TraceIds":["`+id+`"],"StartTime":1699999000,"EndTime":1700001000}`)), &retrieval); err != nil {
		t.Fatal(err)
	}

	crowded.clock, alone.clock = now.Add(time.Minute), now.Add(time.Minute)
	const window = `"StartTime":1699999980,"EndTime":1700000100`
	token := `"RetrievalToken":"` + retrieval.RetrievalToken + `"`
	insight := `"InsightId":"` + insightPrefix + `01"`
	tests := []struct {
		method, path, body string
		empty              bool // for everybody, yet
	}{
		{"POST", "/Traces", `{"TraceIds":["` + id + `"]}`, false},
		{"POST", "/TraceSummaries", `{` + window + `}`, false},
		{"POST", "/TraceGraph", `{"TraceIds":["` + id + `"]}`, false},
		{"POST", "/ServiceGraph", `{` + window + `}`, false},
		{"POST", "/TimeSeriesServiceStatistics", `{` + window + `,"Period":60}`, false},
		{"POST", "/Groups", `{}`, false},
		{"POST", "/GetGroup", `{"GroupName":"g"}`, false},
		{"POST", "/GetGroup", `{"GroupARN":"` + group.Group.GroupARN + `"}`, false},
		{"POST", "/ListTagsForResource", `{"ResourceARN":"` + group.Group.GroupARN + `"}`, false},
		{"POST", "/GetSamplingRules", `{}`, false},
		{"POST", "/SamplingStatisticSummaries", `{}`, false},
		{"POST", "/SamplingTargets", `{"SamplingStatisticsDocuments":[{"RuleName":"r","ClientID":"1123456789abcdef01234567","Timestamp":1700000001,"RequestCount":9,"SampledCount":5,"BorrowCount":0}]}`, false},
		{"POST", "/ListResourcePolicies", `{}`, false},
		{"POST", "/GetTraceSegmentDestination", `{}`, false},
		{"POST", "/GetIndexingRules", `{}`, false},
		{"POST", "/ListRetrievedTraces", `{` + token + `}`, false},
		{"POST", "/GetRetrievedTracesGraph", `{` + token + `}`, false},
		{"POST", "/EncryptionConfig", `{}`, true},
		{"POST", "/InsightSummaries", `{` + window + `,"GroupName":"g"}`, false},
		{"POST", "/InsightSummaries", `{"StartTime":1699900000,"EndTime":1700000100,"GroupName":"Default"}`, false},
		{"POST", "/Insight", `{` + insight + `}`, false},
		{"POST", "/InsightEvents", `{` + insight + `}`, false},
		{"POST", "/InsightImpactGraph", `{` + insight + `,` + window + `}`, false},
		{"GET", api.LossesPath, "", false},
		{"GET", "/telemetry", "", false},
		{"GET", api.KeepRulesPath, "", false},
		{"POST", api.KeepTestPath, `{"TraceId":"` + id + `"}`, false},
		{"POST", api.KeepPreviewPath, `{` + window + `}`, false},
	}
	strangers := map[*house]*identity.Issued{crowded: crowded.add("b", "admin"), alone: alone.add("b", "admin")}
	asked := map[string]bool{}
	for _, test := range tests {
		asked[test.path] = true
		say := func(h *house, as *identity.Issued) string {
			got := h.ask(as, test.method, test.path, test.body)
			return fmt.Sprintf("%d %s %s", got.status, got.exception(), got.body)
		}
		near, far := say(crowded, strangers[crowded]), say(alone, strangers[alone])
		seated := crowded.ask(nil, test.method, test.path, test.body, crowded.signIn(strangers[crowded]))
		if got := fmt.Sprintf("%d %s %s", seated.status, seated.exception(), seated.body); got != near && test.path != "/SamplingTargets" {
			t.Errorf("%s %s by who signed in\n%s", test.path, test.body, cmp.Diff(near, got))
		}
		if near != far {
			t.Errorf("%s %s beside another tenant\n%s", test.path, test.body, cmp.Diff(far, near))
		}
		if own := say(crowded, owner); (own == near) != test.empty {
			t.Errorf("%s %s does not tell the owner from a stranger: %s", test.path, test.body, own)
		}
	}
	for _, op := range api.Operations() {
		if reads := regexp.MustCompile(`^(Get|BatchGet|List)`).MatchString(op.Name); reads && !asked[op.Path] {
			t.Errorf("%s was not asked", op.Name)
		}
	}
}

// TestRefusedWithoutReading: what the head of a request tells is enough to
// refuse it.
func TestRefusedWithoutReading(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{Segments: 1, Change: 1e-9}, "default")
	writer := h.add("default", "write")
	stranger := *writer
	stranger.AccessKeyID = "TOMOAAAAAAAAAAAAAAAA"
	forger := *writer
	forger.SecretAccessKey += "x"
	admin := h.add("default", "admin")
	if got := h.ask(admin, "POST", "/CreateGroup", `{"GroupName":"g","FilterExpression":"fault"}`); got.status != 200 {
		t.Fatal(got)
	}
	sayHash := func(r *http.Request) {
		sum := sha256.Sum256(nil)
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	tests := []struct {
		what   string
		as     *identity.Issued
		path   string
		before func(*http.Request)
		want   string
	}{
		{"no signature", nil, "/TraceSegments", nil, "MissingAuthenticationTokenException"},
		{"unknown key", &stranger, "/TraceSegments", nil, "UnrecognizedClientException"},
		{"not allowed, as the head proves", writer, "/Groups", sayHash, "AccessDeniedException"},
		{"wrong secret, as the head proves", &forger, "/TraceSegments", sayHash, "InvalidSignatureException"},
		{"over the quota", admin, "/CreateGroup", nil, "ThrottledException"},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", test.path, untouchable{t})
		r.ContentLength = 1000
		if test.before != nil {
			test.before(r)
		}
		if test.as != nil {
			sign(t, r, test.as, "xray", "")
		}
		w := httptest.NewRecorder()
		h.server.ServeHTTP(w, r)
		if got := recorded(w).exception(); got != test.want {
			t.Errorf("%s: %d %s", test.what, w.Code, w.Body)
		}
	}
}

// untouchable is a body that must not be read.
type untouchable struct{ t testing.TB }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// TestBodiesAreVerified: the signature is about the bytes that came, packed or
// not, of known length or not.
func TestBodiesAreVerified(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	as := h.add("default", "admin")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, `{"GroupName":"Default"}`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	gzipped := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	unknown := func(r *http.Request) { r.ContentLength = -1; r.Header.Del("Content-Length") }
	instead := func(body string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(body))
			r.ContentLength = int64(len(body))
		}
	}
	tests := []struct {
		what, path, body string
		before, after    func(*http.Request)
		want             string
	}{
		{"plain", "/GetGroup", `{"GroupName":"Default"}`, nil, nil, ""},
		{"of unknown length", "/GetGroup", `{"GroupName":"Default"}`, unknown, nil, ""},
		{"packed", "/GetGroup", packed.String(), gzipped, nil, ""},
		{"none", "/Groups", "", nil, nil, ""},
		{"another", "/GetGroup", `{"GroupName":"Default"}`, unknown, instead(`{"GroupName":"default"}`), "InvalidSignatureException"},
		{"none any more", "/Groups", `{}`, unknown, instead(""), "InvalidSignatureException"},
		{"one instead of none", "/Groups", "", unknown, instead("{}"), "InvalidSignatureException"},
		{"packed, and something behind it", "/GetGroup", packed.String(), func(r *http.Request) { gzipped(r); unknown(r) },
			instead(packed.String() + packed.String()), "InvalidSignatureException"},
		{"wrong and not JSON", "/GetGroup", "{", unknown, instead("}"), "InvalidSignatureException"},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", test.path, strings.NewReader(test.body))
		if test.before != nil {
			test.before(r)
		}
		sign(t, r, as, "xray", test.body)
		if test.after != nil {
			test.after(r)
		}
		w := httptest.NewRecorder()
		h.server.ServeHTTP(w, r)
		if got := recorded(w).exception(); got != test.want {
			t.Errorf("%s: %d %s", test.what, w.Code, w.Body)
		}
	}
}

// TestUnsignedSampling: the two calls that X-Ray SDKs send to a daemon are
// answered for the tenant that the operator names, and for nobody else.
func TestUnsignedSampling(t *testing.T) {
	ruby := &identity.Issued{Credential: identity.Credential{AccessKeyID: "dummy"}, SecretAccessKey: "dummy"}
	const targets = `{"SamplingStatisticsDocuments":[]}`
	for _, tenant := range []string{"", "b"} {
		h := openHouse(t, server.Options{SamplingTenant: tenant}, server.Quotas{}, "default", "a", "b")
		a := h.add("a", "admin")
		if got := h.ask(h.add("b", "admin"), "POST", "/CreateSamplingRule", `{"SamplingRule":{"RuleName":"of-b","ResourceARN":"*","Priority":1,"FixedRate":0.5,"ReservoirSize":5,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"*","Version":1}}`); got.status != 200 {
			t.Fatal(got)
		}
		forger := *a
		forger.SecretAccessKey += "x"
		for _, test := range []struct {
			as            *identity.Issued
			path, body    string
			without, with string // the exception, or part of the answer
		}{
			{nil, "/GetSamplingRules", "", "MissingAuthenticationTokenException", "of-b"},
			{nil, "/SamplingTargets", targets, "MissingAuthenticationTokenException", "SamplingTargetDocuments"},
			{ruby, "/GetSamplingRules", "{}", "UnrecognizedClientException", "of-b"},
			{ruby, "/SamplingTargets", targets, "UnrecognizedClientException", "SamplingTargetDocuments"},
			{a, "/GetSamplingRules", "{}", `"Default"`, `"Default"`},
			{&forger, "/GetSamplingRules", "{}", "InvalidSignatureException", "InvalidSignatureException"},
			{nil, "/SamplingStatisticSummaries", "{}", "MissingAuthenticationTokenException", "MissingAuthenticationTokenException"},
			{ruby, "/Groups", "{}", "UnrecognizedClientException", "UnrecognizedClientException"},
			{nil, "/TraceSegments", segments(segment), "MissingAuthenticationTokenException", "MissingAuthenticationTokenException"},
		} {
			want := test.without
			if tenant != "" {
				want = test.with
			}
			got := h.ask(test.as, "POST", test.path, test.body)
			if (got.exception() != "") != strings.HasSuffix(want, "Exception") || !strings.Contains(got.body, want) {
				t.Errorf("for %q %s: %d %s, want %s", tenant, test.path, got.status, got.body, want)
			}
			if test.as == a && strings.Contains(got.body, "of-b") {
				t.Errorf("a sees the rules of b: %s", got.body)
			}
		}
	}
}

func TestPagesAskToo(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := openHouse(t, server.Options{Metrics: registry}, server.Quotas{}, "default", "a")
	reader, stranger, writer := h.add("default", "read"), h.add("a", "admin"), h.add("default", "write")
	temporary, err := h.file.Add(identity.Wish{Actions: []string{"admin"}, Lifetime: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	password := func(as *identity.Issued, more string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(as.AccessKeyID, as.SecretAccessKey+more) }
	}
	none := func(*http.Request) {}
	tests := []struct {
		as     *identity.Issued
		path   string
		change func(*http.Request)
		status int
		want   string // exception
	}{
		{nil, "/healthz", none, 200, ""},
		{nil, "/readyz", none, 200, ""},
		{nil, "/version", none, 200, ""},
		{nil, "/metrics", none, 401, "MissingAuthenticationTokenException"},
		{nil, api.LossesPath, none, 401, "MissingAuthenticationTokenException"},
		{nil, "/telemetry", none, 401, "MissingAuthenticationTokenException"},
		{nil, api.KeepRulesPath, none, 401, "MissingAuthenticationTokenException"},
		{reader, api.KeepRulesPath, none, 200, ""},
		{writer, api.KeepRulesPath, none, 403, "AccessDeniedException"},
		{reader, "/metrics", none, 200, ""},
		{reader, api.LossesPath, none, 200, ""},
		{stranger, api.LossesPath, none, 200, ""},
		{stranger, "/metrics", none, 403, "AccessDeniedException"}, // it is about all tenants
		{writer, "/metrics", none, 403, "AccessDeniedException"},
		{writer, api.LossesPath, none, 403, "AccessDeniedException"},
		{reader, api.LossesPath, func(r *http.Request) { r.URL.RawQuery = "a=b" }, 403, "InvalidSignatureException"},
		{nil, "/metrics", password(reader, ""), 200, ""},
		{nil, api.LossesPath, password(stranger, ""), 200, ""},
		{nil, "/metrics", password(reader, "x"), 403, "UnrecognizedClientException"},
		{nil, "/metrics", password(temporary, ""), 403, "UnrecognizedClientException"},
		{nil, "/metrics", password(writer, ""), 403, "AccessDeniedException"},
		{temporary, "/metrics", none, 200, ""},
	}
	for _, test := range tests {
		got := h.ask(test.as, "GET", test.path, "", test.change)
		if got.status != test.status || got.exception() != test.want || (got.header.Get("WWW-Authenticate") != "") != (test.status == 401) {
			t.Errorf("%s: %d %s, want %d %s: %v", test.path, got.status, got.exception(), test.status, test.want, got.header)
		}
	}
	for as, want := range map[*identity.Issued]int{reader: 403, writer: 403, stranger: 200} {
		if got := h.ask(as, "PUT", api.KeepRulesPath, `{"Revision":0,"Rules":[]}`); got.status != want {
			t.Errorf("setting keep rules: %d %s, want %d", got.status, got.body, want)
		}
	}
	// A password is not for operations.
	if got := h.ask(nil, "POST", "/Groups", "{}", password(reader, "")); got.exception() != "IncompleteSignatureException" {
		t.Errorf("an operation by password: %d %s", got.status, got.body)
	}
}

func TestCallerIdentity(t *testing.T) {
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	type said struct {
		ARN, User, Account string
		Code               string
	}
	read := func(got answer) said {
		var body struct {
			XMLName xml.Name
			ARN     string `xml:"GetCallerIdentityResult>Arn"`
			User    string `xml:"GetCallerIdentityResult>UserId"`
			Account string `xml:"GetCallerIdentityResult>Account"`
			Code    string `xml:"Error>Code"`
			ID1     string `xml:"ResponseMetadata>RequestId"`
			ID2     string `xml:"RequestId"`
		}
		if err := xml.Unmarshal([]byte(got.body), &body); err != nil {
			t.Errorf("%s: %v", got.body, err)
		}
		if body.XMLName.Space != "https://sts.amazonaws.com/doc/2011-06-15/" || got.header.Get("Content-Type") != "text/xml" || body.ID1+body.ID2 != got.header.Get("x-amzn-RequestId") {
			t.Errorf("%v %s", got.header, got.body)
		}
		return said{body.ARN, body.User, body.Account, body.Code}
	}

	everybody, _ := newServer(t, server.Options{Account: "210987654321"})
	w := httptest.NewRecorder()
	everybody.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(form)))
	if got := read(recorded(w)); got != (said{"arn:aws:iam::210987654321:root", "210987654321", "210987654321", ""}) || w.Code != 200 {
		t.Errorf("without credentials: %d %+v", w.Code, got)
	}

	h := openHouse(t, server.Options{Prefix: "/xray"}, server.Quotas{}, "default", "team-a")
	somebody := h.add("team-a", "xray:GetGroups")
	want := said{"arn:aws:iam::123456789012:user/team-a/somebody", somebody.AccessKeyID, "123456789012", ""}
	if got := h.ask(somebody, "POST", "/", form); read(got) != want || got.status != 200 {
		t.Errorf("%+v", read(got))
	}
	forger, stranger := *somebody, *somebody
	forger.SecretAccessKey += "x"
	stranger.AccessKeyID += "X"
	for _, test := range []struct {
		as     *identity.Issued
		body   string
		change func(*http.Request)
		status int
		code   string
	}{
		{nil, form, nil, 403, "MissingAuthenticationToken"},
		{&forger, form, nil, 403, "SignatureDoesNotMatch"},
		{&stranger, form, nil, 403, "InvalidClientTokenId"},
		{somebody, form, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, 400, "IncompleteSignature"},
		{somebody, "Action=AssumeRole&Version=2011-06-15", nil, 400, "InvalidAction"},
		{somebody, "Action=%zz", nil, 400, "MalformedQueryString"},
		{somebody, strings.Repeat("a", 5000), nil, 413, "RequestEntityTooLarge"},
	} {
		change := test.change
		if change == nil {
			change = func(*http.Request) {}
		}
		if got := h.ask(test.as, "POST", "/", test.body, change); got.status != test.status || read(got).Code != test.code {
			t.Errorf("%s: %d %s, want %d %s", test.body, got.status, got.body, test.status, test.code)
		}
	}
}

// BenchmarkRefused is what a request costs that is refused: by its key, by its
// quota, by its actions and, the dearest, by the hash of its body of 75 kB.
func BenchmarkRefused(b *testing.B) {
	h := &house{t: b, file: identity.NewFile(filepath.Join(b.TempDir(), "credentials.json"), nil)}
	writer, reader := h.add("default", "write"), h.add("default", "read")
	stranger, forger := *writer, *writer
	stranger.AccessKeyID = "TOMOAAAAAAAAAAAAAAAA"
	forger.SecretAccessKey += "x"
	var err error
	if h.guard, err = identity.NewGuard(h.file, identity.Options{}); err != nil {
		b.Fatal(err)
	}
	body := segments(strings.Repeat(" ", 75_000))
	for _, bench := range []struct {
		name   string
		as     *identity.Issued
		quotas server.Quotas
		status int
	}{
		{"key", &stranger, server.Quotas{}, 403},
		{"quota", writer, server.Quotas{Put: 1e-9}, 429},
		{"action", reader, server.Quotas{}, 403},
		{"signature", &forger, server.Quotas{}, 403},
		{"accepted", writer, server.Quotas{}, 200},
	} {
		b.Run(bench.name, func(b *testing.B) {
			services := server.NewServices(server.Parts{Pipeline: ingest.New(sink{}, ingest.Options{}), Quotas: bench.quotas})
			s := server.New(alone(services), server.Options{Guard: h.guard})
			reader := strings.NewReader(body)
			r := httptest.NewRequest("POST", "/TraceSegments", reader)
			sign(b, r, bench.as, "xray", body)
			ask := func() int {
				reader.Reset(body)
				r.Body = io.NopCloser(reader)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				return w.Code
			}
			ask() // the one that the quota lets through
			b.ReportAllocs()
			for b.Loop() {
				if status := ask(); status != bench.status {
					b.Fatal(status)
				}
			}
		})
	}
}

// TestOtherSites: what a browser is told to send by the page of another site is
// not done, whoever sits before it.
func TestOtherSites(t *testing.T) {
	s, _ := newServer(t, server.Options{})
	tests := []struct {
		header, value string
		status        int
	}{
		{"", "", 200},
		{"Sec-Fetch-Site", "same-origin", 200},
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Origin", "http://example.com", 200}, // the server's own
		{"Origin", "https://shop.example", 403},
	}
	for _, test := range tests {
		for method, path := range map[string]string{"POST": "/Groups", "PUT": api.KeepRulesPath} {
			r := httptest.NewRequest(method, path, strings.NewReader("{}"))
			r.Header.Set(test.header, test.value)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := recorded(w); got.status != test.status && (method == "POST" || test.status == 403) {
				t.Errorf("%s with %s %s: %d %s", path, test.header, test.value, got.status, got.body)
			}
		}
	}
}
