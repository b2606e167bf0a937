package server_test

import (
	"bytes"
	"context"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/bench/floor"
	"github.com/tomotrace/tomo/bench/server"
)

// TestMain makes the test binary a floor when the test starts it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		f := flag.NewFlagSet("floor", flag.ExitOnError)
		listen, data := f.String("listen", "", ""), f.String("data", "", "")
		f.Parse(os.Args[2:])
		if *data == filepath.Join("no", "such", "place") {
			os.Stderr.WriteString("no place to write to\n")
			os.Exit(3)
		}
		l, err := net.Listen("tcp", *listen)
		if err == nil {
			err = floor.Serve(context.Background(), l, *data)
		}
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func program(t *testing.T) server.Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return server.Program{Name: "floor", Path: self, Args: []string{"floor"}}
}

// TestProcess sends a real process something and sees that its cost is seen.
func TestProcess(t *testing.T) {
	p := program(t)
	s, err := p.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	if s.Ready <= 0 {
		t.Errorf("ready after %v", s.Ready)
	}

	body := []byte(`{"TraceSegmentDocuments":["{\"name\":\"` + strings.Repeat("shop ", 200) + `\"}"]}`)
	deadline := time.Now().Add(20 * time.Second)
	for cpu := time.Duration(0); cpu < 50*time.Millisecond; {
		resp, err := http.Post("http://"+s.Address+"/TraceSegments", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if cpu, err = s.CPU(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("it worked for 20 s and used no more than %v", cpu)
		}
	}
	now, peak, err := s.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if now < 1<<20 || peak < now || peak > 1<<30 {
		t.Errorf("memory %d, peak %d", now, peak)
	}
	if disk, err := s.Disk(); err != nil || disk == 0 {
		t.Errorf("disk: %d bytes, %v", disk, err)
	}
	if _, err := s.Settle(t.Context(), 20*time.Second); err != nil {
		t.Error(err)
	}
}

// TestFailedStart: what the server said is in the error.
func TestFailedStart(t *testing.T) {
	p := program(t)
	s, err := p.Start(t.Context(), filepath.Join("no", "such", "place"))
	if err == nil {
		s.Kill()
		t.Fatal("a server that ends at once was started")
	}
	if !strings.Contains(err.Error(), "no place to write to") {
		t.Errorf("error %q does not say what the server said", err)
	}
}
