// Package firstparty makes and rotates the hidden credentials under which the
// service does a member's browser chat (K8).
//
// It keeps true that a credential is made only behind the open gate of chat
// (G5), that its token is dropped as soon as it is digested, so that nobody has
// it, and that what leaves here is a handle that admission takes within the
// process: there is no text that would be let in at /v1, or that could get into
// an answer, a log or an export. It writes no event: what is done under a
// credential is its user's doing.
package firstparty

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// RotateAfter is the age at which a credential is replaced.
	RotateAfter = 12 * time.Hour
	// life is the longest that one works: what began under it just before it was
	// replaced may end.
	life = RotateAfter + time.Hour

	expireStep = 100
)

// Gate returns nil if the session in ctx may chat on the account now, credits
// included, else the fault of the reason.
type Gate func(ctx context.Context, a store.Account) error

// Deps is what the use case stands on.
type Deps struct {
	Store   store.Store
	Now     func() time.Time
	NewID   func(prefix string) string
	Entropy func([]byte)
	Peppers keys.Peppers // the first one digests
	Gate    Gate
}

// Service holds the use case.
type Service struct{ d Deps }

// New returns the use case.
func New(d Deps) *Service { return &Service{d} }

// errBusy means that several servers replace the same credential all the time.
var errBusy = fault.New(fault.Unavailable, "account_busy", "The account is being changed just now. Nothing was debited; try again shortly.")

// Person is who chats: a session's account and user, with the user's groups as
// last seen.
type Person struct {
	Account store.Account
	User    string // empty: a session without a user
	Rule    string
	Groups  access.Groups
}

// Credential returns the handle on a person's hidden credential: the one there
// is, or a new one if there is none, it is old, the pepper is another one or
// somebody's groups are not as they were. The handle is for one turn: ask for
// it anew before the next. Faults: the gate's.
func (s *Service) Credential(ctx context.Context, p Person) (keys.FirstParty, error) {
	if err := s.d.Gate(ctx, p.Account); err != nil {
		return keys.FirstParty{}, err
	}
	for range 3 {
		was, err := s.d.Store.FirstParties().Of(ctx, p.Account.ID, p.User)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return keys.FirstParty{}, err
		}
		if err == nil && s.good(was, p) {
			return keys.Handle(was.Account, was.Digest), nil
		}
		next := s.fresh(p)
		err = s.d.Store.FirstParties().Put(ctx, next, was.Digest)
		if err == nil {
			return keys.Handle(next.Account, next.Digest), nil
		}
		if !errors.Is(err, store.ErrTaken) { // else another server was first: take its
			return keys.FirstParty{}, err
		}
	}
	return keys.FirstParty{}, errBusy
}

func (s *Service) good(c store.FirstParty, p Person) bool {
	age := s.d.Now().Sub(c.CreatedAt)
	return age >= 0 && age < RotateAfter && c.Pepper == s.d.Peppers[0].Version && c.Seen == p.seen()
}

// fresh returns a new credential. Its token ends here.
func (s *Service) fresh(p Person) store.FirstParty {
	var raw [keys.EntropyLen]byte
	s.d.Entropy(raw[:])
	now, pepper := s.d.Now(), s.d.Peppers[0]
	return store.FirstParty{
		ID: s.d.NewID("fpc"), Account: p.Account.ID, User: p.User, Digest: pepper.Digest(keys.Mint(raw)), Pepper: pepper.Version, Seen: p.seen(),
		CreatedAt: now, ExpiresAt: now.Add(life),
	}
}

func (p Person) seen() string {
	return p.Account.Groups.String() + " " + p.Rule + " " + p.Groups.String()
}

// Expire removes credentials that nobody replaced when they were old.
func (s *Service) Expire(ctx context.Context) error {
	for {
		if n, err := s.d.Store.FirstParties().Expire(ctx, expireStep); err != nil || n < expireStep {
			return err
		}
	}
}
