package settings_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/settings"
)

const allowSNS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":["xray:PutTraceSegments"],"Resource":"*"}]}`

func (w *world) put(name, document, revision string) (settings.Policy, error) {
	return w.PutPolicy(context.Background(), name, document, revision, false)
}

func wantProblem(t testing.TB, what string, err error, problem settings.PolicyProblem, want string) {
	t.Helper()
	var known *settings.PolicyError
	if !errors.As(err, &known) || known.Problem != problem || !strings.Contains(known.Message, want) {
		t.Errorf("%s: got %v, want problem %d: %s", what, err, problem, want)
	}
}

// TestPolicyRevisions follows what the service was seen to do.
func TestPolicyRevisions(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for i, revision := range []string{"0", "", "2", ""} { // an equal document counts too
		p, err := w.put("sns", allowSNS, revision)
		if err != nil {
			t.Fatalf("put %d with revision %q: %v", i+1, revision, err)
		}
		if want := (settings.Policy{Name: "sns", Document: allowSNS, Revision: int64(i + 1), Changed: tomo.TimeOf(w.now)}); p != want {
			t.Errorf("put %d: %v", i+1, cmp.Diff(want, p))
		}
	}
	for _, stale := range []string{"0", "3", "x"} {
		_, err := w.put("sns", allowSNS, stale)
		wantProblem(t, "put with "+stale, err, settings.PolicyRevisionWrong, "Another concurrent request has modified the resource policy sns")
		err = w.DeletePolicy(ctx, "sns", stale)
		wantProblem(t, "delete with "+stale, err, settings.PolicyRevisionWrong, "Another concurrent request has modified or deleted the resource policy sns")
	}
	_, err := w.put("other", allowSNS, "1")
	wantProblem(t, "first put with 1", err, settings.PolicyRevisionWrong, "modified the resource policy other")
	wantProblem(t, "delete of none with a revision", w.DeletePolicy(ctx, "none", "1"), settings.PolicyRevisionWrong, "modified or deleted the resource policy none")
	wantError(t, "delete of none", w.DeletePolicy(ctx, "none", ""), tomo.Invalid, "The resource policy none does not exist.")

	if _, err := w.put("another", allowSNS, "0"); err != nil {
		t.Fatal(err)
	}
	w.restart()
	var names []string
	for _, p := range w.Policies() {
		names = append(names, fmt.Sprint(p.Name, p.Revision))
	}
	if want := []string{"sns4", "another1"}; !cmp.Equal(names, want) {
		t.Error("oldest first:", cmp.Diff(want, names))
	}
	if err := w.DeletePolicy(ctx, "sns", "4"); err != nil {
		t.Fatal(err)
	}
	if p, err := w.put("sns", allowSNS, "0"); err != nil || p.Revision != 1 {
		t.Errorf("created again: %v, %v", p, err)
	}
}

func TestPolicyLimits(t *testing.T) {
	w := newWorld(t)
	for i := range settings.MaxPolicies {
		if _, err := w.put(fmt.Sprint("p", i), allowSNS, ""); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.put("more", allowSNS, "")
	wantProblem(t, "one more", err, settings.PolicyTooMany, "5 resource policies already")
	if _, err := w.put("p0", allowSNS, ""); err != nil {
		t.Errorf("changing one when there are five: %v", err)
	}
	long := strings.Replace(allowSNS, "sns", strings.Repeat("s", settings.MaxPolicyDocument-len(allowSNS)+3), 1)
	if _, err = w.put("p1", long, ""); err != nil {
		t.Errorf("a document of %d bytes: %v", len(long), err)
	}
	_, err = w.put("p1", long+" ", "")
	wantProblem(t, "a byte more", err, settings.PolicyTooLarge, "5121 bytes, the limit is 5120")
	w.store.fails = true
	if _, err := w.put("p1", allowSNS, ""); !errors.Is(err, errFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if got := w.Policies()[1].Document; got != long {
		t.Errorf("after a failed put the document is %.40s…", got)
	}
}

func TestPolicyDocuments(t *testing.T) {
	const deny = `{"Statement":{"Effect":"Deny","Principal":%s,"Action":%s,"Resource":"*"%s}}`
	everybody, put := `"*"`, `"xray:PutResourcePolicy"`
	tests := map[string]struct {
		document string
		problem  settings.PolicyProblem
		want     string // of the error; "" for a good document
	}{
		"not JSON":          {"{", settings.PolicyMalformed, "not JSON"},
		"a list":            {"[]", settings.PolicyMalformed, "not JSON"},
		"no statements":     {"{}", settings.PolicyMalformed, "Statement"},
		"an empty list":     {`{"Statement":[]}`, settings.PolicyMalformed, "Statement"},
		"foreign version":   {`{"Version":"2020-01-01","Statement":[]}`, settings.PolicyMalformed, "Version"},
		"no effect":         {`{"Statement":{"Principal":"*","Action":"xray:*"}}`, settings.PolicyMalformed, "Effect"},
		"no principal":      {`{"Statement":[{"Effect":"Allow","Action":"xray:*"}]}`, settings.PolicyMalformed, "statement 1 has no Principal"},
		"no action":         {`{"Statement":[{"Effect":"Allow","Principal":"*"}]}`, settings.PolicyMalformed, "Action"},
		"one statement":     {`{"Statement":{"Effect":"Allow","Principal":"*","Action":"xray:*"}}`, 0, ""},
		"locks out":         {fmt.Sprintf(deny, everybody, put, ""), settings.PolicyLocksOut, "BypassPolicyLockoutCheck"},
		"locks all out":     {fmt.Sprintf(deny, `{"AWS":["*"]}`, `["xray:Put*","x"]`, ""), settings.PolicyLocksOut, "denies everybody"},
		"locks the account": {fmt.Sprintf(deny, `{"AWS":"arn:aws:iam::111122223333:root"}`, `"XRAY:*"`, ""), settings.PolicyLocksOut, "denies everybody"},
		"another account":   {fmt.Sprintf(deny, `{"AWS":"arn:aws:iam::999922223333:root"}`, `"xray:*"`, ""), 0, ""},
		"another action":    {fmt.Sprintf(deny, everybody, `"xray:Get*"`, ""), 0, ""},
		"on a condition":    {fmt.Sprintf(deny, everybody, put, `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`), 0, ""},
		"all but reading":   {`{"Statement":{"Effect":"Deny","Principal":"*","NotAction":"xray:Get*"}}`, settings.PolicyLocksOut, "denies everybody"},
	}
	for name, test := range tests {
		w := newWorld(t)
		_, err := w.put("p", test.document, "")
		if test.want != "" {
			wantProblem(t, name, err, test.problem, test.want)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.PutPolicy(t.Context(), "p", test.document, "", true); (err == nil) != (test.want == "" || test.problem == settings.PolicyLocksOut) {
			t.Errorf("%s, without the check: %v", name, err)
		}
	}
}

// TestOtherLimits: what the service's quotas forbid is allowed where somebody
// says so, and the other way round.
func TestOtherLimits(t *testing.T) {
	s, err := settings.Open(t.Context(), &memory{texts: map[string][]byte{}}, settings.Options{Limits: settings.Limits{Groups: 2, Tags: 1, Policies: 6, PolicySize: 6000}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Settings: s, t: t}
	w.mustCreate("one", "fault")
	_, err = w.create("two", "fault")
	wantError(t, "a group too many", err, tomo.Invalid, "There are 2 groups already")
	two := []tomo.Tag{{Key: "a"}, {Key: "b"}}
	wantError(t, "a tag too many", w.Tag(t.Context(), w.Groups()[1].ARN, two), tomo.Invalid, "more than 1 user tags")
	for i := range 6 {
		if _, err := w.put(fmt.Sprint("p", i), allowSNS+strings.Repeat(" ", 5700), ""); err != nil {
			t.Error(err)
		}
	}
	_, err = w.put("p6", allowSNS, "")
	wantProblem(t, "a policy too many", err, settings.PolicyTooMany, "There are 6")
	_, err = w.put("p0", allowSNS+strings.Repeat(" ", 6000), "")
	wantProblem(t, "a large policy", err, settings.PolicyTooLarge, "the limit is 6000")
}
