package turns_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// edge is the store as a server reaches it: fail may refuse to write about turns.
type edge struct {
	store.Store
	mu   sync.Mutex
	fail func(what string) error
	kind ledger.OpKind
	then func()
}

// before has something happen before the next step of a kind is booked.
func (e *edge) before(kind ledger.OpKind, then func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kind, e.then = kind, then
}

func (e *edge) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	e.mu.Lock()
	then := e.then
	if !slices.ContainsFunc(ops, func(op ledger.Op) bool { return op.Kind == e.kind }) {
		then = nil
	}
	if then != nil {
		e.then = nil
	}
	e.mu.Unlock()
	if then != nil {
		then()
	}
	return e.Store.TryCommit(ctx, by, ops, patience)
}

func (e *edge) on(fail func(what string) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = fail
}

func (e *edge) may(what string) error {
	e.mu.Lock()
	fail := e.fail
	e.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(what)
}

// Replicas lets several servers have the file, as Postgres would.
func (e *edge) Replicas() store.Replicas { return several{e.Store.Replicas()} }

type several struct{ store.Replicas }

func (several) Sole(context.Context) (func() error, bool, error) {
	return func() error { return nil }, true, nil
}

func (e *edge) Turns() store.Turns { return edgeOfTurns{e.Store.Turns(), e} }

func (e *edge) Do(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	return e.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error { return fn(ctx, edgeInTx{tx, e}) })
}

type edgeInTx struct {
	store.Stores
	of *edge
}

func (e edgeInTx) Turns() store.Turns { return edgeOfTurns{e.Stores.Turns(), e.of} }

type edgeOfTurns struct {
	store.Turns
	of *edge
}

func (e edgeOfTurns) Append(ctx context.Context, t chat.Turn, at int, text string) (bool, error) {
	if err := e.of.may("append"); err != nil {
		return false, err
	}
	return e.Turns.Append(ctx, t, at, text)
}

func (e edgeOfTurns) End(ctx context.Context, owner string, t chat.Turn, text *string) (string, error) {
	if err := e.of.may("end"); err != nil {
		return "", err
	}
	return e.Turns.End(ctx, owner, t, text)
}

func (e edgeOfTurns) Lapsed(ctx context.Context, before time.Time, limit int) ([]chat.Turn, error) {
	if err := e.of.may("sweep"); err != nil {
		return nil, err
	}
	return e.Turns.Lapsed(ctx, before, limit)
}

// away is a store that nobody reaches.
func away(string) error { return store.ErrUnavailable }
