package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// Rotate makes a successor with the name, scopes, models, networks and user of
// a key and a full fresh life, which counts against the same caps; the old key works for the overlap at most, and never
// longer than it would have (K6). Of many rotations at one time one succeeds.
// Faults: not_found, the gate's, admin_required, invalid_overlap,
// already_rotated, key_not_active, too_many_keys.
func (s *Service) Rotate(ctx context.Context, account, id string, overlap time.Duration) (keys.Key, keys.Token, error) {
	if overlap < 0 || overlap > keys.MaxOverlap {
		f := fault.New(fault.Invalid, "invalid_overlap", "The old key lives on for at most 7 days.")
		f.Param = "overlap"
		return keys.Key{}, keys.Token{}, f
	}
	by := access.By(ctx)
	old, err := find(ctx, s.d.Store, by, account, id)
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	now := s.d.Now()
	next := keys.Key{
		ID: s.d.NewID("key"), Account: old.Account, User: old.User, Name: old.Name, Scopes: old.Scopes, Family: old.Root(),
		CreatedAt: now, ExpiresAt: keys.MaxLife(now),
	}
	next.NoticeAt = next.FirstNotice()
	token, err := s.mint(&next)
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	err = s.behindGate(ctx, old.Account, func(ctx context.Context, tx store.Stores) error {
		return s.succeed(ctx, tx, old.ID, &next, now.Add(overlap))
	})
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	return next, token, nil
}

// succeed puts next in the place of the key named old, which ends at end at
// the latest.
func (s *Service) succeed(ctx context.Context, tx store.Stores, old string, next *keys.Key, end time.Time) error {
	made := s.event(ctx, audit.KeyCreated, *next, "rotation")
	rotated := s.event(ctx, audit.KeyRotated, *next, "")
	rotated.Key = old
	if err := tx.Events().Append(ctx, rotated, made); err != nil { // takes the account's lock
		return err
	}
	k, err := tx.Keys().Get(ctx, next.Account, old)
	if err != nil {
		return err
	}
	if k.Successor != "" {
		return ErrRotated
	}
	if k.State(next.CreatedAt) != keys.StateActive {
		return ErrNotActive
	}
	next.Models, next.Networks = k.Models, k.Networks // as they are now: somebody may have narrowed them
	if k.ExpiresAt.Before(end) {
		end = k.ExpiresAt
	}
	if end.After(next.CreatedAt) { // the old key lives on beside its successor
		if err := s.room(ctx, tx, next.Account); err != nil {
			return err
		}
	}
	if err := tx.Keys().Succeed(ctx, next.Account, old, next.ID, end); err != nil {
		if errors.Is(err, store.ErrTaken) {
			return ErrRotated
		}
		return err
	}
	return tx.Keys().Create(ctx, *next)
}
