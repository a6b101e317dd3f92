package admin

import (
	"context"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

type requestCommands struct {
	List    requestList    `cmd:"" help:"List requests for access, newest first."`
	Show    requestShow    `cmd:"" help:"Show a request."`
	Approve requestApprove `cmd:"" help:"Open an account for the applicant and invite them as its administrator. The link is printed this once."`
	Deny    requestDeny    `cmd:"" help:"Refuse a request."`
	Reopen  requestReopen  `cmd:"" help:"Take a denial back."`
}

// requestView is a request for access in JSON.
type requestView struct {
	RequestID   string             `json:"request_id,omitempty"`
	ID          string             `json:"id"`
	State       store.RequestState `json:"state"`
	Email       string             `json:"email"`
	Company     string             `json:"company"`
	IntendedUse string             `json:"intended_use"`
	Products    []string           `json:"products"`
	Times       int64              `json:"times"`
	CreatedAt   *time.Time         `json:"created_at"`
	DecidedAt   *time.Time         `json:"decided_at"`
	DecidedBy   string             `json:"decided_by"`
	Reason      string             `json:"reason"`
	Account     string             `json:"account"`
	Invitation  *invitationView    `json:"invitation,omitempty"`
}

func viewRequest(r store.AccessRequest) requestView {
	v := requestView{
		ID: r.ID, State: r.State, Email: r.Email, Company: r.Company, IntendedUse: r.Use, Products: []string{}, Times: r.Times,
		CreatedAt: instant(r.CreatedAt), DecidedAt: instant(r.DecidedAt), DecidedBy: r.DecidedBy, Reason: r.Reason, Account: r.Account,
	}
	for _, g := range r.Products.List() {
		v.Products = append(v.Products, string(g))
	}
	return v
}

func (e *Env) printRequest(r store.AccessRequest, more func(v *requestView, w io.Writer)) error {
	v := viewRequest(r)
	v.RequestID = e.Request
	if more == nil {
		more = func(*requestView, io.Writer) {}
	}
	more(&v, nil)
	return e.print(v, func(w io.Writer) {
		row(w, "ID", r.ID)
		row(w, "State", string(r.State))
		row(w, "E-mail", r.Email)
		row(w, "Company", r.Company)
		row(w, "Wants", r.Products.String())
		row(w, "Intended use", r.Use)
		row(w, "Asked", stamp(r.CreatedAt))
		row(w, "Decided", stamp(r.DecidedAt))
		row(w, "Reason", r.Reason)
		row(w, "Account", r.Account)
		more(&v, w)
	})
}

type requestList struct {
	State string `default:"open" enum:"open,approved,denied,all" help:"open, approved, denied or all (${default})."`
	paging
}

// Run lists requests.
func (c *requestList) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	state := store.RequestState(c.State)
	if c.State == "all" {
		state = ""
	}
	found, err := desk.Requests.List(ctx, state, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string        `json:"request_id"`
		Requests  []requestView `json:"access_requests"`
	}{env.Request, []requestView{}}
	for _, r := range found {
		out.Requests = append(out.Requests, viewRequest(r))
	}
	return env.table(out, len(found), c.empty("There are no such requests."), []string{"ID", "STATE", "E-MAIL", "COMPANY", "WANTS", "ASKED"}, func(w io.Writer) {
		for _, r := range found {
			row(w, r.ID, string(r.State), r.Email, r.Company, r.Products.String(), stamp(r.CreatedAt))
		}
	})
}

type requestShow struct {
	ID string `arg:"" help:"Request, acr_…"`
}

// Run shows a request.
func (c *requestShow) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	r, err := desk.Requests.Show(ctx, c.ID)
	if err != nil {
		return err
	}
	return env.printRequest(r, nil)
}

type requestApprove struct {
	ID      string `arg:"" help:"Request, acr_…"`
	Groups  string `placeholder:"LIST" help:"Product groups of the account; those that were asked for unless said."`
	Billing string `default:"operator_approved" placeholder:"STATE" help:"Billing state of the account (${default})."`
	Name    string `help:"Name of the account; the company's unless said."`
}

// Run approves the request and prints the invitation's link.
func (c *requestApprove) Run(ctx context.Context, env *Env) error {
	groups, err := access.ParseGroups(c.Groups)
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
	a, err := desk.Requests.Approve(ctx, c.ID, requests.Terms{Groups: groups, Billing: state, Name: c.Name})
	if err != nil {
		return err
	}
	invitation := env.viewInvitation(a.Invitation, a.Token)
	return env.printRequest(a.Request, func(v *requestView, w io.Writer) {
		if w == nil {
			v.Invitation = &invitation
			return
		}
		row(w, "Link", invitation.Link)
		row(w, "Note", "Send it now: it cannot be shown again.")
	})
}

type requestDeny struct {
	ID     string `arg:"" help:"Request, acr_…"`
	Reason string `required:"" help:"Why, for the applicant."`
}

// Run denies the request.
func (c *requestDeny) Run(ctx context.Context, env *Env) error {
	if c.Reason == "" {
		return fault.New(fault.Invalid, "invalid_text", "Say why, for the applicant.")
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	r, err := desk.Requests.Deny(ctx, c.ID, c.Reason)
	if err != nil {
		return err
	}
	return env.printRequest(r, nil)
}

type requestReopen struct {
	ID string `arg:"" help:"Request, acr_…"`
}

// Run takes a denial back.
func (c *requestReopen) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	r, err := desk.Requests.Reopen(ctx, c.ID)
	if err != nil {
		return err
	}
	return env.printRequest(r, nil)
}
