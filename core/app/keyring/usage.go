package keyring

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// MaxDays is the longest period whose use is told at once.
const MaxDays = 92

const aDay = 24 * time.Hour

// Usage is what a key used in a period.
type Usage struct {
	Key   string
	From  time.Time // first instant of the first day
	To    time.Time // first instant after the last day
	Total store.KeyDay
	Days  []store.KeyDay // those on which it was used
}

// Usage returns what a key used on the days of UTC from first to last: requests
// that were debited then, by the ledger's clock. Members see their own keys' use,
// administrators all. Zero times mean the 30 days up to now. An operator may
// leave the account empty. Faults: not_found, admin_required, invalid_period.
func (s *Service) Usage(ctx context.Context, account, id string, first, last time.Time) (Usage, error) {
	if last.IsZero() {
		now, err := s.d.Store.Now(ctx)
		if err != nil {
			return Usage{}, err
		}
		last = now
	}
	if first.IsZero() {
		first = last.Add(-29 * aDay)
	}
	u := Usage{Key: id, From: first.UTC().Truncate(aDay), To: last.UTC().Truncate(aDay).Add(aDay)}
	if days := u.To.Sub(u.From) / aDay; days < 1 || days > MaxDays {
		f := fault.New(fault.Invalid, "invalid_period", "The last day comes after the first one, and is at most 92 days away.")
		f.Param = "to"
		return Usage{}, f
	}
	k, err := find(ctx, s.d.Store, access.By(ctx), account, id)
	if err != nil {
		return Usage{}, err
	}
	if u.Days, err = s.d.Store.KeyDays().Of(ctx, k.Account, k.ID, u.From, u.To); err != nil {
		return Usage{}, err
	}
	u.Total.Day = u.From
	for _, d := range u.Days {
		u.Total.Requests += d.Requests
		u.Total.Input += d.Input
		u.Total.Cached += d.Cached
		u.Total.Output += d.Output
		u.Total.Debited += d.Debited
	}
	return u, nil
}

// addStep is how many events are added up at once: some milliseconds. So many at
// most, and those since AddUp ran last, are read to tell a day.
const addStep = 1000

// AddUp adds up what was used, so that days are quick to read however much was
// used on them. It costs nothing beside requests, and no figure depends on when
// it runs.
func (s *Service) AddUp(ctx context.Context) error {
	for p := (store.Page{Limit: store.MaxPage}); ; {
		accounts, err := s.d.Store.Accounts().List(ctx, p)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			for more := true; more; {
				if more, err = s.d.Store.KeyDays().Add(ctx, a.ID, addStep); err != nil {
					return err
				}
			}
		}
		if len(accounts) < store.MaxPage {
			return nil
		}
		p.After = accounts[len(accounts)-1].ID
	}
}
