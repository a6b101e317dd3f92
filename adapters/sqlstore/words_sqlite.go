package sqlstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
)

// placeBits is how many bits of a message's number are its place in its thread.
const placeBits = 20

// fts keeps words in a table of FTS5 under the messages' numbers, which tell
// the threads' too: no message is looked at to find its thread.
type fts struct{}

func (fts) insert(ctx context.Context, db bun.IDB, r *messageRow, place int64, list []string) (int64, error) {
	n, err := affected(db.NewRaw("INSERT INTO messages (n, id, account_id, thread_id, parent, depth, role, text, turn_id, created_at)"+
		" SELECT t.n << ? | ?, ?, ?, t.id, ?, ?, ?, ?, ?, ? FROM threads AS t WHERE t.id = ? ON CONFLICT (thread_id, id) DO NOTHING",
		placeBits, place, r.ID, r.Account, r.Parent, r.Depth, r.Role, r.Text, r.Turn, r.CreatedAt, r.Thread).Exec(ctx))
	if err != nil || n == 0 || len(list) == 0 {
		return n, err
	}
	_, err = db.NewRaw("INSERT INTO message_words (rowid, words) SELECT n, ? FROM messages WHERE thread_id = ? AND id = ?",
		strings.Join(list, " "), r.Thread, r.ID).Exec(ctx)
	return n, err
}

func (fts) rewrite(ctx context.Context, db bun.IDB, thread, id, text string, list []string) error {
	var n int64
	if err := db.NewRaw("UPDATE messages SET text = ? WHERE thread_id = ? AND id = ? RETURNING n", text, thread, id).Scan(ctx, &n); err != nil {
		return err
	}
	if _, err := db.NewRaw("DELETE FROM message_words WHERE rowid = ?", n).Exec(ctx); err != nil || len(list) == 0 {
		return err
	}
	_, err := db.NewRaw("INSERT INTO message_words (rowid, words) VALUES (?, ?)", n, strings.Join(list, " ")).Exec(ctx)
	return err
}

func (fts) forget(ctx context.Context, db bun.IDB, threads []string) error {
	_, err := db.NewRaw("DELETE FROM message_words WHERE rowid IN (SELECT n FROM messages WHERE thread_id IN (?))", bun.List(threads)).Exec(ctx)
	return err
}

// near is nothing here: the index has one list for what is common.
func (fts) near(bun.IDB, *bun.SelectQuery, string, []string) *bun.SelectQuery { return nil }

func (fts) titled(q *bun.SelectQuery, text string, words []string) *bun.SelectQuery {
	if len(words) == 0 {
		return q.Where("instr(t.title_key, ?) > 0", text)
	}
	// Letters and digits alone stand in the quotes.
	query := `"` + strings.Join(words, `" * AND "`) + `" *`
	return q.Where("(instr(t.title_key, ?) > 0 OR t.n IN (SELECT s.rowid >> ? FROM message_words AS s WHERE s.message_words MATCH ?))", text, placeBits, query)
}
