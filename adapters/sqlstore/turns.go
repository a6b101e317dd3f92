package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

type turnRow struct {
	bun.BaseModel `bun:"table:turns,alias:r"`

	ID        string `bun:"id,pk"`
	Account   string `bun:"account_id"`
	User      string `bun:"user_id"`
	Thread    string `bun:"thread_id"`
	Question  string `bun:"question"`
	Answer    string `bun:"answer"`
	Key       string `bun:"key"`
	Model     string `bun:"model"`
	Request   string `bun:"request_id"`
	Owner     string `bun:"owner"`
	Until     int64  `bun:"until"`
	Stopping  bool   `bun:"stopping"`
	State     string `bun:"state"`
	Reason    string `bun:"reason"`
	Sent      int64  `bun:"sent"`
	LeftOut   int64  `bun:"left_out"`
	Input     int64  `bun:"input"`
	Cached    int64  `bun:"cached"`
	Output    int64  `bun:"output"`
	Estimated bool   `bun:"estimated"`
	Debited   int64  `bun:"debited"`
	Settled   bool   `bun:"settled"`
	StartedAt int64  `bun:"started_at"`
	FirstAt   int64  `bun:"first_at"`
	EndedAt   int64  `bun:"ended_at"`
	Steps     string `bun:"steps"` // JSON

	Stored int64 `bun:"stored,scanonly"`
}

// running is a turn at work, as the index on those says it.
const running = "r.state = 'running'"

func ofTurn(t *chat.Turn) (*turnRow, error) {
	steps, err := stepsText(t.Steps)
	return &turnRow{
		ID: t.ID, Account: t.Account, User: t.User, Thread: t.Thread, Question: t.Question, Answer: t.Answer, Key: t.Key, Model: t.Model,
		Request: t.Request, Owner: t.Owner, Until: row.Micros(t.Until), Stopping: t.Stopping, State: string(t.State), Reason: t.Reason,
		Sent: int64(t.Sent), LeftOut: int64(t.LeftOut), Input: t.Input, Cached: t.Cached, Output: t.Output, Estimated: t.Estimated,
		Debited: t.Debited, Settled: t.Settled, StartedAt: row.Micros(t.StartedAt), FirstAt: row.Micros(t.FirstAt), EndedAt: row.Micros(t.EndedAt),
		Steps: steps,
	}, err
}

func (r *turnRow) turn() (chat.Turn, error) {
	t := chat.Turn{
		ID: r.ID, Account: r.Account, User: r.User, Thread: r.Thread, Question: r.Question, Answer: r.Answer, Key: r.Key, Model: r.Model,
		Request: r.Request, Owner: r.Owner, Until: row.Time(r.Until), Stopping: r.Stopping, State: chat.State(r.State), Reason: r.Reason,
		Sent: int(r.Sent), LeftOut: int(r.LeftOut), Input: r.Input, Cached: r.Cached, Output: r.Output, Estimated: r.Estimated,
		Debited: r.Debited, Settled: r.Settled, StartedAt: row.Time(r.StartedAt), FirstAt: row.Time(r.FirstAt), EndedAt: row.Time(r.EndedAt),
	}
	if err := json.Unmarshal([]byte(r.Steps), &t.Steps); err != nil {
		return chat.Turn{}, fmt.Errorf("the steps of turn %s: %w", r.ID, err)
	}
	return t, nil
}

func stepsText(steps []chat.Step) (string, error) {
	text, err := json.Marshal(steps)
	return string(text), err
}

// texts are those of a turn that must be such as can be stored.
func turnTexts(t *chat.Turn) []string {
	texts := []string{t.ID, t.Account, t.User, t.Thread, t.Question, t.Answer, t.Key, t.Model, t.Request, t.Owner, t.Reason}
	for _, step := range t.Steps {
		texts = append(texts, step.Name, step.Note)
	}
	return texts
}

// turns implements store.Turns.
type turns struct{ aggregates }

// Turns implements store.Stores.
func (a aggregates) Turns() store.Turns { return turns{a} }

func (s turns) Start(ctx context.Context, t chat.Turn) error {
	if err := s.check(ctx, turnTexts(&t)...); err != nil {
		return err
	}
	t.State = chat.Running
	r, err := ofTurn(&t)
	if err != nil {
		return err
	}
	return s.atomically(ctx, "start a turn", func(ctx context.Context, db bun.IDB) error {
		var found string // held, so that it is not wiped meanwhile
		if err := s.flavor.forUpdate(thread(db, store.Whose{Account: t.Account, User: t.User}, t.Thread).Column("id"), "KEY SHARE").Scan(ctx, &found); err != nil {
			return err
		}
		n, err := affected(db.NewInsert().Model(r).On("CONFLICT DO NOTHING").Exec(ctx))
		if err == nil && n == 0 {
			return store.ErrTaken
		}
		return err
	})
}

// of narrows to a member's turns.
func of(q *bun.SelectQuery, w store.Whose) *bun.SelectQuery {
	return q.Where("r.account_id = ?", w.Account).Where("r.user_id = ?", w.User)
}

func (s turns) find(ctx context.Context, q *bun.SelectQuery, r *turnRow) (chat.Turn, error) {
	if err := q.Scan(ctx); err != nil {
		return chat.Turn{}, s.flavor.fault("read a turn", err)
	}
	return r.turn()
}

func (s turns) list(ctx context.Context, where func(q *bun.SelectQuery) *bun.SelectQuery) ([]chat.Turn, error) {
	var rows []turnRow
	if err := where(s.reads.NewSelect().Model(&rows)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("read turns", err)
	}
	out := make([]chat.Turn, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].turn(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s turns) Get(ctx context.Context, w store.Whose, id string) (chat.Turn, error) {
	if err := s.check(ctx, w.Account, w.User, id); err != nil {
		return chat.Turn{}, err
	}
	var r turnRow
	return s.find(ctx, of(s.reads.NewSelect().Model(&r), w).Where("r.id = ?", id), &r)
}

func (s turns) ByKey(ctx context.Context, w store.Whose, thread, key string) (chat.Turn, error) {
	if err := s.check(ctx, w.Account, w.User, thread, key); err != nil {
		return chat.Turn{}, err
	}
	var r turnRow
	return s.find(ctx, of(s.reads.NewSelect().Model(&r), w).Where("r.thread_id = ?", thread).Where("r.key = ?", key), &r)
}

func (s turns) Of(ctx context.Context, w store.Whose, ids []string) ([]chat.Turn, error) {
	if err := s.check(ctx, append([]string{w.Account, w.User}, ids...)...); err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return of(q, w).Where("r.id IN (?)", bun.List(ids)) })
}

func (s turns) Running(ctx context.Context, w store.Whose) (int, error) {
	if err := s.check(ctx, w.Account, w.User); err != nil {
		return 0, err
	}
	n, err := of(s.reads.NewSelect().Model((*turnRow)(nil)), w).Where(running).Count(ctx)
	return int(n), s.flavor.fault("count turns at work", err)
}

func (s turns) Stop(ctx context.Context, w store.Whose, id string) error {
	if err := s.check(ctx, w.Account, w.User, id); err != nil {
		return err
	}
	n, err := affected(s.writes.NewUpdate().Model((*turnRow)(nil)).Set("stopping = ?", true).
		Where("r.id = ?", id).Where("r.account_id = ?", w.Account).Where("r.user_id = ?", w.User).Where(running).Exec(ctx))
	if err != nil || n > 0 {
		return s.flavor.fault("stop a turn", err)
	}
	var found string
	return s.flavor.fault("stop a turn", of(s.reads.NewSelect().Model((*turnRow)(nil)), w).Column("id").Where("r.id = ?", id).Scan(ctx, &found))
}

func (s turns) Settled(ctx context.Context, id string, debited int64) error {
	if err := s.check(ctx, id); err != nil {
		return err
	}
	res, err := s.writes.NewUpdate().Model((*turnRow)(nil)).Set("debited = CASE WHEN settled THEN debited ELSE ? END", debited).Set("settled = ?", true).
		Where("r.id = ?", id).Where("r.ended_at > 0").Exec(ctx)
	return s.one("settle a turn", res, err)
}

func (s turns) Lapsed(ctx context.Context, before time.Time, limit int) ([]chat.Turn, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	return s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where(running).Where("r.until < ?", row.Micros(before)).Order("r.until", "r.id").Limit(size(limit))
	})
}

func (s turns) Unsettled(ctx context.Context, limit int) ([]chat.Turn, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	return s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("r.ended_at > 0").Where("NOT r.settled").Order("r.ended_at", "r.id").Limit(size(limit))
	})
}
