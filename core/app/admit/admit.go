// Package admit decides at the door: it turns a bearer token into a key, the
// key into its account, and asks the gate.
//
// It keeps true that a text that cannot be a key costs no query (K1), that a
// key is compared in constant time (K2), that an unreachable store closes the
// door with a fault of kind Unavailable (G3), and that every refusal leaves an
// event with its true reason while the caller of an unusable key is told one
// and the same thing (G6).
package admit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// Recorder takes the events of refusals without waiting for the store.
type Recorder interface {
	// Refused notes an event; repeats may be folded into one with a count.
	Refused(e audit.Event)
}

// Deps is what Service needs.
type Deps struct {
	Store    store.Store
	Peppers  keys.Peppers
	Enabled  access.Groups // areas of this environment
	Boundary gates.Boundary
	Recorder Recorder
	Now      func() time.Time
}

// Service admits.
type Service struct {
	deps    Deps
	touches chan touch
	dropped atomic.Int64
}

// Grant is an admission: who came in, and with what.
type Grant struct {
	Key     keys.Key
	Account store.Account
	Area    access.Area
}

// Principal returns the grant's principal.
func (g Grant) Principal() access.Principal {
	return access.Principal{Kind: access.PrincipalKey, ID: g.Key.ID, Account: g.Account.ID, User: g.Key.User}
}

// ErrScope means that the key was narrowed to other uses.
var ErrScope = fault.New(fault.Forbidden, "insufficient_scope", "This API key may not be used for this. Create a key with the scope you need.")

// New returns a Service; Run must be running for last-used times to be kept.
func New(d Deps) *Service {
	return &Service{deps: d, touches: make(chan touch, 1024)}
}

// Key admits an API key to the API area for a use.
func (s *Service) Key(ctx context.Context, text string, scope keys.Scope) (Grant, error) {
	token, err := keys.Parse(text)
	if err != nil {
		s.refuse(ctx, audit.KeyRefused, Grant{Area: access.AreaAPI}, "key_malformed")
		return Grant{}, gates.NotSignedIn.Fault()
	}
	digests := make([]keys.Digest, len(s.deps.Peppers))
	for i, p := range s.deps.Peppers {
		digests[i] = p.Digest(token)
	}
	holder, err := s.deps.Store.Keys().ByDigest(ctx, digests)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.refuse(ctx, audit.KeyRefused, Grant{Area: access.AreaAPI}, "key_unknown")
		return Grant{}, gates.NotSignedIn.Fault()
	case err != nil:
		return Grant{}, err
	}
	at := -1
	for i, d := range digests {
		if d.Equal(holder.Key.Digest) {
			at = i
		}
	}
	if at < 0 {
		s.refuse(ctx, audit.KeyRefused, Grant{Area: access.AreaAPI}, "key_unknown")
		return Grant{}, gates.NotSignedIn.Fault()
	}
	g := Grant{Key: holder.Key, Account: holder.Account, Area: access.AreaAPI}
	now := s.deps.Now()
	d := s.decide(g, now)
	if !d.Allowed {
		kind := audit.GateDenied
		if d.Has(gates.KeyRevoked) || d.Has(gates.KeyExpired) {
			kind = audit.KeyRefused
		}
		s.refuse(ctx, kind, g, string(d.First()))
		return g, d.Fault()
	}
	if !g.Key.Allows(scope) {
		s.refuse(ctx, audit.GateDenied, g, ErrScope.Code)
		return g, ErrScope
	}
	s.used(g.Key, now, at, digests)
	return g, nil
}

func (s *Service) decide(g Grant, now time.Time) gates.Decision {
	return gates.Decide(gates.Input{
		Area:       g.Area,
		Credential: gates.Key,
		KeyState:   g.Key.State(now),
		Account:    g.Account.Status,
		Groups:     g.Account.Groups,
		UserRule:   gates.GroupsNone, // a key of an operator's making has the account's groups
		Enabled:    s.deps.Enabled,
		Billing:    g.Account.Billing,
		Boundary:   s.deps.Boundary,
		Credits:    gates.CreditsUnchecked, // the hold decides, with the amount
	})
}

// Refuse records that an admitted key's request was refused later on, as by
// the ledger.
func (s *Service) Refuse(ctx context.Context, g Grant, reason string) {
	s.refuse(ctx, audit.GateDenied, g, reason)
}

func (s *Service) refuse(ctx context.Context, kind audit.Kind, g Grant, reason string) {
	e := audit.Event{
		Account: g.Account.ID, Kind: kind, Area: string(g.Area), Request: access.Request(ctx), Key: g.Key.ID, Reason: reason, At: s.deps.Now(), Count: 1,
		Actor: audit.Actor{Kind: audit.ActorUnknown},
	}
	if g.Key.ID != "" {
		e.Actor = audit.Actor{Kind: audit.ActorKey, ID: g.Key.ID}
	}
	s.deps.Recorder.Refused(e)
}
