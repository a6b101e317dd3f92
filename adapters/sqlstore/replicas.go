package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

type replicaRow struct {
	bun.BaseModel `bun:"table:replicas,alias:r"`

	ID    string `bun:"id,pk"`
	Fence int64  `bun:"fence"`
	// LeaseUntil is 0 once the replica is fenced.
	LeaseUntil int64 `bun:"lease_until"`
	JoinedAt   int64 `bun:"joined_at"`
}

func (r *replicaRow) replica() store.Replica { return store.Replica{ID: r.ID, Fence: r.Fence} }

// replicas implements store.Replicas. It works outside transactions only.
type replicas struct {
	aggregates
	store *Store
}

// Replicas implements store.Store.
func (s *Store) Replicas() store.Replicas { return replicas{s.aggregates, s} }

func (s replicas) Join(ctx context.Context, id string, lease time.Duration) (store.Replica, error) {
	if err := s.check(ctx, id); err != nil {
		return store.Replica{}, err
	}
	now := s.flavor.now()
	n, err := affected(s.writes.NewRaw("INSERT INTO replicas (id, fence, lease_until, joined_at) VALUES (?, 1, ? + ?, ?) ON CONFLICT DO NOTHING",
		id, now, lease.Microseconds(), now).Exec(ctx))
	if err == nil && n == 0 {
		return store.Replica{}, store.ErrTaken
	}
	return store.Replica{ID: id, Fence: 1}, s.flavor.fault("join as a replica", err)
}

func (s replicas) Renew(ctx context.Context, r store.Replica, lease time.Duration) error {
	if err := s.check(ctx, r.ID); err != nil {
		return err
	}
	n, err := affected(s.writes.NewUpdate().Model((*replicaRow)(nil)).Set("lease_until = ? + ?", s.flavor.now(), lease.Microseconds()).
		Where("id = ?", r.ID).Where("fence = ?", r.Fence).Exec(ctx))
	if err == nil && n == 0 {
		return store.ErrFenced
	}
	return s.flavor.fault("renew a lease", err)
}

func (s replicas) Alive(ctx context.Context) (int, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	n, err := s.reads.NewSelect().Model((*replicaRow)(nil)).Where("r.lease_until > ?", s.flavor.now()).Count(ctx)
	return int(n), s.flavor.fault("count replicas", err)
}

func (s replicas) Lapsed(ctx context.Context, except string, limit int) ([]store.Replica, error) {
	if err := s.check(ctx, except); err != nil {
		return nil, err
	}
	var rows []replicaRow
	q := s.reads.NewSelect().Model(&rows).Where("r.id <> ?", except)
	if !s.store.sole.Load() {
		q = q.Where("r.lease_until <= ?", s.flavor.now())
	}
	if err := q.Order("r.id").Limit(size(limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("look for lapsed replicas", err)
	}
	return each(rows, (*replicaRow).replica), nil
}

// Fence locks the row FOR UPDATE, which waits for batches that hold it FOR KEY
// SHARE, and which a plain update would not (HOTPATH 7).
func (s replicas) Fence(ctx context.Context, r store.Replica) (bool, error) {
	if err := s.check(ctx, r.ID); err != nil {
		return false, err
	}
	fenced := false
	err := s.atomically(ctx, "fence a replica", func(ctx context.Context, db bun.IDB) error {
		fenced = false
		found, err := s.lock(ctx, db, r.ID)
		if err != nil || !found {
			return err
		}
		q := db.NewUpdate().Model((*replicaRow)(nil)).Set("fence = fence + 1").Set("lease_until = 0").Where("id = ?", r.ID)
		if !s.store.sole.Load() {
			q = q.Where("lease_until <= ?", s.flavor.now())
		}
		n, err := affected(q.Exec(ctx))
		fenced = n > 0
		return err
	})
	return fenced && err == nil, err
}

func (s replicas) Leave(ctx context.Context, id string) (bool, error) {
	if err := s.check(ctx, id); err != nil {
		return false, err
	}
	left := false
	err := s.atomically(ctx, "leave as a replica", func(ctx context.Context, db bun.IDB) error {
		left = true
		found, err := s.lock(ctx, db, id)
		if err != nil || !found {
			return err
		}
		// Only now: a statement sees what was committed when it began, and
		// no batch of the replica is under way any more.
		held := false
		if err := db.NewRaw("SELECT EXISTS (SELECT 1 FROM open_holds WHERE replica_id = ?)", id).Scan(ctx, &held); err != nil {
			return err
		}
		if left = !held; held {
			return nil
		}
		_, err = db.NewDelete().Model((*replicaRow)(nil)).Where("id = ?", id).Exec(ctx)
		return err
	})
	return left && err == nil, err
}

// lock locks a replica's row against its batches; false if there is none.
func (s replicas) lock(ctx context.Context, db bun.IDB, id string) (bool, error) {
	var fence int64
	q := db.NewSelect().Model((*replicaRow)(nil)).Column("fence").Where("r.id = ?", id)
	err := s.flavor.forUpdate(q, "UPDATE").Scan(ctx, &fence)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s replicas) Sole(ctx context.Context) (release func() error, others bool, err error) {
	if err := s.check(ctx); err != nil {
		return nil, false, err
	}
	if s.flavor.others {
		return func() error { return nil }, true, nil
	}
	unlock, err := lockFile(s.store.file + ".lock")
	if errors.Is(err, errLocked) {
		return nil, false, fault.New(fault.Conflict, "already_served", "Another server uses this database file. Stop it, or use PostgreSQL for several servers.")
	}
	if err != nil {
		return nil, false, s.flavor.fault("take the server's lock", err)
	}
	stop, err := s.store.checkpoint(ctx)
	if err != nil {
		return nil, false, s.flavor.fault("begin to serve the database file", errors.Join(err, unlock()))
	}
	s.store.sole.Store(true)
	return func() error {
		s.store.sole.Store(false)
		return errors.Join(stop(), unlock())
	}, false, nil
}
