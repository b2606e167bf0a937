package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The bounds of what a data directory should have.
const (
	littleSpace = 1 << 30
	noSpace     = 128 << 20
	littleShare = 20 // a twentieth of the disk
	fewInodes   = 10_000
	slowSync    = 25 * time.Millisecond
	leastAge    = time.Hour // of data that tells how fast it grows
)

// checkData looks at the data directory, where it is on this machine.
func (e *examination) checkData(context.Context) {
	dir := e.o.Data
	if dir == "" || e.endpoint != nil && !e.local() {
		e.skip("data", "The server is on another machine, or no data directory is given.")
		return
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		e.skip("data", "%s is not there: --data or TOMO_DATA says where the server keeps its data.", dir)
		return
	case errors.Is(err, fs.ErrPermission):
		e.skip("data", "%s is somebody else's: run the doctor as the server's user.", dir)
		return
	case err != nil:
		e.fail("data", "Look at the disk and its mount.", "The data directory cannot be looked at: %v.", err)
		return
	case !info.IsDir():
		e.fail("data", "Give --data a directory.", "%s is no directory.", dir)
		return
	}
	disk, err := e.o.Machine.Disk(dir)
	if err != nil {
		e.skip("space", "The disk of %s cannot be looked at: %v.", dir, err)
	} else {
		e.checkSpace(dir, disk)
	}
	e.checkSync(dir)
	if err == nil {
		e.checkGrowth(dir, disk)
	}
}

func (e *examination) checkSpace(dir string, d Disk) {
	const check = "space"
	const remedy = "Make room or enlarge the disk, or keep less: a shorter --retention, keep rules (tomo keep), or less sampling."
	switch {
	case d.Free < noSpace:
		e.fail(check, remedy, "%s has %s free of %s: segments will be refused.", dir, size(d.Free), size(d.Size))
	case d.Free < littleSpace || d.Free < d.Size/littleShare:
		e.warn(check, remedy, "%s has only %s free of %s.", dir, size(d.Free), size(d.Size))
	default:
		e.ok(check, "%s has %s free of %s.", dir, size(d.Free), size(d.Size))
	}
	if d.Inodes > 0 && d.FreeNodes < fewInodes {
		e.warn("inodes", "Remove small files from that disk, or give the data a disk of its own.", "The disk of %s has room for only %d more files.", dir, d.FreeNodes)
	}
	switch d.Kind {
	case "tmpfs", "ramfs":
		e.warn("disk", "Put the data on a disk: --data, or a volume.", "%s is in memory (%s): everything is gone after a restart of the machine.", dir, d.Kind)
	case "overlay":
		e.warn("disk", "Mount a volume there.", "%s is in the file system of a container (overlay): everything is gone when it is replaced.", dir)
	case "nfs", "smb", "cifs", "fuse":
		e.warn("disk", "Put the data on a local disk or a block device.", "%s is on a file system of the network (%s): locks and syncs may not hold there.", dir, d.Kind)
	case "":
		e.ok("disk", "%s is on a file system that we know nothing of.", dir)
	default:
		e.ok("disk", "%s is on %s.", dir, d.Kind)
	}
}

func (e *examination) checkSync(dir string) {
	const check = "sync"
	took, err := e.o.Machine.Sync(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.skip(check, "%s cannot be written by us: run the doctor as the server's user.", dir)
	case err != nil:
		e.fail(check, "Look at the disk: space, quota, a mount that is read-only, its health.", "A file cannot be written and synced in %s: %v.", dir, err)
	case took > slowSync:
		e.warn(check, "Use a faster disk, such as an SSD: each acknowledgement waits for a sync.", "A write and its sync take %s in %s.", span(took), dir)
	default:
		e.ok(check, "A write and its sync take %s in %s.", span(took), dir)
	}
}

// checkGrowth reckons from what is there whether the retention fits on the disk.
func (e *examination) checkGrowth(dir string, d Disk) {
	const check = "retention"
	stored, since, err := contents(dir)
	switch age := e.o.Now().Sub(since); {
	case err != nil:
		e.skip(check, "How much is stored cannot be told: %v.", err)
	case since.IsZero():
		e.skip(check, "%s holds no data of a server.", dir)
	case age < leastAge:
		e.skip(check, "%s holds data of %s, too little to tell how fast it grows.", dir, span(age))
	case age >= e.o.Retention:
		e.ok(check, "%s holds %s and has been there longer than the retention of %s: it is as large as it becomes.", dir, size(stored), span(e.o.Retention))
	default:
		daily := float64(stored) / age.Hours() * 24
		more := daily*e.o.Retention.Hours()/24 - float64(stored)
		if more <= float64(d.Free) {
			e.ok(check, "%s grows by %s a day; %s of it fit on the disk.", dir, size(int64(daily)), span(e.o.Retention))
			return
		}
		full := time.Duration(float64(d.Free) / daily * 24 * float64(time.Hour))
		e.warn(check, "Shorten --retention, write keep rules (tomo keep), sample less, or enlarge the disk.",
			"%s grows by %s a day: %s of it need another %s, and there are %s. The disk is full in %s.",
			dir, size(int64(daily)), span(e.o.Retention), size(int64(more)), size(d.Free), span(full))
	}
}

// contents is how many bytes of settled traces a data directory holds, and since
// when.
func contents(dir string) (stored int64, since time.Time, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if errors.Is(err, fs.ErrNotExist) { // compacted away
				return nil
			}
			return err
		}
		block := strings.HasSuffix(path, ".parquet")
		if !block && d.Name() != "LOCK" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // compacted away
		}
		if block {
			stored += info.Size()
		}
		if at := info.ModTime(); since.IsZero() || at.Before(since) {
			since = at
		}
		return nil
	})
	return stored, since, err
}

// checkSecrets looks at who may read what nobody else should.
func (e *examination) checkSecrets(context.Context) {
	const check = "secrets"
	seen, bad := 0, false
	for _, path := range e.o.Secrets {
		info, err := os.Stat(path)
		if err != nil {
			continue // not used, or not ours to see
		}
		seen++
		// A group may read: that is how Kubernetes gives a secret to a process.
		if mode := info.Mode().Perm(); mode&0o037 != 0 && info.Mode().IsRegular() {
			bad = true
			e.fail(check, "chmod 600 "+path+"; and replace what is in it if others may have read it.", "%s may be read by everybody or changed by others (mode %#o).", path, mode)
		}
	}
	switch {
	case bad:
	case seen == 0:
		e.skip(check, "There are no files with secrets that we can see.")
	default:
		e.ok(check, "The files with secrets (%d) are not for everybody.", seen)
	}
}
