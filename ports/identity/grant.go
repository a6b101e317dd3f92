package identity

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

const redacted = "[redacted]"

// Grant is what a provider gave so that it can be asked again. Its texts are
// secrets: keep them sealed. It prints as [redacted] however it is formatted,
// logged or marshalled; to keep it, read its fields.
type Grant struct {
	Refresh     string    // refresh token; empty if there is none
	IDToken     string    // as first or last seen: names the person, and is the hint at logout
	Access      string    // access token, for userinfo; empty if there is none
	AccessUntil time.Time // zero: not known
}

// Empty reports whether the grant holds nothing.
func (g Grant) Empty() bool { return g == Grant{} }

// Format hides the grant from every verb of fmt.
func (Grant) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String hides the grant.
func (Grant) String() string { return redacted }

// GoString hides the grant.
func (Grant) GoString() string { return redacted }

// MarshalText hides the grant from encoders.
func (Grant) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON hides the grant from encoders.
func (Grant) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue hides the grant from logs.
func (Grant) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the flow's secrets from every verb of fmt.
func (Flow) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the flow from encoders.
func (Flow) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON hides the flow from encoders.
func (Flow) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue hides the flow from logs.
func (Flow) LogValue() slog.Value { return slog.StringValue(redacted) }
