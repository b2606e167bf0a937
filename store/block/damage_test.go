package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/block"
)

// contents is everything a block can be asked.
type contents struct {
	Info     block.Info
	Rows     []tomo.Settled
	IDs      []tomo.TraceID
	Starts   []tomo.Time
	Received []tomo.Time
	First    []tomo.Time
	Last     []tomo.Time
	Found    []int
	Graphs   []string
	Dropped  tomo.Dropped
}

// readAll asks a file everything. It stops at the first error.
func readAll(r io.ReaderAt, size int64) (c contents, err error) {
	b, err := block.Open(r, size)
	if err != nil {
		return c, err
	}
	c.Info = b.Info()
	if c.Rows, err = b.Settled(0, c.Info.Rows); err != nil {
		return c, err
	}
	if c.IDs, err = b.IDs(); err != nil {
		return c, err
	}
	if c.Starts, err = b.Starts(); err != nil {
		return c, err
	}
	if c.Received, err = b.Received(); err != nil {
		return c, err
	}
	if c.First, c.Last, err = b.Ends(); err != nil {
		return c, err
	}
	for i, id := range c.IDs {
		row, found, err := b.Find(id)
		if err != nil {
			return c, err
		}
		if !found {
			row = -1
		}
		c.Found = append(c.Found, row)
		docs, err := b.Documents(i)
		if err != nil {
			return c, err
		}
		if !reflect.DeepEqual(docs, c.Rows[i].Documents) {
			return c, fmt.Errorf("row %d has one time these documents and another time those", i)
		}
	}
	for _, group := range []string{"", "GROUP00", "GROUP01", "GROUP02", "GROUP03"} {
		for _, read := range []func(string) (*block.Minutes, error){b.Graphs, b.DroppedGraphs} {
			minutes, err := read(group)
			if err != nil {
				return c, err
			}
			err = minutes.Each(nil, func(m tomo.Time, g *tomo.ServiceGraph) {
				c.Graphs = append(c.Graphs, fmt.Sprintf("%d %+v %+v", m, g.Services, g.Edges))
			})
			if err != nil {
				return c, err
			}
			var total tomo.ServiceGraph
			if err := minutes.AddTotal(&total); err != nil {
				return c, err
			}
			c.Graphs = append(c.Graphs, fmt.Sprintf("%+v %+v", total.Services, total.Edges))
		}
	}
	c.Dropped, err = b.Dropped(tomo.Always, "")
	return c, err
}

func mustReadAll(t *testing.T, file []byte) contents {
	t.Helper()
	c, err := readAll(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// damaged is what is in the files that are damaged: three rows in groups, and a
// trace that was dropped.
func damaged() []tomo.Settled {
	rows := newShop(1).grouped(4, 4)
	rows[1].Dropped = true
	return rows
}

// TestDamage changes one bit of a file, all over it. Either that is noticed or the
// answers are the same; there is no third way.
func TestDamage(t *testing.T) {
	_, file := write(t, damaged(), block.Options{})
	want := mustReadAll(t, file)
	harmless, tries := 0, 0
	for i := 0; i < len(file); i += 37 {
		tries++
		damaged := slices.Clone(file)
		damaged[i] ^= 1 << (i % 8)
		got, err := readAll(bytes.NewReader(damaged), int64(len(damaged)))
		if err == nil {
			if diff := difference(want, got); diff != "" {
				t.Fatalf("with byte %d changed: -want +got\n%s", i, diff)
			}
			harmless++
			continue
		}
		if !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("with byte %d changed, the error is not ErrCorrupt: %v", i, err)
		}
	}
	if harmless > tries/5 { // page statistics, for other readers, are most of it
		t.Errorf("%d of %d changes went unnoticed", harmless, tries)
	}
}

// TestTruncation cuts a file at every length.
func TestTruncation(t *testing.T) {
	_, file := write(t, newShop(1).traces(3), block.Options{})
	for n := 0; n < len(file); n += 11 {
		if _, err := block.Open(bytes.NewReader(file[:n]), int64(n)); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("opening the first %d of %d bytes: %v", n, len(file), err)
		}
		// A reader may be told the old size.
		if _, err := readAll(bytes.NewReader(file[:n]), int64(len(file))); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("opening the first %d of %d bytes as if all were there: %v", n, len(file), err)
		}
	}
}

// FuzzOpen: whatever the bytes are, reading them ends without a panic.
func FuzzOpen(f *testing.F) {
	_, file := write(f, newShop(1).traces(2), block.Options{})
	f.Add(file, 0, byte(0))
	f.Add(file, len(file)/2, byte(0xff))
	f.Add(file, len(file)-9, byte(1))
	_, empty := write(f, nil, block.Options{})
	f.Add(empty, 7, byte(3))
	f.Fuzz(func(t *testing.T, file []byte, at int, change byte) {
		if at >= 0 && at < len(file) {
			file[at] ^= change
		}
		readAll(bytes.NewReader(file), int64(len(file)))
	})
}

// failing stops working after some bytes.
type failing struct {
	left int
	err  error
}

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		n := f.left
		f.left = 0
		return n, f.err
	}
	f.left -= len(p)
	return len(p), nil
}

// TestFullDisk: an error of the writer below comes out as it is, and the next
// block is as good as ever.
func TestFullDisk(t *testing.T) {
	rows := newShop(1).traces(60)
	_, want := write(t, rows, block.Options{})
	full := errors.New("no space left on device")
	for left := 0; left < len(want); left += len(want)/9 + 1 {
		if _, err := block.Write(&failing{left, full}, rows, block.Options{}); !errors.Is(err, full) {
			t.Fatalf("writing with room for %d of %d bytes: %v", left, len(want), err)
		}
		b := open(t, want)
		if _, err := block.Merge(&failing{left, full}, []*block.Block{b}, nil, block.Options{}); !errors.Is(err, full) || errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("merging with room for %d of %d bytes: %v", left, len(want), err)
		}
		if _, got := write(t, rows, block.Options{}); !bytes.Equal(got, want) {
			t.Fatalf("the block after a failure at %d bytes is another one", left)
		}
	}
}

type brokenReader struct {
	io.ReaderAt
	err error
}

func (r *brokenReader) ReadAt(p []byte, at int64) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return r.ReaderAt.ReadAt(p, at)
}

// TestBrokenDisk: an error of the reader below is not taken for a corrupt file.
func TestBrokenDisk(t *testing.T) {
	_, file := write(t, newShop(1).traces(20), block.Options{})
	broken := &brokenReader{ReaderAt: bytes.NewReader(file)}
	b, err := block.Open(broken, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := b.IDs()
	if err != nil {
		t.Fatal(err)
	}
	broken.err = errors.New("input/output error")
	for name, ask := range map[string]func() error{
		"Open":        func() error { _, err := block.Open(broken, int64(len(file))); return err },
		"Find":        func() error { _, _, err := b.Find(ids[3]); return err },
		"IDs":         func() error { _, err := b.IDs(); return err },
		"Starts":      func() error { _, err := b.Starts(); return err },
		"Ends":        func() error { _, _, err := b.Ends(); return err },
		"Summaries":   func() error { _, err := b.Summaries(2, 3); return err },
		"SummariesOf": func() error { _, err := b.SummariesOf([]int{2}); return err },
		"Select": func() error {
			_, err := b.Select(filter.Plan{Conditions: []filter.Condition{filter.FlagIs{Flag: filter.HasFault}}}, 0, 3)
			return err
		},
		"Documents": func() error { _, err := b.Documents(2); return err },
		"Settled":   func() error { _, err := b.Settled(0, 3); return err },
		"Merge":     func() error { _, err := block.Merge(io.Discard, []*block.Block{b}, nil, block.Options{}); return err },
	} {
		if err := ask(); !errors.Is(err, broken.err) || errors.Is(err, block.ErrCorrupt) {
			t.Errorf("%s: %v, want %v", name, err, broken.err)
		}
	}
}
