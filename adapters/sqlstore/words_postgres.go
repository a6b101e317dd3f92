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

// At most so many threads are looked at one by one, and messages of theirs.
const (
	nearThreads  = 200
	nearMessages = 3000
)

// near looks at the threads that come first one by one. What is in most of
// them is not worth a walk through all that the index has of it. It is worded
// such that no plan takes that walk: how common a member's word is, the
// database does not know.
func (v vectors) near(db bun.IDB, list *bun.SelectQuery, text string, words []string) *bun.SelectQuery {
	first := list.ColumnExpr("t.*").ColumnExpr("SUM(t.messages) OVER (ORDER BY t.pinned DESC, t.updated_at DESC, t.id DESC) AS before").Limit(nearThreads)
	return db.NewSelect().Model((*threadRow)(nil)).ModelTableExpr("(?) AS t", first).Where("t.before <= ?", nearMessages).
		Where("(strpos(t.title_key, ?) > 0 OR (SELECT TRUE FROM messages AS m WHERE m.thread_id = t.id AND (m.words @@ ?::tsquery) IS TRUE LIMIT 1))", text, v.query(words))
}

// titled asks the index once. The threads' IDs are made such that they are
// expected to be few, or else the database may compare each thread with each.
func (v vectors) titled(q *bun.SelectQuery, text string, words []string) *bun.SelectQuery {
	if len(words) == 0 {
		return q.Where("strpos(t.title_key, ?) > 0", text)
	}
	return q.Where("(strpos(t.title_key, ?) > 0 OR t.id IN (SELECT DISTINCT m.thread_id || '' FROM messages AS m WHERE m.words @@ ?::tsquery))", text, v.query(words))
}

// query has nothing but letters and digits in its quotes.
func (vectors) query(words []string) string { return "'" + strings.Join(words, "':* & '") + "':*" }
