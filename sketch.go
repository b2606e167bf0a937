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
	rooted     bool  // the segment that it began with is there, and has ended
	outcomes   uint8 // a bit for each that an entity has
	start, end Time  // earliest and latest of an entity
	words      [4]uint64
}

// sketch makes s the sketch of the document alone.
func (d *Document) sketch(s *Sketch) {
	*s = Sketch{known: true, start: math.MaxInt64, end: math.MinInt64}
	top := &d.Segments[0]
	s.rooted = !top.Subsegment && !top.HasParent && !top.InProgress
	for i := range d.Segments {
		e := &d.Segments[i]
		s.start, s.end = min(s.start, e.Start), max(s.end, e.End)
		s.outcomes |= 1 << e.Outcome()
		if e.HTTP.Status != 0 {
			s.add(StatusWord(e.HTTP.Status))
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
			s.add(UserWord(e.User))
		}
		for k := range e.Annotations {
			a := &e.Annotations[k]
			key := KeyWord(a.Key)
			s.add(key)
			s.add(key ^ valueWord(&a.Value))
		}
	}
}

func (s *Sketch) addNode(name string) {
	if name != "" {
		s.add(NodeWord(name))
	}
}

// Merge makes s the sketch of a trace that has the documents of both.
func (s *Sketch) Merge(o *Sketch) {
	s.known = s.known && o.known
	s.rooted = s.rooted || o.rooted
	s.start, s.end = min(s.start, o.start), max(s.end, o.end)
	s.outcomes |= o.outcomes
	for i := range s.words {
		s.words[i] |= o.words[i]
	}
}

// Rooted is whether the segment that the trace began with is there and has ended.
// Mostly nothing comes after it.
func (s *Sketch) Rooted() bool { return s.rooted }

// Longest is at least as long as the trace, and everything in it, took.
func (s *Sketch) Longest() time.Duration {
	if !s.known {
		return math.MaxInt64
	}
	return max(0, s.end.Sub(s.start))
}

// MayHaveOutcome is whether an entity of the trace may have ended so.
func (s *Sketch) MayHaveOutcome(o Outcome) bool { return !s.known || s.outcomes>>o&1 != 0 }

// MayHave is whether the trace may have the word.
func (s *Sketch) MayHave(w Word) bool {
	return !s.known || s.words[w>>62]>>(w>>56&63)&1 != 0 && s.words[w>>54&3]>>(w>>48&63)&1 != 0
}

// Word is something that a trace has or has not. It is good in the process that
// made it only. A sketch keeps each as two bits of a Bloom filter.
type Word uint64

// NodeWord is the name of a node.
func NodeWord(name string) Word { return textWord(nodeKind, name) }

// UserWord is a user.
func UserWord(name string) Word { return textWord(userKind, name) }

// StatusWord is the HTTP status of an entity. It must not be 0.
func StatusWord(status int) Word { return numberWord(statusKind, uint64(status)) }

// KeyWord is the key of an annotation.
func KeyWord(key string) Word { return textWord(keyKind, key) }

// AnnotationWord is an annotation with its value.
func AnnotationWord(key string, value *Value) Word { return KeyWord(key) ^ valueWord(value) }

// wordKind tells apart words that are written alike.
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

func textWord(kind wordKind, text string) Word {
	return numberWord(kind, maphash.String(sketchSeed, text))
}

func numberWord(kind wordKind, n uint64) Word {
	n = (n ^ uint64(kind)<<59) * 0x9e3779b97f4a7c15
	return Word((n ^ n>>32) * 0xd6e8feb86659fd93)
}

func valueWord(v *Value) Word {
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

func (s *Sketch) add(w Word) {
	s.words[w>>62] |= 1 << (w >> 56 & 63)
	s.words[w>>54&3] |= 1 << (w >> 48 & 63)
}
