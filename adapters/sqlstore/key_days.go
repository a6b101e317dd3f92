package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

const aDay = 24 * time.Hour

// keyDays implements store.KeyDays.
//
// Events are numbered within their account in the order in which they are
// committed, so they are added up by number: as far as key_usage_until says, what
// they tell is in key_usage, and from there on it is read from them. Each is on
// one side of it, whatever the clocks say.
type keyDays struct{ aggregates }

type keyDayRow struct {
	bun.BaseModel `bun:"table:key_usage,alias:d"`

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

// plus adds what events told of the same day later.
func plus(a, b store.KeyDay) store.KeyDay {
	a.Requests, a.Debited = a.Requests+b.Requests, a.Debited+b.Debited
	a.Input, a.Cached, a.Output = a.Input+b.Input, a.Cached+b.Cached, a.Output+b.Output
	return a
}

// paid are the events that tell of debits: their dates follow their sequence,
// which those of other kinds, by other clocks, need not.
var paid = timeline{tables: told.tables, rows: "x.account_id <> '' AND x.kind = '" + string(common) + "'"}

// few is how many events may be read without looking first where the days that
// are asked for begin and end among them.
const few = 2000

func (s keyDays) Of(ctx context.Context, account, key string, from, to time.Time) ([]store.KeyDay, error) {
	if err := s.check(ctx, account, key); err != nil {
		return nil, err
	}
	// One statement: the days are those that were added up as far as it says.
	var added []struct {
		Until int64 `bun:"until"`
		keyDayRow
	}
	err := s.reads.NewRaw("SELECT u.until, COALESCE(d.day, -1) AS day, COALESCE(d.requests, 0) AS requests, COALESCE(d.input, 0) AS input,"+
		" COALESCE(d.cached, 0) AS cached, COALESCE(d.output, 0) AS output, COALESCE(d.debited, 0) AS debited FROM key_usage_until AS u"+
		" LEFT JOIN key_usage AS d ON d.account_id = u.account_id AND d.key_id = ? AND d.day >= ? AND d.day < ? WHERE u.account_id = ? ORDER BY 2",
		key, row.Micros(from), row.Micros(to), account).Scan(ctx, &added)
	if err != nil {
		return nil, s.flavor.fault("read what a key used", err)
	}
	var until int64
	var out []store.KeyDay
	for i := range added {
		until = added[i].Until
		if added[i].Requests > 0 {
			out = append(out, added[i].day())
		}
	}
	after, last, err := s.span(ctx, account, until, from, to)
	if err != nil || after >= last {
		return out, s.flavor.fault("look for what a key used", err)
	}
	var rows []keyDayRow
	q := s.told(account, after, last).Where("v.key_id = ?", key).Where("v.at >= ?", row.Micros(from)).Where("v.at < ?", row.Micros(to))
	if err := q.Order("day").Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("add up what a key used", err)
	}
	for i := range rows {
		day := rows[i].day()
		if n := len(out); n > 0 && out[n-1].Day.Equal(day.Day) {
			out[n-1] = plus(out[n-1], day)
			continue
		}
		out = append(out, day)
	}
	return out, nil
}

// span returns between which events those of [from, to) lie, of those that are
// not added up: more than the first, up to the last.
func (s keyDays) span(ctx context.Context, account string, until int64, from, to time.Time) (after, last int64, err error) {
	if last, err = s.last(ctx, account); err != nil || last-until <= few {
		return until, last, err
	}
	begin, err := paid.first(ctx, s.reads, account, last, row.Micros(from))
	if err != nil {
		return 0, 0, err
	}
	end, err := paid.first(ctx, s.reads, account, last, row.Micros(to))
	return max(until, begin-1), end - 1, err
}

// last returns the number of the account's last event, 0 if there is none.
func (s keyDays) last(ctx context.Context, account string) (last int64, err error) {
	err = s.reads.NewSelect().Model((*accountRow)(nil)).Column("event_seq").Where("a.id = ?", account).Scan(ctx, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last, err
}

// told adds up by key and day what the events after one and up to another tell.
// Tokens are the holds'.
func (s keyDays) told(account string, after, last int64) *bun.SelectQuery {
	return s.reads.NewSelect().TableExpr(allEvents).Join(s.flavor.holdOfEach).
		ColumnExpr("v.account_id, v.key_id, v.at / ? * ? AS day", aDay.Microseconds(), aDay.Microseconds()).
		ColumnExpr("COUNT(*) AS requests").
		ColumnExpr("CAST(COALESCE(SUM(h.usage_input), 0) AS BIGINT) AS input").ColumnExpr("CAST(COALESCE(SUM(h.usage_cached), 0) AS BIGINT) AS cached").
		ColumnExpr("CAST(COALESCE(SUM(h.usage_output), 0) AS BIGINT) AS output").ColumnExpr("CAST(-SUM(v.amount) AS BIGINT) AS debited").
		Where("v.account_id = ?", account).Where("v.account_id <> ''").Where("v.seq > ?", after).Where("v.seq <= ?", last).
		Where("v.kind = ?", string(common)).GroupExpr("1, 2, 3")
}

// errAdded means that a caller asked for none, or more than MaxAdded events.
var errAdded = errors.New("too few or too many events to add up in one statement")

func (s keyDays) Add(ctx context.Context, account string, n int) (more bool, err error) {
	if err := s.check(ctx, account); err != nil {
		return false, err
	}
	if n < 1 || n > store.MaxAdded {
		return false, errAdded
	}
	var until int64
	err = s.reads.NewSelect().Table("key_usage_until").Column("until").Where("account_id = ?", account).Scan(ctx, &until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, s.flavor.fault("look how far keys' use is added up", err)
	}
	last, err := s.last(ctx, account)
	if err != nil || last-until < int64(n) {
		return false, s.flavor.fault("look for keys' use", err)
	}
	// Read before the transaction: on SQLite nobody writes meanwhile, and events
	// that are there do not change.
	var rows []keyDayRow
	if err := s.told(account, until, until+int64(n)).Where("v.key_id <> ''").Scan(ctx, &rows); err != nil {
		return false, s.flavor.fault("add up what keys used", err)
	}
	err = s.atomically(ctx, "note what keys used", func(ctx context.Context, db bun.IDB) error { return note(ctx, db, account, until, int64(n), rows) })
	return err == nil, err
}

// note moves up to where events are added up, and writes their sums, unless
// another server has done so meanwhile.
func note(ctx context.Context, db bun.IDB, account string, until, n int64, rows []keyDayRow) error {
	moved, err := db.NewRaw("INSERT INTO key_usage_until (account_id, until) VALUES (?, ?)"+
		" ON CONFLICT (account_id) DO UPDATE SET until = excluded.until WHERE key_usage_until.until = ?", account, until+n, until).Exec(ctx)
	if err != nil {
		return err
	}
	if count, err := moved.RowsAffected(); err != nil || count == 0 || len(rows) == 0 {
		return err
	}
	q := db.NewInsert().Model(&rows).On("CONFLICT (account_id, key_id, day) DO UPDATE")
	for _, sum := range []string{"requests", "input", "cached", "output", "debited"} {
		q = q.Set("? = ?.? + excluded.?", bun.Ident(sum), bun.Ident("d"), bun.Ident(sum), bun.Ident(sum))
	}
	_, err = q.Exec(ctx)
	return err
}
