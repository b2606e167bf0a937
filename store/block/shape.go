package block

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// shape is where the elements of each row are in a page of a list's columns:
// those of row r are those from starts[r] to starts[r+1]. It is the same for all
// columns of the list, and found once.
type shape struct {
	rows   int // that there have to be
	known  bool
	starts []int32

	rep, def []byte // memory
}

// listHeads has, for each column in a list, the first column of the list.
var listHeads = func() (heads [numColumns]int) {
	first := map[string]int{}
	for c := range columns {
		if columns[c].maxRep == 0 {
			continue
		}
		list := columns[c].list()
		if _, found := first[list]; !found {
			first[list] = c
		}
		heads[c] = first[list]
	}
	return heads
}()

// loadShape reads what a page says of the shape of its list, and how many of its
// values are there. It gives the rest of the page.
func (c *cursor) loadShape(data []byte) (rest []byte, err error) {
	rep, data, err := cutLevels(data)
	if err != nil {
		return nil, err
	}
	def, rest, err := cutLevels(data)
	if err != nil {
		return nil, err
	}
	s := c.shape
	if c.maxDef > 1 {
		if c.def, err = expandLevels(c.def, def, c.maxDef, c.levels); err != nil {
			return nil, err
		}
		c.values = countEqual(c.def, c.maxDef)
	}
	if !s.known {
		switch {
		case c.maxDef > 1:
			err = s.find(rep, c.def, c.levels)
		case allOnes(def, c.levels):
			err = s.findFull(rep, c.levels)
		default:
			if s.def, err = expandLevels(s.def, def, 1, c.levels); err == nil {
				err = s.find(rep, s.def, c.levels)
			}
		}
		if err != nil {
			return nil, err
		}
		if len(s.starts) != s.rows+1 {
			return nil, fmt.Errorf("%w: it has %d rows, not %d", ErrCorrupt, len(s.starts)-1, s.rows)
		}
		s.known = true
	}
	if c.maxDef == 1 {
		c.values = int(s.starts[s.rows])
	}
	return rest, nil
}

// find finds the shape where some lists may be empty.
func (s *shape) find(rep, def []byte, levels int) (err error) {
	if s.rep, err = expandLevels(s.rep, rep, 1, levels); err != nil {
		return err
	}
	s.starts = s.starts[:0]
	n := int32(0)
	def = def[:len(s.rep)]
	for i, r := range s.rep {
		if r == 0 {
			s.starts = append(s.starts, n)
		}
		if def[i] > 0 {
			n++
		}
	}
	s.starts = append(s.starts, n)
	return nil
}

// findFull finds the shape where no list is empty: a row begins at each
// repetition level of 0. These are runs of one level, or packed eight to a byte.
func (s *shape) findFull(rep []byte, levels int) error {
	s.starts = s.starts[:0]
	for at := 0; at < levels; {
		header, n := binary.Uvarint(rep)
		if n <= 0 {
			return fmt.Errorf("%w: its levels are cut off", ErrCorrupt)
		}
		rep = rep[n:]
		length := levels - at
		if header&1 == 0 { // a run
			if len(rep) == 0 || header>>1 == 0 {
				return fmt.Errorf("%w: its levels are cut off", ErrCorrupt)
			}
			length = int(min(uint64(length), header>>1))
			for i := range length {
				if rep[0] != 0 {
					break
				}
				s.starts = append(s.starts, int32(at+i))
			}
			at, rep = at+length, rep[1:]
			continue
		}
		size := int(min(uint64(len(rep)), header>>1))
		if size == 0 {
			return fmt.Errorf("%w: its levels are cut off", ErrCorrupt)
		}
		packed := rep[:size]
		rep = rep[size:]
		length = min(length, 8*size)
		for first := 0; first < length; first += 64 {
			var eight [8]byte
			copy(eight[:], packed[first/8:])
			zeros := ^binary.LittleEndian.Uint64(eight[:])
			if rest := length - first; rest < 64 {
				zeros &= 1<<rest - 1
			}
			for ; zeros != 0; zeros &= zeros - 1 {
				s.starts = append(s.starts, int32(at+first+bits.TrailingZeros64(zeros)))
			}
		}
		at += length
	}
	s.starts = append(s.starts, int32(levels))
	return nil
}

// allOnes reports whether so many levels of one bit are all 1: no list is empty.
func allOnes(encoded []byte, levels int) bool {
	for at := 0; at < levels; {
		header, n := binary.Uvarint(encoded)
		if n <= 0 {
			return false
		}
		encoded = encoded[n:]
		if header&1 == 0 { // a run
			if len(encoded) == 0 || encoded[0] != 1 || header>>1 == 0 {
				return false
			}
			at += int(min(uint64(levels), header>>1))
			encoded = encoded[1:]
			continue
		}
		size := int(min(uint64(len(encoded)), header>>1))
		if size == 0 {
			return false
		}
		for _, packed := range encoded[:size] {
			if rest := levels - at; rest < 8 {
				packed |= 0xff << max(0, rest)
			}
			if packed != 0xff {
				return false
			}
			at += 8
		}
		encoded = encoded[size:]
	}
	return true
}
