package identity_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/internal/testkit"
)

var now = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

func TestMay(t *testing.T) {
	tests := []struct {
		actions []string
		action  string
		want    bool
	}{
		{[]string{"xray:PutTraceSegments"}, "xray:PutTraceSegments", true},
		{[]string{"xray:PutTraceSegments"}, "xray:PutTelemetryRecords", false},
		{[]string{"xray:PutTraceSegments"}, "xray:PutTraceSegmentsToo", false},
		{[]string{"XRAY:puttracesegments"}, "xray:PutTraceSegments", true},
		{[]string{"xray:Get*"}, "xray:GetGroups", true},
		{[]string{"xray:Get*"}, "xray:BatchGetTraces", false},
		{[]string{"xray:*Group?"}, "xray:GetGroups", true},
		{[]string{"xray:*Group?"}, "xray:GetGroup", false},
		{[]string{"xray:*"}, "tomo:GetMetrics", false},
		{[]string{"*"}, "tomo:GetMetrics", true},
		{[]string{"xray:GetGroup", "xray:Delete*"}, "xray:DeleteGroup", true},
		{[]string{"read"}, "xray:BatchGetTraces", true},
		{[]string{"read"}, "xray:PutTraceSegments", false},
		{[]string{"read"}, "tomo:GetConsole", true},
		{[]string{"read"}, "tomo:PutConsole", false},
		{[]string{"write"}, "xray:PutTraceSegments", true},
		{[]string{"write"}, "xray:GetSamplingTargets", true},
		{[]string{"write"}, "xray:GetTraceSummaries", false},
		{[]string{"read", "write"}, "xray:PutTraceSegments", true},
		{[]string{"admin"}, "xray:PutEncryptionConfig", true},
		{[]string{"xray:*a*e*e*g*"}, "xray:PutTraceSegments", true},
		{[]string{"xray:*a*e*e*g*"}, "xray:" + strings.Repeat("ae", 20_000), false}, // and soon
	}
	file := identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil)
	for _, test := range tests {
		made, err := file.Add(identity.Wish{Actions: test.actions}, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := made.May(test.action); got != test.want {
			t.Errorf("%q may %s: %v, want %v", test.actions, test.action, got, test.want)
		}
	}
}

// TestRolesCoverEverything: every operation is somebody's, and only admin has all.
func TestRolesCoverEverything(t *testing.T) {
	file := identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil)
	allowed := map[string]int{}
	for _, role := range []string{"read", "write", "admin"} {
		made, err := file.Add(identity.Wish{Actions: []string{role}}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range identity.Actions() {
			if made.May(action) {
				allowed[role]++
			}
		}
	}
	if all := len(identity.Actions()); all != 43 || allowed["admin"] != all || allowed["write"] != 5 || allowed["read"] != 23+2 {
		t.Errorf("of %d actions %v are allowed", all, allowed)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		wish identity.Wish
		want string // of the error
	}{
		{identity.Wish{Actions: []string{"read"}, Name: "ci", Tenant: "team-a"}, ""},
		{identity.Wish{}, "a credential without actions is good for nothing"},
		{identity.Wish{Actions: []string{"xray:GetTrace"}}, `"xray:GetTrace" is neither a role (read, write, admin) nor does any action match it`},
		{identity.Wish{Actions: []string{"Admin"}}, `"Admin" is neither`},
		{identity.Wish{Actions: []string{"read"}, Tenant: "../a"}, `"../a" is not the name of a tenant`},
		{identity.Wish{Actions: []string{"read"}, Tenant: "A"}, `"A" is not the name of a tenant`},
		{identity.Wish{Actions: []string{"read"}, Tenant: "-a"}, `"-a" is not the name of a tenant`},
		{identity.Wish{Actions: []string{"read"}, Tenant: strings.Repeat("a", 64)}, "up to 63"},
		{identity.Wish{Actions: []string{"read"}, Tenant: strings.Repeat("a", 63)}, ""},
		{identity.Wish{Actions: []string{"read"}, Name: "a b"}, `"a b" is not the name of a credential`},
		{identity.Wish{Actions: []string{"read"}, Lifetime: -1}, "cannot end 1ns ago"},
	}
	for _, test := range tests {
		_, err := identity.NewFile(filepath.Join(t.TempDir(), "c"), nil).Add(test.wish, now)
		if test.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.wish, err, test.want)
		}
	}
}

// TestFile follows credentials through their lives.
func TestFile(t *testing.T) {
	for _, key := range []*identity.Key{nil, {1, 2, 3}} {
		path := filepath.Join(t.TempDir(), "new", "credentials.json")
		file := identity.NewFile(path, key)
		if there, err := file.Exists(); there || err != nil {
			t.Fatal(there, err)
		}
		first, err := file.Add(identity.Wish{Name: "ci", Actions: []string{"write"}}, now)
		if err != nil {
			t.Fatal(err)
		}
		second, err := file.Add(identity.Wish{Tenant: "b", Actions: []string{"xray:Get*"}, Lifetime: time.Hour}, now)
		if err != nil {
			t.Fatal(err)
		}
		if len(first.AccessKeyID) != 20 || len(first.SecretAccessKey) != 40 || first.SessionToken != "" || first.Tenant != "default" {
			t.Errorf("made %+v", first)
		}
		if len(second.SessionToken) != 64 || second.Name != second.AccessKeyID || !second.Expires.Equal(now.Add(time.Hour)) || !second.Temporary {
			t.Errorf("made %+v", second)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), first.SecretAccessKey) != (key == nil) || strings.Contains(string(text), second.SessionToken) {
			t.Errorf("with the key %v the file says\n%s", key, text)
		}

		next, err := file.Rotate(first.AccessKeyID, time.Minute, now)
		if err != nil {
			t.Fatal(err)
		}
		if next.AccessKeyID == first.AccessKeyID || next.Name != "ci" || !next.May("xray:PutTraceSegments") {
			t.Errorf("rotated to %+v", next)
		}
		if _, err := file.Rotate(second.AccessKeyID, 0, now); err == nil || !strings.Contains(err.Error(), "ends by itself at 2026-01-05T11:00:00Z") {
			t.Errorf("rotating a temporary one: %v", err)
		}
		if err := file.Remove([]string{second.AccessKeyID, "nobody"}, now); err == nil || err.Error() != "there is no credential nobody" {
			t.Errorf("removing one that is not there: %v", err)
		}
		list, err := file.List()
		if err != nil || len(list) != 3 || list[0].AccessKeyID != first.AccessKeyID || !list[0].Expires.Equal(now.Add(time.Minute)) || list[2].AccessKeyID != next.AccessKeyID {
			t.Errorf("%v %+v", err, list)
		}
		if err := file.Remove([]string{second.AccessKeyID}, now.Add(31*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if list, err = file.List(); err != nil || len(list) != 1 || list[0].AccessKeyID != next.AccessKeyID {
			t.Errorf("what expired a month ago is still there: %v %+v", err, list)
		}
	}
}

// TestWriters: twenty change the file at the same time and none is lost.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := identity.NewFile(path, nil).Add(identity.Wish{Actions: []string{"read"}}, now); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := identity.NewFile(path, nil).List()
	if err != nil || len(list) != 20 {
		t.Errorf("%d credentials, %v", len(list), err)
	}
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) != 1 { // the lock
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestBadFiles lists what a file must not say, and how that is told.
func TestBadFiles(t *testing.T) {
	const one = `{"access_key_id":"A","name":"a","tenant":"default","actions":["read"],"created":"2026-01-05T10:00:00Z"}`
	record := func(more string) string {
		return `{"version":1,"credentials":[` + strings.TrimSuffix(one, "}") + more + `}]}`
	}
	tests := []struct{ text, want string }{
		{``, "EOF"},
		{`{"version":2,"credentials":[]}`, "version 2 is not known"},
		{`{"version":1,"credentials":[]} x`, "behind the JSON object"},
		{record(`,"secret":"s","expire":"2026-01-05T10:00:00Z"`), `unknown field "expire"`},
		{record(``), "credential A in"},
		{record(`,"sealed_secret":"AAAA"`), "sealed and there is no key"},
		{record(`,"secret":"s","session_token_sha256":"zz"`), "not a SHA-256"},
		{strings.Replace(record(`,"secret":"s"`), `"read"`, `"reed"`, 1), `"reed" is neither a role`},
		{strings.Replace(record(`,"secret":"s"`), `"default"`, `"a/b"`, 1), `credential 1: "a/b" is not the name of a tenant`},
		{strings.Replace(record(`,"secret":"s"`), `"A"`, `"A/B"`, 1), `"A/B" is not an access key`},
		{`{"version":1,"credentials":[` + one + `,` + one + `]}`, "credential 2: A is there twice"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "credentials.json")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.NewGuard(identity.NewFile(path, nil), identity.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		}
	}
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(record(`,"secret":"s"`)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.NewGuard(identity.NewFile(path, nil), identity.Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that all can read: %v", err)
	}
}

// TestSealed: a secret is read with its own key only, in its own record only.
func TestSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	key := &identity.Key{7}
	file := identity.NewFile(path, key)
	for range 2 {
		if _, err := file.Add(identity.Wish{Actions: []string{"read"}}, now); err != nil {
			t.Fatal(err)
		}
	}
	open := func(key *identity.Key) string {
		_, err := identity.NewGuard(identity.NewFile(path, key), identity.Options{})
		return fmt.Sprint(err)
	}
	if got := open(key); got != "<nil>" {
		t.Error(got)
	}
	if got := open(&identity.Key{8}); !strings.Contains(got, "sealed with another key, or changed") {
		t.Error(got)
	}
	if got := open(nil); !strings.Contains(got, "there is no key") {
		t.Error(got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	both := content["credentials"].([]any)
	one, two := both[0].(map[string]any), both[1].(map[string]any)
	one["sealed_secret"], two["sealed_secret"] = two["sealed_secret"], one["sealed_secret"]
	if text, err = json.Marshal(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := open(key); !strings.Contains(got, "or changed") {
		t.Error(got)
	}
}

func TestParseKey(t *testing.T) {
	for text, ok := range map[string]bool{
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=":                        true,
		" 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n": true,
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==":                        false, // 31 bytes
		"a pass phrase": false, "": false,
	} {
		key, err := identity.ParseKey(text)
		if (err == nil) != ok || ok && (key[1] != 1 || key[31] != 31) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// signed is a request signed with the AWS SDK for Go.
func signed(t testing.TB, with *identity.Issued, body string, sayHash bool) (*http.Request, [sha256.Size]byte) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	r, err := http.NewRequest("POST", "http://127.0.0.1:2000/Groups", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if sayHash {
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: with.AccessKeyID, SecretAccessKey: with.SecretAccessKey, SessionToken: with.SessionToken},
		r, hex.EncodeToString(sum[:]), "xray", "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return r, sum
}

func code(err error) string {
	var known *api.Error
	if errors.As(err, &known) {
		return known.Name
	}
	return fmt.Sprint(err)
}

func TestClaim(t *testing.T) {
	file := identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil)
	add := func(w identity.Wish) *identity.Issued {
		w.Actions = []string{"read"}
		made, err := file.Add(w, now)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	good, temporary := add(identity.Wish{Tenant: "a"}), add(identity.Wish{Lifetime: time.Minute})
	with := func(from *identity.Issued, change func(*identity.Issued)) *identity.Issued {
		is := *from
		change(&is)
		return &is
	}
	tests := []struct {
		what        string
		with        *identity.Issued
		later       time.Duration
		body        string // if not the one signed
		claim, want string // the exceptions before and after the body is read
	}{
		{"good", good, 0, "", "", ""},
		{"temporary", temporary, 0, "", "", ""},
		{"expired", temporary, time.Minute, "", api.ExpiredTokenException, ""},
		{"expired clock", good, 6 * time.Minute, "", api.InvalidSignatureException, ""},
		{"another secret", with(good, func(i *identity.Issued) { i.SecretAccessKey += "x" }), 0, "", "late", api.InvalidSignatureException},
		{"another key", with(good, func(i *identity.Issued) { i.AccessKeyID = "TOMOAAAAAAAAAAAAAAAA" }), 0, "", api.UnrecognizedClientException, ""},
		{"no token", with(temporary, func(i *identity.Issued) { i.SessionToken = "" }), 0, "", api.UnrecognizedClientException, ""},
		{"another token", with(temporary, func(i *identity.Issued) { i.SessionToken = "x" + i.SessionToken[1:] }), 0, "", api.UnrecognizedClientException, ""},
		{"a token for nothing", with(good, func(i *identity.Issued) { i.SessionToken = "stale" }), 0, "", api.UnrecognizedClientException, ""},
		{"another body", good, 0, "{ }", "", api.InvalidSignatureException},
	}
	for _, test := range tests {
		for _, sayHash := range []bool{false, true} {
			ring, err := identity.NewGuard(file, identity.Options{Now: func() time.Time { return now.Add(test.later) }})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time with the key at hand
				r, sum := signed(t, test.with, "{}", sayHash)
				if test.body != "" {
					sum = sha256.Sum256([]byte(test.body))
				}
				claim, err := ring.Claim(r, "xray")
				want, late := test.claim, test.want
				if want == "late" { // what is signed wrongly is found as early as it can be
					want = ""
					if sayHash {
						want = late
					}
				}
				if want == "" {
					want = "<nil>"
				}
				if code(err) != want {
					t.Errorf("%s, says its hash %v: %v, want %s", test.what, sayHash, err, want)
				}
				if err != nil {
					continue
				}
				if claim.Verified() != sayHash {
					t.Errorf("%s, says its hash %v: verified %v", test.what, sayHash, claim.Verified())
				}
				if late == "" {
					late = "<nil>"
				}
				if err := claim.Verify(sum); code(err) != late {
					t.Errorf("%s, says its hash %v: %v, want %s", test.what, sayHash, err, late)
				}
			}
		}
	}
}

func TestPassword(t *testing.T) {
	file := identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil)
	good, err := file.Add(identity.Wish{Actions: []string{"read"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	temporary, err := file.Add(identity.Wish{Actions: []string{"read"}, Lifetime: time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	next, err := file.Rotate(good.AccessKeyID, time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	clock := now
	ring, err := identity.NewGuard(file, identity.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		id, secret string
		at         time.Time
		want       string
	}{
		{good.AccessKeyID, good.SecretAccessKey, now, "<nil>"},
		{next.AccessKeyID, next.SecretAccessKey, now.Add(time.Hour), "<nil>"},
		{good.AccessKeyID, good.SecretAccessKey, now.Add(time.Minute), api.ExpiredTokenException},
		{good.AccessKeyID, "x" + good.SecretAccessKey[1:], now, api.UnrecognizedClientException},
		{good.AccessKeyID, "", now, api.UnrecognizedClientException},
		{"", "", now, api.UnrecognizedClientException},
		{temporary.AccessKeyID, temporary.SecretAccessKey, now, api.UnrecognizedClientException},
	}
	for _, test := range tests {
		clock = test.at
		if _, err := ring.Password(identity.Proof{AccessKeyID: test.id, Secret: test.secret}); code(err) != test.want {
			t.Errorf("%s %s at %v: %v, want %s", test.id, test.secret, test.at, err, test.want)
		}
	}
}

// TestFollowing: a server sees changes of the file, and what it cannot read
// changes nothing.
func TestFollowing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	file := identity.NewFile(path, nil)
	ring, err := identity.NewGuard(file, identity.Options{Every: time.Millisecond, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if !ring.Open() || ring.Tenants() != nil {
		t.Error("without a file the door is not open")
	}
	first, err := file.Add(identity.Wish{Actions: []string{"read"}, Tenant: "b"}, now)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "closed", func() bool { return !ring.Open() })
	claims := func(with *identity.Issued) string {
		r, sum := signed(t, with, "{}", false)
		claim, err := ring.Claim(r, "xray")
		if err == nil {
			err = claim.Verify(sum)
		}
		return code(err)
	}
	if got := claims(first); got != "<nil>" {
		t.Error(got)
	}
	second, err := file.Add(identity.Wish{Actions: []string{"read"}, Tenant: "a"}, now)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "added", func() bool { return claims(second) == "<nil>" })
	if got := fmt.Sprint(ring.Tenants()); got != "[a b]" {
		t.Error(got)
	}
	if err := file.Remove([]string{first.AccessKeyID}, now); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "removed", func() bool { return claims(first) == api.UnrecognizedClientException })

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.TrimRight(text, "}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if got := claims(second); got != "<nil>" {
			t.Fatal(got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if got := claims(second); got != "<nil>" || ring.Open() {
			t.Fatal(got)
		}
	}
}

// TestBadFileAppears: a file that cannot be read says that not everybody is
// welcome.
func TestBadFileAppears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	ring, err := identity.NewGuard(identity.NewFile(path, nil), identity.Options{Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "closed", func() bool { return !ring.Open() })
}

// TestMatches holds patterns against a plain definition of them.
func TestMatches(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[xray:Get*?]{1,12}|\*Groups?|xray:\?*Group\?`).Draw(t, "pattern")
		made, err := identity.NewFile(filepath.Join(dir, "c"), nil).Add(identity.Wish{Actions: []string{pattern}}, now)
		if err != nil {
			return // it names nothing; that no action matches it is checked below for those that do
		}
		for _, action := range identity.Actions() {
			if want := plain(strings.ToLower(pattern), strings.ToLower(action)); made.May(action) != want {
				t.Fatalf("%s matches %s: %v, want %v", pattern, action, !want, want)
			}
		}
	})
}

func plain(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return plain(pattern[1:], text) || text != "" && plain(pattern, text[1:])
	default:
		return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && plain(pattern[1:], text[1:])
	}
}

// BenchmarkClaim settles a request of a known client but for hashing its body.
func BenchmarkClaim(b *testing.B) {
	file := identity.NewFile(filepath.Join(b.TempDir(), "credentials.json"), nil)
	made, err := file.Add(identity.Wish{Actions: []string{"write"}}, now)
	if err != nil {
		b.Fatal(err)
	}
	ring, err := identity.NewGuard(file, identity.Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	r, sum := signed(b, made, "{}", false)
	b.ReportAllocs()
	for b.Loop() {
		claim, err := ring.Claim(r, "xray")
		if err == nil {
			err = claim.Verify(sum)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
