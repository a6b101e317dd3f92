package keyring

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// noticeStep is how many keys are looked for at a time.
const noticeStep = 100

// ErrServiceOnly means that somebody else tried what the service does by itself.
var ErrServiceOnly = fault.New(fault.Forbidden, "service_only", "Only the service itself does this.")

// Notify writes the events of keys that expire in 30, 7 or 1 days (K4), and
// returns how many. Each notice of a key is written once, however many servers
// look at the same time and wherever one of them stops: the event and the note
// that it was written are one transaction. Faults: service_only.
func (s *Service) Notify(ctx context.Context) (told int, err error) {
	if access.By(ctx).Kind != access.PrincipalService {
		return 0, ErrServiceOnly
	}
	for {
		due, err := s.d.Store.Keys().Notices(ctx, noticeStep)
		if err != nil {
			return told, err
		}
		now, err := s.d.Store.Now(ctx) // the clock by which they are due
		if err != nil {
			return told, err
		}
		moved := false
		for _, k := range due {
			changed, event, err := s.notify(ctx, k, now)
			if err != nil {
				return told, err
			}
			moved = moved || changed
			if event {
				told++
			}
		}
		if len(due) < noticeStep || !moved { // others are at it: they will do the rest
			return told, nil
		}
	}
}

// notify tells of one key, which is read again under its account's lock.
func (s *Service) notify(ctx context.Context, seen keys.Key, now time.Time) (moved, event bool, err error) {
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		moved, event = false, false
		if err := tx.Accounts().Lock(ctx, seen.Account); err != nil {
			return err
		}
		k, err := tx.Keys().Get(ctx, seen.Account, seen.ID)
		if err != nil {
			return err
		}
		notice, next := k.Due(now)
		if moved, err = tx.Keys().Noticed(ctx, k.Account, k.ID, seen.NoticeAt, next); err != nil || !moved || notice.Days == 0 {
			return err
		}
		event = true
		return tx.Events().Append(ctx, s.event(ctx, audit.KeyExpiring, k, notice.Code()))
	})
	return moved, event && err == nil, err
}
