package identity_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
)

// desk is where people sign in: a file, a guard that follows it, and a clock.
type desk struct {
	t     *testing.T
	file  *identity.File
	guard *identity.Guard
	clock time.Time
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, file: identity.NewFile(filepath.Join(t.TempDir(), "credentials.json"), nil), clock: now}
	d.add(identity.Wish{Actions: []string{"admin"}})
	var err error
	if d.guard, err = identity.NewGuard(d.file, identity.Options{Every: time.Nanosecond, Now: func() time.Time { return d.clock }}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) add(w identity.Wish) *identity.Issued {
	d.t.Helper()
	issued, err := d.file.Add(w, d.clock)
	if err != nil {
		d.t.Fatal(err)
	}
	return issued
}

func proof(is *identity.Issued) identity.Proof {
	return identity.Proof{AccessKeyID: is.AccessKeyID, Secret: is.SecretAccessKey, Token: is.SessionToken, From: netip.MustParseAddr("192.0.2.1")}
}

func (d *desk) signIn(is *identity.Issued) string {
	d.t.Helper()
	token, s, err := d.guard.SignIn(proof(is))
	if err != nil || s.Credential.AccessKeyID != is.AccessKeyID {
		d.t.Fatal(s, err)
	}
	return token
}

// TestSessionsEnd: by their time, by idleness, by signing out, and by any change
// of the credential.
func TestSessionsEnd(t *testing.T) {
	tests := []struct {
		what   string
		wish   identity.Wish
		happen func(d *desk, is *identity.Issued, token string)
		lives  bool
	}{
		{"nothing", identity.Wish{}, func(*desk, *identity.Issued, string) {}, true},
		{"almost idle", identity.Wish{}, func(d *desk, _ *identity.Issued, _ string) { d.clock = now.Add(identity.SessionIdle - 1) }, true},
		{"idle", identity.Wish{}, func(d *desk, _ *identity.Issued, _ string) { d.clock = now.Add(identity.SessionIdle) }, false},
		{"used until its end", identity.Wish{}, func(d *desk, _ *identity.Issued, token string) {
			for ; d.clock.Before(now.Add(identity.SessionLife)); d.clock = d.clock.Add(time.Hour) {
				if _, err := d.guard.Session(token); err != nil {
					d.t.Errorf("after %v: %v", d.clock.Sub(now), err)
				}
			}
		}, false},
		{"signed out", identity.Wish{}, func(d *desk, _ *identity.Issued, token string) { d.guard.SignOut(token) }, false},
		{"another signed out", identity.Wish{}, func(d *desk, is *identity.Issued, _ string) { d.guard.SignOut(d.signIn(is)) }, true},
		{"removed", identity.Wish{}, func(d *desk, is *identity.Issued, _ string) {
			if err := d.file.Remove([]string{is.AccessKeyID}, d.clock); err != nil {
				d.t.Fatal(err)
			}
		}, false},
		{"changed", identity.Wish{}, func(d *desk, is *identity.Issued, _ string) {
			if _, err := d.file.Rotate(is.AccessKeyID, time.Hour, d.clock); err != nil {
				d.t.Fatal(err)
			}
		}, false},
		{"another is added", identity.Wish{}, func(d *desk, _ *identity.Issued, _ string) { d.add(identity.Wish{Actions: []string{"read"}}) }, true},
		{"almost expired", identity.Wish{Lifetime: time.Hour}, func(d *desk, _ *identity.Issued, _ string) { d.clock = now.Add(time.Hour - 1) }, true},
		{"expired", identity.Wish{Lifetime: time.Hour}, func(d *desk, _ *identity.Issued, _ string) { d.clock = now.Add(time.Hour) }, false},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			d := newDesk(t)
			test.wish.Actions = []string{"read"}
			is := d.add(test.wish)
			token := d.signIn(is)
			test.happen(d, is, token)
			s, err := d.guard.Session(token)
			if (err == nil) != test.lives {
				t.Fatalf("the session: %v", err)
			}
			if err == nil {
				if !s.Credential.May("xray:GetGroups") || s.Credential.May("xray:PutTraceSegments") {
					t.Errorf("it may do what a reader may not: %v", s.Credential.Allowed())
				}
				return
			}
			if code(err) != api.ExpiredTokenException {
				t.Errorf("the session has ended with %v", err)
			}
			d.clock = now // what has ended does not come back
			if _, err := d.guard.Session(token); err == nil {
				t.Error("the session came back")
			}
		})
	}
}

func TestTokens(t *testing.T) {
	d := newDesk(t)
	is := d.add(identity.Wish{Actions: []string{"read"}})
	token := d.signIn(is)
	if len(token) != 43 {
		t.Errorf("the token %q is not 256 bits", token)
	}
	for i := range token {
		for _, c := range []byte{token[i] ^ 1, token[i] ^ 0x20, 0} {
			changed := []byte(token)
			if changed[i] = c; string(changed) == token {
				continue
			}
			if _, err := d.guard.Session(string(changed)); err == nil {
				t.Errorf("%q is taken for %q", changed, token)
			}
		}
	}
	for _, text := range []string{"", token + "=", token[1:], token + token, is.AccessKeyID, is.SecretAccessKey} {
		if _, err := d.guard.Session(text); err == nil {
			t.Errorf("%q is taken for %q", text, token)
		}
	}
	// No more than so many each; the idlest has to go.
	first := token
	var latest string
	for range 20 {
		d.clock = d.clock.Add(time.Second)
		latest = d.signIn(is)
	}
	if _, err := d.guard.Session(first); err == nil {
		t.Error("there are 21 sessions")
	}
	if _, err := d.guard.Session(latest); err != nil {
		t.Error(err)
	}
}

func TestSigningIn(t *testing.T) {
	d := newDesk(t)
	good := d.add(identity.Wish{Actions: []string{"read"}})
	temporary := d.add(identity.Wish{Actions: []string{"read"}, Lifetime: time.Hour})
	change := func(p identity.Proof, f func(*identity.Proof)) identity.Proof { f(&p); return p }
	tests := []struct {
		what  string
		proof identity.Proof
		want  string
	}{
		{"permanent", proof(good), "<nil>"},
		{"temporary", proof(temporary), "<nil>"},
		{"no secret", change(proof(good), func(p *identity.Proof) { p.Secret = "" }), api.UnrecognizedClientException},
		{"half a secret", change(proof(good), func(p *identity.Proof) { p.Secret = p.Secret[:20] }), api.UnrecognizedClientException},
		{"another's secret", change(proof(good), func(p *identity.Proof) { p.Secret = temporary.SecretAccessKey }), api.UnrecognizedClientException},
		{"nobody", change(proof(good), func(p *identity.Proof) { p.AccessKeyID = "TOMO" }), api.UnrecognizedClientException},
		{"nobody without a secret", identity.Proof{}, api.UnrecognizedClientException},
		{"a token too much", change(proof(good), func(p *identity.Proof) { p.Token = "x" }), api.UnrecognizedClientException},
		{"no token", change(proof(temporary), func(p *identity.Proof) { p.Token = "" }), api.UnrecognizedClientException},
		{"another token", change(proof(temporary), func(p *identity.Proof) { p.Token += "x" }), api.UnrecognizedClientException},
	}
	for _, test := range tests {
		token, s, err := d.guard.SignIn(test.proof)
		if code(err) != test.want || (err == nil) != (token != "" && s != nil) {
			t.Errorf("%s: %q %v, want %s", test.what, token, err, test.want)
		}
	}
	d.clock = now.Add(time.Hour)
	if _, _, err := d.guard.SignIn(proof(temporary)); code(err) != api.ExpiredTokenException {
		t.Errorf("after its time: %v", err)
	}
}

// TestGuessing: ten wrong secrets, then one each five seconds; who is right, or
// elsewhere, or asks about another key, is not held up by it.
func TestGuessing(t *testing.T) {
	d := newDesk(t)
	is, other := d.add(identity.Wish{Actions: []string{"read"}}), d.add(identity.Wish{Actions: []string{"read"}})
	wrong := func(p identity.Proof) identity.Proof { p.Secret += "x"; return p }
	from := func(p identity.Proof, a string) identity.Proof { p.From = netip.MustParseAddr(a); return p }
	tried := func(p identity.Proof) int {
		t.Helper()
		for n := range 100 {
			_, _, err := d.guard.SignIn(p)
			var e *api.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v: %v", p, err)
			}
			if e.Status == 429 {
				if !strings.Contains(e.Message, "Try again in 5 s.") {
					t.Errorf("the message is %q", e.Message)
				}
				return n
			}
		}
		return 100
	}
	if n := tried(wrong(proof(is))); n != 10 {
		t.Errorf("%d guesses at once", n)
	}
	if _, _, err := d.guard.SignIn(proof(is)); code(err) != api.ThrottledException {
		t.Errorf("the right one at once: %v", err)
	}
	if _, err := d.guard.Password(proof(is)); code(err) != api.ThrottledException {
		t.Errorf("the right one as a password: %v", err)
	}
	d.signIn(other)
	if _, _, err := d.guard.SignIn(from(proof(is), "192.0.2.2")); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	d.clock = now.Add(5 * time.Second)
	if n := tried(wrong(proof(is))); n != 1 {
		t.Errorf("%d guesses five seconds later", n)
	}
	d.clock = now.Add(time.Minute)
	for range 9 {
		_, _, _ = d.guard.SignIn(wrong(proof(is)))
	}
	d.signIn(is) // forgives
	if n := tried(wrong(proof(is))); n != 10 {
		t.Errorf("%d guesses after the right one", n)
	}
	// Keys that nobody has share a count, and so do the addresses of a network.
	nobody := func(i byte) identity.Proof {
		return identity.Proof{AccessKeyID: string('A' + i), Secret: "x", From: netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: i})}
	}
	for i := range byte(10) {
		if _, _, err := d.guard.SignIn(nobody(i)); code(err) != api.UnrecognizedClientException {
			t.Errorf("guess %d at a key that nobody has: %v", i, err)
		}
	}
	if _, _, err := d.guard.SignIn(nobody(11)); code(err) != api.ThrottledException {
		t.Errorf("too many keys that nobody has: %v", err)
	}
}

// TestManyGuessers: who are too many to be told apart are held up together.
func TestManyGuessers(t *testing.T) {
	d := newDesk(t)
	limited := 0
	for i := range 10_100 {
		p := identity.Proof{AccessKeyID: "x", Secret: "x", From: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
		if _, _, err := d.guard.SignIn(p); code(err) == api.ThrottledException {
			limited++
		}
	}
	if limited != 90 {
		t.Errorf("%d of 100 too many were held up", limited)
	}
	d.clock = now.Add(time.Minute)
	if _, _, err := d.guard.SignIn(identity.Proof{AccessKeyID: "x", Secret: "x", From: netip.MustParseAddr("192.0.2.9")}); code(err) != api.UnrecognizedClientException {
		t.Errorf("a minute later: %v", err)
	}
}

func TestGrantable(t *testing.T) {
	tests := []struct {
		has, gives []string
		want       string // "": may
	}{
		{[]string{"admin"}, []string{"admin"}, ""},
		{[]string{"read"}, []string{"read"}, ""},
		{[]string{"read"}, []string{"xray:GetGroups"}, ""},
		{[]string{"read"}, []string{"write"}, "xray:PutTelemetryRecords"},
		{[]string{"read", "write"}, []string{"write"}, ""},
		{[]string{"tomo:PutCredentials"}, []string{"*"}, "tomo:GetConsole"},
		{[]string{"xray:*"}, []string{"XRAY:*"}, ""},
		{[]string{"xray:Get*"}, []string{"xray:*"}, "xray:BatchGetTraces"},
	}
	for _, test := range tests {
		is := newDesk(t).add(identity.Wish{Actions: test.has})
		err := is.Grantable(test.gives)
		if test.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), "you may not do "+test.want+",") {
			t.Errorf("%q gives %q: %v, want %q", test.has, test.gives, err, test.want)
		}
	}
}
