//go:build !linux

package main

// machineMemory is a guess: 1 GiB, of which a hundredth is 10 MiB.
func machineMemory() uint64 { return 1 << 30 }
