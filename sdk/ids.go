package sdk

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"time"
)

// TraceID names a trace: 4 bytes of the time at which it began, in seconds since
// the epoch, and 12 random bytes. Zero is none. W3C trace ids, in which all 16
// bytes are random, are as good.
type TraceID [16]byte

// ID names a segment or a subsegment. Zero is none.
type ID uint64

// NewTraceID draws the id of a trace that begins at now.
//
// Ids appear in the headers of responses and must not be guessable. The
// generator of the runtime is ChaCha8, seeded by the operating system.
func NewTraceID(now time.Time) TraceID {
	return newTraceID(now.Unix())
}

func newTraceID(second int64) (id TraceID) {
	high, low := rand.Uint64(), rand.Uint64()
	put32(id[0:], uint32(second))
	put32(id[4:], uint32(high))
	put32(id[8:], uint32(low>>32))
	put32(id[12:], uint32(low))
	return id
}

func put32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}

// NewID draws the id of a segment.
func NewID() ID {
	for {
		if id := ID(rand.Uint64()); id != 0 {
			return id
		}
	}
}

// String writes id as X-Ray does, 1-5759e988-bd862e3fe1be46a994272793.
func (id TraceID) String() string {
	return string(id.append(make([]byte, 0, traceIDLen)))
}

const (
	traceIDLen = 35
	idLen      = 16
	hexDigits  = "0123456789abcdef"
)

func (id TraceID) append(b []byte) []byte {
	b = append(b, '1', '-')
	for i, c := range id {
		if i == 4 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// String writes id as 16 hexadecimal digits.
func (id ID) String() string {
	return string(id.append(make([]byte, 0, idLen)))
}

func (id ID) append(b []byte) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[id>>shift&15])
	}
	return b
}

var (
	errTraceID = errors.New("a trace id is written 1-, 8 hexadecimal digits, -, 24 hexadecimal digits")
	errID      = errors.New("an id is written as 16 hexadecimal digits")
)

// ParseTraceID reads what TraceID.String writes, and upper-case digits.
func ParseTraceID(s string) (id TraceID, err error) {
	if len(s) != traceIDLen || s[0] != '1' || s[1] != '-' || s[10] != '-' {
		return TraceID{}, errTraceID
	}
	if !unhex(id[:4], s[2:10]) || !unhex(id[4:], s[11:]) {
		return TraceID{}, errTraceID
	}
	return id, nil
}

// ParseID reads what ID.String writes, and upper-case digits.
func ParseID(s string) (ID, error) {
	var b [8]byte
	if len(s) != idLen || !unhex(b[:], s) {
		return 0, errID
	}
	var id ID
	for _, c := range b {
		id = id<<8 | ID(c)
	}
	return id, nil
}

func unhex(to []byte, from string) bool {
	_, err := hex.Decode(to, []byte(from))
	return err == nil
}
