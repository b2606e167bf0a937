package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/server"
)

// ours is what a browser tells of a request from a page of the console.
func ours(r *http.Request) {
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
}

func proofOf(as *identity.Issued) string {
	text, err := json.Marshal(api.SignIn{AccessKeyID: as.AccessKeyID, SecretAccessKey: as.SecretAccessKey, SessionToken: as.SessionToken})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// session is the cookie of who signs in.
func (h *house) session(as *identity.Issued, change ...func(*http.Request)) *http.Cookie {
	h.t.Helper()
	got := h.ask(nil, "POST", api.SessionPath, proofOf(as), append([]func(*http.Request){ours}, change...)...)
	if got.status != 200 {
		h.t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) != 1 {
		h.t.Fatalf("signing in gives the cookies %v", cookies)
	}
	return cookies[0]
}

// signIn is session as what a browser does to each request from then on.
func (h *house) signIn(as *identity.Issued) func(*http.Request) {
	h.t.Helper()
	cookie := h.session(as)
	return func(r *http.Request) {
		r.AddCookie(cookie)
		ours(r)
	}
}

func signedInAs(t *testing.T, a answer) api.SignedIn {
	t.Helper()
	var is api.SignedIn
	if err := json.Unmarshal([]byte(a.body), &is); err != nil || a.status != 200 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return is
}

// TestSigningIn follows somebody from the door and back.
func TestSigningIn(t *testing.T) {
	var log bytes.Buffer
	h := openHouse(t, server.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, server.Quotas{}, "default", "a")
	as := h.add("a", "read", "xray:PutTraceSegments")
	if is := signedInAs(t, h.ask(nil, "GET", api.SessionPath, "")); !is.Needed || is.Session != nil {
		t.Errorf("before: %+v", is)
	}
	cookie := h.session(as)
	if cookie.Name != "tomo-session" || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 12*3600 {
		t.Errorf("the cookie is %s", cookie)
	}
	seated := h.signIn(as)
	is := signedInAs(t, h.ask(nil, "GET", api.SessionPath, "", seated))
	if s := is.Session; !is.Needed || s == nil || s.AccessKeyID != as.AccessKeyID || s.Name != "somebody" || s.Tenant != "a" || !slices.Equal(s.Actions, as.Actions) ||
		len(s.Allowed) != 23+2+1 || !slices.Contains(s.Allowed, "xray:PutTraceSegments") {
		t.Errorf("signed in: %+v", is.Session)
	} else if left := time.Until(time.UnixMilli(int64(s.Ends * 1000))); left > 12*time.Hour || left < 11*time.Hour {
		t.Errorf("it ends in %v", left)
	}
	for path, want := range map[string]int{api.LossesPath: 200, "/telemetry": 200, api.KeepRulesPath: 200, api.CredentialsPath: 403, "/metrics": 403} {
		if got := h.ask(nil, "GET", path, "", seated); got.status != want {
			t.Errorf("%s: %d %s, want %d", path, got.status, got.body, want)
		}
	}
	got := h.ask(nil, "DELETE", api.SessionPath, "", seated)
	if is := signedInAs(t, got); is.Session != nil || !strings.Contains(got.header.Get("Set-Cookie"), "tomo-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict") {
		t.Errorf("signing out: %+v %s", is, got.header.Get("Set-Cookie"))
	}
	if got := h.ask(nil, "GET", api.LossesPath, "", seated); got.status != 403 || got.exception() != api.ExpiredTokenException {
		t.Errorf("after signing out: %d %s", got.status, got.body)
	}
	if got := h.ask(nil, "GET", api.SessionPath, "", seated); signedInAs(t, got).Session != nil || !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("a cookie that is worth nothing stays: %v %s", got.header, got.body)
	}
	// Nothing of it is in the log.
	h.ask(nil, "POST", api.SessionPath, `{"AccessKeyId":"`+as.SecretAccessKey+`","SecretAccessKey":"`+as.AccessKeyID+`"}`, ours)
	for what, secret := range map[string]string{"a secret": as.SecretAccessKey, "a cookie": cookie.Value} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", what, log.String())
		}
	}
	if !strings.Contains(log.String(), `msg="somebody signed in" access_key=`+as.AccessKeyID+" tenant=a from=192.0.2.1") {
		t.Errorf("the log does not tell who signed in:\n%s", log.String())
	}
}

func TestSigningInIsRefused(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	as := h.add("default", "read")
	tests := []struct {
		what, body string
		change     func(*http.Request)
		want       string
	}{
		{"a wrong secret", strings.Replace(proofOf(as), as.SecretAccessKey, "x", 1), ours, "403 UnrecognizedClientException The security token included in the request is invalid."},
		{"nobody", `{"AccessKeyId":"x","SecretAccessKey":"x"}`, ours, "403 UnrecognizedClientException The security token included in the request is invalid."},
		{"no secret", `{"AccessKeyId":"x"}`, ours, "400 InvalidRequestException SecretAccessKey is required"},
		{"no key", `{"SecretAccessKey":"x"}`, ours, "400 InvalidRequestException AccessKeyId is required"},
		{"something else", `{"User":"x"}`, ours, `400 SerializationException the body cannot be read: json: unknown field "User"`},
		{"nothing", ``, ours, "400 SerializationException"},
		{"too much", strings.Repeat(" ", 5000), ours, "413 RequestEntityTooLargeException"},
		{"a form", proofOf(as), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, "415 UnsupportedMediaTypeException"},
		{"another site", proofOf(as), func(r *http.Request) { ours(r); r.Header.Set("Sec-Fetch-Site", "cross-site") }, "403 AccessDeniedException a page of another site asks"},
		{"another port", proofOf(as), func(r *http.Request) { ours(r); r.Header.Set("Sec-Fetch-Site", "same-site") }, "403 AccessDeniedException a page of another site asks"},
	}
	for _, test := range tests {
		got := h.ask(nil, "POST", api.SessionPath, test.body, test.change)
		var e struct{ Message string }
		_ = json.Unmarshal([]byte(got.body), &e)
		if text := fmt.Sprintf("%d %s %s", got.status, got.exception(), e.Message); !strings.HasPrefix(text, test.want) || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s %s, want %s", test.what, text, got.header.Get("Set-Cookie"), test.want)
		}
	}
	for range 9 {
		h.ask(nil, "POST", api.SessionPath, strings.Replace(proofOf(as), as.SecretAccessKey, "x", 1), ours)
	}
	if got := h.ask(nil, "POST", api.SessionPath, proofOf(as), ours); got.status != 429 || !strings.Contains(got.body, "Too many wrong secrets came from your address. Try again in 5 s.") {
		t.Errorf("after ten wrong secrets: %d %s", got.status, got.body)
	}
	open, _ := newServer(t, server.Options{})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", api.SessionPath, strings.NewReader(proofOf(as)))
	ours(r)
	if open.ServeHTTP(w, r); w.Code != 400 || !strings.Contains(w.Body.String(), "nobody signs in") {
		t.Errorf("without credentials: %d %s", w.Code, w.Body)
	}
	w = browse(open, "GET", api.SessionPath)
	if is := signedInAs(t, recorded(w)); is.Needed || is.Session != nil {
		t.Errorf("without credentials: %+v", is)
	}
}

// TestForeignPages: a cookie is worth something only in what pages of the
// console send.
func TestForeignPages(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	cookie := h.session(h.add("default", "admin"))
	const host = "example.com" // of httptest's requests
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i+1 < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	const kind, site, origin, mark = "Content-Type", "Sec-Fetch-Site", "Origin", api.ConsoleHeader
	tests := []struct {
		what   string
		change func(*http.Request)
		// Whether what is read, operations, and what the console changes are answered.
		reads, operation, page bool
	}{
		{"a page of ours", header(kind, "application/json", site, "same-origin", origin, "http://"+host), true, true, true},
		{"one of ours where browsers tell less", header(kind, "application/json", origin, "http://"+host), true, true, true},
		{"one of ours that reads where browsers tell nothing", header(mark, "1"), true, false, false},
		{"one of ours with the mark", header(site, "same-origin", mark, "1"), true, true, false}, // for want of the type
		{"an address that was typed", header(site, "none"), true, false, false},
		{"a link or picture of ours", header(site, "same-origin"), true, false, false},
		{"nothing is told", header(kind, "application/json"), false, false, false},
		{"another site", header(kind, "application/json", site, "cross-site", origin, "https://evil.example"), false, false, false},
		{"another site, marked", header(kind, "application/json", site, "cross-site", mark, "1"), false, false, false},
		{"another port or a host beside", header(kind, "application/json", site, "same-site"), false, false, false},
		{"another site's form", header(kind, "application/x-www-form-urlencoded", origin, "https://evil.example"), false, false, false},
		{"another site's form of text", header(kind, "text/plain", site, "cross-site"), false, false, false},
		{"a page of nowhere", header(kind, "application/json", origin, "null"), false, false, false},
		{"a form of ours that others made us send", header(kind, "text/plain", site, "same-origin", origin, "http://"+host), true, false, false},
		{"another origin, and the browser lies", header(kind, "application/json", site, "same-origin", origin, "http://"+host+":81"), false, false, false},
	}
	for _, test := range tests {
		for _, ask := range []struct {
			method, path, body string
			want               bool
		}{
			{"GET", api.LossesPath, "", test.reads},
			{"GET", api.SessionPath, "", test.reads},
			{"GET", api.KeepRulesPath, "", test.reads},
			{"GET", "/metrics", "", test.reads},
			{"GET", "/telemetry", "", test.reads},
			{"POST", "/Groups", "{}", test.operation},
			{"POST", "/TraceSegments", segments(`{"id":"x"}`), test.operation},
			{"POST", api.AskCompletion.Path, `{"Text":""}`, test.page},
			{"POST", api.CredentialsPath, `{"Actions":["none"]}`, test.page},
			{"PUT", api.KeepRulesPath, `{"Revision":7,"Rules":[]}`, test.page},
			{"DELETE", api.CredentialsPath, `{"AccessKeyIds":["x"]}`, test.page},
		} {
			got := h.ask(nil, ask.method, ask.path, ask.body, func(r *http.Request) { r.Header.Del("Content-Type"); r.AddCookie(cookie) }, test.change)
			if refused := got.status == 403 || got.status == 415; refused == ask.want || got.status == 401 || got.status >= 500 {
				t.Errorf("%s: %s %s: %d %s, want %v", test.what, ask.method, ask.path, got.status, got.body, ask.want)
			}
		}
	}
}

// TestCookies: only the cookie as it was given is worth something.
func TestCookies(t *testing.T) {
	h := openHouse(t, server.Options{SamplingTenant: "default"}, server.Quotas{}, "default")
	as := h.add("default", "read")
	cookie := h.session(as)
	with := func(header string) func(*http.Request) {
		return func(r *http.Request) { ours(r); r.Header.Set("Cookie", header) }
	}
	value := cookie.Value
	flipped := []byte(value)
	flipped[20] ^= 1
	tests := []struct {
		what, cookie string
		want         string // the exception
	}{
		{"as it was given", "tomo-session=" + value, ""},
		{"among others", "a=b; tomo-session=" + value + "; c=d", ""},
		{"changed", "tomo-session=" + string(flipped), api.ExpiredTokenException},
		{"shorter", "tomo-session=" + value[1:], api.ExpiredTokenException},
		{"longer", "tomo-session=" + value + "A", api.ExpiredTokenException},
		{"twice", "tomo-session=" + value + "; tomo-session=" + value, api.ExpiredTokenException},
		{"empty", "tomo-session=", api.ExpiredTokenException},
		{"the key itself", "tomo-session=" + as.SecretAccessKey, api.ExpiredTokenException},
		{"another name", "session=" + value, api.MissingAuthenticationTokenException},
		{"of another port", "tomo-session-2000=" + value, api.MissingAuthenticationTokenException},
		{"of TLS", "__Host-tomo-session=" + value, api.MissingAuthenticationTokenException},
		{"none", "", api.MissingAuthenticationTokenException},
	}
	for _, test := range tests {
		for _, ask := range [][2]string{{"POST", "/Groups"}, {"GET", api.LossesPath}} {
			if got := h.ask(nil, ask[0], ask[1], "{}", with(test.cookie)); got.exception() != test.want {
				t.Errorf("%s asks for %s: %d %s", test.what, ask[1], got.status, got.body)
			}
		}
	}
	// What everybody may ask for is not answered as to everybody.
	if got := h.ask(nil, "POST", "/GetSamplingRules", "{}", with("tomo-session=x")); got.exception() != api.ExpiredTokenException {
		t.Errorf("a session that has ended gets everybody's sampling rules: %d %s", got.status, got.body)
	}
	// A signature says more than a cookie.
	writer := h.add("default", "write")
	if got := h.ask(writer, "POST", "/Groups", "{}", with("tomo-session="+value)); got.exception() != api.AccessDeniedException {
		t.Errorf("signed by who may not, with the cookie of who may: %d %s", got.status, got.body)
	}
	// A password that a browser keeps does not stand in the way.
	if got := h.ask(nil, "POST", "/Groups", "{}", with("tomo-session="+value), func(r *http.Request) { r.SetBasicAuth("x", "y") }); got.status != 200 {
		t.Errorf("with a password beside it: %d %s", got.status, got.body)
	}
	if err := h.file.Remove([]string{as.AccessKeyID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := h.ask(nil, "POST", "/Groups", "{}", with("tomo-session="+value)); got.exception() != api.ExpiredTokenException {
		t.Errorf("after the credential was removed: %d %s", got.status, got.body)
	}
}

func TestCookieNames(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	as := h.add("default", "read")
	tests := []struct {
		host   string
		change func(*http.Request)
		name   string
		secure bool
	}{
		{"tomo.example", nil, "tomo-session", false},
		{"127.0.0.1:2000", nil, "tomo-session-2000", false},
		{"[::1]:2000", nil, "tomo-session-2000", false},
		{"[::1]", nil, "tomo-session", false},
		{"a:b;c", nil, "tomo-session", false},
		{"tomo.example:443", func(r *http.Request) { r.TLS = new(tls.ConnectionState) }, "__Host-tomo-session-443", true},
		{"tomo.example", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, "__Host-tomo-session", true},
	}
	for _, test := range tests {
		change := func(r *http.Request) {
			r.Host = test.host
			if test.change != nil {
				test.change(r)
			}
		}
		cookie := h.session(as, change)
		if cookie.Name != test.name || cookie.Secure != test.secure {
			t.Errorf("%s: %s", test.host, cookie)
		}
		if got := h.ask(nil, "POST", "/Groups", "{}", ours, change, func(r *http.Request) { r.AddCookie(cookie) }); got.status != 200 {
			t.Errorf("%s: %d %s", test.host, got.status, got.body)
		}
	}
}

// TestNobodyIsAskedTwice: a page of the console is told that nobody signed in
// without the browser's own question for a password.
func TestNobodyIsAskedTwice(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	for _, test := range []struct{ name, value, want string }{
		{"", "", "Basic"}, {"Sec-Fetch-Mode", "navigate", "Basic"}, {"Sec-Fetch-Mode", "cors", "Session"}, {"Sec-Fetch-Mode", "same-origin", "Session"}, {api.ConsoleHeader, "1", "Session"},
	} {
		for _, path := range []string{api.LossesPath, api.KeepRulesPath, api.CredentialsPath} {
			got := h.ask(nil, "GET", path, "", func(r *http.Request) { r.Header.Set(test.name, test.value) })
			if scheme, _, _ := strings.Cut(got.header.Get("WWW-Authenticate"), " "); got.status != 401 || scheme != test.want {
				t.Errorf("%s with %s %s: %d %s, want %s", path, test.name, test.value, got.status, scheme, test.want)
			}
		}
	}
}

// TestCredentials: who may sees, makes and removes those of their own tenant.
func TestCredentials(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default", "a")
	owner, reader, stranger := h.add("a", "admin"), h.add("a", "read"), h.add("default", "admin")
	keeper := h.add("a", "read", "tomo:PutCredentials")
	seated := map[*identity.Issued]func(*http.Request){owner: h.signIn(owner), reader: h.signIn(reader), stranger: h.signIn(stranger), keeper: h.signIn(keeper)}
	ask := func(as *identity.Issued, method, body string) answer {
		t.Helper()
		got := h.ask(nil, method, api.CredentialsPath, body, seated[as])
		for _, secret := range []string{owner.SecretAccessKey, reader.SecretAccessKey, stranger.SecretAccessKey} {
			if strings.Contains(got.body, secret) {
				t.Errorf("%s %s tells a secret: %s", method, body, got.body)
			}
		}
		return got
	}
	list := func(as *identity.Issued) (ids []string) {
		t.Helper()
		got := ask(as, "GET", "")
		var all api.Credentials
		if err := json.Unmarshal([]byte(got.body), &all); err != nil || got.status != 200 {
			t.Fatal(got, err)
		}
		if !all.Needed || all.File != h.file.Path() {
			t.Errorf("the list is %+v", all)
		}
		for _, c := range all.Credentials {
			if c.Yours != (c.AccessKeyID == as.AccessKeyID) || c.Created == 0 || len(c.Actions) == 0 {
				t.Errorf("%+v", c)
			}
			ids = append(ids, c.AccessKeyID)
		}
		return ids
	}
	if got, want := list(owner), []string{owner.AccessKeyID, reader.AccessKeyID, keeper.AccessKeyID}; !slices.Equal(got, want) {
		t.Errorf("a tenant sees %q, want %q", got, want)
	}

	// One is made, and works at once.
	got := ask(owner, "POST", `{"Name":"ci","Actions":["write"],"Lifetime":900}`)
	var made api.IssuedCredential
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || got.status != 200 {
		t.Fatal(got, err)
	}
	c := made.Credential
	if c.Name != "ci" || c.Tenant != "a" || !c.Temporary || c.Expires == nil || *c.Expires-c.Created != 900 || len(made.SecretAccessKey) != 40 || len(made.SessionToken) != 64 {
		t.Errorf("made %+v", made)
	}
	ci := &identity.Issued{Credential: identity.Credential{AccessKeyID: c.AccessKeyID}, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}
	if got := h.ask(ci, "POST", "/TraceSegments", segments(`{"trace_id":"1-6553f100-0123456789abcdef01234567","id":"a000000000000001","name":"shop","start_time":1700000000,"end_time":1700000001}`)); got.status != 200 {
		t.Errorf("the new one: %d %s", got.status, got.body)
	}
	// The file has it, as the command line sees.
	if kept, err := h.file.List(); err != nil || len(kept) != 6 {
		t.Errorf("the file has %d credentials, %v", len(kept), err)
	}
	signedInCI := h.signIn(ci)

	for _, test := range []struct {
		as           *identity.Issued
		method, body string
		want         string
	}{
		{reader, "GET", "", "403 User: arn:aws:iam::123456789012:user/a/somebody is not authorized to perform: tomo:GetCredentials"},
		{reader, "POST", `{"Actions":["read"]}`, "403 User: arn:aws:iam::123456789012:user/a/somebody is not authorized to perform: tomo:PutCredentials"},
		{reader, "DELETE", `{"AccessKeyIds":["` + owner.AccessKeyID + `"]}`, "403 User:"},
		{keeper, "POST", `{"Actions":["admin"]}`, "403 Actions: you may not do "},
		{keeper, "POST", `{"Actions":["read"]}`, "200"},
		{owner, "POST", `{"Actions":[]}`, "400 Actions: a credential without actions is good for nothing"},
		{owner, "POST", `{"Actions":["xray:Nothing"]}`, `400 Actions: "xray:Nothing" is neither a role`},
		{owner, "POST", `{"Name":"a b","Actions":["read"]}`, `400 Name: "a b" is not the name of a credential`},
		{owner, "POST", `{"Tenant":"default","Actions":["read"]}`, `400 the body cannot be read: json: unknown field "Tenant"`},
		{owner, "POST", `{"Actions":["read"],"Lifetime":899}`, "400 Lifetime is 899 seconds; it is from 900 (15 minutes) to 316224000"},
		{owner, "POST", `{"Actions":["read"],"Lifetime":9e18}`, "400 "},
		{owner, "POST", `{"Actions":["read"` + strings.Repeat(`,"read"`, 64) + `]}`, "400 Actions has 65 elements; the limit is 64"},
		{owner, "DELETE", `{}`, "400 AccessKeyIds names no credential"},
		{owner, "DELETE", `{"AccessKeyIds":["` + stranger.AccessKeyID + `"]}`, "400 there is no credential " + stranger.AccessKeyID},
		{stranger, "DELETE", `{"AccessKeyIds":["` + owner.AccessKeyID + `"]}`, "400 there is no credential " + owner.AccessKeyID},
		{keeper, "DELETE", `{"AccessKeyIds":["` + keeper.AccessKeyID + `","` + owner.AccessKeyID + `"]}`, "400 nobody could change credentials here any more"},
		{owner, "PUT", `{}`, "405"},
	} {
		got := ask(test.as, test.method, test.body)
		var e struct{ Message string }
		_ = json.Unmarshal([]byte(got.body), &e)
		if text := fmt.Sprintf("%d %s", got.status, e.Message); !strings.HasPrefix(text, test.want) {
			t.Errorf("%s %s: %s, want %s", test.method, test.body, text, test.want)
		}
	}

	if got := ask(owner, "DELETE", `{"AccessKeyIds":["`+c.AccessKeyID+`","`+reader.AccessKeyID+`"]}`); got.status != 200 || strings.Contains(got.body, c.AccessKeyID) {
		t.Errorf("removing: %d %s", got.status, got.body)
	}
	if got := h.ask(ci, "POST", "/TraceSegments", `{"TraceSegmentDocuments":["{}"]}`); got.exception() != api.UnrecognizedClientException {
		t.Errorf("a signature of one that was removed: %d %s", got.status, got.body)
	}
	if got := h.ask(nil, "POST", "/TraceSegments", `{"TraceSegmentDocuments":["{}"]}`, signedInCI); got.exception() != api.ExpiredTokenException {
		t.Errorf("a session of one that was removed: %d %s", got.status, got.body)
	}
}

// TestCredentialsOfNobody: the door is not closed from the browser.
func TestCredentialsOfNobody(t *testing.T) {
	s, _ := newServer(t, server.Options{})
	for _, test := range []struct{ method, body, want string }{
		{"GET", "", `200 {"Needed":false,"File":"","Credentials":[]}`},
		{"POST", `{"Actions":["admin"]}`, "400 "},
		{"DELETE", `{"AccessKeyIds":["x"]}`, "400 "},
	} {
		r := httptest.NewRequest(test.method, api.CredentialsPath, strings.NewReader(test.body))
		ours(r)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if text := fmt.Sprintf("%d %s", w.Code, w.Body); !strings.HasPrefix(text, test.want) {
			t.Errorf("%s: %s", test.method, text)
		}
	}
}

// TestEveryAnswerIsSafe: whatever is asked, how ever it ends.
func TestEveryAnswerIsSafe(t *testing.T) {
	h := openHouse(t, server.Options{}, server.Quotas{}, "default")
	as := h.add("default", "admin")
	s, _ := newServer(t, server.Options{})
	broken := server.New(func(context.Context, string) (*server.Services, error) { return nil, errors.New("broken") }, server.Options{})
	for _, from := range []*server.Server{h.server, s, broken} {
		for _, ask := range [][3]string{
			{"GET", "/", browser}, {"GET", "/traces", browser}, {"GET", "/sign-in", browser}, {"GET", "/assets/gone.js", ""}, {"POST", "/assets/gone.js", ""}, {"GET", "/nothing", browser}, {"GET", "/favicon.ico", ""},
			{"POST", "/Groups", ""}, {"GET", "/Groups", ""}, {"POST", "/TraceSegments", ""}, {"POST", "/Nothing", ""}, {"POST", "/", ""}, {"OPTIONS", "/Groups", ""}, {"TRACE", "/", ""},
			{"GET", "/healthz", ""}, {"GET", "/readyz", ""}, {"GET", "/version", ""}, {"POST", "/healthz", ""}, {"GET", "/metrics", ""}, {"GET", "/telemetry", ""}, {"GET", api.LossesPath, ""},
			{"GET", api.SessionPath, ""}, {"POST", api.SessionPath, ""}, {"GET", api.CredentialsPath, ""}, {"GET", api.KeepRulesPath, ""}, {"PATCH", api.KeepRulesPath, ""}, {"POST", api.AskAnalysis.Path, ""}, {"POST", api.AskCompletion.Path, ""},
		} {
			for _, secure := range []bool{false, true} {
				r := httptest.NewRequest(ask[0], ask[1], strings.NewReader(`{}`))
				r.Header.Set("Accept", ask[2])
				if r.TLS = nil; secure {
					r.TLS = new(tls.ConnectionState)
				}
				if from == h.server {
					sign(t, r, as, "xray", "{}")
				}
				w := httptest.NewRecorder()
				from.ServeHTTP(w, r)
				what := fmt.Sprintf("%s %s, %d", ask[0], ask[1], w.Code)
				for name, want := range map[string]string{
					"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
					"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
				} {
					if got := w.Header().Get(name); got != want {
						t.Errorf("%s: %s is %q", what, name, got)
					}
				}
				policies := w.Header()["Content-Security-Policy"]
				if len(policies) != 1 || !strings.HasPrefix(policies[0], "default-src 'none';") || !strings.Contains(policies[0], "frame-ancestors 'none'") || strings.Contains(policies[0], "unsafe") {
					t.Errorf("%s: the policy is %q", what, policies)
				}
				if got := w.Header().Get("Strict-Transport-Security"); (got != "") != secure {
					t.Errorf("%s: HSTS is %q", what, got)
				}
				if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
					t.Errorf("%s: other sites may read it", what)
				}
				if kind := w.Header().Get("Content-Type"); w.Body.Len() > 0 && kind == "" {
					t.Errorf("%s: there is no Content-Type", what)
				}
			}
		}
	}
}
