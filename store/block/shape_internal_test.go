package block

import (
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"pgregory.net/rapid"
)

// TestShape holds the shapes found from packed levels against those found level
// by level.
func TestShape(t *testing.T) {
	encoding := rle.Encoding{BitWidth: 1}
	rapid.Check(t, func(r *rapid.T) {
		full := rapid.Bool().Draw(r, "full")
		most := rapid.SampledFrom([]int{1, 3, 40}).Draw(r, "most")
		var rep, def []byte
		want := []int32{0}
		rows := rapid.IntRange(1, 200).Draw(r, "rows")
		for range rows {
			n := rapid.IntRange(0, most).Draw(r, "elements")
			if full {
				n = max(n, 1)
			}
			want = append(want, want[len(want)-1]+int32(n))
			rep = append(rep, 0)
			def = append(def, byte(min(n, 1)))
			for range n - 1 {
				rep, def = append(rep, 1), append(def, 1)
			}
		}
		packed := func(levels []byte) []byte {
			b, err := encoding.EncodeLevels(nil, levels)
			if err != nil {
				r.Fatal(err)
			}
			return b
		}
		if got := allOnes(packed(def), len(def)); got != !slices.Contains(def, 0) {
			r.Fatalf("all of %v are ones: %v", def, got)
		}
		var s shape
		if err := s.find(packed(rep), def, len(rep)); err != nil || !slices.Equal(s.starts, want) {
			r.Fatalf("level by level: %v, %v; want %v", s.starts, err, want)
		}
		if slices.Contains(def, 0) {
			return
		}
		if err := s.findFull(packed(rep), len(rep)); err != nil || !slices.Equal(s.starts, want) {
			r.Fatalf("from packed levels: %v, %v; want %v", s.starts, err, want)
		}
		if err := s.findFull(packed(rep)[:len(packed(rep))-1], len(rep)); err == nil {
			r.Fatal("levels that are cut off are no error")
		}
	})
}
