package settings_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/settings"
)

var keepRules = []tomo.KeepRule{
	{Name: "bad", Filter: " fault OR error\n OR responsetime > 1", Rate: 1},
	{Name: "rest", Rate: 0.05},
}

// codeOf is the code of an error that callers can act on.
func codeOf(err error) tomo.Code {
	var known *tomo.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

func TestKeepRules(t *testing.T) {
	w := newWorld(t)
	none := w.KeepRules()
	if none.Revision != 0 || len(none.Rules) != 0 {
		t.Fatalf("rules at first: %+v", none)
	}
	given := append([]tomo.KeepRule(nil), keepRules...)
	set, err := w.SetKeepRules(t.Context(), given, 0)
	if err != nil {
		t.Fatal(err)
	}
	given[0].Name = "changed by the caller"
	want := &tomo.KeepRules{Revision: 1, Rules: keepRules}
	for _, got := range []*tomo.KeepRules{set, w.KeepRules()} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if len(none.Rules) != 0 {
		t.Errorf("what was handed out has changed: %+v", none)
	}
	w.restart()
	if diff := cmp.Diff(want, w.KeepRules()); diff != "" {
		t.Errorf("after a restart (-want +got)\n%s", diff)
	}

	// Who has not seen the latest may not replace it.
	for _, stale := range []int64{0, 2, -1} {
		if _, err := w.SetKeepRules(t.Context(), nil, stale); codeOf(err) != tomo.Conflict || !strings.Contains(err.Error(), fmt.Sprintf("revision 1, not %d", stale)) {
			t.Errorf("at revision %d: %v", stale, err)
		}
	}
	if diff := cmp.Diff(want, w.KeepRules()); diff != "" {
		t.Errorf("after conflicts (-want +got)\n%s", diff)
	}
	w.store.fails = true
	if _, err := w.SetKeepRules(t.Context(), nil, 1); codeOf(err) != tomo.Unavailable {
		t.Errorf("a full store: %v", err)
	}
	if diff := cmp.Diff(want, w.KeepRules()); diff != "" {
		t.Errorf("after a failure (-want +got)\n%s", diff)
	}
	w.store.fails = false
	if _, err := w.SetKeepRules(t.Context(), nil, 1); err != nil {
		t.Fatal(err)
	}
	if got := w.KeepRules(); got.Revision != 2 || len(got.Rules) != 0 {
		t.Errorf("emptied: %+v", got)
	}
}

func TestKeepRuleRefusals(t *testing.T) {
	w := newWorld(t)
	many := make([]tomo.KeepRule, tomo.MaxKeepRules+1)
	for i := range many {
		many[i] = tomo.KeepRule{Name: fmt.Sprintf("r%d", i)}
	}
	tests := []struct {
		name  string
		rules []tomo.KeepRule
		want  string
	}{
		{"too many", many, "Rules has 51 elements; the limit is 50"},
		{"no name", []tomo.KeepRule{{Rate: 1}}, "Rules[0].Name is empty"},
		{"long name", []tomo.KeepRule{{Name: strings.Repeat("x", 65)}}, "Rules[0].Name has 65 characters; the limit is 64"},
		{"foreign name", []tomo.KeepRule{{Name: "ok"}, {Name: "a b"}}, `Rules[1].Name is "a b"; a name has letters, digits, - _ and . only`},
		{"one name twice", []tomo.KeepRule{{Name: "a"}, {Name: "b"}, {Name: "a"}}, `Rules[2].Name is "a", as that of Rules[0]; names are unique`},
		{"bad filter", []tomo.KeepRule{{Name: "a", Filter: "fault AND"}}, `Rules[0].Filter (rule "a"): Error Location: line 1, position 10`},
		{"long filter", []tomo.KeepRule{{Name: "a", Filter: strings.Repeat(" ", 9000) + "ok"}}, `Rules[0].Filter (rule "a"): `},
		{"negative rate", []tomo.KeepRule{{Name: "a", Rate: -0.1}}, `Rules[0].Rate (rule "a") is -0.1; it is a share from 0 to 1`},
		{"rate in percent", []tomo.KeepRule{{Name: "a", Rate: 5}}, `Rules[0].Rate (rule "a") is 5; it is a share from 0 to 1`},
		{"no rate", []tomo.KeepRule{{Name: "a", Rate: math.NaN()}}, `Rules[0].Rate (rule "a") is NaN; it is a share from 0 to 1`},
	}
	for _, tt := range tests {
		if _, err := w.SetKeepRules(t.Context(), tt.rules, 0); codeOf(err) != tomo.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := w.SetKeepRules(t.Context(), many[:50], 0); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
}

// TestKeepRulesConcurrently lets many replace the rules: each revision is one
// caller's, and nobody's change is lost unseen.
func TestKeepRulesConcurrently(t *testing.T) {
	w := newWorld(t)
	const callers = 8
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for {
				seen := w.KeepRules()
				rules := append(append([]tomo.KeepRule(nil), seen.Rules...), tomo.KeepRule{Name: fmt.Sprint("r", i)})
				if _, err := w.SetKeepRules(context.Background(), rules, seen.Revision); codeOf(err) != tomo.Conflict {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	all.Wait()
	if got := w.KeepRules(); got.Revision != callers || len(got.Rules) != callers {
		t.Errorf("%d rules of revision %d, want %d of each", len(got.Rules), got.Revision, callers)
	}
}

// TestKeepRulesStay writes and reads any rules that are taken.
func TestKeepRulesStay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var rules []tomo.KeepRule
		for i := range rapid.IntRange(0, 5).Draw(rt, "n") {
			rules = append(rules, tomo.KeepRule{
				Name:   fmt.Sprint(rapid.StringMatching(`[a-zA-Z0-9_.-]{1,20}`).Draw(rt, "name"), i),
				Filter: rapid.SampledFrom([]string{"", "fault", " ok\tOR error ", `annotation.x = "\"\u00e9"`}).Draw(rt, "filter"),
				Rate:   rapid.Float64Range(0, 1).Draw(rt, "rate"),
			})
		}
		if _, err := w.SetKeepRules(t.Context(), rules, 0); err != nil {
			rt.Fatal(err)
		}
		w.restart()
		if diff := cmp.Diff(&tomo.KeepRules{Revision: 1, Rules: rules}, w.KeepRules()); diff != "" {
			rt.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestRevision grows with each change and with nothing else.
func TestRevision(t *testing.T) {
	w := newWorld(t)
	last := w.Revision()
	changed := func(what string, want bool, err error) {
		t.Helper()
		if now := w.Revision(); now > last != want || now < last {
			t.Errorf("%s (%v): the revision goes from %d to %d", what, err, last, now)
		}
		last = w.Revision()
	}
	_, err := w.create("slow", "responsetime > 2")
	changed("creating a group", true, err)
	_, err = w.create("slow", "responsetime > 2")
	changed("creating it again", false, err)
	_, err = w.update("slow", "responsetime > 3")
	changed("another filter", true, err)
	_, err = w.SetKeepRules(t.Context(), keepRules, 0)
	changed("keep rules", true, err)
	_, err = w.SetKeepRules(t.Context(), keepRules, 0)
	changed("keep rules of old", false, err)
	changed("deleting the group", true, w.DeleteGroup(t.Context(), settings.GroupRef{Name: "slow"}))
	w.Groups()
	w.KeepRules()
	changed("reading", false, nil)
}
