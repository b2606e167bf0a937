// Package deploy_test looks at the units, the image, the compose file, the chart
// and the packages as those that will use them do: with systemd's own verifier,
// the parsers of BuildKit, Compose and Helm, Kubernetes' types, dpkg, rpm and
// lintian. What is not installed here is skipped by name.
package deploy_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	composetypes "github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(status)
}

var built struct {
	sync.Once
	dir string
	err error
}

// tomo is the binary, built once.
func tomo(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "tomo-deploy-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, "tomo"), "./cmd/tomo")
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, built.err = cmd.CombinedOutput(); built.err != nil {
			os.Stderr.Write(out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "tomo")
}

// need gives the path of a program, or skips.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// understood checks a command line of ours without running it: --help is answered
// only when all before it could be read.
func understood(t *testing.T, args ...string) {
	t.Helper()
	if args[0] == "daemon" {
		if err := exec.Command(tomo(t), "daemon", "--help").Run(); err != nil {
			t.Skip("this build has no tomo daemon")
		}
	}
	run(t, tomo(t), append(slices.Clone(args), "--help")...)
}

var variable = regexp.MustCompile(`\b(TOMO_[A-Z_]+)\b`)

// known checks that every TOMO_ variable in a text is one that a server or the
// commands read.
func known(t *testing.T, where, text string) {
	t.Helper()
	help := run(t, tomo(t), "manual")
	for _, name := range variable.FindAllString(text, -1) {
		if name != "TOMO_VERSION" && !strings.Contains(help, name) {
			t.Errorf("%s: nothing reads %s", where, name)
		}
	}
}

var units = []string{"tomo.service", "tomo-daemon.service"}

// TestUnits: systemd reads the units without a word, rates them as well closed
// up, and tomo understands how they start it.
func TestUnits(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	root := t.TempDir()
	for _, dir := range []string{"usr/bin", "etc/systemd/system", "usr/lib/systemd/system"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(tomo(t), filepath.Join(root, "usr/bin/tomo")); err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		if err := os.WriteFile(filepath.Join(root, "etc/systemd/system", unit), []byte(read(t, "systemd/"+unit)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What units refer to by name comes from the machine.
	for _, dir := range []string{"/usr/lib/systemd/system", "/lib/systemd/system"} {
		targets, _ := filepath.Glob(dir + "/*.target")
		for _, target := range targets {
			if err := os.WriteFile(filepath.Join(root, "usr/lib/systemd/system", filepath.Base(target)), []byte(read(t, target)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, unit := range units {
		t.Run(unit, func(t *testing.T) {
			if out := run(t, analyze, "verify", "--man=no", "--root="+root, unit); strings.TrimSpace(out) != "" {
				t.Errorf("verify says:\n%s", out)
			}
			run(t, analyze, "security", "--offline=true", "--threshold=20", "--root="+root, unit)
			text := read(t, "systemd/"+unit)
			known(t, unit, text)
			start, ok := strings.CutPrefix(regexp.MustCompile(`(?m)^ExecStart=.*$`).FindString(text), "ExecStart=/usr/bin/tomo ")
			if !ok {
				t.Fatal("it does not start /usr/bin/tomo")
			}
			understood(t, strings.Fields(start)...)
		})
	}
}

// TestSettings: the files of settings name variables that are read, and their
// examples are values that a server takes.
func TestSettings(t *testing.T) {
	for _, file := range []string{"tomo.env", "daemon.env"} {
		text := read(t, "systemd/"+file)
		known(t, file, text)
		for _, line := range strings.Split(text, "\n") {
			if line != "" && !strings.HasPrefix(line, "#") {
				t.Errorf("%s sets %q: settings should be examples", file, line)
			}
		}
	}
	var env []string
	for _, m := range regexp.MustCompile(`(?m)^#([A-Z_]+=.+)$`).FindAllStringSubmatch(read(t, "systemd/tomo.env"), -1) {
		env = append(env, m[1])
	}
	cmd := exec.Command(tomo(t), "serve", "--help")
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil || len(env) < 5 {
		t.Errorf("with %v: %v\n%s", env, err, out)
	}
}

// TestDockerfile: BuildKit's parser reads it and its linter has nothing to say; the image
// has no shell and no root, and is asked for its health by tomo itself.
func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	known(t, "Dockerfile", text)
	tree, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range tree.Warnings {
		t.Errorf("warning: %v", w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, description, url, message string, _ []parser.Range) {
		t.Errorf("%s: %s", rule, message)
	}})
	stages, _, err := instructions.Parse(tree.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("the image is based on %s", last.BaseName)
	}
	var user, entry, health []string
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = append(user, c.User)
		case *instructions.EntrypointCommand:
			entry = c.CmdLine
		case *instructions.CmdCommand:
			understood(t, c.CmdLine...)
		case *instructions.HealthCheckCommand:
			health = c.Health.Test
		case *instructions.RunCommand:
			t.Error("there is no shell to run a command with")
		case *instructions.CopyCommand:
			if c.From == "" {
				t.Errorf("%v is copied from the sources, not from the stage that builds", c.SourcePaths)
			}
		}
	}
	if len(user) != 1 || !regexp.MustCompile(`^[1-9]\d{3,}:[1-9]\d{3,}$`).MatchString(user[0]) {
		t.Errorf("the user is %v, not a number that Kubernetes can tell from root", user)
	}
	if len(entry) != 1 || len(health) < 3 || health[0] != "CMD" || health[1] != entry[0] {
		t.Fatalf("entry %v, health %v", entry, health)
	}
	understood(t, health[2:]...)
}

// TestDockerignore: what the build needs is not ignored, by the rules of the file
// in their order.
func TestDockerignore(t *testing.T) {
	var rules []string
	for _, line := range strings.Split(read(t, "Dockerfile.dockerignore"), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	matcher, err := patterns(rules)
	if err != nil {
		t.Fatal(err)
	}
	// Modules beside ours that go.mod replaces by a directory count too.
	cmd := exec.Command("go", "list", "-deps", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}
{{end}}{{range .SFiles}}{{$d}}/{{.}}
{{end}}{{with .Module}}{{.GoMod}}
{{end}}`, "./cmd/tomo")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	files := slices.DeleteFunc(append(strings.Fields(string(out)), root+"/go.sum"), func(file string) bool { return !strings.HasPrefix(file, root+"/") })
	if len(files) < 100 || !slices.Contains(files, root+"/go.mod") {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		name := strings.TrimPrefix(file, root+"/")
		if ignored, err := matcher.MatchesOrParentMatches(name); err != nil || ignored {
			t.Errorf("%s is ignored (%v)", name, err)
		}
	}
	for _, name := range []string{".git/config", "e2e/node_modules/a.js", "tomo-data/wal/1.log", "client/client_test.go", "bin/tomo"} {
		if ignored, err := matcher.MatchesOrParentMatches(name); err != nil || !ignored {
			t.Errorf("%s is sent to the build (%v)", name, err)
		}
	}
}

// TestCompose: Compose's own loader reads the file by its schema, and the two
// services fit together.
func TestCompose(t *testing.T) {
	text := read(t, "compose.yaml")
	known(t, "compose.yaml", text)
	project, err := loader.LoadWithContext(t.Context(), composetypes.ConfigDetails{
		WorkingDir:  ".",
		ConfigFiles: []composetypes.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
		Environment: map[string]string{"APP_IMAGE": "app"},
	}, loader.WithProfiles([]string{"app"}))
	if err != nil {
		t.Fatal(err)
	}
	server, app := project.Services["tomo"], project.Services["app"]
	protocols := map[string]bool{}
	for _, p := range server.Ports {
		if p.Target == 2000 && p.HostIP == "127.0.0.1" {
			protocols[p.Protocol] = true
		}
	}
	if !protocols["tcp"] || !protocols["udp"] || len(server.Ports) != 2 {
		t.Errorf("ports %+v", server.Ports)
	}
	if _, err := os.Stat(filepath.Join(server.Build.Context, server.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	if len(server.Volumes) != 1 || server.Volumes[0].Target != "/data" || !server.ReadOnly {
		t.Errorf("volumes %+v, read-only %v", server.Volumes, server.ReadOnly)
	}
	for name, want := range map[string]string{"AWS_XRAY_DAEMON_ADDRESS": "tomo:2000", "AWS_ENDPOINT_URL_XRAY": "http://tomo:2000"} {
		if got := app.Environment[name]; got == nil || *got != want {
			t.Errorf("%s is not %s", name, want)
		}
	}
	if app.DependsOn["tomo"].Condition != composetypes.ServiceConditionHealthy {
		t.Error("the application does not wait for the server")
	}
}

// TestPackages builds both packages twice: they are the same to the byte, have
// what they should, and Debian's linter finds nothing.
func TestPackages(t *testing.T) {
	for _, name := range []string{"bash", "gzip", "realpath", "sed", "date"} {
		need(t, name)
	}
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for i, dir := range dirs {
		cmd := exec.Command("bash", "packages.sh")
		cmd.Env = append(os.Environ(), "DIST="+dir, "ARCHES=amd64", "VERSION=1.2.3", "SOURCE_DATE_EPOCH=1760000000", "TMPDIR="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %d: %v\n%s", i+1, err, out)
		}
	}
	deb, rpm := "tomo_1.2.3_amd64.deb", "tomo-1.2.3-1.x86_64.rpm"
	for _, name := range []string{deb, rpm} {
		if a, b := sum(t, filepath.Join(dirs[0], name)), sum(t, filepath.Join(dirs[1], name)); a != b {
			t.Errorf("%s is another one each time", name)
		}
	}
	want := []string{
		"/usr/bin/tomo", "/usr/lib/systemd/system/tomo.service", "/usr/lib/systemd/system/tomo-daemon.service", "/usr/lib/sysusers.d/tomo.conf",
		"/usr/lib/sysctl.d/60-tomo.conf", "/etc/tomo/tomo.env", "/etc/tomo/daemon.env", "/usr/share/man/man1/tomo.1.gz", "/usr/share/bash-completion/completions/tomo",
	}
	t.Run("deb", func(t *testing.T) {
		dpkg, path := need(t, "dpkg-deb"), filepath.Join(dirs[0], deb)
		contents := run(t, dpkg, "--contents", path)
		for _, file := range want {
			if !strings.Contains(contents, " ."+file+"\n") {
				t.Errorf("no %s in\n%s", file, contents)
			}
		}
		if got := run(t, dpkg, "--field", path, "Version"); strings.TrimSpace(got) != "1.2.3" {
			t.Errorf("version %s", got)
		}
		out := t.TempDir()
		run(t, dpkg, "--control", path, out)
		if got := read(t, filepath.Join(out, "conffiles")); got != "/etc/tomo/daemon.env\n/etc/tomo/tomo.env\n" {
			t.Errorf("conffiles %q", got)
		}
		run(t, dpkg, "--extract", path, out)
		if got := run(t, filepath.Join(out, "usr/bin/tomo"), "version"); !strings.HasPrefix(got, "tomo 1.2.3 ") {
			t.Errorf("the binary says %q", got)
		}
		for _, script := range []string{"postinst", "prerm", "postrm"} {
			run(t, "sh", "-n", filepath.Join(out, script))
		}
	})
	t.Run("rpm", func(t *testing.T) {
		program, path := need(t, "rpm"), filepath.Join(dirs[0], rpm)
		files := run(t, program, "-qpl", path)
		for _, file := range want {
			if !strings.Contains(files, file+"\n") {
				t.Errorf("no %s in\n%s", file, files)
			}
		}
		if got := run(t, program, "-qpc", path); got != "/etc/tomo/daemon.env\n/etc/tomo/tomo.env\n" {
			t.Errorf("configuration %q", got)
		}
		if got := run(t, program, "-K", "--nosignature", path); !strings.Contains(got, "OK") {
			t.Errorf("digests: %s", got)
		}
	})
	t.Run("lintian", func(t *testing.T) {
		out, err := exec.Command(need(t, "lintian"), "--allow-root", "--fail-on", "error,warning", filepath.Join(dirs[0], deb)).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	return sha256.Sum256([]byte(read(t, path)))
}

// TestManual: roff has nothing to complain of, and each command is in it.
func TestManual(t *testing.T) {
	man := need(t, "man")
	page := filepath.Join(t.TempDir(), "tomo.1")
	text := run(t, tomo(t), "manual")
	if err := os.WriteFile(page, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(man, "--warnings", "-l", page)
	cmd.Env = append(os.Environ(), "MANWIDTH=90", "LC_ALL=C.UTF-8", "MANROFFSEQ=")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(complaints.String()) {
		if !strings.Contains(line, "break line") { // a long example is only ugly
			t.Error(line)
		}
	}
}

// TestCompletion: bash takes the script, and completes commands and flags.
func TestCompletion(t *testing.T) {
	bash := need(t, "bash")
	script := filepath.Join(t.TempDir(), "tomo.bash")
	if err := os.WriteFile(script, []byte(run(t, tomo(t), "completion", "bash")), 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"doc":            "doctor",
		"groups cr":      "create",
		"traces --fi":    "--filter",
		"serve --reten":  "--retention",
		"credentials ro": "rotate",
		"daemon --reg":   "--region",
	} {
		got := run(t, bash, "-c", `source "$0"; COMP_WORDS=(tomo $1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tomo; echo "${COMPREPLY[*]}"`, script, line)
		if strings.TrimSpace(got) != want {
			t.Errorf("%q completes to %q, want %q", line, got, want)
		}
	}
}

// TestScripts: every script is one that its shell can read.
func TestScripts(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		first, _, _ := strings.Cut(read(t, path), "\n")
		switch {
		case strings.HasPrefix(first, "#!/usr/bin/env bash"):
			run(t, need(t, "bash"), "-n", path)
		case strings.HasPrefix(first, "#!/bin/sh"):
			run(t, need(t, "sh"), "-n", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
