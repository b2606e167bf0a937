package tomo_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

var sameGraph = cmp.Options{cmpopts.IgnoreUnexported(tomo.ServiceGraph{}), cmpopts.EquateEmpty(), sameHistogram}

// summary draws a trace through a few services. What it says may be nonsense;
// the graph only has to count it the same way in any order.
func summary(t *rapid.T) *tomo.Summary {
	s := &tomo.Summary{Began: tomo.Time(rapid.Int64Range(0, 300e6).Draw(t, "began"))}
	for i := range rapid.IntRange(1, 4).Draw(t, "nodes") {
		s.Nodes = append(s.Nodes, tomo.Node{
			NodeID: tomo.NodeID{Name: fmt.Sprint("service-", i), Type: rapid.SampledFrom([]string{"", "AWS::SQS::Queue"}).Draw(t, "type")},
			State:  tomo.State(rapid.IntRange(0, 2).Draw(t, "state")),
			Root:   rapid.Bool().Draw(t, "root"),
			Region: rapid.SampledFrom([]string{"", "eu-central-1"}).Draw(t, "region"),
		})
	}
	node := rapid.IntRange(0, len(s.Nodes)-1)
	received := rapid.Map(rapid.Int64Range(0, 100), func(n int64) tomo.Time { return tomo.Time(n) })
	duration := rapid.Map(rapid.IntRange(0, 5000), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
	outcome := rapid.Map(rapid.IntRange(0, 3), func(n int) tomo.Outcome { return tomo.Outcome(n) })
	for range rapid.IntRange(0, 6).Draw(t, "units") {
		s.Units = append(s.Units, tomo.Unit{
			Node: node.Draw(t, "node"), Received: received.Draw(t, "received"), Open: rapid.Bool().Draw(t, "open"),
			ResponseTime: duration.Draw(t, "response time"), Duration: duration.Draw(t, "duration"), Outcome: outcome.Draw(t, "outcome"),
		})
	}
	for range rapid.IntRange(0, 6).Draw(t, "calls") {
		s.Calls = append(s.Calls, tomo.Call{
			From: node.Draw(t, "from"), To: node.Draw(t, "to"), Received: received.Draw(t, "received"), Open: rapid.Bool().Draw(t, "open"),
			ResponseTime: duration.Draw(t, "response time"), Outcome: outcome.Draw(t, "outcome"),
			AliasName: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "alias"), AliasType: "remote",
		})
	}
	return s
}

// TestServiceGraphMerge: however traces are cut into graphs and in whatever
// order these are merged, the sorted graph is the same; and a range of receipt
// is the sum of its parts.
func TestServiceGraphMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traces := rapid.SliceOfN(rapid.Custom(summary), 0, 6).Draw(t, "traces")
		cut := tomo.Time(rapid.Int64Range(0, 100).Draw(t, "cut"))

		var want tomo.ServiceGraph
		for _, s := range traces {
			want.Add(s, tomo.Always)
		}
		want.Sort()

		var parts []*tomo.ServiceGraph
		for _, s := range traces {
			before, after := new(tomo.ServiceGraph), new(tomo.ServiceGraph)
			before.Add(s, tomo.TimeRange{Start: tomo.Always.Start, End: cut})
			after.Add(s, tomo.TimeRange{Start: cut, End: tomo.Always.End})
			parts = append(parts, before, after)
		}
		parts = rapid.Permutation(parts).Draw(t, "order")
		var got, half tomo.ServiceGraph
		for i, part := range parts {
			if i%2 == 0 {
				part.Sort() // as one that comes from a store
				got.Merge(part)
			} else {
				half.Merge(part)
			}
		}
		got.Merge(&half)
		got.Sort()
		if diff := cmp.Diff(want, got, sameGraph); diff != "" {
			t.Fatalf("(-added +merged)\n%s", diff)
		}
	})
}

// TestTally: several graphs at once are what each is by itself.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := tomo.TimeRange{Start: 10, End: tomo.Time(rapid.Int64Range(10, 100).Draw(t, "end"))}
		var tally tomo.Tally
		var want, got [3]tomo.ServiceGraph
		for i, s := range rapid.SliceOfN(rapid.Custom(summary), 0, 9).Draw(t, "traces") {
			if i > 4 { // so many that not all have a number that graphs know
				for k := range 100 {
					s.Nodes = append(s.Nodes, tomo.Node{NodeID: tomo.NodeID{Name: fmt.Sprint("trace ", i, " node ", k)}, Root: k%2 == 0})
					s.Units = append(s.Units, tomo.Unit{Node: len(s.Nodes) - 1, Received: 20})
				}
			}
			var counted []*tomo.ServiceGraph
			for k := range got {
				if k == 0 || rapid.Bool().Draw(t, "counted") {
					want[k].Add(s, r)
					counted = append(counted, &got[k])
				}
			}
			tally.Add(s, r, counted...)
			if rapid.IntRange(0, 3).Draw(t, "flush") == 0 {
				tally.Flush()
			}
		}
		tally.Flush()
		for k := range got {
			want[k].Sort()
			got[k].Sort()
		}
		if diff := cmp.Diff(want, got, sameGraph); diff != "" {
			t.Fatalf("(-each by itself +together)\n%s", diff)
		}
	})
}

// TestServiceGraphAdd counts one trace by hand: what is open or was received
// outside the range counts nowhere, and a late callee brings its caller along
// without counts.
func TestServiceGraphAdd(t *testing.T) {
	web, queue := tomo.NodeID{Name: "web"}, tomo.NodeID{Name: "jobs", Type: "AWS::SQS::Queue"}
	s := &tomo.Summary{
		Began: 5_700_000,
		Nodes: []tomo.Node{{NodeID: web, Root: true}, {NodeID: queue, State: tomo.StateUnknown}},
		Units: []tomo.Unit{
			{Node: 0, Received: 1, ResponseTime: 2 * time.Second, Duration: 3 * time.Second, Outcome: tomo.OutcomeThrottle},
			{Node: 1, Received: 9, ResponseTime: time.Second, Duration: time.Second, Outcome: tomo.OutcomeFault},
			{Node: 1, Received: 9, Open: true, ResponseTime: time.Hour},
		},
		Calls: []tomo.Call{
			{From: 0, To: 1, Received: 9, ResponseTime: time.Second, Outcome: tomo.OutcomeError, AliasName: "SQS", AliasType: "AWS::SQS"},
			{From: 1, To: 0, Received: 9, Open: true},
		},
	}
	one := histogramOf([]time.Duration{time.Second})
	callee := tomo.Service{
		Node: s.Nodes[1], First: 5e6, Last: 5e6,
		Statistics:        tomo.Statistics{Fault: 1, TotalResponseTime: time.Second},
		DurationHistogram: one, ResponseTimeHistogram: one,
	}

	var late tomo.ServiceGraph
	late.Add(s, tomo.TimeRange{Start: 2, End: 10})
	late.Sort()
	want := tomo.ServiceGraph{
		First: 5e6, Last: 5e6,
		Services: []tomo.Service{callee, {Node: s.Nodes[0], First: 5e6, Last: 5e6}},
		Edges: []tomo.ServiceEdge{{From: 1, To: 0,
			Statistics:            tomo.Statistics{Error: 1, TotalResponseTime: time.Second},
			ResponseTimeHistogram: one,
			Aliases:               []tomo.Alias{{Name: "SQS", Type: "AWS::SQS"}},
		}},
	}
	if diff := cmp.Diff(want, late, sameGraph); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	var early tomo.ServiceGraph
	early.Add(s, tomo.TimeRange{Start: 0, End: 2})
	want = tomo.ServiceGraph{First: 5e6, Last: 5e6, Services: []tomo.Service{{
		Node: s.Nodes[0], First: 5e6, Last: 5e6,
		Statistics:            tomo.Statistics{Throttle: 1, TotalResponseTime: 2 * time.Second},
		DurationHistogram:     histogramOf([]time.Duration{3 * time.Second}),
		ResponseTimeHistogram: histogramOf([]time.Duration{2 * time.Second}),
	}}}
	if diff := cmp.Diff(want, early, sameGraph); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if total := early.Services[0].Statistics.Total(); total != 1 {
		t.Errorf("%d requests", total)
	}
}

// TestTallyOfMany: more traces than wait, with times of all lengths.
func TestTallyOfMany(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var tally tomo.Tally
	var want, got [4]tomo.ServiceGraph
	for i := range 10_000 {
		s := &tomo.Summary{Began: tomo.Time(i) * 1e6, Nodes: []tomo.Node{{NodeID: tomo.NodeID{Name: "a"}}, {NodeID: tomo.NodeID{Name: "b"}, Root: i%3 == 0}}}
		took := time.Duration(random.Int64N(int64(1) << random.IntN(62)))
		s.Units = []tomo.Unit{{Node: i % 2, ResponseTime: took, Duration: took / 3, Outcome: tomo.Outcome(i % 4)}}
		s.Calls = []tomo.Call{{From: 0, To: 1, ResponseTime: took / 2}}
		var counted []*tomo.ServiceGraph
		for k := range got {
			if k == 0 || random.IntN(2) == 0 {
				want[k].Add(s, tomo.Always)
				counted = append(counted, &got[k])
			}
		}
		tally.Add(s, tomo.Always, counted...)
	}
	tally.Flush()
	for k := range got {
		want[k].Sort()
		got[k].Sort()
	}
	if diff := cmp.Diff(want, got, sameGraph); diff != "" {
		t.Fatalf("(-each by itself +together)\n%s", diff)
	}
}
