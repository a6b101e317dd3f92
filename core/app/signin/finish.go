package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// Return is what a browser brings back from a provider.
type Return struct {
	Provider string
	Redirect string     // the same as at the start
	Values   url.Values // of the callback's query
	Binding  string     // of the cookie; empty if there is none
	Old      string     // the token of the session that the browser has; may be empty
}

// Done is a finished sign-in.
type Done struct {
	Token    access.Token
	Session  store.Session
	ReturnTo string // a path of this site
}

// Finish ends a sign-in with a new session. Faults: no_such_provider,
// sign_in_failed, sign_in_refused, provider_unavailable.
func (s *Service) Finish(ctx context.Context, r Return) (Done, error) {
	p := s.of[r.Provider]
	if p == nil {
		return Done{}, ErrNoProvider
	}
	f, err := s.take(ctx, r)
	if err != nil {
		return Done{}, s.failed(ctx, r.Provider, err)
	}
	id, err := p.Finish(ctx, identity.Flow{
		State: r.Values.Get("state"), Nonce: f.Nonce, Verifier: f.Verifier, Redirect: r.Redirect, Fresh: f.Fresh, Began: f.CreatedAt,
	}, r.Values)
	if err == nil && (id.Issuer == "" || id.Subject == "") {
		err = identity.Failed(identity.ReasonSubject, nil)
	}
	if err != nil {
		return Done{}, s.failed(ctx, r.Provider, err)
	}
	return s.admit(ctx, r, f, id)
}

// Link ends a sign-in by the ticket of a printed link, with a new session in
// place of the one whose token is old. Faults: no_such_provider,
// sign_in_failed.
func (s *Service) Link(ctx context.Context, ticket, old string) (Done, error) {
	if s.d.Links == nil {
		return Done{}, ErrNoProvider
	}
	provider := s.d.Links.Describe().ID
	id, err := s.d.Links.Finish(ctx, identity.Flow{}, url.Values{"ticket": {ticket}})
	if err != nil {
		return Done{}, s.failed(ctx, provider, err)
	}
	return s.admit(ctx, Return{Provider: provider, Old: old}, store.Flow{ReturnTo: "/"}, id)
}

// Know keeps somebody who has not signed in yet, for the service itself.
// Fault: operators_only.
func (s *Service) Know(ctx context.Context, provider string, id identity.Identity) (store.User, error) {
	if access.By(ctx).Kind != access.PrincipalService {
		return store.User{}, fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")
	}
	var u store.User
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var created bool
		var err error
		if u, created, err = s.keep(ctx, tx, provider, id); err != nil || !created {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.UserChanged, "", u.ID, "new_user"))
	})
	return u, err
}

// admit makes the session of somebody who was identified.
func (s *Service) admit(ctx context.Context, r Return, f store.Flow, id identity.Identity) (Done, error) {
	out := Done{ReturnTo: f.ReturnTo}
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		out.Token, out.Session, err = s.enter(ctx, tx, r, f, id)
		return err
	})
	return out, err
}

// take takes the flow of a callback, which serves nobody else from then on.
func (s *Service) take(ctx context.Context, r Return) (store.Flow, error) {
	states := r.Values["state"]
	if len(states) != 1 || len(states[0]) != access.TokenLen {
		return store.Flow{}, identity.ErrState
	}
	f, err := s.d.Store.Flows().Take(ctx, access.SumToken(states[0]))
	if errors.Is(err, store.ErrNotFound) {
		return store.Flow{}, identity.ErrState
	}
	if err != nil {
		return store.Flow{}, err
	}
	binding := access.SumToken(r.Binding)
	if f.Provider != r.Provider || !s.d.Now().Before(f.ExpiresAt) || subtle.ConstantTimeCompare(binding[:], f.Binding[:]) != 1 {
		return store.Flow{}, identity.ErrState
	}
	return f, nil
}

// enter keeps the user and makes the session, in place of the browser's old one.
func (s *Service) enter(ctx context.Context, tx store.Stores, r Return, f store.Flow, id identity.Identity) (access.Token, store.Session, error) {
	fail := func(err error) (access.Token, store.Session, error) { return access.Token{}, store.Session{}, err }
	now := s.d.Now()
	u, created, err := s.keep(ctx, tx, r.Provider, id)
	if err != nil {
		return fail(err)
	}
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalUser, ID: u.ID, User: u.ID})
	account, role, err := s.choose(ctx, tx, u.ID, f.Link)
	if err != nil {
		return fail(err)
	}
	ses := store.Session{
		ID: s.d.NewID("ses"), Account: account, User: u.ID, Role: role, UserRule: u.Rule, Groups: u.Groups, Provider: r.Provider, Issuer: id.Issuer, SID: id.SID,
		FreshAt: proved(f, id, now), CheckedAt: now,
	}
	if ses.Grant, err = s.box.seal(ses.ID, id.Grant); err != nil {
		return fail(err)
	}
	if id.Grant.Refresh != "" || id.Grant.Access != "" {
		ses.CheckAt = now.Add(s.d.Recheck)
	}
	token, ses, err := s.d.Sessions.Open(ctx, tx, ses)
	if err != nil {
		return fail(err)
	}
	if err := s.replace(ctx, tx, r.Old); err != nil {
		return fail(err)
	}
	reason := ""
	if created {
		reason = "new_user"
	}
	return token, ses, tx.Events().Append(ctx, s.event(ctx, audit.SignedIn, account, ses.ID, reason))
}

// proved returns when the person proved themselves: as the provider says, or
// since the flow began where it was asked for that and confirmed it.
func proved(f store.Flow, id identity.Identity, now time.Time) time.Time {
	at := id.AuthAt
	if at.IsZero() && f.Fresh {
		at = f.CreatedAt
	}
	if at.After(now) {
		return now
	}
	return at
}

// replace ends the session that the browser had before, whoever's it is.
func (s *Service) replace(ctx context.Context, tx store.Stores, token string) error {
	if len(token) != access.TokenLen {
		return nil
	}
	old, _, err := tx.Sessions().ByHash(ctx, access.SumToken(token))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(ctx, tx, store.SessionQuery{ID: old.ID}, EndReplaced)
}

// keep writes what the provider says of a person, and the evidence where it
// is something else than before.
func (s *Service) keep(ctx context.Context, tx store.Stores, provider string, id identity.Identity) (store.User, bool, error) {
	before, err := tx.Users().Find(ctx, id.Issuer, id.Subject)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, false, err
	}
	now := s.d.Now()
	u, created, err := tx.Users().SignedIn(ctx, store.User{
		ID: s.d.NewID("user"), Issuer: id.Issuer, Subject: id.Subject, Provider: provider, Email: id.Email, EmailVerified: id.EmailVerified, Name: id.Name,
		Rule: id.Rule, Groups: id.Groups, CreatedAt: now, UpdatedAt: now, SeenAt: now,
	})
	if err != nil || created {
		return u, created, err
	}
	what := differs(before, u)
	if what == "" {
		return u, false, nil
	}
	mine, err := tx.Members().Of(ctx, u.ID)
	if err != nil {
		return store.User{}, false, err
	}
	accounts := []string{""}
	if len(mine) > 0 {
		accounts = nil
	}
	for _, m := range mine {
		accounts = append(accounts, m.Account)
	}
	for _, account := range accounts {
		if err := tx.Events().Append(ctx, s.event(ctx, audit.UserChanged, account, u.ID, what)); err != nil {
			return store.User{}, false, err
		}
	}
	return u, false, nil
}

// differs names what a provider says otherwise than before.
func differs(a, b store.User) string {
	var fields []string
	note := func(differs bool, name string) {
		if differs {
			fields = append(fields, name)
		}
	}
	note(a.Rule != b.Rule, "rule")
	note(!a.Groups.Equal(b.Groups), "groups")
	note(a.Email != b.Email || a.EmailVerified != b.EmailVerified, "email")
	note(a.Name != b.Name, "name")
	return strings.Join(fields, ",")
}

// choose returns the account that a new session is for: that of the session in
// which the sign-in was begun, else the one used last, else the first that is
// open; none if they are a member of none.
func (s *Service) choose(ctx context.Context, tx store.Stores, user, link string) (string, access.Role, error) {
	mine, err := tx.Members().Of(ctx, user)
	if err != nil || len(mine) == 0 {
		return "", "", err
	}
	var wanted []string
	if link != "" {
		ses, err := tx.Sessions().Get(ctx, link)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return "", "", err
		}
		if ses.User == user {
			wanted = append(wanted, ses.Account)
		}
	}
	last, err := tx.Sessions().LastAccount(ctx, user)
	if err != nil {
		return "", "", err
	}
	for _, want := range append(wanted, last) {
		for _, m := range mine {
			if m.Account == want && m.Status != access.StatusClosed {
				return m.Account, m.Role, nil
			}
		}
	}
	best := store.Membership{}
	for _, m := range mine {
		if m.Status != access.StatusClosed && (best.Account == "" || best.Status != access.StatusActive && m.Status == access.StatusActive) {
			best = m
		}
	}
	return best.Account, best.Role, nil
}
