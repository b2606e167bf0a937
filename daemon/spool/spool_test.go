package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo/daemon/spool"
)

// ledger counts what a spool says is lost.
type ledger struct {
	documents int
	whys      []string
}

func (l *ledger) lost(n int, why string) { l.documents += n; l.whys = append(l.whys, why) }

func open(t rapid.TB, dir string, limit int64, l *ledger) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{Limit: limit, Lost: l.lost})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// incompressible makes a document that takes as much room as it is long.
func incompressible(name string, size int) []byte {
	b := []byte(name + " ")
	for x := uint64(len(name)) + 88172645463325252; len(b) < size; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = append(b, byte(x))
	}
	return b
}

func next(t rapid.TB, s *spool.Spool) *spool.Batch {
	t.Helper()
	b, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func name(b *spool.Batch) string {
	name, _, _ := strings.Cut(string(b.Documents[0]), " ")
	return name
}

// TestModel holds a spool against a list: whatever is appended, lent, done,
// closed and opened again, what comes out is what went in, oldest first, and
// what does not come out was told.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		const limit = 1 << 20
		var lost ledger
		s := open(t, dir, limit, &lost)
		defer func() { s.Close() }()
		type entry struct {
			name      string
			documents int
		}
		var waiting []entry // oldest first
		type loan struct {
			entry
			*spool.Batch
		}
		var lent []loan
		in, out, n := 0, 0, 0
		// drop takes what the spool dropped off the model: always the oldest.
		known := 0
		drop := func() {
			for missing := lost.documents - known; missing > 0; {
				if len(waiting) == 0 {
					t.Fatalf("%d more documents lost than were waiting", missing)
				}
				missing -= waiting[0].documents
				waiting = waiting[1:]
				if missing < 0 {
					t.Fatal("part of a batch was lost")
				}
			}
			known = lost.documents
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				n++
				e := entry{fmt.Sprintf("b%d", n), rapid.IntRange(1, 5).Draw(t, "documents")}
				var docs [][]byte
				for range e.documents {
					docs = append(docs, incompressible(e.name, rapid.IntRange(8, 60_000).Draw(t, "size")))
				}
				if err := s.Append(docs); err != nil {
					t.Fatal(err)
				}
				in += e.documents
				waiting = append(waiting, e)
				drop()
			},
			"next": func(t *rapid.T) {
				b := next(t, s)
				if b == nil {
					if len(waiting) > 0 {
						t.Fatalf("nothing came, but %v waits", waiting)
					}
					return
				}
				if len(waiting) == 0 || name(b) != waiting[0].name || len(b.Documents) != waiting[0].documents {
					t.Fatalf("%s with %d documents came, of %v", name(b), len(b.Documents), waiting)
				}
				lent = append(lent, loan{waiting[0], b})
				waiting = waiting[1:]
			},
			"done": func(t *rapid.T) {
				if len(lent) == 0 {
					return
				}
				i := rapid.IntRange(0, len(lent)-1).Draw(t, "which")
				lent[i].Done()
				lent[i].Done() // twice is once
				out += lent[i].documents
				lent = slices.Delete(lent, i, i+1)
			},
			"reopen": func(t *rapid.T) {
				// What is lent comes again, unless it had to make room.
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				gone := lost.documents - known
				known = lost.documents
				var back []entry
				for _, l := range lent {
					back = append(back, l.entry)
				}
				slices.SortFunc(back, func(a, b entry) int { return number(a.name) - number(b.name) })
				for gone > 0 { // the oldest, as files go in order
					gone -= back[0].documents
					back = back[1:]
				}
				if gone < 0 {
					t.Fatal("part of a batch was lost")
				}
				waiting = append(back, waiting...)
				slices.SortFunc(waiting, func(a, b entry) int { return number(a.name) - number(b.name) })
				lent = nil
				s = open(t, dir, limit, &lost)
				drop()
			},
			"": func(t *rapid.T) {
				held := 0
				for _, e := range waiting {
					held += e.documents
				}
				for _, l := range lent {
					held += l.documents
				}
				if in != out+held+lost.documents {
					t.Fatalf("%d in, %d out, %d held, %d lost", in, out, held, lost.documents)
				}
				if s.Waiting() != len(waiting) {
					t.Fatalf("%d wait, want %d", s.Waiting(), len(waiting))
				}
				if _, size := s.Usage(); size > limit {
					t.Fatalf("%d bytes", size)
				}
			},
		})
	})
}

func number(name string) (n int) {
	fmt.Sscanf(name, "b%d", &n)
	return n
}

// TestDone: a batch that is done does not come again, though its file stays and
// the process ends at once.
func TestDone(t *testing.T) {
	dir := t.TempDir()
	var lost ledger
	s := open(t, dir, 0, &lost)
	for i := range 3 {
		if err := s.Append([][]byte{fmt.Appendf(nil, "b%d ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	next(t, s).Done()
	left := next(t, s)
	// A copy of the files is what another process finds after a crash.
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again := open(t, crashed, 0, &lost)
	defer again.Close()
	if b := next(t, again); name(b) != name(left) {
		t.Errorf("%s comes first, want %s", name(b), name(left))
	}
	left.Done()
	next(t, s).Done()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.spool")); len(files) > 0 {
		t.Errorf("%v are still there", files)
	}
	if lost.documents > 0 || len(lost.whys) > 0 {
		t.Errorf("lost %+v", lost)
	}
}

// TestTorn cuts a file anywhere: the batches before the cut come, the one that
// is cut is told, to the document if its head is whole.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0, new(ledger))
	var ends []int64 // of the batches
	path := ""
	for i := range 4 {
		if err := s.Append([][]byte{incompressible(fmt.Sprintf("b%d", i), 100), {'x'}}); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.spool"))
		path = files[0]
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for cut := range int64(len(whole)) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		var lost ledger
		s := open(t, dir, 0, &lost)
		want, begin := 0, int64(8)
		for want < len(ends) && ends[want] <= cut {
			begin = ends[want]
			want++
		}
		got := 0
		for b := next(t, s); b != nil; b = next(t, s) {
			if name(b) != fmt.Sprintf("b%d", got) {
				t.Errorf("cut at %d: %s came as number %d", cut, name(b), got)
			}
			got++
			b.Done()
		}
		if got != want {
			t.Errorf("cut at %d: %d batches came, want %d", cut, got, want)
		}
		wantLost := 0
		if cut >= begin+20 {
			wantLost = 2
		}
		if torn := cut > begin; lost.documents != wantLost || (len(lost.whys) == 1) != torn {
			t.Errorf("cut at %d: lost %+v, want %d documents", cut, lost, wantLost)
		}
		// Life goes on.
		if err := s.Append([][]byte{[]byte("new ")}); err != nil {
			t.Fatal(err)
		}
		if b := next(t, s); name(b) != "new" {
			t.Errorf("cut at %d: %s came", cut, name(b))
		}
		s.Close()
	}
}

// FuzzDamage changes bytes of a file: nothing comes out that did not go in, and
// nothing else breaks.
func FuzzDamage(f *testing.F) {
	f.Add(uint16(9), []byte{1})
	f.Add(uint16(12), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint16(40), []byte("damage"))
	f.Add(uint16(0), []byte("another file"))
	dir := f.TempDir()
	s := open(f, dir, 0, new(ledger))
	for i := range 5 {
		if err := s.Append([][]byte{incompressible(fmt.Sprintf("b%d", i), 50)}); err != nil {
			f.Fatal(err)
		}
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*.spool"))
	whole, err := os.ReadFile(files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, at uint16, with []byte) {
		damaged := slices.Clone(whole)
		copy(damaged[int(at)%len(damaged):], with)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "00000000000000000001.spool"), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var lost ledger
		s := open(t, dir, 0, &lost)
		defer s.Close()
		last := -1
		for b := next(t, s); b != nil; b = next(t, s) {
			n := number(name(b))
			if n <= last || string(b.Documents[0]) != string(incompressible(name(b), 50)) {
				t.Fatalf("%q came after b%d", b.Documents, last)
			}
			last = n
			b.Done()
		}
	})
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0, new(ledger))
	if _, err := spool.Open(dir, spool.Options{}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 0, new(ledger)).Close()
}

func TestLimits(t *testing.T) {
	if _, err := spool.Open(t.TempDir(), spool.Options{Limit: 1000}); err == nil {
		t.Error("1,000 bytes are enough")
	}
	s := open(t, t.TempDir(), 1<<20, new(ledger))
	defer s.Close()
	if err := s.Append([][]byte{incompressible("large", 2<<20)}); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("2 MiB into 1: %v", err)
	}
}

// TestDiskFails: a write that fails is told, and what is there already stays.
func TestDiskFails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, 0, new(ledger))
		if err := s.Append([][]byte{[]byte("a ")}); err != nil {
			t.Fatal(err)
		}
		next(t, s).Done() // removes the file, so that the next needs a new one
		if err := os.Rename(dir, dir+"-away"); err != nil {
			t.Fatal(err)
		}
		if err := s.Append([][]byte{[]byte("b ")}); err == nil {
			t.Error("a batch went into a directory that is not there")
		}
		if err := os.Rename(dir+"-away", dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Append([][]byte{[]byte("c ")}); err != nil {
			t.Fatal(err)
		}
		if b := next(t, s); b == nil || name(b) != "c" {
			t.Errorf("%v came", b)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
