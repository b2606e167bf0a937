package tomo_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

func TestParseTraceHeader(t *testing.T) {
	const (
		rootID   = "1-5759e988-bd862e3fe1be46a994272793"
		parentID = "53995c3f42cd8ad8"
	)
	root, err := tomo.ParseTraceID(rootID)
	if err != nil {
		t.Fatal(err)
	}
	const parent tomo.SegmentID = 0x53995c3f42cd8ad8
	full := tomo.TraceHeader{Root: root, Parent: parent, Sampled: tomo.Sampled}
	extra := func(key, value string) []tomo.HeaderPart { return []tomo.HeaderPart{{Key: key, Value: value}} }

	tests := []struct {
		in      string // R and P stand for the two ids
		want    tomo.TraceHeader
		written string // "" means as given
		wrong   bool
	}{
		{in: "Root=R", want: tomo.TraceHeader{Root: root}},
		{in: "Root=R;Parent=P;Sampled=1", want: full},
		{in: "Root=R;Parent=P;Sampled=0", want: tomo.TraceHeader{Root: root, Parent: parent, Sampled: tomo.NotSampled}},
		{in: "Root=R;Parent=P;Sampled=?", want: tomo.TraceHeader{Root: root, Parent: parent, Sampled: tomo.SamplingAsked}},
		{in: "Root=R;Parent=P", want: tomo.TraceHeader{Root: root, Parent: parent}},
		{in: "Root=R;Sampled=1", want: tomo.TraceHeader{Root: root, Sampled: tomo.Sampled}},
		{in: "Sampled=1;Parent=P;Root=R", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: "Root=R; Parent=P; Sampled=1", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: " Root = R;Parent=P;Sampled=1 ", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: "Root=R;;Parent=P;Sampled=1;", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: ";Root=R;Parent=P;Sampled=1;foo", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: "Self=1-67891234-12456789abcdef012345678;Root=R", want: tomo.TraceHeader{Root: root, Self: "1-67891234-12456789abcdef012345678"},
			written: "Root=R;Self=1-67891234-12456789abcdef012345678"},
		{in: "Root=R;Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2",
			want: tomo.TraceHeader{Root: root, Sampled: tomo.Sampled, Lineage: "a87bd80c:1|68fd508a:5|c512fbe3:2"}},
		{in: "Root=R;Sampled=1;CalledFrom=app", want: tomo.TraceHeader{Root: root, Sampled: tomo.Sampled, Extra: extra("CalledFrom", "app")}},
		{in: "Root=R;Key=a=b", want: tomo.TraceHeader{Root: root, Extra: extra("Key", "a=b")}},
		{in: "k=1;k=2", want: tomo.TraceHeader{Extra: extra("k", "2")}, written: "k=2"},
		{in: "root=R", want: tomo.TraceHeader{Extra: extra("root", rootID)}},
		{in: "Root=R;Sampled=0;Sampled=1", want: tomo.TraceHeader{Root: root, Sampled: tomo.Sampled}, written: "Root=R;Sampled=1"},
		{in: "Root=R;Sampled=true", want: tomo.TraceHeader{Root: root}, written: "Root=R"},
		{in: "Root=R;Sampled=2", want: tomo.TraceHeader{Root: root}, written: "Root=R"},
		{in: "Root=1-5759E988-BD862E3FE1BE46A994272793;Parent=53995C3F42CD8AD8;Sampled=1", want: full, written: "Root=R;Parent=P;Sampled=1"},
		{in: "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0", want: tomo.TraceHeader{Sampled: tomo.NotSampled}, written: "Sampled=0"},
		{in: "", want: tomo.TraceHeader{}},
		{in: "Root", want: tomo.TraceHeader{}, written: "-"},
		{in: "garbage", want: tomo.TraceHeader{}, written: "-"},

		// A bad id is told and does not spoil the rest.
		{in: "Root=1-5759e988bd862e3fe1be46a994272793;Parent=P;Sampled=1", want: tomo.TraceHeader{Parent: parent, Sampled: tomo.Sampled}, written: "Parent=P;Sampled=1", wrong: true},
		{in: "Root=2-5759e988-bd862e3fe1be46a994272793", want: tomo.TraceHeader{}, written: "-", wrong: true},
		{in: "Root=R;Parent=zz995c3f42cd8ad8;Sampled=0", want: tomo.TraceHeader{Root: root, Sampled: tomo.NotSampled}, written: "Root=R;Sampled=0", wrong: true},
		{in: "Root=R,Parent=P,Sampled=1", want: tomo.TraceHeader{}, written: "-", wrong: true},
	}
	fill := strings.NewReplacer("=R", "="+rootID, "= R", "= "+rootID, "=P", "="+parentID).Replace
	for _, tt := range tests {
		in := fill(tt.in)
		got, err := tomo.ParseTraceHeader(in)
		if tt.wrong != (err != nil) {
			t.Errorf("%q: error %v", in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", in, diff)
		}
		written := in
		if tt.written == "-" {
			written = ""
		} else if tt.written != "" {
			written = fill(tt.written)
		}
		if got.String() != written {
			t.Errorf("%q is written %q, want %q", in, got, written)
		}
	}
}

// TestTraceHeaderRoundTrip: what is written reads back as the same.
func TestTraceHeaderRoundTrip(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9:|]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		h := tomo.TraceHeader{
			Root:    tomo.TraceID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "root")),
			Parent:  tomo.SegmentID(rapid.Uint64().Draw(t, "parent")),
			Sampled: tomo.Sampling(rapid.IntRange(0, 3).Draw(t, "sampled")),
			Self:    rapid.StringMatching(`[a-z0-9=-]{0,8}`).Draw(t, "self"),
			Lineage: rapid.StringMatching(`[a-z0-9:|]{0,8}`).Draw(t, "lineage"),
		}
		for _, key := range rapid.SliceOfNDistinct(part, 0, 3, rapid.ID[string]).Draw(t, "keys") {
			h.Extra = append(h.Extra, tomo.HeaderPart{Key: key, Value: part.Draw(t, "value")})
		}
		read, err := tomo.ParseTraceHeader(h.String())
		if diff := cmp.Diff(h, read); diff != "" || err != nil {
			t.Fatalf("%s: %v (-want +got)\n%s", h, err, diff)
		}
	})
}
