package secretfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tomotrace/tomo/secretfile"
)

func set(text string) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) { return []byte(text), nil }
}

func read(t *testing.T, path string) (string, fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), info.Mode().Perm()
}

// TestModes: a file is for its owner, and for its group if it was before, but
// never for others.
func TestModes(t *testing.T) {
	tests := []struct{ before, want fs.FileMode }{{0, 0o600}, {0o600, 0o600}, {0o640, 0o640}, {0o660, 0o640}, {0o644, 0o640}, {0o400, 0o600}}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "file")
		if tt.before != 0 {
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := secretfile.Change(path, set("new")); err != nil {
			t.Errorf("of mode %o: %v", tt.before, err)
			continue
		}
		if text, mode := read(t, path); text != "new" || mode != tt.want {
			t.Errorf("of mode %o: is %q of mode %o, want mode %o", tt.before, text, mode, tt.want)
		}
	}
}

// TestOwner: what root changes stays another user's, and so does the lock: it
// has to be able to change the file itself.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const uid, gid = 4711, 4712
	dir := t.TempDir()
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Skip("this file system has no owners:", err)
	}
	path := filepath.Join(dir, "file")
	for range 2 { // one that is not there, and one that is
		if err := secretfile.Change(path, set("new")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, path + ".lock"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if is := info.Sys().(*syscall.Stat_t); is.Uid != uid || is.Gid != gid {
				t.Errorf("%s is of %d:%d", name, is.Uid, is.Gid)
			}
		}
		if err := os.Chown(dir, 0, 0); err != nil { // then it is the file's owner that counts
			t.Fatal(err)
		}
	}
}

// TestWriters: nobody misses what others write at the same time.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			err := secretfile.Change(path, func(text []byte) ([]byte, error) {
				n := 0
				if text != nil {
					var err error
					if n, err = strconv.Atoi(string(text)); err != nil {
						return nil, err
					}
				}
				return fmt.Append(nil, n+1), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, _ := read(t, path); text != "20" {
		t.Errorf("20 times one more is %s", text)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) != 1 { // the lock
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := secretfile.Change(path, set("old")); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("that cannot be")
	if err := secretfile.Change(path, func([]byte) ([]byte, error) { return []byte("new"), wrong }); err != wrong {
		t.Errorf("what edit refuses: %v", err)
	}
	if text, _ := read(t, path); text != "old" {
		t.Errorf("then there is %q", text)
	}
	missing := filepath.Join(t.TempDir(), "missing", "file")
	if err := secretfile.Change(missing, set("")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "changing "+missing) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}
