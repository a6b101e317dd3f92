package edge

import (
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed plain.css
var plainStyle string

// icon is the sign of the service; without one, browsers ask for a file.
const icon = `data:image/svg+xml,%3Csvg xmlns='http%3A//www.w3.org/2000/svg' viewBox='0 0 24 24'%3E` +
	`%3Cpath fill='%232355c4' d='M8 0h8a8 8 0 0 1 8 8v8a8 8 0 0 1-8 8H2a2 2 0 0 1-2-2V8a8 8 0 0 1 8-8z'/%3E%3C/svg%3E`

// Plain sets the headers of a page that runs and loads nothing, on top of what
// Wrap set, and returns what stands in its head besides the title: the
// character set, the style of such pages, the icon. Forms of the page may be
// sent to this server; for that the page sets a Referrer-Policy, see [Page].
func Plain(h http.Header) template.HTML {
	nonce := rand.Text()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	//nolint:gosec // made of constants and of letters and digits
	return template.HTML(`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="` + icon + `">
<style nonce="` + nonce + `">
` + plainStyle + `</style>
`)
}
