package admit

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// reasonEnded is why a hidden credential does not admit that was replaced, or
// whose member was removed.
const reasonEnded = "credential_ended"

// FirstParty admits to the chat area what the service does under a hidden
// credential (K8). There is no way here from a text: it takes the handle. The
// grant names the user, and nothing of the credential but within.
func (s *Service) FirstParty(ctx context.Context, c keys.FirstParty, from netip.Addr) (Grant, error) {
	e, now, err := s.findHidden(ctx, c.Digest())
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.refuse(ctx, audit.GateDenied, Grant{Area: access.AreaChat, Account: store.Account{Account: access.Account{ID: c.Account()}}}, reasonEnded, from)
		return Grant{}, gates.NotSignedIn.Fault()
	case err != nil:
		return Grant{}, err
	}
	g := grant(e.KeyHolder, access.AreaChat, from)
	g.Current = s.snapshots.fresh(now)
	if d := s.decide(g, now); !d.Allowed {
		s.refuse(ctx, audit.GateDenied, g, string(d.First()), from)
		return g, d.Fault()
	}
	return g, nil
}

// AgainFirstParty is FirstParty for a turn that was refused later on because its
// account had moved on from an epoch (HOTPATH 20).
func (s *Service) AgainFirstParty(ctx context.Context, c keys.FirstParty, from netip.Addr, refused int64) (Grant, error) {
	s.snapshots.outgrown(c.Account(), refused)
	return s.FirstParty(ctx, c, from)
}

// findHidden returns what is known of a hidden credential, from its snapshot or
// from the store. People chat one turn at a time: they need not share queries.
func (s *Service) findHidden(ctx context.Context, d keys.Digest) (*snapshot, time.Time, error) {
	now := s.deps.Now()
	if s.snapshots.fresh(now) {
		if e := s.snapshots.get(d); e != nil && e.Key.Hidden {
			return e, now, nil
		}
	}
	var e *snapshot
	err := s.patiently(ctx, func(ctx context.Context) error {
		generation, sent := s.snapshots.began(), s.deps.Now()
		h, err := s.deps.Store.FirstParties().ByDigest(ctx, d)
		if err == nil {
			err = s.aged(sent)
		}
		if err != nil {
			return err
		}
		if !d.Equal(h.Key.Digest) { // K2
			return store.ErrNotFound
		}
		e = &snapshot{KeyHolder: h}
		s.snapshots.keepNow(e, generation)
		return nil
	})
	return e, s.deps.Now(), err
}

// patiently sends a query until it is answered, for as long as a load is waited for.
func (s *Service) patiently(ctx context.Context, query func(ctx context.Context) error) error {
	until := s.deps.Now().Add(loadWait)
	for rest := shortestRest; ; rest = min(2*rest, longestRest) {
		attempt, cancel := context.WithTimeout(ctx, min(until.Sub(s.deps.Now()), queryTime))
		err := query(attempt)
		cancel()
		switch {
		case fault.KindOf(err) != fault.Unavailable:
			return err
		case until.Sub(s.deps.Now()) <= rest:
			return late(err)
		}
		pause := time.NewTimer(rest)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return canceled(ctx)
		}
	}
}

// holders reads what stays are under, keys and hidden credentials, by their IDs.
func (s *Service) holders(ctx context.Context, account string, ids []string) ([]store.KeyHolder, error) {
	found, err := s.deps.Store.Keys().Holders(ctx, account, ids)
	if err != nil || len(found) == len(ids) {
		return found, err
	}
	hidden, err := s.deps.Store.FirstParties().Holders(ctx, account, ids)
	return append(found, hidden...), err
}
