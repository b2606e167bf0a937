package tomo_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers lists, for each package of the module, which others it may import.
// "*" allows anything. A package that is not listed fails the test, and so
// does a listed arrow to a package that is not.
var layers = map[string]string{
	".":                "",
	"api":              "",
	"anomaly":          ".",
	"cloudwatch":       ".",
	"derive":           ".",
	"filter":           ".",
	"ingest":           ". derive filter",
	"insights":         ". anomaly",
	"query":            ". derive filter",
	"sampling":         ".",
	"settings":         ". filter",
	"secretfile":       "",
	"keyring":          "secretfile",
	"store/block":      ". filter",
	"store/localstore": ". filter store/block",
	"store/storetest":  "*", // tests only, but for the suite itself
	"identity":         ". api secretfile",
	"client":           ". api",
	"doctor":           ". api client",
	"daemon":           ". api daemon/spool",
	"daemon/spool":     "",
	"otlp":             "",
	"server":           ". api identity filter ingest insights otlp query sampling settings web",
	"web":              "",
	"demo":             "sdk", // it is an application; it knows of Tomo only how to be traced
	"sdk":              "",    // a module of its own: what uses it does so from outside
	"internal/testkit": "",    // tests only
	"cmd/tomo":         "*",
	"e2e":              "*",
	"web/e2e/past":     "*", // fills the server that the tests of the console look at
}

const module = "github.com/tomotrace/tomo"

// TestLayers reads the imports of every file but tests and holds them against
// the table.
func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != "." && ownModule(file) {
				seen[filepath.ToSlash(file)] = true
				return filepath.SkipDir
			}
			if file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		room := path.Clean(filepath.ToSlash(filepath.Dir(file)))
		seen[room] = true
		allowed, listed := layers[room]
		if !listed {
			t.Errorf("%s: package %s is not in the table of layers", file, room)
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			if room == "." && strings.Contains(strings.Split(name, "/")[0], ".") {
				t.Errorf("%s imports %s: the root imports the standard library only", file, name)
			}
			to, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			to = path.Clean(strings.TrimPrefix("./"+strings.TrimPrefix(to, "/"), "./"))
			if of := strings.Split(to, "/")[0]; ownModule(of) {
				to = of // its packages are its own affair
			}
			if allowed != "*" && !slices.Contains(strings.Fields(allowed), to) {
				t.Errorf("%s: %s may not import %s", file, room, to)
			}
			if _, listed := layers[to]; !listed {
				t.Errorf("%s imports %s, which is not in the table of layers", file, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range layers {
		if !seen[room] && room != "e2e" {
			t.Errorf("package %s is in the table of layers but not in the tree", room)
		}
	}
}

// TestArchitecture holds the rooms that ARCHITECTURE.md lists, and what it says
// that they import, against the table.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		imports, _, _ := strings.Cut(strings.TrimSpace(cells[3]), ";")
		for _, room := range strings.Split(cells[1], ",") {
			told[strings.Trim(strings.TrimSpace(room), "`")] = imports
		}
	}
	for room, allowed := range layers {
		imports, listed := told[room]
		if !listed {
			if room != "web/e2e/past" { // a part of the tests of web
				t.Errorf("ARCHITECTURE.md does not list %s", room)
			}
			continue
		}
		if allowed == "*" || ownModule(room) {
			continue // there it says more than names
		}
		want := strings.NewReplacer("root", ".", "nothing", "").Replace(imports)
		says, may := strings.FieldsFunc(want, func(r rune) bool { return r == ',' || r == ' ' }), strings.Fields(allowed)
		slices.Sort(says)
		slices.Sort(may)
		if !slices.Equal(says, may) {
			t.Errorf("ARCHITECTURE.md says that %s imports %s; the table allows %v", room, imports, may)
		}
	}
}

// ownModule reports whether a directory is a module of its own.
func ownModule(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, "go.mod"))
	return len(found) > 0
}
