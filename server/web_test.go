package server_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/server"
)

// browser is what browsers say they want when somebody types an address.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func browse(s *server.Server, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestConsole(t *testing.T) {
	s, _ := newServer(t, server.Options{})
	tests := []struct {
		method, path, accept string
		status               int
		page                 bool
	}{
		{"GET", "/", browser, 200, true},
		{"HEAD", "/", browser, 200, false},
		{"GET", "/traces", browser, 200, true},
		{"GET", "/traces/1-57ff426a-80c11c39b0c928905eb0828d", browser, 200, true},
		{"GET", "/analytics?filter=fault", browser, 200, true},
		{"GET", "/insights", "text/html", 200, true},
		{"GET", "/groups", browser, 200, true},
		{"GET", "/sampling", browser, 200, true},
		{"GET", "/settings", browser, 200, true},
		{"GET", "/status", browser, 200, true},
		// Who does not want a page gets what they got before there was one.
		{"GET", "/", "*/*", 404, false},
		{"GET", "/traces", "application/json", 404, false},
		{"GET", "/nothing", browser, 404, false},
		// The operations are others.
		{"GET", "/Traces", browser, 405, false},
		{"POST", "/Groups", browser, 200, false},
		{"POST", "/groups", browser, 404, false},
		{"GET", "/healthz", browser, 200, false},
		{"GET", "/assets/gone.js", "*/*", 404, false},
		{"GET", "/assets/../index.html", "*/*", 404, false},
		{"POST", "/assets/gone.js", "*/*", 404, false},
	}
	for _, tt := range tests {
		w := browse(s, tt.method, tt.path, "Accept", tt.accept)
		if w.Code != tt.status {
			t.Errorf("%s %s for %q: %d, want %d", tt.method, tt.path, tt.accept, w.Code, tt.status)
		}
		if page := strings.Contains(w.Body.String(), `<div id="root">`); page != tt.page {
			t.Errorf("%s %s for %q: is the page: %v, want %v", tt.method, tt.path, tt.accept, page, tt.page)
		}
	}
}

func TestConsoleIsSafe(t *testing.T) {
	s, _ := newServer(t, server.Options{})
	page := browse(s, "GET", "/", "Accept", browser)
	script := regexp.MustCompile(`/assets/[\w.-]+\.js`).FindString(page.Body.String())
	if script == "" {
		t.Fatalf("the page has no script:\n%s", page.Body)
	}
	for path, w := range map[string]*httptest.ResponseRecorder{"/": page, script: browse(s, "GET", script)} {
		h := w.Header()
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if got := h.Get("Content-Security-Policy"); !strings.Contains(got, want) {
				t.Errorf("%s: the policy %q does not say %q", path, got, want)
			}
		}
		if got := h.Get("Content-Security-Policy"); strings.Contains(got, "unsafe") || strings.Contains(got, "data:") {
			t.Errorf("%s: the policy is %q", path, got)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	// Nothing in the page itself may run, nor style it.
	if inline := regexp.MustCompile(`(?i)<script(>|[^>]*[^>c]>[^<])|<style|\son\w+=|style=`).FindString(page.Body.String()); inline != "" {
		t.Errorf("the page has %q in it", inline)
	}
}

func TestConsoleIsCached(t *testing.T) {
	s, _ := newServer(t, server.Options{})
	page := browse(s, "GET", "/", "Accept", browser)
	if got := page.Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page has Cache-Control %q, want no-cache", got)
	}
	tag := page.Header().Get("ETag")
	if w := browse(s, "GET", "/traces", "Accept", browser, "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("the same page again is %d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
	script := regexp.MustCompile(`/assets/[\w.-]+\.js`).FindString(page.Body.String())
	plain := browse(s, "GET", script)
	if got := plain.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("%s has Cache-Control %q", script, got)
	}
	if got := plain.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("%s is %q", script, got)
	}
	packed := browse(s, "GET", script, "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len() >= plain.Body.Len() {
		t.Errorf("%s packed has %d bytes, plain %d", script, packed.Body.Len(), plain.Body.Len())
	}
	if got := browse(s, "GET", "/assets/gone.js").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("what is not there has Cache-Control %q", got)
	}
}
