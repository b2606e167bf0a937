// Package server starts the server under test as a child process and reads
// what it costs: CPU time, memory, bytes on disk. It needs Linux's /proc.
package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Program is a server that can be started. It takes the flags --listen and
// --data, after Args.
type Program struct {
	Name string
	Path string
	Args []string
	// Where are the arguments after Args; nil: --listen and --data.
	Where func(address, dir string) []string
	// Env is added to the environment.
	Env []string
	// Probe is the path that answers 200 when it is ready; "": /readyz.
	Probe string
}

// Process is a server that runs.
type Process struct {
	Address string        // of its HTTP door and, if it has one, of its UDP door
	Ready   time.Duration // from its start until it said it was ready

	cmd    *exec.Cmd
	dir    string
	log    *bytes.Buffer
	exited chan struct{} // closed once it was waited for
}

// readyLimit is how long a server may take to get ready.
const readyLimit = 2 * time.Minute

// Start runs the program on free ports of the loopback with its data in dir,
// and waits until it is ready. When ctx ends the process is killed.
func (p *Program) Start(ctx context.Context, dir string) (*Process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	where := []string{"--listen", address, "--data", dir}
	if p.Where != nil {
		where = p.Where(address, dir)
	}
	args := append(append([]string{}, p.Args...), where...)
	s := &Process{Address: address, dir: dir, log: new(bytes.Buffer), exited: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, p.Path, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log // one writer: exec lets only one goroutine write
	s.cmd.Env = append(os.Environ(), p.Env...)
	s.cmd.WaitDelay = 5 * time.Second
	started := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Name, err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(ctx, started, cmp.Or(p.Probe, "/readyz")); err != nil {
		s.Kill()
		return nil, fmt.Errorf("starting %s: %w\n%s", p.Name, err, s.tail())
	}
	return s, nil
}

// waitReady polls a path every millisecond.
func (s *Process) waitReady(ctx context.Context, started time.Time, probe string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		if body, err := s.get(ctx, probe); err == nil {
			body.Close()
			s.Ready = time.Since(started)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", probe, ctx.Err())
		case <-s.exited:
			return errors.New("it ended by itself")
		case <-time.After(time.Millisecond):
		}
	}
}

// errNotFound says that the server does not know a path.
var errNotFound = errors.New("not found")

func (s *Process) get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.Address+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		if resp.StatusCode == http.StatusNotFound {
			return nil, fmt.Errorf("GET %s: %w", path, errNotFound)
		}
		return nil, fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return resp.Body, nil
}

// Stop asks the process to end and waits for it.
func (s *Process) Stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(time.Minute):
		s.Kill()
		return errors.New("the server did not end within a minute of SIGTERM")
	}
	if state := s.cmd.ProcessState; !state.Success() {
		return fmt.Errorf("the server ended with %v\n%s", state, s.tail())
	}
	return nil
}

// Kill ends the process at once, with no chance to tidy up.
func (s *Process) Kill() {
	s.cmd.Process.Kill()
	<-s.exited
}

// tail is the end of what the process printed. It may be called once it has
// ended.
func (s *Process) tail() string {
	text := s.log.Bytes()
	return string(text[max(0, len(text)-2000):])
}

// clockTick is the unit of the times in /proc/PID/stat: USER_HZ, which is 100
// on every architecture Go runs on.
const clockTick = 10 * time.Millisecond

// CPU is the time the process has spent on a processor, in user and in kernel
// mode.
func (s *Process) CPU() (time.Duration, error) {
	text, err := os.ReadFile(s.proc("stat"))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold anything; utime and stime are the 14th
	// and 15th field, the state after the name the third.
	_, rest, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')'):], []byte(" "))
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading %s: only %d fields", s.proc("stat"), len(fields))
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", s.proc("stat"), err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// Memory is the resident memory of the process in bytes, now and at its peak.
func (s *Process) Memory() (now, peak int64, err error) {
	text, err := os.ReadFile(s.proc("status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		var to *int64
		switch name {
		case "VmRSS":
			to = &now
		case "VmHWM":
			to = &peak
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("reading %s: %w", s.proc("status"), err)
		}
		*to = kilobytes << 10
	}
	return now, peak, nil
}

func (s *Process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), file)
}

// Disk is the size of all files in the data directory, in bytes.
func (s *Process) Disk() (int64, error) {
	var sum int64
	err := filepath.WalkDir(s.dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server removed it meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}

// freeAddress is a port of the loopback that nobody listens on, in TCP or UDP.
func freeAddress() (string, error) {
	var tried error
	for range 10 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		address := l.Addr().String()
		c, err := net.ListenPacket("udp", address)
		if err == nil {
			return address, errors.Join(c.Close(), l.Close())
		}
		tried = errors.Join(tried, err, l.Close())
	}
	return "", tried
}
