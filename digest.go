package tomo

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// A digest is what summaries need of a parsed document, in about a quarter of
// the room of its text. A document is parsed when it comes, because it may be
// refused, and its trace is summarised some seconds later; the digest spares
// the second reading of the text. It lives in memory only and always goes with
// the text it was made from: most strings in it are places in that text.
//
//	digest  = number of segments | first start | segment …
//	segment = flags | id | enclosing | parent, if it is at the top and has one |
//	          start and end less the first start | status |
//	          which texts there are | those texts | annotations
//	text    = length and whether it is written out | place in the document, or the bytes
//
// Numbers are varints; ids have eight bytes.

// Incoming is the parsed document as a store takes it, with its sketch. Its digest is appended
// to memory, which is returned for the next document; nothing of it may be
// changed afterwards.
func (d *Document) Incoming(memory []byte) (Incoming, []byte) {
	in := Incoming{TraceID: d.TraceID, First: d.Segments[0].Start, Last: d.Segments[0].Start, RawDocument: d.RawDocument}
	d.sketch(&in.Sketch)
	for i := range d.Segments {
		in.First, in.Last = min(in.First, d.Segments[i].Start), max(in.Last, d.Segments[i].Start)
	}
	from := len(memory)
	memory = d.appendDigest(memory, in.First)
	in.digest = memory[from:len(memory):len(memory)]
	return in, memory
}

// Size is the memory that the document keeps, in bytes.
func (raw *RawDocument) Size() int { return len(raw.Text) + len(raw.digest) }

// Outline fills d like Parse, from the digest if raw has one. Then its TraceID
// and the segments' Text, Cause and Links are not filled.
func (d *Document) Outline(raw RawDocument) *Refusal {
	if raw.digest == nil {
		return d.Parse(raw)
	}
	d.RawDocument, d.TraceID = raw, TraceID{}
	d.Segments, d.Repairs = d.Segments[:0], Repairs{}
	r := digestReader{b: raw.digest, text: raw.Text}
	n := r.number()
	first := Time(r.signed())
	for range n {
		r.segment(d, first)
	}
	return nil
}

// The flags of a segment in a digest.
const (
	digestHasParent = 1 << iota
	digestSubsegment
	digestInProgress
	digestInferred
	digestFault
	digestError
	digestThrottle
	digestSQL
	digestForwardedFor
	digestTraced
	digestNamespace // and the bit above
)

func flag(set bool, bit uint64) uint64 {
	if set {
		return bit
	}
	return 0
}

func (d *Document) appendDigest(b []byte, first Time) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.Segments)))
	b = binary.AppendVarint(b, int64(first))
	for i := range d.Segments {
		s := &d.Segments[i]
		b = binary.AppendUvarint(b, flag(s.HasParent, digestHasParent)|flag(s.Subsegment, digestSubsegment)|
			flag(s.InProgress, digestInProgress)|flag(s.Inferred, digestInferred)|flag(s.Fault, digestFault)|
			flag(s.Error, digestError)|flag(s.Throttle, digestThrottle)|flag(s.HasSQL, digestSQL)|
			flag(s.HTTP.ForwardedFor, digestForwardedFor)|flag(s.HTTP.Traced, digestTraced)|uint64(s.Namespace)*digestNamespace)
		b = binary.BigEndian.AppendUint64(b, uint64(s.ID))
		b = binary.AppendUvarint(b, uint64(s.Enclosing+1))
		if s.HasParent && s.Enclosing < 0 {
			b = binary.BigEndian.AppendUint64(b, uint64(s.Parent))
		}
		b = binary.AppendVarint(b, int64(s.Start-first))
		b = binary.AppendVarint(b, int64(s.End-first))
		b = binary.AppendVarint(b, int64(s.HTTP.Status))

		mask := len(b)
		b = append(b, 0, 0, 0)
		var there uint32
		for k, text := range s.texts() {
			if *text != "" {
				there |= 1 << k
				b = d.appendText(b, *text)
			}
		}
		b[mask], b[mask+1], b[mask+2] = byte(there), byte(there>>8), byte(there>>16)

		b = binary.AppendUvarint(b, uint64(len(s.Annotations)))
		for k := range s.Annotations {
			a := &s.Annotations[k]
			b = d.appendText(b, a.Key)
			b = append(b, byte(a.Value.Kind))
			switch a.Value.Kind {
			case StringValue:
				b = d.appendText(b, a.Value.String)
			case NumberValue:
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(a.Value.Number))
			case BoolValue:
				b = append(b, byte(flag(a.Value.Bool, 1)))
			}
		}
	}
	return b
}

// texts are the strings of a segment that a digest has. There are fewer than
// the 24 bits that tell which are there.
func (s *Segment) texts() [18]*string {
	return [...]*string{
		&s.Name, &s.User, &s.Origin, &s.ResourceARN,
		&s.HTTP.Method, &s.HTTP.URL, &s.HTTP.UserAgent, &s.HTTP.ClientIP,
		&s.AWS.AccountID, &s.AWS.Operation, &s.AWS.Region, &s.AWS.TableName, &s.AWS.BucketName,
		&s.AWS.QueueURL, &s.AWS.FunctionName, &s.AWS.TopicARN, &s.AWS.InstanceID, &s.AWS.AvailabilityZone,
	}
}

// appendText writes where text lies in the document, or the text itself if it
// lies elsewhere because it had escapes.
func (d *Document) appendText(b []byte, text string) []byte {
	at := uintptr(unsafe.Pointer(unsafe.StringData(text))) - uintptr(unsafe.Pointer(unsafe.SliceData(d.Text)))
	if at < uintptr(len(d.Text)) && len(text) > 0 {
		return binary.AppendUvarint(binary.AppendUvarint(b, uint64(len(text))<<1), uint64(at))
	}
	return append(binary.AppendUvarint(b, uint64(len(text))<<1|1), text...)
}

// digestReader reads a digest. It trusts what it reads: a digest never leaves
// the process.
type digestReader struct{ b, text []byte }

func (r *digestReader) number() uint64 {
	if r.b[0] < 0x80 {
		n := uint64(r.b[0])
		r.b = r.b[1:]
		return n
	}
	n, size := binary.Uvarint(r.b)
	r.b = r.b[size:]
	return n
}

func (r *digestReader) signed() int64 {
	n, size := binary.Varint(r.b)
	r.b = r.b[size:]
	return n
}

func (r *digestReader) id() SegmentID {
	id := SegmentID(binary.BigEndian.Uint64(r.b))
	r.b = r.b[8:]
	return id
}

func (r *digestReader) string() string {
	n := r.number()
	length := n >> 1
	if n&1 == 0 {
		at := r.number()
		return view(r.text[at : at+length])
	}
	text := view(r.b[:length])
	r.b = r.b[length:]
	return text
}

func (r *digestReader) segment(d *Document, first Time) {
	s := d.add()
	flags := r.number()
	s.HasParent, s.Subsegment = flags&digestHasParent != 0, flags&digestSubsegment != 0
	s.InProgress, s.Inferred = flags&digestInProgress != 0, flags&digestInferred != 0
	s.Fault, s.Error, s.Throttle = flags&digestFault != 0, flags&digestError != 0, flags&digestThrottle != 0
	s.HasSQL = flags&digestSQL != 0
	s.HTTP.ForwardedFor, s.HTTP.Traced = flags&digestForwardedFor != 0, flags&digestTraced != 0
	s.Namespace = Namespace(flags / digestNamespace)
	s.ID = r.id()
	switch s.Enclosing = int32(r.number()) - 1; {
	case s.Enclosing >= 0:
		s.Parent = d.Segments[s.Enclosing].ID
	case s.HasParent:
		s.Parent = r.id()
	}
	s.Start, s.End = first+Time(r.signed()), first+Time(r.signed())
	s.HTTP.Status = int(r.signed())

	there := uint32(r.b[0]) | uint32(r.b[1])<<8 | uint32(r.b[2])<<16
	r.b = r.b[3:]
	for k, text := range s.texts() {
		if there&(1<<k) != 0 {
			*text = r.string()
		}
	}
	for range r.number() {
		a := Annotation{Key: r.string()}
		a.Value.Kind = ValueKind(r.b[0])
		r.b = r.b[1:]
		switch a.Value.Kind {
		case StringValue:
			a.Value.String = r.string()
		case NumberValue:
			a.Value.Number = math.Float64frombits(binary.LittleEndian.Uint64(r.b))
			r.b = r.b[8:]
		case BoolValue:
			a.Value.Bool = r.b[0] == 1
			r.b = r.b[1:]
		}
		s.Annotations = append(s.Annotations, a)
	}
}
