package admin

import (
	"context"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/ledger"
)

type creditsCommands struct {
	Grant   creditsGrant   `cmd:"" help:"Grant credits; they expire a calendar year later."`
	Correct creditsCorrect `cmd:"" help:"Give or take credits because the books do not say what they should."`
	Balance creditsBalance `cmd:"" help:"Show what an account has and can spend."`
	Lots    creditsLots    `cmd:"" help:"Show an account's lots in the order they are spent."`
}

// balanceView is a balance in JSON, in microcredits.
type balanceView struct {
	Available int64 `json:"available"`
	Held      int64 `json:"held"`
	Expired   int64 `json:"expired"`
	Balance   int64 `json:"balance"`
}

func viewBalance(b ledger.Balance) *balanceView {
	return &balanceView{Available: b.Available, Held: b.Held, Expired: b.Expired, Balance: b.Balance}
}

// lotView is a lot in JSON.
type lotView struct {
	RequestID string          `json:"request_id,omitempty"`
	ID        string          `json:"id"`
	Account   string          `json:"account"`
	Source    ledger.Source   `json:"source"`
	State     ledger.LotState `json:"state"`
	Granted   int64           `json:"granted"`
	Remaining int64           `json:"remaining"`
	Held      int64           `json:"held"`
	GrantedAt *time.Time      `json:"granted_at"`
	ExpiresAt *time.Time      `json:"expires_at"`
}

func viewLot(l ledger.Lot) lotView {
	return lotView{
		ID: l.ID, Account: l.Account, Source: l.Source, State: l.State, Granted: l.Granted, Remaining: l.Remaining, Held: l.Held,
		GrantedAt: instant(l.GrantedAt), ExpiresAt: instant(l.ExpiresAt),
	}
}

type creditsGrant struct {
	ID      string `arg:"" help:"Account, acct_…"`
	Credits string `required:"" placeholder:"N" help:"How many credits, a decimal with at most six places."`
	Reason  string `required:"" placeholder:"TEXT" help:"Why; kept in the ledger and in Activity."`
}

// Run grants the credits and prints the lot.
func (c *creditsGrant) Run(ctx context.Context, env *Env) error {
	microcredits, err := credits.ParseCredits(c.Credits)
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	l, err := desk.Credits.Grant(ctx, credits.Grant{Account: c.ID, Amount: microcredits, Source: ledger.SourceOperator, Reason: c.Reason})
	if err != nil {
		return err
	}
	v := viewLot(l)
	v.RequestID = env.Request
	return env.print(v, func(w io.Writer) {
		row(w, "Lot", l.ID)
		row(w, "Account", l.Account)
		row(w, "Granted", amount(l.Granted))
		row(w, "Expires", stamp(l.ExpiresAt))
	})
}

type creditsCorrect struct {
	ID      string `arg:"" help:"Account, acct_…"`
	Credits string `required:"" placeholder:"±N" help:"How many credits to give, or as --credits=-N to take: a decimal with at most six places. Credits are taken as they are spent, held ones left alone, and nothing is taken unless all of it is there. They are given back to the last lot that was drawn on and has room for all of them, else as a new lot."`
	Reason  string `required:"" placeholder:"TEXT" help:"Why; kept in the ledger and in Activity."`
	Lot     string `placeholder:"ID" help:"Correct this lot and no other, lot_…; it is never brought above what was granted."`
	DryRun  bool   `help:"Show what would be done, and do nothing."`
}

// correctedView is a correction in JSON.
type correctedView struct {
	RequestID string             `json:"request_id"`
	Account   string             `json:"account"`
	DryRun    bool               `json:"dry_run"`
	At        *time.Time         `json:"at"`
	Amount    int64              `json:"amount"`
	Lots      []correctedLotView `json:"lots"`
	Available int64              `json:"available"`
}

type correctedLotView struct {
	ID     *string `json:"id"` // null: a lot that would be made
	Made   bool    `json:"made"`
	Amount int64   `json:"amount"`
}

// Run corrects, or says what would be done.
func (c *creditsCorrect) Run(ctx context.Context, env *Env) error {
	microcredits, err := credits.ParseSigned(c.Credits)
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	do := desk.Credits.Correct
	if c.DryRun {
		do = desk.Credits.Preview
	}
	done, err := do(ctx, credits.Correction{Account: c.ID, Amount: microcredits, Lot: c.Lot, Reason: c.Reason})
	if err != nil {
		return err
	}
	v := correctedView{RequestID: env.Request, Account: done.Account, DryRun: c.DryRun, At: instant(done.At), Amount: microcredits, Lots: []correctedLotView{}, Available: done.Available}
	for _, p := range done.Parts {
		l := correctedLotView{Made: p.Made, Amount: p.Amount}
		if p.Lot != "" {
			l.ID = &p.Lot
		}
		v.Lots = append(v.Lots, l)
	}
	return env.print(v, func(w io.Writer) {
		title, then := "Corrected", "Available now"
		if c.DryRun {
			title, then = "Would correct", "Available then"
		}
		row(w, title, signed(microcredits)+" credits")
		row(w, "Account", done.Account)
		for _, p := range done.Parts {
			lot := p.Lot
			switch {
			case lot == "":
				lot = "a new lot"
			case p.Made:
				lot += ", made for it"
			}
			row(w, "Lot", signed(p.Amount)+" of "+lot)
		}
		row(w, then, amount(done.Available))
		if !c.DryRun {
			row(w, "Request", env.Request)
		}
	})
}

// signed returns microcredits with their sign.
func signed(microcredits int64) string {
	if microcredits > 0 {
		return "+" + credits.Format(microcredits)
	}
	return credits.Format(microcredits)
}

type creditsBalance struct {
	ID string `arg:"" help:"Account, acct_…"`
}

// Run shows the balance.
func (c *creditsBalance) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	b, err := desk.Credits.Balance(ctx, c.ID)
	if err != nil {
		return err
	}
	out := struct {
		RequestID string       `json:"request_id"`
		Account   string       `json:"account"`
		Credits   *balanceView `json:"credits"`
	}{env.Request, c.ID, viewBalance(b)}
	return env.print(out, func(w io.Writer) {
		row(w, "Available", amount(b.Available))
		row(w, "Held", amount(b.Held))
		row(w, "Expired, not yet swept", amount(b.Expired))
		row(w, "Balance", amount(b.Balance))
	})
}

type creditsLots struct {
	ID string `arg:"" help:"Account, acct_…"`
}

// Run lists the lots.
func (c *creditsLots) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	lots, err := desk.Credits.Lots(ctx, c.ID)
	if err != nil {
		return err
	}
	out := struct {
		RequestID string    `json:"request_id"`
		Account   string    `json:"account"`
		Lots      []lotView `json:"lots"`
	}{env.Request, c.ID, []lotView{}}
	for _, l := range lots {
		out.Lots = append(out.Lots, viewLot(l))
	}
	return env.table(out, len(lots), "The account has no credits and never had any.", []string{"LOT", "SOURCE", "STATE", "GRANTED", "REMAINING", "HELD", "EXPIRES"}, func(w io.Writer) {
		for _, l := range lots {
			row(w, l.ID, string(l.Source), string(l.State), credits.Format(l.Granted), credits.Format(l.Remaining), credits.Format(l.Held), stamp(l.ExpiresAt))
		}
	})
}
