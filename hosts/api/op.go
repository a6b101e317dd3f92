package api

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
)

// op registers an operation on an account: the session it needs, the errors it
// may answer with (o.Errors, besides those that all have), the limit of its
// body, and the way from faults to problems. Every operation goes through here,
// or through personal or open.
func op[I, O any](s *server, o huma.Operation, fn func(context.Context, sessions.Current, *I) (*O, error)) {
	o.Errors = append(o.Errors, http.StatusForbidden)
	personal(s, o, func(ctx context.Context, c sessions.Current, in *I) (*O, error) {
		if c.Account.ID == "" {
			return nil, gates.AccountPending.Fault()
		}
		return fn(ctx, c, in)
	})
}

// personal registers an operation that needs a session, but no account: it is
// about the person.
func personal[I, O any](s *server, o huma.Operation, fn func(context.Context, sessions.Current, *I) (*O, error)) {
	o.Security = []map[string][]string{{sessionScheme: {}}}
	register(s, o, func(ctx context.Context, in *I) (*O, error) {
		current, ok := sessions.From(ctx)
		if !ok {
			return nil, sessions.ErrNotSignedIn
		}
		return fn(ctx, current, in)
	})
}

// open registers an operation for anybody. It needs a line in attempts.
func open[I, O any](s *server, o huma.Operation, fn func(context.Context, *I) (*O, error)) {
	o.Security = []map[string][]string{}
	o.Metadata = map[string]any{public: true}
	register(s, o, fn)
}

func register[I, O any](s *server, o huma.Operation, fn func(context.Context, *I) (*O, error)) {
	if o.OperationID == "" || o.Summary == "" || len(o.Tags) != 1 {
		panic("api: an operation needs an ID, a summary and one tag: " + o.Path)
	}
	o.MaxBodyBytes = maxBody
	s.declare(&o, reflect.TypeFor[I]())
	huma.Register(s.api, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// declare writes the errors and the headers of an operation into its
// description.
func (s *server) declare(o *huma.Operation, input reflect.Type) {
	problem := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	errs := append([]int{http.StatusInternalServerError, http.StatusServiceUnavailable}, o.Errors...)
	if _, free := o.Metadata[public]; !free {
		errs = append(errs, http.StatusUnauthorized)
	}
	if input.NumField() > 0 {
		errs = append(errs, http.StatusUnprocessableEntity)
	}
	if _, ok := input.FieldByName("Body"); ok {
		errs = append(errs, http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if _, bounded := attempts[o.Method+" "+o.Path]; bounded {
		errs = append(errs, http.StatusTooManyRequests)
	}
	o.Errors = nil
	if o.Responses == nil {
		o.Responses = map[string]*huma.Response{}
	}
	if o.DefaultStatus == 0 {
		o.DefaultStatus = http.StatusOK
	}
	ok := strconv.Itoa(o.DefaultStatus)
	if o.Responses[ok] == nil {
		o.Responses[ok] = &huma.Response{Description: http.StatusText(o.DefaultStatus)}
	}
	for _, e := range errs {
		o.Responses[strconv.Itoa(e)] = &huma.Response{
			Description: http.StatusText(e),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
	for code, r := range o.Responses {
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		r.Headers["X-Request-Id"] = &huma.Param{Description: "The ID of this request.", Schema: &huma.Schema{Type: "string"}}
		if code == "503" || code == "429" {
			r.Headers["Retry-After"] = &huma.Param{Description: "Seconds to wait.", Schema: &huma.Schema{Type: "integer"}}
		}
	}
}

// problem returns what the client is told of an error. It logs what the
// client is not told, and records a closed gate (G6).
func (s *server) problem(ctx context.Context, err error) *Problem {
	f := fault.From(err)
	switch f.Kind { //nolint:exhaustive // the other kinds are the caller's doing
	case fault.Internal:
		s.Log.ErrorContext(ctx, "request failed", "request_id", access.Request(ctx), "error", err)
	case fault.Unavailable, fault.Timeout:
		s.Log.WarnContext(ctx, "request could not be served", "request_id", access.Request(ctx), "error", err)
	}
	if c, ok := sessions.From(ctx); ok && gates.Reason(f.Code).Sentence() != "" {
		s.Recorder.Refused(audit.Event{
			Account: c.Account.ID, Kind: audit.GateDenied, Actor: audit.By(ctx), Area: string(access.AreaAPI),
			Request: access.Request(ctx), Reason: f.Code,
		})
	}
	return problemOf(ctx, f)
}

// schemaName names a schema after its Go type, or after its place.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		name = hint
	}
	if name == "" { // asked for a list, which gets no name
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

var plainID = regexp.MustCompile(`^[a-z]{2,6}_[0-9a-z]{1,40}$`)

// checkID answers a text that cannot be an ID with the prefix as it would an
// unknown object, without asking the store.
func checkID(id, prefix string) error {
	if !strings.HasPrefix(id, prefix+"_") || !plainID.MatchString(id) {
		return fault.New(fault.NotFound, "not_found", "There is no such object.")
	}
	return nil
}
