package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/archibot/archibotchat/core/fault"
)

// backupStep is how many pages a backup copies before it makes way for others.
const backupStep = 256

// Faults of Backup.
var (
	ErrBackupExists = fault.New(fault.Conflict, "backup_exists", "There is a file of that name already. Name another, or move it away.")
	ErrBackupTools  = fault.New(fault.Invalid, "backup_by_pg_dump", "This command copies SQLite files. Back up PostgreSQL with its own program: "+
		"pg_dump --format=custom --exclude-table-data='idempotency_outcomes*' --file=FILE, with PGHOST, PGUSER, PGDATABASE and PGPASSFILE saying where, "+
		"so that no password stands among its arguments. It reads one long snapshot: on a busy system let it read a standby.")
)

// Backup copies the database file to a new one, also while a server writes, and
// returns the copy's size in bytes. The copy is as of one moment and complete
// once it bears its name; it leaves out the answers that are kept for
// Idempotency-Keys (HOTPATH 18).
//
// Until then it is FILE.*.part, which a command that is killed leaves behind.
//
// The copy is made in steps over one snapshot, which keeps no writer waiting
// but keeps the log from being reused: between steps it pauses for as long as a
// step takes, unless the log has grown long.
func (s *Store) Backup(ctx context.Context, to string) (int64, error) {
	if err := outside(ctx); err != nil {
		return 0, err
	}
	if s.pool != nil {
		return 0, ErrBackupTools
	}
	to, err := filepath.Abs(to)
	if err != nil {
		return 0, err
	}
	if _, err := os.Lstat(to); err == nil {
		return 0, ErrBackupExists
	}
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part") // for its owner alone
	if err != nil {
		return 0, fmt.Errorf("make the backup's file: %w", err)
	}
	part := file.Name()
	if err := file.Close(); err != nil {
		return 0, errors.Join(err, discard(part))
	}
	size, err := s.backup(ctx, part)
	if err == nil {
		err = publish(part, to)
	}
	if err != nil {
		return 0, errors.Join(s.flavor.fault("back up the database", err), discard(part))
	}
	return size, nil
}

func (s *Store) backup(ctx context.Context, part string) (int64, error) {
	from, err := openFile(s.file, "deferred", "query_only(1)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = from.Close() }()
	conn, err := from.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	// One snapshot: a copy that took a new one at each step would have to begin
	// anew after every commit of the server, and never end.
	if _, err := conn.ExecContext(ctx, "BEGIN; SELECT count(*) FROM sqlite_master"); err != nil {
		return 0, err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	err = conn.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver cannot copy databases")
		}
		b, err := source.NewBackup(part)
		if err != nil {
			return err
		}
		return errors.Join(s.copyPages(ctx, b), b.Finish())
	})
	if err != nil {
		return 0, err
	}
	if err := forget(ctx, part); err != nil {
		return 0, err
	}
	info, err := os.Stat(part)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s *Store) copyPages(ctx context.Context, b *sqlite.Backup) error {
	for {
		begun := time.Now()
		more, err := b.Step(backupStep)
		if err != nil || !more {
			return err
		}
		pause := time.Since(begun)
		if info, err := os.Stat(s.file + "-wal"); err == nil && info.Size() > walBound/2 {
			pause = 0
		}
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
}

// forget takes out of a copy what no copy may keep, and makes it one file.
func forget(ctx context.Context, file string) error {
	db, err := openFile(file, "immediate", "secure_delete(1)", "synchronous(FULL)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "DELETE FROM idempotency_outcomes; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
	return errors.Join(err, db.Close())
}

// publish gives a whole copy its name, unless another has it by now, durably.
func publish(part, to string) error {
	if err := os.Link(part, to); errors.Is(err, fs.ErrExist) {
		return ErrBackupExists
	} else if err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	if err := os.Remove(part); err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// discard removes a copy that is not whole.
func discard(part string) error {
	var errs []error
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(part + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
