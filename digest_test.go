package tomo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

// alike compares documents by what they say.
var alike = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(tomo.RawDocument{}), cmpopts.EquateNaNs()}

// outlined compares what a digest has of segments.
var outlined = append(cmp.Options{cmpopts.IgnoreFields(tomo.Segment{}, "Text", "Cause", "Links")}, alike...)

// TestDigestDocuments: a document read from its digest says what its text says,
// in memory that had another document before.
func TestDigestDocuments(t *testing.T) {
	var memory []byte
	var again tomo.Document
	for name, text := range documents(t) {
		for raw := range (tomo.RawDocument{Text: text, Received: 7}).Split() {
			var d tomo.Document
			if refusal := d.Parse(raw); refusal != nil {
				t.Fatalf("%s: %v", name, refusal)
			}
			in, rest := d.Incoming(memory)
			memory = rest
			if size := in.Size() - len(raw.Text); size < 20 || size > len(raw.Text)+64 {
				t.Errorf("%s: a digest of %d bytes for a text of %d", name, size, len(raw.Text))
			}
			again.Outline(in.RawDocument)
			if diff := cmp.Diff(d.Segments, again.Segments, outlined...); diff != "" {
				t.Errorf("%s: (-text +digest)\n%s", name, diff)
			}
		}
	}
}

func TestDigestDrawn(t *testing.T) {
	var again tomo.Document
	rapid.Check(t, func(t *rapid.T) {
		raw := tomo.RawDocument{Text: []byte(drawEntity(t, 0))}
		var d tomo.Document
		if d.Parse(raw) != nil {
			return
		}
		in, _ := d.Incoming(nil)
		again.Outline(in.RawDocument)
		if diff := cmp.Diff(d.Segments, again.Segments, outlined...); diff != "" {
			t.Errorf("%s (-text +digest)\n%s", raw.Text, diff)
		}
	})
}

func BenchmarkOutline(b *testing.B) {
	raw := tomo.RawDocument{Text: documents(b)["every-field"]}
	var d, again tomo.Document
	if refusal := d.Parse(raw); refusal != nil {
		b.Fatal(refusal)
	}
	in, _ := d.Incoming(nil)
	b.ReportAllocs()
	for b.Loop() {
		again.Outline(in.RawDocument)
	}
}

func BenchmarkDigest(b *testing.B) {
	raw := tomo.RawDocument{Text: documents(b)["every-field"]}
	var d tomo.Document
	if refusal := d.Parse(raw); refusal != nil {
		b.Fatal(refusal)
	}
	var memory []byte
	b.ReportAllocs()
	for b.Loop() {
		_, memory = d.Incoming(memory[:0])
	}
}
