package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/settings"
)

// TestInsightsCommand lists and shows what a server found before it was started.
func TestInsightsCommand(t *testing.T) {
	start := tomo.TimeOf(time.Now()).StartOfMinute() - 100*tomo.Minute
	bank := tomo.NodeID{Name: "bank.example", Type: "remote"}
	in := insights.Insight{GroupARN: "arn:aws:xray:" + settings.DefaultRegion + ":" + settings.DefaultAccount + ":group/Default", GroupName: "Default", Insight: tomo.Insight{
		ID: "0a1b2c3d-0000-5000-8000-000000000000", Start: start, End: start + 75*tomo.Minute, Updated: start + 85*tomo.Minute, Faults: true,
		RootCause: bank, Affected: []tomo.NodeID{bank, {Name: "shop"}}, Client: tomo.Impact{Fault: 10, OK: 90, Total: 100}, AtCause: tomo.Impact{Fault: 12, OK: 88, Total: 100},
		Summary: "Faults were frequent for 75 minutes. And so on.",
	}}
	for minute, kind := range []tomo.InsightEventKind{tomo.InsightOpened, tomo.InsightClosed} {
		in.Events = append(in.Events, tomo.InsightEvent{Time: start + tomo.Time(minute)*85*tomo.Minute, Kind: kind, Summary: fmt.Sprintf("It %s. So.", kind), Top: in.Affected})
	}
	dir := t.TempDir()
	text, err := json.Marshal(map[string]any{"version": 1, "insights": []insights.Insight{in}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "settings"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "settings", "insights.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	endpoint, stop, err := startServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()

	at := func(minutes int, layout string) string {
		return start.Add(time.Duration(minutes) * time.Minute).Std().Format(layout)
	}
	const minutes, exact = "2006-01-02 15:04Z", "2006-01-02 15:04:05.000Z"
	list := "START              STATE   LASTED      GROUP    ROOT CAUSE             CLIENT FAULTS  ID\n" +
		at(0, minutes) + "  closed  1 h 15 min  Default  bank.example (remote)  10 of 100      " + in.ID + "\n"
	none := "No insights in this time.\n"
	for _, tt := range []struct{ args, want, failure string }{
		{args: "insights", want: list},
		{args: "insights list --group Default --closed --since 2h", want: list},
		{args: "insights list --group " + in.GroupARN, want: list},
		{args: "insights --active", want: none},
		{args: "insights --since 20m", want: none},
		{args: "insights --active --closed", failure: "can't be used together"},
		{args: "insights --group nope", failure: "Group not found."},
		{args: "insights --since 40d", failure: "Start time cannot be more than 30 days ago"},
		{args: "insights show " + in.ID, want: in.Summary + "\n\n" +
			"insight        " + in.ID + "\nstate          closed\ngroup          Default\nstart          " + at(0, exact) + "\nend            " + at(75, exact) + "\nlasted         1 h 15 min\n" +
			"root cause     bank.example (remote)\nfaults there   12 of 100\nclient faults  10 of 100\naffected       bank.example (remote)\n               shop\n"},
		{args: "insights show 0a1b2c3d-0000-5000-8000-000000000001", failure: "Insight not found"},
		{args: "insights show x", failure: "regular expression pattern"},
		{args: "insights events " + in.ID, want: at(85, minutes) + "  It closed. So.\n" + at(0, minutes) + "  It opened. So.\n"},
	} {
		var out, errs bytes.Buffer
		status := run(context.Background(), append(strings.Fields(tt.args), "--endpoint", endpoint), &streams{out: &out, err: &errs})
		if (status != 0) != (tt.failure != "") || !strings.Contains(errs.String(), tt.failure) {
			t.Errorf("tomo %s ends with %d: %s", tt.args, status, errs.String())
		}
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("tomo %s (-want +got)\n%s", tt.args, diff)
		}
	}
	for _, args := range []string{"insights", "insights show " + in.ID, "insights events " + in.ID} {
		var out, errs bytes.Buffer
		status := run(context.Background(), append(strings.Fields(args), "--json", "--endpoint", endpoint), &streams{out: &out, err: &errs})
		if status != 0 || !json.Valid(out.Bytes()) || !strings.Contains(out.String(), `"TopAnomalousServices":[{`) {
			t.Errorf("tomo %s --json: %d %s %s", args, status, out.String(), errs.String())
		}
	}
}

func TestBadWebhook(t *testing.T) {
	var out, errs bytes.Buffer
	status := run(context.Background(), []string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--insights-webhook", "example.com"}, &streams{out: &out, err: &errs})
	if status != 1 || !strings.Contains(errs.String(), `"example.com" is not the URL of a webhook`) {
		t.Errorf("%d %s", status, errs.String())
	}
}
