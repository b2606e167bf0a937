package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
	"github.com/tomotrace/tomo/bench/load"
	"github.com/tomotrace/tomo/bench/server"
)

// busy measures what questions to a server cost while it takes segments as fast
// as it can.
func busy(ctx context.Context, args []string) error {
	var o options
	f := o.flags("busy", 4_000_000)
	data := f.String("data", "", "`directory` of the day of traces that search made, which stays as it is. Empty: made for this run")
	extra := f.Int("extra", 600_000, "segments to send while questions are asked")
	asks := f.Int("asks", 20, "how often each question is asked before that")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	own, err := os.MkdirTemp(o.dir, "bench-busy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	if *data == "" {
		*data = filepath.Join(own, "day")
		if err := os.Mkdir(*data, 0o755); err != nil {
			return err
		}
	}
	day, err := loadDay(ctx, &o, *data)
	if err != nil {
		return err
	}
	served := filepath.Join(own, "served")
	if err := linkTree(*data, served); err != nil {
		return err
	}
	b := &busyRun{start: day.Start.Std()}
	if err := b.measure(ctx, &o, served, *asks, *extra); err != nil {
		return err
	}
	r := report{Busy: b}
	r.print()
	return r.save(o.json)
}

// linkTree copies a data directory. Blocks never change, so they are shared.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasSuffix(name, ".parquet"):
			return os.Link(path, target)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// busyRun is what the same questions cost a server that rests and one that is
// sent segments.
type busyRun struct {
	PerSecond float64      `json:"segments_per_second"` // that were taken meanwhile
	Answers   []busyAnswer `json:"answers"`

	start time.Time
}

type busyAnswer struct {
	Question string `json:"question"`
	Idle     times  `json:"idle_ms"`
	Busy     times  `json:"busy_ms"`
}

// maxBusy is what questions may cost while segments come, by what they cost
// without.
const maxBusy = 2

// busyQuestions are asked over HTTP, in their variants in turn.
var busyQuestions = []struct {
	name     string
	path     string
	variants []string
}{
	{"page service fault", "/TraceSummaries", faultsOf},
	{"page rare annotation", "/TraceSummaries", rare},
	{"page duration", "/TraceSummaries", durations},
	{"page five conditions", "/TraceSummaries", compounds},
	{"page all", "/TraceSummaries", []string{""}},
	{"graph day and now", "/ServiceGraph", []string{""}},
	{"graph day", "/ServiceGraph", []string{closed}},
	{"series day by minute", "/TimeSeriesServiceStatistics", each(`service("%s")`, services...)},
}

// closed stands for a question about the day itself, which nothing comes for.
const closed = "closed"

func (b *busyRun) measure(ctx context.Context, o *options, dir string, asks, extra int) error {
	p, err := o.tomoProgram()
	if err != nil {
		return err
	}
	s, err := p.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Kill()
	b.Answers = make([]busyAnswer, len(busyQuestions))
	for q := range busyQuestions {
		b.Answers[q].Question = busyQuestions[q].name
		for i := range asks + 2 {
			took, err := b.ask(ctx, s, q, i)
			if err != nil {
				return err
			}
			if i >= 2 { // the first ones open blocks
				b.Answers[q].Idle = append(b.Answers[q].Idle, took)
			}
		}
	}
	progress("building %d segments", extra)
	l := load.Build(gen.New(o.seed+1, time.Now().Add(-10*time.Second), 20*time.Second/time.Duration(max(1, extra/4))), extra, o.batch)
	progress("asking while they are sent")
	sent := make(chan error, 1)
	go func() {
		result, err := load.HTTP(ctx, s.Address, l, load.Options{Workers: o.workers})
		if err == nil {
			b.PerSecond = result.Rate()
		}
		sent <- err
	}()
	for i := 0; ; i++ {
		for q := range busyQuestions {
			select {
			case err := <-sent:
				if err == nil && i == 0 {
					err = errors.New("the segments were sent before each question was asked")
				}
				for _, a := range b.Answers {
					slices.Sort(a.Idle)
					slices.Sort(a.Busy)
				}
				return err
			default:
			}
			took, err := b.ask(ctx, s, q, i)
			if err != nil {
				return err
			}
			b.Answers[q].Busy = append(b.Answers[q].Busy, took)
		}
	}
}

// ask asks a variant of a question about everything since the day began.
func (b *busyRun) ask(ctx context.Context, s *server.Process, q, nth int) (took float64, err error) {
	ask := &busyQuestions[q]
	question := window(b.start, time.Now().Add(time.Minute))
	switch text := ask.variants[nth%len(ask.variants)]; {
	case text == closed:
		question["EndTime"] = float64(b.start.Add(dayLength).Unix())
	case ask.path == "/TimeSeriesServiceStatistics":
		question["EntitySelectorExpression"], question["Period"] = text, 60
		question["EndTime"] = float64(b.start.Add(dayLength).Unix())
	case text != "":
		question["FilterExpression"] = text
	}
	var answer struct{}
	return post(ctx, s, ask.path, question, &answer)
}

// print writes the figures.
func (b *busyRun) print() {
	w := table(fmt.Sprintf("over HTTP; %.0f segments/s\tidle\tp99\tbusy\tp99\tasked\tratio\t\t", b.PerSecond))
	for _, a := range b.Answers {
		ratio := a.Busy.quantile(0.5) / a.Idle.quantile(0.5)
		fmt.Fprintf(w, "%s\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t%d\t%.1f\t%s\t\n", a.Question, a.Idle.quantile(0.5), a.Idle.quantile(0.99),
			a.Busy.quantile(0.5), a.Busy.quantile(0.99), len(a.Busy), ratio, verdict(ratio <= maxBusy))
	}
	w.Flush()
}
