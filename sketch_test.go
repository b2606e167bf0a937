package tomo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
)

// TestSketch asks the sketch of two documents for what is in them, and for
// what is not: that a filter may be wrong about, but not often.
func TestSketch(t *testing.T) {
	sketch := sketchOf(t, `{"trace_id":"1-69b57a26-1a3d1e60dd1a8567d1b67dac","id":"0000000000000001","name":"caf\u00e9","start_time":100,"end_time":100.5,
		"user":"ann","http":{"response":{"status":503}},"annotations":{"order":"o-7","size":-0,"new":true},
		"subsegments":[{"id":"0000000000000002","name":"dynamodb","namespace":"aws","start_time":100.1,"end_time":101,"aws":{"operation":"GetItem","table_name":"carts"}}]}`)
	other := sketchOf(t, `{"trace_id":"1-69b57a26-1a3d1e60dd1a8567d1b67dac","id":"0000000000000003","name":"bank","start_time":99,"in_progress":true}`)
	if sketch.Longest() != time.Second {
		t.Errorf("it took %v at the longest, not 1 s", sketch.Longest())
	}
	sketch.Merge(&other)
	if sketch.Longest() != 2*time.Second {
		t.Errorf("both took %v at the longest, not 2 s", sketch.Longest())
	}
	text := func(s string) *tomo.Value { return &tomo.Value{Kind: tomo.StringValue, String: s} }
	for name, may := range map[string]bool{
		"name": sketch.MayHave(tomo.NodeWord("café")), "resource": sketch.MayHave(tomo.NodeWord("carts")), "call": sketch.MayHave(tomo.NodeWord("dynamodb")), "merged name": sketch.MayHave(tomo.NodeWord("bank")),
		"user": sketch.MayHave(tomo.UserWord("ann")), "status": sketch.MayHave(tomo.StatusWord(503)), "key": sketch.MayHave(tomo.KeyWord("order")),
		"text": sketch.MayHave(tomo.AnnotationWord("order", text("o-7"))), "number": sketch.MayHave(tomo.AnnotationWord("size", &tomo.Value{Kind: tomo.NumberValue})),
		"bool":  sketch.MayHave(tomo.AnnotationWord("new", &tomo.Value{Kind: tomo.BoolValue, Bool: true})),
		"fault": sketch.MayHaveOutcome(tomo.OutcomeFault), "ok": sketch.MayHaveOutcome(tomo.OutcomeOK),
	} {
		if !may {
			t.Errorf("%s is ruled out", name)
		}
	}
	if sketch.MayHaveOutcome(tomo.OutcomeError) || sketch.MayHaveOutcome(tomo.OutcomeThrottle) {
		t.Error("an outcome that nothing had is not ruled out")
	}
	wrong := 0
	for i := range 1000 {
		absent := fmt.Sprint("absent-", i)
		for _, may := range []bool{sketch.MayHave(tomo.NodeWord(absent)), sketch.MayHave(tomo.UserWord(absent)), sketch.MayHave(tomo.KeyWord(absent)), sketch.MayHave(tomo.AnnotationWord("order", text(absent))), sketch.MayHave(tomo.StatusWord(600 + i))} {
			if may {
				wrong++
			}
		}
	}
	if wrong > 500 {
		t.Errorf("%d of 5,000 words that are not there may be", wrong)
	}
	var anything tomo.Sketch
	if !anything.MayHave(tomo.NodeWord("x")) || !anything.MayHaveOutcome(tomo.OutcomeFault) || anything.Longest() < time.Hour {
		t.Error("a sketch of nothing rules something out")
	}
	if sketch.Merge(&anything); !sketch.MayHave(tomo.NodeWord("absent")) || !sketch.MayHaveOutcome(tomo.OutcomeThrottle) {
		t.Error("a sketch with one of nothing in it rules something out")
	}
}

func sketchOf(t *testing.T, text string) tomo.Sketch {
	t.Helper()
	var d tomo.Document
	if refusal := d.Parse(tomo.RawDocument{Text: []byte(text)}); refusal != nil {
		t.Fatal(refusal)
	}
	in, _ := d.Incoming(nil)
	return in.Sketch
}

func BenchmarkIncoming(b *testing.B) {
	var d tomo.Document
	text := []byte(`{"trace_id":"1-69b57a26-1a3d1e60dd1a8567d1b67dac","id":"0000000000000001","name":"shop","start_time":100,"end_time":100.5,"user":"ann",
		"http":{"request":{"method":"GET","url":"https://shop.example.com/c/tents"},"response":{"status":200}},"annotations":{"tenant":"north","campaign":"none","premium":true,"basket_size":3},
		"subsegments":[{"id":"0000000000000002","name":"DynamoDB","namespace":"aws","start_time":100.1,"end_time":101,"aws":{"operation":"GetItem","table_name":"carts"}},
		{"id":"0000000000000003","name":"cart.internal","namespace":"remote","start_time":100.1,"end_time":101,"http":{"response":{"status":200}}},
		{"id":"0000000000000004","name":"## render","start_time":100.1,"end_time":101}]}`)
	if refusal := d.Parse(tomo.RawDocument{Text: text}); refusal != nil {
		b.Fatal(refusal)
	}
	memory := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		d.Incoming(memory)
	}
}
