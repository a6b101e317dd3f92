package oidcidentity

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
)

// Secret is the client's secret at the provider. It prints as [redacted]
// wherever it is formatted, logged or marshalled.
type Secret string

const redacted = "[redacted]"

// String returns [redacted].
func (Secret) String() string { return redacted }

// GoString returns [redacted].
func (Secret) GoString() string { return redacted }

// Format writes [redacted], whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// What proves a fresh sign-in.
const (
	// FreshAuthTime: the provider says when, by the claim auth_time.
	FreshAuthTime = "auth_time"
	// FreshReturn: the person chose themselves at the provider and came back. It
	// is for providers that never send auth_time, such as Google, and weaker:
	// whoever has the browser may be let through without a password.
	FreshReturn = "return"
)

// Config says who the provider is and how to read what it sends.
type Config struct {
	ID       string // in paths: lower-case letters, digits and -
	Name     string // for people
	Issuer   string // exactly as the provider writes it; https, or http on this machine
	ClientID string
	Secret   Secret // empty: a public client

	Rule string // identity.RuleRequired or identity.RuleNone
	// GroupsClaims are where groups are read from, all of them together: names
	// of claims, or paths such as realm_access.roles. Empty: groups.
	GroupsClaims []string
	// GroupMap says which of our groups each of theirs is. Nil: those of theirs
	// that are named like ours.
	GroupMap map[string]access.Groups
	// Scopes replaces what is asked for: openid, email, profile and, where the
	// provider lists them, offline_access and groups.
	Scopes []string
	// Fresh is what proves that somebody signed in anew: FreshAuthTime or
	// FreshReturn. Empty: FreshAuthTime.
	Fresh string

	Timeout time.Duration    // for one call of the port; 10 s
	Now     func() time.Time // nil: time.Now
}

// String returns who it is, never the secret.
func (c Config) String() string { return "oidcidentity " + c.ID + " at " + c.Issuer }

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	return errors.Join(
		check(isID(c.ID), "the provider's ID is 1 to 32 lower-case letters, digits and -"),
		check(c.Name != "" && len(c.Name) <= 100, "the provider needs a name of at most 100 bytes"),
		c.validateIssuer(),
		check(c.ClientID != "" && !strings.ContainsFunc(c.ClientID, unprintable), "the provider's client ID is empty or holds spaces"),
		check(!strings.ContainsFunc(string(c.Secret), unprintable), "the provider's client secret holds spaces or characters outside printable ASCII"),
		check(c.Rule == identity.RuleRequired || c.Rule == identity.RuleNone, "the provider's groups are required or none"),
		check(!slices.Contains(c.GroupsClaims, ""), "the name of a groups claim is empty"),
		check(!slices.ContainsFunc(c.Scopes, func(s string) bool { return s == "" || strings.ContainsFunc(s, unprintable) }), "a scope is empty or holds spaces"),
		check(c.Fresh == "" || c.Fresh == FreshAuthTime || c.Fresh == FreshReturn, "what proves a fresh sign-in is auth_time or return"),
		check(c.Timeout >= 0, "the provider's time limit must not be negative"),
	)
}

func (c Config) validateIssuer() error {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errors.New("the provider's issuer is no absolute address without user, query and fragment")
	}
	return check(u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()), "the provider's issuer must be an https address; http is for this machine only")
}

// isID reports whether text can be a provider's ID: it stands in paths.
func isID(text string) bool {
	return text != "" && len(text) <= 32 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	})
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

func check(ok bool, message string) error {
	if ok {
		return nil
	}
	return errors.New(message)
}
