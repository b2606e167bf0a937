package tomo

import (
	"hash/maphash"
	"math"
	"time"
)

// Sketch is what can be told of a trace from its documents without deriving
// it: which words are not in it, how nothing in it ended, how long it did not
// take. With it a question passes over most open traces that it is not about.
// It may let through too many, never too few. A sketch is good in the process
// that made it only; the zero Sketch may have anything.
type Sketch struct {
	known      bool
	outcomes   uint8 // a bit for each that an entity has
	start, end Time  // earliest and latest of an entity
	words      [4]uint64
}

// sketch makes s the sketch of the document alone.
func (d *Document) sketch(s *Sketch) {
	*s = Sketch{known: true, start: math.MaxInt64, end: math.MinInt64}
	for i := range d.Segments {
		e := &d.Segments[i]
		s.start, s.end = min(s.start, e.Start), max(s.end, e.End)
		s.outcomes |= 1 << e.Outcome()
		if e.HTTP.Status != 0 {
			s.add(numberWord(statusKind, uint64(e.HTTP.Status)))
		}
		// A node is called what its segment is, or what its caller called. What a
		// service does by itself has no node.
		if !e.Subsegment || e.Namespace != LocalNamespace || e.HasSQL {
			s.addNode(e.Name)
		}
		if e.AWS.Operation != "" {
			s.addNode(e.AWS.TableName)
			s.addNode(e.AWS.BucketName)
			s.addNode(e.AWS.QueueURL)
			s.addNode(e.AWS.FunctionName)
			s.addNode(e.AWS.TopicARN)
		}
		if e.User != "" {
			s.add(textWord(userKind, e.User))
		}
		for k := range e.Annotations {
			a := &e.Annotations[k]
			key := textWord(keyKind, a.Key)
			s.add(key)
			s.add(key ^ valueWord(&a.Value))
		}
	}
}

func (s *Sketch) addNode(name string) {
	if name != "" {
		s.add(textWord(nodeKind, name))
	}
}

// Merge makes s the sketch of a trace that has the documents of both.
func (s *Sketch) Merge(o *Sketch) {
	s.known = s.known && o.known
	s.start, s.end = min(s.start, o.start), max(s.end, o.end)
	s.outcomes |= o.outcomes
	for i := range s.words {
		s.words[i] |= o.words[i]
	}
}

// Longest is at least as long as the trace, and everything in it, took.
func (s *Sketch) Longest() time.Duration {
	if !s.known {
		return math.MaxInt64
	}
	return max(0, s.end.Sub(s.start))
}

// MayHaveOutcome is whether an entity of the trace may have ended so. The
// functions that follow are alike.
func (s *Sketch) MayHaveOutcome(o Outcome) bool { return !s.known || s.outcomes>>o&1 != 0 }

// MayHaveNode is about the name of a node.
func (s *Sketch) MayHaveNode(name string) bool { return s.has(textWord(nodeKind, name)) }

// MayHaveUser is about a user.
func (s *Sketch) MayHaveUser(name string) bool { return s.has(textWord(userKind, name)) }

// MayHaveStatus is about the HTTP status of an entity; 0 is none.
func (s *Sketch) MayHaveStatus(status int64) bool {
	return status == 0 || s.has(numberWord(statusKind, uint64(status)))
}

// MayHaveKey is about the key of an annotation.
func (s *Sketch) MayHaveKey(key string) bool { return s.has(textWord(keyKind, key)) }

// MayHaveAnnotation is about an annotation with its value.
func (s *Sketch) MayHaveAnnotation(key string, value *Value) bool {
	return s.has(textWord(keyKind, key) ^ valueWord(value))
}

// Words are kept in a Bloom filter, each as two of its bits. Of one kind are
// those that must not be told apart.

type wordKind uint64

const (
	nodeKind wordKind = iota
	userKind
	statusKind
	keyKind
	stringKind
	numberKind
	boolKind
)

var sketchSeed = maphash.MakeSeed()

func textWord(kind wordKind, text string) uint64 {
	return numberWord(kind, maphash.String(sketchSeed, text))
}

func numberWord(kind wordKind, n uint64) uint64 {
	n = (n ^ uint64(kind)<<59) * 0x9e3779b97f4a7c15
	return (n ^ n>>32) * 0xd6e8feb86659fd93
}

func valueWord(v *Value) uint64 {
	switch v.Kind {
	case StringValue:
		return textWord(stringKind, v.String)
	case NumberValue:
		number := v.Number
		if number == 0 {
			number = 0 // of either sign
		}
		return numberWord(numberKind, math.Float64bits(number))
	default:
		return numberWord(boolKind, flag(v.Bool, 1))
	}
}

func (s *Sketch) add(word uint64) {
	s.words[word>>62] |= 1 << (word >> 56 & 63)
	s.words[word>>54&3] |= 1 << (word >> 48 & 63)
}

func (s *Sketch) has(word uint64) bool {
	return !s.known || s.words[word>>62]>>(word>>56&63)&1 != 0 && s.words[word>>54&3]>>(word>>48&63)&1 != 0
}
