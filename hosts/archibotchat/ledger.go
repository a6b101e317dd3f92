package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/ledger"
)

type ledgerCommands struct {
	Verify ledgerVerify `cmd:"" help:"Recompute every balance from its entries, holds and lots; exit 1 if anything differs."`
}

type ledgerVerify struct{}

// difference is a ledger.Difference in JSON.
type difference struct {
	Account string `json:"account"`
	Lot     string `json:"lot"`
	Request string `json:"request"`
	Text    string `json:"text"`
}

// Run audits all accounts. It changes nothing.
func (ledgerVerify) Run(ctx context.Context, in *instance) error {
	db, err := in.database(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	service := credits.New(credits.Deps{Store: db, Now: now, NewID: in.newID})
	found := []difference{}
	accounts, entries, err := service.Verify(ctx, func(d ledger.Difference) error {
		found = append(found, difference{d.Account, d.Lot, d.Request, d.Text})
		if in.cli.JSON {
			return nil
		}
		at := "account " + d.Account
		if d.Lot != "" {
			at += " lot " + d.Lot
		}
		_, err := fmt.Fprintf(in.Out, "%s: %s\n", at, d.Text)
		return err
	})
	if err != nil {
		return err
	}
	if in.cli.JSON {
		enc := json.NewEncoder(in.Out)
		enc.SetIndent("", "  ")
		err = enc.Encode(struct {
			OK          bool         `json:"ok"`
			Accounts    int          `json:"accounts"`
			Entries     int64        `json:"entries"`
			Differences []difference `json:"differences"`
		}{len(found) == 0, accounts, entries, found})
	} else {
		verdict := "OK"
		if len(found) > 0 {
			verdict = "DIFFERENCES: " + strconv.Itoa(len(found))
		}
		_, err = fmt.Fprintf(in.Out, "accounts: %d, entries: %d, %s\n", accounts, entries, verdict)
	}
	if err == nil && len(found) > 0 {
		err = errReported
	}
	return err
}
