package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// An answer at work lies in pieces, each with the byte offset it begins at and
// none written twice, until its turn ends and it becomes the message's text.
type pieceRow struct {
	bun.BaseModel `bun:"table:turn_pieces,alias:e"`

	Turn string `bun:"turn_id,pk"`
	At   int64  `bun:"at,pk"`
	Text string `bun:"text"`
}

// Append is one statement on a database that is far away, so long as the text
// goes on where it was: it is called several times a second.
func (s turns) Append(ctx context.Context, t chat.Turn, at int, text string) (bool, error) {
	if err := s.check(ctx, append(turnTexts(&t), text)...); err != nil {
		return false, err
	}
	steps, err := stepsText(t.Steps)
	if err != nil {
		return false, err
	}
	if s.flavor.others {
		stopping, err := s.appendNext(ctx, &t, steps, int64(at), text)
		if !errors.Is(err, sql.ErrNoRows) {
			return stopping, s.flavor.fault("store text of an answer", err)
		}
	}
	var stopping bool
	err = s.atomically(ctx, "store text of an answer", func(ctx context.Context, db bun.IDB) (err error) {
		stopping, err = s.appendAny(ctx, db, &t, steps, int64(at), text)
		return err
	})
	return stopping, err
}

// appendNext adds a piece that begins where the last one ended, or finds no row.
func (s turns) appendNext(ctx context.Context, t *chat.Turn, steps string, at int64, text string) (stopping bool, err error) {
	const move = "UPDATE turns SET until = GREATEST(until, ?), first_at = ?, steps = ?, stored = stored + ?" +
		" WHERE id = ? AND owner = ? AND state = 'running' AND stored = ? RETURNING stopping"
	values := []any{row.Micros(t.Until), row.Micros(t.FirstAt), steps, len(text), t.ID, t.Owner, at}
	if text == "" {
		err = s.writes.NewRaw(move, values...).Scan(ctx, &stopping)
		return stopping, err
	}
	err = s.writes.NewRaw("WITH moved AS ("+move+"), piece AS (INSERT INTO turn_pieces (turn_id, at, text) SELECT ?, ?, ? FROM moved)"+
		" SELECT stopping FROM moved", append(values, t.ID, at, text)...).Scan(ctx, &stopping)
	return stopping, err
}

// appendAny adds what of a text is not stored yet.
func (s turns) appendAny(ctx context.Context, db bun.IDB, t *chat.Turn, steps string, at int64, text string) (bool, error) {
	r, err := s.atWork(ctx, db, t.Owner, t.ID)
	if err != nil {
		return false, err
	}
	if at > r.Stored {
		return false, store.ErrTextGap
	}
	if text = text[min(int64(len(text)), r.Stored-at):]; text != "" {
		if _, err := db.NewInsert().Model(&pieceRow{Turn: t.ID, At: r.Stored, Text: text}).Exec(ctx); err != nil {
			return false, err
		}
	}
	_, err = db.NewUpdate().Model((*turnRow)(nil)).Set("until = ?", max(r.Until, row.Micros(t.Until))).Set("first_at = ?", row.Micros(t.FirstAt)).
		Set("steps = ?", steps).Set("stored = ?", r.Stored+int64(len(text))).Where("r.id = ?", t.ID).Exec(ctx)
	return r.Stopping, err
}

// atWork locks a turn at work of an owner.
func (s turns) atWork(ctx context.Context, db bun.IDB, owner, id string) (*turnRow, error) {
	var r turnRow
	q := db.NewSelect().Model(&r).ColumnExpr("?TableColumns").ColumnExpr("r.stored").Where("r.id = ?", id).Where("r.owner = ?", owner).Where(running)
	return &r, s.flavor.forUpdate(q, "NO KEY UPDATE").Scan(ctx)
}

// Since reads the turn before the text: a turn that is seen to have ended has
// all of its text, while text that is gone from the pieces meanwhile comes with
// the next call.
func (s turns) Since(ctx context.Context, w store.Whose, id string, at int) (string, chat.Turn, error) {
	t, err := s.Get(ctx, w, id)
	if err != nil {
		return "", chat.Turn{}, err
	}
	var text string
	from := int64(max(at, 0))
	if t.State == chat.Running {
		text, err = s.pieces(ctx, s.reads, id, from)
	} else {
		err = message(s.reads, t.Thread, t.Answer).Column("text").Scan(ctx, &text)
		text = text[min(from, int64(len(text))):]
	}
	if err != nil {
		return "", chat.Turn{}, s.flavor.fault("read text of an answer", err)
	}
	return text, t, nil
}

// pieces returns what is stored of an answer at work from a byte offset on.
func (s turns) pieces(ctx context.Context, db bun.IDB, id string, from int64) (string, error) {
	var rows []pieceRow
	if err := db.NewSelect().Model(&rows).Where("e.turn_id = ?", id).
		Where("e.at >= COALESCE((SELECT max(b.at) FROM turn_pieces AS b WHERE b.turn_id = ? AND b.at <= ?), 0)", id, from).
		Order("e.at").Scan(ctx); err != nil || len(rows) == 0 {
		return "", err
	}
	var all strings.Builder
	for i := range rows {
		all.WriteString(rows[i].Text)
	}
	return all.String()[min(from-rows[0].At, int64(all.Len())):], nil
}

func (s turns) End(ctx context.Context, owner string, t chat.Turn, text *string) (string, error) {
	texts := append(turnTexts(&t), owner)
	if text != nil {
		texts = append(texts, *text)
	}
	if err := s.check(ctx, texts...); err != nil {
		return "", err
	}
	var whole string
	err := s.atomically(ctx, "end a turn", func(ctx context.Context, db bun.IDB) error {
		r, err := s.atWork(ctx, db, owner, t.ID)
		if err != nil {
			return err
		}
		if text != nil {
			whole = *text
		} else if whole, err = s.pieces(ctx, db, t.ID, 0); err != nil {
			return err
		}
		w := store.Whose{Account: r.Account, User: r.User}
		if err := s.flavor.words.rewrite(ctx, db, r.Thread, r.Answer, whole, wordsOf(w, whole)); err != nil {
			return err
		}
		if _, err := db.NewDelete().Model((*pieceRow)(nil)).Where("turn_id = ?", t.ID).Exec(ctx); err != nil {
			return err
		}
		end, err := ofTurn(&t)
		if err != nil {
			return err
		}
		_, err = db.NewUpdate().Model(end).Column("model", "request_id", "state", "reason", "sent", "left_out", "input", "cached", "output", "estimated",
			"debited", "settled", "first_at", "ended_at", "steps").Where("r.id = ?", t.ID).Exec(ctx)
		return err
	})
	return whole, err
}
