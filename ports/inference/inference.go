// Package inference is the port to the models: what an upstream that speaks
// OpenAI's API must do for the relay.
//
// It keeps true that the relay hears of an upstream's refusal only as a
// [Refusal] cleaned of secrets, and of an answer only once its head is known
// to be one the service can pass on. It does no accounting and no retrying.
package inference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/inference"
)

// Request is one call to be forwarded.
type Request struct {
	Route     inference.Route
	RequestID string // ours; sent as X-Request-Id so that both sides' logs meet
	Stream    bool   // the client asked for server-sent events
	Model     string // as the body names it; says which of several upstreams may take the call
	// Left is closed once nobody waits for the answer any more: a call that is
	// under way goes on, but none is begun. Nil: somebody does.
	Left <-chan struct{}
	// Body is forwarded byte for byte; the adapter does not change it. It is
	// the caller's again once Do has failed or Response.Body is closed: until
	// then it may still be read.
	Body []byte
	// Keeper is the name of the upstream that keeps what the body names, such as
	// an earlier response; empty if it names nothing that is kept. An upstream of
	// another name refuses the call with 404.
	Keeper string
}

// Response is an accepted call: the upstream answered 2xx with JSON or, if
// asked for it, server-sent events.
type Response struct {
	// Upstream is the name of the upstream that answered. What it keeps of the
	// call, it keeps under that name.
	Upstream string
	// Stream is true for text/event-stream, false for application/json.
	Stream bool
	// Headers holds the few upstream headers a client may see, in canonical
	// form, such as Openai-Processing-Ms. Never cookies, never limits.
	Headers []Header
	// Length is the length of Body as the upstream gave it; 0 if it did not. It
	// is a hint of how much room to make, no more.
	Length int64
	// Body must be closed; read to io.EOF first, or the connection is lost.
	// Reads fail with a fault of kind Timeout when the
	// upstream is silent for too long and of kind BadUpstream when it breaks off.
	Body io.ReadCloser
}

// Ready is what a Response's Body may implement beside io.ReadCloser: whether
// a Read would return at once, waiting for that up to a time. It consumes
// nothing, and its answer need not hold for a read of a whole event.
type Ready interface {
	Ready(wait time.Duration) bool
}

// Whole is what a Response's Body may implement beside io.ReadCloser: whether
// it is at its end, so that a Read would return io.EOF at once. It does not wait.
type Whole interface {
	Whole() bool
}

// Header is one header field.
type Header struct{ Name, Value string }

// Model is one entry of the upstream's list.
type Model struct {
	ID      string
	Created int64 // seconds since 1970
	OwnedBy string
}

// Upstream forwards calls with the service's own credential.
type Upstream interface {
	// Name identifies the upstream in logs, metrics and the provider list.
	Name() string
	// Do forwards r and returns when the head of the answer is in. It fails with
	//   - *Refusal, if the upstream answered 4xx or 5xx;
	//   - a fault of kind BadUpstream, code upstream_unavailable, if it could
	//     not be reached or redirects, code upstream_invalid, if its answer is
	//     not one to pass on;
	//   - a fault of kind Timeout, code upstream_timeout, if no head came in time;
	//   - ctx's error, if that ended first.
	// In each of these cases no work was accepted. Only where an error is
	// ErrUnsent too is it sure that none was begun.
	Do(ctx context.Context, r *Request) (*Response, error)
	// Object makes a call on a response that the upstream keeps. Its answer is
	// never a stream; that of Delete may be anything and tells nothing. It fails
	// as Do does, with a *Refusal of status 404 for an ID that the upstream does
	// not keep or another upstream gave, and Internal for one without the form
	// of an ID.
	Object(ctx context.Context, o *ObjectCall) (*Response, error)
	// Models lists what the upstream offers. It fails as Do does.
	Models(ctx context.Context) ([]Model, error)
}

// ErrUnsent is in the chain of a fault upstream_unavailable if the upstream
// never had the whole call: it could not be reached, or the connection broke
// before the last byte of the body was handed to it. It cannot have begun to
// work then, and the call may be made again (W8). Where that is in doubt, as
// after a write that may have arrived, an adapter must not say so.
var ErrUnsent = errors.New("the call was not sent")

// Foreseeing is an Upstream that can tell beforehand that Do would be in vain,
// so that nothing need be set aside for the call.
type Foreseeing interface {
	Upstream
	// Foresee returns the error with which Do would fail just now without
	// asking anybody, nil if it would ask.
	Foresee(r *Request) error
}

// Refusal is an upstream's answer with a status other than 2xx, cleaned: no
// field of it holds a credential of ours.
type Refusal struct {
	Status     int
	RetryAfter string // the upstream's Retry-After, verbatim, if it is well-formed
	Message    string
	Type       string
	Param      string
	Code       string
	// Elsewhere says that nobody was asked: what the call names is kept by an
	// upstream that is not this one. See [NotKept].
	Elsewhere bool
}

// Error returns the status and the upstream's code.
func (r *Refusal) Error() string {
	return fmt.Sprintf("upstream answered %d (%s)", r.Status, r.Code)
}
