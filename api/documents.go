package api

import (
	"bytes"
	"encoding/binary"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Documents takes the segment documents out of the body of PutTraceSegments.
// They are slices of one fresh piece of memory; body may be reused at once.
//
// The error is an *Error: the list is absent or null (ValidationException) or
// empty (InvalidRequestException), an element is no string or the body is not
// JSON (SerializationException).
//
// Nearly every body has one shape, {"TraceSegmentDocuments":["…",…]}, and is
// read by a scanner of that shape alone. Whatever it does not know, and every
// error, is left to encoding/json, so the two always agree.
func Documents(body []byte) ([][]byte, error) {
	documents, ok := scan(body)
	if !ok {
		var err error
		if documents, err = decodeDocuments(body); err != nil {
			return nil, err
		}
	}
	if len(documents) == 0 {
		return nil, Invalid("Segments can not be empty") // X-Ray: its words
	}
	return documents, nil
}

// decodeDocuments reads any body.
func decodeDocuments(body []byte) ([][]byte, error) {
	var request PutTraceSegmentsRequest
	if err := PutTraceSegments.Decode(body, &request); err != nil {
		return nil, err
	}
	size := 0
	for _, text := range request.TraceSegmentDocuments {
		size += len(text)
	}
	slab := make([]byte, 0, size)
	documents := make([][]byte, 0, len(request.TraceSegmentDocuments))
	for _, text := range request.TraceSegmentDocuments {
		slab = append(slab, text...)
		documents = append(documents, slab[len(slab)-len(text):len(slab):len(slab)])
	}
	return documents, nil
}

// scratch is where scan unescapes. It is kept from call to call, so that what
// scan returns can be allocated to size and without being cleared first.
type scratch struct {
	text []byte
	ends []int
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the size from which a scratch is not kept.
const maxScratch = 1 << 20

// scan reads {"TraceSegmentDocuments":["…",…]} with white space anywhere and
// nothing else in it. It gives up, with ok false, on everything else: other
// members, an element that is no string, an error, bytes that are not UTF-8.
func scan(body []byte) (documents [][]byte, ok bool) {
	i, ok := open(body)
	if !ok {
		return nil, false
	}
	s := scratches.Get().(*scratch)
	if cap(s.text) < len(body)+8 { // text is never longer than its JSON; 8 for the last store
		s.text = make([]byte, 2*len(body)+8)
	}
	text, n := s.text[:cap(s.text)], 0
	ends := s.ends[:0]
	for more := true; more; {
		i = space(body, i)
		if i >= len(body) || body[i] != '"' {
			return nil, false
		}
		if i, n, ok = unescape(body, i+1, text, n); !ok {
			return nil, false
		}
		ends = append(ends, n)
		i = space(body, i)
		if i >= len(body) {
			return nil, false
		}
		switch body[i] {
		case ',':
		case ']':
			more = false
		default:
			return nil, false
		}
		i++
	}
	if i = space(body, i); i >= len(body) || body[i] != '}' || space(body, i+1) != len(body) {
		return nil, false
	}
	slab := append([]byte(nil), text[:n]...)
	documents = make([][]byte, len(ends))
	start := 0
	for k, end := range ends {
		documents[k] = slab[start:end:end]
		start = end
	}
	if s.ends = ends; len(s.text) <= maxScratch {
		scratches.Put(s)
	}
	return documents, true
}

// open finds the place after the bracket that opens the list.
func open(body []byte) (int, bool) {
	i := space(body, 0)
	for _, want := range [...]string{`{`, `"TraceSegmentDocuments"`, `:`, `[`} {
		if !bytes.HasPrefix(body[i:], []byte(want)) {
			return 0, false
		}
		i = space(body, i+len(want))
	}
	return i, true
}

// space is the first place from i on that is not JSON's white space.
func space(body []byte, i int) int {
	for i < len(body) && (body[i] == ' ' || body[i] == '\n' || body[i] == '\r' || body[i] == '\t') {
		i++
	}
	return i
}

// Every byte of a word at once: see strip.
const (
	ones   = 0x0101010101010101
	tops   = 0x8080808080808080
	quotes = ones * '"'
	slants = ones * '\\'
)

// unescape writes the string that begins at body[i], after its quote, to
// text[n:], and returns the places after both. text has room for eight bytes
// more than the string.
func unescape(body []byte, i int, text []byte, n int) (int, int, bool) {
	for {
		i, n = strip(body, i, text, n)
		for i < len(body) && plain[body[i]] {
			text[n] = body[i]
			i, n = i+1, n+1
		}
		if i >= len(body) {
			return 0, 0, false
		}
		switch c := body[i]; {
		case c == '"':
			return i + 1, n, true
		case c == '\\':
			var ok bool
			if i, n, ok = escape(body, i+1, text, n); !ok {
				return 0, 0, false
			}
		case c < 0x20:
			return 0, 0, false
		default:
			r, size := utf8.DecodeRune(body[i:])
			if r == utf8.RuneError && size == 1 {
				return 0, 0, false // becomes three bytes; encoding/json does that
			}
			n += copy(text[n:], body[i:i+size])
			i += size
		}
	}
}

// plain says which bytes stand for themselves and are ASCII.
var plain = func() (table [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// strip unescapes as far as the text is ASCII and its only escapes are \", of
// which a segment document inside JSON has one every eight bytes, and hardly
// any other. It works on eight bytes at a time and without a branch that
// depends on where the escapes are: such branches are never foreseen, and cost
// more than all the rest.
//
// Where each backslash precedes a quote and each quote follows a backslash, to
// unescape is to delete the backslashes. The masks have the top bit of a byte
// set; byte 0 is the first.
//
//	the word     a \ " : \ " b c
//	slant        . x . . x . . .
//	quote        . . x . . x . .    = slant, one byte later
//	written      a " : " b c
//
// A backslash that is the word's last byte has its quote in the next word: owed.
func strip(body []byte, i int, text []byte, n int) (int, int) {
	owed := uint64(0)
	for i+8 <= len(body) && n+8 <= len(text) {
		w := binary.LittleEndian.Uint64(body[i:])
		other := (w - ones*0x20) &^ w & tops // control characters, and none in a word without
		other |= w & tops                    // not ASCII
		// With the top bits clear a byte is zero if adding 0x7f leaves them so.
		slant := ^((w ^ slants) + (tops - ones)) & tops
		quote := ^((w ^ quotes) + (tops - ones)) & tops
		if other|(quote^(slant<<8|owed)) != 0 {
			break
		}
		owed = slant >> 56
		count := slant >> 7 * ones >> 56
		w, slant = deleteFirst(w, slant)
		w, slant = deleteFirst(w, slant)
		for slant != 0 {
			w, slant = deleteFirst(w, slant)
		}
		binary.LittleEndian.PutUint64(text[n:], w)
		i, n = i+8, n+8-int(count)
	}
	if owed != 0 {
		i-- // back to the backslash: it was deleted, not written
	}
	return i, n
}

// deleteFirst deletes the first byte of w that mask has the top bit set of,
// and moves what follows, in both, one byte down. An empty mask deletes none.
func deleteFirst(w, mask uint64) (uint64, uint64) {
	stays := (mask&-mask)>>7 - 1 // all bits of the bytes before it
	return w&stays | w>>8&^stays, (mask & (mask - 1)) >> 8
}

// escapes maps the letter after a backslash to what it stands for; 0: no such
// escape.
var escapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape writes what the escape at body[i], after its backslash, stands for.
func escape(body []byte, i int, text []byte, n int) (int, int, bool) {
	if i >= len(body) {
		return 0, 0, false
	}
	if c := escapes[body[i]]; c != 0 {
		text[n] = c
		return i + 1, n + 1, true
	}
	r, ok := hex4(body, i)
	if !ok {
		return 0, 0, false
	}
	i += 5
	if utf16.IsSurrogate(r) {
		// Half a pair stands for U+FFFD, as in encoding/json.
		pair := rune(utf8.RuneError)
		if i < len(body) && body[i] == '\\' {
			if low, ok := hex4(body, i+1); ok {
				pair = utf16.DecodeRune(r, low)
			}
		}
		if r = pair; pair != utf8.RuneError {
			i += 6
		}
	}
	return i, n + utf8.EncodeRune(text[n:], r), true
}

// hex4 reads uXXXX at body[i].
func hex4(body []byte, i int) (rune, bool) {
	if i+5 > len(body) || body[i] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range body[i+1 : i+5] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
