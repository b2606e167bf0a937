package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"
)

// newRule is a rule for a path, as Terraform's provider creates it.
func newRule(name string, priority int32, path string, rate float64, reservoir int32) *types.SamplingRule {
	return &types.SamplingRule{
		RuleName: aws.String(name), Priority: aws.Int32(priority), FixedRate: rate, ReservoirSize: reservoir, URLPath: aws.String(path),
		ServiceName: aws.String("*"), ServiceType: aws.String("*"), Host: aws.String("*"), HTTPMethod: aws.String("*"), ResourceARN: aws.String("*"),
		Version: aws.Int32(1),
	}
}

// rules creates the rules that the shops of the X-Ray SDKs are asked under.
func (s *server) rules() {
	s.t.Helper()
	for _, r := range []*types.SamplingRule{
		newRule("ready", 1, "/ready*", 1, 0), newRule("drop", 2, "/drop*", 0, 0), newRule("keep", 3, "/keep*", 1, 0),
		newRule("half", 4, "/half*", 0.5, 0), newRule("few", 5, "/few*", 0, 3),
	} {
		if _, err := s.sdk(once).CreateSamplingRule(s.t.Context(), &xray.CreateSamplingRuleInput{SamplingRule: r}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// The X-Ray SDKs for Python, Node and Go sample by the rules of the server,
// with nothing told to them but where the daemon would be.

func TestPythonSDKSamples(t *testing.T) {
	t.Parallel()
	found := pythons(t, "aws_xray_sdk.core.sampling.connector") // versions before 2 had local rules only
	if len(found) == 0 {
		absent(t, "the X-Ray SDK for Python, version 2")
	}
	for _, python := range found {
		t.Run(python, func(t *testing.T) {
			samples(t, true, python, filepath.Join("testdata", "sampling.py"))
		})
	}
}

// TestNodeSDKSamples: the SDK takes seconds for milliseconds and so every quota
// for expired. It borrows one a second for ever.
func TestNodeSDKSamples(t *testing.T) {
	if exec.Command("node", "-e", "require('aws-xray-sdk')").Run() != nil {
		absent(t, "the X-Ray SDK for Node")
	}
	samples(t, false, "node", filepath.Join("testdata", "sampling.js"))
}

func TestGoXRaySDKSamples(t *testing.T) {
	program := filepath.Join(t.TempDir(), "xraysdk")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "xraysdk"
	if out, err := build.CombinedOutput(); err != nil {
		absent(t, "the X-Ray SDK for Go: "+strings.TrimSpace(string(out)))
	}
	samples(t, true, program)
}

// samples runs a shop and checks what it sampled, that its traces arrived, and
// that the statistics came back.
func samples(t *testing.T, usesQuotas bool, program string, args ...string) {
	t.Parallel()
	s := start(t)
	s.rules()
	const n, seconds = 400, 14 // one report and a bit
	var did struct{ Sampled, Seconds map[string]int }
	began := time.Now()
	decode(t, run(t, s.clientEnvironment(t), program, append(args, fmt.Sprint(n), fmt.Sprint(seconds))...), &did)

	if got := did.Sampled; got["/drop"] != 0 || got["/keep"] != n || got["/half"] < n*35/100 || got["/half"] > n*65/100 {
		t.Errorf("of %d requests for each path were sampled %v", n, got)
	}
	// The first and the last second are no whole ones, and where one second ends
	// the shop and the SDK may see it differently: one request more or less.
	whole := slices.Sorted(maps.Keys(did.Seconds))
	whole = whole[1 : len(whole)-1]
	few := 0
	for _, second := range whole {
		few += did.Seconds[second]
	}
	between := func(what string, seconds []string, want int) {
		t.Helper()
		got := 0
		for _, second := range seconds {
			got += did.Seconds[second]
		}
		if got < want-1 || got > want+1 {
			t.Errorf("%s: %d of /few were sampled in %d seconds, want %d: %v", what, got, len(seconds), want, did.Seconds)
		}
	}
	between("before the quota one a second is borrowed", whole[:7], 7)
	if last := whole[len(whole)-2:]; usesQuotas { // it came with the report, ten seconds after the rules
		between("with a quota of 3", last, 6)
	} else {
		between("borrowing for ever", whole, len(whole))
	}

	within(t, 10*time.Second, "traces", func() error {
		for path, want := range did.Sampled {
			if got := s.count(began, `http.url ENDSWITH "`+path+`"`); got != want {
				return fmt.Errorf("%d traces of %s, want %d", got, path, want)
			}
		}
		return nil
	})
	// Sums are shown when their ten seconds are over.
	within(t, 25*time.Second, "statistics", func() error {
		requests, sampled, borrowed := map[string]int32{}, map[string]int32{}, int32(0)
		for pages := xray.NewGetSamplingStatisticSummariesPaginator(s.sdk(), &xray.GetSamplingStatisticSummariesInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				return err
			}
			for _, sum := range page.SamplingStatisticSummaries {
				requests["/"+aws.ToString(sum.RuleName)] += sum.RequestCount
				sampled["/"+aws.ToString(sum.RuleName)] += sum.SampledCount
				borrowed += sum.BorrowCount
			}
		}
		for path, want := range did.Sampled {
			if requests[path] != n || sampled[path] != int32(want) {
				return fmt.Errorf("the statistics of %s are %d of %d, want %d of %d", path, sampled[path], requests[path], want, n)
			}
		}
		if borrowed < 7 || borrowed > int32(few)+2 {
			return fmt.Errorf("%d were borrowed; %d of /few were sampled", borrowed, few)
		}
		return nil
	})
}

// count is how many traces since a time match a filter.
func (s *server) count(since time.Time, filter string) (n int) {
	s.t.Helper()
	pages := xray.NewGetTraceSummariesPaginator(s.sdk(), &xray.GetTraceSummariesInput{
		StartTime: aws.Time(since.Add(-time.Second)), EndTime: aws.Time(time.Now().Add(time.Minute)), FilterExpression: &filter,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("GetTraceSummaries %s: %v", filter, err)
		}
		n += len(page.TraceSummaries)
	}
	return n
}

// TestGoSDKSampling takes rules through their life with the calls of Terraform's
// provider, and reports as a client.
func TestGoSDKSampling(t *testing.T) {
	s := start(t, "--region", "eu-central-1", "--account-id", "111122223333")
	client, ctx := s.sdk(once), t.Context()
	draft := newRule("shop", 100, "/cart*", 0.25, 10)
	draft.Attributes = map[string]string{"tenant": "gold*"}
	draft.SamplingRateBoost = &types.SamplingRateBoost{MaxRate: 0.5, CooldownWindowMinutes: 10}
	created, err := client.CreateSamplingRule(ctx, &xray.CreateSamplingRuleInput{
		SamplingRule: draft, Tags: []types.Tag{{Key: aws.String("Stage"), Value: aws.String("Prod")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:xray:eu-central-1:111122223333:sampling-rule/shop"
	r := created.SamplingRuleRecord
	if got := r.SamplingRule; aws.ToString(got.RuleARN) != arn || got.FixedRate != 0.25 || got.Attributes["tenant"] != "gold*" || got.SamplingRateBoost == nil ||
		got.SamplingRateBoost.CooldownWindowMinutes != 10 || time.Since(*r.CreatedAt).Abs() > time.Minute || !r.CreatedAt.Equal(*r.ModifiedAt) {
		t.Errorf("created %+v", r)
	}
	_, err = client.CreateSamplingRule(ctx, &xray.CreateSamplingRuleInput{SamplingRule: draft})
	var invalid *types.InvalidRequestException
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Sampling rule already exists" {
		t.Errorf("creating it twice: %v", err)
	}
	if _, err := client.TagResource(ctx, &xray.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{{Key: aws.String("Owner"), Value: aws.String("")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(ctx, &xray.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"Stage"}}); err != nil {
		t.Fatal(err)
	}
	updated, err := client.UpdateSamplingRule(ctx, &xray.UpdateSamplingRuleInput{SamplingRuleUpdate: &types.SamplingRuleUpdate{
		RuleName: aws.String("shop"), FixedRate: aws.Float64(0.5), ReservoirSize: aws.Int32(4)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := updated.SamplingRuleRecord.SamplingRule; got.FixedRate != 0.5 || got.ReservoirSize != 4 || aws.ToInt32(got.Priority) != 100 || got.SamplingRateBoost != nil {
		t.Errorf("updated %+v", got)
	}

	// What was answered is on disk.
	s.kill()
	s.start()
	client = s.sdk()
	var names []string
	for pages := xray.NewGetSamplingRulesPaginator(client, &xray.GetSamplingRulesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.SamplingRuleRecords {
			names = append(names, aws.ToString(r.SamplingRule.RuleName))
			if *r.SamplingRule.RuleName == "shop" && r.SamplingRule.FixedRate != 0.5 {
				t.Errorf("after a kill %+v", r.SamplingRule)
			}
		}
	}
	if strings.Join(names, " ") != "shop Default" {
		t.Errorf("rules %v", names)
	}
	tags, err := client.ListTagsForResource(ctx, &xray.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "Owner" {
		t.Errorf("tags after a kill: %+v, %v", tags, err)
	}

	targets, err := client.GetSamplingTargets(ctx, &xray.GetSamplingTargetsInput{SamplingStatisticsDocuments: []types.SamplingStatisticsDocument{
		{RuleName: aws.String("shop"), ClientID: aws.String("0123456789abcdef01234567"), Timestamp: aws.Time(time.Now()), RequestCount: 100, SampledCount: 50, BorrowCount: 5},
		{RuleName: aws.String("gone"), ClientID: aws.String("0123456789abcdef01234567"), Timestamp: aws.Time(time.Now()), RequestCount: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(targets.SamplingTargetDocuments) != 1 || len(targets.UnprocessedStatistics) != 1 || *targets.UnprocessedStatistics[0].ErrorCode != "400" {
		t.Fatalf("targets %+v", targets)
	}
	if d := targets.SamplingTargetDocuments[0]; d.FixedRate != 0.5 || *d.ReservoirQuota != 4 || *d.Interval != 10 || time.Until(*d.ReservoirQuotaTTL) < 4*time.Minute ||
		!targets.LastRuleModification.Equal(*updated.SamplingRuleRecord.ModifiedAt) {
		t.Errorf("target %+v, changed at %v", d, targets.LastRuleModification)
	}

	if _, err := client.DeleteSamplingRule(ctx, &xray.DeleteSamplingRuleInput{RuleName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteSamplingRule(ctx, &xray.DeleteSamplingRuleInput{RuleARN: &arn})
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Sampling rule does not exist" {
		t.Errorf("deleting it twice: %v", err)
	}
	for i := range 25 {
		if _, err := client.CreateSamplingRule(ctx, &xray.CreateSamplingRuleInput{SamplingRule: newRule(fmt.Sprint("r", i), 1, "*", 0, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.CreateSamplingRule(ctx, &xray.CreateSamplingRuleInput{SamplingRule: newRule("more", 1, "*", 0, 0)})
	var limit *types.RuleLimitExceededException
	if !errors.As(err, &limit) {
		t.Errorf("the 26th rule: %v", err)
	}
}

// TestAWSCLISampling runs the six commands of the AWS CLI on sampling.
func TestAWSCLISampling(t *testing.T) {
	found := programs("aws")
	if len(found) == 0 {
		absent(t, "the AWS CLI")
	}
	for _, program := range found {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			env := s.clientEnvironment(t)
			cli := func(into any, args ...string) {
				t.Helper()
				decode(t, run(t, env, program, append([]string{"xray", "--endpoint-url", s.url(""), "--output", "json"}, args...)...), into)
			}
			type rule struct {
				RuleName, RuleARN, URLPath string
				Priority, ReservoirSize    int
				FixedRate                  float64
			}
			var one struct{ SamplingRuleRecord struct{ SamplingRule rule } }
			cli(&one, "create-sampling-rule", "--sampling-rule", `{"RuleName":"shop","Priority":7,"FixedRate":0.5,"ReservoirSize":3,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"GET","URLPath":"/cart*","ResourceARN":"*","Version":1}`,
				"--tags", "Key=Stage,Value=Prod")
			want := rule{"shop", "arn:aws:xray:us-east-1:123456789012:sampling-rule/shop", "/cart*", 7, 3, 0.5}
			if got := one.SamplingRuleRecord.SamplingRule; got != want {
				t.Errorf("create-sampling-rule: %+v", got)
			}
			cli(&one, "update-sampling-rule", "--sampling-rule-update", "RuleName=shop,FixedRate=1")
			if want.FixedRate = 1; one.SamplingRuleRecord.SamplingRule != want {
				t.Errorf("update-sampling-rule: %+v", one)
			}
			var all struct{ SamplingRuleRecords []struct{ SamplingRule rule } }
			cli(&all, "get-sampling-rules")
			if len(all.SamplingRuleRecords) != 2 || all.SamplingRuleRecords[0].SamplingRule != want || all.SamplingRuleRecords[1].SamplingRule.RuleName != "Default" {
				t.Errorf("get-sampling-rules: %+v", all)
			}
			var targets struct {
				SamplingTargetDocuments []struct {
					RuleName                 string
					ReservoirQuota, Interval int
				}
				LastRuleModification  any
				UnprocessedStatistics []any
			}
			cli(&targets, "get-sampling-targets", "--sampling-statistics-documents",
				fmt.Sprintf(`[{"RuleName":"shop","ClientID":"0123456789abcdef01234567","Timestamp":%d,"RequestCount":9,"SampledCount":9,"BorrowCount":0}]`, time.Now().Unix()))
			if len(targets.SamplingTargetDocuments) != 1 || targets.SamplingTargetDocuments[0].ReservoirQuota != 3 || targets.LastRuleModification == nil {
				t.Errorf("get-sampling-targets: %+v", targets)
			}
			within(t, 15*time.Second, "statistics", func() error {
				var sums struct {
					SamplingStatisticSummaries []struct {
						RuleName     string
						RequestCount int
					}
				}
				cli(&sums, "get-sampling-statistic-summaries")
				if len(sums.SamplingStatisticSummaries) != 1 || sums.SamplingStatisticSummaries[0].RequestCount != 9 {
					return fmt.Errorf("get-sampling-statistic-summaries: %+v", sums)
				}
				return nil
			})
			cli(&one, "delete-sampling-rule", "--rule-name", "shop")
			if one.SamplingRuleRecord.SamplingRule != want {
				t.Errorf("delete-sampling-rule: %+v", one)
			}
			_, complaint, err := tryRun(t, env, program, "xray", "--endpoint-url", s.url(""), "delete-sampling-rule", "--rule-name", "shop")
			if err == nil || !strings.Contains(complaint, "An error occurred (InvalidRequestException) when calling the DeleteSamplingRule operation: Sampling rule does not exist") {
				t.Errorf("deleting it twice: %v, %q", err, complaint)
			}
		})
	}
}
