package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

type threadRow struct {
	bun.BaseModel `bun:"table:threads,alias:t"`

	ID           string `bun:"id,pk"`
	Account      string `bun:"account_id"`
	User         string `bun:"user_id"`
	Title        string `bun:"title"`
	TitleKey     string `bun:"title_key"`
	Named        bool   `bun:"named"`
	Instructions string `bun:"instructions"`
	Model        string `bun:"model"`
	Head         string `bun:"head"`
	Messages     int64  `bun:"messages"`
	PinnedAt     int64  `bun:"pinned_at"`
	ArchivedAt   int64  `bun:"archived_at"`
	DeletedAt    int64  `bun:"deleted_at"`
	CreatedAt    int64  `bun:"created_at"`
	UpdatedAt    int64  `bun:"updated_at"`

	Running string `bun:"running,scanonly"`
}

func (r *threadRow) thread() chat.Thread {
	return chat.Thread{
		ID: r.ID, Account: r.Account, User: r.User, Title: r.Title, Named: r.Named, Instructions: r.Instructions, Model: r.Model, Head: r.Head,
		Messages: int(r.Messages), PinnedAt: row.Time(r.PinnedAt), ArchivedAt: row.Time(r.ArchivedAt), DeletedAt: row.Time(r.DeletedAt),
		CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt), Running: r.Running,
	}
}

// threads implements store.Threads.
type threads struct{ aggregates }

// Threads implements store.Stores.
func (a aggregates) Threads() store.Threads { return threads{a} }

func (s threads) Create(ctx context.Context, t chat.Thread) error {
	if err := s.check(ctx, t.ID, t.Account, t.User, t.Title, t.Instructions, t.Model, t.Head); err != nil {
		return err
	}
	return s.insert(ctx, "create a thread", &threadRow{
		ID: t.ID, Account: t.Account, User: t.User, Title: t.Title, TitleKey: fold(t.Title), Named: t.Named, Instructions: t.Instructions,
		Model: t.Model, Head: t.Head, PinnedAt: row.Micros(t.PinnedAt), ArchivedAt: row.Micros(t.ArchivedAt), DeletedAt: row.Micros(t.DeletedAt),
		CreatedAt: row.Micros(t.CreatedAt), UpdatedAt: row.Micros(t.UpdatedAt),
	})
}

// whole adds what a thread is to a query of threads t.
func whole(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("?TableColumns").
		ColumnExpr("COALESCE((SELECT r.id FROM turns AS r WHERE r.account_id = t.account_id AND r.user_id = t.user_id" +
			" AND r.thread_id = t.id AND r.state = 'running'), '') AS running")
}

func (s threads) Get(ctx context.Context, w store.Whose, id string) (chat.Thread, error) {
	if err := s.check(ctx, w.Account, w.User, id); err != nil {
		return chat.Thread{}, err
	}
	var r threadRow
	if err := whole(thread(s.reads, w, id)).Model(&r).Scan(ctx); err != nil {
		return chat.Thread{}, s.flavor.fault("read a thread", err)
	}
	return r.thread(), nil
}

var viewNumbers = map[store.ThreadView]int{store.ThreadsActive: 0, store.ThreadsArchived: 1, store.ThreadsDeleted: 2}

func (s threads) List(ctx context.Context, q store.ThreadQuery) ([]chat.Thread, error) {
	if err := s.check(ctx, q.Account, q.User, q.Text, q.After); err != nil {
		return nil, err
	}
	after, err := store.ParseThreadCursor(q.After)
	if err != nil {
		return nil, err
	}
	list := func() *bun.SelectQuery { // as often as it is needed: a query is built once
		list := s.reads.NewSelect().Model((*threadRow)(nil)).Where("t.account_id = ?", q.Account).Where("t.user_id = ?", q.User).
			Where("t.view = ?", viewNumbers[q.View]).Order("t.pinned DESC", "t.updated_at DESC", "t.id DESC")
		if q.After != "" {
			list = list.Where("(t.pinned, t.updated_at, t.id) < (?, ?, ?)", pinned(after), row.Micros(after.UpdatedAt), after.ID)
		}
		return list
	}
	page := func(q *bun.SelectQuery, limit int64) (rows []threadRow, err error) {
		err = whole(q).Model(&rows).Limit(limit).Scan(ctx)
		return rows, s.flavor.fault("list threads", err)
	}
	limit := size(q.Limit)
	text := strings.TrimSpace(q.Text)
	if text == "" {
		rows, err := page(list(), limit)
		return each(rows, (*threadRow).thread), err
	}
	text, words := fold(text), sought(q.Whose, text)
	if near := s.flavor.words.near(s.reads, list(), text, words); near != nil && len(words) > 0 {
		rows, err := page(near.Order("t.pinned DESC", "t.updated_at DESC", "t.id DESC"), limit)
		if err != nil || int64(len(rows)) == limit {
			return each(rows, (*threadRow).thread), err
		}
	}
	rows, err := page(s.flavor.words.titled(list(), text, words), limit)
	return each(rows, (*threadRow).thread), err
}

func pinned(t chat.Thread) int {
	if t.PinnedAt.IsZero() {
		return 0
	}
	return 1
}

func (s threads) Change(ctx context.Context, w store.Whose, id string, c store.ThreadChange) error {
	texts := []string{w.Account, w.User, id}
	q := s.writes.NewUpdate().Model((*threadRow)(nil)).Where("id = ?", id).Where("account_id = ?", w.Account).Where("user_id = ?", w.User).Set("messages = messages")
	for _, text := range []struct {
		column string
		to     *string
	}{{"title", c.Title}, {"instructions", c.Instructions}, {"model", c.Model}, {"head", c.Head}} {
		if text.to != nil {
			q = q.Set("? = ?", bun.Ident(text.column), *text.to)
			texts = append(texts, *text.to)
		}
	}
	for _, at := range []struct {
		column string
		to     *time.Time
	}{{"pinned_at", c.PinnedAt}, {"archived_at", c.ArchivedAt}, {"deleted_at", c.DeletedAt}, {"updated_at", c.UpdatedAt}} {
		if at.to != nil {
			q = q.Set("? = ?", bun.Ident(at.column), row.Micros(*at.to))
		}
	}
	if c.Title != nil {
		q = q.Set("title_key = ?", fold(*c.Title))
	}
	if c.Named != nil {
		q = q.Set("named = ?", *c.Named)
	}
	if err := s.check(ctx, texts...); err != nil {
		return err
	}
	res, err := q.Exec(ctx)
	return s.one("change a thread", res, err)
}

func (s threads) Count(ctx context.Context, w store.Whose) (int, error) {
	if err := s.check(ctx, w.Account, w.User); err != nil {
		return 0, err
	}
	n, err := s.reads.NewSelect().Model((*threadRow)(nil)).Where("t.account_id = ?", w.Account).Where("t.user_id = ?", w.User).Count(ctx)
	return int(n), s.flavor.fault("count threads", err)
}

func (s threads) Wipe(ctx context.Context, before time.Time, limit int) (more bool, err error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	err = s.atomically(ctx, "wipe threads", func(ctx context.Context, db bun.IDB) error {
		var ids []string
		q := db.NewSelect().Model((*threadRow)(nil)).Column("id").Where("t.deleted_at > 0").Where("t.deleted_at < ?", row.Micros(before)).
			Order("t.deleted_at", "t.id").Limit(size(limit))
		if err := s.flavor.forUpdate(q, "UPDATE").Scan(ctx, &ids); err != nil {
			return err
		}
		more = int64(len(ids)) == size(limit)
		if len(ids) == 0 {
			return nil
		}
		if err := s.flavor.words.forget(ctx, db, ids); err != nil {
			return err
		}
		for _, statement := range []string{
			"DELETE FROM turn_pieces WHERE turn_id IN (SELECT id FROM turns WHERE thread_id IN (?))",
			"DELETE FROM turns WHERE thread_id IN (?)",
			"DELETE FROM messages WHERE thread_id IN (?)",
			"DELETE FROM drafts WHERE (account_id, user_id, thread_id) IN (SELECT account_id, user_id, id FROM threads WHERE id IN (?))",
			"DELETE FROM threads WHERE id IN (?)",
		} {
			if _, err := db.NewRaw(statement, bun.List(ids)).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return more && err == nil, err
}

// owned fails where a member has no such thread.
func (a aggregates) owned(ctx context.Context, db bun.IDB, w store.Whose, id string) error {
	var found string
	return thread(db, w, id).Column("id").Scan(ctx, &found)
}

// thread selects a member's thread.
func thread(db bun.IDB, w store.Whose, id string) *bun.SelectQuery {
	return db.NewSelect().Model((*threadRow)(nil)).Where("t.id = ?", id).Where("t.account_id = ?", w.Account).Where("t.user_id = ?", w.User)
}
