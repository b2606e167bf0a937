// Package ctxmissing has the names of the official SDK's package of the same name.
package ctxmissing

import (
	"github.com/tomotrace/tomo/sdk/compat/internal/state"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
)

// Values of AWS_XRAY_CONTEXT_MISSING.
var (
	RuntimeErrorStrategy = "RUNTIME_ERROR"
	LogErrorStrategy     = "LOG_ERROR"
	IgnoreErrorStrategy  = "IGNORE_ERROR"
)

// Strategy says what happens if a segment is asked for where none is.
type Strategy interface {
	ContextMissing(v any)
}

// DefaultRuntimeErrorStrategy panics.
type DefaultRuntimeErrorStrategy struct{}

// DefaultLogErrorStrategy logs.
type DefaultLogErrorStrategy struct{}

// DefaultIgnoreErrorStrategy does nothing.
type DefaultIgnoreErrorStrategy struct{}

// NewDefaultRuntimeErrorStrategy makes one that panics.
func NewDefaultRuntimeErrorStrategy() *DefaultRuntimeErrorStrategy {
	return &DefaultRuntimeErrorStrategy{}
}

// NewDefaultLogErrorStrategy makes one that logs.
func NewDefaultLogErrorStrategy() *DefaultLogErrorStrategy { return &DefaultLogErrorStrategy{} }

// NewDefaultIgnoreErrorStrategy makes one that does nothing.
func NewDefaultIgnoreErrorStrategy() *DefaultIgnoreErrorStrategy {
	return &DefaultIgnoreErrorStrategy{}
}

// ContextMissing implements Strategy.
func (*DefaultRuntimeErrorStrategy) ContextMissing(v any) { panic(v) }

// ContextMissing implements Strategy.
func (*DefaultLogErrorStrategy) ContextMissing(v any) {
	state.Log(xraylog.LogLevelError, "Suppressing AWS X-Ray context missing panic: %v", v)
}

// ContextMissing implements Strategy.
func (*DefaultIgnoreErrorStrategy) ContextMissing(any) {}
