package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/secretfile"
)

// File is where credentials are kept.
type File struct {
	path string
	key  *Key
}

// Key seals secrets in the file.
type Key [32]byte

// ParseKey reads a key: 32 bytes in base64 or in hex.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	var key Key
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		if raw, err := decode(text); err == nil && len(raw) == len(key) {
			copy(key[:], raw)
			return &key, nil
		}
	}
	return nil, errors.New("the key of the credentials has to be 32 bytes in base64 or in hex, as `openssl rand -base64 32` prints them")
}

// NewFile is the file at path, which need not be there yet. With a key, secrets
// are sealed when they are written; those that are not sealed can still be read.
func NewFile(path string, key *Key) *File { return &File{path, key} }

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Exists reports whether there is such a file.
func (f *File) Exists() (bool, error) {
	_, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Issued is a credential together with what is told only once.
type Issued struct {
	Credential
	SecretAccessKey string
	SessionToken    string // "" for a permanent credential
}

// Wish is what a new credential should be.
type Wish struct {
	Name    string // "": the access key
	Tenant  string // "": DefaultTenant
	Actions []string
	// Lifetime is how long it works. 0: for ever. One that ends is temporary: it
	// has a session token.
	Lifetime time.Duration
}

// kept is how long expired credentials stay in the file, so that their owners
// are told the reason.
const kept = 30 * 24 * time.Hour

// List gives the credentials in the order in which they were made.
func (f *File) List() ([]Credential, error) {
	records, err := f.read()
	if err != nil {
		return nil, err
	}
	return credentialsOf(records), nil
}

func credentialsOf(records []record) []Credential {
	list := make([]Credential, len(records))
	for i := range records {
		list[i] = records[i].credential()
	}
	return list
}

// Add makes a credential. The file is made if it is not there.
func (f *File) Add(w Wish, now time.Time) (*Issued, error) {
	id := newID()
	if w.Name == "" {
		w.Name = id
	}
	if w.Tenant == "" {
		w.Tenant = DefaultTenant
	}
	if w.Lifetime < 0 {
		return nil, fmt.Errorf("a credential cannot end %v ago", -w.Lifetime)
	}
	made := record{AccessKeyID: id, Name: w.Name, Tenant: w.Tenant, Actions: w.Actions, Created: now.UTC().Truncate(time.Second)}
	issued := &Issued{SecretAccessKey: newSecret(40)}
	if w.Lifetime > 0 {
		made.Expires = now.Add(w.Lifetime).UTC().Truncate(time.Second)
		issued.SessionToken = newSecret(64)
		hash := sha256.Sum256([]byte(issued.SessionToken))
		made.Token = hex.EncodeToString(hash[:])
	}
	if err := made.check(); err != nil {
		return nil, err
	}
	if err := made.hide(issued.SecretAccessKey, f.key); err != nil {
		return nil, err
	}
	issued.Credential = made.credential()
	return issued, f.change(now, func(records []record) ([]record, error) { return append(records, made), nil })
}

// Remove takes credentials away. If one is not there all stay.
func (f *File) Remove(ids []string, now time.Time) error {
	return f.RemoveIf(ids, now, func([]Credential) error { return nil })
}

// RemoveIf is Remove if check, which sees all that are there before, has nothing
// against it. Its error is returned as it is.
func (f *File) RemoveIf(ids []string, now time.Time, check func(before []Credential) error) error {
	return f.change(now, func(records []record) ([]record, error) {
		if err := check(credentialsOf(records)); err != nil {
			return nil, err
		}
		for _, id := range ids {
			i, err := find(records, id)
			if err != nil {
				return nil, err
			}
			records = slices.Delete(records, i, i+1)
		}
		return records, nil
	})
}

// Rotate makes a successor of a permanent credential: another access key and
// secret, the same otherwise. The old one still works for the overlap, so that
// whoever has it can change.
func (f *File) Rotate(id string, overlap time.Duration, now time.Time) (*Issued, error) {
	issued := &Issued{SecretAccessKey: newSecret(40)}
	err := f.change(now, func(records []record) ([]record, error) {
		i, err := find(records, id)
		if err != nil {
			return nil, err
		}
		old := &records[i]
		if old.Token != "" || !old.Expires.IsZero() {
			return nil, fmt.Errorf("%s ends by itself at %s; add another instead", id, old.Expires.Format(time.RFC3339))
		}
		next := record{AccessKeyID: newID(), Name: old.Name, Tenant: old.Tenant, Actions: old.Actions, Created: now.UTC().Truncate(time.Second)}
		if next.Name == old.AccessKeyID {
			next.Name = next.AccessKeyID
		}
		if err := next.hide(issued.SecretAccessKey, f.key); err != nil {
			return nil, err
		}
		issued.Credential = next.credential()
		old.Expires = now.Add(overlap).UTC().Truncate(time.Second)
		return append(records, next), nil
	})
	return issued, err
}

func find(records []record, id string) (int, error) {
	i := slices.IndexFunc(records, func(r record) bool { return r.AccessKeyID == id })
	if i < 0 {
		return 0, fmt.Errorf("there is no credential %s", id)
	}
	return i, nil
}

// record is a credential in the file.
type record struct {
	AccessKeyID string    `json:"access_key_id"`
	Name        string    `json:"name"`
	Tenant      string    `json:"tenant"`
	Actions     []string  `json:"actions"`
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expires,omitzero"`
	Secret      string    `json:"secret,omitempty"`
	Sealed      []byte    `json:"sealed_secret,omitempty"` // nonce, then the secret under AES-256-GCM; the access key is authenticated with it
	Token       string    `json:"session_token_sha256,omitempty"`
}

// content is the file.
type content struct {
	Version     int      `json:"version"`
	Credentials []record `json:"credentials"`
}

const version = 1

func (r *record) check() error {
	if r.AccessKeyID == "" || strings.ContainsAny(r.AccessKeyID, "/, \t") {
		return fmt.Errorf("%q is not an access key", r.AccessKeyID)
	}
	if err := CheckName(r.Name); err != nil {
		return err
	}
	if err := CheckTenant(r.Tenant); err != nil {
		return err
	}
	return CheckActions(r.Actions)
}

// credential is the record without what proves it.
func (r *record) credential() Credential {
	return Credential{AccessKeyID: r.AccessKeyID, Name: r.Name, Tenant: r.Tenant, Actions: r.Actions, Created: r.Created, Expires: r.Expires,
		Temporary: r.Token != "", patterns: spellOut(r.Actions)}
}

// whole is the record with what proves it.
func (r *record) whole(key *Key) (*Credential, error) {
	c := r.credential()
	if c.Temporary {
		raw, err := hex.DecodeString(r.Token)
		if err != nil || len(raw) != len(c.token) {
			return nil, errors.New("session_token_sha256 is not a SHA-256 in hex")
		}
		copy(c.token[:], raw)
	}
	c.secret = r.Secret
	if len(r.Sealed) > 0 {
		if key == nil {
			return nil, errors.New("its secret is sealed and there is no key")
		}
		seal := key.aead()
		n := seal.NonceSize()
		if len(r.Sealed) < n {
			return nil, errors.New("sealed_secret is too short")
		}
		secret, err := seal.Open(nil, r.Sealed[:n], r.Sealed[n:], []byte(r.AccessKeyID))
		if err != nil {
			return nil, errors.New("its secret was sealed with another key, or changed")
		}
		c.secret = string(secret)
	}
	if c.secret == "" {
		return nil, errors.New("it has no secret")
	}
	return &c, nil
}

// hide puts a secret into the record.
func (r *record) hide(secret string, key *Key) error {
	if key == nil {
		r.Secret = secret
		return nil
	}
	seal := key.aead()
	nonce := make([]byte, seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return fmt.Errorf("making a nonce: %w", err)
	}
	r.Sealed = seal.Seal(nonce, nonce, []byte(secret), []byte(r.AccessKeyID))
	return nil
}

func (k *Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // the size is right
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return seal
}

// read reads and checks the file. One that is not there has no credentials.
func (f *File) read() ([]record, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	return f.parse(text)
}

func (f *File) parse(text []byte) ([]record, error) {
	records, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials in %s: %w", f.path, err)
	}
	return records, nil
}

func parse(text []byte) ([]record, error) {
	var c content
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // a misspelt expires must not be for ever
	if err := d.Decode(&c); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("there is something behind the JSON object")
	}
	if c.Version != version {
		return nil, fmt.Errorf("version %d is not known, only %d", c.Version, version)
	}
	known := map[string]bool{}
	for i := range c.Credentials {
		r := &c.Credentials[i]
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("credential %d: %w", i+1, err)
		}
		if known[r.AccessKeyID] {
			return nil, fmt.Errorf("credential %d: %s is there twice", i+1, r.AccessKeyID)
		}
		known[r.AccessKeyID] = true
	}
	return c.Credentials, nil
}

// change replaces what is in the file by what edit makes of it.
func (f *File) change(now time.Time, edit func([]record) ([]record, error)) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return fmt.Errorf("making the directory of the credentials: %w", err)
	}
	return secretfile.Change(f.path, func(text []byte) ([]byte, error) {
		var records []record
		var err error
		if text != nil {
			if records, err = f.parse(text); err != nil {
				return nil, err
			}
		}
		if records, err = edit(records); err != nil {
			return nil, err
		}
		records = slices.DeleteFunc(records, func(r record) bool { return !r.Expires.IsZero() && now.After(r.Expires.Add(kept)) })
		if records == nil {
			records = []record{}
		}
		if text, err = json.MarshalIndent(content{version, records}, "", "  "); err != nil {
			return nil, fmt.Errorf("writing the credentials: %w", err)
		}
		return append(text, '\n'), nil
	})
}

// newID makes an access key in the form of AWS's: 20 capital letters and
// digits. The beginning tells it from theirs.
func newID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return "TOMO" + random(16, alphabet)
}

// newSecret makes a secret of letters and digits, which need no quotes
// anywhere. 40 of them are 238 bits.
func newSecret(n int) string {
	return random(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

// random draws n letters evenly.
func random(n int, alphabet string) string {
	text := make([]byte, 0, n)
	even := 256 - 256%len(alphabet)
	for len(text) < n {
		var raw [64]byte
		_, _ = rand.Read(raw[:]) // never fails
		for _, b := range raw {
			if int(b) < even && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}
