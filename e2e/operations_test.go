package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/internal/testkit"
)

// The script of commands, and the prompt that begins each of them.
const (
	cliScript = "testdata/awscli.txt"
	cliPrompt = "$ aws xray "
)

// cliBlock is a part of the script between blank lines: a comment, or a command
// with its answer.
type cliBlock struct {
	comment string
	command string   // as a shell would have it, without "aws xray"
	keeps   []string // "NAME Place.In.The.Answer"
	answer  string
}

func readCLIScript(t *testing.T) (blocks []cliBlock) {
	t.Helper()
	text, err := os.ReadFile(cliScript)
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		command, ok := strings.CutPrefix(part, cliPrompt)
		if !ok {
			blocks = append(blocks, cliBlock{comment: part})
			continue
		}
		lines := strings.Split(command, "\n")
		b := cliBlock{command: lines[0]}
		for lines = lines[1:]; len(lines) > 0 && strings.HasPrefix(lines[0], "keep "); lines = lines[1:] {
			b.keeps = append(b.keeps, strings.TrimPrefix(lines[0], "keep "))
		}
		b.answer = strings.Join(lines, "\n")
		blocks = append(blocks, b)
	}
	return blocks
}

func (b *cliBlock) String() string {
	if b.command == "" {
		return b.comment
	}
	lines := []string{cliPrompt + b.command}
	for _, keep := range b.keeps {
		lines = append(lines, "keep "+keep)
	}
	if b.answer != "" {
		lines = append(lines, b.answer)
	}
	return strings.Join(lines, "\n")
}

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)

// TestAWSCLIScript checks that no operation is forgotten: each is done well in
// the script, and refused if it takes anything.
func TestAWSCLIScript(t *testing.T) {
	done, refused := map[string]bool{}, map[string]bool{}
	for _, b := range readCLIScript(t) {
		name, _, _ := strings.Cut(b.command, " ")
		if strings.HasPrefix(b.answer, "! ") {
			refused[name] = true
		} else {
			done[name] = true
		}
	}
	for _, op := range api.Operations() {
		name := strings.ToLower(wordStart.ReplaceAllString(op.Name, "$1-$2")) // as the CLI spells it
		if !done[name] {
			t.Errorf("%s is not in %s, or only refused", op.Name, cliScript)
		}
		if !refused[name] && len(op.Request().Members) > 0 {
			t.Errorf("%s is never refused in %s", op.Name, cliScript)
		}
	}
}

// TestAWSCLIOperations runs the script with each AWS CLI that there is. One of
// them has to know all the operations.
func TestAWSCLIOperations(t *testing.T) {
	clis := findCLIs(t)
	if len(clis) == 0 {
		absent(t, "the AWS CLI")
	}
	complete := false
	for _, cli := range clis {
		t.Run(cli.name, func(t *testing.T) {
			unknown := runCLIScript(t, cli)
			if len(unknown) > 0 {
				t.Logf("it is too old for %s", strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
			}
			complete = complete || len(unknown) == 0
		})
	}
	if !complete {
		absent(t, "an AWS CLI that knows all operations")
	}
}

// runCLIScript tells the operations that this CLI does not know.
func runCLIScript(t *testing.T, cli cliProgram) (unknown map[string]bool) {
	s := cliServer(t)
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ncli_timestamp_format = wire\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	run := cli.start(t, append(s.clientEnvironment(t), "AWS_CONFIG_FILE="+config))
	now := time.Now()
	trace := tomo.NewTraceID(now)
	names := map[string]string{
		"TRACE": trace.String(), "UNKNOWN": "1-5759e988-bd862e3fe1be46a994272793", "INSIGHT": seededInsight,
		"DOCUMENT": document(trace, tomo.SegmentID(0x6226467e3f845502), "shop", `,"fault":true,"http":{"request":{"method":"GET","url":"http://shop.example/"},"response":{"status":500}}`),
		"NOW":      fmt.Sprint(now.Unix()), "START": fmt.Sprint(now.Add(-5 * time.Minute).Unix()), "END": now.Add(3 * time.Minute).UTC().Format(time.RFC3339),
	}
	unknown = map[string]bool{}
	_, complaint, _ := run("xray", "start-trace-retrieval") // among the last to come
	old := strings.Contains(complaint, "Invalid choice")
	blocks := readCLIScript(t)
	for i := range blocks {
		b := &blocks[i]
		if b.command == "" {
			continue
		}
		args, err := shellWords(b.command, names)
		if err != nil && len(unknown) == 0 {
			t.Fatalf("%s: %v", b.command, err)
		}
		if err != nil { // what it names comes of a command that is not known
			name, _, _ := strings.Cut(b.command, " ")
			unknown[name] = true
			continue
		}
		if !slices.Contains(args, "--output") {
			args = append(args, "--output", "json")
		}
		// The endpoint is a flag because old versions do not read AWS_ENDPOINT_URL_XRAY.
		out, complaint, code := run(append([]string{"xray", "--endpoint-url", s.url("")}, args...)...)
		if strings.Contains(complaint, "Invalid choice") {
			unknown[args[0]] = true
			continue
		}
		for _, keep := range b.keeps {
			name, place, _ := strings.Cut(keep, " ")
			names[name] = member(out, place)
		}
		answer := shownCLI(out, names)
		complaint = strings.TrimSpace(complaint)
		// 255 and 254 are of versions 1 and 2 for what the service refuses.
		if failed := complaint != ""; failed && code != 255 && code != 254 || !failed && code != 0 {
			t.Errorf("%s ended with %d: %s", b.command, code, complaint)
		}
		if complaint != "" {
			answer = "! " + named(complaint, names)
		}
		if testkit.Rewrite() {
			b.answer = answer
		} else if old && lacking(answer, b.answer) {
			continue
		} else if diff := gocmp.Diff(b.answer, answer); diff != "" {
			t.Errorf("%s (-want +got):\n%s", b.command, diff)
		}
	}
	if testkit.Rewrite() && len(unknown) == 0 {
		var out bytes.Buffer
		for i := range blocks {
			fmt.Fprintf(&out, "%v\n\n", &blocks[i])
		}
		if err := os.WriteFile(cliScript, append(bytes.TrimSpace(out.Bytes()), '\n'), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return unknown
}

// TestBoto3Operations calls every operation with each boto3 that there is. One of
// them has to know them all.
func TestBoto3Operations(t *testing.T) {
	found := pythons(t, "boto3")
	if len(found) == 0 {
		absent(t, "boto3")
	}
	var all []string
	for _, op := range api.Operations() {
		all = append(all, op.Name)
	}
	complete := false
	for _, python := range found {
		t.Run(python, func(t *testing.T) {
			s := cliServer(t)
			out := run(t, s.clientEnvironment(t), python, filepath.Join("testdata", "operations.py"), s.url(""), tomo.NewTraceID(time.Now()).String(), seededInsight)
			complete = complete || slices.Equal(strings.Fields(out), all)
		})
	}
	if !complete {
		absent(t, "a boto3 that knows all operations")
	}
}

// member finds what is at a place of an answer in JSON, such as Group.GroupARN.
func member(answer, place string) string {
	var at any
	if json.Unmarshal([]byte(answer), &at) != nil {
		return ""
	}
	for name := range strings.SplitSeq(place, ".") {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	text, _ := at.(string)
	return text
}

// lacking reports whether an answer in JSON is another one without some members.
func lacking(answer, other string) bool {
	var some, all any
	if json.Unmarshal([]byte(answer), &some) != nil || json.Unmarshal([]byte(other), &all) != nil {
		return false
	}
	var part func(some, all any) bool
	part = func(some, all any) bool {
		switch s := some.(type) {
		case map[string]any:
			a, ok := all.(map[string]any)
			for name := range s {
				if _, there := a[name]; !there || !part(s[name], a[name]) {
					return false
				}
			}
			return ok
		case []any:
			a, ok := all.([]any)
			return ok && slices.EqualFunc(s, a, part)
		default:
			return some == all
		}
	}
	return part(some, all)
}

// shellWords splits a command into its arguments as a shell does: at blanks, but
// for those in quotes. Names are replaced but in single quotes.
func shellWords(command string, names map[string]string) (words []string, err error) {
	var word strings.Builder
	quote, any := byte(0), false
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, any = c, true
		case quote == 0 && c == ' ':
			if any {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		case quote != '\'' && c == '$':
			name := shellName.FindString(command[i+1:])
			value, ok := names[name]
			if !ok {
				return nil, fmt.Errorf("there is no $%s", name)
			}
			word.WriteString(value)
			i += len(name)
			any = true
		default:
			word.WriteByte(c)
			any = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is open")
	}
	if any {
		words = append(words, word.String())
	}
	return words, nil
}

var (
	shellName = regexp.MustCompile(`^[A-Z]*`)
	// times are the members of answers that are one.
	times = regexp.MustCompile(`^(ApproximateTime|CreatedAt|EndTime|EventTime|LastRuleModification|LastUpdateTime|LastUpdatedTime|ModifiedAt|ReservoirQuotaTTL|ServiceGraphEndTime|ServiceGraphStartTime|StartTime|Timestamp)$`)
	// timesWithin are times in documents: seconds, as they are written there, and
	// nanoseconds.
	timesWithin = regexp.MustCompile(`\b1\.\d+E9\b|\b1\d{9}(\.\d+)?\b|\b1\d{18}\b`)
)

// shownCLI is how the script shows what was printed.
func shownCLI(printed string, names map[string]string) string {
	var answer any
	if json.Unmarshal([]byte(printed), &answer) != nil {
		lines := strings.Split(strings.TrimSpace(printed), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return named(strings.Join(lines, "\n"), names)
	}
	answer = withoutTimes(answer, names)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(out.String())
}

func withoutTimes(value any, names map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			if times.MatchString(name) && v[name] != nil {
				v[name] = "TIME"
			} else {
				v[name] = withoutTimes(v[name], names)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i], names)
		}
	case string:
		return named(timesWithin.ReplaceAllString(v, "TIME"), names)
	}
	return value
}

// named writes names for what differs from run to run.
func named(text string, names map[string]string) string {
	for _, name := range []string{"GROUP", "TOKEN", "TRACE", "INSIGHT"} {
		if names[name] != "" {
			text = strings.ReplaceAll(text, names[name], "$"+name)
		}
	}
	trace := strings.ReplaceAll(strings.TrimPrefix(names["TRACE"], "1-"), "-", "") // in OpenTelemetry's form
	return strings.ReplaceAll(text, trace, "$TRACE")
}

const seededInsight = "5e1f0bd5-0c4f-5f6e-9d3c-6a3f3c1f2b10"

// cliServer starts a server that has a key, and an insight, which takes hours to
// come about by itself.
func cliServer(t *testing.T) *server {
	s := start(t, "--encryption-keys", keysFile(t))
	s.kill()
	minute := time.Now().Truncate(time.Minute).Add(-4 * time.Minute)
	shop := map[string]any{"Name": "shop"}
	impact := map[string]any{"Fault": 30, "OK": 70, "Total": 100}
	event := map[string]any{
		"Time": minute.UnixMicro(), "Kind": "opened", "Summary": "Faults in shop are out of the usual. It began with shop.",
		"RootCause": shop, "Client": impact, "AtCause": impact, "Top": []any{shop},
	}
	text, err := json.Marshal(map[string]any{"version": 1, "insights": []any{map[string]any{
		"ID": seededInsight, "GroupARN": "arn:aws:xray:us-east-1:123456789012:group/Default", "GroupName": "Default",
		"Start": minute.UnixMicro(), "End": minute.Add(2 * time.Minute).UnixMicro(), "Updated": minute.Add(2 * time.Minute).UnixMicro(),
		"Faults": true, "RootCause": shop, "Affected": []any{shop}, "Client": impact, "AtCause": impact, "Summary": event["Summary"], "Events": []any{event},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.data, "settings", "insights.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	return s
}

// keysFile makes a file with the encryption key k-1.
func keysFile(t *testing.T) string {
	keys := filepath.Join(t.TempDir(), "keys.json")
	run(t, nil, binary, "keys", "add", "--file", keys, "--id", "k-1")
	return keys
}

// cliProgram is an AWS CLI.
type cliProgram struct {
	name string
	// start makes it ready to run commands.
	start func(t *testing.T, environment []string) func(args ...string) (out, errs string, code int)
}

// findCLIs lists them. Those written in Python, all but the bundles of version 2,
// are started once for all commands, because that takes longer than a command.
func findCLIs(t *testing.T) (found []cliProgram) {
	for _, python := range pythons(t, "awscli.clidriver") {
		found = append(found, cliProgram{python, func(t *testing.T, environment []string) func(args ...string) (string, string, int) {
			return startCLI(t, python, environment)
		}})
	}
	if len(found) > 0 {
		return found
	}
	for _, program := range programs("aws") {
		found = append(found, cliProgram{program, func(t *testing.T, environment []string) func(args ...string) (string, string, int) {
			return func(args ...string) (string, string, int) {
				out, errs, err := tryRun(t, environment, program, args...)
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					return out, errs, exit.ExitCode()
				}
				if err != nil {
					t.Fatal(err)
				}
				return out, errs, 0
			}
		}})
	}
	return found
}

// startCLI starts a CLI that is given its commands one by one.
func startCLI(t *testing.T, python string, environment []string) func(args ...string) (out, errs string, code int) {
	cmd := exec.Command(python, filepath.Join("testdata", "commands.py"))
	cmd.Env = environment
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Logf("%s: %v\n%s", python, err, complaints.Bytes())
		}
	})
	answers := bufio.NewReader(out)
	return func(args ...string) (string, string, int) {
		t.Helper()
		text, err := json.Marshal(args)
		if err == nil {
			_, err = in.Write(append(text, '\n'))
		}
		line := ""
		if err == nil {
			line, err = answers.ReadString('\n')
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, complaints.Bytes())
		}
		var answer struct {
			Out, Err string
			Code     int
		}
		decode(t, line, &answer)
		return answer.Out, answer.Err, answer.Code
	}
}
