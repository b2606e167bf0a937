package query_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
)

// wordShop is an engine over a few traces of a shop.
func wordShop(t *testing.T) *query.Engine {
	t.Helper()
	store := openStore(t, t.TempDir())
	t.Cleanup(func() { store.Close() })
	var docs [][]byte
	for i, text := range []string{
		`"name":"shop-frontend","user":"ann","http":{"request":{"url":"https://shop.example.com/","method":"GET"},"response":{"status":200}},"annotations":{"tier":"gold","total_price":12.5}`,
		`"name":"shop-frontend","user":"bob \"b\"","http":{"request":{"url":"https://shop.example.com/pay","method":"GET"},"response":{"status":503}},"annotations":{"tier":"silver","new":true}`,
		`"name":"payments","origin":"AWS::ECS::Container","user":"bob \"b\"","annotations":{"tier":"gold","Total":3}`,
		`"name":"payments","user":"anton","annotations":{"tier":"gold"}`,
	} {
		docs = append(docs, fmt.Appendf(nil, `{"id":"%016x","trace_id":"%v","start_time":%d,"end_time":%d.5,%s}`, i+1, id(i), first+i, first+i, text))
	}
	if refusals, err := ingest.New(store, ingest.Options{}).Accept(t.Context(), "test", docs); err != nil || len(refusals) > 0 {
		t.Fatal(refusals, err)
	}
	return query.New(store, query.Options{})
}

func TestComplete(t *testing.T) {
	e := wordShop(t)
	groups := []tomo.Group{{Name: "Default", ARN: "arn:d"}, {Name: "slow", ARN: "arn:s", Filter: "duration > 5"}}
	for _, tt := range []struct {
		text string // | is the cursor
		want string // the first suggestions, as they are put there
	}{
		{`fau|`, `fault rootcause.fault.service {  rootcause.fault.entity {  rootcause.fault.exception { `},
		{`status|`, `http.status `},
		{`serv|`, `service( rootcause.fault.service {  rootcause.error.service {  rootcause.responsetime.service { `},
		{`anno|`, `annotation.`},
		{`rootcause.json|`, `rootcause.json = #[`},
		{`duration |`, `= !=`},
		{`user BE|`, `BEGINSWITH `},
		{`fault |`, `= != AND  OR `},
		{`fault dur|`, `duration `},
		{`fault = |`, `true false`},
		{`service(|`, `"payments" "shop-frontend" id(`},
		{`service("front|`, `"shop-frontend"`},
		{`service("payments"|`, `) `},
		{`edge("x", "sh|`, `"shop-frontend"`},
		{`service(id(|`, `account.id:  name:  type: `},
		{`service(id(name: "a", |`, `account.id:  type: `},
		{`service(id(type: "|`, `"client" "AWS::ECS::Container"`},
		{`name = "|`, `"payments" "shop-frontend"`},
		{`annotation.|`, `.tier .Total .new .total_price`},
		{`annotation.to|`, `.Total .total_price`},
		{`annotation[tier] = |`, `"gold" "silver"`},
		{`annotation.new = |`, `true`},
		{`annotation.total_price > |`, `12.5`},
		{`service("payments") { annotation.tier = "s|`, `"silver"`},
		{`edge("a", "b") { destination.annotation.tier = "g|`, `"gold"`},
		{`user = |`, `"bob \"b\"" "ann" "anton"`},
		{`user = "an|`, `"ann" "anton"`},
		{`http.status = |`, `200 503`},
		{`http.status = 5|`, `503`},
		{`http.url CONTAINS "pay|`, `"https://shop.example.com/pay"`},
		{`group.name = |`, `"Default" "slow"`},
		{`group.arn = "arn:s|`, `"arn:s"`},
		{`rootcause.fault.entity { name = |`, ``},
		{`nonsense |`, ``},
	} {
		cursor := strings.Index(tt.text, "|")
		answer, err := e.Complete(t.Context(), query.CompletionQuestion{
			Text: strings.Replace(tt.text, "|", "", 1), Cursor: cursor, Window: tomo.Window{TimeRange: tomo.Always}, Groups: groups,
		})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var got []string
		for _, s := range answer.Suggestions {
			got = append(got, s.Text)
		}
		n := len(got)
		if strings.HasSuffix(tt.text, "duration |") {
			n = 2
		}
		if text := strings.Join(got[:n], " "); strings.Join(strings.Fields(text), " ") != strings.Join(strings.Fields(tt.want), " ") {
			t.Errorf("%s: %s, want %s", tt.text, text, tt.want)
		}
	}
}

// TestSuggestionsParse: what is suggested may stand there.
func TestSuggestionsParse(t *testing.T) {
	e := wordShop(t)
	for _, text := range []string{`user = `, `annotation`, `service("payments") { fault AND `, `http.url = "`, `edge(`} {
		answer, err := e.Complete(t.Context(), query.CompletionQuestion{Text: text, Cursor: len(text), Window: tomo.Window{TimeRange: tomo.Always}, Limit: 200})
		if err != nil || len(answer.Suggestions) == 0 {
			t.Errorf("%s: %+v, %v", text, answer, err)
			continue
		}
		for _, s := range answer.Suggestions {
			whole := text[:answer.From] + s.Text
			if strings.HasSuffix(whole, ".") {
				whole += "key"
			}
			var wrong *filter.Error
			if _, err := filter.Parse(whole); errors.As(err, &wrong) && !strings.Contains(wrong.Message, "<EOF>") {
				t.Errorf("%s does not go on: %v", whole, err)
			}
		}
	}
}

// rareStore has a user that none of the newest traces has, and finds it by a plan.
type rareStore struct{ query.Store }

func (s *rareStore) Summaries(_ context.Context, _ tomo.Window, p filter.Plan, _ tomo.Position) iter.Seq2[*tomo.Summary, error] {
	return func(yield func(*tomo.Summary, error) bool) {
		for i := range 30_000 {
			name := fmt.Sprint("usual-", i%3)
			if i == 29_999 {
				name = "rare"
			}
			sum := &tomo.Summary{ID: id(i), EntryPoint: -1, Users: []tomo.User{{Name: name}}}
			if p.Holds(sum) && !yield(sum, nil) {
				return
			}
		}
	}
}

func TestCompleteRare(t *testing.T) {
	answer, err := query.New(&rareStore{}, query.Options{}).Complete(t.Context(), query.CompletionQuestion{Text: `user = "ra`, Cursor: 10})
	if err != nil || len(answer.Suggestions) != 1 || answer.Suggestions[0].Text != `"rare"` || answer.Suggestions[0].Count != 0 {
		t.Errorf("%+v, %v; want rare, with an unknown count", answer, err)
	}
}

// TestWordsAreKept: words are read once for a while.
func TestWordsAreKept(t *testing.T) {
	e := wordShop(t)
	ask := func() []query.Suggestion {
		t.Helper()
		answer, err := e.Complete(t.Context(), query.CompletionQuestion{Text: `user = `, Cursor: 7, Window: whole})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Suggestions
	}
	if before, again := ask(), ask(); len(before) != 3 || !slices.Equal(before, again) {
		t.Errorf("users are %v, then %v", before, again)
	}
	if _, err := e.Complete(t.Context(), query.CompletionQuestion{Limit: 201}); err == nil || err.Error() != "a completion has 1 to 200 suggestions, not 201" {
		t.Errorf("201 suggestions: %v", err)
	}
}
