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

	at    moment
	first int64 // below it every entry is dated before From
}

// ErrStatement means that the account's entries do not add up to its lots.
var ErrStatement = fault.New(fault.Internal, "statement_mismatch", "This statement does not add up. Contact support with the request ID.")

// Statement returns the sums of a period. It reads in short steps (HOTPATH 24)
// what was written from the period's beginning up to the entry that was the
// last one when it was called, so that its cost does not grow with what lies
// before; the opening balance is what the lots had then, less all that.
// `ledger verify` proves that entries and lots agree. Faults: not_found,
// invalid_period, statement_mismatch.
func (s *Service) Statement(ctx context.Context, account string, from, to time.Time) (Statement, error) {
	st := Statement{Account: account, From: from.UTC(), To: to.UTC()}
	var err error
	if st.at, err = s.start(ctx, account, from, to); err != nil {
		return Statement{}, err
	}
	if st.first, err = s.d.Store.Ledger().FirstSince(ctx, account, from); err != nil {
		return Statement{}, err
	}
	written := int64(0) // by the entries from first on
	for after := st.first - 1; after < st.at.entries; {
		until := min(after+store.MaxSums, st.at.entries)
		sums, err := s.d.Store.Ledger().Sums(ctx, account, after, until, from, to)
		if err != nil {
			return Statement{}, err
		}
		for _, sum := range sums {
			written += sum.Amount
			st.add(sum)
		}
		after = until
	}
	if st.first == 1 && written != st.at.balance {
		return Statement{}, ErrStatement
	}
	st.Opening += st.at.balance - written
	for _, e := range st.at.expired {
		st.add(store.EntrySum{Kind: e.Kind, Dated: st.dated(e.At), Amount: e.Amount, Lines: 1})
	}
	st.Closing = st.Opening + st.Grants + st.Debits + st.Expiries + st.Other
	return st, nil
}

// dated says where an instant lies.
func (st *Statement) dated(at time.Time) store.Dated {
	switch {
	case at.Before(st.From):
		return store.DatedBefore
	case at.Before(st.To):
		return store.DatedWithin
	default:
		return store.DatedAfter
	}
}

// add counts a sum where it belongs.
func (st *Statement) add(sum store.EntrySum) {
	switch sum.Dated {
	case store.DatedBefore:
		st.Opening += sum.Amount
		return
	case store.DatedAfter:
		return
	default:
	}
	st.Lines += sum.Lines
	switch sum.Kind {
	case ledger.EntryGrant:
		st.Grants += sum.Amount
	case ledger.EntryDebit:
		st.Debits += sum.Amount
	case ledger.EntryExpiry:
		st.Expiries += sum.Amount
	default:
		st.Other += sum.Amount
	}
}

// StatementLines hands each entry that the statement sums to fn, in order of
// sequence. Expiries are dated at their lot's instant, so that dates may step
// back; one that no sweep has written yet comes last, without a sequence. It
// reads page by page and stops at the last line, however long fn takes.
func (s *Service) StatementLines(ctx context.Context, st Statement, fn func(ledger.Entry) error) error {
	var unwritten []ledger.Entry
	for _, e := range st.at.expired {
		if st.dated(e.At) == store.DatedWithin {
			unwritten = append(unwritten, e)
		}
	}
	left := st.Lines - int64(len(unwritten))
	for after := st.first - 1; left > 0; {
		es, err := s.d.Store.Ledger().Entries(ctx, st.Account, after, store.MaxPage)
		if err != nil {
			return err
		}
		if len(es) == 0 || es[0].Seq > st.at.entries {
			return ErrStatement
		}
		for _, e := range es {
			if left == 0 || st.dated(e.At) != store.DatedWithin {
				continue
			}
			if err := fn(e); err != nil {
				return err
			}
			left--
		}
		after = es[len(es)-1].Seq
	}
	for _, e := range unwritten {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// moment is where a reading of the ledger begins.
type moment struct {
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
	last, lots, err := s.books(ctx, account)
	if err != nil {
		return moment{}, err
	}
	m := moment{entries: last}
	for _, l := range lots {
		m.balance += l.Remaining
		if l.State == ledger.LotLive && !now.Before(l.ExpiresAt) && l.Free() > 0 {
			m.expired = append(m.expired, ledger.Entry{Account: account, Lot: l.ID, Kind: ledger.EntryExpiry, Amount: -l.Free(), At: l.ExpiresAt})
		}
	}
	return m, nil
}
