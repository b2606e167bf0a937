// Package state is what the packages of compat share: the logger and the
// platforms that were named. The names that compat imitates are functions of
// packages, so there is no other place for it.
package state

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
)

var logger atomic.Pointer[xraylog.Logger]

// SetLogger replaces the logger.
func SetLogger(l xraylog.Logger) { logger.Store(&l) }

// standard is the official SDK's choice.
var standard = sync.OnceValue(func() xraylog.Logger { return xraylog.NewDefaultLogger(os.Stdout, xraylog.LogLevelInfo) })

// Log logs.
func Log(level xraylog.LogLevel, format string, args ...any) {
	l := logger.Load()
	if l == nil {
		standard().Log(level, text(fmt.Sprintf(format, args...)))
		return
	}
	if *l != nil {
		(*l).Log(level, text(fmt.Sprintf(format, args...)))
	}
}

type text string

func (t text) String() string { return string(t) }

// Handler gives what the SDK logs to the logger.
type Handler struct{ attrs []slog.Attr }

// Enabled implements slog.Handler.
func (Handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h Handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	level := xraylog.LogLevelDebug
	switch {
	case r.Level >= slog.LevelError:
		level = xraylog.LogLevelError
	case r.Level >= slog.LevelWarn:
		level = xraylog.LogLevelWarn
	case r.Level >= slog.LevelInfo:
		level = xraylog.LogLevelInfo
	}
	Log(level, "%s", b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h Handler) WithAttrs(a []slog.Attr) slog.Handler {
	return Handler{append(h.attrs[:len(h.attrs):len(h.attrs)], a...)}
}

// WithGroup implements slog.Handler.
func (h Handler) WithGroup(string) slog.Handler { return h }

var (
	mu        sync.Mutex
	platforms []sdk.Platform
	version   int // counts the platforms
)

// AddPlatform is what a plugin's Init does; each name counts once.
func AddPlatform(p sdk.Platform) {
	mu.Lock()
	defer mu.Unlock()
	for _, had := range platforms {
		if had.Name == p.Name {
			return
		}
	}
	platforms = append(platforms[:len(platforms):len(platforms)], p)
	version++
}

// Platforms are what the plugins found, and how often that changed.
func Platforms() ([]sdk.Platform, int) {
	mu.Lock()
	defer mu.Unlock()
	return platforms, version
}
