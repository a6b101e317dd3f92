package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
)

// How the server keeps its write-ahead log short (HOTPATH 23).
const (
	checkpointEvery = time.Second
	checkpointSoon  = 100 * time.Millisecond // once the log is half as long as it may be
	// walBound is how long the log may grow before writers are held up for a
	// moment, so that it begins anew. It is exceeded by what is written while
	// somebody reads an old state, such as a backup.
	walBound = 64 << 20
	// walRest is what the log's file may keep of the disk while nobody writes.
	walRest = 4 << 20
	// walPatience is how long writers are held up at most, for readers.
	walPatience = 50 * time.Millisecond
)

// checkpointer moves what was committed from the log into the database file,
// on a connection of its own, so that no commit has to wait for it. Other
// processes on the same file go on to do this for themselves.
type checkpointer struct {
	db    *sql.DB
	file  string
	log   *slog.Logger
	frame int64 // bytes of a page in the log
	bound int64 // walBound
	rest  int64 // walRest
	last  walState
}

// walState is what a checkpoint says: frames in the log, and how many of them
// are in the database file as well. -1 where there is no log.
type walState struct{ frames, moved int64 }

// newCheckpointer opens the connection.
func newCheckpointer(ctx context.Context, file string, log *slog.Logger) (*checkpointer, error) {
	patience := fmt.Sprintf("busy_timeout(%d)", walPatience.Milliseconds())
	db, err := sql.Open("sqlite", dataSource(file, "deferred", patience, "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c := &checkpointer{db: db, file: file, log: log, bound: walBound, rest: walRest}
	if err := db.QueryRowContext(ctx, "PRAGMA page_size").Scan(&c.frame); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c.frame += 24 // a frame's header
	return c, nil
}

// checkpoint keeps the log short in place of the writing connection, until
// release is called.
func (s *Store) checkpoint(ctx context.Context) (release func() error, err error) {
	c, err := newCheckpointer(ctx, s.file, s.log)
	if err != nil {
		return nil, err
	}
	if err := s.autoCheckpoint(ctx, 0); err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	return func() error {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
		defer cancel()
		return errors.Join(s.autoCheckpoint(ctx, autoCheckpointPages), c.db.Close())
	}, nil
}

// releaseTime bounds how long a server that ends waits for its own writer.
const releaseTime = 5 * time.Second

// autoCheckpointPages is SQLite's own default.
const autoCheckpointPages = 1000

// autoCheckpoint sets after how many pages of log a commit of one of the
// writing connections moves them; 0: never.
func (s *Store) autoCheckpoint(ctx context.Context, pages int) error {
	if b, ok := s.batch.(*batch.SQLite); ok {
		if err := b.AutoCheckpoint(ctx, pages); err != nil {
			return err
		}
	}
	var set int
	return s.write.NewRaw("PRAGMA wal_autocheckpoint = ?", pages).Scan(ctx, &set)
}

func (c *checkpointer) run(ctx context.Context) {
	for pause := checkpointEvery; wait(ctx, pause); {
		if err := c.once(ctx); err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "moving the log into the database file failed, will retry", "error", err)
		}
		pause = checkpointEvery
		if c.last.frames*c.frame > c.bound/2 {
			pause = checkpointSoon
		}
	}
}

// once is one round. The work is done beside the writer. Only if the log is too
// long, or nobody writes, the writer is stopped for the rest, of which there is
// little then: what came while the round before it was at work.
func (c *checkpointer) once(ctx context.Context) error {
	before := c.last
	var err error
	if c.last, err = c.pragma(ctx, "PASSIVE"); err != nil {
		return err
	}
	if c.last == before && c.last.moved == c.last.frames {
		if c.size() > c.rest {
			c.last, err = c.pragma(ctx, "TRUNCATE")
		}
		return err
	}
	for tries := 0; tries < 4 && c.last.frames*c.frame > c.bound; tries++ {
		before = c.last
		if c.last, err = c.pragma(ctx, "PASSIVE"); err != nil {
			return err
		}
		if (c.last.frames-before.frames)*c.frame < c.bound/16 {
			break
		}
	}
	if c.last.frames*c.frame > c.bound {
		_, err = c.pragma(ctx, "RESTART")
	}
	return err
}

func (c *checkpointer) pragma(ctx context.Context, mode string) (w walState, err error) {
	var busy int
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &w.frames, &w.moved)
	if sqliteClass(err) == classLocked { // another process is at it
		return c.last, nil
	}
	return w, err
}

// size is that of the log's file.
func (c *checkpointer) size() int64 {
	info, err := os.Stat(c.file + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
