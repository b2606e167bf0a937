package floor

import (
	"errors"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// errJSON says that a text is not JSON, or not of the shape it has to be.
var errJSON = errors.New("not a list of segment documents")

// maxDepth is how deep JSON may nest.
const maxDepth = 1000

// documents takes the segment documents out of the body of a PutTraceSegments
// call and appends each, unescaped and with its length in front, to dst. Every
// document has to be a JSON value. It looks at each byte once to unescape it
// and once more to walk the document.
func documents(dst, body []byte) ([]byte, error) {
	dst = slices.Grow(dst, 2*len(body)+64) // of each "" only the length remains
	s := scanner{text: body}
	if !s.byte('{') {
		return dst, errJSON
	}
	found := false
	for first := true; !s.byte('}'); first = false {
		if !first && !s.byte(',') {
			return dst, errJSON
		}
		s.space()
		start := s.at
		if !s.string() {
			return dst, errJSON
		}
		name := body[start:s.at]
		if !s.byte(':') {
			return dst, errJSON
		}
		if string(name) != `"TraceSegmentDocuments"` {
			if !s.value(1) {
				return dst, errJSON
			}
			continue
		}
		var err error
		if dst, err = s.list(dst); err != nil {
			return dst, err
		}
		found = true
	}
	s.space()
	if !found || s.at != len(s.text) {
		return dst, errJSON
	}
	return dst, nil
}

// list takes the documents out of the list that begins here.
func (s *scanner) list(dst []byte) ([]byte, error) {
	if !s.byte('[') {
		return dst, errJSON
	}
	for first := true; !s.byte(']'); first = false {
		if !first && !s.byte(',') {
			return dst, errJSON
		}
		s.space()
		head := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		var ok bool
		if dst, ok = s.unescape(dst); !ok {
			return dst, errJSON
		}
		text := dst[head+4:]
		if !valid(text) {
			return dst, errJSON
		}
		putLength(dst[head:], len(text))
	}
	return dst, nil
}

// valid reports whether text is one JSON value and nothing else: what
// encoding/json.Valid says, but for values that nest too deep.
func valid(text []byte) bool {
	s := scanner{text: text}
	if !s.value(0) {
		return false
	}
	s.space()
	return s.at == len(text)
}

// scanner walks over JSON. Each method begins where the last one stopped and
// reports whether what it names was there.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// byte skips spaces and then c, if it is there.
func (s *scanner) byte(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] != c {
		s.space()
	}
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value(depth int) bool {
	s.space()
	if s.at == len(s.text) || depth > maxDepth {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.string()
	case '{':
		s.at++
		for first := true; !s.byte('}'); first = false {
			if !first && !s.byte(',') {
				return false
			}
			s.space()
			if !s.string() || !s.byte(':') || !s.value(depth+1) {
				return false
			}
		}
		return true
	case '[':
		s.at++
		for first := true; !s.byte(']'); first = false {
			if !first && !s.byte(',') || !s.value(depth+1) {
				return false
			}
		}
		return true
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.is('-') {
		s.at++
	}
	if s.is('0') {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.is('.') {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if s.is('e') || s.is('E') {
		s.at++
		if s.is('+') || s.is('-') {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) is(c byte) bool { return s.at < len(s.text) && s.text[s.at] == c }

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// plain says which bytes stand for themselves inside a string.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

func (s *scanner) string() bool {
	if !s.is('"') {
		return false
	}
	text, i := s.text, s.at+1
	for i < len(text) {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		if c == '"' {
			s.at = i + 1
			return true
		}
		if c != '\\' || i+1 == len(text) {
			return false
		}
		if i++; escapes[text[i]] == 0 {
			return false
		}
		if text[i] == 'u' {
			if _, ok := hex4(text[i+1:]); !ok {
				return false
			}
			i += 4
		}
		i++
	}
	return false
}

// escapes maps the byte after a backslash to what the two stand for; 'u' to
// itself, what may not stand there to 0.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'u': 'u'}

// unescape appends what the string that begins here stands for. dst has to
// have room for it: it is never longer than what is left of the text.
func (s *scanner) unescape(dst []byte) ([]byte, bool) {
	if !s.is('"') {
		return dst, false
	}
	text := s.text[s.at+1:]
	to := dst[len(dst):cap(dst)]
	i, n := 0, 0 // read, written
	for i < len(text) && n < len(to) {
		c := text[i]
		if plain[c] {
			to[n] = c
			i++
			n++
			continue
		}
		if c == '"' {
			s.at += i + 2
			return dst[:len(dst)+n], true
		}
		if c != '\\' || i+1 == len(text) {
			return dst, false
		}
		c = escapes[text[i+1]]
		i += 2
		if c == 0 {
			return dst, false
		}
		if c != 'u' {
			to[n] = c
			n++
			continue
		}
		r, digits := unicode16(text[i:])
		if digits == 0 {
			return dst, false
		}
		i += digits
		n += utf8.EncodeRune(to[n:], r)
	}
	return dst, false
}

// unicode16 reads what follows \u: four digits, or with the rest of a pair of
// surrogates ten characters. It returns how many, 0 if they are not digits.
// Half a pair stands for U+FFFD, as in encoding/json.
func unicode16(text []byte) (rune, int) {
	r, ok := hex4(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(text) >= 10 && text[4] == '\\' && text[5] == 'u' {
		if low, ok := hex4(text[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}

// hex4 reads four hex digits.
func hex4(text []byte) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range text[:4] {
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
