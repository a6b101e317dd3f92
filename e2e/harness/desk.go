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
	Sessions *sessions.Service
	NewID    func(prefix string) string
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
		Sessions: sessions.New(sessions.Deps{Store: db, Now: system.Now, NewID: ids, Entropy: system.Entropy}),
		NewID:    ids,
	}
}

// Operator returns a context in which an operator acts.
func (d *Desk) Operator(t testing.TB) context.Context {
	t.Helper()
	return access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "e2e"}), d.NewID("req"))
}

// Person is a member of an account who is signed in.
type Person struct {
	Account string
	User    string
	Session string // its token, for the cookie
}

// Member signs somebody in to an account who was not there before.
func (d *Desk) Member(t testing.TB, account string, role access.Role) Person {
	t.Helper()
	user := d.NewID("user")
	token, _, err := d.Sessions.Mint(d.Operator(t), sessions.Draft{Account: account, User: user, Role: role})
	if err != nil {
		t.Fatalf("mint a session: %v", err)
	}
	return Person{account, user, token.Reveal()}
}

// KeyOf makes a key of a person's, or of the account's as a whole if the user
// is empty.
func (d *Desk) KeyOf(t testing.TB, account, user string) Key {
	t.Helper()
	k, token, err := d.Keyring.Create(d.Operator(t), keyring.Draft{Account: account, User: user, Name: "e2e"})
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return Key{k.ID, token.Reveal()}
}
