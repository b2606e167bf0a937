package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type graphCmd struct {
	windowFlags
	groupFlag
	endpointFlag
	JSON bool `name:"json" help:"Write the answer of GetServiceGraph."`
}

func (c *graphCmd) Run(ctx context.Context, std *streams) error {
	from, to, err := c.window(time.Now())
	if err != nil {
		return err
	}
	request := api.GetServiceGraphRequest{StartTime: &from, EndTime: &to}
	request.GroupName, request.GroupARN = c.ref()
	graph, err := c.client().GetServiceGraph(ctx, &request)
	if err != nil {
		return err
	}
	if c.JSON {
		writeDropped(std.err, graph.Dropped)
		return writeJSON(std.out, graph)
	}
	if err := writeGraph(std.out, graph.Services, to.Std().Sub(from.Std())); err != nil {
		return err
	}
	writeOldVersions(std.out, graph.ContainsOldGroupVersions)
	writeDropped(std.out, graph.Dropped)
	return nil
}

// groupFlag chooses the traces of one group.
type groupFlag struct {
	Group name `help:"Only the traces of this group: its name or ARN." placeholder:"GROUP"`
}

// ref names the group as a request does.
func (f *groupFlag) ref() (name, arn string) {
	ref := groupRef(string(f.Group))
	return ref.GroupName, ref.GroupARN
}

// groupRef tells whether it is a name or an ARN. No name has a colon.
func groupRef(nameOrARN string) *api.GroupRequest {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return &api.GroupRequest{GroupARN: nameOrARN}
	}
	return &api.GroupRequest{GroupName: nameOrARN}
}

// name is the value of a flag that chooses something by its name. That it is
// empty, as a variable of a shell may be, is not to choose everything.
type name string

// UnmarshalText refuses the empty text.
func (n *name) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("the name is empty")
	}
	*n = name(text)
	return nil
}

// writeOldVersions says that what was shown is not all of one filter.
func writeOldVersions(w io.Writer, old bool) {
	if old {
		fmt.Fprintln(w, "The group had another filter for a part of this time.")
	}
}

// writeDropped says how many traces of a time are not held any more.
func writeDropped(w io.Writer, n int64) {
	if n > 0 {
		fmt.Fprintf(w, "%s of this time %s counted and then dropped by keep rules.\n", plural(int(n), "trace"), wasOrWere(n))
	}
}

func wasOrWere(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// writeGraph writes every service with its traffic in a window so long, and
// below it what it calls, with the caller's figures.
func writeGraph(w io.Writer, services []api.Service, window time.Duration) error {
	if len(services) == 0 {
		fmt.Fprintln(w, "No traffic in this time.")
		return nil
	}
	byID := map[int]*api.Service{}
	for i := range services {
		byID[services[i].ReferenceID] = &services[i]
	}
	t := table{append([]string{"SERVICE", "TYPE"}, trafficHeads()...)}
	for i := range services {
		s := &services[i]
		t.add(append([]string{printable(s.Name), typeOf(s)}, traffic(s.SummaryStatistics, s.ResponseTimeHistogram, window)...)...)
		for _, e := range s.Edges {
			callee, known := byID[e.ReferenceID]
			if !known {
				return fmt.Errorf("an edge of %q leads to the unknown node %d", s.Name, e.ReferenceID)
			}
			t.add(append([]string{"  → " + printable(callee.Name), typeOf(callee)}, traffic(&e.SummaryStatistics, e.ResponseTimeHistogram, window)...)...)
		}
	}
	return t.write(w)
}

func typeOf(s *api.Service) string {
	if s.Type == nil {
		return "-"
	}
	return printable(*s.Type)
}

// trafficHeads are the heads of what traffic tells.
func trafficHeads() []string {
	return slices.Concat([]string{right("REQUESTS"), right("A MINUTE")}, counted("FAULTS"), counted("ERRORS"), counted("THROTTLES"), []string{right("P50"), right("P90")})
}

// traffic is the cells of one line; a client node has none.
func traffic(s *api.Statistics, bins []api.HistogramEntry, window time.Duration) []string {
	if s == nil {
		return nil
	}
	return slices.Concat(
		[]string{fmt.Sprint(s.TotalCount), threeDigits(float64(s.TotalCount) / max(window.Minutes(), 1.0/60))},
		count(s.FaultStatistics.TotalCount, s.TotalCount),
		count(s.ErrorStatistics.OtherCount, s.TotalCount),
		count(s.ErrorStatistics.ThrottleCount, s.TotalCount),
		[]string{percentile(bins, 0.5), percentile(bins, 0.9)},
	)
}

// percentile is the smallest response time that the given share of the
// requests did not exceed.
func percentile(bins []api.HistogramEntry, p float64) string {
	sorted := slices.Clone(bins) // the service does not promise an order
	slices.SortFunc(sorted, func(a, b api.HistogramEntry) int { return cmp.Compare(a.Value, b.Value) })
	total := int64(0)
	for _, b := range sorted {
		total += b.Count
	}
	seen := int64(0)
	for _, b := range sorted {
		if seen += b.Count; float64(seen) >= p*float64(total) {
			return shortDuration(float64(b.Value))
		}
	}
	return "-"
}
