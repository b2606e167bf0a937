package sdk_test

import (
	"strings"
	"testing"

	"github.com/tomotrace/tomo/sdk"
)

const (
	root   = "1-5759e988-bd862e3fe1be46a994272793"
	parent = "53995c3f42cd8ad8"
)

func TestParseHeader(t *testing.T) {
	r, err := sdk.ParseTraceID(root)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sdk.ParseID(parent)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		in   string // R and P stand for good ids
		want sdk.Header
	}{
		{"Root=R", sdk.Header{Root: r}},
		{"Root=R;Parent=P;Sampled=1", sdk.Header{Root: r, Parent: p, Sampled: sdk.Sampled}},
		{"Root=R;Parent=P;Sampled=0", sdk.Header{Root: r, Parent: p, Sampled: sdk.NotSampled}},
		{"Root=R;Parent=P;Sampled=?", sdk.Header{Root: r, Parent: p, Sampled: sdk.Asked}},
		{"Root=R;Parent=P", sdk.Header{Root: r, Parent: p}},
		{"Root=R;Sampled=1", sdk.Header{Root: r, Sampled: sdk.Sampled}},
		{"Sampled=1;Parent=P;Root=R", sdk.Header{Root: r, Parent: p, Sampled: sdk.Sampled}},
		{" Root=R; Parent=P ; Sampled=1 ", sdk.Header{Root: r, Parent: p, Sampled: sdk.Sampled}},
		{"Self=1-2-3;Root=R;Parent=P;Sampled=1", sdk.Header{Root: r, Parent: p, Sampled: sdk.Sampled}},
		{"Root=R;Parent=P;Sampled=1;Lineage=1:a87bd80c:0", sdk.Header{Root: r, Parent: p, Sampled: sdk.Sampled, Extra: "Lineage=1:a87bd80c:0"}},
		{"Root=R;foo;a=b=c;a=d", sdk.Header{Root: r, Extra: "a=d"}},
		{"Root=R;a=b=c;x=y", sdk.Header{Root: r, Extra: "a=b=c;x=y"}},
		{"root=R;parent=P", sdk.Header{Extra: "root=" + root + ";parent=" + parent}},
		{"Root=" + strings.ToUpper(root) + ";Parent=" + strings.ToUpper(parent), sdk.Header{Root: r, Parent: p}},
		{"Root=1-5759e988bd862e3fe1be46a994272793", sdk.Header{}},
		{"Root=2" + root[1:], sdk.Header{}},
		{"Root=" + root[:34], sdk.Header{}},
		{"Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0", sdk.Header{Sampled: sdk.NotSampled}},
		{"Root=R;Parent=zz995c3f42cd8ad8", sdk.Header{Root: r}},
		{"Root=R;Sampled=2", sdk.Header{Root: r}},
		{"Root=R;Sampled=1;Sampled=true", sdk.Header{Root: r}},
		{"Root=1-0;Root=R", sdk.Header{Root: r}},
		{"Root=R,Parent=P", sdk.Header{}},
		{"Root=R;;Parent=P;", sdk.Header{Root: r, Parent: p}},
		{";;", sdk.Header{}},
		{"", sdk.Header{}},
		{"garbage", sdk.Header{}},
		{"Root=R;a=b\nc", sdk.Header{Root: r}},
	}
	for _, tt := range tests {
		in := strings.NewReplacer("=R", "="+root, "=P", "="+parent).Replace(tt.in)
		got := sdk.ParseHeader(in)
		if got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.in, got, tt.want)
		}
		if again := sdk.ParseHeader(got.String()); again != got {
			t.Errorf("%q is written %q and read %+v", tt.in, got, again)
		}
	}
}

func TestParseTraceparent(t *testing.T) {
	tests := []struct{ in, want string }{ // an empty want means none
		{"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", "Root=" + root + ";Parent=" + parent + ";Sampled=1"},
		{"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00", "Root=" + root + ";Parent=" + parent + ";Sampled=0"},
		{"01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-03-later", "Root=" + root + ";Parent=" + parent + ";Sampled=1"},
		{"ff-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", ""},
		{"00-00000000000000000000000000000000-53995c3f42cd8ad8-01", ""},
		{"00-5759e988bd862e3fe1be46a994272793-0000000000000000-01", ""},
		{"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-0", ""},
		{"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01x", ""},
		{"", ""},
	}
	for _, tt := range tests {
		h, ok := sdk.ParseTraceparent(tt.in)
		if h.String() != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, %v", tt.in, h, ok)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add("Root=" + root + ";Parent=" + parent + ";Sampled=1;Lineage=1:a:0")
	f.Add("a=b;;c=d=e;Self=1; Sampled=?")
	f.Add("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	f.Fuzz(func(t *testing.T, text string) {
		h := sdk.ParseHeader(text)
		written := h.String()
		if again := sdk.ParseHeader(written); again != h {
			t.Errorf("%q is written %q and read %+v, not %+v", text, written, again, h)
		}
		if strings.ContainsAny(written, "\r\n\x00") {
			t.Errorf("%q is written %q, which no header can hold", text, written)
		}
		sdk.ParseTraceparent(text)
	})
}

func TestIDs(t *testing.T) {
	for _, bad := range []string{"", "1-5759e988-bd862e3fe1be46a99427279", root + "0", "1-5759e98g-bd862e3fe1be46a994272793", "1_5759e988-bd862e3fe1be46a994272793"} {
		if id, err := sdk.ParseTraceID(bad); err == nil || id != (sdk.TraceID{}) {
			t.Errorf("%q is read %v, %v", bad, id, err)
		}
	}
	for _, bad := range []string{"", "53995c3f42cd8ad", "53995c3f42cd8ad80", "53995c3f42cd8adg"} {
		if id, err := sdk.ParseID(bad); err == nil || id != 0 {
			t.Errorf("%q is read %v, %v", bad, id, err)
		}
	}
	seen := map[sdk.ID]bool{}
	for range 1000 {
		id := sdk.NewID()
		again, err := sdk.ParseID(id.String())
		if err != nil || again != id || id == 0 || seen[id] {
			t.Fatalf("%v, %v, %v", id, again, err)
		}
		seen[id] = true
	}
}
