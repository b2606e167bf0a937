package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tomotrace/tomo/web"
)

// The console is one page with many paths. Those of operations begin with a
// capital and are POSTs, so neither hides the other.

// webPaths are the paths of the console; the page itself knows what is at each.
// Below /traces/ there is one for each trace.
var webPaths = []string{"/", "/traces", "/analytics", "/insights", "/groups", "/sampling", "/settings", "/status", "/sign-in"}

// webTrees are paths of the console with anything behind them.
var webTrees = []string{"/traces/", "/insights/"}

// assets is where the parts of the page are.
const assets = "/assets/"

// webPolicy lets pages have nothing that did not come from this server, no
// scripts or styles within them, and no text become code. Nobody may frame them.
const webPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// website is the console's files as they are sent.
type website struct {
	page  *webFile
	parts map[string]*webFile // by path
}

// webFile is a file, and packed if that makes it smaller.
type webFile struct {
	plain, packed []byte
	kind          string // Content-Type
	tag           string // ETag
}

// newWebsite reads and packs all files. That takes some milliseconds, once.
func newWebsite() *website {
	c := &website{parts: map[string]*webFile{}}
	files := web.Files()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		file := &webFile{plain: text, kind: kindOf(name), tag: tagOf(text)}
		if packed := pack(text); len(packed) < len(text) {
			file.packed = packed
		}
		if name == "index.html" {
			c.page = file
		} else {
			c.parts["/"+name] = file
		}
		return nil
	})
	if err == nil && c.page == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		panic(fmt.Sprintf("reading the embedded console: %v", err))
	}
	return c
}

// kindOf is the Content-Type of a file. Those of the console are told here, so
// that they are the same on every system.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

func pack(text []byte) []byte {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = z.Write(text) // to memory
	_ = z.Close()
	return packed.Bytes()
}

// isWeb reports whether a request is for the console. Whoever does not want a
// page is told of operations, as before there was one.
func isWeb(r *http.Request, path string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return strings.HasPrefix(path, assets) || isWebPath(path) && wantsPage(r.Header)
}

// serve answers a request that isWeb.
func (c *website) serve(w http.ResponseWriter, r *http.Request, path string) {
	if !strings.HasPrefix(path, assets) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Add("Vary", "Accept")
		c.page.send(w, r)
		return
	}
	part := c.parts[path]
	if part == nil {
		// Of another version, most likely. Nobody is to keep that it was not there.
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "there is no such part of the console", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	part.send(w, r)
}

func isWebPath(path string) bool {
	for _, tree := range webTrees {
		if strings.HasPrefix(path, tree) {
			return true
		}
	}
	return slices.Contains(webPaths, path)
}

// wantsPage reports whether a browser asks for a page.
func wantsPage(h http.Header) bool {
	for _, line := range h["Accept"] {
		for item := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return true
			}
		}
	}
	return false
}

func (f *webFile) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", webPolicy)
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	text := f.plain
	if f.packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if wantsGzip(r.Header) {
			h.Set("Content-Encoding", "gzip")
			text = f.packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(allowance(int64(len(text)))))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // an error: the browser is gone
	}
}
