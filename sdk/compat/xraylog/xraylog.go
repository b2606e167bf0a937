// Package xraylog has the names of the official SDK's package of the same name.
package xraylog

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Logger takes what the SDK has to say. It is called by many goroutines.
type Logger interface {
	Log(level LogLevel, msg fmt.Stringer)
}

// LogLevel is the severity of a message.
type LogLevel int

// The levels.
const (
	LogLevelDebug LogLevel = iota + 1
	LogLevelInfo
	LogLevelWarn
	LogLevelError
)

// String is the name of the level.
func (l LogLevel) String() string {
	switch l {
	case LogLevelDebug:
		return "DEBUG"
	case LogLevelInfo:
		return "INFO"
	case LogLevelWarn:
		return "WARN"
	case LogLevelError:
		return "ERROR"
	}
	return fmt.Sprintf("UNKNOWNLOGLEVEL<%d>", int(l))
}

// NewDefaultLogger writes messages of minLogLevel and above to w, a line each.
func NewDefaultLogger(w io.Writer, minLogLevel LogLevel) Logger {
	return &writer{w: w, least: minLogLevel}
}

type writer struct {
	least LogLevel
	mu    sync.Mutex // guards w
	w     io.Writer
}

func (l *writer) Log(level LogLevel, msg fmt.Stringer) {
	if level < l.least {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%s [%s] %s\n", time.Now().Format(time.RFC3339), level, msg)
}

// NullLogger says nothing.
var NullLogger Logger = null{}

type null struct{}

func (null) Log(LogLevel, fmt.Stringer) {}
