package store

import (
	"context"
	"time"
)

// Replica is a running server as the database knows it.
type Replica struct {
	ID    string // rep_…
	Fence int64
}

// Replicas keeps the leases by which replicas know each other as alive. All
// times are the store's clock.
type Replicas interface {
	// Join adds a replica with a lease.
	Join(ctx context.Context, id string, lease time.Duration) (Replica, error)
	// Renew extends the lease; ErrFenced if the fence has moved on or the
	// replica is gone.
	Renew(ctx context.Context, r Replica, lease time.Duration) error
	// Alive returns how many replicas have a lease that has not run out.
	Alive(ctx context.Context) (int, error)
	// Lapsed returns replicas whose lease has run out, or that are fenced but
	// still have a row, except the one named.
	Lapsed(ctx context.Context, except string, limit int) ([]Replica, error)
	// Fence takes the replica's row for update and raises its fence if the
	// lease has still run out; false if it was renewed meanwhile. Afterwards
	// no batch of that replica commits.
	Fence(ctx context.Context, r Replica) (bool, error)
	// Leave removes a replica that has no open holds left; false if it has.
	Leave(ctx context.Context, id string) (bool, error)
	// Sole takes the exclusive right to serve, where the database allows one
	// server only, until release is called; held by another is a Conflict,
	// code already_served. others is true where several servers are allowed:
	// then Sole does nothing. Where it is false, every other replica is dead,
	// and Lapsed returns them at once.
	Sole(ctx context.Context) (release func() error, others bool, err error)
}
