package localstore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/localstore"
)

// faultyFS is the real file system until it is told to fail. Operations that
// change something are counted; fails says what becomes of each.
type faultyFS struct {
	localstore.FS
	mu    sync.Mutex
	n     int
	fails func(n int) bool
	files map[string]*faultyFile // everything created, for losing what was not synced
	fresh map[string]bool        // created since the directory was synced
	moved map[string]renamed     // renamed since the directory was synced, by the new name
}

// renamed is what a rename did.
type renamed struct {
	from   string
	before []byte // what had the new name; nil if nothing had
}

func newFaultyFS(fails func(n int) bool) *faultyFS {
	return &faultyFS{FS: localstore.OS, fails: fails, files: map[string]*faultyFile{}, fresh: map[string]bool{}, moved: map[string]renamed{}}
}

func (f *faultyFS) setFails(fails func(n int) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fails
}

func (f *faultyFS) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.fails(f.n) {
		return syscall.ENOSPC
	}
	return nil
}

func (f *faultyFS) steps() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *faultyFS) Create(name string) (localstore.File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name)
	if err != nil {
		return nil, err
	}
	faulty := &faultyFile{File: file, fs: f}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name], f.fresh[name] = faulty, true
	return faulty, nil
}

func (f *faultyFS) Rename(from, to string) error {
	if err := f.step(); err != nil {
		return err
	}
	before, err := os.ReadFile(to)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := f.FS.Rename(from, to); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.moved[to] = renamed{from, before}
	f.files[to] = f.files[from]
	delete(f.files, from)
	return nil
}

func (f *faultyFS) Remove(name string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f *faultyFS) SyncDir(dir string) error {
	if err := f.step(); err != nil {
		return err
	}
	f.mu.Lock()
	for name := range f.fresh {
		if filepath.Dir(name) == dir {
			delete(f.fresh, name)
		}
	}
	for name := range f.moved {
		if filepath.Dir(name) == dir {
			delete(f.moved, name)
		}
	}
	f.mu.Unlock()
	return f.FS.SyncDir(dir)
}

// powerCut loses what was not synced: the ends of files, new names, and, as the
// directory may be written at any time, with renames the latest renames or not.
func (f *faultyFS) powerCut(t *testing.T, renames bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for to, was := range f.moved {
		if !renames {
			break
		}
		err := os.Rename(to, was.from)
		if err == nil && was.before != nil {
			err = os.WriteFile(to, was.before, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.files[was.from] = f.files[to]
		delete(f.files, to)
	}
	for name, file := range f.files {
		if f.fresh[name] {
			os.Remove(name)
			continue
		}
		if err := file.cut(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

type faultyFile struct {
	localstore.File
	fs           *faultyFS
	size, synced int64
	at           int64  // where Write goes on
	pending      []span // written since the last sync
}

// span is a part of a file.
type span struct{ from, to int64 }

// cut makes the file what it was when it was last synced: of that length, and
// zeros where something was written since.
func (f *faultyFile) cut(name string) error {
	if err := os.Truncate(name, f.synced); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, w := range f.pending {
		if to := min(w.to, f.synced); w.from < to {
			if _, err := file.WriteAt(make([]byte, to-w.from), w.from); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *faultyFile) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.at)
	f.at += int64(n)
	return n, err
}

// WriteAt writes half when it fails, as a full disk does.
func (f *faultyFile) WriteAt(b []byte, at int64) (int, error) {
	fault := f.fs.step()
	if fault != nil {
		b = b[:len(b)/2]
	}
	n, err := f.File.WriteAt(b, at)
	f.size = max(f.size, at+int64(n))
	f.pending = append(f.pending, span{at, at + int64(n)})
	return n, cmp.Or(fault, err)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.step(); err != nil {
		return err
	}
	err := f.File.Sync()
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.synced, f.pending = f.size, nil
	return err
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.step(); err != nil {
		return err
	}
	f.size = size
	return f.File.Truncate(size)
}

// script writes, settles and tidies, and returns the documents that were
// acknowledged, by the names of their services. Whatever fails is tried once more
// later, as the pipeline does. If it encrypts, the key becomes another one now and
// then.
func script(s *localstore.Store, encrypts bool) (acked []string) {
	ctx := context.Background()
	now := tomo.TimeOf(start)
	for i := range 24 {
		var docs []tomo.Incoming
		for k := range 3 {
			docs = append(docs, incoming(i%9, 100*i+k, now+tomo.Time(i)))
		}
		if _, err := s.PutSegments(ctx, docs); err == nil {
			for _, d := range docs {
				acked = append(acked, serviceOf(d.Text))
			}
		}
		if i%2 == 1 {
			settleHalf(ctx, s)
		}
		if key, changes := map[int]string{3: "one", 10: "two", 17: "", 22: "one"}[i]; encrypts && changes {
			s.Encrypt(ctx, key)
		}
		if i == 20 || encrypts && i == 12 {
			s.Maintain(ctx)
		}
	}
	return acked
}

// settleAll settles what is open.
func settleAll(ctx context.Context, s *localstore.Store) error {
	return settle(ctx, s, func(tomo.TraceID) bool { return false })
}

// settleHalf drops every second trace whenever it settles as if for the first
// time.
func settleHalf(ctx context.Context, s *localstore.Store) error {
	return settle(ctx, s, func(id tomo.TraceID) bool { return id[15]%2 == 1 })
}

func settle(ctx context.Context, s *localstore.Store, drop func(tomo.TraceID) bool) error {
	due, err := s.Due(ctx, tomo.SettlePolicy{Round: 1 << 40})
	if err != nil {
		return err
	}
	var rows []tomo.Settled
	for _, d := range due {
		rows = append(rows, tomo.Settled{Summary: derive.Summary(d.ID, d.Documents), Documents: d.Documents, Dropped: drop(d.ID)})
	}
	return s.Settle(ctx, rows)
}

// incoming is a document of a service of its own.
func incoming(trace, segment int, received tomo.Time) tomo.Incoming {
	id := tomo.TraceID{15: byte(trace + 1)}
	text := fmt.Sprintf(`{"trace_id":"%v","id":"%016x","name":"service-%04d","start_time":1767607200.5,"end_time":1767607201}`, id, segment, segment)
	return tomo.Incoming{TraceID: id, First: 1767607200500000, Last: 1767607200500000, RawDocument: tomo.RawDocument{Text: []byte(text), Received: received}}
}

func serviceOf(text []byte) string {
	_, name, _ := strings.Cut(string(text), `"name":"`)
	name, _, _ = strings.Cut(name, `"`)
	return name
}

// held lists the texts of everything in the store, through the summaries.
func held(t *testing.T, s *localstore.Store) (texts []string) {
	t.Helper()
	for sum, err := range s.Summaries(context.Background(), tomo.Window{TimeRange: tomo.Always}, filter.Plan{}, tomo.Top) {
		if err != nil {
			t.Fatal(err)
		}
		docs, err := s.Documents(context.Background(), sum.ID)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Documents != len(docs.Documents) {
			t.Errorf("the summary of %v counts %d documents, there are %d", sum.ID, sum.Documents, len(docs.Documents))
		}
		for _, d := range docs.Documents {
			texts = append(texts, string(d.Text))
		}
	}
	return texts
}

// TestEveryFault lets the nth write, sync, rename … of a store fail, for each n:
// nothing acknowledged may be missing or there twice, and nothing that was
// dropped uncounted or counted twice, in the store that goes on and in the one
// that is opened next.
func TestEveryFault(t *testing.T) {
	modes := []struct {
		name  string
		fails func(nth int) func(n int) bool
		cut   bool // the power goes with the first fault
		lost  bool // and with it the renames that were not synced

		encrypts bool
	}{
		{"once", once, false, false, false},
		{"thrice", func(nth int) func(int) bool { return func(n int) bool { return n >= nth && n < nth+3 } }, false, false, false},
		{"power", onward, true, false, false},
		{"power and renames", onward, true, true, false},
		{"once, encrypted", once, false, false, true},
		{"power and renames, encrypted", onward, true, true, true},
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			for nth := 1; ; nth++ {
				dir := t.TempDir()
				fs := newFaultyFS(mode.fails(nth))
				s, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, FS: fs, Keys: keys})
				var acked []string
				if err == nil {
					acked = script(s, mode.encrypts)
					if !mode.cut {
						holds(t, nth, s, acked)
					}
					s.Close()
				}
				reached := fs.steps() >= nth
				if mode.cut {
					fs.powerCut(t, mode.lost)
				}
				s, err = localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, Keys: keys})
				if err != nil {
					t.Fatalf("fault %d: opening again: %v", nth, err)
				}
				holds(t, nth, s, acked)
				if err := settleHalf(context.Background(), s); err != nil {
					t.Fatalf("fault %d: settling: %v", nth, err)
				}
				holds(t, nth, s, acked)
				s.Close()
				if t.Failed() || !reached {
					return
				}
			}
		})
	}
}

// once fails at the nth operation alone, onward at that and every later one.
func once(nth int) func(int) bool   { return func(n int) bool { return n == nth } }
func onward(nth int) func(int) bool { return func(n int) bool { return n >= nth } }

func holds(t *testing.T, nth int, s *localstore.Store, acked []string) {
	t.Helper()
	ctx := context.Background()
	graph, err := s.Graph(ctx, tomo.Always, "")
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int64{}
	for i := range graph.Services {
		if n := &graph.Services[i]; n.Type != tomo.ClientType {
			counted[n.Name] = n.Statistics.Total()
		}
	}
	for name, n := range counted {
		if n != 1 {
			t.Errorf("fault %d: the document of %s is counted %d times", nth, name, n)
		}
	}
	for _, name := range acked {
		if counted[name] == 0 {
			t.Errorf("fault %d: acknowledged, but neither there nor counted: %s", nth, name)
		}
	}
	texts := held(t, s)
	for _, text := range texts {
		if counted[serviceOf([]byte(text))] == 0 {
			t.Errorf("fault %d: there, but not counted: %s", nth, text)
		}
	}
	slices.Sort(texts)
	if distinct := slices.Compact(slices.Clone(texts)); len(distinct) != len(texts) {
		t.Errorf("fault %d: %d documents are there, %d of them distinct", nth, len(texts), len(distinct))
	}
	dropped, err := s.Dropped(ctx, tomo.Always, "")
	if err != nil {
		t.Fatal(err)
	}
	if int(dropped.Documents)+len(texts) != len(counted) {
		t.Errorf("fault %d: %d documents are there, %d were dropped, %d are counted", nth, len(texts), dropped.Documents, len(counted))
	}
}

// TestDiskFull fills the disk and empties it again: documents are refused in
// between, and nothing needs a restart.
func TestDiskFull(t *testing.T) {
	fs := newFaultyFS(func(int) bool { return false })
	s, err := localstore.Open(t.TempDir(), localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	put := func(i int) error {
		_, err := s.PutSegments(ctx, []tomo.Incoming{incoming(i, i, tomo.TimeOf(start))})
		return err
	}
	if err := put(1); err != nil {
		t.Fatal(err)
	}
	fs.setFails(func(int) bool { return true })
	for range 3 {
		var known *tomo.Error
		if err := put(2); !errors.As(err, &known) || known.Code != tomo.Unavailable {
			t.Fatalf("storing on a full disk: %v", err)
		}
		if err := settleAll(ctx, s); err == nil {
			t.Fatal("settled on a full disk")
		}
	}
	if got := held(t, s); len(got) != 1 {
		t.Errorf("%d documents while the disk is full, want 1", len(got))
	}
	fs.setFails(func(int) bool { return false })
	if err := put(3); err != nil {
		t.Fatalf("storing with room again: %v", err)
	}
	if err := settleAll(ctx, s); err != nil {
		t.Fatalf("settling with room again: %v", err)
	}
	if got := held(t, s); len(got) != 2 {
		t.Errorf("%d documents with room again, want 2", len(got))
	}
}

func clock() time.Time { return start }

// TestSettingsFaults lets the nth operation fail while settings are saved. What
// is there afterwards is the text that was saved last or, after an error, the
// one that was to be saved: never less, never a mixture.
func TestSettingsFaults(t *testing.T) {
	ctx := context.Background()
	modes := []struct {
		name      string
		fails     func(nth int) func(n int) bool
		cut, lost bool
	}{{"once", once, false, false}, {"power", onward, true, false}, {"power and renames", onward, true, true}}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			for nth := 1; ; nth++ {
				dir := t.TempDir()
				fs := newFaultyFS(func(int) bool { return false })
				s, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, FS: fs})
				if err != nil {
					t.Fatal(err)
				}
				before := fs.steps()
				fs.setFails(mode.fails(before + nth))
				saved, open := "", ""
				for i := range 5 {
					text := fmt.Sprintf("%d %0*d", i, 1+1000*(i%3), i)
					switch err := s.SaveSettings(ctx, "groups", []byte(text)); {
					case err == nil:
						saved, open = text, text
					case open == saved: // the first error: from here on both may be there
						open = text
						var known *tomo.Error
						if !errors.As(err, &known) || known.Code != tomo.Unavailable {
							t.Errorf("fault %d: %v is not Unavailable", nth, err)
						}
					}
					if mode.cut && open != saved {
						break
					}
				}
				reached := fs.steps() >= before+nth
				fs.setFails(func(int) bool { return mode.cut })
				s.Close()
				if mode.cut {
					fs.powerCut(t, mode.lost)
				}
				s, err = localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, Keys: keys})
				if err != nil {
					t.Fatalf("fault %d: opening again: %v", nth, err)
				}
				got, err := s.LoadSettings(ctx, "groups")
				if err != nil || string(got) != saved && string(got) != open {
					t.Errorf("fault %d: got %.20q (%d bytes), %v; want %.20q or %.20q", nth, got, len(got), err, saved, open)
				}
				if left, _ := filepath.Glob(filepath.Join(dir, "settings", "*.tmp")); len(left) > 0 {
					t.Errorf("fault %d: %v was left", nth, left)
				}
				s.Close()
				if t.Failed() || !reached {
					return
				}
			}
		})
	}
}
