package credits

import (
	"context"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Verify recomputes every account from its entries, holds and lots (L5), each
// account as of one moment, and hands what does not add up to report. It
// returns how many accounts and entries it read. It stops at the first error
// of the store or of report; a difference is not an error.
//
// The ledger may change meanwhile. No transaction of it is longer than a page
// (HOTPATH 24): it notes an account's last entry with the lots of that moment,
// then reads up to that entry page by page. Its memory grows with the lots of
// one account, not with the entries.
func (s *Service) Verify(ctx context.Context, report func(ledger.Difference) error) (int, int64, error) {
	accounts, entries := 0, int64(0)
	for p := (store.Page{Limit: store.MaxPage}); ; {
		page, err := s.d.Store.Accounts().List(ctx, p)
		if err != nil {
			return accounts, entries, err
		}
		for _, a := range page {
			diffs, n, err := s.verify(ctx, a.ID)
			if err != nil {
				return accounts, entries, err
			}
			accounts, entries = accounts+1, entries+n
			for _, d := range diffs {
				if err := report(d); err != nil {
					return accounts, entries, err
				}
			}
		}
		if len(page) < store.MaxPage {
			return accounts, entries, nil
		}
		p.After = page[len(page)-1].ID
	}
}

// verify audits one account. Entries never change and a hold that has ended
// never does either, so both can be read after the moment that they are
// compared with.
func (s *Service) verify(ctx context.Context, account string) ([]ledger.Difference, int64, error) {
	last, lots, err := s.books(ctx, account)
	if err != nil {
		return nil, 0, err
	}
	auditor := ledger.NewAuditor(account)
	n, err := s.auditEntries(ctx, account, last, auditor)
	if err != nil {
		return nil, n, err
	}
	reserved, err := s.auditHolds(ctx, account, last, auditor)
	if err != nil {
		return nil, n, err
	}
	for _, l := range lots {
		auditor.Lot(l)
		reserved = reserved || l.Held != 0
	}
	diffs := auditor.Differences(last)
	if reserved {
		more, err := s.auditReserves(ctx, account)
		if err != nil {
			return nil, n, err
		}
		diffs = append(diffs, more...)
	}
	return diffs, n, nil
}

// books returns an account's last entry and its lots as of one moment.
func (s *Service) books(ctx context.Context, account string) (last int64, lots []ledger.Lot, err error) {
	err = s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, account)
		if err != nil {
			return err
		}
		last = a.Entries
		lots, err = tx.Ledger().Lots(ctx, account)
		return err
	})
	return last, lots, err
}

// auditEntries feeds the entries up to last and returns how many there are.
func (s *Service) auditEntries(ctx context.Context, account string, last int64, auditor *ledger.Auditor) (n int64, err error) {
	for after := int64(0); ; {
		es, err := s.d.Store.Ledger().Entries(ctx, account, after, store.MaxPage)
		if err != nil {
			return n, err
		}
		for _, e := range es {
			if e.Seq > last {
				return n, nil
			}
			auditor.Entry(e)
			n++
		}
		if len(es) < store.MaxPage {
			return n, nil
		}
		after = es[len(es)-1].Seq
	}
}

// auditHolds feeds the holds, save those that were settled after last, and
// reports whether some hold keeps credits.
func (s *Service) auditHolds(ctx context.Context, account string, last int64, auditor *ledger.Auditor) (reserved bool, err error) {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		hs, err := s.d.Store.Ledger().Holds(ctx, account, p)
		if err != nil {
			return false, err
		}
		for _, h := range hs {
			if h.Seq <= last {
				auditor.Hold(h.Hold, h.Debits)
			}
			reserved = reserved || h.Hold.State == ledger.HoldOpen && len(h.Hold.Parts) > 0
		}
		if len(hs) < store.MaxPage {
			return reserved, nil
		}
		p.After = hs[len(hs)-1].Hold.Request
	}
}

// auditReserves compares what the lots hold with the holds that are open, at a
// moment of its own.
func (s *Service) auditReserves(ctx context.Context, account string) (diffs []ledger.Difference, err error) {
	err = s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		reserves := ledger.NewReserves(account)
		for p := (store.Page{Limit: store.MaxPage}); ; {
			hs, err := tx.Ledger().OpenHoldsOf(ctx, account, p)
			if err != nil {
				return err
			}
			for _, h := range hs {
				reserves.Hold(h)
			}
			if len(hs) < store.MaxPage {
				break
			}
			p.After = hs[len(hs)-1].Request
		}
		lots, err := tx.Ledger().Lots(ctx, account)
		if err == nil {
			diffs = reserves.Differences(lots)
		}
		return err
	})
	return diffs, err
}
