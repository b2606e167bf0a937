package derive_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
	"pgregory.net/rapid"
)

// model is a random trace as its author knows it: which entities there are,
// and by which documents they are told.
type model struct {
	entities  []*modelEntity
	documents []tomo.RawDocument
}

// GoString is how rapid prints a trace that fails.
func (m *model) GoString() string {
	var b strings.Builder
	for _, d := range m.documents {
		fmt.Fprintf(&b, "\n%s %s", receiptText(d.Received), d.Text)
	}
	return b.String()
}

// modelEntity is a segment or subsegment; its id is its place + 1. A parent of
// 0 is none, one beyond the entities was never sent.
type modelEntity struct {
	id, parent int
	segment    bool
	embedded   bool // in its parent's document
	open       bool // never completed
	start, end int  // milliseconds; a start of 0 is the one of 1970
	call       bool
	fields     map[string]any
}

// traces draws traces in which no two documents contradict each other: of each
// id there is one complete version, or one open one that stays, and perhaps a
// bare placeholder of it.
func traces() *rapid.Generator[*model] {
	return rapid.Custom(func(t *rapid.T) *model {
		m := &model{}
		n := rapid.IntRange(1, 24).Draw(t, "entities")
		missing := n + 1
		for id := 1; id <= n; id++ {
			e := &modelEntity{id: id, fields: map[string]any{}}
			m.entities = append(m.entities, e)
			e.segment = rapid.IntRange(0, 2).Draw(t, "kind") == 0
			if !e.segment || rapid.Bool().Draw(t, "has parent") {
				// Mostly an earlier one; any one may close a circle.
				e.parent = rapid.OneOf(rapid.IntRange(1, max(1, id-1)), rapid.IntRange(1, missing)).Draw(t, "parent")
			}
			e.embedded = !e.segment && e.parent < id && rapid.Bool().Draw(t, "embedded")
			e.open = rapid.IntRange(0, 9).Draw(t, "open") == 0
			e.start = rapid.IntRange(0, 20).Draw(t, "start") * 100
			e.end = e.start + rapid.IntRange(-1, 9).Draw(t, "duration")*50
			e.fields["name"] = rapid.SampledFrom([]string{"shop", "payments", "DynamoDB", "sqs", "a.example.com"}).Draw(t, "name")
			if status := rapid.SampledFrom([]int{0, 0, 200, 404, 429, 500}).Draw(t, "status"); status != 0 {
				set(e.fields, "http.response.status", status)
			}
			if rapid.IntRange(0, 3).Draw(t, "note") == 0 {
				set(e.fields, "annotations."+rapid.SampledFrom([]string{"k", "l"}).Draw(t, "key"), rapid.IntRange(0, 3).Draw(t, "value"))
				set(e.fields, "user", rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "user"))
			}
			for _, flag := range []string{"fault", "fault", "error", "throttle"} {
				if rapid.IntRange(0, 3).Draw(t, flag) == 0 {
					e.fields[flag] = true
				}
			}
			switch rapid.IntRange(0, 5).Draw(t, "cause") {
			case 0, 1:
				throw(e.fields, fmt.Sprintf("e%x:Failed:in %d", id, id))
			case 2:
				e.fields["cause"] = longID(fmt.Sprintf("e%x", rapid.IntRange(1, missing).Draw(t, "exception")))
			}
			if e.segment {
				if o := rapid.SampledFrom([]string{"", "AWS::EC2::Instance", "AWS::SQS::Queue"}).Draw(t, "origin"); o != "" {
					e.fields["origin"] = o
				}
				continue
			}
			switch rapid.SampledFrom([]string{"local", "remote", "aws", "sql", "send"}).Draw(t, "call") {
			case "local":
				continue
			case "remote":
				e.fields["namespace"] = "remote"
			case "aws":
				e.fields["namespace"] = "aws"
				set(e.fields, "aws.operation", "GetItem")
				set(e.fields, "aws.table_name", rapid.SampledFrom([]string{"orders", "carts"}).Draw(t, "table"))
			case "sql":
				set(e.fields, "sql.url", "db")
			case "send":
				e.fields["name"], e.fields["namespace"] = "sqs", "aws"
				set(e.fields, "aws.operation", "SendMessage")
				set(e.fields, "aws.queue_url", "https://sqs.example.com/1/jobs")
			}
			e.call = true
		}
		for _, e := range m.entities {
			if e.embedded {
				continue
			}
			m.documents = append(m.documents, m.document(e, false))
			if !e.open && rapid.IntRange(0, 4).Draw(t, "placeholder") == 0 {
				m.documents = append(m.documents, m.document(e, true))
			}
		}
		m.receive(t)
		return m
	})
}

// document is the text that tells of e, whole or as a bare placeholder.
func (m *model) document(e *modelEntity, placeholder bool) tomo.RawDocument {
	object := m.object(e)
	object["trace_id"] = scriptTrace
	if e.parent != 0 {
		object["parent_id"] = longID(fmt.Sprintf("%x", e.parent))
	}
	if !e.segment {
		object["type"] = "subsegment"
	}
	if placeholder {
		delete(object, "subsegments")
		delete(object, "end_time")
		object["in_progress"] = true
	}
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return tomo.RawDocument{Text: text}
}

func (m *model) object(e *modelEntity) map[string]any {
	object := map[string]any{"id": longID(fmt.Sprintf("%x", e.id))}
	for key, value := range e.fields {
		object[key] = value
	}
	object["start_time"] = 0
	if e.start > 0 {
		object["start_time"] = scriptTime(fmt.Sprint(e.start))
	}
	if e.open {
		object["in_progress"] = true
	} else {
		object["end_time"] = scriptTime(fmt.Sprint(e.end))
	}
	var children []any
	for _, child := range m.entities {
		if child.embedded && child.parent == e.id {
			children = append(children, m.object(child))
		}
	}
	if children != nil {
		object["subsegments"] = children
	}
	return object
}

// receive gives the documents times of receipt in a random order, some of them
// the same. A placeholder never comes in the same instant as what completes it.
func (m *model) receive(t *rapid.T) {
	m.documents = shuffled(t, m.documents)
	at := second(2)
	for i := range m.documents {
		at += tomo.Time(rapid.SampledFrom([]int{0, 1, 400_000, 3_000_000}).Draw(t, "pause"))
		m.documents[i].Received = at
	}
	top := func(d tomo.RawDocument) tomo.SegmentID {
		var parsed tomo.Document
		parsed.Parse(d)
		return parsed.Segments[0].ID
	}
	for i := range m.documents {
		for j := range i {
			if m.documents[i].Received == m.documents[j].Received && top(m.documents[i]) == top(m.documents[j]) {
				for k := i; k < len(m.documents); k++ {
					m.documents[k].Received++
				}
			}
		}
	}
}

func shuffled[T any](t *rapid.T, list []T) []T {
	if len(list) < 2 {
		return slices.Clone(list)
	}
	return rapid.Permutation(list).Draw(t, "order")
}

// derived is everything that is derived from documents.
type derived struct {
	Summary *tomo.Summary
	Detail  *tomo.Detail
	Trace   *tomo.Trace
	Graph   *tomo.ServiceGraph
}

func deriveAll(docs []tomo.RawDocument) derived {
	s := (&script{}).id()
	summary := derive.Summary(s, docs)
	return derived{summary, derive.Detail(s, docs), derive.Trace(s, docs), derive.Graph(summary)}
}

func diff(a, b derived) string {
	if reflect.DeepEqual(a, b) { // much faster than cmp
		return ""
	}
	return cmp.Diff(a, b, cmp.AllowUnexported(tomo.Histogram{}), cmpopts.IgnoreUnexported(tomo.ServiceGraph{}))
}

// withoutReceipts is d as if everything had been received at once.
func (d derived) withoutReceipts() derived {
	s := *d.Summary
	s.Received, s.Revision = 0, 0
	s.Units, s.Calls = slices.Clone(s.Units), slices.Clone(s.Calls)
	for i := range s.Units {
		s.Units[i].Received = 0
	}
	for i := range s.Calls {
		s.Calls[i].Received = 0
	}
	d.Summary = &s
	detail := *d.Detail
	detail.Summary = &s
	d.Detail = &detail
	return d
}

// Documents given in any order, in any lists, any number of times, give the same.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		want := deriveAll(m.documents)
		again := slices.Clone(m.documents)
		for _, d := range m.documents {
			if rapid.IntRange(0, 3).Draw(t, "repeated") == 0 {
				d.Received += tomo.Time(rapid.IntRange(0, 100_000_000).Draw(t, "later"))
				d.Text = []byte(" " + string(d.Text) + "\n")
				again = append(again, d)
			}
		}
		again = shuffled(t, again)
		if d := diff(want, deriveAll(again)); d != "" {
			t.Fatalf("in another order, with repetitions (-want +got):\n%s", d)
		}
		cut := rapid.IntRange(0, len(again)).Draw(t, "cut")
		deriveAll(again[:cut]) // what was derived before leaves no trace
		if d := diff(want, deriveAll(tomo.MergeDocuments(again[cut:], again[:cut]))); d != "" {
			t.Fatalf("in two batches (-want +got):\n%s", d)
		}
	})
}

// Where no two documents contradict each other, it does not matter which comes
// first: only times of receipt differ.
func TestArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		want := deriveAll(m.documents)
		m.receive(t)
		got := deriveAll(m.documents)
		if d := diff(want.withoutReceipts(), got.withoutReceipts()); d != "" {
			t.Fatalf("-want +got:\n%s", d)
		}
	})
}

// What is derived agrees with what the author of the trace knows.
func TestDerivedAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := traces().Draw(t, "trace")
		got := deriveAll(m.documents)

		var first, last, calls int
		ended := false
		inferred := m.inferred()
		roots := 0
		for _, e := range m.entities {
			owner := m.owner(e)
			if owner == nil {
				continue
			}
			if e.start > 0 && (first == 0 || e.start < first) {
				first = e.start
			}
			if !e.open {
				last, ended = max(last, e.end), true
			}
			if !e.segment {
				continue
			}
			if e.parent == 0 {
				roots++
			}
		}
		shown := map[string]int{}
		for _, s := range got.Trace.Segments {
			var outline struct {
				Inferred bool   `json:"inferred"`
				Parent   string `json:"parent_id"`
				shownIDs
			}
			if err := json.Unmarshal(s.Document, &outline); err != nil {
				t.Fatalf("%s: %v", s.Document, err)
			}
			if outline.Inferred {
				shown["inferred from "+outline.Parent]++
			} else {
				outline.count(shown)
			}
		}
		want := map[string]int{}
		for _, e := range m.entities {
			if m.owner(e) == nil {
				continue
			}
			id := longID(fmt.Sprintf("%x", e.id))
			want[id] = 1
			if inferred[e.id] {
				want["inferred from "+id] = 1
				calls++
			}
		}
		if d := cmp.Diff(want, shown); d != "" {
			t.Errorf("shown (-want +got):\n%s", d)
		}
		duration := tomo.Absent
		if first > 0 && ended {
			duration = time.Duration(max(0, last-first)) * time.Millisecond
		}
		if got.Summary.Duration != duration || got.Trace.Duration != duration {
			t.Errorf("durations are %v and %v, want %v", got.Summary.Duration, got.Trace.Duration, duration)
		}
		if partial := roots == 0; got.Summary.IsPartial != partial || (got.Summary.EntryPoint < 0) != partial {
			t.Errorf("partial %t, entry point %d with %d segments without parent", got.Summary.IsPartial, got.Summary.EntryPoint, roots)
		}
		units := 0
		for _, u := range got.Summary.Units {
			if u.Inferred {
				units++
			}
		}
		if units != calls {
			t.Errorf("%d inferred units, want %d", units, calls)
		}
		sorted(t, got.Summary)
	})
}

// sorted checks the order that a summary promises, and its indexes.
func sorted(t *rapid.T, s *tomo.Summary) {
	for i := range max(0, len(s.Nodes)-1) {
		if s.Nodes[i].Compare(s.Nodes[i+1].NodeID) >= 0 {
			t.Errorf("nodes %v and %v are not in order", s.Nodes[i], s.Nodes[i+1])
		}
	}
	used := make([]bool, len(s.Nodes))
	for _, u := range s.Units {
		used[u.Node] = true
	}
	for _, c := range s.Calls {
		used[c.From], used[c.To] = true, true
	}
	if i := slices.Index(used, false); i >= 0 {
		t.Errorf("node %v has neither unit nor call", s.Nodes[i])
	}
	if !slices.IsSortedFunc(s.Units, func(u, v tomo.Unit) int { return int(u.Start - v.Start) }) {
		t.Errorf("units are not in order of start: %v", s.Units)
	}
}

type shownIDs struct {
	ID       string     `json:"id"`
	Children []shownIDs `json:"subsegments"`
}

func (s shownIDs) count(ids map[string]int) {
	ids[s.ID]++
	for _, child := range s.Children {
		child.count(ids)
	}
}

func (m *model) entity(id int) *modelEntity {
	if id < 1 || id > len(m.entities) {
		return nil
	}
	return m.entities[id-1]
}

// owner is the segment that e hangs under, nil for an orphan.
func (m *model) owner(e *modelEntity) *modelEntity {
	for range m.entities {
		if e == nil || e.segment {
			return e
		}
		e = m.entity(e.parent)
	}
	return nil
}

// inferred are the calls that stand for their callee: no segment came from
// there, or one that consumes what they put into a queue.
func (m *model) inferred() map[int]bool {
	resolved, sent := map[int]bool{}, map[int]bool{}
	for _, e := range m.entities {
		parent := m.entity(e.parent)
		if !e.segment || parent == nil || m.owner(parent) == e {
			continue
		}
		nearest := true
		for p, seen := parent, 0; p != nil && !p.segment && seen <= len(m.entities); p, seen = m.entity(p.parent), seen+1 {
			resolved[p.id] = true
			if p.call && nearest {
				nearest = false
				if p.fields["name"] == "sqs" && e.fields["origin"] != "AWS::SQS::Queue" && strings.Contains(fmt.Sprint(p.fields), "SendMessage") {
					sent[p.id] = true
				}
			}
		}
	}
	inferred := map[int]bool{}
	for _, e := range m.entities {
		if e.call && m.owner(e) != nil && (!resolved[e.id] || sent[e.id]) {
			inferred[e.id] = true
		}
	}
	return inferred
}

// Graphs of several traces add up to the same in any order.
func TestGraphsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var summaries []*tomo.Summary
		for range rapid.IntRange(0, 5).Draw(t, "traces") {
			summaries = append(summaries, deriveAll(traces().Draw(t, "trace").documents).Summary)
		}
		want := derived{Graph: derive.Graph(summaries...)}
		if d := diff(want, derived{Graph: derive.Graph(shuffled(t, summaries)...)}); d != "" {
			t.Fatalf("in another order (-want +got):\n%s", d)
		}
		cut := rapid.IntRange(0, len(summaries)).Draw(t, "cut")
		merged := derive.Graph(summaries[:cut]...)
		merged.Merge(derive.Graph(summaries[cut:]...))
		merged.Sort()
		if d := diff(want, derived{Graph: merged}); d != "" {
			t.Fatalf("merged (-want +got):\n%s", d)
		}
	})
}

// Answers do not share memory with what is derived after them.
func TestAnswersAreOwn(t *testing.T) {
	var all [][]tomo.RawDocument
	var want []string
	text := func(d derived) string {
		return summaryText(d.Summary) + detailText(d.Detail) + causesText(d.Detail.RootCauses) + graphText(d.Graph) + fmt.Sprintf("%s", d.Trace.Segments)
	}
	for seed := range 50 {
		docs := traces().Example(seed).documents
		all, want = append(all, docs), append(want, text(deriveAll(docs)))
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			var held []derived
			for _, docs := range all {
				held = append(held, deriveAll(docs))
			}
			for i := range held {
				if got := text(held[i]); got != want[i] {
					t.Errorf("answer changed (-want +got):\n%s", cmp.Diff(want[i], got))
				}
			}
		})
	}
	workers.Wait()
}
