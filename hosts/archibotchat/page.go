package main

import (
	"io"
	"net/http"

	"github.com/archibot/archibotchat/hosts/edge"
)

// welcome is the page at / until the web app stands there. It loads nothing.
const welcome = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ArchibotChat</title>
</head>
<body>
<main>
<h1>ArchibotChat</h1>
<p>This is an ArchibotChat server: an OpenAI-compatible API on prepaid credits.</p>
<ul>
<li><code>/v1</code>: the OpenAI-compatible API. Give an OpenAI SDK this address with <code>/v1</code> as its base URL, and an API key.</li>
<li><code>/api</code>: the app API, for signed-in people.</li>
<li><a href="/healthz">/healthz</a>: is this server alive?</li>
<li><a href="/readyz">/readyz</a>: may it be sent requests?</li>
</ul>
<p>Accounts and keys are made with <code>archibotchat admin --help</code>.</p>
</main>
</body>
</html>
`

func page(w http.ResponseWriter, _ *http.Request) {
	edge.Page(w.Header())
	_, _ = io.WriteString(w, welcome)
}
