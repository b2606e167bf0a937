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
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
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
	info, err := os.Stat(path)
	if err != nil {
		return f, fmt.Errorf("reading the keys: %w", err)
	}
	// The group may read: that is how Kubernetes gives a secret to a process.
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return f, fmt.Errorf("the keys in %s may be read or changed by others (mode %#o): chmod 600 %[1]s", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("reading the keys: %w", err)
	}
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
	f, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = file{Version: fileVersion}, nil
	}
	if err != nil {
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
	if err := k.check(f.Keys); err != nil {
		return Key{}, err
	}
	f.Keys = append(f.Keys, k)
	return k, write(path, f)
}

// write replaces the file as a whole.
func write(path string, f file) error {
	text, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return fmt.Errorf("writing the keys: %w", err)
	}
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 600
	if err != nil {
		return fmt.Errorf("writing the keys: %w", err)
	}
	_, err = out.Write(append(text, '\n'))
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the keys: %w", errors.Join(err, os.Remove(out.Name())))
	}
	return nil
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
