package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`

	ID        string `bun:"id,pk"`
	Hash      []byte `bun:"token_hash"`
	AccountID string `bun:"account_id"`
	User      string `bun:"user_id"`
	Role      string `bun:"role"`
	UserRule  string `bun:"user_rule"`
	Groups    string `bun:"groups"`
	CreatedAt int64  `bun:"created_at"`
	SeenAt    int64  `bun:"seen_at"`
	ExpiresAt int64  `bun:"expires_at"`
	EndedAt   int64  `bun:"ended_at"`
	EndReason string `bun:"end_reason"`
	Operator  bool   `bun:"operator"`

	Account *accountRow `bun:"rel:belongs-to,join:account_id=id"`
}

func (r *sessionRow) session() store.Session {
	s := store.Session{
		ID: r.ID, Account: r.AccountID, User: r.User, Role: access.Role(r.Role), UserRule: r.UserRule, Groups: groups(r.Groups),
		CreatedAt: row.Time(r.CreatedAt), SeenAt: row.Time(r.SeenAt), ExpiresAt: row.Time(r.ExpiresAt), EndedAt: row.Time(r.EndedAt),
		EndReason: r.EndReason, Operator: r.Operator,
	}
	copy(s.Hash[:], r.Hash)
	return s
}

// sessions implements store.Sessions.
type sessions struct{ aggregates }

func (s sessions) Create(ctx context.Context, n store.Session) error {
	if err := s.check(ctx, n.ID, n.Account, n.User, string(n.Role), n.UserRule, n.EndReason); err != nil {
		return err
	}
	r := sessionRow{
		ID: n.ID, Hash: n.Hash[:], AccountID: n.Account, User: n.User, Role: string(n.Role), UserRule: n.UserRule, Groups: n.Groups.String(),
		CreatedAt: row.Micros(n.CreatedAt), SeenAt: row.Micros(n.SeenAt), ExpiresAt: row.Micros(n.ExpiresAt), EndedAt: row.Micros(n.EndedAt),
		EndReason: n.EndReason, Operator: n.Operator,
	}
	return s.insert(ctx, "create a session", &r)
}

func (s sessions) ByHash(ctx context.Context, h store.SessionHash) (store.Session, store.Account, error) {
	if err := s.check(ctx); err != nil {
		return store.Session{}, store.Account{}, err
	}
	var r sessionRow
	if err := s.reads.NewSelect().Model(&r).Relation("Account").Where("s.token_hash = ?", h[:]).Scan(ctx); err != nil {
		return store.Session{}, store.Account{}, s.flavor.fault("look up a session", err)
	}
	if r.Account == nil {
		return store.Session{}, store.Account{}, store.ErrNotFound
	}
	return r.session(), r.Account.account(), nil
}

func (s sessions) Seen(ctx context.Context, id string, at time.Time) error {
	if err := s.check(ctx, id); err != nil {
		return err
	}
	n, err := affected(s.writes.NewUpdate().Model((*sessionRow)(nil)).Set("seen_at = ?", row.Micros(at)).
		Where("id = ?", id).Where("seen_at < ?", row.Micros(at)).Exec(ctx))
	if err != nil || n > 0 {
		return s.flavor.fault("note a session's use", err)
	}
	return s.exists(ctx, id)
}

func (s sessions) End(ctx context.Context, id string, at time.Time, reason string) error {
	if err := s.check(ctx, id, reason); err != nil {
		return err
	}
	n, err := affected(s.writes.NewUpdate().Model((*sessionRow)(nil)).Set("ended_at = ?", row.Micros(at)).Set("end_reason = ?", reason).
		Where("id = ?", id).Where("ended_at = 0").Exec(ctx))
	if err != nil || n > 0 {
		return s.flavor.fault("end a session", err)
	}
	return s.exists(ctx, id)
}

// exists is nil if there is such a session.
func (s sessions) exists(ctx context.Context, id string) error {
	found, err := s.writes.NewSelect().Model((*sessionRow)(nil)).Where("s.id = ?", id).Exists(ctx)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return s.flavor.fault("look up a session", err)
}
