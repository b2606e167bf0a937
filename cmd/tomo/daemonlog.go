package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// daemonLog writes lines as X-Ray's daemon does, because scripts look for them:
//
//	2016-11-24T06:07:06Z [Info] Successfully sent batch of 1 segments (0.123 seconds)
type daemonLog struct {
	level slog.Level
	mu    *sync.Mutex // guards to
	to    io.Writer
	tail  string // attributes
}

func newDaemonLog(to io.Writer, level slog.Level) *slog.Logger {
	return slog.New(&daemonLog{level: level, mu: new(sync.Mutex), to: to})
}

func (l *daemonLog) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

func (l *daemonLog) Handle(_ context.Context, r slog.Record) error {
	name := "Trace"
	switch {
	case r.Level >= slog.LevelError:
		name = "Error"
	case r.Level >= slog.LevelWarn:
		name = "Warn"
	case r.Level >= slog.LevelInfo:
		name = "Info"
	case r.Level >= slog.LevelDebug:
		name = "Debug"
	}
	line := r.Time.AppendFormat(make([]byte, 0, 128), time.RFC3339)
	line = append(append(append(line, " ["...), name...), "] "...)
	line = append(append(line, r.Message...), l.tail...)
	r.Attrs(func(a slog.Attr) bool {
		line = fmt.Appendf(line, " %s=%q", a.Key, a.Value.String())
		return true
	})
	line = append(line, '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.to.Write(line)
	return err
}

func (l *daemonLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	for _, a := range attrs {
		more.tail += fmt.Sprintf(" %s=%q", a.Key, a.Value.String())
	}
	return &more
}

func (l *daemonLog) WithGroup(string) slog.Handler { return l }

// largestLog is how large a log file gets before it is put aside.
const largestLog = 50 << 20

// logFile is a log file, made when the first line is written. When it is full it
// is put aside as FILE.1, and what was there before goes.
type logFile struct {
	path   string
	rotate bool
	limit  int64

	file *os.File
	size int64
}

// Write is called by one at a time.
func (l *logFile) Write(line []byte) (int, error) {
	if l.file != nil && l.rotate && l.size+int64(len(line)) > l.limit {
		l.file.Close()
		l.file = nil
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return 0, err
		}
	}
	if l.file == nil {
		file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return 0, err
		}
		l.file, l.size = file, 0
		if info, err := file.Stat(); err == nil {
			l.size = info.Size()
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

func (l *logFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
