package threads

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// Delete puts a thread away: it can be restored for Keep. A turn at work in it is
// asked to stop. Deleting it again changes nothing. Faults: not_found.
func (s *Service) Delete(ctx context.Context, id string) error {
	w, err := member(ctx)
	if err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		t, err := s.find(ctx, tx, w, id)
		if err != nil || !t.DeletedAt.IsZero() {
			return err
		}
		now := s.d.Now()
		if err := tx.Threads().Change(ctx, w, id, store.ThreadChange{DeletedAt: &now}); err != nil {
			return err
		}
		if t.Running != "" {
			if err := tx.Turns().Stop(ctx, w, t.Running); err != nil {
				return err
			}
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatThreadDeleted, id, ""))
	})
}

// Restore takes a deletion back. Restoring a thread that is not deleted changes
// nothing. Faults: not_found.
func (s *Service) Restore(ctx context.Context, id string) (chat.Thread, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	var t chat.Thread
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if t, err = s.find(ctx, tx, w, id); err != nil || t.DeletedAt.IsZero() {
			return err
		}
		t.DeletedAt = time.Time{}
		if err := tx.Threads().Change(ctx, w, id, store.ThreadChange{DeletedAt: &t.DeletedAt}); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatThreadRestored, id, ""))
	})
	return t, err
}

// Wipe removes threads that can be restored no longer, with all that is theirs;
// more tells that there may be others.
func (s *Service) Wipe(ctx context.Context, limit int) (more bool, err error) {
	return s.d.Store.Threads().Wipe(ctx, s.d.Now().Add(-Keep), limit)
}
