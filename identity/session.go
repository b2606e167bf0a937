package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/tomotrace/tomo/api"
)

// How long a session lasts, and how many a credential may have.
const (
	SessionLife = 12 * time.Hour // from signing in
	SessionIdle = 2 * time.Hour  // from the latest request
	maxSessions = 20             // of one credential; with more the one that was idle longest ends
)

// Proof is a secret that somebody shows as such, to sign in or as a password.
type Proof struct {
	AccessKeyID string
	Secret      string
	Token       string     // the session token of a temporary credential
	From        netip.Addr // where it comes from: each address may be wrong so often
}

// Session is somebody who signed in.
type Session struct {
	Credential *Credential
	Ends       time.Time // at the latest
}

// session is what is kept of one.
type session struct {
	credential  *Credential
	began, used time.Time
}

// sessions are who signed in. They are held in memory: who restarts a server
// signs everybody out.
type sessions struct {
	mu   sync.Mutex // guards held
	held map[[sha256.Size]byte]*session
}

// SignIn makes a session of who shows the secret of a credential, and the token
// by which the session is known. The token is told this once and kept as a hash.
// The error is an *api.Error.
func (g *Guard) SignIn(p Proof) (token string, _ *Session, _ error) {
	is, err := g.proven(p)
	if err != nil {
		return "", nil, err
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(raw[:])
	now := g.o.Now()
	s := &session{credential: is, began: now, used: now}
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	if g.sessions.held == nil {
		g.sessions.held = map[[sha256.Size]byte]*session{}
	}
	g.makeRoom(is.AccessKeyID, now)
	g.sessions.held[sha256.Sum256([]byte(token))] = s
	return token, &Session{is, s.ends()}, nil
}

// makeRoom forgets sessions that have ended, and the idlest of a credential that
// has as many as it may. g.sessions.mu is held.
func (g *Guard) makeRoom(accessKeyID string, now time.Time) {
	ring := g.ring.Load()
	var n int
	var idlest [sha256.Size]byte
	var since time.Time
	for hash, s := range g.sessions.held {
		if ring.holder(s, now) == nil {
			delete(g.sessions.held, hash)
			continue
		}
		if s.credential.AccessKeyID != accessKeyID {
			continue
		}
		if n++; n == 1 || s.used.Before(since) {
			idlest, since = hash, s.used
		}
	}
	if n >= maxSessions {
		delete(g.sessions.held, idlest)
	}
}

// Session gives the session with a token. It has ended when its time is over,
// and when its credential is gone, is over, or is not in every respect what it
// was when somebody signed in. The error is an *api.Error.
func (g *Guard) Session(token string) (*Session, error) {
	now, ring := g.o.Now(), g.current()
	hash := sha256.Sum256([]byte(token))
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	s := g.sessions.held[hash]
	if s == nil {
		return nil, signInAgain()
	}
	is := ring.holder(s, now)
	if is == nil {
		delete(g.sessions.held, hash)
		return nil, signInAgain()
	}
	s.used = now
	return &Session{is, s.ends()}, nil
}

// SignOut ends the session with a token, if there is one.
func (g *Guard) SignOut(token string) {
	g.sessions.mu.Lock()
	defer g.sessions.mu.Unlock()
	delete(g.sessions.held, sha256.Sum256([]byte(token)))
}

// holder is the credential of a session, nil if the session has ended.
func (r *ring) holder(s *session, now time.Time) *Credential {
	if r == nil || !now.Before(s.ends()) || now.Sub(s.used) >= SessionIdle {
		return nil
	}
	if is := r.credentials[s.credential.AccessKeyID]; is.same(s.credential) && !is.Expired(now) {
		return is
	}
	return nil
}

func (s *session) ends() time.Time {
	ends := s.began.Add(SessionLife)
	if expires := s.credential.Expires; !expires.IsZero() && expires.Before(ends) {
		return expires
	}
	return ends
}

func signInAgain() *api.Error {
	e := api.ExpiredToken()
	e.Message = "The session has ended: sign in again."
	return e
}

// proven gives the credential whose secret, and session token if it has one,
// somebody shows. Which of them is wrong takes no time to tell. The error is an
// *api.Error.
func (g *Guard) proven(p Proof) (*Credential, error) {
	now, ring := g.o.Now(), g.current()
	if ring == nil {
		return nil, api.UnrecognizedClient()
	}
	is := ring.credentials[p.AccessKeyID]
	at := guess{from: network(p.From)}
	if is != nil {
		at.accessKeyID = is.AccessKeyID // others share one count
	}
	if wait := g.guesses.take(at, now); wait > 0 {
		return nil, &api.Error{Name: api.ThrottledException, Status: http.StatusTooManyRequests,
			Message: fmt.Sprintf("Too many wrong secrets came from your address. Try again in %d s.", (wait+time.Second-1)/time.Second)}
	}
	against := is
	if is == nil {
		against = new(Credential)
	}
	shown, secret := sha256.Sum256([]byte(p.Secret)), sha256.Sum256([]byte(against.secret))
	right := subtle.ConstantTimeCompare(shown[:], secret[:]) == 1
	if !against.holds(p.Token) || !right || is == nil {
		return nil, api.UnrecognizedClient()
	}
	g.guesses.forgive(at)
	if is.Expired(now) {
		return nil, api.ExpiredToken()
	}
	return is, nil
}

// Secrets may be guessed so often, for each access key from each address: a few
// times at once, and then one each few seconds.
const (
	maxGuesses  = 10
	guessEvery  = 5 * time.Second
	maxGuessers = 10_000 // that are told apart; what is beyond shares one count
)

// guess is who guesses what.
type guess struct {
	from        netip.Prefix
	accessKeyID string
}

// network is what addresses are counted by: whoever has one of IPv6 has 2⁶⁴.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero one for an address that is none
	return p
}

// guesses counts those that were wrong.
type guesses struct {
	mu    sync.Mutex          // guards spent
	spent map[guess]time.Time // when the count is 0 again
}

// take counts a guess, which is not known to be wrong yet, or tells how long it
// has to wait.
func (g *guesses) take(at guess, now time.Time) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.spent == nil {
		g.spent = map[guess]time.Time{}
	}
	if _, known := g.spent[at]; !known && len(g.spent) >= maxGuessers {
		for at, over := range g.spent {
			if !over.After(now) {
				delete(g.spent, at)
			}
		}
		if len(g.spent) >= maxGuessers {
			at = guess{}
		}
	}
	over := g.spent[at]
	if over.Before(now) {
		over = now
	}
	over = over.Add(guessEvery)
	if wait := over.Sub(now) - maxGuesses*guessEvery; wait > 0 {
		return wait
	}
	g.spent[at] = over
	return 0
}

// forgive forgets what was wrong before a guess that was right.
func (g *guesses) forgive(at guess) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.spent, at)
}
