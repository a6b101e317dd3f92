package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/archibot/archibotchat/ports/store"
)

// FillChats gives a member threads of so many messages each, by whole
// statements: each message has 40 words of a vocabulary of 5,000, some of them
// much more often than others, "everywhere" and its member's. The n-th thread's title has
// the n in it; "onceonly" is a word of the middle one.
func (s *Store) FillChats(ctx context.Context, w store.Whose, number, length int) error {
	r := rand.New(rand.NewPCG(1, uint64(number)))
	name := func(prefix string, n int) string { return fmt.Sprintf("%s_%s_%06d", prefix, markOf(w), n) }
	const some = 200
	for from := 0; from < number; from += some {
		var ts, ms, ws []bun.TupleValues
		for n := from; n < min(number, from+some); n++ {
			thread := name("thr", n)
			title := fmt.Sprintf("About Thing %06d of the Übersicht", n)
			at := int64(1_700_000_000_000_000 + n*1000)
			ts = append(ts, bun.Tuple([]any{thread, w.Account, w.User, title, fold(title), false, "", "", name("msg", length-1), length, 0, 0, 0, at, at}))
			parent := ""
			for i := range length {
				text := "everywhere " + w.User
				for range 40 {
					f := r.Float64()
					text += " " + vocabulary[int(f*f*f*float64(len(vocabulary)))]
				}
				if n == number/2 && i == length/2 {
					text += " onceonly"
				}
				id := name("msg", i)
				list := wordsOf(w, text)
				m := []any{id, w.Account, thread, parent, i, []string{"user", "assistant"}[i%2], text, "", at}
				if s.pool != nil {
					m = append(m, pgdialect.Array(list))
				} else {
					ws = append(ws, bun.Tuple([]any{i, thread, strings.Join(list, " ")}))
					m = append(m, i)
				}
				ms = append(ms, bun.Tuple(m))
				parent = id
			}
		}
		err := inTx(ctx, s.write, nil, func(ctx context.Context, db bun.IDB) error {
			if _, err := db.NewRaw("INSERT INTO threads (id, account_id, user_id, title, title_key, named, instructions, model, head, messages,"+
				" pinned_at, archived_at, deleted_at, created_at, updated_at) VALUES ?", bun.List(ts)).Exec(ctx); err != nil {
				return err
			}
			const columns = "id, account_id, thread_id, parent, depth, role, text, turn_id, created_at"
			if s.pool != nil {
				_, err := db.NewRaw("INSERT INTO messages ("+columns+", words) SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9,"+
					" array_to_tsvector(column10::text[]) FROM (VALUES ?) AS v", bun.List(ms)).Exec(ctx)
				return err
			}
			if _, err := db.NewRaw("INSERT INTO messages ("+columns+", n) SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9,"+
				" t.n << 20 | column10 FROM (VALUES ?) JOIN threads AS t ON t.id = column3", bun.List(ms)).Exec(ctx); err != nil {
				return err
			}
			_, err := db.NewRaw("INSERT INTO message_words (rowid, words) SELECT t.n << 20 | column1, column3 FROM (VALUES ?) JOIN threads AS t ON t.id = column2", bun.List(ws)).Exec(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.pool != nil {
		_, err := s.write.ExecContext(ctx, "ANALYZE threads, messages")
		return err
	}
	return nil
}

// ChatID returns the ID that FillChats gives the n-th thread or a thread's n-th message.
func ChatID(prefix string, w store.Whose, n int) string {
	return fmt.Sprintf("%s_%s_%06d", prefix, markOf(w), n)
}

// vocabulary is of words that begin as differently as those of a language.
var vocabulary = func() (words []string) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 5000 {
		var word strings.Builder
		for range 1 + r.IntN(4) {
			word.WriteByte("bcdfghjklmnprstvwz"[r.IntN(18)])
			word.WriteByte("aeiou"[r.IntN(5)])
		}
		words = append(words, word.String())
	}
	return words
}()

// ChatWord returns the n-th word of the vocabulary; the first are in most messages.
func ChatWord(n int) string { return vocabulary[n] }

// Plan returns the steps by which SQLite would run a statement.
func (s *Store) Plan(ctx context.Context, statement string) (steps []string, err error) {
	rows, err := s.read.DB.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statement)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}
