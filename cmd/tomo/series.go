package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type seriesCmd struct {
	windowFlags
	groupFlag
	endpointFlag
	Service name          `help:"Only the requests of the services of this name." placeholder:"NAME" xor:"what"`
	Edge    []string      `help:"Only the calls from one service to another." placeholder:"CALLER,CALLEE" xor:"what"`
	Period  time.Duration `help:"How long a line stands for: 1m or 5m." default:"1m"`
	JSON    bool          `name:"json" help:"Write the answer of GetTimeSeriesServiceStatistics, a page a line."`
}

func (c *seriesCmd) Run(ctx context.Context, std *streams) error {
	selector, err := c.selector()
	if err != nil {
		return err
	}
	if c.Period != time.Minute && c.Period != 5*time.Minute {
		return fmt.Errorf("--period has to be 1m or 5m, not %v", c.Period)
	}
	from, to, err := c.window(time.Now())
	if err != nil {
		return err
	}
	from, to = wholePeriods(from, to, c.Period)
	request := api.GetTimeSeriesServiceStatisticsRequest{
		StartTime: &from, EndTime: &to, Period: new(int(c.Period / time.Second)),
		EntitySelectorExpression: selector, ForecastStatistics: selector != nil,
	}
	request.GroupName, request.GroupARN = c.ref()
	var points []api.TimeSeriesServiceStatistics
	var last *api.GetTimeSeriesServiceStatisticsResponse
	for {
		page, err := c.client().GetTimeSeriesServiceStatistics(ctx, &request)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := writeJSON(std.out, page); err != nil {
				return err
			}
		}
		points, last = append(points, page.TimeSeriesServiceStatistics...), page
		if request.NextToken = value(page.NextToken); request.NextToken == "" {
			break
		}
	}
	if c.JSON {
		writeDropped(std.err, last.Dropped)
		return nil
	}
	if err := writeSeries(std.out, points, c.Period); err != nil {
		return err
	}
	writeOldVersions(std.out, last.ContainsOldGroupVersions)
	writeDropped(std.out, last.Dropped)
	return nil
}

// selector is the expression for what the flags name; nil for all requests.
func (c *seriesCmd) selector() (*string, error) {
	id := func(name string) string {
		return `id(name: "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `")`
	}
	switch {
	case c.Service != "":
		return new("service(" + id(string(c.Service)) + ")"), nil
	case len(c.Edge) == 2:
		return new("edge(" + id(c.Edge[0]) + ", " + id(c.Edge[1]) + ")"), nil
	case len(c.Edge) > 0:
		return nil, fmt.Errorf("--edge names two services, the caller and the callee: --edge shop,bank")
	}
	return nil, nil
}

// wholePeriods is the range to ask for so that every period comes that a range
// touches, also the one of this moment. The service tells of the periods that
// end from the start on and before the end.
func wholePeriods(from, to api.Time, period time.Duration) (start, end api.Time) {
	first := from.Std().Truncate(period)
	last := to.Std().Truncate(period)
	if last.Before(to.Std()) {
		last = last.Add(period)
	}
	return api.TimeOf(first.Add(time.Second)), api.TimeOf(last.Add(time.Second))
}

// writeSeries writes a line for each period, with the moment at which it began.
func writeSeries(w io.Writer, points []api.TimeSeriesServiceStatistics, period time.Duration) error {
	heads := append([]string{"FROM"}, trafficHeads()...)
	foretold := false
	t := table{heads}
	for i := range points {
		p := &points[i]
		statistics := p.EdgeSummaryStatistics
		if p.ServiceSummaryStatistics != nil {
			statistics = p.ServiceSummaryStatistics
		}
		if statistics == nil {
			continue
		}
		cells := append([]string{p.Timestamp.Std().Add(-period).Format("2006-01-02 15:04Z")}, traffic(statistics, p.ResponseTimeHistogram, period)...)
		if f := p.ServiceForecastStatistics; f.FaultCountLow != nil && f.FaultCountHigh != nil {
			foretold = true
			cells = append(cells, expected(*f.FaultCountLow, *f.FaultCountHigh, statistics.FaultStatistics.TotalCount))
		}
		t.add(cells...)
	}
	if len(t) == 1 {
		fmt.Fprintln(w, "No traffic in this time.")
		return nil
	}
	if foretold {
		t[0] = append(heads, "EXPECTED FAULTS")
	}
	return t.write(w)
}

// expected tells in what range faults were expected, and if there are more.
func expected(low, high, faults int64) string {
	if faults > high {
		return fmt.Sprintf("%d to %d: too many", low, high)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
