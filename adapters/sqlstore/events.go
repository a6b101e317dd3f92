package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// events implements store.Events.
type events struct{ aggregates }

func (s events) Append(ctx context.Context, list ...audit.Event) error {
	rows := make([]row.Event, len(list))
	for i, e := range list {
		if err := s.check(ctx, e.ID, e.Account, string(e.Kind), string(e.Actor.Kind), e.Actor.ID, e.Area, e.Request, e.Key, e.Reason, e.Subject, e.Model); err != nil {
			return err
		}
		rows[i] = row.OfEvent(e)
		rows[i].Seq = 0
	}
	if len(rows) == 0 {
		return s.check(ctx)
	}
	// Accounts are locked in the order in which everybody locks them.
	slices.SortStableFunc(rows, func(a, b row.Event) int { return strings.Compare(a.Account, b.Account) })
	return s.atomically(ctx, "append events", func(ctx context.Context, db bun.IDB) error {
		for first := 0; first < len(rows); {
			account, n := rows[first].Account, 1
			for first+n < len(rows) && rows[first+n].Account == account {
				n++
			}
			if account != "" {
				var last int64
				if err := db.NewRaw("UPDATE accounts SET event_seq = event_seq + ? WHERE id = ? RETURNING event_seq", n, account).Scan(ctx, &last); err != nil {
					return err
				}
				for i := range n {
					rows[first+i].Seq = last - int64(n-1-i)
				}
			}
			first += n
		}
		_, err := db.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
}

func (s events) List(ctx context.Context, q store.EventQuery) ([]audit.Event, error) {
	texts := []string{q.Account, q.Key, q.Request}
	for _, k := range q.Kinds {
		texts = append(texts, string(k))
	}
	if err := s.check(ctx, texts...); err != nil {
		return nil, err
	}
	if q.Account == "" {
		return nil, nil // those of no account are Unowned's
	}
	parts := s.byKind(q)
	switch {
	case q.Request != "":
		parts = s.byRequest(q)
	case parts == nil:
		parts = s.pages(q, q.Kinds)
	}
	var rows []row.Event
	if err := inOrder(s.reads, "seq DESC", q.Limit, parts...).Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("list events", err)
	}
	return each(rows, (*row.Event).Event), nil
}

// common is the kind that every request leaves behind. The indexes events_kind
// and events_of_request know all others, so that finding them does not read past
// it, and requests do not pay for it. A request has one of it, which its hold
// knows.
const common = audit.UsageDebited

// byKind returns a query for each kind that q asks for, nil if it asks for all
// or for the common one.
func (s events) byKind(q store.EventQuery) (parts []any) {
	if slices.Contains(q.Kinds, common) {
		return nil
	}
	for _, kind := range q.Kinds {
		parts = append(parts, s.page("events", q, []audit.Kind{kind}).Where("v.kind <> ?", string(common)))
	}
	return parts
}

// pages are pages of events of the kinds, from wherever they are told.
func (s events) pages(q store.EventQuery, kinds []audit.Kind) (parts []any) {
	for _, table := range told.tables {
		parts = append(parts, s.page(table, q, kinds))
	}
	return parts
}

// page is a page of events of the kinds. What the partial indexes ask for is
// said in their words: SQLite does not infer it.
func (s events) page(table string, q store.EventQuery, kinds []audit.Kind) *bun.SelectQuery {
	return s.narrowed(s.reads.NewSelect().Model((*row.Event)(nil)).ModelTableExpr(table+" AS v").Where("v.account_id = ?", q.Account).Where("v.account_id <> ''"), q, kinds)
}

// byRequest returns queries for the events of a request: that of its debit, all
// others, and that of a spend. An expression keeps an index out: a request has
// few events.
func (s events) byRequest(q store.EventQuery) []any {
	hold := s.reads.NewSelect().TableExpr("holds AS h").Column("h.debited_by").Where("h.request_id = ?", q.Request).Where("h.account_id = ?", q.Account)
	debit := s.page("events", q, q.Kinds).Where("v.seq = (?)", hold).Where("v.request_id || '' = ?", q.Request).Where("v.kind = ?", string(common))
	others := s.reads.NewSelect().Model((*row.Event)(nil)).Where("v.request_id = ?", q.Request).Where("v.request_id <> ''").
		Where("v.kind <> ?", string(common)).Where("v.account_id || '' = ?", q.Account)
	spend := s.reads.NewSelect().Model((*row.Event)(nil)).ModelTableExpr("spend_events AS v").Where("v.request_id = ?", q.Request).
		Where("v.account_id || '' = ?", q.Account)
	return []any{debit, s.narrowed(others, q, q.Kinds), s.narrowed(spend, q, q.Kinds)}
}

// narrowed adds to a query what else q asks for.
func (s events) narrowed(sel *bun.SelectQuery, q store.EventQuery, kinds []audit.Kind) *bun.SelectQuery {
	switch len(kinds) {
	case 0:
	case 1:
		sel = sel.Where("v.kind = ?", string(kinds[0]))
	default:
		sel = sel.Where("v.kind IN (?)", bun.List(kinds))
	}
	if q.Key != "" {
		sel = sel.Where("v.key_id = ?", q.Key)
	}
	if !q.Since.IsZero() {
		sel = sel.Where("v.at >= ?", row.Micros(q.Since))
	}
	if !q.Until.IsZero() {
		sel = sel.Where("v.at < ?", row.Micros(q.Until))
	}
	if q.Before > 0 {
		sel = sel.Where("v.seq < ?", q.Before)
	}
	if q.After > 0 {
		sel = sel.Where("v.seq > ?", q.After)
	}
	return sel.Order("v.seq DESC").Limit(size(q.Limit))
}

// drift is how far the dates of two events may contradict their sequence: the
// server that wrote each has a clock of its own.
const drift = time.Hour

var told = timeline{tables: [2]string{"events", "spend_events"}, rows: "x.account_id <> ''"}

func (s events) Span(ctx context.Context, account string, since, until time.Time) (after, before int64, err error) {
	if err := s.check(ctx, account); err != nil {
		return 0, 0, err
	}
	var last int64
	err = s.reads.NewSelect().Model((*accountRow)(nil)).Column("event_seq").Where("a.id = ?", account).Scan(ctx, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 1, nil
	}
	before = last + 1
	if err == nil && !until.IsZero() {
		before, err = told.first(ctx, s.reads, account, last, row.Micros(until.Add(2*drift)))
	}
	if err == nil && !since.IsZero() {
		after, err = told.first(ctx, s.reads, account, before-1, row.Micros(since.Add(-2*drift)))
		after--
	}
	return after, before, s.flavor.fault("find dates among events", err)
}

func (s events) Unowned(ctx context.Context, p store.Page) ([]audit.Event, error) {
	if err := s.check(ctx, p.After); err != nil {
		return nil, err
	}
	var rows []row.Event
	sel := s.reads.NewSelect().Model(&rows).Where("v.account_id = ''")
	if p.After != "" {
		sel = sel.Where("v.id < ?", p.After)
	}
	if err := sel.Order("v.id DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list events of no account", err)
	}
	return each(rows, (*row.Event).Event), nil
}
