package api

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describeSignIn writes the routes of registerSignIn into the description.
func (s *server) describeSignIn() {
	text := func(name, in, doc string, required bool) *huma.Param {
		return &huma.Param{Name: name, In: in, Description: doc, Required: required || in == "path", Schema: &huma.Schema{Type: huma.TypeString}}
	}
	provider := text("provider", "path", "The ID of a provider.", true)
	moved := &huma.Response{Description: "On to the next address.", Headers: map[string]*huma.Param{
		"Location":   {Description: "Where to go.", Schema: &huma.Schema{Type: huma.TypeString}},
		"Set-Cookie": {Description: "The cookie of the sign-in, or of the session.", Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	form := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/x-www-form-urlencoded": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"logout_token"}, Properties: map[string]*huma.Schema{"logout_token": {Type: huma.TypeString}},
	}}}}
	for route, o := range map[string]huma.Operation{
		startRoute: {
			OperationID: "start-sign-in", Summary: "Start to sign in", Description: "For browsers: leads to the provider.",
			Parameters: []*huma.Param{
				provider, text("return", "query", "Where to go afterwards: a path of this site.", false),
				text("fresh", "query", "1 asks the person to prove themselves anew, for what needs a fresh sign-in.", false),
			},
			Responses: map[string]*huma.Response{"303": moved},
		},
		callbackRoute: {
			OperationID: "finish-sign-in", Summary: "Finish signing in", Description: "For browsers: the provider leads here. A sign-in that fails is told in a page.",
			Parameters: []*huma.Param{provider, text("state", "query", "As it was given to the provider.", true), text("code", "query", "What the provider is asked with.", false)},
			Responses:  map[string]*huma.Response{"303": moved},
		},
		linkRoute: {
			OperationID: "open-sign-in-link", Summary: "Sign in by a printed link", Description: "For browsers, in the environment local only: the server prints such links.",
			Parameters: []*huma.Param{text("ticket", "path", "What the link ends in.", true)},
			Responses:  map[string]*huma.Response{"303": moved},
		},
		logoutRoute: {
			OperationID: "back-channel-logout", Summary: "End sessions as a provider says",
			Description: "For providers: OpenID Connect Back-Channel Logout 1.0. A token that was sent before is refused.",
			Parameters:  []*huma.Param{provider}, RequestBody: form,
			Responses: map[string]*huma.Response{"200": {Description: "The sessions have ended."}},
			Errors:    []int{http.StatusBadRequest},
		},
	} {
		o.Method, o.Path, _ = strings.Cut(route, " ")
		o.Tags = []string{"Sign-in"}
		o.Security = []map[string][]string{}
		if len(o.Parameters) > 0 && o.Parameters[0] == provider {
			o.Errors = append(o.Errors, http.StatusNotFound)
		}
		if o.Responses["303"] != nil {
			o.DefaultStatus = http.StatusSeeOther
		}
		s.declare(&o, reflect.TypeFor[struct{}]())
		if route != logoutRoute {
			for status, r := range o.Responses { // people, whose browsers accept it, are told in a page
				if status >= "400" {
					r.Content["text/html"] = &huma.MediaType{}
				}
			}
		}
		s.api.OpenAPI().AddOperation(&o)
	}
}
