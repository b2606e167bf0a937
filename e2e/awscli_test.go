package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
)

// TestAWSCLI runs every command of the AWS CLI that Tomo answers, in each
// form of output.
func TestAWSCLI(t *testing.T) {
	found := programs("aws")
	if len(found) == 0 {
		absent(t, "the AWS CLI")
	}
	for _, program := range found {
		t.Run(program, func(t *testing.T) {
			s := start(t)
			env := s.clientEnvironment(t)
			// The endpoint is a flag because old versions do not read AWS_ENDPOINT_URL_XRAY.
			cli := func(args ...string) string {
				t.Helper()
				return run(t, env, program, append([]string{"xray", "--endpoint-url", s.url("")}, args...)...)
			}
			trace, id := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
			// Times are written in both forms that people use.
			window := func(args ...string) string {
				t.Helper()
				return cli(append(args,
					"--start-time", fmt.Sprint(time.Now().Add(-5*time.Minute).Unix()),
					"--end-time", time.Now().Add(time.Minute).UTC().Format(time.RFC3339))...)
			}

			var put struct {
				UnprocessedTraceSegments []struct{ ID, ErrorCode string }
			}
			decode(t, cli("put-trace-segments", "--output", "json", "--trace-segment-documents",
				document(trace, id, "checkout", `,"fault":true,"http":{"response":{"status":500}}`),
				`{"id":"nonsense"}`), &put)
			if len(put.UnprocessedTraceSegments) != 1 || put.UnprocessedTraceSegments[0].ErrorCode == "" {
				t.Errorf("put-trace-segments: %+v, want one refused", put)
			}

			var got struct {
				Traces []struct {
					ID       string
					Segments []struct{ ID, Document string }
				}
				UnprocessedTraceIDs []string
			}
			decode(t, cli("batch-get-traces", "--output", "json", "--trace-ids", trace.String()), &got)
			if len(got.Traces) != 1 || got.Traces[0].ID != trace.String() || len(got.Traces[0].Segments) != 1 ||
				got.Traces[0].Segments[0].ID != id.String() || got.UnprocessedTraceIDs == nil {
				t.Errorf("batch-get-traces: %+v", got)
			}

			var summaries struct {
				TraceSummaries []struct {
					ID       string
					HasFault bool
				}
				TracesProcessedCount int
			}
			decode(t, window("get-trace-summaries", "--output", "json"), &summaries)
			if len(summaries.TraceSummaries) != 1 || !summaries.TraceSummaries[0].HasFault || summaries.TracesProcessedCount != 1 {
				t.Errorf("get-trace-summaries: %+v", summaries)
			}

			for operation, answer := range map[string]string{
				"get-service-graph": window("get-service-graph", "--output", "json"),
				"get-trace-graph":   cli("get-trace-graph", "--output", "json", "--trace-ids", trace.String()),
			} {
				var graph struct {
					Services []struct {
						Name              string
						SummaryStatistics *struct{ FaultStatistics struct{ TotalCount int } }
					}
				}
				decode(t, answer, &graph)
				faults := 0
				for _, n := range graph.Services {
					if n.Name == "checkout" && n.SummaryStatistics != nil {
						faults += n.SummaryStatistics.FaultStatistics.TotalCount
					}
				}
				if len(graph.Services) != 2 || faults != 1 {
					t.Errorf("%s: %+v, want the client and checkout with one fault", operation, graph)
				}
			}

			// The other forms of output walk every member of the answer.
			text := window("get-trace-summaries", "--output", "text", "--query", "TraceSummaries[].[Id,HasFault,EntryPoint.Name]")
			if want := trace.String() + "\tTrue\tcheckout"; strings.TrimSpace(text) != want {
				t.Errorf("get-trace-summaries as text: %q, want %q", text, want)
			}
			if table := cli("batch-get-traces", "--output", "table", "--trace-ids", trace.String()); !strings.Contains(table, trace.String()) {
				t.Errorf("batch-get-traces as a table does not show the trace:\n%s", table)
			}
			if table := window("get-service-graph", "--output", "table"); !strings.Contains(table, "checkout") {
				t.Errorf("get-service-graph as a table does not show the service:\n%s", table)
			}

			_, complaint, err := tryRun(t, env, program, "xray", "--endpoint-url", s.url(""), "batch-get-traces", "--trace-ids", "nonsense")
			if err == nil || !strings.Contains(complaint, "InvalidRequestException") {
				t.Errorf("a malformed id: %v, %q", err, complaint)
			}
		})
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
}
