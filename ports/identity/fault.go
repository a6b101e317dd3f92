package identity

import (
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

var (
	// ErrFailed is every sign-in that did not check out; [Failed] adds why.
	ErrFailed = fault.New(fault.Unauthenticated, "sign_in_failed", "The sign-in did not work. Begin again; if it stays, contact support with the request ID.")
	// ErrState is a callback that belongs to no sign-in of this browser.
	ErrState = Failed(ReasonState, nil)
	// ErrRefused means that the provider does not let the person in, or not any more.
	ErrRefused = fault.New(fault.Unauthenticated, "sign_in_refused", "Your organisation's sign-in did not let you in. Ask its administrator for access.")
	// ErrNoRecheck means that the provider cannot be asked about this person again.
	ErrNoRecheck = fault.New(fault.Invalid, "no_recheck", "This sign-in cannot be checked again; sign in anew.")
	// ErrUnavailable means that the provider is down, or answers nonsense.
	ErrUnavailable = &fault.Error{
		Kind: fault.Unavailable, Code: "provider_unavailable", RetryAfter: 5 * time.Second,
		Message: "Your organisation's sign-in does not answer. Try again in a moment.",
	}
)

// Reason is why a sign-in failed, for the evidence: a fixed code without
// anything of the person. The person is shown none of it.
type Reason string

// The reasons.
const (
	ReasonState     Reason = "state"          // no such sign-in, used, expired, or of another browser
	ReasonCallback  Reason = "callback"       // no code, two codes, too long, or an error of the protocol
	ReasonCode      Reason = "code"           // the provider did not take the code
	ReasonIssuer    Reason = "issuer"         // of the callback (RFC 9207) or of the token
	ReasonToken     Reason = "token"          // missing, malformed, or too large
	ReasonSignature Reason = "signature"      // algorithm, key or signature
	ReasonAudience  Reason = "audience"       // aud or azp
	ReasonExpired   Reason = "expired"        // exp, iat or nbf
	ReasonNonce     Reason = "nonce"          // missing or another's
	ReasonSubject   Reason = "subject"        // missing, too long, or another's
	ReasonNotFresh  Reason = "not_fresh"      // asked for anew, and the provider does not confirm it
	ReasonTicket    Reason = "ticket"         // of a local sign-in link: unknown, used or expired
	ReasonLogout    Reason = "logout_token"   // not a logout token by its claims
	ReasonNone      Reason = ""               // not a failed sign-in
	reasonUnknown   Reason = "sign_in_failed" // a failure that nobody gave a reason
)

// failure carries a reason beneath the fault.
type failure struct {
	reason Reason
	err    error
}

func (f *failure) Error() string {
	if f.err == nil {
		return string(f.reason)
	}
	return string(f.reason) + ": " + f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// Failed returns an ErrFailed for a reason, with a cause for the log or nil.
// The cause must hold no token.
func Failed(reason Reason, cause error) *fault.Error {
	return fault.Wrap(&failure{reason, cause}, ErrFailed.Kind, ErrFailed.Code, ErrFailed.Message)
}

// Unavailable returns an ErrUnavailable with a cause for the log.
func Unavailable(cause error) *fault.Error {
	f := *ErrUnavailable
	f.Err = cause
	return &f
}

// ReasonOf returns why a sign-in failed; "" if err is no ErrFailed.
func ReasonOf(err error) Reason {
	if !errors.Is(err, ErrFailed) {
		return ReasonNone
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.reason
	}
	return reasonUnknown
}
