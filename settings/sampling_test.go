package settings_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/settings"
)

// draftRule is a rule to be created, as change makes it.
func draftRule(name string, change ...func(*tomo.SamplingRule)) tomo.SamplingRule {
	r := tomo.SamplingRule{
		Name: name, Priority: 100, FixedRate: 0.1, ReservoirSize: 5, Version: 1,
		ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", ResourceARN: "*",
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func (w *world) mustCreateRule(r tomo.SamplingRule) *tomo.SamplingRule {
	w.t.Helper()
	created, err := w.CreateSamplingRule(context.Background(), r)
	if err != nil {
		w.t.Fatalf("creating %s: %v", r.Name, err)
	}
	return created
}

func (w *world) ruleNames() string {
	var names []string
	for _, r := range w.SamplingRules().List {
		names = append(names, r.Name)
	}
	return strings.Join(names, " ")
}

func ruleNamed(name string) settings.SamplingRuleRef { return settings.SamplingRuleRef{Name: name} }

const ruleARN = "arn:aws:xray:eu-central-1:111122223333:sampling-rule/"

func TestDefaultSamplingRule(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	want := &tomo.SamplingRules{List: []*tomo.SamplingRule{{
		Name: "Default", ARN: ruleARN + "Default", Priority: 10_000, FixedRate: 0.05, ReservoirSize: 1, Version: 1,
		ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", ResourceARN: "*", Attributes: map[string]string{},
	}}}
	if diff := cmp.Diff(want, w.SamplingRules()); diff != "" {
		t.Error(diff)
	}
	_, err := w.CreateSamplingRule(ctx, draftRule("Default"))
	wantError(t, "creating Default", err, tomo.Invalid, "Sampling rule already exists")
	_, err = w.DeleteSamplingRule(ctx, ruleNamed("Default"))
	wantError(t, "deleting Default", err, tomo.Invalid, "cannot be deleted")
	for what, u := range map[string]settings.SamplingRuleUpdate{
		"priority": {Priority: new(9999)}, "host": {Host: new("h")}, "attributes": {Attributes: map[string]string{"a": "b"}},
		"boost": {Boost: &tomo.RateBoost{MaxRate: 1, CooldownMinutes: 1}}, "service": {ServiceName: new("s"), FixedRate: new(0.5)},
	} {
		_, err := w.UpdateSamplingRule(ctx, ruleNamed("Default"), u)
		wantError(t, "another "+what+" for Default", err, tomo.Invalid, "Invalid update request for default sampling rule")
	}
	_, err = w.UpdateSamplingRule(ctx, ruleNamed("Default"), settings.SamplingRuleUpdate{FixedRate: new(2.0)})
	wantError(t, "a rate of 2 for Default", err, tomo.Invalid, "Invalid update request for sampling rule: FixedRate is 2; it is 0 to 1")

	u := settings.SamplingRuleUpdate{FixedRate: new(0.01), ReservoirSize: new(0), Host: new("*"), Attributes: map[string]string{}}
	if _, err := w.UpdateSamplingRule(ctx, settings.SamplingRuleRef{ARN: ruleARN + "Default"}, u); err != nil {
		t.Fatal(err)
	}
	w.restart()
	want.Modified = tomo.TimeOf(w.now)
	want.List[0].FixedRate, want.List[0].ReservoirSize, want.List[0].Modified = 0.01, 0, want.Modified
	if diff := cmp.Diff(want, w.SamplingRules()); diff != "" {
		t.Errorf("after a change and a restart\n%s", diff)
	}
}

func TestSamplingRules(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.now = w.now.Add(250 * time.Millisecond)
	created := w.mustCreateRule(draftRule("zoo", func(r *tomo.SamplingRule) {
		r.Attributes = map[string]string{"tenant": "gold*"}
		r.Boost = &tomo.RateBoost{MaxRate: 0.5, CooldownMinutes: 10}
		r.Tags = []tomo.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: "1"}}
	}))
	at := tomo.Time(1767607200e6)
	want := draftRule("zoo", func(r *tomo.SamplingRule) {
		r.ARN, r.Created, r.Modified = ruleARN+"zoo", at, at
		r.Attributes = map[string]string{"tenant": "gold*"}
		r.Boost = &tomo.RateBoost{MaxRate: 0.5, CooldownMinutes: 10}
		r.Tags = []tomo.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}
	})
	if diff := cmp.Diff(&want, created); diff != "" {
		t.Errorf("created (-want +got)\n%s", diff)
	}
	// By ARN, whose last part is the name.
	w.mustCreateRule(draftRule("", func(r *tomo.SamplingRule) { r.ARN = "arn:aws:xray:us-west-2:000000000000:sampling-rule/Art" }))
	if got := w.ruleNames(); got != "Art zoo Default" {
		t.Errorf("rules %s", got)
	}
	w.restart()
	if diff := cmp.Diff(&want, w.SamplingRules().Named("zoo")); diff != "" {
		t.Errorf("after a restart (-want +got)\n%s", diff)
	}

	// Only what is given changes, but for the boost.
	held := w.SamplingRules()
	w.now = w.now.Add(time.Minute)
	updated, err := w.UpdateSamplingRule(ctx, ruleNamed("zoo"), settings.SamplingRuleUpdate{Priority: new(7), URLPath: new("/a?")})
	if err != nil {
		t.Fatal(err)
	}
	want.Priority, want.URLPath, want.Boost, want.Modified = 7, "/a?", nil, at.Add(time.Minute)
	if diff := cmp.Diff(&want, updated); diff != "" {
		t.Errorf("updated (-want +got)\n%s", diff)
	}
	if got := w.SamplingRules().Modified; got != want.Modified {
		t.Errorf("the rules changed at %v, want %v", got, want.Modified)
	}
	if held.Named("zoo").Priority != 100 || held.Modified != at {
		t.Error("what was handed out has changed")
	}
	if updated, err = w.UpdateSamplingRule(ctx, settings.SamplingRuleRef{ARN: ruleARN + "zoo"}, settings.SamplingRuleUpdate{Attributes: map[string]string{}}); err != nil || len(updated.Attributes) != 0 {
		t.Errorf("attributes cleared: %v, %v", updated, err)
	}

	w.now = w.now.Add(time.Minute)
	deleted, err := w.DeleteSamplingRule(ctx, ruleNamed("zoo"))
	if err != nil || deleted.Name != "zoo" || deleted.Priority != 7 {
		t.Errorf("deleted %v, %v", deleted, err)
	}
	w.restart()
	if got := w.SamplingRules(); w.ruleNames() != "Art Default" || got.Modified != at.Add(2*time.Minute) {
		t.Errorf("after a deletion: %s, changed at %v", w.ruleNames(), got.Modified)
	}
}

func TestSamplingRuleErrors(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.mustCreateRule(draftRule("shop"))
	before := w.SamplingRules()
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, tt := range []struct {
		want   string
		change func(*tomo.SamplingRule)
	}{
		{"Sampling rule already exists", func(r *tomo.SamplingRule) { r.Name = "shop" }},
		{"Sampling rule already exists", func(r *tomo.SamplingRule) { r.Name, r.ARN = "", ruleARN+"shop" }},
		{"Request cannot contain both sampling rule name and sampling rule ARN", func(r *tomo.SamplingRule) { r.ARN = ruleARN + "new" }},
		{"Request must contain either sampling rule name or sampling rule ARN", func(r *tomo.SamplingRule) { r.Name = "" }},
		{`RuleARN "arn:aws:xray:eu-central-1:1:group/a" is not the ARN of a sampling rule`, func(r *tomo.SamplingRule) { r.Name, r.ARN = "", "arn:aws:xray:eu-central-1:1:group/a" }},
		{"is not the ARN", func(r *tomo.SamplingRule) { r.Name, r.ARN = "", "new" }},
		{"Sampling rule version must be 1", func(r *tomo.SamplingRule) { r.Version = 2 }},
		{"RuleName has 33 characters; it has 1 to 32", func(r *tomo.SamplingRule) { r.Name = long(33) }},
		{"ServiceName has 65 characters; it has 0 to 64", func(r *tomo.SamplingRule) { r.ServiceName = long(65) }},
		{"ServiceType has 65", func(r *tomo.SamplingRule) { r.ServiceType = long(65) }},
		{"Host has 65", func(r *tomo.SamplingRule) { r.Host = long(65) }},
		{"HTTPMethod has 11", func(r *tomo.SamplingRule) { r.HTTPMethod = long(11) }},
		{"URLPath has 129", func(r *tomo.SamplingRule) { r.URLPath = long(129) }},
		{"ResourceARN has 501", func(r *tomo.SamplingRule) { r.ResourceARN = long(501) }},
		{"a key of Attributes has 33", func(r *tomo.SamplingRule) { r.Attributes = map[string]string{long(33): "v"} }},
		{`Attributes["k"] has 0 characters; it has 1 to 32`, func(r *tomo.SamplingRule) { r.Attributes = map[string]string{"k": ""} }},
		{"Attributes has 6 pairs; the limit is 5", func(r *tomo.SamplingRule) {
			r.Attributes = map[string]string{"1": "v", "2": "v", "3": "v", "4": "v", "5": "v", "6": "v"}
		}},
		{"Priority is 0; it is 1 to 9999", func(r *tomo.SamplingRule) { r.Priority = 0 }},
		{"Priority is 10000", func(r *tomo.SamplingRule) { r.Priority = 10_000 }},
		{"FixedRate is 1.1; it is 0 to 1", func(r *tomo.SamplingRule) { r.FixedRate = 1.1 }},
		{"FixedRate is NaN", func(r *tomo.SamplingRule) { r.FixedRate = math.NaN() }},
		{"ReservoirSize is -1; it is 0 to 2147483647", func(r *tomo.SamplingRule) { r.ReservoirSize = -1 }},
		{"SamplingRateBoost.MaxRate is -1", func(r *tomo.SamplingRule) { r.Boost = &tomo.RateBoost{MaxRate: -1, CooldownMinutes: 1} }},
		{"SamplingRateBoost.CooldownWindowMinutes is 0; it is at least 1", func(r *tomo.SamplingRule) { r.Boost = &tomo.RateBoost{MaxRate: 1} }},
		{"given twice", func(r *tomo.SamplingRule) { r.Tags = []tomo.Tag{{Key: "a"}, {Key: "a"}} }},
	} {
		_, err := w.CreateSamplingRule(ctx, draftRule("new", tt.change))
		wantError(t, "creating", err, tomo.Invalid, tt.want)
	}
	u := settings.SamplingRuleUpdate{ReservoirSize: new(-1), Priority: new(3)}
	_, err := w.UpdateSamplingRule(ctx, ruleNamed("shop"), u)
	wantError(t, "updating", err, tomo.Invalid, "Invalid update request for sampling rule: ReservoirSize is -1; it is 0 to 2147483647")
	for what, f := range map[string]func(settings.SamplingRuleRef) error{
		"updating": func(ref settings.SamplingRuleRef) error {
			_, err := w.UpdateSamplingRule(ctx, ref, settings.SamplingRuleUpdate{})
			return err
		},
		"deleting": func(ref settings.SamplingRuleRef) error { _, err := w.DeleteSamplingRule(ctx, ref); return err },
	} {
		wantError(t, what, f(ruleNamed("nope")), tomo.NotFound, "Sampling rule does not exist")
		wantError(t, what, f(ruleNamed("SHOP")), tomo.NotFound, "Sampling rule does not exist")
		wantError(t, what, f(settings.SamplingRuleRef{ARN: ruleARN + "nope"}), tomo.NotFound, "Sampling rule does not exist")
		wantError(t, what, f(settings.SamplingRuleRef{}), tomo.Invalid, "Request must contain either")
		wantError(t, what, f(settings.SamplingRuleRef{Name: "shop", ARN: ruleARN + "shop"}), tomo.Invalid, "Request cannot contain both")
	}
	w.store.fails = true
	_, err = w.CreateSamplingRule(ctx, draftRule("new"))
	wantError(t, "on a full disk", err, tomo.Unavailable, "full")
	if w.SamplingRules() != before {
		t.Error("something refused has changed the rules")
	}
	w.store.fails = false

	for i := range tomo.MaxSamplingRules - 1 {
		w.mustCreateRule(draftRule(fmt.Sprint("r", i)))
	}
	_, err = w.CreateSamplingRule(ctx, draftRule("new"))
	wantError(t, "the 26th rule", err, tomo.RuleLimitExceeded, "There are 25 sampling rules already besides Default, which is the limit")
}

func TestSamplingRuleTags(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	r := w.mustCreateRule(draftRule("shop"))
	w.now = w.now.Add(time.Minute)
	for _, arn := range []string{r.ARN, ruleARN + "Default"} {
		if err := w.Tag(ctx, arn, []tomo.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: ""}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Untag(ctx, arn, []string{"b"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.SamplingRules(); got.Modified != r.Modified || got.Named("shop").Modified != r.Modified {
		t.Error("a tag counts as a change of the rule, which makes clients read all rules again")
	}
	w.restart()
	for _, arn := range []string{r.ARN, ruleARN + "Default"} {
		if tags, err := w.Tags(arn); err != nil || !slices.Equal(tags, []tomo.Tag{{Key: "a"}}) {
			t.Errorf("tags of %s: %v, %v", arn, tags, err)
		}
	}
	if _, err := w.UpdateSamplingRule(ctx, ruleNamed("shop"), settings.SamplingRuleUpdate{FixedRate: new(1.0)}); err != nil {
		t.Fatal(err)
	}
	if tags, err := w.Tags(r.ARN); err != nil || len(tags) != 1 {
		t.Errorf("tags after an update: %v, %v", tags, err)
	}
	wantError(t, "tagging a rule that is not there", w.Tag(ctx, ruleARN+"nope", nil), tomo.NotFound, "Resource "+ruleARN+"nope not found")
	if _, err := w.DeleteSamplingRule(ctx, ruleNamed("shop")); err != nil {
		t.Fatal(err)
	}
	_, err := w.Tags(r.ARN)
	wantError(t, "tags of a deleted rule", err, tomo.NotFound, "not found")
}

func TestSamplingRulesVersion(t *testing.T) {
	for text, want := range map[string]string{`{"version":2}`: "of version 2", `[`: "reading the settings sampling-rules"} {
		_, err := settings.Open(t.Context(), &memory{texts: map[string][]byte{"sampling-rules": []byte(text)}}, settings.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opened %s: %v", text, err)
		}
	}
}

// TestSamplingRulesRandomly: whatever is done, rules and their order are those of
// a plain list, also after a restart.
func TestSamplingRulesRandomly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, ctx := newWorld(t), t.Context()
		model := map[string]int{"Default": 10_000}
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(rt *rapid.T) {
				name, priority := rapid.StringMatching(`[a-dA-D]`).Draw(rt, "name"), rapid.IntRange(1, 9999).Draw(rt, "priority")
				_, err := w.CreateSamplingRule(ctx, draftRule(name, func(r *tomo.SamplingRule) { r.Priority = priority }))
				if _, there := model[name]; there != (err != nil) {
					rt.Fatalf("creating %s: %v", name, err)
				} else if !there {
					model[name] = priority
				}
			},
			"update": func(rt *rapid.T) {
				name, priority := rapid.StringMatching(`[a-dA-D]`).Draw(rt, "name"), rapid.IntRange(-1, 10_001).Draw(rt, "priority")
				_, err := w.UpdateSamplingRule(ctx, ruleNamed(name), settings.SamplingRuleUpdate{Priority: &priority})
				if _, there := model[name]; (there && 1 <= priority && priority <= 9999) != (err == nil) {
					rt.Fatalf("priority %d for %s: %v", priority, name, err)
				} else if err == nil {
					model[name] = priority
				}
			},
			"delete": func(rt *rapid.T) {
				name := rapid.StringMatching(`[a-dA-D]`).Draw(rt, "name")
				_, err := w.DeleteSamplingRule(ctx, ruleNamed(name))
				if _, there := model[name]; there != (err == nil) {
					rt.Fatalf("deleting %s: %v", name, err)
				}
				delete(model, name)
			},
			"restart": func(*rapid.T) { w.restart() },
			"": func(rt *rapid.T) {
				list := w.SamplingRules().List
				if len(list) != len(model) || list[len(list)-1].Name != "Default" || !slices.IsSortedFunc(list[:len(list)-1], func(a, b *tomo.SamplingRule) int { return strings.Compare(a.Name, b.Name) }) {
					rt.Fatalf("rules %s, want those of %v", w.ruleNames(), model)
				}
				for _, r := range list {
					if model[r.Name] != r.Priority {
						rt.Fatalf("%s has priority %d, want %d", r.Name, r.Priority, model[r.Name])
					}
				}
			},
		})
	})
}
