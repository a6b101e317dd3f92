package batch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/lite"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// SQLite commits batches on a connection of its own. Its transactions begin
// IMMEDIATE, so the whole database is the lock.
type SQLite struct {
	file  string
	turn  *sql.DB // the store's one connection that writes: taken while a batch does
	newID func(prefix string) string
	clock Clock

	gate  chan struct{} // holds a token while what is below is in use
	pages int           // of log after which a commit moves them
	conn  *lite.Conn    // nil until the first batch
	stmts map[string]*lite.Stmt
	watch watch
	books shelf
}

// NewSQLite returns a committer to a file. The others of this process that
// write to it do so through turn, which must have one connection, and batches
// take turns with them. Its clock must not be nil.
func NewSQLite(file string, turn *sql.DB, newID func(string) string, clock Clock) *SQLite {
	return &SQLite{file: file, turn: turn, newID: newID, clock: clock, gate: make(chan struct{}, 1), pages: liteAutoCheckpoint}
}

// liteAutoCheckpoint is SQLite's own default.
const liteAutoCheckpoint = 1000

// litePatience is how long a batch waits for another process that writes, as
// often as it takes until litePatiences; between them it looks whether anybody
// still wants it.
const (
	litePatience  = 100 * time.Millisecond
	litePatiences = 50
)

// Close closes the connection, once no batch runs.
func (s *SQLite) Close() error {
	s.gate <- struct{}{}
	defer func() { <-s.gate }()
	return s.close()
}

func (s *SQLite) close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn, s.stmts, s.watch = nil, nil, watch{}
	s.books.clear()
	return err
}

// AutoCheckpoint sets after how many pages of log a commit of a batch moves
// them into the file; 0: never.
func (s *SQLite) AutoCheckpoint(ctx context.Context, pages int) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer func() { <-s.gate }()
	s.pages = pages
	if s.conn == nil {
		return nil
	}
	return s.conn.AutoCheckpoint(pages)
}

func (s *SQLite) enter(ctx context.Context) error {
	select {
	case s.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Commit commits ops; see store.Batcher.
func (s *SQLite) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	w := newWork(ops)
	if len(w.groups) == 0 {
		return w.out, nil
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.gate }()
	turn, err := s.turn.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for a batch's turn: %w", err)
	}
	defer func() { _ = turn.Close() }()
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("prepare to commit a batch: %w", err)
	}
	err = s.run(ctx, by, w)
	if w.refuted(err) { // its books are not on the shelf any more
		w = newWork(ops)
		err = s.run(ctx, by, w)
	}
	if err != nil {
		return nil, err
	}
	return w.out, nil
}

// run is the transaction of a batch.
func (s *SQLite) run(ctx context.Context, by store.Replica, w *work) error {
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	defer s.undo() // no effect after commit
	return s.commit(ctx, by, w)
}

// commit does all of a batch once it has begun.
func (s *SQLite) commit(ctx context.Context, by store.Replica, w *work) error {
	if err := s.look(); err != nil {
		return fmt.Errorf("look what others have committed: %w", err)
	}
	if err := s.checkFence(by); err != nil {
		return err
	}
	hearsay, err := s.recall(w)
	if err != nil {
		return err
	}
	if err := s.load(w); err != nil {
		return err
	}
	changes := w.decide(s.clock(), s.newID)
	if err := s.doubt(w); err != nil {
		return err
	}
	if changes.empty() {
		if hearsay {
			return errStale // a refusal is not given out on hearsay
		}
		if s.watch.tenure != 0 {
			s.learn(w)
		}
		return nil
	}
	tenure, err := s.claim()
	if err != nil {
		return fmt.Errorf("mark the file: %w", err)
	}
	if err := s.write(changes); err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	if err := ctx.Err(); err != nil { // nobody wants it any more
		return err
	}
	if err := s.stmts[liteCommit].Exec(); err != nil {
		s.books.clear() // whatever became of it
		return fmt.Errorf("commit a batch: %w", err)
	}
	s.watch.tenure, s.watch.found = tenure, tenure
	s.learn(w)
	return nil
}

// TryCommit is Commit: the lock is the whole database, so no account is ever
// busy alone.
func (s *SQLite) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, _ time.Duration) ([]ledger.Outcome, error) {
	return s.Commit(ctx, by, ops)
}

// begin takes the write lock. Whoever has it is another process.
func (s *SQLite) begin(ctx context.Context) error {
	for tries := 1; ; tries++ {
		err := s.stmts[liteBegin].Exec()
		var lite *lite.Error
		if !errors.As(err, &lite) || !lite.Busy() || tries == litePatiences {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// undo takes back a transaction that is open still. A connection that cannot
// even do that is not used again.
func (s *SQLite) undo() {
	if !s.conn.Idle() && s.stmts[liteUndo].Exec() != nil {
		_ = s.close() // which undoes it
	}
}

// open opens the connection, if it is not open, and prepares what it runs.
func (s *SQLite) open() error {
	if s.conn != nil {
		return nil
	}
	conn, err := lite.Open(s.file, litePatience)
	if err != nil {
		return err
	}
	stmts := map[string]*lite.Stmt{}
	err = errors.Join(conn.AutoCheckpoint(s.pages), conn.Exec(litePragmas))
	for _, text := range liteStatements {
		if err == nil {
			stmts[text], err = conn.Prepare(text)
		}
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	s.conn, s.stmts, s.watch = conn, stmts, watch{}
	s.books.clear()
	return nil
}
