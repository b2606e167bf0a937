// Package e2e holds the real binary against the clients that people use: the
// AWS SDK for Go, the AWS CLI, boto3, the X-Ray SDKs for Python, Node and Go, and
// Terraform, none of them changed. If one breaks, the server is wrong.
//
// Everything runs on loopback. A client that is not installed skips its test
// with its name, but with CI=true fails it; see clients.sh.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/internal/testkit"
)

// binary is the tomo under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "tomo-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "tomo")
		build := exec.Command("go", "build", "-o", binary, "github.com/tomotrace/tomo/cmd/tomo")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building tomo: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// server is a running tomo.
type server struct {
	t       testing.TB
	data    string
	flags   []string
	address string // host:port, TCP and UDP
	process *exec.Cmd
	exited  chan error
	log     *testkit.Buffer
}

// start runs tomo with its data in a directory of the test's own and returns
// when it is ready. It is killed when the test ends.
func start(t testing.TB, flags ...string) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir(), flags: flags, log: &testkit.Buffer{}}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("what the server said:\n%s", s.log)
		}
	})
	s.start()
	return s
}

// listening finds the address in what tomo prints at its start.
var listening = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// start runs the server again on the same data and returns how long it took
// until it was ready.
func (s *server) start() time.Duration {
	s.t.Helper()
	began := time.Now()
	s.process = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", s.data}, s.flags...)...)
	s.process.Stderr = s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	address := make(chan string, 1)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		found := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(s.log, lines.Text())
			if m := listening.FindStringSubmatch(lines.Text()); m != nil && !found {
				found = true
				address <- m[1]
			}
		}
	}()
	s.exited = make(chan error, 1)
	go func() {
		<-printed
		s.exited <- s.process.Wait()
	}()
	select {
	case s.address = <-address:
	case err := <-s.exited:
		s.exited <- err
		s.t.Fatalf("tomo ended at its start: %v\n%s", err, s.log)
	case <-time.After(30 * time.Second):
		s.t.Fatalf("tomo did not say where it listens\n%s", s.log)
	}
	within(s.t, 30*time.Second, "ready", func() error {
		answer, err := http.Get(s.url("/readyz"))
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
	return time.Since(began)
}

// kill ends the server as a power cut would, as far as a process can see.
func (s *server) kill() {
	s.process.Process.Kill()
	s.exited <- <-s.exited
}

// terminate sends SIGTERM and returns how the server ended.
func (s *server) terminate() error {
	s.t.Helper()
	s.process.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		s.exited <- err
		return err
	case <-time.After(15 * time.Second):
		return errors.New("tomo still runs 15 s after SIGTERM")
	}
}

func (s *server) url(path string) string { return "http://" + s.address + path }

// sdk is the AWS SDK for Go, pointed at the server. By default it tries three
// times, and needs to: it closes a request's body when the head of the answer
// is there, and if net/http has not yet seen the end of that body it takes this
// for an error and drops the connection in the middle of the answer. Servers
// that answer in less than a millisecond meet this now and then.
func (s *server) sdk(more ...func(*xray.Options)) *xray.Client {
	return xray.New(xray.Options{
		BaseEndpoint: aws.String(s.url("")),
		Region:       "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "anything"}, nil
		}),
	}, more...)
}

// once makes an SDK try only once: a failed call may or may not have been done.
func once(o *xray.Options) { o.RetryMaxAttempts = 1 }

// put sends documents by HTTP and fails the test unless all are taken.
func (s *server) put(documents ...string) {
	s.t.Helper()
	out, err := s.sdk().PutTraceSegments(s.t.Context(), &xray.PutTraceSegmentsInput{TraceSegmentDocuments: documents})
	if err != nil {
		s.t.Fatalf("PutTraceSegments: %v", err)
	}
	for _, u := range out.UnprocessedTraceSegments {
		s.t.Errorf("PutTraceSegments refused %s: %s %s", aws.ToString(u.Id), aws.ToString(u.ErrorCode), aws.ToString(u.Message))
	}
}

// send sends a document as a datagram.
func (s *server) send(document string) {
	s.t.Helper()
	conn, err := net.Dial("udp4", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(`{"format": "json", "version": 1}` + "\n" + document)); err != nil {
		s.t.Fatal(err)
	}
}

// trace reads one trace; nil if the server knows none by that id.
func (s *server) trace(id string) *types.Trace {
	s.t.Helper()
	out, err := s.sdk().BatchGetTraces(s.t.Context(), &xray.BatchGetTracesInput{TraceIds: []string{id}})
	if err != nil {
		s.t.Fatalf("BatchGetTraces %s: %v", id, err)
	}
	if len(out.Traces) == 0 {
		return nil
	}
	return &out.Traces[0]
}

// summary reads the summary of one trace of the last ten minutes.
func (s *server) summary(id string) *types.TraceSummary {
	s.t.Helper()
	now := time.Now()
	pages := xray.NewGetTraceSummariesPaginator(s.sdk(), &xray.GetTraceSummariesInput{
		StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("GetTraceSummaries: %v", err)
		}
		for i := range page.TraceSummaries {
			if aws.ToString(page.TraceSummaries[i].Id) == id {
				return &page.TraceSummaries[i]
			}
		}
	}
	return nil
}

// services reads the service graph of the last ten minutes.
func (s *server) services() []types.Service {
	s.t.Helper()
	now := time.Now()
	out, err := s.sdk().GetServiceGraph(s.t.Context(), &xray.GetServiceGraphInput{
		StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)),
	})
	if err != nil {
		s.t.Fatalf("GetServiceGraph: %v", err)
	}
	return out.Services
}

// metric reads one metric without labels.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	answer, err := http.Get(s.url("/metrics"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return value
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}

// within polls until the condition holds and fails the test when it still
// does not after d.
func within(t testing.TB, d time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(d)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s within %v: %v", what, d, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// shown is a segment or subsegment as the server shows it.
type shown struct {
	ID          string  `json:"id"`
	TraceID     string  `json:"trace_id"`
	ParentID    string  `json:"parent_id"`
	Name        string  `json:"name"`
	Origin      string  `json:"origin"`
	Namespace   string  `json:"namespace"`
	Start       float64 `json:"start_time"`
	End         float64 `json:"end_time"`
	InProgress  bool    `json:"in_progress"`
	Inferred    bool    `json:"inferred"`
	Fault       bool    `json:"fault"`
	Error       bool    `json:"error"`
	Throttle    bool    `json:"throttle"`
	User        string  `json:"user"`
	Annotations map[string]any
	Metadata    map[string]any
	HTTP        struct {
		Request  struct{ Method, URL string }
		Response struct{ Status int }
	}
	AWS   map[string]any
	Cause struct {
		Exceptions []struct {
			ID, Type, Message string
			Stack             []struct {
				Label, Path string
				Line        int
			}
		}
	}
	Subsegments []shown
}

// segments parses the documents of a trace, by name. Inferred ones are listed
// as "name (inferred)".
func segments(t testing.TB, trace *types.Trace) map[string]shown {
	t.Helper()
	byName := map[string]shown{}
	if trace == nil {
		return byName
	}
	for _, s := range trace.Segments {
		var d shown
		if err := json.Unmarshal([]byte(aws.ToString(s.Document)), &d); err != nil {
			t.Fatalf("a segment of the answer is not JSON: %v\n%s", err, aws.ToString(s.Document))
		}
		if d.ID != aws.ToString(s.Id) {
			t.Errorf("segment %s holds a document with the id %s", aws.ToString(s.Id), d.ID)
		}
		if d.Inferred {
			d.Name += " (inferred)"
		}
		byName[d.Name] = d
	}
	return byName
}

// find is the first subsegment of that name anywhere below s.
func (s shown) find(name string) (shown, bool) {
	for _, child := range s.Subsegments {
		if child.Name == name {
			return child, true
		}
		if found, ok := child.find(name); ok {
			return found, true
		}
	}
	return shown{}, false
}

// document writes a complete segment of the last second. Members is appended
// inside the object, such as `,"fault":true`.
func document(trace tomo.TraceID, id tomo.SegmentID, name, members string) string {
	now := float64(time.Now().UnixMicro()) / 1e6
	return fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":%q,"start_time":%.6f,"end_time":%.6f%s}`,
		trace, id, name, now-0.25, now, members)
}

// absent reports a client that is not installed: a failure in CI, where
// everything has to run, and a skip elsewhere.
func absent(t *testing.T, client string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed; in CI every client is tested (see e2e/clients.sh)", client)
	}
	t.Skipf("%s is not installed (see e2e/clients.sh)", client)
}

// clientEnvironment is what people set to point a client at Tomo instead of
// AWS, and nothing that would let it find anything else.
func (s *server) clientEnvironment(t *testing.T) []string {
	home := t.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials"),
		"AWS_ENDPOINT_URL_XRAY=" + s.url(""), "AWS_XRAY_DAEMON_ADDRESS=" + s.address,
		"AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=anything",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1",
	}
}

// run runs a client and returns what it printed; it must end well.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, errs, err := tryRun(t, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, out, errs)
	}
	return out
}

func tryRun(t *testing.T, env []string, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// programs lists the distinct programs of that name: the first on the PATH
// and the system's own, which may be of another version.
func programs(name string) (found []string) {
	if path, err := exec.LookPath(name); err == nil {
		found = append(found, path)
	}
	system := filepath.Join("/usr/bin", name)
	if _, err := os.Stat(system); err == nil && (len(found) == 0 || found[0] != system) {
		found = append(found, system)
	}
	return found
}

// pythons lists the interpreters that can import every one of the modules: those
// of programs, and the one that clients.sh may have made.
func pythons(t *testing.T, modules ...string) (found []string) {
	t.Helper()
	for _, python := range append(programs("python3"), filepath.Join(".venv", "bin", "python3")) {
		if exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			found = append(found, python)
		}
	}
	return found
}
