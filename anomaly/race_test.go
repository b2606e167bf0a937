//go:build race

package anomaly_test

// The race detector makes everything slow, and there are no goroutines here to
// be watched: less of it is enough.
const (
	seeds = 1
	weeks = 1
)
