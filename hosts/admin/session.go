package admin

import (
	"context"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
)

type sessionCommands struct {
	Create sessionCreate `cmd:"" help:"Mint a session of an account without a sign-in. Its token is printed this once."`
}

type sessionCreate struct {
	Account string `required:"" placeholder:"ID" help:"Account, acct_…"`
	Role    string `default:"admin" placeholder:"ROLE" help:"admin manages the whole account, member only what is their own (${default})."`
}

// Run mints the session and prints its token.
func (c *sessionCreate) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	token, s, err := desk.Sessions.Mint(ctx, sessions.Draft{Account: c.Account, Role: access.Role(c.Role)})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string      `json:"request_id"`
		ID        string      `json:"id"`
		Account   string      `json:"account"`
		Role      access.Role `json:"role"`
		Token     string      `json:"token"`
		Cookie    string      `json:"cookie"`
		ExpiresAt *time.Time  `json:"expires_at"`
	}{env.Request, s.ID, s.Account, s.Role, token.Reveal(), env.Cookie + "=" + token.Reveal(), instant(s.ExpiresAt)}
	return env.print(out, func(w io.Writer) {
		row(w, "ID", s.ID)
		row(w, "Account", s.Account)
		row(w, "Role", string(s.Role))
		row(w, "Expires", stamp(s.ExpiresAt))
		row(w, "Cookie", out.Cookie)
		row(w, "Note", "Keep it now: it cannot be shown again.")
	})
}
