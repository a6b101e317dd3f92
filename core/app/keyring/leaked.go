package keyring

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// ReasonLeaked is the reason of the event of a key that was revoked because
// somebody found it.
const ReasonLeaked = "leaked"

// leakStep bounds the digests that one query asks for.
const leakStep = 64

// Leak is what became of a text that was reported as a leaked key.
type Leak struct {
	Key   keys.Key
	Known bool // it is a key that was made here
}

// Leaked ends the keys among texts that somebody found where they should not
// be (K9), whoever's they are, and returns what each text is. What cannot be a
// key costs no query (K1). A key that does not work any more is known, and
// nothing changes. By operators and the service. Faults: admin_required,
// no_pepper.
func (s *Service) Leaked(ctx context.Context, texts []string) ([]Leak, error) {
	if by := access.By(ctx); by.Kind != access.PrincipalOperator && by.Kind != access.PrincipalService {
		return nil, ErrAdminRequired
	}
	if len(s.d.Peppers) == 0 {
		return nil, ErrNoPepper
	}
	where := map[keys.Digest][]int{} // the texts with a digest
	var digests []keys.Digest
	for i, text := range texts {
		token, err := keys.Parse(text)
		if err != nil {
			continue
		}
		for _, p := range s.d.Peppers {
			d := p.Digest(token)
			if where[d] == nil {
				digests = append(digests, d)
			}
			where[d] = append(where[d], i)
		}
	}
	out := make([]Leak, len(texts))
	for len(digests) > 0 {
		n := min(len(digests), leakStep)
		holders, err := s.d.Store.Keys().ByDigests(ctx, digests[:n])
		if err != nil {
			return nil, err
		}
		digests = digests[n:]
		for _, h := range holders {
			k, err := s.end(ctx, h.Key, ReasonLeaked)
			if err != nil {
				return nil, err
			}
			for _, i := range where[h.Key.Digest] {
				out[i] = Leak{k, true}
			}
		}
	}
	return out, nil
}

// end revokes a key for a reason, unless it is revoked already.
func (s *Service) end(ctx context.Context, k keys.Key, reason string) (keys.Key, error) {
	by := access.By(ctx)
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Accounts().Lock(ctx, k.Account); err != nil {
			return err
		}
		now := s.d.Now()
		changed, err := tx.Keys().Revoke(ctx, k.Account, k.ID, now, by.ID)
		if err != nil {
			return err
		}
		if k, err = tx.Keys().Get(ctx, k.Account, k.ID); err != nil || !changed {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.KeyRevoked, k, reason))
	})
	return k, err
}
