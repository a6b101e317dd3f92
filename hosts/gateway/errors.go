package gateway

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
)

// reply is an error as OpenAI's SDKs expect it.
type reply struct {
	status                     int
	message, kind, param, code string
	retryAfter                 string
	shouldRetry                string // tells SDKs whether trying again will help; empty: they know by the status
}

// refuse answers with an error in OpenAI's shape. Every part of it is either
// our own text or was cleaned by the upstream's adapter.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	p := render(err)
	f := fault.From(err)
	log := g.cfg.Log.Info
	if p.status == http.StatusInternalServerError {
		log = g.cfg.Log.Error
	}
	log("request refused", "request_id", id, "status", p.status, "code", p.code, "method", r.Method, "cause", f.Err)
	if p.status == http.StatusServiceUnavailable {
		g.troubles.note(f, time.Now())
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	if p.retryAfter != "" {
		h["Retry-After"] = []string{p.retryAfter}
	}
	if p.shouldRetry != "" {
		h["X-Should-Retry"] = []string{p.shouldRetry}
	}
	body := inference.ErrorBody(p.message, p.kind, p.param, p.code)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	g.limit(w, r)
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}

// limit bounds the time for an answer of our own: for writing it, and for what
// net/http reads of a body that was not read, before it answers.
func (g *Gateway) limit(w http.ResponseWriter, r *http.Request) {
	rc, now := http.NewResponseController(w), time.Now()
	_ = rc.SetWriteDeadline(now.Add(g.cfg.WriteWait)) // some test writers have none
	if r.ContentLength != 0 {
		_ = rc.SetReadDeadline(now.Add(unreadWait))
	}
}

// unreadWait is how long the rest of a body may take that nobody will read.
const unreadWait = time.Second

// render maps an error to a reply by the table in the project's decisions.
func render(err error) reply {
	var refusal *port.Refusal
	if errors.As(err, &refusal) {
		return renderRefusal(refusal)
	}
	f := fault.From(err)
	p := reply{message: f.Message, param: f.Param, code: f.Code, kind: "invalid_request_error"}
	if f.RetryAfter > 0 {
		p.retryAfter = strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))
	}
	switch f.Kind {
	case fault.Invalid, fault.Conflict:
		p.status = http.StatusBadRequest
		switch f.Code {
		case errMethod.Code:
			p.status = http.StatusMethodNotAllowed
		case ledger.ErrNameReused.Code:
			p.status = http.StatusUnprocessableEntity
		case ledger.ErrNameInUse.Code: // SDKs try again, which is right
			p.status = http.StatusConflict
		case ledger.ErrNameDone.Code, ledger.ErrNameTooBig.Code, ledger.ErrNameUnknown.Code:
			p.status, p.shouldRetry = http.StatusConflict, "false"
		}
	case fault.Unauthenticated:
		// One body for all, so that a guesser learns nothing (G6).
		return reply{status: http.StatusUnauthorized, message: "The API key is missing or not valid. Send a valid key as a bearer token, or create a new one.", kind: "invalid_request_error", code: "invalid_api_key"}
	case fault.Forbidden:
		p.status, p.kind = http.StatusForbidden, "permission_error"
	case fault.NotFound:
		p.status = http.StatusNotFound
		if f.Code == "model_not_allowed" {
			p.code, p.param = "model_not_found", "model"
		}
	case fault.TooLarge:
		p.status = http.StatusRequestEntityTooLarge
	case fault.Exhausted:
		p.status, p.kind, p.code, p.shouldRetry = http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota", "false"
	case fault.Limited:
		p.status, p.kind, p.code, p.shouldRetry = http.StatusTooManyRequests, "rate_limit_error", "rate_limit_exceeded", "true"
		p.retryAfter = cmp.Or(p.retryAfter, "1")
	case fault.Unavailable:
		p.status, p.kind = http.StatusServiceUnavailable, "server_error"
		if f.Code == relay.ErrUnsettled.Code || f.Code == relay.ErrUnowned.Code {
			p.shouldRetry = "false"
			break
		}
		p.retryAfter = cmp.Or(p.retryAfter, "2")
	case fault.BadUpstream:
		p.status, p.kind = http.StatusBadGateway, "server_error"
	case fault.Timeout:
		p.status, p.kind = http.StatusGatewayTimeout, "server_error"
		if f.Code == "request_timeout" {
			p.status, p.kind = http.StatusRequestTimeout, "invalid_request_error"
		}
	case fault.Canceled:
		p.status = 499 // nobody reads it; nginx's number for a client that left
	default:
		p.status, p.kind = http.StatusInternalServerError, "server_error"
	}
	return p
}

// renderRefusal maps what the upstream refused. Only what the client can mend
// is passed on; the upstream's own quota and credentials are not its business.
func renderRefusal(r *port.Refusal) reply {
	switch r.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return reply{
			status: r.Status, message: cmp.Or(r.Message, "The model provider did not accept the request."),
			kind: cmp.Or(r.Type, "invalid_request_error"), param: r.Param, code: r.Code,
		}
	case http.StatusTooManyRequests:
		return reply{
			status: http.StatusTooManyRequests, message: "The model provider is taking no more requests just now. Wait a moment, then try again.",
			kind: "rate_limit_error", code: "upstream_rate_limited", retryAfter: cmp.Or(r.RetryAfter, "1"),
		}
	}
	return reply{
		status: http.StatusBadGateway, message: "The model provider could not do the work just now. Nothing was debited; try again shortly.",
		kind: "server_error", code: "upstream_unavailable",
	}
}
