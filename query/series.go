package query

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"github.com/tomotrace/tomo/filter"
)

// SeriesQuestion asks for a page of a time series.
type SeriesQuestion struct {
	// Range holds the ends of the periods wanted. If it is shorter than one
	// period there are none. X-Ray was seen to do both.
	Range tomo.TimeRange
	Group string // the Group.ID of whose traces are asked for; "" for all
	// Period is 1 or 5 minutes, or another number of whole minutes. Periods end
	// at multiples of it since the epoch. 0: a minute.
	Period time.Duration
	// Selector says what the series is about: a filter.Service for the requests
	// of the services that it selects, a filter.Edge for the calls over the
	// edges, as their callers saw them. nil: all requests that clients made.
	Selector filter.Expr
	Forecast bool   // tell how many faults were to be expected
	Token    string // of the page before; "" for the first
}

// Series is an answer to a SeriesQuestion.
type Series struct {
	// Points has a point for each period in which anything at all was received,
	// newest first.
	Points []Point
	// Found says that what was selected occurs in the part of the range that was
	// read for this page. If not, the figures of the points mean nothing.
	Found bool
	Token string // of the next page; "" after the last
}

// Point is the figures of what was received in one period.
type Point struct {
	End           tomo.Time // what was received at that moment is in the next
	Statistics    tomo.Statistics
	ResponseTimes tomo.Histogram
	// Faults is where the number of faults was to be expected, from the day
	// before the period; nil if it was not asked or too little is known.
	Faults *derive.Band
}

// seriesPage is the number of points in a page: a day by the minute.
const seriesPage = 24 * 60

// learned is how far back faults are learned from.
const learned = 24 * 60 * tomo.Minute

// Series answers q. What is counted in which period is as in the service graph:
// by receipt. A bad token is a *tomo.Error with the code Invalid.
func (e *Engine) Series(ctx context.Context, q SeriesQuestion) (*Series, error) {
	before, err := parseSeriesToken(q.Token)
	if err != nil {
		return nil, err
	}
	s := newSeriesReader(&q, before)
	if s.first > s.last {
		return &Series{}, nil
	}
	received := tomo.TimeRange{Start: s.first - s.period, End: s.last}
	if q.Forecast {
		received.Start -= learned
	}
	if err := e.store.Series(ctx, received, q.Group, s.add); err != nil {
		return nil, fmt.Errorf("reading the time series: %w", err)
	}
	return s.page(), nil
}

// seriesReader puts points together from graphs by the minute.
type seriesReader struct {
	*SeriesQuestion
	period      tomo.Time
	first, last tomo.Time // ends of the periods wanted; first > last if there are none
	points      map[tomo.Time]*Point
	found       bool
	minutes     map[tomo.Time]*minute // with requests, if there is to be a forecast
}

// minute counts the requests that came in it.
type minute struct{ requests, faults int64 }

func newSeriesReader(q *SeriesQuestion, before tomo.Time) *seriesReader {
	s := &seriesReader{SeriesQuestion: q, period: tomo.Minute, points: map[tomo.Time]*Point{}, minutes: map[tomo.Time]*minute{}}
	if q.Period > 0 {
		s.period = max(tomo.Time(q.Period/time.Microsecond).StartOfMinute(), tomo.Minute)
	}
	s.found = q.Selector == nil // there is always a client, be it an idle one
	// Nothing was received before 1970, and no clock will show the year 10000.
	const latest = 253402300800e6
	r := tomo.TimeRange{Start: max(q.Range.Start, 0), End: min(q.Range.End, latest)}
	s.first, s.last = 1, 0
	if r.Start < latest && r.End-r.Start >= s.period {
		s.first = (r.Start + s.period - 1) / s.period * s.period
		s.last = (min(r.End, before) - 1) / s.period * s.period
	}
	return s
}

// add counts a part of the graph of a minute.
func (s *seriesReader) add(m tomo.Time, part *tomo.ServiceGraph) {
	end := (m/s.period + 1) * s.period
	var p *Point
	if s.first <= end && end <= s.last {
		if p = s.points[end]; p == nil {
			p = &Point{End: end}
			s.points[end] = p
		}
	}
	s.figures(part, func(statistics *tomo.Statistics, times *tomo.Histogram) {
		if p != nil {
			s.found = true
			p.Statistics.Merge(statistics)
			p.ResponseTimes.Merge(times)
		}
		if n := statistics.Total(); s.Forecast && n > 0 {
			if s.minutes[m] == nil {
				s.minutes[m] = &minute{}
			}
			s.minutes[m].requests += n
			s.minutes[m].faults += statistics.Fault
		}
	})
	if len(s.points) >= 2*seriesPage {
		s.drop()
	}
}

// figures gives each the figures of everything in g that is selected.
func (s *seriesReader) figures(g *tomo.ServiceGraph, each func(*tomo.Statistics, *tomo.Histogram)) {
	switch selected := s.Selector.(type) {
	case filter.Service:
		for i := range g.Services {
			// A client has no requests of its own, and often the name of its service.
			if n := &g.Services[i]; n.Type != tomo.ClientType && selected.Node.Selects(&n.NodeID) {
				each(&n.Statistics, &n.ResponseTimeHistogram)
			}
		}
	case filter.Edge:
		for i := range g.Edges {
			e := &g.Edges[i]
			if selected.From.Selects(&g.Services[e.From].NodeID) && selected.To.Selects(&g.Services[e.To].NodeID) {
				each(&e.Statistics, &e.ResponseTimeHistogram)
			}
		}
	default:
		for i := range g.Edges {
			if e := &g.Edges[i]; g.Services[e.From].Type == tomo.ClientType {
				each(&e.Statistics, &e.ResponseTimeHistogram)
			}
		}
	}
}

// drop forgets the points that will not be in the page, but for one that tells
// that there is another page. Minutes come in any order, and parts of those
// that were dropped may still come.
func (s *seriesReader) drop() {
	ends := s.ends()
	for _, end := range ends[seriesPage+1:] {
		delete(s.points, end)
	}
	s.first = ends[seriesPage]
}

// ends lists the ends of the points, newest first.
func (s *seriesReader) ends() []tomo.Time {
	ends := make([]tomo.Time, 0, len(s.points))
	for end := range s.points {
		ends = append(ends, end)
	}
	slices.SortFunc(ends, func(a, b tomo.Time) int { return int(b - a) })
	return ends
}

// page is the answer when everything was added.
func (s *seriesReader) page() *Series {
	ends := s.ends()
	answer := &Series{Found: s.found}
	if len(ends) > seriesPage {
		ends = ends[:seriesPage]
		answer.Token = seriesToken(ends[seriesPage-1])
	}
	past := s.past()
	for _, end := range ends {
		p := s.points[end]
		if s.Forecast && s.found {
			start := end - s.period
			if band, known := past.between(start-learned, start).Expect(p.Statistics.Total()); known {
				p.Faults = &band
			}
		}
		answer.Points = append(answer.Points, *p)
	}
	return answer
}

// past is what happened up to the end of each minute that had requests.
type past struct {
	minutes []tomo.Time // in order
	sums    []minute    // of the minutes up to and with the one of that index
}

func (s *seriesReader) past() *past {
	p := &past{}
	for m := range s.minutes {
		p.minutes = append(p.minutes, m)
	}
	slices.Sort(p.minutes)
	var sum minute
	for _, m := range p.minutes {
		sum.requests += s.minutes[m].requests
		sum.faults += s.minutes[m].faults
		p.sums = append(p.sums, sum)
	}
	return p
}

// between is the history of [start, end).
func (p *past) between(start, end tomo.Time) derive.History {
	from, _ := slices.BinarySearch(p.minutes, start)
	to, _ := slices.BinarySearch(p.minutes, end)
	if from == to {
		return derive.History{}
	}
	sum := p.sums[to-1]
	if from > 0 {
		sum.requests -= p.sums[from-1].requests
		sum.faults -= p.sums[from-1].faults
	}
	return derive.History{Minutes: to - from, Requests: sum.requests, Faults: sum.faults}
}

// seriesMark begins the tokens of series, so that those of summaries and texts
// that happen to decode are not taken for one.
const seriesMark = "s\x01"

// seriesToken names the place before the point that ends at end.
func seriesToken(end tomo.Time) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte(seriesMark), uint64(end)))
}

// parseSeriesToken is the moment before which the periods of the page end.
func parseSeriesToken(text string) (tomo.Time, error) {
	if text == "" {
		return tomo.Always.End, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(seriesMark)+8 || string(b[:len(seriesMark)]) != seriesMark {
		return 0, &tomo.Error{Code: tomo.Invalid, Message: "Invalid token " + text}
	}
	return tomo.Time(binary.BigEndian.Uint64(b[len(seriesMark):])), nil
}
