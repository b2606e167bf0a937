// Package filter is the language of filter expressions: the questions that
// GetTraceSummaries and groups ask of a trace.
//
// Text comes in, and an answer about one trace goes out, in steps that can each
// be used and printed alone:
//
//	Parse     text                → Expr     a checked tree, or an *Error with the place
//	Compile   Expr and groups     → Matcher  the tree made ready to run
//	Plan      Matcher             → Plan     what every match satisfies, for a store to narrow its scan
//	MatchSummary                  → Truth    yes, no, or not to be told from a summary
//	Match     Matcher and Detail  → bool     the last word
//
// The language is in [Keywords], one table that the parser, the evaluator, the
// messages, the documentation and completion all read. What an expression means
// is written down in docs/filter-expressions.md. Where X-Ray's guide leaves
// meaning open, the sections there say what was chosen.
package filter

import (
	"fmt"

	"github.com/tomotrace/tomo"
)

// MaxLength is how long an expression may be, in characters, and MaxDepth how
// deep parentheses, braces and negations may nest. X-Ray documents neither.
const (
	MaxLength = 8192
	MaxDepth  = 64
)

// MaxSelector is how long an entity selector may be, in characters. Documented
// limit of the service.
const MaxSelector = 500

// MaxGroupDepth is how many groups may mention one another in a row. What lies
// deeper matches nothing.
const MaxGroupDepth = 8

// Error is what is wrong with an expression, and where. It is also a
// *tomo.Error of the code Invalid with the same text.
type Error struct {
	Line, Column int    // from 1; columns count characters
	Message      string // what was found and what was expected
}

// Error has the form in which the service was seen to answer.
func (e *Error) Error() string {
	return fmt.Sprintf("Error Location: line %d, position %d : %s", e.Line, e.Column, e.Message)
}

// Unwrap gives the error as the rest of the server knows errors.
func (e *Error) Unwrap() error { return &tomo.Error{Code: tomo.Invalid, Message: e.Error()} }
