// Package fault is the one error type that crosses the borders between the
// core, its ports and its hosts.
//
// A fault has a kind (few, chosen so that a host can pick a status), a code
// (stable, machine-readable, public API) and a message that is safe to show to
// a person. What went wrong underneath is wrapped and only ever logged.
//
// It keeps true that nothing unknown reaches a client: [From] turns any other
// error into an internal fault without detail. It knows no HTTP status; hosts
// map kinds to statuses.
package fault

import (
	"errors"
	"time"
)

// Kind says what sort of failure a fault is.
type Kind uint8

// The kinds. A host maps each to one status.
const (
	// Internal is anything nobody foresaw. Its message says nothing.
	Internal Kind = iota
	// Invalid is input that breaks a rule; the caller can mend it.
	Invalid
	// Unauthenticated means that no usable credential came with the call.
	Unauthenticated
	// Forbidden means that the caller is known and may not.
	Forbidden
	// NotFound covers objects that do not exist and those of other accounts alike.
	NotFound
	// Conflict is a clash with the present state, such as a name in use.
	Conflict
	// TooLarge is input over a documented limit.
	TooLarge
	// Exhausted means that credits or a budget do not cover the work.
	Exhausted
	// Limited means too many calls in a time; RetryAfter says when to come back.
	Limited
	// Unavailable means that a part this needs is down or full.
	Unavailable
	// BadUpstream means that the upstream refused us or answered nonsense.
	BadUpstream
	// Timeout means that a part did not answer in time.
	Timeout
	// Canceled means that the caller went away.
	Canceled
)

var kindNames = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict",
	"too_large", "exhausted", "limited", "unavailable", "bad_upstream", "timeout", "canceled",
}

// String returns the kind's name in snake_case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Error is a failure that may cross a port.
type Error struct {
	Kind    Kind
	Code    string // machine code, snake_case, stable
	Message string // one or two plain sentences, safe to show
	Param   string // the input at fault, if one is
	// Part names the part of the service that was at fault, in a word, where that
	// is known. It is for logs and metrics, and never shown.
	Part string
	// RetryAfter is how long to wait before the same call may succeed; 0 if
	// waiting does not help or is not known.
	RetryAfter time.Duration
	Err        error // the cause; logged, never shown
}

// New returns a fault of kind with a code and a message that is safe to show.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Wrap is New with a cause.
func Wrap(err error, kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message, Err: err}
}

// Error returns code, message and cause, for logs.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a fault with the same code, so that a fault
// declared once can be compared with errors.Is.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Kind == e.Kind
}

// From returns the fault inside err. An error that holds none becomes an
// internal fault that shows nothing of it.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return Wrap(err, Internal, "internal", "Something went wrong here. Try again; if it stays, contact support with the request ID.")
}

// KindOf returns the kind of the fault in err, Internal if it holds none. Ask
// only of an error: nil is Internal too.
func KindOf(err error) Kind {
	if err == nil {
		return Internal
	}
	return From(err).Kind
}

// CodeOf returns the code of the fault in err, "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	return From(err).Code
}
