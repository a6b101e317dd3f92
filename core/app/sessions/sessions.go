// Package sessions makes, resolves and ends sign-in sessions (A5).
//
// It keeps true that a token is 256 random bits, is shown once and stored as
// its SHA-256 only, and that a session is refused once it was ended, was idle
// too long, or has reached its absolute limit. It does not sign anybody in.
package sessions

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
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
)

// What Session.UserRule holds.
const (
	RuleRequired = "required"
	RuleNone     = "none"
)

const entropyLen = 32

// tokenLen is the length of every token in characters.
var tokenLen = base64.RawURLEncoding.EncodedLen(entropyLen)

// ErrNotSignedIn is the one answer to every token that does not work.
var ErrNotSignedIn = fault.New(fault.Unauthenticated, string(gates.NotSignedIn), gates.NotSignedIn.Sentence())

// Token is a whole session token. It prints as [redacted]; only Reveal shows it.
type Token struct{ text string }

// Reveal returns the token's text, for the cookie.
func (t Token) Reveal() string { return t.text }

// String hides the token.
func (t Token) String() string { return "[redacted]" }

// Format hides the token from every verb of fmt.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// MarshalText hides the token from encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the token from logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Deps is what the use cases stand on.
type Deps struct {
	Store   store.Store
	Now     func() time.Time
	NewID   func(prefix string) string
	Entropy func([]byte)
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

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
	var raw [entropyLen]byte
	s.d.Entropy(raw[:])
	token := Token{base64.RawURLEncoding.EncodeToString(raw[:])}
	now := s.d.Now()
	ses := store.Session{
		ID: s.d.NewID("ses"), Hash: sha256.Sum256([]byte(token.text)), Account: n.Account, User: n.User, Role: n.Role,
		UserRule: RuleNone, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(Absolute), Operator: n.Operator,
	}
	if n.Operator {
		ses.ExpiresAt = now.Add(OperatorAbsolute)
	}
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, n.Account)
		if err != nil {
			return err
		}
		if a.Status == access.StatusClosed {
			return fault.New(fault.Conflict, string(gates.AccountClosed), gates.AccountClosed.Sentence())
		}
		if err := tx.Sessions().Create(ctx, ses); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SessionCreated, ses.Account, ses.ID, ""))
	})
	if err != nil {
		return Token{}, store.Session{}, err
	}
	return token, ses, nil
}

// Resolve returns the session of a token and its account, and notes the use.
// A token that does not work, and one of a closed account, is
// ErrNotSignedIn; a store that does not answer is its own fault.
func (s *Service) Resolve(ctx context.Context, token string) (store.Session, store.Account, error) {
	if len(token) != tokenLen {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	ses, a, err := s.d.Store.Sessions().ByHash(ctx, sha256.Sum256([]byte(token)))
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	if err != nil {
		return store.Session{}, store.Account{}, err
	}
	now := s.d.Now()
	if !Good(ses, now) || a.Status == access.StatusClosed {
		return store.Session{}, store.Account{}, ErrNotSignedIn
	}
	if now.Sub(ses.SeenAt) >= TouchEvery {
		if err := s.d.Store.Sessions().Seen(ctx, ses.ID, now); err != nil {
			return store.Session{}, store.Account{}, err
		}
		ses.SeenAt = now
	}
	return ses, a, nil
}

// Good reports whether a session may be used at now.
func Good(s store.Session, now time.Time) bool {
	absolute := Absolute
	if s.Operator {
		absolute = OperatorAbsolute
	}
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && now.Sub(s.CreatedAt) < absolute && now.Sub(s.SeenAt) < IdleLimit(s)
}

// IdleLimit returns how long the session may rest.
func IdleLimit(s store.Session) time.Duration {
	if s.Operator {
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
