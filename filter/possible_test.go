package filter_test

import (
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// TestPossible asks what the sketch of a document without a fault that took
// 0.2 seconds rules out. That it rules out nothing that holds is held against
// everything else in package query.
func TestPossible(t *testing.T) {
	var d tomo.Document
	refusal := d.Parse(tomo.RawDocument{Text: []byte(`{"trace_id":"1-69b57a26-1a3d1e60dd1a8567d1b67dac","id":"0000000000000001","name":"front","start_time":100,"end_time":100.2,
		"http":{"response":{"status":404}},"annotations":{"tier":"gold"}}`)})
	if refusal != nil {
		t.Fatal(refusal)
	}
	in, _ := d.Incoming(nil)
	for text, want := range map[string]bool{
		`fault`: false, `!fault`: true, `error`: true, `throttle OR fault`: false, `fault OR ok`: true,
		`duration > 0.2`: false, `duration >= 0.2`: true, `duration < 0.1`: true, `responsetime > 1`: false, `!(duration > 1)`: true,
		`service("front") { fault }`: false, `!service("front") { fault }`: true, `service("front") { responsetime > 0.3 }`: false,
		`service("front") { error }`: true, `edge("client", "front") { throttle }`: false, `service("front") AND duration > 0.1`: true,
		`annotation.tier = "gold"`: true, `annotation.tier`: true, `annotation.tier != "lead"`: true, `http.status = 404`: true, `user BEGINSWITH "a"`: true,
		`partial`: true, `inferred`: true, `http.url = "x"`: true,
	} {
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		test := filter.PlanFor(e, nil).Possible()
		if got := test == nil || test(&in.Sketch); got != want {
			t.Errorf("%s: possible is %v, want %v", text, got, want)
		}
	}
}
