package filter_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

var rewrite = flag.Bool("rewrite", false, "write what was found into testdata and docs")

// parseVector is a line of testdata/parse.jsonl: an expression and either its
// tree, see normal, or the error.
type parseVector struct {
	Expr   string `json:"expr"`
	Normal string `json:"normal,omitempty"`
	Error  string `json:"error,omitempty"`
}

func TestParse(t *testing.T) {
	const file = "testdata/parse.jsonl"
	vectors := readLines[parseVector](t, file)
	var found []parseVector
	for _, want := range vectors {
		got := parseVector{Expr: want.Expr}
		if e, err := filter.Parse(want.Expr); err != nil {
			got.Error = err.Error()
		} else {
			got.Normal = normal(e)
		}
		found = append(found, got)
		if (got.Error == "") != (want.Error == "") || got.Normal != want.Normal {
			t.Errorf("Parse(%q) = %s %s, want %s %s", want.Expr, got.Normal, got.Error, want.Normal, want.Error)
		} else if got.Error != want.Error && !*rewrite {
			t.Errorf("Parse(%q) failed with\n\t%s, want\n\t%s", want.Expr, got.Error, want.Error)
		}
	}
	if *rewrite && !t.Failed() {
		writeLines(t, file, found)
	}
}

// TestPrint: what is printed is parsed to the same tree.
func TestPrint(t *testing.T) {
	for _, v := range readLines[parseVector](t, "testdata/parse.jsonl") {
		if v.Error == "" {
			checkRoundTrip(t, v.Expr)
		}
	}
	tests := []struct{ in, want string }{ // an empty want means "prints as written"
		{in: `service("api") { fault }`},
		{in: `ok !error or partial`, want: `ok AND !error OR partial`},
		{in: `not (ok or fault) name = shop`, want: `!(ok OR fault) AND name = "shop"`},
		{in: `((ok))`, want: `ok`},
		{in: `OK = "false"`, want: `ok = false`},
		{in: `fault != true`},
		{in: `edge`, want: `edge()`},
		{in: `edge("a", id(name: "b", type: ""))`},
		{in: `service(id(name:"a"))`, want: `service("a")`},
		{in: `service(id(account.id:"1",type:"t"))`, want: `service(id(type: "t", account.id: "1"))`},
		{in: `edge { SOURCE.Annotation.Key > 1e21 }`, want: `edge() { source.annotation.Key > 1e+21 }`},
		{in: `annotation[ a b ] = -0`, want: `annotation["a b"] = 0`},
		{in: "user = \"a\\u0001\\/\\t\n\\\\\"", want: `user = "a\u0001/\t\n\\"`},
		{in: `user = "\ud83d\ude00 \ud83d"`, want: "user = \"\U0001F600 \ufffd\""},
		{in: `group.name != "g"`},
		{in: `!group.arn = "g"`, want: `group.arn != "g"`},
		{in: `!!group.name != "g"`},
		{in: `rootcause.json != #[1]`},
		{in: strings.Repeat("!", filter.MaxDepth) + `group.name != "g"`}, // as deep as it may be
		{in: strings.Repeat("!", filter.MaxDepth) + `rootcause.json != #[]`},
		{in: `rootcause.json = # [ { "Services" : [ ] } ]`, want: `rootcause.json = #[{"Services":[]}]`},
		{in: `rootcause.fault.service {}`, want: `rootcause.fault.service`},
		{in: "\u00a0ok\u2003"},
	}
	tests[len(tests)-1].want = "ok"
	for _, test := range tests {
		e, err := filter.Parse(test.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.in, err)
			continue
		}
		want := test.want
		if want == "" {
			want = test.in
		}
		if got := e.String(); got != want {
			t.Errorf("Parse(%q) prints as %q, want %q", test.in, got, want)
		}
		checkRoundTrip(t, test.in)
	}
}

func checkRoundTrip(t *testing.T, text string) {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Errorf("Parse(%q): %v", text, err)
		return
	}
	printed := e.String()
	if len(printed) > filter.MaxLength {
		return
	}
	again, err := filter.Parse(printed)
	if err != nil {
		t.Errorf("Parse(%q), printed from %q: %v", printed, text, err)
	} else if !reflect.DeepEqual(e, again) {
		t.Errorf("%q prints as %q, which is another expression (-want +got):\n%s", text, printed, cmp.Diff(normal(e), normal(again)))
	}
}

// TestParseErrors: where errors are found in longer texts, and what they are.
func TestParseErrors(t *testing.T) {
	tests := []struct {
		in           string
		line, column int
		message      string
	}{
		{"ok AND\n  é = 1", 2, 3, "Invalid input symbol: 'é'. Expected a keyword, ! or (."},
		{"user = \"é\" bar", 1, 12, "Invalid input symbol: 'bar'. It is not a keyword."},
		{"status = 200", 1, 1, "Invalid input symbol: 'status'. It is not a keyword; the nearest is http.status."},
		{"http.statuscode = 200", 1, 1, "Invalid input symbol: 'http.statuscode'. It is not a keyword; the nearest is http.status."},
		{"fualt", 1, 1, "Invalid input symbol: 'fualt'. It is not a keyword; the nearest is fault."},
		{"responsTime > 5", 1, 1, "Invalid input symbol: 'responsTime'. It is not a keyword; the nearest is responsetime."},
		{"service() { rot }", 1, 13, "Invalid input symbol: 'rot'. It is not a keyword; the nearest is root."},
		{"status_code = 200", 1, 1, "Invalid input symbol: 'status_code'. It is not a keyword; the nearest is http.status."},
		{"http.request.url = x", 1, 1, "Invalid input symbol: 'http.request.url'. It is not a keyword; the nearest is http.url."},
		{"client.ip = x", 1, 1, "Invalid input symbol: 'client.ip'. It is not a keyword; the nearest is http.clientip."},
		{"arn = x", 1, 1, "Invalid input symbol: 'arn'. It is not a keyword; the nearest is resource.arn."},
		{"rootcause.responsetime.exception", 1, 1, "Invalid input symbol: 'rootcause.responsetime.exception'. It is not a keyword; the nearest is rootcause.responsetime.entity."},
		{"rootcause.fault { last }", 1, 1, "Invalid input symbol: 'rootcause.fault'. It is not a keyword; the nearest is rootcause.fault.service."},
		{`id(name: "a")`, 1, 1, "Invalid input symbol: 'id'. It is not a keyword; id(…) names a node between the parentheses of service() and edge()."},
		{"http.status BETWEEN 1 AND 2", 1, 13, "Invalid input symbol: 'BETWEEN'. It is neither an operator (=, !=, <, <=, >, >=) nor a keyword."},
		{`user ~ "a"`, 1, 6, "Invalid input symbol: '~'. Expected an operator (=, !=, CONTAINS, BEGINSWITH, ENDSWITH) or the end of the expression."},
		{`service() { user "a" }`, 1, 18, `Invalid input symbol: '"a"'. Expected an operator (=, !=, CONTAINS, BEGINSWITH, ENDSWITH) or "}".`},
		{"annotation.my-key", 1, 14, "Invalid input symbol: '-'. Only letters, digits and _ may follow the dot; other keys go in brackets, as in annotation[a.b]."},
		{"annotation.a:b = 1", 1, 13, "Invalid input symbol: ':'. Only letters, digits and _ may follow the dot; other keys go in brackets, as in annotation[a.b]."},
		{"annotation.a -", 1, 14, "Invalid input symbol: '-'. Expected an operator (=, !=, <, <=, >, >=, CONTAINS, BEGINSWITH, ENDSWITH) or the end of the expression."},
		{"annotation.a)", 1, 13, "Invalid input symbol: ')'. Expected the end of the expression."},
		{"name = my-shop", 1, 10, "Invalid input symbol: '-'. Without quotes only one word of letters, digits, _ and dots can stand here; other texts go in double quotes."},
		{"name = shop -", 1, 13, "Invalid input symbol: '-'. Expected the end of the expression."},
		{"annotation.k CONTAINS abc", 1, 23, "Invalid input symbol: 'abc'. Expected a string in double quotes after CONTAINS."},
		{"annotation.k < abc", 1, 16, "Invalid input symbol: 'abc'. Expected a number after <."},
		{"annotation.k = abc", 1, 16, "Invalid input symbol: 'abc'. Expected a string in double quotes, a number, true or false."},
		{"ok\u200bfault", 1, 3, "Invalid input symbol: 'U+200B'. Expected an operator (=, !=) or the end of the expression."},
		{"\ufeffok", 1, 1, "Invalid input symbol: 'U+FEFF'. Expected a keyword, ! or (."},
		{"ok AND \x00", 1, 8, "Invalid input symbol: 'U+0000'. Expected a keyword, ! or (."},
		{"root", 1, 1, "Invalid input symbol: 'root'. root cannot stand outside of braces; it can in service() { }."},
		{"duration CONTAINS \"5\"", 1, 10, "Invalid input symbol: 'CONTAINS'. duration is a number and cannot be compared by CONTAINS."},
		{"http.url > \"5\"", 1, 10, "Invalid input symbol: '>'. http.url is a string and cannot be compared by >."},
		{"user = \"a\\", 1, 10, `Invalid input symbol: '\'. After \ comes one of " \ / b f n r t or u with four hex digits.`},
		{"ok \xff", 1, 4, "Invalid input symbol: '\ufffd'. It is not UTF-8."},
		{"(ok", 1, 4, "Invalid input symbol: '<EOF>'. Expected \")\"."},
		{"duration > 1e999", 1, 12, "Invalid input symbol: '1e999'. The number is too large."},
		{"annotation[\"\"]", 1, 12, `Invalid input symbol: '""'. Expected a key.`},
		{"annotation[\"a]", 1, 12, `Invalid input symbol: '"'. The closing " is missing.`},
		{"annotation[a[b]]", 1, 13, "Invalid input symbol: '['. Expected \"]\"."},
		{strings.Repeat("x", 100), 1, 1, "Invalid input symbol: '" + strings.Repeat("x", 41) + "…'. It is not a keyword."},
		{strings.Repeat("é", filter.MaxLength+1), 1, filter.MaxLength + 1, "Invalid input symbol: 'é'. An expression may have 8192 characters."},
		{strings.Repeat("!", 65) + "ok", 1, 65, "Invalid input symbol: '!'. Parentheses, braces and negations may nest 64 deep."},
		{"rootcause.json = #[1,\n é]", 2, 2, "Invalid input symbol: 'é'. The JSON array after # breaks off here."},
		{"rootcause.json = #[1, ", 1, 23, "Invalid input symbol: '<EOF>'. The JSON array after # breaks off here."},
		{"rootcause.json = #{}", 1, 18, "Invalid input symbol: '#'. Expected a JSON array after #."},
		{"rootcause.json = #", 1, 18, "Invalid input symbol: '#'. Expected a JSON array after #."},
		{"rootcause.json = #" + strings.Repeat("[", 65) + strings.Repeat("]", 65), 1, 18, "Invalid input symbol: '#'. JSON may nest 64 deep."},
	}
	for _, test := range tests {
		e, err := filter.Parse(test.in)
		var got *filter.Error
		if e != nil || !errors.As(err, &got) {
			t.Errorf("Parse(%q) = %v, %v", test.in, e, err)
			continue
		}
		if want := (filter.Error{Line: test.line, Column: test.column, Message: test.message}); *got != want {
			t.Errorf("Parse(%q) failed with\n\t%v, want\n\t%v", test.in, got, &want)
		}
		var shared *tomo.Error
		if !errors.As(err, &shared) || shared.Code != tomo.Invalid || shared.Message != got.Error() {
			t.Errorf("Parse(%q) failed with %#v, want the code Invalid and the same text", test.in, shared)
		}
	}
}

// TestParseIsQuick: texts over a limit are refused at once.
func TestParseIsQuick(t *testing.T) {
	texts := map[string]string{
		"long":             strings.Repeat("ok ", 10000/3),
		"negations":        strings.Repeat("!", 1000) + "ok",
		"parentheses":      strings.Repeat("(", 1000) + "ok" + strings.Repeat(")", 1000),
		"open parentheses": strings.Repeat("(", 8000),
		"blocks":           strings.Repeat("service{", 1000),
		"mixed":            strings.Repeat("not(", 1000),
		"json":             "rootcause.json = #" + strings.Repeat("[", 4000) + strings.Repeat("]", 4000),
		"long word":        strings.Repeat("service", 1100),
	}
	for name, text := range texts {
		var took time.Duration
		for range 3 { // a machine that is busy may miss it once
			began := time.Now()
			if _, err := filter.Parse(text); err == nil {
				t.Errorf("%s: not refused", name)
			}
			if took = time.Since(began); took < 50*time.Millisecond {
				break
			}
		}
		if took >= 50*time.Millisecond {
			t.Errorf("%s: refused after %v", name, took)
		}
	}
	long := "ok" + strings.Repeat(" OR ok", 1360)
	if _, err := filter.Parse(long); err != nil {
		t.Errorf("%d characters of a flat expression: %v", len(long), err)
	}
	deep := strings.Repeat("(", filter.MaxDepth) + "ok" + strings.Repeat(")", filter.MaxDepth)
	if _, err := filter.Parse(deep); err != nil {
		t.Errorf("%d parentheses: %v", filter.MaxDepth, err)
	}
}

func TestParseSelector(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{in: `service("a")`, want: `(service (id name="a"))`},
		{in: `Service(ID(name: "a", type: "t"))`, want: `(service (id name="a" type="t"))`},
		{in: ` service ( "a" ) `, want: `(service (id name="a"))`},
		{in: `edge("a", id(name: "b"))`, want: `(edge (id name="a") (id name="b"))`},
		{in: `service(id(type: "", account.id: "1"))`, want: `(service (id type="" account="1"))`},
		{in: `service`, err: "Error Location: line 1, position 8 : Invalid input symbol: '<EOF>'. Expected \"(\"."},
		{in: `service()`, err: "Error Location: line 1, position 9 : Invalid input symbol: ')'. Expected the name of a service in double quotes, or id(…)."},
		{in: `service(id())`, err: "Error Location: line 1, position 12 : Invalid input symbol: ')'. Expected name, type or account.id."},
		{in: `edge`, err: "Error Location: line 1, position 5 : Invalid input symbol: '<EOF>'. Expected \"(\"."},
		{in: `edge()`, err: "Error Location: line 1, position 6 : Invalid input symbol: ')'. Expected the name of a service in double quotes, or id(…)."},
		{in: `edge("a")`, err: "Error Location: line 1, position 9 : Invalid input symbol: ')'. Expected \",\"."},
		{in: `edge("a", )`, err: "Error Location: line 1, position 11 : Invalid input symbol: ')'. Expected the name of a service in double quotes, or id(…)."},
		{in: `id(name: "a")`, err: "Error Location: line 1, position 1 : Invalid input symbol: 'id'. Expected service(…) or edge(…)."},
		{in: `id(0)`, err: "Error Location: line 1, position 1 : Invalid input symbol: 'id'. Expected service(…) or edge(…)."},
		{in: `service(id(name: "a", type: "remote")) { fault }`, err: "Error Location: line 1, position 40 : Invalid input symbol: '{'. Expected the end of the expression."},
		{in: `annotation.a = 1`, err: "Error Location: line 1, position 1 : Invalid input symbol: 'annotation.a'. Expected service(…) or edge(…)."},
		{in: `service("a") OR service("b")`, err: "Error Location: line 1, position 14 : Invalid input symbol: 'OR'. Expected the end of the expression."},
		{in: ``, err: "Error Location: line 1, position 1 : Invalid input symbol: '<EOF>'. Expected service(…) or edge(…)."},
		{in: `"a"`, err: "Error Location: line 1, position 1 : Invalid input symbol: '\"a\"'. Expected service(…) or edge(…)."},
		{in: `service("` + strings.Repeat("a", 500) + `")`, err: "Error Location: line 1, position 501 : Invalid input symbol: 'a'. An expression may have 500 characters."},
	}
	for _, test := range tests {
		e, err := filter.ParseSelector(test.in)
		switch {
		case err != nil && err.Error() != test.err:
			t.Errorf("ParseSelector(%q): %v, want %s", test.in, err, test.err)
		case err == nil && (test.err != "" || normal(e) != test.want):
			t.Errorf("ParseSelector(%q) = %s, want %s%s", test.in, normal(e), test.want, test.err)
		}
	}
}

// FuzzParse: no text makes Parse or Compile panic or take long, and what is
// read is printed so that it is read again.
func FuzzParse(f *testing.F) {
	for _, v := range readLines[parseVector](f, "testdata/parse.jsonl") {
		f.Add(v.Expr)
	}
	f.Add("user = \"\\ud83d\\ude00\" edge(id(type:\"\"),\"b\"){!source.annotation[\"x y\"]}")
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		e, err := filter.Parse(text)
		if err == nil {
			filter.Compile(e, knownGroups).MatchSummary(&tomo.Summary{EntryPoint: -1})
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
		filter.ParseSelector(text)
		if err == nil {
			checkRoundTrip(t, text)
			return
		}
		var located *filter.Error
		if !errors.As(err, &located) || located.Line < 1 || located.Column < 1 {
			t.Errorf("no place in %#v", err)
		}
	})
}

// readLines reads a file of JSON objects, one a line.
func readLines[T any](t testing.TB, file string) []T {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%s: %v in %s", file, err, lines.Bytes())
		}
		list = append(list, one)
	}
	return list
}

func writeLines[T any](t testing.TB, file string, list []T) {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, one := range list {
		if err := encoder.Encode(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
