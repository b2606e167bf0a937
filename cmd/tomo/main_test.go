package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tomo": main})
}

// TestScripts runs the scripts in testdata, each with a server of its own that
// TOMO_ENDPOINT points at. With UPDATE=1 in the environment the expected
// outputs in them are written anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"become":     become,
			"eventually": eventually,
			"waitfor":    waitFor,
			"status":     status,
			"datagram":   datagram,
			"through":    through,
			"taken":      taken,
		},
		Setup: func(env *testscript.Env) error {
			endpoint, stop, err := startServer(filepath.Join(env.WorkDir, "data"))
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := stop(); err != nil {
					t.Errorf("stopping the server: %v", err)
				}
			})
			env.Setenv("TOMO_ENDPOINT", endpoint)
			env.Setenv("COLUMNS", "90")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each command otherwise
			return nil
		},
	})
}

// waitFor is "waitfor FILE": it returns when there is such a file.
func waitFor(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := os.Stat(ts.MkAbs(args[0]))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waiting: %v", err)
		}
	}
}

// status is "status N PROGRAM ARGS…": the program has to end with that status.
func status(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGS…")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("it ended with status %s, want %s", got, args[0])
	}
}

// inLog finds the address behind some words in the log of a daemon.
func inLog(ts *testscript.TestScript, log, words string) string {
	found := regexp.MustCompile(words + ` (\S+)`).FindStringSubmatch(ts.ReadFile(log))
	if found == nil {
		ts.Fatalf("%s does not say %q", log, words)
	}
	return found[1]
}

// datagram is "datagram LOG FILE": it sends the file, but for the line feed at
// its end, to the daemon with that log.
func datagram(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 2 {
		ts.Fatalf("usage: datagram LOG FILE")
	}
	conn, err := net.Dial("udp", inLog(ts, args[0], "Listening on UDP"))
	ts.Check(err)
	defer conn.Close()
	_, err = conn.Write([]byte(strings.TrimSuffix(ts.ReadFile(args[1]), "\n")))
	ts.Check(err)
}

// through is "through LOG": PROXY becomes the TCP side of the daemon with that log.
func through(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 1 {
		ts.Fatalf("usage: through LOG")
	}
	ts.Setenv("PROXY", "http://"+inLog(ts, args[0], "Starting proxy http server on"))
}

// taken is "taken LOG": a daemon on the address of another ends with status 1.
func taken(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 1 {
		ts.Fatalf("usage: taken LOG")
	}
	status(ts, false, []string{"1", "tomo", "daemon", "-b", inLog(ts, args[0], "Listening on UDP")})
}

// become is "become FILE": what credentials add printed is put into the
// environment, as a shell would do it. FILE may be stdout.
func become(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 1 {
		ts.Fatalf("usage: become FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if export, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			name, value, _ := strings.Cut(export, "=")
			ts.Setenv(name, value)
		}
	}
}

// eventually is "[!] eventually PROGRAM ARGS…": it runs the program until it
// ends well, or until it does not.
func eventually(ts *testscript.TestScript, not bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: eventually PROGRAM ARGS…")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if (err != nil) == not {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still: %v", err)
		}
	}
}

// startServer runs tomo serve in this process on a free port. What it was sent
// stays open, so that nothing hangs on how fast a script runs.
func startServer(data string, flags ...string) (endpoint string, stop func() error, err error) {
	c := commands{}
	parser, err := newParser(&c, context.Background(), &streams{})
	if err != nil {
		return "", nil, err
	}
	if _, err := parser.Parse(append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--quiet", "1h"}, flags...)); err != nil {
		return "", nil, err
	}
	log := slog.New(slog.DiscardHandler)
	doors, err := c.Serve.openDoors(log)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.Serve.serve(ctx, doors, io.Discard, log) }()
	return fmt.Sprintf("http://%v", doors.tcp.Addr()), func() error { cancel(); return <-served }, nil
}
