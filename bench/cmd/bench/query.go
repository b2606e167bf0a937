package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/tomotrace/tomo/bench/gen"
	"github.com/tomotrace/tomo/bench/load"
	"github.com/tomotrace/tomo/bench/server"
)

// queries measures questions to a server.
func queries(ctx context.Context, args []string) error {
	var o options
	f := o.flags("query", 1_000_000)
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	var r report
	var err error
	if r.Query, err = measureQueries(ctx, &o); err != nil {
		return err
	}
	r.print()
	return r.save(o.json)
}

// queryRun is what questions cost, and a server that is started, rests, is
// stopped or killed.
type queryRun struct {
	Segments     int        `json:"segments"`
	Traces       int        `json:"traces"`
	BinaryBytes  int64      `json:"binary_bytes"`
	DiskBytes    int64      `json:"disk_bytes"`
	IdleBytes    int64      `json:"idle_memory_bytes"`        // fresh, without data
	LoadedBytes  int64      `json:"idle_memory_loaded_bytes"` // started again with the data
	PeakBytes    int64      `json:"peak_memory_bytes"`        // of loading and asking
	ReadyFresh   times      `json:"ready_ms"`                 // without data
	ReadyLoaded  times      `json:"ready_loaded_ms"`          // with the data, after a proper stop
	ReadyKilled  times      `json:"ready_killed_ms"`          // with the data and open traces, after SIGKILL
	LostByKill   int        `json:"lost_by_kill"`             // acknowledged traces that were not whole afterwards
	CheckedKill  int        `json:"checked_after_kill"`
	Trace        times      `json:"batch_get_traces_ms"`
	Summaries    times      `json:"get_trace_summaries_ms"`
	PageTraces   int        `json:"summaries_page"`
	Filters      []filtered `json:"filters"`
	GraphCold    times      `json:"get_service_graph_cold_ms"`
	GraphWarm    times      `json:"get_service_graph_warm_ms"`
	GraphTraces  int64      `json:"service_graph_traces"` // that the graph counted
	GraphService int        `json:"service_graph_services"`
}

// filtered is what the first page of a filter costs.
type filtered struct {
	Filter string `json:"filter"`
	Traces int    `json:"traces"` // on the page
	Took   times  `json:"ms"`
}

// filters are the expressions that are measured.
var filters = []string{
	`service("payments") { fault }`,
	`annotation.campaign = "` + gen.RareCampaign + `"`,
	`duration > 2`,
	`service("payments") { fault } AND http.status = 502 AND duration > 0.3 AND annotation.premium = true AND edge("shop-frontend", "payments")`,
}

// times are measured milliseconds in order of length.
type times []float64

func (t times) quantile(q float64) float64 {
	if len(t) == 0 {
		return 0
	}
	return t[min(int(q*float64(len(t))), len(t)-1)]
}

// How often things are asked, how much is loaded at once and sent before the
// server is killed.
const (
	freshStarts  = 3
	restarts     = 3
	traceReads   = 2000
	summaryReads = 20
	graphReads   = 10 // after each restart, beside the first
	chunk        = 100_000
	killSegments = 20_000
	killReads    = 500
)

// measureQueries loads a server and asks it.
func measureQueries(ctx context.Context, o *options) (*queryRun, error) {
	p, err := o.tomoProgram()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(p.Path)
	if err != nil {
		return nil, err
	}
	q := &queryRun{Segments: o.segments, BinaryBytes: info.Size()}
	for range freshStarts {
		if err := q.fresh(ctx, o, &p); err != nil {
			return nil, err
		}
	}
	slices.Sort(q.ReadyFresh)

	dir, err := os.MkdirTemp(o.dir, "bench-query-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := p.Start(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if s != nil { // the one that runs then, if a start did not fail
			s.Kill()
		}
	}()
	data, err := q.load(ctx, o, s)
	if err != nil {
		return nil, err
	}
	if q.DiskBytes, err = s.Disk(); err != nil {
		return nil, err
	}
	if err := q.ask(ctx, s, data); err != nil {
		return nil, err
	}
	if _, q.PeakBytes, err = s.Memory(); err != nil {
		return nil, err
	}

	for range restarts {
		progress("restarting")
		if err := s.Stop(); err != nil {
			return nil, err
		}
		if s, err = p.Start(ctx, dir); err != nil {
			return nil, err
		}
		q.ReadyLoaded = append(q.ReadyLoaded, millis(s.Ready))
		if q.LoadedBytes, _, err = s.Memory(); err != nil {
			return nil, err
		}
		if err := q.graphs(ctx, s, data); err != nil {
			return nil, err
		}
	}
	for _, t := range []times{q.ReadyLoaded, q.GraphCold, q.GraphWarm} {
		slices.Sort(t)
	}

	progress("killing it under load")
	extra := load.Build(o.later().generator(killSegments), killSegments, o.batch)
	if _, err := load.HTTP(ctx, s.Address, extra, load.Options{Workers: o.workers}); err != nil {
		return nil, err
	}
	s.Kill()
	if s, err = p.Start(ctx, dir); err != nil {
		return nil, err
	}
	q.ReadyKilled = times{millis(s.Ready)}
	if err := q.survivors(ctx, s, extra); err != nil {
		return nil, err
	}
	return q, s.Stop()
}

// fresh starts a server on an empty directory and looks at it once it rests.
func (q *queryRun) fresh(ctx context.Context, o *options, p *server.Program) error {
	dir, err := os.MkdirTemp(o.dir, "bench-fresh-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := p.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Kill()
	q.ReadyFresh = append(q.ReadyFresh, millis(s.Ready))
	if _, err := s.Settle(ctx, o.settle); err != nil {
		return err
	}
	if q.IdleBytes, _, err = s.Memory(); err != nil {
		return err
	}
	return s.Stop()
}

// later is o with another seed, for traces that are not loaded yet.
func (o options) later() *options {
	o.seed++
	return &o
}

// loaded is what a server was sent.
type loaded struct {
	traces   []string       // ids
	segments map[string]int // of a trace
	start    time.Time      // before the first trace began
	sent     time.Time      // before the first segment was sent
	end      time.Time      // after the last was
}

// load sends the segments in chunks, so that not all of them are in memory at
// once, and waits until they are settled and their last minute is over.
func (q *queryRun) load(ctx context.Context, o *options, s *server.Process) (*loaded, error) {
	g := o.generator(o.segments)
	d := &loaded{segments: make(map[string]int, o.segments/4), start: time.Now().Add(-span), sent: time.Now()}
	for sent := 0; sent < o.segments; sent += chunk {
		progress("loading %d of %d segments", sent, o.segments)
		l := load.Build(g, min(chunk, o.segments-sent), o.batch)
		if _, err := load.HTTP(ctx, s.Address, l, load.Options{Workers: o.workers}); err != nil {
			return nil, err
		}
		for id, n := range l.Traces {
			d.traces = append(d.traces, id)
			d.segments[id] = n
		}
	}
	d.end = time.Now()
	slices.Sort(d.traces) // a map has no order, a seed should give one
	q.Traces = len(d.traces)
	progress("settling")
	if _, err := s.Settle(ctx, o.settle); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Until(d.lastMinute())):
	}
	return d, nil
}

// lastMinute is the end of the minute in which the last segment was sent.
func (d *loaded) lastMinute() time.Time { return d.end.Truncate(time.Minute).Add(time.Minute) }

// ask puts the questions that are measured on the server that was loaded.
func (q *queryRun) ask(ctx context.Context, s *server.Process, d *loaded) error {
	progress("asking")
	random := rand.New(rand.NewPCG(1, 2))
	for range traceReads {
		id := d.traces[random.IntN(len(d.traces))]
		took, found, err := readTrace(ctx, s, id)
		if err != nil {
			return err
		}
		if found < d.segments[id] {
			return fmt.Errorf("trace %s has %d segments, %d were sent", id, found, d.segments[id])
		}
		q.Trace = append(q.Trace, took)
	}
	slices.Sort(q.Trace)

	for range summaryReads {
		var page struct{ TraceSummaries []struct{} }
		took, err := post(ctx, s, "/TraceSummaries", window(d.start.Add(-time.Minute), d.end.Add(time.Minute)), &page)
		if err != nil {
			return err
		}
		if q.PageTraces = len(page.TraceSummaries); q.PageTraces == 0 {
			return errors.New("GetTraceSummaries found no trace")
		}
		q.Summaries = append(q.Summaries, took)
	}
	slices.Sort(q.Summaries)
	for _, text := range filters {
		one := filtered{Filter: text}
		question := window(d.start.Add(-time.Minute), d.end.Add(time.Minute))
		question["FilterExpression"] = text
		for range summaryReads {
			var page struct{ TraceSummaries []struct{} }
			took, err := post(ctx, s, "/TraceSummaries", question, &page)
			if err != nil {
				return err
			}
			one.Traces = len(page.TraceSummaries)
			one.Took = append(one.Took, took)
		}
		slices.Sort(one.Took)
		q.Filters = append(q.Filters, one)
	}
	return nil
}

// graphs asks a server that has just started for the graph of all closed
// minutes: first cold, then warm.
func (q *queryRun) graphs(ctx context.Context, s *server.Process, d *loaded) error {
	for i := range graphReads + 1 {
		var graph struct {
			Services []struct {
				Name              string
				Type              *string
				SummaryStatistics *struct{ TotalCount int64 }
			}
		}
		took, err := post(ctx, s, "/ServiceGraph", window(d.sent.Truncate(time.Minute), d.lastMinute()), &graph)
		if err != nil {
			return err
		}
		if i == 0 {
			q.GraphCold = append(q.GraphCold, took)
			q.GraphService, q.GraphTraces = len(graph.Services), 0
			for _, service := range graph.Services {
				if service.Name == "shop-frontend" && (service.Type == nil || *service.Type != "client") && service.SummaryStatistics != nil {
					q.GraphTraces += service.SummaryStatistics.TotalCount
				}
			}
			continue
		}
		q.GraphWarm = append(q.GraphWarm, took)
	}
	return nil
}

// survivors checks that what was acknowledged before the server was killed is
// still there.
func (q *queryRun) survivors(ctx context.Context, s *server.Process, sent *load.Load) error {
	for id, n := range sent.Traces {
		if q.CheckedKill == killReads {
			break
		}
		_, found, err := readTrace(ctx, s, id)
		if err != nil {
			return err
		}
		q.CheckedKill++
		if found < n {
			q.LostByKill++
		}
	}
	return nil
}

// readTrace asks for one trace and says how many segments it has.
func readTrace(ctx context.Context, s *server.Process, id string) (took float64, segments int, err error) {
	var answer struct {
		Traces []struct {
			Id       string
			Segments []struct{}
		}
	}
	took, err = post(ctx, s, "/Traces", map[string]any{"TraceIds": []string{id}}, &answer)
	if err != nil || len(answer.Traces) == 0 {
		return took, 0, err
	}
	if answer.Traces[0].Id != id {
		return took, 0, fmt.Errorf("asked for trace %s, got %s", id, answer.Traces[0].Id)
	}
	return took, len(answer.Traces[0].Segments), nil
}

// window is a request's time range.
func window(start, end time.Time) map[string]any {
	return map[string]any{"StartTime": float64(start.UnixMilli()) / 1e3, "EndTime": float64(end.UnixMilli()) / 1e3}
}

// post asks a question and says how many milliseconds passed until the whole
// answer was there.
func post(ctx context.Context, s *server.Process, path string, question, answer any) (took float64, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.Address+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	start := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	took = millis(time.Since(start))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("POST %s: %s %s", path, resp.Status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return 0, fmt.Errorf("POST %s: %w", path, err)
	}
	return took, nil
}

// print writes the figures.
func (q *queryRun) print() {
	w := table(fmt.Sprintf("%d segments, %d traces\tmedian\tp99\tasked\t", q.Segments, q.Traces))
	row := func(name string, t times) {
		fmt.Fprintf(w, "%s\t%.1f ms\t%.1f ms\t%d\t\n", name, t.quantile(0.5), t.quantile(0.99), len(t))
	}
	row("BatchGetTraces, one random id", q.Trace)
	row(fmt.Sprintf("GetTraceSummaries, first page (%d)", q.PageTraces), q.Summaries)
	for _, f := range q.Filters {
		row(fmt.Sprintf("first page (%d) of %.60s", f.Traces, f.Filter), f.Took)
	}
	row("GetServiceGraph, first after a restart", q.GraphCold)
	row("GetServiceGraph, again", q.GraphWarm)
	row("ready, without data", q.ReadyFresh)
	row("ready, with the data", q.ReadyLoaded)
	row("ready, after SIGKILL with open traces", q.ReadyKilled)
	w.Flush()
	fmt.Printf("\nGetServiceGraph counted %d of %d traces in %d services\n", q.GraphTraces, q.Traces, q.GraphService)
	fmt.Printf("acknowledged traces not whole after SIGKILL: %d of %d\n", q.LostByKill, q.CheckedKill)
	fmt.Printf("memory: %s idle and fresh, %s started with the data, %s peak\n", size(q.IdleBytes), size(q.LoadedBytes), size(q.PeakBytes))
	fmt.Printf("disk: %s, %.0f B a segment; binary: %s\n", size(q.DiskBytes), float64(q.DiskBytes)/float64(q.Segments), size(q.BinaryBytes))
}
