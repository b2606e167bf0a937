package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo/api"
)

func TestPercentile(t *testing.T) {
	unsorted := []api.HistogramEntry{{Value: 3, Count: 1}, {Value: 1, Count: 8}, {Value: 2, Count: 1}}
	tests := []struct {
		bins []api.HistogramEntry
		p    float64
		want string
	}{
		{nil, 0.5, "-"},
		{unsorted, 0.5, "1.00 s"},
		{unsorted, 0.8, "1.00 s"},
		{unsorted, 0.9, "2.00 s"},
		{unsorted, 1, "3.00 s"},
	}
	for _, test := range tests {
		if got := percentile(test.bins, test.p); got != test.want {
			t.Errorf("percentile(%v, %v) = %s, want %s", test.bins, test.p, got, test.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // -1: refused
	}{
		{"30d", 30 * 24 * time.Hour}, {"1.5d", 36 * time.Hour}, {"36h", 36 * time.Hour}, {"90s", 90 * time.Second},
		{"0s", 0}, {"-1h", -1}, {"-1d", -1}, {"d", -1}, {"NaNd", -1}, {"1e9d", -1}, {"7", -1}, {"", -1},
	}
	for _, test := range tests {
		got, err := parseDuration(test.in)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", test.in, got, err, test.want)
		}
	}
}

func TestWindow(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	at := func(text string) *moment {
		m := new(moment)
		if err := m.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	tests := []struct {
		name     string
		flags    windowFlags
		from, to string // an empty from: refused
	}{
		{"the last hour, and this moment", windowFlags{Since: time.Hour}, "2026-01-02T14:04:06Z", "2026-01-02T15:04:06Z"},
		{"an hour before an end", windowFlags{Since: time.Hour, To: at("2026-01-01")}, "2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z"},
		{"from a time on", windowFlags{Since: time.Hour, From: at("2026-01-01 12:00:00")}, "2026-01-01T12:00:00Z", "2026-01-02T15:04:06Z"},
		{"both", windowFlags{From: at("1767225600.5"), To: at("2026-01-02T01:00:00+02:00")}, "2026-01-01T00:00:00.5Z", "2026-01-01T23:00:00Z"},
		{"backwards", windowFlags{From: at("2026-01-02"), To: at("2026-01-01")}, "", ""},
	}
	for _, test := range tests {
		from, to, err := test.flags.window(now)
		if test.from == "" {
			if err == nil {
				t.Errorf("%s: got %v to %v, want it refused", test.name, from, to)
			}
			continue
		}
		if err != nil || from.String() != test.from || to.String() != test.to {
			t.Errorf("%s: got %v to %v, %v, want %s to %s", test.name, from, to, err, test.from, test.to)
		}
	}
}

func TestMoment(t *testing.T) {
	tests := []struct{ in, want string }{ // an empty want: refused
		{"2026-01-02T15:04:05Z", "2026-01-02T15:04:05Z"},
		{"2026-01-02T15:04:05.25+02:00", "2026-01-02T13:04:05.25Z"},
		{"2026-01-02 15:04:05-01:30", "2026-01-02T16:34:05Z"},
		{"2026-01-02 15:04:05.000Z", "2026-01-02T15:04:05Z"}, // as it is written in tables
		{"2026-01-02T15:04:05", "2026-01-02T15:04:05Z"},
		{"2026-01-02 15:04", "2026-01-02T15:04:00Z"},
		{"2026-01-02 15:04Z", "2026-01-02T15:04:00Z"},
		{"2026-01-02T15:04", "2026-01-02T15:04:00Z"},
		{"2026-01-02", "2026-01-02T00:00:00Z"},
		{"1767366245", "2026-01-02T15:04:05Z"},
		{"1767366245.5", "2026-01-02T15:04:05.5Z"},
		{"0", "1970-01-01T00:00:00Z"},
		{"253402300799", "9999-12-31T23:59:59Z"},
		{"1767366245000", ""}, // milliseconds
		{"-1", ""}, {"NaN", ""}, {"Inf", ""}, {"1e300", ""}, {"", ""}, {"yesterday", ""}, {"15:04", ""}, {"2026-02-30", ""}, {"2026-01-02 25:00", ""},
	}
	for _, test := range tests {
		var m moment
		err := m.UnmarshalText([]byte(test.in))
		switch {
		case test.want == "" && err == nil:
			t.Errorf("%q is read as %v, want it refused", test.in, m)
		case test.want != "" && (err != nil || m.UTC().Format(time.RFC3339Nano) != test.want):
			t.Errorf("%q is read as %v, %v, want %s", test.in, m.UTC(), err, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		share float64
		want  string
	}{
		{0, "0 %"}, {0.05, "5 %"}, {1.0 / 3, "33.3 %"}, {0.0946, "9.46 %"}, {0.00001234, "0.00123 %"}, {1, "100 %"}, {0.9994, "99.9 %"},
		{0.99977, "99.98 %"}, {0.9999, "99.99 %"}, {0.999999, "99.9999 %"}, {1e-9, "0.0000001 %"},
	}
	for _, test := range tests {
		if got := percent(test.share); got != test.want {
			t.Errorf("percent(%v) = %q, want %q", test.share, got, test.want)
		}
	}
	for f, want := range map[float64]string{0: "0", 0.0009757: "0.000976", 0.2: "0.2", 9.224: "9.22", 99.95: "100", 1384.4: "1384", 14044: "14044", 1.2e7: "12000000"} {
		if got := threeDigits(f); got != want {
			t.Errorf("threeDigits(%v) = %q, want %q", f, got, want)
		}
	}
}

func TestFilterText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "(every trace)"}, {" \n\t", "(every trace)"}, {"fault\n\tOR  error ", "fault OR error"},
		{`annotation.a = "x  y"   AND ok`, `annotation.a = "x  y" AND ok`},
		{`user = "a\"  b" AND  user = "\\"  OR ok`, `user = "a\"  b" AND user = "\\" OR ok`},
		{"user = \"\x1b[31m\"", "user = \"�[31m\""},
	}
	for _, test := range tests {
		if got := filterText(test.in); got != test.want {
			t.Errorf("filterText(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

// TestColours: what is coloured takes no more room.
func TestColours(t *testing.T) {
	paint := palette{on: true}
	red := paint.outcome(&entity{Fault: true}, "500 fault")
	if red != "\x1b[31m500 fault\x1b[0m" || shownLength(red) != 9 || shownLength("ü"+red+"→") != 11 || shownLength("") != 0 {
		t.Errorf("%q takes %d columns", red, shownLength(red))
	}
	if got := padRight(red, 10); got != red+" " {
		t.Errorf("padded to %q", got)
	}
	if got := paint.outcome(&entity{}, ""); got != "" {
		t.Errorf("nothing is coloured to %q", got)
	}
}

func TestTable(t *testing.T) {
	tab := table{slices.Concat([]string{"NAME", right("N")}, counted("FAULTS"), []string{"LAST"})}
	tab.add(slices.Concat([]string{"a", "5"}, count(0, 5), []string{"x"})...)
	tab.add(slices.Concat([]string{"long name", "12345"}, count(12345, 12345), []string{"y"})...)
	tab.add("short")
	want := `NAME           N  FAULTS        LAST
a              5       0        x
long name  12345   12345 100 %  y
short
`
	var out strings.Builder
	if err := tab.write(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAskedAbout(t *testing.T) {
	tests := []struct {
		filters []string
		want    string
	}{
		{[]string{"", "fault"}, "outcome"},
		{[]string{`annotation.tier = "a"`, `!annotation["two words"]`}, "annotation[tier] annotation[two words]"},
		{[]string{`http.status >= 500 OR (user = "x" AND !ok)`}, "http.status outcome user"},
		{[]string{`service("shop") { fault }`, `edge("a", "b")`, `rootcause.fault.service { name = "a" }`}, ""}, // other services may differ, too
		{[]string{"not of this language"}, ""},
	}
	for _, test := range tests {
		if got := strings.Join(slices.Sorted(maps.Keys(askedAbout(test.filters))), " "); got != test.want {
			t.Errorf("%q ask about %q, want %q", test.filters, got, test.want)
		}
	}
}

func TestWriteDifferences(t *testing.T) {
	difference := func(attribute, filter string, a, b int64) api.AnalysisDifference {
		return api.AnalysisDifference{Attribute: attribute, FilterExpression: filter, Counts: []int64{a, b}, Shares: []api.Double{api.Double(float64(a) / 200), api.Double(float64(b) / 100)}}
	}
	all := []api.AnalysisDifference{
		difference("outcome", "fault", 0, 100), difference("outcome", "ok", 200, 0),
		difference("annotation[build]", `annotation.build = "b2"`, 10, 90), difference("user", `user = "x"`, 0, 30), difference("type", `type = "t"`, 0, 20),
	}
	tests := []struct {
		name        string
		differences []api.AnalysisDifference
		want        string
	}{
		{"as many as wanted", all, `WHAT DIFFERS MOST         A       B
annotation.build = "b2"  10 5 %  90 90 %
user = "x"                0      30 30 %
Left out, because the filters ask about it: outcome.
`},
		{"only what is asked about", all[:2], "Nothing else differs by more than chance, of 17 values compared.\nLeft out, because the filters ask about it: outcome.\n"},
		{"nothing", nil, "Nothing differs by more than chance, of 17 values compared.\n"},
	}
	for _, test := range tests {
		var out strings.Builder
		if err := writeDifferences(&out, &api.Analysis{Differences: test.differences, Compared: 17}, []string{"", "fault"}, 2); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
