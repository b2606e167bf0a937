package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/server"
)

// exchange is a request and a part of what has to come back.
type exchange struct {
	path, body string
	exception  string // "" for 200
	want       string
}

func (d *door) exchanges(list ...exchange) {
	d.t.Helper()
	for _, e := range list {
		a := d.post(e.path, e.body)
		if a.header.Get(api.ErrorType) != e.exception || (a.status == 200) != (e.exception == "") || !strings.Contains(a.body, e.want) {
			d.t.Errorf("%s %s: %d %s %s\nwant %s %s", e.path, e.body, a.status, a.header.Get(api.ErrorType), a.body, e.exception, e.want)
		}
	}
}

const (
	invalidRequest = "InvalidRequestException"
	validation     = "ValidationException"
)

func TestPolicies(t *testing.T) {
	d := open(t, server.Options{})
	put := func(name, more string) string {
		return fmt.Sprintf(`{"PolicyName":%q,"PolicyDocument":"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"xray:*\"}}"%s}`, name, more)
	}
	d.exchanges(
		exchange{"/ListResourcePolicies", ``, "", `{"NextToken":null,"ResourcePolicies":[]}`},
		exchange{"/PutResourcePolicy", `{}`, validation, "2 validation errors detected: Value null at 'policyName' failed"},
		exchange{"/PutResourcePolicy", put("a/b", ""), validation, `at 'policyName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+`},
		exchange{"/PutResourcePolicy", put(strings.Repeat("n", 129), ""), validation, "at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 128"},
		exchange{"/PutResourcePolicy", `{"PolicyName":"sns","PolicyDocument":"{"}`, "MalformedPolicyDocumentException", "malformed"},
		exchange{"/PutResourcePolicy", put("sns", `,"PolicyRevisionId":"0"`), "", `"PolicyName":"sns","PolicyRevisionId":"1"`},
		exchange{"/PutResourcePolicy", put("sns", `,"PolicyRevisionId":"0"`), "InvalidPolicyRevisionIdException", "Another concurrent request has modified the resource policy sns"},
		exchange{"/ListResourcePolicies", ``, "", fmt.Sprintf(`"ResourcePolicies":[{"LastUpdatedTime":%v,"PolicyDocument":"{\"Statement\":`, encoded(t, api.Time(now.Unix())))},
		exchange{"/ListResourcePolicies", `{"NextToken":"x"}`, invalidRequest, "NextToken is currently not supported"},
		exchange{"/ListResourcePolicies", `{"NextToken":""}`, validation, "nextToken"},
		exchange{"/DeleteResourcePolicy", `{"PolicyName":"sns","PolicyRevisionId":"7"}`, "InvalidPolicyRevisionIdException", "modified or deleted the resource policy sns"},
		exchange{"/DeleteResourcePolicy", `{"PolicyName":"sns","PolicyRevisionId":"1"}`, "", `{}`},
		exchange{"/DeleteResourcePolicy", `{"PolicyName":"sns"}`, invalidRequest, "The resource policy sns does not exist."},
		exchange{"/PutResourcePolicy", `{"PolicyName":"big","PolicyDocument":"` + strings.Repeat("x", 5121) + `"}`, "PolicySizeLimitExceededException", "5121 bytes"},
	)
	for i := range 5 {
		d.exchanges(exchange{"/PutResourcePolicy", put(fmt.Sprint("p", i), ""), "", "PolicyRevisionId"})
	}
	d.exchanges(exchange{"/PutResourcePolicy", put("p5", ""), "PolicyCountLimitExceededException", "the limit"})
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDestinationAndIndexing(t *testing.T) {
	d := open(t, server.Options{})
	d.exchanges(
		exchange{"/GetTraceSegmentDestination", ``, "", `{"CompositeConfiguration":null,"Destination":"XRay","Status":"ACTIVE"}`},
		exchange{"/UpdateTraceSegmentDestination", `{"Destination":"XRay"}`, invalidRequest, "XRay already"},
		exchange{"/UpdateTraceSegmentDestination", `{"Destination":"Moon"}`, validation, "at 'destination' failed to satisfy constraint: Member must satisfy enum value set"},
		exchange{"/UpdateTraceSegmentDestination", `{"Destination":"CloudWatchLogs"}`, "", `"Destination":"CloudWatchLogs","Status":"ACTIVE"`},
		exchange{"/GetIndexingRules", ``, "", `"Name":"Default","Rule":{"Probabilistic":{"ActualSamplingPercentage":1.0,"DesiredSamplingPercentage":1.0}}}],"NextToken":null}`},
		exchange{"/GetIndexingRules", `{"NextToken":"x"}`, invalidRequest, "not supported"},
		exchange{"/UpdateIndexingRule", `{}`, validation, "'rule'"},
		exchange{"/UpdateIndexingRule", `{"Name":"Default","Rule":{}}`, invalidRequest, "Probabilistic"},
		exchange{"/UpdateIndexingRule", `{"Name":"Default","Rule":{"Probabilistic":{}}}`, validation, "'rule.probabilistic.desiredSamplingPercentage'"},
		exchange{"/UpdateIndexingRule", `{"Name":"Other","Rule":{"Probabilistic":{"DesiredSamplingPercentage":5}}}`, "ResourceNotFoundException", `no indexing rule`},
		exchange{"/UpdateIndexingRule", `{"Name":"Default","Rule":{"Probabilistic":{"DesiredSamplingPercentage":101}}}`, invalidRequest, "0 to 100"},
		exchange{"/UpdateIndexingRule", `{"Name":"Default","Rule":{"Probabilistic":{"DesiredSamplingPercentage":5}}}`, "",
			fmt.Sprintf(`{"IndexingRule":{"ModifiedAt":%s,"Name":"Default","Rule":{"Probabilistic":{"ActualSamplingPercentage":5.0,"DesiredSamplingPercentage":5.0}}}}`, encoded(t, api.Time(now.Unix())))},
	)
}

func TestTelemetry(t *testing.T) {
	d := open(t, server.Options{})
	record := func(members string) string { return `{"TelemetryRecords":[{"Timestamp":1767607260` + members + `}]}` }
	d.exchanges(
		exchange{"/TelemetryRecords", `{}`, validation, "'telemetryRecords'"},
		exchange{"/TelemetryRecords", `{"TelemetryRecords":[]}`, invalidRequest, "Telemetry records cannot be empty"},
		exchange{"/TelemetryRecords", `{"TelemetryRecords":[null]}`, validation, "'telemetryRecords.1.member'"},
		exchange{"/TelemetryRecords", `{"TelemetryRecords":[{}]}`, validation, "at 'telemetryRecords.1.member.timestamp'"},
		exchange{"/TelemetryRecords", record(`,"SegmentsSentCount":"7"`), "SerializationException", "STRING_VALUE can not be converted to an Integer"},
		exchange{"/TelemetryRecords", record(`,"SegmentsSentCount":{}`), "SerializationException", "an Integer"},
		exchange{"/TelemetryRecords", `{"EC2InstanceId":"` + strings.Repeat("i", 21) + `","TelemetryRecords":[{"Timestamp":1}]}`, validation, "length less than or equal to 20"},
		exchange{"/TelemetryRecords", record(``), "", `{}`},
		exchange{"/TelemetryRecords", record(`,"SegmentsReceivedCount":812,"SegmentsSentCount":810.9,"SegmentsSpilloverCount":-4,"SegmentsRejectedCount":99999999999,` +
			`"BackendConnectionErrors":{"TimeoutCount":3,"HTTPCode5XXCount":1,"OtherCount":null}`), "", `{}`},
		exchange{"/TelemetryRecords", `{"EC2InstanceId":"","Hostname":"box","ResourceARN":"","TelemetryRecords":[{"Timestamp":2,"SegmentsSentCount":2},{"Timestamp":1,"SegmentsSentCount":1}]}`, "", `{}`},
	)
	metrics := d.do("GET", "/metrics", "").body
	for _, want := range []string{
		`tomo_telemetry_segments_total{outcome="received"} 812`,
		`tomo_telemetry_segments_total{outcome="sent"} 813`,
		`tomo_telemetry_segments_total{outcome="rejected"} 2.147483647e+09`,
		`tomo_telemetry_connection_errors_total{kind="timeout"} 3`,
		`tomo_telemetry_connection_errors_total{kind="http_5xx"} 1`,
		`tomo_telemetry_records_total 4`, `tomo_telemetry_senders 2`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	page := d.do("GET", "/telemetry", "").body
	if want := `{"EC2InstanceId":"","Hostname":"box","ResourceARN":"","Records":[{"SegmentsSentCount":1,"Timestamp":1.0},{"SegmentsSentCount":2,"Timestamp":2.0}]}`; !strings.Contains(page, want) {
		t.Errorf("the page is %s, want %s", page, want)
	}
}

// TestRetrieval retrieves what was stored, page by page, in both formats.
func TestRetrieval(t *testing.T) {
	d := open(t, server.Options{})
	var ids []string
	for i := range 12 {
		id := fmt.Sprintf("1-6553f100-%024d", i+1)
		ids = append(ids, id)
		d.put(fmt.Sprintf(`{"trace_id":%q,"id":"%016x","name":"front","start_time":1700000000,"end_time":1700000001,
			"links":[{"trace_id":"1-6553f100-ffffffffffffffffffffffff","id":"00000000000000ff","attributes":{"aws.xray.reserved.reference_type":"parent"}}],
			"subsegments":[{"id":"%016x","name":"back","namespace":"remote","start_time":1700000000,"end_time":1700000001}]}`, id, 16*i+1, 16*i+2))
	}
	var many []string // a trace of 130 segments
	for i := range 130 {
		parent := ""
		if i > 0 {
			parent = fmt.Sprintf(`"parent_id":"%016x",`, i)
		}
		many = append(many, fmt.Sprintf(`{"trace_id":"1-6553f100-00000000000000000000aaaa","id":"%016x",%s"name":"s","start_time":1700000000,"end_time":1700000001}`, i+1, parent))
	}
	d.put(many...)
	ids = append(ids, "1-6553f100-00000000000000000000aaaa", "1-6553f100-00000000000000000000bbbb") // the last is not there
	start := func(from, to string, ids ...string) string {
		return fmt.Sprintf(`{"StartTime":%s,"EndTime":%s,"TraceIds":%s}`, from, to, encoded(t, ids))
	}
	d.exchanges(
		exchange{"/StartTraceRetrieval", `{}`, validation, "3 validation errors"},
		exchange{"/StartTraceRetrieval", start("2", "1", ids...), invalidRequest, "End time cannot be earlier than start time"},
		exchange{"/StartTraceRetrieval", start("1", "2"), validation, ""},
		exchange{"/StartTraceRetrieval", start("1", "2", "x"), invalidRequest, "Invalid traceId"},
		exchange{"/StartTraceRetrieval", start("1", "2", strings.Split(strings.Repeat(ids[0]+" ", 100)+ids[0], " ")...), validation, "100"},
		exchange{"/ListRetrievedTraces", `{"RetrievalToken":"x"}`, "ResourceNotFoundException", "no retrieval"},
		exchange{"/ListRetrievedTraces", `{"RetrievalToken":"x","TraceFormat":"JAEGER"}`, validation, "'traceFormat'"},
		exchange{"/GetRetrievedTracesGraph", `{"RetrievalToken":"x"}`, "ResourceNotFoundException", "no retrieval"},
		exchange{"/CancelTraceRetrieval", `{"RetrievalToken":"x"}`, "ResourceNotFoundException", "no retrieval"},
		exchange{"/CancelTraceRetrieval", `{}`, validation, "'retrievalToken'"},
	)
	begin := func(from, to string) string {
		var started api.StartTraceRetrievalResponse
		a := d.post("/StartTraceRetrieval", start(from, to, ids...))
		if err := json.Unmarshal([]byte(a.body), &started); err != nil || started.RetrievalToken == "" {
			t.Fatalf("starting: %s", a.body)
		}
		return started.RetrievalToken
	}
	type listed struct {
		NextToken       *string
		RetrievalStatus string
		Traces          []struct {
			ID       string `json:"Id"`
			Duration float64
			Spans    []struct{ ID, Document string }
		}
	}
	list := func(token, format string) (spans map[string]int, pages int) {
		spans = map[string]int{}
		next := ""
		for {
			var page listed
			a := d.post("/ListRetrievedTraces", fmt.Sprintf(`{"RetrievalToken":%q,"TraceFormat":%q,"NextToken":%q}`, token, format, next))
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || page.RetrievalStatus != "COMPLETE" || len(page.Traces) > 5 {
				t.Fatalf("listing: %s", a.body)
			}
			pages++
			for _, trace := range page.Traces {
				if len(trace.Spans) > 100 || trace.Duration != 1 {
					t.Errorf("%s has %d spans, duration %v", trace.ID, len(trace.Spans), trace.Duration)
				}
				for _, span := range trace.Spans {
					spans[trace.ID]++
					if !strings.Contains(span.Document, span.ID) || strings.Contains(span.Document, "startTimeUnixNano") != (format == "OTEL") {
						t.Errorf("span %s is %s", span.ID, span.Document)
					}
				}
			}
			if page.NextToken == nil {
				return spans, pages
			}
			next = *page.NextToken
		}
	}
	token := begin("1700000000", "1700000000")
	for _, format := range []string{"XRAY", "OTEL"} {
		spans, pages := list(token, format)
		if len(spans) != 13 || spans[ids[0]] != 2 || spans[ids[12]] != 130 || pages != 3 {
			t.Errorf("as %s there are %d pages of %v", format, pages, spans)
		}
	}
	if spans, _ := list(begin("1700000002", "1700000009"), "XRAY"); len(spans) != 0 {
		t.Errorf("of another time there is %v", spans)
	}
	d.exchanges(
		exchange{"/ListRetrievedTraces", fmt.Sprintf(`{"RetrievalToken":%q,"NextToken":"?"}`, token), invalidRequest, "Invalid token ?"},
		exchange{"/GetRetrievedTracesGraph", fmt.Sprintf(`{"RetrievalToken":%q}`, token), "",
			fmt.Sprintf(`{"Links":[{"DestinationTraceIds":["1-6553f100-ffffffffffffffffffffffff"],"ReferenceType":"parent","SourceTraceId":"%s"}`, ids[0])},
		exchange{"/CancelTraceRetrieval", fmt.Sprintf(`{"RetrievalToken":%q}`, token), "", `{}`},
		exchange{"/ListRetrievedTraces", fmt.Sprintf(`{"RetrievalToken":%q}`, token), "", `{"NextToken":null,"RetrievalStatus":"CANCELLED","TraceFormat":"XRAY","Traces":[]}`},
		exchange{"/GetRetrievedTracesGraph", fmt.Sprintf(`{"RetrievalToken":%q}`, token), "", `{"NextToken":null,"RetrievalStatus":"CANCELLED","Services":[]}`},
	)
}

// TestIndexed: what is not indexed is not found by searches, and is there all the
// same.
func TestIndexed(t *testing.T) {
	d := open(t, server.Options{})
	d.exchanges(
		exchange{"/UpdateIndexingRule", `{"Name":"Default","Rule":{"Probabilistic":{"DesiredSamplingPercentage":0}}}`, "", ""},
		exchange{"/UpdateTraceSegmentDestination", `{"Destination":"CloudWatchLogs"}`, "", ""},
	)
	before, after := "1-6553f100-00000000000000000000000a", "1-6553f100-00000000000000000000000b"
	for id, start := range map[string]int64{before: now.Unix() - 10, after: now.Unix()} {
		d.put(fmt.Sprintf(`{"trace_id":%q,"id":"00000000000000aa","name":"a","start_time":%d,"end_time":%d}`, id, start, start+1))
	}
	found := d.post("/TraceSummaries", fmt.Sprintf(`{"StartTime":%d,"EndTime":%d}`, now.Unix()-60, now.Unix()+60)).body
	if !strings.Contains(found, before) || strings.Contains(found, after) || !strings.Contains(found, `"TracesProcessedCount":2`) {
		t.Errorf("found %s", found)
	}
	d.exchanges(
		exchange{"/Traces", fmt.Sprintf(`{"TraceIds":[%q]}`, after), "", `"Id":"` + after},
		exchange{"/ServiceGraph", fmt.Sprintf(`{"StartTime":%d,"EndTime":%d}`, now.Unix()-60, now.Unix()+60), "", `"TotalCount":2`},
	)
}
