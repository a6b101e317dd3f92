package threads

import (
	"cmp"
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Keep is how long a deleted thread can be restored.
const Keep = 24 * time.Hour

// Deps is what the use cases stand on.
type Deps struct {
	Store store.Store
	Now   func() time.Time
	NewID func(prefix string) string
	// Most is how many threads a member may have; chat.MaxThreads if 0.
	Most int
}

// Service holds the use cases. What it is asked for is of the member who acts in
// the context: everybody else's is not_found.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service {
	d.Most = cmp.Or(d.Most, chat.MaxThreads)
	return &Service{d}
}

// Faults of threads; compare with errors.Is.
var (
	ErrDeleted        = fault.New(fault.Conflict, "thread_deleted", "This conversation was deleted. Restore it to go on with it.")
	ErrTooManyThreads = fault.New(fault.Conflict, "too_many_threads", "You have as many conversations as one may have. Delete some of them.")
	ErrTooManyPrompts = fault.New(fault.Conflict, "too_many_prompts", "You have as many saved prompts as one may have. Delete some of them.")
)

// member returns whose conversations somebody may see: their own.
func member(ctx context.Context) (store.Whose, error) {
	by := access.By(ctx)
	if by.Kind != access.PrincipalUser || by.Account == "" {
		return store.Whose{}, store.ErrNotFound
	}
	return store.Whose{Account: by.Account, User: by.User}, nil
}

// find returns a thread, unless it is to be wiped.
func (s *Service) find(ctx context.Context, in store.Stores, w store.Whose, id string) (chat.Thread, error) {
	t, err := in.Threads().Get(ctx, w, id)
	if err != nil {
		return chat.Thread{}, err
	}
	if s.gone(t) {
		return chat.Thread{}, store.ErrNotFound
	}
	return t, nil
}

// gone reports whether a thread was deleted too long ago to be restored.
func (s *Service) gone(t chat.Thread) bool {
	return !t.DeletedAt.IsZero() && !s.d.Now().Before(t.DeletedAt.Add(Keep))
}

// live is find for what cannot be done with a deleted thread.
func (s *Service) live(ctx context.Context, in store.Stores, w store.Whose, id string) (chat.Thread, error) {
	t, err := s.find(ctx, in, w, id)
	if err == nil && !t.DeletedAt.IsZero() {
		err = ErrDeleted
	}
	return t, err
}

func (s *Service) event(ctx context.Context, w store.Whose, kind audit.Kind, subject, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: w.Account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx), Area: string(access.AreaChat),
		Request: access.Request(ctx), Reason: reason, Subject: subject, Count: 1,
	}
}
