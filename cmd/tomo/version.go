package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is stamped by the linker in a release; versionText fills in for it.
var version string

type versionCmd struct{}

func (c *versionCmd) Run(std *streams) error {
	fmt.Fprintf(std.out, "tomo %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// versionText is the stamped version, else what Go recorded of the module or
// of the commit it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
