package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/demo"
)

type demoCmd struct {
	endpointFlag
	Serve    bool           `help:"Run a server, too, at --listen; --endpoint does not count then."`
	Listen   string         `help:"Address of that server." default:"127.0.0.1:2000" env:"TOMO_LISTEN"`
	Data     string         `help:"Directory of that server." default:"./tomo-demo"`
	Rate     float64        `help:"Requests of clients per second, on an average of the day." default:"5"`
	For      *time.Duration `help:"End after this long; 0s does nothing but --backfill. By default it runs until interrupted." placeholder:"DURATION"`
	Backfill time.Duration  `help:"Begin with what would have happened in this time before now." placeholder:"DURATION"`
	Seed     uint64         `help:"The same seed draws the same requests and incidents." default:"1"`
	HTTP     bool           `name:"http" help:"Send by PutTraceSegments rather than by datagrams, as is done to an https endpoint in any case."`
	Sampled  bool           `help:"Let the server's sampling rules decide what is recorded, rather than record everything."`
	Groups   bool           `help:"Create the groups Scorekeep, with insights, and Moves if they are not there." default:"true" negatable:""`
}

func (c *demoCmd) Help() string {
	return `Plays an application to look at: services that call each other over HTTP on
loopback, DynamoDB, SNS, SQS, S3, Lambda and a database in this process, and the
clients that ask for it. Some requests fail; once an hour something breaks for
minutes. Nothing is asked outside of this machine but the server.

What --backfill writes has its times in the past. Trace lists, filters and
analyses of that past show it. The map, time series and insights count traces
when they are received: there it all is in the minutes in which it was written.
It is sent by PutTraceSegments.`
}

// Validate checks what kong does not.
func (c *demoCmd) Validate() error {
	switch {
	case !(c.Rate > 0 && c.Rate <= maxDemoRate):
		return fmt.Errorf("--rate is %v; it must be above 0 and at most %v requests per second", c.Rate, maxDemoRate)
	case c.Backfill > maxBackfill:
		return fmt.Errorf("--backfill is %v; it must be at most %v", c.Backfill, maxBackfill)
	}
	return nil
}

// Bounds of a demo: it is made to be looked at, not for load.
const (
	maxDemoRate = 200
	maxBackfill = 30 * 24 * time.Hour
)

func (c *demoCmd) Run(ctx context.Context, std *streams) error {
	// The services of the demo are several programs in one: what the environment
	// says to the SDK of one program, such as its name, is not meant for them.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_XRAY_") || name == "LAMBDA_TASK_ROOT" {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if !c.Serve {
		return c.play(ctx, std, log)
	}
	serving, err := c.startServer(std, log)
	if err != nil {
		return err
	}
	playing, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		defer cancel() // without a server there is no demo
		served <- serving.run()
	}()
	err = c.play(playing, std, log)
	serving.stop() // after the last document
	if failed := <-served; failed != nil {
		return failed // for want of a server the play fails, too, and says less
	}
	return err
}

// demoServer is one in this process.
type demoServer struct {
	run  func() error // until stop
	stop context.CancelFunc
}

// startServer opens the doors of a server, as tomo serve does.
func (c *demoCmd) startServer(std *streams, log *slog.Logger) (*demoServer, error) {
	var all commands
	parser, err := newParser(&all, context.Background(), std)
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse([]string{"serve", "--listen", c.Listen, "--data", c.Data}); err != nil {
		return nil, err
	}
	boundServer()
	doors, err := all.Serve.openDoors(log)
	if err != nil {
		return nil, err
	}
	c.Endpoint = "http://" + doors.tcp.Addr().String()
	if all.Serve.TLSCert != "" {
		c.Endpoint = "https://" + doors.tcp.Addr().String()
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		data = c.Data
	}
	fmt.Fprintf(std.out, "Tomo %s is at %s (X-Ray API and segment datagrams); its data is in %s.\n\n", versionText(), c.Endpoint, data)
	ctx, stop := context.WithCancel(context.Background())
	return &demoServer{
		run: func() error {
			defer doors.close()
			return all.Serve.serve(ctx, doors, io.Discard, log)
		},
		stop: stop,
	}, nil
}

// play performs the demo for a server that is there.
func (c *demoCmd) play(ctx context.Context, std *streams, log *slog.Logger) error {
	daemon, err := c.datagrams()
	if err != nil {
		return err
	}
	if err := c.createGroups(ctx, std); err != nil {
		return err
	}
	post := &poster{client: c.client()}
	if c.Backfill > 0 {
		if err := c.fill(ctx, std, post); err != nil {
			return err
		}
	}
	if c.For != nil && *c.For == 0 || ctx.Err() != nil {
		return nil
	}
	if c.For != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *c.For)
		defer cancel()
	}
	c.announce(std.out)
	o := demo.Options{Rate: c.Rate, Seed: c.Seed, Daemon: daemon, BySamplingRules: c.Sampled, Log: log}
	if c.HTTP || strings.HasPrefix(c.Endpoint, "https:") {
		o.Send = post.send
	}
	stats, err := demo.Run(ctx, o)
	fmt.Fprintf(std.out, "%s, %s sent\n", plural(stats.Requests, "request"), plural(stats.Documents, "document"))
	if stats.Dropped > 0 || stats.Skipped > 0 {
		fmt.Fprintf(std.out, "%s could not be sent; %s had no place\n", plural(stats.Dropped, "document"), plural(stats.Skipped, "request"))
	}
	return err
}

// datagrams is where they go: to the host and the port of the endpoint.
func (c *demoCmd) datagrams() (string, error) {
	if !strings.Contains(c.Endpoint, "://") {
		c.Endpoint = "http://" + c.Endpoint
	}
	at, err := url.Parse(c.Endpoint)
	if err != nil || at.Host == "" {
		return "", fmt.Errorf("the endpoint %q is not a URL such as http://127.0.0.1:2000", c.Endpoint)
	}
	if at.Port() != "" {
		return at.Host, nil
	}
	port := "80"
	if at.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(at.Hostname(), port), nil
}

// demoGroups are what makes the pages about groups worth a look.
var demoGroups = []struct {
	name, filter string
	insights     bool
}{
	{"Scorekeep", `service("Scorekeep")`, true},
	{"Moves", `http.url CONTAINS "/api/move/"`, false},
}

// createGroups asks the server for its groups first, and so whether it is there.
func (c *demoCmd) createGroups(ctx context.Context, std *streams) error {
	if !c.Groups {
		return nil
	}
	ask := c.client()
	there, err := ask.GetGroups(ctx)
	if err != nil {
		return err
	}
	for _, g := range demoGroups {
		if slices.ContainsFunc(there.Groups, func(is api.Group) bool { return is.GroupName == g.name }) {
			continue
		}
		_, err := ask.CreateGroup(ctx, &api.CreateGroupRequest{
			GroupName: &g.name, FilterExpression: g.filter, InsightsConfiguration: &api.InsightsConfiguration{InsightsEnabled: &g.insights},
		})
		if err != nil { // the demo is as good without it
			fmt.Fprintf(std.err, "there will be no group %s: %v\n", g.name, err)
		}
	}
	return nil
}

// fill writes the past and tells how far it is.
func (c *demoCmd) fill(ctx context.Context, std *streams, post *poster) error {
	now := time.Now()
	began := now
	said := now
	var written int
	stats, err := demo.Backfill(ctx, now.Add(-c.Backfill), now, c.Rate, c.Seed, func(documents []string) error {
		if err := post.all(ctx, documents); err != nil {
			return err
		}
		if written += len(documents); time.Since(said) > 2*time.Second {
			said = time.Now()
			fmt.Fprintf(std.out, "the past: %s so far\n", plural(written, "document"))
		}
		return nil
	})
	if ctx.Err() != nil {
		err = nil // told to end
	}
	fmt.Fprintf(std.out, "the past %v: %s, %s written in %v\n\n", c.Backfill, plural(stats.Requests, "request"), plural(stats.Documents, "document"), time.Since(began).Round(100*time.Millisecond))
	return err
}

// announce says where to look.
func (c *demoCmd) announce(w io.Writer) {
	endpoint := ""
	if c.Endpoint != "http://127.0.0.1:2000" && os.Getenv("TOMO_ENDPOINT") != c.Endpoint {
		endpoint = " --endpoint " + c.Endpoint
	}
	tomo := os.Args[0]
	next := demo.NextIncident(c.Seed, time.Now())
	fmt.Fprintf(w, `Scorekeep plays: about %v requests a second, more by day than by night. In a browser: %[7]s
From another terminal:

  the map        %[2]s graph%[3]s --since 5m
  as it comes    %[2]s tail%[3]s
  what failed    %[2]s traces%[3]s --filter 'fault'
  who is slow    %[2]s traces%[3]s --filter 'responsetime > 1' --by annotation.tenant
  who is refused %[2]s traces%[3]s --filter 'throttle'
  one service    %[2]s series%[3]s --service Scorekeep
  next incident  %[4]s to %[5]s: %[6]s

docs/demo.md tells what else there is to find. Ctrl-C ends it.

`, c.Rate, tomo, endpoint, next.From.Format("15:04"), next.To.Format("15:04"), next.What, c.Endpoint)
}

// poster sends documents by PutTraceSegments. What is refused is an error: the
// demo sends nothing that should be.
type poster struct {
	client *client.Client
}

// posters is how many calls are made at a time; the server syncs them together.
const posters = 4

// all sends many documents.
func (p *poster) all(ctx context.Context, documents []string) error {
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(posters)
	for part := range slices.Chunk(documents, putDocuments) {
		calls.Go(func() error { return p.send(ctx, part) })
	}
	return calls.Wait()
}

// How often and after what time a call is repeated that the server has no room
// or no quota for.
const (
	postTries = 8
	postPause = 100 * time.Millisecond
)

func (p *poster) send(ctx context.Context, documents []string) error {
	for try := 1; ; try++ {
		answer, err := p.client.PutTraceSegments(ctx, documents)
		if busy, is := errors.AsType[*api.Error](err); is && try < postTries && (busy.Status == 503 || busy.Status == 429 || busy.Name == api.ThrottledException) {
			select {
			case <-time.After(postPause << try):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
		for _, u := range answer.UnprocessedTraceSegments {
			return fmt.Errorf("the server refused a document of the demo: %s: %s", u.ErrorCode, printable(u.Message))
		}
		return nil
	}
}
