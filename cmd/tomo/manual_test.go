package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestWrittenDown: what the help of each command tells of, the manual and the
// completions tell of too, and nothing else.
func TestWrittenDown(t *testing.T) {
	parser, err := newParser(&commands{}, context.Background(), &streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	page, completions := sections(string(manual(parser.Model))), completed(completion(parser.Model))
	leaves := parser.Model.Leaves(true)
	if len(page) != len(leaves) || len(leaves) < 20 {
		t.Errorf("the manual has %d commands; there are %d", len(page), len(leaves))
	}
	for _, n := range leaves {
		var out, complaints bytes.Buffer
		path := strings.TrimPrefix(n.FullPath(), "tomo ")
		if status := run(t.Context(), append(strings.Fields(path), "--help"), &streams{out: &out, err: &complaints}); status != 0 {
			t.Errorf("tomo %s --help ends with %d: %s", path, status, &complaints)
			continue
		}
		want := names(helpLine, out.String())
		if !slices.Contains(want, helpFlag) {
			t.Errorf("the help of tomo %s has the flags %v, which cannot be", path, want)
		}
		if diff := cmp.Diff(want, completions[path], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("completions of tomo %s (-help +completion)\n%s", path, diff)
		}
		want = slices.DeleteFunc(want, func(name string) bool { return name == helpFlag })
		got := names(manualLine, strings.ReplaceAll(page[n.Path()], `\-`, "-"))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the manual on tomo %s (-help +manual)\n%s", path, diff)
		}
	}
}

var (
	helpLine   = regexp.MustCompile(`(?m)^\s+(?:-\w,?\s+)?--(?:\[no-\])?([a-z][a-z0-9-]*)`)
	manualLine = regexp.MustCompile(`(?m)^\\fB--([a-z][a-z0-9-]*)\\fR`)
	caseLine   = regexp.MustCompile(`(?m)^\s+"([a-z ]*)"\) words="([^"]*)"`)
)

// names are the flags that a text tells of, sorted.
func names(of *regexp.Regexp, text string) []string {
	found := map[string]bool{}
	for _, match := range of.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// sections are the parts of the manual, by command.
func sections(text string) map[string]string {
	found := map[string]string{}
	commands, _, _ := strings.Cut(text, ".SH EXIT STATUS")
	for _, part := range strings.Split(commands, "\n.SS ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		found[name] = rest
	}
	return found
}

// completed are the flags that are completed behind each command.
func completed(script string) map[string][]string {
	found := map[string][]string{}
	for _, match := range caseLine.FindAllStringSubmatch(script, -1) {
		for word := range strings.FieldsSeq(match[2]) {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag {
				found[match[1]] = append(found[match[1]], name)
			}
		}
	}
	return found
}

// TestDaemonFlagNames: the daemon's help lists every flag that it reads, so that
// what is made from the list leaves none out.
func TestDaemonFlagNames(t *testing.T) {
	listed := map[string]bool{}
	for _, names := range flagNames {
		for _, name := range names {
			if name != "" {
				listed[name] = true
			}
		}
	}
	newDaemonFlags().set.VisitAll(func(f *flag.Flag) {
		if !listed[f.Name] {
			t.Errorf("-%s is read and not listed", f.Name)
		}
		delete(listed, f.Name)
	})
	for name := range listed {
		t.Errorf("-%s is listed and not read", name)
	}
}
