package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type insightsCmd struct {
	List   insightsListCmd   `cmd:"" default:"withargs" help:"List insights, newest first."`
	Show   insightsShowCmd   `cmd:"" help:"Show one insight."`
	Events insightsEventsCmd `cmd:"" help:"Show how an insight went, newest first."`
}

type insightsListCmd struct {
	Group       name `help:"Only those of the group with this name or ARN." placeholder:"GROUP"`
	Active      bool `help:"Only those that are active." xor:"state"`
	Closed      bool `help:"Only those that are closed." xor:"state"`
	windowFlags `set:"since=1d"`
	endpointFlag
	JSON bool `name:"json" help:"Write the answers of GetInsightSummaries, a page a line."`
}

func (c *insightsListCmd) Run(ctx context.Context, std *streams) error {
	now := time.Now()
	from, to, err := c.window(now)
	if err != nil {
		return err
	}
	var states []string
	switch {
	case c.Active:
		states = []string{api.InsightActive}
	case c.Closed:
		states = []string{api.InsightClosed}
	}
	groups, err := c.groups(ctx)
	if err != nil {
		return err
	}
	var list []api.InsightSummary
	for _, group := range groups {
		request := api.GetInsightSummariesRequest{StartTime: &from, EndTime: &to, GroupARN: group.GroupARN, GroupName: group.GroupName, States: states}
		for {
			page, err := c.client().GetInsightSummaries(ctx, &request)
			if err != nil {
				return err
			}
			if c.JSON {
				if err := writeJSON(std.out, page); err != nil {
					return err
				}
			}
			list = append(list, page.InsightSummaries...)
			if request.NextToken = value(page.NextToken); request.NextToken == "" {
				break
			}
		}
	}
	if c.JSON {
		return nil
	}
	return writeInsights(std.out, list, now)
}

// groups are those to ask for, each by its name or its ARN.
func (c *insightsListCmd) groups(ctx context.Context) ([]*api.GroupRequest, error) {
	if c.Group != "" {
		return []*api.GroupRequest{groupRef(string(c.Group))}, nil
	}
	answer, err := c.client().GetGroups(ctx)
	if err != nil {
		return nil, err
	}
	var list []*api.GroupRequest
	for i := range answer.Groups {
		list = append(list, &api.GroupRequest{GroupARN: answer.Groups[i].GroupARN})
	}
	return list, nil
}

func writeInsights(w io.Writer, list []api.InsightSummary, now time.Time) error {
	if len(list) == 0 {
		fmt.Fprintln(w, "No insights in this time.")
		return nil
	}
	t := table{{"START", "STATE", "LASTED", "GROUP", "ROOT CAUSE", "CLIENT FAULTS", "ID"}}
	for i := range list {
		in := &list[i].Insight
		t.add(in.StartTime.Std().Format("2006-01-02 15:04Z"), strings.ToLower(in.State), lasted(in, now), printable(in.GroupName),
			printable(nameOfService(&in.RootCauseServiceID)), faultsOf(&in.ClientRequestImpactStatistics), printable(in.InsightID))
	}
	return t.write(w)
}

func lasted(in *api.Insight, now time.Time) string {
	end := now
	if in.EndTime != nil {
		end = in.EndTime.Std()
	}
	d := end.Sub(in.StartTime.Std()).Truncate(time.Minute)
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func nameOfService(id *api.AnomalousServiceID) string {
	if id.Type == "" {
		return id.Name
	}
	return id.Name + " (" + id.Type + ")"
}

func faultsOf(i *api.RequestImpactStatistics) string {
	return fmt.Sprintf("%d of %d", i.FaultCount, i.TotalCount)
}

// insightArg names an insight.
type insightArg struct {
	ID string `arg:"" help:"Id of the insight."`
}

type insightsShowCmd struct {
	insightArg
	endpointFlag
	JSON bool `name:"json" help:"Write the answer of GetInsight."`
}

func (c *insightsShowCmd) Run(ctx context.Context, std *streams) error {
	answer, err := c.client().GetInsight(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, answer)
	}
	in := &answer.Insight
	fmt.Fprintf(std.out, "%s\n\n", printable(in.Summary))
	end := "-"
	if in.EndTime != nil {
		end = clock(*in.EndTime)
	}
	t := table{
		{"insight", printable(in.InsightID)},
		{"state", strings.ToLower(in.State)},
		{"group", printable(in.GroupName)},
		{"start", clock(in.StartTime)},
		{"end", end},
		{"lasted", lasted(in, time.Now())},
		{"root cause", printable(nameOfService(&in.RootCauseServiceID))},
		{"faults there", faultsOf(&in.RootCauseServiceRequestImpactStatistics)},
		{"client faults", faultsOf(&in.ClientRequestImpactStatistics)},
	}
	label := "affected"
	for i := range in.TopAnomalousServices {
		t.add(label, printable(nameOfService(&in.TopAnomalousServices[i].ServiceID)))
		label = ""
	}
	return t.write(std.out)
}

type insightsEventsCmd struct {
	insightArg
	endpointFlag
	JSON bool `name:"json" help:"Write the answers of GetInsightEvents, a page a line."`
}

func (c *insightsEventsCmd) Run(ctx context.Context, std *streams) error {
	request := api.GetInsightEventsRequest{InsightID: &c.ID}
	for {
		page, err := c.client().GetInsightEvents(ctx, &request)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := writeJSON(std.out, page); err != nil {
				return err
			}
		} else {
			for i := range page.InsightEvents {
				e := &page.InsightEvents[i]
				fmt.Fprintf(std.out, "%s  %s\n", e.EventTime.Std().Format("2006-01-02 15:04Z"), printable(e.Summary))
			}
		}
		if request.NextToken = value(page.NextToken); request.NextToken == "" {
			return nil
		}
	}
}
