package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/xray"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/internal/testkit"
)

// relaying is a running tomo daemon.
type relaying struct {
	udp, tcp, admin string
	process         *exec.Cmd
	exited          chan error
	log             *testkit.Buffer
}

// daemon starts tomo daemon in front of the server.
func (s *server) daemon(t *testing.T, env []string, flags ...string) *relaying {
	t.Helper()
	d := &relaying{log: &testkit.Buffer{}, exited: make(chan error, 1)}
	d.process = exec.Command(binary, append([]string{"daemon", "-b", "127.0.0.1:0", "-t", "127.0.0.1:0", "--admin", "127.0.0.1:0", "-l", "debug"}, flags...)...)
	d.process.Env = env
	d.process.Dir = t.TempDir() // where there is no cfg.yaml
	d.process.Stdout, d.process.Stderr = d.log, d.log
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.exited <- d.process.Wait() }()
	t.Cleanup(func() {
		d.process.Process.Kill()
		d.exited <- <-d.exited
		if t.Failed() {
			t.Logf("what the daemon said:\n%s", d.log)
		}
	})
	said := func(words string) (address string) {
		within(t, 20*time.Second, "open", func() error {
			found := regexp.MustCompile(words + ` (\S+)`).FindStringSubmatch(d.log.String())
			if found == nil {
				return fmt.Errorf("the daemon did not say %q\n%s", words, d.log)
			}
			address = found[1]
			return nil
		})
		return address
	}
	d.udp, d.tcp, d.admin = said("Listening on UDP"), said("Starting proxy http server on"), said("Serving /healthz and /metrics on")
	return d
}

// terminate ends the daemon as systemd and Docker do.
func (d *relaying) terminate(t *testing.T) {
	t.Helper()
	d.process.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-d.exited:
		d.exited <- err
		if err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the daemon still runs 20 s after SIGTERM")
	}
	if !strings.Contains(d.log.String(), "[Info] Got shutdown signal: terminated") {
		t.Error("it does not say what ended it")
	}
}

// TestDaemon sends what X-Ray SDKs make through tomo daemon to a server that
// wants signatures, and has the SDKs ask for sampling rules through it.
func TestDaemon(t *testing.T) {
	s := start(t)
	writer := s.credential(t, "--name", "daemon", "--actions", "write")
	reader := s.credential(t, "--name", "reader", "--actions", "read")
	d := s.daemon(t, s.environmentOf(t, writer))
	// The applications know the daemon and nothing else.
	var env []string
	for _, v := range s.clientEnvironment(t) {
		if !strings.HasPrefix(v, "AWS_XRAY_DAEMON_ADDRESS=") && !strings.HasPrefix(v, "AWS_ENDPOINT_URL_XRAY=") {
			env = append(env, v)
		}
	}
	env = append(env, fmt.Sprintf("AWS_XRAY_DAEMON_ADDRESS=tcp:%s udp:%s", d.tcp, d.udp))
	shown := func(t *testing.T, id string, names ...string) {
		t.Helper()
		within(t, 20*time.Second, "there", func() error {
			got, err := s.as(reader).BatchGetTraces(t.Context(), &xray.BatchGetTracesInput{TraceIds: []string{id}})
			if err != nil {
				return err
			}
			if len(got.Traces) == 0 {
				return fmt.Errorf("no trace %s", id)
			}
			have := segments(t, &got.Traces[0])
			for _, name := range names {
				if _, ok := have[name]; !ok {
					return fmt.Errorf("no segment %q", name)
				}
			}
			return nil
		})
	}

	t.Run("proxy", func(t *testing.T) {
		answer, err := http.Post("http://"+d.tcp+"/GetSamplingRules", "", strings.NewReader(`{"NextToken": null}`))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("rules through the daemon: %s", answer.Status)
		}
		// It may no more than its credential.
		if answer, err = http.Post("http://"+d.tcp+"/Groups", "", strings.NewReader(`{}`)); err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("groups through the daemon: %s", answer.Status)
		}
	})
	t.Run("Python", func(t *testing.T) {
		found := pythons(t, "aws_xray_sdk.core", "boto3")
		if len(found) == 0 {
			absent(t, "the X-Ray SDK for Python")
		}
		dynamo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			fmt.Fprint(w, `{"Item":{"id":{"S":"17"}}}`)
		}))
		defer dynamo.Close()
		id := strings.TrimSpace(run(t, env, found[0], filepath.Join("testdata", "shop.py"), dynamo.URL))
		shown(t, id, "checkout", "payments.example (inferred)", "dynamodb (inferred)")
	})
	t.Run("Node", func(t *testing.T) {
		if exec.Command("node", "-e", "require('aws-xray-sdk')").Run() != nil {
			absent(t, "the X-Ray SDK for Node")
		}
		id := strings.TrimSpace(run(t, env, "node", filepath.Join("testdata", "shop.js")))
		shown(t, id, "checkout.example", "payments.example")
	})
	d.terminate(t)
	if log := d.log.String(); !strings.Contains(log, "[Info] Successfully sent batch of ") || strings.Contains(log, "[Error]") {
		t.Errorf("the daemon said\n%s", log)
	}
}

// TestDaemonCrash kills the daemon while the server is away and its spool holds
// segments, and starts it again when the server is back: all of them come.
func TestDaemonCrash(t *testing.T) {
	s := start(t)
	address := s.address
	spool := t.TempDir()
	env := append(s.clientEnvironment(t), "AWS_ENDPOINT_URL_XRAY=http://"+address)
	d := s.daemon(t, env, "--spool-dir", spool)
	s.kill()

	const traces = 300
	ids := make([]string, traces)
	to := &server{t: t, address: d.udp}
	for i := range ids {
		id := tomo.NewTraceID(time.Now())
		ids[i] = id.String()
		to.send(document(id, tomo.NewSegmentID(), "spooled", ""))
	}
	// What is in the kernel or in memory is lost; wait until all is on disk.
	within(t, 20*time.Second, "on disk", func() error {
		answer, err := http.Get("http://" + d.admin + "/healthz")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var health struct {
			Status    string
			Upstreams []struct{ Spooled, Dropped int }
		}
		if err := json.NewDecoder(answer.Body).Decode(&health); err != nil {
			return err
		}
		if health.Status != "degraded" || health.Upstreams[0].Spooled != traces {
			return fmt.Errorf("health %+v", health)
		}
		return nil
	})
	d.process.Process.Kill()
	d.exited <- <-d.exited

	s.flags = append(s.flags, "--listen", address) // the last one counts
	s.start()
	d = s.daemon(t, env, "--spool-dir", spool)
	within(t, 30*time.Second, "all there", func() error {
		missing := 0
		for _, id := range ids {
			if s.trace(id) == nil {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d traces are missing", missing, traces)
		}
		return nil
	})
	d.terminate(t)
}
