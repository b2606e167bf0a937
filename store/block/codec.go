package block

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// codec compresses pages. It belongs to one writer, which compresses one page
// at a time, so it keeps one encoder and never waits for it.
type codec struct{ encoder *zstd.Encoder }

func newCodec() codec {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithWindowSize(128<<10),
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // pages have checksums
		zstd.WithZeroFrames(true),
	)
	if err != nil {
		panic(err) // the options are wrong
	}
	return codec{encoder}
}

func (codec) String() string                            { return "ZSTD" }
func (codec) CompressionCodec() format.CompressionCodec { return format.Zstd }
func (c codec) Encode(dst, src []byte) ([]byte, error)  { return c.encoder.EncodeAll(src, dst[:0]), nil }
func (codec) Decode(dst, src []byte) ([]byte, error)    { return decoder().DecodeAll(src, dst[:0]) }

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
