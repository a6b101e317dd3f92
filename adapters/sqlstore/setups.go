package sqlstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

type setupRow struct {
	bun.BaseModel `bun:"table:setups,alias:t"`

	AccountID     string `bun:"account_id,pk"`
	IntendedUse   string `bun:"intended_use"`
	Notifications string `bun:"notifications"`
	Files         string `bun:"files"`
	UpdatedAt     int64  `bun:"updated_at"`
	UpdatedBy     string `bun:"updated_by"`
}

type acknowledgementRow struct {
	bun.BaseModel `bun:"table:acknowledgements,alias:w"`

	AccountID   string `bun:"account_id,pk"`
	Environment string `bun:"environment,pk"`
	Version     string `bun:"version,pk"`
	User        string `bun:"user_id"`
	At          int64  `bun:"at"`
}

// setups implements store.Setups.
type setups struct{ aggregates }

// Setups implements store.Stores.
func (a aggregates) Setups() store.Setups { return setups{a} }

func (s setups) Get(ctx context.Context, account string) (store.Setup, error) {
	if err := s.check(ctx, account); err != nil {
		return store.Setup{}, err
	}
	var r setupRow
	if err := s.reads.NewSelect().Model(&r).Where("t.account_id = ?", account).Scan(ctx); err != nil {
		return store.Setup{}, s.flavor.fault("read a setup", err)
	}
	return store.Setup{
		Account: r.AccountID, IntendedUse: r.IntendedUse, Notifications: r.Notifications, Files: r.Files,
		UpdatedAt: row.Time(r.UpdatedAt), UpdatedBy: r.UpdatedBy,
	}, nil
}

func (s setups) Save(ctx context.Context, n store.Setup) error {
	if err := s.check(ctx, n.Account, n.IntendedUse, n.Notifications, n.Files, n.UpdatedBy); err != nil {
		return err
	}
	r := setupRow{
		AccountID: n.Account, IntendedUse: n.IntendedUse, Notifications: n.Notifications, Files: n.Files,
		UpdatedAt: row.Micros(n.UpdatedAt), UpdatedBy: n.UpdatedBy,
	}
	q := s.writes.NewInsert().Model(&r).On("CONFLICT (account_id) DO UPDATE")
	for _, column := range []string{"intended_use", "notifications", "files", "updated_at", "updated_by"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Exec(ctx)
	return s.flavor.fault("save a setup", err)
}

func (s setups) Acknowledge(ctx context.Context, a store.Acknowledgement) (first bool, err error) {
	if err := s.check(ctx, a.Account, a.Environment, a.Version, a.User); err != nil {
		return false, err
	}
	r := acknowledgementRow{AccountID: a.Account, Environment: a.Environment, Version: a.Version, User: a.User, At: row.Micros(a.At)}
	err = s.atomically(ctx, "acknowledge", func(ctx context.Context, db bun.IDB) error {
		if err := s.lockAccount(ctx, db, a.Account); err != nil {
			return err
		}
		n, err := affected(db.NewInsert().Model(&r).On("CONFLICT DO NOTHING").Exec(ctx))
		if err != nil {
			return err
		}
		first = n == 1
		_, err = db.NewUpdate().Model((*accountRow)(nil)).Set("boundary = ?", a.Version).Where("id = ?", a.Account).Exec(ctx)
		return err
	})
	return first && err == nil, err
}

func (s setups) Acknowledgements(ctx context.Context, account string) ([]store.Acknowledgement, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	var rows []acknowledgementRow
	if err := s.reads.NewSelect().Model(&rows).Where("w.account_id = ?", account).Order("w.at DESC", "w.version DESC").
		Limit(store.MaxAcknowledgements).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list acknowledgements", err)
	}
	return each(rows, func(r *acknowledgementRow) store.Acknowledgement {
		return store.Acknowledgement{Account: r.AccountID, Environment: r.Environment, Version: r.Version, User: r.User, At: row.Time(r.At)}
	}), nil
}
