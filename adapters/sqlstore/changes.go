package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/ports/store"
)

// changes implements store.Changes. Triggers write what it reads.
type changes struct {
	aggregates
	poll *bun.DB
}

// Changes implements store.Store.
func (s *Store) Changes() store.Changes { return changes{s.aggregates, s.poll} }

var errNoHead = errors.New("the table change_head has lost its row")

func (s changes) Head(ctx context.Context) (int64, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	var heads []int64
	if err := s.poll.NewRaw("SELECT seq FROM change_head WHERE id = 1").Scan(ctx, &heads); err != nil {
		return 0, s.flavor.fault("read the newest change", err)
	}
	if len(heads) == 0 {
		return 0, errNoHead
	}
	return heads[0], nil
}

// Since reads head and list in one statement, so at one moment.
func (s changes) Since(ctx context.Context, after int64, limit int) ([]store.Change, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []struct {
		Head    int64  `bun:"head"`
		Seq     int64  `bun:"seq"` // 0: no change
		Account string `bun:"account_id"`
	}
	if err := s.poll.NewRaw("SELECT h.seq AS head, COALESCE(c.seq, 0) AS seq, COALESCE(c.account_id, '') AS account_id"+
		" FROM change_head AS h LEFT JOIN changes AS c ON c.seq > ? WHERE h.id = 1 ORDER BY c.seq LIMIT ?", after, size(limit)).Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("read changes", err)
	}
	switch {
	case len(rows) == 0:
		return nil, errNoHead
	case rows[0].Head == after:
		return nil, nil
	case rows[0].Head < after || rows[0].Seq != after+1:
		return nil, store.ErrMissed
	}
	out := make([]store.Change, len(rows))
	for i, r := range rows {
		out[i] = store.Change{Seq: r.Seq, Account: r.Account}
	}
	return out, nil
}

// Prune takes rows from the front only, so that a clock that stepped back
// makes no hole.
func (s changes) Prune(ctx context.Context, keep time.Duration, limit int) (int, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	var rows []struct {
		Seq int64 `bun:"seq"`
		Old bool  `bun:"old"`
	}
	if err := s.reads.NewRaw("SELECT seq, at <= ? - ? AS old FROM changes ORDER BY seq LIMIT ?", s.flavor.now(), keep.Microseconds(), size(limit)).
		Scan(ctx, &rows); err != nil {
		return 0, s.flavor.fault("look for old changes", err)
	}
	last := int64(0)
	for _, r := range rows {
		if !r.Old {
			break
		}
		last = r.Seq
	}
	if last == 0 {
		return 0, nil
	}
	n, err := affected(s.writes.NewRaw("DELETE FROM changes WHERE seq <= ?", last).Exec(ctx))
	return int(n), s.flavor.fault("prune changes", err)
}
