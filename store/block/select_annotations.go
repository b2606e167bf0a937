package block

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// annotation looks at values only where a page has the key.
func (s *selector) annotation(asked *filter.AnnotationIs) (rowTest, error) {
	inPages := s.in.mayHave(asked)
	if inPages != nil && !slices.Contains(inPages, true) {
		return rowTest{verdict: never}, nil
	}
	keys, err := s.words(colAnnotationKey)
	if err != nil {
		return rowTest{}, err
	}
	table := tableOf(keys, func(key string) bool { return key == asked.Key })
	if !slices.Contains(table, 1) {
		return rowTest{verdict: never}, nil
	}
	kindWords, err := s.words(colAnnotationKind)
	if err != nil {
		return rowTest{}, err
	}
	wanted := tableOf(kindWords, func(word string) bool {
		return asked.Truthy || word == kinds[asked.Value.Kind]
	})
	of, err := s.nodeTest(&asked.Of, filter.Either, filter.Either)
	if err != nil || of.verdict == never {
		return rowTest{verdict: never}, err
	}
	return rowTest{cost: fewValues, run: func(s *selector, rows bitmap) error {
		if inPages != nil && !inPages[s.page] {
			return nil
		}
		c, err := s.column(colAnnotationKey)
		if err != nil {
			return err
		}
		s.elements = lookUp(s.elements[:0], table, c)
		s.limit(c)
		if bytes.IndexByte(s.elements, 1) < 0 {
			return nil
		}
		kind, err := s.column(colAnnotationKind)
		if err != nil {
			return err
		}
		narrow(s.elements, wanted, kind)
		if err := s.narrowValues(asked); err != nil {
			return err
		}
		if of.verdict == depends && bytes.IndexByte(s.elements, 1) >= 0 {
			if err := s.saidBy(of); err != nil {
				return err
			}
		}
		starts := s.starts(c)
		setRows(rows, s.elements, starts)
		return nil
	}}, nil
}

// narrowValues clears the marks of annotations whose value does not fit. Their
// kinds do.
func (s *selector) narrowValues(asked *filter.AnnotationIs) error {
	if bytes.IndexByte(s.elements, 1) < 0 {
		return nil
	}
	kind := asked.Value.Kind
	if asked.Truthy {
		kind = tomo.BoolValue // the others are all wanted
	}
	number := map[tomo.ValueKind]int{
		tomo.StringValue: colAnnotationString, tomo.NumberValue: colAnnotationNumber, tomo.BoolValue: colAnnotationBool}[kind]
	c, err := s.column(number)
	if err != nil {
		return err
	}
	if kind == tomo.StringValue && !bytes.Contains(c.bytes, needle(asked.Op, asked.Value.String)) {
		clear(s.elements)
		return nil
	}
	value := tomo.Value{Kind: kind}
	equal := !asked.Truthy && asked.Op == filter.Equal
	def, at, next := s.elementLevels(c), 0, 0 // at is the value of element next
	for element := bytes.IndexByte(s.elements, 1); element >= 0; {
		at += countEqual(def[next:element], c.maxDef)
		next = element
		if def[element] == c.maxDef {
			fits := true
			switch kind {
			case tomo.StringValue:
				text := c.text(at)
				if fits = !equal || string(text) == asked.Value.String; fits {
					value.String = string(text)
				}
			case tomo.NumberValue:
				value.Number = math.Float64frombits(binary.LittleEndian.Uint64(c.bytes[8*at:]))
			default:
				value.Bool = c.bytes[at/8]>>(at%8)&1 != 0
			}
			if !fits || !asked.Fits(&value) {
				s.elements[element] = 0
			}
		}
		from := element + 1
		if element = bytes.IndexByte(s.elements[from:], 1); element >= 0 {
			element += from
		}
	}
	return nil
}

// elementLevels are the definition levels of the elements of c's list, without
// those of empty lists.
func (s *selector) elementLevels(c *cursor) []byte {
	if len(c.def) == len(s.elements) {
		return c.def
	}
	s.levels = s.levels[:0]
	for _, d := range c.def {
		if d > 0 {
			s.levels = append(s.levels, d)
		}
	}
	return s.levels
}

// saidBy clears the marks of annotations that no node of the test carries.
func (s *selector) saidBy(t *nodeTest) (err error) {
	if s.nodes, err = t.mark(s, s.nodes); err != nil {
		return err
	}
	of, err := t.column(s)
	if err != nil {
		return err
	}
	starts := s.starts(of)
	c, err := s.column(colAnnotationNodes)
	if err != nil {
		return err
	}
	// An element of the outer list begins where the repetition is not 2; there
	// is one unless the definition is 0.
	row, element, at := -1, -1, 0
	said := byte(1) // of the element before the first
	end := func() {
		if element >= 0 {
			s.elements[element] &= said
		}
	}
	for i, r := range c.rep {
		if r == 0 {
			row++
		}
		if c.def[i] == 0 {
			continue
		}
		if r < 2 {
			end()
			element, said = element+1, 0
		}
		if c.def[i] == c.maxDef {
			said |= s.nodes[int(starts[row])+int(c.ints[at])]
			at++
		}
	}
	end()
	return nil
}
