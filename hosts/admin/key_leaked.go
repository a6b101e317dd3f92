package admin

import (
	"context"
	"io"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
)

type keyLeaked struct{}

// errUnknownKey means that nothing had to be revoked.
var errUnknownKey = fault.New(fault.NotFound, "not_found", "That is no key of this database.")

// Help says what --help says beyond one line.
func (keyLeaked) Help() string {
	return "Never pass a key as an argument: others on the machine see it. For example: archibotchat admin key leaked < found.txt"
}

// Run reads the key and revokes it.
func (c *keyLeaked) Run(ctx context.Context, env *Env) error {
	if env.In == nil {
		return errUnknownKey
	}
	text, err := io.ReadAll(io.LimitReader(env.In, 1<<10))
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	ring, err := desk.Minting()
	if err != nil {
		return err
	}
	found, err := ring.Leaked(ctx, []string{strings.TrimSpace(string(text))})
	if err != nil {
		return err
	}
	if !found[0].Known {
		return errUnknownKey
	}
	k := found[0].Key
	v := env.viewKey(k)
	v.RequestID = env.Request
	return env.print(v, func(w io.Writer) {
		row(w, "ID", k.ID)
		row(w, "Account", k.Account)
		row(w, "Name", k.Name)
		row(w, "Revoked", stamp(k.RevokedAt))
	})
}
