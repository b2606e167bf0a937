package block_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/store/block"
)

// TestVersions reads blocks of earlier versions, and merges them into one of
// today. Each file has the first six traces of the shop in several row groups.
func TestVersions(t *testing.T) {
	t.Run("1", func(t *testing.T) { readOld(t, "testdata/version1.parquet", newShop(1).traces(6)) })
	t.Run("2", func(t *testing.T) {
		rows := newShop(1).traces(6)
		for i := range rows {
			if i%2 == 0 {
				rows[i].Summary.Groups = []string{"G1"}
			}
		}
		readOld(t, "testdata/version2.parquet", rows)
	})
}

func readOld(t *testing.T, path string, want []tomo.Settled) {
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := open(t, file)
	check := func(b *block.Block) {
		t.Helper()
		rows, err := b.Settled(0, len(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want, rows); diff != "" {
			t.Fatalf("Settled: -want +got\n%s", diff)
		}
		for i, row := range want {
			if at, found, err := b.Find(row.Summary.ID); at != i || !found || err != nil {
				t.Errorf("Find(%v) = %d, %v, %v; want row %d", row.Summary.ID, at, found, err, i)
			}
			if one, err := b.Summaries(i, i+1); err != nil || difference(row.Summary, one[0]) != "" {
				t.Errorf("Summaries(%d, %d): %v, %v", i, i+1, one, err)
			}
		}
		for _, text := range []string{`http.useragent CONTAINS "Firefox" AND service("payments")`, `partial`, `!partial`} {
			e, err := filter.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			plan := filter.PlanFor(e, nil)
			selected, err := b.Select(plan, 0, len(want))
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range want {
				if got := slices.Contains(selected, i); got != plan.Holds(row.Summary) {
					t.Errorf("row %d was selected for %s: %v", i, text, got)
				}
			}
		}
		wantGraphs(t, b, want)
	}
	check(old)

	// A block with groups beside it.
	grouped := newShop(2).traces(3)
	for i := range grouped {
		grouped[i].Summary.Groups = []string{"G1"}
	}
	_, second := write(t, grouped, block.Options{})
	var merged bytes.Buffer
	if _, err := block.Merge(&merged, []*block.Block{old, open(t, second)}, nil, block.Options{}); err != nil {
		t.Fatal(err)
	}
	_, written := write(t, append([]tomo.Settled(nil), append(want, grouped...)...), block.Options{})
	if !bytes.Equal(written, merged.Bytes()) {
		t.Errorf("%d bytes merged with a block of an earlier version, %d written, and not the same", merged.Len(), len(written))
	}
}
