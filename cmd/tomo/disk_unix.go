//go:build linux || darwin || freebsd

package main

import (
	"golang.org/x/sys/unix"

	"github.com/tomotrace/tomo/api"
)

// diskOf is how full the file system of a directory is; nil if that cannot be
// said.
func diskOf(directory string) *api.StatusDisk {
	var is unix.Statfs_t
	if unix.Statfs(directory, &is) != nil {
		return nil
	}
	return &api.StatusDisk{FreeBytes: int64(is.Bavail) * int64(is.Bsize), TotalBytes: int64(is.Blocks) * int64(is.Bsize)}
}
