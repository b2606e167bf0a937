// Package exception has the names of the official SDK's package of the same name.
package exception

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/tomotrace/tomo/sdk"
)

// StackTracer is an error that knows where it was made.
type StackTracer interface {
	StackTrace() []uintptr
}

// Exception is an error as it is sent.
type Exception struct {
	ID      string  `json:"id,omitempty"`
	Type    string  `json:"type,omitempty"`
	Message string  `json:"message,omitempty"`
	Stack   []Stack `json:"stack,omitempty"`
	Remote  bool    `json:"remote,omitempty"`
}

// Stack is a frame.
type Stack struct {
	Path  string `json:"path,omitempty"`
	Line  int    `json:"line,omitempty"`
	Label string `json:"label,omitempty"`
}

// MultiError is several errors.
type MultiError []error

// Error lists them.
func (e MultiError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d errors occurred:\n", len(e))
	for _, err := range e {
		fmt.Fprintf(&b, "* %s\n", err)
	}
	return b.String()
}

// XRayError is an error made by a strategy.
type XRayError struct {
	Type    string
	Message string
	Stack   []uintptr
}

// Error is the message.
func (e *XRayError) Error() string { return e.Message }

// StackTrace is where the error was made.
func (e *XRayError) StackTrace() []uintptr { return e.Stack }

// FormattingStrategy makes exceptions of errors and panics.
type FormattingStrategy interface {
	Error(message string) *XRayError
	Errorf(formatString string, args ...any) *XRayError
	Panic(message string) *XRayError
	Panicf(formatString string, args ...any) *XRayError
	ExceptionFromError(err error) Exception
}

const maxFrames = 32

// DefaultFormattingStrategy sends at most FrameCount frames.
type DefaultFormattingStrategy struct {
	FrameCount int
}

// NewDefaultFormattingStrategy sends at most 32 frames.
func NewDefaultFormattingStrategy() (*DefaultFormattingStrategy, error) {
	return &DefaultFormattingStrategy{FrameCount: maxFrames}, nil
}

// NewDefaultFormattingStrategyWithDefinedErrorFrameCount sends at most frameCount
// frames, 0 to 32.
func NewDefaultFormattingStrategyWithDefinedErrorFrameCount(frameCount int) (*DefaultFormattingStrategy, error) {
	if frameCount > maxFrames || frameCount < 0 {
		return nil, errors.New("frameCount must be a non-negative integer and less than 32")
	}
	return &DefaultFormattingStrategy{FrameCount: frameCount}, nil
}

func (s *DefaultFormattingStrategy) callers(skip int) []uintptr {
	pcs := make([]uintptr, s.FrameCount)
	return pcs[:runtime.Callers(skip+2, pcs)]
}

// Error makes an error of the type error.
func (s *DefaultFormattingStrategy) Error(message string) *XRayError {
	return &XRayError{Type: "error", Message: message, Stack: s.callers(1)}
}

// Errorf is Error with a format.
func (s *DefaultFormattingStrategy) Errorf(formatString string, args ...any) *XRayError {
	return &XRayError{Type: "error", Message: fmt.Sprintf(formatString, args...), Stack: s.callers(1)}
}

// Panic makes an error of the type panic, for a deferred function.
func (s *DefaultFormattingStrategy) Panic(message string) *XRayError {
	return &XRayError{Type: "panic", Message: message, Stack: afterPanic(s.callers(1))}
}

// Panicf is Panic with a format.
func (s *DefaultFormattingStrategy) Panicf(formatString string, args ...any) *XRayError {
	return &XRayError{Type: "panic", Message: fmt.Sprintf(formatString, args...), Stack: afterPanic(s.callers(1))}
}

func afterPanic(stack []uintptr) []uintptr {
	for i, pc := range stack {
		if f := runtime.FuncForPC(pc - 1); f != nil && f.Name() == "runtime.gopanic" {
			return stack[i+1:]
		}
	}
	return stack
}

// ExceptionFromError describes err with its own stack, else that of the call.
func (s *DefaultFormattingStrategy) ExceptionFromError(err error) Exception {
	e := Exception{
		ID: sdk.NewID().String(), Message: err.Error(),
		Type: strings.ReplaceAll(reflect.TypeOf(err).String(), "*", ""),
	}
	var made *XRayError
	if errors.As(err, &made) {
		e.Type = made.Type
	}
	// The AWS SDK for Go v1 tells so of an answer.
	var answer interface {
		error
		StatusCode() int
		RequestID() string
	}
	e.Remote = errors.As(err, &answer) && answer.RequestID() != ""
	stack, found := sdk.StackOf(err)
	if !found {
		// Of the caller of Close, or of AddError.
		stack = s.callers(4)
	}
	for _, f := range sdk.Frames(stack) {
		e.Stack = append(e.Stack, Stack{f.Path, f.Line, f.Label})
	}
	return e
}
