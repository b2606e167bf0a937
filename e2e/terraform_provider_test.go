package e2e

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
	gocmp "github.com/google/go-cmp/cmp"
)

// TestTerraformProvider plays the part of Terraform's AWS provider: it asks
// what the provider was recorded to ask, in the same order, and reads the
// answers as strictly.
func TestTerraformProvider(t *testing.T) {
	s, calls := terraformServer(t)
	lifecycle(t, s, calls, newProvider(t, calls))
	_, version, _ := strings.Cut(recorded(t), "version ")
	version, _, _ = strings.Cut(version, " ")
	if diff := gocmp.Diff(recorded(t), calls.text(version)); diff != "" {
		t.Errorf("these are not the calls of the provider (-provider +test):\n%s", diff)
	}
}

// TestTerraformChanges changes one attribute after the other. Version 5.100.0 of
// the provider cannot change a policy, and asks nothing; later versions put it, as
// it is done here.
func TestTerraformChanges(t *testing.T) {
	s, calls := terraformServer(t)
	calls.step("changes")
	tf := newProvider(t, calls)
	want := load(t, "first.tf.json")
	tf.applyTo(want, nil)
	const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"xray:*","Resource":"*"}}`
	for _, change := range []struct {
		address, attribute string
		to                 any
		action             string
	}{
		{"aws_xray_group.slow", "filter_expression", "fault OR\n  responsetime > 0.50", "update"},
		{"aws_xray_group.slow", "insights_configuration", attributes{"insights_enabled": false}, "update"},
		{"aws_xray_group.slow", "tags", attributes{"Stage": "Live"}, "update"},
		{"aws_xray_group.slow", "tags", nil, "update"},
		{"aws_xray_group.slow", "group_name", "slower", "replace"},
		{"aws_xray_sampling_rule.api", "priority", 1.0, "update"},
		{"aws_xray_sampling_rule.api", "fixed_rate", 1.0, "update"},
		{"aws_xray_sampling_rule.api", "fixed_rate", 0.3333333333, "update"},
		{"aws_xray_sampling_rule.api", "reservoir_size", 60.0, "update"},
		{"aws_xray_sampling_rule.api", "url_path", "*", "update"},
		{"aws_xray_sampling_rule.api", "host", "?.example.com", "update"},
		{"aws_xray_sampling_rule.api", "http_method", "P*", "update"},
		{"aws_xray_sampling_rule.api", "service_type", "AWS::ECS::Container", "update"},
		{"aws_xray_sampling_rule.api", "service_name", "", "update"},
		{"aws_xray_sampling_rule.api", "attributes", attributes{"Zone": "c"}, "update"},
		{"aws_xray_sampling_rule.api", "attributes", nil, "update"},
		{"aws_xray_sampling_rule.api", "tags", attributes{"Stage": "Test", "Owner": "ada"}, "update"},
		{"aws_xray_sampling_rule.api", "rule_name", "api-2", "replace"},
		{"aws_xray_encryption_config.data", "key_id", "arn:aws:kms:eu-central-1:111122223333:alias/k", "refused"},
		{"aws_xray_resource_policy.topics", "policy_document", document, "update"},
		{"aws_xray_resource_policy.topics", "policy_document", " " + document + "\n", ""}, // only its blanks
		{"aws_xray_resource_policy.topics", "policy_name", "a.b@c-d_e=f,g+h", "replace"},
	} {
		resource := want[change.address]
		before := resource[change.attribute]
		if resource[change.attribute] = change.to; change.to == nil {
			delete(resource, change.attribute)
		}
		if change.action == "refused" {
			tf.refresh()
			if err := tf.make(change.address, "update", resource); err == nil {
				t.Errorf("%s %s = %v is taken", change.address, change.attribute, change.to)
			}
			resource[change.attribute] = before
			continue
		}
		var expected []string
		if change.action != "" {
			expected = changesOf(change.action, change.address)
		}
		if got := tf.applyTo(want, nil); !slices.Equal(got, expected) {
			t.Errorf("%s %s = %v: the changes are %q, want %q", change.address, change.attribute, change.to, got, expected)
		}
		if left := tf.planOf(want); len(left) != 0 {
			t.Fatalf("%s %s = %v: after it %q is still to do: %s", change.address, change.attribute, change.to, left, tf.why)
		}
	}
	s.kill() // what was applied is on disk
	s.start()
	calls = record(t, s, calls.accessKey, calls.secret)
	calls.step("after a kill")
	tf.calls, tf.client = calls, clientOf(calls)
	if left := tf.planOf(want); len(left) != 0 {
		t.Errorf("after a kill %q is to do: %s", left, tf.why)
	}

	// Destroying what is gone is no error.
	client, ctx := s.sdk(calls.signed), t.Context()
	if _, err := client.DeleteGroup(ctx, &xray.DeleteGroupInput{GroupName: aws.String("slower")}); err != nil {
		t.Fatal(err)
	}
	if err := tf.make("aws_xray_group.slow", "delete", nil); err != nil {
		t.Errorf("deleting a group that is gone: %v", err)
	}
}

// attributes of a resource, as JSON has them.
type attributes map[string]any

func (a attributes) text(name string) *string   { s, _ := a[name].(string); return &s }
func (a attributes) whole(name string) *int32   { n, _ := a[name].(float64); return aws.Int32(int32(n)) }
func (a attributes) number(name string) float64 { n, _ := a[name].(float64); return n }

// block is the attributes that an attribute holds; nil if there are none.
func block(attribute any) attributes {
	switch b := attribute.(type) {
	case map[string]any:
		return b
	case attributes:
		return b
	}
	return nil
}

// texts are the members of a block of texts.
func texts(attribute any) map[string]string {
	m := map[string]string{}
	for k, v := range block(attribute) {
		m[k], _ = v.(string)
	}
	return m
}

// load reads the resources of a configuration by address.
func load(t *testing.T, configuration string) map[string]attributes {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "terraform", configuration))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Resource map[string]map[string]attributes
	}
	decode(t, string(text), &file)
	resources := map[string]attributes{}
	for kind, named := range file.Resource {
		for name, a := range named {
			resources[kind+"."+name] = a
		}
	}
	return resources
}

// provider is Terraform and its AWS provider in small: a state, and for each
// kind of resource how it is made, read, changed and ended.
type provider struct {
	t      *testing.T
	calls  *recorder
	client *xray.Client
	state  map[string]*made // by address
	why    string           // what planOf found to differ
}

// made is a resource in the state.
type made struct {
	id   string
	have attributes // as it was last read
}

func newProvider(t *testing.T, calls *recorder) *provider {
	return &provider{t: t, calls: calls, client: clientOf(calls), state: map[string]*made{}}
}

// clientOf is a client of the server behind the recorder.
func clientOf(calls *recorder) *xray.Client {
	return (&server{}).sdk(calls.signed, func(o *xray.Options) { o.BaseEndpoint = aws.String(calls.url()) })
}

// caller asks the Security Token Service whose account it is, as the provider
// does at the start of each run.
func (p *provider) caller() {
	p.t.Helper()
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.calls.url()+"/", strings.NewReader(form))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	hash := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(p.t.Context(), p.calls.credentials(), request, hex.EncodeToString(hash[:]), "sts", "eu-central-1", time.Now()); err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var is struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
		ARN     string `xml:"GetCallerIdentityResult>Arn"`
	}
	if err := xml.NewDecoder(answer.Body).Decode(&is); err != nil || is.Account != "111122223333" || !strings.HasPrefix(is.ARN, "arn:aws:iam::111122223333:") {
		p.t.Fatalf("GetCallerIdentity: %s, %+v, %v", answer.Status, is, err)
	}
}

func (p *provider) plan(configuration string) []string {
	p.t.Helper()
	return p.planOf(load(p.t, configuration))
}

func (p *provider) apply(configuration string, imports map[string]string) []string {
	p.t.Helper()
	return p.applyTo(load(p.t, configuration), imports)
}

func (p *provider) destroy(string) []string {
	p.t.Helper()
	return p.applyTo(nil, nil)
}

func (p *provider) forget() { clear(p.state) }

// refresh reads everything in the state; what is gone leaves it.
func (p *provider) refresh() {
	p.t.Helper()
	p.caller()
	for _, address := range slices.Sorted(maps.Keys(p.state)) {
		p.read(address)
	}
}

func (p *provider) read(address string) {
	p.t.Helper()
	have, err := kindOf(address).read(p, p.state[address].id)
	switch {
	case err != nil:
		p.t.Fatalf("reading %s: %v", address, err)
	case have == nil:
		delete(p.state, address)
	default:
		p.state[address].have = have
	}
}

// planOf says how what is there differs from what is wanted.
func (p *provider) planOf(want map[string]attributes) (changes []string) {
	p.t.Helper()
	p.refresh()
	return p.differences(want)
}

func (p *provider) differences(want map[string]attributes) (changes []string) {
	p.why = ""
	for address := range p.state {
		if want[address] == nil {
			changes = append(changes, "delete "+address)
		}
	}
	for address, wanted := range want {
		there := p.state[address]
		if there == nil {
			changes = append(changes, "create "+address)
			continue
		}
		k := kindOf(address)
		action := ""
		for name := range k.attributes {
			if same(k.attributes[name], there.have[name], wanted[name]) {
				continue
			}
			p.why += fmt.Sprintf("%s.%s is %#v, wanted %#v; ", address, name, there.have[name], wanted[name])
			if action == "" {
				action = "update"
			}
			if k.attributes[name] == fixed {
				action = "replace"
			}
		}
		if action != "" {
			changes = append(changes, action+" "+address)
		}
	}
	slices.Sort(changes)
	return changes
}

// applyTo does what planOf says.
func (p *provider) applyTo(want map[string]attributes, imports map[string]string) (changes []string) {
	p.t.Helper()
	for address, id := range imports {
		p.state[address] = &made{id: id}
	}
	changes = p.planOf(want)
	for _, change := range changes {
		action, address, _ := strings.Cut(change, " ")
		if err := p.make(address, action, want[address]); err != nil {
			p.t.Fatalf("%s: %v", change, err)
		}
	}
	for address := range imports {
		if p.state[address] == nil {
			p.t.Errorf("%s cannot be imported: it is not there", address)
		}
		if !slices.ContainsFunc(changes, func(c string) bool { return strings.HasSuffix(c, " "+address) }) {
			changes = append(changes, "import "+address)
		}
	}
	slices.Sort(changes)
	return changes
}

// make carries out one change.
func (p *provider) make(address, action string, want attributes) error {
	p.t.Helper()
	k, there := kindOf(address), p.state[address]
	if action == "delete" || action == "replace" {
		if err := k.delete(p, there.id); err != nil {
			return err
		}
		delete(p.state, address)
	}
	switch action {
	case "create", "replace":
		id, have, err := k.create(p, want)
		if err == nil && have == nil {
			err = errors.New("it is not there after it was made")
		}
		if err != nil {
			return err
		}
		p.state[address] = &made{id, have}
	case "update":
		have, err := k.update(p, there, want)
		if err == nil && have == nil {
			err = errors.New("it is not there after it was changed")
		}
		if err != nil {
			return err
		}
		there.have = have
	}
	return nil
}

// nature says how an attribute that is to be is compared with the one that is.
type nature int

const (
	asIs     nature = iota // equal; empty and absent are the same
	fixed                  // asIs, and a resource with another one is another resource
	computed               // what is not wanted may be anything
	asJSON                 // equal as JSON
)

func same(n nature, have, want any) bool {
	switch n {
	case computed:
		if want == nil {
			return true
		}
		got := block(have)
		for name, v := range block(want) {
			if !same(asIs, got[name], v) {
				return false
			}
		}
		return true
	case asJSON:
		var a, b any
		return json.Unmarshal([]byte(cmp.Or(fmt.Sprint(have), "null")), &a) == nil &&
			json.Unmarshal([]byte(fmt.Sprint(want)), &b) == nil && reflect.DeepEqual(a, b)
	}
	if block(have) != nil || block(want) != nil {
		return maps.Equal(texts(have), texts(want))
	}
	zero := func(v any) any {
		if v == nil || reflect.ValueOf(v).IsZero() {
			return nil
		}
		return v
	}
	return zero(have) == zero(want)
}

// kind is a kind of resource. What read finds, and create and update leave, is
// nil if it is not there.
type kind struct {
	attributes map[string]nature
	create     func(p *provider, want attributes) (id string, have attributes, err error)
	read       func(p *provider, id string) (have attributes, err error)
	update     func(p *provider, there *made, want attributes) (have attributes, err error)
	delete     func(p *provider, id string) error
}

func kindOf(address string) kind {
	switch name, _, _ := strings.Cut(address, "."); name {
	case "aws_xray_group":
		return kind{
			map[string]nature{"group_name": fixed, "filter_expression": asIs, "insights_configuration": computed, "tags": asIs},
			(*provider).createGroup, (*provider).readGroup, (*provider).updateGroup, (*provider).deleteGroup,
		}
	case "aws_xray_sampling_rule":
		return kind{
			map[string]nature{
				"rule_name": fixed, "version": fixed, "priority": asIs, "fixed_rate": asIs, "reservoir_size": asIs, "url_path": asIs, "host": asIs,
				"http_method": asIs, "service_type": asIs, "service_name": asIs, "resource_arn": asIs, "attributes": asIs, "tags": asIs,
			},
			(*provider).createRule, (*provider).readRule, (*provider).updateRule, (*provider).deleteRule,
		}
	case "aws_xray_encryption_config":
		return kind{
			map[string]nature{"type": asIs, "key_id": asIs},
			(*provider).putEncryption, (*provider).readEncryption,
			func(p *provider, _ *made, want attributes) (attributes, error) {
				_, have, err := p.putEncryption(want)
				return have, err
			},
			func(*provider, string) error { return nil }, // it cannot be ended
		}
	case "aws_xray_resource_policy":
		return kind{
			map[string]nature{"policy_name": fixed, "policy_document": asJSON},
			(*provider).putPolicy, (*provider).readPolicy,
			func(p *provider, _ *made, want attributes) (attributes, error) {
				_, have, err := p.putPolicy(want)
				return have, err
			},
			(*provider).deletePolicy,
		}
	default:
		panic("there is no resource " + name)
	}
}

// A group is known by its ARN.

func (p *provider) createGroup(want attributes) (string, attributes, error) {
	out, err := p.client.CreateGroup(p.t.Context(), &xray.CreateGroupInput{
		GroupName: want.text("group_name"), FilterExpression: want.text("filter_expression"),
		InsightsConfiguration: insightsOf(want), Tags: tagsOf(want),
	})
	if err != nil {
		return "", nil, err
	}
	arn := aws.ToString(out.Group.GroupARN)
	have, err := p.readGroup(arn)
	return arn, have, err
}

// insightsOf is what is sent of the block: both members, once there is one.
func insightsOf(a attributes) *types.InsightsConfiguration {
	b := block(a["insights_configuration"])
	if b == nil {
		return nil
	}
	enabled, _ := b["insights_enabled"].(bool)
	notify, _ := b["notifications_enabled"].(bool)
	return &types.InsightsConfiguration{InsightsEnabled: &enabled, NotificationsEnabled: &notify}
}

func (p *provider) readGroup(arn string) (attributes, error) {
	out, err := p.client.GetGroup(p.t.Context(), &xray.GetGroupInput{GroupARN: &arn})
	if groupIsGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	insights := attributes{
		"insights_enabled": *out.Group.InsightsConfiguration.InsightsEnabled, "notifications_enabled": *out.Group.InsightsConfiguration.NotificationsEnabled,
	}
	tags, err := p.tags(arn)
	return attributes{
		"group_name": *out.Group.GroupName, "filter_expression": *out.Group.FilterExpression, "insights_configuration": insights, "tags": tags,
	}, err
}

// groupIsGone knows it by a text, because the type of the error is that of any
// bad request.
func groupIsGone(err error) bool {
	var invalid *types.InvalidRequestException
	return errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "Group not found")
}

// updateGroup changes the tags last.
func (p *provider) updateGroup(there *made, want attributes) (attributes, error) {
	if !same(asIs, there.have["filter_expression"], want["filter_expression"]) || !same(computed, there.have["insights_configuration"], want["insights_configuration"]) {
		insights := insightsOf(want)
		if insights == nil { // not wanted: as it is
			insights = insightsOf(there.have)
		}
		_, err := p.client.UpdateGroup(p.t.Context(), &xray.UpdateGroupInput{
			GroupARN: &there.id, FilterExpression: want.text("filter_expression"), InsightsConfiguration: insights,
		})
		if err != nil {
			return nil, err
		}
	}
	have, err := p.readGroup(there.id)
	if have == nil || err != nil || same(asIs, have["tags"], want["tags"]) {
		return have, err
	}
	if err := p.updateTags(there.id, have, want); err != nil {
		return nil, err
	}
	have["tags"], err = p.tags(there.id)
	return have, err
}

func (p *provider) deleteGroup(arn string) error {
	_, err := p.client.DeleteGroup(p.t.Context(), &xray.DeleteGroupInput{GroupARN: &arn})
	if groupIsGone(err) {
		return nil
	}
	return err
}

// A sampling rule is known by its name.

func (p *provider) createRule(want attributes) (string, attributes, error) {
	out, err := p.client.CreateSamplingRule(p.t.Context(), &xray.CreateSamplingRuleInput{
		SamplingRule: &types.SamplingRule{
			RuleName: want.text("rule_name"), ResourceARN: want.text("resource_arn"), Priority: want.whole("priority"),
			FixedRate: want.number("fixed_rate"), ReservoirSize: *want.whole("reservoir_size"), ServiceName: want.text("service_name"),
			ServiceType: want.text("service_type"), Host: want.text("host"), HTTPMethod: want.text("http_method"), URLPath: want.text("url_path"),
			Version: want.whole("version"), Attributes: someTexts(want["attributes"]),
		},
		Tags: tagsOf(want),
	})
	if err != nil {
		return "", nil, err
	}
	name := aws.ToString(out.SamplingRuleRecord.SamplingRule.RuleName)
	have, err := p.readRule(name)
	return name, have, err
}

func someTexts(attribute any) map[string]string {
	if m := texts(attribute); len(m) > 0 {
		return m
	}
	return nil
}

// readRule looks for the rule on every page of all of them.
func (p *provider) readRule(name string) (attributes, error) {
	for pages := xray.NewGetSamplingRulesPaginator(p.client, &xray.GetSamplingRulesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(p.t.Context())
		if err != nil {
			return nil, err
		}
		for _, record := range page.SamplingRuleRecords {
			r := record.SamplingRule
			if aws.ToString(r.RuleName) != name {
				continue
			}
			tags, err := p.tags(*r.RuleARN)
			read := attributes{}
			for k, v := range r.Attributes {
				read[k] = v
			}
			return attributes{
				"rule_name": *r.RuleName, "resource_arn": *r.ResourceARN, "priority": float64(*r.Priority), "fixed_rate": r.FixedRate,
				"reservoir_size": float64(r.ReservoirSize), "service_name": *r.ServiceName, "service_type": *r.ServiceType, "host": *r.Host,
				"http_method": *r.HTTPMethod, "url_path": *r.URLPath, "version": float64(*r.Version), "attributes": read, "tags": tags, "arn": *r.RuleARN,
			}, err
		}
	}
	return nil, nil
}

// updateRule changes the tags first, then sends everything but the version, and
// the attributes only if they change.
func (p *provider) updateRule(there *made, want attributes) (attributes, error) {
	if err := p.updateTags(*there.have.text("arn"), there.have, want); err != nil {
		return nil, err
	}
	other := false
	for name := range kindOf("aws_xray_sampling_rule.").attributes {
		other = other || name != "tags" && !same(asIs, there.have[name], want[name])
	}
	if !other {
		return p.readRule(there.id)
	}
	update := &types.SamplingRuleUpdate{
		RuleName: &there.id, ResourceARN: want.text("resource_arn"), Priority: want.whole("priority"), FixedRate: aws.Float64(want.number("fixed_rate")),
		ReservoirSize: want.whole("reservoir_size"), ServiceName: want.text("service_name"), ServiceType: want.text("service_type"),
		Host: want.text("host"), HTTPMethod: want.text("http_method"), URLPath: want.text("url_path"),
	}
	if !same(asIs, there.have["attributes"], want["attributes"]) {
		update.Attributes = texts(want["attributes"])
	}
	if _, err := p.client.UpdateSamplingRule(p.t.Context(), &xray.UpdateSamplingRuleInput{SamplingRuleUpdate: update}); err != nil {
		return nil, err
	}
	return p.readRule(there.id)
}

func (p *provider) deleteRule(name string) error {
	_, err := p.client.DeleteSamplingRule(p.t.Context(), &xray.DeleteSamplingRuleInput{RuleName: &name})
	return err
}

// The encryption is known by the region that it is of.

// putEncryption waits until all that is there is encrypted so.
func (p *provider) putEncryption(want attributes) (string, attributes, error) {
	in := &xray.PutEncryptionConfigInput{Type: types.EncryptionType(*want.text("type"))}
	if want["key_id"] != nil {
		in.KeyId = want.text("key_id")
	}
	if _, err := p.client.PutEncryptionConfig(p.t.Context(), in); err != nil {
		return "", nil, err
	}
	within(p.t, 30*time.Second, "active", func() error {
		out, err := p.client.GetEncryptionConfig(p.t.Context(), &xray.GetEncryptionConfigInput{})
		if err == nil && out.EncryptionConfig.Status != types.EncryptionStatusActive {
			err = errors.New(string(out.EncryptionConfig.Status))
		}
		return err
	})
	have, err := p.readEncryption("")
	return "eu-central-1", have, err
}

func (p *provider) readEncryption(string) (attributes, error) {
	out, err := p.client.GetEncryptionConfig(p.t.Context(), &xray.GetEncryptionConfigInput{})
	if err != nil {
		return nil, err
	}
	return attributes{"type": string(out.EncryptionConfig.Type), "key_id": aws.ToString(out.EncryptionConfig.KeyId)}, nil
}

// A resource policy is known by its name.

// putPolicy believes the answer; the list is read only later.
func (p *provider) putPolicy(want attributes) (string, attributes, error) {
	out, err := p.client.PutResourcePolicy(p.t.Context(), &xray.PutResourcePolicyInput{
		PolicyName: want.text("policy_name"), PolicyDocument: want.text("policy_document"),
	})
	if err != nil {
		return "", nil, err
	}
	have, err := policyAttributes(out.ResourcePolicy)
	return *want.text("policy_name"), have, err
}

func (p *provider) readPolicy(name string) (attributes, error) {
	found, err := p.findPolicy(name)
	if found == nil || err != nil {
		return nil, err
	}
	return policyAttributes(found)
}

func policyAttributes(policy *types.ResourcePolicy) (attributes, error) {
	if policy.LastUpdatedTime == nil || aws.ToString(policy.PolicyRevisionId) == "" {
		return nil, fmt.Errorf("the policy has no time or no revision: %+v", policy)
	}
	return attributes{"policy_name": *policy.PolicyName, "policy_document": *policy.PolicyDocument}, nil
}

// findPolicy looks for it on every page of all of them.
func (p *provider) findPolicy(name string) (found *types.ResourcePolicy, err error) {
	for pages := xray.NewListResourcePoliciesPaginator(p.client, &xray.ListResourcePoliciesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(p.t.Context())
		if err != nil {
			return nil, err
		}
		for i := range page.ResourcePolicies {
			if aws.ToString(page.ResourcePolicies[i].PolicyName) != name {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("there are two policies %s", name)
			}
			found = &page.ResourcePolicies[i]
		}
	}
	return found, nil
}

func (p *provider) deletePolicy(name string) error {
	found, err := p.findPolicy(name)
	if found == nil || err != nil {
		return err
	}
	_, err = p.client.DeleteResourcePolicy(p.t.Context(), &xray.DeleteResourcePolicyInput{PolicyName: &name, PolicyRevisionId: found.PolicyRevisionId})
	return err
}

// tagsOf lists the wanted tags by key.
func tagsOf(a attributes) (tags []types.Tag) {
	wanted := texts(a["tags"])
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(wanted[key])})
	}
	return tags
}

func (p *provider) tags(arn string) (attributes, error) {
	out, err := p.client.ListTagsForResource(p.t.Context(), &xray.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil {
		return nil, err
	}
	read := attributes{}
	for _, tag := range out.Tags {
		read[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return read, nil
}

// updateTags takes away those that are not wanted, then sets those that are new
// or have another value.
func (p *provider) updateTags(arn string, have, want attributes) error {
	old, wanted := texts(have["tags"]), texts(want["tags"])
	var away []string
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, keep := wanted[key]; !keep {
			away = append(away, key)
		}
	}
	if len(away) > 0 {
		if _, err := p.client.UntagResource(p.t.Context(), &xray.UntagResourceInput{ResourceARN: &arn, TagKeys: away}); err != nil {
			return err
		}
	}
	set := slices.DeleteFunc(tagsOf(want), func(tag types.Tag) bool {
		value, there := old[*tag.Key]
		return there && value == *tag.Value
	})
	if len(set) == 0 {
		return nil
	}
	_, err := p.client.TagResource(p.t.Context(), &xray.TagResourceInput{ResourceARN: &arn, Tags: set})
	return err
}

var (
	_ terraform = (*provider)(nil)
	_ terraform = (*terraformProgram)(nil)
)
