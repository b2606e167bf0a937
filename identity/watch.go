package identity

import (
	"os"
	"sync/atomic"
	"time"
)

// watch tells when files were changed. It asks the file system, because that
// works on every one of them, also for what is mounted or swapped by a link.
type watch struct {
	paths []string
	every time.Duration
	next  atomic.Int64 // when to look again, in nanoseconds since the epoch
	seen  []os.FileInfo
}

// due reports whether it is time to look, to one caller.
func (w *watch) due() bool {
	now, next := time.Now().UnixNano(), w.next.Load()
	return now >= next && w.next.CompareAndSwap(next, now+int64(w.every))
}

// changed reports whether a file is another than when this was asked before.
// One caller at a time.
func (w *watch) changed() bool {
	now := make([]os.FileInfo, len(w.paths))
	for i, path := range w.paths {
		now[i], _ = os.Stat(path) // nil: not there
	}
	before := w.seen
	w.seen = now
	for i := range now {
		if before == nil || (now[i] == nil) != (before[i] == nil) {
			return true
		}
		if now[i] != nil && (!os.SameFile(now[i], before[i]) || now[i].Size() != before[i].Size() || !now[i].ModTime().Equal(before[i].ModTime()) ||
			now[i].Mode() != before[i].Mode()) {
			return true
		}
	}
	return false
}
