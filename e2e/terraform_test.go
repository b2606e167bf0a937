package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/internal/testkit"
)

// terraform keeps the resources of a configuration, and knows from its state
// what it made: the program itself, or the provider's part played by a test.
// A change is written as an action and an address, such as
// "create aws_xray_group.slow"; they are sorted.
type terraform interface {
	// plan says what it would do.
	plan(configuration string) (changes []string)
	// apply does it, once imports, from address to id, are in the state.
	apply(configuration string, imports map[string]string) (changes []string)
	// destroy ends everything in the state.
	destroy(configuration string) (changes []string)
	// forget empties the state.
	forget()
}

// everything there is in both configurations.
var everything = []string{
	"aws_xray_encryption_config.data", "aws_xray_group.plain", "aws_xray_group.slow",
	"aws_xray_resource_policy.topics", "aws_xray_sampling_rule.api",
}

func changesOf(action string, addresses ...string) (changes []string) {
	for _, address := range addresses {
		changes = append(changes, action+" "+address)
	}
	return changes
}

// lifecycle takes the four kinds of resources through all that Terraform does
// with them. After each apply there must be nothing left to do.
func lifecycle(t *testing.T, s *server, calls *recorder, tf terraform) {
	check := func(step string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Fatalf("%s: the changes are %q, want %q", step, got, want)
		}
	}
	const first, second = "first.tf.json", "second.tf.json"
	client, ctx := s.sdk(calls.signed), t.Context()

	calls.step("apply " + first + " where nothing is")
	check("apply", tf.apply(first, nil), changesOf("create", everything...))
	calls.step("plan " + first)
	check("plan", tf.plan(first), nil)
	groups := map[string]string{}
	listed, err := client.GetGroups(ctx, &xray.GetGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range listed.Groups {
		groups[aws.ToString(g.GroupName)] = aws.ToString(g.GroupARN)
	}

	calls.step("apply " + second + " over it")
	check("update", tf.apply(second, nil), changesOf("update", "aws_xray_encryption_config.data", "aws_xray_group.slow", "aws_xray_sampling_rule.api"))
	calls.step("plan " + second)
	check("plan after the update", tf.plan(second), nil)

	if _, err := client.DeleteGroup(ctx, &xray.DeleteGroupInput{GroupName: aws.String("slow")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteSamplingRule(ctx, &xray.DeleteSamplingRuleInput{RuleName: aws.String("api")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteResourcePolicy(ctx, &xray.DeleteResourcePolicyInput{PolicyName: aws.String("topics")}); err != nil {
		t.Fatal(err)
	}
	calls.step("apply " + second + " when a group, the rule and the policy are gone")
	check("apply what is gone", tf.apply(second, nil), changesOf("create", "aws_xray_group.slow", "aws_xray_resource_policy.topics", "aws_xray_sampling_rule.api"))

	again, err := client.GetGroup(ctx, &xray.GetGroupInput{GroupName: aws.String("slow")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(again.Group.GroupARN) == groups["slow"] {
		t.Errorf("the new group has the ARN of the old one, %s", groups["slow"])
	}
	tf.forget()
	calls.step("import everything into an empty state and apply " + second)
	check("import", tf.apply(second, map[string]string{
		"aws_xray_encryption_config.data": "eu-central-1",
		"aws_xray_group.plain":            groups["plain"],
		"aws_xray_group.slow":             aws.ToString(again.Group.GroupARN),
		"aws_xray_resource_policy.topics": "topics",
		"aws_xray_sampling_rule.api":      "api",
	}), changesOf("import", everything...))

	calls.step("destroy")
	check("destroy", tf.destroy(second), changesOf("delete", everything...))
	left, err := client.GetGroups(ctx, &xray.GetGroupsInput{})
	if err != nil || len(left.Groups) != 1 || aws.ToString(left.Groups[0].GroupName) != "Default" {
		t.Errorf("groups at the end: %+v, %v", left, err)
	}
	rules, err := client.GetSamplingRules(ctx, &xray.GetSamplingRulesInput{})
	if err != nil || len(rules.SamplingRuleRecords) != 1 || aws.ToString(rules.SamplingRuleRecords[0].SamplingRule.RuleName) != "Default" {
		t.Errorf("sampling rules at the end: %+v, %v", rules, err)
	}
	policies, err := client.ListResourcePolicies(ctx, &xray.ListResourcePoliciesInput{})
	if err != nil || len(policies.ResourcePolicies) != 0 {
		t.Errorf("policies at the end: %+v, %v", policies, err)
	}
}

// terraformServer starts a server with the key and the account of the
// configurations, which knows one credential, and records what is asked of it.
func terraformServer(t *testing.T) (*server, *recorder) {
	credentials := filepath.Join(t.TempDir(), "credentials.json")
	var credential struct{ AccessKeyID, SecretAccessKey string }
	decode(t, run(t, nil, binary, "credentials", "add", "--credentials", credentials, "--name", "terraform", "--actions", "admin", "--json"), &credential)
	s := start(t, "--encryption-keys", keysFile(t), "--credentials", credentials, "--region", "eu-central-1", "--account-id", "111122223333")
	return s, record(t, s, credential.AccessKeyID, credential.SecretAccessKey)
}

// TestTerraform runs Terraform with the AWS provider, where both are installed:
// neither is in a registry that the build could fetch it from, so it is skipped
// in CI too. TestTerraformProvider plays the same calls everywhere.
func TestTerraform(t *testing.T) {
	program, mirror := findTerraform(t)
	s, calls := terraformServer(t)
	tf := &terraformProgram{t: t, program: program, directory: t.TempDir()}
	tf.init(mirror, calls)
	lifecycle(t, s, calls, tf)

	version := tf.providerVersion()
	switch {
	case testkit.Rewrite():
		if err := os.WriteFile(recordedCalls, []byte(calls.text(version)), 0o666); err != nil {
			t.Fatal(err)
		}
	case strings.HasPrefix(recorded(t), callsHeader(version)):
		if diff := gocmp.Diff(recorded(t), calls.text(version)); diff != "" {
			t.Errorf("the provider sent other calls than those recorded (-recorded +sent):\n%s", diff)
		}
	default:
		t.Logf("the recorded calls are of another version of the provider than %s", version)
	}
}

// terraformProgram is the real one, in a directory of its own.
type terraformProgram struct {
	t                  *testing.T
	program, directory string
	environment        []string
	source             string // of the provider
}

// findTerraform finds Terraform, or OpenTofu, and a directory with the AWS
// provider in the layout of a mirror: the one that TOMO_TERRAFORM_MIRROR names,
// one where the programs look by themselves, or one directly in /opt.
func findTerraform(t *testing.T) (program, mirror string) {
	programs := append(programs("terraform"), programs("tofu")...)
	if len(programs) == 0 {
		t.Skip("neither terraform nor tofu is installed; TestTerraformProvider plays the provider's part")
	}
	home, _ := os.UserHomeDir()
	optional, _ := filepath.Glob("/opt/*")
	places := append([]string{
		os.Getenv("TOMO_TERRAFORM_MIRROR"), filepath.Join(home, ".terraform.d", "plugins"),
		"/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins",
	}, optional...)
	platform := runtime.GOOS + "_" + runtime.GOARCH
	for _, place := range places {
		for _, layout := range []string{"*/" + platform, "terraform-provider-aws_*_" + platform + ".zip"} {
			if found, _ := filepath.Glob(filepath.Join(place, "registry.*", "hashicorp", "aws", layout)); place != "" && len(found) > 0 {
				return programs[0], place
			}
		}
	}
	t.Skipf("%s is installed, but the provider hashicorp/aws for %s is in none of %s; TOMO_TERRAFORM_MIRROR may name a mirror that has it", programs[0], platform, strings.Join(places[1:4], ", "))
	return "", ""
}

// init points the program at the mirror, and the provider at the server.
func (tf *terraformProgram) init(mirror string, calls *recorder) {
	tf.t.Helper()
	hosts, err := filepath.Glob(filepath.Join(mirror, "registry.*", "hashicorp", "aws"))
	if err != nil || len(hosts) == 0 {
		tf.t.Fatalf("the mirror %s has no provider: %v", mirror, err)
	}
	tf.source, _ = filepath.Rel(mirror, hosts[0])
	home := tf.t.TempDir()
	cli := filepath.Join(home, "terraform.rc")
	if err := os.WriteFile(cli, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o666); err != nil {
		tf.t.Fatal(err)
	}
	tf.environment = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TF_CLI_CONFIG_FILE=" + cli, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		"AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=127.0.0.1",
		"GOGC=400", // the provider is large, and starts often
	}
	tf.write("provider.tf.json", map[string]any{
		"terraform": map[string]any{"required_providers": map[string]any{"aws": map[string]any{"source": tf.source}}},
		"provider": map[string]any{"aws": map[string]any{
			"region": "eu-central-1", "access_key": calls.accessKey, "secret_key": calls.secret,
			"endpoints": map[string]any{"xray": calls.url(), "sts": calls.url()},
		}},
	})
	if _, err := tf.run("init", "-input=false", "-no-color"); err != nil {
		tf.t.Fatal(err)
	}
}

func (tf *terraformProgram) write(name string, content any) {
	tf.t.Helper()
	text, err := json.MarshalIndent(content, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(tf.directory, name), text, 0o666)
	}
	if err != nil {
		tf.t.Fatal(err)
	}
}

// configure puts a configuration in the place of what was there.
func (tf *terraformProgram) configure(configuration string, imports map[string]string) {
	tf.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "terraform", configuration))
	if err == nil {
		err = os.WriteFile(filepath.Join(tf.directory, "main.tf.json"), text, 0o666)
	}
	if err != nil {
		tf.t.Fatal(err)
	}
	blocks := []map[string]string{}
	for _, address := range slices.Sorted(maps.Keys(imports)) {
		blocks = append(blocks, map[string]string{"to": address, "id": imports[address]})
	}
	tf.write("imports.tf.json", map[string]any{"import": blocks})
}

func (tf *terraformProgram) plan(configuration string) []string {
	tf.t.Helper()
	tf.configure(configuration, nil)
	return tf.changes("plan", "-input=false", "-json")
}

func (tf *terraformProgram) apply(configuration string, imports map[string]string) []string {
	tf.t.Helper()
	tf.configure(configuration, imports)
	return tf.changes("apply", "-input=false", "-auto-approve", "-json")
}

func (tf *terraformProgram) destroy(configuration string) []string {
	tf.t.Helper()
	tf.configure(configuration, nil)
	return tf.changes("destroy", "-input=false", "-auto-approve", "-json")
}

func (tf *terraformProgram) forget() {
	tf.t.Helper()
	if err := os.Remove(filepath.Join(tf.directory, "terraform.tfstate")); err != nil {
		tf.t.Fatal(err)
	}
}

// changes runs a command and reads from its output, a JSON object a line, what
// was planned.
func (tf *terraformProgram) changes(args ...string) (changes []string) {
	tf.t.Helper()
	out, err := tf.run(args...)
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var line struct {
			Type   string
			Change struct {
				Action   string
				Resource struct{ Addr string }
			}
		}
		decode(tf.t, lines.Text(), &line)
		if line.Type == "planned_change" {
			changes = append(changes, line.Change.Action+" "+line.Change.Resource.Addr)
		}
	}
	if err != nil {
		tf.t.Fatalf("%v\n%s", err, out)
	}
	slices.Sort(changes)
	return changes
}

func (tf *terraformProgram) run(args ...string) (stdout string, err error) {
	tf.t.Helper()
	ctx, cancel := context.WithTimeout(tf.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tf.program, args...)
	cmd.Dir, cmd.Env = tf.directory, tf.environment
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", tf.program, args[0], err, errs.Bytes())
	}
	return string(out), err
}

func (tf *terraformProgram) providerVersion() string {
	tf.t.Helper()
	out, err := tf.run("version", "-json")
	if err != nil {
		tf.t.Fatal(err)
	}
	var version struct {
		Selections map[string]string `json:"provider_selections"`
	}
	decode(tf.t, out, &version)
	return version.Selections[tf.source]
}

// recorder stands between a client and a server, passes everything on as it is
// and keeps what was asked.
type recorder struct {
	t                 *testing.T
	server            *httptest.Server
	accessKey, secret string     // that all requests have to be signed with
	mu                sync.Mutex // guards steps
	steps             []recordedStep
}

// recordedStep is what was asked in one step of the scenario, by what it was
// about: Terraform works on several resources at a time, so only the order for
// each of them is fixed.
type recordedStep struct {
	name  string
	calls map[string][]string
}

func record(t *testing.T, s *server, accessKey, secret string) *recorder {
	r := &recorder{t: t, accessKey: accessKey, secret: secret}
	target, err := url.Parse(s.url(""))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host // it is signed
	}}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Errorf("reading the body of %s: %v", request.URL.Path, err)
		}
		r.add(request, body)
		request.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, request)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *recorder) url() string { return r.server.URL }

// credentials are those that the server knows.
func (r *recorder) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: r.accessKey, SecretAccessKey: r.secret}
}

// signed makes an SDK sign with them.
func (r *recorder) signed(o *xray.Options) {
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return r.credentials(), nil })
}

// step begins a step of the scenario.
func (r *recorder) step(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, recordedStep{name, map[string][]string{}})
}

func (r *recorder) add(request *http.Request, body []byte) {
	if !strings.HasPrefix(request.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+r.accessKey+"/") {
		r.t.Errorf("%s is not signed: %q", request.URL.Path, request.Header.Get("Authorization"))
	}
	text := strings.TrimSpace(string(body))
	var members map[string]any
	if json.Unmarshal(body, &members) == nil { // members and tags in order of their names
		for _, name := range []string{"Tags", "TagKeys"} {
			if list, ok := members[name].([]any); ok {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(members) == nil {
			text = strings.TrimSpace(out.String())
		}
	}
	call := strings.TrimSpace(request.Method + " " + request.URL.Path + " " + groupIDs.ReplaceAllString(text, "${1}ID"))
	r.mu.Lock()
	defer r.mu.Unlock()
	about := r.steps[len(r.steps)-1].calls
	what := resourceOf(request.URL.Path, text)
	// What is asked again, in waiting or because an answer was lost, counts once.
	if list := about[what]; len(list) == 0 || list[len(list)-1] != call {
		about[what] = append(list, call)
	}
}

var (
	groupIDs   = regexp.MustCompile(`(:group/[^/"]+/)[A-Z2-7]{52}`)
	groupNamed = regexp.MustCompile(`:group/([^/"]+)/|"GroupName":"([^"]+)"`)
)

// resourceOf tells what a call is about.
func resourceOf(path, body string) string {
	group := groupNamed.FindStringSubmatch(body)
	switch {
	case path == "/":
		return "caller" // of the Security Token Service
	case strings.Contains(path, "Polic"):
		return "resource policy"
	case strings.Contains(path, "Encryption"):
		return "encryption config"
	case strings.Contains(path, "SamplingRule"), strings.Contains(body, ":sampling-rule/"):
		return "sampling rule"
	case group != nil:
		return "group " + cmp.Or(group[1], group[2])
	default:
		return "others"
	}
}

const recordedCalls = "testdata/terraform/calls.txt"

func recorded(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(recordedCalls)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func callsHeader(version string) string {
	return "# What version " + version + " of the provider hashicorp/aws asks, step by step and for each resource in order.\n" +
		"# What is asked twice in a row is written once. Written by go test ./e2e -run 'TestTerraform$' -rewrite\n"
}

// text is everything that was asked.
func (r *recorder) text(version string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString(callsHeader(version))
	for _, step := range r.steps {
		fmt.Fprintf(&b, "\n== %s\n", step.name)
		for _, what := range slices.Sorted(maps.Keys(step.calls)) {
			fmt.Fprintf(&b, "%s\n", what)
			for _, call := range step.calls[what] {
				fmt.Fprintf(&b, "  %s\n", call)
			}
		}
	}
	return b.String()
}
