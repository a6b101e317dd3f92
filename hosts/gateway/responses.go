package gateway

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/keys"
	port "github.com/archibot/archibotchat/ports/inference"
)

// Limits of the query of a call on a response, in bytes and in number.
const (
	maxQuery    = 4 << 10
	maxIncludes = 20
	maxInclude  = 64
	maxPage     = 100 // of OpenAI's
)

// findResponse is the part of the table below /v1/responses/. Whatever is there
// that is no call on an ID is a call on none, and refused like one on an unknown ID,
// after the key was looked at.
func findResponse(method, rest string) route {
	rt := route{scope: keys.ScopeResponses, method: http.MethodGet, object: &port.ObjectCall{}}
	id, what, deeper := strings.Cut(rest, "/")
	if text, err := url.PathUnescape(id); err == nil && inference.ValidID(text) {
		rt.object.ID = text
	}
	switch {
	case !deeper && method == http.MethodDelete:
		rt.method, rt.object.Verb = http.MethodDelete, port.Delete
	case !deeper:
		rt.also, rt.object.Verb = http.MethodDelete, port.Retrieve
	case what == "cancel":
		rt.method, rt.object.Verb = http.MethodPost, port.Cancel
	case what == "input_items":
		rt.object.Verb = port.InputItems
	default:
		rt.method, rt.object.ID = method, ""
	}
	return rt
}

// object answers a call on a response: free, and without a look at credits.
func (g *Gateway) object(ctx context.Context, out *sink, r *http.Request, grant admit.Grant, o port.ObjectCall) error {
	if err := query(r.URL.RawQuery, &o); err != nil {
		return err
	}
	a, err := g.cfg.Responses.Do(ctx, grant.Area, o)
	if err != nil {
		return err
	}
	defer a.Give()
	g.limit(out.w, r) // only now: the upstream may have taken longer
	if err := out.free(a); err != nil {
		g.cfg.Log.Debug("client left before its answer", "error", err)
	}
	return nil
}

// free sends an answer that cost nothing.
func (s *sink) free(a responses.Answer) error {
	for _, x := range a.Headers {
		s.field(x.Name, x.Value)
	}
	s.w.Header()["Content-Type"] = jsonType
	s.field("Content-Length", strconv.Itoa(len(a.Body)))
	return s.write(a.Body)
}

// query reads the parameters that a call on a response may have, each known and
// well-formed, or refuses it. Nothing else of a query goes upstream.
func query(raw string, o *port.ObjectCall) error {
	if len(raw) > maxQuery {
		return invalid("", "The query of this URL is longer than this service takes.")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return invalid("", "The query of this URL is malformed.")
	}
	for name, list := range values {
		if name != "include" && name != "include[]" && len(list) != 1 {
			return invalid(known(name), "A parameter of the query is given more than once.")
		}
		if err := parameter(name, list, o); err != nil {
			return err
		}
	}
	return nil
}

func parameter(name string, list []string, o *port.ObjectCall) error {
	value := list[0]
	retrieve, items := o.Verb == port.Retrieve, o.Verb == port.InputItems
	switch {
	case (name == "include" || name == "include[]") && (retrieve || items):
		o.Include = append(o.Include, list...)
		if len(o.Include) > maxIncludes || slices.ContainsFunc(list, func(s string) bool { return !includable(s) }) {
			return invalid("include", "include takes up to 20 names such as message.output_text.logprobs.")
		}
	case name == "after" && items:
		if !inference.ValidID(value) {
			return invalid("after", "after is the ID of an item.")
		}
		o.After = value
	case name == "limit" && items:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxPage {
			return invalid("limit", "limit is a whole number from 1 to 100.")
		}
		o.Limit = n
	case name == "order" && items:
		if value != "asc" && value != "desc" {
			return invalid("order", "order is asc or desc.")
		}
		o.Order = value
	case name == "stream" && retrieve:
		if value != "false" {
			return &fault.Error{Kind: fault.Invalid, Code: "unsupported_value", Param: "stream", Message: "A response cannot be retrieved as a stream here. Leave out stream to get it whole."}
		}
	default:
		return invalid(known(name), "This URL does not take one of the parameters of its query.")
	}
	return nil
}

// known returns a parameter's name if it is one of OpenAI's, so that an error
// repeats nothing else.
func known(name string) string {
	if slices.Contains([]string{"include", "include[]", "after", "before", "limit", "order", "stream", "starting_after", "include_obfuscation"}, name) {
		return name
	}
	return ""
}

// includable reports whether name has the form of a part of a response: lower-case
// words, joined by dots.
func includable(name string) bool {
	if name == "" || len(name) > maxInclude {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func invalid(param, message string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "invalid_request", Param: param, Message: message}
}
