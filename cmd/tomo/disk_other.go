//go:build !linux && !darwin && !freebsd

package main

import "github.com/tomotrace/tomo/api"

// diskOf cannot say how full the disk is here.
func diskOf(string) *api.StatusDisk { return nil }
