package keyring

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// ErrEnded means that somebody tried to change a key that does not work any more.
var ErrEnded = fault.New(fault.Conflict, "key_not_active", "This key is revoked or expired, so it cannot be changed. Create a new one.")

// Change names what is to change of a key; nil leaves it as it is, an empty
// list takes the bound away.
type Change struct {
	Models   *[]string
	Networks *[]string
	Limits   ledger.LimitChange // of the key and those it is rotated to
}

// Change narrows or widens a key that works, and returns it as it is then. It
// is in force with the next request, and what goes on where the key may not be
// used any more is cut. A change that changes nothing writes nothing. An
// operator may leave the account empty. Faults: not_found, admin_required,
// key_not_active, invalid_model, invalid_network, invalid_limit.
func (s *Service) Change(ctx context.Context, account, id string, c Change) (keys.Key, error) {
	if _, err := c.apply(keys.Key{}); err != nil {
		return keys.Key{}, err
	}
	if _, err := c.Limits.Apply(ledger.Limit{}); err != nil {
		return keys.Key{}, err
	}
	by := access.By(ctx)
	k, err := find(ctx, s.d.Store, by, account, id)
	if err != nil {
		return keys.Key{}, err
	}
	account = k.Account
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Accounts().Lock(ctx, account); err != nil {
			return err
		}
		var err error
		if k, err = find(ctx, tx, by, account, id); err != nil {
			return err
		}
		if k.State(s.d.Now()) != keys.StateActive {
			return ErrEnded
		}
		if err := s.narrow(ctx, tx, &k, c); err != nil || c.Limits.None() {
			return err
		}
		old, err := tx.Limits().Get(ctx, account, k.Root())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		l := old.Limit
		l.Scope = k.Root()
		if l, err = c.Limits.Apply(l); err != nil || l == old.Limit {
			return err
		}
		return s.limit(ctx, tx, k, l)
	})
	return k, err
}

// apply returns the key with the change.
func (c Change) apply(k keys.Key) (keys.Key, error) {
	if c.Models != nil {
		models, err := checkModels(*c.Models)
		if err != nil {
			return keys.Key{}, err
		}
		k.Models = models
	}
	if c.Networks != nil {
		networks, err := keys.ParseNetworks(*c.Networks)
		if err != nil {
			return keys.Key{}, err
		}
		k.Networks = networks
	}
	return k, nil
}

// narrow writes models and networks, if they differ, beside their event.
func (s *Service) narrow(ctx context.Context, tx store.Stores, k *keys.Key, c Change) error {
	next, err := c.apply(*k)
	if err != nil {
		return err
	}
	var fields []string
	if !slices.Equal(next.Models, k.Models) {
		fields = append(fields, "models")
	}
	if !slices.Equal(next.Networks, k.Networks) {
		fields = append(fields, "networks")
	}
	if len(fields) == 0 {
		return nil
	}
	*k = next
	if err := tx.Events().Append(ctx, s.event(ctx, audit.KeyChanged, *k, strings.Join(fields, ","))); err != nil {
		return err
	}
	return tx.Keys().Narrow(ctx, k.Account, k.ID, k.Models, k.Networks)
}

// limit writes the limit of a key beside its event; one that bounds nothing is
// taken away.
func (s *Service) limit(ctx context.Context, tx store.Stores, k keys.Key, l ledger.Limit) error {
	if l.None() {
		switch _, err := tx.Limits().Get(ctx, k.Account, l.Scope); {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
	}
	e := s.event(ctx, audit.LimitSet, k, l.String())
	if l.None() {
		e.Kind, e.Reason = audit.LimitCleared, ""
	}
	e.Subject = l.Scope
	if err := tx.Events().Append(ctx, e); err != nil {
		return err
	}
	if l.None() {
		return tx.Limits().Remove(ctx, k.Account, l.Scope)
	}
	return tx.Limits().Set(ctx, k.Account, l, s.d.Now())
}

// Limits returns what bounds the spending of keys of an account, by the keys'
// IDs; those without a limit are left out. Counters are as of now.
func (s *Service) Limits(ctx context.Context, account string, ks ...keys.Key) (map[string]store.Limited, error) {
	var roots []string
	for _, k := range ks {
		roots = append(roots, k.Root())
	}
	slices.Sort(roots)
	found, err := s.d.Store.Limits().Of(ctx, account, slices.Compact(roots))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string]store.Limited{}
	for _, l := range found {
		l.Counter = l.Counter.In(now)
		of[l.Scope] = l
	}
	out := map[string]store.Limited{}
	for _, k := range ks {
		if l, ok := of[k.Root()]; ok {
			out[k.ID] = l
		}
	}
	return out, nil
}
