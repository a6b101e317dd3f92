// Package accounts is what operators do with accounts: open, show, change and
// list them.
//
// It keeps true that every change stands beside its event or not at all (U1),
// and that only operators and the service itself change an account. It moves
// no credits save the first grant of a new account.
package accounts

import (
	"context"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Deps is what the use cases stand on.
type Deps struct {
	Store store.Store
	Now   func() time.Time
	NewID func(prefix string) string
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

// ErrOperatorsOnly means that somebody else than an operator or the service
// tried to change an account.
var ErrOperatorsOnly = fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")

// Draft describes an account to open.
type Draft struct {
	Name    string
	Groups  access.Groups
	Billing billing.State // empty: none
	Status  access.Status // empty: active
	// Credits is the first grant in microcredits; 0 grants nothing.
	Credits int64
	Source  ledger.Source // of the first grant; empty: operator
	Reason  string        // of the first grant; empty: initial_grant
}

// View is an account with what it can spend.
type View struct {
	store.Account // Entries is its count of ledger entries
	Balance       ledger.Balance
}

// Create opens an account and grants its first credits. The account is there
// before the grant: if the grant fails, the fault grant_failed names the
// account, which is returned too, so that the grant can be made again.
// Faults: operators_only, invalid_name, unknown_billing_state,
// unknown_status, invalid_amount, grant_failed.
func (s *Service) Create(ctx context.Context, n Draft) (store.Account, error) {
	if err := s.allowed(ctx); err != nil {
		return store.Account{}, err
	}
	a, err := s.open(n)
	if err != nil {
		return store.Account{}, err
	}
	if err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error { return s.keep(ctx, tx, a) }); err != nil {
		return store.Account{}, err
	}
	if n.Credits > 0 {
		if err := s.grant(ctx, a.ID, n); err != nil {
			return a, fault.Wrap(err, fault.KindOf(err), "grant_failed",
				"Account "+a.ID+" was created, but its credits were not granted. Grant them to it; do not create it again.")
		}
	}
	return s.d.Store.Accounts().Get(ctx, a.ID)
}

// CreateIn opens an active account within the caller's transaction, without
// credits. Faults: those of Create, but grant_failed.
func (s *Service) CreateIn(ctx context.Context, tx store.Stores, name string, groups access.Groups, path billing.State) (store.Account, error) {
	if err := s.allowed(ctx); err != nil {
		return store.Account{}, err
	}
	a, err := s.open(Draft{Name: name, Groups: groups, Billing: path})
	if err != nil {
		return store.Account{}, err
	}
	return a, s.keep(ctx, tx, a)
}

func (s *Service) keep(ctx context.Context, tx store.Stores, a store.Account) error {
	if err := tx.Accounts().Create(ctx, a); err != nil {
		return err
	}
	return tx.Events().Append(ctx, s.event(ctx, audit.AccountCreated, a.ID, ""))
}

func (s *Service) open(n Draft) (store.Account, error) {
	name, err := access.CheckName(n.Name, "name")
	if err != nil {
		return store.Account{}, err
	}
	if n.Status == "" {
		n.Status = access.StatusActive
	}
	if n.Billing == "" {
		n.Billing = billing.None
	}
	if err := checkStates(n.Status, n.Billing); err != nil {
		return store.Account{}, err
	}
	if n.Credits < 0 || n.Credits > ledger.MaxAmount {
		return store.Account{}, ledger.ErrAmount
	}
	now := s.d.Now()
	return store.Account{
		Account: access.Account{ID: s.d.NewID("acct"), Name: name, Status: n.Status, Groups: n.Groups, CreatedAt: now, UpdatedAt: now},
		Billing: n.Billing,
	}, nil
}

// grant commits the first lot. The same op is tried once more after a lost
// reply; its lot ID makes the second try a replay.
func (s *Service) grant(ctx context.Context, account string, n Draft) error {
	by := audit.By(ctx)
	op := ledger.Op{
		Kind: ledger.OpGrant, Account: account, Amount: n.Credits, Lot: s.d.NewID("lot"), Source: n.Source, Reason: n.Reason,
		Request: access.Request(ctx), Actor: by.ID, ActorKind: string(by.Kind),
	}
	if op.Source == "" {
		op.Source = ledger.SourceOperator
	}
	if op.Reason == "" {
		op.Reason = "initial_grant"
	}
	out, err := s.d.Store.Commit(ctx, store.Replica{}, []ledger.Op{op})
	if err != nil && fault.KindOf(err) == fault.Unavailable {
		out, err = s.d.Store.Commit(ctx, store.Replica{}, []ledger.Op{op})
	}
	if err != nil {
		return err
	}
	return out[0].Err
}

// Show returns an account with its balance. Faults: not_found.
func (s *Service) Show(ctx context.Context, id string) (View, error) {
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return View{}, err
	}
	var v View
	err = s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, id)
		if err != nil {
			return err
		}
		lots, err := tx.Ledger().Lots(ctx, id)
		if err != nil {
			return err
		}
		v = View{Account: a, Balance: ledger.Sum(lots, now)}
		return nil
	})
	return v, err
}

// Change names what Set changes; nil leaves a field as it is.
type Change struct {
	Name    *string
	Groups  *access.Groups
	Billing *billing.State
	Status  *access.Status
}

// Set changes an account and returns it as it is then. A change that changes
// nothing writes nothing. Faults: operators_only, not_found, invalid_name,
// unknown_billing_state, unknown_status.
func (s *Service) Set(ctx context.Context, id string, c Change) (store.Account, error) {
	if err := s.allowed(ctx); err != nil {
		return store.Account{}, err
	}
	var a store.Account
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		old, err := tx.Accounts().Get(ctx, id)
		if err != nil {
			return err
		}
		var fields []string
		if a, fields, err = c.apply(old); err != nil || len(fields) == 0 {
			return err
		}
		a.UpdatedAt = s.d.Now()
		if err := tx.Accounts().Set(ctx, a); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.AccountChanged, id, strings.Join(fields, ",")))
	})
	if err != nil {
		return store.Account{}, err
	}
	return s.d.Store.Accounts().Get(ctx, id)
}

// apply returns the account with the change, and the fields that differ.
func (c Change) apply(a store.Account) (store.Account, []string, error) {
	var fields []string
	if c.Name != nil {
		name, err := access.CheckName(*c.Name, "name")
		if err != nil {
			return a, nil, err
		}
		if name != a.Name {
			a.Name, fields = name, append(fields, "name")
		}
	}
	if c.Groups != nil && !c.Groups.Equal(a.Groups) {
		a.Groups, fields = *c.Groups, append(fields, "groups")
	}
	if c.Billing != nil && *c.Billing != a.Billing {
		a.Billing, fields = *c.Billing, append(fields, "billing")
	}
	if c.Status != nil && *c.Status != a.Status {
		a.Status, fields = *c.Status, append(fields, "status")
	}
	return a, fields, checkStates(a.Status, a.Billing)
}

// List returns accounts by ID; the cursor is the last ID.
func (s *Service) List(ctx context.Context, p store.Page) ([]store.Account, error) {
	return s.d.Store.Accounts().List(ctx, p)
}

func (s *Service) allowed(ctx context.Context) error {
	if kind := access.By(ctx).Kind; kind != access.PrincipalOperator && kind != access.PrincipalService {
		return ErrOperatorsOnly
	}
	return nil
}

func (s *Service) event(ctx context.Context, kind audit.Kind, account, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: reason, Subject: account, Count: 1,
	}
}

func checkStates(status access.Status, state billing.State) error {
	if !status.Known() {
		f := fault.New(fault.Invalid, "unknown_status", "The status is one of pending, active, suspended, closed.")
		f.Param = "status"
		return f
	}
	_, err := billing.Parse(string(state))
	return err
}
