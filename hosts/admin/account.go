package admin

import (
	"context"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

type accountCommands struct {
	Create accountCreate `cmd:"" help:"Open an account."`
	Show   accountShow   `cmd:"" help:"Show an account and its credits."`
	Set    accountSet    `cmd:"" help:"Change an account; what is not named stays as it is."`
	List   accountList   `cmd:"" help:"List accounts in the order they were opened."`
}

// accountView is an account in JSON.
type accountView struct {
	RequestID string        `json:"request_id,omitempty"`
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Status    access.Status `json:"status"`
	Groups    []string      `json:"groups"`
	Billing   billing.State `json:"billing"`
	Credits   *balanceView  `json:"credits,omitempty"`
	CreatedAt *time.Time    `json:"created_at"`
	UpdatedAt *time.Time    `json:"updated_at"`
}

func viewAccount(a store.Account) accountView {
	v := accountView{ID: a.ID, Name: a.Name, Status: a.Status, Groups: []string{}, Billing: a.Billing, CreatedAt: instant(a.CreatedAt), UpdatedAt: instant(a.UpdatedAt)}
	for _, g := range a.Groups.List() {
		v.Groups = append(v.Groups, string(g))
	}
	return v
}

// show prints an account as it is in the database now.
func (e *Env) show(ctx context.Context, desk *Desk, id string) error {
	a, err := desk.Accounts.Show(ctx, id)
	if err != nil {
		return err
	}
	v := viewAccount(a.Account)
	v.RequestID = e.Request
	v.Credits = viewBalance(a.Balance)
	return e.print(v, func(w io.Writer) {
		row(w, "ID", a.ID)
		row(w, "Name", a.Name)
		row(w, "Status", string(a.Status))
		row(w, "Groups", a.Groups.String())
		row(w, "Billing", string(a.Billing))
		row(w, "Available", amount(a.Balance.Available))
		row(w, "Held", amount(a.Balance.Held))
		row(w, "Created", stamp(a.CreatedAt))
	})
}

type accountCreate struct {
	Name    string `required:"" help:"Name, at most 100 characters."`
	Groups  string `placeholder:"LIST" help:"Product groups, separated by commas: chat, api, workspace, operator. None unless named."`
	Billing string `default:"none" placeholder:"STATE" help:"none, incomplete, trial, active, operator_approved, past_due, review or cancelled (${default})."`
	Credits string `default:"0" placeholder:"N" help:"First grant in credits, a decimal with at most six places (${default})."`
	Status  string `default:"active" placeholder:"STATUS" help:"pending, active, suspended or closed (${default})."`
}

// Run opens the account.
func (c *accountCreate) Run(ctx context.Context, env *Env) error {
	groups, err := access.ParseGroups(c.Groups)
	if err != nil {
		return err
	}
	microcredits, err := credits.ParseCredits(c.Credits)
	if err != nil {
		return err
	}
	state, err := billing.Parse(c.Billing)
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	a, err := desk.Accounts.Create(ctx, accounts.Draft{
		Name: c.Name, Groups: groups, Billing: state, Status: access.Status(c.Status),
		Credits: microcredits, Source: ledger.SourceOperator,
	})
	if err != nil {
		return err
	}
	return env.show(ctx, desk, a.ID)
}

type accountShow struct {
	ID string `arg:"" help:"Account, acct_…"`
}

// Run shows the account.
func (c *accountShow) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	return env.show(ctx, desk, c.ID)
}

type accountSet struct {
	ID      string  `arg:"" help:"Account, acct_…"`
	Name    *string `help:"New name."`
	Groups  *string `placeholder:"LIST" help:"All its product groups, separated by commas; \"\" for none."`
	Billing *string `placeholder:"STATE" help:"Billing state."`
	Status  *string `placeholder:"STATUS" help:"pending, active, suspended or closed."`
}

// Run changes the account and shows it.
func (c *accountSet) Run(ctx context.Context, env *Env) error {
	change := accounts.Change{Name: c.Name}
	if c.Groups != nil {
		groups, err := access.ParseGroups(*c.Groups)
		if err != nil {
			return err
		}
		change.Groups = &groups
	}
	if c.Billing != nil {
		state, err := billing.Parse(*c.Billing)
		if err != nil {
			return err
		}
		change.Billing = &state
	}
	if c.Status != nil {
		status := access.Status(*c.Status)
		change.Status = &status
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if _, err := desk.Accounts.Set(ctx, c.ID, change); err != nil {
		return err
	}
	return env.show(ctx, desk, c.ID)
}

type accountList struct{ paging }

// Run lists accounts.
func (c *accountList) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	found, err := desk.Accounts.List(ctx, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string        `json:"request_id"`
		Accounts  []accountView `json:"accounts"`
	}{env.Request, []accountView{}}
	for _, a := range found {
		out.Accounts = append(out.Accounts, viewAccount(a))
	}
	return env.table(out, len(found), c.empty("There are no accounts."), []string{"ID", "NAME", "STATUS", "GROUPS", "BILLING", "CREATED"}, func(w io.Writer) {
		for _, a := range found {
			row(w, a.ID, a.Name, string(a.Status), a.Groups.String(), string(a.Billing), stamp(a.CreatedAt))
		}
	})
}
