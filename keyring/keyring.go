// Package keyring keeps the keys that data at rest is encrypted with: a file of
// JSON that only its owner writes, made by hand or by tomo keys add. The file
// is what a key management service is elsewhere: whoever has it and the data can
// read the data, and without it nobody can.
package keyring

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/secretfile"
)

// Key is one key.
type Key struct {
	ID      string    `json:"id"`
	Alias   string    `json:"alias,omitempty"` // another name for it, without alias/
	Secret  []byte    `json:"secret"`          // 32 bytes, in base64
	Created time.Time `json:"created"`
}

const (
	fileVersion = 1
	secretSize  = 32
)

type file struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"`
}

// Ring is the keys of a file. It does not change.
type Ring struct{ keys []Key }

// Open reads the keys of a file.
func Open(path string) (*Ring, error) {
	f, err := read(path)
	if err != nil {
		return nil, err
	}
	return &Ring{f.Keys}, nil
}

func read(path string) (f file, err error) {
	if err := checkMode(path); err != nil {
		return f, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("reading the keys: %w", err)
	}
	return parse(path, text)
}

func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading the keys: %w", err)
	}
	// The group may read: that is how Kubernetes gives a secret to a process.
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return fmt.Errorf("the keys in %s may be read or changed by others (mode %#o): chmod 600 %[1]s", path, mode)
	}
	return nil
}

func parse(path string, text []byte) (f file, err error) {
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("reading the keys in %s: %w", path, err)
	}
	if f.Version != fileVersion {
		return f, fmt.Errorf("the keys in %s are of version %d, this program reads version %d", path, f.Version, fileVersion)
	}
	for i, k := range f.Keys {
		if err := k.check(f.Keys[:i]); err != nil {
			return f, fmt.Errorf("key %d in %s: %w", i+1, path, err)
		}
	}
	return f, nil
}

var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	aliasForm = regexp.MustCompile(`^[A-Za-z0-9/_-]{1,250}$`)
)

// check says what is wrong with a key that comes behind others.
func (k *Key) check(before []Key) error {
	switch {
	case !idForm.MatchString(k.ID):
		return fmt.Errorf("the id %q is not 1 to 64 letters, digits and hyphens", k.ID)
	case k.Alias != "" && !aliasForm.MatchString(k.Alias):
		return fmt.Errorf("the alias %q is not 1 to 250 letters, digits, / _ and -", k.Alias)
	case len(k.Secret) != secretSize:
		return fmt.Errorf("the secret has %d bytes, not %d", len(k.Secret), secretSize)
	case slices.ContainsFunc(before, func(b Key) bool { return b.ID == k.ID }):
		return fmt.Errorf("there is a key with the id %s already", k.ID)
	case k.Alias != "" && slices.ContainsFunc(before, func(b Key) bool { return b.Alias == k.Alias }):
		return fmt.Errorf("there is a key with the alias %s already", k.Alias)
	}
	return nil
}

// Add makes a new key and adds it to the file, which is made if it is not there.
// An empty id is a random one.
func Add(path, id, alias string, now time.Time) (Key, error) {
	if err := checkMode(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Key{}, err
	}
	k := Key{ID: id, Alias: strings.TrimPrefix(alias, "alias/"), Secret: make([]byte, secretSize), Created: now.UTC().Truncate(time.Second)}
	rand.Read(k.Secret) // it never fails
	if id == "" {
		var raw [16]byte
		rand.Read(raw[:])
		raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80 // a random UUID, RFC 9562
		k.ID = fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
	}
	err := secretfile.Change(path, func(text []byte) ([]byte, error) {
		f := file{Version: fileVersion}
		if text != nil {
			var err error
			if f, err = parse(path, text); err != nil {
				return nil, err
			}
		}
		if err := k.check(f.Keys); err != nil {
			return nil, err
		}
		f.Keys = append(f.Keys, k)
		text, err := json.MarshalIndent(f, "", "\t")
		if err != nil {
			return nil, fmt.Errorf("writing the keys: %w", err)
		}
		return append(text, '\n'), nil
	})
	if err != nil {
		return Key{}, err
	}
	return k, nil
}

// Keys lists all keys, in the order in which they were added.
func (r *Ring) Keys() []Key { return slices.Clone(r.keys) }

// Secret is the key with the id, nil if there is none.
func (r *Ring) Secret(id string) []byte {
	for i := range r.keys {
		if r.keys[i].ID == id {
			return r.keys[i].Secret
		}
	}
	return nil
}

// Find finds a key by what requests call it: its id, alias/NAME, or the ARN of
// either, whatever region and account that names.
func (r *Ring) Find(name string) (id string, found bool) {
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[2] == "kms" {
		name = strings.TrimPrefix(parts[5], "key/")
	}
	alias, isAlias := strings.CutPrefix(name, "alias/")
	for i := range r.keys {
		if k := &r.keys[i]; isAlias && alias != "" && k.Alias == alias || !isAlias && k.ID == name {
			return k.ID, true
		}
	}
	return "", false
}
