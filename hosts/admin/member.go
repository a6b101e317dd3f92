package admin

import (
	"context"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

type memberCommands struct {
	List   memberList   `cmd:"" help:"List an account's members."`
	Add    memberAdd    `cmd:"" help:"Make somebody who has signed in before a member, without an invitation."`
	Role   memberRole   `cmd:"" help:"Change what a member may do."`
	Remove memberRemove `cmd:"" help:"Remove a member: their sessions of the account end and their keys of it are revoked at once."`
}

// memberView is a member in JSON.
type memberView struct {
	RequestID string      `json:"request_id,omitempty"`
	Account   string      `json:"account,omitempty"`
	User      string      `json:"user"`
	Role      access.Role `json:"role"`
	Email     string      `json:"email,omitempty"`
	Name      string      `json:"name,omitempty"`
	CreatedAt *time.Time  `json:"created_at"`
	SeenAt    *time.Time  `json:"seen_at,omitempty"`
}

func (e *Env) printMember(m store.Member) error {
	return e.print(memberView{RequestID: e.Request, Account: m.Account, User: m.User, Role: m.Role, CreatedAt: instant(m.CreatedAt)}, func(w io.Writer) {
		row(w, "Account", m.Account)
		row(w, "User", m.User)
		row(w, "Role", string(m.Role))
		row(w, "Since", stamp(m.CreatedAt))
	})
}

type memberList struct {
	Account string `arg:"" help:"Account, acct_…"`
	paging
}

// Run lists members.
func (c *memberList) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	found, err := desk.Members.List(ctx, c.Account, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string       `json:"request_id"`
		Members   []memberView `json:"members"`
	}{env.Request, []memberView{}}
	for _, m := range found {
		out.Members = append(out.Members, memberView{User: m.User, Role: m.Role, Email: m.Email, Name: m.Name, CreatedAt: instant(m.CreatedAt), SeenAt: instant(m.SeenAt)})
	}
	return env.table(out, len(found), c.empty("The account has no members."), []string{"USER", "ROLE", "E-MAIL", "NAME", "SINCE", "SEEN"}, func(w io.Writer) {
		for _, m := range found {
			row(w, m.User, string(m.Role), m.Email, m.Name, stamp(m.CreatedAt), stamp(m.SeenAt))
		}
	})
}

type memberAdd struct {
	Account string `arg:"" help:"Account, acct_…"`
	User    string `placeholder:"ID" help:"User, user_…"`
	Issuer  string `placeholder:"URL" help:"Or the issuer of the identity provider that knows them,"`
	Subject string `placeholder:"ID" help:"and what it calls them."`
	Role    string `default:"member" placeholder:"ROLE" help:"member or admin (${default})."`
}

// Run adds the member.
func (c *memberAdd) Run(ctx context.Context, env *Env) error {
	if (c.User == "") == (c.Issuer == "" || c.Subject == "") {
		return fault.New(fault.Invalid, "whose", "Name the user by --user, or by --issuer and --subject.")
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if c.User == "" {
		u, err := desk.Members.Find(ctx, c.Issuer, c.Subject)
		if err != nil {
			return err
		}
		c.User = u.ID
	}
	m, err := desk.Members.Add(ctx, c.Account, c.User, access.Role(c.Role))
	if err != nil {
		return err
	}
	return env.printMember(m)
}

type memberRole struct {
	Account string `arg:"" help:"Account, acct_…"`
	User    string `arg:"" help:"User, user_…"`
	Role    string `arg:"" help:"member or admin."`
}

// Run changes the role.
func (c *memberRole) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	m, err := desk.Members.SetRole(ctx, c.Account, c.User, access.Role(c.Role))
	if err != nil {
		return err
	}
	return env.printMember(m)
}

type memberRemove struct {
	Account string `arg:"" help:"Account, acct_…"`
	User    string `arg:"" help:"User, user_…"`
}

// Run removes the member.
func (c *memberRemove) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if err := desk.Members.Remove(ctx, c.Account, c.User); err != nil {
		return err
	}
	return env.print(memberView{RequestID: env.Request, Account: c.Account, User: c.User}, func(w io.Writer) {
		row(w, "Removed", c.User)
	})
}

type inviteCommand struct {
	Account string `arg:"" help:"Account, acct_…"`
	Email   string `arg:"" help:"Whom to invite; they must sign in with this address."`
	Role    string `default:"admin" placeholder:"ROLE" help:"member or admin (${default})."`
}

// Run invites somebody and prints the link.
func (c *inviteCommand) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	v, token, err := desk.Members.Invite(ctx, c.Account, c.Email, access.Role(c.Role))
	if err != nil {
		return err
	}
	return env.printInvitation(v, token)
}

// invitationView is an invitation in JSON, with its link.
type invitationView struct {
	RequestID string      `json:"request_id,omitempty"`
	ID        string      `json:"id"`
	Account   string      `json:"account"`
	Email     string      `json:"email"`
	Role      access.Role `json:"role"`
	Link      string      `json:"link"`
	Token     string      `json:"token"`
	ExpiresAt *time.Time  `json:"expires_at"`
}

func (e *Env) viewInvitation(v store.Invitation, token access.Token) invitationView {
	return invitationView{
		ID: v.ID, Account: v.Account, Email: v.Email, Role: v.Role, Link: e.link(token), Token: token.Reveal(), ExpiresAt: instant(v.ExpiresAt),
	}
}

// link returns where an invitation is accepted.
func (e *Env) link(token access.Token) string {
	site := ""
	if e.Site != nil {
		site = e.Site()
	}
	return site + access.InvitationPath + "#" + token.Reveal()
}

func (e *Env) printInvitation(v store.Invitation, token access.Token) error {
	out := e.viewInvitation(v, token)
	out.RequestID = e.Request
	return e.print(out, func(w io.Writer) {
		row(w, "ID", v.ID)
		row(w, "Account", v.Account)
		row(w, "E-mail", v.Email)
		row(w, "Role", string(v.Role))
		row(w, "Expires", stamp(v.ExpiresAt))
		row(w, "Link", out.Link)
		row(w, "Note", "Send it now: it cannot be shown again.")
	})
}
