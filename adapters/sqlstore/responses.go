package sqlstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/ports/store"
)

type responseRow struct {
	bun.BaseModel `bun:"table:responses,alias:p"`

	ID        string `bun:"id,pk"`
	AccountID string `bun:"account_id"`
	RequestID string `bun:"request_id"`
	KeyID     string `bun:"key_id"`
	Model     string `bun:"model"`
	Upstream  string `bun:"upstream"`
	CreatedAt int64  `bun:"created_at"`
	DeletedAt int64  `bun:"deleted_at"`
	Ended     bool   `bun:"ended"`
	Tokens    int64  `bun:"tokens"`
}

func (r *responseRow) response() store.Response {
	return store.Response{
		ID: r.ID, Account: r.AccountID, Request: r.RequestID, Key: r.KeyID, Model: r.Model, Upstream: r.Upstream,
		CreatedAt: row.Time(r.CreatedAt), DeletedAt: row.Time(r.DeletedAt), Ended: r.Ended, Tokens: r.Tokens,
	}
}

// responses implements store.Responses.
type responses struct{ aggregates }

// Claim is one statement: the unique key decides who is first, and RETURNING
// tells. Rows that were there are read afterwards, which a claim that is no
// repetition never needs.
func (s responses) Claim(ctx context.Context, rs []store.Response) ([]error, error) {
	errs := make([]error, len(rs))
	rows := make([]responseRow, 0, len(rs))
	first := make(map[string]int, len(rs))
	for i, r := range rs {
		if err := s.check(ctx, r.ID, r.Account, r.Request, r.Key, r.Model, r.Upstream); err != nil {
			return nil, err
		}
		if _, twice := first[r.ID]; twice {
			continue
		}
		first[r.ID] = i
		rows = append(rows, responseRow{
			ID: r.ID, AccountID: r.Account, RequestID: r.Request, KeyID: r.Key, Model: r.Model, Upstream: r.Upstream, Ended: r.Ended, Tokens: r.Tokens,
		})
	}
	if len(rows) == 0 {
		return errs, s.check(ctx)
	}
	// Two batches that claim the same IDs wait for each other in one order.
	slices.SortFunc(rows, func(a, b responseRow) int { return strings.Compare(a.ID, b.ID) })
	var claimed []string
	_, err := s.writes.NewInsert().Model(&rows).Value("created_at", "?", s.flavor.now()).On("CONFLICT (id) DO NOTHING").Returning("id").Exec(ctx, &claimed)
	if err != nil {
		return nil, s.flavor.fault("claim responses", err)
	}
	owners := make(map[string]store.Response, len(rows))
	for _, id := range claimed {
		owners[id] = rs[first[id]]
	}
	if len(claimed) < len(rows) {
		if err := s.owners(ctx, rows, owners); err != nil {
			return nil, err
		}
	}
	for i, r := range rs {
		if o := owners[r.ID]; o.Account != r.Account || o.Request != r.Request {
			errs[i] = store.ErrTaken
		}
	}
	return errs, nil
}

// owners adds those of rows that were claimed before.
func (s responses) owners(ctx context.Context, rows []responseRow, owners map[string]store.Response) error {
	var ids []string
	for i := range rows {
		if _, ok := owners[rows[i].ID]; !ok {
			ids = append(ids, rows[i].ID)
		}
	}
	var found []responseRow
	if err := s.writes.NewSelect().Model(&found).Where("p.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return s.flavor.fault("look up claimed responses", err)
	}
	for i := range found {
		owners[found[i].ID] = found[i].response()
	}
	return nil
}

func (s responses) End(ctx context.Context, ends []store.ResponseEnd) error {
	if len(ends) == 0 {
		return s.check(ctx)
	}
	// Both databases call the columns of VALUES column1, column2 and column3.
	values := make([]bun.TupleValues, len(ends))
	for i, e := range ends {
		if err := s.check(ctx, e.ID, e.Account); err != nil {
			return err
		}
		values[i] = bun.Tuple([]any{e.ID, e.Account, e.Tokens})
	}
	_, err := s.writes.NewRaw("UPDATE responses SET ended = ?, tokens = v.column3 FROM (VALUES ?) AS v"+
		" WHERE responses.id = v.column1 AND responses.account_id = v.column2", true, bun.List(values)).Exec(ctx)
	return s.flavor.fault("note the end of responses", err)
}

func (s responses) Get(ctx context.Context, account, id string) (store.Response, error) {
	if err := s.check(ctx, account, id); err != nil {
		return store.Response{}, err
	}
	var r responseRow
	if err := s.reads.NewSelect().Model(&r).Where("p.id = ?", id).Where("p.account_id = ?", account).Scan(ctx); err != nil {
		return store.Response{}, s.flavor.fault("look up a response", err)
	}
	return r.response(), nil
}

func (s responses) Delete(ctx context.Context, account, id string) (bool, error) {
	if err := s.check(ctx, account, id); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewUpdate().Model((*responseRow)(nil)).Set("deleted_at = ?", s.flavor.now()).
		Where("id = ?", id).Where("account_id = ?", account).Where("deleted_at = 0").Exec(ctx))
	if err != nil || n > 0 {
		return n > 0, s.flavor.fault("delete a response", err)
	}
	there, err := s.writes.NewSelect().Model((*responseRow)(nil)).Where("p.id = ?", id).Where("p.account_id = ?", account).Exists(ctx)
	if err == nil && !there {
		err = store.ErrNotFound
	}
	return false, s.flavor.fault("look up a response", err)
}

func (s responses) Prune(ctx context.Context, keep time.Duration, limit int) (int, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	n, err := affected(s.writes.NewRaw("DELETE FROM responses WHERE id IN (SELECT id FROM responses WHERE created_at <= ? - ? ORDER BY created_at LIMIT ?)",
		s.flavor.now(), keep.Microseconds(), size(limit)).Exec(ctx))
	return int(n), s.flavor.fault("prune responses", err)
}
