package tomo

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// TraceID names a trace: 128 bits, written as "1-" + 8 hex digits + "-" + 24
// hex digits. The first four bytes of a classic id are the second in which the
// request began; those of a W3C id are random, so nothing here reads a time
// out of them. Ids compare without regard to the case they were written in.
type TraceID [16]byte

// traceIDLength is the length of the written form.
const traceIDLength = 35

// ParseTraceID reads the form 1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx in either
// case. Everything else is refused with the code InvalidTraceId, the 32 digits
// of a W3C id included: segment documents have to carry the hyphens.
func ParseTraceID(s string) (TraceID, error) {
	var id TraceID
	if len(s) != traceIDLength || s[0] != '1' || s[1] != '-' || s[10] != '-' ||
		!decodeHex(id[:4], s[2:10]) || !decodeHex(id[4:], s[11:]) {
		return TraceID{}, &Error{Code: InvalidTraceID, Message: fmt.Sprintf("trace id %q is not of the form 1-8 hex digits-24 hex digits", shorten(s))}
	}
	return id, nil
}

// ParseAnyTraceID reads what people paste: the X-Ray form or the 32 hex digits
// of a W3C trace id.
func ParseAnyTraceID(s string) (TraceID, error) {
	var id TraceID
	if s = strings.TrimSpace(s); len(s) == 32 && decodeHex(id[:], s) {
		return id, nil
	}
	return ParseTraceID(s)
}

// NewTraceID makes a classic id for a request that begins at now.
func NewTraceID(now time.Time) TraceID {
	var id TraceID
	binary.BigEndian.PutUint32(id[:4], uint32(now.Unix()))
	rand.Read(id[4:])
	return id
}

// Date is the second that a classic id carries. For a W3C id it is meaningless.
func (id TraceID) Date() time.Time { return time.Unix(int64(binary.BigEndian.Uint32(id[:4])), 0).UTC() }

// String writes the X-Ray form in lower case.
func (id TraceID) String() string {
	var b [traceIDLength]byte
	return string(id.AppendTo(b[:0]))
}

// AppendTo appends the X-Ray form to b.
func (id TraceID) AppendTo(b []byte) []byte {
	b = append(b, '1', '-')
	b = hex.AppendEncode(b, id[:4])
	b = append(b, '-')
	return hex.AppendEncode(b, id[4:])
}

// W3C writes the 32 hex digits of the W3C form.
func (id TraceID) W3C() string { return hex.EncodeToString(id[:]) }

// MarshalText and UnmarshalText use the X-Ray form.
func (id TraceID) MarshalText() ([]byte, error) { return id.AppendTo(nil), nil }

// UnmarshalText reads the X-Ray form.
func (id *TraceID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseTraceID(string(b))
	return err
}

// SegmentID names a segment or subsegment inside its trace: 64 bits, written
// as 16 hex digits.
type SegmentID uint64

// ParseSegmentID reads exactly 16 hex digits in either case; everything else
// is refused with the code InvalidId.
func ParseSegmentID(s string) (SegmentID, error) {
	var b [8]byte
	if len(s) != 16 || !decodeHex(b[:], s) {
		return 0, &Error{Code: InvalidID, Message: fmt.Sprintf("segment id %q is not 16 hex digits", shorten(s))}
	}
	return SegmentID(binary.BigEndian.Uint64(b[:])), nil
}

// NewSegmentID makes a random id.
func NewSegmentID() SegmentID {
	var b [8]byte
	rand.Read(b[:])
	return SegmentID(binary.BigEndian.Uint64(b[:]))
}

// String writes 16 lower-case hex digits.
func (id SegmentID) String() string { return string(id.AppendTo(nil)) }

// AppendTo appends the 16 digits to b.
func (id SegmentID) AppendTo(b []byte) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], uint64(id))
	return hex.AppendEncode(b, raw[:])
}

// MarshalText writes 16 hex digits.
func (id SegmentID) MarshalText() ([]byte, error) { return id.AppendTo(nil), nil }

// UnmarshalText reads 16 hex digits.
func (id *SegmentID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseSegmentID(string(b))
	return err
}

// decodeHex fills dst from exactly twice as many hex digits and says whether
// all of them were.
func decodeHex(dst []byte, s string) bool {
	for i := range dst {
		hi, lo := hexDigit[s[2*i]], hexDigit[s[2*i+1]]
		if hi|lo > 0x0f {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// hexDigit maps a byte to the value of the hex digit it is, or to 0xff.
var hexDigit = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range byte(10) {
		table['0'+i] = i
	}
	for i := range byte(6) {
		table['a'+i], table['A'+i] = 10+i, 10+i
	}
	return table
}()

// shorten keeps what a message quotes within reason.
func shorten(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
