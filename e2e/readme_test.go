package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestREADME runs the examples of the README, the blocks of shell commands,
// one after the other in one shell.
func TestREADME(t *testing.T) {
	if len(programs("aws")) == 0 {
		absent(t, "the AWS CLI")
	}
	out := runExamples(t, "../README.md")
	for _, want := range []string{
		`"UnprocessedTraceSegments": []`, // put-trace-segments
		`\"name\":\"payments\"`,          // batch-get-traces: the datagram arrived
		"payments →",                     // trace: and is inside the shop
		"502 fault inferred",             // and what it called was inferred
		"STARTED",                        // traces
		"→ payments",                     // graph
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the examples do not print %q:\n%s", want, out)
		}
	}
}

// TestSamplingExamples runs those of the page about sampling.
func TestSamplingExamples(t *testing.T) {
	out := runExamples(t, "../docs/sampling.md")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := strings.Join(strings.Fields(lines[len(lines)-1]), " "); !strings.HasPrefix(last, "all checkout 100 ") {
		t.Errorf("the examples end with another rule:\n%s", out)
	}
}

// runExamples runs the blocks of shell commands of a page against a server of
// their own and returns what they print.
func runExamples(t *testing.T, file string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script += block[1]
	}
	s := start(t)
	host, port, _ := strings.Cut(s.address, ":")
	script = strings.NewReplacer("127.0.0.1:2000", s.address, "127.0.0.1/2000", host+"/"+port).Replace(script)

	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(s.clientEnvironment(t), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "TOMO_ENDPOINT="+s.url(""))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// TestREADMEFlags checks that the README lists every flag of tomo serve.
func TestREADMEFlags(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.Command(binary, "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^ +(--[a-z-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(flags) < 5 {
		t.Fatalf("only %d flags in the help:\n%s", len(flags), help)
	}
	for _, f := range flags {
		variable := "TOMO_" + strings.ToUpper(strings.ReplaceAll(f[1][2:], "-", "_"))
		if !strings.Contains(string(readme), "| `"+f[1]+"` | `"+variable+"` |") {
			t.Errorf("the README does not list %s with %s", f[1], variable)
		}
	}
}
