package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomotrace/tomo/api"
)

// Options configure a guard or a certificate. The zero value is a good
// default.
type Options struct {
	// Every is how often a file is looked at for changes. 0: once a second.
	Every time.Duration
	// Now is the clock that signatures are held against. nil: the real one.
	Now func() time.Time
	// Logger hears of files that were read again, or could not be.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Guard is what a server knows of the file of credentials. It follows changes
// of the file: what cannot be read leaves everything as it was. Its methods may
// be called concurrently.
type Guard struct {
	o       Options
	file    *File
	watch   watch
	reading sync.Mutex           // one reader of the file at a time
	ring    atomic.Pointer[ring] // nil: there never was a file

	sessions sessions
	guesses  guesses
}

// ring is the file at one moment, with the keys derived from its secrets.
type ring struct {
	credentials map[string]*Credential // by access key

	mu   sync.RWMutex // guards keys
	keys map[scoped]api.SigningKey
}

type scoped struct {
	accessKey string
	scope     api.Scope
}

// maxKeys bounds the keys of a ring: a day's for each of many credentials in
// several regions. A key is kept only after a signature proved good.
const maxKeys = 4096

// NewGuard reads the file. It may not be there: then everybody is welcome,
// until it is. Once there, it is never missed again.
func NewGuard(f *File, o Options) (*Guard, error) {
	o.setDefaults()
	g := &Guard{o: o, file: f, watch: watch{paths: []string{f.path}, every: o.Every}}
	g.watch.changed() // what is there now is what is read now
	if err := g.read(); err != nil {
		return nil, err
	}
	return g, nil
}

// read reads the file, if it is there.
func (g *Guard) read() error {
	info, err := os.Stat(g.file.path)
	if errors.Is(err, fs.ErrNotExist) {
		if g.ring.Load() != nil {
			return fmt.Errorf("the credentials are gone from %s", g.file.path)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the credentials: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return fmt.Errorf("everybody on this machine may use the credentials in %s, which has mode %04o: chmod 600 it", g.file.path, mode)
	}
	records, err := g.file.read()
	if err != nil {
		return err
	}
	r := &ring{credentials: map[string]*Credential{}, keys: map[scoped]api.SigningKey{}}
	for i := range records {
		c, err := records[i].whole(g.file.key)
		if err != nil {
			return fmt.Errorf("reading the credential %s in %s: %w", records[i].AccessKeyID, g.file.path, err)
		}
		r.credentials[c.AccessKeyID] = c
	}
	g.ring.Store(r)
	return nil
}

// current is the ring of the file as it is now, or was a moment ago.
func (g *Guard) current() *ring {
	if g.watch.due() && g.reading.TryLock() {
		g.follow()
		g.reading.Unlock()
	}
	return g.ring.Load()
}

// follow reads the file again if it was changed. g.reading is held.
func (g *Guard) follow() {
	if !g.watch.changed() {
		return
	}
	if err := g.read(); err != nil {
		g.o.Logger.Error("the credentials stay as they were", "error", err)
		g.ring.CompareAndSwap(nil, &ring{}) // there are some: the door is not open any more
		return
	}
	g.o.Logger.Info("the credentials were read again", "file", g.file.path)
}

// Open reports whether there are no credentials, so that everybody may do
// everything.
func (g *Guard) Open() bool { return g == nil || g.current() == nil }

// Tenants names the tenants that credentials are for, in order.
func (g *Guard) Tenants() []string {
	if g.Open() {
		return nil
	}
	var names []string
	for _, c := range g.ring.Load().credentials {
		names = append(names, c.Tenant)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Knows reports whether there is a credential with that access key.
func (g *Guard) Knows(accessKeyID string) bool {
	r := g.current()
	return r != nil && r.credentials[accessKeyID] != nil
}

// Claim is a request together with who it says to be from.
type Claim struct {
	Credential *Credential
	request    *http.Request
	signature  *api.Signature
	ring       *ring
	verified   bool // but for the body
}

// Claim reads who a request for a service says to be from and settles what can
// be settled before its body is read: the access key is known, its time is not
// over, the clock is right, and, if the body's hash is in a header, the
// signature is good. The error is an *api.Error.
func (g *Guard) Claim(r *http.Request, service string) (*Claim, error) {
	s, err := api.ParseSignature(r)
	if err != nil {
		return nil, err
	}
	now, ring := g.o.Now(), g.current()
	if ring == nil {
		return nil, api.UnrecognizedClient()
	}
	is := ring.credentials[s.AccessKeyID]
	switch {
	case is == nil || !is.holds(s.Token):
		return nil, api.UnrecognizedClient()
	case is.Expired(now):
		return nil, api.ExpiredToken()
	}
	if err := s.Check(service, now); err != nil {
		return nil, err
	}
	c := &Claim{Credential: is, request: r, signature: s, ring: ring}
	if s.Body != "" {
		if err := c.prove(s.Body); err != nil {
			return nil, err
		}
		c.verified = true
	}
	return c, nil
}

// Verified reports whether it is certain who sent the request, although not
// yet with which body.
func (c *Claim) Verified() bool { return c.verified }

// Verify settles the claim for a body with the hash. The error is an
// *api.Error.
func (c *Claim) Verify(hash [sha256.Size]byte) error {
	var room [2 * sha256.Size]byte
	text := string(hex.AppendEncode(room[:0], hash[:]))
	if !c.verified {
		return c.prove(text)
	}
	if text != c.signature.Body {
		return api.BodyChanged()
	}
	return nil
}

func (c *Claim) prove(body string) error {
	at := scoped{c.Credential.AccessKeyID, c.signature.Scope}
	c.ring.mu.RLock()
	key, cached := c.ring.keys[at]
	c.ring.mu.RUnlock()
	if !cached {
		key = at.scope.Key(c.Credential.secret)
	}
	if err := c.signature.Verify(c.request, &key, body); err != nil {
		return err
	}
	if !cached {
		c.ring.keep(at, key)
	}
	return nil
}

// keep keeps a key that proved good.
func (r *ring) keep(at scoped, key api.SigningKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) >= maxKeys {
		clear(r.keys) // once a day at most, but for somebody who plays with regions
	}
	r.keys[at] = key
}

// Password gives the credential whose secret somebody shows as such, as
// Prometheus and browsers do. Temporary credentials are not for that. The error
// is an *api.Error.
func (g *Guard) Password(p Proof) (*Credential, error) {
	p.Token = ""
	return g.proven(p)
}

// File is where the credentials are from.
func (g *Guard) File() *File { return g.file }

// Follow reads the file again now, if it was changed, and not in a moment.
func (g *Guard) Follow() {
	g.reading.Lock()
	defer g.reading.Unlock()
	g.follow()
}
