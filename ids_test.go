package tomo_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

func TestParseTraceID(t *testing.T) {
	const want = "1-695b8ba0-0a61c2d94b7e8f3051a9c7d2"
	for in, any := range map[string]bool{ // whether only ParseAnyTraceID takes it
		want:                                    false,
		strings.ToUpper(want):                   false,
		"695b8ba00a61c2d94b7e8f3051a9c7d2":      true,
		" 695b8ba00a61c2d94b7e8f3051a9c7d2\n":   true,
		"\t1-695b8ba0-0a61c2d94b7e8f3051a9c7d2": true,
	} {
		id, err := tomo.ParseTraceID(in)
		if any != (err != nil) || !any && id.String() != want {
			t.Errorf("ParseTraceID(%q) = %v, %v", in, id, err)
		}
		if id, err = tomo.ParseAnyTraceID(in); err != nil || id.String() != want {
			t.Errorf("ParseAnyTraceID(%q) = %v, %v", in, id, err)
		}
	}
	for _, in := range []string{
		"", "1", "2-695b8ba0-0a61c2d94b7e8f3051a9c7d2", "1-695b8ba0-0a61c2d94b7e8f3051a9c7d",
		"1-695b8ba0-0a61c2d94b7e8f3051a9c7d2f", "1-695b8ba00a61c2d94b7e8f3051a9c7d2-",
		"1-695b8ba0_0a61c2d94b7e8f3051a9c7d2", "1_695b8ba0-0a61c2d94b7e8f3051a9c7d2",
		"1-695b8bg0-0a61c2d94b7e8f3051a9c7d2", "Root=1-695b8ba0-0a61c2d94b7e8f3051a9c7d2",
		"695b8ba00a61c2d94b7e8f3051a9c7dz",
	} {
		if id, err := tomo.ParseAnyTraceID(in); err == nil || id != (tomo.TraceID{}) {
			t.Errorf("ParseAnyTraceID(%q) = %v, want it refused", in, id)
		} else if refused, isError := err.(*tomo.Error); !isError || refused.Code != tomo.InvalidTraceID {
			t.Errorf("ParseAnyTraceID(%q): %#v", in, err)
		}
	}
}

func TestParseSegmentID(t *testing.T) {
	for in, want := range map[string]tomo.SegmentID{
		"0000000000000000": 0, "00000000000000aF": 0xaf, "FFFFFFFFFFFFFFFF": 0xffffffffffffffff,
	} {
		if id, err := tomo.ParseSegmentID(in); err != nil || id != want || id.String() != strings.ToLower(in) {
			t.Errorf("ParseSegmentID(%q) = %v, %v", in, id, err)
		}
	}
	for _, in := range []string{"", "0", "00000000000000000", "000000000000000g", "-000000000000001", "é0000000000000"} {
		if id, err := tomo.ParseSegmentID(in); err == nil || id != 0 {
			t.Errorf("ParseSegmentID(%q) = %v, want it refused", in, id)
		}
	}
}

// TestIDsRoundTrip: every id reads back from each form it is written in.
func TestIDsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := tomo.TraceID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace"))
		text, _ := id.MarshalText()
		var read tomo.TraceID
		if err := read.UnmarshalText(text); err != nil || read != id {
			t.Fatalf("%s reads back as %v, %v", text, read, err)
		}
		if read, err := tomo.ParseAnyTraceID(id.W3C()); err != nil || read != id {
			t.Fatalf("%s reads back as %v, %v", id.W3C(), read, err)
		}
		segment := tomo.SegmentID(rapid.Uint64().Draw(t, "segment"))
		text, _ = segment.MarshalText()
		var readSegment tomo.SegmentID
		if err := readSegment.UnmarshalText(text); err != nil || readSegment != segment {
			t.Fatalf("%s reads back as %v, %v", text, readSegment, err)
		}
	})
}

func TestNewIDs(t *testing.T) {
	now := time.Date(2026, 1, 5, 10, 0, 0, 999, time.UTC)
	a, b := tomo.NewTraceID(now), tomo.NewTraceID(now)
	if first, second := tomo.NewSegmentID(), tomo.NewSegmentID(); a == b || first == second {
		t.Error("two new ids are equal")
	}
	if got := a.Date(); !got.Equal(now.Truncate(time.Second)) || !strings.HasPrefix(a.String(), "1-695b8ba0-") {
		t.Errorf("%v has the date %v", a, got)
	}
}
