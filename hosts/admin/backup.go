package admin

import (
	"context"
	"io"
	"strconv"
)

type backupCommand struct {
	To string `required:"" type:"path" placeholder:"FILE" help:"The copy to make; there must be no such file yet."`
}

// Help goes below the command's own line.
func (backupCommand) Help() string {
	return "Copies a SQLite database to a new file as of one moment, also while a server writes to it; the server is not kept waiting, but its log (FILE-wal) " +
		"grows until the copy is done. The copy holds everything but the answers kept for Idempotency-Keys. A copy is whole once it bears its name; until then it is " +
		"FILE.*.part. For PostgreSQL it says how to call pg_dump. Peppers and signing keys are not in the database: keep them as well. " +
		"To use a copy, name it in ARCHIBOT_DATABASE_URL; archibotchat ledger verify proves its books."
}

// Run makes the copy.
func (c *backupCommand) Run(ctx context.Context, env *Env) error {
	size, err := env.Backup(ctx, c.To)
	if err != nil {
		return err
	}
	out := struct {
		RequestID string `json:"request_id"`
		File      string `json:"file"`
		Bytes     int64  `json:"bytes"`
	}{env.Request, c.To, size}
	return env.print(out, func(w io.Writer) {
		row(w, "File", out.File)
		row(w, "Bytes", strconv.FormatInt(out.Bytes, 10))
	})
}
