package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

type promptRow struct {
	bun.BaseModel `bun:"table:prompts,alias:p"`

	ID        string `bun:"id,pk"`
	Account   string `bun:"account_id"`
	User      string `bun:"user_id"`
	Title     string `bun:"title"`
	Text      string `bun:"text"`
	CreatedAt int64  `bun:"created_at"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *promptRow) prompt() chat.Prompt {
	return chat.Prompt{
		ID: r.ID, Account: r.Account, User: r.User, Title: r.Title, Text: r.Text, CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt),
	}
}

// prompts implements store.Prompts.
type prompts struct{ aggregates }

// Prompts implements store.Stores.
func (a aggregates) Prompts() store.Prompts { return prompts{a} }

func (s prompts) Create(ctx context.Context, p chat.Prompt) error {
	if err := s.check(ctx, p.ID, p.Account, p.User, p.Title, p.Text); err != nil {
		return err
	}
	return s.insert(ctx, "save a prompt", &promptRow{
		ID: p.ID, Account: p.Account, User: p.User, Title: p.Title, Text: p.Text, CreatedAt: row.Micros(p.CreatedAt), UpdatedAt: row.Micros(p.UpdatedAt),
	})
}

func (s prompts) List(ctx context.Context, w store.Whose) ([]chat.Prompt, error) {
	if err := s.check(ctx, w.Account, w.User); err != nil {
		return nil, err
	}
	var rows []promptRow
	if err := s.reads.NewSelect().Model(&rows).Where("p.account_id = ?", w.Account).Where("p.user_id = ?", w.User).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list prompts", err)
	}
	out := each(rows, (*promptRow).prompt)
	slices.SortFunc(out, func(a, b chat.Prompt) int {
		return cmp.Or(cmp.Compare(fold(a.Title), fold(b.Title)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (s prompts) Change(ctx context.Context, w store.Whose, p chat.Prompt) error {
	if err := s.check(ctx, w.Account, w.User, p.ID, p.Title, p.Text); err != nil {
		return err
	}
	res, err := s.writes.NewUpdate().Model((*promptRow)(nil)).Set("title = ?", p.Title).Set("text = ?", p.Text).Set("updated_at = ?", row.Micros(p.UpdatedAt)).
		Where("id = ?", p.ID).Where("account_id = ?", w.Account).Where("user_id = ?", w.User).Exec(ctx)
	return s.one("change a prompt", res, err)
}

func (s prompts) Delete(ctx context.Context, w store.Whose, id string) error {
	if err := s.check(ctx, w.Account, w.User, id); err != nil {
		return err
	}
	res, err := s.writes.NewDelete().Model((*promptRow)(nil)).Where("id = ?", id).Where("account_id = ?", w.Account).Where("user_id = ?", w.User).Exec(ctx)
	return s.one("delete a prompt", res, err)
}

type draftRow struct {
	bun.BaseModel `bun:"table:drafts,alias:d"`

	Account   string `bun:"account_id,pk"`
	User      string `bun:"user_id,pk"`
	Thread    string `bun:"thread_id,pk"`
	Text      string `bun:"text"`
	UpdatedAt int64  `bun:"updated_at"`
}

// drafts implements store.Drafts.
type drafts struct{ aggregates }

// Drafts implements store.Stores.
func (a aggregates) Drafts() store.Drafts { return drafts{a} }

func (s drafts) Get(ctx context.Context, w store.Whose, thread string) (string, error) {
	if err := s.check(ctx, w.Account, w.User, thread); err != nil {
		return "", err
	}
	if thread != "" {
		if err := s.owned(ctx, s.reads, w, thread); err != nil {
			return "", s.flavor.fault("read a draft", err)
		}
	}
	var text string
	err := s.reads.NewSelect().Model((*draftRow)(nil)).Column("text").
		Where("d.account_id = ?", w.Account).Where("d.user_id = ?", w.User).Where("d.thread_id = ?", thread).Scan(ctx, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, s.flavor.fault("read a draft", err)
}

func (s drafts) Put(ctx context.Context, w store.Whose, id, text string, at time.Time) error {
	if err := s.check(ctx, w.Account, w.User, id, text); err != nil {
		return err
	}
	return s.atomically(ctx, "write a draft", func(ctx context.Context, db bun.IDB) error {
		if id != "" {
			var found string // held, so that it is not wiped meanwhile
			if err := s.flavor.forUpdate(thread(db, w, id).Column("id"), "KEY SHARE").Scan(ctx, &found); err != nil {
				return err
			}
		}
		if text == "" {
			_, err := db.NewDelete().Model((*draftRow)(nil)).Where("account_id = ?", w.Account).Where("user_id = ?", w.User).Where("thread_id = ?", id).Exec(ctx)
			return err
		}
		_, err := db.NewInsert().Model(&draftRow{Account: w.Account, User: w.User, Thread: id, Text: text, UpdatedAt: row.Micros(at)}).
			On("CONFLICT (account_id, user_id, thread_id) DO UPDATE").Set("text = EXCLUDED.text").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		return err
	})
}
