package web

import (
	"io"
	"net/http"
	"strings"

	"github.com/archibot/archibotchat/hosts/edge"
)

// noncePlace stands in the built index page where the nonce belongs; see
// vite.config.ts.
const noncePlace = "__CSP_NONCE__"

// page is the index page, cut where the nonce goes.
type page struct{ parts []string }

func newPage(text string) *page { return &page{strings.Split(text, noncePlace)} }

// serve sends the page with a nonce of its own. Nobody keeps it, so that the
// next visit loads the files of the latest build.
func (p *page) serve(w http.ResponseWriter) {
	nonce := edge.Page(w.Header())
	_, _ = io.WriteString(w, strings.Join(p.parts, nonce)) // a browser that left needs no page
}

// unbuilt tells that this program was built without the app.
func unbuilt(w http.ResponseWriter) {
	head := edge.Plain(w.Header())
	_, _ = io.WriteString(w, `<!doctype html>
<html lang="en">
<head>
`+string(head)+`<title>ArchibotChat</title>
</head>
<body>
<main>
<p class="brand">ArchibotChat</p>
<div class="card">
<h1>The web app is not built</h1>
<p>This server runs, but it was built without its web app. Run <code>make web</code> in the source folder, which needs Node 20, then build and start the server again. <code>make run</code> does both.</p>
</div>
<footer>
<p>For programs: the OpenAI-compatible API is at <code>/v1</code> of this address, and takes an API key.</p>
</footer>
</main>
</body>
</html>
`) // a browser that left needs no page
}
