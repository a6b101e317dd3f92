package sessions

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Gate asks gates.Decide on behalf of the session that a context carries.
type Gate struct {
	Store   store.Store
	Enabled access.Groups // areas that the environment offers
	// Boundary is what the environment asks for: BoundaryMissing means that
	// each account must have acknowledged BoundaryVersion (A8).
	Boundary        gates.Boundary
	BoundaryVersion string
	// Fresh asks for a sign-in of late where an administrator makes keys; nil
	// asks for none.
	Fresh func(ctx context.Context) error
}

// Decide returns whether the session in ctx may use each area of account now,
// credits included; the zero Account is none yet. A context without a session
// is not signed in. An error means that the credits could not be read: the
// caller keeps the gate shut.
func (g *Gate) Decide(ctx context.Context, account store.Account, areas ...access.Area) ([]gates.Decision, error) {
	now, err := g.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	var lots []ledger.Lot
	if account.ID != "" { // else signed in, but a member of nothing
		if lots, err = g.Store.Ledger().Lots(ctx, account.ID); err != nil {
			return nil, err
		}
	}
	in := gates.Input{
		Account: account.Status, Groups: account.Groups, Enabled: g.Enabled, Billing: account.Billing,
		Boundary: g.Boundary.Of(g.BoundaryVersion, account.Boundary), Credits: gates.CreditsNone,
	}
	if ledger.Sum(lots, now).Available > 0 {
		in.Credits = gates.CreditsAvailable
	}
	if c, ok := From(ctx); ok && c.Session.Account == account.ID {
		in.Credential, in.UserRule, in.UserGroups = gates.Session, gates.RuleOf(c.Session.UserRule), c.Session.Groups
	}
	out := make([]gates.Decision, len(areas))
	for i, area := range areas {
		in.Area = area
		out[i] = gates.Decide(in)
	}
	return out, nil
}

// Admit returns nil if the session in ctx may use the API area of account
// now, else the fault of the first reason. It is the gate of key creation (G5),
// for which administrators must have signed in of late.
func (g *Gate) Admit(ctx context.Context, account store.Account, by access.Principal) error {
	if err := g.admit(ctx, account, access.AreaAPI); err != nil {
		return err
	}
	if g.Fresh != nil && by.Kind == access.PrincipalUser && by.Admin() {
		return g.Fresh(ctx)
	}
	return nil
}

// Chat is Admit for the chat area: the gate of a browser chat turn (G5).
func (g *Gate) Chat(ctx context.Context, account store.Account) error {
	return g.admit(ctx, account, access.AreaChat)
}

func (g *Gate) admit(ctx context.Context, account store.Account, area access.Area) error {
	d, err := g.Decide(ctx, account, area)
	if err != nil {
		return err
	}
	if d[0].Allowed {
		return nil
	}
	return d[0].Fault()
}
