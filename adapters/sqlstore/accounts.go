package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/ports/store"
)

type accountRow struct {
	bun.BaseModel `bun:"table:accounts,alias:a"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	Status    string `bun:"status"`
	Groups    string `bun:"groups"`
	Billing   string `bun:"billing"`
	Boundary  string `bun:"boundary"`
	Epoch     int64  `bun:"epoch"`
	EventSeq  int64  `bun:"event_seq"`
	EntrySeq  int64  `bun:"entry_seq"`
	LedgerAt  int64  `bun:"ledger_at"`
	CreatedAt int64  `bun:"created_at"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *accountRow) account() store.Account {
	return store.Account{
		Account: access.Account{
			ID: r.ID, Name: r.Name, Status: access.Status(r.Status), Groups: groups(r.Groups), Epoch: r.Epoch,
			CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt),
		},
		Billing: billing.State(r.Billing), Boundary: r.Boundary,
		Entries: r.EntrySeq,
	}
}

// groups reads a stored set. A name that this program does not know, perhaps
// of a newer one, opens nothing.
func groups(text string) access.Groups {
	var list []access.Group
	for name := range strings.SplitSeq(text, ",") {
		list = append(list, access.Group(name))
	}
	return access.NewGroups(list...)
}

// accounts implements store.Accounts.
type accounts struct{ aggregates }

func (s accounts) Create(ctx context.Context, a store.Account) error {
	if err := s.check(ctx, a.ID, a.Name, string(a.Status), string(a.Billing)); err != nil {
		return err
	}
	r := accountRow{
		ID: a.ID, Name: a.Name, Status: string(a.Status), Groups: a.Groups.String(), Billing: string(a.Billing),
		Epoch:     max(a.Epoch, 1), // 0 would mean any to those who compare it
		CreatedAt: row.Micros(a.CreatedAt), UpdatedAt: row.Micros(a.UpdatedAt),
	}
	return s.insert(ctx, "create an account", &r)
}

func (s accounts) Get(ctx context.Context, id string) (store.Account, error) {
	if err := s.check(ctx, id); err != nil {
		return store.Account{}, err
	}
	var r accountRow
	if err := s.reads.NewSelect().Model(&r).Where("a.id = ?", id).Scan(ctx); err != nil {
		return store.Account{}, s.flavor.fault("read an account", err)
	}
	return r.account(), nil
}

func (s accounts) Set(ctx context.Context, a store.Account) error {
	if err := s.check(ctx, a.ID, a.Name, string(a.Status), string(a.Billing)); err != nil {
		return err
	}
	res, err := s.writes.NewUpdate().Model((*accountRow)(nil)).
		Set("name = ?", a.Name).Set("status = ?", string(a.Status)).Set("groups = ?", a.Groups.String()).Set("billing = ?", string(a.Billing)).
		Set("updated_at = ?", row.Micros(a.UpdatedAt)).
		Where("id = ?", a.ID).Exec(ctx)
	return s.one("change an account", res, err)
}

func (s accounts) Lock(ctx context.Context, id string) error {
	if err := s.check(ctx, id); err != nil {
		return err
	}
	return s.flavor.fault("lock an account", s.lockAccount(ctx, s.writes, id))
}

func (s accounts) List(ctx context.Context, p store.Page) ([]store.Account, error) {
	if err := s.check(ctx, p.After); err != nil {
		return nil, err
	}
	var rows []accountRow
	if err := s.reads.NewSelect().Model(&rows).Where("a.id > ?", p.After).Order("a.id").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list accounts", err)
	}
	return each(rows, (*accountRow).account), nil
}

// insert adds a row, ErrTaken if it is there. It does not fail as a statement,
// so that a transaction may go on after it.
func (a aggregates) insert(ctx context.Context, what string, model any) error {
	res, err := a.writes.NewInsert().Model(model).On("CONFLICT DO NOTHING").Exec(ctx)
	if n, err := affected(res, err); err != nil || n == 1 {
		return a.flavor.fault(what, err)
	}
	return store.ErrTaken
}

// one is nil if exactly one row was changed, ErrNotFound if none was.
func (a aggregates) one(what string, res sql.Result, err error) error {
	if n, err := affected(res, err); err != nil || n > 0 {
		return a.flavor.fault(what, err)
	}
	return store.ErrNotFound
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// lockAccount locks an account's row until the transaction ends.
func (a aggregates) lockAccount(ctx context.Context, db bun.IDB, id string) error {
	var found string
	q := db.NewSelect().Model((*accountRow)(nil)).Column("id").Where("a.id = ?", id)
	return a.flavor.forUpdate(q, "NO KEY UPDATE").Scan(ctx, &found)
}

// each converts rows.
func each[R, T any](rows []R, convert func(*R) T) []T {
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = convert(&rows[i])
	}
	return out
}
