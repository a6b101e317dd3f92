package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"

	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
)

const (
	postgresConns  = 10
	connectTimeout = 3 * time.Second
)

// pgNow is read once per statement, not per row, so that an index can serve it.
const pgNow = bun.Safe("(SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)")

func postgresFlavor(clock func() time.Time) *flavor {
	f := &flavor{
		dialect:   pgdialect.New(),
		now:       func() schema.QueryAppender { return pgNow },
		forUpdate: func(q *bun.SelectQuery, strength string) *bun.SelectQuery { return q.For(strength) },
		turn:      "SELECT pg_advisory_xact_lock(7019267256849885545)", // this program's second number
		view:      sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		hasTable: func(ctx context.Context, db bun.IDB, name string) (has bool, err error) {
			err = db.NewRaw("SELECT to_regclass(?) IS NOT NULL", name).Scan(ctx, &has)
			return has, err
		},
		class: postgresClass,
		order: xactOrder{},
		words: vectors{},
		holdOfEach: "LEFT JOIN LATERAL (SELECT x.account_id, x.usage_input, x.usage_cached, x.usage_output FROM holds AS x" +
			" WHERE x.request_id = v.request_id OFFSET 0) AS h ON h.account_id = v.account_id",
		others:     true,
		partitions: true,
	}
	f.migrations, _ = fs.Sub(migrationFiles, "migrations/postgres")
	if clock != nil {
		f.now = fixedNow(clock)
	}
	return f
}

// openPostgres makes the pool that serves bun and batches alike. It does not
// connect yet.
func (s *Store) openPostgres(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(s.config.URL)
	if err != nil {
		return errURL // the parser's own words may hold the password
	}
	config.MaxConns = postgresConns
	if s.config.MaxConns > 0 {
		config.MaxConns = int32(s.config.MaxConns)
	}
	c := config.ConnConfig
	c.ConnectTimeout = connectTimeout
	// bun sends whole texts, no two alike: preparing them would cost a round
	// trip each and fill the cache. The batch names its own statements.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	settings := map[string]string{
		"application_name":                    "archibotchat",
		"timezone":                            "UTC",
		"statement_timeout":                   "10s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "10s",
	}
	maps.Copy(settings, batch.Settings)
	for name, value := range settings {
		if _, given := c.RuntimeParams[name]; !given {
			c.RuntimeParams[name] = value
		}
	}
	commits := &batch.Postgres{NewID: s.config.NewID, Clock: s.config.TestClock}
	// bun quotes by the standard's rules alone.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if on := conn.PgConn().ParameterStatus("standard_conforming_strings"); on != "on" {
			return errors.New("the database has standard_conforming_strings off")
		}
		commits.Connected()
		return nil
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return errURL
	}
	db := bun.NewDB(stdlib.OpenDBFromPool(s.pool), s.flavor.dialect)
	s.read, s.write = db, db
	s.poll = bun.NewDB(stdlib.OpenDB(*s.pool.Config().ConnConfig), s.flavor.dialect)
	s.poll.SetMaxOpenConns(1)
	commits.Pool = s.pool
	s.batch = commits
	return nil
}

// postgresClass goes by SQLSTATE, and calls whatever says that there is no
// connection unavailable.
func postgresClass(err error) class {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "23505":
			return classTaken
		case "23503":
			return classOrphan
		case "40001", "40P01":
			return classTransient
		case "55P03":
			return classLocked
		}
		for _, prefix := range []string{"08", "25P03", "28", "3D000", "40", "53", "55", "57", "58"} {
			if strings.HasPrefix(pg.Code, prefix) {
				return classUnavailable
			}
		}
		return classOther
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) || errors.Is(err, sql.ErrConnDone) {
		return classUnavailable
	}
	return classOther
}
