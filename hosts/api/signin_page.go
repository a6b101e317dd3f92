package api

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/hosts/edge"
)

// failedPage tells a person what went wrong. It loads and runs nothing.
var failedPage = template.Must(template.New("failed").Parse(`<!doctype html>
<html lang="en">
<head>
{{.Head}}<title>Signing in did not work</title>
</head>
<body>
<main>
<p class="brand">ArchibotChat</p>
<div class="card">
<h1>Signing in did not work</h1>
<p>{{.Message}}</p>
{{with .NextStep}}<p>{{.}}</p>
{{end}}<div class="actions">
{{if .Again}}<a class="action" href="{{.Again}}">Try again</a>
<a class="action second" href="/">Go to the start page</a>
{{else}}<a class="action" href="/">Go to the start page</a>
{{end}}</div>
</div>
<footer>
<p>If you ask for help, name request <code>{{.Request}}</code> and code <code>{{.Code}}</code>.</p>
</footer>
</main>
</body>
</html>
`))

// failSignIn says what went wrong: to a person in a page, to whoever does not
// ask for one in a problem.
func (s *server) failSignIn(w http.ResponseWriter, r *http.Request, provider string, err error) {
	p := s.problem(r.Context(), err)
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.write(w, r, p)
		return
	}
	again := ""
	for _, known := range s.SignIn.Providers() {
		if known.ID == provider {
			again = "/auth/" + url.PathEscape(provider) + "/start"
		}
	}
	h := w.Header()
	for k, v := range p.GetHeaders() {
		h[k] = v
	}
	var text bytes.Buffer
	if err := failedPage.Execute(&text, struct {
		Head                                    template.HTML
		Message, NextStep, Again, Request, Code string
	}{edge.Plain(h), p.Detail, p.NextStep, again, access.Request(r.Context()), p.Code}); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(p.Status)
	_, _ = text.WriteTo(w) // a browser that left needs no page
}
