package sqlstore

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

type messageRow struct {
	bun.BaseModel `bun:"table:messages,alias:m"`

	ID        string `bun:"id,pk"`
	Account   string `bun:"account_id"`
	Thread    string `bun:"thread_id,pk"`
	Parent    string `bun:"parent"`
	Depth     int64  `bun:"depth"`
	Role      string `bun:"role"`
	Text      string `bun:"text"`
	Turn      string `bun:"turn_id"`
	CreatedAt int64  `bun:"created_at"`
}

func (r *messageRow) message() chat.Message {
	return chat.Message{
		ID: r.ID, Account: r.Account, Thread: r.Thread, Parent: r.Parent, Depth: int(r.Depth), Role: chat.Role(r.Role), Text: r.Text,
		Turn: r.Turn, CreatedAt: row.Time(r.CreatedAt),
	}
}

// messages implements store.Messages.
type messages struct{ aggregates }

// Messages implements store.Stores.
func (a aggregates) Messages() store.Messages { return messages{a} }

func (s messages) Add(ctx context.Context, w store.Whose, m chat.Message) (chat.Message, error) {
	if err := s.check(ctx, w.Account, w.User, m.ID, m.Thread, m.Parent, string(m.Role), m.Text, m.Turn); err != nil {
		return chat.Message{}, err
	}
	r := messageRow{
		ID: m.ID, Account: w.Account, Thread: m.Thread, Parent: m.Parent, Role: string(m.Role), Text: m.Text, Turn: m.Turn, CreatedAt: row.Micros(m.CreatedAt),
	}
	err := s.atomically(ctx, "add a message", func(ctx context.Context, db bun.IDB) error {
		var count int64
		if err := s.flavor.forUpdate(thread(db, w, m.Thread).Column("messages"), "NO KEY UPDATE").Scan(ctx, &count); err != nil {
			return err
		}
		r.Depth = 0
		if m.Parent != "" {
			if err := message(db, m.Thread, m.Parent).Column("depth").Scan(ctx, &r.Depth); err != nil {
				return err
			}
			r.Depth++
		}
		if count >= chat.MaxMessages || r.Depth >= chat.MaxDepth {
			return store.ErrThreadFull
		}
		n, err := s.flavor.words.insert(ctx, db, &r, count, wordsOf(w, m.Text))
		if err == nil && n == 0 {
			err = store.ErrTaken
		}
		if err != nil {
			return err
		}
		_, err = db.NewUpdate().Model((*threadRow)(nil)).Set("messages = ?", count+1).Where("id = ?", m.Thread).Exec(ctx)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	return r.message(), nil
}

// message selects a message of a thread.
func message(db bun.IDB, thread, id string) *bun.SelectQuery {
	return db.NewSelect().Model((*messageRow)(nil)).Where("m.thread_id = ?", thread).Where("m.id = ?", id)
}

func (s messages) Get(ctx context.Context, w store.Whose, thread, id string) (chat.Message, error) {
	if err := s.check(ctx, w.Account, w.User, thread, id); err != nil {
		return chat.Message{}, err
	}
	var r messageRow
	err := s.owned(ctx, s.reads, w, thread)
	if err == nil {
		err = message(s.reads, thread, id).Model(&r).Scan(ctx)
	}
	if err != nil {
		return chat.Message{}, s.flavor.fault("read a message", err)
	}
	return r.message(), nil
}

// Path climbs by IDs and parents alone, each step one lookup, and then reads
// what it came by.
func (s messages) Path(ctx context.Context, w store.Whose, thread, last string, limit int) ([]chat.Message, error) {
	if err := s.check(ctx, w.Account, w.User, thread, last); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = store.DefaultPage
	}
	var ids []string
	err := s.owned(ctx, s.reads, w, thread)
	if err == nil {
		err = s.reads.NewRaw("WITH RECURSIVE up (id, parent, n) AS ("+
			"SELECT m.id, m.parent, 1 FROM messages AS m WHERE m.thread_id = ? AND m.id = ?"+
			" UNION ALL SELECT up.parent, (SELECT m.parent FROM messages AS m WHERE m.thread_id = ? AND m.id = up.parent), up.n + 1"+
			" FROM up WHERE up.parent <> '' AND up.n < ?)"+
			" SELECT id FROM up ORDER BY n", thread, last, thread, min(limit, chat.MaxDepth)).Scan(ctx, &ids)
	}
	if err == nil && len(ids) == 0 {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, s.flavor.fault("climb a path", err)
	}
	out := make([]chat.Message, 0, len(ids))
	for some := range slices.Chunk(ids, store.MaxPage) {
		var rows []messageRow
		if err := s.reads.NewSelect().Model(&rows).Where("m.thread_id = ?", thread).Where("m.id IN (?)", bun.List(some)).Order("m.depth DESC").Scan(ctx); err != nil {
			return nil, s.flavor.fault("read a path", err)
		}
		out = append(out, each(rows, (*messageRow).message)...)
	}
	return out, nil
}

func (s messages) Versions(ctx context.Context, w store.Whose, thread string, parents []string) (map[string][]string, error) {
	if err := s.check(ctx, append([]string{w.Account, w.User, thread}, parents...)...); err != nil {
		return nil, err
	}
	if err := s.owned(ctx, s.reads, w, thread); err != nil {
		return nil, s.flavor.fault("read versions", err)
	}
	out := make(map[string][]string, len(parents))
	for some := range slices.Chunk(parents, store.MaxPage) {
		var rows []messageRow
		if err := s.reads.NewSelect().Model(&rows).Column("parent", "id").Where("m.thread_id = ?", thread).Where("m.parent IN (?)", bun.List(some)).
			Order("m.parent", "m.id").Scan(ctx); err != nil {
			return nil, s.flavor.fault("read versions", err)
		}
		for i := range rows {
			out[rows[i].Parent] = append(out[rows[i].Parent], rows[i].ID)
		}
	}
	return out, nil
}

func (s messages) Leaf(ctx context.Context, w store.Whose, thread, id string) (string, error) {
	if err := s.check(ctx, w.Account, w.User, thread, id); err != nil {
		return "", err
	}
	var leaf string
	err := s.owned(ctx, s.reads, w, thread)
	if err == nil {
		err = s.reads.NewRaw("WITH RECURSIVE down (id, n) AS ("+
			"SELECT m.id, 1 FROM messages AS m WHERE m.thread_id = ? AND m.id = ?"+
			" UNION ALL SELECT (SELECT max(m.id) FROM messages AS m WHERE m.thread_id = ? AND m.parent = down.id), down.n + 1"+
			" FROM down WHERE down.id IS NOT NULL)"+
			" SELECT id FROM down WHERE id IS NOT NULL ORDER BY n DESC LIMIT 1", thread, id, thread).Scan(ctx, &leaf)
	}
	return leaf, s.flavor.fault("follow a path", err)
}

func (s messages) All(ctx context.Context, w store.Whose, thread string, p store.Page) ([]chat.Message, error) {
	if err := s.check(ctx, w.Account, w.User, thread, p.After); err != nil {
		return nil, err
	}
	var rows []messageRow
	err := s.owned(ctx, s.reads, w, thread)
	if err == nil {
		err = s.reads.NewSelect().Model(&rows).Where("m.thread_id = ?", thread).Where("m.id > ?", p.After).Order("m.id").Limit(size(p.Limit)).Scan(ctx)
	}
	if err != nil {
		return nil, s.flavor.fault("read messages", err)
	}
	return each(rows, (*messageRow).message), nil
}
