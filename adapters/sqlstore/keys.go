package sqlstore

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

type keyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	ID         string `bun:"id,pk"`
	AccountID  string `bun:"account_id"`
	User       string `bun:"user_id"`
	Name       string `bun:"name"`
	Start      string `bun:"start"`
	Last4      string `bun:"last4"`
	Digest     []byte `bun:"digest"`
	Pepper     string `bun:"pepper"`
	Scopes     string `bun:"scopes"`   // JSON
	Models     string `bun:"models"`   // JSON
	Networks   string `bun:"networks"` // JSON
	Family     string `bun:"family"`
	CreatedAt  int64  `bun:"created_at"`
	ExpiresAt  int64  `bun:"expires_at"`
	LastUsedAt int64  `bun:"last_used_at"`
	RevokedAt  int64  `bun:"revoked_at"`
	RevokedBy  string `bun:"revoked_by"`
	Successor  string `bun:"successor"`
	NoticeAt   int64  `bun:"notice_at"`

	Account *accountRow `bun:"rel:belongs-to,join:account_id=id"`
	Limit   *limitRow   `bun:"rel:has-one,join:account_id=account_id"` // one of those that the key counts against
	Member  *holderRow  `bun:"rel:has-one,join:account_id=account_id,join:user_id=user_id"`
}

// holderRow is a member whose user a key is.
type holderRow struct {
	bun.BaseModel `bun:"table:members,alias:b"`

	AccountID string     `bun:"account_id,pk"`
	UserID    string     `bun:"user_id,pk"`
	User      *groupsRow `bun:"rel:belongs-to,join:user_id=id"`
}

// groupsRow is what of a user a gate looks at.
type groupsRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID     string `bun:"id,pk"`
	Rule   string `bun:"group_rule"`
	Groups string `bun:"groups"`
}

func (r *keyRow) key() keys.Key {
	k := keys.Key{
		ID: r.ID, Account: r.AccountID, User: r.User, Name: r.Name, Start: r.Start, Last4: r.Last4, Pepper: r.Pepper,
		CreatedAt: row.Time(r.CreatedAt), ExpiresAt: row.Time(r.ExpiresAt), LastUsedAt: row.Time(r.LastUsedAt),
		RevokedAt: row.Time(r.RevokedAt), RevokedBy: r.RevokedBy, Successor: r.Successor, Family: r.Family,
		NoticeAt: row.Time(r.NoticeAt),
	}
	copy(k.Digest[:], r.Digest)
	// A list that cannot be read allows nothing: no scope, and no model.
	if json.Unmarshal([]byte(r.Scopes), &k.Scopes) != nil {
		k.Scopes = nil
	}
	if json.Unmarshal([]byte(r.Models), &k.Models) != nil {
		k.Scopes, k.Models = nil, nil
	}
	if json.Unmarshal([]byte(r.Networks), &k.Networks) != nil {
		k.Scopes, k.Networks = nil, nil
	}
	if len(k.Networks) == 0 {
		k.Networks = nil
	}
	return k
}

// apiKeys implements store.Keys.
type apiKeys struct{ aggregates }

func (s apiKeys) Create(ctx context.Context, k keys.Key) error {
	texts := append([]string{k.ID, k.Account, k.User, k.Name, k.Start, k.Last4, k.Pepper, k.RevokedBy, k.Successor, k.Family}, k.Models...)
	for _, scope := range k.Scopes {
		texts = append(texts, string(scope))
	}
	if err := s.check(ctx, texts...); err != nil {
		return err
	}
	r := keyRow{
		ID: k.ID, AccountID: k.Account, User: k.User, Name: k.Name, Start: k.Start, Last4: k.Last4, Digest: k.Digest[:], Pepper: k.Pepper,
		Scopes: list(k.Scopes), Models: list(k.Models), Networks: networks(k.Networks), Family: k.Family, CreatedAt: row.Micros(k.CreatedAt), ExpiresAt: row.Micros(k.ExpiresAt),
		LastUsedAt: row.Micros(k.LastUsedAt), RevokedAt: row.Micros(k.RevokedAt), RevokedBy: k.RevokedBy, Successor: k.Successor,
		NoticeAt: row.Micros(k.NoticeAt),
	}
	return s.insert(ctx, "create a key", &r)
}

// list writes a list of texts as JSON.
func list[S ~string](texts []S) string {
	if len(texts) == 0 {
		return "[]"
	}
	b, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(b)
}

// networks writes a list of networks as JSON.
func networks(ps []netip.Prefix) string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return list(texts)
}

func (s apiKeys) Get(ctx context.Context, account, id string) (keys.Key, error) {
	k, err := s.Find(ctx, id)
	if err == nil && k.Account != account {
		return keys.Key{}, store.ErrNotFound
	}
	return k, err
}

func (s apiKeys) Find(ctx context.Context, id string) (keys.Key, error) {
	if err := s.check(ctx, id); err != nil {
		return keys.Key{}, err
	}
	var r keyRow
	if err := s.reads.NewSelect().Model(&r).Where("k.id = ?", id).Scan(ctx); err != nil {
		return keys.Key{}, s.flavor.fault("read a key", err)
	}
	return r.key(), nil
}

func (s apiKeys) List(ctx context.Context, account string, p store.Page) ([]keys.Key, error) {
	if err := s.check(ctx, account, p.After); err != nil {
		return nil, err
	}
	return s.page(ctx, s.reads.NewSelect().Where("k.account_id = ?", account), p)
}

func (s apiKeys) OfUser(ctx context.Context, account, user string, p store.Page) ([]keys.Key, error) {
	if err := s.check(ctx, account, user, p.After); err != nil {
		return nil, err
	}
	return s.page(ctx, s.reads.NewSelect().Where("k.account_id = ?", account).Where("k.user_id = ?", user), p)
}

func (s apiKeys) page(ctx context.Context, q *bun.SelectQuery, p store.Page) ([]keys.Key, error) {
	var rows []keyRow
	q = q.Model(&rows)
	if p.After != "" {
		q = q.Where("k.id < ?", p.After)
	}
	if err := q.Order("k.id DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list keys", err)
	}
	return each(rows, (*keyRow).key), nil
}

// ownLimits narrows the limits of a key's account to those that it counts against.
var ownLimits = bun.RelationOpts{AdditionalJoinOnConditions: []schema.QueryWithArgs{
	schema.SafeQuery(`"limit"."scope" IN (?, k.account_id, k.user_id, CASE k.family WHEN '' THEN k.id ELSE k.family END)`, []any{store.OperatorScope}),
}}

func (s apiKeys) ByDigests(ctx context.Context, digests []keys.Digest) ([]store.KeyHolder, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	if len(digests) == 0 {
		return nil, nil
	}
	list := make([][]byte, len(digests))
	for i := range digests {
		list[i] = digests[i][:]
	}
	return s.holders(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("k.digest IN (?)", bun.List(list)) })
}

func (s apiKeys) Holders(ctx context.Context, account string, ids []string) ([]store.KeyHolder, error) {
	if err := s.check(ctx, append([]string{account}, ids...)...); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.holders(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("k.id IN (?)", bun.List(ids)).Where("k.account_id = ?", account)
	})
}

// holders reads keys with what belongs to them, in one statement.
func (s apiKeys) holders(ctx context.Context, where func(*bun.SelectQuery) *bun.SelectQuery) ([]store.KeyHolder, error) {
	var rows []keyRow // one for each limit of a key, or one for a key without any
	q := s.reads.NewSelect().Model(&rows).Relation("Account").Relation("Member").Relation("Member.User").RelationWithOpts("Limit", ownLimits)
	if err := where(q).OrderExpr(`k.id, "limit"."scope"`).Scan(ctx); err != nil {
		return nil, s.flavor.fault("look up keys", err)
	}
	return holders(rows, func(r *keyRow) holding { return holding{r.key, r.ID, r.Account, r.Member, r.Limit} }), nil
}

func (s apiKeys) Revoke(ctx context.Context, account, id string, at time.Time, by string) (changed bool, err error) {
	if err := s.check(ctx, account, id, by); err != nil {
		return false, err
	}
	err = s.atomically(ctx, "revoke a key", func(ctx context.Context, db bun.IDB) error {
		changed, err = s.change(ctx, db, account, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
			return q.Set("revoked_at = ?", row.Micros(at)).Set("revoked_by = ?", by).Set("notice_at = 0").Where("revoked_at = 0")
		})
		return err
	})
	return changed && err == nil, err
}

func (s apiKeys) Succeed(ctx context.Context, account, id, successor string, expires time.Time) error {
	if err := s.check(ctx, account, id, successor); err != nil {
		return err
	}
	return s.atomically(ctx, "name a key's successor", func(ctx context.Context, db bun.IDB) error {
		changed, err := s.change(ctx, db, account, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
			return q.Set("successor = ?", successor).Set("expires_at = ?", row.Micros(expires)).Set("notice_at = 0").Where("successor = ''").Where("revoked_at = 0")
		})
		if err == nil && !changed {
			return store.ErrTaken
		}
		return err
	})
}

func (s apiKeys) Narrow(ctx context.Context, account, id string, models []string, to []netip.Prefix) error {
	if err := s.check(ctx, append([]string{account, id}, models...)...); err != nil {
		return err
	}
	return s.atomically(ctx, "narrow a key", func(ctx context.Context, db bun.IDB) error {
		_, err := s.change(ctx, db, account, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
			return q.Set("models = ?", list(models)).Set("networks = ?", networks(to))
		})
		return err
	})
}

// change updates a key of the account if the conditions of set still hold. The
// account, whose epoch a trigger raises, is locked first, as everywhere.
func (s apiKeys) change(ctx context.Context, db bun.IDB, account, id string, set func(*bun.UpdateQuery) *bun.UpdateQuery) (bool, error) {
	if err := s.lockAccount(ctx, db, account); err != nil {
		return false, err
	}
	n, err := affected(set(db.NewUpdate().Model((*keyRow)(nil)).Where("id = ?", id).Where("account_id = ?", account)).Exec(ctx))
	if err != nil {
		return false, err
	}
	if n == 0 {
		exists, err := db.NewSelect().Model((*keyRow)(nil)).Where("k.id = ?", id).Where("k.account_id = ?", account).Exists(ctx)
		if err == nil && !exists {
			err = store.ErrNotFound
		}
		return false, err
	}
	return true, nil
}

func (s apiKeys) Touch(ctx context.Context, id string, at time.Time, every time.Duration) error {
	if err := s.check(ctx, id); err != nil {
		return err
	}
	n, err := affected(s.writes.NewUpdate().Model((*keyRow)(nil)).Set("last_used_at = ?", row.Micros(at)).
		Where("id = ?", id).Where("last_used_at <= ?", row.Micros(at.Add(-every))).Exec(ctx))
	if err != nil || n > 0 {
		return s.flavor.fault("note a key's use", err)
	}
	_, err = s.Find(ctx, id) // there, and noted lately, or not there
	return err
}

func (s apiKeys) Peppers(ctx context.Context) (map[string]int64, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []struct {
		Pepper string `bun:"pepper"`
		N      int64  `bun:"n"`
	}
	if err := s.reads.NewRaw("SELECT pepper, count(*) AS n FROM api_keys WHERE revoked_at = 0 AND expires_at > ? GROUP BY pepper", s.flavor.now()).
		Scan(ctx, &rows); err != nil {
		return nil, s.flavor.fault("count the keys by pepper", err)
	}
	out := map[string]int64{}
	for _, r := range rows {
		out[r.Pepper] = r.N
	}
	return out, nil
}

func (s apiKeys) Rehash(ctx context.Context, id string, d keys.Digest, pepper string) error {
	if err := s.check(ctx, id, pepper); err != nil {
		return err
	}
	return s.atomically(ctx, "rehash a key", func(ctx context.Context, db bun.IDB) error {
		var account string
		if err := db.NewSelect().Model((*keyRow)(nil)).Column("account_id").Where("k.id = ?", id).Scan(ctx, &account); err != nil {
			return err
		}
		_, err := s.change(ctx, db, account, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
			return q.Set("digest = ?", d[:]).Set("pepper = ?", pepper)
		})
		return err
	})
}
