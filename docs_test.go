package tomo_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/tomotrace/tomo/internal/testkit"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
)

// TestLinks follows every link of the documents that leads to a place in the
// tree: to a file, and in pages to a heading.
func TestLinks(t *testing.T) {
	pages := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		pages++
		for _, found := range link.FindAllStringSubmatch(page(t, path), -1) {
			to := found[1] + found[2]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			file, place, _ := strings.Cut(to, "#")
			file = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			if strings.HasPrefix(to, "#") {
				file = path
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s leads to %s, which is not there", path, to)
			} else if place != "" && !headings(page(t, file))[place] {
				t.Errorf("%s leads to %s, which has no such heading", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 20 {
		t.Errorf("only %d pages", pages)
	}
}

// page is the text of a page without its examples.
func page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fenced.ReplaceAllString(string(text), "")
}

// headings are those of a page as links name them.
func headings(text string) map[string]bool {
	names := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, strings.TrimSpace(found[1]))
		names[name] = true
	}
	return names
}

// metric is what the code says of one.
type metric struct {
	help   string
	labels []string
}

// TestMetrics makes docs/metrics.md of the places where metrics are made: a name
// and the text that explains it, in a call or in the options of one, and behind
// them the labels.
func TestMetrics(t *testing.T) {
	metrics := map[string]*metric{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || ownModule(path) || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				noteMetric(metrics, call)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(metrics) < 50 {
		t.Errorf("only %d metrics", len(metrics))
	}
	var b bytes.Buffer
	b.WriteString(`# Metrics

What ` + "`/metrics`" + ` of ` + "`tomo serve`" + ` has of Tomo's own, for Prometheus; beside it there is what Go and the process tell. Metrics of a tenant other than the default one have
the label ` + "`tenant`" + `. ` + "`tomo daemon`" + ` has those that begin with ` + "`tomo_relay_`" + `, with the label ` + "`upstream`" + `, and those of datagrams. Counters begin anew with the process. Which are worth
an alert is in [operations](operations.md#watch).

This page is made from the code: ` + "`go test . -run TestMetrics -rewrite`" + `.

| metric | labels | |
|---|---|---|
`)
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		labels := ""
		for _, label := range metrics[name].labels {
			labels += " `" + label + "`"
		}
		fmt.Fprintf(&b, "| `%s` |%s | %s |\n", name, labels, metrics[name].help)
	}
	testkit.Golden(t, "docs/metrics.md", b.Bytes())
}

// noteMetric notes the metric that a call makes, if it makes one.
func noteMetric(metrics map[string]*metric, call *ast.CallExpr) {
	var texts, labels []string
	for _, argument := range call.Args {
		switch is := argument.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(is.Value); err == nil && is.Kind == token.STRING {
				texts = append(texts, text)
			}
		case *ast.CompositeLit:
			options := map[string]string{}
			for _, element := range is.Elts {
				switch e := element.(type) {
				case *ast.KeyValueExpr:
					key, isName := e.Key.(*ast.Ident)
					value, isText := e.Value.(*ast.BasicLit)
					if isName && isText {
						options[key.Name], _ = strconv.Unquote(value.Value)
					}
				case *ast.BasicLit:
					if label, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
						labels = append(labels, label)
					}
				}
			}
			if options["Name"] != "" {
				texts = append(texts, options["Name"], options["Help"])
			}
		}
	}
	if len(texts) >= 2 && strings.HasPrefix(texts[0], "tomo_") {
		metrics[texts[0]] = &metric{texts[1], append(texts[2:], labels...)}
	}
}
