// Package keyring makes, lists, narrows, rotates and revokes API keys (K), tells
// of those that expire or were found by others, and says what each used.
//
// It keeps true that a key is made only behind an open gate (G5), that its
// token leaves here once and is stored as a digest only (K2, K3), that a key
// has at most one successor (K6), which counts against the same caps (K7), that
// each notice of its expiry is told once (K4), that a leaked key is ended at
// once, whoever's it is (K9), and that a member manages their own keys only. It
// does not recognise keys at /v1; admission does.
package keyring

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// MaxLive is how many keys of an account may work at one time.
const MaxLive = 1000

// MaxModels is how many models a key may be narrowed to by name.
const MaxModels = 100

// Gate returns nil if by may make keys for the account now, else the fault
// of the reason. It reads what it needs outside the keyring's transaction.
type Gate func(ctx context.Context, a store.Account, by access.Principal) error

// Deps is what the use cases stand on.
type Deps struct {
	Store   store.Store
	Now     func() time.Time
	NewID   func(prefix string) string
	Entropy func([]byte)
	Peppers keys.Peppers // the first one digests new keys
	Gate    Gate
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

// Faults of the keyring; compare with errors.Is.
var (
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Members manage their own keys. Ask an administrator of the account.")
	ErrTooMany       = fault.New(fault.Conflict, "too_many_keys", "This account has as many working keys as it may have. Revoke one first.")
	ErrRotated       = fault.New(fault.Conflict, "already_rotated", "This key has a successor already.")
	ErrNotActive     = fault.New(fault.Conflict, "key_not_active", "This key is revoked or expired, so it cannot be rotated. Create a new one.")
	ErrNoPepper      = fault.New(fault.Internal, "no_pepper", "Keys cannot be made here just now.")
)

// Draft describes a key to make.
type Draft struct {
	Account   string
	User      string // empty: the operator's, or the account's as a whole
	Name      string
	ExpiresIn time.Duration // 0: one year
	Scopes    []string      // empty: all
	Models    []string      // exact IDs or prefixes ending in *; empty: all
	Networks  []string      // in CIDR form, where it may be used from; empty: anywhere
	Limits    ledger.LimitChange
}

// Create makes a key and returns it with its token, which is never to be had
// again. Users pass the gate; operators need an account that is not closed.
// Faults: not_found, the gate's, admin_required, account_closed,
// invalid_name, secret_in_text, invalid_expiry, unknown_scope,
// invalid_model, invalid_network, invalid_limit, too_many_keys.
func (s *Service) Create(ctx context.Context, d Draft) (keys.Key, keys.Token, error) {
	k, err := s.drafted(d)
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	limit, err := d.Limits.Apply(ledger.Limit{Scope: k.ID})
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	if by := access.By(ctx); !by.Admin() && by.Kind != access.PrincipalService && (by.User == "" || by.User != d.User) {
		return keys.Key{}, keys.Token{}, ErrAdminRequired
	}
	token, err := s.mint(&k)
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	err = s.behindGate(ctx, d.Account, func(ctx context.Context, tx store.Stores) error {
		// The event comes first: it takes the account's lock, under which the count stays true.
		if err := tx.Events().Append(ctx, s.event(ctx, audit.KeyCreated, k, "")); err != nil {
			return err
		}
		if err := s.room(ctx, tx, d.Account); err != nil {
			return err
		}
		if !limit.None() {
			if err := s.limit(ctx, tx, k, limit); err != nil {
				return err
			}
		}
		return tx.Keys().Create(ctx, k)
	})
	if err != nil {
		return keys.Key{}, keys.Token{}, err
	}
	return k, token, nil
}

// drafted returns the key without a token.
func (s *Service) drafted(d Draft) (keys.Key, error) {
	name, err := CheckText(d.Name, "name")
	if err != nil {
		return keys.Key{}, err
	}
	now := s.d.Now()
	expires, err := keys.Expiry(now, d.ExpiresIn)
	if err != nil {
		return keys.Key{}, err
	}
	scopes, err := keys.ParseScopes(d.Scopes)
	if err != nil {
		return keys.Key{}, err
	}
	models, err := checkModels(d.Models)
	if err != nil {
		return keys.Key{}, err
	}
	networks, err := keys.ParseNetworks(d.Networks)
	if err != nil {
		return keys.Key{}, err
	}
	k := keys.Key{
		ID: s.d.NewID("key"), Account: d.Account, User: d.User, Name: name, Scopes: scopes, Models: models, Networks: networks,
		CreatedAt: now, ExpiresAt: expires,
	}
	k.NoticeAt = k.FirstNotice()
	return k, nil
}

// mint gives the key a token.
func (s *Service) mint(k *keys.Key) (keys.Token, error) {
	if len(s.d.Peppers) == 0 {
		return keys.Token{}, ErrNoPepper
	}
	var raw [keys.EntropyLen]byte
	s.d.Entropy(raw[:])
	t, pepper := keys.Mint(raw), s.d.Peppers[0]
	k.Start, k.Last4, k.Digest, k.Pepper = t.Start(), t.Last4(), pepper.Digest(t), pepper.Version
	return t, nil
}

// Show returns a key of the account. Faults: not_found.
func (s *Service) Show(ctx context.Context, account, id string) (keys.Key, error) {
	return s.d.Store.Keys().Get(ctx, account, id)
}

// List returns the account's keys, newest first; the cursor is the last ID.
func (s *Service) List(ctx context.Context, account string, p store.Page) ([]keys.Key, error) {
	return s.d.Store.Keys().List(ctx, account, p)
}

// State returns the key's state now.
func (s *Service) State(k keys.Key) keys.State { return k.State(s.d.Now()) }

// Revoke ends a key for good. Revoking it again changes nothing. An operator
// may leave the account empty. Faults: not_found, admin_required.
func (s *Service) Revoke(ctx context.Context, account, id string) (keys.Key, error) {
	by := access.By(ctx)
	var k keys.Key
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if k, err = find(ctx, tx, by, account, id); err != nil {
			return err
		}
		now := s.d.Now()
		changed, err := tx.Keys().Revoke(ctx, k.Account, id, now, by.ID)
		if err != nil || !changed {
			return err
		}
		k.RevokedAt, k.RevokedBy, k.NoticeAt = now, by.ID, time.Time{}
		return tx.Events().Append(ctx, s.event(ctx, audit.KeyRevoked, k, ""))
	})
	return k, err
}

// find returns a key that by may manage.
func find(ctx context.Context, tx store.Stores, by access.Principal, account, id string) (keys.Key, error) {
	staff := by.Kind == access.PrincipalOperator || by.Kind == access.PrincipalService
	if account == "" && staff {
		return tx.Keys().Find(ctx, id)
	}
	k, err := tx.Keys().Get(ctx, account, id)
	if err != nil {
		return keys.Key{}, err
	}
	if !staff && !by.Admin() && (by.User == "" || by.User != k.User) {
		return keys.Key{}, ErrAdminRequired
	}
	return k, nil
}

// room fails if the account has MaxLive working keys.
func (s *Service) room(ctx context.Context, tx store.Stores, account string) error {
	now, live := s.d.Now(), 0
	for p := (store.Page{Limit: store.MaxPage}); ; {
		ks, err := tx.Keys().List(ctx, account, p)
		if err != nil {
			return err
		}
		for _, k := range ks {
			if k.State(now) == keys.StateActive {
				live++
			}
		}
		if live >= MaxLive {
			return ErrTooMany
		}
		if len(ks) < store.MaxPage {
			return nil
		}
		p.After = ks[len(ks)-1].ID
	}
}

// behindGate runs fn in a transaction on an account that the gate was open
// for. The gate reads outside the transaction, so the account is compared
// inside it and the gate asked again if it moved in between.
func (s *Service) behindGate(ctx context.Context, account string, fn func(context.Context, store.Stores) error) error {
	errMoved := errors.New("account changed while its gate was asked")
	var err error
	for range 3 {
		var seen store.Account
		if seen, err = s.d.Store.Accounts().Get(ctx, account); err != nil {
			return err
		}
		if err = s.pass(ctx, seen); err != nil {
			return err
		}
		err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
			now, err := tx.Accounts().Get(ctx, account)
			if err != nil {
				return err
			}
			if now.Status != seen.Status || now.Billing != seen.Billing || !now.Groups.Equal(seen.Groups) {
				return errMoved
			}
			return fn(ctx, tx)
		})
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return fault.Wrap(err, fault.Conflict, "account_changed", "The account was changed meanwhile. Try again.")
}

func (s *Service) pass(ctx context.Context, a store.Account) error {
	by := access.By(ctx)
	if by.Kind == access.PrincipalOperator || by.Kind == access.PrincipalService {
		if a.Status == access.StatusClosed || !a.Status.Known() {
			return fault.New(fault.Conflict, "account_closed", "This account is closed; it cannot get new keys.")
		}
		return nil
	}
	if s.d.Gate == nil {
		return fault.New(fault.Forbidden, "area_disabled", "Keys cannot be made here.")
	}
	return s.d.Gate(ctx, a, by)
}

func (s *Service) event(ctx context.Context, kind audit.Kind, k keys.Key, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: k.Account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx), Area: string(access.AreaAPI),
		Request: access.Request(ctx), Key: k.ID, Reason: reason, Subject: k.ID, Count: 1,
	}
}

func checkModels(models []string) ([]string, error) {
	bad := func(msg string) ([]string, error) {
		f := fault.New(fault.Invalid, "invalid_model", msg)
		f.Param = "models"
		return nil, f
	}
	if len(models) > MaxModels {
		return bad("Name at most " + strconv.Itoa(MaxModels) + " models.")
	}
	for _, m := range models {
		if _, err := access.CheckName(m, "models"); err != nil || m == "*" {
			return bad("A model is an exact ID of at most 100 characters, or the start of one followed by *.")
		}
	}
	return models, nil
}
