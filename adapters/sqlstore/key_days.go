package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	aDay = 24 * time.Hour
	// apart is how far a hold's date may be from that of its request's ID: a
	// body takes its time, and the server that makes the ID has a clock of its
	// own.
	apart = time.Hour
)

// keyDays implements store.KeyDays.
//
// A hold is dated by the ledger's clock, which never steps back within an
// account: on a day that is over there are no new ones. Holds are found by the
// times in their requests' IDs, through the index by account and request.
type keyDays struct{ aggregates }

type keyDayRow struct {
	bun.BaseModel `bun:"table:key_days,alias:d"`

	Account  string `bun:"account_id,pk"`
	Key      string `bun:"key_id,pk"`
	Day      int64  `bun:"day,pk"`
	Requests int64  `bun:"requests"`
	Input    int64  `bun:"input"`
	Cached   int64  `bun:"cached"`
	Output   int64  `bun:"output"`
	Debited  int64  `bun:"debited"`
}

func (r *keyDayRow) day() store.KeyDay {
	return store.KeyDay{Day: row.Time(r.Day), Requests: r.Requests, Input: r.Input, Cached: r.Cached, Output: r.Output, Debited: r.Debited}
}

func (s keyDays) Of(ctx context.Context, account, key string, from, to time.Time) ([]store.KeyDay, error) {
	if err := s.check(ctx, account, key); err != nil {
		return nil, err
	}
	until, err := s.until(ctx, s.reads, account)
	if err != nil {
		return nil, s.flavor.fault("read what a key used", err)
	}
	var rows []keyDayRow
	if err := s.reads.NewSelect().Model(&rows).Where("d.account_id = ?", account).Where("d.key_id = ?", key).
		Where("d.day >= ?", row.Micros(from)).Where("d.day < ?", min(until, row.Micros(to))).Order("d.day").Scan(ctx); err != nil {
		return nil, s.flavor.fault("read what a key used", err)
	}
	out := each(rows, (*keyDayRow).day)
	if since := row.Time(max(until, row.Micros(from))); since.Before(to) {
		rows = nil
		if err := s.held(s.reads, account, since, to).Where("h.key_id = ?", key).Order("day").Scan(ctx, &rows); err != nil {
			return nil, s.flavor.fault("add up what a key used", err)
		}
		out = append(out, each(rows, (*keyDayRow).day)...)
	}
	return out, nil
}

// held adds up the settled holds of [from, to) by key and day.
func (s keyDays) held(db bun.IDB, account string, from, to time.Time) *bun.SelectQuery {
	return s.between(db, account, from, to).Where("h.state = ?", string(ledger.HoldSettled)).
		ColumnExpr("h.account_id, h.key_id, h.opened_at / ? * ? AS day", aDay.Microseconds(), aDay.Microseconds()).
		ColumnExpr("COUNT(*) AS requests").
		ColumnExpr("CAST(SUM(h.usage_input) AS BIGINT) AS input").ColumnExpr("CAST(SUM(h.usage_cached) AS BIGINT) AS cached").
		ColumnExpr("CAST(SUM(h.usage_output) AS BIGINT) AS output").ColumnExpr("CAST(SUM(h.debited) AS BIGINT) AS debited").
		GroupExpr("1, 2, 3")
}

// between looks at the holds of the account that are dated in [from, to).
func (s keyDays) between(db bun.IDB, account string, from, to time.Time) *bun.SelectQuery {
	return db.NewSelect().TableExpr("holds AS h").Where("h.account_id = ?", account).
		Where("h.request_id || '' >= ?", row.IDFrom("req", from.Add(-apart))).Where("h.request_id || '' < ?", row.IDFrom("req", to.Add(apart))).
		Where("h.opened_at >= ?", row.Micros(from)).Where("h.opened_at < ?", row.Micros(to))
}

// until returns the first day that is not added up yet.
func (keyDays) until(ctx context.Context, db bun.IDB, account string) (day int64, err error) {
	err = db.NewSelect().Table("key_days_until").Column("day").Where("account_id = ?", account).Scan(ctx, &day)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return day, err
}

func (s keyDays) Add(ctx context.Context, account string) (more bool, err error) {
	if err := s.check(ctx, account); err != nil {
		return false, err
	}
	err = s.atomically(ctx, "add up a day", func(ctx context.Context, db bun.IDB) error {
		more = false
		var now int64
		if err := db.NewSelect().ColumnExpr("?", s.flavor.now()).Scan(ctx, &now); err != nil {
			return err
		}
		day, ok, err := s.next(ctx, db, account)
		if err != nil || !ok || row.Time(now).Before(day.Add(aDay+apart)) {
			return err
		}
		open, err := s.between(db, account, day, day.Add(aDay)).Where("h.state = ?", string(ledger.HoldOpen)).Exists(ctx)
		if err != nil || open {
			return err
		}
		more = true
		return s.add(ctx, db, account, day)
	})
	return more && err == nil, err
}

// next returns the first day that is to be added up; false if there is no hold
// after those that are.
func (s keyDays) next(ctx context.Context, db bun.IDB, account string) (day time.Time, ok bool, err error) {
	until, err := s.until(ctx, db, account)
	if err != nil {
		return time.Time{}, false, err
	}
	var opened int64
	q := db.NewSelect().TableExpr("holds AS h").Column("h.opened_at").Where("h.account_id = ?", account).Where("h.opened_at >= ?", until)
	if until > 0 {
		q = q.Where("h.request_id || '' >= ?", row.IDFrom("req", row.Time(until).Add(-apart)))
	}
	err = q.OrderExpr("h.request_id || ''").Limit(1).Scan(ctx, &opened)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	// One with a later ID may be dated earlier, by as much as the two are apart.
	first := row.Time(opened).Add(-2 * apart).Truncate(aDay)
	if begin := row.Time(until); until > 0 && first.Before(begin) {
		first = begin
	}
	return first, true, err
}

// add writes the sums of a day, and that it is done. Who comes second finds the
// same sums there.
func (s keyDays) add(ctx context.Context, db bun.IDB, account string, day time.Time) error {
	var rows []keyDayRow
	if err := s.held(db, account, day, day.Add(aDay)).Where("h.key_id <> ''").Scan(ctx, &rows); err != nil {
		return err
	}
	if len(rows) > 0 {
		if _, err := db.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	next := row.Micros(day.Add(aDay))
	_, err := db.NewRaw("INSERT INTO key_days_until (account_id, day) VALUES (?, ?)"+
		" ON CONFLICT (account_id) DO UPDATE SET day = excluded.day WHERE key_days_until.day < excluded.day", account, next).Exec(ctx)
	return err
}
