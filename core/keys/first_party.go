package keys

import (
	"fmt"
	"log/slog"
)

// FirstParty is a handle on a hidden credential (K8), by which the service
// admits what it does for somebody's browser. It is not made from a text, and
// no text comes from it: whoever has it is within the process. It prints as
// [redacted]. The zero value admits nobody.
type FirstParty struct {
	account string
	digest  Digest
}

// Handle returns the handle on a credential of an account by its digest.
func Handle(account string, d Digest) FirstParty { return FirstParty{account, d} }

// Account returns whose credential it is.
func (f FirstParty) Account() string { return f.account }

// Digest returns how the credential is recognised.
func (f FirstParty) Digest() Digest { return f.digest }

// Format hides the handle from every verb of fmt.
func (f FirstParty) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[redacted]")) }

// String hides the handle.
func (f FirstParty) String() string { return "[redacted]" }

// MarshalText hides the handle from encoders.
func (f FirstParty) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the handle from logs.
func (f FirstParty) LogValue() slog.Value { return slog.StringValue("[redacted]") }
