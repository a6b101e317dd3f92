package credits

import (
	"context"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Verify recomputes every account from its entries, holds and lots (L5), each
// account as of one moment, and hands what does not add up to report. It
// returns how many accounts and entries it read. Its memory grows with the
// lots of one account, not with the entries. It stops at the first error of
// the store or of report; a difference is not an error.
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

// verify audits one account in one view.
func (s *Service) verify(ctx context.Context, account string) ([]ledger.Difference, int64, error) {
	var diffs []ledger.Difference
	var entries int64
	err := s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		entries = 0
		a, err := tx.Accounts().Get(ctx, account)
		if err != nil {
			return err
		}
		auditor := ledger.NewAuditor(account)
		for after := int64(0); ; {
			es, err := tx.Ledger().Entries(ctx, account, after, store.MaxPage)
			if err != nil {
				return err
			}
			for _, e := range es {
				auditor.Entry(e)
			}
			entries += int64(len(es))
			if len(es) < store.MaxPage {
				break
			}
			after = es[len(es)-1].Seq
		}
		if err := holds(ctx, tx, account, auditor); err != nil {
			return err
		}
		lots, err := tx.Ledger().Lots(ctx, account)
		if err != nil {
			return err
		}
		for _, l := range lots {
			auditor.Lot(l)
		}
		diffs = auditor.Differences(a.Entries)
		return nil
	})
	return diffs, entries, err
}

func holds(ctx context.Context, tx store.Stores, account string, auditor *ledger.Auditor) error {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		hs, err := tx.Ledger().Holds(ctx, account, p)
		if err != nil {
			return err
		}
		for _, h := range hs {
			auditor.Hold(h.Hold, h.Debits)
		}
		if len(hs) < store.MaxPage {
			return nil
		}
		p.After = hs[len(hs)-1].Hold.Request
	}
}
