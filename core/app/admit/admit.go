// Package admit decides at the door: it turns a bearer token into a key, the
// key into its account, and asks the gate.
//
// It keeps true that a text that cannot be a key costs no query (K1), that a
// key is compared in constant time (K2), that an unreachable store closes the
// door with a fault of kind Unavailable (G3), and that every refusal leaves an
// event with its true reason while the caller of an unusable key is told one
// and the same thing (G6), after the same time.
//
// A key that was seen lately costs no query either: key and account are kept
// as a snapshot. Run polls the store's list of changes four times a second and
// forgets what they concern, and no snapshot is used later than a second after
// the last good poll was sent. So a change is in force on every replica within
// a second, whatever becomes of the polls (G7, K5, HOTPATH 19). Where there is
// no good poll, as without Run, each request asks the store; those that ask at
// the same time share queries. What depends on the time, a key's expiry, is
// judged at each use. A hold names the epoch it was admitted under, and asks
// Again if the account has moved on.
package admit

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Recorder takes the events of refusals without waiting for the store.
type Recorder interface {
	// RefusedFrom notes an event; repeats may be folded into one with a count,
	// by network where the event has no account.
	RefusedFrom(e audit.Event, from netip.Addr)
}

// Deps is what Service needs.
type Deps struct {
	Store   store.Store
	Peppers keys.Peppers
	Enabled access.Groups // areas of this environment
	// Boundary is what the environment asks for: BoundaryMissing means that
	// each account must have acknowledged BoundaryVersion (A8).
	Boundary        gates.Boundary
	BoundaryVersion string
	Recorder        Recorder
	Now             func() time.Time
	// Snapshots is how many keys are kept in memory; 200,000 if 0.
	Snapshots int
}

// Service admits.
type Service struct {
	deps      Deps
	snapshots *snapshots
	stays     stays
	touches   chan touch
	dropped   atomic.Int64
}

// Grant is an admission: who came in, and with what.
type Grant struct {
	Key     keys.Key
	Account store.Account
	Area    access.Area
	From    netip.Addr
	// UserRule and UserGroups are those of the key's user, as last seen.
	UserRule   gates.GroupRule
	UserGroups access.Groups
	// Limits are what requests under the grant count against.
	Limits []ledger.Limit
	// Current says that the account was as it stands here less than a second
	// ago: polls for changes work, so that a later one would have been heard of.
	Current bool
}

// Principal returns the grant's principal.
func (g Grant) Principal() access.Principal {
	if g.Key.Hidden { // what the service does for somebody is theirs
		return access.Principal{Kind: access.PrincipalUser, ID: g.Key.User, Account: g.Account.ID, User: g.Key.User}
	}
	return access.Principal{Kind: access.PrincipalKey, ID: g.Key.ID, Account: g.Account.ID, User: g.Key.User}
}

// ErrScope means that the key was narrowed to other uses.
var ErrScope = fault.New(fault.Forbidden, "insufficient_scope", "This API key may not be used for this. Create a key with the scope you need.")

// New returns a Service; Run must be running for snapshots to be used and
// last-used times to be kept.
func New(d Deps) *Service {
	s := &Service{deps: d, snapshots: newSnapshots(d.Snapshots), touches: make(chan touch, 1024)}
	s.stays.open()
	return s
}

// Visit is somebody at the door.
type Visit struct {
	Token string // as it was shown
	Scope keys.Scope
	From  netip.Addr // zero: not known
}

// Again is Key for a request that was refused later on because its account
// had moved on from an epoch since it was admitted (HOTPATH 20).
func (s *Service) Again(ctx context.Context, v Visit, account string, refused int64) (Grant, error) {
	s.snapshots.outgrown(account, refused)
	return s.Key(ctx, v)
}

// Key admits an API key to the API area for a use.
func (s *Service) Key(ctx context.Context, v Visit) (Grant, error) {
	token, err := keys.Parse(v.Token)
	if err != nil {
		s.refuse(ctx, audit.KeyRefused, Grant{Area: access.AreaAPI}, "key_malformed", v.From)
		return Grant{}, gates.NotSignedIn.Fault()
	}
	begun := s.deps.Now()
	current := s.deps.Peppers[0].Digest(token)
	e, now, err := s.find(ctx, token, current, v.From, begun)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && e.Key.Hidden: // K8: never from outside
		s.refuse(ctx, audit.KeyRefused, Grant{Area: access.AreaAPI}, "key_unknown", v.From)
		s.even(ctx, begun)
		return Grant{}, gates.NotSignedIn.Fault()
	case err != nil:
		return Grant{}, err
	}
	g := grant(e.KeyHolder, access.AreaAPI, v.From)
	g.Current = s.snapshots.fresh(now)
	d := s.decide(g, now)
	if !d.Allowed {
		kind := audit.GateDenied
		if d.Has(gates.KeyRevoked) || d.Has(gates.KeyExpired) || d.Has(gates.KeyNetwork) {
			kind = audit.KeyRefused
		}
		s.refuse(ctx, kind, g, string(d.First()), v.From)
		if fault.KindOf(d.Fault()) == fault.Unauthenticated {
			s.even(ctx, begun)
		}
		return g, d.Fault()
	}
	if !g.Key.Allows(v.Scope) {
		s.refuse(ctx, audit.GateDenied, g, ErrScope.Code, v.From)
		return g, ErrScope
	}
	s.used(e, now, current)
	return g, nil
}

// find returns what is known of a token, from its snapshot or from the store,
// and the time at which it was found. current is its digest under the first
// pepper.
func (s *Service) find(ctx context.Context, token keys.Token, current keys.Digest, from netip.Addr, now time.Time) (*snapshot, time.Time, error) {
	fresh := s.snapshots.fresh(now)
	if fresh {
		if e := s.snapshots.get(current); e != nil {
			return e, now, nil
		}
	}
	digests := make([]keys.Digest, 1, len(s.deps.Peppers))
	digests[0] = current
	for _, p := range s.deps.Peppers[1:] {
		d := p.Digest(token)
		if fresh {
			if e := s.snapshots.get(d); e != nil {
				return e, now, nil
			}
		}
		digests = append(digests, d)
	}
	e, err := s.load(ctx, digests, from)
	return e, s.deps.Now(), err
}

// grant returns what a key's holder comes in with. A key without a user, of an
// operator's making, has the account's groups; that of a user who is no member
// opens nothing.
func grant(h store.KeyHolder, area access.Area, from netip.Addr) Grant {
	g := Grant{Key: h.Key, Account: h.Account, Area: area, From: from, UserRule: gates.GroupsNone, Limits: h.Limits}
	if h.Key.User != "" {
		g.UserRule, g.UserGroups = gates.RuleOf(h.UserRule), h.UserGroups
	}
	return g
}

func (s *Service) decide(g Grant, now time.Time) gates.Decision {
	return gates.Decide(gates.Input{
		Area:       g.Area,
		Credential: gates.Key,
		KeyState:   g.Key.StateFrom(now, g.From),
		Account:    g.Account.Status,
		Groups:     g.Account.Groups,
		UserRule:   g.UserRule,
		UserGroups: g.UserGroups,
		Enabled:    s.deps.Enabled,
		Billing:    g.Account.Billing,
		Boundary:   s.deps.Boundary.Of(s.deps.BoundaryVersion, g.Account.Boundary),
		Credits:    gates.CreditsUnchecked, // the hold decides, with the amount
	})
}

// Refuse records that an admitted key's request was refused later on, as by
// the ledger.
func (s *Service) Refuse(ctx context.Context, g Grant, reason string) {
	s.refuse(ctx, audit.GateDenied, g, reason, netip.Addr{})
}

func (s *Service) refuse(ctx context.Context, kind audit.Kind, g Grant, reason string, from netip.Addr) {
	e := audit.Event{
		Account: g.Account.ID, Kind: kind, Area: string(g.Area), Request: access.Request(ctx), Key: g.Key.ID, Reason: reason, At: s.deps.Now(), Count: 1,
		Actor: audit.Actor{Kind: audit.ActorUnknown},
	}
	switch {
	case g.Key.Hidden:
		e.Key, e.Actor = "", audit.Actor{Kind: audit.ActorUser, ID: g.Key.User}
	case g.Key.ID != "":
		e.Actor = audit.Actor{Kind: audit.ActorKey, ID: g.Key.ID}
	}
	s.deps.Recorder.RefusedFrom(e, from)
}
