package derive

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/tomotrace/tomo"
)

func (a *assembly) trace(id tomo.TraceID) *tomo.Trace {
	t := &tomo.Trace{
		ID:       id,
		Duration: a.bounds.duration(),
		Segments: make([]tomo.ShownSegment, 0, len(a.segments)+len(a.inferred)),
	}
	links := a.limits.TraceLinks
	for _, i := range a.segments {
		e := &a.entities[i]
		t.Segments = append(t.Segments, tomo.ShownSegment{
			ID:       e.id,
			Document: a.appendEntity(make([]byte, 0, len(e.segment.Text)+len(e.segment.Text)/4), i, &id, &links),
		})
	}
	for _, i := range a.inferred {
		s := a.entities[i].segment
		inferred, origin := inferredID(id, s.ID), origin(s)
		t.Segments = append(t.Segments, tomo.ShownSegment{
			ID:       inferred,
			Document: appendInferred(nil, inferred, s, id, origin, origin == queueType),
		})
	}
	return t
}

// appendEntity appends an entity with everything below it. links is how many
// links may still be shown.
func (a *assembly) appendEntity(dst []byte, i int32, traceID *tomo.TraceID, links *int) []byte {
	e := &a.entities[i]
	shown := min(len(e.segment.Links), *links)
	*links -= shown
	return appendSegment(dst, e.segment, traceID, shown, func(dst []byte) ([]byte, bool) {
		for child := e.firstChild; child != none; child = a.entities[child].next {
			if child != e.firstChild {
				dst = append(dst, ',')
			}
			dst = a.appendEntity(dst, child, nil, links)
		}
		return dst, e.firstChild != none
	})
}

// inferredID is the id of the segment that is inferred from a subsegment. It
// is the same on every reading.
func inferredID(trace tomo.TraceID, subsegment tomo.SegmentID) tomo.SegmentID {
	var room [64]byte
	sum := sha256.Sum256(subsegment.AppendTo(trace.AppendTo(room[:0])))
	return tomo.SegmentID(binary.BigEndian.Uint64(sum[:]))
}
