package sqlstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// vectors keeps words as a column of messages in a GIN index.
type vectors struct{}

func (vectors) insert(ctx context.Context, db bun.IDB, r *messageRow, _ int64, list []string) (int64, error) {
	return affected(db.NewRaw("INSERT INTO messages (id, account_id, thread_id, parent, depth, role, text, turn_id, created_at, words)"+
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, array_to_tsvector(?::text[])) ON CONFLICT DO NOTHING",
		r.ID, r.Account, r.Thread, r.Parent, r.Depth, r.Role, r.Text, r.Turn, r.CreatedAt, pgdialect.Array(list)).Exec(ctx))
}

func (vectors) rewrite(ctx context.Context, db bun.IDB, thread, id, text string, list []string) error {
	_, err := db.NewRaw("UPDATE messages SET text = ?, words = array_to_tsvector(?::text[]) WHERE thread_id = ? AND id = ?",
		text, pgdialect.Array(list), thread, id).Exec(ctx)
	return err
}

func (vectors) forget(context.Context, bun.IDB, []string) error { return nil }

func (vectors) titled(q *bun.SelectQuery, text string, list []string) *bun.SelectQuery {
	if len(list) == 0 {
		return q.Where("strpos(t.title_key, ?) > 0", text)
	}
	// Letters and digits alone stand in the quotes.
	query := "'" + strings.Join(list, "':* & '") + "':*"
	return q.Where("(strpos(t.title_key, ?) > 0 OR t.id IN (SELECT m.thread_id FROM messages AS m WHERE m.words @@ ?::tsquery))", text, query)
}
