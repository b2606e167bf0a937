package block

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tomotrace/tomo"
)

// Filter says which trace ids a block may hold: Parquet's split-block Bloom
// filter. It is wrong about 1 in 6,000 ids that are not there, never about one
// that is. It is good after its block is gone, and for any number of readers.
type Filter struct{ blocks bloom.SplitBlockFilter }

// filterBits is how many bits there are to an id. Sixteen would be wrong six
// times in a thousand.
const filterBits = 24

// Hash is what filters know an id by: XXH64 with seed 0, as Parquet says.
func Hash(id tomo.TraceID) uint64 { return xxhash.Sum64(id[:]) }

// MayContain reports whether an id of this hash may be in the block.
func (f *Filter) MayContain(hash uint64) bool {
	return len(f.blocks) > 0 && f.blocks.Check(hash)
}

// encodeFilter makes the filter of the hashes as it lies in the file.
func encodeFilter(hashes []uint64) ([]byte, error) {
	blocks := make(bloom.SplitBlockFilter, bloom.NumSplitBlocksOf(int64(len(hashes)), filterBits))
	blocks.InsertBulk(hashes)
	bits := blocks.Bytes()
	header := format.BloomFilterHeader{NumBytes: int32(len(bits))}
	header.Algorithm.Value = &format.SplitBlockAlgorithm{}
	header.Hash.Value = &format.XxHash{}
	header.Compression.Value = &format.BloomFilterUncompressed{}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &header)
	if err != nil {
		return nil, fmt.Errorf("encoding the filter: %w", err)
	}
	return append(b, bits...), nil
}

// decodeFilter reads what encodeFilter makes.
func decodeFilter(b []byte) (*Filter, error) {
	var header format.BloomFilterHeader
	reader := bytes.NewReader(b)
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(reader)).Decode(&header); err != nil {
		return nil, fmt.Errorf("decoding the filter: %w", err)
	}
	if reader.Len() != int(header.NumBytes) || reader.Len()%bloom.BlockSize != 0 {
		return nil, errors.New("the filter has another length than it says")
	}
	blocks := make(bloom.SplitBlockFilter, reader.Len()/bloom.BlockSize)
	copy(blocks.Bytes(), b[len(b)-reader.Len():])
	return &Filter{blocks}, nil
}
