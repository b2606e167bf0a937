package block

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tomotrace/tomo"
)

// graphs are the service graphs of a block's rows, one for each minute in which
// something was received, so that a question about a long time need not read
// the rows.
type graphs map[tomo.Time]*tomo.ServiceGraph

func (g graphs) add(s *tomo.Summary) {
	for _, m := range s.ReceiptMinutes() {
		minute := g[m]
		if minute == nil {
			minute = &tomo.ServiceGraph{}
			g[m] = minute
		}
		minute.Add(s, tomo.TimeRange{Start: m, End: m + tomo.Minute})
	}
}

// The JSON of a minute's graph. Times are microseconds since the epoch and
// durations microseconds.
type (
	minuteJSON struct {
		Minute   tomo.Time     `json:"minute"`
		First    tomo.Time     `json:"first"`
		Last     tomo.Time     `json:"last"`
		Services []serviceJSON `json:"services"`
		Edges    []edgeJSON    `json:"edges"`
	}
	serviceJSON struct {
		Name          string         `json:"name"`
		Type          string         `json:"type,omitempty"`
		Account       string         `json:"account,omitempty"`
		State         string         `json:"state"`
		Root          bool           `json:"root,omitempty"`
		Region        string         `json:"region,omitempty"`
		First         tomo.Time      `json:"first"`
		Last          tomo.Time      `json:"last"`
		Statistics    statisticsJSON `json:"statistics"`
		Durations     tomo.Histogram `json:"durations"`
		ResponseTimes tomo.Histogram `json:"response_times"`
	}
	edgeJSON struct {
		From          int            `json:"from"`
		To            int            `json:"to"`
		Statistics    statisticsJSON `json:"statistics"`
		ResponseTimes tomo.Histogram `json:"response_times"`
		Aliases       []aliasJSON    `json:"aliases,omitempty"`
	}
	statisticsJSON struct {
		OK                int64 `json:"ok,omitempty"`
		Error             int64 `json:"error,omitempty"`
		Throttle          int64 `json:"throttle,omitempty"`
		Fault             int64 `json:"fault,omitempty"`
		TotalResponseTime int64 `json:"total_response_time_us"`
	}
	aliasJSON struct {
		Name string `json:"name"`
		Type string `json:"type,omitempty"`
	}
)

// encode writes one line of JSON for each minute, in order, compressed with
// zstd, in base64.
func (g graphs) encode(compress *zstd.Encoder) (string, error) {
	minutes := make([]tomo.Time, 0, len(g))
	for m := range g {
		minutes = append(minutes, m)
	}
	slices.Sort(minutes)
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, m := range minutes {
		g[m].Sort()
		if err := encoder.Encode(minuteOf(m, g[m])); err != nil {
			return "", fmt.Errorf("encoding the graph of a minute: %w", err)
		}
	}
	return base64.StdEncoding.EncodeToString(compress.EncodeAll(lines.Bytes(), nil)), nil
}

// decodeGraphs reads what encode writes.
func decodeGraphs(text string) (graphs, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("decoding the graphs: %w", err)
	}
	lines, err := decoder().DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("decoding the graphs: %w", err)
	}
	g := graphs{}
	for line := range bytes.Lines(lines) {
		var m minuteJSON
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("decoding the graph of a minute: %w", err)
		}
		if g[m.Minute], err = m.graph(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func minuteOf(at tomo.Time, g *tomo.ServiceGraph) *minuteJSON {
	m := &minuteJSON{Minute: at, First: g.First, Last: g.Last}
	for i := range g.Services {
		s := &g.Services[i]
		m.Services = append(m.Services, serviceJSON{
			Name: s.Name, Type: s.Type, Account: s.Account,
			State: states[s.State], Root: s.Root, Region: s.Region,
			First: s.First, Last: s.Last,
			Statistics: statisticsOf(&s.Statistics),
			Durations:  s.DurationHistogram, ResponseTimes: s.ResponseTimeHistogram,
		})
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		edge := edgeJSON{From: e.From, To: e.To, Statistics: statisticsOf(&e.Statistics), ResponseTimes: e.ResponseTimeHistogram}
		for _, a := range e.Aliases {
			edge.Aliases = append(edge.Aliases, aliasJSON(a))
		}
		m.Edges = append(m.Edges, edge)
	}
	return m
}

func (m *minuteJSON) graph() (*tomo.ServiceGraph, error) {
	g := &tomo.ServiceGraph{First: m.First, Last: m.Last}
	for i := range m.Services {
		s := &m.Services[i]
		state := slices.Index(states[:], s.State)
		if state < 0 {
			return nil, fmt.Errorf("the graph of a minute has the unknown state %q", s.State)
		}
		g.Services = append(g.Services, tomo.Service{
			Node: tomo.Node{
				NodeID: tomo.NodeID{Name: s.Name, Type: s.Type, Account: s.Account},
				State:  tomo.State(state), Root: s.Root, Region: s.Region,
			},
			First: s.First, Last: s.Last,
			Statistics:        s.Statistics.statistics(),
			DurationHistogram: s.Durations, ResponseTimeHistogram: s.ResponseTimes,
		})
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		if uint(e.From) >= uint(len(g.Services)) || uint(e.To) >= uint(len(g.Services)) {
			return nil, fmt.Errorf("the graph of a minute has an edge from %d to %d of %d services", e.From, e.To, len(g.Services))
		}
		edge := tomo.ServiceEdge{From: e.From, To: e.To, Statistics: e.Statistics.statistics(), ResponseTimeHistogram: e.ResponseTimes}
		for _, a := range e.Aliases {
			edge.Aliases = append(edge.Aliases, tomo.Alias(a))
		}
		g.Edges = append(g.Edges, edge)
	}
	return g, nil
}

func statisticsOf(s *tomo.Statistics) statisticsJSON {
	return statisticsJSON{s.OK, s.Error, s.Throttle, s.Fault, s.TotalResponseTime.Microseconds()}
}

func (s *statisticsJSON) statistics() tomo.Statistics {
	return tomo.Statistics{
		OK: s.OK, Error: s.Error, Throttle: s.Throttle, Fault: s.Fault,
		TotalResponseTime: time.Duration(s.TotalResponseTime) * time.Microsecond,
	}
}
