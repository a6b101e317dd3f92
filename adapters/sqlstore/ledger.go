package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// errSums means that a caller asked for more than MaxSums entries at once.
var errSums = errors.New("too many entries to sum in one statement")

// books implements store.Ledger.
type books struct{ aggregates }

func (s books) Lots(ctx context.Context, account string) ([]ledger.Lot, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	var rows []row.Lot
	if err := s.reads.NewSelect().Model(&rows).Where("l.account_id = ?", account).Order("l.expires_at", "l.granted_at", "l.id").Scan(ctx); err != nil {
		return nil, s.flavor.fault("read lots", err)
	}
	return each(rows, (*row.Lot).Lot), nil
}

func (s books) Entries(ctx context.Context, account string, after int64, limit int) ([]ledger.Entry, error) {
	return s.entries(ctx, account, limit, "seq", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("e.seq > ?", after) })
}

func (s books) EntriesBefore(ctx context.Context, account string, before int64, limit int) ([]ledger.Entry, error) {
	return s.entries(ctx, account, limit, "seq DESC", func(q *bun.SelectQuery) *bun.SelectQuery {
		if before == 0 {
			return q
		}
		return q.Where("e.seq < ?", before)
	})
}

func (s books) entries(ctx context.Context, account string, limit int, order string, where func(*bun.SelectQuery) *bun.SelectQuery) ([]ledger.Entry, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	var parts []any
	for _, table := range dated.tables {
		q := s.reads.NewSelect().Model((*row.Entry)(nil)).ModelTableExpr(table+" AS e").Where("e.account_id = ?", account)
		parts = append(parts, where(q).Order("e."+order).Limit(size(limit)))
	}
	var rows []row.Entry
	if err := inOrder(s.reads, order, limit, parts...).Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("read entries", err)
	}
	return each(rows, (*row.Entry).Entry), nil
}

// allEntries and allEvents are what the tables and the holds tell (row.Spend).
const (
	allEntries = "all_entries AS e"
	allEvents  = "all_events AS v"
)

// dated are the entries whose dates follow their sequence.
var dated = timeline{tables: [2]string{"entries", "spend_entries"}, rows: "x.kind <> '" + string(ledger.EntryExpiry) + "'"}

func (s books) FirstSince(ctx context.Context, account string, t time.Time) (int64, error) {
	if err := s.check(ctx, account); err != nil {
		return 0, err
	}
	var last int64
	err := s.reads.NewSelect().Model((*accountRow)(nil)).Column("entry_seq").Where("a.id = ?", account).Scan(ctx, &last)
	if err != nil {
		return 0, s.flavor.fault("find a date's first entry", err)
	}
	seq, err := dated.first(ctx, s.reads, account, last, row.Micros(t))
	return seq, s.flavor.fault("find a date's first entry", err)
}

func (s books) Sums(ctx context.Context, account string, after, until int64, from, to time.Time) ([]store.EntrySum, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	if until-after > store.MaxSums {
		return nil, errSums
	}
	var rows []struct {
		Kind   string `bun:"kind"`
		Dated  int    `bun:"dated"`
		Amount int64  `bun:"amount"`
		Lines  int64  `bun:"lines"`
	}
	if err := s.reads.NewSelect().Model((*row.Entry)(nil)).ModelTableExpr(allEntries).Column("kind").
		ColumnExpr("CASE WHEN e.at < ? THEN -1 WHEN e.at < ? THEN 0 ELSE 1 END AS dated", row.Micros(from), row.Micros(to)).
		ColumnExpr("CAST(SUM(e.amount) AS BIGINT) AS amount").ColumnExpr("COUNT(*) AS lines").
		Where("e.account_id = ?", account).Where("e.seq > ?", after).Where("e.seq <= ?", until).
		GroupExpr("1, 2").OrderExpr("1, 2").Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("sum entries", err)
	}
	out := make([]store.EntrySum, len(rows))
	for i, r := range rows {
		out[i] = store.EntrySum{Kind: ledger.EntryKind(r.Kind), Dated: store.Dated(r.Dated), Amount: r.Amount, Lines: r.Lines}
	}
	return out, nil
}

func (s books) Hold(ctx context.Context, account, request string) (ledger.Hold, error) {
	if err := s.check(ctx, account, request); err != nil {
		return ledger.Hold{}, err
	}
	var r row.Hold
	if err := s.reads.NewSelect().Model(&r).Where("h.request_id = ?", request).Where("h.account_id = ?", account).Scan(ctx); err != nil {
		return ledger.Hold{}, s.flavor.fault("read a hold", err)
	}
	return r.Hold()
}

// heldRow is a hold with the debits of its request.
type heldRow struct {
	row.Hold `bun:",extend"`

	Debits int64 `bun:"debits,scanonly"`
}

func (s books) Holds(ctx context.Context, p store.Page) ([]store.HeldDebit, error) {
	if err := s.check(ctx, p.After); err != nil {
		return nil, err
	}
	var rows []heldRow
	q := s.reads.NewSelect().Model(&rows).ColumnExpr(row.HoldColumns)
	// Some columns are written as expressions, so that each database takes the
	// one index that is meant: a request's debits are few, an account's entries
	// many.
	q = q.ColumnExpr("COALESCE(CASE WHEN h.entry_seq IS NULL THEN (SELECT CAST(-SUM(e.amount) AS BIGINT) FROM entries AS e" +
		" WHERE e.request_id = h.request_id AND e.account_id || '' = h.account_id AND e.kind = 'debit') ELSE h.debited END, 0) AS debits")
	if err := q.Where("h.request_id > ?", p.After).Order("h.request_id").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list holds", err)
	}
	out := make([]store.HeldDebit, len(rows))
	for i := range rows {
		h, err := rows[i].Hold.Hold()
		if err != nil {
			return nil, err
		}
		out[i] = store.HeldDebit{Hold: h, Debits: rows[i].Debits}
	}
	return out, nil
}

func (s books) Unheld(ctx context.Context, account string, after, until int64) ([]ledger.Entry, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	if until-after > store.MaxSums {
		return nil, errSums
	}
	var rows []row.Entry
	if err := s.reads.NewSelect().Model(&rows).Where("e.account_id = ?", account).Where("e.seq > ?", after).Where("e.seq <= ?", until).
		Where("e.kind || '' = ?", string(ledger.EntryDebit)).
		Where("NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.request_id = e.request_id AND h.account_id = e.account_id AND h.state = ?)", string(ledger.HoldSettled)).
		Order("e.seq").Scan(ctx); err != nil {
		return nil, s.flavor.fault("look for debits without a hold", err)
	}
	return each(rows, (*row.Entry).Entry), nil
}

func (s books) OpenHolds(ctx context.Context, replica string, expired bool, limit int) ([]ledger.Hold, error) {
	if err := s.check(ctx, replica); err != nil {
		return nil, err
	}
	var rows []row.Hold
	q := s.reads.NewSelect().Model(&rows).Join("JOIN open_holds AS o ON o.request_id = h.request_id").
		Where("o.replica_id = ?", replica).Where("h.state = ?", string(ledger.HoldOpen))
	if expired {
		q = q.Where("h.deadline <= ?", s.flavor.now())
	}
	if err := q.Order("h.opened_at", "h.request_id").Limit(size(limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list open holds", err)
	}
	return holdsOf(rows)
}

func (s books) OpenHoldsOf(ctx context.Context, account string, p store.Page) ([]ledger.Hold, error) {
	if err := s.check(ctx, account, p.After); err != nil {
		return nil, err
	}
	var rows []row.Hold
	// By what is open, wherever: the account's own holds may be many.
	if err := s.reads.NewSelect().Model(&rows).Join("JOIN open_holds AS o ON o.request_id = h.request_id").
		Where("h.account_id = ?", account).Where("h.state = ?", string(ledger.HoldOpen)).Where("o.request_id || '' > ?", p.After).
		OrderExpr("o.request_id || ''").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list an account's open holds", err)
	}
	return holdsOf(rows)
}

func holdsOf(rows []row.Hold) ([]ledger.Hold, error) {
	out := make([]ledger.Hold, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].Hold(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s books) Expired(ctx context.Context, limit int) ([]string, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var ids []string
	// An expression, so that no index by account is taken for the distinct.
	if err := s.reads.NewSelect().Model((*row.Lot)(nil)).Distinct().ColumnExpr("l.account_id || '' AS id").Where("l.state = 'live'").
		Where("l.expires_at <= ?", s.flavor.now()).Order("id").Limit(size(limit)).Scan(ctx, &ids); err != nil {
		return nil, s.flavor.fault("look for expired lots", err)
	}
	return ids, nil
}

func (s books) Funds(ctx context.Context, accounts []string) ([]store.Funds, error) {
	if err := s.check(ctx, accounts...); err != nil || len(accounts) == 0 {
		return nil, err
	}
	var rows []struct {
		ID        string `bun:"id"`
		Available int64  `bun:"available"`
		Until     int64  `bun:"until"`
	}
	live := bun.Safe("l.state = 'live' AND l.granted_at <= t.now AND l.expires_at > t.now")
	err := s.reads.NewSelect().TableExpr("accounts AS a").ColumnExpr("a.id").
		ColumnExpr("CAST(coalesce(sum(CASE WHEN ? THEN l.remaining - l.held END), 0) AS bigint) AS available", live).
		ColumnExpr("coalesce(min(CASE WHEN ? THEN l.expires_at END), 0) AS until", live).
		Join("CROSS JOIN (SELECT ? AS now) AS t", s.flavor.now()).
		Join("LEFT JOIN lots AS l ON l.account_id = a.id AND (l.state = 'live' OR l.remaining > 0)").
		Where("a.id IN (?)", bun.List(accounts)).Group("a.id").Scan(ctx, &rows)
	if err != nil {
		return nil, s.flavor.fault("read what accounts can spend", err)
	}
	funds := make([]store.Funds, len(rows))
	for i, r := range rows {
		funds[i] = store.Funds{Account: r.ID, Available: r.Available, Until: row.Time(r.Until)}
	}
	return funds, nil
}

// size bounds the length of a list as a page does.
func size(limit int) int64 { return int64(store.Page{Limit: limit}.Size()) }
