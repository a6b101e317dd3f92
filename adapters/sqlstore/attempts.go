package sqlstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"time"

	port "github.com/archibot/archibotchat/ports/limits"
)

// Attempts bounds attempts over all servers on the database (ports/limits). It
// works outside transactions only: an attempt counts, whatever becomes of it.
type Attempts struct {
	store  *Store
	secret func() []byte // a function, because fmt shows no more of one than its address
}

var (
	_ port.Limiter = Attempts{}
	_ port.Sweeper = Attempts{}
)

// Attempts returns the limiter. Keys are kept as HMACs under secret, without
// which the few addresses that there are could be guessed from their digests.
func (s *Store) Attempts(secret []byte) Attempts {
	return Attempts{s, func() []byte { return secret }}
}

// take is the whole of GCRA in one statement: full_at is when the bucket is
// full again, at when this was last decided. Those that come at once wait for
// the row and decide by what the one before them left. What lies beyond an
// empty bucket's full_at is cut off: the clock went back, or the rule was
// another.
const take = `INSERT INTO attempts AS a (id, full_at, at, refused) SELECT ?, now + ?, now, 0 FROM (SELECT ? AS now) AS clock WHERE true
ON CONFLICT (id) DO UPDATE SET
  full_at = CASE WHEN a.full_at > EXCLUDED.at + ? THEN EXCLUDED.at + ?
                 WHEN a.full_at > EXCLUDED.at + ? THEN a.full_at
                 WHEN a.full_at > EXCLUDED.at THEN a.full_at + ?
                 ELSE EXCLUDED.full_at END,
  refused = CASE WHEN a.full_at > EXCLUDED.at + ? THEN 1 ELSE 0 END,
  at = EXCLUDED.at
RETURNING full_at - at, refused`

// Take implements limits.Limiter.
func (a Attempts) Take(ctx context.Context, key string, r port.Rule) (port.Verdict, error) {
	if err := r.Validate(); err != nil {
		return port.Verdict{}, err
	}
	if err := outside(ctx); err != nil {
		return port.Verdict{}, err
	}
	mac := hmac.New(sha256.New, a.secret())
	_, _ = mac.Write([]byte(key))
	every := r.Every.Microseconds()
	empty := int64(r.Burst) * every // how long an empty bucket takes to fill
	room := empty - every           // and one with room for no more than one attempt
	var left, refused int64
	err := a.store.again(ctx, "count an attempt", class.undone, func(bool) error {
		return a.store.write.NewRaw(take, mac.Sum(nil), every, a.store.flavor.now(), empty, empty, room, every, room).Scan(ctx, &left, &refused)
	})
	if err != nil {
		return port.Verdict{}, err
	}
	if refused == 0 {
		return port.Verdict{OK: true}, nil
	}
	return port.Verdict{Wait: time.Duration(left-room) * time.Microsecond}, nil
}

// Sweep implements limits.Sweeper. It also removes what a clock that was days
// ahead has left.
func (a Attempts) Sweep(ctx context.Context, limit int) (more bool, err error) {
	now, err := a.store.Now(ctx)
	if err != nil {
		return false, err
	}
	n, err := affected(a.store.write.NewRaw("DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE full_at <= ? OR full_at > ? LIMIT ?)",
		now.UnixMicro(), now.Add(2*port.MaxPeriod).UnixMicro(), size(limit)).Exec(ctx))
	if err != nil {
		return false, a.store.flavor.fault("forget attempts", err)
	}
	return n >= size(limit), nil
}
