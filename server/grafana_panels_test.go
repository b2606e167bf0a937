package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
)

// grafana asks what the X-Ray data source of Grafana (2.17) asks, through the
// same SDK, and looks into the answers as it does: half of it in a Go plugin,
// half in the browser, which gets the SDK's values as JSON. Where the data
// source would follow a nil pointer, or take an element of an empty list, this
// one notes a crash and goes on.
//
// What the data source needs is named in the tests by these numbers:
//
//	G1  every summary has an Http
//	G2  a document is a whole segment, with id, name, times, trace id
//	G3  every service has a list of edges
//	G4  a service without statistics has an edge, and every edge has statistics
//	G5  edges lead to services of the answer
//	G6  a point has all of its figures, and points are in order
//	G7  root causes have services with name, type and path; exceptions a name
//	G8  users, URLs and statuses are counted
//	G9  a token stays good with another sampling rate
//	G10 an insight has a root cause, an anomalous service, a category, and a
//	    Summary of two sentences
//	G11 its filter expressions mean what it wants
//	G12 W3C trace ids are found in the form of X-Ray
//	G13 other services at the same address are a clean 404
type grafana struct {
	client   *xray.Client
	listRows int // in the table of traces
	analysed int // traces of an analysis, before it takes half of them

	mu      sync.Mutex // guards what follows
	sent    []sentCall
	crashes []string
}

// sentCall is a request of the data source.
type sentCall struct {
	Path string
	Body any
}

// newGrafana is a data source of the server at url.
func newGrafana(url string) *grafana {
	g := &grafana{listRows: 1000, analysed: 10_000}
	g.client = xray.New(xray.Options{
		BaseEndpoint: &url, Region: "eu-central-1", HTTPClient: g,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "anything"}, nil
		}),
	})
	return g
}

// Do notes and sends a request.
func (g *grafana) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sent := sentCall{Path: r.URL.Path}
	if err := json.Unmarshal(body, &sent.Body); err != nil {
		return nil, fmt.Errorf("the SDK sends %q: %w", body, err)
	}
	g.mu.Lock()
	g.sent = append(g.sent, sent)
	g.mu.Unlock()
	return http.DefaultClient.Do(r)
}

// crash notes that the data source would break off with a panic or an
// exception.
func (g *grafana) crash(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.crashes = append(g.crashes, fmt.Sprintf(format, args...))
}

// deref is *p where the data source writes that without a look.
func deref[T any](g *grafana, p *T, what string, of ...any) T {
	if p == nil {
		g.crash(what+" is null", of...)
		return *new(T)
	}
	return *p
}

// ok fails the test if the data source crashed.
func (g *grafana) ok(t *testing.T) {
	t.Helper()
	for i, crash := range g.crashes {
		if i == 10 {
			t.Errorf("and %d more", len(g.crashes)-i)
			break
		}
		t.Errorf("Grafana breaks: %s", crash)
	}
	g.crashes = nil
}

// span is the time that a panel shows.
type span struct{ from, to time.Time }

// groups fills the list of groups. The first one shown is Default, or the
// first of the list.
func (g *grafana) groups(ctx context.Context) (groups []types.GroupSummary, chosen string, err error) {
	pages := xray.NewGetGroupsPaginator(g.client, &xray.GetGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", err
		}
		groups = append(groups, page.Groups...)
	}
	for i := range groups {
		if name := deref(g, groups[i].GroupName, "the name of a group"); name == "Default" || chosen == "" {
			chosen = name
		}
	}
	return groups, chosen, nil
}

// inGroup is the query of a user who chose a group.
func inGroup(group types.GroupSummary, query string) string {
	f := aws.ToString(group.FilterExpression)
	if f == "" || query == "" {
		return f + query
	}
	return f + " AND " + query
}

// traceRow is a row of the table of traces.
type traceRow struct {
	ID, Method, URL, Client string
	Status                  int32
	Duration                float64
	Annotations             int
}

// traces fills the table of traces.
func (g *grafana) traces(ctx context.Context, s span, query string) (rows []traceRow, err error) {
	pages := xray.NewGetTraceSummariesPaginator(g.client, &xray.GetTraceSummariesInput{
		StartTime: &s.from, EndTime: &s.to, FilterExpression: optional(query),
	})
	for pages.HasMorePages() && len(rows) < g.listRows {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for i := range page.TraceSummaries {
			t := &page.TraceSummaries[i]
			id := deref(g, t.Id, "the Id of a summary")
			h := deref(g, t.Http, "the Http of trace %s", id)
			deref(g, t.StartTime, "the StartTime of trace %s", id)
			row := traceRow{
				ID: id, Method: aws.ToString(h.HttpMethod), URL: aws.ToString(h.HttpURL), Client: aws.ToString(h.ClientIp),
				Status: aws.ToInt32(h.HttpStatus), Duration: aws.ToFloat64(t.Duration),
			}
			for _, values := range t.Annotations {
				row.Annotations += len(values)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// grafanaDocument is what the browser reads of a segment.
type grafanaDocument struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Start      *float64 `json:"start_time"`
	End        *float64 `json:"end_time"`
	InProgress bool     `json:"in_progress"`
	TraceID    string   `json:"trace_id"`
	ParentID   string   `json:"parent_id"`
	Origin     string   `json:"origin"`
	Inferred   bool     `json:"inferred"`
	Cause      any      `json:"cause"`

	AWS, HTTP, Annotations, Metadata, SQL map[string]any
	Subsegments                           []grafanaDocument
}

// spans counts the spans of one trace by name and origin of their segments.
func (g *grafana) spans(ctx context.Context, id string) (map[string]int, error) {
	if len(id) == 32 { // the data source knows W3C ids
		id = "1-" + id[:8] + "-" + id[8:]
	}
	answer, err := g.client.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: []string{id}})
	if err != nil {
		return nil, err
	}
	if len(answer.Traces) == 0 {
		return nil, errors.New("trace not found")
	}
	t := &answer.Traces[0]
	deref(g, t.Id, "the Id of trace %s", id)
	if t.Segments == nil {
		g.crash("the Segments of trace %s are null", id)
	}
	spans := map[string]int{}
	for i := range t.Segments {
		text := deref(g, t.Segments[i].Document, "a document of trace %s", id)
		var d grafanaDocument
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			g.crash("a document of trace %s cannot be read: %v", id, err)
			continue
		}
		if d.ID != aws.ToString(t.Segments[i].Id) || d.TraceID != id {
			g.crash("segment %s of trace %s says that it is %s of %s", aws.ToString(t.Segments[i].Id), id, d.ID, d.TraceID)
		}
		if d.Inferred && d.ParentID == "" {
			g.crash("the inferred segment %s of trace %s has no parent", d.ID, id)
		}
		spans[d.Name+"/"+d.Origin] += g.count(&d, id)
	}
	return spans, nil
}

// count is the number of spans in a segment or subsegment.
func (g *grafana) count(d *grafanaDocument, trace string) int {
	if d.ID == "" || d.Name == "" {
		g.crash("a part of trace %s has the id %q and the name %q", trace, d.ID, d.Name)
	}
	deref(g, d.Start, "the start of %s in trace %s", d.ID, trace)
	if !d.InProgress {
		deref(g, d.End, "the end of %s in trace %s", d.ID, trace)
	}
	switch cause := d.Cause.(type) {
	case nil, string: // a string names an exception elsewhere; it has no exceptions itself
	case map[string]any:
		exceptions, listed := cause["exceptions"]
		list, isList := exceptions.([]any)
		if listed && !isList {
			g.crash("the exceptions of %s in trace %s are %v", d.ID, trace, exceptions)
		}
		for _, e := range list {
			if _, is := e.(map[string]any); !is {
				g.crash("an exception of %s in trace %s is %v", d.ID, trace, e)
			}
		}
	default:
		g.crash("the cause of %s in trace %s is %v", d.ID, trace, cause)
	}
	n := 1
	for i := range d.Subsegments {
		n += g.count(&d.Subsegments[i], trace)
	}
	return n
}

// node is a service as the map draws it.
type node struct {
	Name, Type string
	Requests   int64
	Calls      map[string]int64 // requests of the edges, by the name of the service called
}

// traceGraph draws the map of one trace.
func (g *grafana) traceGraph(ctx context.Context, id string) ([]node, error) {
	var services []types.Service
	pages := xray.NewGetTraceGraphPaginator(g.client, &xray.GetTraceGraphInput{TraceIds: []string{id}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		services = append(services, page.Services...)
	}
	return g.draw(services, false), nil
}

// serviceMap draws the map of a group. Services of other accounts, and those
// of which the account is not known, are left out if accounts are chosen.
func (g *grafana) serviceMap(ctx context.Context, s span, group string, accounts ...string) ([]node, error) {
	var services []types.Service
	pages := xray.NewGetServiceGraphPaginator(g.client, &xray.GetServiceGraphInput{StartTime: &s.from, EndTime: &s.to, GroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for i := range page.Services {
			account := page.Services[i].AccountId
			if len(accounts) == 0 || account != nil && slices.Contains(accounts, *account) {
				services = append(services, page.Services[i])
			}
		}
	}
	nodes := g.draw(services, true)
	if len(accounts) == 0 {
		for i := range nodes {
			if _, lost := nodes[i].Calls[""]; lost {
				g.crash("an edge of %s leads nowhere", nodes[i].Name) // G5
			}
		}
	}
	return nodes, nil
}

// draw is what the browser makes of services. Within a window figures are by
// the minute, so it has to know how long they were collected.
func (g *grafana) draw(services []types.Service, byTheMinute bool) []node {
	byID := map[int32]string{}
	for i := range services {
		name := deref(g, services[i].Name, "the name of a service")
		id := deref(g, services[i].ReferenceId, "the ReferenceId of %s", name)
		if _, twice := byID[id]; twice {
			g.crash("two services have the ReferenceId %d", id)
		}
		byID[id] = name
	}
	figures := func(name string, total *int64, histogram []types.HistogramEntry, start, end *time.Time) int64 {
		if byTheMinute {
			from, to := deref(g, start, "the StartTime of %s", name), deref(g, end, "the EndTime of %s", name)
			if !from.Before(to) {
				g.crash("%s has figures of no time: %v to %v", name, from, to)
			}
			return deref(g, total, "the TotalCount of %s", name)
		}
		if histogram == nil {
			g.crash("the ResponseTimeHistogram of %s is null", name)
		}
		var n int64
		for _, entry := range histogram {
			n += int64(entry.Count)
		}
		return n
	}
	var nodes []node
	for i := range services {
		s := &services[i]
		n := node{Name: aws.ToString(s.Name), Type: aws.ToString(s.Type), Calls: map[string]int64{}}
		if s.Edges == nil {
			g.crash("the Edges of %s are null", n.Name) // G3
		}
		for k := range s.Edges {
			e := &s.Edges[k]
			called := byID[deref(g, e.ReferenceId, "the ReferenceId of an edge of %s", n.Name)]
			statistics := deref(g, e.SummaryStatistics, "the statistics of the edge from %s to %s", n.Name, called)
			n.Calls[called] += figures(n.Name+" → "+called, statistics.TotalCount, e.ResponseTimeHistogram, e.StartTime, e.EndTime)
		}
		switch {
		case s.SummaryStatistics != nil:
			n.Requests = figures(n.Name, s.SummaryStatistics.TotalCount, s.ResponseTimeHistogram, s.StartTime, s.EndTime)
		case len(s.Edges) == 0:
			g.crash("%s has neither statistics nor edges", n.Name) // G4
		default: // a client is drawn with the figures of its first edge
			for _, n.Requests = range n.Calls {
				break
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// accounts fills the list of accounts. It names no group.
func (g *grafana) accounts(ctx context.Context, s span) (ids []string, err error) {
	pages := xray.NewGetServiceGraphPaginator(g.client, &xray.GetServiceGraphInput{StartTime: &s.from, EndTime: &s.to, GroupName: new("")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for i := range page.Services {
			if id := page.Services[i].AccountId; id != nil {
				ids = append(ids, *id)
			}
		}
	}
	return ids, nil
}

// columns are those of the statistics of traces, as members in members.
var columns = []string{"ErrorStatistics.ThrottleCount", "ErrorStatistics.TotalCount", "FaultStatistics.TotalCount", "OkCount", "TotalCount", "TotalResponseTime"}

// statistics draws the columns over time and adds each up.
func (g *grafana) statistics(ctx context.Context, s span, selector string, period int32) (map[string]float64, error) {
	sums := map[string]float64{}
	var before time.Time
	pages := xray.NewGetTimeSeriesServiceStatisticsPaginator(g.client, &xray.GetTimeSeriesServiceStatisticsInput{
		StartTime: &s.from, EndTime: &s.to, EntitySelectorExpression: optional(selector), Period: &period,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for i := range page.TimeSeriesServiceStatistics {
			p := &page.TimeSeriesServiceStatistics[i]
			end := deref(g, p.Timestamp, "the time of a point of %s", selector)
			if !before.IsZero() && !end.Before(before) {
				g.crash("the points of %s are not in order: %v, %v", selector, before, end)
			}
			before = end
			var figures reflect.Value
			switch {
			case p.EdgeSummaryStatistics != nil:
				figures = reflect.ValueOf(p.EdgeSummaryStatistics)
			case p.ServiceSummaryStatistics != nil:
				figures = reflect.ValueOf(p.ServiceSummaryStatistics)
			default:
				continue // left out of the plot
			}
			for _, column := range columns {
				value := figures
				for member := range strings.SplitSeq(column, ".") {
					if value.IsNil() {
						break
					}
					value = value.Elem().FieldByName(member)
				}
				if value.IsNil() {
					g.crash("the %s of %s is null", column, selector) // G6
					continue
				}
				switch n := value.Elem().Interface().(type) {
				case int64:
					sums[column] += float64(n)
				case float64:
					sums[column] += n
				}
			}
		}
	}
	return sums, nil
}

// analysis counts traces by what the analytics tables show.
type analysis struct {
	traces int
	tables map[string]map[string]int
}

// analyse fills the tables of analytics. Four quarters of the time are read at
// once. Without a query the number of requests tells how many traces to ask
// for; with one, as soon as there are too many, half are thrown away and from
// then on half of the rate is asked for, with the tokens of before.
func (g *grafana) analyse(ctx context.Context, s span, group, query string) (*analysis, error) {
	rate := 1.0
	if query == "" {
		requests := int64(0)
		pages := xray.NewGetTimeSeriesServiceStatisticsPaginator(g.client, &xray.GetTimeSeriesServiceStatisticsInput{
			StartTime: &s.from, EndTime: &s.to, GroupName: &group, Period: new(int32(60)),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, p := range page.TimeSeriesServiceStatistics {
				if p.ServiceSummaryStatistics != nil {
					requests += deref(g, p.ServiceSummaryStatistics.TotalCount, "a TotalCount")
				} else if p.EdgeSummaryStatistics != nil {
					requests += deref(g, p.EdgeSummaryStatistics.TotalCount, "a TotalCount")
				}
			}
		}
		if requests > 0 {
			rate = min(1, float64(g.analysed)/float64(requests))
		}
	}
	var questions [4]*xray.GetTraceSummariesInput
	for i := range questions {
		quarter := s.to.Sub(s.from) / 4
		questions[i] = &xray.GetTraceSummariesInput{
			StartTime: new(s.from.Add(quarter * time.Duration(i))), EndTime: new(s.from.Add(quarter * time.Duration(i+1))),
			FilterExpression: optional(query), TimeRangeType: types.TimeRangeTypeEvent, Sampling: new(true),
			SamplingStrategy: &types.SamplingStrategy{Name: types.SamplingStrategyNameFixedRate, Value: &rate},
		}
	}
	a := &analysis{tables: map[string]map[string]int{}}
	for more := true; more; {
		more = false
		var answers [4]*xray.GetTraceSummariesOutput
		var failures [4]error
		var asked sync.WaitGroup
		for i, question := range questions {
			if question != nil {
				asked.Go(func() { answers[i], failures[i] = g.client.GetTraceSummaries(ctx, question) })
			}
		}
		asked.Wait()
		if err := errors.Join(failures[:]...); err != nil {
			return nil, err
		}
		for i, answer := range answers {
			if answer == nil {
				continue
			}
			for k := range answer.TraceSummaries {
				g.analyseTrace(a, &answer.TraceSummaries[k])
			}
			if aws.ToString(answer.NextToken) == "" {
				questions[i] = nil
			} else {
				questions[i].NextToken, more = answer.NextToken, true
			}
		}
		if query != "" && a.traces > g.analysed {
			a.traces /= 2
			rate /= 2 // of all four: they share it
		}
	}
	return a, nil
}

// analyseTrace counts a trace in every table.
func (g *grafana) analyseTrace(a *analysis, t *types.TraceSummary) {
	a.traces++
	id := aws.ToString(t.Id)
	add := func(table, key string) {
		if a.tables[table] == nil {
			a.tables[table] = map[string]int{}
		}
		a.tables[table][key]++
	}
	// The plugin has the same code three times, for three types of the SDK.
	type entity struct {
		name       *string
		exceptions []types.RootCauseException
	}
	type service struct {
		name, kind *string
		path       []entity
	}
	path := func(table string, services []service) {
		if len(services) == 0 {
			g.crash("a root cause of trace %s in %s has no services", id, table) // G7
			return
		}
		last, key := "", ""
		for i, s := range services {
			last = fmt.Sprintf("%s (%s)", deref(g, s.name, "a root cause service of trace %s in %s", id, table),
				deref(g, s.kind, "the Type of a root cause service of trace %s in %s", id, table))
			if i > 0 {
				key += " => "
			}
			key += last
			if len(s.path) == 0 {
				g.crash("an EntityPath of trace %s in %s is empty", id, table)
				continue
			}
			for k, e := range s.path {
				if k > 0 && table == "response time" {
					key += " -> " + deref(g, e.name, "an entity of trace %s in %s", id, table)
				}
				for _, x := range e.exceptions {
					key += " -> " + deref(g, x.Name, "an exception of trace %s in %s", id, table)
				}
			}
		}
		add(table+" service", last)
		add(table+" path", key)
	}
	for _, cause := range t.ResponseTimeRootCauses {
		var services []service
		for _, s := range cause.Services {
			var entities []entity
			for _, e := range s.EntityPath {
				entities = append(entities, entity{e.Name, nil})
			}
			services = append(services, service{s.Name, s.Type, entities})
		}
		path("response time", services)
	}
	for _, cause := range t.ErrorRootCauses {
		var services []service
		for _, s := range cause.Services {
			var entities []entity
			for _, e := range s.EntityPath {
				entities = append(entities, entity{e.Name, e.Exceptions})
			}
			services = append(services, service{s.Name, s.Type, entities})
		}
		path("error", services)
	}
	for _, cause := range t.FaultRootCauses {
		var services []service
		for _, s := range cause.Services {
			var entities []entity
			for _, e := range s.EntityPath {
				entities = append(entities, entity{e.Name, e.Exceptions})
			}
			services = append(services, service{s.Name, s.Type, entities})
		}
		path("fault", services)
	}
	url, status := "-", "-"
	if t.Http != nil && t.Http.HttpURL != nil {
		url = *t.Http.HttpURL
	}
	if t.Http != nil && t.Http.HttpStatus != nil {
		status = fmt.Sprint(*t.Http.HttpStatus)
	}
	add("url", url)
	add("status", status)
	for _, user := range t.Users {
		if user.UserName != nil {
			add("user", *user.UserName)
		}
	}
}

// insights fills the table of insights, by their ids.
func (g *grafana) insights(ctx context.Context, s span, group string, states ...types.InsightState) (map[string]string, error) {
	answer, err := g.client.GetInsightSummaries(ctx, &xray.GetInsightSummariesInput{StartTime: &s.from, EndTime: &s.to, GroupName: &group, States: states})
	if err != nil {
		return nil, err
	}
	rows := map[string]string{}
	for i := range answer.InsightSummaries {
		insight := &answer.InsightSummaries[i]
		id := deref(g, insight.InsightId, "the InsightId of an insight")
		deref(g, insight.GroupName, "the GroupName of insight %s", id)
		deref(g, insight.StartTime, "the StartTime of insight %s", id)
		if insight.State == "" {
			g.crash("the State of insight %s is null", id)
		}
		cause := deref(g, insight.RootCauseServiceId, "the RootCauseServiceId of insight %s", id)
		if len(insight.TopAnomalousServices) == 0 {
			g.crash("the TopAnomalousServices of insight %s are empty", id)
		} else {
			deref(g, insight.TopAnomalousServices[0].ServiceId, "the ServiceId of the top anomalous service of insight %s", id)
		}
		if len(insight.Categories) == 0 {
			g.crash("the Categories of insight %s are empty", id)
		}
		description := aws.ToString(insight.Summary)
		if insight.EndTime != nil { // what is over is told by the second sentence
			sentences := strings.Split(description, ".")
			if len(sentences) < 2 {
				g.crash("the Summary of insight %s is one sentence: %q", id, description)
			} else {
				description = strings.TrimSpace(sentences[1]) + "."
			}
		}
		rows[id] = fmt.Sprintf("%s (%s) %s", aws.ToString(cause.Name), aws.ToString(cause.Type), description)
	}
	return rows, nil
}
