package block

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// newEncoder makes what compresses the pages of one writer, one page at a time.
func newEncoder() *zstd.Encoder {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithWindowSize(256<<10),
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // pages have checksums
		zstd.WithZeroFrames(true),
	)
	if err != nil {
		panic(err) // the options are wrong
	}
	return encoder
}

// decoder decompresses for everybody; it bounds what a damaged page may ask for.
var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPage))
	if err != nil {
		panic(err) // the options are wrong
	}
	return d
})

// maxPage bounds a page, in bytes.
const maxPage = 1 << 30
