package server

import "net/http"

// What every answer says, errors too: a browser is to take it for nothing but
// what it is, to run and frame nothing, to hand it to no page of another site,
// and to tell nobody where it was. Pages of the console have a policy that lets
// them have their parts; see webPolicy.
const plainPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// hsts is what X-Ray sends always. Over plain HTTP it means nothing, and behind
// a proxy it would speak for hosts that are not ours.
const hsts = "max-age=31540000; includeSubDomains"

// safeHeaders are shared by all answers, so that they cost nothing to set.
var safeHeaders = http.Header{
	"Content-Security-Policy":      {plainPolicy},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
}

var safeTransport = []string{hsts}

func setSafe(h http.Header, r *http.Request) {
	for name, value := range safeHeaders {
		h[name] = value
	}
	if r.TLS != nil {
		h["Strict-Transport-Security"] = safeTransport
	}
}
