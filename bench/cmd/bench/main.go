// Command bench measures Tomo on one machine: what a segment costs, what
// questions cost, and how it compares with a floor that only writes down what
// it is sent.
//
//	bench all        everything below, in turn
//	bench compare    rounds of the floor and Tomo, in turn: CPU, memory, disk, latency
//	bench drive      one run against one server, over HTTP or UDP
//	bench relay      datagrams through tomo daemon to an upstream that counts them
//	bench query      questions over a million segments; memory, start and restart
//	bench search     questions over a day of a million traces, inside this process
//	bench busy       the like of them while segments come at full speed
//	bench settle     what groups add to the settling of traces, inside this process
//	bench floor      the floor itself, as a server
//
// Everything happens on the loopback with servers that bench starts itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tomotrace/tomo/bench/floor"
	"github.com/tomotrace/tomo/bench/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

const usage = "usage: bench all | compare | drive | relay | query | search | busy | settle | floor [flags]; -help after a word lists its flags"

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	verbs := map[string]func(context.Context, []string) error{
		"all": all, "compare": compare, "drive": drive, "relay": relay, "query": queries, "search": search, "busy": busy, "settle": settling, "floor": serveFloor,
	}
	verb, found := verbs[args[0]]
	if !found {
		return errors.New(usage)
	}
	return verb(ctx, args[1:])
}

// options are the flags that several commands share.
type options struct {
	tomo     string
	tomoArgs string
	dir      string
	json     string
	limit    time.Duration
	settle   time.Duration
	segments int
	workers  int
	batch    int
	seed     uint64
}

// flags makes the flag set of a command with the shared flags in it.
func (o *options) flags(command string, segments int) *flag.FlagSet {
	f := flag.NewFlagSet("bench "+command, flag.ContinueOnError)
	f.StringVar(&o.tomo, "tomo", "../bin/tomo", "the tomo `binary`")
	f.StringVar(&o.tomoArgs, "tomo-args", "serve", "`arguments` of tomo before --listen and --data, separated by spaces")
	f.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for the servers' data; on a file system in memory syncing costs nothing")
	f.StringVar(&o.json, "json", "", "`file` to write the figures to as JSON")
	f.DurationVar(&o.limit, "limit", 30*time.Minute, "longest the whole command may take")
	f.DurationVar(&o.settle, "settle", 3*time.Minute, "longest to wait until every trace is settled")
	f.IntVar(&o.segments, "segments", segments, "segments to send a run")
	f.IntVar(&o.workers, "workers", 2, "connections; with few of them few requests share a sync, as when one daemon sends")
	f.IntVar(&o.batch, "batch", 25, "documents a request")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the generated traces")
	return f
}

// tomoProgram is Tomo as a server to start.
func (o *options) tomoProgram() (server.Program, error) {
	if _, err := os.Stat(o.tomo); err != nil {
		return server.Program{}, fmt.Errorf("%w; build it with: go build -o bin/tomo ./cmd/tomo", err)
	}
	return server.Program{Name: "tomo", Path: o.tomo, Args: strings.Fields(o.tomoArgs)}, nil
}

// floorProgram is the floor: this binary, started once more.
func floorProgram() (server.Program, error) {
	self, err := os.Executable()
	return server.Program{Name: "floor", Path: self, Args: []string{"floor"}}, err
}

// serveFloor runs the floor until it is told to stop.
func serveFloor(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench floor", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:2001", "`address` to answer on")
	data := f.String("data", "floor-data", "`directory` to write to")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return floor.Serve(ctx, l, *data)
}

// all runs every measurement and writes one report.
func all(ctx context.Context, args []string) error {
	var o options
	f := o.flags("all", 200_000)
	rounds := f.Int("rounds", 5, "rounds of floor and tomo")
	questions := f.Int("query-segments", 1_000_000, "segments to ask questions about")
	rate := f.Float64("udp-rate", 10_000, "datagrams a second")
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()

	// Each part is printed once it is there: the next takes minutes.
	var r report
	var err error
	if r.Compare, err = compareRounds(ctx, &o, *rounds, 0); err != nil {
		return err
	}
	r.print()
	datagrams, err := driveUDP(ctx, &o, 10*int(*rate), *rate)
	if err != nil {
		return err
	}
	fmt.Println()
	r.Runs = append(r.Runs, datagrams)
	(&report{Runs: r.Runs}).print()
	asked := o
	asked.segments = *questions
	if r.Query, err = measureQueries(ctx, &asked); err != nil {
		return err
	}
	fmt.Println()
	r.Query.print()
	return r.save(o.json)
}
