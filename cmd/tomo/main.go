// Command tomo is a self-hosted X-Ray: the server, and a command line for what
// it holds.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/cloudwatch"
	"github.com/tomotrace/tomo/settings"
)

// commands is the command line. Each subcommand has its own file.
type commands struct {
	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Daemon      daemonCmd      `cmd:"" passthrough:"" help:"Run in place of the X-Ray daemon: take segment datagrams and send them on. --help lists its flags."`
	Demo        demoCmd        `cmd:"" help:"Play an application that is traced, to have something to look at."`
	Put         putCmd         `cmd:"" help:"Send segment documents."`
	Trace       traceCmd       `cmd:"" help:"Show one trace as a waterfall."`
	Traces      tracesCmd      `cmd:"" help:"List traces, newest first."`
	Tail        tailCmd        `cmd:"" help:"Print traces as they come."`
	Graph       graphCmd       `cmd:"" help:"Show the services and the calls between them."`
	Series      seriesCmd      `cmd:"" help:"Show how requests, faults and latency went over time."`
	Groups      groupsCmd      `cmd:"" help:"List, show, create, update, delete and tag groups."`
	Insights    insightsCmd    `cmd:"" help:"List and show insights: when services failed or were slow more than usual, and why."`
	Rules       rulesCmd       `cmd:"" help:"List, show, create, update, delete, match and tag sampling rules."`
	Keys        keysCmd        `cmd:"" help:"Make and list the keys that data may be encrypted with."`
	Credentials credentialsCmd `cmd:"" help:"List, add, rotate and remove the credentials of a server."`
	Keep        keepCmd        `cmd:"" help:"List, change, test and preview keep rules: what is kept of what was counted."`
	Losses      lossesCmd      `cmd:"" help:"Show what was refused, dropped, truncated, superseded or expired."`
	Doctor      doctorCmd      `cmd:"" help:"Check the installation and name remedies."`
	Ready       readyCmd       `cmd:"" help:"Tell by the status whether the server takes requests."`
	ID          idCmd          `cmd:"" name:"id" help:"Make a trace id."`
	Version     versionCmd     `cmd:"" help:"Show the version."`
	Completion  completionCmd  `cmd:"" help:"Write completions for a shell: bash or zsh."`
	Manual      manualCmd      `cmd:"" hidden:"" help:"Write the manual page."`
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	args := os.Args[1:]
	if filepath.Base(os.Args[0]) == "xray" { // in place of the X-Ray daemon, whose program has that name
		args = append([]string{"daemon"}, args...)
	}
	os.Exit(run(ctx, args, &streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run runs one command and returns the status to exit with: 0 if all was well,
// 1 if not, 2 if the command line could not be understood.
func run(ctx context.Context, args []string, std *streams) (status int) {
	type exit int // what kong's own --help ends with
	defer func() {
		if r := recover(); r != nil {
			code, ok := r.(exit)
			if !ok {
				panic(r)
			}
			status = int(code)
		}
	}()
	out := &output{Writer: std.out}
	std = &streams{std.in, out, std.err}
	parser, err := newParser(&commands{}, ctx, std, kong.Exit(func(code int) { panic(exit(code)) }))
	if err != nil {
		panic(err) // the tags above and in the commands are wrong
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(std.err, "tomo: %v\n", err)
		return 2
	}
	if err := command.Run(); err != nil {
		if status := exitStatus(0); errors.As(err, &status) {
			return int(status)
		}
		if !errors.Is(err, errReported) {
			fmt.Fprintf(std.err, "tomo: %v\n", err)
		}
		return 1
	}
	switch command.Selected().Name {
	case "serve", "daemon", "demo": // what they write is beside what they do
		return 0
	}
	if out.failed != nil {
		fmt.Fprintf(std.err, "tomo: %v\n", out.failed)
		return 1
	}
	return 0
}

// output remembers the first write that failed, so that no command has to look
// after each line that it writes.
type output struct {
	io.Writer
	failed error
}

// Write writes to the Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.failed == nil {
		o.failed = err
	}
	return n, err
}

func newParser(c *commands, ctx context.Context, std *streams, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(more,
		kong.Name("tomo"),
		kong.Description("A self-hosted AWS X-Ray."),
		kong.Writers(std.out, std.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
		kong.Vars{
			"max_document": strconv.Itoa(tomo.MaxDocument), "account": settings.DefaultAccount, "region": settings.DefaultRegion,
			"limits": limitsText(), "quotas": xrayQuotas, "namespace": cloudwatch.Namespace, "since": "1h",
		},
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
	)...)
}

// errReported ends a command with status 1 when everything was said already.
var errReported = errors.New("reported")

// exitStatus ends a command with a status of its own when everything was said
// already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// decodeDuration reads a duration as Go writes it, or a number of days: 36h, 30d.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := parseDuration(text)
	if err != nil {
		return err
	}
	target.SetInt(int64(d))
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 100_000 {
			return time.Duration(n * float64(24*time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 36h or 30d", text)
	}
	return d, nil
}
