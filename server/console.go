package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/query"
)

// Limits of what the console asks.
const (
	maxQuestion    = 64 << 10         // bytes of a request
	maxAnalyses    = 2                // that run at the same time; others wait
	maxWaiting     = 14               // that wait
	analysisTime   = 50 * time.Second // of an analysis, waiting included
	longAnalysis   = 10 * time.Minute // of one whose progress is watched
	progressEvery  = 200 * time.Millisecond
	completionTime = 5 * time.Second
)

// consolePages are the questions about traces. They read and change nothing.
func (s *Server) consolePages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		api.AskAnalysis.Path: s.console(console{http.MethodPost: {
			name: api.AskAnalysis.Name, action: identity.GetConsole, most: maxQuestion, run: s.analysis}}),
		api.AskCompletion.Path: s.console(console{http.MethodPost: {
			name: api.AskCompletion.Name, action: identity.GetConsole, most: maxQuestion, run: s.completion}}),
	}
}

// analysis answers a whole analysis, or with lines of progress before it.
func (s *Server) analysis(ask *Services, w http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	var request api.AnalysisRequest
	if err := api.AskAnalysis.Decode(body, &request); err != nil {
		return nil, err
	}
	question, err := ask.analysisQuestion(&request)
	if err != nil {
		return nil, err
	}
	patience := analysisTime
	watched := strings.Contains(r.Header.Get("Accept"), api.ProgressType)
	if watched {
		patience = longAnalysis
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), patience, errTooLong)
	defer cancel()
	if !watched {
		return s.analyse(ctx, ask.engine, question)
	}
	question.Progress = new(query.Progress)
	lines := &progressLines{w: w, control: http.NewResponseController(w), progress: question.Progress}
	stop := lines.start()
	defer stop()
	answer, err := s.analyse(ctx, ask.engine, question)
	begun := stop()
	if err != nil && !begun {
		return nil, err // the status can still say it
	}
	line := api.AnalysisLine{Answer: answer}
	if err != nil {
		failure := exception(err)
		line = api.AnalysisLine{Error: &api.AnalysisError{Message: failure.Message, Type: failure.Name}}
	}
	lines.write(&line)
	return nil, nil
}

// errTooLong is the cause of an analysis that ended for its length.
var errTooLong = &api.Error{Name: api.AnalysisTimeoutException, Status: http.StatusGatewayTimeout,
	Message: fmt.Sprintf("the analysis took longer than %v, or %v with progress; ask about a shorter time, or for fewer Documents", analysisTime, longAnalysis)}

// analyse runs an analysis when it is its turn.
func (s *Server) analyse(ctx context.Context, engine *query.Engine, q query.AnalysisQuestion) (*api.Analysis, error) {
	if err := s.analyses.enter(ctx); err != nil {
		return nil, err
	}
	defer s.analyses.leave()
	a, err := engine.Analyse(ctx, q)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(err, context.DeadlineExceeded) && cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return analysisShape(a, q.Window.By), nil
}

// turns lets a few in at the same time and a few more wait.
type turns struct {
	in  chan struct{} // as many as are running
	all chan struct{} // and those that wait
}

func newTurns() turns {
	return turns{make(chan struct{}, maxAnalyses), make(chan struct{}, maxAnalyses+maxWaiting)}
}

func (t *turns) enter(ctx context.Context) error {
	select {
	case t.all <- struct{}{}:
	default:
		return &tomo.Error{Code: tomo.Throttled, Message: fmt.Sprintf("There are %d analyses already, which is the limit", maxAnalyses+maxWaiting)}
	}
	select {
	case t.in <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-t.all
		return context.Cause(ctx)
	}
}

func (t *turns) leave() { <-t.in; <-t.all }

// progressLines writes the lines of an answer with progress.
type progressLines struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	progress *query.Progress
	begun    bool
}

// start writes progress until stop is called, which says whether anything was
// written. From then on lines are written by whoever called it.
func (l *progressLines) start() (stop func() bool) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				p := l.progress
				line := api.AnalysisProgress{Looked: p.Looked.Load(), Read: p.Read.Load(), ToRead: p.ToRead.Load(), Total: p.Total.Load()}
				line.Looked = min(line.Looked, line.Total)
				l.write(&api.AnalysisLine{Progress: &line})
			}
		}
	}()
	return sync.OnceValue(func() bool {
		close(end)
		<-ended
		return l.begun
	})
}

func (l *progressLines) write(line *api.AnalysisLine) {
	if !l.begun {
		h := l.w.Header()
		h.Set("Content-Type", api.ProgressType)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
	}
	l.begun = true
	var text bytes.Buffer
	if err := api.Encode(&text, line); err != nil {
		panic(err) // our own shapes
	}
	text.WriteByte('\n')
	_ = l.control.SetWriteDeadline(time.Now().Add(allowance(int64(text.Len()))))
	_, _ = l.w.Write(text.Bytes()) // an error: the client is gone, and with it the context
	_ = l.control.Flush()
}

func (s *Services) analysisQuestion(request *api.AnalysisRequest) (q query.AnalysisQuestion, err error) {
	q = query.AnalysisQuestion{
		Window: windowOf(*request.StartTime, *request.EndTime, request.TimeRangeType), Groups: s.settings.Expression,
		Top: request.Top, Buckets: request.Buckets, Dots: request.Dots, Differences: request.Differences, Documents: request.Documents,
		Traces: request.Traces, Order: analysisOrders[request.Order],
	}
	if q.Window.End < q.Window.Start {
		return q, endBeforeStart()
	}
	if request.Measure == api.MeasureDuration {
		q.Measure = query.ByDuration
	}
	for _, text := range request.Attributes {
		attribute, err := query.ParseAttribute(text)
		if err != nil {
			return q, err
		}
		q.Attributes = append(q.Attributes, attribute)
	}
	group, err := s.group(request.GroupName, "")
	if err != nil {
		return q, err
	}
	q.Group = groupID(group)
	set := func(member, text string) error {
		e, err := filter.Parse(text)
		if err != nil {
			return api.Invalid(member + ": " + err.Error())
		}
		q.Sets = append(q.Sets, within(group, e))
		return nil
	}
	if err := set("FilterExpression", request.FilterExpression); err != nil {
		return q, err
	}
	if request.Compare != nil {
		if err := set("Compare", *request.Compare); err != nil {
			return q, err
		}
	}
	q.Other, err = compareTime(request)
	return q, err
}

// compareTime is the time of the second set, nil if it is that of the first.
func compareTime(request *api.AnalysisRequest) (*tomo.TimeRange, error) {
	start, end := request.CompareStartTime, request.CompareEndTime
	switch {
	case start == nil && end == nil:
		return nil, nil
	case start == nil || end == nil:
		return nil, api.Invalid("CompareStartTime and CompareEndTime come together")
	case request.Compare == nil:
		return nil, api.Invalid("CompareStartTime and CompareEndTime are the time of a second set: give Compare, too")
	}
	r := timeRange(*start, *end)
	if r.End < r.Start {
		return nil, api.Invalid("CompareEndTime cannot be earlier than CompareStartTime")
	}
	return &r, nil
}

var analysisOrders = map[string]query.Order{
	api.OrderNewest: query.Newest, api.OrderOldest: query.Oldest, api.OrderSlowest: query.Slowest, api.OrderFastest: query.Fastest,
}

// within is the expression for those of a group's traces that match e. The group
// counts by its filter as it is now, as group.name does in an expression.
func within(group *tomo.Group, e filter.Expr) filter.Expr {
	if group.IsDefault() {
		return e
	}
	member := filter.Group{By: filter.GroupName, Text: group.Name}
	switch e := e.(type) {
	case filter.All:
		return member
	case filter.And:
		return append(filter.And{member}, e...)
	}
	return filter.And{member, e}
}

func analysisShape(a *query.Analysis, by tomo.RangeType) *api.Analysis {
	shape := &api.Analysis{
		Attributes: make([]api.AnalysisAttribute, len(a.Distributions)), BothCount: a.Both, Compared: a.Compared,
		Differences: make([]api.AnalysisDifference, len(a.Differences)), DroppedCount: a.Dropped, Sets: make([]api.AnalysisSet, len(a.Sets)), TotalCount: a.Total,
	}
	if a.Width > 0 {
		shape.BucketWidth = new(api.Double(a.Width.Seconds()))
	}
	for i := range a.Sets {
		shape.Sets[i] = analysisSet(&a.Sets[i], by)
	}
	for i := range a.Distributions {
		shape.Attributes[i] = analysisAttribute(&a.Distributions[i], a.Sets)
	}
	for i := range a.Differences {
		d := &a.Differences[i]
		shape.Differences[i] = api.AnalysisDifference{
			Attribute: d.Attribute.String(), Counts: d.Counts[:], FilterExpression: d.Filter.String(), Score: significant(d.Score),
			Shares: []api.Double{significant(d.Shares[0]), significant(d.Shares[1])}, Value: plainValue(d.Value),
		}
	}
	return shape
}

func analysisSet(s *query.SetFigures, by tomo.RangeType) api.AnalysisSet {
	shape := api.AnalysisSet{
		AnalysisCounts: analysisCounts(&s.Classes), AllDots: s.EveryDot, Dots: make([]api.AnalysisDot, len(s.Dots)), DroppedCount: s.Dropped, WindowCount: s.InWindow,
		Duration: analysisTimes(&s.Durations), ResponseTime: analysisTimes(&s.ResponseTimes), Series: make([]api.AnalysisBucket, len(s.Series)),
	}
	for i := range s.Dots {
		d := &s.Dots[i]
		shape.Dots[i] = api.AnalysisDot{Count: d.Count, ID: d.ID.String(), Outcome: d.Class.String(), Seconds: api.Double(float64(d.Took.Microseconds()) / 1e6), Time: api.Time(d.Time.Seconds())}
	}
	for i := range s.Series {
		b := &s.Series[i]
		shape.Series[i] = api.AnalysisBucket{AnalysisCounts: analysisCounts(&b.Classes), Time: api.Time(b.Time.Seconds())}
	}
	for _, trace := range s.Traces {
		shape.Traces = append(shape.Traces, traceSummary(trace, by))
	}
	return shape
}

func analysisCounts(c *query.Classes) api.AnalysisCounts {
	return api.AnalysisCounts{
		ErrorCount: int64(c[query.Error]), FaultCount: int64(c[query.Fault]), OkCount: int64(c[query.OK]),
		RootlessCount: int64(c[query.Rootless]), ThrottleCount: int64(c[query.Throttle]), TotalCount: c.Total(),
	}
}

func analysisTimes(h *tomo.Histogram) api.AnalysisTimes {
	at := func(p float64) *api.Double { return seconds(query.Quantile(h, p)) }
	return api.AnalysisTimes{Count: h.Count(), Histogram: histogram(h), P50: at(0.5), P90: at(0.9), P95: at(0.95), P99: at(0.99)}
}

func analysisAttribute(d *query.Distribution, sets []query.SetFigures) api.AnalysisAttribute {
	shape := api.AnalysisAttribute{
		Complete: d.Complete, Name: d.Attribute.String(),
		Sets: make([]api.AnalysisSpread, len(d.Sets)), Values: make([]api.AnalysisValue, len(d.Values)),
	}
	if d.Whole {
		shape.Eligible, shape.Examined = &d.Eligible, &d.Examined
	}
	for i, f := range d.Sets {
		shape.Sets[i] = api.AnalysisSpread{DistinctCount: f.Distinct, LeftCount: f.Left, LeftValueCount: f.LeftSum, ValueCount: f.Sum, WithCount: f.With}
	}
	for i := range d.Values {
		v := &d.Values[i]
		value := api.AnalysisValue{FilterExpression: v.Filter.String(), Sets: make([]api.AnalysisFigures, len(v.Sets)), Value: plainValue(v.Value)}
		for k := range v.Sets {
			c := &v.Sets[k]
			value.Sets[k] = api.AnalysisFigures{AnalysisCounts: analysisCounts(&c.Classes), P50: seconds(c.P50), P95: seconds(c.P95)}
			if all := sets[k].Total(); all > 0 && d.Examined == d.Eligible {
				value.Sets[k].Share = new(significant(float64(c.Total()) / float64(all)))
			}
		}
		shape.Values[i] = value
	}
	return shape
}

// significant rounds a share to six decimals.
func significant(f float64) api.Double { return api.Double(math.Round(f*1e6) / 1e6) }

func plainValue(v tomo.Value) any {
	switch v.Kind {
	case tomo.NumberValue:
		return v.Number
	case tomo.BoolValue:
		return v.Bool
	default:
		return v.String
	}
}

// completion answers how an expression may go on, and what is wrong with it.
func (s *Server) completion(ask *Services, _ http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	var request api.CompletionRequest
	if err := api.AskCompletion.Decode(body, &request); err != nil {
		return nil, err
	}
	if (request.StartTime == nil) != (request.EndTime == nil) {
		return nil, api.Invalid("StartTime and EndTime go together")
	}
	q := query.CompletionQuestion{Text: request.Text, Cursor: bytesOf(request.Text, request.Cursor), Window: tomo.Window{TimeRange: tomo.Always}, Limit: request.Limit}
	if request.StartTime != nil {
		if q.Window.TimeRange = timeRange(*request.StartTime, *request.EndTime); q.Window.End < q.Window.Start {
			return nil, endBeforeStart()
		}
	}
	for _, g := range ask.settings.Groups() {
		q.Groups = append(q.Groups, *g)
	}
	ctx, cancel := context.WithTimeout(r.Context(), completionTime)
	defer cancel()
	c, err := ask.engine.Complete(ctx, q)
	if err != nil {
		return nil, err
	}
	shape := &api.Completion{
		From: unitsOf(request.Text[:c.From]), To: unitsOf(request.Text[:c.To]),
		Suggestions: make([]api.Suggestion, len(c.Suggestions)), Problem: problem(request.Text),
	}
	for i := range c.Suggestions {
		t := &c.Suggestions[i]
		shape.Suggestions[i] = api.Suggestion{Doc: t.Doc, Kind: string(t.Kind), Label: t.Label, Text: t.Text}
		if t.Count > 0 {
			shape.Suggestions[i].Count = &t.Count
		}
	}
	return shape, nil
}

// problem is what is wrong with a whole expression.
func problem(text string) *api.CompletionProblem {
	_, err := filter.Parse(text)
	var wrong *filter.Error
	if !errors.As(err, &wrong) {
		return nil
	}
	rest := text
	for range wrong.Line - 1 {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	at := len(text) - len(rest)
	for range wrong.Column - 1 {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return &api.CompletionProblem{At: unitsOf(text[:at]), Message: wrong.Message}
}

// unitsOf is the length of a text as browsers count it.
func unitsOf(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// bytesOf is how many bytes so many of the units are. What lies outside is
// moved inside.
func bytesOf(text string, units int) int {
	for at, r := range text {
		if units <= 0 {
			return at
		}
		units -= utf16.RuneLen(r)
	}
	return len(text)
}
