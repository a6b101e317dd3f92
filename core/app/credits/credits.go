// Package credits is what people and operators do with credits apart from
// spending them: read balance, lots, lines and statements, grant, correct, write
// down what has expired, and prove that it all adds up.
//
// It keeps true that nothing but the store's Commit writes the ledger, that
// an expired lot counts as gone at its instant whether a sweep has been by or
// not (L10), and that no reading needs memory that grows with the entries.
package credits

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
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
// tried to grant credits.
var ErrOperatorsOnly = fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")

// Balance returns what the account has and can spend, by the store's clock.
// Faults: not_found.
func (s *Service) Balance(ctx context.Context, account string) (ledger.Balance, error) {
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return ledger.Balance{}, err
	}
	lots, err := s.Lots(ctx, account)
	if err != nil {
		return ledger.Balance{}, err
	}
	return ledger.Sum(lots, now), nil
}

// Lots returns every lot of the account in spending order. Faults: not_found.
func (s *Service) Lots(ctx context.Context, account string) ([]ledger.Lot, error) {
	var lots []ledger.Lot
	err := s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Accounts().Get(ctx, account); err != nil {
			return err
		}
		var err error
		lots, err = tx.Ledger().Lots(ctx, account)
		return err
	})
	return lots, err
}

// Lines returns ledger entries below the sequence before, newest first;
// before 0 starts at the newest.
func (s *Service) Lines(ctx context.Context, account string, before int64, limit int) ([]ledger.Entry, error) {
	return s.d.Store.Ledger().EntriesBefore(ctx, account, before, store.Page{Limit: limit}.Size())
}

// Grant describes credits to give to an account.
type Grant struct {
	Account string
	Amount  int64         // microcredits
	Source  ledger.Source // empty: operator
	Reason  string        // why, in a few words; kept in the entry and its event
}

// Grant makes a lot, and writes its entry and its event. Faults:
// operators_only, not_found, invalid_amount, amount_overflow, invalid_name
// (of the reason).
func (s *Service) Grant(ctx context.Context, g Grant) (ledger.Lot, error) {
	switch access.By(ctx).Kind {
	case access.PrincipalOperator, access.PrincipalService:
	default:
		return ledger.Lot{}, ErrOperatorsOnly
	}
	reason, err := access.CheckName(g.Reason, "reason")
	if err != nil {
		return ledger.Lot{}, err
	}
	if g.Amount <= 0 || g.Amount > ledger.MaxAmount {
		return ledger.Lot{}, ledger.ErrAmount
	}
	if g.Source == "" {
		g.Source = ledger.SourceOperator
	}
	by := audit.By(ctx)
	op := ledger.Op{
		Kind: ledger.OpGrant, Account: g.Account, Amount: g.Amount, Lot: s.d.NewID("lot"), Source: g.Source, Reason: reason,
		Request: access.Request(ctx), Actor: by.ID, ActorKind: string(by.Kind),
	}
	out, err := s.commit(ctx, op)
	if err != nil {
		return ledger.Lot{}, err
	}
	return out[0].Lot, out[0].Err
}

// commit tries twice: a reply may be lost after the commit, and the same op
// is then replayed by its lot ID.
func (s *Service) commit(ctx context.Context, ops ...ledger.Op) ([]ledger.Outcome, error) {
	out, err := s.d.Store.Commit(ctx, store.Replica{}, ops)
	if err != nil && fault.KindOf(err) == fault.Unavailable {
		out, err = s.d.Store.Commit(ctx, store.Replica{}, ops)
	}
	return out, err
}

// sweepBatch keeps a sweep's transactions short beside a busy writer.
const sweepBatch = 32

// Sweep writes the expiry entries of every lot past its time, and returns how
// many accounts it went through. Balances are right without it (L10).
func (s *Service) Sweep(ctx context.Context) (int, error) {
	swept, seen := 0, map[string]bool{}
	for {
		ids, err := s.d.Store.Ledger().Expired(ctx, sweepBatch)
		if err != nil {
			return swept, err
		}
		var ops []ledger.Op
		for _, id := range ids {
			if !seen[id] { // an account that cannot be swept must not hold up the loop
				seen[id] = true
				ops = append(ops, ledger.Op{Kind: ledger.OpSweep, Account: id, ActorKind: string(audit.ActorService)})
			}
		}
		if len(ops) == 0 {
			return swept, nil
		}
		out, err := s.commit(ctx, ops...)
		if err != nil {
			return swept, err
		}
		for _, o := range out {
			if o.Err == nil {
				swept++
			}
		}
	}
}
