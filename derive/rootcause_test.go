package derive_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"pgregory.net/rapid"
)

// Root causes are what the rules say, read off the model's trees one by one.
func TestRootCausesAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		d := derive.Detail((&script{}).id(), m.documents)
		plain := d.RootCauses
		for _, list := range [][]tomo.RootCause{plain.Fault, plain.Error, plain.ResponseTime} {
			for _, cause := range list {
				checkCause(t, d.Summary, cause)
			}
		}
		want, got := m.causes(), causesText(withoutNodes(plain))
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(strings.TrimSpace(got), "\n")); diff != "" {
			t.Fatalf("causes (-want +got):\n%s", diff)
		}
	})
}

// checkCause checks what holds for every cause.
func checkCause(t *rapid.T, s *tomo.Summary, cause tomo.RootCause) {
	if len(cause.Services) == 0 {
		t.Fatal("a cause without services")
	}
	if first := cause.Services[0].NodeID; cause.ClientImpacting && (s.EntryPoint < 0 || s.Nodes[s.EntryPoint].NodeID != first) {
		t.Errorf("a path of the client begins at %v", first)
	}
	for i, service := range cause.Services {
		if !slices.ContainsFunc(s.Nodes, func(n tomo.Node) bool { return n.NodeID == service.NodeID }) {
			t.Errorf("%v is no node of the trace", service.NodeID)
		}
		if len(service.EntityPath) == 0 {
			t.Fatalf("%v has no entities", service.NodeID)
		}
		first := service.EntityPath[0]
		if first.Remote {
			t.Errorf("%v begins with a call", service.NodeID)
		}
		if service.Inferred && (i != len(cause.Services)-1 || len(service.EntityPath) != 1 || len(first.Exceptions) > 0) {
			t.Errorf("inferred service %d of %d: %+v", i, len(cause.Services), service)
		}
		if !service.Inferred && first.Name != service.Name {
			t.Errorf("%v begins with %q", service.NodeID, first.Name)
		}
		for _, e := range service.EntityPath {
			if e.Coverage < 0 || e.Coverage > 1 || e.Coverage > 0 && e.Coverage < 0.5 {
				t.Errorf("coverage %v", e.Coverage)
			}
		}
	}
}

// withoutNodes names services by nothing but whether they are inferred.
func withoutNodes(c tomo.RootCauses) tomo.RootCauses {
	strip := func(list []tomo.RootCause) []tomo.RootCause {
		list = slices.Clone(list)
		for i := range list {
			list[i].Services = slices.Clone(list[i].Services)
			for k := range list[i].Services {
				list[i].Services[k].NodeID = tomo.NodeID{}
			}
		}
		return list
	}
	return tomo.RootCauses{Fault: strip(c.Fault), Error: strip(c.Error), ResponseTime: strip(c.ResponseTime)}
}

// causes are the root causes of the trace, as causesText prints them without
// the names of nodes.
func (m *model) causes() string {
	f := &forest{model: m, children: map[int][]*modelEntity{}, inferred: m.inferred()}
	for _, e := range m.entities {
		switch owner := m.owner(e); {
		case owner == nil:
		case f.parent(e) == nil:
			f.tops = append(f.tops, e)
		default:
			f.children[e.parent] = append(f.children[e.parent], e)
		}
	}
	for _, list := range f.children {
		slices.SortFunc(list, byStart)
	}
	var lines []string
	lines = append(lines, f.failed("fault", func(e *modelEntity) bool { return e.has("fault") || e.status(500, 599) })...)
	lines = append(lines, f.failed("error", func(e *modelEntity) bool { return e.has("error") || e.has("throttle") || e.status(400, 499) })...)
	lines = append(lines, f.slow()...)
	if lines == nil {
		return "none"
	}
	return strings.Join(lines, "\n")
}

// forest is the model as trees: below each entity those that name it, below a
// segment's parent the segment too.
type forest struct {
	*model
	tops     []*modelEntity
	children map[int][]*modelEntity
	inferred map[int]bool
}

// parent is the entity that caused e; nil if nobody is known to have.
func (f *forest) parent(e *modelEntity) *modelEntity {
	p := f.entity(e.parent)
	if p == nil || f.owner(p) == nil || e.segment && f.owner(p) == e {
		return nil
	}
	return p
}

// root is the segment without parent that starts first.
func (m *model) root() *modelEntity {
	var root *modelEntity
	for _, e := range m.entities {
		if e.segment && e.parent == 0 && (root == nil || byStart(e, root) < 0) {
			root = e
		}
	}
	return root
}

func byStart(a, b *modelEntity) int {
	if a.start != b.start {
		return a.start - b.start
	}
	return a.id - b.id
}

func (e *modelEntity) has(flag string) bool { return e.fields[flag] == true }

func (e *modelEntity) status(from, to int) bool {
	http, _ := e.fields["http"].(map[string]any)
	response, _ := http["response"].(map[string]any)
	status, _ := response["status"].(int)
	return status >= from && status <= to
}

// throws reports whether e holds an exception, reference the entity whose
// exception it refers to, 0 if it does not.
func (e *modelEntity) throws() bool {
	_, holds := e.fields["cause"].(map[string]any)
	return holds
}

func (e *modelEntity) reference() int {
	text, _ := e.fields["cause"].(string)
	var id int
	fmt.Sscanf(strings.TrimLeft(text, "0"), "e%x", &id)
	return id
}

// took is the time that counts for the response time, in milliseconds; -1 if
// there is none.
func (f *forest) took(e *modelEntity) int {
	if !e.segment {
		if e.open || e.start == 0 {
			return 0
		}
		return max(0, e.end-e.start)
	}
	first, last := 0, 0
	for _, other := range f.entities {
		if f.owner(other) != e {
			continue
		}
		if other.start > 0 && (first == 0 || other.start < first) {
			first = other.start
		}
		if !other.open {
			last = max(last, other.end+1) // an end of 0 is one too
		}
	}
	if first == 0 || last == 0 {
		return -1
	}
	return max(0, last-1-first)
}

func (f *forest) slow() []string {
	root := f.root()
	if root == nil || root.open || root.start == 0 || root.end <= root.start {
		return nil
	}
	whole := root.end - root.start
	path := []*modelEntity{root}
	for at := root; !f.inferred[at.id]; {
		var next *modelEntity
		for _, child := range f.children[at.id] {
			took := f.took(child)
			if !child.open && 2*took > whole && took <= whole && (next == nil || took > f.took(next)) {
				next = child
			}
		}
		if next == nil {
			break
		}
		path, at = append(path, next), next
	}
	if len(path) == 1 {
		return nil
	}
	lines := []string{"response time, the client felt it"}
	return append(lines, f.services(path, func(e *modelEntity) string {
		share := 1.0
		if e != root {
			share = math.Round(float64(f.took(e))/float64(whole)*1000) / 1000
		}
		return fmt.Sprintf(" %g", share)
	}, true)...)
}

// services prints a path.
func (f *forest) services(path []*modelEntity, tell func(*modelEntity) string, ofInferred bool) []string {
	var lines []string
	for i, e := range path {
		name := fmt.Sprint(e.fields["name"])
		switch {
		case e.segment:
			lines = append(lines, "  : "+name+tell(e))
		case i > 0:
			remote := ""
			if e.call {
				remote = " remote"
			}
			lines[len(lines)-1] += " > " + name + remote + tell(e)
		}
		if f.inferred[e.id] {
			line := "   inferred: " + name
			if ofInferred {
				line += tell(e)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// failed finds the causes of one kind.
func (f *forest) failed(kind string, is func(*modelEntity) bool) []string {
	type start struct {
		at   *modelEntity
		path []*modelEntity
	}
	var starts []start
	// holder is the chain from e to the entity below it, among the failures of
	// one start, that holds the exception.
	var holder func(e *modelEntity, id int) []*modelEntity
	holder = func(e *modelEntity, id int) []*modelEntity {
		for _, child := range f.children[e.id] {
			if !is(child) || child.segment && f.inferred[e.id] {
				continue
			}
			if child.id == id && child.throws() {
				return []*modelEntity{child}
			}
			if path := holder(child, id); path != nil {
				return append([]*modelEntity{child}, path...)
			}
		}
		return nil
	}
	// walk is the path down from e, nil if it finds no cause.
	var walk func(e *modelEntity) []*modelEntity
	walk = func(e *modelEntity) []*modelEntity {
		if f.inferred[e.id] {
			return []*modelEntity{e}
		}
		if id := e.reference(); id != 0 {
			chain := holder(e, id)
			if chain == nil {
				return nil
			}
			path := []*modelEntity{e}
			for _, link := range chain[:len(chain)-1] {
				if path = append(path, link); f.inferred[link.id] {
					return path
				}
			}
			return append(path, walk(chain[len(chain)-1])...)
		}
		children := slices.Clone(f.children[e.id])
		slices.SortStableFunc(children, func(a, b *modelEntity) int {
			if x, y := f.inferred[a.id], f.inferred[b.id]; x != y {
				if x {
					return -1
				}
				return 1
			}
			return 0
		})
		for _, child := range children {
			if !is(child) {
				continue
			}
			if path := walk(child); path != nil {
				return append([]*modelEntity{e}, path...)
			}
		}
		if e.throws() {
			return []*modelEntity{e}
		}
		return nil
	}
	// aside adds the failed calls that references leave aside. chain leads to
	// the exception that one above e refers to; nil: to nothing, or nothing leads.
	var aside func(e *modelEntity, left bool, chain []*modelEntity)
	aside = func(e *modelEntity, left bool, chain []*modelEntity) {
		if f.inferred[e.id] {
			if left {
				starts = append(starts, start{e, []*modelEntity{e}})
			}
			return
		}
		if id := e.reference(); id != 0 && len(chain) == 0 && !left {
			if chain = holder(e, id); chain == nil {
				left = true
			}
		}
		for _, child := range f.children[e.id] {
			switch {
			case !is(child):
			case left:
				aside(child, true, nil)
			case len(chain) == 0:
				aside(child, false, nil)
			case child == chain[0]:
				aside(child, false, chain[1:])
			default:
				aside(child, true, nil)
			}
		}
	}
	// visit goes down from e, which a failure above answers for or not.
	var visit func(e *modelEntity, claimed bool)
	visit = func(e *modelEntity, claimed bool) {
		claims := is(e) && claimed
		if is(e) && !claimed && (e.segment || f.inferred[e.id]) {
			claims = true
			if path := walk(e); path != nil {
				starts = append(starts, start{e, path})
			}
			aside(e, false, nil)
		}
		for _, child := range f.children[e.id] {
			visit(child, claims && !(child.segment && f.inferred[e.id]))
		}
	}
	for _, top := range f.tops {
		visit(top, false)
	}
	slices.SortFunc(starts, func(a, b start) int { return byStart(a.at, b.at) })
	root := f.root()
	var lines []string
	for _, s := range starts {
		line := kind
		if s.at == root {
			line += ", the client felt it"
		}
		lines = append(lines, line)
		lines = append(lines, f.services(s.path, func(e *modelEntity) string {
			if e.throws() {
				return fmt.Sprintf(" [Failed: in %d]", e.id)
			}
			return ""
		}, false)...)
	}
	return lines
}

// A detail says the same whether the documents are read from their texts or
// from the digests that the door made, and holds the summary.
func TestDetailOfDigests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		id := (&script{}).id()
		want := derive.Detail(id, m.documents)
		if got := derive.Detail(id, digested(m.documents)); !reflect.DeepEqual(want, got) {
			t.Fatalf("of digests (-want +got):\n%s", cmp.Diff(want, got))
		}
		if s := derive.Summary(id, m.documents); !reflect.DeepEqual(s, want.Summary) {
			t.Fatalf("summary (-want +got):\n%s", cmp.Diff(s, want.Summary))
		}
	})
}

// Look shows the summary, and of the detail the parts that are wanted.
func TestLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		id := (&script{}).id()
		whole := derive.Detail(id, m.documents)
		parts := tomo.DetailParts(rapid.IntRange(0, int(tomo.AllParts)).Draw(t, "parts"))
		want := *whole
		if parts&(tomo.WhatIsMissing|tomo.WhatUnitsSaid) == 0 {
			want.Incomplete, want.RootUnit = false, -1
		}
		if parts&tomo.WhatUnitsSaid == 0 {
			want.UnitDetails, want.CallDetails = nil, nil
		}
		if parts&tomo.ResponseTimeRootCauses == 0 {
			want.RootCauses.ResponseTime = nil
		}
		if parts&tomo.FaultRootCauses == 0 {
			want.RootCauses.Fault = nil
		}
		if parts&tomo.ErrorRootCauses == 0 {
			want.RootCauses.Error = nil
		}
		looked := false
		summary := derive.Within{}.Look(id, m.documents, func(*tomo.Summary) tomo.DetailParts { return parts }, func(d *tomo.Detail) {
			looked = true
			if diff := cmp.Diff(&want, d, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("parts %b (-want +got)\n%s", parts, diff)
			}
		})
		if looked != (parts != 0) {
			t.Errorf("parts %b: looked %v", parts, looked)
		}
		if diff := cmp.Diff(whole.Summary, summary); diff != "" {
			t.Errorf("summary (-want +got)\n%s", diff)
		}
	})
}
