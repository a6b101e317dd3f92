package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

type firstPartyRow struct {
	bun.BaseModel `bun:"table:first_party,alias:k"`

	ID        string `bun:"id,pk"`
	AccountID string `bun:"account_id"`
	User      string `bun:"user_id"`
	Digest    []byte `bun:"digest"`
	Pepper    string `bun:"pepper"`
	Seen      string `bun:"seen"`
	CreatedAt int64  `bun:"created_at"`
	ExpiresAt int64  `bun:"expires_at"`

	Account *accountRow `bun:"rel:belongs-to,join:account_id=id"`
	Limit   *limitRow   `bun:"rel:has-one,join:account_id=account_id"` // one of those that it counts against
	Member  *holderRow  `bun:"rel:has-one,join:account_id=account_id,join:user_id=user_id"`
}

func (r *firstPartyRow) key() keys.Key {
	k := keys.Key{
		ID: r.ID, Account: r.AccountID, User: r.User, Pepper: r.Pepper, Scopes: slices.Clone(keys.AllScopes), Hidden: true,
		CreatedAt: row.Time(r.CreatedAt), ExpiresAt: row.Time(r.ExpiresAt),
	}
	copy(k.Digest[:], r.Digest)
	return k
}

// firstParties implements store.FirstParties.
type firstParties struct{ aggregates }

// FirstParties implements store.Stores.
func (a aggregates) FirstParties() store.FirstParties { return firstParties{a} }

func (s firstParties) Of(ctx context.Context, account, user string) (store.FirstParty, error) {
	if err := s.check(ctx, account, user); err != nil {
		return store.FirstParty{}, err
	}
	var r firstPartyRow
	if err := s.reads.NewSelect().Model(&r).Where("k.account_id = ?", account).Where("k.user_id = ?", user).Scan(ctx); err != nil {
		return store.FirstParty{}, s.flavor.fault("read a hidden credential", err)
	}
	c := store.FirstParty{
		ID: r.ID, Account: r.AccountID, User: r.User, Pepper: r.Pepper, Seen: r.Seen, CreatedAt: row.Time(r.CreatedAt), ExpiresAt: row.Time(r.ExpiresAt),
	}
	copy(c.Digest[:], r.Digest)
	return c, nil
}

func (s firstParties) Put(ctx context.Context, c store.FirstParty, was keys.Digest) error {
	if err := s.check(ctx, c.ID, c.Account, c.User, c.Pepper, c.Seen); err != nil {
		return err
	}
	r := firstPartyRow{
		ID: c.ID, AccountID: c.Account, User: c.User, Digest: c.Digest[:], Pepper: c.Pepper, Seen: c.Seen,
		CreatedAt: row.Micros(c.CreatedAt), ExpiresAt: row.Micros(c.ExpiresAt),
	}
	if was == (keys.Digest{}) {
		return s.insert(ctx, "make a hidden credential", &r)
	}
	return s.atomically(ctx, "replace a hidden credential", func(ctx context.Context, db bun.IDB) error {
		if err := s.lockAccount(ctx, db, c.Account); err != nil {
			return err
		}
		n, err := affected(db.NewUpdate().Model(&r).Column("digest", "pepper", "seen", "created_at", "expires_at").
			Where("account_id = ?", c.Account).Where("user_id = ?", c.User).Where("digest = ?", was[:]).Exec(ctx))
		if err == nil && n == 0 {
			return store.ErrTaken
		}
		return err
	})
}

func (s firstParties) ByDigest(ctx context.Context, d keys.Digest) (store.KeyHolder, error) {
	if err := s.check(ctx); err != nil {
		return store.KeyHolder{}, err
	}
	found, err := s.holders(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("k.digest = ?", d[:]) })
	if err == nil && len(found) == 0 {
		return store.KeyHolder{}, store.ErrNotFound
	}
	if err != nil {
		return store.KeyHolder{}, err
	}
	return found[0], nil
}

func (s firstParties) Holders(ctx context.Context, account string, ids []string) ([]store.KeyHolder, error) {
	if err := s.check(ctx, append([]string{account}, ids...)...); err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.holders(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("k.id IN (?)", bun.List(ids)).Where("k.account_id = ?", account)
	})
}

// hiddenLimits narrows the limits of an account to those that a hidden
// credential of it counts against.
var hiddenLimits = bun.RelationOpts{AdditionalJoinOnConditions: []schema.QueryWithArgs{
	schema.SafeQuery(`"limit"."scope" IN (?, k.account_id, k.user_id)`, []any{store.OperatorScope}),
}}

func (s firstParties) holders(ctx context.Context, where func(*bun.SelectQuery) *bun.SelectQuery) ([]store.KeyHolder, error) {
	var rows []firstPartyRow // one for each limit, or one without any
	q := s.reads.NewSelect().Model(&rows).Relation("Account").Relation("Member").Relation("Member.User").RelationWithOpts("Limit", hiddenLimits)
	if err := where(q).OrderExpr(`k.id, "limit"."scope"`).Scan(ctx); err != nil {
		return nil, s.flavor.fault("look up hidden credentials", err)
	}
	return holders(rows, func(r *firstPartyRow) holding { return holding{r.key, r.ID, r.Account, r.Member, r.Limit} }), nil
}

func (s firstParties) End(ctx context.Context, account, user string) error {
	if err := s.check(ctx, account, user); err != nil {
		return err
	}
	return s.atomically(ctx, "end a hidden credential", func(ctx context.Context, db bun.IDB) error {
		if err := s.lockAccount(ctx, db, account); err != nil {
			return err
		}
		_, err := db.NewDelete().Model((*firstPartyRow)(nil)).Where("account_id = ?", account).Where("user_id = ?", user).Exec(ctx)
		return err
	})
}

func (s firstParties) Expire(ctx context.Context, limit int) (int, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	var rows []firstPartyRow
	if err := s.reads.NewSelect().Model(&rows).Where("k.expires_at < ? - ?", s.flavor.now(), time.Hour.Microseconds()).
		Order("k.expires_at").Limit(size(limit)).Scan(ctx); err != nil {
		return 0, s.flavor.fault("look for expired hidden credentials", err)
	}
	for _, r := range rows { // one by one: each takes its account's lock
		err := s.atomically(ctx, "remove a hidden credential", func(ctx context.Context, db bun.IDB) error {
			if err := s.lockAccount(ctx, db, r.AccountID); err != nil {
				return err
			}
			_, err := db.NewDelete().Model((*firstPartyRow)(nil)).Where("id = ?", r.ID).Where("expires_at = ?", r.ExpiresAt).Exec(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
