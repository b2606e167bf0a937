package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
)

// Targets that a report is held to.
const (
	maxRatio = 1.8       // CPU a segment, by the floor's
	maxPeak  = 512 << 20 // bytes of memory at full speed
)

// report is everything that was measured.
type report struct {
	Compare *comparison `json:"compare,omitempty"`
	Runs    []ingestRun `json:"runs,omitempty"`
	Query   *queryRun   `json:"query,omitempty"`
	Search  *searchRun  `json:"search,omitempty"`

	Busy     *busyRun     `json:"busy,omitempty"`
	Settling *settlingRun `json:"settling,omitempty"`
}

// save writes the report as JSON, if a file was asked for.
func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// print writes the report as tables.
func (r *report) print() {
	var runs []ingestRun
	if c := r.Compare; c != nil {
		for i := range c.Floor {
			runs = append(runs, c.Floor[i], c.Tomo[i])
		}
	}
	runs = append(runs, r.Runs...)
	if len(runs) > 0 {
		w := table("server\tdoor\tsegments\tsegments/s\tCPU s/million\tsending\tsettling\tsettled after\tpeak memory\tdisk/segment\tack p50\tack p99\tbusy\tlost\t")
		for _, r := range runs {
			fmt.Fprintf(w, "%s\t%s\t%d\t%.0f\t%.2f\t%.2f s\t%.2f s\t%.1f s\t%s\t%.0f B\t%s\t%s\t%d\t%d\t\n",
				r.Server, r.Door, r.Segments, r.PerSecond, r.CPUMillion, r.CPUSending, r.CPUSettling, r.SettleSecond,
				size(r.PeakBytes), r.DiskSegment, latency(r.AckP50), latency(r.AckP99), r.Busy, r.Lost)
		}
		w.Flush()
	}
	if c := r.Compare; c != nil {
		c.print()
	}
	if r.Query != nil {
		r.Query.print()
	}
	if r.Search != nil {
		r.Search.print()
	}
	if r.Busy != nil {
		r.Busy.print()
	}
	if r.Settling != nil {
		r.Settling.print()
	}
}

// print writes the medians and what became of the targets.
func (c *comparison) print() {
	fmt.Println()
	w := table("median\tfloor\ttomo\ttomo/floor\t")
	row := func(name, format string, figure func(ingestRun) float64) {
		floor, tomo := medianOf(c.Floor, figure), medianOf(c.Tomo, figure)
		fmt.Fprintf(w, "%s\t"+format+"\t"+format+"\t%.2f\t\n", name, floor, tomo, tomo/floor)
	}
	row("CPU seconds a million segments", "%.2f", func(r ingestRun) float64 { return r.CPUMillion })
	row("segments a second", "%.0f", func(r ingestRun) float64 { return r.PerSecond })
	row("ack p50, ms", "%.1f", func(r ingestRun) float64 { return r.AckP50 })
	row("ack p99, ms", "%.1f", func(r ingestRun) float64 { return r.AckP99 })
	row("disk bytes a segment", "%.0f", func(r ingestRun) float64 { return r.DiskSegment })
	row("peak memory, MiB", "%.0f", func(r ingestRun) float64 { return float64(r.PeakBytes) / (1 << 20) })
	w.Flush()

	var peak int64
	for _, r := range c.Tomo {
		peak = max(peak, r.PeakBytes)
	}
	fmt.Printf("\nCPU ratio tomo/floor: %.2f of the medians, %.2f median of the rounds (", c.RatioOfMedians, c.MedianRatio)
	for i, ratio := range c.Ratios {
		if i > 0 {
			fmt.Print(", ")
		}
		fmt.Printf("%.2f", ratio)
	}
	fmt.Printf("); target ≤ %.1f: %s\n", maxRatio, verdict(c.MedianRatio <= maxRatio))
	fmt.Printf("highest peak memory of tomo: %s; target ≤ %s: %s\n", size(peak), size(maxPeak), verdict(peak <= maxPeak))
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func table(head string) *tabwriter.Writer {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, head)
	return w
}

// latency writes milliseconds; datagrams are not acknowledged and have none.
func latency(millis float64) string {
	if millis == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", millis)
}

// size writes bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 1<<20:
		return fmt.Sprintf("%.0f KiB", float64(bytes)/(1<<10))
	case bytes < 10<<30:
		return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
