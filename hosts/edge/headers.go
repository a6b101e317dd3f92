package edge

import (
	"crypto/rand"
	"net/http"
)

// Policies of what is no page: nothing in it may be run, shown within another
// page, or kept.
const (
	dataPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	// features are what no page of ours uses, and nothing that came in with one
	// may.
	features = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
	// twoYears of TLS alone, for this host; what other hosts of the domain do is
	// not ours to say.
	twoYears = "max-age=63072000"
)

// secure sets what every answer carries. A handler may loosen it for a page,
// by Page, or for what may be cached.
func (e *Edge) secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", dataPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", features)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if e.tls {
		h.Set("Strict-Transport-Security", twoYears)
	}
}

// Page sets the headers of an HTML page on top of what Wrap set: it may load
// what this server serves, and run and style what bears the nonce that is
// returned. Each page gets a nonce of its own; nothing inline works without it.
//
// The referrer is kept within the site, because a form of a page without any
// is sent with the origin "null".
func Page(h http.Header) (nonce string) {
	nonce = rand.Text()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+"'; "+
		"connect-src 'self'; font-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; worker-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	return nonce
}
