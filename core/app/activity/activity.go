// Package activity shows an account its events, and records those that no
// change of state carries.
//
// It keeps true that a list shows one account only, and that a loop of
// refused calls can neither flood the log nor wait for the database (G6): see
// [Folder]. Events that belong to a change are written by that change's use
// case, in its transaction.
package activity

import (
	"context"
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Deps is what the use cases stand on.
type Deps struct {
	Store store.Store
	Now   func() time.Time
	NewID func(prefix string) string
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

// A list that may have to look at many events to find few goes through so many
// at a time, and at most so often, before it returns what it has.
const (
	step  = 5000
	steps = 4
)

// List returns an account's events, newest first, and the Before of the next
// page, 0 if there is none. A page may be short, or even empty, and still have
// a next one: a filter by key or by the most common kind looks at 20,000 events
// at most, so that a key seldom used costs no more than a busy one (U4). Faults:
// account_required.
func (s *Service) List(ctx context.Context, q store.EventQuery) ([]audit.Event, int64, error) {
	if q.Account == "" {
		return nil, 0, fault.New(fault.Invalid, "account_required", "Say whose activity to list.")
	}
	want := store.Page{Limit: q.Limit}.Size()
	floor, rare := int64(0), false
	if q.Request == "" {
		rare = q.Key != "" || slices.Contains(q.Kinds, audit.UsageDebited)
	}
	if rare || !q.Since.IsZero() || !q.Until.IsZero() {
		after, before, err := s.d.Store.Events().Span(ctx, q.Account, q.Since, q.Until)
		if err != nil {
			return nil, 0, err
		}
		floor = after
		if q.Before == 0 || before < q.Before {
			q.Before = before
		}
	}
	var found []audit.Event
	for n := 1; ; n++ {
		q.After = floor
		if rare {
			q.After = max(floor, q.Before-1-step)
		}
		q.Limit = min(want-len(found)+1, store.MaxPage) // one more tells whether there is a next page
		es, err := s.d.Store.Events().List(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		found = append(found, es...)
		switch {
		case len(found) > want:
			return found[:want], found[want-1].Seq, nil
		case len(found) == want && len(es) == q.Limit: // the longest page has no room for one more
			return found, found[want-1].Seq, nil
		case q.After == floor:
			return found, 0, nil
		case n == steps:
			return found, q.After + 1, nil
		}
		q.Before = q.After + 1
	}
}

// Unowned returns events of no account, newest first, for operators; the
// cursor is the last ID.
func (s *Service) Unowned(ctx context.Context, p store.Page) ([]audit.Event, error) {
	return s.d.Store.Events().Unowned(ctx, p)
}

// Record writes one event. ID, time, actor, request and count are filled in
// where they are missing. Faults: not_found if there is no such account.
func (s *Service) Record(ctx context.Context, e audit.Event) error {
	if e.Actor == (audit.Actor{}) {
		e.Actor = audit.By(ctx)
	}
	if e.Request == "" {
		e.Request = access.Request(ctx)
	}
	if e.At.IsZero() {
		e.At = s.d.Now()
	}
	if e.ID == "" {
		e.ID = s.d.NewID("evt")
	}
	e.Count = max(e.Count, 1)
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error { return tx.Events().Append(ctx, e) })
}
