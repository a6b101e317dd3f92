package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/admin"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// database checks the settings that every command needs and opens the
// database for a command, its schema up to date.
func (in *instance) database(ctx context.Context) (*database, error) {
	base, err := in.cli.Settings.Base(in.source.Faults())
	if err != nil {
		return nil, configError{err}
	}
	in.base = base
	return in.open(ctx, base, in.log(max(base.LogLevel, slog.LevelWarn), base.Secrets()...), mayMigrate(base))
}

// schema says what to do about a schema that is behind.
type schema uint8

const (
	refuseOld schema = iota
	migrateOld
)

// mayMigrate returns migrateOld where nobody but this machine can use the
// database.
func mayMigrate(b boot.Base) schema {
	if b.Environment == boot.Local || b.File != "" {
		return migrateOld
	}
	return refuseOld
}

// open opens the database and makes sure that it is this environment's and
// that its schema is what this program expects.
func (in *instance) open(ctx context.Context, base boot.Base, log *slog.Logger, old schema) (*database, error) {
	if base.File != "" {
		if err := os.MkdirAll(filepath.Dir(base.File), 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	db, err := in.connect(ctx, base, log)
	if err != nil {
		return nil, err
	}
	if err := db.prepare(ctx, base, old); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

func (db *database) prepare(ctx context.Context, base boot.Base, old schema) error {
	pending, err := db.Pending(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		if old == refuseOld {
			return fault.New(fault.Conflict, "migrations_pending", fmt.Sprintf("The database's schema is %d migrations behind this program.", len(pending)))
		}
		// A schema that was begun bears a stamp: it must be ours before it is touched.
		if err := db.Stamp(ctx, string(base.Environment)); err != nil && fault.CodeOf(err) == "environment_mismatch" {
			return err
		}
		if err := db.Migrate(ctx); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
	}
	return db.Stamp(ctx, string(base.Environment))
}

// adminEnv returns what the admin commands run in. The database that one of
// them opens is in.opened, to be closed after it.
func (in *instance) adminEnv() *admin.Env {
	return &admin.Env{
		In: in.In, Out: in.Out, JSON: in.cli.JSON, Request: in.newID("req"), Now: now,
		Cookie: api.CookieName(in.cli.Settings.Environment != string(boot.Local)),
		Open: func(ctx context.Context) (*admin.Desk, error) {
			db, err := in.database(ctx)
			if err != nil {
				return nil, err
			}
			in.opened = db
			return in.desk(db), nil
		},
		Site:   func() string { return strings.TrimSuffix(in.cli.Settings.PublicURL, "/") },
		Backup: in.backup,
	}
}

// backup copies the database without preparing it: a copy is what one makes
// before a new version touches the schema.
func (in *instance) backup(ctx context.Context, to string) (int64, error) {
	base, err := in.cli.Settings.Base(in.source.Faults())
	if err != nil {
		return 0, configError{err}
	}
	in.base = base
	if _, err := os.Stat(base.File); base.File != "" && err != nil {
		return 0, fault.New(fault.NotFound, "no_database", "There is no database file yet at "+base.File+".")
	}
	db, err := in.connect(ctx, base, in.log(max(base.LogLevel, slog.LevelWarn), base.Secrets()...))
	if err != nil {
		return 0, err
	}
	defer db.close()
	return db.Backup(ctx, to)
}

// desk wires the use cases that need no upstream and no prices.
func (in *instance) desk(db *database) *admin.Desk {
	keyringDeps := keyring.Deps{Store: db, Now: now, NewID: in.newID, Entropy: entropy}
	log := func(sign func(string) ([]byte, error)) *seal.Service {
		return seal.New(seal.Deps{Store: db, Now: now, Log: db.log, Origin: seal.Origin(string(in.base.Environment)), Sign: sign})
	}
	accountDesk := accounts.New(accounts.Deps{Store: db, Now: now, NewID: in.newID})
	memberDesk := members.New(members.Deps{Store: db, Now: now, NewID: in.newID, Entropy: entropy})
	return &admin.Desk{
		Accounts: accountDesk,
		Credits:  credits.New(credits.Deps{Store: db, Now: now, NewID: in.newID}),
		Members:  memberDesk,
		Requests: requests.New(requests.Deps{Store: db, Accounts: accountDesk, Members: memberDesk, Now: now, NewID: in.newID, Entropy: entropy}),
		Setup:    setup.New(setup.Deps{Store: db, Now: now, NewID: in.newID, Environment: string(in.base.Environment)}),
		Sessions: sessions.New(sessions.Deps{Store: db, Now: now, NewID: in.newID, Entropy: entropy}),
		Activity: activity.New(activity.Deps{Store: db, Now: now, NewID: in.newID}),
		Keyring:  keyring.New(keyringDeps),
		Limits:   limits.New(limits.Deps{Store: db, Now: now, NewID: in.newID}),
		Minting: func() (*keyring.Service, error) {
			peppers, err := in.cli.Settings.KeyPeppers(in.base)
			if err != nil {
				return nil, configError{err}
			}
			keyringDeps.Peppers = peppers
			return keyring.New(keyringDeps), nil
		},
		Seal: log(nil),
		Sealing: func() (*seal.Service, error) {
			key, err := in.cli.Settings.Auditing(in.base)
			if err != nil {
				return nil, configError{err}
			}
			return log(key.Sign), nil
		},
		Proving: func(verifiers []string) (*seal.Service, func([]byte) (string, error), error) {
			key, err := in.cli.Settings.Proving(in.base, verifiers)
			if err != nil {
				return nil, nil, configError{err}
			}
			return log(nil), key.Open, nil
		},
	}
}

type migrateCommand struct{}

// Run brings the schema up to date.
func (migrateCommand) Run(ctx context.Context, in *instance) error {
	base, err := in.cli.Settings.Base(in.source.Faults())
	if err != nil {
		return configError{err}
	}
	in.base = base
	db, err := in.open(ctx, base, in.log(base.LogLevel, base.Secrets()...), migrateOld)
	if err != nil {
		return err
	}
	defer db.close()
	if in.cli.JSON {
		_, err = fmt.Fprintln(in.Out, `{"ok":true}`)
	} else {
		_, err = fmt.Fprintln(in.Out, "The schema is up to date.")
	}
	return err
}
