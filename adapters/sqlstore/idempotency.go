package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// idempotency implements store.Idempotency. It works outside transactions only.
type idempotency struct {
	aggregates
	store *Store
}

// Idempotency implements store.Store.
func (s *Store) Idempotency() store.Idempotency { return idempotency{s.aggregates, s} }

// daySlots are the partitions that days take in turn.
var daySlots = [...]string{"idempotency_outcomes_0", "idempotency_outcomes_1", "idempotency_outcomes_2", "idempotency_outcomes_3"}

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// day returns the number of the day that a request was held on, and its slot.
func day(opened time.Time) (number, slot int64) { return dayOf(row.Micros(opened)) }

func dayOf(µ int64) (number, slot int64) {
	number = µ / dayMicros
	return number, number % int64(len(daySlots))
}

func (s idempotency) Find(ctx context.Context, account string, names []ledger.Name) ([]ledger.Reservation, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, nil
	}
	ids := make([][]byte, len(names))
	for i := range names {
		ids[i] = names[i].ID[:]
	}
	rows, err := s.reads.QueryContext(ctx, row.SelectReservations+" WHERE i.id IN (?) AND i.account_id = ?", bun.List(ids), account)
	if err != nil {
		return nil, s.flavor.fault("look for a request's name", err)
	}
	defer func() { _ = rows.Close() }()
	var out []ledger.Reservation
	for rows.Next() {
		var r row.Reservation
		if err := rows.Scan(append(r.Fields(), &r.Hold)...); err != nil {
			return nil, s.flavor.fault("read a request's name", err)
		}
		out = append(out, r.Reservation())
	}
	return out, s.flavor.fault("look for a request's name", rows.Err())
}

func (s idempotency) Record(ctx context.Context, o store.SealedOutcome) error {
	if err := s.check(ctx, o.Account, o.Request); err != nil {
		return err
	}
	number, slot := day(o.Opened)
	_, err := s.writes.NewRaw("INSERT INTO idempotency_outcomes (slot, day, request_id, account_id, sealed) VALUES (?, ?, ?, ?, ?)"+
		" ON CONFLICT (day, request_id, slot) DO UPDATE SET account_id = EXCLUDED.account_id, sealed = EXCLUDED.sealed",
		slot, number, o.Request, o.Account, o.Sealed).Exec(ctx)
	return s.flavor.fault("keep an outcome", err)
}

func (s idempotency) Outcome(ctx context.Context, account, request string, opened time.Time) ([]byte, error) {
	if err := s.check(ctx, account, request); err != nil {
		return nil, err
	}
	number, slot := day(opened)
	var sealed []byte
	err := s.reads.NewRaw("SELECT sealed FROM idempotency_outcomes WHERE slot = ? AND day = ? AND request_id = ? AND account_id = ?",
		slot, number, request, account).Scan(ctx, &sealed)
	return sealed, s.flavor.fault("read an outcome", err)
}

func (s idempotency) Expire(ctx context.Context, limit int) (more bool, err error) {
	if err := s.check(ctx); err != nil {
		return false, err
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return false, err
	}
	number, _ := day(now)
	if err := s.empty(ctx, number); err != nil {
		return false, err
	}
	names, err := affected(s.writes.NewRaw("DELETE FROM idempotency WHERE (id, account_id) IN (SELECT i.id, i.account_id FROM idempotency AS i"+
		" WHERE i.created_at <= ? AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.request_id = i.request_id AND h.state = ?)"+
		" ORDER BY i.created_at LIMIT ?)", row.Micros(now.Add(-ledger.OnceFor)), string(ledger.HoldOpen), size(limit)).Exec(ctx))
	if err != nil {
		return false, s.flavor.fault("remove names of requests", err)
	}
	// Yesterday's may be younger than a day.
	answers, err := affected(s.writes.NewRaw("DELETE FROM idempotency_outcomes WHERE (day, request_id, slot) IN"+
		" (SELECT day, request_id, slot FROM idempotency_outcomes WHERE day < ? ORDER BY day, request_id LIMIT ?)", number-1, size(limit)).Exec(ctx))
	if err != nil {
		return false, s.flavor.fault("remove outcomes", err)
	}
	return max(names, answers) >= size(limit), nil
}

// empty gives the room of the day before yesterday back at a stroke, where its
// answers are a partition. Nobody reads it, and tomorrow's is another.
func (s idempotency) empty(ctx context.Context, today int64) error {
	if !s.flavor.partitions {
		return nil
	}
	_, slot := dayOf((today - 2) * dayMicros)
	table := bun.Ident(daySlots[slot])
	return s.atomically(ctx, "empty a day's outcomes", func(ctx context.Context, db bun.IDB) error {
		var full bool
		err := db.NewRaw("SELECT EXISTS (SELECT 1 FROM ? WHERE day < ?)", table, today-1).Scan(ctx, &full)
		if err != nil || !full {
			return err
		}
		_, err = db.NewRaw("TRUNCATE ?", table).Exec(ctx)
		return err
	})
}
