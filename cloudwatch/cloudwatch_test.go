package cloudwatch_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/cloudwatch"
)

// endpoint is what CloudWatch does with PutMetricData: it holds the request
// against its limits, and sums up what comes for a metric and a minute.
type endpoint struct {
	t testing.TB

	mu       sync.Mutex
	answers  []answer // to the next requests; afterwards all is well
	requests int
	sums     map[string]float64 // metric, dimensions and minute → sum
	samples  map[string]float64 // → number of values
}

// answer is how a request ends.
type answer struct {
	status int // 0: as if the network was gone before it came
	code   string
	lost   bool // it is done, but nobody hears of it
}

func newEndpoint(t testing.TB) *endpoint {
	return &endpoint{t: t, sums: map[string]float64{}, samples: map[string]float64{}}
}

func (e *endpoint) next(answers ...answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = answers
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Errorf("reading a request: %v", err)
	}
	status, text := e.take(r, string(body))
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// Do makes it a client of HTTP that needs no network.
func (e *endpoint) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, text := e.take(r, string(body))
	if status == 0 {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func (e *endpoint) take(r *http.Request, body string) (status int, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	a := answer{status: 200}
	if len(e.answers) > 0 {
		a, e.answers = e.answers[0], e.answers[1:]
	}
	if a.status == 200 {
		e.count(r, body)
	}
	switch {
	case a.lost:
		return 0, ""
	case a.status == 200:
		return 200, `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PutMetricDataResponse>`
	default:
		return a.status, `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>` + a.code + `</Code><Message>no</Message></Error></ErrorResponse>`
	}
}

func (e *endpoint) count(r *http.Request, body string) {
	if len(body) > 1<<20 {
		e.t.Errorf("a request of %d bytes", len(body))
	}
	if _, err := api.ParseSignature(r); err != nil {
		e.t.Errorf("the signature: %v", err)
	}
	form, err := url.ParseQuery(body)
	if err != nil || r.Method != http.MethodPost || form.Get("Action") != "PutMetricData" || form.Get("Version") != "2010-08-01" || form.Get("Namespace") == "" {
		e.t.Errorf("a request that is none: %v %s %s", err, r.Method, body[:min(len(body), 200)])
	}
	n := 0
	for ; form.Has(member(n+1, "MetricName")); n++ {
		get := func(name string) string { return form.Get(member(n+1, name)) }
		at, err := time.Parse(time.RFC3339, get("Timestamp"))
		if err != nil || at.Second() != 0 {
			e.t.Errorf("the time is %q", get("Timestamp"))
		}
		key := form.Get("Namespace") + " " + get("MetricName") + " " + get("Unit")
		for d := 1; form.Has(member(n+1, fmt.Sprintf("Dimensions.member.%d.Name", d))); d++ {
			key += " " + get(fmt.Sprintf("Dimensions.member.%d.Name", d)) + "=" + get(fmt.Sprintf("Dimensions.member.%d.Value", d))
		}
		key += at.Format(" 15:04")
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(get(name), 64)
			if err != nil {
				e.t.Errorf("%s of %s: %v", name, key, err)
			}
			return v
		}
		if form.Has(member(n+1, "Value")) {
			e.sums[key] += number("Value")
			e.samples[key]++
			continue
		}
		v := 0
		for ; form.Has(member(n+1, fmt.Sprintf("Values.member.%d", v+1))); v++ {
			count := number(fmt.Sprintf("Counts.member.%d", v+1))
			e.sums[key] += count * number(fmt.Sprintf("Values.member.%d", v+1))
			e.samples[key] += count
		}
		if v == 0 || v > 150 {
			e.t.Errorf("%s has %d values", key, v)
		}
	}
	if n == 0 || n > 1000 {
		e.t.Errorf("a request of %d data", n)
	}
}

func member(n int, name string) string { return fmt.Sprintf("MetricData.member.%d.%s", n, name) }

// got are the sums, with the number of samples where it says more.
func (e *endpoint) got() (lines []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, sum := range e.sums {
		line := fmt.Sprintf("%s %.6g", key, sum)
		if n := e.samples[key]; strings.Contains(key, "ResponseTime") {
			line += fmt.Sprintf(" of %v", n)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// client is the SDK's, with the endpoint instead of a network.
func (e *endpoint) client() *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: awsv2.String("http://monitoring.test"), Region: "eu-central-1", HTTPClient: e, Retryer: awsv2.NopRetryer{},
		Credentials: awsv2.CredentialsProviderFunc(func(context.Context) (awsv2.Credentials, error) {
			return awsv2.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "anything"}, nil
		}),
		DisableRequestCompression: true,
	}, func(o *sdk.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) })
}

// tally gives figures once.
type tally struct {
	mu    sync.Mutex
	fresh []cloudwatch.Figures
}

func (t *tally) add(group string, traces, faults int64, times ...time.Duration) {
	f := cloudwatch.Figures{GroupFigures: tomo.GroupFigures{Group: group, Traces: traces, Faults: faults}}
	for _, d := range times {
		f.ResponseTimes.Add(d)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = append(t.fresh, f)
}

func (t *tally) take() []cloudwatch.Figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.fresh
	t.fresh = nil
	return all
}

// start runs a publisher until stop is called. Time begins at 00:00 in a bubble.
func start(e *endpoint, o cloudwatch.Options) (counts *tally, stop func()) {
	counts = new(tally)
	o.Client, o.Figures = cmp.Or[cloudwatch.Client](o.Client, e.client()), counts.take
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	p := cloudwatch.New(o)
	running.Go(func() { p.Run(ctx) })
	return counts, func() {
		cancel()
		running.Wait()
	}
}

func wants(t *testing.T, e *endpoint, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, e.got()); diff != "" {
		t.Errorf("published (-want +got)\n%s", diff)
	}
}

const zero = time.Duration(0)

func TestMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		counts, stop := start(e, cloudwatch.Options{})
		counts.add("Default", 3, 1, 100*time.Millisecond, 100*time.Millisecond, 2*time.Second)
		counts.add("slow", 0, 0)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		wants(t, e)
		time.Sleep(time.Second)
		synctest.Wait()
		first := []string{
			"AWS/X-Ray ApproximateTraceCount None GroupName=Default 00:00 3",
			"AWS/X-Ray ApproximateTraceCount None GroupName=slow 00:00 0",
			"Tomo ErrorCount Count GroupName=Default 00:00 0",
			"Tomo ErrorCount Count GroupName=slow 00:00 0",
			"Tomo FaultCount Count GroupName=Default 00:00 1",
			"Tomo FaultCount Count GroupName=slow 00:00 0",
			"Tomo ResponseTime Seconds GroupName=Default 00:00 2.2 of 3",
			"Tomo ThrottleCount Count GroupName=Default 00:00 0",
			"Tomo ThrottleCount Count GroupName=slow 00:00 0",
		}
		wants(t, e, first...)
		time.Sleep(5 * time.Minute) // nothing to tell: nothing is sent
		synctest.Wait()
		wants(t, e, first...)

		// What was counted before the end goes with the minute that runs.
		counts.add("Default", 5, 0)
		time.Sleep(30 * time.Second)
		stop()
		all := append(slices.Clone(first),
			"AWS/X-Ray ApproximateTraceCount None GroupName=Default 00:06 5",
			"Tomo ErrorCount Count GroupName=Default 00:06 0",
			"Tomo FaultCount Count GroupName=Default 00:06 0",
			"Tomo ThrottleCount Count GroupName=Default 00:06 0")
		slices.Sort(all)
		wants(t, e, all...)
	})
}

// minute is what one minute of n traces of Default publishes.
func minute(namespace, at string, n int) []string {
	return []string{
		fmt.Sprintf("%s ApproximateTraceCount None GroupName=Default %s %d", namespace, at, n),
		"Tomo ErrorCount Count GroupName=Default " + at + " 0", "Tomo FaultCount Count GroupName=Default " + at + " 0",
		"Tomo ThrottleCount Count GroupName=Default " + at + " 0",
	}
}

// TestFailures: a request is sent until it is answered, and not again.
func TestFailures(t *testing.T) {
	down := answer{status: 503, code: "ServiceUnavailable"}
	lost := answer{status: 200, lost: true}
	tests := []struct {
		name     string
		answers  []answer
		traces   int // of 3
		own      bool
		requests int
	}{
		{"all is well", nil, 3, true, 2},
		{"no network", []answer{{}, {}, {}}, 3, true, 5},
		{"down", []answer{down, down, down, down}, 3, true, 6},
		{"down for the second", []answer{{status: 200}, down, down}, 3, true, 4},
		{"throttled", []answer{{status: 400, code: "Throttling"}, {status: 429, code: "TooManyRequests"}}, 3, true, 4},
		{"no credentials", []answer{{status: 403, code: "InvalidClientTokenId"}, {status: 403, code: "ExpiredToken"}}, 3, true, 4},
		{"refused", []answer{{status: 400, code: "InvalidParameterValue"}}, 0, true, 2},
		{"too large", []answer{{status: 413, code: "RequestEntityTooLarge"}}, 0, true, 2},
		{"both refused", []answer{{status: 400, code: "InvalidParameterValue"}, {status: 400, code: "InvalidParameterValue"}}, 0, false, 2},
		{"an answer is lost", []answer{lost}, 6, true, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.next(tt.answers...)
				counts, stop := start(e, cloudwatch.Options{Namespace: "Other"})
				defer stop()
				counts.add("Default", 3, 0)
				time.Sleep(4 * time.Minute)
				synctest.Wait()
				var want []string
				for i, line := range minute("Other", "00:00", tt.traces) {
					if i == 0 && tt.traces > 0 || i > 0 && tt.own {
						want = append(want, line)
					}
				}
				wants(t, e, want...)
				if e.requests != tt.requests {
					t.Errorf("%d requests, want %d", e.requests, tt.requests)
				}
			})
		})
	}
}

// TestOutage: when the endpoint comes back the minutes of the last hour are
// published, the oldest first, and nobody asked it too often meanwhile.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		e.next(slices.Repeat([]answer{{status: 500, code: "InternalFailure"}}, 100_000)...)
		var log bytes.Buffer
		counts, stop := start(e, cloudwatch.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		time.Sleep(30 * time.Second)
		for range 90 {
			counts.add("Default", 1, 0)
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if e.requests < 90 || e.requests > 90*5 {
			t.Errorf("%d requests in 90 minutes of failure", e.requests)
		}
		e.next()
		time.Sleep(30 * time.Second)
		stop()
		var want []string
		for m := 30; m < 90; m++ {
			want = append(want, minute("AWS/X-Ray", fmt.Sprintf("%02d:%02d", m/60, m%60), 1)...)
		}
		slices.Sort(want)
		wants(t, e, want...)
		if !strings.Contains(log.String(), "given up") {
			t.Errorf("the log says nothing of what is given up")
		}
	})
}

// TestStop: what waits is sent when the server stops, but not for ever; what is
// being sent then is not sent twice.
func TestStop(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []answer
		traces  int
	}{
		{"all is well", nil, 4},
		{"a failure", []answer{{status: 500}}, 4},
		{"down", slices.Repeat([]answer{{status: 500}}, 1000), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.next(tt.answers...)
				counts, stop := start(e, cloudwatch.Options{})
				counts.add("Default", 4, 0)
				time.Sleep(10 * time.Second)
				began := time.Now()
				stop()
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("stopping took %v", took)
				}
				var want []string
				if tt.traces > 0 {
					want = minute("AWS/X-Ray", "00:00", tt.traces)
				}
				wants(t, e, want...)
			})
		})
	}
	t.Run("while it is sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint(t)
			slow := &slowly{e.client(), 2 * time.Second}
			counts, stop := start(e, cloudwatch.Options{Client: slow})
			counts.add("Default", 4, 0)
			time.Sleep(61 * time.Second)
			stop()
			wants(t, e, minute("AWS/X-Ray", "00:00", 4)...)
			if e.requests != 2 {
				t.Errorf("%d requests", e.requests)
			}
		})
	})
	t.Run("nobody answers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint(t)
			counts, stop := start(e, cloudwatch.Options{Client: &slowly{e.client(), time.Hour}})
			counts.add("Default", 4, 0)
			time.Sleep(61 * time.Second)
			began := time.Now()
			stop()
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("stopping took %v", took)
			}
		})
	})
}

// slowly is a client that takes its time with the first request of each pair.
type slowly struct {
	*sdk.Client
	takes time.Duration
}

func (s *slowly) PutMetricData(ctx context.Context, in *sdk.PutMetricDataInput, more ...func(*sdk.Options)) (*sdk.PutMetricDataOutput, error) {
	if *in.Namespace != cloudwatch.OwnNamespace {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.Client.PutMetricData(ctx, in, more...)
}

// TestSums: whatever the figures, they arrive whole, in requests as CloudWatch
// takes them.
func TestSums(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint(t)
			counts, stop := start(e, cloudwatch.Options{})
			want := map[string]float64{}
			for g := range rapid.IntRange(0, 40).Draw(rt, "groups") {
				var f cloudwatch.Figures
				f.Group = fmt.Sprintf("g%02d", g)
				f.Tenant = rapid.SampledFrom([]string{"", "acme"}).Draw(rt, "tenant")
				f.Traces = rapid.Int64Range(0, 1e9).Draw(rt, "traces")
				key := " GroupName=" + f.Group
				if f.Tenant != "" {
					key += " Tenant=" + f.Tenant
				}
				want["AWS/X-Ray ApproximateTraceCount None"+key+" 00:00"] = float64(f.Traces)
				spread := rapid.SampledFrom([]int{0, 3, 90, 1000}).Draw(rt, "spread")
				for i := range spread {
					f.ResponseTimes.Add(time.Duration(i*i*i) * time.Millisecond)
				}
				for _, b := range f.ResponseTimes.Bins() {
					want["Tomo ResponseTime Seconds"+key+" 00:00"] += float64(b.Count*b.Value) / 1000
				}
				counts.fresh = append(counts.fresh, f)
			}
			stop()
			for key, sum := range want {
				if got := e.sums[key]; got < sum*(1-1e-9) || got > sum*(1+1e-9) {
					rt.Errorf("%s is %v, want %v", key, got, sum)
				}
			}
		})
	})
}

// TestDial publishes over a network, signed with the credentials of the
// environment.
func TestDial(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "anything", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	e := newEndpoint(t)
	listening := httptest.NewServer(e)
	defer listening.Close()
	client, err := cloudwatch.Dial(t.Context(), listening.URL, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	counts := &tally{}
	counts.add("Default", 7, 2, zero)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cloudwatch.New(cloudwatch.Options{Client: client, Figures: counts.take}).Run(ctx)
	got := strings.Join(e.got(), "\n")
	for _, want := range []string{"AWS/X-Ray ApproximateTraceCount None GroupName=Default ", "Tomo FaultCount Count GroupName=Default ", "Tomo ResponseTime Seconds GroupName=Default "} {
		if !strings.Contains(got, want) {
			t.Errorf("published\n%s\nwithout %s", got, want)
		}
	}
}
