//go:build !race

package anomaly_test

const (
	seeds = 3 // worlds of each kind
	weeks = 2 // in which incidents happen
)
