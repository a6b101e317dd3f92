// Package signin brings people in through their provider and keeps asking it
// about them (A1, A5).
//
// It keeps true that a sign-in is finished once, within ten minutes, and by the
// browser that began it; that it always makes a new session and ends the one
// that the browser had; that a person is an issuer and a subject; that what a
// provider gave is kept sealed; and that a provider which says no, or has said
// nothing for two intervals, ends the session (G3). It decides no access and
// reads no cookie.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// FlowLife is how long a sign-in may take.
const FlowLife = 10 * time.Minute

// Reasons that sessions end for, beside those of package sessions.
const (
	EndSignedOut   = "signed_out"
	EndReplaced    = "replaced" // the browser signed in again
	EndLapsed      = "lapsed"   // idle, or at its absolute limit
	EndRefused     = "provider_refused"
	EndUnreachable = "provider_unreachable"
	EndLogout      = "provider_signed_out"
	EndGrant       = "grant_unreadable"
)

// Opener makes sessions and judges them; *sessions.Service is one.
type Opener interface {
	// Open adds a session within a transaction.
	Open(ctx context.Context, tx store.Stores, n store.Session) (access.Token, store.Session, error)
	// Live reports whether a session is neither ended nor past its limits.
	Live(s store.Session) bool
}

// Recorder takes the events of refusals without waiting; *activity.Folder is
// one.
type Recorder interface {
	Refused(e audit.Event)
}

// Deps is what the use cases stand on.
type Deps struct {
	Store     store.Store
	Providers []identity.Provider // in the order in which they are shown
	// Links is the one of them that signs in by links that the server printed;
	// nil where there is none. It alone needs no sign-in that was begun before.
	Links    identity.Provider
	Sessions Opener
	Recorder Recorder // nil: failures are not recorded
	Peppers  keys.Peppers
	Now      func() time.Time
	NewID    func(prefix string) string
	Entropy  func([]byte)
	Log      *slog.Logger
	Recheck  time.Duration // how often providers are asked
}

// Service holds the use cases.
type Service struct {
	d   Deps
	of  map[string]identity.Provider
	box *box
}

// New returns the use cases. Two providers of one ID, or one issuer, are a
// fault.
func New(d Deps) (*Service, error) {
	s := &Service{d: d, of: map[string]identity.Provider{}, box: &box{d.Peppers, d.Entropy}}
	issuers := map[string]bool{}
	for _, p := range d.Providers {
		about := p.Describe()
		if s.of[about.ID] != nil || issuers[about.Issuer] {
			return nil, errors.New("two providers have the ID " + about.ID + " or the issuer " + about.Issuer)
		}
		s.of[about.ID], issuers[about.Issuer] = p, true
	}
	return s, nil
}

// ErrNoProvider means that nobody of that ID signs people in here.
var ErrNoProvider = fault.New(fault.NotFound, "no_such_provider", "There is no such way to sign in here.")

// Providers says who signs people in.
func (s *Service) Providers() []identity.Description {
	out := make([]identity.Description, 0, len(s.d.Providers))
	for _, p := range s.d.Providers {
		out = append(out, p.Describe())
	}
	return out
}

// failed notes a sign-in that did not come about (G6) and returns its error.
func (s *Service) failed(ctx context.Context, provider string, err error) error {
	reason := string(identity.ReasonOf(err))
	if reason == "" {
		reason = fault.CodeOf(err)
	}
	s.d.Log.InfoContext(ctx, "sign-in failed", "provider", provider, "reason", reason, "request_id", access.Request(ctx), "error", err)
	if s.d.Recorder != nil {
		s.d.Recorder.Refused(audit.Event{
			Kind: audit.SignInFailed, Actor: audit.By(ctx), Request: access.Request(ctx), Reason: reason, Subject: provider,
		})
	}
	return err
}

// end ends sessions with the evidence of each.
func (s *Service) end(ctx context.Context, tx store.Stores, q store.SessionQuery, reason string) error {
	ended, err := tx.Sessions().EndAll(ctx, q, s.d.Now(), reason)
	if err != nil {
		return err
	}
	for _, ses := range ended {
		if err := tx.Events().Append(ctx, s.event(ctx, audit.SessionEnded, ses.Account, ses.ID, reason)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) event(ctx context.Context, kind audit.Kind, account, subject, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: reason, Subject: subject, Count: 1,
	}
}
