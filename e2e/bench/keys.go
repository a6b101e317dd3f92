//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

// credit is what each account starts with: more than a run can spend.
const credit = 1_000_000 * ledger.Credit

// makeKeys opens accounts with a key each and returns the keys. It uses the
// product as a library, because a command for each would take minutes.
func makeKeys(ctx context.Context, database, pepper string, n int) ([]string, error) {
	ids := system.NewIDs(system.Now)
	store, err := sqlstore.Open(ctx, sqlstore.Config{URL: database, NewID: ids.New, Now: system.Now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	peppers, err := keys.ParsePeppers(pepper)
	if err != nil {
		return nil, err
	}
	gate := &sessions.Gate{Store: store, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired}
	opener := accounts.New(accounts.Deps{Store: store, Now: system.Now, NewID: ids.New})
	ring := keyring.New(keyring.Deps{Store: store, Now: system.Now, NewID: ids.New, Entropy: func(b []byte) { system.Entropy(b) }, Peppers: peppers, Gate: gate.Admit})
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalOperator, ID: "bench"})

	tokens := make([]string, n)
	failed := make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range next {
				tokens[i], failed[i] = makeKey(ctx, opener, ring, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("make an account: %w", err)
		}
	}
	return tokens, nil
}

func makeKey(ctx context.Context, opener *accounts.Service, ring *keyring.Service, i int) (string, error) {
	account, err := opener.Create(ctx, accounts.Draft{
		Name: fmt.Sprintf("Bench %d", i), Groups: access.NewGroups(access.GroupAPI),
		Billing: billing.OperatorApproved, Credits: credit,
	})
	if err != nil {
		return "", err
	}
	_, token, err := ring.Create(ctx, keyring.Draft{Account: account.ID, Name: "bench"})
	if err != nil {
		return "", err
	}
	return token.Reveal(), nil
}
