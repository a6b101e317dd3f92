package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
)

// Problem is how every failure is told (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"Always about:blank: code tells failures apart." example:"about:blank"`
	Title     string         `json:"title" doc:"The status in words." example:"Forbidden"`
	Status    int            `json:"status" doc:"The HTTP status." example:"403"`
	Detail    string         `json:"detail" doc:"What happened, in plain words." example:"A payment is under review."`
	Code      string         `json:"code" doc:"A stable machine code." example:"payment_review"`
	RequestID string         `json:"request_id" doc:"The ID of this request, for support." example:"req_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	NextStep  string         `json:"next_step,omitempty" doc:"What the person can do about it." example:"Contact support with the request ID."`
	Errors    []ProblemField `json:"errors,omitempty" nullable:"false" doc:"The inputs at fault, without their values."`

	retryAfter time.Duration
}

// ProblemField is one input at fault.
type ProblemField struct {
	Location string `json:"location" doc:"Where the input is." example:"body.name"`
	Message  string `json:"message" doc:"What is wrong with it." example:"expected length <= 100"`
}

// Error returns the code and the detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus tells Huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells Huma the headers.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retryAfter+time.Second-1)/time.Second), 10))
	}
	return h
}

// ContentType tells Huma the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Exhausted:       http.StatusPaymentRequired,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.BadUpstream:     http.StatusBadGateway,
	fault.Timeout:         http.StatusGatewayTimeout,
	fault.Canceled:        http.StatusRequestTimeout,
}

var errUnknown = fault.From(errors.New("a failure of a kind that has no status"))

// unavailableRetry is when to come back if nothing better is known.
const unavailableRetry = 2 * time.Second

// nextStep says what the person can do about a failure; empty if there is
// nothing to say.
func nextStep(code string) string {
	if code == sessions.ErrNotFresh.Code {
		return "Sign in again with fresh=1 (see list-providers), then repeat what you were about to do."
	}
	return gates.Reason(code).NextStep()
}

// problemOf returns a fault as a problem.
func problemOf(ctx context.Context, f *fault.Error) *Problem {
	status, ok := statuses[f.Kind]
	if !ok {
		f = errUnknown
		status = http.StatusInternalServerError
	}
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: f.Message, Code: f.Code,
		RequestID: access.Request(ctx), NextStep: nextStep(f.Code), retryAfter: f.RetryAfter,
	}
	if f.Param != "" {
		p.Errors = []ProblemField{{Location: f.Param, Message: f.Message}}
	}
	if status == http.StatusServiceUnavailable && p.retryAfter == 0 {
		p.retryAfter = unavailableRetry
	}
	return p
}

// fail answers with the problem of an error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.write(w, r, s.problem(r.Context(), err))
}

// write answers with a problem.
func (s *server) write(w http.ResponseWriter, r *http.Request, p *Problem) {
	h := w.Header()
	for k, v := range p.GetHeaders() {
		h[k] = v
	}
	h.Set("Content-Type", p.ContentType(""))
	body, err := json.Marshal(p)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "problem could not be written", "request_id", p.RequestID, "error", err)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that left needs no answer
}

// Codes of what Huma finds wrong with a request.
var humaFaults = map[int]*fault.Error{
	http.StatusBadRequest:            fault.New(fault.Invalid, "malformed_body", "The body is missing or is not valid JSON."),
	http.StatusRequestTimeout:        fault.New(fault.Timeout, "body_timeout", "The body did not arrive in time."),
	http.StatusRequestEntityTooLarge: fault.New(fault.TooLarge, "body_too_large", "The body is larger than 1 MiB."),
	http.StatusUnsupportedMediaType:  errMediaType,
	http.StatusUnprocessableEntity:   fault.New(fault.Invalid, "invalid_request", "Some of the input is not as it should be; errors says what."),
}

// toProblem is the transformer that replaces Huma's own errors, which repeat
// input values. It knows them by their interface: another library in the
// process may have changed their type.
func toProblem(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(huma.StatusError)
	if !ok {
		return v, nil
	}
	if p, ok := v.(*Problem); ok {
		return p, nil
	}
	status := e.GetStatus()
	f, ok := humaFaults[status]
	if !ok {
		f = errUnknown
	}
	p := problemOf(ctx.Context(), f)
	p.Status, p.Title = status, http.StatusText(status)
	if m, ok := v.(*huma.ErrorModel); ok && status == http.StatusUnprocessableEntity {
		for _, d := range m.Errors {
			if d != nil {
				p.Errors = append(p.Errors, field(d))
			}
		}
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	return p, nil
}

var (
	plainLocation = regexp.MustCompile(`^(body|query|path|header|cookie)(\.[a-z_]{1,40}|\[[0-9]{1,6}\])*$`)
	plainMessage  = regexp.MustCompile(`^(expected|required) [^:]*$`)
)

// field returns what may be said of an input at fault: where it is, unless
// the caller named that place, and what was expected.
func field(d *huma.ErrorDetail) ProblemField {
	f := ProblemField{Location: d.Location, Message: d.Message}
	if strings.HasPrefix(d.Message, "unexpected") || strings.HasPrefix(d.Message, "unknown") {
		if i := strings.LastIndexByte(f.Location, '.'); i > 0 { // the name is the caller's own
			f.Location = f.Location[:i]
		}
		f.Message = "holds a name that is not known here"
	} else if !plainMessage.MatchString(d.Message) {
		f.Message = "is not valid"
	}
	if !plainLocation.MatchString(f.Location) {
		f.Location, _, _ = strings.Cut(f.Location, ".")
		if !plainLocation.MatchString(f.Location) {
			f.Location = "body"
		}
	}
	return f
}
