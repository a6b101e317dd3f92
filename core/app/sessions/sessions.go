// Package sessions makes, resolves and ends sign-in sessions (A5).
//
// It keeps true that a token is 256 random bits, is shown once and stored as
// its SHA-256 only, and that a session is refused once it was ended, was idle
// too long, has reached its absolute limit, or has a provider that has not
// answered for it for too long (G3). What its user may do is read anew with
// each use. It does not sign anybody in; package signin does.
package sessions

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/store"
)

// The limits of a session: of a person, and of staff.
const (
	Idle             = 30 * time.Minute
	Absolute         = 12 * time.Hour
	OperatorIdle     = 15 * time.Minute
	OperatorAbsolute = 8 * time.Hour
	// TouchEvery is how often at most a session's last use is written.
	TouchEvery = time.Minute
	// Recheck is how often a provider is asked about a session unless it is
	// said otherwise. One that has not answered for two such times ends it.
	Recheck = 15 * time.Minute
)

// What Session.UserRule holds.
const (
	RuleRequired = "required"
	RuleNone     = "none"
)

// ErrNotSignedIn is the one answer to every token that does not work.
var ErrNotSignedIn = fault.New(fault.Unauthenticated, string(gates.NotSignedIn), gates.NotSignedIn.Sentence())

// Token is a session's token; Reveal shows it, for the cookie.
type Token = access.Token

// Deps is what the use cases stand on.
type Deps struct {
	Store   store.Store
	Now     func() time.Time
	NewID   func(prefix string) string
	Entropy func([]byte)
	Recheck time.Duration // 0: Recheck
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service {
	if d.Recheck <= 0 {
		d.Recheck = Recheck
	}
	return &Service{d}
}

// Draft describes a session to mint.
type Draft struct {
	Account  string
	User     string      // empty: nobody in particular
	Role     access.Role // empty: member
	Operator bool        // staff: shorter limits
}

// Mint makes a session without a sign-in, for operators. The token is shown
// this once. Faults: operators_only, not_found, unknown_role, account_closed.
func (s *Service) Mint(ctx context.Context, n Draft) (Token, store.Session, error) {
	switch access.By(ctx).Kind {
	case access.PrincipalOperator, access.PrincipalService:
	default:
		return Token{}, store.Session{}, fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")
	}
	switch n.Role {
	case "":
		n.Role = access.RoleMember
	case access.RoleMember, access.RoleAdmin:
	default:
		f := fault.New(fault.Invalid, "unknown_role", "A role is member or admin.")
		f.Param = "role"
		return Token{}, store.Session{}, f
	}
	var token Token
	var ses store.Session
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, n.Account)
		if err != nil {
			return err
		}
		if a.Status == access.StatusClosed {
			return fault.New(fault.Conflict, string(gates.AccountClosed), gates.AccountClosed.Sentence())
		}
		token, ses, err = s.Open(ctx, tx, store.Session{
			Account: n.Account, User: n.User, Role: n.Role, UserRule: RuleNone, Operator: n.Operator, FreshAt: s.d.Now(),
		})
		if err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionCreated, ses.Account, ses.ID, ""))
	})
	if err != nil {
		return Token{}, store.Session{}, err
	}
	return token, ses, nil
}

// Open adds a session within a transaction, for a sign-in, and returns it with
// its token. ID, hash and times are given here; the evidence is the caller's.
func (s *Service) Open(ctx context.Context, tx store.Stores, n store.Session) (Token, store.Session, error) {
	token := access.NewToken(s.d.Entropy)
	now := s.d.Now()
	n.Hash, n.CreatedAt, n.SeenAt, n.ExpiresAt = token.Sum(), now, now, now.Add(absolute(n))
	if n.ID == "" {
		n.ID = s.d.NewID("ses")
	}
	return token, n, tx.Sessions().Create(ctx, n)
}

// Resolve returns the session of a token and its account, and notes the use.
// A session of somebody who is no member of its account, or has none, comes
// without an account. A token that does not work, and one of a closed account,
// is ErrNotSignedIn; a store that does not answer is its own fault.
func (s *Service) Resolve(ctx context.Context, token string) (store.Session, store.Account, error) {
	ses, a, err := s.Glance(ctx, token)
	if now := s.d.Now(); err == nil && now.Sub(ses.SeenAt) >= TouchEvery {
		err = s.d.Store.Sessions().Seen(ctx, ses.ID, now)
		ses.SeenAt = now
	}
	if err != nil {
		return store.Session{}, store.Account{}, err
	}
	return ses, a, nil
}

// Glance is Resolve for what nobody is there to see, such as a page that asks
// for news by itself: it is no use of the session, which goes on to rest.
func (s *Service) Glance(ctx context.Context, token string) (store.Session, store.Account, error) {
	if len(token) != access.TokenLen {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	ses, a, err := s.d.Store.Sessions().ByHash(ctx, access.SumToken(token))
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	if err != nil {
		return store.Session{}, store.Account{}, err
	}
	if !s.good(ses, s.d.Now()) || a.Status == access.StatusClosed {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	if ses.Role == "" { // whoever was removed may still ask to be let in anew
		ses.Account, a = "", store.Account{}
	}
	return ses, a, nil
}

// good reports whether a session may be used at now. A provider that should
// have vouched for it twice by now, and has not, closes it (G3).
func (s *Service) good(ses store.Session, now time.Time) bool {
	return Good(ses, now) && (ses.CheckAt.IsZero() || now.Sub(ses.CheckedAt) < 2*s.d.Recheck)
}

// Live reports whether a session is neither ended nor past its limits.
func (s *Service) Live(ses store.Session) bool { return Good(ses, s.d.Now()) }

// Good reports whether a session is neither ended nor past its limits at now.
func Good(s store.Session, now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(ExpiresAt(s)) && now.Sub(s.SeenAt) < IdleLimit(s)
}

// Staff reports whether a session is one of an operator: minted so, or of a
// user who is in that group by now.
func Staff(s store.Session) bool {
	return s.Operator || s.UserRule == RuleRequired && s.Groups.Has(access.GroupOperator)
}

// ExpiresAt returns when a session ends in any case.
func ExpiresAt(s store.Session) time.Time {
	if at := s.CreatedAt.Add(absolute(s)); at.Before(s.ExpiresAt) {
		return at
	}
	return s.ExpiresAt
}

func absolute(s store.Session) time.Duration {
	if Staff(s) {
		return OperatorAbsolute
	}
	return Absolute
}

// IdleLimit returns how long the session may rest.
func IdleLimit(s store.Session) time.Duration {
	if Staff(s) {
		return OperatorIdle
	}
	return Idle
}

// End ends the session that ctx carries. Faults: not_signed_in.
func (s *Service) End(ctx context.Context, reason string) error {
	p := access.By(ctx)
	if p.Session == "" {
		return ErrNotSignedIn
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Sessions().End(ctx, p.Session, s.d.Now(), reason); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionEnded, p.Account, p.Session, reason))
	})
}

func (s *Service) event(ctx context.Context, kind audit.Kind, account, session, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: reason, Subject: session, Count: 1,
	}
}
