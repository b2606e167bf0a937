package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/daemon"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/keyring"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

type serveCmd struct {
	Listen           string        `help:"Address for HTTP (TCP) and segment datagrams (UDP)." default:"127.0.0.1:2000" env:"TOMO_LISTEN"`
	Data             string        `help:"Directory for everything that is kept." default:"./tomo-data" env:"TOMO_DATA"`
	Retention        time.Duration `help:"How long traces are kept, such as 30d or 12h." default:"30d" env:"TOMO_RETENTION"`
	StrictTraceIDs   bool          `name:"strict-trace-ids" help:"Refuse trace ids dated more than 30 days past or 5 minutes ahead, as X-Ray did before it took W3C ids." env:"TOMO_STRICT_TRACE_IDS"`
	MaxDocument      int           `help:"Largest segment document taken, in bytes." default:"${max_document}" env:"TOMO_MAX_DOCUMENT"`
	MaxTraceSegments int           `help:"Documents that one trace may have." default:"50000" env:"TOMO_MAX_TRACE_SEGMENTS"`
	Quiet            time.Duration `help:"How long nothing must come for a trace before it is settled." default:"3s" env:"TOMO_QUIET"`
	AccountID        string        `name:"account-id" help:"Account in the ARNs of groups and sampling rules: 12 digits." default:"${account}" env:"TOMO_ACCOUNT_ID"`
	Region           string        `help:"Region in the ARNs of groups and sampling rules." default:"${region}" env:"TOMO_REGION"`
	EncryptionKeys   string        `name:"encryption-keys" help:"File of keys that data may be encrypted with, made by tomo keys add. PutEncryptionConfig chooses one." env:"TOMO_ENCRYPTION_KEYS"`
	Insecure         bool          `help:"Listen on an address that is not loopback, although anyone who reaches it may read and write." env:"TOMO_INSECURE"`
	LogFormat        string        `help:"Format of the log on standard error: text or json." enum:"text,json" default:"text" env:"TOMO_LOG_FORMAT"`
	LogLevel         slog.Level    `help:"Least level that is logged: debug, info, warn or error." default:"info" env:"TOMO_LOG_LEVEL"`
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

func (c *serveCmd) Run(ctx context.Context, std *streams) error {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(memoryLimit)
	}
	doors, err := c.openDoors()
	if err != nil {
		return err
	}
	defer doors.close()
	return c.serve(ctx, doors, std.out, c.logger(std.err))
}

// serve assembles the server in the order data meets its parts and runs it
// until ctx ends.
//
//	doors ──→ pipeline ──→ store ←── engine ←── HTTP door
//	              └─ settling loop  ↑               │
//	                   └─ sorter    │               │
//	                         └──────└── settings ←──┘
func (c *serveCmd) serve(ctx context.Context, doors *doors, out io.Writer, log *slog.Logger) (err error) {
	keys := new(keyring.Ring)
	if c.EncryptionKeys != "" {
		if keys, err = keyring.Open(c.EncryptionKeys); err != nil {
			return err
		}
	}
	losses, sorter := ingest.NewLosses(), ingest.NewSorter(log)
	store, err := localstore.Open(c.Data, localstore.Options{
		Derive:            sorter.Summary,
		Retention:         c.Retention,
		MaxTraceDocuments: c.MaxTraceSegments,
		Keys:              keys.Secret,
		Lost:              losses.Add,
		Logger:            log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	set, err := settings.Open(ctx, store, settings.Options{Account: c.AccountID, Region: c.Region})
	if err != nil {
		return err
	}
	sorter.Follow(set)
	pipeline := ingest.New(store, ingest.Options{
		MaxDocument:    c.MaxDocument,
		StrictTraceIDs: c.StrictTraceIDs,
		Settle:         tomo.SettlePolicy{Quiet: c.Quiet},
		Sorter:         sorter,
		Losses:         losses,
		Logger:         log,
	})
	udp := daemon.New(daemon.Options{Accept: pipeline.Accept, Lost: losses.Add, Logger: log})

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.MustRegister(newStoreMetrics(store))
	metrics.MustRegister(pipeline.Collectors()...)
	metrics.MustRegister(udp.Collectors()...)
	services := server.NewServices(server.Parts{
		Pipeline: pipeline, Engine: query.New(store), Settings: set,
		Encryption: server.Encryption{Store: store, Find: keys.Find},
	})
	metrics.MustRegister(services.Collectors()...)
	http := server.New(server.Alone(services), server.Options{
		Bodies: bodiesLimit, Metrics: metrics, Version: versionText(), Log: log,
	})

	// Traces are settled until the doors are closed: what they still take may
	// need the room.
	settling, settled := context.WithCancel(context.WithoutCancel(ctx))
	var loop errgroup.Group
	loop.Go(func() error { return pipeline.Run(settling) })
	defer func() {
		settled()
		err = errors.Join(err, loop.Wait())
	}()

	open, ctx := errgroup.WithContext(ctx)
	open.Go(func() error { return udp.Listen(ctx, doors.udp) })
	open.Go(func() error { return http.Serve(ctx, doors.tcp) })
	c.announce(out, doors.tcp.Addr())
	err = open.Wait()
	log.Info("the doors are closed")
	return err
}

// announce says where things are, and gives a first segment to send.
func (c *serveCmd) announce(w io.Writer, at net.Addr) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		data = c.Data
	}
	endpoint := ""
	if at.String() != "127.0.0.1:2000" {
		endpoint = fmt.Sprintf(" --endpoint http://%v", at)
	}
	now := time.Now()
	id := tomo.NewTraceID(now)
	fmt.Fprintf(w, `Tomo %s is at http://%v (X-Ray API) and udp://%[2]v (segment datagrams).

  data         %s, kept for %s
  AWS clients  AWS_ENDPOINT_URL_XRAY=http://%[2]v
  X-Ray SDKs   AWS_XRAY_DAEMON_ADDRESS=%[2]v
  health       http://%[2]v/healthz, /readyz, /metrics
  first steps  echo '{"trace_id":"%[5]v","id":"%[6]v","name":"hello","start_time":%[7]d,"end_time":%[7]d.25}' | %[8]s put%[9]s
               %[8]s trace%[9]s %[5]v

`, versionText(), at, data, days(c.Retention), id, tomo.NewSegmentID(), now.Unix(), os.Args[0], endpoint)
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

// doors are the two sockets on one address. They are opened before the store:
// what comes while the log is replayed waits in them.
type doors struct {
	tcp net.Listener
	udp net.PacketConn
}

func (c *serveCmd) openDoors() (*doors, error) {
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("reading the address to listen on: %w", err)
	}
	if !address.IP.IsLoopback() && !c.Insecure {
		return nil, fmt.Errorf("%s is not a loopback address, and without credentials anyone who reaches it could read and write everything: "+
			"listen on 127.0.0.1, or say --insecure if the network keeps strangers out", c.Listen)
	}
	// Port 0 is any that is free for both, which may take more than one try.
	for try := 1; ; try++ {
		d, err := listen(address)
		if err == nil || address.Port != 0 || try == 10 {
			return d, err
		}
	}
}

func listen(address *net.TCPAddr) (*doors, error) {
	tcp, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the HTTP door: %w", err)
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: address.IP, Port: port, Zone: address.Zone})
	if err != nil {
		tcp.Close()
		return nil, fmt.Errorf("opening the datagram door: %w", err)
	}
	daemon.Enlarge(udp) // now: what comes before the door listens waits in it
	return &doors{tcp, udp}, nil
}

func (d *doors) close() {
	d.tcp.Close()
	d.udp.Close()
}
