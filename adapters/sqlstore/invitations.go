package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

type invitationRow struct {
	bun.BaseModel `bun:"table:invitations,alias:n"`

	ID        string `bun:"id,pk"`
	AccountID string `bun:"account_id"`
	Hash      []byte `bun:"token_hash"`
	Email     string `bun:"email"`
	EmailKey  string `bun:"email_key"`
	Role      string `bun:"role"`
	By        string `bun:"invited_by"`
	CreatedAt int64  `bun:"created_at"`
	ExpiresAt int64  `bun:"expires_at"`
	State     string `bun:"state"`
	EndedAt   int64  `bun:"ended_at"`
	User      string `bun:"user_id"`
}

func (r *invitationRow) invitation() store.Invitation {
	v := store.Invitation{
		ID: r.ID, Account: r.AccountID, Email: r.Email, Role: access.Role(r.Role), By: r.By, CreatedAt: row.Time(r.CreatedAt),
		ExpiresAt: row.Time(r.ExpiresAt), State: store.InvitationState(r.State), EndedAt: row.Time(r.EndedAt), User: r.User,
	}
	copy(v.Hash[:], r.Hash)
	return v
}

// invitations implements store.Invitations.
type invitations struct{ aggregates }

// Invitations implements store.Stores.
func (a aggregates) Invitations() store.Invitations { return invitations{a} }

func (s invitations) Create(ctx context.Context, v store.Invitation) error {
	if err := s.check(ctx, v.ID, v.Account, v.Email, string(v.Role), v.By); err != nil {
		return err
	}
	r := invitationRow{
		ID: v.ID, AccountID: v.Account, Hash: v.Hash[:], Email: v.Email, EmailKey: access.FoldEmail(v.Email), Role: string(v.Role), By: v.By,
		CreatedAt: row.Micros(v.CreatedAt), ExpiresAt: row.Micros(v.ExpiresAt), State: string(store.InvitationOpen),
	}
	return s.insert(ctx, "create an invitation", &r)
}

func (s invitations) one(ctx context.Context, what string, where func(*bun.SelectQuery) *bun.SelectQuery) (store.Invitation, error) {
	var r invitationRow
	if err := where(s.reads.NewSelect().Model(&r)).Scan(ctx); err != nil {
		return store.Invitation{}, s.flavor.fault(what, err)
	}
	return r.invitation(), nil
}

func (s invitations) Get(ctx context.Context, account, id string) (store.Invitation, error) {
	if err := s.check(ctx, account, id); err != nil {
		return store.Invitation{}, err
	}
	return s.one(ctx, "read an invitation", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("n.id = ?", id).Where("n.account_id = ?", account)
	})
}

func (s invitations) ByHash(ctx context.Context, h store.InvitationHash) (store.Invitation, error) {
	if err := s.check(ctx); err != nil {
		return store.Invitation{}, err
	}
	return s.one(ctx, "look up an invitation", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("n.token_hash = ?", h[:]) })
}

func (s invitations) To(ctx context.Context, account, email string) (store.Invitation, error) {
	if err := s.check(ctx, account, email); err != nil {
		return store.Invitation{}, err
	}
	return s.one(ctx, "look for an invitation", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("n.account_id = ?", account).Where("n.email_key = ?", access.FoldEmail(email)).Where("n.state = 'open'")
	})
}

func (s invitations) List(ctx context.Context, account string, p store.Page) ([]store.Invitation, error) {
	if err := s.check(ctx, account, p.After); err != nil {
		return nil, err
	}
	var rows []invitationRow
	q := s.reads.NewSelect().Model(&rows).Where("n.account_id = ?", account)
	if p.After != "" {
		q = q.Where("n.id < ?", p.After)
	}
	if err := q.Order("n.id DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list invitations", err)
	}
	return each(rows, (*invitationRow).invitation), nil
}

func (s invitations) Open(ctx context.Context, account string, now time.Time) (int64, error) {
	if err := s.check(ctx, account); err != nil {
		return 0, err
	}
	n, err := s.reads.NewSelect().Model((*invitationRow)(nil)).Where("n.account_id = ?", account).Where("n.state = 'open'").
		Where("n.expires_at > ?", row.Micros(now)).Count(ctx)
	return n, s.flavor.fault("count invitations", err)
}

func (s invitations) End(ctx context.Context, v store.Invitation, to store.InvitationState, at time.Time, user string) (bool, error) {
	if err := s.check(ctx, v.ID, v.Account, string(to), user); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewUpdate().Model((*invitationRow)(nil)).Set("state = ?", string(to)).Set("ended_at = ?", row.Micros(at)).Set("user_id = ?", user).
		Where("id = ?", v.ID).Where("account_id = ?", v.Account).Where("state = 'open'").Exec(ctx))
	if err != nil || n > 0 {
		return n > 0, s.flavor.fault("end an invitation", err)
	}
	_, err = s.Get(ctx, v.Account, v.ID) // there, and over, or not there
	return false, err
}

func (s invitations) Forget(ctx context.Context, before time.Time, limit int) (bool, error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewRaw("DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE ended_at > 0 AND ended_at < ?"+
		" UNION ALL SELECT id FROM invitations WHERE state = 'open' AND expires_at < ? LIMIT ?)", row.Micros(before), row.Micros(before), size(limit)).Exec(ctx))
	return n == size(limit), s.flavor.fault("forget invitations", err)
}
