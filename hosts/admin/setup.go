package admin

import (
	"context"
	"io"
	"time"
)

type setupCommands struct {
	Show setupShow `cmd:"" help:"Show what an account has settled, and what it has acknowledged of the data boundary."`
}

type setupShow struct {
	Account string `arg:"" help:"Account, acct_…"`
}

// acknowledgementView is an acknowledgement in JSON.
type acknowledgementView struct {
	Environment string     `json:"environment"`
	Version     string     `json:"version"`
	User        string     `json:"user"`
	At          *time.Time `json:"at"`
}

// Run shows the setup.
func (c *setupShow) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	v, err := desk.Setup.Show(ctx, c.Account)
	if err != nil {
		return err
	}
	out := struct {
		RequestID        string                `json:"request_id"`
		Account          string                `json:"account"`
		IntendedUse      string                `json:"intended_use"`
		Notifications    string                `json:"notifications"`
		Files            string                `json:"files"`
		UpdatedAt        *time.Time            `json:"updated_at"`
		UpdatedBy        string                `json:"updated_by"`
		Acknowledgements []acknowledgementView `json:"acknowledgements"`
	}{env.Request, v.Account, v.IntendedUse, v.Notifications, v.Files, instant(v.UpdatedAt), v.UpdatedBy, []acknowledgementView{}}
	for _, a := range v.Acknowledgements {
		out.Acknowledgements = append(out.Acknowledgements, acknowledgementView{a.Environment, a.Version, a.User, instant(a.At)})
	}
	return env.print(out, func(w io.Writer) {
		row(w, "Account", v.Account)
		row(w, "Intended use", v.IntendedUse)
		row(w, "Notifications", v.Notifications)
		row(w, "Files", v.Files)
		row(w, "Changed", stamp(v.UpdatedAt))
		for _, a := range v.Acknowledgements {
			row(w, "Acknowledged", a.Version+" by "+a.User+" at "+stamp(a.At))
		}
	})
}
