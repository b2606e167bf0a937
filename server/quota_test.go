package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/server"
)

// TestQuotas: each kind of calls has its own rate, a second's worth may be used
// at once, and segments are counted when they are known.
func TestQuotas(t *testing.T) {
	documents := func(n int) string { return segments(strings.Split(strings.Repeat("{},", n-1)+"{}", ",")...) }
	type step struct {
		after time.Duration
		path  string
		body  string
		calls int // so many
		pass  int // of which so many
	}
	tests := []struct {
		what   string
		quotas server.Quotas
		steps  []step
	}{
		{"none", server.Quotas{}, []step{{0, "/TraceSegments", documents(50), 1000, 1000}, {0, "/CreateGroup", "{}", 100, 100}}},
		{"puts", server.Quotas{Put: 10}, []step{
			{0, "/TraceSegments", documents(1), 15, 10},
			{0, "/TelemetryRecords", "{}", 1, 0},
			{0, "/CreateGroup", "{}", 100, 100},
			{99 * time.Millisecond, "/TraceSegments", documents(1), 1, 0},
			{time.Millisecond, "/TraceSegments", documents(1), 2, 1},
			{time.Hour, "/TraceSegments", documents(1), 15, 10},
		}},
		{"less than one a second", server.Quotas{Change: 0.5}, []step{
			{0, "/CreateGroup", "{}", 2, 1},
			{time.Second, "/CreateGroup", "{}", 1, 0},
			{time.Second, "/CreateGroup", "{}", 2, 1},
		}},
		{"sampling", server.Quotas{Sampling: 1}, []step{
			{0, "/GetSamplingRules", "{", 2, 1},
			{0, "/SamplingTargets", "{}", 1, 0},
			{0, "/SamplingStatisticSummaries", "{", 5, 5},
		}},
		{"reads", server.Quotas{Read: 3}, []step{
			{0, "/Groups", "{", 2, 2},
			{0, "/StartTraceRetrieval", "{}", 2, 1},
			{0, "/ListResourcePolicies", "{", 2, 0},
			{0, "/TraceSegments", documents(1), 5, 5},
		}},
		{"segments", server.Quotas{Segments: 100}, []step{
			{0, "/TraceSegments", documents(60), 3, 2}, // 20 over
			{0, "/Groups", "{", 5, 5},
			{209 * time.Millisecond, "/TraceSegments", documents(60), 1, 0},
			{2 * time.Millisecond, "/TraceSegments", documents(60), 2, 1},
		}},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				services := server.NewServices(server.Parts{Pipeline: ingest.New(sink{}, ingest.Options{}), Quotas: test.quotas})
				s := server.New(alone(services), server.Options{})
				for i, step := range test.steps {
					time.Sleep(step.after)
					passed := 0
					for range step.calls {
						w := httptest.NewRecorder()
						s.ServeHTTP(w, httptest.NewRequest("POST", step.path, strings.NewReader(step.body)))
						switch {
						case w.Code != 429:
							passed++
						case recorded(w).exception() != "ThrottledException" || !strings.Contains(w.Body.String(), `"Rate exceeded"`):
							t.Errorf("step %d: %v %s", i, w.Header(), w.Body)
						}
					}
					if passed != step.pass {
						t.Errorf("step %d: %d of %d passed, want %d", i, passed, step.calls, step.pass)
					}
				}
			})
		})
	}
}
