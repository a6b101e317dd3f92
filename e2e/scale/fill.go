// Package scale fills a PostgreSQL database with as many accounts, holds,
// entries and events as a busy year leaves behind, so that plans and costs can
// be looked at as they will be.
//
// It keeps true that the books add up (`ledger verify` finds nothing), and that
// IDs and dates are spread over time as requests would spread them. It writes
// past the product, by statements of its own, because a commit for each request
// would take hours.
package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Spec says how much to fill in.
type Spec struct {
	Accounts int // at least 1
	Requests int // settled ones, three of four of them in one step
	// Share is how many percent of the requests are the first account's; 0: no
	// more than those of any other.
	Share int
	// Since and Until are when the first and the last request were made.
	Since, Until time.Time
}

// Validate reports what is wrong with the spec.
func (s Spec) Validate() error {
	switch {
	case s.Accounts < 1 || s.Requests < 0:
		return errors.New("a scale has an account at least, and no negative number of requests")
	case s.Share < 0 || s.Share > 100 || s.Share > 0 && s.Share < 100 && s.Accounts < 2:
		return errors.New("a share is a percentage, and the rest must be somebody's")
	case !s.Since.Before(s.Until):
		return errors.New("a scale's time ends after it begins")
	}
	return nil
}

// What each request costs and each account was granted, in microcredits.
const (
	cost  = 700
	grant = 1_000_000_000_000_000
	held  = 900
)

// chunk is how many requests are filled in by one transaction.
const chunk = 100_000

// functions make IDs as the product does: a UUIDv7 in base32hex, of which the
// first ten characters are the time, here followed by a number.
const functions = `
CREATE FUNCTION pg_temp.id_at(prefix text, ms bigint, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT prefix || '_' || string_agg(substr('0123456789abcdefghijklmnopqrstuv', (((ms * 4 + 1) >> (5 * (9 - i))) & 31)::int + 1, 1), '' ORDER BY i) || lpad(to_hex(n), 16, '0')
	FROM generate_series(0, 9) AS i
$$`

// people makes the accounts with a lot each.
const people = `
CREATE TEMP TABLE people AS SELECT n, pg_temp.id_at('acct', $2, n) AS id, pg_temp.id_at('lot', $2, n) AS lot, pg_temp.id_at('key', $2, n) AS key
	FROM generate_series(0, $1::bigint - 1) AS n`

const accounts = `
INSERT INTO accounts (id, name, status, groups, billing, epoch, created_at, updated_at)
	SELECT id, 'Example ' || n, 'active', 'api', 'operator_approved', 1, $1::bigint * 1000, $1::bigint * 1000 FROM people`

const lots = `
INSERT INTO lots (id, account_id, source, state, granted, remaining, held, granted_at, expires_at)
	SELECT lot, id, 'operator', 'live', $1, $1, 0, $2::bigint * 1000, $3::bigint * 1000 FROM people`

const grants = `
INSERT INTO entries (account_id, seq, lot_id, kind, amount, request_id, reason, actor, at)
	SELECT id, 1, lot, 'grant', $1::bigint, '', 'example', 'operator', $2::bigint * 1000 FROM people`

const granted = `
INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
	SELECT pg_temp.id_at('evt', $2::bigint - 1, n), id, 1, $2::bigint * 1000, 'credits.granted', 'operator', 'operator', '', '', '', $1::bigint, 'example', lot, '', 1 FROM people`

// requests numbers a chunk of requests: whose each is, and which of theirs.
const requests = `
CREATE TEMP TABLE requests ON COMMIT DROP AS
	SELECT r.i, p.id AS account, p.lot, p.key, r.k, r.ms, pg_temp.id_at('req', r.ms, r.i) AS request
	FROM (
		SELECT i, $4::bigint + (($5::bigint - $4::bigint)::numeric * i / $6::bigint)::bigint AS ms,
			CASE WHEN i % 100 < $3::bigint THEN 0 ELSE least($3::bigint, 1) + other % greatest($7::bigint - least($3::bigint, 1), 1) END AS owner,
			CASE WHEN i % 100 < $3::bigint THEN i / 100 * $3::bigint + i % 100 ELSE other / greatest($7::bigint - least($3::bigint, 1), 1) END AS k
		FROM (SELECT i, i / 100 * (100 - $3::bigint) + i % 100 - $3::bigint AS other FROM generate_series($1::bigint, $2::bigint - 1) AS i) AS s
	) AS r JOIN people AS p ON p.n = r.owner`

// Every fourth request of an account was held first, and has its debit and its
// event in rows of their own.
const holds = `
INSERT INTO holds (request_id, account_id, replica_id, nonce, state, amount, parts, key_id, user_id, area, route, model, price_version,
	opened_at, deadline, mark_at, mark_accepted, mark_delivered, mark_cost, mark_input, mark_cached, mark_output, mark_estimated,
	closed_at, reason, usage_input, usage_cached, usage_output, usage_estimated, debited, uncollected, debited_by, entry_seq, event_seq)
	SELECT request, account, 'rep_00000000000000000000000000', 'try_00000000000000000000000000', 'settled', $1::bigint,
		'[{"lot":"' || lot || '","amount":' || $1::bigint || '}]', key, '', 'api', '/v1/chat/completions', 'bench-0-0', 'example',
		ms * 1000, ms * 1000 + 600000000, 0, false, false, 0, 0, 0, 0, false, ms * 1000 + 500000, '', 500, 0, 200, false, $2::bigint, 0,
		CASE WHEN k % 4 <> 1 OR k % 5000 = 17 THEN 0 ELSE k + 2 END, CASE WHEN k % 4 <> 1 THEN k + 2 END, CASE WHEN k % 4 <> 1 THEN k + 2 END
	FROM requests ORDER BY i`

const debits = `
INSERT INTO entries (account_id, seq, lot_id, kind, amount, request_id, reason, actor, at)
	SELECT account, k + 2, lot, 'debit', -$1::bigint, request, '', '', ms * 1000 + 500000 FROM requests WHERE k % 4 = 1 ORDER BY i`

// One event in 5,000 of each account is of a seldom kind, and by a key that is
// seldom used.
const debited = `
INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
	SELECT 'evt' || substr(request, 4), account, k + 2, ms * 1000 + 500000, CASE WHEN k % 5000 = 17 THEN 'gate.denied' ELSE 'usage.debited' END, 'key',
		CASE WHEN k % 5000 = 17 THEN 'key_seldom' ELSE key END, 'api', request, CASE WHEN k % 5000 = 17 THEN 'key_seldom' ELSE key END,
		-$1::bigint, '', '', 'bench-0-0', 1
	FROM requests WHERE k % 4 = 1 ORDER BY i`

const heads = `
UPDATE accounts SET entry_seq = s.seq, event_seq = s.seq, ledger_at = s.at
	FROM (SELECT account_id, max(seq) AS seq, max(at) AS at FROM all_entries GROUP BY account_id) AS s WHERE s.account_id = accounts.id`

const remainders = `
UPDATE lots SET remaining = s.amount FROM (SELECT lot_id, sum(amount)::bigint AS amount FROM all_entries GROUP BY lot_id) AS s WHERE s.lot_id = lots.id`

// Fill fills a migrated, empty database. The first account is the one of the
// lowest ID.
func Fill(ctx context.Context, url string, s Spec) error {
	if err := s.Validate(); err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to fill a database: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	since, until := s.Since.UnixMilli(), s.Until.UnixMilli()
	expiry := s.Until.AddDate(1, 0, 0).UnixMilli()
	err = inTx(ctx, c, []step{
		{functions, nil},
		{people, []any{s.Accounts, since}},
		{accounts, []any{since}},
		{lots, []any{int64(grant), since, expiry}},
		{grants, []any{int64(grant), since}},
		{granted, []any{int64(grant), since}},
	})
	for first := 0; err == nil && first < s.Requests; first += chunk {
		err = inTx(ctx, c, []step{
			{requests, []any{first, min(first+chunk, s.Requests), s.Share, since, until, s.Requests, s.Accounts}},
			{holds, []any{held, cost}},
			{debits, []any{cost}},
			{debited, []any{cost}},
		})
	}
	if err == nil {
		err = inTx(ctx, c, []step{{heads, nil}, {remainders, nil}})
	}
	if err == nil {
		_, err = c.Exec(ctx, "VACUUM ANALYZE")
	}
	if err != nil {
		return fmt.Errorf("fill a database: %w", err)
	}
	return nil
}

// step is a statement with its arguments.
type step struct {
	sql  string
	args []any
}

func inTx(ctx context.Context, c *pgx.Conn, steps []step) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		for _, s := range steps {
			if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
