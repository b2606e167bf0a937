package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDaemonLog(t *testing.T) {
	var out bytes.Buffer
	log := newDaemonLog(&out, slog.LevelInfo)
	log.Debug("not this")
	log.Info("Using region: eu-west-1")
	log.With("a", 1).Warn("careful", "b", "x y")
	log.Error("no")
	want := regexp.MustCompile(`^\S+T\S+ \[Info\] Using region: eu-west-1
\S+ \[Warn\] careful a="1" b="x y"
\S+ \[Error\] no
$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("logged\n%s", &out)
	}
	out.Reset()
	newDaemonLog(&out, daemonLevels["dev"]).Log(t.Context(), trace, "this too")
	if !strings.HasSuffix(out.String(), " [Trace] this too\n") {
		t.Errorf("logged %s", &out)
	}
}

// TestLogFile: the file is made by the first line, grows when it is opened again,
// and is put aside once it is full, where one old file is kept.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xray.log")
	l := &logFile{path: path, rotate: true, limit: 10}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is there before there is a line")
	}
	write := func(line string) {
		t.Helper()
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	hold := func(now, old string) {
		t.Helper()
		for file, want := range map[string]string{path: now, path + ".1": old} {
			if got, err := os.ReadFile(file); string(got) != want {
				t.Errorf("%s holds %q, want %q (%v)", file, got, want, err)
			}
		}
	}
	write("1234\n")
	l.Close()
	l = &logFile{path: path, rotate: true, limit: 10}
	write("5678\n")
	hold("1234\n5678\n", "")
	write("9\n")
	hold("9\n", "1234\n5678\n")
	write("abcdefghij\n")
	hold("abcdefghij\n", "9\n")
	l.Close()
	l = &logFile{path: path, limit: 10}
	write("more\n")
	hold("abcdefghij\nmore\n", "9\n")
	l.Close()
}

func TestEndpointOf(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "https://xray.eu-west-1.amazonaws.com", "cn-north-1": "https://xray.cn-north-1.amazonaws.com.cn",
		"us-iso-east-1": "https://xray.us-iso-east-1.c2s.ic.gov", "us-isob-east-1": "https://xray.us-isob-east-1.sc2s.sgov.gov",
		"us-gov-west-1": "https://xray.us-gov-west-1.amazonaws.com",
	} {
		if got := endpointOf(region); got != want || !amazons(got) {
			t.Errorf("%s: %s", region, got)
		}
	}
	for _, endpoint := range []string{"http://127.0.0.1:2000", "https://tomo.example.com", "https://amazonaws.com.example"} {
		if amazons(endpoint) {
			t.Errorf("%s is taken for AWS's", endpoint)
		}
	}
}
