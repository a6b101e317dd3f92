package main

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/hosts/edge"
)

// signOutPath takes the form of the page, which runs no script.
const signOutPath = "/sign-out"

// home is the page at / until the web app stands there: who is signed in, to
// what, and how to get in or out. It loads and runs nothing.
type home struct {
	app    *core.App
	secure bool
	base   string
	edge   *edge.Edge
	log    *slog.Logger
}

// view is what the page shows.
type view struct {
	Printed   bool // a link was printed
	LogoutURL string
	Left      bool
	Request   string
	Providers []option
	SignedIn  bool
	Name      string
	Email     string
	Account   string
	Role      string
	Areas     []area
}

type option struct{ Name, URL string }

type area struct {
	Name    string
	Reasons []gates.Reason
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ArchibotChat</title>
{{if .LogoutURL}}<meta http-equiv="refresh" content="0; url={{.LogoutURL}}">
{{end}}</head>
<body>
<main>
<h1>ArchibotChat</h1>
{{if .Left}}<p>You are signed out.{{if .LogoutURL}} You are being taken to your organisation's sign-in, to <a href="{{.LogoutURL}}">sign out there too</a>.{{end}}</p>
{{end}}{{if .SignedIn}}<p>You are signed in{{if .Name}} as {{.Name}}{{end}}{{if .Email}} ({{.Email}}){{end}}{{if .Account}}, to {{.Account}} as {{.Role}}{{end}}.</p>
<h2>What you can use</h2>
<ul>
{{range .Areas}}<li>{{.Name}}: {{if .Reasons}}not now.
<ul>
{{range .Reasons}}<li>{{.Sentence}} {{.NextStep}}</li>
{{end}}</ul>
{{else}}open.{{end}}</li>
{{end}}</ul>
<form method="post" action="/sign-out"><button>Sign out</button></form>
{{else}}{{if .Printed}}<p>A sign-in link was printed where the server runs. Open it in this browser; it works once.</p>
{{end}}{{if .Providers}}<h2>Sign in</h2>
<ul>
{{range .Providers}}<li><a href="{{.URL}}">{{.Name}}</a></li>
{{end}}</ul>
{{else}}<p>Nobody can sign in here yet: no identity provider is set up.</p>
{{end}}{{end}}<h2>For programs</h2>
<ul>
<li><code>/v1</code>: the OpenAI-compatible API. Give an OpenAI SDK this address with <code>/v1</code> as its base URL, and an API key.</li>
<li><code>/api</code>: the app API, for signed-in people.</li>
<li><a href="/healthz">/healthz</a>: is this server alive?</li>
<li><a href="/readyz">/readyz</a>: may it be sent requests?</li>
</ul>
<p>Should you ask for help, say this: request <code>{{.Request}}</code>.</p>
</main>
</body>
</html>
`))

// page shows who is signed in. A database that does not answer is told as it
// is: nobody is shown as signed out who may not be.
func (h home) page(w http.ResponseWriter, r *http.Request) {
	v := view{Printed: r.URL.Query().Get("sign_in") == "printed"}
	current, err := api.SessionOf(r, h.app.Sessions, h.secure)
	switch {
	case err == nil:
		err = h.signedIn(&v, r, current)
	case fault.KindOf(err) == fault.Unauthenticated:
		err = nil
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.show(w, r, v)
}

func (h home) signedIn(v *view, r *http.Request, c sessions.Current) error {
	ctx := sessions.With(r.Context(), c)
	user, _, err := h.app.Sessions.Who(ctx)
	if err != nil {
		return err
	}
	areas := []access.Area{access.AreaChat, access.AreaAPI, access.AreaWorkspace, access.AreaOperator}
	decisions, err := h.app.Gate.Decide(ctx, c.Account, areas...)
	if err != nil {
		return err
	}
	v.SignedIn, v.Name, v.Email, v.Account, v.Role = true, user.Name, user.Email, c.Account.Name, string(c.Session.Role)
	for i, d := range decisions {
		v.Areas = append(v.Areas, area{string(areas[i]), d.Reasons})
	}
	return nil
}

// signOut ends the session, and leads on to the provider.
func (h home) signOut(w http.ResponseWriter, r *http.Request) {
	current, err := api.SessionOf(r, h.app.Sessions, h.secure)
	to := ""
	if err == nil {
		to, err = h.app.SignIn.SignOut(sessions.With(r.Context(), current), h.base+"/")
	}
	if err != nil && fault.KindOf(err) != fault.Unauthenticated {
		h.refuse(w, r, err)
		return
	}
	http.SetCookie(w, api.Cookie("", h.secure))
	h.show(w, r, view{Left: true, LogoutURL: to})
}

func (h home) show(w http.ResponseWriter, r *http.Request, v view) {
	v.Request = access.Request(r.Context())
	for _, p := range h.app.SignIn.Providers() {
		v.Providers = append(v.Providers, option{p.Name, "/auth/" + p.ID + "/start"})
	}
	var text bytes.Buffer
	if err := homePage.Execute(&text, v); err != nil {
		h.refuse(w, r, err)
		return
	}
	edge.Page(w.Header())
	_, _ = text.WriteTo(w) // a browser that left needs no page
}

func (h home) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f, status := fault.From(err), http.StatusInternalServerError
	if f.Kind == fault.Unavailable || f.Kind == fault.Timeout {
		status = http.StatusServiceUnavailable
	}
	h.log.WarnContext(r.Context(), "page could not be shown", "request_id", access.Request(r.Context()), "error", err)
	edge.Refuse(w, r, status, f)
}
