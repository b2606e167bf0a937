package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/cloudwatch"
	"github.com/tomotrace/tomo/daemon"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/keyring"
	"github.com/tomotrace/tomo/server"
)

type serveCmd struct {
	Listen                string        `help:"Address for HTTP (TCP) and segment datagrams (UDP)." default:"127.0.0.1:2000" env:"TOMO_LISTEN"`
	Data                  string        `help:"Directory for everything that is kept." default:"./tomo-data" env:"TOMO_DATA"`
	Retention             time.Duration `help:"How long traces are kept, such as 30d or 12h." default:"30d" env:"TOMO_RETENTION"`
	StrictTraceIDs        bool          `name:"strict-trace-ids" help:"Refuse trace ids dated more than 30 days past or 5 minutes ahead, as X-Ray did before it took W3C ids." env:"TOMO_STRICT_TRACE_IDS"`
	MaxDocument           int           `help:"Largest segment document taken, in bytes." default:"${max_document}" env:"TOMO_MAX_DOCUMENT"`
	MaxTraceSegments      int           `help:"Documents that one trace may have." default:"50000" env:"TOMO_MAX_TRACE_SEGMENTS"`
	Quiet                 time.Duration `help:"How long nothing must come for a trace before it is settled." default:"3s" env:"TOMO_QUIET"`
	AccountID             string        `name:"account-id" help:"Account in the ARNs of groups and sampling rules: 12 digits." default:"${account}" env:"TOMO_ACCOUNT_ID"`
	Region                string        `help:"Region in the ARNs of groups and sampling rules." default:"${region}" env:"TOMO_REGION"`
	InsightsWebhook       string        `help:"URL that is told of insights, for groups with notifications enabled." placeholder:"URL" env:"TOMO_INSIGHTS_WEBHOOK"`
	InsightsWebhookSecret string        `help:"Secret that signs what the webhook is told. Rather set the variable: others can read the command line." placeholder:"SECRET" env:"TOMO_INSIGHTS_WEBHOOK_SECRET"`
	EncryptionKeys        string        `name:"encryption-keys" help:"File of keys that data may be encrypted with, made by tomo keys add. PutEncryptionConfig chooses one." env:"TOMO_ENCRYPTION_KEYS"`
	credentialsFlags
	UDPTenant           string     `name:"udp-tenant" help:"Whose the segments are that come as datagrams. By default the tenant default; with credentials, only on a loopback address." env:"TOMO_UDP_TENANT"`
	SamplingTenant      string     `help:"Whose sampling rules X-Ray SDKs get that ask without a signature. By default nobody's, once there are credentials." env:"TOMO_SAMPLING_TENANT"`
	MaxTenants          int        `help:"Tenants that may have data here." default:"8" env:"TOMO_MAX_TENANTS"`
	Quota               quotaFlag  `help:"What a tenant may ask for in a second: segments=2600,put=100,sampling=100,read=50,change=5. ${quotas} stands for the rates that X-Ray publishes. By default there is no bound." placeholder:"KIND=RATE,..." env:"TOMO_QUOTA"`
	Limit               limitFlag  `help:"How many there may be, where X-Ray's quotas are not what is wanted: ${limits}; trace-bytes, which is not bounded otherwise." placeholder:"NAME=N,..." env:"TOMO_LIMIT"`
	TLSCert             string     `name:"tls-cert" help:"Certificate, with those above it, in PEM; then HTTP is served with TLS." placeholder:"FILE" env:"TOMO_TLS_CERT"`
	TLSKey              string     `name:"tls-key" help:"Key of the certificate, in PEM." placeholder:"FILE" env:"TOMO_TLS_KEY"`
	CloudwatchEndpoint  string     `help:"URL of CloudWatch, or of what speaks its API, to publish the figures of groups to once a minute. Credentials are found as AWS SDKs find them." placeholder:"URL" env:"TOMO_CLOUDWATCH_ENDPOINT"`
	CloudwatchNamespace string     `help:"Namespace for ApproximateTraceCount. AWS itself takes none from others that begins with AWS/." default:"${namespace}" env:"TOMO_CLOUDWATCH_NAMESPACE"`
	Insecure            bool       `help:"Listen on an address that is not loopback without credentials, although anyone who reaches it may read and write." env:"TOMO_INSECURE"`
	LogFormat           string     `help:"Format of the log on standard error: text or json." enum:"text,json" default:"text" env:"TOMO_LOG_FORMAT"`
	LogLevel            slog.Level `help:"Least level that is logged: debug, info, warn or error." default:"info" env:"TOMO_LOG_LEVEL"`
}

func (c *serveCmd) Help() string {
	return `Runs until SIGINT or SIGTERM, then finishes what it has begun and ends with
status 0 within ten seconds. The memory limit is 400 MiB unless GOMEMLIMIT
says another.`
}

// memoryLimit keeps the process below 512 MB at full speed: what the runtime
// does not count is the binary itself and the pages of files being read.
const memoryLimit = 400 << 20

// bodiesLimit is the share of it that the bodies of requests may take.
const bodiesLimit = 96 << 20

// openMemory is the share that the documents of open traces may take, of all
// tenants together; leastOpenMemory is what each may take at least.
const (
	openMemory      = 128 << 20
	leastOpenMemory = 16 << 20
)

func (c *serveCmd) Run(ctx context.Context, std *streams) error {
	boundServer()
	log := c.logger(std.err)
	doors, err := c.openDoors(log)
	if err != nil {
		return err
	}
	defer doors.close()
	return c.serve(ctx, doors, std.out, log)
}

// boundServer sets the memory limit of a server, unless GOMEMLIMIT does.
func boundServer() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// serve assembles the server and runs it until ctx ends.
//
//	datagrams ──→ one tenant   ←──┐
//	                              ├── tenants ←── HTTP door ←── requests
//	              other tenants ←─┘                   └── guard
func (c *serveCmd) serve(ctx context.Context, doors *doors, out io.Writer, log *slog.Logger) (err error) {
	keys := new(keyring.Ring)
	if c.EncryptionKeys != "" {
		if keys, err = keyring.Open(c.EncryptionKeys); err != nil {
			return err
		}
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all := &tenants{max: c.MaxTenants, all: map[string]*opening{}}
	all.open = func(ctx context.Context, name string) (*tenant, error) {
		share := int64(openMemory / min(c.MaxTenants, max(1, len(doors.guard.Tenants()))))
		is, err := c.openTenant(ctx, name, keys, max(share, leastOpenMemory), log)
		if err != nil {
			return nil, err
		}
		if err := ofTenant(metrics, name, is.metrics); err != nil {
			return nil, errors.Join(err, is.close())
		}
		return is, nil
	}
	if c.CloudwatchEndpoint != "" {
		stop, err := c.publish(ctx, all.figures, metrics, log)
		if err != nil {
			return err
		}
		defer stop() // when everything was counted
	}
	// Traces are settled until the doors are closed: what they still take may
	// need the room.
	defer func() { err = errors.Join(err, all.close()) }()
	// A signal that comes before the doors are open closes them at once; what it
	// must not do is make the start fail.
	starting := context.WithoutCancel(ctx)
	if _, err := all.get(starting, identity.DefaultTenant); err != nil {
		return err
	}
	all.wake(starting, filepath.Join(c.Data, tenantsDir), log)

	open, ctx := errgroup.WithContext(ctx)
	if doors.udp != nil {
		owner, err := all.get(starting, cmp.Or(c.UDPTenant, identity.DefaultTenant))
		if err != nil {
			return err
		}
		udp := daemon.New(daemon.Options{Accept: owner.pipeline.Accept, Lost: owner.losses.Add, Logger: log})
		metrics.MustRegister(udp.Collectors()...)
		open.Go(func() error { return udp.Listen(ctx, doors.udp) })
	}
	http := server.New(all.services, server.Options{
		Guard: doors.guard, SamplingTenant: c.SamplingTenant, Account: c.AccountID,
		Bodies: bodiesLimit, Metrics: metrics, Version: versionText(), Logger: log,
	})
	open.Go(func() error { return http.Serve(ctx, doors.tcp) })
	c.announce(out, doors)
	err = open.Wait()
	log.Info("the doors are closed")
	return err
}

// publish sends figures to CloudWatch every minute, and what is left when it is
// stopped.
func (c *serveCmd) publish(ctx context.Context, figures func() []cloudwatch.Figures, metrics *prometheus.Registry, log *slog.Logger) (stop func(), err error) {
	client, err := cloudwatch.Dial(ctx, c.CloudwatchEndpoint, c.Region)
	if err != nil {
		return nil, err
	}
	publisher := cloudwatch.New(cloudwatch.Options{Client: client, Figures: figures, Namespace: c.CloudwatchNamespace, Logger: log})
	metrics.MustRegister(publisher.Collectors()...)
	running, halt := context.WithCancel(context.WithoutCancel(ctx))
	var publishing errgroup.Group
	publishing.Go(func() error { publisher.Run(running); return nil })
	return func() { halt(); _ = publishing.Wait() }, nil
}

// Validate checks what kong does not.
func (c *serveCmd) Validate() error {
	for _, name := range []string{c.UDPTenant, c.SamplingTenant} {
		if name == "" {
			continue
		}
		if err := identity.CheckTenant(name); err != nil {
			return err
		}
	}
	if endpoint, err := url.Parse(c.CloudwatchEndpoint); c.CloudwatchEndpoint != "" && (err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https") {
		return fmt.Errorf("--cloudwatch-endpoint %q is not a URL such as https://monitoring.eu-central-1.amazonaws.com", c.CloudwatchEndpoint)
	}
	switch {
	case c.CloudwatchNamespace == "" || len(c.CloudwatchNamespace) > 255:
		return fmt.Errorf("--cloudwatch-namespace has %d characters; CloudWatch takes 1 to 255", len(c.CloudwatchNamespace))
	case c.MaxTenants < 1:
		return fmt.Errorf("there has to be one tenant at least, not %d", c.MaxTenants)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("a certificate and its key come together: give both --tls-cert and --tls-key")
	}
	return nil
}

// announce says where things are, and gives a first segment to send.
func (c *serveCmd) announce(w io.Writer, d *doors) {
	at, scheme := d.tcp.Addr(), "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		data = c.Data
	}
	endpoint := ""
	if at.String() != "127.0.0.1:2000" || scheme != "http" {
		endpoint = fmt.Sprintf(" --endpoint %s://%v", scheme, at)
	}
	datagrams, welcome := "", "everybody who reaches it"
	if d.udp != nil {
		datagrams = fmt.Sprintf(" and udp://%v (segment datagrams)", at)
	}
	if !d.guard.Open() {
		welcome = "who has credentials: see " + os.Args[0] + " credentials"
	}
	now := time.Now()
	id := tomo.NewTraceID(now)
	fmt.Fprintf(w, `Tomo %s is at %s://%v (X-Ray API)%s.

  data         %s, kept for %s
  answers      %s
  AWS clients  AWS_ENDPOINT_URL_XRAY=%[2]s://%[3]v
  X-Ray SDKs   AWS_XRAY_DAEMON_ADDRESS=%[3]v
  health       %[2]s://%[3]v/healthz, /readyz, /metrics
  first steps  echo '{"trace_id":"%[8]v","id":"%[9]v","name":"hello","start_time":%[10]d,"end_time":%[10]d.25}' | %[11]s put%[12]s
               %[11]s trace%[12]s %[8]v

`, versionText(), scheme, at, datagrams, data, days(c.Retention), welcome, id, tomo.NewSegmentID(), now.Unix(), os.Args[0], endpoint)
}

// days writes whole days as such.
func days(d time.Duration) string {
	if d > 0 && d%(24*time.Hour) == 0 {
		return plural(int(d/(24*time.Hour)), "day")
	}
	return d.String()
}

func (c *serveCmd) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// doors are the two sockets on one address, and who is let in. They are opened
// before the stores: what comes while logs are replayed waits in them.
type doors struct {
	tcp   net.Listener
	udp   net.PacketConn // nil: closed
	guard *identity.Guard
}

func (c *serveCmd) openDoors(log *slog.Logger) (*doors, error) {
	file, err := c.file(c.Data)
	if err != nil {
		return nil, err
	}
	guard, err := identity.NewGuard(file, identity.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("reading the address to listen on: %w", err)
	}
	public := !address.IP.IsLoopback() && !c.Insecure
	if public && guard.Open() {
		return nil, fmt.Errorf("%s is not a loopback address, and without credentials anyone who reaches it could read and write everything: "+
			"listen on 127.0.0.1, make credentials with tomo credentials add, or say --insecure if the network keeps strangers out", c.Listen)
	}
	// Datagrams are from nobody: strangers send them only if somebody wants that.
	datagrams := !public || c.UDPTenant != ""
	// Port 0 is any that is free for both, which may take more than one try.
	var d *doors
	for try := 1; ; try++ {
		d, err = listen(address, datagrams)
		if err == nil || address.Port != 0 || try == 10 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	d.guard = guard
	if c.TLSCert != "" {
		config, err := identity.TLS(c.TLSCert, c.TLSKey, identity.Options{Logger: log})
		if err != nil {
			d.close()
			return nil, err
		}
		d.tcp = tls.NewListener(d.tcp, config)
	}
	return d, nil
}

func listen(address *net.TCPAddr, datagrams bool) (*doors, error) {
	tcp, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the HTTP door: %w", err)
	}
	if !datagrams {
		return &doors{tcp: tcp}, nil
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: address.IP, Port: port, Zone: address.Zone})
	if err != nil {
		tcp.Close()
		return nil, fmt.Errorf("opening the datagram door: %w", err)
	}
	daemon.Enlarge(udp) // now: what comes before the door listens waits in it
	return &doors{tcp: tcp, udp: udp}, nil
}

func (d *doors) close() {
	d.tcp.Close()
	if d.udp != nil {
		d.udp.Close()
	}
}
