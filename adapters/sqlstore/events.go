package sqlstore

import (
	"context"
	"slices"
	"strings"

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
	var rows []row.Event
	// What the partial indexes ask for is said in their words: SQLite does not infer it.
	sel := s.reads.NewSelect().Model(&rows)
	if q.Request == "" {
		sel = sel.Where("v.account_id = ?", q.Account).Where("v.account_id <> ''")
	} else { // an expression keeps the account's index out: a request has few events
		sel = sel.Where("v.request_id = ?", q.Request).Where("v.request_id <> ''").Where("v.account_id || '' = ?", q.Account)
	}
	if len(q.Kinds) > 0 {
		sel = sel.Where("v.kind IN (?)", bun.List(q.Kinds))
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
	if err := sel.Order("v.seq DESC").Limit(size(q.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list events", err)
	}
	return each(rows, (*row.Event).Event), nil
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
