package block

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
)

// minutes are service graphs by the minute of receipt.
type minutes = map[tomo.Time]*tomo.ServiceGraph

// drops is what is left of traces that were dropped: they are counted, minute by
// minute of receipt in graphs, and of start by their number.
type drops struct {
	*tomo.GroupTally
	counts map[string]map[tomo.Time]tomo.Dropped // by group, "" for all, and minute
}

func newDrops() drops { return drops{new(tomo.GroupTally), map[string]map[tomo.Time]tomo.Dropped{}} }

func (d drops) add(row *tomo.Settled) {
	d.Add(row.Summary)
	one := sizeOf(row)
	minute := row.Summary.Start.StartOfMinute()
	d.count("", minute, one)
	for _, group := range row.Summary.Groups {
		d.count(group, minute, one)
	}
}

func sizeOf(row *tomo.Settled) tomo.Dropped {
	one := tomo.Dropped{Traces: 1, Documents: int64(len(row.Documents))}
	for i := range row.Documents {
		one.Bytes += int64(len(row.Documents[i].Text))
	}
	return one
}

func (d drops) count(group string, minute tomo.Time, n tomo.Dropped) {
	of := d.counts[group]
	if of == nil {
		of = map[tomo.Time]tomo.Dropped{}
		d.counts[group] = of
	}
	n.Add(of[minute])
	of[minute] = n
}

// merge adds what was dropped when b was written.
func (d drops) merge(b *Block) error {
	for group := range b.sections.Dropped {
		m, err := b.DroppedGraphs(group)
		if err != nil {
			return err
		}
		err = m.Each(nil, func(minute tomo.Time, g *tomo.ServiceGraph) { d.Graph(group, minute).Merge(g) })
		if err != nil {
			return err
		}
	}
	counts, err := b.dropCounts()
	for group, minutes := range counts {
		for minute, n := range minutes {
			d.count(group, minute, n)
		}
	}
	return err
}

// sections tells where in the file what was counted is. Each section can be read
// by itself, so a question about one group costs nothing of the others.
type sections struct {
	Rows    map[string]section `json:"rows,omitempty"`    // graphs of the rows by group; "" is all
	Dropped map[string]section `json:"dropped,omitempty"` // the same of dropped traces
	Counts  *section           `json:"counts,omitempty"`  // how many were dropped
}

// section is a part of the file, compressed with zstd.
type section struct {
	Offset int64  `json:"offset"`
	Size   int    `json:"size"`
	Sum    uint32 `json:"crc32c"`
}

// writeSections writes what was counted and gives its directory as JSON.
func (w *writer) writeSections() (string, error) {
	var all sections
	for _, kind := range []struct {
		of *tomo.GroupTally
		to *map[string]section
	}{{w.tally, &all.Rows}, {w.drops.GroupTally, &all.Dropped}} {
		counted := kind.of.Graphs()
		for _, group := range slices.Sorted(maps.Keys(counted)) {
			s, err := w.writeSection(pack(counted[group]))
			if err != nil {
				return "", err
			}
			if *kind.to == nil {
				*kind.to = map[string]section{}
			}
			(*kind.to)[group] = s
		}
	}
	if len(w.drops.counts) > 0 {
		s, err := w.writeSection(packCounts(w.drops.counts))
		if err != nil {
			return "", err
		}
		all.Counts = &s
	}
	directory, err := json.Marshal(all)
	return string(directory), err
}

func (w *writer) writeSection(content []byte) (section, error) {
	packed := w.press.encoder.EncodeAll(content, nil)
	s := section{Offset: w.size, Size: len(packed), Sum: crc32.Checksum(packed, castagnoli)}
	return s, w.write(packed)
}

// parseSections reads the directory; every section has to end before limit.
func parseSections(text string, limit int64) (all sections, err error) {
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return all, fmt.Errorf("decoding its sections: %w", err)
	}
	outside := func(s section) bool { return s.Offset < 0 || s.Size < 0 || s.Offset+int64(s.Size) > limit }
	for _, kind := range []map[string]section{all.Rows, all.Dropped} {
		for group, s := range kind {
			if outside(s) {
				return all, fmt.Errorf("the graphs of %q lie outside the file", group)
			}
		}
	}
	if all.Counts != nil && outside(*all.Counts) {
		return all, errors.New("its counts lie outside the file")
	}
	return all, nil
}

func (b *Block) readSection(s section) ([]byte, error) {
	packed, err := readAt(b.r, s.Offset, int64(s.Size))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(packed, castagnoli) != s.Sum {
		return nil, fmt.Errorf("%w: the checksum of a section is wrong", ErrCorrupt)
	}
	content, err := decoder().DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return content, nil
}

// Minutes are service graphs by the minute of receipt, packed as they are in the
// file: a graph is unpacked when it is asked for, which is quick. nil is no
// graphs. Any number of goroutines may use it.
type Minutes struct {
	words []string
	list  []packedMinute // in order
	total []byte         // all of them merged
}

type packedMinute struct {
	at    tomo.Time
	graph []byte
}

// Each gives each the graphs of the minutes for which pick is true, in order; a
// nil pick is true for all. A graph is good until each returns and must not be
// changed.
func (m *Minutes) Each(pick func(tomo.Time) bool, each func(tomo.Time, *tomo.ServiceGraph)) error {
	if m == nil {
		return nil
	}
	u := unpackers.Get().(*unpacker)
	defer u.release()
	for i := range m.list {
		if pick != nil && !pick(m.list[i].at) {
			continue
		}
		g, err := u.graph(m.words, m.list[i].graph)
		if err != nil {
			return err
		}
		each(m.list[i].at, g)
	}
	return nil
}

// AddTotal merges the graphs of all minutes into g.
func (m *Minutes) AddTotal(g *tomo.ServiceGraph) error {
	if m == nil {
		return nil
	}
	u := unpackers.Get().(*unpacker)
	defer u.release()
	total, err := u.graph(m.words, m.total)
	if err == nil {
		g.Merge(total)
	}
	return err
}

// Graphs are the service graphs of the rows as they were written: those of a
// group's traces, or of all for "". It is nil if there are none.
func (b *Block) Graphs(group string) (*Minutes, error) {
	if b.recounts {
		return b.cached("rows "+group, func() (*Minutes, error) {
			all, err := b.Recount(nil)
			return all[group], err
		})
	}
	s, found := b.sections.Rows[group]
	if !found {
		return nil, nil
	}
	return b.cached("rows "+group, func() (*Minutes, error) { return b.readMinutes(s) })
}

// DroppedGraphs is Graphs of the traces that were dropped.
func (b *Block) DroppedGraphs(group string) (*Minutes, error) {
	s, found := b.sections.Dropped[group]
	if !found {
		return nil, nil
	}
	return b.cached("dropped "+group, func() (*Minutes, error) { return b.readMinutes(s) })
}

func (b *Block) readMinutes(s section) (m *Minutes, err error) {
	defer rescue("reading graphs", &err)
	content, err := b.readSection(s)
	if err != nil {
		return nil, err
	}
	return unpack(content)
}

// cachedSections is how many sections a block holds in memory while it is open.
const cachedSections = 8

// cached gives what is in the cache under the key, or puts there what make makes.
func (b *Block) cached(key string, make func() (*Minutes, error)) (*Minutes, error) {
	b.mu.Lock()
	m := b.cache[key]
	b.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := make()
	if err != nil || m == nil {
		return m, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for other := range b.cache { // any: who asks for so many asks for all
		if len(b.cache) < cachedSections {
			break
		}
		delete(b.cache, other)
	}
	if b.cache == nil {
		b.cache = map[string]*Minutes{}
	}
	b.cache[key] = m
	return m, nil
}

// Recount counts the rows again, but for those for which skip is true, and gives
// the graphs of all traces, under "", and of each group.
func (b *Block) Recount(skip func(row int) bool) (graphs map[string]*Minutes, err error) {
	defer rescue("counting the rows", &err)
	r, err := b.rows(0, b.info.Rows, colText)
	if err != nil {
		return nil, err
	}
	defer r.release()
	t := new(tomo.GroupTally)
	for row := range b.info.Rows {
		s, err := r.summary()
		if err != nil {
			return nil, err
		}
		if skip == nil || !skip(row) {
			t.Add(s)
		}
	}
	graphs = map[string]*Minutes{}
	for group, list := range t.Graphs() {
		if graphs[group], err = unpack(pack(list)); err != nil {
			return nil, err
		}
	}
	return graphs, nil
}

// Dropped is how much was dropped of a group's traces, or of all for "", of the
// minutes of start that begin in r.
func (b *Block) Dropped(r tomo.TimeRange, group string) (sum tomo.Dropped, err error) {
	counts, err := b.dropCounts()
	for minute, n := range counts[group] {
		if r.Contains(minute) {
			sum.Add(n)
		}
	}
	return sum, err
}

// dropCounts reads the numbers of dropped traces, by group and minute.
func (b *Block) dropCounts() (counts map[string]map[tomo.Time]tomo.Dropped, err error) {
	defer rescue("reading what was dropped", &err)
	if b.sections.Counts == nil {
		return nil, nil
	}
	content, err := b.readSection(*b.sections.Counts)
	if err != nil {
		return nil, err
	}
	return unpackCounts(content)
}

// pack makes the content of a section of graphs:
//
//	words | minutes | length of the total | graphs | total
//
// It is described byte by byte in docs/storage-format.md. There is no total if
// there is one minute.
func pack(graphs minutes) []byte {
	p := packer{words: map[string]uint64{}}
	total := &tomo.ServiceGraph{}
	at := tomo.Time(0)
	index := binary.AppendUvarint(nil, uint64(len(graphs)))
	for _, m := range slices.Sorted(maps.Keys(graphs)) {
		from := len(p.b)
		graphs[m].Sort()
		p.graph(graphs[m])
		index = binary.AppendVarint(index, int64((m-at)/tomo.Minute))
		index = binary.AppendUvarint(index, uint64(len(p.b)-from))
		at = m
		if len(graphs) > 1 {
			total.Merge(graphs[m])
		}
	}
	from := len(p.b)
	if len(graphs) > 1 {
		total.Sort()
		p.graph(total)
	}
	index = binary.AppendUvarint(index, uint64(len(p.b)-from))
	content := binary.AppendUvarint(nil, uint64(len(p.list)))
	for _, word := range p.list {
		content = binary.AppendUvarint(content, uint64(len(word)))
		content = append(content, word...)
	}
	return append(append(content, index...), p.b...)
}

// packer writes graphs. Strings are numbers of words.
type packer struct {
	b     []byte
	words map[string]uint64
	list  []string
}

func (p *packer) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }

func (p *packer) word(s string) {
	code, found := p.words[s]
	if !found {
		code = uint64(len(p.list))
		p.words[s] = code
		p.list = append(p.list, valid(s))
	}
	p.number(code)
}

// seconds of two times, both of which are whole ones and none of which is before
// since.
func (p *packer) seconds(since, first, last tomo.Time) {
	p.number(uint64((first - since) / 1e6))
	p.number(uint64((last - first) / 1e6))
}

func (p *packer) graph(g *tomo.ServiceGraph) {
	p.b = binary.AppendVarint(p.b, int64(g.First/1e6))
	p.number(uint64((g.Last - g.First) / 1e6))
	p.number(uint64(len(g.Services)))
	for i := range g.Services {
		s := &g.Services[i]
		p.word(s.Name)
		p.word(s.Type)
		p.word(s.Account)
		p.word(s.Region)
		state := uint64(s.State) << 1
		if s.Root {
			state++
		}
		p.number(state)
		p.seconds(g.First, s.First, s.Last)
		p.statistics(&s.Statistics)
		p.histogram(&s.DurationHistogram)
		p.histogram(&s.ResponseTimeHistogram)
	}
	p.number(uint64(len(g.Edges)))
	for i := range g.Edges {
		e := &g.Edges[i]
		p.number(uint64(e.From))
		p.number(uint64(e.To))
		p.statistics(&e.Statistics)
		p.histogram(&e.ResponseTimeHistogram)
		p.number(uint64(len(e.Aliases)))
		for _, a := range e.Aliases {
			p.word(a.Name)
			p.word(a.Type)
		}
	}
}

func (p *packer) statistics(s *tomo.Statistics) {
	for _, n := range []int64{s.OK, s.Error, s.Throttle, s.Fault} {
		p.number(uint64(n))
	}
	p.b = binary.AppendVarint(p.b, s.TotalResponseTime.Microseconds())
}

func (p *packer) histogram(h *tomo.Histogram) {
	bins := h.Bins()
	head := uint64(len(bins)) << 1
	if h.Coarse() {
		head++
	}
	p.number(head)
	before := int64(0)
	for _, bin := range bins {
		p.number(uint64(bin.Value - before))
		p.number(uint64(bin.Count))
		before = bin.Value
	}
}

// unpack reads what pack makes. The graphs lie in content.
func unpack(content []byte) (*Minutes, error) {
	u := unpacker{b: content}
	m := &Minutes{words: make([]string, u.count())}
	for i := range m.words {
		m.words[i] = string(u.bytes(u.number()))
	}
	m.list = make([]packedMinute, u.count())
	lengths := make([]uint64, len(m.list))
	at := tomo.Time(0)
	for i := range m.list {
		at += tomo.Time(u.signed()) * tomo.Minute
		m.list[i].at = at
		lengths[i] = u.number()
	}
	total := u.number()
	for i := range m.list {
		m.list[i].graph = u.bytes(lengths[i])
	}
	m.total = u.bytes(total)
	if len(m.list) == 1 {
		m.total = m.list[0].graph
	}
	if u.bad || len(u.b) > 0 || len(m.list) == 0 {
		return nil, fmt.Errorf("%w: its graphs are not what was written", ErrCorrupt)
	}
	return m, nil
}

// unpacker reads numbers, and graphs into memory that it uses again.
type unpacker struct {
	b     []byte
	bad   bool // b ended too early, or said what cannot be
	words []string
	into  tomo.ServiceGraph
}

var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

func (u *unpacker) release() {
	u.b, u.words, u.bad = nil, nil, false
	unpackers.Put(u)
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.b, u.bad = nil, true
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) signed() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.b, u.bad = nil, true
		return 0
	}
	u.b = u.b[size:]
	return n
}

// count is a number of things each of which takes a byte at least.
func (u *unpacker) count() int {
	n := u.number()
	if n > uint64(len(u.b)) {
		u.b, u.bad = nil, true
		return 0
	}
	return int(n)
}

func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.b, u.bad = nil, true
		return nil
	}
	b := u.b[:n:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) word() string {
	n := u.number()
	if n >= uint64(len(u.words)) {
		u.bad = true
		return ""
	}
	return u.words[n]
}

// place is one in a list of n.
func (u *unpacker) place(n int) int {
	i := u.number()
	if i >= uint64(n) {
		u.bad = true
		return 0
	}
	return int(i)
}

func (u *unpacker) seconds() tomo.Time { return tomo.Time(u.number()) * 1e6 }

// graph reads a graph. It is good until the next call.
func (u *unpacker) graph(words []string, packed []byte) (*tomo.ServiceGraph, error) {
	u.b, u.words = packed, words
	g := &u.into
	g.First = tomo.Time(u.signed()) * 1e6
	g.Last = g.First + u.seconds()
	n := u.count()
	g.Services = slices.Grow(g.Services[:0], n)[:n]
	for i := range g.Services {
		s := &g.Services[i]
		s.Name, s.Type, s.Account, s.Region = u.word(), u.word(), u.word(), u.word()
		state := u.number()
		s.Root = state&1 > 0
		s.State = tomo.State(state >> 1)
		u.bad = u.bad || state>>1 >= uint64(len(states))
		s.First = g.First + u.seconds()
		s.Last = s.First + u.seconds()
		u.statistics(&s.Statistics)
		u.histogram(&s.DurationHistogram)
		u.histogram(&s.ResponseTimeHistogram)
	}
	n = u.count()
	g.Edges = slices.Grow(g.Edges[:0], n)[:n]
	for i := range g.Edges {
		e := &g.Edges[i]
		e.From, e.To = u.place(len(g.Services)), u.place(len(g.Services))
		u.statistics(&e.Statistics)
		u.histogram(&e.ResponseTimeHistogram)
		e.Aliases = e.Aliases[:0]
		for range u.count() {
			e.Aliases = append(e.Aliases, tomo.Alias{Name: u.word(), Type: u.word()})
		}
	}
	if u.bad || len(u.b) > 0 {
		return nil, fmt.Errorf("%w: a graph is not what was written", ErrCorrupt)
	}
	return g, nil
}

func (u *unpacker) statistics(s *tomo.Statistics) {
	for _, n := range []*int64{&s.OK, &s.Error, &s.Throttle, &s.Fault} {
		*n = int64(u.number())
	}
	s.TotalResponseTime = time.Duration(u.signed()) * time.Microsecond
}

func (u *unpacker) histogram(h *tomo.Histogram) {
	head := u.number()
	if head>>1 > uint64(len(u.b)) {
		u.b, u.bad = nil, true
		return
	}
	n := int(head >> 1)
	bins := slices.Grow(h.Bins()[:0], n)[:n]
	value := int64(0)
	for i := range bins {
		// Most numbers are below 128, and most of what is read is bins.
		if b := u.b; len(b) > 1 && b[0]|b[1] < 0x80 {
			value += int64(b[0])
			bins[i] = tomo.Bin{Value: value, Count: int64(b[1])}
			u.b = b[2:]
			continue
		}
		value += int64(u.number())
		bins[i] = tomo.Bin{Value: value, Count: int64(u.number())}
	}
	*h = tomo.HistogramOf(bins, head&1 > 0)
}

// packCounts makes the content of the section of counts.
func packCounts(counts map[string]map[tomo.Time]tomo.Dropped) []byte {
	b := binary.AppendUvarint(nil, uint64(len(counts)))
	for _, group := range slices.Sorted(maps.Keys(counts)) {
		b = binary.AppendUvarint(b, uint64(len(group)))
		b = append(b, group...)
		b = binary.AppendUvarint(b, uint64(len(counts[group])))
		at := tomo.Time(0)
		for _, m := range slices.Sorted(maps.Keys(counts[group])) {
			n := counts[group][m]
			b = binary.AppendVarint(b, int64((m-at)/tomo.Minute))
			for _, v := range []int64{n.Traces, n.Documents, n.Bytes} {
				b = binary.AppendUvarint(b, uint64(v))
			}
			at = m
		}
	}
	return b
}

// unpackCounts reads what packCounts makes.
func unpackCounts(content []byte) (map[string]map[tomo.Time]tomo.Dropped, error) {
	u := unpacker{b: content}
	counts := map[string]map[tomo.Time]tomo.Dropped{}
	for range u.count() {
		group := string(u.bytes(u.number()))
		of := map[tomo.Time]tomo.Dropped{}
		at := tomo.Time(0)
		for range u.count() {
			at += tomo.Time(u.signed()) * tomo.Minute
			of[at] = tomo.Dropped{Traces: int64(u.number()), Documents: int64(u.number()), Bytes: int64(u.number())}
		}
		counts[group] = of
	}
	if u.bad || len(u.b) > 0 {
		return nil, fmt.Errorf("%w: its counts are not what was written", ErrCorrupt)
	}
	return counts, nil
}
