package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
)

// Parse reads and checks an expression. A blank one is All. The error is always
// an *Error.
func Parse(text string) (Expr, error) {
	p := parser{lexer: lexer{text: text}}
	p.begin(MaxLength)
	if p.token.kind == endToken {
		return p.finish(All{})
	}
	return p.finish(p.expression(orPower, InTrace))
}

// ParseSelector reads an entity selector, which says what a time series is
// about: service(…) or edge(…, …) with the names or ids of services. It answers
// the Service or Edge, without Block.
//
// X-Ray: a block, an annotation, and an id that stands alone are errors here.
// What is left out of a filter to mean any service has to be said.
func ParseSelector(text string) (Expr, error) {
	p := parser{lexer: lexer{text: text}}
	p.begin(MaxSelector)
	const expected = "Expected service(…) or edge(…)"
	if p.token.kind != wordToken {
		p.fail(expected)
	}
	switch p.token.value {
	case "service":
		p.advance()
		p.need("(")
		node := p.node()
		p.need(")")
		return p.finish(Service{Node: node})
	case "edge":
		p.advance()
		p.need("(")
		from := p.node()
		p.need(",")
		to := p.node()
		p.need(")")
		return p.finish(Edge{From: from, To: to})
	}
	p.fail(expected)
	return p.finish(nil)
}

// parser is a Pratt parser: expression reads what binds at least as tightly as
// it is told. The first error counts; from then on the parser is at the end of
// the text, and what it still builds is thrown away.
type parser struct {
	lexer
	token token // the next one that was not used
	depth int   // of parentheses, braces and negations
	err   *Error
	place *Place // nil unless it is only asked what may stand at the end

	// For messages: where an operator was looked for in vain, and the end of a
	// word that may not go on as it does.
	missed missedOperator
	cut    cutWord
}

// missedOperator is a token that could have been an operator and is none.
type missedOperator struct {
	at  int
	has func(Op) bool
}

// cutWord is the end of a word that takes letters, digits and _ only, and what
// to write if more was meant.
type cutWord struct {
	at  int
	why string
}

const (
	otherKeys  = "Only letters, digits and _ may follow the dot; other keys go in brackets, as in annotation[a.b]"
	otherTexts = "Without quotes only one word of letters, digits, _ and dots can stand here; other texts go in double quotes"
)

// begin checks the text as a whole and reads the first token.
func (p *parser) begin(limit int) {
	n := 0
	for at, r := range p.text {
		if n++; n > limit {
			p.failAt(at, string(r), fmt.Sprintf("An expression may have %d characters", limit))
			return
		}
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(p.text[at:]); size == 1 {
			p.failAt(at, string(r), "It is not UTF-8")
			return
		}
	}
	p.advance()
}

// finish is what Parse answers once e was read.
func (p *parser) finish(e Expr) (Expr, error) {
	if p.token.kind != endToken {
		p.expected("the end of the expression")
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

func (p *parser) advance() {
	if p.err == nil {
		p.token = p.next()
		p.leaveOpen()
	}
}

// fail reports the next token.
func (p *parser) fail(why string) {
	switch {
	case p.token.broken != "":
		why = p.token.broken
	case p.cut.why != "" && p.cut.at == p.token.at && !p.closes():
		why = p.cut.why
	}
	p.failAt(p.token.at, p.token.text, why)
}

// closes reports whether the next token ends what it stands in.
func (p *parser) closes() bool { return p.token.kind == endToken || p.is(")") || p.is("}") }

// expected reports the next token in the place of what, or of an operator.
func (p *parser) expected(what string) {
	if ops := p.missedOperators(); ops != "" && !p.closes() {
		what = "an operator" + ops + " or " + what
	}
	p.fail("Expected " + what)
}

// missedOperators lists the operators that could stand where the next token
// does, in parentheses; it is "" if there are none.
func (p *parser) missedOperators() string {
	if p.missed.has == nil || p.missed.at != p.token.at {
		return ""
	}
	var list []string
	for op := Equal; op <= EndsWith; op++ {
		if p.missed.has(op) {
			list = append(list, op.String())
		}
	}
	return " (" + strings.Join(list, ", ") + ")"
}

func (p *parser) failAt(at int, symbol, why string) {
	if p.err != nil {
		return
	}
	if at >= len(p.text) {
		symbol = "<EOF>"
	}
	before := p.text[:at]
	p.err = &Error{
		Line:    1 + strings.Count(before, "\n"),
		Column:  1 + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):]),
		Message: fmt.Sprintf("Invalid input symbol: '%s'. %s.", shorten(symbol), why),
	}
	p.token = token{at: len(p.text)}
}

// shorten keeps what a message quotes within reason, and in sight.
func shorten(s string) string {
	const most = 40
	var b []byte
	for n, r := range s {
		switch {
		case n > most:
			return string(b) + "…"
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = fmt.Appendf(b, "U+%04X", r)
		}
	}
	return string(b)
}

// is reports whether the next token is this punctuation mark.
func (p *parser) is(mark string) bool {
	return p.token.kind == punctuationToken && p.token.text == mark
}

// take uses the next token if it is this punctuation mark.
func (p *parser) take(mark string) bool {
	if !p.is(mark) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) need(mark string) {
	p.could(Want{Kind: MarkWanted, Mark: mark})
	if !p.take(mark) {
		p.expected(strconv.Quote(mark))
	}
}

// enter uses the next token, which opens something.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		p.fail(fmt.Sprintf("Parentheses, braces and negations may nest %d deep", MaxDepth))
	}
	p.advance()
}

func (p *parser) leave() { p.depth-- }

func (p *parser) expression(least power, in Scope) Expr {
	left := p.unary(in)
	for {
		p.could(Want{Kind: ConnectiveWanted, Scope: in})
		own, written := p.infix()
		if own == loose || own < least {
			return left
		}
		if written {
			p.advance()
		}
		left = join(own, left, p.expression(own+1, in))
	}
}

// infix says how the next token ties what follows to what was before. AND may
// be left out.
func (p *parser) infix() (own power, written bool) {
	switch {
	case p.token.kind == wordToken && p.token.value == "or":
		return orPower, true
	case p.token.kind == wordToken:
		return andPower, p.token.value == "and"
	case p.is("!"), p.is("("):
		return andPower, false
	}
	return loose, false
}

// join makes one list of what is tied by the same operator.
func join(own power, left, right Expr) Expr {
	if own == orPower {
		parts, ok := left.(Or)
		if !ok {
			parts = Or{left}
		}
		if more, ok := right.(Or); ok {
			return append(parts, more...)
		}
		return append(parts, right)
	}
	parts, ok := left.(And)
	if !ok {
		parts = And{left}
	}
	if more, ok := right.(And); ok {
		return append(parts, more...)
	}
	return append(parts, right)
}

func (p *parser) unary(in Scope) Expr {
	switch {
	case p.is("!"), p.token.kind == wordToken && p.token.value == "not":
		p.enter()
		e := Not{p.unary(in)}
		p.leave()
		return e
	case p.is("("):
		p.enter()
		e := p.expression(orPower, in)
		p.need(")")
		p.leave()
		return e
	}
	return p.condition(in)
}

// condition reads a keyword and what belongs to it.
func (p *parser) condition(in Scope) Expr {
	p.could(Want{Kind: KeywordWanted, Scope: in})
	at := p.token
	if _, operator := operators[at.value]; at.kind != wordToken || operator || connective(at.value) {
		p.fail("Expected a keyword, ! or (")
		return nil
	}
	field, k := p.field(at)
	if k == nil {
		p.unknown(at, in)
		return nil
	}
	if !k.Allowed(in) {
		p.misplaced(at, k, in)
		return nil
	}
	if len(at.text) > len(k.Name) {
		if !isPlainKey(field.Key) {
			p.fail(otherKeys)
		}
		p.cut = cutWord{at.at + len(at.text), otherKeys}
	}
	p.advance()
	switch k.Type {
	case Boolean:
		return p.boolean(field)
	case Number:
		return p.number(field)
	case String:
		return p.string(field, in)
	case Annotation:
		return p.annotation(field)
	case ServiceTest:
		node := p.service()
		return Service{node, p.block(InService)}
	case EdgeTest:
		from, to := p.edge()
		return Edge{from, to, p.block(InEdge)}
	case CauseTest:
		return p.cause(field)
	case CauseMatch:
		return p.causeJSON()
	default:
		return p.group(field)
	}
}

// field tells the keyword of a word. Of an annotation written with a dot it
// tells the key too, which is the only part whose case counts.
func (p *parser) field(word token) (Field, *Keyword) {
	if k := keyword(word.value); k != nil {
		return Field{Keyword: k.Name}, k
	}
	const stem = "annotation"
	at := strings.Index(word.value, stem+".")
	if at < 0 {
		return Field{}, nil
	}
	at += len(stem)
	k := keyword(word.value[:at])
	if k == nil {
		return Field{}, nil
	}
	return Field{k.Name, word.text[at+1:]}, k
}

func (p *parser) unknown(word token, in Scope) {
	why := "It is not a keyword"
	if ops := p.missedOperators(); ops != "" {
		why = "It is neither an operator" + ops + " nor a keyword"
	}
	if word.value == "id" {
		why += "; id(…) names a node between the parentheses of service() and edge()"
	} else if near := nearest(word.value, in); near != "" {
		why += "; the nearest is " + near
	}
	p.failAt(word.at, word.text, why)
}

func (p *parser) misplaced(word token, k *Keyword, in Scope) {
	var places []string
	for scope := range numScopes {
		if k.Allowed(scope) {
			places = append(places, scope.String())
		}
	}
	p.failAt(word.at, word.text, fmt.Sprintf("%s cannot stand %s; it can %s", k.Name, in, strings.Join(places, ", ")))
}

var operators = map[string]Op{
	"=": Equal, "!=": Unequal, "<": Less, "<=": AtMost, ">": Greater, ">=": AtLeast,
	"contains": Contains, "beginswith": BeginsWith, "endswith": EndsWith,
}

func connective(word string) bool { return word == "and" || word == "or" || word == "not" }

// operator uses the next token if it is an operator that a field of this kind
// has. Any other operator is an error.
func (p *parser) operator(f Field, kind string, has func(Op) bool) (Op, bool) {
	p.could(Want{Kind: OperatorWanted, Field: f, ops: has})
	name := p.token.value
	if p.token.kind == punctuationToken {
		name = p.token.text
	}
	op, ok := operators[name]
	if !ok || p.token.kind == stringToken {
		p.missed = missedOperator{p.token.at, has}
		return 0, false
	}
	if !has(op) {
		p.fail(fmt.Sprintf("%s is a %s and cannot be compared by %s", f, kind, op))
		return 0, false
	}
	p.advance()
	return op, true
}

func equality(op Op) bool { return op == Equal || op == Unequal }
func numeric(op Op) bool  { return op < Contains }
func textual(op Op) bool  { return equality(op) || op >= Contains }
func anyOp(Op) bool       { return true }

func (p *parser) boolean(f Field) Expr {
	op, ok := p.operator(f, "boolean", equality)
	if !ok {
		return Compare{f, Equal, tomo.Value{Kind: tomo.BoolValue, Bool: true}}
	}
	p.could(Want{Kind: ValueWanted, Field: f})
	t := p.token
	if t.kind != wordToken && t.kind != stringToken || t.value != "true" && t.value != "false" {
		p.fail("Expected true or false")
	}
	p.advance()
	return Compare{f, op, tomo.Value{Kind: tomo.BoolValue, Bool: t.value == "true"}}
}

func (p *parser) number(f Field) Expr {
	op, ok := p.operator(f, "number", numeric)
	if !ok {
		return Set{f}
	}
	p.could(Want{Kind: ValueWanted, Field: f})
	t := p.token
	if t.kind != numberToken {
		p.fail("Expected a number")
	}
	p.advance()
	return Compare{f, op, tomo.Value{Kind: tomo.NumberValue, Number: t.number}}
}

// string: the value may be a bare word, as in an example of the guide.
func (p *parser) string(f Field, in Scope) Expr {
	op, ok := p.operator(f, "string", textual)
	if !ok {
		return Set{f}
	}
	p.could(Want{Kind: ValueWanted, Field: f, Scope: in})
	t := p.token
	text := t.value
	if t.kind == wordToken {
		text = t.text
	}
	_, operator := operators[t.value]
	switch {
	case t.kind == stringToken:
	case t.kind == wordToken && !operator && !connective(t.value):
		p.cut = cutWord{t.at + len(t.text), otherTexts}
	default:
		p.fail("Expected a string in double quotes")
	}
	p.advance()
	return Compare{f, op, tomo.Value{String: text}}
}

// annotation: the word before may have ended in a dot and the key; otherwise
// the key comes in brackets.
func (p *parser) annotation(f Field) Expr {
	if f.Key == "" {
		f.Key = p.key(f)
	}
	op, ok := p.operator(f, "annotation", anyOp)
	if !ok {
		return Set{f}
	}
	p.could(Want{Kind: ValueWanted, Field: f})
	t := p.token
	isTruth := t.kind == wordToken && (t.value == "true" || t.value == "false")
	value := tomo.Value{String: t.value}
	switch {
	case t.kind == numberToken:
		value = tomo.Value{Kind: tomo.NumberValue, Number: t.number}
	case isTruth:
		value = tomo.Value{Kind: tomo.BoolValue, Bool: t.value == "true"}
	}
	switch {
	case !textual(op) && t.kind != numberToken:
		p.fail(fmt.Sprintf("Expected a number after %s", op))
	case !numeric(op) && t.kind != stringToken:
		p.fail(fmt.Sprintf("Expected a string in double quotes after %s", op))
	case t.kind != stringToken && t.kind != numberToken && !isTruth:
		p.fail("Expected a string in double quotes, a number, true or false")
	}
	p.advance()
	return Compare{f, op, value}
}

// key reads the key of an annotation in brackets: anything but brackets, or a
// string. The lexer stands behind the opening bracket, which is the next token.
func (p *parser) key(of Field) string {
	if p.openKey(of) {
		return ""
	}
	if !p.is("[") {
		p.fail("Expected a dot and a key, or a key in brackets")
		return ""
	}
	p.space()
	if strings.HasPrefix(p.text[p.at:], `"`) {
		p.token = p.quoted()
		key := p.token.value
		if key == "" {
			p.fail("Expected a key")
		}
		p.advance()
		p.need("]")
		return key
	}
	n := strings.IndexAny(p.text[p.at:], "[]")
	if n < 0 {
		p.failAt(p.at, p.text[p.at:], "The closing ] is missing")
		return ""
	}
	key := strings.TrimSpace(p.text[p.at : p.at+n])
	p.at += n
	p.advance() // to the bracket
	if key == "" {
		p.fail("Expected a key")
	}
	p.need("]")
	return key
}

// service reads the node of service, which may be left out.
func (p *parser) service() (node ID) {
	p.could(Want{Kind: MarkWanted, Mark: "("})
	if p.take("(") {
		if !p.is(")") {
			node = p.node()
		}
		p.need(")")
	}
	return node
}

// edge reads the two nodes of edge, which may be left out together.
func (p *parser) edge() (from, to ID) {
	p.could(Want{Kind: MarkWanted, Mark: "("})
	if p.take("(") {
		if !p.is(")") {
			from = p.node()
			p.need(",")
			to = p.node()
		}
		p.need(")")
	}
	return from, to
}

// node reads a name or id(…).
func (p *parser) node() (id ID) {
	p.could(Want{Kind: NodeWanted})
	if p.token.kind == stringToken {
		id = ID{tomo.NodeID{Name: p.token.value}, ByName}
		p.advance()
		return id
	}
	if p.token.kind != wordToken || p.token.value != "id" {
		p.fail("Expected the name of a service in double quotes, or id(…)")
	}
	p.advance()
	p.need("(")
	for more := true; more && p.err == nil; more = p.take(",") {
		p.idField(&id)
		p.could(Want{Kind: MarkWanted, Mark: ","})
	}
	p.need(")")
	return id
}

func (p *parser) idField(id *ID) {
	p.could(Want{Kind: IDFieldWanted, Given: id.Given})
	var given IDFields
	var value *string
	switch p.token.value {
	case "name":
		given, value = ByName, &id.Name
	case "type":
		given, value = ByType, &id.Type
	case "account.id":
		given, value = ByAccount, &id.Account
	}
	switch {
	case p.token.kind != wordToken || value == nil:
		p.fail("Expected name, type or account.id")
		return
	case id.Given&given != 0:
		p.fail("It was already given")
	}
	p.advance()
	p.need(":")
	p.could(Want{Kind: IDValueWanted, Given: given})
	if p.token.kind != stringToken {
		p.fail("Expected a string in double quotes")
	}
	id.Given |= given
	*value = p.token.value
	p.advance()
}

// block reads a block, nil if there is none or nothing in it.
func (p *parser) block(in Scope) Expr {
	p.could(Want{Kind: MarkWanted, Mark: "{"})
	if !p.is("{") {
		return nil
	}
	p.enter()
	var e Expr
	if !p.is("}") {
		e = p.expression(orPower, in)
	}
	p.need("}")
	p.leave()
	return e
}

func (p *parser) cause(f Field) Expr {
	words := strings.Split(f.Keyword, ".")
	e := Cause{
		Category: Category(slices.Index(categoryTexts[:], words[1])),
		Part:     Part(slices.Index(partTexts[:], words[2])),
	}
	e.Block = p.block(e.scope())
	return e
}

// group reads what a group is compared with. != is the same as a negation.
func (p *parser) group(f Field) Expr {
	op, ok := p.operator(f, "group", equality)
	if !ok {
		p.fail("Expected = or !=")
	}
	p.could(Want{Kind: ValueWanted, Field: f})
	if p.token.kind != stringToken {
		p.fail("Expected a string in double quotes")
	}
	e := Group{Text: p.token.value}
	if f.Keyword == "group.arn" {
		e.By = GroupARN
	}
	p.advance()
	if op == Unequal {
		return Not{e}
	}
	return e
}

// causeJSON reads # and a JSON array. The lexer stands behind the #, which is
// the next token.
func (p *parser) causeJSON() Expr {
	op, ok := p.operator(Field{Keyword: "rootcause.json"}, "JSON literal", equality)
	if !ok {
		p.fail("Expected = or !=")
	}
	p.could(Want{Kind: MarkWanted, Mark: "#"})
	if !p.is("#") {
		p.fail("Expected # and a JSON array")
		return nil
	}
	rest := p.text[p.at:]
	from := strings.NewReader(rest)
	decoder := json.NewDecoder(from)
	var patterns []any
	if err := decoder.Decode(&patterns); err != nil || patterns == nil {
		p.failJSON(err)
		return nil
	}
	literal := rest[:decoder.InputOffset()]
	if jsonDepth(literal) > MaxDepth {
		p.fail(fmt.Sprintf("JSON may nest %d deep", MaxDepth))
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(literal)); err != nil {
		panic("filter: JSON that was read is none: " + err.Error())
	}
	p.at += len(literal)
	p.advance()
	var e Expr = CauseJSON{compact.String()}
	if op == Unequal {
		e = Not{e}
	}
	return e
}

// failJSON reports what stands behind the #, and was read with err. JSON that
// is broken is reported where it breaks.
func (p *parser) failJSON(err error) {
	at := len(p.text)
	switch broken := (*json.SyntaxError)(nil); {
	case errors.As(err, &broken):
		at = p.at + int(broken.Offset) - 1
	case !errors.Is(err, io.ErrUnexpectedEOF):
		p.fail("Expected a JSON array after #")
		return
	}
	symbol, _ := utf8.DecodeRuneInString(p.text[at:])
	p.failAt(at, string(symbol), "The JSON array after # breaks off here")
}

// jsonDepth is how deep valid JSON nests.
func jsonDepth(text string) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			most = max(most, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}
