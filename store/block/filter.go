package block

import (
	"errors"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"

	"github.com/tomotrace/tomo"
)

// Filter says which trace ids a block may hold: the split-block Bloom filter
// that Parquet describes. It is wrong about one in some five thousand ids that
// are not there, never about one that is. It is good after its block is gone,
// and for any number of readers.
type Filter struct{ blocks bloom.SplitBlockFilter }

// filterBits is how many bits there are to an id.
const filterBits = 24

// Hash is what filters know an id by: XXH64 with seed 0.
func Hash(id tomo.TraceID) uint64 { return xxhash.Sum64(id[:]) }

// MayContain reports whether an id of this hash may be in the block.
func (f *Filter) MayContain(hash uint64) bool {
	return len(f.blocks) > 0 && f.blocks.Check(hash)
}

func newFilter(hashes []uint64) *Filter {
	f := make(bloom.SplitBlockFilter, bloom.NumSplitBlocksOf(int64(len(hashes)), filterBits))
	f.InsertBulk(hashes)
	return &Filter{f}
}

// parseFilter copies a filter out of a file.
func parseFilter(b []byte) (*Filter, error) {
	if len(b)%bloom.BlockSize != 0 {
		return nil, errors.New("its filter is cut off")
	}
	f := make(bloom.SplitBlockFilter, len(b)/bloom.BlockSize)
	copy(f.Bytes(), b)
	return &Filter{f}, nil
}
