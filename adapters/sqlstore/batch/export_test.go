package batch

import (
	"context"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Statements returns the statements of Postgres by name.
func Statements() map[string]string {
	out := map[string]string{}
	for _, s := range statements {
		out[s.name] = s.sql
	}
	for _, p := range parts {
		for _, lone := range []bool{false, true} {
			name := "stands_" + p.name
			if lone {
				name = "stands_lone_" + p.name
			}
			_, out[name] = standing.statement(lone, []filled{{part: p}})
		}
	}
	return out
}

// Blind takes away the statements that read what a book may know.
func (s *SQLite) Blind() {
	for _, text := range []string{liteFence, liteAccount, liteLots, liteHold, liteCounters} {
		delete(s.stmts, text)
	}
}

// Undone runs a batch that nobody wants any more when it is to be committed.
func (s *SQLite) Undone(ctx context.Context, op ledger.Op) error {
	return s.run(ctx, store.Replica{}, newWork([]ledger.Op{op}))
}
