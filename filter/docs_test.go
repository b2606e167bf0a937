package filter_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/filter"
)

const manual = "../docs/filter-expressions.md"

// TestManual: the tables of keywords in the manual are those of the language,
// and its examples are what they say. -rewrite writes the tables.
func TestManual(t *testing.T) {
	content, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	const end = "<!-- end -->"
	begin := regexp.MustCompile(`<!-- begin .* -->\n`).FindStringIndex(text)
	if begin == nil || !strings.Contains(text, end) {
		t.Fatalf("%s has no place for the keywords", manual)
	}
	want := text[:begin[1]] + keywordTables() + text[strings.Index(text, end):]
	if *rewrite {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		text = want
	}
	if text != want {
		t.Errorf("%s does not list the keywords as they are; go test ./filter -rewrite does it", manual)
	}
	examples := 0
	for _, block := range regexp.MustCompile("(?s)```(filter|error)\n(.*?)\n```").FindAllStringSubmatch(text, -1) {
		lines := strings.Split(block[2], "\n")
		examples += len(lines)
		if block[1] == "error" {
			if _, err := filter.Parse(lines[0]); err == nil || len(lines) != 2 || err.Error() != lines[1] {
				t.Errorf("%s: %q is answered with %v", manual, lines[0], err)
			}
			continue
		}
		for _, line := range lines {
			if _, err := filter.Parse(line); err != nil {
				t.Errorf("%s: %q: %v", manual, line, err)
			}
		}
	}
	if examples < 20 {
		t.Errorf("%d examples found", examples)
	}
}

// keywordTables has a table for each type of keyword, with the places where
// each may stand.
func keywordTables() string {
	titles := []struct {
		title string
		types []filter.Type
	}{
		{"Booleans", []filter.Type{filter.Boolean}},
		{"Numbers", []filter.Type{filter.Number}},
		{"Strings", []filter.Type{filter.String}},
		{"Annotations", []filter.Type{filter.Annotation}},
		{"Tests of the trace", []filter.Type{filter.ServiceTest, filter.EdgeTest, filter.CauseTest, filter.CauseMatch, filter.GroupTest}},
	}
	places := []struct {
		scope filter.Scope
		word  string
	}{
		{filter.InTrace, "trace"}, {filter.InService, "service"}, {filter.InEdge, "edge"}, {filter.InCause, "cause’s service"},
		{filter.InEntity, "failed entity"}, {filter.InSlowEntity, "slow entity"}, {filter.InException, "exception"},
	}
	var b strings.Builder
	for _, table := range titles {
		fmt.Fprintf(&b, "\n### %s\n\n| keyword | narrows | in | meaning |\n|---|---|---|---|\n", table.title)
		for _, k := range filter.Keywords() {
			for _, typ := range table.types {
				if k.Type != typ {
					continue
				}
				var in []string
				for _, p := range places {
					if k.Allowed(p.scope) {
						in = append(in, p.word)
					}
				}
				narrows := ""
				if k.Narrows {
					narrows = "yes"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, narrows, strings.Join(in, ", "), k.Doc)
			}
		}
	}
	return b.String() + "\n"
}

// TestKeywords: the table says of each keyword what the rest of the package
// makes of it.
func TestKeywords(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range filter.Keywords() {
		if seen[k.Name] || k.Name != strings.ToLower(k.Name) || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%q is there twice, not in lower case or without a sentence", k.Name)
		}
		seen[k.Name] = true
		text := map[filter.Type]string{
			filter.Annotation: k.Name + ".key", filter.GroupTest: k.Name + ` = "slow"`, filter.CauseMatch: k.Name + " = #[]",
		}[k.Type]
		if text == "" {
			text = k.Name
		}
		narrows := false
		for in, around := range map[filter.Scope]string{
			filter.InTrace: "%s", filter.InService: "service() { %s }", filter.InEdge: "edge() { %s }",
			filter.InCause: "rootcause.fault.service { %s }", filter.InEntity: "rootcause.error.entity { %s }",
			filter.InSlowEntity: "rootcause.responsetime.entity { %s }", filter.InException: "rootcause.error.exception { %s }",
		} {
			e, err := filter.Parse(fmt.Sprintf(around, text))
			if (err == nil) != k.Allowed(in) {
				t.Errorf("%s %s: %v", k.Name, in, err)
			}
			if err != nil {
				continue
			}
			switch filter.PlanFor(e, knownGroups).String() {
			case "always", "unit()", "call(any to any)", "exactly node()", "exactly call(any to any)":
				narrows = narrows || k.Type == filter.ServiceTest || k.Type == filter.EdgeTest // narrow when they have nodes
			default:
				narrows = narrows || in <= filter.InEdge // a cause narrows without its block
			}
		}
		if narrows != k.Narrows {
			t.Errorf("%s narrows: %v, want %v", k.Name, narrows, k.Narrows)
		}
	}
}
