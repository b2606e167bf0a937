package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestMain makes the test binary bench itself: the drive starts it as a floor.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestDrive drives the floor and reads what was measured.
func TestDrive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "figures.json")
	err := run(t.Context(), []string{"drive", "-server", "floor", "-segments", "5000", "-dir", t.TempDir(), "-json", file})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 1 {
		t.Fatalf("%d runs, want 1", len(r.Runs))
	}
	got := r.Runs[0]
	if got.Server != "floor" || got.Segments != 5000 || got.CPUMillion <= 0 || got.PeakBytes < 1<<20 ||
		got.DiskSegment < 200 || got.DiskSegment > 1500 || got.AckP50 <= 0 || got.AckP99 < got.AckP50 {
		t.Errorf("implausible figures: %+v", got)
	}
}

func TestWords(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"drive", "-server", "tomo", "-tomo", "no-such-file"}} {
		if err := run(context.Background(), args); err == nil {
			t.Errorf("bench %q succeeded", args)
		}
	}
}

func TestMedian(t *testing.T) {
	tests := []struct {
		in   []float64
		want float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5},
	}
	for _, test := range tests {
		if got := median(test.in); got != test.want {
			t.Errorf("median(%v) = %g, want %g", test.in, got, test.want)
		}
	}
}
