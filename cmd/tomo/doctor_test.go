package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/doctor"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/internal/testkit"
)

// installation is a server, the machine that it is on as the kernel would show
// it, and what a doctor is told. A fault is seeded by changing it.
type installation struct {
	*testing.T
	data    string
	flags   []string
	env     []string
	machine doctor.Machine
	options doctor.Options

	server string            // the server's own URL; options.Endpoint may be another one
	proc   map[string]string // files under Root; %d is the port, in hex %04X
}

// The kernel's tables as they are when Tomo has the port, for TCP and UDP.
const (
	tcpTable = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0\n"
	udpTable = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
		"   18: 0100007F:%04X 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1002 2 0000000000000000 0\n"
)

func newInstallation(t *testing.T) *installation {
	in := &installation{T: t, data: filepath.Join(t.TempDir(), "data")}
	in.machine = doctor.Machine{
		Root:          t.TempDir(),
		ReceiveBuffer: func(int) (int, error) { return 32 << 20, nil },
		Disk: func(string) (doctor.Disk, error) {
			return doctor.Disk{Kind: "ext4", Size: 100 << 30, Free: 50 << 30, Inodes: 1e6, FreeNodes: 9e5}, nil
		},
		Sync: func(string) (time.Duration, error) { return time.Millisecond, nil },
	}
	in.proc = map[string]string{
		"proc/net/tcp": tcpTable, "proc/net/udp": udpTable, "proc/77/comm": "tomo\n", "proc/77/cgroup": "0::/tomo.service\n",
		"sys/fs/cgroup/tomo.service/memory.max": "1073741824\n", "proc/meminfo": "MemTotal:        8388608 kB\n",
		"proc/sys/net/core/rmem_max": "16777216\n", "proc/99/comm": "xray\n",
		"proc/77/fd/3": "→socket:[1001]", "proc/77/fd/4": "→socket:[1002]",
	}
	in.options = doctor.Options{Version: versionText(), Patience: 5 * time.Second, Machine: &in.machine}
	return in
}

// start runs the server with the flags.
func (in *installation) start() {
	in.server, _ = running(in.T, in.data, in.flags...)
	in.options.Endpoint = in.server
	// It answers when its stores are open, with TLS that this wants TLS.
	if _, err := client.New(in.server).Page(in.Context(), "/readyz"); err != nil {
		in.Fatal(err)
	}
}

func (in *installation) check() *doctor.Report {
	at, _ := url.Parse(in.options.Endpoint)
	for name, text := range in.proc {
		path := filepath.Join(in.machine.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			in.Fatal(err)
		}
		if to, link := strings.CutPrefix(text, "→"); link {
			if err := os.Symlink(to, path); err != nil {
				in.Fatal(err)
			}
			continue
		}
		if strings.Contains(text, "%04X") {
			var port int
			fmt.Sscan(at.Port(), &port)
			text = fmt.Sprintf(text, port)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			in.Fatal(err)
		}
	}
	in.options.Environ, in.options.Data = in.env, in.data
	return doctor.Check(in.Context(), in.options)
}

// alter puts a proxy before the server that changes its answers. Datagrams go to
// the server itself.
func (in *installation) alter(path string, change func(http.Header, string) (status int, body string)) {
	in.start()
	target, _ := url.Parse(in.server)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Accept-Encoding", "identity")
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path != path {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			status, body := change(r.Header, string(text))
			r.StatusCode, r.Body, r.ContentLength = status, io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", fmt.Sprint(len(body)))
			return nil
		},
	})
	in.Cleanup(proxy.Close)
	in.options.Endpoint = proxy.URL
	in.env = append(in.env, "AWS_XRAY_DAEMON_ADDRESS="+target.Host)
}

// figure lets the server tell another figure.
func (in *installation) figure(name string, value float64) {
	in.alter("/metrics", func(_ http.Header, body string) (int, string) {
		lines := strings.Split(body, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, name+" ") {
				lines[i] = fmt.Sprintf("%s %g", name, value)
			}
		}
		return http.StatusOK, strings.Join(lines, "\n")
	})
}

// withCredential starts a server that asks for credentials, and gives the doctor
// one of the tenant.
func (in *installation) withCredential(tenant string, actions ...string) {
	in.options.Keys = credential(in.T, in.data, tenant, actions...)
	in.start()
}

// held is a port of this machine on which nobody answers, and which stays free.
func (in *installation) held(network string) (address string) {
	if network == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			in.Fatal(err)
		}
		in.Cleanup(func() { conn.Close() })
		return conn.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		in.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (in *installation) send(datagram string) {
	conn, err := net.Dial("udp", strings.TrimPrefix(in.server, "http://"))
	if err != nil {
		in.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, datagram); err != nil {
		in.Fatal(err)
	}
}

// metrics are what the server counts.
func (in *installation) metrics() string {
	page, err := client.New(in.server).As(in.options.Keys).Page(in.Context(), "/metrics")
	if err != nil {
		in.Fatal(err)
	}
	return string(page.Body)
}

func (in *installation) disk(change func(*doctor.Disk)) {
	in.start()
	was := in.machine.Disk
	in.machine.Disk = func(dir string) (doctor.Disk, error) {
		d, err := was(dir)
		change(&d)
		return d, err
	}
}

// grown puts a block of some size into the data, as of so long ago.
func (in *installation) grown(size int64, age time.Duration) {
	in.start()
	block := filepath.Join(in.data, "blocks", "grown.parquet")
	if err := os.MkdirAll(filepath.Dir(block), 0o777); err != nil {
		in.Fatal(err)
	}
	f, err := os.Create(block)
	if err != nil {
		in.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close(), os.Chtimes(block, time.Time{}, time.Now().Add(-age))); err != nil {
		in.Fatal(err)
	}
}

// TestHealthy: a healthy installation gives no finding.
func TestHealthy(t *testing.T) {
	limitMemory(t)
	for name, start := range map[string]func(*installation){
		"open": (*installation).start,
		"with credentials": func(in *installation) {
			in.withCredential("default", "read", "write")
		},
		"of another tenant": func(in *installation) {
			in.flags = []string{"--udp-tenant", "team-a"}
			in.withCredential("team-a", "admin")
		},
		"in an environment": func(in *installation) {
			in.start()
			in.env = []string{"AWS_XRAY_DAEMON_ADDRESS=" + strings.TrimPrefix(in.server, "http://"), "AWS_ENDPOINT_URL=" + in.server, "AWS_REGION=eu-west-1",
				"HTTP_PROXY=http://proxy:3128", "NO_PROXY=localhost,127.0.0.1", "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR", "OTEL_TRACES_SAMPLER=always_on", "AWS_XRAY_SDK_ENABLED=true"}
		},
		"with data": func(in *installation) { in.grown(1<<30, 5*24*time.Hour) },
		"with secrets": func(in *installation) {
			in.options.Secrets = []string{filepath.Join(in.data, "credentials.json"), filepath.Join(in.data, "none")}
			in.withCredential("default", "admin")
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstallation(t)
			start(in)
			report := in.check()
			for _, f := range report.Findings {
				if f.Verdict > doctor.Skipped || f.Remedy != "" {
					t.Errorf("%v", f)
				}
			}
			if report.Count(doctor.OK) < 12 {
				t.Errorf("only %d checks were made: %v", report.Count(doctor.OK), report.Findings)
			}
		})
	}
}

// limitMemory gives this process what tomo serve gives itself.
func limitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(memoryLimit)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
}

// TestFaults seeds one fault at a time. Each is found by its check, with its
// verdict and its remedy.
func TestFaults(t *testing.T) {
	limitMemory(t)
	type fault struct {
		name  string
		seed  func(*installation)
		check string
		want  doctor.Verdict
		found string // in the sentence
		cure  string // in the remedy
	}
	environment := func(lines ...string) func(*installation) {
		return func(in *installation) {
			in.start()
			for _, line := range lines {
				in.env = append(in.env, strings.ReplaceAll(line, "SERVER", strings.TrimPrefix(in.server, "http://")))
			}
		}
	}
	for _, f := range []fault{
		// The endpoint.
		{"no URL", func(in *installation) { in.options.Endpoint = "ftp://here" }, "endpoint", doctor.Fail, "is not the URL", "http://127.0.0.1:2000"},
		{"no server", func(in *installation) { in.options.Endpoint = "http://" + in.held("tcp"); in.proc = nil }, "endpoint", doctor.Fail, "Nothing listens", "Start tomo serve"},
		{"unknown name", func(in *installation) { in.options.Endpoint = "http://tomo.invalid:2000" }, "endpoint", doctor.Fail, "tomo.invalid", "resolver"},
		{"another program", func(in *installation) {
			other := httptest.NewServer(http.NotFoundHandler())
			in.Cleanup(other.Close)
			in.options.Endpoint = other.URL
		}, "endpoint", doctor.Fail, "not as Tomo", "Point --endpoint"},
		{"TLS where there is none", func(in *installation) {
			in.start()
			in.options.Endpoint = strings.Replace(in.server, "http:", "https:", 1)
		}, "endpoint", doctor.Fail, "speaks HTTP without TLS", "http://"},
		{"no TLS where there is some", func(in *installation) { in.startTLS(); in.options.Endpoint = in.server }, "endpoint", doctor.Fail, "wants TLS", "https://"},
		{"untrusted certificate", (*installation).startTLS, "endpoint", doctor.Fail, "nobody whom this machine trusts", "SSL_CERT_FILE"},

		// Ports.
		{"port taken", func(in *installation) {
			other := httptest.NewServer(http.NotFoundHandler())
			in.Cleanup(other.Close)
			in.options.Endpoint = other.URL
			in.proc["proc/77/comm"] = "nginx\n"
		}, "ports", doctor.Fail, "taken by nginx (pid 77)", "another --listen"},
		{"UDP port taken", func(in *installation) {
			in.start()
			delete(in.proc, "proc/77/fd/4")
			in.proc["proc/99/fd/7"] = "→socket:[1002]"
		}, "ports", doctor.Fail, "but datagrams to xray (pid 99)", "Stop that process"},
		{"only UDP taken", func(in *installation) {
			in.options.Endpoint = "http://" + in.held("tcp")
			delete(in.proc, "proc/net/tcp")
		}, "ports", doctor.Fail, "UDP port", "Stop that process"},

		// What the server says of itself.
		{"stopping", func(in *installation) {
			in.alter("/readyz", func(http.Header, string) (int, string) { return 503, `{"Status":"draining"}` })
		}, "ready", doctor.Warn, "draining", "Its log"},
		{"clock far off", func(in *installation) { in.clock(10 * time.Minute) }, "clock", doctor.Fail, "10m0s ahead", "NTP"},
		{"clock off", func(in *installation) { in.clock(-40 * time.Second) }, "clock", doctor.Warn, "behind ours", "NTP"},
		{"old server", func(in *installation) {
			in.alter("/version", func(http.Header, string) (int, string) { return 200, `{"Version":"0.0.1"}` })
		}, "version", doctor.Warn, "Tomo 0.0.1", "the server first"},

		// Credentials.
		{"no keys", func(in *installation) { in.withCredential("default", "admin"); in.options.Keys = client.Keys{} }, "credentials", doctor.Fail, "no keys", "AWS_ACCESS_KEY_ID"},
		{"no secret", func(in *installation) {
			in.withCredential("default", "admin")
			in.options.Keys.SecretAccessKey = ""
		}, "credentials", doctor.Fail, "no secret", "AWS_SECRET_ACCESS_KEY"},
		{"unknown key", func(in *installation) {
			in.withCredential("default", "admin")
			in.options.Keys.AccessKeyID = "AKIANOBODY"
		}, "credentials", doctor.Fail, "AKIANOBODY", "tomo credentials add"},
		{"stale token", func(in *installation) {
			in.withCredential("default", "admin")
			in.options.Keys.SessionToken = "stale"
		}, "credentials", doctor.Fail, "session token", "unset it"},
		{"wrong secret", func(in *installation) {
			in.withCredential("default", "admin")
			in.options.Keys.SecretAccessKey = "wrong"
		}, "credentials", doctor.Fail, "signature", "rotate"},
		{"expired", func(in *installation) {
			credential(in.T, in.data, "default", "admin")
			file := identity.NewFile(filepath.Join(in.data, "credentials.json"), nil)
			made, err := file.Add(identity.Wish{Actions: []string{"admin"}, Lifetime: time.Hour}, time.Now().Add(-2*time.Hour))
			if err != nil {
				in.Fatal(err)
			}
			in.options.Keys = client.Keys{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}
			in.start()
		}, "credentials", doctor.Fail, "has expired", "--expires"},
		{"denied", func(in *installation) { in.withCredential("default", "xray:GetInsight") }, "credentials", doctor.Warn, "may not even", "--actions"},
		{"open to the network", func(in *installation) {
			in.start()
			in.proc["proc/net/tcp"] = strings.Replace(tcpTable, "0100007F", "00000000", 1)
		}, "credentials", doctor.Warn, "may read and write everything", "tomo credentials add"},

		// Segments.
		{"datagrams to nobody", func(in *installation) {
			in.start()
			in.env = []string{"AWS_XRAY_DAEMON_ADDRESS=" + in.free("udp")}
		}, "datagrams", doctor.Fail, "Nobody listens for datagrams", "AWS_XRAY_DAEMON_ADDRESS"},
		{"datagrams to another", func(in *installation) {
			in.start()
			in.options.Patience = 200 * time.Millisecond
			in.env = []string{"AWS_XRAY_DAEMON_ADDRESS=" + in.held("udp")}
		}, "datagrams", doctor.Fail, "was not found", "AWS_XRAY_DAEMON_ADDRESS names that address"},
		{"datagram door closed", func(in *installation) {
			in.flags = []string{"--listen", "0.0.0.0:0"}
			in.withCredential("default", "admin")
			at, _ := url.Parse(in.server)
			in.options.Endpoint = "http://127.0.0.1:" + at.Port()
		}, "datagrams", doctor.Fail, "Nobody listens for datagrams", "--udp-tenant"},
		{"datagrams of another tenant", func(in *installation) {
			in.options.Patience = 500 * time.Millisecond
			in.flags = []string{"--udp-tenant", "team-a"}
			in.withCredential("default", "admin")
		}, "datagrams", doctor.Fail, "was not found", "another tenant"},
		{"over a quota", func(in *installation) {
			in.flags = []string{"--quota", "put=0.001"}
			in.start()
			if _, err := client.New(in.server).PutTraceSegments(in.Context(), []string{document(tomo.NewTraceID(time.Now()), "first")}); err != nil {
				in.Fatal(err)
			}
		}, "put", doctor.Warn, "Rate exceeded", "--quota"},

		// What was lost.
		{"rejected datagrams", func(in *installation) {
			in.start()
			in.send("no header\n{}")
			testkit.Until(in.T, "counted", func() bool { return strings.Contains(in.metrics(), "tomo_udp_rejected_datagrams_total 1") })
		}, "losses", doctor.Warn, "without a good header", "tomo losses"},
		{"refused documents", func(in *installation) {
			in.start()
			if _, err := client.New(in.server).PutTraceSegments(in.Context(), []string{`{"id":"bad"}`}); err != nil {
				in.Fatal(err)
			}
		}, "losses", doctor.Warn, "refused as not valid", "tomo losses"},
		{"dropped by the kernel", func(in *installation) { in.figure("tomo_udp_kernel_dropped_datagrams_total", 12) }, "losses", doctor.Warn, "12 datagrams were dropped by the kernel", "rmem_max"},
		{"dropped documents", func(in *installation) { in.figure("tomo_udp_dropped_documents_total", 3) }, "losses", doctor.Warn, "queue was full", "disk"},
		{"failed writes", func(in *installation) { in.figure("tomo_log_failed_commits_total", 2) }, "losses", doctor.Warn, "2 writes to the log", "disk"},
		{"too many files", func(in *installation) { in.figure("process_max_fds", 1) }, "files", doctor.Warn, "of at most 1 files", "LimitNOFILE"},
		{"drops of the socket", func(in *installation) {
			in.start()
			in.proc["proc/net/udp"] = strings.TrimSuffix(udpTable, " 0\n") + " 4711\n"
		}, "kernel-drops", doctor.Warn, "dropped 4711 datagrams", "receive-buffer"},
		{"small buffer", func(in *installation) {
			in.start()
			in.machine.ReceiveBuffer = func(int) (int, error) { return 425984, nil }
		}, "receive-buffer", doctor.Warn, "208 KiB", "net.core.rmem_max=16777216"},
		{"small rmem_max", func(in *installation) {
			in.start()
			in.machine.ReceiveBuffer = func(int) (int, error) { return 0, errors.New("no such socket") }
			in.proc["proc/sys/net/core/rmem_max"] = "212992\n"
		}, "receive-buffer", doctor.Warn, "lets a socket hold 208 KiB", "sysctl -w"},

		// Memory.
		{"small container", func(in *installation) { in.start(); in.proc["sys/fs/cgroup/tomo.service/memory.max"] = "268435456\n" }, "memory", doctor.Fail, "it will be killed", "GOMEMLIMIT=204MiB"},
		{"tight container", func(in *installation) { in.start(); in.proc["sys/fs/cgroup/tomo.service/memory.max"] = "440401920\n" }, "memory", doctor.Warn, "too little for the rest", "500 MiB"},
		{"small container, old groups", func(in *installation) {
			in.start()
			in.proc["proc/77/cgroup"] = "5:cpu,memory:/docker/a\n"
			in.proc["sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes"] = "268435456\n"
		}, "memory", doctor.Fail, "256 MiB", "GOMEMLIMIT"},
		{"small machine", func(in *installation) { in.start(); in.proc["proc/meminfo"] = "MemTotal: 262144 kB\n" }, "memory", doctor.Fail, "memory of the machine", "GOMEMLIMIT"},
		{"no limit", func(in *installation) { in.figure("go_gc_gomemlimit_bytes", 9.223372036854776e18) }, "memory", doctor.Warn, "no memory limit", "GOMEMLIMIT"},

		// Data.
		{"disk full", func(in *installation) { in.disk(func(d *doctor.Disk) { d.Free = 50 << 20 }) }, "space", doctor.Fail, "will be refused", "--retention"},
		{"disk nearly full", func(in *installation) { in.disk(func(d *doctor.Disk) { d.Free = 2 << 30 }) }, "space", doctor.Warn, "only 2 GiB free", "--retention"},
		{"no inodes", func(in *installation) { in.disk(func(d *doctor.Disk) { d.FreeNodes = 100 }) }, "inodes", doctor.Warn, "100 more files", "a disk of its own"},
		{"in memory", func(in *installation) { in.disk(func(d *doctor.Disk) { d.Kind = "tmpfs" }) }, "disk", doctor.Warn, "in memory", "volume"},
		{"in a container", func(in *installation) { in.disk(func(d *doctor.Disk) { d.Kind = "overlay" }) }, "disk", doctor.Warn, "of a container", "Mount a volume"},
		{"on the network", func(in *installation) { in.disk(func(d *doctor.Disk) { d.Kind = "nfs" }) }, "disk", doctor.Warn, "of the network", "local disk"},
		{"slow disk", func(in *installation) {
			in.start()
			in.machine.Sync = func(string) (time.Duration, error) { return 80 * time.Millisecond, nil }
		}, "sync", doctor.Warn, "80ms", "SSD"},
		{"read-only disk", func(in *installation) {
			in.start()
			in.machine.Sync = func(string) (time.Duration, error) { return 0, errors.New("read-only file system") }
		}, "sync", doctor.Fail, "read-only", "mount"},
		{"too long a retention", func(in *installation) { in.grown(30<<30, 5*24*time.Hour) }, "retention", doctor.Warn, "grows by 6 GiB a day: 30 days of it need another 150 GiB", "Shorten --retention"},
		{"data is a file", func(in *installation) {
			in.start()
			in.data = filepath.Join(in.data, "LOCK")
		}, "data", doctor.Fail, "no directory", "--data"},
		{"secrets for everybody", func(in *installation) {
			in.start()
			path := filepath.Join(in.data, "keys.json")
			if err := errors.Join(os.WriteFile(path, []byte("{}"), 0o600), os.Chmod(path, 0o644)); err != nil {
				in.Fatal(err)
			}
			in.options.Secrets = []string{path}
		}, "secrets", doctor.Fail, "keys.json may be read", "chmod 600"},

		// The environment.
		{"address with a scheme", environment("AWS_XRAY_DAEMON_ADDRESS=http://127.0.0.1:2000"), "AWS_XRAY_DAEMON_ADDRESS", doctor.Fail, "neither host:port", "without a scheme"},
		{"address in IPv6", environment("AWS_XRAY_DAEMON_ADDRESS=[::1]:2000"), "AWS_XRAY_DAEMON_ADDRESS", doctor.Fail, "neither host:port", "brackets"},
		{"address without a port", environment("AWS_XRAY_DAEMON_ADDRESS=tomo"), "AWS_XRAY_DAEMON_ADDRESS", doctor.Fail, "neither host:port", "host:port"},
		{"address with half", environment("AWS_XRAY_DAEMON_ADDRESS=udp:127.0.0.1:2000"), "AWS_XRAY_DAEMON_ADDRESS", doctor.Fail, "neither host:port", "host:port"},
		{"address elsewhere", func(in *installation) {
			in.start()
			in.env = []string{"AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:9"}
		}, "AWS_XRAY_DAEMON_ADDRESS", doctor.Warn, "send to 127.0.0.1:9", "run a daemon there"},
		{"SDK not enabled", environment("AWS_XRAY_SDK_ENABLED=False"), "AWS_XRAY_SDK_ENABLED", doctor.Warn, "send nothing", "Unset it"},
		{"SDK disabled", environment("AWS_XRAY_SDK_DISABLED=true"), "AWS_XRAY_SDK_DISABLED", doctor.Warn, "send nothing", "Unset it"},
		{"unknown strategy", environment("AWS_XRAY_CONTEXT_MISSING=LOG"), "AWS_XRAY_CONTEXT_MISSING", doctor.Warn, `"LOG"`, "LOG_ERROR"},
		{"endpoint without a scheme", environment("AWS_ENDPOINT_URL_XRAY=SERVER", "AWS_REGION=x"), "AWS_ENDPOINT_URL_XRAY", doctor.Fail, "is not a URL", "http://"},
		{"endpoint elsewhere", environment("AWS_ENDPOINT_URL=http://127.0.0.1:4566", "AWS_REGION=x"), "AWS_ENDPOINT_URL", doctor.Warn, "go to http://127.0.0.1:4566", "Set it to http://"},
		{"endpoints ignored", environment("AWS_ENDPOINT_URL=http://SERVER", "AWS_REGION=x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"), "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", doctor.Warn, "go to AWS", "Unset it"},
		{"no region", environment("AWS_ENDPOINT_URL=http://SERVER"), "AWS_REGION", doctor.Warn, "no region", "us-east-1"},
		{"proxy", environment("http_proxy=http://me:secret@proxy:3128", "NO_PROXY=.example.com"), "http_proxy", doctor.Warn, "http://me:xxxxx@proxy:3128", "NO_PROXY=.example.com,127.0.0.1"},
		{"proxy for all", environment("ALL_PROXY=socks5://proxy:1080"), "ALL_PROXY", doctor.Warn, "proxy:1080", "NO_PROXY=127.0.0.1"},
		{"OpenTelemetry off", environment("OTEL_SDK_DISABLED=true"), "OTEL_SDK_DISABLED", doctor.Warn, "switched off", "Unset it"},
		{"no exporter", environment("OTEL_TRACES_EXPORTER=none"), "OTEL_TRACES_EXPORTER", doctor.Warn, "sends no traces", "Unset it"},
		{"no samples", environment("OTEL_TRACES_SAMPLER=always_off"), "OTEL_TRACES_SAMPLER", doctor.Warn, "samples nothing", "Unset it"},
		{"no OTLP", environment("OTEL_EXPORTER_OTLP_ENDPOINT=http://SERVER/nowhere"), "OTEL_EXPORTER_OTLP_ENDPOINT", doctor.Warn, "takes no OTLP", "awsxray"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			in := newInstallation(t)
			if f.check != "put" && f.check != "datagrams" {
				in.options.Mode = doctor.ReadOnly // to be quick
			}
			f.seed(in)
			report := in.check()
			for _, is := range report.Findings {
				if is.Verdict >= doctor.Warn && is.Remedy == "" {
					t.Errorf("without a remedy: %v", is)
				}
				if is.Check == f.check && is.Verdict == f.want && strings.Contains(is.Found, f.found) && strings.Contains(is.Remedy, f.cure) {
					return
				}
			}
			t.Errorf("no %v of %s with %q and %q in:\n%s", f.want, f.check, f.found, f.cure, shown(t, report))
		})
	}
}

func shown(t *testing.T, r *doctor.Report) string {
	var b bytes.Buffer
	if err := writeReport(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// free is an address at which nobody listens.
func (in *installation) free(network string) string {
	conn, err := net.ListenPacket(network, "127.0.0.1:0")
	if err != nil {
		in.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// clock lets the server's clock be off.
func (in *installation) clock(by time.Duration) {
	in.alter("/healthz", func(h http.Header, body string) (int, string) {
		h.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		return http.StatusOK, body
	})
}

// startTLS runs a server with a certificate of its own making.
func (in *installation) startTLS() {
	dir := in.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	testkit.WriteCertificate(in.T, 1, cert, key)
	in.flags = append(in.flags, "--tls-cert", cert, "--tls-key", key)
	in.start()
	in.options.Endpoint = strings.Replace(in.server, "http:", "https:", 1)
}

// TestThisMachine: the machine itself tells who has a port, and how large the
// receive buffer is.
func TestThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what the kernel tells is read on Linux only")
	}
	in := newInstallation(t)
	in.start()
	in.options.Machine = nil
	in.proc = nil
	report := in.check()
	want := map[string]string{
		"ports":          fmt.Sprintf("(pid %d), for TCP and UDP", os.Getpid()),
		"receive-buffer": "The kernel holds ",
		"kernel-drops":   "dropped no datagram",
		"disk":           "is on ",
		"sync":           "A write and its sync take",
	}
	for _, f := range report.Findings {
		if text, ok := want[f.Check]; ok && strings.Contains(f.Found, text) {
			delete(want, f.Check)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v in\n%s", want, shown(t, report))
	}
	left, err := filepath.Glob(filepath.Join(in.data, "doctor-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDoctorCommand: the command reads its environment, and its status says
// whether anything failed.
func TestDoctorCommand(t *testing.T) {
	in := newInstallation(t)
	in.startTLS()
	doctor := func(env ...string) (string, int) {
		cmd := exec.Command("tomo", "doctor", "--json", "--data", in.data)
		cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "GORACE=atexit_sleep_ms=0", "TOMO_ENDPOINT="+in.options.Endpoint)
		out, err := cmd.Output()
		var status *exec.ExitError
		if err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, status := doctor(); status != 1 || !strings.Contains(out, "nobody whom this machine trusts") {
		t.Errorf("status %d:\n%s", status, out)
	}
	// Trusted, its certificate is found to end in an hour.
	out, status := doctor("SSL_CERT_FILE="+strings.TrimPrefix(in.flags[1], "--tls-cert="), "AWS_XRAY_SDK_DISABLED=true")
	var report struct {
		Endpoint           string
		Findings           []struct{ Check, Verdict, Found, Remedy string }
		Warnings, Failures int
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if status != 0 || report.Failures != 0 || report.Warnings < 2 || report.Endpoint != in.options.Endpoint {
		t.Errorf("status %d:\n%s", status, out)
	}
	found := map[string]string{}
	for _, f := range report.Findings {
		found[f.Check] = f.Verdict
	}
	for check, want := range map[string]string{"certificate": "warn", "AWS_XRAY_SDK_DISABLED": "warn", "datagrams": "ok", "put": "ok"} {
		if found[check] != want {
			t.Errorf("%s: %q, want %q in\n%s", check, found[check], want, out)
		}
	}
}
