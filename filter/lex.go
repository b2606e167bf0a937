package filter

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	endToken    tokenKind = iota
	stringToken           // "…"
	numberToken
	wordToken // a keyword, an operator word, true, false or a bare value
	punctuationToken
	badToken // cannot begin a token, or one that is broken off
)

// token is one token and where it is.
type token struct {
	kind tokenKind
	text string // as it is written
	at   int    // its first byte
	// value is the text of a string, the lower-case form of a word.
	value  string
	number float64
	// broken says what is wrong with a bad token, if there is more to say than
	// what was expected instead.
	broken string
}

// lexer cuts an expression into tokens, one at a time, because what may stand
// between the brackets of an annotation or after a # depends on what was before.
type lexer struct {
	text string
	at   int
}

// next is the next token.
func (l *lexer) next() token {
	l.space()
	rest := l.text[l.at:]
	if rest == "" {
		return token{at: l.at}
	}
	switch c := rest[0]; {
	case c == '"':
		return l.quoted()
	case isDigit(c) || c == '-' && len(rest) > 1 && isDigit(rest[1]):
		return l.number()
	case isWordStart(c):
		return l.word()
	case strings.IndexByte("(){}[],:=#", c) >= 0:
		return l.cut(punctuationToken, 1)
	case c == '!' || c == '<' || c == '>':
		if len(rest) > 1 && rest[1] == '=' {
			return l.cut(punctuationToken, 2)
		}
		return l.cut(punctuationToken, 1)
	default:
		_, size := utf8.DecodeRuneInString(rest)
		return l.bad(size, strays[c])
	}
}

// strays says what to write instead of some characters that other languages have.
var strays = map[byte]string{
	'&':  "Write AND",
	'|':  "Write OR",
	'\'': "Strings stand in double quotes",
}

func (l *lexer) space() {
	for l.at < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsSpace(r) {
			return
		}
		l.at += size
	}
}

func (l *lexer) cut(kind tokenKind, size int) token {
	t := token{kind: kind, text: l.text[l.at : l.at+size], at: l.at}
	l.at += size
	return t
}

func (l *lexer) bad(size int, why string) token {
	t := l.cut(badToken, size)
	t.broken = why
	return t
}

func (l *lexer) word() token {
	n := 1
	for rest := l.text[l.at:]; n < len(rest) && (isWordStart(rest[n]) || isDigit(rest[n]) || rest[n] == '.'); {
		n++
	}
	t := l.cut(wordToken, n)
	t.value = strings.ToLower(t.text)
	return t
}

// number reads -?digits(.digits)?([eE][+-]?digits)? with nothing glued to it.
func (l *lexer) number() token {
	rest := l.text[l.at:]
	n := 1 // a digit, or the sign before one
	digits := func() {
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
	}
	digits()
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		n++
		digits()
	}
	if n < len(rest) && rest[n]|0x20 == 'e' {
		sign := n + 1
		if sign < len(rest) && (rest[sign] == '+' || rest[sign] == '-') {
			sign++
		}
		if sign < len(rest) && isDigit(rest[sign]) {
			n = sign
			digits()
		}
	}
	if n < len(rest) && (isWordStart(rest[n]) || rest[n] == '.') {
		for n < len(rest) && (isWordStart(rest[n]) || isDigit(rest[n]) || rest[n] == '.') {
			n++
		}
		return l.bad(n, "It is not a number")
	}
	t := l.cut(numberToken, n)
	var err error
	if t.number, err = strconv.ParseFloat(t.text, 64); err != nil {
		t.kind, t.broken = badToken, "The number is too large"
	}
	t.number += 0 // no negative zero
	return t
}

// quoted reads a string with the escapes of JSON. Raw line breaks may be in it.
func (l *lexer) quoted() token {
	rest := l.text[l.at:]
	var value strings.Builder
	n := 1
	for n < len(rest) {
		plain := strings.IndexAny(rest[n:], `"\`)
		if plain < 0 {
			break
		}
		value.WriteString(rest[n : n+plain])
		n += plain
		if rest[n] == '"' {
			t := l.cut(stringToken, n+1)
			t.value = value.String()
			return t
		}
		r, size := unescape(rest[n:])
		if size == 0 {
			l.at += n
			_, after := utf8.DecodeRuneInString(rest[n+1:])
			return l.bad(1+after, `After \ comes one of " \ / b f n r t or u with four hex digits`)
		}
		value.WriteRune(r)
		n += size
	}
	t := l.bad(1, `The closing " is missing`)
	l.at = len(l.text)
	return t
}

// unescape reads one escape and says how long it is, 0 if it is none. As in
// JSON two escapes may name one character beyond the first 65,536.
func unescape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		first, ok := hex4(s[2:])
		if !ok {
			return 0, 0
		}
		if !isSurrogate(first) {
			return first, 6
		}
		if len(s) > 7 && s[6] == '\\' && s[7] == 'u' {
			if second, ok := hex4(s[8:]); ok && first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff {
				return (first-0xd800)<<10 | (second - 0xdc00) + 0x10000, 12
			}
		}
		return unicode.ReplacementChar, 6
	}
	return 0, 0
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

func isSurrogate(r rune) bool    { return r >= 0xd800 && r <= 0xdfff }
func isDigit(c byte) bool        { return c >= '0' && c <= '9' }
func isWordStart(c byte) bool    { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isKeyPart(c byte) bool      { return isWordStart(c) || isDigit(c) }
func isPlainKey(key string) bool { return key != "" && strings.IndexFunc(key, notKeyPart) < 0 }
func notKeyPart(r rune) bool     { return r >= utf8.RuneSelf || !isKeyPart(byte(r)) }
