package limits

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// tally sums what an account was debited in a month: what is there already
// before anything is locked, the rest under the account's lock.
type tally struct {
	account string
	month   time.Time
	last    int64 // entry that was counted
	spent   int64
}

// begin counts back from the newest entry to the month's first.
func (t *tally) begin(ctx context.Context, s store.Stores) error {
	for before := int64(0); ; {
		page, err := s.Ledger().EntriesBefore(ctx, t.account, before, store.MaxPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			t.last = max(t.last, e.Seq)
			if e.Kind != ledger.EntryDebit {
				continue // an expiry is dated back
			}
			if e.At.Before(t.month) {
				return nil
			}
			t.spent -= e.Amount
		}
		if len(page) < store.MaxPage {
			return nil
		}
		before = page[len(page)-1].Seq
	}
}

// end counts what came since, and returns the sum. The account is locked.
func (t *tally) end(ctx context.Context, s store.Stores) (int64, error) {
	last, spent := t.last, t.spent // the transaction may run again
	for {
		page, err := s.Ledger().Entries(ctx, t.account, last, store.MaxPage)
		if err != nil {
			return 0, err
		}
		for _, e := range page {
			if last = e.Seq; e.Kind == ledger.EntryDebit && !e.At.Before(t.month) {
				spent -= e.Amount
			}
		}
		if len(page) < store.MaxPage {
			return spent, nil
		}
	}
}
