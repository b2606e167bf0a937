package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/internal/testkit"
)

// credential makes one in the data directory.
func credential(t *testing.T, data, tenant string, actions ...string) client.Keys {
	t.Helper()
	file := identity.NewFile(filepath.Join(data, "credentials.json"), nil)
	made, err := file.Add(identity.Wish{Tenant: tenant, Actions: actions}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return client.Keys{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}
}

// running runs a server until the test ends, or until stop is called.
func running(t *testing.T, data string, flags ...string) (endpoint string, stop func()) {
	t.Helper()
	endpoint, end, err := startServer(data, flags...)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := end(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	}
	t.Cleanup(stop)
	return endpoint, stop
}

// document is a segment of this second.
func document(id tomo.TraceID, name string) string {
	now := time.Now().Unix()
	return fmt.Sprintf(`{"trace_id":"%v","id":"%v","name":%q,"start_time":%d,"end_time":%d}`, id, tomo.NewSegmentID(), name, now, now)
}

// TestDoors says on which addresses which doors open.
func TestDoors(t *testing.T) {
	tests := []struct {
		listen, flags string
		credentials   bool
		udp           bool
		want          string // of the error
	}{
		{"127.0.0.1:0", "", false, true, ""},
		{"127.0.0.1:0", "", true, true, ""},
		{"[::1]:0", "", true, true, ""},
		{"0.0.0.0:0", "", false, false, "is not a loopback address"},
		{":0", "", false, false, "is not a loopback address"},
		{"0.0.0.0:0", "--insecure", false, true, ""},
		{"0.0.0.0:0", "", true, false, ""}, // datagrams would be anybody's
		{"0.0.0.0:0", "--udp-tenant=a", true, true, ""},
		{"0.0.0.0:0", "--insecure", true, true, ""},
	}
	for _, test := range tests {
		data := t.TempDir()
		if test.credentials {
			credential(t, data, "default", "admin")
		}
		c := commands{}
		parser, err := newParser(&c, context.Background(), &streams{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"serve", "--listen", test.listen, "--data", data}, strings.Fields(test.flags)...)); err != nil {
			t.Fatal(err)
		}
		d, err := c.Serve.openDoors(slog.New(slog.DiscardHandler))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s with credentials %v: %v, want %q", test.listen, test.flags, test.credentials, err, test.want)
		}
		if err != nil {
			continue
		}
		if (d.udp != nil) != test.udp {
			t.Errorf("%s %s with credentials %v: datagrams %v", test.listen, test.flags, test.credentials, d.udp != nil)
		}
		d.close()
	}
}

// TestTenantsApart: each tenant has a directory, metrics and losses of its own,
// also after a restart, and there are not more than allowed.
func TestTenantsApart(t *testing.T) {
	data := t.TempDir()
	operator, a, b := credential(t, data, "default", "admin"), credential(t, data, "a", "admin"), credential(t, data, "team-b", "admin")
	endpoint, stop := running(t, data, "--max-tenants", "2", "--udp-tenant", "a")
	as := func(k client.Keys) *client.Client { return client.New(endpoint).As(k) }
	ctx := t.Context()

	id := tomo.NewTraceID(time.Now())
	if answer, err := as(a).PutTraceSegments(ctx, []string{document(id, "of-a"), `{"id":"bad"}`}); err != nil || len(answer.UnprocessedTraceSegments) != 1 {
		t.Fatal(answer, err)
	}
	if _, err := as(b).GetGroups(ctx); err == nil || !strings.Contains(err.Error(), "as many as --max-tenants lets it have") {
		t.Errorf("the third of two tenants: %v", err)
	}
	for k, want := range map[client.Keys]int{a: 1, operator: 0} {
		got, err := as(k).BatchGetTraces(ctx, []string{id.String()})
		if err != nil || len(got.Traces) != want {
			t.Errorf("%d traces, %v, want %d", len(got.Traces), err, want)
		}
		losses, err := as(k).Losses(ctx)
		if err != nil || len(losses.Recent) != want {
			t.Errorf("%d losses, %v, want %d", len(losses.Recent), err, want)
		}
	}

	// A datagram is of the tenant that the flag names.
	conn, err := net.Dial("udp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := tomo.NewTraceID(time.Now())
	if _, err := io.WriteString(conn, `{"format":"json","version":1}`+"\n"+document(sent, "datagram")); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "received", func() bool {
		got, err := as(a).BatchGetTraces(ctx, []string{sent.String()})
		return err == nil && len(got.Traces) == 1
	})

	metrics := func() string {
		r, err := http.NewRequest("GET", endpoint+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(operator.AccessKeyID, operator.SecretAccessKey)
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != 200 {
			t.Fatal(reply.Status, err, string(text))
		}
		return string(text)
	}
	text := metrics()
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
	for _, want := range []string{
		"\ntomo_open_documents 0\n", "\n" + `tomo_open_documents{tenant="a"} 2` + "\n",
		`tomo_ingest_documents_total{source="http",tenant="a"} 1`, `tomo_ingest_documents_total{source="udp",tenant="a"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, `tenant="team-b"`) {
		t.Error("the tenant that was refused has metrics")
	}
	if _, err := os.Stat(filepath.Join(data, "tenants", "a", "wal")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(data, "tenants", "team-b")); err == nil {
		t.Error("the tenant that was refused has a directory")
	}

	// After a restart its traces settle and expire without anybody asking.
	stop()
	endpoint, _ = running(t, data)
	if text := metrics(); !strings.Contains(text, `tomo_open_documents{tenant="a"} 2`) {
		t.Errorf("the tenant is not open again:\n%s", text)
	}
	if got, err := as(a).BatchGetTraces(ctx, []string{id.String(), sent.String()}); err != nil || len(got.Traces) != 2 {
		t.Errorf("after the restart: %+v, %v", got, err)
	}
	if _, err := as(b).GetGroups(ctx); err != nil {
		t.Errorf("the third of eight tenants: %v", err)
	}
}

// TestRacingForATenant: many ask for a tenant that is not open, and get the same.
func TestRacingForATenant(t *testing.T) {
	data := t.TempDir()
	a := credential(t, data, "a", "admin")
	endpoint, _ := running(t, data)
	failed := make(chan error, 20)
	for range cap(failed) {
		go func() {
			_, err := client.New(endpoint).As(a).GetGroups(context.Background())
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// TestServeTLS: HTTP is served with TLS, in both versions, and with a new
// certificate when that is in the files.
func TestServeTLS(t *testing.T) {
	data := t.TempDir()
	cert, key := filepath.Join(data, "cert.pem"), filepath.Join(data, "key.pem")
	testkit.WriteCertificate(t, 1, cert, key)
	endpoint, _ := running(t, data, "--tls-cert", cert, "--tls-key", key)
	at := strings.TrimPrefix(endpoint, "http://")
	for _, protocol := range []string{"h2", "http/1.1"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, ForceAttemptHTTP2: protocol == "h2"}
		defer transport.CloseIdleConnections()
		reply, err := (&http.Client{Transport: transport}).Post("https://"+at+"/Groups", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != 200 || (reply.ProtoMajor == 2) != (protocol == "h2") || reply.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s %s %v", protocol, reply.Status, reply.Proto, reply.Header)
		}
	}
	if reply, err := http.Post("http://"+at+"/Groups", "application/json", strings.NewReader("{}")); err == nil {
		reply.Body.Close()
		if reply.StatusCode != 400 {
			t.Errorf("without TLS: %s", reply.Status)
		}
	}
	testkit.WriteCertificate(t, 2, cert, key)
	testkit.Until(t, "rotated", func() bool {
		conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64() == 2
	})
}
