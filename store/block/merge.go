package block

import (
	"fmt"
	"io"

	"github.com/tomotrace/tomo"
)

// Merge writes one block of the rows of several, in order, to w, and of all that
// they counted and dropped. It leaves out the rows for which skip is true, which
// are told by the number of the block in the list and of the row in it; a nil
// skip leaves out none. The new block is the one that Write makes of the same
// rows.
//
// It holds a page of each column of each block in memory, and a row group of
// what it writes.
func Merge(w io.Writer, blocks []*Block, skip func(block, row int) bool, o Options) (info Info, err error) {
	defer rescue("merging blocks", &err)
	sources := make([]source, 0, len(blocks))
	defer func() {
		for i := range sources {
			sources[i].reader.release()
		}
	}()
	for i, b := range blocks {
		r, err := b.rows(0, b.info.Rows, numColumns)
		if err != nil {
			return Info{}, err
		}
		sources = append(sources, source{reader: r, number: i, rows: b.info.Rows})
	}
	out := newWriter(w, o)
	defer out.release()
	for {
		var next *source
		for i := range sources {
			s := &sources[i]
			if err := s.fill(skip); err != nil {
				return Info{}, fmt.Errorf("block %d: %w", s.number, err)
			}
			if s.head.Summary != nil && (next == nil || compareRows(s.head.Summary, next.head.Summary) < 0) {
				next = s
			}
		}
		if next == nil {
			break
		}
		if err := out.add(&next.head); err != nil {
			return Info{}, err
		}
		next.head.Summary = nil
	}
	for i, b := range blocks {
		out.info.Dropped.merge(&b.info.Dropped)
		if err := out.drops.merge(b); err != nil {
			return Info{}, fmt.Errorf("block %d: %w", i, err)
		}
	}
	return out.close()
}

// source is a block that is merged.
type source struct {
	reader *reader
	number int
	row    int // that the reader stands at
	rows   int
	head   tomo.Settled // the next row to write; its summary is nil if it is not read
}

// fill reads the next row that is not left out, if there is one.
func (s *source) fill(skip func(block, row int) bool) (err error) {
	for s.head.Summary == nil && s.row < s.rows {
		if s.head, err = s.reader.settled(s.head.Documents[:0]); err != nil {
			return err
		}
		if skip != nil && skip(s.number, s.row) {
			s.head.Summary = nil
		}
		s.row++
	}
	return nil
}
