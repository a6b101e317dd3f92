//go:build unix

package harness

import (
	"context"
	"testing"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/keys"
)

// Desk is the operator's use cases over a site's database, in the test's own
// process: what the commands do, without a process for each, and what only a
// sign-in does. Servers learn of it as of any other replica's doing.
type Desk struct {
	Store    *sqlstore.Store
	Accounts *accounts.Service
	Keyring  *keyring.Service
	Members  *members.Service
	Sessions *sessions.Service
	NewID    func(prefix string) string

	pepper keys.Pepper
}

// Desk opens the site's database until the test ends.
func (s *Site) Desk(t testing.TB) *Desk {
	t.Helper()
	ids := system.NewIDs(system.Now).New
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: s.Database.URL, MaxConns: 4, NewID: ids, Now: system.Now})
	if err != nil {
		t.Fatalf("open the site's database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	peppers, err := keys.ParsePeppers(s.env["ARCHIBOT_PEPPERS"])
	if err != nil {
		t.Fatalf("read the site's peppers: %v", err)
	}
	return &Desk{
		Store:    db,
		Accounts: accounts.New(accounts.Deps{Store: db, Now: system.Now, NewID: ids}),
		Keyring:  keyring.New(keyring.Deps{Store: db, Now: system.Now, NewID: ids, Entropy: system.Entropy, Peppers: peppers}),
		Members:  members.New(members.Deps{Store: db, Now: system.Now, NewID: ids, Entropy: system.Entropy}),
		Sessions: sessions.New(sessions.Deps{Store: db, Now: system.Now, NewID: ids, Entropy: system.Entropy}),
		NewID:    ids,
		pepper:   peppers[0],
	}
}

// Operator returns a context in which an operator acts.
func (d *Desk) Operator(t testing.TB) context.Context {
	t.Helper()
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "e2e"}), d.NewID("req"))
}
