package filter

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tomotrace/tomo"
)

// Expr is a checked expression: one of All, And, Or, Not, Compare, Set,
// Service, Edge, Cause, CauseJSON and Group. It is a plain value that is never
// changed.
//
// String prints it so that Parse gives an equal expression, unless the text
// has become longer than MaxLength.
type Expr interface {
	String() string
	// append prints it as a part of something that binds as tightly as outer.
	append(b []byte, outer power) []byte
}

// power is how tightly an operator binds.
type power uint8

const (
	loose power = iota
	orPower
	andPower
	notPower
)

type (
	// All holds for every trace: the empty expression.
	All struct{}
	// And holds if all of its parts hold, of which there are two or more. No
	// part is an And.
	And []Expr
	// Or holds if one of its parts holds, of which there are two or more. No
	// part is an Or.
	Or []Expr
	// Not holds if Part does not.
	Not struct{ Part Expr }

	// Compare holds if some value of the field compares so with Value.
	Compare struct {
		Field Field
		Op    Op
		Value tomo.Value
	}
	// Set holds if the field has a value, and for annotations one other than
	// the boolean false.
	Set struct{ Field Field }

	// Service holds if the trace has a node that Node selects and, if there is
	// a Block, one unit of such a node for which it holds.
	Service struct {
		Node  ID
		Block Expr // nil if there is none
	}
	// Edge holds if the trace has a call from a node that From selects to one
	// that To selects, for which the Block holds if there is one.
	Edge struct {
		From, To ID
		Block    Expr // nil if there is none
	}
	// Cause holds if the trace has a root cause of the category with such a
	// part, for which the Block holds if there is one.
	Cause struct {
		Category Category
		Part     Part
		Block    Expr // nil if there is none
	}
	// CauseJSON holds if the root causes of one category match each of the
	// patterns of a JSON array.
	CauseJSON struct{ Patterns string } // without white space
	// Group holds if the expression of the group does.
	Group struct {
		By   GroupKey
		Text string
	}
)

// Terms yields what AND, OR and NOT join in an expression, in the order of the
// text. Blocks are not looked into: what stands there is about something else
// than the trace.
func Terms(e Expr) iter.Seq[Expr] {
	return func(yield func(Expr) bool) { terms(e, yield) }
}

func terms(e Expr, yield func(Expr) bool) (more bool) {
	var parts []Expr
	switch e := e.(type) {
	case And:
		parts = e
	case Or:
		parts = e
	case Not:
		return terms(e.Part, yield)
	default:
		return yield(e)
	}
	for _, part := range parts {
		if !terms(part, yield) {
			return false
		}
	}
	return true
}

// Field is what a comparison looks at: a keyword, by its name in the table, and
// for annotations the key.
type Field struct{ Keyword, Key string }

// ID selects nodes: those whose given fields equal these. The zero ID selects
// every node. An empty field that is given selects nodes without that field.
type ID struct {
	tomo.NodeID
	Given IDFields
}

// IDFields are fields of an ID.
type IDFields uint8

const (
	ByName IDFields = 1 << iota
	ByType
	ByAccount
)

// Selects reports whether id selects the node.
func (id *ID) Selects(node *tomo.NodeID) bool {
	return (id.Given&ByName == 0 || id.Name == node.Name) &&
		(id.Given&ByType == 0 || id.Type == node.Type) &&
		(id.Given&ByAccount == 0 || id.Account == node.Account)
}

// Op is how a field is compared.
type Op uint8

const (
	Equal Op = iota
	Unequal
	Less
	AtMost
	Greater
	AtLeast
	Contains
	BeginsWith
	EndsWith
)

var opTexts = [...]string{"=", "!=", "<", "<=", ">", ">=", "CONTAINS", "BEGINSWITH", "ENDSWITH"}

// String is the operator as it is written.
func (op Op) String() string { return opTexts[op] }

// Category is a kind of root cause.
type Category uint8

const (
	FaultCause Category = iota
	ErrorCause
	ResponseTimeCause
)

// Part is what of a root cause is looked at.
type Part uint8

const (
	ServicePart Part = iota
	EntityPart
	ExceptionPart
)

var (
	categoryTexts = [...]string{"fault", "error", "responsetime"}
	partTexts     = [...]string{"service", "entity", "exception"}
)

// String is the category as it is written.
func (c Category) String() string { return categoryTexts[c] }

// String is the part as it is written.
func (p Part) String() string { return partTexts[p] }

// GroupKey is what a group is named by.
type GroupKey uint8

const (
	GroupName GroupKey = iota
	GroupARN
)

// scope is where the Block of a Cause stands.
func (e Cause) scope() Scope {
	switch {
	case e.Part == ExceptionPart:
		return InException
	case e.Part == EntityPart && e.Category == ResponseTimeCause:
		return InSlowEntity
	case e.Part == EntityPart:
		return InEntity
	default:
		return InCause
	}
}

func (e All) String() string       { return "" }
func (e And) String() string       { return string(e.append(nil, loose)) }
func (e Or) String() string        { return string(e.append(nil, loose)) }
func (e Not) String() string       { return string(e.append(nil, loose)) }
func (e Compare) String() string   { return string(e.append(nil, loose)) }
func (e Set) String() string       { return string(e.append(nil, loose)) }
func (e Service) String() string   { return string(e.append(nil, loose)) }
func (e Edge) String() string      { return string(e.append(nil, loose)) }
func (e Cause) String() string     { return string(e.append(nil, loose)) }
func (e CauseJSON) String() string { return string(e.append(nil, loose)) }
func (e Group) String() string     { return string(e.append(nil, loose)) }

func (e All) append(b []byte, _ power) []byte { return b }

func (e And) append(b []byte, outer power) []byte { return appendList(b, e, " AND ", andPower, outer) }

func (e Or) append(b []byte, outer power) []byte { return appendList(b, e, " OR ", orPower, outer) }

func appendList(b []byte, parts []Expr, between string, own, outer power) []byte {
	if outer > own {
		b = append(b, '(')
	}
	for i, part := range parts {
		if i > 0 {
			b = append(b, between...)
		}
		b = part.append(b, own)
	}
	if outer > own {
		b = append(b, ')')
	}
	return b
}

// append prints what is written with != as it is written: an exclamation mark
// would be one level of nesting more.
func (e Not) append(b []byte, _ power) []byte {
	switch part := e.Part.(type) {
	case CauseJSON:
		return part.appendCompared(b, Unequal)
	case Group:
		return part.appendCompared(b, Unequal)
	}
	return e.Part.append(append(b, '!'), notPower)
}

func (e Compare) append(b []byte, _ power) []byte {
	b = e.Field.append(b)
	if keyword(e.Field.Keyword).Type == Boolean && e.Op == Equal && e.Value.Bool {
		return b
	}
	b = append(b, ' ')
	b = append(b, e.Op.String()...)
	b = append(b, ' ')
	switch e.Value.Kind {
	case tomo.NumberValue:
		return appendNumber(b, e.Value.Number)
	case tomo.BoolValue:
		return strconv.AppendBool(b, e.Value.Bool)
	default:
		return appendQuoted(b, e.Value.String)
	}
}

func (e Set) append(b []byte, _ power) []byte { return e.Field.append(b) }

func (e Service) append(b []byte, _ power) []byte {
	b = append(b, "service("...)
	b = append(e.Node.append(b), ')')
	return appendBlock(b, e.Block)
}

func (e Edge) append(b []byte, _ power) []byte {
	b = append(b, "edge("...)
	if e.From.Given != 0 || e.To.Given != 0 {
		b = e.From.append(b)
		b = append(b, ", "...)
		b = e.To.append(b)
	}
	b = append(b, ')')
	return appendBlock(b, e.Block)
}

func (e Cause) append(b []byte, _ power) []byte {
	b = append(b, "rootcause."...)
	b = append(b, e.Category.String()...)
	b = append(b, '.')
	b = append(b, e.Part.String()...)
	return appendBlock(b, e.Block)
}

func (e CauseJSON) append(b []byte, _ power) []byte { return e.appendCompared(b, Equal) }

func (e CauseJSON) appendCompared(b []byte, op Op) []byte {
	b = append(b, "rootcause.json "...)
	b = append(b, op.String()...)
	return append(append(b, " #"...), e.Patterns...)
}

func (e Group) append(b []byte, _ power) []byte { return e.appendCompared(b, Equal) }

func (e Group) appendCompared(b []byte, op Op) []byte {
	if e.By == GroupARN {
		b = append(b, "group.arn "...)
	} else {
		b = append(b, "group.name "...)
	}
	b = append(b, op.String()...)
	return appendQuoted(append(b, ' '), e.Text)
}

func appendBlock(b []byte, block Expr) []byte {
	if block == nil {
		return b
	}
	b = append(b, " { "...)
	return append(block.append(b, loose), " }"...)
}

func (f Field) String() string { return string(f.append(nil)) }

func (f Field) append(b []byte) []byte {
	b = append(b, f.Keyword...)
	switch {
	case keyword(f.Keyword).Type != Annotation:
		return b
	case isPlainKey(f.Key):
		return append(append(b, '.'), f.Key...)
	default:
		return append(appendQuoted(append(b, '['), f.Key), ']')
	}
}

// String is the selector as it is written between the parentheses of service().
func (id ID) String() string { return string(id.append(nil)) }

func (id *ID) append(b []byte) []byte {
	switch id.Given {
	case 0:
		return b
	case ByName:
		return appendQuoted(b, id.Name)
	}
	b = append(b, "id("...)
	some := false
	field := func(given IDFields, name, value string) {
		if id.Given&given == 0 {
			return
		}
		if some {
			b = append(b, ", "...)
		}
		some = true
		b = append(b, name...)
		b = append(b, ": "...)
		b = appendQuoted(b, value)
	}
	field(ByName, "name", id.Name)
	field(ByType, "type", id.Type)
	field(ByAccount, "account.id", id.Account)
	return append(b, ')')
}

// appendNumber prints whole numbers without a fraction, and never so that the
// lexer reads another number.
func appendNumber(b []byte, n float64) []byte {
	if a := math.Abs(n); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, n, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, n, 'f', -1, 64)
}

// appendQuoted prints a string with the escapes that it needs.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if r < ' ' {
				b = append(b, `\u00`...)
				b = append(b, strings.ToLower(strconv.FormatInt(int64(r)+0x100, 16))[1:]...)
				break
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
