package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/server"
)

const rulesARN = "arn:aws:xray:us-east-1:123456789012:sampling-rule/"

// ruleRequest is a whole rule as a request has it; more replaces members or adds
// some.
func ruleRequest(name, more string) string {
	members := map[string]any{
		"RuleName": name, "ResourceARN": "*", "Priority": 100, "FixedRate": 0.5, "ReservoirSize": 10,
		"ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1,
	}
	if err := json.Unmarshal([]byte("{"+more+"}"), &members); err != nil {
		panic(err)
	}
	for key, value := range members {
		if value == nil {
			delete(members, key)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func create(name, more string) string { return `{"SamplingRule":` + ruleRequest(name, more) + `}` }

// record is a rule as answers have it.
func record(name, created, modified, rate string, priority, reservoir int, more string) string {
	return fmt.Sprintf(`{"CreatedAt":%s,"ModifiedAt":%s,"SamplingRule":{"Attributes":{},"FixedRate":%s,"HTTPMethod":"*","Host":"*","Priority":%d,"ReservoirSize":%d,`+
		`"ResourceARN":"*","RuleARN":"%s","RuleName":"%s",%s"ServiceName":"*","ServiceType":"*","URLPath":"*","Version":1}}`,
		created, modified, rate, priority, reservoir, rulesARN+name, name, more)
}

func violation(value, member, constraint string) string {
	return "ValidationException: 1 validation error detected: Value " + value + " at '" + member + "' failed to satisfy constraint: " + constraint
}

func TestSamplingRules(t *testing.T) {
	d := open(t, server.Options{})
	byDefault := record("Default", "0.0", "0.0", "0.05", 10000, 1, "")
	at := java(now)
	shop := record("shop", at, at, "0.5", 100, 10, "")
	// Bodies as SDKs send them, and none at all.
	for _, body := range []string{"", "{}", `{"NextToken":null}`, `{"NextToken":""}`, "null"} {
		d.post("/GetSamplingRules", body).want(t, "the rules, asked with "+body, `{"NextToken":null,"SamplingRuleRecords":[`+byDefault+`]}`)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	const (
		notNull = "Member must not be null"
		most    = "Member must have length less than or equal to "
	)
	for _, tt := range []struct{ path, body, want string }{
		{"/CreateSamplingRule", create("shop", ""), `{"SamplingRuleRecord":` + shop + `}`},
		{"/GetSamplingRules", "", `{"NextToken":null,"SamplingRuleRecords":[` + shop + `,` + byDefault + `]}`},
		{"/GetSamplingRules", `{"NextToken":"x"}`, "InvalidRequestException: Invalid token x"},

		{"/CreateSamplingRule", create("shop", ""), "InvalidRequestException: Sampling rule already exists"},
		{"/CreateSamplingRule", create("Default", ""), "InvalidRequestException: Sampling rule already exists"},
		{"/CreateSamplingRule", create("new", `"RuleARN":"`+rulesARN+`new"`), "InvalidRequestException: Request cannot contain both sampling rule name and sampling rule ARN"},
		{"/CreateSamplingRule", create("new", `"RuleName":null`), "InvalidRequestException: Request must contain either sampling rule name or sampling rule ARN"},
		{"/CreateSamplingRule", create("new", `"Version":2`), "InvalidRequestException: Sampling rule version must be 1"},
		{"/CreateSamplingRule", create("new", `"SamplingRateBoost":{"MaxRate":1,"CooldownWindowMinutes":0}`), "InvalidRequestException: SamplingRateBoost.CooldownWindowMinutes is 0; it is at least 1"},

		{"/CreateSamplingRule", create("new", `"Priority":0`), violation("'0'", "samplingRule.priority", "Member must have value greater than or equal to 1")},
		{"/CreateSamplingRule", create("new", `"FixedRate":1.1`), violation("'1.1'", "samplingRule.fixedRate", "Member must have value less than or equal to 1")},
		{"/CreateSamplingRule", create("new", `"Attributes":{"0":"v","1":"v","2":"v","3":"v","4":"v","5":"v"}`), violation("'{0=v, 1=v, 2=v, 3=v, 4=v, 5=v}'", "samplingRule.attributes", most+"5")},
		{"/CreateSamplingRule", create("new", `"Priority":"1"`), "SerializationException: STRING_VALUE can not be converted to an Integer"},

		{"/UpdateSamplingRule", `{}`, violation("null", "samplingRuleUpdate", notNull)},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{}}`, "InvalidRequestException: Request must contain either sampling rule name or sampling rule ARN"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","RuleARN":"` + rulesARN + `shop"}}`, "InvalidRequestException: Request cannot contain both sampling rule name and sampling rule ARN"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"nope"}}`, "InvalidRequestException: Sampling rule does not exist"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","ReservoirSize":-1}}`, "InvalidRequestException: Invalid update request for sampling rule: ReservoirSize is -1; it is 0 to 2147483647"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","Priority":0}}`, "InvalidRequestException: Invalid update request for sampling rule: Priority is 0; it is 1 to 9999"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","Host":"` + long(65) + `"}}`, violation("'"+long(65)+"'", "samplingRuleUpdate.host", most+"64")},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","SamplingRateBoost":{}}}`, "ValidationException: 2 validation errors detected: Value null at 'samplingRuleUpdate.samplingRateBoost.maxRate' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'samplingRuleUpdate.samplingRateBoost.cooldownWindowMinutes' failed to satisfy constraint: Member must not be null"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"Default","Priority":3}}`, "InvalidRequestException: Invalid update request for default sampling rule"},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleARN":"` + rulesARN + `shop","FixedRate":1,"SamplingRateBoost":{"MaxRate":0,"CooldownWindowMinutes":5}}}`,
			`{"SamplingRuleRecord":` + record("shop", at, at, "1.0", 100, 10, `"SamplingRateBoost":{"CooldownWindowMinutes":5,"MaxRate":0.0},`) + `}`},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"shop","Priority":9999}}`, `{"SamplingRuleRecord":` + record("shop", at, at, "1.0", 9999, 10, "") + `}`},
		{"/UpdateSamplingRule", `{"SamplingRuleUpdate":{"RuleName":"Default","FixedRate":0,"ReservoirSize":0}}`, `{"SamplingRuleRecord":` + record("Default", "0.0", at, "0.0", 10000, 0, "") + `}`},

		{"/DeleteSamplingRule", `{}`, "InvalidRequestException: Request must contain either sampling rule name or sampling rule ARN"},
		{"/DeleteSamplingRule", `{"RuleName":"Default"}`, "InvalidRequestException: The Default sampling rule cannot be deleted"},
		{"/DeleteSamplingRule", `{"RuleARN":"` + rulesARN + `shop"}`, `{"SamplingRuleRecord":` + record("shop", at, at, "1.0", 9999, 10, "") + `}`},
		{"/DeleteSamplingRule", `{"RuleName":"shop"}`, "InvalidRequestException: Sampling rule does not exist"},
	} {
		d.post(tt.path, tt.body).want(t, tt.path+" "+tt.body, tt.want)
	}

	for i := range 25 {
		if a := d.post("/CreateSamplingRule", create(fmt.Sprint("r", i), "")); a.status != 200 {
			t.Fatalf("rule %d: %d %s", i, a.status, a.body)
		}
	}
	d.post("/CreateSamplingRule", create("more", "")).want(t, "the 26th rule",
		"RuleLimitExceededException: There are 25 sampling rules already besides Default, which is the limit")
}

func TestSamplingRuleTags(t *testing.T) {
	d := open(t, server.Options{})
	of := func(arn, rest string) string { return `{"ResourceARN":"` + arn + `"` + rest + `}` }
	if a := d.post("/CreateSamplingRule", `{"SamplingRule":`+ruleRequest("shop", "")+`,"Tags":[{"Key":"Stage","Value":"Prod"}]}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, tt := range []struct{ path, body, want string }{
		{"/ListTagsForResource", of(rulesARN+"shop", ""), `{"NextToken":null,"Tags":[{"Key":"Stage","Value":"Prod"}]}`},
		{"/TagResource", of(rulesARN+"shop", `,"Tags":[{"Key":"a","Value":""}]`), `{}`},
		{"/UntagResource", of(rulesARN+"shop", `,"TagKeys":["Stage"]`), `{}`},
		{"/ListTagsForResource", of(rulesARN+"shop", ""), `{"NextToken":null,"Tags":[{"Key":"a","Value":""}]}`},
		{"/TagResource", of(rulesARN+"Default", `,"Tags":[{"Key":"b","Value":"c"}]`), `{}`},
		{"/ListTagsForResource", of(rulesARN+"Default", ""), `{"NextToken":null,"Tags":[{"Key":"b","Value":"c"}]}`},
	} {
		d.post(tt.path, tt.body).want(t, tt.path+" "+tt.body, tt.want)
	}
	a := d.post("/ListTagsForResource", of(rulesARN+"nope", ""))
	if a.status != 404 || a.header.Get("x-amzn-errortype") != "ResourceNotFoundException" || !strings.Contains(a.body, `"ResourceName":"`+rulesARN+`nope"`) {
		t.Errorf("tags of no rule: %d %s", a.status, a.body)
	}
}

// clock is a clock that a test sets.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// drive makes sampling go by the clock.
func (c *clock) drive(p *server.Parts) { p.Now = c.Now }

func clockAt(t time.Time) *clock {
	c := &clock{}
	c.at.Store(t.UnixMicro())
	return c
}

// java is a whole second of this age as answers have it.
func java(t time.Time) string {
	return strings.TrimRight(fmt.Sprintf("1.%09d", t.Unix()%1e9), "0") + "E9"
}

// stats is a document; more replaces members.
func stats(rule, client, more string) string {
	return fmt.Sprintf(`{"RuleName":"%s","ClientID":"%024s","Timestamp":1700000000,"RequestCount":200,"SampledCount":10%s}`, rule, client, more)
}

func report(docs ...string) string {
	return `{"SamplingStatisticsDocuments":[` + strings.Join(docs, ",") + `]}`
}

func TestSamplingTargets(t *testing.T) {
	c := clockAt(time.Unix(1700000005, 250e6))
	d := open(t, server.Options{}, c.drive)
	// An empty report, in every form that clients send.
	for _, body := range []string{"", "{}", report(), `{"SamplingStatisticsDocuments":[],"SamplingBoostStatisticsDocuments":null}`} {
		d.post("/SamplingTargets", body).want(t, "a report of nothing: "+body, `{"LastRuleModification":0.0,"SamplingTargetDocuments":[],"UnprocessedStatistics":[]}`)
	}
	d.post("/CreateSamplingRule", create("shop", `"SamplingRateBoost":{"MaxRate":1,"CooldownWindowMinutes":1}`))
	modified := java(now)
	target := func(rule, rate string, quota int, more string) string {
		return fmt.Sprintf(`{"FixedRate":%s,"Interval":10,"ReservoirQuota":%d,"ReservoirQuotaTTL":1.700000305E9,"RuleName":"%s"%s}`, rate, quota, rule, more)
	}
	answer := func(more string, targets ...string) string {
		return `{"LastRuleModification":` + modified + `,"SamplingTargetDocuments":[` + strings.Join(targets, ",") + `]` + more + `}`
	}
	const all = `,"UnprocessedStatistics":[]`
	boost := func(rule string, anomalies int) string {
		return fmt.Sprintf(`{"RuleName":"%s","ServiceName":"s","Timestamp":1700000000.5,"TotalCount":1000,"AnomalyCount":%d,"SampledAnomalyCount":0}`, rule, anomalies)
	}
	for _, tt := range []struct{ body, want string }{
		{report(stats("shop", "a", "")), answer(all, target("shop", "0.5", 10, ""))},
		{report(stats("shop", "b", `,"BorrowCount":10`)), answer(all, target("shop", "0.5", 0, ""))},
		{report(stats("shop", "b", `,"BorrowCount":null`)), answer(all, target("shop", "0.5", 0, ""))},
		{report(stats("Default", "a", ""), stats("gone", "a", ""), stats("shop", "A", "")), answer(
			`,"UnprocessedStatistics":[{"ErrorCode":"400","Message":"Unknown rule","RuleName":"gone"}]`,
			target("Default", "0.05", 1, ""), target("shop", "0.5", 0, ""))},

		// Times: milliseconds, text, far ahead, old, absurd.
		{report(stats("Default", "a", `,"Timestamp":1700000000123`)), answer(all, target("Default", "0.05", 1, ""))},
		{report(stats("Default", "a", `,"Timestamp":"2023-11-14T22:13:20Z"`)), answer(all, target("Default", "0.05", 1, ""))},
		{report(stats("Default", "a", `,"Timestamp":1800000000`)), answer(all, target("Default", "0.05", 1, ""))},
		{report(stats("Default", "a", `,"Timestamp":1e300`)), answer(all, target("Default", "0.05", 1, ""))},
		{report(stats("Default", "a", `,"Timestamp":1699999705`)), answer(`,"UnprocessedStatistics":[{"ErrorCode":"400","Message":"Statistics are more than 5 minutes old","RuleName":"Default"}]`)},
		{report(stats("Default", "a", `,"Timestamp":-1e300`)), answer(`,"UnprocessedStatistics":[{"ErrorCode":"400","Message":"Statistics are more than 5 minutes old","RuleName":"Default"}]`)},

		// Boosts.
		{`{"SamplingBoostStatisticsDocuments":[` + boost("gone", 1) + `]}`,
			answer(`,"UnprocessedBoostStatistics":[{"ErrorCode":"400","Message":"Unknown rule","RuleName":"gone"}],"UnprocessedStatistics":[]`)},
		{`{"SamplingStatisticsDocuments":[` + stats("shop", "a", "") + `],"SamplingBoostStatisticsDocuments":[` + boost("shop", 0) + `]}`,
			answer(`,"UnprocessedBoostStatistics":[],"UnprocessedStatistics":[]`, target("shop", "0.5", 4, ""))},
		{`{"SamplingStatisticsDocuments":[` + stats("shop", "a", "") + `],"SamplingBoostStatisticsDocuments":[` + boost("shop", 900) + `]}`,
			answer(`,"UnprocessedBoostStatistics":[],"UnprocessedStatistics":[]`, target("shop", "0.5", 4, `,"SamplingBoost":{"BoostRate":1.0,"BoostRateTTL":1.700000025E9}`))},

		{report(stats("shop", "a", `,"RequestCount":-1`)), violation("'-1'", "samplingStatisticsDocuments.1.member.requestCount", "Member must have value greater than or equal to 0")},
		{report(stats("Default", "a", `,"RequestCount":1e300,"SampledCount":1e300,"BorrowCount":1e300`)), answer(all, target("Default", "0.05", 1, ""))},
	} {
		d.post("/SamplingTargets", tt.body).want(t, tt.body, tt.want)
	}

	var docs []string
	for range 26 { // more than documented, as a client with all rules sends
		docs = append(docs, stats("Default", "a", ""))
	}
	if a := d.post("/SamplingTargets", report(docs...)); a.status != 200 || strings.Count(a.body, `"RuleName":"Default"`) != 26 {
		t.Errorf("26 documents: %d %s", a.status, a.body)
	}
	a := d.do("GET", "/metrics", "")
	for _, want := range []string{`tomo_sampling_rate{rule="shop"} 1`, `tomo_sampling_clients{rule="shop"} 3`, `tomo_sampling_quota{rule="Default"} 1`} {
		if !strings.Contains(a.body, want+"\n") {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// TestSamplingUnsigned: SDKs that take the server for a daemon do not sign, or
// with keys that are no keys.
func TestSamplingUnsigned(t *testing.T) {
	d := open(t, server.Options{})
	for _, header := range [][]string{
		{"Content-Type", ""},
		{"Content-Type", "application/json"},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=dummy/20260101/us-west-2/xray/aws4_request, SignedHeaders=host, Signature=00"},
	} {
		for _, path := range []string{"/GetSamplingRules", "/SamplingTargets"} {
			if a := d.do("POST", path, "", header...); a.status != 200 {
				t.Errorf("%s with %v: %d %s", path, header, a.status, a.body)
			}
		}
	}
}

// The shapes of 2018, as the X-Ray SDK for Java reads them: a member that it
// does not know ends sampling in that service.
type (
	javaRules struct {
		NextToken           *string
		SamplingRuleRecords []struct {
			CreatedAt, ModifiedAt *float64
			SamplingRule          struct {
				RuleName, RuleARN, ResourceARN, ServiceName, ServiceType, Host, HTTPMethod, URLPath *string
				Priority, ReservoirSize, Version                                                    *int32
				FixedRate                                                                           *float64
				Attributes                                                                          map[string]string
			}
		}
	}
	javaTargets struct {
		LastRuleModification    *float64
		SamplingTargetDocuments []struct {
			RuleName                 *string
			FixedRate                *float64
			ReservoirQuota, Interval *int32
			ReservoirQuotaTTL        *float64
		}
		UnprocessedStatistics []struct{ RuleName, ErrorCode, Message *string }
	}
)

func TestSamplingStrictClients(t *testing.T) {
	d := open(t, server.Options{}, clockAt(time.Unix(1700000005, 0)).drive)
	d.post("/CreateSamplingRule", create("shop", `"Attributes":{"a":"b"}`))
	strictly := func(path, body string, into any) {
		t.Helper()
		a := d.post(path, body)
		decoder := json.NewDecoder(strings.NewReader(a.body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil || a.status != 200 {
			t.Errorf("%s: %v in %s", path, err, a.body)
		}
	}
	var rules javaRules
	strictly("/GetSamplingRules", "{}", &rules)
	if len(rules.SamplingRuleRecords) != 2 || rules.NextToken != nil {
		t.Errorf("%+v", rules)
	}
	for _, r := range rules.SamplingRuleRecords {
		rule := r.SamplingRule
		for name, missing := range map[string]bool{
			"CreatedAt": r.CreatedAt == nil, "ModifiedAt": r.ModifiedAt == nil, "RuleName": rule.RuleName == nil, "RuleARN": rule.RuleARN == nil,
			"ResourceARN": rule.ResourceARN == nil, "ServiceName": rule.ServiceName == nil, "ServiceType": rule.ServiceType == nil, "Host": rule.Host == nil,
			"HTTPMethod": rule.HTTPMethod == nil, "URLPath": rule.URLPath == nil, "Priority": rule.Priority == nil, "ReservoirSize": rule.ReservoirSize == nil,
			"Version": rule.Version == nil, "FixedRate": rule.FixedRate == nil, "Attributes": rule.Attributes == nil,
		} {
			if missing {
				t.Errorf("a rule without %s: %+v", name, rule)
			}
		}
	}
	var targets javaTargets
	strictly("/SamplingTargets", report(stats("shop", "a", ""), stats("gone", "a", "")), &targets)
	if len(targets.SamplingTargetDocuments) != 1 || len(targets.UnprocessedStatistics) != 1 || targets.LastRuleModification == nil {
		t.Fatalf("%+v", targets)
	}
	if d := targets.SamplingTargetDocuments[0]; d.RuleName == nil || d.FixedRate == nil || d.ReservoirQuota == nil || d.Interval == nil || d.ReservoirQuotaTTL == nil {
		t.Errorf("%+v", d)
	}
	if u := targets.UnprocessedStatistics[0]; u.RuleName == nil || u.ErrorCode == nil || u.Message == nil {
		t.Errorf("%+v", u)
	}

	// The answer is the same byte for byte while nothing changes: OpenTelemetry
	// forgets its quotas otherwise.
	first := d.post("/GetSamplingRules", "")
	d.post("/SamplingTargets", report(stats("shop", "a", "")))
	if again := d.post("/GetSamplingRules", `{"NextToken":null}`); again.body != first.body {
		t.Errorf("the rules were\n%s\nand are\n%s", first.body, again.body)
	}
}

func TestSamplingStatisticSummaries(t *testing.T) {
	c := clockAt(time.Unix(1700000005, 0))
	d := open(t, server.Options{}, c.drive)
	d.post("/CreateSamplingRule", create("shop", ""))
	d.post("/SamplingStatisticSummaries", "").want(t, "no reports", `{"NextToken":null,"SamplingStatisticSummaries":[]}`)
	d.post("/SamplingTargets", report(stats("shop", "a", `,"BorrowCount":3`), stats("shop", "b", ""), stats("Default", "b", "")))
	c.advance(5 * time.Second)
	want := `{"NextToken":null,"SamplingStatisticSummaries":[{"BorrowCount":0,"RequestCount":200,"RuleName":"Default","SampledCount":10,"Timestamp":1.7E9},` +
		`{"BorrowCount":3,"RequestCount":400,"RuleName":"shop","SampledCount":20,"Timestamp":1.7E9}]}`
	d.post("/SamplingStatisticSummaries", `{"NextToken":""}`).want(t, "two rules", want)
	for _, token := range []string{"x", "!", "MQ", "MSBhIGI="} {
		d.post("/SamplingStatisticSummaries", `{"NextToken":"`+token+`"}`).want(t, "token "+token, "InvalidRequestException: Invalid token "+token)
	}

	// More than a page, of all rules there may be; windows go on being added
	// while somebody reads.
	rules := []string{"shop", "Default"}
	for i := range 24 {
		rules = append(rules, fmt.Sprint("r", i))
		d.post("/CreateSamplingRule", create(rules[len(rules)-1], ""))
	}
	docs := func() (docs []string) {
		for _, rule := range rules {
			docs = append(docs, stats(rule, "a", fmt.Sprintf(`,"Timestamp":%d`, c.Now().Unix())))
		}
		return docs
	}
	for range 50 {
		c.advance(10 * time.Second)
		d.post("/SamplingTargets", report(docs()...))
	}
	seen := map[string]bool{}
	last, token, pages := 1e18, "", 0
	for {
		a := d.post("/SamplingStatisticSummaries", `{"NextToken":"`+token+`"}`)
		var page api.GetSamplingStatisticSummariesResponse
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		pages++
		for _, s := range page.SamplingStatisticSummaries {
			place := fmt.Sprint(s.RuleName, " ", s.Timestamp)
			if seen[place] || float64(s.Timestamp) > last {
				t.Errorf("%s comes again or out of order", place)
			}
			seen[place], last = true, float64(s.Timestamp)
		}
		if page.NextToken == nil {
			break
		}
		token = *page.NextToken
		c.advance(10 * time.Second)
		d.post("/SamplingTargets", report(docs()...))
	}
	if want := 49*26 + 2; pages != 2 || len(seen) != want {
		t.Errorf("%d sums on %d pages, want %d on 2", len(seen), pages, want)
	}
}
