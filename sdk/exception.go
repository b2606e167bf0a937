package sdk

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// exception is an error as it was found. Frames are named when it is sent.
type exception struct {
	id      ID
	cause   ID // zero: none
	kind    string
	message string
	remote  bool
	stack   []uintptr
	frames  []Frame // if there is no stack
}

// Exception is an error that comes from elsewhere, with the place where it was
// found.
type Exception struct {
	Type    string
	Message string
	Remote  bool // a service that was called is to blame
	Stack   []Frame
}

// Frame is a place in a program.
type Frame struct {
	Path  string
	Line  int
	Label string // the function
}

// AddException records x and makes s a fault.
func (s *Segment) AddException(x Exception) {
	if s == nil || s.node == nil {
		return
	}
	s.addExceptions([]exception{{
		id: NewID(), kind: x.Type, message: x.Message, remote: x.Remote,
		frames: append([]Frame(nil), x.Stack[:min(len(x.Stack), maxFrames)]...),
	}})
}

const (
	// X-Ray's SDKs send at most 32 frames of a stack.
	maxFrames = 32
	// maxExceptions bounds the exceptions of one segment, an error and its
	// causes counting as one each. Later ones are left out.
	maxExceptions = 64
)

// AddError records err as an exception of s with the errors it wraps as causes,
// and makes s a fault. The stack is that of the call, unless the error brings its
// own by a method StackTrace.
func (s *Segment) AddError(err error) {
	if s == nil || s.node == nil || err == nil {
		return
	}
	s.addError(err, 1)
}

// Panicked records what a goroutine panicked with, as recover returns it, and
// makes s a fault. Called in the deferred function, it finds the place.
func (s *Segment) Panicked(value any) {
	if s == nil || s.node == nil || value == nil {
		return
	}
	s.addPanic(value)
}

// addError has skip callers between itself and the function to blame.
func (s *Segment) addError(err error, skip int) {
	found := exceptions(nil, err)
	if found[0].stack == nil {
		found[0].stack = callers(skip + 1)
	}
	s.addExceptions(found)
}

func (s *Segment) addPanic(value any) {
	e := exception{id: NewID(), kind: "panic"}
	if err, ok := value.(error); ok {
		e.message = err.Error()
	} else {
		e.message = fmt.Sprint(value)
	}
	e.stack = afterPanic(callers(1))
	s.addExceptions([]exception{e})
}

func (s *Segment) addExceptions(found []exception) {
	s.edit(func(n *node) {
		n.fault = true
		d := n.detail()
		d.exceptions = append(d.exceptions, found[:min(len(found), max(0, maxExceptions-len(d.exceptions)))]...)
	})
}

// exceptions appends err and what it wraps. Of joined errors each is one; the
// cause of what joins them is the first.
func exceptions(to []exception, err error) []exception {
	at := len(to)
	e := exception{id: NewID(), kind: typeName(err), message: err.Error(), stack: stackOf(err)}
	if named, ok := err.(interface{ ExceptionType() string }); ok {
		e.kind = named.ExceptionType()
	}
	if remote, ok := err.(interface{ RemoteException() bool }); ok {
		e.remote = remote.RemoteException()
	}
	to = append(to, e)
	wrap := func(cause error) {
		if cause == nil || len(to) >= maxExceptions {
			return
		}
		below := len(to)
		to = exceptions(to, cause)
		if to[at].cause == 0 {
			to[at].cause = to[below].id
		}
	}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		wrap(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, cause := range w.Unwrap() {
			wrap(cause)
		}
	}
	return to
}

// typeName is the type of err without its stars.
func typeName(err error) string {
	return strings.ReplaceAll(reflect.TypeOf(err).String(), "*", "")
}

// stackOf is the stack that err itself brings, nil if it brings none. A method
// StackTrace may return program counters of any type, as the one of
// github.com/pkg/errors does.
func stackOf(err error) []uintptr {
	if e, ok := err.(interface{ StackTrace() []uintptr }); ok {
		return bounded(e.StackTrace())
	}
	m := reflect.ValueOf(err).MethodByName("StackTrace")
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 ||
		m.Type().Out(0).Kind() != reflect.Slice || m.Type().Out(0).Elem().Kind() != reflect.Uintptr {
		return nil
	}
	counters := m.Call(nil)[0]
	stack := make([]uintptr, 0, counters.Len())
	for i := range counters.Len() {
		stack = append(stack, uintptr(counters.Index(i).Uint()))
	}
	return bounded(stack)
}

func bounded(stack []uintptr) []uintptr {
	return stack[:min(len(stack), maxFrames):min(len(stack), maxFrames)]
}

// callers is the stack of the function that calls it, without its skip innermost frames.
func callers(skip int) []uintptr {
	var pcs [maxFrames]uintptr
	n := runtime.Callers(skip+2, pcs[:])
	return append([]uintptr(nil), pcs[:n]...)
}

// afterPanic leaves out the frames of the panic itself.
func afterPanic(stack []uintptr) []uintptr {
	for i, pc := range stack {
		f := runtime.FuncForPC(pc - 1)
		if f != nil && f.Name() == "runtime.gopanic" {
			return stack[i+1:]
		}
	}
	return stack
}

// ErrorType gives err the type that its exception is recorded with.
func ErrorType(err error, kind string) error {
	if err == nil {
		return nil
	}
	return &typedError{err, kind}
}

type typedError struct {
	error
	kind string
}

func (e *typedError) ExceptionType() string { return e.kind }

// Unwrap leaves out err itself, which the exception already stands for.
func (e *typedError) Unwrap() error { return errors.Unwrap(e.error) }

func (e *typedError) StackTrace() []uintptr { return stackOf(e.error) }

// Is and As still find the error itself.
func (e *typedError) Is(target error) bool { return errors.Is(e.error, target) }

// As implements what errors.As asks for.
func (e *typedError) As(target any) bool { return errors.As(e.error, target) }

// workingDirectory is asked for once: it is the same for all exceptions.
var workingDirectory = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
})

// StackOf is the stack that err, or an error it wraps, brings by a method
// StackTrace; its result may be a slice of any kind of uintptr, as in
// github.com/pkg/errors.
func StackOf(err error) (stack []uintptr, found bool) {
	for _, e := range chain(nil, err) {
		if stack := stackOf(e); stack != nil {
			return stack, true
		}
	}
	return nil, false
}

// chain appends err and what it wraps.
func chain(to []error, err error) []error {
	if err == nil || len(to) >= maxExceptions {
		return to
	}
	to = append(to, err)
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		to = chain(to, w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			to = chain(to, e)
		}
	}
	return to
}

// Frames looks up the places of a stack as runtime.Callers returns it.
func Frames(stack []uintptr) []Frame {
	if len(stack) == 0 {
		return nil
	}
	list := make([]Frame, 0, len(stack))
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		path, label := place(f)
		if list = append(list, Frame{path, f.Line, label}); !more {
			return list
		}
	}
}

// place is a frame as it is sent: the file with its package path, without what
// comes before it on this machine, and the function without its package.
func place(f runtime.Frame) (path, label string) {
	path, label = f.File, f.Function
	// The function is "host/a/b.F", the file "/where/ever/host/a/b/file.go":
	// as many directories remain as the package path has elements.
	elements := strings.Count(label, "/") + 2
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			if elements--; elements == 0 {
				path = path[i+1:]
				break
			}
		}
	}
	label = label[strings.LastIndexByte(label, '/')+1:]
	if _, name, ok := strings.Cut(label, "."); ok {
		label = name
	}
	return path, label
}
