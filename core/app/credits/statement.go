package credits

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Statement sums an account's credits over [From, To), in microcredits,
// signed as the balance moved (L16). Opening + Grants + Debits + Expiries +
// Other = Closing.
type Statement struct {
	Account  string
	From, To time.Time
	Opening  int64
	Grants   int64
	Debits   int64
	Expiries int64
	Other    int64 // clawbacks, corrections, closure
	Closing  int64
	Lines    int64 // how many entries lie in the period

	at moment
}

// ErrStatement means that the account's entries do not add up to its lots.
var ErrStatement = fault.New(fault.Internal, "statement_mismatch", "This statement does not add up. Contact support with the request ID.")

// Statement returns the sums of a period. It reads in short steps up to the
// entry that was the last one when it began, and checks that all entries sum
// to the lots of that moment. Faults: not_found, invalid_period,
// statement_mismatch.
func (s *Service) Statement(ctx context.Context, account string, from, to time.Time) (Statement, error) {
	st := Statement{Account: account, From: from.UTC(), To: to.UTC()}
	at, err := s.start(ctx, account, from, to)
	if err != nil {
		return Statement{}, err
	}
	st.at = at
	var closing, written int64
	err = s.walk(ctx, at, func(e ledger.Entry, virtual bool) error {
		if !virtual {
			written += e.Amount
		}
		if e.At.Before(to) {
			closing += e.Amount
		}
		switch {
		case e.At.Before(from):
			st.Opening += e.Amount
			return nil
		case !e.At.Before(to):
			return nil
		}
		st.Lines++
		switch e.Kind {
		case ledger.EntryGrant:
			st.Grants += e.Amount
		case ledger.EntryDebit:
			st.Debits += e.Amount
		case ledger.EntryExpiry:
			st.Expiries += e.Amount
		default:
			st.Other += e.Amount
		}
		return nil
	})
	if err != nil {
		return Statement{}, err
	}
	st.Closing = st.Opening + st.Grants + st.Debits + st.Expiries + st.Other
	if st.Closing != closing || written != at.balance {
		return Statement{}, ErrStatement
	}
	return st, nil
}

// StatementLines hands each entry that the statement sums to fn, in order of
// sequence. Expiries are dated at their lot's instant, so that dates may step
// back; one that no sweep has written yet comes last, without a sequence.
func (s *Service) StatementLines(ctx context.Context, st Statement, fn func(ledger.Entry) error) error {
	return s.walk(ctx, st.at, func(e ledger.Entry, _ bool) error {
		if e.At.Before(st.From) || !e.At.Before(st.To) {
			return nil
		}
		return fn(e)
	})
}

// moment is where a reading of the ledger begins.
type moment struct {
	account string
	entries int64 // sequence of the last entry
	balance int64 // Σ Remaining
	expired []ledger.Entry
}

// start notes the account's last entry and its lots as of one moment. What a
// lot past its time still holds unswept becomes the entry that the sweep will
// write, so that a statement does not change when the sweep comes by.
func (s *Service) start(ctx context.Context, account string, from, to time.Time) (moment, error) {
	if !from.Before(to) {
		f := fault.New(fault.Invalid, "invalid_period", "A period ends after it begins.")
		f.Param = "to"
		return moment{}, f
	}
	now, err := s.d.Store.Now(ctx)
	if err != nil {
		return moment{}, err
	}
	var m moment
	err = s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, account)
		if err != nil {
			return err
		}
		lots, err := tx.Ledger().Lots(ctx, account)
		if err != nil {
			return err
		}
		m = moment{account: account, entries: a.Entries}
		for _, l := range lots {
			m.balance += l.Remaining
			if l.State == ledger.LotLive && !now.Before(l.ExpiresAt) && l.Free() > 0 {
				m.expired = append(m.expired, ledger.Entry{Account: account, Lot: l.ID, Kind: ledger.EntryExpiry, Amount: -l.Free(), At: l.ExpiresAt})
			}
		}
		return nil
	})
	return m, err
}

// walk hands every entry up to the moment to fn, then the expiries that no
// sweep has written yet.
func (s *Service) walk(ctx context.Context, m moment, fn func(e ledger.Entry, virtual bool) error) error {
	for after := int64(0); after < m.entries; {
		es, err := s.d.Store.Ledger().Entries(ctx, m.account, after, store.MaxPage)
		if err != nil {
			return err
		}
		if len(es) == 0 {
			return ErrStatement
		}
		for _, e := range es {
			if e.Seq > m.entries {
				break
			}
			if err := fn(e, false); err != nil {
				return err
			}
		}
		after = es[len(es)-1].Seq
	}
	for _, e := range m.expired {
		if err := fn(e, true); err != nil {
			return err
		}
	}
	return nil
}
