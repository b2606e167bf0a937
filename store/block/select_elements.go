package block

import (
	"bytes"
	"slices"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// elementTest is what is asked of the units or calls of a trace.
type elementTest struct {
	outcome  int    // its column
	outcomes []byte // table; nil: any
	ranges   []elementRange
	nodes    []elementNode
}

type elementRange struct {
	column int
	filter.Range
}

type elementNode struct {
	column int
	*nodeTest
}

func (s *selector) unit(asked *filter.UnitIs) (rowTest, error) {
	t := elementTest{outcome: colUnitOutcome, ranges: []elementRange{
		{colUnitStatus, asked.Status}, {colUnitResponseTime, asked.ResponseTime}, {colUnitDuration, asked.Duration}}}
	of, err := s.nodeTest(&asked.Of, asked.Inferred, asked.Root)
	if err != nil {
		return rowTest{}, err
	}
	t.nodes = []elementNode{{colUnitNode, of}}
	return s.element(t, asked.Outcomes)
}

func (s *selector) call(asked *filter.CallIs) (rowTest, error) {
	t := elementTest{outcome: colCallOutcome, ranges: []elementRange{
		{colCallStatus, asked.Status}, {colCallResponseTime, asked.ResponseTime}}}
	from, err := s.nodeTest(&asked.From, filter.Either, filter.Either)
	if err != nil {
		return rowTest{}, err
	}
	to, err := s.nodeTest(&asked.To, filter.Either, filter.Either)
	if err != nil {
		return rowTest{}, err
	}
	t.nodes = []elementNode{{colCallFrom, from}, {colCallTo, to}}
	return s.element(t, asked.Outcomes)
}

// element makes the test whether there is an element that passes t and has one
// of the outcomes.
func (s *selector) element(t elementTest, wanted filter.Outcomes) (rowTest, error) {
	if wanted&filter.AnyOutcome != filter.AnyOutcome {
		words, err := s.words(t.outcome)
		if err != nil {
			return rowTest{}, err
		}
		t.outcomes = tableOf(words, func(word string) bool { return wanted.Has(tomo.Outcome(slices.Index(outcomes[:], word))) })
		if !slices.Contains(t.outcomes, 1) {
			return rowTest{verdict: never}, nil
		}
	}
	t.ranges = slices.DeleteFunc(t.ranges, func(r elementRange) bool { return r.Range == filter.Everything })
	for _, n := range t.nodes {
		if n.verdict == never {
			return rowTest{verdict: never}, nil
		}
	}
	t.nodes = slices.DeleteFunc(t.nodes, func(n elementNode) bool { return n.verdict == always })
	return rowTest{cost: anyNumber, run: t.run}, nil
}

func (t *elementTest) run(s *selector, rows bitmap) error {
	var c *cursor
	var err error
	if t.outcomes != nil || len(t.ranges)+len(t.nodes) == 0 {
		if c, err = s.column(t.outcome); err != nil {
			return err
		}
		if t.outcomes != nil {
			s.elements = lookUp(s.elements[:0], t.outcomes, c)
			s.limit(c)
		} else {
			s.everyElement(c)
		}
	}
	for _, r := range t.ranges {
		first := c == nil
		if !first && bytes.IndexByte(s.elements, 1) < 0 {
			return nil
		}
		if c, err = s.column(r.column); err != nil {
			return err
		}
		values := s.denseInts(c)
		if first {
			s.everyElement(c)
		}
		for i, v := range values[:len(s.elements)] {
			if v < r.Min || r.Max < v {
				s.elements[i] = 0
			}
		}
	}
	for _, n := range t.nodes {
		first := c == nil
		if !first && bytes.IndexByte(s.elements, 1) < 0 {
			return nil
		}
		if c, err = s.column(n.column); err != nil {
			return err
		}
		if first {
			s.everyElement(c)
		}
		if err := s.ofNodes(n.nodeTest, c, s.starts(c)); err != nil {
			return err
		}
	}
	setRows(rows, s.elements, s.starts(c))
	return nil
}

// everyElement marks the elements of the list that c is a column of.
func (s *selector) everyElement(c *cursor) {
	s.elements = ones(s.elements, int(s.starts(c)[s.rows]))
	s.limit(c)
}

// limit clears the marks of elements in rows that are not in question.
func (s *selector) limit(c *cursor) {
	if s.among == nil {
		return
	}
	starts, row := s.starts(c), 0
	for row < s.rows {
		next := s.among.next(row, s.rows)
		clear(s.elements[starts[row]:starts[next]])
		row = next + 1
	}
}

// denseInts has a number for each element of a list, 0 where it is absent.
func (s *selector) denseInts(c *cursor) []int64 {
	if c.maxDef == 1 {
		return c.ints
	}
	s.dense = s.dense[:0]
	at := 0
	for _, d := range c.def {
		switch d {
		case 0: // an empty list
		case c.maxDef:
			s.dense = append(s.dense, c.ints[at])
			at++
		default:
			s.dense = append(s.dense, 0)
		}
	}
	return s.dense
}
