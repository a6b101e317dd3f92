package identity

import (
	"context"
	"net/url"
	"time"

	"github.com/archibot/archibotchat/core/access"
)

// What a Description's and an Identity's Rule may be (A3).
const (
	// RuleRequired: the provider says what groups a person has; without them
	// they have none.
	RuleRequired = "required"
	// RuleNone: the provider sends no groups; those of the account decide.
	RuleNone = "none"
)

// Provider signs people in. Its methods may be called at once from many
// goroutines. Faults of all: provider_unavailable; of those that check
// something: sign_in_failed, whose [Reason] is for the evidence.
type Provider interface {
	// Describe says who this is. It asks nobody.
	Describe() Description
	// Begin returns where to send the browser: an absolute URL.
	Begin(ctx context.Context, f Flow) (string, error)
	// Finish makes an identity of what the browser brought back to Flow.Redirect.
	// Flow must be the one given to Begin; the caller has compared the state with
	// it and uses each flow once. Fault: sign_in_refused if the provider or the
	// person said no.
	Finish(ctx context.Context, f Flow, callback url.Values) (Identity, error)
	// Recheck asks the provider about a person again. ErrRefused: they may no
	// longer sign in. ErrNoRecheck: it cannot say, and waiting does not help.
	//
	// Keep the Grant that comes back unless it is empty, whatever the error: a
	// provider that changes refresh tokens has by then forgotten the old one.
	Recheck(ctx context.Context, g Grant) (Identity, Grant, error)
	// LogoutURL returns where to send the browser to sign out at the provider
	// too, from where it comes back to after, an absolute URL; "" if the provider
	// has no such place.
	LogoutURL(ctx context.Context, g Grant, after string) (string, error)
	// ParseLogout checks a back-channel logout token. Whether its ID was seen
	// before is for the caller to know.
	ParseLogout(ctx context.Context, token string) (Logout, error)
}

// Description says who a provider is.
type Description struct {
	ID     string // in paths: lower-case letters, digits and -
	Name   string // for people
	Issuer string
	Rule   string // RuleRequired or RuleNone
}

// Flow is one sign-in under way. All its texts are secrets of the browser that
// began it, save Redirect.
type Flow struct {
	State    string // 256 random bits
	Nonce    string // 256 random bits
	Verifier string // of PKCE: 43 to 128 unreserved characters
	Redirect string // the absolute URL of the callback
	// Fresh asks that the person proves themselves anew, after Began. Where the
	// provider does not confirm that, Finish fails.
	Fresh bool
	Began time.Time
}

// Identity is what a provider says about a person.
type Identity struct {
	Issuer        string
	Subject       string // at most 255 bytes
	Email         string // lower case is not enforced; empty if not given
	EmailVerified bool
	Name          string
	Groups        access.Groups // ours, after mapping
	Rule          string        // that of the provider
	SID           string        // the provider's session, for logout; may be empty
	// AuthAt is when the person last proved themselves; zero if the provider
	// does not say.
	AuthAt time.Time
	Grant  Grant
}

// Logout is a checked back-channel logout token. Subject or SID may be empty,
// not both: without SID it means all sessions of the subject.
type Logout struct {
	Issuer, Subject, SID string
	ID                   string    // jti, for telling repetitions
	At                   time.Time // when it was issued
	Until                time.Time // when it stops being valid; its ID may be forgotten then
}
