package block

import (
	"bytes"
	"slices"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// nodeTest is what is asked of a node.
type nodeTest struct {
	verdict
	columns []int // of names, types and accounts
	tables  [][]byte
	kinds   [][]byte // by state and type: whether it is inferred as is wished; nil: either
	root    filter.Wish
}

// nodeTest makes the test of nodes that id selects.
func (s *selector) nodeTest(id *filter.ID, inferred, root filter.Wish) (t *nodeTest, err error) {
	t = &nodeTest{verdict: always, root: root}
	if root != filter.Either {
		t.verdict = depends
	}
	for _, part := range []struct {
		given  filter.IDFields
		column int
		value  string
	}{{filter.ByName, colNodeName, id.Name}, {filter.ByType, colNodeType, id.Type}, {filter.ByAccount, colNodeAccount, id.Account}} {
		if id.Given&part.given == 0 {
			continue
		}
		words, err := s.words(part.column)
		if err != nil {
			return nil, err
		}
		table := tableOf(words, func(word string) bool { return word == part.value })
		if !slices.Contains(table, 1) {
			t.verdict = never
			return t, nil
		}
		t.verdict = depends
		t.columns, t.tables = append(t.columns, part.column), append(t.tables, table)
	}
	if inferred == filter.Either {
		return t, nil
	}
	t.verdict = depends
	types, err := s.words(colNodeType)
	if err != nil {
		return nil, err
	}
	stateWords, err := s.words(colNodeState)
	if err != nil {
		return nil, err
	}
	t.kinds = make([][]byte, len(stateWords))
	for i, word := range stateWords {
		state := tomo.State(slices.Index(states[:], word))
		t.kinds[i] = tableOf(types, func(nodeType string) bool {
			n := tomo.Node{NodeID: tomo.NodeID{Type: nodeType}, State: state}
			return filter.InferredNode(&n) == (inferred == filter.Wanted)
		})
	}
	return t, nil
}

// mark marks the nodes of the page that pass.
func (t *nodeTest) mark(s *selector, marks []byte) ([]byte, error) {
	marks = marks[:0]
	for i, number := range t.columns {
		c, err := s.column(number)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			marks = lookUp(marks, t.tables[i], c)
		} else {
			narrow(marks, t.tables[i], c)
		}
	}
	if len(t.columns) == 0 {
		c, err := s.column(colNodeState)
		if err != nil {
			return nil, err
		}
		marks = ones(marks, c.values)
	}
	if t.kinds != nil {
		state, err := s.column(colNodeState)
		if err != nil {
			return nil, err
		}
		kind, err := s.column(colNodeType)
		if err != nil {
			return nil, err
		}
		for i := range marks {
			marks[i] &= t.kinds[state.indexes[i]][kind.indexes[i]]
		}
	}
	if t.root != filter.Either {
		c, err := s.column(colNodeRoot)
		if err != nil {
			return nil, err
		}
		narrowBits(marks, c.bytes, t.root == filter.Wanted)
	}
	return marks, nil
}

// column is one whose page was loaded to mark nodes.
func (t *nodeTest) column(s *selector) (*cursor, error) {
	if len(t.columns) > 0 {
		return s.column(t.columns[0])
	}
	return s.column(colNodeState)
}

func ones(marks []byte, n int) []byte {
	marks = slices.Grow(marks[:0], n)[:n]
	for i := range marks {
		marks[i] = 1
	}
	return marks
}

func narrowBits(marks, bits []byte, want bool) {
	flip := byte(1)
	if want {
		flip = 0
	}
	for i := range marks {
		marks[i] &= bits[i/8]>>(i%8)&1 ^ flip
	}
}

func (s *selector) node(asked *filter.NodeIs) (rowTest, error) {
	t, err := s.nodeTest(&asked.ID, asked.Inferred, filter.Either)
	if err != nil || t.verdict == never {
		return rowTest{verdict: never}, err
	}
	return rowTest{cost: fewValues, run: func(s *selector, rows bitmap) error {
		if s.nodes, err = t.mark(s, s.nodes); err != nil {
			return err
		}
		c, err := t.column(s)
		if err != nil {
			return err
		}
		starts := s.starts(c)
		setRows(rows, s.nodes, starts)
		return nil
	}}, nil
}

// ofNodes clears the marks of elements, shaped by starts, whose node, which is
// in c, does not pass. Mostly few are marked, so nodes are tested one by one.
func (s *selector) ofNodes(t *nodeTest, c *cursor, starts []int32) error {
	of, err := t.columnsOf(s)
	if err != nil {
		return err
	}
	nodeStarts := s.starts(of.any)
	marks, row := s.elements, 0
	for at := bytes.IndexByte(marks, 1); at >= 0; {
		for int(starts[row+1]) <= at {
			row++
		}
		marks[at] = t.passes(&of, int(nodeStarts[row])+int(c.small[at]))
		from := at + 1
		if at = bytes.IndexByte(marks[from:], 1); at >= 0 {
			at += from
		}
	}
	return nil
}

// nodeColumns are the columns that a nodeTest asks, with their page.
type nodeColumns struct {
	words             [3]*cursor // as many as the test has tables
	state, kind, root *cursor    // nil: not asked
	any               *cursor    // one of them
}

func (t *nodeTest) columnsOf(s *selector) (of nodeColumns, err error) {
	load := func(to **cursor, number int) {
		if err == nil {
			*to, err = s.column(number)
			of.any = *to
		}
	}
	for i, number := range t.columns {
		load(&of.words[i], number)
	}
	if t.kinds != nil {
		load(&of.state, colNodeState)
		load(&of.kind, colNodeType)
	}
	if t.root != filter.Either {
		load(&of.root, colNodeRoot)
	}
	return of, err
}

// passes is 1 if a node of the page passes, else 0.
func (t *nodeTest) passes(of *nodeColumns, node int) byte {
	pass := byte(1)
	for i, table := range t.tables {
		pass &= table[of.words[i].indexes[node]]
	}
	if of.kind != nil {
		pass &= t.kinds[of.state.indexes[node]][of.kind.indexes[node]]
	}
	if of.root != nil && of.root.bytes[node/8]>>(node%8)&1 != 0 != (t.root == filter.Wanted) {
		pass = 0
	}
	return pass
}
