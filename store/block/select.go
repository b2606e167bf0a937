package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// Select lists, in ascending order, the rows from … to-1 for which every
// condition of the plan holds. It reads only the columns that they are about.
//
// Conditions become tests of numbers, once for each row group: what is asked of
// a word is asked of each word of the dictionary, and then there is a table. A
// row group without a word that is needed is passed over. The others are tested
// page by page, all columns of which hold the same rows:
//
//	service("cart") { fault }
//
//	units.outcome  → elements of the list of units that failed
//	nodes.name     → elements of the list of nodes that are called cart
//	units.node     → failed units whose node is one of these
//	               → rows in which there is one
func (b *Block) Select(p filter.Plan, from, to int) (rows []int, err error) {
	defer rescue("selecting rows", &err)
	if from < 0 || from > to || to > b.info.Rows {
		return nil, fmt.Errorf("rows %d to %d are not within %d", from, to, b.info.Rows)
	}
	s := selectors.Get().(*selector)
	s.reader = readers.Get().(*reader)
	defer s.release()
	for c := range numColumns {
		s.cursor(b, c)
	}
	for g := range b.groups {
		if in := &b.groups[g]; in.first < to && from < in.first+in.rows {
			if rows, err = s.selectIn(rows, g, in, p, from-in.first, to-in.first); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

var selectors = sync.Pool{New: func() any { return new(selector) }}

// selector tests the rows of a page at a time.
type selector struct {
	*reader
	group int
	in    *group
	page  int
	rows  int // in the page

	loaded [numColumns]bool // whether the cursor of a column has the page
	shapes [numColumns]shape

	// among are the rows that are in question; nil: all of them. What is found
	// of the others does not matter.
	among bitmap

	elements []byte // 1 for each element of a list that is still in question, else 0
	nodes    []byte // the same for nodes that are asked for
	dense    []int64
	levels   []byte
}

// release gives the memory to the next one.
func (s *selector) release() {
	s.reader.release()
	s.reader, s.in = nil, nil
	selectors.Put(s)
}

// selectIn appends those rows of a group that lie between from and to, which
// count from its first row, and satisfy the plan.
func (s *selector) selectIn(rows []int, number int, in *group, p filter.Plan, from, to int) ([]int, error) {
	s.group, s.in = number, in
	t, err := s.compile(filter.AllOf(p.Conditions))
	if err != nil || t.verdict == never {
		return rows, err
	}
	pages := in.chunks[colStart].pages
	for s.page = range pages {
		first, end := int(pages[s.page].first), in.rows
		if s.page+1 < len(pages) {
			end = int(pages[s.page+1].first)
		}
		if end <= from || to <= first {
			continue
		}
		if t.verdict == always {
			for row := max(first, from); row < min(end, to); row++ {
				rows = append(rows, in.first+row)
			}
			continue
		}
		s.begin(end - first)
		found := newBitmap(s.rows)
		if err := t.run(s, found); err != nil {
			return nil, err
		}
		for i, word := range found {
			for ; word != 0; word &= word - 1 {
				if row := first + i*64 + bits.TrailingZeros64(word); from <= row && row < min(end, to) {
					rows = append(rows, in.first+row)
				}
			}
		}
	}
	return rows, nil
}

// begin begins a page.
func (s *selector) begin(rows int) {
	s.rows, s.among = rows, nil
	clear(s.loaded[:])
	for i := range s.shapes {
		s.shapes[i].known = false
	}
}

// column gives a column's values of the page.
func (s *selector) column(number int) (*cursor, error) {
	c := &s.cursors[number]
	if s.loaded[number] {
		return c, nil
	}
	pages, of := s.in.chunks[number].pages, s.in.chunks[colStart].pages
	if len(pages) != len(of) || pages[s.page].first != of[s.page].first {
		return nil, fmt.Errorf("%w: the pages of column %s do not lie beside the others", ErrCorrupt, c.path)
	}
	c.group, c.page = s.group, s.page
	if c.maxRep == 1 {
		c.shape, s.shapes[listHeads[number]].rows = &s.shapes[listHeads[number]], s.rows
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	if c.maxRep == 0 && c.levels != s.rows {
		return nil, fmt.Errorf("%w: a page of column %s has %d rows, not %d", ErrCorrupt, c.path, c.levels, s.rows)
	}
	s.loaded[number] = true
	return c, nil
}

// words gives the dictionary of a column.
func (s *selector) words(number int) ([]string, error) {
	c := &s.cursors[number]
	if c.wordsOf != s.group {
		if err := c.loadWords(&s.in.chunks[number]); err != nil {
			return nil, fmt.Errorf("reading the dictionary of column %s: %w", c.path, err)
		}
		c.wordsOf = s.group
	}
	return c.words, nil
}

// starts tells where the elements of each row are in the list that c, whose page
// is loaded, is a column of.
func (s *selector) starts(c *cursor) []int32 { return s.shapes[listHeads[c.number]].starts }

// bitmap is a set of the rows of a page.
type bitmap []uint64

func newBitmap(rows int) bitmap { return make(bitmap, (rows+63)/64) }

func (b bitmap) set(row int) { b[row/64] |= 1 << (row % 64) }

// next is the first row of the set that is not below row, or rows if there is
// none.
func (b bitmap) next(row, rows int) int {
	word := b[row/64] >> (row % 64)
	for word == 0 {
		if row = row&^63 + 64; row >= rows {
			return rows
		}
		word = b[row/64]
	}
	return min(rows, row+bits.TrailingZeros64(word))
}

func (b bitmap) empty() bool {
	for _, word := range b {
		if word != 0 {
			return false
		}
	}
	return true
}

// invert makes b, of so many rows, its complement.
func (b bitmap) invert(rows int) {
	for i := range b {
		b[i] = ^b[i]
	}
	if rest := rows % 64; rest > 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
}

// verdict is what dictionaries alone tell of a condition.
type verdict uint8

const (
	depends verdict = iota
	never
	always
)

// rowTest is a condition as a test of the rows of a group.
type rowTest struct {
	verdict
	cost int                           // about how many values a row has to be looked at
	run  func(*selector, bitmap) error // sets the rows that pass; there are none yet
}

// What tests cost: the lists of a trace are longer than one value.
const (
	oneValue  = 1
	fewValues = 4
	anyNumber = 16
)

func (t rowTest) not() rowTest {
	switch t.verdict {
	case never:
		return rowTest{verdict: always}
	case always:
		return rowTest{verdict: never}
	}
	return rowTest{cost: t.cost, run: func(s *selector, rows bitmap) error {
		err := t.run(s, rows)
		rows.invert(s.rows)
		return err
	}}
}

func notIf(not bool, t rowTest, err error) (rowTest, error) {
	if not {
		t = t.not()
	}
	return t, err
}

// compile makes the test of a condition. One that is not known always holds:
// a selection may be too large.
func (s *selector) compile(c filter.Condition) (rowTest, error) {
	switch c := c.(type) {
	case filter.AllOf:
		return s.all(c)
	case filter.AnyOf:
		return s.any(c)
	case filter.FlagIs:
		return s.flag(c), nil
	case filter.NumberIn:
		return s.number(c), nil
	case filter.TextIs:
		t, err := s.text(&c)
		return notIf(c.Not, t, err)
	case filter.NodeIs:
		t, err := s.node(&c)
		return notIf(c.Not, t, err)
	case filter.UnitIs:
		t, err := s.unit(&c)
		return notIf(c.Not, t, err)
	case filter.CallIs:
		t, err := s.call(&c)
		return notIf(c.Not, t, err)
	case filter.AnnotationIs:
		t, err := s.annotation(&c)
		return notIf(c.Not, t, err)
	}
	return rowTest{verdict: always}, nil
}

// parts compiles some conditions, cheap ones first. What has the verdict that
// makes no difference is left out; of one that decides all there is only that.
func (s *selector) parts(list []filter.Condition, idle, decisive verdict) ([]rowTest, error) {
	var tests []rowTest
	for _, c := range list {
		t, err := s.compile(c)
		switch {
		case err != nil:
			return nil, err
		case t.verdict == decisive:
			return []rowTest{t}, nil
		case t.verdict != idle:
			tests = append(tests, t)
		}
	}
	slices.SortStableFunc(tests, func(a, b rowTest) int { return cmp.Compare(a.cost, b.cost) })
	return tests, nil
}

func totalCost(tests []rowTest) (cost int) {
	for i := range tests {
		cost += tests[i].cost
	}
	return cost
}

func (s *selector) all(list filter.AllOf) (rowTest, error) {
	tests, err := s.parts(list, always, never)
	switch {
	case err != nil:
		return rowTest{}, err
	case len(tests) == 0:
		return rowTest{verdict: always}, nil
	case len(tests) == 1:
		return tests[0], nil
	}
	return rowTest{cost: totalCost(tests), run: func(s *selector, rows bitmap) error {
		if err := tests[0].run(s, rows); err != nil {
			return err
		}
		defer func(among bitmap) { s.among = among }(s.among)
		s.among = rows
		for _, t := range tests[1:] {
			if rows.empty() {
				return nil
			}
			others := newBitmap(s.rows)
			if err := t.run(s, others); err != nil {
				return err
			}
			for i := range rows {
				rows[i] &= others[i]
			}
		}
		return nil
	}}, nil
}

func (s *selector) any(list filter.AnyOf) (rowTest, error) {
	tests, err := s.parts(list, never, always)
	switch {
	case err != nil:
		return rowTest{}, err
	case len(tests) == 0:
		return rowTest{verdict: never}, nil
	case len(tests) == 1:
		return tests[0], nil
	}
	return rowTest{cost: totalCost(tests), run: func(s *selector, rows bitmap) error {
		for _, t := range tests {
			others := newBitmap(s.rows)
			if err := t.run(s, others); err != nil {
				return err
			}
			for i := range rows {
				rows[i] |= others[i]
			}
		}
		return nil
	}}, nil
}

func (s *selector) flag(f filter.FlagIs) rowTest {
	t := rowTest{cost: oneValue}
	if f.Flag == filter.HasRoot {
		t.run = func(s *selector, rows bitmap) error {
			c, err := s.column(colEntryPoint)
			if err != nil {
				return err
			}
			for row, d := range c.def {
				if d == c.maxDef {
					rows.set(row)
				}
			}
			return nil
		}
	} else if f.Flag == filter.IsComplete || f.Flag == filter.IsIncomplete {
		t.run = func(s *selector, rows bitmap) error {
			c, err := s.column(colIncomplete)
			if err != nil {
				return err
			}
			at := 0
			for row, d := range c.def {
				if d < c.maxDef {
					continue
				}
				if incomplete := c.bytes[at/8]>>(at%8)&1 != 0; incomplete == (f.Flag == filter.IsIncomplete) {
					rows.set(row)
				}
				at++
			}
			return nil
		}
	} else {
		number := map[filter.Flag]int{filter.HasFault: colHasFault, filter.HasError: colHasError, filter.HasThrottle: colHasThrottle}[f.Flag]
		t.run = func(s *selector, rows bitmap) error {
			c, err := s.column(number)
			if err != nil {
				return err
			}
			for i, b := range c.bytes[:(s.rows+7)/8] {
				rows[i/8] |= uint64(b) << (i % 8 * 8)
			}
			return nil
		}
	}
	if !f.Want {
		t = t.not()
	}
	return t
}

func (s *selector) number(n filter.NumberIn) rowTest {
	low, high := n.Range.Min, n.Range.Max
	if n.Column == filter.Status {
		return rowTest{cost: oneValue, run: func(s *selector, rows bitmap) error {
			c, err := s.column(colStatus)
			if err != nil {
				return err
			}
			if n.OrAbsent || low <= 0 {
				for row, v := range c.ints {
					if v == 0 && n.OrAbsent || v != 0 && low <= v && v <= high {
						rows.set(row)
					}
				}
				return nil
			}
			rows.setRange(c.ints, n.Range)
			return nil
		}}
	}
	number := colDuration
	if n.Column == filter.ResponseTime {
		number = colResponseTime
	}
	return rowTest{cost: oneValue, run: func(s *selector, rows bitmap) error {
		c, err := s.column(number)
		if err != nil {
			return err
		}
		if c.values == s.rows {
			rows.setRange(c.ints, n.Range)
			return nil
		}
		at := 0
		for row, d := range c.def {
			there := d == c.maxDef
			if !there && n.OrAbsent || there && low <= c.ints[at] && c.ints[at] <= high {
				rows.set(row)
			}
			if there {
				at++
			}
		}
		return nil
	}}
}

// setRange sets the rows whose value is in the range.
func (b bitmap) setRange(values []int64, r filter.Range) {
	if r.Min > r.Max {
		return
	}
	span := uint64(r.Max) - uint64(r.Min)
	for i := range b {
		part := values[i*64 : min(i*64+64, len(values))]
		var word uint64
		for k, v := range part {
			var in uint64
			if uint64(v)-uint64(r.Min) <= span {
				in = 1
			}
			word |= in << k
		}
		b[i] = word
	}
}

var textColumns = map[filter.TextColumn]int{
	filter.URL: colURL, filter.Method: colMethod, filter.UserAgent: colUserAgent, filter.ClientIP: colClientIP,
	filter.UserName: colUserName, filter.ResourceARN: colResourceARN, filter.InstanceID: colInstanceID,
	filter.AvailabilityZone: colAvailabilityZone,
	filter.NodeName:         colNodeName, filter.NodeType: colNodeType, filter.NodeAccount: colNodeAccount,
}

// text leaves Not to its caller, as the others below do.
func (s *selector) text(asked *filter.TextIs) (rowTest, error) {
	number, known := textColumns[asked.Column]
	if !known {
		return rowTest{verdict: always}, nil
	}
	t := rowTest{cost: fewValues}
	mark := markTexts(asked.Fits, needle(asked.Op, asked.Text))
	if s.in.chunks[number].dictionary.size > 0 {
		words, err := s.words(number)
		if err != nil {
			return t, err
		}
		table := tableOf(words, asked.Fits)
		if !slices.Contains(table, 1) {
			return rowTest{verdict: never}, nil
		}
		mark = func(s *selector, c *cursor) { s.elements = lookUp(s.elements[:0], table, c) }
	}
	t.run = func(s *selector, rows bitmap) error {
		c, err := s.column(number)
		if err != nil {
			return err
		}
		mark(s, c)
		if c.maxRep == 0 {
			for row, m := range s.elements {
				rows[row/64] |= uint64(m) << (row % 64)
			}
			return nil
		}
		starts := s.starts(c)
		setRows(rows, s.elements, starts)
		return nil
	}
	return t, nil
}

// needle is what the bytes of a page hold if one of its texts fits; nil if that
// cannot be said.
func needle(op filter.Op, text string) []byte {
	switch {
	case op == filter.Equal:
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	case op == filter.Unequal:
		return nil
	default:
		return []byte(text)
	}
}

// markTexts marks the texts that fit, of a column without a dictionary.
func markTexts(fits func(string) bool, needle []byte) func(*selector, *cursor) {
	return func(s *selector, c *cursor) {
		s.elements = slices.Grow(s.elements[:0], len(c.offsets))[:len(c.offsets)]
		clear(s.elements)
		if !bytes.Contains(c.bytes, needle) {
			return
		}
		for i, at := range c.offsets {
			if fits(string(c.bytes[at:][:binary.LittleEndian.Uint32(c.bytes[at-4:])])) {
				s.elements[i] = 1
			}
		}
	}
}

// tableOf has 1 for each word that is wanted, else 0.
func tableOf(words []string, wanted func(string) bool) []byte {
	table := make([]byte, len(words))
	for i, word := range words {
		if wanted(word) {
			table[i] = 1
		}
	}
	return table
}

// lookUp appends the entries of the table for all values of a page.
func lookUp(dst, table []byte, c *cursor) []byte {
	values := c.indexes[:c.values]
	dst = slices.Grow(dst, len(values))[:len(values)]
	for i, v := range values {
		dst[i] = table[v]
	}
	return dst
}

// narrow clears the marks of elements for which the table has 0.
func narrow(marks, table []byte, c *cursor) {
	for i, v := range c.indexes[:len(marks)] {
		marks[i] &= table[v]
	}
}

// setRows sets the rows that have an element with a mark.
func setRows(rows bitmap, marks []byte, starts []int32) {
	row := 0
	for at := bytes.IndexByte(marks, 1); at >= 0; {
		for int(starts[row+1]) <= at {
			row++
		}
		rows.set(row)
		from := int(starts[row+1])
		if at = bytes.IndexByte(marks[from:], 1); at >= 0 {
			at += from
		}
	}
}

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

// SummariesOf reads the summaries of some rows, which must be in ascending
// order. Rows of one page are read together. Empty lists in them are nil.
func (b *Block) SummariesOf(rows []int) (list []*tomo.Summary, err error) {
	defer rescue("reading summaries", &err)
	r := readers.Get().(*reader)
	defer r.release()
	list = make([]*tomo.Summary, 0, len(rows))
	err = b.visit(r, rows, summaryColumns, func() error {
		s, err := r.summary()
		list = append(list, s)
		return err
	})
	return list, err
}

// Place is where a row stands among all traces, and when it last changed.
type Place struct {
	tomo.Position
	Received tomo.Time
}

// Places reads the places of some rows, which must be in ascending order.
func (b *Block) Places(rows []int) (list []Place, err error) {
	defer rescue("reading places", &err)
	r := readers.Get().(*reader)
	defer r.release()
	list = make([]Place, 0, len(rows))
	err = b.visit(r, rows, placeColumns, func() error {
		c := &r.cursors
		list = append(list, Place{tomo.Position{Start: c[colStart].time(), ID: c[colID].id()}, c[colReceived].time()})
		return nil
	})
	return list, err
}

var (
	placeColumns   = []int{colID, colStart, colReceived}
	summaryColumns = func() (list []int) {
		for c := range colText {
			list = append(list, c)
		}
		return list
	}()
)
