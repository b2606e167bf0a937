package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
)

// putMany puts n traces of a shop that calls a bank, and returns the ids of
// those that failed. Of twenty traces one fails, one is an error and one is slow.
func (s *server) putMany(n int) (failed []string) {
	s.t.Helper()
	now := float64(time.Now().UnixMilli()) / 1e3
	var documents []string
	for i := range n {
		trace, call := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
		took, members := 0.1, ""
		switch i % 20 {
		case 3:
			members = `,"fault":true`
			failed = append(failed, trace.String())
		case 9:
			members = `,"error":true`
		case 14:
			took = 1.5
		}
		documents = append(documents,
			fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":"shop","start_time":%.3f,"end_time":%.3f%s,"subsegments":[{"id":"%v","name":"bank","namespace":"remote","start_time":%.3f,"end_time":%.3f}]}`,
				trace, tomo.NewSegmentID(), now-took, now, members, call, now-0.08, now-0.02),
			fmt.Sprintf(`{"trace_id":"%v","id":"%v","parent_id":"%v","name":"bank","start_time":%.3f,"end_time":%.3f}`, trace, tomo.NewSegmentID(), call, now-0.07, now-0.03))
	}
	for batch := range slices.Chunk(documents, 50) {
		s.put(batch...)
	}
	return failed
}

// figures reads a metric with labels: value by the label values, in order of
// their names.
func (s *server) figures(name string) map[string]float64 {
	s.t.Helper()
	answer, err := http.Get(s.url("/metrics"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	all := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		labels, text, found := strings.Cut(strings.TrimPrefix(lines.Text(), name+"{"), "} ")
		if !found || !strings.HasPrefix(lines.Text(), name+"{") {
			continue
		}
		var values []string
		for _, label := range strings.Split(labels, ",") {
			_, value, _ := strings.Cut(label, "=")
			values = append(values, strings.Trim(value, `"`))
		}
		if all[strings.Join(values, " ")], err = strconv.ParseFloat(text, 64); err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

// requests are those of the services of a graph of the last ten minutes, by
// name, and its header about what was dropped.
func (s *server) requests(group string) (byName map[string]int, dropped int, old bool) {
	s.t.Helper()
	input := &xray.GetServiceGraphInput{StartTime: aws.Time(time.Now().Add(-10 * time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute))}
	if group != "" {
		input.GroupName = &group
	}
	out, err := s.sdk().GetServiceGraph(s.t.Context(), input)
	if err != nil {
		s.t.Fatalf("GetServiceGraph: %v", err)
	}
	byName = map[string]int{}
	for _, service := range out.Services {
		if service.SummaryStatistics != nil {
			byName[aws.ToString(service.Name)] += int(aws.ToInt64(service.SummaryStatistics.TotalCount))
		}
	}
	return byName, s.droppedHeader(out.ResultMetadata), out.ContainsOldGroupVersions
}

// droppedHeader is what the header of an answer says of dropped traces.
func (s *server) droppedHeader(metadata middleware.Metadata) int {
	s.t.Helper()
	raw, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response)
	if !ok {
		s.t.Fatal("the SDK gives no answer of HTTP")
	}
	text := raw.Header.Get("x-tomo-dropped-traces")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// held lists the traces of the last ten minutes, and what the header says.
func (s *server) held() (ids []string, processed, dropped int) {
	s.t.Helper()
	input := &xray.GetTraceSummariesInput{StartTime: aws.Time(time.Now().Add(-10 * time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute))}
	for pages := xray.NewGetTraceSummariesPaginator(s.sdk(), input); pages.HasMorePages(); {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("GetTraceSummaries: %v", err)
		}
		for _, summary := range page.TraceSummaries {
			ids = append(ids, aws.ToString(summary.Id))
		}
		processed, dropped = int(aws.ToInt64(page.TracesProcessedCount)), s.droppedHeader(page.ResultMetadata)
	}
	return ids, processed, dropped
}

// counted are the requests that a time series of the last ten minutes counts,
// and what the header says.
func (s *server) counted(group string) (requests, faults, dropped int) {
	s.t.Helper()
	input := &xray.GetTimeSeriesServiceStatisticsInput{StartTime: aws.Time(time.Now().Add(-10 * time.Minute)), EndTime: aws.Time(time.Now().Add(2 * time.Minute))}
	if group != "" {
		input.GroupName = &group
	}
	for pages := xray.NewGetTimeSeriesServiceStatisticsPaginator(s.sdk(), input); pages.HasMorePages(); {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("GetTimeSeriesServiceStatistics: %v", err)
		}
		for _, p := range page.TimeSeriesServiceStatistics {
			if edge := p.EdgeSummaryStatistics; edge != nil {
				requests += int(aws.ToInt64(edge.TotalCount))
				faults += int(aws.ToInt64(edge.FaultStatistics.TotalCount))
			}
		}
		dropped = s.droppedHeader(page.ResultMetadata)
	}
	return requests, faults, dropped
}

// settled waits until so many traces have settled.
func (s *server) settled(n int) {
	s.t.Helper()
	within(s.t, 60*time.Second, "settled", func() error {
		if got := s.figures("tomo_group_traces_total")["Default"]; got != float64(n) {
			return fmt.Errorf("%v of %d traces settled", got, n)
		}
		return nil
	})
}

// TestKeepRules: all that was received is counted, and what matters is kept.
func TestKeepRules(t *testing.T) {
	s := start(t, "--quiet", "300ms")
	all, few := 1.0, 0.05
	operator := client.New(s.url(""))
	if _, err := operator.SetKeepRules(t.Context(), &api.KeepRules{Rules: []api.KeepRule{
		{Name: "bad", Filter: "fault OR error OR responsetime > 1", Rate: &all},
		{Name: "rest", Rate: &few},
	}}); err != nil {
		t.Fatal(err)
	}
	s.group("slow", "responsetime > 1")
	const n = 2000 // of which a twentieth each fails, is an error, is slow
	failed := s.putMany(n)
	s.settled(n)

	decisions := s.figures("tomo_keep_traces_total")
	dropped := int(decisions["dropped rest"])
	if got := decisions["kept bad"]; got != 3*n/20 {
		t.Errorf("the first rule keeps %v, want %d", got, 3*n/20)
	}
	// The rest is binomial: this is six standard deviations to both sides.
	if kept := int(decisions["kept rest"]); kept+dropped != n-3*n/20 || kept < 31 || kept > 139 {
		t.Errorf("of the rest %d are kept and %d dropped", kept, dropped)
	}
	if got := decisions["kept (none)"]; got != 0 {
		t.Errorf("%v traces come to no rule", got)
	}
	for name, want := range map[string]float64{
		"tomo_group_traces_total": n, "tomo_group_faults_total": n / 20, "tomo_group_errors_total": n / 20, "tomo_group_throttles_total": 0,
		"tomo_group_response_time_seconds_count": n,
	} {
		if got := s.figures(name)["Default"]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := s.figures("tomo_group_traces_total")["slow"]; got != n/20 {
		t.Errorf("%v traces in the group, want %d", got, n/20)
	}
	verify := func() {
		t.Helper()
		ids, processed, told := s.held()
		if len(ids) != n-dropped || processed != n-dropped || told != dropped {
			t.Errorf("%d traces are held, %d processed, %d dropped; want %d, %d dropped", len(ids), processed, told, n-dropped, dropped)
		}
		slices.Sort(ids)
		for _, id := range failed {
			if _, found := slices.BinarySearch(ids, id); !found {
				t.Errorf("%s failed, and is not held", id)
			}
		}
		if services, told, _ := s.requests(""); services["shop"] != n || services["bank"] != n || told != dropped {
			t.Errorf("the graph counts %v, %d dropped; want %d each, %d dropped", services, told, n, dropped)
		}
		if services, told, _ := s.requests("slow"); services["shop"] != n/20 || services["bank"] != n/20 || told != 0 {
			t.Errorf("the graph of the group counts %v, %d dropped; want %d each", services, told, n/20)
		}
		if requests, faults, told := s.counted(""); requests != n || faults != n/20 || told != dropped {
			t.Errorf("the series counts %d requests, %d faults, %d dropped; want %d, %d, %d", requests, faults, told, n, n/20, dropped)
		}
		if requests, faults, told := s.counted("slow"); requests != n/20 || faults != 0 || told != 0 {
			t.Errorf("the series of the group counts %d requests, %d faults, %d dropped; want %d", requests, faults, told, n/20)
		}
	}
	verify()
	if got := s.metric("tomo_block_traces"); got != float64(n-dropped) {
		t.Errorf("%v traces are on disk, want %d", got, n-dropped)
	}
	s.kill()
	s.start()
	verify()

	for _, line := range []string{"graph", "series", "traces"} {
		out := run(t, append(s.clientEnvironment(t), "TOMO_ENDPOINT="+s.url("")), binary, line)
		if want := fmt.Sprintf("%d traces of this time were counted and then dropped by keep rules.\n", dropped); !strings.HasSuffix(out, want) {
			t.Errorf("tomo %s ends with %q", line, out[max(0, len(out)-120):])
		}
	}

	// A kept trace stays whatever comes later.
	s.put(fmt.Sprintf(`{"trace_id":"%s","id":"%v","name":"late","start_time":%d,"end_time":%[3]d}`, failed[0], tomo.NewSegmentID(), time.Now().Unix()))
	within(t, 20*time.Second, "settled", func() error {
		if got := s.figures("tomo_group_traces_total")["Default"]; got != 0 { // a reopened trace is not a new one
			t.Fatalf("%v traces settled", got)
		}
		if open := s.metric("tomo_open_traces"); open != 0 {
			return fmt.Errorf("%v traces are open", open)
		}
		return nil
	})
	if trace := s.trace(failed[0]); trace == nil || len(trace.Segments) != 3 {
		t.Errorf("the reopened trace is %v", trace)
	}
}

// group creates a group.
func (s *server) group(name, filter string) {
	s.t.Helper()
	if _, err := s.sdk().CreateGroup(s.t.Context(), &xray.CreateGroupInput{GroupName: &name, FilterExpression: &filter}); err != nil {
		s.t.Fatal(err)
	}
}

// TestGroupTraffic: a group counts the traces that matched its filter when they
// settled; another filter is for those to come.
func TestGroupTraffic(t *testing.T) {
	s := start(t, "--quiet", "300ms")
	s.group("failing", "fault")
	s.group("nested", `group.name = "failing" OR error`)
	check := func(group string, want int, oldWanted bool) {
		t.Helper()
		services, _, old := s.requests(group)
		if services["shop"] != want || services["bank"] != want || old != oldWanted {
			t.Errorf("the graph of %q counts %v, old versions %v; want %d each, %v", group, services, old, want, oldWanted)
		}
		if requests, _, _ := s.counted(group); requests != want {
			t.Errorf("the series of %q counts %d requests, want %d", group, requests, want)
		}
	}
	s.putMany(100)
	check("failing", 5, false) // open traces count as they would settle
	check("nested", 10, false)
	s.settled(100)
	check("", 100, false)
	check("failing", 5, false)
	check("nested", 10, false)

	if _, err := s.sdk().UpdateGroup(t.Context(), &xray.UpdateGroupInput{GroupName: aws.String("failing"), FilterExpression: aws.String("responsetime > 1")}); err != nil {
		t.Fatal(err)
	}
	check("failing", 5, true) // who was in stays
	s.putMany(100)
	s.settled(200)
	check("failing", 10, true) // five that failed, and five that were slow
	check("nested", 20, false) // five of each: failed and erred, then slow and erred
	check("", 200, false)
	s.kill()
	s.start()
	check("failing", 10, true)
	check("nested", 20, false)
	check("", 200, false)

	s.putMany(20)
	s.settled(20)
	if _, err := s.sdk().DeleteGroup(t.Context(), &xray.DeleteGroupInput{GroupName: aws.String("failing")}); err != nil {
		t.Fatal(err)
	}
	if got := s.figures("tomo_group_traces_total"); len(got) != 2 || got["Default"] != 20 || got["nested"] != 2 {
		t.Errorf("metrics of the groups: %v", got)
	}
}

// TestCloudWatch: what settles is published, at the latest when the server
// stops.
func TestCloudWatch(t *testing.T) {
	var mu sync.Mutex
	sums := map[string]float64{}
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, err2 := url.ParseQuery(string(body))
		if err != nil || err2 != nil || !strings.Contains(r.Header.Get("Authorization"), "AKIDEXAMPLE") || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/monitoring/aws4_request") {
			t.Errorf("a request: %v %v %s", err, err2, r.Header)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := 1; form.Has(fmt.Sprintf("MetricData.member.%d.MetricName", i)); i++ {
			member := fmt.Sprintf("MetricData.member.%d.", i)
			value, _ := strconv.ParseFloat(form.Get(member+"Value"), 64)
			sums[form.Get("Namespace")+" "+form.Get(member+"MetricName")+" "+form.Get(member+"Dimensions.member.1.Value")] += value
		}
		io.WriteString(w, `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PutMetricDataResponse>`)
	}))
	defer fake.Close()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "anything", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
	s := start(t, "--quiet", "300ms", "--region", "eu-central-1", "--cloudwatch-endpoint", fake.URL)
	s.group("failing", "fault")
	s.putMany(60)
	s.settled(60)
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for name, want := range map[string]float64{
		"AWS/X-Ray ApproximateTraceCount Default": 60, "AWS/X-Ray ApproximateTraceCount failing": 3,
		"Tomo FaultCount Default": 3, "Tomo FaultCount failing": 3, "Tomo ErrorCount Default": 3, "Tomo ErrorCount failing": 0,
	} {
		if got, there := sums[name]; got != want || !there {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
