package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

type requestRow struct {
	bun.BaseModel `bun:"table:access_requests,alias:q"`

	ID        string `bun:"id,pk"`
	Email     string `bun:"email"`
	EmailKey  string `bun:"email_key"`
	Company   string `bun:"company"`
	Use       string `bun:"intended_use"`
	Products  string `bun:"products"`
	State     string `bun:"state"`
	Times     int64  `bun:"times"`
	CreatedAt int64  `bun:"created_at"`
	AskedAt   int64  `bun:"asked_at"`
	DecidedAt int64  `bun:"decided_at"`
	DecidedBy string `bun:"decided_by"`
	Reason    string `bun:"reason"`
	Account   string `bun:"account_id"`
}

func (r *requestRow) request() store.AccessRequest {
	return store.AccessRequest{
		ID: r.ID, Email: r.Email, Company: r.Company, Use: r.Use, Products: groups(r.Products), State: store.RequestState(r.State), Times: r.Times,
		CreatedAt: row.Time(r.CreatedAt), AskedAt: row.Time(r.AskedAt), DecidedAt: row.Time(r.DecidedAt), DecidedBy: r.DecidedBy, Reason: r.Reason, Account: r.Account,
	}
}

// accessRequests implements store.AccessRequests.
type accessRequests struct{ aggregates }

// AccessRequests implements store.Stores.
func (a aggregates) AccessRequests() store.AccessRequests { return accessRequests{a} }

func (s accessRequests) Ask(ctx context.Context, n store.AccessRequest, most int64) (store.AccessRequest, bool, error) {
	if err := s.check(ctx, n.ID, n.Email, n.Company, n.Use); err != nil {
		return store.AccessRequest{}, false, err
	}
	r := requestRow{
		ID: n.ID, Email: n.Email, EmailKey: access.FoldEmail(n.Email), Company: n.Company, Use: n.Use, Products: n.Products.String(),
		State: string(store.RequestOpen), Times: 1, CreatedAt: row.Micros(n.CreatedAt), AskedAt: row.Micros(n.CreatedAt),
	}
	var kept requestRow
	err := s.atomically(ctx, "ask for access", func(ctx context.Context, db bun.IDB) error {
		known, err := db.NewSelect().Model((*requestRow)(nil)).Where("q.email_key = ?", r.EmailKey).Where("q.state = 'open'").Exists(ctx)
		if err != nil {
			return err
		}
		if !known {
			open, err := db.NewSelect().Model((*requestRow)(nil)).Where("q.state = 'open'").Count(ctx)
			if err != nil {
				return err
			}
			if open >= most {
				return store.ErrFull
			}
		}
		return db.NewInsert().Model(&r).On("CONFLICT (email_key) WHERE state = 'open' DO UPDATE").
			Set("times = q.times + 1").Set("asked_at = EXCLUDED.asked_at").Returning("*").Scan(ctx, &kept)
	})
	if err != nil {
		return store.AccessRequest{}, false, err
	}
	return kept.request(), kept.ID == n.ID, nil
}

func (s accessRequests) one(ctx context.Context, what string, where func(*bun.SelectQuery) *bun.SelectQuery) (store.AccessRequest, error) {
	var r requestRow
	if err := where(s.reads.NewSelect().Model(&r)).Scan(ctx); err != nil {
		return store.AccessRequest{}, s.flavor.fault(what, err)
	}
	return r.request(), nil
}

func (s accessRequests) Get(ctx context.Context, id string) (store.AccessRequest, error) {
	if err := s.check(ctx, id); err != nil {
		return store.AccessRequest{}, err
	}
	return s.one(ctx, "read a request for access", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("q.id = ?", id) })
}

func (s accessRequests) Latest(ctx context.Context, email string) (store.AccessRequest, error) {
	if err := s.check(ctx, email); err != nil {
		return store.AccessRequest{}, err
	}
	return s.one(ctx, "look for a request for access", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("q.email_key = ?", access.FoldEmail(email)).Order("q.id DESC").Limit(1)
	})
}

func (s accessRequests) List(ctx context.Context, state store.RequestState, p store.Page) ([]store.AccessRequest, error) {
	if err := s.check(ctx, string(state), p.After); err != nil {
		return nil, err
	}
	var rows []requestRow
	q := s.reads.NewSelect().Model(&rows)
	if state != "" {
		q = q.Where("q.state = ?", string(state))
	}
	if p.After != "" {
		q = q.Where("q.id < ?", p.After)
	}
	if err := q.Order("q.id DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list requests for access", err)
	}
	return each(rows, (*requestRow).request), nil
}

func (s accessRequests) Decide(ctx context.Context, r store.AccessRequest, from store.RequestState) (changed bool, err error) {
	if err := s.check(ctx, r.ID, string(r.State), r.DecidedBy, r.Reason, r.Account, string(from)); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewUpdate().Model((*requestRow)(nil)).
		Set("state = ?", string(r.State)).Set("decided_at = ?", row.Micros(r.DecidedAt)).Set("decided_by = ?", r.DecidedBy).
		Set("reason = ?", r.Reason).Set("account_id = ?", r.Account).
		Where("id = ?", r.ID).Where("state = ?", string(from)).Exec(ctx))
	if err != nil || n > 0 {
		return n > 0, s.flavor.fault("decide a request for access", err)
	}
	_, err = s.Get(ctx, r.ID)
	return false, err
}

func (s accessRequests) Forget(ctx context.Context, before time.Time, limit int) (bool, error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewRaw("DELETE FROM access_requests WHERE id IN (SELECT id FROM access_requests WHERE decided_at > 0 AND decided_at < ? LIMIT ?)",
		row.Micros(before), size(limit)).Exec(ctx))
	return n == size(limit), s.flavor.fault("forget requests for access", err)
}
