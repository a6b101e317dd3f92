package keys

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Scope is something a key may be used for.
type Scope string

// The scopes. A key has all of them unless it was narrowed (K7).
const (
	ScopeModels          Scope = "models"
	ScopeChatCompletions Scope = "chat.completions"
	ScopeResponses       Scope = "responses"
	ScopeEmbeddings      Scope = "embeddings"
)

// AllScopes lists every scope.
var AllScopes = []Scope{ScopeModels, ScopeChatCompletions, ScopeResponses, ScopeEmbeddings}

// Key is an API key as it is stored: it cannot be turned back into its token.
type Key struct {
	ID       string // key_…
	Account  string
	User     string // empty for a key that an operator made
	Name     string
	Start    string // the token's first characters
	Last4    string
	Digest   Digest
	Pepper   string // the pepper's version
	Scopes   []Scope
	Models   []string       // exact IDs or prefixes ending in *; empty: all
	Networks []netip.Prefix // where it may be used from; empty: anywhere
	// Family is the first of the keys that this one followed in rotations;
	// empty: none. What a key may spend is its family's.
	Family     string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	RevokedBy  string
	Successor  string // the key that replaced it
	// Hidden says that it is a first-party credential (K8), which is none of the
	// keys that people make, and is not let in at /v1.
	Hidden bool
	// NoticeAt is when the owner is next to be told that it expires; zero: not
	// any more.
	NoticeAt time.Time
}

// State says whether a key works.
type State string

// The states. The zero value is not a state and opens nothing.
const (
	StateActive  State = "active"
	StateExpired State = "expired"
	StateRevoked State = "revoked"
	// StateElsewhere is an active key's where it may not be used from.
	StateElsewhere State = "elsewhere"
)

// State returns the key's state at now.
func (k Key) State(now time.Time) State {
	switch {
	case !k.RevokedAt.IsZero():
		return StateRevoked
	case !now.Before(k.ExpiresAt):
		return StateExpired
	}
	return StateActive
}

// StateFrom returns the state of a key that is used from an address at now.
func (k Key) StateFrom(now time.Time, from netip.Addr) State {
	s := k.State(now)
	if s == StateActive && !k.allowsFrom(from) {
		return StateElsewhere
	}
	return s
}

func (k Key) allowsFrom(a netip.Addr) bool {
	if len(k.Networks) == 0 {
		return true
	}
	a = a.Unmap().WithZone("")
	for _, n := range k.Networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Root returns the ID that the key's caps are kept under.
func (k Key) Root() string { return cmp.Or(k.Family, k.ID) }

// Allows reports whether the key has the scope.
func (k Key) Allows(s Scope) bool { return slices.Contains(k.Scopes, s) }

// AllowsModel reports whether the key may use the model.
func (k Key) AllowsModel(model string) bool {
	if len(k.Models) == 0 {
		return true
	}
	for _, m := range k.Models {
		if prefix, ok := strings.CutSuffix(m, "*"); m == model || ok && strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return false
}

// MaxLife is the latest expiry of a key made at t: one calendar year (K4).
func MaxLife(t time.Time) time.Time {
	t = t.UTC()
	e := t.AddDate(1, 0, 0)
	if e.Day() != t.Day() {
		e = e.AddDate(0, 0, -e.Day())
	}
	return e
}

// Expiry returns when a key made at now with the wished life expires; zero
// means the longest. Too long or negative is a fault.
func Expiry(now time.Time, life time.Duration) (time.Time, error) {
	latest := MaxLife(now)
	if life == 0 {
		return latest, nil
	}
	at := now.UTC().Add(life)
	if life < time.Minute || at.After(latest) {
		f := fault.New(fault.Invalid, "invalid_expiry", "A key lives at least one minute and at most one year.")
		f.Param = "expires_in"
		return time.Time{}, f
	}
	return at, nil
}

// MaxOverlap is the longest time a rotated key lives on beside its successor (K6).
const MaxOverlap = 7 * 24 * time.Hour

// DefaultOverlap is how long it lives on unless told otherwise.
const DefaultOverlap = 24 * time.Hour

// ParseScopes returns the scopes named, or all if none is.
func ParseScopes(names []string) ([]Scope, error) {
	if len(names) == 0 {
		return slices.Clone(AllScopes), nil
	}
	var out []Scope
	for _, n := range names {
		s := Scope(n)
		if !slices.Contains(AllScopes, s) {
			f := fault.New(fault.Invalid, "unknown_scope", "A scope is one of models, chat.completions, responses, embeddings.")
			f.Param = "scopes"
			return nil, f
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}
