package tomo

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// scanner reads JSON in one pass and refuses exactly what encoding/json
// refuses, but for nesting deeper than MaxDepth. It allocates only for strings
// that are not written as they are meant (escapes, bytes that are not UTF-8).
//
// Every method reads one thing at at and moves past it. The first fault sets
// bad and moves to the end, where nothing more is found, so callers read on
// without asking and look at bad once. An object is read like this:
//
//	for ok := s.open('}'); ok; ok = s.more('}') {
//		key := s.key()
//		s.skip()
//	}
type scanner struct {
	text  []byte
	at    int
	depth int
	bad   bool
}

func (s *scanner) fail() { s.at, s.bad = len(s.text), true }

// peek skips white space and returns the byte that the next thing begins with,
// 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) && s.text[s.at] > ' ' {
		return s.text[s.at]
	}
	return s.blank()
}

// blank is peek where there may be white space.
func (s *scanner) blank() byte {
	for s.at < len(s.text) {
		c := s.text[s.at]
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		s.at++
	}
	return 0
}

// end reports whether nothing but white space is left and nothing was wrong.
func (s *scanner) end() bool {
	s.peek()
	return s.at == len(s.text) && !s.bad
}

// open enters the object or array that begins here and reports whether there
// is anything in it.
func (s *scanner) open(closing byte) bool {
	s.at++
	if s.depth++; s.depth > MaxDepth {
		s.fail()
		return false
	}
	if s.peek() == closing {
		s.at++
		s.depth--
		return false
	}
	return true
}

// more goes on to the next member or element, or past the closing bracket.
func (s *scanner) more(closing byte) bool {
	switch s.peek() {
	case ',':
		s.at++
		return true
	case closing:
		s.at++
		s.depth--
	default:
		s.fail()
	}
	return false
}

// key reads a member's key and the colon after it.
func (s *scanner) key() string {
	if s.peek() != '"' {
		s.fail()
		return ""
	}
	key := s.string()
	if s.peek() != ':' {
		s.fail()
		return ""
	}
	s.at++
	return key
}

// skip reads a value of any kind.
func (s *scanner) skip() {
	switch c := s.peek(); c {
	case '"':
		s.quoted()
	case '{':
		for ok := s.open('}'); ok; ok = s.more('}') {
			if s.peek() != '"' {
				s.fail()
				return
			}
			s.quoted()
			if s.peek() != ':' {
				s.fail()
				return
			}
			s.at++
			s.skip()
		}
	case '[':
		for ok := s.open(']'); ok; ok = s.more(']') {
			s.skip()
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

func (s *scanner) literal(word string) {
	if end := s.at + len(word); end <= len(s.text) && string(s.text[s.at:end]) == word {
		s.at = end
		return
	}
	s.fail()
}

// number reads a number and returns its text.
func (s *scanner) number() []byte {
	t, i := s.text, s.at
	if i < len(t) && t[i] == '-' {
		i++
	}
	whole := i
	i = digits(t, i)
	if i == whole || t[whole] == '0' && i > whole+1 {
		s.fail()
		return nil
	}
	if i < len(t) && t[i] == '.' {
		from := i + 1
		if i = digits(t, from); i == from {
			s.fail()
			return nil
		}
	}
	if i < len(t) && t[i]|0x20 == 'e' {
		i++
		if i < len(t) && (t[i] == '+' || t[i] == '-') {
			i++
		}
		from := i
		if i = digits(t, from); i == from {
			s.fail()
			return nil
		}
	}
	text := t[s.at:i]
	s.at = i
	return text
}

// digits returns the index of the first byte from i on that is no digit.
func digits(t []byte, i int) int {
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	return i
}

// string reads a string and returns what it means.
func (s *scanner) string() string {
	raw, plain := s.quoted()
	if plain {
		return view(raw)
	}
	return meaning(raw)
}

// quoted reads a string and returns what is between the quotes. Plain text is
// ASCII without escapes and means itself.
func (s *scanner) quoted() (raw []byte, plain bool) {
	// Eight bytes at a time are held against the bytes that end a plain run. The
	// lowest bit set is exact; those above it may be borrowed and are not looked at.
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	t, from := s.text, s.at+1
	plain = true
	for i := from; i < len(t); {
		if i+8 <= len(t) {
			w := binary.LittleEndian.Uint64(t[i:])
			quote, slash := w^ones*'"', w^ones*'\\'
			stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w | w) & highs
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) >> 3
		}
		switch c := t[i]; {
		case c == '"':
			s.at = i + 1
			return t[from:i], plain
		case c == '\\':
			n := escape(t[i:])
			if n == 0 {
				s.fail()
				return nil, true
			}
			plain = false
			i += n
		case c < ' ':
			s.fail()
			return nil, true
		case c >= utf8.RuneSelf:
			plain = false
			i++
		default:
			i++
		}
	}
	s.fail()
	return nil, true
}

// escape is the length of the escape that t begins with, 0 if it is none.
func escape(t []byte) int {
	if len(t) < 2 {
		return 0
	}
	switch t[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(t) >= 6 && hexDigit[t[2]]|hexDigit[t[3]]|hexDigit[t[4]]|hexDigit[t[5]] <= 0x0f {
			return 6
		}
	}
	return 0
}

// meaning is the string that the text between two quotes stands for. As in
// encoding/json, each byte that is not UTF-8 and each lone half of a surrogate
// pair becomes U+FFFD.
func meaning(raw []byte) string {
	i := 0
	for i < len(raw) && raw[i] != '\\' {
		if raw[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	if i == len(raw) {
		return view(raw)
	}
	out := make([]byte, i, len(raw)+2*utf8.UTFMax)
	copy(out, raw)
	for i < len(raw) {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(raw[i:])
			out = utf8.AppendRune(out, r)
			i += n
		case c != '\\':
			out = append(out, c)
			i++
		case raw[i+1] != 'u':
			out = append(out, unescaped[raw[i+1]])
			i += 2
		default:
			r := codeUnit(raw[i:])
			i += 6
			if utf16.IsSurrogate(r) {
				pair := utf16.DecodeRune(r, codeUnit(raw[i:]))
				if pair != utf8.RuneError {
					i += 6
				}
				r = pair
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return view(out)
}

// unescaped is what the letter after a backslash stands for.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// codeUnit reads \uXXXX, or returns -1 if t does not begin with that.
func codeUnit(t []byte) rune {
	if len(t) < 6 || t[0] != '\\' || t[1] != 'u' {
		return -1
	}
	return rune(hexDigit[t[2]])<<12 | rune(hexDigit[t[3]])<<8 | rune(hexDigit[t[4]])<<4 | rune(hexDigit[t[5]])
}

// view is b as a string without copying: b must never change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Members yields the members of a JSON object in the order they are written:
// the key as it is meant, the value as it is written. A key that is written
// twice is yielded twice; the last one counts. Text that is not an object, or
// stops being one, ends the sequence.
//
// Keys and values share memory with the text, which must not be changed.
func Members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		s := scanner{text: object}
		if s.peek() != '{' {
			return
		}
		for ok := s.open('}'); ok; ok = s.more('}') {
			key := s.key()
			value := s.value()
			if s.bad || !yield(key, value) {
				return
			}
		}
	}
}

// Elements yields the elements of a JSON array as they are written. Text that
// is not an array, or stops being one, ends the sequence.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := scanner{text: array}
		if s.peek() != '[' {
			return
		}
		for ok := s.open(']'); ok; ok = s.more(']') {
			value := s.value()
			if s.bad || !yield(value) {
				return
			}
		}
	}
}

// Unquote returns what a JSON string means; ok is false if value is not one.
// The result may share memory with value, which must not be changed.
func Unquote(value []byte) (text string, ok bool) {
	s := scanner{text: value}
	if s.peek() != '"' {
		return "", false
	}
	text = s.string()
	return text, s.end()
}

// value reads a value of any kind and returns its text.
func (s *scanner) value() []byte {
	s.peek()
	from := s.at
	s.skip()
	return s.text[from:s.at]
}
