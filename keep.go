package tomo

import "encoding/binary"

// MaxKeepRules is how many keep rules there may be. Each trace that settles is
// held against them in turn.
const MaxKeepRules = 50

// KeepRule says what share of the traces that match a filter is kept. What is
// not kept was counted all the same: in graphs, in series, in the figures of
// groups.
type KeepRule struct {
	Name   string
	Filter string  // as it was written; "" is every trace
	Rate   float64 // the share that is kept, from 0 to 1
}

// KeepRules are all keep rules, in order: the first that a trace matches decides
// about it, and one that matches none is kept. They are replaced as a whole,
// never changed.
type KeepRules struct {
	// Revision grows with each change; 0: there never was one.
	Revision int64
	Rules    []KeepRule
}

// Keeps reports whether the rule keeps a trace that matches it. It is always
// the same traces, and those of a lower rate are among those of a higher one.
func (r *KeepRule) Keeps(id TraceID) bool {
	// Ids of clients that count, or that have a time in them, are no dice. Two
	// rounds of the finalizer of SplitMix64 are, and not those that sample the
	// traces of a page.
	const odd = 0x9e3779b97f4a7c15
	h := scatter(binary.BigEndian.Uint64(id[:8])+odd) + binary.BigEndian.Uint64(id[8:])
	return float64(scatter(h)>>11)/(1<<53) < r.Rate
}

func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
