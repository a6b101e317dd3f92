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
	Provider  string `bun:"provider"`
	Issuer    string `bun:"issuer"`
	SID       string `bun:"sid"`
	Grant     []byte `bun:"grant_box"`
	FreshAt   int64  `bun:"fresh_at"`
	CheckedAt int64  `bun:"checked_at"`
	CheckAt   int64  `bun:"check_at"`

	Account *accountRow `bun:"rel:belongs-to,join:account_id=id"`
	Owner   *userRow    `bun:"rel:belongs-to,join:user_id=id"`
	Member  *memberRow  `bun:"rel:has-one,join:account_id=account_id,join:user_id=user_id"`
}

func (r *sessionRow) session() store.Session {
	s := store.Session{
		ID: r.ID, Account: r.AccountID, User: r.User, Role: access.Role(r.Role), UserRule: r.UserRule, Groups: groups(r.Groups),
		CreatedAt: row.Time(r.CreatedAt), SeenAt: row.Time(r.SeenAt), ExpiresAt: row.Time(r.ExpiresAt), EndedAt: row.Time(r.EndedAt),
		EndReason: r.EndReason, Operator: r.Operator, Provider: r.Provider, Issuer: r.Issuer, SID: r.SID,
		FreshAt: row.Time(r.FreshAt), CheckedAt: row.Time(r.CheckedAt), CheckAt: row.Time(r.CheckAt),
	}
	copy(s.Hash[:], r.Hash)
	if len(r.Grant) > 0 {
		s.Grant = r.Grant
	}
	if r.Provider == "" { // minted: what it says is its own
		return s
	}
	s.Role, s.UserRule, s.Groups = "", "", access.Groups{}
	if r.Owner != nil {
		s.UserRule, s.Groups = r.Owner.Rule, groups(r.Owner.Groups)
	}
	if r.Member != nil {
		s.Role = access.Role(r.Member.Role)
	}
	return s
}

// sessions implements store.Sessions.
type sessions struct{ aggregates }

func (s sessions) Create(ctx context.Context, n store.Session) error {
	if err := s.check(ctx, n.ID, n.Account, n.User, string(n.Role), n.UserRule, n.EndReason, n.Provider, n.Issuer, n.SID); err != nil {
		return err
	}
	if n.Account != "" {
		// The reference is kept here: '' is none, which no foreign key takes.
		there, err := s.writes.NewSelect().Model((*accountRow)(nil)).Where("a.id = ?", n.Account).Exists(ctx)
		if err == nil && !there {
			err = store.ErrNotFound
		}
		if err != nil {
			return s.flavor.fault("look up a session's account", err)
		}
	}
	r := sessionRow{
		ID: n.ID, Hash: n.Hash[:], AccountID: n.Account, User: n.User, Role: string(n.Role), UserRule: n.UserRule, Groups: n.Groups.String(),
		CreatedAt: row.Micros(n.CreatedAt), SeenAt: row.Micros(n.SeenAt), ExpiresAt: row.Micros(n.ExpiresAt), EndedAt: row.Micros(n.EndedAt),
		EndReason: n.EndReason, Operator: n.Operator, Provider: n.Provider, Issuer: n.Issuer, SID: n.SID, Grant: box(n.Grant),
		FreshAt: row.Micros(n.FreshAt), CheckedAt: row.Micros(n.CheckedAt), CheckAt: row.Micros(n.CheckAt),
	}
	return s.insert(ctx, "create a session", &r)
}

// box is what is stored of sealed bytes: nothing is not NULL.
func box(sealed []byte) []byte {
	if sealed == nil {
		return []byte{}
	}
	return sealed
}

// whole selects sessions with what belongs to them.
func (s sessions) whole(db bun.IDB, into any) *bun.SelectQuery {
	return db.NewSelect().Model(into).Relation("Account").Relation("Owner").Relation("Member")
}

func (s sessions) ByHash(ctx context.Context, h store.SessionHash) (store.Session, store.Account, error) {
	if err := s.check(ctx); err != nil {
		return store.Session{}, store.Account{}, err
	}
	var r sessionRow
	if err := s.whole(s.reads, &r).Where("s.token_hash = ?", h[:]).Scan(ctx); err != nil {
		return store.Session{}, store.Account{}, s.flavor.fault("look up a session", err)
	}
	if r.AccountID == "" {
		return r.session(), store.Account{}, nil
	}
	if r.Account == nil {
		return store.Session{}, store.Account{}, store.ErrNotFound
	}
	return r.session(), r.Account.account(), nil
}

func (s sessions) Get(ctx context.Context, id string) (store.Session, error) {
	if err := s.check(ctx, id); err != nil {
		return store.Session{}, err
	}
	var r sessionRow
	if err := s.whole(s.reads, &r).Where("s.id = ?", id).Scan(ctx); err != nil {
		return store.Session{}, s.flavor.fault("read a session", err)
	}
	return r.session(), nil
}

func (s sessions) List(ctx context.Context, user string, now time.Time, p store.Page) ([]store.Session, error) {
	if err := s.check(ctx, user, p.After); err != nil || user == "" {
		return nil, err
	}
	var rows []sessionRow
	q := s.whole(s.reads, &rows).Where("s.user_id = ?", user).Where("s.ended_at = 0").Where("s.expires_at > ?", row.Micros(now))
	if p.After != "" {
		q = q.Where("s.id < ?", p.After)
	}
	if err := q.Order("s.id DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list sessions", err)
	}
	return each(rows, (*sessionRow).session), nil
}

func (s sessions) LastAccount(ctx context.Context, user string) (string, error) {
	if err := s.check(ctx, user); err != nil || user == "" {
		return "", err
	}
	var ids []string
	err := s.reads.NewSelect().Model((*sessionRow)(nil)).Column("account_id").Where("s.user_id = ?", user).Where("s.account_id <> ''").
		Order("s.seen_at DESC", "s.id DESC").Limit(1).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return "", s.flavor.fault("look up a user's last account", err)
	}
	return ids[0], nil
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

func (s sessions) Switch(ctx context.Context, id, account string) error {
	if err := s.check(ctx, id, account); err != nil {
		return err
	}
	res, err := s.writes.NewUpdate().Model((*sessionRow)(nil)).Set("account_id = ?", account).Where("id = ?", id).Where("ended_at = 0").Exec(ctx)
	return s.one("switch a session's account", res, err)
}

// ending is what an end sets: the grant goes, and nobody asks any more.
func ending(q *bun.UpdateQuery, at time.Time, reason string) *bun.UpdateQuery {
	return q.Set("ended_at = ?", row.Micros(at)).Set("end_reason = ?", reason).Set("grant_box = ?", []byte{}).Set("check_at = 0").Where("ended_at = 0")
}

func (s sessions) End(ctx context.Context, id string, at time.Time, reason string) error {
	if err := s.check(ctx, id, reason); err != nil {
		return err
	}
	n, err := affected(ending(s.writes.NewUpdate().Model((*sessionRow)(nil)), at, reason).Where("id = ?", id).Exec(ctx))
	if err != nil || n > 0 {
		return s.flavor.fault("end a session", err)
	}
	return s.exists(ctx, id)
}

func (s sessions) EndAll(ctx context.Context, of store.SessionQuery, at time.Time, reason string) ([]store.Session, error) {
	if err := s.check(ctx, of.ID, of.User, of.Account, of.Issuer, of.SID, of.Subject, of.Except, reason); err != nil {
		return nil, err
	}
	if of.ID == "" && of.User == "" && (of.Issuer == "" || of.SID == "" && of.Subject == "") {
		return nil, nil
	}
	q := ending(s.writes.NewUpdate().Model((*sessionRow)(nil)), at, reason)
	if of.ID != "" {
		q = q.Where("id = ?", of.ID)
	}
	if of.User != "" {
		q = q.Where("user_id = ?", of.User)
	}
	if of.Account != "" {
		q = q.Where("account_id = ?", of.Account)
	}
	if of.Issuer != "" {
		q = q.Where("issuer = ?", of.Issuer)
	}
	if of.Subject != "" {
		q = q.Where("user_id IN (SELECT u.id FROM users AS u WHERE u.issuer = ? AND u.subject = ?)", of.Issuer, of.Subject)
	}
	switch {
	case of.SID != "" && of.Subject != "":
		q = q.Where("sid IN (?, '')", of.SID)
	case of.SID != "":
		q = q.Where("sid = ?", of.SID)
	}
	if of.Except != "" {
		q = q.Where("id <> ?", of.Except)
	}
	var rows []sessionRow
	if _, err := q.Returning("*").Exec(ctx, &rows); err != nil {
		return nil, s.flavor.fault("end sessions", err)
	}
	return each(rows, (*sessionRow).session), nil
}

// Claim repeats its condition outside: of two servers that found the same
// sessions, the second sees that they are not due any more.
func (s sessions) Claim(ctx context.Context, now, until time.Time, limit int) ([]store.Session, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var ids []string
	due := s.writes.NewSelect().Model((*sessionRow)(nil)).Column("id").Where("s.check_at > 0").Where("s.check_at <= ?", row.Micros(now)).
		Order("s.check_at").Limit(size(limit))
	if _, err := s.writes.NewUpdate().Model((*sessionRow)(nil)).Set("check_at = ?", row.Micros(until)).
		Where("id IN (?)", due).Where("check_at > 0").Where("check_at <= ?", row.Micros(now)).Returning("id").Exec(ctx, &ids); err != nil {
		return nil, s.flavor.fault("claim sessions", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []sessionRow
	if err := s.whole(s.writes, &rows).Where("s.id IN (?)", bun.List(ids)).Order("s.checked_at", "s.id").Scan(ctx); err != nil {
		return nil, s.flavor.fault("read claimed sessions", err)
	}
	return each(rows, (*sessionRow).session), nil
}

func (s sessions) Checked(ctx context.Context, n store.Session) error {
	if err := s.check(ctx, n.ID); err != nil {
		return err
	}
	k, err := affected(s.writes.NewUpdate().Model((*sessionRow)(nil)).Set("checked_at = ?", row.Micros(n.CheckedAt)).
		Set("check_at = ?", row.Micros(n.CheckAt)).Set("grant_box = ?", box(n.Grant)).Where("id = ?", n.ID).Where("ended_at = 0").Exec(ctx))
	if err != nil || k > 0 {
		return s.flavor.fault("note a session's check", err)
	}
	return s.exists(ctx, n.ID)
}

func (s sessions) Forget(ctx context.Context, before time.Time, limit int) (bool, error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	old := s.writes.NewSelect().Model((*sessionRow)(nil)).Column("id").Where("s.expires_at < ?", row.Micros(before)).Order("s.expires_at").Limit(size(limit))
	n, err := affected(s.writes.NewDelete().Model((*sessionRow)(nil)).Where("id IN (?)", old).Exec(ctx))
	return n >= size(limit), s.flavor.fault("remove old sessions", err)
}

// exists is nil if there is such a session.
func (s sessions) exists(ctx context.Context, id string) error {
	found, err := s.writes.NewSelect().Model((*sessionRow)(nil)).Where("s.id = ?", id).Exists(ctx)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return s.flavor.fault("look up a session", err)
}
