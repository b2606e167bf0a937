package filter

import (
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
)

// Place is a place in an expression that is being written, and what may stand
// there. Somebody who knows the data makes suggestions of it.
type Place struct {
	// From and To are the bytes of the text that a suggestion takes the place
	// of: of a word all of it, of a string also its quotes.
	From, To int
	// Typed is what of that stands before the cursor; of a string or a key what
	// it says, without quotes and escapes.
	Typed string
	Wants []Want // none: nothing can stand here, or nothing is known of it
}

// Want is something that may stand in a place.
type Want struct {
	Kind  WantKind
	Scope Scope    // of KeywordWanted, ConnectiveWanted, and ValueWanted for a keyword that is a string
	Field Field    // of OperatorWanted, KeyWanted and ValueWanted
	Mark  string   // of MarkWanted
	Given IDFields // those that an id has already; of IDValueWanted the one whose value is wanted

	ops func(Op) bool
}

// WantKind says what is wanted.
type WantKind uint8

const (
	KeywordWanted    WantKind = iota // also !, NOT and (
	ConnectiveWanted                 // AND, OR, or what a left-out AND is before
	OperatorWanted
	ValueWanted // of a field or a group
	KeyWanted   // of an annotation, with its dot or brackets
	NodeWanted  // the name of a service in quotes, or id(
	IDFieldWanted
	IDValueWanted
	MarkWanted
)

// Operators lists the operators that are wanted.
func (w *Want) Operators() (list []Op) {
	for op := Equal; op <= EndsWith; op++ {
		if w.ops != nil && w.ops(op) {
			list = append(list, op)
		}
	}
	return list
}

// Complete finds out what may stand at a place in a text, which need not be an
// expression: what is before the cursor is read as one that goes on, and of
// what is behind it only the rest of a word or string that the cursor is in.
// The cursor is a number of bytes; one outside of the text is moved inside.
func Complete(text string, cursor int) Place {
	cursor = max(0, min(cursor, len(text)))
	place := Place{From: cursor, To: cursor}
	p := parser{lexer: lexer{text: text[:cursor]}, place: &place}
	p.begin(MaxLength)
	p.expression(orPower, InTrace)
	place.finish(text, cursor)
	return place
}

// leaveOpen makes the last token the end, with a place that takes it up: a word
// that ends at the cursor may go on, and a string that was not closed does.
func (p *parser) leaveOpen() {
	if p.place == nil || p.token.kind == endToken {
		return
	}
	t := p.token
	typed := t.text
	switch {
	case t.kind == badToken && strings.HasPrefix(t.text, `"`) && p.at == len(p.text):
		typed = unquoted(p.text[t.at:])
	case (t.kind == wordToken || t.kind == numberToken || t.kind == badToken && isDigit(t.text[0])) && t.at+len(t.text) == len(p.text):
	default:
		return
	}
	p.place.From, p.place.Typed = t.at, typed
	p.token = token{at: len(p.text)}
}

// unquoted is what a string that was not closed says so far.
func unquoted(text string) string {
	l := lexer{text: text + `"`}
	if t := l.next(); t.kind == stringToken {
		return t.value
	}
	return text[1:] // an escape is broken off
}

// could notes what may stand next, if that is the end of the text.
func (p *parser) could(w Want) {
	if p.place == nil || p.err != nil || p.token.kind != endToken {
		return
	}
	if !slices.ContainsFunc(p.place.Wants, func(o Want) bool {
		return o.Kind == w.Kind && o.Scope == w.Scope && o.Field == w.Field && o.Mark == w.Mark && o.Given == w.Given
	}) {
		p.place.Wants = append(p.place.Wants, w)
	}
}

// openKey notes that a key is wanted, if the text ends before the key's bracket
// is closed. The lexer stands behind the opening bracket, or at the end.
func (p *parser) openKey(of Field) bool {
	if p.place == nil || p.err != nil {
		return false
	}
	switch {
	case p.token.kind == endToken && p.place.Typed == "":
		p.could(Want{Kind: KeyWanted, Field: of})
		return false
	case !p.is("[") || strings.ContainsAny(p.text[p.at:], "[]"):
		return false
	}
	p.place.From, p.place.Typed = p.token.at, strings.TrimSpace(p.text[p.at:])
	if strings.HasPrefix(p.place.Typed, `"`) {
		p.place.Typed = unquoted(p.place.Typed)
	}
	p.token = token{at: len(p.text)}
	p.could(Want{Kind: KeyWanted, Field: of})
	p.err = &Error{} // nothing else can stand here
	return true
}

// finish looks at the word under the cursor: the key of an annotation may be
// part of it, and it may go on behind the cursor.
func (p *Place) finish(text string, cursor int) {
	if len(p.Wants) == 0 {
		p.From, p.To, p.Typed = cursor, cursor, ""
		return
	}
	if at := strings.Index(strings.ToLower(p.Typed), "annotation."); at >= 0 && p.From+len(p.Typed) == cursor {
		at += len("annotation")
		if k := keyword(strings.ToLower(p.Typed[:at])); k != nil && p.allows(k) {
			p.Wants = []Want{{Kind: KeyWanted, Field: Field{Keyword: k.Name}}}
			p.From, p.Typed = p.From+at, p.Typed[at+1:]
		}
	}
	p.To = cursor
	if p.From == cursor {
		return
	}
	switch rest := text[cursor:]; {
	case text[p.From] == '"':
		// An odd number of quotes follows if the first one closes this string.
		if end, quotes := quotesIn(rest); quotes%2 == 1 {
			p.To += end + 1
		}
	case text[p.From] == '[':
		if end := strings.IndexAny(rest, "[]"); end >= 0 && rest[end] == ']' {
			p.To += end + 1
		}
	default:
		for p.To < len(text) && (isWordStart(text[p.To]) || isDigit(text[p.To]) || text[p.To] == '.') {
			p.To++
		}
	}
}

// allows reports whether the keyword may stand in the place.
func (p *Place) allows(k *Keyword) bool {
	return slices.ContainsFunc(p.Wants, func(w Want) bool {
		return (w.Kind == KeywordWanted || w.Kind == ConnectiveWanted) && k.Allowed(w.Scope)
	})
}

// quotesIn counts the quotes that are not escaped, and finds the first.
func quotesIn(text string) (first, n int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			if n++; n == 1 {
				first = i
			}
		}
	}
	return first, n
}

// Quote is a value as it is written in an expression.
func Quote(v tomo.Value) string {
	text := Compare{Field{"annotation", "k"}, Equal, v}.String()
	return strings.TrimPrefix(text, "annotation.k = ")
}

// QuoteKey is the key of an annotation as it is written behind the keyword:
// .tier or ["a b"].
func QuoteKey(key string) string {
	return strings.TrimPrefix(Field{"annotation", key}.String(), "annotation")
}
