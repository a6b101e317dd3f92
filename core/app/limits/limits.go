// Package limits is what bounds an account's spending beside its credits: the
// limits that operators give it, the budget it gives itself, and the caps of
// its members (L12). Those of keys are the keyring's, and are listed here.
//
// It keeps true that every change stands beside its event or not at all (U1),
// that only operators change what operators gave, that only administrators
// change what their account gave, and that the budget of an account counts the
// whole month, also when it begins in the middle of it. A member's cap counts
// from when it is set. It refuses no request; the ledger does.
package limits

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// MaxMembers is how many members of an account may have a cap.
const MaxMembers = 1000

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

// Faults of limits; compare with errors.Is.
var (
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Only an administrator of the account can see and change its limits.")
	ErrOperatorsOnly = fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")
	ErrTooMany       = fault.New(fault.Conflict, "too_many_limits", "This account has as many members with a cap as it may have. Clear one first.")
)

// Kind says whose a limit is.
type Kind string

// The kinds. The tightest of all that a request counts against decides.
const (
	Operator Kind = "operator" // of the account, given by an operator
	Account  Kind = "account"  // of the account, given by itself
	Member   Kind = "member"
	Key      Kind = "key"
)

// Whose names a limit within an account.
type Whose struct {
	Kind Kind
	ID   string // of the member or key; else empty
}

// scope returns what the limit is kept under. Fault: not_found.
func (w Whose) scope(account string) (string, error) {
	switch {
	case w.Kind == Operator && w.ID == "":
		return store.OperatorScope, nil
	case w.Kind == Account && w.ID == "":
		return account, nil
	case w.Kind == Member && strings.HasPrefix(w.ID, "user_") && len(w.ID) <= 64:
		return w.ID, nil
	}
	return "", store.ErrNotFound
}

func whose(account, scope string) Whose {
	switch {
	case scope == store.OperatorScope:
		return Whose{Kind: Operator}
	case scope == account:
		return Whose{Kind: Account}
	case strings.HasPrefix(scope, "key_"):
		return Whose{Key, scope}
	}
	return Whose{Member, scope}
}

// View is a limit with what has counted against it this month.
type View struct {
	Whose
	ledger.Limit
	UpdatedAt time.Time
	Spent     int64
	Held      int64     // by requests under way
	Until     time.Time // when the month ends
}

func (s *Service) view(account string, l store.Limited, now time.Time) View {
	c := l.Counter.In(now)
	return View{
		Whose: whose(account, l.Scope), Limit: l.Limit, UpdatedAt: l.UpdatedAt, Spent: c.Spent, Held: c.Reserved,
		Until: ledger.Month(now).AddDate(0, 1, 0),
	}
}

// List returns the limits of an account and its keys, by scope; the cursor is
// the last one's. Faults: admin_required.
func (s *Service) List(ctx context.Context, account string, p store.Page) ([]View, error) {
	if err := allowed(ctx, account, Account); err != nil {
		return nil, err
	}
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.d.Store.Limits().List(ctx, account, p)
	if err != nil {
		return nil, err
	}
	out := make([]View, len(list))
	for i, l := range list {
		out[i] = s.view(account, l, now)
	}
	return out, nil
}

// Set changes a limit and returns it as it is then; what bounds nothing any
// more is cleared. A change that changes nothing writes nothing. It is in force
// with the next request. Faults: admin_required, operators_only, not_found,
// invalid_limit, too_many_limits.
func (s *Service) Set(ctx context.Context, account string, w Whose, c ledger.LimitChange) (View, error) {
	scope, err := w.scope(account)
	if err == nil {
		err = allowed(ctx, account, w.Kind)
	}
	if err == nil {
		_, err = c.Apply(ledger.Limit{}) // before anything is read
	}
	if err != nil {
		return View{}, err
	}
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return View{}, err
	}
	month := &tally{account: account, month: ledger.Month(now)}
	if w.Kind != Member && c.Monthly != nil && *c.Monthly > 0 {
		if err := month.begin(ctx, s.d.Store); err != nil {
			return View{}, err
		}
	}
	var set store.Limited
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Accounts().Lock(ctx, account); err != nil {
			return err
		}
		old, err := tx.Limits().Get(ctx, account, scope)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		is := err == nil
		l, err := c.Apply(ledger.Limit{Scope: scope, Monthly: old.Monthly, Requests: old.Requests, Tokens: old.Tokens})
		if err != nil {
			return err
		}
		if set = (store.Limited{Limit: l}); is {
			set = old
		}
		if l == set.Limit && is || l.None() && !is {
			return nil
		}
		if w.Kind == Member && !is {
			if err := room(ctx, tx, account); err != nil {
				return err
			}
		}
		if old.Monthly == 0 && l.Monthly > 0 && w.Kind != Member {
			spent, err := month.end(ctx, tx)
			if err != nil {
				return err
			}
			if err := tx.Limits().Count(ctx, account, scope, month.month, spent); err != nil {
				return err
			}
		}
		if err := s.write(ctx, tx, account, l); err != nil {
			return err
		}
		if l.None() {
			set = store.Limited{Limit: l}
			return nil
		}
		set, err = tx.Limits().Get(ctx, account, scope)
		return err
	})
	if err != nil {
		return View{}, err
	}
	return s.view(account, set, now), nil
}

// Clear takes a limit away. Faults: admin_required, operators_only, not_found.
func (s *Service) Clear(ctx context.Context, account string, w Whose) error {
	scope, err := w.scope(account)
	if err == nil {
		err = allowed(ctx, account, w.Kind)
	}
	if err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Limits().Get(ctx, account, scope); err != nil {
			return err
		}
		return s.write(ctx, tx, account, ledger.Limit{Scope: scope})
	})
}

// write writes a limit beside its event.
func (s *Service) write(ctx context.Context, tx store.Stores, account string, l ledger.Limit) error {
	e := audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: audit.LimitSet, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: l.String(), Subject: l.Scope, Count: 1,
	}
	if l.None() {
		e.Kind, e.Reason = audit.LimitCleared, ""
	}
	if err := tx.Events().Append(ctx, e); err != nil {
		return err
	}
	if l.None() {
		return tx.Limits().Remove(ctx, account, l.Scope)
	}
	return tx.Limits().Set(ctx, account, l, s.d.Now())
}

// room fails if MaxMembers have a cap.
func room(ctx context.Context, tx store.Stores, account string) error {
	members := 0
	for p := (store.Page{Limit: store.MaxPage, After: "user_"}); ; {
		list, err := tx.Limits().List(ctx, account, p)
		if err != nil {
			return err
		}
		for _, l := range list {
			if !strings.HasPrefix(l.Scope, "user_") {
				return nil // beyond the members
			}
			if members++; members >= MaxMembers {
				return ErrTooMany
			}
		}
		if len(list) < store.MaxPage {
			return nil
		}
		p.After = list[len(list)-1].Scope
	}
}

// allowed returns nil if who acts may change limits of that kind.
func allowed(ctx context.Context, account string, k Kind) error {
	by := access.By(ctx)
	switch {
	case by.Kind == access.PrincipalOperator || by.Kind == access.PrincipalService:
		return nil
	case k == Operator:
		return ErrOperatorsOnly
	case by.Account != account || !by.Admin():
		return ErrAdminRequired
	}
	return nil
}
