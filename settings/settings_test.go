package settings_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/settings"
)

// memory is a store that can be told to fail.
type memory struct {
	texts map[string][]byte
	fails bool
}

var errFull = &tomo.Error{Code: tomo.Unavailable, Message: "full"}

func (m *memory) LoadSettings(_ context.Context, name string) ([]byte, error) {
	return m.texts[name], nil
}

func (m *memory) SaveSettings(_ context.Context, name string, text []byte) error {
	if m.fails {
		return errFull
	}
	m.texts[name] = slices.Clone(text)
	return nil
}

// world is settings over a store, with a clock that a test sets.
type world struct {
	*settings.Settings
	t     testing.TB
	store *memory
	now   time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: &memory{texts: map[string][]byte{}}, now: time.Unix(1767607200, 0)}
	w.restart()
	return w
}

func (w *world) restart() {
	w.t.Helper()
	s, err := settings.Open(w.t.Context(), w.store, settings.Options{Region: "eu-central-1", Account: "111122223333", Now: func() time.Time { return w.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Settings = s
}

func (w *world) create(name, filter string) (*tomo.Group, error) {
	return w.CreateGroup(context.Background(), settings.Draft{Name: name, Filter: filter})
}

func (w *world) mustCreate(name, filter string) *tomo.Group {
	w.t.Helper()
	g, err := w.create(name, filter)
	if err != nil {
		w.t.Fatalf("creating %s: %v", name, err)
	}
	return g
}

func (w *world) update(name, filter string) (*tomo.Group, error) {
	return w.UpdateGroup(context.Background(), settings.GroupRef{Name: name}, settings.GroupUpdate{Filter: filter})
}

func (w *world) names() (names []string) {
	for _, g := range w.Groups() {
		names = append(names, g.Name)
	}
	return names
}

// wantError checks the code and the text, of which want is a part.
func wantError(t testing.TB, what string, err error, code tomo.Code, want string) {
	t.Helper()
	var known *tomo.Error
	if !errors.As(err, &known) || known.Code != code || !strings.Contains(known.Message, want) {
		t.Errorf("%s: got %v, want %s: %s", what, err, code, want)
	}
}

func byName(name string) settings.GroupRef { return settings.GroupRef{Name: name} }

func TestDefaultGroup(t *testing.T) {
	w := newWorld(t)
	g, err := w.Group(byName("Default"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (&tomo.Group{Name: "Default", ARN: "arn:aws:xray:eu-central-1:111122223333:group/Default"}); !cmp.Equal(g, want) {
		t.Error(cmp.Diff(want, g))
	}
	ctx := t.Context()
	_, err = w.create("Default", "fault")
	wantError(t, "creating Default", err, tomo.Invalid, "Group already exists.")
	wantError(t, "deleting Default", w.DeleteGroup(ctx, byName("Default")), tomo.Invalid, "cannot be deleted")
	_, err = w.update("Default", "fault")
	wantError(t, "a filter for Default", err, tomo.Invalid, "no filter expression")
	if _, err = w.UpdateGroup(ctx, byName("Default"), settings.GroupUpdate{Insights: settings.Insights{Enabled: new(true)}}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if g, _ = w.Group(byName("Default")); !g.InsightsEnabled || g.ARN != "arn:aws:xray:eu-central-1:111122223333:group/Default" {
		t.Errorf("after its insights were enabled and a restart: %+v", g)
	}
}

func TestARNs(t *testing.T) {
	for _, tt := range []struct{ region, account, want string }{
		{"", "", `^arn:aws:xray:us-east-1:123456789012:group/slow/[A-Z2-7]{52}$`},
		{"cn-north-1", "000000000001", `^arn:aws-cn:xray:cn-north-1:000000000001:group/slow/[A-Z2-7]{52}$`},
		{"us-gov-west-1", "", `^arn:aws-us-gov:xray:us-gov-west-1:123456789012:group/slow/[A-Z2-7]{52}$`},
	} {
		s, err := settings.Open(t.Context(), &memory{texts: map[string][]byte{}}, settings.Options{Region: tt.region, Account: tt.account})
		if err != nil {
			t.Fatal(err)
		}
		g, err := s.CreateGroup(t.Context(), settings.Draft{Name: "slow", Filter: "fault"})
		if err != nil || !regexp.MustCompile(tt.want).MatchString(g.ARN) {
			t.Errorf("in %q of %q: %v, %v, want %s", tt.region, tt.account, g, err, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []settings.Options{{Account: "1"}, {Account: "12345678901x"}, {Region: "us east"}, {Region: "a:b"}, {Region: "-"}} {
		if _, err := settings.Open(t.Context(), &memory{}, o); err == nil {
			t.Errorf("opened with %+v", o)
		}
	}
}

// TestNewARN: a group of the same name that is created later is another one.
func TestNewARN(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	first := w.mustCreate("slow", "fault")
	if err := w.Tag(ctx, first.ARN, []tomo.Tag{{Key: "a", Value: "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteGroup(ctx, settings.GroupRef{ARN: first.ARN}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Group(byName("slow"))
	wantError(t, "a deleted group", err, tomo.NotFound, "Group not found")
	second := w.mustCreate("slow", "fault")
	if second.ARN == first.ARN || len(second.Tags) != 0 {
		t.Errorf("created again: %+v, was %+v", second, first)
	}
	_, err = w.Group(settings.GroupRef{ARN: first.ARN})
	wantError(t, "the ARN of a deleted group", err, tomo.NotFound, "Group not found")
	_, err = w.Tags(first.ARN)
	wantError(t, "tags of a deleted group", err, tomo.NotFound, "Resource "+first.ARN+" not found")
	// Guides write ARNs without the last part.
	if g, err := w.Group(settings.GroupRef{ARN: "arn:aws:xray:eu-central-1:111122223333:group/slow"}); err != nil || g != second {
		t.Errorf("by the short ARN: %v, %v", g, err)
	}
}

func TestGroupRef(t *testing.T) {
	w := newWorld(t)
	g := w.mustCreate("slow", "fault")
	for _, tt := range []struct {
		ref  settings.GroupRef
		code tomo.Code
		want string
	}{
		{settings.GroupRef{}, tomo.Invalid, "Provide either GroupName or GroupARN"},
		{settings.GroupRef{Name: "slow", ARN: g.ARN}, tomo.Invalid, "Provide either GroupName or GroupARN"},
		{settings.GroupRef{Name: "Slow"}, tomo.NotFound, "Group not found"},
		{settings.GroupRef{ARN: g.ARN + "A"}, tomo.NotFound, "Group not found"},
		{settings.GroupRef{ARN: "arn:aws:xray:us-east-1:111122223333:group/Default"}, tomo.NotFound, "Group not found"},
	} {
		_, err := w.Group(tt.ref)
		wantError(t, fmt.Sprintf("get %+v", tt.ref), err, tt.code, tt.want)
		_, err = w.UpdateGroup(t.Context(), tt.ref, settings.GroupUpdate{Filter: "ok"})
		wantError(t, fmt.Sprintf("update %+v", tt.ref), err, tt.code, tt.want)
		wantError(t, fmt.Sprintf("delete %+v", tt.ref), w.DeleteGroup(t.Context(), tt.ref), tt.code, tt.want)
	}
}

func TestCreateGroupRefuses(t *testing.T) {
	w := newWorld(t)
	w.mustCreate("taken", "fault")
	yes, no := true, false
	for _, tt := range []struct {
		draft settings.Draft
		want  string
	}{
		{settings.Draft{Name: "", Filter: "fault"}, "1 to 32 characters"},
		{settings.Draft{Name: strings.Repeat("n", 33), Filter: "fault"}, "1 to 32 characters"},
		{settings.Draft{Name: "a/b", Filter: "fault"}, "other characters than"},
		{settings.Draft{Name: "größe", Filter: "fault"}, "other characters than"},
		{settings.Draft{Name: "taken", Filter: "fault"}, "Group already exists."},
		{settings.Draft{Name: "new"}, "Filter Expression is empty"},
		{settings.Draft{Name: "new", Filter: " \t\n"}, "Filter Expression is empty"},
		{settings.Draft{Name: "new", Filter: "service(\"a\") {"}, "Error Location: line 1, position "},
		{settings.Draft{Name: "new", Filter: "fault", Insights: settings.Insights{Notifications: &yes}}, "only if insights are enabled"},
		{settings.Draft{Name: "new", Filter: "fault", Insights: settings.Insights{Enabled: &no, Notifications: &yes}}, "only if insights are enabled"},
		{settings.Draft{Name: "new", Filter: "fault", Tags: []tomo.Tag{{Key: "aws:x"}}}, "reserved"},
	} {
		_, err := w.CreateGroup(t.Context(), tt.draft)
		wantError(t, fmt.Sprintf("%+v", tt.draft), err, tomo.Invalid, tt.want)
	}
	if got := w.names(); !slices.Equal(got, []string{"Default", "taken"}) {
		t.Errorf("groups %v after nothing but refusals", got)
	}
	w.mustCreate(strings.Repeat("n", 32), "fault")
	w.mustCreate("high_response-time9", "fault")
}

func TestGroupLimit(t *testing.T) {
	w := newWorld(t)
	for i := range tomo.MaxGroups - 1 {
		w.mustCreate(fmt.Sprintf("g%d", i), "fault")
	}
	_, err := w.create("more", "fault")
	wantError(t, "one more", err, tomo.Invalid, "25 groups already")
	if err := w.DeleteGroup(t.Context(), byName("g7")); err != nil {
		t.Fatal(err)
	}
	w.mustCreate("more", "fault")
}

// TestUpdateGroup: a filter stays byte for byte as sent, and changes of it are
// remembered; insights change without it.
func TestUpdateGroup(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	const odd = "  fault\t OR\n error "
	g := w.mustCreate("slow", odd)
	created := g.Created
	if g.Filter != odd || created != tomo.TimeOf(w.now) || g.Changed != 0 || g.FilterChanges != nil {
		t.Errorf("created as %+v", g)
	}
	_, err := w.update("slow", "")
	wantError(t, "no filter", err, tomo.Invalid, "Filter Expression is empty")
	_, err = w.UpdateGroup(ctx, byName("slow"), settings.GroupUpdate{Insights: settings.Insights{Enabled: new(true)}})
	wantError(t, "insights alone", err, tomo.Invalid, "Filter Expression is empty")
	_, err = w.update("slow", "fault {")
	wantError(t, "a bad filter", err, tomo.Invalid, "Error Location")
	if now, _ := w.Group(byName("slow")); now != g {
		t.Errorf("refused updates left %+v", now)
	}

	w.now = w.now.Add(time.Minute)
	both := settings.Insights{Enabled: new(true), Notifications: new(true)}
	g, err = w.UpdateGroup(ctx, settings.GroupRef{ARN: g.ARN}, settings.GroupUpdate{Filter: odd, Insights: both})
	if err != nil || !g.InsightsEnabled || !g.NotificationsEnabled || len(g.FilterChanges) != 0 || g.Changed != tomo.TimeOf(w.now) {
		t.Errorf("insights enabled: %+v, %v", g, err)
	}
	w.now = w.now.Add(time.Minute)
	changed := tomo.TimeOf(w.now)
	g, err = w.update("slow", "error")
	if err != nil || g.Filter != "error" || !g.InsightsEnabled || !slices.Equal(g.FilterChanges, []tomo.Time{changed}) {
		t.Errorf("another filter: %+v, %v", g, err)
	}
	// Notifications are of insights and go with them.
	g, err = w.UpdateGroup(ctx, byName("slow"), settings.GroupUpdate{Filter: "error", Insights: settings.Insights{Enabled: new(false)}})
	if err != nil || g.InsightsEnabled || g.NotificationsEnabled {
		t.Errorf("insights disabled: %+v, %v", g, err)
	}
	if g.Created != created || g.Name != "slow" {
		t.Errorf("an update changed what it must not: %+v", g)
	}

	for i := range 150 {
		w.now = w.now.Add(time.Minute)
		if _, err := w.update("slow", fmt.Sprint("responsetime > ", i)); err != nil {
			t.Fatal(err)
		}
	}
	g, _ = w.Group(byName("slow"))
	if n := len(g.FilterChanges); n != 100 || g.FilterChanges[n-1] != tomo.TimeOf(w.now) || !slices.IsSorted(g.FilterChanges) {
		t.Errorf("after many changes %d are remembered, the last at %v", n, g.FilterChanges[n-1])
	}
}

// TestImmutable: who holds a list of groups holds a moment.
func TestImmutable(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.mustCreate("slow", "fault")
	before := w.Groups()
	held := *g
	for _, err := range []error{
		w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "b"}, {Key: "a"}}),
		w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "a", Value: "1"}}),
		w.Untag(ctx, g.ARN, []string{"b"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.update("slow", "error"); err != nil {
		t.Fatal(err)
	}
	w.mustCreate("another", "ok")
	if len(before) != 2 || before[1] != g || !cmp.Equal(*g, held) {
		t.Errorf("what was handed out has changed: %v", cmp.Diff(held, *g))
	}
	if got := w.names(); !slices.Equal(got, []string{"Default", "another", "slow"}) {
		t.Errorf("groups %v", got)
	}
}

func TestTags(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g, err := w.CreateGroup(ctx, settings.Draft{Name: "slow", Filter: "fault", Tags: []tomo.Tag{{Key: "Stage", Value: "Prod"}, {Key: "Owner @ home"}}})
	if err != nil {
		t.Fatal(err)
	}
	tags := func() []tomo.Tag {
		t.Helper()
		list, err := w.Tags(g.ARN)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if want := []tomo.Tag{{Key: "Owner @ home"}, {Key: "Stage", Value: "Prod"}}; !cmp.Equal(tags(), want) {
		t.Error(cmp.Diff(want, tags()))
	}
	if err := w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "Stage", Value: "Test"}, {Key: "größe:+-=._/@", Value: "süß"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Untag(ctx, g.ARN, []string{"Owner @ home", "never there"}); err != nil {
		t.Fatal(err)
	}
	want := []tomo.Tag{{Key: "Stage", Value: "Test"}, {Key: "größe:+-=._/@", Value: "süß"}}
	w.restart()
	if !cmp.Equal(tags(), want) {
		t.Error(cmp.Diff(want, tags()))
	}
	for _, tt := range []struct {
		arn  string
		tags []tomo.Tag
		code tomo.Code
		want string
	}{
		{g.ARN, []tomo.Tag{{Key: ""}}, tomo.Invalid, "1 to 128 characters"},
		{g.ARN, []tomo.Tag{{Key: strings.Repeat("ü", 129)}}, tomo.Invalid, "1 to 128 characters"},
		{g.ARN, []tomo.Tag{{Key: "k", Value: strings.Repeat("ü", 257)}}, tomo.Invalid, "at most 256 characters"},
		{g.ARN, []tomo.Tag{{Key: "AWS:k"}}, tomo.Invalid, "reserved"},
		{g.ARN, []tomo.Tag{{Key: "k", Value: "a\nb"}}, tomo.Invalid, "other characters"},
		{g.ARN, []tomo.Tag{{Key: "k;"}}, tomo.Invalid, "other characters"},
		{g.ARN, []tomo.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}}, tomo.Invalid, `"k" is given twice`},
		{"arn:aws:xray:eu-central-1:111122223333:group/nope/X", []tomo.Tag{{Key: "k"}}, tomo.NotFound, "Resource arn:aws:xray:eu-central-1:111122223333:group/nope/X not found"},
		{"arn:aws:xray:eu-central-1:111122223333:sampling-rule/nope", []tomo.Tag{{Key: "k"}}, tomo.NotFound, "sampling-rule/nope not found"},
		{"arn:aws:sqs:eu-central-1:111122223333:queue", []tomo.Tag{{Key: "k"}}, tomo.Invalid, "not the ARN of a group"},
		{"slow", nil, tomo.Invalid, "not the ARN of a group"},
	} {
		wantError(t, fmt.Sprintf("%s %v", tt.arn, tt.tags), w.Tag(ctx, tt.arn, tt.tags), tt.code, tt.want)
	}
	wantError(t, "untag a reserved key", w.Untag(ctx, g.ARN, []string{"aws:x"}), tomo.Invalid, "reserved")
	if !cmp.Equal(tags(), want) {
		t.Errorf("refused changes left %v", cmp.Diff(want, tags()))
	}
	if err := w.Tag(ctx, g.ARN, []tomo.Tag{{Key: strings.Repeat("ü", 128), Value: strings.Repeat("ü", 256)}}); err != nil {
		t.Errorf("a tag of the greatest lengths: %v", err)
	}
}

func TestTagLimit(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.mustCreate("slow", "fault")
	var many []tomo.Tag
	for i := range 50 {
		many = append(many, tomo.Tag{Key: fmt.Sprint(i)})
	}
	if err := w.Tag(ctx, g.ARN, many); err != nil {
		t.Fatal(err)
	}
	const text = "The resultant tag set must not have more than 50 user tags."
	wantError(t, "the 51st", w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "more"}}), tomo.Invalid, text)
	if err := w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "7", Value: "again"}}); err != nil {
		t.Errorf("a new value for one of 50: %v", err)
	}
	_, err := w.CreateGroup(ctx, settings.Draft{Name: "new", Filter: "fault", Tags: append(many, tomo.Tag{Key: "more"})})
	wantError(t, "a group with 51", err, tomo.Invalid, text)
}

// TestCircles: groups may mention groups, also some that are not there yet, but
// not each other.
func TestCircles(t *testing.T) {
	w := newWorld(t)
	mention := func(names ...string) string {
		var parts []string
		for _, name := range names {
			parts = append(parts, `group.name = "`+name+`"`)
		}
		return strings.Join(parts, " AND ")
	}
	w.mustCreate("a", mention("b"))
	_, err := w.create("b", mention("c", "a"))
	wantError(t, "b mentions a, which mentions b", err, tomo.Invalid, "in a circle: b, a, b")
	_, err = w.create("self", mention("self"))
	wantError(t, "a group that mentions itself", err, tomo.Invalid, "in a circle: self, self")
	w.mustCreate("b", mention("c", "d"))
	w.mustCreate("c", mention("d", "Default"))
	d := w.mustCreate("d", "fault")
	_, err = w.update("d", "!"+mention("a"))
	wantError(t, "d closes the circle", err, tomo.Invalid, "in a circle: d, a, b, c, d")
	a, _ := w.Group(byName("a"))
	_, err = w.update("c", `group.arn = "`+a.ARN+`"`)
	wantError(t, "c closes it by an ARN", err, tomo.Invalid, "in a circle: c, a, b, c")
	if _, err := w.update("a", "fault"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.update("d", mention("a")); err != nil {
		t.Errorf("the circle is cut, and d still refused: %v", err)
	}
	if g, _ := w.Group(byName("d")); g.ARN != d.ARN {
		t.Errorf("an update changed the ARN of d to %s", g.ARN)
	}
}

func TestExpression(t *testing.T) {
	w := newWorld(t)
	g := w.mustCreate("slow", "responsetime > 3")
	want, err := filter.Parse("responsetime > 3")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mention filter.Group
		want    filter.Expr
	}{
		{filter.Group{By: filter.GroupName, Text: "slow"}, want},
		{filter.Group{By: filter.GroupARN, Text: g.ARN}, want},
		{filter.Group{By: filter.GroupName, Text: "Default"}, filter.All{}},
		{filter.Group{By: filter.GroupName, Text: g.ARN}, nil},
		{filter.Group{By: filter.GroupARN, Text: "slow"}, nil},
		{filter.Group{By: filter.GroupName, Text: ""}, nil},
	} {
		got, found := w.Expression(tt.mention)
		if found != (tt.want != nil) || !cmp.Equal(got, tt.want) {
			t.Errorf("%+v stands for %v, %v, want %v", tt.mention, got, found, tt.want)
		}
	}
}

// TestNotSaved: what could not be made durable does not count.
func TestNotSaved(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.mustCreate("slow", "fault")
	before := w.Groups()
	w.store.fails = true
	for what, err := range map[string]error{
		"create": func() error { _, err := w.create("new", "fault"); return err }(),
		"update": func() error { _, err := w.update("slow", "error"); return err }(),
		"delete": w.DeleteGroup(ctx, byName("slow")),
		"tag":    w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "k"}}),
	} {
		wantError(t, what, err, tomo.Unavailable, "full")
	}
	if !cmp.Equal(w.Groups(), before) {
		t.Error(cmp.Diff(before, w.Groups()))
	}
	w.store.fails = false
	w.restart()
	if !cmp.Equal(w.Groups(), before) {
		t.Error(cmp.Diff(before, w.Groups()))
	}
}

func TestForeignFile(t *testing.T) {
	for text, want := range map[string]string{
		"{":             "reading the settings groups",
		`{"version":2}`: "of version 2, this program reads version 1",
	} {
		_, err := settings.Open(t.Context(), &memory{texts: map[string][]byte{"groups": []byte(text)}}, settings.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opened with %s: %v, want %s", text, err, want)
		}
	}
}

// TestLikeAMap does anything in any order and compares with a plain map; after
// each restart everything is as it was.
func TestLikeAMap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, ctx := newWorld(t), t.Context()
		model := map[string]string{"Default": ""}
		tags := map[string]map[string]string{}
		name := rapid.SampledFrom([]string{"a", "b", "c", "Default"})
		text := rapid.SampledFrom([]string{"fault", " error ", `group.name = "zz"`, "", " "})
		r.Repeat(map[string]func(*rapid.T){
			"create": func(r *rapid.T) {
				n, f := name.Draw(r, "name"), text.Draw(r, "filter")
				_, there := model[n]
				_, err := w.create(n, f)
				if good := !there && strings.TrimSpace(f) != ""; (err == nil) != good {
					r.Fatalf("creating %s %q: %v", n, f, err)
				} else if good {
					model[n], tags[n] = f, map[string]string{}
				}
			},
			"update": func(r *rapid.T) {
				n, f := name.Draw(r, "name"), text.Draw(r, "filter")
				_, there := model[n]
				_, err := w.update(n, f)
				if good := there && (strings.TrimSpace(f) != "") == (n != "Default"); (err == nil) != good {
					r.Fatalf("updating %s %q: %v", n, f, err)
				} else if good && n != "Default" {
					model[n] = f
				}
			},
			"delete": func(r *rapid.T) {
				n := name.Draw(r, "name")
				_, there := model[n]
				if err := w.DeleteGroup(ctx, byName(n)); (err == nil) != (there && n != "Default") {
					r.Fatalf("deleting %s: %v", n, err)
				} else if err == nil {
					delete(model, n)
					delete(tags, n)
				}
			},
			"tag": func(r *rapid.T) {
				n, k, v := name.Draw(r, "name"), rapid.StringMatching(`[xyz]`).Draw(r, "key"), rapid.StringMatching(`[a-c]?`).Draw(r, "value")
				if g, err := w.Group(byName(n)); err == nil && n != "Default" {
					if err := w.Tag(ctx, g.ARN, []tomo.Tag{{Key: k, Value: v}}); err != nil {
						r.Fatal(err)
					}
					tags[n][k] = v
				}
			},
			"restart": func(*rapid.T) { w.restart() },
			"": func(r *rapid.T) {
				got := map[string]string{}
				for _, g := range w.Groups() {
					got[g.Name] = g.Filter
					have := map[string]string{}
					for _, tag := range g.Tags {
						have[tag.Key] = tag.Value
					}
					if !maps.Equal(have, tags[g.Name]) {
						r.Fatalf("%s has the tags %v, want %v", g.Name, have, tags[g.Name])
					}
				}
				if !maps.Equal(got, model) {
					r.Fatalf("got %v, want %v", got, model)
				}
			},
		})
	})
}

// TestConcurrent changes and reads from many sides; the race detector watches.
func TestConcurrent(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint("g", i)
			for range 20 {
				g, err := w.create(name, "fault")
				if err != nil {
					t.Error(err)
					return
				}
				w.Expression(filter.Group{By: filter.GroupName, Text: "g0"})
				if err := errors.Join(w.Tag(ctx, g.ARN, []tomo.Tag{{Key: "k"}}), w.DeleteGroup(ctx, settings.GroupRef{ARN: g.ARN})); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := w.names(); !slices.Equal(got, []string{"Default"}) {
		t.Errorf("groups %v are left", got)
	}
}
