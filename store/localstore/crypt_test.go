package localstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/localstore"
)

func openEncrypted(t *testing.T, dir string, known func(string) []byte) *localstore.Store {
	t.Helper()
	s, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, LogFile: 4 << 10, Keys: known})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readable lists the files under dir in which one of the words is to be read.
func readable(t *testing.T, dir string, words ...string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) {
				files = append(files, filepath.Base(path)+" has "+word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestEncrypt looks for secrets in the files of a store: none is to be read while
// there is a key, wherever it is written, and each is given back all the same.
func TestEncrypt(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	// Names are in columns, dictionaries and graphs; the rest in documents. Short
	// texts stay as they are when they are compressed.
	secrets := []string{"SecretService", "secret-user", "secret-setting", "par" + "quet", "tomo.graphs", "min_start"}
	put := func(s *localstore.Store, n int) {
		t.Helper()
		d := incoming(n, n, tomo.TimeOf(start))
		d.Text = fmt.Appendf(nil, `{"trace_id":"%v","id":"%016x","name":"SecretService","user":"secret-user","start_time":1767607200.5,"end_time":1767607201}`, d.TraceID, n+1)
		if _, err := s.PutSegments(ctx, []tomo.Incoming{d}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(s *localstore.Store, traces int, key string) {
		t.Helper()
		if texts := held(t, s); len(texts) != traces {
			t.Errorf("%d documents are there, want %d", len(texts), traces)
		}
		if text, err := s.LoadSettings(ctx, "some"); err != nil || string(text) != "secret-setting" {
			t.Errorf("the settings are %q, %v", text, err)
		}
		if id, behind := s.Encryption(); id != key || behind != 0 {
			t.Errorf("the key is %q, %d files behind; want %q", id, behind, key)
		}
		if files := readable(t, dir, secrets...); key != "" && len(files) > 0 {
			t.Errorf("encrypted, but to be read: %v", files)
		}
	}

	s := openEncrypted(t, dir, keys)
	put(s, 1)
	if err := settleAll(ctx, s); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSettings(ctx, "some", []byte("secret-setting")); err != nil {
		t.Fatal(err)
	}
	put(s, 2)
	check(s, 2, "")
	if found := strings.Join(readable(t, dir, secrets...), " "); !strings.Contains(found, "SecretService") || !strings.Contains(found, "secret-setting") {
		t.Fatalf("this test looks for the wrong words: without a key there are %s", found)
	}

	if err := s.Encrypt(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if _, behind := s.Encryption(); behind != 2 { // the block and the open log
		t.Errorf("%d files are behind, want 2", behind)
	}
	put(s, 3)
	for _, tidy := range []func() error{func() error { return settleAll(ctx, s) }, func() error { return s.Maintain(ctx) }} {
		if err := tidy(); err != nil {
			t.Fatal(err)
		}
	}
	check(s, 3, "one")
	put(s, 4) // into an encrypted log
	check(s, 4, "one")
	s.Close()

	_, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock})
	if err == nil || !strings.Contains(err.Error(), "encrypted with the key one, which is not among the keys given") {
		t.Errorf("opened without the key: %v", err)
	}
	_, err = localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, Keys: func(string) []byte { return keys("two") }})
	if err == nil || !strings.Contains(err.Error(), "not what was written") {
		t.Errorf("opened with another key: %v", err)
	}

	s = openEncrypted(t, dir, keys)
	check(s, 4, "one")
	var known *tomo.Error
	if err := s.Encrypt(ctx, "three"); !errors.As(err, &known) || known.Code != tomo.Invalid {
		t.Errorf("with a key that there is not: %v", err)
	}
	check(s, 4, "one")
	for _, key := range []string{"two", ""} {
		if err := s.Encrypt(ctx, key); err != nil {
			t.Fatal(err)
		}
		if err := settleAll(ctx, s); err != nil {
			t.Fatal(err)
		}
		if err := s.Maintain(ctx); err != nil {
			t.Fatal(err)
		}
		check(s, 4, key)
		if key == "two" { // nothing needs the first key any more
			s.Close()
			s = openEncrypted(t, dir, func(id string) []byte {
				if id == "two" {
					return keys(id)
				}
				return nil
			})
		}
	}
	s.Close()
	openEncrypted(t, dir, nil).Close()
}

// TestTampered changes, cuts and swaps bytes of an encrypted store: it may refuse
// to open, or refuse to read, but nothing else may come out of it than was put in.
func TestTampered(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	s := openEncrypted(t, dir, keys)
	if err := s.Encrypt(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if _, err := s.PutSegments(ctx, []tomo.Incoming{incoming(i, i, tomo.TimeOf(start))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := settleAll(ctx, s); err != nil {
		t.Fatal(err)
	}
	want := held(t, s)
	s.Close()
	blocks, err := filepath.Glob(filepath.Join(dir, "blocks", "*.parquet"))
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	sound, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	try := func(what string, text []byte) {
		t.Helper()
		if err := os.WriteFile(blocks[0], text, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := localstore.Open(dir, localstore.Options{Derive: derive.Summary, Now: clock, Keys: keys})
		if err != nil {
			refused++
			return
		}
		defer s.Close()
		for sum, err := range s.Summaries(ctx, tomo.Window{TimeRange: tomo.Always}, filter.Plan{}, tomo.Top) {
			if err != nil {
				refused++
				return
			}
			all, err := s.Documents(ctx, sum.ID)
			if err != nil {
				refused++
				return
			}
			for _, d := range all.Documents {
				if !slices.Contains(want, string(d.Text)) {
					t.Fatalf("%s: there is %s", what, d.Text)
				}
			}
		}
	}
	const changes = 60
	for i := range changes {
		at := i * (len(sound) - 1) / (changes - 1)
		changed := slices.Clone(sound)
		changed[at] ^= 1 << (i % 8)
		try(fmt.Sprint("byte ", at), changed)
		try(fmt.Sprint("cut at ", at), sound[:at])
	}
	// Of a cut or changed file nothing is read; padding of the key's id aside.
	if refused < 2*changes-1 {
		t.Errorf("%d of %d changed files were refused", refused, 2*changes)
	}
	if err := os.WriteFile(blocks[0], sound, 0o644); err != nil {
		t.Fatal(err)
	}
	s = openEncrypted(t, dir, keys)
	defer s.Close()
	if got := held(t, s); !slices.Equal(got, want) {
		t.Error("put back as it was, it is not as it was")
	}
}
