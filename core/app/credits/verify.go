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
// then reads up to that entry page by page. The holds come after that, those of
// all accounts in one go, in the order in which they lie.
// Its memory grows with the lots of one account and with the accounts that have
// work under way, not with the entries.
func (s *Service) Verify(ctx context.Context, report func(ledger.Difference) error) (int, int64, error) {
	v := verifier{Service: s, report: report, reserved: map[string]bool{}}
	for p := (store.Page{Limit: store.MaxPage}); ; {
		page, err := s.d.Store.Accounts().List(ctx, p)
		if err != nil {
			return v.accounts, v.entries, err
		}
		for _, a := range page {
			if err := v.account(ctx, a.ID); err != nil {
				return v.accounts, v.entries, err
			}
		}
		if len(page) < store.MaxPage {
			break
		}
		p.After = page[len(page)-1].ID
	}
	return v.accounts, v.entries, v.holds(ctx)
}

// verifier is one verification at work.
type verifier struct {
	*Service
	report   func(ledger.Difference) error
	accounts int
	entries  int64
	reserved map[string]bool // accounts whose reserves were audited
}

func (v *verifier) tell(diffs []ledger.Difference) error {
	for _, d := range diffs {
		if err := v.report(d); err != nil {
			return err
		}
	}
	return nil
}

// account audits one account, but for its holds. Entries never change, so they
// can be read after the moment that they are compared with.
func (v *verifier) account(ctx context.Context, account string) error {
	last, lots, err := v.books(ctx, account)
	if err != nil {
		return err
	}
	auditor := ledger.NewAuditor(account)
	n, err := v.auditEntries(ctx, account, last, auditor)
	if err != nil {
		return err
	}
	held := false
	for _, l := range lots {
		auditor.Lot(l)
		held = held || l.Held != 0
	}
	diffs := auditor.Differences(last)
	for after := int64(0); after < last; {
		until := min(after+store.MaxSums, last)
		unheld, err := v.d.Store.Ledger().Unheld(ctx, account, after, until)
		if err != nil {
			return err
		}
		for _, e := range unheld {
			diffs = append(diffs, ledger.Unheld(e))
		}
		after = until
	}
	v.accounts, v.entries = v.accounts+1, v.entries+n
	if err := v.tell(diffs); err != nil || !held {
		return err
	}
	return v.reserves(ctx, account)
}

// holds audits all holds. A hold and its debits are written together, and read
// together.
func (v *verifier) holds(ctx context.Context) error {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		hs, err := v.d.Store.Ledger().Holds(ctx, p)
		if err != nil {
			return err
		}
		for _, h := range hs {
			if err := v.tell(ledger.AuditHold(h.Hold, h.Debits)); err != nil {
				return err
			}
			if h.Hold.State == ledger.HoldOpen && len(h.Hold.Parts) > 0 {
				if err := v.reserves(ctx, h.Hold.Account); err != nil {
					return err
				}
			}
		}
		if len(hs) < store.MaxPage {
			return nil
		}
		p.After = hs[len(hs)-1].Hold.Request
	}
}

// reserves audits what an account's lots hold, once.
func (v *verifier) reserves(ctx context.Context, account string) error {
	if v.reserved[account] {
		return nil
	}
	v.reserved[account] = true
	diffs, err := v.auditReserves(ctx, account)
	if err != nil {
		return err
	}
	return v.tell(diffs)
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
