package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

type flowRow struct {
	bun.BaseModel `bun:"table:signin_flows,alias:f"`

	State     []byte `bun:"state_hash,pk"`
	Provider  string `bun:"provider"`
	Nonce     string `bun:"nonce"`
	Verifier  string `bun:"verifier"`
	Binding   []byte `bun:"binding_hash"`
	ReturnTo  string `bun:"return_to"`
	Fresh     bool   `bun:"fresh"`
	Link      string `bun:"link"`
	CreatedAt int64  `bun:"created_at"`
	ExpiresAt int64  `bun:"expires_at"`
}

func (r *flowRow) flow() store.Flow {
	f := store.Flow{
		Provider: r.Provider, Nonce: r.Nonce, Verifier: r.Verifier, ReturnTo: r.ReturnTo, Fresh: r.Fresh, Link: r.Link,
		CreatedAt: row.Time(r.CreatedAt), ExpiresAt: row.Time(r.ExpiresAt),
	}
	copy(f.State[:], r.State)
	copy(f.Binding[:], r.Binding)
	return f
}

// flows implements store.Flows.
type flows struct{ aggregates }

// Flows implements store.Stores.
func (a aggregates) Flows() store.Flows { return flows{a} }

func (s flows) Add(ctx context.Context, f store.Flow) error {
	if err := s.check(ctx, f.Provider, f.Nonce, f.Verifier, f.ReturnTo, f.Link); err != nil {
		return err
	}
	return s.insert(ctx, "keep a sign-in under way", &flowRow{
		State: f.State[:], Provider: f.Provider, Nonce: f.Nonce, Verifier: f.Verifier, Binding: f.Binding[:], ReturnTo: f.ReturnTo,
		Fresh: f.Fresh, Link: f.Link, CreatedAt: row.Micros(f.CreatedAt), ExpiresAt: row.Micros(f.ExpiresAt),
	})
}

func (s flows) Take(ctx context.Context, state [32]byte) (store.Flow, error) {
	if err := s.check(ctx); err != nil {
		return store.Flow{}, err
	}
	var rows []flowRow
	if _, err := s.writes.NewDelete().Model((*flowRow)(nil)).Where("state_hash = ?", state[:]).Returning("*").Exec(ctx, &rows); err != nil {
		return store.Flow{}, s.flavor.fault("take a sign-in under way", err)
	}
	if len(rows) == 0 {
		return store.Flow{}, store.ErrNotFound
	}
	return rows[0].flow(), nil
}

func (s flows) Once(ctx context.Context, what [32]byte, until time.Time) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	n, err := affected(s.writes.NewRaw("INSERT INTO signin_once (id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING", what[:], row.Micros(until)).Exec(ctx))
	if err == nil && n == 0 {
		return store.ErrTaken
	}
	return s.flavor.fault("note what happens once", err)
}

func (s flows) Sweep(ctx context.Context, now time.Time, limit int) (bool, error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	most := int64(0)
	for _, statement := range []string{
		"DELETE FROM signin_flows WHERE state_hash IN (SELECT state_hash FROM signin_flows WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
		"DELETE FROM signin_once WHERE id IN (SELECT id FROM signin_once WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
	} {
		n, err := affected(s.writes.NewRaw(statement, row.Micros(now), size(limit)).Exec(ctx))
		if err != nil {
			return false, s.flavor.fault("sweep sign-ins", err)
		}
		most = max(most, n)
	}
	return most >= size(limit), nil
}
