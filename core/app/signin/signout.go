package signin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// askWait bounds what a person waits for their provider at sign-out.
const askWait = 5 * time.Second

// errNotSignedIn is told apart from that of package sessions by nobody.
var errNotSignedIn = fault.New(fault.Unauthenticated, string(gates.NotSignedIn), gates.NotSignedIn.Sentence())

// SignOut ends the session that ctx carries, and returns where to send the
// browser so that it is signed out at the provider too, whence it comes back to
// after; empty if there is no such place. A provider that does not answer
// hinders nobody from signing out here. Faults: not_signed_in.
func (s *Service) SignOut(ctx context.Context, after string) (string, error) {
	id := access.By(ctx).Session
	if id == "" {
		return "", errNotSignedIn
	}
	ses, err := s.d.Store.Sessions().Get(ctx, id)
	if err != nil {
		return "", err
	}
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		return s.end(ctx, tx, store.SessionQuery{ID: id}, EndSignedOut)
	})
	if err != nil {
		return "", err
	}
	p := s.of[ses.Provider]
	if p == nil {
		return "", nil
	}
	g, err := s.box.open(ses.ID, ses.Grant)
	if err == nil {
		var to string
		ctx, cancel := context.WithTimeout(ctx, askWait)
		defer cancel()
		if to, err = p.LogoutURL(ctx, g, after); err == nil {
			return to, nil
		}
	}
	s.d.Log.WarnContext(ctx, "no sign-out at the provider", "provider", ses.Provider, "request_id", access.Request(ctx), "error", err)
	return "", nil
}

// onceKept is how long a logout token is known to have come, if it does not
// say until when it is valid.
const onceKept = 24 * time.Hour

// Logout ends the sessions that a back-channel logout token tells, once.
// Faults: no_such_provider, sign_in_failed, provider_unavailable.
func (s *Service) Logout(ctx context.Context, provider, token string) error {
	p := s.of[provider]
	if p == nil {
		return ErrNoProvider
	}
	l, err := p.ParseLogout(ctx, token)
	if err == nil && (l.Issuer != p.Describe().Issuer || l.ID == "" || l.SID == "" && l.Subject == "") {
		err = identity.Failed(identity.ReasonLogout, nil)
	}
	if err != nil {
		return s.failed(ctx, provider, err)
	}
	until := s.d.Now().Add(onceKept)
	if l.Until.After(until) {
		until = l.Until
	}
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService, ID: provider})
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Flows().Once(ctx, onceOf("logout", l.Issuer, l.ID), until); err != nil {
			return err
		}
		return s.end(ctx, tx, store.SessionQuery{Issuer: l.Issuer, SID: l.SID, Subject: l.Subject}, EndLogout)
	})
	if errors.Is(err, store.ErrTaken) {
		return s.failed(ctx, provider, identity.Failed(identity.ReasonLogout, errors.New("the token came before")))
	}
	return err
}

// onceOf is what stands for something that happens once.
func onceOf(texts ...string) [32]byte {
	h := sha256.New()
	for _, text := range texts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
	return [32]byte(h.Sum(nil))
}
