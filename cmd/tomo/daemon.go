package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tomotrace/tomo/daemon"
)

// daemonCmd is X-Ray's daemon. Its command line is not read as that of the other
// commands is, because it is that of X-Ray's daemon: -region and --region are
// the same.
type daemonCmd struct {
	Args []string `arg:"" optional:"" help:"The flags of X-Ray's daemon; --help lists them."`
}

func (c *daemonCmd) Help() string {
	return `Takes the flags, the configuration file, the environment and the place of
X-Ray's daemon, and runs until SIGINT or SIGTERM. Each flag may have one hyphen
or two.`
}

// flags are what the manual and the completions tell of.
func (c *daemonCmd) flags() (list []commandFlag) {
	own := newDaemonFlags()
	for _, names := range flagNames {
		f := own.set.Lookup(names[1])
		value, help := flag.UnquoteUsage(f)
		list = append(list, commandFlag{name: f.Name, short: names[0], value: strings.ToUpper(value), help: help})
	}
	return list
}

func (c *daemonCmd) Run(ctx context.Context, std *streams) error {
	flags := newDaemonFlags()
	config, err := flags.parse(c.Args)
	switch {
	case config == nil: // the command line makes no sense
		fmt.Fprintln(std.err, err)
		flags.usage(std.err)
		return exitStatus(2)
	case flags.version:
		fmt.Fprintf(std.out, "AWS X-Ray daemon version: %s (Tomo)\n", versionText())
		return nil
	case flags.help:
		flags.usage(std.out)
		return nil
	}
	log, closeLog := config.openLog(std.out)
	defer closeLog()
	if err == nil {
		err = config.run(ctx, log)
	}
	if err != nil {
		// Scripts look for what X-Ray's daemon prints, which begins with it.
		fmt.Fprintln(std.err, err)
		if config.LogPath != "" {
			log.Error(err.Error())
		}
		return errReported
	}
	return nil
}

// openLog opens the log: a file if there is to be one, else what a shell shows.
func (c *daemonConfig) openLog(out io.Writer) (*slog.Logger, func()) {
	if c.LogPath == "" {
		return newDaemonLog(out, daemonLevels[c.LogLevel]), func() {}
	}
	file := &logFile{path: c.LogPath, rotate: c.LogRotation, limit: largestLog}
	return newDaemonLog(file, daemonLevels[c.LogLevel]), func() { file.Close() }
}

// run is the daemon. UDP is bound before anything that can take long, so that
// datagrams wait in the kernel meanwhile.
//
//	sockets → relay → upstreams, signed
//	TCP → proxy → first upstream, signed
func (c *daemonConfig) run(ctx context.Context, log *slog.Logger) (err error) {
	stopProfiling, err := profile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfiling()) }()
	log.Info("Initializing AWS X-Ray daemon " + versionText())
	sockets, err := c.bind(log)
	if err != nil {
		return err
	}
	defer sockets.close()
	memory := int64(c.bufferMemory(log)) << 20
	boundMemory(memory)
	around, err := c.lookAround(ctx, log)
	if err != nil {
		return err
	}
	upstreams := c.upstreams(around, log)
	relay, err := daemon.NewRelay(daemon.RelayOptions{
		Upstreams: upstreams, Memory: memory, Concurrency: c.Concurrency, Batch: daemonBatch,
		Sender: around.sender, Agent: agent(), Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	log.Debug(fmt.Sprintf("Batch size: %d", daemonBatch))

	proxy, err := daemon.NewProxy(upstreams[0], log)
	if err != nil {
		return err
	}
	log.Info("HTTP Proxy server using X-Ray Endpoint : " + upstreams[0].URL)
	closeProxy := c.serveProxy(proxy, log)
	defer closeProxy()
	closeAdmin, err := c.serveAdmin(relay, log)
	if err != nil {
		return err
	}
	defer closeAdmin()
	defer context.AfterFunc(ctx, func() {
		reason := strings.TrimSuffix(context.Cause(ctx).Error(), " signal received")
		log.Info("Got shutdown signal: " + reason)
		log.Debug(fmt.Sprintf("Shutdown Initiated. Current epoch in nanoseconds: %d", time.Now().UnixNano()))
		closeProxy()
	})()
	err = relay.Run(ctx, sockets.all()...)
	log.Debug(fmt.Sprintf("Shutdown finished. Current epoch in nanoseconds: %d", time.Now().UnixNano()))
	return err
}

// daemonBatch is how many documents are uploaded at once.
const daemonBatch = 50

// agent is the User-Agent of uploads, which servers tell daemons by.
func agent() string {
	return fmt.Sprintf("tomo/%s xray-agent/xray-daemon/%[1]s exec-env/%s OS/%s-%s", versionText(),
		cmp.Or(os.Getenv("AWS_EXECUTION_ENV"), "UNKNOWN"), runtime.GOOS, runtime.GOARCH)
}

// bufferMemory is what documents in memory may take, in MiB: what was asked for,
// or a hundredth of what the machine, or the container, has.
func (c *daemonConfig) bufferMemory(log *slog.Logger) int {
	size := c.BufferMB
	if size == 0 {
		size = max(daemonLeastMB, int(availableMemory()/100>>20))
	}
	log.Info(fmt.Sprintf("Using buffer memory limit of %d MB", size))
	log.Info(fmt.Sprintf("%d segment buffers allocated", size*16)) // of 64 KiB; here a datagram takes what it has
	return size
}

// availableMemory is the memory of the machine, or less in a container.
func availableMemory() uint64 {
	total := machineMemory()
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			if limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
				total = min(total, limit)
			}
		}
	}
	return total
}

// boundMemory has garbage collected more eagerly when the process has what it
// needs itself, twice what may wait, and not more.
func boundMemory(buffers int64) {
	const own = 48 << 20
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(own + 2*buffers)
	}
}

// sockets take datagrams.
type sockets struct {
	udp  *net.UDPConn
	unix *net.UnixConn // nil: none
}

func (s *sockets) all() []net.PacketConn {
	if s.unix == nil {
		return []net.PacketConn{s.udp}
	}
	return []net.PacketConn{s.udp, s.unix}
}

func (s *sockets) close() {
	s.udp.Close()
	if s.unix != nil {
		path := s.unix.LocalAddr().String()
		s.unix.Close()
		os.Remove(path)
	}
}

func (c *daemonConfig) bind(log *slog.Logger) (*sockets, error) {
	address, err := net.ResolveUDPAddr("udp", c.UDP)
	if err != nil {
		return nil, err
	}
	s := &sockets{}
	if s.udp, err = net.ListenUDP("udp", address); err != nil {
		return nil, err
	}
	daemon.Enlarge(s.udp) // now: what comes before it is read waits in it
	log.Debug(fmt.Sprintf("Listening on UDP %v", s.udp.LocalAddr()))
	if c.Unix == "" {
		return s, nil
	}
	if err = removeStale(c.Unix); err == nil {
		s.unix, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: c.Unix, Net: "unixgram"})
	}
	if err != nil {
		s.udp.Close()
		return nil, fmt.Errorf("listening on the Unix socket %s: %w", c.Unix, err)
	}
	daemon.Enlarge(s.unix)
	log.Debug("Listening on Unix " + c.Unix)
	return s, nil
}

// removeStale removes the socket that a daemon left behind that did not end
// well. A socket that somebody listens on stays.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil
	}
	if c, err := net.Dial("unixgram", path); err == nil {
		c.Close()
		return nil
	}
	return os.Remove(path)
}

// upstreams are where to send to, each with its spool if there is to be one.
func (c *daemonConfig) upstreams(around *surroundings, log *slog.Logger) (all []daemon.Upstream) {
	signer := daemon.NewSigner(around.transport, around.credentials, around.region, log)
	for i, endpoint := range around.endpoints {
		u := daemon.Upstream{URL: endpoint, Transport: signer, SpoolDir: c.SpoolDir, SpoolLimit: int64(c.SpoolSizeMB) << 20}
		if c.SpoolDir != "" && i > 0 {
			u.SpoolDir = filepath.Join(c.SpoolDir, strconv.Itoa(i+1))
		}
		all = append(all, u)
	}
	return all
}

// serveProxy opens the TCP side. If it cannot, datagrams are taken all the same,
// as X-Ray's daemon does.
func (c *daemonConfig) serveProxy(proxy http.Handler, log *slog.Logger) (closeProxy func()) {
	listener, err := net.Listen("tcp", c.TCP)
	if err != nil {
		log.Error("proxy http server failed to listen: " + err.Error())
		return func() {}
	}
	log.Info(fmt.Sprintf("Starting proxy http server on %v", listener.Addr()))
	return serveHTTP(listener, proxy, log)
}

// serveAdmin opens the address for health and metrics.
func (c *daemonConfig) serveAdmin(relay *daemon.Relay, log *slog.Logger) (closeAdmin func(), err error) {
	if c.Admin == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", c.Admin)
	if err != nil {
		return nil, fmt.Errorf("opening the admin address: %w", err)
	}
	log.Info(fmt.Sprintf("Serving /healthz and /metrics on %v", listener.Addr()))
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.MustRegister(relay.Collectors()...)
	pages := http.NewServeMux()
	pages.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	pages.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		// It is alive; that an upstream is away no restart would mend.
		health := struct {
			Status    string
			Upstreams []daemon.Status
		}{"ok", relay.Status()}
		for _, u := range health.Upstreams {
			if !u.Up {
				health.Status = "degraded"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(health)
	})
	return serveHTTP(listener, pages, log), nil
}

func serveHTTP(listener net.Listener, handler http.Handler, log *slog.Logger) (stop func()) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	}
}

// profile writes profiles to the files that the environment names.
func profile() (stop func() error, err error) {
	cpuPath, memoryPath := os.Getenv("XRAY_DAEMON_CPU_PROFILE"), os.Getenv("XRAY_DAEMON_MEMORY_PROFILE")
	var cpu *os.File
	if cpuPath != "" {
		if cpu, err = os.Create(cpuPath); err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return nil, errors.Join(err, cpu.Close())
		}
	}
	return func() error {
		var errs []error
		if cpu != nil {
			pprof.StopCPUProfile()
			errs = append(errs, cpu.Close())
		}
		if memoryPath != "" {
			memory, err := os.Create(memoryPath)
			if err != nil {
				return errors.Join(append(errs, err)...)
			}
			runtime.GC()
			errs = append(errs, pprof.WriteHeapProfile(memory), memory.Close())
		}
		return errors.Join(errs...)
	}, nil
}
