package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/bench/gen"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/query"
)

// search measures questions about a day of traces, inside this process.
func search(ctx context.Context, args []string) error {
	var o options
	f := o.flags("search", 4_000_000)
	data := f.String("data", "", "`directory` of the day of traces; made if it is not there, and kept. Empty: made for this run")
	asks := f.Int("asks", 40, "how often each question is asked")
	only := f.String("only", "", "ask only the questions whose `names` begin with one of these words, separated by commas")
	profile := f.String("cpuprofile", "", "`file` for a CPU profile of the questions")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	dir := *data
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp(o.dir, "bench-search-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	day, err := loadDay(ctx, &o, dir)
	if err != nil {
		return err
	}
	s := &searchRun{Asks: *asks, day: day}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		s.profile = file
	}
	if err := s.measure(ctx, dir, *only); err != nil {
		return err
	}
	r := report{Search: s}
	r.print()
	return r.save(o.json)
}

// dayLength is how much time the traces of a search span.
const dayLength = 24 * time.Hour

// loadDay opens, or makes, a directory with traces spread over a day, and says
// when the day began. Making goes through the write path, only with a clock of
// its own: what came within a second on that clock is received then.
func loadDay(ctx context.Context, o *options, dir string) (tomo.TimeRange, error) {
	mark := filepath.Join(dir, "bench-day")
	text, err := os.ReadFile(mark)
	if err == nil {
		var day tomo.TimeRange
		var segments int
		if _, err := fmt.Sscanf(string(text), "%d %d %d", &day.Start, &day.End, &segments); err != nil {
			return day, fmt.Errorf("reading %s: %w", mark, err)
		}
		if segments != o.segments {
			return day, fmt.Errorf("%s holds %d segments, not %d", dir, segments, o.segments)
		}
		return day, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return tomo.TimeRange{}, err
	}
	end := time.Now().Truncate(time.Minute)
	start := end.Add(-dayLength)
	day := tomo.TimeRange{Start: tomo.TimeOf(start), End: tomo.TimeOf(end)}
	e, err := openEmbedded(ctx, dir)
	if err != nil {
		return day, err
	}
	defer e.close()
	if _, err := e.group(ctx, oneGroup, oneFilter); err != nil {
		return day, err
	}
	g := gen.New(o.seed, start, dayLength/time.Duration(max(1, o.segments/4)))
	const together = 50 // about a second of them
	var last time.Time
	for sent := 0; sent < o.segments; {
		var docs [][]byte
		for range min(together, o.segments-sent) {
			d := g.Next()
			docs, e.now = append(docs, d.Text), d.End
		}
		if err := e.accept(ctx, docs); err != nil {
			return day, err
		}
		sent += len(docs)
		if _, err := e.pipeline.Settle(ctx); err != nil {
			return day, err
		}
		if e.now.Sub(last) > 10*time.Second {
			last = e.now
			if err := e.store.Maintain(ctx); err != nil {
				return day, err
			}
		}
		if sent/chunk != (sent-len(docs))/chunk {
			progress("storing %d of %d segments", sent, o.segments)
		}
	}
	e.now = e.now.Add(time.Hour)
	if err := e.settle(ctx); err != nil {
		return day, err
	}
	if err := e.store.Maintain(ctx); err != nil {
		return day, err
	}
	if err := e.close(); err != nil {
		return day, err
	}
	return day, os.WriteFile(mark, fmt.Appendln(nil, int64(day.Start), int64(day.End), o.segments), 0o644)
}

// The group that the day has, and its filter.
const (
	oneGroup  = "slow-payments"
	oneFilter = `service("payments") AND duration > 0.3`
)

// searchRun is what questions about a day of traces cost.
type searchRun struct {
	Traces    int64    `json:"traces"`
	Segments  int64    `json:"segments"`
	Blocks    int      `json:"blocks"`
	DiskBytes int64    `json:"block_bytes"`
	Asks      int      `json:"asks"`
	Answers   []answer `json:"answers"`
	HeapBytes uint64   `json:"heap_bytes"` // after all of them

	day     tomo.TimeRange
	profile *os.File
}

// answer is what one question cost.
type answer struct {
	Question string  `json:"question"`
	Found    int64   `json:"found"` // by the last of its variants
	Target   float64 `json:"target_ms,omitempty"`
	First    float64 `json:"first_ms"` // of the first ask, with nothing read before
	Took     times   `json:"ms"`
	CPU      times   `json:"cpu_ms"` // of all processors
}

// question is asked in turn in its variants, so that no answer of the one
// before it helps.
type question struct {
	name     string
	target   float64 // milliseconds; 0: there is none
	variants []string
	ask      func(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error)
}

var services = []string{"payments", "cart", "catalog", "inventory", "shipping", "notify", "search", "shop-frontend"}

func each(format string, values ...string) (list []string) {
	for _, v := range values {
		list = append(list, fmt.Sprintf(format, v))
	}
	return list
}

var (
	faultsOf  = each(`service("%s") { fault }`, services...)
	rare      = []string{`annotation.campaign = "` + gen.RarestCampaign + `"`}
	durations = each(`duration > %s`, "0.5", "1", "1.5", "2", "0.7")
	compounds = each(`service("payments") { fault } AND http.status = 502 AND duration > %s AND annotation.premium = true AND edge("shop-frontend", "payments")`,
		"0.1", "0.2", "0.25", "0.3", "0.4")
)

var questions = []question{
	{"page service fault", 25, faultsOf, askPage},
	{"count service fault", 100, faultsOf, askCount},
	{"page rare annotation", 50, rare, askPage},
	{"count rare annotation", 0, rare, askCount},
	{"page duration", 25, durations, askPage},
	{"count duration", 0, durations, askCount},
	{"page five conditions", 150, compounds, askPage},
	{"count five conditions", 0, compounds, askCount},
	{"page partial", 0, []string{"partial", "partial AND fault"}, askPage},
	{"page all", 0, []string{""}, askPage},
	{"graph day", 0, []string{""}, askGraph},
	{"graph day of a group", 50, []string{oneGroup}, askGraph},
	{"series day by minute", 100, services, askSeries},
	{"analyse by http.status", 2000, []string{""}, askAnalysis("http.status")},
	{"analyse by service", 2000, []string{""}, askAnalysis("service")},
	{"analyse by user", 2000, []string{""}, askAnalysis("user")},
	{"analyse by url, series, dots", 2000, []string{""}, askAnalysis("http.url", "")},
	{"analyse faults of a service", 0, faultsOf, askAnalysis("annotation.premium", "")},
	{"faults by root cause", 0, []string{"fault"}, askAnalysis("rootcause.fault.exception")},
	{"all against faults", 0, []string{""}, askDifferences},
	{"complete, first", 100, []string{""}, askFirstCompletion},
	{"complete", 100, []string{`user = "u`, `annotation.`, `service("`, `http.url = "https://`}, askCompletion},
	{"complete a rare value", 100, []string{`annotation.campaign = "` + gen.RarestCampaign[:3]}, askCompletion},
}

// askAnalysis counts the traces by attributes; with "" among these it also asks
// for a time series and a scatter plot.
func askAnalysis(attributes ...string) func(context.Context, *embedded, tomo.TimeRange, string) (int64, error) {
	return func(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error) {
		f, err := filter.Parse(text)
		if err != nil {
			return 0, err
		}
		q := query.AnalysisQuestion{Window: tomo.Window{TimeRange: day}, Sets: []filter.Expr{f}}
		for _, name := range attributes {
			if name == "" {
				q.Buckets, q.Dots = 288, 2000
				continue
			}
			of, err := query.ParseAttribute(name)
			if err != nil {
				return 0, err
			}
			q.Attributes = append(q.Attributes, of)
		}
		a, err := e.engine.Analyse(ctx, q)
		if err != nil {
			return 0, err
		}
		return a.Sets[0].Total(), nil
	}
}

// askDifferences compares all traces with those that failed.
func askDifferences(ctx context.Context, e *embedded, day tomo.TimeRange, _ string) (int64, error) {
	fault, err := filter.Parse("fault")
	if err != nil {
		return 0, err
	}
	a, err := e.engine.Analyse(ctx, query.AnalysisQuestion{Window: tomo.Window{TimeRange: day}, Sets: []filter.Expr{nil, fault}, Differences: 20})
	if err != nil {
		return 0, err
	}
	return int64(a.Compared), nil
}

func askCompletion(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error) {
	c, err := e.engine.Complete(ctx, query.CompletionQuestion{Text: text, Cursor: len(text), Window: tomo.Window{TimeRange: day}})
	if err != nil {
		return 0, err
	}
	return int64(len(c.Suggestions)), nil
}

// askFirstCompletion asks about another window each time, of which nothing is
// known yet.
func askFirstCompletion(ctx context.Context, e *embedded, day tomo.TimeRange, _ string) (int64, error) {
	firstCompletions++
	day.End -= firstCompletions * tomo.Minute
	return askCompletion(ctx, e, day, `user = "`)
}

var firstCompletions tomo.Time

func askPage(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error) {
	f, err := filter.Parse(text)
	if err != nil {
		return 0, err
	}
	page, err := e.engine.Summaries(ctx, query.Question{Window: tomo.Window{TimeRange: day}, Filter: f})
	if err != nil {
		return 0, err
	}
	return int64(len(page.Traces)), nil
}

func askCount(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error) {
	f, err := filter.Parse(text)
	if err != nil {
		return 0, err
	}
	return e.engine.Count(ctx, tomo.Window{TimeRange: day}, f, nil)
}

func askGraph(ctx context.Context, e *embedded, day tomo.TimeRange, text string) (int64, error) {
	group := ""
	if text != "" {
		var err error
		if group, err = e.groupID(text); err != nil {
			return 0, err
		}
	}
	g, err := e.engine.ServiceGraph(ctx, day, group)
	if err != nil {
		return 0, err
	}
	return int64(len(g.Services)), nil
}

func askSeries(ctx context.Context, e *embedded, day tomo.TimeRange, name string) (int64, error) {
	s, err := e.engine.Series(ctx, query.SeriesQuestion{Range: day, Selector: filter.Service{Node: filter.ID{NodeID: tomo.NodeID{Name: name}, Given: filter.ByName}}})
	if err != nil {
		return 0, err
	}
	return int64(len(s.Points)), nil
}

// memoryLimit is what serve sets, so that memory is as scarce here.
const memoryLimit = 400 << 20

// measure asks everything of the traces in dir.
func (s *searchRun) measure(ctx context.Context, dir string, only string) error {
	debug.SetMemoryLimit(memoryLimit)
	e, err := openEmbedded(ctx, dir)
	if err != nil {
		return err
	}
	defer e.close()
	stats := e.store.Stats()
	s.Traces, s.Segments, s.Blocks, s.DiskBytes = stats.Rows-stats.DeadRows, stats.Documents, stats.Blocks, stats.BlockBytes
	for _, q := range questions {
		if !slices.ContainsFunc(strings.Split(only, ","), func(word string) bool { return strings.HasPrefix(q.name, word) }) {
			continue
		}
		progress("asking %s", q.name)
		a := answer{Question: q.name, Target: q.target}
		for i := range s.Asks + 1 {
			if i == 1 && s.profile != nil {
				if err := pprof.StartCPUProfile(s.profile); err != nil {
					return err
				}
			}
			start, before := time.Now(), cpuTime()
			if a.Found, err = q.ask(ctx, e, s.day, q.variants[i%len(q.variants)]); err != nil {
				return fmt.Errorf("asking %s: %w", q.name, err)
			}
			took := millis(time.Since(start))
			if i == 0 {
				a.First = took
			} else {
				a.Took = append(a.Took, took)
				a.CPU = append(a.CPU, millis(cpuTime()-before))
			}
		}
		if s.profile != nil {
			pprof.StopCPUProfile()
			s.profile = nil // of the first question
		}
		slices.Sort(a.Took)
		slices.Sort(a.CPU)
		s.Answers = append(s.Answers, a)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.HeapBytes = m.HeapAlloc
	return nil
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// print writes the figures.
func (s *searchRun) print() {
	w := table(fmt.Sprintf("%d traces, %d segments, %d blocks\tfound\tfirst\tleast\tmedian\tp99\tCPU\ttarget\t\t", s.Traces, s.Segments, s.Blocks))
	for _, a := range s.Answers {
		target, met := "", ""
		if a.Target > 0 {
			target, met = fmt.Sprintf("%.0f ms", a.Target), verdict(a.Took.quantile(0.5) <= a.Target)
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t%s\t%s\t\n", a.Question, a.Found, a.First, a.Took.quantile(0), a.Took.quantile(0.5), a.Took.quantile(0.99), a.CPU.quantile(0.5), target, met)
	}
	w.Flush()
	fmt.Printf("\nblocks: %s, %.0f B a segment; heap after all questions: %s\n", size(s.DiskBytes), float64(s.DiskBytes)/float64(s.Segments), size(int64(s.HeapBytes)))
}
