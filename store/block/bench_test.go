package block_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// BenchmarkWrite writes traces that belong to no group, or to about three of 25.
// Half of the last one are dropped.
func BenchmarkWrite(b *testing.B) {
	for _, w := range []struct {
		name    string
		groups  int
		dropped int // one in so many
	}{{"Groups=0", 0, 0}, {"Groups=25", 25, 0}, {"Groups=25,half dropped", 25, 2}} {
		b.Run(w.name, func(b *testing.B) {
			rows := newShop(1).grouped(10_000, w.groups)
			for i := range rows {
				rows[i].Dropped = w.dropped > 0 && i%w.dropped == 0
			}
			benchmarkWrite(b, rows)
		})
	}
}

func benchmarkWrite(b *testing.B, rows []tomo.Settled) {
	raw, docs := 0, 0
	for _, row := range rows {
		for _, d := range row.Documents {
			raw += len(d.Text)
			docs++
		}
	}
	b.ReportAllocs()
	var info block.Info
	for b.Loop() {
		var err error
		if info, err = block.Write(io.Discard, rows, block.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(docs), "ns/document")
	b.ReportMetric(float64(info.Bytes)/float64(docs), "B/document")
	b.ReportMetric(float64(raw)/float64(docs), "raw-B/document")
}

// BenchmarkRead asks a block of 10,000 traces what stores ask.
func BenchmarkRead(b *testing.B) {
	rows := newShop(1).traces(10_000)
	_, file := write(b, rows, block.Options{})
	blk := open(b, file)
	absent := newShop(2).traces(1000)

	run := func(name string, do func(i int) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := do(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("Open", func(int) error {
		_, err := block.Open(bytes.NewReader(file), int64(len(file)))
		return err
	})
	run("Base", func(i int) error {
		_, err := blk.Base(i * 7919 % len(rows))
		return err
	})
	hashes := make([]uint64, len(absent))
	for i := range absent {
		hashes[i] = block.Hash(absent[i].Summary.ID)
	}
	filter, hits := blk.Filter(), 0
	run("Filter", func(i int) error {
		if filter.MayContain(hashes[i%len(hashes)]) {
			hits++
		}
		return nil
	})
	run("FindAndDocuments", func(i int) error {
		row, _, err := blk.Find(rows[i*7919%len(rows)].Summary.ID)
		if err != nil {
			return err
		}
		_, err = blk.Documents(row)
		return err
	})
	run("Documents", func(i int) error {
		_, err := blk.Documents(i * 7919 % len(rows))
		return err
	})
	run("Summaries1", func(i int) error {
		at := i * 7919 % len(rows)
		_, err := blk.Summaries(at, at+1)
		return err
	})
	run("Summaries100", func(i int) error {
		at := i * 7919 % (len(rows) - 100)
		_, err := blk.Summaries(at, at+100)
		return err
	})
	run("SummariesAll", func(int) error {
		_, err := blk.Summaries(0, len(rows))
		return err
	})
	run("Starts", func(int) error {
		_, err := blk.Starts()
		return err
	})
	run("IDs", func(int) error {
		_, err := blk.IDs()
		return err
	})
	run("Graphs", func(int) error {
		blk := open(b, file)
		minutes, err := blk.Graphs("")
		if err != nil {
			return err
		}
		return minutes.Each(nil, func(tomo.Time, *tomo.ServiceGraph) {})
	})
	run("Graphs again", func(int) error {
		minutes, err := blk.Graphs("")
		if err != nil {
			return err
		}
		return minutes.Each(nil, func(tomo.Time, *tomo.ServiceGraph) {})
	})
	var sum tomo.ServiceGraph
	run("Total", func(int) error {
		minutes, err := blk.Graphs("")
		if err != nil {
			return err
		}
		return minutes.AddTotal(&sum)
	})
}

// BenchmarkMerge merges ten blocks of 2,000 traces that lie among one another.
func BenchmarkMerge(b *testing.B) {
	var blocks []*block.Block
	rows := newShop(1).traces(20_000)
	for i := range 10 {
		var part []tomo.Settled
		for k := i; k < len(rows); k += 10 {
			part = append(part, rows[k])
		}
		_, file := write(b, part, block.Options{})
		blocks = append(blocks, open(b, file))
	}
	b.ReportAllocs()
	docs := 0
	for b.Loop() {
		info, err := block.Merge(io.Discard, blocks, nil, block.Options{})
		if err != nil {
			b.Fatal(err)
		}
		docs = info.Documents
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(docs), "ns/document")
}
