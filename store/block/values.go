package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// A block says of each page of summary columns which annotations may be in it,
// so that a value that few traces have is found without looking at the values
// of all others. It is a filter like that of the ids, over keys and values
// together. Truth values have none: there are but two.

// valueBits is how many bits there are to an annotation: the filter is wrong
// about one in a hundred.
const valueBits = 10

// values gathers the annotations of an open page.
type values struct {
	hashes []uint64
	recent [256]uint64 // seen lately: most traces repeat what others say
	text   []byte
}

func (v *values) add(a *tomo.Annotation) {
	if a.Value.Kind == tomo.BoolValue {
		return
	}
	var hash uint64
	hash, v.text = hashValue(v.text[:0], valid(a.Key), a.Value.Kind, a.Value.Number, valid(a.Value.String))
	if last := &v.recent[hash%uint64(len(v.recent))]; *last != hash {
		*last = hash
		v.hashes = append(v.hashes, hash)
	}
}

// hashValue is what filters know an annotation by: XXH64 with seed 0 of its
// kind, the length of its key, the key and the value. It uses b as memory.
func hashValue(b []byte, key string, kind tomo.ValueKind, number float64, text string) (uint64, []byte) {
	b = binary.AppendUvarint(append(b, byte(kind)), uint64(len(key)))
	b = append(b, key...)
	if kind == tomo.NumberValue {
		if number == 0 {
			number = 0 // of either sign
		}
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(number))
	} else {
		b = append(b, text...)
	}
	return xxhash.Sum64(b), b
}

// take appends the filter of the page, behind the number of its parts, and begins
// the next page.
func (v *values) take(b []byte) []byte {
	slices.Sort(v.hashes)
	v.hashes = slices.Compact(v.hashes)
	f := make(bloom.SplitBlockFilter, bloom.NumSplitBlocksOf(int64(len(v.hashes)), valueBits))
	f.InsertBulk(v.hashes)
	v.clear()
	return append(binary.AppendUvarint(b, uint64(len(f))), f.Bytes()...)
}

func (v *values) clear() {
	v.hashes = v.hashes[:0]
	clear(v.recent[:])
}

// parseValues reads the filters of all pages, which is all there is in b, into
// the row groups.
func parseValues(b []byte, groups []group) error {
	for g := range groups {
		in := &groups[g]
		in.values = make([]Filter, len(in.chunks[colStart].pages))
		for page := range in.values {
			parts, n := binary.Uvarint(b)
			if n <= 0 || parts > uint64(len(b)-n)/bloom.BlockSize {
				return errors.New("its filters of annotations are cut off")
			}
			end := n + int(parts)*bloom.BlockSize
			f, err := parseFilter(b[n:end])
			if err != nil {
				return err
			}
			in.values[page], b = *f, b[end:]
		}
	}
	if len(b) > 0 {
		return fmt.Errorf("there are %d bytes behind its filters of annotations", len(b))
	}
	return nil
}

// mayHave tells of each page of the group whether it can have an annotation that
// is asked for; nil if any of them can.
func (g *group) mayHave(asked *filter.AnnotationIs) []bool {
	if g.values == nil || asked.Truthy || asked.Op != filter.Equal || asked.Value.Kind == tomo.BoolValue {
		return nil
	}
	hash, _ := hashValue(nil, asked.Key, asked.Value.Kind, asked.Value.Number, asked.Value.String)
	pages := make([]bool, len(g.values))
	for i := range pages {
		pages[i] = g.values[i].MayContain(hash)
	}
	return pages
}
