package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/tomotrace/tomo"
)

// refusals sends documents and lists the codes of those refused, with the part
// of the message that says why.
func (s *server) refusals(documents ...string) (codes []string) {
	s.t.Helper()
	out, err := s.sdk().PutTraceSegments(s.t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: documents})
	if err != nil {
		s.t.Fatalf("PutTraceSegments: %v", err)
	}
	for _, u := range out.UnprocessedTraceSegments {
		codes = append(codes, aws.ToString(u.ErrorCode))
	}
	return codes
}

// TestLargeTrace checks that a trace of ten thousand segments works, and that
// one more than the limit allows is refused and told of.
func TestLargeTrace(t *testing.T) {
	const limit = 10_000
	s := start(t, "--max-trace-segments", fmt.Sprint(limit), "--quiet", "500ms")
	id, root := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
	batch := []string{document(id, root, "root", "")}
	for n := 1; n < limit; n++ {
		batch = append(batch, document(id, tomo.NewSegmentID(), "leaf", fmt.Sprintf(`,"parent_id":"%v"`, root)))
		if len(batch) == 500 || n == limit-1 {
			s.put(batch...)
			batch = nil
		}
	}
	check := func(when string, exceeded bool) {
		t.Helper()
		trace := s.trace(id.String())
		if trace == nil {
			t.Fatalf("%s: the trace is not there", when)
		}
		if len(trace.Segments) != limit || aws.ToBool(trace.LimitExceeded) != exceeded {
			t.Fatalf("%s: got %d segments, LimitExceeded %v; want %d, %v", when, len(trace.Segments), aws.ToBool(trace.LimitExceeded), limit, exceeded)
		}
	}
	check("at the limit", false)
	if got, want := s.refusals(document(id, tomo.NewSegmentID(), "leaf", "")), []string{string(tomo.InvalidSegment)}; !slices.Equal(got, want) {
		t.Errorf("one more is answered %v, want %v", got, want)
	}
	check("beyond the limit", true)
	within(t, 20*time.Second, "settled", func() error {
		if n := s.metric("tomo_block_traces"); n != 1 {
			return fmt.Errorf("%v traces in blocks", n)
		}
		return nil
	})
	check("settled", true)
	s.kill()
	s.start()
	check("after a restart", true)
}

// TestSettings checks that the settings of serve reach the parts they are for.
func TestSettings(t *testing.T) {
	s := start(t, "--strict-trace-ids", "--max-document", "2000", "--log-format", "json")
	past := tomo.NewTraceID(time.Now().Add(-31 * 24 * time.Hour))
	got := s.refusals(
		document(past, tomo.NewSegmentID(), "old", ""),
		document(tomo.NewTraceID(time.Now()), tomo.NewSegmentID(), "long", `,"metadata":{"default":{"x":"`+strings.Repeat("x", 2000)+`"}}`),
		document(tomo.NewTraceID(time.Now()), tomo.NewSegmentID(), "good", ""),
	)
	if want := []string{string(tomo.InvalidTraceID), string(tomo.InvalidSegment)}; !slices.Equal(got, want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), `"level":"INFO"`) {
		t.Error("the log is not JSON")
	}
}
