package keyring_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/keyring"
)

var now = time.Date(2026, 1, 5, 10, 0, 0, 5, time.UTC)

func TestRing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := keyring.Open(path); err == nil {
		t.Fatal("a file that is not there was opened")
	}
	first, err := keyring.Add(path, "", "alias/traces", now)
	if err != nil {
		t.Fatal(err)
	}
	second, err := keyring.Add(path, "mine-2", "", now)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.ID) != 36 || second.ID != "mine-2" || len(first.Secret) != 32 || string(first.Secret) == string(second.Secret) {
		t.Errorf("made %v and %v", first, second)
	}
	for _, wrong := range [][2]string{{"mine-2", ""}, {"other", "traces"}, {"a b", ""}, {"x", "a:b"}, {strings.Repeat("k", 65), ""}} {
		if k, err := keyring.Add(path, wrong[0], wrong[1], now); err == nil {
			t.Errorf("%q made %v", wrong, k)
		}
	}
	ring, err := keyring.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]keyring.Key{first, second}, ring.Keys()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		first.ID: first.ID, "mine-2": "mine-2", "alias/traces": first.ID,
		"arn:aws:kms:eu-west-1:123456789012:key/mine-2": "mine-2",
		"arn:aws-cn:kms:cn-north-1:1:alias/traces":      first.ID,
		"traces": "", "alias/mine-2": "", "": "", "alias/": "", "arn:aws:xray:r:a:key/mine-2": "",
	} {
		if id, found := ring.Find(name); id != want || found != (want != "") {
			t.Errorf("%q is %q, %v; want %q", name, id, found, want)
		}
	}
	if string(ring.Secret("mine-2")) != string(second.Secret) || ring.Secret("none") != nil {
		t.Error("the wrong secret")
	}
}

// TestWriters: a key that is lost among others that are added at the same time
// would be data that nobody can read.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := keyring.Add(path, "", "", now); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if ring, err := keyring.Open(path); err != nil || len(ring.Keys()) != 10 {
		t.Errorf("%v, %v", ring, err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	secret := `"secret":"` + strings.Repeat("A", 43) + `="`
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"open to others":   {`{"version":1}`, 0o644, "chmod 600"},
		"the group writes": {`{"version":1}`, 0o660, "chmod 600"},
		"the group reads":  {`{"version":2}`, 0o640, "of version 2"}, // that it may
		"not JSON":         {`{`, 0o600, "reading the keys"},
		"another version":  {`{"version":2}`, 0o600, "of version 2"},
		"short secret":     {`{"version":1,"keys":[{"id":"a","secret":"AAAA"}]}`, 0o600, "key 1 in"},
		"twice":            {`{"version":1,"keys":[{"id":"a",` + secret + `},{"id":"a",` + secret + `}]}`, 0o600, "id a already"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(path); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}
