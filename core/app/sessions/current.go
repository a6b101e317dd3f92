package sessions

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

// Current is who is signed in to what: a resolved session and its account.
type Current struct {
	Session store.Session
	Account store.Account
}

// Principal returns who acts in the session. Without a user the session
// itself stands as the actor, so that the evidence leads to who minted it.
func (c Current) Principal() access.Principal {
	id := c.Session.User
	if id == "" {
		id = c.Session.ID
	}
	return access.Principal{
		Kind: access.PrincipalUser, ID: id, Account: c.Session.Account, User: c.Session.User,
		Role: c.Session.Role, Session: c.Session.ID,
	}
}

type currentKey struct{}

// With returns a context that carries the session and its principal.
func With(ctx context.Context, c Current) context.Context {
	return context.WithValue(access.WithPrincipal(ctx, c.Principal()), currentKey{}, c)
}

// From returns the session that ctx carries; false if there is none, or if
// another principal acts by now.
func From(ctx context.Context) (Current, bool) {
	c, ok := ctx.Value(currentKey{}).(Current)
	return c, ok && access.By(ctx) == c.Principal()
}
