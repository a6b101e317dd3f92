package api

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/archibot/archibotchat/core/access"
)

// failedPage loads and runs nothing; its policy is that of data.
var failedPage = template.Must(template.New("failed").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signing in did not work</title>
</head>
<body>
<main>
<h1>Signing in did not work</h1>
<p>{{.Message}}</p>
{{if .NextStep}}<p>{{.NextStep}}</p>
{{end}}<p>{{if .Again}}<a href="{{.Again}}">Try again</a>, or go{{else}}Go{{end}} to the <a href="/">start page</a>.</p>
<p>Should you ask for help, say this: request <code>{{.Request}}</code>, code <code>{{.Code}}</code>.</p>
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
	var text bytes.Buffer
	if err := failedPage.Execute(&text, struct{ Message, NextStep, Again, Request, Code string }{
		p.Detail, p.NextStep, again, access.Request(r.Context()), p.Code,
	}); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	for k, v := range p.GetHeaders() {
		h[k] = v
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.Status)
	_, _ = text.WriteTo(w) // a browser that left needs no page
}
