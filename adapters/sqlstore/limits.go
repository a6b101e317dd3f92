package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

type limitRow struct {
	bun.BaseModel `bun:"table:limits,alias:m"`

	AccountID string `bun:"account_id,pk"`
	Scope     string `bun:"scope,pk"`
	Monthly   int64  `bun:"monthly"`
	Requests  int64  `bun:"requests"`
	Tokens    int64  `bun:"tokens"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *limitRow) limit() ledger.Limit {
	return ledger.Limit{Scope: r.Scope, Monthly: r.Monthly, Requests: r.Requests, Tokens: r.Tokens}
}

// limitedRow is a limit with its counter.
type limitedRow struct {
	limitRow `bun:",extend"`

	Window     int64 `bun:"window_at,scanonly"`
	Reserved   int64 `bun:"reserved,scanonly"`
	Spent      int64 `bun:"spent,scanonly"`
	RequestsAt int64 `bun:"requests_at,scanonly"`
	TokensAt   int64 `bun:"tokens_at,scanonly"`
}

func (r *limitedRow) limited() store.Limited {
	c := row.Counter{Scope: r.Scope, Window: r.Window, Reserved: r.Reserved, Spent: r.Spent, RequestsAt: r.RequestsAt, TokensAt: r.TokensAt}
	return store.Limited{Limit: r.limit(), UpdatedAt: row.Time(r.UpdatedAt), Counter: c.Counter()}
}

// limits implements store.Limits.
type limits struct{ aggregates }

func (s limits) Set(ctx context.Context, account string, l ledger.Limit, at time.Time) error {
	if err := s.check(ctx, account, l.Scope); err != nil {
		return err
	}
	r := limitRow{AccountID: account, Scope: l.Scope, Monthly: l.Monthly, Requests: l.Requests, Tokens: l.Tokens, UpdatedAt: row.Micros(at)}
	return s.atomically(ctx, "set a limit", func(ctx context.Context, db bun.IDB) error {
		// A trigger raises the account's epoch: it is locked first, as everywhere.
		if err := s.lockAccount(ctx, db, account); err != nil {
			return err
		}
		_, err := db.NewInsert().Model(&r).On("CONFLICT (account_id, scope) DO UPDATE").
			Set("monthly = EXCLUDED.monthly").Set("requests = EXCLUDED.requests").Set("tokens = EXCLUDED.tokens").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		return err
	})
}

// query starts a query of an account's limits with their counters.
func (s limits) query(rows any, account string) *bun.SelectQuery {
	q := s.reads.NewSelect().Model(rows).ColumnExpr("m.*")
	for _, column := range []string{"window_at", "reserved", "spent", "requests_at", "tokens_at"} {
		q = q.ColumnExpr("COALESCE(c.?, 0) AS ?", bun.Ident(column), bun.Ident(column))
	}
	return q.Join("LEFT JOIN counters AS c ON c.scope = m.scope AND c.account_id = m.account_id").Where("m.account_id = ?", account)
}

func (s limits) Get(ctx context.Context, account, scope string) (store.Limited, error) {
	if err := s.check(ctx, account, scope); err != nil {
		return store.Limited{}, err
	}
	var r limitedRow
	if err := s.query(&r, account).Where("m.scope = ?", scope).Scan(ctx); err != nil {
		return store.Limited{}, s.flavor.fault("read a limit", err)
	}
	return r.limited(), nil
}

func (s limits) Of(ctx context.Context, account string, scopes []string) ([]store.Limited, error) {
	if err := s.check(ctx, append([]string{account}, scopes...)...); err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		return nil, nil
	}
	var rows []limitedRow
	if err := s.query(&rows, account).Where("m.scope IN (?)", bun.List(scopes)).Order("m.scope").Scan(ctx); err != nil {
		return nil, s.flavor.fault("read limits", err)
	}
	return each(rows, (*limitedRow).limited), nil
}

func (s limits) List(ctx context.Context, account string, p store.Page) ([]store.Limited, error) {
	if err := s.check(ctx, account, p.After); err != nil {
		return nil, err
	}
	var rows []limitedRow
	if err := s.query(&rows, account).Where("m.scope > ?", p.After).Order("m.scope").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list limits", err)
	}
	return each(rows, (*limitedRow).limited), nil
}

func (s limits) Count(ctx context.Context, account, scope string, month time.Time, spent int64) error {
	if err := s.check(ctx, account, scope); err != nil {
		return err
	}
	_, err := s.writes.NewRaw("INSERT INTO counters (account_id, scope, window_at, reserved, spent, requests_at, tokens_at) VALUES (?, ?, ?, 0, ?, 0, 0)"+
		" ON CONFLICT (scope, account_id) DO UPDATE SET spent = EXCLUDED.spent, window_at = EXCLUDED.window_at,"+
		" reserved = CASE WHEN counters.window_at = EXCLUDED.window_at THEN counters.reserved ELSE 0 END",
		account, scope, row.Micros(month), spent).Exec(ctx)
	return s.flavor.fault("count what was spent", err)
}

func (s limits) Remove(ctx context.Context, account, scope string) error {
	if err := s.check(ctx, account, scope); err != nil {
		return err
	}
	return s.atomically(ctx, "remove a limit", func(ctx context.Context, db bun.IDB) error {
		if err := s.lockAccount(ctx, db, account); err != nil {
			return err
		}
		res, err := db.NewDelete().Model((*limitRow)(nil)).Where("account_id = ?", account).Where("scope = ?", scope).Exec(ctx)
		return s.one("remove a limit", res, err)
	})
}
