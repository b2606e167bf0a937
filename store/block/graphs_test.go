package block

import (
	"errors"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
)

// FuzzUnpack: sections have checksums, but what is not what was written is
// refused, and never panics, also where somebody made the sum fit.
func FuzzUnpack(f *testing.F) {
	t := new(tomo.GroupTally)
	for i := range 150 {
		at := tomo.Time(i) * 1e6
		took := time.Duration(i*i) * time.Millisecond
		t.Add(&tomo.Summary{
			Began:  at,
			Nodes:  []tomo.Node{{NodeID: tomo.NodeID{Name: "a", Type: "client"}, State: tomo.StateUnknown}, {NodeID: tomo.NodeID{Name: "b"}, Root: true, Region: "r"}},
			Units:  []tomo.Unit{{Node: 1, Received: at, ResponseTime: took, Duration: took, Outcome: tomo.Outcome(i % 4)}},
			Calls:  []tomo.Call{{From: 0, To: 1, Received: at, ResponseTime: took, AliasName: "c"}},
			Groups: []string{"G"},
		})
	}
	f.Add(pack(t.Graphs()["G"]))
	f.Add(packCounts(map[string]map[tomo.Time]tomo.Dropped{"": {0: {Traces: 1, Documents: 2, Bytes: 300}}, "G": {tomo.Minute: {Traces: 1}}}))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := unpackCounts(content); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("counts: %v", err)
		}
		m, err := unpack(content)
		if err == nil {
			err = m.Each(nil, func(tomo.Time, *tomo.ServiceGraph) {})
		}
		if err == nil {
			err = m.AddTotal(new(tomo.ServiceGraph))
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("graphs: %v", err)
		}
	})
}
