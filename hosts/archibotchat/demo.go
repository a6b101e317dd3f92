package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// What a local server starts with, so that its first request works.
const (
	demoCredits = 1000 * ledger.Credit
	demoKeyLife = 30 * 24 * time.Hour
	demoFile    = "demo.json" // in the data folder
)

// demoState is what a local server remembers of its demo account.
type demoState struct {
	Account string `json:"account"`
	Key     string `json:"key"` // its ID
}

// demo is a local server's demo account with a key made at this start.
type demo struct {
	account   string
	available int64
	token     keys.Token
	address   string
	model     string
	upstream  string
}

// demo returns the demo account, which it opens once, with a fresh key. The
// key of the start before is revoked.
func (in *instance) demo(ctx context.Context, app *core.App) (demo, error) {
	ctx = access.WithPrincipal(access.WithRequest(ctx, in.newID("req")), access.Principal{Kind: access.PrincipalService, ID: "demo"})
	path := filepath.Join(in.base.Data, demoFile)
	state, err := readDemo(path)
	if err != nil {
		return demo{}, err
	}
	view, err := app.Accounts.Show(ctx, state.Account)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return demo{}, err
	}
	if err != nil || view.Status == access.StatusClosed { // none yet, or another database's
		a, err := app.Accounts.Create(ctx, accounts.Draft{
			Name: "Demo", Groups: access.NewGroups(access.GroupAPI, access.GroupChat), Billing: billing.OperatorApproved,
			Credits: demoCredits, Source: ledger.SourceDemo, Reason: "demo",
		})
		if err != nil {
			return demo{}, err
		}
		state = demoState{Account: a.ID}
		if view, err = app.Accounts.Show(ctx, a.ID); err != nil {
			return demo{}, err
		}
	}
	previous := state.Key
	k, token, err := app.Keyring.Create(ctx, keyring.Draft{Account: state.Account, Name: "Demo, made " + now().Format("2006-01-02 15:04"), ExpiresIn: demoKeyLife})
	if err != nil {
		return demo{}, err
	}
	state.Key = k.ID
	text, err := json.Marshal(state)
	if err != nil {
		return demo{}, err
	}
	if err := boot.Write(path, append(text, '\n')); err != nil {
		return demo{}, err
	}
	if previous != "" {
		if _, err := app.Keyring.Revoke(ctx, state.Account, previous); err != nil && fault.KindOf(err) != fault.NotFound {
			return demo{}, err
		}
	}
	return demo{account: state.Account, available: view.Balance.Available, token: token}, nil
}

func readDemo(path string) (demoState, error) {
	var s demoState
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s is not what a server wrote; delete it to have a new demo account: %w", path, err)
	}
	return s, nil
}

// model returns a model for the first request: one with an exact price, else
// one that the upstream lists and the book prices, else a word to replace.
func (w wired) model(ctx context.Context) string {
	edition := w.app.Tariff.Known()
	if ids := edition.Exact(); len(ids) > 0 {
		return ids[0]
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	listed, _ := w.upstream.Models(ctx) // an upstream that is down is no reason not to start
	for _, m := range listed {
		if _, ok := edition.Find(m.ID); ok {
			return m.ID
		}
	}
	return "MODEL"
}

// print tells how to use the server. The curl line is one line, so that it
// can be copied, or read by a script, as it stands.
func (d demo) print(w io.Writer) {
	upstream := "Requests are forwarded to your upstream."
	if d.upstream == "demo" {
		upstream = "Demo upstream: answers come from a built-in demonstration, not from a language model; nothing leaves this machine."
	}
	model := strings.ReplaceAll(strconv.Quote(d.model), `'`, `'\''`)
	body := `{"model":` + model + `,"messages":[{"role":"user","content":"Hello"}]}`
	_, _ = fmt.Fprintf(w, `
ArchibotChat is ready at http://%[1]s (environment local: this machine only)

  %[2]s
  Demo account: %[3]s with %[4]s credits, made for this data folder.
  Demo key: new at each start, works for 30 days or until the next start; the one before is revoked.

Try it:

curl http://%[1]s/v1/chat/completions -H 'Authorization: Bearer %[5]s' -H 'Content-Type: application/json' -d '%[6]s'

`, d.address, upstream, d.account, credits.Format(d.available), d.token.Reveal(), body)
}

// printLink tells how to sign in to the demo account.
func printLink(w io.Writer, link string) {
	_, _ = fmt.Fprintf(w, "Sign in as the administrator of the demo account (works once, for 10 minutes):\n\n%s\n\n", link)
}
