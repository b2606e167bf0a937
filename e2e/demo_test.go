package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo/internal/testkit"
)

// TestDemo does what make demo does, and sees what its reader is to see within a
// minute: a map, and on it something that fails, is refused and is in error.
func TestDemo(t *testing.T) {
	s := &server{t: t, log: &testkit.Buffer{}}
	demo := exec.Command(binary, "demo", "--serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--rate", "20")
	demo.Stdout, demo.Stderr = s.log, s.log
	// It must not be led astray by what is meant for others.
	demo.Env = append(os.Environ(), "AWS_XRAY_TRACING_NAME=astray", "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:1", "AWS_XRAY_SDK_ENABLED=false")
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- demo.Wait() }()
	t.Cleanup(func() {
		demo.Process.Kill()
		exited <- <-exited
		if t.Failed() {
			t.Logf("what the demo said:\n%s", s.log)
		}
	})
	within(t, 30*time.Second, "listening", func() error {
		m := regexp.MustCompile(`is at http://(127\.0\.0\.1:\d+)`).FindStringSubmatch(s.log.String())
		if m == nil {
			return errors.New(s.log.String())
		}
		s.address = m[1]
		return nil
	})
	within(t, 60*time.Second, "a map with eight nodes", func() error {
		services := s.services()
		clients := 0
		for _, node := range services {
			if aws.ToString(node.Type) == "client" {
				clients++
			}
		}
		if len(services) < 8+clients || clients == 0 {
			return fmt.Errorf("%d nodes, %d of them clients", len(services), clients)
		}
		return nil
	})
	for _, filter := range []string{
		"fault = true", "throttle = true", "error = true AND http.status = 404", `user = "u-01"`, "annotation.gameid BEGINSWITH \"\"",
		"annotation.win = true", `service("names.example.com")`, `service(id(name: "random-name", type: "AWS::Lambda::Function"))`,
		`annotation.tenant = "globex" AND responsetime > 1`, `service("Scorekeep-init")`,
	} {
		within(t, 60*time.Second, "shown by "+filter, func() error {
			if len(s.search(filter)) == 0 {
				return errors.New("no trace matches")
			}
			return nil
		})
	}
	losses := s.losses(t)
	if losses != "0" {
		t.Errorf("%s documents were refused", losses)
	}

	demo.Process.Signal(syscall.SIGINT)
	select {
	case err := <-exited:
		exited <- err
		if err != nil {
			t.Errorf("after SIGINT the demo ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the demo still runs 30 s after SIGINT")
	}
}

// TestDemoFilters checks that docs/demo.md names nothing that is not to be found.
func TestDemoFilters(t *testing.T) {
	page, err := os.ReadFile("../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	filters := regexp.MustCompile("(?m)^\\| .* \\| `([^`]*)` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(filters) < 10 {
		t.Fatalf("docs/demo.md has only %d filters", len(filters))
	}
	s := start(t)
	run(t, os.Environ(), binary, "demo", "--endpoint", s.url(""), "--backfill", "30m", "--for", "0s")
	if losses := s.losses(t); losses != "0" {
		t.Errorf("%s documents were refused", losses)
	}
	for _, f := range filters {
		now := time.Now()
		pages := xray.NewGetTraceSummariesPaginator(s.sdk(), &xray.GetTraceSummariesInput{
			StartTime: aws.Time(now.Add(-40 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)), FilterExpression: &f[1],
		})
		found := 0
		for found == 0 && pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", f[1], err)
			}
			found = len(page.TraceSummaries)
		}
		if found == 0 {
			t.Errorf("no trace matches %s", f[1])
		}
	}
}

// search is the first page of summaries of the last ten minutes that match.
func (s *server) search(filter string) []types.TraceSummary {
	s.t.Helper()
	now := time.Now()
	out, err := s.sdk().GetTraceSummaries(s.t.Context(), &xray.GetTraceSummariesInput{
		StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)), FilterExpression: &filter,
	})
	if err != nil {
		s.t.Fatalf("GetTraceSummaries %s: %v", filter, err)
	}
	return out.TraceSummaries
}

// losses is how many documents were refused, as tomo losses tells.
func (s *server) losses(t *testing.T) string {
	t.Helper()
	out := run(t, os.Environ(), binary, "losses", "--endpoint", s.url(""))
	m := regexp.MustCompile(`(?m)^ *(\d+) +refused`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("tomo losses does not tell how many were refused:\n%s", out)
	}
	return m[1]
}
