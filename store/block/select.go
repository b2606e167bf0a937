package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"

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
