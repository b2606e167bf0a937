// Package secretfile changes files that only their owner may read, such as those
// of credentials and of keys: durably, as a whole, and one writer at a time.
package secretfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Change puts what edit makes of the text of a file in its place. The text is
// nil if there is no file; then it is made, of mode 600, in a directory that has
// to be there. Whoever reads the file meanwhile sees it as it was or as it will
// be, and whoever changes it at the same time waits. When Change returns, the
// new text outlives a power cut. An error of edit is returned as it is, and
// nothing has changed.
//
// The file stays its owner's, and its group may read it if it could. A new one
// belongs to the owner of the directory. So an administrator can change it for a
// server that runs as another user.
//
// Beside the file there is one for the lock, path + ".lock", which stays.
func Change(path string, edit func(text []byte) ([]byte, error)) error {
	is, err := ownerOf(path)
	if err != nil {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("locking %s: %w", path, err)
	}
	defer lock.Close() // and so unlocks
	is.give(lock)
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", path, err)
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	after, err := edit(before)
	if err != nil {
		return err
	}
	if err := replace(path, after, is); err != nil {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	return nil
}

// owner is whose a file is, and who may read it.
type owner struct {
	uid, gid int
	mode     fs.FileMode
}

// ownerOf is that of a file, or of the directory of one that is not there.
func ownerOf(path string) (owner, error) {
	is := owner{uid: -1, gid: -1, mode: 0o600}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info, err = os.Stat(filepath.Dir(path))
	case err == nil:
		is.mode |= info.Mode().Perm() & 0o040
	}
	if err != nil {
		return is, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		is.uid, is.gid = int(stat.Uid), int(stat.Gid)
	}
	return is, nil
}

// give gives a file to the owner. Only root can; others write their own files,
// and some file systems have no owners.
func (o owner) give(f *os.File) {
	if os.Geteuid() == 0 {
		_ = f.Chown(o.uid, o.gid)
	}
}

func replace(path string, text []byte, is owner) (err error) {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // of mode 600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temporary.Close()
			os.Remove(temporary.Name())
		}
	}()
	is.give(temporary)
	if err = temporary.Chmod(is.mode); err != nil {
		return err
	}
	if _, err = temporary.Write(text); err != nil {
		return err
	}
	if err = temporary.Sync(); err != nil {
		return err
	}
	if err = temporary.Close(); err != nil {
		return err
	}
	if err = os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
