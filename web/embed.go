// Package web is the console: pages for the browser, built from src by Vite and
// kept in dist, so that building Tomo takes no Node. README.md tells how it is
// made.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files are index.html, which is every page, and what it asks for under assets.
// Names of assets change with their contents.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // it is embedded
	}
	return files
}
