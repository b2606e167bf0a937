package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/internal/testkit"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is when everything in these tests is received.
var now = time.Unix(1700000002, 0)

// store is a real store that a test can put something before.
type store struct {
	*localstore.Store
	before  func(context.Context) error // of each write
	reading error                       // the answer to each read of a trace

	scanning func(context.Context) error // before each scan
}

func (s *store) Documents(ctx context.Context, id tomo.TraceID) (tomo.TraceDocuments, error) {
	if s.reading != nil {
		return tomo.TraceDocuments{}, s.reading
	}
	return s.Store.Documents(ctx, id)
}

func (s *store) PutSegments(ctx context.Context, docs []tomo.Incoming) ([]tomo.Over, error) {
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return nil, err
		}
	}
	return s.Store.PutSegments(ctx, docs)
}

// newParts are what is behind the services of a tenant. What the store has before
// they are made, others put there.
func newParts(t testing.TB, before ...func(*store)) (server.Parts, *store) {
	t.Helper()
	clock := func() time.Time { return now }
	sorter := ingest.NewSorter(nil, tomo.Limits{})
	behind, err := localstore.Open(t.TempDir(), localstore.Options{Derive: sorter.Summary, Revision: sorter.Revision, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { behind.Close() })
	s := &store{Store: behind}
	for _, f := range before {
		f(s)
	}
	set, err := settings.Open(t.Context(), s, settings.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	sorter.Follow(set)
	in, err := insights.Open(t.Context(), s, set.Groups, insights.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return server.Parts{Pipeline: ingest.New(s, ingest.Options{Sorter: sorter, Now: clock}), Engine: query.New(s, query.Options{}), Settings: set, Insights: in, Now: clock}, s
}

// alone are services that answer everybody.
func alone(s *server.Services) server.Tenants {
	return func(context.Context, string) (*server.Services, error) { return s, nil }
}

// newServer is a server of one tenant, who is everybody.
func newServer(t testing.TB, o server.Options, configure ...func(*server.Parts)) (*server.Server, *store) {
	t.Helper()
	parts, s := newParts(t)
	for _, f := range configure {
		f(&parts)
	}
	services := server.NewServices(parts)
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	o.Metrics.MustRegister(services.Collectors()...)
	return server.New(alone(services), o), s
}

// door is a server on a loopback address.
type door struct {
	t     testing.TB
	url   string
	store *store
}

func open(t testing.TB, o server.Options, configure ...func(*server.Parts)) *door {
	t.Helper()
	s, behind := newServer(t, o, configure...)
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &door{t, listening.URL, behind}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request as it is; without Accept-Encoding, as most clients.
func (d *door) do(method, path, body string, header ...string) answer {
	d.t.Helper()
	request, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{reply.StatusCode, reply.Header, string(text)}
}

func (d *door) post(path, body string) answer {
	d.t.Helper()
	return d.do("POST", path, body)
}

// put stores documents and wants all of them taken.
func (d *door) put(docs ...string) {
	d.t.Helper()
	if a := d.post("/TraceSegments", segments(docs...)); a.body != `{"UnprocessedTraceSegments":[]}` {
		d.t.Fatalf("storing: %d %s", a.status, a.body)
	}
}

func segments(docs ...string) string {
	body, err := json.Marshal(api.PutTraceSegmentsRequest{TraceSegmentDocuments: docs})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// want checks an answer: an exception as "Name: message", or a body.
func (a answer) want(t testing.TB, request, want string) {
	t.Helper()
	if name, message, exception := strings.Cut(want, ": "); exception && strings.HasSuffix(name, "Exception") {
		var members map[string]string // two differ in case only, which no struct tells apart
		if err := json.Unmarshal([]byte(a.body), &members); err != nil {
			t.Errorf("%s\nis %s", request, a.body)
			return
		}
		if a.status != 400 || a.header.Get("x-amzn-errortype") != name || members["__type"] != name || members["Message"] != message || members["message"] != message || len(members) != 3 {
			t.Errorf("%s\nis   %d %s %s\nwant %s", request, a.status, a.header.Get("x-amzn-errortype"), a.body, want)
		}
		return
	}
	if a.status != 200 || a.body != want || a.header.Get("x-amzn-errortype") != "" {
		t.Errorf("%s\nis   %d %s\nwant %s", request, a.status, a.body, want)
	}
}

const (
	trace   = "1-6553f100-0123456789abcdef01234567"
	segment = `{"trace_id":"` + trace + `","id":"a000000000000001","name":"shop","start_time":1700000000,"end_time":1700000001}`
)

func TestPutTraceSegments(t *testing.T) {
	d := open(t, server.Options{})
	refused := func(code, id, message string) string {
		return fmt.Sprintf(`{"UnprocessedTraceSegments":[{"ErrorCode":"%s","Id":%s,"Message":"%s"}]}`, code, id, message)
	}
	tests := []struct{ body, want string }{
		{segments(segment), `{"UnprocessedTraceSegments":[]}`},
		{segments(segment, segment), `{"UnprocessedTraceSegments":[]}`},
		{segments("{"), refused("ParseError", "null", "Invalid segment. ErrorCode: ParseError")},
		{segments("[]"), refused("ParseError", "null", "Invalid entity. ErrorCode: ParseError")},
		{segments("{}", segment), refused("MissingId", "null", "Invalid segment. ErrorCode: MissingId")},
		{segments(segment, `{"id":"invalid"}`), refused("InvalidId", `"invalid"`, "Invalid segment. ErrorCode: InvalidId")},
		{
			segments(`{"id":"bad"}`, segment, "{"),
			`{"UnprocessedTraceSegments":[{"ErrorCode":"InvalidId","Id":"bad","Message":"Invalid segment. ErrorCode: InvalidId"},` +
				`{"ErrorCode":"ParseError","Id":null,"Message":"Invalid segment. ErrorCode: ParseError"}]}`,
		},
		{`{"TraceSegmentDocuments":[]}`, "InvalidRequestException: Segments can not be empty"},
		{`{}`, "ValidationException: 1 validation error detected: Value null at 'traceSegmentDocuments' failed to satisfy constraint: Member must not be null"},
		{``, "ValidationException: 1 validation error detected: Value null at 'traceSegmentDocuments' failed to satisfy constraint: Member must not be null"},
		{`{"TraceSegmentDocuments":[42]}`, "SerializationException: NUMBER_VALUE can not be converted to a String"},
		{`{"TraceSegmentDocuments":[{"id":"a"}]}`, "SerializationException: START_OBJECT can not be converted to a String"},
		{`{"TraceSegmentDocuments":["{}"`, "SerializationException: the body ends inside its JSON"},
	}
	for _, tt := range tests {
		d.post("/TraceSegments", tt.body).want(t, tt.body, tt.want)
	}
}

func TestBatchGetTraces(t *testing.T) {
	d := open(t, server.Options{})
	d.put(segment)
	other := "1-6553f100-ffffffffffffffffffffffff"
	shown := `{"NextToken":null,"Traces":[{"Duration":1.0,"Id":"` + trace + `","LimitExceeded":false,"Segments":[{"Document":` +
		`"{\"id\":\"a000000000000001\",\"name\":\"shop\",\"start_time\":1.7E9,\"trace_id\":\"` + trace + `\",\"end_time\":1.700000001E9}"` +
		`,"Id":"a000000000000001"}]}],"UnprocessedTraceIds":[]}`
	none := `{"NextToken":null,"Traces":[],"UnprocessedTraceIds":[]}`
	tests := []struct{ body, want string }{
		{`{"TraceIds":["` + trace + `"]}`, shown},
		{`{"TraceIds":["` + strings.ToUpper(trace) + `"],"NextToken":null}`, shown},
		{`{"TraceIds":["` + other + `","` + trace + `"],"NextToken":""}`, shown},
		{`{"TraceIds":["` + other + `"]}`, none},
		{`{"TraceIds":[]}`, none},
		{`{}`, "ValidationException: 1 validation error detected: Value null at 'traceIds' failed to satisfy constraint: Member must not be null"},
		{`{"TraceIds":null}`, "ValidationException: 1 validation error detected: Value null at 'traceIds' failed to satisfy constraint: Member must not be null"},
		{`{"TraceIds":["` + trace + `","` + strings.ToUpper(trace) + `"]}`, "InvalidRequestException: Containing duplicate trace ids"},
		{`{"TraceIds":["a","b","c","d","e","f"]}`, "InvalidRequestException: Exceeding maximum query size: 5"},
		{`{"TraceIds":["` + trace + `","x"]}`, "InvalidRequestException: Invalid trace id x: incorrect id format"},
		{`{"TraceIds":["` + trace + `"],"NextToken":"t"}`, "InvalidRequestException: NextToken is currently not supported"},
		{`{"TraceIds":"` + trace + `"}`, "SerializationException: STRING_VALUE can not be converted to a List"},
		{`{"TraceIds":[1]}`, "SerializationException: NUMBER_VALUE can not be converted to a String"},
	}
	for _, tt := range tests {
		d.post("/Traces", tt.body).want(t, tt.body, tt.want)
	}
}

func TestGetTraceSummaries(t *testing.T) {
	d := open(t, server.Options{})
	none := func(at string) string {
		return `{"ApproximateTime":` + at + `,"NextToken":null,"TraceSummaries":[],"TracesProcessedCount":0}`
	}
	null := func(member string) string {
		return "Value null at '" + member + "' failed to satisfy constraint: Member must not be null"
	}
	const window = `{"StartTime":1700000000,"EndTime":1700000010`
	tests := []struct{ body, want string }{
		{window + `}`, none("1.7E9")},
		{window + `,"TimeRangeType":"Service"}`, none("1.69999994E9")},
		{window + `,"TimeRangeType":null,"NextToken":null,"FilterExpression":null,"Sampling":null,"SamplingStrategy":null}`, none("1.7E9")},
		{window + `,"FilterExpression":" ","NextToken":"","Unknown":{}}`, none("1.7E9")},
		{`{"StartTime":"1700000000.75","EndTime":"2023-11-14T22:13:30Z"}`, none("1.7E9")},
		{`{"StartTime":1700000000,"EndTime":1700000000}`, none("1.7E9")},
		{`{"StartTime":-1e300,"EndTime":1e300}`, none("-9.0E12")},
		{`{}`, "ValidationException: 2 validation errors detected: " + null("startTime") + "; " + null("endTime")},
		{`{"StartTime":null,"EndTime":1}`, "ValidationException: 1 validation error detected: " + null("startTime")},
		{window + `,"TimeRangeType":"Invalid"}`, "ValidationException: 1 validation error detected: Value 'Invalid' at 'timeRangeType' failed to satisfy constraint: Member must satisfy enum value set: [TraceId, Service, Event]"},
		{window + `,"SamplingStrategy":{"Name":"Best"}}`, "ValidationException: 1 validation error detected: Value 'Best' at 'samplingStrategy.name' failed to satisfy constraint: Member must satisfy enum value set: [FixedRate, PartialScan]"},
		{`{"StartTime":true,"EndTime":1}`, "SerializationException: BOOLEAN_VALUE can not be converted to a Timestamp"},
		{window + `,"Sampling":"yes"}`, "SerializationException: STRING_VALUE can not be converted to a Boolean"},
		{`{"StartTime":1700000002.5,"EndTime":1700000000}`, "InvalidRequestException: End time cannot be earlier than start time"},
		{`{"StartTime":1700000001.5,"EndTime":1700000000}`, none("1.700000001E9")},
		{window + `,"NextToken":"x"}`, "InvalidRequestException: Invalid token x"},
		{window + `,"FilterExpression":"fault OR service(\"a\")"}`, none("1.7E9")},
		{window + `,"FilterExpression":"falt"}`, "InvalidRequestException: Error Location: line 1, position 1 : Invalid input symbol: 'falt'. It is not a keyword; the nearest is fault."},
		{window + `,"SamplingStrategy":{"Name":"FixedRate","Value":7}}`, none("1.7E9")},
		{window + `,"Sampling":true,"SamplingStrategy":{"Name":"PartialScan"}}`, none("1.7E9")},
		{window + `,"Sampling":true,"SamplingStrategy":{"Name":"PartialScan","Value":1.1}}`, none("1.7E9")},
		{window + `,"Sampling":true,"SamplingStrategy":{}}`, none("1.7E9")},
		{window + `,"Sampling":true,"TimeRangeType":"Service","SamplingStrategy":{"Name":"FixedRate","Value":0.5}}`, "InvalidRequestException: Cannot use FixedRate with input time range type: Service. Please try using time range type: Event"},
		{window + `,"Sampling":true,"SamplingStrategy":{"Name":"FixedRate","Value":-0.1}}`, "InvalidRequestException: sampling rate must be specified and its value must be between [0, 1]"},
		{window + `,"Sampling":true,"TimeRangeType":"Event","SamplingStrategy":{"Name":"FixedRate","Value":0.5}}`, none("1.7E9")},
		{window + `,"Sampling":true,"SamplingStrategy":{"Name":"FixedRate","Value":0.5}}`, "InvalidRequestException: Cannot use FixedRate with input time range type: TraceId. Please try using time range type: Event"},
		{window + `,"Sampling":true,"TimeRangeType":"Event","SamplingStrategy":{"Name":"FixedRate"}}`, "InvalidRequestException: sampling rate must be specified and its value must be between [0, 1]"},
		{window + `,"Sampling":true,"TimeRangeType":"Event","SamplingStrategy":{"Name":"FixedRate","Value":1.1}}`, "InvalidRequestException: sampling rate must be specified and its value must be between [0, 1]"},
	}
	for _, tt := range tests {
		d.post("/TraceSummaries", tt.body).want(t, tt.body, tt.want)
	}
}

// TestPages walks through the pages of many summaries.
func TestPages(t *testing.T) {
	d := open(t, server.Options{})
	const all = 250
	var docs []string
	for i := range all {
		docs = append(docs, fmt.Sprintf(`{"trace_id":"1-6553f100-%024x","id":"a000000000000001","name":"n","start_time":%d,"end_time":%d}`, i, 1700000000+i, 1700000300))
	}
	d.put(docs...)
	ask := func(share *api.SamplingStrategy) (ids []string, pages int) {
		request := api.GetTraceSummariesRequest{StartTime: new(api.Time(1699999000)), EndTime: new(api.Time(1700001000)), TimeRangeType: "Event", Sampling: share != nil, SamplingStrategy: share}
		c := client.New(d.url)
		for {
			page, err := c.GetTraceSummaries(t.Context(), &request)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			if page.TracesProcessedCount != all {
				t.Errorf("%d processed", page.TracesProcessedCount)
			}
			for _, s := range page.TraceSummaries {
				if s.MatchedEventTime == nil || *s.MatchedEventTime != 1700000002 {
					t.Errorf("matched event time %v", s.MatchedEventTime)
				}
				ids = append(ids, s.ID)
			}
			if page.NextToken == nil {
				return ids, pages
			}
			request.NextToken = *page.NextToken
			if share != nil { // Grafana goes on with half the rate
				request.SamplingStrategy = &api.SamplingStrategy{Name: share.Name, Value: new(*share.Value / 2)}
			}
		}
	}
	ids, pages := ask(nil)
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	if len(ids) != all || len(seen) != all || pages < 2 {
		t.Errorf("%d summaries of %d traces in %d pages", len(ids), len(seen), pages)
	}
	half, _ := ask(&api.SamplingStrategy{Name: "FixedRate", Value: new(api.Double(0.5))})
	if len(half) < all/4 || len(half) > all*3/4 {
		t.Errorf("half of %d is %d", all, len(half))
	}
	if none, _ := ask(&api.SamplingStrategy{Name: "FixedRate", Value: new(api.Double(0))}); len(none) > 0 {
		t.Errorf("no share is %d", len(none))
	}
}

func TestGetTraceGraph(t *testing.T) {
	d := open(t, server.Options{})
	d.put(segment, strings.ReplaceAll(segment, "01234567\"", "76543210\""))
	other := "1-6553f100-ffffffffffffffffffffffff"
	tests := []struct{ body, want string }{
		{`{}`, "ValidationException: 1 validation error detected: Value null at 'traceIds' failed to satisfy constraint: Member must not be null"},
		{`{"TraceIds":[]}`, "InvalidRequestException: Zero trace ids provided"},
		{`{"TraceIds":["a","b","c","d","e","f"]}`, "InvalidRequestException: Exceeding maximum query size: 5"},
		{`{"TraceIds":["x"]}`, "InvalidRequestException: Invalid traceId. ErrorCode: InvalidId"},
		{`{"TraceIds":["` + other + `"]}`, "InvalidRequestException: Trace id not found"},
		{`{"TraceIds":["` + trace + `"],"NextToken":"t"}`, "InvalidRequestException: NextToken is currently not supported"},
	}
	for _, tt := range tests {
		d.post("/TraceGraph", tt.body).want(t, tt.body, tt.want)
	}
	for ids, want := range map[string]int64{
		`"` + trace + `"`:                              1,
		`"` + trace + `","` + trace + `"`:              1, // nothing counts twice
		`"` + trace + `","` + other + `"`:              1,
		`"` + trace + `","` + trace[:27] + `76543210"`: 2,
	} {
		var graph api.GetTraceGraphResponse
		a := d.post("/TraceGraph", `{"TraceIds":[`+ids+`]}`)
		if err := json.Unmarshal([]byte(a.body), &graph); err != nil || len(graph.Services) != 2 {
			t.Errorf("%s: %s", ids, a.body)
			continue
		}
		if got := graph.Services[0].SummaryStatistics; got == nil || got.TotalCount != want {
			t.Errorf("%s: %s, want %d", ids, a.body, want)
		}
	}
}

func TestGetServiceGraph(t *testing.T) {
	d := open(t, server.Options{})
	d.put(segment)
	const empty = `{"ContainsOldGroupVersions":false,"EndTime":null,"NextToken":null,"Services":[],"StartTime":null}`
	tests := []struct{ body, want string }{
		{`{"StartTime":1600000000,"EndTime":1600000060}`, empty},
		{`{"StartTime":1600000000,"EndTime":1600000060,"GroupName":""}`, empty},
		{`{"StartTime":1600000000,"EndTime":1600000060,"GroupName":"Default","GroupARN":"arn:aws:xray:us-east-1:123456789012:group/Default"}`, empty},
		{`{"StartTime":1700000002,"EndTime":1700000002}`, empty},
		{`{"StartTime":1700000003.5,"EndTime":1700000001.5}`, empty},
		{`{"StartTime":1700000004,"EndTime":1700000001.5}`, "InvalidRequestException: End time cannot be earlier than start time"},
		{`{"StartTime":1,"EndTime":2,"GroupName":"mine"}`, "InvalidRequestException: Group not found."},
		{`{"StartTime":1,"EndTime":2,"GroupARN":"arn:aws:xray:us-east-1:123456789012:group/mine/X"}`, "InvalidRequestException: Group not found."},
		{`{"StartTime":1,"EndTime":2,"NextToken":"t"}`, "InvalidRequestException: Invalid token t"},
		{`{"EndTime":2}`, "ValidationException: 1 validation error detected: Value null at 'startTime' failed to satisfy constraint: Member must not be null"},
	}
	for _, tt := range tests {
		d.post("/ServiceGraph", tt.body).want(t, tt.body, tt.want)
	}
}

// TestEndTime: the answer's end is never later than asked, even where a
// client's clock is ahead and its trace began behind the window.
func TestEndTime(t *testing.T) {
	d := open(t, server.Options{})
	d.put(strings.NewReplacer("1700000000", "1700000500", "1700000001", "1700000501").Replace(segment))
	graph, err := client.New(d.url).GetServiceGraph(t.Context(), &api.GetServiceGraphRequest{StartTime: new(api.Time(1700000000)), EndTime: new(api.Time(1700000010))})
	if err != nil {
		t.Fatal(err)
	}
	if len(graph.Services) != 2 || graph.EndTime == nil || *graph.EndTime > 1700000010 || *graph.StartTime > *graph.EndTime {
		t.Errorf("%d services from %v to %v", len(graph.Services), graph.StartTime, graph.EndTime)
	}
}

// checkout is the documents of one trace of many services.
func checkout(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/checkout.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestCheckout holds the answers about that trace against ones that were worked
// out by hand.
func TestCheckout(t *testing.T) {
	d := open(t, server.Options{})
	d.put(checkout(t)...)
	tests := []struct {
		golden, path, body string
		part               func(map[string]any) any
	}{
		{"summary", "/TraceSummaries", `{"StartTime":1699999980,"EndTime":1700000040}`, func(a map[string]any) any { return a["TraceSummaries"].([]any)[0] }},
		{"tracegraph", "/TraceGraph", `{"TraceIds":["` + trace + `"]}`, func(a map[string]any) any { return a }},
		{"servicegraph", "/ServiceGraph", `{"StartTime":1699999980,"EndTime":1700000040}`, func(a map[string]any) any { return a }},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			golden, err := os.ReadFile("testdata/checkout." + tt.golden + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			var want any
			a := d.post(tt.path, tt.body)
			if err := errors.Join(json.Unmarshal(golden, &want), json.Unmarshal([]byte(a.body), &got)); err != nil {
				t.Fatalf("%v\n%s", err, a.body)
			}
			if diff := cmp.Diff(want, tt.part(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckoutIsFound asks for that trace by what it is and by what it is not,
// open and settled.
func TestCheckoutIsFound(t *testing.T) {
	d := open(t, server.Options{})
	d.put(checkout(t)...)
	tests := []struct {
		expression string
		found      bool
	}{
		{`fault`, false}, // the root is fine
		{`error`, false}, // two callees are one, the root is not
		{`service() { fault }`, true},
		{`edge("payments", "api.bank.example") { http.status = 503 }`, true}, // the caller saw it
		{`service("payments.example.com")`, false},                           // no more than an alias
		{`service("payments") { annotation.provider = "acme" }`, true},
		{`responsetime < 1 AND duration > 1`, true},
		{`rootcause.error.exception { name = "SkuNotFound" }`, true},
		{`rootcause.responsetime.entity { remote AND coverage > 0.65 }`, true},
		{`rootcause.fault.service { inferred AND name = "api.bank.example" }`, true},
		{`availabilityzone = "us-west-2b" AND user = "u-42"`, true}, // of two segments
		{`service(id(name: "notify", type: "AWS::Lambda::Function")) { responsetime < 0.05 }`, true},
		{`service(id(name: "notify", type: "AWS::Lambda")) { responsetime < 0.04 }`, false},
	}
	for _, state := range []string{"open", "settled"} {
		t.Run(state, func(t *testing.T) {
			if state == "settled" {
				d.settle()
			}
			for _, tt := range tests {
				page, err := client.New(d.url).GetTraceSummaries(t.Context(), &api.GetTraceSummariesRequest{
					StartTime: new(api.Time(1699999980)), EndTime: new(api.Time(1700000040)), FilterExpression: tt.expression})
				if err != nil {
					t.Fatal(err)
				}
				if found := len(page.TraceSummaries) == 1; found != tt.found || page.TracesProcessedCount != 1 {
					t.Errorf("%s: found %v of %d traces, want %v of 1", tt.expression, found, page.TracesProcessedCount, tt.found)
				}
			}
		})
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestHeaders: what every answer to an operation has.
// TestRootCausesAreFound: a root cause as it is answered, put behind
// rootcause.json, finds its trace.
func TestRootCausesAreFound(t *testing.T) {
	d := open(t, server.Options{})
	d.put(checkout(t)...)
	d.put(`{"trace_id":"1-6553f100-00000000000000000000000b","id":"000000000000000b","name":"untyped","start_time":1700000001,"end_time":1700000002,"fault":true,
		"cause":{"exceptions":[{"id":"000000000000000c","type":"NoMessage"},{"id":"000000000000000d","message":"no type"}]}}`)
	type summary struct {
		ID                                                       string `json:"Id"`
		FaultRootCauses, ErrorRootCauses, ResponseTimeRootCauses []json.RawMessage
	}
	summaries := func(expression string) (list []summary) {
		t.Helper()
		filter, _ := json.Marshal(expression)
		var got struct{ TraceSummaries []summary }
		a := d.post("/TraceSummaries", `{"StartTime":1699999980,"EndTime":1700000040,"FilterExpression":`+string(filter)+`}`)
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			t.Fatalf("%s: %s", expression, a.body)
		}
		return got.TraceSummaries
	}
	causes := 0
	for _, trace := range summaries("") {
		for _, ofCategory := range [][]json.RawMessage{trace.FaultRootCauses, trace.ErrorRootCauses, trace.ResponseTimeRootCauses} {
			for _, cause := range ofCategory {
				causes++
				if found := summaries("rootcause.json = #[" + string(cause) + "]"); len(found) != 1 || found[0].ID != trace.ID {
					t.Errorf("%s has the cause %s, which finds %v", trace.ID, cause, found)
				}
			}
		}
	}
	if causes < 4 {
		t.Errorf("%d causes", causes)
	}
}

func TestHeaders(t *testing.T) {
	d := open(t, server.Options{})
	ids := map[string]bool{}
	for _, a := range []answer{
		d.post("/TraceSegments", segments(segment)),
		d.post("/TraceSegments", "["),
		d.post("/Traces", `{"TraceIds":[]}`),
		d.post("/nowhere", "{}"),
		d.post("/GetGroup", "{}"),
		d.do("GET", "/Traces", ""),
	} {
		id := a.header.Get("x-amzn-requestid")
		if !uuid.MatchString(id) || ids[id] {
			t.Errorf("request id %q", id)
		}
		ids[id] = true
		if date, err := http.ParseTime(a.header.Get("Date")); err != nil || time.Since(date).Abs() > time.Minute {
			t.Errorf("date %q", a.header.Get("Date"))
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Content-Length": fmt.Sprint(len(a.body)),
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%d %s: %s is %q, want %q", a.status, a.body, name, got, want)
			}
		}
		if got := a.header.Get("x-amzn-errortype"); (got != "") != (a.status != 200) {
			t.Errorf("%d %s: error type %q", a.status, a.body, got)
		}
	}
}

// TestLiberal: requests of clients in the field that another server might
// refuse.
func TestLiberal(t *testing.T) {
	d := open(t, server.Options{Prefix: "/xray/"})
	for _, contentType := range []string{"", "application/json; charset=utf-8", "application/x-amz-json-1.1", "text/plain"} {
		a := d.do("POST", "/Traces", `{"TraceIds":[]}`, "Content-Type", contentType)
		if a.status != 200 {
			t.Errorf("Content-Type %q: %d %s", contentType, a.status, a.body)
		}
	}
	for _, path := range []string{"/Traces", "/xray/Traces", "/Traces?X-Amz-Expires=1"} {
		if a := d.do("POST", path, `{"TraceIds":[]}`, "Authorization", "AWS4-HMAC-SHA256 Credential=x"); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := d.do("POST", "/Traces", `{"TraceIds":[]}`, "Expect", "100-continue"); a.status != 200 {
		t.Errorf("Expect: 100-continue: %d %s", a.status, a.body)
	}
	if a := d.post("/xrayTraces", `{"TraceIds":[]}`); a.status != 404 {
		t.Errorf("half a prefix: %d %s", a.status, a.body)
	}
}

func TestOtherPaths(t *testing.T) {
	d := open(t, server.Options{})
	a := d.post("/nowhere", "{}")
	if want := `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`; a.status != 404 ||
		a.header.Get("x-amzn-errortype") != "UnknownOperationException" || a.body != want {
		t.Errorf("an unknown path: %d %v %s", a.status, a.header, a.body)
	}
	if a := d.do("GET", "/Traces", ""); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET of an operation: %d %v", a.status, a.header)
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

func TestGzip(t *testing.T) {
	d := open(t, server.Options{MaxBody: 64 << 10})
	for range 2 { // the second time with what the first left behind
		a := d.do("POST", "/TraceSegments", packed(segments(segment)), "Content-Encoding", "gzip")
		a.want(t, "packed", `{"UnprocessedTraceSegments":[]}`)
	}
	if a := d.do("POST", "/TraceSegments", segments(segment), "Content-Encoding", "gzip"); a.status != 400 || !strings.Contains(a.body, "SerializationException") {
		t.Errorf("not packed at all: %d %s", a.status, a.body)
	}
	half := packed(segments(segment))
	if a := d.do("POST", "/TraceSegments", half[:len(half)/2], "Content-Encoding", "gzip"); a.status != 400 || !strings.Contains(a.body, "SerializationException") {
		t.Errorf("half of it: %d %s", a.status, a.body)
	}
	if a := d.do("POST", "/TraceSegments", packed(strings.Repeat(" ", 64<<10+1)), "Content-Encoding", "gzip"); a.status != 413 {
		t.Errorf("a bomb: %d %s", a.status, a.body)
	}
	if a := d.do("POST", "/TraceSegments", "x", "Content-Encoding", "br"); a.status != 415 {
		t.Errorf("another encoding: %d %s", a.status, a.body)
	}

	var docs []string
	for i := range 20 {
		docs = append(docs, strings.ReplaceAll(segment, "a000000000000001", fmt.Sprintf("a0000000000000%02x", i)))
	}
	d.put(docs...)
	plain := d.post("/Traces", `{"TraceIds":["`+trace+`"]}`)
	if plain.header.Get("Content-Encoding") != "" || plain.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("not asked for: %v", plain.header)
	}
	for asked, want := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "deflate": false, "*": false} {
		a := d.do("POST", "/Traces", `{"TraceIds":["`+trace+`"]}`, "Accept-Encoding", asked)
		text := a.body
		if a.header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			text = string(unpacked)
		}
		if got := a.header.Get("Content-Encoding") == "gzip"; got != want || text != plain.body {
			t.Errorf("Accept-Encoding %s: packed %v, want %v: %s", asked, got, want, text)
		}
	}
	if a := d.do("POST", "/Traces", `{"TraceIds":[]}`, "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Errorf("a small answer is packed")
	}
}

func TestTooLarge(t *testing.T) {
	d := open(t, server.Options{MaxBody: 1000})
	fits := segments(segment)
	fits += strings.Repeat(" ", 1000-len(fits))
	for name, body := range map[string]io.Reader{"with a length": strings.NewReader(fits), "in chunks": io.MultiReader(strings.NewReader(fits))} {
		reply, err := http.Post(d.url+"/TraceSegments", "", body)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != 200 {
			t.Errorf("1000 bytes %s: %s", name, reply.Status)
		}
	}
	fits += " "
	for name, body := range map[string]io.Reader{"with a length": strings.NewReader(fits), "in chunks": io.MultiReader(strings.NewReader(fits))} {
		reply, err := http.Post(d.url+"/TraceSegments", "", body)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != 413 || reply.Header.Get(api.ErrorType) != "RequestEntityTooLargeException" {
			t.Errorf("1001 bytes %s: %s %v", name, reply.Status, reply.Header)
		}
	}
}

// TestTooLargeRequest: only segments need much room.
func TestTooLargeRequest(t *testing.T) {
	d := open(t, server.Options{})
	body := `{"TraceIds":[]}`
	body += strings.Repeat(" ", 1<<20-len(body))
	d.post("/Traces", body).want(t, "a request of 1 MiB", `{"NextToken":null,"Traces":[],"UnprocessedTraceIds":[]}`)
	if a := d.post("/Traces", body+" "); a.status != 413 || !strings.Contains(a.body, "larger than 1048576 bytes") {
		t.Errorf("a byte more: %d %s", a.status, a.body)
	}
}

// TestBodies: bodies of many sizes, through the same memory again and again.
func TestBodies(t *testing.T) {
	d := open(t, server.Options{})
	for _, size := range []int{0, 1, 1000, 70_000, 5000, 3_000_000, 200, 64 << 10, 64<<10 + 1, 1 << 20} {
		for _, chunked := range []bool{false, true} {
			body := io.Reader(strings.NewReader(segments(segment) + strings.Repeat(" ", size)))
			if chunked {
				body = io.MultiReader(body)
			}
			reply, err := http.Post(d.url+"/TraceSegments", "", body)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(reply.Body)
			reply.Body.Close()
			if string(text) != `{"UnprocessedTraceSegments":[]}` {
				t.Errorf("%d bytes, chunked %v: %s %s", size, chunked, reply.Status, text)
			}
		}
	}
	// All memory was given back.
	if a := d.do("GET", "/metrics", ""); !strings.Contains(a.body, "tomo_http_body_memory_bytes 0\n") {
		t.Error("bodies hold memory")
	}
}

// TestMemory: when bodies hold all the memory they may, the next is told to
// come again.
func TestMemory(t *testing.T) {
	d := open(t, server.Options{Bodies: 100 << 10})
	entered, leave := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	d.store.before = func(context.Context) error {
		if first.CompareAndSwap(false, true) {
			close(entered)
			<-leave
		}
		return nil
	}
	large := segments(segment) + strings.Repeat(" ", 60<<10)
	held := make(chan answer)
	go func() { held <- d.post("/TraceSegments", large) }()
	<-entered
	a := d.post("/TraceSegments", large)
	if a.status != 503 || a.header.Get("x-amzn-errortype") != "ServiceUnavailable" || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	d.put(segment) // a small one has room
	close(leave)
	for _, a := range []answer{<-held, d.post("/TraceSegments", large)} {
		if a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// TestFailures: what errors from behind the door become.
func TestFailures(t *testing.T) {
	var log bytes.Buffer
	d := open(t, server.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	tests := []struct {
		err    error
		status int
		name   string
		retry  string
	}{
		{&tomo.Error{Code: tomo.Throttled, Message: "Rate exceeded"}, 429, "ThrottledException", ""},
		{&tomo.Error{Code: tomo.Unavailable, Message: "no space left on device"}, 503, "ServiceUnavailable", "1"},
		{fmt.Errorf("storing: %w", &tomo.Error{Code: tomo.Unavailable, Message: "draining"}), 503, "ServiceUnavailable", "1"},
	}
	for _, tt := range tests {
		d.store.before = func(context.Context) error { return tt.err }
		a := d.post("/TraceSegments", segments(segment))
		if a.status != tt.status || a.header.Get("x-amzn-errortype") != tt.name || a.header.Get("Retry-After") != tt.retry {
			t.Errorf("%v is %d %v %s", tt.err, a.status, a.header, a.body)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
	d.store.before = func(context.Context) error { panic("our own bug") }
	a := d.post("/TraceSegments", segments(segment))
	if a.status != 500 || a.header.Get("x-amzn-errortype") != "InternalFailure" || strings.Contains(a.body, "bug") {
		t.Errorf("a panic is %d %v %s", a.status, a.header, a.body)
	}
	if !strings.Contains(log.String(), "our own bug") || !strings.Contains(log.String(), a.header.Get("x-amzn-requestid")) {
		t.Errorf("logged %s", &log)
	}
	d.store.before = nil
	d.put(segment)

	log.Reset()
	d.store.reading = errors.New("a block is broken")
	a = d.post("/Traces", `{"TraceIds":["`+trace+`"]}`)
	if a.status != 500 || a.header.Get("x-amzn-errortype") != "InternalFailure" || strings.Contains(a.body, "block") {
		t.Errorf("an error without a code is %d %v %s", a.status, a.header, a.body)
	}
	if !strings.Contains(log.String(), "a block is broken") || !strings.Contains(log.String(), a.header.Get("x-amzn-requestid")) {
		t.Errorf("logged %s", &log)
	}
}

func TestOperatorPages(t *testing.T) {
	ready := false
	registry := prometheus.NewPedanticRegistry()
	d := open(t, server.Options{Version: "1.2.3", Metrics: registry, Ready: func() bool { return ready }})
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/healthz", 200, `{"Status":"alive"}`},
		{"/readyz", 503, `{"Status":"starting"}`},
		{"/version", 200, `{"Version":"1.2.3"}`},
		{"/console/api/losses", 200, `{"Counts":{"dropped":0,"expired":0,"refused":0,"superseded":0,"truncated":0},"Recent":[]}`},
	}
	for _, tt := range tests {
		if a := d.do("GET", tt.path, ""); a.status != tt.status || a.body != tt.want || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", tt.path, a.status, a.body)
		}
		if a := d.do("HEAD", tt.path, ""); a.status != tt.status || a.body != "" {
			t.Errorf("HEAD %s: %d %s", tt.path, a.status, a.body)
		}
		if a := d.do("POST", tt.path, "{}"); a.status != 405 {
			t.Errorf("POST %s: %d %s", tt.path, a.status, a.body)
		}
	}
	ready = true
	if a := d.do("GET", "/readyz", ""); a.status != 200 || a.body != `{"Status":"ready"}` {
		t.Errorf("ready: %d %s", a.status, a.body)
	}

	d.post("/TraceSegments", segments(segment, `{"id":"bad"}`))
	losses, err := client.New(d.url).Losses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &api.Losses{
		Counts: map[string]int64{"dropped": 0, "expired": 0, "refused": 1, "superseded": 0, "truncated": 0},
		Recent: []api.Loss{{Code: "InvalidId", Count: 1, Detail: "Invalid segment. ErrorCode: InvalidId", ID: "bad", Reason: "refused", Source: "http", Time: 1700000002}},
	}
	if diff := cmp.Diff(want, losses); diff != "" {
		t.Error(diff)
	}

	d.post("/nowhere", "")
	text := d.do("GET", "/metrics", "").body
	for _, line := range []string{
		`tomo_http_requests_total{operation="PutTraceSegments",status="200"} 1`,
		`tomo_http_requests_total{operation="unknown",status="404"} 1`,
		`tomo_http_request_duration_seconds_count{operation="PutTraceSegments"} 1`,
		fmt.Sprintf(`tomo_http_request_body_bytes_total{operation="PutTraceSegments"} %d`, len(segments(segment, `{"id":"bad"}`))),
		`tomo_http_body_memory_bytes 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestServe: told to stop, the server finishes what is in flight and takes
// nothing new.
func TestServe(t *testing.T) {
	s, behind := newServer(t, server.Options{})
	entered, leave := make(chan struct{}), make(chan struct{})
	behind.before = func(context.Context) error { close(entered); <-leave; return nil }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	d := &door{t, "http://" + l.Addr().String(), behind}
	first := make(chan answer)
	go func() { first <- d.post("/TraceSegments", segments(segment)) }()
	<-entered
	stop()
	testkit.Until(t, "draining", func() bool {
		probe := httptest.NewRecorder()
		s.ServeHTTP(probe, httptest.NewRequest("GET", "/readyz", nil))
		return probe.Code == 503 && strings.Contains(probe.Body.String(), "draining")
	})
	close(leave)
	if a := <-first; a.status != 200 {
		t.Errorf("what was in flight: %d %s", a.status, a.body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := http.Get(d.url + "/healthz"); err == nil {
		t.Error("the server still answers")
	}

	if err := s.Serve(context.Background(), l); err == nil || !strings.Contains(err.Error(), "serving HTTP on 127.0.0.1:") {
		t.Errorf("Serve on a closed listener: %v", err)
	}
}

// pipes is a listener in memory, for tests with a clock of their own.
type pipes struct {
	server *server.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2000} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serve runs f against a server in a bubble of time.
func serve(t *testing.T, f func(t *testing.T, p *pipes, behind *store, stop func() error)) {
	synctest.Test(t, func(t *testing.T) {
		s, behind := newServer(t, server.Options{})
		p := &pipes{server: s, conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, p) }()
		var once sync.Once
		var result error
		stop := func() error {
			once.Do(func() { cancel(); result = <-ended })
			return result
		}
		defer stop()
		f(t, p, behind, stop)
	})
}

// TestSlowBody: a client that sends a body drop by drop is cut off; one that
// sends steadily is not, however long it takes.
func TestSlowBody(t *testing.T) {
	tests := []struct {
		path   string
		status string
		after  time.Duration
	}{
		{"/TraceSegments", " 408 ", 10 * time.Second},
		{"/nowhere", "", 20 * time.Second}, // net/http wants the body before it sends the answer
	}
	for _, tt := range tests {
		serve(t, func(t *testing.T, p *pipes, _ *store, _ func() error) {
			slow := p.dial()
			began := time.Now()
			var sender sync.WaitGroup
			defer sender.Wait()
			sender.Go(func() {
				fmt.Fprintf(slow, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", tt.path)
				for range 1000 {
					if _, err := slow.Write([]byte(" ")); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
			text, _ := io.ReadAll(slow)
			slow.Close()
			if took := time.Since(began); took < tt.after-time.Second || took > tt.after+2*time.Second || !strings.Contains(string(text), tt.status) {
				t.Errorf("%s after %v: %s", tt.path, took, text)
			}
		})
	}
	serve(t, func(t *testing.T, p *pipes, _ *store, _ func() error) {
		steady := p.dial()
		defer steady.Close()
		body := segments(segment) + strings.Repeat(" ", 3<<20)
		began := time.Now()
		go func() {
			fmt.Fprintf(steady, "POST /TraceSegments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body))
			for at := 0; at < len(body); at += 80 << 10 {
				time.Sleep(time.Second)
				io.WriteString(steady, body[at:min(at+80<<10, len(body))])
			}
		}()
		text, _ := io.ReadAll(steady)
		if took := time.Since(began); took < 30*time.Second || !strings.Contains(string(text), " 200 ") {
			t.Errorf("after %v: %s", took, text)
		}
	})
}

// TestSlowReader: so is a client that does not read its answer.
func TestSlowReader(t *testing.T) {
	serve(t, func(t *testing.T, p *pipes, _ *store, _ func() error) {
		c := p.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /Traces HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"TraceIds\":[]}")
		time.Sleep(20 * time.Second)
		if text, _ := io.ReadAll(c); len(text) > 0 {
			t.Errorf("after 20 s the answer was still there: %s", text)
		}
	})
}

// TestSlowHeader: and one that does not get its header done.
func TestSlowHeader(t *testing.T) {
	serve(t, func(t *testing.T, p *pipes, _ *store, _ func() error) {
		c := p.dial()
		defer c.Close()
		began := time.Now()
		go fmt.Fprintf(c, "POST /Traces HTTP/1.1\r\n")
		io.ReadAll(c)
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("cut off after %v", took)
		}
	})
}

// TestLongWork: a request whose work takes long is not cut off by the limits
// for slow clients.
func TestLongWork(t *testing.T) {
	serve(t, func(t *testing.T, p *pipes, behind *store, _ func() error) {
		behind.before = func(ctx context.Context) error {
			select {
			case <-time.After(3 * time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		c := p.dial()
		defer c.Close()
		body := segments(segment)
		go fmt.Fprintf(c, "POST /TraceSegments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if text, _ := io.ReadAll(c); !strings.Contains(string(text), " 200 ") {
			t.Errorf("%s", text)
		}
	})
}

// TestCutOff: what does not end in time is cut off, so that the server does. Its
// client did not leave, so it counts as what the server could not do.
func TestCutOff(t *testing.T) {
	serve(t, func(t *testing.T, p *pipes, behind *store, stop func() error) {
		behind.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		c := p.dial()
		defer c.Close()
		body := segments(segment)
		fmt.Fprintf(c, "POST /TraceSegments HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		synctest.Wait()
		began := time.Now()
		err := stop()
		if took := time.Since(began); took < 8*time.Second || took > 10*time.Second || err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("after %v: %v", took, err)
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		p.server.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		if want := `tomo_http_requests_total{operation="PutTraceSegments",status="503"} 1`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	})
}

// FuzzRequest: whatever comes, the answer is JSON and not our fault.
func FuzzRequest(f *testing.F) {
	s, _ := newServer(f, server.Options{})
	paths := []string{"/TraceSegments", "/Traces", "/TraceSummaries", "/TraceGraph", "/ServiceGraph"}
	for i, body := range []string{
		segments(segment), `{"TraceIds":["` + trace + `"]}`, `{"StartTime":1,"EndTime":"2026-01-05T10:00:00Z","TimeRangeType":"Event"}`,
		`{"TraceIds":["` + trace + `"],"NextToken":""}`, `{"StartTime":-1e308,"EndTime":1e308,"GroupName":"Default"}`,
	} {
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, path uint8, body string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", paths[int(path)%len(paths)], strings.NewReader(body)))
		if w.Code != 200 && w.Code != 400 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	})
}

// sink takes everything and keeps nothing.
type sink struct{ ingest.Store }

func (sink) PutSegments(context.Context, []tomo.Incoming) ([]tomo.Over, error) { return nil, nil }

// BenchmarkPutTraceSegments is the cost of a request of 50 documents of 1.5 kB
// over a loopback connection, client included, without a store.
func BenchmarkPutTraceSegments(b *testing.B) {
	listening := httptest.NewServer(server.New(alone(server.NewServices(server.Parts{Pipeline: ingest.New(sink{}, ingest.Options{})})), server.Options{}))
	defer listening.Close()
	var docs []string
	for i := range 50 {
		docs = append(docs, strings.ReplaceAll(segment, "a000000000000001", fmt.Sprintf("a0000000000000%02x", i))+strings.Repeat(" ", 1400))
	}
	body := segments(docs...)
	b.ReportAllocs()
	for b.Loop() {
		reply, err := http.Post(listening.URL+"/TraceSegments", "application/json", strings.NewReader(body))
		if err != nil || reply.StatusCode != 200 {
			b.Fatal(reply, err)
		}
		io.Copy(io.Discard, reply.Body)
		reply.Body.Close()
	}
}
