package parity

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	officialModule = "github.com/aws/aws-xray-sdk-go"
	movedModule    = "github.com/tomotrace/tomo/sdk/compat"
)

// elsewhere are packages that have, as modules of their own, the names of package xray
// that need something large.
var elsewhere = map[string][]string{
	"instrumentation/awsv1":        {"AWS", "AWSWithWhitelist", "AWSSession", "AWSSessionWithWhitelist"},
	"instrumentation/xraygrpc":     {"GrpcOption", "UnaryClientInterceptor", "UnaryServerInterceptor", "WithRecorder", "WithSegmentNamer"},
	"instrumentation/xrayfasthttp": {"FastHTTPHandler", "FastHTTPHandler.Handler", "NewFastHTTPInstrumentor"},
}

// absent are names that are not here, and packages, with all that begins so.
var absent = map[string]string{
	"resources.": "files that the official SDK carries along, for itself",
	"utils.":     "clocks and random numbers, for tests of the official SDK",

	"strategy/sampling.CentralizedManifest":  "nothing gives one to a program; CentralizedStrategy decides",
	"strategy/sampling.CentralizedReservoir": "nothing gives one to a program; CentralizedStrategy decides",
	"strategy/sampling.CentralizedRule":      "nothing gives one to a program; CentralizedStrategy decides",
}

// TestNames: what the official SDK exports is here, of the same type, or it is listed
// where it is or why not. The lists name nothing that is not so.
func TestNames(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", officialModule).Output()
	if err != nil {
		t.Fatal(err)
	}
	official := exported(t, strings.TrimSpace(string(dir)), officialModule)
	ours := exported(t, "..", movedModule)
	if len(official) < 300 || official["xray.Capture"] != "func(context.Context, string, func(context.Context) (error)) (error)" {
		t.Fatalf("%d names are read, Capture is %q", len(official), official["xray.Capture"])
	}
	moved := map[string]string{}
	for to, names := range elsewhere {
		for _, name := range names {
			moved["xray."+name] = to + "." + name
		}
	}
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(official)) {
		place := name
		if to, is := moved[name]; is {
			place, used[name] = to, true
		}
		got, here := ours[place]
		if _, both := ours[name]; both && place != name {
			t.Errorf("%s is here; it need not be elsewhere", name)
		}
		if reason := reasonFor(name, used); reason != "" {
			if here {
				t.Errorf("%s is here; it need not be listed as absent: %s", name, reason)
			}
			continue
		}
		if want := official[name]; !here {
			t.Errorf("%s is not in %s: %s", name, place, want)
		} else if want = types(want, name); types(got, place) != want {
			t.Errorf("%s is %s, want %s", place, types(got, place), want)
		}
	}
	for name := range moved {
		if !used[name] {
			t.Errorf("%s is not a name of the official SDK", name)
		}
	}
	for name := range absent {
		if !used[name] {
			t.Errorf("nothing of the official SDK begins with %s", name)
		}
	}
}

// reasonFor is why a name is absent, "" if it is not listed.
func reasonFor(name string, used map[string]bool) string {
	for prefix, reason := range absent {
		if name == prefix || strings.HasPrefix(name, strings.TrimSuffix(prefix, ".")+".") {
			used[prefix] = true
			return reason
		}
	}
	return ""
}

// types writes a type so that a name of package xray is the same within and without.
func types(text, place string) string {
	if strings.HasPrefix(place, "xray.") {
		for _, name := range []string{"Config", "SegmentNamer"} {
			text = regexp.MustCompile(`(^|[^.\w])`+name+`\b`).ReplaceAllString(text, "${1}sdk/xray."+name)
		}
	}
	return text
}

// exported lists what the packages of a module export, read from the source: the
// types of functions, methods and fields, and what kind the others are, by the path
// in the module and the name.
func exported(t *testing.T, dir, module string) map[string]string {
	t.Helper()
	names := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"internal", "parity", "testdata", "sample-apps"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if parsed.Name.Name == "main" {
			return nil
		}
		below, err := filepath.Rel(dir, filepath.Dir(file))
		if err != nil {
			return err
		}
		s := source{names, filepath.ToSlash(below) + ".", imports(parsed, module)}
		for _, d := range parsed.Decls {
			s.declaration(d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// imports are what qualifiers stand for, the packages of the two SDKs by one name.
func imports(f *ast.File, module string) map[string]string {
	paths := map[string]string{}
	for _, spec := range f.Imports {
		full, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(full)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if below, ours := strings.CutPrefix(full, module+"/"); ours {
			full = "sdk/" + below
		}
		paths[name] = full
	}
	return paths
}

// source is one file.
type source struct {
	names   map[string]string
	prefix  string
	imports map[string]string
}

func (s source) say(name, what string) {
	for part := range strings.SplitSeq(name, ".") {
		if !ast.IsExported(part) {
			return
		}
	}
	s.names[s.prefix+name] = what
}

func (s source) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		s.say(name, s.text(d.Type))
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					s.say(name.Name, d.Tok.String())
				}
			case *ast.TypeSpec:
				s.typed(spec)
			}
		}
	}
}

func (s source) typed(spec *ast.TypeSpec) {
	name := spec.Name.Name
	switch of := spec.Type.(type) {
	case *ast.StructType:
		s.say(name, "struct")
		for _, f := range of.Fields.List {
			for _, field := range f.Names {
				s.say(name+"."+field.Name, s.text(f.Type))
			}
			if len(f.Names) == 0 {
				s.say(name+"."+receiver(f.Type), "embedded "+s.text(f.Type))
			}
		}
	case *ast.InterfaceType:
		s.say(name, "interface")
		for _, m := range of.Methods.List {
			for _, method := range m.Names {
				s.say(name+"."+method.Name, s.text(m.Type))
			}
		}
	default:
		s.say(name, "type "+s.text(of))
	}
}

// receiver is the name of a type, wherever it is.
func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.SelectorExpr:
		return of.Sel.Name
	case *ast.Ident:
		return of.Name
	}
	return ""
}

// text writes a type, so that equal ones are equal: without the names of
// parameters, and with the paths of packages.
func (s source) text(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.Ident:
		return of.Name
	case *ast.SelectorExpr:
		return s.imports[of.X.(*ast.Ident).Name] + "." + of.Sel.Name
	case *ast.StarExpr:
		return "*" + s.text(of.X)
	case *ast.Ellipsis:
		return "..." + s.text(of.Elt)
	case *ast.ArrayType:
		if of.Len != nil {
			return "[?]" + s.text(of.Elt)
		}
		return "[]" + s.text(of.Elt)
	case *ast.MapType:
		return "map[" + s.text(of.Key) + "]" + s.text(of.Value)
	case *ast.FuncType:
		return strings.TrimSuffix("func("+s.list(of.Params)+") ("+s.list(of.Results)+")", " ()")
	case *ast.InterfaceType:
		if len(of.Methods.List) == 0 {
			return "any"
		}
	}
	return fmt.Sprintf("%T", of)
}

// list writes the types of parameters or results.
func (s source) list(of *ast.FieldList) string {
	if of == nil {
		return ""
	}
	var types []string
	for _, f := range of.List {
		for range max(1, len(f.Names)) {
			types = append(types, s.text(f.Type))
		}
	}
	return strings.Join(types, ", ")
}
