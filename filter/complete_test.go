package filter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// TestComplete: | is the cursor; what is wanted is written as wants prints it.
func TestComplete(t *testing.T) {
	for _, tt := range []struct{ text, replaces, typed, want string }{
		{`|`, ``, ``, `keyword outside of braces`},
		{`  fa|`, `fa`, `fa`, `keyword outside of braces`},
		{`http.st|atus = 200`, `http.status`, `http.st`, `keyword outside of braces`},
		{`fault |`, ``, ``, `operator fault = !=; connective outside of braces`},
		{`fault A|`, `A`, `A`, `operator fault = !=; connective outside of braces`},
		{`fault AND |`, ``, ``, `keyword outside of braces`},
		{`fault AND NOT (|`, ``, ``, `keyword outside of braces`},
		{`(fault|`, `fault`, `fault`, `keyword outside of braces`},
		{`(fault |`, ``, ``, `operator fault = !=; connective outside of braces; )`},
		{`!par|`, `par`, `par`, `keyword outside of braces`},
		{`fault = |`, ``, ``, `value fault`},
		{`fault = tr|`, `tr`, `tr`, `value fault`},
		{`duration |`, ``, ``, `operator duration = != < <= > >=; connective outside of braces`},
		{`duration > |`, ``, ``, `value duration`},
		{`http.status = 5|03`, `503`, `5`, `value http.status`},
		{`http.status = 5|`, `5`, `5`, `value http.status`},
		{`user CONT|`, `CONT`, `CONT`, `operator user = != CONTAINS BEGINSWITH ENDSWITH; connective outside of braces`},
		{`user = |`, ``, ``, `value user`},
		{`user = "an|`, `"an`, `an`, `value user`},
		{`user = "an|n"`, `"ann"`, `an`, `value user`},
		{`user = "an| AND service("x")`, `"an`, `an`, `value user`},
		{`user = "an|n" AND service("x")`, `"ann"`, `an`, `value user`},
		{`user = "a\"b\u0041|`, `"a\"b\u0041`, `a"bA`, `value user`},
		{`http.status = 5.|`, `5.`, `5.`, `value http.status`},
		{`user = an|`, `an`, `an`, `value user`},
		{`annotation|`, `annotation`, `annotation`, `keyword outside of braces`},
		{`annotation.|`, `.`, ``, `key annotation`},
		{`annotation.ti|er = 1`, `.tier`, `ti`, `key annotation`},
		{`fault Annotation.Ti|`, `.Ti`, `Ti`, `key annotation`},
		{`annotation[|`, `[`, ``, `key annotation`},
		{`annotation[ti|`, `[ti`, `ti`, `key annotation`},
		{`annotation[ti|er] = 1`, `[tier]`, `ti`, `key annotation`},
		{`annotation["a b|`, `["a b`, `a b`, `key annotation`},
		{`annotation[tier] |`, ``, ``, `operator annotation.tier = != < <= > >= CONTAINS BEGINSWITH ENDSWITH; connective outside of braces`},
		{`annotation.tier = |`, ``, ``, `value annotation.tier`},
		{`annotation["a b"] = "g|`, `"g`, `g`, `value annotation["a b"]`},
		{`edge("a", "b") { source.annotation.x|`, `.x`, `x`, `key source.annotation`},
		{`service|`, `service`, `service`, `keyword outside of braces`},
		{`service(|`, ``, ``, `node`},
		{`service("sh|`, `"sh`, `sh`, `node`},
		{`service("sh|op") { fault }`, `"shop"`, `sh`, `node`},
		{`service(i|`, `i`, `i`, `node`},
		{`service("shop"|`, ``, ``, `)`},
		{`service("shop") |`, ``, ``, `{; connective outside of braces`},
		{`service("shop") { |`, ``, ``, `keyword in service() { }`},
		{`service("shop") { fault |`, ``, ``, `operator fault = !=; connective in service() { }; }`},
		{`service("shop") { name = "|`, `"`, ``, `value name`},
		{`service(id(|`, ``, ``, `id field`},
		{`service(id(name: "a", |`, ``, ``, `id field but name`},
		{`service(id(name: "a" |`, ``, ``, `,; )`},
		{`service(id(type: "AWS|`, `"AWS`, `AWS`, `id value type`},
		{`service(id(account.id|`, `account.id`, `account.id`, `id field`},
		{`service(id(type|`, `type`, `type`, `id field`},
		{`service(id(type |`, ``, ``, `:`},
		{`edge("a"|`, ``, ``, `,`},
		{`edge("a", |`, ``, ``, `node`},
		{`edge("a", "b") { |`, ``, ``, `keyword in edge() { }`},
		{`rootcause.fault.exception { na|`, `na`, `na`, `keyword in rootcause.fault.exception { } and rootcause.error.exception { }`},
		{`rootcause.json = |`, ``, ``, `#`},
		{`group.name = "|`, `"`, ``, `value group.name`},
		{`group.name |`, ``, ``, `operator group.name = !=`},
		// What is wrong before the cursor leaves nothing to say.
		{`wrong |`, ``, ``, ``}, {`fault = maybe |`, ``, ``, ``}, {`) |`, ``, ``, ``}, {`index |`, ``, ``, ``}, {`duration CONTAINS |`, ``, ``, ``},
		{`fault ) |`, ``, ``, ``}, {`"a" |`, ``, ``, ``}, {`fault & |`, ``, ``, ``}, {`user = "a\|`, ``, ``, ``},
	} {
		cursor := strings.Index(tt.text, "|")
		text := tt.text[:cursor] + tt.text[cursor+1:]
		place := filter.Complete(text, cursor)
		if got := wants(place); got != tt.want {
			t.Errorf("%s wants\n%s, want\n%s", tt.text, got, tt.want)
			continue
		}
		if replaces := text[place.From:place.To]; replaces != tt.replaces || place.Typed != tt.typed {
			t.Errorf("%s replaces %q after %q was typed, want %q and %q", tt.text, replaces, place.Typed, tt.replaces, tt.typed)
		}
	}
}

// wants prints what may stand in a place.
func wants(p filter.Place) string {
	var list []string
	names := map[filter.IDFields]string{filter.ByName: "name", filter.ByType: "type", filter.ByAccount: "account.id"}
	for _, w := range p.Wants {
		switch w.Kind {
		case filter.KeywordWanted:
			list = append(list, "keyword "+w.Scope.String())
		case filter.ConnectiveWanted:
			list = append(list, "connective "+w.Scope.String())
		case filter.OperatorWanted:
			text := "operator " + field(w.Field)
			for _, op := range w.Operators() {
				text += " " + op.String()
			}
			list = append(list, text)
		case filter.ValueWanted:
			list = append(list, "value "+field(w.Field))
		case filter.KeyWanted:
			list = append(list, "key "+w.Field.Keyword)
		case filter.NodeWanted:
			list = append(list, "node")
		case filter.IDFieldWanted:
			text := "id field"
			if w.Given != 0 {
				text += " but " + names[w.Given]
			}
			list = append(list, text)
		case filter.IDValueWanted:
			list = append(list, "id value "+names[w.Given])
		case filter.MarkWanted:
			list = append(list, w.Mark)
		}
	}
	return strings.Join(list, "; ")
}

func field(f filter.Field) string {
	if f.Key == "" {
		return f.Keyword
	}
	return f.String()
}

// TestCompleteKeywords: each keyword that may stand in a place may be written
// there.
func TestCompleteKeywords(t *testing.T) {
	for _, before := range []string{"", "fault ", "service() { ", "edge() { fault OR ", "rootcause.fault.service { !", "rootcause.responsetime.entity { (", "rootcause.error.exception { "} {
		place := filter.Complete(before, len(before))
		at := slices.IndexFunc(place.Wants, func(w filter.Want) bool {
			return w.Kind == filter.KeywordWanted || w.Kind == filter.ConnectiveWanted
		})
		if at < 0 {
			t.Errorf("%q wants no keyword but %s", before, wants(place))
			continue
		}
		for _, k := range filter.Keywords() {
			text := before + k.Name
			_, err := filter.Parse(text)
			misplaced := err != nil && strings.Contains(err.Error(), k.Name+" cannot stand ")
			if k.Allowed(place.Wants[at].Scope) == misplaced {
				t.Errorf("%s: %v, though it is said to be allowed: %v", text, err, !misplaced)
			}
		}
	}
}

// FuzzComplete: any text has a place that lies in it and holds the cursor, and
// is found in no time.
func FuzzComplete(f *testing.F) {
	for _, text := range []string{`service("shop") { fault } AND annotation["a b"] = "x"`, `!(user = "a\u00e9`, `rootcause.json = #[{"a":`, "é\xff"} {
		f.Add(text, len(text)/2)
	}
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		p := filter.Complete(text, cursor)
		at := max(0, min(cursor, len(text)))
		if p.From < 0 || p.From > at || p.To < at || p.To > len(text) {
			t.Errorf("%q at %d: the place is from %d to %d", text, cursor, p.From, p.To)
		}
	})
}

func TestQuote(t *testing.T) {
	for want, v := range map[string]tomo.Value{
		`"a\"b"`: {String: `a"b`}, `2.5`: {Kind: tomo.NumberValue, Number: 2.5}, `true`: {Kind: tomo.BoolValue, Bool: true}, `false`: {Kind: tomo.BoolValue},
	} {
		if got := filter.Quote(v); got != want {
			t.Errorf("%+v is written %s, want %s", v, got, want)
		}
	}
	for want, key := range map[string]string{`.tier`: "tier", `["a.b"]`: "a.b"} {
		if got := filter.QuoteKey(key); got != want {
			t.Errorf("the key %s is written %s, want %s", key, got, want)
		}
		if _, err := filter.Parse(fmt.Sprint("annotation", want)); err != nil {
			t.Error(err)
		}
	}
}
