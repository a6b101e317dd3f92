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

// List returns an account's events, newest first, and the Before of the next
// page, 0 if there is none. Faults: account_required.
func (s *Service) List(ctx context.Context, q store.EventQuery) ([]audit.Event, int64, error) {
	if q.Account == "" {
		return nil, 0, fault.New(fault.Invalid, "account_required", "Say whose activity to list.")
	}
	want := store.Page{Limit: q.Limit}.Size()
	q.Limit = want
	if want < store.MaxPage { // one more tells whether there is a next page
		q.Limit++
	}
	es, err := s.d.Store.Events().List(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case len(es) > want:
		es = es[:want]
	case want < store.MaxPage || len(es) < want:
		return es, 0, nil
	}
	return es, es[len(es)-1].Seq, nil
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
