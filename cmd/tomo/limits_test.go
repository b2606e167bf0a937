package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/settings"
)

// serveFlags reads the flags of tomo serve.
func serveFlags(t *testing.T, flags ...string) *serveCmd {
	t.Helper()
	var c commands
	parser, err := newParser(&c, context.Background(), &streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"serve"}, flags...)); err != nil {
		t.Fatal(err)
	}
	return &c.Serve
}

func TestQuotaFlag(t *testing.T) {
	tests := []struct {
		flags []string
		env   string
		want  server.Quotas
	}{
		{},
		{flags: []string{"--quota", "segments=2600,put=100,sampling=1e3,read=0.5,change=5"}, want: server.Quotas{Segments: 2600, Put: 100, Sampling: 1000, Read: 0.5, Change: 5}},
		{flags: []string{"--quota", "aws"}, want: server.Quotas{Segments: 2600}},
		{flags: []string{"--quota", "aws, read=50"}, want: server.Quotas{Segments: 2600, Read: 50}},
		{flags: []string{"--quota", "aws,segments=9"}, want: server.Quotas{Segments: 9}},
		{flags: []string{"--quota", "put=1", "--quota=read=2"}, want: server.Quotas{Put: 1, Read: 2}},
		{env: "aws,change=1", want: server.Quotas{Segments: 2600, Change: 1}},
	}
	for _, test := range tests {
		if test.env != "" {
			t.Setenv("TOMO_QUOTA", test.env)
		}
		if got := serveFlags(t, test.flags...).Quota.Quotas; got != test.want {
			t.Errorf("%v %q: %+v, want %+v", test.flags, test.env, got, test.want)
		}
	}
}

// TestLimitFlag: each limit can be set, gets where it counts, and is X-Ray's if
// nothing is said; the reference tells of each.
func TestLimitFlag(t *testing.T) {
	reference, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range limits {
		if row := "`--limit " + l.name + "=…`"; !strings.Contains(string(reference), row) {
			t.Errorf("docs/operations.md has no row for %s", row)
		}
		if l.about == "" || limits[i].xray > 0 && !strings.Contains(limitsText(), fmt.Sprintf("%s=%d", l.name, l.xray)) {
			t.Errorf("limit %s is not told of", l.name)
		}
		if got := serveFlags(t, "--limit", l.name+"=7").Limit; len(got) != 1 || got[l.name] != 7 {
			t.Errorf("limit %d: %v", i, got)
		}
	}
	c := serveFlags(t, "--limit", "groups=1,sampling-rules=2,tags=3,policies=4,policy-bytes=5", "--limit", "annotations=6,links=7,trace-links=8,batch-traces=9")
	if diff := cmp.Diff(settings.Limits{Groups: 1, SamplingRules: 2, Tags: 3, Policies: 4, PolicySize: 5}, c.Limit.ofSettings()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, want := c.Limit.ofTraces(), (tomo.Limits{Annotations: 6, Links: 7, TraceLinks: 8}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := serveFlags(t, "--limit", "modification-days=30").Limit.modifiable(); got != 30*24*time.Hour {
		t.Errorf("traces take documents for %v", got)
	}
	if got := serveFlags(t).Limit; got.ofTraces() != (tomo.Limits{}) || got.ofSettings() != (settings.Limits{}) {
		t.Errorf("%v without a flag", got)
	}
}
