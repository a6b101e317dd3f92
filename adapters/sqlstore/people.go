package sqlstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID            string `bun:"id,pk"`
	Issuer        string `bun:"issuer"`
	Subject       string `bun:"subject"`
	Provider      string `bun:"provider"`
	Email         string `bun:"email"`
	EmailVerified bool   `bun:"email_verified"`
	Name          string `bun:"name"`
	Rule          string `bun:"group_rule"`
	Groups        string `bun:"groups"`
	CreatedAt     int64  `bun:"created_at"`
	UpdatedAt     int64  `bun:"updated_at"`
	SeenAt        int64  `bun:"seen_at"`
}

func (r *userRow) user() store.User {
	return store.User{
		ID: r.ID, Issuer: r.Issuer, Subject: r.Subject, Provider: r.Provider, Email: r.Email, EmailVerified: r.EmailVerified, Name: r.Name,
		Rule: r.Rule, Groups: groups(r.Groups), CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt), SeenAt: row.Time(r.SeenAt),
	}
}

// users implements store.Users.
type users struct{ aggregates }

// Users implements store.Stores.
func (a aggregates) Users() store.Users { return users{a} }

// userColumns are those that a provider tells of a user.
var userColumns = []string{"provider", "email", "email_verified", "name", "group_rule", "groups"}

func (s users) SignedIn(ctx context.Context, u store.User) (store.User, bool, error) {
	if err := s.check(ctx, u.ID, u.Issuer, u.Subject, u.Provider, u.Email, u.Name, u.Rule); err != nil {
		return store.User{}, false, err
	}
	r := userRow{
		ID: u.ID, Issuer: u.Issuer, Subject: u.Subject, Provider: u.Provider, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Name,
		Rule: u.Rule, Groups: u.Groups.String(), CreatedAt: row.Micros(u.CreatedAt), UpdatedAt: row.Micros(u.UpdatedAt), SeenAt: row.Micros(u.SeenAt),
	}
	var kept userRow
	err := s.atomically(ctx, "keep a user", func(ctx context.Context, db bun.IDB) error {
		q := db.NewInsert().Model(&r).On("CONFLICT (issuer, subject) DO UPDATE")
		var differs []string
		for _, column := range userColumns {
			q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
			differs = append(differs, "u."+column+" <> EXCLUDED."+column)
		}
		return q.Set("updated_at = CASE WHEN "+strings.Join(differs, " OR ")+" THEN EXCLUDED.updated_at ELSE u.updated_at END").Set("seen_at = EXCLUDED.seen_at").Returning("*").Scan(ctx, &kept)
	})
	if err != nil {
		return store.User{}, false, err
	}
	return kept.user(), kept.ID == u.ID, nil
}

func (s users) Get(ctx context.Context, id string) (store.User, error) {
	if err := s.check(ctx, id); err != nil {
		return store.User{}, err
	}
	var r userRow
	if err := s.reads.NewSelect().Model(&r).Where("u.id = ?", id).Scan(ctx); err != nil {
		return store.User{}, s.flavor.fault("read a user", err)
	}
	return r.user(), nil
}

func (s users) Find(ctx context.Context, issuer, subject string) (store.User, error) {
	if err := s.check(ctx, issuer, subject); err != nil {
		return store.User{}, err
	}
	var r userRow
	if err := s.reads.NewSelect().Model(&r).Where("u.issuer = ?", issuer).Where("u.subject = ?", subject).Scan(ctx); err != nil {
		return store.User{}, s.flavor.fault("look up a user", err)
	}
	return r.user(), nil
}

type memberRow struct {
	bun.BaseModel `bun:"table:members,alias:b"`

	AccountID string `bun:"account_id,pk"`
	UserID    string `bun:"user_id,pk"`
	Role      string `bun:"role"`
	CreatedAt int64  `bun:"created_at"`

	Account *accountRow `bun:"rel:belongs-to,join:account_id=id"`
	User    *userRow    `bun:"rel:belongs-to,join:user_id=id"`
}

func (r *memberRow) member() store.Member {
	return store.Member{Account: r.AccountID, User: r.UserID, Role: access.Role(r.Role), CreatedAt: row.Time(r.CreatedAt)}
}

// members implements store.Members.
type members struct{ aggregates }

// Members implements store.Stores.
func (a aggregates) Members() store.Members { return members{a} }

func (s members) Add(ctx context.Context, m store.Member) error {
	if err := s.check(ctx, m.Account, m.User, string(m.Role)); err != nil {
		return err
	}
	r := memberRow{AccountID: m.Account, UserID: m.User, Role: string(m.Role), CreatedAt: row.Micros(m.CreatedAt)}
	return s.ofLocked(ctx, "add a member", m.Account, func(ctx context.Context, db bun.IDB) error {
		n, err := affected(db.NewInsert().Model(&r).On("CONFLICT DO NOTHING").Exec(ctx))
		if err == nil && n == 0 {
			err = store.ErrTaken
		}
		return err
	})
}

// ofLocked runs fn under the lock of the account whose epoch a trigger raises:
// it is locked first, as everywhere.
func (s members) ofLocked(ctx context.Context, what, account string, fn func(ctx context.Context, db bun.IDB) error) error {
	return s.atomically(ctx, what, func(ctx context.Context, db bun.IDB) error {
		if err := s.lockAccount(ctx, db, account); err != nil {
			return err
		}
		return fn(ctx, db)
	})
}

func (s members) Get(ctx context.Context, account, user string) (store.Member, error) {
	if err := s.check(ctx, account, user); err != nil {
		return store.Member{}, err
	}
	var r memberRow
	if err := s.reads.NewSelect().Model(&r).Where("b.account_id = ?", account).Where("b.user_id = ?", user).Scan(ctx); err != nil {
		return store.Member{}, s.flavor.fault("read a member", err)
	}
	return r.member(), nil
}

func (s members) Of(ctx context.Context, user string) ([]store.Membership, error) {
	if err := s.check(ctx, user); err != nil {
		return nil, err
	}
	var rows []memberRow
	if err := s.reads.NewSelect().Model(&rows).Relation("Account").Where("b.user_id = ?", user).Order("b.account_id").Limit(store.MaxMemberships).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list a user's accounts", err)
	}
	return each(rows, func(r *memberRow) store.Membership {
		return store.Membership{Member: r.member(), Name: r.Account.Name, Status: access.Status(r.Account.Status)}
	}), nil
}

func (s members) List(ctx context.Context, account string, p store.Page) ([]store.MemberUser, error) {
	if err := s.check(ctx, account, p.After); err != nil {
		return nil, err
	}
	var rows []memberRow
	if err := s.reads.NewSelect().Model(&rows).Relation("User").Where("b.account_id = ?", account).Where("b.user_id > ?", p.After).
		Order("b.user_id").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list members", err)
	}
	return each(rows, func(r *memberRow) store.MemberUser {
		return store.MemberUser{Member: r.member(), Email: r.User.Email, Name: r.User.Name, SeenAt: row.Time(r.User.SeenAt)}
	}), nil
}

func (s members) SetRole(ctx context.Context, account, user string, to access.Role) error {
	if err := s.check(ctx, account, user, string(to)); err != nil {
		return err
	}
	return s.ofLocked(ctx, "set a member's role", account, func(ctx context.Context, db bun.IDB) error {
		res, err := db.NewUpdate().Model((*memberRow)(nil)).Set("role = ?", string(to)).Where("account_id = ?", account).Where("user_id = ?", user).Exec(ctx)
		return s.one("set a member's role", res, err)
	})
}

func (s members) Remove(ctx context.Context, account, user string) error {
	if err := s.check(ctx, account, user); err != nil {
		return err
	}
	return s.ofLocked(ctx, "remove a member", account, func(ctx context.Context, db bun.IDB) error {
		res, err := db.NewDelete().Model((*memberRow)(nil)).Where("account_id = ?", account).Where("user_id = ?", user).Exec(ctx)
		return s.one("remove a member", res, err)
	})
}

func (s members) Admins(ctx context.Context, account string) (int64, error) {
	if err := s.check(ctx, account); err != nil {
		return 0, err
	}
	n, err := s.reads.NewSelect().Model((*memberRow)(nil)).Where("b.account_id = ?", account).Where("b.role = ?", string(access.RoleAdmin)).Count(ctx)
	return n, s.flavor.fault("count the admins", err)
}
