package main

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"slices"

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
	Head      template.HTML
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

// areaNames are what people call the areas.
var areaNames = map[access.Area]string{
	access.AreaChat: "Chat", access.AreaAPI: "API and keys", access.AreaWorkspace: "Workspace", access.AreaOperator: "Operations",
}

type option struct{ Name, URL string }

type area struct {
	Name    string
	Reasons []gates.Reason
}

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en">
<head>
{{.Head}}<title>ArchibotChat</title>
{{if .LogoutURL}}<meta http-equiv="refresh" content="0; url={{.LogoutURL}}">
{{end}}</head>
<body>
<main>
<p class="brand">ArchibotChat</p>
<div class="card">
{{if .SignedIn}}<h1>{{with .Name}}{{.}}{{else}}Welcome{{end}}</h1>
<p class="quiet">You are signed in{{if .Email}} as {{.Email}}{{end}}{{if .Account}}, to {{.Account}} as {{.Role}}{{end}}.</p>
{{if .Account}}<h2>What you can use</h2>
<ul class="areas">
{{range .Areas}}<li{{if not .Reasons}} class="open"{{end}}><div class="area">{{.Name}} <span class="state">{{if .Reasons}}Closed{{else}}Open{{end}}</span></div>
{{if .Reasons}}<ul class="why">
{{range .Reasons}}<li>{{.Sentence}} {{.NextStep}}</li>
{{end}}</ul>
{{end}}</li>
{{end}}</ul>
{{else}}<h2>You belong to no account yet</h2>
<p>Ask whoever manages your organisation's account for an invitation{{if .Email}} to {{.Email}}{{end}}.</p>
{{end}}<form class="actions" method="post" action="/sign-out"><button class="action second">Sign out</button></form>
{{else}}<h1>{{if .Left}}You are signed out{{else}}Sign in{{end}}</h1>
{{if .LogoutURL}}<p>You are being taken to your organisation's sign-in, to <a href="{{.LogoutURL}}">sign out there too</a>.</p>
{{else if .Printed}}<p>A sign-in link was printed where the server runs. Open it in this browser; it works once.</p>
{{else if not .Providers}}<p>Nobody can sign in here yet: no identity provider is set up.</p>
{{else if not .Left}}<p class="quiet">Use the account of your organisation.</p>
{{end}}{{if and .Providers (not .LogoutURL)}}<ul class="actions">
{{range .Providers}}<li><a class="action" href="{{.URL}}">{{if $.Left}}Sign in again with{{else}}Continue with{{end}} {{.Name}}</a></li>
{{end}}</ul>
{{end}}{{end}}</div>
<footer>
<p>For programs: the OpenAI-compatible API is at <code>/v1</code> of this address, and takes an API key.</p>
<p>If you ask for help, name request <code>{{.Request}}</code>.</p>
</footer>
</main>
</body>
</html>
`))

// failed is why the page cannot be shown.
type failed struct {
	Head             template.HTML
	Message, Request string
}

var failedPage = template.Must(template.New("failed").Parse(`<!doctype html>
<html lang="en">
<head>
{{.Head}}<title>ArchibotChat</title>
</head>
<body>
<main>
<p class="brand">ArchibotChat</p>
<div class="card">
<h1>This page cannot be shown</h1>
<p>{{.Message}}</p>
<div class="actions"><a class="action" href="/">Try again</a></div>
</div>
<footer>
<p>If you ask for help, name request <code>{{.Request}}</code>.</p>
</footer>
</main>
</body>
</html>
`))

// page shows who is signed in. A database that does not answer is told as it
// is: nobody is shown as signed out who may not be.
func (h home) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), api.Patience)
	defer cancel()
	r = r.WithContext(ctx)
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
		// What is not offered here, or is for operators alone, is nobody's concern.
		if slices.Contains(d.Reasons, gates.AreaDisabled) || areas[i] == access.AreaOperator && !d.Allowed {
			continue
		}
		v.Areas = append(v.Areas, area{areaNames[areas[i]], d.Reasons})
	}
	return nil
}

// signOut ends the session, and leads on to the provider.
func (h home) signOut(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), api.Patience)
	defer cancel()
	r = r.WithContext(ctx)
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
	v.Head = edge.Plain(w.Header())
	w.Header().Set("Referrer-Policy", "same-origin") // else its form comes from nowhere
	var text bytes.Buffer
	if err := homePage.Execute(&text, v); err != nil {
		h.refuse(w, r, err)
		return
	}
	_, _ = text.WriteTo(w) // a browser that left needs no page
}

func (h home) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f, status := fault.From(err), http.StatusInternalServerError
	if f.Kind == fault.Unavailable || f.Kind == fault.Timeout {
		status = http.StatusServiceUnavailable
	}
	h.log.WarnContext(r.Context(), "page could not be shown", "request_id", access.Request(r.Context()), "error", err)
	var text bytes.Buffer
	v := failed{edge.Plain(w.Header()), f.Message, access.Request(r.Context())}
	if err := failedPage.Execute(&text, v); err != nil {
		edge.Refuse(w, r, status, f)
		return
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // a browser that left needs no page
}
